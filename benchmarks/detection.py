"""How well a classifier tells the synthetic database from the real one, and whether keys hold.

Fits in memory, samples, and prints for each table the mean column distance, the mean pair
distance, and the classifier two-sample test (area under the curve, 0.5 is best): on the rows
alone, beside aggregates of their children, and beside their parents::

    python benchmarks/detection.py flights tpch nycflights --model autoregressive --epochs 40

``flights`` is a random 20,000 rows of one table, with a real holdout beside as the floor.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import sysconfig
import tempfile
import time
from itertools import combinations
from pathlib import Path
from statistics import mean

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from sqlalchemy import MetaData

sys.path.insert(0, str(Path(__file__).parents[1]))

from synthohive import ForeignKey, Metadata, PrivacyConfig, Synthesizer
from synthohive.validation.association import comparable_columns, pair_tvd
from synthohive.validation.detection import c2st, with_children, with_parents
from synthohive.validation.metrics import column_distance, fan_out_histogram, fan_out_ks
from tests.integration.datasets import nycflights_frames
from tests.integration.nycflights_schema import nycflights_schema
from tests.integration.tpch_schema import tpch_schema

Tables = dict[str, pa.Table]
FLIGHTS = 20_000


def main() -> None:
    """Run the benchmark on each data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", choices=["flights", "tpch", "nycflights"])
    parser.add_argument("--model", default="autoregressive")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--sample-size", type=int, default=50_000)
    parser.add_argument("--scale", type=float, default=0.01, help="of TPC-H")
    parser.add_argument("--no-relations", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name in args.datasets:
        holdout: Tables = {}
        if name == "flights":
            real, holdout, metadata = flights(args.seed)
        else:
            real, metadata = tpch(args.scale) if name == "tpch" else nycflights()
        if holdout:
            compare("real holdout", metadata, real, holdout)
        run(name, metadata, real, args)


def flights(seed: int) -> tuple[Tables, Tables, Metadata]:
    """Return two disjoint random samples of the flights, without the aircraft."""
    whole = nycflights()[0]["flights"].drop_columns(["tailnum"])
    order = np.random.default_rng(seed).permutation(len(whole))
    halves = [whole.take(pa.array(order[i : i + FLIGHTS])) for i in (0, FLIGHTS)]
    return {"flights": halves[0]}, {"flights": halves[1]}, Metadata().add_table("flights")


def nycflights() -> tuple[Tables, Metadata]:
    """Return the five tables, typed."""
    tables = {}
    for name, frame in nycflights_frames().items():
        sink = io.BytesIO()
        pc.write_csv(frame, sink)
        sink.seek(0)
        tables[name] = pc.read_csv(sink)
    return tables, described(nycflights_schema())


def tpch(scale: float) -> tuple[Tables, Metadata]:
    """Return the eight TPC-H tables."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
        subprocess.run(
            [str(program), "parquet", "-s", str(scale), "-o", folder],
            check=True, capture_output=True,
        )  # fmt: skip
        names = list(tpch_schema().tables)
        tables = {name: pq.read_table(Path(folder) / f"{name}.parquet") for name in names}
    for name, table in tables.items():
        plain = [
            pa.field(f.name, pa.string()) if "string" in str(f.type) else f for f in table.schema
        ]
        tables[name] = table.cast(pa.schema(plain))
    return tables, described(tpch_schema())


def described(schema: MetaData) -> Metadata:
    """Return the keys of SQLAlchemy tables."""
    metadata = Metadata()
    for table in schema.sorted_tables:
        keys = [
            ForeignKey(
                columns=[e.parent.name for e in key.elements],
                parent=key.referred_table.name,
                parent_columns=[e.column.name for e in key.elements],
            )
            for key in table.foreign_key_constraints
        ]
        primary = [column.name for column in table.primary_key]
        metadata.add_table(table.name, primary, foreign_keys=keys)
    return metadata


def run(name: str, metadata: Metadata, real: Tables, args: argparse.Namespace) -> None:
    """Fit, sample, and compare."""
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model=args.model)
    started = time.perf_counter()
    synthesizer.fit(
        real,
        seed=args.seed,
        epochs=args.epochs,
        sample_size=args.sample_size,
        relations=not args.no_relations,
        progress=False,
    )
    fitted = time.perf_counter()
    made = synthesizer.sample(seed=args.seed, output_format="arrow")
    sampled = time.perf_counter()
    rows = sum(len(t) for t in made.values())
    print(
        f"{name}, {args.model}: fitted in {fitted - started:.0f} s, "
        f"{rows:,} rows in {sampled - fitted:.1f} s"
    )
    for table, relations in synthesizer.relations.items():
        for relation in relations:
            print(f"    {table}: {relation}")
    compare(name, synthesizer.metadata, real, made)


def compare(name: str, metadata: Metadata, real: Tables, made: Tables) -> None:
    """Print a line per table and per key."""
    print(f"  {name:<14}     rows  column    pair    AUC +child +parent")
    for table, config in metadata.tables.items():
        columns = {n: c for n, c in config.columns.items() if n not in config.key_columns}
        if not columns:  # described only by its data
            columns = _columns(real[table])
            config.columns = columns
        known = comparable_columns(real[table], columns)
        distances = [
            column_distance(c, real[table][c.name], made[table][c.name]).worst for c in known
        ]
        pairs = [pair_tvd(real[table], made[table], a, b) for a, b in combinations(known, 2)]
        areas = [c2st(real[table], made[table], columns)]
        for beside in (with_children, with_parents):
            (a, more), (b, _) = (beside(side, metadata, table) for side in (real, made))
            areas.append(c2st(a, b, more) if len(more) > len(columns) else float("nan"))
        cells = " ".join(f"{a:>6.3f}" for a in areas)
        print(
            f"  {table:<14} {len(made[table]):>8,} {mean(distances or [0]):>7.4f} "
            f"{mean(pairs or [0]):>7.4f} {cells}"
        )
    for child, key in metadata.foreign_keys():
        gap = fan_out_ks(*(
            fan_out_histogram(s[child], key.columns, s[key.parent], key.parent_columns)
            for s in (real, made)
        ))  # fmt: skip
        print(f"    fan-out KS {gap:.4f}  {key.label(child)}")


def _columns(table: pa.Table) -> dict[str, object]:
    from synthohive._arrow import column_from_arrow

    return {field.name: column_from_arrow(field) for field in table.schema}


if __name__ == "__main__":
    main()
