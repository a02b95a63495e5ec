"""BigQuery without a server: recorded rows of its catalogue, pinned SQL, logins that fail."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ARRAY, Engine, Integer, column, create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlglot import parse_one

pytest.importorskip("sqlalchemy_bigquery")

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from synthohive import Metadata, Synthesizer, SynthoHiveError
from synthohive.connectors.bigquery import CAPABILITIES
from synthohive.connectors.bigquery.catalogue import BigqueryCatalogue
from synthohive.connectors.bigquery.service import reason
from synthohive.connectors.bigquery.spelling import literal, quote
from synthohive.connectors.bigquery.types import describe, put_back, reading
from synthohive.connectors.bigquery.views import NotOfTheCopy, moved_query
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.ddl.portable import portable_ddl
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind, ForeignKey, TableConfig, UniqueConstraint
from tests.contracts.refusing import Refusing, refusing
from tests.contracts.writer import ORIGIN
from tests.evidence import PARSED, feature, runs

pytestmark = runs("BigQuery", PARSED)

ORDERS = {"table_name": "orders"}
RECORDED: dict[str, list[dict[str, Any]]] = {
    "TABLES": [
        {**ORDERS, "table_type": "BASE TABLE"},
        {"table_name": "customer", "table_type": "BASE TABLE"},
        {"table_name": "totals", "table_type": "MATERIALIZED VIEW"},
        {"table_name": "lake", "table_type": "EXTERNAL"},
    ],
    "COLUMNS": [
        {**ORDERS, "column_name": name, "ordinal_position": i, "is_nullable": null,
         "data_type": type_, "column_default": default, "is_hidden": hidden}
        for i, (name, null, type_, default, hidden) in enumerate(
            [("id", "NO", "INT64", "NULL", "NO"),
             ("price", "NO", "NUMERIC(10, 2)", "NUMERIC '0'", "NO"),
             ("wide", "YES", "BIGNUMERIC(38, 20)", "NULL", "NO"),
             ("mail", "YES", "STRING(40)", "NULL", "NO"),
             ("raw", "YES", "BYTES(8)", "NULL", "NO"),
             ("tags", "NO", "ARRAY<STRING>", "NULL", "NO"),
             ("of_year", "YES", "INT64", "NULL", "NO"),
             ("of_number", "YES", "INT64", "NULL", "NO"),
             ("_PARTITIONTIME", "YES", "TIMESTAMP", "NULL", "YES")], 1)
    ],
    "COLUMN_FIELD_PATHS": [
        {**ORDERS, "column_name": "mail", "field_path": "mail", "description": "who paid",
         "policy_tags": ["projects/p/locations/eu/taxonomies/1/policyTags/2"]},
        {**ORDERS, "column_name": "id", "field_path": "id", "description": None,
         "policy_tags": []},
    ],
    "TABLE_CONSTRAINTS": [
        {**ORDERS, "constraint_name": "orders.pk$", "constraint_type": "PRIMARY KEY"},
        {**ORDERS, "constraint_name": "orders.fk$1", "constraint_type": "FOREIGN KEY"},
        {"table_name": "customer", "constraint_name": "customer.pk$",
         "constraint_type": "PRIMARY KEY"},
    ],
    "KEY_COLUMN_USAGE": [
        {**ORDERS, "constraint_name": "orders.pk$", "column_name": "id", "ordinal_position": 1,
         "position_in_unique_constraint": None},
        # written (of_number, of_year) REFERENCES customer (number, year); its key is (year, number)
        {**ORDERS, "constraint_name": "orders.fk$1", "column_name": "of_year",
         "ordinal_position": 2, "position_in_unique_constraint": 1},
        {**ORDERS, "constraint_name": "orders.fk$1", "column_name": "of_number",
         "ordinal_position": 1, "position_in_unique_constraint": 2},
        *({"table_name": "customer", "constraint_name": "customer.pk$", "column_name": name,
           "ordinal_position": i, "position_in_unique_constraint": None}
          for i, name in enumerate(["year", "number"], 1)),
    ],
    "CONSTRAINT_COLUMN_USAGE": [
        {"table_schema": "shop", "table_name": "customer", "column_name": name,
         "constraint_name": "orders.fk$1"}
        for name in ("year", "number")
    ],
    "TABLE_OPTIONS": [
        {**ORDERS, "option_name": "description", "option_value": '"what \\"was\\" sold"'},
        {**ORDERS, "option_name": "require_partition_filter", "option_value": "true"},
    ],
    "ROUTINES": [{"routine_name": "tax"}],
}  # fmt: skip


class Recorded(BigqueryCatalogue):
    """Rows as a real project answers, where the stand-in's views have fewer columns."""

    def __init__(self) -> None:
        self.quote = lambda *names: ".".join(map(quote, names))

    def view(self, schema: str, name: str) -> list[dict[str, Any]]:
        return RECORDED[name]


