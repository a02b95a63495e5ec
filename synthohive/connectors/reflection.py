"""From a database's catalogue to :class:`~synthohive.schema.Metadata`."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Optional, Union

from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import SAWarning

from synthohive.connectors.dialect import Catalogue, Dialect, OddIndex, dialect_for
from synthohive.connectors.engines import connecting, shown, to_engine
from synthohive.connectors.registry import dialect_name, is_file, spelling
from synthohive.connectors.types import describe_type
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import PROVENANCE_TABLE, Refused
from synthohive.ddl.vetted_indexes import index_parts, names_in
from synthohive.exceptions import ConnectorError, SchemaError, did_you_mean
from synthohive.io.unsupported import exclude_unsupported
from synthohive.schema import (
    CheckConstraint,
    Column,
    ColumnKind,
    ForeignKey,
    Identity,
    Index,
    Metadata,
    TableConfig,
    UniqueConstraint,
)

__all__ = ["OutsideKeys", "reflect"]

OutsideKeys = Literal["error", "include", "drop"]


def reflect(
    url_or_engine: Union[str, URL, Engine],
    schema: Union[str, Sequence[str], None] = None,
    *,
    tables: Optional[Sequence[str]] = None,
    exclude: Optional[Sequence[str]] = None,
    outside_keys: OutsideKeys = "error",
    drop_outside_keys: bool = False,
    exclude_unread: bool = True,
) -> Metadata:
    """Describe the tables of a schema, or of several.

    Parameters
    ----------
    url_or_engine : str, sqlalchemy.URL or sqlalchemy.Engine
    schema : str or sequence of str, optional
        The connection's default schema if None. Tables of a list of schemas are called
        ``"schema.table"``, each and everywhere.
    tables, exclude : sequence of str, optional
        Only, or all but, these tables.
    outside_keys : {"error", "include", "drop"}
        What becomes of foreign keys to a table that is not among them: all are named in an
        error; the tables they lead to are taken as well, and those that these refer to; or
        the keys are left out, so that their columns are learned as plain ones. Tables of
        `exclude` are never taken.
    drop_outside_keys : bool, default False
        The same as ``outside_keys="drop"``.
    exclude_unread : bool, default True
        Exclude the columns of types that are not read.

    Raises
    ------
    ConnectorError
        The database cannot be reached.
    SchemaError
        The schema is missing or has no table, a name is unknown, or a key leads out.
    """
    engine = to_engine(url_or_engine)
    dialect = dialect_for(engine)
    _refuse_new_file(engine)
    outside_keys = "drop" if drop_outside_keys else outside_keys
    with connecting(engine, "its catalogue was read") as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # unknown types are reported by validation
        inspector = dialect.catalogue(connection)
        wanted = [schema] if schema is None or isinstance(schema, str) else list(schema)
        places = [_schema(inspector, inspector.plain_schema(s)) for s in wanted]
        several = wanted != [schema]
        known = {
            _full(place, name, several): (place, name)
            for place in places
            for name in _tables_of(inspector, place)
        }
        names = _selected(list(known), ", ".join(places), tables, exclude)
        if outside_keys == "include":
            parents = _parents(inspector, places, several)
            names = _with_parents(names, set(known) - set(exclude or ()), parents)
        names = [name for name in known if name in set(names)]
        metadata = Metadata(
            schema_name=None if several else places[0], dialect=dialect_name(engine.dialect)
        )
        outside: list[tuple[str, ForeignKey, str]] = []
        for place in places:
            plain_names = [known[name][1] for name in names if known[name][0] == place]
            part = _described(connection, inspector, dialect, place, plain_names)
            for name, table in part.metadata.tables.items():
                outside += _renamed(table, part, places, several)
                metadata.tables[_full(place, name, several)] = table
        _check_parents(metadata, outside, outside_keys)
    if exclude_unread:
        exclude_unsupported(metadata)
    return metadata


def _full(place: str, name: str, several: bool) -> str:
    return f"{place}.{name}" if several else name


def _tables_of(inspector: Any, place: str) -> list[str]:
    found = set(inspector.get_table_names(place))
    if not found:
        raise SchemaError(f"The schema {place!r} has no tables.", hint="Name another schema.")
    return sorted(found - {PROVENANCE_TABLE, *inspector.hidden(place)})


@dataclass(frozen=True)
class _Part:
    """One schema's description, and its keys to tables of others."""

    metadata: Metadata
    outside: Mapping[str, list[tuple[ForeignKey, str]]]


