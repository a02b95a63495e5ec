"""Oracle: rows under other names in the target's schema, renamed table by table.

Each statement that makes, moves or drops a table commits. Publishing is therefore not one step:
between the two renames of a table it is not there for an instant, and a reader of two tables may
see one of them old and the other new. What fails on the way is renamed back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import oracledb
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.engines import own_connection
from synthohive.connectors.oracle import CAPABILITIES
from synthohive.connectors.oracle.catalogue import LOCK_TABLE, STAGED
from synthohive.connectors.oracle.rows import insert_sql, sizes, values
from synthohive.connectors.oracle.spelling import MARK, SPELLING, folded
from synthohive.ddl.spelling import Spelling, literal, quote
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import Found, Order, busy_error, read_note
from synthohive.io.steps import step

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

__all__ = ["WRITER", "OracleWriter"]

log = get_logger(__name__)
_BUSY, _EXISTS = 54, 955
_LONGEST = 107  # bytes of a table's name: with what marks it while it waits, it has 128
_SESSION = (
    "ALTER SESSION SET TIME_ZONE = 'UTC'",
    "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
    "ALTER SESSION SET DDL_LOCK_TIMEOUT = 30",
)
_CONTENTS = (
    "SELECT object_name, object_type, object_id FROM all_objects WHERE owner = {0} AND "
    "object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'SYNONYM', 'FUNCTION', "
    "'PROCEDURE', 'PACKAGE', 'TYPE') AND object_name NOT LIKE 'ISEQ$$%' ORDER BY object_name"
)
_KEYS_INTO = (
    "SELECT c.owner || '.' || c.table_name FROM all_constraints c JOIN all_constraints p "
    "ON p.owner = c.r_owner AND p.constraint_name = c.r_constraint_name "
    "WHERE c.constraint_type = 'R' AND p.owner = {0} AND c.owner <> {0}"
)
_PARTS = (
    "SELECT 'CONSTRAINT', table_name, constraint_name FROM all_constraints WHERE owner = {0} "
    "AND constraint_name LIKE {1} UNION ALL SELECT 'INDEX', table_name, index_name "
    "FROM all_indexes WHERE owner = {0} AND index_name LIKE {1} ORDER BY 1, 2, 3"
)


class OracleWriter(StagedSchema):
    """Write one schema of an Oracle database; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "Oracle"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (oracledb.Error, OSError)
    mark: ClassVar[str] = ":{0}"
    two_rows: ClassVar[str] = "SELECT * FROM {0} FETCH FIRST 2 ROWS ONLY"
    seed_type: ClassVar[str] = "NUMBER(38)"
    texts: ClassVar[tuple[str, str]] = ("VARCHAR2(1000)", "CLOB")
    fraction: ClassVar[str] = "BINARY_DOUBLE"
    longest: ClassVar[int] = 128
    capitals: ClassVar[bool] = True
    reserved: ClassVar[re.Pattern[str]] = re.compile("SYS|SYSTEM")

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.staging = self.new_name()[-8:].upper()
        self._begin = f"SYNTHOHIVE_{self.staging}_"
        self._views: list[SchemaObject] = []  # in an order in which they can be made
        self._guard: Any = None
        long = [n for n in self.metadata.tables if len(n.encode()) > _LONGEST]
        if long:
            raise ConnectorError(
                f"The table name {long[0]!r} is longer than {_LONGEST} bytes, and cannot be staged."
            )
        with self.named("a connection"):
            self._connection = self._connect()
        with self.opening():
            self._check_place()
            self._execute(f"ALTER SESSION SET CURRENT_SCHEMA = {quote(self.target)}")
            self._lock()
            self._check_target()
            self._remove_stale()
            for statement in self.ddl.setup:
                self.run(statement)

    @staticmethod
    def default_schema(engine: Engine) -> Optional[str]:
        """See the base class."""
        sql = "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL"
        with engine.connect() as connection:
            found = connection.exec_driver_sql(sql).scalar()
        return None if found is None else str(found)

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """See the base class: ``shop`` is ``SHOP``, unless there is a user ``"shop"``."""
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT username FROM all_users")
            return schema if schema in {str(row[0]) for row in rows} else folded(schema)

    def _connect(self) -> Any:
        """Return a connection outside the pool, with settings of its own."""
        connection = own_connection(self.engine, lambda given: None)
        with closing(connection.cursor()) as cursor:
            for sql in _SESSION:
                cursor.execute(sql)
        return connection

    def _found(self, sql: str, values: Any = ()) -> tuple[list[str], list[Any]]:
        """See the base class; what waits has its own names."""
        return super()._found(sql.replace(f'"{MARK}', f'"{self._begin}'), values)

    def _note_in(self, place: str) -> Optional[frozenset[str]]:
        note = self.two_rows.format(f"{place}.{quote(PROVENANCE_TABLE)}")
        names, rows = self._found(note)
        plain = [[v.read() if hasattr(v, "read") else v for v in row] for row in rows]
        return read_note([name.lower() for name in names], plain)

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return (str(exc).strip().split("\n")[0] or type(exc).__name__).rstrip(".")

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.missing_grant(reason, quote(self.target))

    def _check_place(self) -> None:
        users = self._ask(f"SELECT username FROM all_users WHERE username = {literal(self.target)}")
        if not users:
            raise NoPlaceError(
                f"There is no user {self.target!r}, and a schema of Oracle is a user.",
                hint=f"CREATE USER {quote(self.target)} NO AUTHENTICATION QUOTA UNLIMITED ON …, "
                "or name one that is there with schema=….",
            )

    def _lock(self) -> None:
        """Keep other runs away; on a connection of its own, whose transaction no DDL ends."""
        name = quote(LOCK_TABLE)
        try:
            self._execute(f"CREATE TABLE {name} (held NUMBER(1))")
        except oracledb.Error as exc:
            if _code(exc) != _EXISTS:
                raise
        self._guard = self._connect()
        with closing(self._guard.cursor()) as cursor:
            try:
                cursor.execute(f"LOCK TABLE {quote(self.target)}.{name} IN EXCLUSIVE MODE NOWAIT")
            except oracledb.Error as exc:
                if _code(exc) == _BUSY:
                    raise busy_error(self.target) from exc
                raise

    def _contents(self) -> list[Found]:
        """Return what the target holds; tables by number, which a new name leaves as it is."""
        found = []
        for name, type_, number in self._ask(_CONTENTS.format(literal(self.target))):
            kind = str(type_).lower()
            if name != LOCK_TABLE and not STAGED.fullmatch(name):
                key = f"table {number}" if kind == "table" else f"{kind} {name}"
                found.append(Found(key, f"{kind} {name}"))
        return found

    def _check_target(self) -> list[Found]:
        """Look at what the target holds, and refuse it if something would be lost."""
        if self.if_exists == "rehearse":
            return []
        found = self._contents()
        if any(thing.shown == f"table {PROVENANCE_TABLE}" for thing in found):
            self._noted = self._note_in(quote(self.target))
        self.admit(found, self._noted)
        if users := self._ask(_KEYS_INTO.format(literal(self.target))):
            raise ConnectorError(
                f"Foreign keys of {', '.join(str(u[0]) for u in users[:10])} refer to tables of "
                f"{self.target!r}.",
                hint="Nothing was changed. Drop those keys, or name another schema.",
            )
        return found

    def _staged(self, begin: str = "") -> list[tuple[str, int]]:
        """Return the names and numbers of tables of ours that wait; of all runs by default."""
        rows = self._ask(_CONTENTS.format(literal(self.target)))
        tables = [(str(n), int(i)) for n, type_, i in rows if type_ == "TABLE"]
        return [(n, i) for n, i in tables if STAGED.fullmatch(n) and n.startswith(begin)]

    def _remove_stale(self) -> None:
        """Remove what crashed runs left of the same target; the lock tells that they ended."""
        for name, _ in self._staged():
            self._execute(f"DROP TABLE {quote(name)} CASCADE CONSTRAINTS PURGE")
            log.info("stale_staging_removed", table=name)

    def _made(self) -> list[str]:
        tables = [f"table {number}" for _, number in self._staged(self._begin)]
        return tables + [f"view {thing.name}" for thing in self._views]

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        self.make_table(table)
        columns = list(self.metadata.table(table).stored.values())
        sql = insert_sql(self._begin + table, columns)
        rows = 0
        with closing(self._connection.cursor()) as cursor:
            for batch in batches:
                if batch.num_rows:
                    cursor.setinputsizes(*sizes(batch))
                    cursor.executemany(sql, values(table, columns, batch))
                    self._connection.commit()
                rows += batch.num_rows
        return rows

    def settle(self) -> None:
        """See the base class."""
        self._connection.commit()

    def make(self, thing: SchemaObject) -> str:
        """See the base class; a view is tried here, and made where its tables will be."""
        try:
            self._execute(thing.create)
            self._execute(f"DROP VIEW {SPELLING.table(thing.name)}")
        except oracledb.Error as exc:
            return self._reason(exc)
        self._views.append(thing)
        return ""

    @classmethod
    def swap_all(cls, writers: Sequence[OracleWriter]) -> None:
        """Rename the tables; see the module. There is one schema at a time."""
        writers[0]._swap()

    def _swap(self) -> None:
        old = self._check_target()
        for thing in old:
            if thing.kind == "view":
                self._execute(f"DROP VIEW {quote(thing.name)}")
        replaced = [(t.name, f"{self._begin[:-1]}O{i}") for i, t in enumerate(old)
                    if t.kind == "table"]  # fmt: skip
        new = [(name, name[len(self._begin) :]) for name, _ in self._staged(self._begin)]
        undo: list[tuple[str, str]] = []
        try:
            for before, after in self._in_pairs(replaced, new):
                self._execute(f"ALTER TABLE {quote(before)} RENAME TO {quote(after)}")
                undo.append((after, before))
            step("tables renamed")
        except BaseException:
            for before, after in reversed(undo):
                self._execute(f"ALTER TABLE {quote(before)} RENAME TO {quote(after)}")
            raise
        self._finish([after for _, after in replaced])
        self._close()

    @staticmethod
    def _in_pairs(
        replaced: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield renames so that each table is away for as short as can be."""
        waiting = {after: (before, after) for before, after in new}
        for move in replaced:
            yield move
            if move[0] in waiting:
                yield waiting.pop(move[0])
        yield from waiting.values()

    def _finish(self, trash: Sequence[str]) -> None:
        """Drop what was replaced, and give what is new its names; the tables are in place."""
        try:
            for name in trash:
                self._execute(f"DROP TABLE {quote(name)} CASCADE CONSTRAINTS PURGE")
            pattern = literal(f"{self._begin}%")
            for kind, table, name in self._ask(_PARTS.format(literal(self.target), pattern)):
                own = quote(str(name)[len(self._begin) :])
                if kind == "INDEX":
                    self._execute(f"ALTER INDEX {quote(name)} RENAME TO {own}")
                else:
                    self._execute(
                        f"ALTER TABLE {quote(table)} RENAME CONSTRAINT {quote(name)} TO {own}"
                    )
            for thing in self._views:
                self._execute(thing.create.replace(f'"{MARK}', '"'))
        except oracledb.Error as exc:
            log.warning("publishing_unfinished", schema=self.target, reason=self._reason(exc))

    @classmethod
    def discard_all(cls, writers: Sequence[OracleWriter]) -> None:
        """Remove what waits, and connections."""
        for writer in writers:
            if writer._connection is None:
                continue
            try:
                for name, _ in writer._staged(writer._begin):
                    writer._execute(f"DROP TABLE {quote(name)} CASCADE CONSTRAINTS PURGE")
            except oracledb.Error as exc:
                reason = writer._reason(exc)
                log.warning("staging_remains", schema=writer.target, reason=reason)
            writer._close()

    def _close(self) -> None:
        for connection in (self._guard, self._connection):
            if connection is not None:
                with suppress(oracledb.Error):  # the server may have ended it
                    connection.close()


def _code(exc: BaseException) -> int:
    """Return the number of an error of Oracle."""
    return int(getattr(exc.args[0] if exc.args else None, "code", 0) or 0)


WRITER = OracleWriter
