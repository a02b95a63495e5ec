r"""Writing speed: SynthoHive's loader against the server's own way, of the same rows.

PostgreSQL has ``psql \copy``, MySQL and MariaDB ``LOAD DATA LOCAL INFILE``, DuckDB ``COPY FROM``.
Both fill the same 16-column table in the same server, in turns, and then add the same
keys. The rows stand ready in both forms (Arrow for the loader, a CSV file for the server), so
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
from typing import Callable, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa

from synthohive import Metadata
from synthohive.connectors.writers import open_writer
from synthohive.io.base import BATCH_ROWS, Provenance

MYSQL = ("mysql", "mariadb")
SOURCE, TARGET, RIVAL = "io_source", "io_synthetic", "io_copy"
TABLE = """
CREATE TABLE {schema}.lineitem (
    l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL,
    l_linenumber integer NOT NULL, l_quantity numeric(15,2) NOT NULL,
    l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL,
    l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL,
    l_comment varchar(44) NOT NULL{key}
)"""
KEY = "PRIMARY KEY (l_orderkey, l_linenumber)"
INDEX = "CREATE INDEX lineitem_part ON {schema}.lineitem (l_partkey, l_suppkey)"


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


def by_server(engine: sa.Engine, path: Path) -> tuple[float, float]:
    """Return the seconds that the server's own way takes: for the rows, and with the keys."""
    make(engine, RIVAL)
    started = time.perf_counter()
    COPIES[engine.dialect.name](engine, f"{RIVAL}.lineitem", path)
    copied = time.perf_counter()
    add_keys(engine, RIVAL)
    return copied - started, time.perf_counter() - started


def make(engine: sa.Engine, schema: str) -> None:
    """Create the empty table in a schema of its own."""
    drop(engine, schema)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        # InnoDB keeps the rows in their key, and DuckDB takes none later.
        key = "" if engine.dialect.name == "postgresql" else f", {KEY}"
        connection.exec_driver_sql(TABLE.format(schema=schema, key=key))


def add_keys(engine: sa.Engine, schema: str) -> None:
    """Add the keys, and have the server look at the rows once."""
    name, table = engine.dialect.name, f"{schema}.lineitem"
    with engine.begin() as connection:
        if name == "postgresql":
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD {KEY}")
        connection.exec_driver_sql(INDEX.format(schema=schema))
        connection.exec_driver_sql(f"ANALYZE {'TABLE ' * (name in MYSQL)}{table}")


def drop(engine: sa.Engine, *schemas: str) -> None:
    """Drop schemas that exist."""
    cascade = "" if engine.dialect.name in MYSQL else " CASCADE"
    with engine.begin() as connection:
        for schema in schemas:
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema}{cascade}")


def psql(engine: sa.Engine, *commands: str) -> None:
    """Run commands of psql on an engine's server."""
    url = engine.url
    given = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    env = {**os.environ, **{name: str(value) for name, value in given.items() if value}}
    program = [shutil.which("psql") or "psql", "-q", "-v", "ON_ERROR_STOP=1"]
    for command in commands:
        program += ["-c", command]
    subprocess.run(program, env=env, check=True)


def _by_psql(engine: sa.Engine, table: str, path: Path) -> None:
    psql(engine, f"\\copy {table} FROM '{path}' WITH (FORMAT csv)")


def _by_load_data(engine: sa.Engine, table: str, path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
        )


def _by_copy_from(engine: sa.Engine, table: str, path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"COPY {table} FROM '{path}' (FORMAT csv, HEADER false)")


COPIES: dict[str, Callable[[sa.Engine, str, Path], None]] = {
    "postgresql": _by_psql,
    "mysql": _by_load_data,
    "mariadb": _by_load_data,
    "duckdb": _by_copy_from,
}


def measured(engine: sa.Engine, rows: int, rounds: int) -> dict[str, list[float]]:
    """Return the median seconds of both ways, in turns: for the rows, and with the keys."""
    table = lineitem(rows)
    times: dict[str, list[tuple[float, float]]] = {"loader": [], "server": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineitem.csv"
        pa.csv.write_csv(table, path, pa.csv.WriteOptions(include_header=False))
        make(engine, SOURCE)
        add_keys(engine, SOURCE)
        meta = Metadata.from_database(engine, SOURCE)
        try:
            for _ in range(rounds):
                times["server"].append(by_server(engine, path))
                times["loader"].append(by_loader(engine, meta, table))
        finally:
            drop(engine, SOURCE, TARGET, RIVAL)
    return {way: [statistics.median(part) for part in zip(*runs)] for way, runs in times.items()}


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
    with server(options.url) as engine:
        best = measured(engine, options.rows, options.rounds)
    for name, (loaded, whole) in best.items():
        print(
            f"{name:8} rows only {options.rows / loaded:>10,.0f} rows/s   "
            f"with keys {options.rows / whole:>10,.0f} rows/s"
        )
    for i, what in enumerate(("rows only", "with keys")):
        print(f"ratio, {what}: {best['server'][i] / best['loader'][i]:.2f}")


if __name__ == "__main__":
    main()
