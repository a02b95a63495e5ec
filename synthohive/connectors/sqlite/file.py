"""A SQLite database as a file: who holds it, what it holds, and how its content is replaced.

A file that other programs may have open is never renamed over. Their locks and journals belong to
the file behind the name they opened: a journal written for the old file would be rolled back into
the new one, and destroy it. So an existing database gets its new content by SQLite's own
transaction, under SQLite's own locks, and only a name that is free is linked to a new file.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

from synthohive._logging import get_logger
from synthohive.ddl.statements import PROVENANCE_TABLE
from synthohive.exceptions import ConnectorError
from synthohive.io.journal import JOURNAL_TABLE
from synthohive.io.staging import STAGING_MARK, Found, read_note
from synthohive.io.steps import step

__all__ = [
    "BUSY_SECONDS",
    "MARK",
    "REHEARSAL",
    "contents",
    "copy_into",
    "held",
    "journalled",
    "link",
    "looking",
    "note",
    "refuse_journals",
    "remove_stale",
    "verify",
]

log = get_logger(__name__)
BUSY_SECONDS = 5.0
MAGIC = b"SQLite format 3\x00"
MARK = 0x53594E48  # "SYNH", the application id of a staging file
REHEARSAL = "__rehearsal"
"""In the names of staging files that never become a target: runs need not wait for them."""
_MARK_BYTES = slice(68, 72)
_SIDECARS = ("-journal", "-wal", "-shm")
_STAGING = re.compile(f".*{re.escape(STAGING_MARK)}[0-9a-f]{{8}}", re.DOTALL)
_PAGES = 4096  # copied at once; between two pieces a run can be interrupted


def contents(connection: sqlite3.Connection) -> list[Found]:
    """Return a database's tables with their columns, views, triggers and indexes."""
    ours = "substr({}, 1, 7) <> 'sqlite_'"
    found = connection.execute(
        f"SELECT type, name, tbl_name FROM sqlite_master WHERE {ours.format('name')} "
        "UNION ALL SELECT 'column', c.name, m.name "
        "FROM sqlite_master m, pragma_table_xinfo(m.name) c "
        f"WHERE m.type = 'table' AND m.rootpage > 0 AND {ours.format('m.name')}"
    )
    things = []
    for kind, name, table in found.fetchall():
        inside = "" if kind in ("table", "view") else f"{table}."
        whole = f"table {table}" if inside else None
        things.append(Found(f"{kind} {inside}{name}", f"{kind} {inside}{name}", whole))
    return things


def note(connection: sqlite3.Connection) -> Optional[frozenset[str]]:
    """Return the keys of what an earlier run made; None where there is no note of ours."""
    known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if connection.execute(known, (PROVENANCE_TABLE,)).fetchone() is None:
        return None
    found = connection.execute(f"SELECT * FROM {PROVENANCE_TABLE} LIMIT 2")
    return read_note([column[0] for column in found.description], found.fetchall())


@contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that exists; SQLite rolls back what a crash left in it.

    Raises
    ------
    ConnectorError
        Another program is using it, or it is no database.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", timeout=BUSY_SECONDS, isolation_level=None, uri=True
    )
    try:
        yield connection
    except sqlite3.DatabaseError as exc:
        if "not a database" in str(exc):
            raise ConnectorError(
                f"The file {str(path)!r} exists and is not a SQLite database.",
                hint="Name another file.",
            ) from exc
        if "locked" in str(exc):
            raise ConnectorError(
                f"The file {str(path)!r} is in use by another program{_holders(path)}.",
                hint=f"Nothing was changed. Close it there and run again (waited "
                f"{BUSY_SECONDS:g} s).",
            ) from exc
        raise
    finally:
        connection.close()


def _holders(path: Path) -> str:
    """Return which processes lock a file or its journals, where the system tells (Linux)."""
    try:
        numbers = {
            str(beside.stat().st_ino)
            for beside in (path, *(path.with_name(path.name + s) for s in _SIDECARS))
            if beside.exists()
        }
        with open("/proc/locks", encoding="ascii") as file:
            locks = [line.replace("->", "").split() for line in file]
    except OSError as exc:
        log.debug("locks_not_told", reason=exc.strerror)
        return ""
    # "1: POSIX ADVISORY WRITE 4711 08:01:131 0 0": the process, and the file's number.
    found = sorted({lock[4] for lock in locks if lock[5].rpartition(":")[2] in numbers}, key=int)
    return f" (process {', '.join(found)})" if found else ""


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold a database alone: nobody else reads or writes it, and no journal is beside it."""
    with looking(path) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # keeps what BEGIN takes
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.execute("PRAGMA journal_mode = DELETE")  # folds a write-ahead log in
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        yield connection
        if mode == "wal":
            connection.execute("PRAGMA journal_mode = WAL")


def copy_into(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Replace a held database's content in one transaction: a crash leaves the old one."""
    new.backup(old, pages=_PAGES, progress=lambda *_: step("part of the file copied"))


