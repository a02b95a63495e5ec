"""Questions that are answered where the rows are: PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from tests.contracts.questions import QuestionsContract, statements
from tests.evidence import SERVER, runs
from tests.integration.test_reading import warehouse_of

pytestmark = pytest.mark.integration


@runs("PostgreSQL", SERVER)
class TestPostgreSQL(QuestionsContract):
    @pytest.fixture
    def warehouse(self, postgres_url: str) -> Iterator[SqlWarehouse]:
        def made(q: Any) -> list[str]:
            collation = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', "
            how = spelling("postgresql")
            return [f"{collation} deterministic = false)", *statements(how, "COLLATE ci")]

        yield from warehouse_of(postgres_url, made)


@runs("MariaDB", SERVER)
class TestMariaDB(QuestionsContract):
    @pytest.fixture
    def warehouse(self, mariadb_url: str) -> Iterator[SqlWarehouse]:
        def made(q: Any) -> Iterator[str]:
            ci = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
            return statements(spelling("mariadb"), ci)

        yield from warehouse_of(mariadb_url, made)
