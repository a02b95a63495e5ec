"""What single persons hold, in synthetic rows and in checkpoints."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthohive import Metadata, Synthesizer
from tests.planted import PLANTED, content_of, planted_database, planted_metadata

__all__ = ["few_holders", "measured", "orders_metadata", "orders_of_customers"]

K = 5


def measured(models: list[str], epochs: int) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield per model the rows that show planted values, and those with values of few."""
    for model in models:
        real = planted_database()
        synthesizer = Synthesizer(planted_metadata(), model=model)
        synthesizer.fit(
            {n: t.copy() for n, t in real.items()}, epochs=epochs, seed=1, progress=False
        )
        made = synthesizer.sample(seed=2)
        with tempfile.TemporaryDirectory() as folder:
            text, _ = content_of(synthesizer.save(Path(folder) / "checkpoint"))
        found = {f"{p.table}.{p.column}": p.rows(made) for p in PLANTED}
        stored = sum(p.value in text for p in PLANTED if isinstance(p.value, str))
        yield f"planted/{model}", {**found, "texts in the checkpoint": stored}
    for model in models:
        real = orders_of_customers()
        synthesizer = Synthesizer(orders_metadata(), model=model)
        synthesizer.fit(
            {n: t.copy() for n, t in real.items()}, epochs=epochs, seed=1, progress=False
        )
        orders = synthesizer.sample(seed=2)["orders"]
        few = few_holders(real["orders"], ["customer_id", "employee_id", "ship_via"])
        shown = {c: int(orders[c].isin(values).sum()) for c, values in few.items()}
        yield f"orders/{model}", shown


def _copies(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {name: table.copy() for name, table in tables.items()}


def few_holders(rows: pd.DataFrame, paths: list[str]) -> Mapping[str, set[Any]]:
    """Return the texts and categories that fewer than `k` entities share, over any path.

    Over a path of fewer than `k` entities, those that not all of them share.
    """
    found: dict[str, set[Any]] = {}
    for column in rows.columns.difference([*paths, "id"]):
        if not pd.api.types.is_numeric_dtype(rows[column]):
            groups = rows.groupby(column)
            counts = [(groups[p].nunique(), min(K, rows[p].nunique())) for p in paths]
            found[column] = {v for n, least in counts for v in n[n < least].index}
    return found


def orders_metadata() -> Metadata:
    """Return the keys of :func:`orders_of_customers`."""
    metadata = Metadata().add_table("customers", "id").add_table("employees", "id")
    metadata.add_table("shippers", "id")
    keys = {"customer_id": "customers.id", "employee_id": "employees.id", "ship_via": "shippers.id"}
    return metadata.add_table("orders", "id", fk=keys)


def orders_of_customers(seed: int = 0) -> dict[str, pd.DataFrame]:
    """Return a trade like Northwind's: 91 customers, 9 employees, 3 shippers, 830 orders."""
    rng = np.random.default_rng(seed)

    def words(count: int) -> np.ndarray[Any, Any]:
        parts = np.array(["al", "fre", "ana", "tro", "blon", "du", "sol", "dra", "chen", "que"])
        return np.array(["".join(p).title() for p in rng.choice(parts, (count, 4))])

    customers = pd.DataFrame({"id": np.arange(91), "company_name": words(91), "city": words(91)})
    customers["country"] = rng.choice(["Germany", "USA", "France", "Brazil", "UK"], 91)
    employees = pd.DataFrame({"id": np.arange(9), "last_name": words(9)})
    shippers = pd.DataFrame({"id": np.arange(3), "company_name": words(3)})
    owner = rng.integers(0, 91, 830)
    named = customers.loc[owner].reset_index(drop=True)
    orders = pd.DataFrame(
        {
            "id": np.arange(830),
            "customer_id": owner,
            "employee_id": rng.integers(0, 9, 830),
            "ship_via": rng.integers(0, 3, 830),
            "freight": np.round(rng.gamma(1, 78, 830), 2),
            "ship_name": named["company_name"],
            "ship_city": named["city"],
            "ship_country": named["country"],
        }
    )
    return {
        "customers": customers, "employees": employees, "shippers": shippers, "orders": orders,
    }  # fmt: skip