def test_recorded_rows_are_described() -> None:
    catalogue = Recorded()
    assert catalogue.get_table_names("shop") == ["orders", "customer"]
    columns = {c["name"]: c for c in catalogue.get_multi_columns("shop")["shop", "orders"]}
    assert list(columns)[-1] == "of_number"  # what is hidden is no column
    assert columns["price"]["default"] == "NUMERIC '0'"
    assert columns["id"]["default"] is None
    assert columns["mail"]["comment"] == "who paid"
    meta = Metadata(schema_name="shop", dialect="bigquery")
    meta.tables["orders"] = TableConfig(
        name="orders",
        columns={n: Column(name=n, kind=ColumnKind.UNSUPPORTED) for n in columns},
    )
    catalogue.amend(meta)
    of = meta.tables["orders"].columns
    assert (of["price"].precision, of["price"].scale) == (10, 2)
    assert (of["wide"].precision, of["wide"].scale) == (38, 20)
    assert (of["mail"].length, of["raw"].length) == (40, 8)
    assert meta.tables["orders"].pii_cols == ["mail"]
    text = catalogue.get_multi_table_comment("shop")["shop", "orders"]["text"]
    assert text == 'what "was" sold'


def test_recorded_keys_pair_columns_by_the_parent_s_key() -> None:
    (key,) = Recorded().get_multi_foreign_keys("shop")["shop", "orders"]
    pairs = dict(zip(key["constrained_columns"], key["referred_columns"]))
    assert pairs == {"of_number": "number", "of_year": "year"}
    assert (key["name"], key["referred_schema"]) == (None, "shop")


def test_what_has_no_copy_is_listed() -> None:
    assert Recorded().not_cloned("shop", ["orders"]) == {
        "materialised views": ("totals",),
        "external tables": ("lake",),
        "functions and procedures": ("tax",),
        "policy tags": ("orders.mail",),
        "expiry and partition filters": ("orders",),
    }


@pytest.mark.parametrize(
    "type_",
    ["INT64", "NUMERIC(10, 2)", "BIGNUMERIC", "JSON", "ARRAY<STRUCT<a INT64, b ARRAY<BYTES>>>",
     "STRUCT<a STRUCT<b DATE, c JSON>, d GEOGRAPHY>", "GEOGRAPHY", "INTERVAL", "TIME",
     "ARRAY<STRUCT<`odd name` TIMESTAMP>>"],
)  # fmt: skip
def test_sql_of_each_type_is_bigquery_s(type_: str) -> None:
    column = Column(name="c", kind=ColumnKind.UNSUPPORTED)
    describe(column, type_)
    for kind in {column.kind, ColumnKind.POINT if type_ == "GEOGRAPHY" else column.kind}:
        column.kind = kind
        for sql in (reading(column, "t.`c`"), put_back(column, "s.`c`") or "s.`c`"):
            parse_one(f"SELECT {sql} FROM x", dialect="bigquery")


def test_pinned_sql() -> None:
    column = Column(name="c", kind=ColumnKind.UNSUPPORTED)
    describe(column, "ARRAY<STRUCT<a INT64>>")
    assert put_back(column, "s.c") == (
        "ARRAY(SELECT IF(JSON_QUERY(e0, '$') IS NULL, NULL, "
        "STRUCT(CAST(JSON_VALUE(e0, '$.\"a\"') AS INT64) AS `a`)) "
        "FROM UNNEST(JSON_QUERY_ARRAY(s.c, '$')) AS e0 WITH OFFSET AS o0 ORDER BY o0)"
    )
    assert literal("a'b\\\n") == "'a\\'b\\\\\\n'"


