"""Folders of tables: all or none, what is theirs stays, and what a killed run leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthohive import ConnectorError, Metadata, SchemaError
from synthohive.connectors.spark.columns import carried, frame_columns
from synthohive.connectors.spark.delta import DeltaTable
from synthohive.connectors.spark.folders import write_folders
from synthohive.connectors.spark.publication import Asked, WrittenTables
from synthohive.connectors.spark.warehouse import SparkWarehouse
from synthohive.io import stores
from synthohive.io.base import Provenance
from synthohive.io.steps import observe
from synthohive.schema import Column, ColumnKind
from tests.spark.session import has_delta, is_sail, session

PROVENANCE = Provenance("1.0", "autoregressive", 7, 1.0, "2026-01-01T00:00:00+00:00", "shop")
FORMATS = [
    "parquet",
    pytest.param("delta", marks=pytest.mark.skipif(not has_delta(), reason="no JARs of Delta")),
]


def shop() -> Metadata:
    metadata = Metadata().add_table("customer", "id").add_table("orders", "id")
    columns = [
        Column(name="id", kind=ColumnKind.INTEGER, nullable=False, comment="its number"),
        Column(name="total", kind=ColumnKind.DECIMAL, precision=12, scale=2),
    ]
    for table in metadata.tables.values():
        table.columns = {column.name: column for column in columns}
    return metadata


def rows(spark: Any, count: int) -> Any:
    return spark.range(count).selectExpr("id", "CAST(id AS DECIMAL(12, 2)) AS total")


def failing(spark: Any) -> Any:
    def fail(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise ValueError(f"Ann Lee {len(list(batches))}")
        yield

    return spark.range(3).mapInArrow(fail, frame_columns(shop().table("orders")))


def write(spark: Any, path: Path, kind: str, counts: tuple[int, int], **more: Any) -> WrittenTables:
    frames = {"customer": rows(spark, counts[0]), "orders": rows(spark, counts[1])}
    frames.update(more.pop("frames", {}))
    return write_folders(frames, path, shop(), PROVENANCE, Asked(kind, **more))


def counts(path: Path, kind: str) -> tuple[int, ...]:
    """Return the rows of the tables, read without Spark; -1 of one that is not there."""
    places = [path / name for name in ("customer", "orders")]
    return tuple(
        (in_delta(p).num_rows if kind == "delta" else pq.read_table(p).num_rows)
        if p.exists()
        else -1
        for p in places
    )


def in_delta(path: Path) -> pa.Table:
    import deltalake

    return pa.table(deltalake.DeltaTable(path).to_pyarrow_table())


def left(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir() if entry.name.startswith(("_", ".")))


@pytest.mark.parametrize("kind", FORMATS)
def test_tables_are_written_and_replaced_where_they_are_ours(
    spark: Any, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "out"
    written = write(spark, path, kind, (3, 5))
    assert written.rows == {"customer": 3, "orders": 5}
    assert counts(path, kind) == (3, 5)
    assert left(path) == ["_synthohive.json"]
    with pytest.raises(ConnectorError, match="exists"):
        write(spark, path, kind, (1, 1))
    write(spark, path, kind, (4, 6), if_exists="replace")
    assert counts(path, kind) == (4, 6)
    with pytest.raises(ConnectorError, match="ValueError in a Python worker") as caught:
        write(spark, path, kind, (1, 1), if_exists="replace", frames={"orders": failing(spark)})
    assert "Ann" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert counts(path, kind) == (4, 6)
    assert left(path) == ["_synthohive.json"]
    with pytest.raises(ConnectorError, match="holds what was read"):
        write(spark, path, kind, (1, 1), if_exists="replace", read=[str(path / "orders")])
    places = {name: str(path / name) for name in ("customer", "orders")}
    sources = SparkWarehouse(spark, places, shop()).fingerprint()
    with pytest.raises(ConnectorError, match="holds what was read"):
        write(spark, path, kind, (1, 1), if_exists="replace", sources=sources)
    with pytest.raises(ConnectorError, match="holds what was read"):
        write(spark, path / "orders" / "more", kind, (1, 1), sources=sources)


def _stop_at(name: str, number: int) -> Any:
    seen = []

    def stop(reached: str) -> None:
        if reached == name:
            seen.append(reached)
            if len(seen) == number:
                raise OSError(5, "broken")

    return stop


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("name", "number"), [("table published", 1), ("table published", 2)])
def test_what_fails_while_tables_are_published_is_taken_back(
    spark: Any, tmp_path: Path, kind: str, name: str, number: int
) -> None:
    write(spark, tmp_path / "out", kind, (3, 5))
    for place in (tmp_path / "out", tmp_path / "new"):
        observe(_stop_at(name, number))
        try:
            with pytest.raises(ConnectorError, match="cannot be written"):
                write(spark, place, kind, (1, 2), if_exists="replace")
        finally:
            observe(None)
    assert counts(tmp_path / "out", kind) == (3, 5)
    assert not (tmp_path / "new").exists() or sorted(os.listdir(tmp_path / "new")) == [
        "_synthohive.json"
    ]
    write(spark, tmp_path / "out", kind, (1, 2), if_exists="replace")
    assert counts(tmp_path / "out", kind) == (1, 2)


def test_what_cannot_be_taken_back_is_kept_for_the_next_run(spark: Any, tmp_path: Path) -> None:
    """Something lies where an old table belongs: the old rows stay beside until it is gone."""
    path = tmp_path / "out"
    write(spark, path, "parquet", (3, 5))
    stop = _stop_at("table published", 2)

    def block(reached: str) -> None:
        try:
            stop(reached)
        except OSError:
            shutil.rmtree(path / "orders")
            os.mkfifo(path / "orders")
            raise

    observe(block)
    try:
        with pytest.raises(ConnectorError, match="could not be taken back: orders") as caught:
            write(spark, path, "parquet", (1, 2), if_exists="replace")
    finally:
        observe(None)
    (staging,) = (name for name in left(path) if name != "_synthohive.json")
    assert staging in str(caught.value)
    with pytest.raises(ConnectorError, match="could not be taken back: orders"):
        write(spark, path, "parquet", (1, 2), if_exists="replace")
    os.remove(path / "orders")
    with pytest.raises(ConnectorError, match="exists"):
        write(spark, path, "parquet", (1, 2))
    assert counts(path, "parquet") == (3, 5)
    assert left(path) == ["_synthohive.json"]


def test_an_old_folder_whose_place_is_taken_is_kept(spark: Any, tmp_path: Path) -> None:
    write(spark, tmp_path, "parquet", (3, 5))
    stop = _stop_at("old table aside", 2)

    def take(reached: str) -> None:
        try:
            stop(reached)
        except OSError:
            (tmp_path / "orders").mkdir()
            raise

    observe(take)
    try:
        with pytest.raises(ConnectorError, match="orders: Somebody else's folder"):
            write(spark, tmp_path, "parquet", (1, 2), if_exists="replace")
    finally:
        observe(None)
    (tmp_path / "orders").rmdir()
    with pytest.raises(ConnectorError, match="exists"):
        write(spark, tmp_path, "parquet", (1, 2))
    assert counts(tmp_path, "parquet") == (3, 5)


def test_a_run_that_ends_before_its_ledger_is_trimmed_is_whole(spark: Any, tmp_path: Path) -> None:
    write(spark, tmp_path, "parquet", (3, 5))
    stop, known = _stop_at("committed", 1), []

    def listed(reached: str) -> None:
        ledger = json.loads((tmp_path / "_synthohive.json").read_text())["folders"]
        known.append([len(sums) for sums in ledger.values()])
        stop(reached)

    observe(listed)
    try:
        with pytest.raises(ConnectorError, match="cannot be written to"):
            write(spark, tmp_path, "parquet", (1, 2), if_exists="replace")
    finally:
        observe(None)
    assert known[-1] == [2, 2]
    assert counts(tmp_path, "parquet") == (1, 2)
    write(spark, tmp_path, "parquet", (2, 3), if_exists="replace")
    assert counts(tmp_path, "parquet") == (2, 3)


def test_a_lock_that_is_not_its_own_is_not_renewed(tmp_path: Path) -> None:
    store, text = stores.Store(tmp_path), '{"synthohive_lock_of": "x", "token": "theirs"}'
    before = threading.enumerate()  # what other tests left
    lease = stores.FolderLease(store, "_synthohive_lock", print)
    lease.take("_synthohive_00000000")
    store.write(text, "_synthohive_lock")
    lease.renew(str)
    assert store.read("_synthohive_lock") == text
    store.remove("_synthohive_lock")
    lease.renew(str)
    assert store.read("_synthohive_lock") is None
    lease.release()
    assert set(threading.enumerate()) <= set(before)


def test_what_others_made_stays(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "mine.parquet").write_text("x")
    with pytest.raises(ConnectorError, match="did not make the folder"):
        write(spark, tmp_path, "parquet", (1, 1), if_exists="replace")
    assert sorted(os.listdir(tmp_path)) == ["orders"]


KILLED = """
import os, signal, sys
import pyspark.sql.connect.session
from pyspark.sql import SparkSession
from synthohive import Metadata
from synthohive.connectors.spark.folders import write_folders
from synthohive.connectors.spark.publication import Asked
from synthohive.io.base import Provenance
from synthohive.io.steps import observe

