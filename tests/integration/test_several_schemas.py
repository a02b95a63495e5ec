"""Several schemas of one database: learned together, and never written one without another."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import ConnectorError, Metadata, SchemaError, Synthesizer
from synthohive.io.steps import observe

SMALL = {"hidden": 8, "embedding": 4, "context": 8}
# A circle of keys over both schemas, a table of the same name in each, a type of the other.
TABLES = (
    "CREATE TABLE {a}.person (id integer PRIMARY KEY, kind varchar(10) NOT NULL, mood {mood}, "
    "last_order integer)",
    "CREATE TABLE {a}.address (id integer PRIMARY KEY, person integer NOT NULL, city varchar(20), "
    "CONSTRAINT lives FOREIGN KEY (person) REFERENCES {a}.person (id))",
    "CREATE TABLE {b}.address (id integer PRIMARY KEY, level integer NOT NULL)",
    "CREATE TABLE {b}.orders (id integer PRIMARY KEY, person integer NOT NULL, ship integer, "
    "bill integer, mood {mood}, paid numeric(8, 2) NOT NULL CHECK (paid >= 0), "
    "CONSTRAINT to_person FOREIGN KEY (person) REFERENCES {a}.person (id) ON DELETE CASCADE, "
    "CONSTRAINT to_ship FOREIGN KEY (ship) REFERENCES {a}.address (id), "
    "CONSTRAINT to_bill FOREIGN KEY (bill) REFERENCES {b}.address (id))",
    "ALTER TABLE {a}.person ADD CONSTRAINT latest FOREIGN KEY (last_order) "
    "REFERENCES {b}.orders (id)",
)


def names(schema: str) -> tuple[str, str]:
    return f"{schema}_a", f"{schema}_b"


@pytest.fixture(params=["postgres", "mysql", "mariadb"])
def place(request: pytest.FixtureRequest) -> tuple[Engine, str, str]:
    """Make two schemas that belong together."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    kind = "schema" if request.param == "postgres" else "database"
    a, b = names(request.getfixturevalue(f"{request.param}_{kind}"))
    moods = "ENUM ('sad', 'ok', 'glad')"
    with engine.begin() as connection:
        run = lambda sql: connection.execute(sa.text(sql.format(a=a, b=b, mood=moods)))  # noqa: E731
        run("CREATE SCHEMA {a}")
        run("CREATE SCHEMA {b}")
        if kind == "schema":
            run("CREATE TYPE {a}.mood AS {mood}")
            moods = f"{a}.mood"
        for table in TABLES:
            run(table)
        feel = ("sad", "ok", "glad")
        fill(connection, f"{a}.person", [(i, "abc"[i % 3], feel[i % 3], None) for i in range(90)])
        fill(connection, f"{a}.address", [(i, i % 90, f"Town {i % 3}") for i in range(150)])
        fill(connection, f"{b}.address", [(i, i % 4) for i in range(40)])
        orders = [(i, i * 7 % 90, i % 150 if i % 3 else None, i % 40, feel[i % 3], i % 50 / 4)
                  for i in range(200)]  # fmt: skip
        fill(connection, f"{b}.orders", orders)
        run("UPDATE {a}.person SET last_order = id * 2 WHERE id % 2 = 0")
    return engine, a, b


def fill(connection: sa.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join(f":c{i}" for i in range(len(rows[0])))
    given = [{f"c{i}": value for i, value in enumerate(row)} for row in rows]
    connection.execute(sa.text(f"INSERT INTO {table} VALUES ({marks})"), given)


def ask(engine: Engine, sql: str) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql)).all()]


def there(engine: Engine, a: str) -> list[str]:
    found = ask(engine, "SELECT schema_name FROM information_schema.schemata")
    return sorted(s for (s,) in found if s.startswith(a.removesuffix("_a")))


def fitted(engine: Engine, a: str, b: str) -> Synthesizer:
    synth = Synthesizer.from_database(engine.url, schema=[a, b])
    return synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, **SMALL)


KEYS = {
    "postgresql": """
        SELECT o.conname, n.nspname, p.nspname FROM pg_constraint o
        JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class r ON r.oid = o.confrelid JOIN pg_namespace p ON p.oid = r.relnamespace
        WHERE o.contype = 'f'""",
    "mysql": """
        SELECT constraint_name, table_schema, referenced_table_schema
        FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL""",
}
TYPES = """
SELECT DISTINCT udt_schema FROM information_schema.columns
WHERE column_name = 'mood' AND table_schema IN ('{a}', '{b}')"""


def keys(engine: Engine, a: str, b: str) -> set[tuple[str, str, str]]:
    """Return the keys of two schemas: name, schema of the child, schema of the parent."""
    found = ask(engine, KEYS["postgresql" if engine.dialect.name == "postgresql" else "mysql"])
    return {(n.lower(), c, p) for n, c, p in found if c in (a, b)}


