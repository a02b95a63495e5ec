"""Scoring generated tables against the profiles that `fit` kept."""

from __future__ import annotations

from collections.abc import Mapping

from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.distances import ColumnScore
from synthohive.metrics.profile import profile_distance
from synthohive.tables.block_store import TableSpool

__all__ = ["mean_distances", "score_tables"]

SCORED_ROWS = 200_000
"""Rows of a table that are scored at most: the error of a KS distance is then below 0.005."""


def score_tables(
    fitted: FittedDatabase, spools: Mapping[str, TableSpool]
) -> dict[str, ColumnScore]:
    """Return each modelled column's distance to the real one, keyed ``"table.column"``."""
    scores: dict[str, ColumnScore] = {}
    for name, spool in spools.items():
        profile = fitted.tables[name].profile
        if profile is None or spool.rows == 0:
            continue
        table = spool.thinned(list(profile.columns), SCORED_ROWS)
        for column, real in profile.columns.items():
            scores[f"{name}.{column}"] = profile_distance(real, table.column(column))
    return scores


def mean_distances(scores: Mapping[str, ColumnScore], tables: list[str]) -> dict[str, float]:
    """Average the columns of each table that has any."""
    means = {}
    for name in tables:
        values = [s.value for key, s in scores.items() if key.startswith(f"{name}.")]
        if values:
            means[name] = sum(values) / len(values)
    return means
