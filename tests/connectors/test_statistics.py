"""Questions that are answered where the rows are: SQLite and DuckDB."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from tests.contracts.questions import QuestionsContract, statements
from tests.evidence import SERVER, runs


@runs("SQLite", SERVER)
class TestSQLite(QuestionsContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> SqlWarehouse:
        path = tmp_path / "w.db"
        with sqlite3.connect(path) as db:
            for statement in statements(spelling("sqlite"), "COLLATE NOCASE"):
                db.execute(statement)
        db.close()
        return SqlWarehouse(f"sqlite:///{path}")


@runs("DuckDB", SERVER)
class TestDuckDB(QuestionsContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Any:
        pytest.importorskip("duckdb_sqlalchemy")
        import duckdb

        path = tmp_path / "w.duckdb"
        with duckdb.connect(str(path)) as db:
            for statement in statements(spelling("duckdb"), "COLLATE NOCASE"):
                db.execute(statement)
        return SqlWarehouse(f"duckdb:///{path}")
