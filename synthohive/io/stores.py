"""Folders of tables in a file system that this process reaches: this machine's, or a remote one.

A local file system and HDFS rename a folder in one step. Object stores rename nothing: what is put
there is whole when its last object is, so only what has a log of its own (Delta) may be replaced.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Optional, Union
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from synthohive.exceptions import ConnectorError, hide_secrets
from synthohive.io.lease import Lease

__all__ = ["RENAMING", "FolderLease", "Store", "overlapping", "spellings"]

_SCHEMES = {"s3a": "s3", "s3n": "s3", "abfs": "abfss"}
RENAMING = ("local", "hdfs")
"""File systems in which a folder takes another name in one step."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def _taken_apart(place: Union[str, os.PathLike[str]]) -> tuple[str, str]:
    """Return the scheme of a place, "" on this machine, and the rest: a whole path there."""
    text = os.fspath(place).rstrip("/") or "/"
    scheme = _SCHEME.match(text)
    if scheme is None:
        return "", os.path.abspath(text)
    if scheme[1] == "file":
        return "", os.path.abspath(unquote(urlsplit(text).path))
    return _SCHEMES.get(scheme[1], scheme[1]), text[len(scheme[0]) :]


def overlapping(one: Union[str, os.PathLike[str]], other: Union[str, os.PathLike[str]]) -> bool:
    """Whether one of two folders is the other or lies in it; neither has to be reached.

    Examples
    --------
    >>> overlapping("s3a://b/shop", "s3://b/shop/orders"), overlapping("/a/b", "file:///a/bc")
    (True, False)
    """
    (scheme, mine), (their_scheme, theirs) = _taken_apart(one), _taken_apart(other)
    if not scheme and not their_scheme:
        mine, theirs = os.path.realpath(mine), os.path.realpath(theirs)
    ends = f"{mine}/".startswith(f"{theirs}/") or f"{theirs}/".startswith(f"{mine}/")
    return scheme == their_scheme and ends


def spellings(place: Union[str, os.PathLike[str]]) -> tuple[str, ...]:
    """Return the ways in which catalogues write a place.

    Examples
    --------
    >>> spellings("/shop/orders")
    ('/shop/orders', 'file:/shop/orders', 'file:///shop/orders')
    """
    scheme, rest = _taken_apart(place)
    if not scheme:
        return rest, f"file:{rest}", f"file://{rest}"
    others = (other for other, plain in _SCHEMES.items() if plain == scheme)
    return tuple(f"{name}:{rest}" for name in (scheme, *others))


