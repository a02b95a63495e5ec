"""Questions that are answered where the rows are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from tests.contracts.questions import QuestionsContract, statements
from tests.evidence import STAND_IN, runs
from tests.snowflake.conftest import fresh


@runs("Snowflake", STAND_IN)
class TestQuestions(QuestionsContract):
    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, stand_in: Engine) -> Iterator[SqlWarehouse]:
        for place in fresh(stand_in):
            for sql in statements(spelling("snowflake"), at=f'"{place.schema}".'):
                place.run(sql)
            yield SqlWarehouse(stand_in, place.schema)
