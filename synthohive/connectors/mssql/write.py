"""SQL Server: rows into a staging schema, whose tables change places in one transaction."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from synthohive._logging import get_logger
from synthohive.connectors.engines import own_connection
from synthohive.connectors.mssql import CAPABILITIES
from synthohive.connectors.mssql.rows import documents, insert_sql
from synthohive.connectors.mssql.spelling import HERE, SPELLING, literal, quote
from synthohive.connectors.mssql.text import driver_errors, number, reason
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import STAGING_MARK, Found, Order, busy_error
from synthohive.io.steps import step

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine

__all__ = ["WRITER", "MssqlWriter"]

log = get_logger(__name__)
_ERRORS: tuple[type[BaseException], ...] = (*driver_errors(), OSError)
_MARK = "synthohive_staging_of"
_SETTINGS = (
    "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, "
    "QUOTED_IDENTIFIER, XACT_ABORT ON; SET NUMERIC_ROUNDABORT OFF; SET LOCK_TIMEOUT 5000"
)
"""Indexes of some rows ask for the first ones; a lock is waited for five seconds at a time."""
_TIMED_OUT = 1222
_TRIES, _PAUSE_SECONDS = 12, 5.0
_LEVEL = 130
"""Of a database's compatibility, from which on it knows OPENJSON."""
_KINDS = {
    "U": "table", "V": "view", "P": "procedure", "PC": "procedure", "SN": "synonym",
    "SO": "sequence", "FN": "function", "IF": "function", "TF": "function", "FS": "function",
    "FT": "function", "AF": "function", "SQ": "queue",
}  # fmt: skip
_CONTENTS = (
    "SELECT o.name, RTRIM(o.type), o.object_id FROM sys.objects o WHERE "
    "o.schema_id = SCHEMA_ID({0}) AND o.parent_object_id = 0 ORDER BY o.name"
)
_KEYS_INTO = (
    "SELECT s.name, t.name, k.name, CASE WHEN s.name = {0} THEN 1 ELSE 0 END "
    "FROM sys.foreign_keys k JOIN sys.tables t ON t.object_id = k.parent_object_id "
    "JOIN sys.schemas s ON s.schema_id = t.schema_id "
    "JOIN sys.tables p ON p.object_id = k.referenced_object_id WHERE p.schema_id = SCHEMA_ID({0})"
)
_LEFT = (
    "SELECT s.name FROM sys.schemas s JOIN sys.extended_properties p ON p.class = 3 "
    f"AND p.major_id = s.schema_id AND p.name = N'{_MARK}' WHERE CAST(p.value AS NVARCHAR(400)) = "
)


