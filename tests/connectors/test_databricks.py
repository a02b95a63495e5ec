"""Databricks without a workspace: recorded rows of its catalogue, pinned SQL in its grammar.

A cursor that keeps what it is told stands in for the server: nothing here clones tables.
"""

from __future__ import annotations

import re
import traceback
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, Optional

import pyarrow as pa
import pytest
from sqlalchemy import create_engine
from sqlglot import exp, parse_one

pytest.importorskip("databricks.sqlalchemy")

import databricks.sql
from databricks.sql.exc import ServerOperationError

from synthohive import Synthesizer
from synthohive._workspace import Workspace
from synthohive.connectors.databricks import CAPABILITIES, catalogue
from synthohive.connectors.databricks.spelling import SPELLING
from synthohive.connectors.databricks.write import DatabricksWriter
from synthohive.connectors.engines import shown
from synthohive.connectors.registry import spelling
from synthohive.connectors.spark_sql.keys import keys_sql
from synthohive.connectors.spark_sql.text import reason
from synthohive.connectors.spark_sql.types import described
from synthohive.connectors.sql import SqlWarehouse
from synthohive.ddl.portable import portable_ddl
from synthohive.exceptions import ConnectorError
from synthohive.io.staging import Order
from synthohive.schema import CheckConstraint, Column, ColumnKind, Metadata, UniqueConstraint
from tests.contracts.lease import LeaseContract
from tests.contracts.recorded import Answer, Recorded
from tests.contracts.recorded_rows import Rows, recorded
from tests.contracts.writer import ORIGIN, shop
from tests.contracts.writer import rows as shop_rows
from tests.evidence import PARSED, feature, runs

pytestmark = runs("Databricks", PARSED)

URL = "databricks://token:dapi-hidden@h.cloud?http_path=/sql/1.0/w&catalog=main&schema=s"
ENGINE = create_engine(URL)
ORDERS = r"""CREATE TABLE main.s.orders (
  id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 2),
  shop_id INT NOT NULL COMMENT 'where, it\'s',
  price DECIMAL(10,2) DEFAULT 0,
  `a b` ARRAY<STRUCT<k: STRING, v: INT>>,
  total DECIMAL(11,2) GENERATED ALWAYS AS ( price + 1 ),
  more VARIANT,
  CONSTRAINT `orders_pk` PRIMARY KEY (`id`),
  CONSTRAINT `of_shop` FOREIGN KEY (`shop_id`) REFERENCES `main`.`s`.`shop` (`id`))
USING delta
CLUSTER BY (shop_id)
COMMENT 'what was sold'
TBLPROPERTIES (
  'delta.constraints.positive' = 'price >= 0 AND more IS NOT NULL OR \'a\' <> \'b\'',
  'delta.columnMapping.mode' = 'name',
  'delta.lastCommitTimestamp' = '1')
"""
SHOP = """CREATE TABLE main.s.shop (
  id INT NOT NULL,
  code CHAR(3))
USING delta
PARTITIONED BY (code)
"""
COLUMNS = (
    "table_name",
    "column_name",
    "full_data_type",
    "column_default",
    "is_nullable",
    "comment",
)
KEYS = ("table_name", "constraint_name", "constraint_type", "column_name", "place", "parent",
        "parent_column")  # fmt: skip
