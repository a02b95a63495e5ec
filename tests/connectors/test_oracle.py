"""Oracle: what its driver is asked for recorded rows of a catalogue, and what is made of them.

No server can be had here: the evidence is "rendered and parsed", and no more. The suite of the
user's verbs runs where SYNTHOHIVE_TEST_ORACLE_URL names a user who may make users.
"""

from __future__ import annotations

import datetime
import os
import re
import secrets
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Optional

import oracledb
import pyarrow as pa
import pytest
import sqlalchemy as sa
import sqlglot
from sqlalchemy import Engine, create_engine
from sqlglot import exp

from synthohive.connectors.engines import to_engine
from synthohive.connectors.oracle import CAPABILITIES
from synthohive.connectors.oracle.rows import insert_sql, sizes, values
from synthohive.connectors.oracle.spelling import SPELLING
from synthohive.connectors.oracle.types import described, is_wide
from synthohive.connectors.reflection import reflect
from synthohive.connectors.registry import spelling
from synthohive.connectors.schema_ddl import build_ddl
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.ddl.statements import Refused
from synthohive.ddl.vetted import Vetting
from synthohive.ddl.vetted_types import vetted_type
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Provenance
from synthohive.io.questions import Joined
from synthohive.io.steps import observe
from synthohive.schema import Column, ColumnKind, Metadata
from tests.contracts.engine import EngineContract, Place
from tests.contracts.recorded import Answer, Recorded
from tests.contracts.stand_ins import notimpl
from tests.evidence import ACCOUNT, PARSED, feature, runs

pytestmark = runs("Oracle", PARSED)

ORIGIN = Provenance("0.1", "none", 7, 1.0, "2026-01-01T00:00:00+00:00", "source")
URL = os.environ.get("SYNTHOHIVE_TEST_ORACLE_URL")
COLUMN = (
    "table", "name", "nullable", "type", "size", "precision", "scale", "chars", "unit", "virtual",
    "counts", "options", "comment", "default",
)  # fmt: skip


def column(table: str, name: str, type_: str, **more: Any) -> tuple[Any, ...]:
    """Return a row of the query of columns."""
    facts = {"table": table, "name": name, "nullable": "N", "type": type_, "virtual": "NO", **more}
    return tuple(facts.get(fact) for fact in COLUMN)


COLUMNS = [
    column("CUSTOMER", "ID", "NUMBER", scale=0, counts="BY DEFAULT",
           options="START WITH: 5, INCREMENT BY: 2, MAX: 9", default='"S"."ISEQ$$_1".nextval'),
    column("CUSTOMER", "MAIL", "VARCHAR2", chars=40, unit="C", nullable="Y", comment="who 'it' is"),
    column("CUSTOMER", "SEEN", "TIMESTAMP(6) WITH TIME ZONE", scale=6, nullable="Y"),
    column("CUSTOMER", "BORN", "DATE", nullable="Y"),
    column("ORDERS", "ID", "NUMBER", precision=10, scale=0),
    column("ORDERS", "CUSTOMER_ID", "NUMBER", scale=0),
    column("ORDERS", "TOTAL", "NUMBER", precision=9, scale=2, default="0 "),
    column("ORDERS", "DUE", "NUMBER", precision=10, scale=2, nullable="Y", virtual="YES",
           default='"TOTAL"-1'),
    column("ORDERS", "ANY", "NUMBER", nullable="Y"),
    column("ORDERS", "ROW", "ROWID", nullable="Y"),
]  # fmt: skip
CONSTRAINT = ("table", "name", "kind", "generated", "column", "condition", "deleted", "index",
              "parent_schema", "parent", "parent_column", "nullable")  # fmt: skip


def constraint(table: str, name: str, kind: str, of: str, **more: Any) -> tuple[Any, ...]:
    """Return a row of the query of constraints."""
    facts = {"table": table, "name": name, "kind": kind, "column": of, "generated": "USER NAME",
             "nullable": "N", **more}  # fmt: skip
    return tuple(facts.get(fact) for fact in CONSTRAINT)


