"""EXCLUDE constraints: cloned, and kept by what is made."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from synthohive import RehearsalError, Synthesizer

pytestmark = pytest.mark.integration

# Rooms are a second key of bookings, cars the only one of rentals, desks have a range and a state.
SCHEMA = """
CREATE TABLE guest (id integer PRIMARY KEY, country text NOT NULL);
CREATE TABLE room (id integer PRIMARY KEY, beds integer NOT NULL);
CREATE TABLE booking (id integer PRIMARY KEY, guest_id integer NOT NULL REFERENCES guest,
    room_id integer NOT NULL REFERENCES room, starts_on date NOT NULL, ends_on date NOT NULL,
    price numeric(9,2) NOT NULL, CHECK (ends_on > starts_on),
    EXCLUDE USING gist (room_id WITH =, daterange(starts_on, ends_on) WITH &&));
CREATE TABLE desk (id integer PRIMARY KEY, room_id integer NOT NULL REFERENCES room,
    during tstzrange NOT NULL, state text NOT NULL,
    EXCLUDE USING gist (room_id WITH =, during WITH &&) WHERE (state <> 'cancelled'));
INSERT INTO guest SELECT g, (ARRAY['DE', 'FR', 'IT'])[1 + g % 3] FROM generate_series(1, 60) g;
INSERT INTO room SELECT g, 1 + g % 3 FROM generate_series(1, 8) g;
INSERT INTO booking SELECT g, 1 + g * 7 % 60, 1 + g % 8, date '2024-01-01' + (g / 8) * 6 + g % 3,
    date '2024-01-01' + (g / 8) * 6 + g % 3 + 1 + g % 4, 50 + g % 30
    FROM generate_series(1, 400) g;
INSERT INTO desk SELECT g, 1 + g % 8, tstzrange(timestamptz '2024-01-01 08:00+00' + (g / 8) *
    interval '1 day', timestamptz '2024-01-01 08:00+00' + (g / 8) * interval '1 day' +
    (1 + g % 9) * interval '1 hour'), CASE WHEN g % 5 = 0 THEN 'cancelled' ELSE 'held' END
    FROM generate_series(1, 240) g;
"""


def prepared(engine: Engine, schema: str, script: str) -> Synthesizer:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public")
        connection.exec_driver_sql(f'SET LOCAL search_path TO "{schema}", public')
        connection.exec_driver_sql(script.replace("%", "%%"))
    return Synthesizer.from_database(engine, schema)


def ask(engine: Engine, sql: str) -> Any:
    with engine.connect() as connection:
        return connection.exec_driver_sql(sql).scalar()


@pytest.mark.slow
def test_periods_of_a_room_do_not_overlap(postgres_engine: Engine, postgres_schema: str) -> None:
    synth = prepared(postgres_engine, postgres_schema, SCHEMA)
    found = {n: [e.period for e in t.exclusions] for n, t in synth.metadata.tables.items()}
    assert found["booking"] == [["starts_on", "ends_on"]]
    assert found["desk"] == [["during"]]
    synth.fit(epochs=6, seed=1, progress=False, n_jobs=1)
    copy = f"{postgres_schema}_syn"
    synth.to_database(schema=copy, seed=3)
    constraints = "SELECT count(*) FROM pg_constraint WHERE contype = 'x' AND connamespace = "
    assert ask(postgres_engine, f"{constraints}'{copy}'::regnamespace") == 2
    assert ask(postgres_engine, f"SELECT count(*) FROM {copy}.booking") >= 390
    assert ask(postgres_engine, f"SELECT count(*) FROM {copy}.desk") >= 235
    far = f"SELECT count(*) FROM {copy}.booking WHERE starts_on NOT BETWEEN '2023-12-31' AND "
    assert ask(postgres_engine, f"{far}'2024-11-10'") == 0
    nights = f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ends_on - starts_on) FROM {copy}"
    assert 1 <= ask(postgres_engine, f"{nights}.booking") <= 4


def test_another_form_is_refused_before_training(
    postgres_engine: Engine, postgres_schema: str
) -> None:
    script = """CREATE TABLE zone (id integer PRIMARY KEY, at circle,
        EXCLUDE USING gist (at WITH &&));
        INSERT INTO zone SELECT g, circle(point(g * 9, 0), 1) FROM generate_series(1, 40) g"""
    synth = prepared(postgres_engine, postgres_schema, script)
    with pytest.raises(RehearsalError, match=r"'zone_at_excl' of table 'zone'.*EXCLUDE USING"):
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