KNOWN: Rows = {
    "SELECT current_catalog(), current_schema()": (("c", "s"), [("main", "s")]),
    catalogue._TABLES: (
        ("table_name", "table_type", "comment"),
        [("big", "VIEW", None), ("feed", "STREAMING_TABLE", None),
         ("orders", "MANAGED", "what was sold"), ("shop", "EXTERNAL", None)],
    ),
    catalogue._COLUMNS: (
        COLUMNS,
        [("big", "id", "bigint", None, "YES", None),
         ("orders", "id", "bigint", None, "NO", None),
         ("orders", "shop_id", "int", None, "NO", "where, it's"),
         ("orders", "price", "decimal(10,2)", "0", "YES", None),
         ("orders", "a b", "array<struct<k:string,v:int>>", None, "YES", None),
         ("orders", "total", "decimal(11,2)", None, "YES", None),
         ("orders", "more", "variant", None, "YES", None),
         ("shop", "id", "int", None, "NO", None),
         ("shop", "code", "char(3)", None, "YES", None)],
    ),
    keys_sql("information_schema"): (
        KEYS,
        [("orders", "of_shop", "FOREIGN KEY", "shop_id", "s", "shop", "id"),
         ("orders", "orders_pk", "PRIMARY KEY", "id", None, None, None),
         ("shop", "shop_pk", "PRIMARY KEY", "id", None, None, None)],
    ),
    catalogue._VIEWS: (
        ("table_name", "view_definition"),
        [("big", "SELECT o.id FROM main.s.orders o JOIN shop s ON s.id = o.shop_id"),
         ("far", "SELECT * FROM other.s.orders")],
    ),
}  # fmt: skip


def known() -> tuple[Any, Metadata]:
    def plain(self: Any, sql: str) -> Any:
        text = ORDERS if "orders" in sql else SHOP
        return SimpleNamespace(all=lambda: [(text,)])

    return recorded(ENGINE, KNOWN, "s", plain=plain)


def test_recorded_rows_become_a_description() -> None:
    _, meta = known()
    assert set(meta.tables) == {"orders", "shop"}
    orders = meta.tables["orders"]
    assert (orders.pk, orders.comment) == (["id"], "what was sold")
    (key,) = orders.foreign_keys
    assert (key.name, key.columns, key.parent, key.parent_columns) == (
        "of_shop", ["shop_id"], "shop", ["id"],
    )  # fmt: skip
    counter = orders.columns["id"].identity
    assert counter is not None
    assert (counter.start, counter.increment, counter.always) == (1, 2, True)
    assert orders.columns["total"].computed == "price + 1"
    (check,) = orders.checks
    assert check.name == "positive"
    assert check.sqltext == "price >= 0 AND more IS NOT NULL OR 'a' <> 'b'"
    assert orders.columns["shop_id"].comment == "where, it's"
    assert orders.columns["a b"].kind is ColumnKind.ARRAY


@feature("a copy states what its source does")
def test_a_clone_is_its_source_s_own_text() -> None:
    told, meta = known()
    meta.tables["shop"].unique.append(UniqueConstraint(columns=["code"]))  # proved, not declared
    made = told.clone(meta, "s", [])
    assert made is not None
    (orders,), (of_shop,) = made.tables["orders"], made.tables["shop"]
    assert orders.sql == (
        "CREATE TABLE `orders` (\n"
        "  `id` BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY (START WITH 1 INCREMENT BY 2),\n"
        "  `shop_id` INT NOT NULL COMMENT 'where, it\\'s',\n"
        "  `price` DECIMAL(10,2) DEFAULT 0,\n"
        "  `a b` ARRAY<STRUCT<k: STRING, v: INT>>,\n"
        "  `total` DECIMAL(11,2) GENERATED ALWAYS AS ( price + 1 ),\n"
        "  `more` VARIANT\n"
        ")\nUSING DELTA\nCLUSTER BY (shop_id)\n"
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    )
    assert of_shop.sql.endswith(")\nUSING DELTA\nPARTITIONED BY (code)")
    assert [s.sql for s in (*made.after, *made.keys, *made.counters)] == [
        "ALTER TABLE `orders` ADD CONSTRAINT `positive` CHECK "
        "(price >= 0 AND more IS NOT NULL OR 'a' <> 'b')",
        "ALTER TABLE `orders` ADD PRIMARY KEY (`id`) NOT ENFORCED",
        "COMMENT ON TABLE `orders` IS 'what was sold'",
        "ALTER TABLE `shop` ADD PRIMARY KEY (`id`) NOT ENFORCED",
        "ALTER TABLE `orders` ADD CONSTRAINT `of_shop` FOREIGN KEY (`shop_id`) "
        "REFERENCES `shop` (`id`) NOT ENFORCED",
        "ALTER TABLE `orders` ALTER COLUMN `id` SYNC IDENTITY",
    ]
    for statement in (orders, of_shop, *made.after, *made.keys):
        assert parse_one(statement.sql, dialect="databricks")
    meta.tables["shop"].columns["new"] = Column(name="new", kind=ColumnKind.TEXT)
    assert told.clone(meta, "s", []) is None


