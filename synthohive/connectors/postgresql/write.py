"""PostgreSQL: COPY into a staging schema, swapped in by renaming."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import psycopg2
import psycopg2.errors
from sqlalchemy.exc import SQLAlchemyError

from synthohive._display import listed
from synthohive._logging import get_logger
from synthohive.connectors.postgresql.carrying import (
    carried_from,
    comments_in,
    copy_default_rights,
)
from synthohive.connectors.postgresql.locks import (
    LOCK_CLASS,
    LockWatch,
    holder_of_target,
)
from synthohive.connectors.postgresql.objects import (
    contents,
    drop_schema,
    move_contents,
    outside,
)
from synthohive.connectors.postgresql.rows import RECORDS, CsvStream
from synthohive.connectors.postgresql.spelling import SPELLING, literal
from synthohive.connectors.special_values import spelling_of
from synthohive.ddl.spelling import Spelling, quote
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io import comments
from synthohive.io.base import NoPlaceError
from synthohive.io.staged import (
    NOTE_COLUMNS,
    STAGING_MARK,
    Order,
    StagedSchema,
    read_note,
    staging_name,
)
from synthohive.io.steps import step
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column

__all__ = ["WRITER", "PostgresqlWriter"]

log = get_logger(__name__)
_MAX_IDENTIFIER = 63
_READ_BYTES = 1 << 20
_LOCK_MS = 10_000  # unless the session was given a limit of its own
_PATIENCE_MS = 1_000  # for what a later run can do as well
_STAGING_NAME = re.compile(re.escape(STAGING_MARK) + "[0-9a-f]{8}$")

_PLACE = """
SELECT pg_has_role(n.nspowner, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
       n.nspname = 'public' OR EXISTS (SELECT 1 FROM pg_extension e WHERE e.extnamespace = n.oid)
FROM pg_namespace n WHERE n.nspname = %s"""

_NESTED = """
SELECT a.attname, e.typtype = 'c' FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
JOIN pg_namespace n ON n.oid = r.relnamespace JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_type e ON e.oid = coalesce(nullif(t.typelem, 0), b.typelem)
WHERE n.nspname = %s AND r.relname = %s AND a.attnum > 0
    AND (t.typcategory IN ('A', 'C') OR b.typcategory IN ('A', 'C'))"""


class PostgresqlWriter(StagedSchema):
    """Write one schema of a PostgreSQL database; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "PostgreSQL"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (psycopg2.Error,)

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        target, limit, rehearsed = self.target, _MAX_IDENTIFIER, self.if_exists == "rehearse"
        if len(target.encode()) > limit and not rehearsed:
            raise ConnectorError(
                f"The schema name {target!r} is longer than {limit} bytes.",
                hint="Name a shorter one with schema=….",
            )
        self.staging = staging_name(target, limit)
        self._trash = staging_name(target, limit)
        self._stagings = [self.staging]
        self._source = order.source_schema
        self._sources = dict.fromkeys(s for s in (self._source, *self.group, "public") if s)
        # What is locked while the run lives; a rehearsal is in nobody's way.
        self._claim = self.staging if rehearsed else target
        self._exists = self._keeps_schema = self._empty = False
        self._droppable: Optional[frozenset[str]] = frozenset()
        self._watch: Optional[LockWatch] = None
        self._lock_ms = _LOCK_MS
        with self.named("a connection"):
            self._connection = self._connect()
        try:
            with self.named("the target"):
                self._check_target()
                step("target checked")
                self._remove_stale()
                self._create_staging()
        except BaseException:
            self.discard_all([self])
            raise

    @staticmethod
    def default_schema(engine: Engine) -> str:
        """See the base class."""
        return StagedSchema.default_schema(engine) or "public"

    def _connect(self) -> Any:
        """Return a connection outside the pool, so that its settings and lock end with it."""
        raw = self.engine.raw_connection()
        connection: Any = raw.driver_connection
        raw.detach()
        connection.rollback()
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'")
            self._lock_ms = cursor.fetchone()[0] or _LOCK_MS
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{self._lock_ms}ms",))
        connection.commit()
        return connection

    def _check_target(self) -> None:
        if self.target.startswith("pg_") or self.target == "information_schema":
            raise ConnectorError(f"The schema {self.target!r} belongs to PostgreSQL itself.")
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', "
                "has_database_privilege(current_database(), 'CREATE'), current_user, "
                "current_database(), pg_try_advisory_lock(%s, hashtext(%s))",
                (LOCK_CLASS, self._claim),
            )
            read_only, may_create, user, database, locked = cursor.fetchone()
            if read_only:
                raise NoPlaceError(
                    f"The database {database!r} is read-only.",
                    hint="Write to another database with url=….",
                )
            if not may_create:
                raise NoPlaceError(
                    f"The user {user!r} may not create schemas in the database {database!r}.",
                    hint=f"GRANT CREATE ON DATABASE {quote(database)} TO {quote(user)}.",
                )
            if not locked:
                raise NoPlaceError(
                    f"Another run is writing to {self.target!r} now: "
                    f"{holder_of_target(cursor, self.target)}.",
                    hint="Let it end, and run again.",
                )
            self._check_existing(cursor, user)
        self._connection.commit()

    def _check_existing(self, cursor: Any, user: str) -> None:
        cursor.execute(_PLACE, (self.target,))
        found = cursor.fetchone()
        if found is None or self.if_exists == "rehearse":
            return
        owned, may_create, self._keeps_schema = found
        self._exists = True
        self._admit_now(cursor)
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
        carried_from(cursor, self.target, self._noted, [*self.group.values()])

    def _admit_now(self, cursor: Any) -> None:
        """Look at all that the target holds; at the start, and in the transaction of the swap."""
        found = contents(cursor, self.target)
        made = self._read_note(cursor, self.target)
        self.admit(found, made)
        self._empty, self._noted = not found, made
        self._droppable = None if self.if_exists == "replace_foreign" else made or frozenset()

    @staticmethod
    def _read_note(cursor: Any, schema: str) -> Optional[frozenset[str]]:
        """Return the keys of what an earlier run made in a schema."""
        cursor.execute(
            "SELECT c.oid, c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT'), "
            "ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            (schema, PROVENANCE_TABLE),
        )
        found = cursor.fetchone()
        if found is None or not found[1] or tuple(found[2]) != NOTE_COLUMNS:
            return None
        cursor.execute(f"SELECT * FROM {quote(schema)}.{quote(PROVENANCE_TABLE)} LIMIT 2")
        made = read_note(found[2], cursor.fetchall())
        # A copy of another schema's note tells of objects that are not here.
        return made if made is not None and f"pg_class:{found[0]}" in made else None

    def _remove_stale(self) -> None:
        """Remove what ended runs left, of any target; the lock on it tells that they ended."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace "
                "WHERE strpos(nspname, %s) > 0 AND pg_has_role(nspowner, 'USAGE')",
                (STAGING_MARK,),
            )
            marks = {name: _read_mark(name, comment) for name, comment in cursor.fetchall()}
            places = {name: mark for name, mark in marks.items() if mark is not None}
            targets = {mark["synthohive_staging_of"] for mark in places.values()}
            ended = sorted(target for target in targets if self._ended(cursor, target))
            self._remove_each(
                [
                    (self, name, mark["holds"])
                    for name, mark in places.items()
                    if mark["synthohive_staging_of"] in ended
                ]
            )
            for target in ended:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (LOCK_CLASS, target))
        self._connection.commit()

    def _ended(self, cursor: Any, target: str) -> bool:
        """Whether no run writes to a target; nobody else can begin to until this one lets it go."""
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (LOCK_CLASS, target))
        return bool(cursor.fetchone()[0])

    @staticmethod
    def _remove_each(places: Sequence[tuple[PostgresqlWriter, str, str]]) -> None:
        """Drop staging or replaced schemas, those that others need after these.

        Parameters
        ----------
        places : sequence of (writer, schema, what it holds)
        """
        left = list(places)
        while left:
            reasons = [writer._removed(schema, holds) for writer, schema, holds in left]
            remaining = [(p, r) for p, r in zip(left, reasons) if r is not None]
            if len(remaining) == len(left):
                for (_, schema, _), reason in remaining:
                    log.warning("staging_remains", schema=schema, reason=reason)
                return
            left = [place for place, _ in remaining]

    def _removed(self, schema: str, holds: str) -> Optional[str]:
        """Drop a staging or replaced schema, or return who uses it: then a later run does."""
        try:
            with self._connection.cursor() as cursor:
                patience = f"{_PATIENCE_MS}ms"
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (patience,))
                made = None
                if holds == "ours":
                    made = self._read_note(cursor, schema) or frozenset()
                _cut_keys(cursor, schema)
                _cut_views(cursor, schema)
                drop_schema(cursor, schema, made)
            step("old schema emptied")
            self._connection.commit()
            log.info("staging_removed", schema=schema)
        except (psycopg2.Error, ConnectorError) as exc:
            if self._connection.closed:
                raise
            self._connection.rollback()
            return exc.message if isinstance(exc, ConnectorError) else self._reason(exc)
        return None

    def _mark(self, holds: str) -> str:
        """Return the comment by which a later run knows a schema, and what it may drop of it."""
        return literal(json.dumps({"synthohive_staging_of": self._claim, "holds": holds}))

    def _create_staging(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('search_path', %s, false), "
                "set_config('client_encoding', 'UTF8', false), "
                "set_config('datestyle', 'ISO, YMD', false), set_config('timezone', 'UTC', false), "
                "set_config('statement_timeout', '0', false), "
                "set_config('idle_in_transaction_session_timeout', '0', false)",
                (self._path({}),),
            )
            try:
                cursor.execute(f"CREATE SCHEMA {quote(self.staging)}")
            except psycopg2.Error as exc:
                raise NoPlaceError(
                    f"PostgreSQL refused to create the staging schema {self.staging!r}: "
                    f"{self._reason(exc)}.",
                    hint="Let the user create schemas, or write to another database with url=….",
                ) from exc
            cursor.execute(f"COMMENT ON SCHEMA {quote(self.staging)} IS {self._mark('staging')}")
            if self._exists:
                copy_default_rights(cursor, self.target, self.staging)
        step("staging created")
        for statement in self.ddl.setup:
            self.run(statement)
        self._connection.commit()
        step("staging committed")

    def _path(self, others: Mapping[str, str]) -> str:
        # Each source behind its staging schema: what the copy lacks is found there, and refused,
        # rather than its namesake in another schema of the copy.
        own = [self.staging, *filter(None, [self._source])]
        pairs = [place for source, staging in others.items() for place in (staging, source)]
        return ", ".join(quote(s) for s in dict.fromkeys([*own, *pairs, *self._sources]))

    def see(self, others: Mapping[str, str]) -> None:
        """Find the types of the staging schemas that are written together with this one."""
        self._stagings = [self.staging, *others.values()]
        path = self._path(others)
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT set_config('search_path', %s, false)", (path,))
        self._connection.commit()

    def make(self, thing: SchemaObject) -> str:
        """See the base class; nothing is run before it is proved."""
        with self._connection.cursor() as cursor:
            cursor.execute("SAVEPOINT thing")
            try:
                for sql in (*thing.before, thing.create, *thing.parts):
                    cursor.execute(sql)
                used = outside(cursor, thing, self.staging, self._stagings)
                reason = f"it uses {listed(used, 3)}, which the copy does not have" if used else ""
                for sql in () if used else filter(None, (*thing.then, thing.comment)):
                    cursor.execute(sql)
            except psycopg2.OperationalError:  # a lock, or the connection
                raise
            except psycopg2.DatabaseError as exc:
                reason = self._reason(exc)
            except ConnectorError as exc:
                reason = exc.message
            cursor.execute(f"{'ROLLBACK TO' if reason else 'RELEASE'} SAVEPOINT thing")
        return reason

    def settle(self) -> None:
        """See the base class."""
        self._connection.commit()

    def _reason(self, exc: BaseException) -> str:
        diag = getattr(exc, "diag", None)
        message = str(getattr(diag, "message_primary", None) or "the connection was lost")
        if isinstance(exc, psycopg2.errors.LockNotAvailable):
            holders = [] if self._watch is None else self._watch.holders
            by = f" by {'; '.join(holders)}" if holders else " by another session"
            return f"{message.rstrip('.')}: the lock is held{by}"
        if isinstance(exc, psycopg2.errors.DependentObjectsStillExist) and diag is not None:
            return f"{message}: {diag.message_detail}".rstrip(".")  # names, no values
        return message.rstrip(".")

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def _made(self) -> list[str]:
        with self._connection.cursor() as cursor:
            made = [found.key for found in contents(cursor, self.staging)]
            return made + comments.keys(comments_in(cursor, self.staging))

    def _as_made(self, table: str, columns: Sequence[Column]) -> list[Column]:
        """Return columns as what the table has: arrays and composites may be JSON in it."""
        with self._connection.cursor() as cursor:
            cursor.execute(_NESTED, (self.staging, table))
            nested = {str(name): of_rows for name, of_rows in cursor.fetchall()}

        def as_made(column: Column) -> Column:
            if column.kind not in (ColumnKind.ARRAY, ColumnKind.COMPOSITE):
                return column
            if column.name not in nested:
                return column.model_copy(update={"kind": ColumnKind.JSON})
            return (
                column.model_copy(update={"sql_type": RECORDS}) if nested[column.name] else column
            )

        return [as_made(column) for column in columns]

    def _copy(
        self, table: str, columns: Sequence[Column], batches: Iterator[pa.RecordBatch]
    ) -> int:
        """Make and fill the table in one transaction, so that its rows are born frozen."""
        fresh = self.make_table(table)
        step("table created")
        stream = CsvStream(
            self._as_made(table, columns),
            batches,
            spelling_of(self.metadata.dialect, self.spelling),
        )
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

    @staticmethod
    def swap_all(writers: Sequence[PostgresqlWriter]) -> None:
        """Put several staging schemas in place, in one transaction."""
        first = writers[0]
        with first._watched(), first._connection.cursor() as cursor:
            places = [name for writer in writers for name in (writer.target, writer._trash)]
            for writer in writers:
                writer._exchange(cursor, places)
            step("schemas renamed")
            first._connection.commit()
            step("swap committed")
        first._remove_each(
            [
                (writer, writer._trash, "all" if writer._droppable is None else "ours")
                for writer in writers
                if writer._exists and (writer._keeps_schema or not writer._empty)
            ]
        )
        for writer in writers:
            writer._connection.close()
        step("old schema dropped")

    def _exchange(self, cursor: Any, group: Sequence[str]) -> None:
        """Put the staging schema in place, in the open transaction of a connection.

        Parameters
        ----------
        cursor : psycopg2 cursor
        group : sequence of str
            The schemas that are replaced together, under their old and their new names.
        """
        cursor.execute(_PLACE, (self.target,))
        if bool(cursor.fetchone()) != self._exists:
            raise ConnectorError(
                f"The schema {self.target!r} was made or dropped during the run.",
                hint="Nothing was changed. Run again.",
            )
        if self._exists:
            self._admit_now(cursor)
            carried = carried_from(cursor, self.target, self._noted, group)
            self._put_aside(cursor)
            self._put_in_place(cursor)
            carried.apply(cursor, self.target)
        else:
            self._put_in_place(cursor)
            cursor.execute(f"COMMENT ON SCHEMA {quote(self.target)} IS NULL")

    def _put_aside(self, cursor: Any) -> None:
        """Take the old schema's name; readers that are in its tables stay there."""
        if self._empty and not self._keeps_schema:
            cursor.execute(f"DROP SCHEMA {quote(self.target)} RESTRICT")
            return
        if self._keeps_schema:  # public, or one with extensions
            cursor.execute(f"CREATE SCHEMA {quote(self._trash)}")
            move_contents(cursor, self.target, self._trash)
        else:
            cursor.execute(f"ALTER SCHEMA {quote(self.target)} RENAME TO {quote(self._trash)}")
        holds = "all" if self._droppable is None else "ours"
        cursor.execute(f"COMMENT ON SCHEMA {quote(self._trash)} IS {self._mark(holds)}")

    def _put_in_place(self, cursor: Any) -> None:
        if self._keeps_schema:
            move_contents(cursor, self.staging, self.target)
            cursor.execute(f"DROP SCHEMA {quote(self.staging)} RESTRICT")
        else:
            cursor.execute(f"ALTER SCHEMA {quote(self.staging)} RENAME TO {quote(self.target)}")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Have whoever keeps a lock from this session named in the error."""
        after = min(self._lock_ms, _PATIENCE_MS) / 4000
        with LockWatch(self._connect, self._connection.info.backend_pid, after) as watch:
            self._watch = watch
            yield

    @staticmethod
    def discard_all(writers: Sequence[PostgresqlWriter]) -> None:
        """Remove several staging schemas, which may need one another."""
        try:
            there = [writer for writer in writers if writer._has_staging()]
            if there:
                there[0]._remove_each([(writer, writer.staging, "staging") for writer in there])
        except (psycopg2.Error, SQLAlchemyError) as exc:  # the abort's own cause is being raised
            names = ", ".join(writer.staging for writer in writers)
            log.warning("staging_remains", schema=names, reason=type(exc).__name__)
        finally:
            for writer in writers:
                writer._connection.close()

    def _has_staging(self) -> bool:
        if self._connection.closed:
            self._connection = self._connect()
        self._connection.rollback()
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (self.staging,))
            found = cursor.fetchone() is not None
        self._connection.rollback()
        return found


def _cut_keys(cursor: Any, schema: str) -> None:
    """Drop the keys of other staging or replaced schemas, written together with this one."""
    cursor.execute(
        "SELECT n.nspname, obj_description(n.oid, 'pg_namespace'), "
        "format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I', n.nspname, c.relname, o.conname) "
        "FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = o.confrelid "
        "JOIN pg_namespace pn ON pn.oid = p.relnamespace "
        "WHERE o.contype = 'f' AND o.conparentid = 0 AND pn.nspname = %s AND n.oid <> pn.oid",
        (schema,),
    )
    for name, comment, command in cursor.fetchall():
        if _read_mark(name, comment) is not None:
            cursor.execute(command)


def _cut_views(cursor: Any, schema: str) -> None:
    """Drop the views between this and other such schemas, which may need one another.

    Those that others need come last.
    """
    cursor.execute(
        "WITH RECURSIVE used AS (SELECT c.oid, 0 AS depth FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s "
        "UNION SELECT r.ev_class, u.depth + 1 FROM used u JOIN pg_depend d "
        "ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.oid "
        "AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite r ON r.oid = d.objid "
        "WHERE r.ev_class <> u.oid) "
        "SELECT n.nspname, obj_description(n.oid, 'pg_namespace'), format('DROP %%s %%I.%%I', "
        "CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname) "
        "FROM (SELECT oid, max(depth) AS depth FROM used GROUP BY oid) v "
        "JOIN pg_class c ON c.oid = v.oid AND c.relkind IN ('v', 'm') "
        "JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY v.depth DESC",
        (schema,),
    )
    found = [row for row in cursor.fetchall() if _read_mark(row[0], row[1]) is not None]
    if any(name != schema for name, _, _ in found):
        for _, _, command in found:
            cursor.execute(command)


def _read_mark(schema: str, comment: Any) -> Optional[dict[str, str]]:
    """Return what a run wrote beside a schema of its own; None for all others."""
    if not _STAGING_NAME.search(schema):
        return None
    try:
        mark = json.loads(comment)
        found = {key: str(mark[key]) for key in ("synthohive_staging_of", "holds")}
    except (TypeError, ValueError, KeyError):
        return None
    return found if found["holds"] in ("staging", "ours", "all") else None


WRITER = PostgresqlWriter
