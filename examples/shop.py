"""Build a small, realistic shop database in SQLite: nine tables that hang together.

The data is made up, deterministic by its seed, and has structure worth learning: loyal
customers order more, prices depend on the category, pending orders have no shipping date,
shop orders have an employee and web orders have none, bad products get bad reviews.
"""

from __future__ import annotations

import argparse
import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

DDL = """
CREATE TABLE employees (
    employee_id INTEGER NOT NULL PRIMARY KEY,
    manager_id  INTEGER REFERENCES employees (employee_id),
    full_name   VARCHAR(80) NOT NULL,
    email       VARCHAR(120) NOT NULL,
    job_title   VARCHAR(30) NOT NULL,
    salary      DECIMAL(10, 2) NOT NULL CHECK (salary > 0),
    hired_on    DATE NOT NULL,
    CONSTRAINT uq_employees_email UNIQUE (email)
);
CREATE TABLE customers (
    customer_id   INTEGER NOT NULL PRIMARY KEY,
    first_name    VARCHAR(40) NOT NULL,
    last_name     VARCHAR(40) NOT NULL,
    email         VARCHAR(120) NOT NULL,
    phone         VARCHAR(24),
    address       VARCHAR(120) NOT NULL,
    country       VARCHAR(20) NOT NULL,
    birth_date    DATE,
    tier          VARCHAR(10) NOT NULL CHECK (tier IN ('basic', 'silver', 'gold')),
    newsletter    BOOLEAN NOT NULL,
    registered_at TIMESTAMP NOT NULL,
    CONSTRAINT uq_customers_email UNIQUE (email)
);
CREATE TABLE categories (
    category_id INTEGER NOT NULL PRIMARY KEY,
    parent_id   INTEGER REFERENCES categories (category_id),
    name        VARCHAR(40) NOT NULL
);
CREATE TABLE products (
    product_id  INTEGER NOT NULL PRIMARY KEY,
    category_id INTEGER NOT NULL REFERENCES categories (category_id),
    name        VARCHAR(80) NOT NULL,
    price       DECIMAL(10, 2) NOT NULL CHECK (price > 0),
    attributes  JSON,
    in_stock    BOOLEAN NOT NULL
);
CREATE TABLE tags (
    tag_id INTEGER NOT NULL PRIMARY KEY,
    label  VARCHAR(30) NOT NULL
);
CREATE TABLE product_tags (
    product_id INTEGER NOT NULL REFERENCES products (product_id),
    tag_id     INTEGER NOT NULL REFERENCES tags (tag_id),
    PRIMARY KEY (product_id, tag_id)
);
CREATE TABLE orders (
    order_id    INTEGER NOT NULL PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (customer_id),
    employee_id INTEGER REFERENCES employees (employee_id),
    channel     VARCHAR(10) NOT NULL,
    status      VARCHAR(12) NOT NULL,
    ordered_at  TIMESTAMP NOT NULL,
    shipped_at  TIMESTAMP,
    CONSTRAINT ck_orders_dates CHECK (shipped_at IS NULL OR shipped_at >= ordered_at)
);
CREATE TABLE order_items (
    order_id    INTEGER NOT NULL REFERENCES orders (order_id),
    line_number INTEGER NOT NULL,
    product_id  INTEGER NOT NULL REFERENCES products (product_id),
    quantity    INTEGER NOT NULL,
    unit_price  DECIMAL(10, 2) NOT NULL,
    PRIMARY KEY (order_id, line_number),
    CONSTRAINT ck_order_items_quantity CHECK (quantity > 0),
    CONSTRAINT ck_order_items_price CHECK (unit_price >= 0)
);
CREATE TABLE reviews (
    review_id   INTEGER NOT NULL PRIMARY KEY,
    product_id  INTEGER NOT NULL REFERENCES products (product_id),
    customer_id INTEGER REFERENCES customers (customer_id),
    rating      SMALLINT NOT NULL CHECK (rating BETWEEN 1 AND 5),
    body        TEXT,
    written_at  TIMESTAMP NOT NULL
);
CREATE INDEX ix_orders_customer ON orders (customer_id);
CREATE INDEX ix_orders_ordered_at ON orders (ordered_at);
CREATE INDEX ix_order_items_product ON order_items (product_id);
"""

