"""Numbers that go one way and seldom jump back: whether they do is drawn, then how far they go."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.derive.columns import Columns
from synthohive.derive.program import Program
from synthohive.derive.sawtooth import find_sawteeth
from synthohive.privacy.entities import Entities
from synthohive.schema import Column

GROUPS, SIZE = 20, 40
PARENTS, POSITIONS = np.divmod(np.arange(GROUPS * SIZE), SIZE)


def teeth(seed: int = 1) -> np.ndarray:
    """Return what is left of a stock that is filled as soon as it is nearly used up."""
    rng = np.random.default_rng(seed)
    found, left = np.empty(GROUPS * SIZE), 0
    for i in range(len(found)):
        if POSITIONS[i] == 0 or left < 12:
            left = rng.integers(80, 101)
        else:
            left -= rng.integers(0, 8)
        found[i] = left
    return found


@pytest.mark.parametrize("falls", [True, False])
def test_columns_that_jump_back_are_found_and_come_back(falls: bool) -> None:
    left = teeth() if falls else 100 - teeth()
    rng = np.random.default_rng(1)
    table = pa.table({
        "left": left.astype(int),
        "noise": rng.integers(0, 100, len(left)),
        "walk": np.cumsum(rng.normal(size=len(left))).round(2),
    })  # fmt: skip
    found = find_sawteeth(Columns(table, table.column_names, k=5), PARENTS, POSITIONS)
    assert [(one.column, one.falls) for one in found] == [("left", falls)]
    columns = {
        name: Column(name=name, kind=kind, arrow=arrow)
        for name, kind, arrow in [
            ("left", "integer", "int64"),
            ("noise", "integer", "int64"),
            ("walk", "float", "double"),
        ]
    }
    program = Program(sawteeth=tuple(found))
    mixed = rng.permutation(len(table))  # rows of a group need not stand together
    table, order = table.take(pa.array(mixed)), (PARENTS[mixed], POSITIONS[mixed])
    moved, described = program.move(table, columns, order, rng)
    one = found[0]
    # whether it jumps comes before to where, and how far it goes
    assert list(described) == [one.flag, "left", "noise", "walk", one.gap]
    back = program.unmove(moved, pa.table({}), None, order)
    low, high = one.low, one.high
    assert back.drop_columns(["left"]).equals(table.drop_columns(["left"]))
    expected = np.clip(table.column("left").to_numpy(), low, high)
    assert np.abs(back.column("left").to_numpy() - expected).max() <= 3  # ends of the bounds


def test_what_jumps_for_few_entities_is_not_told() -> None:
    table = pa.table({"left": teeth()})
    few = Entities.over(PARENTS % 4, k=5)
    assert not find_sawteeth(Columns(table, ["left"], few, 5), PARENTS, POSITIONS)


def test_a_copy_is_filled_as_seldom_as_the_real_stock() -> None:
    real = pd.DataFrame({"unit": PARENTS, "at": POSITIONS, "left": teeth().astype(int)})
    metadata = Metadata().add_table("units", "id")
    metadata.add_table("counts", fk={"unit": "units.id"})
    units = pd.DataFrame({"id": np.arange(GROUPS)})
    model = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    model.fit({"units": units, "counts": real}, epochs=3, seed=1, progress=False)
    made = model.sample(seed=1)["counts"].sort_values(["unit", "at"])
    steps = made.groupby("unit")["left"].diff().dropna()
    wanted = real.groupby("unit")["left"].diff().dropna()
    assert abs((steps > 0).mean() - (wanted > 0).mean()) < 0.02
    assert steps[steps < 0].min() >= -7