class Store:
    """One folder, and what is in it.

    Parameters
    ----------
    place : str or path
        A path of this machine, or a URI: ``s3://bucket/shop``, ``hdfs://…``, ``abfss://…``.

    Attributes
    ----------
    shown : str
        As errors name it.
    renames : bool
        Whether a folder takes another name in one step.

    Raises
    ------
    ConnectorError
        This process has no way to it.
    """

    def __init__(self, place: Union[str, os.PathLike[str]]) -> None:
        text = os.fspath(place).rstrip("/") or "/"
        scheme, rest = _taken_apart(text)
        self.local = not scheme
        if self.local:
            self._files, self._root = fs.LocalFileSystem(), rest
            self._said = text if _SCHEME.match(text) else rest
        else:
            self._said, named = text, f"{scheme}:{rest}"
            try:
                self._files, self._root = fs.FileSystem.from_uri(named)
            except (pa.ArrowException, OSError, ValueError) as exc:
                raise ConnectorError(
                    f"The folder {hide_secrets(text)!r} is not reached from here: "
                    f"{hide_secrets(str(exc)).splitlines()[0]}.",
                    hint="Write to tables of a catalogue, or to a folder that this process "
                    "reaches as well: it keeps two runs apart there.",
                ) from None
        self.shown = hide_secrets(self._said)
        self.renames = self._files.type_name in RENAMING

    def uri(self, *names: str) -> str:
        """Return how Spark is told of something in the folder."""
        return "/".join((self._said.rstrip("/"), *names))

    def show(self, *names: str) -> str:
        """Return how errors name something in the folder."""
        return hide_secrets(self.uri(*names))

    def at(self, *names: str) -> str:
        """Return how the file system is told of something in the folder."""
        return "/".join((self._root.rstrip("/"), *names))

    def make(self, *names: str) -> None:
        """Make a folder, with those above it."""
        self._files.create_dir(self.at(*names), recursive=True)

    def kind(self, *names: str) -> Optional[str]:
        """Return ``"file"`` or ``"folder"``; None if nothing is there."""
        type_ = self._files.get_file_info(self.at(*names)).type
        return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(type_)

    def names(self, *names: str) -> list[str]:
        """Return what is in a folder, or in one that is not there."""
        selector = fs.FileSelector(self.at(*names), allow_not_found=True)
        return sorted(info.base_name for info in self._files.get_file_info(selector))

    def read(self, *names: str) -> Optional[str]:
        """Return the text of a file; None if there is none."""
        if self.kind(*names) != "file":
            return None
        with self._files.open_input_stream(self.at(*names)) as file:
            return bytes(file.read()).decode("utf-8", "replace")

    def write(self, text: str, *names: str) -> None:
        """Write a file that appears whole: by a rename, or as an object does."""
        before = self.at(*names[:-1], f".{names[-1]}.new") if self.renames else self.at(*names)
        with self._files.open_output_stream(before) as file:
            file.write(text.encode("utf-8"))
        if self.renames:
            self._files.move(before, self.at(*names))

    def create(self, text: str, *names: str) -> bool:
        """Write a file where none is; return whether there was none.

        On this machine it is one step. Elsewhere the file is read again: of two runs that begin
        at the same moment, the last to write is the one whose text is there.
        """
        if self.local:
            try:
                handle = os.open(self.at(*names), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return False
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            return True
        if self.kind(*names) is not None:
            return False
        self.write(text, *names)
        return self.read(*names) == text

    def move(self, before: Iterable[str], after: Iterable[str]) -> None:
        """Give a folder another name, which nothing has."""
        self._files.move(self.at(*before), self.at(*after))

    def remove(self, *names: str) -> None:
        """Remove a file or a folder with all in it, if it is there."""
        found = self.kind(*names)
        if found == "folder":
            self._files.delete_dir(self.at(*names))
        elif found == "file":
            self._files.delete_file(self.at(*names))

    def digest(self, *names: str) -> str:
        """Return a sum of the names and sizes of all files in a folder.

        Files of one written table are never written to again, and their names are drawn: another
        file, or one of another length, is somebody else's work.
        """
        root = self.at(*names)
        selector = fs.FileSelector(root, recursive=True, allow_not_found=True)
        found = sorted(
            (info.path[len(root) :], info.size)
            for info in self._files.get_file_info(selector)
            if info.type == fs.FileType.File and not info.base_name.endswith(".crc")
        )
        return hashlib.sha256(repr(found).encode("utf-8", "surrogatepass")).hexdigest()

    def remove_empty(self) -> None:
        """Remove the folder itself, if nothing is in it."""
        if self.local:
            with suppress(OSError):
                os.rmdir(self._root)


class FolderLease(Lease):
    """A file in a folder, by which runs keep each other from writing to it; see the base class.

    Parameters
    ----------
    store : Store
    name : str
        The file's.
    clear : callable
        Removes the staging place of a run that has ended, by its name.
    """

    def __init__(self, store: Store, name: str, clear: Callable[[str], Any]) -> None:
        super().__init__(store.shown, name, (OSError, pa.ArrowException))
        self._store, self._clear = store, clear

    def create(self, text: str) -> bool:
        """See the base class."""
        return self._store.create(text, self.place)

    def read(self) -> Optional[str]:
        """See the base class."""
        return self._store.read(self.place)

    def renew(self, text: Callable[[datetime], str]) -> None:
        """See the base class."""
        if self.holds(self.read()):
            self._store.write(text(self.now()), self.place)

    def remove(self) -> None:
        """See the base class."""
        self._store.remove(self.place)

    def remove_staging(self, name: str) -> None:
        """See the base class."""
        self._clear(name)

    def now(self) -> datetime:
        """See the base class; stores have no clock that can be asked."""
        return datetime.now(timezone.utc)
