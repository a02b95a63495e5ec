"""What needs no server: recorded rows of the catalogue, pinned SQL, logins and what errors say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlglot

from synthohive.connectors.engines import shown
from synthohive.connectors.snowflake.ddl import clone
from synthohive.connectors.snowflake.rows import copy_sql, put_sql
from synthohive.connectors.snowflake.spelling import SPELLING
from synthohive.connectors.snowflake.tags import take_hints
from synthohive.connectors.snowflake.text import reason
from synthohive.connectors.snowflake.types import described, is_wide
from synthohive.connectors.views import view
from synthohive.schema import Column, ColumnKind, ForeignKey, Identity, Metadata, UniqueConstraint

ROW = {
    "table_name": "T", "column_name": "A", "data_type": "NUMBER", "is_nullable": "YES",
    "column_default": None, "numeric_precision": 38, "numeric_scale": 0, "is_identity": "NO",
    "character_maximum_length": None, "datetime_precision": None, "collation_name": None,
}  # fmt: skip
"""As INFORMATION_SCHEMA.COLUMNS has a column."""


@pytest.mark.parametrize(
    ("facts", "sql_type", "kind"),
    [
        ({"data_type": "TIME", "datetime_precision": 9}, "TIME(9)", ColumnKind.TIME),
        ({"data_type": "GEOGRAPHY"}, "GEOGRAPHY", ColumnKind.UNSUPPORTED),
        ({"data_type": "VECTOR(FLOAT, 3)"}, "VECTOR(FLOAT, 3)", ColumnKind.UNSUPPORTED),
        ({"data_type": "OBJECT"}, "OBJECT", ColumnKind.JSON),
        ({"data_type": "ARRAY"}, "ARRAY", ColumnKind.ARRAY),
        ({"data_type": "BINARY", "character_maximum_length": 8}, "BINARY(8)", ColumnKind.BINARY),
        ({"data_type": "TIMESTAMP_LTZ", "datetime_precision": 3}, "TIMESTAMP_LTZ(3)",
         ColumnKind.TIMESTAMP),
    ],
)  # fmt: skip
def test_types_of_recorded_rows(facts: dict[str, Any], sql_type: str, kind: ColumnKind) -> None:
    found = described({**ROW, **facts})
    assert (found["sql_type"], found["kind"]) == (sql_type, kind)


def test_whole_numbers_of_38_digits_are_measured_and_others_are_not() -> None:
    assert is_wide(ROW)
    assert not is_wide({**ROW, "numeric_precision": 18})
    assert not is_wide({**ROW, "numeric_scale": 2})


def test_ddl_of_recorded_rows() -> None:
    meta = Metadata(dialect="snowflake")
    meta.add_table("P", "ID", columns={"ID": Column(name="ID", kind=ColumnKind.INTEGER)})
    columns = {
        "ID": Column(name="ID", kind=ColumnKind.INTEGER, sql_type="NUMBER(38, 0)", nullable=False,
                     identity=Identity(start=5, increment=2)),
        "CODE": Column(name="CODE", kind=ColumnKind.TEXT, sql_type="VARCHAR(9)", default="'it''s'",
                       comment="a 'code' \\ more"),
        "NR": Column(name="NR", kind=ColumnKind.INTEGER, sql_type="NUMBER(38, 0)",
                     default="DB.SHOP.SEQ.NEXTVAL"),
        "P": Column(name="P", kind=ColumnKind.INTEGER, sql_type="NUMBER(38, 0)"),
    }  # fmt: skip
    meta.add_table(
        "T", "ID", columns=columns, unique=[UniqueConstraint(columns=["CODE"], name="once")],
        foreign_keys=[ForeignKey(columns=["P"], parent="P", parent_columns=["ID"], declared=True)],
    )  # fmt: skip
    rows = [{**ROW, "table_name": "P", "column_name": "ID"}] + [
        {**ROW, "column_name": name, "is_identity": "YES" if name == "ID" else "NO",
         "collation_name": "en-ci" if name == "CODE" else None}
        for name in columns
    ]  # fmt: skip
    tables = [{"table_name": "P"}, {"table_name": "T", "clustering_key": "LINEAR(TO_DATE(NR), P)"}]
    ddl = clone(meta, tables, rows)
    assert ddl is not None
    (made,) = ddl.tables["T"]
    assert made.sql == (
        'CREATE TABLE "T" (\n'
        '  "ID" NUMBER(38, 0) NOT NULL IDENTITY START 1 INCREMENT 2,\n'
        "  \"CODE\" VARCHAR(9) COLLATE 'en-ci' DEFAULT 'it''s',\n"
        '  "NR" NUMBER(38, 0),\n'
        '  "P" NUMBER(38, 0),\n'
        '  PRIMARY KEY ("ID"),\n'
        '  CONSTRAINT "once" UNIQUE ("CODE")\n'
        ") CLUSTER BY (TO_DATE(NR), P)"
    )
    assert [s.sql for s in ddl.keys] == [
        'ALTER TABLE "T" ADD FOREIGN KEY ("P") REFERENCES "P" ("ID") NOT ENFORCED'
    ]
    assert [s.sql for s in ddl.after] == [
        "COMMENT ON COLUMN \"T\".\"CODE\" IS 'a ''code'' \\\\ more'"
    ]
    assert not ddl.enforced
    for statement in (made, *ddl.keys, *ddl.after):
        assert not isinstance(parsed(statement.sql), sqlglot.exp.Command)


def parsed(sql: str) -> sqlglot.exp.Expression:
    return sqlglot.parse_one(sql, dialect="snowflake")


def test_sql_of_a_load() -> None:
    columns = [
        Column(name="A", kind=ColumnKind.INTEGER),
        Column(name='B"', kind=ColumnKind.TIMESTAMP, timezone=True),
        Column(name="C", kind=ColumnKind.JSON),
        Column(name="D", kind=ColumnKind.BINARY),
        Column(name="E", kind=ColumnKind.TIME),
    ]
    sql = copy_sql("T", columns, "3")
    assert sql == (
        'COPY INTO "T" ("A", "B""", "C", "D", "E") FROM (SELECT $1:c0::NUMBER(38, 0), '
        "$1:c1::TIMESTAMP_TZ, PARSE_JSON($1:c2::VARCHAR), TO_BINARY($1:c3::VARCHAR, 'HEX'), "
        "$1:c4::TIME FROM @SYNTHOHIVE_ROWS/3/)\n"
        "FILE_FORMAT = (TYPE = PARQUET) ON_ERROR = ABORT_STATEMENT PURGE = TRUE"
    )
    assert isinstance(parsed(sql), sqlglot.exp.Copy)
    put = put_sql(Path("/tmp/it's/0.parquet"), "3")
    assert put == ("PUT 'file:///tmp/it''s/0.parquet' @SYNTHOHIVE_ROWS/3 AUTO_COMPRESS = FALSE")


