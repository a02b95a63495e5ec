"""Whether a copy's catalogue is its source's: one schema of hard cases, spelled for each engine."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from synthohive import Synthesizer

__all__ = ["cloned"]

PLACE, COPY = "golden_source", "golden_source_synthetic"
TABLES = """
CREATE TABLE {at}teams (
    region VARCHAR(8) NOT NULL, number INTEGER NOT NULL, lead_id INTEGER,
    title VARCHAR(40) DEFAULT 'none' NOT NULL{comment},
    budget DECIMAL(12, 2) NOT NULL,
    doubled DECIMAL(13, 2) GENERATED ALWAYS AS (budget * 2) {generated},
    PRIMARY KEY (region, number), CONSTRAINT one_title UNIQUE (title),
    CONSTRAINT has_budget CHECK (budget >= 0){led});
CREATE TABLE {at}members (
    id INTEGER NOT NULL PRIMARY KEY, region VARCHAR(8), number INTEGER, boss_id INTEGER,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('lead', 'staff', 'guest')),
    badge INTEGER NOT NULL, starts DATE NOT NULL, ends DATE,
    CONSTRAINT in_order CHECK (ends IS NULL OR ends >= starts),
    CONSTRAINT in_team FOREIGN KEY (region, number) REFERENCES {at}teams (region, number){deleted},
    CONSTRAINT has_boss FOREIGN KEY (boss_id) REFERENCES {at}members (id));
