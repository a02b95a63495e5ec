"""Checkpoints made to do harm: components changed on purpose, with sums that fit."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import random
import resource
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from synthohive import ConnectorError, ConstraintViolationError, SerializationError, Synthesizer

VALUES: list[Any] = [
    None, True, -1, 0, 3, 10**12, 10**30, -(10**15), 0.5, float("nan"), float("inf"), -1e300, "",
    "x", "\0", "../../x", "9" * 200, [], {}, [[]], [None], {"x": 1},
]  # fmt: skip
SECONDS = 10.0
ROOM = 3 << 30
"""Bytes that a load may take beside what the process has."""


class TooLong(BaseException):
    """Neither an answer nor an error in time."""


@contextmanager
def bounded() -> Iterator[None]:
    """Bound time and memory of a block."""

    def stop(*_: Any) -> None:
        raise TooLong

    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, limits[1]))
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, handler)


def seal(folder: Path) -> None:
    """Write the sums of what is there into the manifest."""
    place = folder / "manifest.json"
    manifest = json.loads(place.read_text(encoding="utf-8"))
    manifest["files"] = {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p != place
    }
    place.write_text(json.dumps(manifest), encoding="utf-8")


def leaves(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a JSON document."""
    if path:
        yield path
    items: Any = ()
    if isinstance(state, dict):
        items = state.items()
    elif isinstance(state, list):
        items = list(enumerate(state))[:3]  # more of the same tells no more
    for key, value in items:
        yield from leaves(value, (*path, key))


def put(state: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a document with one part replaced, or taken out where the value is `put`."""
    changed = copy.deepcopy(state)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if value is put:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def of_json(data: bytes, rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield changed documents, each with what was changed."""
    state = json.loads(data)
    paths = list(leaves(state))
    yield "nested", b"[" * 200_000
    yield "digits", b"[" + b"9" * 5_000_000 + b"]"
    yield "other", b"[1]"
    for _ in range(count):
        path, value = rng.choice(paths), rng.choice([*VALUES, put])
        yield (
            f"{path} = {'gone' if value is put else repr(value)[:30]}",
            json.dumps(put(state, path, value)).encode(),
        )


def of_bytes(data: bytes, rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield truncated and flipped bytes."""
    yield "empty", b""
    yield "noise", rng.randbytes(1000)
    for _ in range(count):
        at = rng.randrange(len(data))
        yield f"cut at {at}", data[:at]
        yield (
            f"flip at {at}",
            data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :],
        )


def of_arrays(data: bytes, rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield archives of other arrays, and such that unpack to more than memory holds."""
    with np.load(io.BytesIO(data)) as file:
        arrays = {name: file[name] for name in file.files}
    changes: list[Callable[[Any], Any]] = [
        lambda a: a[:0], lambda a: np.zeros((2, 2)), lambda a: a.astype("U"),
        lambda a: np.array(None, dtype=object), lambda a: np.full(a.shape, np.nan),
        lambda a: np.full(a.shape, -1), lambda a: np.full(a.shape, 2**40),
        lambda a: np.concatenate([a, a]) if a.ndim else a, lambda a: a.astype("c8"),
    ]  # fmt: skip
    for _ in range(count):
        name = rng.choice(list(arrays))
        number = rng.randrange(len(changes))
        out = io.BytesIO()
        try:
            changed: dict[str, Any] = {**arrays, name: changes[number](arrays[name])}
        except (TypeError, ValueError):  # texts are no numbers
            continue
        np.savez_compressed(out, **changed)
        yield f"{name} change {number}", out.getvalue()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        shape = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
        np.lib.format.write_array_header_1_0(header, shape)
        archive.writestr("bomb.npy", header.getvalue() + bytes(50_000_000))
    yield "bomb", bomb.getvalue()


def of_weights(data: bytes, rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield weights that are no numbers, or of other shapes."""
    from safetensors.numpy import load, save

    tensors = load(data)
    for _ in range(count):
        name = rng.choice(list(tensors))
        kind = rng.choice(["nan", "gone", "short", "inf", "huge"])
        changed = dict(tensors)
        values = changed.pop(name)
        if kind in ("nan", "inf", "huge") and values.dtype.kind == "f" and values.size:
            number = {"nan": np.nan, "inf": np.inf, "huge": 1e30}[kind]
            changed[name] = np.full_like(values, number)
        elif kind == "short":
            changed[name] = np.ascontiguousarray(values.reshape(-1)[: values.size // 2])
        yield f"{name} {kind}", save(changed)
    yield "header", (10**15).to_bytes(8, "little") + data[8:]


def mutations(
    folder: Path, seed: int, count: int, part: str = ""
) -> Iterator[tuple[str, str, bytes]]:
    """Yield ``(component, change, bytes)`` of the components whose path has `part`."""
    rng = random.Random(seed)
    for place in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, data = place.relative_to(folder).as_posix(), place.read_bytes()
        if part not in name:
            continue
        kinds = [of_bytes]
        if place.suffix == ".json":
            kinds.append(of_json)
        elif place.suffix == ".npz":
            kinds.append(of_arrays)
        elif place.suffix == ".safetensors":
            kinds.append(of_weights)
        for kind in kinds:
            factor = 4 if kind is of_json and place.name == "table.json" else 1
            for change, mutated in kind(
                data, rng, count * factor // (4 if kind is of_bytes else 1)
            ):
                yield name, change, mutated


def outcome(folder: Path) -> str:
    """Load, and draw a few rows; return what came of it."""
    started = time.perf_counter()
    try:
        with bounded():
            loaded = Synthesizer.load(folder)
            roots = {n: 5 for n, t in loaded.fitted_.plan.tables.items() if t.driver is None
                     and loaded.fitted_.tables[n].reference is None}  # fmt: skip
            made = loaded.sample(num_rows=roots, seed=1, output_format="arrow")
            if sum(map(len, made.values())) > 100_000:
                return "a flood of rows"
    except ConstraintViolationError:  # rows that were drawn, but not handed out
        return ""
    except ConnectorError as exc:
        return "" if "GB free" in str(exc) else f"ConnectorError: {exc}"
    except SerializationError as exc:
        return "" if "omponent" in str(exc) or "heckpoint" in str(exc) else f"unnamed: {exc}"
    except TooLong:
        return "too long"
    except BaseException as exc:
        return f"{type(exc).__name__}: {str(exc)[:150]}"
    return "" if time.perf_counter() - started < SECONDS else "too long"


def campaign(folder: Path, seed: int, count: int, part: str = "") -> tuple[int, list[str]]:
    """Try many changes, one at a time; return their number and what went wrong."""
    tried, wrong = 0, []
    for name, change, data in list(mutations(folder, seed, count, part)):
        place, manifest = folder / name, folder / "manifest.json"
        whole, sums = place.read_bytes(), manifest.read_bytes()
        place.write_bytes(data)
        if place != manifest:
            seal(folder)
        found = outcome(folder)
        tried += 1
        if found:
            wrong.append(f"{Path(*Path(name).parts[-3:])}: {change} -> {found}")
        place.write_bytes(whole)
        manifest.write_bytes(sums)
    return tried, wrong
