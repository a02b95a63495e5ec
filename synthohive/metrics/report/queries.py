"""The user's own SQL, run on both sides: synthetic results, and of real ones what k entities share.

What fewer than k real entities have is not shown, whoever asks: a report is handed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Optional, Union

import duckdb
import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats
from synthohive.exceptions import SchemaError
from synthohive.metrics.distances import ColumnScore, column_scores
from synthohive.metrics.encode import floats_of
from synthohive.metrics.report.protected_sql import ROW, Protected, protected
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Metadata

__all__ = ["QueryReport", "QueryRow", "run_queries"]

Cell = Union[None, bool, int, float, str]

_SHOWN = 50
"""Rows of a result in the report."""
_MOST = 100_000
"""Rows of a result that are read."""
_DOMINANT = 0.5
"""Of what a number adds up, the most that may be one entity's: of more, it tells that entity's (the
dominance rule of statistical offices; Hundepool et al., "Statistical Disclosure Control", 2012)."""
_WHY = (
    "The real results are not shown: only sums, counts and means over groups of tables are, since "
    "other results show single rows. Distances compare both sides all the same."
)


@dataclass(frozen=True)
class QueryRow:
    """A row of the results.

    Attributes
    ----------
    key : tuple
        What the query groups by.
    real, synthetic : tuple, optional
        The other columns; None where a side has no such row, or may not show it.
    differences : tuple of float or None
        Of numbers: synthetic less real, relative to the real one.
    """

    key: tuple[Cell, ...]
    real: Optional[tuple[Cell, ...]]
    synthetic: Optional[tuple[Cell, ...]]
    differences: tuple[Optional[float], ...] = ()


@dataclass(frozen=True)
class QueryReport:
    """What one query returns on both sides.

    Attributes
    ----------
    number : int
        From 1.
    sql : str
    keys, values : tuple of str
        The columns that it groups by, and the others.
    rows : tuple of QueryRow
        The first 50.
    real_rows, synthetic_rows : int
        Rows of the results, 100,000 at most.
    scores : dict of str to ColumnScore
        Distances of the columns of both results, where these have `k` rows or more.
    shown : bool
        Whether the real side is shown.
    hidden : int
        Real rows of fewer than `k` entities, which are not shown.
    why : str
        Why it is not shown.
    """

    number: int
    sql: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    rows: tuple[QueryRow, ...]
    real_rows: int
    synthetic_rows: int
    scores: dict[str, ColumnScore]
    shown: bool
    hidden: int = 0
    why: str = ""


def run_queries(
    queries: Sequence[str],
    metadata: Metadata,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    k: int,
    entities: Optional[Mapping[str, Entities]] = None,
) -> tuple[QueryReport, ...]:
    """Run queries on both sides, in memory, by DuckDB.

    Parameters
    ----------
    queries : sequence of str
        One SELECT each, of tables under their names.
    metadata : Metadata
    real, synthetic : dict of str to pyarrow.Table
        In one form.
    k : int
        Entities behind each real row and number that is shown.
    entities : dict of str to Entities, optional
        Those behind the real rows of each table but look-ups, which are kept; each row is one by
        default.

    Raises
    ------
    SchemaError
        A query is no single SELECT, or cannot be run: the message names it by its number.
    """
    numbered = {
        name: rows.append_column(ROW, pa.array(np.arange(len(rows)))) for name, rows in real.items()
    }
    found = []
    with ExitStack() as stack:
        left, right, counted = (
            stack.enter_context(_database(metadata, side)) for side in (real, synthetic, numbered)
        )
        for number, sql in enumerate(queries, 1):
            _check(number, sql)
            sides = _read(left, number, sql), _read(right, number, sql)
            shape = protected(sql, list(metadata.tables))
            said = number, sql, *sides
            if shape is None:
                found.append(_unshown(*said, k))
            else:
                rows = _read(counted, number, shape.sql)
                visible = _visible(shape, rows, sides[0].num_columns, k, real, entities)
                found.append(_compared(*said, shape, rows, visible, k))
    return tuple(found)


@contextmanager
def _database(
    metadata: Metadata, tables: Mapping[str, pa.Table]
) -> Iterator[duckdb.DuckDBPyConnection]:
    # neither files nor variables of this process can be read by what somebody wrote
    connection = duckdb.connect(
        ":memory:",
        config={"enable_external_access": "false", "python_enable_replacements": "false"},
    )
    try:
        for number, (name, table) in enumerate(metadata.tables.items()):
            hidden = f"__synthohive_{number}"
            connection.register(hidden, tables[name])
            place = _quoted(table.own_name)
            if table.schema_name is not None:
                schema = _quoted(table.schema_name)
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                place = f"{schema}.{place}"
            connection.execute(f"CREATE VIEW {place} AS FROM {hidden}")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _check(number: int, sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as exc:
        raise _failed(number, exc) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SchemaError(
            f"Query {number} of the report is not a single SELECT.",
            hint="Queries only read: pass one SELECT each.",
        )


def _read(connection: duckdb.DuckDBPyConnection, number: int, sql: str) -> pa.Table:
    try:
        result = connection.execute(sql)
        stream = getattr(result, "to_arrow_reader", None) or result.fetch_record_batch
        reader, batches, rows = stream(10_000), [], 0
        for batch in reader:
            batches.append(batch)
            rows += len(batch)
            if rows >= _MOST:
                break
    except duckdb.Error as exc:
        raise _failed(number, exc) from None
    found = pa.Table.from_batches(batches, reader.schema).slice(0, _MOST)
    # two columns of one name (a join's) are told apart by where they stand
    names = [n if found.column_names.count(n) == 1 else f"{n} ({i})"
             for i, n in enumerate(found.column_names, 1)]  # fmt: skip
    return found.rename_columns(names)


def _failed(number: int, exc: duckdb.Error) -> SchemaError:
    # what is wrong with a query is known before any row is read; later messages hold values
    told = (duckdb.ParserException, duckdb.CatalogException, duckdb.BinderException)
    said = str(exc).split("\n")[0] if isinstance(exc, told) else type(exc).__name__
    return SchemaError(
        f"Query {number} of the report cannot be run: {said.rstrip('.!')}.",
        hint="It is read as DuckDB's SQL, with the tables under their names.",
    )


def _visible(
    shape: Protected,
    rows: pa.Table,
    columns: int,
    k: int,
    real: Mapping[str, pa.Table],
    entities: Optional[Mapping[str, Entities]],
) -> Bools:
    """Return which cells may be shown, (rows, columns): keys by their groups."""
    shown = np.ones((len(rows), columns), dtype=np.bool_)
    for place, (table, column, summed) in enumerate(zip(shape.sources, shape.lists, shape.amounts)):
        if entities is not None and table not in entities:
            continue  # a look-up table, which is kept as it is: nobody stands behind its rows
        listed = rows.column(columns + place).combine_chunks()
        counts = np.asarray(listed.value_lengths().fill_null(0), np.int64)
        group = np.repeat(np.arange(len(rows)), counts)
        at = np.asarray(listed.flatten(), np.int64)
        last = int(at.max(initial=-1)) + 1
        own = entities_or_rows(None if entities is None else entities[table], last).take(at)
        holders = own.holders(group, len(rows))
        # a table that has no row in a group hides nothing: others have
        few = (counts > 0) & (holders < k)
        if column < 0:
            shown &= ~few[:, None]
        else:
            shown[:, column] &= ~few
        for amounts in _amounts(real[table], summed):
            shares = own.largest_shares(group, amounts[at], len(rows))
            shown[:, column] &= shares <= _DOMINANT
    return shown


def _amounts(rows: pa.Table, names: Sequence[str]) -> Iterator[Floats]:
    """Yield the sizes of a table's numbers, by names in lower case."""
    for field in rows.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        if field.name.lower() in names and (number or pa.types.is_decimal(field.type)):
            yield np.nan_to_num(np.abs(floats_of(rows.column(field.name))), posinf=1e300)


