"""A folder a table, Parquet or Delta: all tables, or none.

Rows are made and written where nobody looks, in a staging folder beside, so that what takes hours
and may fail changes nothing. Then each table is published, in one step where there is one:

* a new folder, and one of Parquet, by a rename (on this machine and on HDFS);
* a Delta table that is there, by one transaction, which keeps its history and layout.

If one fails, those before it are taken back. A run that is killed meanwhile leaves a plan in its
staging folder, by which the next run takes back what it published, before it does anything else.
Object stores rename nothing: new tables are written where they stay, and a Parquet folder that is
there is not replaced.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Optional, Union

import pyarrow as pa

from synthohive._files import LEDGER, file_names, ledger_of, with_listed
from synthohive._logging import get_logger
from synthohive.connectors.dialect import hashes
from synthohive.connectors.spark.columns import columns_sql
from synthohive.connectors.spark.delta import (
    DeltaState,
    DeltaTable,
    mapped,
    properties_of,
    properties_sql,
    same_columns,
)
from synthohive.connectors.spark.names import is_path
from synthohive.connectors.spark.publication import Asked, Frames, Publication, WrittenTables
from synthohive.connectors.spark.refusals import failing, not_taken_back
from synthohive.connectors.spark_sql.text import literal, quote
from synthohive.exceptions import ConnectorError, hide_secrets
from synthohive.io.base import Provenance
from synthohive.io.steps import step
from synthohive.io.stores import FolderLease, Store, overlapping, spellings
from synthohive.schema import Metadata

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["is_source", "write_folders"]

log = get_logger(__name__)
_LOCK = "_synthohive_lock"
_STAGING = re.compile(r"_synthohive_[0-9a-f]{8}")
"""What Spark's readers pass over, as it begins with an underscore."""
_PLAN, _WHOLE, _NEW, _OLD, _BEGUN = "plan.json", "whole", "new", "old", "begun"
_ERRORS = (OSError, pa.ArrowException)


def write_folders(
    frames: Frames,
    path: Union[str, os.PathLike[str]],
    metadata: Metadata,
    provenance: Provenance,
    asked: Asked,
) -> WrittenTables:
    """Write each table to a folder of its name: all of them, or none.

    Parameters
    ----------
    frames, metadata, provenance, asked
        As of :class:`Publication`.
    path : str or path
        The folder that gets a folder for each table, which Spark and this process reach alike.

    Raises
    ------
    ConnectorError
        A folder may not be replaced, or Spark failed. Nothing was changed.
    """
    asked.validate(frames)
    run = _Run(frames, asked, metadata, provenance, Store(path))
    store = run.store
    places = [p for name in run.names.values() for p in spellings(store.uri(name))]
    if is_source(places, asked.sources) or any(
        overlapping(place, path) for place in filter(is_path, asked.read)
    ):
        raise ConnectorError(f"{store.shown!r} holds what was read.", hint="Choose another place.")
    try:
        run.carry_out()
    except _ERRORS as exc:
        reason = os.strerror(exc.errno) if isinstance(exc, OSError) and exc.errno else ""
        raise ConnectorError(
            f"The folder {store.shown!r} cannot be written to: {reason or hide_secrets(str(exc))}."
        ) from exc
    return WrittenTables({name: store.uri(run.names[name]) for name in frames}, run.rows)


def is_source(places: Iterable[str], sources: frozenset[str]) -> bool:
    """Whether a table in one of some places, as catalogues write them, is or lies in what was read.

    Of what was read, there may be hashes alone: what lies above it cannot be told by them.
    """
    tried = {above for place in places for above in _and_above(place.rstrip("/"))}
    return not sources.isdisjoint(hashes(("spark table", place) for place in tried))


def _and_above(place: str) -> Iterator[str]:
    while place:
        yield place
        place = place.rpartition("/")[0]


