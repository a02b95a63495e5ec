"""Numbers of children: the real distribution, kept exactly."""

from __future__ import annotations

from typing import Optional

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.tables.degrees import FanOutModel
from tests.packed import again as stored

histograms = st.dictionaries(st.integers(0, 60), st.integers(1, 40), min_size=1, max_size=8)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@settings(max_examples=60, deadline=None)
@given(histograms)
def test_as_many_parents_as_real_ones_give_the_real_histogram(histogram: dict[int, int]) -> None:
    model = FanOutModel.fit(histogram, k=1)
    counts = model.counts(sum(histogram.values()), None, None, rng())
    found = dict(zip(*(x.tolist() for x in np.unique(counts, return_counts=True))))
    assert found == {c: p for c, p in histogram.items() if p}


@settings(max_examples=60, deadline=None)
@given(histograms, st.integers(0, 500), st.one_of(st.none(), st.integers(1, 9)))
def test_totals_are_exact_and_limits_hold(
    histogram: dict[int, int], total: int, limit: Optional[int]
) -> None:
    model = FanOutModel.fit(histogram)
    counts = model.counts(73, total, None, rng(), limit=limit)
    assert counts.min() >= 0
    assert counts.sum() == (total if limit is None else min(total, 73 * limit))
    if limit is not None:
        assert counts.max() <= limit


def test_ranks_of_the_preference_decide_who_gets_more() -> None:
    model = FanOutModel.fit({0: 50, 1: 30, 7: 20})
    preference = np.arange(100.0)[::-1]
    counts = model.counts(100, None, preference, rng())
    assert (np.diff(counts) <= 0).all()
    assert counts[0] == 7


def test_largest_counts_are_pooled_but_the_total_stays() -> None:
    histogram = {0: 300, 1: 500, 3: 100, 50: 1, 99: 1}
    model = FanOutModel.fit(histogram, k=5)
    assert model.largest < 50
    assert int(model.counts_ @ model.parents_) == sum(c * p for c, p in histogram.items())
    assert model.parents_.sum() == 902
    airlines = dict.fromkeys(range(1000, 1016), 1)
    assert FanOutModel.fit(airlines, k=1).largest == 1015  # rows of a look-up table are structure
    assert FanOutModel.fit(airlines, k=5).largest == 1013  # of persons, few are not, either


def test_negative_binomial_keeps_zeros_and_mean() -> None:
    data = rng().negative_binomial(2, 0.3, 5000)
    found, numbers = np.unique(data, return_counts=True)
    model = FanOutModel.fit(dict(zip(found.tolist(), numbers.tolist())), method="negbinom")
    assert abs(model.mean - data.mean()) <= 0.05 * data.mean()
    assert model.parents_[model.counts_ == 0].sum() == (data == 0).sum()


def test_growth_multiplies_and_state_round_trips() -> None:
    model = FanOutModel.fit({10: 4, 21: 4})
    again = stored(model)
    one, two = (m.counts(8, None, None, rng(), growth=2.5) for m in (model, again))
    assert one.tolist() == two.tolist()
    assert one.sum() == round(2.5 * (40 + 84))


def test_no_parents_and_no_children() -> None:
    assert len(FanOutModel.fit({3: 2}).counts(0, None, None, rng())) == 0
    assert FanOutModel.fit({}).counts(4, None, None, rng()).tolist() == [0, 0, 0, 0]
