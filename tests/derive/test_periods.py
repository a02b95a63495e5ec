"""Periods of one entity: found where they never overlap, and kept apart."""

from __future__ import annotations

import datetime as dt
from typing import Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.derive.columns import Columns
from synthohive.derive.periods import Periods, find_periods
from synthohive.derive.search import discover
from synthohive.schema import UniqueConstraint
from tests.packed import again

GROUPS = 100
Days = list[Optional[dt.date]]


def leases(
    pause: int, *, last: Optional[dt.date], sure: bool = True
) -> tuple[pa.Table, np.ndarray]:
    """Return periods of five in a row, `pause` days apart at least; the last one without an end."""
    draws = np.random.default_rng(0)
    since: Days = []
    until: Days = []
    for _ in range(GROUPS):
        day = dt.date(2000, 1, 1) + dt.timedelta(int(draws.integers(0, 2_000)))
        for place in range(5):
            since.append(day)
            day += dt.timedelta(int(draws.integers(20, 400)))
            until.append(last if place == 4 and (sure or draws.random() < 0.5) else day)
            day += dt.timedelta(pause if sure else pause + int(draws.integers(0, 50)))
    table = pa.table({"since": pa.array(since), "until": pa.array(until)})
    return table, np.repeat(np.arange(GROUPS), 5)


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def found(rows: pa.Table, groups: np.ndarray) -> list[Periods]:
    relations = discover(Columns(rows, ["until"])).derivations
    periods = find_periods(Columns(rows, ()), relations, groups)
    return again(periods, list[Periods])


@pytest.mark.parametrize("last", [None, dt.date(9999, 12, 31)])
@pytest.mark.parametrize("pause", [0, 1])
def test_each_period_ends_where_the_next_begins(pause: int, last: Optional[dt.date]) -> None:
    rows, groups = leases(pause, last=last)
    (one,) = found(rows, groups)
    assert (one.pause, one.exact, one.share) == (pause * 86_400.0, True, 1.0)
    order = np.random.default_rng(1).permutation(len(rows))
    wrong = rows.set_column(1, "until", rows.column("until").take(pa.array(order)))
    assert one.apart(wrong, groups, rng()).equals(rows)
    mixed = wrong.take(pa.array(order))  # whatever the order of rows
    back = one.apart(mixed, groups[order], rng()).take(pa.array(np.argsort(order)))
    assert back.equals(rows)


def test_periods_with_gaps_end_before_the_next_begins() -> None:
    rows, groups = leases(3, last=None, sure=False)
    (one,) = found(rows, groups)
    assert not one.exact
    assert 0.3 < one.share < 0.7
    assert one.apart(rows, groups, rng()).equals(rows)
    order = np.random.default_rng(1).permutation(len(rows))
    wrong = rows.set_column(1, "until", rows.column("until").take(pa.array(order)))
    back = one.apart(wrong, groups, rng())
    still = np.array([day is None for day in back.column("until").to_pylist()])
    assert still.sum() >= round(one.share * GROUPS)
    since, until = back.column("since").to_pylist(), back.column("until").to_pylist()
    for row in range(len(rows) - 1):
        if groups[row] == groups[row + 1]:
            assert until[row] is not None
            assert since[row] <= until[row] < since[row + 1]


def test_periods_that_overlap_somewhere_are_none() -> None:
    rows, groups = leases(1, last=None)
    periods = found(rows, groups)
    late = rows.column("until").to_pylist()
    late[6] = late[7]
    overlapping = rows.set_column(1, "until", pa.array(late))
    assert not found(overlapping, groups)
    assert all((one.pauses(rows, groups) >= 0).all() for one in periods)
    assert not any((one.pauses(overlapping, groups) >= 0).all() for one in periods)


def test_a_date_that_a_repair_moves_lies_in_no_other_period() -> None:
    """UNIQUE (since, slot), where many begin on the same days (16 to 22 of 179 overlapped)."""
    draws, rows = np.random.default_rng(0), []
    for room in range(40):
        day = dt.date(2024, 1, 1) + dt.timedelta(int(draws.integers(0, 20)))
        for _ in range(int(draws.integers(2, 8))):
            end = day + dt.timedelta(int(draws.integers(2, 9)))
            rows.append((room, day, end))
            day = end + dt.timedelta(int(draws.integers(1, 9)))
    stays = pd.DataFrame(rows, columns=["room", "since", "until"]).rename_axis("id").reset_index()
    stays["slot"] = stays.groupby("since").cumcount()
    rooms = pd.DataFrame({"id": range(40), "beds": draws.integers(1, 4, 40)})
    metadata = Metadata().add_table("room", "id").add_table("stay", "id", fk={"room": "room.id"})
    metadata.tables["stay"].unique.append(UniqueConstraint(columns=["since", "slot"]))
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"room": rooms, "stay": stays}, epochs=3, seed=1, progress=False, n_jobs=1)
    made = synth.sample(seed=1)["stay"].sort_values(["room", "since"])
    later = made.groupby("room").since.shift(-1).dropna()
    assert (later >= made.until[later.index]).all()
    assert not made.duplicated(["since", "slot"]).any()


def managers() -> dict[str, pd.DataFrame]:
    """Return 120 employees, 9 departments, and who manages these, one after the other."""
    draws, rows, day = np.random.default_rng(0), [], dt.date(1985, 1, 1)
    people = iter(draws.permutation(120))
    for department in range(9):
        start = day
        for place in range(2 + department % 2):
            last = place == 1 + department % 2
            end = start + dt.timedelta(int(draws.integers(900, 2_500)))
            stop = dt.date(9999, 1, 1) if last else end
            rows.append((int(next(people)), department, start, stop))
            start = end
    manager = pd.DataFrame(rows, columns=["employee", "department", "since", "until"])
    hired = [day + dt.timedelta(int(n)) for n in draws.integers(0, 900, 120)]
    employee = pd.DataFrame({"id": range(120), "hired": hired})
    return {
        "employee": employee,
        "department": pd.DataFrame({"id": range(9)}),
        "manager": manager.astype({"since": "object", "until": "object"}),
    }


def test_each_department_has_one_manager_at_a_time() -> None:
    """The rows of a further parent lie anywhere; 13 pairs that fit to the day are no chance."""
    tables = managers()
    metadata = Metadata().add_table("employee", "id").add_table("department", "id")
    metadata.add_table(
        "manager", ["employee", "department"],
        fk={"employee": "employee.id", "department": "department.id"},
    )  # fmt: skip
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit(tables, epochs=2, seed=1, progress=False, n_jobs=1)
    assert "periods from since to until do not overlap for one department" in [
        str(relation) for relation in synth.relations["manager"]
    ]
    made = synth.sample(seed=1)["manager"].sort_values(["department", "since"])
    still = made[made.until == dt.date(9999, 1, 1)]
    assert sorted(still.department) == list(range(9))
    later = made.groupby("department").since.shift(-1)
    assert (made.until[later.notna()] == later[later.notna()]).all()
    assert made.since.nunique() > 3
    broken = tables["manager"].copy()
    broken.loc[0, "until"] -= dt.timedelta(40)
    rows = pa.table({name: pa.array(broken[name]) for name in ("since", "until")})
    assert not find_periods(Columns(rows, ()), [], broken.department.to_numpy(), None, ["until"])
