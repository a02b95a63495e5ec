"""What a row knows of its group: the order of siblings, their history, growing columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import ForeignKey, Metadata, PrivacyConfig, Synthesizer, TableConfig
from synthohive.derive.columns import Columns
from synthohive.derive.elapsed import Elapsed
from synthohive.derive.falling import find_falling
from synthohive.derive.monotone import Monotone, find_monotone, pinned_share
from synthohive.derive.program import Program
from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.encoding.table import TableEncoder
from synthohive.io.base import GroupPlaces
from synthohive.privacy.entities import Entities, EntityPath
from synthohive.schema import Column
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.numbers import step_of
from synthohive.tables.sample import Sample
from synthohive.tables.sampled_groups import sampled_groups
from synthohive.tables.siblings import (
    PIECE,
    Siblings,
    alike,
    previous_siblings,
    sibling_ranks,
)

PARENTS = np.array([0, 1, 0, -1, 1, 0, -1])
POSITIONS = np.array([0, 0, 1, 0, 1, 2, 0])
DRIVER = ForeignKey(columns=["p"], parent="parents", parent_columns=["id"])


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_previous_and_first() -> None:
    before, first = previous_siblings(PARENTS, POSITIONS)
    assert before.tolist() == [-1, -1, 0, -1, 1, 2, -1]
    assert first.tolist() == [-1, -1, 0, -1, 1, 0, -1]


def test_history_is_the_row_before_the_first_codes_and_the_mean() -> None:
    layout = Layout((Discrete("a", 9),), (Continuous("b"),))
    codes = np.arange(1, 8, dtype=np.int32)[:, None]
    values = np.float32([[0.1], [0.2], [0.3], [0.4], [0.5], [0.6], [0.7]])
    siblings = Siblings.of(EncodedTable(layout, codes, values), PARENTS, POSITIONS)
    history = siblings.history(np.arange(7))
    assert [b.column for b in history.layout.discrete] == ["previous.a", "siblings.a"]
    assert history.codes[5].tolist() == [3, 1]
    assert history.values[5] == pytest.approx([0.3, 0.2])  # the mean of 0.1 and 0.3
    assert history.codes[[0, 1, 3, 6]].tolist() == [[-1, -1]] * 4


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"id": [3, 1, 2]}, [2, 0, 1]),
        ({"id": ["c", "a", "b"], "at": pd.to_datetime(["2021", "2020", "2022"])}, [1, 0, 2]),
        ({"id": ["c", "a", "b"]}, [0, 1, 2]),
    ],
    ids=["by key", "by time", "as they come"],
)
def test_order_of_siblings(columns: dict[str, list[object]], expected: list[int]) -> None:
    data = pa.table(columns)
    kinds = {"id": "integer" if pa.types.is_integer(data["id"].type) else "text", "at": "timestamp"}
    config = TableConfig(
        name="t", pk="id", columns={n: Column(name=n, kind=kinds[n]) for n in data.column_names}
    )
    assert sibling_ranks(config, data, DRIVER).tolist() == expected


def grown(groups: int = 80, size: int = 5) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    parents, positions = np.repeat(np.arange(groups), size), np.tile(np.arange(size), groups)
    gaps = rng().integers(0, 30, groups * size)
    start = np.repeat(rng(2).integers(0, 10_000, groups), size)
    total = np.concatenate([np.cumsum(g) for g in gaps.reshape(groups, size)])
    falling = rng(3).integers(0, 100, groups * size)
    return pa.table({"up": start + total, "any": falling}), parents, positions


def test_only_what_never_falls_is_found() -> None:
    rows, *groups = grown()
    assert [one.column for one in find_monotone(Columns(rows, ["up", "any"], k=1), *groups)] == [
        "up"
    ]
    values = rows.column("up").to_pylist()
    values[7] = values[6] - 1
    rows = rows.set_column(0, "up", pa.array(values))
    assert find_monotone(Columns(rows, ["up", "any"], k=1), *groups) == []


def test_growing_columns_come_back() -> None:
    rows, *groups = grown()
    columns = {n: Column(name=n, kind="integer", arrow="int64") for n in rows.column_names}
    monotone = find_monotone(Columns(rows, ["up"], k=1), *groups)
    program = Program(monotone=tuple(monotone))
    made, described = program.move(rows, columns, (groups[0], groups[1]), rng())
    assert set(described) == {"up", "any", monotone[0].gap}
    assert made.column("up").null_count == made.column(monotone[0].gap).null_count == 0
    assert made.column("up").to_pylist() != rows.column("up").to_pylist()
    again = program.unmove(made, pa.table({}), None, (groups[0], groups[1]))
    assert again.equals(rows)


def test_a_few_rows_that_are_null_leave_a_series_its_gaps() -> None:
    rows, *groups = grown()
    values = rows.column("up").to_numpy().astype(float)
    lost = np.arange(len(values)) % 20 == 7
    rows = rows.set_column(0, "up", pa.array(values.astype(np.int64), mask=lost))
    columns = {n: Column(name=n, kind="integer", arrow="int64") for n in rows.column_names}
    monotone = find_monotone(Columns(rows, ["up"], k=5), *groups)
    assert [one.column for one in monotone] == ["up"]
    program = Program(monotone=tuple(monotone))
    made, described = program.move(rows, columns, (groups[0], groups[1]), rng())
    assert set(described) == {"up", "any", monotone[0].gap, monotone[0].flag}
    assert not any(column.null_count for column in made.columns)
    again = program.unmove(made, pa.table({}), None, (groups[0], groups[1]))
    assert np.array_equal(again.column("up").is_null().to_numpy(), lost)
    known = made.column(monotone[0].gap).to_numpy() * monotone[0].step
    real = np.diff(values, prepend=values[0])
    before = previous_siblings(groups[0], groups[1])[0]
    both = (before >= 0) & ~lost & ~lost[before]
    assert np.array_equal(known[both], real[both])
    # four rows are too few to tell which they are
    few = rows.set_column(
        0, "up", pa.array(values.astype(np.int64), mask=lost & (values < np.sort(values[lost])[4]))
    )
    assert not find_monotone(Columns(few, ["up"], k=5), *groups)[0].empty


def test_a_series_may_begin_with_null_in_all_groups() -> None:
    rows, *groups = grown()
    values = rows.column("up").to_numpy()
    rows = rows.set_column(0, "up", pa.array(values, mask=groups[1] == 0))
    columns = {n: Column(name=n, kind="integer", arrow="int64") for n in rows.column_names}
    found = find_monotone(Columns(rows, ["up"], k=5), *groups)
    program = Program(monotone=tuple(found))
    made, _ = program.move(rows, columns, (groups[0], groups[1]), rng())
    assert found
    assert not any(column.null_count for column in made.columns)
    again = program.unmove(made, pa.table({}), None, (groups[0], groups[1]))
    assert np.array_equal(again.column("up").is_null().to_numpy(), groups[1] == 0)
    # rows to fill in: none has one before it
    alone = np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64)
    assert len(program.move(rows, columns, alone, rng())[0]) == len(rows)


def test_where_the_row_before_is_not_known_the_values_of_a_group_are_sorted() -> None:
    rows, parents, positions = grown()
    monotone = find_monotone(Columns(rows, ["up"], k=1), parents, positions, by_gap=False)
    columns = {n: Column(name=n, kind="integer", arrow="int64") for n in rows.column_names}
    program = Program(monotone=tuple(monotone))
    made, described = program.move(rows, columns, (parents, positions), rng())
    assert set(described) == {"up", "any"}
    shuffled = made.take(pa.array(rng().permutation(len(made))))
    parents = np.where(parents == 3, -1, parents)  # rows without a parent stay as they are
    positions = np.where(parents < 0, 0, positions)
    made = program.unmove(shuffled, pa.table({}), None, (parents, positions))
    again = made.column("up").to_numpy()
    before, drawn = previous_siblings(parents, positions)[0], shuffled.column("up").to_numpy()
    later = np.flatnonzero(before >= 0)
    assert (again[later] >= again[before[later]]).all()
    assert np.array_equal(np.sort(again), np.sort(drawn))
    assert np.array_equal(again[parents < 0], drawn[parents < 0])


def test_no_group_goes_on_for_longer_than_the_real_ones() -> None:
    rows, *groups = grown()
    (one,) = find_monotone(Columns(rows, ["up"], k=5), *groups)
    real = np.sort(rows.column("up").to_numpy())
    assert real[4] < one.low < real[9]
    assert real[-10] < one.high < real[-5]
    order = groups[0], groups[1]
    for first in (one.high - 100.0, one.high + 1.0):  # what would end later begins earlier
        values = one.grown(np.full(400, first), np.full(400, 60.0), order)
        assert (values[groups[1] == 0] == one.high - 240).all()
        assert (np.diff(values.reshape(80, 5)) == 60).all()
    room = one.high - one.low
    longer = one.grown(np.full(400, one.high), np.full(400, room), order).reshape(80, 5)
    assert one.low - 0.01 * room <= longer.min() < longer.max() <= one.high + 0.01 * room
    just = one.grown(np.full(400, one.low), np.full(400, np.ceil(1.001 * room / 4)), order)
    assert (np.diff(just.reshape(80, 5)) == np.ceil(1.001 * room / 4)).all()


def test_regular_series_that_end_together_are_told_from_their_end() -> None:
    sizes = np.array([30, 12, 8, 20, 25, 5, 9])
    ends = np.array([2020, 2020, 1950, 2020, 2020, 1930, 2020])
    parents = np.repeat(np.arange(7), sizes)
    positions = np.concatenate([np.arange(size) for size in sizes])
    rows = pa.table({"year": ends[parents] - sizes[parents] + 1 + positions})
    groups = parents, positions
    (one,) = find_monotone(Columns(rows, ["year"], k=1), *groups)
    assert one.spacing == 1
    moved = one.encode(rows, groups, rng())
    first = moved["year"].to_numpy()[positions == 0]
    assert first.tolist() == [0, 0, 70, 0, 0, 90, 0]  # how much earlier than at the latest
    assert one.decode(pa.table(moved), groups).to_pylist() == rows["year"].to_pylist()
    irregular = pa.table({"year": rows["year"].to_numpy() + (positions > 2) + (positions > 4)})
    (other,) = find_monotone(Columns(irregular, ["year"], k=1), *groups)
    assert other.spacing == 0


def test_moments_that_are_whole_days_have_gaps_of_days() -> None:
    days = pa.array(pd.date_range("2024-01-01", periods=40))
    assert step_of(pa.chunked_array([days])) == 86_400
    hours = pa.array(pd.date_range("2024-01-01", periods=40, freq="h"))
    assert step_of(pa.chunked_array([hours])) == 3_600
    seconds = pa.array(pd.date_range("2024-01-01 00:00:01", periods=40))
    assert step_of(pa.chunked_array([seconds])) == 1


def test_of_few_long_groups_the_bounds_do_not_shorten_the_gaps() -> None:
    """They leave out the first and last rows of `k` of them, and so what most go on for."""
    starts = np.array([0, 400, 800, 1_200, 1_600, 2_000])
    rows = pa.table({"up": (starts[:, None] + 10 * np.arange(200)).ravel()})
    parents, positions = np.repeat(np.arange(6), 200), np.tile(np.arange(200), 6)
    behind = Entities(1_200, (EntityPath.of("p", parents, k=5),))
    (one,) = find_monotone(Columns(rows, ["up"], behind, k=5), parents, positions)
    assert one.high - one.low < 10 * 199
    assert one.pace == pytest.approx(10)
    order = parents, positions
    values = one.grown(np.full(1_200, one.low), np.full(1_200, 10.0), order).reshape(6, 200)
    assert (np.diff(values) == 10).all()
    # but no group goes on for much longer than real ones
    values = one.grown(np.full(1_200, one.low), np.full(1_200, 20.0), order).reshape(6, 200)
    assert np.ptp(values, axis=1).max() <= 1.02 * 10 * 199
    few = Columns(rows.slice(0, 800), ["up"], behind.take(np.arange(800)), k=5)
    assert all(m.pace == 0 for m in find_monotone(few, parents[:800], positions[:800]))


def test_what_never_rises_is_modelled_by_how_much_it_falls() -> None:
    rows, *groups = grown()
    down = pa.array(1_000_000 - rows.column("up").to_numpy())
    real = pa.table({"down": down, "any": rows.column("any")})
    (one,) = find_falling(Columns(real, real.column_names, k=5), real.column_names, tuple(groups))
    assert str(one) == "down never rises inside a group"
    modelled = pa.table({"down": one.encode(real)})
    assert find_monotone(Columns(modelled, ["down"], k=5), *groups)
    assert (one.decode(modelled) == down.to_numpy()).all()
    down = pa.array(np.where(np.arange(len(rows)) == 7, 2_000_000, down.to_numpy()))
    once = Columns(pa.table({"down": down}), ["down"], k=5)
    assert not find_falling(once, ["down"], tuple(groups))


def test_of_stretches_rows_know_what_they_follow_and_where_they_are() -> None:
    """A stretch's first row has no row before it, but a place in its group."""
    rows = pa.table({"id": range(8), "p": [1] * 8, "at": [0, 50, 51, 52, 7, 8, 9, 99]})
    metadata = Metadata().add_table("parents", "id").add_table("t", "id", fk={"p": "parents.id"})
    (_, driver), *_ = metadata.foreign_keys()
    known = {"parents": pa.table({"id": [1]}), "t": rows}
    for name, table in known.items():
        metadata.tables[name].columns = metadata.tables[name].described(table.schema)
    places = GroupPlaces(driver, rows["at"].to_numpy(), np.full(8, 100))
    plan = RelationalPlan.build(metadata, {"parents": 1, "t": 100})
    groups = sampled_groups(Sample(metadata, plan, known, places={"t": places}), "t", {100: 1}, 100)
    assert groups is not None
    assert groups.whole
    assert groups.positions.tolist() == [0, 4, 5, 6, 1, 2, 3, 7]
    assert groups.places[0].tolist() == rows["at"].to_pylist()
    assert groups.joints is not None
    assert np.flatnonzero(groups.joints).tolist() == [1, 4, 7]
    before, _ = previous_siblings(*groups.runs)
    assert before.tolist() == [-1, -1, 1, 2, -1, 4, 5, -1]


