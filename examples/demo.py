"""Synthesize the demo shop database, and say how close the copy is.

Run by ``make demo``; needs no server and no network.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pyarrow as pa
from sqlalchemy import create_engine

from shop import build_shop
from synthohive import Metadata, Synthesizer
from synthohive.connectors.sql import SqlWarehouse
from synthohive.privacy.detect import describe


def main() -> None:
    """Build, learn, generate, write, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--customers", type=int, default=3000)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    source = args.output / "shop.db"
    rows = build_shop(source, customers=args.customers)
    _title(f"1. A shop database: {len(rows)} tables, {sum(rows.values()):,} rows in {source}")

    synthesizer = Synthesizer.from_database(f"sqlite:///{source}")
    print(synthesizer.metadata)

    _title("2. Learning it")
    synthesizer.fit(seed=42, epochs=args.epochs)
    print(describe(synthesizer.personal_data))

    _title("3. Writing the synthetic database")
    target = args.output / "shop_synthetic.db"
    print(synthesizer.to_database(f"sqlite:///{target}", seed=7, if_exists="replace"))

    _title("4. Comparing the two")
    metadata = synthesizer.metadata
    report = synthesizer.generate_validation_report(
        tables_of(source, metadata),
        tables_of(target, metadata),
        args.output / "report.html",
        if_exists="replace",
    )
    print(report)
    print(f"\nReport:   {args.output / 'report.html'}")
    print(f"Database: {target}")
    print(f"Done in {time.perf_counter() - started:.0f} s.")


def tables_of(path: Path, metadata: Metadata) -> dict[str, pa.Table]:
    """Read a SQLite database with exact types."""
    warehouse = SqlWarehouse(create_engine(f"sqlite:///{path}"), metadata=metadata)
    return {name: pa.Table.from_batches(list(warehouse.read(name))) for name in metadata.tables}


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    main()
