"""Times of day stay what they are where moments are told by their distance to others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.derive.columns import Columns
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.monotone import Monotone, find_monotone
from synthohive.derive.order import Order
from synthohive.derive.program import Program
from synthohive.derive.search import discover
from synthohive.learn.spikes import without_spikes
from synthohive.privacy.entities import Entities
from synthohive.schema.columns import column_from_arrow
from synthohive.tables.numbers import as_numbers
from tests.packed import again

ROWS = 2_000
DAY = 86_400
NOTHING = pa.table({})


def moments(seconds: np.ndarray) -> pa.Array:
    return pa.array(seconds * 10**6).cast(pa.timestamp("us"))


def open_hours(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return times of day from 7 to 22 h, in steps of five minutes."""
    return rng.integers(7 * 12, 22 * 12, rows) * 300


def near(rng: np.random.Generator, base: str, sign: int) -> pa.Table:
    """Return moments some weeks after or before a date, or another moment."""
    days = rng.integers(1_000, 1_600, ROWS) * DAY
    gaps = sign * rng.integers(0, 100, ROWS) * DAY
    at, from_ = days + gaps + open_hours(rng, ROWS), days
    if base == "moment":
        from_ = days + np.where(gaps == 0, 0 if sign > 0 else DAY - 60, open_hours(rng, ROWS))
    elif sign < 0:
        at -= DAY  # a date is its first moment
    dated = pa.array(from_ // DAY).cast(pa.int32()).cast(pa.date32())
    return pa.table({"at": moments(at), "from": dated if base == "date" else moments(from_)})


def in_hours(array: pa.ChunkedArray) -> float:
    """Return the share of moments from 7 to 22 h, in steps of five minutes."""
    times = as_numbers(array) % DAY
    return float(((times >= 7 * 3_600) & (times < 22 * 3_600) & (times % 300 == 0)).mean())


def coarse(array: pa.ChunkedArray, rng: np.random.Generator) -> pa.Array:
    """Return moments of other days, as far as bins do not tell them apart, and times of others."""
    seconds = as_numbers(array).astype(np.int64)
    days = seconds // DAY + rng.integers(-3, 4, len(seconds))
    return moments(np.maximum(days, 0) * DAY + rng.permutation(seconds % DAY))


@pytest.mark.parametrize("sign", [1, -1], ids=["after", "before"])
@pytest.mark.parametrize("base", ["date", "moment"])
def test_opening_hours_outlive_the_bins_of_distances(base: str, sign: int) -> None:
    rng = np.random.default_rng(8)
    table = near(rng, base, sign)
    program = again(discover(Columns(table, ["at"])))
    (order,) = program.derivations
    assert isinstance(order, Order)
    assert order.clock
    columns = {"at": column_from_arrow(table.schema.field("at"))}
    modelled, described = program.encode(table, columns, rng)
    assert described["at"].kind.value == "timestamp"
    above = table.select(["from"])
    assert order.low is not None
    assert order.high is not None
    real = as_numbers(table.column("at"))
    usual = pa.array((real >= order.low) & (real <= order.high))
    back = program.decode(modelled, columns, above, rng)
    assert back.column("at").filter(usual).equals(table.column("at").filter(usual))
    drawn = pa.table({"at": coarse(modelled.column("at"), rng)})
    made = program.decode(drawn, columns, above, rng)
    assert not order.violations(pa.table({"at": made["at"], "from": table["from"]})).any()
    assert in_hours(made.column("at")) > 0.99
    assert 0 <= as_numbers(made.column("at")).max() <= order.high
    # As distances alone, bins lose the hours.
    plain = replace(order, clock=False)
    steps = pa.array(plain.encode(table).to_numpy() + rng.integers(-200, 200, ROWS))
    lost = plain.decode(pa.table({"at": steps, "from": table["from"]}), rng)
    assert ((np.asarray(lost) % DAY >= 22 * 3_600) | (np.asarray(lost) % DAY < 7 * 3_600)).any()


@pytest.mark.parametrize("base", ["date", "moment"])
def test_a_lost_date_is_told_by_the_days_between(base: str) -> None:
    rng = np.random.default_rng(9)
    table = near(rng, base, 1)
    (order,) = discover(Columns(table, ["at"])).derivations
    gaps = pa.chunked_array([order.encode(table)])
    other = table.set_column(1, "from", table.column("from").take(rng.permutation(ROWS)))
    found = np.asarray(order.invert(other, "from", gaps, rng))
    assert (found <= as_numbers(table.column("at"))).all()
    assert (found // DAY == as_numbers(table.column("from")) // DAY).all()


def test_what_follows_within_the_hour_is_told_by_its_distance() -> None:
    rng = np.random.default_rng(10)
    placed = rng.integers(1_000, 1_600, ROWS) * DAY + open_hours(rng, ROWS)
    sent = placed + rng.integers(5, 60, ROWS) * 60
    table = pa.table({"sent": moments(sent), "placed": moments(placed)})
    (order,) = discover(Columns(table, ["sent"])).derivations
    assert isinstance(order, Order)
    assert not order.clock
    assert as_numbers(pa.chunked_array([order.encode(table)])).max() < 60


def visits(
    rng: np.random.Generator, days: int = 9
) -> tuple[pa.Table, tuple[np.ndarray, np.ndarray]]:
    """Return visits of 200 groups, days apart, and the groups."""
    parents, positions = np.repeat(np.arange(200), 10), np.tile(np.arange(10), 200)
    apart = rng.integers(1, days, 2_000)
    apart[positions == 0] = rng.integers(1_000, 1_300, 200)
    day = np.concatenate([np.cumsum(part) for part in apart.reshape(200, 10)])
    return pa.table({"at": moments(day * DAY + open_hours(rng, 2_000))}), (parents, positions)


@pytest.mark.parametrize("roomy", [True, False])
def test_gaps_between_visits_keep_opening_hours(roomy: bool) -> None:
    rng = np.random.default_rng(11)
    rows, groups = visits(rng)
    (one,) = find_monotone(Columns(rows, ["at"]), *groups)
    program = again(Program(monotone=(one,)))
    assert one.clock
    columns = {"at": column_from_arrow(rows.schema.field("at"))}
    modelled, described = program.move(rows, columns, groups, rng)
    assert described[one.gap].kind.value == "timestamp"
    back = as_numbers(program.unmove(modelled, NOTHING, None, groups).column("at"))
    real = as_numbers(rows.column("at"))
    assert (back == real)[(real >= one.low) & (real <= one.high)].mean() > 0.95
    first, gap = (coarse(modelled.column(n), rng) for n in ("at", one.gap))
    numbers = [as_numbers(pa.chunked_array([array])) for array in (first, gap)]
    room = None if roomy else rng.uniform(one.low + 20 * DAY, one.high, 200)[groups[0]]
    begin = numbers[0] if room is None else np.minimum(numbers[0], room)
    made = one.grown(begin, numbers[1], groups, room, rng)
    assert (np.diff(made.reshape(200, 10)) > 0).all()
    assert (made <= (one.high if room is None else room) + 1e-6).all()
    if roomy:
        assert made.min() >= one.low
        assert in_hours(pa.chunked_array([moments(made.astype(np.int64))])) > 0.97


def test_rows_know_the_hour_of_the_row_before() -> None:
    rows, groups = visits(np.random.default_rng(12))
    (one,) = find_monotone(Columns(rows, ["at"]), *groups)
    values = as_numbers(rows.column("at"))
    later = np.flatnonzero(groups[1] > 0)
    gaps = values[later] - values[later - 1] // DAY * DAY
    assert (one.following(values[later - 1], gaps) == values[later]).all()
    assert (one.following(values[later - 1], np.zeros(len(later))) == values[later - 1]).all()
    assert Elapsed([one], *groups, None, rows).history(later).layout.continuous


def test_sessions_of_minutes_keep_their_gaps() -> None:
    rows, groups = visits(np.random.default_rng(13))
    start = as_numbers(rows.column("at"))[groups[1] == 0]
    at = np.repeat(start, 10) + groups[1] * 240 + np.random.default_rng(1).integers(0, 60, 2_000)
    (one,) = find_monotone(Columns(pa.table({"at": moments(at.astype(np.int64))}), ["at"]), *groups)
    assert not one.clock


def test_what_groups_are_sorted_by_is_no_relation() -> None:
    rows, groups = visits(np.random.default_rng(14))
    found = find_monotone(Columns(rows, ["at"]), *groups, sorts=["at"])
    assert [type(one) for one in found] == [Monotone]
    assert Program(monotone=tuple(found)).never_falling == []
    assert Program(monotone=tuple(find_monotone(Columns(rows, ["at"]), *groups))).never_falling


def shop(rng: np.random.Generator, customers: int = 80) -> dict[str, pd.DataFrame]:
    """Return customers, their orders by day, and visits without a key that counts."""
    joined = rng.integers(1_000, 1_600, customers)
    of = np.sort(rng.integers(0, customers, 500))
    placed = (joined[of] + rng.integers(0, 90, len(of))) * DAY + open_hours(rng, len(of))
    placed = placed[np.lexsort((placed, of))]
    sent = (placed // DAY + rng.integers(1, 5, len(of))) * DAY + open_hours(rng, len(of))
    visitor = rng.integers(0, customers, 500)
    at = (joined[visitor] + rng.integers(0, 90, len(visitor))) * DAY + open_hours(rng, 500)
    ids = np.arange(1, 501)
    return {
        "customers": pd.DataFrame(
            {"id": np.arange(1, customers + 1), "joined": joined.astype("datetime64[D]")}
        ),
        "orders": pd.DataFrame(
            {"id": ids, "customer_id": of + 1, "placed_at": placed.astype("datetime64[s]"),
             "sent_at": sent.astype("datetime64[s]")}
        ),
        "visits": pd.DataFrame(
            {"id": [f"{n * 7919 % 104_729:05x}" for n in ids], "customer_id": visitor + 1,
             "at": at.astype("datetime64[s]")}
        ),
    }  # fmt: skip


@pytest.mark.slow
def test_a_copy_keeps_its_opening_hours() -> None:
    """Of 62 % of the orders, at night, only the distance to a date was right."""
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    metadata.add_table("visits", "id", fk={"customer_id": "customers.id"})
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    synth.fit(shop(np.random.default_rng(3)), seed=1, epochs=2, progress=False)
    made = synth.sample(seed=2)
    joined = made["customers"].set_index("id")["joined"]
    for table, column in (("orders", "placed_at"), ("orders", "sent_at"), ("visits", "at")):
        rows = made[table]
        at = pd.to_datetime(rows[column]).dt
        assert ((at.hour >= 7) & (at.hour < 22)).mean() > 0.95, (table, column)
        assert (at.minute % 5 == 0).mean() > 0.9, (table, column)
        assert (rows[column] >= rows["customer_id"].map(joined)).all()
    orders = made["orders"].sort_values("id")
    assert (orders["sent_at"] >= orders["placed_at"]).all()
    seconds = orders["placed_at"].astype("int64")
    assert (seconds.groupby(orders["customer_id"]).diff().fillna(0) >= 0).all()
    never = [str(relation) for rows in synth.relations.values() for relation in rows]
    assert "placed_at never falls inside a group" in never
    assert "at never falls inside a group" not in never


def test_what_one_customer_repeats_is_spread_over_hours_of_others() -> None:
    rng = np.random.default_rng(15)
    at = rng.integers(0, 700, ROWS) * DAY + open_hours(rng, ROWS)
    owners = np.repeat(np.arange(ROWS // 8), 8)
    at = np.where(owners % 2 == 0, at[owners * 8], at)  # half of them repeat one of their moments
    rows = pa.table({"at": moments(at)})
    spread = without_spikes(rows, ["at"], Entities.over(owners), 5, rng)["at"]
    assert in_hours(spread) > 0.99
    assert (as_numbers(spread) != at).mean() > 0.4
    assert np.unique(as_numbers(spread), return_counts=True)[1].max() < 5


def test_a_date_beside_a_moment_may_be_the_same_day() -> None:
    """Shipped on the day of the order or later: at midnight, before the hour of the order."""
    rng = np.random.default_rng(2)
    days = rng.integers(1_000, 1_700, ROWS)
    later = pa.array(days + rng.integers(0, 3, ROWS)).cast(pa.int32()).cast(pa.date32())
    table = pa.table({"shipped": later, "ordered": moments(days * DAY + open_hours(rng, ROWS))})
    columns = Columns(table, ["shipped", "ordered"], Entities(ROWS), 5)
    (order,) = discover(columns).derivations
    assert isinstance(order, Order)
    assert (order.target, order.source, order.days) == ("shipped", "ordered", ("ordered",))
    assert sorted(order.encode(table).unique().to_pylist()) == [0, 1, 2]
    back = order.decode(table.set_column(0, "shipped", order.encode(table)))
    # those beyond what `k` rows reach are redrawn
    assert (np.asarray(back) == as_numbers(table.column("shipped"))).mean() > 0.99
    assert not order.violations(table).any()
    assert not again(order).violations(table).any()
