"""How near filled cells come to those that were taken out, beside values drawn at random.

::

    python benchmarks/imputing.py flights --share 0.1

Prints, for each column: the share of cells that stay empty; for numbers and times the median
error in standard deviations, for others the share of hits.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.data import DATASETS, Options
from synthohive import PrivacyConfig, Synthesizer


def main() -> None:
    """Take cells out of each data set, fill them, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", choices=[*DATASETS])
    parser.add_argument("--share", type=float, default=0.1, help="of the cells, taken out")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--scale", type=float, default=0.01, help="of TPC-H")
    parser.add_argument("--size", type=int, default=1_000, help="parents of each shape")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name in args.datasets:
        data = DATASETS[name](Options(args.seed, args.scale, args.size))
        real = {table: rows.to_pandas() for table, rows in data.real.items()}
        synthesizer = Synthesizer(
            data.metadata, PrivacyConfig(detect_pii=False), model="autoregressive"
        )
        synthesizer.fit(data.real, seed=args.seed, epochs=args.epochs, progress=False)
        rng = np.random.default_rng(args.seed)
        learned = {
            n: [c for c in t.attributes if c not in t.config.key_columns]
            for n, t in synthesizer.fitted_.tables.items()
            if t.encoder is not None
        }
        lost = {
            n: {c: (rng.random(len(real[n])) < args.share) & real[n][c].notna() for c in columns}
            for n, columns in learned.items()
        }
        holes = {
            n: frame.assign(**{c: frame[c].where(~m) for c, m in lost.get(n, {}).items()})
            for n, frame in real.items()
        }
        started = time.perf_counter()
        made = synthesizer.impute(holes, seed=args.seed)
        print(f"{name}: {time.perf_counter() - started:.1f} s")
        for table, columns in lost.items():
            for column, mask in columns.items():
                score = _score(real[table], made[table], column, mask, rng)
                print(f"  {f'{table}.{column}':<32} {score}", flush=True)


def _score(
    real: pd.DataFrame, made: pd.DataFrame, column: str, mask: Any, rng: np.random.Generator
) -> str:
    known = real[column].dropna()
    if not mask.any():
        return "-"
    truth, found = real[column][mask], made[column][mask]
    chance = pd.Series(rng.choice(known.to_numpy(), len(truth)), index=truth.index)
    empty = f"empty {found.isna().mean():.4f}"
    if pd.api.types.is_bool_dtype(known) or not (
        pd.api.types.is_numeric_dtype(known) or pd.api.types.is_datetime64_any_dtype(known)
    ):
        hits = [(truth.astype(str) == other.astype(str)).mean() for other in (found, chance)]
        return f"{empty}  hits  {hits[0]:.3f}  at random {hits[1]:.3f}"
    values = [pd.to_numeric(s[found.notna()]).astype("float64") for s in (truth, found, chance)]
    spread = max(float(pd.to_numeric(known).astype("float64").std()), 1e-12)
    errors = [(other - values[0]).abs().median() / spread for other in values[1:]]
    return f"{empty}  error {errors[0]:.3f}  at random {errors[1]:.3f}"


if __name__ == "__main__":
    main()