def test_groups_that_would_go_on_for_too_long_end_before_their_own_bound() -> None:
    """Each has a room of its own; they end anywhere before it, and rows stay apart."""
    rows, *groups = grown()
    (one,) = find_monotone(Columns(rows, ["up"], k=5), *groups)
    order = groups[0], groups[1]
    room = np.repeat(np.linspace(100.0, 900.0, 80), 5)
    values = one.grown(np.full(400, 90.0), np.full(400, 500.0), order, room, rng()).reshape(80, 5)
    assert (values.max(axis=1) <= room[::5]).all()
    assert (values.max(axis=1) == room[::5]).mean() < 0.1
    rising = replace(one, rises=True)
    values = rising.grown(np.full(400, 80.0), np.full(400, 500.0), order, np.full(400, 90.0))
    assert (np.diff(values.reshape(80, 5)) >= 1).all()
    assert values.max() <= 90


def test_there_is_no_gap_to_what_means_no_end() -> None:
    """The last of each group has none: it does not come thousands of years after the others."""
    rows, *groups = grown()
    up = np.where(groups[1] == 4, 999_999, rows.column("up").to_numpy())
    assert not find_monotone(Columns(pa.table({"up": up}), ["up"], k=5), *groups)


def test_rows_know_how_far_their_group_has_come() -> None:
    rows, *groups = grown()
    columns = {n: Column(name=n, kind="integer", arrow="int64") for n in rows.column_names}
    monotone = find_monotone(Columns(rows, ["up", "any"], k=1), *groups)
    everyone = np.arange(len(rows))
    known = Elapsed(monotone, *groups, None, rows).history(everyone)
    assert [b.column for b in known.layout.continuous] == ["so far.up", "pace.up"]
    first, low, high = rows.column("up").to_numpy()[0], monotone[0].low, monotone[0].high
    share = (first - low) / (high - low)
    pace = np.log10((1 - share) / 4)  # four rows are left
    assert known.values[1] == pytest.approx([2 * share - 1, 1 + 0.4 * pace], abs=1e-5)
    assert (known.values[groups[1] == 0] == 0).all()
    program = Program(monotone=tuple(monotone))
    made, described = program.move(rows, columns, (groups[0], groups[1]), rng())
    seed, settings = np.random.SeedSequence(1), EncoderSettings(k=1)
    encoder = TableEncoder.fit(made, described, seed=seed, settings=settings)
    encoded = encoder.encode(made, rng())
    told = Elapsed(monotone, *groups, encoder=encoder)
    for position in range(5):
        at = np.flatnonzero(groups[1] == position)
        told.put(at, encoded.take(at))
    assert told.history(everyone).values == pytest.approx(known.values, abs=0.01)


