"""What replacing a PostgreSQL schema must never take with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Optional

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.steps import observe
from synthohive.io.writer import Writer
from tests.contracts.writer import ORIGIN, rows, shop, staged, write

pytestmark = pytest.mark.integration


class Bed:
    """A source with an enum and a domain, an earlier synthetic schema, and one of somebody."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.names = {"src": name, "syn": f"{name}_syn", "out": f"{name}_out"}
        self.meta = shop()
        self.sql(
            "CREATE SCHEMA {out}",
            "CREATE TYPE {src}.mood AS ENUM ('a', 'b')",
            "CREATE DOMAIN {src}.small AS int CHECK (VALUE < 10)",
        )

    def sql(self, *statements: str) -> Any:
        """Run statements; return the last one's rows."""
        found = None
        with self.engine.begin() as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement.format(**self.names))
                found = [tuple(row) for row in result] if result.returns_rows else None
        return found

    def value(self, query: str) -> Any:
        """Return a query's only value."""
        return self.sql(query)[0][0]

    def writer(self, target: Optional[str] = None, **more: Any) -> Writer:
        options = {"if_exists": "replace", "provenance": ORIGIN, **more}
        return open_writer(
            self.engine,
            self.meta,
            target_schema=target or self.names["syn"],
            source_schema=self.names["src"],
            **options,
        )

    def write(self, target: Optional[str] = None, **more: Any) -> None:
        write(self.writer(target, **more), rows())

    def oids(self) -> Any:
        """Return the numbers of all that there is, which tells whether something was touched."""
        catalogues = {"class": "rel", "proc": "pro", "type": "typ"}
        parts = [
            f"SELECT '{name}', c.oid::int, n.nspname || '.' || {short}name FROM pg_{name} c "
            f"JOIN pg_namespace n ON n.oid = {short}namespace WHERE nspname LIKE '{{src}}%%'"
            for name, short in catalogues.items()
        ]
        columns = (
            "SELECT 'column', attrelid::int, attname FROM pg_attribute JOIN pg_class c "
            "ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname LIKE '{src}%%' AND NOT attisdropped AND attnum > 0"
        )
        return self.sql(f"{' UNION ALL '.join([*parts, columns])} ORDER BY 1, 2, 3")


@pytest.fixture
def bed(postgres_engine: Engine, postgres_schema: str) -> Iterator[Bed]:
    from tests.contracts.writer import make_shop

    make_shop(postgres_engine, postgres_schema)
    yield Bed(postgres_engine, postgres_schema)
    observe(None)
    with postgres_engine.begin() as connection:
        connection.exec_driver_sql(f"DROP PUBLICATION IF EXISTS {postgres_schema}_pub")


ALONE = {
    "function": "CREATE FUNCTION {x}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "procedure": "CREATE PROCEDURE {x}.f() LANGUAGE sql AS 'SELECT 1'",
    "aggregate": "CREATE AGGREGATE {x}.f(int) (SFUNC = int4pl, STYPE = int)",
    "enum": "CREATE TYPE {x}.e AS ENUM ('x')",
    "composite": "CREATE TYPE {x}.e AS (a int)",
    "range": "CREATE TYPE {x}.e AS RANGE (SUBTYPE = int)",
    "domain": "CREATE DOMAIN {x}.d AS int",
    "sequence": "CREATE SEQUENCE {x}.s",
    "view": "CREATE VIEW {x}.v AS SELECT 1 AS a",
    "materialized view": "CREATE MATERIALIZED VIEW {x}.v AS SELECT 1 AS a",
    "table": "CREATE TABLE {x}.t (a int)",
    "operator": "CREATE OPERATOR {x}.=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)",
    "collation": 'CREATE COLLATION {x}.c FROM "C"',
    "conversion": "CREATE CONVERSION {x}.c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "text search": "CREATE TEXT SEARCH CONFIGURATION {x}.c (COPY = pg_catalog.simple)",
    "operator family": "CREATE OPERATOR FAMILY {x}.c USING btree",
}


@pytest.mark.parametrize("kind", ALONE)
def test_a_schema_with_anything_in_it_is_not_empty(bed: Bed, kind: str) -> None:
    bed.names["x"] = bed.names["out"]
    bed.sql(ALONE[kind])
    before = bed.oids()
    for mode in ("fail", "replace"):
        with pytest.raises(ConnectorError, match="SynthoHive did not make it: it holds"):
            bed.writer(bed.names["out"], if_exists=mode)
    assert bed.oids() == before
    options = {"if_exists": "replace_foreign", "replace_foreign": bed.names["out"]}
    bed.write(bed.names["out"], **options)
    assert bed.value("SELECT count(*) FROM {out}.customers") == 3
    bed.write(bed.names["out"])


