"""Keys over which rows mostly have the same parent as the row before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthohive import Metadata, Synthesizer


def visits(stay: float, customers: int = 150) -> dict[str, pd.DataFrame]:
    """Customers' visits to branches of two regions; some visits are to none."""
    rng, rows = np.random.default_rng(1), []
    region = rng.choice(["north", "south"], 20)
    for customer in range(customers):
        branch = int(rng.integers(20))
        for day in range(int(rng.integers(1, 25))):
            if rng.random() > stay:
                branch = int(rng.integers(20))
            gone = rng.random() < 0.05
            spent = rng.normal(9 if region[branch] == "north" else 5)
            rows.append((customer, day, None if gone else branch, round(spent, 2)))
    frame = pd.DataFrame(rows, columns=["customer", "day", "branch", "spent"])
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], "D")
    frame["branch"] = frame["branch"].astype("Int64")
    return {
        "customers": pd.DataFrame({"id": range(customers)}),
        "branches": pd.DataFrame({"id": range(20), "region": region, "size": rng.normal(size=20)}),
        "visits": frame,
    }


def stays(rows: pd.DataFrame) -> float:
    before = rows.groupby("customer")["branch"].shift()
    known = before.notna() & rows["branch"].notna()
    return float((rows["branch"] == before)[known].mean())


def copied(stay: float) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Return visits, those of a copy, and whether the key was found to stay."""
    tables = visits(stay)
    metadata = Metadata().add_table("customers", "id").add_table("branches", "id", reference=False)
    metadata.add_table("visits", fk={"customer": "customers.id", "branch": "branches.id"})
    synth = Synthesizer(metadata, model="autoregressive").fit(tables, epochs=2, seed=1)
    learned = synth.fitted_.tables["visits"].keys["visits(branch) -> branches(id)"]
    spent = tables["visits"]["spent"]
    lost = tables["visits"].assign(spent=spent.where(spent.index % 9 > 0))
    filled = synth.impute({**tables, "visits": lost}, seed=1)["visits"]
    assert filled["spent"].notna().all()
    return tables["visits"], synth.sample(seed=2)["visits"], learned.stays


def test_rows_stay_with_their_parent_as_often_as_real_ones() -> None:
    real, made, found = copied(0.85)
    assert found
    assert abs(stays(made) - stays(real)) < 0.08  # 0.05 stay by chance
    sizes = [np.sort(rows["branch"].value_counts().to_numpy()) for rows in (real, made)]
    np.testing.assert_array_equal(*(each[:-5] for each in sizes))  # the largest have their mean
    assert made["branch"].isna().sum() == real["branch"].isna().sum()


def test_chance_keeps_nobody() -> None:
    real, made, found = copied(0.0)
    assert not found
    assert abs(stays(made) - stays(real)) < 0.03
