"""Numbers of children go together, and with what the parent is, and keep their distribution."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive.link.joint_degrees import JointCounts
from synthohive.privacy.entities import Entities
from synthohive.tables.degrees import FanOutModel
from tests.packed import again, shown


def accounts(seed: int) -> tuple[pa.Table, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    firm = rng.random(1_500) < 0.2
    activity = rng.gamma(0.7, size=1_500) * np.where(firm, 3.0, 1.0)
    rows = pa.table({"visits": np.round(10 * activity), "kind": np.where(firm, "firm", "person")})
    return rows, {"orders": rng.poisson(3 * activity), "returns": rng.poisson(activity)}


def fan_outs(counts: dict[str, np.ndarray]) -> dict[str, FanOutModel]:
    return {
        name: FanOutModel.fit(dict(zip(*np.unique(found, return_counts=True))), k=1)
        for name, found in counts.items()
    }


def correlations(rows: pa.Table, counts: dict[str, np.ndarray]) -> np.ndarray:
    columns = [rows["visits"].to_numpy(), counts["orders"], counts["returns"]]
    return np.corrcoef(columns)[np.triu_indices(3, 1)]


def made(joint: JointCounts, rows: pa.Table, models: dict[str, FanOutModel]) -> dict:
    """Return the counts of preferences that know nothing, once adjusted."""
    rng = np.random.default_rng(5)
    preferences = {name: rng.random(len(rows)) for name in models}
    found = joint.adjust(rows, preferences, models, rng)
    return {n: models[n].counts(len(rows), None, found[n], rng) for n in models}


def test_counts_go_together_also_in_the_tail() -> None:
    rows, counts = accounts(1)
    joint, models = JointCounts.fit(rows, counts, Entities(len(rows)), 5), fan_outs(counts)
    other, _ = accounts(2)
    found = made(joint, other, models)
    assert np.allclose(correlations(other, found), correlations(rows, counts), atol=0.05)
    for name, numbers in found.items():
        assert np.array_equal(np.sort(numbers), np.sort(counts[name]))


def test_a_few_parents_are_fewer_than_the_parts_of_what_was_learned() -> None:
    rows, counts = accounts(1)
    joint, models = JointCounts.fit(rows, counts, Entities(len(rows)), 5), fan_outs(counts)
    for few in (1, 2, 3, 5):
        for start in range(0, 60, few):
            found = made(joint, rows.slice(start, few), models)
            assert all(len(numbers) == few for numbers in found.values())


def test_counts_that_depend_on_nothing_are_left_alone() -> None:
    rows, counts = accounts(1)
    rng = np.random.default_rng(3)
    counts = {name: rng.permutation(found) for name, found in counts.items()}
    joint = JointCounts.fit(rows, counts, Entities(len(rows)), 5)
    assert joint == JointCounts()
    preferences = {"orders": rng.random(len(rows))}
    assert joint.adjust(rows, preferences, fan_outs(counts), rng) == preferences


def contracts(seed: int) -> tuple[pa.Table, np.ndarray]:
    """Return contracts and their numbers of payments, which follow from no single column."""
    rng = np.random.default_rng(seed)
    start, length = rng.integers(0, 600, 1_500), rng.choice([30, 90, 365], 1_500)
    return pa.table({"start": start, "end": start + length}), 1 + length // 60


def test_what_a_model_knows_better_is_left_alone() -> None:
    rows, payments = contracts(1)
    joint = JointCounts.fit(rows, {"payments": payments}, Entities(len(rows)), 5)
    assert joint.models
    other, known = contracts(2)
    preferences = {"payments": known.astype(float)}
    models = fan_outs({"payments": payments})
    found = joint.adjust(other, preferences, models, np.random.default_rng(3))
    assert np.array_equal(found["payments"], known)


def test_preferences_are_no_less_than_zero_and_survive_a_checkpoint() -> None:
    rows, counts = accounts(1)
    joint = JointCounts.fit(rows, counts, Entities(len(rows)), 5)
    loaded = again(joint)
    assert loaded == joint
    assert joint.columns == ["visits"]  # beside these, the kind tells nothing
    rng = np.random.default_rng(4)
    found = joint.adjust(rows, {"orders": rng.random(len(rows))}, fan_outs(counts), rng)
    assert found["orders"].min() >= 0


def test_no_rare_text_is_kept() -> None:
    rows, counts = accounts(1)
    kinds = rows["kind"].to_pylist()
    order = np.argsort(-counts["orders"])
    for row in order[:4]:
        kinds[row] = "secret"
    rows = rows.set_column(1, "kind", pa.array(kinds))
    assert "secret" not in shown(JointCounts.fit(rows, counts, Entities(len(rows)), 5))
    entities = Entities.over(np.r_[np.zeros(300), np.arange(1_200)])
    kinds[:300] = ["heavy"] * 300  # of one entity
    rows = rows.set_column(1, "kind", pa.array(kinds))
    assert "heavy" not in shown(JointCounts.fit(rows, counts, entities, 5))


def careers(seed: int) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """Return careers of all times, and their seasons; one in ten has not ended."""
    rng = np.random.default_rng(seed)
    first, years = rng.integers(1900, 2020, 800), rng.geometric(0.25, 800)
    last = np.minimum(first + years - 1, 2020)
    seasons = last - first + 1
    missed = rng.random(800) < 0.05
    open_ = last == 2020
    rows = {
        "debut": pa.array([f"{y}-05-01" for y in first]).cast(pa.date32()),
        "last_year": pa.array(last, mask=open_),
        "height": rng.normal(180, 8, 800),
    }
    return pa.table(rows), {"seasons": np.maximum(seasons - missed, 1)}


def test_numbers_follow_from_how_long_something_lasts() -> None:
    rows, counts = careers(1)
    joint = JointCounts.fit(rows, counts, Entities(len(rows)), 5)
    assert joint.columns == ["debut", "last_year"]
    other, known = careers(2)
    found = made(joint, other, fan_outs(counts))["seasons"]
    assert np.corrcoef(found, known["seasons"])[0, 1] > 0.9
