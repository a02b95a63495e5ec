"""Run a dbt project on the demo shop, then, unchanged, on its synthetic copy.

Run by ``make demo-dbt``; needs no server and no network. Every dbt command is printed: it can
be typed in ``examples/dbt_shop`` as it stands.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from load import load

from dbt_synthohive import build

PROJECT = Path(__file__).resolve().parent
SYNTHETIC = "--target synthetic --vars '{synthohive_schemas: {raw: raw_synthetic}}'"


def main() -> int:
    """Load, build on the real source, synthesize, build on the synthetic one, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--customers", type=int, default=3000)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    warehouse = args.output.absolute() / "shop.duckdb"
    os.environ["DBT_SHOP_DUCKDB"] = str(warehouse)
    started = time.perf_counter()

    _title("1. A shop in DuckDB: nine raw tables without declared keys")
    load(warehouse, customers=args.customers)

    _title("2. The dbt project on the real tables")
    dbt("deps")
    dbt("build --target real --exclude tag:synthetic")

    _title("3. A synthetic copy of the source, and its tests in the warehouse")
    result = build(
        PROJECT, "raw_synthetic", select="raw", target="real", seed=42, epochs=args.epochs
    )
    print(result)

    _title("4. The same project, unchanged, on the synthetic tables")
    dbt(f"build {SYNTHETIC} --exclude tag:synthetic")

    _title("5. How far the marts are apart")
    marts = "{reference: analytics, candidate: analytics_synthetic}"
    dbt(f"run-operation synthohive.profile_drift --args '{marts}'")
    print(f"\nDone in {time.perf_counter() - started:.0f} s. The warehouse: {warehouse}")
    return 0


def dbt(command: str) -> None:
    """Run a dbt command in the project, showing it and what it came to."""
    print(f"$ dbt {command}", flush=True)
    verb, *options = shlex.split(command)
    quiet = [] if verb == "build" else ["--quiet"]  # its last line counts what passed
    run = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--no-use-colors", *quiet]
    done = subprocess.run(
        [*run, verb, *options], cwd=PROJECT, check=False, stdout=subprocess.PIPE, text=True
    )
    lines = done.stdout.rstrip().splitlines()
    failed = done.returncode != 0
    print("\n".join(lines if failed or quiet else lines[-1:]))
    if failed:
        raise SystemExit(f"dbt {verb} failed")


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
