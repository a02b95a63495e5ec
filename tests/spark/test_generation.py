"""Rows made by Spark's tasks: those of one machine, whatever becomes of the tasks."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest

from synthohive import Synthesizer
from synthohive.exceptions import ConnectorError, QualityError
from synthohive.generate.shard_plan import ShardSize
from synthohive.interface.requests import Request
from synthohive.interface.spark_tables import SparkTables, spark_tables
from tests.generate.test_shards import SMALL, cut, made, shop
from tests.spark.session import is_sail
from tests.spark.test_tables import database

__all__ = ["database", "shop"]
pytestmark = pytest.mark.slow
MANY = ShardSize(rows=200, least=1, roots=1)


def on_spark(
    spark: Any, synth: Synthesizer, size: ShardSize = SMALL, partitions: Any = None
) -> SparkTables:
    request = Request(synth._state(), seed=7, n_jobs=1)
    return spark_tables(spark, request, partitions=partitions, size=size)


def assert_same(tables: SparkTables, local: dict[str, pa.Table], names: Sequence[str] = ()) -> None:
    assert list(tables) == list(local)
    for name in names or tables:
        found, own = tables[name].toArrow(), local[name]
        assert found.column_names == own.column_names
        if is_sail():  # which brings partitions as they are ready
            order: Any = [(column, "ascending") for column in own.column_names]
            found, own = found.sort_by(order), own.sort_by(order)
        for column in own.column_names:
            values = own.column(column)
            assert found.column(column).cast(values.type).equals(values), (name, column)


def test_partitions_do_not_matter(spark: Any, shop: Synthesizer) -> None:
    local = made(shop, MANY)
    assert cut(shop, MANY).shards > 16
    for partitions, names in ((1, ["lines"]), (7, []), (16, ["lines"])):
        with on_spark(spark, shop, MANY, partitions) as tables:
            assert_same(tables, local, names)


def test_a_small_database_is_made_by_the_driver(spark: Any, shop: Synthesizer) -> None:
    with on_spark(spark, shop, ShardSize()) as tables:
        assert_same(tables, shop.sample(seed=7, output_format="arrow"))


def test_folders_and_catalogues_hold_what_one_machine_makes(
    spark: Any, shop: Synthesizer, database: str, tmp_path: Path
) -> None:
    shop.save(tmp_path / "fitted")
    synth = Synthesizer.load(tmp_path / "fitted", spark_session=spark)
    kind: Literal["delta", "parquet"] = "delta" if is_sail() else "parquet"
    asked: dict[str, Any] = {"seed": 7, "scale": 0.2}
    local = shop.sample(output_format="arrow", **asked)
    places = synth.sample(output_format=kind, output_path=tmp_path / "out", **asked)
    summary = synth.to_database(schema=database, table_format=kind, **asked)
    assert [key.orphans for key in summary.keys] == [0] * 4
    for name, table in local.items():
        assert Path(places[name].removeprefix("file:")).name == name
        for frame in (
            spark.read.format(kind).load(places[name]), spark.table(f"{database}.{name}")
        ):  # fmt: skip
            found = frame.toArrow()
            assert sorted(map(str, found.to_pylist())) == sorted(map(str, table.to_pylist()))
    with pytest.raises(ConnectorError, match=database):  # unless asked for
        synth.to_database(schema=database, table_format=kind, **asked)
    synth.to_database(schema=database, table_format=kind, if_exists="replace", **asked)
    with pytest.raises(QualityError):  # and nothing is published
        synth.sample(
            output_format=kind, output_path=tmp_path / "no", quality_threshold=0.0, **asked
        )
    assert not (tmp_path / "no").exists()


def test_without_a_session_nothing_of_spark_is_had(shop: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="no Spark session"):
        shop.to_spark()
    with pytest.raises(ConnectorError, match="written by Spark"):
        shop.sample(output_format="delta", output_path=tmp_path)


def workers() -> list[int]:
    """Return the Python processes that run tasks: children of Spark's daemon, of this process."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()[1:]]
    daemons = {pid for pid, _, command in rows if "pyspark.daemon" in command}
    return [int(pid) for pid, parent, _ in rows if parent in daemons]


@pytest.mark.skipif(is_sail(), reason="Sail runs Python in its own process")
def test_what_a_killed_worker_made_is_made_again(spark: Any, shop: Synthesizer) -> None:
    killed = []

    def kill() -> None:
        end = time.monotonic() + 60
        while not killed and time.monotonic() < end and not done.is_set():
            time.sleep(0.5)  # they are at work
            for pid in workers():
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    done, killer = threading.Event(), threading.Thread(target=kill)
    local = made(shop, SMALL)
    with on_spark(spark, shop) as tables:
        killer.start()
        try:
            assert_same(tables, local, ["lines"])
        finally:
            done.set()
            killer.join()
    assert killed
