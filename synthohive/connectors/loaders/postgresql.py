"""PostgreSQL: COPY into a staging schema, swapped in by renaming."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import psycopg2
from sqlalchemy.exc import SQLAlchemyError

from synthohive._logging import get_logger
from synthohive.connectors.ddl import PROVENANCE_TABLE, SchemaDdl
from synthohive.connectors.ddl.postgresql import literal, quote
from synthohive.connectors.loaders.postgresql_objects import contents, dependents
from synthohive.connectors.loaders.postgresql_rows import CsvStream
from synthohive.connectors.loaders.staged import (
    NOTE_COLUMNS,
    StagedWriter,
    read_note,
    staging_name,
)
from synthohive.connectors.steps import step
from synthohive.exceptions import ConnectorError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine

    from synthohive.connectors.base import IfExists, Provenance
    from synthohive.schema import Column, Metadata

__all__ = ["PostgresqlWriter", "create", "locate"]

log = get_logger(__name__)
_MAX_IDENTIFIER = 63
_READ_BYTES = 1 << 20
_LOCK_CLASS = 0x53594E48  # "SYNH", the first key of the advisory lock on a target

_PLACE = """
SELECT pg_has_role(n.nspowner, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
       n.nspname = 'public' OR EXISTS (SELECT 1 FROM pg_extension e WHERE e.extnamespace = n.oid)
FROM pg_namespace n WHERE n.nspname = %s"""

_MOVABLE = """
SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
       WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND (d.deptype IN ('e', 'i') OR c.relkind = 'S' AND d.deptype = 'a'))
