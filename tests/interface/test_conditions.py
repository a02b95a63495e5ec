"""Fixed columns: "what if" data and other shares, with all else as it was learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, SchemaError, Synthesizer

PLANS = {"free": 0, "team": 40, "firm": 400}


def tables(customers: int = 600) -> dict[str, pd.DataFrame]:
    """Return customers, whose plan says what they pay, and their payments."""
    rng = np.random.default_rng(3)
    plan = rng.choice(list(PLANS), customers, p=[0.6, 0.3, 0.1])
    number = rng.poisson([1 + 2 * (p != "free") for p in plan])
    owner = np.repeat(np.arange(customers), number)
    paid = np.array([PLANS[plan[o]] for o in owner]) + rng.integers(1, 9, len(owner))
    return {
        "customer": pd.DataFrame(
            {"id": np.arange(customers), "plan": plan, "age": rng.integers(18, 80, customers)}
        ),
        "payment": pd.DataFrame({"id": np.arange(len(owner)), "customer_id": owner, "paid": paid}),
    }


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    """Return a synthesizer that has learned both tables."""
    metadata = Metadata().add_table("customer", "id", reference=False)
    metadata.add_table("payment", "id", fk={"customer_id": "customer.id"})
    made = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return made.fit(tables(), epochs=30, seed=1, progress=False)


def sample(fitted: Synthesizer, conditions: dict[str, Any], seed: int = 2) -> dict[str, Any]:
    return fitted.sample(seed=seed, conditions=conditions)


def test_a_fixed_column_and_what_depends_on_it(fitted: Synthesizer) -> None:
    firms, free = (sample(fitted, {"customer": {"plan": p}}) for p in ("firm", "free"))
    assert set(firms["customer"]["plan"]) == {"firm"}
    assert firms["payment"]["paid"].median() > 350
    assert free["payment"]["paid"].median() < 20


def test_a_number_is_fixed_exactly(fitted: Synthesizer) -> None:
    made = sample(fitted, {"payment": {"paid": 404}})["payment"]
    assert set(made["paid"]) == {404}


def test_other_shares(fitted: Synthesizer) -> None:
    shares = {"firm": 3, "team": 1}
    plans = sample(fitted, {"customer": {"plan": shares}})["customer"]["plan"]
    assert set(plans) == set(shares)
    assert (plans == "firm").mean() == pytest.approx(0.75, abs=0.06)


def test_same_seed_same_rows(fitted: Synthesizer) -> None:
    one, two = (sample(fitted, {"customer": {"plan": {"firm": 1, "free": 1}}}) for _ in range(2))
    for name, rows in one.items():
        pd.testing.assert_frame_equal(rows, two[name])


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"customers": {"plan": "firm"}}, "Did you mean 'customer'"),
        ({"customer": {"plans": "firm"}}, "Did you mean 'plan'"),
        ({"customer": {"plan": "gold"}}, "Known values: 'firm'"),
        ({"customer": {"id": 3}}, "cannot be fixed"),
        ({"customer": {"age": "old"}}, "customer.age hold"),
        ({"customer": {"plan": {"firm": -1}}}, "shares"),
        ({"customer": {"plan": {"firm": 0}}}, "shares"),
    ],
)
def test_what_cannot_be_fixed_is_refused(
    fitted: Synthesizer, conditions: dict[str, Any], words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        sample(fitted, conditions)


def test_a_model_that_draws_whole_rows_is_named() -> None:
    made = Synthesizer(Metadata().add_table("customer", "id", reference=False))
    made.fit({"customer": tables(120)["customer"]}, epochs=1, seed=1, progress=False)
    with pytest.raises(SchemaError, match=r"'ctgan'.*\n?.*autoregressive"):
        sample(made, {"customer": {"plan": "firm"}})
