"""What only PostgreSQL has: odd indexes, domains, partitions, infinities, open numerics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, create_engine

from synthohive import ConnectorError, Metadata, SchemaError, SchemaValidationError
from synthohive.connectors.special_values import BEFORE, EARLY, FAR
from synthohive.connectors.sql import SqlWarehouse
from synthohive.schema import ColumnKind

pytestmark = pytest.mark.integration


@contextmanager
def warehouse_over(engine: Engine, schema: str, *statements: str) -> Iterator[SqlWarehouse]:
    with engine.begin() as connection:
        plain = connection.execution_options(no_parameters=True)
        for statement in (f"SET LOCAL search_path = {schema}", *statements):
            plain.exec_driver_sql(statement)
    yield SqlWarehouse(engine, schema)


def columns(warehouse: SqlWarehouse, table: str = "t") -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pa.Table.from_batches(list(warehouse.read(table))).to_pydict()
    return found


def test_odd_indexes_keep_their_definition(postgres_engine: Engine, postgres_schema: str) -> None:
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE TABLE t (id int PRIMARY KEY, email text, owner int, main bool, doc jsonb, a int, "
        "CONSTRAINT once UNIQUE (a) INCLUDE (owner))",
        "CREATE UNIQUE INDEX i_lower ON t (lower(email))",
        "CREATE UNIQUE INDEX i_main ON t (owner) WHERE main",
        "CREATE INDEX i_doc ON t USING gin (doc)",
        "CREATE INDEX i_down ON t (a DESC)",
        "CREATE INDEX i_plain ON t (a, owner)",
        "INSERT INTO t VALUES (1, 'a', 7, true, '{}', 1), (2, 'b', 7, false, '{}', 2), "
        "(3, 'c', 7, false, NULL, 3)",
    ) as warehouse:
        table = warehouse.metadata.tables["t"]
    found = {i.name: i for i in table.indexes}
    assert set(found) == {"i_lower", "i_main", "i_doc", "i_down", "i_plain"}
    assert "lower(email)" in str(found["i_lower"].definition)
    assert str(found["i_main"].definition).endswith("WHERE main")
    assert "gin" in str(found["i_doc"].definition)
    assert found["i_plain"].definition is None
    assert found["i_plain"].columns == ["a", "owner"]
    # Unique over some rows says nothing of all rows, unless the rows bear it out.
    assert found["i_main"].columns == []
    assert found["i_lower"].columns == ["email"]
    assert table.unique_sets == [("id",), ("a",), ("email",)]


def test_domains_enums_and_unnamed_types(postgres_engine: Engine, postgres_schema: str) -> None:
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 0)",
        "CREATE TYPE colour AS ENUM ('red', 'it''s')",
        "CREATE TABLE t (p positive, c colour, x xml, m money, b bit(3), o oid, "
        "v tsvector GENERATED ALWAYS AS (to_tsvector('simple', 'x')) STORED)",
        "INSERT INTO t VALUES (1, 'it''s', '<a/>', 1234.56, B'101', 4294967295)",
        "CREATE TABLE u (n int, at point, odd txid_snapshot)",
    ) as warehouse:
        metadata = warehouse.metadata
    table = metadata.tables["t"]
    assert (table.columns["p"].kind, table.columns["p"].nullable) == (ColumnKind.INTEGER, False)
    assert [c.sqltext for c in table.checks] == ['"p" > 0']
    assert table.columns["c"].enum_values == ["red", "it's"]
    got = {name: values[0] for name, values in columns(warehouse).items()}
    assert got == {
        "p": 1, "c": "it's", "x": "<a/>", "m": Decimal("1234.56"), "b": "101", "o": 4294967295
    }  # fmt: skip
    assert metadata.tables["u"].exclude_columns == ["odd"]
    assert metadata.tables["u"].columns["at"].kind == ColumnKind.POINT
    assert metadata.tables["u"].columns["at"].sql_type == "point"
    metadata.validate_schema()


def test_rows_of_partitions_are_read_once(postgres_engine: Engine, postgres_schema: str) -> None:
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE TABLE t (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
        "CREATE TABLE t_20 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2030-01-01')",
        "INSERT INTO t VALUES (1, '2024-01-01')",
        "CREATE VIEW v AS SELECT * FROM t",
    ) as warehouse:
        assert list(warehouse.metadata.tables) == ["t"]
        assert warehouse.count("t") == 1


def test_numerics(postgres_engine: Engine, postgres_schema: str) -> None:
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE TABLE t (open numeric, neg numeric(2, -3), wide numeric(100, 2), "
        "tiny numeric(2, 4), x float8, y real)",
        "INSERT INTO t VALUES ('NaN', 12345, 5.25, 0.0012, 'NaN', 0.1), "
        "('-Infinity', NULL, NULL, NULL, 'Infinity', NULL), "
        "(123456789012345678901234567890.123456789012, NULL, NULL, NULL, 0.1, 16777217)",
    ) as warehouse:
        got = columns(warehouse)
    assert got["open"] == [None, None, Decimal("123456789012345678901234567890.123456789012")]
    assert [got[c][0] for c in ("neg", "wide", "tiny")] == [
        Decimal(12000), Decimal("5.25"), Decimal("0.0012"),
    ]  # fmt: skip
    assert str(got["x"]) == "[nan, inf, 0.1]"
    assert got["y"] == [pa.scalar(0.1, pa.float32()).as_py(), None, 16777216.0]
    wide = "1" * 70 + "." + "1" * 20
    with (
        warehouse_over(
            postgres_engine, postgres_schema, f"CREATE TABLE w AS SELECT {wide}::numeric AS n"
        ) as warehouse,
        pytest.raises(SchemaValidationError, match=r"w\.n.*values of 90 digits"),
    ):
        warehouse.metadata.validate_schema()


def test_null_is_not_the_empty_string(postgres_engine: Engine, postgres_schema: str) -> None:
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE TABLE t (a text)",
        "INSERT INTO t VALUES (NULL), (''), (E'x\\n\\n,\"y\"'), ('\\N'), ('NULL'), (NULL)",
    ) as warehouse:
        got = columns(warehouse)["a"]
    assert sorted(map(repr, got)) == sorted(map(repr, [None, "", 'x\n\n,"y"', "\\N", "NULL", None]))


def test_moments(postgres_engine: Engine, postgres_schema: str) -> None:
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE TABLE t (d date, at timestamp, span interval, clock timetz)",
        "INSERT INTO t VALUES ('infinity', '-infinity', '1 mon -1 day', '12:30+05'), "
        "('0001-01-01', '9999-12-31 23:59:59.999999', '-00:00:00.000001', NULL)",
        "CREATE TABLE bc (id int, d date)",
        "INSERT INTO bc VALUES (1, '0044-03-15 BC')",
        "CREATE TABLE long (span interval)",
        "INSERT INTO long VALUES ('-400000 years'), ('400000 years')",
    ) as warehouse:
        got = columns(warehouse)
        assert [str(v) for v in got["d"]] == [str(FAR.date()), "0001-01-01"]
        assert [str(v) for v in got["at"]] == [str(EARLY), "9999-12-31 23:59:59.999999"]
        assert [v.total_seconds() for v in got["span"]] == [29 * 86400, -0.000001]
        assert str(got["clock"][0]) == "12:30:00"
        assert columns(warehouse, "bc")["d"] == [BEFORE.date()]
        spans = pa.Table.from_batches(warehouse.read("long")).column("span").cast(pa.int64())
        assert [value / 1e6 for value in spans.to_pylist()] == [-9223372036000, 9223372036000]


def test_refused_tables_and_lost_snapshots(postgres_engine: Engine, postgres_schema: str) -> None:
    role = f"r{postgres_schema}"
    with warehouse_over(
        postgres_engine,
        postgres_schema,
        "CREATE TABLE t (id int)",
        f"CREATE ROLE {role} LOGIN PASSWORD 'hunter2'",
        f"GRANT USAGE ON SCHEMA {postgres_schema} TO {role}",
    ) as warehouse:
        poor = create_engine(postgres_engine.url.set(username=role, password="hunter2"))
        try:
            refused = SqlWarehouse(poor, postgres_schema)
            assert "hunter2" not in repr(refused)
            with pytest.raises(ConnectorError, match=r"'t' could not be read: permission denied"):
                list(refused.read("t"))
            with pytest.raises(ConnectorError, match="permission denied"):
                refused.count("t")
        finally:
            poor.dispose()
            with postgres_engine.begin() as connection:
                connection.exec_driver_sql(f"DROP OWNED BY {role}; DROP ROLE {role}")
        with pytest.raises(SchemaError, match="no schema"):
            SqlWarehouse(postgres_engine, "nowhere")
        assert warehouse.count("t") == 0


def test_url_without_driver(postgres_url: str, postgres_schema: str) -> None:
    plain = "postgresql://" + postgres_url.split("://", 1)[1]
    with pytest.raises(SchemaError, match="has no tables"):
        Metadata.from_database(plain, postgres_schema)


def test_parents_in_another_schema_are_not_confused(
    postgres_engine: Engine, postgres_schema: str
) -> None:
    """A schema on the search path is left out of the key's definition."""
    parent = f"p{postgres_schema}"
    try:
        with postgres_engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE public.{parent} (id int PRIMARY KEY)")
            connection.exec_driver_sql(
                f"CREATE TABLE {postgres_schema}.{parent} (id int PRIMARY KEY);"
                f"CREATE TABLE {postgres_schema}.c (p int REFERENCES public.{parent})"
            )
        with pytest.raises(SchemaError, match=rf"c\(p\) -> {parent}\(id\).*schema 'public'"):
            Metadata.from_database(postgres_engine, postgres_schema)
        kept = Metadata.from_database(postgres_engine, postgres_schema, drop_outside_keys=True)
        assert list(kept.foreign_keys()) == []
        assert list(Metadata.from_database(postgres_engine, tables=[parent]).tables) == [parent]
    finally:
        with postgres_engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS public.{parent} CASCADE")
