"""Writing on a real PostgreSQL: the common contract, exact types, and the swap."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.writer import Writer
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata
from tests.contracts.writer import (
    ODD,
    ORIGIN,
    Place,
    ServerWriterContract,
    default_target,
    described,
    orphan_free,
    rows,
    staged,
    write,
)
from tests.evidence import SERVER, runs

ALL_TYPES = """
SET LOCAL search_path = {schema}, public;
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"');
CREATE DOMAIN positive AS integer DEFAULT 1 CHECK (VALUE > 0);
CREATE SEQUENCE shared AS integer START 5 INCREMENT 3;
CREATE TABLE kinds (
    id integer GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10) PRIMARY KEY,
    old serial, low smallint DEFAULT 7, big bigint DEFAULT nextval('shared'),
    exact numeric(30, 10), wide numeric, part real, whole double precision,
    yes boolean DEFAULT true, feeling mood DEFAULT 'sad', count positive,
    day date, clock time(3), local timestamp(3), instant timestamptz DEFAULT now(), span interval,
    key uuid, doc jsonb, raw_doc json, ints integer[], words text[], bytes bytea,
    code char(5), name varchar(20) COLLATE "C" NOT NULL DEFAULT 'x''y', notes text,
    twice integer GENERATED ALWAYS AS (low * 2) STORED, addr inet,
    CONSTRAINT "low is low" CHECK (low < 100 AND name <> ''),
    CONSTRAINT kinds_once UNIQUE (name, day) DEFERRABLE
);
CREATE INDEX kinds_lower ON kinds (lower(name) text_pattern_ops) WHERE low > 3;
CREATE UNIQUE INDEX kinds_key ON kinds USING btree (key) INCLUDE (day);
COMMENT ON TABLE kinds IS 'All ''kinds''';
COMMENT ON COLUMN kinds.low IS 'back\\slash';
"""

OWN_TYPES = """
SET LOCAL search_path = {schema}, public;
CREATE FUNCTION plain(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(trim(t))';
CREATE FUNCTION "A plain" (t text) RETURNS text LANGUAGE plpgsql IMMUTABLE
    AS 'BEGIN RETURN plain(t) || chr(33); END';
CREATE FUNCTION gap(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT a - b';
CREATE FUNCTION coded() RETURNS text LANGUAGE sql AS 'SELECT md5(random()::text)';
CREATE FUNCTION never_called() RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE COLLATION german (provider = icu, locale = 'de', deterministic = false);
CREATE TYPE holder AS (name text);
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TYPE holder ADD ATTRIBUTE feeling mood;
CREATE FUNCTION is_fine(m mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT m = m';
CREATE TYPE "Place" AS (street text COLLATE german, "the holder" holder, tags text[],
    w numeric(5,2));
CREATE DOMAIN plainly AS text DEFAULT plain('X') CHECK (plain(VALUE) = VALUE);
CREATE DOMAIN moods AS mood[];
CREATE DOMAIN home AS "Place";
CREATE DOMAIN inner_home AS home;
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = gap);
CREATE DOMAIN span AS int4range CHECK (lower(VALUE) > 0);
CREATE TABLE typed (
    id integer PRIMARY KEY, m mood NOT NULL DEFAULT 'sad', list mood[], md moods, place "Place",
    places "Place"[], hm inner_home, f floats, fs floats_multirange, sp span, pl plainly,
    name text COLLATE german, code text DEFAULT coded(),
    low text GENERATED ALWAYS AS ("A plain"(name)) STORED,
    other mood GENERATED ALWAYS AS (CASE WHEN id > 1 THEN 'sad'::mood ELSE 'happy' END) STORED,
    CHECK (is_fine(m)), CHECK (("place")."the holder" IS NOT NULL));
CREATE INDEX typed_name ON typed ("A plain"(name)) WHERE m <> 'sad';
CREATE INDEX typed_street ON typed (((place).street), (m IS NULL));
INSERT INTO typed (id, m, list, md, place, places, hm, sp, pl, name, code)
    SELECT i, 'happy', '{{sad}}', '{{happy}}', p, ARRAY[p], p, int4range(i, i + 3), 'x', ' N', 'c'
    FROM generate_series(1, 2) i,
        (SELECT ROW('s', ROW('n', 'sad')::holder, '{{t}}', 1.5)::"Place") q (p);
"""

COLUMNS = """
SELECT column_name, ordinal_position, replace(column_default, %(schema)s || '.', ''), is_nullable,
       data_type, character_maximum_length, numeric_precision, numeric_scale, datetime_precision,
       collation_name, domain_name, udt_name, is_identity, identity_generation, identity_start,
       identity_increment, identity_maximum, is_generated, generation_expression
FROM information_schema.columns WHERE table_schema = %(schema)s AND table_name <> '_synthohive'
ORDER BY table_name, ordinal_position"""

CONSTRAINTS = """
SELECT conname, contype, replace(pg_get_constraintdef(o.oid), %(schema)s || '.', '')
FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
WHERE nspname = %(schema)s AND contype <> 'n' ORDER BY conname"""

INDEXES = """
SELECT indexname, replace(indexdef, %(schema)s || '.', '') FROM pg_indexes
WHERE schemaname = %(schema)s ORDER BY indexname"""

COMMENTS = """
SELECT c.relname, d.objsubid, d.description FROM pg_description d
JOIN pg_class c ON c.oid = d.objoid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE nspname = %(schema)s ORDER BY 1, 2"""

KINDS: dict[str, tuple[ColumnKind, pa.DataType, Any]] = {
    "id": (ColumnKind.INTEGER, pa.int32(), [500, 510]),
    "old": (ColumnKind.INTEGER, pa.int32(), [40, 41]),
    "low": (ColumnKind.INTEGER, pa.int16(), [5, None]),
    "big": (ColumnKind.INTEGER, pa.int64(), [2**31 - 10, -(2**63)]),
    "exact": (
        ColumnKind.DECIMAL,
        pa.decimal128(30, 10),
        [Decimal("12345678901234567890.0123456789"), None],
    ),
    "wide": (ColumnKind.DECIMAL, pa.decimal128(38, 10), [Decimal("-0.5"), Decimal(1)]),
    "part": (ColumnKind.FLOAT, pa.float32(), [0.1, float("inf")]),
    "whole": (ColumnKind.FLOAT, pa.float64(), [0.1, float("nan")]),
    "yes": (ColumnKind.BOOLEAN, pa.bool_(), [False, None]),
    "feeling": (ColumnKind.CATEGORICAL, pa.string(), ['it\'s "ok"', None]),
    "count": (ColumnKind.INTEGER, pa.int32(), [3, None]),
    "day": (ColumnKind.DATE, pa.date32(), [date.max, date.min]),
    "clock": (ColumnKind.TIME, pa.time64("us"), [time(23, 59, 59, 123_000), None]),
    "local": (
        ColumnKind.TIMESTAMP,
        pa.timestamp("us"),
        [datetime(2024, 2, 29, 12, 0, 0, 123_000), None],
    ),
    "instant": (ColumnKind.TIMESTAMP, pa.timestamp("us", "UTC"), [datetime(2024, 2, 29, 12), None]),
    "span": (ColumnKind.INTERVAL, pa.duration("us"), [90_000_000_001, -1]),
    "key": (ColumnKind.UUID, pa.string(), ["00000000-0000-4000-8000-000000000001", None]),
    "doc": (ColumnKind.JSON, pa.string(), ['{"a": "q\\"\\n"}', "null"]),
    "raw_doc": (ColumnKind.JSON, pa.string(), ['[1,  "ü"]', None]),
    "ints": (ColumnKind.ARRAY, pa.string(), ["[1, null]", "[]"]),
    "words": (ColumnKind.ARRAY, pa.string(), ['["a\\"b", "{c,\\\\d}", null, ""]', None]),
    "bytes": (ColumnKind.BINARY, pa.binary(), [b"\x00\xff,\n", b""]),
    "code": (ColumnKind.TEXT, pa.string(), ["abc  ", None]),
    "name": (ColumnKind.TEXT, pa.string(), ["\\N", 'a,"b"\r\n']),
    "notes": (ColumnKind.TEXT, pa.string(), ["", None]),
    "addr": (ColumnKind.TEXT, pa.string(), ["10.0.0.1", None]),
}


def kinds() -> tuple[Metadata, pa.Table]:
    """Describe the table of all types, and give two rows for it."""
    meta = Metadata(dialect="postgresql")
    columns, arrays = [], {}
    for name, (kind, type_, values) in KINDS.items():
        columns.append(Column(name=name, kind=kind, arrow=str(type_), timezone=name == "instant"))
        arrays[name] = pa.array(values, type_)
    columns.append(Column(name="twice", kind=ColumnKind.INTEGER, computed="low * 2"))
    meta.add_table("kinds", "id", columns=described(*columns))
    return meta, pa.table(arrays)


@runs("PostgreSQL", SERVER)
class TestPostgresqlWriter(ServerWriterContract):
    @pytest.fixture
    def place(self, postgres_engine: Engine, postgres_schema: str) -> Iterator[Place]:
        return Place(postgres_engine, postgres_schema, f"{postgres_schema}_synthetic")

    def leftovers(self, place: Place) -> list[str]:
        names = sa.inspect(place.engine).get_schema_names()
        return [n for n in names if n.startswith(f"{place.target}__synthohive_")]

    def make_foreign(self, place: Place) -> None:
        with place.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {place.target}")
            connection.exec_driver_sql(f"CREATE TABLE {place.target}.theirs (x int)")

    def test_default_target(self, place: Place) -> None:
        assert default_target(place.engine, place.schema) == place.target

    def test_every_type_is_cloned(self, place: Place) -> None:
        assert place.schema is not None
        meta, table = kinds()
        with place.engine.begin() as connection:
            connection.exec_driver_sql(ALL_TYPES.format(schema=place.schema))
        writer = open_writer(
            place.engine,
            meta,
            target_schema=place.target,
            source_schema=place.schema,
            provenance=ORIGIN,
        )
        write(writer, {"kinds": table})
        with place.engine.begin() as connection:
            for query in (COLUMNS, CONSTRAINTS, INDEXES, COMMENTS):
                source, target = (
                    connection.exec_driver_sql(query, {"schema": schema}).all()
                    for schema in (place.schema, place.target)
                )
                assert target == source
            row = connection.exec_driver_sql(
                f"INSERT INTO {place.target}.kinds (name) VALUES ('n') "
                "RETURNING id, old, big, feeling::text, name"
            ).one()
            assert tuple(row) == (520, 42, 2**31 - 7, "sad", "n")
            # The clone stands on its own: nothing in it refers to the source schema.
            connection.exec_driver_sql(f"DROP SCHEMA {place.schema} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {place.schema}")
            connection.exec_driver_sql(f"SELECT * FROM {place.target}.kinds")

    def test_every_value_arrives(self, place: Place) -> None:
        meta, table = kinds()
        with place.engine.begin() as connection:
            connection.exec_driver_sql(ALL_TYPES.format(schema=place.schema))
        writer = open_writer(
            place.engine,
            meta,
            target_schema=place.target,
            source_schema=place.schema,
            provenance=ORIGIN,
        )
        write(writer, {"kinds": table})
        names = ", ".join(f"{name}::text" for name in KINDS)
        with place.engine.connect() as connection:
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
            first, second = connection.exec_driver_sql(
                f"SELECT {names} FROM {place.target}.kinds ORDER BY id"
            ).all()
        given = dict(zip(KINDS, first))
        assert given["exact"] == "12345678901234567890.0123456789"
        assert given["part"] == given["whole"] == "0.1"
        assert (given["yes"], given["feeling"]) == ("false", 'it\'s "ok"')
        assert (given["day"], given["clock"]) == ("9999-12-31", "23:59:59.123")
        assert given["local"] == "2024-02-29 12:00:00.123"
        assert given["instant"] == "2024-02-29 12:00:00+00"
        assert given["span"] == "25:00:00.000001"
        assert given["doc"] == '{"a": "q\\"\\n"}'
        assert given["ints"] == "{1,NULL}"
        assert given["words"] == '{"a\\"b","{c,\\\\d}",NULL,""}'
        assert given["bytes"] == "\\x00ff2c0a"
        assert (given["name"], given["notes"]) == ("\\N", "")
        last = dict(zip(KINDS, second))
        assert (last["part"], last["whole"], last["wide"]) == ("Infinity", "NaN", "1.0000000000")
        assert (last["name"], last["notes"], last["bytes"]) == ('a,"b"\r\n', None, "\\x")
        assert (last["ints"], last["words"], last["doc"]) == ("{}", None, "null")

    def test_own_types_and_called_functions_come_along(self, place: Place) -> None:
        """Nothing in the copy is the source's, whatever the order in which it was made."""
        with place.engine.begin() as connection:
            connection.exec_driver_sql(OWN_TYPES.format(schema=place.schema))
        source = SqlWarehouse(place.engine, place.schema)
        meta = source.metadata
        assert meta.table("typed").exclude_columns == ["f", "fs"]
        writer = open_writer(
            place.engine,
            meta,
            target_schema=place.target,
            source_schema=place.schema,
            provenance=ORIGIN,
        )
        write(writer, {"typed": pa.Table.from_batches(source.read("typed"))})
        called = ("A plain", "coded", "gap", "is_fine", "plain")
        assert sorted(writer.objects()) == [
            ("collations", "german"),
            *(("functions and procedures", name) for name in called),
        ]
        queries = (COLUMNS, CONSTRAINTS, INDEXES, "SELECT * FROM {s}.typed ORDER BY id")
        source_facts, copy = (
            [self.facts(place, query, schema) for query in queries]
            for schema in (place.schema, place.target)
        )
        assert copy == source_facts
        with place.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {place.schema} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {place.schema}")
        assert [self.facts(place, query, place.target) for query in queries] == copy

    @staticmethod
    def facts(place: Place, query: str, schema: Any) -> list[tuple[str, ...]]:
        with place.engine.connect() as connection:
            rows = connection.exec_driver_sql(query.replace("{s}", schema), {"schema": schema})
            return [tuple(str(v).replace(f"{schema}.", "") for v in row) for row in rows]

    def test_public_stays_with_its_extensions(self, place: Place) -> None:
        """A default schema is filled, not exchanged."""
        other = f"{place.schema}_db"
        admin = place.engine.execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {other}")
        engine = sa.create_engine(place.engine.url.set(database=other))
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql("GRANT CREATE ON SCHEMA public TO PUBLIC")
                connection.exec_driver_sql("CREATE EXTENSION citext")
                before = connection.exec_driver_sql(
                    "SELECT oid, nspacl::text FROM pg_namespace WHERE nspname = 'public'"
                ).one()
            for mode in ("fail", "replace", "replace_foreign"):
                writer = open_writer(
                    None,
                    Metadata.from_json(_small()),
                    target_engine=engine,
                    provenance=ORIGIN,
                    if_exists=mode,  # type: ignore[arg-type]
                    replace_foreign="public" if mode == "replace_foreign" else None,
                )
                write(writer, {"t": pa.table({"id": [1, 2]})})
            with engine.begin() as connection:
                after = connection.exec_driver_sql(
                    "SELECT oid, nspacl::text FROM pg_namespace WHERE nspname = 'public'"
                ).one()
                assert after == before
                kept = "SELECT 1 FROM pg_extension WHERE extname = 'citext'"
                assert connection.exec_driver_sql(kept).scalar() == 1
                query = "SELECT count(*) FROM public.t"
                assert connection.exec_driver_sql(query).scalar() == 2
            assert self.leftovers(Place(engine, None, "public")) == []
        finally:
            engine.dispose()
            with admin.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {other} WITH (FORCE)")

    def test_a_crash_is_cleaned_up_by_the_next_run(self, shop_place: Place) -> None:
        crashed = self.writer(shop_place)
        crashed.load("customers", rows()["customers"].to_batches())
        with pytest.raises(ConnectorError, match="Another run"):
            self.writer(shop_place)
        staged(crashed)._connection.close()
        assert len(self.leftovers(shop_place)) == 1
        write(self.writer(shop_place), rows())
        assert self.leftovers(shop_place) == []

    def test_lost_connection_leaves_nothing(self, shop_place: Place) -> None:
        writer = self.writer(shop_place)
        writer.load("customers", rows()["customers"].to_batches())
        pid = staged(writer)._connection.info.backend_pid
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(ConnectorError):
            writer.load("orders", rows()["orders"].to_batches())
        assert self.leftovers(shop_place) == []
        assert self.names(shop_place) == set()

    def test_two_tables_are_loaded_at_once(self, shop_place: Place) -> None:
        """Over two connections; what the second one meets leaves nothing, either."""
        data = rows()

        def between(writer: Writer) -> Iterator[pa.RecordBatch]:
            first, *rest = data["orders"].to_batches(max_chunksize=1)
            yield first
            assert writer.fill("customers", data["customers"].to_batches()) == 3
            yield from rest

        with self.writer(shop_place) as writer:
            assert writer.fill("orders", between(writer)) == 2
            assert orphan_free(write(writer, {n: data[n] for n in ("order_items", ODD)}))
        assert [id_ for id_, *_ in self.fetch(shop_place, "customers", "id")] == [1, 2, 9]
        with self.writer(shop_place, if_exists="replace") as writer:
            writer.fill("orders", between(writer))
            (second,) = writer._further
            with shop_place.engine.begin() as connection:
                pid = second._connection.info.backend_pid
                connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            with pytest.raises(ConnectorError, match="connection was lost"):
                second.load("order_items", data["order_items"].to_batches())
        assert self.leftovers(shop_place) == []
        assert len(self.fetch(shop_place, "customers", "id")) == 3

    def test_user_without_rights_is_refused_at_once(self, shop_place: Place) -> None:
        role = f"{shop_place.schema}_reader"
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'hunter2'")
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {shop_place.schema} TO {role}")
        poor = sa.create_engine(shop_place.engine.url.set(username=role, password="hunter2"))
        try:
            with pytest.raises(ConnectorError, match="may not create schemas") as caught:
                self.writer(Place(poor, shop_place.schema, shop_place.target))
            assert "hunter2" not in str(caught.value)
        finally:
            poor.dispose()
            with shop_place.engine.begin() as connection:
                connection.exec_driver_sql(f"DROP OWNED BY {role}")
                connection.exec_driver_sql(f"DROP ROLE {role}")

    def test_read_only_servers_are_refused_at_once(self, shop_place: Place) -> None:
        engine = sa.create_engine(
            shop_place.engine.url,
            connect_args={"options": "-c default_transaction_read_only=on"},
        )
        with pytest.raises(ConnectorError, match="is read-only"):
            self.writer(Place(engine, shop_place.schema, shop_place.target))
        engine.dispose()

    def test_the_source_is_refused_under_another_spelling(self, shop_place: Place) -> None:
        url = shop_place.engine.url
        other = "127.0.0.1" if url.host == "localhost" else "localhost"
        engine = sa.create_engine(url.set(host=other))
        with pytest.raises(ConnectorError, match="source itself"):
            self.writer(
                shop_place,
                target_schema=shop_place.schema,
                target_engine=engine,
                if_exists="replace",
            )
        engine.dispose()

    def test_a_refused_value_is_nowhere_in_what_is_raised(self, shop_place: Place) -> None:
        twice = rows()["customers"].take([0, 1, 1])  # below the message, the server names the key
        with pytest.raises(ConnectorError, match="could not create unique index") as caught:
            write(self.writer(shop_place), rows(customers=twice))
        told = traceback.format_exception(caught.type, caught.value, caught.tb)
        assert "DETAIL" not in "".join(told)

    def test_names_of_63_bytes(self, place: Place) -> None:
        target = "é" * 31 + "x"
        meta = Metadata.from_json(_small())
        with place.engine.begin() as connection:
            connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{target}" CASCADE')
            connection.exec_driver_sql(f"CREATE TABLE {place.schema}.t (id bigint PRIMARY KEY)")
        for mode in ("fail", "replace"):
            writer = open_writer(
                place.engine,
                meta,
                target_schema=target,
                source_schema=place.schema,
                provenance=ORIGIN,
                if_exists=mode,  # type: ignore[arg-type]
            )
            write(writer, {"t": pa.table({"id": [1, 2]})})
        with place.engine.begin() as connection:
            connection.exec_driver_sql(f'DROP SCHEMA "{target}" CASCADE')
        with pytest.raises(ConnectorError, match="longer than 63"):
            open_writer(place.engine, meta, target_schema=target + "y", provenance=ORIGIN)

    def test_readers_never_see_a_missing_schema(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        stop, seen = threading.Event(), []

        def read() -> None:
            with shop_place.engine.execution_options(
                isolation_level="AUTOCOMMIT"
            ).connect() as connection:
                while not stop.is_set():
                    query = f"SELECT count(*) FROM {shop_place.target}.customers"
                    seen.append(connection.exec_driver_sql(query).scalar())

        thread = threading.Thread(target=read)
        thread.start()
        try:
            for _ in range(3):
                write(self.writer(shop_place, if_exists="replace"), rows())
        finally:
            stop.set()
            thread.join()
        assert set(seen) == {3}


def _small() -> str:
    meta = Metadata()
    column = Column(name="id", kind=ColumnKind.INTEGER, arrow="int64", nullable=False)
    meta.add_table("t", "id", columns={"id": column})
    return meta.to_json()


def test_another_engine_takes_the_same_tables(postgres_engine: Engine, tmp_path: Any) -> None:
    from tests.contracts.writer import shop

    target = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    meta = shop()
    meta.tables["orders"].foreign_keys.append(
        ForeignKey(columns=["first_line"], parent="customers", parent_columns=["id"])
    )
    meta.dialect = "postgresql"
    data = rows()
    checks = write(
        open_writer(postgres_engine, meta, target_engine=target, provenance=ORIGIN), data
    )
    assert [c.enforced for c in checks].count(False) == 1
    target.dispose()
