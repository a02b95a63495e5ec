"""Texts of a description that anyone may have edited: what is written, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.dialects import mysql, postgresql, sqlite

from synthohive.connectors.registry import spelling
from synthohive.connectors.schema_ddl import build_ddl
from synthohive.ddl.statements import SchemaDdl
from synthohive.ddl.vetted import Vetting
from synthohive.exceptions import SchemaError
from synthohive.schema import CheckConstraint, Column, ColumnKind, ForeignKey, Index, Metadata

DIALECTS: dict[str, Any] = {
    "postgresql": postgresql.dialect,
    "mysql": mysql.dialect,
    "sqlite": sqlite.dialect,
}
HOSTILE = [
    "1); DROP SCHEMA src CASCADE; --",
    "a > 0) ; DROP TABLE t; --",
    "a > 0; DROP TABLE t",
    "(SELECT count(*) FROM pg_authid) > 0",
    "a IN (SELECT id FROM other)",
    "EXISTS (SELECT 1)",
    "pg_sleep(10) IS NULL",
    "sleep(10) = 0",
    "lo_import('/etc/passwd') > 0",
    "pg_read_file('/etc/passwd') <> ''",
    "load_extension('evil')",
    "load_file('/etc/passwd') = ''",
    "read_text('/etc/passwd') = ''",
    "public.f(a) > 0",
    "my_function(a)",
    "set_config('search_path', 'x', false) = ''",
    "currval('s') > 0",
    "a OPERATOR(public.+) 1 > 0",
    "other.a > 0",
    "b > 0",
    "$1 > 0",
    "@@version > 0",
    ":a > 0",
    "* > 0",
    "a > 0 UNION SELECT 1",
    "DROP SCHEMA src",
    "DO $$ BEGIN PERFORM 1; END $$",
    "COPY t TO PROGRAM 'id'",
    "a::regprocedure IS NULL",
    "a::evil IS NULL",
    "xmlforest(a) IS NULL",
    "query_to_xml('DROP TABLE t', true, true, '') IS NULL",
    "((" * 5000 + "a" + "))" * 5000,
    "a > 0" + " AND a > 0" * 5000,
    "a = 'x\0y'",
    "",
    "a >",
]
TYPES = [
    "integer DEFAULT pg_sleep(3)",
    "integer); DROP SCHEMA src CASCADE; --",
    "integer REFERENCES other(id)",
    "integer CHECK (true)",
    "integer PRIMARY KEY",
    "integer GENERATED ALWAYS AS (1) STORED",
    "numeric(10, (SELECT 1))",
    "varchar(10) COLLATE 'x'; DROP TABLE t",
    "enum('a') DEFAULT 'b'",
    "int /* x */",
    "int -- x",
    "integer NOT NULL",
    "timestamp ON UPDATE CURRENT_TIMESTAMP",
    "(" * 2000,
    "varchar(" * 2000,
    "int[",
]


def vetting(family: str) -> Vetting:
    return Vetting(spelling(family))


def described(family: str, **more: Any) -> Metadata:
    """Describe one table with an integer `a`, in the engine's own words."""
    meta = Metadata(dialect=family)
    column = {"name": "a", "kind": ColumnKind.INTEGER, **more.pop("column", {})}
    return meta.add_table("t", columns={"a": Column(**column)}, **more)


def made(meta: Metadata) -> SchemaDdl:
    return build_ddl(meta, DIALECTS[str(meta.dialect)]())