url, *cases = sys.argv[1:]
for path, kind, step in zip(*[iter(cases)] * 3):  # each process is one driver
    if os.fork() == 0:
        observe(lambda name: name == step and os.kill(os.getpid(), signal.SIGKILL))
        spark = SparkSession.builder.remote(url).getOrCreate()
        rows = {
            name: spark.range(count).selectExpr("id", "CAST(id AS DECIMAL(12, 2)) AS total")
            for name, count in (("customer", 1), ("orders", 2))
        }
        told = Provenance("1.0", "ctgan", 8, 1.0, "2026-01-02T00:00:00+00:00")
        write_folders(rows, path, Metadata(), told, Asked(kind, "replace"))
        os._exit(0)
    assert os.wait()[1] == signal.SIGKILL
"""
KILLS = [
    ("delta", "tables staged", (3, 5)),
    ("delta", "table published", (1, 5)),
    ("parquet", "table published", (1, 5)),
    ("parquet", "old table aside", (-1, 5)),
    ("parquet", "committed", (1, 2)),
]


def test_what_a_killed_driver_leaves_is_taken_back_by_the_next_run(
    spark: Any, tmp_path: Path
) -> None:
    if not is_sail():
        pytest.skip("a driver that is killed takes its own Spark with it")
    cases = []
    for number, (kind, name, _) in enumerate(KILLS):
        write(spark, tmp_path / str(number), kind, (3, 5))
        cases += [str(tmp_path / str(number)), kind, name]
    url = f"sc://127.0.0.1:{session.server.listening_address[1]}"  # type: ignore[attr-defined]
    command = [sys.executable, "-W", "ignore", "-c", KILLED, url, *cases]
    subprocess.run(command, env={**os.environ, "SPARK_HOME": sys.prefix}, check=True)
    for number, (kind, _, there) in enumerate(KILLS):
        path = tmp_path / str(number)
        assert counts(path, kind) == there  # whole tables, each the old one or the new one
        with pytest.raises(ConnectorError, match="exists"):
            write(spark, path, kind, (1, 2))
        assert counts(path, kind) == ((1, 2) if there == (1, 2) else (3, 5))
        assert left(path) == ["_synthohive.json"]


@pytest.mark.parametrize("kind", FORMATS)
def test_where_nothing_is_renamed_new_tables_are_written_in_their_places(
    spark: Any, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "RENAMING", ())  # as object stores are
    with pytest.raises(ConnectorError, match="in a Python worker"):
        write(spark, tmp_path / "out", kind, (3, 5), frames={"orders": failing(spark)})
    assert not (tmp_path / "out").exists()
    write(spark, tmp_path / "out", kind, (3, 5))
    assert counts(tmp_path / "out", kind) == (3, 5)
    if kind == "delta":
        write(spark, tmp_path / "out", kind, (4, 6), if_exists="replace")
        assert counts(tmp_path / "out", kind) == (4, 6)
    else:
        with pytest.raises(ConnectorError, match="an object store renames no folder"):
            write(spark, tmp_path / "out", kind, (4, 6), if_exists="replace")
        assert counts(tmp_path / "out", kind) == (3, 5)
    assert left(tmp_path / "out") == ["_synthohive.json"]


@pytest.mark.parametrize("kind", FORMATS[1:])
def test_delta_tables_keep_their_layout_and_get_their_marks(
    spark: Any, tmp_path: Path, kind: str
) -> None:
    import deltalake

    theirs = pa.table({"id": [1, 2], "total": pa.array([Decimal(1)] * 2, pa.decimal128(12, 2))})
    deltalake.write_deltalake(tmp_path / "orders", theirs, partition_by=["id"])
    with pytest.raises(ConnectorError, match="did not make"):
        write(spark, tmp_path, kind, (1, 1), if_exists="replace")
    write(spark, tmp_path, kind, (3, 3), if_exists="replace", foreign=["orders"])
    table = deltalake.DeltaTable(tmp_path / "orders")
    assert table.metadata().partition_columns == ["id"]
    assert table.metadata().configuration["synthohive.seed"] == "7"
    made = deltalake.DeltaTable(tmp_path / "customer")
    assert [field.nullable for field in made.schema().fields] == [False, True]
    assert made.metadata().configuration["synthohive.model"] == "autoregressive"
    table.vacuum(0, enforce_retention_duration=False, dry_run=False)
    assert counts(tmp_path, kind) == (3, 3)  # nothing relies on what VACUUM takes

    wider = {"customer": spark.sql("SELECT 1L AS id, CAST(1 AS DECIMAL(12, 2)) AS total, 'x' AS y")}
    with pytest.raises(ConnectorError, match=r"other columns.*: y\..*overwrite_schema"):
        write(spark, tmp_path, kind, (1, 1), if_exists="replace", frames=wider)
    write(spark, tmp_path, kind, (1, 4), if_exists="replace", frames=wider, overwrite_schema=True)
    assert in_delta(tmp_path / "customer").column_names == ["id", "total", "y"]
    assert deltalake.DeltaTable(tmp_path / "orders").metadata().partition_columns == ["id"]
    assert counts(tmp_path, kind) == (1, 4)


TYPES = {
    "flag": pa.array([True, None]),
    "small": pa.array([255, None], pa.uint8()),
    "large": pa.array([2**64 - 1, None], pa.uint64()),
    "real": pa.array([0.5, None], pa.float32()),
    "exact": pa.array([Decimal("12345678901234567890.12"), None], pa.decimal128(38, 2)),
    "text": pa.array(["ä", None]),
    "bytes": pa.array([b"\x00", None]),
    "day": pa.array([date(9999, 12, 31), None]),
    "moment": pa.array([datetime(2024, 2, 29, 1, 2, 3, 4), None], pa.timestamp("us")),
    "zoned": pa.array(
        [datetime(2024, 2, 29, tzinfo=timezone.utc), None], pa.timestamp("us", "UTC")
    ),
    "clock": pa.array([3_723_000_004, None], pa.time64("us")),
    "span": pa.array([timedelta(days=3, microseconds=4), None], pa.duration("us")),
    "document": pa.array(['{"a": 1}', None]),
    "no such name; (x)": pa.array([1, None], pa.int8()),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_values_of_all_types_come_back(spark: Any, tmp_path: Path, kind: str) -> None:
    given = pa.table({"n": [0, 1], **TYPES})
    metadata = Metadata().add_table("t", "n")
    metadata.tables["t"].columns = metadata.tables["t"].described(given.schema)

    def values(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            arrays = [carried(column.combine_chunks()) for column in given.columns]
            yield pa.RecordBatch.from_arrays(arrays, given.column_names)

    frame = spark.range(1).mapInArrow(values, frame_columns(metadata.tables["t"]))
    write_folders({"t": frame}, tmp_path, metadata, PROVENANCE, Asked(kind))
    found = spark.read.format(kind).load(str(tmp_path / "t")).orderBy("n").toArrow()
    first = dict(zip(found.column_names, (column[0].as_py() for column in found.columns)))
    expected = {name: array[0].as_py() for name, array in TYPES.items()}
    expected["clock"] = "01:02:03.000004"
    if kind == "delta":
        expected["span"] = datetime(1970, 1, 4, 0, 0, 0, 4)
    assert first.pop("n") == 0
    assert first == expected
    assert [column[1].as_py() for column in found.columns[1:]] == [None] * len(TYPES)
    assert found.schema.field("zoned").type.tz is not None
    assert found.schema.field("moment").type.tz is None


def test_decimals_that_are_too_long_are_refused() -> None:
    with pytest.raises(SchemaError, match="38 digits"):
        carried(pa.array([Decimal(1)], pa.decimal256(50, 2)))


def test_a_ledger_of_files_and_folders_is_one(spark: Any, tmp_path: Path) -> None:
    from synthohive.io.files import FileTarget

    table = pa.table({"id": [1]})
    write(spark, tmp_path, "parquet", (1, 1))
    target = FileTarget(tmp_path, ["more"], "csv")
    target.write({"more": table.to_batches()}, {"more": table.schema})
    write(spark, tmp_path, "parquet", (2, 2), if_exists="replace")
    ledger = json.loads((tmp_path / "_synthohive.json").read_text())
    assert sorted(ledger["folders"]) == ["customer", "orders"]
    assert sorted(ledger["files"]) == ["more.csv"]


def test_a_folder_that_was_changed_since_stays(spark: Any, tmp_path: Path) -> None:
    write(spark, tmp_path, "parquet", (1, 1))
    pq.write_table(pa.table({"id": [5]}), tmp_path / "orders" / "more.parquet")
    with pytest.raises(ConnectorError, match="or it was changed since"):
        write(spark, tmp_path, "parquet", (2, 2), if_exists="replace")


def test_two_runs_keep_each_other_out(spark: Any, tmp_path: Path) -> None:
    lease = stores.FolderLease(stores.Store(tmp_path), "_synthohive_lock", print)
    lease.take("_synthohive_00000000")
    with pytest.raises(ConnectorError, match="Another run is writing"):
        write(spark, tmp_path, "parquet", (1, 1))
    lease.release()
    write(spark, tmp_path, "parquet", (1, 1))


@pytest.mark.parametrize("kind", FORMATS[1:])
def test_what_others_wrote_after_a_run_is_not_taken_back(
    spark: Any, tmp_path: Path, kind: str
) -> None:
    import deltalake

    write(spark, tmp_path, kind, (3, 5))
    place = str(tmp_path / "orders")
    table = DeltaTable.in_folder(spark, place)
    before = table.state()
    for later, expected in ((False, 5), (True, 3)):
        table.replace_rows(rows(spark, 1), before, "0000000a", schema=False)
        table.mark({"a": "b"})
        table.replace_rows(rows(spark, 2), before, "0000000a", schema=False)
        if later:
            deltalake.write_deltalake(place, in_delta(tmp_path / "orders").slice(1), mode="append")
        table.undo("0000000a", before.version)
        assert in_delta(tmp_path / "orders").num_rows == expected
