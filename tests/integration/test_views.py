"""Views and triggers on request: made over the copy alone, or listed with the reason.

The proof is the same on every engine: the source is dropped, and every view still answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import ConnectorError, SchemaError, Synthesizer
from synthohive.interface.result import WriteSummary
from tests.conftest import fresh_schema

ALL: Sequence[Literal["views", "materialized_views", "triggers"]] = (
    "views",
    "materialized_views",
    "triggers",
)
TABLES = """
CREATE TABLE {s}.customer (id integer PRIMARY KEY, city varchar(20) NOT NULL, seen timestamp,
    email varchar(40));
CREATE TABLE {s}.orders (id integer PRIMARY KEY, customer_id integer NOT NULL
    REFERENCES {s}.customer (id), total integer NOT NULL, changed timestamp);
CREATE TABLE {s}.secret (id integer PRIMARY KEY, note varchar(40));
INSERT INTO {s}.customer VALUES {customers};
INSERT INTO {s}.orders VALUES {orders};
INSERT INTO {s}.secret VALUES (1, 'a real person');
"""
GOOD = """
CREATE VIEW {s}.base AS SELECT c.id, c.city, o.total FROM {s}.customer c
    JOIN {s}.orders o ON o.customer_id = c.id;
CREATE VIEW {s}.a_report AS SELECT city, sum(total) AS total, '{s}.secret' AS label
    FROM {s}.base GROUP BY city;