def verify(connection: sqlite3.Connection, path: Path) -> None:
    """Have SQLite read every page, and refuse a damaged file."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise ConnectorError(
            f"The file {str(path)!r} is damaged after writing ({found}).",
            hint="Check the disk, and write again.",
        )


def link(staging: Path, path: Path) -> bool:
    """Give a finished file its name, if that is free; False where files cannot have two names.

    Raises
    ------
    FileExistsError
        The name is taken.
    """
    descriptor = os.open(staging, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    step("file synced")
    try:
        os.link(staging, path)
    except FileExistsError:
        raise
    except OSError as exc:  # FAT, and some network file systems
        log.debug("no_links", reason=exc.strerror)
        return False
    step("file linked")
    try:
        staging.unlink()
        _sync_folder(path.parent)
    except OSError as exc:  # the new file is in place
        log.warning("staging_remains", file=staging.name, reason=exc.strerror)
    return True


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refuse_journals(path: Path) -> None:
    """Refuse a free name that is another database's journal, or has one beside it.

    SQLite would take the new file for that journal, or apply the journal to the new file.
    """
    for suffix in _SIDECARS:
        owner = path.with_name(path.name.removesuffix(suffix) or path.name)
        if owner != path and owner.exists():
            raise ConnectorError(
                f"{path.name!r} is what SQLite calls a journal of {str(owner)!r}.",
                hint="Name another file.",
            )
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            raise ConnectorError(
                f"Beside {str(path)!r} lies {beside.name!r}, the journal of another database, "
                "which SQLite would apply to the new one.",
                hint="Put it back beside its own database, or remove it; or name another file.",
            )


def remove_stale(path: Path, staging: str) -> bool:
    """Remove what crashed runs left beside the target, named like the new `staging` file.

    Returned is whether such a run is alive: its file is locked, and stays.
    """
    alive = False
    for found in _named(path, staging):
        try:
            if path.exists() and found.samefile(path):
                found.unlink(missing_ok=True)  # the run ended between its last two steps
            elif _is_locked(found):
                alive = True
            elif _is_staging(found):
                _remove(found)
                log.info("stale_staging_removed", file=found.name)
        except (OSError, sqlite3.Error):
            if found.exists():
                raise
            log.debug("staging_gone", file=found.name)  # its own run removed it meanwhile
    return alive


def journalled(path: Path, staging: str) -> list[Path]:
    """Return the files beside the target in which an interrupted run has noted what it did."""
    there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    found = []
    for each in _named(path, staging):
        if _is_locked(each) or not _is_staging(each):
            continue
        connection = sqlite3.connect(f"{each.as_uri()}?mode=ro", uri=True)
        try:
            if connection.execute(there, (JOURNAL_TABLE,)).fetchone():
                found.append(each)
        except sqlite3.Error as exc:
            log.debug("not_a_staging_file", file=each.name, reason=str(exc))
        finally:
            connection.close()
    return found


def _named(path: Path, staging: str) -> list[Path]:
    """Return the files beside the target that are named like the new `staging` file."""
    return [
        found
        for found in path.parent.iterdir()
        if _STAGING.fullmatch(found.name) and found.name[:-8] == staging[:-8]
    ]


def _remove(staging: Path) -> None:
    """Remove a staging file, and the journal that SQLite had of it."""
    staging.unlink(missing_ok=True)
    for suffix in _SIDECARS:
        staging.with_name(staging.name + suffix).unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", timeout=0, uri=True)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as exc:  # a file broken off half-way is damaged, not locked
        return "locked" in str(exc)
    finally:
        connection.close()
    return False


def _is_staging(path: Path) -> bool:
    """Tell a staging file, at whatever step it was left, from a user's of the same name."""
    with path.open("rb") as file:
        header = file.read(_MARK_BYTES.stop)
    if not header or header[_MARK_BYTES] == MARK.to_bytes(4, "big"):
        return True
    if not header.startswith(MAGIC):
        return False
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:  # a finished one has lost its mark, and has the note
        return note(connection) is not None
    except sqlite3.Error as exc:
        log.debug("not_a_staging_file", file=path.name, reason=str(exc))
        return False
    finally:
        connection.close()
