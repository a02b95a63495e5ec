"""A lock on a target, in engines that have none: a place with a fixed name, which one run can make.

A connection's locks go with it; a place stays when its run is killed. So its text says whose it
is, and the run renews it each minute: what nobody has renewed for :data:`LASTS` is taken over, and
so is, at once, what a process of this machine has that lives no more. Whoever loses it so, asleep
for as long, is told before it publishes.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

from synthohive._logging import get_logger
from synthohive.ddl.statements import fit_identifier
from synthohive.exceptions import ConnectorError
from synthohive.io.base import NoPlaceError
from synthohive.io.staging import busy_error

__all__ = ["LASTS", "LOCK_MARK", "Lease", "is_left", "lock_name", "staging_text"]

log = get_logger(__name__)
LOCK_MARK = "__synthohive_lock"
LASTS = timedelta(minutes=10)
_EACH = 60.0  # seconds after which it is renewed
_TRIES = 3
_PATIENCE = 30.0  # seconds for a renewal under way, which may wait for a server that is gone
_LONGEST_RUN = timedelta(days=2)  # of a statement, after which warehouses end it


def lock_name(target: str, limit: int, *, in_bytes: bool = True) -> str:
    """Return the name of the place that is the lock of a target, in capitals if that is.

    Examples
    --------
    >>> lock_name("SHOP", 255), lock_name("shop", 200)
    ('SHOP__SYNTHOHIVE_LOCK', 'shop__synthohive_lock')
    """
    name = fit_identifier(target, limit - len(LOCK_MARK), in_bytes=in_bytes)
    return f"{name}{LOCK_MARK.upper() if target.isupper() else LOCK_MARK}"


def staging_text(target: str, *, rehearsal: bool) -> str:
    """Return what stands at a staging place, by which a later run knows what is left of it."""
    began = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return json.dumps({"synthohive_staging_of": target, "began": began, "rehearsal": rehearsal})


def is_left(text: Any, target: str, now: datetime, *, locked: bool = True) -> bool:
    """Whether a staging place is what a run left of a target.

    Where its lock is ours, no other run lives but rehearsals, which take none: what they left is
    known by its age, as all is of an engine that has no lock.

    Examples
    --------
    >>> text = staging_text("shop", rehearsal=True)
    >>> now = datetime.now(timezone.utc)
    >>> is_left(text, "shop", now), is_left(text, "shop", now + timedelta(days=3))
    (False, True)
    >>> is_left(staging_text("shop", rehearsal=False), "shop", now), is_left("", "shop", now)
    (True, False)
    """
    found = _facts(text, "synthohive_staging_of")
    if found is None or found["synthohive_staging_of"] != target:
        return False
    by_age = found.get("rehearsal") or not locked
    return not by_age or now - _moment(found.get("began")) > _LONGEST_RUN


class Lease(ABC):
    """The lock on one target; an engine says how its place is made, read and removed.

    Parameters
    ----------
    target : str
        As errors name it.
    place : str
        The name of the place that is the lock.
    errors : tuple of type of exception
        What the engine raises.
    """

    def __init__(self, target: str, place: str, errors: tuple[type[BaseException], ...]) -> None:
        self.target, self.place, self.errors = target, place, errors
        self._mine: dict[str, str] = {}
        self._ended = threading.Event()
        self._renewer: Optional[threading.Thread] = None

    @abstractmethod
    def create(self, text: str) -> bool:
        """Make the place with its text, in one step; return whether it was not there."""

    @abstractmethod
    def read(self) -> Optional[str]:
        """Return the text of the place; None if it is not there."""

    @abstractmethod
    def renew(self, text: Callable[[datetime], str]) -> None:
        """Change the text of the place to one of the moment, from any thread."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the place, if it is there."""

    @abstractmethod
    def remove_staging(self, name: str) -> None:
        """Remove the staging place of a run that has ended."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the moment by the engine's clock."""

    def take(self, staging: str) -> None:
        """Take the lock, from a run that has ended, too.

        Parameters
        ----------
        staging : str
            The place that is removed with the lock, should this run be killed.

        Raises
        ------
        NoPlaceError
            Another run has it, or something else stands in the way.
        """
        began = self.now().isoformat(timespec="seconds")
        self._mine = {
            "synthohive_lock_of": self.target, "token": secrets.token_hex(8), "staging": staging,
            "host": socket.gethostname(), "pid": str(os.getpid()), "process": this_process(),
            "began": began, "seen": began,
        }  # fmt: skip
        for _ in range(_TRIES):
            if self.create(json.dumps(self._mine)):
                self._renewer = threading.Thread(target=self._renewing, name="lease", daemon=True)
                self._renewer.start()
                return
            self._take_over()
        raise busy_error(self.target)

    def _take_over(self) -> None:
        """Remove the lock of a run that has ended; refuse that of one that may live."""
        text = self.read()
        if text is None:
            return
        held = _facts(text, "synthohive_lock_of")
        if held is None:
            self._mine = {}
            raise NoPlaceError(
                f"{self.place!r} is there, and no run of SynthoHive made it: by this name runs "
                f"keep each other from writing {self.target!r} at the same time.",
                hint="Rename or drop it, or name another target.",
            )
        lives, age = is_running(held.get("process", "")), self.now() - _moment(held.get("seen"))
        if lives or (lives is None and age < LASTS):
            self._mine = {}
            seen = f", seen {max(int(age.total_seconds()), 0)} s ago"
            raise busy_error(self.target, f" ({_who(held)}{seen})")
        log.warning("stale_lock_removed", target=self.target, holder=_who(held))
        self.remove_staging(held.get("staging", ""))
        self.remove()

    def _renewing(self) -> None:
        mine = dict(self._mine)

        def seen(now: datetime) -> str:
            return json.dumps({**mine, "seen": now.isoformat(timespec="seconds")})

        while not self._ended.wait(_EACH):
            try:
                self.renew(seen)
            except self.errors as exc:  # the next one may succeed; `confirm` sees what became of it
                log.warning("lock_not_renewed", target=self.target, reason=type(exc).__name__)

    def holds(self, text: Optional[str]) -> bool:
        """Whether what stands at the place is this run's lock."""
        held, mine = _facts(text, "synthohive_lock_of"), self._mine.get("token")
        return held is not None and mine is not None and held.get("token") == mine

    def confirm(self) -> None:
        """Refuse to go on if the lock has gone to another run.

        Raises
        ------
        ConnectorError
        """
        held = _facts(self.read(), "synthohive_lock_of") if self._mine else {}
        if self._mine and (held is None or held.get("token") != self._mine["token"]):
            who = _who(held) if held else "somebody"
            self._mine = {}
            raise ConnectorError(
                f"This run's lock on the target {self.target!r} was taken over by {who}: it had "
                f"not been renewed for {int(LASTS.total_seconds() / 60)} minutes.",
                hint="Nothing was changed. Run again when the other run has ended.",
            )

    def release(self) -> None:
        """Let go of the lock; what fails is logged, and the lock ends by itself."""
        self._ended.set()
        if self._renewer is not None:  # what it writes late would be a lock that nobody holds
            self._renewer.join(_PATIENCE)
        try:
            if self._mine and self.holds(self.read()):
                self.remove()
        except self.errors as exc:
            log.warning("lock_remains", place=self.place, reason=type(exc).__name__)
        self._mine = {}


def _facts(text: Any, kind: str) -> Optional[Mapping[str, Any]]:
    """Return what a text of ours says; None of another."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) and kind in found else None


def _moment(text: Any) -> datetime:
    """Return a moment; one long ago of what is none."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return datetime(1970, 1, 1, tzinfo=timezone.utc)


def _who(held: Mapping[str, Any]) -> str:
    return f"process {held.get('pid')} on {held.get('host')}, since {held.get('began')}"


def this_process() -> str:
    """Return what tells this process from all others; "" where a system does not tell.

    A machine's name and a number would be those of a process in another container, too.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')} {os.getpid()} {_start(os.getpid())}"
    except OSError:
        return ""


def is_running(process: str) -> Optional[bool]:
    """Whether a process runs; None if that cannot be told from here.

    Examples
    --------
    >>> is_running("of another machine") is None
    True
    """
    here, parts = this_process().split(), process.split()
    if len(here) != 4 or len(parts) != 4 or here[:2] != parts[:2]:
        return None
    try:
        return _start(int(parts[2])) == parts[3]
    except (OSError, ValueError):
        return False


def _start(pid: int) -> str:
    """Return when a process began: numbers of processes are used again."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]  # a zombie has ended
