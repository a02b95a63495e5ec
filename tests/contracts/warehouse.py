"""What every warehouse must read, and how: inherited with an engine-specific set of tables."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from synthohive.connectors.sql import SqlWarehouse
from synthohive.exceptions import ConnectorError
from synthohive.schema import ColumnKind, ForeignKey
from tests.evidence import feature

LONG = "a" * 63
ODD = ['we"ird na%me', "select", "größe 名", LONG]


class WarehouseContract:
    """Inherit, and give a fixture `warehouse` over the tables that `tables_sql` makes."""

    @staticmethod
    def common_sql(q: Any) -> list[str]:
        """Return portable statements; `q` quotes an identifier."""
        odd = ", ".join(f"{q(name)} varchar(20)" for name in ODD)
        return [
            "CREATE TABLE grp (id integer NOT NULL PRIMARY KEY, code varchar(9) NOT NULL UNIQUE)",
            "CREATE TABLE member (grp integer NOT NULL, n integer NOT NULL, code varchar(9), "
            "boss_grp integer, boss_n integer, note varchar(50) DEFAULT 'none', "
            "big bigint, price decimal(18, 4), day date, "
            "PRIMARY KEY (grp, n), FOREIGN KEY (grp) REFERENCES grp (id), "
            "FOREIGN KEY (code) REFERENCES grp (code), "
            "FOREIGN KEY (boss_grp, boss_n) REFERENCES member (grp, n), "
            "CONSTRAINT positive CHECK (n > 0))",
            "CREATE INDEX member_day ON member (day)",
            f"CREATE TABLE {q('odd table')} (id integer NOT NULL PRIMARY KEY, {odd})",
            f"INSERT INTO {q('odd table')} VALUES (1, 'a', 'b', 'ß', '')",
            "CREATE TABLE loose (a integer, b varchar(9))",
            "INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
            "INSERT INTO grp VALUES " + ", ".join(f"({i}, 'g{i}')" for i in range(1, 1201)),
            "INSERT INTO member VALUES (1, 1, 'g2', NULL, NULL, NULL, 9223372036854775807, "
            "12345678901.5678, '9999-12-31')",
            "INSERT INTO member VALUES (1, 2, NULL, 1, 1, '', NULL, NULL, NULL)",
            "INSERT INTO member VALUES (2, 1, 'g2', 1, NULL, 'a,\"b''\nc', -5, 0.0001, "
            "'2024-02-29')",
        ]

    @pytest.fixture
    def warehouse(self) -> SqlWarehouse:
        """Give the warehouse under test."""
        raise NotImplementedError

    def table(self, warehouse: SqlWarehouse, name: str) -> pa.Table:
        return pa.Table.from_batches(list(warehouse.read(name)))

    def test_keys_and_constraints(self, warehouse: SqlWarehouse) -> None:
        member = warehouse.metadata.tables["member"]
        assert member.pk == ["grp", "n"]
        found = {(tuple(k.columns), k.parent, tuple(k.parent_columns)) for k in member.foreign_keys}
        assert found == {
            (("grp",), "grp", ("id",)),
            (("code",), "grp", ("code",)),
            (("boss_grp", "boss_n"), "member", ("grp", "n")),
        }
        assert all(k.declared for k in member.foreign_keys)
        assert ("code",) in warehouse.metadata.tables["grp"].unique_sets
        assert any("day" in i.columns for i in member.indexes)
        assert member.columns["note"].default is not None
        assert not member.columns["n"].nullable
        assert member.columns["day"].nullable
        warehouse.metadata.validate_schema()

    @feature("types come back")
    def test_values_survive(self, warehouse: SqlWarehouse) -> None:
        rows = self.table(warehouse, "member")
        assert rows.schema.field("price").type == pa.decimal128(18, 4)
        got = rows.to_pydict()
        assert got["big"] == [9223372036854775807, None, -5]
        assert [None if p is None else str(p) for p in got["price"]] == [
            "12345678901.5678", None, "0.0001",
        ]  # fmt: skip
        assert [None if d is None else d.isoformat() for d in got["day"]] == [
            "9999-12-31", None, "2024-02-29",
        ]  # fmt: skip
        assert got["note"] == [None, "", "a,\"b'\nc"]

    @feature("odd names")
    def test_odd_identifiers(self, warehouse: SqlWarehouse) -> None:
        row = self.table(warehouse, "odd table").to_pylist()[0]
        assert row == {"id": 1, ODD[0]: "a", ODD[1]: "b", ODD[2]: "ß", LONG: ""}

    def test_no_primary_key(self, warehouse: SqlWarehouse) -> None:
        assert warehouse.metadata.tables["loose"].pk == []
        assert warehouse.count("loose") == len(self.table(warehouse, "loose")) == 3

    def test_what_has_gone_since_is_named(self, warehouse: SqlWarehouse) -> None:
        place = warehouse.place("loose")
        with warehouse.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {place} RENAME COLUMN b TO c")
        with pytest.raises(ConnectorError, match=r"changed since .*: loose\.b is not there"):
            list(warehouse.read("loose"))
        with warehouse.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE {place}")
        with pytest.raises(ConnectorError, match=r"changed since .*: loose is not there"):
            warehouse.count("loose")

    @feature("fan-outs in SQL")
    def test_fan_out_counts_zeros_nulls_and_composite_keys(self, warehouse: SqlWarehouse) -> None:
        def of(*columns: str) -> Any:
            keys = warehouse.metadata.tables["member"].foreign_keys
            return warehouse.fan_out("member", next(k for k in keys if tuple(k.columns) == columns))

        assert of("grp").histogram == {0: 1198, 1: 1, 2: 1}
        assert (of("code").histogram, of("code").nulls) == ({0: 1199, 2: 1}, 1)
        boss = of("boss_grp", "boss_n")
        assert (boss.histogram, boss.nulls, boss.orphans) == ({0: 2, 1: 1}, 2, 0)
        wrong = ForeignKey(columns=["n"], parent="member", parent_columns=["big"])
        assert warehouse.fan_out("member", wrong).orphans == 3

    def test_what_tells_rows_apart_is_counted(self, warehouse: SqlWarehouse) -> None:
        assert warehouse.nulls("member", ["n", "code", "day"]) == {"n": 0, "code": 1, "day": 1}
        assert warehouse.distinct("member", ["n"]) == (3, 2)
        assert warehouse.distinct("member", ["code"]) == (2, 1)
        assert warehouse.distinct("member", ["grp", "code"]) == (2, 2)
        assert warehouse.values("member", "code", 1) == ["g2"]
        assert warehouse.values("grp", "id", 5) is None

    def test_sample_is_bounded_consistent_and_repeatable(self, warehouse: SqlWarehouse) -> None:
        member = warehouse.metadata.tables["member"]
        key = next(k for k in member.foreign_keys if k.columns == ["grp"])
        drivers = {"grp": None, "member": key, "loose": None}
        whole = warehouse.sample(drivers, 5000, 1).drawn
        assert {n: len(t) for n, t in whole.items()} == {"grp": 1200, "member": 3, "loose": 3}
        part, again, other = (warehouse.sample(drivers, 75, s).drawn for s in (1, 1, 2))
        assert 40 <= len(part["grp"]) <= 110
        assert part["grp"].equals(again["grp"])
        assert not part["grp"].equals(other["grp"])
        assert set(part["member"]["grp"].to_pylist()) <= set(part["grp"]["id"].to_pylist())

    def test_sampled_rows_find_their_parents_over_all_keys(self, warehouse: SqlWarehouse) -> None:
        keys = warehouse.metadata.tables["member"].foreign_keys
        driver = next(k for k in keys if k.columns == ["grp"])
        referred = set()
        for seed in range(12):  # the two groups that are referred to are drawn or not
            got = warehouse.sample({"grp": None, "member": driver, "loose": None}, 200, seed)
            beside = got.referred.get("grp", got.drawn["grp"].slice(0, 0))
            assert beside.schema.equals(got.drawn["grp"].schema)
            codes = got.drawn["grp"]["code"].to_pylist() + beside["code"].to_pylist()
            wanted = [c for c in got.drawn["member"]["code"].to_pylist() if c is not None]
            assert set(wanted) <= set(codes)
            assert len(set(codes)) == len(codes)
            referred.update(beside["code"].to_pylist())
        assert referred == {"g2"}

    def kinds(self, warehouse: SqlWarehouse, table: str) -> dict[str, ColumnKind]:
        return {n: c.kind for n, c in warehouse.metadata.tables[table].columns.items()}
