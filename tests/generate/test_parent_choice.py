"""Further parents are chosen in pieces of the rows as they are for all rows at once."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import ConstraintViolationError, Metadata, Synthesizer
from synthohive.generate import blocks, foreign_keys, parent_choice


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    """Return customers' orders of a product each, dear ones by the old; none twice, some of none.

    Each order has a badge that no other has.
    """
    rng, people, products = np.random.default_rng(1), 300, 60
    ages, prices = rng.integers(18, 90, people), np.sort(rng.integers(10, 900, products))
    pairs = []
    for person, age in enumerate(ages):
        near = np.exp(-np.abs(np.arange(products) / products - (age - 18) / 72) * 6)
        bought = rng.choice(products, rng.integers(1, 7), replace=False, p=near / near.sum())
        pairs += [(person, product) for product in bought]
    orders = pd.DataFrame(pairs, columns=["customer_id", "product_id"]).astype("Int64")
    orders.insert(1, "line", orders.groupby("customer_id").cumcount() + 1)
    orders.loc[rng.random(len(orders)) < 0.2, "product_id"] = pd.NA
    orders["badge_id"] = rng.permutation(len(orders))
    metadata = Metadata().add_table("customers", "id").add_table("products", "id")
    metadata.add_table("badges", "id")
    keys = {"customer_id": "customers.id", "product_id": "products.id", "badge_id": "badges.id"}
    unique = [{"columns": c} for c in (["customer_id", "product_id"], ["badge_id"])]
    metadata.add_table("orders", ["customer_id", "line"], fk=keys, unique=unique)
    tables = {
        "customers": pd.DataFrame({"id": np.arange(people), "age": ages}),
        "products": pd.DataFrame({"id": np.arange(products), "price": prices}),
        "badges": pd.DataFrame({"id": np.arange(len(orders))}),
        "orders": orders,
    }
    return Synthesizer(metadata, model="autoregressive").fit(
        tables, epochs=1, seed=1, progress=False, target=False, n_jobs=1
    )


def made(fitted: Synthesizer) -> dict[str, pa.Table]:
    return fitted.sample(scale=4.0, seed=3, output_format="arrow", n_jobs=1)


def test_pieces_keep_numbers_of_children_rules_and_what_goes_together(
    fitted: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)
    whole = made(fitted)
    monkeypatch.setattr(parent_choice, "PIECE", 500)
    counted = []
    split = parent_choice.split_quota
    monkeypatch.setattr(
        parent_choice, "split_quota", lambda *a: counted.append(len(a[2])) or split(*a)
    )
    cut = made(fitted)
    assert len(counted) == 2
    assert min(counted) > 4
    for name in ("customers", "products", "badges"):
        assert cut[name].equals(whole[name])
    for column in ("product_id", "badge_id"):
        # each parent has its number, though parents may have swapped these in either
        numbers = [t["orders"].column(column).drop_null().value_counts() for t in (whole, cut)]
        one, two = (np.sort(n.field("counts").to_numpy()) for n in numbers)
        assert np.array_equal(one, two)
        nulls = [t["orders"].column(column).null_count for t in (whole, cut)]
        assert nulls[0] == nulls[1]
    assert cut["orders"].column("product_id").null_count > 100
    together = []
    for tables in (whole, cut):
        rows = tables["orders"].to_pandas().dropna()
        assert not rows.duplicated(["customer_id", "product_id"]).any()
        ages = tables["customers"].to_pandas().set_index("id").age
        prices = tables["products"].to_pandas().set_index("id").price
        both = rows.customer_id.map(ages), rows.product_id.map(prices)
        together.append(both[0].corr(both[1], method="spearman"))
    assert together[1] > together[0] - 0.05
    assert together[1] > 0.4


@pytest.mark.parametrize("lost", [64, None])
def test_no_rows_of_the_first_block_are_left(
    fitted: Synthesizer, monkeypatch: pytest.MonkeyPatch, lost: Optional[int]
) -> None:
    """A block without rows has no parents, but the columns of theirs; all rows are not lost."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)
    keep = foreign_keys.repair_keys

    def refused(*given: Any) -> Any:
        changes, left = keep(*given)
        left[:lost] |= given[1] == "orders"
        return changes, left

    monkeypatch.setattr(foreign_keys, "repair_keys", refused)
    if lost is None:
        with pytest.raises(ConstraintViolationError, match=r"All 4,\d+ rows of table 'orders'"):
            made(fitted)
    else:
        assert "product_id" in made(fitted)["orders"].column_names
