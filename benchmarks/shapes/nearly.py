"""Relations that hold in 95 to 99.99 % of the rows; years in keys; dates across three tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from benchmarks.shapes.base import Facts, Rows, Shape, Tables, days, ordinal, positions, table
from benchmarks.shapes.series import exceptions
from synthohive import Metadata


def _but(
    rng: np.random.Generator, share: float, usual: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Return the usual values, but other ones in a share of the rows."""
    return np.where(rng.random(len(usual)) < share, other, usual)


def _dates(values: np.ndarray) -> np.ndarray:
    return values.astype("M8[D]")


# Tuned on: orders of customers, what was returned, and a budget for each year.

_REGIONS = {
    "Austria": "Europe", "Brazil": "America", "Canada": "America", "France": "Europe",
    "Japan": "Asia", "Kenya": "Africa", "Peru": "America", "Spain": "Europe", "Vietnam": "Asia",
}  # fmt: skip


def _orders(rng: np.random.Generator, size: int) -> Tables:
    names = np.array(list(_REGIONS))
    regions = np.array(list(_REGIONS.values()))
    country = rng.choice(len(names), size, p=np.arange(9, 0, -1) / 45)
    opened = rng.integers(0, 700, size)
    at = np.repeat(np.arange(size), rng.poisson(4, size))
    n = len(at)
    ordered = opened[at] + rng.integers(0, 900, n)
    ordered = _but(rng, 0.001, ordered, opened[at] - rng.integers(1, 30, n))
    shipped = ordered + rng.poisson(2, n)
    shipped = _but(rng, 0.005, shipped, ordered - rng.integers(1, 9, n))
    delivered = shipped + 1 + rng.poisson(3, n)
    delivered = _but(rng, 0.02, delivered, shipped - rng.integers(1, 5, n))
    net = rng.gamma(1.2, 9_000, n).astype(np.int64) + 100
    tax = np.round(_but(rng, 0.01, 0.2 * net, 0.1 * net)).astype(np.int64)
    gross = net + _but(rng, 0.001, tax, 2 * tax + 1)
    order = np.repeat(np.arange(n), rng.binomial(3, 0.12, n))
    back = delivered[order] + rng.geometric(0.1, len(order))
    back = _but(rng, 0.001, back, ordered[order] - rng.integers(1, 50, len(order)))
    years = np.repeat(np.arange(size), 1 + rng.poisson(1, size))
    year = 2014 + ordinal(years) + rng.integers(0, 4, size)[years]
    return {
        "customers": table(id=np.arange(size), country=names[country],
            region=_but(rng, 0.004, regions[country], rng.choice(regions, size)),
            opened_on=days(opened),
        ),
        "orders": table(
            id=np.arange(n), customer_id=at, ordered_on=days(ordered), shipped_on=days(shipped),
            delivered_on=days(delivered), net=net / 100, tax=tax / 100, gross=gross / 100,
            ship_country=_but(rng, 0.03, names[country][at], rng.choice(names, n)),
        ),
        "returns": table(id=np.arange(len(order)), order_id=order, returned_on=days(back)),
        "budgets": table(
            customer_id=years, year=year, limit=np.round(rng.gamma(2, 500, len(year)))
        ),
    }  # fmt: skip


def _order_keys() -> Metadata:
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    metadata.add_table("returns", "id", fk={"order_id": "orders.id"})
    return metadata.add_table(
        "budgets", ["customer_id", "year"], fk={"customer_id": "customers.id"}
    )


def _order_facts(t: Mapping[str, Rows]) -> Facts:
    customers, rows, back = t["customers"], t["orders"], t["returns"]
    at = positions(customers["id"], rows["customer_id"])
    order = positions(rows["id"], back["order_id"])
    opened, ordered = _dates(customers["opened_on"]), _dates(rows["ordered_on"])
    shipped, delivered = _dates(rows["shipped_on"]), _dates(rows["delivered_on"])
    returned, year = _dates(back["returned_on"]), t["budgets"]["year"]
    cents = {name: np.round(100 * rows[name].astype(float)) for name in ("net", "tax", "gross")}
    known = np.array([_REGIONS.get(str(c)) for c in customers["country"]])
    return {
        "no year out of 2015 to 2029": float(((year < 2015) | (year > 2029)).sum()),
        "shipped before ordered": exceptions(shipped >= ordered),
        "delivered before shipped": exceptions(delivered > shipped),
        "ordered before opened": exceptions(ordered >= opened[at]),
        "returned before delivered": exceptions(returned > delivered[order]),
        "returned before opened": exceptions(returned >= opened[at[order]]),
        "tax is not 20 %": exceptions(np.abs(0.2 * cents["net"] - cents["tax"]) <= 1),
        "gross is no sum": exceptions(cents["net"] + cents["tax"] == cents["gross"]),
        "region is another's": exceptions(customers["region"] == known),
        "shipped to another country": exceptions(
            rows["ship_country"] == customers["country"][at]
        ),
    }  # fmt: skip


