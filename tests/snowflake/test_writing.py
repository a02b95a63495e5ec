"""Rows on their way to a copy: types, keys that are proved, refusals, and the publication."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Provenance
from synthohive.schema import ColumnKind
from tests.contracts.engine import Place
from tests.contracts.lease import InterruptionContract
from tests.contracts.odd import OddContract
from tests.contracts.sent import documented, statement_kind
from tests.contracts.writer import rows as shop_rows
from tests.contracts.writer import shop as shop_described
from tests.evidence import STAND_IN, feature, runs

served = pytest.importorskip("tests.snowflake.stand_in", exc_type=ImportError)
pytestmark = runs("Snowflake", STAND_IN)

ORIGIN = Provenance("0.1", "none", 2**80, 1.0, "2026-01-01T00:00:00+00:00", "source")

TYPES = {
    "N38": ("NUMBER(38, 0)", "-9223372036854775808"),
    "N9": ("NUMBER(9, 2)", "-1234567.89"),
    "N38_10": ("NUMBER(38, 10)", "1234567890123456789012345678.0123456789"),
    "F": ("FLOAT", "0.1"),
    "B": ("BOOLEAN", "TRUE"),
    "V": ("VARCHAR(60)", r"'it''s \\ \"q\" % %% ü ∑'"),
    "Y": ("BINARY", "TO_BINARY('00ff27', 'HEX')"),
    "D": ("DATE", "'9999-12-31'"),
    "D0": ("DATE", "'0001-01-01'"),
    "T": ("TIME(6)", "'23:59:59.999999'"),
    "NTZ": ("TIMESTAMP_NTZ", "'9999-12-31 23:59:59.999999'"),
    "TZ": ("TIMESTAMP_TZ", "'1969-12-31 23:30:00.000001+00:00'"),
    "LTZ": ("TIMESTAMP_LTZ", "'2024-02-29 12:00:00+00:00'"),
    "J": ("VARIANT", """PARSE_JSON('{"a": [1, null, "x\\\\"y"], "b": {"c": 1.5}}')"""),
    "O": ("OBJECT", "PARSE_JSON('{\"k\": true}')"),
    "L": ("ARRAY", "PARSE_JSON('[1, [2, 3]]')"),
}


def copied(place: Place, **how: Any) -> None:
    """Write all rows of a schema to another one."""
    warehouse = SqlWarehouse(place.engine, place.schema)
    how.setdefault("provenance", ORIGIN)
    with open_writer(place.engine, warehouse.metadata, source_schema=place.schema, **how) as writer:
        for table in warehouse.metadata.tables:
            writer.load(table, warehouse.read(table))
        writer.finish()


def schemas(engine: Engine, start: str) -> list[str]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA")
        return sorted(str(n) for (n,) in found if str(n).startswith(start))


@pytest.fixture
def shop(place: Place) -> Place:
    place.run(
        f'CREATE TABLE "{place.schema}".PARENT (ID INTEGER NOT NULL PRIMARY KEY, '
        "CODE VARCHAR(9) UNIQUE)"
    )
    place.run(
        f'CREATE TABLE "{place.schema}".CHILD (ID INTEGER NOT NULL PRIMARY KEY, PARENT INTEGER, '
        f'CONSTRAINT "of parent" FOREIGN KEY (PARENT) REFERENCES "{place.schema}".PARENT (ID))'
    )
    place.run(f"INSERT INTO \"{place.schema}\".PARENT VALUES (1, 'a'), (2, NULL), (3, NULL)")
    place.run(f'INSERT INTO "{place.schema}".CHILD VALUES (1, 1), (2, 2), (3, NULL)')
    return place


@feature("types come back")
def test_values_of_all_types_come_back(place: Place) -> None:
    at, copy = f'"{place.schema}".T', f'"{place.schema}_SYNTHETIC".T'
    fields = ", ".join(f'"{n}" {type_}' for n, (type_, _) in TYPES.items())
    place.run(f"CREATE TABLE {at} (ID INTEGER NOT NULL PRIMARY KEY, {fields})")
    place.run(f"INSERT INTO {at} SELECT 1, {', '.join(value for _, value in TYPES.values())}")
    place.run(f"INSERT INTO {at} (ID) VALUES (2)")
    copied(place)
    for name in TYPES:
        text = f'TO_VARCHAR("{name}")' if name not in ("J", "O", "L") else f'TO_JSON("{name}")'
        first, second = (place.rows(f"SELECT ID, {text} FROM {where}") for where in (at, copy))
        assert first[0][1] is not None, name
        assert second == first, name


def test_each_type_has_its_kind(place: Place) -> None:
    fields = ", ".join(f'"{n}" {type_}' for n, (type_, _) in TYPES.items())
    place.run(f'CREATE TABLE "{place.schema}".T (ID INTEGER NOT NULL PRIMARY KEY, {fields})')
    columns = SqlWarehouse(place.engine, place.schema).metadata.tables["T"].columns
    assert columns["N38"].kind is ColumnKind.INTEGER  # by its values: none is too long
    assert (columns["N9"].precision, columns["N9"].scale) == (9, 2)
    assert columns["N38_10"].sql_type == "NUMBER(38, 10)"
    assert columns["V"].sql_type == "VARCHAR(60)"
    assert columns["V"].length == 60
    assert (columns["NTZ"].timezone, columns["TZ"].timezone) == (False, True)
    assert columns["J"].kind is ColumnKind.JSON
    assert columns["Y"].kind is ColumnKind.BINARY


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("INSERT INTO {0}.PARENT VALUES (2, 'b')", r"Primary key \(ID\).* 1 values"),
        ("INSERT INTO {0}.PARENT VALUES (4, 'a')", r"Unique constraint \(CODE\).* 1 values"),
        ("DELETE FROM {0}.PARENT WHERE ID = 2", r"of parent.* has 1 orphans"),
    ],
)
@feature("what breaks a key is refused")
def test_a_broken_key_is_refused_and_nothing_is_left(shop: Place, sql: str, said: str) -> None:
    shop.run(sql.format(f'"{shop.schema}"'))
    with pytest.raises(ConnectorError, match=said):
        copied(shop)
    assert schemas(shop.engine, str(shop.schema)) == [shop.schema]


@feature("replaced as a whole")
def test_a_copy_is_replaced_as_a_whole(shop: Place) -> None:
    copy = f'"{shop.schema}_SYNTHETIC"'
    served.SENT.clear()
    copied(shop)
    shop.run(f'DELETE FROM "{shop.schema}".CHILD WHERE ID = 3')
    with pytest.raises(ConnectorError, match="exists already"):
        copied(shop)
    assert shop.ask(f"SELECT COUNT(*) FROM {copy}.CHILD") == 3
    copied(shop, if_exists="replace")
    sent = {statement_kind(sql) for sql in served.SENT} - {"DELETE"}  # which is the test's own
    assert {"SWAP SCHEMA", "RENAME SCHEMA", "COPY", "PUT"} < sent
    assert sent <= documented("Snowflake")
    assert shop.ask(f"SELECT COUNT(*) FROM {copy}.CHILD") == 2
    assert schemas(shop.engine, str(shop.schema)) == [shop.schema, f"{shop.schema}_SYNTHETIC"]
    assert shop.ask(f'SELECT SEED FROM {copy}."_synthohive"') == str(2**80)


@feature("what others made is kept")
def test_what_others_made_is_kept(shop: Place) -> None:
    copied(shop)
    shop.run(f'CREATE TABLE "{shop.schema}_SYNTHETIC".OWN (X INTEGER)')
    with pytest.raises(ConnectorError, match="table OWN"):
        copied(shop, if_exists="replace")
    shop.run(f'DROP TABLE "{shop.schema}_SYNTHETIC".OWN')
    shop.run(f'CREATE SEQUENCE "{shop.schema}_SYNTHETIC".NUMBERS')
    with pytest.raises(ConnectorError, match="sequence NUMBERS"):
        copied(shop, if_exists="replace")
    shop.run(f'DROP SEQUENCE "{shop.schema}_SYNTHETIC".NUMBERS')
    shop.run(f'DROP TABLE "{shop.schema}_SYNTHETIC"."_synthohive"')
    with pytest.raises(ConnectorError, match="did not make it"):
        copied(shop, if_exists="replace")


def test_the_source_is_no_target(shop: Place) -> None:
    for name in (str(shop.schema), str(shop.schema).lower()):
        with pytest.raises(ConnectorError, match="source itself"):
            copied(shop, target_schema=name, if_exists="replace")


def test_names_are_folded_as_without_quotes_unless_there_is_such_a_schema(shop: Place) -> None:
    warehouse = SqlWarehouse(shop.engine, str(shop.schema).lower())
    assert warehouse.schema == shop.schema
    assert set(warehouse.metadata.tables) == {"PARENT", "CHILD"}


@feature("odd names")
def test_odd_names_are_copied(place: Place) -> None:
    odd = 'we"ird na%me'
    quoted = odd.replace('"', '""')
    place.run(f'CREATE TABLE "{place.schema}"."{quoted}" ("select" INTEGER NOT NULL PRIMARY KEY, '
              f'"größe 名" VARCHAR(9) DEFAULT \'x\')')  # fmt: skip
    place.run(f'INSERT INTO "{place.schema}"."{quoted}" VALUES (1, \'a%s\')')
    copied(place)
    assert place.rows(f'SELECT * FROM "{place.schema}_SYNTHETIC"."{quoted}"') == [(1, "a%s")]


@feature("counters")
def test_what_another_engine_declares_is_made_and_counters_begin_after_the_rows(
    place: Place,
) -> None:
    meta = shop_described()
    target = f"{place.schema}_SYNTHETIC"
    with open_writer(
        None, meta, target_schema=target, target_engine=place.engine, provenance=ORIGIN
    ) as writer:
        for table, rows in shop_rows().items():
            writer.load(table, [rows.to_batches()[0]])
        checks = writer.finish()
    assert {check.enforced for check in checks} == {False}
    reflected = SqlWarehouse(place.engine, target).metadata
    keys = {key.name for _, key in reflected.foreign_keys()}
    assert keys == {key.name for _, key in meta.foreign_keys()}
    last = place.ask(f'SELECT MAX("id") FROM "{target}"."customers"')
    place.run(f'INSERT INTO "{target}"."customers" ("email") VALUES (\'x\')')
    assert place.ask(f'SELECT MAX("id") FROM "{target}"."customers"') == last + 1


@feature("views")
def test_views_that_use_nothing_but_the_copy_are_made(shop: Place) -> None:
    here, copy = f'"{shop.schema}"', f"{shop.schema}_SYNTHETIC"
    shop.run("CREATE SCHEMA IF NOT EXISTS ELSEWHERE")
    shop.run("CREATE TABLE IF NOT EXISTS ELSEWHERE.T (ID INTEGER)")
    shop.run(f"CREATE VIEW {here}.V AS SELECT P.ID FROM {here}.PARENT P")
    shop.run(f"CREATE VIEW {here}.W AS SELECT P.ID FROM {here}.PARENT P, ELSEWHERE.T T")
    copied(shop, include=["views"])
    copied(shop, include=["views"], if_exists="replace")
    assert shop.ask(f'SELECT COUNT(*) FROM "{copy}".V') == 3
    views = f"SELECT TABLE_NAME FROM INFORMATION_SCHEMA.VIEWS WHERE TABLE_SCHEMA = '{copy}'"
    assert shop.rows(views) == [("V",)]
    shop.run(f'DELETE FROM "{copy}".PARENT')
    assert shop.ask(f'SELECT COUNT(*) FROM "{copy}".V') == 0


def test_what_others_made_goes_where_its_name_is_said_twice(shop: Place) -> None:
    copy = f"{shop.schema}_SYNTHETIC"
    shop.run(f'CREATE SCHEMA "{copy}"')
    shop.run(f'CREATE TABLE "{copy}".OWN (X INTEGER)')
    with pytest.raises(ConnectorError, match="did not make it"):
        copied(shop, if_exists="replace")
    copied(shop, if_exists="replace_foreign", replace_foreign=copy)
    assert set(SqlWarehouse(shop.engine, copy).metadata.tables) == {"PARENT", "CHILD"}


class _Target:
    """A target beside the place of a test, as the contracts of runs ask for."""

    @pytest.fixture
    def target(self, place: Place) -> str:
        self.place = place
        return f"{place.schema}_SYNTHETIC"

    def engine(self) -> Engine:
        return self.place.engine

    def places(self, start: str) -> list[str]:
        return schemas(self.place.engine, start)


class TestOdd(_Target, OddContract):
    names = ('we"ird na%me', "a.b", *OddContract.names)


class TestLease(_Target, InterruptionContract):
    opener = "tests.snowflake.stand_in:engine_of"
