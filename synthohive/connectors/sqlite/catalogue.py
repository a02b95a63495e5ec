"""What a SQLite file says of its tables, and what only rows tell: its types are no promises."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Optional

from synthohive._logging import get_logger
from synthohive.connectors.dialect import Catalogue, OddIndex
from synthohive.ddl.statements import (
    SchemaDdl,
    SchemaObject,
    Statement,
    declared_keys,
    items,
    label,
    parenthesis,
)
from synthohive.schema import Column, ColumnKind, Identity, Metadata, TableConfig
from synthohive.texts.moments import form_of, kind_of_form, unit_of_form, usual_form

__all__ = ["SqliteCatalogue", "definitions"]

log = get_logger(__name__)

_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
_PATTERNS = {
    ColumnKind.DATE: _DAY,
    ColumnKind.TIMESTAMP: _DAY,
    ColumnKind.TIME: "[0-9][0-9]:[0-9][0-9]*",
}
_DOUBTFUL = {*_PATTERNS, ColumnKind.BOOLEAN, ColumnKind.DECIMAL, ColumnKind.UNSUPPORTED}
_NAME = re.compile(r"""\"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|'(?:[^']|'')+'|[^\s(,]+""")
_COMPUTED = re.compile(r"[\s)]AS\s*(?=\()", re.IGNORECASE)
_MAX_SCALE = 10
_SEEN = 1000
_ZONED = re.compile(r"[+-](?!00:?00)\d\d:?\d\d$")
_AT_ONCE = 100  # a SELECT has at most 2,000 columns


@dataclass(frozen=True)
class _Values:
    """How many values of a column are stored in which way."""

    integer: int
    real: int
    text: int
    blob: int
    irregular: int  # text that is no date or time, integers that are no boolean
    digits: int  # behind the point, at most

    def only(self, *kinds: str) -> bool:
        others = {"integer", "real", "text", "blob"} - set(kinds)
        return not any(getattr(self, kind) for kind in others)