CONSTRAINTS = [
    constraint("CUSTOMER", "SYS_C1", "P", "ID", generated="GENERATED NAME", index="SYS_C1"),
    constraint("CUSTOMER", "SYS_C2", "C", "ID", generated="GENERATED NAME",
               condition='"ID" IS NOT NULL'),
    constraint("CUSTOMER", "ONCE", "U", "MAIL", index="ONCE", nullable="Y"),
    constraint("CUSTOMER", "TWICE", "U", "MAIL", index="TWICE", nullable="Y"),
    constraint("CUSTOMER", "TWICE", "U", "BORN", index="TWICE", nullable="Y"),
    constraint("ORDERS", "PK_O", "P", "ID", index="PK_O"),
    constraint("ORDERS", "BUYER", "R", "CUSTOMER_ID", deleted="CASCADE", parent_schema="SHOP",
               parent="CUSTOMER", parent_column="ID"),
    constraint("ORDERS", "NOT_LESS", "C", "TOTAL", condition='"TOTAL" >= 0'),
]  # fmt: skip
INDEXES = [
    ("CUSTOMER", "ONCE", "UNIQUE", "MAIL"),
    ("ORDERS", "BY_TOTAL", "NONUNIQUE", "TOTAL"),
    ("ORDERS", "BY_TOTAL", "NONUNIQUE", "ID"),
    ("ORDERS", "PK_O", "UNIQUE", "ID"),
]


def contents(sql: str) -> list[tuple[Any, ...]]:
    """Return what the target holds: the tables that wait, by the session that asks."""
    begin = RUN.get("begin")
    names = ("_synthohive", "CUSTOMER", "ORDERS") if begin else ()
    return [("_synthohive_lock", "TABLE", 9)] + [
        (f"{begin}{name}", "TABLE", i) for i, name in enumerate(names, 1)
    ]


RUN: dict[str, str] = {}


def fake(*more: Answer) -> Recorded:
    """Return a driver that knows the shop."""
    one = ["a"]
    return Recorded(
        oracledb,
        [
            *more,
            Answer("DB_UNIQUE_NAME", ["a", "b"], [("db/pdb", "SHOP")]),
            Answer("CURRENT_SCHEMA') FROM DUAL", one, [("SHOP",)]),
            Answer("SELECT username FROM all_users", one, [("SHOP",), ("SHOP_SYNTHETIC",)]),
            Answer('SELECT t.table_name AS "name"', ["name"], [("CUSTOMER",), ("ORDERS",)]),
            Answer("FROM all_tab_cols c\nLEFT", COLUMN, COLUMNS),
            Answer("FROM all_constraints c\nJOIN all_cons_columns", CONSTRAINT, CONSTRAINTS),
            Answer("FROM all_indexes i\nJOIN", ["table", "name", "unique", "column"], INDEXES),
            Answer("FROM all_tab_comments", ["table", "text"], [("ORDERS", "what is due")]),
            Answer("FROM all_views v", ["view", "column", "text"],
                   [("BIG", "ID", "select o.id, c.mail from shop.orders o, customer c"),
                    ("BIG", "MAIL", "")]),
            Answer('FROM "SHOP"."CUSTOMER"', ["a", "b", "c"], [(5, 2**40, 0)]),
            Answer('FROM "SHOP"."ORDERS"', list("abcdef"), [(1, 9, 0, Decimal("0.5"), 7, 1)]),
            Answer("FROM all_objects WHERE owner", ["a", "b", "c"], contents),
            Answer("SELECT 'CONSTRAINT'", ["a", "b", "c"], lambda sql: [
                ("CONSTRAINT", "CUSTOMER", f"{RUN['begin']}ONCE"),
                ("INDEX", "CUSTOMER", f"{RUN['begin']}ONCE")]),
            Answer("SELECT COUNT(*) FROM", one, [(0,)]),
        ],
    )  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    """Begin each test without tables that wait."""
    RUN.clear()


