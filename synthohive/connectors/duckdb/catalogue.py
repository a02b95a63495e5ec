"""What DuckDB's catalogue functions tell of a schema, in the form of SQLAlchemy's Inspector.

The Inspector of the SQLAlchemy dialect asks DuckDB's imitation of PostgreSQL's catalogue,
which knows neither nested types nor generated columns, and calls schemas "database.schema".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Optional

from sqlalchemy import types as sa
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Catalogue, OddIndex
from synthohive.connectors.duckdb.text import first_name, is_constraint, nested_type, shell
from synthohive.ddl.spelling import quote
from synthohive.ddl.statements import items
from synthohive.schema import Column, ColumnKind, Metadata

__all__ = ["DuckdbCatalogue", "column_items", "indexes", "plain_schema", "statements"]

_HERE = "database_name = current_database() AND schema_name = ?"
_DIGITS = 38  # of a decimal of 128 bits
_SIGNED = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_UNSIGNED = {"UTINYINT": "int16", "USMALLINT": "int32", "UINTEGER": "int64", "UBIGINT": "uint64"}
_KINDS = {
    "BOOLEAN": ColumnKind.BOOLEAN,
    "VARCHAR": ColumnKind.TEXT,
    "BIT": ColumnKind.TEXT,
    "BLOB": ColumnKind.BINARY,
    "DATE": ColumnKind.DATE,
    "DOUBLE": ColumnKind.FLOAT,
    "INTERVAL": ColumnKind.INTERVAL,
    "JSON": ColumnKind.JSON,
    "TIME": ColumnKind.TIME,
    "TIME_NS": ColumnKind.TIME,
    "TIME WITH TIME ZONE": ColumnKind.TIME,
    "TIMESTAMP": ColumnKind.TIMESTAMP,
    "TIMESTAMP_S": ColumnKind.TIMESTAMP,
    "TIMESTAMP_MS": ColumnKind.TIMESTAMP,
    "TIMESTAMP_NS": ColumnKind.TIMESTAMP,
    "UUID": ColumnKind.UUID,
}


def _rows(connection: Connection, sql: str, *parameters: Any) -> list[Any]:
    return list(connection.exec_driver_sql(sql, tuple(parameters)).all())


def plain_schema(connection: Connection, schema: Optional[str]) -> Optional[str]:
    """Return a schema's name as the database spells it, without the database before it.

    SQLAlchemy's dialect puts that there; and to DuckDB, ``SHOP`` and ``shop`` are one schema.
    """
    if schema is None:
        return None
    ((database,),) = _rows(connection, "SELECT current_database()")
    for prefix in (f"{database}.", f'"{database}".'):
        if schema.lower().startswith(prefix.lower()):
            schema = first_name(schema[len(prefix) :])
            break
    names = _schemas(connection)
    return next((name for name in names if name.lower() == schema.lower()), schema)


def _schemas(connection: Connection) -> list[str]:
    sql = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
    return [str(row[0]) for row in _rows(connection, sql)]


class DuckdbCatalogue(Catalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self.default_schema_name,),) = _rows(connection, "SELECT current_schema()")

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """See the base class."""
        return plain_schema(self.connection, schema)

    def get_schema_names(self) -> list[str]:
        """Return the schemas of the connection's database."""
        own = {"information_schema", "pg_catalog"}
        return [name for name in _schemas(self.connection) if name not in own]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables; no views."""
        sql = f"SELECT table_name FROM duckdb_tables() WHERE {_HERE} AND NOT temporary"
        return [row[0] for row in _rows(self.connection, sql, schema)]

    def get_multi_columns(self, schema: str, **_: Any) -> dict[tuple[str, str], list[Any]]:
        """Return columns by table; :func:`amend` adds their types."""
        computed = {
            (table, name): expression
            for table, sql in statements(self.connection, schema).items()
            for name, expression in _generated(sql).items()
        }
        found: dict[tuple[str, str], list[Any]] = defaultdict(list)
        sql = (
            "SELECT table_name, column_name, is_nullable, column_default, comment "
            f"FROM duckdb_columns() WHERE {_HERE} ORDER BY table_oid, column_index"
        )
        for table, name, nullable, default, comment in _rows(self.connection, sql, schema):
            expression = computed.get((table, name))
            plain = default if default and default.upper() != "NULL" else None
            found[schema, table].append(
                {
                    "name": name,
                    "nullable": nullable,
                    "type": sa.NullType(),
                    "default": None if expression else plain,
                    "computed": {"sqltext": expression} if expression else None,
                    "comment": comment,
                }
            )
        return found

    def _constraints(self, schema: str, kind: str) -> list[Any]:
        sql = (
            "SELECT table_name, constraint_column_names, referenced_table, "
            "referenced_column_names, expression FROM duckdb_constraints() "
            f"WHERE {_HERE} AND constraint_type = ? ORDER BY table_oid, constraint_index"
        )
        return _rows(self.connection, sql, schema, kind)

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table; DuckDB keeps no constraint's name."""
        return {
            (schema, row[0]): {"name": None, "constrained_columns": row[1]}
            for row in self._constraints(schema, "PRIMARY KEY")
        }

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> dict[tuple[str, str], list[Any]]:
        """Return foreign keys by table; they never lead to another schema."""
        return _by_table(
            schema,
            (
                (
                    row[0],
                    {
                        "name": None,
                        "constrained_columns": row[1],
                        "referred_schema": schema,
                        "referred_table": row[2],
                        "referred_columns": row[3],
                    },
                )
                for row in self._constraints(schema, "FOREIGN KEY")
            ),
        )

    def get_multi_unique_constraints(
        self, schema: str, **_: Any
    ) -> dict[tuple[str, str], list[Any]]:
        """Return UNIQUE constraints by table."""
        rows = self._constraints(schema, "UNIQUE")
        return _by_table(schema, ((r[0], {"name": None, "column_names": r[1]}) for r in rows))

    def get_multi_check_constraints(
        self, schema: str, **_: Any
    ) -> dict[tuple[str, str], list[Any]]:
        """Return CHECK constraints by table."""
        rows = self._constraints(schema, "CHECK")
        return _by_table(schema, ((r[0], {"name": None, "sqltext": r[4]}) for r in rows))

    def get_multi_indexes(self, schema: str, **_: Any) -> dict[tuple[str, str], list[Any]]:
        """Return indexes by table, with None in the place of an expression."""
        columns = _columns_of(self.connection, schema)
        return _by_table(
            schema,
            (
                (table, {"name": name, "unique": unique, "column_names": [
                    _indexed(item, columns[table]) for item in items(definition)
                ]})
                for table, name, unique, definition in indexes(self.connection, schema)
            ),
        )  # fmt: skip

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return comments by table."""
        sql = f"SELECT table_name, comment FROM duckdb_tables() WHERE {_HERE}"
        return {(schema, n): {"text": c} for n, c in _rows(self.connection, sql, schema)}

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return the indexes over expressions."""
        columns = _columns_of(self.connection, schema)
        return {
            (table, name): OddIndex(definition, bool(unique), exact=False)
            for table, name, unique, definition in indexes(self.connection, schema)
            if None in [_indexed(item, columns[table]) for item in items(definition)]
        }

    def amend(self, metadata: Metadata) -> None:
        """Describe the columns' types."""
        sql = (
            "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale "
            f"FROM duckdb_columns() WHERE {_HERE}"
        )
        for table, name, type_, precision, scale in _rows(
            self.connection, sql, metadata.schema_name
        ):
            if table in metadata.tables and name in metadata.tables[table].columns:
                column = metadata.tables[table].columns[name]
                column.sql_type = type_
                _describe(column, type_, (precision, scale))
        for table in metadata.tables.values():
            huge = [c for c in table.columns.values() if c.sql_type in ("HUGEINT", "UHUGEINT")]
            if huge:
                _measure(self.connection, self.quote(metadata.schema_name, table.name), huge)