def definitions(path: Path) -> list[list[Optional[str]]]:
    """Return the statements that made a file's tables."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
        return [list(row) for row in rows]


class SqliteCatalogue(Catalogue):
    """See the module."""

    NOT_CLONED: ClassVar[Optional[str]] = (
        "SELECT type || 's', name, CASE type WHEN 'trigger' THEN tbl_name END "
        "FROM sqlite_master WHERE type IN ('view', 'trigger') AND :schema = 'main' "
        "UNION ALL SELECT 'virtual tables', name, NULL FROM sqlite_master "
        "WHERE sql LIKE 'CREATE VIRTUAL TABLE%' AND :schema = 'main' ORDER BY 1, 2"
    )

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return expression, partial and descending indexes."""
        rows = self.rows(
            f'SELECT m.tbl_name, m.name, m.sql, l."unique", l.partial, '
            "(SELECT max(x.cid < 0) FROM pragma_index_xinfo(m.name, :schema) x WHERE x.key), "
            '(SELECT max(x."desc") FROM pragma_index_xinfo(m.name, :schema) x WHERE x.key) '
            f"FROM {self.quote(schema)}.sqlite_master m "
            "JOIN pragma_index_list(m.tbl_name, :schema) l ON l.name = m.name "
            "WHERE m.type = 'index' AND m.sql IS NOT NULL",
            schema=schema,
        )
        return {
            (row[0], row[1]): OddIndex(row[2], bool(row[3]), exact=not (row[4] or row[5]))
            for row in rows
            if row[4] or row[5] or row[6]
        }

    def hidden(self, schema: str) -> set[str]:
        """Return full-text and other virtual tables, and the tables in which they keep things."""
        query = "SELECT name FROM pragma_table_list WHERE schema = :schema AND type <> 'table'"
        if sqlite3.sqlite_version_info < (3, 37):  # which has no such list
            query = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
            return {row[0] for row in self.rows(query)}
        return {row[0] for row in self.rows(query, schema=schema)}

    def unnamed_uniques(self, schema: str, table: str) -> list[list[str]]:
        """See the base class: ``varchar(50) unique`` shows only as its index."""
        indexes = self.get_indexes(table, schema, include_auto_indexes=True)
        automatic = [i for i in indexes if str(i["name"]).startswith("sqlite_autoindex")]
        return [list(index["column_names"]) for index in automatic]

    def amend(self, metadata: Metadata) -> None:
        """Describe columns by their values where the declared type does not fit them."""
        for table in metadata.tables.values():
            key = table.columns.get(table.pk[0]) if len(table.pk) == 1 else None
            if key is not None and (key.sql_type or "").upper() == "INTEGER":
                key.identity = Identity()  # the row's own number, which the engine counts
            if table.foreign_keys:
                self._key_actions(metadata.schema_name, table)
            if any(column.computed is not None for column in table.columns.values()):
                self._computed(metadata.schema_name, table)
            columns = [c for c in table.columns.values() if c.kind in _DOUBTFUL and not c.computed]
            place = self.quote(metadata.schema_name, table.name)
            for i in range(0, len(columns), _AT_ONCE):
                part = columns[i : i + _AT_ONCE]
                for column, values in zip(part, self._values(place, part)):
                    self._amend(place, table.name, column, values)

    def _amend(self, place: str, table: str, column: Column, values: _Values) -> None:
        kind = _kind(column.kind, values)
        if kind is ColumnKind.DECIMAL and column.precision is None and values.integer:
            # ANY of a STRICT table is such a NUMERIC, but converts nothing
            kind = ColumnKind.INTEGER if values.only("integer") else kind
        if kind is not column.kind:
            log.info(
                "column_described_by_its_values",
                table=table,
                column=column.name,
                declared=column.sql_type,
                kind=kind.value,
            )
            column.kind, column.precision, column.scale = kind, None, None
        if kind in _PATTERNS:
            self._written(place, column)
        if kind is ColumnKind.DECIMAL and not 0 < (column.precision or 0) <= 38:
            column.arrow = f"decimal128(38, {min(values.digits, _MAX_SCALE)})"
        elif kind is ColumnKind.INTEGER:
            column.arrow = "int64"

    def _written(self, place: str, column: Column) -> None:
        """Note how dates and times are written; in no way that Arrow reads, as text."""
        name = self.quote(column.name)
        sql = f"SELECT DISTINCT {name} FROM {place} WHERE {name} IS NOT NULL LIMIT {_SEEN}"
        texts = [str(row[0]) for row in self.plain(sql)]
        form = form_of(texts) or usual_form(texts)
        kind = None if form is None else ColumnKind(kind_of_form(form))
        if kind is ColumnKind.TIMESTAMP and column.kind is ColumnKind.DATE:
            column.kind = kind  # what is called a date has a time of day
        dated = (ColumnKind.DATE, ColumnKind.TIMESTAMP)
        if kind is column.kind or (kind in dated and column.kind in dated):
            column.text_form = form
        if column.text_form is not None and column.kind is ColumnKind.TIMESTAMP:
            # Moments that are written alike are to be equal before: some keys are made of them.
            column.arrow = f"timestamp[{unit_of_form(column.text_form)}]"
        if column.text_form is None and any(_ZONED.search(value) for value in texts):
            column.kind = ColumnKind.TEXT  # times of several zones

    def _computed(self, schema: Optional[str], table: TableConfig) -> None:
        """Read what columns are computed by, which the Inspector finds in few spellings."""
        query = f"SELECT sql FROM {self.quote(schema)}.sqlite_master WHERE name = :name"
        for item in items(str(self.rows(query, name=table.name)[0][0])):
            name, clause = _NAME.match(item), _COMPUTED.search(item)
            column = table.columns.get(_unquoted(name[0])) if name else None
            if clause is None or column is None or column.computed is None:
                continue
            parts, _ = parenthesis(item[clause.end() :])
            column.computed = ", ".join(parts)

    def _key_actions(self, schema: Optional[str], table: TableConfig) -> None:
        """Read ON DELETE and ON UPDATE of keys that do not name their parent's columns."""
        rows = self.rows(
            'SELECT id, "from", on_delete, on_update FROM pragma_foreign_key_list(:name, :schema) '
            "ORDER BY id, seq",
            name=table.name,
            schema=schema,
        )
        for number in {row[0] for row in rows}:
            parts = [row for row in rows if row[0] == number]
            for key in table.foreign_keys:
                if key.columns == [row[1] for row in parts]:
                    actions = [None if a == "NO ACTION" else a for a in parts[0][2:]]
                    key.on_delete = key.on_delete or actions[0]
                    key.on_update = key.on_update or actions[1]

    def _values(self, place: str, columns: Sequence[Column]) -> list[_Values]:
        parts = []
        for column in columns:
            name = self.quote(column.name)
            parts += [
                f"coalesce(sum(typeof({name}) = '{kind}'), 0)"
                for kind in ("integer", "real", "text", "blob")
            ]
            if column.kind in _PATTERNS:
                odd = f"typeof({name}) = 'text' AND {name} NOT GLOB '{_PATTERNS[column.kind]}'"
            else:
                odd = f"typeof({name}) = 'integer' AND {name} NOT IN (0, 1)"
            parts.append(f"coalesce(sum({odd}), 0)")
            shown = f"CAST({name} AS TEXT)"
            places = f"length({shown}) - instr({shown}, '.')"
            parts.append(f"coalesce(max(CASE WHEN typeof({name}) = 'real' THEN {places} END), 0)")
        numbers = [
            int(value) for value in self.plain(f"SELECT {', '.join(parts)} FROM {place}").one()
        ]
        return [_Values(*numbers[i : i + 6]) for i in range(0, len(numbers), 6)]

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class; the file keeps the statements."""
        rows = self.plain(
            f"SELECT type, name, tbl_name, sql FROM {self.quote(schema)}.sqlite_master "
            "WHERE sql IS NOT NULL ORDER BY rowid"
        ).all()
        creates = {name: sql for kind, name, _, sql in rows if kind == "table"}
        tables: dict[str, tuple[Statement, ...]] = {}
        for name, table in metadata.tables.items():
            columns = self.plain(f"PRAGMA {self.quote(schema)}.table_xinfo({self.quote(name)})")
            if name not in creates or {row[1] for row in columns} != set(table.columns):
                return None
            tables[name] = (Statement(creates[name], name, f"table {name!r}"),)
        after = tuple(
            Statement(sql, table, label("index", name))
            for kind, name, table, sql in rows
            if kind == "index" and table in metadata.tables
        )
        return SchemaDdl(tables, after=after, enforced=declared_keys(metadata))

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class."""
        rows = self.plain(
            f"SELECT type || 's', name, tbl_name, sql FROM {self.quote(schema)}.sqlite_master "
            "WHERE type IN ('view', 'trigger') ORDER BY type DESC, rowid"
        ).all()
        known = {*tables, *(name for kind, name, *_ in rows if kind == "views")}
        return [
            SchemaObject(kind, name, sql, table=table if kind == "triggers" else "")
            for kind, name, table, sql in rows
            if table in known
        ]


