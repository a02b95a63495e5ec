"""Redshift without a server: recorded rows of its catalogue, and pinned SQL in its grammar."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlglot import parse_one

pytest.importorskip("sqlalchemy_redshift")

from sqlalchemy import create_engine

from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.redshift import CAPABILITIES, catalogue
from synthohive.connectors.redshift.spelling import SPELLING
from synthohive.connectors.redshift.types import described
from synthohive.connectors.redshift.write import values_of
from synthohive.connectors.registry import spelling
from synthohive.ddl.portable import portable_ddl
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind, Metadata
from tests.contracts.recorded_rows import Rows, recorded
from tests.contracts.writer import shop
from tests.evidence import PARSED, feature, runs

pytestmark = runs("Redshift", PARSED)

ENGINE = create_engine("redshift+psycopg2://u:p@h:5439/db")
COLUMNS = ("table_name", "column_name", "data_type", "column_default", "is_nullable", "encoding",
           "distkey", "sortkey", "remarks")  # fmt: skip
_SUM = "SELECT o.shop_id, sum(o.price) AS sum"
_COUNTED = """"identity"(106546, 0, '1,2'::text)"""
RECORDED: Rows = {
    "SELECT current_database(), current_schema()": (("a", "b"), [("db", "public")]),
    catalogue._TABLES: (
        ("table_name", "table_type", "remarks"),
        [
            ("lake", "EXTERNAL TABLE", None),
            ("mv_tbl__totals__0", "TABLE", None),
            ("orders", "TABLE", "what was sold"),
            ("shop", "TABLE", None),
            ("totals", "VIEW", None),
        ],
    ),
    catalogue._COLUMNS: (
        COLUMNS,
        [
            ("orders", "id", "bigint", _COUNTED, "NO", "az64", False, 0, None),
            ("orders", "shop_id", "integer", None, "NO", "az64", True, 2, "where"),
            (
                "orders",
                "sold",
                "timestamp without time zone",
                "getdate()",
                "YES",
                "none",
                False,
                1,
                None,
            ),
            ("orders", "price", "numeric(10,2)", "0", "YES", "az64", False, 0, None),
            ("orders", "note", "character varying(65535)", None, "YES", "lzo", False, 0, None),
            ("orders", "more", "super", None, "YES", "zstd", False, 0, None),
            ("orders", "place", "geometry", None, "YES", "raw", False, 0, None),
            ("shop", "id", "integer", None, "NO", "az64", False, 1, None),
            ("shop", "code", "character(3)", None, "YES", "lzo", False, -2, None),
        ],
    ),
    catalogue._KEYS: (
        (),
        [
            ("orders", "of_shop", "f", "{2}", "s", "shop", "{1}", 7, 8),
            ("orders", "orders_pkey", "p", [1], None, None, None, 7, 0),
            ("shop", "shop_code_key", "u", [2], None, None, None, 8, 0),
            ("shop", "shop_pkey", "p", [1], None, None, None, 8, 0),
        ],
    ),
    catalogue._NAMES: (
        ("attrelid", "attnum", "attname"),
        [(7, 1, "id"), (7, 2, "shop_id"), (8, 1, "id"), (8, 2, "code")],
    ),
    catalogue._SPREAD: (("relname", "releffectivediststyle"), [("orders", 1), ("shop", 8)]),
    catalogue._VIEWS: (
        ("viewname", "definition", "remarks"),
        [
            (
                "totals",
                "SELECT o.shop_id, sum(o.price) AS sum FROM s.orders o GROUP BY o.shop_id;",
                "all",
            ),
            ("far", "SELECT * FROM elsewhere.t;", None),
        ],
    ),
}


def known() -> tuple[Any, Metadata]:
    return recorded(ENGINE, RECORDED, "s")


def test_recorded_rows_become_a_description() -> None:
    _, meta = known()
    assert set(meta.tables) == {"orders", "shop"}
    orders = meta.tables["orders"]
    assert orders.pk == ["id"]
    (key,) = orders.foreign_keys
    assert (key.name, key.columns, key.parent, key.parent_columns) == (
        "of_shop", ["shop_id"], "shop", ["id"],
    )  # fmt: skip
    assert [u.columns for u in meta.tables["shop"].unique] == [["code"]]
    counter = orders.columns["id"].identity
    assert counter is not None
    assert (counter.start, counter.increment, orders.columns["id"].default) == (1, 2, None)
    assert orders.comment == "what was sold"
    assert orders.columns["shop_id"].comment == "where"
    assert orders.columns["more"].kind is ColumnKind.JSON
    assert orders.columns["place"].kind is ColumnKind.UNSUPPORTED
    assert (orders.columns["price"].precision, orders.columns["price"].scale) == (10, 2)


@feature("a copy states what its source does")
def test_a_clone_has_the_layout_of_its_source() -> None:
    told, meta = known()
    ddl = told.clone(meta, "s", [])
    assert ddl is not None
    (orders,), (of_shop,) = ddl.tables["orders"], ddl.tables["shop"]
    assert orders.sql == (
        'CREATE TABLE "orders" (\n'
        '  "id" bigint GENERATED BY DEFAULT AS IDENTITY(1, 2) ENCODE az64 NOT NULL,\n'
        '  "shop_id" integer ENCODE az64 NOT NULL,\n'
        '  "sold" timestamp without time zone DEFAULT getdate(),\n'
        '  "price" numeric(10,2) DEFAULT 0 ENCODE az64,\n'
        '  "note" character varying(65535) ENCODE lzo,\n'
        '  "more" super ENCODE zstd,\n'
        '  "place" geometry\n'
        ') DISTSTYLE KEY DISTKEY("shop_id") COMPOUND SORTKEY("sold", "shop_id")'
    )
    assert of_shop.sql.endswith(') DISTSTYLE ALL INTERLEAVED SORTKEY("id", "code")')
    assert [s.sql for s in (*ddl.after, *ddl.keys)] == [
        'ALTER TABLE "orders" ADD PRIMARY KEY ("id")',
        'ALTER TABLE "shop" ADD PRIMARY KEY ("id")',
        'ALTER TABLE "shop" ADD CONSTRAINT "shop_code_key" UNIQUE ("code")',
        """COMMENT ON TABLE "orders" IS 'what was sold'""",
        """COMMENT ON COLUMN "orders"."shop_id" IS 'where'""",
        'ALTER TABLE "orders" ADD CONSTRAINT "of_shop" FOREIGN KEY ("shop_id") '
        'REFERENCES "shop" ("id")',
    ]
    for statement in (orders, of_shop, *ddl.after, *ddl.keys):
        assert parse_one(statement.sql, dialect="redshift")
    meta.tables["shop"].columns["new"] = Column(name="new", kind=ColumnKind.TEXT)
    assert told.clone(meta, "s", []) is None


def test_views_lead_to_the_copy_or_are_refused() -> None:
    told, _ = known()
    totals, far = told.objects("s", ["orders", "shop"], [])
    assert totals.create.replace('"sum"', "sum") == (  # versions of sqlglot quote it
        'CREATE VIEW "totals" AS SELECT o.shop_id, SUM(o.price) AS sum FROM "orders" AS o '
        "GROUP BY o.shop_id"
    )
    assert totals.comment == """COMMENT ON VIEW "totals" IS 'all'"""
    assert "elsewhere.t" in far.refused


@pytest.mark.parametrize(
    ("type_", "kind", "arrow"),
    [
        ("smallint", ColumnKind.INTEGER, pa.int16()),
        ("int4", ColumnKind.INTEGER, pa.int32()),
        ("real", ColumnKind.FLOAT, pa.float32()),
        ("double precision", ColumnKind.FLOAT, pa.float64()),
        ("numeric(38,37)", ColumnKind.DECIMAL, pa.decimal128(38, 37)),
        ("bool", ColumnKind.BOOLEAN, pa.bool_()),
        ("date", ColumnKind.DATE, pa.date32()),
        ("timestamp with time zone", ColumnKind.TIMESTAMP, pa.timestamp("us", "UTC")),
        ("time(6) with time zone", ColumnKind.TIME, pa.time64("us")),
        ("interval day to second", ColumnKind.INTERVAL, pa.duration("us")),
        ("binary varying(64)", ColumnKind.BINARY, pa.binary()),
        ("character varying(9)", ColumnKind.TEXT, pa.string()),
        ("interval year to month", ColumnKind.UNSUPPORTED, None),
        ("hllsketch", ColumnKind.UNSUPPORTED, None),
        ("geography", ColumnKind.UNSUPPORTED, None),
    ],
)
def test_each_type_has_its_kind(type_: str, kind: ColumnKind, arrow: Any) -> None:
    column = Column(name="a", **described(type_))
    assert column.kind is kind
    assert arrow is None or column.arrow_type == arrow


def test_reads_and_loads_are_of_redshifts_grammar() -> None:
    dialect = dialect_for(ENGINE)
    for type_ in ("super", "varbyte(9)", "date", "timestamptz", "timetz", "character(3)", "super"):
        column = Column(name="a", **described(type_))
        assert parse_one(f"SELECT {dialect.expression(column, 't.a')} FROM t", dialect="redshift")
    hashed = dialect.hashed(["t0.a", "t0.b"], 7)
    assert hashed == (
        "STRTOL(SUBSTRING(MD5('7' || '|' || COALESCE(CAST(FNV_HASH(t0.a) AS varchar), '~') "
        "|| '|' || COALESCE(CAST(FNV_HASH(t0.b) AS varchar), '~')), 1, 8), 16)"
    )
    assert parse_one(f"SELECT {hashed} FROM t0", dialect="redshift")
    spans = Column(name="a", kind=ColumnKind.INTERVAL)
    (span,) = values_of(spans, pa.array([-1_500_000], pa.duration("us")), SPELLING).to_pylist()
    assert span == "CAST('-00:00:01.500000' AS INTERVAL DAY TO SECOND)"


def test_what_other_engines_declare_is_mapped() -> None:
    meta = shop()
    meta.dialect = "postgresql"
    columns = meta.tables["orders"].columns
    columns["note"] = Column(name="note", kind=ColumnKind.TEXT)
    columns["short"] = Column(name="short", kind=ColumnKind.TEXT, length=10)
    columns["doc"] = Column(name="doc", kind=ColumnKind.JSON)
    columns["made"] = Column(name="made", kind=ColumnKind.TIMESTAMP, default="now()")
    ddl = portable_ddl(meta, ENGINE.dialect, SPELLING, source=spelling("postgresql"), all_keys=True)
    (orders,) = ddl.tables["orders"]
    assert '"note" VARCHAR(65535)' in orders.sql
    assert '"short" VARCHAR(40)' in orders.sql
    assert '"doc" SUPER' in orders.sql
    assert "PRIMARY KEY" not in orders.sql
    assert ddl.enforced == frozenset()
    for statement in (*(s for t in ddl.tables.values() for s in t), *ddl.after, *ddl.keys):
        assert parse_one(statement.sql, dialect="redshift")


@pytest.mark.parametrize(
    ("said", "grant"),
    [
        ("permission denied for schema shop", "GRANT USAGE ON SCHEMA shop"),
        ("permission denied for relation orders", "GRANT SELECT ON orders"),
        ("permission denied for database dev", "GRANT CREATE ON DATABASE dev"),
    ],
)
@feature("missing rights are named")
def test_a_missing_right_is_named(said: str, grant: str) -> None:
    assert grant in str(CAPABILITIES.missing_grant(said, "shop"))


def test_another_driver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINE.dialect, "driver", "redshift_connector")
    with pytest.raises(ConnectorError, match="psycopg2"):
        dialect_for(ENGINE)
