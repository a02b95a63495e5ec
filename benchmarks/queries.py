"""The 22 TPC-H queries on the real and on the synthetic tables, in DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa

__all__ = ["QueryScore", "query_scores", "totals"]

FOLDER = Path(__file__).parent / "tpch_queries"
WITHIN = 0.1


@dataclass(frozen=True)
class QueryScore:
    """What one query returns on both sides.

    Attributes
    ----------
    rows : tuple of int
        Real and synthetic; rows of NULLs alone do not count.
    unlimited : tuple of int
        The same without the query's LIMIT.
    error : float, optional
        The mean relative error of its numbers, each the sum over all rows; None where it has
        none, or one side is empty.
    """

    name: str
    rows: tuple[int, int]
    unlimited: tuple[int, int]
    error: Optional[float]

    @property
    def within(self) -> bool:
        """Whether the number of rows is within 10 %."""
        return _near(self.rows)

    def __str__(self) -> str:
        error = "-" if self.error is None else f"{self.error:.1%}"
        note = (
            ""
            if self.unlimited == self.rows
            else "   without LIMIT {:,} -> {:,}".format(*self.unlimited)
        )
        mark = "" if self.within else "  <-"
        return (
            f"{self.name}  {self.rows[0]:>5,} -> {self.rows[1]:>5,}  error {error:>7}{mark}{note}"
        )


def query_scores(real: Mapping[str, pa.Table], made: Mapping[str, pa.Table]) -> list[QueryScore]:
    """Run all queries on both sides."""
    left, right = _connect(real), _connect(made)
    scores = []
    for path in sorted(FOLDER.glob("q*.sql")):
        sql = path.read_text(encoding="utf-8")
        whole = re.sub(r"\s+LIMIT \d+\s*$", "", sql)
        limited = _rows(left, sql), _rows(right, sql)
        full = _rows(left, whole), _rows(right, whole)
        scores.append(
            QueryScore(
                path.stem,
                (len(limited[0]), len(limited[1])),
                (len(full[0]), len(full[1])),
                _error(*limited),
            )
        )
    return scores


def totals(scores: list[QueryScore]) -> str:
    """Return the number of queries that return rows, and about as many as on the real side."""
    filled = [s for s in scores if s.rows[1]]
    real = sum(bool(s.rows[0]) for s in scores)
    near = sum(s.within for s in scores)
    whole = sum(_near(s.unlimited) for s in scores)
    small = sum(s.error is not None and s.error <= WITHIN for s in scores)
    return (
        f"non-empty {len(filled)} (real {real}) / rows within 10 % {near} of {len(scores)} "
        f"(without LIMIT {whole}), numbers within 10 % {small}"
    )


def _connect(tables: Mapping[str, pa.Table]) -> Any:
    import duckdb

    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    return connection


def _rows(connection: Any, sql: str) -> list[dict[str, Any]]:
    names = [column[0] for column in connection.execute(sql).description]
    found = [dict(zip(names, row)) for row in connection.fetchall()]
    return [row for row in found if any(value is not None for value in row.values())]


def _near(rows: tuple[int, int]) -> bool:
    return abs(rows[1] - rows[0]) <= WITHIN * rows[0]


def _error(real: list[dict[str, Any]], made: list[dict[str, Any]]) -> Optional[float]:
    if not real or not made:
        return None
    errors = []
    for name, value in real[0].items():
        if isinstance(value, (float, Decimal, int)) and not name.endswith(("key", "year")):
            sums = [float(sum(r[name] or 0 for r in side)) for side in (real, made)]
            if sums[0]:
                errors.append(abs(sums[1] - sums[0]) / abs(sums[0]))
    return sum(errors) / len(errors) if errors else None
