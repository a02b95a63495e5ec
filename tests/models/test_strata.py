"""Few long groups begin with all that groups begin with, each as often as it should be."""

from __future__ import annotations

import numpy as np

from synthohive import Autoregressive, TableConfig
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.strata import STRATA, first_rows, stratified
from synthohive.tables.context import group_block


def test_each_stratum_has_one_number() -> None:
    rng = np.random.default_rng(1)
    found = stratified(rng.random((3, 2 * STRATA + 5), dtype=np.float32), rng)
    for part, strata in ((found[:, :STRATA], STRATA), (found[:, 2 * STRATA :], 5)):
        assert (np.sort((part * strata).astype(int), axis=1) == np.arange(strata)).all()
    assert stratified(found[:, :2], rng).shape == (3, 2)
    # a table of constants has no variable at all
    assert stratified(found[:0], rng).shape == (0, 2 * STRATA + 5)
    assert found.max() < 1


def test_first_rows_come_by_the_size_of_their_groups() -> None:
    positions, sizes = np.array([0, 1, 0, 0, 1, 2]), np.array([2, 2, 1, 3, 3, 3])
    assert first_rows(group_block(positions, sizes, 3)).tolist() == [3, 0, 2]
    assert not len(first_rows(EncodedTable.empty(4)))


def test_few_groups_begin_as_many_do() -> None:
    rng = np.random.default_rng(2)
    layout = Layout((Discrete("league", 2),), (Continuous("c"),))
    codes = rng.integers(0, 2, (400, 1)).astype(np.int32)
    rows = EncodedTable(layout, codes, rng.uniform(-1, 1, (400, 1)).astype(np.float32))
    context = group_block(np.arange(400) % 10, np.full(400, 10), 10)
    model = Autoregressive(TableConfig(name="t"), epochs=0).fit(rows, context)
    first = context.take(np.arange(0, 320, 10))
    shares = [model.sample(32, first, rng=rng).codes[:, 0].mean() for _ in range(40)]
    assert np.std(shares) < 0.05  # of independent draws .088
