"""Whole groups, drawn row after row, are what marginals are corrected on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from synthohive import Autoregressive, TableConfig
from synthohive.derive.elapsed import Elapsed
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.model import _beyond_chance
from synthohive.models.autoregressive.rollout import Rollout
from synthohive.tables.in_turn import Lineup
from synthohive.tables.siblings import PIECE, Siblings

SHARES = np.array([0.6, 0.3, 0.1])


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def coded(codes: np.ndarray, count: int) -> EncodedTable:
    layout = Layout((Discrete("state", count),))
    cells = codes.reshape(-1, 1).astype(np.int32)
    return EncodedTable(layout, cells, np.empty((len(cells), 0), dtype=np.float32))


def groups_of(*sizes: int) -> Lineup:
    parents = np.repeat(np.arange(len(sizes)), sizes)
    positions = np.concatenate([np.arange(size) for size in sizes])
    return Lineup(parents, positions, Elapsed([], parents, positions))


def history(data: EncodedTable, lineup: Lineup) -> EncodedTable:
    siblings = Siblings.of(data, lineup.parents, lineup.positions)
    return siblings.history(np.arange(len(data), dtype=np.int64))


def test_shares_that_drift_along_a_group_are_put_right() -> None:
    """A small error in each row, most of which repeat the one before, adds up to a large one."""
    groups, size, draws = 60, 25, rng()
    states = np.empty((groups, size), dtype=np.int64)
    states[:, 0] = draws.choice(3, groups, p=SHARES)
    for i in range(1, size):
        anew = draws.random(groups) < 0.1
        states[:, i] = np.where(anew, draws.choice(3, groups, p=SHARES), states[:, i - 1])
    data, lineup = coded(states, 3), groups_of(*[size] * groups)
    given, everyone = history(data, lineup), np.arange(groups * size, dtype=np.int64)
    model = Autoregressive(TableConfig(name="t"), epochs=4)
    model.fit(data, given, seed=np.random.SeedSequence(1), lineup=lineup)

    def shares() -> np.ndarray:
        rollout = Rollout(data, given, lineup, everyone, 20_000, rng(2))
        for _ in range(2):
            drawn = rollout.draw(lambda known, own: model._draw(known, draws, given=own))
        return np.bincount(drawn.codes[:, 0], minlength=3) / len(drawn)

    real = np.bincount(states.ravel(), minlength=3) / states.size
    assert np.abs(shares() - real).sum() / 2 < 0.05
    model.network_.heads.shift([torch.tensor([0.0, 0.0, 1.0])])
    model._settle()
    assert np.abs(shares() - real).sum() / 2 > 0.12
    for _ in range(2):
        model._calibrate_groups(data, given, lineup, everyone, rng(3), None)
    assert np.abs(shares() - real).sum() / 2 < 0.05


def test_what_chance_makes_of_shares_needs_no_round() -> None:
    draws = rng()
    real, alike = (draws.choice(3, 2_000, p=SHARES) for _ in range(2))
    assert not _beyond_chance(real, alike)
    assert not _beyond_chance(real, np.append(alike, [-1] * 5_000))  # these tell nothing
    assert not _beyond_chance(real, np.full(5, -1))
    assert _beyond_chance(real, draws.choice(3, 2_000, p=SHARES[::-1]))


def test_pieces_go_on_where_the_ones_before_them_ended() -> None:
    """The first round begins behind real rows; with each, pieces know of one more before them."""
    size = 3 * PIECE + 1
    data, lineup = coded(np.zeros(size, dtype=np.int64), 2_000), groups_of(size)
    everyone = np.arange(size, dtype=np.int64)
    rollout = Rollout(data, history(data, lineup), lineup, everyone, size, rng())

    def count(known: EncodedTable, own: EncodedTable) -> EncodedTable:
        return coded(known.codes[:, 0] + 1, 2_000)  # one more than the row before; -1 for none

    ends = [PIECE, 2 * PIECE, 3 * PIECE]
    assert rollout.draw(count).codes[ends, 0].tolist() == [PIECE] * 3
    assert rollout.draw(count).codes[ends, 0].tolist() == [PIECE, 2 * PIECE, 2 * PIECE]
    assert rollout.draw(count).codes[:, 0].tolist() == list(range(size))


def test_rows_whose_row_before_was_not_read_are_drawn_as_any_other() -> None:
    """They teach nothing; what follows them would follow nothing in each round else."""
    layout = Layout((Discrete("state", 3),), (Continuous("x"),))
    codes, values = np.ones((9, 1), dtype=np.int32), np.ones((9, 1), dtype=np.float32)
    joints = np.isin(np.arange(9), [3, 6])
    codes[joints], values[joints] = -1, np.nan
    lineup = replace(groups_of(9), joints=joints)
    data, everyone = EncodedTable(layout, codes, values), np.arange(9, dtype=np.int64)
    given = history(EncodedTable(layout, np.ones_like(codes), np.ones_like(values)), lineup)
    rollout = Rollout(data, given, lineup, everyone, 9, rng())
    seen = []

    def draw(known: EncodedTable, own: EncodedTable) -> EncodedTable:
        seen.append((known.codes[0].tolist(), known.values[0].tolist(), own.codes[0].tolist()))
        return EncodedTable(layout, np.full_like(own.codes, 2), np.full_like(own.values, 2))

    made = rollout.draw(draw)
    assert (made.codes == 2).all()
    assert (made.values == 2).all()
    assert seen[4] == ([2, 2], [2.0, 2.0], [-1])


def test_only_whole_groups_are_drawn_and_few_several_times() -> None:
    data, lineup = coded(np.zeros(12, dtype=np.int64), 2), groups_of(2, 3, 4, 3)
    given, rows = history(data, lineup), np.arange(2, 12, dtype=np.int64)
    some = Rollout(data, given, lineup, rows, 8, rng())
    assert len(some.origin) <= 8
    assert set(np.unique(lineup.parents[some.origin], return_counts=True)[1]) <= {3, 4}
    again = Rollout(data, given, lineup, rows, 40, rng())
    assert np.bincount(again.origin, minlength=12).tolist() == [0, 0, *[4] * 10]
    assert sum(len(place) for _, place in again.turns.steps) == 40
