"""TPC-H's queries: the same on the same rows, and differences are seen."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchmarks.data import tpch_tables
from benchmarks.queries import query_scores, totals

pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return tpch_tables(0.002)


def test_real_rows_against_themselves(tables: dict[str, pa.Table]) -> None:
    scores = query_scores(tables, tables)
    assert len(scores) == 22
    assert all(s.within and s.error in (None, 0.0) for s in scores)
    assert sum(bool(s.rows[0]) for s in scores) > 15
    assert "rows within 10 % 22 of 22" in totals(scores)


def test_half_of_the_line_items(tables: dict[str, pa.Table]) -> None:
    lines = tables["lineitem"]
    half = {**tables, "lineitem": lines.take(pa.array(range(0, len(lines), 2)))}
    scores = {s.name: s for s in query_scores(tables, half)}
    assert scores["q01"].rows == (4, 4)
    sums, averages = 5, 3
    assert scores["q01"].error == pytest.approx(0.5 * sums / (sums + averages), abs=0.05)
    assert not scores["q09"].within or scores["q09"].error > 0.2
    assert scores["q22"].error == 0.0  # it reads no line item


def test_no_rows_at_all(tables: dict[str, pa.Table]) -> None:
    empty = {name: rows.slice(0, 0) for name, rows in tables.items()}
    scores = query_scores(tables, empty)
    assert all(s.rows[1] == 0 and s.error is None for s in scores)
    assert totals(scores).startswith("non-empty 0 ")