def test_what_other_engines_declare_is_left_out_or_noted() -> None:
    dialect = pytest.importorskip("sqlalchemy_bigquery").BigQueryDialect()
    meta = Metadata(dialect="postgresql")
    integer = {"kind": ColumnKind.INTEGER, "nullable": False}
    meta.add_table("p", "id", columns={
        "id": Column(name="id", **integer),
        "code": Column(name="code", kind=ColumnKind.TEXT, length=9, comment="it's"),
        "at": Column(name="at", kind=ColumnKind.TIMESTAMP, default="CURRENT_TIMESTAMP"),
    }, unique=[UniqueConstraint(columns=["code"], name="once")])  # fmt: skip
    meta.add_table("c", "id", columns={
        "id": Column(name="id", **integer), "p": Column(name="p", **integer),
        "code": Column(name="code", kind=ColumnKind.TEXT, length=9),
    }, foreign_keys=[
        ForeignKey(columns=["p"], parent="p", parent_columns=["id"], declared=True),
        ForeignKey(columns=["code"], parent="p", parent_columns=["code"], declared=True),
    ])  # fmt: skip
    source = spelling("postgresql")
    ddl = portable_ddl(meta, dialect, spelling("bigquery"), source=source, all_keys=False)
    assert [(left.kind, left.name) for left in ddl.left] == [
        ("unique constraints", "p.once"),
        ("foreign keys", "c(code) -> p(code)"),
    ]
    assert ddl.tables["p"][0].sql == (
        "CREATE TABLE `p` (\n  `id` INT64 NOT NULL,\n  `code` STRING(9) OPTIONS (description = "
        "'it\\'s'),\n  `at` DATETIME DEFAULT CURRENT_DATETIME()\n)"
    )
    assert [s.sql for s in ddl.after] == [
        f"ALTER TABLE `{t}` ADD PRIMARY KEY (`id`) NOT ENFORCED" for t in ("p", "c")
    ]
    assert [s.sql for s in ddl.keys] == [
        "ALTER TABLE `c` ADD FOREIGN KEY (`p`) REFERENCES `p` (`id`) NOT ENFORCED"
    ]
    assert ddl.enforced == frozenset()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM other.t", "other.t"),
        ("SELECT * FROM `q.shop.orders`", "q.shop.orders"),
        ("SELECT * FROM shop.gone", "shop.gone"),
        ("SELECT shop.tax(id) FROM shop.orders", "function"),
        ("SELECT * FROM EXTERNAL_QUERY('c', 'SELECT 1')", "EXTERNAL_QUERY"),
        ("SELECT * FROM shop.INFORMATION_SCHEMA.TABLES", "INFORMATION_SCHEMA"),
        ("SELEC", "not understood|form"),
    ],
)
def test_views_of_something_else_are_refused(sql: str, said: str) -> None:
    with pytest.raises(NotOfTheCopy, match=said):
        moved_query(sql, "p", {"shop": "copy"}, {"orders"})


def test_views_are_moved() -> None:
    sql = "WITH w AS (SELECT * FROM `p.shop.orders`) SELECT o.id FROM w o "
    sql += "JOIN shop.orders x USING (id)"
    moved = moved_query(sql, "p", {"shop": "copy"}, {"orders"})
    assert moved.count("`p`.`copy`.`orders`") == 2
    assert "shop" not in moved


SECRET = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"


@feature("no secret is shown")
def test_no_login_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    login = {"type": "service_account", "private_key": SECRET}
    packed = base64.b64encode(json.dumps(login).encode()).decode()
    for settings in ("", f"?credentials_base64={packed}", f"?credentials_path=/{SECRET}.json"):
        with pytest.raises(ConnectorError) as caught:
            Synthesizer.from_database(f"bigquery://p/shop{settings}")
        text = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        assert SECRET not in text
        assert packed not in text


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("Access Denied: Project p: User does not have bigquery.jobs.create permission", "jobUser"),
        ("Access Denied: Table p:shop.t: User does not have permission to query table p:shop.t",
         "dataViewer"),
        ("Access Denied: Dataset p:shop: Permission bigquery.tables.create denied", "dataEditor"),
    ],
)  # fmt: skip
@feature("missing rights are named")
def test_a_missing_role_is_named(said: str, role: str) -> None:
    hint = CAPABILITIES.missing_grant(reason(ValueError(f"403 {said}")), "`shop`")
    assert f"roles/bigquery.{role}" in str(hint)


