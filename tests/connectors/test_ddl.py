"""The DDL made from a description, and the text that is cut out of a catalogue's."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from synthohive.connectors.schema_ddl import build_ddl
from synthohive.ddl.expressions import portable_default, portable_expression
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaDdl, fit_identifier, parenthesis
from synthohive.exceptions import ConnectorError
from synthohive.schema import (
    CheckConstraint,
    Column,
    ColumnKind,
    ForeignKey,
    Identity,
    Index,
    Metadata,
)
from synthohive.schema import UniqueConstraint as Unique

DIALECTS: dict[str, Any] = {
    "postgresql": postgresql.dialect,
    "mysql": mysql.dialect,
    "sqlite": sqlite.dialect,
}


def column(name: str, kind: ColumnKind, **more: Any) -> Column:
    return Column(name=name, kind=kind, **more)


def made(meta: Metadata, engine: str) -> SchemaDdl:
    return build_ddl(meta, DIALECTS[engine]())


def type_of(engine: str, kind: ColumnKind, **more: Any) -> str:
    """Return a column's type in CREATE TABLE."""
    meta = Metadata().add_table("t", columns={"c": column("c", kind, **more)})
    line = made(meta, engine).tables["t"][0].sql.splitlines()[1].strip()
    return line.partition(" ")[2]


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        (ColumnKind.INTEGER, {"arrow": "int16"}, ("SMALLINT", "SMALLINT", "SMALLINT")),
        (ColumnKind.INTEGER, {"arrow": "uint32"}, ("BIGINT", "INTEGER UNSIGNED", "BIGINT")),
        (ColumnKind.INTEGER, {"arrow": "uint64"}, ("NUMERIC(20, 0)", "BIGINT UNSIGNED", None)),
        (
            ColumnKind.DECIMAL,
            {"precision": 12, "scale": 2},
            ("NUMERIC(12, 2)", "NUMERIC(12, 2)", "NUMERIC(12, 2)"),
        ),
        (ColumnKind.DECIMAL, {}, ("NUMERIC", "NUMERIC(38, 10)", "NUMERIC(38, 10)")),
        (ColumnKind.FLOAT, {"arrow": "float32"}, ("REAL", "FLOAT", "REAL")),
        (ColumnKind.FLOAT, {}, ("DOUBLE PRECISION", "DOUBLE", None)),
        (ColumnKind.BOOLEAN, {}, ("BOOLEAN", "BOOL", "BOOLEAN")),
        (ColumnKind.DATE, {}, ("DATE", "DATE", "DATE")),
        (ColumnKind.TIME, {}, ("TIME WITHOUT TIME ZONE", "TIME(6)", "TIME")),
        (
            ColumnKind.TIMESTAMP,
            {"timezone": True},
            ("TIMESTAMP WITH TIME ZONE", "DATETIME(6)", "DATETIME"),
        ),
        (ColumnKind.INTERVAL, {}, ("INTERVAL", "DATETIME(6)", "DATETIME")),
        (ColumnKind.UUID, {}, ("UUID", "CHAR(36)", "CHAR(36)")),
        (ColumnKind.TEXT, {"length": 30}, ("VARCHAR(30)", "VARCHAR(30)", "VARCHAR(30)")),
        (ColumnKind.TEXT, {}, ("TEXT", "LONGTEXT", "TEXT")),
        (ColumnKind.JSON, {}, ("JSONB", "JSON", "JSON")),
        (ColumnKind.ARRAY, {}, ("JSONB", "JSON", "JSON")),
        (ColumnKind.BINARY, {"length": 16}, ("BYTEA", "VARBINARY(16)", "BLOB")),
    ],
)
def test_every_kind_has_a_type_in_every_engine(
    kind: ColumnKind, more: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    for engine, type_ in zip(DIALECTS, expected):
        if type_ is not None:
            assert type_of(engine, kind, **more) == type_


def test_unknown_types_are_refused_by_name() -> None:
    with pytest.raises(ConnectorError, match=r"t\.c has the type tsvector"):
        type_of("mysql", ColumnKind.UNSUPPORTED, sql_type="tsvector")


def test_the_note_s_name_is_reserved() -> None:
    meta = Metadata().add_table(PROVENANCE_TABLE, columns={"c": column("c", ColumnKind.DATE)})
    with pytest.raises(ConnectorError, match="reserved"):
        made(meta, "sqlite")


def orders() -> Metadata:
    """Describe two tables with all that CREATE TABLE can say."""
    meta = Metadata(dialect="oracle")
    meta.add_table(
        "users",
        "id",
        columns={
            "id": column("id", ColumnKind.INTEGER, nullable=False, identity=Identity()),
            "mail": column("mail", ColumnKind.TEXT, nullable=False, comment="it's"),
        },
        unique=[Unique(columns=["mail"], name="once")],
        comment="People",
    )
    meta.add_table(
        "orders",
        ["user_id", "no"],
        columns={
            "user_id": column("user_id", ColumnKind.INTEGER, nullable=False),
            "no": column("no", ColumnKind.INTEGER, nullable=False, default="1"),
            "state": column("state", ColumnKind.CATEGORICAL, enum_values=["new", "it's done"]),
            "at": column("at", ColumnKind.TIMESTAMP, default="now()"),
            "twice": column("twice", ColumnKind.INTEGER, computed='("no" * 2)'),
        },
        foreign_keys=[
            ForeignKey(
                columns=["user_id"],
                parent="users",
                parent_columns=["id"],
                name="once",
                on_delete="CASCADE",
            )
        ],
        checks=[
            CheckConstraint(sqltext="((no > 0) AND (state)::text <> 'x'::text)", name="positive"),
            CheckConstraint(sqltext="regexp_like(state, 'a')", name="odd"),
        ],
        indexes=[
            Index(name="recent", columns=["at"]),
            Index(name="partial", columns=["no"], definition="CREATE INDEX … WHERE no > 5"),
        ],
    )
    return meta


def test_postgresql_constrains_after_the_rows() -> None:
    ddl = made(orders(), "postgresql")
    create = ddl.tables["orders"][0].sql
    assert "KEY" not in create
    assert "CHECK" not in create
    assert '"id" BIGINT GENERATED BY DEFAULT AS IDENTITY NOT NULL' in ddl.tables["users"][0].sql
    assert '"twice" BIGINT GENERATED ALWAYS AS (("no" * 2)) STORED' in create
    assert '"at" TIMESTAMP WITHOUT TIME ZONE DEFAULT CURRENT_TIMESTAMP' in create
    after = "\n".join(s.sql for s in ddl.after)
    assert 'ALTER TABLE "orders" ADD PRIMARY KEY ("user_id", "no")' in after
    assert 'ADD CONSTRAINT "once" UNIQUE ("mail")' in after
    assert """CONSTRAINT "positive" CHECK ((("no" > 0) AND ("state") <> 'x'))""" in after
    assert """CHECK ("state" IN ('new', 'it''s done'))""" in after
    assert "odd" not in after
    assert 'CREATE INDEX "recent" ON "orders" ("at")' in after
    assert "partial" not in after
    assert """COMMENT ON COLUMN "users"."mail" IS 'it''s'""" in after
    (key,) = ddl.keys
    assert key.sql.endswith(
        'ADD CONSTRAINT "orders_once" FOREIGN KEY ("user_id") REFERENCES "users" ("id") '
        "ON DELETE CASCADE"
    )
    assert len(ddl.counters) == 1
    assert ddl.enforced == {("orders", ("user_id",), "users")}


def test_mysql_keeps_the_primary_key_inside() -> None:
    ddl = made(orders(), "mysql")
    users = ddl.tables["users"][0].sql
    assert "`id` BIGINT NOT NULL AUTO_INCREMENT" in users
    assert "PRIMARY KEY (`id`)" in users
    assert "`mail` VARCHAR(255) NOT NULL COMMENT 'it''s'" in users
    assert "`state` ENUM('new','it''s done')" in ddl.tables["orders"][0].sql
    assert "DEFAULT CURRENT_TIMESTAMP(6)" in ddl.tables["orders"][0].sql
    assert ddl.keys[0].sql.startswith("ALTER TABLE `orders` ADD CONSTRAINT `orders_once` FOREIGN")


def test_sqlite_takes_everything_at_once() -> None:
    ddl = made(orders(), "sqlite")
    assert ddl.keys == ()
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        for statements in (*ddl.tables.values(), ddl.after):
            for statement in statements:
                connection.exec_driver_sql(statement.sql)
        inspector = sa.inspect(connection)
        (key,) = inspector.get_foreign_keys("orders")
        assert (key["name"], key["options"]) == ("orders_once", {"ondelete": "CASCADE"})
        assert inspector.get_pk_constraint("orders")["constrained_columns"] == ["user_id", "no"]
        connection.exec_driver_sql("INSERT INTO users (mail) VALUES ('a')")


def test_undeclared_keys_are_not_added_to_a_clone(tmp_path: Any) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    assert build_ddl(orders(), postgresql.dialect(), source=engine).enforced == set()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("((a)::numeric(10,2) >= (0)::numeric)", '(("a") >= (0))'),
        ("(`a` > 0 and b like _utf8mb4\\'x%\\')", """("a" > 0 and "b" like 'x%')"""),
        ("b = ANY (ARRAY['x'::text, 'y'::text])", """"b" IN ('x', 'y')"""),
        ("a IS NULL OR a BETWEEN 1 AND 2", '"a" IS NULL OR "a" BETWEEN 1 AND 2'),
        ("length(b) > 1", None),
        ("a / 2 > 1", None),
        ("b ~ '^x'", None),
        ("unknown_column > 1", None),
        ("a > 0 --1", None),
    ],
)
def test_expressions_are_carried_only_where_they_mean_the_same(sql: str, expected: Any) -> None:
    assert portable_expression(sql, ["a", "b"], lambda name: f'"{name}"') == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("'a''b'::character varying(20)", "'a''b'"),
        ("(-1)", "-1"),
        ("nextval('s'::regclass)", None),
        ("gen_random_uuid()", None),
        ("CURRENT_TIMESTAMP(6)", "CURRENT_TIMESTAMP"),
    ],
)
def test_defaults_are_carried_only_where_they_mean_the_same(sql: str, expected: Any) -> None:
    assert portable_default(sql) == expected


def test_definitions_are_cut_outside_of_quotes_only() -> None:
    create = (
        "CREATE TABLE `a``(,` (\n  `x,` enum('a'',b','(') COMMENT 'c\\'),',\n"
        "  CONSTRAINT `k)` CHECK ((`x,` <> '),'))\n) ENGINE=InnoDB COMMENT='('"
    )
    bodies, options = parenthesis(create, backslashes=True)
    assert bodies == [
        "`x,` enum('a'',b','(') COMMENT 'c\\'),'",
        "CONSTRAINT `k)` CHECK ((`x,` <> '),'))",
    ]
    assert options == " ENGINE=InnoDB COMMENT='('"


def test_long_names_stay_distinct() -> None:
    first, second = (fit_identifier("x" * 80 + end, 63) for end in "ab")
    assert first != second
    assert len(first) == len(second) == 63


def test_names_too_long_for_the_target_are_refused() -> None:
    meta = Metadata().add_table("ü" * 40, columns={"c": column("c", ColumnKind.DATE)})
    with pytest.raises(ConnectorError, match="longer than the 63"):
        made(meta, "postgresql")
    assert made(meta, "mysql").tables
