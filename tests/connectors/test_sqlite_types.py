"""SQLite's declared types are no promises: what holds is found in the rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
import pytest

from synthohive import ConnectorError, Metadata, SchemaError, SchemaValidationError
from synthohive.connectors.sql import SqlWarehouse


def warehouse_over(path: Path, *statements: str) -> SqlWarehouse:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    return SqlWarehouse(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("declared", "values", "kind", "read"),
    [
        ("", "(1), (NULL)", "integer", [1, None]),
        ("", "(1), (2.5)", "float", [1.0, 2.5]),
        ("", "('a')", "text", ["a"]),
        ("", "(x'ff')", "binary", [b"\xff"]),
        ("", "(NULL)", "text", [None]),
        ("STRING", "('a'), ('b')", "text", ["a", "b"]),
        ("STRING", "(12)", "integer", [12]),
        ("ANY", "(9007199254740993)", "integer", [9007199254740993]),
        ("DATE", "(1700000000)", "integer", [1700000000]),
        ("DATETIME", "(2460000.5)", "float", [2460000.5]),
        ("DATE", "('03/04/2021'), ('')", "text", ["03/04/2021", ""]),
        ("DATE", "('2021-04-03')", "date", ["2021-04-03"]),
        ("TIMESTAMP", "('2021-04-03T01:02:03Z')", "timestamp", ["2021-04-03 01:02:03"]),
        ("TIME", "('01:02')", "time", ["01:02:00"]),
        ("BOOLEAN", "(0), (1), (NULL)", "boolean", [False, True, None]),
        ("BOOLEAN", "(0), (2)", "integer", [0, 2]),
        ("BOOLEAN", "('f')", "text", ["f"]),
        ("NUMERIC", "(1), (2.25)", "decimal", ["1.00", "2.25"]),
        ("DECIMAL(20, 4)", "(1234567890123456)", "decimal", ["1234567890123456.0000"]),
        ("VARCHAR(9)", "(7)", "text", ["7"]),
        ("BIGINT", "(9223372036854775807)", "integer", [9223372036854775807]),
    ],
)
def test_kinds(declared: str, values: str, kind: str, read: list[Any], tmp_path: Path) -> None:
    warehouse = warehouse_over(
        tmp_path / "t.db", f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES {values}"
    )
    column = warehouse.metadata.tables["t"].columns["v"]
    assert column.kind.value == kind
    warehouse.metadata.validate_schema()
    table = pa.Table.from_batches(list(warehouse.read("t")))
    assert table.schema.field("v").type == column.arrow_type
    got = table["v"].to_pylist()
    textual = {"date", "timestamp", "time", "decimal"}
    assert ([str(v) for v in got] if kind in textual else got) == (
        [str(v) for v in read] if kind in textual else read
    )


@pytest.mark.parametrize(
    ("declared", "values", "types"),
    [
        ("INTEGER", "(1), ('secret')", "int, str"),
        ("INTEGER", "(1.5)", "float"),
        ("REAL", "('secret')", "str"),
        ("TEXT", "('a'), (x'ff')", "bytes, str"),
        ("NUMERIC", "(1), ('secret')", "int, str"),
        ("DATE", "('2021-13-45')", "str"),
    ],
)
def test_mixtures_are_refused(declared: str, values: str, types: str, tmp_path: Path) -> None:
    warehouse = warehouse_over(
        tmp_path / "t.db", f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES {values}"
    )
    with pytest.raises(ConnectorError, match=rf"t\.v is declared.*types: {types}\)") as caught:
        list(warehouse.read("t"))
    assert "secret" not in str(caught.value)


def test_undeclared_mixture_is_excluded(tmp_path: Path) -> None:
    warehouse = warehouse_over(
        tmp_path / "t.db", "CREATE TABLE t (v, n)", "INSERT INTO t VALUES (1, 1), ('a', 2)"
    )
    assert warehouse.metadata.tables["t"].exclude_columns == ["v"]
    alone = warehouse_over(
        tmp_path / "u.db", "CREATE TABLE t (v)", "INSERT INTO t VALUES (1), ('a')"
    )
    with pytest.raises(SchemaValidationError, match="no column is left to learn"):
        alone.metadata.validate_schema()


def test_wide_tables(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(500)]
    warehouse = warehouse_over(
        tmp_path / "t.db",
        f"CREATE TABLE t ({', '.join(names)})",
        f"INSERT INTO t VALUES ({', '.join('1' * 500)})",
    )
    assert {c.kind.value for c in warehouse.metadata.tables["t"].columns.values()} == {"integer"}


def test_keys_and_indexes(tmp_path: Path) -> None:
    table = warehouse_over(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail varchar(50) UNIQUE, a INT, b INT, c TEXT, "
        "twice INT GENERATED ALWAYS AS (a * 2) STORED, UNIQUE (a, b), CHECK (a < b))",
        "CREATE UNIQUE INDEX i_lower ON t (lower(c))",
        "CREATE UNIQUE INDEX i_some ON t (b) WHERE a > 1",
        "CREATE INDEX i_down ON t (b DESC)",
        "CREATE INDEX i_plain ON t (c, b)",
        "INSERT INTO t (mail, a, b, c) VALUES ('x', 0, 5, 'p'), ('y', 1, 5, 'q')",
    ).metadata.tables["t"]
    assert {tuple(u.columns) for u in table.unique} == {("mail",), ("a", "b")}
    found = {i.name: (i.columns, i.definition is not None) for i in table.indexes}
    assert found == {
        "i_lower": (["c"], True),
        "i_some": ([], True),  # b repeats: only the definition tells in which rows it may not
        "i_down": (["b"], True),
        "i_plain": (["c", "b"], False),
    }
    assert [c.sqltext for c in table.checks] == ["a < b"]
    assert table.columns["twice"].computed


def test_what_is_no_table_is_not_read(tmp_path: Path) -> None:
    warehouse = warehouse_over(
        tmp_path / "t.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
        "CREATE TABLE _synthohive (version TEXT)",
    )
    assert list(warehouse.metadata.tables) == ["t"]
    assert warehouse.not_cloned() == {"views": ("v",), "virtual tables": ("words",)}


@pytest.mark.parametrize("name", ["absent.db", "folder/absent.db"])
def test_a_missing_file_is_not_made(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="no such file"):
        SqlWarehouse(f"sqlite:///{tmp_path / name}")
    assert not (tmp_path / name).exists()


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_text("no database at all", encoding="utf-8")
    with pytest.raises(ConnectorError, match="not a database"):
        SqlWarehouse(f"sqlite:///{tmp_path / 't.db'}")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "cannot be read"),
        ("sybase://scott:tiger@host/db", "no driver"),
        ("postgresql+psycopg3x://u:hunter2@host/db", "no driver|not installed"),
    ],
)
def test_urls(url: str, reason: str) -> None:
    with pytest.raises(ConnectorError, match=reason) as caught:
        SqlWarehouse(url)
    assert not any(secret in str(caught.value) for secret in ("tiger", "hunter2"))


@pytest.mark.parametrize("schema", [None, "main"])
def test_keys_without_columns_refer_to_the_primary_key(
    schema: Optional[str], tmp_path: Path
) -> None:
    warehouse = warehouse_over(
        tmp_path / "t.db",
        "CREATE TABLE p (a INT, b INT, PRIMARY KEY (b, a))",
        "CREATE TABLE c (x INT, y INT, FOREIGN KEY (x, y) REFERENCES p ON DELETE CASCADE)",
    )
    again = SqlWarehouse(warehouse.engine, schema)
    (key,) = again.metadata.tables["c"].foreign_keys
    assert (key.parent_columns, key.on_delete) == (["b", "a"], "CASCADE")


def test_unknown_names(tmp_path: Path) -> None:
    warehouse = warehouse_over(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with pytest.raises(SchemaError, match="no table 'x'"):
        SqlWarehouse(warehouse.engine, exclude=["x"])
    with pytest.raises(SchemaError, match="No table is selected"):
        SqlWarehouse(warehouse.engine, exclude=["t"])


def test_hand_written_metadata_is_completed_by_what_is_enforced(tmp_path: Path) -> None:
    url = warehouse_over(
        tmp_path / "t.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, code TEXT, "
        "CHECK (id > 0))",
        "CREATE INDEX c_code ON c (code)",
    ).engine
    written = Metadata().add_table("p").add_table("c", fk={"code": "p.code"})
    metadata = SqlWarehouse(url, metadata=written).metadata
    metadata.validate_schema()
    table = metadata.tables["c"]
    assert [(k.label("c"), k.declared) for k in table.foreign_keys] == [
        ("c(code) -> p(code)", False),
        ("c(p) -> p(id)", True),
    ]
    assert table.pk == ["id"]
    assert metadata.tables["p"].unique_sets == [("id",), ("code",)]
    assert [c.sqltext for c in table.checks] == ["id > 0"]
    assert [i.name for i in table.indexes] == ["c_code"]
    again = SqlWarehouse(url, metadata=Metadata.from_json(metadata.to_json())).metadata
    assert again == metadata


def test_moments_are_as_fine_as_they_are_written(tmp_path: Path) -> None:
    """Else two of a unique key would be told apart in memory, and be written alike."""
    columns = (
        warehouse_over(
            tmp_path / "t.db",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a DATETIME, b DATETIME)",
            "INSERT INTO t (a, b) VALUES ('2024-01-01 00:01:01', '2024-01-01 00:01:01.250'), "
            "('2024-03-01 10:01:01', '2024-01-05 00:01:01.003')",
        )
        .metadata.tables["t"]
        .columns
    )
    assert columns["a"].arrow_type == pa.timestamp("s")
    assert columns["b"].arrow_type == pa.timestamp("ms")