FIRST = (
    "Ada Ben Carla David Elena Farid Grace Hugo Ines Jonas Kira Liam Maya Nils Olga Pablo "
    "Quinn Rosa Sami Tara Uma Victor Wanda Xenia Yusuf Zoe Anna Bruno Chloe Dario"
).split()
LAST = (
    "Almeida Bauer Costa Dubois Eriksen Fischer Garcia Haddad Ivanova Jensen Kowalski Lopez "
    "Moreau Novak Okafor Petrov Quist Rossi Schmidt Tanaka Ueda Vargas Weber Young Zhang"
).split()
STREETS = ("Oak Street", "Main Street", "Station Road", "Park Lane", "Mill Road", "High Street")
COUNTRIES = {  # share, dialling code, city
    "Germany": (0.34, "+49", "Berlin"),
    "France": (0.22, "+33", "Lyon"),
    "Spain": (0.15, "+34", "Valencia"),
    "Italy": (0.13, "+39", "Turin"),
    "Netherlands": (0.10, "+31", "Utrecht"),
    "Norway": (0.06, "+47", "Bergen"),
}
CATEGORIES = {  # typical price, then the subcategories
    "Books": (14, ("Novels", "Travel", "Cooking", "Science")),
    "Electronics": (180, ("Phones", "Audio", "Cameras", "Computers")),
    "Garden": (35, ("Tools", "Plants", "Furniture")),
    "Sports": (55, ("Running", "Cycling", "Climbing", "Water")),
    "Toys": (22, ("Puzzles", "Games", "Models")),
}
TAGS = "new sale eco premium gift bestseller limited vegan wireless kids outdoor classic".split()
COLOURS = ("black", "white", "red", "blue", "green")
GOOD = ("Great value.", "Exactly as described.", "Would buy again.", "Arrived early, works well.")
BAD = ("Broke after a week.", "Not as described.", "Too expensive for what it is.")

FIRST_DAY = np.datetime64("2021-01-01T00:00:00")
LAST_DAY = np.datetime64("2024-12-31T00:00:00")
SPAN = int((LAST_DAY - FIRST_DAY) / np.timedelta64(1, "s"))
HOUR = 3600

Rows = dict[str, Any]


