"""Learning with differential privacy: what is asked, bounded, accounted, refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive import ColumnKind, Gate, Metadata, PrivacyConfig, Synthesizer
from synthohive.exceptions import PrivacyError, SchemaError
from synthohive.learn.private.budget import Budget, Noise
from synthohive.learn.private.counting import Asked, bounded_counts, onto_simplex
from synthohive.learn.private.joint import Edge, Joint
from synthohive.learn.private.ranges import find_values
from synthohive.schema import Column

DP = {"epsilon": 3.0, "delta": 1e-5, "unit": "customers"}
CANARY = "xq-canary-7"


def _tables(units: int = 400) -> dict[str, pa.Table]:
    rng = np.random.default_rng(0)
    owner = np.sort(rng.integers(1, units + 1, 3 * units))
    amount = rng.gamma(2, 20 * (1 + owner % 2)).round(2)
    amount[0] = 987654.25  # a single unit's
    colour = np.where(owner % 2, "red", "blue").astype(object)
    colour[0] = CANARY
    return {
        "countries": pa.table({"code": ["DE", "FR"], "country": ["Germany", "France"]}),
        "customers": pa.table(
            {
                "id": np.arange(1, units + 1),
                "email": [f"{CANARY}{n}@mail.example" for n in range(units)],
                "age": rng.integers(18, 80, units),
                "country": np.where(np.arange(units) % 4, "DE", "FR"),
            }
        ),
        "orders": pa.table(
            {
                "id": np.arange(len(owner)),
                "customer_id": owner,
                "amount": amount,
                "colour": pa.array(colour.tolist()),
                "day": pa.array(
                    (19_000 + rng.integers(0, 365, len(owner))).tolist(), pa.int32()
                ).cast(pa.date32()),
            }
        ),
    }


def _metadata() -> Metadata:
    return (
        Metadata()
        .add_table("countries", "code")
        .add_table("customers", "id", fk={"country": "countries.code"})
        .add_table("orders", "id", fk={"customer_id": "customers.id"})
    )


def _fit(tables: dict[str, pa.Table], **privacy: Any) -> Synthesizer:
    config = PrivacyConfig(**{**DP, "public": ["countries"], "noise_seed": 1, **privacy})
    synth = Synthesizer(_metadata(), config, model="autoregressive")
    return synth.fit(tables, seed=1, epochs=1, n_jobs=1, progress=False)


@pytest.mark.slow
def test_three_tables_are_learned_from_questions_that_the_ledger_lists(tmp_path: Path) -> None:
    real = _tables()
    synth = _fit(real)
    ledger = synth.privacy_ledger
    assert ledger is not None
    assert 2.9 < ledger.spent <= ledger.epsilon
    asked = {(entry.table, entry.question) for entry in ledger.entries}
    assert {
        ("customers", "how many units there are"),
        ("orders", "how many units have each value"),
    } < asked
    assert {entry.table for entry in ledger.entries} == {"customers", "orders"}
    assert len(ledger.frame()) == len(ledger.entries)
    assert "countries" in str(ledger)

    again = Synthesizer.load(synth.save(tmp_path / "kept"))
    assert again.privacy_ledger == ledger
    assert again.fitted_ is not None
    assert again.fitted_.privacy.noise_seed is None
    made = again.sample(seed=2, output_format="arrow")
    assert abs(len(made["customers"]) - 400) < 60
    assert abs(len(made["orders"]) - 1200) < 300
    assert set(made["customers"]["country"].to_pylist()) == {"DE", "FR"}
    assert made["countries"].equals(real["countries"])
    assert set(made["orders"]["colour"].to_pylist()) - {None} == {"red", "blue"}
    ages = made["customers"]["age"].to_numpy()
    assert 14 < np.quantile(ages, 0.02) < np.quantile(ages, 0.98) < 90
    report = synth.report(tmp_path / "report.html", seed=1)
    assert report.provenance is not None
    assert report.provenance.ledger == str(ledger)
    assert report.provenance.promise is None  # the noise came from a seed
    with pytest.raises(SchemaError, match="privacy_ledger"):
        synth.privacy_report()
    assert "Differential privacy: epsilon 3" in (tmp_path / "report.html").read_text("utf-8")
    # what one unit has is nowhere
    assert made["orders"]["amount"].to_numpy().max() < 50_000
    assert not any(CANARY in str(table.to_pylist()) for table in made.values())
    kept = b"".join(p.read_bytes() for p in (tmp_path / "kept").rglob("*") if p.is_file())
    assert CANARY.encode() not in kept
    assert b"987654" not in kept


@pytest.mark.parametrize("rows", [1, 3, 40])
def test_no_unit_changes_bounded_counts_by_more_than_the_bound(rows: int) -> None:
    rng = np.random.default_rng(rows)
    units = np.repeat(np.arange(30), rng.integers(1, rows + 1, 30))
    codes = [rng.integers(-1, size, len(units)) for size in (3, 5, 7)]
    bound = 2.0
    whole = np.concatenate(bounded_counts(units, codes, [3, 5, 7], bound))
    for unit in range(30):
        left = units != unit
        less = bounded_counts(units[left], [code[left] for code in codes], [3, 5, 7], bound)
        assert np.linalg.norm(whole - np.concatenate(less)) <= bound * (1 + 1e-9)


def test_values_of_one_unit_are_never_found() -> None:
    budget = Budget(PrivacyConfig(**DP, noise_seed=3), thresholds=1)
    units = np.repeat(np.arange(500), 2)
    texts = np.where(np.arange(1000) % 2, "often", "also").astype(object)
    texts[units == 7] = ["only", "here"]
    rows = pa.table({"text": texts.tolist()})
    column = Column(name="text", kind=ColumnKind.TEXT)
    found = find_values(Asked(budget, "t", units), rows, [column], {}, 0.5)["text"]
    assert found.values.to_pylist() == ["also", "often"]
    assert budget.close().entries[0].delta == pytest.approx(0.5e-5)


def test_more_than_the_budget_is_refused() -> None:
    budget = Budget(PrivacyConfig(**DP), thresholds=0)
    parts = [np.zeros(4), np.zeros((2, 2))]
    noisy, sigma = budget.ask(parts, 2.0, 0.9, "t", ("a",), "first")
    assert [part.shape for part in noisy] == [(4,), (2, 2)]
    assert sigma > 2.0
    with pytest.raises(PrivacyError, match="More was to be asked"):
        budget.ask(parts, 2.0, 0.2, "t", ("a",), "second")
    assert budget.close().spent < 3.0


def test_noise_is_normal_and_unforeseen() -> None:
    numbers = Noise().normal((40_000,))
    assert abs(numbers.mean()) < 0.03
    assert abs(numbers.std() - 1) < 0.03
    assert abs((numbers**4).mean() - 3) < 0.3
    assert not np.array_equal(Noise().normal((9,)), Noise().normal((9,)))
    assert np.array_equal(Noise(5).normal((9,)), Noise(5).normal((9,)))


def test_shares_are_none_below_zero_and_add_up() -> None:
    shares = onto_simplex(np.array([10.0, -3.0, 5.0, 0.1]))
    assert shares.min() == 0
    assert shares.sum() == pytest.approx(1)
    assert onto_simplex(np.array([-1.0, -2.0])).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epsilon": 1.0}, "epsilon, delta and unit belong together"),
        ({"public": ["a"]}, "public and noise_seed need epsilon"),
        ({**DP, "epsilon": -1}, "epsilon"),
    ],
)
def test_promises_that_are_none_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        PrivacyConfig(**change)


def test_what_is_not_private_is_refused_all_at_once() -> None:
    metadata = _metadata().add_table(
        "gifts", "id", fk={"giver": "customers.id", "taker": "customers.id"}
    )
    metadata.add_table("alone", "id")
    metadata.tables["orders"].relations = ["amount >= 0"]
    tables = {
        **_tables(20),
        "gifts": pa.table({"id": [1], "giver": [1], "taker": [2], "photo": [b"x"]}),
        "alone": pa.table({"id": [1]}),
    }
    config = PrivacyConfig(**DP, max_memorisation=0.1)
    synth = Synthesizer(metadata, config, model="tvae")
    with pytest.raises(PrivacyError) as refused:
        synth.fit(tables, epochs=1, progress=False, sampling_strategy="stratified", validate=True)
    for said in (
        "model 'tvae'",
        "sampling_strategy",
        "validate=True",
        "max_memorisation",
        "public=['countries']",
        "public=['alone']",
        "lets a row belong to two units",
        "gifts.photo is binary",
        "relations stated of table 'orders'",
    ):
        assert said in str(refused.value)
    assert synth.fitted_ is None


def test_a_scale_of_one_place_is_drawn_beside_others() -> None:
    rng = np.random.default_rng(0)
    singles = {"long": np.full(4, 0.25), "point": np.array([0.7, 0.3])}  # the last one is NULL
    joint = Joint(singles, {"long": 4, "point": 1}, [Edge("point", "long", np.full((4, 2), 0.5))])
    joint.scales, joint.correlations = ["long"], np.eye(1)
    drawn = joint.draw(500, ["long", "point"], {}, rng)
    assert 200 < drawn["point"].codes.sum() < 300


def test_public_rows_do_not_lead_to_units() -> None:
    metadata = _metadata().add_table("reviews", "id", fk={"customer_id": "customers.id"})
    tables = {**_tables(20), "reviews": pa.table({"id": [1], "customer_id": [1]})}
    config = PrivacyConfig(**DP, public=["countries", "reviews"])
    synth = Synthesizer(metadata, config, model="autoregressive")
    with pytest.raises(PrivacyError, match=r"reviews.* is public, but .* leads to rows of units"):
        synth.fit(tables, epochs=1, progress=False)


def test_no_limit_asks_the_real_rows_anew() -> None:
    metadata = Metadata().add_table("customers", "id")
    synth = Synthesizer(metadata, PrivacyConfig(**DP), model="autoregressive")
    rows = _tables(40)["customers"].select(["id", "age"])
    synth.fit({"customers": rows}, epochs=1, progress=False, seed=1)
    with pytest.raises(PrivacyError, match="classifier, copies ask the real rows anew"):
        synth.sample(quality_threshold=Gate(copies=1.0, classifier=1.0))
    synth.sample(quality_threshold=Gate(distance=1.0, orphans=0))


def test_a_unit_that_is_no_table_is_refused() -> None:
    synth = Synthesizer(_metadata(), PrivacyConfig(**{**DP, "unit": "customer"}),
                        model="autoregressive")  # fmt: skip
    with pytest.raises(SchemaError, match="customers"):
        synth.fit(_tables(20), progress=False)
