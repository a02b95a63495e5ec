"""Codes of further parents: what they tell of their children, and nothing else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive.link.parent_codes import ParentCodes, Tree
from synthohive.privacy.entities import Entities
from tests.packed import again

SEED = np.random.SeedSequence(1)


def data(related: bool, parents: int = 400) -> tuple[pa.Table, pa.Table, np.ndarray]:
    rng = np.random.default_rng(2)
    size = rng.normal(size=parents)
    rows = rng.integers(-1, parents, 6_000)
    amount = (size[rows] if related else 0.0) * 3 + rng.normal(size=6_000)
    parent = pa.table({"size": size, "colour": rng.choice(["red", "blue"], parents)})
    return parent, pa.table({"amount": amount}), rows


def fit(parents: pa.Table, children: pa.Table, rows: np.ndarray, kept: bool = False) -> ParentCodes:
    codes = ParentCodes.fit(
        parents, children, rows, kept=kept, k=5, seed=SEED, entities=Entities(len(parents))
    )
    assert codes is not None
    return codes


def test_codes_follow_what_children_depend_on() -> None:
    parents, children, rows = data(related=True)
    codes = fit(parents, children, rows)
    assert "size" in codes.columns
    found = codes(parents)
    assert (found.min(), found.max()) == (0, codes.count - 1)
    assert abs(np.corrcoef(found, parents["size"].to_numpy())[0, 1]) > 0.9
    assert np.bincount(found).min() >= 5  # no code gives a single parent away


def test_unrelated_parents_have_no_codes() -> None:
    found, entities = data(related=False), Entities(400)
    assert ParentCodes.fit(*found, kept=False, k=5, seed=SEED, entities=entities) is None


def test_a_kept_table_has_a_code_for_each_row() -> None:
    parents, children, rows = data(related=False, parents=30)
    codes = fit(parents, children, rows, kept=True)
    assert codes(parents).tolist() == list(range(30))


def test_codes_survive_a_checkpoint() -> None:
    parents, children, rows = data(related=True)
    codes = fit(parents, children, rows)
    loaded = again(codes)
    assert np.array_equal(loaded(parents), codes(parents))


def test_nodes_that_lead_back_are_refused() -> None:
    feature, left, right = np.array([0, 0, -1]), np.array([1, 0, -1]), np.array([2, 2, -1])
    with pytest.raises(ValueError, match="lead back"):
        Tree(feature, left, right, np.array([-1, -1, 0]), np.zeros(3))