INSIDE = {
    **ALONE,
    "trigger": "CREATE TRIGGER t BEFORE UPDATE ON {x}.orders FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "policy": "CREATE POLICY p ON {x}.orders USING (true)",
    "index": "CREATE INDEX mine ON {x}.orders (customer_id, id)",
    "column": "ALTER TABLE {x}.orders ADD mine int",
    "default": "ALTER TABLE {x}.orders ALTER customer_id SET DEFAULT 1",
    "check": "ALTER TABLE {x}.orders ADD CONSTRAINT mine CHECK (id > 0)",
    "rule": "CREATE RULE mine AS ON DELETE TO {x}.orders DO INSTEAD NOTHING",
    "statistics": "CREATE STATISTICS {x}.st ON id, customer_id FROM {x}.orders",
    "publication": "CREATE PUBLICATION {src}_pub FOR TABLE {x}.orders",
    "publication of the schema": "CREATE PUBLICATION {src}_pub FOR TABLES IN SCHEMA {x}",
    "child of another table": "CREATE TABLE {out}.par (); ALTER TABLE {x}.orders INHERIT {out}.par",
    "another table of the name": "DROP TABLE {x}.order_items CASCADE; "
    "CREATE TABLE {x}.order_items (x int)",
}


@pytest.mark.parametrize("kind", INSIDE)
def test_what_others_put_into_a_synthetic_schema_is_refused_by_name(bed: Bed, kind: str) -> None:
    bed.names["x"] = bed.names["syn"]
    bed.write()
    bed.sql(INSIDE[kind])
    before = bed.oids()
    with pytest.raises(ConnectorError, match="what SynthoHive did not make: "):
        bed.writer()
    assert bed.oids() == before


OUTSIDE = {
    "column of an enum": "CREATE TABLE {out}.t (id int, m {syn}.mood)",
    "column of an array": "CREATE TABLE {out}.t (id int, m {syn}.mood[])",
    "column of a domain": "CREATE TABLE {out}.t (id int, m {syn}.small)",
    "column of a row": "CREATE TABLE {out}.t (id int, m {syn}.orders)",
    "domain over a type": "CREATE DOMAIN {out}.t AS {syn}.mood",
    "inherited table": "CREATE TABLE {out}.t (x int) INHERITS ({syn}.orders)",
    "foreign key": "CREATE TABLE {out}.t (x bigint REFERENCES {syn}.orders)",
    "function of rows": "CREATE FUNCTION {out}.t() RETURNS SETOF {syn}.orders LANGUAGE sql "
    "AS 'SELECT * FROM {syn}.orders'",
    "atomic function": "CREATE FUNCTION {out}.t() RETURNS bigint LANGUAGE sql "
    "BEGIN ATOMIC SELECT count(*) FROM {syn}.orders; END",
    "materialized view": "CREATE MATERIALIZED VIEW {out}.t AS SELECT id FROM {syn}.orders",
    "default from a type": "CREATE TABLE {out}.t (x text DEFAULT 'a'::{syn}.mood)",
    "view that shows a type": "CREATE VIEW {out}.t AS SELECT 'a'::{syn}.mood AS m",
    "policy": "CREATE TABLE {out}.t (x int); CREATE POLICY p ON {out}.t "
    "USING (x IN (SELECT id FROM {syn}.orders))",
    "rule": "CREATE TABLE {out}.t (x int); CREATE RULE r AS ON INSERT TO {out}.t "
    "DO ALSO DELETE FROM {syn}.orders",
    "cast": "CREATE CAST ({syn}.mood AS int) WITH INOUT",
}


@pytest.mark.parametrize("kind", OUTSIDE)
def test_what_outside_depends_on_it_is_refused_by_name(bed: Bed, kind: str) -> None:
    bed.write()
    bed.sql(OUTSIDE[kind])
    before = bed.oids()
    for options in ({}, {"if_exists": "replace_foreign", "replace_foreign": bed.names["syn"]}):
        with pytest.raises(ConnectorError, match="depends on it and cannot be carried over") as e:
            bed.writer(**options)
        assert bed.names["out"] in str(e.value) or kind == "cast"
    assert bed.oids() == before