def _unquoted(name: str) -> str:
    """Return a name without its quotes.

    Examples
    --------
    >>> _unquoted("[a b]"), _unquoted('"a""b"'), _unquoted("plain")
    ('a b', 'a"b', 'plain')
    """
    mark = {"[": "]"}.get(name[0], name[0])
    if name[0] not in "[\"`'":
        return name
    return name[1:-1].replace(mark * 2, mark)


def _kind(declared: ColumnKind, values: _Values) -> ColumnKind:
    """Return what a column holds, going by its values where they break its declaration."""
    found = _stored(values)
    if found is None:
        return ColumnKind.TEXT if declared is ColumnKind.UNSUPPORTED else declared
    if declared in _PATTERNS:
        if found is ColumnKind.TEXT and values.irregular == 0:
            return declared
        return found if found is not ColumnKind.UNSUPPORTED else declared
    if declared is ColumnKind.BOOLEAN:
        return declared if values.only("integer") and not values.irregular else found
    if declared is ColumnKind.DECIMAL:
        return found if found in (ColumnKind.TEXT, ColumnKind.BINARY) else declared
    return found


def _stored(values: _Values) -> Optional[ColumnKind]:
    """Return the kind that a column without any declaration would have; None if empty."""
    if values.only():
        return None
    if values.only("integer"):
        return ColumnKind.INTEGER
    if values.only("integer", "real"):
        return ColumnKind.FLOAT
    if values.only("text"):
        return ColumnKind.TEXT
    return ColumnKind.BINARY if values.only("blob") else ColumnKind.UNSUPPORTED