CREATE VIEW {s}.shadowed AS WITH secret AS (SELECT id FROM {s}.orders) SELECT * FROM secret;
CREATE VIEW {s}.usual AS SELECT id FROM {s}.customer WHERE city = 'Rome';
CREATE VIEW {s}.named AS SELECT id FROM {s}.customer WHERE email LIKE '%P3@post.org';
CREATE VIEW {s}.leaking AS SELECT o.id, (SELECT max(note) FROM {s}.secret) AS n FROM {s}.orders o;
CREATE VIEW {s}.over_leaking AS SELECT n FROM {s}.leaking;
"""


def run(engine: Engine, script: str, schema: str) -> None:
    customers = ", ".join(
        f"({i}, '{'Rome Bonn Oslo'.split()[i % 3]}', NULL, 'p{i}@post.org')" for i in range(30)
    )
    orders = ", ".join(f"({i}, {i % 30}, {i % 7}, NULL)" for i in range(90))
    text = script.replace("{customers}", customers).replace("{orders}", orders)
    with engine.begin() as connection:
        for sql in text.replace("{s}", schema).split(";\n"):
            if sql.strip():
                connection.exec_driver_sql(sql.replace("%", "%%"))


def ask(engine: Engine, sql: str) -> Any:
    with engine.connect() as connection:
        return connection.exec_driver_sql(sql).scalar()


def learned(engine: Engine, schema: str | None) -> Synthesizer:
    synth = Synthesizer.from_database(engine, schema=schema, exclude=["secret"])
    return synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, include=ALL)


def made(summary: WriteSummary) -> set[str]:
    return {name for names in summary.cloned.values() for name in names}


POSTGRESQL = """
ALTER TABLE {s}.orders SET (fillfactor = 90);
CREATE MATERIALIZED VIEW {s}.kept AS SELECT city, count(*) AS n FROM {s}.base GROUP BY city;
CREATE UNIQUE INDEX kept_city ON {s}.kept (lower(city));
COMMENT ON VIEW {s}.base IS 'all';
CREATE VIEW {s}.z AS SELECT id FROM {s}.orders;
CREATE VIEW {s}.by_other AS SELECT id FROM {s}.customer;
CREATE OR REPLACE VIEW {s}.by_other AS SELECT id FROM {s}.z;
CREATE FUNCTION {s}.actual() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {s}.customer';
CREATE VIEW {s}.called AS SELECT {s}.actual() AS n;
CREATE VIEW {s}.elsewhere AS SELECT * FROM {s}_other.hidden;
CREATE VIEW {s}.statistics AS SELECT most_common_vals::text FROM pg_stats;
CREATE VIEW {s}.by_text AS SELECT query_to_xml('SELECT * FROM {s}.customer', true, false, '') AS x;
CREATE VIEW {s}.numbered AS SELECT '{s}.secret'::regclass AS n;
CREATE FUNCTION {s}.touch() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.changed := now(); RETURN NEW; END$$;
CREATE FUNCTION {s}.spy() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.total := count(*) FROM {s}.secret; RETURN NEW; END$$;
CREATE TRIGGER touched BEFORE UPDATE ON {s}.orders FOR EACH ROW EXECUTE FUNCTION {s}.touch();
CREATE TRIGGER spied BEFORE UPDATE ON {s}.orders FOR EACH ROW EXECUTE FUNCTION {s}.spy();
"""
HELD = """
SELECT string_agg(x, ' ' ORDER BY x) FROM (
    SELECT relname FROM pg_class WHERE relnamespace = '{s}'::regnamespace
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = '{s}.orders'::regclass
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = '{s}'::regnamespace) t (x)"""


def test_postgresql(postgres_engine: Engine, postgres_schema: str) -> None:
    source, copy = postgres_schema, f"{postgres_schema}_syn"
    run(postgres_engine, f"CREATE SCHEMA {source}_other", source)
    run(postgres_engine, f"CREATE TABLE {source}_other.hidden (id integer)", source)
    run(postgres_engine, TABLES + GOOD + POSTGRESQL, source)
    held = ask(postgres_engine, HELD.replace("{s}", source))
    synth = learned(postgres_engine, source)
    assert "views" in synth.to_database(schema=copy, seed=2).not_cloned
    summary = synth.to_database(schema=copy, seed=2, if_exists="replace", include=ALL)
    assert made(summary) == {
        "base", "a_report", "shadowed", "usual", "kept", "z", "by_other", "touched", "touch",
    }  # fmt: skip
    whys = {thing.split()[-1]: reason for thing, reason in summary.reasons.items()}
    assert f"uses table {source}.secret" in whys["leaking"]
    assert f"uses view {source}.leaking" in whys["over_leaking"]
    assert f"uses function {source}.actual()" in whys["called"]
    assert f"uses table {source}_other.hidden" in whys["elsewhere"]
    assert "value of customer.email" in whys["named"]
    assert "pg_stats" in whys["statistics"]
    assert "query_to_xml" in whys["by_text"]
    assert f"{source}.secret" in whys["numbered"]
    assert "count" in whys["spied"]
    assert "actual" in summary.not_cloned["functions and procedures"]
    theirs = "GRANT SELECT ON {s}.base TO public;\nCOMMENT ON VIEW {s}.base IS 'of Ada'"
    run(postgres_engine, theirs, copy)
    synth.to_database(schema=copy, seed=3, if_exists="replace", include=ALL)
    assert ask(postgres_engine, HELD.replace("{s}", source)) == held
    run(postgres_engine, "DROP SCHEMA {s} CASCADE; DROP SCHEMA {s}_other CASCADE", source)
    for view, rows in (("base", 90), ("a_report", 3), ("shadowed", 90), ("kept", 3), ("z", 90)):
        assert ask(postgres_engine, f"SELECT count(*) FROM {copy}.{view}") == rows
    assert ask(postgres_engine, f"SELECT max(label) FROM {copy}.a_report") == f"{source}.secret"
    assert ask(postgres_engine, f"SELECT obj_description('{copy}.base'::regclass)") == "of Ada"
    granted = f"SELECT has_table_privilege('pg_monitor', '{copy}.base', 'SELECT')"
    assert ask(postgres_engine, granted)
    changed = f"SELECT count(changed) FROM {copy}.orders"
    assert ask(postgres_engine, changed) == 0  # it did not fire while the rows were loaded
    run(postgres_engine, f"UPDATE {copy}.orders SET total = 1", source)
    assert ask(postgres_engine, changed) == 90


MYSQL = """
CREATE VIEW {s}.quoted AS SELECT '`{s}`.`secret`' AS label, id FROM {s}.orders WHERE total < 99;
CREATE VIEW {s}.schemas AS SELECT table_name FROM information_schema.tables;
CREATE TRIGGER {s}.seen BEFORE INSERT ON {s}.orders FOR EACH ROW SET NEW.changed = NOW();
"""


@pytest.mark.parametrize("server", ["mysql_engine", "mariadb_engine"])
def test_mysql(server: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(server)
    with fresh_schema(engine) as source:
        copy = f"{source}_syn"
        run(engine, TABLES + GOOD + MYSQL, source)
        synth = learned(engine, source)
        synth.to_database(schema=copy, seed=2, include=["views"])
        run(engine, f"CREATE VIEW {copy}.mine AS SELECT id FROM {copy}.orders", source)
        summary = synth.to_database(schema=copy, seed=3, if_exists="replace", include=ALL)
        views = {"base", "a_report", "shadowed", "usual", "quoted"}
        assert made(summary) == views
        assert "secret" in summary.reasons["views leaking"]
        assert "value of customer.email" in summary.reasons["views named"]
        assert "information_schema" in summary.reasons["views schemas"]
        assert "never be replaced" in summary.reasons["triggers seen"]
        shown = "SELECT group_concat(table_name ORDER BY 1) FROM information_schema.views "
        shown += f"WHERE table_schema = '{copy}'"
        assert set(ask(engine, shown).split(",")) == views | {"mine"}
        run(engine, "DROP DATABASE {s}", source)
        for view, rows in (("base", 90), ("a_report", 3), ("shadowed", 90), ("quoted", 90)):
            assert ask(engine, f"SELECT count(*) FROM {copy}.{view}") == rows
        label = f"SELECT max(label) FROM {copy}.quoted"
        assert ask(engine, label) == f"`{source}`.`secret`"
        run(engine, "CREATE DATABASE {s}", source)
        run(engine, TABLES, source)
        summary = synth.to_database(schema=copy, seed=4, if_exists="replace")
        assert ask(engine, shown) == "mine"


SQLITE = """
CREATE TRIGGER counted AFTER INSERT ON orders BEGIN
    UPDATE customer SET seen = 'now' WHERE id = NEW.customer_id; END;
