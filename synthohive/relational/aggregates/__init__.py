"""Parents' columns that follow from their children: ``order total = sum of its lines``."""

from __future__ import annotations

from synthohive.relational.aggregates.base import Aggregate
from synthohive.relational.aggregates.sets import ValueSet
from synthohive.relational.aggregates.totals import Total

__all__ = ["Aggregate", "Total", "ValueSet"]
