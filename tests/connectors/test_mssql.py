"""SQL Server: what its driver is asked for recorded rows of a catalogue, and what is made of them.

No server can be had here: the evidence is "rendered and parsed", and no more. The suite of the
user's verbs runs where SYNTHOHIVE_TEST_MSSQL_URL names a server.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Optional

import pyarrow as pa
import pymssql
import pytest
import sqlglot
from sqlalchemy import Engine, create_engine
from sqlglot import exp

from synthohive.connectors.engines import to_engine
from synthohive.connectors.mssql.rows import documents, insert_sql
from synthohive.connectors.mssql.spelling import SPELLING
from synthohive.connectors.mssql.text import reason
from synthohive.connectors.mssql.types import described
from synthohive.connectors.reflection import reflect
from synthohive.connectors.registry import spelling
from synthohive.connectors.schema_ddl import build_ddl
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.constrain.sql_expressions import Check, compile_check
from synthohive.ddl.statements import Refused
from synthohive.ddl.vetted import Vetting
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Provenance
from synthohive.io.questions import Joined
from synthohive.schema import (
    Column,
    ColumnKind,
    ForeignKey,
    Identity,
    Metadata,
    UniqueConstraint,
)
from tests.contracts.engine import EngineContract, Place
from tests.contracts.recorded import Answer, Recorded
from tests.contracts.stand_ins import notimpl
from tests.evidence import ACCOUNT, PARSED, feature, runs

pytestmark = runs("SQL Server", PARSED)

ORIGIN = Provenance("0.1", "none", 7, 1.0, "2026-01-01T00:00:00+00:00", "source")
URL = os.environ.get("SYNTHOHIVE_TEST_MSSQL_URL")
COLUMN = (
    "table", "name", "nullable", "type", "size", "precision", "scale", "collation", "default",
    "computed", "persisted", "start", "increment", "comment",
)  # fmt: skip


def column(table: str, name: str, type_: str, *sizes: int, **more: Any) -> tuple[Any, ...]:
    """Return a row of the query of columns."""
    size, precision, scale = (*sizes, 0, 0, 0)[:3]
    facts = {"table": table, "name": name, "nullable": False, "type": type_, "size": size,
             "precision": precision, "scale": scale, **more}  # fmt: skip
    return tuple(facts.get(fact) for fact in COLUMN)


COLUMNS = [
    column("customer", "id", "int", 4, start=5, increment=2),
    column("customer", "mail", "nvarchar", 80, nullable=True, comment="who 'it' is"),
    column("customer", "flag", "bit", 1, default="((1))"),
    column("customer", "seen", "datetimeoffset", 10, 34, 7, nullable=True),
    column("orders", "id", "bigint", 8),
    column("orders", "customer_id", "int", 4),
    column("orders", "total", "decimal", 9, 9, 2, default="((0))"),
    column("orders", "due", "decimal", 9, 10, 2, nullable=True,
           computed="([total]-(1))", persisted=True),
    column("orders", "code", "varchar", 9, collation="Latin1_General_BIN2"),
    column("orders", "nr", "int", 4, nullable=True, default="(NEXT VALUE FOR [shop].[seq])"),
    column("orders", "rv", "timestamp", 8),
]  # fmt: skip
INDEX = ("table", "name", "column", "is_primary", "is_constraint", "is_unique", "is_descending",
         "is_included", "is_nullable", "condition")  # fmt: skip
INDEXES = [
    ("customer", "pk_c", "id", 1, 0, 1, 0, 0, 0, None),
    ("customer", "once", "mail", 0, 1, 1, 0, 0, 1, None),
    ("orders", "pk_o", "id", 1, 0, 1, 0, 0, 0, None),
    ("orders", "open", "customer_id", 0, 0, 1, 0, 0, 0, "([code]='open')"),
    ("orders", "late", "total", 0, 0, 0, 1, 0, 0, None),
    ("orders", "late", "code", 0, 0, 0, 0, 1, 0, None),
]
KEY = ("table", "name", "column", "parent_schema", "parent", "parent_column", "deleted", "updated")
KEYS = [("orders", "buyer", "customer_id", "shop", "customer", "id", "CASCADE", "NO_ACTION")]
VIEW = "create view shop.big as select o.id, c.mail from shop.orders o join customer c on 1 = 1"


def contents(sql: str) -> list[tuple[Any, ...]]:
    """Return what a schema holds: the staging one is filled, the target is not there."""
    staged = [("_synthohive", "U", 3), ("customer", "U", 1), ("orders", "U", 2)]
    return staged if "__synthohive_" in sql else []


def fake(*more: Answer) -> Recorded:
    """Return a driver that knows the shop."""
    one = ["a"]
    return Recorded(
        pymssql,
        [
            *more,
            Answer("@@version", one, [("Microsoft SQL Server 2022 - 16.0.4000.1 (X64)",)]),
            Answer("SERVERPROPERTY", ["a", "b", "c"], [("box", "db", "shop")]),
            Answer("schema_name()", one, [("shop",)]),
            Answer("SCHEMA_NAME()", one, [("shop",)]),
            Answer("FROM sys.schemas WHERE name NOT IN", one, [("dbo",), ("shop",)]),
            Answer("FROM sys.schemas WHERE name =", one, ()),
            Answer("compatibility_level", one, [(160,)]),
            Answer("sp_getapplock", one, [(0,)]),
            Answer("SELECT t.name FROM sys.tables", ["name"], [("customer",), ("orders",)]),
            Answer("FROM sys.columns c", COLUMN, COLUMNS),
            Answer("FROM sys.indexes i\nJOIN", INDEX, INDEXES),
            Answer("FROM sys.foreign_keys f", KEY, KEYS),
            Answer("FROM sys.check_constraints", ["table", "name", "definition"],
                   [("orders", "not_less", "([total]>=(0))")]),
            Answer("p.minor_id = 0", ["table", "text"], [("orders", "what is due")]),
            Answer("FROM sys.views v LEFT", ["name", "definition"], [("big", VIEW)]),
            Answer("FROM sys.objects o WHERE", ["a", "b", "c"], contents),
            Answer("snapshot_isolation_state", one, [(1,)]),
            Answer("SELECT COUNT(*) FROM", one, [(0,)]),
        ],
    )  # fmt: skip


def engine_of(recorded: Recorded) -> Engine:
    """Return an engine on a driver that answers from what is recorded."""
    return create_engine("mssql+pymssql://ada:s3cret@host/db", module=recorded.driver)


def parsed(sql: str) -> Any:
    """Return a statement as sqlglot's T-SQL reads it; its grammar knows no hints of INSERT."""
    return sqlglot.parse_one(sql.replace(" WITH (TABLOCK)", ""), dialect="tsql")


