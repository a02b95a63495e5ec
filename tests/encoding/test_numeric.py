"""What numbers and times keep beyond the contract: grids, single values, bounds, shape."""

from __future__ import annotations

import decimal
from datetime import date
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.datetime import Datetime
from synthohive.encoding.numeric import Numeric
from synthohive.encoding.units import grid_of
from synthohive.privacy.entities import Entities
from synthohive.schema import Column
from tests.contracts.column_transform import SEED, stream
from tests.packed import shown

SETTINGS = EncoderSettings(fit_rows=2_000)
ROWS = 3_000


def round_trip(
    column: Column,
    values: pa.Array,
    entities: Optional[Any] = None,
    settings: EncoderSettings = SETTINGS,
) -> tuple[Numeric, pa.Array]:
    kind = Numeric if column.kind.value in ("integer", "decimal", "float") else Datetime
    transform = kind(column, settings)
    transform.fit(transform.analyze(values, entities), SEED)
    codes, floats = transform.encode(values, stream())
    return transform, transform.decode(codes, floats, stream())


def ints(values: Any) -> tuple[Column, pa.Array]:
    return Column(name="n", kind="integer"), pa.array(values)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.normal(100, 15, ROWS),
        lambda rng: np.concatenate([rng.normal(0, 1, ROWS // 2), rng.normal(50, 5, ROWS // 2)]),
        lambda rng: rng.lognormal(2, 1.5, ROWS),
        lambda rng: rng.uniform(-1, 1, ROWS),
    ],
)
def test_distribution_survives(make: Any) -> None:
    values = make(stream())
    _, made = round_trip(Column(name="x", kind="float"), pa.array(values))
    assert ks_2samp(values, made.to_numpy(), method="asymp").statistic < 0.01


def test_infinity_beside_rounded_numbers() -> None:
    """A rate of nothing; to scale it would overflow, and a warning is an error here."""
    values = np.where(np.arange(ROWS) % 50 == 0, np.inf, stream().integers(0, 900, ROWS) / 100)
    _, made = round_trip(Column(name="x", kind="float"), pa.array(values))
    drawn = made.to_numpy()
    assert np.isinf(drawn).mean() == pytest.approx(0.02, abs=0.01)
    finite = drawn[np.isfinite(drawn)]
    assert np.allclose(finite * 100, np.rint(finite * 100))
    assert finite.max() < 9


def test_skewed_numbers_are_fitted_in_log_space() -> None:
    values = stream().lognormal(2, 2, ROWS)
    transform, made = round_trip(Column(name="x", kind="float"), pa.array(values))
    assert transform.modes_.log_shift is not None
    assert np.quantile(made, 0.995) == pytest.approx(np.quantile(values, 0.995), rel=0.1)


@pytest.mark.parametrize(("step", "offset"), [(5, 0), (100, 0), (7, 3)])
def test_grid_of_integers(step: int, offset: int) -> None:
    column, values = ints(stream().integers(0, 500, ROWS) * step + offset)
    _, made = round_trip(column, values)
    assert (made.to_numpy() % step == offset).all()


@pytest.mark.parametrize("unit", [0.5, 0.01, 0.125, 250.0])
def test_grid_of_floats(unit: float) -> None:
    values = stream().integers(1, 4_000, ROWS) * unit
    _, made = round_trip(Column(name="x", kind="float"), pa.array(np.round(values, 3)))
    assert set(np.round(made.to_numpy() / unit, 6) % 1) == {0.0}
    assert (np.round(made.to_numpy(), 3) == made.to_numpy()).all()


def test_values_from_a_list_without_a_grid_stay_on_it() -> None:
    """Also where many are on it, and none is frequent; rare ones do not come back."""
    rng = stream()
    prices = np.unique(rng.integers(100, 100_000, 150)) / 100
    values = np.concatenate([rng.choice(prices, ROWS), rng.uniform(1, 1000, 100).round(2)])
    settings, column = EncoderSettings(max_modes=1), Column(name="x", kind="float")
    transform, made = round_trip(column, pa.array(values), settings=settings)
    assert np.array_equal(made.to_numpy()[:ROWS], values[:ROWS])
    kept = transform.modes_.masses.to_pylist()
    assert set(kept) <= set(prices)
    assert len(kept) > 0.95 * len(prices)
    modes, _ = round_trip(column, pa.array(values))  # for models with one-hot codes
    assert len(modes.modes_.masses) == 0


def test_a_regular_grid_needs_no_list() -> None:
    transform, _ = round_trip(*ints(stream().integers(0, 80, ROWS)))
    assert len(transform.modes_.masses) == 0


def test_point_masses_come_back_exactly() -> None:
    values = stream().normal(1000, 100, ROWS)
    values[::3] = 0.0
    _, made = round_trip(Column(name="x", kind="float"), pa.array(values))
    assert ((made.to_numpy() == 0) == (values == 0)).all()


@pytest.mark.parametrize("share", [3, 200])
def test_open_end_survives_and_leaves_the_scale(share: int) -> None:
    days = stream().integers(18_000, 19_000, ROWS).astype(np.int32)
    end = date(9999, 12, 31)
    days[::share] = (end - date(1970, 1, 1)).days
    values = pa.array(days).view(pa.date32())
    _, made = round_trip(Column(name="until", kind="date"), values)
    back = made.view(pa.int32()).to_numpy()
    ends = days > 20_000
    assert ((back == days[0]) == ends).all()
    assert np.abs(back[~ends].astype(int) - days[~ends]).max() <= 10


def test_open_end_of_timestamps() -> None:
    seconds = stream().integers(18_000, 19_000, ROWS) * 86_400 + stream().integers(
        9 * 3600, 17 * 3600, ROWS
    )
    seconds[::10] = 253_402_300_799
    values = pa.array(seconds * 10**6).view(pa.timestamp("us", tz="UTC"))
    column = Column(name="until", kind="timestamp", timezone=True)
    transform, made = round_trip(column, values)
    assert len(transform.layout.continuous) == 2  # a day, and a time of day
    back = made.view("int64").to_numpy() // 10**6
    assert (back[::10] == seconds[0]).all()
    usual = np.arange(ROWS) % 10 != 0
    hours = back[usual] % 86_400 / 3600
    assert (hours >= 9).all()
    assert (hours < 17.1).all()


def test_whole_minutes_stay_whole() -> None:
    values = pa.array(stream().integers(0, 10**6, ROWS) * 60 * 10**6).view(pa.timestamp("us"))
    transform, made = round_trip(Column(name="at", kind="timestamp"), values)
    assert (made.view("int64").to_numpy() % (60 * 10**6) == 0).all()
    assert len(transform.layout.continuous) == 1  # no pattern in the time of day


def test_int64_extremes() -> None:
    top = 2**63 - 1
    values = [top] * 30 + [-top] * 30 + stream().integers(2**53, top, 200).tolist()
    column, array = ints(values)
    _, made = round_trip(column, array)
    assert made[:60].to_pylist() == values[:60]
    assert min(made[60:].to_pylist()) > 2**53 // 2


def test_decimal_of_38_digits() -> None:
    top = Decimal(10**38 - 1)
    column = Column(name="d", kind="decimal", precision=38, scale=0)
    values = [top] * 40 + [Decimal(int(d) * 10**19) for d in stream().integers(1, 10**18, 300)]
    array = pa.array(values, type=column.arrow_type)
    _, made = round_trip(column, array)
    made.validate(full=True)
    assert made[:40].to_pylist() == [top] * 40
    assert float(np.mean([float(v) for v in made[40:].to_pylist()])) == pytest.approx(
        float(np.mean([float(v) for v in values[40:]])), rel=0.02
    )


def test_extremes_of_one_entity_do_not_set_the_bounds() -> None:
    values = np.concatenate([stream().integers(0, 1_000, ROWS), 10**6 + np.arange(500)])
    entities = Entities.over(np.concatenate([np.arange(ROWS), np.full(500, ROWS)]))
    column, array = ints(values)
    _, made = round_trip(column, array, entities)
    assert made.to_numpy().max() < 1_000


def test_few_entities_tell_only_the_order_of_magnitude() -> None:
    column, array = ints([123_457, 234_567])
    transform, made = round_trip(column, array)
    assert "123457" not in shown(transform)
    assert ((made.to_numpy() >= 100_000) & (made.to_numpy() <= 300_000)).all()


def test_no_overflow_near_the_type_limits() -> None:
    for name in ("int8", "uint8", "int16", "int64", "uint64"):
        info = np.iinfo(name)
        values = pa.array([info.min] * 3 + [info.max] * 3, type=pa.from_numpy_dtype(name))
        column = Column(name="n", kind="integer", arrow=name)
        _, made = round_trip(column, values, Entities.over(np.zeros(6)))
        assert made.type == values.type


def test_a_few_midnights_are_a_grid_and_a_few_weeks_are_none() -> None:
    second = 10**6
    natural = (86_400 * second, 3600 * second, 60 * second, second, 1)
    day = 19_000 * 86_400 * second
    assert grid_of(np.array([day, day + 5 * natural[0]]), natural) == (natural[0], 0)
    assert grid_of(np.array([day + second, day + 7 * second]), natural)[0] == second
    assert grid_of(np.array([19_000, 19_007, 19_021]), (7, 1)) == (1, 0)
    assert grid_of(np.arange(19_000, 19_070, 7), (7, 1))[0] == 7


def test_few_values_are_not_all_one() -> None:
    """Of 13 values, what k = 5 leave on both sides is the same: bounds would meet there."""
    days = np.random.default_rng(0).integers(6_800, 8_900, 13)
    _, made = round_trip(Column(name="day", kind="date"), pa.array(days.astype("M8[D]")))
    drawn = made.cast(pa.int32()).to_numpy()
    assert drawn.max() - drawn.min() >= 0.5 * np.subtract(*np.quantile(days, [0.75, 0.25]))
    assert {drawn.max(), drawn.min()}.isdisjoint(days.tolist())


@pytest.mark.parametrize(
    ("type_", "first"),
    [
        (pa.uint64(), 2**63 + 7),
        (pa.uint64(), 2**64 - 1 - 5 * ROWS),
        (pa.decimal128(38, 0), 2**100),
        (pa.decimal128(38, 3), -(10**37)),
        (pa.decimal256(70, 2), 10**69),
    ],
)
def test_large_numbers_that_lie_near_one_another_keep_their_last_digits(
    type_: pa.DataType, first: int
) -> None:
    scale = getattr(type_, "scale", 0)
    digits = [first + 5 * i for i in range(ROWS)]
    kind = "integer" if type_ == pa.uint64() else "decimal"
    with decimal.localcontext() as context:
        context.prec = 80
        real = [n if kind == "integer" else Decimal(n).scaleb(-scale) for n in digits]
        column = Column(name="n", kind=kind, arrow=str(type_))
        transform, made = round_trip(column, pa.array(real, type_))
        got = [int(v) if kind == "integer" else int(v.scaleb(scale)) for v in made.to_pylist()]
    assert min(digits) <= min(got) <= max(got) <= max(digits)
    assert len(set(got)) > ROWS / 3
    assert {n % 5 for n in got} == {first % 5}
    assert transform.modes_.units.base % 2**61 == 0