def test_what_comes_once_a_month_does_so_in_the_copy() -> None:
    """Months have 28 to 31 days: no gap in days leads from the first of one to that of the next."""
    draws = rng()
    size, start = draws.integers(6, 30, 40), draws.integers(0, 20, 40)
    at = np.repeat(np.arange(40), size)
    number = start[at] + np.arange(len(at)) - np.repeat(np.cumsum(size) - size, size)
    month = (np.datetime64("2018-01") + number).astype("M8[D]")
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("statement", fk={"customer": "customer.id"})
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    statement = pa.table({"customer": at, "month": month})
    real = {"customer": pa.table({"id": range(40)}), "statement": statement}
    synth.fit(real, epochs=1, seed=1, progress=False, n_jobs=1)
    made = synth.sample(seed=2, output_format="arrow")["statement"].sort_by(
        [("customer", "ascending"), ("month", "ascending")]
    )
    months = made["month"].to_numpy().astype("M8[M]")
    assert (months.astype("M8[D]") == made["month"].to_numpy()).all()
    same = np.diff(made["customer"].to_numpy()) == 0
    assert (np.diff(months.astype(int))[same] == 1).mean() > 0.8


@pytest.mark.slow
def test_events_keep_their_order_their_gaps_and_their_sequence() -> None:
    """Steps follow each other as in the real rows, about half a minute apart, never back."""
    count = 250
    draws = rng(5)
    size = draws.integers(2, 7, count)
    owner = np.repeat(np.arange(count), size)
    place = np.concatenate([np.arange(n) for n in size])
    last = place == size[owner] - 1
    kind = np.where(place == 0, "open", np.where(last, "close", "click"))
    gap = draws.integers(20, 40, len(owner)) * (place > 0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 10**7, count), unit="s")
    at = start[owner] + pd.to_timedelta(pd.Series(gap).groupby(owner).cumsum(), unit="s")
    frames = {
        "session": pd.DataFrame(
            {"id": np.arange(count), "device": draws.choice(["a", "b"], count)}
        ),
        "event": pd.DataFrame(
            {"id": np.arange(len(owner)), "session_id": owner, "kind": kind, "at": np.asarray(at)}
        ),
    }
    metadata = Metadata().add_table("session", "id", reference=False)
    metadata.add_table("event", "id", fk={"session_id": "session.id"})
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    synthesizer.fit(frames, epochs=25, seed=1, progress=False)
    assert "at never falls inside a group" in map(str, synthesizer.relations["event"])
    made = synthesizer.sample(seed=2)["event"].sort_values(["session_id", "id"])
    gaps = made.groupby("session_id")["at"].diff().dropna().dt.total_seconds()
    assert gaps.between(20, 40).all()
    by = made.groupby("session_id")["kind"]
    assert (by.first() == "open").mean() > 0.95
    assert (made[by.cumcount() > 0]["kind"] == "open").mean() < 0.05