def during(step: str, action: Callable[[], Any]) -> None:
    """Have something happen when a run reaches a step."""

    def observer(name: str) -> None:
        if name == step:
            observe(None)
            action()

    observe(observer)


@pytest.mark.parametrize("where", ["syn", "out"])
def test_a_table_made_in_the_target_during_the_run_stays(bed: Bed, where: str) -> None:
    if where == "syn":
        bed.write()
    target = bed.names[where]
    make = f"CREATE TABLE {target}.precious (x int); INSERT INTO {target}.precious VALUES (1)"
    during("keys proved", lambda: bed.sql(make))
    with pytest.raises(ConnectorError, match="precious"):
        bed.write(target, if_exists="replace" if where == "syn" else "fail")
    assert bed.sql(f"SELECT x FROM {target}.precious") == [(1,)]


def test_what_is_made_between_look_and_commit_outlives_the_old_schema(bed: Bed) -> None:
    """There is no lock that keeps types from being used: dropping must not cascade."""
    bed.write()
    during(
        "schemas renamed",
        lambda: bed.sql(
            "CREATE TABLE {out}.late (m {syn}.mood)", "INSERT INTO {out}.late VALUES ('a')"
        ),
    )
    bed.write()
    assert bed.sql("SELECT m::text FROM {out}.late") == [("a",)]
    bed.write()
    assert bed.sql("SELECT m::text FROM {out}.late") == [("a",)]
    bed.sql("DROP TABLE {out}.late")
    bed.write()
    assert leftovers(bed) == []


def leftovers(bed: Bed) -> list[str]:
    found = bed.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE '{syn}%%synthohive%%'")
    return [name for (name,) in found]


def test_views_rights_and_comments_go_over_to_the_new_schema(bed: Bed) -> None:
    bed.write()
    role = f"{bed.names['src']}_role"
    bed.names["role"] = role
    bed.sql(f"CREATE ROLE {role}")
    try:
        bed.sql(
            "CREATE VIEW {out}.v WITH (security_barrier) AS SELECT id, email FROM {syn}.customers "
            "WHERE id > 0 WITH LOCAL CHECK OPTION",
            "CREATE VIEW {out}.w AS SELECT count(*) AS n FROM {out}.v JOIN {syn}.orders USING (id)",
            "GRANT SELECT ON {out}.v TO {role}",
            "COMMENT ON VIEW {out}.v IS 'mine'",
            "GRANT USAGE ON SCHEMA {syn} TO {role} WITH GRANT OPTION",
            "GRANT SELECT ON {syn}.customers TO {role}",
            "GRANT UPDATE (note) ON {syn}.order_items TO {role}",
            "GRANT SELECT ON {syn}.orders TO PUBLIC",
            "COMMENT ON SCHEMA {syn} IS 'ask Ada'",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {syn} GRANT SELECT ON TABLES TO {role}",
        )
        during(
            "keys proved", lambda: bed.sql("CREATE VIEW {out}.late AS SELECT id FROM {syn}.orders")
        )
        for _ in range(2):
            bed.write()
            assert leftovers(bed) == []
            assert bed.value("SELECT count(*) FROM {out}.v") == 3
            assert bed.value("SELECT n FROM {out}.w") == 0
            assert bed.value("SELECT count(*) FROM {out}.late") == 2
            options = (
                "SELECT array_to_string(reloptions, ' ') FROM pg_class "
                "WHERE oid = '{out}.v'::regclass"
            )
            assert bed.value(options) == "security_barrier=true check_option=local"
            checks = [
                "has_table_privilege('{role}', '{out}.v', 'SELECT')",
                "has_schema_privilege('{role}', '{syn}', 'USAGE WITH GRANT OPTION')",
                "has_table_privilege('{role}', '{syn}.customers', 'SELECT')",
                "NOT has_table_privilege('{role}', '{syn}.customers', 'UPDATE')",
                "has_column_privilege('{role}', '{syn}.order_items', 'note', 'UPDATE')",
                "NOT has_column_privilege('{role}', '{syn}.order_items', 'line', 'UPDATE')",
                "has_table_privilege('public', '{syn}.orders', 'SELECT')",
                "obj_description('{syn}'::regnamespace) = 'ask Ada'",
                "obj_description('{out}.v'::regclass) = 'mine'",
            ]
            for check in checks:
                assert bed.value(f"SELECT {check}") is True, check
        bed.sql("CREATE TABLE {syn}.later (x int)")
        assert bed.value("SELECT has_table_privilege('{role}', '{syn}.later', 'SELECT')")
    finally:
        bed.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_comments_of_others_go_over_and_ours_do_not(bed: Bed) -> None:
    """Ours come from the source anew; whose they are is told by the note."""
    bed.meta.tables["order_items"].comment = "of the source"
    bed.sql("COMMENT ON TABLE {src}.order_items IS 'of the source'")
    bed.write()
    places = {
        "TABLE {syn}.orders": "to_regclass('{syn}.orders'), 'pg_class'",
        "INDEX {syn}.customers_pkey": "to_regclass('{syn}.customers_pkey'), 'pg_class'",
        "TYPE {syn}.mood": "'{syn}.mood'::regtype, 'pg_type'",
        "DOMAIN {syn}.small": "'{syn}.small'::regtype, 'pg_type'",
        "CONSTRAINT customers_pkey ON {syn}.customers": (
            "(SELECT oid FROM pg_constraint WHERE conname = 'customers_pkey' "
            "AND conrelid = '{syn}.customers'::regclass), 'pg_constraint'"
        ),
        "CONSTRAINT small_check ON DOMAIN {syn}.small": (
            "(SELECT oid FROM pg_constraint WHERE contypid = '{syn}.small'::regtype), "
            "'pg_constraint'"
        ),
    }
    ours = "SELECT obj_description('{syn}.order_items'::regclass)"
    assert bed.value(ours) == "of the source"
    bed.sql(*(f"COMMENT ON {place} IS 'by Ada''s'" for place in places))
    bed.sql("COMMENT ON COLUMN {syn}.customers.email IS '100%% \\ \"mine\"'")
    column = "SELECT col_description('{syn}.customers'::regclass, 2)"
    for _ in range(2):
        bed.write()
        for place, call in places.items():
            assert bed.value(f"SELECT obj_description({call})") == "by Ada's", place
        assert bed.value(column) == '100% \\ "mine"'
    bed.sql("COMMENT ON TABLE {src}.order_items IS 'newer'")
    bed.meta.tables["order_items"].comment = "newer"
    bed.write()
    assert bed.value(ours) == "newer"
    bed.sql("COMMENT ON TABLE {syn}.order_items IS NULL")
    bed.write()
    assert bed.value(ours) is None


