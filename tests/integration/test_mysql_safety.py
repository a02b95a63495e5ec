"""What a MySQL or MariaDB target must survive: other people's objects, locks, kills."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from synthohive.connectors.mysql import write as mysql
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io import steps
from synthohive.io.writer import Writer
from synthohive.schema import Metadata
from tests.contracts.writer import (
    ORIGIN,
    Place,
    described,
    integer,
    make_shop,
    rows,
    shop,
    staged,
    write,
)


@pytest.fixture(params=["mysql", "mariadb"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give a source, and a target that was written once."""
    monkeypatch.setattr(mysql, "_LOCK_SECONDS", 1)
    monkeypatch.setattr(mysql, "_TRIES", 2)
    monkeypatch.setattr(mysql, "_PAUSE_SECONDS", 0.1)
    engine = request.getfixturevalue(f"{request.param}_engine")
    database = request.getfixturevalue(f"{request.param}_database")
    found = Place(engine, database, f"{database}_synthetic")
    make_shop(engine, database)
    write(opened(found), rows())
    return found


def opened(place: Place, if_exists: Any = "fail", **more: Any) -> Writer:
    more = {"target_schema": place.target, "source_schema": place.schema, **more}
    return open_writer(place.engine, shop(), provenance=ORIGIN, if_exists=if_exists, **more)


def filled(writer: Writer) -> Writer:
    for name, table in rows().items():
        writer.load(name, table.to_batches())
    return writer


def run(place: Place, *statements: str) -> list[Any]:
    """Run statements in the target; return the rows of the last one."""
    found: list[Any] = []
    with place.engine.connect() as connection:
        connection.detach()  # its database is not the next one's
        connection.exec_driver_sql(f"USE {place.target}")
        for statement in statements:
            result = connection.exec_driver_sql(statement)
            found = list(result) if result.returns_rows else []
        connection.commit()
    return found


def customers(place: Place) -> int:
    return int(run(place, "SELECT COUNT(*) FROM customers")[0][0])


def leftovers(place: Place) -> list[str]:
    names = sa.inspect(place.engine).get_schema_names()
    return [name for name in names if "__synthohive_" in name and name.startswith(place.target)]


@contextmanager
def at(name: str, *calls: Any) -> Iterator[None]:
    """Do something once, when a run reaches a step."""
    left = list(calls)

    def watch(reached: str) -> None:
        if reached == name and left:
            left.pop()()

    steps.observe(watch)
    try:
        yield
    finally:
        steps.observe(None)
    assert not left


def test_comments_and_rights_of_others_go_over_to_the_new_tables(place: Place) -> None:
    source = place.schema
    run(place, f"ALTER TABLE {source}.order_items COMMENT = 'of the source'")
    write(opened(place, "replace"), rows())
    user = f"'{place.target[:20]}'@'%%'"
    run(
        place,
        "ALTER TABLE customers COMMENT = 'by Ada''s 100%% \\\\'",
        "ALTER TABLE customers MODIFY COLUMN email varchar(40) NOT NULL COMMENT 'her, column'",
        f"CREATE USER {user}",
        f"GRANT SELECT (email) ON {place.target}.customers TO {user}",
    )
    try:
        for _ in range(2):
            write(opened(place, "replace"), rows())
            created = run(place, "SHOW CREATE TABLE customers")[0][1]
            assert "COMMENT='by Ada''s 100% \\\\'" in created
            assert "COMMENT 'her, column'" in created
            assert "of the source" in run(place, "SHOW CREATE TABLE order_items")[0][1]
            assert "`customers`" in str(run(place, f"SHOW GRANTS FOR {user}"))
        run(place, "ALTER TABLE order_items COMMENT = ''")
        write(opened(place, "replace"), rows())
        assert "of the source" not in run(place, "SHOW CREATE TABLE order_items")[0][1]
    finally:
        run(place, f"DROP USER {user}")


def test_comments_on_indexes_go_over(place: Place) -> None:
    """The source has an index of that name by now."""
    run(place, f"CREATE INDEX mine ON {place.schema}.orders (first_line, id)")
    write(opened(place, "replace"), rows())
    run(place, "ALTER TABLE orders DROP INDEX mine, ADD INDEX mine (first_line, id) COMMENT 'why'")
    run(place, f"ALTER TABLE {place.target}.orders COMMENT = 'too'")
    write(opened(place, "replace"), rows())
    created = run(place, "SHOW CREATE TABLE orders")[0][1]
    assert "KEY `mine` (`first_line`,`id`) COMMENT 'why'" in created
    assert "COMMENT='too'" in created