def test_values_are_not_repeated() -> None:
    assert reason(ValueError("400 Bad int64 value: Ada")) == "Bad int64 value: '…'"
    assert reason(ValueError("404 Not found: Table p:shop.t")) == "Not found: Table p:shop.t"


def test_other_engines_statements_are_cached_as_before() -> None:
    """The dialect replaces ``func.unnest`` for every engine; its own said nothing of caching."""
    values = column("a", ARRAY(Integer))
    assert select(func.unnest(values))._generate_cache_key() is not None


@pytest.fixture(scope="module")
def server() -> Iterator[Refusing]:
    with refusing() as found:
        yield found


@pytest.fixture(scope="module")
def refused(server: Refusing) -> Iterator[Engine]:
    """Give an engine whose driver talks to a server that refuses all."""
    client = bigquery.Client(
        project="p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": f"http://127.0.0.1:{server.port}"},
    )
    engine = create_engine(
        "bigquery://p?user_supplied_client=True", connect_args={"client": client}
    )
    yield engine
    engine.dispose()
    client.close()


REFUSALS = [
    (403, "accessDenied", "Access Denied: Project p: User does not have bigquery.jobs.create "
     "permission in project p.", "roles/bigquery.jobUser"),
    (403, "accessDenied", "Access Denied: Dataset p:shop: Permission bigquery.tables.create denied "
     "on dataset p:shop (or it may not exist).", "roles/bigquery.dataEditor"),
    (404, "notFound", "Not found: Dataset p:shop was not found in location US", "location=EU"),
    (404, "notFound", "Not found: Project p", "bigquery://project/dataset"),
    (403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for free query bytes "
     "scanned.", "run again later"),
    (400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 100. 10485760 or "
     "higher required.", "maximum_bytes_billed"),
    (401, "authError", "Request had invalid authentication credentials.", "application-default"),
    (400, "invalidQuery", "Bad int64 value: Ada, access denied in location quota", ""),
    (400, "invalidQuery", "Could not cast literal \"Ada's \"quota\" not found\" to DATE", ""),
    (400, "invalidQuery", "int64 overflow: Ada + 1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "why", "said", "hint"), REFUSALS)
@feature("missing rights are named")
def test_what_the_server_refuses_is_said_with_what_to_do_and_no_value(
    server: Refusing, refused: Engine, status: int, why: str, said: str, hint: str
) -> None:
    """By all that begins a reading or a writing; the errors are those of Google's client."""
    server.status = status
    server.answer = {
        "error": {"code": status, "message": said, "errors": [{"message": said, "reason": why}]}
    }
    meta = Metadata()
    meta.add_table("t", None, columns={"x": Column(name="x", kind=ColumnKind.INTEGER)})
    for call in (
        lambda: Synthesizer.from_database(refused, "shop"),
        lambda: SqlWarehouse(refused),
        lambda: open_writer(
            None, meta, target_schema="copy", target_engine=refused, provenance=ORIGIN
        ),
    ):
        with pytest.raises(SynthoHiveError) as caught:
            call()
        text = "".join(traceback.format_exception(caught.value))
        if "Ada" in said:
            assert "Ada" not in text
        if isinstance(caught.value, ConnectorError) and "datasets" not in hint:
            assert hint in str(caught.value)


def test_all_questions_are_of_utc(server: Refusing, refused: Engine) -> None:
    """A DATETIME that is cast would be a moment of the project's own time zone."""
    server.status, server.answer = 404, {"error": {"code": 404, "message": "Not found: Project p"}}
    server.asked.clear()
    reader: Any = dialect_for(refused)
    with refused.connect() as connection:
        for ask in (
            lambda: reader.execute(connection, "SELECT 1"),
            lambda: reader.catalogue(connection).plain("SELECT 1"),
            lambda: list(reader.read(connection, "SELECT 1", [], "t")),
        ):
            with pytest.raises((ConnectorError, DBAPIError)):
                ask()
    asked = [json.dumps(sent) for _, sent in server.asked if sent]
    assert len(asked) == 3
    assert all('{"key": "time_zone", "value": "UTC"}' in sent for sent in asked)
