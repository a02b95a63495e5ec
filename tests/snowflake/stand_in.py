"""fakesnow behind its HTTP server, spoken to by Snowflake's own driver; and what it lacks.

fakesnow runs Snowflake's SQL on DuckDB. What the user's verbs need beyond it is added below, a
method each, and only here: keys that are declared and not enforced, SHOW … KEYS, ALTER SCHEMA …
SWAP WITH and RENAME TO, DROP STAGE, comments on schemas. `test_stand_in.py` has a `notimpl` for
each, without these.
"""

from __future__ import annotations

import logging
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Optional

import duckdb
import sqlalchemy as sa
import sqlglot
from fakesnow import server
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms import stage
from snowflake.connector.errors import ProgrammingError
from sqlalchemy import Engine
from sqlglot import exp

from synthohive.connectors.engines import to_engine
from synthohive.ddl.spelling import quote

__all__ = ["PLAIN", "running"]

PLAIN = FakeSnowflakeCursor.execute
_SHOW = re.compile(r'SHOW (PRIMARY|UNIQUE|IMPORTED) KEYS IN SCHEMA "([^"]+)"')
_SCHEMA = re.compile(r'ALTER SCHEMA "([^"]+)" (SWAP WITH|RENAME TO) "([^"]+)"')
_NEVER = re.compile(r"SHOW (?:STREAMS|TASKS|PIPES|\w+(?: \w+)? POLICIES|TAGS) IN SCHEMA")
_SAID = re.compile(
    r"""(CREATE SCHEMA "([^"]+)") COMMENT = ('.*')|COMMENT ON SCHEMA "([^"]+)" IS ('.*')""",
    re.DOTALL,
)
_STAGE = re.compile(r"DROP STAGE (\w+)")
_FUNCTIONS = {
    "CURRENT_ACCOUNT()": "'STAND_IN'",
    "CURRENT_REGION()": "'HERE'",
    "MD5_NUMBER_LOWER64(": "MD5_NUMBER_LOWER(",
}
_DONE = "SELECT 'Statement executed successfully.' AS \"status\""


@dataclass(frozen=True)
class Key:
    """A key that a table declares."""

    kind: str
    schema: str
    table: str
    columns: tuple[str, ...]
    name: str
    parent_schema: str = ""
    parent: str = ""
    parent_columns: tuple[str, ...] = ()


