"""The key shapes: valid, from a seed alone, and their facts see what is broken."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchmarks.shapes import SHAPES


@pytest.mark.parametrize("name", SHAPES)
def test_real_rows_have_the_shape(name: str) -> None:
    shape = SHAPES[name]
    tables = shape.tables(1, 300)
    shape.metadata(tables).validate_schema(tables)
    facts = shape.facts_of(tables)
    assert facts
    assert [fact for fact, number in facts.items() if fact.startswith("no ") and number] == []
    assert shape.tables(1, 300) == tables
    assert shape.tables(2, 300) != tables


def damaged(name: str, table: str, column: str) -> dict[str, float]:
    """Return the facts with one column upside down."""
    shape = SHAPES[name]
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
    shape = SHAPES[name]
    real = shape.facts_of(shape.tables(1, 300))[fact]
    assert abs(real) > 0.35
    assert abs(damaged(name, table, column)[fact]) < 0.3