def test_partitions_of_others_are_not_dropped(place: Place) -> None:
    alone = Metadata(dialect=None)
    alone.add_table("visits", "id", columns=described(integer("id")))
    data = {"visits": pa.table({"id": [1, 2]})}
    options: Any = {"provenance": ORIGIN, "target_schema": place.target, "if_exists": "replace"}
    options["target_engine"] = place.engine
    write(open_writer(None, alone, **options), data)
    run(place, "ALTER TABLE visits PARTITION BY HASH (id) PARTITIONS 2")
    with pytest.raises(ConnectorError, match=r"did not make: .*partition visits\.p0"):
        open_writer(None, alone, **options)
    run(place, "ALTER TABLE visits REMOVE PARTITIONING")
    write(open_writer(None, alone, **options), data)


OBJECTS = {
    "table mine": "CREATE TABLE mine (x int)",
    "column customers.mine": "ALTER TABLE customers ADD COLUMN mine int",
    "index orders.mine": "CREATE INDEX mine ON orders (first_line, id)",
    "trigger orders.mine": "CREATE TRIGGER mine BEFORE INSERT ON orders FOR EACH ROW SET @x = 1",
}


def test_what_others_made_is_not_dropped(place: Place) -> None:
    pattern = "did not make: column customers.mine, index orders.mine, table mine, trigger orders"
    writer = filled(opened(place, "replace"))
    run(place, *OBJECTS.values())
    with pytest.raises(ConnectorError, match=pattern):
        writer.finish()
    with pytest.raises(ConnectorError, match=pattern):
        opened(place, "replace")
    with pytest.raises(ConnectorError, match=r"with triggers.*trigger orders\.mine"):
        opened(place, "replace_foreign", replace_foreign=place.target)
    assert leftovers(place) == []
    assert customers(place) == 3
    run(place, "DROP TRIGGER mine", "CREATE VIEW theirs AS SELECT 1 AS one")
    write(opened(place, "replace_foreign", replace_foreign=place.target), rows())
    assert {"mine", "theirs"}.isdisjoint(sa.inspect(place.engine).get_table_names(place.target))
    assert run(place, "SHOW FULL TABLES WHERE Table_type = 'VIEW'") == []
    assert leftovers(place) == []


def test_what_names_our_tables_stays_and_finds_the_new_ones(place: Place) -> None:
    role = f"u{place.schema}"
    run(
        place,
        "CREATE VIEW v AS SELECT COUNT(*) AS n FROM orders",
        f"CREATE VIEW {place.schema}.w AS SELECT COUNT(*) AS n FROM orders",
        "CREATE FUNCTION f() RETURNS int READS SQL DATA RETURN (SELECT COUNT(*) FROM orders)",
        "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO SET @x = 1",
        f"CREATE USER '{role}'@'%%' IDENTIFIED BY 'hunter2'",
        f"GRANT SELECT ON {place.target}.customers TO '{role}'@'%%'",
        f"GRANT UPDATE ON {place.target}.* TO '{role}'@'%%'",
    )
    try:
        grants = run(place, f"SHOW GRANTS FOR '{role}'@'%%'")
        write(
            opened(place, "replace"),
            rows(
                orders=rows()["orders"].slice(0, 1), order_items=rows()["order_items"].slice(0, 1)
            ),
        )
        sql = f"SELECT v.n, w.n, f() FROM v, {place.schema}.w w"
        assert run(place, sql) == [(1, 1, 1)]
        assert len(run(place, f"SHOW EVENTS FROM {place.target}")) == 1
        assert run(place, f"SHOW GRANTS FOR '{role}'@'%%'") == grants
    finally:
        run(place, f"DROP USER '{role}'@'%%'")


def test_views_that_would_break_are_refused(place: Place) -> None:
    run(place, f"CREATE VIEW {place.schema}.w AS SELECT note FROM order_items WHERE note > 'a'")
    less = shop()
    del less.tables["order_items"].columns["note"]
    writer = open_writer(
        place.engine,
        less,
        source_schema=place.schema,
        target_schema=place.target,
        provenance=ORIGIN,
        if_exists="replace",
    )
    with pytest.raises(ConnectorError, match=r"view \w+\.w would lose"):
        writer.finish()
    assert run(place, f"SELECT * FROM {place.schema}.w") == [("NULL",)]
    assert leftovers(place) == []


