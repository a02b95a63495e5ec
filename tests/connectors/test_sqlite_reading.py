"""Reading SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from synthohive import ConnectorError, Metadata, SchemaError
from synthohive.connectors.sql import SqlWarehouse
from tests.contracts.warehouse import WarehouseContract
from tests.evidence import SERVER, runs


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def database(path: Path, *statements: str) -> str:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    return f"sqlite:///{path}"


@runs("SQLite", SERVER)
class TestSQLite(WarehouseContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> SqlWarehouse:
        return SqlWarehouse(database(tmp_path / "w.db", *self.common_sql(quote)))


def test_declared_types_are_read_as_such(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE t (b BOOLEAN, at TIMESTAMP, clock TIME, raw BLOB, x REAL, j JSON, "
        "s VARCHAR(5))",
        "INSERT INTO t VALUES (1, '2024-01-02T03:04:05.5', '23:59:59', x'00ff', 1.5, '{}', 7)",
        "INSERT INTO t VALUES (0, '2024-01-02 03:04:05', NULL, NULL, 2, NULL, NULL)",
    )
    rows = next(iter(SqlWarehouse(url).read("t"))).to_pylist()
    assert rows[0]["at"].microsecond == 500_000
    assert (rows[0]["b"], rows[0]["raw"], rows[0]["s"]) == (True, b"\x00\xff", "7")
    assert str(rows[0]["clock"]) == "23:59:59"


def test_values_that_break_their_declared_type_are_named_not_shown(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE t (n INTEGER)",
        "INSERT INTO t VALUES (1), ('secret')",
    )
    with pytest.raises(ConnectorError, match=r"t\.n is declared INTEGER.*str") as caught:
        list(SqlWarehouse(url).read("t"))
    assert "secret" not in str(caught.value)


def test_a_selection_closes_itself_over_keys(tmp_path: Path) -> None:
    """A few tables of many: with the tables they refer to, not with those that refer to them."""
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE land (id INTEGER PRIMARY KEY, capital INTEGER REFERENCES town)",
        "CREATE TABLE town (id INTEGER PRIMARY KEY, land INTEGER REFERENCES land)",
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, town INTEGER REFERENCES town)",
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shop, "
        "boss INTEGER REFERENCES sale, land INTEGER REFERENCES land)",
        "CREATE TABLE other (id INTEGER PRIMARY KEY, sale INTEGER REFERENCES sale)",
    )
    with pytest.raises(SchemaError) as caught:
        Metadata.from_database(url, tables=["sale", "town"])
    for part in (
        "3 foreign keys",
        "sale(shop) -> shop(id)",
        "sale(land) -> land(id)",
        "town(land) -> land(id)",
        'outside_keys="include" takes land, shop',
    ):
        assert part in str(caught.value)
    closed = SqlWarehouse(url, tables=["sale"], outside_keys="include").metadata
    assert list(closed.tables) == ["land", "sale", "shop", "town"]
    assert len(list(closed.foreign_keys())) == 6
    with pytest.raises(SchemaError, match=r"town\(land\) -> land\(id\)"):
        SqlWarehouse(url, tables=["town"], exclude=["land"], outside_keys="include")
    dropped = Metadata.from_database(url, tables=["sale"], outside_keys="drop")
    assert [k.label("sale") for _, k in dropped.foreign_keys()] == ["sale(boss) -> sale(id)"]


def test_selection_and_its_errors(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent)",
    )
    assert list(SqlWarehouse(url, exclude=["child"]).metadata.tables) == ["parent"]
    with pytest.raises(SchemaError, match="Did you mean 'child'"):
        SqlWarehouse(url, tables=["chidl"])
    with pytest.raises(SchemaError, match=r"not selected: child\(p\) -> parent\(id\)"):
        SqlWarehouse(url, exclude=["parent"])
    kept = Metadata.from_database(url, exclude=["parent"], drop_outside_keys=True)
    assert kept.tables["child"].foreign_keys == []
    kept = Metadata.from_database(url, exclude=["parent"], outside_keys="drop")
    assert kept.tables["child"].foreign_keys == []
    with pytest.raises(SchemaError, match="no schema 'mian'"):
        SqlWarehouse(url, "mian")
    with pytest.raises(SchemaError, match="has no tables"):
        SqlWarehouse(database(tmp_path / "empty.db"))


def test_metadata_can_be_edited_and_passed_back(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER)",
    )
    written = Metadata().add_table("a", "id").add_table("b", "id", fk={"a": "a.id"})
    warehouse = SqlWarehouse(url, metadata=written)
    assert [k.label(n) for n, k in warehouse.metadata.foreign_keys()] == ["b(a) -> a(id)"]
    assert set(warehouse.metadata.tables["b"].columns) == {"id", "a"}
    with pytest.raises(SchemaError, match="no table 'c'"):
        SqlWarehouse(url, metadata=Metadata().add_table("c", "id"))
