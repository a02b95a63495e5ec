"""The parts that users may call without the facade: stages, order of tables, one table's codes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from synthohive import (
    DataTransformer,
    Metadata,
    SchemaError,
    SchemaGraph,
    StagedOrchestrator,
    SynthoHiveError,
    TableConfig,
)
from synthohive.exceptions import SchemaValidationError
from synthohive.io.dataframe import FrameReader
from tests.models.independent import IndependentColumns


def shop() -> tuple[Metadata, dict[str, pd.DataFrame]]:
    rng = np.random.default_rng(0)
    owner = np.sort(rng.integers(0, 60, 200))
    customers = pd.DataFrame({"id": range(60), "tier": rng.choice(["gold", "tin"], 60)})
    orders = pd.DataFrame({"id": range(200), "customer": owner, "size": rng.integers(1, 9, 200)})
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer": "customers.id"})
    return metadata, {"customers": customers, "orders": orders}


def test_a_model_class_of_ones_own_runs_without_the_facade() -> None:
    metadata, tables = shop()
    staged = StagedOrchestrator(metadata, model_cls=IndependentColumns)
    with pytest.raises(SynthoHiveError, match=r"not fitted.*fit\(\)"):
        staged.generate()
    made = staged.fit(tables, epochs=1, seed=1).generate(seed=7)
    assert isinstance(staged.fitted_.tables["orders"].model, IndependentColumns)  # type: ignore[union-attr]
    assert set(made["orders"]["customer"]) <= set(made["customers"]["id"])
    assert made["orders"].dtypes.equals(tables["orders"].dtypes)
    reader = FrameReader(tables, metadata)
    again = StagedOrchestrator(metadata, IndependentColumns).fit(reader, epochs=1, seed=1)
    pd.testing.assert_frame_equal(again.generate(seed=7)["orders"], made["orders"])
    assert len(staged.generate({"customers": 9}, seed=7)["customers"]) == 9


def test_stages_refuse_what_they_cannot_use_before_any_work() -> None:
    metadata, tables = shop()
    with pytest.raises(SchemaError, match="not a model"):
        StagedOrchestrator(metadata, model_cls=dict)  # type: ignore[arg-type]
    staged = StagedOrchestrator(metadata, model_cls=IndependentColumns)
    with pytest.raises(SchemaError, match="epochs"):
        staged.fit(tables, epochs=0)
    with pytest.raises(SchemaError, match=r"no table 'orders'"):
        staged.fit({"customers": tables["customers"]})
    with pytest.raises(SchemaError, match="bins"):
        StagedOrchestrator(metadata, model_cls="ctgan").fit(tables, bins=3)


def test_the_order_of_tables_is_that_of_fitting() -> None:
    metadata = Metadata().add_table("a", "id", fk={"b": "b.id"})
    metadata.add_table("b", "id").add_table("c", ["a", "n"], fk={"a": "a.id"})
    graph = SchemaGraph(metadata)
    assert (graph.order, graph.roots) == (("b", "a", "c"), ("b",))
    assert graph.ancestors("c") == ("a", "b")
    driver = graph.driver("c")
    assert driver is not None
    assert driver.label("c") == "c(a) -> a(id)"
    assert "driven by c(a) -> a(id)" in str(graph)
    with pytest.raises(SchemaError, match="'d'"):
        graph.driver("d")
    with pytest.raises(SchemaValidationError, match="nowhere"):
        SchemaGraph(Metadata().add_table("a", "id", fk={"b": "nowhere.id"}))


def test_one_table_is_encoded_and_comes_back() -> None:
    rng = np.random.default_rng(1)
    count = 200
    rows = pd.DataFrame(
        {
            "id": range(count),
            "shop": rng.integers(0, 5, count),
            "mail": [f"{name}{i}@mail.example" for i, name in enumerate(["ann", "bob"] * 100)],
            "kind": pd.Categorical(rng.choice(["new", "old"], count)),
            "price": [Decimal(int(v)) / 100 for v in rng.integers(100, 9_999, count)],
            "since": [date(2020, 1, 1 + int(v)) for v in rng.integers(0, 28, count)],
            "number": pd.array(rng.choice([1, 2, None], count), dtype="Int64"),
        }
    )
    table = TableConfig(name="items", pk="id", fk={"shop": "shops.id"})
    transformer = DataTransformer(table)
    with pytest.raises(SynthoHiveError, match="not fitted"):
        transformer.transform(rows)
    encoded = transformer.fit(rows, seed=3).transform(rows, seed=4)
    assert len(encoded) == count
    assert encoded.codes.dtype == np.int32
    back = transformer.inverse_transform(encoded, seed=5)
    assert list(back) == ["kind", "price", "since", "number"]  # neither keys nor e-mail addresses
    pd.testing.assert_frame_equal(back[["kind", "number"]], rows[["kind", "number"]])
    assert [type(v) for v in back[["price", "since"]].iloc[0]] == [Decimal, date]
    off = np.abs(back["price"].astype(float) - rows["price"].astype(float))
    assert np.quantile(off, 0.9) < 1.0
    few = transformer.transform(rows.head(3), seed=4)
    assert few.layout == encoded.layout
    assert len(few) == 3
    with pytest.raises(SchemaError, match="kind"):
        transformer.transform(rows.drop(columns="kind"))
