"""Relations that the user states are tested on the rows, listed, and kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.exceptions import SchemaError, SchemaValidationError
from tests.models.independent import IndependentColumns

Frames = dict[str, pd.DataFrame]


def shop(stated: list[str]) -> tuple[Frames, Metadata]:
    """Return so few lines that no search would believe in what holds in them."""
    rng = np.random.default_rng(1)
    products = pd.DataFrame({"id": range(12), "price": rng.integers(100, 900, 12) / 4})
    products["least"] = rng.integers(1, 4, 12)
    agents = pd.DataFrame({"id": range(30), "desk": rng.choice(["a", "b"], 30)})
    lines = pd.DataFrame({"id": range(25), "agent_id": np.repeat(range(5), 5)})
    lines["product_id"] = rng.integers(0, 12, 25)
    parent = products.loc[lines["product_id"]].reset_index()
    lines["quantity"] = parent["least"] + rng.integers(0, 5, 25)
    lines["share"] = rng.integers(0, 50, 25) / 100
    lines["amount"] = np.floor(lines["quantity"] * parent["price"] * (1 - lines["share"]) * 100)
    lines["amount"] /= 100
    lines["tax"] = (lines["amount"] / (1 + lines["share"]) + 2).round(1)
    metadata = Metadata().add_table("products", "id").add_table("agents", "id")
    keys = {"agent_id": "agents.id", "product_id": "products.id"}
    metadata.add_table("lines", "id", fk=keys, relations=stated)
    return {"products": products, "agents": agents, "lines": lines}, metadata


def fit(stated: list[str]) -> Synthesizer:
    frames, metadata = shop(stated)
    made = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model=IndependentColumns)
    return made.fit(frames, epochs=1, seed=1, progress=False)


def test_what_is_stated_holds() -> None:
    stated = [
        "amount = quantity * products.price * (1 - share)",
        "tax = round(amount / (1 + share) + 2, 1)",
        "quantity >= products.least",
    ]
    synthesizer = fit(stated)
    assert len(synthesizer.relations["lines"]) == 3
    made = synthesizer.sample(seed=2)
    lines = made["lines"]
    parent = made["products"].set_index("id").loc[lines["product_id"]].reset_index()
    exact = lines["quantity"] * parent["price"] * (1 - lines["share"])
    assert ((exact - lines["amount"]) > -1e-9).all()  # cut, as the real ones are
    assert ((exact - lines["amount"]) < 0.01 + 1e-9).all()
    tax = lines["amount"] / (1 + lines["share"]) + 2
    assert ((tax - lines["tax"]).abs() <= 0.05 + 1e-9).all()
    assert (lines["quantity"] >= parent["least"]).all()


def test_rows_that_break_a_relation_are_counted() -> None:
    with pytest.raises(SchemaValidationError, match=r"'tax <= amount' does not hold in \d+ of 25"):
        fit(["tax <= amount"])


def test_relations_that_go_round_in_a_circle_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"circle: (amount -> tax|tax -> amount)"):
        fit(["amount = tax + 1", "tax = amount - 1"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("amount = quantity *", "not understood"),
        ("amount", "no comparison"),
        ("amount = quantity * pric", "pric"),
        ("amount = sqrt(quantity)", "SQRT"),
        ("quantity * share = amount", "left side"),
        ("agent_id = quantity", "part of a key"),
        ("amount = orders.price", "orders"),
        ("amount = quantity / (share + tax)", "sum of columns"),
        ("amount = amount + 1", "both sides"),
    ],
)
def test_what_cannot_be_kept_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SchemaError, match=r"amount|agent_id") as caught:
        fit([text])
    assert problem in str(caught.value)
    assert "Write for example" in str(caught.value) or "pric" in str(caught.value)
