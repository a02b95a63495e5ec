"""DDL made from the description alone: for another engine, or without the source at hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Optional

from synthohive._logging import get_logger
from synthohive.ddl.carried import tells_case
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import (
    Left,
    Refused,
    SchemaDdl,
    Statement,
    comments_on,
    fit_identifier,
    label,
    reference,
)
from synthohive.ddl.vetted import Vetting, vetted_action
from synthohive.ddl.vetted_indexes import index_parts, key_part, names_in, unquoted, vetted_index
from synthohive.ddl.vetted_types import vetted_type
from synthohive.ddl.writable import writable
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

    from synthohive.schema import (
        Column,
        ForeignKey,
        Index,
        Metadata,
        TableConfig,
        UniqueConstraint,
    )

__all__ = ["Asked", "portable_ddl"]

Asked = Callable[[Mapping[str, str], str], Optional[str]]
"""Of the target: why it does not read an expression over columns of such types; None if it does."""

log = get_logger(__name__)
_NONE = "the engine has none"
_SHOWN = 80
"""Characters of a refused text that an error shows."""


def portable_ddl(
    metadata: Metadata,
    dialect: Dialect,
    spelling: Spelling,
    *,
    source: Optional[Spelling] = None,
    all_keys: bool,
    asked: Optional[Asked] = None,
    trusted: bool = False,
) -> SchemaDdl:
    """Return the DDL of `metadata` in the dialect's SQL.

    Parameters
    ----------
    metadata : Metadata
    dialect : sqlalchemy.engine.Dialect
        Of the target.
    spelling : Spelling
        Of the target.
    source : Spelling, optional
        Of the engine whose SQL the description has in it; None where that is the target's own.
    all_keys : bool
        Constrain also the foreign keys that no database declared.
    asked : callable, optional
        Asks the target whether it reads what is translated for it.
    trusted : bool, default False
        The texts are those of the target's own catalogue, and are written as they are.

    Raises
    ------
    ConnectorError
        A column's values would be lost, since the target has no such type or expression.
    """
    return _Builder(
        metadata, dialect, spelling, source, all_keys=all_keys, asked=asked, trusted=trusted
    ).build()


class _Builder:
    """The parts of one schema's DDL."""

    def __init__(
        self,
        metadata: Metadata,
        dialect: Dialect,
        spelling: Spelling,
        source: Optional[Spelling],
        *,
        all_keys: bool,
        asked: Optional[Asked],
        trusted: bool,
    ) -> None:
        self.dialect, self.spelling, self.source = dialect, spelling, source or spelling
        self.native, self.all_keys, self.asked = source is None, all_keys, asked
        self.vetting = Vetting(self.source, _enums(metadata), source and spelling, trusted)
        self.left: list[Left] = []
        if not trusted:
            metadata = writable(metadata, None if self.native else self._default)
        self.metadata = metadata
        self.omitted = set() if self.spelling.cyclic_keys else _cycle_closers(metadata)
        # Not the dialect's own: some double the percent sign, for drivers that format.
        self.quote, self.literal = self.spelling.quote, self.spelling.literal
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
            left=tuple(dict.fromkeys(self.left)),
        )

    def _leave(self, kind: str, name: str, reason: str) -> None:
        """Note what the copy will not have."""
        self.left.append(Left(kind, name, reason))

    def _check_names(self, table: str, config: TableConfig) -> None:
        longest = self.dialect.max_identifier_length
        for what, name in [("Table", table), *(("Column", f) for f in config.columns)]:
            limit = longest if what == "Table" else self.spelling.longest_column or longest
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
        if self.vetting.trusted:
            return column.sql_type
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
        lost = self.spelling.loses(column)
        if lost and column.name not in table.exclude_columns:
            raise ConnectorError(
                f"Column {table.name}.{column.name} ({column.sql_type or column.kind.value}) "
                f"cannot be kept in {self.dialect.name}: {lost}.",
                hint=f"Leave it out: metadata.exclude('{table.name}.{column.name}').",
            )
        type_ = self.spelling.type_of(
            column, in_key=column.name in _indexed(table), sole_key=table.pk == [column.name]
        )
        written = str(type_.compile(dialect=self.dialect))
        if not self.native:
            if reason := self._changed(column, written):
                self._leave("types", f"{table.name}.{column.name}", reason)
            exact = not self.source.exact or tells_case(column)
            if column.kind.family == "text" and exact and self.spelling.exact:
                written += f" COLLATE {self.spelling.exact}"
        return written

    def _changed(self, column: Column, written: str) -> str:
        """Return what stands for a column's type; empty where the target has the same."""
        there, digits = self.spelling, self.spelling.digits
        what = f"{column.sql_type or column.kind.value} is {written}"
        if column.kind in there.stand_ins:
            return what
        if column.timezone and not there.zones:
            return f"{what}, in UTC"
        if digits and column.kind is ColumnKind.DECIMAL and (column.precision or 38) > digits:
            return f"{written} keeps {digits} digits"
        return ""

    def _column(self, table: TableConfig, column: Column) -> str:
        type_ = self._type(table, column)
        parts = [self.quote(column.name), type_]
        sole_key = table.pk == [column.name]
        if column.computed is not None:
            kind = "computed columns"
            expression = self._expression(column.computed, table, kind, column.name)
            if expression is not None:
                return f"{parts[0]} {self.spelling.calculated(type_, expression, own=self.native)}"
            if column.name not in table.exclude_columns:
                raise ConnectorError(
                    f"Column {table.name}.{column.name} is computed by {column.computed!r}, which "
                    f"{self.dialect.name} would not compute: {self.left[-1].reason}.",
                    hint=f"Leave it empty there: metadata.exclude('{table.name}.{column.name}').",
                )
            return " ".join(parts)
        if _counts(column):
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

    def _default(self, table: TableConfig, column: Column, type_: str = "") -> Optional[str]:
        assert column.default is not None
        if self.native:
            if "nextval(" in column.default.lower():  # the sequence stayed with the source
                return None
            with self._vetted(table, f"default of column {column.name!r}", column.default):
                return self.vetting.default(column.default)
        try:
            found = self.vetting.carried_default(column)
            return found if self.spelling.indexable(type_) else f"({found})"  # an expression
        except Refused as exc:
            self._leave("defaults", f"{table.name}.{column.name}", f"{column.default}: {exc}")
            return None

    def _expression(self, sql: str, table: TableConfig, kind: str, name: str) -> Optional[str]:
        """Return an expression as the target has it; None, and a note, where it has none."""
        if kind[:-1].split(maxsplit=1)[0] not in self.spelling.has:
            self._leave(kind, f"{table.name}.{name}", _NONE)
            return None
        if self.native:
            with self._vetted(table, f"{kind[:-1]} {name!r}".removeprefix("computed "), sql):
                return self.vetting.expression(sql, table.columns)
        try:
            return self._read(sql, table, check=kind == "check constraints")
        except Refused as exc:
            self._leave(kind, f"{table.name}.{name}", str(exc))
            return None

    def _refusal(self, table: TableConfig, written: str) -> Optional[str]:
        if self.asked is None:
            return None
        named = names_in(written)
        columns = [c for c in table.columns.values() if c.name in named]
        return self.asked({c.name: self._plain_type(table, c) for c in columns}, written)

    def _plain_type(self, table: TableConfig, column: Column) -> str:
        """Return a column's type without noting what is lost by it."""
        before, self.left = self.left, []
        try:
            return self._mapped(table, column)
        finally:
            self.left = before

    def _table(self, table: TableConfig) -> Statement:
        lines = [self._column(table, column) for column in table.columns.values()]
        lines += [body for body, _ in self._constraints(table, late=False)]
        if "foreign key" not in self.spelling.late:
            lines += [body for body, _ in self._references(table)]
        body = ",\n  ".join(lines)
        place, end = self.spelling.table(table.name), self.spelling.table_end
        sql = f"CREATE TABLE {place} (\n  {body}\n){end}"
        return Statement(sql, table.name, f"table {table.name!r}")

    def _after(self, table: TableConfig) -> list[Statement]:
        for exclusion in table.exclusions:
            self._leave("exclusion constraints", f"{table.name}.{exclusion.name}", _NONE)
        bodies = self._constraints(table, late=True)
        alter = f"ALTER TABLE {self.spelling.table(table.name)} ADD "
        statements = [Statement(alter + body, table.name, what) for body, what in bodies]
        statements += self._unique_indexes(table)
        for index in table.indexes:
            sql = self._index(table, index)
            if sql is not None:
                what = label("index", index.name, index.columns)
                statements.append(Statement(sql, table.name, what))
        if self.spelling.comments == "after":
            statements += comments_on(table, self.spelling)
        elif not self.spelling.comments:
            said = {table.name: table.comment}
            said |= {f"{table.name}.{c.name}": c.comment for c in table.columns.values()}
            for name in (n for n, text in said.items() if text):
                self._leave("comments", name, "there are none there")
        return statements

    def _constraints(self, table: TableConfig, *, late: bool) -> list[tuple[str, str]]:
        """Return what CREATE TABLE has, or what comes after the rows, but the foreign keys."""
        found: list[tuple[str, str]] = []
        if table.pk and ("primary key" in self.spelling.late) is late:
            key = f"PRIMARY KEY ({self._columns(table.pk)}){self.spelling.unenforced}"
            found.append((key, "primary key"))
        if ("check" in self.spelling.late) is late:
            found += self._checks(table)
        if ("unique" in self.spelling.late) is late:
            found += self._uniques(table)
        return found

    def _named(self, name: Optional[str], table: TableConfig, body: str) -> str:
        fresh = self._fresh(name, table.name)
        return f"CONSTRAINT {self.spelling.part(fresh)} {body}" if fresh else body

    def _checks(self, table: TableConfig) -> list[tuple[str, str]]:
        found = []
        for number, check in enumerate(table.checks, 1):
            what = label("check constraint", check.name or "")
            kind = "check constraints"
            sql = self._expression(check.sqltext, table, kind, check.name or check.sqltext)
            if sql is not None:
                made_up = f"{table.name}_rule_{number}" if self.spelling.checks_named else None
                name = check.name or made_up
                body = self._named(name, table, f"CHECK ({sql})")
                found.append((body, what))
        listed = not self.native and self.spelling.enums != "column"
        if listed and "check" in self.spelling.has:
            for column in table.columns.values():
                if column.enum_values:
                    values = ", ".join(map(self.literal, column.enum_values))
                    body = f"CHECK ({self.quote(column.name)} IN ({values}))"
                    name = (
                        f"{table.name}_{column.name}_known" if self.spelling.checks_named else None
                    )
                    body = self._named(name, table, body)
                    found.append((body, label("check constraint", "", [column.name])))
        return found

    def _uniques(self, table: TableConfig) -> list[tuple[str, str]]:
        strict = "NULLS NOT DISTINCT " if self.spelling.nulls_not_distinct else ""
        equal = bool(strict) or self.spelling.nulls_equal
        there = "unique" in self.spelling.has
        for unique in table.unique:
            name = f"{table.name}.{unique.name or ', '.join(unique.columns)}"
            if not there:
                self._leave("unique constraints", name, _NONE)
            elif not (equal or unique.nulls_distinct):
                self._leave("unique constraints", name, "two NULLs are different there")
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
            for unique in (table.unique if there else ())
            if not self._of_some(table, unique)
        ]

    def _of_some(self, table: TableConfig, unique: UniqueConstraint) -> list[str]:
        """Return the columns whose NULLs keep rows out of a UNIQUE, which an index stands for."""
        if not (self.spelling.nulls_equal and unique.nulls_distinct):
            return []
        return [c for c in unique.columns if table.columns[c].nullable and c not in table.pk]

    def _unique_indexes(self, table: TableConfig) -> Iterator[Statement]:
        """Yield the indexes that stand for UNIQUEs of which the engine would compare NULLs."""
        for unique in table.unique if "unique" in self.spelling.has else ():
            if open_ := self._of_some(table, unique):
                name = self._fresh(unique.name or f"{'_'.join(unique.columns)}_once", table.name)
                filled = " AND ".join(f"{self.quote(column)} IS NOT NULL" for column in open_)
                sql = (
                    f"CREATE UNIQUE INDEX {self.quote(name)} ON {self.spelling.table(table.name)} "
                    f"({self._columns(unique.columns)}) WHERE {filled}"
                )
                what = label("unique index", unique.name or "", unique.columns)
                yield Statement(sql, table.name, what)

    def _references(self, table: TableConfig) -> list[tuple[str, ForeignKey]]:
        found = []
        for fk in table.foreign_keys:
            if fk.no_parent is not None or not (fk.declared or self.all_keys):
                continue
            to_pk = fk.parent_columns == self.metadata.tables[fk.parent].pk
            circle = (table.name, tuple(fk.columns)) in self.omitted
            if circle or not (to_pk or self.spelling.keys_to_unique):
                why = "tables in a circle" if circle else "it leads to no primary key"
                self._leave("foreign keys", fk.label(table.name), f"{why}: counted, not enforced")
                continue
            body = reference(fk, self.quote, self.spelling.table(fk.parent))
            if self.spelling.key_actions:
                body += self._actions(table, fk)
            elif fk.on_delete or fk.on_update:
                self._leave("actions of keys", fk.label(table.name), "keys only refuse there")
            found.append((self._named(fk.name, table, body + self.spelling.unenforced), fk))
            if self.spelling.keys_enforced:
                self.enforced.append((table.name, tuple(fk.columns), fk.parent))
        return found

    def _actions(self, table: TableConfig, fk: ForeignKey) -> str:
        found = ""
        for when, action in (("DELETE", fk.on_delete), ("UPDATE", fk.on_update)):
            if action and self._acts(table, fk, f"{when} {action}".upper()):
                with self._vetted(table, f"ON {when} of {fk.label(table.name)}", action):
                    found += f" ON {when} {vetted_action(action, fk.columns, self.quote)}"
        return found

    def _acts(self, table: TableConfig, fk: ForeignKey, what: str) -> bool:
        """Whether the target's keys do so; refusing is what they do anyway."""
        there = self.spelling.actions
        has = there is None or what in there
        if not has and not what.endswith(("RESTRICT", "NO ACTION")):
            self._leave("actions of keys", fk.label(table.name), f"keys do not {what} there")
        return has

    def _foreign_keys(self, table: TableConfig) -> list[Statement]:
        alter = f"ALTER TABLE {self.spelling.table(table.name)} ADD "
        return [
            Statement(alter + body, table.name, label("foreign key", fk.name or "", fk.columns))
            for body, fk in self._references(table)
        ]

    def _index(self, table: TableConfig, index: Index) -> Optional[str]:
        if "index" not in self.spelling.has:
            self._leave("indexes", f"{table.name}.{index.name}", _NONE)
            return None
        if self.native and index.definition:
            name = self._index_name(index, table)
            with self._vetted(table, label("index", index.name), index.definition):
                return vetted_index(index.definition, table.name, name, table.columns, self.vetting)
        kind = "UNIQUE INDEX" if index.unique else "INDEX"
        try:
            columns, where = self._carried_index(table, index)
        except Refused as exc:
            self._leave("indexes", f"{table.name}.{index.name}", str(exc))
            return None
        name = self.spelling.part(self._index_name(index, table))
        return f"CREATE {kind} {name} ON {self.spelling.table(table.name)} ({columns}){where}"

    def _carried_index(self, table: TableConfig, index: Index) -> tuple[str, str]:
        """Return the columns of an index in the target, and of which rows it is."""
        keys, where, names = list(index.columns), "", list(index.columns)
        if index.definition:
            parts = index_parts(index.definition, self.source)
            split = [key_part(key, self.source) for key in parts.keys]
            if parts.kind not in ("", "UNIQUE") or any(length for _, length in split):
                raise Refused(f"it is a {parts.kind or 'PREFIX'} index")
            keys = [body for body, _ in split]
            names = [unquoted(key) for key in keys]
            where = parts.where or ""
        if where and not self.spelling.partial_indexes:
            raise Refused("indexes are of all rows there")
        plain = all(name in table.columns for name in names)
        if not plain and not self.spelling.expression_indexes:
            raise Refused("indexes are of columns there")
        for name in names if plain else ():
            type_ = self._plain_type(table, table.columns[name])
            if not self.spelling.indexable(type_):
                raise Refused(f"columns of the type {type_} are not indexed")
        written = [
            self.quote(name) if name in table.columns else f"({self._read(key, table)})"
            for key, name in zip(keys, names)
        ]
        condition = f" WHERE {self._read(where, table, check=True)}" if where else ""
        return ", ".join(written), condition

    def _read(self, sql: str, table: TableConfig, *, check: bool = False) -> str:
        """Return an expression in the target's SQL.

        Raises
        ------
        Refused
            The target does not read it, or takes it for something else.
        """
        written = self.vetting.expression(sql, table.columns, check=check)
        if reason := self._refusal(table, written):
            raise Refused(reason)
        return written

    def _index_name(self, index: Index, table: TableConfig) -> str:
        if self.spelling.names_per_schema:
            return self._fresh(index.name, table.name)
        limit = self.dialect.max_identifier_length
        return fit_identifier(index.name, limit, in_bytes=self.spelling.names_in_bytes)

    def _counters(self, table: TableConfig) -> list[Statement]:
        counted = [column for column in table.columns.values() if _counts(column)]
        return [
            Statement(sql, table.name, f"sequence of {table.name}.{column.name}")
            for column in counted
            if (sql := self.spelling.advance(table.name, column)) is not None
        ]


def _counts(column: Column) -> bool:
    """Whether the database numbers a column."""
    return column.identity is not None and column.kind is ColumnKind.INTEGER


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
