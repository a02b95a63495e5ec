"""Levels of series that follow in part from all else of the entity: its label, its parent's size.

A model that sees a hundred entities, and may know none of them by heart, learns little of what the
label and the parent tell together. An additive model says it beforehand: an effect for each
category, a slope for each number, all shrunk (ridge regression; as the random effects of a mixed
model are). What is modelled is the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import Chosen, Columns, spaced
from synthohive.derive.presence import Value, is_category
from synthohive.privacy.entities import on_grid
from synthohive.tables.numbers import as_numbers, from_numbers, is_time
from synthohive.tables.roles import LEVEL

__all__ = ["Effects", "Expected", "find_expected"]

MOST_ROWS = 20_000
MOST_VALUES = 500
EXPLAINED = 0.2
"""Share of the variance that is told of entities that were left out."""
PENALTIES = tuple(10.0**n for n in (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0))
DIGITS = 4


@dataclass(frozen=True)
class Effects:
    """What one column adds.

    Attributes
    ----------
    source : str
    values : tuple
        Categories, each with its effect; none of a number.
    effects : tuple of float
        Of a number, the slope.
    log : bool
        Of a number, whether its logarithm is meant.
    centre, scale : float
        Of a number: what is taken off, and what it is divided by then.
    """

    source: str
    values: tuple[Value, ...]
    effects: tuple[float, ...]
    log: bool = False
    centre: float = 0.0
    scale: float = 1.0

    def design(self, rows: pa.Table) -> Floats:
        """Return what the effects are multiplied by, (rows, effects)."""
        if not self.values:
            return self._scaled(rows)[:, None]
        codes = self._codes(rows)
        return np.asarray(codes[:, None] == np.arange(len(self.values)), dtype=np.float64)

    def of(self, rows: pa.Table) -> Floats:
        """Return what is added, of each row."""
        if not self.values:
            return self._scaled(rows) * self.effects[0]
        # the last one: a category that was not learned adds nothing
        return np.array([*self.effects, 0.0])[self._codes(rows)]

    def _codes(self, rows: pa.Table) -> IntArray:
        """Return the place of each row's category; -1 where it was not learned."""
        places = {value: place for place, value in enumerate(self.values)}
        column = rows.column(self.source).to_pylist()
        return np.array([places.get(value, -1) for value in column], dtype=np.int64)

    def _scaled(self, rows: pa.Table) -> Floats:
        numbers = as_numbers(rows.column(self.source))
        if self.log:
            numbers = np.log(np.maximum(numbers, np.finfo(np.float64).tiny))
        # beyond what was learned, a line leads anywhere; NULL is as the mean
        return np.nan_to_num(np.clip((numbers - self.centre) / self.scale, -3.0, 3.0))


@dataclass(frozen=True)
class Expected(Derivation):
    """A number by how far it is from what an additive model of other columns expects.

    Attributes
    ----------
    sources : tuple of str
    parts : tuple of Effects
    usual : float
        What is expected where nothing is known.
    least : float
        Of what is modelled by its logarithm, what less counts as; 0: it is modelled as it is.
    low, high : float
        The number's protected bounds.
    """

    named = ("sources",)
    sources: tuple[str, ...]
    parts: tuple[Effects, ...]
    usual: float
    least: float
    low: float
    high: float

    whole = strict = False

    def _expected(self, rows: pa.Table) -> Floats:
        return self.usual + sum((part.of(rows) for part in self.parts), np.zeros(len(rows)))

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return how far the number, or its logarithm, is from what is expected."""
        numbers = as_numbers(rows.column(self.target))
        scaled = np.log(np.maximum(numbers, self.least)) if self.least else numbers
        return from_numbers(scaled - self._expected(rows), pa.float64())

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Add what is expected, inside the number's own bounds."""
        scaled = as_numbers(rows.column(self.target)) + self._expected(rows)
        numbers = np.exp(np.minimum(scaled, 700.0)) if self.least else scaled
        return on_grid(np.clip(numbers, self.low, self.high), 0.0)

    def __str__(self) -> str:
        return f"{self.target} goes with {', '.join(self.sources)}"


