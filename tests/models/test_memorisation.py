"""Models know the rows that they learned hardly better than others, and measure it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import stats

from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.model import Autoregressive
from synthohive.models.base import ConditionalGenerativeModel, Memorisation
from synthohive.models.ctgan.model import CTGAN
from synthohive.models.memorisation import (
    GapWatch,
    closeness,
    measure,
    nearer_share,
    repeated,
)
from synthohive.models.training import TrainingSet, split
from synthohive.models.tvae.model import TVAE
from tests.contracts.model import TABLE, stream, table

FEW = 200
COLUMNS = 8
LAYOUT = Layout(
    tuple(Discrete(f"c{i}", 5) for i in range(COLUMNS)),
    (Continuous("x"), Continuous("y")),
)


def survey(rows: int, seed: int) -> EncodedTable:
    """Return answers that hang together by one trait, and two numbers that do too."""
    rng = stream(seed)
    trait = rng.normal(size=rows)
    codes = [
        np.clip(np.round(0.6 * trait + rng.normal(0, 0.8, rows) + 2), 0, 4) for _ in range(COLUMNS)
    ]
    values = [np.tanh(0.5 * trait + rng.normal(0, 0.5, rows)) for _ in range(2)]
    return table(LAYOUT, codes, values, rows)


def area(learned: npt.NDArray[Any], held: npt.NDArray[Any]) -> float:
    wins = stats.mannwhitneyu(learned, held).statistic
    return float(wins / (len(learned) * len(held)))


def likelihood(model: Autoregressive, rows: EncodedTable) -> npt.NDArray[Any]:
    """Attack the weights as they are stored, without the heads' scales."""
    network = model.network_
    coarse, fine = (torch.from_numpy(codes) for codes in model.discretiser_.encode(rows))
    count = coarse.shape[1]
    with torch.no_grad():
        context = torch.zeros(len(rows), network.context.width)
        before = torch.triu(torch.ones(count, count), 1)
        return -network.losses(coarse, fine, context, before).sum(dim=1).numpy()


# -- what is measured


def test_copies_are_nearer_and_other_rows_are_not() -> None:
    learned, held, other = (survey(500, seed) for seed in (1, 2, 3))
    share, error = nearer_share(learned, held, learned)
    assert share > 0.95
    share, error = nearer_share(learned, held, other)
    assert abs(share - 0.5) < 3 * error < 0.15


def test_rows_that_are_equal_to_both_count_half() -> None:
    rows = survey(50, 1)
    assert nearer_share(rows, rows, rows)[0] == pytest.approx(0.5)


def repeating(rows: int) -> TrainingSet:
    """Return 40 learned and 20 held-out rows, some of which are learned, too."""
    learned, other = survey(40, 1), survey(20, 2)
    data = EncodedTable.stack([learned, learned.take(np.arange(rows)), other])
    return TrainingSet(
        "t", data, EncodedTable.empty(len(data)), np.arange(40), np.arange(40, 60), 500, 300
    )


def test_a_gap_that_rarity_explains_is_none() -> None:
    """Held-out rows may be rarer by chance; what is left is what was memorised."""
    rng = stream()
    common = rng.normal(0, 1, 200) + 0.5, rng.normal(0, 1, 100)
    watch = GapWatch(repeating(0), *common)
    honest = [2 * c + rng.normal(0, 0.1, len(c)) for c in common]
    assert abs(watch.gap(honest[0], honest[1])) < 0.05
    assert watch.gap(honest[0] + 2.0, honest[1]) == pytest.approx(1.0, abs=0.15)


def test_less_is_allowed_where_rows_repeat() -> None:
    flat = np.zeros(10)
    none, some, all_of_them = (GapWatch(repeating(n), flat, flat).most for n in (0, 4, 20))
    assert some < none / 3
    assert all_of_them == none
    rows = survey(40, 1)
    twice = EncodedTable.stack([rows, rows.take(np.arange(10))])
    assert repeated(twice, np.arange(40), np.arange(40, 50)) == 1.0
    assert repeated(twice, np.arange(10, 40), np.arange(40, 50)) == 0.0


