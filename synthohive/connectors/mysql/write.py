"""MySQL and MariaDB: LOAD DATA LOCAL into a staging database, swapped in by RENAME TABLE."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pymysql
from sqlalchemy.exc import SQLAlchemyError

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.engines import own_connection
from synthohive.connectors.mysql import CAPABILITIES
from synthohive.connectors.mysql.objects import Holdings, holders, moved
from synthohive.connectors.mysql.rows import RowLoader, hide_values, regroup
from synthohive.connectors.mysql.spelling import SPELLING, quote
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.comments import changes, keys
from synthohive.io.journal import JOURNAL_TABLE
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import (
    Found,
    Order,
    broken_error,
    busy_error,
    outside_reason,
    staging_name,
)
from synthohive.io.steps import step

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine


__all__ = ["WRITER", "MysqlWriter"]

log = get_logger(__name__)
_MARK_TABLE = "_synthohive_staging"
_BEGUN = "begun "
_LOST = {0, 2006, 2013, 2014, 2055}
_LOCKED = 1205
_REFERRED_TO = 3730  # MySQL drops nothing then; MariaDB some tables (1451)
_LOCK_SECONDS = 3
_PATIENCE_SECONDS = 1  # for what a later run can do as well
_TRIES = 8
_PAUSE_SECONDS = 1.0
_Moves = list[tuple[str, str]]
_STAYS = ("view", "function", "procedure", "package", "event")


class MysqlWriter(StagedSchema):
    """Write one database of a MySQL or MariaDB server; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "MySQL"
    spelling: ClassVar[Spelling] = SPELLING
    texts: ClassVar[tuple[str, str]] = ("TEXT", "LONGTEXT")
    errors: ClassVar[tuple[type[BaseException], ...]] = (pymysql.err.Error, OSError)
    kind: ClassVar[str] = "database"
    longest: ClassVar[int] = 64
    reserved: ClassVar[re.Pattern[str]] = re.compile(
        "(?i:mysql|information_schema|performance_schema|sys)"
    )
    statistics: ClassVar[str] = "ANALYZE TABLE {}"
    indexes_beside: ClassVar[bool] = True

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.staging, self._trash = self.new_name(), self.new_name()
        self._source = order.source_schema or self.engine.url.database
        self._stagings = {str(self._source): self.staging}
        self._local = True
        self._old: list[str] = []
        self._beside: list[Found] = []
        self._folder: Optional[Workspace] = None
        with self.named("a connection"):
            self._connection = self._connect()
        with self.opening():
            self._prepare()
            self._check_server()
            self._check_target()
            self._remove_stale()
            if not self.keeps:
                self._create_staging()

    def _source_place(self, table: str) -> str:
        return f"{quote(str(self._source))}.{quote(table)}"

    @staticmethod
    def default_schema(engine: Engine) -> Optional[str]:
        """See the base class."""
        return engine.url.database or None

    def _connect(self) -> Any:
        """Return a connection outside the pool, with LOCAL asked for in the handshake."""
        connection = own_connection(self.engine, lambda given: given.update(local_infile=True))
        connection.rollback()
        connection.autocommit(True)
        return connection

    def _check_server(self) -> None:
        if self._scalar("SELECT @@read_only OR @@innodb_read_only") and not (
            self._may_write_read_only()
        ):
            raise NoPlaceError(
                "The server is read-only.", hint="Write to another server with url=…."
            )
        for name in (self.staging, self._trash):  # by which others know that this run lives
            self._scalar("SELECT GET_LOCK(%s, 0)", (name,))
        if self.if_exists == "rehearse":  # which is in nobody's way
            return
        lock = self._lock_name()  # what a killed run was doing there may take a moment to end
        if not self._scalar("SELECT GET_LOCK(%s, %s)", (lock, _LOCK_SECONDS)):
            number = self._scalar("SELECT IS_USED_LOCK(%s)", (lock,))
            raise busy_error(self.target, f" (connection {number})")

    def _in(self, database: str) -> Holdings:
        return Holdings(self._ask, database)

    def _check_target(self) -> None:
        """Look at what the target holds, and refuse it if something would be lost."""
        if self.if_exists == "rehearse":
            return
        place = self._in(self.target)
        self._old = [name for name, kind in place.tables().items() if kind != "view"]
        there = PROVENANCE_TABLE in self._old
        found, made = place.contents(), self._note_in(quote(self.target)) if there else None
        self._noted = made
        # Views, routines and events name tables; they stay, and find the new ones.
        self._beside = [f for f in found if f.kind in _STAYS]
        self.theirs = {f.shown for f in self._beside if f.key not in (made or ())}
        stays = self._beside if made is not None else []
        self.admit([thing for thing in found if thing not in stays], made)
        in_the_way = [
            f.shown
            for f in found
            if f.kind == "trigger" or (f.kind == "view" and f.name in self._new)
        ]
        if in_the_way:
            raise ConnectorError(
                f"The target {self.target!r} cannot be replaced: MySQL does not move tables with "
                f"triggers, nor over views: {', '.join(in_the_way[:10])}.",
                hint="Nothing was changed. Drop them first, or name another schema.",
            )
        if users := place.referring(self.group.values()):
            raise self._referring_error(users)

    @property
    def _new(self) -> list[str]:
        return [*self.metadata.tables, PROVENANCE_TABLE]

    def _referring_error(self, users: Sequence[str]) -> ConnectorError:
        return ConnectorError(
            f"Foreign keys of {', '.join(users[:10])} refer to tables in {self.target!r}, "
            "and would be left without them.",
            hint="Nothing was changed. Drop those keys first, or write to another database.",
        )

    def _made(self) -> list[str]:
        place = self._in(self.staging)
        found = place.contents(self.target)
        own = (_MARK_TABLE, JOURNAL_TABLE)  # which are not moved
        marks = {thing.key for thing in found if thing.kind == "table" and thing.name in own}
        said = {p: t for p, t in place.comments().items() if p[1] not in own}
        return [t.key for t in found if not marks & {t.key, t.part_of}] + keys(said)

    def _may_write_read_only(self) -> bool:
        if self._scalar("SELECT @@innodb_read_only"):
            return False
        grants = " ".join(str(row[0]) for row in self._ask("SHOW GRANTS"))
        return any(g in grants for g in ("SUPER", "CONNECTION_ADMIN", "READ_ONLY ADMIN"))

    def _lock_name(self) -> str:
        return staging_name(self.target, 60, in_bytes=False).rpartition("_")[0]

    def _prepare(self) -> None:
        """Set the session so that text means the same everywhere, and nothing is repaired."""
        for setting in (
            "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'",
            "time_zone = '+00:00'",
            "wait_timeout = 28800",
            f"lock_wait_timeout = {_LOCK_SECONDS}",  # the default is a year
            # Keys are counted by SQL first; checked again by ALTER TABLE they would cost a
            # copy of the table (measured: 25 s against 0.1 s for 400,000 rows).
            "foreign_key_checks = 0",
            # So that INSERT … SELECT locks no row of the source.
            "TRANSACTION ISOLATION LEVEL READ COMMITTED",
        ):
            self._execute(f"SET SESSION {setting}")
        self._execute("SET NAMES utf8mb4")
        for name, _ in self._ask(
            "SHOW VARIABLES WHERE Variable_name IN ('max_execution_time', 'max_statement_time')"
        ):
            self._execute(f"SET SESSION {name} = 0")
        self._local = bool(self._scalar("SELECT @@local_infile"))
        if not self._local:
            log.warning("load_data_local_off", target=self.target, instead="INSERT")

    def _remove_stale(self) -> None:
        """Remove what crashed runs left of the same target; the locks tell that they ended."""
        head = self.staging[:-8]
        names = self._ask(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE LEFT(SCHEMA_NAME, %s) = %s "
            "AND CHAR_LENGTH(SCHEMA_NAME) = %s",
            (len(head), head, len(self.staging)),
        )
        for (name,) in names:
            if not re.fullmatch("[0-9a-f]{8}", name[-8:]):
                continue
            if not self._scalar("SELECT GET_LOCK(%s, %s)", (name, _PATIENCE_SECONDS)):
                continue
            if self._goes_on(name):
                continue  # with the lock
            rehearsed = self.if_exists == "rehearse"  # leaves alone what a run can go on with
            if self._is_left(name) and not (rehearsed and self._is_journalled(name)):
                self._drop_stale(name)
            self._scalar("SELECT RELEASE_LOCK(%s)", (name,))

    def _goes_on(self, database: str) -> bool:
        """Whether this run goes on where the one that left a database was."""
        if self.journal is None or self.keeps or not self._is_journalled(database):
            return False
        fresh, self.staging = self.staging, database
        self._execute(f"USE {quote(database)}")
        if not self.go_on_in(database):
            self.staging = fresh
            return False
        self._stagings = {str(self._source): self.staging}
        for act, detail in list(self.journal.done.items()):
            before, _, table = detail.partition(" ")
            if act.startswith(_BEGUN) and self._sum(table) != before:
                self.note_done(act[len(_BEGUN) :])
        return True

    def once(self, act: str, do: Callable[[], None], table: str = "") -> None:
        """See the base class; a statement is a transaction of its own, so its table tells."""
        begun = _BEGUN + act
        if table and self.journal is not None and not self.did(act) and not self.did(begun):
            self.note_done(begun, f"{self._sum(table)} {table}")
        super().once(act, do, table)

    def _sum(self, table: str) -> str:
        """Return a sum of how a table is made."""
        ((_, sql),) = self._ask(f"SHOW CREATE TABLE {quote(table)}")
        return hashlib.sha256(str(sql).encode()).hexdigest()

    def note(self) -> None:
        """See the base class; a run may have been interrupted between the table and its row."""
        if self.journal is not None:
            self._execute(f"DROP TABLE IF EXISTS {quote(PROVENANCE_TABLE)}")
        super().note()

    def _drop_stale(self, database: str) -> None:
        if users := self._in(database).referring():
            log.warning("staging_remains", schema=database, reason=f"keys of {users[:3]}")
        else:
            self._execute(f"DROP DATABASE {quote(database)}")
            log.info("stale_staging_removed", schema=database)

    def _is_left(self, database: str) -> bool:
        """Whether a database of such a name is marked, or empty: its run ended before the mark."""
        return self._is_marked(database) or not self._in(database).contents()

    def _is_journalled(self, database: str) -> bool:
        return self._is_marked(database) and JOURNAL_TABLE in self._in(database).tables()

    def _is_marked(self, database: str) -> bool:
        note = self._ask(
            "SELECT TABLE_COMMENT FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            (database, _MARK_TABLE),
        )
        return bool(note) and note[0][0] == self._mark()

    def _mark(self) -> str:
        return f"staging of {self.target}"

    @cached_property
    def _defaults(self) -> str:
        charset = self._ask(
            "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME "
            "FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s",
            (self._source,),
        )
        return (
            f" CHARACTER SET {charset[0][0]} COLLATE {charset[0][1]}"
            if charset
            else " CHARACTER SET utf8mb4"
        )

    def _create_staging(self) -> None:
        try:
            self._make_marked(self.staging)
        except pymysql.err.OperationalError as exc:
            raise NoPlaceError(
                f"MySQL refused to create the staging database {self.staging!r}: "
                f"{self._reason(exc)}.",
                hint=self._remedy(self._reason(exc))
                or f"Grant the user all rights on `{self._pattern}%`.*, or make it writable.",
            ) from exc
        self._execute(f"USE {quote(self.staging)}")
        for statement in self.ddl.setup:
            self.run(statement)
        self.begin_journal()

    def _make_marked(self, database: str) -> None:
        self._execute(f"CREATE DATABASE {quote(database)}{self._defaults}")
        step("database created")
        self._execute(
            f"CREATE TABLE {quote(database)}.{quote(_MARK_TABLE)} (x INT) "
            f"COMMENT = {self._connection.escape(self._mark())}"
        )

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        if len(exc.args) < 2 or exc.args[0] in _LOST:
            return "the connection was lost"
        if exc.args[0] == _LOCKED:
            places = (self.target, self.staging, self._trash)
            return f"a lock was not to be had, {holders(self._ask, places)}"
        return hide_values(str(exc.args[1])).rstrip(".")

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.missing_grant(reason, f"`{self._pattern}%`", "CREATE")

    @property
    def _pattern(self) -> str:
        """The target's name as a GRANT has it, where an underscore stands for any character."""
        return self.target.replace("_", "\\_")

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        self.make_table(table)
        if self._local and self._folder is None:
            self._folder = Workspace()
        folder = self._folder.path if self._folder is not None else None
        columns = list(self.metadata.table(table).stored.values())
        loader = RowLoader(
            self._connection, self.staging, table, columns, self.respelling, folder=folder
        )
        return loader.load(regroup(batches))

    def see(self, others: Mapping[str, str]) -> None:
        """Hear of the databases to which the names in views have to go."""
        self._stagings.update(others)

    def make(self, thing: SchemaObject) -> str:
        """See the base class; the server writes out all names of a view."""
        if reason := self._put(thing, self._stagings):
            return reason
        reason = outside_reason(self._in(self.staging).outside(thing.name, self._stagings))
        if reason:
            self._execute(f"DROP VIEW {quote(self.staging)}.{quote(thing.name)}")
        return reason

    def _put(self, thing: SchemaObject, places: Mapping[str, str]) -> str:
        """Make a view in a database, its names moved to other databases."""
        sql = moved(thing.create, places)
        try:
            self._execute(f"CREATE OR REPLACE {sql}")
        except pymysql.err.DatabaseError as exc:
            if not self._connection.open or exc.args[0] in (*_LOST, _LOCKED):
                raise
            return self._reason(exc)
        return ""

    @property
    def _our_views(self) -> list[str]:
        """The views of the target that an earlier run made."""
        return [f.name for f in self._beside if f.kind == "view" and f.shown not in self.theirs]

    @classmethod
    def _put_views(cls, writers: Sequence[MysqlWriter]) -> None:
        """Make the views over the tables that are in place: views are not moved with tables."""
        made = [(w, thing) for w in writers for thing, why in w.outcome.items() if not why]
        for writer in writers:
            names = {thing.name for each, thing in made if each is writer}
            for view in writer._our_views:
                if view not in names:
                    writer._execute(f"DROP VIEW {quote(writer.target)}.{quote(view)}")

        def put(writer: MysqlWriter, thing: SchemaObject) -> str:
            return writer._put(thing, writer.group or {str(writer._source): writer.target})

        cls.in_rounds(made, put)
        for writer, thing in made:
            if reason := writer.outcome[thing]:
                log.warning("view_not_made", view=thing.name, reason=reason)

    @staticmethod
    def swap_all(writers: Sequence[MysqlWriter]) -> None:
        """Move all tables in one statement, the old ones into databases that are dropped."""
        first, made = writers[0], []
        for writer in writers:
            if not writer._exists(writer.target):
                writer._execute(f"CREATE DATABASE {quote(writer.target)}{writer._defaults}")
                made.append(writer)
                step("target created")
        try:
            moves = first._patiently(
                lambda: first._rename([move for writer in writers for move in writer._moves()])
            )
        except BaseException:
            for writer in made:
                if writer._connection.open and writer._is_left(writer.target):
                    writer._execute(f"DROP DATABASE {quote(writer.target)}")
            raise
        step("tables renamed")
        for writer in writers:
            writer._clear(moves)
        try:
            MysqlWriter._put_views(writers)
        except pymysql.err.Error as exc:  # the new tables are in place
            log.warning("views_not_made", schema=first.target, reason=first._reason(exc))
        for writer in writers:
            writer._drop([writer.staging])
            writer._close()

    def _clear(self, moves: _Moves) -> None:
        """Drop what was replaced, and the staging database."""
        try:
            if self._old:
                self._drop_old(moves)
            if self.if_exists == "replace_foreign":
                self._drop_beside()
        except pymysql.err.Error as exc:  # the new tables are in place; the next run cleans up
            log.warning("staging_remains", schema=self.staging, reason=self._reason(exc))

    def _close(self) -> None:
        self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _exists(self, database: str) -> bool:
        sql = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
        return bool(self._scalar(sql, (database,)))

    def _patiently(self, move: Callable[[], _Moves]) -> _Moves:
        """Try again where tables are in use.

        Who waits for this lock keeps all later readers waiting, too: so the waits are short,
        and between them the others go on.
        """
        for left in reversed(range(_TRIES)):
            try:
                return move()
            except pymysql.err.OperationalError as exc:
                if exc.args[0] != _LOCKED or not left:
                    raise
                log.info("waiting_for_a_lock", target=self.target, lock=self._reason(exc))
                time.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")  # the last try raises

    def _moves(self) -> _Moves:
        """Look at the target again, and return from where to where its tables go."""
        self._check_target()
        if self._old and self.if_exists != "replace_foreign":
            self._check_views()
        if self._noted is not None:
            self._carry_comments(self._noted)
        if self._old and not self._exists(self._trash):
            self._make_marked(self._trash)
            step("trash created")
        here, there, trash = quote(self.staging), quote(self.target), quote(self._trash)
        moves = [(f"{there}.{quote(t)}", f"{trash}.{quote(t)}") for t in self._old]
        return moves + [(f"{here}.{quote(t)}", f"{there}.{quote(t)}") for t in self._new]

    def _carry_comments(self, made: frozenset[str]) -> None:
        """Write about the new tables what others wrote about the old ones."""
        old, new = self._in(self.target).comments(), self._in(self.staging)
        for place, text in changes(old, new.comments(), made).items():
            if sql := new.comment_sql(place, text):
                self._execute(sql)

    def _rename(self, moves: _Moves) -> _Moves:
        try:
            self._execute(f"RENAME TABLE {', '.join(f'{old} TO {new}' for old, new in moves)}")
        except pymysql.err.Error as exc:
            if exc.args and exc.args[0] not in _LOST:
                raise
            if not self._was_renamed(moves):
                raise
        return moves

    def _was_renamed(self, moves: _Moves) -> bool:
        """Look up what a lost connection did not answer."""
        try:
            self._connection = self._connect()
            self._prepare()
        except (pymysql.err.Error, SQLAlchemyError, OSError) as exc:
            raise ConnectorError(
                f"The connection was lost while {self.target!r} was being replaced.",
                hint="It holds the old tables whole or the new ones complete: see its note "
                f"{PROVENANCE_TABLE!r}.",
            ) from exc
        sql = "SELECT COUNT(*) FROM information_schema.TABLES WHERE CONCAT('`', "
        sql += "REPLACE(TABLE_SCHEMA, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), '`') = %s"
        return not self._scalar(sql, (moves[-1][0],))

    def _check_views(self) -> None:
        place = self._in(self.target)
        old, new = place.columns(), self._in(self.staging).columns()
        old = {table: names for table, names in old.items() if table in self._old}
        ours = {f"view {self.target}.{view}" for view in self._our_views}
        if views := [view for view in place.broken_views(old, new) if view not in ours]:
            raise broken_error(self.target, views)

    def _drop_old(self, moves: _Moves) -> None:
        """Drop what was replaced, or put it back if a key came to refer to it meanwhile."""
        users = self._in(self._trash).referring()
        if not users:
            self._in(self._trash).cut_keys()
            self._execute("SET SESSION foreign_key_checks = 1")  # the server sees keys we may not
            try:
                self._execute(f"DROP DATABASE {quote(self._trash)}")
            except pymysql.err.Error as exc:
                if exc.args[0] != _REFERRED_TO:
                    log.warning("staging_remains", schema=self._trash, reason=self._reason(exc))
                    return
                users = ["a database that this user may not see"]
            else:
                step("trash dropped")
                return
        back = [(new, old) for old, new in reversed(moves)]
        try:
            self._patiently(lambda: self._rename(back))
        except pymysql.err.Error as exc:
            raise ConnectorError(
                f"Foreign keys of {', '.join(users[:10])} refer to the replaced tables of "
                f"{self.target!r}, which are in the database {self._trash!r} now.",
                hint="Drop those keys, or move the tables back; the next run drops the others.",
            ) from exc
        raise self._referring_error(users)

    def _drop_beside(self) -> None:
        for thing in self._beside:
            self._execute(f"DROP {thing.kind.upper()} {quote(self.target)}.{quote(thing.name)}")

    def _drop(self, databases: list[str]) -> None:
        """Drop what is no longer needed; the new tables are in place whether or not it works."""
        for name in databases:
            try:
                if self._exists(name):
                    self._execute(f"DROP DATABASE {quote(name)}")
            except pymysql.err.Error as exc:
                log.warning("staging_remains", schema=name, reason=self._reason(exc))

    @staticmethod
    def discard_all(writers: Sequence[MysqlWriter]) -> None:
        """Remove staging databases."""
        for writer in writers:
            writer._discard()

    def leave(self) -> None:
        """See the base class."""
        if self._connection.open:
            self._close()
        elif self._folder is not None:
            self._folder.cleanup()

    def _discard(self) -> None:
        try:
            if not self._connection.open:
                self._connection = self._connect()
                self._execute("SET SESSION foreign_key_checks = 0")
            self._drop([self.staging])
            if set(self._in(self._trash).tables()) <= {_MARK_TABLE}:
                self._drop([self._trash])
            self._close()
        except (
            pymysql.err.Error,
            OSError,
            SQLAlchemyError,
        ) as exc:  # the abort's own cause is being raised
            log.warning("staging_remains", schema=self.staging, reason=type(exc).__name__)


WRITER = MysqlWriter
