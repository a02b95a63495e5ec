"""The real rows in two halves, no entity in both: what real against real scores is measured by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.metrics.joins import parent_rows
from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan

__all__ = ["Halves", "halved", "learned_columns"]

_ENTITIES = 50  # that can be halved; of fewer, the rows below them are


@dataclass(frozen=True)
class Halves:
    """Which rows are looked at, and whose they are.

    Attributes
    ----------
    first, second : ndarray of int64
        Rows of the halves of the real table, as many each.
    synthetic : ndarray of int64
        As many rows of the synthetic one.
    owners : tuple of two ndarrays of int64
        The entity of each real, and of each synthetic row; none is on both sides.
    """

    first: IntArray
    second: IntArray
    synthetic: IntArray
    owners: tuple[IntArray, IntArray]


def learned_columns(
    metadata: Metadata,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    personal: Mapping[str, Collection[str]],
    cut: Collection[str],
) -> Metadata:
    """Return the description without personal columns, and without keys that a sample cut.

    Parameters
    ----------
    metadata : Metadata
    real, synthetic : dict of str to pyarrow.Table
        In one form.
    personal : dict of str to collection of str
        By table.
    cut : collection of str
        Labels of keys.
    """
    tables = {}
    for name, table in metadata.tables.items():
        kept = [key for key in table.foreign_keys if key.label(name) not in cut]
        gone = {c for key in table.foreign_keys if key not in kept for c in key.columns}
        missing = {*real[name].column_names} - {*synthetic[name].column_names}
        out = {*table.exclude_columns, *personal.get(name, ()), *gone, *missing}
        changed = {
            "columns": table.described(real[name].schema),
            "exclude_columns": sorted(out),
            "foreign_keys": kept,
        }
        tables[name] = table.model_copy(update=changed)
    return metadata.model_copy(update={"tables": tables})


def halved(
    metadata: Metadata,
    plan: RelationalPlan,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    table: str,
    most: int,
) -> Halves:
    """Halve a table's real rows by the entities that they hang on over driving keys.

    Parameters
    ----------
    metadata : Metadata
    plan : RelationalPlan
        Which key each table is driven by.
    real, synthetic : dict of str to pyarrow.Table
    table : str
    most : int
        Rows of each half.
    """
    chain = _chain(metadata, plan, table)
    levels = _levels(real, table, chain)
    # the highest tables of which there are enough: customers, and not the five countries above
    height = max(i for i, codes in enumerate(levels) if not i or _many(codes))
    own, theirs = levels[height], _levels(synthetic, table, chain)[height]
    rng = np.random.default_rng(0)
    _, entity = np.unique(own, return_inverse=True)
    side = rng.permutation(int(entity.max(initial=-1)) + 1) % 2
    of_row = side[entity.reshape(-1)]
    parts = [np.flatnonzero(of_row == i) for i in (0, 1)] + [np.arange(len(theirs))]
    rows = min(most, *(len(part) for part in parts))
    first, second, made = (np.sort(rng.permutation(part)[:rows]) for part in parts)
    return Halves(first, second, made, (own, theirs + int(own.max(initial=0)) + 1))


def _chain(metadata: Metadata, plan: RelationalPlan, table: str) -> list[tuple[str, ForeignKey]]:
    """Return the keys from a table to its root, each with its child."""
    known = {key.label(child) for child, key in metadata.foreign_keys()}
    found: list[tuple[str, ForeignKey]] = []
    driver = plan.tables[table].driver
    while driver is not None and driver.label(table) in known:
        found.append((table, driver))
        table = driver.parent
        driver = plan.tables[table].driver
    return found


def _levels(
    tables: Mapping[str, pa.Table], table: str, chain: list[tuple[str, ForeignKey]]
) -> list[IntArray]:
    """Return each row's own number, and its ancestor's over each key of a chain.

    A row without an ancestor is an entity of its own.
    """
    rows = len(tables[table])
    levels = [np.arange(rows)]
    for child, key in chain:
        at = parent_rows(tables[child], key, tables[key.parent])
        before, size = levels[-1], len(tables[child])
        # numbers beyond the rows of the child are those without an ancestor below
        inside = before < size
        above = np.where(inside, at[np.where(inside, before, 0)] if size else -1, -1)
        levels.append(np.where(above < 0, len(tables[key.parent]) + np.arange(rows), above))
    return levels


def _many(codes: IntArray) -> bool:
    return len(np.unique(codes)) >= _ENTITIES