CREATE TRIGGER noted AFTER DELETE ON orders BEGIN INSERT INTO secret VALUES (9, 'x'); END;
"""


def test_sqlite(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    run(engine, (TABLES + GOOD + SQLITE).replace("{s}.", ""), "main")
    synth = learned(engine, None)
    assert "objects_not_cloned" in caplog.text  # before any training
    copy = sa.create_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    synth.to_database(copy.url, seed=2, include=ALL)
    summary = synth.to_database(copy.url, seed=2, include=ALL, if_exists="replace")
    assert made(summary) == {"base", "a_report", "shadowed", "usual", "counted"}
    assert "value of customer.email" in summary.reasons["views named"]
    assert "p3" not in str(summary).lower()
    assert "secret" in summary.reasons["views leaking"]
    assert "leaking" in summary.reasons["views over_leaking"] or (
        "secret" in summary.reasons["views over_leaking"]
    )
    assert "secret" in summary.reasons["triggers noted"]
    assert ask(copy, "SELECT count(seen) FROM customer") == 0
    run(copy, "INSERT INTO orders VALUES (500, (SELECT min(id) FROM customer), 1, NULL)", "")
    assert ask(copy, "SELECT count(seen) FROM customer") == 1
    for view, rows in (("base", 91), ("shadowed", 91)):
        assert ask(copy, f"SELECT count(*) FROM {view}") == rows
    copy.dispose()
    assert not synth.to_database(copy.url, seed=2, if_exists="replace").cloned
    assert not ask(copy, "SELECT count(*) FROM sqlite_master WHERE type IN ('view', 'trigger')")


DUCKDB = """
CREATE MACRO {s}.actual() AS (SELECT count(*) FROM {s}.customer);
CREATE VIEW {s}.called AS SELECT {s}.actual() AS n;
CREATE VIEW {s}.files AS SELECT * FROM read_csv('{csv}', columns = {'a': 'INTEGER'});
CREATE VIEW {s}.by_text AS SELECT * FROM query_table('{s}.customer');
CREATE VIEW {s}.ranked (a, "b c") AS SELECT orders.id + extract(year FROM DATE '2024-01-01'),
    row_number() OVER (ORDER BY {s}.orders.id)
    FROM {s}.orders WHERE total IN (SELECT i FROM range(7) r(i));
CREATE VIEW {s}.deep AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3)
    SELECT n FROM t, (WITH orders AS (SELECT * FROM {s}.orders) SELECT count(*) FROM orders) x
"""


def test_duckdb(tmp_path: Path) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    engine = sa.create_engine(f"duckdb:///{tmp_path / 'real.duckdb'}")
    (tmp_path / "customers.csv").write_text("1\n")
    views = DUCKDB.replace("{csv}", str(tmp_path / "customers.csv"))
    run(engine, "CREATE SCHEMA shop;\n" + TABLES + GOOD + views, "shop")
    synth = learned(engine, "shop")
    synth.to_database(schema="copy", seed=2, include=ALL)
    run(engine, "CREATE VIEW {s}.mine AS SELECT id FROM {s}.orders", "copy")
    summary = synth.to_database(schema="copy", seed=2, include=ALL, if_exists="replace")
    assert made(summary) == {"base", "a_report", "shadowed", "usual", "ranked", "deep"}
    for view, reason in (
        ("leaking", "shop.secret"),
        ("over_leaking", "leaking"),
        ("called", "actual"),
        ("files", "read_csv"),
        ("by_text", "query_table"),
        ("named", "value of customer.email"),
    ):
        assert reason in summary.reasons[f"views {view}"]
    run(engine, "DROP SCHEMA shop CASCADE", "")
    for view, rows in (("base", 90), ("a_report", 3), ("shadowed", 90), ("ranked", 90)):
        assert ask(engine, f"SELECT count(*) FROM copy.{view}") == rows
    assert ask(engine, "SELECT count(*) FROM copy.deep") == 3
    assert ask(engine, 'SELECT max("b c") FROM copy.ranked') == 90
    assert ask(engine, "SELECT count(*) FROM copy.mine") == 90


def test_other_engines_and_frames_have_none(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    run(engine, (TABLES + GOOD).replace("{s}.", ""), "main")
    synth = learned(engine, None)
    with pytest.raises(SchemaError, match=r"Pass one of 'views', 'materialized_views'"):
        synth.to_database(include=["view"])  # type: ignore[list-item]
    with pytest.raises(SchemaError, match="list of names"):
        synth.to_database(include="views")
    summary = synth.to_database(f"duckdb:///{tmp_path / 'copy.duckdb'}", seed=1, include=["views"])
    assert set(summary.reasons.values()) == {"its SQL is that of sqlite"}
    assert "views" in summary.not_cloned
    assert not summary.cloned
    synth.save(tmp_path / "model")
    with pytest.raises(ConnectorError, match="needs the source"):
        Synthesizer.load(tmp_path / "model").to_database(
            f"sqlite:///{tmp_path / 'other.db'}", include=["views"]
        )


SEVERAL = """
CREATE TABLE {a}.maker (id integer PRIMARY KEY, city varchar(20) NOT NULL);
CREATE TABLE {b}.part (id integer PRIMARY KEY, maker_id integer NOT NULL {key}, price integer);
CREATE TABLE {a}.secret (id integer PRIMARY KEY);
INSERT INTO {a}.maker VALUES {makers};
INSERT INTO {b}.part VALUES {parts};
CREATE VIEW {b}.priced AS SELECT m.city, p.price FROM {a}.maker m
    JOIN {b}.part p ON p.maker_id = m.id;