def _unshown(number: int, sql: str, real: pa.Table, made: pa.Table, k: int) -> QueryReport:
    rows = tuple(QueryRow((), None, row) for row in _cells(made.slice(0, _SHOWN)))
    scores = _scores(real, made, k)
    names = tuple(made.column_names)
    return QueryReport(
        number, sql, (), names, rows, len(real), len(made), scores, shown=False, why=_WHY
    )


def _compared(
    number: int,
    sql: str,
    real: pa.Table,
    made: pa.Table,
    shape: Protected,
    listed: pa.Table,
    visible: Bools,
    k: int,
) -> QueryReport:
    names = made.column_names
    keys = [names[i] for i in shape.keys]
    values = [name for name in names if name not in keys]
    # of the query with the lists: without an ORDER BY, both may come in another order
    shown = listed.select(range(len(names))).rename_columns(names)
    left = _by_key(shown, keys, values, visible)
    right = _by_key(made, keys, values, np.ones((len(made), len(names)), dtype=np.bool_))
    whole = {key: row for key, row in left.items() if row is not None}
    # groups that are hidden are not told apart from those that are not there
    order = list(dict.fromkeys([*whole, *right]))[:_SHOWN]
    rows = tuple(_row(key, whole.get(key), right.get(key)) for key in order)
    scores = _scores(real, made, k)
    return QueryReport(
        number,
        sql,
        tuple(keys),
        tuple(values),
        rows,
        len(real),
        len(made),
        scores,
        shown=True,
        hidden=len(left) - len(whole),
    )


def _by_key(
    rows: pa.Table, keys: list[str], values: list[str], visible: Bools
) -> dict[tuple[Cell, ...], Optional[tuple[Cell, ...]]]:
    """Return the values of each group; None for a group that is hidden."""
    names = rows.column_names
    own, rest = _cells(rows.select(keys), len(rows)), _cells(rows.select(values), len(rows))
    at = [names.index(name) for name in values]
    found: dict[tuple[Cell, ...], Optional[tuple[Cell, ...]]] = {}
    for key, row, seen in zip(own, rest, visible):
        cells = tuple(cell if seen[i] else None for i, cell in zip(at, row))
        found[key] = cells if seen.any() else None
    return found


def _row(
    key: tuple[Cell, ...],
    real: Optional[tuple[Cell, ...]],
    synthetic: Optional[tuple[Cell, ...]],
) -> QueryRow:
    if real is None or synthetic is None:
        return QueryRow(key, real, synthetic)
    return QueryRow(key, real, synthetic, tuple(map(_difference, real, synthetic)))


def _difference(real: Cell, synthetic: Cell) -> Optional[float]:
    numbers = [isinstance(c, (int, float)) and not isinstance(c, bool) for c in (real, synthetic)]
    if not all(numbers) or not real:
        return None
    return (float(synthetic or 0) - float(real)) / abs(float(real))


def _cells(rows: pa.Table, count: Optional[int] = None) -> list[tuple[Cell, ...]]:
    if not rows.num_columns:
        return [()] * (count or 0)
    return list(zip(*([_cell(value) for value in column.to_pylist()] for column in rows.columns)))


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    try:
        number = float(value)  # decimals
    except (TypeError, ValueError):
        return str(value)
    return number if np.isfinite(number) else str(value)


def _scores(real: pa.Table, made: pa.Table, k: int) -> dict[str, ColumnScore]:
    """Return the distances of results that are rows enough."""
    if min(len(real), len(made)) < k or not real.num_columns:
        return {}
    return column_scores(real, made)