def engine_of(recorded: Recorded) -> Engine:
    """Return an engine on a driver that answers from what is recorded."""
    url = "oracle+oracledb://ada:s3cret@host/?service_name=db"
    engine = create_engine(url, module=recorded.driver)
    engine.dialect.initialize = lambda connection: None  # type: ignore[method-assign]
    return engine


def parsed(sql: str) -> Any:
    """Return a statement as sqlglot's Oracle reads it: it knows no digits of spans."""
    sql = re.sub(r"(DAY|TO SECOND)\(\d\)", r"\1", re.sub(r":(\d)", r":v\1", sql))
    return sqlglot.parse_one(sql, dialect="oracle")


@feature("a copy states what its source does")
def test_a_recorded_catalogue_is_described() -> None:
    meta = reflect(engine_of(fake()), "shop")
    customer, orders = meta.tables["CUSTOMER"], meta.tables["ORDERS"]
    assert {n: (c.sql_type, c.kind.value) for n, c in customer.columns.items()} == {
        "ID": ("INTEGER", "integer"), "MAIL": ("VARCHAR2(40 CHAR)", "text"),
        "SEEN": ("TIMESTAMP(6) WITH TIME ZONE", "timestamp"), "BORN": ("DATE", "timestamp"),
    }  # fmt: skip
    identity = customer.columns["ID"].identity
    assert identity is not None
    assert (identity.start, identity.increment, identity.always) == (5, 2, False)
    assert customer.columns["ID"].default is None
    assert customer.pk == ["ID"]
    assert [(u.name, u.columns, u.nulls_distinct) for u in customer.unique] == [
        ("ONCE", ["MAIL"], True),
        ("TWICE", ["MAIL", "BORN"], False),
    ]
    assert customer.checks == []
    assert [(c.name, c.sqltext) for c in orders.checks] == [("NOT_LESS", '"TOTAL" >= 0')]
    assert [(k.name, k.parent, k.on_delete) for k in orders.foreign_keys] == [
        ("BUYER", "CUSTOMER", "CASCADE")
    ]
    assert [(i.name, i.columns) for i in orders.indexes] == [("BY_TOTAL", ["TOTAL", "ID"])]
    assert (orders.columns["DUE"].computed, orders.columns["TOTAL"].default) == ('"TOTAL"-1', "0")
    anything = orders.columns["ANY"]  # some value has digits behind the point
    assert (anything.kind, anything.scale) == (ColumnKind.DECIMAL, 10)
    assert orders.exclude_columns == ["ROW"]
    assert orders.comment == "what is due"
    meta.validate_schema()


