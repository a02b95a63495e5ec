"""A parent with two child tables, in which everything goes together or nothing does."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive import Metadata
from synthohive.schema.columns import column_from_arrow

Tables = dict[str, pa.Table]


def shop(seed: int, related: bool = True, parents: int = 400) -> tuple[Tables, Metadata]:
    """Return customers, their orders and their visits.

    Where related: orders and visits are as many as the level says, and an order's amount
    and channel follow from the customer.
    """
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 5, parents)
    counts = {"orders": level, "visits": 2 * level}
    if not related:
        counts = {name: rng.permutation(number) for name, number in counts.items()}
    customers = pa.table({"id": np.arange(parents), "level": level.astype(float)})
    orders = np.repeat(np.arange(parents), counts["orders"])
    of = level[orders] if related else rng.permutation(level[orders])
    tables = {
        "customers": customers,
        "orders": pa.table(
            {
                "customer_id": orders,
                "amount": of + 0.2 * rng.normal(size=len(orders)),
                "channel": np.where(of > 2, "web", "shop"),
            }
        ),
        "visits": pa.table({"customer_id": np.repeat(np.arange(parents), counts["visits"])}),
    }
    metadata = Metadata().add_table("customers", "id")
    for child in ("orders", "visits"):
        metadata.add_table(child, fk={"customer_id": "customers.id"})
    for name, table in tables.items():
        metadata.tables[name].columns = {f.name: column_from_arrow(f) for f in table.schema}
    return tables, metadata
