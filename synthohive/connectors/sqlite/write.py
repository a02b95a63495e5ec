"""SQLite: a new file beside the target, linked to its name or copied in by one transaction."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arguments import reachable
from synthohive._logging import get_logger
from synthohive.connectors.sqlite.file import (
    MARK,
    REHEARSAL,
    contents,
    copy_into,
    held,
    journalled,
    link,
    looking,
    note,
    refuse_journals,
    remove_stale,
    verify,
)
from synthohive.connectors.sqlite.read import database_file, hashing
from synthohive.connectors.sqlite.spelling import SPELLING
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.journal import JOURNAL_TABLE
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import Order, appeared_error, broken_error, busy_error, staging_name
from synthohive.io.steps import step
from synthohive.io.text import iso_timestamps, since_epoch, text
from synthohive.texts.moments import write

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


__all__ = ["WRITER", "SqliteWriter"]

log = get_logger(__name__)
_SOURCE = "synthohive_source"
_READ_ONLY = re.compile(r"^file:.*[?&](?:mode=ro|immutable=1)")


class SqliteWriter(StagedSchema):
    """Write one SQLite file; see :class:`StagedSchema`."""

    engine_name: ClassVar[str] = "SQLite"
    spelling: ClassVar[Spelling] = SPELLING
    mark: ClassVar[str] = "?"
    errors: ClassVar[tuple[type[BaseException], ...]] = (sqlite3.Error, OSError)
    statistics: ClassVar[str] = "ANALYZE {}"
    indexes_beside: ClassVar[bool] = True
    takes_back: ClassVar[bool] = True

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._path = Path(self.target).resolve()
        if not self._path.name:
            raise ConnectorError(f"{self.target!r} is not a file.")
        name = staging_name(self._path.name, self.longest)
        rehearsal = staging_name(self._path.name + REHEARSAL, self.longest)
        rehearsed = self.if_exists == "rehearse"
        self._staging = self._path.with_name(rehearsal if rehearsed else name)
        self.staging = "main"  # of a connection to that file alone
        self._numbers = count()
        self._check_target()
        remove_stale(self._path, rehearsal)
        with self.opening("the staging file"):
            left = [] if self.journal is None else journalled(self._path, name)
            if not any(self._goes_on(path) for path in left):
                # A rehearsal leaves alone what a run can go on with.
                if not rehearsed and remove_stale(self._path, name):
                    raise busy_error(str(self._path))
                self._connection = self._open(self._staging)
                for statement in self.ddl.setup:
                    self.run(statement)
                self.begin_journal()

    def _goes_on(self, path: Path) -> bool:
        """Whether this run goes on in the file that an interrupted one has left."""
        self._connection, fresh, self._staging = self._open(path), self._staging, path
        if self.go_on_in(str(path)):
            return True
        self._connection.close()
        self._connection, self._staging = None, fresh
        return False

    def settle(self) -> None:
        """See the base class."""
        self._connection.commit()

    def once(self, act: str, do: Callable[[], None], table: str = "") -> None:
        """See the base class."""
        if self.journal is not None:
            self._begin()
        super().once(act, do, table)
        self.settle()

    def _begin(self) -> None:
        """Begin a transaction, unless one is open."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")

    @classmethod
    def locate(
        cls,
        source: Optional[Engine],
        target: Optional[Engine],
        schema: Optional[str],
        source_schema: Optional[str],
    ) -> str:
        """Return the path of the file to write; see the base class.

        A name of a schema is that of a file beside the source's, a path one of any folder.
        """
        if target is not None:
            if _READ_ONLY.search(target.url.database or ""):
                raise NoPlaceError(f"The target {target.url.database!r} is opened read-only.")
            path = database_file(target, None)
            if path is None:
                raise NoPlaceError(
                    "A SQLite database in memory cannot be written to.",
                    hint="Name a file: url='sqlite:///…'.",
                )
            return str(path)
        assert source is not None
        if schema is not None and (os.sep in schema or "/" in schema):
            return str(reachable(Path(schema).absolute()))
        path = database_file(source, source_schema)
        if path is None:
            raise NoPlaceError(
                "The source is a SQLite database in memory; there is no place beside it.",
                hint="Name a file: url='sqlite:///…'.",
            )
        if schema is None:
            return str(path.with_name(f"{path.stem}_synthetic{path.suffix}"))
        return str(path.with_name(schema if Path(schema).suffix else schema + path.suffix))

    def _check_target(self) -> None:
        folder = self._path.parent
        if not folder.is_dir():
            raise NoPlaceError(f"There is no folder {str(folder)!r}.", hint="Create it first.")
        if not _writable(folder):
            raise NoPlaceError(f"The folder {str(folder)!r} is not writable.")
        if self.if_exists == "rehearse":
            return
        self._existed = self._path.exists()
        if not self._existed:
            refuse_journals(self._path)
            return
        if not self._path.is_file():
            raise ConnectorError(f"{self.target!r} is not a file.")
        if not _writable(self._path):
            raise ConnectorError(f"The file {self.target!r} is read-only.")
        with self.named("a look at the target"):
            with looking(self._path) as old:
                self._carried(old)
            with self._alone():  # better now than after all rows are made
                pass

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """Hold the target; this engine's own idle connections must not be in the way."""
        if self.engine.url.database and Path(self.engine.url.database).resolve() == self._path:
            self.engine.dispose()
        with self.named("the target"), held(self._path) as old:
            yield old

    def _carried(self, old: sqlite3.Connection) -> dict[str, str]:
        """Return the SQL of the user's views and indexes, which go over; refuse other losses."""
        found, made = contents(old), note(old)
        goes = ("view ", "index ")
        theirs = [thing for thing in found if made is not None and thing.key not in made]
        carried = [thing.key for thing in theirs if thing.key.startswith(goes)]
        self.theirs = set(carried if self.if_exists != "replace_foreign" else ())
        self.admit([thing for thing in found if thing.key not in carried], made)
        if self.if_exists == "replace_foreign":
            return {}
        sql = "SELECT type || ' ' || CASE type WHEN 'index' THEN tbl_name || '.' ELSE '' END || "
        sql += "name, sql FROM sqlite_master WHERE type IN ('view', 'index')"
        return {key: sql for key, sql in old.execute(sql) if key in carried}

    def _carry(self, old: sqlite3.Connection, carried: dict[str, str]) -> None:
        """Make the user's views and indexes in the new file; views must answer as they did."""
        views = [key.partition(" ")[2] for key in carried if key.startswith("view ")]
        answered = [name for name in views if self._answers(old, name)]
        for key, sql in carried.items():
            with self.named(f"the {key}, which is not ours"):
                self._execute(sql)
        broken = [f"view {n}" for n in answered if not self._answers(self._connection, n)]
        if broken:
            raise broken_error(self.target, broken)

    def _answers(self, connection: sqlite3.Connection, view: str) -> bool:
        try:
            connection.execute(f"SELECT * FROM {self.quote(view)} LIMIT 0")
        except sqlite3.Error as exc:
            log.debug("view_does_not_answer", view=view, reason=str(exc))
            return False
        return True

    def make(self, thing: SchemaObject) -> str:
        """See the base class; SQLite's names are those of the file, and are looked up when used."""
        if self.journal is not None:
            self._begin()
        kind = thing.kind[:-1]
        place = self.quote(thing.table or thing.name)
        uses = [f"SELECT * FROM {place} LIMIT 0"]
        if thing.table:  # what is explained is compiled, and not run
            (column,) = self._connection.execute(
                "SELECT name FROM pragma_table_info(?) LIMIT 1", (thing.table,)
            ).fetchone() or ("rowid",)
            uses = [
                f"EXPLAIN INSERT INTO {place} DEFAULT VALUES",
                f"EXPLAIN UPDATE {place} SET {self.quote(column)} = NULL",
                f"EXPLAIN DELETE FROM {place}",
            ]
        before = [self._refused(sql) for sql in uses if thing.table]
        reason = self._refused(thing.create)
        if reason:
            return reason
        after = [self._refused(sql) for sql in uses]
        reason = next((new for new, old in zip(after, before or [""]) if new and not old), "")
        if reason:
            self._execute(f"DROP {kind.upper()} {self.quote(thing.name)}")
        return reason

    def _refused(self, sql: str) -> str:
        """Run a statement; return why it is refused. It is compiled anew each time."""
        try:
            self._execute(f"{sql}\n-- {next(self._numbers)}")
        except sqlite3.Error as exc:
            return self._reason(exc)
        return ""

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for setting in (
            "page_size = 8192",
            # the whole file is thrown away on failure, if nobody is to go on in it
            f"journal_mode = {'OFF' if self.journal is None else 'DELETE'}",
            "synchronous = OFF",
            "locking_mode = EXCLUSIVE",
            "foreign_keys = OFF",
            f"application_id = {MARK}",
            "user_version = 1",
        ):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return str(exc).rstrip(".")

    def _made(self) -> list[str]:
        own = f"table {JOURNAL_TABLE}"
        found = contents(self._connection)
        return [thing.key for thing in found if own not in (thing.key, thing.part_of)]

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        version, model, seed, *rest = values
        exact = seed if seed is None or abs(seed) < 2**63 else str(seed)
        super()._insert_note((version, model, exact, *rest))

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        self.make_table(table)
        columns = list(self.metadata.table(table).stored.values())
        names = ", ".join(self.quote(column.name) for column in columns)
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {self.quote(table)} ({names}) VALUES ({marks})"
        loaded = 0
        self._begin()
        for batch in batches:
            values = [_values(a, c.text_form) for a, c in zip(batch.columns, columns)]
            self._connection.executemany(sql, zip(*values))
            loaded += batch.num_rows
        return loaded

    def take_back(self, table: str) -> None:
        """See the base class; without a journal of its own, the file cannot roll back."""
        self.settle()
        self._execute(f"DROP TABLE {self.quote(table)}")

    def takes(self) -> bool:
        """See the base class; the source has to be a file."""
        return super().takes() and database_file(self.engine, self.source_schema) is not None

    def take(self, table: str, conditions: Iterable[str]) -> int:
        """See the base class; the source's file is looked at for as long as it takes."""
        with self.named("the source"):
            hashing(self._connection)
            path = str(database_file(self.engine, self.source_schema))
            self._connection.execute(f"ATTACH ? AS {_SOURCE}", (path,))
            self._connection.execute(f"PRAGMA {_SOURCE}.locking_mode = NORMAL")
        try:
            return super().take(table, conditions)
        finally:
            self._connection.execute(f"DETACH {_SOURCE}")

    def _source_place(self, table: str) -> str:
        return f"{_SOURCE}.{self.quote(table)}"

    @classmethod
    def swap_all(cls, writers: Sequence[SqliteWriter]) -> None:
        """See the base class; a file has one schema."""
        writers[0]._swap()

    @classmethod
    def discard_all(cls, writers: Sequence[SqliteWriter]) -> None:
        """See the base class."""
        if writers[0]._connection is not None:
            writers[0]._connection.close()
        writers[0]._staging.unlink(missing_ok=True)

    def leave(self) -> None:
        """See the base class."""
        self._connection.close()

    def _swap(self) -> None:
        broken = self._connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise ConnectorError(
                f"Table {broken[0]!r} of {self.target!r} has rows that refer to no row of "
                f"{broken[2]!r}.",
                hint="Nothing was changed.",
            )
        if self.journal is not None:
            self._execute(f"DROP TABLE {JOURNAL_TABLE}")
        self._connection.execute("PRAGMA application_id = 0")
        self._connection.execute("PRAGMA user_version = 0")
        step("mark removed")
        if not self._existed:
            verify(self._connection, self._staging)
            self._connection.close()
            refuse_journals(self._path)
            try:
                if link(self._staging, self._path):
                    return
                self._path.touch(exist_ok=False)  # a name of our own, to be copied into
            except FileExistsError as exc:
                raise appeared_error(self.target) from exc
            self._connection = sqlite3.connect(self._staging, isolation_level=None)
        with self._alone() as old:
            step("target held")
            self._carry(old, self._carried(old))
            copy_into(old, self._connection)
            step("file copied")
            verify(old, self._path)
        self._connection.close()
        self._staging.unlink()


