"""Points in time go through numbers and come back, whatever their unit."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from synthohive.tables.numbers import as_numbers, from_numbers, step_of

UNITS = ("s", "ms", "us", "ns")  # pandas 2 has all in "ns"
DAYS = [datetime(1970, 1, 1) + timedelta(days=137 * i) for i in range(700)]  # up to 2232


@pytest.mark.parametrize("unit", UNITS)
def test_whole_days_stay_so(unit: str) -> None:
    days = pa.chunked_array([pa.array([*DAYS, None], pa.timestamp(unit))])
    assert from_numbers(as_numbers(days), days.type).equals(days.combine_chunks())
    assert step_of(days) == 86_400.0


@pytest.mark.parametrize("unit", UNITS[1:])
def test_milliseconds_stay_so(unit: str) -> None:
    moments = [day + timedelta(milliseconds=61 * i) for i, day in enumerate(DAYS)]
    column = pa.chunked_array([pa.array(moments, pa.timestamp(unit))])
    assert from_numbers(as_numbers(column), column.type).equals(column.combine_chunks())


def test_whole_numbers_up_to_the_end_of_int64_are_not_cut() -> None:
    values = pa.chunked_array([pa.array([2**62 + 2**20, -(2**62) - 2**20])])
    assert from_numbers(as_numbers(values), pa.int64()).equals(values.combine_chunks())
