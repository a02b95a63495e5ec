"""What follows what is compared, whatever the columns look like by themselves."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from synthohive.metrics import SequenceScore, order_column, sequence_scores
from synthohive.metrics.report import build_report
from synthohive.schema import Metadata

METADATA = (
    Metadata()
    .add_table("meters", "id")
    .add_table("readings", "id", fk={"meter": "meters.id"})
    .add_table("events", ["meter", "number"], fk={"meter": "meters.id"})
)
START = dt.datetime(2024, 1, 1)


def tables(seed: int, shuffled: bool = False) -> dict[str, pa.Table]:
    """Return meters whose levels wander from day to day, and whose status rarely changes."""
    rng = np.random.default_rng(seed)
    meters, days = 40, 20
    level = rng.normal(size=(meters, days)).cumsum(axis=1).reshape(-1)
    status = ((np.arange(days) + rng.integers(0, 9, (meters, 1))) // 9 % 2).reshape(-1)
    order = rng.permutation(meters * days)  # how rows are stored says nothing
    at = np.repeat(np.arange(meters), days)
    day = np.tile(np.arange(days), meters)
    if shuffled:  # the same columns, in no order
        level, status = (x.reshape(meters, days) for x in (level, status))
        level = rng.permuted(level, axis=1).reshape(-1)
        status = rng.permuted(status, axis=1).reshape(-1)
    read = pa.array([START + dt.timedelta(days=int(d), hours=int(d) % 3) for d in day[order]])
    readings = {"id": np.arange(len(at)), "meter": at[order], "read_at": read}
    columns = {"level": level[order], "status": np.array(["on", "off"])[status[order]]}
    events = {"meter": at, "number": day + 1, "code": rng.choice(["a", "b"], len(at))}
    return {
        "meters": pa.table({"id": np.arange(meters)}),
        "readings": pa.table({**readings, **columns}),
        "events": pa.table(events),
    }


def score(made: dict[str, pa.Table]) -> SequenceScore:
    key = METADATA.table("readings").foreign_keys[0]
    found = sequence_scores(tables(1), made, METADATA, "readings", key)
    assert found is not None
    return found


def test_an_order_that_is_lost_shows() -> None:
    kept, lost = score(tables(2)), score(tables(2, shuffled=True))
    assert (kept.order, kept.gap_ks) == ("read_at", pytest.approx(0, abs=0.02))
    assert kept.real_gap == pytest.approx(1, abs=0.1)  # days
    steps = {one.column: one for one in lost.steps}
    right = {one.column: one for one in kept.steps}
    assert steps["level"].real_lag == right["level"].real_lag
    assert right["level"].real_lag == pytest.approx(right["level"].synthetic_lag, abs=0.1)
    assert lost.steps[0].difference > 0.2
    assert steps["status"].real_changes < 0.15
    assert steps["status"].synthetic_changes > 0.3
    assert right["status"].difference < 0.05


def test_gaps_are_compared() -> None:
    made = tables(2)
    rows = made["readings"]
    later = [START + 3 * (moment - START) for moment in rows["read_at"].to_pylist()]
    made["readings"] = rows.set_column(2, "read_at", pa.array(later))
    found = score(made)
    assert found.synthetic_gap == pytest.approx(3 * found.real_gap)
    assert found.gap_ks > 0.9


def test_what_orders_rows() -> None:
    data = tables(1)
    events = METADATA.table("events").foreign_keys[0]
    assert order_column(data, METADATA, "events", events) == "number"
    readings = METADATA.table("readings").foreign_keys[0]
    same = data["readings"].set_column(2, "read_at", pa.array([START] * 800))
    assert order_column({**data, "readings": same}, METADATA, "readings", readings) is None


def test_the_report_has_them() -> None:
    report = build_report(METADATA, tables(1), tables(2, shuffled=True))
    assert {one.table for one in report.sequences} == {"readings", "events"}
    frame = report.frame()
    lag = frame[(frame.part == "sequence") & (frame.measure == "lag-1 autocorrelation")]
    assert lag[lag.name == "level"].real.item() > lag[lag.name == "level"].synthetic.item() + 0.2
    personal = {"readings": ["status"]}
    (own,) = (
        one
        for one in build_report(METADATA, tables(1), tables(2), personal=personal).sequences
        if one.table == "readings"
    )
    assert "status" not in {step.column for step in own.steps}  # made up: like nothing before it