@feature("a copy states what its source does")
def test_a_recorded_catalogue_is_described() -> None:
    meta = reflect(engine_of(fake()), "shop")
    customer, orders = meta.tables["customer"], meta.tables["orders"]
    assert {n: c.sql_type for n, c in orders.columns.items()} == {
        "id": "BIGINT", "customer_id": "INT", "total": "DECIMAL(9, 2)",
        "due": "DECIMAL(10, 2) PERSISTED", "code": "VARCHAR(9) COLLATE Latin1_General_BIN2",
        "nr": "INT", "rv": "ROWVERSION",
    }  # fmt: skip
    identity = customer.columns["id"].identity
    assert identity is not None
    assert (identity.start, identity.increment) == (5, 2)
    assert [(u.name, u.columns, u.nulls_distinct) for u in customer.unique] == [
        ("once", ["mail"], False)
    ]
    assert customer.columns["mail"].comment == "who 'it' is"
    assert customer.columns["seen"].timezone
    assert [(k.columns, k.parent, k.on_delete, k.on_update) for k in orders.foreign_keys] == [
        (["customer_id"], "customer", "CASCADE", None)
    ]
    assert [(c.name, c.sqltext) for c in orders.checks] == [("not_less", "([total]>=(0))")]
    assert (orders.comment, orders.columns["nr"].default) == ("what is due", None)
    assert [(i.name, i.unique, i.definition) for i in orders.indexes] == [
        ("late", False, 'CREATE INDEX "late" ON "orders" ("total" DESC) INCLUDE ("code")'),
        ("open", True, 'CREATE UNIQUE INDEX "open" ON "orders" ("customer_id") '
         "WHERE ([code]='open')"),
    ]  # fmt: skip
    assert orders.exclude_columns == ["rv"]
    meta.validate_schema()