CREATE VIEW {a}.back AS SELECT city, count(*) AS n FROM {b}.priced GROUP BY city;
CREATE VIEW {a}.hidden AS SELECT id FROM {a}.secret;
"""


@pytest.mark.parametrize("server", ["postgres_engine", "mysql_engine", "duckdb"])
def test_views_over_several_schemas(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = server == "duckdb"
    url = f"duckdb:///{tmp_path / 'real.duckdb'}"
    engine: Engine = sa.create_engine(url) if file else request.getfixturevalue(server)
    with fresh_schema(engine) as first, fresh_schema(engine) as second:
        script = SEVERAL.replace("{a}", first).replace("{b}", second)
        script = script.replace("{key}", "" if file else f"REFERENCES {first}.maker (id)")
        makers = ", ".join(f"({i}, '{'Rome Bonn'.split()[i % 2]}')" for i in range(20))
        parts = ", ".join(f"({i}, {i % 20}, {i % 9})" for i in range(60))
        run(engine, script.replace("{makers}", makers).replace("{parts}", parts), first)
        schemas = [first, second]
        synth = Synthesizer.from_database(engine, schemas, exclude=[f"{first}.secret"])
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        for if_exists in ("fail", "replace"):
            summary = synth.to_database(seed=2, if_exists=if_exists, include=["views"])  # type: ignore[arg-type]
            assert summary.cloned == {"views": (f"{first}.back", f"{second}.priced")}
            assert [*summary.reasons] == [f"views {first}.hidden"]
        left = "SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE "
        for schema in schemas:
            assert ask(engine, f"{left}'{schema}%__synthohive%'".replace("%", "%%")) == 0
        for schema in schemas[::-1]:
            word = "DATABASE {s}" if server == "mysql_engine" else "SCHEMA {s} CASCADE"
            run(engine, f"DROP {word}", schema)
        assert ask(engine, f"SELECT count(*) FROM {second}_synthetic.priced") == 60
        assert ask(engine, f"SELECT sum(n) FROM {first}_synthetic.back") == 60
        for schema in schemas:  # for the end of the test
            word = "DATABASE" if server == "mysql_engine" else "SCHEMA"
            run(engine, f"CREATE {word} {{s}}", schema)


def test_a_namesake_in_another_schema_does_not_take_the_place(postgres_engine: Engine) -> None:
    with fresh_schema(postgres_engine) as first, fresh_schema(postgres_engine) as second:
        script = (
            f"CREATE TABLE {first}.kept AS SELECT g AS id FROM generate_series(1, 60) g;"
            f"CREATE TABLE {first}.part AS SELECT g AS id FROM generate_series(1, 60) g;"
            f"CREATE TABLE {second}.part AS SELECT g AS id FROM generate_series(1, 60) g;"
            f"CREATE VIEW {first}.parts AS SELECT id FROM {first}.part;"
        )
        run(postgres_engine, script, first)
        excluded = f"{first}.part"
        synth = Synthesizer.from_database(postgres_engine, [first, second], exclude=[excluded])
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
        summary = synth.to_database(seed=2, include=["views"])
        assert summary.cloned.get("views", ()) == ()
        assert f"table {excluded}" in summary.reasons[f"views {first}.parts"]
