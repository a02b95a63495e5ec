"""Saving and loading a fitted database: a directory of JSON, ``.npz``, safetensors, Parquet.

Nothing is ever unpickled, so that a checkpoint from a stranger cannot run code. A
manifest names each file with its SHA-256 sum; loading verifies all of them first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional, Union

from synthohive._version import __version__
from synthohive.core.models import resolve_model
from synthohive.core.models.base import ConditionalGenerativeModel
from synthohive.exceptions import SerializationError, SynthoHiveError
from synthohive.relational.fitted import FittedDatabase
from synthohive.relational.plan import RelationalPlan
from synthohive.relational.state import read_table, write_table
from synthohive.schema import Metadata, PrivacyConfig

__all__ = ["check_place", "load_checkpoint", "save_checkpoint", "unfinished_in"]

FORMAT = 1
MANIFEST = "manifest.json"
OWN = ".synthohive-"
PathLike = Union[str, os.PathLike[str]]


def unfinished_in(path: PathLike) -> Path:
    """Return the folder of a checkpoint directory in which a fit keeps what it has trained."""
    return Path(path) / f"{OWN}unfinished"


def check_place(path: PathLike) -> None:
    """Refuse a place that holds something other than a checkpoint, finished or not.

    Raises
    ------
    SerializationError
    """
    target = Path(path)
    if not target.exists():
        return
    names = {p.name for p in target.iterdir()} if target.is_dir() else {target.name}
    if MANIFEST not in names and not all(name.startswith(OWN) for name in names):
        raise SerializationError(
            f"{str(target)!r} exists and is not a SynthoHive checkpoint.",
            hint="Choose a new directory.",
        )


def save_checkpoint(fitted: FittedDatabase, path: PathLike) -> Path:
    """Write a checkpoint directory, atomically; nothing unfinished is left in it.

    Raises
    ------
    SerializationError
        `path` exists and is no checkpoint, or cannot be written.
    """
    check_place(path)
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=OWN, dir=target.parent) as folder:
            staging = Path(folder) / "checkpoint"
            staging.mkdir()
            _write(fitted, staging)
            if target.exists():
                shutil.move(str(target), str(Path(folder) / "old"))
            os.replace(staging, target)
    except OSError as exc:
        raise SerializationError(
            f"The checkpoint {str(target)!r} cannot be written: {exc}"
        ) from exc
    return target


def _write(fitted: FittedDatabase, folder: Path) -> None:
    (folder / "metadata.json").write_text(fitted.metadata.to_json(), encoding="utf-8")
    (folder / "privacy.json").write_text(fitted.privacy.model_dump_json(), encoding="utf-8")
    names = list(fitted.tables)
    for number, name in enumerate(names):
        place = folder / "tables" / f"{number:04d}"
        place.mkdir(parents=True)
        write_table(fitted.tables[name], place)
    manifest = {
        "format": FORMAT,
        "synthohive": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "model": fitted.model_name,
        "seed": fitted.seed,
        "embedding_threshold": fitted.embedding_threshold,
        "tables": names,
        "findings": [vars(f) for f in fitted.findings],
        "files": {
            str(p.relative_to(folder).as_posix()): _digest(p)
            for p in sorted(folder.rglob("*"))
            if p.is_file()
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        sums = hashlib.sha256()
        for part in iter(lambda: file.read(1 << 20), b""):
            sums.update(part)
    return sums.hexdigest()


def load_checkpoint(
    path: PathLike, model: Optional[type[ConditionalGenerativeModel]] = None
) -> FittedDatabase:
    """Verify and read a checkpoint directory.

    Parameters
    ----------
    path : path
    model : type, optional
        The class of a custom model; built-in models are found by name.

    Raises
    ------
    SerializationError
        A component is missing, damaged, tampered with, or newer than this version.
    """
    folder = Path(path)
    manifest = _manifest(folder)
    _verify(folder, manifest)
    with _component("metadata.json"):
        metadata = Metadata.from_json(folder / "metadata.json")
    with _component("privacy.json"):
        text = (folder / "privacy.json").read_text(encoding="utf-8")
        privacy = PrivacyConfig.model_validate_json(text)
    with _component(MANIFEST):
        kind = model if model is not None else resolve_model(manifest["model"])
        findings = [_finding(f) for f in manifest["findings"]]
    tables = {}
    for number, name in enumerate(manifest["tables"]):
        with _component(f"tables/{number:04d} ({name})"):
            place = folder / "tables" / f"{number:04d}"
            tables[name] = read_table(metadata.tables[name], place, kind)
    with _component("plan"):
        plan = RelationalPlan.build(metadata, {n: t.rows for n, t in tables.items()})
    return FittedDatabase(
        metadata,
        plan,
        tables,
        privacy,
        manifest["model"],
        manifest["seed"],
        manifest["embedding_threshold"],
        findings,
    )


def _finding(state: dict[str, Any]) -> Any:
    from synthohive.privacy.detect import PiiFinding

    return PiiFinding(**state)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = int(manifest["format"])
    except FileNotFoundError as exc:
        raise SerializationError(
            f"{str(folder)!r} is not a SynthoHive checkpoint: it has no {MANIFEST}."
        ) from exc
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SerializationError(f"Component {MANIFEST!r} is damaged: {exc}") from exc
    if version > FORMAT:
        raise SerializationError(
            f"The checkpoint has format {version}; this version reads up to {FORMAT}.",
            hint=f"It was written by SynthoHive {manifest.get('synthohive')}: upgrade to that.",
        )
    return dict(manifest)


def _verify(folder: Path, manifest: dict[str, Any]) -> None:
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise SerializationError(f"Component {MANIFEST!r} is damaged: it lists no files.")
    for name, expected in files.items():
        place = folder / name
        if folder.resolve() not in place.resolve().parents:
            raise SerializationError(f"Component {name!r} leads out of the checkpoint.")
        if not place.is_file():
            raise SerializationError(f"Component {name!r} is missing.")
        if _digest(place) != expected:
            raise SerializationError(
                f"Component {name!r} is damaged or was changed: its SHA-256 sum differs.",
                hint="Restore the checkpoint from a copy, or fit again.",
            )


@contextmanager
def _component(name: str) -> Iterator[None]:
    """Turn whatever goes wrong while reading a component into an error that names it."""
    try:
        yield
    except SerializationError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        SynthoHiveError,
    ) as exc:
        raise SerializationError(f"Component {name!r} cannot be read: {exc}") from exc
