"""What only MySQL and MariaDB have: prefix and functional indexes, FLOAT, JSON, zero dates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, create_engine

from synthohive import SchemaError
from synthohive.connectors.special_values import EARLY
from synthohive.connectors.sql import SqlWarehouse
from synthohive.schema import ColumnKind, ForeignKey, Metadata
from tests.conftest import fresh_schema
from tests.events import captured_events

pytestmark = pytest.mark.integration
SERVERS = ["mysql_url", "mariadb_url"]


@pytest.fixture(params=SERVERS)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = create_engine(request.getfixturevalue(request.param))
    yield made
    made.dispose()


@contextmanager
def warehouse_over(engine: Engine, *statements: str) -> Iterator[SqlWarehouse]:
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            plain = connection.execution_options(no_parameters=True)
            for statement in (f"USE {schema}", "SET sql_mode = ''", *statements):
                plain.exec_driver_sql(statement)
            connection.detach()
        yield SqlWarehouse(engine, schema)


def columns(warehouse: SqlWarehouse, table: str = "t") -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pa.Table.from_batches(list(warehouse.read(table))).to_pydict()
    return found


def test_odd_indexes_say_nothing_of_their_columns(engine: Engine) -> None:
    functional = not engine.dialect.is_mariadb if _connected(engine) else False
    statements = ["CREATE UNIQUE INDEX i_lower ON t ((lower(code)))"] if functional else []
    with warehouse_over(
        engine,
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, body text, code varchar(9), "
        "n int, UNIQUE KEY once (n), KEY down (n DESC, code), FULLTEXT KEY words (body))",
        "CREATE UNIQUE INDEX i_prefix ON t (body(3))",
        *statements,
        "INSERT INTO t (body, code, n) VALUES ('one', 'a', 1), ('two', 'b', 2)",
    ) as warehouse:
        table = warehouse.metadata.tables["t"]
    found = {i.name: i for i in table.indexes}
    assert "`body`(3)" in str(found["i_prefix"].definition)
    assert found["i_prefix"].columns == ["body"]
    assert "FULLTEXT" in str(found["words"].definition)
    assert ("n",) in table.unique_sets
    assert [u.name for u in table.unique] == ["once"]
    assert ("i_lower" in found) == functional
    assert table.columns["id"].identity is not None


def _connected(engine: Engine) -> bool:
    with engine.connect():
        return True


def test_repeated_beginnings_are_no_unique_column(engine: Engine) -> None:
    with warehouse_over(
        engine,
        "CREATE TABLE t (id int PRIMARY KEY, a varchar(9), b varchar(9))",
        "CREATE UNIQUE INDEX pair ON t (a(2), b(2))",
        "INSERT INTO t VALUES (1, 'x', 'y'), (2, 'x', 'z')",
    ) as warehouse:
        assert warehouse.metadata.tables["t"].unique_sets == [("id",), ("a", "b")]


def test_floats_texts_and_sets(engine: Engine) -> None:
    with warehouse_over(
        engine,
        "CREATE TABLE t (id int PRIMARY KEY, f float, d double, s set('a', 'b'), l longblob, "
        "bits bit(9), j json, tiny tinyint(1), at timestamp(6) NULL, "
        "bad datetime, twice int GENERATED ALWAYS AS (id * 2) STORED)",
        "SET time_zone = '+03:00'",
        "INSERT INTO t (id, f, d, s, l, bits, j, tiny, at, bad) VALUES "
        "(1, 3.14159274, 0.1, 'b,a', x'00ff', b'100000001', '{\"k\": [1, null]}', 2, "
        "'2024-01-01 12:00:00.000001', '0000-00-00 00:00:00'), "
        "(2, 16777215, 1e300, '', '', 0, NULL, NULL, NULL, NULL)",
    ) as warehouse:
        got = columns(warehouse)
        kinds = {n: c.kind for n, c in warehouse.metadata.tables["t"].columns.items()}
    assert got["f"] == [pa.scalar(3.14159274, pa.float32()).as_py(), 16777215.0]
    assert got["d"] == [0.1, 1e300]
    assert got["s"] == ["a,b", ""]
    assert got["l"] == [b"\x00\xff", b""]
    assert got["bits"] == [257, 0]
    assert got["j"] == ['{"k": [1, null]}', None]
    assert str(got["at"][0]) == "2024-01-01 09:00:00.000001"
    assert got["bad"] == [EARLY, None]
    assert (kinds["j"], kinds["tiny"]) == (ColumnKind.JSON, ColumnKind.INTEGER)
    assert "twice" not in got


def test_checks_of_columns_are_found(engine: Engine) -> None:
    with warehouse_over(
        engine, "CREATE TABLE t (n int CHECK (n > 3), j json, CONSTRAINT low CHECK (n < 9))"
    ) as warehouse:
        found = warehouse.metadata.tables["t"].checks
    assert sorted(c.sqltext.strip("()").replace("`", "") for c in found) == ["n < 9", "n > 3"]


def test_sample_over_keys_of_any_type(engine: Engine) -> None:
    with warehouse_over(
        engine,
        "SET SESSION cte_max_recursion_depth = 5000" if _is_mysql(engine) else "SELECT 1",
        "CREATE TABLE p (a varchar(20) CHARACTER SET latin1, b varbinary(8), c decimal(9, 2), "
        "d datetime, PRIMARY KEY (a, b, c, d))",
        "INSERT INTO p WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s "
        "WHERE n < 3000) SELECT concat('ä', n), char(n % 200), n / 100, '2024-01-01' FROM s",
        "CREATE TABLE loose (t text, j json, b blob)",
        "INSERT INTO loose SELECT a, json_array(c), b FROM p",
    ) as warehouse:
        drivers: dict[str, Any] = {"p": None, "loose": None}
        sample = warehouse.sample(drivers, 500, 3).drawn
        again = warehouse.sample(drivers, 500, 3).drawn
    assert 400 < len(sample["p"]) < 600
    assert 400 < len(sample["loose"]) < 600
    assert sample["loose"].equals(again["loose"])


def _is_mysql(engine: Engine) -> bool:
    with engine.connect():
        return not engine.dialect.is_mariadb


def test_the_session_goes_back_as_it_came(engine: Engine) -> None:
    with warehouse_over(engine, "CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)") as warehouse:
        with engine.begin() as connection:
            before = connection.exec_driver_sql("SELECT @@session.time_zone").scalar()
        columns(warehouse)
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT @@session.time_zone").scalar() == before


def test_of_unknown_types_only_nulls_are_learned(engine: Engine) -> None:
    create = "CREATE TABLE t (id int PRIMARY KEY, g geometry)"
    with captured_events() as events, warehouse_over(engine, create) as warehouse:
        table = warehouse.metadata.tables["t"]
    assert table.columns["g"].sql_type == "geometry"
    (event,) = (e for e in events if e["event"] == "columns_excluded")
    assert event["columns"] == ["t.g (geometry; only NULLs are learned)"]


def test_url_without_database(engine: Engine) -> None:
    bare = create_engine(engine.url.set(database=""))
    with pytest.raises(SchemaError, match="names no database"):
        SqlWarehouse(bare)
    bare.dispose()


def test_added_key(engine: Engine) -> None:
    with warehouse_over(
        engine,
        "CREATE TABLE p (id int PRIMARY KEY)",
        "CREATE TABLE c (id int PRIMARY KEY, p bigint)",
        "INSERT INTO p VALUES (1), (2)",
        "INSERT INTO c VALUES (1, 1), (2, 3), (3, NULL)",
    ) as warehouse:
        metadata = Metadata().add_table("p", "id").add_table("c", "id", fk={"p": "p.id"})
        again = SqlWarehouse(engine, warehouse.schema, metadata=metadata)
        key = ForeignKey(columns=["p"], parent="p", parent_columns=["id"])
        found = again.fan_out("c", key)
        assert (found.histogram, found.nulls, found.orphans) == ({0: 1, 1: 1}, 1, 1)
        assert again.sample({"p": None, "c": key}, 9, 1).drawn["c"]["id"].to_pylist() == [1, 3]
