"""A database in which single persons hold peculiar values, to be looked for afterwards."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from synthohive import Metadata

__all__ = ["PLANTED", "Planted", "content_of", "planted_database", "planted_metadata"]


@dataclass(frozen=True)
class Planted:
    """A value of one person, and what makes it hard to see that it is one person's."""

    table: str
    column: str
    value: Union[str, float, pd.Timestamp]
    why: str

    def rows(self, tables: dict[str, pd.DataFrame]) -> int:
        """Count the rows that show it."""
        column = tables[self.table][self.column]
        if isinstance(self.value, str):
            return int(column.astype(str).str.contains(self.value, regex=False).sum())
        return int((column == self.value).sum())


PLANTED = (
    Planted("orders", "ship", "HELICOPTER-ZQX", "80 customers; 200 rows of one"),
    Planted("orders", "amount", 41.37, "a number inside the usual range, of one customer"),
    Planted("orders", "limit", 777_777.25, "an extreme of one customer"),
    Planted("orders", "at", pd.Timestamp("2031-05-05 05:05:05"), "an extreme date of one customer"),
    Planted("receipts", "diet", "HIV-MEDICATION-ZQX", "key (store, receipt), nullable customer"),
    Planted("log", "action", "ADMIN-PURGE-ZQX", "user_id without a declared key"),
    Planted("log", "size", 8_888_888.0, "a number of one user_id"),
    Planted("visits", "note", "Zqxander", "a treatment that one patient had six times"),
)


def planted_metadata() -> Metadata:
    """Return the keys of the database, as far as they are declared."""
    metadata = Metadata().add_table("customers", "id").add_table("stores", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    metadata.add_table(
        "receipts",
        ["store_id", "receipt"],
        fk={"store_id": "stores.id", "customer_id": "customers.id"},
    )
    metadata.add_table("log", "id").add_table("patients", "id").add_table("treatments", "id")
    return metadata.add_table(
        "visits", "id", fk={"patient_id": "patients.id", "treatment_id": "treatments.id"}
    )


def planted_database(seed: int = 3, customers: int = 80) -> dict[str, pd.DataFrame]:
    """Return the rows."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {"id": np.arange(1, customers + 1), "segment": rng.choice(list("AB"), customers)}
    )
    stores = pd.DataFrame({"id": np.arange(1, 41), "kind": rng.choice(["city", "mall"], 40)})
    return {
        "customers": people,
        "stores": stores,
        "orders": _orders(rng, customers),
        "receipts": _receipts(rng, customers),
        "log": _log(rng),
        "patients": pd.DataFrame({"id": np.arange(1, 121), "sex": rng.choice(list("mf"), 120)}),
        **_visits(rng),
    }


def _orders(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    owner = np.r_[np.repeat(np.arange(1, customers + 1), 15), np.full(200, 7)]
    rows = len(owner)
    orders = pd.DataFrame(
        {
            "id": np.arange(1, rows + 1),
            "customer_id": owner,
            "ship": rng.choice(["std", "express"], rows),
            "amount": np.round(rng.uniform(5, 80, rows), 2),
            "limit": np.round(rng.lognormal(7, 1, rows), 2),
            "at": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, rows), "s"),
        }
    )
    last = orders.index[-200:]
    orders.loc[last, "ship"] = "HELICOPTER-ZQX"
    orders.loc[last, "amount"] = 41.37
    orders.loc[last[:60], "limit"] = 777_777.25
    orders.loc[last[60:120], "at"] = pd.Timestamp("2031-05-05 05:05:05")
    return orders


def _receipts(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    store = np.repeat(np.arange(1, 41), 30)
    owner = rng.integers(1, customers + 1, len(store)).astype(float)
    diet = rng.choice(["none", "gluten"], len(store)).astype(object)
    one = rng.choice(len(store), 100, replace=False)
    owner[one], diet[one] = 42, "HIV-MEDICATION-ZQX"
    owner[rng.random(len(store)) < 0.15] = np.nan
    return pd.DataFrame(
        {
            "store_id": store,
            "receipt": np.tile(np.arange(1, 31), 40),
            "customer_id": pd.array(owner, dtype="Int64"),
            "diet": diet,
        }
    )


def _log(rng: np.random.Generator) -> pd.DataFrame:
    user = np.r_[rng.integers(1_000, 1_200, 1_200), np.full(60, 1_042)]
    action = np.r_[rng.choice(["view", "buy"], 1_200).astype(object), ["ADMIN-PURGE-ZQX"] * 60]
    size = np.r_[rng.integers(1, 5_000, 1_200), np.full(60, 8_888_888)]
    return pd.DataFrame(
        {"id": np.arange(1, 1_261), "user_id": user, "action": action, "size": size}
    )


def _visits(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    label = [f"Treatment {i}" for i in range(1, 16)]
    label[8] = "Gender surgery of Zqxander Moebius"
    treatments = pd.DataFrame({"id": np.arange(1, 16), "label": label})
    which = rng.integers(1, 15, 900)
    which[which == 9] = 15
    treatment, patient = np.r_[which, [9] * 6], np.r_[rng.integers(1, 121, 900), [17] * 6]
    note = ["seen again" if t != 9 else "Zqxander came back" for t in treatment]
    visits = pd.DataFrame(
        {
            "id": np.arange(1, 907),
            "patient_id": patient,
            "treatment_id": treatment,
            "note": note,
        }
    )
    return {"treatments": treatments, "visits": visits}


def content_of(checkpoint: Path) -> tuple[str, np.ndarray[Any, Any]]:
    """Return all texts of a checkpoint, and all of its numbers."""
    texts: list[str] = []
    numbers: list[float] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            texts.extend(map(str, value))
            value = list(value.values())
        if isinstance(value, list):
            for part in value:
                walk(part)
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            numbers.append(float(value))

    for path in sorted(p for p in checkpoint.rglob("*") if p.is_file()):
        if path.suffix == ".json":
            walk(json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix == ".parquet":
            walk([v for column in pq.read_table(path).columns for v in column.to_pylist()])
        elif path.suffix == ".npz" and zipfile.is_zipfile(path):
            with np.load(path, allow_pickle=False) as arrays:
                walk([v for name in arrays.files for v in arrays[name].ravel().tolist()])
        else:
            texts.append(path.read_bytes().decode("latin1"))
    return "\0".join(texts), np.asarray(numbers)
