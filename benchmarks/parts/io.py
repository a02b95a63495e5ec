r"""Writing speed on PostgreSQL: SynthoHive's loader against ``psql \copy`` of the same rows.

Both fill the same 16-column table in the same server, in turns, and then add the same
keys. The rows stand ready in both forms (Arrow for the loader, a CSV file for psql), so
that only the writing is measured.

    python benchmarks/parts/io.py [--url postgresql://…] [--rows 500000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa

from synthohive import Column, ColumnKind, Metadata
from synthohive.connectors.writers import open_writer
from synthohive.io.base import BATCH_ROWS, Provenance

SOURCE, TARGET, RIVAL = "io_source", "io_synthetic", "io_copy"
TABLE = """
CREATE TABLE {schema}.lineitem (
    l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL,
    l_linenumber integer NOT NULL, l_quantity numeric(15,2) NOT NULL,
    l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL,
    l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL
)"""
KEYS = (
    "ALTER TABLE {schema}.lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber)",
    "CREATE INDEX ON {schema}.lineitem (l_partkey, l_suppkey)",
)


def lineitem(rows: int) -> pa.Table:
    """Make rows of the shape of TPC-H's largest table."""
    rng = np.random.Generator(np.random.Philox(42))
    order = np.arange(rows)

    def pick(values: list[str]) -> pa.Array:
        return pa.array(values).take(pa.array(rng.integers(0, len(values), rows)))

    def money(low: int, high: int) -> pa.Array:
        cents = pa.array(rng.integers(low, high, rows)).cast(pa.decimal128(19, 0))
        return pc.multiply(cents, pa.scalar("0.01").cast(pa.decimal128(2, 2))).cast(
            pa.decimal128(15, 2)
        )

    def day() -> pa.Array:
        return pa.array(rng.integers(8000, 10500, rows).astype(np.int32)).cast(pa.date32())

    words = [
        "carefully",
        "final",
        "deposits",
        "sleep",
        "furiously",
        "across",
        "the",
        'so-called "x"',
    ]
    comments = pc.binary_join_element_wise(pick(words), pick(words), pick(words), " ")
    return pa.table(
        {
            "l_orderkey": order // 4 + 1,
            "l_partkey": rng.integers(1, 200_000, rows),
            "l_suppkey": rng.integers(1, 10_000, rows),
            "l_linenumber": (order % 4 + 1).astype(np.int32),
            "l_quantity": money(100, 5_000),
            "l_extendedprice": money(90_000, 10_000_000),
            "l_discount": money(0, 11),
            "l_tax": money(0, 9),
            "l_returnflag": pick(["A", "N", "R"]),
            "l_linestatus": pick(["F", "O"]),
            "l_shipdate": day(),
            "l_commitdate": day(),
            "l_receiptdate": day(),
            "l_shipinstruct": pick(["DELIVER IN PERSON", "COLLECT COD", "NONE"]),
            "l_shipmode": pick(["AIR", "RAIL", "SHIP", "TRUCK", "MAIL"]),
            "l_comment": comments,
        }
    )


def describe(table: pa.Table) -> Metadata:
    """Describe the rows; everything else comes from the source's catalogue."""
    kinds = {
        "int64": ColumnKind.INTEGER,
        "int32": ColumnKind.INTEGER,
        "decimal128(15, 2)": ColumnKind.DECIMAL,
        "date32[day]": ColumnKind.DATE,
    }
    columns = {
        field.name: Column(
            name=field.name,
            kind=kinds.get(str(field.type), ColumnKind.TEXT),
            arrow=str(field.type),
            nullable=False,
        )
        for field in table.schema
    }
    return Metadata(dialect="postgresql").add_table(
        "lineitem", ["l_orderkey", "l_linenumber"], columns=columns
    )


def by_loader(engine: sa.Engine, meta: Metadata, table: pa.Table) -> tuple[float, float]:
    """Return the seconds that the loader takes: for the rows, and in all."""
    started = time.perf_counter()
    with open_writer(
        engine,
        meta,
        target_schema=TARGET,
        source_schema=SOURCE,
        provenance=Provenance("0", "none", None, 1.0, ""),
        if_exists="replace",
    ) as writer:
        loading = time.perf_counter()
        writer.load("lineitem", table.to_batches(max_chunksize=BATCH_ROWS))
        loaded = time.perf_counter()
        writer.finish()
    return loaded - loading, time.perf_counter() - started


def by_psql(engine: sa.Engine, path: Path) -> tuple[float, float]:
    """Return the seconds that psql takes: for the rows, and with the keys."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {RIVAL} CASCADE")
        connection.exec_driver_sql(f"CREATE SCHEMA {RIVAL}")
        connection.exec_driver_sql(TABLE.format(schema=RIVAL))
    url = engine.url
    given = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    env = {**os.environ, **{name: str(value) for name, value in given.items() if value}}
    started = time.perf_counter()
    subprocess.run(
        [
            shutil.which("psql") or "psql",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            f"\\copy {RIVAL}.lineitem FROM '{path}' WITH (FORMAT csv)",
        ],
        env=env,
        check=True,
    )
    copied = time.perf_counter()
    with engine.begin() as connection:
        for statement in KEYS:
            connection.exec_driver_sql(statement.format(schema=RIVAL))
        connection.exec_driver_sql(f"ANALYZE {RIVAL}.lineitem")
    return copied - started, time.perf_counter() - started


@contextmanager
def server(url: Optional[str]) -> Iterator[sa.Engine]:
    """Give an engine on the named server, or on a container that lives as long."""
    if url is not None:
        yield sa.create_engine(url)
        return
    from testcontainers.community.postgres import PostgresContainer

    image = os.environ.get("SYNTHOHIVE_TEST_POSTGRES_IMAGE", "postgres:16")
    with PostgresContainer(image) as container:
        yield sa.create_engine(container.get_connection_url())


def main() -> None:
    """Measure both in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    table = lineitem(options.rows)
    meta = describe(table)
    times: dict[str, list[tuple[float, float]]] = {"loader": [], "\\copy": []}
    with server(options.url) as engine, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineitem.csv"
        pa.csv.write_csv(table, path, pa.csv.WriteOptions(include_header=False))
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SOURCE} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {SOURCE}")
            connection.exec_driver_sql(TABLE.format(schema=SOURCE))
            for statement in KEYS:
                connection.exec_driver_sql(statement.format(schema=SOURCE))
        for _ in range(options.rounds):
            times["\\copy"].append(by_psql(engine, path))
            times["loader"].append(by_loader(engine, meta, table))
        with engine.begin() as connection:
            for schema in (SOURCE, TARGET, RIVAL):
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    best = {name: [statistics.median(part) for part in zip(*runs)] for name, runs in times.items()}
    for name, (loaded, whole) in best.items():
        print(
            f"{name:8} rows only {options.rows / loaded:>10,.0f} rows/s   "
            f"with keys {options.rows / whole:>10,.0f} rows/s"
        )
    for i, what in enumerate(("rows only", "with keys")):
        ratio = best["\\copy"][i] / best["loader"][i]
        print(f"ratio, {what}: {ratio:.2f}  (goal: 0.60)")


if __name__ == "__main__":
    main()
