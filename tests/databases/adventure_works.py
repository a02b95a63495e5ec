"""Like AdventureWorks: several schemas, computed columns, uuids, periods, CHECKs, a hierarchy."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from faker import Faker

from tests.databases.harness import Database, Engine, Report, Rows

AUDIT = "rowguid <uuid> NOT NULL, modifieddate <time> NOT NULL DEFAULT <now>"
STAMP = datetime(2014, 2, 8, 10, 17, 21)
DEPARTMENTS = ("Engineering", "Tool Design", "Sales", "Marketing", "Purchasing", "Production",
               "Finance", "Information Services")  # fmt: skip
TERRITORIES = (("Northwest", "US", "North America"), ("Southwest", "US", "North America"),
               ("Canada", "CA", "North America"), ("France", "FR", "Europe"),
               ("Germany", "DE", "Europe"), ("Australia", "AU", "Pacific"),
               ("United Kingdom", "GB", "Europe"))  # fmt: skip
TABLES = (
    "CREATE TABLE {person}.person (businessentityid int PRIMARY KEY, persontype char(2) NOT NULL "
    "CHECK (persontype IN ('EM', 'IN', 'SC', 'VC')), title varchar(8), firstname varchar(50) NOT NULL, "
    f"lastname varchar(50) NOT NULL, emailpromotion int NOT NULL, demographics <xml>, {AUDIT})",
    "CREATE TABLE {person}.emailaddress (businessentityid int NOT NULL, emailaddressid int NOT NULL, "
    f"emailaddress varchar(50), {AUDIT}, PRIMARY KEY (businessentityid, emailaddressid), "
    "FOREIGN KEY (businessentityid) REFERENCES {person}.person (businessentityid))",
    "CREATE TABLE {hr}.department (departmentid int PRIMARY KEY, name varchar(50) NOT NULL, "
    "groupname varchar(50) NOT NULL, modifieddate <time> NOT NULL)",
    "CREATE TABLE {hr}.employee (businessentityid int PRIMARY KEY, nationalidnumber varchar(15) NOT NULL "
    "UNIQUE, jobtitle varchar(50) NOT NULL, managerid int, birthdate date NOT NULL, "
    "maritalstatus char(1) NOT NULL CHECK (maritalstatus IN ('M', 'S')), hiredate date NOT NULL, "
    f"salariedflag <flag> NOT NULL, vacationhours smallint NOT NULL, {AUDIT}, "
    "CHECK (vacationhours BETWEEN -40 AND 240), "
    "FOREIGN KEY (businessentityid) REFERENCES {person}.person (businessentityid), "
    "FOREIGN KEY (managerid) REFERENCES {hr}.employee (businessentityid))",
    "CREATE TABLE {hr}.employeedepartmenthistory (businessentityid int NOT NULL, "
    "departmentid int NOT NULL, startdate date NOT NULL, enddate date, modifieddate <time> NOT NULL, "
    "PRIMARY KEY (businessentityid, startdate, departmentid), CHECK (enddate >= startdate OR enddate IS NULL), "
    "FOREIGN KEY (businessentityid) REFERENCES {hr}.employee (businessentityid), "
    "FOREIGN KEY (departmentid) REFERENCES {hr}.department (departmentid))",
    "CREATE TABLE {production}.productcategory (productcategoryid int PRIMARY KEY, "
    f"name varchar(50) NOT NULL, {AUDIT})",
    "CREATE TABLE {production}.product (productid int PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, "
    "productnumber varchar(25) NOT NULL UNIQUE, makeflag <flag> NOT NULL, color varchar(15), "
    "standardcost numeric(19, 4) NOT NULL, listprice numeric(19, 4) NOT NULL, productcategoryid int, "
    f"sellstartdate date NOT NULL, sellenddate date, {AUDIT}, CHECK (listprice >= 0), "
    "CHECK (standardcost >= 0), CHECK (sellenddate >= sellstartdate OR sellenddate IS NULL), "
    "FOREIGN KEY (productcategoryid) REFERENCES {production}.productcategory (productcategoryid))",
    "CREATE TABLE {sales}.salesterritory (territoryid int PRIMARY KEY, name varchar(50) NOT NULL, "
    "countryregioncode varchar(3) NOT NULL, region varchar(50) NOT NULL, modifieddate <time> NOT NULL)",
    "CREATE TABLE {sales}.customer (customerid int PRIMARY KEY, personid int, territoryid int NOT NULL, "
    f"accountnumber varchar(10) NOT NULL UNIQUE, {AUDIT}, "
    "FOREIGN KEY (personid) REFERENCES {person}.person (businessentityid), "
    "FOREIGN KEY (territoryid) REFERENCES {sales}.salesterritory (territoryid))",
    "CREATE TABLE {sales}.salesorderheader (salesorderid int PRIMARY KEY, revisionnumber smallint NOT NULL, "
    "orderdate date NOT NULL, duedate date NOT NULL, shipdate date, status smallint NOT NULL, "
    "onlineorderflag <flag> NOT NULL, customerid int NOT NULL, territoryid int NOT NULL, "
    "subtotal numeric(19, 4) NOT NULL, taxamt numeric(19, 4) NOT NULL, freight numeric(19, 4) NOT NULL, "
    f"totaldue numeric(19, 4) GENERATED ALWAYS AS (subtotal + taxamt + freight) STORED, {AUDIT}, "
    "CHECK (duedate >= orderdate), CHECK (shipdate >= orderdate OR shipdate IS NULL), "
    "CHECK (status BETWEEN 0 AND 8), CHECK (subtotal >= 0), "
    "FOREIGN KEY (customerid) REFERENCES {sales}.customer (customerid), "
    "FOREIGN KEY (territoryid) REFERENCES {sales}.salesterritory (territoryid))",
    "CREATE TABLE {sales}.salesorderdetail (salesorderid int NOT NULL, salesorderdetailid int NOT NULL, "
    "orderqty smallint NOT NULL CHECK (orderqty > 0), productid int NOT NULL, "
    "unitprice numeric(19, 4) NOT NULL CHECK (unitprice >= 0), "
    f"linetotal numeric(38, 4) GENERATED ALWAYS AS (unitprice * orderqty) STORED, {AUDIT}, "
    "PRIMARY KEY (salesorderid, salesorderdetailid), "
    "FOREIGN KEY (salesorderid) REFERENCES {sales}.salesorderheader (salesorderid), "
    "FOREIGN KEY (productid) REFERENCES {production}.product (productid))",
)
SPELLED = {
    "postgresql": {"uuid": "uuid", "xml": "xml"},
    "mysql": {"uuid": "char(36)", "xml": "text"},
}
SCHEMAS = ("person", "hr", "production", "sales")


def tables(engine: Engine) -> Iterable[str]:
    """Return the definitions."""
    for definition in TABLES:
        for key, value in SPELLED[engine.name].items():
            definition = definition.replace(f"<{key}>", value)  # noqa: PLW2901
        yield definition


def rows(seed: int, engine: Engine) -> Rows:
    """Return the rows."""
    rng, fake = np.random.default_rng(seed), Faker("en_US")
    fake.seed_instance(seed)
    made: dict[str, list[dict[str, Any]]] = {}

    def audit() -> dict[str, Any]:
        guid = uuid.UUID(bytes=rng.bytes(16), version=4)
        return {"rowguid": str(guid), "modifieddate": STAMP}

    made["{person}.person"], made["{person}.emailaddress"] = [], []
    for number in range(1, 501):
        first, last = fake.first_name(), fake.last_name()
        made["{person}.person"].append(
            {"businessentityid": number, "persontype": "EM" if number <= 120 else "IN",
             "title": str(rng.choice(["Mr.", "Ms."])) if rng.random() < 0.2 else None,
             "firstname": first, "lastname": last, "emailpromotion": int(rng.choice(3, p=[0.55, 0.25, 0.2])),
             "demographics": f"<Survey><Children>{int(rng.integers(0, 5))}</Children></Survey>", **audit()}
        )  # fmt: skip
        made["{person}.emailaddress"].append(
            {"businessentityid": number, "emailaddressid": number,
             "emailaddress": f"{first}{number % 50}@adventure-works.com".lower(), **audit()}
        )  # fmt: skip
    made["{hr}.department"] = [
        {"departmentid": i, "name": n, "groupname": "Sales and Marketing" if i in (3, 4) else "Other",
         "modifieddate": STAMP}
        for i, n in enumerate(DEPARTMENTS, 1)
    ]  # fmt: skip
    _staff(rng, fake, made, audit)
    made["{production}.productcategory"] = [
        {"productcategoryid": i, "name": n, **audit()}
        for i, n in enumerate(("Bikes", "Components", "Clothing", "Accessories"), 1)
    ]
    made["{production}.product"] = [_product(rng, i) | audit() for i in range(1, 101)]
    made["{sales}.salesterritory"] = [
        {"territoryid": i, "name": n, "countryregioncode": c, "region": g, "modifieddate": STAMP}
        for i, (n, c, g) in enumerate(TERRITORIES, 1)
    ]
    share = np.array([0.25, 0.25, 0.1, 0.1, 0.1, 0.1, 0.1])
    made["{sales}.customer"] = [
        {"customerid": i, "personid": 120 + i, "territoryid": int(rng.choice(7, p=share)) + 1,
         "accountnumber": f"AW{i:08}", **audit()}
        for i in range(1, 381)
    ]  # fmt: skip
    _orders(rng, made, audit)
    return made


def _staff(
    rng: np.random.Generator, fake: Faker, made: dict[str, list[dict[str, Any]]], audit: Any
) -> None:
    made["{hr}.employee"], made["{hr}.employeedepartmenthistory"] = [], []
    for number in range(1, 121):
        level = 0 if number == 1 else 1 if number <= 9 else 2
        boss = None if level == 0 else 1 if level == 1 else int(rng.integers(2, 10))
        hired = date(2006, 6, 1) + timedelta(int(rng.integers(0, 2200)))
        title = ("Chief Executive Officer", "Department Manager", "Production Technician")[level]
        made["{hr}.employee"].append(
            {"businessentityid": number, "nationalidnumber": fake.unique.numerify("#########"),
             "jobtitle": title, "managerid": boss,
             "birthdate": hired - timedelta(int(rng.integers(20 * 365, 50 * 365))),
             "maritalstatus": "MS"[int(rng.random() < 0.5)], "hiredate": hired,
             "salariedflag": level < 2, "vacationhours": int(rng.integers(0, 100)), **audit()}
        )  # fmt: skip
        start, steps = hired, int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
        for step, department in enumerate(rng.choice(8, steps, replace=False)):
            stop = None if step == steps - 1 else start + timedelta(int(rng.integers(100, 700)))
            made["{hr}.employeedepartmenthistory"].append(
                {"businessentityid": number, "departmentid": int(department) + 1, "startdate": start,
                 "enddate": stop, "modifieddate": STAMP}
            )  # fmt: skip
            start = start if stop is None else stop + timedelta(1)


def _product(rng: np.random.Generator, number: int) -> dict[str, Any]:
    category = int(rng.choice(4, p=[0.3, 0.3, 0.2, 0.2]))
    price = Decimal(str(round(float(rng.lognormal((7, 5.5, 3.7, 3)[category], 0.4)), 2)))
    start = date(2008, 4, 30) + timedelta(365 * int(rng.integers(0, 5)))
    return {
        "productid": number,
        "name": f"{('Road', 'Frame', 'Jersey', 'Helmet')[category]}-{number * 10}",
        "productnumber": f"{('BK', 'FR', 'LJ', 'HL')[category]}-R{number:03}-{int(rng.integers(38, 62))}",
        "makeflag": category < 2,
        "color": str(rng.choice(["Black", "Red", "Silver", "Yellow"]))
        if rng.random() < 0.7
        else None,
        "standardcost": round(price * Decimal("0.6"), 4),
        "listprice": price,
        "productcategoryid": category + 1,
        "sellstartdate": start,
        "sellenddate": start + timedelta(364) if rng.random() < 0.3 else None,
    }


def _orders(rng: np.random.Generator, made: dict[str, list[dict[str, Any]]], audit: Any) -> None:
    made["{sales}.salesorderheader"], made["{sales}.salesorderdetail"] = [], []
    products = made["{production}.product"]
    for number in range(43659, 43659 + 900):
        customer = made["{sales}.customer"][int(380 * rng.random() ** 1.3)]
        ordered = date(2011, 5, 31) + timedelta(int(1100 * rng.random() ** 0.6))
        subtotal = Decimal(0)
        for p in rng.choice(100, int(rng.choice([1, 2, 3, 5])), replace=False):
            quantity = int(rng.choice([1, 1, 1, 2, 4]))
            price = products[int(p)]["listprice"]
            subtotal += price * quantity
            made["{sales}.salesorderdetail"].append(
                {"salesorderid": number, "salesorderdetailid": len(made["{sales}.salesorderdetail"]) + 1,
                 "orderqty": quantity, "productid": int(p) + 1, "unitprice": price, **audit()}
            )  # fmt: skip
        made["{sales}.salesorderheader"].append(
            {"salesorderid": number, "revisionnumber": 8, "orderdate": ordered,
             "duedate": ordered + timedelta(12), "shipdate": ordered + timedelta(7), "status": 5,
             "onlineorderflag": bool(rng.random() < 0.85), "customerid": customer["customerid"],
             "territoryid": customer["territoryid"], "subtotal": subtotal,
             "taxamt": round(subtotal * Decimal("0.08"), 4), "freight": round(subtotal * Decimal("0.025"), 4),
             **audit()}
        )  # fmt: skip


def after(engine: Engine) -> Iterable[str]:
    """Return the views, which join over schemas."""
    return (
        "CREATE VIEW {hr}.vemployeedepartment AS SELECT e.businessentityid, p.firstname, p.lastname, "
        "e.jobtitle, d.name AS department, d.groupname, h.startdate FROM {hr}.employee e "
        "JOIN {person}.person p ON p.businessentityid = e.businessentityid "
        "JOIN {hr}.employeedepartmenthistory h ON h.businessentityid = e.businessentityid "
        "JOIN {hr}.department d ON d.departmentid = h.departmentid WHERE h.enddate IS NULL",
        "CREATE VIEW {sales}.vcategorysales AS SELECT c.name AS category, extract(year FROM h.orderdate) "
        "AS year, sum(d.linetotal) AS total, sum(d.orderqty) AS pieces FROM {sales}.salesorderdetail d "
        "JOIN {sales}.salesorderheader h ON h.salesorderid = d.salesorderid "
        "JOIN {production}.product p ON p.productid = d.productid "
        "JOIN {production}.productcategory c ON c.productcategoryid = p.productcategoryid "
        "GROUP BY c.name, extract(year FROM h.orderdate)",
        "CREATE VIEW {sales}.vindividualcustomer AS SELECT c.customerid, p.firstname, p.lastname, "
        "m.emailaddress, t.name AS territory FROM {sales}.customer c "
        "JOIN {person}.person p ON p.businessentityid = c.personid "
        "JOIN {person}.emailaddress m ON m.businessentityid = p.businessentityid "
        "JOIN {sales}.salesterritory t ON t.territoryid = c.territoryid",
    )


def reports(engine: Engine) -> Iterable[Report]:
    """Return the usual questions.

    Another draw differs by up to 0.3 in sales by territory and in products by color.
    """
    return (
        Report("sales by territory", "SELECT t.name, sum(h.totaldue), count(*) FROM {sales}.salesorderheader h "
               "JOIN {sales}.salesterritory t ON t.territoryid = h.territoryid GROUP BY t.name", 0.4, keys=1),
        Report("sales by year", "SELECT extract(year FROM orderdate), sum(totaldue) "
               "FROM {sales}.salesorderheader GROUP BY 1", 0.35, keys=1, rows=1.0),
        Report("lines by category", "SELECT c.name, count(*), sum(d.orderqty) FROM {sales}.salesorderdetail d "
               "JOIN {production}.product p ON p.productid = d.productid JOIN {production}.productcategory c "
               "ON c.productcategoryid = p.productcategoryid GROUP BY c.name", 0.4, keys=1),
        Report("best customers", "SELECT p.lastname, sum(h.totaldue) FROM {sales}.salesorderheader h "
               "JOIN {sales}.customer c ON c.customerid = h.customerid JOIN {person}.person p "
               "ON p.businessentityid = c.personid GROUP BY p.businessentityid, p.lastname "
               "ORDER BY 2 DESC LIMIT 30", 0.4, rows=1.0),
        Report("view: people by department now", "SELECT department, count(*) "
               "FROM {hr}.vemployeedepartment GROUP BY department", 0.6, keys=1, rows=1.0),
        Report("view: sales by category", "SELECT category, sum(total), sum(pieces) "
               "FROM {sales}.vcategorysales GROUP BY category", 0.4, keys=1, rows=1.0),
        Report("view: customers by territory", "SELECT territory, count(*) "
               "FROM {sales}.vindividualcustomer GROUP BY territory", 0.35, keys=1, rows=1.0),
        Report("people who work", "SELECT count(*) FROM {hr}.employeedepartmenthistory "
               "WHERE enddate IS NULL", 0.05),
        Report("people by level", "WITH RECURSIVE chain AS (SELECT businessentityid, 0 AS level "
               "FROM {hr}.employee WHERE managerid IS NULL UNION ALL SELECT e.businessentityid, c.level + 1 "
               "FROM {hr}.employee e JOIN chain c ON e.managerid = c.businessentityid) "
               "SELECT level, count(*) FROM chain GROUP BY level", 0.1, keys=1, rows=1.0),
        Report("products on sale by color", "SELECT color, count(*) FROM {production}.product "
               "WHERE sellenddate IS NULL GROUP BY color", 0.6, keys=1),
        Report("promotions", "SELECT emailpromotion, count(*) FROM {person}.person GROUP BY 1", 0.15, keys=1,
               rows=1.0),
        Report("online", "SELECT onlineorderflag, count(*) FROM {sales}.salesorderheader GROUP BY 1", 0.2,
               keys=1, rows=1.0),
        Report("subtotals that are not their lines", "SELECT h.salesorderid FROM {sales}.salesorderheader h "
               "JOIN {sales}.salesorderdetail d ON d.salesorderid = h.salesorderid "
               "GROUP BY h.salesorderid, h.subtotal HAVING abs(h.subtotal - sum(d.linetotal)) > 0.005"),
        Report("sold at another price", "SELECT d.salesorderdetailid FROM {sales}.salesorderdetail d "
               "JOIN {production}.product p ON p.productid = d.productid WHERE p.listprice <> d.unitprice"),
        Report("orders from another territory", "SELECT h.salesorderid FROM {sales}.salesorderheader h "
               "JOIN {sales}.customer c ON c.customerid = h.customerid WHERE c.territoryid <> h.territoryid"),
        Report("two departments at once", "SELECT a.businessentityid FROM {hr}.employeedepartmenthistory a "
               "JOIN {hr}.employeedepartmenthistory b ON b.businessentityid = a.businessentityid "
               "AND b.startdate > a.startdate WHERE a.enddate IS NULL OR b.startdate <= a.enddate"),
        Report("hired before they were born", "SELECT businessentityid FROM {hr}.employee "
               "WHERE hiredate < birthdate"),
    )  # fmt: skip


ADVENTURE_WORKS = Database("adventureworks", tables, rows, reports, after, SCHEMAS)
