"""Rows meet their parents, whatever the order, the number and the NULLs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive.metrics import parent_rows, with_children
from synthohive.schema import ForeignKey
from tests.metrics.shop import shop


def test_many_rows_keep_their_order() -> None:
    rng = np.random.default_rng(5)
    parent = pa.table({"id": rng.permutation(300_000)})
    of = rng.integers(0, 300_000, 400_000)
    child = pa.table({"parent_id": parent["id"].to_numpy()[of]})
    key = ForeignKey(columns=["parent_id"], parent="parent", parent_columns=["id"])
    assert np.array_equal(parent_rows(child, key, parent), of)


def test_composite_keys_and_nulls() -> None:
    parent = pa.table({"a": [1, 1, 2], "b": ["x", "y", "x"]})
    child = pa.table(
        {"p": pa.array([1, 2, None, 9, 1], pa.int32()), "q": ["y", "x", "x", "x", None]}
    )
    key = ForeignKey(columns=["p", "q"], parent="parent", parent_columns=["a", "b"])
    assert parent_rows(child, key, parent).tolist() == [1, 2, -1, -1, -1]


def test_counts_by_key() -> None:
    tables, metadata = shop(1)
    beside, _ = with_children(tables, metadata, "customers")
    level = tables["customers"]["level"].to_numpy()
    assert (beside["count of orders(customer_id)"].to_numpy() == level).all()
    assert (beside["count of visits(customer_id)"].to_numpy() == 2 * level).all()
