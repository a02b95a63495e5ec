"""The stand-in, or a real account, and fresh schemas on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from synthohive.connectors.engines import to_engine
from tests.contracts.engine import Place


@pytest.fixture(scope="session")
def stand_in() -> Iterator[Engine]:
    """Give an engine on fakesnow."""
    pytest.importorskip("fakesnow")
    from tests.snowflake.stand_in import running

    with running() as engine:
        yield engine


@pytest.fixture(scope="session")
def account() -> Iterator[Engine]:
    """Give an engine on a real account, in a database where schemas may be made."""
    url = os.environ.get("SYNTHOHIVE_TEST_SNOWFLAKE_URL")
    if not url:
        pytest.skip("SYNTHOHIVE_TEST_SNOWFLAKE_URL names no account")
    engine = to_engine(url)
    yield engine
    engine.dispose()


def fresh(engine: Engine) -> Iterator[Place]:
    """Give a fresh schema; it and its copy are dropped after."""
    name = f"T{secrets.token_hex(5).upper()}"
    place = Place(engine, name, fold=str.upper)
    place.run(f'CREATE SCHEMA "{name}"')
    yield place
    for left in (name, f"{name}_SYNTHETIC"):
        place.run(f'DROP SCHEMA IF EXISTS "{left}"')


@pytest.fixture
def place(stand_in: Engine) -> Iterator[Place]:
    """Give a fresh schema of the stand-in."""
    yield from fresh(stand_in)