@dataclass
class Declared:
    """The keys of all tables, as Snowflake's catalogue has them."""

    keys: list[Key] = field(default_factory=list)

    def take(self, create: exp.Create, schema: str) -> None:
        """Take the keys out of a CREATE TABLE: DuckDB would enforce them."""
        place = create.this.this
        schema, table = (place.db and _name(place.args["db"])) or schema, _name(place.this)
        columns = {
            _name(c.this): c for c in create.this.expressions if isinstance(c, exp.ColumnDef)
        }
        kept = []
        for part in create.this.expressions:
            found = self._keys(part, schema, table)
            self.keys += found
            if isinstance(part, exp.ColumnDef):
                part.set(
                    "constraints",
                    [c for c in part.constraints if not isinstance(c.kind, _COLUMN_KEYS)],
                )
            if isinstance(part, exp.ColumnDef) or not found:
                kept.append(part)
            for key in found:
                for name in key.columns if key.kind == "PRIMARY" else ():
                    given = columns[name].constraints
                    if not any(isinstance(c.kind, exp.NotNullColumnConstraint) for c in given):
                        not_null = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
                        columns[name].append("constraints", not_null)
        create.this.set("expressions", kept)

    def add(self, alter: exp.Alter, schema: str) -> bool:
        """Take the keys of an ALTER TABLE … ADD; return whether there were any."""
        place = alter.this
        schema = _name(place.args["db"]) if place.db else schema
        found = [
            key
            for action in alter.args.get("actions") or ()
            if isinstance(action, exp.AddConstraint)
            for part in action.expressions
            for key in self._keys(part, schema, _name(place.this))
        ]
        self.keys += found
        return bool(found)

    def _keys(self, part: exp.Expression, schema: str, table: str) -> list[Key]:
        name = f"SYS_CONSTRAINT_{uuid.uuid4()}"
        if isinstance(part, exp.Constraint):
            return [
                replace(key, name=_name(part.this))
                for inner in part.expressions
                for key in self._keys(inner, schema, table)
            ]
        if isinstance(part, exp.PrimaryKey):
            return [Key("PRIMARY", schema, table, _names(part.expressions), name)]
        if isinstance(part, exp.UniqueColumnConstraint):
            return [Key("UNIQUE", schema, table, _names(part.this.expressions), name)]
        if isinstance(part, exp.ForeignKey):
            parent = part.args["reference"].this
            place = parent.this
            where = _name(place.args["db"]) if place.db else schema
            return [
                Key("IMPORTED", schema, table, _names(part.expressions), name, where,
                    _name(place.this), _names(parent.expressions))
            ]  # fmt: skip
        if isinstance(part, exp.ColumnDef):
            own = (_name(part.this),)
            kinds = {
                exp.PrimaryKeyColumnConstraint: "PRIMARY",
                exp.UniqueColumnConstraint: "UNIQUE",
            }
            return [
                Key(kind, schema, table, own, f"SYS_CONSTRAINT_{uuid.uuid4()}")
                for constraint in part.constraints
                for type_, kind in kinds.items()
                if isinstance(constraint.kind, type_)
            ]
        return []

    def shown(self, kind: str, schema: str, database: str) -> str:
        """Return the query that answers SHOW … KEYS."""
        rows = []
        for key in self.keys:
            if key.kind == kind and key.schema == schema:
                for number, column in enumerate(key.columns, 1):
                    rows.append(_row(key, number, column, database))
        names = _IMPORTED if kind == "IMPORTED" else _OWN
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        none = f"({', '.join('NULL' for _ in names)})"
        listed = ", ".join(map(quote, names))
        where = "" if rows else " WHERE 1 = 0"
        return f"SELECT * FROM (VALUES {values or none}) AS t({listed}){where}"

    def moved(self, names: dict[str, str]) -> None:
        """Follow schemas to their new names; what is not among the new ones has gone."""
        self.keys = [
            replace(
                key,
                schema=names.get(key.schema, key.schema),
                parent_schema=names.get(key.parent_schema, key.parent_schema),
            )
            for key in self.keys
        ]

    def dropped(self, schema: str, table: Optional[str] = None) -> None:
        """Forget the keys of a schema or a table."""
        self.keys = [
            key
            for key in self.keys
            if key.schema != schema or (table is not None and key.table != table)
        ]


_COLUMN_KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint)
_OWN = ("created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence",
        "constraint_name", "rely", "comment")  # fmt: skip
_IMPORTED = (
    "created_on", "pk_database_name", "pk_schema_name", "pk_table_name", "pk_column_name",
    "fk_database_name", "fk_schema_name", "fk_table_name", "fk_column_name", "key_sequence",
    "update_rule", "delete_rule", "fk_name", "pk_name", "deferrability", "rely", "comment",
)  # fmt: skip


def _row(key: Key, number: int, column: str, database: str) -> tuple[Any, ...]:
    if key.kind != "IMPORTED":
        return (
            "2024-01-01",
            database,
            key.schema,
            key.table,
            column,
            number,
            key.name,
            "false",
            "",
        )
    return (
        "2024-01-01", database, key.parent_schema, key.parent, key.parent_columns[number - 1],
        database, key.schema, key.table, column, number, "NO ACTION", "NO ACTION", key.name, "pk",
        "NOT DEFERRABLE", "false", "",
    )  # fmt: skip


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _name(identifier: Any) -> str:
    if isinstance(identifier, str):
        return identifier.upper()
    if isinstance(identifier, (exp.Column, exp.Table)):
        return _name(identifier.this)
    return identifier.this if identifier.quoted else identifier.this.upper()


def _names(identifiers: Any) -> tuple[str, ...]:
    return tuple(map(_name, identifiers))


DECLARED = Declared()
COMMENTS: dict[str, str] = {}
"""Literals, by schema."""
SENT: list[str] = []
"""All statements."""
REFUSED: list[tuple[str, int, str]] = []
"""What statements are refused (a regular expression), and the number and text of the error."""


