from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from synthohive.metrics.distances import column_distance
from synthohive.metrics.profile import (
    profile_column,
    profile_distance,
    profile_table,
)
from synthohive.privacy.entities import Entities
from synthohive.schema import Column
from tests.packed import again, shown

RNG = np.random.default_rng(8)


def random_values(kind: str, size: int, shift: float) -> pa.Array:
    if kind == "text":
        return pa.array(
            RNG.choice(["a", "b", "c"], size, p=[0.6 - shift / 4, 0.3, 0.1 + shift / 4])
        )
    if kind == "uuid":
        return pa.array(["x" * int(n) for n in RNG.integers(1, 9 + 4 * shift, size)])
    if kind == "date":
        days = RNG.integers(0, 4000, size) + int(1000 * shift)
        return pa.array(days, pa.int32()).cast(pa.date32())
    if kind == "integer":
        return pa.array(RNG.poisson(3 + shift, size))
    return pa.array(np.where(RNG.random(size) < 0.1, 0.0, RNG.lognormal(shift, 1.0, size)))


@pytest.mark.parametrize("kind", ["text", "uuid", "date", "integer", "float"])
@pytest.mark.parametrize("shift", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("size", [400, 8000])
def test_the_profile_scores_as_the_data_does(kind: str, shift: float, size: int) -> None:
    column = Column(name="c", kind=kind)
    real, made = random_values(kind, size, 0.0), random_values(kind, 5000, shift)
    profile = profile_column(column, real)
    score, exact = profile_distance(profile, made), column_distance(column, real, made)
    assert score.metric == exact.metric
    assert score.value == pytest.approx(exact.value, abs=0.02)
    assert profile_distance(profile, real).value < 1e-9


def test_no_single_value_is_kept() -> None:
    values = pa.array([*np.arange(1000.0), 1e9, -1e9])
    profile = profile_column(Column(name="c", kind="float"), values, k=5)
    assert profile.points.min() + 2e8 >= 0
    assert not np.isin([1e9, -1e9], profile.points).any()
    towns = pa.array(["big"] * 50 + ["village"] * 4)
    text = shown(profile_column(Column(name="c", kind="text"), towns, k=5))
    assert "big" in text
    assert "village" not in text


def test_one_entity_does_not_make_a_crowd() -> None:
    column = Column(name="c", kind="text")
    values = pa.array(["shared"] * 20 + ["mine"] * 20)
    entities = Entities.over(np.array([*range(20), *[99] * 20]))
    assert "mine" in profile_column(column, values).categories
    assert "mine" not in profile_column(column, values, entities).categories
    numbers = pa.array([*np.arange(20.0), *[777.0] * 20])
    kept = profile_column(Column(name="c", kind="float"), numbers, entities)
    assert 777.0 not in kept.points


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_few_rows_give_no_points(rows: int) -> None:
    profile = profile_column(Column(name="c", kind="integer"), pa.array(range(rows), pa.int64()))
    assert len(profile.points) == 0
    assert profile_distance(profile, pa.array([1, None])).nulls == 0.5


def test_rare_categories_compare_as_one() -> None:
    column = Column(name="c", kind="text")
    real = pa.array(["a"] * 90 + ["r1", "r2", "r3"] + [None] * 7)
    profile = profile_column(column, real)
    assert profile_distance(profile, pa.array(["a"] * 90 + ["new"] * 3 + [None] * 7)).value < 1e-9
    assert profile_distance(profile, pa.array(["a"] * 100)).value == pytest.approx(0.1)


def test_a_table_through_json() -> None:
    rows = 200
    data = pa.table(
        {
            "n": RNG.normal(size=rows),
            "g": RNG.choice(["x", "y"], rows),
            "d": [dt.datetime(2020, 1, 1) + dt.timedelta(hours=int(i)) for i in range(rows)],
            "e": pa.nulls(rows, pa.int64()),
        }
    )
    kinds = {"n": "float", "g": "text", "d": "timestamp", "e": "integer"}
    columns = {name: Column(name=name, kind=kind) for name, kind in kinds.items()}
    profile = profile_table(data, columns, Entities(rows), 5)
    read = again(profile)
    assert read.associated == profile.associated == ("n", "g", "d")
    assert np.array_equal(read.associations, profile.associations)
    assert read.score(data) == profile.score(data)
    assert all(score.worst < 1e-9 for score in read.score(data).values())


@pytest.mark.parametrize("kind", ["float", "text"])
def test_what_has_no_value_at_all_has_nothing_in_common(kind: str) -> None:
    values = random_values(kind, 300, 0.0)
    column = Column(name="c", kind=kind)
    profile = profile_column(column, values)
    assert profile_distance(profile, values.slice(0, 0)).value == 1.0
    if kind == "float":
        assert profile_distance(profile, pa.array([float("nan")] * 9)).value == 1.0
        assert profile_distance(profile, pa.nulls(9, pa.float64())).worst == 1.0
