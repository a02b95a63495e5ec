"""All that can be wrong with a description, or with data held against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

from synthohive.exceptions import did_you_mean
from synthohive.schema.columns import Column
from synthohive.schema.kinds import ColumnKind
from synthohive.schema.tables import ForeignKey, TableConfig, foreign_keys

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["data_problems", "joinable", "schema_problems"]


def schema_problems(tables: Mapping[str, TableConfig]) -> list[str]:
    """Return the problems of a description, type mismatches of foreign keys first."""
    mismatches: list[str] = []
    others: list[str] = []
    for name, key in foreign_keys(tables):
        for kind, problem in _key_problems(tables, name, key):
            (mismatches if kind == "type" else others).append(problem)
    for table in tables.values():
        others += _table_problems(tables, table)
    return mismatches + others


def _key_problems(
    tables: Mapping[str, TableConfig], name: str, key: ForeignKey
) -> Iterator[tuple[str, str]]:
    child, label = tables[name], key.label(name)
    parent = tables.get(key.parent)
    if parent is None:
        hint = did_you_mean(key.parent, tables)
        yield "other", f"{label}: there is no table {key.parent!r}. {hint}"
        return
    for table, columns in ((child, key.columns), (parent, key.parent_columns)):
        for column in columns:
            if table.columns and column not in table.columns:
                hint = did_you_mean(column, table.columns)
                yield "other", f"{label}: {table.name!r} has no column {column!r}. {hint}"
    for table, columns in ((child, key.columns), (parent, key.parent_columns)):
        for column in _computed(table, columns):
            yield "other", f"{label}: {table.name}.{column} {_COMPUTED_KEY}"
    if key.no_parent is not None and any(key.columns[0] in u for u in child.unique_sets):
        yield (
            "other",
            (
                f"{label}: no_parent is {key.no_parent!r}, but {key.columns[0]!r} is part of a "
                "primary key or UNIQUE, where several rows may not hold it. Leave no_parent out."
            ),
        )
    unique = [set(u) for u in parent.unique_sets]
    if set(key.parent_columns) not in unique:
        yield (
            "other",
            f"{label}: ({', '.join(key.parent_columns)}) is no primary key or UNIQUE of "
            f"{key.parent!r}.",
        )
    for column, parent_column in zip(key.columns, key.parent_columns):
        one, two = child.columns.get(column), parent.columns.get(parent_column)
        if one is not None and two is not None and not _comparable(one, two):
            yield (
                "type",
                f"{label}: {name}.{column} is {_type(one)}, but {key.parent}.{parent_column} is "
                f"{_type(two)}.",
            )


_COMPUTED_KEY = (
    "is computed by the database, which no key can lead to. Remove the key from the metadata and "
    "exclude the table, or copy the column to an ordinary one."
)


def _computed(table: TableConfig, columns: Iterable[str]) -> list[str]:
    known = table.columns
    return [c for c in columns if c in known and known[c].computed is not None]


def _comparable(one: Column, two: Column) -> bool:
    left, right = one.kind, two.kind
    alike = {k.family if k is not ColumnKind.UUID else "text" for k in (left, right)}
    return left is right or alike in ({"text"}, {"number"})


def _type(column: Column) -> str:
    return column.sql_type or column.kind.value


def _table_problems(tables: Mapping[str, TableConfig], table: TableConfig) -> Iterator[str]:
    known = table.columns
    for column in table.stored.values():
        if column.kind.value == "unsupported":
            yield (
                f"{table.name}.{column.name}: the type {column.sql_type or column.arrow} is not "
                f"supported. Leave the column out with exclude('{table.name}.{column.name}')."
            )
    yield from _excluded_problems(table)
    if table.exclude_columns and known and not table.stored:
        out = ", ".join(f"{table.name}.{n} ({_type(c)})" for n, c in known.items())
        yield (
            f"{table.name}: no column is left to learn beside {out}. Exclude the table: "
            f"exclude=[{table.name!r}]."
        )
    named: list[tuple[str, Any]] = [
        ("pk", table.pk),
        ("constraints", table.constraints),
        ("derived", table.derived),
        ("pii_cols", table.pii_cols or ()),
        ("high_cardinality_cols", table.high_cardinality_cols),
        *(("index", i.columns) for i in table.indexes),
        *(("unique", u.columns) for u in table.unique),
    ]
    for field, columns in named:
        for column in columns if known else ():
            if column not in known:
                yield f"{table.name}: {field} names {column!r}. {did_you_mean(column, known)}"
            elif column in table.exclude_columns and field not in ("index", "unique", "pii_cols"):
                yield f"{table.name}: {field} names {column!r}, which is excluded."
    for name in table.constraints:
        if name in known and known[name].kind.family != "number":
            yield (
                f"{table.name}.{name}: min and max are for numbers, and the column is of kind "
                f"{known[name].kind.value!r}. State the constraint as a CHECK in the database."
            )
    if len(set(table.pk)) != len(table.pk):
        yield f"{table.name}: pk ({', '.join(table.pk)}) names a column twice."
    for part in _computed(table, table.pk):
        yield f"{table.name}: the primary key's {part!r} {_COMPUTED_KEY}"
    for name in table.parent_context_cols or ():
        yield from _context_problem(tables, table, name)


def _excluded_problems(table: TableConfig) -> Iterator[str]:
    """Check that the copy can do without the columns that are left out."""
    for name in table.exclude_columns:
        place, column = f"{table.name}.{name}", table.columns.get(name)
        if column is None and table.columns:
            hint = did_you_mean(name, table.columns)
            yield f"{table.name}: exclude_columns names {name!r}. {hint}"
        for key in table.foreign_keys:
            if name in key.columns:
                label = key.label(table.name)
                yield f"{place} is excluded, but the key {label} needs it. Remove the key as well."
        if column is not None and column.computed is None and column.identity is None:
            yield from _empty_problems(table, column)


def _empty_problems(table: TableConfig, column: Column) -> Iterator[str]:
    """Check that every row may hold NULL or the default of an excluded column."""
    place = f"{table.name}.{column.name}"
    choices = f"keep the column, or exclude the table: exclude=[{table.name!r}]."
    if column.default is None and not column.nullable and not column.filled:
        yield (
            f"{place} ({_type(column)}) is excluded, but it is NOT NULL without a default, and "
            "the copy would have nothing to put there. Give it a default or drop NOT NULL in the "
            f"source, {choices}"
        )
    if column.default is None or "(" in column.default or column.default.upper() == "NULL":
        return
    unique = [u.columns for u in table.unique] + [i.columns for i in table.indexes if i.unique]
    for columns in unique:
        if column.name in columns:
            yield (
                f"{place} is excluded, but every row would hold its default {column.default}, and "
                f"({', '.join(columns)}) is unique. Drop one of them in the source, {choices}"
            )


def _context_problem(
    tables: Mapping[str, TableConfig], table: TableConfig, column: str
) -> Iterator[str]:
    """Check that a context column is one of some parent's."""
    parents = [tables[k.parent] for k in table.foreign_keys if k.parent in tables]
    known = {name for parent in parents for name in parent.stored}
    if not parents:
        yield f"{table.name}: parent_context_cols names {column!r}, but there is no parent."
    elif column not in known and all(parent.columns for parent in parents):
        yield f"{table.name}: parent_context_cols names {column!r}. {did_you_mean(column, known)}"


