"""Levels of series: what is told of them beforehand, and rows around them."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa
import pytest

from synthohive.derive.base import as_column
from synthohive.derive.columns import Chosen, Columns
from synthohive.derive.expected import Expected, find_expected
from synthohive.derive.level import levels_of
from synthohive.derive.series_level import (
    SeriesLevel,
    find_series_levels,
    share_between,
)
from synthohive.privacy.entities import Entities
from synthohive.tables.ancestors import with_column
from synthohive.tables.roles import level_column

LEVEL = level_column("sales")


def series(rows: pa.Table, entities: Optional[Entities] = None) -> Optional[SeriesLevel]:
    chosen = Chosen(Columns(rows, ["sales"], entities))
    find_series_levels(chosen.columns, chosen)
    found = chosen.derivations.get("sales")
    assert found is None or isinstance(found, SeriesLevel)
    return found


def expected(rows: pa.Table) -> Optional[Expected]:
    chosen = Chosen(Columns(rows, ["dept", LEVEL]))
    find_expected(chosen.columns, chosen)
    found = chosen.derivations.get(LEVEL)
    assert found is None or isinstance(found, Expected)
    return found


def departments(seed: int = 1, noise: float = 0.05) -> pa.Table:
    """Departments of 30 stores; what they sell goes with the department and the store's area."""
    rng = np.random.default_rng(seed)
    store, dept = (grid.ravel() for grid in np.meshgrid(np.arange(30), np.arange(12)))
    area, dear = np.round(rng.gamma(8, 20, 30)), rng.normal(size=12)
    level = 100 * area[store] * np.exp(dear[dept] + noise * rng.normal(size=len(store)))
    return pa.table({"dept": dept, LEVEL: level, "stores.area": area[store]})


def test_levels_are_the_means_of_the_middle_halves() -> None:
    numbers = np.array([4.0, np.nan, 1.0, 2.0, 900.0, 3.0, 7.0, np.nan])
    codes = np.array([0, 0, 0, 0, 0, -1, 1, 2])
    assert levels_of(numbers, codes).tolist() == [3.0, 7.0, 5.0]
    assert levels_of(np.full(2, np.nan), np.array([0, 1])).tolist() == [0.0, 0.0]


def test_how_much_lies_between_series() -> None:
    rng, codes = np.random.default_rng(1), np.repeat(np.arange(50), 10)
    apart = codes + 0.1 * rng.normal(size=500)
    assert share_between(apart, codes) > 0.95
    assert abs(share_between(rng.normal(size=500), codes)) < 0.1
    assert abs(share_between(rng.normal(size=100), np.repeat(np.arange(50), 2))) < 0.3


@pytest.mark.parametrize("ratio", [True, False])
def test_rows_are_ratios_to_levels_that_they_spread_with(ratio: bool) -> None:
    rng = np.random.default_rng(2)
    level = np.repeat(np.exp(rng.normal(5, 1, 40)), 12)
    noise = rng.normal(size=480)
    sales = level * (1 + 0.1 * noise) if ratio else level + noise
    sales[5] = np.nan
    rows = pa.table({"sales": pa.array(np.round(sales, 2), mask=np.isnan(sales))})
    rows = rows.append_column(f"parent.{LEVEL}", pa.array(level))
    found = series(rows)
    assert found is not None
    assert found.ratio == ratio
    rest = found.encode(rows)
    again = as_column(found.decode(with_column(rows, "sales", rest)), pa.float64())
    inside = [v is not None and found.low <= v <= found.high for v in rows["sales"].to_pylist()]
    np.testing.assert_allclose(again.filter(pa.array(inside)), rows["sales"].filter(inside))
    assert not again[5].is_valid
    assert series(rows.rename_columns(["sales", f"parent.{level_column('other')}"])) is None


def test_an_additive_model_tells_levels_beforehand() -> None:
    rows = departments()
    found = expected(rows)
    assert found is not None
    assert set(found.sources) == {"dept", "stores.area"}
    rest = np.asarray(found.encode(rows))
    spread = np.log(rows[LEVEL].to_numpy()).std()
    assert rest.std() < 0.1 * spread
    again = found.decode(with_column(rows, LEVEL, pa.array(rest)))
    inside = (rows[LEVEL].to_numpy() >= found.low) & (rows[LEVEL].to_numpy() <= found.high)
    np.testing.assert_allclose(again[inside], rows[LEVEL].to_numpy()[inside])
    other = departments(noise=0.0).slice(0, 40).append_column("x", pa.nulls(40))
    assert np.isfinite(found.encode(other.set_column(0, "dept", pa.array([99] * 40)))).all()
    assert expected(departments(noise=50.0)) is None


def test_effects_are_of_categories_that_enough_entities_share() -> None:
    rows = departments()
    dept = rows["dept"].to_numpy().copy()
    dept[:3] = 77
    found = expected(rows.set_column(0, "dept", pa.array(dept)))
    assert found is not None
    shown = {value for part in found.parts for value in part.values}
    assert 77 not in shown
    assert set(range(12)) <= shown


def test_a_single_entity_leaves_no_mark_on_the_model() -> None:
    rows = departments()
    area, level = (rows[name].to_numpy().copy() for name in ("stores.area", LEVEL))
    area[3], level[3] = 1e9, 1e12
    rows = with_column(with_column(rows, "stores.area", pa.array(area)), LEVEL, pa.array(level))
    marked, plain = expected(rows), expected(departments())
    assert marked is not None
    assert plain is not None
    assert abs(marked.usual - plain.usual) < 0.1
    for part, usual in zip(marked.parts, plain.parts):
        assert abs(part.centre - usual.centre) <= 0.05 * abs(usual.centre)
        assert abs(part.scale - usual.scale) <= 0.05 * abs(usual.scale)
