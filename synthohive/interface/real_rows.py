"""Real rows to lay beside synthetic ones: all of small databases, of large ones a sample."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from synthohive.io.base import Reader
from synthohive.schema.plan import RelationalPlan

__all__ = ["MOST", "whole_or_sampled"]

MOST = 100_000
"""Rows of a table of each side that are compared."""


def whole_or_sampled(
    source: Reader, plan: RelationalPlan, counts: Mapping[str, int], most: int = MOST
) -> dict[str, pa.Table]:
    """Read all tables whole; where one has more than `most` rows, a sample that belongs together.

    Parameters
    ----------
    source : Reader
    plan : RelationalPlan
    counts : mapping of str to int
        Rows of each table.
    most : int
    """
    if max(counts.values(), default=0) <= most:
        return {name: pa.Table.from_batches(list(source.read(name))) for name in counts}
    return dict(source.sample(plan.drivers, most, 0).drawn)
