"""Tables of a catalogue: all or none, what is theirs stays, and what a killed run leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, current_thread
from types import SimpleNamespace
from typing import Any

import pytest

from synthohive import ConnectorError, Metadata, SchemaError
from synthohive.connectors.spark.publication import Asked
from synthohive.connectors.spark.refusals import spark_errors
from synthohive.connectors.spark.tables import _Facts, _Run, write_tables
from synthohive.connectors.spark.warehouse import SparkWarehouse
from synthohive.io.steps import observe
from tests.spark.session import has_delta
from tests.spark.test_folders import PROVENANCE, _stop_at, failing, rows, shop

KIND = "delta" if has_delta() else "parquet"
NAMES = ("customer", "orders")


@pytest.fixture
def database(spark: Any, tmp_path: Path) -> Iterator[str]:
    name = f"d{abs(hash(str(tmp_path)))}"
    spark.sql(f"CREATE DATABASE {name} LOCATION '{tmp_path}'").collect()
    yield name
    spark.sql(f"DROP DATABASE {name} CASCADE").collect()


def write(spark: Any, database: str, counts: tuple[int, int], **more: Any) -> Any:
    frames = {name: rows(spark, count) for name, count in zip(NAMES, counts)}
    frames.update(more.pop("frames", {}))
    return write_tables(frames, database, shop(), PROVENANCE, Asked(**{"format": KIND, **more}))


def counts(spark: Any, database: str) -> dict[str, int]:
    listed = spark.sql(f"SHOW TABLES IN {database}").collect()
    found = [row["tableName"] for row in listed if not row["isTemporary"]]
    return {name: spark.table(f"{database}.{name}").count() for name in sorted(found)}


def test_tables_are_written_and_replaced_where_they_are_ours(spark: Any, database: str) -> None:
    written = write(spark, database, (3, 5))
    assert written.rows == counts(spark, database) == {"customer": 3, "orders": 5}
    assert written.places["orders"].endswith(f".{database}.orders")
    (comment,) = [c.description for c in spark.catalog.listColumns(f"{database}.orders")][:1]
    assert comment == "its number"
    with pytest.raises(ConnectorError, match="exists"):
        write(spark, database, (1, 1))
    frames = {"orders": failing(spark)}
    with pytest.raises(ConnectorError, match="ValueError in a Python worker"):
        write(spark, database, (1, 1), if_exists="replace", frames=frames)
    with pytest.raises(ConnectorError, match="the source itself"):
        write(spark, database, (1, 1), if_exists="replace", read=[f"`{database}`.`orders`"])
    sources = SparkWarehouse(spark, database).fingerprint()
    with pytest.raises(ConnectorError, match="the source itself"):
        write(spark, database, (1, 1), if_exists="replace", sources=sources)
    assert counts(spark, database) == {"customer": 3, "orders": 5}
    write(spark, database, (4, 6), if_exists="replace")
    assert counts(spark, database) == {"customer": 4, "orders": 6}


@pytest.mark.parametrize("number", [1, 2])
def test_what_fails_while_tables_are_published_is_taken_back(
    spark: Any, database: str, number: int
) -> None:
    for there in ({}, {"customer": 3, "orders": 5}):
        if there:
            write(spark, database, (3, 5))
        observe(_stop_at("table published", number))
        try:
            with pytest.raises(OSError, match="broken"):
                write(spark, database, (1, 2), if_exists="replace")
        finally:
            observe(None)
        assert counts(spark, database) == there


@pytest.mark.skipif(KIND != "delta", reason="no JARs of Delta")
def test_what_cannot_be_taken_back_is_kept_for_the_next_run(
    spark: Any, database: str, tmp_path: Path
) -> None:
    write(spark, database, (3, 5))
    stop, log = _stop_at("table published", 2), tmp_path / "orders" / "_delta_log"

    def block(reached: str) -> None:
        try:
            stop(reached)
        except OSError:
            log.rename(tmp_path / "log")
            raise

    observe(block)
    try:
        with pytest.raises(ConnectorError, match="could not be taken back: orders"):
            write(spark, database, (1, 2), if_exists="replace")
    finally:
        observe(None)
    with pytest.raises(ConnectorError, match="could not be taken back: orders"):
        write(spark, database, (1, 2), if_exists="replace")
    (tmp_path / "log").rename(log)
    with pytest.raises(ConnectorError, match="exists"):
        write(spark, database, (1, 2))
    assert counts(spark, database) == {"customer": 3, "orders": 5}


@pytest.mark.skipif(KIND == "delta", reason="Delta tables are not put aside")
def test_an_old_table_whose_place_is_taken_is_kept(spark: Any, database: str) -> None:
    write(spark, database, (3, 5))
    stop = _stop_at("old table aside", 2)

    def take(reached: str) -> None:
        try:
            stop(reached)
        except OSError:
            rows(spark, 9).write.saveAsTable(f"{database}.orders", format=KIND)
            raise

    observe(take)
    try:
        with pytest.raises(ConnectorError, match="orders: Somebody else's table"):
            write(spark, database, (1, 2), if_exists="replace")
    finally:
        observe(None)
    found = counts(spark, database)
    assert (found["customer"], found["orders"]) == (3, 9)
    spark.sql(f"DROP TABLE {database}.orders").collect()
    with pytest.raises(ConnectorError, match="exists"):
        write(spark, database, (1, 2))
    assert counts(spark, database) == {"customer": 3, "orders": 5}


def test_what_a_run_left_that_does_nothing_more_is_taken_back_by_the_next(
    spark: Any, database: str
) -> None:
    write(spark, database, (3, 5))
    for name, customers in (("table published", 1), ("tables staged", 3)):
        reached, over = Event(), Event()

        def stop(step: str, name: str = name, reached: Event = reached, over: Event = over) -> None:
            if step == name and current_thread().name == "asleep" and not reached.is_set():
                reached.set()
                over.wait()
                raise OSError("the run is over")

        def run() -> None:
            with suppress(OSError):
                write(spark, database, (1, 2), if_exists="replace")

        observe(stop)
        asleep = Thread(target=run, name="asleep")
        asleep.start()
        try:
            assert reached.wait(60)
            with pytest.raises(ConnectorError, match="Another run is writing"):
                write(spark, database, (1, 2))
            found = counts(spark, database)
            assert found["customer"] == customers
            assert any(table.startswith("synthohive_") for table in found)
            spark.sql(f"DROP TABLE {database}.synthohive_lock").collect()  # as if it had ended
            with pytest.raises(ConnectorError, match="exists"):
                write(spark, database, (1, 2))
            assert counts(spark, database) == {"customer": 3, "orders": 5}
        finally:
            over.set()
            asleep.join()
            observe(None)
        assert counts(spark, database) == {"customer": 3, "orders": 5}


def test_what_others_made_stays(spark: Any, database: str) -> None:
    spark.sql(
        f"CREATE TABLE {database}.orders (id BIGINT, total DECIMAL(12, 2)) USING {KIND} "
        "PARTITIONED BY (id)"
    ).collect()
    spark.sql(f"CREATE TABLE {database}.mine (x BIGINT) USING {KIND}").collect()
    with pytest.raises(ConnectorError, match="did not make"):
        write(spark, database, (1, 1), if_exists="replace")
    write(spark, database, (1, 2), if_exists="replace", foreign=["orders"])
    assert counts(spark, database) == {"customer": 1, "mine": 0, "orders": 2}
    laid_out = {c.name: c.isPartition for c in spark.catalog.listColumns(f"{database}.orders")}
    assert laid_out == {"id": True, "total": False}
    found = spark.table(f"{database}.orders").selectExpr("id", "CAST(total AS INT)").collect()
    assert sorted(map(tuple, found)) == [(0, 0), (1, 1)]


class Keys:
    """A catalogue that takes no key twice, and gives none up to which another refers."""

    def __init__(self) -> None:
        self.there: set[str] = set()

    def sql(self, text: str) -> Any:
        pattern = r"ALTER TABLE \S+ (ADD|DROP) CONSTRAINT (?:IF EXISTS )?`(\w+)`.*"
        found = re.fullmatch(pattern, text)
        assert found is not None
        verb, name = found.groups()
        referred = name == "customer_synthohive_pk" and "orders_synthohive_fk0" in self.there
        if (name in self.there and referred) if verb == "DROP" else name in self.there:
            raise spark_errors()[0]("refused")
        self.there.symmetric_difference_update({name} if verb == "ADD" else {name} & self.there)
        return self

    def collect(self) -> list[Any]:
        return []


def test_keys_are_declared_again_when_tables_are_replaced() -> None:
    pytest.importorskip("pyspark")
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("orders", "id", fk={"customer": "customer.id"})
    frames = dict.fromkeys(NAMES, SimpleNamespace(sparkSession=Keys()))
    run = _Run(frames, Asked("delta", "replace"), metadata, PROVENANCE, ["main", "shop"])
    wanted = ["customer(id)", "orders(id)", "orders(customer) -> customer(id)"]
    assert list(run.declare()) == wanted
    run.there = dict.fromkeys(NAMES, _Facts("delta"))
    assert list(run.declare()) == wanted


@pytest.mark.parametrize(
    ("database", "table"),
    [("a`; DROP DATABASE x", "t"), ("a.b.c", "t"), ("a", "t t"), ("a", "b.t"),
     ("a", "synthohive_lock")],
)  # fmt: skip
def test_names_are_refused_before_spark_is_touched(database: str, table: str) -> None:
    with pytest.raises(SchemaError):
        write_tables({table: None}, database, Metadata(), PROVENANCE, Asked("delta"))
