"""Databricks' SQL on Apache Spark, whose language it is; and on a workspace where a URL names one.

Spark has neither Unity Catalog nor volumes nor clones: what runs here is what is said of rows, on
Parquet tables. All else is pinned in `tests/connectors/test_databricks.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

pytest.importorskip("databricks.sqlalchemy")
pytest.importorskip("pyspark")
pytest.importorskip("duckdb")

from pyspark.sql import SparkSession

from synthohive.connectors.capabilities import Asking
from synthohive.connectors.databricks import CAPABILITIES
from synthohive.connectors.databricks.write import DatabricksWriter, insert_sql
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.registry import spelling
from synthohive.connectors.spark.warehouse import SparkWarehouse
from synthohive.connectors.spark_sql.types import carried, described, reading
from synthohive.connectors.sql import SqlWarehouse
from synthohive.ddl.portable import portable_ddl
from synthohive.io.parquet_files import files
from synthohive.schema import CheckConstraint, Column, ColumnKind, ForeignKey, Metadata
from tests.contracts.engine import EngineContract, Place
from tests.contracts.questions import QuestionsContract, as_parquet
from tests.dbt.engines import in_spark
from tests.evidence import ACCOUNT, STAND_IN, feature, runs

pytestmark = [pytest.mark.integration, runs("Databricks", STAND_IN)]
URL = os.environ.get("SYNTHOHIVE_TEST_DATABRICKS_URL")
ENGINE = create_engine("databricks://token:x@h?http_path=/w&catalog=c&schema=s")
MOMENT = dt.datetime(2024, 2, 29, 12, 0, 0, 1)
TYPES: dict[str, tuple[str, Any]] = {
    "i1": ("tinyint", -128),
    "i2": ("smallint", -32768),
    "i4": ("int", 2**31 - 1),
    "i8": ("bigint", -(2**63)),
    "n": ("decimal(38,10)", Decimal("1234567890123456789012345678.0123456789")),
    "r": ("float", 0.5),
    "f": ("double", 0.1),
    "b": ("boolean", True),
    "s": ("string", 'it\'s \\ "q" % %% ü ∑\n'),
    "y": ("binary", b"\x00\xff'"),
    "d": ("date", dt.date(9999, 12, 31)),
    "ts": ("timestamp", MOMENT.replace(tzinfo=dt.timezone.utc)),
    "ntz": ("timestamp_ntz", MOMENT),
    "v": ("variant", '{"a":[1,null,"x\\"y"],"b":{"c":1.5}}'),
    "l": ("array<int>", "[1,null,3]"),
    "m": ("map<string,int>", '{"k":1}'),
    "st": ("struct<p:int,q:array<string>>", '{"p":1,"q":["x"]}'),
}


@pytest.mark.skipif(URL is None, reason="SYNTHOHIVE_TEST_DATABRICKS_URL names no workspace")
@pytest.mark.remote
@runs("Databricks", ACCOUNT)
class TestRemote(EngineContract):
    """``databricks://token:…@host?http_path=…&catalog=…``."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        engine = create_engine(str(URL))
        name = f"t{os.urandom(6).hex()}"
        with engine.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        yield Place(engine, name, str.lower)
        with engine.connect() as connection:
            for schema in (name, f"{name}_synthetic"):
                connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        engine.dispose()


class AsDatabricksAsks(SparkWarehouse):
    """Reads by Spark, and asks it what a warehouse would be asked."""

    @property
    def _asking(self) -> Optional[Asking]:
        return CAPABILITIES.asking


@pytest.mark.slow
class TestQuestions(QuestionsContract):
    """What is asked of all rows, without their coming."""

    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, spark: Any, tmp_path_factory: pytest.TempPathFactory) -> SqlWarehouse:
        tables = as_parquet(tmp_path_factory.mktemp("tables"))
        return AsDatabricksAsks(SparkSession.getActiveSession(), *tables)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    parents = pa.table({"id": [1, 2, 2, None], "code": ["a", "a", None, "b"]})
    children = pa.table({"id": list(range(8)), "parent": [1, 1, 2, 2, 9, None, 1, 2]})
    with in_spark({"p": parents, "c": children}) as warehouse:
        yield warehouse._query