def find_expected(columns: Columns, chosen: Chosen) -> None:
    """Find which levels of series follow in part from the entity's columns, or its parent's."""
    for target in (name for name in chosen.free() if name.startswith(LEVEL)):
        numbers = columns.numbers(target)
        ends = columns.entities.ends(numbers, columns.k, 0.0)
        parts = [
            part
            for name in columns.rows.column_names
            if name not in columns.made_up and not chosen.depends(name, target)
            for part in _parts(columns, name)
        ]
        if ends is None or not parts or np.isnan(numbers).any():
            continue
        numbers = np.clip(numbers, *ends)  # no single entity draws the model to it
        least = _least(numbers)
        scaled = np.log(np.maximum(numbers, least)) if least else numbers
        fitted = _fitted(scaled, parts, columns.rows)
        if fitted is not None:
            usual, kept = fitted
            sources = tuple(dict.fromkeys(part.source for part in kept))
            chosen.add(Expected(target, sources, kept, usual, least, *ends))


def _least(numbers: Floats) -> float:
    """Return below what logarithms end; 0 where numbers are no sizes."""
    low, middle = np.quantile(numbers, [0.05, 0.5])
    return float(f"{0.01 * middle:.{DIGITS}g}") if low > 0 else 0.0


def _parts(columns: Columns, name: str) -> Iterator[Effects]:
    """Yield what a column may add: effects of its categories, slopes of its number."""
    type_ = columns.type(name)
    if name.startswith(LEVEL):
        return
    if is_category(type_) and 1 < columns.distinct(name) <= MOST_VALUES:
        codes = columns.codes(name)
        first = np.unique(codes[codes >= 0], return_index=True)[1]
        values = columns.rows.column(name).take(pa.array(np.flatnonzero(codes >= 0)[first]))
        shown = columns.entities.holders(codes, len(first)) >= columns.k
        known = [value for value, each in zip(values.to_pylist(), shown) if each]
        if known:
            known = sorted(known, key=str)  # tells nothing of rows
            yield Effects(name, tuple(known), (0.0,) * len(known))
    if name in columns.numeric and not is_time(type_):
        numbers = columns.numbers(name)
        ends = columns.entities.ends(numbers, columns.k, 0.0)
        if ends is None:
            return
        numbers = np.clip(numbers, *ends)
        for log in (False, True):
            if log and ends[0] <= 0:
                continue
            own = np.log(numbers) if log else numbers
            centre, scale = float(np.nanmean(own)), float(np.nanstd(own))
            if scale > 0:
                marks = (float(f"{value:.{DIGITS}g}") for value in (centre, scale))
                yield Effects(name, (), (0.0,), log, *marks)


def _fitted(
    target: Floats, parts: list[Effects], rows: pa.Table
) -> Optional[tuple[float, tuple[Effects, ...]]]:
    """Return the constant and the effects that tell most of rows that are left out, if any do."""
    some = spaced(len(rows), MOST_ROWS)
    few, target = rows.take(pa.array(some)), target[some]
    given = np.concatenate([part.design(few) for part in parts], axis=1)
    means, usual = given.mean(axis=0), float(target.mean())
    left, sizes, right = np.linalg.svd(given - means, full_matrices=False)
    own = target - usual
    total, best = float(own @ own), None
    for penalty in PENALTIES:
        kept = sizes**2 / (sizes**2 + penalty)
        # what a row's own number adds to what is expected of it (Golub, Heath & Wahba, 1979)
        weight = (left**2 * kept).sum(axis=1) + 1.0 / len(own)
        rest = (own - (left * kept) @ (left.T @ own)) / np.maximum(1.0 - weight, 1e-6)
        lost = float(rest @ rest)
        if best is None or lost < best[0]:
            slopes = right.T @ ((sizes / (sizes**2 + penalty)) * (left.T @ own))
            best = lost, slopes
    if best is None or total <= 0 or best[0] > (1.0 - EXPLAINED) * total:
        return None
    found, at = [], 0
    for part in parts:
        count = len(part.effects)
        effects = tuple(float(f"{v:.{DIGITS}g}") for v in best[1][at : at + count])
        found.append(replace(part, effects=effects))
        at += count
    return float(f"{usual - float(means @ best[1]):.{DIGITS + 2}g}"), tuple(found)
