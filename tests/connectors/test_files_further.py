"""Files and frames: what a careless reader changes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import ConnectorError, Metadata, SchemaError
from synthohive.io.dataframe import FrameReader
from synthohive.io.files import FileTarget, read_files
from synthohive.io.frames import FrameForm, to_frame
from synthohive.schema import ForeignKey


def read_csv(path: Path, text: str) -> dict[str, list[Any]]:
    path.write_bytes(text.encode())
    found: dict[str, list[Any]] = read_files({"t": path})["t"].to_pydict()
    return found


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("9223372036854775807", 9223372036854775807),
        ("18446744073709551616", "18446744073709551616"),
        ("+49301234", "+49301234"),
        ("007", "007"),
        ("12e4", "12e4"),
        ("1.5e-05", 1.5e-05),
        ("0.5", 0.5),
        ("-0", 0),
        ("0", 0),
        ("true", True),
        ("2024-02-29", dt.date(2024, 2, 29)),
    ],
)
def test_csv_spelling(written: str, read: Any, tmp_path: Path) -> None:
    got = read_csv(tmp_path / "t.csv", f"id,v\n1,{written}\n2,\n")["v"]
    assert got == [read, None]
    assert type(got[0]) is type(read)


def test_csv_of_one_column_keeps_its_nulls(tmp_path: Path) -> None:
    assert read_csv(tmp_path / "t.csv", "v\n007\n\n8\n") == {"v": ["007", None, "8"]}
    assert read_csv(tmp_path / "t.csv", "v,w\n1,2\n\n") == {"v": [1], "w": [2]}


def test_parts_of_differing_types_join_as_text(tmp_path: Path) -> None:
    for name, value in (("a", "5"), ("b", "x7"), ("c", "")):
        (tmp_path / f"{name}.csv").write_text(f"id,v\n1,{value}\n", encoding="utf-8")
    (tmp_path / "_SUCCESS").touch()
    assert read_files({"t": tmp_path})["t"]["v"].to_pylist() == ["5", "x7", None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b"a,b\n1,2,3\n", "cannot be read"),
        (b"a\n\xff\xfe\xe9\n", "not UTF-8"),
        (b"a,a\n1,2\n", "have one name"),
    ],
)
def test_malformed_csv(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ConnectorError, match=rf"'t'.*{reason}"):
        read_files({"t": path})


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="no CSV or Parquet files"):
        read_files({"t": tmp_path})


def everything() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, 2], pa.int16()),
            "price": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "raw": pa.array([b"\xff\x00", None]),
            "span": pa.array([dt.timedelta(seconds=1.5), None], pa.duration("us")),
            "text": ["", None],
            "at": pa.array([dt.datetime(9999, 12, 31, 23), None], pa.timestamp("us")),
        }
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_all_types_are_written(kind: str, tmp_path: Path) -> None:
    table = everything()
    paths = FileTarget(tmp_path, ["t"], kind).write({"t": table.to_batches()}, {"t": table.schema})
    again = read_files(paths)["t"]
    if kind == "parquet":
        assert again.equals(table)
    else:
        assert again.drop_columns(["at"]).to_pydict() == {
            "id": [1, 2],
            "price": [1.5, None],
            "raw": ["ff00", None],
            "span": [1500000, None],
            "text": ["", None],
        }
        assert "9999-12-31 23:00:00" in paths["t"].read_text(encoding="utf-8")


DTYPES: dict[str, Any] = {
    "category": pd.Series(["a", None, "b"], dtype="category"),
    "ordered": pd.Series(pd.Categorical(["a", "b", "a"], ["b", "a"], ordered=True)),
    "numbers": pd.Series(pd.Categorical([3, 1, 3])),
    "Int64": pd.Series([1, None, 2**62 + 1], dtype="Int64"),
    "UInt64": pd.Series([1, None, 2**64 - 1], dtype="UInt64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "bool": pd.Series([True, True, False]),
    "Float32": pd.Series([1.5, None, 2], dtype="Float32"),
    "int8": pd.Series([1, 2, 3], dtype="int8"),
    "float": pd.Series([1.0, np.nan, 3.0]),
    "object": pd.Series(["x", None, "y"], dtype=object),
    "decimals": pd.Series([Decimal("1.10"), None, Decimal("2.25")], dtype=object),
    "dates": pd.Series([dt.date(2024, 1, 1), None, dt.date(9999, 12, 31)], dtype=object),
    "seconds": pd.Series(np.array(["2024-01-01", "NaT", "9999-12-31"], "datetime64[s]")),
    "nanoseconds": pd.Series(np.array(["2024-01-01", "NaT", "2025-01-01"], "datetime64[ns]")),
    "zoned": pd.Series(pd.to_datetime(["2024-01-01", None, "2025-01-01"], utc=True)),
    "spans": pd.Series(np.array([1, 2, 3], "timedelta64[ns]")),
    "bytes": pd.Series([b"\xff", None, b""], dtype=object),
    "arrow": pd.Series([1, None, 2**62 + 1], dtype=pd.ArrowDtype(pa.int64())),
    "nothing": pd.Series([None, None, None], dtype=object),
}


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_values_and_dtypes_come_back(name: str) -> None:
    frame = pd.DataFrame({"v": DTYPES[name]})
    source = FrameReader({"t": frame}, Metadata().add_table("t"))
    source.metadata.validate_schema()
    table = pa.Table.from_batches(list(source.read("t")))
    assert table.schema.field("v").type == source.metadata.tables["t"].columns["v"].arrow_type
    pd.testing.assert_frame_equal(to_frame(table, source.form("t")), frame)


def test_only_categories_that_are_shown_come_back() -> None:
    dtype = pd.CategoricalDtype(["Ann Lee", "a", "Bob Ray"])  # a real value, shown or not
    form = FrameForm.of(pd.DataFrame({"v": pd.Series([], dtype=dtype)}))
    frame = to_frame(pa.table({"v": ["a", "made up", None]}), form)
    assert frame["v"].tolist()[:2] == ["a", "made up"]
    assert frame["v"].isna().tolist() == [False, False, True]
    assert frame["v"].cat.categories.tolist() == ["a", "made up"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1, "a"], "mixes values"),
        ([1 + 2j], "holds values that cannot be carried"),
        ([b"a", "a"], "mixes values"),
    ],
)
def test_columns_that_cannot_be_carried(values: list[Any], reason: str) -> None:
    frame = pd.DataFrame({"v": pd.Series(values, dtype=object)})
    with pytest.raises(SchemaError, match=rf"t\.v {reason}"):
        FrameReader({"t": frame}, Metadata().add_table("t"))


def test_repeated_column_names() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(SchemaError, match="'a' twice"):
        FrameReader({"t": frame}, Metadata().add_table("t"))


def linked(
    child_type: pa.DataType, parent_type: pa.DataType
) -> tuple[FrameReader, Optional[ForeignKey]]:
    ids = [1, 2, 3, 2**40] if pa.types.is_integer(parent_type) else ["1", "2", "3", "4"]
    refs = [1, 1, 3, None] if not pa.types.is_string(child_type) else ["1", "1", "3", None]
    tables = {
        "p": pa.table({"id": pa.array(ids, parent_type)}),
        "c": pa.table({"p": pa.array(refs, child_type)}),
    }
    metadata = Metadata().add_table("p", "id").add_table("c", fk={"p": "p.id"})
    return FrameReader(tables, metadata), metadata.tables["c"].foreign_keys[0]


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        (pa.int32(), pa.int64()),
        (pa.float64(), pa.int64()),
        (pa.int64(), pa.uint64()),
        (pa.decimal128(10, 0), pa.int64()),
        (pa.string(), pa.large_string()),
    ],
)
def test_keys_of_differing_widths_join(child: pa.DataType, parent: pa.DataType) -> None:
    source, key = linked(child, parent)
    assert key is not None
    found = source.fan_out("c", key)
    assert (found.histogram, found.nulls, found.orphans) == ({0: 2, 1: 1, 2: 1}, 1, 0)
    assert len(source.sample({"p": None, "c": key}, 10, 1).drawn["c"]) == 4


def test_keys_that_cannot_be_compared_are_named() -> None:
    source, key = linked(pa.int32(), pa.string())
    assert key is not None
    with pytest.raises(SchemaError, match=r"c\(p\) -> p\(id\).*cannot be compared"):
        source.fan_out("c", key)
    tables = {n: pa.Table.from_batches(list(source.read(n))) for n in ("p", "c")}
    with pytest.raises(SchemaError, match="types that cannot be compared"):
        Metadata().add_table("p", "id").add_table("c", fk={"p": "p.id"}).validate_schema(tables)


def test_sample_of_skewed_children_is_bounded() -> None:
    parents = pd.DataFrame({"id": np.arange(5_000)})
    children = pd.DataFrame({"p": np.repeat(np.arange(5_000), np.arange(5_000) % 9)})
    grand = pd.DataFrame({"id": np.arange(3_000)})
    metadata = Metadata().add_table("p", "id").add_table("c", fk={"p": "p.id"})
    metadata.add_table("other", "id")
    source = FrameReader({"p": parents, "c": children, "other": grand}, metadata)
    key = metadata.tables["c"].foreign_keys[0]
    sample = source.sample({"p": None, "c": key, "other": None}, 4_000, 5).drawn
    assert 1_000 <= len(sample["p"]) < 1_100
    assert 3_500 < len(sample["c"]) <= 4_000
    assert set(sample["c"]["p"].to_pylist()) <= set(sample["p"]["id"].to_pylist())
    assert len(sample["other"]) == 3_000  # no relation of the large table
