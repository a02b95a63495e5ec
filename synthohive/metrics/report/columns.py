"""What the report says of one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from synthohive.metrics.distances import ColumnScore, column_distance, null_rate
from synthohive.metrics.report.histograms import Histogram, histogram
from synthohive.metrics.validity import Impossible
from synthohive.privacy.entities import Entities
from synthohive.schema import Column

__all__ = ["ColumnReport", "column_report"]


@dataclass(frozen=True)
class ColumnReport:
    """One column: its score, its chart, and what is missing or impossible in it.

    Attributes
    ----------
    name, kind : str
    score : ColumnScore
    chart : Histogram
    real_nulls, synthetic_nulls : float
        Shares of NULLs.
    validity : Impossible, optional
        Synthetic values that the real column could not hold, by kind: range, form, NULL, repeats.
    """

    name: str
    kind: str
    score: ColumnScore
    chart: Histogram
    real_nulls: float = 0.0
    synthetic_nulls: float = 0.0
    validity: Optional[Impossible] = None


def column_report(
    column: Column,
    real: Any,
    synthetic: Any,
    k: int,
    entities: Optional[Entities],
    validity: Optional[Impossible],
) -> ColumnReport:
    """Compare one column.

    Parameters
    ----------
    column : Column
    real, synthetic : pyarrow.Array or ChunkedArray
        In one form.
    k : int
        Entities behind all that is shown.
    entities : Entities, optional
        Those behind the real rows.
    validity : Impossible, optional
        What is wrong with the synthetic values.
    """
    return ColumnReport(
        column.name,
        column.kind.value,
        column_distance(column, real, synthetic),
        histogram(column, real, synthetic, k, entities),
        null_rate(real),
        null_rate(synthetic),
        validity,
    )
