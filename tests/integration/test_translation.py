"""`to_database` into another engine: what is lost is said first, and never in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from synthohive import ConnectorError, Synthesizer
from synthohive.connectors.engines import to_engine
from synthohive.connectors.reflection import reflect
from synthohive.connectors.schema_ddl import build_ddl
from synthohive.schema import Column, ColumnKind, Metadata
from tests.contracts.engine import KEEP, Place

SOURCE = """
CREATE TABLE item (
    id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'x''y' CHECK (name NOT LIKE '%z%'),
    "50% off" INTEGER NOT NULL, "select" INTEGER GENERATED ALWAYS AS ("50% off" * 2) STORED,
    CONSTRAINT even CHECK ("50% off" % 2 = 0), CONSTRAINT half CHECK ("50% off" / 3 < 90),
    CONSTRAINT shaped CHECK (name GLOB 'n*')
);
CREATE UNIQUE INDEX once ON item (lower(name));
CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES item ON DELETE CASCADE)
"""


def source(folder: Path, sql: str = SOURCE) -> Place:
    place = Place(create_engine(f"sqlite:///{folder / 'real.db'}"))
    for statement in sql.split(";\n"):
        place.run(statement)
    for i in range(40):
        place.run(f"INSERT INTO item (name, \"50% off\") VALUES ('n{i}', {2 * i})")
        place.run(f"INSERT INTO part (item) VALUES ({1 + i // 2})")
    return place


@pytest.mark.slow
def test_the_summary_and_the_log_list_what_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    real = source(tmp_path)
    url = f"duckdb:///{tmp_path / 'copy.duckdb'}"
    synth = Synthesizer.from_database(real.engine, privacy_config=KEEP)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=url)
    caplog.set_level("INFO")
    summary = synth.to_database(url, seed=2)
    assert {kind: set(names) for kind, names in summary.not_cloned.items()} == {
        "check constraints": {"item.half", "item.shaped"},
        "actions of keys": {"part(item) -> item(id)"},
    }
    assert "whole numbers are divided differently" in str(summary)
    said = [record.message.partition(" ")[0] for record in caplog.records]
    assert said.index("not_carried_over") < said.index("schema_written")
    copy = Place(to_engine(url))
    assert copy.ask('SELECT count(*) FROM item WHERE "select" <> "50% off" * 2') == 0
    name = copy.ask("SELECT upper(min(name)) FROM item")
    for values in ("'nn1', 3", "'nZn', 4", f"'{name}', 4"):
        with pytest.raises(Exception, match=r"(?i)constraint"):
            copy.run(f'INSERT INTO item (name, "50% off") VALUES ({values})')


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_values_that_would_be_lost_are_refused_before_anything_is_made(
    engine: str, tmp_path: Path
) -> None:
    sql = 'CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(20), "50% off" INTEGER, '
    sql += 'half INTEGER GENERATED ALWAYS AS ("50% off" / 3) STORED);\nCREATE TABLE part (id '
    sql += "INTEGER PRIMARY KEY, item INTEGER)"
    real = source(tmp_path, sql)
    synth = Synthesizer.from_database(real.engine, privacy_config=KEEP)
    file = tmp_path / "copy.db"
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=False)
    if engine == "sqlite":  # whose own SQL it is
        assert synth.to_database(f"sqlite:///{file}", seed=2).not_cloned == {}
        return
    with pytest.raises(ConnectorError, match=r"item\.half is computed by .* divided differently"):
        synth.to_database(f"duckdb:///{file}", seed=2)
    assert inspect(to_engine(f"duckdb:///{file}")).get_table_names() == []
    synth.metadata.exclude("item.half")
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=False)
    summary = synth.to_database(f"duckdb:///{file}", seed=2)
    assert summary.not_cloned == {"computed columns": ("item.half",)}
    columns = inspect(to_engine(f"duckdb:///{file}")).get_columns("item")
    assert "half" in [column["name"] for column in columns]


@pytest.mark.parametrize(
    ("engine", "facts"),
    [
        ("duckdb", {"precision": 50, "scale": 2}),
        ("mysql", {"precision": 70, "scale": 2}),
        ("mariadb", {"precision": 60, "scale": 35}),
    ],
)
def test_decimals_that_the_target_cannot_hold_are_refused(
    engine: str, facts: dict[str, Any]
) -> None:
    meta = Metadata(dialect="postgresql")
    meta.add_table("t", columns={"c": Column(name="c", kind=ColumnKind.DECIMAL, **facts)})
    url = {
        "duckdb": "duckdb://",
        "mysql": "mysql+pymysql://h/d",
        "mariadb": "mariadb+pymysql://h/d",
    }
    with pytest.raises(ConnectorError, match=r"t\.c .* cannot be kept in .* at most"):
        build_ddl(meta, create_engine(url[engine]).dialect)


def test_what_a_sqlite_column_is_computed_by_is_read_in_any_spelling(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE t (a INTEGER, [b c] TEXT DEFAULT ' AS (1)', `d` AS (a + 1), "
            "\"e\"\"f\" TEXT GENERATED ALWAYS AS (coalesce([b c], ',)', 'x')) VIRTUAL)"
        )
    columns = reflect(engine, None).tables["t"].columns
    assert columns["d"].computed == "a + 1"
    assert columns['e"f'].computed == "coalesce([b c], ',)', 'x')"
    assert columns["b c"].computed is None
