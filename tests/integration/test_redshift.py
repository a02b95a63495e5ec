"""Redshift: on PostgreSQL, whose wire and catalogue it shares, or, where a URL names one, for real.

What runs here is the connector's own SQL for reading, loading, proving and swapping. How Redshift
lays out rows (DISTKEY, SORTKEY, ENCODE) is pinned in `tests/connectors/test_redshift.py`.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, create_engine

from synthohive.connectors.redshift.write import RedshiftWriter
from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.lease import is_left
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, UniqueConstraint
from tests.conftest import fresh_schema
from tests.contracts.engine import EngineContract, Place
from tests.contracts.killed import write_row
from tests.contracts.lease import InterruptionContract
from tests.contracts.odd import OddContract
from tests.contracts.questions import QuestionsContract, statements
from tests.contracts.writer import ORIGIN
from tests.contracts.writer import rows as shop_rows
from tests.contracts.writer import shop as shop_described
from tests.evidence import ACCOUNT, STAND_IN, feature, runs
from tests.integration.redshift_service import engine_of, opened

pytest.importorskip("sqlalchemy_redshift")
pytestmark = [pytest.mark.integration, runs("Redshift", STAND_IN)]
URL = os.environ.get("SYNTHOHIVE_TEST_REDSHIFT_URL")

TYPES = {
    "i2": ("SMALLINT", "-32768"),
    "i4": ("INTEGER", "2147483647"),
    "i8": ("BIGINT", "-9223372036854775808"),
    "n": ("NUMERIC(38, 10)", "1234567890123456789012345678.0123456789"),
    "r": ("REAL", "0.5"),
    "f": ("DOUBLE PRECISION", "0.1"),
    "inf": ("DOUBLE PRECISION", "'Infinity'"),
    "b": ("BOOLEAN", "TRUE"),
    "v": ("VARCHAR(60)", r"'it''s \\ \"q\" % %% ü ∑'"),
    "c": ("CHAR(9)", "'ab'"),
    "y": ("VARBYTE", "FROM_HEX('00ff27')"),
    "d": ("DATE", "'9999-12-31'"),
    "far": ("DATE", "'10000-01-01'"),
    "t": ("TIME", "'23:59:59.999999'"),
    "midnight": ("TIME", "'24:00:00'"),
    "tz": ("TIMETZ", "'12:00:00+00'"),
    "ts": ("TIMESTAMP", "'9999-12-31 23:59:59.999999'"),
    "tsz": ("TIMESTAMPTZ", "'1969-12-31 23:30:00.000001+00'"),
    "iv": ("INTERVAL DAY TO SECOND", "'-100:00:01.5'"),
    "j": ("SUPER", r"""JSON_PARSE('{"a": [1, null, "x\\"y"], "b": {"c": 1.5}}')"""),
}


OTHER = {
    "b": ("BOOLEAN", "true"),
    "u": ("UUID", "'6f0b1a52-0000-4000-8000-000000000001'"),
    "j": ("JSON", """'{"a": [1.5]}'"""),
    "l": ("INTEGER[]", "[1, NULL, 3]"),
    "s": ("STRUCT(a INTEGER)", "{'a': 1}"),
    "d": ("DECIMAL(38, 10)", "1234567890.0123456789"),
    "ub": ("UBIGINT", "18446744073709551615"),
    "f": ("FLOAT", "1.5"),
    "dt": ("DATE", "'2024-02-29'"),
    "t": ("TIME", "'23:59:59.5'"),
    "ts": ("TIMESTAMPTZ", "'2024-01-01 00:00:00+00'"),
    "iv": ("INTERVAL", "INTERVAL '1 hour 1.5 seconds'"),
    "bl": ("BLOB", r"'\x00\xff'"),
    "e": ("ENUM('x', 'y')", "'x'"),
}


@pytest.fixture(scope="module")
def redshift(postgres_url: str) -> Iterator[Engine]:
    with engine_of(postgres_url) as engine:
        yield engine


@pytest.fixture
def place(redshift: Engine) -> Iterator[Place]:
    with fresh_schema(redshift) as schema:
        yield Place(redshift, schema)


def copied(place: Place, **how: Any) -> None:
    """Write all rows of a schema to another one."""
    warehouse = SqlWarehouse(place.engine, place.schema)
    how.setdefault("provenance", ORIGIN)
    with open_writer(place.engine, warehouse.metadata, source_schema=place.schema, **how) as writer:
        for table in warehouse.metadata.tables:
            writer.load(table, warehouse.read(table))
        writer.finish()


def schemas(place: Place) -> list[str]:
    found = place.rows("SELECT nspname FROM pg_namespace")
    return sorted(name for (name,) in found if str(name).startswith(str(place.schema)))


@pytest.mark.slow
class TestRedshift(EngineContract):
    """At the level of the user's verbs."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, redshift: Engine) -> Iterator[Place]:
        with fresh_schema(redshift) as schema:
            yield Place(redshift, schema)


