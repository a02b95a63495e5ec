"""What makes two fits the same: the record beside the models of one that is not finished."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa

from synthohive import _arguments as arguments
from synthohive._logging import get_logger
from synthohive._version import __version__
from synthohive.exceptions import RehearsalError, SerializationError, SynthoHiveError
from synthohive.learn.options import FitOptions
from synthohive.schema import Metadata
from synthohive.storage.components import read_json

__all__ = ["recorded", "recorded_fit"]

log = get_logger(__name__)

RECORD = "fit.json"
OPTIONS = (
    "seed", "sample_size", "epochs", "batch_size", "embedding_threshold", "relations", "device",
    "holdout",
)  # fmt: skip
SUMS = ("metadata", "rows")
"""What is recorded as a sum only."""


def _facts(
    options: FitOptions, metadata: Metadata, tables: Mapping[str, pa.Table]
) -> dict[str, Any]:
    """Return all that the fitted state follows from, in the form of JSON.

    The rows are one sum over all tables, so that no single value can be guessed by it.
    """
    rows = _Sum()
    for name, table in tables.items():
        rows.write(name.encode())
        with pa.ipc.new_stream(rows, table.schema) as stream:
            stream.write_table(table.combine_chunks(), max_chunksize=1 << 16)
    text = json.dumps({
        "synthohive": __version__,
        "model": f"{options.model.__module__}.{options.model.__qualname__}",
        **{name: getattr(options, name) for name in OPTIONS},
        **{f"model.{name}": value for name, value in options.model_kwargs.items()},
        **{f"privacy.{k}": v for k, v in options.privacy.model_dump(mode="json").items()},
        "metadata": hashlib.sha256(metadata.to_json().encode()).hexdigest(),
        "rows": rows.sums.hexdigest(),
    }, default=repr)  # fmt: skip
    facts: dict[str, Any] = json.loads(text)
    return facts


class _Sum(io.RawIOBase):
    """A file that keeps only the sum of what is written."""

    def __init__(self) -> None:
        self.sums = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sums.update(data)
        return len(data)


def recorded(folder: Path) -> Optional[dict[str, Any]]:
    """Return what is recorded of the unfinished fit in a folder, if there is one."""
    try:
        facts = dict(read_json(folder / RECORD))
        arguments.seed("seed", facts["seed"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, SynthoHiveError) as exc:
        raise SerializationError(
            f"The record of an unfinished fit in {str(folder)!r} cannot be read: {exc}",
            hint="Delete that folder to start over.",
        ) from exc
    return facts


def _is_new(folder: Path, facts: dict[str, Any]) -> bool:
    """Record a fit, or go on with the same one; return whether it is a new one."""
    before = recorded(folder)
    if before is not None:
        _compare(folder, before, facts)
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{RECORD}.draft"
        draft.write_text(json.dumps(facts, indent=2), encoding="utf-8")
        os.replace(draft, folder / RECORD)
    except OSError as exc:
        raise SerializationError(f"{str(folder)!r} cannot be written: {exc}") from exc
    return True


@contextmanager
def recorded_fit(
    options: FitOptions, metadata: Metadata, tables: Mapping[str, pa.Table]
) -> Iterator[None]:
    """Record a fit where its models are kept, if they are, until it has trained something.

    Parameters
    ----------
    options : FitOptions
        Says where models are kept; without such a folder, nothing is recorded.
    metadata : Metadata
    tables : mapping of str to pyarrow.Table
        The rows that the fit sees.

    Raises
    ------
    SerializationError
        The folder holds an unfinished fit of something else, or cannot be written.
    """
    folder = options.unfinished
    fresh = folder is not None and _is_new(folder, _facts(options, metadata, tables))
    try:
        yield
    except RehearsalError:
        if folder is not None and fresh:  # nothing was trained: the next fit may be another one
            _forget(folder)
        raise


def _forget(folder: Path) -> None:
    try:
        (folder / RECORD).unlink()
        folder.rmdir()
    except OSError as exc:  # the fit's own error is being raised
        log.warning("fit_record_remains", folder=str(folder), reason=exc.strerror)


def _compare(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    differ = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if not differ:
        return
    named = [
        f"the {name} differ"
        if name in SUMS
        else f"{name} was {before.get(name)!r}, now it is {now.get(name)!r}"
        for name in differ
    ]
    raise SerializationError(
        f"The unfinished fit in {str(folder)!r} is another one: {'; '.join(named)}.",
        hint="Fit as then to finish it, delete that folder to start over, or choose another "
        "checkpoint_dir.",
    )