CREATE INDEX by_start ON {at}members (starts, kind)
"""
LED = "CONSTRAINT led FOREIGN KEY (lead_id) REFERENCES {at}members (id) ON DELETE SET NULL"
QUOTED = "what all call it, the team''s own words"
PARTIAL = "CREATE UNIQUE INDEX one_lead ON {at}members (region, number) WHERE kind = 'lead'"
COMMENTS = (
    f"COMMENT ON COLUMN {{at}}teams.title IS '{QUOTED}'",
    "COMMENT ON TABLE {at}members IS 'who is in which team, and since when'",
)
CLOSED = {"led": f", {LED}", "deleted": " ON DELETE CASCADE", "comment": ""}
ENGINES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "sqlite": ({**CLOSED, "generated": "STORED"}, (PARTIAL,)),
    "duckdb": ({"led": "", "deleted": "", "comment": "", "generated": "VIRTUAL"}, COMMENTS),
    "postgresql": (
        {**CLOSED, "led": "", "generated": "STORED"},
        (f"ALTER TABLE {{at}}teams ADD {LED}", PARTIAL, *COMMENTS),
    ),
    "mysql": (
        {**CLOSED, "generated": "STORED", "comment": f" COMMENT '{QUOTED}'"},
        ("CREATE UNIQUE INDEX one_badge ON {at}members (badge, kind)",),
    ),
}  # MySQL has no partial indexes, DuckDB neither these nor actions or keys in a circle.
CATALOGUES = {
    "sqlite": ("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%'",),
    "duckdb": (
        "SELECT table_name, column_name, data_type, is_nullable, column_default, comment"
        " FROM duckdb_columns() WHERE schema_name = '{place}'",
        "SELECT table_name, constraint_text FROM duckdb_constraints()"
        " WHERE schema_name = '{place}'",
        "SELECT table_name, sql FROM duckdb_indexes() WHERE schema_name = '{place}'",
        "SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = '{place}'",
    ),
    "postgresql": (
        "SELECT table_name, column_name, data_type, is_nullable, column_default,"
        " generation_expression, col_description((quote_ident(table_schema) || '.' ||"
        " quote_ident(table_name))::regclass, ordinal_position) FROM information_schema.columns"
        " WHERE table_schema = '{place}'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = '{place}'::regnamespace",
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = '{place}'",
        "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE relnamespace = '{place}'::regnamespace",
    ),
    "mysql": ("SHOW CREATE TABLE {place}.teams", "SHOW CREATE TABLE {place}.members"),
}


def cloned(url: str, seed: int) -> dict[str, float]:
    """Build the schema, learn it, copy it; count what the catalogues do not share, and orphans."""
    engine = create_engine(url)
    name = engine.dialect.name
    file = name == "sqlite"
    places = [] if file else [PLACE, COPY]
    try:
        with engine.begin() as connection:
            _drop(connection, places)
            _build(connection, name)
        synthesizer = Synthesizer.from_database(engine, None if file else PLACE)
        synthesizer.fit(epochs=1, seed=seed, progress=False, n_jobs=1)
        other = make_url(url).set(database=f"{make_url(url).database}_copy") if file else None
        summary = synthesizer.to_database(other, schema=None if file else COPY, seed=seed)
        copy = create_engine(other) if other is not None else engine
        with engine.connect() as one, copy.connect() as two:
            real, made = _catalogue(one, name, PLACE), _catalogue(two, name, COPY)
        with engine.begin() as connection:
            _drop(connection, places)
    finally:
        engine.dispose()
    apart = (real - made) + (made - real)
    for line in sorted(apart):
        print(f"    {name}: {'missing' if line in real else 'new'}: {line}")
    return {"differences": float(sum(apart.values())), "orphans": float(summary.orphans)}


def _drop(connection: Connection, places: list[str]) -> None:
    cascade = "" if connection.dialect.name == "mysql" else " CASCADE"
    for place in places:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {place}{cascade}"))


def _build(connection: Connection, name: str) -> None:
    words, after = ENGINES[name]
    at = "" if name == "sqlite" else f"{PLACE}."
    if at:
        connection.exec_driver_sql(f"CREATE SCHEMA {PLACE}")
    if name == "mysql":  # teams and members refer to one another
        connection.exec_driver_sql("SET foreign_key_checks = 0")
    create = TABLES.format(at=at, **{key: word.format(at=at) for key, word in words.items()})
    for statement in create.split(";"):
        connection.exec_driver_sql(statement)
    for table, rows in _rows().items():
        names = list(rows[0])
        marks = ", ".join(f":{n}" for n in names)
        into = text(f"INSERT INTO {at}{table} ({', '.join(names)}) VALUES ({marks})")
        for row in rows:
            connection.execute(into, row)
    for statement in after:
        connection.exec_driver_sql(statement.format(at=at))
    if name == "mysql":
        connection.exec_driver_sql("SET foreign_key_checks = 1")


def _rows() -> dict[str, list[dict[str, Any]]]:
    """Return 20 teams of six, whose first member leads; guests are in none."""
    teams: list[dict[str, Any]] = [
        {
            "region": "north" if i % 2 else "south", "number": i // 2, "lead_id": 6 * i + 1,
            "title": f"team {i}", "budget": 1000 + 75 * (i % 7),
        }
        for i in range(20)
    ]  # fmt: skip
    members: list[dict[str, Any]] = []
    for i in range(120):
        team, lead, guest = teams[i // 6], i % 6 == 0, i % 6 == 5
        members.append(
            {
                "id": i + 1, "boss_id": None if lead else 6 * (i // 6) + 1,
                "region": None if guest else team["region"],
                "number": None if guest else team["number"], "badge": 1000 + i,
                "kind": "lead" if lead else "guest" if guest else "staff",
                "starts": f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}",
                "ends": f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}" if guest else None,
            }
        )  # fmt: skip
    return {"teams": teams, "members": members}


def _catalogue(connection: Connection, name: str, place: str) -> Counter[str]:
    """Return what the engine itself says of a schema, a text an entry, without its name."""
    found: Counter[str] = Counter()
    for query in CATALOGUES[name]:
        for row in connection.exec_driver_sql(query.format(place=place)).all():
            line = " | ".join("-" if value is None else str(value) for value in row)
            parts = line.split("\n") if name == "mysql" else [" ".join(line.split())]
            for part in parts:
                if "_synthohive" not in part:
                    plain = re.sub(rf"\b{place}\b", "PLACE", part).strip().rstrip(",")
                    found[re.sub(r" AUTO_INCREMENT=\d+", "", plain)] += 1
    return found
