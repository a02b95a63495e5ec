"""Snowflake: COPY into a staging schema, proved by SQL, and swapped with the target."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from snowflake.connector.errors import Error

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.engines import own_connection
from synthohive.connectors.snowflake import CAPABILITIES
from synthohive.connectors.snowflake.catalogue import schema_named
from synthohive.connectors.snowflake.rows import STAGE, carried, copy_sql, put_sql
from synthohive.connectors.snowflake.spelling import SPELLING
from synthohive.connectors.snowflake.text import reason
from synthohive.ddl.spelling import Spelling, quote
from synthohive.ddl.statements import PROVENANCE_TABLE
from synthohive.exceptions import ConnectorError
from synthohive.io.marked import MarkedSchema
from synthohive.io.parquet_files import files
from synthohive.io.staging import Found, Order, appeared_error, read_note
from synthohive.io.steps import step

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine


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


class SnowflakeWriter(MarkedSchema):
    """Write one schema of a Snowflake database; see the base class."""

    engine_name: ClassVar[str] = "Snowflake"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (Error, OSError)
    seed_type: ClassVar[str] = "TEXT"
    longest: ClassVar[int] = 255
    capitals: ClassVar[bool] = True
    reserved: ClassVar[re.Pattern[str]] = re.compile("INFORMATION_SCHEMA")

    counter: ClassVar[Optional[re.Pattern[str]]] = re.compile(r"\bIDENTITY START 1\b")
    counter_from: ClassVar[str] = "IDENTITY START {}"
    may_create: ClassVar[str] = "GRANT CREATE SCHEMA ON DATABASE … TO ROLE …"

    def __init__(self, order: Order) -> None:
        self._folder: Optional[Workspace] = None
        self._loads = 0
        super().__init__(order)

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

    def _schemas(self) -> dict[str, Optional[str]]:
        """See the base class; the mark is the schema's comment."""
        rows = self._ask("SELECT SCHEMA_NAME, COMMENT FROM INFORMATION_SCHEMA.SCHEMATA")
        return {str(name): comment for name, comment in rows}

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

    def _note_in(self, place: str) -> Optional[frozenset[str]]:
        names, rows = self._found(f"SELECT * FROM {place}.{quote(PROVENANCE_TABLE)} LIMIT 2")
        return read_note([name.lower() for name in names], rows)

    def _make_marked(self, schema: str, mark: str) -> None:
        """See the base class."""
        self._execute(f"CREATE SCHEMA {quote(schema)} COMMENT = {SPELLING.literal(mark)}")

    def _mark_again(self, connection: Any, schema: str, mark: str) -> None:
        """See the base class."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"COMMENT ON SCHEMA {quote(schema)} IS {SPELLING.literal(mark)}")

    def _make_schema(self, mark: str) -> None:
        """See the base class."""
        self._make_marked(self.staging, mark)
        self._execute(f"USE SCHEMA {quote(self.staging)}")
        self._execute(f"CREATE STAGE {STAGE}")

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return reason(exc)

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.remedy(reason, quote(self.target))

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        self.make_table(table)
        if self._folder is None:
            self._folder = Workspace()
        place, self._loads = str(self._loads), self._loads + 1
        folder = self._folder.path / place
        folder.mkdir()
        sent = 0
        for path, count in files(folder, batches, carried):
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

    def publish(self) -> None:
        """Swap the schema with its target."""
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

    def close(self) -> None:
        """See the base class."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()


WRITER = SnowflakeWriter
