"""What the children of a parent have in common is kept, and seen by nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.learn.children import RowValues
from synthohive.tables.roles import children_column

SHOPS = 200


def tables() -> dict[str, pa.Table]:
    """Shops sell either dear or cheap things, rings or nails: what is below them alone shows it.

    Dear ones are visited more often; of some goods all are brought back, of others none.
    """
    rng = np.random.default_rng(1)
    dear, rings = rng.random((2, SHOPS)) < 0.5
    shop = np.repeat(np.arange(SHOPS), 4)
    visit = np.repeat(np.arange(SHOPS), np.where(dear, 3, 1))
    good = 2 * rng.integers(0, 200, 2 * len(shop)) + np.repeat(~rings[shop], 2)
    worn = rng.random(400) < 0.5
    price = np.where(dear[shop], 900.0, 100.0) + rng.normal(size=len(shop)).round(2) * 50
    names = np.array(["walk", "car"])
    return {
        "shops": pa.table({"id": np.arange(SHOPS), "town": rng.choice(["Ulm", "Bonn"], SHOPS)}),
        "sales": pa.table({"id": np.arange(len(shop)), "shop": shop, "price": price}),
        "visits": pa.table({
            "id": np.arange(len(visit)), "shop": visit, "way": names[dear[visit].astype(int)],
        }),
        "goods": pa.table({
            "id": np.arange(400), "kind": ["ring", "nail"] * 200, "weight": rng.normal(size=400),
        }),
        "lines": pa.table({
            "id": np.arange(2 * len(shop)), "sale": np.repeat(np.arange(len(shop)), 2),
            "good": good, "back": worn[good],
        }),
    }  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    keys = {"shop": "shops.id"}
    metadata = Metadata().add_table("shops", "id").add_table("sales", "id", fk=keys)
    metadata = metadata.add_table("visits", "id", fk=keys).add_table("goods", "id")
    metadata.add_table("lines", "id", fk={"sale": "sales.id", "good": "goods.id"})
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return synthesizer.fit(tables(), seed=1, epochs=3, progress=False)


def tie(made: dict[str, pa.Table]) -> float:
    """Return how far the prices of a shop's sales go with the ways of its visits."""
    ids = made["shops"]["id"].to_numpy()
    means = []
    for name, values in (
        ("sales", made["sales"]["price"].to_numpy()),
        ("visits", np.asarray(made["visits"]["way"].to_pylist()) == "car"),
    ):
        at = np.searchsorted(ids, made[name]["shop"].to_numpy())
        means.append(np.bincount(at, weights=values) / np.maximum(np.bincount(at), 1))
    return float(np.corrcoef(*means)[0, 1])


def test_two_kinds_of_children_go_together(fitted: Synthesizer) -> None:
    made = fitted.sample(seed=1, output_format="arrow")
    assert tie(tables()) > 0.95
    assert tie(made) > 0.5  # -0.02 where shops know nothing of their children
    assert made["shops"].column_names == ["id", "town"]


def test_what_grandchildren_refer_to_goes_with_their_grandparents(fitted: Synthesizer) -> None:
    made = fitted.sample(seed=1, output_format="arrow")
    ring = np.asarray(made["goods"]["kind"].to_pylist()) == "ring"
    good = np.searchsorted(made["goods"]["id"].to_numpy(), made["lines"]["good"].to_numpy())
    sale = np.searchsorted(made["sales"]["id"].to_numpy(), made["lines"]["sale"].to_numpy())
    shop = made["sales"]["shop"].to_numpy()[sale]
    shares = np.bincount(shop, weights=ring[good]) / np.maximum(np.bincount(shop), 1)
    # of eight lines a shop: near .25 where each knows nothing of the others, .5 in the real rows
    assert np.abs(shares - 0.5)[np.bincount(shop) > 0].mean() > 0.3


def test_numbers_of_children_go_with_what_children_are_like(fitted: Synthesizer) -> None:
    def together(made: dict[str, pa.Table]) -> float:
        ids, sales = made["shops"]["id"].to_numpy(), made["sales"]
        at = np.searchsorted(ids, sales["shop"].to_numpy())
        number = np.bincount(np.searchsorted(ids, made["visits"]["shop"].to_numpy()))
        sums = np.bincount(at, weights=sales["price"].to_numpy())
        known = np.bincount(at) > 0
        return float(np.corrcoef(number[known], (sums / np.bincount(at))[known])[0, 1])

    assert together(tables()) > 0.95
    assert together(fitted.sample(seed=1, output_format="arrow")) > 0.5


def test_children_choose_a_further_parent_by_what_its_children_are_like(
    fitted: Synthesizer,
) -> None:
    def between(made: dict[str, pa.Table]) -> float:
        """Return the share of what varies that goods tell, chance aside."""
        at, back = (made["lines"][name].to_numpy() for name in ("good", "back"))
        at = np.searchsorted(made["goods"]["id"].to_numpy(), at)
        number, sums = np.bincount(at), np.bincount(at, weights=back)
        inside = (sums * (1 - sums / np.maximum(number, 1)))[number > 1].sum()
        return float(1 - inside / (number - 1)[number > 1].sum() / back.var())

    assert between(tables()) == 1.0
    assert between(fitted.sample(seed=1, output_format="arrow")) > 0.5


def test_checkpoints_have_the_codes(fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path / "shops")
    loaded = Synthesizer.load(tmp_path / "shops")
    made = fitted.sample(seed=2, output_format="arrow")
    assert all(
        rows.equals(made[n]) for n, rows in loaded.sample(seed=2, output_format="arrow").items()
    )
    encoder = loaded.fitted_.tables["shops"].encoder
    assert encoder is not None
    key = "sales(shop) -> shops(id)"
    assert encoder.kinds[children_column(key)] == "categorical"


def test_given_parents_get_codes_where_cells_are_filled(fitted: Synthesizer) -> None:
    given = tables()
    price = given["sales"]["price"].to_pylist()
    price[::3] = [None] * len(price[::3])
    given["sales"] = given["sales"].set_column(2, "price", pa.array(price))
    filled = fitted.impute(given, seed=1)
    table = filled["sales"]
    after = table["price"].to_pylist() if isinstance(table, pa.Table) else list(table["price"])
    kept = [(a, b) for a, b in zip(price, after) if a is not None]
    assert all(a == b for a, b in kept)
    assert not pa.array(after, from_pandas=True).null_count
    shops = filled["shops"]
    assert list(shops.column_names if isinstance(shops, pa.Table) else shops.columns) == [
        "id",
        "town",
    ]


def test_what_never_varies_tells_nothing() -> None:
    """It would be divided by 0."""
    values = np.column_stack([np.zeros(6), np.arange(6.0)])
    scaled = RowValues(values, np.array([0, 1])).scaled
    assert not scaled[:, 0].any()
    assert scaled[:, 1].var() == pytest.approx(0.5)
