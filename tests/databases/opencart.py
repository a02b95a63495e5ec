"""Like OpenCart: 136 tables, no declared key, zero dates, most tables empty or of a few rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from faker import Faker

from synthohive.schema import ForeignKey
from tests.databases.harness import Database, Engine, Report, Rows

P = "oc_"
DATED = "date_added datetime NOT NULL, date_modified datetime NOT NULL"
TABLES = {
    "language": "language_id <id> PRIMARY KEY, name varchar(32) NOT NULL, code varchar(5) NOT NULL, "
    "status <flag> NOT NULL",
    "order_status": "order_status_id int NOT NULL, language_id int NOT NULL, "
    "name varchar(32) NOT NULL, PRIMARY KEY (order_status_id, language_id)",
    "customer_group": "customer_group_id <id> PRIMARY KEY, approval int NOT NULL, "
    "sort_order int NOT NULL",
    "manufacturer": "manufacturer_id <id> PRIMARY KEY, name varchar(64) NOT NULL, "
    "image varchar(255), sort_order int NOT NULL",
    "category": f"category_id <id> PRIMARY KEY, image varchar(255), parent_id int NOT NULL DEFAULT 0, "
    f"top <flag> NOT NULL, sort_order int NOT NULL DEFAULT 0, status <flag> NOT NULL, {DATED}",
    "category_description": "category_id int NOT NULL, language_id int NOT NULL, "
    "name varchar(255) NOT NULL, description text NOT NULL, PRIMARY KEY (category_id, language_id)",
    "product": "product_id <id> PRIMARY KEY, model varchar(64) NOT NULL, sku varchar(64) NOT NULL, "
    "quantity int NOT NULL DEFAULT 0, stock_status_id int NOT NULL, image varchar(255), "
    "manufacturer_id int NOT NULL, shipping <flag> NOT NULL DEFAULT 1, "
    "price decimal(15,4) NOT NULL DEFAULT 0.0000, date_available date NOT NULL DEFAULT '0000-00-00', "
    f"weight decimal(15,8) NOT NULL, status <flag> NOT NULL, viewed int NOT NULL, {DATED}",
    "product_description": "product_id int NOT NULL, language_id int NOT NULL, "
    "name varchar(255) NOT NULL, description text NOT NULL, tag text NOT NULL, "
    "PRIMARY KEY (product_id, language_id)",
    "product_to_category": "product_id int NOT NULL, category_id int NOT NULL, "
    "PRIMARY KEY (product_id, category_id), KEY category_id (category_id)",
    "customer": "customer_id <id> PRIMARY KEY, customer_group_id int NOT NULL, "
    "store_id int NOT NULL DEFAULT 0, language_id int NOT NULL, firstname varchar(32) NOT NULL, "
    "lastname varchar(32) NOT NULL, email varchar(96) NOT NULL, telephone varchar(32) NOT NULL, "
    "password varchar(255) NOT NULL, custom_field text NOT NULL, newsletter <flag> NOT NULL, "
    "ip varchar(40) NOT NULL, status <flag> NOT NULL, safe <flag> NOT NULL, "
    "date_added datetime NOT NULL",
    "order": "order_id <id> PRIMARY KEY, invoice_no int NOT NULL DEFAULT 0, "
    "invoice_prefix varchar(26) NOT NULL, store_id int NOT NULL DEFAULT 0, "
    "customer_id int NOT NULL DEFAULT 0, firstname varchar(32) NOT NULL, "
    "lastname varchar(32) NOT NULL, email varchar(96) NOT NULL, payment_city varchar(128) NOT NULL, "
    "payment_country varchar(128) NOT NULL, payment_method varchar(128) NOT NULL, "
    "total decimal(15,4) NOT NULL DEFAULT 0.0000, order_status_id int NOT NULL DEFAULT 0, "
    f"currency_code varchar(3) NOT NULL, ip varchar(40) NOT NULL, {DATED}",
    "order_product": "order_product_id <id> PRIMARY KEY, order_id int NOT NULL, "
    "product_id int NOT NULL, name varchar(255) NOT NULL, model varchar(64) NOT NULL, "
    "quantity int NOT NULL, price decimal(15,4) NOT NULL, total decimal(15,4) NOT NULL",
    "order_total": "order_total_id <id> PRIMARY KEY, order_id int NOT NULL, code varchar(32) NOT NULL, "
    "title varchar(255) NOT NULL, value decimal(15,4) NOT NULL, sort_order int NOT NULL",
    "order_history": "order_history_id <id> PRIMARY KEY, order_id int NOT NULL, "
    "order_status_id int NOT NULL, notify <flag> NOT NULL, comment text NOT NULL, "
    "date_added datetime NOT NULL",
    "coupon": "coupon_id <id> PRIMARY KEY, name varchar(128) NOT NULL, code varchar(20) NOT NULL, "
    "type char(1) NOT NULL, discount decimal(15,4) NOT NULL, "
    "date_start date NOT NULL DEFAULT '0000-00-00', date_end date NOT NULL DEFAULT '0000-00-00', "
    "status <flag> NOT NULL, date_added datetime NOT NULL",
    "setting": "setting_id <id> PRIMARY KEY, store_id int NOT NULL, code varchar(128) NOT NULL, "
    "`key` varchar(128) NOT NULL, value text NOT NULL, serialized <flag> NOT NULL",
    "session": "session_id varchar(32) NOT NULL PRIMARY KEY, data text NOT NULL, "
    "expire datetime NOT NULL",
}
KEYS = (
    ("order", "customer_id", "customer", "customer_id", 0),
    ("order_product", "order_id", "order", "order_id", None),
    ("order_product", "product_id", "product", "product_id", None),
    ("order_total", "order_id", "order", "order_id", None),
    ("order_history", "order_id", "order", "order_id", None),
    ("product", "manufacturer_id", "manufacturer", "manufacturer_id", None),
    ("product_description", "product_id", "product", "product_id", None),
    ("product_to_category", "product_id", "product", "product_id", None),
    ("product_to_category", "category_id", "category", "category_id", None),
    ("category_description", "category_id", "category", "category_id", None),
    ("category", "parent_id", "category", "category_id", 0),
    ("customer", "customer_group_id", "customer_group", "customer_group_id", None),
)
"""What the shop's code knows: 0 is a guest, and a category at the top."""
EMPTY = [f"extension_{i}" for i in range(136 - len(TABLES))]
STATUSES = ("Pending", "Processing", "Shipped", "Complete", "Canceled", "Refunded")