PUBLISHED = [
    "CREATE SCHEMA [shop_synthetic__]",
    "EXEC sys.sp_addextendedproperty N'synthohive_staging_of', N'shop_synthetic', N'SCHEMA', "
    "N'shop_synthetic__'",
    "CREATE TABLE [shop_synthetic__].[customer] (\n"
    "  [id] INT IDENTITY(5, 2) NOT NULL,\n"
    "  [mail] NVARCHAR(40) NULL,\n"
    "  [flag] BIT DEFAULT ((1)) NOT NULL,\n"
    "  [seen] DATETIMEOFFSET(7) NULL\n)",
    "SET IDENTITY_INSERT [shop_synthetic__].[customer] ON",
    "INSERT INTO [shop_synthetic__].[customer] WITH (TABLOCK) ([id], [mail], [flag], [seen])\n"
    "SELECT c0, c1, c2, c3 FROM OPENJSON(N'[[5,\"it''s\",true,\"2024-01-31 "
    "00:00:00.000001+00:00\"]]') WITH (c0 BIGINT '$[0]', c1 NVARCHAR(MAX) '$[1]', "
    "c2 BIT '$[2]', c3 DATETIMEOFFSET(6) '$[3]')",
    "SET IDENTITY_INSERT [shop_synthetic__].[customer] OFF",
    "CREATE TABLE [shop_synthetic__].[orders] (\n"
    "  [id] BIGINT NOT NULL,\n"
    "  [customer_id] INT NOT NULL,\n"
    "  [total] DECIMAL(9, 2) DEFAULT ((0)) NOT NULL,\n"
    "  [due] AS ([total]-(1)) PERSISTED,\n"
    "  [code] VARCHAR(9) COLLATE Latin1_General_BIN2 NOT NULL,\n"
    "  [nr] INT NULL,\n"
    "  [rv] ROWVERSION NOT NULL\n)",
    "ALTER TABLE [shop_synthetic__].[customer] ADD PRIMARY KEY ([id])",
    "ALTER TABLE [shop_synthetic__].[customer] ADD CONSTRAINT [once] UNIQUE ([mail])",
    "EXEC sys.sp_addextendedproperty N'MS_Description', N'who ''it'' is', N'SCHEMA', "
    "N'shop_synthetic__', N'TABLE', N'customer', N'COLUMN', N'mail'",
    "ALTER TABLE [shop_synthetic__].[orders] ADD PRIMARY KEY ([id])",
    "ALTER TABLE [shop_synthetic__].[orders] ADD CONSTRAINT [not_less] CHECK (([total]>=(0)))",
    "CREATE INDEX [late] ON [shop_synthetic__].[orders] ([total] DESC) INCLUDE ([code])",
    "CREATE UNIQUE INDEX [open] ON [shop_synthetic__].[orders] ([customer_id]) "
    "WHERE ([code]='open')",
    "EXEC sys.sp_addextendedproperty N'MS_Description', N'what is due', N'SCHEMA', "
    "N'shop_synthetic__', N'TABLE', N'orders'",
    "UPDATE STATISTICS [shop_synthetic__].[customer]",
    "UPDATE STATISTICS [shop_synthetic__].[orders]",
    "SELECT COUNT(*) FROM [shop_synthetic__].[orders] c WHERE c.[customer_id] IS NOT NULL AND NOT "
    "EXISTS (SELECT 1 FROM [shop_synthetic__].[customer] p WHERE p.[id] = c.[customer_id])",
    "ALTER TABLE [shop_synthetic__].[orders] ADD CONSTRAINT [buyer] FOREIGN KEY ([customer_id]) "
    "REFERENCES [shop_synthetic__].[customer] ([id]) ON DELETE CASCADE",
    "CREATE VIEW [shop_synthetic__].[big] AS SELECT o.id, c.mail FROM "
    "[shop_synthetic__].[orders] AS o JOIN [shop_synthetic__].[customer] AS c ON 1 = 1",
    "CREATE TABLE [shop_synthetic__].[_synthohive] (version NVARCHAR(400), model NVARCHAR(400), "
    "seed DECIMAL(38, 0), scale FLOAT, created NVARCHAR(400), source NVARCHAR(400), objects "
    "NVARCHAR(MAX))",
    "INSERT INTO [shop_synthetic__].[_synthohive] VALUES (N'0.1', N'none', 7, 1.0, "
    "N'2026-01-01T00:00:00+00:00', N'source', N'[\"table _synthohive 3\", \"table customer 1\", "
    '"table orders 2"]\')',
    "BEGIN TRANSACTION",
    "DROP VIEW [shop_synthetic__].[big]",
    "CREATE SCHEMA [shop_synthetic]",
    "ALTER SCHEMA [shop_synthetic] TRANSFER OBJECT::[shop_synthetic__].[_synthohive]",
    "ALTER SCHEMA [shop_synthetic] TRANSFER OBJECT::[shop_synthetic__].[customer]",
    "ALTER SCHEMA [shop_synthetic] TRANSFER OBJECT::[shop_synthetic__].[orders]",
    "CREATE VIEW [shop_synthetic].[big] AS SELECT o.id, c.mail FROM "
    "[shop_synthetic].[orders] AS o JOIN [shop_synthetic].[customer] AS c ON 1 = 1",
    "COMMIT TRANSACTION",
]
"""What a copy of the shop says; the staging schema's random end is left out."""


