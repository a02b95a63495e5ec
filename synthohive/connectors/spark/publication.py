"""What writing to folders and to tables of a catalogue share: all tables, or none."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from synthohive._files import check_if_exists
from synthohive.connectors.spark.columns import stored
from synthohive.exceptions import SchemaError
from synthohive.io.base import TABLE_FORMATS, Provenance
from synthohive.io.steps import step
from synthohive.schema import Metadata, TableConfig

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Asked", "Frames", "Publication", "WrittenTables"]

Frames = Mapping[str, Any]


@dataclass(frozen=True)
class WrittenTables:
    """What was written.

    Attributes
    ----------
    places : dict of str to str
        Where each table is: a folder, or a table's name.
    rows : dict of str to int
    declared : tuple of str
        The keys that the catalogue took, as it enforces none.
    """

    places: dict[str, str]
    rows: dict[str, int]
    declared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """How tables are to be written.

    Attributes
    ----------
    format : {"delta", "parquet"}
    if_exists : {"fail", "replace"}
        What is done about a table that an earlier run wrote; any other is never replaced.
    replacing : str
        How the caller asks for "replace".
    overwrite_schema : bool, default False
        Replace the columns of Delta tables, too, where they are others.
    foreign : collection of str
        Tables that may be replaced although no run wrote them; of folders, those of Delta, whose
        history stays.
    read : collection of str
        Names and paths of what was learned from, which is never written to.
    sources : frozenset of str
        Fingerprints of the same (:meth:`Reader.fingerprint`).
    check : callable, optional
        Looks at the rows of all tables before any is published, and raises if they may not be.
    make : callable, optional
        Returns the tables once the place is known to take them; those that were given are empty
        ones then.
    """

    format: str
    if_exists: str = "fail"
    replacing: str = 'if_exists="replace"'
    overwrite_schema: bool = False
    foreign: Collection[str] = ()
    read: Collection[str] = ()
    sources: frozenset[str] = frozenset()
    check: Optional[Callable[[dict[str, DataFrame]], None]] = None
    make: Optional[Callable[[], Frames]] = None

    def validate(self, frames: Frames) -> None:
        """Refuse what cannot be had, before Spark is touched.

        Raises
        ------
        ConnectorError, SchemaError
        """
        check_if_exists(self.if_exists)
        if self.format not in TABLE_FORMATS:
            listed = ", ".join(TABLE_FORMATS)
            raise SchemaError(f"format is {self.format!r:.100}; it must be one of {listed}.")
        if not frames:
            raise SchemaError("There are no tables to write.")


class Publication(ABC):
    """One run: rows are staged where nobody looks, then published, or taken back.

    Parameters
    ----------
    frames : dict of str to pyspark.sql.DataFrame
        Lazy ones; each is evaluated once.
    asked : Asked
    metadata : Metadata
        Describes the columns: what is NOT NULL, and comments.
    provenance : Provenance

    Attributes
    ----------
    token : str
        Tells this run from others.
    rows : dict of str to int
        Of the tables that are staged.
    """

    def __init__(
        self, frames: Frames, asked: Asked, metadata: Metadata, provenance: Provenance
    ) -> None:
        self.frames, self.asked = frames, asked
        self.metadata, self.provenance = metadata, provenance
        self.spark: SparkSession = next(iter(frames.values())).sparkSession
        self.tables, self.token = list(frames), secrets.token_hex(4)
        self.rows: dict[str, int] = {}

    def carry_out(self) -> None:
        """Look, have the rows made, stage them, have them looked at, and publish them."""
        with self.locked():
            self.look(self.frames)
            made = self.frames if self.asked.make is None else self.asked.make()
            staged = {name: self.stage(name, made[name]) for name in self.tables}
            step("tables staged")
            if self.asked.check is not None:
                self.asked.check(staged)
            self.publish(staged)

    @abstractmethod
    def locked(self) -> AbstractContextManager[None]:
        """Have the place alone, after what killed runs left is put right; leave no staging."""

    @abstractmethod
    def look(self, frames: Frames) -> None:
        """Refuse what may not be replaced, and note how tables are before they are changed."""

    @abstractmethod
    def stage(self, table: str, frame: DataFrame) -> DataFrame:
        """Write the rows of a table where nobody looks; return them as they were written."""

    @abstractmethod
    def publish(self, staged: Mapping[str, DataFrame]) -> None:
        """Put all tables in their places; what fails is taken back as :meth:`locked` is left."""

    def stored(self, table: str, frame: DataFrame) -> DataFrame:
        """Return rows as a table of the format holds them."""
        return stored(frame, self.config(table), self.asked.format, self.metadata.dialect or "")

    def config(self, table: str) -> TableConfig:
        """Return what is described of a table."""
        known = self.metadata.tables.get(table)
        return TableConfig(name=table) if known is None else known
