"""Which parents rows have, and how many rows parents have, where the model tells nothing of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from benchmarks.shapes import SHAPES
from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.metrics import fan_out_histogram, fan_out_ks, orphans
from tests.models.independent import IndependentColumns

FACTS = {
    "many_to_many": ["year ~ level"],
    "joint_fan_outs": ["orders ~ tickets", "orders ~ returns", "visits ~ orders"],
    "shared_column": ["price ~ quantity"],
    "hierarchy": ["boss's pay ~ pay"],
}


@pytest.mark.parametrize("name", list(FACTS))
def test_keys_tell_what_the_model_does_not(name: str) -> None:
    shape = SHAPES[name]
    real = shape.tables(1, 400)
    metadata = shape.metadata(real)
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model=IndependentColumns)
    synthesizer.fit(real, seed=1, progress=False)
    made: dict[str, pa.Table] = synthesizer.sample(seed=1, output_format="arrow")
    facts, wanted = shape.facts_of(made), shape.facts_of(real)
    # bosses stand before theirs in the order of the key, which leaves them fewer to choose from
    near = 0.22 if name == "hierarchy" else 0.15
    for fact in FACTS[name]:
        assert facts[fact] == pytest.approx(wanted[fact], abs=near)
    for fact, value in facts.items():
        assert not fact.startswith("no ") or value == 0
    for child, key in metadata.foreign_keys():
        ends = [
            (side[child], key.columns, side[key.parent], key.parent_columns)
            for side in (real, made)
        ]
        assert orphans(*ends[1]) == 0
        above = [key.parent, *(up.parent for up in metadata.tables[key.parent].foreign_keys)]
        # where there are few parents, the five most active ones share their mean
        few = min(len(real[table]) for table in above) < 100
        distance = fan_out_ks(*(fan_out_histogram(*end) for end in ends))
        assert distance <= (max(0.1, 5 / len(real[key.parent])) if few else 0.02)


def test_parents_are_moved_where_no_child_suits_them() -> None:
    """Six stores tell nothing of when stores open; the orders' times are not bent for them."""
    rng = np.random.default_rng(4)
    opened = np.array([0, 200, 1_000, 1_100, 1_500, 1_900])
    day = rng.integers(0, 365, 1_500)
    store = np.where((day >= 200) & (rng.random(1_500) < 0.5), 1, 0)
    start = np.datetime64("2023-01-01")
    frames = {
        "store": pd.DataFrame(
            {"id": [f"s{i}" for i in range(6)], "opened": (start + opened).astype("M8[us]")}
        ),
        "customer": pd.DataFrame({"id": range(300), "age": rng.integers(18, 80, 300)}),
        "purchase": pd.DataFrame(
            {
                "id": range(1_500),
                "customer_id": rng.integers(0, 300, 1_500),
                "store_id": [f"s{i}" for i in store],
                "bought": (start + day).astype("M8[us]"),
            }
        ),
    }
    keys = {"customer_id": "customer.id", "store_id": "store.id"}
    metadata = Metadata().add_table("store", "id").add_table("customer", "id")
    metadata.add_table("purchase", "id", fk=keys)
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    synth.fit(frames, epochs=3, seed=1, progress=False)
    assert "bought >= store.opened" in {str(r) for r in synth.relations["purchase"]}
    made = synth.sample(seed=3)
    rows = made["purchase"].merge(made["store"], left_on="store_id", right_on="id")
    assert (rows["bought"] >= rows["opened"]).all()
    both = (
        frames["purchase"]["bought"].astype("int64"),
        made["purchase"]["bought"].astype("int64"),
    )
    assert stats.ks_2samp(*both, method="asymp").statistic < 0.1


def test_a_key_that_follows_from_the_driving_one_need_not_follow_from_another() -> None:
    """A payment is for a rental of its customer, by that rental's clerk (13 of 3,000 were not)."""
    rng = np.random.default_rng(0)
    rentals = pd.DataFrame(
        {"id": range(300), "customer": rng.integers(0, 400, 300), "clerk": rng.integers(0, 3, 300)}
    )
    payments = rentals.rename(columns={"id": "rental"}).rename_axis("id").reset_index()
    payments["amount"] = rng.integers(1, 9, 300)
    tables = {
        "customer": pd.DataFrame({"id": range(400), "since": rng.integers(2000, 2020, 400)}),
        "clerk": pd.DataFrame({"id": range(3), "wage": [10, 12, 14]}),
        "rental": rentals,
        "payment": payments,
    }
    keys = {"customer": "customer.id", "clerk": "clerk.id"}
    metadata = Metadata().add_table("customer", "id").add_table("clerk", "id")
    metadata.add_table("rental", "id", fk=keys)
    metadata.add_table("payment", "id", fk={**keys, "rental": "rental.id"})
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit(tables, epochs=1, seed=1, progress=False, n_jobs=1)
    assert {"rental.customer = customer", "clerk = rental.clerk"} <= {
        str(relation) for relation in synth.relations["payment"]
    }
    made = synth.sample(seed=1)
    paid = made["payment"].merge(made["rental"], left_on="rental", right_on="id")
    assert (paid.customer_x == paid.customer_y).all()
    assert (paid.clerk_x == paid.clerk_y).all()
    assert abs(len(paid) - 300) < 30