WAITS = "SYNTHOHIVE_0_"
COPIED = [
    'ALTER SESSION SET CURRENT_SCHEMA = "SHOP_SYNTHETIC"',
    'CREATE TABLE "_synthohive_lock" (held NUMBER(1))',
    "ALTER SESSION SET TIME_ZONE = 'UTC'",
    "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
    "ALTER SESSION SET DDL_LOCK_TIMEOUT = 30",
    'LOCK TABLE "SHOP_SYNTHETIC"."_synthohive_lock" IN EXCLUSIVE MODE NOWAIT',
    'CREATE TABLE "SYNTHOHIVE_0_CUSTOMER" (\n'
    '  "ID" INTEGER GENERATED BY DEFAULT AS IDENTITY (START WITH 5 INCREMENT BY 2) NOT NULL,\n'
    '  "MAIL" VARCHAR2(40 CHAR),\n'
    '  "SEEN" TIMESTAMP(6) WITH TIME ZONE,\n'
    '  "BORN" DATE\n)',
    'INSERT INTO "SYNTHOHIVE_0_CUSTOMER" ("ID", "MAIL", "SEEN", "BORN") VALUES '
    "(:1, :2, FROM_TZ(:3, 'UTC'), :4)",
    'CREATE TABLE "SYNTHOHIVE_0_ORDERS" (\n'
    '  "ID" NUMBER(10, 0) NOT NULL,\n'
    '  "CUSTOMER_ID" INTEGER NOT NULL,\n'
    '  "TOTAL" NUMBER(9, 2) DEFAULT 0 NOT NULL,\n'
    '  "DUE" NUMBER(10, 2) GENERATED ALWAYS AS ("TOTAL"-1),\n'
    '  "ANY" NUMBER,\n'
    '  "ROW" ROWID\n)',
    'ALTER TABLE "SYNTHOHIVE_0_CUSTOMER" ADD PRIMARY KEY ("ID")',
    'ALTER TABLE "SYNTHOHIVE_0_CUSTOMER" ADD CONSTRAINT "SYNTHOHIVE_0_ONCE" UNIQUE ("MAIL")',
    'ALTER TABLE "SYNTHOHIVE_0_CUSTOMER" ADD CONSTRAINT "SYNTHOHIVE_0_TWICE" '
    'UNIQUE ("MAIL", "BORN")',
    "COMMENT ON COLUMN \"SYNTHOHIVE_0_CUSTOMER\".\"MAIL\" IS 'who ''it'' is'",
    'ALTER TABLE "SYNTHOHIVE_0_ORDERS" ADD PRIMARY KEY ("ID")',
    'ALTER TABLE "SYNTHOHIVE_0_ORDERS" ADD CONSTRAINT "SYNTHOHIVE_0_NOT_LESS" CHECK ("TOTAL" >= 0)',
    'CREATE INDEX "SYNTHOHIVE_0_BY_TOTAL" ON "SYNTHOHIVE_0_ORDERS" ("TOTAL", "ID")',
    "COMMENT ON TABLE \"SYNTHOHIVE_0_ORDERS\" IS 'what is due'",
    'SELECT COUNT(*) FROM "SYNTHOHIVE_0_ORDERS" c WHERE c."CUSTOMER_ID" IS NOT NULL AND NOT EXISTS '
    '(SELECT 1 FROM "SYNTHOHIVE_0_CUSTOMER" p WHERE p."ID" = c."CUSTOMER_ID")',
    'ALTER TABLE "SYNTHOHIVE_0_ORDERS" ADD CONSTRAINT "SYNTHOHIVE_0_BUYER" FOREIGN KEY '
    '("CUSTOMER_ID") REFERENCES "SYNTHOHIVE_0_CUSTOMER" ("ID") ON DELETE CASCADE',
    'ALTER TABLE "SYNTHOHIVE_0_CUSTOMER" MODIFY "ID" GENERATED BY DEFAULT AS IDENTITY '
    "(START WITH LIMIT VALUE)",
    'CREATE VIEW "SYNTHOHIVE_0_BIG" ("ID", "MAIL") AS SELECT o.id, c.mail FROM '
    '"SYNTHOHIVE_0_ORDERS" o, "SYNTHOHIVE_0_CUSTOMER" c',
    'DROP VIEW "SYNTHOHIVE_0_BIG"',
    'CREATE TABLE "SYNTHOHIVE_0__synthohive" (version VARCHAR2(1000), model VARCHAR2(1000), seed '
    "NUMBER(38), scale BINARY_DOUBLE, created VARCHAR2(1000), source VARCHAR2(1000), objects CLOB)",
    'INSERT INTO "SYNTHOHIVE_0__synthohive" VALUES (:1, :2, :3, :4, :5, :6, :7)',
    'ALTER TABLE "SYNTHOHIVE_0__synthohive" RENAME TO "_synthohive"',
    'ALTER TABLE "SYNTHOHIVE_0_CUSTOMER" RENAME TO "CUSTOMER"',
    'ALTER TABLE "SYNTHOHIVE_0_ORDERS" RENAME TO "ORDERS"',
    'ALTER TABLE "CUSTOMER" RENAME CONSTRAINT "SYNTHOHIVE_0_ONCE" TO "ONCE"',
    'ALTER INDEX "SYNTHOHIVE_0_ONCE" RENAME TO "ONCE"',
    'CREATE VIEW "BIG" ("ID", "MAIL") AS SELECT o.id, c.mail FROM "ORDERS" o, "CUSTOMER" c',
]
"""What a copy of the shop says; the random part of the waiting tables' names is left out."""
SEEN = datetime.datetime(2024, 1, 31, microsecond=1, tzinfo=datetime.timezone.utc)


