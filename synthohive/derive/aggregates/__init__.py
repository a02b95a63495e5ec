"""Parents' columns that follow from their children: ``order total = sum of its lines``."""

from __future__ import annotations

from synthohive.derive.aggregates.base import Aggregate
from synthohive.derive.aggregates.sets import ValueSet
from synthohive.derive.aggregates.totals import Total

__all__ = ["Aggregate", "Total", "ValueSet"]
