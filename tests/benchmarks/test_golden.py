"""The golden figures: when one is said to be worse."""

from __future__ import annotations

import pytest

from benchmarks.golden import known, verdict

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("tpch: AUC", [0.60, 0.64], [0.60, 0.64], "same"),
        ("tpch: AUC", [0.60, 0.64], [0.63, 0.66], "within noise"),
        ("tpch: AUC", [0.60, 0.64], [0.67, 0.69], "WORSE"),
        ("tpch: AUC", [0.60, 0.64], [0.50, 0.52], "better"),
        ("tpch: pairs", [0.1], [0.101], "within noise"),
        ("tpch: orphans", [0.0], [0.5], "WORSE"),
        ("clones: mysql differences", [0.0], [1.0], "WORSE"),
        ("tpch: relations", [8.0], [6.0], "WORSE"),
        ("shop: sample speed", [1000.0, 1010.0], [900.0, 910.0], "within noise"),
        ("shop: sample speed", [1000.0, 1010.0], [700.0, 710.0], "WORSE"),
        ("shop: fit MiB", [800.0], [900.0], "WORSE"),
    ],
)
def test_worse_is_more_than_the_seeds_differ(
    name: str, before: list[float], after: list[float], said: str
) -> None:
    assert verdict(name, before, after) == said


def test_what_is_not_known_counts_for_nothing() -> None:
    assert known([NAN, 2.0, 4.0]) == 3.0
    assert known([NAN]) == 0.0
