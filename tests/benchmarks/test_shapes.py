"""The shapes: valid, from a seed alone, and their facts see what is broken."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchmarks.data import FINAL, TUNED
from benchmarks.shapes import FINAL_STRUCTURES, SHAPES, STRUCTURES

ALL = {**SHAPES, **STRUCTURES, **FINAL_STRUCTURES}


@pytest.mark.parametrize("name", ALL)
def test_real_rows_have_the_shape(name: str) -> None:
    shape = ALL[name]
    tables = shape.tables(1, 300)
    shape.metadata(tables).validate_schema(tables)
    facts = shape.facts_of(tables)
    assert facts
    assert [fact for fact, number in facts.items() if fact.startswith("no ") and number] == []
    assert shape.tables(1, 300) == tables
    assert shape.tables(2, 300) != tables


def damaged(name: str, table: str, column: str) -> dict[str, float]:
    """Return the facts with one column upside down."""
    shape = ALL[name]
    tables = shape.tables(1, 300)
    rows = tables[table]
    turned = rows.column(column).take(pa.array(range(len(rows))[::-1]))
    tables[table] = rows.set_column(rows.column_names.index(column), column, turned)
    return shape.facts_of(tables)


@pytest.mark.parametrize(
    ("name", "table", "column", "fact"),
    [
        ("many_to_many", "enrolments", "course_id", "no repeated pairs"),
        ("two_keys_one_parent", "matches", "loser_id", "no team against itself"),
        ("shared_column", "lines", "line_no", "no gap in line numbers"),
        ("cycle", "employees", "department_id", "no head of another department"),
        ("events", "events", "happened_at", "no event before the last"),
        ("totals", "lines", "amount", "no wrong total"),
        ("dates", "payments", "paid_on", "no payment before the contract"),
        ("panel_stores", "sales", "dept", "no repeated store, dept and week"),
        ("panel_players", "appearances", "league", "no team in two leagues"),
        ("panel_sensors", "readings", "sensor", "no repeated site, sensor and hour"),
        ("panel_bookings", "bookings", "month", "no repeated person, month, project, role"),
        ("sticky_seasons", "seasons", "year", "no gap in years"),
    ],
)
def test_facts_see_broken_rows(name: str, table: str, column: str, fact: str) -> None:
    assert damaged(name, table, column)[fact] > 0


@pytest.mark.parametrize(
    ("name", "table", "column", "fact"),
    [
        ("hierarchy", "staff", "boss_id", "depth ~ pay"),
        ("joint_fan_outs", "accounts", "visits", "visits ~ orders"),
        ("one_to_one", "profiles", "score", "age ~ score"),
        ("second_parent", "visits", "doctor_id", "age ~ fee"),
    ],
)
def test_facts_see_what_no_longer_goes_together(
    name: str, table: str, column: str, fact: str
) -> None:
    shape = ALL[name]
    real = shape.facts_of(shape.tables(1, 300))[fact]
    assert abs(real) > 0.35
    assert abs(damaged(name, table, column)[fact]) < 0.3


@pytest.mark.parametrize(
    ("name", "table", "column", "fact", "least"),
    [
        ("sticky_seasons", "seasons", "club_id", "changes of code", 0.02),
        ("sticky_statements", "statements", "customer", "run of tier", 0.5),
        ("sticky_log", "log", "logged_at", "changes of program", 0.05),
        ("nearly_orders", "orders", "tax", "tax is not 20 %", 0.5),
        ("nearly_careers", "players", "last_on", "debut after the last game", 0.1),
        ("long_100", "readings", "value", "lag of value", 0.001),
        ("tracks_100", "pings", "fuel", "share of refills", 0.5),
        ("small_patients", "patients", "outcome", "lab_1 ~ outcome", 0.4),
        ("small_soils", "soils", "clay", "parts are not 100", 0.5),
        ("sets_baskets", "purchases", "price", "mean price ~ mean hour", 0.5),
        ("sets_customers", "reviews", "stars", "stars between customers", 0.2),
        ("sets_customers", "products", "kind", "food between customers", 0.1),
        ("sets_listeners", "plays", "genre", "techno ~ nights", 0.3),
    ],
)
def test_facts_see_another_structure(
    name: str, table: str, column: str, fact: str, least: float
) -> None:
    real = ALL[name].facts_of(ALL[name].tables(1, 300))[fact]
    assert abs(real - damaged(name, table, column)[fact]) > least


def test_what_is_only_scored_at_the_end_is_held_apart() -> None:
    assert not set(TUNED) & set(FINAL)
    assert set(FINAL_STRUCTURES) <= set(FINAL)
    assert set(STRUCTURES) <= set(TUNED)
    # the same kinds on both sides
    kinds = [{name.split("_")[0] for name in side} for side in (STRUCTURES, FINAL_STRUCTURES)]
    assert {k.replace("tracks", "long") for k in kinds[1]} == kinds[0]