def tables(engine: Engine) -> Iterable[str]:
    """Return the definitions."""
    yield "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'"  # zero dates may be written
    for name, columns in TABLES.items():
        yield f"CREATE TABLE `{P}{name}` ({columns})"
    for name in EMPTY:
        yield (f"CREATE TABLE `{P}{name}` (`{name}_id` <id> PRIMARY KEY, name varchar(64) NOT NULL, "
               "sort_order int NOT NULL DEFAULT 0, status <flag> NOT NULL)")  # fmt: skip


def rows(seed: int, engine: Engine) -> Rows:
    """Return the rows."""
    rng, fake = np.random.default_rng(seed), Faker("en_US")
    fake.seed_instance(seed)
    made: dict[str, list[dict[str, Any]]] = {}
    made["language"] = [
        {"language_id": i, "name": n, "code": c, "status": 1}
        for i, (n, c) in enumerate((("English", "en-gb"), ("German", "de-de")), 1)
    ]
    made["order_status"] = [
        {"order_status_id": i, "language_id": 1, "name": n} for i, n in enumerate(STATUSES, 1)
    ]
    made["customer_group"] = [
        {"customer_group_id": i, "approval": 0, "sort_order": i} for i in (1, 2)
    ]
    made["manufacturer"] = [
        {"manufacturer_id": i, "name": fake.company(), "image": "", "sort_order": 0}
        for i in range(1, 13)
    ]
    _catalogue(rng, fake, made)
    made["customer"] = [_customer(rng, fake, i) for i in range(1, 251)]
    _orders(rng, made)
    made["coupon"] = [
        {"coupon_id": i, "name": f"-{10 * i}% Discount", "code": fake.bothify("####").upper(),
         "type": "P", "discount": 10 * i, "date_start": "2023-01-01", "date_end": "0000-00-00",
         "status": 1, "date_added": datetime(2023, 1, 1)}
        for i in range(1, 4)
    ]  # fmt: skip
    made["setting"] = [
        {"setting_id": i, "store_id": 0, "code": f"config_{i % 7}", "key": f"config_{i % 7}_{i}",
         "value": json.dumps({"width": i}) if i % 4 == 0 else str(i % 2), "serialized": i % 4 == 0}
        for i in range(1, 90)
    ]  # fmt: skip
    made["session"] = [
        {"session_id": fake.hexify("^" * 26), "data": json.dumps({"language": "en-gb", "user": i}),
         "expire": datetime(2024, 6, 1) + timedelta(seconds=int(rng.integers(0, 9000)))}
        for i in range(60)
    ]  # fmt: skip
    return {P + name: rows for name, rows in made.items()}


