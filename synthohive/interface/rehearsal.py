"""The rehearsal of `fit`: rows, checkpoint and target, before the first epoch."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Optional, Union

import pyarrow as pa

from synthohive._logging import get_logger, quiet
from synthohive._workspace import Workspace
from synthohive.connectors.engines import to_engine
from synthohive.connectors.sql import SqlWarehouse
from synthohive.constrain.exclusions import not_kept
from synthohive.exceptions import ConnectorError, RehearsalError, TrainingError
from synthohive.generate.database import generate_database
from synthohive.interface.checkpoint import read_content, write_content
from synthohive.interface.outputs import forms_of, to_memory
from synthohive.interface.targets import open_target
from synthohive.interface.writing import provenance_of, score_tables
from synthohive.io.base import NoPlaceError, Reader
from synthohive.learn.fitted import FittedDatabase
from synthohive.learn.rehearsal import few_of_each, not_understood, sound_rows, untrained
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.train.job import TrainingJob

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

__all__ = ["Rehearsal", "Target"]

log = get_logger(__name__)

Target = Union[str, "URL", "Engine", Literal[False], None]
_REMEDY = (
    "Leave out what it names with exclude=[…] or metadata.exclude('table.column'), change it in "
    "the source, or fit with target=False if nothing is to be written there."
)
_BROKEN_CHECK = re.compile(r"check constraint|CONSTRAINT .+ failed for", re.IGNORECASE)
"""How the engines, MariaDB last, say that a row breaks a CHECK."""


@dataclass
class Rehearsal:
    """Runs the whole chain with few rows; called by the fit before it trains.

    Attributes
    ----------
    source : Reader
    model : type
        To read models back by.
    target : str, URL or Engine, optional
        As :meth:`Synthesizer.fit` takes it; None: beside the source, if that is a database;
        False: nowhere.
    sources : frozenset of str
        Fingerprints of what was read before, none of which is ever written to.
    kept : bool
        Whether the fit is to be kept in a folder.
    include : collection of {"views", "materialized_views", "triggers"}
        What is tried beside the tables.

    Raises
    ------
    SchemaError, ConnectorError
        `target` is no database.
    """

    source: Reader
    model: type[ConditionalGenerativeModel]
    target: Target
    sources: frozenset[str]
    kept: bool
    include: Collection[str] = ()

    def __post_init__(self) -> None:
        named = self.target is not None and self.target is not False
        self._engine = to_engine(self.target) if named else None  # type: ignore[arg-type]

    def __call__(self, fitted: FittedDatabase, jobs: Mapping[str, TrainingJob]) -> None:
        """Rehearse.

        Raises
        ------
        RehearsalError
            Naming the table, and the column or the constraint, that fails.
        """
        started = time.perf_counter()
        with quiet(), Workspace() as folder:
            state = untrained(fitted, jobs)
            with _doing("Keeping the form of the given frames"):
                state = replace(state, forms=forms_of(self.source, state))
            with _doing("Writing and reading a checkpoint"):
                state = self._read_back(state, folder)
            sizes = few_of_each(state)
            with (
                _doing("Making the rows"),
                generate_database(state, seed=0, num_rows=sizes, n_jobs=1) as spools,
            ):
                score_tables(state, spools)
                to_memory(spools, "pandas", state)
                rows = {n: s.column_table(s.schema.names) for n, s in spools.items()}
        beside = self.target is None and isinstance(self.source, SqlWarehouse)
        loaded = (beside or self._engine is not None) and self._load(state, rows)
        log.info("rehearsed", tables=len(rows), target=loaded,
                 seconds=round(time.perf_counter() - started, 2))  # fmt: skip

    def _read_back(self, state: FittedDatabase, folder: Path) -> FittedDatabase:
        """Return the state as a checkpoint would have it: nothing made of it reaches the fit."""
        try:
            write_content(state, folder)
            read = read_content(folder, self.model)
        except Exception as exc:
            if self.kept or not _not_implemented(exc):
                raise
            return state  # a model of the user's that cannot be saved, and need not be
        return replace(read, loaded=False, rehearsed=True)

    def _load(self, state: FittedDatabase, rows: Mapping[str, pa.Table]) -> bool:
        """Load the rows into a copy of the target's tables, which goes at once."""
        _refuse_exclusions(state)
        try:
            with quiet():
                reasons = self._load_all(state, sound_rows(state, rows))
            if reasons:
                log.warning("objects_not_cloned", reasons=reasons)
        except NoPlaceError as exc:
            if self._engine is not None:  # the user named it
                raise RehearsalError.at(exc, "Loading few rows into the target") from exc
            log.warning("target_not_rehearsed", reason=exc.message)
            return False
        except ConnectorError as exc:
            unsure = _unsure(state) if _BROKEN_CHECK.search(exc.message) else {}
            if not unsure:
                hint = f"{exc.hint or ''} {_REMEDY}".strip()
                refused = ConnectorError(exc.message, hint=hint)
                raise RehearsalError.at(refused, "Loading few rows into a copy") from exc
            log.warning("checks_not_rehearsed", checks=unsure, reason=exc.message)
        return True

    def _load_all(self, state: FittedDatabase, rows: Mapping[str, pa.Table]) -> dict[str, str]:
        """Return what of the views and triggers cannot be made, with the reasons."""
        sources, origin = self.sources | state.sources, provenance_of(state, 0, 1.0)
        with open_target(
            state, self.source, self._engine, provenance=origin, sources=sources,
            include=self.include, rehearsal=True,
        ) as writer:  # fmt: skip
            for name in state.shown:
                writer.load(name, rows[name].to_batches())
            writer.prove()
            return {f"{kind} {name}": why for (kind, name), why in writer.objects().items() if why}


def _unsure(state: FittedDatabase) -> dict[str, list[str]]:
    """Return, by table, the CHECKs that a trained model may keep and an untrained one breaks."""
    dialect = state.metadata.dialect
    found = {name: not_understood(table, dialect) for name, table in state.tables.items()}
    return {name: checks for name, checks in found.items() if checks}


def _refuse_exclusions(state: FittedDatabase) -> None:
    """Refuse what the target would refuse of many rows, if not of these few.

    Raises
    ------
    RehearsalError
    """
    for name, table in state.tables.items():
        for exclusion in not_kept(table.config, state.metadata.dialect):
            raise RehearsalError(
                f"The constraint {exclusion.name!r} of table {name!r} is not kept by made rows: "
                f"{exclusion.definition}.",
                hint="Kept are columns WITH = beside one range, or two columns in tsrange, "
                "daterange and the like, WITH &&. Leave the table out with "
                f"exclude=[{name!r}], drop the constraint in the source, or fit with "
                "target=False if nothing is to be written there.",
            )


def _not_implemented(exc: Optional[BaseException]) -> bool:
    """Whether an error came from a method that a model does not have."""
    while exc is not None and not isinstance(exc, NotImplementedError):
        exc = exc.__cause__
    return exc is not None


@contextmanager
def _doing(what: str) -> Iterator[None]:
    try:
        yield
    except (RehearsalError, TrainingError, OSError, MemoryError):
        raise
    except Exception as exc:
        raise RehearsalError.at(exc, what) from exc