class TestQuestions(QuestionsContract):
    """What is asked of all rows, without their coming."""

    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, redshift: Engine) -> Iterator[SqlWarehouse]:
        with fresh_schema(redshift) as schema:
            with redshift.begin() as connection:
                plain = connection.execution_options(no_parameters=True)
                plain.exec_driver_sql(f"SET search_path TO {schema}")
                for sql in statements(spelling("redshift")):
                    plain.exec_driver_sql(sql)
            redshift.dispose()  # with the search path
            yield SqlWarehouse(redshift, schema)


@pytest.mark.skipif(URL is None, reason="SYNTHOHIVE_TEST_REDSHIFT_URL names no database")
@pytest.mark.remote
@runs("Redshift", ACCOUNT)
class TestRemote(EngineContract):
    """The same on a cluster or workgroup: ``redshift://user:password@host:5439/database``."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        engine = create_engine(str(URL))
        with fresh_schema(engine) as name:
            yield Place(engine, name)
        engine.dispose()


@pytest.fixture
def shop(place: Place) -> Place:
    at = f'"{place.schema}"'
    place.run(f"CREATE TABLE {at}.parent (id INTEGER NOT NULL, code VARCHAR(9))")
    place.run(f"CREATE TABLE {at}.child (id INTEGER NOT NULL, parent INTEGER)")
    place.run(f"INSERT INTO {at}.parent VALUES (1, 'a'), (2, NULL), (3, NULL)")
    place.run(f"INSERT INTO {at}.child VALUES (1, 1), (2, 2), (3, NULL)")
    return place


def declared(place: Place, **how: Any) -> None:
    """Copy a shop with keys that its rows, unlike the stand-in's, need not keep."""
    warehouse = SqlWarehouse(place.engine, place.schema)
    meta = warehouse.metadata
    meta.tables["parent"].pk, meta.tables["child"].pk = ["id"], ["id"]
    meta.tables["parent"].unique.append(UniqueConstraint(columns=["code"]))
    key = ForeignKey(columns=["parent"], parent="parent", parent_columns=["id"], declared=True)
    meta.tables["child"].foreign_keys.append(key)
    with open_writer(
        place.engine, meta, source_schema=place.schema, provenance=ORIGIN, **how
    ) as writer:
        for table in meta.tables:
            writer.load(table, warehouse.read(table))
        writer.finish()


@feature("types come back")
def test_values_of_all_types_come_back(place: Place) -> None:
    at, copy = f'"{place.schema}".t', f'"{place.schema}_synthetic".t'
    fields = ", ".join(f"{n} {type_}" for n, (type_, _) in TYPES.items())
    place.run(f"CREATE TABLE {at} (id INTEGER NOT NULL PRIMARY KEY, {fields})")
    place.run(f"INSERT INTO {at} SELECT 1, {', '.join(value for _, value in TYPES.values())}")
    place.run(f"INSERT INTO {at} (id) VALUES (2)")
    copied(place)
    for name in TYPES:
        first, second = (
            place.rows(f"SELECT id, CAST({name} AS text) FROM {where}") for where in (at, copy)
        )
        assert first[0][1] is not None, name
        assert second == first, name


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("INSERT INTO {0}.parent VALUES (2, 'b')", r"Primary key \(id\).* 1 values"),
        ("INSERT INTO {0}.parent VALUES (4, 'a')", r"Unique constraint .*\(code\).* 1 values"),
        ("DELETE FROM {0}.parent WHERE id = 2", r"has 1 orphans"),
    ],
)
@feature("what breaks a key is refused")
def test_a_broken_key_is_refused_before_it_is_declared(shop: Place, sql: str, said: str) -> None:
    shop.run(sql.format(f'"{shop.schema}"'))
    with pytest.raises(ConnectorError, match=said):
        declared(shop)
    assert schemas(shop) == [shop.schema]


