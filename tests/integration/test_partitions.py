"""Partitioned tables: read as one, cloned as partitions, with keys that only partitions declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine

from synthohive import Metadata, PrivacyConfig, Synthesizer
from tests.conftest import fresh_schema

pytestmark = pytest.mark.integration
KEEP = PrivacyConfig(pii_strategy="keep", detect_pii=False, k_anonymity_threshold=1)
MONTHS = {"m1": ("2024-01-01", "2024-02-01"), "m2": ("2024-02-01", "2024-03-01")}
POSTGRESQL = (
    "CREATE TABLE customer (id int PRIMARY KEY, region text NOT NULL)",
    "INSERT INTO customer SELECT g, CASE WHEN g %% 3 = 0 THEN 'n' ELSE 's' END "
    "FROM generate_series(1, 50) g",
    # the sample database Pagila has it so: neither key nor primary key at the table itself
    "CREATE TABLE payment (id int NOT NULL, customer_id int NOT NULL, amount numeric(6, 2), "
    "paid timestamptz NOT NULL) PARTITION BY RANGE (paid)",
    *(
        statement
        for name, (start, stop) in MONTHS.items()
        for statement in (
            f"CREATE TABLE pay_{name} PARTITION OF payment FOR VALUES FROM ('{start}') "
            f"TO ('{stop}')",
            f"ALTER TABLE pay_{name} ADD PRIMARY KEY (id)",
            f"ALTER TABLE pay_{name} ADD FOREIGN KEY (customer_id) REFERENCES customer (id)",
            f"CREATE INDEX amount_{name} ON pay_{name} (amount)",
        )
    ),
    "INSERT INTO payment SELECT g, 1 + g %% 50, g %% 9, "
    "timestamptz '2024-01-01 00:00Z' + g * interval '7h' FROM generate_series(0, 199) g",
    "CREATE TABLE event (id int, kind text NOT NULL, n int NOT NULL, PRIMARY KEY (id, kind, n)) "
    "PARTITION BY LIST (kind)",
    "CREATE INDEX event_n ON event (n)",
    "CREATE TABLE event_ab PARTITION OF event FOR VALUES IN ('a', 'b')",
    "CREATE TABLE event_c PARTITION OF event FOR VALUES IN ('c') PARTITION BY RANGE (n)",
    "CREATE TABLE event_c0 PARTITION OF event_c FOR VALUES FROM (0) TO (100)",
    "INSERT INTO event SELECT g, (ARRAY['a', 'b', 'c'])[1 + g %% 3], g %% 100 "
    "FROM generate_series(1, 90) g",
    "CREATE TABLE account (id int PRIMARY KEY, v int) PARTITION BY HASH (id)",
    "CREATE TABLE account_0 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE account_1 PARTITION OF account FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "INSERT INTO account SELECT g, g %% 5 FROM generate_series(1, 60) g",
    "CREATE TABLE entry (id int PRIMARY KEY, account_id int NOT NULL REFERENCES account (id))",
    "INSERT INTO entry SELECT g, 1 + g %% 60 FROM generate_series(1, 120) g",
)
MYSQL = (
    "CREATE TABLE log (id INT NOT NULL, d DATE NOT NULL, k INT NOT NULL, PRIMARY KEY (id, d)) "
    "PARTITION BY RANGE (YEAR(d)) (PARTITION a VALUES LESS THAN (2023), "
    "PARTITION b VALUES LESS THAN (2024))",
    "INSERT INTO log WITH RECURSIVE s (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s "
    "WHERE g < 90) SELECT g, DATE '2022-06-01' + INTERVAL 6 * g DAY, g FROM s",
    "CREATE TABLE part (id INT NOT NULL, k INT NOT NULL, PRIMARY KEY (id, k)) "
    "PARTITION BY LIST (k) (PARTITION a VALUES IN (1, 3), PARTITION b VALUES IN (5))",
    "INSERT INTO part WITH RECURSIVE s (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s "
    "WHERE g < 90) SELECT g, 1 + 2 * (g %% 3) FROM s",
)


def run(connection: Any, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement, ())


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[tuple[Any, str]]:
    engine = create_engine(postgres_url)
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f'SET search_path TO "{schema}"')
            run(connection, POSTGRESQL)
        yield engine, schema
    engine.dispose()


def parts(connection: Any, schema: str) -> list[Any]:
    query = (
        "SELECT c.relname, c.relkind::text, pg_get_expr(c.relpartbound, c.oid), "
        "(SELECT count(*) FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype = 'f'), "
        "(SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) "
        f"FROM pg_class c WHERE c.relnamespace = '{schema}'::regnamespace "
        "AND c.relkind IN ('r', 'p') AND c.relname <> '_synthohive' ORDER BY 1"
    )
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_postgresql_partitions(postgres: tuple[Any, str]) -> None:
    engine, schema = postgres
    metadata = Metadata.from_database(engine, schema)
    payment = metadata.table("payment")
    assert [k.label("payment") for k in payment.foreign_keys] == [
        "payment(customer_id) -> customer(id)"
    ]
    assert payment.pk == ["id"]
    synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    for kind in ("fail", "replace"):  # what the first run made goes away again
        summary = synth.to_database(seed=7, if_exists=kind)
    keys = {check.key.label(check.table): check.enforced for check in summary.keys}
    assert keys["payment(customer_id) -> customer(id)"]
    assert keys["entry(account_id) -> account(id)"]
    with engine.connect() as connection:
        assert parts(connection, summary.schema) == parts(connection, schema)
        for name, least in {"pay_m1": 30, "pay_m2": 30, "event_c0": 8, "account_1": 10}.items():
            query = f'SELECT count(*) FROM "{summary.schema}".{name}'
            assert connection.exec_driver_sql(query).scalar() >= least


@pytest.mark.parametrize("url", ["mysql_url", "mariadb_url"])
def test_mysql_partitions(url: str, request: pytest.FixtureRequest) -> None:
    engine = create_engine(request.getfixturevalue(url))
    with fresh_schema(engine) as schema:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"USE `{schema}`")
            run(connection, MYSQL)
        synth = Synthesizer.from_database(engine, schema, privacy_config=KEEP)
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        made = synth.to_database(seed=7).schema
        with engine.connect() as connection:
            query = (
                "SELECT table_name, partition_name, partition_description "
                "FROM information_schema.partitions WHERE table_schema = '{}' "
                "AND partition_name IS NOT NULL ORDER BY 1, 2"
            )
            found = [
                [tuple(row) for row in connection.exec_driver_sql(query.format(name))]
                for name in (schema, made)
            ]
            assert found[0] == found[1]
            assert len(found[0]) == 4
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM `{made}`.log").scalar()
            assert rows == 90
    engine.dispose()