def test_learned_rows_are_closest_to_their_copies() -> None:
    learned, held = survey(100, 1), survey(100, 2)
    assert (closeness(learned, learned) == 0).all()
    assert closeness(held, learned).mean() < -0.5


def test_excess_is_what_chance_does_not_explain() -> None:
    assert Memorisation(0.58, 0.05, 0.51, 60).excess == pytest.approx(0.01)
    assert Memorisation(0.58, 0.01, 0.51, 900).excess == pytest.approx(0.06)
    assert Memorisation(0.45, 0.01, 0.48, 900).excess == 0.0


def test_small_tables_hold_out_a_third() -> None:
    for rows, held in ((9, 3), (60, 20), (200, 66), (3000, 500), (20_000, 2000), (90_000, 3000)):
        learned, other = split(rows, stream())
        assert len(other) == held
        assert not np.intersect1d(learned, other).size


def test_few_rows_are_not_measured() -> None:
    model = Autoregressive(TABLE, epochs=1).fit(survey(20, 1), seed=np.random.SeedSequence(1))
    assert model.memorisation is None


@pytest.mark.parametrize("kind", [Autoregressive, TVAE, CTGAN])
def test_every_model_reports_also_from_a_checkpoint(
    kind: type[ConditionalGenerativeModel], tmp_path: Path
) -> None:
    model = kind(TABLE, epochs=1).fit(survey(60, 1), seed=np.random.SeedSequence(1))
    assert model.memorisation is not None
    assert model.memorisation.rows == 20
    model.save(tmp_path)
    assert kind.load(tmp_path).memorisation == model.memorisation


# -- what is kept


@pytest.mark.slow
def test_the_weights_do_not_tell_who_was_learned() -> None:
    """Two hundred rows: without the limit on the gap, the area is 0.8."""
    areas = []
    for seed in range(3):
        rows = survey(FEW, 10 + seed)
        model = Autoregressive(TABLE, epochs=60).fit(rows, seed=np.random.SeedSequence(seed))
        areas.append(area(likelihood(model, rows), likelihood(model, survey(2000, 99))))
    assert np.mean(areas) < 0.61


@pytest.mark.slow
def test_what_is_drawn_is_not_nearer_to_what_was_learned() -> None:
    """Without the limit on the gap of the bound, the share is 0.63."""
    shares = []
    for seed in range(3):
        rows = survey(FEW, 20 + seed)
        model = TVAE(TABLE, epochs=60).fit(rows, seed=np.random.SeedSequence(seed))
        made = model.sample(4000, rng=stream(seed))
        shares.append(nearer_share(rows, survey(FEW, 90 + seed), made)[0])
    assert np.mean(shares) < 0.59


@pytest.mark.slow
def test_the_limit_does_not_keep_dependence_from_being_learned() -> None:
    rows = survey(1500, 1)
    model = Autoregressive(TABLE, epochs=60).fit(rows, seed=np.random.SeedSequence(1))
    made = model.sample(4000, rng=stream(9))
    found = [np.corrcoef(t.codes[:, 0], t.codes[:, 1])[0, 1] for t in (rows, made)]
    assert found[1] > 0.6 * found[0]


def test_a_model_that_repeats_its_rows_is_found_out() -> None:
    rows = survey(400, 1)
    learned, held = np.arange(200), np.arange(200, 400)

    class Parrot(Autoregressive):
        def sample(self, num_rows: int, *args: Any, **kwargs: Any) -> EncodedTable:
            return rows.take(np.resize(learned, num_rows))

    found = measure(Parrot(TABLE), rows, None, (learned, held), 0.0, stream())
    assert found is not None
    assert found.nearer > 0.95
    assert found.excess > 0.4