@feature("views")
def test_views_lead_to_the_copy_or_are_refused() -> None:
    told, _ = known()
    big, far = told.objects("s", ["orders", "shop"], [])
    assert big.create == (
        "CREATE VIEW `big` AS SELECT o.id FROM `orders` AS o JOIN `shop` AS s ON s.id = o.shop_id"
    )
    assert "other.s.orders" in far.refused


@pytest.mark.parametrize(
    ("type_", "kind", "arrow"),
    [
        ("tinyint", ColumnKind.INTEGER, pa.int8()),
        ("bigint", ColumnKind.INTEGER, pa.int64()),
        ("float", ColumnKind.FLOAT, pa.float32()),
        ("double", ColumnKind.FLOAT, pa.float64()),
        ("decimal(38,18)", ColumnKind.DECIMAL, pa.decimal128(38, 18)),
        ("boolean", ColumnKind.BOOLEAN, pa.bool_()),
        ("varchar(9)", ColumnKind.TEXT, pa.string()),
        ("binary", ColumnKind.BINARY, pa.binary()),
        ("timestamp", ColumnKind.TIMESTAMP, pa.timestamp("us", "UTC")),
        ("timestamp_ntz", ColumnKind.TIMESTAMP, pa.timestamp("us")),
        ("map<string,int>", ColumnKind.COMPOSITE, None),
        ("variant", ColumnKind.JSON, None),
        ("interval day to second", ColumnKind.UNSUPPORTED, None),
        ("geography(4326)", ColumnKind.UNSUPPORTED, None),
        ("void", ColumnKind.UNSUPPORTED, None),
    ],
)
def test_each_type_has_its_kind(type_: str, kind: ColumnKind, arrow: Any) -> None:
    column = Column(name="a", **described(type_))
    assert column.kind is kind
    assert arrow is None or column.arrow_type == arrow


@feature("CHECK, UNIQUE, computed")
def test_what_other_engines_declare_is_mapped() -> None:
    meta = shop()
    meta.dialect = "postgresql"
    columns = meta.tables["orders"].columns
    columns["doc"] = Column(name="doc", kind=ColumnKind.JSON)
    columns["made"] = Column(name="made", kind=ColumnKind.TIMESTAMP, default="now()")
    meta.tables["orders"].checks += [
        CheckConstraint(sqltext="(id > 0)"),
        CheckConstraint(sqltext="(id < 99)"),
    ]
    made = portable_ddl(
        meta, ENGINE.dialect, SPELLING, source=spelling("postgresql"), all_keys=True
    )
    (orders,) = made.tables["orders"]
    assert "`doc` VARIANT" in orders.sql
    assert "`made` TIMESTAMP_NTZ DEFAULT CURRENT_TIMESTAMP()" in orders.sql
    assert orders.sql.endswith("'delta.columnMapping.mode' = 'name')")
    checks = [s.sql for s in made.after if "CHECK" in s.sql]
    assert len(set(re.findall(r"ADD CONSTRAINT `(\w+)`", " ".join(checks)))) == 2
    assert [(left.kind, left.name) for left in made.left if left.kind == "unique constraints"] == [
        ("unique constraints", "customers.customers_email_once")
    ]
    assert made.enforced == frozenset()
    for statement in (*(s for t in made.tables.values() for s in t), *made.after, *made.keys):
        assert parse_one(statement.sql, dialect="databricks")


