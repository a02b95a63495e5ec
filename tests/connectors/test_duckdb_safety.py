"""What a DuckDB target must survive: other people's objects, other sessions, crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

pytest.importorskip("duckdb_sqlalchemy")
import duckdb
import pyarrow as pa

from synthohive import ForeignKey, Metadata
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io import steps
from synthohive.io.writer import Writer
from tests.contracts.writer import ORIGIN, described, integer, text, write

ROWS = {
    "customers": pa.table({"id": [1, 2, 3], "email": ["a", "b", "c"]}),
    "orders": pa.table({"id": [1, 2], "customer_id": [1, 3]}),
}
SHOP = """
CREATE SCHEMA raw; SET schema = 'raw'; CREATE SEQUENCE ids;
CREATE TABLE customers (id BIGINT PRIMARY KEY DEFAULT nextval('raw.ids'), email VARCHAR);
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT REFERENCES customers (id));
"""


def shop() -> Metadata:
    meta = Metadata(dialect="duckdb")
    meta.add_table("customers", "id", columns=described(integer("id"), text("email", None)))
    key = ForeignKey(
        columns=["customer_id"], parent="customers", parent_columns=["id"], declared=True
    )
    columns = described(integer("id"), integer("customer_id"))
    return meta.add_table("orders", "id", columns=columns, foreign_keys=[key])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a database with a source, and a target that was written once."""
    path = tmp_path / "shop.duckdb"
    run(path, SHOP)
    write(opened(path), ROWS)
    return path


def run(path: Path, *statements: str) -> list[Any]:
    found: list[Any] = []
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            found = connection.execute(statement).fetchall()
    return found


def opened(path: Path, if_exists: Any = "fail", **more: Any) -> Writer:
    engine = sa.create_engine(f"duckdb:///{path}", poolclass=NullPool)
    meta = more.pop("meta", None) or shop()
    options = {"target_schema": "copy", "source_schema": "raw", "provenance": ORIGIN, **more}
    return open_writer(engine, meta, if_exists=if_exists, **options)


def customers(path: Path) -> int:
    return int(run(path, "SELECT count(*) FROM copy.customers")[0][0])


def filled(writer: Writer, rows: dict[str, pa.Table] = ROWS) -> Writer:
    for name, table in rows.items():
        writer.load(name, table.to_batches())
    return writer


def test_what_others_made_is_not_dropped(file: Path) -> None:
    run(
        file,
        "CREATE TABLE copy.mine (x INTEGER)",
        "CREATE INDEX mine_too ON copy.customers (email)",
        "ALTER TABLE copy.orders ADD COLUMN extra INTEGER",
    )
    pattern = r"did not make: column orders\.extra, index customers\.mine_too, table mine\."
    with pytest.raises(ConnectorError, match=pattern):
        opened(file, "replace")
    assert run(file, "SELECT extra FROM copy.orders") == [(None,), (None,)]
    write(opened(file, "replace_foreign", replace_foreign="copy"), ROWS)
    names = run(file, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'copy'")
    assert ("mine",) not in names


def test_what_names_our_tables_stays_and_finds_the_new_ones(file: Path) -> None:
    run(
        file,
        "CREATE VIEW copy.v AS SELECT count(*) AS n FROM copy.orders",
        "CREATE MACRO copy.m() AS TABLE SELECT count(*) AS n FROM copy.orders",
        "CREATE TYPE copy.e AS ENUM ('a')",
        "CREATE SEQUENCE copy.s START 5",
        "CREATE TABLE main.theirs (i BIGINT DEFAULT nextval('copy.s'), x INTEGER)",
    )
    for _ in range(2):
        write(opened(file, "replace"), {**ROWS, "orders": ROWS["orders"].slice(1)})
    assert run(file, "SELECT * FROM copy.v, copy.m()") == [(1, 1)]
    run(file, "INSERT INTO main.theirs (x) VALUES (1)")
    assert run(file, "SELECT count(*) FROM duckdb_types() WHERE type_name = 'e'") == [(1,)]
    assert run(file, "SELECT i FROM main.theirs") == [(5,)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("CREATE TABLE main.theirs (i BIGINT DEFAULT nextval('copy.ids'))", "column main.theirs.i"),
        ("CREATE VIEW main.theirs AS SELECT email FROM copy.customers", "view main.theirs"),
    ],
    ids=["sequence", "view"],
)
def test_what_would_break_is_refused(file: Path, sql: str, said: str) -> None:
    run(file, sql)
    less = shop()
    del less.tables["customers"].columns["email"]
    rows = {**ROWS, "customers": ROWS["customers"].select(["id"])}
    writer = filled(opened(file, "replace", meta=less), rows)
    with pytest.raises(ConnectorError, match=f"{said} would lose"):
        writer.finish()
    assert customers(file) == 3
    assert run(file, "SELECT * FROM main.theirs") in ([], [("a",), ("b",), ("c",)])


