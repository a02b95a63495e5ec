"""Panels: series of things that have no table, under keys that nothing declares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.shapes.base import Facts, Rows, Shape, Tables, constants, days, table
from benchmarks.shapes.series import Series, distinct_per, holders, repeated
from synthohive import Metadata

# Tuned on: departments of stores by week.


def _store_weeks(rng: np.random.Generator, size: int) -> Tables:
    stores, weeks = max(10, size // 25), 26
    kind = rng.choice(["A", "B", "C"], stores, p=[0.4, 0.4, 0.2])
    area = np.round(rng.gamma(8, np.where(kind == "A", 24, np.where(kind == "B", 13, 5)))) * 1_000
    popular, dear = constants("departments").random(30) ** 0.5, constants("prices").normal(size=30)
    mean = np.select([kind == "A", kind == "B"], [14, 9], 4)
    has = rng.random((stores, 30)) < np.minimum(1, popular * mean[:, None] / popular.sum())
    has[np.arange(stores), rng.integers(0, 30, stores)] = True
    store, dept = np.nonzero(has)
    level = np.exp(dear[dept]) * area[store] / 100_000
    first = np.where(rng.random(len(store)) < 0.1, rng.integers(1, weeks, len(store)), 0)
    noise = np.zeros((len(store), weeks))
    for week in range(weeks):
        noise[:, week] = 0.7 * noise[:, week - 1] + 0.2 * rng.normal(size=len(store))
    kept = (np.arange(weeks) >= first[:, None]) & (rng.random(noise.shape) > 0.02)
    series, week = np.nonzero(kept)
    holiday = np.isin(week, [5, 6, 14, 22])
    sales = 5_000 * level[series] * np.exp(noise[series, week] + 0.3 * holiday)
    return {
        "stores": table(id=np.arange(1, stores + 1), kind=kind, area=area.astype(np.int64)),
        "sales": table(
            store_id=store[series] + 1, dept=dept[series] + 1, week=days(7 * week),
            sales=np.round(sales, 2), holiday=holiday,
        ),
    }  # fmt: skip


def _store_week_keys() -> Metadata:
    return Metadata().add_table("stores", "id").add_table("sales", fk={"store_id": "stores.id"})


def _store_week_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["sales"]
    store, dept, week = rows["store_id"], rows["dept"], rows["week"].astype("M8[D]")
    series = Series(week, store, dept)
    large = np.isin(store, t["stores"]["id"][t["stores"]["kind"] == "A"])
    return {
        "no repeated store, dept and week": repeated(store, dept, week),
        "no week of two kinds": holders(rows["holiday"], week),
        "departments per store": distinct_per(dept, store),
        "departments per store of kind A": distinct_per(dept[large], store[large]),
        "weeks per department": distinct_per(week, store, dept),
        "gaps of a week": float((series.gaps(week, np.timedelta64(1, "D")) == 7).mean()),
        "lag of sales": series.lag(np.log(np.maximum(rows["sales"], 1))),
        "step of sales": series.step(np.log(np.maximum(rows["sales"], 1))),
    }


# Tuned on: players' years at teams, by position.


def _appearances(rng: np.random.Generator, size: int) -> Tables:
    players = max(30, size // 4)
    hand = rng.choice(["R", "L", "B"], players, p=[0.65, 0.28, 0.07])
    debut = rng.integers(1990, 2015, players)
    length = np.minimum(1 + rng.geometric(0.18, players), 18)
    teams = np.array([f"{a}{b}" for a in ("BO", "CH", "NY", "SL", "TO") for b in "ANXY"])
    main = rng.choice(["P", "C", "1B", "SS", "OF"], players, p=[0.4, 0.1, 0.12, 0.12, 0.26])
    rows: list[tuple[object, ...]] = []
    for player in range(players):
        team = rng.choice(teams)
        for year in range(debut[player], debut[player] + length[player]):
            team = rng.choice(teams) if rng.random() < 0.2 else team
            moves = [team, rng.choice(teams)] if rng.random() < 0.12 else [team]
            for at in dict.fromkeys(moves):
                others = rng.choice(["1B", "2B", "3B", "OF"], rng.poisson(0.5))
                chosen = [main[player]] if main[player] == "P" else [main[player], *others]
                for place in dict.fromkeys(chosen):
                    share = 100 if place == main[player] else 20
                    rows.append((player + 1, year, at, place, 1 + rng.poisson(share / len(moves))))
                team = at
    player_id, year, at, place, games = (np.array(column) for column in zip(*rows))
    league = np.where(np.char.endswith(at, "A") | np.char.endswith(at, "X"), "AL", "NL")
    return {
        "players": table(id=np.arange(1, players + 1), hand=hand, born=debut - 22),
        "appearances": table(
            player_id=player_id, year=year, team=at, league=league, position=place, games=games
        ),
    }


def _appearance_keys() -> Metadata:
    keys = {"player_id": "players.id"}
    return Metadata().add_table("players", "id").add_table("appearances", fk=keys)


def _appearance_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["appearances"]
    player, year, team = rows["player_id"], rows["year"], rows["team"]
    place, series = rows["position"], Series(year, player)
    return {
        "no repeated player, year, team, position": repeated(player, year, team, place),
        "no team in two leagues": holders(rows["league"], team),
        "years per player": distinct_per(year, player),
        "teams per player": distinct_per(team, player),
        "teams per player and year": distinct_per(team, player, year),
        "positions per player, year and team": distinct_per(place, player, year, team),
        "positions per player": distinct_per(place, player),
        "gaps of a year at most": float((series.gaps(year) <= 1).mean()),
        "changes of team": series.changes(team),
    }


# Only scored at the end: sensors of sites by the hour.


def _sensor_hours(rng: np.random.Generator, size: int) -> Tables:
    sites, hours = max(12, size // 20), 40
    terrain = rng.choice(["street", "park", "roof", "port"], sites, p=[0.5, 0.2, 0.2, 0.1])
    height = np.round(rng.exponential(60, sites), 1)
    names = np.array(["CO", "NO2", "O3", "PM10", "PM25", "TEMP", "WIND"])
    units = np.array(["mg", "ug", "ug", "ug", "ug", "C", "m/s"])
    number = 1 + rng.binomial(6, np.where(terrain == "street", 0.6, 0.25))
    order = rng.random((sites, 7)).argsort(axis=1).argsort(axis=1)
    site, sensor = np.nonzero(order < number[:, None])
    start = rng.integers(0, 24, sites)[site]
    stop = np.where(rng.random(len(site)) < 0.25, rng.integers(5, hours, len(site)), hours)
    series, hour = np.nonzero(np.arange(hours) < stop[:, None])
    kept = rng.random(len(series)) > 0.04
    series, hour = series[kept], hour[kept]
    phase = 2 * np.pi * ((start[series] + hour) % 24) / 24
    base = np.array([1, 40, 60, 25, 12, 15, 4.0])[sensor] * rng.lognormal(0, 0.4, len(site))
    value = base[series] * (1.2 + np.sin(phase) * 0.6 + 0.15 * rng.normal(size=len(series)))
    at = np.datetime64("2022-06-01T00", "h") + (start[series] + hour)
    return {
        "sites": table(code=np.char.mod("S%04d", 7 * np.arange(sites)), terrain=terrain,
            height=height,
        ),
        "readings": table(
            site=np.char.mod("S%04d", 7 * site[series]), taken_at=at.astype("M8[s]"),
            sensor=names[sensor[series]], unit=units[sensor[series]], value=np.round(value, 1),
        ),
    }  # fmt: skip


def _sensor_hour_keys() -> Metadata:
    return Metadata().add_table("sites", "code").add_table("readings", fk={"site": "sites.code"})


def _sensor_hour_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["readings"]
    site, sensor, at = rows["site"], rows["sensor"], rows["taken_at"].astype("M8[s]")
    series, street = Series(at, site, sensor), t["sites"]["terrain"] == "street"
    there = np.isin(site, t["sites"]["code"][street])
    return {
        "no repeated site, sensor and hour": repeated(site, sensor, at),
        "no sensor of two units": holders(rows["unit"], sensor),
        "sensors per site": distinct_per(sensor, site),
        "sensors per site in a street": distinct_per(sensor[there], site[there]),
        "hours per sensor": distinct_per(at, site, sensor),
        "gaps of an hour": float((series.gaps(at, np.timedelta64(1, "h")) == 1).mean()),
        "lag of value": series.lag(rows["value"]),
        "step of value": series.step(rows["value"]),
    }


# Only scored at the end: what employees book on projects, by month and role.


def _bookings(rng: np.random.Generator, size: int) -> Tables:
    staff = max(40, size // 5)
    grade = rng.integers(1, 6, staff)
    roles = np.array(["analyst", "builder", "lead", "tester"])
    rows: list[tuple[object, ...]] = []
    for person in range(staff):
        first = int(rng.integers(0, 24))
        running: list[int] = []
        for month in range(first, first + int(rng.integers(3, 14))):
            running = [p for p in running if rng.random() < 0.8]
            wanted = 1 + int(rng.random() < 0.15 * grade[person])
            while len(running) < wanted:
                project = int(rng.integers(0, 60))
                running += [project] if project not in running else []
            for project in running:
                own = roles[2 if grade[person] > 3 else (person + project) % 4]
                for role in dict.fromkeys([own, *rng.choice(roles, rng.binomial(1, 0.2))]):
                    hours = 160 / len(running) * (0.8 if role == own else 0.2)
                    spent = round(float(hours * rng.gamma(20, 1 / 20)) * 4) / 4
                    rows.append((person + 501, month, f"PRJ-{project:03d}", role, spent))
    who, month, project, role, spent = (np.array(column) for column in zip(*rows))
    start = (np.datetime64("2020-01", "M") + month.astype(int)).astype("M8[D]")
    return {
        "staff": table(number=np.arange(501, 501 + staff), grade=grade,
            site=rng.choice(["north", "south", "abroad"], staff, p=[0.5, 0.4, 0.1]),
        ),
        "bookings": table(
            staff_number=who, month=start, project=project, role=role, hours=spent,
            billable=(np.char.str_len(role) + month.astype(int)) % 9 > 1,
        ),
    }  # fmt: skip


def _booking_keys() -> Metadata:
    keys = {"staff_number": "staff.number"}
    return Metadata().add_table("staff", "number").add_table("bookings", fk=keys)


def _booking_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["bookings"]
    who, month = rows["staff_number"], rows["month"].astype("M8[D]").astype("M8[M]")
    project, role = rows["project"], rows["role"]
    series = Series(month.astype(int), who, project)
    hours = np.bincount(np.unique([f"{a} {b}" for a, b in zip(who, month)], return_inverse=True)[1],
        weights=rows["hours"],
    )  # fmt: skip
    return {
        "no repeated person, month, project, role": repeated(who, month, project, role),
        "months per person": distinct_per(month, who),
        "projects per person": distinct_per(project, who),
        "projects per person and month": distinct_per(project, who, month),
        "roles per person, month and project": distinct_per(role, who, month, project),
        "months per person and project": distinct_per(month, who, project),
        "gaps of a month at most": float((series.gaps(month.astype(int)) <= 1).mean()),
        "sd of a month's hours": float(hours.std()),
    }


PANELS: dict[str, Shape] = {
    "panel_stores": Shape(_store_weeks, _store_week_keys, _store_week_facts),
    "panel_players": Shape(_appearances, _appearance_keys, _appearance_facts),
}
FINAL_PANELS: dict[str, Shape] = {
    "panel_sensors": Shape(_sensor_hours, _sensor_hour_keys, _sensor_hour_facts),
    "panel_bookings": Shape(_bookings, _booking_keys, _booking_facts),
}
