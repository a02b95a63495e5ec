"""Who logs in, and what errors say of it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, create_engine

from synthohive.connectors.engines import to_engine
from synthohive.connectors.sql import SqlWarehouse
from synthohive.exceptions import ConnectorError
from tests.contracts.engine import Place


def test_a_key_pair_logs_in(stand_in: Engine, place: Place) -> None:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    place.run(f'CREATE TABLE "{place.schema}".T (ID INTEGER NOT NULL PRIMARY KEY)')
    engine = create_engine(
        stand_in.url._replace(password=None).update_query_dict({"role": "R"}),
        connect_args={"private_key": key, "authenticator": "SNOWFLAKE_JWT", "protocol": "http"},
    )
    given: dict[str, Any] = {}

    @sa.event.listens_for(engine, "do_connect")
    def look(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> None:
        given.update(params)

    assert list(SqlWarehouse(engine, place.schema).metadata.tables) == ["T"]
    assert (given["role"], given["warehouse"], given.get("password")) == ("R", "W", None)
    engine.dispose()


def test_a_key_in_a_url_is_refused_and_not_shown() -> None:
    pytest.importorskip("snowflake.sqlalchemy")
    url = "snowflake://ada@acme/DB/SHOP?private_key_file=/keys/ada.p8&private_key_file_pwd=s3cret"
    with pytest.raises(ConnectorError, match="connect_args") as caught:
        to_engine(url).connect()
    assert "ada.p8" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_dead_server_is_named_without_the_password() -> None:
    pytest.importorskip("snowflake.sqlalchemy")
    engine = to_engine("snowflake://ada:s3cret@127.0.0.1:1/DB/SHOP?account=acme&warehouse=W")

    @sa.event.listens_for(engine, "do_connect")
    def briefly(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> None:
        params.update(protocol="http", login_timeout=1)

    with pytest.raises(ConnectorError, match="cannot be reached") as caught:
        SqlWarehouse(engine)
    error: Any = caught.value
    while error is not None:
        assert "s3cret" not in f"{error} {error.args!r}"
        error = error.__cause__


def test_sessions_have_a_tag(stand_in: Engine) -> None:
    tags = []

    @sa.event.listens_for(stand_in, "do_connect")
    def look(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> None:
        tags.append(params["session_parameters"]["QUERY_TAG"])

    try:
        stand_in.pool.recreate().connect().close()
    finally:
        sa.event.remove(stand_in, "do_connect", look)
    assert tags == ["synthohive"]
