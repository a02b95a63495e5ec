"""Rows that others must refer to, by columns that may be NULL: one needs values there."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from synthohive.derive.not_null import never_null
from synthohive.generate.run import Generated, Run
from synthohive.schema.plan import may_be_null
from synthohive.tables.ancestors import with_column
from synthohive.tables.nulls import any_null

__all__ = ["make_referable"]


def make_referable(run: Run, name: str, made: Generated) -> None:
    """Fill the NULLs of a key where no row at all could be referred to over it.

    Values of few entities are not shown; where all values are such, a column is NULL throughout,
    and the rows that must refer to it would be lost. One row is enough for them, and all that may
    have the value: what is referred to is unique.

    Parameters
    ----------
    run : Run
    name : str
    made : Generated
        Rows to which nothing refers yet; the first one is changed on the disk.
    """
    config = run.fitted.tables[name].config
    filled: set[str] = set()
    for columns in _needed(run, name):
        keys = made.spool.column_table(columns)
        if len(keys) and any_null(keys, columns).all():
            free = {*run.fitted.tables[name].free, *run.fitted.tables[name].roles.key}
            filled |= free & {c for c in columns if keys.column(c).null_count}
    if not filled:
        return
    checks = run.fitted.tables[name].checks(run.fitted.metadata.dialect).checks.values()
    listed = {
        c: [v for check in checks if check.columns == {c} for v in check.constants] for c in filled
    }

    def fill(block: pa.Table, start: int) -> pa.Table:
        if start or not len(block):
            return block
        rng = run.rng(name, "referable")
        for column in sorted(filled):
            described = config.columns[column].model_copy(update={"nullable": False})
            if listed[column]:
                described = described.model_copy(update={"enum_values": listed[column]})
            rows = block.column(column).combine_chunks()
            first = never_null(described, rows.slice(0, 1), None, rng)
            block = with_column(block, column, pa.concat_arrays([first, rows.slice(1)]))
        return block

    made.spool.rewrite(fill)


def _needed(run: Run, name: str) -> Iterator[list[str]]:
    """Yield the columns of each key that rows of another table must have a parent over."""
    for child, key in run.fitted.metadata.foreign_keys():
        fitted = run.fitted.tables[child]
        others = key.parent == name and child != name and fitted.rows > 0
        if others and not may_be_null(fitted.config, key):
            yield list(dict.fromkeys(key.parent_columns))
