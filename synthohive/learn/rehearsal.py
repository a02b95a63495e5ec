"""The rehearsal: what follows training, with models that have learned nothing, in seconds.

Encoders, keys, checks and made-up columns are those of the fit itself; only the models are others,
and they are others' copies: nothing of a rehearsal is in what is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.ddl.vetted_indexes import names_in
from synthohive.exceptions import RehearsalError, SynthoHiveError, TrainingError
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.tables.joins import match_rows
from synthohive.train.job import FEW, TrainingJob

__all__ = ["Rehearse", "analysed", "few_of_each", "not_understood", "sound_rows", "untrained"]

Rehearse = Callable[[FittedDatabase, Mapping[str, TrainingJob]], None]
"""Gets all but the trained models, and what is to be trained, with few rows."""


@contextmanager
def analysed(table: str) -> Iterator[None]:
    """Name the table whose rows cannot be learned from, and the column where it is known.

    Raises
    ------
    RehearsalError
    """
    try:
        yield
    except (SynthoHiveError, OSError, MemoryError):
        raise
    except Exception as exc:
        doing = "Finding out how to learn the rows"
        raise RehearsalError.at(exc, doing, table, real_rows=True) from exc


def untrained(fitted: FittedDatabase, jobs: Mapping[str, TrainingJob]) -> FittedDatabase:
    """Return the fitted state with models that have learned nothing.

    Raises
    ------
    RehearsalError
        A model does not take a table.
    """
    tables = dict(fitted.tables)
    for name, job in jobs.items():
        try:
            model = job.run(None)
        except TrainingError:
            raise
        except Exception as exc:
            raise RehearsalError.at(exc, "A first look of the model at rows", name) from exc
        tables[name] = replace(tables[name], model=model)
    return replace(fitted, tables=tables, rehearsed=True)


def few_of_each(fitted: FittedDatabase) -> dict[str, int]:
    """Return how many rows to make of each table; nothing where all of them are few."""
    free = {n: t.rows for n, t in fitted.shown.items() if t.reference is None and t.rows}
    if all(rows <= FEW for rows in free.values()):
        return {}
    return {name: min(rows, FEW) for name, rows in free.items()}


def sound_rows(fitted: FittedDatabase, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Leave out the rows that break a CHECK, and those that refer to them.

    What has learned nothing may break what a trained model hardly ever does, and more rows than
    can be repaired: that says nothing of a constraint on columns that are learned.
    """
    dialect, found = fitted.metadata.dialect, dict(tables)
    for name, table in found.items():
        checks, free = fitted.tables[name].checks(dialect), set(fitted.tables[name].free)
        violations = checks.violations(table).items()
        broken = [rows for label, rows in violations if free & checks.checks[label].columns]
        if broken:
            found[name] = _without(table, np.concatenate(broken))
    changed = any(len(found[name]) < len(tables[name]) for name in tables)
    while changed:
        changed = False
        for name, key in fitted.described.foreign_keys():
            if not set(key.columns) <= set(found[name].column_names):
                continue
            parents = match_rows(found[name], key.columns, found[key.parent], key.parent_columns)
            filled = [found[name].column(c).is_valid().to_numpy() for c in key.columns]
            orphans = np.flatnonzero((parents < 0) & np.logical_and.reduce(filled))
            if len(orphans):
                found[name], changed = _without(found[name], orphans), True
    return found


def not_understood(table: FittedTable, dialect: Optional[str]) -> list[str]:
    """Return the CHECKs over several learned columns that only the database understands."""
    known, free = table.checks(dialect).checks.values(), set(table.free)
    texts = {check.sqltext for check in known}
    return [
        check.name or check.sqltext
        for check in table.config.checks
        if check.sqltext not in texts and len(free & names_in(check.sqltext)) > 1
    ]


def _without(table: pa.Table, rows: IntArray) -> pa.Table:
    kept = np.ones(len(table), dtype=np.bool_)
    kept[rows] = False
    return table.filter(pa.array(kept))