@feature("no secret is shown")
def test_errors_show_neither_values_nor_credentials() -> None:
    said = (
        "[CAST_INVALID_INPUT] The value 'a@b.c' of the type cannot be cast. SQLSTATE: 22018\n\tat"
    )
    assert "a@b.c" not in reason(ValueError(said))
    assert "dapi-hidden" not in shown(ENGINE)
    assert "catalog=main" in shown(ENGINE)
    grant = CAPABILITIES.missing_grant(
        "Insufficient privileges: User does not have USE SCHEMA on Schema 'main.shop'.", "shop"
    )
    assert grant is not None
    assert "GRANT USE SCHEMA ON Schema main.shop TO" in grant


class Told:
    """A connection that keeps what it is told, and answers what is asked of a catalogue."""

    def __init__(self, there: dict[str, list[str]], fails: str = "(?!)") -> None:
        self.there, self.fails, self.said = there, re.compile(fails), list[str]()
        self.staged: set[str] = set()
        self.marks: dict[str, Optional[str]] = dict.fromkeys(there)
        self.rows = 0

    def cursor(self) -> Told:
        return self

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *exc: object) -> None: ...

    def close(self) -> None: ...

    def execute(self, sql: str, values: Any = None) -> None:  # noqa: PLR0912
        self.said.append(sql)
        if self.fails.search(sql):
            raise ServerOperationError("[DELTA_CLONE_FAILED] it cannot be cloned")
        self.answer: list[tuple[Any, ...]] = []
        if found := re.match(r"(?:CREATE|DROP) SCHEMA (?:IF EXISTS )?`([^`]+)`", sql):
            self.marks.pop(found[1], None)
            if sql.startswith("CREATE"):
                self.marks[found[1]] = sql.partition(" COMMENT '")[2].rstrip("'")
        elif sql.startswith("SELECT schema_name"):
            self.answer = list(self.marks.items())
        elif sql == "SELECT CURRENT_TIMESTAMP":
            self.answer = [(datetime.now(timezone.utc),)]
        elif "information_schema.tables" in sql:
            self.answer = [("table", name) for name in self.there.get(values[0], [])]
        elif "table_constraints" in sql:
            self.answer = [("old_pk",)]
        elif sql.startswith("DESCRIBE HISTORY"):
            self.answer = [(7,)]
        elif sql.startswith("SELECT * FROM"):
            self.answer = [
                ("0.1", "m", "7", 1.0, "now", "s", '["table customers", "table _synthohive"]')
            ]
        elif sql.startswith("SELECT COUNT(*) FROM `") and " c WHERE " not in sql:
            self.answer = [(self.rows,)]
        elif sql.startswith("INSERT INTO") and "parquet" in sql:
            self.rows += self.sent
        elif sql.startswith("PUT "):
            path = re.match(r"PUT '([^']+)'", sql)
            assert path is not None
            self.sent = pa.parquet.read_metadata(path[1]).num_rows
        elif "AS missing" in sql:
            self.answer = [(n, 0, 0) for n in range(sql.count("AS missing"))]
        elif sql.startswith("SELECT"):
            self.answer = [(0,)]

    @property
    def description(self) -> list[tuple[str]]:
        if self.said[-1].startswith("SELECT * FROM"):
            return [(n,) for n in "version model seed scale created source objects".split()]
        return [("version",)] if self.answer else []

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.answer


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    def opened(there: dict[str, list[str]], **more: Any) -> tuple[Told, DatabricksWriter]:
        connection = Told(there, more.pop("fails", "(?!)"))

        def connect(self: DatabricksWriter) -> Told:
            self._catalog, self._folder = "main", Workspace()
            return connection

        monkeypatch.setattr(DatabricksWriter, "_connect", connect)
        meta = shop()
        made = portable_ddl(
            meta, ENGINE.dialect, SPELLING, source=spelling("postgresql"), all_keys=True
        )
        order = Order(ENGINE, meta, made, "copy", ORIGIN, **more)
        return connection, DatabricksWriter(order)

    return opened


def written(writer: DatabricksWriter) -> None:
    for name, rows in shop_rows().items():
        writer.load(name, rows.to_batches())
    writer.index()
    writer.link()
    writer.note()
    writer.swap_all([writer])


