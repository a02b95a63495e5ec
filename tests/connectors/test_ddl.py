"""The DDL made from a description, and the text that is cut out of a catalogue's."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from synthohive.connectors.registry import spelling
from synthohive.connectors.schema_ddl import build_ddl
from synthohive.ddl.statements import (
    PROVENANCE_TABLE,
    Refused,
    SchemaDdl,
    fit_identifier,
    parenthesis,
)
from synthohive.ddl.vetted import Vetting
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
        (
            ColumnKind.TEXT,
            {"length": 30},
            ("VARCHAR(30)", "VARCHAR(30) COLLATE utf8mb4_bin", "VARCHAR(30)"),
        ),
        (ColumnKind.TEXT, {}, ("TEXT", "LONGTEXT COLLATE utf8mb4_bin", "TEXT")),
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
    meta = Metadata(dialect="db2")
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
            CheckConstraint(sqltext="odd_function(state)", name="odd"),
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
    assert "`mail` VARCHAR(255) COLLATE utf8mb4_bin NOT NULL COMMENT 'it''s'" in users
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


COLUMNS = {
    name: column(name, kind)
    for name, kind in {
        "n": ColumnKind.INTEGER,
        "price": ColumnKind.DECIMAL,
        "name": ColumnKind.TEXT,
        "day": ColumnKind.DATE,
    }.items()
}


def carried(source: str, target: str, sql: str) -> str:
    """Return a CHECK of one engine in another's SQL, or why it is left out."""
    try:
        return Vetting(spelling(source), (), spelling(target)).expression(sql, COLUMNS, check=True)
    except Refused as exc:
        return f"left out: {exc}"


@pytest.mark.parametrize(
    ("source", "sql", "target", "expected"),
    [
        ("postgresql", "((name)::text = ANY ((ARRAY['x'::character varying])::text[]))", "mysql",
         "((`name`) IN ('x'))"),
        ("postgresql", "((name)::text <> ALL (ARRAY['x'::text, 'y'::text]))", "duckdb",
         """(NOT (("name") IN ('x', 'y')))"""),
        ("postgresql", "((price * (2)::numeric) <= ((1000 - n))::numeric)", "sqlite",
         """(("price" * 2) <= ((1000 - "n")))"""),
        ("postgresql", "(EXTRACT(year FROM day) >= (1990)::numeric)", "sqlite",
         """(CAST(STRFTIME('%Y', "day") AS INTEGER) >= 1990)"""),
        ("sqlite", "CAST(strftime('%Y', day) AS INTEGER) >= 1990", "postgresql",
         'EXTRACT(YEAR FROM "day") >= 1990'),
        ("postgresql", "(day >= '1900-01-01'::date)", "sqlite", """("day" >= '1900-01-01')"""),
        ("postgresql", "(char_length((name)::text) > 1)", "mysql", "(CHAR_LENGTH((`name`)) > 1)"),
        ("mysql", "(`name` not like _utf8mb4\\'%z%\\')", "postgresql",
         """("name" NOT ILIKE '%z%')"""),
        ("mysql", "`name` = 'x' = (`n` is not null)", "duckdb",
         """(LOWER("name") = 'x') = (NOT "n" IS NULL)"""),
        ("postgresql", "((name)::text ~~ '%_@%'::text)", "sqlite", """(("name") LIKE '%_@%')"""),
        ("postgresql", "((name)::text ~~ '%z'::text)", "sqlite", "left out: LIKE ignores"),
        ("postgresql", "((name)::text ~~ '%z'::text)", "mysql", "((`name`) LIKE '%z')"),
        ("mysql", "(`name` in (_utf8mb4'New',_utf8mb4'old'))", "postgresql",
         """(LOWER("name") IN ('new', 'old'))"""),
        ("mysql", "(`name` <> _utf8mb4'5')", "duckdb", """("name" <> '5')"""),
        ("mysql", "(lower(`name`) = `name`)", "postgresql",
         """(LOWER(LOWER("name")) = LOWER("name"))"""),
        ("mysql", "(`name` = _utf8mb4'New')", "mariadb", "(`name` = 'New')"),
        ("postgresql", "CASE WHEN n > 5 THEN price > 1 ELSE price >= 0 END", "mysql",
         "(CASE WHEN `n` > 5 THEN `price` > 1 ELSE `price` >= 0 END) <> 0"),
        ("mariadb", "case when `n` > 5 then `price` > 1 end", "mysql",
         "(CASE WHEN `n` > 5 THEN `price` > 1 END) <> 0"),
        ("mysql", "((case when `n` > 5 then `price` > 1 else `n` is null end) <> 0)", "postgresql",
         '((CASE WHEN "n" > 5 THEN "price" > 1 ELSE "n" IS NULL END))'),
        ("mysql", "((case when `n` > 5 then `n` else 1 end) <> 0)", "postgresql",
         '((CASE WHEN "n" > 5 THEN "n" ELSE 1 END) <> 0)'),
        ("postgresql", "((name)::text ~~ '50\\_%'::text)", "duckdb",
         """(("name") LIKE '50\\_%' ESCAPE '\\')"""),
        ("duckdb", "(name LIKE '5\\_%')", "postgresql", "left out: a backslash in LIKE"),
        ("postgresql", "(GREATEST(n, 1) > 1)", "mysql", "left out: greatest() and least()"),
        ("postgresql", "((name)::text ~ '^\\d+$'::text)", "duckdb",
         """(REGEXP_MATCHES(("name"), '^\\d+$'))"""),
        ("postgresql", "((name)::text ~ '\\mx'::text)", "duckdb", "left out: its regular"),
        ("postgresql", "(n / 2) > 1", "duckdb", "left out: whole numbers are divided"),
        ("postgresql", "(price / (2)::numeric) > 1.5", "mysql", "(`price` / 2) > 1.5"),
        ("postgresql", "(price)::integer > 1", "mysql", "left out: casts to INT"),
        ("postgresql", "CASE WHEN n > 5 THEN name ELSE NULL::text END = 'x'", "duckdb",
         """CASE WHEN "n" > 5 THEN "name" ELSE NULL END = 'x'"""),
        ("mysql", "length(`name`) > 1", "postgresql", "left out: it counts bytes"),
        ("postgresql", "num_nonnulls(n, price) = 1", "mysql", "left out: num_nonnulls() is a"),
        ("postgresql", "(day <= CURRENT_DATE)", "mysql", "left out: it asks the clock"),
        ("postgresql", "(day <= CURRENT_DATE)", "duckdb", '("day" <= CURRENT_DATE)'),
        ("postgresql", "(name COLLATE \"C\") > 'a'", "mysql", "left out: collations have other"),
        ("sqlite", "name GLOB 'x*'", "duckdb", "left out: GLOB"),
        ("postgresql", "unknown > 1", "mysql", "left out: it names 'unknown'"),
        ("postgresql", "pg_sleep(9) IS NULL", "mysql", "left out: it calls pg_sleep()"),
    ],
)  # fmt: skip
def test_expressions_are_carried_only_where_they_mean_the_same(
    source: str, sql: str, target: str, expected: str
) -> None:
    found = carried(source, target, sql)
    assert found.startswith(expected) if expected.startswith("left out") else found == expected