@feature("replaced as a whole")
def test_a_copy_is_replaced_as_a_whole_and_what_others_made_is_kept(shop: Place) -> None:
    copy = f'"{shop.schema}_synthetic"'
    declared(shop)
    shop.run(f'DELETE FROM "{shop.schema}".child WHERE id = 3')
    declared(shop, if_exists="replace")
    assert shop.ask(f"SELECT COUNT(*) FROM {copy}.child") == 2
    assert schemas(shop) == [shop.schema, f"{shop.schema}_synthetic"]
    shop.run(f'CREATE VIEW "{shop.schema}".over_it AS SELECT * FROM {copy}.child')
    with pytest.raises(ConnectorError, match=r"view \w+\.over_it would lose"):
        declared(shop, if_exists="replace")
    shop.run(f'DROP VIEW "{shop.schema}".over_it')
    shop.run(f"CREATE TABLE {copy}.own (x INTEGER)")
    with pytest.raises(ConnectorError, match="table own"):
        declared(shop, if_exists="replace")
    shop.run(f'DROP TABLE {copy}."_synthohive"')
    with pytest.raises(ConnectorError, match="did not make it"):
        declared(shop, if_exists="replace")


def test_what_a_killed_run_left_is_removed_days_later(shop: Place) -> None:
    target = f"{shop.schema}_synthetic"
    left = f'"{target}__synthohive_0123abcd"'
    shop.run(f"CREATE SCHEMA {left}")
    shop.run(f"CREATE TABLE {left}._synthohive_staging (n INTEGER)")
    mark = f'{{"synthohive_staging_of": "{target}", "began": "2024-01-01T00:00:00+00:00"}}'
    shop.run(f"COMMENT ON TABLE {left}._synthohive_staging IS '{mark}'")
    declared(shop)
    assert schemas(shop) == [shop.schema, target]


