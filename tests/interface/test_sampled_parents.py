"""A fit on few of the rows learns what goes together over keys from whole pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from synthohive import Metadata, Synthesizer
from synthohive.learn.fitted import FittedDatabase

ROWS, POPULAR = 3_000, 12
Fits = tuple[dict[str, pa.Table], FittedDatabase]


@pytest.fixture(scope="module")
def fits() -> Fits:
    """Fit sales that go by the kind of what is sold, of which little is sold often, and a tree."""
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 4, ROWS)
    sold = rng.integers(0, np.where(rng.random(ROWS) < 0.8, POPULAR, ROWS))
    bosses = pd.array([None if i < 40 else i // 10 for i in range(ROWS)], dtype="Int64")
    buyers = np.sort(rng.integers(0, ROWS // 2, ROWS))
    size = np.array([3, 30, 60, 90])[kind[sold]] + rng.integers(0, 10, ROWS)
    frames = {
        "buyer": pd.DataFrame({"id": range(ROWS // 2)}),
        "item": pd.DataFrame({"id": range(ROWS), "kind": np.array(list("abcd"))[kind]}),
        "staff": pd.DataFrame({"id": range(ROWS), "boss": bosses}),
        "sale": pd.DataFrame({"buyer": buyers, "n": range(ROWS), "item": sold, "size": size}),
    }
    metadata = Metadata().add_table("buyer", "id")
    metadata.add_table("item", "id")
    metadata.add_table("staff", "id", fk={"boss": "staff.id"})
    metadata.add_table("sale", ["buyer", "n"], fk={"buyer": "buyer.id", "item": "item.id"})
    synthesizer = Synthesizer(metadata)
    synthesizer.fit(frames, sample_size=500, epochs=1, seed=1, progress=False, n_jobs=1)
    assert synthesizer.fitted_ is not None
    return {name: pa.table(frame) for name, frame in frames.items()}, synthesizer.fitted_


def test_children_go_with_their_popular_parents(fits: Fits) -> None:
    real, fitted = fits
    pairs = fitted.tables["sale"].keys["sale(item) -> item(id)"].pairs
    assert pairs is not None
    (table,) = (t for t in pairs.tables if pairs.mine[t.mine].column == "size")
    size, kind = pairs.mine[table.mine], pairs.theirs[table.theirs]
    kinds = real["item"]["kind"].take(real["sale"]["item"])
    cells = size(real["sale"]["size"]) * kind.size + kind(kinds)
    true = np.bincount(cells, minlength=size.size * kind.size) / ROWS
    assert np.abs(np.ravel(table.shares) - true).sum() / 2 < 0.1


def test_kinds_of_parents_keep_their_shares(fits: Fits) -> None:
    """What nearly all sales are of is beside them, and does not stand for other items."""
    real, fitted = fits
    assert fitted.tables["item"].profile is not None
    shares = fitted.tables["item"].profile.columns["kind"].categories
    true = pd.Series(real["item"]["kind"].to_pylist()).value_counts(normalize=True)
    assert sum(abs(share - true[kind]) for kind, share in shares.items()) / 2 < 0.06


def test_a_hierarchy_keeps_its_levels(fits: Fits) -> None:
    hierarchy = fits[1].tables["staff"].hierarchies["staff(boss) -> staff(id)"]
    rows = np.array([level.parents_.sum() for level in hierarchy.levels])
    assert rows / rows.sum() == pytest.approx([40 / ROWS, 360 / ROWS, 2_600 / ROWS], abs=0.03)
    assert [level.mean for level in hierarchy.levels] == pytest.approx([9.0, 7.2, 0.0], rel=0.3)


def test_parents_of_many_children_have_the_shares_of_all() -> None:
    """Of 3,000 customers, 400 are drawn with their ten visits each."""
    rng = np.random.default_rng(6)
    size = 3_000
    balance, kind = rng.uniform(-1_000, 1_000, size).round(2), rng.choice(["a", "b", "c"], size)
    frames = {
        "customer": pd.DataFrame({"id": range(size), "balance": balance, "kind": kind}),
        "visit": pd.DataFrame({"id": range(10 * size), "customer": np.arange(10 * size) // 10}),
    }
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("visit", "id", fk={"customer": "customer.id"})
    synthesizer = Synthesizer(metadata, model="autoregressive")
    synthesizer.fit(frames, sample_size=4_000, epochs=1, seed=1, progress=False, n_jobs=1)
    made = synthesizer.sample(seed=1)["customer"]
    assert ks_2samp(made["balance"], balance).statistic < 0.03  # .044 from 400 rows alone
    shares = [pd.Series(k).value_counts(normalize=True) for k in (made["kind"], kind)]
    assert (shares[0] - shares[1]).abs().max() < 0.03
