"""BigQuery: on its stand-in in a container, or, where a URL names one, in a real project.

What the stand-in lacks is marked `notimpl` with the reason; an unexpected pass is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, create_engine

from synthohive.connectors.bigquery.service import client_of
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Provenance
from synthohive.io.steps import observe
from synthohive.schema import ColumnKind
from tests.contracts.engine import EngineContract, Place
from tests.integration.bigquery_service import fresh_dataset

pytestmark = pytest.mark.integration
ORIGIN = Provenance("0.1", "none", 7, 1.0, "2026-01-01T00:00:00+00:00", "source")
URL = os.environ.get("SYNTHOHIVE_TEST_BIGQUERY_URL")

TYPES = {
    "i": ("INT64", "-9223372036854775808"),
    "f": ("FLOAT64", "1.5"),
    "b": ("BOOL", "TRUE"),
    "s": ("STRING", r"'it\'s \\ `1`\n% %% ü'"),
    "y": ("BYTES", r"FROM_HEX('00ff')"),
    "d": ("DATE", "DATE '9999-12-31'"),
    "t": ("TIME", "TIME '23:59:59.999999'"),
    "dt": ("DATETIME", "DATETIME '2024-02-29 12:00:00.000001'"),
    "ts": ("TIMESTAMP", "TIMESTAMP '0001-01-01 00:00:00+00'"),
    "n": ("NUMERIC", "NUMERIC '12345678901234567890.123456789'"),
    "bn": ("BIGNUMERIC", "BIGNUMERIC '-1234567890.123456789012345'"),
    "j": ("JSON", """JSON '{"a": [1, null, "x"], "b": {"c": 1.5}}'"""),
    "a": ("ARRAY<INT64>", "[1, 2, 3]"),
    "ad": ("ARRAY<DATE>", "[DATE '2024-01-01']"),
    "st": ("STRUCT<p INT64, q STRING>", "STRUCT(1 AS p, 'x' AS q)"),
    "ast": (
        "ARRAY<STRUCT<sku STRING, price NUMERIC>>",
        "[STRUCT('k' AS sku, NUMERIC '1.25' AS price), STRUCT('l', NULL)]",
    ),
    "g": ("GEOGRAPHY", "ST_GEOGPOINT(13.5, -2)"),
    "iv": ("INTERVAL", "INTERVAL '1:2:3.5' HOUR TO SECOND"),
}


@pytest.fixture(scope="module")
def service(bigquery_engine: Engine) -> Engine:
    return bigquery_engine


@pytest.fixture
def dataset(service: Engine) -> Iterator[str]:
    with fresh_dataset(service) as name:
        yield name


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for sql in statements:
            connection.exec_driver_sql(sql.replace("%", "%%"))


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql.replace("%", "%%"))]


def copied(engine: Engine, source: str, target: str, **how: Any) -> None:
    """Write all rows of a dataset to another one."""
    warehouse = SqlWarehouse(engine, source)
    how.setdefault("provenance", ORIGIN)
    with open_writer(
        engine, warehouse.metadata, target_schema=target, source_schema=source, **how
    ) as writer:
        for table in warehouse.metadata.tables:
            writer.load(table, warehouse.read(table))
        writer.finish()


class TestBigquery(EngineContract):
    """At the level of the user's verbs."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, bigquery_engine: Engine) -> Iterator[Place]:
        with fresh_dataset(bigquery_engine) as name:
            yield Place(bigquery_engine, name)


