"""Questions that are answered where the rows are: PostgreSQL, MySQL and MariaDB."""

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
    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, postgres_url: str) -> Iterator[SqlWarehouse]:
        def made(q: Any) -> list[str]:
            collation = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', "
            how = spelling("postgresql")
            return [f"{collation} deterministic = false)", *statements(how, "COLLATE ci")]

        yield from warehouse_of(postgres_url, made)


def in_mysql(dialect: str) -> Iterator[str]:
    """Yield the statements for MySQL, or for MariaDB."""
    ci = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    return statements(spelling(dialect), ci)


@runs("MySQL", SERVER)
class TestMySQL(QuestionsContract):
    # MariaDB is asked each rule alone, in the same SQL; all together, by the test after it.
    test_what_holds_in_a_row_is_proved_where_the_rows_are: Any = None

    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, mysql_url: str) -> Iterator[SqlWarehouse]:
        yield from warehouse_of(mysql_url, lambda q: in_mysql("mysql"))


@runs("MariaDB", SERVER)
class TestMariaDB(QuestionsContract):
    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, mariadb_url: str) -> Iterator[SqlWarehouse]:
        yield from warehouse_of(mariadb_url, lambda q: in_mysql("mariadb"))