@pytest.mark.parametrize("when", ["opened", "schema proved", "tables renamed"])
def test_keys_of_other_databases_keep_their_parents(place: Place, when: str) -> None:
    def refer() -> None:
        run(
            place,
            f"CREATE TABLE {place.schema}.theirs (id bigint, "
            "CONSTRAINT theirs_key FOREIGN KEY (id) REFERENCES "
            f"{place.target if when != 'tables renamed' else trash()}.customers (id))",
        )

    def trash() -> str:
        """Return where the old tables are: as if the key had come just before them."""
        (name,) = (n for n in leftovers(place) if n == staged(writer)._trash)
        return str(name)

    pattern = r"Foreign keys of \w+\.theirs refer to tables in"
    if when == "opened":
        refer()
        with pytest.raises(ConnectorError, match=pattern):
            opened(place, "replace")
    else:
        writer = filled(opened(place, "replace"))
        with at(when, refer), pytest.raises(ConnectorError, match=pattern):
            writer.finish()
    key = (
        "SELECT REFERENCED_TABLE_SCHEMA FROM information_schema.KEY_COLUMN_USAGE "
        f"WHERE TABLE_SCHEMA = '{place.schema}' AND CONSTRAINT_NAME = 'theirs_key'"
    )
    assert run(place, key) == [(place.target,)]
    assert leftovers(place) == []
    assert customers(place) == 3
    run(place, f"DROP TABLE {place.schema}.theirs")
    write(opened(place, "replace"), rows())


def test_tables_that_appear_in_a_free_target_are_kept(place: Place) -> None:
    target = f"{place.target}_2"
    writer = filled(opened(place, target_schema=target))
    run(place, f"CREATE DATABASE {target}", f"CREATE TABLE {target}.precious (x int)")
    with pytest.raises(ConnectorError, match="did not make it: it holds table precious"):
        writer.finish()
    assert run(place, f"SHOW TABLES FROM {target}") == [("precious",)]
    for sql in (
        "CREATE PROCEDURE {}.mine() SELECT 1",
        "CREATE EVENT {}.mine ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO SET @x = 1",
        "CREATE VIEW {}.mine AS SELECT 1 AS one",
    ):
        run(place, f"DROP DATABASE {target}", f"CREATE DATABASE {target}", sql.format(target))
        for mode in ("fail", "replace"):
            with pytest.raises(ConnectorError, match=r"it holds \w+ mine"):
                opened(place, mode, target_schema=target)
    assert leftovers(place) == []


def test_readers_are_waited_for_and_named(place: Place) -> None:
    writer = filled(opened(place, "replace"))
    seen: list[int] = []
    with place.engine.connect() as reader:
        reader.exec_driver_sql(f"SELECT * FROM {place.target}.orders")
        number = reader.exec_driver_sql("SELECT CONNECTION_ID()").scalar()
        waiting = threading.Timer(0.5, lambda: seen.append(customers(place)))
        waiting.start()
        with pytest.raises(
            ConnectorError, match=rf"a lock was not to be had.*connection {number} "
        ):
            writer.finish()
        waiting.join(5)
        assert seen == [3]  # later readers got through
        assert leftovers(place) == []
        retried = filled(opened(place, "replace"))
        threading.Timer(0.5, reader.close).start()
        retried.finish()  # it ended in time
    assert leftovers(place) == []


def test_two_writers_and_what_a_killed_one_leaves(place: Place) -> None:
    first = opened(place, "replace")
    with pytest.raises(ConnectorError, match=r"Another run .*\(connection \d+\)"):
        opened(place, "replace")
    head = staged(first).staging[:-8]
    run(
        place,
        f"CREATE DATABASE {head}00000001",  # killed before its mark
        f"CREATE DATABASE {head}00000002",
        f"CREATE TABLE {head}00000002.mine (x int)",
        f"CREATE DATABASE {head}00000003",
        f"CREATE PROCEDURE {head}00000003.mine() SELECT 1",
    )
    first.abort()
    write(opened(place, "replace"), rows())
    assert leftovers(place) == [f"{head}00000002", f"{head}00000003"]


def test_a_lost_answer_is_looked_up(place: Place) -> None:
    writer = filled(opened(place, "replace"))
    schema = staged(writer)
    connection, execute = schema._connection, schema._execute

    def cut(sql: str) -> None:
        execute(sql)
        if sql.startswith("RENAME"):
            schema._execute = execute
            connection._sock.close()
            execute("SELECT 1")

    schema._execute = cut
    writer.finish()
    assert customers(place) == 3
    assert leftovers(place) == []


def test_sequences_and_versioned_tables_count(place: Place) -> None:
    if not getattr(place.engine.dialect, "is_mariadb", False):
        pytest.skip("MariaDB only")
    target = f"{place.target}_2"
    for sql in ("CREATE SEQUENCE {}.mine", "CREATE TABLE {}.mine (x int) WITH SYSTEM VERSIONING"):
        run(place, f"CREATE DATABASE {target}", sql.format(target))
        with pytest.raises(ConnectorError, match=r"it holds \w+ mine"):
            opened(place, target_schema=target)
        write(
            opened(place, "replace_foreign", target_schema=target, replace_foreign=target), rows()
        )
        assert "mine" not in {row[0] for row in run(place, f"SHOW TABLES FROM {target}")}
        run(place, f"DROP DATABASE {target}")
