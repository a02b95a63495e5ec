"""A small database like Northwind, in which orders and parcels repeat what their people have."""

from __future__ import annotations

import numpy as np
import pandas as pd
from faker import Faker

from synthohive import Metadata

CUSTOMERS = 80


def northwind() -> dict[str, pd.DataFrame]:
    """Return customers, employees, orders that repeat the customers', and items."""
    rng, fake = np.random.default_rng(1), Faker("en_US")
    fake.seed_instance(3)
    customers = pd.DataFrame(
        {
            "customer_id": range(1, CUSTOMERS + 1),
            "company": [fake.company() for _ in range(CUSTOMERS)],
            "contact_name": [fake.name() for _ in range(CUSTOMERS)],
            "address": [fake.street_address() for _ in range(CUSTOMERS)],
            "phone": [fake.numerify("###-555-####") for _ in range(CUSTOMERS)],
            "segment": rng.choice(["retail", "trade"], CUSTOMERS),
        }
    )
    customers.loc[::9, "phone"] = None
    first = [fake.first_name() for _ in range(12)]
    last = [fake.last_name() for _ in range(12)]
    employees = pd.DataFrame({"employee_id": range(1, 13), "first_name": first, "last_name": last})
    size = 600
    of, by = rng.integers(0, CUSTOMERS, size), rng.integers(0, 12, size)
    orders = pd.DataFrame(
        {
            "order_id": range(1, size + 1),
            "customer_id": of + 1,
            "employee_id": by + 1,
            "ship_address": customers["address"].to_numpy()[of],
            "ship_name": customers["contact_name"].str.upper().to_numpy()[of],
            "ship_to": customers["company"].to_numpy()[of],
            "call": customers["phone"].to_numpy()[of],
            "taken_by": [f"{last[i]}, {first[i]}" for i in by],
            "weight": rng.integers(1, 50, size),
        }
    )
    orders["ship_to"] = [c.upper() if i % 50 == 0 else c for i, c in enumerate(orders["ship_to"])]
    orders.loc[::40, "ship_to"] = [f"{fake.company()} Depot" for _ in orders.index[::40]]
    elsewhere = rng.random(size) < 0.1
    orders.loc[elsewhere, "ship_address"] = [fake.street_address() for _ in range(elsewhere.sum())]
    label = "To " + orders["ship_name"] + ", " + orders["ship_address"]
    parcels = pd.DataFrame({"parcel_id": range(1, size + 1), "order_id": orders["order_id"]})
    parcels["label"] = label
    return {"customers": customers, "employees": employees, "orders": orders, "parcels": parcels}


def described() -> Metadata:
    metadata = Metadata().add_table("customers", "customer_id")
    metadata.add_table("employees", "employee_id")
    keys = {"customer_id": "customers.customer_id", "employee_id": "employees.employee_id"}
    metadata.add_table("orders", "order_id", fk=keys)
    return metadata.add_table("parcels", "parcel_id", fk={"order_id": "orders.order_id"})


def held(made: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Return the share of rows in which each column repeats what it did."""
    orders = made["orders"].merge(made["customers"], on="customer_id", how="left")
    orders = orders.merge(made["employees"], on="employee_id", how="left")
    parcels = made["parcels"].merge(made["orders"], on="order_id", how="left")
    label = "To " + parcels["ship_name"] + ", " + parcels["ship_address"]
    taken_by = orders["last_name"] + ", " + orders["first_name"]
    same_call = (orders["call"] == orders["phone"]) | (
        orders["call"].isna() & orders["phone"].isna()
    )
    return {
        "ship_address": (orders["ship_address"] == orders["address"]).mean(),
        "ship_name": (orders["ship_name"] == orders["contact_name"].str.upper()).mean(),
        "call": same_call.mean(),
        "ship_to": (orders["ship_to"].str.lower() == orders["company"].str.lower()).mean(),
        "taken_by": (orders["taken_by"] == taken_by).mean(),
        "label": (parcels["label"] == label).mean(),
    }
