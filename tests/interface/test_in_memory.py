"""DataFrames and files in and out, custom models, and what happens when work is cut short."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import (
    ConditionalGenerativeModel,
    Constraint,
    ConstraintViolationError,
    EncodedTable,
    Metadata,
    PrivacyConfig,
    SchemaError,
    SchemaValidationError,
    Synthesizer,
)
from tests.events import captured_events


def shop() -> tuple[Metadata, dict[str, pd.DataFrame]]:
    rng = np.random.default_rng(0)
    customers = pd.DataFrame(
        {
            "id": np.arange(1, 301, dtype="int32"),
            "tier": pd.Categorical(rng.choice(["gold", "tin"], 300)),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 300), "D"),
            "score": pd.array(
                np.where(rng.random(300) < 0.2, None, rng.integers(0, 90, 300))
            ).astype("Int64"),
        }
    )
    owner = rng.choice(customers["id"], 700)
    orders = pd.DataFrame({"id": np.arange(700), "customer": owner, "total": rng.gamma(2, 9, 700)})
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table(
        "orders",
        "id",
        fk={"customer": "customers.id"},
        constraints={"total": Constraint(min=1, max=60)},
    )
    return metadata, {"customers": customers, "orders": orders}


def test_frames_come_back_with_their_dtypes() -> None:
    metadata, frames = shop()
    synthesizer = Synthesizer(metadata).fit(frames, epochs=3, seed=1, progress=False)
    made = synthesizer.sample(seed=1)
    for name, frame in frames.items():
        assert list(made[name].dtypes) == list(frame.dtypes), name
        assert len(made[name]) == len(frame)
    assert set(made["orders"]["customer"]) <= set(made["customers"]["id"])
    assert made["orders"]["total"].between(1, 60).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_in_and_out(kind: str, tmp_path: Path) -> None:
    metadata, frames = shop()
    paths = {n: tmp_path / f"{n}.{kind}" for n in frames}
    for name, frame in frames.items():
        if kind == "csv":
            frame.to_csv(paths[name], index=False)
        else:
            frame.to_parquet(paths[name])
    synthesizer = Synthesizer(metadata).fit(paths, epochs=1, seed=1, progress=False)
    written = synthesizer.sample(output_format=kind, output_path=tmp_path / "out", seed=1)
    again = Synthesizer(metadata).fit(written, epochs=1, seed=1, progress=False)
    assert {n: t.rows for n, t in again.fitted_.tables.items()} == {"customers": 300, "orders": 700}


def test_strict_constraints_raise_with_column_and_value() -> None:
    metadata, frames = shop()
    metadata.tables["orders"].constraints["total"] = Constraint(min=1, max=2)
    synthesizer = Synthesizer(metadata).fit(frames, epochs=1, seed=1, progress=False)
    with pytest.raises(ConstraintViolationError, match="total"):
        synthesizer.sample(seed=1, enforce_constraints=True)


class Marginals(ConditionalGenerativeModel):
    """Draws every column on its own."""

    name = "marginals"

    def fit(
        self, data: EncodedTable, context: Optional[EncodedTable] = None, **_: Any
    ) -> Marginals:
        self.data = data
        return self

    def sample(
        self, num_rows: int, context: Optional[EncodedTable] = None, *, rng: Any = None, **_: Any
    ) -> EncodedTable:
        rows = rng.integers(len(self.data), size=num_rows)
        return self.data.take(rows)

    def save(self, path: Path) -> None:
        np.savez(path / "data.npz", codes=self.data.codes, values=self.data.values)
        (path / "layout.json").write_text(json.dumps(self.data.layout.to_dict()))

    @classmethod
    def load(cls, path: Path) -> Marginals:
        from synthohive.encoding.encoded import Layout
        from synthohive.schema import TableConfig

        layout = Layout.from_dict(json.loads((path / "layout.json").read_text()))
        with np.load(path / "data.npz") as file:
            model = cls(TableConfig(name="loaded"))
            return model.fit(EncodedTable(layout, file["codes"], file["values"]))


def test_any_model_runs_through_the_whole_line(tmp_path: Path) -> None:
    metadata, frames = shop()
    synthesizer = Synthesizer(metadata, model=Marginals).fit(frames, seed=1, progress=False)
    synthesizer.save(tmp_path / "saved")
    loaded = Synthesizer.load(tmp_path / "saved", model=Marginals)
    one, two = (s.sample(seed=3, output_format="arrow") for s in (synthesizer, loaded))
    assert all(one[n].equals(two[n]) for n in one)
    with pytest.raises(SchemaError, match="marginals"):
        Synthesizer(metadata, model="marginals").fit(frames)


def test_personal_data_by_configuration() -> None:
    metadata = Metadata().add_table("people", "id", pii_cols={"handle": "user_name"})
    names = [f"real{i:03d}x" for i in range(200)]
    data = {"people": pd.DataFrame({"id": range(200), "handle": names, "age": [30, 40] * 100})}
    fitted = Synthesizer(metadata).fit(data, epochs=1, seed=1, progress=False)
    assert [(f.table, f.column) for f in fitted.personal_data] == [("people", "handle")]
    made = fitted.sample(seed=1)["people"]["handle"]
    assert not set(made) & set(names)
    keep = Synthesizer(metadata, PrivacyConfig(pii_strategy="keep"))
    assert "handle" in keep.fit(data, epochs=1, seed=1, progress=False).sample(seed=1)["people"]


def test_orphans_are_counted_learned_without_or_refused() -> None:
    metadata, frames = shop()
    frames["orders"].loc[:6, "customer"] = 9999
    with pytest.raises(SchemaValidationError, match="7 rows"):
        Synthesizer(metadata).fit(frames, validate=True, progress=False)
    with captured_events() as logs:
        made = Synthesizer(metadata).fit(frames, epochs=1, seed=1, progress=False).sample(seed=1)
    assert [e["rows"] for e in logs if e["event"] == "orphans_in_source"] == [7]
    assert set(made["orders"]["customer"]) <= set(made["customers"]["id"])


def test_orphans_become_null_where_others_are() -> None:
    """So that every parent keeps its number of children."""
    rng = np.random.default_rng(1)
    owner = rng.integers(0, 200, 900).astype("float64")
    owner[:60], owner[60:200] = np.nan, 9999.0
    frames = {
        "owner": pd.DataFrame({"id": range(200), "size": rng.random(200)}),
        "item": pd.DataFrame({"id": range(900), "owner_id": owner, "age": rng.random(900)}),
    }
    metadata = Metadata().add_table("owner", "id", reference=False)
    metadata.add_table("item", "id", fk={"owner_id": "owner.id"})
    made = (
        Synthesizer(metadata).fit(frames, epochs=1, seed=1, progress=False).sample(seed=1)["item"]
    )
    assert len(made) == 900
    assert made["owner_id"].isna().sum() == 200
    real = np.sort(np.bincount(owner[200:].astype(int), minlength=200))
    counts = np.sort(np.bincount(made["owner_id"].dropna().astype(int), minlength=200))
    assert np.abs(counts - real).max() <= 2  # the five largest are pooled


def test_every_sample_emits_column_metrics() -> None:
    metadata, frames = shop()
    fitted = Synthesizer(metadata).fit(frames, epochs=1, seed=1, progress=False)
    with captured_events() as logs:
        fitted.sample(seed=1)
    scored = {e["column"] for e in logs if e["event"] == "column_quality"}
    assert {"orders.total", "customers.tier"} <= scored


def test_arrow_types_survive() -> None:
    table = pa.table(
        {
            "id": pa.array(range(120), pa.int16()),
            "price": pa.array([Decimal("1.25"), Decimal(2), None] * 40, pa.decimal128(12, 2)),
            "at": pa.array([1_000_000, 2_000_000, 3_000_000] * 40).cast(pa.timestamp("us", "UTC")),
            "raw": pa.array([b"a", b"bc", None] * 40),
        }
    )
    metadata = Metadata().add_table("t", "id")
    fitted = Synthesizer(metadata).fit({"t": table}, epochs=1, seed=1, progress=False)
    assert fitted.sample(num_rows=50, seed=1, output_format="arrow")["t"].schema == table.schema