def data_problems(
    tables: Mapping[str, TableConfig], real_data: Mapping[str, Any], *, orphans: bool = True
) -> list[str]:
    """Return how tables (DataFrames or Arrow tables) break the keys of a description.

    A line each, with counts and no values, for missing tables and columns, keys that are NULL or
    repeat, and orphans.

    Parameters
    ----------
    tables : dict of str to TableConfig
    real_data : dict of str to DataFrame or pyarrow.Table
        A table that is missing is a problem.
    orphans : bool, default True
        Whether rows whose parent is missing are one.
    """
    problems: list[str] = []
    readable: dict[str, pa.Table] = {}
    for name, table in tables.items():
        if name not in real_data:
            problems.append(f"{name}: the data has no such table.")
            continue
        rows = _arrow(name, real_data[name])
        if isinstance(rows, str):
            problems.append(rows)
            continue
        readable[name] = rows
        wanted = {*table.stored, *table.key_columns}
        lacking = sorted(wanted - set(rows.column_names))
        problems += [f"{name}: the data has no column {c!r}." for c in lacking]
        if not lacking:
            problems += _repeats(table, rows)
    for name, key in foreign_keys(tables) if orphans else ():
        if name in readable and key.parent in readable:
            problems += _orphans(readable[name], readable[key.parent], key, key.label(name))
    return problems


