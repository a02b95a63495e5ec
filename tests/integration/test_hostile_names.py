"""Tables, columns, constraints and indexes of any name go through every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive.connectors.reflection import reflect
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import SchemaError
from synthohive.schema import Metadata
from tests.contracts.writer import ORIGIN, orphan_free

NAMES = [
    "new\nline", "com,ma", 'quo"te', "ap'os", "back`tick", "semi;colon", "dash--dash", "/* c */",
    "per%cent", "per%scent", "%(x)s", "curly{}", "{{ jinja }}", "back\\slash", "tab\there",
    "dot.dot", "sp ace", " lead", "ünïcödé", "日本", "$dollar", "select", "col:on", "x[0]",
    "\u202eevil", "nul?", ":bind", "(par)", "#hash", "cr\rlf", "x); DROP TABLE y; --",
]  # fmt: skip


LINES = [name for name in NAMES if "\n" in name]


def make(engine: Engine, schema: Optional[str], names: list[str]) -> None:
    """Create a table of each name, and a child of it; DuckDB has no names of constraints."""
    name = engine.dialect.name
    mark = "`" if name == "mysql" else '"'

    def quote(text: str) -> str:
        return mark + text.replace(mark, mark * 2) + mark

    place = f"{quote(schema)}." if schema else ""
    with engine.begin() as connection:
        plain = connection.execution_options(no_parameters=True)
        for i, text in enumerate(names):
            table, column = place + quote(text), quote(text + "!")
            named = "" if name == "duckdb" else f"CONSTRAINT {quote(text + ' check')} "
            plain.exec_driver_sql(
                f"CREATE TABLE {table} (id integer PRIMARY KEY, {column} varchar(10), "
                f"{named}CHECK ({column} <> ''))"
            )
            plain.exec_driver_sql(f"CREATE INDEX {quote(text + ' index')} ON {table} ({column})")
            named = "" if name == "duckdb" else f"CONSTRAINT {quote(text + ' key')} "
            plain.exec_driver_sql(
                f"CREATE TABLE {place}child{i} (id integer PRIMARY KEY, {column} integer, "
                f"{named}FOREIGN KEY ({column}) REFERENCES {table} (id))"
            )


def rows(metadata: Metadata, table: str) -> pa.Table:
    config = metadata.tables[table]
    (other,) = set(config.columns) - {"id"}
    values: list[Any] = [1, 2] if config.foreign_keys else ["a", "b"]
    columns = {"id": [1, 2], other: values}
    return pa.table({c: pa.array(columns[c], config.columns[c].arrow_type) for c in config.columns})


def check(
    engine: Engine,
    schema: Optional[str],
    target: Engine,
    place: Any,
    names: list[str] = NAMES,
) -> None:
    """Write a copy by cloning the source, then one from the description alone."""
    make(engine, schema, names)
    metadata = reflect(engine, schema)
    assert len(list(metadata.foreign_keys())) == len(names)
    for source, mode in ((engine, "fail"), (None, "replace")):
        writer = open_writer(
            source, metadata, target_schema=place, source_schema=schema, provenance=ORIGIN,
            if_exists=mode, target_engine=target,
        )  # fmt: skip
        with writer:
            for table in metadata.tables:
                writer.load(table, rows(metadata, table).to_batches())
            assert orphan_free(writer.finish())
        copy = reflect(target, place)
        assert set(copy.tables) == set(metadata.tables)
        for name, table in metadata.tables.items():
            assert list(copy.tables[name].columns) == list(table.columns)
            assert len(copy.tables[name].checks) == len(table.checks)
            keys = [(k.columns, k.parent, k.parent_columns) for k in table.foreign_keys]
            assert keys == [
                (k.columns, k.parent, k.parent_columns) for k in copy.tables[name].foreign_keys
            ]


@pytest.mark.integration
def test_postgresql(postgres_engine: Engine, postgres_schema: str) -> None:
    check(postgres_engine, postgres_schema, postgres_engine, f"{postgres_schema}_copy")


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("server", ["mysql", "mariadb"])
def test_mysql(request: pytest.FixtureRequest, server: str) -> None:
    name = request.getfixturevalue(f"{server}_database")
    engine = request.getfixturevalue(f"{server}_engine")
    make(engine, name, LINES)
    with pytest.raises(SchemaError, match=r"Column 'new\\nline!' of table 'child0'"):
        reflect(engine, name)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    check(engine, name, engine, f"{name}_copy", [n for n in NAMES if n not in LINES])


def test_sqlite(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    target = sa.create_engine(f"sqlite:///{tmp_path / 'b.db'}")
    check(engine, None, target, None)
    engine.dispose()
    target.dispose()


def test_duckdb(tmp_path: Path) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'a.duckdb'}")
    check(engine, "main", engine, "copy")
    engine.dispose()