def test_a_new_copy_is_cloned_table_by_table(told: Any) -> None:
    connection, writer = told({"s": []})
    staging = writer.staging
    written(writer)
    said = connection.said
    clones = [sql for sql in said if "CLONE" in sql]
    assert clones[0] == f"CREATE TABLE `_synthohive` DEEP CLONE `{staging}`.`_synthohive`"
    assert len(clones) == 5
    keys = [n for n, sql in enumerate(said) if "PRIMARY KEY" in sql and "ADD" in sql]
    proofs = [n for n, sql in enumerate(said) if "AS missing" in sql]
    assert max(proofs) < said.index(clones[0]) < min(keys)  # proved, cloned, declared
    assert "ALTER TABLE `customers` ALTER COLUMN `id` SYNC IDENTITY" in said
    dropped = [sql for sql in said if sql.startswith("DROP SCHEMA")]
    left = (staging, "copy__synthohive_lock")
    assert dropped == [f"DROP SCHEMA IF EXISTS `{name}` CASCADE" for name in left]
    loads = [sql for sql in said if sql.startswith("INSERT INTO") and "parquet" in sql]
    assert loads[0].endswith(f" FROM parquet.`/Volumes/main/{staging}/_synthohive_rows/0`")
    for sql in said:
        if not sql.startswith(("PUT", "DESCRIBE", "DROP SCHEMA", "USE")):
            assert parse_one(sql.replace("SYNC IDENTITY", "COMMENT ''"), dialect="databricks"), sql


def test_a_copy_is_replaced_in_place(told: Any) -> None:
    there = {"s": [], "copy": ["customers", "_synthohive"]}
    connection, writer = told(there, if_exists="replace")
    written(writer)
    said = connection.said
    assert "ALTER TABLE `customers` DROP CONSTRAINT `old_pk` CASCADE" in said
    assert any(sql.startswith("CREATE OR REPLACE TABLE `customers` DEEP CLONE") for sql in said)
    assert any(sql.startswith("CREATE TABLE `orders` DEEP CLONE") for sql in said)
    with pytest.raises(ConnectorError, match="exists already"):
        told(there)


@feature("a failure changes nothing")
def test_what_fails_half_way_is_taken_back(told: Any) -> None:
    there = {"s": [], "copy": ["customers", "_synthohive"]}
    fails = "TABLE `orders` DEEP CLONE"
    connection, writer = told(there, if_exists="replace", fails=fails)
    with pytest.raises(ConnectorError, match=r"the clone of table 'orders'.*DELTA_CLONE_FAILED"):
        written(writer)
    said = connection.said
    assert "RESTORE TABLE `copy`.`customers` TO VERSION AS OF 7" in said
    assert "DROP TABLE IF EXISTS `copy`.`orders`" in said
    assert "DROP SCHEMA IF EXISTS `copy` CASCADE" not in said


