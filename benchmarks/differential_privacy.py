"""How close copies with differential privacy are: 20,000 flights, each aircraft a unit.

    python benchmarks/differential_privacy.py --epsilon 1 3 10 --epochs 40

Prints for each epsilon the mean distance of the flights' columns and pairs of columns, beside two
disjoint samples of 20,000 real flights, and what independent columns without noise would reach.
``--declared`` has the codes of all airports and airlines as enumerations, which everybody knows.
``--planes`` learns the columns of the aircraft, too, from the same budget.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.data import FLIGHTS, _nycflights_tables
from synthohive import Column, ColumnKind, Metadata, PrivacyConfig, Synthesizer
from synthohive.metrics import column_pairs, column_scores

KNOWN = {"dest": "airports", "origin": "airports", "carrier": "airlines"}


def flights_of_aircraft(seed: int) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """Return two disjoint samples of flights whose aircraft is known, and the aircraft."""
    tables = _nycflights_tables()
    flights = tables["flights"]
    flights = flights.filter(pc.not_equal(pc.fill_null(flights["tailnum"], ""), ""))
    order = np.random.default_rng(seed).permutation(len(flights))
    sides = [flights.take(pa.array(np.sort(order[i : i + FLIGHTS]))) for i in (0, FLIGHTS)]
    return {**tables, "flights": sides[0]}, {**tables, "flights": sides[1]}


def described(tables: dict[str, pa.Table], declared: bool) -> Metadata:
    """Return the keys, and which columns have values that everybody knows."""
    metadata = Metadata().add_table("planes", "tailnum")
    metadata = metadata.add_table("flights", fk={"tailnum": "planes.tailnum"})
    config = metadata.tables["flights"]
    config.columns = config.described(tables["flights"].schema)
    if declared:
        for name, source in KNOWN.items():
            known = tables[source].column(0).to_pylist()
            # of the destinations, the list of airports lacks four in Puerto Rico and beyond
            values = sorted({*known, *(["BQN", "PSE", "SJU", "STT"] if name == "dest" else [])})
            config.columns[name] = Column(
                name=name, kind=ColumnKind.CATEGORICAL, enum_values=values, nullable=False
            )
    return metadata


def distances(metadata: Metadata, real: pa.Table, made: pa.Table) -> dict[str, object]:
    """Return mean distances of columns and pairs, and which are worst."""
    config = metadata.tables["flights"]
    columns = {n: c for n, c in config.columns.items() if n not in config.key_columns}
    scores = column_scores(real, made, columns)
    pairs = column_pairs(real, made, columns)
    worst = max(scores, key=lambda name: scores[name].worst)
    return {
        "column": float(np.mean([score.worst for score in scores.values()])),
        "pair": float(np.mean([pair.tvd for pair in pairs])),
        "worst column": f"{worst} {scores[worst].worst:.3f}",
        "worst pair": f"{pairs[0].a} ~ {pairs[0].b} {pairs[0].tvd:.2f}",
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0, 3.0, 10.0])
    parser.add_argument("--delta", type=float, default=1e-6)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--declared", action="store_true")
    parser.add_argument("--planes", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    real, other = flights_of_aircraft(1)
    metadata = described(real, args.declared)
    found: dict[str, object] = {"real": distances(metadata, real["flights"], other["flights"])}
    rng = np.random.default_rng(1)
    apart = {
        name: column.take(pa.array(rng.permutation(len(column))))
        for name, column in zip(real["flights"].column_names, real["flights"].columns)
    }
    found["independent"] = distances(metadata, real["flights"], pa.table(apart))
    for name, figures in found.items():
        print(name, figures, flush=True)
    planes = real["planes"] if args.planes else real["planes"].select(["tailnum"])
    for epsilon in args.epsilon:
        for seed in range(1, args.seeds + 1):
            started = time.perf_counter()
            privacy = PrivacyConfig(
                epsilon=epsilon, delta=args.delta, unit="planes", detect_pii=False, noise_seed=seed
            )
            synth = Synthesizer(metadata, privacy, model="autoregressive")
            synth.fit(
                {"planes": planes, "flights": real["flights"]},
                seed=seed,
                epochs=args.epochs,
                progress=False,
            )
            made = synth.sample(seed=seed, output_format="arrow")["flights"]
            figures = distances(metadata, real["flights"], made)
            figures["seconds"] = time.perf_counter() - started
            found[f"epsilon {epsilon:g}, seed {seed}"] = figures
            print(f"epsilon {epsilon:g}, seed {seed}", figures, flush=True)
            if epsilon == args.epsilon[0] and seed == 1:
                print(synth.privacy_ledger, flush=True)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
