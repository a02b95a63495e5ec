"""Speed and memory of sampling: rows/s on one core, and peak memory at scale 10 against 1.

Each measurement runs in a process of its own that only loads a checkpoint and samples to
Parquet, so neither training nor an earlier run is counted::

    python benchmarks/sampling.py --rows 100000 --scales 1 10
    python -m benchmarks.sampling --personal  # made-up values, by kind and strategy
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def make_table(rows: int, seed: int = 0) -> Any:
    """Return a table of 16 columns: a key, numbers, decimals, dates, categories, text."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    level = rng.integers(0, 4, rows)
    start = np.datetime64("2020-01-01T00:00:00") + rng.integers(0, 10**8, rows).astype("m8[s]")
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": rng.normal(40, 12, rows).round().clip(18, 95).astype("int64"),
            "income": rng.lognormal(10, 0.6, rows).round(2),
            "score": rng.beta(2, 5, rows),
            "visits": rng.poisson(3 + 2 * level),
            "balance": np.where(level > 2, rng.normal(5000, 900, rows), rng.normal(100, 40, rows)),
            "ratio": rng.random(rows),
            "height": rng.normal(172, 9, rows),
            "segment": np.array(["a", "b", "c", "d"])[level],
            "country": rng.choice(
                ["DE", "FR", "IT", "ES", "NL"], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05]
            ),
            "active": rng.random(rows) < 0.7,
            "grade": rng.integers(1, 7, rows),
            "started_at": start,
            "day": start.astype("M8[D]").astype("M8[s]"),
            "code": np.char.mod("C%02d", rng.integers(0, 60, rows)),
            "note": pd.array(rng.choice(["ok", "late", None], rows), dtype="object"),
        }
    )


def fit_checkpoint(folder: Path, rows: int, epochs: int, model: str) -> None:
    """Train on the table and save the checkpoint."""
    from synthohive import Metadata, Synthesizer

    table = make_table(rows)
    synthesizer = Synthesizer(Metadata().add_table("t", "id"), model=model)
    synthesizer.fit({"t": table}, epochs=epochs, seed=1, progress=False)
    synthesizer.save(folder)


def sample_checkpoint(folder: Path, scale: float) -> dict[str, float]:
    """Sample at a scale to a file; return rows, seconds and peak memory in MiB."""
    import pyarrow.parquet as pq
    import torch

    from synthohive import Synthesizer

    torch.set_num_threads(1)
    synthesizer = Synthesizer.load(folder)
    before = _peak_mib()
    with tempfile.TemporaryDirectory() as output:
        started = time.perf_counter()
        paths = synthesizer.sample(output_format="parquet", output_path=output, scale=scale, seed=1)
        seconds = time.perf_counter() - started
        rows = pq.read_metadata(paths["t"]).num_rows
    return {"rows": rows, "seconds": seconds, "peak_mib": _peak_mib(), "before_mib": before}


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _in_own_process(arguments: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        env={**os.environ, **ONE_CORE},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def main() -> None:
    """Train once, sample at each scale, print the speed and the ratio of the peaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--model", default="ctgan")
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--fit-into", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sample-from", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--personal", action="store_true", help="made-up values per second")
    args = parser.parse_args()
    if args.personal:
        from benchmarks.parts.personal_speed import speeds

        for kind, strategy, speed in speeds():
            print(f"{kind:<22}  {strategy:<18}  {speed:>13,.0f} values/s")
        return
    if args.fit_into:
        fit_checkpoint(args.fit_into, args.rows, args.epochs, args.model)
        return
    if args.sample_from:
        print(json.dumps(sample_checkpoint(args.sample_from, args.scales[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = str(Path(folder) / "checkpoint")
        _in_own_process(
            ["--fit-into", checkpoint, "--rows", str(args.rows)]
            + ["--epochs", str(args.epochs), "--model", args.model]
        )
        results = [
            json.loads(_in_own_process(["--sample-from", checkpoint, "--scales", str(scale)]))
            for scale in args.scales
        ]
    print(f"{'scale':>7}  {'rows':>11}  {'seconds':>8}  {'rows/s':>10}  {'peak MiB':>9}")
    for scale, found in zip(args.scales, results):
        speed = found["rows"] / found["seconds"]
        print(
            f"{scale:>7g}  {found['rows']:>11,}  {found['seconds']:>8.2f}  {speed:>10,.0f}"
            f"  {found['peak_mib']:>9.0f}"
        )
    ratio = results[-1]["peak_mib"] / results[0]["peak_mib"]
    print(f"Peak memory at scale {args.scales[-1]:g} / scale {args.scales[0]:g}: {ratio:.2f}")


if __name__ == "__main__":
    main()