def copy(recorded: Recorded, **how: Any) -> list[str]:
    """Copy the shop, with one row; return what was said from the writer's first statement on."""
    engine = engine_of(recorded)
    meta = reflect(engine, "SHOP")
    row = pa.record_batch(
        {"ID": pa.array([5]), "MAIL": ["it's"],
         "SEEN": pa.array([SEEN], pa.timestamp("us", "UTC")),
         "BORN": pa.array([None], pa.timestamp("us"))}
    )  # fmt: skip
    with open_writer(
        engine, meta, source_schema="SHOP", provenance=ORIGIN, include=["views"], **how
    ) as writer:
        RUN["begin"] = writer.schemas["SHOP"]._begin
        writer.load("CUSTOMER", [row])
        writer.finish()
    return plainly(recorded.said)


def plainly(said: list[str]) -> list[str]:
    """Return what changes something, without the random part of names."""
    found = [re.sub("SYNTHOHIVE_[0-9A-F]{8}", "SYNTHOHIVE_0", sql) for sql in said]
    found = found[found.index('ALTER SESSION SET CURRENT_SCHEMA = "SHOP_SYNTHETIC"') :]
    return [s for s in found if not s.lstrip().startswith("SELECT") or "COUNT(*) FROM" in s]


@feature("keys")
def test_a_copy_is_made_by_these_statements() -> None:
    recorded = fake()
    said = copy(recorded)
    for found, right in zip(said, COPIED):
        assert found == right
    assert len(said) == len(COPIED)
    assert recorded.brought == [(5, "it's", SEEN.replace(tzinfo=None), None)]


def test_sqlglot_reads_them() -> None:
    unread = ("ALTER SESSION", "LOCK TABLE", "ALTER INDEX")
    for sql in COPIED:
        if not sql.startswith(unread) and "RENAME CONSTRAINT" not in sql and "MODIFY" not in sql:
            assert not isinstance(parsed(sql), exp.Command), sql


def there(sql: str) -> list[tuple[Any, ...]]:
    """Return a target that holds an earlier copy."""
    old = [("ORDERS", "TABLE", 12), ("_synthohive", "TABLE", 13), ("BIG", "VIEW", 14)]
    return [*contents(sql), *old]


NOTE = ["VERSION", "MODEL", "SEED", "SCALE", "CREATED", "SOURCE", "OBJECTS"]
NOTED = ("0.1", "none", 7, 1.0, "2026", "x", '["table 12", "table 13", "view BIG"]')


def test_what_is_replaced_gives_way_table_by_table() -> None:
    recorded = fake(
        Answer("FROM all_objects WHERE owner", ["a", "b", "c"], there),
        Answer("FETCH FIRST 2 ROWS", NOTE, [NOTED]),
    )
    said = copy(recorded, if_exists="replace")
    renames = [s for s in said if " RENAME TO " in s or s.startswith("DROP TABLE")]
    assert renames[:8] == [
        'ALTER TABLE "ORDERS" RENAME TO "SYNTHOHIVE_0O0"',
        'ALTER TABLE "SYNTHOHIVE_0_ORDERS" RENAME TO "ORDERS"',
        'ALTER TABLE "_synthohive" RENAME TO "SYNTHOHIVE_0O1"',
        'ALTER TABLE "SYNTHOHIVE_0__synthohive" RENAME TO "_synthohive"',
        'ALTER TABLE "SYNTHOHIVE_0_CUSTOMER" RENAME TO "CUSTOMER"',
        'DROP TABLE "SYNTHOHIVE_0O0" CASCADE CONSTRAINTS PURGE',
        'DROP TABLE "SYNTHOHIVE_0O1" CASCADE CONSTRAINTS PURGE',
        'ALTER INDEX "SYNTHOHIVE_0_ONCE" RENAME TO "ONCE"',
    ]


