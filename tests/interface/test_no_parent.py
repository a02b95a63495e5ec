"""Keys that are not declared, and hold a value instead of NULL where there is no parent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from synthohive import Metadata, SchemaError, SchemaValidationError, Synthesizer
from synthohive.schema import ForeignKey

GUESTS = 60


def shop() -> dict[str, pd.DataFrame]:
    """Return customers 1 to 80, and orders, of which a fifth are by guests: customer 0."""
    rng = np.random.default_rng(0)
    customer = np.where(np.arange(300) < GUESTS, 0, rng.integers(1, 81, 300))
    orders = {"id": range(1, 301), "customer_id": customer, "total": rng.integers(5, 99, 300)}
    return {
        "customer": pd.DataFrame({"id": range(1, 81), "since": rng.integers(2000, 2020, 80)}),
        "orders": pd.DataFrame(orders),
    }


def key(**more: object) -> ForeignKey:
    return ForeignKey(
        columns=["customer_id"], parent="customer", parent_columns=["id"], no_parent=0, **more
    )


def check(orders: pd.DataFrame) -> None:
    assert str(orders.customer_id.dtype) == "int64"
    assert abs((orders.customer_id == 0).sum() - GUESTS) <= 3
    assert orders.customer_id.between(0, 80).all()


def test_frames() -> None:
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("orders", "id", foreign_keys=[key()])
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit(shop(), epochs=1, seed=1, progress=False, n_jobs=1, validate=True)
    check(synth.sample(seed=1)["orders"])


def test_a_database_keeps_the_column_as_it_is(tmp_path: Path) -> None:
    """NOT NULL, and no constraint: the source has none."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id INTEGER PRIMARY KEY, since INT)")
        connection.exec_driver_sql(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT NOT NULL, total INT)"
        )
        for name, table in shop().items():
            table.to_sql(name, connection, if_exists="append", index=False)
    metadata = Metadata.from_database(url)
    metadata.tables["orders"].foreign_keys.append(key())
    synth = Synthesizer.from_database(url, metadata=metadata)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    made = tmp_path / "made.db"
    summary = synth.to_database(f"sqlite:///{made}", seed=1)
    assert summary.orphans == 0
    copy = sa.create_engine(f"sqlite:///{made}")
    check(pd.read_sql("SELECT * FROM orders", copy))
    (column,) = (c for c in sa.inspect(copy).get_columns("orders") if c["name"] == "customer_id")
    assert not column["nullable"]
    assert not sa.inspect(copy).get_foreign_keys("orders")


def test_where_it_cannot_be() -> None:
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("orders", ["customer_id", "line"], foreign_keys=[key()])
    with pytest.raises(SchemaValidationError, match="part of a primary key or UNIQUE"):
        metadata.validate_schema()
    with pytest.raises(SchemaError, match="no_parent is of one column"):
        ForeignKey(columns=["a", "b"], parent="p", parent_columns=["a", "b"], no_parent=0)
