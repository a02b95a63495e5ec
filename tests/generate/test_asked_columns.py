"""Tests of the nearest values that parents have."""

import datetime as dt

import pyarrow as pa
import pytest

from synthohive.generate.asked_columns import nearest


@pytest.mark.parametrize(
    ("own", "there", "expected"),
    [
        ([1990, 1992, 1993, 2050, 1800], [1990, 1994, 2000], [1990, 1990, 1994, 2000, 1990]),
        ([5, 7], [6], [6, 6]),
        (
            [dt.date(2020, 1, 3), dt.date(2020, 1, 4)],
            [dt.date(2020, 1, 1), dt.date(2020, 1, 5)],
            [dt.date(2020, 1, 1), dt.date(2020, 1, 5)],
        ),
    ],
)
def test_nearest_is_the_earlier_of_two(
    own: list[object], there: list[object], expected: list[object]
) -> None:
    """Values that parents have stay; beyond all of them, it is the last."""
    values = pa.array(there)
    assert nearest(pa.array(own, values.type), values).to_pylist() == expected
