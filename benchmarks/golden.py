"""The golden figures: what must not become worse while the code is rebuilt.

Fidelity of flights, TPC-H, the shop and the key shapes; speed of fitting and sampling; peak
memory; what a copy's catalogue and its source's do not share. Some ten minutes of two cores::

    python benchmarks/golden.py --json before.json
    python benchmarks/golden.py --json after.json --url postgresql://… --url mysql+pymysql://…
    python benchmarks/golden.py --compare before.json after.json

Each part and seed runs in a process of its own, by which its peak memory is known. Speed is
processor time beside that of a fixed piece of numpy work in the same process, so that runs
on a busy machine compare. A figure is worse if its mean is, by more than the seeds differ
among themselves.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from statistics import mean
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

Figures = dict[str, float]
SEEDS = {"flights": 3, "tpch": 2, "shop": 3, "shapes": 3, "speed": 2, "clones": 1}
# Where more is better; of all other figures, less is.
MORE = ("relations", "fit speed", "sample speed", "rows/s")
# What no two runs agree on, whatever the code: shares of the figure.
SLACK = {"speed": 0.15, "rows/s": 0.5, "MiB": 0.05}
LEAST = 0.002
"""Less than this is noise in a distance, even if the few seeds agree."""


def unit() -> float:
    """Return the processor seconds of work like that of a fit: sorts, products, a loop."""
    import numpy as np

    rng = np.random.default_rng(0)
    started = time.process_time()
    for _ in range(5):
        np.sort(rng.random(400_000))
        a = rng.random((300, 300), dtype=np.float32)
        np.linalg.norm(a @ a)
        sum({str(i): i for i in range(60_000)}.values())
    return time.process_time() - started


class Clock:
    """Processor time in units: those before and after."""

    def __enter__(self) -> Clock:
        gc.collect()
        gc.freeze()  # a sweep over all that was imported would take a third of a second, anywhere
        self._before = unit()
        self._started = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.process_time() - self._started
        self.units = self.seconds / mean([self._before, unit()])


def learned(
    synthesizer: Any, real: Any, seed: int, epochs: int, sample_size: int
) -> tuple[Any, Figures]:
    """Fit and sample; return the rows, and what that took."""
    figures: Figures = {}
    with Clock() as clock:
        synthesizer.fit(
            real, seed=seed, epochs=epochs, sample_size=sample_size, progress=False, n_jobs=1
        )
    figures["fit speed"] = 1_000 / clock.units
    figures["fit MiB"] = peak()
    with Clock() as clock:
        made = synthesizer.sample(seed=seed, output_format="arrow")
    figures["sample speed"] = sum(map(len, made.values())) / clock.units
    return made, figures


def scored(synthesizer: Any, real: Any, made: Any, held_out: Any = None) -> Figures:
    """Return the means over tables and keys of how far a copy is from the real rows."""
    from benchmarks.parts.violations import broken_relations
    from benchmarks.scores import database_score, with_columns

    score = database_score(with_columns(synthesizer.metadata, real), real, made, held_out)
    tables, keys = score.tables.values(), score.keys.values()
    broken = broken_relations(synthesizer, made)
    exceptions = broken_relations(synthesizer, real)  # what nearly holds has some in real rows, too
    return {
        "columns": known(t.column for t in tables),
        "pairs": known(t.pair for t in tables),
        "AUC": known(max(t.areas.values()) for t in tables if t.areas),
        "key pairs": known(k.pair for k in keys),
        "key AUC": known(k.area for k in keys),
        "fan-outs": known(k.fan_out for k in keys),
        "joint fan-outs": known(score.joint.values()),
        "orphans": float(sum(k.orphans for k in keys)),
        "rows off": max(abs(len(made[n]) - len(rows)) / len(rows) for n, rows in real.items()),
        "relations": float(len(broken)),
        "broken": known(abs(a.share - b.share) for a, b in zip(broken, exceptions)),
    }


def known(values: Iterable[float]) -> float:
    """Return the mean of what is known; 0 of nothing."""
    return mean([v for v in values if not isnan(v)] or [0.0])


def peak() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )


def public(name: str, seed: int, epochs: int, sample_size: int) -> Figures:
    """Measure a data set of the yardstick."""
    from benchmarks.data import DATASETS, Options
    from synthohive import PrivacyConfig, Synthesizer

    data = DATASETS[name](Options(seed=1))
    real = {n: rows.slice(0, 6_000) if name == "flights" else rows for n, rows in data.real.items()}
    synthesizer = Synthesizer(
        data.metadata, PrivacyConfig(detect_pii=False), model="autoregressive"
    )
    made, figures = learned(synthesizer, real, seed, epochs, sample_size)
    return {**figures, **scored(synthesizer, real, made)}


def shop(seed: int) -> Figures:
    """Measure the shop of the examples, persons and all, from its SQLite file."""
    import sqlite3

    import pyarrow as pa

    from synthohive import Synthesizer

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
    from shop import build_shop

    with tempfile.TemporaryDirectory() as folder:
        build_shop(Path(folder) / "shop.db", customers=500)
        synthesizer = Synthesizer.from_database(f"sqlite:///{folder}/shop.db")
        made, figures = learned(synthesizer, None, seed, 8, 5_000)
        real = {}
        with sqlite3.connect(Path(folder) / "shop.db") as connection:
            for name, rows in made.items():
                names = ", ".join(rows.column_names)
                found = list(zip(*connection.execute(f"SELECT {names} FROM {name}")))
                real[name] = pa.table(
                    [_typed(pa.array(values), field) for values, field in zip(found, rows.schema)],
                    schema=rows.schema,
                )
    return {**figures, **scored(synthesizer, real, made)}


def _typed(values: Any, field: Any) -> Any:
    """Return what SQLite holds as the type that it stands for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(field.type):
        return pc.round(values.cast("float64"), field.type.scale).cast(field.type, safe=False)
    return values.cast(field.type)


