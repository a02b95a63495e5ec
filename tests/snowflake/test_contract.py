"""The user's verbs on Snowflake: on the stand-in, and on a real account where one is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.contracts.engine import EngineContract, Place
from tests.evidence import ACCOUNT, STAND_IN, runs
from tests.snowflake.conftest import fresh


@pytest.mark.slow
@runs("Snowflake", STAND_IN)
class TestStandIn(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, stand_in: Engine) -> Iterator[Place]:
        yield from fresh(stand_in)


@pytest.mark.remote
@runs("Snowflake", ACCOUNT)
class TestAccount(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, account: Engine) -> Iterator[Place]:
        yield from fresh(account)
