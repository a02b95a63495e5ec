"""Sticky columns: codes that change rarely, constants of a quarter, and slow series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.shapes.base import (
    Facts,
    Rows,
    Shape,
    Tables,
    constants,
    days,
    ordinal,
    table,
)
from benchmarks.shapes.series import Series, between, codes, distinct_per
from synthohive import Metadata

# Tuned on: seasons of clubs, whose codes, parks and leagues change once in decades.


def _held(rng: np.random.Generator, at: np.ndarray, rate: float, values: np.ndarray) -> np.ndarray:
    """Return values that each row has from the one before, but for a share of new ones."""
    new = (ordinal(at) == 1) | (rng.random(len(at)) < rate)
    drawn = values[rng.integers(0, len(values), int(new.sum()))]
    return drawn[np.cumsum(new) - 1]


def _walk(rng: np.random.Generator, at: np.ndarray, pull: float, step: float) -> np.ndarray:
    """Return a walk in each group that is pulled to 0, of the given step."""
    found = np.empty(len(at))
    shocks, first = step * rng.normal(size=len(at)), ordinal(at) == 1
    starts = rng.normal(size=len(at)) * step / np.sqrt(2 * pull)
    for i in range(len(at)):
        found[i] = starts[i] if first[i] else (1 - pull) * found[i - 1] + shocks[i]
    return found


def _seasons(rng: np.random.Generator, size: int) -> Tables:
    clubs = max(10, size // 20)
    seasons = rng.integers(8, 60, clubs)
    at = np.repeat(np.arange(clubs), seasons)
    founded = 2020 - seasons
    letters = np.array(list("ABCDEFGHKLMNPRSTVW"))
    names = np.array(["".join(row) for row in constants("codes").choice(letters, (40, 3))])
    own = _held(rng, at, 0.03, np.arange(40))
    strength = _walk(rng, at, 0.15, 0.5)
    crowd = np.exp(13.5 + _walk(rng, at, 0.05, 0.12)) * (1 + 0.1 * np.tanh(strength))
    return {
        "clubs": table(id=np.arange(1, clubs + 1), founded=founded,
            region=rng.choice(["east", "west", "south"], clubs, p=[0.5, 0.3, 0.2]),
        ),
        "seasons": table(
            club_id=at + 1, year=founded[at] + ordinal(at) - 1, code=names[own],
            league=_held(rng, at, 0.01, np.array(["AL", "NL"])),
            park=_held(rng, at, 0.04, np.array([f"Park {i}" for i in range(25)])),
            wins=rng.binomial(162, 1 / (1 + np.exp(-0.25 * strength))),
            attendance=np.round(crowd, -2).astype(np.int64),
        ),
    }  # fmt: skip


def _season_keys() -> Metadata:
    metadata = Metadata().add_table("clubs", "id")
    return metadata.add_table("seasons", ["club_id", "year"], fk={"club_id": "clubs.id"})


def _season_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["seasons"]
    series = Series(rows["year"], rows["club_id"])
    sticky = ("code", "league", "park")
    return {
        "no gap in years": float((series.gaps(rows["year"]) != 1).sum()),
        **{f"changes of {name}": series.changes(rows[name]) for name in sticky},
        **{f"run of {name}": series.run(rows[name]) for name in sticky},
        **{f"{name}s per club": distinct_per(rows[name], rows["club_id"]) for name in sticky},
        "lag of wins": series.lag(rows["wins"]),
        "lag of attendance": series.lag(np.log(np.maximum(rows["attendance"], 1))),
        "step of attendance": series.step(np.log(np.maximum(rows["attendance"], 1))),
    }


# Tuned on: weeks of stores: unemployment is one number a quarter, fuel goes slowly.


def _weather(rng: np.random.Generator, size: int) -> Tables:
    stores, weeks = max(10, size // 25), 65
    at = np.repeat(np.arange(stores), weeks)
    week = np.tile(np.arange(weeks), stores)
    region = rng.integers(0, 4, stores)
    fuel = 2.8 + 0.4 * _walk(constants("fuel"), np.zeros(weeks, int), 0.02, 0.15)[week]
    fuel += 0.15 * region[at] + 0.03 * _walk(rng, at, 0.1, 0.3)
    quarter = week // 13
    jobless = rng.normal(7.5, 1.5, stores)[:, None] + 0.25 * rng.normal(size=(stores, 5)).cumsum(1)
    promo = _held(rng, at, 0.08, np.array(["none", "none", "coupon", "poster", "radio"]))
    sales = np.exp(10 - 0.05 * jobless[at, quarter] + 0.2 * (promo != "none"))
    return {
        "stores": table(id=np.arange(1, stores + 1), region=np.array(list("NESW"))[region]),
        "weeks": table(
            store_id=at + 1, week=days(7 * week), fuel=np.round(fuel, 3),
            unemployment=np.round(jobless[at, quarter], 3), promo=promo,
            sales=np.round(sales * np.exp(0.2 * rng.normal(size=len(at))), 2),
        ),
    }  # fmt: skip


def _weather_keys() -> Metadata:
    metadata = Metadata().add_table("stores", "id")
    return metadata.add_table("weeks", ["store_id", "week"], fk={"store_id": "stores.id"})


def _weather_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["weeks"]
    week = rows["week"].astype("M8[D]")
    series = Series(week, rows["store_id"])
    quarter = (week - np.datetime64("2023-01-01")).astype(int) // 91
    return {
        "no gap of weeks": float((series.gaps(week, np.timedelta64(1, "D")) != 7).sum()),
        "changes of promo": series.changes(rows["promo"]),
        "run of promo": series.run(rows["promo"]),
        "changes of unemployment": series.changes(rows["unemployment"]),
        "unemployment per store and quarter": distinct_per(
            rows["unemployment"], rows["store_id"], quarter
        ),
        "lag of unemployment": series.lag(rows["unemployment"]),
        "step of unemployment": series.step(rows["unemployment"]),
        "lag of fuel": series.lag(rows["fuel"]),
        "step of fuel": series.step(rows["fuel"]),
        "fuel between weeks": between(rows["fuel"], codes(week)),
    }


# Only scored at the end: months of customers, with tiers, plans and yearly rates.


def _statements(rng: np.random.Generator, size: int) -> Tables:
    customers = max(40, size // 4)
    number = 4 + rng.geometric(0.08, customers).clip(max=40)
    at = np.repeat(np.arange(customers), number)
    entry = rng.integers(0, 36, customers)
    month = entry[at] + ordinal(at) - 1
    wealth = rng.gamma(1.5, size=customers)
    score = wealth[at] + 0.3 * _walk(rng, at, 0.05, 0.2)
    tier = np.array(["basic", "silver", "gold", "black"])[np.digitize(score, [1, 2.5, 5])]
    balance = 4_000 * np.exp(0.5 * np.log(wealth[at]) + _walk(rng, at, 0.03, 0.1))
    yearly = rng.choice(np.arange(1.0, 6.0, 0.25), (customers, 7))
    since = (np.datetime64("2018-01", "M") + month).astype("M8[D]")
    return {
        "customers": table(
            number=np.char.mod("C-%06d", 31 * np.arange(customers)),
            age=rng.integers(18, 90, customers), joined_on=since[ordinal(at) == 1],
        ),
        "statements": table(
            customer=np.char.mod("C-%06d", 31 * at), month=since, tier=tier,
            branch=_held(rng, at, 0.015, np.array([f"branch {i}" for i in range(60)])),
            plan=_held(rng, at, 0.06, np.array(["flat", "metered", "family"])),
            rate=yearly[at, month // 12], balance=np.round(balance, 2),
            payments=rng.poisson(3 + score),
        ),
    }  # fmt: skip


def _statement_keys() -> Metadata:
    metadata = Metadata().add_table("customers", "number")
    return metadata.add_table("statements", fk={"customer": "customers.number"})


def _statement_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["statements"]
    month = rows["month"].astype("M8[D]").astype("M8[M]").astype(int)
    series, sticky = Series(month, rows["customer"]), ("tier", "branch", "plan", "rate")
    gaps = series.gaps(month)
    balance = np.log(np.maximum(rows["balance"], 1))
    return {
        "gaps of a month": float((gaps == 1).mean()),
        **{f"changes of {name}": series.changes(rows[name]) for name in sticky},
        **{f"run of {name}": series.run(rows[name]) for name in sticky},
        "rates per customer and year": distinct_per(rows["rate"], rows["customer"], month // 12),
        "branches per customer": distinct_per(rows["branch"], rows["customer"]),
        "lag of balance": series.lag(balance),
        "step of balance": series.step(balance),
    }


# Only scored at the end: a machine's log: programs in long runs, a slow temperature.


def _log(rng: np.random.Generator, size: int) -> Tables:
    machines = max(9, size // 40)
    number = rng.integers(60, 240, machines)
    at = np.repeat(np.arange(machines), number)
    minutes = np.cumsum(rng.gamma(2.0, 12.0, len(at)).astype(int) + 1)
    minutes -= np.repeat(minutes[ordinal(at) == 1], number)
    calibration = np.round(rng.normal(1, 0.02, (machines, 40)), 4)
    program = _held(rng, at, 0.02, np.array(["drill", "mill", "idle", "wash", "cut", "weld"]))
    temperature = 45 + 8 * (program == "weld") + 6 * _walk(rng, at, 0.02, 0.12)
    return {
        "machines": table(id=100 + np.arange(machines), built=rng.integers(1998, 2021, machines),
            line=rng.choice(["left", "right"], machines),
        ),
        "log": table(
            machine_id=100 + at,
            logged_at=np.datetime64("2024-02-05T06:00", "s") + minutes.astype("m8[m]"),
            program=program, operator=_held(rng, at, 0.05, np.array([f"OP{i}" for i in range(30)])),
            temperature=np.round(temperature, 1), calibration=calibration[at, minutes // 1_440],
            pieces=rng.poisson(np.where(program == "idle", 0.05, 12.0)),
        ),
    }  # fmt: skip


def _log_keys() -> Metadata:
    return Metadata().add_table("machines", "id").add_table("log", fk={"machine_id": "machines.id"})


def _log_facts(t: Mapping[str, Rows]) -> Facts:
    rows, sticky = t["log"], ("program", "operator", "calibration")
    moment = rows["logged_at"].astype("M8[s]")
    series, minute = Series(moment, rows["machine_id"]), np.timedelta64(60, "s")
    day = moment.astype("M8[D]").astype(int)
    return {
        "mean gap in minutes": float(series.gaps(moment, minute).mean()),
        **{f"changes of {name}": series.changes(rows[name]) for name in sticky},
        **{f"run of {name}": series.run(rows[name]) for name in sticky},
        "calibrations per machine and day": distinct_per(
            rows["calibration"], rows["machine_id"], day
        ),
        "lag of temperature": series.lag(rows["temperature"]),
        "step of temperature": series.step(rows["temperature"]),
    }


STICKY: dict[str, Shape] = {
    "sticky_seasons": Shape(_seasons, _season_keys, _season_facts),
    "sticky_weeks": Shape(_weather, _weather_keys, _weather_facts),
}
FINAL_STICKY: dict[str, Shape] = {
    "sticky_statements": Shape(_statements, _statement_keys, _statement_facts),
    "sticky_log": Shape(_log, _log_keys, _log_facts),
}
