"""Files that are written for users: their names, and what they may replace."""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional

from synthohive._version import __version__
from synthohive._workspace import Workspace
from synthohive.exceptions import ConnectorError

__all__ = [
    "LEDGER",
    "FileIdentity",
    "OwnFiles",
    "check_if_exists",
    "check_replaceable",
    "digest",
    "file_names",
    "identity",
    "ledger_of",
    "with_listed",
    "write_whole",
]

LEDGER = "_synthohive.json"
LONGEST = 200
"""Bytes of a file's name before its suffix; file systems take 255 in all."""
_UNSAFE = frozenset('%<>:"/\\|?*\x7f')
_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))}


class FileIdentity(NamedTuple):
    """What makes two paths the same file, by whatever links and names they lead there."""

    device: int
    inode: int


def identity(path: Path) -> FileIdentity:
    """Return the identity of what a path leads to."""
    facts = path.stat()
    return FileIdentity(facts.st_dev, facts.st_ino)


def file_names(tables: Iterable[str]) -> dict[str, str]:
    """Return a file name for each table, without suffix; no two are the same on any system.

    What file systems do not take is written as in URLs (``%2F`` for a slash), which
    ``urllib.parse.unquote`` takes back. Where two names differ only by case or by how an accent
    is composed, these characters are written so, too. Only a name that is too long ends in a sum.

    Examples
    --------
    >>> file_names(["orders", "a/b", "a_b", "Tag", "tag"])
    {'orders': 'orders', 'a/b': 'a%2Fb', 'a_b': 'a_b', 'Tag': '%54ag', 'tag': 'tag'}
    """
    names = {table: _escaped(table, plain=False) for table in tables}
    alike: dict[str, list[str]] = {}
    for table, name in names.items():
        alike.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(table)
    for group in alike.values():
        if len(group) > 1:
            names.update({table: _escaped(table, plain=True) for table in group})
    return names


