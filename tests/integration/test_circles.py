"""Keys without NULL that refer to one another in a circle, checked late or at once."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from synthohive import Synthesizer

TABLES = """
CREATE TABLE {schema}.teams (id int PRIMARY KEY, captain int NOT NULL, size int);
CREATE TABLE {schema}.members (id int PRIMARY KEY, team int NOT NULL, age int,
    CONSTRAINT of_team FOREIGN KEY (team) REFERENCES {schema}.teams (id) {late});
{rows};
ALTER TABLE {schema}.teams ADD CONSTRAINT led FOREIGN KEY (captain)
    REFERENCES {schema}.members (id) {late}"""


def statements(schema: str, late: str) -> list[str]:
    """Return 40 teams of 5 members, one of whom leads the team."""
    teams = ", ".join(f"({t}, {5 * t}, {t % 4})" for t in range(40))
    members = ", ".join(f"({m}, {m // 5}, {20 + m % 30})" for m in range(200))
    rows = (
        f"INSERT INTO {schema}.teams VALUES {teams};\nINSERT INTO {schema}.members VALUES {members}"
    )
    return TABLES.format(schema=schema, late=late, rows=rows).split(";\n")


@pytest.mark.parametrize(
    ("server", "late"),
    [
        ("postgres", ""),
        ("postgres", "DEFERRABLE INITIALLY DEFERRED"),
        ("postgres", "DEFERRABLE INITIALLY IMMEDIATE"),
        ("mysql", ""),
        ("mariadb", ""),
    ],
)
def test_circles_of_keys_are_written(
    server: str, late: str, request: pytest.FixtureRequest
) -> None:
    engine: Engine = request.getfixturevalue(f"{server}_engine")
    schema: str = request.getfixturevalue(
        "postgres_schema" if server == "postgres" else f"{server}_database"
    )
    with engine.begin() as connection:
        for statement in statements(schema, late):
            connection.exec_driver_sql(statement)
    synth = Synthesizer.from_database(engine, schema)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    target = f"{schema}_synthetic"
    for seed in (1, 2):  # a second time over the first one
        summary = synth.to_database(schema=target, seed=seed, scale=1.5, if_exists="replace")
        assert summary.orphans == 0
    query = (
        f"SELECT count(*), count(DISTINCT m.id), count(t.id) FROM {target}.teams t "
        f"JOIN {target}.members m ON m.id = t.captain JOIN {target}.teams own ON own.id = m.team"
    )
    with engine.connect() as connection:
        rows, _, teams = connection.exec_driver_sql(query).one()
        members = connection.exec_driver_sql(f"SELECT count(*) FROM {target}.members").scalar_one()
    assert (rows, teams, members) == (60, 60, 300)
    keys = Synthesizer.from_database(engine, target).metadata.foreign_keys()
    assert sorted(key.label(name) for name, key in keys) == [
        "members(team) -> teams(id)", "teams(captain) -> members(id)",
    ]  # fmt: skip
