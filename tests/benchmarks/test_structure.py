"""The scores of series and of safety, and what is left out of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scores import with_columns
from benchmarks.shapes import STRUCTURES
from benchmarks.structure import safety, structure_score, without


def test_a_panel_whose_teams_are_dealt_anew() -> None:
    shape = STRUCTURES["panel_players"]
    real, other = shape.tables(1, 700), shape.tables(2, 700)
    metadata = with_columns(shape.metadata(real), real)
    rows, rng = other["appearances"], np.random.default_rng(1)
    dealt = rows.column("team").take(rng.permutation(len(rows)))
    lost = {**other, "appearances": rows.set_column(2, "team", dealt)}
    withheld = {"appearances": {"team": 0.9, "games": 0.01}}
    score = structure_score(metadata, real, lost, withheld)
    (series,) = score.series.values()
    assert (series.order, series.within) == ("year", ("team", "position"))
    assert series.repeats > 0
    assert series.entities[1] > series.entities[0] + 0.5
    assert set(score.hops) == {0, 1}
    assert score.mixes["players"] > score.allowed["players"]["children"]
    left, (bare,) = without(metadata, withheld, real)
    assert list(left.tables["appearances"].columns) == bare["appearances"].column_names
    assert "team" not in bare["appearances"].column_names
    assert "games" in bare["appearances"].column_names


def test_copies_and_impossible_values_stand_beside_the_scores() -> None:
    shape = STRUCTURES["small_patients"]
    real, other, third = (shape.tables(seed, 300) for seed in (1, 2, 3))
    metadata = with_columns(shape.metadata(real), real)
    copy, fresh = (safety(metadata, real, made, other)["patients"] for made in (third, real))
    assert copy.copies == copy.usual == 0.0
    assert copy.nearer == pytest.approx(0.5, abs=0.1)
    assert 0.9 < copy.validity < 1.0
    assert "beyond the real range" in copy.worst
    assert fresh.validity == 1.0
    turned = {"patients": real["patients"].slice(1)}  # learned rows, but not the same table
    assert safety(metadata, real, turned, other)["patients"].nearer == 1.0