def test_what_is_kept_in_order_stays_ours(bed: Bed) -> None:
    """Renamed, rebuilt, altered, or with a table less: all that is there is what was made."""
    bed.write()
    renamed = bed.names["syn"] + "_renamed"
    with bed.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in (
            f"ALTER SCHEMA {bed.names['syn']} RENAME TO {renamed}",
            f"REINDEX TABLE CONCURRENTLY {renamed}.customers",
            f"VACUUM FULL {renamed}.customers",
            f"ALTER TABLE {renamed}.customers ALTER email TYPE text",
            f"ALTER TABLE {renamed}.customers ALTER id TYPE numeric",
            f"DROP TABLE {renamed}.order_items CASCADE",
        ):
            connection.exec_driver_sql(statement)
    bed.write(renamed)


def test_a_renamed_source_is_still_the_source(bed: Bed) -> None:
    from synthohive.connectors.sql import SqlWarehouse

    was = SqlWarehouse(bed.engine, bed.names["src"]).fingerprint()
    renamed = bed.names["src"] + "_renamed"
    bed.sql(f"ALTER SCHEMA {{src}} RENAME TO {renamed}")
    options = {"if_exists": "replace_foreign", "replace_foreign": renamed, "sources": was}
    with pytest.raises(ConnectorError, match="source itself"):
        open_writer(
            None,
            bed.meta,
            target_schema=renamed,
            target_engine=bed.engine,
            provenance=ORIGIN,
            **options,
        )
    # Dropped and restored from a dump, it has another number and the same name.
    bed.sql("CREATE SCHEMA {src}")
    options["replace_foreign"] = bed.names["src"]
    with pytest.raises(ConnectorError, match="source itself"):
        open_writer(
            None,
            bed.meta,
            target_schema=bed.names["src"],
            target_engine=bed.engine,
            provenance=ORIGIN,
            **options,
        )


def test_a_copied_note_makes_nothing_ours(bed: Bed) -> None:
    bed.write()
    bed.sql(
        "CREATE TABLE {out}.customers (x int)",
        "CREATE TABLE {out}._synthohive AS TABLE {syn}._synthohive",
    )
    before = bed.oids()
    with pytest.raises(ConnectorError, match="SynthoHive did not make it"):
        bed.writer(bed.names["out"])
    assert bed.oids() == before


