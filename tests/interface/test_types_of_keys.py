"""Keys of every type, and as many as their type holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive import Metadata, SchemaError, SchemaValidationError, Synthesizer, UniqueConstraint


def fitted(metadata: Metadata, **tables: dict[str, Any]) -> Synthesizer:
    data = {name: pa.table(columns) for name, columns in tables.items()}
    synth = Synthesizer(metadata, model="autoregressive")
    return synth.fit(data, epochs=1, seed=1, progress=False, n_jobs=1)


def made(synth: Synthesizer, **options: Any) -> dict[str, pa.Table]:
    return synth.sample(seed=2, output_format="arrow", **options)


@pytest.mark.parametrize("gap", [1, 13])
@pytest.mark.parametrize(
    ("type_", "top"),
    [(pa.int8(), 127), (pa.int16(), 32767), (pa.int64(), 2**63 - 1), (pa.decimal128(4, 1), 999)],
)
def test_counted_keys_stay_in_their_type(type_: pa.DataType, top: int, gap: int) -> None:
    numbers = [top - i * gap for i in range(9)][::-1]
    ids = pa.array(numbers).cast(pa.decimal128(20, 0)).cast(type_) if top == 999 else numbers
    synth = fitted(
        Metadata().add_table("a", "id"), a={"id": pa.array(ids, type_), "x": np.arange(9) % 3}
    )
    keys = made(synth, scale=10)["a"].column("id")
    assert keys.type == type_
    assert len(set(keys.to_pylist())) == 90


def test_more_keys_than_there_are() -> None:
    frame = {"id": pa.array(range(100), pa.int8()), "x": np.arange(100) % 3}
    synth = fitted(Metadata().add_table("a", "id"), a=frame)
    with pytest.raises(SchemaError, match="'id' has no room for 300 different values"):
        made(synth, scale=3)


def test_durations_are_unique() -> None:
    unique = [UniqueConstraint(columns=["d"])]
    rows = pa.array([i * 60_000_000 for i in range(60)], pa.duration("us"))
    metadata = Metadata().add_table("a", "id", unique=unique)
    synth = fitted(metadata, a={"id": range(60), "d": rows})
    assert len(set(made(synth, scale=2)["a"].column("d").to_pylist())) == 120


def test_bytes_that_follow_from_another_column() -> None:
    codes = [i % 5 for i in range(200)]
    data = {"id": range(200), "code": codes, "blob": [bytes([250 + c]) for c in codes]}
    rows = made(fitted(Metadata().add_table("a", "id"), a=data))["a"].to_pylist()
    assert {r["blob"] for r in rows} <= {bytes([250 + c]) for c in range(5)}
    assert all(r["blob"] == bytes([250 + r["code"]]) for r in rows)


@pytest.mark.parametrize(
    "tables",
    [
        "CREATE TABLE a (id INTEGER PRIMARY KEY, twice INT AS (id * 2) STORED UNIQUE);"
        "CREATE TABLE b (id INTEGER PRIMARY KEY, t INT REFERENCES a (twice))",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);"
        "CREATE TABLE b (j TEXT, a INT AS (json_extract(j, '$.a')) STORED REFERENCES a (id))",
    ],
)
def test_keys_that_the_database_computes_are_refused(tmp_path: Path, tables: str) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as db:
        db.executescript(tables)
    synth = Synthesizer.from_database(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(SchemaValidationError, match="is computed by the database"):
        synth.fit(epochs=1, progress=False)


def test_rows_of_a_subtype_refer_to_parents_of_that_type(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as db:
        db.executescript(
            "CREATE TABLE a (id INT, ty TEXT, PRIMARY KEY (id, ty));"
            "CREATE TABLE x (id INT PRIMARY KEY, ty TEXT NOT NULL CHECK (ty = 'x'), q INT,"
            " FOREIGN KEY (id, ty) REFERENCES a);"
        )
        db.executemany("INSERT INTO a VALUES (?, ?)", [(i, "xy"[i % 2]) for i in range(60)])
        db.executemany("INSERT INTO x VALUES (?, 'x', ?)", [(i, i % 4) for i in range(0, 60, 2)])
        db.commit()
    synth = Synthesizer.from_database(f"sqlite:///{tmp_path / 'x.db'}")
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    for scale in (0.5, 1, 3):
        rows = made(synth, scale=scale)["x"].to_pylist()
        assert {row["ty"] for row in rows} == {"x"}
        assert abs(len(rows) - 30 * scale) <= 0.3 * 30 * scale
    synth.to_database(schema="copy", seed=4)


def test_an_empty_table_beside_a_full_one() -> None:
    empty = {
        "id": pa.array([], pa.int64()),
        "a": pa.array([], pa.int64()),
        "b": pa.array([], pa.string()),
    }
    metadata = Metadata().add_table("a", "id").add_table("b", "id")
    synth = fitted(metadata, a={"id": range(40), "x": np.arange(40) % 3}, b=empty)
    assert len(made(synth)["b"]) == 0
