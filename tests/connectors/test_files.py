"""CSV, Parquet and DataFrames in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from synthohive import ConnectorError, ForeignKey, Metadata, SchemaError
from synthohive.io.dataframe import FrameReader
from synthohive.io.files import FileTarget, read_files
from synthohive.io.frames import to_frame


def test_csv_rules(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,zip,word,empty,n\n1,00123,NA,"",5\n2,99999,null,,-5\n', encoding="utf-8")
    table = read_files({"t": path})["t"]
    assert table.to_pydict() == {
        "id": [1, 2],
        "zip": ["00123", "99999"],
        "word": ["NA", "null"],
        "empty": ["", None],
        "n": [5, -5],
    }


def test_folder_of_parts_and_errors(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for number in (1, 2):
        pq.write_table(pa.table({"id": [number]}), tmp_path / "t" / f"part-{number}.parquet")
    assert read_files({"t": tmp_path / "t"})["t"]["id"].to_pylist() == [1, 2]
    with pytest.raises(ConnectorError, match=r"'t'.*no file"):
        read_files({"t": tmp_path / "nowhere.csv"})
    (tmp_path / "t.xlsx").write_bytes(b"x")
    with pytest.raises(ConnectorError, match="neither CSV nor Parquet"):
        read_files({"t": tmp_path / "t.xlsx"})
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConnectorError, match="cannot be read"):
        read_files({"t": tmp_path / "bad.parquet"})


def test_a_failing_file_leaves_nothing(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])

    def broken() -> Any:
        yield pa.record_batch([[1, 2]], schema=schema)
        raise OSError("disk full")

    with pytest.raises(ConnectorError, match="disk full"):
        FileTarget(tmp_path / "out", ["t"], "csv").write({"t": broken()}, {"t": schema})
    assert list((tmp_path / "out").iterdir()) == []


def reader() -> FrameReader:
    parent = pd.DataFrame({"id": pd.array(range(3000), dtype="Int32")})
    child = pd.DataFrame({"p": pd.array([0, 0, 1, None, 9999], dtype="Int64")})
    metadata = Metadata().add_table("parent", "id").add_table("child", fk={"p": "parent.id"})
    return FrameReader({"parent": parent, "child": child}, metadata)


def test_frames_count_and_sample_like_a_database() -> None:
    source = reader()
    key = source.metadata.tables["child"].foreign_keys[0]
    found = source.fan_out("child", key)
    assert found.histogram == {0: 2998, 1: 1, 2: 1}
    assert (found.nulls, found.orphans) == (1, 1)
    drivers: dict[str, Any] = {"parent": None, "child": key}
    sample = source.sample(drivers, 1000, 3).drawn
    assert len(sample["parent"]) == 1000
    kept = set(sample["parent"]["id"].to_pylist())
    assert {v for v in sample["child"]["p"].to_pylist() if v is not None} <= kept
    assert sample["parent"].equals(source.sample(drivers, 1000, 3).drawn["parent"])
    assert isinstance(key, ForeignKey)


def test_dtypes_come_back() -> None:
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None], dtype="Int16"),
            "b": pd.Categorical(["x", "y"]),
            "c": pd.to_datetime(["2024-01-01", None]).tz_localize("Europe/Berlin"),
            "d": [1.5, None],
            "e": pd.array(["p", None], dtype="string"),
        }
    )
    source = FrameReader({"t": frame}, Metadata().add_table("t"))
    table = pa.Table.from_batches(list(source.read("t")))
    again = to_frame(table, source.form("t"))
    assert list(again.dtypes) == list(frame.dtypes)
    assert again["a"].isna().tolist() == [False, True]


def test_mixed_columns_are_refused_by_name() -> None:
    frame = pd.DataFrame({"a": ["x", 1]}, dtype=object)
    with pytest.raises(SchemaError, match=r"t\.a mixes values.*int, str"):
        FrameReader({"t": frame}, Metadata().add_table("t"))
