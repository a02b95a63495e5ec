"""Parents that differ by the set of their children, beyond what their own columns say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.shapes.base import (
    Facts,
    Rows,
    Shape,
    Tables,
    correlation,
    days,
    positions,
    table,
)
from benchmarks.shapes.series import between, distinct_per
from synthohive import Metadata


def _drawn(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Return a choice for each row of chances, (rows, choices)."""
    edges = chances.cumsum(axis=1)
    edges /= edges[:, -1:]
    return (rng.random((len(chances), 1)) > edges).sum(axis=1)


def _levels(at: np.ndarray, values: np.ndarray, parents: int) -> np.ndarray:
    """Return the mean of each parent's children; NaN of none."""
    with np.errstate(invalid="ignore"):
        return np.bincount(at, weights=values, minlength=parents) / np.bincount(
            at, minlength=parents
        )


def _spreads(at: np.ndarray, values: np.ndarray, parents: int) -> np.ndarray:
    mean = _levels(at, values, parents)
    return np.sqrt(_levels(at, (values - mean[at]) ** 2, parents))


def _together(a: np.ndarray, b: np.ndarray) -> float:
    known = ~np.isnan(a) & ~np.isnan(b)
    return correlation(a[known], b[known])


# Tuned on: what households buy: each has a mix, a level of prices, a spread and hours of its own.

_MIX = np.array(
    [[9, 4, 1, 1, 0.3, 0.1], [1, 1, 8, 3, 0.5, 0.2], [2, 6, 1, 5, 3, 0.2], [1, 1, 1, 1, 4, 8]]
)


def _baskets(rng: np.random.Generator, size: int) -> Tables:
    kind = rng.choice(4, size, p=[0.4, 0.3, 0.2, 0.1])
    mix = np.stack([rng.dirichlet(_MIX[k] / 2) for k in kind])
    number = 2 + rng.negative_binomial(2, np.array([0.2, 0.3, 0.25, 0.15])[kind])
    at = np.repeat(np.arange(size), number)
    level = np.array([1.0, 1.8, 2.4, 3.2])[kind] + 0.4 * rng.normal(size=size)
    spread = np.exp(-1.2 + 0.3 * level + 0.2 * rng.normal(size=size))
    late = np.array([10.0, 13.0, 18.0, 20.0])[kind] + rng.normal(size=size)
    item = _drawn(rng, mix[at])
    price = np.exp(level[at] + 0.3 * item + spread[at] * rng.normal(size=len(at)) * 0.5)
    names = np.array(["bread", "milk", "fruit", "wine", "tools", "games"])
    towns = np.array(["Ulm", "Bonn", "Kiel"])
    # the town says a little of the kind, and the rest nothing: it shows in the purchases alone
    town = np.where(rng.random(size) < 0.2, towns[kind % 3], rng.choice(towns, size))
    return {
        "households": table(id=np.arange(size), town=town, persons=1 + rng.binomial(4, 0.35, size)),
        "purchases": table(
            id=np.arange(len(at)), household_id=at, item=names[item], price=np.round(price, 2),
            quantity=1 + rng.poisson(np.where(kind[at] == 0, 1.5, 0.2)),
            hour=np.clip(np.round(late[at] + rng.normal(size=len(at))), 7, 22).astype(int),
        ),
    }  # fmt: skip


def _basket_keys() -> Metadata:
    metadata = Metadata().add_table("households", "id")
    return metadata.add_table("purchases", "id", fk={"household_id": "households.id"})


def _basket_facts(t: Mapping[str, Rows]) -> Facts:
    rows, size = t["purchases"], len(t["households"]["id"])
    at = positions(t["households"]["id"], rows["household_id"])
    price = np.log(np.maximum(rows["price"], 0.01))
    share = {n: _levels(at, rows["item"] == n, size) for n in ("bread", "fruit", "games")}
    level, hour = _levels(at, price, size), _levels(at, rows["hour"], size)
    return {
        "price between households": between(price, at),
        "hour between households": between(rows["hour"], at),
        "bread between households": between(rows["item"] == "bread", at),
        "games between households": between(rows["item"] == "games", at),
        "items per household": distinct_per(rows["item"], rows["household_id"]),
        "mean price ~ its spread": _together(level, _spreads(at, price, size)),
        "mean price ~ mean hour": _together(level, hour),
        "bread ~ fruit": _together(share["bread"], share["fruit"]),
        "games ~ mean hour": _together(share["games"], hour),
        "number ~ mean price": _together(np.bincount(at, minlength=size).astype(float), level),
    }