@pytest.mark.slow
def test_written_together_and_replaced(place: tuple[Engine, str, str]) -> None:
    engine, a, b = place
    synth = fitted(engine, a, b)
    assert there(engine, a) == [a.removesuffix("_a"), a, b]  # after the rehearsal
    expected = keys(engine, a, b)
    assert len(expected) == 5
    made = synth.sample(seed=2)
    assert sorted(made) == [f"{a}.address", f"{a}.person", f"{b}.address", f"{b}.orders"]
    for if_exists in ("fail", "replace", "replace"):
        summary = synth.to_database(seed=2, if_exists=if_exists)
        assert [key.orphans for key in summary.keys] == [0] * 5
        assert all(key.enforced for key in summary.keys)
        assert there(engine, a) == [a.removesuffix("_a"), a, f"{a}_synthetic", b, f"{b}_synthetic"]
        copied = {(n, c + "_synthetic", p + "_synthetic") for n, c, p in expected}
        assert keys(engine, f"{a}_synthetic", f"{b}_synthetic") == copied
        rows = ask(engine, f"SELECT count(*) FROM {b}_synthetic.orders o "
                   f"JOIN {a}_synthetic.person p ON p.id = o.person")  # fmt: skip
        assert rows == [(200,)]
        assert ask(engine, f"SELECT count(*) FROM {b}_synthetic.address") == [(40,)]
    with pytest.raises(ConnectorError, match="exists already"):
        synth.to_database(seed=2)
    if engine.dialect.name == "postgresql":  # the copy's own type, not the source's
        kinds = ask(engine, TYPES.format(a=f"{a}_synthetic", b=f"{b}_synthetic"))
        assert kinds == [(f"{a}_synthetic",)]


STEPS = {
    "postgres": ("keys proved", "schemas renamed", "swap committed"),
    "mysql": ("keys proved", "tables renamed", "trash dropped"),
    "mariadb": ("tables renamed",),  # the writer is MySQL's; what differs is the server's RENAME
}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_all_or_none(place: tuple[Engine, str, str], request: pytest.FixtureRequest) -> None:
    engine, a, b = place
    synth = Synthesizer.from_database(engine.url, schema=[a, b])
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=False, **SMALL)
    synth.to_database(seed=2)
    for step in STEPS[request.node.callspec.params["place"]]:
        engine.dispose()
        assert killed(synth, step)
        seeds = {ask(engine, f"SELECT seed FROM {s}_synthetic._synthohive")[0][0] for s in (a, b)}
        assert len(seeds) == 1  # all old, or all new
        synth.to_database(seed=4, if_exists="replace")
        assert there(engine, a) == [a.removesuffix("_a"), a, f"{a}_synthetic", b, f"{b}_synthetic"]


def killed(synth: Synthesizer, step: str) -> bool:
    """Replace the schemas in a fork that is killed at a step; tell whether it was."""
    child = os.fork()
    if child == 0:
        observe(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == step else None)
        synth.source.engine.dispose(close=False)  # type: ignore[union-attr]
        synth.to_database(seed=3, if_exists="replace")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_all_keys_that_lead_out_are_named(place: tuple[Engine, str, str]) -> None:
    engine, a, b = place
    with pytest.raises(SchemaError) as caught:
        Metadata.from_database(engine.url, schema=b)
    for word in ("orders(person)", "orders(ship)", f"in schema '{a}'", f"schema=['{a}', '{b}']"):
        assert word in str(caught.value)
    dropped = Metadata.from_database(engine.url, schema=[b], outside_keys="drop")
    assert [k.label(n) for n, k in dropped.foreign_keys()] == [
        f"{b}.orders(bill) -> {b}.address(id)"
    ]
    some = Metadata.from_database(
        engine.url, schema=[a, b], tables=[f"{b}.orders"], outside_keys="include"
    )
    assert len(some.tables) == 4
    assert Metadata.from_json(some.to_json()) == some


def test_targets_are_named_one_by_one(place: tuple[Engine, str, str]) -> None:
    engine, a, b = place
    synth = Synthesizer.from_database(engine.url, schema=[a, b])
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=False, **SMALL)
    with pytest.raises(ConnectorError, match="there are 2 schemas"):
        synth.to_database(schema="one")
    with pytest.raises(ConnectorError, match="the source itself"):
        synth.to_database(schema={a: b})
    with pytest.raises(ConnectorError, match="the same one"):
        synth.to_database(schema={a: f"{a}_x", b: f"{a}_x"})
    with pytest.raises(ConnectorError, match="cannot be written to sqlite"):
        synth.to_database("sqlite:///nowhere.db")
    synth.to_database(schema={a: f"{a}_x"}, seed=2)
    assert there(engine, a) == [a.removesuffix("_a"), a, f"{a}_x", b, f"{b}_synthetic"]