def _arrow(name: str, table: Any) -> Union[pa.Table, str]:
    """Return an Arrow table without dictionaries, or what is wrong with it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(table, pa.Table):
        try:
            plain = hasattr(table, "__arrow_c_stream__") and not hasattr(table, "iloc")
            table = pa.table(table) if plain else pa.Table.from_pandas(table, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError, AttributeError) as exc:
            return f"{name}: the data cannot be read as a table ({type(exc).__name__})."
    columns = [
        pc.cast(c, c.type.value_type) if pa.types.is_dictionary(c.type) else c
        for c in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _repeats(table: TableConfig, data: pa.Table) -> Iterator[str]:

    for column in table.pk:
        nulls = data.column(column).null_count
        if nulls:
            yield f"{table.name}: the primary key column {column!r} is NULL in {nulls:,} rows."
    for columns in table.unique_sets:
        rows = data.select(list(columns)).drop_null()
        groups = rows.group_by(list(columns)).aggregate([([], "count_all")])
        repeated = len(rows) - len(groups)
        if repeated:
            yield f"{table.name}: ({', '.join(columns)}) repeats in {repeated:,} rows."


def _orphans(child: pa.Table, parent: pa.Table, key: ForeignKey, label: str) -> Iterator[str]:
    import pyarrow.compute as pc

    if not {*key.columns} <= {*child.column_names} or not (
        {*key.parent_columns} <= {*parent.column_names}
    ):
        return
    rows = child.select(key.columns).drop_null()
    if key.no_parent is not None:
        rows = rows.filter(pc.not_equal(rows.column(0), key.no_parent))
    aligned = joinable(rows, parent.select(key.parent_columns))
    if aligned is None:
        pairs = zip(rows.schema.types, (parent.schema.field(c).type for c in key.parent_columns))
        shown = ", ".join(f"{one} and {two}" for one, two in pairs)
        yield f"{label}: the data holds types that cannot be compared ({shown})."
        return
    left, right = aligned
    count = len(left.join(right, keys=left.column_names, join_type="left anti"))
    if count:
        yield f"{label}: {count:,} rows refer to no parent."


def joinable(child: pa.Table, parent: pa.Table) -> Optional[tuple[pa.Table, pa.Table]]:
    """Return key columns of both sides under the same names and types, in their order.

    None where some pair cannot be compared: int32 joins int64, but text joins no number.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    sides: tuple[list[Any], list[Any]] = ([], [])
    for one, two in zip(child.columns, parent.columns):
        common = _common_type(one.type, two.type)
        if common is None:
            return None
        for side, values in zip(sides, (one, two)):
            try:
                side.append(pc.cast(values, common))
            except pa.ArrowInvalid:  # a number beyond the other side's range
                return None
    names = [f"k{i}" for i in range(len(sides[0]))]
    return pa.table(sides[0], names=names), pa.table(sides[1], names=names)


def _common_type(one: pa.DataType, two: pa.DataType) -> Optional[pa.DataType]:
    import pyarrow as pa

    if one == two:
        return one
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if all(any(test(t) for test in tests) for t in (one, two)):
        if pa.types.is_integer(one) and pa.types.is_integer(two):
            # 20 digits hold the largest uint64 and the least int64
            return pa.decimal128(20, 0) if pa.uint64() in (one, two) else pa.int64()
        if any(pa.types.is_floating(t) for t in (one, two)):
            return pa.float64()
        # as wide as there is, so that no side loses digits before or behind the point
        scale = max(t.scale for t in (one, two) if pa.types.is_decimal(t))
        return pa.decimal256(76, scale)
    for test, common in (
        (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t), pa.string()),
        (pa.types.is_binary, pa.binary()),
        (pa.types.is_date, pa.date32()),
        (lambda t: pa.types.is_timestamp(t) and t.tz is None, pa.timestamp("us")),
        (lambda t: pa.types.is_timestamp(t) and t.tz is not None, pa.timestamp("us", "UTC")),
    ):
        if test(one) and test(two):
            return common
    if pa.types.is_null(one) or pa.types.is_null(two):  # a column of NULLs only
        return two if pa.types.is_null(one) else one
    return None
