"""Filling the columns that repeat personal ones, when all keys are there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.relational.aliases.alias import Alias, path_rows, texts_of
from synthohive.relational.making.run import Run
from synthohive.relational.parents.reach import GeneratedKeys
from synthohive.relational.rows import group_codes

__all__ = ["fill_aliases"]

Bools = npt.NDArray[np.bool_]


def fill_aliases(run: Run, name: str) -> None:
    """Give a table's aliases the made-up values of the rows that its keys lead to.

    Where the model says that a row differs, the value that was made up for it stays, as it
    does where the other would break a constraint.
    """
    fitted, made = run.fitted.tables[name], run.tables[name]
    checks = fitted.checks(run.fitted.metadata.dialect)
    for alias in fitted.aliases.values():
        values = _unique(run, alias, _filled(run, alias))

        def fill(
            block: pa.Table, start: int, target: str = alias.target, values: pa.Array = values
        ) -> pa.Table:
            place = block.column_names.index(target)
            fresh = values.slice(start, len(block))
            changed = block.set_column(place, block.field(place), fresh)
            return checks.keep_unbroken(block, changed, [target])

        made.spool.rewrite(fill)


def _filled(run: Run, alias: Alias) -> pa.Array:
    """Return the whole column, filled where it is a copy."""
    made = run.tables[alias.table]
    column = run.fitted.tables[alias.table].config.columns[alias.target]
    old = made.spool.column_table([alias.target]).column(alias.target).combine_chunks()
    at = path_rows(alias.path, made.spool.rows, GeneratedKeys(run))
    sources = run.tables[alias.source].spool.column_table(alias.columns)
    texts = alias.compose([texts_of(sources.column(c), at) for c in alias.columns])
    limit = column.length or 0
    fits = [
        (column.nullable and alias.is_copy) if text is None else not 0 < limit < len(text)
        for text in texts
    ]
    same = ~made.differs[alias.target] & (at >= 0) & np.array(fits, dtype=np.bool_)
    fresh: Any = pa.array(texts, pa.string()).cast(old.type)
    return pc.if_else(pa.array(same), fresh, old)


def _unique(run: Run, alias: Alias, values: pa.Array) -> pa.Array:
    """Take back what would repeat a value that must not."""
    made, config = run.tables[alias.table], run.fitted.tables[alias.table].config
    sets = [unique for unique in config.unique_sets if alias.target in unique]
    if not sets:
        return values
    rows = made.spool.column_table(list({c for unique in sets for c in unique}))
    old, place = rows.column(alias.target), rows.column_names.index(alias.target)
    changed = pc.fill_null(pc.not_equal(old, values), True).combine_chunks()
    for _ in range(len(values)):
        now = rows.set_column(place, rows.field(place), values)
        wrong = np.zeros(len(values), dtype=np.bool_)
        for unique in sets:
            codes = group_codes([now], [unique])[0]
            sizes = np.bincount(codes[codes >= 0], minlength=1)
            wrong |= (codes >= 0) & (sizes[np.maximum(codes, 0)] > 1)
        wrong &= np.asarray(changed.to_numpy(zero_copy_only=False), dtype=np.bool_)
        if not wrong.any():
            break
        values = pc.if_else(pa.array(wrong), old.combine_chunks(), values)
        changed = pc.and_(changed, pa.array(~wrong))
    return values
