"""CSV files as spreadsheets and other programs write them: found, or given by CsvFile."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import CsvFile, Metadata, SchemaError, Synthesizer
from synthohive.exceptions import ConnectorError
from synthohive.io.files import files_read, read_files

PLAIN = 'id,name,v,w\n1,"a, b",1.5,2024-01-02\n2,c,,2024-01-03\n3,"say ""x""\nand y",-0.25,\n'
ROWS = {
    "id": [1, 2, 3],
    "name": ["a, b", "c", 'say "x"\nand y'],
    "v": [1.5, None, -0.25],
    "w": [dt.date(2024, 1, 2), dt.date(2024, 1, 3), None],
}


def read(path: Path, text: str, written: str = "utf-8", **options: Any) -> dict[str, list[Any]]:
    path.write_bytes(text.encode(written))
    given = CsvFile(path, **options) if options else path
    found: dict[str, list[Any]] = read_files({"t": given})["t"].to_pydict()
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), *((s, d) for s in ";\t|" for d in ".,")]
)
def test_separator_decimal_sign_and_marks_are_found(
    separator: str, encoding: str, decimal: str, tmp_path: Path
) -> None:
    frame = pd.read_csv(pd.io.common.StringIO(PLAIN))
    text = frame.to_csv(sep=separator, decimal=decimal, index=False)
    assert read(tmp_path / "t.csv", text, encoding) == ROWS


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\nid;v\n1;1,5\n", {"id": [1], "v": [1.5]}),  # Excel's first line
        ('"sep=:"\r\nid:v\r\n1:x\r\n', {"id": [1], "v": ["x"]}),
        ("id;v\n1;1.5\n2;2,5\n", {"id": [1, 2], "v": ["1.5", "2,5"]}),  # neither
        ("id;v\n1;1,250\n2;12,125\n", {"id": [1, 2], "v": ["1,250", "12,125"]}),  # thousands?
        ("id;v;u\n1;1,250;0,5\n", {"id": [1], "v": [1.25], "u": [0.5]}),  # no: 0,5 tells
        ('id,v\n1,"1,5"\n', {"id": [1], "v": ["1,5"]}),  # text, perhaps a list
        ("id;v\n1;007,5\n", {"id": [1], "v": ["007,5"]}),
        ("id;v\n", {"id": [], "v": []}),
        ("a;b,c;d\n1;2,5;3\n", {"a": [1], "b,c": [2.5], "d": [3]}),
        ("text\nSmith; John\nLee\n", {"text": ["Smith; John", "Lee"]}),
        ("a|b;c\n1|2;3\n", {"a|b": ["1|2"], "c": [3]}),
    ],
)
def test_what_a_first_look_would_get_wrong(
    text: str, rows: dict[str, list[Any]], tmp_path: Path
) -> None:
    assert read(tmp_path / "t.csv", text) == rows


def test_a_long_file_is_cut_in_the_middle_of_a_row(tmp_path: Path) -> None:
    text = "id;v\n" + "".join(f'{i};"{i};{"x" * 50}\n"\n' for i in range(9_000))
    found = read(tmp_path / "t.csv", text)
    assert len(found["id"]) == 9_000
    assert found["v"][8_999].startswith("8999;x")


@pytest.mark.parametrize(
    ("text", "written", "options", "rows"),
    [
        ("id,n\n1,Zürich\n", "windows-1252", {"encoding": "windows-1252"}, ["Zürich"]),
        ("id n\n1 x\n", "utf-8", {"separator": " "}, ["x"]),
        ('id,n\n1,"2,5"\n', "utf-8", {"decimal": ","}, [2.5]),
        ("id;n\n1;2,5\n", "utf-8", {"decimal": "."}, ["2,5"]),
        ("id,n\n1,31.12.2024\n", "utf-8", {"date_format": "%d.%m.%Y"}, [dt.date(2024, 12, 31)]),
        ("id,n\n1,20241231\n", "utf-8", {"date_format": "%Y%m%d"}, [dt.date(2024, 12, 31)]),
        (
            "id,n\n1,12/31/24 11:05 PM\n",
            "utf-8",
            {"date_format": "%m/%d/%y %I:%M %p"},
            [dt.datetime(2024, 12, 31, 23, 5)],
        ),
    ],
)
def test_what_is_given(
    text: str, written: str, options: dict[str, Any], rows: list[Any], tmp_path: Path
) -> None:
    assert read(tmp_path / "t.txt", text, written, **options)["n"] == rows


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("id,n\n1,Zürich\n", {}, r"not UTF-8 text.*CsvFile\('t.csv', encoding="),
        ("id,Zürich\n1,x\n", {}, r"not UTF-8 text.*CsvFile"),
        ("id,n\n1,é\n", {"encoding": "ascii"}, "not ascii text"),
        ("id,n\n1,2024-13-31\n", {"date_format": "%d.%m.%Y"}, "no column has dates"),
    ],
)
def test_what_does_not_fit(text: str, options: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=rf"(?s)'t'.*{reason}"):
        read(tmp_path / "t.csv", text, "latin-1", **options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"separator": ";;"}, "one ASCII character"),
        ({"separator": '"'}, "one ASCII character"),
        ({"decimal": ";"}, "decimal"),
        ({"encoding": "utf-9"}, "no such encoding"),
        ({"encoding": "base64"}, "no such encoding"),
        ({"date_format": "%d.%m."}, "year, month and day"),
        ({"date_format": "%Q"}, "year, month and day"),
        ({"seperator": ";"}, r"Did you mean 'separator'\?"),
    ],
)
def test_impossible_options(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        CsvFile("t.csv", **options)


def test_folders_named_as_hive_does_are_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "id": range(6), "year": [2023, 2024] * 3, "day": [dt.date(2024, 1, 1), None] * 3,
        "zone": ["a/b", "007", "x"] * 2,
    })  # fmt: skip
    frame.to_parquet(tmp_path / "t", partition_cols=["year", "day", "zone"], index=False)
    found = read_files({"t": tmp_path / "t"})["t"].to_pandas().sort_values("id")
    assert found["id"].tolist() == list(range(6))
    for name in ("year", "zone"):
        assert found[name].tolist() == frame[name].tolist()
    assert found["day"].tolist()[::2] == [dt.date(2024, 1, 1)] * 3
    assert found["day"].isna().tolist() == [False, True] * 3
    (tmp_path / "c" / "k=1").mkdir(parents=True)
    (tmp_path / "c" / "k=1" / "a.csv").write_text("id;v\n1;0,5\n", encoding="utf-8")
    rows = read_files({"c": CsvFile(tmp_path / "c")})["c"].to_pydict()
    assert rows == {"id": [1], "v": [0.5], "k": [1]}
    assert len(files_read([CsvFile(tmp_path / "c")])) == 3


def test_a_spreadsheet_is_synthesized(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({
        "Nr": range(60), "Preis": rng.integers(100, 999, 60) / 4, "Ort": ["Köln", "Ulm"] * 30,
        "Tag": [f"{1 + i % 28:02}.03.2024" for i in range(60)],
    })  # fmt: skip
    path = tmp_path / "t.csv"
    frame.to_csv(path, sep=";", decimal=",", encoding="windows-1252", index=False)
    synth = Synthesizer(Metadata().add_table("t", "Nr"), model="autoregressive")
    given = CsvFile(path, encoding="windows-1252", date_format="%d.%m.%Y")
    made = synth.fit({"t": given}, epochs=2, seed=1, progress=False).sample(num_rows=40, seed=1)
    assert set(made["t"]["Ort"]) == {"Köln", "Ulm"}
    assert made["t"]["Preis"].between(25, 250).all()
    assert made["t"]["Tag"].between(dt.date(2024, 3, 1), dt.date(2024, 3, 28)).all()
    with pytest.raises(ConnectorError, match=r"t\.csv"):
        synth.sample(seed=1, output_format="csv", output_path=tmp_path, if_exists="replace")