@pytest.mark.skipif(URL is None, reason="SYNTHOHIVE_TEST_BIGQUERY_URL names no project")
@pytest.mark.remote
class TestRemote(EngineContract):
    """The same in a real project: ``bigquery://project?location=EU``."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        engine = create_engine(str(URL))
        with fresh_dataset(engine) as name:
            yield Place(engine, name)
        engine.dispose()


class TestTypes:
    """Each type, read and put back without loss."""

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, bigquery_engine: Engine) -> Iterator[str]:
        with fresh_dataset(bigquery_engine) as name:
            fields = ", ".join(f"{n} {type_}" for n, (type_, _) in TYPES.items())
            values = ", ".join(value for _, value in TYPES.values())
            nulls = ", ".join("[]" if t.startswith("ARRAY") else "NULL" for t, _ in TYPES.values())
            run(
                bigquery_engine,
                f"CREATE TABLE {name}.every (id INT64 NOT NULL, {fields})",
                f"INSERT INTO {name}.every SELECT 1, {values}",
                f"INSERT INTO {name}.every SELECT 2, {nulls}",
            )
            copied(bigquery_engine, name, f"{name}_copy")
            yield name

    @pytest.mark.parametrize("column", TYPES)
    def test_values_come_back(self, bigquery_engine: Engine, place: str, column: str) -> None:
        text = f"TO_JSON_STRING({column})" if column != "g" else "ST_ASTEXT(g)"
        source, copy = (
            ask(bigquery_engine, f"SELECT id, {text} FROM {at}.every ORDER BY id")
            for at in (place, f"{place}_copy")
        )
        assert source[0][1] not in (None, "null")
        assert copy == source

    def test_kinds(self, bigquery_engine: Engine, place: str) -> None:
        columns = SqlWarehouse(bigquery_engine, place).metadata.tables["every"].columns
        kinds = {name: column.kind for name, column in columns.items()}
        assert kinds["bn"] is ColumnKind.DECIMAL
        assert columns["bn"].arrow_type == pa.decimal128(38, 15)
        assert (kinds["a"], kinds["st"]) == (ColumnKind.ARRAY, ColumnKind.COMPOSITE)
        assert (kinds["g"], kinds["iv"]) == (ColumnKind.POINT, ColumnKind.INTERVAL)
        assert (columns["ts"].timezone, columns["dt"].timezone) == (True, False)
        assert not columns["a"].nullable


class TestSafety:
    """What is refused, taken back, kept, and said."""

    @pytest.fixture
    def shop(self, service: Engine, dataset: str) -> str:
        run(
            service,
            f"CREATE TABLE {dataset}.parent (id INT64 NOT NULL, name STRING NOT NULL, day DATE, "
            "PRIMARY KEY (id) NOT ENFORCED) PARTITION BY DATE_TRUNC(day, MONTH) CLUSTER BY name "
            "OPTIONS (description = 'who \"buys\"', labels = [('team', 'shop')])",
            f"CREATE TABLE {dataset}.child (id INT64 NOT NULL, parent INT64, "
            "PRIMARY KEY (id) NOT ENFORCED, FOREIGN KEY (parent) REFERENCES "
            f"{dataset}.parent (id) NOT ENFORCED)",
            f"INSERT INTO {dataset}.parent VALUES (1, 'a', '2024-01-01'), (2, 'b', NULL)",
            f"INSERT INTO {dataset}.child VALUES (1, 1), (2, 2), (3, NULL)",
        )
        return dataset

    @pytest.mark.parametrize(
        ("sql", "said"),
        [
            ("INSERT INTO {0}.parent VALUES (2, 'c', NULL)", r"Primary key \(id\) of .* 1 values"),
            ("DELETE FROM {0}.parent WHERE id = 2", "has 1 orphans"),
        ],
    )
    def test_a_broken_key_is_refused(self, service: Engine, shop: str, sql: str, said: str) -> None:
        run(service, sql.format(shop))
        with pytest.raises(ConnectorError, match=said):
            copied(service, shop, f"{shop}_copy")
        left = ask(service, "SELECT schema_name FROM INFORMATION_SCHEMA.SCHEMATA")
        assert [name for (name,) in left if name.startswith(shop)] == [shop]

    def test_the_copy_is_laid_out_like_the_source(self, service: Engine, shop: str) -> None:
        copied(service, shop, f"{shop}_copy")
        with service.connect() as connection:
            client = client_of(connection)
            table = client.get_table(f"local.{shop}_copy.parent")
        partitions: Any = table.time_partitioning
        assert (partitions.type_, partitions.field) == ("MONTH", "day")
        assert table.clustering_fields == ["name"]
        assert (table.description, table.labels) == ('who "buys"', {"team": "shop"})
        assert [f.mode for f in table.schema] == ["REQUIRED", "REQUIRED", "NULLABLE"]
        assert table.expires is None

    def test_a_failure_while_publishing_takes_all_back(self, service: Engine, shop: str) -> None:
        target = f"{shop}_copy"
        copied(service, shop, target)
        run(service, f"DELETE FROM {shop}.child WHERE id = 3",
            f"CREATE TABLE {shop}.more (id INT64)")  # fmt: skip

        def fail(name: str) -> None:
            if name == "tables published":
                raise RuntimeError(name)

        observe(fail)
        try:
            with pytest.raises(RuntimeError):
                copied(service, shop, target, if_exists="replace")
        finally:
            observe(None)
        assert ask(service, f"SELECT count(*) FROM {target}.child") == [(3,)]
        there = ask(service, f"SELECT table_name FROM {target}.INFORMATION_SCHEMA.TABLES")
        assert sorted(name for (name,) in there) == ["_synthohive", "child", "parent"]
        copied(service, shop, target, if_exists="replace")
        assert ask(service, f"SELECT count(*) FROM {target}.child") == [(2,)]

    def test_what_others_made_stays(self, service: Engine, shop: str) -> None:
        target = f"{shop}_copy"
        copied(service, shop, target)
        run(service, f"CREATE VIEW {target}.theirs AS SELECT id FROM {target}.parent")
        copied(service, shop, target, if_exists="replace")
        assert ask(service, f"SELECT count(*) FROM {target}.theirs") == [(2,)]
        run(service, f"CREATE TABLE {target}.own (id INT64)")
        with pytest.raises(ConnectorError, match="table own"):
            copied(service, shop, target, if_exists="replace")

    def test_jobs_are_labelled(self, service: Engine, shop: str) -> None:
        copied(service, shop, f"{shop}_copy")
        SqlWarehouse(service, shop).count("child")
        with service.connect() as connection:
            jobs = list(client_of(connection).list_jobs(max_results=200))
        marks = {job.labels.get("synthohive") for job in jobs}
        assert {"describe", "read", "load", "prove", "publish"} <= marks
        ours = [job for job in jobs if "synthohive" in job.labels]
        assert all(job.labels.get("team") == "tests" for job in ours)