def test_what_a_run_could_not_drop_after_its_swap_is_marked(
    shop: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(shop)
    monkeypatch.setattr(RedshiftWriter, "_drop", lambda self, schema: None)
    declared(shop, if_exists="replace")
    (left,) = [name for name in schemas(shop) if "__synthohive_" in name]
    said = shop.ask(
        "SELECT d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{left}'"
    )
    target = f"{shop.schema}_synthetic"
    assert json.loads(said)["synthohive_staging_of"] == target
    assert is_left(said, target, datetime.now(timezone.utc))


def test_texts_are_cut_to_a_column_s_bytes(place: Place) -> None:
    place.run(f'CREATE TABLE "{place.schema}".t (v VARCHAR(3))')
    warehouse = SqlWarehouse(place.engine, place.schema)
    with open_writer(
        place.engine, warehouse.metadata, source_schema=place.schema, provenance=ORIGIN
    ) as writer:
        writer.load("t", [pa.record_batch({"v": ["über"]})])
        writer.finish()
    assert place.rows(f'SELECT v FROM "{place.schema}_synthetic".t') == [("üb",)]


@feature("counters")
def test_what_another_engine_declares_is_made_and_counters_begin_after_the_rows(
    place: Place,
) -> None:
    meta, target = shop_described(), f"{place.schema}_synthetic"
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


def test_copies_of_another_engine_and_back(place: Place, tmp_path: Path) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    duck = create_engine(f"duckdb:///{tmp_path / 'other.duckdb'}")
    fields = ", ".join(f"{name} {type_}" for name, (type_, _) in OTHER.items())
    other, there = Place(duck, "main"), f"{place.schema}_there"
    other.run("CREATE TABLE p (id INTEGER PRIMARY KEY, code VARCHAR UNIQUE, CHECK (id > 0))")
    other.run(
        "CREATE TABLE c (id BIGINT PRIMARY KEY, p INTEGER REFERENCES p (id), "
        f"code VARCHAR REFERENCES p (code), {fields})"
    )
    other.run("INSERT INTO p VALUES (1, 'k')")
    values = ", ".join(value for _, value in OTHER.values())
    other.run(f"INSERT INTO c VALUES (1, 1, 'k', {values})")
    copied(other, target_schema=there, target_engine=place.engine)
    copied(Place(place.engine, there), target_schema="back", target_engine=duck)
    plain = {"l": "to_json(l)::VARCHAR", "s": "to_json(s)::VARCHAR"}
    listed = ", ".join(plain.get(n, f"{n}::VARCHAR") for n in ("id", "p", "code", *OTHER))
    first, back = (other.rows(f"SELECT {listed} FROM {at}.c")[0] for at in ("main", "back"))
    duck.dispose()
    assert [v and v.replace(" ", "") for v in back] == [v and v.replace(" ", "") for v in first]


@pytest.mark.parametrize("name", [r'we"ird na%m\e', "Größe 名", "select"])
@feature("odd names")
def test_odd_names_are_copied(place: Place, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    at = f'"{place.schema}".{quoted}'
    place.run(f"CREATE TABLE {at} ({quoted} INTEGER NOT NULL PRIMARY KEY, v VARCHAR(9))")
    place.run(f"INSERT INTO {at} VALUES (1, 'a%s')")
    place.run(f"COMMENT ON COLUMN {at}.v IS 'it''s a \\\\ %'")
    copied(place)
    copied(place, if_exists="replace")
    copy = SqlWarehouse(place.engine, f"{place.schema}_synthetic").metadata
    assert place.rows(f'SELECT * FROM "{place.schema}_synthetic".{quoted}'.replace("%", "%%")) == [
        (1, "a%s")
    ]
    assert copy.tables[name].columns["v"].comment == "it's a \\ %"


@feature("the source is only read")
def test_the_source_is_no_target(shop: Place) -> None:
    for name in (str(shop.schema), str(shop.schema).upper()):
        with pytest.raises(ConnectorError, match="source itself"):
            copied(shop, target_schema=name, if_exists="replace")


class _Target:
    """A target beside the place of a test, as the contracts of runs ask for."""

    @pytest.fixture
    def target(self, place: Place) -> str:
        self.place = place
        return f"{place.schema}_synthetic"

    def engine(self) -> Engine:
        return self.place.engine

    def places(self, start: str) -> list[str]:
        return [name for name in schemas(self.place) if name.startswith(start)]


class TestOdd(_Target, OddContract):
    names = (
        'we"ird na%me',
        "a.b",
        *OddContract.names[:-1],
        "x" * 63,
    )  # PostgreSQL cuts longer ones


class TestLease(_Target, InterruptionContract):
    opener = "tests.integration.redshift_service:opened"
    steps = ("table loaded", "schemas renamed")


@feature("missing rights are named")
def test_who_may_not_is_told_what_is_missing(redshift: Engine, place: Place) -> None:
    """A role that gets one right after the other."""
    role, at = f"{place.schema}_role", f'"{place.schema}"'
    place.run(f"CREATE TABLE {at}.t (x INTEGER)")
    place.run(f"CREATE ROLE {role} LOGIN PASSWORD 's3cret-only-here'")
    login = redshift.url.set(username=role, password="s3cret-only-here")

    def refused(do: Callable[[Engine], Any], url: Any = login) -> str:
        with opened(url) as engine, pytest.raises(ConnectorError) as caught:
            do(engine)
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))
        return str(caught.value)

    def read(engine: Engine) -> list[Any]:
        return list(SqlWarehouse(engine, place.schema).read("t"))

    try:
        said = refused(read, redshift.url.set(username=role, password="s3cret-and-wrong"))
        assert "password authentication failed" in said
        assert "does not exist" in refused(read, login.set(database="nowhere"))
        assert f"GRANT USAGE ON SCHEMA {place.schema}" in refused(read)
        place.run(f"GRANT USAGE ON SCHEMA {at} TO {role}")
        assert "GRANT SELECT ON t" in refused(read)
        said = refused(lambda engine: write_row(engine, f"{place.schema}_copy", 1))
        assert f"GRANT CREATE ON DATABASE {redshift.url.database}" in said
    finally:
        place.run(f"DROP OWNED BY {role}")
        place.run(f"DROP ROLE {role}")


def test_decimals_that_are_too_long_are_refused_before_anything_is_made(
    redshift: Engine, place: Place
) -> None:
    meta = Metadata(dialect="postgresql")
    meta.add_table("t", None, columns={
        "x": Column(name="x", kind=ColumnKind.DECIMAL, precision=45, scale=5)
    })  # fmt: skip
    target = f"{place.schema}_copy"
    with pytest.raises(ConnectorError, match=r"t\.x .*at most 38 digits, not 45.*exclude\('t\.x"):
        open_writer(None, meta, target_schema=target, target_engine=redshift, provenance=ORIGIN)
    assert schemas(place) == [place.schema]
