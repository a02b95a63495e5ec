"""Columns that mostly are as in the row before: whether they change is drawn, then to what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.derive.columns import Columns
from synthohive.derive.program import Program
from synthohive.derive.sticky import find_sticky
from synthohive.schema import Column

GROUPS, SIZE = 60, 12


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def held(rate: float, values: np.ndarray, seed: int) -> np.ndarray:
    """Return values of all rows, each that of the one before but for a share."""
    draws = rng(seed)
    new = draws.random((GROUPS, SIZE)) < rate
    new[:, 0] = True
    found = values[draws.integers(0, len(values), int(new.sum()))]
    return found[np.cumsum(new.ravel()) - 1]


def rows() -> pa.Table:
    tier = held(0.03, np.array(["basic", "plus", "gold", None], dtype=object), 1)
    return pa.table({
        "tier": pa.array(tier.tolist(), pa.string()),
        "rate": held(0.0, np.round(rng().gamma(4, 2, 500), 2), 2),
        "any": rng(3).integers(0, 50, GROUPS * SIZE),
    })  # fmt: skip


PARENTS, POSITIONS = np.divmod(np.arange(GROUPS * SIZE), SIZE)


def test_what_mostly_goes_back_does_not_stay() -> None:
    """Most rows repeat the one before, but a club that wins mostly does not the next time."""
    draws = rng(5).random((GROUPS, SIZE))
    won = np.where(draws < 0.06, "won", "lost").astype(object)
    won[: GROUPS // 3] = None
    table = pa.table({"won": pa.array(won.ravel().tolist(), pa.string())})
    assert not find_sticky(Columns(table, ["won"], k=1), PARENTS, POSITIONS)


def test_columns_that_mostly_stay_are_found_and_come_back() -> None:
    table = rows()
    sticky = find_sticky(Columns(table, table.column_names, k=1), PARENTS, POSITIONS)
    assert [one.column for one in sticky] == ["tier", "rate"]
    columns = {
        "tier": Column(name="tier", kind="categorical", arrow="string"),
        "rate": Column(name="rate", kind="float", arrow="double"),
        "any": Column(name="any", kind="integer", arrow="int64"),
    }
    program = Program(sticky=tuple(sticky))
    mixed = rng(4).permutation(len(table))  # rows of a group need not stand together
    table, order = table.take(pa.array(mixed)), (PARENTS[mixed], POSITIONS[mixed])
    moved, described = program.move(table, columns, order, rng())
    # whether it changes comes before to what
    assert list(described) == [sticky[0].flag, "tier", sticky[1].flag, "rate", "any"]
    assert not moved.column(sticky[1].flag).to_numpy().any()
    flags = moved.column(sticky[0].flag).to_numpy()
    # what is said of rows that do not change counts for nothing
    place = moved.column_names.index("tier")
    own = pd.Series(moved.column("tier").to_pylist(), dtype=object)
    own[~flags & (order[1] > 0)] = "nonsense"
    moved = moved.set_column(place, "tier", pa.array(own.tolist(), pa.string()))
    assert program.unmove(moved, pa.table({}), None, order).equals(table)
    known = program.unmove(moved, pa.table({}), None, order, known=["tier"])
    assert known.column("tier").to_pylist() == own.tolist()


def test_changes_are_as_many_as_the_real_ones_and_what_is_constant_stays_so() -> None:
    real = rows().to_pandas().assign(unit=PARENTS, at=POSITIONS)
    metadata = Metadata().add_table("u", "id").add_table("r", ["unit", "at"], fk={"unit": "u.id"})
    tables = {"u": pd.DataFrame({"id": range(GROUPS)}), "r": real}
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    synth.fit(tables, epochs=3, seed=1, progress=False)
    made = synth.sample(seed=1)["r"].sort_values(["unit", "at"])

    def changes(frame: pd.DataFrame, name: str) -> float:
        text = frame[name].fillna("none").astype(str)
        return float(((text != text.shift()) & (frame.unit == frame.unit.shift())).mean())

    assert changes(made, "rate") == 0
    assert abs(changes(made, "tier") - changes(real, "tier")) < 0.02
    assert made.rate.nunique() > 10
    fixed = synth.sample(seed=1, conditions={"r": {"tier": "gold"}})["r"]
    assert set(fixed.tier) == {"gold"}
    given = real.copy()
    given.loc[::7, "tier"] = None
    again = synth.impute({"u": tables["u"], "r": given}, seed=1)["r"]
    kept = given.tier.notna()
    assert (again.tier[kept] == real.tier[kept]).all()
