"""Combinations of variables: what they tell, when, and whose they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from synthohive.encoding.encoded import Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.config import TUNING, AutoregressiveConfig
from synthohive.models.autoregressive.crosses import Cross, find_crosses
from synthohive.models.autoregressive.drawing import Sampler
from synthohive.models.autoregressive.model import Autoregressive
from synthohive.models.autoregressive.network import Network
from synthohive.models.blocks import as_tensors
from synthohive.privacy.entities import Entities
from synthohive.schema import TableConfig

SIZES = [3, 2, 2, 4]
ROWS = np.array([30, 20, 10]), np.array([20, 15])
CROSS = Cross(3, (0, 2, 1), (np.array([0, 3, 5]), np.array([2, 4])), ROWS)
"""Of the first and third variable, and with the second one: (0, 0), (1, 1), (2, 1); ..."""


def network() -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = AutoregressiveConfig(embedding=4, hidden=8, context=4, dropout=0.0)
        made = Network(SIZES, [1] * 4, Layout(), config, crosses=[CROSS])
        assert made.crosses is not None
        torch.nn.init.normal_(made.crosses.vectors.weight, std=1 / TUNING.pace)
        for weight in made.heads.weights:
            torch.nn.init.normal_(weight, std=0.3)
    return made.eval()


def test_drawing_follows_the_likelihood() -> None:
    made, rows = network(), 200_000
    cells = torch.cartesian_prod(*map(torch.arange, SIZES))
    none = EncodedTable.empty(len(cells))
    with torch.no_grad():
        context, natural = made.context(*as_tensors(none)), torch.ones(4, 4).triu(1)
        losses = made.losses(cells, torch.full_like(cells, -1), context, natural)
        expected = torch.exp(-losses.sum(dim=1))
        sampler = Sampler(made)
        uniforms = torch.from_numpy(np.random.default_rng(1).random((2, 4, rows), dtype=np.float32))
        drawn, _ = sampler.draw(sampler.context(*as_tensors(EncodedTable.empty(rows))), uniforms)
    place = (drawn * torch.tensor([16, 8, 4, 1])).sum(dim=1)
    found = torch.bincount(place, minlength=len(cells)) / rows
    assert float(expected.sum()) == pytest.approx(1, abs=1e-5)
    assert float((found - expected).abs().max()) < 0.005


def test_a_combination_is_known_where_all_of_it_is() -> None:
    crosses = network().crosses
    assert crosses is not None
    coarse = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, -1, 1, 0], [-1, 0, 1, 0]])
    known = torch.ones(4, 4).triu(1)
    found = crosses(coarse, known)[0].abs().sum(dim=1) > 0
    # (1, 1) is one; with the second variable, only (1, 1, 0) is; (1, 0) is none
    assert found.tolist() == [True, True, False, True, False]
    assert crosses.nodes(0, coarse.T).tolist() == [[2, 4], [2, 0], [0, 0], [2, 0], [0, 0]]
    deepest = crosses.deepest(0, coarse.T)
    assert deepest.tolist() == [4, 2, 0, 2, 0]
    assert torch.allclose(crosses.summed(0)[deepest], crosses(coarse, known)[0])
    # neither of what is left to draw nor of what is silent, whatever codes stand before it
    every = torch.cartesian_prod(*(torch.arange(-2, size) for size in SIZES)).T
    told = [known for known, _ in crosses._along(0, every)]
    assert not (told[0] & ((every[0] < 0) | (every[2] < 0))).any()
    assert not (told[1] & (every[[0, 1, 2]] < 0).any(dim=0)).any()
    known[1, 3] = 0  # in another order, the target knows a part of it
    assert not crosses(coarse, known).any()


def rows_told_by_two(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return rows of which the first two columns together decide the third, and neither alone."""
    first, second, other = rng.integers(0, [[20], [20], [6]], (3, count))
    decided = np.random.default_rng(5).integers(0, 60, (20, 20))[first, second]
    return np.stack([first, second, other, decided], axis=1)


def test_combinations_are_found_and_those_of_few_entities_are_not_kept() -> None:
    codes = rows_told_by_two(np.random.default_rng(1), 12_000)
    owners = np.arange(len(codes)) % 2_000
    owners[codes[:, 0] == 7] = 3  # whose rows nobody else has
    entities = Entities.over(owners)

    def found(order: list[int]) -> list[Cross]:
        sizes = [[20, 20, 6, 60][i] for i in order]
        return find_crosses(
            codes[:, order], sizes, np.random.default_rng(0),
            lambda own, size: entities.holders(own, size) >= 5,
        )  # fmt: skip

    (cross,) = found([0, 1, 2, 3])
    assert cross.target == 3
    assert set(cross.path) == {0, 1}
    shown = {key // 20 if cross.path[0] == 0 else key % 20 for key in cross.keys[0].tolist()}
    assert shown == set(range(20)) - {7}
    independent = np.random.default_rng(2).integers(0, 8, (6_000, 5))
    assert not find_crosses(
        independent, [8] * 5, np.random.default_rng(0), lambda own, size: np.ones(size, np.bool_)
    )


def test_what_two_columns_decide_together_is_kept(tmp_path: Path) -> None:
    codes = rows_told_by_two(np.random.default_rng(1), 5_000).astype(np.int32)
    layout = Layout(tuple(Discrete(name, size) for name, size in zip("abcd", [20, 20, 6, 60])))
    rows = EncodedTable(layout, codes, np.empty((len(codes), 0), dtype=np.float32))
    model = Autoregressive(TableConfig(name="t"), epochs=5)
    model.fit(rows, seed=np.random.SeedSequence(1), entities=Entities(len(rows)), k=5)
    made = model.sample(2_000, rng=np.random.default_rng(1)).codes
    decided = np.random.default_rng(5).integers(0, 60, (20, 20))
    assert (made[:, 3] == decided[made[:, 0], made[:, 1]]).mean() > 0.75  # .44 without
    model.save(tmp_path)
    again = Autoregressive.load(tmp_path).sample(2_000, rng=np.random.default_rng(1)).codes
    assert np.array_equal(made, again)
