"""The folder of a checkpoint: replaced in one step, and only where it is one.

Components lie in a folder that is named after their content. A new checkpoint is written beside
the old one, the manifest, which says what counts, is replaced in one step, and only then does the
old content go. So there is no moment without a whole checkpoint, and the folder itself, which may
be a mount point or be reached by a link, stays what it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Union

from synthohive._files import digest
from synthohive._logging import get_logger
from synthohive._workspace import PREFIX, Workspace, hold
from synthohive.exceptions import SerializationError
from synthohive.storage.components import check_size, read_json

__all__ = [
    "MANIFEST",
    "check_place",
    "content_of",
    "put",
    "read_manifest",
    "FORMAT",
    "sum_of",
    "unfinished_in",
    "verified",
]

FORMAT = 26
MANIFEST = "manifest.json"
CONTENT = "content-"
OWN = f".{PREFIX}"
_CONTENT = re.compile(rf"{CONTENT}[0-9a-f]{{24}}")
HARMLESS = ("lost+found", ".DS_Store")
"""What systems themselves put into folders."""
PathLike = Union[str, os.PathLike[str]]
log = get_logger(__name__)


def unfinished_in(path: PathLike) -> Path:
    """Return the folder of a checkpoint directory in which a fit keeps what it has trained."""
    return Path(path) / f"{OWN}unfinished"


def check_place(path: PathLike) -> None:
    """Refuse a place that holds anything but a whole checkpoint, finished or not.

    Raises
    ------
    SerializationError
        Naming what is there.
    """
    target = Path(path)
    try:
        _check_place(target)
    except (OSError, ValueError) as exc:
        raise SerializationError(f"The place {str(target)!r} cannot be looked at: {exc}") from exc


def _check_place(target: Path) -> set[Path]:
    """Return what of a checkpoint is there; see :func:`check_place`."""
    if not os.path.lexists(target):
        above = next(p for p in target.absolute().parents if os.path.lexists(p))
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise SerializationError(f"No folder can be made in {str(above)!r}.")
        return set()
    if not target.is_dir():
        raise _foreign(target, "it is not a folder" if target.exists() else "it is a broken link")
    if not os.access(target, os.W_OK):
        raise SerializationError(f"The folder {str(target)!r} cannot be written to.")
    ours = {p for p in target.glob(f"{CONTENT}*") if _left_over(p)}
    there = {p for p in target.iterdir() if not p.name.startswith(OWN)} - ours
    there -= {target / name for name in HARMLESS}
    if not there:
        return ours
    if target / MANIFEST not in there:
        raise _foreign(target, f"it holds {min(there).name!r}")
    try:
        ours |= {target / Path(name).parts[0] for name in verified(target)["files"]}
    except SerializationError as exc:
        reason = exc.message.rstrip(".")
        raise _foreign(target, f"its {MANIFEST} is not that of a whole one: {reason}") from exc
    foreign = there - ours - {target / MANIFEST}
    if foreign:
        raise _foreign(target, f"it also holds {min(foreign).name!r}")
    return ours


def _foreign(target: Path, reason: str) -> SerializationError:
    return SerializationError(
        f"{str(target)!r} exists and is not a SynthoHive checkpoint: {reason}.",
        hint="Choose a new directory.",
    )


def _left_over(folder: Path) -> bool:
    """Whether a folder is the content of a checkpoint: its name is the sum of what it holds."""
    if not _CONTENT.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
        return False
    return folder.name == _name(_sums(folder))


def put(path: PathLike, write: Callable[[Path], None], facts: dict[str, Any]) -> Path:
    """Write a checkpoint, or replace one.

    Parameters
    ----------
    path : path
    write : callable
        Writes all components into an empty folder.
    facts : dict
        Of the manifest.

    Raises
    ------
    SerializationError
        The place holds something else, is being written to, or cannot be.
    """
    check_place(path)
    target = Path(path)
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _alone(target), Workspace(target) as staging:
            content = staging / "content"
            content.mkdir()
            write(content)
            _replace(target, staging, content, facts, _check_place(target))
    except SerializationError:
        raise
    except Exception as exc:  # what writes weights has errors of its own for a full disk
        if made and not any(target.iterdir() if target.is_dir() else ()):
            target.rmdir()
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
        raise SerializationError(
            f"The checkpoint {str(target)!r} cannot be written: {reason}."
        ) from exc
    return target


def _replace(
    target: Path, staging: Path, content: Path, facts: dict[str, Any], old: set[Path]
) -> None:
    sums = _sums(content)
    final = target / _name(sums)
    files = {f"{final.name}/{file}": digest for file, digest in sums.items()}
    manifest = staging / MANIFEST
    text = json.dumps({**facts, "format": FORMAT, "content": final.name, "files": files}, indent=2)
    manifest.write_text(text, encoding="utf-8")
    for file in (*content.rglob("*"), content, manifest):
        _sync(file)
    if not final.exists():
        content.rename(final)
    elif not _left_over(final):
        raise _foreign(target, f"{final.name!r} was changed")
    _sync(target)
    manifest.replace(target / MANIFEST)
    _sync(target)
    try:  # what goes lies in the folder that is removed, now or by the next run
        for number, path in enumerate(sorted({*old, unfinished_in(target)} - {final})):
            if os.path.lexists(path):
                path.rename(staging / f"old{number}")
    except OSError as exc:
        log.warning("old_checkpoint_not_removed", folder=str(target), reason=str(exc))


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep other processes from writing to the same checkpoint."""
    if os.name == "nt":  # folders cannot be opened there
        yield
        return
    descriptor = os.open(target, os.O_RDONLY)
    try:
        if not hold(descriptor):
            raise SerializationError(f"Another process is writing to {str(target)!r}.")
        yield
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sum_of(folder: Path) -> str:
    """Return one sum over all files of a folder, and their names."""
    return _sum(_sums(folder))


