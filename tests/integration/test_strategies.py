"""Strategies of personal columns, and a gate, where the database itself holds the rules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import Gate, PrivacyConfig, QualityError, Synthesizer

TABLES = (
    """CREATE TABLE {s}users (id INTEGER PRIMARY KEY, email VARCHAR(40) NOT NULL UNIQUE,
    full_name VARCHAR(40) NOT NULL, phone VARCHAR(20) NOT NULL UNIQUE, ssn VARCHAR(11) UNIQUE)""",
    """CREATE TABLE {s}letters (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL
    REFERENCES {s}users (id), sent_to VARCHAR(40) NOT NULL, pages INTEGER)""",
)
OWN: dict[str, dict[str, Any]] = {
    "users": {"email": "format-preserving", "full_name": "drop", "phone": "hash", "ssn": "drop"}
}


LAST = "Lee Ray Fox Day Kim Roy Orr Poe Cox May Nye".split()


def fill(engine: Engine, lead: str) -> None:
    with engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(table.format(s=lead))
        for i in range(120):
            connection.exec_driver_sql(
                f"INSERT INTO {lead}users VALUES ({i}, 'user{i:04d}@mail{i % 3}.com', "
                f"'{['Ann', 'Bob', 'Eve'][i % 3]} {LAST[i % 11]}', "
                f"'+1 202 555{i:04d}', '{i + 100}-{i % 90 + 10}-{i + 1000}')"
            )
        for i in range(120):
            connection.exec_driver_sql(
                f"INSERT INTO {lead}letters VALUES ({i}, {i * 7 % 120}, "
                f"'user{i * 7 % 120:04d}@mail{i * 7 % 120 % 3}.com', {i % 13})"
            )


def check(engine: Engine, lead: str) -> None:
    with engine.connect() as connection:
        users = connection.exec_driver_sql(f"SELECT * FROM {lead}users").fetchall()
        same = connection.exec_driver_sql(
            f"SELECT count(*) FROM {lead}users u JOIN {lead}letters l ON l.user_id = u.id "
            "WHERE l.sent_to = u.email"
        ).scalar()
    assert {(row.full_name, row.ssn) for row in users} == {("", None)}
    assert len({row.email for row in users}) == len({row.phone for row in users}) == len(users)
    assert all(row.email.endswith(".example") and row.email[4:8].isdigit() for row in users)
    assert same == 120


def written(source: Engine, schema: str, place: Any, copy: Any) -> None:
    """Make a copy; one that a gate stops leaves nothing."""
    synth = Synthesizer.from_database(source, schema or None, privacy_config=PrivacyConfig(
        pii_strategies=OWN, pii_key=os.urandom(9).hex()))  # fmt: skip
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    synth.to_database(**copy(""), seed=3, quality_threshold=Gate(orphans=0, validity=0.9))
    before = place()
    with pytest.raises(QualityError):
        synth.to_database(**copy("2"), seed=3, quality_threshold=Gate(distance=0.0))
    assert place() == before


def test_sqlite(tmp_path: Path) -> None:
    source = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    fill(source, "")
    written(
        source, "", lambda: sorted(path.name for path in tmp_path.iterdir()),
        lambda more: {"url": f"sqlite:///{tmp_path}/copy{more}.db"},
    )  # fmt: skip
    check(sa.create_engine(f"sqlite:///{tmp_path}/copy.db"), "")


@pytest.mark.integration
def test_postgresql(postgres_engine: Engine, postgres_schema: str) -> None:
    fill(postgres_engine, f"{postgres_schema}.")
    written(
        postgres_engine, postgres_schema,
        lambda: sorted(sa.inspect(postgres_engine).get_schema_names()),
        lambda more: {"schema": f"{postgres_schema}_copy{more}"},
    )  # fmt: skip
    check(postgres_engine, f"{postgres_schema}_copy.")
