"""Relations over keys: copies of parents' columns, orders across keys, sums of children."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from synthohive import CheckConstraint, Constraint, Metadata, PrivacyConfig, Synthesizer

Frames = dict[str, pd.DataFrame]
EXPECTED = {
    "products": {"price goes with kind: 2.07 for 'a', 10.3 for 'b', 50.7 for 'c'"},
    "orders": {"ordered >= customers.joined", "total = sum(total) of lines"},
    "lines": {"unit_price = products.price", "total = round(unit_price * quantity, 2)"},
}


def shop() -> tuple[Frames, Metadata]:
    """Return a shop whose totals, prices and dates agree."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], 150)
    base = pd.Series(kind).map({"a": 2.0, "b": 10.0, "c": 50.0})
    products = pd.DataFrame(
        {"id": range(1, 151), "kind": kind, "price": (base * rng.uniform(0.8, 1.2, 150)).round(2)}
    )
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, 300), "D")
    customers = pd.DataFrame({"id": range(1, 301), "joined": joined})
    owner = np.repeat(np.arange(300), rng.integers(1, 5, 300))
    orders = pd.DataFrame({"id": range(1, len(owner) + 1), "customer_id": owner + 1})
    orders["ordered"] = joined[owner] + pd.to_timedelta(rng.integers(0, 300, len(owner)), "D")
    lines = pd.DataFrame({"order_id": np.repeat(orders["id"], rng.integers(1, 5, len(orders)))})
    lines.insert(0, "id", range(1, len(lines) + 1))
    lines["product_id"] = rng.integers(1, 151, len(lines))
    lines["unit_price"] = products["price"].to_numpy()[lines["product_id"] - 1]
    lines["quantity"] = rng.integers(1, 9, len(lines))
    lines["total"] = (lines["quantity"] * lines["unit_price"]).round(2)
    orders["total"] = lines.groupby("order_id")["total"].sum().round(2).to_numpy()
    frames = {"products": products, "customers": customers, "orders": orders, "lines": lines}
    metadata = Metadata().add_table("products", "id").add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    keys = {"order_id": "orders.id", "product_id": "products.id"}
    return frames, metadata.add_table("lines", "id", fk=keys)


def fitted(**options: object) -> Synthesizer:
    """Return a synthesizer fitted to the shop."""
    frames, metadata = shop()
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return synthesizer.fit(frames, epochs=3, seed=1, progress=False, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return fitted()


def texts(synthesizer: Synthesizer) -> dict[str, set[str]]:
    found = {name: {str(r) for r in kept} for name, kept in synthesizer.relations.items()}
    return {name: kept for name, kept in found.items() if kept}


def broken(made: Frames) -> dict[str, float]:
    """Return the share of rows that break each relation."""
    products, customers, orders, lines = (
        made[t] for t in ("products", "customers", "orders", "lines")
    )
    price = products.set_index("id")["price"][lines["product_id"]].to_numpy()
    total = lines.groupby("order_id")["total"].sum().reindex(orders["id"]).to_numpy()
    joined = customers.set_index("id")["joined"][orders["customer_id"]].to_numpy()
    product = (lines["quantity"] * lines["unit_price"]).round(2)
    known = ~np.isnan(total)
    return {
        "price": float((lines["unit_price"].to_numpy() != price).mean()),
        "line": float(((lines["total"] - product).abs() > 0.0101).mean()),
        "order": float((np.abs(orders["total"] - total)[known] > 0.0101).mean()),
        "date": float((orders["ordered"].to_numpy() < joined).mean()),
    }


def test_relations_over_keys_are_listed_and_kept(synthesizer: Synthesizer) -> None:
    assert texts(synthesizer) == EXPECTED
    assert not any(broken(shop()[0]).values())
    assert not any(broken(synthesizer.sample(seed=2, scale=1.5)).values())


@pytest.mark.slow
def test_without_relations_they_break() -> None:
    free = fitted(relations=False)
    assert texts(free) == {}
    assert min(broken(free.sample(seed=2)).values()) > 0.01


def test_relations_come_out_of_a_checkpoint(synthesizer: Synthesizer, tmp_path: Path) -> None:
    loaded = Synthesizer.load(synthesizer.save(tmp_path / "shop"))
    assert texts(loaded) == texts(synthesizer)
    one, two = (s.sample(seed=3) for s in (synthesizer, loaded))
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, two[name])


