"""DataFrames come back as they came: names, dtypes and library, also after `save` and `load`."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, SchemaError, SerializationError, Synthesizer
from synthohive.io.dataframe import FrameReader
from synthohive.io.frames import FrameForm, Named, to_frame
from tests.connectors.test_files_further import DTYPES
from tests.interface.hostile import seal
from tests.packed import again

polars = pytest.importorskip("polars")

N = 60
FURTHER: dict[str, Any] = {
    "period": pd.Series(pd.period_range("2024-01", periods=3, freq="M")),
    "periods": pd.Series(pd.Categorical(pd.period_range("2024-01", periods=3, freq="M"))),
    "cut": pd.cut(pd.Series([1.0, 2.0, 9.0]), 3),
    "cut dates": pd.cut(pd.Series(pd.date_range("2024", periods=3)), 2),
    "days": pd.Series(pd.Categorical(pd.date_range("2024", periods=3))),
    "python": pd.Series(["a", None, "b"], dtype="string[python]"),
    "pyarrow": pd.Series(["a", None, "b"], dtype="string[pyarrow]"),
    "price": pd.Series([1, 2, 3], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
    "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1])),
    "zone": pd.Series(pd.date_range("2024", periods=3, tz="Asia/Tokyo")),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({**DTYPES, **FURTHER}))
def test_forms_are_json(name: str) -> None:
    form = FrameForm.of(pd.DataFrame({7: {**DTYPES, **FURTHER}[name]}))
    read = again(form)
    assert read.labels == {"7": 7}
    assert read.dtype("7") == form.dtype("7")
    if isinstance(form.dtype("7"), pd.CategoricalDtype):
        assert read.dtype("7").categories.equals(form.dtype("7").categories)
        assert read.dtype("7").ordered == form.dtype("7").ordered


@pytest.mark.parametrize("name", ["V8", "i4,i4", "nonsense", "Sparse[int64, __import__('os')]"])
def test_hostile_dtypes(name: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        Named(name).made()


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    sizes = ["small", "mid", "large"]
    return pd.DataFrame({
        "id": np.arange(N, dtype="int32"), 0: rng.integers(0, 9, N).astype("int8"),
        1.5: pd.array(rng.integers(0, 9, N), dtype="Int16"),
        "size": pd.Categorical(rng.choice(sizes, N), sizes, ordered=True),
        "cut": pd.cut(rng.random(N), [0, 0.5, 1]),
        "rare": pd.Categorical(["Ann Lee", *["x", "y"] * 29, "x"]),
        "month": pd.period_range("2024-01", periods=4, freq="M").repeat(N // 4),
        "text": pd.array(rng.choice(["a", "b"], N), dtype="string[python]"),
        "at": pd.date_range("2024", periods=N, unit="ns").tz_localize("UTC"),
        "day": [dt.date(2024, 1, 1 + i % 28) for i in range(N)],
        "price": pd.array((rng.random(N) * 9).round(2), dtype="Float32"),
    })  # fmt: skip


@pytest.fixture(scope="module")
def synth() -> Synthesizer:
    meta = Metadata().add_table("t", "id").add_table("c", "id", fk={"0": "t.id"})
    child = pd.DataFrame({"id": range(2 * N), 0: np.arange(2 * N) // 2})
    fresh = Synthesizer(meta, model="autoregressive")
    return fresh.fit({"t": frame(), "c": child}, epochs=1, seed=1, progress=False, n_jobs=1)


def test_names_and_dtypes_survive_saving(synth: Synthesizer, tmp_path: Path) -> None:
    real, made = frame(), synth.sample(seed=3)["t"]
    assert list(made.columns) == list(real.columns)
    assert [type(label) for label in made.columns] == [type(label) for label in real.columns]
    whole = [
        label for label in real.columns if not isinstance(real[label].dtype, pd.CategoricalDtype)
    ]
    assert made[whole].dtypes.tolist() == real[whole].dtypes.tolist()
    assert made["size"].cat.categories.tolist() == ["small", "mid", "large"]
    assert made["size"].cat.ordered
    assert made["cut"].cat.categories.equals(real["cut"].cat.categories)
    synth.save(tmp_path / "saved")
    for shown in (tmp_path / "saved").rglob("*"):
        assert shown.is_dir() or b"Ann Lee" not in shown.read_bytes()
    loaded = Synthesizer.load(tmp_path / "saved")
    pd.testing.assert_frame_equal(loaded.sample(seed=3)["t"], made)
    previewed = loaded.preview(5, seed=1)
    assert list(previewed["t"].columns) == list(real.columns)
    assert previewed["c"][0].isin(previewed["t"]["id"]).all()


def test_forms_of_a_checkpoint_are_checked(synth: Synthesizer, tmp_path: Path) -> None:
    synth.save(tmp_path / "saved")

    (place,) = (tmp_path / "saved").rglob("database.json")
    state = json.loads(place.read_text(encoding="utf-8"))
    state["forms"]["t"]["dtypes"]["text"] = {"class": "Named", "name": "int8"}
    place.write_text(json.dumps(state), encoding="utf-8")
    seal(tmp_path / "saved")
    with pytest.raises(SerializationError):
        Synthesizer.load(tmp_path / "saved").sample(seed=1)


def test_polars_in_and_out(synth: Synthesizer) -> None:
    made = synth.sample(seed=3, output_format="polars")["t"]
    assert isinstance(made, polars.DataFrame)
    assert made.schema["price"] == polars.Float32
    assert made.schema["at"] == polars.Datetime("ns", "UTC")
    meta = Metadata().add_table("t", "id")
    again = Synthesizer(meta, model="autoregressive").fit(
        {"t": made}, epochs=1, seed=1, progress=False
    )
    holes = made.with_columns(
        polars.when(polars.col("id") > 9).then(polars.col("text")).alias("text")
    )
    filled = again.impute({"t": holes}, {"t": ["text"]}, seed=1)["t"]
    assert isinstance(filled, polars.DataFrame)
    assert filled["text"].null_count() == 0
    meta.validate_schema({"t": made})


def streams() -> dict[str, Any]:
    rows = pa.table(
        {"id": list(range(N)), "x": ["a", "b"] * (N // 2), "b": [b"x", None] * (N // 2)}
    )
    lazy = polars.DataFrame(
        {"id": range(N), "x": ["a", "b"] * (N // 2), "b": [b"x", None] * (N // 2)}
    )
    return {
        "polars": lazy, "categorical": lazy.with_columns(polars.col("x").cast(polars.Categorical)),
        "reader": pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches(7)),
        "batch": rows.to_batches()[0],
        "duckdb": duckdb.sql(
            f"SELECT i AS id, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END AS x, "
            f"CASE i % 2 WHEN 0 THEN 'x'::BLOB END AS b FROM range({N}) AS r(i)"),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(streams()))
def test_whatever_gives_an_arrow_stream_goes_in(name: str) -> None:
    reader = FrameReader({"t": streams()[name]}, Metadata().add_table("t", "id"))
    reader.metadata.validate_schema()
    table = pa.Table.from_batches(list(reader.read("t")))
    shown = to_frame(table, reader.form("t"))
    assert shown["id"].tolist() == list(range(N))
    assert shown["x"].tolist() == ["a", "b"] * (N // 2)
    assert table["b"].to_pylist() == [b"x", None] * (N // 2)
    assert reader.nulls("t", ["b", "id"]) == {"b": N // 2, "id": 0}
    assert reader.distinct("t", ["id", "x"]) == (N, N)
    assert reader.distinct("t", ["b"]) == (N // 2, 1)
    assert reader.values("t", "x", 2) == ["a", "b"]
    assert reader.values("t", "x", 1) is None


def test_what_gives_no_rows_is_refused() -> None:
    for given in (polars.Series([1, 2]), polars.LazyFrame({"id": [1]}), [1], pd.Series([1])):
        with pytest.raises(SchemaError, match="Table 't' is a"):
            FrameReader({"t": given}, Metadata().add_table("t", "id"))


NESTED: dict[str, tuple[list[Any], type]] = {
    "tags": ([["a", "b"][: i % 3] for i in range(N)], list),
    "pair": ([(i % 4, np.float32(0.5)) if i % 5 else None for i in range(N)], tuple),
    "vector": ([np.arange(i % 4) for i in range(N)], np.ndarray),
    "facts": ([{"n": i % 9, "at": dt.date(2024, 1, 1 + i % 28), "x": np.nan} for i in range(N)],
              dict),
    "token": ([uuid.UUID(int=i) for i in range(N)], uuid.UUID),
}  # fmt: skip


def test_python_objects_come_back_as_what_they_were(tmp_path: Path) -> None:
    values = {name: pd.Series(made, dtype=object) for name, (made, _) in NESTED.items()}
    data = {"t": pd.DataFrame({"id": range(N), **values})}
    synth = Synthesizer(Metadata().add_table("t", "id"), model="autoregressive")
    synth.fit(data, epochs=1, seed=1, progress=False, n_jobs=1).save(tmp_path / "model")
    made = synth.sample(seed=2)["t"]
    again = Synthesizer.load(tmp_path / "model").sample(seed=2)["t"]
    for name, (_, kind) in NESTED.items():
        assert {type(v) for v in made[name].dropna()} == {kind}
        assert made[name].map(repr).equals(again[name].map(repr))
    assert 0 < made["pair"].isna().sum() < N / 2
    assert set(made["facts"][0]) == {"n", "at", "x"}
    assert made["token"].is_unique
    assert set(made["tags"].map(len)) == {0, 1, 2}


@pytest.mark.parametrize("value", [{1, 2}, frozenset(), {"a": b"x"}, [object()]])
def test_objects_without_a_form_are_refused_by_name(value: Any) -> None:
    data = {"t": pd.DataFrame({"id": range(3), "x": pd.Series([value] * 3, dtype=object)})}
    with pytest.raises(SchemaError, match=r"t\.x holds values that cannot be carried"):
        FrameReader(data, Metadata().add_table("t", "id"))
