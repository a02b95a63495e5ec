"""How long a validation report takes, and how large its page is.

Schemas of many tables, in trees of three levels, with numbers, times, categories and texts; two
draws of the same rows stand for real and synthetic ones::

    python benchmarks/report.py --tables 20 50 --rows 20000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from synthohive import Metadata, Synthesizer

COLUMNS = 12
LEVELS = 3
START = np.datetime64("2020-01-01", "us")


def main() -> None:
    """Time a report of each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", type=int, default=[20, 50])
    parser.add_argument("--rows", type=int, default=20_000, help="of each child; parents a quarter")
    args = parser.parse_args()
    for number in args.tables:
        metadata, real = database(number, args.rows, seed=1)
        _, made = database(number, args.rows, seed=2)
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            started, worked = time.perf_counter(), time.process_time()
            report = Synthesizer(metadata).generate_validation_report(real, made, page)
            seconds, worked = time.perf_counter() - started, time.process_time() - worked
            sizes = [page.with_suffix(kind).stat().st_size / 1e6 for kind in (".html", ".json")]
        rows = sum(len(table) for table in real.values())
        print(
            f"{number} tables, {rows:,} rows, {len(report.scores)} columns: {seconds:.1f} s "
            f"({worked:.1f} of a core), HTML {sizes[0]:.2f} MB, JSON {sizes[1]:.2f} MB; "
            f"{len(report.classifiers)} classifiers"
        )


def database(tables: int, rows: int, seed: int) -> tuple[Metadata, dict[str, pa.Table]]:
    """Return trees of tables; each but the roots has a key to the one before."""
    rng = np.random.default_rng(seed)
    metadata, found = Metadata(), dict[str, pa.Table]()
    for i in range(tables):
        root = i % LEVELS == 0
        size = rows // 4 if root else rows
        columns: dict[str, object] = {"id": np.arange(size)}
        keys = {} if root else {"parent_id": f"t{i - 1}.id"}
        if keys:
            columns["parent_id"] = rng.integers(0, len(found[f"t{i - 1}"]), size)
        for j in range(COLUMNS):
            columns[f"c{j}"] = column(j, size, rng)
        found[f"t{i}"] = pa.table(columns)
        metadata = metadata.add_table(f"t{i}", "id", fk=keys)
    return metadata, found


def column(number: int, rows: int, rng: np.random.Generator) -> object:
    """Return one column, of a kind by its number."""
    kinds = number % 4
    if kinds == 0:
        return rng.gamma(2, 10, rows).round(2)
    if kinds == 1:
        return rng.choice(
            ["new", "paid", "sent", "back", "lost"], rows, p=[0.4, 0.3, 0.2, 0.07, 0.03]
        )
    if kinds == 2:
        return START + rng.integers(0, 10**14, rows).astype("timedelta64[us]")
    return pa.array([f"note {n}" for n in rng.integers(0, 10**9, rows)])


if __name__ == "__main__":
    main()