@feature("a failure changes nothing")
def test_a_failure_while_publishing_is_renamed_back() -> None:
    recorded = fake(
        Answer("FROM all_objects WHERE owner", ["a", "b", "c"], there),
        Answer("FETCH FIRST 2 ROWS", NOTE, [NOTED]),
    )

    def fail(name: str) -> None:
        if name == "tables renamed":
            raise RuntimeError(name)

    observe(fail)
    try:
        with pytest.raises(RuntimeError):
            copy(recorded, if_exists="replace")
    finally:
        observe(None)
    renames = [s.split('"')[1::2] for s in plainly(recorded.said) if " RENAME TO " in s]
    assert renames[5:] == [move[::-1] for move in reversed(renames[:5])]


@feature("what others made is kept")
def test_a_target_of_others_is_not_replaced() -> None:
    recorded = fake(Answer("FROM all_objects WHERE owner", ["a", "b", "c"], there))
    with pytest.raises(ConnectorError, match="SynthoHive did not make it"):
        copy(recorded, if_exists="replace")


def test_a_schema_is_a_user_that_has_to_be_there() -> None:
    recorded = fake(Answer("WHERE username =", ["a"], ()))
    with pytest.raises(ConnectorError, match="CREATE USER"):
        copy(recorded)


@feature("two runs do not mix")
def test_two_runs_to_one_target_are_kept_apart() -> None:
    def busy(sql: str) -> list[tuple[Any, ...]]:
        raise oracledb.DatabaseError(Numbered(54))

    with pytest.raises(ConnectorError, match="Another run is writing"):
        copy(fake(Answer("LOCK TABLE", [], busy)))


class Numbered:
    """The first argument of an error, as the driver has it."""

    def __init__(self, code: int) -> None:
        self.code = code


@feature("reads see one state")
def test_reads_are_of_one_state() -> None:
    naive = datetime.datetime(2024, 1, 31, microsecond=1)
    recorded = fake(Answer('SELECT t."ID", t."MAIL"', list("abcd"), [(5, "x", naive, naive)]))
    warehouse = SqlWarehouse(engine_of(recorded), "SHOP")
    (batch,) = warehouse.read("CUSTOMER")
    assert batch.to_pylist() == [{"ID": 5, "MAIL": "x", "SEEN": SEEN, "BORN": naive}]
    assert recorded.said[-2:] == [
        "SET TRANSACTION READ ONLY",
        'SELECT t."ID", t."MAIL", SYS_EXTRACT_UTC(t."SEEN"), t."BORN" FROM "SHOP"."CUSTOMER" t '
        'ORDER BY t."ID"',
    ]


@feature("statistics in SQL")
def test_questions_are_in_oracle_s_sql() -> None:
    recorded = fake()
    asked = SqlWarehouse(engine_of(recorded), "SHOP").questions()
    assert asked is not None
    before = len(recorded.said)
    asked.repeated("ORDERS", ["CUSTOMER_ID"])
    asked.counted(Joined("CUSTOMER", ("SEEN",)), [lambda terms: terms.missing("SEEN")])
    (first, second) = [s for s in recorded.said[before:] if '"SHOP"' in s]
    assert "FETCH FIRST 1 ROWS ONLY" in first
    for sql in (first, second):
        assert " AS t" not in sql
        assert isinstance(parsed(sql), exp.Query)


