"""Engines that run a statistic's SQL, each loaded with the same tables."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Callable

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Engine

from tests.conftest import fresh_schema
from tests.dbt.rendering import Macros
from tests.integration.bigquery_service import fresh_dataset
from tests.integration.servers import servers_required
from tests.spark.session import session

ADAPTERS = ("duckdb", "postgres", "mysql", "mariadb", "spark", "bigquery")
Query = Callable[[str], "list[dict[str, Any]]"]
MOMENT: sa.types.TypeEngine[Any] = sa.DateTime().with_variant(
    mysql.DATETIME(fsp=6), "mysql", "mariadb"
)
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Integer(),
    "parent": sa.Integer(),
    "far": sa.BigInteger(),
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
def in_bigquery(
    engine: Engine, dataset: str, tables: Mapping[str, pa.Table]
) -> Iterator[Warehouse]:
    """Give the tables in a dataset of BigQuery's stand-in."""
    statements = []
    for name, table in tables.items():
        columns = [f"{f.name} {_bigquery_type(f.type)}" for f in table.schema]
        statements.append(f"CREATE TABLE {dataset}.{name} ({', '.join(columns)})")
        rows = [f"({', '.join(map(_bigquery_literal, r.values()))})" for r in table.to_pylist()]
        for start in range(0, len(rows), 250):
            values = ", ".join(rows[start : start + 250])
            statements.append(f"INSERT INTO {dataset}.{name} VALUES {values}")

    def query(sql: str) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return [dict(r) for r in connection.exec_driver_sql(sql).mappings()]

    with engine.connect() as connection:
        for sql in statements:
            connection.exec_driver_sql(sql)
    yield Warehouse("bigquery", query, {name: f"{dataset}.{name}" for name in tables})


def _bigquery_type(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "INT64"
    if pa.types.is_floating(type_):
        return "FLOAT64"
    if pa.types.is_decimal(type_):
        return "NUMERIC"
    if pa.types.is_date(type_):
        return "DATE"
    return "DATETIME" if pa.types.is_timestamp(type_) else "STRING"


def _bigquery_literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (float, np.floating)):
        return f"CAST('{value}' AS FLOAT64)"
    if isinstance(value, dt.datetime):
        return f"DATETIME '{value}'"
    if isinstance(value, dt.date):
        return f"DATE '{value}'"
    if isinstance(value, Decimal):
        return f"NUMERIC '{value}'"
    return repr(value) if isinstance(value, str) else str(value)


@contextmanager
def in_fakesnow(tables: Mapping[str, pa.Table]) -> Iterator[Warehouse]:
    """Give the tables in Snowflake's stand-in."""
    from fakesnow.instance import FakeSnow

    with FakeSnow().connect("TEST", "A") as connection, connection.cursor() as cursor:
        for name, table in tables.items():
            connection._duck_conn.register(f"arrow_{name}", table)
            connection._duck_conn.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_{name}")

        def query(sql: str) -> list[dict[str, Any]]:
            cursor.execute(sql)
            names = [column[0].lower() for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

        yield Warehouse("snowflake", query, {name: name for name in tables})


@contextmanager
def in_spark(tables: Mapping[str, pa.Table]) -> Iterator[Warehouse]:
    """Give the tables in a local Spark."""
    spark = session()
    for name, table in tables.items():
        spark.createDataFrame(table).createOrReplaceTempView(name)

    def query(sql: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in spark.sql(sql).collect()]

    yield Warehouse("spark", query, {name: name for name in tables})


@contextmanager
def opened(
    request: pytest.FixtureRequest, tables: Callable[[bool], Mapping[str, pa.Table]]
) -> Iterator[Warehouse]:
    """Give the tables in the engine that a fixture is parametrized with.

    Parameters
    ----------
    request : pytest.FixtureRequest
        Its ``param`` is one of `ADAPTERS`.
    tables : callable
        Return the tables by name, for an engine that has NaN and infinities or not.
    """
    adapter = request.param
    if adapter == "duckdb":
        with in_duckdb(tables(True)) as found:
            yield found
    elif adapter == "spark":
        if not spark_is_here():
            wanted = servers_required() and sys.version_info >= (3, 10)
            assert not wanted, "Spark is needed here: install pyspark and Java 17"
            pytest.skip("no pyspark, or no Java")
        with in_spark(tables(True)) as found:
            yield found
    elif adapter == "bigquery":
        engine = request.getfixturevalue("bigquery_engine")
        with fresh_dataset(engine) as name, in_bigquery(engine, name, tables(True)) as found:
            yield found
    else:
        engine = request.getfixturevalue(f"{adapter}_engine")
        given = tables(adapter == "postgres")
        with fresh_schema(engine) as schema, in_server(adapter, engine, schema, given) as found:
            yield found


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
