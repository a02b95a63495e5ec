"""Temporary folders that outlive no process for long.

A folder is locked by the process that works in it. What is not locked belongs to a process that
was killed, and the next one removes it: on the machine's own file systems a lock ends with its
holder, however it ends, and holds across containers, where a process number would say nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Union

from synthohive._logging import get_logger
from synthohive.exceptions import ConnectorError

try:
    import fcntl as _fcntl
except ImportError:  # Windows: nothing is locked there, hence nothing is swept
    _fcntl = None  # type: ignore[assignment]

fcntl: Any = _fcntl

__all__ = ["PREFIX", "Workspace", "hold", "sweep"]

PREFIX = "synthohive-"
MARK = ".in-use"
YOUNG = 60.0
"""Seconds for which an empty folder may be one that is just being made."""
_TRIES, _BETWEEN = 20, 0.05
"""How often, and seconds after which, removal is tried again."""

log = get_logger(__name__)


class Workspace:
    """A private temporary folder, removed when the block is left, or by the next run.

    Parameters
    ----------
    folder : path, optional
        Where to make it; the system's temporary folder if None. There, its name starts
        with a dot.

    Attributes
    ----------
    path : Path

    Raises
    ------
    ConnectorError
        No folder can be made there.
    """

    def __init__(self, folder: Union[str, os.PathLike[str], None] = None) -> None:
        place = Path(tempfile.gettempdir() if folder is None else folder)
        sweep(place)
        prefix = PREFIX if folder is None else f".{PREFIX}"
        self._owner = os.getpid()
        self._lock: Optional[int] = None
        while self._lock is None:  # another process may sweep a folder that is not yet locked
            try:
                self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
                self._lock = _locked(self.path)
            except OSError as exc:
                other = "set TMPDIR to" if folder is None else "choose"
                raise ConnectorError(
                    f"No temporary folder can be made in {str(place)!r}: {exc.strerror}.",
                    hint=f"Make room there, or {other} another folder.",
                ) from exc

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Remove the folder; a forked child leaves it to the process that made it."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if os.getpid() == self._owner:
            _remove_for_good(self.path)
        os.close(lock)

    def __del__(self) -> None:
        self.cleanup()


def _locked(folder: Path) -> Optional[int]:
    """Lock a folder that was just made; None if it was swept away meanwhile."""
    try:
        mark = os.open(folder / MARK, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileNotFoundError:
        return None
    if hold(mark) and (folder / MARK).exists():
        return mark
    os.close(mark)
    return None


def hold(descriptor: int, *, unsure: bool = True) -> bool:
    """Lock an open file or folder until it is closed; False if another process has it locked.

    Where there are no locks, somebody may have it: the answer is `unsure`.
    """
    if fcntl is None:
        return unsure
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as exc:  # a file system without locks
        log.debug("no_file_locks", reason=str(exc))
        return unsure
    return True


def sweep(place: Path) -> None:
    """Remove the folders in `place` that processes of this user left when they were killed."""
    if fcntl is None:
        return
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        for entry in os.scandir(place):
            if entry.name.startswith((PREFIX, f".{PREFIX}")) and _left(entry):
                log.info("leftover_removed", folder=entry.path)


def _left(entry: os.DirEntry[str]) -> bool:
    """Remove a folder if it is ours, marked, and its process is gone; say whether.

    Links are not followed: whoever may write to the temporary folder could plant them.
    """
    try:
        facts = entry.stat(follow_symlinks=False)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
            return False
        try:
            mark = os.open(os.path.join(entry.path, MARK), os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            if facts.st_mtime < time.time() - YOUNG:
                os.rmdir(entry.path)  # fails where somebody keeps something in it
            return False
        try:
            if not hold(mark, unsure=False):
                return False
            _remove(Path(entry.path))
            return True
        finally:
            os.close(mark)
    except OSError as exc:  # another process sweeps as well, or it may not be removed
        log.debug("leftover_not_removed", folder=entry.path, reason=str(exc))
        return False


def _remove_for_good(folder: Path) -> None:
    """Remove a folder in which a process that is just ending may still write or rename a file."""
    for _ in range(_TRIES):
        with suppress(OSError):
            _remove(folder)
            return
        time.sleep(_BETWEEN)
    log.debug("folder_remains", folder=str(folder))  # the next run tries again


def _remove(folder: Path) -> None:
    """Remove a folder, its mark last: what is broken off goes on in the next run."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    (folder / MARK).unlink(missing_ok=True)
    folder.rmdir()
