"""What the dbt package's tests cost in the warehouse: seconds, and as ratios to one plain scan.

Each statistic is the package's own SQL. The scan (count, least and greatest of the column) runs
in the same process; ratios within one run are what can be compared between machines. Beside the
statistics stand the usual ways of writing them, and beside `table_drift` of ten columns the ten
single tests that it stands for::

    python benchmarks/dbt_tests.py --rows 10000000
    python benchmarks/dbt_tests.py --rows 1000000 --postgres postgresql://user:password@host/db
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.dbt.rendering import Macros

SCAN = "SELECT count(*), min(x), max(x) FROM candidate"
COLUMNS = """
  i AS id, CAST(random() * {parents} AS INTEGER) AS parent, CAST(i % 7 AS INTEGER) AS line,
  random() * {scale} AS x, random() * random() AS y, sqrt(random()) * 1000 AS z,
  CAST(random() * 90000 AS DECIMAL(12, 2)) AS amount, CAST(random() * 1e9 AS BIGINT) AS n,
  CAST(random() * 50 AS INTEGER) AS kind,
  DATE '2020-01-01' + CAST(random() * 1500 AS INTEGER) AS day,
  TIMESTAMP '2020-01-01 00:00:00' + random() * 1e8 * INTERVAL '1 second' AS moment,
  'status ' || CAST(random() * 8 AS INTEGER) AS status, random() < 0.3 AS flag"""
SERIES = {"duckdb": "range({rows}) t(i)", "postgres": "generate_series(0, {rows} - 1) t(i)"}
TEN = {
    "x": ("float", "ks"), "y": ("float", "ks"), "z": ("float", "psi"), "amount": ("number", "ks"),
    "n": ("number", "psi"), "kind": ("number", "tvd"), "day": ("date", "ks"),
    "moment": ("timestamp", "ks"), "status": ("text", "tvd"), "flag": ("boolean", "tvd"),
}  # fmt: skip
"""Kind and statistic of the columns of `table_drift`."""
NAIVE_KS = """
SELECT max(abs(fs - fr)) FROM (
  SELECT v, sum(s) OVER (ORDER BY v) / (SELECT count(*)::float FROM candidate) AS fs,
         sum(1 - s) OVER (ORDER BY v) / (SELECT count(*)::float FROM reference) AS fr
  FROM (SELECT x AS v, 1 AS s FROM candidate UNION ALL SELECT x, 0 FROM reference) u) w"""
NAIVE_ORPHANS = """
SELECT count(*) FROM candidate WHERE parent NOT IN (SELECT id FROM parents)"""
NAIVE_PSI = """
WITH edges AS (SELECT percentile_cont(ARRAY[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9])
               WITHIN GROUP (ORDER BY x) AS e FROM reference)
SELECT sum((p - q) * ln(p / q)) FROM (
  SELECT b, sum(s) / sum(sum(s)) OVER () AS p, sum(1.0 - s) / sum(sum(1.0 - s)) OVER () AS q
  FROM (SELECT width_bucket(x, e) AS b, 1.0 AS s FROM candidate, edges
        UNION ALL SELECT width_bucket(x, e), 0.0 FROM reference, edges) u GROUP BY b) w"""

Run = Callable[[str], "list[Any]"]


KS_BINNED, PSI_BINNED, TABLE = "ks, binned", "psi, binned", "table_drift of ten columns"


def checks() -> list[dict[str, Any]]:
    """Return what `table_drift` checks."""
    return [
        {
            "id": i, "key": i, "column": column, "reference_column": column, "kind": kind,
            "reference_kind": kind, "statistic": statistic, "limit": 0.1,
        }
        for i, (column, (kind, statistic)) in enumerate(TEN.items(), 1)
    ]  # fmt: skip


def singles(macros: Macros) -> Iterator[tuple[str, str]]:
    """Yield the single tests, as dbt runs them on tables of this size, of `table_drift`."""
    binned = {"ks": macros.ks_binned, "psi": macros.psi_binned}
    for column, (kind, statistic) in TEN.items():
        if statistic in binned:
            sql = binned[statistic]("candidate", "reference", column, kind=kind, limit=0.1)
        else:
            sql = macros.tvd("candidate", "reference", column)
        yield f"  {statistic} of {column}", sql


def statements(macros: Macros, engine: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the SQL of what is measured."""
    pair = ("candidate", "reference")
    yield "ks, exact", macros.ks(*pair, "x", kind="float")
    yield KS_BINNED, macros.ks_binned(*pair, "x", kind="float", limit=0.1)
    yield "ks, binned, limit 0.0101", macros.ks_binned(*pair, "x", kind="float", limit=0.0101)
    yield "  (ks by two running sums, ungrouped)", NAIVE_KS
    yield "ks of 50 distinct values", macros.ks(*pair, "kind", kind="number")
    yield "psi, exact", macros.psi(*pair, "x", kind="float")
    yield PSI_BINNED, macros.psi_binned(*pair, "x", kind="float", limit=0.1)
    if engine == "postgres":
        yield "  (psi by percentile_cont)", NAIVE_PSI
    yield "tvd of 50 categories", macros.tvd(*pair, "kind")
    yield "null_rate", macros.null_rate(*pair, "x")
    yield "correlation", macros.correlation(*pair, "x", "y", kind="float", other_kind="float")
    yield "conditional (ks of x by 50 groups)", macros.conditional(*pair, "x", "kind", measure="ks")
    yield "range", macros.outside_range(*pair, "x", kind="float")
    yield "domain of 50 categories", macros.outside_domain(*pair, "kind")
    orphans = macros.orphan_keys("candidate", ["parent"], "parents", ["id"])
    yield "orphans", f"SELECT count(*) FROM ({orphans}) o"
    yield "  (orphans by NOT IN)", NAIVE_ORPHANS
    orphans = macros.orphan_keys("candidate", ["parent", "line"], "pairs", ["id", "line"])
    yield "orphans of a composite key", f"SELECT count(*) FROM ({orphans}) o"
    keys = macros.repeated_keys("candidate", ["id"])
    yield "unique key", f"SELECT count(*) FROM ({keys}) k"
    yield (
        "fan-out",
        macros.fan_out("candidate", ["parent"], "parents", ["id"], "reference", "parents"),
    )
    yield "copied rows (two columns)", macros.copied_rows(*pair, ["x", "kind"])
    yield TABLE, macros.column_drifts(*pair, checks())
    yield from singles(macros)