def _described(
    connection: Connection, inspector: Any, dialect: Dialect, place: str, names: Sequence[str]
) -> _Part:
    """Describe tables of one schema by their own names."""
    description = _Description(connection, inspector, dialect, place, names)
    metadata = Metadata(schema_name=place, dialect=dialect_name(dialect.engine.dialect))
    for name in names:
        metadata.tables[name] = description.table(name)
    inspector.amend(metadata)
    for table in metadata.tables.values():
        for column in table.columns.values():
            _fill(column, spelling(metadata.dialect))
    return _Part(metadata, description.outside)


def _fill(column: Column, how: Spelling) -> None:
    """Mark a column of a type that is not read, but of which the engine has an empty value.

    Pagila's ``film.fulltext tsvector NOT NULL`` and Sakila's ``address.location geometry NOT
    NULL`` have no default: the copy holds the value of their type that says nothing. Those that
    may be NULL hold it in as many rows as the real ones hold anything.
    """
    known = column.kind is ColumnKind.UNSUPPORTED and column.computed is None
    if not known or how.empty_value(column.sql_type or "") is None:
        return
    if column.nullable:
        column.kind = ColumnKind.EMPTY
    elif column.default is None and column.identity is None:
        column.filled = True


def _renamed(
    table: TableConfig, part: _Part, places: Sequence[str], several: bool
) -> list[tuple[str, ForeignKey, str]]:
    """Give a table and its parents their full names; return its keys to other schemas."""
    place, own = str(part.metadata.schema_name), table.name
    left: list[tuple[str, ForeignKey, str]] = []
    for key in table.foreign_keys:
        other = next((s for k, s in part.outside.get(own, []) if k is key), place)
        if other not in places:
            left.append((_full(place, own, several), key, other))
        elif several:
            key.parent = _full(other, key.parent, several)
    if several:
        table.name, table.schema_name = _full(place, own, several), place
    return left


def _refuse_new_file(engine: Engine) -> None:
    """Refuse a database file that is not there; connecting would make an empty one."""
    file = engine.url.database
    name = engine.dialect.name
    if not is_file(name) or not file:
        return
    elsewhere = (":memory:", "file:", "md:", "motherduck:")
    if not file.startswith(elsewhere) and not os.path.exists(file):
        raise ConnectorError(
            f"The database {shown(engine)} cannot be reached: there is no such file.",
            hint=f"Write the path as {name}:///relative.db or {name}:////absolute.db.",
        )


def _schema(inspector: Catalogue, schema: Optional[str]) -> str:
    default: Optional[str] = inspector.default_schema_name
    known = inspector.get_schema_names()
    if schema is None and default:
        return default
    if schema is None:
        raise SchemaError(
            "The URL names no database.",
            hint=f"Put one at its end, or pass schema=…. {did_you_mean('', known)}",
        )
    if schema not in known:
        raise SchemaError(f"There is no schema {schema!r}.", hint=did_you_mean(schema, known))
    return schema


def _selected(
    known: Sequence[str],
    schema: str,
    tables: Optional[Sequence[str]],
    exclude: Optional[Sequence[str]],
) -> list[str]:
    if not known:
        raise SchemaError(f"The schema {schema!r} has no tables.", hint="Name another schema.")
    for name in [*(tables or ()), *(exclude or ())]:
        if name not in known:
            raise SchemaError.unknown_table(name, known, where=f"schema {schema!r}")
    chosen = [n for n in known if (tables is None or n in tables) and n not in (exclude or ())]
    if not chosen:
        raise SchemaError("No table is selected.", hint="Widen tables=…, or narrow exclude=….")
    return chosen


def _parents(inspector: Any, places: Sequence[str], several: bool) -> dict[str, set[str]]:
    """Return the tables that each one refers to, by their full names."""
    found: dict[str, set[str]] = {}
    for place in places:
        for (schema, table), keys in inspector.get_multi_foreign_keys(schema=place).items():
            ends = [(k.get("referred_schema") or schema, k["referred_table"]) for k in keys]
            near = {_full(other, name, several) for other, name in ends if other in places}
            found[_full(place, table, several)] = near
    return found


def _with_parents(
    names: Sequence[str], wanted: Collection[str], parents: Mapping[str, Collection[str]]
) -> list[str]:
    """Return the tables, all that they refer to, and so on."""
    found, waiting = set(names), list(names)
    while waiting:
        new = set(parents.get(waiting.pop(), ())) & set(wanted) - found
        found |= new
        waiting += new
    return sorted(found)


