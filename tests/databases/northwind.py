"""Like Northwind: keys in letters, composite ones, orders that repeat their customer's address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from faker import Faker

from tests.databases.harness import Database, Engine, Report, Rows

CATEGORIES = (("Beverages", "Soft drinks, coffees, teas, beers, and ales"),
              ("Condiments", "Sweet and savory sauces, relishes, spreads, and seasonings"),
              ("Confections", "Desserts, candies, and sweet breads"), ("Dairy Products", "Cheeses"),
              ("Grains/Cereals", "Breads, crackers, pasta, and cereal"),
              ("Meat/Poultry", "Prepared meats"), ("Produce", "Dried fruit and bean curd"),
              ("Seafood", "Seaweed and fish"))  # fmt: skip
COUNTRIES = ("USA", "Germany", "France", "Brazil", "UK", "Mexico", "Spain", "Venezuela")
REGIONS = ("Eastern", "Western", "Northern", "Southern")
TITLES = ("Owner", "Sales Representative", "Marketing Manager", "Accounting Manager", "Sales Agent")
SHIPPERS = ("Speedy Express", "United Package", "Federal Shipping")
PLACE = ("address varchar(60), city varchar(15), region varchar(15), postal_code varchar(10), "
         "country varchar(15)")  # fmt: skip


def tables(engine: Engine) -> Iterable[str]:
    """Return the definitions."""
    return (
        "CREATE TABLE categories (category_id smallint NOT NULL PRIMARY KEY, "
        "category_name varchar(15) NOT NULL, description text, picture <bytes>)",
        "CREATE TABLE suppliers (supplier_id smallint NOT NULL PRIMARY KEY, "
        f"company_name varchar(40) NOT NULL, contact_name varchar(30), {PLACE}, phone varchar(24), "
        "homepage text)",
        "CREATE TABLE shippers (shipper_id smallint NOT NULL PRIMARY KEY, "
        "company_name varchar(40) NOT NULL, phone varchar(24))",
        "CREATE TABLE region (region_id smallint NOT NULL PRIMARY KEY, "
        "region_description varchar(60) NOT NULL)",
        "CREATE TABLE territories (territory_id varchar(20) NOT NULL PRIMARY KEY, "
        "territory_description varchar(60) NOT NULL, region_id smallint NOT NULL, "
        "FOREIGN KEY (region_id) REFERENCES region (region_id))",
        "CREATE TABLE employees (employee_id smallint NOT NULL PRIMARY KEY, "
        "last_name varchar(20) NOT NULL, first_name varchar(10) NOT NULL, title varchar(30), "
        f"birth_date date, hire_date date, {PLACE}, home_phone varchar(24), photo <bytes>, "
        "notes text, reports_to smallint, photo_path varchar(255), "
        "FOREIGN KEY (reports_to) REFERENCES employees (employee_id))",
        "CREATE TABLE employee_territories (employee_id smallint NOT NULL, "
        "territory_id varchar(20) NOT NULL, PRIMARY KEY (employee_id, territory_id), "
        "FOREIGN KEY (employee_id) REFERENCES employees (employee_id), "
        "FOREIGN KEY (territory_id) REFERENCES territories (territory_id))",
        "CREATE TABLE products (product_id smallint NOT NULL PRIMARY KEY, "
        "product_name varchar(40) NOT NULL, supplier_id smallint, category_id smallint, "
        "quantity_per_unit varchar(20), unit_price numeric(8, 2), units_in_stock smallint, "
        "units_on_order smallint, reorder_level smallint, discontinued int NOT NULL, "
        "FOREIGN KEY (category_id) REFERENCES categories (category_id), "
        "FOREIGN KEY (supplier_id) REFERENCES suppliers (supplier_id))",
        "CREATE TABLE customers (customer_id char(5) NOT NULL PRIMARY KEY, "
        "company_name varchar(40) NOT NULL, contact_name varchar(30), contact_title varchar(30), "
        f"{PLACE}, phone varchar(24), fax varchar(24))",
        "CREATE TABLE customer_demographics (customer_type_id char(5) NOT NULL PRIMARY KEY, "
        "customer_desc text)",
        "CREATE TABLE customer_customer_demo (customer_id char(5) NOT NULL, "
        "customer_type_id char(5) NOT NULL, PRIMARY KEY (customer_id, customer_type_id), "
        "FOREIGN KEY (customer_type_id) REFERENCES customer_demographics (customer_type_id), "
        "FOREIGN KEY (customer_id) REFERENCES customers (customer_id))",
        "CREATE TABLE orders (order_id int NOT NULL PRIMARY KEY, customer_id char(5), "
        "employee_id smallint, order_date date, required_date date, shipped_date date, "
        "ship_via smallint, freight numeric(8, 2), ship_name varchar(40), ship_address varchar(60), "
        "ship_city varchar(15), ship_country varchar(15), "
        "FOREIGN KEY (customer_id) REFERENCES customers (customer_id), "
        "FOREIGN KEY (employee_id) REFERENCES employees (employee_id), "
        "FOREIGN KEY (ship_via) REFERENCES shippers (shipper_id))",
        "CREATE TABLE order_details (order_id int NOT NULL, product_id smallint NOT NULL, "
        "unit_price numeric(8, 2) NOT NULL, quantity smallint NOT NULL, discount <double> NOT NULL, "
        "PRIMARY KEY (order_id, product_id), CHECK (quantity > 0), "
        "CHECK (discount >= 0 AND discount <= 1), "
        "FOREIGN KEY (product_id) REFERENCES products (product_id), "
        "FOREIGN KEY (order_id) REFERENCES orders (order_id))",
    )


def _place(rng: np.random.Generator, fake: Faker) -> dict[str, Any]:
    country = COUNTRIES[int(len(COUNTRIES) * rng.random() ** 1.7)]
    region = str(rng.choice(["OR", "WA", "CA"])) if country == "USA" else None
    return {"address": fake.street_address()[:60], "city": fake.city()[:15], "region": region,
            "postal_code": fake.postcode(), "country": country}  # fmt: skip


def rows(seed: int, engine: Engine) -> Rows:
    """Return the rows."""
    rng, fake = np.random.default_rng(seed), Faker("en_US")
    fake.seed_instance(seed)
    made: dict[str, list[dict[str, Any]]] = {}
    made["categories"] = [
        {"category_id": i, "category_name": n, "description": d, "picture": b""}
        for i, (n, d) in enumerate(CATEGORIES, 1)
    ]
    made["suppliers"] = [
        {"supplier_id": i, "company_name": fake.company()[:40], "contact_name": fake.name()[:30],
         **_place(rng, fake), "phone": fake.numerify("(###) 555-####"), "homepage": None}
        for i in range(1, 30)
    ]  # fmt: skip
    made["shippers"] = [
        {"shipper_id": i, "company_name": n, "phone": fake.numerify("(503) 555-####")}
        for i, n in enumerate(SHIPPERS, 1)
    ]
    made["region"] = [{"region_id": i, "region_description": n} for i, n in enumerate(REGIONS, 1)]
    made["territories"] = [
        {"territory_id": f"{p:05}", "territory_description": fake.city(), "region_id": p % 4 + 1}
        for p in sorted(int(p) for p in rng.choice(99999, 53, replace=False))
    ]
    made["employees"] = [_employee(rng, fake, i) for i in range(1, 10)]
    made["employee_territories"] = [
        {"employee_id": e, "territory_id": made["territories"][int(t)]["territory_id"]}
        for e in range(1, 10)
        for t in sorted(rng.choice(53, int(rng.integers(2, 8)), replace=False))
    ]
    made["products"] = [_product(rng, fake, i) for i in range(1, 78)]
    made["customers"] = [
        {"customer_id": "".join(chr(65 + int(c)) for c in rng.integers(0, 26, 5)),
         "company_name": fake.company()[:40], "contact_name": fake.name()[:30],
         "contact_title": TITLES[int(rng.choice(5, p=[0.3, 0.25, 0.2, 0.15, 0.1]))],
         **_place(rng, fake), "phone": fake.numerify("(#) ###-####"), "fax": None}
        for _ in range(120)
    ]  # fmt: skip
    made["customer_demographics"], made["customer_customer_demo"] = [], []
    made["orders"], made["order_details"] = _orders(rng, made["customers"], made["products"])
    return made


def _employee(rng: np.random.Generator, fake: Faker, number: int) -> dict[str, Any]:
    titles = {2: "Vice President, Sales", 5: "Sales Manager", 8: "Inside Sales Coordinator"}
    return {
        "employee_id": number,
        "last_name": fake.last_name(),
        "first_name": fake.first_name()[:10],
        "title": titles.get(number, "Sales Representative"),
        "birth_date": date(1950, 1, 1) + timedelta(int(rng.integers(0, 6000))),
        "hire_date": date(1992, 4, 1) + timedelta(int(rng.integers(0, 900))),
        **_place(rng, fake),
        "home_phone": fake.numerify("(206) 555-####"),
        "photo": b"",
        "notes": fake.text(80),
        "reports_to": {2: None, 6: 5, 7: 5, 9: 5}.get(number, 2),
        "photo_path": f"http://accweb/emmployees/{fake.last_name().lower()}.bmp",
    }


def _product(rng: np.random.Generator, fake: Faker, number: int) -> dict[str, Any]:
    category = number % 8
    return {
        "product_id": number,
        "product_name": f"{fake.last_name()}'s {fake.word().title()}",
        "supplier_id": int(rng.integers(1, 30)),
        "category_id": category + 1,
        "quantity_per_unit": f"{int(rng.choice([10, 12, 24, 36]))} {rng.choice(['boxes', 'bottles'])}",
        "unit_price": Decimal(str(round(float(rng.lognormal(2.6 + 0.15 * category, 0.5)), 2))),
        "units_in_stock": int(rng.integers(0, 125)),
        "units_on_order": int(rng.choice([0, 0, 0, 20, 40])),
        "reorder_level": int(rng.choice([0, 5, 10, 15, 20, 25, 30])),
        "discontinued": int(rng.random() < 0.1),
    }


def _orders(
    rng: np.random.Generator, customers: list[dict[str, Any]], products: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    orders, details = [], []
    day = 0.0
    for number in range(10248, 10248 + 830):
        day += rng.exponential(0.8)
        buyer = customers[int(len(customers) * rng.random() ** 1.4)]
        ordered = date(1996, 7, 4) + timedelta(int(day))
        shipped = ordered + timedelta(int(rng.integers(1, 25)))
        orders.append(
            {"order_id": number, "customer_id": buyer["customer_id"],
             "employee_id": int(rng.choice(9, p=[.15, .12, .15, .19, .05, .08, .09, .12, .05])) + 1,
             "order_date": ordered, "required_date": ordered + timedelta(int(rng.choice([28, 28, 28, 14, 42]))),
             "shipped_date": shipped if shipped < date(1998, 4, 28) else None,
             "ship_via": int(rng.integers(1, 4)),
             "freight": Decimal(str(round(float(rng.lognormal(3.6, 1.1)), 2))),
             "ship_name": buyer["company_name"], "ship_address": buyer["address"],
             "ship_city": buyer["city"], "ship_country": buyer["country"]}
        )  # fmt: skip
        for p in rng.choice(
            77, int(rng.choice([1, 2, 3, 4, 5], p=[0.2, 0.3, 0.3, 0.15, 0.05])), replace=False
        ):
            early = Decimal("0.8") if ordered.year == 1996 else Decimal(1)
            details.append(
                {"order_id": number, "product_id": int(p) + 1,
                 "unit_price": round(products[int(p)]["unit_price"] * early, 2),
                 "quantity": int(rng.choice([1, 2, 5, 10, 12, 20, 30, 40, 60])),
                 "discount": float(rng.choice([0, 0, 0, 0.05, 0.1, 0.15, 0.2, 0.25]))}
            )  # fmt: skip
    return orders, details


def after(engine: Engine) -> Iterable[str]:
    """Return the views."""
    return (
        "CREATE VIEW order_subtotals AS SELECT order_id, "
        "sum(unit_price * quantity * (1 - discount)) AS subtotal FROM order_details GROUP BY order_id",
        "CREATE VIEW product_sales AS SELECT c.category_name, p.product_name, "
        "extract(year FROM o.order_date) AS year, sum(d.unit_price * d.quantity * (1 - d.discount)) "
        "AS product_sales FROM categories c JOIN products p ON p.category_id = c.category_id "
        "JOIN order_details d ON d.product_id = p.product_id JOIN orders o ON o.order_id = d.order_id "
        "GROUP BY c.category_name, p.product_name, extract(year FROM o.order_date)",
        "CREATE VIEW category_sales AS SELECT category_name, year, sum(product_sales) "
        "AS category_sales FROM product_sales GROUP BY category_name, year",
        "CREATE VIEW products_above_average_price AS SELECT product_name, unit_price FROM products "
        "WHERE unit_price > (SELECT avg(unit_price) FROM products)",
        "CREATE VIEW current_product_list AS SELECT product_id, product_name FROM products "
        "WHERE discontinued = 0",
    )


def reports(engine: Engine) -> Iterable[Report]:
    """Return the usual questions.

    Another draw differs by up to 0.42 in countries, 0.29 in late orders, 0.2 in employees; of
    orders that are not shipped, there are two dozens.
    """
    sum_ = "sum(d.unit_price * d.quantity * (1 - d.discount))"
    return (
        Report("sales by year", f"SELECT extract(year FROM o.order_date), {sum_}, count(*) FROM orders o "
               "JOIN order_details d ON d.order_id = o.order_id GROUP BY 1", 0.35, keys=1, rows=1.0),
        Report("view: sales by category", "SELECT category_name, sum(category_sales) "
               "FROM category_sales GROUP BY category_name", 0.5, keys=1, rows=1.0),
        Report("view: subtotals", "SELECT subtotal FROM order_subtotals", 0.25, rows=1.0),
        Report("view: products above the average price", "SELECT count(*), avg(unit_price) "
               "FROM products_above_average_price", 0.35),
        Report("view: current products", "SELECT count(*) FROM current_product_list", 0.1),
        Report("sales by employee", f"SELECT o.employee_id, {sum_} FROM orders o JOIN order_details d "
               "ON d.order_id = o.order_id GROUP BY o.employee_id", 0.4),
        Report("ten best customers", f"SELECT c.company_name, {sum_} FROM customers c JOIN orders o "
               "ON o.customer_id = c.customer_id JOIN order_details d ON d.order_id = o.order_id "
               "GROUP BY c.customer_id, c.company_name ORDER BY 2 DESC LIMIT 10", 0.4, rows=1.0),
        Report("orders by country", "SELECT ship_country, count(*) FROM orders GROUP BY ship_country",
               0.45, keys=1),
        Report("late orders", "SELECT extract(year FROM order_date), count(*) FROM orders "
               "WHERE shipped_date > required_date GROUP BY 1", 0.8, keys=1, rows=1.5),
        Report("not shipped", "SELECT count(*) FROM orders WHERE shipped_date IS NULL", 1.5),
        Report("days to ship", f"SELECT {engine.days('shipped_date', 'order_date')}, count(*) FROM orders "
               "WHERE shipped_date IS NOT NULL GROUP BY 1", 0.35, keys=1),
        Report("to be ordered again", "SELECT count(*) FROM products WHERE units_in_stock + units_on_order "
               "<= reorder_level AND discontinued = 0", 1.0),
        Report("staff and their bosses", "SELECT e.last_name, b.last_name FROM employees e "
               "JOIN employees b ON b.employee_id = e.reports_to", rows=1.15),
        Report("territories by region", "SELECT r.region_description, count(*) FROM region r "
               "JOIN territories t ON t.region_id = r.region_id JOIN employee_territories e "
               "ON e.territory_id = t.territory_id GROUP BY r.region_description", 0.4, rows=1.0),
        Report("discounts", "SELECT discount, count(*) FROM order_details GROUP BY discount", 0.2, keys=1,
               rows=1.0),
        Report("sent to another country", "SELECT o.order_id FROM orders o JOIN customers c "
               "ON c.customer_id = o.customer_id WHERE o.ship_country <> c.country "
               "OR o.ship_name <> c.company_name"),
        Report("shipped before ordered", "SELECT order_id FROM orders WHERE shipped_date < order_date "
               "OR required_date < order_date"),
        Report("price unlike the product's", "SELECT count(*) FROM order_details d JOIN products p ON "
               "p.product_id = d.product_id WHERE d.unit_price > p.unit_price", 0.3),
        Report("same price as the product's", "SELECT count(*) FROM order_details d JOIN products p ON "
               "p.product_id = d.product_id WHERE d.unit_price = p.unit_price", 0.4),
        Report("nobody's type", "SELECT customer_id FROM customer_customer_demo"),
    )  # fmt: skip


NORTHWIND = Database("northwind", tables, rows, reports, after)