class _Run(Publication):
    """One run; see the module."""

    def __init__(
        self,
        frames: Frames,
        asked: Asked,
        metadata: Metadata,
        provenance: Provenance,
        store: Store,
    ) -> None:
        super().__init__(frames, asked, metadata, provenance)
        self.store, self.names = store, file_names(self.tables)
        self.there: dict[str, Optional[DeltaState]] = {}  # None: no Delta table
        self.aside: dict[str, bool] = {}  # folders that make room for new ones
        self.staging = f"_synthohive_{self.token}"
        self.lease = FolderLease(self.store, _LOCK, self.recover)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have the folder alone, after what killed runs left is put right; leave no staging."""
        made = self.store.kind() is None
        self.store.make()
        self.lease.take(self.staging)
        try:
            for name in self.store.names():
                if _STAGING.fullmatch(name):  # whoever made it is gone: the lock is ours
                    self.recover(name)
            self.store.make(self.staging, _BEGUN)
            self._same_store()
            try:
                yield
            finally:
                self.recover(self.staging)
        finally:
            self.lease.release()
            if made:
                self.store.remove_empty()

    def _same_store(self) -> None:
        """See that Spark looks at the same folder as this process."""
        self.store.write(self.token, self.staging, "seen")
        with failing(f"reading from the folder {self.store.shown!r}"):
            rows = self.spark.read.text(self.store.uri(self.staging, "seen")).collect()
        if [row[0] for row in rows] != [self.token]:
            raise ConnectorError(
                f"Spark finds another folder at {self.store.shown!r} than this process.",
                hint="Write to a folder that both reach, or to tables of a catalogue.",
            )

    # What is there

    def look(self, frames: Frames) -> None:
        """Refuse what may not be replaced, and note how tables are before they are changed."""
        listed = self._ledger()
        plan: dict[str, Any] = {}
        for table, name in self.names.items():
            self.there[table] = self._replaceable(table, listed)
            state = self.there[table]
            there = state is None and self.store.kind(name) is not None
            self.aside[table] = self.store.renames and there
            version = None if state is None else state.version
            plan[name] = {"version": version, "aside": self.aside[table]}
            if state is not None and not self.asked.overwrite_schema:
                with failing(f"reading the columns of {self.store.show(name)!r}"):
                    found = self.spark.read.format("delta").load(self.store.uri(name))
                    same_columns(self.stored(table, frames[table]), found, name)
        self.store.write(json.dumps({"run": self.token, "tables": plan}), self.staging, _PLAN)

    def _replaceable(self, table: str, listed: Mapping[str, list[str]]) -> Optional[DeltaState]:
        """Return what a Delta table is that is replaced in a transaction; None of others."""
        name = self.names[table]
        kind = self.store.kind(name)
        if kind is None or (kind == "folder" and not self.store.names(name)):
            return None
        place = f"The folder {self.store.show(name)!r}"
        delta = self.store.kind(name, "_delta_log") == "folder"
        state = self._table(name).state() if delta else None
        if state is not None:
            ours = state.ours or (table in self.asked.foreign and self.asked.format == "delta")
        else:
            ours = self.store.digest(name) in listed.get(name, [])
        if self.asked.if_exists == "fail":
            raise ConnectorError(
                f"{place} exists.", hint=f"Choose another place, or pass {self.asked.replacing}."
            )
        if not ours:
            raise ConnectorError(
                f"SynthoHive did not make {place[0].lower()}{place[1:]}, or it was changed since.",
                hint="Choose another place.",
            )
        if self.asked.format == "delta" and state is not None:
            return state
        if not self.store.renames:
            raise ConnectorError(
                f"{place} cannot be replaced: an object store renames no folder, so that readers "
                "would see old and new files together.",
                hint='Choose another folder, or format="delta".',
            )
        return None

    def _ledger(self) -> dict[str, list[str]]:
        return ledger_of(self.store.read(LEDGER), "folders", self.store.shown)

    def _list(self, listed: Mapping[str, list[str]]) -> None:
        self.store.write(with_listed(self.store.read(LEDGER), "folders", listed), LEDGER)

    def _table(self, *names: str) -> DeltaTable:
        return DeltaTable.in_folder(self.spark, self.store.uri(*names))

    # Rows

    def stage(self, table: str, frame: DataFrame) -> DataFrame:
        """Write the rows of a table where nobody looks; return them as they were written."""
        place = self._staged(table)
        if place[0] != self.staging:  # where nothing can be renamed
            self.store.write("", self.staging, _BEGUN, self.names[table])
        rows, uri = self.stored(table, frame), self.store.uri(*place)
        with failing(f"writing table {table!r}"):
            if self.asked.format == "delta":
                self._make_delta(table, rows, uri)
                rows.write.format("delta").mode("append").save(uri)
            else:
                rows.write.mode("error").parquet(uri)
            written = self.spark.read.format(self.asked.format).load(uri)
            self.rows[table] = written.count()
        step("table staged")
        return written

    def _staged(self, table: str) -> tuple[str, ...]:
        name = self.names[table]
        if not self.store.renames and self.there[table] is None:
            return (name,)
        return (self.staging, _NEW, name)

    def _make_delta(self, table: str, rows: DataFrame, uri: str) -> None:
        """Make an empty table: what DataFrames write has neither NOT NULL nor properties."""
        config = self.config(table)
        properties = {**properties_of(self.provenance, self.token), **mapped(rows.columns)}
        name = quote(f"synthohive_{self.token}_{self.tables.index(table)}")
        comment = f"COMMENT {literal(config.comment)} " if config.comment else ""
        self.spark.sql(
            f"CREATE TABLE {name} ({columns_sql(rows, config)}) USING delta {comment}"
            f"LOCATION {literal(uri)} TBLPROPERTIES {properties_sql(properties)}"
        ).collect()
        self.spark.sql(f"DROP TABLE {name}").collect()  # of a catalogue, where it has no place

    # The publication

    def publish(self, staged: Mapping[str, DataFrame]) -> None:
        """Put all tables in their places; if one fails, :meth:`recover` takes back all."""
        self.lease.confirm()
        before = self._ledger()
        for table in self.tables:
            self._unchanged(table, before)
        sums = {
            self.names[t]: self.store.digest(*self._staged(t))
            for t in self.tables
            if self.asked.format == "parquet"
        }
        self._list({**before, **{n: [*before.get(n, []), s] for n, s in sums.items()}})
        for table in self.tables:
            self._put(table, staged[table])
            step("table published")
        self.store.write("", self.staging, _WHOLE)
        step("committed")
        others = {n: s for n, s in before.items() if n not in self.names.values()}
        try:
            self._list({**others, **{name: [total] for name, total in sums.items()}})
        except _ERRORS as exc:  # sums of what is gone do no harm
            log.warning("ledger_not_trimmed", folder=self.store.shown, reason=type(exc).__name__)

    def _unchanged(self, table: str, listed: Mapping[str, list[str]]) -> None:
        """Refuse to go on where somebody changed a table since it was looked at."""
        name = self.names[table]
        if self._staged(table)[0] == name:
            return
        now, then = self._replaceable(table, listed), self.there[table]
        if (now and now.version) != (then and then.version):
            raise ConnectorError(
                f"The table in {self.store.show(name)!r} was changed while rows were made.",
                hint="Nothing was changed. Run again.",
            )

    def _put(self, table: str, staged: DataFrame) -> None:
        name, state = self.names[table], self.there[table]
        if self._staged(table)[0] == name:
            return
        self.store.write("", self.staging, _BEGUN, name)
        if state is not None:
            with failing(f"replacing the rows of {self.store.show(name)!r}"):
                place = self._table(name)
                place.mark(properties_of(self.provenance, self.token))
                place.replace_rows(staged, state, self.token, schema=self.asked.overwrite_schema)
            return
        if self.aside[table]:
            self.store.make(self.staging, _OLD)
            self.store.move([name], [self.staging, _OLD, name])
            step("old table aside")
        self.store.move([self.staging, _NEW, name], [name])

    def recover(self, staging: str) -> None:
        """Remove the staging folder of a run that has ended; take back what it did not finish.

        Raises
        ------
        ConnectorError
            Something is not taken back: the folder stays, with the old tables, for the next run.
        """
        if not _STAGING.fullmatch(staging):  # of no run of ours
            return
        text = self.store.read(staging, _PLAN)
        if text is not None and self.store.kind(staging, _WHOLE) is None:
            plan, failed = json.loads(text), {}
            for name in self.store.names(staging, _BEGUN):
                try:
                    self._take_back(staging, name, plan["run"], **plan["tables"][name])
                except (ConnectorError, *_ERRORS) as exc:  # the others are not to blame
                    failed[name] = hide_secrets(getattr(exc, "message", str(exc)))
                    log.warning("not_taken_back", table=self.store.show(name), reason=failed[name])
            if failed:
                raise not_taken_back(self.store.shown, failed, f"folder {staging}")
        self.store.remove(staging)

    def _take_back(
        self, staging: str, name: str, run: str, version: Optional[int], aside: bool
    ) -> None:
        if version is not None:
            self._table(name).undo(run, version)
        elif aside:
            if self.store.kind(staging, _OLD, name) is not None:  # else the old one is in its place
                if self.store.kind(name) and self.store.kind(staging, _NEW, name):
                    raise ConnectorError("Somebody else's folder is in the place of the old one.")
                self.store.remove(name)
                self.store.move([staging, _OLD, name], [name])
        elif self.store.kind(staging, _NEW, name) is None:  # it was moved, or made in its place
            self.store.remove(name)
