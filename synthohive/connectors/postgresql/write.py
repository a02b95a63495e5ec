"""PostgreSQL: COPY into a staging schema, swapped in by renaming."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import psycopg2
import psycopg2.errors
from sqlalchemy.exc import SQLAlchemyError

from synthohive._logging import get_logger
from synthohive.connectors.postgresql import CAPABILITIES
from synthohive.connectors.postgresql.carrying import carried_from, copy_default_rights
from synthohive.connectors.postgresql.locks import LOCK_CLASS, LockWatch, holder_of_target
from synthohive.connectors.postgresql.objects import Holdings
from synthohive.connectors.postgresql.rows import RECORDS, CsvStream
from synthohive.connectors.postgresql.spelling import SPELLING, literal
from synthohive.ddl.spelling import Spelling, quote
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.comments import keys
from synthohive.io.journal import JOURNAL_TABLE
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import NOTE_COLUMNS, STAGING_MARK, Order, busy_error, outside_reason
from synthohive.io.steps import step
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column

__all__ = ["WRITER", "PostgresqlWriter"]

log = get_logger(__name__)
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

_KEYS_INTO = """
SELECT n.nspname, obj_description(n.oid, 'pg_namespace'),
    format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I', n.nspname, c.relname, o.conname)
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = o.confrelid
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE o.contype = 'f' AND o.conparentid = 0 AND pn.nspname = %s AND n.oid <> pn.oid"""

# Those that others need come last.
_VIEWS_OVER = """
WITH RECURSIVE used AS (
    SELECT c.oid, 0 AS depth FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s
    UNION SELECT r.ev_class, u.depth + 1 FROM used u JOIN pg_depend d
    ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.oid
    AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite r ON r.oid = d.objid
    WHERE r.ev_class <> u.oid)
SELECT n.nspname, obj_description(n.oid, 'pg_namespace'), format('DROP %%s %%I.%%I',
    CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname)
