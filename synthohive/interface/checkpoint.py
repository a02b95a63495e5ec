"""Saving and loading a fitted database: a directory of JSON, ``.npz``, safetensors, Parquet.

Nothing is ever unpickled, so that a checkpoint from a stranger cannot run code. A
manifest names each file with its SHA-256 sum; loading verifies all of them first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Optional, TypeVar, Union

from synthohive import _arguments as arguments
from synthohive._version import __version__
from synthohive.exceptions import SerializationError
from synthohive.interface.checkpoint_folder import (
    FORMAT,
    MANIFEST,
    content_of,
    put,
    read_manifest,
    verified,
)
from synthohive.learn.damage import check_sizes, check_table
from synthohive.learn.fitted import FittedDatabase
from synthohive.learn.table_files import read_table, write_table
from synthohive.models import resolve_model
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.schema import Metadata, PrivacyConfig
from synthohive.schema.plan import RelationalPlan
from synthohive.storage.codec import Packed, pack, unpack
from synthohive.storage.components import read_json

__all__ = ["load_checkpoint", "read_content", "save_checkpoint", "write_content"]

Described = TypeVar("Described", Metadata, PrivacyConfig)
PathLike = Union[str, os.PathLike[str]]


DATABASE = "database.json"
ELSEWHERE = ("metadata", "plan", "tables", "privacy", "loaded", "rehearsed")
"""What of a fitted database is not in its own component."""


def save_checkpoint(fitted: FittedDatabase, path: PathLike) -> Path:
    """Write a checkpoint directory, atomically; nothing unfinished is left in it.

    Raises
    ------
    SerializationError
        `path` exists and is no checkpoint, or cannot be written.
    """
    facts = {
        "synthohive": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "model": fitted.model_name,  # this and the seed are told to people; nothing reads them
        "seed": fitted.seed,
    }
    return put(path, partial(write_content, fitted), facts)


def write_content(fitted: FittedDatabase, folder: Path) -> None:
    """Write all components into an empty folder."""
    state = {"tables": list(fitted.tables), **pack(fitted, without=ELSEWHERE).state}
    (folder / DATABASE).write_text(json.dumps(state, indent=2), encoding="utf-8")
    for name, described in (("metadata", fitted.metadata), ("privacy", fitted.privacy)):
        (folder / f"{name}.json").write_text(described.model_dump_json(indent=2), encoding="utf-8")
    for number, table in enumerate(fitted.tables.values()):
        place = folder / "tables" / f"{number:04d}"
        place.mkdir(parents=True)
        write_table(table, place)


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
        A component is missing, damaged, tampered with, or of another format than this version's.
    """
    folder = Path(path)
    while True:
        with _component(MANIFEST):
            before = read_manifest(folder)
        try:
            return _loaded(folder, model)
        except SerializationError:
            with _component(MANIFEST):
                if before == read_manifest(folder):
                    raise  # else another process has saved meanwhile


def _loaded(folder: Path, model: Optional[type[ConditionalGenerativeModel]]) -> FittedDatabase:
    with _component(MANIFEST):
        manifest = verified(folder)
        if manifest["format"] < FORMAT:
            raise SerializationError(
                f"The checkpoint has format {manifest['format']}; this version reads {FORMAT}.",
                hint=f"Fit again, or use SynthoHive {manifest['synthohive']:.20}, which wrote it.",
            )
        content = content_of(folder, manifest)
    return read_content(content, model)


def read_content(
    content: Path, model: Optional[type[ConditionalGenerativeModel]] = None
) -> FittedDatabase:
    """Read what :func:`write_content` wrote.

    Parameters
    ----------
    content : path
    model : type, optional
        The class of a custom model.

    Raises
    ------
    SerializationError
        Naming the component that cannot be read.
    """
    with _component(DATABASE):
        state = read_json(content / DATABASE)
        names = unpack(list[str], Packed(state.pop("tables")))
        kind = resolve_model(state["model_name"]) if model is None else model
    with _component("metadata.json"):
        metadata = _described(Metadata, content / "metadata.json")
        if sorted(names) != sorted(metadata.tables):
            raise ValueError("it names other tables")
        metadata.validate_schema()
        for name, config in metadata.tables.items():
            if name != config.name or not all(c.arrow_type for c in config.stored.values()):
                raise ValueError(f"table {name!r:.100} is described as {config.name!r:.100}")
    with _component("privacy.json"):
        privacy = _described(PrivacyConfig, content / "privacy.json")
    tables = {}
    for number, table in enumerate(names):
        with _component(f"tables/{number:04d} ({table})"):
            place = content / "tables" / f"{number:04d}"
            tables[table] = read_table(metadata.tables[table], place, kind)
            check_table(tables[table])
    with _component(DATABASE):
        for name in ("seed", "embedding_threshold"):
            arguments.whole(name, state.get(name), 0)
        plan = RelationalPlan.build(metadata, {n: t.rows for n, t in tables.items()})
        fitted = unpack(
            FittedDatabase, Packed(state), metadata=metadata, plan=plan, tables=tables,
            privacy=privacy, loaded=True, rehearsed=False,
        )  # fmt: skip
        check_sizes(fitted)
    return fitted


def _described(kind: type[Described], path: Path) -> Described:
    """Read a description with all its fields."""
    return unpack(kind, Packed(read_json(path)))


@contextmanager
def _component(name: str) -> Iterator[None]:
    """Turn whatever goes wrong while reading a component into an error that names it.

    What was made to do harm can raise anything, and more than the code knows of.
    """
    try:
        yield
    except SerializationError as exc:
        if name == MANIFEST or exc.message.startswith("Component"):
            raise
        raise SerializationError(
            f"Component {name!r} cannot be read: {exc.message:.500}", hint=exc.hint
        ) from exc
    except Exception as exc:
        reason = f"{type(exc).__name__}: {exc}"
        raise SerializationError(f"Component {name!r} cannot be read: {reason:.500}") from exc