def shapes(seed: int) -> Figures:
    """Measure all key shapes: the means, and their facts."""
    from benchmarks.data import DATASETS, Options
    from benchmarks.shapes import SHAPES
    from synthohive import PrivacyConfig, Synthesizer

    found: list[Figures] = []
    for name in SHAPES:
        data = DATASETS[name](Options(seed=1, size=250))
        synthesizer = Synthesizer(
            data.metadata, PrivacyConfig(detect_pii=False), model="autoregressive"
        )
        made, figures = learned(synthesizer, data.real, seed, 6, 5_000)
        figures.update(scored(synthesizer, data.real, made))
        assert data.facts is not None
        real, copy = data.facts(data.real), data.facts(made)
        figures["wrong facts"] = sum(copy[n] for n in real if n.startswith("no "))
        figures["facts off"] = known(
            abs(real[n] - copy[n]) / max(abs(real[n]), abs(copy[n]), 0.1)
            for n in real
            if not n.startswith("no ")
        )
        found.append(figures)
    sums = ("orphans", "wrong facts", "relations")
    return {
        n: (sum if n in sums else mean)([f[n] for f in found])  # type: ignore[operator]
        for n in found[0]
    }


def speed(seed: int) -> Figures:
    """Measure sampling one wide table to a file, from a checkpoint, with each model."""
    from benchmarks.sampling import sample_checkpoint

    figures: Figures = {}
    for model in ("autoregressive", "ctgan"):
        with tempfile.TemporaryDirectory() as folder:
            script = str(Path(__file__).with_name("sampling.py"))
            fit = ["--fit-into", f"{folder}/fit", "--rows", "10000", "--epochs", "1"]
            subprocess.run([sys.executable, script, *fit, "--model", model], check=True)
            sample_checkpoint(Path(folder) / "fit", 0.1)  # imports are not to be timed
            with Clock() as clock:
                done = sample_checkpoint(Path(folder) / "fit", 20.0)
        figures[f"{model} sample speed"] = done["rows"] / clock.units
        figures[f"{model} rows/s"] = done["rows"] / done["seconds"]
        figures[f"{model} sample MiB"] = done["peak_mib"]
    return figures


def clones(seed: int) -> Figures:
    """Count differences of catalogues on SQLite, DuckDB and the servers in GOLDEN_URLS."""
    from benchmarks.clones import cloned

    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite:///{folder}/a.db", f"duckdb:///{folder}/a.duckdb"]
        for url in files + os.environ.get("GOLDEN_URLS", "").split():
            name = url.split(":")[0].split("+")[0]
            figures.update({f"{name} {what}": n for what, n in cloned(url, seed).items()})
    return figures


PARTS: dict[str, Callable[[int], Figures]] = {
    "flights": lambda seed: public("flights", seed, 12, 6_000),
    "tpch": lambda seed: public("tpch", seed, 3, 8_000),
    "shop": shop,
    "shapes": shapes,
    "speed": speed,
    "clones": clones,
}


def measured(part: str, urls: list[str]) -> dict[str, list[float]]:
    """Run a part for each of its seeds; return its figures."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = {**os.environ, **single, "GOLDEN_URLS": " ".join(urls)}
    found: dict[str, list[float]] = {}
    for seed in range(1, SEEDS[part] + 1):
        started = time.perf_counter()
        with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
            command = [sys.executable, __file__, part, "--seed", str(seed), "--json", file.name]
            subprocess.run(command, env=environment, check=True)
            for name, value in json.load(file).items():
                found.setdefault(f"{part}: {name}", []).append(value)
        print(f"{part}, seed {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    return found


def verdict(name: str, before: list[float], after: list[float]) -> str:
    """Say whether a figure changed by more than its seeds differ."""
    if before == after:
        return "same"
    slack = next((s for words, s in SLACK.items() if words in name), 0.0)
    exact = any(word in name for word in ("orphans", "differences"))
    spread = max(max(side) - min(side) for side in (before, after))
    noise = 0.0 if exact else max(spread, slack * abs(mean(before)), LEAST)
    change = (mean(after) - mean(before)) * (-1 if name.endswith(MORE) else 1)
    return "WORSE" if change > noise else "better" if change < -noise else "within noise"


def main() -> None:
    """Measure, or compare two files of figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none")
    parser.add_argument("--url", action="append", default=[], help="a server for clones")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.compare:
        before, after = (json.loads(path.read_text(encoding="utf-8")) for path in args.compare)
    elif args.seed:
        figures = PARTS[args.parts[0]](args.seed)
        args.json.write_text(json.dumps(figures), encoding="utf-8")
        return
    else:
        after = {}
        for part in args.parts or PARTS:
            after.update(measured(part, args.url))
            if args.json:
                args.json.write_text(json.dumps(after, indent=1), encoding="utf-8")
        before = after
    for name in [n for n in before if n in after]:
        sides = [before[name], after[name]] if args.compare else [after[name]]
        cells = "".join(f"{mean(s):>12.4g} ±{(max(s) - min(s)) / 2:<9.2g}" for s in sides)
        print(f"{name:<34}{cells}{verdict(name, *sides) if args.compare else ''}")


if __name__ == "__main__":
    main()
