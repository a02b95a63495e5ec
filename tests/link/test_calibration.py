"""Rows and the parents that were chosen for them go together as the real ones do."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa
import pytest

from synthohive.link.assignment import NEAR, Distinct, Rules, calibrate
from synthohive.link.association import PairShares, within_range
from synthohive.link.targets import Target
from synthohive.privacy.entities import Entities
from tests.packed import again, shown

PARENTS, ROWS = 60, 3_000


def real(related: bool = True) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """Return rows that choose by a text and by a number of their parents."""
    rng = np.random.default_rng(1)
    fee, field = rng.normal(100, 20, PARENTS).round(2), rng.choice(["a", "b", "c"], PARENTS)
    rows = rng.integers(0, PARENTS, ROWS)
    chosen = rows if related else rng.permutation(rows)
    kind = np.where(rng.random(ROWS) < 0.9, field[chosen], rng.choice(["a", "b", "c"], ROWS))
    cost = fee[chosen] + rng.normal(0, 5, ROWS)
    return pa.table({"kind": kind, "cost": cost}), pa.table({"fee": fee, "field": field}), rows


def alone(parents: pa.Table) -> tuple[Entities, Entities]:
    """Return entities of which each is one row."""
    return Entities(ROWS), Entities(len(parents))


def fitted(children: pa.Table, parents: pa.Table, rows: np.ndarray, k: int = 5) -> PairShares:
    shares = PairShares.fit(children, parents, rows, alone(parents), k)
    assert shares is not None
    return shares


def wanted(
    shares: PairShares, children: pa.Table, parents: pa.Table, chosen: np.ndarray
) -> list[Target]:
    return shares.targets(children.column, parents.column, chosen)


def facts(children: pa.Table, parents: pa.Table, chosen: np.ndarray) -> tuple[float, float]:
    same = children["kind"].to_numpy() == parents["field"].to_numpy()[chosen]
    fee = parents["fee"].to_numpy()[chosen]
    return float(same.mean()), float(np.corrcoef(children["cost"].to_numpy(), fee)[0, 1])


@pytest.mark.parametrize("restricted", [False, True])
def test_swaps_bring_back_all_features_at_once(restricted: bool) -> None:
    children, parents, rows = real()
    shares = fitted(children, parents, rows)
    rng = np.random.default_rng(2)
    groups: Optional[np.ndarray] = np.arange(ROWS) % 3 if restricted else None
    start = rng.permutation(rows)
    if groups is not None:  # parents move inside groups only
        for group in range(3):
            start[groups == group] = rng.permutation(rows[groups == group])
    rules = Rules(PARENTS, groups=groups)
    after = calibrate(start, wanted(shares, children, parents, start), rules, rng, NEAR * ROWS)
    same, correlation = facts(children, parents, after)
    before = facts(children, parents, start)
    assert max(before) < 0.5
    assert np.allclose((same, correlation), facts(children, parents, rows), atol=0.06)
    assert np.array_equal(np.bincount(after), np.bincount(rows))
    if groups is not None:
        for group in range(3):
            inside = groups == group
            assert np.array_equal(np.sort(after[inside]), np.sort(rows[inside]))


def test_pairs_that_must_not_be_stay_apart() -> None:
    children, parents, rows = real()
    rng = np.random.default_rng(3)
    fixed = np.arange(ROWS) // 20
    start = np.concatenate([rng.permutation(PARENTS)[:20] for _ in range(ROWS // 20)])
    tables = wanted(fitted(children, parents, rows), children, parents, start)
    rules = Rules(PARENTS, (Distinct(fixed, np.arange(PARENTS)),))
    after = calibrate(start, tables, rules, rng, NEAR * ROWS)
    assert facts(children, parents, after)[1] > facts(children, parents, start)[1] + 0.4
    assert len(np.unique(fixed * PARENTS + after)) == ROWS


def test_rows_without_a_parent_of_their_kind_get_a_near_one() -> None:
    children, parents, rows = real()
    shares = fitted(children, parents, rows)
    order = np.argsort(parents["fee"].to_numpy())
    left = order[PARENTS // 5 :]  # the cheapest fifth was never made
    rng = np.random.default_rng(4)
    start = rng.choice(left, ROWS)
    after = calibrate(
        start, wanted(shares, children, parents, start), Rules(PARENTS), rng, NEAR * ROWS
    )
    cheap = children["cost"].to_numpy() < np.quantile(children["cost"].to_numpy(), 0.1)
    ranks = np.empty(PARENTS)
    ranks[order] = np.arange(PARENTS)
    assert ranks[after[cheap]].mean() < PARENTS * 0.4


def test_what_is_unrelated_is_not_kept() -> None:
    children, parents, rows = real(related=False)
    assert PairShares.fit(children, parents, rows, alone(parents), 5) is None


def test_no_rare_value_is_kept() -> None:
    children, parents, rows = real()
    kinds = children["kind"].to_pylist()
    kinds[:4] = ["rare"] * 4
    cost = children["cost"].to_numpy().copy()
    cost[:4] = 9_999.0
    few = pa.table({"kind": kinds, "cost": cost})
    entities = Entities.over(np.r_[np.zeros(1_000), np.arange(ROWS - 1_000)])  # one has 1,000 rows
    text = "heavy"
    kinds = [text if i < 1_000 else kind for i, kind in enumerate(kinds)]
    shares = PairShares.fit(few, parents, rows, alone(parents), 5)
    repeated = few.set_column(0, "kind", pa.array(kinds))
    heavy = PairShares.fit(repeated, parents, rows, (entities, Entities(len(parents))), 5)
    assert shares is not None
    assert heavy is not None
    state = shown(shares)
    assert "rare" not in state
    assert max(max(b.edges, default=0.0) for b in shares.mine) < 1_000
    assert text not in shown(heavy)
    real_values = {*parents["fee"].to_pylist(), *cost.tolist()}
    assert not any(edge in real_values for b in (*shares.mine, *shares.theirs) for edge in b.edges)
    assert again(shares) == shares


def test_thresholds_lie_where_generated_rows_come() -> None:
    numbers = np.r_[np.arange(20.0), 500.0, np.nan]
    found = within_range(numbers, Entities(22), 5)
    assert (np.nanmin(found), np.nanmax(found)) == (6.0, 14.0)
    assert np.isnan(found[-1])
    one = Entities.over(np.r_[np.zeros(18), np.arange(4)])  # of few entities: as they are
    assert np.array_equal(within_range(numbers, one, 5), numbers, equal_nan=True)
