"""Texts that hold another one: ``product = category + " 123"``, ``url = "https://" + domain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools
from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns, spaced

__all__ = ["Containing", "find_containing", "holds"]

MARK = "\ue100"  # of private use in Unicode: no text holds it
LEAST_LETTERS = 2
FEW = 60
BY_CHANCE = 0.5


@dataclass(frozen=True)
class Containing(Derivation):
    """A text in which another one stands; what is around that is modelled."""

    source: str

    whole = False  # What stands around the source is modelled

    def _pairs(self, rows: pa.Table) -> list[tuple[Optional[str], Optional[str]]]:
        return list(zip(rows.column(self.target).to_pylist(), rows.column(self.source).to_pylist()))

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows whose text does not hold the other."""
        wrong = (t is not None and s is not None and s not in t for t, s in self._pairs(rows))
        return np.fromiter(wrong, dtype=np.bool_, count=len(rows))

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return the texts with a mark in the place of the other."""
        texts = (t if t is None or not s else t.replace(s, MARK, 1) for t, s in self._pairs(rows))
        return pa.array(texts, rows.schema.field(self.target).type)

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Put the other text in the place of the mark, or first where there is none."""
        texts = rows.column(self.target).cast(pa.string()).to_pylist()
        found = [
            None if t is None or s is None else t.replace(MARK, s) if MARK in t else s + t
            for t, s in zip(texts, rows.column(self.source).to_pylist())
        ]
        return pa.array(found, pa.string())

    def __str__(self) -> str:
        return f"{self.target} holds {self.source}"


def find_containing(columns: Columns, chosen: Chosen) -> None:
    """Find texts that hold another one in all rows, and would not by chance."""
    names = [n for n in columns.rows.column_names if pa.types.is_string(columns.type(n))]
    sources = [n for n in names if columns.distinct(n) > 1 and _long(columns, n)]
    for target in [n for n in chosen.free() if n in names]:
        # The longest first: what it holds itself needs no place of its own.
        fitting = [n for n in sources if n != target and holds(columns, target, n)]
        fitting.sort(key=lambda n: -_length(columns, n))
        any(chosen.add(Containing(target, source)) for source in fitting)


def _length(columns: Columns, name: str) -> float:
    return float(pc.mean(pc.utf8_length(columns.rows.column(name))).as_py() or 0.0)


def _long(columns: Columns, name: str) -> bool:
    least = pc.min(pc.utf8_length(columns.rows.column(name))).as_py()
    return least is not None and least >= LEAST_LETTERS


def holds(columns: Columns, target: str, source: str) -> bool:
    """Tell whether a few rows hold the other text, but not those of other rows.

    Parameters
    ----------
    columns : Columns
    target, source : str
        Columns of texts.
    """
    both = columns.rows.select([target, source]).drop_null()
    if len(both) < LEAST_ROWS:
        return False
    few = both.take(pa.array(spaced(len(both), FEW)))
    texts, parts = few.column(0).to_pylist(), few.column(1).to_pylist()
    if texts == parts or any(part not in text for text, part in zip(texts, parts)):
        return False
    half = len(texts) // 2
    moved = [*parts[half:], *parts[:half]]
    chance = sum(part in text for text, part in zip(texts, moved)) / len(texts)
    return chance < BY_CHANCE
