"""SQLite: a new file beside the target, put in its place by one rename."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.connectors.ddl import PROVENANCE_TABLE, SchemaDdl
from synthohive.connectors.dialects.sqlite import database_file
from synthohive.connectors.loaders.staged import (
    STAGING_MARK,
    Found,
    StagedWriter,
    read_note,
    staging_name,
)
from synthohive.connectors.loaders.text import iso_timestamps, since_epoch, text
from synthohive.exceptions import ConnectorError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.connectors.base import IfExists, Provenance
    from synthohive.schema import Column, Metadata

__all__ = ["SqliteWriter", "create", "locate"]

log = get_logger(__name__)
_MAGIC = b"SQLite format 3\x00"
_MARK = 0x53594E48  # "SYNH", the application id of a staging file
_MAX_NAME = 200
_READ_ONLY = re.compile(r"^file:.*[?&](?:mode=ro|immutable=1)")


def locate(
    source: Optional[Engine],
    target: Optional[Engine],
    schema: Optional[str],
    source_schema: Optional[str],
) -> str:
    """Return the path of the file to write."""
    if target is not None:
        if _READ_ONLY.search(target.url.database or ""):
            raise ConnectorError(f"The target {target.url.database!r} is opened read-only.")
        path = database_file(target, None)
        if path is None:
            raise ConnectorError(
                "A SQLite database in memory cannot be written to.",
                hint="Name a file: url='sqlite:///…'.",
            )
        return str(path)
    assert source is not None
    if schema is not None and (os.sep in schema or "/" in schema):
        return str(Path(schema).absolute())
    path = database_file(source, source_schema)
    if path is None:
        raise ConnectorError(
            "The source is a SQLite database in memory; there is no place beside it.",
            hint="Name a file: url='sqlite:///…'.",
        )
    if schema is None:
        return str(path.with_name(f"{path.stem}_synthetic{path.suffix}"))
    return str(path.with_name(schema if Path(schema).suffix else schema + path.suffix))


class SqliteWriter(StagedWriter):
    """Write one SQLite file; see :class:`StagedWriter`.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    metadata, ddl, target, provenance
        See :class:`StagedWriter`; `target` is the path of the file.
    source_schema : str, optional
        Not needed here.
    if_exists : {"fail", "replace", "replace_foreign"}
    """

    engine_name: ClassVar[str] = "SQLite"
    errors: ClassVar[tuple[type[BaseException], ...]] = (sqlite3.Error, OSError)

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
        del source_schema
        self._engine = engine
        self._path = Path(target).resolve()
        self._staging = self._path.with_name(staging_name(self._path.name, _MAX_NAME))
        self._check_target(if_exists)
        self._remove_stale()
        with self.named("the staging file"):
            self._connection = self._open(self._staging)
            for statement in ddl.setup:
                self._run(statement)

    def _check_target(self, if_exists: IfExists) -> None:
        folder = self._path.parent
        if not folder.is_dir():
            raise ConnectorError(f"There is no folder {str(folder)!r}.", hint="Create it first.")
        if not _writable(folder):
            raise ConnectorError(f"The folder {str(folder)!r} is not writable.")
        if not self._path.exists():
            return
        if not self._path.is_file():
            raise ConnectorError(f"{self.target!r} is not a file.")
        if not _writable(self._path):
            raise ConnectorError(f"The file {self.target!r} is read-only.")
        if self._path.stat().st_size == 0:
            return
        with self._path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise ConnectorError(
                    f"The file {self.target!r} exists and is not a SQLite database.",
                    hint="Name another file.",
                )
        with self.named("a look at the target"):
            found, made = self._settle()
        self.admit(found, made, if_exists)

    def _settle(self) -> tuple[list[Found], Optional[frozenset[str]]]:
        """Return what the target holds and its note says, after folding its journals into it.

        A write-ahead log left beside the new file would be applied to it.
        """
        connection = sqlite3.connect(self._path, timeout=5)
        try:
            held = connection.execute(
                "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') "
                "AND name NOT LIKE 'sqlite#_%' ESCAPE '#'"
            )
            found = [Found(name, f"{kind} {name}") for kind, name in held]
            made = None
            if any(thing.shown == f"table {PROVENANCE_TABLE}" for thing in found):
                note = connection.execute(f"SELECT * FROM {PROVENANCE_TABLE} LIMIT 2")
                made = read_note([column[0] for column in note.description], note.fetchall())
            if self._sidecar("-wal").exists():
                connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            connection.close()
        return found, made

    def _sidecar(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _remove_stale(self) -> None:
        """Remove what a crashed run left beside the target; a living one holds its lock."""
        pattern = self._path.name.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
        for path in self._path.parent.glob(f"{pattern}{STAGING_MARK}????????"):
            try:
                connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=0, uri=True)
                try:
                    connection.execute("BEGIN EXCLUSIVE")
                    (mark,) = connection.execute("PRAGMA application_id").fetchone()
                finally:
                    connection.close()
            except sqlite3.Error as exc:
                log.debug("staging_of_another_run", file=path.name, reason=str(exc))
                continue
            if mark == _MARK:
                path.unlink()
                log.info("stale_staging_removed", file=path.name)

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for setting in (
            "page_size = 8192",
            "journal_mode = OFF",  # the whole file is thrown away on failure
            "synchronous = OFF",
            "locking_mode = EXCLUSIVE",
            "foreign_keys = OFF",
            f"application_id = {_MARK}",
            "user_version = 1",
        ):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return str(exc).rstrip(".")

    def _execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def _scalar(self, sql: str) -> Any:
        return self._connection.execute(sql).fetchone()[0]

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        version, model, seed, *rest = values
        exact = seed if seed is None or abs(seed) < 2**63 else str(seed)
        self._connection.execute(
            f"INSERT INTO {PROVENANCE_TABLE} VALUES (?, ?, ?, ?, ?, ?, ?)",
            (version, model, exact, *rest),
        )

    def _copy(
        self, table: str, columns: Sequence[Column], batches: Iterator[pa.RecordBatch]
    ) -> int:
        if table not in self.rows:
            for statement in self.ddl.tables[table]:
                self._run(statement)
        names = ", ".join(self._quote(column.name) for column in columns)
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {self._quote(table)} ({names}) VALUES ({marks})"
        count = 0
        self._connection.execute("BEGIN")
        for batch in batches:
            values = [_values(array) for array in batch.columns]
            self._connection.executemany(sql, zip(*values))
            count += batch.num_rows
        self._connection.execute("COMMIT")
        return count

    def _analyze(self) -> None:
        """Let SQLite check the keys that it knows, which it does not do while loading."""
        with self.named("the statistics"):
            self._connection.execute("ANALYZE")

    def _swap(self) -> None:
        broken = self._connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise ConnectorError(
                f"Table {broken[0]!r} of {self.target!r} has rows that refer to no row of "
                f"{broken[2]!r}.",
                hint="Nothing was changed.",
            )
        self._connection.execute("PRAGMA application_id = 0")
        self._connection.execute("PRAGMA user_version = 0")
        self._connection.close()
        descriptor = os.open(self._staging, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self._path.exists():
            if self._path.stat().st_size:
                self._settle()
            if self._sidecar("-wal").exists():
                raise ConnectorError(
                    f"The file {self.target!r} is in use by another program.",
                    hint="Close it there and run again.",
                )
            shutil.copymode(self._path, self._staging)
        os.replace(self._staging, self._path)
        self._sync_folder()
        if self._engine.url.database and Path(self._engine.url.database).resolve() == self._path:
            self._engine.dispose()  # pooled connections still read the old file

    def _sync_folder(self) -> None:
        if os.name == "posix":
            descriptor = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _discard(self) -> None:
        self._connection.close()
        self._staging.unlink(missing_ok=True)


def _writable(path: Path) -> bool:
    """Whether somebody may write there, and we; root may everywhere, but was asked not to."""
    return os.access(path, os.W_OK) and bool(path.stat().st_mode & 0o222)


def _values(array: pa.Array) -> list[Any]:
    """Return values in the form in which SQLAlchemy's SQLite types keep them."""
    type_ = array.type
    if pa.types.is_uint64(type_):
        return [v if v is None or v < 2**63 else str(v) for v in array.to_pylist()]
    if pa.types.is_decimal(type_):
        # Whole numbers go as text, which the column's affinity makes exact integers.
        array = text(array) if type_.scale == 0 else pc.cast(array, pa.float64())
    elif pa.types.is_boolean(type_):
        array = pc.cast(array, pa.int8())
    elif pa.types.is_timestamp(type_):
        array = iso_timestamps(array)
    elif pa.types.is_duration(type_):
        array = iso_timestamps(since_epoch(array))
    elif pa.types.is_date(type_) or pa.types.is_time(type_):
        array = text(array)
    values: list[Any] = array.to_pylist()
    return values


create = SqliteWriter