@pytest.mark.parametrize(
    ("facts", "sql_type", "kind", "wide"),
    [
        ({"type": "NUMBER", "precision": 18, "scale": 0}, "NUMBER(18, 0)", "integer", False),
        ({"type": "NUMBER", "precision": 19, "scale": 0}, "NUMBER(19, 0)", "integer", True),
        ({"type": "NUMBER", "precision": 5, "scale": -2}, "NUMBER(5, -2)", "integer", False),
        ({"type": "NUMBER", "precision": 2, "scale": 4}, "NUMBER(2, 4)", "decimal", False),
        ({"type": "NUMBER"}, "NUMBER", "integer", True),
        ({"type": "FLOAT", "precision": 126}, "FLOAT", "float", False),
        ({"type": "BINARY_FLOAT"}, "BINARY_FLOAT", "float", False),
        ({"type": "CHAR", "chars": 3, "unit": "B"}, "CHAR(3 BYTE)", "text", False),
        ({"type": "NVARCHAR2", "chars": 9, "unit": "C"}, "NVARCHAR2(9)", "text", False),
        ({"type": "RAW", "size": 16}, "RAW(16)", "binary", False),
        ({"type": "TIMESTAMP(6) WITH LOCAL TIME ZONE"}, "TIMESTAMP(6) WITH LOCAL TIME ZONE",
         "timestamp", False),
        ({"type": "INTERVAL DAY(2) TO SECOND(6)"}, "INTERVAL DAY(2) TO SECOND(6)", "interval",
         False),
        ({"type": "INTERVAL YEAR(2) TO MONTH"}, "INTERVAL YEAR(2) TO MONTH", "unsupported", False),
        ({"type": "XMLTYPE"}, "XMLTYPE", "unsupported", False),
        ({"type": "JSON"}, "JSON", "json", False),
    ],
)  # fmt: skip
@feature("types come back")
def test_types(facts: dict[str, Any], sql_type: str, kind: str, wide: bool) -> None:
    found = described(facts)
    assert (found["sql_type"], found["kind"].value, is_wide(facts)) == (sql_type, kind, wide)
    if sql_type.startswith(("CHAR", "NVARCHAR2", "TIMESTAMP", "RAW")):
        assert vetted_type(sql_type, SPELLING) == sql_type


VALUES = {
    "i": (pa.array([-(2**63), None]), -(2**63), oracledb.DB_TYPE_NUMBER),
    "d": (pa.array([Decimal("0.01"), None], pa.decimal128(38, 2)), Decimal("0.01"),
          oracledb.DB_TYPE_NUMBER),
    "f": (pa.array([0.1, None]), 0.1, oracledb.DB_TYPE_BINARY_DOUBLE),
    "b": (pa.array([True, None]), 1, oracledb.DB_TYPE_NUMBER),
    "day": (pa.array([datetime.date(9999, 12, 31), None]), datetime.date(9999, 12, 31),
            oracledb.DB_TYPE_DATE),
    "t": (pa.array([datetime.time(23, 59, 59, 1), None]),
          datetime.timedelta(seconds=86399, microseconds=1), oracledb.DB_TYPE_INTERVAL_DS),
    "z": (pa.array([0, None], pa.timestamp("us", "UTC")), datetime.datetime(1970, 1, 1),
          oracledb.DB_TYPE_TIMESTAMP),
    "s": (pa.array([1_000_000, None], pa.duration("us")), datetime.timedelta(seconds=1),
          oracledb.DB_TYPE_INTERVAL_DS),
    "x": (pa.array([b"\x00\xff", None]), b"\x00\xff", None),
    "n": (pa.array(["it's ü", None]), "it's ü", None),
    "long": (pa.array(["ü" * 3000, None]), "ü" * 3000, oracledb.DB_TYPE_CLOB),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_as_they_are_bound(name: str) -> None:
    array, plain, bound = VALUES[name]
    batch = pa.record_batch({name: array})
    columns = [Column(name=name, kind=ColumnKind.TEXT)]
    assert values("T", columns, batch) == [(plain,), (None,)]
    assert sizes(batch) == [bound]


def test_empty_texts_are_told_before_they_are_null() -> None:
    columns = [Column(name="A", kind=ColumnKind.TEXT, nullable=False)]
    batch = pa.record_batch({"A": ["x", ""]})
    with pytest.raises(ConnectorError, match=r"T\.A has empty texts and is NOT NULL"):
        values("T", columns, batch)
    columns[0].nullable = True
    assert values("T", columns, batch) == [("x",), ("",)]


def test_documents_are_parsed_by_the_server() -> None:
    column = Column(name="D", kind=ColumnKind.JSON, sql_type="JSON")
    assert insert_sql("T", [column]) == 'INSERT INTO "T" ("D") VALUES (JSON(:1))'


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("flag AND n > 1", '"flag" = 1 AND "n" > 1'),
        ("word LIKE 'A[%'", "\"word\" LIKE 'A[%'"),
        ("length(word) > 3", 'LENGTH("word") > 3'),
        ("word <> ''", None),
        ("flag IS TRUE", None),
    ],
)
@feature("CHECK, UNIQUE, computed")
def test_conditions_of_other_engines(here: str, there: Optional[str]) -> None:
    kinds = {"flag": ColumnKind.BOOLEAN, "n": ColumnKind.INTEGER, "word": ColumnKind.TEXT}
    columns = {name: Column(name=name, kind=kind) for name, kind in kinds.items()}
    vetting = Vetting(spelling("postgresql"), frozenset(), SPELLING)
    if there is None:
        with pytest.raises(Refused, match="there"):
            vetting.expression(here, columns, check=True)
    else:
        assert vetting.expression(here, columns, check=True) == there