def build_shop(path: Path, seed: int = 42, customers: int = 3000) -> dict[str, int]:
    """Create the database at `path` and return the number of rows of each table.

    Parameters
    ----------
    path : Path
        The SQLite file; one that exists is replaced.
    seed : int, default 42
        Same seed, same rows.
    customers : int, default 3000
        The other tables grow with it.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    tables: dict[str, Rows] = {}
    tables["employees"] = _employees(rng, 40)
    tables["customers"] = _customers(rng, customers)
    tables["categories"] = _categories()
    tables["products"], quality = _products(rng, tables["categories"], max(40, customers // 6))
    tables["tags"] = {"tag_id": np.arange(1, len(TAGS) + 1), "label": np.array(TAGS)}
    tables["product_tags"] = _product_tags(rng, tables["products"])
    tables["orders"] = _orders(rng, tables["customers"], 40)
    tables["order_items"] = _order_items(rng, tables["orders"], tables["products"])
    tables["reviews"] = _reviews(rng, tables["products"], quality, customers)
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.executescript(DDL)
        for name, columns in tables.items():
            _insert(connection, name, columns)
        connection.commit()
    finally:
        connection.close()
    return {name: len(next(iter(columns.values()))) for name, columns in tables.items()}


def _insert(connection: sqlite3.Connection, table: str, columns: Rows) -> None:
    lists = [_plain(values) for values in columns.values()]
    marks = ", ".join("?" * len(lists))
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", zip(*lists)
    )


def _plain(values: np.ndarray) -> list[Any]:
    """Return Python values; missing dates and NaN become None."""
    if values.dtype.kind == "M":
        unit = "D" if np.datetime_data(values.dtype)[0] == "D" else "s"
        texts = np.datetime_as_string(values, unit=unit)
        return [None if t == "NaT" else t.replace("T", " ") for t in texts.tolist()]
    if values.dtype.kind == "f":
        return [None if math.isnan(v) else v for v in values.tolist()]
    return list(values.tolist())


def _people(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, last = rng.choice(FIRST, n), rng.choice(LAST, n)
    number = np.char.mod("%d", np.arange(1, n + 1))
    local = np.char.lower(np.char.add(np.char.add(first, "."), last))
    host = rng.choice(["@example.com", "@example.org", "@mail.example"], n, p=[0.6, 0.25, 0.15])
    return first, last, np.char.add(np.char.add(local, number), host)


def _nullable(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    found = values.astype(object)
    found[missing] = None
    return found


def _times(seconds: np.ndarray) -> np.ndarray:
    return FIRST_DAY + seconds.astype("timedelta64[s]")


def _employees(rng: np.random.Generator, n: int) -> Rows:
    # One head, five team leads, the others in their teams.
    level = np.where(np.arange(n) == 0, 0, np.where(np.arange(n) < 6, 1, 2))
    manager = np.where(level == 1, 1, rng.integers(2, 7, n))
    first, last, email = _people(rng, n)
    base = np.array([9500.0, 5800.0, 3400.0])[level]
    return {
        "employee_id": np.arange(1, n + 1),
        "manager_id": _nullable(manager, level == 0),
        "full_name": np.char.add(np.char.add(first, " "), last),
        "email": np.char.replace(email, "@", ".staff@"),
        "job_title": np.array(["Head of Sales", "Team Lead", "Sales Assistant"])[level],
        "salary": np.round(base * rng.normal(1.0, 0.08, n), 2),
        "hired_on": np.datetime64("2021-01-01") - rng.integers(30, 3650, n),
    }


def _customers(rng: np.random.Generator, n: int) -> Rows:
    names = np.array(list(COUNTRIES))
    shares = [share for share, _, _ in COUNTRIES.values()]
    country = rng.choice(len(names), n, p=shares)
    first, last, email = _people(rng, n)
    registered = np.sort((rng.beta(1.2, 1.8, n) * SPAN * 0.95).astype(int))
    # The longer a customer has been there, the better the tier.
    loyalty = 1 - registered / SPAN + rng.normal(0, 0.25, n)
    tier = np.digitize(loyalty, [0.65, 0.95])
    age = np.clip(rng.normal(38 + 7 * tier, 12), 18, 95)
    codes = np.array([code for _, code, _ in COUNTRIES.values()])[country]
    cities = np.array([city for _, _, city in COUNTRIES.values()])[country]
    digits = np.char.mod(" %07d", rng.integers(1_000_000, 9_999_999, n))
    street = np.char.add(np.char.mod("%d ", rng.integers(1, 200, n)), rng.choice(STREETS, n))
    birth = np.datetime64("2024-12-31") - (age * 365.25).astype(int)
    birth[rng.random(n) < 0.12] = np.datetime64("NaT")
    return {
        "customer_id": np.arange(1, n + 1),
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": _nullable(np.char.add(codes, digits), rng.random(n) < 0.2),
        "address": np.char.add(np.char.add(street, ", "), cities),
        "country": names[country],
        "birth_date": birth,
        "tier": np.array(["basic", "silver", "gold"])[tier],
        "newsletter": (rng.random(n) < np.array([0.25, 0.5, 0.75])[tier]).astype(int),
        "registered_at": _times(registered),
    }


def _categories() -> Rows:
    tops = list(CATEGORIES)
    names, parents = list(tops), [None] * len(tops)
    for number, (_, children) in enumerate(CATEGORIES.values(), 1):
        names += children
        parents += [number] * len(children)
    return {
        "category_id": np.arange(1, len(names) + 1),
        "parent_id": np.array(parents, dtype=object),
        "name": np.array(names),
    }


def _products(rng: np.random.Generator, categories: Rows, n: int) -> tuple[Rows, np.ndarray]:
    tops = len(CATEGORIES)
    leaf = rng.integers(tops, len(categories["name"]), n)
    top = categories["parent_id"][leaf].astype(int) - 1
    typical = np.array([price for price, _ in CATEGORIES.values()])[top]
    price = np.maximum(1, np.round(typical * rng.lognormal(0, 0.45, n))) - 0.01
    weight = np.round(price * rng.lognormal(2.5, 0.4, n)).astype(int)
    colour = rng.choice(COLOURS, n, p=[0.4, 0.25, 0.15, 0.12, 0.08])
    attributes = [
        json.dumps({"colour": c, "weight_g": w}) for c, w in zip(colour.tolist(), weight.tolist())
    ]
    series = np.char.mod(" %03d", rng.integers(1, 999, n))
    products = {
        "product_id": np.arange(1001, n + 1001),
        "category_id": categories["category_id"][leaf],
        "name": np.char.add(categories["name"][leaf], series),
        "price": np.round(price, 2),
        "attributes": _nullable(np.array(attributes), rng.random(n) < 0.1),
        "in_stock": (rng.random(n) < np.array([0.95, 0.7, 0.8, 0.85, 0.9])[top]).astype(int),
    }
    return products, rng.normal(0.3, 0.8, n)


def _product_tags(rng: np.random.Generator, products: Rows) -> Rows:
    n = len(products["product_id"])
    liked = rng.random((n, len(TAGS))) < np.linspace(0.35, 0.03, len(TAGS))
    product, tag = np.nonzero(liked)
    return {"product_id": products["product_id"][product], "tag_id": tag + 1}


def _orders(rng: np.random.Generator, customers: Rows, employees: int) -> Rows:
    level = np.searchsorted(["basic", "gold", "silver"], customers["tier"])
    mean = np.array([1.1, 5.0, 2.4])[level]
    count = rng.negative_binomial(1.6, 1.6 / (1.6 + mean))
    owner = np.repeat(np.arange(len(count)), count)
    start = (customers["registered_at"][owner] - FIRST_DAY).astype(int)
    placed = start + (rng.random(len(owner)) * (SPAN - start)).astype(int)
    order = np.argsort(placed, kind="stable")
    owner, placed = owner[order], placed[order]
    n = len(owner)
    in_shop = rng.random(n) < 0.3
    recent = placed > SPAN - 10 * 24 * HOUR
    drawn = rng.random(n)
    status = np.where(drawn < 0.05, "cancelled", np.where(drawn < 0.1, "returned", "delivered"))
    status = np.where(recent & (drawn > 0.3), "pending", status)
    delay = np.where(in_shop, 0, rng.gamma(2.0, 14 * HOUR, n).astype(int) + HOUR)
    shipped = _times(placed + delay)
    shipped[np.isin(status, ["pending", "cancelled"])] = np.datetime64("NaT")
    return {
        "order_id": np.arange(50_001, n + 50_001),
        "customer_id": customers["customer_id"][owner],
        "employee_id": _nullable(rng.integers(7, employees + 1, n), ~in_shop),
        "channel": np.where(in_shop, "shop", rng.choice(["web", "app"], n, p=[0.65, 0.35])),
        "status": status,
        "ordered_at": _times(placed),
        "shipped_at": shipped,
    }


def _order_items(rng: np.random.Generator, orders: Rows, products: Rows) -> Rows:
    in_shop = orders["channel"] == "shop"
    count = 1 + rng.poisson(np.where(in_shop, 0.7, 1.5))
    owner = np.repeat(np.arange(len(count)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    popularity = rng.zipf(1.6, len(products["price"])).clip(max=60).astype(float)
    bought = rng.choice(len(popularity), len(owner), p=popularity / popularity.sum())
    price = products["price"][bought]
    cheap = price < 30
    discount = rng.choice([0.0, 0.1, 0.2], len(owner), p=[0.8, 0.15, 0.05])
    return {
        "order_id": orders["order_id"][owner],
        "line_number": np.arange(len(owner)) - first + 1,
        "product_id": products["product_id"][bought],
        "quantity": 1 + rng.poisson(np.where(cheap, 0.9, 0.1)),
        "unit_price": np.round(price * (1 - discount), 2),
    }


def _reviews(rng: np.random.Generator, products: Rows, quality: np.ndarray, people: int) -> Rows:
    count = rng.poisson(rng.gamma(1.2, 4.0, len(quality)))
    owner = np.repeat(np.arange(len(count)), count)
    n = len(owner)
    rating = np.clip(np.round(3.6 + quality[owner] + rng.normal(0, 0.8, n)), 1, 5).astype(int)
    body = np.where(rating >= 3, rng.choice(GOOD, n), rng.choice(BAD, n))
    return {
        "review_id": np.arange(1, n + 1),
        "product_id": products["product_id"][owner],
        "customer_id": _nullable(rng.integers(1, people + 1, n), rng.random(n) < 0.25),
        "rating": rating,
        "body": _nullable(body, rng.random(n) < 0.35),
        "written_at": _times(rng.integers(0, SPAN, n)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=Path("shop.db"))
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--customers", type=int, default=3000)
    args = parser.parse_args()
    for table, rows in build_shop(args.path, args.seed, args.customers).items():
        print(f"{table:<13}{rows:>8,}")
