"""Staging in warehouses, which have schemas and SQL, and neither locks nor checks of keys.

A run puts a mark beside its staging schema: whose it is, and when it began. What a killed run left
is known by it, and removed by the next run that has the lock (:mod:`~synthohive.io.lease`).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from synthohive._logging import get_logger
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject, fit_identifier
from synthohive.io.base import NoPlaceError
from synthohive.io.lease import Lease, is_left, lock_name, staging_text
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import STAGING_NAME, Found, Order
from synthohive.io.steps import step

if TYPE_CHECKING:
    from synthohive.schema import Column

__all__ = ["MarkedSchema", "SchemaLease"]

log = get_logger(__name__)
_NOW = "SELECT CURRENT_TIMESTAMP"


class MarkedSchema(StagedSchema):
    """One staging schema of a warehouse; see the module."""

    counter: ClassVar[Optional[re.Pattern[str]]] = None  # how a counter of the DDL begins: at 1
    counter_from: ClassVar[str] = ""  # the same, beginning at {}; for engines that move none later
    may_create: ClassVar[str]  # the GRANT without which there is no staging schema

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.staging = self.new_name()
        self._exists = False
        with self.named("a connection"):
            self._connection = self._connect()
        in_bytes = self.spelling.names_in_bytes
        lock = lock_name(self.target, self.longest, in_bytes=in_bytes)
        self._lock = SchemaLease(self, lock)
        with self.opening():
            if self.if_exists != "rehearse":
                with self._creating(self._lock.place):
                    self._lock.take(self.staging)
            self._check_target()
            step("target checked")
            self._remove_stale()
            self._create_staging()

    @abstractmethod
    def _connect(self) -> Any:
        """Return a connection outside the pool that commits each statement by itself."""

    @abstractmethod
    def _schemas(self) -> Mapping[str, Optional[str]]:
        """Return the schemas of the database, each with the mark beside it."""

    @abstractmethod
    def _contents(self, schema: str) -> list[Found]:
        """Return all that a schema holds; what the run keeps there for itself apart."""

    @abstractmethod
    def _make_schema(self, mark: str) -> None:
        """Make the staging schema, put the mark beside it, and have statements run in it."""

    @abstractmethod
    def _make_marked(self, schema: str, mark: str) -> None:
        """Make a schema, in one step, with a mark beside it: the lock, or the staging schema."""

    @abstractmethod
    def _mark_again(self, connection: Any, schema: str, mark: str) -> None:
        """Change the mark beside a schema, on a connection of :meth:`_connect`."""

    def _check_target(self) -> None:
        """Look at what the target holds, and refuse it if something would be lost."""
        if self.if_exists == "rehearse":
            return
        self._exists = self.target in self._schemas()
        if self._exists:
            found = self._contents(self.target)
            noted = f"table {PROVENANCE_TABLE}" in {thing.key for thing in found}
            self._noted = self._note_in(self.quote(self.target)) if noted else None
            self.admit(found, self._noted)

    def _made(self) -> list[str]:
        return [thing.key for thing in self._contents(self.staging)]

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        version, model, seed, *rest = values  # no number has room for all seeds
        super()._insert_note((version, model, None if seed is None else str(seed), *rest))

    def _remove_stale(self) -> None:
        """Remove what runs left of the same target that cannot live any more."""
        locked, now = self.if_exists != "rehearse", datetime.now(timezone.utc)
        for name, mark in self._schemas().items():
            if STAGING_NAME.search(name) and is_left(mark, self.target, now, locked=locked):
                self._drop(name)
                log.info("stale_staging_removed", schema=name)

    @contextmanager
    def _creating(self, schema: str) -> Iterator[None]:
        try:
            yield
        except self.errors as exc:
            reason = self._reason(exc)
            raise NoPlaceError(
                f"{self.engine_name} refused to create the staging schema {schema!r}: {reason}.",
                hint=self._remedy(reason)
                or f"{self.may_create}, or name another database with url=….",
            ) from exc

    def _create_staging(self) -> None:
        with self._creating(self.staging):
            self._make_schema(staging_text(self.target, rehearsal=self.if_exists == "rehearse"))
        step("staging created")
        for statement in self.ddl.setup:
            self.run(statement)

    def index(self) -> None:
        """See the base class; counters begin after the rows, for they cannot be moved later."""
        for name, table in self.metadata.tables.items() if self.counter else ():
            counted = [c for c in table.stored.values() if c.identity is not None]
            sql = " ".join(statement.sql for statement in self.ddl.tables[name])
            if counted and self.counter is not None and self.counter.search(sql):
                with self.named(f"the counter of table {name!r}"):
                    self._count_on(name, counted[0], self.counter)
        super().index()

    def _count_on(self, table: str, column: Column, counter: re.Pattern[str]) -> None:
        """Make a table again whose counter begins after the rows, and move these, on the server."""
        assert column.identity is not None
        step_ = column.identity.increment
        end = "MAX" if step_ > 0 else "MIN"
        last = self._scalar(f"SELECT {end}({self.quote(column.name)}) FROM {self.quote(table)}")
        if last is None:
            return
        in_bytes = self.spelling.names_in_bytes
        loaded = self.quote(fit_identifier(f"{table}__loaded", self.longest, in_bytes=in_bytes))
        self._execute(f"ALTER TABLE {self.quote(table)} RENAME TO {loaded}")
        start = self.counter_from.format(int(last) + step_)
        for statement in self.ddl.tables[table]:
            self._execute(counter.sub(start, statement.sql, count=1))
        names = ", ".join(self.quote(name) for name in self.metadata.table(table).stored)
        self._execute(f"INSERT INTO {self.quote(table)} ({names}) SELECT {names} FROM {loaded}")
        self._execute(f"DROP TABLE {loaded}")

    def make(self, thing: SchemaObject) -> str:
        """See the base class; what a view uses was looked at before."""
        try:
            self._execute(thing.create)
            if thing.comment:
                self._execute(thing.comment)
        except self.errors as exc:
            return self._reason(exc)
        return ""

    @classmethod
    def swap_all(cls, writers: Sequence[Any]) -> None:
        """Publish the schema; see the base class. There is one at a time."""
        writers[0]._lock.confirm()
        writers[0]._check_target()
        writers[0].publish()
        writers[0].close()

    @abstractmethod
    def publish(self) -> None:
        """Put the staging schema where the target is, which was looked at a moment ago."""

    def _drop(self, schema: str) -> None:
        """Drop what is no longer needed; what was to be said or done has been, if it fails."""
        try:
            self._execute(f"DROP SCHEMA IF EXISTS {self.quote(schema)} CASCADE")
        except self.errors as exc:
            log.warning("staging_remains", schema=schema, reason=self._reason(exc))

    @classmethod
    def discard_all(cls, writers: Sequence[Any]) -> None:
        """Remove staging schemas and connections."""
        for writer in writers:
            writer._drop(writer.staging)
            writer.close()

    def close(self) -> None:
        """Let go of the lock, close the connection, and remove what lies on this machine."""
        self._lock.release()
        self._connection.close()


class SchemaLease(Lease):
    """A schema with a mark; see the base class."""

    def __init__(self, writer: MarkedSchema, place: str) -> None:
        super().__init__(writer.target, place, writer.errors)
        self._writer = writer

    def create(self, text: str) -> bool:
        """See the base class."""
        try:
            self._writer._make_marked(self.place, text)
        except self.errors:
            if self.place in self._writer._schemas():
                return False
            raise
        return True

    def read(self) -> Optional[str]:
        """See the base class."""
        found = self._writer._schemas()
        return (found[self.place] or "") if self.place in found else None

    def renew(self, text: Callable[[datetime], str]) -> None:
        """See the base class; on a connection of its own, as this comes from another thread."""
        with closing(self._writer._connect()) as connection:
            with closing(connection.cursor()) as cursor:
                cursor.execute(_NOW)
                said = text(_zoned(cursor.fetchone()[0]))
            self._writer._mark_again(connection, self.place, said)

    def remove(self) -> None:
        """See the base class."""
        place = self._writer.quote(self.place)
        self._writer._execute(f"DROP SCHEMA IF EXISTS {place} CASCADE")

    def remove_staging(self, name: str) -> None:
        """See the base class."""
        if STAGING_NAME.search(name):
            self._writer._drop(name)

    def now(self) -> datetime:
        """See the base class."""
        return _zoned(self._writer._scalar(_NOW))


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