def _by_table(schema: str, pairs: Iterable[tuple[str, Any]]) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for table, described in pairs:
        found[schema, table].append(described)
    return found


def statements(connection: Connection, schema: str) -> dict[str, str]:
    """Return the statements that made a schema's tables."""
    sql = f"SELECT table_name, sql FROM duckdb_tables() WHERE {_HERE} AND NOT temporary"
    return {row[0]: row[1] for row in _rows(connection, sql, schema)}


def _columns_of(connection: Connection, schema: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    sql = f"SELECT table_name, column_name FROM duckdb_columns() WHERE {_HERE}"
    for table, name in _rows(connection, sql, schema):
        found[table].add(name)
    return found


def column_items(sql: str) -> dict[str, str]:
    """Return each column's part of a CREATE TABLE.

    Examples
    --------
    >>> column_items("CREATE TABLE t(a INTEGER PRIMARY KEY, b VARCHAR, UNIQUE(b), );")
    {'a': 'a INTEGER PRIMARY KEY', 'b': 'b VARCHAR'}
    """
    return {first_name(item): item for item in items(sql) if not is_constraint(item)}


def _generated(sql: str) -> dict[str, str]:
    """Return the expressions of a table's generated columns."""
    found = {}
    for name, item in column_items(sql).items():
        if "GENERATED ALWAYS AS" in shell(item):
            found[name] = ", ".join(items(item[item.rindex("GENERATED ALWAYS AS") :]))
    return found


def indexes(connection: Connection, schema: str) -> list[Any]:
    """Return table, name, whether it is unique, and the statement of each index."""
    sql = (
        "SELECT table_name, index_name, is_unique, rtrim(sql, ';') FROM duckdb_indexes() "
        f"WHERE {_HERE} AND sql IS NOT NULL ORDER BY index_oid"
    )
    return _rows(connection, sql, schema)


def _indexed(item: str, columns: set[str]) -> Optional[str]:
    """Return the column that an index's part names; None for an expression."""
    text = item.strip()
    name = first_name(text)
    whole = re.fullmatch(r'"(?:[^"]|"")*"|\w+', text) is not None
    return name if whole and name in columns else None


def _measure(connection: Connection, place: str, columns: Sequence[Column]) -> None:
    """Leave out columns with numbers of more digits than a decimal of 128 bits has."""
    most = f"{'9' * _DIGITS}::{{type}}"
    parts = [
        f"count(*) FILTER ({quote(c.name)} > {most.format(type=c.sql_type)}"
        + ("" if c.unsigned else f" OR {quote(c.name)} < -{most.format(type=c.sql_type)}")
        + ")"
        for c in columns
    ]
    row: Any = connection.exec_driver_sql(f"SELECT {', '.join(parts)} FROM {place}").one()
    for column, beyond in zip(columns, row):
        if beyond:
            column.kind = ColumnKind.UNSUPPORTED
            column.sql_type = f"{column.sql_type} with values of over {_DIGITS} digits"


def _describe(column: Column, type_: str, digits: Sequence[Optional[int]]) -> None:
    column.kind = _KINDS.get(type_, ColumnKind.UNSUPPORTED)
    column.timezone = type_ == "TIMESTAMP WITH TIME ZONE"
    if column.timezone:
        column.kind = ColumnKind.TIMESTAMP
    elif type_ in _SIGNED:
        column.kind, column.arrow = ColumnKind.INTEGER, f"int{_SIGNED[type_]}"
    elif type_ in _UNSIGNED:  # the next wider signed type holds every value
        column.kind, column.arrow, column.unsigned = ColumnKind.INTEGER, _UNSIGNED[type_], True
    elif type_ in ("HUGEINT", "UHUGEINT"):
        column.kind, column.precision, column.scale = ColumnKind.DECIMAL, 38, 0
        column.unsigned = type_ == "UHUGEINT"
    elif type_.endswith("]"):
        column.kind = ColumnKind.ARRAY
    elif nested_type(type_):
        column.kind = ColumnKind.JSON
    elif type_.startswith("DECIMAL("):
        column.kind, (column.precision, column.scale) = ColumnKind.DECIMAL, digits
    elif type_ == "FLOAT":
        column.kind, column.arrow = ColumnKind.FLOAT, "float"
    elif type_.startswith("ENUM("):
        column.kind = ColumnKind.CATEGORICAL
        column.enum_values = [i[1:-1].replace("''", "'") for i in items(type_)]