def plainly(said: list[str]) -> list[str]:
    """Return what changes something, without the random end of the staging schema's name."""
    import re

    found = [re.sub("(__)synthohive_[0-9a-f]{8}", r"\1", sql) for sql in said]
    asks = ("SELECT ", "\nSELECT", "SET NOCOUNT", "SET ANSI", "\nset", "select")
    proof = "SELECT COUNT(*) FROM [shop_synthetic__]"
    return [s for s in found if not s.startswith(asks) or s.startswith(proof)]


def copy(recorded: Recorded, **how: Any) -> None:
    """Copy the shop, with one row."""
    engine = engine_of(recorded)
    meta = reflect(engine, "shop")
    seen = datetime.datetime(2024, 1, 31, microsecond=1, tzinfo=datetime.timezone.utc)
    row = pa.record_batch(
        {"id": pa.array([5], pa.int32()), "mail": ["it's"], "flag": [True],
         "seen": pa.array([seen], pa.timestamp("us", "UTC"))}
    )  # fmt: skip
    with open_writer(
        engine, meta, source_schema="shop", provenance=ORIGIN, include=["views"], **how
    ) as writer:
        writer.load("customer", [row])
        writer.finish()
        assert writer.objects() == {("views", "big"): ""}


@feature("keys")
def test_a_copy_is_made_by_these_statements() -> None:
    recorded = fake()
    copy(recorded)
    said = plainly(recorded.said)
    for found, right in zip(said, PUBLISHED):
        assert found == right
    assert len(said) == len(PUBLISHED)


def test_sqlglot_reads_them() -> None:
    for sql in PUBLISHED:
        if not sql.startswith(("ALTER SCHEMA", "SET IDENTITY", "UPDATE STATISTICS", "BEGIN")):
            assert not isinstance(parsed(sql), exp.Command), sql


@feature("replaced as a whole")
def test_what_is_replaced_moves_aside_in_the_same_transaction() -> None:
    there = [("_synthohive", "U", 13), ("orders", "U", 12), ("big", "V", 14)]
    keys = json.dumps(["table _synthohive 13", "table orders 12", "view big"])
    note = ("0.1", "none", 7, 1.0, "2026", "source", keys)
    names = ["version", "model", "seed", "scale", "created", "source", "objects"]
    recorded = fake(
        Answer("FROM sys.schemas WHERE name =", ["a"], [("x",)]),
        Answer("SCHEMA_ID(N'shop_synthetic')", ["a", "b", "c"],
               lambda sql: there if "sys.objects" in sql else []),
        Answer("SELECT TOP 2", names, [note]),
    )  # fmt: skip
    copy(recorded, if_exists="replace")
    said = plainly(recorded.said)
    moved = said[said.index("BEGIN TRANSACTION") : said.index("COMMIT TRANSACTION")]
    assert moved[:5] == [
        "BEGIN TRANSACTION",
        "DROP VIEW [shop_synthetic__].[big]",
        "CREATE SCHEMA [shop_synthetic___old]",
        "ALTER SCHEMA [shop_synthetic___old] TRANSFER OBJECT::[shop_synthetic].[_synthohive]",
        "ALTER SCHEMA [shop_synthetic___old] TRANSFER OBJECT::[shop_synthetic].[orders]",
    ]
    assert "DROP VIEW [shop_synthetic].[big]" in moved
    assert said[-1] == "DROP SCHEMA [shop_synthetic__]"
    with pytest.raises(ConnectorError, match="exists already"):
        copy(fake(*recorded.answers[:3]))