class _Description:
    """All that the catalogue says about a schema, read in a few round trips."""

    def __init__(
        self,
        connection: Connection,
        inspector: Catalogue,
        dialect: Dialect,
        schema: str,
        names: Sequence[str],
    ) -> None:
        self.connection, self.dialect, self.schema = connection, dialect, schema
        self.engine = dialect.engine
        options: dict[str, Any] = {
            "schema": schema,
            "filter_names": list(names),
            "kind": ObjectKind.TABLE,
        }
        self.columns = inspector.get_multi_columns(**options)
        self.pks = inspector.get_multi_pk_constraint(**options)
        self.fks = inspector.get_multi_foreign_keys(**options)
        self.uniques = inspector.get_multi_unique_constraints(**options)
        self.indexes = inspector.get_multi_indexes(**options)
        self.checks = inspector.get_multi_check_constraints(**options)
        comments = self.engine.dialect.supports_comments
        self.comments = inspector.get_multi_table_comment(**options) if comments else {}
        self.inspector = inspector
        self.odd = inspector.odd_indexes(schema, names)
        self.outside: dict[str, list[tuple[ForeignKey, str]]] = {}

    def table(self, name: str) -> TableConfig:
        """Describe one table."""
        at = (self.schema, name)
        columns = {c["name"]: self._column(c) for c in self.columns.get(at, [])}
        pk: Any = self.pks.get(at) or {}
        comment: Any = self.comments.get(at) or {}
        unique = self._unique(name, at)
        backed = {u.name for u in unique} | {pk.get("name")}
        return TableConfig(
            name=name,
            pk=list(pk.get("constrained_columns") or []),
            foreign_keys=[self._foreign_key(name, f) for f in self.fks.get(at, [])],
            columns=columns,
            unique=unique,
            checks=[
                *(
                    CheckConstraint(sqltext=c["sqltext"], name=c.get("name"))
                    for c in self.checks.get(at, [])
                    if not _echoes_column(c["sqltext"], columns)
                ),
                *self._domain_checks(at),
            ],
            indexes=self._indexes(name, at, columns, backed),
            comment=comment.get("text"),
        )

    def _domain_checks(self, at: tuple[str, str]) -> list[CheckConstraint]:
        """Return the CHECKs of domains, as if each stood at its columns."""
        found = []
        for column in self.columns.get(at, []):
            check = getattr(column.get("type"), "check", None)
            if check is not None:
                parts = re.split(r"\bVALUE\b", str(getattr(check, "sqltext", check)))
                sql = self.dialect.quote(column["name"]).join(parts)
                found.append(CheckConstraint(sqltext=sql))
        return found

    def _column(self, raw: Any) -> Column:
        # A catalogue that is read without the Inspector tells what its types are itself.
        facts = raw.get("facts") or describe_type(raw["type"], self.engine.dialect)
        identity = raw.get("identity")
        default = raw.get("default")
        counter = raw.get("autoincrement") is True or "nextval(" in str(default)
        generator: Optional[Identity] = None
        if identity:
            generator = Identity(
                start=identity.get("start") or 1,
                increment=identity.get("increment") or 1,
                always=bool(identity.get("always")),
            )
        elif counter:
            generator = Identity()
        computed = raw.get("computed")
        return Column(
            name=raw["name"],
            nullable=bool(raw["nullable"]) and not getattr(raw.get("type"), "not_null", False),
            default=None if default is None else str(default),
            identity=generator,
            computed=None if not computed else str(computed.get("sqltext")),
            comment=raw.get("comment"),
            **facts,
        )

    def _foreign_key(self, table: str, raw: Any) -> ForeignKey:
        options = raw.get("options") or {}
        parent_columns = list(raw["referred_columns"])
        if not parent_columns:  # SQLite: REFERENCES parent, meaning its primary key
            pk: Any = self.inspector.get_pk_constraint(raw["referred_table"], self.schema)
            parent_columns = list(pk["constrained_columns"])
        key = ForeignKey(
            columns=list(raw["constrained_columns"]),
            parent=raw["referred_table"],
            parent_columns=parent_columns,
            name=raw.get("name"),
            on_delete=options.get("ondelete"),
            on_update=options.get("onupdate"),
            declared=True,
        )
        # Asked about a named schema, PostgreSQL leaves out only another one on the search path.
        other = raw.get("referred_schema") or self.inspector.default_schema_name
        if other is not None and other != self.schema:
            self.outside.setdefault(table, []).append((key, other))
        return key

    def _unique(self, name: str, at: tuple[str, str]) -> list[UniqueConstraint]:
        found = [
            UniqueConstraint(
                name=u.get("name"),
                columns=list(u["column_names"]),
                nulls_distinct=not (u.get("dialect_options") or {}).get(
                    "postgresql_nulls_not_distinct"
                ),
            )
            for u in self.uniques.get(at, [])
            if self._covers(name, u.get("name"))  # MySQL calls every unique index a constraint
        ]
        pk: Any = self.pks.get(at) or {}
        known = [*(u.columns for u in found), pk.get("constrained_columns")]
        more = self.inspector.unnamed_uniques(self.schema, name)
        return found + [UniqueConstraint(columns=c) for c in more if c not in known]

    def _covers(self, table: str, index: Any) -> bool:
        odd = self.odd.get((table, str(index)))
        return odd is None or odd.exact

    def _indexes(
        self,
        table: str,
        at: tuple[str, str],
        columns: Collection[str],
        backed: Collection[Optional[str]],
    ) -> list[Index]:
        """Return the indexes that back neither the primary key nor a UNIQUE constraint."""
        raw: dict[str, Any] = {
            str(i["name"]): i
            for i in self.indexes.get(at, [])
            if not i.get("duplicates_constraint")
        }
        odd_ones = {index: facts for (owner, index), facts in self.odd.items() if owner == table}
        indexes = []
        for name in sorted({*raw, *odd_ones} - {str(b) for b in backed}):
            facts = odd_ones.get(name)
            listed = [c for c in raw.get(name, {}).get("column_names", ()) if c is not None]
            if facts is not None and not facts.exact:
                listed = self._restricted(table, facts, columns)
            indexes.append(
                Index(
                    name=name,
                    columns=listed,
                    unique=facts.unique if facts else bool(raw[name]["unique"]),
                    definition=facts.definition if facts else None,
                )
            )
        return indexes

    def _restricted(self, table: str, index: OddIndex, columns: Collection[str]) -> list[str]:
        """Return the columns of an index over expressions, prefixes or some rows.

        If it is unique, then only those whose values never repeat in any rows at all:
        generating them so keeps the index. Otherwise none, as it says nothing of them.
        """
        words = names_in(self._keys(index.definition))
        found = [c for c in columns if c in words]
        if not index.unique or not found:
            return found
        quote = self.dialect.quote
        listed = ", ".join(quote(c) for c in found)
        filled = " AND ".join(f"{quote(c)} IS NOT NULL" for c in found)
        sql = (
            f"SELECT count(*) FROM {quote(self.schema, table)} WHERE {filled} "
            f"GROUP BY {listed} HAVING count(*) > 1"
        )
        repeated = self.dialect.execute(self.connection, sql).first() is not None
        return [] if repeated else found

    def _keys(self, definition: str) -> str:
        """Return what an index is over, without its condition and stored columns."""
        try:
            return " ".join(index_parts(definition, self.dialect.spelling).keys)
        except Refused:
            return definition[definition.index("(") :]