def _catalogue(
    rng: np.random.Generator, fake: Faker, made: dict[str, list[dict[str, Any]]]
) -> None:
    start = datetime(2022, 3, 1)
    made["category"] = [
        {"category_id": i, "image": "", "parent_id": 0 if i <= 8 else int(rng.integers(1, 9)),
         "top": i <= 8, "sort_order": int(rng.integers(0, 5)), "status": 1, "date_added": start,
         "date_modified": start + timedelta(int(rng.integers(0, 300)))}
        for i in range(1, 39)
    ]  # fmt: skip
    made["category_description"] = [
        {
            "category_id": i,
            "language_id": 1,
            "name": fake.word().title(),
            "description": fake.text(60),
        }
        for i in range(1, 39)
    ]
    made["product"] = [
        {"product_id": i, "model": f"Product {i}", "sku": f"SKU-{i:05}",
         "quantity": int(rng.choice([0, 5, 50, 500, 1000])), "stock_status_id": int(rng.integers(5, 9)),
         "image": f"catalog/demo/product_{i}.jpg", "manufacturer_id": int(rng.integers(1, 13)),
         "shipping": 1, "price": Decimal(int(rng.lognormal(4.5, 0.8))),
         "date_available": "0000-00-00" if rng.random() < 0.3 else "2022-02-03",
         "weight": Decimal(str(round(float(rng.lognormal(0, 1)), 2))), "status": 1,
         "viewed": int(rng.geometric(0.02)), "date_added": start + timedelta(i),
         "date_modified": start + timedelta(i + int(rng.integers(0, 90)))}
        for i in range(1, 201)
    ]  # fmt: skip
    made["product_description"] = [
        {"product_id": i, "language_id": 1, "name": fake.catch_phrase(),
         "description": f"&lt;p&gt;{fake.text(80)}&lt;/p&gt;", "tag": ""}
        for i in range(1, 201)
    ]  # fmt: skip
    made["product_to_category"] = [
        {"product_id": p, "category_id": int(c) + 1}
        for p in range(1, 201)
        for c in rng.choice(38, int(rng.integers(1, 4)), replace=False)
    ]


def _customer(rng: np.random.Generator, fake: Faker, number: int) -> dict[str, Any]:
    first, last = fake.first_name(), fake.last_name()
    return {
        "customer_id": number,
        "customer_group_id": int(1 + (rng.random() < 0.1)),
        "language_id": 1,
        "firstname": first,
        "lastname": last,
        "email": f"{first}.{last}@{fake.free_email_domain()}".lower(),
        "telephone": fake.numerify("0##########"),
        "password": "$2y$10$" + fake.bothify("?" * 53),
        "custom_field": "[]",
        "newsletter": int(rng.random() < 0.35),
        "ip": fake.ipv4(),
        "status": 1,
        "safe": 0,
        "date_added": datetime(2022, 5, 1) + timedelta(seconds=int(rng.integers(0, 600 * 86400))),
    }


def _orders(rng: np.random.Generator, made: dict[str, list[dict[str, Any]]]) -> None:
    made.update({"order": [], "order_product": [], "order_total": [], "order_history": []})
    names = {d["product_id"]: d["name"] for d in made["product_description"]}
    for number in range(1, 601):
        buyer = made["customer"][int(rng.integers(0, 250))]
        guest = rng.random() < 0.2
        days = timedelta(seconds=int(rng.integers(0, 300 * 86400)))
        added = max(buyer["date_added"], datetime(2023, 1, 1)) + days
        status = int(rng.choice(6, p=[0.1, 0.1, 0.2, 0.5, 0.07, 0.03])) + 1
        subtotal = Decimal(0)
        for p in rng.choice(200, int(rng.integers(1, 4)), replace=False):
            product, quantity = made["product"][int(p)], int(rng.choice([1, 1, 1, 2, 3]))
            subtotal += product["price"] * quantity
            made["order_product"].append(
                {"order_product_id": len(made["order_product"]) + 1, "order_id": number,
                 "product_id": product["product_id"], "name": names[product["product_id"]],
                 "model": product["model"], "quantity": quantity, "price": product["price"],
                 "total": product["price"] * quantity}
            )  # fmt: skip
        lines = (("sub_total", "Sub-Total", subtotal, 1), ("shipping", "Flat Shipping Rate", 5, 3),
                 ("total", "Total", subtotal + 5, 9))  # fmt: skip
        made["order_total"] += [
            {"order_total_id": 3 * number - 2 + i, "order_id": number, "code": c, "title": t,
             "value": v, "sort_order": s}
            for i, (c, t, v, s) in enumerate(lines)
        ]  # fmt: skip
        for step in sorted({1, status}):
            made["order_history"].append(
                {"order_history_id": len(made["order_history"]) + 1, "order_id": number,
                 "order_status_id": step, "notify": int(step > 1), "comment": "",
                 "date_added": added + timedelta(hours=5 * (step - 1))}
            )  # fmt: skip
        made["order"].append(
            {"order_id": number, "invoice_no": number if status == 4 else 0,
             "invoice_prefix": "INV-2023-00", "customer_id": 0 if guest else buyer["customer_id"],
             "firstname": buyer["firstname"], "lastname": buyer["lastname"], "email": buyer["email"],
             "payment_city": "Springfield", "payment_country": str(rng.choice(["United Kingdom", "Germany"])),
             "payment_method": str(rng.choice(["Cash On Delivery", "Bank Transfer"], p=[0.7, 0.3])),
             "total": subtotal + 5, "order_status_id": status, "currency_code": "GBP",
             "ip": buyer["ip"], "date_added": added, "date_modified": added + timedelta(hours=5 * (status - 1))}
        )  # fmt: skip