def _execute(
    self: FakeSnowflakeCursor, command: str, params: Any = None, *args: Any, **kwargs: Any
) -> Any:
    """Run a statement as fakesnow does, or as Snowflake would.

    What DuckDB refuses and fakesnow does not foresee is an error of the statement, or the driver
    would take it for one of the server, and try again and again.
    """
    SENT.append(command)
    for pattern, number, said in REFUSED:
        if re.search(pattern, command):
            raise ProgrammingError(msg=said, errno=number, sqlstate="42501")
    try:
        return PLAIN(self, _replaced(self, command), params, *args, **kwargs)
    except ProgrammingError as exc:
        if "already exists" in str(exc.msg):
            exc.errno, exc.sqlstate = 2002, "42710"
        raise
    except (duckdb.Error, AssertionError, ValueError) as exc:
        raise ProgrammingError(msg=str(exc), errno=2000, sqlstate="42000") from exc


def _replaced(cursor: FakeSnowflakeCursor, command: str) -> str:
    """Do what fakesnow cannot; return what it is to run."""
    schema, database, duck = str(cursor._conn.schema), str(cursor._conn.database), cursor._duck_conn
    for name, instead in _FUNCTIONS.items():
        command = command.replace(name, instead)
    if match := _SHOW.match(command):
        return DECLARED.shown(match[1], match[2], database)
    if _NEVER.match(command):
        return 'SELECT NULL AS "name", NULL AS "schema_name" WHERE 1 = 0'
    if match := _SCHEMA.match(command):
        _move(duck, database, match[1], match[3], swap=match[2] == "SWAP WITH")
        return _DONE
    if "COMMENT" in command and (instead := _commented(duck, database, command)):
        return instead
    if match := _STAGE.match(command):
        where = f"database_name = '{database}' AND schema_name = '{schema}' AND name = '{match[1]}'"
        duck.execute(f"DELETE FROM _fs_global._fs_information_schema._fs_stages WHERE {where}")
        shutil.rmtree(stage.internal_dir(f"{database}.{schema}.{match[1]}"), ignore_errors=True)
        return _DONE
    if match := re.match(r'DROP SCHEMA (?:IF EXISTS )?"([^"]+)"', command):
        DECLARED.dropped(match[1])
        COMMENTS.pop(match[1], None)
    if command.startswith("COMMENT ON COLUMN"):
        parsed = sqlglot.parse_one(command, dialect="snowflake")
        parts = [_name(part) for part in parsed.this.parts]
        parts = [*[database, schema][: 4 - len(parts)], *parts]
        place = ".".join(map(quote, parts))
        duck.execute(f"COMMENT ON COLUMN {place} IS {_literal(parsed.expression.this)}")
        return _DONE
    if command.startswith(("CREATE TABLE", "CREATE TRANSIENT TABLE")):
        parsed = sqlglot.parse_one(command, dialect="snowflake")
        if isinstance(parsed.this, exp.Schema):
            DECLARED.take(parsed, schema)
            return parsed.sql(dialect="snowflake")
    if command.startswith("ALTER TABLE"):
        parsed = sqlglot.parse_one(command, dialect="snowflake")
        if isinstance(parsed, exp.Alter) and DECLARED.add(parsed, schema):
            return _DONE
    return command


def _commented(duck: Any, database: str, command: str) -> str:
    """Return what is run in the place of a statement on comments of schemas; "" of any other."""
    if match := _SAID.fullmatch(command):
        if match[4]:
            COMMENTS[match[4]] = match[5]
            return _DONE
        known = "FROM information_schema.schemata WHERE catalog_name = ? AND schema_name = ?"
        if not duck.execute(f"SELECT 1 {known}", [database, match[2]]).fetchall():
            COMMENTS[match[2]] = match[3]
        return str(match[1])
    view = "INFORMATION_SCHEMA.SCHEMATA"
    if view not in command:
        return ""
    rows = ", ".join(f"({_literal(name)}, {said})" for name, said in COMMENTS.items())
    said = f"(VALUES {rows or '(NULL, NULL)'}) AS c(N, COMMENT) ON c.N = s.SCHEMA_NAME"
    place = f"(SELECT s.SCHEMA_NAME, c.COMMENT FROM {view} s LEFT JOIN {said}) t"
    return command.replace(view, place)