@contextmanager
def in_duckdb() -> Iterator[Run]:
    """Give a runner of queries on two threads."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET threads = 2; SELECT setseed(0.5)")
        yield lambda sql: connection.execute(sql).fetchall()


@contextmanager
def in_postgres(url: str) -> Iterator[Run]:
    """Give a runner of queries in a schema that is dropped after."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    schema = f"benchmark_{os.getpid()}"
    with engine.connect() as connection:
        plain = connection.execution_options(no_parameters=True)

        def run(sql: str) -> list[Any]:
            result = plain.exec_driver_sql(sql)
            return list(result.all()) if result.returns_rows else []

        run(f"CREATE SCHEMA {schema}")
        run(f"SET search_path = {schema}")
        run("SELECT setseed(0.5)")
        try:
            yield run
        finally:
            connection.rollback()
            engine.dispose()


def measure(engine: str, run: Run, rows: int) -> None:
    """Fill the tables and print the table of costs."""
    parents = max(rows // 10, 1)
    for name, scale in (("candidate", 1.0), ("reference", 1.01)):
        columns = COLUMNS.format(parents=parents - 1, scale=scale)
        run(f"CREATE TABLE {name} AS SELECT {columns} FROM {SERIES[engine].format(rows=rows)}")
    run(f"CREATE TABLE parents AS SELECT DISTINCT id FROM candidate WHERE id < {parents}")
    run("CREATE TABLE pairs AS SELECT DISTINCT parent AS id, line FROM candidate")
    if engine == "postgres":
        for name in ("candidate", "reference", "parents", "pairs"):
            run(f"ANALYZE {name}")
    scan = timed(run, SCAN)[0]
    print(f"\n{engine}: {rows:,} + {rows:,} rows; one scan {scan:.3f} s")
    print(f"{'statistic':<38} {'seconds':>8} {'scans':>8}  found")
    took = {}
    for name, sql in statements(Macros(engine), engine):
        took[name], found = timed(run, sql)
        shown = ", ".join("-" if v is None else f"{float(v):.5f}" for v in found[:3])
        print(f"{name:<38} {took[name]:>8.2f} {took[name] / scan:>8.0f}  {shown}", flush=True)
    print_ratios(took, [name for name, _ in singles(Macros(engine))])


def print_ratios(took: dict[str, float], ten: list[str]) -> None:
    """Print what the binned index and `table_drift` cost beside single tests."""
    dearest = max(ten, key=took.__getitem__)
    sum_of_ten = sum(took[name] for name in ten)
    print(f"{PSI_BINNED} / {KS_BINNED}: {took[PSI_BINNED] / took[KS_BINNED]:.2f}")
    print(f"{TABLE} / dearest of its ten ({dearest.strip()}): {took[TABLE] / took[dearest]:.2f}")
    print(f"{TABLE} / sum of its ten: {took[TABLE] / sum_of_ten:.2f}")


def timed(run: Run, sql: str) -> tuple[float, Any]:
    """Return the least seconds of three, or of one run that takes long, and the first row."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < 3 and seconds[0] < 10):
        started = time.perf_counter()
        rows = run(sql)
        seconds.append(time.perf_counter() - started)
    return min(seconds), rows[0]


def main() -> None:
    """Measure on DuckDB, or on PostgreSQL where a URL is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of each side")
    parser.add_argument("--postgres", metavar="URL")
    args = parser.parse_args()
    if args.postgres:
        with in_postgres(args.postgres) as run:
            measure("postgres", run, args.rows)
    else:
        with in_duckdb() as run:
            measure("duckdb", run, args.rows)


if __name__ == "__main__":
    main()