@pytest.mark.parametrize(
    ("taken", "said"), [((-1,), "Another run is writing to 'shop_synthetic'"), ((0,), "")]
)
@feature("two runs do not mix")
def test_two_runs_to_one_target_are_kept_apart(taken: tuple[int], said: str) -> None:
    recorded = fake(Answer("synthohive shop_synthetic'", ["a"], [taken]))
    if said:
        with pytest.raises(ConnectorError, match=said):
            copy(recorded)
        assert not any(sql.startswith("CREATE") for sql in recorded.said)
    else:
        copy(recorded)


def test_an_older_compatibility_level_is_refused() -> None:
    with pytest.raises(ConnectorError, match="COMPATIBILITY_LEVEL = 130"):
        copy(fake(Answer("compatibility_level", ["a"], [(120,)])))


@feature("reads see one state")
def test_reads_are_of_one_state_and_of_exact_values() -> None:
    recorded = fake(
        Answer("SELECT t.[id], t.[mail]", ["a", "b", "c", "d"],
               [(5, "x", True, 1_706_659_200_000_001)]),
    )  # fmt: skip
    warehouse = SqlWarehouse(engine_of(recorded), "shop")
    (batch,) = warehouse.read("customer")
    seen = datetime.datetime(2024, 1, 31, microsecond=1, tzinfo=datetime.timezone.utc)
    assert batch.to_pylist() == [{"id": 5, "mail": "x", "flag": True, "seen": seen}]
    isolation, query = recorded.said[-2:]
    assert isolation == "SET TRANSACTION ISOLATION LEVEL SNAPSHOT"
    assert query == (
        "SELECT t.[id], t.[mail], t.[flag], DATEDIFF_BIG(MICROSECOND, CAST('19700101' AS "
        "DATETIME2(7)), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS DATETIME2(7))) "
        "FROM [shop].[customer] t ORDER BY t.[id]"
    )
    parsed(query)


@feature("statistics in SQL")
def test_questions_are_tsql() -> None:
    recorded = fake(Answer("sum(", ["a", "b", "c"], [(3, 9, 1)]))
    asked = SqlWarehouse(engine_of(recorded), "shop").questions()
    assert asked is not None
    before = len(recorded.said)
    asked.repeated("orders", ["customer_id"])
    asked.counted(Joined("customer", ("seen",)), [lambda terms: terms.missing("seen")])
    key = reflect(engine_of(fake()), "shop").tables["orders"].foreign_keys[0]
    asked.shares("orders", [key])
    asked.understood(Joined("orders", ("total",)), lambda t: t.number("total") > t.plain(0.5))
    queries = [s for s in recorded.said[before:] if "[shop]" in s]
    assert queries[0] == (
        "SELECT TOP 1 1 \nFROM [shop].[orders] t \nWHERE t.[customer_id] IS NOT NULL GROUP BY "
        "(t.[customer_id]) \nHAVING count(*) > 1"
    )
    assert len(queries) >= 3
    for sql in queries:
        assert isinstance(parsed(sql), exp.Query)
        assert "LIMIT" not in sql