FROM (SELECT oid, max(depth) AS depth FROM used GROUP BY oid) v
JOIN pg_class c ON c.oid = v.oid AND c.relkind IN ('v', 'm')
JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY v.depth DESC"""


_JOURNALS = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s"""
# The copy has types of its own: values of the source's go there as text.
_OWN_TYPES = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
JOIN pg_class r ON r.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
WHERE r.relnamespace = t.typnamespace AND r.relnamespace::regnamespace::text = quote_ident(%s)
    AND r.relname = %s AND a.attnum > 0"""


class PostgresqlWriter(StagedSchema):
    """Write one schema of a PostgreSQL database; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "PostgreSQL"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (psycopg2.Error,)
    longest: ClassVar[int] = 63
    reserved: ClassVar[re.Pattern[str]] = re.compile("pg_.*|information_schema", re.DOTALL)
    statistics: ClassVar[str] = "ANALYZE {}"
    indexes_beside: ClassVar[bool] = True
    streams: ClassVar[int] = 2  # a stream is a core of the server, and half of one here
    takes_back: ClassVar[bool] = True
    overriding: ClassVar[str] = " OVERRIDING SYSTEM VALUE"

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.staging, self._trash = self.new_name(), self.new_name()
        self._stagings, self._others = [self.staging], dict[str, str]()
        named = (self.source_schema, *self.group, "public")
        self._sources = dict.fromkeys(s for s in named if s)
        # What is locked while the run lives; a rehearsal is in nobody's way.
        self._claim = self.staging if self.if_exists == "rehearse" else self.target
        self._exists = self._keeps_schema = self._empty = False
        self._droppable: Optional[frozenset[str]] = frozenset()
        self._watch: Optional[LockWatch] = None
        self._lock_ms = _LOCK_MS
        with self.named("a connection"):
            self._connection = self._connect()
        with self.opening():
            self._check_target()
            step("target checked")
            self._set_session()
            self._remove_stale()
            if not self.keeps:
                self._create_staging()

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
        ((read_only, may_create, user, database, locked),) = self._ask(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', "
            "has_database_privilege(current_database(), 'CREATE'), current_user, "
            "current_database(), pg_try_advisory_lock(%s, hashtext(%s))",
            (LOCK_CLASS, self._claim),
        )
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
            with self._connection.cursor() as cursor:
                raise busy_error(self.target, f": {holder_of_target(cursor, self.target)}")
        self._check_existing(user)
        self._connection.commit()

    def _check_existing(self, user: str) -> None:
        found = self._ask(_PLACE, (self.target,))
        if not found or self.if_exists == "rehearse":
            return
        ((owned, may_create, self._keeps_schema),) = found
        self._exists = True
        self._admit_now()
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
        carried_from(self._in(self.target), self._noted, [*self.group.values()])

    def _in(self, schema: str) -> Holdings:
        return Holdings(self._ask, schema)

    def _admit_now(self) -> None:
        """Look at all that the target holds; at the start, and in the transaction of the swap."""
        found, made = self._in(self.target).contents(), self._read_note(self.target)
        self.admit(found, made)
        self._empty, self._noted = not found, made
        self._droppable = None if self.if_exists == "replace_foreign" else made or frozenset()

    def _read_note(self, schema: str) -> Optional[frozenset[str]]:
        """Return the keys of what an earlier run made in a schema."""
        found = self._ask(
            "SELECT c.oid, c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT'), "
            "ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            (schema, PROVENANCE_TABLE),
        )
        if not found or not found[0][1] or tuple(found[0][2]) != NOTE_COLUMNS:
            return None
        made = self._note_in(quote(schema))
        # A copy of another schema's note tells of objects that are not here.
        return made if made is not None and f"pg_class:{found[0][0]}" in made else None

    def _remove_stale(self) -> None:
        """Remove what ended runs left, of any target; the lock on it tells that they ended."""
        rows = self._ask(
            "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace "
            "WHERE strpos(nspname, %s) > 0 AND pg_has_role(nspowner, 'USAGE')",
            (STAGING_MARK,),
        )
        marks = [(name, mark) for name, said in rows if (mark := _read_mark(name, said))]
        kept = {schema for (schema,) in self._ask(_JOURNALS, (JOURNAL_TABLE,))}
        marks = [
            (name, mark)
            for name, mark in marks
            # What a run can go on with goes only when its own target is written.
            if name not in kept
            or (mark["synthohive_staging_of"] == self._claim and not self._goes_on(name, mark))
        ]
        targets = sorted({mark["synthohive_staging_of"] for _, mark in marks})
        # Nobody else can begin to write to these until this run lets them go.
        lock = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
        ended = [target for target in targets if self._scalar(lock, (LOCK_CLASS, target))]
        self._remove_each(
            [
                (self, name, mark["holds"])
                for name, mark in marks
                if mark["synthohive_staging_of"] in ended
            ]
        )
        for target in ended:
            self._ask("SELECT pg_advisory_unlock(%s, hashtext(%s))", (LOCK_CLASS, target))
        self._connection.commit()

    def _goes_on(self, schema: str, mark: Mapping[str, str]) -> bool:
        """Whether this run goes on where the one that left a schema was."""
        if (
            self.journal is None
            or self.keeps
            or mark != {"synthohive_staging_of": self._claim, "holds": "staging"}
        ):
            return False
        fresh, self.staging = self.staging, schema
        self._set_session()
        found = self.go_on_in(schema)
        self._connection.commit()
        if not found:
            self.staging = fresh
            self._set_session()
        self._stagings = [self.staging]
        return found

    @staticmethod
    def _remove_each(places: Sequence[tuple[PostgresqlWriter, str, str]]) -> None:
        """Drop staging or replaced schemas, with what they hold; what others need comes last."""
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
            patience = f"{_PATIENCE_MS}ms"
            self._ask("SELECT set_config('lock_timeout', %s, true)", (patience,))
            made = (self._read_note(schema) or frozenset()) if holds == "ours" else None
            self._cut_keys(schema)
            self._cut_views(schema)
            self._in(schema).drop(made)
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

    def _set_session(self) -> None:
        """Let names be those of the staging schema, and values be read in one form."""
        self._ask(
            "SELECT set_config('search_path', %s, false), "
            "set_config('client_encoding', 'UTF8', false), "
            "set_config('datestyle', 'ISO, YMD', false), set_config('timezone', 'UTC', false), "
            "set_config('statement_timeout', '0', false), "
            "set_config('idle_in_transaction_session_timeout', '0', false)",
            (self._path(self._others),),
        )
        self._connection.commit()

    def _create_staging(self) -> None:
        try:
            self._ask(f"CREATE SCHEMA {quote(self.staging)}")
        except psycopg2.Error as exc:
            raise NoPlaceError(
                f"PostgreSQL refused to create the staging schema {self.staging!r}: "
                f"{self._reason(exc)}.",
                hint="Let the user create schemas, or write to another database with url=….",
            ) from exc
        self._ask(f"COMMENT ON SCHEMA {quote(self.staging)} IS {self._mark('staging')}")
        if self._exists:
            copy_default_rights(self._ask, self.target, self.staging)
        step("staging created")
        for statement in self.ddl.setup:
            self.run(statement)
        self.begin_journal()
        self._connection.commit()
        step("staging committed")

    def _path(self, others: Mapping[str, str]) -> str:
        # Each source behind its staging schema: what the copy lacks is found there, and refused,
        # rather than its namesake in another schema of the copy.
        own = [self.staging, *filter(None, [self.source_schema])]
        pairs = [place for source, staging in others.items() for place in (staging, source)]
        return ", ".join(quote(s) for s in dict.fromkeys([*own, *pairs, *self._sources]))

    def see(self, others: Mapping[str, str]) -> None:
        """Find the types of the staging schemas that are written together with this one."""
        self._stagings, self._others = [self.staging, *others.values()], dict(others)
        self._ask("SELECT set_config('search_path', %s, false)", (self._path(others),))
        self._connection.commit()

    def make(self, thing: SchemaObject) -> str:
        """See the base class; nothing is run before it is proved."""
        self._ask("SAVEPOINT thing")
        try:
            for sql in (*thing.before, thing.create, *thing.parts):
                self._ask(sql)
            reason = outside_reason(self._in(self.staging).outside(thing, self._stagings))
            for sql in () if reason else filter(None, (*thing.then, thing.comment)):
                self._ask(sql)
        except psycopg2.OperationalError:  # a lock, or the connection
            raise
        except psycopg2.DatabaseError as exc:
            reason = self._reason(exc)
        except ConnectorError as exc:
            reason = exc.message
        self._ask(f"{'ROLLBACK TO' if reason else 'RELEASE'} SAVEPOINT thing")
        return reason

    def settle(self) -> None:
        """See the base class."""
        self._connection.commit()

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.missing_grant(reason, quote(self.target))

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

    def _cause(self, exc: BaseException, reason: str) -> Optional[BaseException]:
        diag = getattr(exc, "diag", None)  # below the message stand values
        more = diag is not None and (diag.message_detail or diag.context)
        return None if more else super()._cause(exc, reason)

    def _made(self) -> list[str]:
        place = self._in(self.staging)
        found = place.contents()
        ours = {f.key for f in found if f.shown == f"table {JOURNAL_TABLE}"}
        made = [f.key for f in found if not ours & {f.key, f.part_of}]
        return made + keys(place.comments())

    def _as_made(self, table: str, columns: Sequence[Column]) -> list[Column]:
        """Return columns as what the table has: arrays and composites may be JSON in it."""
        nested = dict(self._ask(_NESTED, (self.staging, table)))

        def as_made(column: Column) -> Column:
            if column.kind not in (ColumnKind.ARRAY, ColumnKind.COMPOSITE):
                return column
            if column.name not in nested:
                return column.model_copy(update={"kind": ColumnKind.JSON})
            records = nested[column.name]
            return column.model_copy(update={"sql_type": RECORDS}) if records else column

        return [as_made(column) for column in columns]

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        """Make and fill the table in one transaction, so that its rows are born frozen."""
        fresh = self.make_table(table)
        step("table created")
        columns = list(self.metadata.table(table).stored.values())
        stream = CsvStream(self._as_made(table, columns), batches, self.respelling)
        with self._connection.cursor() as cursor:
            if columns:
                names = ", ".join(quote(column.name) for column in columns)
                frozen = fresh and len(self.ddl.tables[table]) == 1
                options = "FORMAT csv, FREEZE" if frozen else "FORMAT csv"
                sql = f"COPY {quote(table)} ({names}) FROM STDIN WITH ({options})"
                cursor.copy_expert(sql, stream, _READ_BYTES)
                if cursor.rowcount != stream.rows:
                    raise ConnectorError(
                        f"PostgreSQL kept {cursor.rowcount} of {stream.rows} rows of {table!r}."
                    )
        return stream.rows

    def take_back(self, table: str) -> None:
        """See the base class; the table was made in the same transaction."""
        self._connection.rollback()

    def stream(self) -> PostgresqlWriter:
        """See the base class; the lock on the target stays with the first connection."""
        other = copy(self)
        with self.named("a connection"):
            other._connection = self._connect()
            other._set_session()
        other.journal = None if self.journal is None else self.journal.over(other)
        return other

    def _taken(self, table: str) -> list[str]:
        own = dict(self._ask(_OWN_TYPES, (self.staging, table)))
        names = self.metadata.table(table).stored
        return [
            f"CAST(CAST(t0.{quote(name)} AS text) AS {own[name]})"
            if name in own
            else f"t0.{quote(name)}"
            for name in names
        ]

    @staticmethod
    def swap_all(writers: Sequence[PostgresqlWriter]) -> None:
        """Put several staging schemas in place, in one transaction."""
        first = writers[0]
        with first._watched():
            places = [name for writer in writers for name in (writer.target, writer._trash)]
            with first._in_one_transaction(writers):
                for writer in writers:
                    writer._exchange(places)
                step("schemas renamed")
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

    @staticmethod
    @contextmanager
    def _in_one_transaction(writers: Sequence[PostgresqlWriter]) -> Iterator[None]:
        """Have all use the first one's connection; the others keep their locks meanwhile."""
        own = [writer._connection for writer in writers]
        try:
            for writer in writers:
                writer._connection = own[0]
            yield
            own[0].commit()
        finally:
            for writer, connection in zip(writers, own):
                writer._connection = connection

    def _exchange(self, group: Sequence[str]) -> None:
        """Put the staging schema in place, in the open transaction.

        `group` has the schemas that are replaced together, under their old and new names.
        """
        if self.journal is not None:
            self._ask(f"DROP TABLE {quote(self.staging)}.{quote(JOURNAL_TABLE)}")
        if bool(self._ask(_PLACE, (self.target,))) != self._exists:
            raise ConnectorError(
                f"The schema {self.target!r} was made or dropped during the run.",
                hint="Nothing was changed. Run again.",
            )
        if self._exists:
            self._admit_now()
            carried = carried_from(self._in(self.target), self._noted, group)
            self._put_aside()
            self._put_in_place()
            carried.apply(self._in(self.target))
        else:
            self._put_in_place()
            self._ask(f"COMMENT ON SCHEMA {quote(self.target)} IS NULL")

    def _put_aside(self) -> None:
        """Take the old schema's name; readers that are in its tables stay there."""
        if self._empty and not self._keeps_schema:
            self._ask(f"DROP SCHEMA {quote(self.target)} RESTRICT")
            return
        if self._keeps_schema:  # public, or one with extensions
            self._ask(f"CREATE SCHEMA {quote(self._trash)}")
            self._in(self.target).move_to(self._trash)
        else:
            self._ask(f"ALTER SCHEMA {quote(self.target)} RENAME TO {quote(self._trash)}")
        holds = "all" if self._droppable is None else "ours"
        self._ask(f"COMMENT ON SCHEMA {quote(self._trash)} IS {self._mark(holds)}")

    def _put_in_place(self) -> None:
        if self._keeps_schema:
            self._in(self.staging).move_to(self.target)
            self._ask(f"DROP SCHEMA {quote(self.staging)} RESTRICT")
        else:
            self._ask(f"ALTER SCHEMA {quote(self.staging)} RENAME TO {quote(self.target)}")

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

    def leave(self) -> None:
        """See the base class."""
        self._connection.close()

    def _has_staging(self) -> bool:
        if self._connection.closed:
            self._connection = self._connect()
        self._connection.rollback()
        there = "SELECT count(*) FROM pg_namespace WHERE nspname = %s"
        found = bool(self._scalar(there, (self.staging,)))
        self._connection.rollback()
        return found

    def _cut_keys(self, schema: str) -> None:
        """Drop the keys of other staging or replaced schemas, written together with this one."""
        for name, comment, command in self._ask(_KEYS_INTO, (schema,)):
            if _read_mark(name, comment) is not None:
                self._ask(command)

    def _cut_views(self, schema: str) -> None:
        """Drop the views between this and other such schemas, which may need one another."""
        rows = self._ask(_VIEWS_OVER, (schema,))
        found = [row for row in rows if _read_mark(row[0], row[1]) is not None]
        if any(name != schema for name, _, _ in found):
            for _, _, command in found:
                self._ask(command)


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
