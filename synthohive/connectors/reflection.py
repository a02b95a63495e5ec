"""From a database's catalogue to :class:`~synthohive.schema.Metadata`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Sequence
from typing import Any, Optional, Union

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.reflection import Inspector, ObjectKind
from sqlalchemy.exc import SAWarning

from synthohive.connectors.ddl import PROVENANCE_TABLE
from synthohive.connectors.engines import connecting, dialect_name, to_engine
from synthohive.connectors.types import describe_type
from synthohive.exceptions import SchemaError, did_you_mean
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

__all__ = ["reflect"]


def reflect(
    url_or_engine: Union[str, URL, Engine],
    schema: Optional[str] = None,
    *,
    tables: Optional[Sequence[str]] = None,
    exclude: Optional[Sequence[str]] = None,
    drop_outside_keys: bool = False,
) -> Metadata:
    """Describe the tables of a schema.

    Parameters
    ----------
    url_or_engine : str, sqlalchemy.URL or sqlalchemy.Engine
    schema : str, optional
        The connection's default schema if None.
    tables, exclude : sequence of str, optional
        Only, or all but, these tables.
    drop_outside_keys : bool, default False
        Leave out foreign keys that lead to a table which is not among them (another
        schema's, or an excluded one), instead of refusing.

    Raises
    ------
    ConnectorError
        The database cannot be reached.
    SchemaError
        The schema is missing or has no table, a name is unknown, or a key leads out.
    """
    engine = to_engine(url_or_engine)
    with connecting(engine, "its catalogue was read") as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # unknown types are reported by validation
        inspector = inspect(connection)
        place = _schema(inspector, engine, schema)
        names = _selected(inspector, place, tables, exclude)
        found = _Catalogue(inspector, engine, place, names)
        metadata = Metadata(schema_name=place, dialect=dialect_name(engine))
        for name in names:
            metadata.tables[name] = found.table(name)
        _check_parents(metadata, found, drop_outside_keys)
        _measure_decimals(connection, metadata, place)
    return metadata


def _schema(inspector: Inspector, engine: Engine, schema: Optional[str]) -> str:
    default = inspector.default_schema_name or "main"
    if schema is None:
        return default
    known = inspector.get_schema_names()
    if schema not in known:
        raise SchemaError(f"There is no schema {schema!r}.", hint=did_you_mean(schema, known))
    return schema


def _selected(
    inspector: Inspector,
    schema: str,
    tables: Optional[Sequence[str]],
    exclude: Optional[Sequence[str]],
) -> list[str]:
    known = sorted(n for n in inspector.get_table_names(schema) if n != PROVENANCE_TABLE)
    if not known:
        raise SchemaError(f"The schema {schema!r} has no tables.", hint="Name another schema.")
    for name in [*(tables or ()), *(exclude or ())]:
        if name not in known:
            raise SchemaError.unknown_table(name, known, where=f"schema {schema!r}")
    chosen = [n for n in known if (tables is None or n in tables) and n not in (exclude or ())]
    if not chosen:
        raise SchemaError("No table is selected.", hint="Widen tables=…, or narrow exclude=….")
    return chosen


class _Catalogue:
    """All that the Inspector says about a schema, read in a few round trips."""

    def __init__(
        self, inspector: Inspector, engine: Engine, schema: str, names: Sequence[str]
    ) -> None:
        self.engine, self.schema = engine, schema
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
        comments = engine.dialect.supports_comments
        self.comments = inspector.get_multi_table_comment(**options) if comments else {}
        self.inspector = inspector
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
                CheckConstraint(sqltext=c["sqltext"], name=c.get("name"))
                for c in self.checks.get(at, [])
                if not _echoes_column(c["sqltext"], columns)
            ],
            indexes=[
                Index(
                    name=str(i["name"]),
                    columns=[c for c in i["column_names"] if c is not None],
                    unique=bool(i["unique"]),
                )
                for i in self.indexes.get(at, [])
                if i["name"] not in backed and not i.get("duplicates_constraint")
            ],
            comment=comment.get("text"),
        )

    def _column(self, raw: Any) -> Column:
        facts = describe_type(raw["type"], self.engine.dialect)
        identity = raw.get("identity")
        default = raw.get("default")
        counter = raw.get("autoincrement") is True or "nextval(" in str(default)
        made: Optional[Identity] = None
        if identity:
            made = Identity(
                start=identity.get("start") or 1,
                increment=identity.get("increment") or 1,
                always=bool(identity.get("always")),
            )
        elif counter:
            made = Identity()
        computed = raw.get("computed")
        return Column(
            name=raw["name"],
            nullable=bool(raw["nullable"]),
            default=None if default is None else str(default),
            identity=made,
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
        other = raw.get("referred_schema")
        if other is not None and other != self.schema:
            self.outside.setdefault(table, []).append((key, other))
        return key

    def _unique(self, name: str, at: tuple[str, str]) -> list[UniqueConstraint]:
        found = [
            UniqueConstraint(name=u.get("name"), columns=list(u["column_names"]))
            for u in self.uniques.get(at, [])
        ]
        if self.engine.dialect.name == "sqlite":  # `varchar(50) unique` shows only as its index
            known = [u.columns for u in found]
            inline: Any = self.inspector.get_indexes(name, self.schema, include_auto_indexes=True)
            pk: Any = self.pks.get(at) or {}
            for index in inline:
                columns = list(index["column_names"])
                automatic = str(index["name"]).startswith("sqlite_autoindex")
                if automatic and columns not in [*known, pk.get("constrained_columns")]:
                    found.append(UniqueConstraint(columns=columns))
        return found


def _echoes_column(sqltext: str, columns: Collection[str]) -> bool:
    """Whether a CHECK only repeats NOT NULL, or MariaDB's JSON type."""
    plain = sqltext.strip("() ").replace("`", "").replace('"', "")
    match = re.fullmatch(r"(?:json_valid\((.+)\)?|(.+) is not null)", plain, re.IGNORECASE)
    return match is not None and (match[1] or match[2]).strip("() ") in columns


def _check_parents(metadata: Metadata, found: _Catalogue, drop: bool) -> None:
    for name, table in metadata.tables.items():
        for key in list(table.foreign_keys):
            other = next((s for k, s in found.outside.get(name, []) if k == key), None)
            if other is None and key.parent in metadata.tables:
                continue
            if drop:
                table.foreign_keys.remove(key)
                continue
            where = f"in schema {other!r}" if other is not None else "which is not selected"
            raise SchemaError(
                f"The foreign key {key.label(name)} leads to table {key.parent!r} {where}.",
                hint="Add that table to tables=[…], exclude the child as well, or reflect with "
                "Metadata.from_database(…, drop_outside_keys=True) and pass metadata=….",
            )


def _measure_decimals(connection: Connection, metadata: Metadata, schema: str) -> None:
    """Give NUMERIC without precision (PostgreSQL, SQLite) the digits that its values have."""
    quote = connection.dialect.identifier_preparer.quote
    for name, table in metadata.tables.items():
        open_ = [
            c for c in table.columns.values()
            if c.kind is ColumnKind.DECIMAL and c.precision is None
        ]  # fmt: skip
        if not open_ or metadata.dialect != "postgresql":
            for column in open_:
                column.precision, column.scale = 38, column.scale or 10
            continue
        parts = ", ".join(
            f"max(scale({quote(c.name)})), max(length(trunc(abs({quote(c.name)}))::text))"
            for c in open_
        )
        row = connection.execute(text(f"SELECT {parts} FROM {quote(schema)}.{quote(name)}")).one()
        for i, column in enumerate(open_):
            scale, whole = int(row[2 * i] or 0), int(row[2 * i + 1] or 1)
            column.scale, column.precision = scale, min(max(38, scale + whole), 76)