@pytest.mark.parametrize(
    ("source", "kind", "sql", "target", "expected"),
    [
        ("postgresql", "text", "'a''b'::character varying(20)", "mysql", "'a''b'"),
        ("postgresql", "text", "'a\\b'::text", "mysql", "'a\\\\b'"),
        ("postgresql", "integer", "(-1)", "duckdb", "-1"),
        ("postgresql", "integer", "'-1'::integer", "sqlite", "-1"),
        ("mysql", "integer", "'7'", "postgresql", "7"),
        ("mysql", "boolean", "b'1'", "postgresql", "TRUE"),
        ("duckdb", "boolean", "CAST('f' AS BOOLEAN)", "postgresql", "FALSE"),
        ("mysql", "timestamp", "CURRENT_TIMESTAMP(6)", "sqlite", "CURRENT_TIMESTAMP"),
        ("postgresql", "timestamp", "now()", "mysql", "CURRENT_TIMESTAMP(6)"),
        ("postgresql", "date", "CURRENT_DATE", "mysql", "(CURRENT_DATE)"),
        ("postgresql", "date", "now()", "mysql", None),
        ("postgresql", "uuid", "gen_random_uuid()", "duckdb", "uuid()"),
        ("postgresql", "uuid", "gen_random_uuid()", "sqlite", None),
        ("postgresql", "integer", "nextval('s'::regclass)", "mysql", None),
        ("mysql", "timestamp", "CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "duckdb", None),
    ],
)
def test_defaults_are_carried_only_where_they_mean_the_same(
    source: str, kind: str, sql: str, target: str, expected: Any
) -> None:
    vetting = Vetting(spelling(source), (), spelling(target))
    given = column("c", ColumnKind(kind), default=sql)
    if expected is None:
        with pytest.raises(Refused):
            vetting.carried_default(given)
    else:
        assert vetting.carried_default(given) == expected


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


@pytest.mark.parametrize("engine", ["snowflake", "bigquery", "redshift", "databricks", "mssql"])
def test_decimals_that_no_type_holds_are_refused(engine: str) -> None:
    how = spelling(engine)

    def stated(precision: int, scale: int) -> str:
        decimal = column("x", ColumnKind.DECIMAL, precision=precision, scale=scale)
        return how.loses(decimal) or str(
            how.type_of(decimal, in_key=False, sole_key=False).compile()
        )

    assert "(38, 10)" in stated(38, 10)
    assert "at most 38 digits, not 45" in stated(45, 5)
    assert "at most 38 digits, not 40" in stated(3, 40)
    assert "(5, 5)" in stated(3, 5)  # all of them behind the point
    assert "(7" in stated(5, -2)
    behind = "at most 37 digits behind the point" in stated(38, 38)
    assert behind is (engine in ("snowflake", "redshift"))
