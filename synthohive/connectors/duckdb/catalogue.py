"""What DuckDB's catalogue functions tell of a schema, in the form of SQLAlchemy's Inspector.

The Inspector of the SQLAlchemy dialect asks DuckDB's imitation of PostgreSQL's catalogue,
which knows neither nested types nor generated columns, and calls schemas "database.schema".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, Optional

from sqlalchemy import types as sa
from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import ByTable, Catalogue, OddIndex, by_table, in_memory
from synthohive.connectors.duckdb.spelling import SPELLING
from synthohive.connectors.duckdb.text import first_name, is_constraint, nested_type, shell
from synthohive.ddl.spelling import literal, quote
from synthohive.ddl.statements import (
    SchemaDdl,
    SchemaObject,
    Statement,
    comments_on,
    declared_keys,
    items,
    label,
    reference,
)
from synthohive.schema import Column, ColumnKind, Metadata

__all__ = ["DuckdbCatalogue"]

_HERE = "database_name = current_database() AND schema_name = :schema"
_FOREIGN_KEY = re.compile(r"\s*FOREIGN\s+KEY\b", re.IGNORECASE)
_INDEX_PLACE = re.compile(r'(\sON\s+)(?:(?:"(?:[^"]|"")+"|\w+)\.)+', re.IGNORECASE)
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


class DuckdbCatalogue(Catalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    NOT_CLONED: ClassVar[Optional[str]] = (
        "SELECT 'views', view_name, NULL FROM duckdb_views() "
        "WHERE schema_name = :schema AND NOT internal ORDER BY 2"
    )

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        ((self._database, self.default_schema_name),) = self.rows(
            "SELECT current_database(), current_schema()"
        )

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a schema's name as the database spells it, without the database before it.

        SQLAlchemy's dialect puts that there; and to DuckDB, ``SHOP`` and ``shop`` are one schema.
        """
        if schema is None:
            return None
        for prefix in (f"{self._database}.", f'"{self._database}".'):
            if schema.lower().startswith(prefix.lower()):
                schema = first_name(schema[len(prefix) :])
                break
        return next((n for n in self._schemas() if n.lower() == schema.lower()), schema)

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See the base class."""
        place = self.plain_schema(schema) or self.default_schema_name
        file, engine = self.connection.engine.url.database, self.connection.engine
        if file in (None, "", ":memory:"):
            return (("duckdb", *in_memory(engine), place),)
        path = Path(str(file))
        facts: list[tuple[Any, ...]] = [("duckdb", str(path.resolve()), place)]
        if path.exists():  # links lead to the same; a deleted file's number is given to new ones
            found, tables = path.stat(), sorted(map(list, self._statements(place).items()))
            facts.append(("duckdb", "file", found.st_dev, found.st_ino, place, tables))
        return tuple(facts)

    def _schemas(self) -> list[str]:
        sql = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
        return [str(row[0]) for row in self.rows(sql)]

    def get_schema_names(self) -> list[str]:
        """Return the schemas of the connection's database."""
        own = {"information_schema", "pg_catalog"}
        return [name for name in self._schemas() if name not in own]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables; no views."""
        return list(self._statements(schema))

    def get_multi_columns(self, schema: str, **_: Any) -> ByTable:
        """Return columns by table; :meth:`amend` adds their types."""
        computed = {
            (table, name): expression
            for table, sql in self._statements(schema).items()
            for name, expression in _generated(sql).items()
        }
        rows = self.rows(
            "SELECT table_name, column_name, is_nullable, column_default, comment "
            f"FROM duckdb_columns() WHERE {_HERE} ORDER BY table_oid, column_index",
            schema=schema,
        )

        def described(row: Any) -> dict[str, Any]:
            table, name, nullable, default, comment = row
            expression = computed.get((table, name))
            plain = default if default and default.upper() != "NULL" else None
            return {
                "name": name,
                "nullable": nullable,
                "type": sa.NullType(),
                "default": None if expression else plain,
                "computed": {"sqltext": expression} if expression else None,
                "comment": comment,
            }

        return by_table(schema, ((row[0], described(row)) for row in rows))

    def _constraints(self, schema: str, kind: str, *names: str) -> ByTable:
        """Return a kind of constraints by table, the catalogue's facts under the given names.

        DuckDB keeps no constraint's name, and its keys never lead to another schema.
        """
        rows = self.rows(
            "SELECT table_name, constraint_column_names, referenced_table, "
            "referenced_column_names, expression FROM duckdb_constraints() "
            f"WHERE {_HERE} AND constraint_type = :kind ORDER BY table_oid, constraint_index",
            schema=schema,
            kind=kind,
        )
        facts = ({"name": None, **{n: v for n, v in zip(names, row[1:]) if n}} for row in rows)
        return by_table(schema, zip((row[0] for row in rows), facts))

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        found = self._constraints(schema, "PRIMARY KEY", "constrained_columns")
        return {at: key for at, (key,) in found.items()}

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table."""
        names = ("constrained_columns", "referred_table", "referred_columns")
        found = self._constraints(schema, "FOREIGN KEY", *names)
        return {at: [{**k, "referred_schema": schema} for k in keys] for at, keys in found.items()}

    def get_multi_unique_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return UNIQUE constraints by table."""
        return self._constraints(schema, "UNIQUE", "column_names")

    def get_multi_check_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return CHECK constraints by table."""
        return self._constraints(schema, "CHECK", "", "", "", "sqltext")

    def get_multi_indexes(self, schema: str, **_: Any) -> ByTable:
        """Return indexes by table, with None in the place of an expression."""
        return by_table(
            schema,
            (
                (table, {"name": name, "unique": unique, "column_names": columns})
                for table, name, unique, _sql, columns in self._indexes(schema)
            ),
        )

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return comments by table."""
        sql = f"SELECT table_name, comment FROM duckdb_tables() WHERE {_HERE}"
        return {(schema, n): {"text": c} for n, c in self.rows(sql, schema=schema)}

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return the indexes over expressions."""
        return {
            (table, name): OddIndex(sql, bool(unique), exact=False)
            for table, name, unique, sql, columns in self._indexes(schema)
            if None in columns
        }

    def amend(self, metadata: Metadata) -> None:
        """Describe the columns' types."""
        sql = (
            "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale "
            f"FROM duckdb_columns() WHERE {_HERE}"
        )
        for table, name, type_, *digits in self.rows(sql, schema=metadata.schema_name):
            if table in metadata.tables and name in metadata.tables[table].columns:
                column = metadata.tables[table].columns[name]
                column.sql_type = type_
                _describe(column, type_, digits)
        for config in metadata.tables.values():
            huge = [c for c in config.columns.values() if c.sql_type in ("HUGEINT", "UHUGEINT")]
            if huge:
                self._measure(self.quote(metadata.schema_name, config.name), huge)

    def _statements(self, schema: str) -> dict[str, str]:
        """Return the statements that made a schema's tables."""
        sql = f"SELECT table_name, sql FROM duckdb_tables() WHERE {_HERE} AND NOT temporary"
        return {row[0]: row[1] for row in self.rows(sql, schema=schema)}

    def _indexes(self, schema: str) -> list[Any]:
        """Return table, name, whether unique, statement and columns (None: an expression)."""
        columns: dict[str, set[str]] = defaultdict(set)
        sql = f"SELECT table_name, column_name FROM duckdb_columns() WHERE {_HERE}"
        for table, name in self.rows(sql, schema=schema):
            columns[table].add(name)
        rows = self.rows(
            "SELECT table_name, index_name, is_unique, rtrim(sql, '; ') FROM duckdb_indexes() "
            f"WHERE {_HERE} AND sql IS NOT NULL ORDER BY index_oid",
            schema=schema,
        )
        return [(*row, [_indexed(item, columns[row[0]]) for item in items(row[3])]) for row in rows]

    def _measure(self, place: str, columns: Sequence[Column]) -> None:
        """Leave out columns with numbers of more digits than a decimal of 128 bits has."""
        parts = []
        for column in columns:
            name, most = quote(column.name), f"{'9' * _DIGITS}::{column.sql_type}"
            beyond = f"{name} > {most}" + ("" if column.unsigned else f" OR {name} < -{most}")
            parts.append(f"count(*) FILTER ({beyond})")
        row: Any = self.plain(f"SELECT {', '.join(parts)} FROM {place}").one()
        for column, count in zip(columns, row):
            if count:
                column.kind = ColumnKind.UNSUPPORTED
                column.sql_type = f"{column.sql_type} with values of over {_DIGITS} digits"

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class."""
        creates = self._statements(schema)
        tables: dict[str, tuple[Statement, ...]] = {}
        for name, config in metadata.tables.items():
            # The catalogue's text leaves out a key to the table itself; none is taken from it.
            parts = [i for i in items(creates.get(name, "")) if i and not _FOREIGN_KEY.match(i)]
            if {first_name(i) for i in parts if not is_constraint(i)} != set(config.columns):
                return None
            parts += [  # DuckDB has no ON DELETE and no names
                reference(fk, quote, quote(fk.parent)) for fk in config.foreign_keys if fk.declared
            ]
            body = ",\n  ".join(parts)
            sql = f"CREATE TABLE {quote(name)} (\n  {body}\n)"
            tables[name] = (Statement(sql, name, f"table {name!r}"),)
        after = [
            Statement(_INDEX_PLACE.sub(r"\1", sql, count=1), table, label("index", name))
            for table, name, _, sql, _ in self._indexes(schema)
            if table in metadata.tables
        ]
        after += [s for t in metadata.tables.values() for s in comments_on(t, SPELLING)]
        return SchemaDdl(tables, after=tuple(after), enforced=declared_keys(metadata))

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only; the writer moves the names in their texts."""
        rows = self.rows(
            "SELECT view_name, sql, comment FROM duckdb_views() "
            f"WHERE NOT internal AND NOT temporary AND {_HERE} ORDER BY view_oid",
            schema=schema,
        )
        return [
            SchemaObject("views", name, sql, comment=literal(comment) if comment else "")
            for name, sql, comment in rows
        ]


def _generated(sql: str) -> dict[str, str]:
    """Return the expressions of a table's generated columns.

    Examples
    --------
    >>> _generated("CREATE TABLE t(a INTEGER, b INTEGER GENERATED ALWAYS AS(a + 1), UNIQUE(a), );")
    {'b': 'a + 1'}
    """
    found = {}
    for item in items(sql):
        if not is_constraint(item) and "GENERATED ALWAYS AS" in shell(item):
            found[first_name(item)] = ", ".join(items(item[item.rindex("GENERATED ALWAYS AS") :]))
    return found


def _indexed(item: str, columns: set[str]) -> Optional[str]:
    """Return the column that an index's part names; None for an expression."""
    text = item.strip()
    name = first_name(text)
    whole = re.fullmatch(r'"(?:[^"]|"")*"|\w+', text) is not None
    return name if whole and name in columns else None


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
