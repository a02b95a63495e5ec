"""Generated tables as DataFrames, Arrow tables or files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import pyarrow as pa

from synthohive.encoding.categorical import Categorical
from synthohive.exceptions import SchemaError
from synthohive.io.base import Reader
from synthohive.io.dataframe import FrameReader
from synthohive.io.frames import FrameForm, to_frame, to_polars
from synthohive.learn.damage import using
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.tables.block_store import TableSpool

__all__ = ["FORMATS", "OutputFormat", "forms_of", "to_frames", "to_memory"]

OutputFormat = Literal["pandas", "polars", "arrow", "csv", "parquet", "delta"]
FORMATS: tuple[str, ...] = get_args(OutputFormat)


def to_memory(
    spools: Mapping[str, TableSpool], kind: str, fitted: FittedDatabase
) -> dict[str, Any]:
    """Return whole tables; pandas DataFrames in the form of those that were fitted.

    Parameters
    ----------
    spools : dict of str to TableSpool
        The generated rows, on disk.
    kind : {"pandas", "polars", "arrow"}
    fitted : FittedDatabase
        Tells the names, dtypes and categories that the given DataFrames had.

    Raises
    ------
    SchemaError
        The format is that of files, and no folder was given.
    """
    if kind not in ("pandas", "polars", "arrow"):
        raise SchemaError(
            f"output_format {kind!r} needs a place for files.", hint="Pass output_path as well."
        )
    tables = {name: spool.column_table(spool.schema.names) for name, spool in spools.items()}
    if kind == "arrow":
        return dict(tables)
    if kind == "polars":
        return {name: to_polars(table) for name, table in tables.items()}
    return to_frames(tables, fitted)


def to_frames(tables: Mapping[str, pa.Table], fitted: FittedDatabase) -> dict[str, Any]:
    """Return DataFrames in the form of those that were fitted.

    Raises
    ------
    SerializationError
        They cannot be in the form that a checkpoint tells.
    """
    with using(fitted):
        return {name: to_frame(table, fitted.forms.get(name)) for name, table in tables.items()}


def forms_of(source: Reader, fitted: FittedDatabase) -> dict[str, FrameForm]:
    """Return how the DataFrames were that a database was fitted to, with no rare value."""
    if not isinstance(source, FrameReader):
        return {}
    forms = {name: source.form(name) for name in fitted.shown}
    return {
        name: form.without_rare(_shown(fitted.tables[name]))
        for name, form in forms.items()
        if form is not None
    }


def _shown(table: FittedTable) -> dict[str, set[str]]:
    """Return the texts of the values of each column that generated rows may hold."""
    shown: dict[str, set[str]] = {}
    if table.profile is not None:
        shown = {name: set(column.categories) for name, column in table.profile.columns.items()}
    if table.encoder is not None:
        for name, transform in table.encoder.transforms.items():
            if isinstance(transform, Categorical):
                values = transform.shown.drop_null().to_pylist()
                shown.setdefault(name, set()).update(map(str, values))
    if table.reference is not None:
        for name in table.kept:
            values = table.reference.rows.column(name).to_pylist()
            shown.setdefault(name, set()).update(map(str, values))
    return shown
