"""Reading real servers: the contract, and the types that lose values elsewhere."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from synthohive import ConnectorError, SchemaError, Synthesizer
from synthohive.connectors.sql import SqlWarehouse
from synthohive.schema import ColumnKind
from tests.conftest import fresh_schema
from tests.contracts.warehouse import WarehouseContract
from tests.evidence import SERVER, runs

pytestmark = pytest.mark.integration


def warehouse_of(url: str, statements: Any) -> Iterator[SqlWarehouse]:
    """Run statements in a fresh schema and give a warehouse on it."""
    engine = create_engine(url)
    quote = engine.dialect.identifier_preparer.quote_identifier

    def q(name: str) -> str:
        return quote(name).replace("%%", "%")

    with fresh_schema(engine) as schema:
        enter = (
            f"SET search_path = {schema}"
            if engine.dialect.name == "postgresql"
            else f"USE {schema}"
        )
        with engine.begin() as connection:
            plain = connection.execution_options(no_parameters=True)
            for statement in [enter, *statements(q)]:
                plain.exec_driver_sql(statement)
        yield SqlWarehouse(engine, schema)
    engine.dispose()


@runs("PostgreSQL", SERVER)
class TestPostgreSQL(WarehouseContract):
    @pytest.fixture
    def warehouse(self, postgres_url: str) -> Iterator[SqlWarehouse]:
        yield from warehouse_of(postgres_url, self.common_sql)


@runs("MySQL", SERVER)
class TestMySQL(WarehouseContract):
    @pytest.fixture
    def warehouse(self, mysql_url: str) -> Iterator[SqlWarehouse]:
        yield from warehouse_of(mysql_url, self.common_sql)


@runs("MariaDB", SERVER)
class TestMariaDB(WarehouseContract):
    @pytest.fixture
    def warehouse(self, mariadb_url: str) -> Iterator[SqlWarehouse]:
        yield from warehouse_of(mariadb_url, self.common_sql)


def stop(engine: Engine, number: int) -> None:
    """End a session from the server's side, as an idle limit or a restart does."""
    kill = "SELECT pg_terminate_backend({})" if "pg" in engine.driver else "KILL {}"
    with engine.connect() as connection:
        connection.exec_driver_sql(kill.format(number))