UNION ALL SELECT CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.typname
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = %(schema)s AND t.typtype IN ('d', 'e') AND NOT EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
    AND d.deptype = 'e')"""


def locate(
    source: Optional[Engine],
    target: Optional[Engine],
    schema: Optional[str],
    source_schema: Optional[str],
) -> str:
    """Return the schema to write."""
    if schema is not None:
        return schema
    engine = target if target is not None else source
    assert engine is not None
    with engine.connect() as connection:
        default = str(connection.exec_driver_sql("SELECT current_schema()").scalar() or "public")
    return default if target is not None else f"{source_schema or default}_synthetic"


class PostgresqlWriter(StagedWriter):
    """Write one schema of a PostgreSQL database; see :class:`StagedWriter`.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    metadata, ddl, target, provenance
        See :class:`StagedWriter`; `target` is the schema.
    source_schema : str, optional
        Stays on the search path, for the types of extensions installed there.
    if_exists : {"fail", "replace", "replace_foreign"}
    """

    engine_name: ClassVar[str] = "PostgreSQL"
    errors: ClassVar[tuple[type[BaseException], ...]] = (psycopg2.Error,)

    def __init__(
        self,
        engine: Engine,
        metadata: Metadata,
        ddl: SchemaDdl,
        target: str,
        provenance: Provenance,
        *,
        source_schema: Optional[str],
        if_exists: IfExists,
    ) -> None:
        super().__init__(metadata, ddl, target, provenance)
        self._engine = engine
        limit = _MAX_IDENTIFIER
        if len(target.encode()) > limit:
            raise ConnectorError(
                f"The schema name {target!r} is longer than {limit} bytes.",
                hint="Name a shorter one with schema=….",
            )
        self.staging = staging_name(target, limit)
        self._trash = staging_name(target, limit)
        self._path = ", ".join(quote(s) for s in (self.staging, source_schema, "public") if s)
        self._exists = self._keeps_schema = False
        with self.named("a connection"):
            self._connection = self._connect()
        try:
            with self.named("the target"):
                self._check_target(if_exists)
                step("target checked")
                self._remove_stale()
                self._create_staging()
        except BaseException:
            self._connection.close()
            raise

    def _connect(self) -> Any:
        """Return a connection outside the pool, so that its settings and lock end with it."""
        raw = self._engine.raw_connection()
        connection: Any = raw.driver_connection
        raw.detach()
        connection.rollback()
        connection.autocommit = False
        return connection

    def _check_target(self, if_exists: IfExists) -> None:
        if self.target.startswith("pg_") or self.target == "information_schema":
            raise ConnectorError(f"The schema {self.target!r} belongs to PostgreSQL itself.")
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', "
                "has_database_privilege(current_database(), 'CREATE'), current_user, "
                "current_database(), pg_try_advisory_lock(%s, hashtext(%s))",
                (_LOCK_CLASS, self.target),
            )
            read_only, may_create, user, database, locked = cursor.fetchone()
            if read_only:
                raise ConnectorError(
                    f"The database {database!r} is read-only.",
                    hint="Write to another database with url=….",
                )
            if not may_create:
                raise ConnectorError(
                    f"The user {user!r} may not create schemas in the database {database!r}.",
                    hint=f"GRANT CREATE ON DATABASE {quote(database)} TO {quote(user)}.",
                )
            if not locked:
                raise ConnectorError(f"Another run is writing to {self.target!r} now.")
            self._check_existing(cursor, if_exists, user)
        self._connection.commit()

    def _check_existing(self, cursor: Any, if_exists: IfExists, user: str) -> None:
        cursor.execute(_PLACE, (self.target,))
        found = cursor.fetchone()
        if found is None:
            return
        owned, may_create, self._keeps_schema = found
        self._exists = True
        self.admit(contents(cursor, self.target), self._read_note(cursor), if_exists)
        if not owned and not self._keeps_schema:
            raise ConnectorError(
                f"The user {user!r} does not own the schema {self.target!r}.",
                hint=f"ALTER SCHEMA {quote(self.target)} OWNER TO {quote(user)}.",
            )
        if not may_create:
            raise ConnectorError(
                f"The user {user!r} may not create tables in the schema {self.target!r}.",
                hint=f"GRANT CREATE ON SCHEMA {quote(self.target)} TO {quote(user)}.",
            )
        if hanging := [shown for _, _, shown in dependents(cursor, self.target)]:
            raise ConnectorError(
                f"{', '.join(hanging[:10])} depend on what {self.target!r} holds, "
                "and would be dropped with it.",
                hint="Drop them first, or write to another schema.",
            )

    def _read_note(self, cursor: Any) -> Optional[frozenset[str]]:
        """Return the keys of what an earlier run made in the target."""
        cursor.execute(
            "SELECT c.oid, c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT'), "
            "ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            (self.target, PROVENANCE_TABLE),
        )
        found = cursor.fetchone()
        if found is None or not found[1] or tuple(found[2]) != NOTE_COLUMNS:
            return None
        cursor.execute(f"SELECT * FROM {quote(self.target)}.{quote(PROVENANCE_TABLE)} LIMIT 2")
        made = read_note(found[2], cursor.fetchall())
        # A copy of another schema's note tells of objects that are not here.
        return made if made is not None and f"pg_class:{found[0]}" in made else None

    def _remove_stale(self) -> None:
        """Remove what a crashed run left of the same target; the lock tells that it ended."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT nspname FROM pg_namespace WHERE obj_description(oid, 'pg_namespace') = %s",
                (self._mark(),),
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP SCHEMA {quote(name)} CASCADE")
                log.info("stale_staging_removed", schema=name)
        self._connection.commit()

    def _mark(self) -> str:
        return json.dumps({"synthohive_staging_of": self.target})

    def _create_staging(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('search_path', %s, false), "
                "set_config('client_encoding', 'UTF8', false), "
                "set_config('datestyle', 'ISO, YMD', false), set_config('timezone', 'UTC', false), "
                "set_config('statement_timeout', '0', false), "
                "set_config('idle_in_transaction_session_timeout', '0', false)",
                (self._path,),
            )
            cursor.execute(f"CREATE SCHEMA {quote(self.staging)}")
            cursor.execute(f"COMMENT ON SCHEMA {quote(self.staging)} IS {literal(self._mark())}")
        step("staging created")
        for statement in self.ddl.setup:
            self._run(statement)
        self._connection.commit()
        step("staging committed")

    def _quote(self, name: str) -> str:
        return quote(name)

    def _reason(self, exc: BaseException) -> str:
        diag = getattr(exc, "diag", None)
        message = getattr(diag, "message_primary", None)
        return str(message or "the connection was lost").rstrip(".")

    def _execute(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def _scalar(self, sql: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {quote(PROVENANCE_TABLE)} VALUES (%s, %s, %s, %s, %s, %s, %s)",
                values,
            )

    def _made(self) -> list[str]:
        with self._connection.cursor() as cursor:
            return [found.key for found in contents(cursor, self.staging)]

    def _copy(
        self, table: str, columns: Sequence[Column], batches: Iterator[pa.RecordBatch]
    ) -> int:
        """Make and fill the table in one transaction, so that its rows are born frozen."""
        fresh = table not in self.rows
        if fresh:
            for statement in self.ddl.tables[table]:
                self._run(statement)
        step("table created")
        stream = CsvStream(columns, batches)
        with self._connection.cursor() as cursor:
            if columns:
                names = ", ".join(quote(column.name) for column in columns)
                options = "FORMAT csv, FREEZE" if fresh and self._freezes(table) else "FORMAT csv"
                sql = f"COPY {quote(table)} ({names}) FROM STDIN WITH ({options})"
                cursor.copy_expert(sql, stream, _READ_BYTES)
                if cursor.rowcount != stream.rows:
                    raise ConnectorError(
                        f"PostgreSQL kept {cursor.rowcount} of {stream.rows} rows of {table!r}."
                    )
        self._connection.commit()
        return stream.rows

    def _freezes(self, table: str) -> bool:
        return len(self.ddl.tables[table]) == 1

    def _analyze(self) -> None:
        for table in self.metadata.tables:
            with self.named(f"the statistics of table {table!r}"):
                self._execute(f"ANALYZE {quote(table)}")

    def _swap(self) -> None:
        with self._connection.cursor() as cursor:
            if not self._exists:
                self._rename(cursor)
            elif self._keeps_schema:
                self._move(cursor)
            else:
                cursor.execute(
                    "SELECT a.grantee::regrole::text, a.grantee, a.privilege_type, a.is_grantable "
                    "FROM pg_namespace n, aclexplode(n.nspacl) a "
                    "WHERE n.nspname = %s AND a.grantee <> n.nspowner",
                    (self.target,),
                )
                grants = cursor.fetchall()
                cursor.execute(f"ALTER SCHEMA {quote(self.target)} RENAME TO {quote(self._trash)}")
                cursor.execute(f"COMMENT ON SCHEMA {quote(self._trash)} IS {literal(self._mark())}")
                self._rename(cursor)
                for role, oid, privilege, grantable in grants:
                    to = "PUBLIC" if oid == 0 else role
                    option = " WITH GRANT OPTION" if grantable else ""
                    cursor.execute(
                        f"GRANT {privilege} ON SCHEMA {quote(self.target)} TO {to}{option}"
                    )
            step("schemas renamed")
            self._connection.commit()
            step("swap committed")
            if self._exists:
                self._drop_old(cursor)
        self._connection.close()
        step("old schema dropped")

    def _rename(self, cursor: Any) -> None:
        cursor.execute(f"ALTER SCHEMA {quote(self.staging)} RENAME TO {quote(self.target)}")
        cursor.execute(f"COMMENT ON SCHEMA {quote(self.target)} IS NULL")

    def _move(self, cursor: Any) -> None:
        """Change the tables inside a schema that must stay: public, or one with extensions."""
        cursor.execute(f"CREATE SCHEMA {quote(self._trash)}")
        cursor.execute(f"COMMENT ON SCHEMA {quote(self._trash)} IS {literal(self._mark())}")
        for here, there in ((self.target, self._trash), (self.staging, self.target)):
            cursor.execute(_MOVABLE, {"schema": here})
            for kind, name in cursor.fetchall():
                cursor.execute(
                    f"ALTER {kind} {quote(here)}.{quote(name)} SET SCHEMA {quote(there)}"
                )
        cursor.execute(f"DROP SCHEMA {quote(self.staging)}")

    def _drop_old(self, cursor: Any) -> None:
        """Drop what was replaced; the new schema is in place whether or not that works."""
        try:
            cursor.execute("SET LOCAL lock_timeout = '30s'")  # somebody may still be reading it
            cursor.execute(f"DROP SCHEMA {quote(self._trash)} CASCADE")
            step("old schema emptied")
            self._connection.commit()
        except psycopg2.Error as exc:
            log.warning("old_schema_remains", schema=self._trash, reason=self._reason(exc))

    def _discard(self) -> None:
        try:
            if self._connection.closed:
                self._connection = self._connect()
            self._connection.rollback()
            with self._connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA IF EXISTS {quote(self.staging)} CASCADE")
            self._connection.commit()
        except (psycopg2.Error, SQLAlchemyError) as exc:  # the abort's own cause is being raised
            log.warning("staging_remains", schema=self.staging, reason=type(exc).__name__)
        finally:
            self._connection.close()


create = PostgresqlWriter