@pytest.mark.slow
@feature("types come back")
def test_values_of_all_types_come_back(spark: Any, tmp_path: Path) -> None:
    columns = [Column(name=name, **described(type_)) for name, (type_, _) in TYPES.items()]
    given = pa.RecordBatch.from_arrays(
        [pa.array([value, None], c.arrow_type) for c, (_, value) in zip(columns, TYPES.values())],
        schema=dialect_for(ENGINE).schema(columns),
    )
    (tmp_path / "0").mkdir()
    ((_, count),) = files(tmp_path / "0", [given], carried)
    assert count == 2
    fields = ", ".join(f"`{name}` {type_}" for name, (type_, _) in TYPES.items())
    spark("DROP TABLE IF EXISTS every_type")
    spark(f"CREATE TABLE every_type ({fields}) USING parquet LOCATION '{tmp_path / 'table'}'")
    spark(insert_sql("every_type", columns, str(tmp_path / "0"), native=True))
    listed = ", ".join(f"{reading(c, f'`{c.name}`')} AS `{c.name}`" for c in columns)
    found = spark(f"SELECT {listed} FROM every_type ORDER BY i1 NULLS LAST")
    spark("DROP TABLE every_type")
    for column in columns:
        first, second = (row[column.name] for row in found)
        assert second is None, column.name
        value = TYPES[column.name][1]
        if column.kind in (ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE):
            first, value = json.loads(first), json.loads(value)
        elif column.timezone:
            value = value.replace(tzinfo=None)
            first = first.replace(tzinfo=None)
        elif column.kind is ColumnKind.BINARY:
            first = bytes(first)
        assert first == value, column.name


@pytest.mark.slow
@feature("what breaks a key is refused")
def test_proofs_and_hashes_are_spark_s_own_sql(spark: Any) -> None:
    writer = DatabricksWriter.__new__(DatabricksWriter)
    asked: list[str] = []
    writer.target = "copy"
    writer._scalar = lambda sql, values=(): asked.append(sql) or 0  # type: ignore
    key = ForeignKey(columns=["parent"], parent="p", parent_columns=["id"])
    writer.orphans("c", key, "p")
    (row,) = spark(asked[0])
    assert list(row.values()) == [1]
    (row,) = spark(writer._repeated(0, "p", ["id"], whole=True))
    assert (row["missing"], row["repeated"]) == (1, 1)
    (row,) = spark(writer._repeated(0, "p", ["code"], whole=False))
    assert (row["missing"], row["repeated"]) == (1, 1)
    hashed = dialect_for(ENGINE).hashed(["r.id", "r.v", "r.m"], 7)
    rows = "SELECT id, parse_json(CAST(id AS string)) AS v, map('k', id) AS m FROM range(1000)"
    values = [row["h"] for row in spark(f"SELECT {hashed} AS h FROM ({rows}) r")]
    assert len(set(values)) == 1000
    assert 0 <= min(values) < 2**26
    assert 2**32 - 2**26 < max(values) < 2**32


@pytest.mark.slow
@feature("CHECK, UNIQUE, computed")
def test_checks_of_other_engines_are_read(spark: Any) -> None:
    meta = Metadata(dialect="postgresql")
    columns = {
        "a": Column(name="a", kind=ColumnKind.INTEGER, arrow="int64"),
        "t": Column(name="t", kind=ColumnKind.TEXT),
    }
    meta.add_table("x", "a", columns=columns)
    rules = ["(a > 0)", "((t)::text ~~ 'a_%'::text)", "(t = ANY (ARRAY['ab'::text, 'b'::text]))"]
    meta.tables["x"].checks += [CheckConstraint(sqltext=sql) for sql in rules]
    made = portable_ddl(
        meta, ENGINE.dialect, spelling("databricks"), source=spelling("postgresql"), all_keys=True
    )
    checks = [s.sql.partition(" CHECK ")[2] for s in made.after if " CHECK " in s.sql]
    assert len(checks) == 3
    (row,) = spark(f"SELECT {' AND '.join(checks)} AS fine FROM (SELECT 1L AS a, 'ab' AS t) x")
    assert row["fine"] is True