@pytest.mark.parametrize("server", ["postgres_url", "mariadb_url"])
def test_what_has_gone_is_named_though_pooled_connections_are_dead(
    server: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    other = create_engine(url)
    for warehouse in warehouse_of(url, lambda _: ["CREATE TABLE t (a int, b int)"]):
        with other.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {warehouse.place('t')} RENAME COLUMN b TO c")
        with warehouse.engine.connect() as one, warehouse.engine.connect() as two:
            whose = "pg_backend_pid()" if "pg" in other.driver else "CONNECTION_ID()"
            dead, _ = (c.exec_driver_sql(f"SELECT {whose}").scalar() for c in (one, two))
        stop(other, dead)  # given back last: over this one, the catalogue is read
        with pytest.raises(ConnectorError, match=r"changed since .*: t\.b is not there"):
            list(warehouse.read("t"))
    other.dispose()


def test_an_unreadable_catalogue_is_told_beside_what_failed(mariadb_url: str) -> None:
    admin, user = create_engine(mariadb_url), f"u{secrets.token_hex(4)}"
    for whole in warehouse_of(mariadb_url, lambda _: ["CREATE TABLE t (a int, b int)"]):
        with admin.begin() as connection:
            connection.exec_driver_sql(f"CREATE USER {user}@'%%' IDENTIFIED BY 'of nobody'")
            connection.exec_driver_sql(f"GRANT SELECT ON {whole.schema}.* TO {user}@'%%'")
        url = make_url(mariadb_url).set(username=user, password="of nobody")
        warehouse = SqlWarehouse(create_engine(url), whole.schema)  # keeps one connection
        with admin.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {whole.place('t')} RENAME COLUMN b TO c")
            connection.exec_driver_sql(f"ALTER USER {user}@'%%' ACCOUNT LOCK")
        with pytest.raises(ConnectorError, match=r"t\.b.*cannot be told: .*locked"):
            list(warehouse.read("t"))
        warehouse.engine.dispose()
        with admin.begin() as connection:
            connection.exec_driver_sql(f"DROP USER {user}@'%%'")
    admin.dispose()


def rows(warehouse: SqlWarehouse, table: str = "t") -> list[dict[str, Any]]:
    return pa.Table.from_batches(list(warehouse.read(table))).to_pylist()


def test_postgresql_types(postgres_url: str) -> None:
    def statements(_: Any) -> list[str]:
        return [
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, u uuid, "
            "raw bytea, tags text[], doc jsonb, span interval, at timestamptz, free numeric, "
            "flag boolean, twice int GENERATED ALWAYS AS (length(flag::text) * 2) STORED, "
            "day date, net inet, x real, clock time)",
            "COMMENT ON TABLE t IS 'odd types'",
            "INSERT INTO t (m, u, raw, tags, doc, span, at, free, flag, day, net, x, clock) VALUES "
            "('ok', '6fa459ea-ee8a-4ca4-894e-db77e160355e', '\\x00ff', '{a,\"b,c\",NULL}', "
            "'{\"k\": [1, null]}', '1 day 02:00:00.5', '2024-01-01 12:00:00+05', 1.23456789012345, "
            "true, 'infinity', '10.0.0.1', 0.1, '23:59:59.25')",
            "INSERT INTO t (m) VALUES (NULL)",
        ]

    for warehouse in warehouse_of(postgres_url, statements):
        table = warehouse.metadata.tables["t"]
        assert table.columns["m"].enum_values == ["sad", "ok"]
        assert table.columns["twice"].computed
        assert table.columns["id"].identity is not None
        assert table.comment == "odd types"
        first, second = rows(warehouse)
        assert "twice" not in first
        assert first["raw"] == b"\x00\xff"
        assert first["tags"] == '["a","b,c",null]'
        assert first["span"] == dt.timedelta(days=1, hours=2, milliseconds=500)
        assert first["at"] == dt.datetime(2024, 1, 1, 7, tzinfo=dt.timezone.utc)
        assert first["free"] == Decimal("1.23456789012345")
        assert first["day"] == dt.date(9999, 12, 30)  # stands for infinity, which is no date
        assert first["clock"] == dt.time(23, 59, 59, 250_000)
        assert (first["flag"], first["net"]) == (True, "10.0.0.1/32")
        assert set(second.values()) == {2, None}


@pytest.mark.parametrize("server", ["mysql_url", "mariadb_url"])
def test_mysql_types(server: str, request: pytest.FixtureRequest) -> None:
    def statements(_: Any) -> list[str]:
        return [
            "SET sql_mode = ''",
            "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, small tinyint(1), "
            "big bigint unsigned, span time(3), day date, kind enum('a', 'b'), raw varbinary(9), "
            "doc json, y year, price decimal(30, 10))",
            "INSERT INTO t VALUES (1, 2, 18446744073709551615, '-700:00:00.5', '0000-00-00', 'b', "
            "x'00ff', '{\"k\": 1}', 2024, 12345678901234567890.0123456789)",
            "INSERT INTO t (id) VALUES (2)",
        ]

    for warehouse in warehouse_of(request.getfixturevalue(server), statements):
        columns = warehouse.metadata.tables["t"].columns
        assert columns["small"].kind is ColumnKind.INTEGER
        assert columns["span"].kind is ColumnKind.INTERVAL
        first, second = rows(warehouse)
        assert (first["small"], first["big"]) == (2, 18446744073709551615)
        assert first["span"] == -dt.timedelta(hours=700, milliseconds=500)
        zero = dt.date(1, 1, 2)  # stands for what is no date
        assert (first["day"], first["kind"], first["raw"]) == (zero, "b", b"\x00\xff")
        assert first["price"] == Decimal("12345678901234567890.0123456789")
        assert [v for k, v in second.items() if k != "id"] == [None] * 9


def test_key_to_another_schema_is_refused_or_left_out(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with fresh_schema(engine) as one, fresh_schema(engine) as two:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE {one}.p (id int PRIMARY KEY)")
            connection.exec_driver_sql(f"CREATE TABLE {two}.c (p int REFERENCES {one}.p)")
        with pytest.raises(SchemaError, match=rf"c\(p\) -> p\(id\).*schema '{one}'"):
            SqlWarehouse(engine, two)
    engine.dispose()


@pytest.mark.parametrize("server", ["postgres_url", "mysql_url"])
def test_unreachable_and_wrong_password_never_show_it(
    server: str, request: pytest.FixtureRequest
) -> None:
    url = make_url(request.getfixturevalue(server))
    secret = "hunter2-é@/:"
    for wrong in (url.set(password=secret), url.set(password=secret, port=1)):
        with pytest.raises(ConnectorError, match="cannot be reached") as caught:
            Synthesizer.from_database(wrong.render_as_string(hide_password=False))
        error: Any = caught.value
        while error is not None:
            assert "hunter2" not in str(error) + repr(error)
            error = error.__cause__
