"""Writing one schema, or several that appear at the same moment, and the proof of the keys.

:class:`Writer` has a :class:`StagedSchema` of the engine for each, and adds the keys between them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any, Optional

from synthohive._logging import get_logger
from synthohive.ddl.statements import Statement, label, reference
from synthohive.ddl.vetted import vetted_action
from synthohive.exceptions import ConnectorError
from synthohive.io.base import KeyCheck
from synthohive.io.staged import StagedSchema, rows_act
from synthohive.io.steps import step
from synthohive.schema import ForeignKey, Metadata

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

__all__ = ["Writer"]

log = get_logger(__name__)


class Writer:
    """Writes one schema, or several that appear at the same moment; used as a context manager.

    Rows go to staging places that nobody sees. :meth:`finish` adds keys, indexes and checks, proves
    that there are no orphans, and puts the schemas in place in one step. Leaving the block without
    it, for whatever reason, removes the staging places.

    Parameters
    ----------
    metadata : Metadata
    schemas : dict of str to StagedSchema
        By source schema, each open, of the same engine.
    all_keys : bool
        Have the database enforce keys between schemas that the source does not declare, too.

    Attributes
    ----------
    target : str
        Where the schemas will be found: their names, or the path of a file.
    streams : int
        Tables that may be loaded at once.
    takes_back : bool
        Whether batches may raise :class:`Withdrawn`, and the table be loaded anew.
    """

    def __init__(
        self, metadata: Metadata, schemas: Mapping[str, Any], *, all_keys: bool = False
    ) -> None:
        self.metadata, self.all_keys, self.schemas = metadata, all_keys, dict(schemas)
        self.target = ", ".join(schema.target for schema in schemas.values())
        self.streams = min(schema.streams for schema in schemas.values())
        self.takes_back = all(schema.takes_back for schema in schemas.values())
        # The places over each connection that nobody is at; the last one is taken first, so that
        # there are no more than are needed.
        self._idle: LifoQueue[dict[str, Any]] = LifoQueue()
        self._idle.put(self.schemas)
        self._further: list[Any] = []
        self._opening = threading.Lock()
        self._closed = False
        try:
            with self._named("the session"):
                for schema in schemas.values():
                    others = {s: o.staging for s, o in schemas.items() if o is not schema}
                    schema.see(others)
        except BaseException:
            self.abort()
            raise

    def load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk load all rows of one table, streaming; return their number.

        Raises
        ------
        ConnectorError
            The database refused a row, or the connection was lost. Nothing remains.
        """
        try:
            return self.fill(table, batches)
        except BaseException:
            self.abort()
            raise

    def fill(self, table: str, batches: Iterable[pa.RecordBatch], beside: Any = None) -> int:
        """Load as :meth:`load` does; what a failure leaves, goes with the block's end.

        Several threads may, as many as there are `streams`.

        Parameters
        ----------
        table, batches
        beside : object, optional
            What :meth:`loaded` gives to a run that goes on where this one was interrupted.

        Raises
        ------
        Withdrawn
            By the batches, where the writer `takes_back` what it has loaded of the table.
        """
        self._check_open()
        with self._stream(table) as schema:
            return schema.load(self.metadata.table(table).own_name, batches, beside)

    def index(self, table: str) -> None:
        """Add the constraints and indexes of a table that is loaded, where the engine lets one."""
        self._check_open()
        with self._stream(table) as schema, self._named(f"the indexes of table {table!r}"):
            schema.index_table(self.metadata.table(table).own_name)

    @contextmanager
    def _stream(self, table: str) -> Iterator[StagedSchema]:
        """Give a table's schema over a connection that no other thread uses meanwhile."""
        try:
            schemas = self._idle.get_nowait()
        except Empty:
            schemas = self._another() or self._idle.get()
        try:
            yield schemas[self._schema_of(table)]
        finally:
            self._idle.put(schemas)

    def _another(self) -> Optional[dict[str, Any]]:
        """Open a further stream; None where there are as many as may be, or the server has none."""
        with self._opening:
            if 1 + len(self._further) // len(self.schemas) >= self.streams:
                return None
            opened: dict[str, Any] = {}
            try:
                for name, schema in self.schemas.items():
                    opened[name] = schema.stream()
                    self._further.append(opened[name])
            except ConnectorError as exc:  # the others are enough
                log.info("no_further_stream", reason=exc.message)
                self.streams = 1
                return None
            return opened

    def _close_streams(self) -> None:
        """Let the first connection be the only one."""
        further, self._further = self._further, []
        for schema in further:
            schema.leave()

    def loaded(self) -> dict[str, tuple[int, Any]]:
        """Return the rows of each table that an interrupted run loaded, and what it told."""
        found = {}
        for table, config in self.metadata.tables.items():
            journal = self._of(table).journal
            if journal is not None and (told := journal.done.get(rows_act(config.own_name))):
                noted = json.loads(told)
                found[table] = noted["rows"], noted["beside"]
        return found

    def takes(self) -> bool:
        """Whether the engine itself can copy rows of the source's schemas here."""
        return all(schema.takes() for schema in self.schemas.values())

    def take(self, table: str, conditions: Iterable[str]) -> int:
        """Have the engine copy rows of the source; see :meth:`StagedSchema.take`."""
        self._check_open()
        try:
            with self._named(f"the rows of table {table!r}"):
                return self._of(table).take(self.metadata.table(table).own_name, conditions)
        except BaseException:
            self.abort()
            raise

    def finish(self) -> list[KeyCheck]:
        """Constrain, prove, and swap in.

        Raises
        ------
        ConnectorError
            The database refused a constraint, or a key has orphans; nothing changed.
        """
        self._check_open()
        self._close_streams()
        schemas = list(self.schemas.values())
        try:
            checks = self._complete()
            with self._named("the swap"):
                schemas[0].swap_all(schemas)
        except BaseException:
            self.abort()
            raise
        self._closed = True
        for schema in schemas:
            log.info("schema_written", target=schema.target, rows=sum(schema.rows.values()))
        return checks

    def prove(self) -> list[KeyCheck]:
        """Constrain and prove, and remove the staging place: nothing is in the target.

        Raises
        ------
        ConnectorError
            As of :meth:`finish`.
        """
        try:
            return self._complete()
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove the staging places; does nothing after :meth:`finish`."""
        if not self._closed:
            self._closed = True
            self._close_streams()
            schemas = list(self.schemas.values())
            schemas[0].give_up(schemas)

    def objects(self) -> dict[tuple[str, str], str]:
        """Return why each object (kind, name) that was asked for was not made; "" if it was.

        So it is of what the source's tables state, and another engine cannot.

        Names have their schema before them, if there are several.
        """
        found: dict[tuple[str, str], str] = {}
        for name, schema in self.schemas.items():
            lead = f"{name}." if self.metadata.schemas else ""
            found.update({(kind, f"{lead}{own}"): "" for kind, own in schema.ddl.brought})
            for left in schema.ddl.left:
                found[left.kind, f"{lead}{left.name}"] = left.reason
            for thing, reason in schema.outcome.items():
                key = (thing.kind, f"{lead}{thing.name}")
                found[key] = found.get(key) or reason
                if thing.function and not reason:
                    found["functions and procedures", f"{lead}{thing.function}"] = ""
        return found

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.abort()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectorError(f"The writer of {self.target!r} is closed; open a new one.")

    def _schema_of(self, table: str) -> str:
        name = self.metadata.table(table).schema_name if self.metadata.schemas else None
        return name or next(iter(self.schemas))

    def _of(self, table: str) -> StagedSchema:
        found: StagedSchema = self.schemas[self._schema_of(table)]
        return found

    @contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """Turn what any statement raises, also one between the named ones (a commit), into ours."""
        with next(iter(self.schemas.values())).named(what):
            yield

    def _complete(self) -> list[KeyCheck]:
        schemas = list(self.schemas.values())
        with self._named("the proof of the copy"):
            for schema in schemas:
                for table in schema.metadata.tables:
                    if table not in schema.rows:
                        schema.load(table, [])
            checks: list[KeyCheck] = schemas[0].constrain_all(schemas, self._prove, self._cross)
        step("schema proved")
        return checks

    def _prove(self) -> list[KeyCheck]:
        checks = []
        for table, key in self.metadata.foreign_keys():
            check = self._check(table, key)
            if check.orphans:
                name = f" {key.name!r}" if key.name else ""
                raise ConnectorError(
                    f"Foreign key{name} {key.label(table)} has {check.orphans} orphans among the "
                    f"{check.rows} rows of {self._of(table).target!r}.",
                    hint="Nothing was changed.",
                )
            checks.append(check)
        return checks

    def _cross(self) -> None:
        """Add the keys between the schemas."""
        for table, key in self.metadata.foreign_keys():
            if self._crosses(table, key) and self._enforced(table, key):
                add = partial(self._of(table).run, self._statement(table, key))
                own = self.metadata.table(table).own_name
                self._of(table).once(f"key {key.label(own)}", add, own)
                self._of(table).settle()

    def _crosses(self, table: str, key: ForeignKey) -> bool:
        return self._of(table) is not self._of(key.parent)

    def _enforced(self, table: str, key: ForeignKey) -> bool:
        return (
            self._of(table).keys_between
            and key.no_parent is None
            and (key.declared or self.all_keys)
        )

    def _place(self, table: str) -> str:
        return self._of(table).place(self.metadata.table(table).own_name)

    def _check(self, table: str, key: ForeignKey) -> KeyCheck:
        schema, own = self._of(table), self.metadata.table(table).own_name
        above = self.metadata.table(key.parent).own_name
        if self._crosses(table, key):
            parent, enforced = self._place(key.parent), self._enforced(table, key)
        else:
            parent = schema.spelling.table(above)
            enforced = (own, tuple(key.columns), above) in schema.ddl.enforced
        return KeyCheck(table, key, schema.rows[own], schema.orphans(own, key, parent), enforced)

    def _statement(self, table: str, key: ForeignKey) -> Statement:
        quote = self._of(table).quote
        name = f"CONSTRAINT {quote(key.name)} " if key.name else ""
        own = self._of(table).spelling.table(self.metadata.table(table).own_name)
        sql = f"ALTER TABLE {own} ADD {name}"
        sql += reference(key, quote, self._place(key.parent))
        for when, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update)):
            if action:
                sql += f" ON {when} {vetted_action(action, key.columns, quote)}"
        return Statement(sql, table, label("foreign key", key.name or "", key.columns))
