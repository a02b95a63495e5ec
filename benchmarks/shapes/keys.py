"""Hard keys: many to many, two to one parent, shared columns, hierarchies, circles."""

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
    nullable,
    ordinal,
    positions,
    repeats,
    table,
)
from synthohive import ForeignKey, Metadata

# Many to many, no pair twice; clever students take more and harder courses.


def _enrolments(rng: np.random.Generator, size: int) -> Tables:
    courses = max(8, size // 20)
    year, skill = rng.integers(1, 5, size), rng.normal(size=size)
    level = rng.integers(1, 5, courses)
    popularity = rng.gamma(1.0, size=courses)
    number = np.minimum(rng.poisson(2 + year), courses)
    chances = popularity * np.exp(-np.abs(year[:, None] - level[None, :]))
    order = np.argsort(-np.log(chances) + np.log(rng.exponential(size=chances.shape)), axis=1)
    student = np.repeat(np.arange(size), number)
    course = np.concatenate([row[:n] for row, n in zip(order, number)])
    mark = np.clip(np.round(3 - skill[student] + 0.5 * rng.normal(size=len(student)), 1), 1, 6)
    return {
        "students": table(id=np.arange(size), year=year, entrance=np.round(60 + 15 * skill)),
        "courses": table(
            id=np.arange(courses), level=level, credits=rng.choice([3, 6, 9], courses)
        ),
        "enrolments": table(student_id=student, course_id=course, mark=mark),
    }


def _enrolment_keys() -> Metadata:
    metadata = Metadata().add_table("students", "id").add_table("courses", "id")
    keys = {"student_id": "students.id", "course_id": "courses.id"}
    return metadata.add_table("enrolments", ["student_id", "course_id"], fk=keys)


def _enrolment_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["enrolments"]
    student = positions(t["students"]["id"], rows["student_id"])
    course = positions(t["courses"]["id"], rows["course_id"])
    return {
        "no repeated pairs": repeats(rows["student_id"], rows["course_id"]),
        "year ~ level": correlation(t["students"]["year"][student], t["courses"]["level"][course]),
        "entrance ~ mark": correlation(t["students"]["entrance"][student], rows["mark"]),
    }


# Two keys to one parent that are never equal; the stronger team wins.


def _matches(rng: np.random.Generator, size: int) -> Tables:
    teams = max(6, size // 10)
    strength = rng.normal(size=teams)
    home, away = rng.integers(0, teams, (2, 4 * size))
    home, away = home[home != away], away[home != away]
    wins = rng.random(len(home)) < 1 / (1 + np.exp(strength[away] - strength[home]))
    winner, loser = np.where(wins, home, away), np.where(wins, away, home)
    margin = 1 + rng.poisson(np.exp(0.4 * (strength[winner] - strength[loser])))
    day = np.sort(rng.integers(0, 300, len(winner)))
    return {
        "teams": table(id=np.arange(teams), rating=np.round(1500 + 200 * strength).astype(np.int64),
            league=np.where(strength > 0, "first", "second"),
        ),
        "matches": table(id=np.arange(len(winner)), winner_id=winner, loser_id=loser, margin=margin,
            played_on=days(day),
        ),
    }  # fmt: skip


def _match_keys() -> Metadata:
    keys = {"winner_id": "teams.id", "loser_id": "teams.id"}
    return Metadata().add_table("teams", "id").add_table("matches", "id", fk=keys)


def _match_facts(t: Mapping[str, Rows]) -> Facts:
    rows, rating = t["matches"], t["teams"]["rating"].astype(float)
    winner = rating[positions(t["teams"]["id"], rows["winner_id"])]
    loser = rating[positions(t["teams"]["id"], rows["loser_id"])]
    return {
        "no team against itself": float((rows["winner_id"] == rows["loser_id"]).sum()),
        "winner is rated higher": float((winner > loser).mean()),
        "rating gap ~ margin": correlation(winner - loser, rows["margin"]),
    }


# 1 : 0..1, the primary key is the foreign key; older users have a profile.


def _profiles(rng: np.random.Generator, size: int) -> Tables:
    age = rng.integers(16, 80, size)
    has = np.flatnonzero(rng.random(size) < age / 90)
    return {
        "users": table(id=np.arange(size), age=age, plan=rng.choice(["free", "pro"], size)),
        "profiles": table(user_id=has, score=np.round(age[has] + 5 * rng.normal(size=len(has)), 1),
            verified=rng.random(len(has)) < 0.3,
        ),
    }  # fmt: skip


def _profile_keys() -> Metadata:
    return (
        Metadata().add_table("users", "id")
        .add_table("profiles", "user_id", fk={"user_id": "users.id"})
    )  # fmt: skip


def _profile_facts(t: Mapping[str, Rows]) -> Facts:
    owner = positions(t["users"]["id"], t["profiles"]["user_id"])
    has = np.isin(np.arange(len(t["users"]["id"])), owner)
    return {
        "no second profile": repeats(t["profiles"]["user_id"]),
        "share with a profile": float(has.mean()),
        "age ~ has a profile": correlation(t["users"]["age"], has),
        "age ~ score": correlation(t["users"]["age"][owner], t["profiles"]["score"]),
    }


# Composite keys that share a column: a line's order and product are of the same tenant.


def _tenants(rng: np.random.Generator, size: int) -> Tables:
    tenants = max(5, size // 50)
    big = rng.choice([1, 3], tenants)
    products, orders = 5 * big + rng.poisson(3, tenants), rng.poisson(15 * big)
    of_product, of_order = (np.repeat(np.arange(tenants), n) for n in (products, orders))
    price = np.round(rng.gamma(2.0, 10.0, len(of_product)) + 1, 2)
    lines = 1 + rng.poisson(2, len(of_order))
    at = np.repeat(np.arange(len(of_order)), lines)
    tenant = of_order[at]
    starts = np.r_[0, np.cumsum(products)[:-1]]
    chosen = (starts[tenant] + (rng.beta(1, 2, len(at)) * products[tenant])).astype(np.int64)
    return {
        "tenants": table(id=np.arange(tenants), tier=np.where(big > 1, "big", "small")),
        "products": table(tenant_id=of_product, product_no=ordinal(of_product), price=price,
        ),
        "orders": table(tenant_id=of_order, order_no=ordinal(of_order),
            urgent=rng.random(len(of_order)) < 0.2,
        ),
        "lines": table(tenant_id=tenant, order_no=ordinal(of_order)[at], line_no=ordinal(at),
            product_no=ordinal(of_product)[chosen],
            quantity=1 + rng.poisson(20 / (1 + price[chosen])),
        ),
    }  # fmt: skip


def _tenant_keys() -> Metadata:
    metadata = Metadata().add_table("tenants", "id")
    for name, number in (("products", "product_no"), ("orders", "order_no")):
        metadata.add_table(name, ["tenant_id", number], fk={"tenant_id": "tenants.id"})
    keys = [
        ForeignKey(
            columns=["tenant_id", number], parent=parent, parent_columns=["tenant_id", number]
        )
        for parent, number in (("orders", "order_no"), ("products", "product_no"))
    ]
    return metadata.add_table("lines", ["tenant_id", "order_no", "line_no"], foreign_keys=keys)


def _tenant_facts(t: Mapping[str, Rows]) -> Facts:
    rows, products = t["lines"], t["products"]
    span = 1 + int(max(products["product_no"].max(), rows["product_no"].max()))
    at = positions(
        products["tenant_id"] * span + products["product_no"],
        rows["tenant_id"] * span + rows["product_no"],
    )
    numbers = np.stack([rows["tenant_id"], rows["order_no"], rows["line_no"]], axis=1)
    ordered = numbers[np.lexsort(numbers.T[::-1])]
    orders = np.unique(ordered[:, :2], axis=0, return_inverse=True)[1].reshape(-1)
    return {
        "no gap in line numbers": float((ordinal(orders) != ordered[:, 2]).sum()),
        "price ~ quantity": correlation(products["price"][at], rows["quantity"]),
    }


# A reference of a table to itself: pay falls with the depth, and teams are small at the top.


def _staff(rng: np.random.Generator, size: int) -> Tables:
    boss, depth = [-1], [0]
    level = [0]
    while len(boss) < size:
        below: list[int] = []
        for one in level:
            for _ in range(int(1 + rng.poisson(4 if depth[one] < 2 else 1.5))):
                if len(boss) < size:
                    below.append(len(boss))
                    boss.append(one)
                    depth.append(depth[one] + 1)
        level = below
    at = np.array(depth)
    pay = np.round(9_000 * 0.75**at * np.exp(0.1 * rng.normal(size=size)), -1)
    title = np.array(["chief", "head", "lead", "staff"])[np.minimum(at, 3)]
    return {
        "staff": table(id=np.arange(size), boss_id=nullable(np.array(boss)), pay=pay, title=title)
    }


def _staff_keys() -> Metadata:
    return Metadata().add_table("staff", "id", fk={"boss_id": "staff.id"})


def _staff_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["staff"]
    boss = positions(rows["id"], rows["boss_id"])
    depth, current = np.zeros(len(boss)), boss.copy()
    for _ in range(50):
        depth += current >= 0
        current = np.where(current >= 0, boss[current], -1)
    below = np.bincount(boss[boss >= 0], minlength=len(boss))
    employed = boss >= 0
    return {
        "no circle": float((current >= 0).sum()),
        "roots": float((~employed).sum()),
        "mean depth": float(depth.mean()),
        "greatest depth": float(depth.max()),
        "most below one": float(below.max()),
        "share with nobody below": float((below == 0).mean()),
        "depth ~ pay": correlation(depth, rows["pay"]),
        "boss's pay ~ pay": correlation(rows["pay"][boss[employed]], rows["pay"][employed]),
    }


# A circle of two tables through a nullable key: a department's head works there.


def _departments(rng: np.random.Generator, size: int) -> Tables:
    number = max(5, size // 15)
    people = np.sort(rng.integers(0, number, size))
    budget = np.round(rng.gamma(3.0, 100.0, number))
    salary = np.round(2_000 + 5 * budget[people] + 300 * rng.normal(size=size))
    head = np.full(number, -1)
    for one in range(number):
        members = np.flatnonzero(people == one)
        if len(members) and rng.random() < 0.8:
            head[one] = members[np.argmax(salary[members])]
    return {
        "departments": table(id=np.arange(number), head_id=nullable(head), budget=budget),
        "employees": table(id=np.arange(size), department_id=people, salary=salary),
    }


def _department_keys() -> Metadata:
    metadata = Metadata().add_table("departments", "id", fk={"head_id": "employees.id"})
    return metadata.add_table("employees", "id", fk={"department_id": "departments.id"})


def _department_facts(t: Mapping[str, Rows]) -> Facts:
    people, places = t["employees"], t["departments"]
    head = positions(people["id"], places["head_id"])
    at = positions(places["id"], people["department_id"])
    led = head >= 0
    return {
        "share without head": float((~led).mean()),
        "no second department of a head": repeats(head[led]),
        "no head of another department": float((at[head[led]] != np.flatnonzero(led)).sum()),
        "budget ~ salary": correlation(places["budget"][at], people["salary"]),
    }


KEY_SHAPES: dict[str, Shape] = {
    "many_to_many": Shape(_enrolments, _enrolment_keys, _enrolment_facts),
    "two_keys_one_parent": Shape(_matches, _match_keys, _match_facts),
    "one_to_one": Shape(_profiles, _profile_keys, _profile_facts),
    "shared_column": Shape(_tenants, _tenant_keys, _tenant_facts),
    "hierarchy": Shape(_staff, _staff_keys, _staff_facts),
    "cycle": Shape(_departments, _department_keys, _department_facts),
}