class Remembering(Recorded):
    """A driver that remembers schemas and their comments, and has no rows."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}
        super().__init__(
            databricks.sql,
            [
                Answer("current_metastore", ["a"], [("m",)]),
                Answer("current_catalog(), current_schema", ["a", "b"], [("main", "s")]),
                Answer("current_catalog", ["a"], [("main",)]),
                Answer("SELECT CURRENT_TIMESTAMP", ["a"], self._now),
                Answer("SELECT schema_name, comment", ["a", "b"], lambda _: [*self.marks.items()]),
                Answer("SCHEMA", [], self._changed),
            ],
        )

    @staticmethod
    def _now(_: str) -> list[tuple[datetime]]:
        return [(datetime.now(timezone.utc),)]

    def _changed(self, sql: str) -> list[tuple[Any, ...]]:
        found = re.match(r"(CREATE|DROP|COMMENT ON) SCHEMA (?:IF EXISTS )?`([^`]+)`", sql)
        if found is None:
            return []
        said = re.search(r" (?:COMMENT|IS) '(.*)'$", sql)
        if found[1] == "CREATE" and found[2] in self.marks:
            raise ServerOperationError(f"[SCHEMA_ALREADY_EXISTS] {found[2]}")
        if found[1] == "DROP":
            self.marks.pop(found[2], None)
        else:
            self.marks[found[2]] = said[1] if said is not None else ""
        return []


class TestLease(LeaseContract):
    """What is said of locks, to a driver that knows schemas and their comments alone."""

    @pytest.fixture
    def target(self) -> str:
        self.workspace = Remembering()
        self.place = create_engine(URL, module=self.workspace.driver)
        return "copy"

    def engine(self) -> Any:
        return self.place

    def places(self, start: str) -> list[str]:
        return sorted(name for name in self.workspace.marks if name.startswith(start))


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Invalid access token. [TraceId: 1]", "token:"),
        ("PERMISSION_DENIED: User does not have USE CATALOG on Catalog 'main'.",
         "GRANT USE CATALOG ON Catalog main TO"),
        ("[SCHEMA_NOT_FOUND] The schema `shop` cannot be found.", "schema=…"),
        ("RESOURCE_EXHAUSTED: quota of warehouses", "run again later"),
        ("[CAST_INVALID_INPUT] The value 'Ada\\'s \"x\"' cannot be cast. SQLSTATE: 22018", ""),
        ("[NUMERIC_VALUE_OUT_OF_RANGE] 4711.25 cannot be represented as Decimal(4, 2)", ""),
        ("[MALFORMED_RECORD_IN_PARSING] Malformed records: [Ada,1]. SQLSTATE: 22023", ""),
    ],
)  # fmt: skip
@feature("missing rights are named")
def test_what_the_server_refuses_is_said_with_what_to_do_and_no_value(said: str, hint: str) -> None:
    """The errors are those of the driver, when it connects and when it asks."""
    workspace = Remembering()
    engine = create_engine(URL, module=workspace.driver)

    def refuse(*_: Any, **__: Any) -> Any:
        raise ServerOperationError(said)

    for broken in ("answer", "connect"):
        if broken == "connect":
            engine = create_engine(URL, creator=refuse)
        else:
            workspace.answers = [Answer("", [], refuse)]
        with pytest.raises(ConnectorError) as caught:
            Synthesizer.from_database(engine, "shop")
        text = "".join(traceback.format_exception(caught.value))
        assert hint in str(caught.value)
        assert "dapi-hidden" not in text
        assert broken == "connect" or not re.search(r"Ada|4711", text)


@feature("reads see one state")
def test_a_fit_reads_one_version_of_each_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of its beginning: versions tell when each change was made, and one came after it."""
    began = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)
    before, after = began - timedelta(hours=1), began + timedelta(seconds=1)
    names = ["version", "timestamp", "operation"]
    recorded = Recorded(
        databricks.sql,
        [
            Answer("CURRENT_TIMESTAMP()", ["now"], [(began,)]),
            Answer("`orders` LIMIT", names, [(9, after, "WRITE"), (7, before, "WRITE")]),
            Answer("`shop` LIMIT", names, [(3, before, "WRITE")]),
            Answer("count(*)", ["n", "c"], [(0, 5)]),
        ],
    )
    engine = create_engine(URL, module=recorded.driver)
    engine.dialect.initialize = lambda connection: None  # type: ignore[method-assign]
    monkeypatch.setattr("synthohive.connectors.sql.reflect", lambda *_, **__: known()[1])
    warehouse = SqlWarehouse(engine, "s")
    with warehouse.one_state():
        (tried,) = [sql for sql in recorded.said if "UNION ALL" in sql]
        assert warehouse.count("orders") == 5
    assert warehouse.count("orders") == 5
    within, later = (sql for sql in recorded.said if "count(" in sql)
    assert "`s`.`orders` VERSION AS OF 7 " in within
    assert "VERSION" not in later
    assert "`s`.`shop` VERSION AS OF 3 t" in tried
    for sql in (within, tried):
        assert list(parse_one(sql, dialect="databricks").find_all(exp.Version))
