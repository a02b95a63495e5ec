"""An attack on differential privacy: planted units, each there or not by a coin.

As Steinke et al., "Privacy auditing with one (1) training run" (2023): whoever may know everything
but the coins guesses them from what one run gives. More right guesses than epsilon allows disprove
the promise.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from synthohive import Column, ColumnKind, Metadata, PrivacyConfig
from synthohive._arrays import Bools, Floats
from synthohive.io.dataframe import FrameReader
from synthohive.learn.options import FitOptions
from synthohive.learn.private.budget import Budget
from synthohive.learn.private.counting import bounded_counts
from synthohive.learn.private.source import private_source
from synthohive.models import resolve_model

CANARIES, ROWS, SURE = 600, 30, 0.05
CLAIMED, BROKEN = 2.0, 60.0


def least_epsilon(there: Bools, scores: Floats) -> float:
    """Return the epsilon that so many right guesses disprove anything below, 95 times of 100."""
    order, best = np.argsort(scores, kind="stable"), 0.0
    # whom to guess: as many of the likely as of the unlikely, or the likely alone
    schemes = [(most, least) for most in (20, 60, 150) for least in (0, most)]
    for most, least in schemes:
        right = int((~there[order[:least]]).sum() + there[order[-most:]].sum())
        for epsilon in np.arange(0.0, 8.0, 0.05):
            chance = np.exp(epsilon) / (1 + np.exp(epsilon))
            if binom.sf(right - 1, most + least, chance) < SURE / len(schemes):
                best = max(best, float(epsilon))
    return best


def _privacy(epsilon: float) -> PrivacyConfig:
    return PrivacyConfig(epsilon=epsilon, delta=1e-6, unit="units", noise_seed=11)


def _coins() -> Bools:
    return np.random.default_rng(3).random(CANARIES) < 0.5


def _by_one_answer(epsilon: float, there: Bools) -> Floats:
    """Ask one question with all that there is of epsilon; each canary has a cell of its own."""
    cells = np.repeat(np.flatnonzero(there), ROWS)
    exact = bounded_counts(cells, [cells], [CANARIES], 1.0)
    budget = Budget(_privacy(epsilon), thresholds=0)
    noisy, _ = budget.ask(exact, 1.0, 1.0, "rows", ("cell",), "how often each value is there")
    return noisy[0]


def _by_rows(epsilon: float, there: Bools) -> Floats:
    """Have rows made of two whole tables; each canary has a value of its own, and many rows."""
    values = [f"v{n}" for n in range(CANARIES)]
    units = np.arange(CANARIES)[there]
    cells = np.repeat(units, ROWS)
    metadata = Metadata().add_table("units", "id").add_table("rows", fk={"unit": "units.id"})
    metadata.tables["rows"].columns = {
        "unit": Column(name="unit", kind=ColumnKind.INTEGER),
        "value": Column(
            name="value", kind=ColumnKind.CATEGORICAL, enum_values=values, nullable=False
        ),
    }
    rows = pa.table({"unit": cells, "value": [values[cell] for cell in cells]})
    options = FitOptions(resolve_model("autoregressive"), _privacy(epsilon), 1, 50_000, 1, 500)
    source = private_source(FrameReader({"units": pa.table({"id": units}), "rows": rows}, metadata),
                            options)  # fmt: skip
    made = pa.Table.from_batches(list(source.reader.read("rows"))).column("value").to_pylist()
    counts = dict(zip(*np.unique(made, return_counts=True)))
    return np.array([counts.get(value, 0) for value in values], dtype=np.float64)


@pytest.mark.parametrize("attack", [_by_one_answer, _by_rows])
def test_no_attack_does_better_than_epsilon_allows(attack: object) -> None:
    there = _coins()
    assert callable(attack)
    assert least_epsilon(there, attack(CLAIMED, there)) < CLAIMED
    # the same attack sees that less noise keeps no such promise
    assert least_epsilon(there, attack(BROKEN, there)) > CLAIMED
