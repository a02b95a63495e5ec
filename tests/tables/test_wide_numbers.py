"""Decimals of more digits than 64 bits have go through relations and protected ends."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from synthohive.derive.base import Derivation, Rng, Values, as_column
from synthohive.derive.formula import Factor, Formula, Term
from synthohive.privacy.entities import Entities
from synthohive.tables.numbers import as_numbers, from_numbers

WIDE = pa.decimal256(65, 30)
VALUES = [Decimal(i) * Decimal("1.5") for i in range(60)]


def test_wide_decimals_come_back_as_they_were() -> None:
    values = pa.chunked_array([pa.array([*VALUES, None], WIDE)])
    assert from_numbers(as_numbers(values), WIDE).to_pylist() == [*VALUES, None]
    most = from_numbers(np.array([1e60, -1e60]), WIDE).to_pylist()
    top = Decimal("9" * 35 + "." + "9" * 30)
    assert most == [top, top.copy_negate()]


def test_a_formula_of_wide_decimals_is_exact() -> None:
    rows = pa.table({"v": pa.array(VALUES, WIDE)})
    copy = Formula("n", (Term(1.0, (Factor("v"),)),), step=1e-30)
    assert as_column(copy.decode(rows), WIDE).to_pylist() == VALUES


def test_ends_finer_than_floats_are_those_of_the_values() -> None:
    assert Entities(60).ends(np.arange(60) * 1.5, 1, 1e-30) == (0.0, 88.5)


@dataclass(frozen=True)
class Written(Derivation):
    """A column that is what its source writes."""

    target: str
    source: str

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        return rows.column(self.source)

    def __str__(self) -> str:
        return f"{self.target} = {self.source}"


def test_what_a_column_cannot_hold_equals_none_of_its_values() -> None:
    texts = ["127", "128", "20240401", "007", "-20240401202404020011", None]
    numbers = pa.array([127, 127, 127, 7, -128, 5], pa.int8())
    rows = pa.table({"text": texts, "number": numbers})
    wrong = [False, True, True, False, True, False]
    assert Written("number", "text").violations(rows).tolist() == wrong
    wide = rows.set_column(1, "number", numbers.cast(pa.int64()))
    assert Written("number", "text").violations(wide).tolist() == wrong
    assert as_column(rows.column("text"), pa.int64())[4].as_py() == -(2**63)