def test_a_description_of_another_engine_is_written() -> None:
    meta = Metadata(dialect="postgresql")
    columns = {
        "id": Column(name="id", kind=ColumnKind.INTEGER, nullable=False),
        "flag": Column(name="flag", kind=ColumnKind.BOOLEAN, default="true"),
        "made": Column(name="made", kind=ColumnKind.TIMESTAMP, timezone=True, default="now()"),
        "clock": Column(name="clock", kind=ColumnKind.TIME),
        "word": Column(name="word", kind=ColumnKind.TEXT, length=40),
        "all": Column(name="all", kind=ColumnKind.TEXT),
    }
    meta.add_table("c", "id", columns=columns)
    (made,) = build_ddl(meta, engine_of(fake()).dialect).tables["c"]
    assert made.sql == (
        'CREATE TABLE "$synthohive$c" (\n'
        '  "id" NUMBER(19) NOT NULL,\n'
        '  "flag" NUMBER(1) DEFAULT 1,\n'
        '  "made" TIMESTAMP(6) WITH TIME ZONE DEFAULT SYSTIMESTAMP,\n'
        '  "clock" INTERVAL DAY(0) TO SECOND(6),\n'
        '  "word" VARCHAR2(40 CHAR),\n'
        '  "all" CLOB\n)'
    )
    assert isinstance(parsed(made.sql), exp.Create)


@feature("missing rights are named")
def test_a_missing_right_is_named() -> None:
    said = "ORA-01031: insufficient privileges"
    assert "GRANT CREATE TABLE" in str(CAPABILITIES.missing_grant(said, '"SHOP"'))


@notimpl("a server: nothing here speaks its protocol", raises=ConnectorError)
def test_a_server_answers() -> None:
    reflect(to_engine("oracle://sa:none@127.0.0.1:1/?service_name=x"))


@pytest.mark.skipif(URL is None, reason="SYNTHOHIVE_TEST_ORACLE_URL names no server")
@pytest.mark.remote
@runs("Oracle", ACCOUNT)
class TestRemote(EngineContract):
    """The user's verbs, by a user who may make users, of 23ai (rows of VALUES)."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        engine = to_engine(str(URL))

        @sa.event.listens_for(engine, "connect")
        def settle(connection: Any, record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD'")

        name = f"T{secrets.token_hex(5).upper()}"
        place = Place(engine, name, fold=str.upper)
        for user in (name, f"{name}_SYNTHETIC"):
            place.run(f'CREATE USER "{user}" NO AUTHENTICATION QUOTA UNLIMITED ON USERS')
        yield place
        for user in (name, f"{name}_SYNTHETIC"):
            place.run(f'DROP USER "{user}" CASCADE')
        engine.dispose()