def _sum(sums: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def _name(sums: dict[str, str]) -> str:
    return CONTENT + _sum(sums)[:24]


def _sums(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    return {p.relative_to(folder).as_posix(): _digest(p) for p in files}


def _digest(path: Path) -> str:
    if not stat.S_ISREG(path.lstat().st_mode):
        return ""
    check_size(path)
    return digest(path)


def content_of(folder: Path, manifest: dict[str, Any]) -> Path:
    """Return the folder of the components.

    Raises
    ------
    SerializationError
        The checkpoint is of a former version, or its manifest names no folder in it.
    """
    name = manifest.get("content")
    if not isinstance(name, str) or not name.startswith(CONTENT) or Path(name).name != name:
        raise SerializationError(
            f"Component {MANIFEST!r} names no content, or is of an earlier version.",
            hint="Fit again.",
        )
    return folder / name


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest, whose form is then as it should be.

    Raises
    ------
    SerializationError
    """
    try:
        manifest: Any = read_json(folder / MANIFEST)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise SerializationError(
            f"{str(folder)!r} is not a SynthoHive checkpoint: it has no {MANIFEST}."
        ) from exc
    except OSError as exc:
        raise SerializationError(f"Component {MANIFEST!r} cannot be read: {exc}") from exc
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(version, int) or not isinstance(manifest.get("synthohive"), str):
        raise SerializationError(f"Component {MANIFEST!r} is not that of a checkpoint.")
    if version > FORMAT:
        raise SerializationError(
            f"The checkpoint has format {version}; this version reads up to {FORMAT}.",
            hint=f"It was written by SynthoHive {manifest['synthohive']:.20}: upgrade to that.",
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(s, str) for s in files.values()):
        raise SerializationError(f"Component {MANIFEST!r} is damaged: it lists no files.")
    return dict(manifest)


def verified(folder: Path) -> dict[str, Any]:
    """Return the manifest, once all it lists is there and unchanged, and nothing else.

    Raises
    ------
    SerializationError
        Naming the component.
    """
    manifest = read_manifest(folder)
    files: dict[str, str] = manifest["files"]
    for name, expected in files.items():
        _check_file(folder, name, expected)
    for place in {folder / Path(name).parts[0] for name in files if "/" in name}:
        for path in place.rglob("*"):
            within = path.is_dir() and not path.is_symlink()
            if not within and path.relative_to(folder).as_posix() not in files:
                raise SerializationError(f"{str(path)!r} is no component of the checkpoint.")
    return manifest


def _check_file(folder: Path, name: str, expected: str) -> None:
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise SerializationError(f"Component {name!r} leads out of the checkpoint.")
    place = folder
    for part in parts:
        place = place / part
        try:
            kind = place.lstat().st_mode
        except OSError as exc:
            raise SerializationError(f"Component {name!r} is missing.") from exc
        if not stat.S_ISDIR(kind) and not stat.S_ISREG(kind):
            raise SerializationError(f"Component {name!r} leads out of the checkpoint.")
    if not stat.S_ISREG(kind):
        raise SerializationError(f"Component {name!r} is no file.")
    try:
        found = _digest(place)
    except OSError as exc:
        raise SerializationError(f"Component {name!r} cannot be read: {exc.strerror}.") from exc
    if found != expected:
        raise SerializationError(
            f"Component {name!r} is damaged or was changed: its SHA-256 sum differs.",
            hint="Restore the checkpoint from a copy, or fit again.",
        )
