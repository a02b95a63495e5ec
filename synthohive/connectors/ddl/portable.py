"""DDL made from the description alone: for another engine, or without the source at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from synthohive._logging import get_logger
from synthohive.connectors.ddl.expressions import portable_default, portable_expression
from synthohive.connectors.ddl.mysql import quote as mysql_quote
from synthohive.connectors.ddl.postgresql import advance, literal, quote
from synthohive.connectors.ddl.statements import SchemaDdl, Statement, fit_identifier, label
from synthohive.connectors.ddl.types import is_lob, type_sql
from synthohive.exceptions import ConnectorError
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

    from synthohive.schema import Column, ForeignKey, Index, Metadata, TableConfig

__all__ = ["portable_ddl"]

log = get_logger(__name__)
_MYSQL_NAMES = ("mysql", "mariadb")
_BIGINT = 2**63 - 1


def portable_ddl(metadata: Metadata, dialect: Dialect, *, all_keys: bool) -> SchemaDdl:
    """Return the DDL of `metadata` in the dialect's SQL.

    Parameters
    ----------
    metadata : Metadata
    dialect : sqlalchemy.engine.Dialect
        Of the target.
    all_keys : bool
        Constrain also the foreign keys that no database declared.
    """
    return _Builder(metadata, dialect, all_keys).build()


class _Builder:
    """The parts of one schema's DDL."""

    def __init__(self, metadata: Metadata, dialect: Dialect, all_keys: bool) -> None:
        self.metadata = metadata
        self.dialect = dialect
        self.all_keys = all_keys
        self.name = "mysql" if dialect.name in _MYSQL_NAMES else dialect.name
        self.native = metadata.dialect == dialect.name
        # These know keys and uniqueness only as part of CREATE TABLE.
        self.inline = self.name in ("sqlite", "duckdb")
        self.omitted = _cycle_closers(metadata) if self.name == "duckdb" else set()
        # Not the dialect's own: some double the percent sign, for drivers that format.
        self.quote = mysql_quote if self.name == "mysql" else quote
        self.used: set[str] = {name.lower() for name in metadata.tables}
        self.setup: dict[str, Statement] = {}
        self.enforced: list[tuple[str, tuple[str, ...], str]] = []

    def build(self) -> SchemaDdl:
        """Return all statements."""
        for name, table in self.metadata.tables.items():
            self._check_names(name, table)
        tables: dict[str, tuple[Statement, ...]] = {
            n: (self._table(t),) for n, t in self.metadata.tables.items()
        }
        configs = list(self.metadata.tables.values())
        after = [s for t in configs for s in self._after(t)]
        keys = [] if self.inline else [s for t in configs for s in self._foreign_keys(t)]
        counters = [s for t in configs for s in self._counters(t)]
        return SchemaDdl(
            tables=tables,
            setup=tuple(self.setup.values()),
            after=tuple(after),
            keys=tuple(keys),
            counters=tuple(counters),
            enforced=frozenset(self.enforced),
        )

    def _check_names(self, table: str, config: TableConfig) -> None:
        limit = self.dialect.max_identifier_length
        for what, name in [("Table", table), *(("Column", f) for f in config.columns)]:
            size = len(name) if self.name == "mysql" else len(name.encode())
            if size > limit:
                place = "" if what == "Table" else f" of table {table!r}"
                raise ConnectorError(
                    f"{what} name {name!r}{place} is longer than the {limit} that "
                    f"{self.dialect.name} takes.",
                    hint="Rename it in the source, or write to an engine with longer names.",
                )

    def _fresh(self, name: Optional[str], table: str) -> str:
        """Keep a constraint's name where it is still free in the schema."""
        if not name:
            return ""
        limit = self.dialect.max_identifier_length
        in_bytes = self.name != "mysql"
        chosen = fit_identifier(name, limit, in_bytes=in_bytes)
        if chosen.lower() in self.used:
            chosen = fit_identifier(f"{table}_{name}", limit, in_bytes=in_bytes)
        self.used.add(chosen.lower())
        return chosen

    def _columns(self, names: Sequence[str]) -> str:
        return ", ".join(self.quote(name) for name in names)

    def _type(self, table: TableConfig, column: Column) -> str:
        if self.native and column.sql_type and column.kind is not ColumnKind.CATEGORICAL:
            return column.sql_type
        if self.native and column.sql_type:
            if self.name != "postgresql" or not column.enum_values:
                return column.sql_type
            type_name = column.sql_type.rpartition(".")[2]
            values = ", ".join(literal(value) for value in column.enum_values)
            self.setup[type_name] = Statement(
                f"CREATE TYPE {type_name} AS ENUM ({values})", "", f"type {type_name!r}"
            )
            return type_name
        return type_sql(table.name, column, self.dialect, in_key=column.name in _indexed(table))

    def _column(self, table: TableConfig, column: Column) -> str:
        type_ = self._type(table, column)
        parts = [self.quote(column.name), type_]
        sole_key = table.pk == [column.name]
        if column.computed is not None:
            expression = self._expression(column.computed, table, f"column {column.name}")
            if expression is not None:
                kept = "VIRTUAL" if self.name == "duckdb" else "STORED"
                return " ".join([*parts, f"GENERATED ALWAYS AS ({expression}) {kept}"])
            return " ".join(parts)
        if column.identity is not None and column.kind is ColumnKind.INTEGER:
            if self.name == "postgresql":
                always = "ALWAYS" if column.identity.always else "BY DEFAULT"
                parts.append(f"GENERATED {always} AS IDENTITY")
            elif self.name == "mysql" and sole_key:
                parts.append("NOT NULL AUTO_INCREMENT")
            elif self.name == "duckdb":
                sequence = literal(f"{table.name}_{column.name}_seq")
                parts.append(f"DEFAULT nextval({sequence})")
        elif column.default is not None:
            default = self._default(column, type_)
            parts += [f"DEFAULT {default}"] if default is not None else []
        if not column.nullable and "NOT NULL" not in parts[-1]:
            parts.append("NOT NULL")
        if column.comment and self.name == "mysql":
            escaped = column.comment.replace("\\", "\\\\").replace("'", "''")
            parts.append(f"COMMENT '{escaped}'")
        return " ".join(parts)

    def _default(self, column: Column, type_: str) -> Optional[str]:
        assert column.default is not None
        if self.native:
            return None if "nextval(" in column.default else column.default
        default = portable_default(column.default)
        if default is None or (self.name == "mysql" and is_lob(type_)):
            return None
        if column.kind is ColumnKind.BOOLEAN and default.lower() not in ("true", "false"):
            return None
        if default == "CURRENT_TIMESTAMP":
            if column.kind is not ColumnKind.TIMESTAMP:
                return None
            return "CURRENT_TIMESTAMP(6)" if self.name == "mysql" else default
        return default

    def _expression(self, sql: str, table: TableConfig, what: str) -> Optional[str]:
        if self.native:
            return sql
        expression = portable_expression(sql, table.columns, self.quote)
        if expression is None:
            log.warning("expression_not_portable", table=table.name, of=what, to=self.dialect.name)
        return expression

    def _table(self, table: TableConfig) -> Statement:
        lines = [self._column(table, column) for column in table.columns.values()]
        if self.name == "sqlite" and len(table.pk) == 1:
            only = table.columns[table.pk[0]]
            if only.kind is ColumnKind.INTEGER and not self.native:
                index = list(table.columns).index(only.name)
                lines[index] = f"{self.quote(only.name)} INTEGER NOT NULL"
        if table.pk and self.name != "postgresql":
            lines.append(f"PRIMARY KEY ({self._columns(table.pk)})")
        if self.name != "postgresql":
            lines += [body for body, _ in self._checks(table)]
        if self.inline:
            lines += [body for body, _ in self._uniques(table)]
            lines += [body for body, _ in self._references(table)]
        body = ",\n  ".join(lines)
        sql = f"CREATE TABLE {self.quote(table.name)} (\n  {body}\n)"
        return Statement(sql, table.name, f"table {table.name!r}")

    def _after(self, table: TableConfig) -> list[Statement]:
        bodies: list[tuple[str, str]] = []
        if self.name == "postgresql":
            if table.pk:
                bodies.append((f"PRIMARY KEY ({self._columns(table.pk)})", "primary key"))
            bodies += self._checks(table)
        if not self.inline:
            bodies += self._uniques(table)
        alter = f"ALTER TABLE {self.quote(table.name)} ADD "
        statements = [Statement(alter + body, table.name, what) for body, what in bodies]
        for index in table.indexes:
            sql = self._index(table, index)
            if sql is not None:
                what = label("index", index.name, index.columns)
                statements.append(Statement(sql, table.name, what))
        if self.name in ("postgresql", "duckdb"):
            statements += self._comments(table)
        return statements

    def _named(self, name: Optional[str], table: TableConfig, body: str) -> str:
        fresh = self._fresh(name, table.name)
        return f"CONSTRAINT {self.quote(fresh)} {body}" if fresh else body

    def _checks(self, table: TableConfig) -> list[tuple[str, str]]:
        found = []
        for check in table.checks:
            sql = self._expression(check.sqltext, table, f"check {check.name or check.sqltext}")
            if sql is not None:
                body = self._named(check.name, table, f"CHECK ({sql})")
                found.append((body, label("check constraint", check.name or "")))
        if not self.native and self.name != "mysql":
            for column in table.columns.values():
                if column.enum_values:
                    values = ", ".join(
                        "'" + value.replace("'", "''") + "'" for value in column.enum_values
                    )
                    body = f"CHECK ({self.quote(column.name)} IN ({values}))"
                    found.append((body, label("check constraint", "", [column.name])))
        return found

    def _uniques(self, table: TableConfig) -> list[tuple[str, str]]:
        return [
            (
                self._named(unique.name, table, f"UNIQUE ({self._columns(unique.columns)})"),
                label("unique constraint", unique.name or "", unique.columns),
            )
            for unique in table.unique
        ]

    def _references(self, table: TableConfig) -> list[tuple[str, ForeignKey]]:
        found = []
        for fk in table.foreign_keys:
            if not (fk.declared or self.all_keys):
                continue
            if (table.name, tuple(fk.columns)) in self.omitted:
                log.warning("key_not_enforced", key=fk.label(table.name), to=self.dialect.name)
                continue
            body = (
                f"FOREIGN KEY ({self._columns(fk.columns)}) REFERENCES "
                f"{self.quote(fk.parent)} ({self._columns(fk.parent_columns)})"
            )
            if self.name != "duckdb":
                body += f" ON DELETE {fk.on_delete}" if fk.on_delete else ""
                body += f" ON UPDATE {fk.on_update}" if fk.on_update else ""
            found.append((self._named(fk.name, table, body), fk))
            self.enforced.append((table.name, tuple(fk.columns), fk.parent))
        return found

    def _foreign_keys(self, table: TableConfig) -> list[Statement]:
        alter = f"ALTER TABLE {self.quote(table.name)} ADD "
        return [
            Statement(alter + body, table.name, label("foreign key", fk.name or "", fk.columns))
            for body, fk in self._references(table)
        ]

    def _index(self, table: TableConfig, index: Index) -> Optional[str]:
        if self.native and index.definition:
            pattern = r"(\sON\s+(?:ONLY\s+)?)(?:\"(?:[^\"]|\"\")+\"|\w+)\.(?=[\w\"])"
            return re.sub(pattern, r"\1", index.definition, count=1, flags=re.IGNORECASE)
        usable = bool(index.columns) and all(c in table.columns for c in index.columns)
        if self.name == "mysql":
            usable = usable and not any(
                is_lob(self._type(table, table.columns[c])) for c in index.columns
            )
        if not usable or (index.definition and " WHERE " in index.definition.upper()):
            log.warning(
                "index_not_portable", table=table.name, index=index.name, to=self.dialect.name
            )
            return None
        name = self.quote(self._fresh(index.name, table.name))
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        return f"CREATE {kind} {name} ON {self.quote(table.name)} ({self._columns(index.columns)})"

    def _comments(self, table: TableConfig) -> list[Statement]:
        place = self.quote(table.name)
        found = [(f"TABLE {place}", table.comment)]
        found += [
            (f"COLUMN {place}.{self.quote(c.name)}", c.comment) for c in table.columns.values()
        ]
        return [
            Statement(f"COMMENT ON {thing} IS {literal(text)}", table.name, f"comment on {thing}")
            for thing, text in found
            if text
        ]

    def _counters(self, table: TableConfig) -> list[Statement]:
        if self.name != "postgresql":
            return []
        found = []
        for column in table.columns.values():
            if column.identity is None or column.kind is not ColumnKind.INTEGER:
                continue
            place = (
                f"pg_get_serial_sequence({literal(self.quote(table.name))}, {literal(column.name)})"
            )
            high = 2 ** (min(column.arrow_type.bit_width, 64) - 1) - 1
            found.append(advance(place, [(table.name, column.name)], 1, 1, high))
        return found


def _cycle_closers(metadata: Metadata) -> set[tuple[str, tuple[str, ...]]]:
    """Return the keys, by table and columns, without which no cycle of tables is left."""
    left = dict(metadata.tables)
    omitted: set[tuple[str, tuple[str, ...]]] = set()
    while left:
        waiting = {
            name: [
                fk
                for fk in table.foreign_keys
                if fk.parent in left
                and fk.parent != name
                and (name, tuple(fk.columns)) not in omitted
            ]
            for name, table in left.items()
        }
        free = [name for name, keys in waiting.items() if not keys]
        if not free:
            # The table with the fewest keys still open gives way.
            name = min(waiting, key=lambda n: (len(waiting[n]), n))
            omitted.update((name, tuple(fk.columns)) for fk in waiting[name])
        for name in free:
            del left[name]
    return omitted


def _indexed(table: TableConfig) -> set[str]:
    keys = table.key_columns.union(*table.unique_sets)
    return keys.union(*(index.columns for index in table.indexes))