@pytest.mark.parametrize(
    ("facts", "sql_type", "kind"),
    [
        ({"type": "datetime2", "scale": 7}, "DATETIME2(7)", ColumnKind.TIMESTAMP),
        ({"type": "datetime"}, "DATETIME", ColumnKind.TIMESTAMP),
        ({"type": "time", "scale": 3}, "TIME(3)", ColumnKind.TIME),
        ({"type": "uniqueidentifier"}, "UNIQUEIDENTIFIER", ColumnKind.UUID),
        ({"type": "money"}, "MONEY", ColumnKind.DECIMAL),
        ({"type": "varbinary", "size": -1}, "VARBINARY(MAX)", ColumnKind.BINARY),
        ({"type": "nvarchar", "size": -1}, "NVARCHAR(MAX)", ColumnKind.TEXT),
        ({"type": "xml"}, "XML", ColumnKind.TEXT),
        ({"type": "tinyint"}, "TINYINT", ColumnKind.INTEGER),
        ({"type": "hierarchyid"}, "HIERARCHYID", ColumnKind.UNSUPPORTED),
        ({"type": "sql_variant"}, "SQL_VARIANT", ColumnKind.UNSUPPORTED),
        ({"type": "timestamp"}, "ROWVERSION", ColumnKind.UNSUPPORTED),
    ],
)
@feature("types come back")
def test_types(facts: dict[str, Any], sql_type: str, kind: ColumnKind) -> None:
    found = described(facts)
    assert (found["sql_type"], found["kind"]) == (sql_type, kind)


