"""A copy that knows its entities is told from one that knows the source."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, SchemaError
from synthohive.metrics import (
    Share,
    entity_tables,
    nearest_record_share,
    privacy_report,
    record_copies,
    singling_out,
)
from synthohive.metrics.privacy.model import Attack, Copies, DistanceRatio, EntityPrivacy
from synthohive.metrics.privacy.points import distances, exact, nearest, points_of


def shop(rng: np.random.Generator, customers: int = 150) -> dict[str, pd.DataFrame]:
    """Customers of one source, and what each of them bought."""
    owner = np.repeat(np.arange(customers), rng.poisson(4, customers))
    habit = rng.normal(50, 20, customers)
    return {
        "customers": pd.DataFrame(
            {"id": np.arange(customers), "town": rng.choice(["Ulm", "Bonn", "Köln"], customers)}
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(len(owner)),
                "customer": owner,
                "price": habit[owner] + rng.normal(0, 5, len(owner)),
                "way": rng.choice(["post", "shop", None], len(owner)),
            }
        ),
    }


def keys() -> Metadata:
    metadata = Metadata().add_table("customers", "id")
    return metadata.add_table("orders", "id", fk={"customer": "customers.id"})


def test_copied_entities_are_found_by_their_descendants_where_rows_tell_nothing() -> None:
    rng = np.random.default_rng(4)
    learned, other, fresh = (shop(rng) for _ in range(3))
    copied = {**learned, "customers": learned["customers"].sample(frac=1, random_state=1)}
    found = {name: privacy_report(learned, other, s, keys()) for name, s in
             (("fresh", fresh), ("copied", copied))}  # fmt: skip
    (one,), (two,) = (found[name].entities for name in ("fresh", "copied"))
    assert (one.table, one.below, one.training) == ("customers", ("orders",), 150)
    assert found["fresh"].safe, str(found["fresh"])
    assert one.nearer.low < 0.5 < one.nearer.high
    assert one.copies.exact.value < 0.06  # those without orders, of a town, are equal
    assert two.copies.exact.value > 0.9
    assert two.nearer.value > 0.9
    assert all(m.auc.low > 0.6 for m in two.memberships)
    assert {"linkability", "inference"} <= {
        a.kind for a in two.attacks if a.is_useful and a.risk.low > 0.05
    }
    assert not found["copied"].safe
    assert json.loads(found["copied"].to_json())["concerns"]["customers"]
    assert set(found["copied"].frame()["table"]) == {"customers"}
    assert "customers with orders" in str(found["copied"])


def test_entities_have_what_their_rows_give() -> None:
    tables = {
        "customers": {"id": [1, 2, 3], "town": ["Ulm", "Bonn", None]},
        "orders": {
            "id": [1, 2, 3, 4],
            "customer": [1, 1, 1, 3],
            "price": [1.0, 2.0, None, None],
            "way": ["a", "b", "b", None],
        },
    }
    columns, (made,) = entity_tables(keys(), "customers", tables)
    assert list(columns) == made.column_names
    assert made["orders: rows"].to_pylist() == [3, 0, 1]
    assert made["orders: mean price"].to_pylist() == [1.5, None, None]
    assert made["orders: max price"].to_pylist() == [2.0, None, None]
    assert made["orders: most frequent way"].to_pylist() == ["b", None, None]
    assert made["orders: different way"].to_pylist() == [2, 0, 0]
    _, (left,) = entity_tables(keys(), "customers", tables, leave=[("orders", "price")])
    assert "orders: mean price" not in left.column_names


def test_distances_are_those_of_each_column() -> None:
    rng = np.random.default_rng(1)
    sides: list[dict[str, Any]] = [
        {**{f"n{i}": rng.normal(size=n) for i in range(6)}, "c": rng.choice(["a", "b", None], n),
         "m": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))}
        for n in (40, 30, 20)
    ]  # fmt: skip
    known, _, points = points_of(None, *sides)
    ((_, far),) = distances(points, known)
    rows = np.tile(np.arange(40), (20, 1))
    assert np.allclose(far, exact(points, known, rows), atol=1e-5)
    by_hand = np.array([
        [sum((a - b) ** 2 for a, b in zip(points.ranks[i], known.ranks[j]))
         + sum(points.codes[i] != known.codes[j]) for j in range(40)] for i in range(20)
    ])  # fmt: skip
    assert np.allclose(far, by_hand, atol=1e-5)
    near, at = nearest(points, known, 3)
    assert np.allclose(near, np.sqrt(np.sort(by_hand, axis=1)[:, :3] / 8))
    assert (at[:, 0] == by_hand.argmin(axis=1)).all()


def test_the_interval_of_the_nearest_share_is_that_of_chance() -> None:
    rng = np.random.default_rng(7)
    inside, widths = 0, []
    for _ in range(40):
        sides = [{"x": rng.normal(size=n), "y": rng.normal(size=n)} for n in (400, 100, 300)]
        share = nearest_record_share(*sides)
        inside += share.low <= 0.5 <= share.high
        widths.append(share.high - share.low)
    assert inside >= 35  # 38 of 40 are expected
    assert max(widths) < 0.25


def test_copies_are_held_against_those_among_other_real_rows() -> None:
    rng = np.random.default_rng(2)
    few = [{"a": rng.integers(0, 3, 200), "b": rng.integers(0, 3, 200)} for _ in range(3)]
    found = record_copies(*few)  # nine different rows in all: each is everybody's
    assert found.exact.value == found.exact_heldout.value == 1
    assert not privacy_report(*few).concerns
    assert singling_out({"a": ["x"] * 20}, {"a": ["x"] * 20}, {"a": ["x"] * 20}) is None


def test_what_cannot_be_measured_is_said() -> None:
    rng = np.random.default_rng(3)
    sides = shop(rng), shop(rng, 5), shop(rng)
    report = privacy_report(*sides, keys())
    assert report.left == {"customers": "too few entities: 150 training, 5 held-out, 150 synthetic"}
    assert not report.safe
    with pytest.raises(SchemaError, match="5 held-out rows are too few"):
        record_copies({"a": range(20)}, {"a": range(5)}, {"a": range(20)})
    assert Share.of(0, 0).high == 1


def test_what_chance_puts_beyond_one_of_many_intervals_is_no_concern() -> None:
    none, hit = Share.of(0, 100), Share.of(40, 100)

    def risks(low: float, high: float) -> tuple[Attack, ...]:
        attack = Attack("inference", "pay", hit, none, none, Share(0.0, 0.0, 0.1, 100))
        return (*[attack] * 24, replace(attack, risk=Share(0.4, low, high, 100)))

    entities = EntityPrivacy(
        "pets", (), 3, 100, 100, 100, Share.of(50, 100), Copies(none, none, none, none, 0.1),
        DistanceRatio(0.8, 0.8, 0.3, 0.3), (), risks(0.146, 0.654),
    )  # fmt: skip
    assert entities.attacks[-1].risk.low > 0.05
    assert not entities.concerns
    assert len(replace(entities, attacks=risks(0.3, 0.5)).concerns) == 1
