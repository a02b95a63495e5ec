"""DDL made from the description alone: for another engine, or without the source at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Optional

from synthohive._logging import get_logger
from synthohive.ddl.expressions import portable_default, portable_expression
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import (
    Refused,
    SchemaDdl,
    Statement,
    comments_on,
    fit_identifier,
    label,
    reference,
)
from synthohive.ddl.vetted import Vetting, vetted_action
from synthohive.ddl.vetted_indexes import vetted_index
from synthohive.ddl.vetted_types import vetted_type
from synthohive.ddl.writable import writable
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

    from synthohive.schema import Column, ForeignKey, Index, Metadata, TableConfig

__all__ = ["portable_ddl"]

log = get_logger(__name__)
_SHOWN = 80
"""Characters of a refused text that an error shows."""


def portable_ddl(
    metadata: Metadata, dialect: Dialect, spelling: Spelling, *, native: bool, all_keys: bool
) -> SchemaDdl:
    """Return the DDL of `metadata` in the dialect's SQL.

    Parameters
    ----------
    metadata : Metadata
    dialect : sqlalchemy.engine.Dialect
        Of the target.
    spelling : Spelling
        Of the target.
    native : bool
        The description has the target's own SQL in it.
    all_keys : bool
        Constrain also the foreign keys that no database declared.
    """
    described = writable(metadata, native=native)
    return _Builder(described, dialect, spelling, native=native, all_keys=all_keys).build()


class _Builder:
    """The parts of one schema's DDL."""

    def __init__(
        self,
        metadata: Metadata,
        dialect: Dialect,
        spelling: Spelling,
        *,
        native: bool,
        all_keys: bool,
    ) -> None:
        self.metadata, self.dialect, self.spelling = metadata, dialect, spelling
        self.native, self.all_keys = native, all_keys
        self.omitted = set() if self.spelling.cyclic_keys else _cycle_closers(metadata)
        # Not the dialect's own: some double the percent sign, for drivers that format.
        self.quote, self.literal = self.spelling.quote, self.spelling.literal
        self.vetting = Vetting(self.spelling, _enums(metadata))
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
        late = "foreign key" in self.spelling.late
        keys = [s for t in configs for s in self._foreign_keys(t)] if late else []
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
            size = len(name.encode() if self.spelling.names_in_bytes else name)
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
        in_bytes = self.spelling.names_in_bytes
        chosen = fit_identifier(name, limit, in_bytes=in_bytes)
        if chosen.lower() in self.used:
            chosen = fit_identifier(f"{table}_{name}", limit, in_bytes=in_bytes)
        self.used.add(chosen.lower())
        return chosen

    def _columns(self, names: Sequence[str]) -> str:
        return ", ".join(self.quote(name) for name in names)

    @contextmanager
    def _vetted(self, table: TableConfig, what: str, sql: str) -> Iterator[None]:
        """Say which text of the description is refused."""
        try:
            yield
        except Refused as exc:
            shown = sql if len(sql) <= _SHOWN else f"{sql[:_SHOWN]}…"
            raise SchemaError(
                f"Table {table.name!r}, {what}: {shown!r} is not written to "
                f"{self.dialect.name}, because {exc}.",
                hint="What a description states is only written where its shape is known. "
                "Correct it, or write with the source at hand, whose own DDL is then cloned.",
            ) from exc

    def _type(self, table: TableConfig, column: Column) -> str:
        if not self.native or not column.sql_type:
            return self._mapped(table, column)
        if self.spelling.enums == "type" and column.enum_values:
            type_name = _own_name(column.sql_type)
            values = ", ".join(self.literal(value) for value in column.enum_values)
            self.setup[type_name] = Statement(
                f"CREATE TYPE {self.quote(type_name)} AS ENUM ({values})", "", f"type {type_name!r}"
            )
            return self.quote(type_name)
        with self._vetted(table, f"type of column {column.name!r}", column.sql_type):
            written = vetted_type(column.sql_type, self.spelling)
        if written is None:
            log.warning(
                "type_not_the_engine_s_own", table=table.name, column=column.name,
                type=column.sql_type,
            )  # fmt: skip
            return self._mapped(table, column)
        return written

    def _mapped(self, table: TableConfig, column: Column) -> str:
        """Return the type that follows from what a column holds."""
        if column.kind is ColumnKind.UNSUPPORTED:
            raise ConnectorError(
                f"Column {table.name}.{column.name} has the type {column.sql_type or 'unknown'}, "
                f"which cannot be made in {self.dialect.name}.",
                hint="Leave the table out with exclude=[…].",
            )
        type_ = self.spelling.type_of(
            column, in_key=column.name in _indexed(table), sole_key=table.pk == [column.name]
        )
        return str(type_.compile(dialect=self.dialect))

    def _column(self, table: TableConfig, column: Column) -> str:
        type_ = self._type(table, column)
        parts = [self.quote(column.name), type_]
        sole_key = table.pk == [column.name]
        if column.computed is not None and "computed" in self.spelling.has:
            expression = self._expression(column.computed, table, f"column {column.name!r}")
            if expression is not None:
                return (
                    f"{' '.join(parts)} GENERATED ALWAYS AS ({expression}) {self.spelling.computed}"
                )
            return " ".join(parts)
        if column.identity is not None and column.kind is ColumnKind.INTEGER:
            parts.append(self.spelling.counter(table.name, column, sole_key=sole_key))
        elif column.default is not None:
            default = self._default(table, column, type_)
            parts.append(f"DEFAULT {default}" if default is not None else "")
        if column.nullable and column.name not in table.no_parents:
            parts.append(self.spelling.nullable(type_))
        elif "NOT NULL" not in parts[-1]:
            parts.append("NOT NULL")
        if column.comment and self.spelling.comments in ("inside", "options"):
            parts.append(self.spelling.described_by(column.comment))
        return " ".join(filter(None, parts))

    def _default(self, table: TableConfig, column: Column, type_: str) -> Optional[str]:
        assert column.default is not None
        if self.native:
            if "nextval(" in column.default.lower():  # the sequence stayed with the source
                return None
            with self._vetted(table, f"default of column {column.name!r}", column.default):
                return self.vetting.default(column.default)
        default = portable_default(column.default)
        if default is None or not self.spelling.indexable(type_):
            return None
        if column.kind is ColumnKind.BOOLEAN and default.lower() not in ("true", "false"):
            return None
        if default == "CURRENT_TIMESTAMP":
            if column.kind is not ColumnKind.TIMESTAMP:
                return None
            return self.spelling.moment(column)
        return default

    def _expression(self, sql: str, table: TableConfig, what: str) -> Optional[str]:
        if self.native:
            with self._vetted(table, what, sql):
                return self.vetting.expression(sql, table.columns)
        expression = portable_expression(sql, table.columns, self.quote)
        if expression is None:
            log.warning("expression_not_portable", table=table.name, of=what, to=self.dialect.name)
        return expression

    def _table(self, table: TableConfig) -> Statement:
        lines = [self._column(table, column) for column in table.columns.values()]
        lines += [body for body, _ in self._constraints(table, late=False)]
        if "foreign key" not in self.spelling.late:
            lines += [body for body, _ in self._references(table)]
        body = ",\n  ".join(lines)
        sql = f"CREATE TABLE {self.quote(table.name)} (\n  {body}\n)"
        return Statement(sql, table.name, f"table {table.name!r}")

    def _after(self, table: TableConfig) -> list[Statement]:
        bodies = self._constraints(table, late=True)
        alter = f"ALTER TABLE {self.quote(table.name)} ADD "
        statements = [Statement(alter + body, table.name, what) for body, what in bodies]
        for index in table.indexes if "index" in self.spelling.has else ():
            sql = self._index(table, index)
            if sql is not None:
                what = label("index", index.name, index.columns)
                statements.append(Statement(sql, table.name, what))
        if self.spelling.comments == "after":
            statements += comments_on(table, self.spelling)
        return statements

    def _constraints(self, table: TableConfig, *, late: bool) -> list[tuple[str, str]]:
        """Return what CREATE TABLE has, or what comes after the rows, but the foreign keys."""
        found: list[tuple[str, str]] = []
        if table.pk and ("primary key" in self.spelling.late) is late:
            key = f"PRIMARY KEY ({self._columns(table.pk)}){self.spelling.unenforced}"
            found.append((key, "primary key"))
        for kind, of in (("check", self._checks), ("unique", self._uniques)):
            if kind in self.spelling.has and (kind in self.spelling.late) is late:
                found += of(table)
        return found

    def _named(self, name: Optional[str], table: TableConfig, body: str) -> str:
        fresh = self._fresh(name, table.name)
        return f"CONSTRAINT {self.quote(fresh)} {body}" if fresh else body

    def _checks(self, table: TableConfig) -> list[tuple[str, str]]:
        found = []
        for check in table.checks:
            what = label("check constraint", check.name or "")
            sql = self._expression(check.sqltext, table, what)
            if sql is not None:
                body = self._named(check.name, table, f"CHECK ({sql})")
                found.append((body, what))
        if not self.native and self.spelling.enums != "column":
            for column in table.columns.values():
                if column.enum_values:
                    values = ", ".join(map(self.literal, column.enum_values))
                    body = f"CHECK ({self.quote(column.name)} IN ({values}))"
                    found.append((body, label("check constraint", "", [column.name])))
        return found

    def _uniques(self, table: TableConfig) -> list[tuple[str, str]]:
        strict = "NULLS NOT DISTINCT " if self.spelling.nulls_not_distinct else ""
        return [
            (
                self._named(
                    unique.name,
                    table,
                    f"UNIQUE {'' if unique.nulls_distinct else strict}"
                    f"({self._columns(unique.columns)}){self.spelling.unenforced}",
                ),
                label("unique constraint", unique.name or "", unique.columns),
            )
            for unique in table.unique
        ]

    def _references(self, table: TableConfig) -> list[tuple[str, ForeignKey]]:
        found = []
        for fk in table.foreign_keys:
            if fk.no_parent is not None or not (fk.declared or self.all_keys):
                continue
            to_pk = fk.parent_columns == self.metadata.tables[fk.parent].pk
            omitted = not (to_pk or self.spelling.keys_to_unique)
            if omitted or (table.name, tuple(fk.columns)) in self.omitted:
                log.warning("key_not_enforced", key=fk.label(table.name), to=self.dialect.name)
                continue
            body = reference(fk, self.quote, self.quote(fk.parent))
            if self.spelling.key_actions:
                body += self._actions(table, fk)
            found.append((self._named(fk.name, table, body + self.spelling.unenforced), fk))
            if not self.spelling.unenforced:
                self.enforced.append((table.name, tuple(fk.columns), fk.parent))
        return found

    def _actions(self, table: TableConfig, fk: ForeignKey) -> str:
        found = ""
        for when, action in (("DELETE", fk.on_delete), ("UPDATE", fk.on_update)):
            if action:
                with self._vetted(table, f"ON {when} of {fk.label(table.name)}", action):
                    found += f" ON {when} {vetted_action(action, fk.columns, self.quote)}"
        return found

    def _foreign_keys(self, table: TableConfig) -> list[Statement]:
        alter = f"ALTER TABLE {self.quote(table.name)} ADD "
        return [
            Statement(alter + body, table.name, label("foreign key", fk.name or "", fk.columns))
            for body, fk in self._references(table)
        ]

    def _index(self, table: TableConfig, index: Index) -> Optional[str]:
        if self.native and index.definition:
            name = self._index_name(index, table)
            with self._vetted(table, label("index", index.name), index.definition):
                return vetted_index(index.definition, table.name, name, table.columns, self.vetting)
        usable = bool(index.columns) and all(c in table.columns for c in index.columns)
        usable = usable and all(
            self.spelling.indexable(self._type(table, table.columns[c])) for c in index.columns
        )
        if not usable or (index.definition and " WHERE " in index.definition.upper()):
            log.warning(
                "index_not_portable", table=table.name, index=index.name, to=self.dialect.name
            )
            return None
        name = self.quote(self._index_name(index, table))
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        return f"CREATE {kind} {name} ON {self.quote(table.name)} ({self._columns(index.columns)})"

    def _index_name(self, index: Index, table: TableConfig) -> str:
        if self.spelling.names_per_schema:
            return self._fresh(index.name, table.name)
        limit = self.dialect.max_identifier_length
        return fit_identifier(index.name, limit, in_bytes=self.spelling.names_in_bytes)

    def _counters(self, table: TableConfig) -> list[Statement]:
        counted = [
            column
            for column in table.columns.values()
            if column.identity is not None and column.kind is ColumnKind.INTEGER
        ]
        return [
            Statement(sql, table.name, f"sequence of {table.name}.{column.name}")
            for column in counted
            if (sql := self.spelling.advance(table.name, column)) is not None
        ]


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


def _own_name(sql_type: str) -> str:
    """Return the bare name of a type that the description defines.

    Examples
    --------
    >>> _own_name('src."Mood"'), _own_name("mood")
    ('Mood', 'mood')
    """
    if sql_type.endswith('"'):
        quoted = re.search(r'"((?:[^"]|"")+)"$', sql_type)
        return quoted[1].replace('""', '"') if quoted else sql_type
    return sql_type.rpartition(".")[2]


def _enums(metadata: Metadata) -> frozenset[str]:
    columns = [c for t in metadata.tables.values() for c in t.columns.values()]
    return frozenset(_own_name(c.sql_type) for c in columns if c.enum_values and c.sql_type)


def _indexed(table: TableConfig) -> set[str]:
    keys = table.key_columns.union(*table.unique_sets)
    return keys.union(*(index.columns for index in table.indexes))
