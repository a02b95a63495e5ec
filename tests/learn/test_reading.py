"""How often a fit reads whole tables, where training sees a sample of them only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, StagedOrchestrator
from synthohive.exceptions import ConnectorError
from synthohive.generate.making import make_tables
from synthohive.generate.run import Run
from synthohive.io.dataframe import FrameReader
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.ancestors import WithParents
from synthohive.tables.joins import match_rows
from synthohive.tables.source import SourceTables
from tests.models.independent import IndependentColumns


class CountingReader(FrameReader):
    """Counts the passes over each table."""

    def __init__(self, tables: dict[str, pd.DataFrame], metadata: Metadata) -> None:
        super().__init__(tables, metadata)
        self.passes: Counter[str] = Counter()

    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        self.passes[table] += 1
        return super().read(table, columns)


def shop() -> CountingReader:
    """Return orders whose totals, dates and numbers follow from other rows and tables."""
    rng = np.random.default_rng(0)
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 400), "D")
    customers = pd.DataFrame({"id": range(400), "since": since, "rate": rng.integers(1, 9, 400)})
    shops = pd.DataFrame({"id": range(60), "tax": rng.choice([0.05, 0.1, 0.2], 60)})
    owner = np.sort(rng.integers(0, 400, 1600))
    orders = pd.DataFrame({"id": range(1600), "customer": owner, "shop": rng.integers(0, 60, 1600)})
    orders["rate"] = customers["rate"].to_numpy()[owner]
    orders["tax"] = shops["tax"].to_numpy()[orders["shop"]]
    orders["placed"] = since.to_numpy()[owner] + pd.to_timedelta(rng.integers(1, 300, 1600), "D")
    orders["sent"] = orders["placed"] + pd.to_timedelta(rng.integers(1, 9, 1600), "D")
    orders["number"] = orders.groupby("customer").cumcount() + 1
    lines = pd.DataFrame({"id": range(4800), "order_id": np.sort(rng.integers(0, 1600, 4800))})
    lines["price"], lines["pieces"] = rng.integers(100, 999, 4800), rng.integers(1, 9, 4800)
    lines["amount"] = lines["price"] * lines["pieces"]
    total = lines.groupby("order_id")["amount"].sum()
    orders["total"] = total.reindex(orders["id"], fill_value=0).to_numpy()
    metadata = Metadata().add_table("customers", "id").add_table("shops", "id")
    metadata.add_table("orders", "id", fk={"customer": "customers.id", "shop": "shops.id"})
    metadata.add_table("lines", "id", fk={"order_id": "orders.id"})
    metadata.tables["lines"].relations = ["amount = price * pieces"]
    tables = {"customers": customers, "shops": shops, "orders": orders, "lines": lines}
    return CountingReader(tables, metadata)


KNOWN = {
    "lines: amount = round(price * pieces)",
    "orders: placed >= customers.since",
    "orders: rate = customers.rate",
    "orders: sent >= placed",
    "orders: tax = shops.tax",
    "orders: total = sum(amount) of lines",
}


def relations(reader: CountingReader) -> set[str]:
    staged = StagedOrchestrator(reader.metadata, IndependentColumns)
    fitted = staged.fit(reader, sample_size=300, epochs=1, seed=1).fitted_
    assert fitted is not None
    return {f"{n}: {r}" for n, t in fitted.tables.items() for r in t.all_relations}


def test_a_fit_reads_each_table_once_beside_its_sample() -> None:
    reader = shop()
    assert relations(reader) >= KNOWN
    assert max(reader.passes.values()) == 1  # 18 passes in all before


def test_what_holds_is_the_same_where_tables_are_too_large_to_be_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SourceTables, "most", 0)
    reader = shop()
    assert relations(reader) >= KNOWN
    assert max(reader.passes.values()) > 1


def test_held_tables_make_room_for_one_another() -> None:
    reader = shop()
    counts = {name: reader.count(name) for name in reader.metadata.tables}
    whole = {name: pa.Table.from_batches(list(reader.read(name))) for name in counts}
    sampled = {name: table.slice(0, 50) for name, table in whole.items()}
    source = SourceTables(reader, sampled, counts)
    key = reader.metadata.tables["lines"].foreign_keys[0]
    reader.passes.clear()
    for _ in range(3):
        assert source.columns("lines", ["id", "price"]).equals(
            whole["lines"].select(["id", "price"])
        )
        assert (source.parent_rows("lines", key) == whole["lines"]["order_id"].to_numpy()).all()
        assert source.child_counts("lines", key).sum() == 4800
    assert reader.passes == {"lines": 1, "orders": 1}
    source.most = int(2.5 * whole["lines"].nbytes)  # type: ignore[misc]
    assert source.columns("orders", ["id"]).num_rows == 1600
    source.most = whole["lines"].nbytes  # type: ignore[misc]
    assert source.columns("lines", ["id"]).num_rows == 4800
    assert reader.passes["lines"] == 2


def test_a_parent_that_came_after_they_were_counted_is_one_like_others() -> None:
    reader = shop()
    counts = {name: reader.count(name) for name in reader.metadata.tables}
    plan = RelationalPlan.build(reader.metadata, counts)
    whole = {name: pa.Table.from_batches(list(reader.read(name))) for name in counts}
    sampled = {name: table.slice(0, 50) for name, table in whole.items()}
    source = SourceTables(reader, sampled, {**counts, "shops": counts["shops"] - 1})
    key = reader.metadata.tables["orders"].foreign_keys[1]
    rows = WithParents((("shops.tax", key),), plan, source)(whole["orders"])
    assert rows["shops.tax"].equals(rows["tax"])


def test_rows_that_are_deleted_after_they_were_counted_are_told() -> None:
    reader = shop()
    counts = {name: reader.count(name) for name in reader.metadata.tables}
    sampled = {n: pa.Table.from_batches(list(reader.read(n))).slice(0, 50) for n in counts}
    source = SourceTables(reader, sampled, {**counts, "lines": counts["lines"] + 3})
    with pytest.raises(ConnectorError, match=r"'lines' were deleted.*4,803 were counted, 4,800"):
        source.child_counts("lines", reader.metadata.tables["lines"].foreign_keys[0])


def test_generated_rows_have_their_parents_over_any_key(tmp_path: Path) -> None:
    reader = shop()
    staged = StagedOrchestrator(reader.metadata, IndependentColumns)
    fitted = staged.fit(reader, sample_size=300, epochs=1, seed=1).fitted_
    assert fitted is not None
    run = Run(fitted, 1, 0.1, tmp_path)
    make_tables(run, fitted.plan.order, lambda name: None)
    for table, key in fitted.metadata.foreign_keys():
        own, theirs = run.columns(table, key.columns), run.columns(key.parent, key.parent_columns)
        parents = match_rows(own, key.columns, theirs, key.parent_columns)
        rows = np.array([3, -1, 0, 5])
        wanted = np.where(rows < 0, -1, parents[rows])
        assert run.parents_of(table, key, rows).tolist() == wanted.tolist()
