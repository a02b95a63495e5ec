"""Columns that are learned as several: shapes, parts, NULLs, protected ends, states."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.parts import Parts
from synthohive.encoding.registry import fit_column
from synthohive.schema import Column
from tests.packed import again, shown

DAY = datetime.date(2024, 1, 1)
ROWS = 300


def days(i: int) -> str:
    lower = DAY + datetime.timedelta(days=i % 90)
    if i % 10 == 0:
        return f"[{lower},)"
    return f"[{lower},{lower + datetime.timedelta(days=1 + i % 7)})"


TEXTS: dict[str, list[Any]] = {
    "daterange": [days(i) if i % 4 else None for i in range(ROWS)],
    "int4range": [f"[{i},{i + 2 + i % 5})" if i % 4 else None for i in range(ROWS)],
    "numrange": [f"[{i / 4},{i / 4 + 2.5}]" if i % 4 else None for i in range(ROWS)],
    "tstzrange": [
        f'["2024-01-01 {i % 24:02}:00:00+00","2024-01-02 {i % 24:02}:30:00+00")' if i % 4 else None
        for i in range(ROWS)
    ],
    "tsrange": [
        f'["2024-01-01 {i % 24:02}:00:00.5",infinity)' if i % 4 else None for i in range(ROWS)
    ],
    "point": [f"({i % 40 / 2},{-i % 30})" if i % 4 else None for i in range(ROWS)],
    "geometry(Point,4326)": [
        f"SRID=4326;POINT({i % 40 / 2} {i % 30})" if i % 4 else None for i in range(ROWS)
    ],
}


def made(type_: str, *, k: int = 5) -> tuple[list[Any], Parts]:
    kind = "range" if type_.endswith("range") else "point"
    column = Column(name="x", kind=kind, sql_type=type_)
    values = pa.array(TEXTS[type_], pa.string())
    fitted = fit_column(column, EncoderSettings(k=k), values, None, np.random.SeedSequence(1))
    assert isinstance(fitted, Parts)
    codes, floats = fitted.encode(values, np.random.default_rng(1))
    both = (fitted, again(fitted))
    first, second = (t.decode(codes, floats, np.random.default_rng(2)) for t in both)
    assert first.equals(second)
    return first.to_pylist(), fitted


@pytest.mark.parametrize("type_", list(TEXTS))
def test_shapes_and_nulls_come_back(type_: str) -> None:
    found, fitted = made(type_)
    shapes = [
        [None if text is None else fitted._structure.split(text)[0] for text in texts]  # type: ignore[index]
        for texts in (TEXTS[type_], found)
    ]
    assert shapes[0] == shapes[1]


def test_no_range_ends_before_it_begins_whatever_the_model_draws() -> None:
    for type_ in ("daterange", "int4range", "numrange", "tstzrange"):
        fitted = made(type_)[1]
        rng = np.random.default_rng(3)
        codes = np.stack([rng.integers(0, b.cardinality, 500) for b in fitted.layout.discrete], 1)
        floats = rng.uniform(-1, 1, (500, len(fitted.layout.continuous)))
        texts = fitted.decode(codes.astype(np.int32), floats.astype(np.float32), rng).to_pylist()
        for text in filter(None, texts):
            _, parts = fitted._structure.split(text)  # type: ignore[misc]
            width = parts.get("width")
            assert width is None or width >= type(width)(0), text
            if type_ == "daterange" and "lower" in parts:
                assert DAY <= parts["lower"] <= DAY + datetime.timedelta(days=90)


def test_a_rare_shape_and_a_rare_place_are_not_shown() -> None:
    column = Column(name="x", kind="point", sql_type="geometry(Point,4326)")
    common = [f"SRID=4326;POINT({i % 9} {i % 5})" for i in range(100)]
    values = pa.array([*common, "SRID=31467;POINT(77 99)"])
    fitted = fit_column(column, EncoderSettings(k=5), values, None, np.random.SeedSequence(1))
    codes, floats = fitted.encode(values, np.random.default_rng(1))
    text = str(fitted.decode(codes, floats, np.random.default_rng(1)).to_pylist())
    assert "31467" not in text
    assert "77" not in text
    assert "99" not in text
    assert "31467" not in shown(fitted)
