"""Where and how tables are trained changes nothing in what is made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, SchemaError, Synthesizer


def shop() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    customer = pd.DataFrame({"id": range(120), "kind": rng.choice(["a", "b", "c"], 120)})
    order = pd.DataFrame({"id": range(300), "customer": rng.integers(0, 120, 300)})
    order["paid"] = np.round(rng.gamma(2, 10, 300), 2) * (1 + order["customer"] % 3)
    line = pd.DataFrame({"id": range(500), "order": rng.integers(0, 300, 500)})
    line["pieces"] = rng.integers(1, 9, 500)
    return {"customer": customer, "order": order, "line": line}


def fit(data: dict[str, pd.DataFrame], **how: Any) -> Synthesizer:
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("order", "id", fk={"customer": "customer.id"})
    metadata.add_table("line", "id", fk={"order": "order.id"})
    options = {"epochs": 2, "seed": 5, "progress": False, "relations": False, "batch_size": 50}
    return Synthesizer(metadata, model="autoregressive").fit(data, **{**options, **how})


def sampled(synthesizer: Synthesizer) -> dict[str, Any]:
    tables = synthesizer.sample(seed=6, output_format="arrow")
    return {name: table.to_pydict() for name, table in tables.items()}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return sampled(fit(shop(), n_jobs=1))


def test_any_number_of_processes(expected: dict[str, Any]) -> None:
    assert sampled(fit(shop(), n_jobs=2)) == expected


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, "all", True])
def test_impossible_numbers_of_processes(n_jobs: object) -> None:
    with pytest.raises(SchemaError, match="n_jobs is"):
        fit(shop(), n_jobs=n_jobs)
