"""Synthetic tables of any kind into a database of Spark's, and names that never reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from synthohive import ConnectorError, Metadata, SchemaError, Synthesizer
from tests.spark.session import is_sail

if is_sail():
    pytest.skip("Sail tells no property of a Parquet table", allow_module_level=True)


@pytest.fixture(scope="module")
def synth(spark: Any) -> Synthesizer:
    metadata = Metadata().add_table("pets", "id").add_table("vets", "id")
    pets = pd.DataFrame({"id": range(1, 41), "kind": ["cat", "dog", None, "dog"] * 10,
                         "born": pd.date_range("2020-01-01", periods=40)})  # fmt: skip
    vets = pd.DataFrame({"id": range(1, 31), "open": [True, False, True] * 10})
    synth = Synthesizer(metadata, spark_session=spark, model="autoregressive")
    return synth.fit({"pets": pets, "vets": vets}, epochs=1, seed=1, progress=False, n_jobs=1)


def test_tables_in_memory_and_of_spark_are_saved(
    spark: Any, synth: Synthesizer, tmp_path: Path
) -> None:
    spark.sql(f"CREATE DATABASE hive LOCATION '{tmp_path}'").collect()
    try:
        made = synth.sample(num_rows={"pets": 30}, seed=2)
        arrow = synth.sample(num_rows={"vets": 20}, seed=2, output_format="arrow")
        written = synth.save_to_hive({"pets": made["pets"], "vets": arrow["vets"]}, "hive")
        assert written.rows == {"pets": 30, "vets": 20}
        found = spark.table("hive.pets").orderBy("id").toArrow()
        assert found.schema.field("born").type == pa.timestamp("us")
        born = made["pets"].sort_values("id")["born"]
        assert found.column("born").to_pylist() == [moment.to_pydatetime() for moment in born]
        assert found.column("kind").to_pylist() == [
            None if pd.isna(kind) else kind for kind in made["pets"].sort_values("id")["kind"]
        ]
        with pytest.raises(ConnectorError, match=r"exists.*overwrite=True"):
            synth.save_to_hive({"vets": arrow["vets"]}, "hive", overwrite=False)
        rows = spark.table("hive.pets").limit(7)
        assert synth.save_to_hive({"pets": rows}, "hive").rows == {"pets": 7}
        assert spark.table("hive.pets").count() == 7
        assert spark.table("hive.vets").count() == 20
    finally:
        spark.sql("DROP DATABASE hive CASCADE").collect()


@pytest.mark.parametrize(
    "database", ["x; DROP DATABASE hive", "a`b", "a.b.c", "", "größe", None, 3, "hive'--"]
)
def test_names_are_refused_before_spark_is_touched(synth: Synthesizer, database: Any) -> None:
    known, synth._spark = synth._spark, object()  # whatever is asked of it fails
    try:
        with pytest.raises(SchemaError, match="name of a database"):
            synth.save_to_hive({"pets": pd.DataFrame({"id": [1]})}, database)
        with pytest.raises(SchemaError, match="name of a table"):
            synth.save_to_hive({"pets; DROP": pd.DataFrame({"id": [1]})}, "hive")
        with pytest.raises(SchemaError, match="There is no table 'cats'"):
            synth.save_to_hive({"cats": pd.DataFrame({"id": [1]})}, "hive")
    finally:
        synth._spark = known