def test_rows_of_keys_alone_are_learned_by_a_model_of_siblings() -> None:
    metadata = Metadata().add_table("p", "id").add_table("c", "id", fk={"p_id": "p.id"})
    tables = {
        "p": pd.DataFrame({"id": range(40), "x": np.arange(40) % 3}),
        "c": pd.DataFrame({"id": range(200), "p_id": np.arange(200) % 40}),
    }
    synth = Synthesizer(metadata, model="autoregressive")
    made = synth.fit(tables, epochs=1, seed=1, progress=False).sample(seed=1)
    assert set(made["c"]["p_id"]) <= set(made["p"]["id"])


@pytest.mark.parametrize("forgets", [True, False])
def test_pieces_go_on_where_the_one_before_ends(
    forgets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if all were drawn one after the other, in far fewer steps where rows forget."""
    monkeypatch.setattr("synthohive.tables.siblings.MOST_BREAKS", 0.0)
    sizes = np.array([2_000, 300, 1, PIECE + 1])
    parents = np.repeat(np.arange(4), sizes)
    positions = np.concatenate([np.arange(n) for n in sizes])
    uniforms, steps = rng(4).random(len(parents)), 0
    siblings = Siblings(Layout((Discrete("a", 1_000),)), parents, positions, piece=PIECE)

    def follow(before: np.ndarray, place: np.ndarray) -> np.ndarray:
        anew = uniforms[place] < (0.1 if forgets else 0.0)
        return np.where(anew | (before < 0), place % 1_000, (before + 1) % 1_000)

    first, *later = siblings.places()
    nothing = np.empty((len(parents), 0), dtype=np.float32)
    for number in range(20):
        if number == 1:
            siblings.guess()
        before = siblings.history(siblings.starts)
        for place in later if number else [first]:
            steps += 1
            codes = follow(siblings.history(place).codes[:, 0], place)[:, None].astype(np.int32)
            siblings.put(place, EncodedTable(siblings.layout, codes, nothing[place]))
        if number and alike(before, siblings.history(siblings.starts)):
            break
    expected = np.full(len(parents), -1)
    for row in range(len(parents)):
        last = -1 if positions[row] == 0 else expected[row - 1]
        expected[row] = follow(np.array([last]), np.array([row]))[0]
    assert np.array_equal(siblings.rows.codes[:, 0], expected)
    assert steps == 1 + PIECE * (2 if forgets else 8)


@pytest.mark.slow
def test_long_groups_keep_their_sequence_and_their_span() -> None:
    """Of 1,100 rows a parent: each follows from the one before, one a day, in the real years."""
    size, draws, frames = 1_100, rng(3), []
    for parent in range(5):
        noise, y = draws.normal(size=size), np.zeros(size)
        for t in range(1, size):
            y[t] = 0.98 * y[t - 1] + noise[t]
        day = pd.date_range("2019-01-01", periods=size)
        frames.append(pd.DataFrame({"pid": parent, "day": day, "y": np.round(y, 2)}))
    real = pd.concat(frames, ignore_index=True)
    metadata = Metadata().add_table("p", "id").add_table("c", [], fk={"pid": "p.id"})
    tables = {"p": pd.DataFrame({"id": range(5)}), "c": real}
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made = synth.fit(tables, epochs=3, seed=1, progress=False).sample(seed=2)["c"]
    by = made.sort_values(["pid", "day"]).groupby("pid")
    assert np.mean([group.y.autocorr(1) for _, group in by]) > 0.85
    assert (by.day.diff().dropna().dt.days == 1).mean() > 0.99
    assert (made.day.min(), made.day.max()) == (real.day.min(), real.day.max())


def test_groups_end_where_their_parents_say_if_most_real_ones_do() -> None:
    groups = np.repeat(np.arange(300), 4), np.tile(np.arange(4), 300)
    ends = np.repeat(np.r_[np.full(100, 2.0), np.full(100, 3.0), np.full(100, 7.0)], 4)
    assert pinned_share(ends - (groups[1] < 3), ends, *groups) == 1.0
    assert pinned_share(ends - 1.0, ends, *groups) == 0.0
    one = Monotone("season", 1.0, 0.0, 50.0, pinned=1.0)
    first, gaps = np.zeros(1_200), np.ones(1_200)
    made = one.grown(first, gaps, groups, np.full(1_200, 50.0), rng(), ends).reshape(300, 4)
    assert (made[:, 3] == ends.reshape(300, 4)[:, 3]).all()
    assert (np.diff(made, axis=1) >= 0).all()
    assert (np.diff(made[100:], axis=1) >= 1).all()
    unknown = np.full(1_200, np.nan)
    made = one.grown(first, gaps, groups, np.full(1_200, 50.0), rng(), unknown).reshape(300, 4)
    assert (made[:, 3] == 3.0).all()
