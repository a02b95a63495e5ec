"""Comments stay behind where they are to: on every engine, and nothing else goes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.connectors.registry import spelling
from synthohive.ddl.comments import without_comments
from synthohive.ddl.statements import SchemaDdl, Statement

TEXTS = {
    "sqlite": (
        "CREATE TABLE t ( -- Ada's\n  x TEXT DEFAULT '--no', /* Ada */ \"a--b\" INT)",
        "CREATE TABLE t ( \n  x TEXT DEFAULT '--no',  \"a--b\" INT)",
    ),
    "mysql": (
        "CREATE TABLE `COMMENT 'x'` (\n  `x` enum('COMMENT ''a''','b') COMMENT 'Ada''s \\' x',\n"
        "  KEY `k` (`x`) COMMENT 'Ada'\n) ENGINE=InnoDB COMMENT='Ada, x' /*!50100 PARTITION */",
        "CREATE TABLE `COMMENT 'x'` (\n  `x` enum('COMMENT ''a''','b'),\n"
        "  KEY `k` (`x`)\n) ENGINE=InnoDB /*!50100 PARTITION */",
    ),
}


@pytest.mark.parametrize("family", TEXTS)
def test_only_comments_go(family: str) -> None:
    given, expected = TEXTS[family]
    after = (
        Statement("COMMENT ON TABLE t IS 'Ada'", "t", "comment on TABLE t"),
        Statement("CREATE INDEX i ON t (x)", "t", "index 'i'"),
    )
    bare = without_comments(SchemaDdl({"t": (Statement(given),)}, after=after), spelling(family))
    assert bare.tables["t"][0].sql == expected
    assert [s.sql for s in bare.after] == ["CREATE INDEX i ON t (x)"]


def test_end_to_end(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, -- as Ada Lovelace said\n x INTEGER)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(i, i % 5) for i in range(40)])
    db.close()
    url = f"sqlite:///{tmp_path}/s.db"
    for keep in (True, False):
        synth = Synthesizer.from_database(url, privacy_config=PrivacyConfig(keep_comments=keep))
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        synth.to_database(f"sqlite:///{tmp_path}/{keep}.db", seed=1)
        with sqlite3.connect(tmp_path / f"{keep}.db") as db:
            sql = db.execute("SELECT sql FROM sqlite_master WHERE name = 't'").fetchone()[0]
        db.close()
        assert ("Ada" in sql) == keep
    assert Metadata.from_database(f"sqlite:///{tmp_path}/False.db").tables["t"].pk == ["id"]


def test_end_to_end_on_duckdb(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "s.db")) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER)")
        db.execute("COMMENT ON TABLE t IS 'as Ada said'; COMMENT ON COLUMN t.x IS 'of Ada''s'")
        db.execute("INSERT INTO t SELECT i, i % 5 FROM range(40) r(i)")
    url = f"duckdb:///{tmp_path}/s.db"
    synth = Synthesizer.from_database(url, privacy_config=PrivacyConfig(keep_comments=False))
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1).to_database(schema="bare", seed=1)
    table = Metadata.from_database(url, "bare").tables["t"]
    assert (table.comment, table.columns["x"].comment) == (None, None)
    assert synth.metadata.tables["t"].comment == "as Ada said"
