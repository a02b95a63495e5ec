"""Writing DuckDB files: the common contract, and what only DuckDB does."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

pytest.importorskip("duckdb_sqlalchemy")
import duckdb

from synthohive import Metadata, Synthesizer
from synthohive.connectors.special_values import EARLY
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column
from tests.connectors.test_duckdb_reading import TYPES
from tests.contracts.writer import (
    ODD,
    ODD_COLUMN,
    ORIGIN,
    Place,
    WriterContract,
    default_target,
    orphan_free,
    rows,
    shop,
    write,
)
from tests.evidence import SERVER, runs
from tests.interface.conftest import build

ODD_TABLE, ODD_KEY = ODD.replace('"', '""'), ODD_COLUMN
SHOP = f"""
CREATE SEQUENCE customer_ids;
CREATE TABLE customers (id BIGINT PRIMARY KEY DEFAULT nextval('raw.customer_ids'),
  email VARCHAR NOT NULL UNIQUE, referrer_id BIGINT REFERENCES raw.customers (id));
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL REFERENCES customers (id),
  first_line BIGINT);
CREATE TABLE order_items (order_id BIGINT REFERENCES orders (id), line BIGINT, note VARCHAR,
  PRIMARY KEY (order_id, line));
CREATE TABLE "{ODD_TABLE}" (id BIGINT PRIMARY KEY, "{ODD_KEY}" BIGINT REFERENCES customers (id));
CREATE INDEX orders_by_customer ON orders (customer_id);
"""


@runs("DuckDB", SERVER)
class TestDuckdbWriter(WriterContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        with duckdb.connect(str(tmp_path / "shop.duckdb")) as db:
            db.execute("CREATE SCHEMA raw")
        engine = sa.create_engine(f"duckdb:///{tmp_path / 'shop.duckdb'}", poolclass=NullPool)
        return Place(engine, "raw", "raw_synthetic")

    @pytest.fixture
    def shop_place(self, place: Place) -> Place:
        with duckdb.connect(str(place.engine.url.database)) as db:
            db.execute("SET schema = 'raw'")
            db.execute(SHOP)
        return place

    def description(self) -> Metadata:
        meta = shop()
        meta.tables["orders"].foreign_keys.pop()  # it closes a circle, which DuckDB cannot hold
        return meta

    def names(self, place: Place) -> set[str]:
        with place.engine.connect() as connection:
            sql = f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{place.target}'"
            return set(connection.exec_driver_sql(sql).scalars())

    def leftovers(self, place: Place) -> list[str]:
        with place.engine.connect() as connection:
            sql = "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal"
            schemas = set(connection.exec_driver_sql(sql).scalars())
            sql = "SELECT database_name FROM duckdb_databases() WHERE NOT internal"
            databases = set(connection.exec_driver_sql(sql).scalars())
        return sorted((schemas | databases) - {"main", "raw", "shop", place.target})

    def make_foreign(self, place: Place) -> None:
        with place.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {place.target}")
            connection.exec_driver_sql(f"CREATE TABLE {place.target}.theirs (x INTEGER)")

    def test_keys_are_recreated(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        found = SqlWarehouse(shop_place.engine, shop_place.target).metadata
        for table, config in self.description().tables.items():
            assert found.tables[table].pk == config.pk
            assert {
                (tuple(k.columns), k.parent, tuple(k.parent_columns), k.declared)
                for k in found.tables[table].foreign_keys
            } == {
                (tuple(k.columns), k.parent, tuple(k.parent_columns), True)
                for k in config.foreign_keys
            }
        assert [i.name for i in found.tables["orders"].indexes] == ["orders_by_customer"]
        assert ("email",) in found.tables["customers"].unique_sets

    @pytest.mark.parametrize(
        ("table", "values"),
        [
            ("customers", {"id": 1, "email": "new"}),
            ("customers", {"id": 77, "email": "a"}),
            ("customers", {"id": 77, "email": "new", "referrer_id": 1234}),
            ("orders", {"id": 77, "customer_id": 1234}),
            ("order_items", {"order_id": 10, "line": 1}),
        ],
        ids=["primary", "unique", "self", "foreign", "composite primary"],
    )
    def test_keys_are_enforced(self, shop_place: Place, table: str, values: dict[str, Any]) -> None:
        write(self.writer(shop_place), rows())
        with pytest.raises(sa.exc.IntegrityError):
            self.insert(shop_place, table, values)

    def test_default_target_and_full_names(self, shop_place: Place) -> None:
        assert default_target(shop_place.engine, "raw") == "raw_synthetic"
        write(self.writer(shop_place, target_schema="shop.other"), rows())
        with pytest.raises(ConnectorError, match=r"'other' exists already"):
            self.writer(shop_place, target_schema="other")
        with pytest.raises(ConnectorError, match="source itself"):
            self.writer(shop_place, target_schema="shop.raw")

    def test_views_over_other_schemas_survive(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql("CREATE VIEW main.v AS SELECT * FROM raw_synthetic.orders")
        write(self.writer(shop_place, if_exists="replace"), rows())
        with shop_place.engine.connect() as connection:
            assert len(connection.exec_driver_sql("SELECT * FROM main.v").all()) == 2

    def test_the_main_schema_is_emptied_not_dropped(
        self, shop_place: Place, tmp_path: Path
    ) -> None:
        target = sa.create_engine(f"duckdb:///{tmp_path / 'other.duckdb'}", poolclass=NullPool)
        for mode in ("fail", "replace"):
            options = {"target_schema": None, "target_engine": target, "if_exists": mode}
            assert orphan_free(write(self.writer(shop_place, **options), rows()))
        with target.connect() as connection:
            sql = "SELECT count(*) FROM main.order_items"
            assert connection.exec_driver_sql(sql).scalar() == 2

    def test_circles_of_rows_are_refused(self, shop_place: Place) -> None:
        circle = pa.table({"id": [1, 2, 9], "email": ["a", "b", "c"], "referrer_id": [2, 1, 9]})
        with pytest.raises(ConnectorError, match=r"'customers'.*in a circle"):
            write(self.writer(shop_place), rows(customers=circle))
        assert self.leftovers(shop_place) == []
        assert self.names(shop_place) == set()

    def test_a_read_only_database_is_refused_at_once(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        url = shop_place.engine.url
        engine = sa.create_engine(url, poolclass=NullPool, connect_args={"read_only": True})
        with pytest.raises(ConnectorError, match="read-only"):
            open_writer(
                engine, self.description(), source_schema="raw", provenance=ORIGIN,
                if_exists="replace",
            )  # fmt: skip

    def test_interrupted_half_way(self, shop_place: Place) -> None:
        def interrupted() -> Iterator[pa.RecordBatch]:
            yield from rows()["customers"].to_batches()
            raise KeyboardInterrupt

        write(self.writer(shop_place), rows())
        with pytest.raises(KeyboardInterrupt), self.writer(shop_place, if_exists="replace") as w:
            w.load("customers", interrupted())
        assert self.leftovers(shop_place) == []
        assert len(self.fetch(shop_place, "customers", "id")) == 3

    def test_the_file_is_free_afterwards(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        script = f"import duckdb; duckdb.connect({str(shop_place.engine.url.database)!r})"
        subprocess.run([sys.executable, "-c", script], check=True)


def test_every_type_survives(tmp_path: Path) -> None:
    file = tmp_path / "types.duckdb"
    beyond = ("ides", "far")  # one value on each side of what Python can show
    types = {name: type_ for name, type_ in TYPES.items() if name not in beyond}
    with duckdb.connect(str(file)) as db:
        db.execute("CREATE SCHEMA raw")
        columns = ", ".join(f'"{name}" {type_}' for name, (type_, _, _) in types.items())
        db.execute(f"CREATE TABLE raw.t (id INTEGER PRIMARY KEY, {columns}, "
                   "twice INTEGER GENERATED ALWAYS AS (id * 2))")  # fmt: skip
        db.execute(
            "COMMENT ON TABLE raw.t IS 'of every type'; COMMENT ON COLUMN raw.t.id IS 'it''s'"
        )
        values = ", ".join(sql for _, sql, _ in types.values())
        db.execute(f"INSERT INTO raw.t VALUES (1, {values}), (2{', NULL' * len(types)})")
        before = db.execute("SELECT * FROM raw.t ORDER BY id").fetchall()
    source = SqlWarehouse(f"duckdb:///{file}", "raw")
    writer = open_writer(source.engine, source.metadata, source_schema="raw", provenance=ORIGIN)
    whole = source.sample({"t": None}, 100, 1).drawn["t"]
    write(writer, {"t": whole})
    with duckdb.connect(str(file)) as db:
        assert db.execute("SELECT * FROM raw_synthetic.t ORDER BY id").fetchall() == before
        found = db.execute(
            "SELECT DISTINCT column_name, data_type FROM duckdb_columns() WHERE table_name = 't'"
        ).fetchall()
        assert len(found) == len(types) + 2  # one type for each name
    table = SqlWarehouse(f"duckdb:///{file}", "raw_synthetic").metadata.tables["t"]
    assert (table.comment, table.columns["id"].comment) == ("of every type", "it's")


@pytest.mark.slow
def test_the_whole_way_from_sqlite(tmp_path: Path) -> None:
    build(tmp_path / "shop.db", customers=120)
    synth = Synthesizer.from_database(f"sqlite:///{tmp_path / 'shop.db'}")
    synth.fit(epochs=2, seed=1, progress=False)
    target = f"duckdb:///{tmp_path / 'copy.duckdb'}"
    summary = synth.to_database(target, schema="shop", seed=3)
    assert all(check.orphans == 0 for check in summary.keys)
    first = _dump(tmp_path / "copy.duckdb")
    assert {"customer", "line", "purchase_tag", "_synthohive"} <= set(first)
    synth.to_database(target, schema="shop", seed=3, if_exists="replace")
    again = _dump(tmp_path / "copy.duckdb")
    assert {k: v for k, v in again.items() if k != "_synthohive"} == {
        k: v for k, v in first.items() if k != "_synthohive"
    }
    copied = Synthesizer.from_database(target, schema="shop")
    keys = {fk.label(table) for table, fk in copied.metadata.foreign_keys()}
    assert keys == {fk.label(table) for table, fk in synth.metadata.foreign_keys()}
    copied.fit(epochs=2, seed=1, progress=False)
    assert copied.to_database(seed=4).schema == "shop_synthetic"


def _dump(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(file)) as db:
        names = db.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'shop'")
        return {
            name: db.execute(f'SELECT * FROM shop."{name}" ORDER BY ALL').fetchall()
            for (name,) in names.fetchall()
        }


def test_keys_that_close_a_circle_are_left_out_elsewhere(tmp_path: Path) -> None:
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'c.duckdb'}", poolclass=NullPool)
    checks = write(open_writer(None, shop(), target_engine=engine, provenance=ORIGIN), rows())
    assert orphan_free(checks)
    assert sorted(check.enforced for check in checks) == [False, True, True, True, True]


@pytest.mark.slow
def test_several_schemas(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as db:
        for schema in ("person", "sales"):
            db.execute(f"CREATE SCHEMA {schema}")
            db.execute(f"CREATE TABLE {schema}.place (id INTEGER PRIMARY KEY, kind VARCHAR)")
            sql = "SELECT i, ['home', 'work', 'else'][i % 3 + 1] FROM range(60) t(i)"
            db.execute(f"INSERT INTO {schema}.place {sql}")
        db.execute("CREATE TABLE sales.stay (id INTEGER PRIMARY KEY, place INTEGER, "
                   "FOREIGN KEY (place) REFERENCES sales.place (id))")  # fmt: skip
        db.execute("INSERT INTO sales.stay SELECT i, i % 60 FROM range(120) t(i)")
    synth = Synthesizer.from_database(f"duckdb:///{path}", schema=["person", "sales"])
    small = {"hidden": 8, "embedding": 4, "context": 8}
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, **small)
    for if_exists in ("fail", "replace"):
        synth.to_database(seed=2, if_exists=if_exists)
        with duckdb.connect(str(path)) as db:
            tables = "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1"
            found = [name for (name,) in db.execute(tables).fetchall() if "_synthetic." in name]
            assert found == [
                "person_synthetic._synthohive", "person_synthetic.place",
                "sales_synthetic._synthohive", "sales_synthetic.place", "sales_synthetic.stay",
            ]  # fmt: skip
            joined = "sales_synthetic.stay s JOIN sales_synthetic.place p ON p.id = s.place"
            assert db.execute(f"SELECT count(*) FROM {joined}").fetchall() == [(120,)]
            names = db.execute("SELECT DISTINCT schema_name FROM duckdb_schemas()").fetchall()
            assert not [name for (name,) in names if "__synthohive" in name]
    with duckdb.connect(str(path)) as db:  # somebody's table in the second: neither is replaced
        db.execute("CREATE TABLE sales_synthetic.mine (x INTEGER)")
        before = db.execute("SELECT * FROM person_synthetic._synthohive").fetchall()
    with pytest.raises(ConnectorError, match="mine"):
        synth.to_database(seed=3, if_exists="replace")
    with duckdb.connect(str(path)) as db:
        assert db.execute("SELECT * FROM person_synthetic._synthohive").fetchall() == before


def test_what_stands_for_another_engine_s_values_stays(tmp_path: Path) -> None:
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'a.duckdb'}", poolclass=NullPool)
    for number, (dialect, spelled) in enumerate(
        [("mysql", EARLY.date().isoformat()), ("duckdb", "-infinity")]
    ):
        meta = Metadata(dialect=dialect).add_table(
            "t", columns={"d": Column(name="d", kind="date")}
        )
        with open_writer(
            None, meta, target_engine=engine, target_schema=f"s{number}", provenance=ORIGIN
        ) as writer:
            writer.load("t", pa.table({"d": [EARLY.date()]}).to_batches())
            writer.finish()
        with engine.connect() as connection:
            sql = f"SELECT d::VARCHAR FROM s{number}.t"
            assert connection.exec_driver_sql(sql).scalar() == spelled


def test_rows_of_many_batches_are_all_there(tmp_path: Path) -> None:
    """One is more than a row group of DuckDB's; a few values are spelled as it spells them."""
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'a.duckdb'}", poolclass=NullPool)
    columns = {"d": Column(name="d", kind="date")}
    meta = Metadata(dialect="duckdb").add_table("t", columns=columns)
    days = pa.array([0] * (2 * BATCH_ROWS - 1), pa.int32()).cast(pa.date32())
    early = pa.array([EARLY.date()])
    parts = [days, pa.concat_arrays([days, early]), days, early]
    with open_writer(None, meta, target_engine=engine, provenance=ORIGIN) as writer:
        writer.load("t", (pa.record_batch({"d": part}) for part in parts))
        writer.finish()
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT d::VARCHAR, count(*) FROM t GROUP BY d")
        assert dict(found.all()) == {"1970-01-01": 3 * len(days), "-infinity": 2}


def test_a_refused_value_is_nowhere_in_what_is_raised(tmp_path: Path) -> None:
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'a.duckdb'}", poolclass=NullPool)
    columns = {"mail": Column(name="mail", kind="text")}
    meta = Metadata(dialect="duckdb").add_table("t", "mail", columns=columns)
    with open_writer(None, meta, target_engine=engine, provenance=ORIGIN) as writer:
        writer.load("t", pa.table({"mail": ["ada@post.org"] * 2}).to_batches())
        with pytest.raises(ConnectorError, match="duplicate key") as caught:
            writer.finish()
    told = traceback.format_exception(caught.type, caught.value, caught.tb)
    assert "ada@post.org" not in "".join(told)
