"""Reading DuckDB files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

pytest.importorskip("duckdb_sqlalchemy")
import duckdb

from synthohive import ConnectorError, Metadata, SchemaError, Synthesizer
from synthohive.connectors.special_values import AFTER, BEFORE, EARLY, FAR
from synthohive.connectors.sql import SqlWarehouse
from synthohive.schema import ColumnKind
from tests.contracts.warehouse import WarehouseContract
from tests.evidence import SERVER, runs


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def database(path: Path, *statements: str, schema: str = "raw") -> sa.Engine:
    with duckdb.connect(str(path)) as db:
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        db.execute(f"SET schema = '{schema}'")
        for statement in statements:
            db.execute(statement)
    return sa.create_engine(f"duckdb:///{path}", poolclass=sa.pool.NullPool)


@runs("DuckDB", SERVER)
class TestDuckDB(WarehouseContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> SqlWarehouse:
        # DuckDB forgets the schema of a table that refers to itself by its bare name.
        own = "REFERENCES member", "REFERENCES raw.member"
        statements = [sql.replace(*own) for sql in self.common_sql(quote)]
        return SqlWarehouse(database(tmp_path / "w.duckdb", *statements), "raw")


TYPES = {
    "i1": ("UTINYINT", "200", 200),
    "i8": ("UBIGINT", "18446744073709551615", 18446744073709551615),
    "huge": ("HUGEINT", "-99999999999999999999999", Decimal("-99999999999999999999999")),
    "price": ("DECIMAL(30, 4)", "12345678901.5678", Decimal("12345678901.5678")),
    "f": ("FLOAT", "0.5", 0.5),
    "yes": ("BOOLEAN", "true", True),
    "mood": ("ENUM ('so, so', 'it''s')", "'it''s'", "it's"),
    "u": ("UUID", "'cbfb6358-1c15-42e6-8d18-4dfd826a50e8'", "cbfb6358-1c15-42e6-8d18-4dfd826a50e8"),
    "list": ("INTEGER[]", "[1, NULL]", "[1,null]"),
    "fixed": ("DOUBLE[2]", "[1, 2]", "[1.0,2.0]"),
    "packed": ("STRUCT(a INTEGER, b VARCHAR)", "{'a': 1, 'b': 'x'}", '{"a":1,"b":"x"}'),
    "pairs": ("MAP(VARCHAR, INTEGER)", "MAP {'k': 2}", '{"k":2}'),
    "doc": ("JSON", "'{\"a\": 1}'", '{"a": 1}'),
    "raw": ("BLOB", "'\\xFF\\x00'::BLOB", b"\xff\x00"),
    "bits": ("BIT", "'0101'", "0101"),
    "clock": ("TIME", "'23:59:59.5'", time(23, 59, 59, 500_000)),
    "span": ("INTERVAL", "INTERVAL '1 month 1 second'", timedelta(days=30, seconds=1)),
    "seen_at": ("TIMESTAMP", "'0001-01-01 02:03:04.000005'", datetime(1, 1, 1, 2, 3, 4, 5)),
    "fine": ("TIMESTAMP_NS", "'2024-01-02 03:04:05.123456789'",
             datetime(2024, 1, 2, 3, 4, 5, 123456)),
    "there": ("TIMESTAMPTZ", "'2024-01-01 00:00:00+02'",
              datetime(2023, 12, 31, 22, tzinfo=timezone.utc)),
    "never": ("DATE", "'infinity'", FAR.date()),
    "ides": ("DATE", "'0044-03-15 (BC)'", BEFORE.date()),
    "far": ("TIMESTAMP", "'20000-01-01 01:02:03'", AFTER),
    "ever": ("TIMESTAMPTZ", "'-infinity'", EARLY.replace(tzinfo=timezone.utc)),
}  # fmt: skip


def test_every_type_is_carried(tmp_path: Path) -> None:
    columns = ", ".join(f"{name} {type_}" for name, (type_, _, _) in TYPES.items())
    values = ", ".join(value for _, value, _ in TYPES.values())
    nothing = ", ".join("NULL" for _ in TYPES)
    engine = database(
        tmp_path / "t.duckdb",
        "SET TimeZone = 'America/New_York'",
        f"CREATE TABLE t ({columns})",
        f"INSERT INTO t VALUES ({values}), ({nothing})",
    )
    warehouse = SqlWarehouse(engine, "raw")
    warehouse.metadata.validate_schema()
    full, empty = next(warehouse.read("t")).to_pylist()
    assert full == {name: value for name, (_, _, value) in TYPES.items()}
    assert set(empty.values()) == {None}
    kinds = {n: c.kind for n, c in warehouse.metadata.tables["t"].columns.items()}
    assert (kinds["list"], kinds["packed"]) == (ColumnKind.ARRAY, ColumnKind.JSON)
    assert warehouse.metadata.tables["t"].columns["mood"].enum_values == ["so, so", "it's"]


def test_the_catalogue_is_read_as_it_is(tmp_path: Path) -> None:
    engine = database(
        tmp_path / "t.duckdb",
        "CREATE SEQUENCE counter START 5",
        "CREATE TABLE p (id INTEGER PRIMARY KEY DEFAULT nextval('counter'), "
        "twice INTEGER GENERATED ALWAYS AS (id * 2), \"odd, (name\" VARCHAR DEFAULT 'GENERATED', "
        "boss INTEGER REFERENCES p (id), a INTEGER, b INTEGER, UNIQUE (a, b), "
        "CHECK (a > 0 AND \"odd, (name\" <> ','))",
        "COMMENT ON TABLE p IS 'it''s a table'",
        "COMMENT ON COLUMN p.id IS 'its key'",
        'CREATE INDEX plain ON p ("odd, (name", a)',
        "CREATE UNIQUE INDEX sums ON p ((a + b))",
        "CREATE VIEW v AS SELECT * FROM p",
        "CREATE TEMP TABLE passing AS SELECT 1 AS x",
    )
    found = Metadata.from_database(engine, "raw")
    assert (found.schema_name, found.dialect, list(found.tables)) == ("raw", "duckdb", ["p"])
    table = found.tables["p"]
    assert table.comment == "it's a table"
    assert table.columns["id"].comment == "its key"
    assert table.columns["id"].identity is not None
    assert table.columns["twice"].computed == "(id * 2)"
    assert table.columns["odd, (name"].default == "'GENERATED'"
    assert table.columns["odd, (name"].computed is None
    assert [u.columns for u in table.unique] == [["a", "b"]]
    assert [k.label("p") for k in table.foreign_keys] == ["p(boss) -> p(id)"]
    assert len(table.checks) == 1
    plain, sums = table.indexes
    assert (plain.columns, plain.definition, plain.unique) == (["odd, (name", "a"], None, False)
    assert sums.unique
    assert sums.definition is not None


def test_schemas_are_named_plainly(tmp_path: Path) -> None:
    engine = database(tmp_path / "shop.duckdb", "CREATE TABLE t (a INTEGER)")
    for name in ("raw", "shop.raw", '"shop".raw'):
        assert SqlWarehouse(engine, name).schema == "raw"
    with pytest.raises(SchemaError, match=r"no schema 'rwa'.*Did you mean 'raw'"):
        SqlWarehouse(engine, "rwa")
    with pytest.raises(SchemaError, match="'main' has no tables"):
        SqlWarehouse(engine)


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"no such file.*duckdb:////absolute"):
        SqlWarehouse(f"duckdb:///{tmp_path / 'nix.duckdb'}", "raw")
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database", encoding="utf-8")
    with pytest.raises(ConnectorError, match="not a valid DuckDB database"):
        SqlWarehouse(f"duckdb:///{tmp_path / 'notes.txt'}")


def test_numbers_that_no_decimal_holds_are_left_out(tmp_path: Path) -> None:
    engine = database(
        tmp_path / "t.duckdb",
        "CREATE TABLE t (n HUGEINT, m HUGEINT, u UHUGEINT)",
        "INSERT INTO t VALUES (-170141183460469231731687303715884105727, 10::HUGEINT ** 37, 1)",
    )
    warehouse = SqlWarehouse(engine, "raw")
    assert warehouse.metadata.tables["t"].exclude_columns == ["n"]
    assert [b.schema.names for b in warehouse.read("t")] == [["m", "u"]]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """Give a file that another process has open."""
    path = tmp_path / "held.duckdb"
    database(path, "CREATE TABLE t (a INTEGER)")
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "open\n"
        yield path
        process.communicate("\n")


def test_a_locked_file_is_said_to_be(held: Path) -> None:
    with pytest.raises(ConnectorError, match=r"is locked.*another process"):
        SqlWarehouse(f"duckdb:///{held}", "raw")


def test_a_database_in_memory_is_read() -> None:
    engine = sa.create_engine("duckdb:///:memory:")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT range AS a FROM range(200000)")
    warehouse = SqlWarehouse(engine)
    assert sum(batch.num_rows for batch in warehouse.read("t")) == 200_000
    assert warehouse.count("t") == 200_000
    engine.dispose()


def test_what_python_cannot_show_is_written_as_it_is_in_duckdb(tmp_path: Path) -> None:
    engine = database(
        tmp_path / "t.duckdb",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE NOT NULL, s TIMESTAMP NOT NULL, "
        "z TIMESTAMPTZ NOT NULL)",
        "INSERT INTO t SELECT i, CASE WHEN i % 2 = 0 THEN '0044-03-15 (BC)'::DATE ELSE "
        "'infinity' END, CASE WHEN i % 2 = 0 THEN '12000-01-01'::TIMESTAMP ELSE '-infinity' END, "
        "CASE WHEN i % 3 = 0 THEN '2024-01-01 00:00:00+00'::TIMESTAMPTZ ELSE 'infinity' END "
        "FROM range(100) r (i)",
    )
    synth = Synthesizer.from_database(engine, "raw")
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    synth.to_database(schema="made", seed=1)
    with engine.connect() as connection:
        shown = [
            {str(row[0]) for row in connection.exec_driver_sql(f"SELECT {c}::VARCHAR FROM made.t")}
            for c in ("d", "s", "z")
        ]
    assert shown[0] == {"0001-12-31 (BC)", "infinity"}
    assert shown[1] == {"10000-01-01 00:00:00", "-infinity"}
    assert {text[:10] for text in shown[2]} == {"2024-01-01", "infinity"}