VALUES = {
    "i": (pa.array([-(2**63), None]), -(2**63), "BIGINT"),
    "u": (pa.array([2**64 - 1, None], pa.uint64()), 2**64 - 1, "DECIMAL(20, 0)"),
    "d": (pa.array([Decimal("0.01"), None], pa.decimal128(38, 2)), "0.01", "DECIMAL(38, 2)"),
    "f": (pa.array([0.1, None]), 0.1, "FLOAT"),
    "b": (pa.array([True, None]), True, "BIT"),
    "day": (pa.array([datetime.date(9999, 12, 31), None]), "9999-12-31", "DATE"),
    "t": (pa.array([datetime.time(23, 59, 59, 1), None]), "23:59:59.000001", "TIME(6)"),
    "m": (pa.array([datetime.datetime(1, 1, 1), None], pa.timestamp("us")),
          "0001-01-01 00:00:00.000000", "DATETIME2(6)"),
    "z": (pa.array([0, None], pa.timestamp("us", "UTC")),
          "1970-01-01 00:00:00.000000+00:00", "DATETIMEOFFSET(6)"),
    "s": (pa.array([1_000_000, None], pa.duration("us")),
          "1970-01-01 00:00:01.000000", "DATETIME2(6)"),
    "x": (pa.array([b"\x00\xff", None]), "AP8=", "VARBINARY(MAX)"),
    "n": (pa.array(["it's 'ü' \\ \n [$x$]", None]), "it's 'ü' \\ \n [$x$]", "NVARCHAR(MAX)"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_as_a_document_has_them(name: str) -> None:
    array, plain, type_ = VALUES[name]
    batch = pa.record_batch({name: array})
    ((document, count),) = documents("t", batch)
    assert (json.loads(document), count) == ([[plain], [None]], 2)
    arrow = str(array.type)
    sql = insert_sql("[t]", [Column(name=name, kind=ColumnKind.TEXT, arrow=arrow)], document)
    assert f"c0 {type_} '$[0]'" in sql
    insert = parsed(sql)
    (text,) = [node.this for node in insert.find_all(exp.National)]
    assert json.loads(str(text)) == [[plain], [None]]


def test_documents_are_bounded_and_numbers_finite() -> None:
    batch = pa.record_batch({"a": ["x" * 1000] * 10_000})
    found = list(documents("t", batch))
    assert sum(count for _, count in found) == 10_000
    assert max(len(document) for document, _ in found) < 6 << 20
    with pytest.raises(ConnectorError, match="infinite"):
        list(documents("t", pa.record_batch({"a": [float("nan")]})))


@feature("no secret is shown")
def test_errors_say_no_values() -> None:
    said = (
        b"String or binary data would be truncated in table 'db.s.t', column 'mail'. Truncated "
        b"value: 'ada@post.org'. DB-Lib error message 20018, severity 16"
    )
    assert "ada" not in reason(pymssql.OperationalError(2628, said))
    said_by_odbc = (
        "[23000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Violation of UNIQUE KEY. "
        "The duplicate key value is (Dr. Ada Lovelace, 5). (2627) (SQLExecDirectW)"
    )
    assert reason(pymssql.OperationalError("23000", said_by_odbc)) == (
        "Violation of UNIQUE KEY. The duplicate key value is …"
    )
    converted = (
        b"Conversion failed when converting the nvarchar value 'to data type x' to data type int."
    )
    assert reason(pymssql.OperationalError(245, converted)).endswith("value … to data type int")
    assert "column 'mail'" in reason(pymssql.OperationalError(2628, said))


@feature("missing rights are named")
def test_a_missing_right_is_named() -> None:
    from synthohive.connectors.mssql import CAPABILITIES

    said = "The SELECT permission was denied on the object 'orders', database 'db', schema 'shop'"
    assert CAPABILITIES.missing_grant(said, "shop") == (
        "Missing: GRANT SELECT ON SCHEMA::[shop]. See docs/security.md."
    )
    said = "CREATE SCHEMA permission denied in database 'db'"
    assert "GRANT CREATE SCHEMA in" in str(CAPABILITIES.missing_grant(said, "shop"))


KINDS = {
    "status": ColumnKind.TEXT, "left_on": ColumnKind.DATE, "flag": ColumnKind.BOOLEAN,
    "n": ColumnKind.INTEGER, "word": ColumnKind.TEXT,
}  # fmt: skip


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("flag", "[flag] = 1"),
        ("NOT flag OR n > 1", "NOT [flag] = 1 OR [n] > 1"),
        ("flag = true", "[flag] = 1"),
        ("(n = 1) = (left_on IS NOT NULL)",
         "(CASE WHEN [n] = 1 THEN 1 WHEN NOT ([n] = 1) THEN 0 END) = (CASE WHEN [left_on] IS NOT "
         "NULL THEN 1 WHEN NOT ([left_on] IS NOT NULL) THEN 0 END)"),
        ("CASE WHEN flag THEN n > 1 ELSE true END",
         "CASE WHEN [flag] = 1 THEN CASE WHEN [n] > 1 THEN 1 WHEN NOT ([n] > 1) THEN 0 END "
         "ELSE 1 END = 1"),
        ("length(word) > 3", "(LEN([word] + N'.') - 1) > 3"),
        ("left_on <= CURRENT_DATE", "[left_on] <= CAST(GETDATE() AS DATE)"),
        ("flag IS NOT TRUE", None),
        ("word LIKE 'A[%'", None),
    ],
)  # fmt: skip
@feature("CHECK, UNIQUE, computed")
def test_conditions_of_other_engines(here: str, there: Optional[str]) -> None:
    columns = {name: Column(name=name, kind=kind) for name, kind in KINDS.items()}
    vetting = Vetting(spelling("postgresql"), frozenset(), SPELLING)
    if there is None:
        with pytest.raises(Refused, match="there"):
            vetting.expression(here, columns, check=True)
        return
    assert vetting.expression(here, columns, check=True) == there
    sqlglot.parse_one(there, dialect="tsql")


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("([flag]=(1))", '("flag" = TRUE)'),
        ("([status]=N'N''x')", "(LOWER(\"status\") = 'n''x')"),
        ("(isnull([n],(0))>(0))", '(COALESCE("n", (0)) > (0))'),
        ("([word] like '[0-9]%')", None),
    ],
)
def test_conditions_for_other_engines(here: str, there: Optional[str]) -> None:
    columns = {name: Column(name=name, kind=kind) for name, kind in KINDS.items()}
    vetting = Vetting(SPELLING, frozenset(), spelling("postgresql"))
    if there is None:
        with pytest.raises(Refused, match="there"):
            vetting.expression(here, columns, check=True)
    else:
        assert vetting.expression(here, columns, check=True) == there