def reports(engine: Engine) -> Iterable[Report]:
    """Return the usual questions, over keys of which none is declared.

    Another draw differs by up to 0.3 in a month's sales.
    """
    month = engine.month("date_added")
    return (
        Report("sales by month", f"SELECT {month}, sum(total), count(*) FROM oc_order "
               "WHERE order_status_id > 0 GROUP BY 1", 0.6, keys=1, rows=1.3),
        Report("products available", "SELECT count(*) FROM oc_product WHERE status = 1 "
               "AND date_available <= now()", 0.02),
        Report("always available", "SELECT count(*) FROM oc_product "
               "WHERE year(date_available) = 0", 0.4),
        Report("newsletter", "SELECT newsletter, count(*) FROM oc_customer GROUP BY newsletter", 0.3,
               keys=1, rows=1.0),
        Report("totals by kind", "SELECT code, title, count(*), sum(value) FROM oc_order_total "
               "GROUP BY code, title", 0.4, keys=2, rows=1.0),
        Report("lines that are not price times quantity", "SELECT order_product_id "
               "FROM oc_order_product WHERE abs(total - price * quantity) > 0.001"),
        Report("orders of guests", "SELECT count(*) FROM oc_order WHERE customer_id = 0", 0.2),
        Report("orders a customer", "SELECT c.customer_id, count(*) FROM oc_customer c "
               "JOIN oc_order o ON o.customer_id = c.customer_id GROUP BY c.customer_id", 0.15),
        Report("orders of nobody", "SELECT order_id FROM oc_order o LEFT JOIN oc_customer c "
               "ON c.customer_id = o.customer_id WHERE o.customer_id <> 0 AND c.customer_id IS NULL"),
        Report("products bought by manufacturer", "SELECT m.manufacturer_id, sum(l.quantity) "
               "FROM oc_order_product l JOIN oc_product p ON p.product_id = l.product_id "
               "JOIN oc_manufacturer m ON m.manufacturer_id = p.manufacturer_id "
               "GROUP BY m.manufacturer_id", 0.4, rows=1.1),
        Report("products by category at the top", "SELECT count(*) FROM "
               "oc_product_to_category p JOIN oc_category c ON c.category_id = p.category_id "
               "JOIN oc_category t ON t.category_id = c.parent_id GROUP BY t.category_id", 0.4,
               rows=1.5),  # eight of 38 by chance
        Report("categories at the top", "SELECT count(*) FROM oc_category WHERE parent_id = 0", 0.2),
        Report("statuses of orders", "SELECT s.name, count(*) FROM oc_order_history h "
               "JOIN oc_order o ON o.order_id = h.order_id JOIN oc_order_status s "
               "ON s.order_status_id = h.order_status_id GROUP BY s.name", 0.3, keys=1, rows=1.0),
        Report("lines at another price", "SELECT l.order_product_id FROM oc_order_product l "
               "JOIN oc_product p ON p.product_id = l.product_id WHERE l.price <> p.price"),
        Report("extensions", " UNION ALL ".join(f"SELECT * FROM oc_{name}" for name in EMPTY[:9])),
    )  # fmt: skip


OPENCART = Database(
    "opencart",
    tables,
    rows,
    reports,
    kept=("oc_order_status",),
    keys=tuple(
        (P + child, ForeignKey(columns=[c], parent=P + parent, parent_columns=[p], no_parent=none))
        for child, c, parent, p, none in KEYS
    ),
)
