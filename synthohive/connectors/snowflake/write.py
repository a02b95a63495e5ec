"""Snowflake: COPY into a staging schema, proved by SQL, and swapped with the target."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from snowflake.connector.errors import Error

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.engines import own_connection
from synthohive.connectors.snowflake.catalogue import schema_named
from synthohive.connectors.snowflake.rows import STAGE, copy_sql, files, put_sql
from synthohive.connectors.snowflake.spelling import SPELLING
from synthohive.connectors.snowflake.text import is_left, reason
from synthohive.ddl.spelling import Spelling, quote
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject, fit_identifier
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import Found, Order, appeared_error, read_note
from synthohive.io.steps import step

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column

__all__ = ["WRITER", "SnowflakeWriter"]

log = get_logger(__name__)
_EXISTS = 2002  # the error's number
_BESIDE = {
    "SEQUENCES": "sequence",
    "STAGES": "stage",
    "FILE FORMATS": "file format",
    "USER FUNCTIONS": "function",
    "PROCEDURES": "procedure",
    "STREAMS": "stream",
    "TASKS": "task",
    "PIPES": "pipe",
    "MASKING POLICIES": "masking policy",
    "ROW ACCESS POLICIES": "row access policy",
    "TAGS": "tag",
}
"""What a schema may hold beside tables and views, as SHOW calls it; it would go with the schema."""
_COUNTER = re.compile(r"\bIDENTITY START 1\b")


class SnowflakeWriter(StagedSchema):
    """Write one schema of a Snowflake database; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "Snowflake"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (Error, OSError)
    seed_type: ClassVar[str] = "TEXT"
    keys_checked: ClassVar[bool] = False
    longest: ClassVar[int] = 255
    reserved: ClassVar[re.Pattern[str]] = re.compile("INFORMATION_SCHEMA")

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        name = self.new_name()
        self.staging = name.upper() if self.target.isupper() else name
        self._folder: Optional[Workspace] = None
        self._exists = False
        self._loads = 0
        with self.named("a connection"):
            self._connection = self._connect()
        with self.opening():
            self._check_target()
            self._remove_stale()
            self._create_staging()

    @classmethod
    def locate(
        cls,
        source: Optional[Engine],
        target: Optional[Engine],
        schema: Optional[str],
        source_schema: Optional[str],
    ) -> str:
        """Return the schema to write; beside SHOP, it is SHOP_SYNTHETIC. See the base class."""
        found = super().locate(source, target, schema, source_schema)
        beside = schema is None and target is None
        return found.upper() if beside and found.removesuffix("_synthetic").isupper() else found

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """See the base class: ``shop`` is ``SHOP``, unless there is a schema ``"shop"``."""
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA")
            return schema_named(schema, [str(row[0]) for row in rows])

    def _connect(self) -> Any:
        """Return a connection outside the pool, with settings of its own."""

        def own(given: dict[str, Any]) -> None:
            session = {"QUERY_TAG": "synthohive", **(given.get("session_parameters") or {})}
            given["session_parameters"] = {**session, "TIMEZONE": "UTC"}
            given["autocommit"] = True

        connection = own_connection(self.engine, own)
        connection.autocommit(True)
        return connection

    def _check_target(self) -> None:
        """Look at what the target holds, and refuse it if something would be lost."""
        if self.if_exists == "rehearse":
            return
        known = self._ask("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA")
        self._exists = self.target in {str(row[0]) for row in known}
        if self._exists:
            found = self._contents(self.target)
            noted = f"table {PROVENANCE_TABLE}" in {thing.key for thing in found}
            self._noted = self._note_in(quote(self.target)) if noted else None
            self.admit(found, self._noted)

    def _contents(self, schema: str) -> list[Found]:
        """Return all that a schema holds; our own stage apart."""
        found = [
            Found(f"table {name}", f"table {name}")
            for name, kind in self._ask(
                "SELECT TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES "
                "WHERE TABLE_SCHEMA = %s ORDER BY 1",
                (schema,),
            )
            if kind != "VIEW"
        ]
        views = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.VIEWS WHERE TABLE_SCHEMA = %s ORDER BY 1"
        found += [Found(f"view {n}", f"view {n}") for (n,) in self._ask(views, (schema,))]
        for kind, of in _BESIDE.items():
            names, rows = self._found(f"SHOW {kind} IN SCHEMA {quote(schema)}")
            told = [dict(zip(map(str.lower, names), row)) for row in rows]
            # The engine's own procedures are shown in every schema.
            own = {str(row["name"]) for row in told if row["schema_name"] == schema} - {STAGE}
            found += [Found(f"{of} {name}", f"{of} {name}") for name in sorted(own)]
        return found

    def _made(self) -> list[str]:
        return [thing.key for thing in self._contents(self.staging)]

    def _note_in(self, place: str) -> Optional[frozenset[str]]:
        names, rows = self._found(f"SELECT * FROM {place}.{quote(PROVENANCE_TABLE)} LIMIT 2")
        return read_note([name.lower() for name in names], rows)

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        version, model, seed, *rest = values
        super()._insert_note((version, model, None if seed is None else str(seed), *rest))

    def _remove_stale(self) -> None:
        """Remove what runs left of the same target that cannot live any more."""
        for name, comment in self._ask(
            "SELECT SCHEMA_NAME, COMMENT FROM INFORMATION_SCHEMA.SCHEMATA"
        ):
            if is_left(str(name), comment, self.target, datetime.now(timezone.utc)):
                self._execute(f"DROP SCHEMA IF EXISTS {quote(name)}")
                log.info("stale_staging_removed", schema=name)

    def _create_staging(self) -> None:
        began = datetime.now(timezone.utc).isoformat(timespec="seconds")
        mark = json.dumps({"synthohive_staging_of": self.target, "began": began})
        try:
            self._execute(f"CREATE SCHEMA {quote(self.staging)} COMMENT = {SPELLING.literal(mark)}")
        except Error as exc:
            raise NoPlaceError(
                f"Snowflake refused to create the staging schema {self.staging!r}: {reason(exc)}.",
                hint="GRANT CREATE SCHEMA ON DATABASE … TO ROLE …, or name another database with "
                "url=….",
            ) from exc
        step("staging created")
        self._execute(f"USE SCHEMA {quote(self.staging)}")
        self._execute(f"CREATE STAGE {STAGE}")
        for statement in self.ddl.setup:
            self.run(statement)

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return reason(exc)

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        self.make_table(table)
        if self._folder is None:
            self._folder = Workspace()
        place, self._loads = str(self._loads), self._loads + 1
        folder = self._folder.path / place
        folder.mkdir()
        sent = 0
        for path, count in files(folder, batches):
            self._execute(put_sql(path, place))
            path.unlink()
            sent += count
        shutil.rmtree(folder)
        if not sent:
            return 0
        columns = list(self.metadata.table(table).stored.values())
        names, rows = self._found(copy_sql(table, columns, place))
        at = [name.lower() for name in names].index("rows_loaded")
        loaded = sum(int(row[at]) for row in rows)
        if loaded != sent:
            raise ConnectorError(
                f"Of the {sent} rows of table {table!r}, Snowflake says that it loaded {loaded}.",
                hint="Nothing was changed.",
            )
        return loaded

    def index(self) -> None:
        """See the base class; counters begin after the rows, for they cannot be moved later."""
        for name, table in self.metadata.tables.items():
            counted = [c for c in table.stored.values() if c.identity is not None]
            sql = " ".join(statement.sql for statement in self.ddl.tables[name])
            if counted and _COUNTER.search(sql):
                with self.named(f"the counter of table {name!r}"):
                    self._count_on(name, counted[0])
        super().index()

    def _count_on(self, table: str, column: Column) -> None:
        """Make a table again whose counter begins after the rows, and move these, on the server."""
        counter = column.identity
        assert counter is not None
        end = "MAX" if counter.increment > 0 else "MIN"
        last = self._scalar(f"SELECT {end}({quote(column.name)}) FROM {quote(table)}")
        if last is None:
            return
        loaded = quote(fit_identifier(f"{table}__loaded", self.longest, in_bytes=False))
        self._execute(f"ALTER TABLE {quote(table)} RENAME TO {loaded}")
        for statement in self.ddl.tables[table]:
            start = f"IDENTITY START {int(last) + counter.increment}"
            self._execute(_COUNTER.sub(start, statement.sql, count=1))
        names = ", ".join(quote(name) for name in self.metadata.table(table).stored)
        self._execute(f"INSERT INTO {quote(table)} ({names}) SELECT {names} FROM {loaded}")
        self._execute(f"DROP TABLE {loaded}")

    def make(self, thing: SchemaObject) -> str:
        """See the base class; what a view uses was looked at before."""
        try:
            self._execute(thing.create)
            if thing.comment:
                self._execute(thing.comment)
        except Error as exc:
            return reason(exc)
        return ""

    @classmethod
    def swap_all(cls, writers: Sequence[SnowflakeWriter]) -> None:
        """Swap the schema with its target; see the base class. There is one at a time."""
        writers[0]._swap()

    def _swap(self) -> None:
        self._check_target()
        self._execute(f"DROP STAGE {STAGE}")
        self._execute(f"COMMENT ON SCHEMA {quote(self.staging)} IS ''")
        here, there = quote(self.staging), quote(self.target)
        if not self._exists:
            try:
                self._execute(f"ALTER SCHEMA {here} RENAME TO {there}")
            except Error as exc:
                if exc.errno == _EXISTS:
                    raise appeared_error(self.target) from exc
                raise
            step("schema renamed")
        else:
            before = self._contents(self.target)
            self._execute(f"ALTER SCHEMA {there} SWAP WITH {here}")
            step("schemas swapped")
            if self._contents(self.staging) != before:
                self._execute(f"ALTER SCHEMA {there} SWAP WITH {here}")
                raise ConnectorError(
                    f"What the target {self.target!r} holds was changed by others while it was "
                    "being replaced.",
                    hint="Nothing was changed. Run again.",
                )
            self._drop(self.staging)
        self._close()

    def _drop(self, schema: str) -> None:
        """Drop what is no longer needed; the new schema is in place whether or not it works."""
        try:
            self._execute(f"DROP SCHEMA IF EXISTS {quote(schema)}")
        except Error as exc:
            log.warning("staging_remains", schema=schema, reason=reason(exc))

    @classmethod
    def discard_all(cls, writers: Sequence[SnowflakeWriter]) -> None:
        """Remove staging schemas and connections."""
        for writer in writers:
            writer._drop(writer.staging)
            writer._close()

    def _close(self) -> None:
        self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()


WRITER = SnowflakeWriter