def test_a_description_of_another_engine_is_written() -> None:
    meta = Metadata(dialect="postgresql")
    meta.add_table("p", "id", columns={"id": Column(name="id", kind=ColumnKind.UUID)})
    columns = {
        "id": Column(name="id", kind=ColumnKind.INTEGER, nullable=False, identity=Identity()),
        "mail": Column(name="mail", kind=ColumnKind.TEXT),
        "made": Column(name="made", kind=ColumnKind.TIMESTAMP, timezone=True, default="now()"),
        "sum": Column(name="sum", kind=ColumnKind.DECIMAL, precision=9, scale=2),
        "net": Column(name="net", kind=ColumnKind.DECIMAL, precision=9, scale=2,
                      computed="sum - 1.5"),
        "p": Column(name="p", kind=ColumnKind.UUID),
    }  # fmt: skip
    meta.add_table(
        "c", "id", columns=columns, unique=[UniqueConstraint(columns=["mail"], name="once")],
        foreign_keys=[ForeignKey(columns=["p"], parent="p", parent_columns=["id"], declared=True,
                                 on_delete="RESTRICT", on_update="CASCADE")],
    )  # fmt: skip
    ddl = build_ddl(meta, engine_of(fake()).dialect)
    (made,) = ddl.tables["c"]
    assert made.sql == (
        "CREATE TABLE [$synthohive$].[c] (\n"
        "  [id] BIGINT IDENTITY(1, 1) NOT NULL,\n"
        "  [mail] NVARCHAR(450) COLLATE Latin1_General_100_BIN2 NULL,\n"
        "  [made] DATETIMEOFFSET(6) DEFAULT SYSDATETIME() NULL,\n"
        "  [sum] DECIMAL(9, 2) NULL,\n"
        "  [net] AS CAST([sum] - 1.5 AS DECIMAL(9, 2)) PERSISTED,\n"
        "  [p] UNIQUEIDENTIFIER NULL\n)"
    )
    after = [statement.sql for statement in (*ddl.after, *ddl.keys)]
    assert after[2:] == [
        "CREATE UNIQUE INDEX [once] ON [$synthohive$].[c] ([mail]) WHERE [mail] IS NOT NULL",
        "ALTER TABLE [$synthohive$].[c] ADD FOREIGN KEY ([p]) REFERENCES [$synthohive$].[p] ([id]) "
        "ON UPDATE CASCADE",
    ]
    for sql in (made.sql, *after):
        assert not isinstance(parsed(sql), exp.Command)


def test_sets_of_characters_in_like_are_read() -> None:
    sql = "([word] like '[A-C][0-9]_%' AND [word] not like '%[xy]')"
    check = compile_check(sql, "mssql", {"word": Column(name="word", kind=ColumnKind.TEXT)})
    assert isinstance(check, Check), check
    rows = pa.table({"word": ["a1.", "b22", "d1.", "11.", "A1x"]})
    assert check.holds(rows).tolist() == [True, True, False, False, False]


def test_names_are_quoted() -> None:
    assert (SPELLING.quote("a]b"), SPELLING.literal("it's")) == ("[a]]b]", "N'it''s'")


def test_a_url_without_a_driver_takes_pymssql() -> None:
    assert to_engine("mssql://ada:s3cret@host/db").driver == "pymssql"


@notimpl("a server: nothing here speaks its protocol", raises=ConnectorError)
def test_a_server_answers() -> None:
    reflect(to_engine("mssql://sa:none@127.0.0.1:1/db?login_timeout=1&timeout=1"))


@pytest.mark.skipif(URL is None, reason="SYNTHOHIVE_TEST_MSSQL_URL names no server")
@pytest.mark.remote
@runs("SQL Server", ACCOUNT)
class TestRemote(EngineContract):
    """The user's verbs in a database where schemas may be made."""

    partial_indexes = True

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        engine = to_engine(str(URL))
        name = f"t{secrets.token_hex(5)}"
        place = Place(engine, name)
        place.run(f"CREATE SCHEMA [{name}]")
        yield place
        for left in (name, f"{name}_synthetic"):
            for table in ("remark", "line", "orders", "customer", "_synthohive"):
                place.run(f"DROP VIEW IF EXISTS [{left}].[big_orders]")
                place.run(f"DROP TABLE IF EXISTS [{left}].[{table}]")
            place.run(f"DROP SCHEMA IF EXISTS [{left}]")
        engine.dispose()
