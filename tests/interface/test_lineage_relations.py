"""Relations to grandparents: over the driving key, and over a parent that is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer

Frames = dict[str, pd.DataFrame]
FORMULA = "amount = round(quantity * products.price, 2)"
COPY = "city = customers.city"


def warehouse() -> tuple[Frames, Metadata]:
    """Return lines that repeat their order's customer's city and cost what their product does."""
    rng = np.random.default_rng(3)
    products = pd.DataFrame({"id": range(60), "price": rng.integers(100, 9_000, 60) / 100})
    stocks = pd.DataFrame({"id": range(180), "product_id": np.repeat(range(60), 3)})
    stocks["place"] = rng.choice(["north", "south"], 180)
    customers = pd.DataFrame({"id": range(200), "city": rng.choice(list("abcdefgh"), 200)})
    orders = pd.DataFrame({"id": range(600), "customer_id": rng.integers(0, 200, 600)})
    orders["rush"] = rng.random(600) < 0.3
    lines = pd.DataFrame({"order_id": np.repeat(range(600), rng.integers(1, 5, 600))})
    lines.insert(0, "id", range(len(lines)))
    lines["stock_id"] = rng.integers(0, 180, len(lines))
    lines["quantity"] = rng.integers(1, 9, len(lines))
    frames = {"products": products, "stocks": stocks, "customers": customers}
    frames.update(orders=orders, lines=lines)
    lines["amount"], lines["city"] = expected(frames)
    metadata = Metadata().add_table("products", "id").add_table("customers", "id")
    metadata.add_table("stocks", "id", fk={"product_id": "products.id"})
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    keys = {"order_id": "orders.id", "stock_id": "stocks.id"}
    return frames, metadata.add_table("lines", "id", fk=keys)


def expected(frames: Frames) -> tuple[pd.Series, np.ndarray]:
    lines = frames["lines"]
    product = frames["stocks"].set_index("id")["product_id"][lines["stock_id"]]
    price = frames["products"].set_index("id")["price"][product].to_numpy()
    customer = frames["orders"].set_index("id")["customer_id"][lines["order_id"]]
    city = frames["customers"].set_index("id")["city"][customer].to_numpy()
    return (lines["quantity"] * price).round(2), city


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    frames, metadata = warehouse()
    made = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return made.fit(frames, epochs=2, seed=1, progress=False)


def check(made: Frames) -> None:
    amount, city = expected(made)
    assert ((made["lines"]["amount"] - amount).abs() < 0.0101).all()
    assert (made["lines"]["city"] == city).all()


def test_grandparents_columns_are_kept(synthesizer: Synthesizer, tmp_path: Path) -> None:
    assert {FORMULA, COPY} <= {str(r) for r in synthesizer.relations["lines"]}
    check(synthesizer.sample(seed=2, scale=1.3))
    loaded = Synthesizer.load(synthesizer.save(tmp_path / "saved"))
    check(loaded.sample(seed=3))


@pytest.mark.parametrize("wrong", [True, False])
def test_they_are_verified_on_rows_that_training_does_not_read(wrong: bool) -> None:
    frames, metadata = warehouse()
    lines = frames["lines"]
    if wrong:
        lines.loc[lines.index[::8], ["amount", "city"]] = [-1.0, "elsewhere"]
    made = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made.fit(frames, epochs=1, seed=1, progress=False, sample_size=len(lines) // 4)
    found = {FORMULA, COPY} & {str(r) for r in made.relations["lines"]}
    assert found == (set() if wrong else {FORMULA, COPY})
