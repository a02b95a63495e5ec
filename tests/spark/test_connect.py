"""What Sail shows, a server of Spark Connect that has Delta tables.

What is asked of all rows is asked of Spark itself, too: `tests/integration/test_databricks.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pysail")

from synthohive import Metadata
from synthohive.connectors.spark.warehouse import SparkWarehouse
from synthohive.connectors.sql import SqlWarehouse
from tests.contracts.questions import QuestionsContract, as_parquet
from tests.contracts.stand_ins import notimpl
from tests.evidence import STAND_IN, feature, runs

pytestmark = [pytest.mark.slow, pytest.mark.integration, runs("Spark", STAND_IN)]


class TestQuestions(QuestionsContract):
    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, spark: Any, tmp_path_factory: pytest.TempPathFactory) -> SqlWarehouse:
        return SparkWarehouse(spark, *as_parquet(tmp_path_factory.mktemp("tables")))

    @notimpl("SELECT DISTINCT … LIMIT over a window")
    def test_periods_are_looked_at_where_they_may_overlap(self, warehouse: SqlWarehouse) -> None:
        super().test_periods_are_looked_at_where_they_may_overlap(warehouse)


@feature("reads see one state")
def test_delta_tables_are_read_as_they_were(spark: Any, tmp_path: Path) -> None:
    for place, rows in (("a", 3), ("a", 2), ("b", 5)):
        frame = spark.range(rows)
        frame.write.format("delta").mode("append").save(f"{tmp_path}/{place}")
    spark.range(7).write.parquet(f"{tmp_path}/c")
    meta = Metadata().add_table("a").add_table("b").add_table("c")
    warehouse = SparkWarehouse(spark, {n: f"{tmp_path}/{n}" for n in "abc"}, meta)
    with warehouse.one_state():
        assert sorted(warehouse._moments.values()) == ["0", "1"]
        for place in "abc":
            how = "parquet" if place == "c" else "delta"
            spark.range(1).write.format(how).mode("append").save(f"{tmp_path}/{place}")
        assert warehouse.counts(["a", "b", "c"]) == {"a": 5, "b": 5, "c": 8}
        assert sum(len(batch) for batch in warehouse.read("a")) == 5
    assert warehouse.counts(["a", "b"]) == {"a": 6, "b": 6}