@pytest.mark.parametrize("family", DIALECTS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_only_expressions_of_known_shape_are_written(family: str, text: str) -> None:
    with pytest.raises(SchemaError, match="Table 't', check constraint 'c'"):
        made(described(family, checks=[CheckConstraint(sqltext=text, name="c")]))
    with pytest.raises(SchemaError, match="Table 't', default of column 'a'"):
        made(described(family, column={"default": text}))
    with pytest.raises(SchemaError, match="Table 't', column 'a'"):
        made(described(family, column={"computed": text}))


@pytest.mark.parametrize("family", DIALECTS)
@pytest.mark.parametrize("text", TYPES, ids=lambda text: text[:30])
def test_only_types_are_written(family: str, text: str) -> None:
    with pytest.raises(SchemaError, match="Table 't', type of column 'a'"):
        made(described(family, column={"sql_type": text}))


@pytest.mark.parametrize(
    "text",
    [
        "CREATE INDEX i ON t (a); DROP SCHEMA src CASCADE",
        "CREATE INDEX i ON t (pg_sleep(3))",
        "CREATE INDEX i ON t (a) WHERE pg_sleep(3) IS NULL",
        "CREATE INDEX i ON t ((SELECT 1))",
        "CREATE INDEX i ON t (b)",
        "CREATE INDEX i ON t USING evil (a)",
        "CREATE INDEX i ON t (a) TABLESPACE elsewhere",
        "CREATE INDEX i ON t (a",
        "DROP SCHEMA src CASCADE",
        "CREATE TABLE x (a int)",
        "CREATE INDEX i ON t (a) INCLUDE (b)",
        "",
    ],
)
def test_only_definitions_of_indexes_are_written(text: str) -> None:
    index = Index(name="i", definition=text or " ")
    with pytest.raises(SchemaError, match="Table 't', index 'i'"):
        made(described("postgresql", indexes=[index]))


@pytest.mark.parametrize("action", ["CASCADE; DROP SCHEMA src CASCADE", "EXPLODE", "SET NULL (b)"])
@pytest.mark.parametrize("family", DIALECTS)
def test_only_actions_are_written(family: str, action: str) -> None:
    key = ForeignKey(
        columns=["a"], parent="t", parent_columns=["a"], on_delete=action, declared=True
    )
    with pytest.raises(SchemaError, match="ON DELETE of t"):
        made(described(family, foreign_keys=[key]))


def test_an_action_s_columns_are_the_key_s() -> None:
    key = ForeignKey(
        columns=["a"], parent="t", parent_columns=["a"], on_delete="set null (a)", declared=True
    )
    (statement,) = made(described("postgresql", foreign_keys=[key])).keys
    assert statement.sql.endswith('ON DELETE SET NULL ("a")')


def test_names_of_enums_are_quoted() -> None:
    column = Column(
        name="a",
        kind=ColumnKind.CATEGORICAL,
        enum_values=["x', 'y'); DROP TABLE t; --"],
        sql_type="e AS ENUM (); DROP SCHEMA src CASCADE; --",
    )
    meta = Metadata(dialect="postgresql").add_table("t", columns={"a": column})
    (setup,) = made(meta).setup
    assert setup.sql == (
        'CREATE TYPE "e AS ENUM (); DROP SCHEMA src CASCADE; --" AS ENUM '
        "('x'', ''y''); DROP TABLE t; --')"
    )


def test_types_that_are_not_the_engine_s_own_follow_from_what_the_column_holds() -> None:
    ddl = made(described("postgresql", column={"sql_type": "someones_domain"}))
    assert '"a" BIGINT' in ddl.tables["t"][0].sql


@pytest.mark.parametrize(
    ("family", "text", "written"),
    [
        ("postgresql", "a > 0 /* ; */ -- x", '"a" > 0'),
        ("postgresql", "A > 0", '"a" > 0'),
        ("postgresql", "date_part('year'::text, a) > 1", "DATE_PART('year', \"a\") > 1"),
        ("postgresql", "a <> E'x\\\\y'", "\"a\" <> E'x\\\\y'"),
        ("mysql", "`a` = _utf8mb4'x\\'y\\\\'", r"`a` = 'x''y\\'"),
        ("mysql", "a regexp 'x'", "`a` REGEXP 'x'"),
    ],
)
def test_what_is_written_is_quoted_anew(family: str, text: str, written: str) -> None:
    assert vetting(family).expression(text, ["a"]) == written
