"""Which state the training loop keeps."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Optional

import pytest
import torch
from torch import Tensor, nn

from synthohive.models.base import Memorisation
from synthohive.models.training import Schedule, Trainable, train

LIMIT = 0.1
BEYOND, WITHIN = Memorisation.gap_of(0.5 + LIMIT) * 2, 0.0


class Course(Trainable):
    """A training whose metrics and gaps are known; its state is the number of the epoch."""

    table = "course"

    def __init__(
        self,
        *validations: tuple[float, float],
        starts: Sequence[tuple[float, float]] = (),
        counters: bool = False,
    ) -> None:
        self.state = nn.Linear(1, 1)
        self._set(0.0)
        # the start is usable where it is validated; each but the last of them is retreated from
        self.validations, self.starts, self.usable = validations, list(starts), bool(starts)
        self.epochs, self.countered, self.counters = 0, list[float](), counters

    @property
    def kept(self) -> float:
        return self.state.weight.item()

    def _set(self, epoch: float) -> None:
        nn.init.constant_(self.state.weight, epoch)

    def step(self) -> dict[str, Tensor]:
        self.epochs += 1
        self._set(self.epochs)
        return {"loss": torch.zeros(())}

    def validate(self) -> float:
        metric, self.gap = self.validations[self.epochs - 1] if self.epochs else self.starts[0]
        return metric

    def retreat(self) -> bool:
        del self.starts[0]
        return bool(self.starts)

    def counter(self, best: Mapping[str, Tensor]) -> bool:
        self.countered.append(float(best["weight"]))
        return self.counters

    def run(self, limit: Optional[float] = LIMIT) -> float:
        self.schedule = Schedule(len(self.validations), 1, 1, 100)
        return train(self, None, max_memorisation=limit)


@pytest.mark.parametrize("starts", [[], [(3.0, BEYOND)], [(7.0, WITHIN)]])
def test_with_a_limit_the_first_state_beyond_it_gives_way_to_one_within(
    starts: list[tuple[float, float]],
) -> None:
    course = Course((5.0, BEYOND), (4.0, BEYOND), (6.0, WITHIN), (5.5, BEYOND), starts=starts)
    assert course.run() == 6.0
    assert (course.kept, course.gap) == (3.0, WITHIN)


@pytest.mark.parametrize(("starts", "kept"), [([], 1.0), ([(6.0, BEYOND)], 0.0)])
def test_where_all_states_are_beyond_it_the_first_one_is_left(
    starts: list[tuple[float, float]], kept: float
) -> None:
    course = Course((5.0, BEYOND), (4.0, BEYOND), (3.0, BEYOND), starts=starts)
    assert course.run() == math.inf
    assert (course.kept, course.gap) == (kept, BEYOND)


def test_what_no_step_betters_is_kept_and_left_for_what_knows_less_by_heart() -> None:
    course = Course((5.5, WITHIN), (4.0, BEYOND), starts=[(3.0, BEYOND), (5.0, WITHIN)])
    assert course.run() == 5.0
    assert (course.kept, course.gap) == (0.0, WITHIN)


def test_what_counters_memorising_begins_before_any_step() -> None:
    starts = [(6.0, WITHIN)]
    course = Course((5.0, BEYOND), (4.0, BEYOND), (4.5, WITHIN), starts=starts, counters=True)
    assert course.run() == 4.5
    assert (course.kept, course.countered) == (3.0, [0.0])


def test_without_one_a_state_beyond_the_usual_is_kept_where_it_is_worth_it() -> None:
    course = Course((5.0, BEYOND), (4.97, BEYOND), (4.9, BEYOND), (4.89, WITHIN))
    course.most_gap, course.worth = BEYOND / 2, 0.01
    assert course.run(None) == 4.89
    course = Course((5.0, BEYOND), (4.97, BEYOND), (4.9, BEYOND), (4.89, BEYOND))
    course.most_gap, course.worth = BEYOND / 2, 0.01
    assert course.run(None) == 4.9
    assert course.kept == 3.0


@pytest.mark.parametrize(
    ("validations", "kept"),
    [
        # within the limit, and worse by less than what is asked of a state beyond it
        ([(5.0, WITHIN), (4.0, BEYOND), (4.03, WITHIN)], 3.0),
        ([(5.0, WITHIN), (4.0, BEYOND), (4.05, WITHIN)], 2.0),
        # beyond it, and better in both
        ([(5.0, WITHIN), (4.0, 2 * BEYOND), (3.99, BEYOND)], 3.0),
        ([(5.0, WITHIN), (4.0, BEYOND), (3.99, 2 * BEYOND)], 2.0),
        ([(5.0, WITHIN), (4.99, BEYOND)], 1.0),
    ],
)
def test_what_is_kept_is_weighed_both_ways(
    validations: list[tuple[float, float]], kept: float
) -> None:
    course = Course(*validations)
    course.most_gap, course.worth = Memorisation.gap_of(0.5 + LIMIT), 0.01
    course.run(None)
    assert course.kept == kept


@pytest.mark.parametrize("gaps", [(3 * BEYOND, BEYOND), (BEYOND, 3 * BEYOND)])
def test_a_hard_limit_keeps_no_state_beyond_it_for_being_less_so(gaps: tuple[float, float]) -> None:
    course = Course((5.0, gaps[0]), (4.0, gaps[1]))
    assert course.run() == math.inf


def test_no_process_loads_what_compilers_need() -> None:
    """Which takes 2 s and 66 MB of each that fits, or loads what was fitted."""
    program = """
import sys, tempfile
import numpy as np
from pathlib import Path
from synthohive import Autoregressive, EncodedTable, TableConfig
from synthohive.encoding.encoded import Continuous, Discrete, Layout
layout = Layout((Discrete("a", 3), Discrete("b", 1500, True)), (Continuous("c"),))
codes = np.arange(6000, dtype=np.int32).reshape(3000, 2) % np.array([3, 1500], np.int32)
rows = EncodedTable(layout, codes, np.linspace(-1, 1, 3000, dtype=np.float32)[:, None])
model = Autoregressive(TableConfig(name="t"), epochs=1)
model.fit(rows, rows, seed=np.random.SeedSequence(1))
with tempfile.TemporaryDirectory() as place:
    model.save(Path(place))
    Autoregressive.load(Path(place)).sample(5, rows.take(np.arange(5)))
sys.exit(not {"torch._dynamo", "sympy"}.isdisjoint(sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
