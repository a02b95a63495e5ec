"""How long each model trains many small tables, compared with ``autoregressive``.

A league of 13 tables of 100 to 3,000 rows, at the default number of epochs, on one core. Processor
time, since the machine may have other work; all models in turn, so that ratios are of one run::

    python benchmarks/small_tables.py --models ctgan tvae
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from synthohive import Metadata, Synthesizer

SIZES = {
    "parks": 100,
    "leagues": 140,
    "owners": 200,
    "teams": 250,
    "managers": 400,
    "players": 600,
    "awards": 600,
    "seasons": 1000,
    "salaries": 1200,
    "fielding": 1600,
    "pitching": 2000,
    "batting": 2500,
    "games": 3000,
}
PARENTS = {
    "managers": "teams",
    "awards": "players",
    "salaries": "players",
    "fielding": "players",
    "pitching": "players",
    "batting": "players",
    "seasons": "teams",
    "games": "teams",
}
"""Tables with a parent, of which their rows depend."""


def make_tables(seed: int = 0) -> dict[str, pd.DataFrame]:
    """Return the tables: a key, a parent, a level that the other nine columns depend on."""
    rng = np.random.default_rng(seed)
    tables: dict[str, pd.DataFrame] = {}
    for name, rows in SIZES.items():
        level = rng.integers(0, 4, rows)
        table = pd.DataFrame({"id": np.arange(rows)})
        if name in PARENTS:
            parent = tables[PARENTS[name]]
            own = rng.integers(0, len(parent), rows)
            table["parent_id"] = own
            above = parent["level"].to_numpy()[own]
            level = np.where(rng.random(rows) < 0.7, above, level)
        start = np.datetime64("2015-01-01") + (level * 400 + rng.integers(0, 500, rows)).astype(
            "m8[D]"
        )
        table["level"] = level
        table["wins"] = rng.poisson(3 + 4 * level)
        table["losses"] = rng.poisson(15 - 3 * level)
        table["rate"] = rng.beta(2 + level, 5, rows).round(3)
        table["salary"] = rng.lognormal(10 + level / 3, 0.4, rows).round(2)
        table["height"] = rng.normal(180 + 3 * level, 6, rows)
        table["side"] = np.where(rng.random(rows) < 0.2 + 0.15 * level, "left", "right")
        table["place"] = np.char.mod("P%02d", (level * 5 + rng.integers(0, 6, rows)))
        table["active"] = rng.random(rows) < 0.3 + 0.2 * level
        table["started_at"] = start.astype("M8[s]")
        tables[name] = table
    return tables


def make_metadata() -> Metadata:
    """Return the description of :func:`make_tables`."""
    metadata = Metadata()
    for name in SIZES:
        keys = {"parent_id": f"{PARENTS[name]}.id"} if name in PARENTS else {}
        metadata.add_table(name, "id", fk=keys)
    return metadata


def main() -> None:
    """Fit with each model; print seconds and the ratio to the first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="*", default=["ctgan", "tvae"])
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tables = make_tables()
    first = 0.0
    for model in ["autoregressive", *args.models]:
        synthesizer = Synthesizer(make_metadata(), model=model)
        started = time.process_time()
        synthesizer.fit(tables, epochs=args.epochs, seed=args.seed, progress=False, n_jobs=1)
        spent = time.process_time() - started
        first = first or spent
        print(f"{model:15} {spent:8.1f} s {spent / first:6.2f} times", flush=True)


if __name__ == "__main__":
    main()