def _echoes_column(sqltext: str, columns: Collection[str]) -> bool:
    """Whether a CHECK only repeats NOT NULL, or MariaDB's JSON type."""
    plain = sqltext.strip("() ").replace("`", "").replace('"', "")
    match = re.fullmatch(r"(?:json_valid\((.+)\)?|(.+) is not null)", plain, re.IGNORECASE)
    return match is not None and (match[1] or match[2]).strip("() ") in columns


def _check_parents(
    metadata: Metadata,
    outside: Sequence[tuple[str, ForeignKey, str]],
    outside_keys: OutsideKeys,
) -> None:
    """Drop the keys that lead to no described table, or name all of them."""
    lost, near, far = [], set(), set()
    for name, table in metadata.tables.items():
        for key in list(table.foreign_keys):
            other = next((s for n, k, s in outside if n == name and k is key), None)
            if other is None and key.parent in metadata.tables:
                continue
            if outside_keys == "drop":
                table.foreign_keys.remove(key)
                continue
            lost.append(key.label(name) + (f" in schema {other!r}" if other is not None else ""))
            near |= {key.parent} if other is None else set()
            far |= {other} - {None}
    if not lost:
        return
    some = "A foreign key leads" if len(lost) == 1 else f"{len(lost)} foreign keys lead"
    remedies = f'outside_keys="include" takes {", ".join(sorted(near))} as well; ' if near else ""
    if far:
        here = [*metadata.schemas, metadata.schema_name]
        remedies += f"schema={sorted({*here, *far} - {None}, key=str)!r} takes all schemas; "
    raise SchemaError(
        f"{some} to tables that are not selected: {'; '.join(lost)}.",
        hint=f'{remedies}outside_keys="drop" learns such columns without their key. Or widen '
        "tables=[…], and narrow exclude=[…].",
    )
