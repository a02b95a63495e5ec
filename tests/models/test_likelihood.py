"""The likelihood that a model gives to rows is one: over all rows, it sums to 1."""

from __future__ import annotations

import numpy as np

from synthohive import Autoregressive, EncodedTable, TableConfig
from synthohive.encoding.encoded import Discrete, Layout


def rows_of(codes: list[list[int]]) -> EncodedTable:
    layout = Layout((Discrete("a", 3), Discrete("b", 2)))
    return EncodedTable(layout, np.asarray(codes, np.int32), np.empty((len(codes), 0), np.float32))


def test_likelihoods_of_all_rows_sum_to_one_for_each_context() -> None:
    rng = np.random.default_rng(1)
    parent = rng.integers(0, 2, 300)
    a = np.where(parent == 0, 0, rng.integers(0, 3, 300))
    data = rows_of(np.stack([a, a % 2], axis=1).tolist())
    layout = Layout((Discrete("parent", 2),))
    empty = np.empty((300, 0), np.float32)
    context = EncodedTable(layout, parent[:, None].astype(np.int32), empty)
    model = Autoregressive(TableConfig(name="t"), epochs=5)
    model.fit(data, context, seed=np.random.SeedSequence(1))
    combinations = [[i, j] for i in range(3) for j in range(2)]
    for number, likely in ((0, [0, 0]), (1, [1, 1])):
        above = EncodedTable(
            layout, np.full((6, 1), number, np.int32), np.empty((6, 0), np.float32)
        )
        found = model.log_likelihood(rows_of(combinations), above)
        assert found is not None
        assert np.isclose(np.exp(found).sum(), 1, atol=1e-5)
        assert np.exp(found[combinations.index(likely)]) > 0.25