# Only scored at the end: careers: born, first and last game, contracts, prizes of years.

_CONTINENTS = {
    "ARG": "SA", "BEL": "EU", "CMR": "AF", "CRO": "EU", "DEN": "EU", "GHA": "AF", "IRN": "AS",
    "JAM": "NA", "MEX": "NA", "NGA": "AF", "POL": "EU", "URU": "SA",
}  # fmt: skip


def _careers(rng: np.random.Generator, size: int) -> Tables:
    names, parts = np.array(list(_CONTINENTS)), np.array(list(_CONTINENTS.values()))
    people = 2 * size
    nation = rng.choice(len(names), people, p=np.arange(12, 0, -1) / 78)
    born = rng.integers(-17_000, -10_000, people)
    debut = born + 6_900 + rng.gamma(2, 500, people).astype(int)
    last = debut + rng.gamma(1.5, 1_200, people).astype(int)
    last = _but(rng, 0.003, last, debut - rng.integers(1, 400, people))
    height = np.round(rng.normal(181, 7, people)).astype(int)
    inches = np.round(_but(rng, 0.0005, height / 2.54, height / 2.54 + 10), 1)
    at = np.repeat(np.arange(people), 1 + rng.poisson(1.2, people))
    n = len(at)
    start = debut[at] + rng.integers(0, 1_500, n)
    start = _but(rng, 0.01, start, debut[at] - rng.integers(1, 300, n))
    end = start + 30 * rng.integers(6, 60, n)
    minutes, games = rng.gamma(2, 900, n).astype(int), rng.integers(1, 120, n)
    goals = rng.poisson(0.15 * games)
    points = 3 * goals + games + _but(rng, 0.04, np.zeros(n, int), rng.integers(1, 9, n))
    prizes = np.repeat(np.arange(people), rng.binomial(3, 0.15, people))
    year = 1970 + (debut[prizes] // 365) + 53 + 2 * ordinal(prizes)
    home = names[nation]
    return {
        "players": table(
            code=np.char.mod("pl%05d", np.arange(people)), nation=pa.array(home),
            continent=_but(rng, 0.0025, parts[nation], rng.choice(parts, people)),
            born_on=days(born), debut_on=days(debut), last_on=days(last), height_cm=height,
            height_in=inches,
        ),
        "contracts": table(
            id=np.arange(n), player=np.char.mod("pl%05d", at), starts_on=days(start),
            ends_on=days(_but(rng, 0.002, end, start - 30)), minutes=minutes, games=games,
            goals=goals, points=points,
            league_nation=_but(rng, 0.3, home[at], rng.choice(names, n)),
            citizen=_but(rng, 0.015, home[at], rng.choice(names, n)),
        ),
        "prizes": table(
            player=np.char.mod("pl%05d", prizes), year=year,
            name=rng.choice(["boot", "glove", "talent"], len(year)),
        ),
    }  # fmt: skip


def _career_keys() -> Metadata:
    keys = {"player": "players.code"}
    metadata = Metadata().add_table("players", "code").add_table("contracts", "id", fk=keys)
    return metadata.add_table("prizes", ["player", "year"], fk=keys)


def _career_facts(t: Mapping[str, Rows]) -> Facts:
    people, rows, year = t["players"], t["contracts"], t["prizes"]["year"]
    numbers = {code: i for i, code in enumerate(people["code"])}
    at = np.array([numbers[code] for code in rows["player"]])
    born, debut, last = (_dates(people[n]) for n in ("born_on", "debut_on", "last_on"))
    start, end = _dates(rows["starts_on"]), _dates(rows["ends_on"])
    known = np.array([_CONTINENTS.get(str(c)) for c in people["nation"]])
    inches = people["height_cm"] / 2.54
    return {
        "no debut before 15": float((debut - born < np.timedelta64(15 * 365, "D")).sum()),
        "no year out of 1990 to 2040": float(((year < 1990) | (year > 2040)).sum()),
        "debut after the last game": exceptions(debut <= last),
        "contract before the debut": exceptions(start >= debut[at]),
        "contract ends before its start": exceptions(end >= start),
        "inches are no centimetres": exceptions(np.abs(people["height_in"] - inches) < 0.1),
        "continent is another's": exceptions(people["continent"] == known),
        "citizen of another nation": exceptions(rows["citizen"] == people["nation"][at]),
        "plays abroad": exceptions(rows["league_nation"] == people["nation"][at]),
        "points are no sum": exceptions(rows["points"] == 3 * rows["goals"] + rows["games"]),
    }


NEARLY: dict[str, Shape] = {"nearly_orders": Shape(_orders, _order_keys, _order_facts)}
FINAL_NEARLY: dict[str, Shape] = {"nearly_careers": Shape(_careers, _career_keys, _career_facts)}