def test_relations_are_verified_on_rows_that_training_does_not_read() -> None:
    frames, metadata = shop()
    lines = frames["lines"]
    for column in ("unit_price", "total"):
        lines.loc[lines.index[-1], column] = lines[column].iloc[-1] + 1.5
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    synthesizer.fit(frames, epochs=1, seed=1, progress=False, sample_size=len(lines) // 3)
    found = texts(synthesizer)
    assert "unit_price = products.price" in found["lines"]  # but for one row of nobody else
    assert "total = sum(total) of lines" not in found.get("orders", set())


def test_a_column_can_be_left_out(synthesizer: Synthesizer) -> None:
    frames, metadata = shop()
    metadata.tables["lines"].derived = {"total": None}
    metadata.tables["orders"].derived = {"total": None}
    other = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    other.fit(frames, epochs=1, seed=1, progress=False)
    kept = {text for found in texts(other).values() for text in found}
    assert "unit_price = products.price" in kept
    assert not any(text.startswith("total ") for text in kept)


def test_constraints_come_before_relations() -> None:
    frames, metadata = shop()
    most = float(frames["lines"]["total"].max())
    metadata.tables["lines"].checks = [CheckConstraint(sqltext=f"total <= {most}")]
    large = float(frames["orders"]["total"].quantile(0.9))
    frames["orders"] = frames["orders"][lambda orders: ~(orders["total"] > large)]
    frames["lines"] = frames["lines"][lambda lines: lines["order_id"].isin(frames["orders"]["id"])]
    metadata.tables["orders"].constraints = {"total": Constraint(max=large)}
    other = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made = other.fit(frames, epochs=1, seed=1, progress=False).sample(seed=2, scale=4)
    assert made["lines"]["total"].max() <= most
    assert "total = sum(total) of lines" in texts(other)["orders"]
    assert made["orders"]["total"].max() <= large
    sums = made["lines"].groupby("order_id")["total"].sum().reindex(made["orders"]["id"])
    off = (sums.to_numpy() - made["orders"]["total"].to_numpy()).round(6)
    assert (off[(sums <= large).to_numpy()] == 0).all()
    assert (sums > large).any()  # where the sum would break it, what was modelled stays


def test_a_formula_leads_no_row_out_of_a_constraint() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"price": rng.integers(1, 1_000, 3_000) / 10, "pieces": 0, "total": 0.0})
    frame["pieces"] = rng.integers(1, 1 + (150 / frame["price"]).clip(1, 9).astype(int))
    frame["total"] = (frame["price"] * frame["pieces"]).round(2)
    metadata = Metadata().add_table("sales")
    metadata.tables["sales"].checks = [CheckConstraint(sqltext="total <= 150")]
    synthesizer = Synthesizer(metadata, model="autoregressive")
    made = synthesizer.fit({"sales": frame}, epochs=1, seed=1, progress=False).sample(seed=2)
    assert any("price * pieces" in text for text in texts(synthesizer)["sales"])
    assert made["sales"]["total"].max() <= 150
    off = (made["sales"]["total"] - made["sales"]["price"] * made["sales"]["pieces"]).abs() > 0.051
    assert off.mean() < 0.1


def test_a_further_parent_fits_its_child_and_keeps_its_fan_out(synthesizer: Synthesizer) -> None:
    sides = [shop()[0], synthesizer.sample(seed=2)]
    counts = [f["lines"]["product_id"].value_counts().reindex(f["products"]["id"]) for f in sides]
    assert ks_2samp(*counts).statistic < 0.1
    means = [
        np.corrcoef(
            f["lines"]["unit_price"], f["orders"].set_index("id")["total"][f["lines"]["order_id"]]
        )[0, 1]
        for f in sides
    ]
    assert means[1] > means[0] / 3
