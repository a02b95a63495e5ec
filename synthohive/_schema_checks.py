"""All that can be wrong with a description, or with data held against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synthohive.exceptions import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

    from synthohive.schema import Column, ForeignKey, Metadata, TableConfig

__all__ = ["data_problems", "schema_problems"]

_FAMILIES = {
    "categorical": "text",
    "uuid": "text",
    "decimal": "number",
    "integer": "number",
    "float": "number",
}


def schema_problems(metadata: Metadata) -> list[str]:
    """Return the problems of a description, type mismatches of foreign keys first."""
    mismatches: list[str] = []
    others: list[str] = []
    for name, key in metadata.foreign_keys():
        for kind, problem in _key_problems(metadata, name, key):
            (mismatches if kind == "type" else others).append(problem)
    for table in metadata.tables.values():
        others += _table_problems(table)
    return mismatches + others


def _key_problems(metadata: Metadata, name: str, key: ForeignKey) -> Iterator[tuple[str, str]]:
    child, label = metadata.tables[name], key.label(name)
    parent = metadata.tables.get(key.parent)
    if parent is None:
        hint = did_you_mean(key.parent, metadata.tables)
        yield "other", f"{label}: there is no table {key.parent!r}. {hint}"
        return
    for table, columns in ((child, key.columns), (parent, key.parent_columns)):
        for column in columns:
            if table.columns and column not in table.columns:
                hint = did_you_mean(column, table.columns)
                yield "other", f"{label}: {table.name!r} has no column {column!r}. {hint}"
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


def _comparable(one: Column, two: Column) -> bool:
    left, right = (_FAMILIES.get(c.kind.value, c.kind.value) for c in (one, two))
    return left == right


def _type(column: Column) -> str:
    return column.sql_type or column.kind.value


def _table_problems(table: TableConfig) -> Iterator[str]:
    known = table.columns
    for column in known.values():
        if column.kind.value == "unsupported":
            yield (
                f"{table.name}.{column.name}: the type {column.sql_type or column.arrow} is not "
                "supported. Exclude the table, or drop the column from a copy of it."
            )
    named: list[tuple[str, Any]] = [
        ("pk", table.pk),
        ("constraints", table.constraints),
        ("pii_cols", table.pii_cols or ()),
        ("high_cardinality_cols", table.high_cardinality_cols),
        *(("unique", u.columns) for u in table.unique),
    ]
    for field, columns in named:
        for column in columns if known else ():
            if column not in known:
                yield f"{table.name}: {field} names {column!r}. {did_you_mean(column, known)}"
    if len(set(table.pk)) != len(table.pk):
        yield f"{table.name}: pk ({', '.join(table.pk)}) names a column twice."


def data_problems(
    metadata: Metadata, real_data: Mapping[str, Any], *, orphans: bool = True
) -> list[str]:
    """Return how tables (DataFrames or Arrow tables) break the keys of a description."""
    problems = []
    tables: dict[str, pa.Table] = {}
    for name, table in metadata.tables.items():
        if name not in real_data:
            problems.append(f"{name}: the data has no such table.")
            continue
        tables[name] = _arrow(real_data[name])
        wanted = {*table.columns, *table.key_columns}
        lacking = sorted(wanted - set(tables[name].column_names))
        problems += [f"{name}: the data has no column {c!r}." for c in lacking]
        if not lacking:
            problems += _repeats(table, tables[name])
    for name, key in metadata.foreign_keys() if orphans else ():
        if name in tables and key.parent in tables:
            count = _orphans(tables[name], tables[key.parent], key)
            if count:
                problems.append(f"{key.label(name)}: {count:,} rows refer to no parent.")
    return problems


def _arrow(table: Any) -> pa.Table:
    import pyarrow as pa

    return (
        table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    )


def _repeats(table: TableConfig, data: pa.Table) -> Iterator[str]:
    import pyarrow.compute as pc

    for column in table.pk:
        nulls = data.column(column).null_count
        if nulls:
            yield f"{table.name}: the primary key column {column!r} is NULL in {nulls:,} rows."
    for columns in table.unique_sets:
        rows = data.select(list(columns))
        for column in columns:
            rows = rows.filter(pc.is_valid(rows.column(column)))
        groups = rows.group_by(list(columns)).aggregate([([], "count_all")])
        repeated = len(rows) - len(groups)
        if repeated:
            yield f"{table.name}: ({', '.join(columns)}) repeats in {repeated:,} rows."


def _orphans(child: pa.Table, parent: pa.Table, key: ForeignKey) -> int:
    import pyarrow.compute as pc

    if not {*key.columns} <= {*child.column_names} or not (
        {*key.parent_columns} <= {*parent.column_names}
    ):
        return 0
    rows = child.select(key.columns)
    for column in key.columns:
        rows = rows.filter(pc.is_valid(rows.column(column)))
    keys = parent.select(key.parent_columns)
    for column, other in zip(key.parent_columns, key.columns):
        position = keys.schema.get_field_index(column)
        cast = pc.cast(keys.column(column), rows.schema.field(other).type)
        keys = keys.set_column(position, column, cast)
    joined = rows.join(keys, keys=key.columns, right_keys=key.parent_columns, join_type="left anti")
    return len(joined)