def _escaped(table: str, *, plain: bool) -> str:
    """Escape a name; `plain` leaves only lower-case ASCII as it is."""
    device = table.split(".", maxsplit=1)[0].strip(" ").casefold() in _DEVICES
    parts = []
    for position, character in enumerate(table):
        keep = character.isprintable() and character not in _UNSAFE
        if position == 0 and (device or character in "._~ "):  # hidden, or skipped by readers
            keep = False
        if position == len(table) - 1 and character == " ":
            keep = False
        if plain and (not character.isascii() or character.isupper()):
            keep = False
        data = character.encode("utf-8", "surrogatepass")
        parts.append(character if keep else "".join(f"%{byte:02X}" for byte in data))
    name = "".join(parts) or "%"
    if len(name.encode("utf-8", "surrogatepass")) <= LONGEST:
        return name
    digest = hashlib.sha256(table.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"%{digest}"


def check_if_exists(if_exists: Any) -> None:
    """Refuse a word that files do not know."""
    if not isinstance(if_exists, str) or if_exists not in ("fail", "replace"):
        raise ConnectorError(f'if_exists is {if_exists!r:.100}; it must be "fail" or "replace".')


class OwnFiles:
    """Files that are about to appear in a folder; what is not ours stays as it is.

    A ledger in the folder lists the sums of what was written: only a file that is in it, and
    was not changed since, is ever replaced.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        The files.
    if_exists : {"fail", "replace"}
    read : iterable of FileIdentity
        Files that were read, and folders of such.

    Raises
    ------
    ConnectorError
        A file is there and may not be replaced, or the folder belongs to what was read.
    """

    def __init__(
        self, folder: Path, names: Iterable[str], if_exists: str, read: Iterable[FileIdentity] = ()
    ) -> None:
        check_if_exists(if_exists)
        self.folder, self.names, self.replace = folder, list(names), if_exists == "replace"
        try:
            self._check(frozenset(read))
        except (OSError, ValueError) as exc:
            raise ConnectorError(
                f"The folder {str(folder)!r} cannot be written to: {exc}."
            ) from exc

    def _check(self, read: frozenset[FileIdentity]) -> None:
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise ConnectorError(f"{str(self.folder)!r} is not a folder.")
        above = next(p for p in (self.folder, *self.folder.absolute().parents) if p.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise ConnectorError(f"The folder {str(above)!r} cannot be written to.")
        for place in (self.folder.absolute(), *self.folder.absolute().parents):
            if place.exists() and identity(place.resolve()) in read:
                raise ConnectorError(f"{str(place)!r} holds what was read.", hint=_ELSEWHERE)
        ledger = self._ledger()
        for name in self.names:
            check_replaceable(
                self.folder / name,
                lambda place: digest(place) in ledger.get(place.name, []),
                "replace" if self.replace else "fail",
                read,
            )

    def _ledger(self) -> dict[str, list[str]]:
        return ledger_of(self._ledger_text(), "files", str(self.folder))

    def _ledger_text(self) -> Optional[str]:
        try:
            return (self.folder / LEDGER).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def staging(self) -> Workspace:
        """Return a folder on the same file system, to be left before long."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return Workspace(self.folder)

    def publish(self, parts: Mapping[str, Path]) -> None:
        """Put finished files from the staging folder in their places, each in one step.

        The ledger first lists both what is there and what comes: a kill in between leaves
        files that the next run knows.
        """
        before = self._ledger()
        fresh = {name: digest(part) for name, part in parts.items()}
        self._write_ledger({**before, **{n: [*before.get(n, []), s] for n, s in fresh.items()}})
        for name, part in parts.items():
            target = self.folder / name
            if self.replace:
                part.replace(target)
            else:
                _place_new(part, target)
        self._write_ledger({**before, **{name: [total] for name, total in fresh.items()}})

    def _write_ledger(self, files: Mapping[str, list[str]]) -> None:
        text = with_listed(self._ledger_text(), "files", files)
        with Workspace(self.folder) as staging:
            (staging / LEDGER).write_text(text, encoding="utf-8")
            (staging / LEDGER).replace(self.folder / LEDGER)


def ledger_of(text: Optional[str], kind: str, folder: str) -> dict[str, list[str]]:
    """Return what a ledger lists.

    Parameters
    ----------
    text : str, optional
        None where there is no ledger.
    kind : {"files", "folders"}
    folder : str
        As errors name the place.

    Raises
    ------
    ConnectorError
        Something else is in its place.

    Examples
    --------
    >>> ledger_of(with_listed(None, "files", {"a.csv": ["0f"]}), "files", "out")
    {'a.csv': ['0f']}
    """
    if text is None:
        return {}
    try:
        state = json.loads(text)
        listed = [state.get(key, {}) for key in ("files", "folders")]
        if not {"files", "folders"} & set(state):
            raise ValueError("it lists nothing")
        found = listed[("files", "folders").index(kind)]
        return {str(name): [str(s) for s in sums] for name, sums in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise ConnectorError(f"{folder + '/' + LEDGER!r} is not SynthoHive's.") from exc


def with_listed(text: Optional[str], kind: str, listed: Mapping[str, list[str]]) -> str:
    """Return a ledger in which what it lists of one kind is something else."""
    state = {} if text is None else json.loads(text)
    return json.dumps({**state, "synthohive": __version__, kind: dict(listed)}, indent=1)


_ELSEWHERE = "Choose another place."


def _place_new(part: Path, target: Path) -> None:
    """Give a file its name, unless one came to have it meanwhile."""
    try:
        os.link(part, target)
    except OSError as exc:
        if isinstance(exc, FileExistsError) or os.path.lexists(target):
            raise ConnectorError(f"The file {str(target)!r} appeared meanwhile.") from exc
        part.replace(target)  # on a file system without links


def digest(path: Path) -> str:
    """Return the SHA-256 sum of a file."""
    sums = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sums.update(block)
    return sums.hexdigest()


def check_replaceable(
    path: Path, ours: Callable[[Path], bool], if_exists: str, read: Iterable[FileIdentity] = ()
) -> None:
    """Refuse to write over a file; only one that is known to be ours may be replaced.

    Parameters
    ----------
    path : Path
    ours : callable
        Says whether a run wrote the file that is there.
    if_exists : {"fail", "replace"}
    read : iterable of FileIdentity
        Files that were read, which are never replaced.

    Raises
    ------
    ConnectorError
    """
    check_if_exists(if_exists)
    try:
        if not os.path.lexists(path):
            return
        if path.is_dir():
            raise ConnectorError(
                f"SynthoHive did not make {str(path)!r}, which is a folder.",
                hint="Choose another place, or name a file in it.",
            )
        if path.exists() and identity(path) in frozenset(read):
            raise ConnectorError(f"{str(path)!r} is what was read.", hint=_ELSEWHERE)
        if if_exists == "fail":
            raise ConnectorError(
                f"The file {str(path)!r} exists.",
                hint='Choose another place, or pass if_exists="replace".',
            )
        if not path.is_file() or path.is_symlink() or not ours(path):
            raise ConnectorError(
                f"SynthoHive did not make the file {str(path)!r}, or it was changed since.",
                hint=_ELSEWHERE,
            )
    except (OSError, ValueError) as exc:
        raise ConnectorError(f"The file {str(path)!r} cannot be written: {exc}.") from exc


def write_whole(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all.

    Raises
    ------
    ConnectorError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with Workspace(path.parent) as staging:
            (staging / "text").write_text(text, encoding="utf-8")
            (staging / "text").replace(path)
    except (OSError, ValueError) as exc:
        raise ConnectorError(f"The file {str(path)!r} cannot be written: {exc}.") from exc
