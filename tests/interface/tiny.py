"""A tiny fitted database with a component of each kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from synthohive import Metadata, Synthesizer

__all__ = ["tiny"]


def tiny(model: str, **settings: Any) -> Synthesizer:
    """Fit three tables: a look-up table, persons, and what they bought."""
    rng = np.random.default_rng(4)
    n, m = 80, 240
    shops = pd.DataFrame({"code": list("ABCD"), "city": ["North", "South", "East", "West"]})
    people = pd.DataFrame({
        "id": range(n),
        "mail": [f"p{i}@x.example" for i in range(n)],
        "kind": rng.choice(["new", "loyal"], n),
        "born": pd.to_datetime("1980-01-01") + pd.to_timedelta(rng.integers(0, 9999, n), "D"),
        "boss": [None if i < 9 else int(rng.integers(0, i)) for i in range(n)],
    }).astype({"boss": "Int64"})  # fmt: skip
    sales = pd.DataFrame({
        "person": np.sort(rng.integers(0, n, m)),
        "shop": rng.choice(list("ABCD"), m),
        "price": rng.gamma(2, 10, m).round(2),
        "number": rng.integers(1, 9, m),
        "note": [f"ref {i % 7} {'a' * (i % 3)}" for i in range(m)],
    })  # fmt: skip
    sales.insert(0, "id", range(m))
    sales["total"] = (sales["price"] * sales["number"]).round(2)
    meta = Metadata().add_table("shops", "code", reference=True)
    meta.add_table("people", "id", fk={"boss": "people.id"})
    meta.add_table("sales", "id", fk={"person": "people.id", "shop": "shops.code"})
    tables = {"shops": shops, "people": people, "sales": sales}
    synth = Synthesizer(meta, model=model)
    return synth.fit(tables, epochs=1, seed=1, progress=False, n_jobs=1, **settings)
