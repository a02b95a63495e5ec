"""Distances: zero where nothing differs, large where something does."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive.encoding.encoded import EncodedTable
from synthohive.models.metrics import distance, marginal_distance, pair_distance
from tests.contracts.model import child_rows, context_rows


def test_a_table_is_not_far_from_itself() -> None:
    context = context_rows(500)
    data = child_rows(context)
    assert distance(data, data, context) == 0


def test_shuffled_rows_differ_by_their_context_only() -> None:
    context = context_rows(2000)
    data = child_rows(context)
    shuffled = data.take(np.random.default_rng(0).permutation(2000))
    assert marginal_distance(data, shuffled) == pytest.approx(0, abs=1e-6)
    assert pair_distance(data, shuffled, EncodedTable.empty(2000)) == pytest.approx(0, abs=1e-6)
    assert pair_distance(data, shuffled, context) > 0.02


def test_other_codes_are_far() -> None:
    context = context_rows(500)
    data = child_rows(context)
    other = EncodedTable(data.layout, (data.codes + 1) % 4, data.values)
    assert marginal_distance(data, other) > 0.2
    assert distance(data, other, context) > 0.2


def test_no_blocks_no_distance() -> None:
    empty = EncodedTable.empty(5)
    assert distance(empty, empty, empty) == 0
