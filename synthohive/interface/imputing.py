"""Missing cells filled, in whatever users hold their tables in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pandas as pd
import pyarrow as pa

from synthohive import _arguments as arguments
from synthohive._logging import get_logger
from synthohive.exceptions import SchemaError, did_you_mean
from synthohive.generate.imputing.imputation import impute
from synthohive.interface.inputs import source_of
from synthohive.io.base import Reader
from synthohive.io.dataframe import FrameReader
from synthohive.io.frames import FrameForm, to_frame, to_polars
from synthohive.learn.damage import using
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.schema.arrow_types import reason_of

__all__ = ["imputed"]

log = get_logger(__name__)

_WANTED = "a dict of tables to lists of columns"
Columns = Mapping[str, Sequence[str]]


def imputed(
    fitted: FittedDatabase,
    data: Optional[Mapping[str, Any]],
    source: Optional[Reader],
    columns: Optional[Columns],
    seed: Optional[int],
) -> dict[str, Any]:
    """Return the given tables, in the form in which they came, with missing cells filled.

    Parameters
    ----------
    fitted : FittedDatabase
    data : dict of str to table, optional
        A table for each that was fitted, as :meth:`Synthesizer.impute` takes them.
    source : Reader, optional
        Read where there is no `data`.
    columns : dict of str to sequence of str, optional
        By table, the columns to fill; all that were learned if None.
    seed : int, optional
        Drawn if None.

    Returns
    -------
    dict of str to table
        All rows, in their order; only cells that were NULL differ.
    """
    arguments.seed("seed", seed)
    if columns is not None:
        for name, listed in arguments.mapping("columns", columns, _WANTED).items():
            if arguments.names(f"columns[{name!r}]", listed) is None:
                arguments.refuse(f"columns[{name!r}]", listed, _WANTED)
    chosen = _chosen(fitted, columns)
    reader = source_of(data, fitted.described, source)
    given = {n: pa.Table.from_batches(list(reader.read(n))) for n in fitted.shown}
    rows = {name: _as_fitted(fitted.tables[name], table) for name, table in given.items()}
    for entities in fitted.entity_tables:
        rows[entities.name] = entities.rows(rows[entities.table])
    with using(fitted):
        whole = impute(fitted, rows, chosen, secrets.randbits(32) if seed is None else seed)
    results = {}
    for name, table in given.items():
        filled = {
            column: _as_given(whole[name].column(column), table.column(column))
            for column in chosen[name]
            if table.column(column).null_count
        }
        form = reader.form(name) if isinstance(reader, FrameReader) else None
        results[name] = _put(None if data is None else data[name], table, filled, form)
    return results


def _put(
    given: Any, rows: pa.Table, filled: Mapping[str, pa.ChunkedArray], form: Optional[FrameForm]
) -> Any:
    """Return what was given with other columns; a DataFrame of files and databases."""
    if isinstance(given, pa.Table):
        for name, array in filled.items():
            place = given.column_names.index(name)
            given = given.set_column(place, name, array.cast(given.schema.field(name).type))
        return given
    if isinstance(given, pd.DataFrame):
        columns = to_frame(pa.table(dict(filled)), form)
        whole = given.copy(deep=False)
        for label in columns:
            whole[label] = columns[label].array
        return whole
    arrays = zip(rows.column_names, rows.columns)
    whole_table = pa.table({name: filled.get(name, kept) for name, kept in arrays})
    if type(given).__module__.partition(".")[0] == "polars":
        return to_polars(whole_table)
    return whole_table if hasattr(given, "__arrow_c_stream__") else to_frame(whole_table, None)


def _chosen(fitted: FittedDatabase, columns: Optional[Columns]) -> dict[str, list[str]]:
    """Return the columns to fill of each table; all that were learned if none are named."""
    able = {name: _learned(table) for name, table in fitted.shown.items()}
    whole = [name for name, table in fitted.shown.items() if not _conditional(table)]
    if columns is None:
        if whole and all(t.model is None or n in whole for n, t in fitted.shown.items()):
            raise _cannot(fitted, whole[0])
        if whole:
            log.warning("tables_not_imputed", tables=whole, model=fitted.model_name)
        return {name: [] if name in whole else able[name] for name in fitted.shown}
    chosen: dict[str, list[str]] = {name: [] for name in fitted.shown}
    for name, names in columns.items():
        if name not in fitted.shown:
            raise SchemaError.unknown_table(name, fitted.shown, where="columns")
        if name in whole:
            raise _cannot(fitted, name)
        for column in [names] if isinstance(names, str) else names:
            if column not in able[name]:
                raise SchemaError(
                    f"{name}.{column} cannot be filled: a key, made up, or not in the table.",
                    hint=did_you_mean(column, able[name]),
                )
            chosen[name].append(column)
    return chosen


def _cannot(fitted: FittedDatabase, name: str) -> SchemaError:
    return SchemaError(
        f"Cells of table {name!r} cannot be filled: model {fitted.model_name!r} draws whole rows.",
        hint='Fit with model="autoregressive".',
    )


def _learned(table: FittedTable) -> list[str]:
    if table.encoder is None or table.reference is not None:
        return []
    return [c for c in table.attributes if c not in table.config.key_columns]


def _conditional(table: FittedTable) -> bool:
    return table.model is None or table.model.abilities.conditional


def _as_fitted(table: FittedTable, rows: pa.Table) -> pa.Table:
    """Return rows with the types that were learned: a whole number may have come as a float."""
    for name, column in table.config.stored.items():
        given = rows.schema.field(name).type
        if given != column.arrow_type:
            try:
                array = rows.column(name).cast(column.arrow_type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
                raise SchemaError(
                    f"{table.config.name}.{name} holds {given}; it was learned as "
                    f"{column.arrow_type}: {reason_of(exc)}"
                ) from None  # it repeats the value
            rows = rows.set_column(rows.column_names.index(name), name, array)
    return rows


def _as_given(filled: pa.ChunkedArray, kept: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in the type that it came with, if that can hold it."""
    try:
        return filled.cast(kept.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return filled