def _writable(path: Path) -> bool:
    """Whether somebody may write there, and we; root may everywhere, but was asked not to."""
    return os.access(path, os.W_OK) and bool(path.stat().st_mode & 0o222)


def _values(array: pa.Array, form: Optional[str] = None) -> list[Any]:
    """Return values in the form of the source, else that of SQLAlchemy's SQLite types."""
    type_ = array.type
    if form is not None and (pa.types.is_timestamp(type_) or _is_plain_moment(type_)):
        return list(write(array, form).to_pylist())
    if pa.types.is_uint64(type_):
        return [v if v is None or v < 2**63 else str(v) for v in array.to_pylist()]
    if pa.types.is_decimal(type_):
        # Whole numbers go as text, which the column's affinity makes exact integers. Others go
        # by way of their digits: Arrow multiplies by powers of ten, which gives 16.990000000000002.
        array = text(array) if type_.scale == 0 else pc.cast(text(array), pa.float64())
    elif pa.types.is_boolean(type_):
        array = pc.cast(array, pa.int8())
    elif pa.types.is_timestamp(type_):
        array = iso_timestamps(array)
    elif pa.types.is_duration(type_):
        array = iso_timestamps(since_epoch(array))
    elif _is_plain_moment(type_):
        array = text(array)
    values: list[Any] = array.to_pylist()
    return values


def _is_plain_moment(type_: pa.DataType) -> bool:
    return bool(pa.types.is_date(type_) or pa.types.is_time(type_))


WRITER = SqliteWriter
