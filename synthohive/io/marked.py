"""Staging in warehouses, which have schemas and SQL, and neither locks nor checks of keys.

A run puts a mark beside its staging schema: whose it is, and when it began. What a killed run left
is known by it, and removed when no statement of that run can live any more.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from synthohive._logging import get_logger
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject, fit_identifier
from synthohive.io.base import NoPlaceError
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import STAGING_MARK, Found, Order
from synthohive.io.steps import step

if TYPE_CHECKING:
    from synthohive.schema import Column

__all__ = ["MarkedSchema", "is_left"]

log = get_logger(__name__)
_STAGING_NAME = re.compile(re.escape(STAGING_MARK) + "[0-9a-f]{8}$", re.IGNORECASE)
_LONGEST_RUN = timedelta(days=2)  # of a statement, after which warehouses end it


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
        with self.opening():
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
        for name, mark in self._schemas().items():
            if is_left(name, mark, self.target, datetime.now(timezone.utc)):
                self._drop(name)
                log.info("stale_staging_removed", schema=name)

    def _create_staging(self) -> None:
        began = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            self._make_schema(json.dumps({"synthohive_staging_of": self.target, "began": began}))
        except self.errors as exc:
            raise NoPlaceError(
                f"{self.engine_name} refused to create the staging schema {self.staging!r}: "
                f"{self._reason(exc)}.",
                hint=f"{self.may_create}, or name another database with url=….",
            ) from exc
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
        """Close the connection, and remove what lies on this machine."""
        self._connection.close()


def is_left(name: str, mark: Optional[str], target: str, now: datetime) -> bool:
    """Whether a schema is what a run left of a target that began too long ago to live.

    Examples
    --------
    >>> mark = '{"synthohive_staging_of": "SHOP", "began": "2024-01-01T00:00:00+00:00"}'
    >>> now = datetime(2024, 1, 4, tzinfo=timezone.utc)
    >>> is_left("SHOP__synthohive_0123abcd", mark, "SHOP", now)
    True
    """
    if not _STAGING_NAME.search(name):
        return False
    try:
        said = json.loads(mark or "")
        began = datetime.fromisoformat(said["began"])
        return bool(said["synthohive_staging_of"] == target and now - began > _LONGEST_RUN)
    except (TypeError, ValueError, KeyError):
        return False