def test_comments_of_others_go_over_to_the_new_tables(file: Path) -> None:
    meta = shop()
    meta.tables["orders"].comment = "of the source"
    run(file, "COMMENT ON TABLE raw.orders IS 'of the source'")
    write(opened(file, "replace", meta=meta), ROWS)
    comments = (
        "SELECT comment FROM duckdb_tables() WHERE schema_name = 'copy' "
        "AND comment IS NOT NULL UNION ALL "
        "SELECT comment FROM duckdb_columns() WHERE schema_name = 'copy' "
        "AND comment IS NOT NULL ORDER BY ALL"
    )
    assert run(file, comments) == [("of the source",)]
    run(
        file,
        "COMMENT ON TABLE copy.customers IS 'by Ada''s'",
        "COMMENT ON COLUMN copy.orders.customer_id IS 'hers'",
    )
    for _ in range(2):
        write(opened(file, "replace", meta=meta), ROWS)
        assert run(file, comments) == [("by Ada's",), ("hers",), ("of the source",)]
    run(file, "COMMENT ON TABLE copy.orders IS NULL")
    write(opened(file, "replace", meta=meta), ROWS)
    assert run(file, comments) == [("by Ada's",), ("hers",)]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW empty.mine AS SELECT 1 AS x",
        "CREATE MACRO empty.mine(x) AS x",
        "CREATE MACRO empty.mine() AS TABLE SELECT 1",
        "CREATE TYPE empty.mine AS ENUM ('a')",
        "CREATE SEQUENCE empty.mine",
        "CREATE TABLE empty.mine (x INTEGER)",
    ],
    ids=["view", "macro", "table macro", "type", "sequence", "table"],
)
def test_a_schema_with_anything_in_it_is_not_empty(file: Path, sql: str) -> None:
    run(file, "CREATE SCHEMA empty", sql)
    for mode in ("fail", "replace"):
        with pytest.raises(ConnectorError, match=r"did not make it: it holds [\w ]+ mine\."):
            opened(file, mode, target_schema="empty")


@pytest.mark.parametrize("if_exists", ["fail", "replace"])
def test_tables_that_appear_during_the_run_are_kept(file: Path, if_exists: str) -> None:
    target = "copy" if if_exists == "replace" else "fresh"
    writer = filled(opened(file, if_exists, target_schema=target))
    other = sa.create_engine(f"duckdb:///{file}", poolclass=NullPool)
    with other.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {target}")
        connection.exec_driver_sql(f"CREATE TABLE {target}.mine (x INT)")
    with pytest.raises(ConnectorError, match="table mine"):
        writer.finish()
    assert run(file, f"SELECT count(*) FROM {target}.mine") == [(0,)]
    assert customers(file) == 3


def test_two_writers_of_one_process(file: Path) -> None:
    first, second = filled(opened(file, "replace")), filled(opened(file, "replace"))
    first.finish()
    second.finish()  # one after the other
    third, fourth = filled(opened(file, "replace")), filled(opened(file, "replace"))

    def between(name: str) -> None:
        if name == "old tables dropped":
            steps.observe(None)
            fourth.finish()

    steps.observe(between)
    with pytest.raises(ConnectorError, match="DuckDB refused"):
        third.finish()
    assert customers(file) == 3


def test_another_process_is_named(file: Path) -> None:
    code = f"import duckdb; c = duckdb.connect({str(file)!r}); print(1, flush=True); input()"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            with pytest.raises(ConnectorError, match=rf"another process .*PID {process.pid}\b"):
                opened(file, "replace")
        finally:
            process.communicate("\n")
    write(opened(file, "replace"), ROWS)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_source_is_refused_by_any_name(file: Path, link: Any) -> None:
    other = file.with_name("other.duckdb")
    link(file, other)
    target = sa.create_engine(f"duckdb:///{other}", poolclass=NullPool)
    was = dialect_for(sa.create_engine(f"duckdb:///{file}", poolclass=NullPool)).fingerprint("raw")
    options = {"target_engine": target, "target_schema": "raw", "provenance": ORIGIN}
    for mode in ("replace", "replace_foreign"):
        more = {"replace_foreign": "raw"} if mode == "replace_foreign" else {}
        with pytest.raises(ConnectorError, match="source itself"):
            open_writer(None, shop(), if_exists=mode, sources=was, **options, **more)


@pytest.mark.parametrize("mode", ["fail", "replace"])
def test_a_schema_is_known_however_it_is_spelt(file: Path, mode: str) -> None:
    """To DuckDB, capitals make no other schema: what is in it would be somebody else's."""
    run(file, "CREATE SCHEMA theirs", "CREATE TABLE theirs.precious (x INTEGER)")
    with pytest.raises(ConnectorError, match="source itself"):
        opened(file, mode, target_schema="RAW")
    with pytest.raises(ConnectorError, match=r"did not make it.*precious"):
        opened(file, mode, target_schema="Theirs")
    if mode == "replace":
        write(opened(file, mode, target_schema="COPY"), ROWS)
    assert customers(file) == 3
    schemas = run(file, "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal ORDER BY ALL")
    assert [name for (name,) in schemas if name != "main"] == ["copy", "raw", "theirs"]
