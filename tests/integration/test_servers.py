"""The servers themselves: what the other integration tests take for granted."""

from __future__ import annotations

from typing import Callable

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from tests.conftest import fresh_schema
from tests.integration import servers

pytestmark = pytest.mark.integration


def test_postgres_user_is_superuser(postgres_engine: Engine) -> None:
    with postgres_engine.connect() as connection:
        assert connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))


@pytest.mark.parametrize("fixture", ["mysql_engine", "mariadb_engine"])
def test_mysql_accepts_local_files(fixture: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(fixture)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT @@local_infile")) == 1
    assert make_url(engine.url).query["local_infile"] == "1"


@pytest.mark.parametrize("fixture", ["postgres_engine", "mysql_engine", "mariadb_engine"])
def test_schemas_are_dropped_with_what_extends_their_names(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    engine: Engine = request.getfixturevalue(fixture)
    with fresh_schema(engine) as name, engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {name}.t (id integer PRIMARY KEY)"))
        connection.execute(text(f"CREATE SCHEMA {name}_synthetic"))
    with engine.connect() as connection:
        left = connection.scalars(text("SELECT schema_name FROM information_schema.schemata")).all()
    assert not [schema for schema in left if name in schema]


@pytest.mark.parametrize("start", [servers._postgres_binaries, servers._mariadb_binaries])
def test_local_binaries_start_and_end(start: Callable[[], servers.Server]) -> None:
    try:
        server = start()
    except servers.ServerUnavailable as exc:
        if "not on PATH" in str(exc) and not servers.servers_required():
            pytest.skip(str(exc))
        raise
    engine = create_engine(server.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()
    server.stop()
    with pytest.raises(Exception, match="refused"):
        engine.connect()


def test_a_missing_server_is_told_with_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNTHOHIVE_TEST_POSTGRES_URL", raising=False)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.setattr(servers, "_find", lambda *_: None)
    with pytest.raises(servers.ServerUnavailable) as caught:
        servers.start_postgres()
    for reason in ("SYNTHOHIVE_TEST_POSTGRES_URL is not set", "no Docker API", "initdb is not on"):
        assert reason in str(caught.value)