def _move(duck: Any, database: str, old: str, new: str, *, swap: bool) -> None:
    """Give a schema another's name, or each the other's; the stand-in does so table by table."""
    between = f"_FS_{uuid.uuid4().hex}"
    moves = [(old, between), (new, old), (between, new)] if swap else [(old, new)]
    for start, end in moves:
        _rename(duck, database, start, end)
        for view in ("_fs_tables_ext", "_fs_columns_ext"):
            duck.execute(
                f"UPDATE _fs_global._fs_information_schema.{view} SET ext_table_schema = '{end}' "
                f"WHERE ext_table_catalog = '{database}' AND ext_table_schema = '{start}'"
            )
    names = {old: new, new: old} if swap else {old: new}
    DECLARED.moved(names)
    said = {names[name]: COMMENTS.pop(name) for name in names if name in COMMENTS}
    COMMENTS.update(said)


def _rename(duck: Any, database: str, old: str, new: str) -> None:
    duck.execute(f'CREATE SCHEMA {database}."{new}"')
    where = f"database_name = '{database}' AND schema_name = '{old}'"
    sequences = duck.execute(
        f"SELECT sequence_name, start_value, increment_by FROM duckdb_sequences() WHERE {where}"
    ).fetchall()
    for name, start, step in sequences:
        place = f"{database}.{quote(new)}.{quote(name)}"
        duck.execute(f"CREATE SEQUENCE {place} START {start} INCREMENT {step}")
    tables = duck.execute(f"SELECT table_name, sql FROM duckdb_tables() WHERE {where}").fetchall()
    for table, sql in tables:
        made = sql
        for name, _, _ in sequences:
            moved = f"{database}.{quote(new)}.{quote(name)}"
            made = re.sub(rf"nextval\('[^']*{name}'\)", f"nextval('{moved}')", made)
        parsed = sqlglot.parse_one(made, dialect="duckdb")
        place = parsed.find(exp.Table)
        place.set("db", exp.to_identifier(new, quoted=True))
        place.set("catalog", exp.to_identifier(database))
        duck.execute(parsed.sql(dialect="duckdb"))
        there, here = (f"{database}.{quote(schema)}.{quote(table)}" for schema in (new, old))
        duck.execute(f"INSERT INTO {there} FROM {here}")
    comments = duck.execute(
        f"SELECT table_name, column_name, comment FROM duckdb_columns() WHERE {where} "
        "AND comment IS NOT NULL"
    ).fetchall()
    for table, column, comment in comments:
        name = ".".join([database, *map(quote, (new, table, column))])
        duck.execute(f"COMMENT ON COLUMN {name} IS {_literal(comment)}")
    views = duck.execute(f"SELECT view_name, sql FROM duckdb_views() WHERE {where}").fetchall()
    for view, sql in views:
        parsed = sqlglot.parse_one(sql, dialect="duckdb")
        for place in parsed.find_all(exp.Table):
            if place.db == old or place.name == view:
                place.set("db", exp.to_identifier(new, quoted=True))
                place.set("catalog", exp.to_identifier(database))
        duck.execute(parsed.sql(dialect="duckdb"))
    duck.execute(f'DROP SCHEMA {database}."{old}" CASCADE')


@contextmanager
def running() -> Iterator[Engine]:
    """Start the server, with what it lacks; give an engine on a database, and end it."""
    FakeSnowflakeCursor.execute = _execute  # type: ignore[method-assign]
    try:
        with server() as facts:
            for name in ("fakesnow.server", "uvicorn", "uvicorn.access", "uvicorn.error"):
                logging.getLogger(name).setLevel(logging.WARNING)
            login = f"{facts['user']}:{facts['password']}@{facts['host']}:{facts['port']}"
            url = f"snowflake://{login}/TEST/PUBLIC?account=stand_in&warehouse=W"
            with engine_of(url) as engine:
                yield engine
    finally:
        FakeSnowflakeCursor.execute = PLAIN  # type: ignore[method-assign]


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """Give an engine on a server that runs."""
    engine = to_engine(url)

    @sa.event.listens_for(engine, "do_connect")
    def plain_http(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> None:
        params.update(protocol="http", network_timeout=5, login_timeout=5)

    yield engine
    engine.dispose()