@pytest.mark.parametrize(
    ("definition", "refused"),
    [
        ("create or replace view V(X) as select a.ID from SHOP.T a", ""),
        ('create view V as with c as (select * from DB.SHOP."T") select * from c', ""),
        ("create view V as select * from shop.u", "it uses SHOP.U"),
        ("create view V as select * from OTHER.T", "it uses OTHER.T"),
        ("create view V as select ELSEWHERE.F(ID) from T", "it uses ELSEWHERE.F(ID)"),
        ("create view V as selec", "its definition is not understood"),
    ],
)
def test_views_of_recorded_rows(definition: str, refused: str) -> None:
    how, said = SPELLING, "what 'it' shows"
    found = view("V", definition, ("DB", "SHOP"), {"T", "V"}, how, fold=str.upper, comment=said)
    assert found.refused.upper().startswith(refused.upper())
    assert bool(found.refused) == bool(refused)
    if not refused:
        assert "SHOP" not in found.create
        assert found.create.startswith('CREATE VIEW "V"')


def test_tags_are_hints_at_personal_data() -> None:
    meta = Metadata(dialect="snowflake")
    columns = {n: Column(name=n, kind=ColumnKind.TEXT) for n in ("A", "B", "C")}
    columns["N"] = Column(name="N", kind=ColumnKind.INTEGER)
    meta.add_table("T", columns=columns)

    def row(column: str, tag: str, value: str) -> dict[str, str]:
        return {"object_name": "T", "column_name": column, "tag_name": tag, "tag_value": value}

    take_hints(
        meta,
        [
            row("A", "SEMANTIC_CATEGORY", "EMAIL"),
            row("A", "PRIVACY_CATEGORY", "IDENTIFIER"),
            row("B", "PRIVACY_CATEGORY", "INSENSITIVE"),
            row("C", "company_pii", "yes"),
            row("N", "PII", "yes"),
            row("GONE", "PII", "yes"),
        ],
    )
    assert meta.tables["T"].pii_cols == {"A": "email", "C": "auto"}


class Refused(Exception):
    """An error as the driver has it."""

    def __init__(self, errno: int, raw_msg: str) -> None:
        super().__init__(raw_msg)
        self.errno, self.raw_msg = errno, raw_msg


def test_errors_say_no_values() -> None:
    data = Refused(100038, "Numeric value 'ada@post.org' is not recognized\n  File 'x.parquet'")
    assert "ada" not in reason(data)
    assert reason(Refused(2003, "Object 'SHOP.T' does not exist.")) == (
        "Object 'SHOP.T' does not exist"
    )


def test_a_url_shows_warehouse_and_role_and_no_key() -> None:
    from sqlalchemy.engine import make_url

    url = make_url(
        "snowflake://ada:s3cret@acme/DB/SHOP?warehouse=W&role=R&authenticator=SNOWFLAKE_JWT"
        "&private_key_file=/keys/ada.p8&private_key_file_pwd=pass"
    )
    text = shown(url)
    assert "warehouse=W" in text
    assert "role=R" in text
    for secret in ("s3cret", "pass", "ada.p8"):
        assert secret not in text
