"""Who logs in, and what errors say of it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, create_engine

from synthohive.connectors.engines import to_engine
from synthohive.connectors.sql import SqlWarehouse
from synthohive.exceptions import ConnectorError
from tests.contracts.engine import Place
from tests.contracts.killed import write_row
from tests.contracts.refusing import refusing
from tests.evidence import STAND_IN, feature, runs

served = pytest.importorskip("tests.snowflake.stand_in", exc_type=ImportError)
pytestmark = runs("Snowflake", STAND_IN)


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


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        ("390100", "Incorrect username or password was specified.", "credentials"),
        ("390144", "JWT token is invalid. [1]", "RSA_PUBLIC_KEY"),
        ("390189", "Role 'R' specified in the connect string does not exist or not authorized.",
         "role=NAME"),
        ("390201", "The requested warehouse does not exist or not authorized.", "warehouse=NAME"),
    ],
)  # fmt: skip
@feature("missing rights are named")
def test_a_refused_login_is_said_with_what_to_do(code: str, said: str, hint: str) -> None:
    pytest.importorskip("snowflake.sqlalchemy")
    with refusing() as server:
        server.status = 200
        server.answer = {"success": False, "code": code, "message": said, "data": {}}
        url = f"snowflake://ada:s3cret@127.0.0.1:{server.port}/DB/SHOP?account=acme&role=R"
        with served.engine_of(url) as engine, pytest.raises(ConnectorError, match=hint) as caught:
            SqlWarehouse(engine)
    assert said.rstrip(".") in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"private_key_file": "/nowhere/ada.p8"}, "No such file"),
        ({"private_key_file": __file__, "private_key_file_pwd": "s3cret"}, "RSA_PUBLIC_KEY"),
    ],
)
def test_a_key_that_cannot_be_read_is_an_error_of_ours(settings: dict[str, str], said: str) -> None:
    pytest.importorskip("snowflake.sqlalchemy")
    engine = create_engine(
        "snowflake://ada@acme/DB/SHOP?account=acme",
        connect_args={**settings, "authenticator": "SNOWFLAKE_JWT", "login_timeout": 1},
    )
    with pytest.raises(ConnectorError, match=f"(?i){said}") as caught:
        SqlWarehouse(engine)
    assert not re.search(r"s3cret|ada\.p8", "".join(traceback.format_exception(caught.value)))


READS = r"SELECT .* FROM .*T\b"
REFUSALS = [
    (READS, 3001, "SQL access control error:\nInsufficient privileges to operate on "
     "table 'T'", "read", "GRANT SELECT ON TABLE T"),
    ("INFORMATION_SCHEMA", 90105, "Cannot perform SELECT. This session does not have a current "
     "database. Call 'USE DATABASE', or use a qualified name.", "describe", "/DATABASE/SCHEMA"),
    (READS, 606, "No active warehouse selected in the current session.", "read",
     "warehouse=NAME"),
    (READS, 90073, "Warehouse 'W' cannot be resumed because resource monitor 'M' "
     "has exceeded its quota.", "read", "credit quota"),
    (READS, 100038, "Numeric value 'Ada' is not recognized", "read", "exclude="),
    (READS, 100071, 'Failed to cast variant value "Ada" to FIXED', "read",
     "exclude="),
    (READS, 100046, "Number out of representable range: type FIXED, value 4711",
     "read", "exclude="),
    ("CREATE SCHEMA", 3001, "SQL access control error:\nInsufficient privileges to operate on "
     "database 'TEST'", "write", "GRANT CREATE SCHEMA ON DATABASE TEST"),
    ("COPY INTO", 90073, "Warehouse 'W' cannot be resumed because resource monitor 'M' has "
     "exceeded its quota.", "write", "credit quota"),
    ("ALTER SCHEMA", 3001, "SQL access control error:\nInsufficient privileges to operate on "
     "schema 'T_SYNTHETIC'", "write", "GRANT OWNERSHIP ON SCHEMA T_SYNTHETIC"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "number", "said", "doing", "hint"), REFUSALS)
@feature("missing rights are named")
def test_what_the_server_refuses_is_said_with_what_to_do_and_no_value(
    place: Place, sql: str, number: int, said: str, doing: str, hint: str
) -> None:
    place.run(f'CREATE TABLE "{place.schema}".T (ID INTEGER)')
    place.run(f'INSERT INTO "{place.schema}".T VALUES (1)')
    warehouse = SqlWarehouse(place.engine, place.schema)
    target = f"{place.schema}_SYNTHETIC"
    does: dict[str, Callable[[], Any]] = {
        "describe": lambda: SqlWarehouse(place.engine, place.schema),
        "read": lambda: list(warehouse.read("T")),
        "write": lambda: write_row(place.engine, target, 1),
    }
    served.REFUSED.append((sql, number, said))
    try:
        with pytest.raises(ConnectorError) as caught:
            does[doing]()
    finally:
        served.REFUSED.clear()
    assert hint in str(caught.value)
    assert doing != "read" or "'T'" in str(caught.value)
    assert not {"Ada", "4711"} & set(re.findall(r"\w+", _told(caught.value)))
    left = place.rows("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA")
    assert not [name for (name,) in left if str(name).startswith(target)]


def _told(error: BaseException) -> str:
    """Return what a traceback shows, without the lines of code in it."""
    return "".join(traceback.TracebackException.from_exception(error).format_exception_only()) + (
        _told(error.__cause__) if error.__cause__ is not None else ""
    )