class MssqlWriter(StagedSchema):
    """Write one schema of a SQL Server database; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "SQL Server"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = _ERRORS
    seed_type: ClassVar[str] = "DECIMAL(38, 0)"
    texts: ClassVar[tuple[str, str]] = ("NVARCHAR(400)", "NVARCHAR(MAX)")
    fraction: ClassVar[str] = "FLOAT"
    two_rows: ClassVar[str] = "SELECT TOP 2 * FROM {0}"
    longest: ClassVar[int] = 110
    reserved: ClassVar[re.Pattern[str]] = re.compile("sys|INFORMATION_SCHEMA|guest|db_.*", re.I)
    statistics: ClassVar[str] = "UPDATE STATISTICS {0}"

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.staging = self.new_name()
        self._views: list[SchemaObject] = []  # in an order in which they can be made
        with self.named("a connection"):
            self._connection = self._connect()
        with self.opening():
            self._execute(_SETTINGS)
            self._check_server()
            if self.if_exists != "rehearse" and not self._lock(self.target):
                raise busy_error(self.target)
            self._lock(self.staging)
            self._check_target(self._ask)
            self._remove_stale()
            self._create_staging()

    @staticmethod
    def default_schema(engine: Engine) -> Optional[str]:
        """See the base class."""
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT SCHEMA_NAME()").scalar()
        return None if found is None else str(found)

    def _connect(self) -> Any:
        """Return a connection outside the pool, each of whose statements commits."""
        connection = own_connection(self.engine, lambda given: None)
        if callable(connection.autocommit):
            connection.autocommit(True)
        else:
            connection.autocommit = True
        return connection

    def _found(self, sql: str, values: Any = ()) -> tuple[list[str], list[Any]]:
        """See the base class; what stands for the staging place becomes its name."""
        sql = sql.replace(HERE, quote(self.staging))
        return super()._found(sql.replace(f"N'{HERE[1:-1]}'", literal(self.staging)), values)

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        """See the base class; drivers differ in how they mark parameters."""
        listed = ", ".join(
            "NULL" if v is None else literal(v) if isinstance(v, str) else repr(v) for v in values
        )
        self._execute(f"INSERT INTO {SPELLING.table(PROVENANCE_TABLE)} VALUES ({listed})")

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return reason(exc)

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.missing_grant(reason, quote(self.target), "CREATE TABLE")

    def _check_server(self) -> None:
        level = self._scalar(
            "SELECT compatibility_level FROM sys.databases WHERE database_id = DB_ID()"
        )
        if int(level or 0) < _LEVEL:
            raise ConnectorError(
                f"The database has compatibility level {level}, and rows are loaded by OPENJSON.",
                hint=f"ALTER DATABASE … SET COMPATIBILITY_LEVEL = {_LEVEL}, or a later one.",
            )

    def _lock(self, name: str) -> bool:
        """Take a lock of this session on a name; the server lets go of it when we end."""
        taken = self._scalar(
            "SET NOCOUNT ON; DECLARE @taken INT; EXEC @taken = sp_getapplock @Resource = "
            f"{literal(f'synthohive {name.lower()}')}, @LockMode = 'Exclusive', "
            "@LockOwner = 'Session', @LockTimeout = 0; SELECT @taken"
        )
        return int(taken) >= 0

    def _exists(self, ask: Callable[[str], list[Any]], schema: str) -> bool:
        return bool(ask(f"SELECT name FROM sys.schemas WHERE name = {literal(schema)}"))

    def _check_target(self, ask: Callable[[str], list[Any]]) -> list[Found]:
        """Look at what the target holds, and refuse it if something would be lost."""
        if self.if_exists == "rehearse" or not self._exists(ask, self.target):
            return []
        found = _contents(ask, self.target)
        if any(thing.shown == f"table {PROVENANCE_TABLE}" for thing in found):
            self._noted = self._note_in(quote(self.target))
        self.admit(found, self._noted)
        if outside := self._keys_into(ask, self.target):
            raise ConnectorError(
                f"Foreign keys of {', '.join(outside[:10])} refer to tables of {self.target!r}.",
                hint="Nothing was changed. Drop those keys, or name another schema.",
            )
        return found

    def _keys_into(self, ask: Callable[[str], list[Any]], schema: str) -> list[str]:
        """Return the tables outside a schema, and what is written with it, with keys into it."""
        group = {self.target, *self.group.values()}
        rows = ask(_KEYS_INTO.format(literal(schema)))
        return [f"{of}.{table}" for of, table, _, own in rows if not own and of not in group]

    def _made(self) -> list[str]:
        return [thing.key for thing in _contents(self._ask, self.staging)]

    def _remove_stale(self) -> None:
        """Remove what crashed runs left of the same target; the locks tell that they ended."""
        for (name,) in self._ask(_LEFT + literal(self.target)):
            if name != self.staging and STAGING_MARK in name and self._lock(name):
                self._drop(str(name))
                log.info("stale_staging_removed", schema=name)

    def _make_marked(self, schema: str) -> None:
        self._execute(f"CREATE SCHEMA {quote(schema)}")
        self._execute(
            f"EXEC sys.sp_addextendedproperty N'{_MARK}', {literal(self.target)}, N'SCHEMA', "
            f"{literal(schema)}"
        )

    def _create_staging(self) -> None:
        try:
            self._make_marked(self.staging)
        except _ERRORS as exc:
            said = self._reason(exc)
            raise NoPlaceError(
                f"SQL Server refused to create the staging schema {self.staging!r}: {said}.",
                hint=self._remedy(said) or "GRANT CREATE SCHEMA, or name another database.",
            ) from exc
        step("staging created")
        for statement in self.ddl.setup:
            self.run(statement)

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        self.make_table(table)
        place = f"{quote(self.staging)}.{quote(table)}"
        columns = list(self.metadata.table(table).stored.values())
        counted = any(column.identity is not None for column in columns)
        if counted:
            self._execute(f"SET IDENTITY_INSERT {place} ON")
        rows = 0
        for batch in batches:
            for document, count in documents(table, batch):
                super()._found(insert_sql(place, columns, document))  # whatever texts it has
                rows += count
        if counted:  # one table of a session at a time
            self._execute(f"SET IDENTITY_INSERT {place} OFF")
        return rows

    def make(self, thing: SchemaObject) -> str:
        """See the base class; a view is tried here, and made where its tables will be."""
        try:
            self._execute(thing.create)
        except _ERRORS as exc:
            return reason(exc)
        self._views.append(thing)
        return ""

    @classmethod
    def swap_all(cls, writers: Sequence[MssqlWriter]) -> None:
        """Move all tables in one transaction, the old ones into schemas that are dropped.

        Whoever waits for its locks keeps later readers waiting, too: so the waits are short,
        and between them the others go on.
        """
        first = writers[0]
        for left in reversed(range(_TRIES)):
            try:
                first._execute("BEGIN TRANSACTION")
                old = [writer._check_target(first._ask) for writer in writers]
                for writer, replaced in zip(writers, old):
                    writer._move(first._ask, replaced)
                step("tables moved")
                first._execute("COMMIT TRANSACTION")
                break
            except BaseException as exc:
                first._execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
                if not isinstance(exc, _ERRORS) or number(exc) != _TIMED_OUT or not left:
                    raise
                log.info("waiting_for_a_lock", target=first.target)
                time.sleep(_PAUSE_SECONDS)
        step("swap committed")
        for writer in writers:
            writer._drop(writer._trash)
            writer._drop(writer.staging)
            writer._connection.close()

    @property
    def _trash(self) -> str:
        return f"{self.staging}_old"

    def _move(self, ask: Callable[[str], list[Any]], old: Sequence[Found]) -> None:
        """Put the tables in place, by the statements of the transaction that `ask` runs."""
        here, there, trash = quote(self.staging), quote(self.target), quote(self._trash)
        for thing in reversed(self._views):
            ask(f"DROP VIEW {here}.{quote(thing.name)}")
        if old:
            ask(f"CREATE SCHEMA {trash}")
            for found in old:
                if found.kind == "view":  # its text names the tables that it was made over
                    ask(f"DROP VIEW {there}.{quote(found.name)}")
                else:
                    ask(f"ALTER SCHEMA {trash} TRANSFER OBJECT::{there}.{quote(found.name)}")
        if not self._exists(ask, self.target):
            ask(f"CREATE SCHEMA {there}")
        for found in _contents(ask, self.staging):
            ask(f"ALTER SCHEMA {there} TRANSFER OBJECT::{here}.{quote(found.name)}")
        for thing in self._views:
            ask(thing.create.replace(HERE, there))

    def _drop(self, schema: str) -> None:
        """Drop what is no longer needed; the new tables are in place whether or not it works."""
        try:
            if not self._exists(self._ask, schema):
                return
            for of, table, key, _ in self._ask(_KEYS_INTO.format(literal(schema))):
                if STAGING_MARK in of:
                    place = f"{quote(of)}.{quote(table)}"
                    self._execute(f"ALTER TABLE {place} DROP CONSTRAINT {quote(key)}")
            for kinds in ("view", "function procedure"), ("table",), ("sequence", "synonym"):
                for found in _contents(self._ask, schema):
                    if found.kind in " ".join(kinds).split():
                        place = f"{quote(schema)}.{quote(found.name)}"
                        self._execute(f"DROP {found.kind.upper()} {place}")
            self._execute(f"DROP SCHEMA {quote(schema)}")
        except _ERRORS as exc:
            log.warning("staging_remains", schema=schema, reason=reason(exc))

    @classmethod
    def discard_all(cls, writers: Sequence[MssqlWriter]) -> None:
        """Remove staging schemas and connections."""
        for writer in writers:
            if writer._connection is not None:
                writer._drop(writer.staging)
                writer._connection.close()


def _contents(ask: Callable[[str], list[Any]], schema: str) -> list[Found]:
    """Return all that a schema holds; tables by number, which a move leaves as it is."""
    found = []
    for name, type_, number_ in ask(_CONTENTS.format(literal(schema))):
        kind = _KINDS.get(str(type_), "object")
        key = f"{kind} {name}" if kind == "view" else f"{kind} {name} {number_}"
        found.append(Found(key, f"{kind} {name}"))
    return found


WRITER = MssqlWriter
