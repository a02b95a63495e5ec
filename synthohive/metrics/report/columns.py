"""What the report says of one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.metrics.distances import ColumnScore, column_distance, null_rate
from synthohive.metrics.encode import as_categories, view_of
from synthohive.metrics.profile import frequent_categories
from synthohive.metrics.report.chance import column_chance, null_chance
from synthohive.metrics.report.histograms import Histogram, histogram
from synthohive.metrics.validity import Impossible
from synthohive.privacy.entities import Entities, entities_or_rows
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
    chance, null_chance : float
        What the distance, and that of the shares of NULLs, exceed once in twenty times between two
        samples of one source, of as many rows.
    rare : int, optional
        Different real categories of fewer than `k` entities: none of them is shown, or kept by a
        fit. None of what is no category, or kept on purpose.
    rare_returned : int, optional
        Of these, those that are in the copy all the same.
    """

    name: str
    kind: str
    score: ColumnScore
    chart: Histogram
    real_nulls: float = 0.0
    synthetic_nulls: float = 0.0
    validity: Optional[Impossible] = None
    chance: float = 0.0
    null_chance: float = 0.0
    rare: Optional[int] = None
    rare_returned: Optional[int] = None

    @property
    def told(self) -> float:
        """The larger of its distances; 0 where chance alone may give it."""
        value = self.score.value if self.score.value > self.chance else 0.0
        return max(value, self.score.nulls if self.score.nulls > self.null_chance else 0.0)


def column_report(
    column: Column,
    real: Any,
    synthetic: Any,
    k: int,
    entities: Optional[Entities],
    validity: Optional[Impossible],
    kept: bool = False,
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
    kept : bool
        Whether the real values come out on purpose.
    """
    few = None if kept else _rare(column, real, synthetic, k, entities)
    return ColumnReport(
        column.name,
        column.kind.value,
        column_distance(column, real, synthetic),
        histogram(column, real, synthetic, k, entities),
        null_rate(real),
        null_rate(synthetic),
        validity,
        column_chance(column, real, synthetic),
        null_chance(real, synthetic),
        *((None, None) if few is None else few),
    )


def _rare(
    column: Column, real: Any, synthetic: Any, k: int, entities: Optional[Entities]
) -> Optional[tuple[int, int]]:
    """Return how many real categories fewer than `k` entities have, and how many come back."""
    if view_of(column, real) != "categories":
        return None
    known = entities_or_rows(entities, len(real)).take(np.asarray(real.is_valid()))
    shared = frequent_categories(real.drop_null(), known, k)
    everything = pc.unique(as_categories(real).drop_null()).to_pylist()
    few = [value for value in everything if value not in shared]
    made = pc.unique(as_categories(synthetic))
    back = pc.sum(pc.is_in(pa.array(few, pa.string()), value_set=made.cast(pa.string())))
    return len(few), int(back.as_py() or 0)
