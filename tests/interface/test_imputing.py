"""Missing cells filled: by what is known of a row, its parents, its siblings and its relations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import (
    CheckConstraint,
    Column,
    ConstraintViolationError,
    Metadata,
    PrivacyConfig,
    SchemaError,
    Synthesizer,
    UniqueConstraint,
)
from synthohive.constrain.unique import UniqueRepair
from tests.events import captured_events

PLANS = {"free": 0, "team": 40, "firm": 400}
Frames = dict[str, pd.DataFrame]


def tables(customers: int = 500) -> Frames:
    """Return customers, and invoices over them that follow each other."""
    rng = np.random.default_rng(3)
    plan = rng.choice(list(PLANS), customers, p=[0.5, 0.3, 0.2])
    number = rng.integers(0, 5, customers)
    owner = np.repeat(np.arange(customers), number)
    day = np.concatenate([np.sort(rng.integers(0, 900, n)) for n in number])
    price = np.array([PLANS[p] for p in plan])[owner] + rng.integers(1, 9, len(owner))
    seats = rng.integers(1, 6, len(owner))
    billed = np.datetime64("2024-01-01") + day.astype("m8[D]")
    late = rng.integers(0, 40, len(owner))
    total = pd.Series(price * seats).groupby(owner).sum().reindex(range(customers), fill_value=0)
    return {
        "customer": pd.DataFrame(
            {
                "id": np.arange(customers),
                "plan": plan,
                "team": rng.random(customers) < 0.5,
                "spent": total.to_numpy(),
            }
        ),
        "invoice": pd.DataFrame(
            {
                "id": np.arange(len(owner)),
                "customer_id": owner,
                "price": price,
                "seats": seats,
                "amount": price * seats,
                "billed": pd.Series(billed.astype("M8[us]")),
                "paid": pd.Series((billed + late.astype("m8[D]")).astype("M8[us]")),
                "note": np.where(rng.random(len(owner)) < 0.7, None, "called"),
            }
        ),
    }


def with_holes(share: float, seed: int = 5) -> Frames:
    """Return the tables without some cells."""
    rng = np.random.default_rng(seed)
    made = tables()
    for frame in made.values():
        for name in frame.columns:
            if name not in ("id", "customer_id"):
                frame[name] = frame[name].where(rng.random(len(frame)) >= share)
    return made


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    """Return a synthesizer that has learned both tables."""
    metadata = Metadata().add_table("customer", "id", reference=False)
    metadata.add_table("invoice", "id", fk={"customer_id": "customer.id"})
    made = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return made.fit(tables(), epochs=12, seed=1, progress=False)


@pytest.fixture(scope="module")
def filled(fitted: Synthesizer) -> Frames:
    """Return rows without a tenth of their cells, filled."""
    return fitted.impute(with_holes(0.1), seed=2)


def test_known_cells_and_keys_stay_as_they_are(filled: Frames) -> None:
    for name, holes in with_holes(0.1).items():
        assert list(filled[name].columns) == list(holes.columns)
        for column in holes.columns:
            known = holes[column].notna()
            pd.testing.assert_series_equal(
                filled[name][column][known], holes[column][known], check_dtype=False
            )


def test_nearly_all_cells_are_filled_also_those_that_are_mostly_empty(filled: Frames) -> None:
    for frame in filled.values():
        assert frame.isna().mean().max() < 0.005
    holes = with_holes(0.1)["invoice"]["note"]
    assert holes.isna().mean() > 0.7
    assert set(filled["invoice"]["note"]) == {"called"}


def test_exact_relations_hold_in_filled_rows(fitted: Synthesizer, filled: Frames) -> None:
    found = {str(r) for r in fitted.relations["invoice"]}
    assert found >= {"amount = round(price * seats)", "paid >= billed"}
    rows = filled["invoice"].dropna()
    assert (rows["amount"] == rows["price"] * rows["seats"]).all()
    assert (rows["paid"] >= rows["billed"]).all()


def test_what_follows_from_known_cells_is_exact() -> None:
    """Of price, seats and amount, two tell the third, whichever is lost."""
    holes, truth = with_holes(0.1)["invoice"], tables()["invoice"]
    made = _fitted_alone().impute({"invoice": holes.drop(columns="customer_id")}, seed=3)
    names = ["price", "seats", "amount"]
    lost = holes[names].isna()
    alone = lost.sum(axis=1) == 1
    for name in names:
        rows = alone & lost[name]
        assert rows.sum() > 50
        assert (made["invoice"][name][rows] == truth[name][rows]).all()


def _fitted_alone() -> Synthesizer:
    made = Synthesizer(Metadata().add_table("invoice", "id"), model="autoregressive")
    rows = tables()["invoice"].drop(columns="customer_id")
    return made.fit({"invoice": rows}, epochs=2, seed=1, progress=False)


def test_times_stay_in_the_order_of_their_group(fitted: Synthesizer) -> None:
    for seed in range(3):  # with neighbours of which both are lost
        rows = fitted.impute(with_holes(0.3, seed), seed=seed)["invoice"]
        gaps = rows.groupby("customer_id")["billed"].diff().dropna()
        assert (gaps >= pd.Timedelta(0)).all()
        whole = rows.dropna()
        assert len(whole) > 0.98 * len(rows)
        assert (whole["paid"] >= whole["billed"]).all()


def test_a_parent_is_told_by_its_children_and_they_by_it(filled: Frames) -> None:
    holes, truth = with_holes(0.1), tables()
    lost = holes["customer"]["spent"].isna()
    children = holes["invoice"].groupby("customer_id")["amount"].apply(lambda a: a.notna().all())
    whole = lost & children.reindex(range(len(lost)), fill_value=True)
    assert whole.sum() > 20
    assert (filled["customer"]["spent"][whole] == truth["customer"]["spent"][whole]).all()
    unpriced = holes["invoice"]["price"].isna() & holes["invoice"]["amount"].isna()
    error = (filled["invoice"]["price"] - truth["invoice"]["price"])[unpriced].abs()
    assert error.median() < 10  # of 0 to 408, by the customer's plan


def test_a_plan_follows_from_prices(fitted: Synthesizer) -> None:
    """Of 39 cells, 0.38 at random; over six seeds of the fit 0.52 to 0.74, 0.6 in the mean."""
    holes, truth = with_holes(0.1)["customer"], tables()["customer"]
    lost = holes["plan"].isna() & (truth["spent"] > 0) & holes["spent"].notna()
    draws = [fitted.impute(with_holes(0.1), seed=seed)["customer"] for seed in range(5)]
    hits = [(draw["plan"] == truth["plan"])[lost].mean() for draw in draws]
    assert np.mean(hits) > 0.5


def test_one_seed_one_result(fitted: Synthesizer, filled: Frames) -> None:
    again, other = (fitted.impute(with_holes(0.1), seed=seed) for seed in (2, 3))
    pd.testing.assert_frame_equal(again["invoice"], filled["invoice"])
    assert not other["invoice"].equals(filled["invoice"])


def test_a_frame_keeps_its_index_and_what_is_not_filled(fitted: Synthesizer) -> None:
    holes = with_holes(0.1)
    holes["invoice"].index = holes["invoice"].index + 1000
    made = fitted.impute(holes, seed=2)["invoice"]
    assert made.index.equals(holes["invoice"].index)
    assert holes["invoice"]["seats"].isna().any()  # it is a copy


def test_only_named_columns_are_filled(fitted: Synthesizer) -> None:
    holes = with_holes(0.1)
    made = fitted.impute(holes, {"invoice": ["seats"]}, seed=2)
    assert made["invoice"]["seats"].notna().all()
    for name in ("customer", "invoice"):
        pd.testing.assert_frame_equal(
            made[name].drop(columns="seats", errors="ignore"),
            holes[name].drop(columns="seats", errors="ignore"),
        )


def test_arrow_tables_come_back_as_such(fitted: Synthesizer) -> None:
    holes = {
        name: pa.Table.from_pandas(frame, preserve_index=False)
        for name, frame in with_holes(0.1).items()
    }
    made = fitted.impute(holes, seed=2)
    for name, table in made.items():
        assert isinstance(table, pa.Table)
        assert table.schema.equals(holes[name].schema)


def test_it_survives_a_checkpoint(fitted: Synthesizer, filled: Frames, tmp_path: Any) -> None:
    fitted.save(tmp_path / "kept")
    made = Synthesizer.load(tmp_path / "kept").impute(with_holes(0.1), seed=2)
    pd.testing.assert_frame_equal(made["invoice"], filled["invoice"])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"invoices": ["seats"]}, "Did you mean 'invoice'"),
        ({"invoice": ["seat"]}, "Did you mean 'seats'"),
        ({"invoice": ["customer_id"]}, "cannot be filled: a key"),
    ],
)
def test_what_cannot_be_filled_is_refused(
    fitted: Synthesizer, columns: dict[str, list[str]], words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        fitted.impute(with_holes(0.1), columns)


def test_other_types_than_learned_are_named(fitted: Synthesizer) -> None:
    holes = with_holes(0.1)
    holes["invoice"]["seats"] = "many"
    with pytest.raises(SchemaError, match=r"invoice\.seats holds string; .* int64"):
        fitted.impute(holes)


def test_a_model_that_draws_whole_rows_is_named() -> None:
    made = Synthesizer(Metadata().add_table("customer", "id", reference=False))
    made.fit({"customer": tables(120)["customer"]}, epochs=1, seed=1, progress=False)
    with pytest.raises(SchemaError, match=r"'ctgan'.*\n?.*autoregressive"):
        made.impute({"customer": tables(120)["customer"]}, {"customer": ["plan"]})


ROOMS = pd.DataFrame({"id": range(40)})


def bookings() -> pd.DataFrame:
    """Rooms that are booked for nearly all shifts of five days."""
    rng = np.random.default_rng(4)
    full = pd.MultiIndex.from_product([range(40), range(5), range(2)])
    rows = full[rng.random(400) < 0.9].to_frame(index=False, name=["room", "day", "shift"])
    return rows.sample(frac=1.0, random_state=1, ignore_index=True).assign(id=range(len(rows)))


def booked(nullable: bool) -> Synthesizer:
    metadata = Metadata().add_table("rooms", "id")
    columns = {
        name: Column(name=name, kind="integer", nullable=nullable and name == "day")
        for name in bookings()
    }
    unique = [UniqueConstraint(columns=["room", "day", "shift"])]
    metadata.add_table("bookings", "id", columns=columns, unique=unique, fk={"room": "rooms.id"})
    synth = Synthesizer(metadata, model="autoregressive")
    return synth.fit({"rooms": ROOMS, "bookings": bookings()}, epochs=1, seed=1, progress=False)


def test_filled_cells_repeat_no_unique_key(monkeypatch: pytest.MonkeyPatch) -> None:
    synth, holes = booked(nullable=True), bookings()
    holes.loc[holes.index % 3 == 0, "day"] = None
    made = synth.impute({"rooms": ROOMS, "bookings": holes}, seed=3)["bookings"].dropna()
    assert len(made) > 0.95 * len(holes)
    assert not made.duplicated(["room", "day", "shift"]).any()
    monkeypatch.setattr(UniqueRepair, "broken", lambda _, rows, __: np.zeros(len(rows), bool))
    with pytest.raises(ConstraintViolationError, match=r"bookings: .* UNIQUE \(room, day, shift\)"):
        synth.impute({"rooms": ROOMS, "bookings": holes}, seed=3)


def test_keys_that_given_rows_break_are_told() -> None:
    synth, given = booked(nullable=False), bookings()
    given.loc[5, "room"] = 77
    given.loc[7, "shift"] = None
    with captured_events() as events:
        made = synth.impute({"rooms": ROOMS, "bookings": given}, seed=3)["bookings"]
    assert made["shift"].notna().all()
    (problems,) = [e["problems"] for e in events if e["event"] == "given_rows_not_valid"]
    (problem,) = problems
    assert "1 rows break bookings(room) -> rooms(id)" in problem


def test_a_cell_that_fits_nothing_stays_empty_though_another_column_says_it_is_there() -> None:
    rng = np.random.default_rng(1)
    guests = pd.DataFrame({"id": range(300), "tables": rng.integers(1, 5, 300)})
    guests["seat"] = pd.array(rng.integers(1, 40, 300), "Int64")
    guests.loc[rng.random(300) < 0.4, "seat"] = pd.NA
    guests["state"] = np.where(guests["seat"].isna(), "waits", "sits")
    metadata = Metadata().add_table("guests", "id", reference=False)
    metadata.tables["guests"].checks.append(CheckConstraint(sqltext="seat * tables > 0"))
    privacy = PrivacyConfig(detect_pii=False, k_anonymity_threshold=2)
    synth = Synthesizer(metadata, privacy, model="autoregressive")
    synth.fit({"guests": guests}, epochs=1, seed=1, progress=False)
    (relation,) = synth.relations["guests"]
    assert str(relation) == "seat is NULL exactly where state is 'waits'"
    more = pd.DataFrame({"id": [999], "tables": [0], "seat": [None], "state": ["sits"]})
    given = pd.concat([guests, more.astype(guests.dtypes)], ignore_index=True)
    with captured_events() as events:
        filled = synth.impute({"guests": given}, columns={"guests": ["seat"]}, seed=1)["guests"]
    assert filled["seat"].isna().iloc[-1]  # no seat times 0 is above 0
    assert "cells_left_empty" in {event["event"] for event in events}


def test_what_a_nearly_exact_relation_follows_from_goes_by_what_is_known_of_it() -> None:
    """Of a copy with exceptions, the lost source is the known target, with as many exceptions."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 500, 2_000)
    again = np.where(rng.random(2_000) < 0.04, rng.integers(0, 500, 2_000), code)
    real = pd.DataFrame({"code": code, "again": again})
    made = Synthesizer(Metadata().add_table("t"), model="autoregressive")
    made.fit({"t": real}, epochs=2, seed=1, progress=False)
    for lost, known in (("code", "again"), ("again", "code")):
        rows = real.assign(**{lost: real[lost].astype("Int64").where(np.arange(2_000) % 4 > 0)})
        rows = made.impute({"t": rows}, seed=2)["t"].iloc[::4]
        assert 0.9 < (rows[lost] == rows[known]).mean() < 1
