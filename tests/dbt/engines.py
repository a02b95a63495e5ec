"""Engines that run a statistic's SQL, each loaded with the same tables."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Callable

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Engine

from tests.dbt.rendering import Macros
from tests.spark.session import session

Query = Callable[[str], "list[dict[str, Any]]"]
MOMENT: sa.types.TypeEngine[Any] = sa.DateTime().with_variant(
    mysql.DATETIME(fsp=6), "mysql", "mariadb"
)
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Integer(),
    "parent": sa.Integer(),
    "price": sa.Double(),
    "amount": sa.Numeric(12, 2),
    "day": sa.Date(),
    "moment": MOMENT,
    "big": sa.BigInteger(),
    "instant": MOMENT,
    "category": sa.String(40),
    "region": sa.String(40),
    "unfilled": sa.Double(),
}


class Warehouse:
    """Tables in one engine, and its macros."""

    def __init__(self, adapter: str, query: Query, tables: Mapping[str, str]) -> None:
        self.adapter, self._query, self._tables = adapter, query, tables
        self.macros = Macros(adapter)

    def row(self, statistic: str, *tables: str, **arguments: Any) -> dict[str, Any]:
        """Return the one row of a statistic over tables of these names."""
        (row,) = self.rows(statistic, *tables, **arguments)
        return row

    def rows(self, statistic: str, *tables: str, **arguments: Any) -> list[dict[str, Any]]:
        """Return the rows of a statistic over tables of these names."""
        return [
            {k: v if v is None or isinstance(v, str) else float(v) for k, v in row.items()}
            for row in self._query(self.sql(statistic, *tables, **arguments))
        ]

    def sql(self, statistic: str, *tables: str, **arguments: Any) -> str:
        """Return a statistic's query over tables of these names."""
        arguments = {k: self._named(v) for k, v in arguments.items()}
        macro = getattr(self.macros, statistic)
        return str(macro(*[self._tables[t] for t in tables], **arguments))

    def _named(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self._named(v) for k, v in value.items()}
        return self._tables.get(value, value) if isinstance(value, str) else value


@contextmanager
def in_duckdb(tables: Mapping[str, pa.Table]) -> Iterator[Warehouse]:
    """Give the tables in an in-memory DuckDB."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(f"arrow_{name}", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_{name}")

        def query(sql: str) -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = connection.execute(sql).to_arrow_table().to_pylist()
            return rows

        yield Warehouse("duckdb", query, {name: name for name in tables})


@contextmanager
def in_server(
    adapter: str, engine: Engine, schema: str, tables: Mapping[str, pa.Table]
) -> Iterator[Warehouse]:
    """Give the tables in a schema of a server."""
    metadata = sa.MetaData(schema=schema)
    with engine.begin() as connection:
        for name, table in tables.items():
            columns = [sa.Column(c, TYPES[c]) for c in table.column_names]
            target = sa.Table(name, metadata, *columns)
            target.create(connection)
            if table.num_rows:
                connection.execute(target.insert(), table.to_pylist())

    def query(sql: str) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            plain = connection.execution_options(no_parameters=True)
            return [dict(r) for r in plain.exec_driver_sql(sql).mappings()]

    yield Warehouse(adapter, query, {name: f"{schema}.{name}" for name in tables})


@contextmanager
def in_spark(tables: Mapping[str, pa.Table]) -> Iterator[Warehouse]:
    """Give the tables in a local Spark."""
    spark = session()
    for name, table in tables.items():
        spark.createDataFrame(table).createOrReplaceTempView(name)

    def query(sql: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in spark.sql(sql).collect()]

    yield Warehouse("spark", query, {name: name for name in tables})


def spark_is_here() -> bool:
    """Return whether Spark can start."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return False
    return shutil.which("java") is not None or "JAVA_HOME" in os.environ


def sample(seed: int, rows: int, parents: int, drift: float) -> pd.DataFrame:
    """Return rows with ties, NULLs, NaN, infinities and repeated categories.

    Floats can tell neither `big` (integers from 2^60 on) nor `instant` (microseconds) apart.
    """
    rng = np.random.default_rng(seed)
    price = np.round(rng.lognormal(3 + drift, 0.7, rows), 1)
    amount = np.round(price * rng.uniform(0.5, 1.5, rows), 2)
    day = np.datetime64("2024-02-25") + rng.integers(0, 40, rows).astype("timedelta64[D]")
    moment = np.datetime64("2024-02-25T00:00:00", "us") + rng.integers(0, 10**12, rows).astype(
        "timedelta64[us]"
    )
    labels = np.array(["red", "green", "blue", 'it\'s "odd"', ""])
    shares = np.array([0.5, 0.2, 0.15, 0.1, 0.05]) * (1 + drift * np.array([1, -1, 0, 2, 0]))
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "parent": rng.integers(0, parents, rows) // 2,
            "price": price,
            "amount": amount,
            "day": day,
            "moment": moment,
            "category": rng.choice(labels, rows, p=shares / shares.sum()).astype(object),
            "unfilled": np.full(rows, np.nan),
        }
    )
    frame = frame.astype({"price": object, "amount": object})
    for column, share in (("price", 0.1), ("amount", 0.05), ("category", 0.08 + drift / 10)):
        frame.loc[rng.random(rows) < share, column] = None
    frame.loc[rng.random(rows) < 0.05, "parent"] = 10**6
    steps = rng.binomial(300, 0.4 + drift / 20, rows)
    instant = np.datetime64("2024-02-29T12:00:00", "us") + steps.astype("timedelta64[us]")
    frame["instant"] = instant + rng.integers(0, 40, rows).astype("timedelta64[us]")
    frame["big"] = (2**60 + steps).astype(object)
    frame.loc[rng.random(rows) < 0.06, "big"] = None
    return frame