def test_a_reader_neither_stops_a_run_nor_the_next_ones(bed: Bed) -> None:
    bed.write()
    with bed.engine.connect() as reader:
        query = f"SELECT count(*) FROM {bed.names['syn']}.customers"
        assert reader.exec_driver_sql(query).scalar() == 3
        started = time.monotonic()
        for _ in range(3):
            bed.write()
        assert time.monotonic() - started < 20  # was: for ever
        assert len(leftovers(bed)) == 1  # what it reads, and nothing else
    bed.write()
    assert leftovers(bed) == []


def test_who_holds_a_lock_is_named(bed: Bed) -> None:
    """A view can only go over while nobody reads it."""
    bed.write()
    bed.sql("CREATE VIEW {out}.v AS SELECT id FROM {syn}.customers")
    url = bed.engine.url.update_query_dict({"options": "-c lock_timeout=900ms"})
    impatient = sa.create_engine(url)
    named = sa.create_engine(
        bed.engine.url.update_query_dict({"application_name": "Ada''s report"})
    )
    with named.connect() as reader:
        reader.exec_driver_sql(f"SELECT * FROM {bed.names['out']}.v")
        pid = reader.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        before = bed.oids()
        engine, bed.engine = bed.engine, impatient
        user = engine.url.username
        with pytest.raises(
            ConnectorError, match=rf"process {pid} \(user '{user}', application 'Ada"
        ):
            bed.write()
        bed.engine = engine
    assert bed.oids() == before
    assert leftovers(bed) == []
    bed.write()
    impatient.dispose()
    named.dispose()


def test_a_locked_source_is_said_to_be_locked(bed: Bed) -> None:
    from synthohive.connectors.sql import SqlWarehouse

    bed.sql("ALTER TABLE {src}.orders ADD amount numeric")  # its digits are looked up
    url = bed.engine.url.update_query_dict({"options": "-c lock_timeout=300ms"})
    impatient = sa.create_engine(url)
    whole = SqlWarehouse(impatient, bed.names["src"])
    with bed.engine.connect() as migration:
        migration.exec_driver_sql(f"LOCK TABLE {bed.names['src']}.orders")
        with pytest.raises(ConnectorError, match="lock timeout"):
            SqlWarehouse(impatient, bed.names["src"])
        with pytest.raises(ConnectorError, match="lock timeout"):
            whole.count("orders")
    impatient.dispose()
    with bed.engine.begin() as connection:
        dialect_for(bed.engine).begin(connection)
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "30s"


def test_a_plain_user_may_write_and_replace(bed: Bed) -> None:
    """Nothing that the catalogue is asked for needs a superuser."""
    role = f"{bed.names['src']}_writer"
    bed.names["role"] = role
    bed.sql(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret'",
        "GRANT CREATE ON DATABASE " + str(bed.engine.url.database) + " TO {role}",
        "GRANT USAGE ON SCHEMA {src} TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {src} TO {role}",
    )
    admin, bed.engine = (
        bed.engine,
        sa.create_engine(bed.engine.url.set(username=role, password="secret")),
    )
    try:
        for _ in range(3):
            bed.write()
        bed.sql("CREATE TABLE {syn}.mine (x int)")
        with pytest.raises(ConnectorError, match=r"did not make: table .*\.mine"):
            bed.writer()
        was, now = (
            dialect_for(engine).fingerprint(bed.names["src"]) for engine in (admin, bed.engine)
        )
        assert was == now
    finally:
        bed.engine.dispose()
        bed.engine = admin
        bed.sql("DROP OWNED BY {role}", "DROP ROLE {role}")


def test_who_else_writes_is_named(bed: Bed) -> None:
    with bed.writer() as first:
        pid = staged(first)._connection.info.backend_pid
        with pytest.raises(ConnectorError, match=rf"Another run is writing .* process {pid} "):
            bed.writer()
    bed.write()


def test_leftovers_of_other_targets_go_too(bed: Bed) -> None:
    crashed = bed.writer(bed.names["out"] + "_2")
    staged(crashed)._connection.close()
    running = bed.writer(bed.names["out"] + "_3")
    bed.write()
    query = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '{out}%%synthohive%%'"
    assert bed.value(query) == 1  # the one that is being written
    running.abort()
    assert bed.value(query) == 0