# Tuned on: customers with habits that have nothing to do with each other (what they buy, how dear,
# with discounts, at weekends, how kindly they judge), of which none shows in their own columns.


def _customers(rng: np.random.Generator, size: int) -> Tables:
    goods = max(60, size // 10)
    kind, quality = rng.integers(0, 5, goods), rng.normal(size=goods)
    price = np.exp(2 + 0.5 * kind + 0.4 * rng.normal(size=goods))
    taste, level = rng.dirichlet(np.full(5, 0.5), size), rng.normal(size=size)
    thrift, weekend = rng.beta(0.6, 1.2, size), rng.beta(0.7, 0.9, size)
    kindness, since = rng.normal(size=size), rng.integers(0, 700, size)
    of = np.repeat(np.arange(size), 1 + rng.poisson(np.exp(1.0 + 0.4 * level)))
    cut = np.where(rng.random(len(of)) < thrift[of], rng.choice([5, 10, 20], len(of)), 0)
    at = np.repeat(np.arange(len(of)), 1 + rng.poisson(1.2, len(of)))
    bought = _drawn(rng, taste[of[at]])
    dear = np.clip(0.5 + 0.18 * level[of[at]] + 0.2 * rng.normal(size=len(at)), 0, 0.999)
    by_price = [np.flatnonzero(kind == k)[np.argsort(price[kind == k])] for k in range(5)]
    product = np.array([by_price[k][int(d * len(by_price[k]))] for k, d in zip(bought, dear)])
    by = np.repeat(np.arange(size), rng.poisson(np.exp(0.4 + 0.3 * kindness)))
    judged = rng.integers(0, goods, len(by))
    stars = 3 + 0.8 * kindness[by] + 0.7 * quality[judged] + 0.6 * rng.normal(size=len(by))
    return {
        "customers": table(id=np.arange(size), since=days(since),
            region=rng.choice(["N", "S", "E", "W"], size, p=[0.4, 0.3, 0.2, 0.1]),
        ),
        "products": table(id=np.arange(goods), price=np.round(price, 2),
            kind=np.array(["food", "toys", "tools", "books", "tech"])[kind],
        ),
        "orders": table(
            id=np.arange(len(of)), customer_id=of, discount=cut,
            placed_on=days(since[of] + rng.integers(1, 700, len(of))),
            weekend=rng.random(len(of)) < weekend[of],
        ),
        "items": table(
            id=np.arange(len(at)), order_id=at, product_id=product,
            quantity=1 + rng.poisson(np.where(thrift[of[at]] > 0.5, 1.2, 0.3)),
        ),
        "reviews": table(
            id=np.arange(len(by)), customer_id=by, product_id=judged,
            stars=np.clip(np.round(stars), 1, 5).astype(int),
        ),
    }  # fmt: skip


def _customer_keys() -> Metadata:
    metadata = Metadata().add_table("customers", "id").add_table("products", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    metadata.add_table("items", "id", fk={"order_id": "orders.id", "product_id": "products.id"})
    keys = {"customer_id": "customers.id", "product_id": "products.id"}
    return metadata.add_table("reviews", "id", fk=keys)


def _customer_facts(t: Mapping[str, Rows]) -> Facts:
    goods, orders, items, reviews = (t[n] for n in ("products", "orders", "items", "reviews"))
    size = len(t["customers"]["id"])
    of = positions(t["customers"]["id"], orders["customer_id"])
    at, what = (positions(t[n]["id"], items[f"{n[:-1]}_id"]) for n in ("orders", "products"))
    kind, price = goods["kind"][what], np.log(np.maximum(goods["price"][what], 0.01))
    level = _levels(of[at], price, size)
    return {
        "weekend between customers": between(orders["weekend"], of),
        "discount between customers": between(orders["discount"] > 0, of),
        "food between customers": between(kind == "food", of[at]),
        "tech between customers": between(kind == "tech", of[at]),
        "food between orders": between(kind == "food", at),
        "price between customers": between(price, of[at]),
        "quantity between customers": between(items["quantity"], of[at]),
        "stars between customers": between(reviews["stars"], reviews["customer_id"]),
        "stars between products": between(reviews["stars"], reviews["product_id"]),
        "number ~ mean price": _together(np.bincount(of, minlength=size).astype(float), level),
    }


# Only scored at the end: listeners, their sessions, and what is played in these.


def _listeners(rng: np.random.Generator, size: int) -> Tables:
    users = max(60, 3 * size // 5)
    taste = rng.normal(size=(users, 2))
    number = 1 + rng.poisson(np.exp(0.9 + 0.5 * taste[:, 0]))
    of = np.repeat(np.arange(users), number)
    night = taste[of, 1] + 0.6 * rng.normal(size=len(of)) > 0.8
    mood = 0.7 * taste[of, 0] + 0.5 * rng.normal(size=len(of))
    plays = 1 + rng.poisson(np.exp(1.3 + 0.35 * mood))
    at = np.repeat(np.arange(len(of)), plays)
    pull = np.stack([taste[:, 0], -taste[:, 0], taste[:, 1], -taste[:, 1], 0 * taste[:, 0]], axis=1)
    genre = _drawn(rng, np.exp(1.6 * pull[of[at]] + 0.3 * rng.normal(size=(len(at), 5))))
    base = np.array([125.0, 85.0, 140.0, 100.0, 110.0])
    tempo = base[genre] + 10 * mood[at] + 6 * rng.normal(size=len(at))
    skipped = rng.random(len(at)) < 1 / (1 + np.exp(2 - taste[of[at], 1]))
    devices = np.array(["phone", "desktop", "speaker"])
    return {
        "users": table(id=np.arange(10, 10 + users), joined_on=days(rng.integers(0, 900, users)),
            country=rng.choice(["SE", "NO", "FI", "DK"], users, p=[0.5, 0.2, 0.2, 0.1]),
        ),
        "sessions": table(
            id=np.arange(len(of)), user_id=10 + of, night=night,
            device=np.where(night & (rng.random(len(of)) < 0.7), "speaker",
                rng.choice(devices, len(of), p=[0.6, 0.3, 0.1])),
        ),
        "plays": table(
            id=np.arange(len(at)), session_id=at, tempo=np.round(tempo, 1), skipped=skipped,
            genre=np.array(["rock", "jazz", "techno", "folk", "pop"])[genre],
        ),
    }  # fmt: skip


def _listener_keys() -> Metadata:
    metadata = Metadata().add_table("users", "id")
    metadata.add_table("sessions", "id", fk={"user_id": "users.id"})
    return metadata.add_table("plays", "id", fk={"session_id": "sessions.id"})


def _listener_facts(t: Mapping[str, Rows]) -> Facts:
    sessions, rows = t["sessions"], t["plays"]
    at = positions(sessions["id"], rows["session_id"])
    size = len(t["users"]["id"])
    user = positions(t["users"]["id"], sessions["user_id"])
    tempo, genre = rows["tempo"].astype(float), rows["genre"]
    own = user[at]
    share = {n: _levels(own, genre == n, size) for n in ("rock", "jazz", "techno")}
    number = np.bincount(user, minlength=size).astype(float)
    return {
        "tempo between sessions": between(tempo, at),
        "tempo between users": between(tempo, own),
        "rock between users": between(genre == "rock", own),
        "techno between users": between(genre == "techno", own),
        "night between users": between(sessions["night"], user),
        "skipped between users": between(rows["skipped"], own),
        "genres per user": distinct_per(genre, own),
        "rock ~ jazz": _together(share["rock"], share["jazz"]),
        "techno ~ nights": _together(share["techno"], _levels(user, sessions["night"], size)),
        "sessions ~ rock": _together(number, share["rock"]),
        "plays ~ mean tempo": _together(
            np.bincount(at, minlength=len(user)).astype(float), _levels(at, tempo, len(user))
        ),
    }


SETS: dict[str, Shape] = {
    "sets_baskets": Shape(_baskets, _basket_keys, _basket_facts),
    "sets_customers": Shape(_customers, _customer_keys, _customer_facts),
}
FINAL_SETS: dict[str, Shape] = {
    "sets_listeners": Shape(_listeners, _listener_keys, _listener_facts)
}
