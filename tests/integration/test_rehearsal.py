"""The rehearsal of a fit on servers: refused by name, in seconds, and nothing is left behind."""

from __future__ import annotations

import os
import signal

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import RehearsalError, Synthesizer
from synthohive.io.steps import observe
from tests.events import captured_events

SMALL = {"hidden": 8, "embedding": 4, "context": 8}
TABLES = (
    "CREATE TABLE {s}.person (id integer PRIMARY KEY, kind varchar(9) NOT NULL, note varchar(20), "
    "UNIQUE (note))",
    "CREATE TABLE {s}.account (id integer PRIMARY KEY, email varchar(60) NOT NULL UNIQUE)",
    "CREATE TABLE {s}.friend (one integer NOT NULL, other integer NOT NULL, PRIMARY KEY (one, "
    "other), FOREIGN KEY (one) REFERENCES {s}.person (id), "
    "FOREIGN KEY (other) REFERENCES {s}.person (id))",
)


def fill(engine: Engine, schema: str) -> None:
    people = [{"id": i, "kind": "abc"[i % 3] * 3, "note": f"N-{i * i}"} for i in range(60)]
    pairs = [{"one": i, "other": j} for i in range(59) for j in range(i + 1, 60, 9)]
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(sa.text(table.format(s=schema)))
        insert = f"INSERT INTO {schema}.person VALUES (:id, :kind, :note)"
        connection.execute(sa.text(insert), people)
        mails = [{"id": i, "email": f"person{i * 7}.{'abcde'[i % 5]}@firm.com"} for i in range(60)]
        connection.execute(sa.text(f"INSERT INTO {schema}.account VALUES (:id, :email)"), mails)
        connection.execute(sa.text(f"INSERT INTO {schema}.friend VALUES (:one, :other)"), pairs)


def check(engine: Engine, schema: str) -> None:
    place = "strpos" if engine.dialect.name == "postgresql" else "instr"
    sql = f"ALTER TABLE {schema}.account ADD CONSTRAINT of_the_firm "
    sql += f"CHECK ({place}(email, '@firm.com') > 0)"
    with engine.begin() as connection:
        connection.execute(sa.text(sql))


def fit(engine: Engine, schema: str, url: object = None) -> None:
    synth = Synthesizer.from_database(url or engine.url, schema)  # type: ignore[arg-type]
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, **SMALL)


def there(engine: Engine, schema: str) -> list[str]:
    """Return all schemas that carry a name."""
    sql = "SELECT schema_name FROM information_schema.schemata"
    with engine.connect() as connection:
        return sorted(s for s in connection.execute(sa.text(sql)).scalars() if schema in s)


@pytest.fixture(params=["postgres", "mysql", "mariadb"])
def place(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    name = "schema" if request.param == "postgres" else "database"
    schema: str = request.getfixturevalue(f"{request.param}_{name}")
    fill(engine, schema)
    return engine, schema


def test_what_the_engine_refuses(place: tuple[Engine, str]) -> None:
    engine, schema = place
    check(engine, schema)
    with captured_events() as events, pytest.raises(RehearsalError, match="of_the_firm") as caught:
        fit(engine, schema)
    assert "account" in str(caught.value)
    assert "memorisation_measured" not in [e["event"] for e in events]  # nothing was trained
    assert there(engine, schema) == [schema]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_killed_one_is_swept_away(place: tuple[Engine, str]) -> None:
    engine, schema = place
    child = os.fork()
    if child == 0:
        observe(lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == "keys proved" else None)
        fit(sa.create_engine(engine.url), schema)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert len(there(engine, schema)) == 2
    with captured_events() as events:
        fit(engine, schema)
    assert [e["target"] for e in events if e["event"] == "rehearsed"] == [True]
    assert there(engine, schema) == [schema]


@pytest.mark.slow
def test_it_is_in_nobodys_way(place: tuple[Engine, str]) -> None:
    """Another fit rehearses, and a write to the same target goes on, in the middle of one."""
    engine, schema = place
    ready = Synthesizer.from_database(engine.url, schema)
    ready.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=False, **SMALL)

    def meanwhile(name: str) -> None:
        if name == "keys proved":
            observe(lambda name: None)
            fit(engine, schema)
            assert len(there(engine, schema)) == 2  # what lives is not swept away
            ready.to_database(seed=1)

    observe(meanwhile)
    try:
        with captured_events() as events:
            fit(engine, schema)
    finally:
        observe(lambda name: None)
    assert [e["target"] for e in events if e["event"] == "rehearsed"] == [True]
    try:
        assert there(engine, schema) == [schema, f"{schema}_synthetic"]
    finally:
        word = "SCHEMA" if engine.dialect.name == "postgresql" else "DATABASE"
        end = " CASCADE" if word == "SCHEMA" else ""
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP {word} {schema}_synthetic{end}"))


def test_the_sources_own_database_may_be_the_target(place: tuple[Engine, str]) -> None:
    """Which schema of it will be written to is said later."""
    engine, schema = place
    url = engine.url if engine.dialect.name == "postgresql" else engine.url.set(database=schema)
    synth = Synthesizer.from_database(engine.url, schema)
    with captured_events() as events:
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, target=url, **SMALL)
    assert [e["target"] for e in events if e["event"] == "rehearsed"] == [True]
    assert there(engine, schema) == [schema]


def test_a_database_whose_rules_forbid_schemas(
    postgres_engine: Engine, postgres_schema: str
) -> None:
    fill(postgres_engine, postgres_schema)
    with postgres_engine.begin() as connection:
        connection.execute(
            sa.text(
                f"CREATE FUNCTION {postgres_schema}.no() RETURNS event_trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF current_query() LIKE '%{postgres_schema}_synthetic%' THEN "
                "RAISE 'not by hand'; END IF; END $$"
            )
        )
        connection.execute(
            sa.text(
                f"CREATE EVENT TRIGGER {postgres_schema} ON ddl_command_start "
                f"WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION {postgres_schema}.no()"
            )
        )
    try:
        with captured_events() as events:
            fit(postgres_engine, postgres_schema)
        told = [e["reason"] for e in events if e["event"] == "target_not_rehearsed"]
        assert len(told) == 1
        assert "not by hand" in told[0]
    finally:
        with postgres_engine.begin() as connection:
            connection.execute(sa.text(f"DROP EVENT TRIGGER {postgres_schema}"))


def test_a_source_that_may_only_be_read(postgres_engine: Engine, postgres_schema: str) -> None:
    engine, schema = postgres_engine, postgres_schema
    fill(engine, schema)
    name = f"reader_{schema}"
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN PASSWORD 'secret word'"))
        connection.execute(sa.text(f"GRANT USAGE ON SCHEMA {schema} TO {name}"))
        connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}"))
    try:
        url = engine.url.set(username=name, password="secret word")
        with captured_events() as events:
            fit(engine, schema, url)
        told = [e["reason"] for e in events if e["event"] == "target_not_rehearsed"]
        assert len(told) == 1
        assert "may not create schemas" in told[0]
        synth = Synthesizer.from_database(url, schema)
        with pytest.raises(RehearsalError, match="may not create schemas") as caught:
            synth.fit(epochs=1, progress=False, target=url, **SMALL)
        assert "secret" not in str(caught.value)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP OWNED BY {name}"))
            connection.execute(sa.text(f"DROP ROLE {name}"))
