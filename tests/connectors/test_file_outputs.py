"""Files that are written: over nothing but our own, whole, and under names that never collide."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest

from synthohive import ConnectorError, Metadata
from synthohive._files import file_names
from synthohive.io.files import FileTarget, files_read, read_files

ROWS = pa.table({"id": [1, 2]})


def put(folder: Path, rows: pa.Table = ROWS, tables: Any = ("t",), **more: Any) -> dict[str, Path]:
    target = FileTarget(folder, tables, more.pop("kind", "csv"), **more)
    return target.write(
        {name: rows.to_batches() for name in tables}, dict.fromkeys(tables, rows.schema)
    )


HOSTILE = [
    "a/b", "a_b", "a%2Fb", "a\\b", "..", ".", "", "../../etc/passwd", "nul\0", "new\nline", "CON",
    "con.txt", "Lpt1", "Users", "users", "USERS", "é", "e\u0301", "É", "ß", "ss", "x.", "x ", " x",
    "_x", "~x", "x.csv", "x", "*", "a:b", "K", "\u212a", "名" * 80, "名" * 80 + "x", "a" * 300,
    "\ud800", "-rf", "=1", "ﬁ", "fi", "\u200b", "\u202e",
]  # fmt: skip


def test_names_never_collide_and_can_be_read_back(tmp_path: Path) -> None:
    names = file_names(HOSTILE)
    folded = {unicodedata.normalize("NFKD", n).casefold() for n in names.values()}
    assert len(folded) == len(HOSTILE)
    for table, name in names.items():
        assert not set(name) & set('/\\:*?"<>|\0\n')
        assert len(name.encode()) <= 200
        (tmp_path / f"{name}.csv").touch()
        if len(table) < 60 and table not in ("", "\ud800"):
            assert unquote(name) == table
    assert len(list(tmp_path.iterdir())) == len(HOSTILE)
    assert file_names(["customers", "größe", "Order Lines"]) == {
        "customers": "customers", "größe": "größe", "Order Lines": "Order Lines",
    }  # fmt: skip


def test_tables_do_not_share_a_file(tmp_path: Path) -> None:
    target = FileTarget(tmp_path, ["a/b", "a_b"], "csv")
    tables = {"a/b": pa.table({"x": [1]}), "a_b": pa.table({"y": [2]})}
    paths = target.write(
        {n: t.to_batches() for n, t in tables.items()}, {n: t.schema for n, t in tables.items()}
    )
    assert {n: t.to_pydict() for n, t in read_files(paths).items()} == {
        "a/b": {"x": [1]}, "a_b": {"y": [2]},
    }  # fmt: skip


def test_only_own_unchanged_files_are_replaced(tmp_path: Path) -> None:
    paths = put(tmp_path)
    with pytest.raises(ConnectorError, match=r"t\.csv' exists"):
        put(tmp_path)
    fresh = pa.table({"id": [3]})
    put(tmp_path, fresh, if_exists="replace")
    assert read_files(paths)["t"].to_pydict() == {"id": [3]}
    paths["t"].write_text("mine")
    with pytest.raises(ConnectorError, match="changed since"):
        put(tmp_path, if_exists="replace")
    (tmp_path / "u.csv").write_text("mine")
    with pytest.raises(ConnectorError, match="did not make"):
        put(tmp_path, tables=["u"], if_exists="replace")
    assert (tmp_path / "u.csv").read_text() == paths["t"].read_text() == "mine"
    (tmp_path / "v.csv").symlink_to(tmp_path / "u.csv")
    (tmp_path / "w.csv").mkdir()
    for name in "vw":
        with pytest.raises(ConnectorError, match="did not make"):
            put(tmp_path, tables=[name], if_exists="replace")
    with pytest.raises(ConnectorError, match="not a folder"):
        put(tmp_path / "u.csv")
    with pytest.raises(ConnectorError, match="must be"):
        put(tmp_path, if_exists="append")


def test_what_was_read_is_never_overwritten(tmp_path: Path) -> None:
    paths = put(tmp_path / "data")
    read = files_read(paths.values())
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "hard").mkdir()
    os.link(paths["t"], tmp_path / "hard" / "t.csv")
    for place in ("data", "link", "hard"):
        with pytest.raises(ConnectorError, match="what was read"):
            put(tmp_path / place, if_exists="replace", read=read)
    folder = files_read([tmp_path / "data"])
    with pytest.raises(ConnectorError, match="holds what was read"):
        put(tmp_path / "data" / "deeper", read=folder)
    with pytest.raises(ConnectorError, match="holds what was read"):
        put(tmp_path / "link", tables=["new"], read=folder)
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["_synthohive.json", "t.csv"]


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    target = FileTarget(tmp_path, ["t"], "csv")

    def batches() -> Any:
        (tmp_path / "t.csv").write_text("mine")
        yield from ROWS.to_batches()

    with pytest.raises(ConnectorError, match="appeared meanwhile"):
        target.write({"t": batches()}, {"t": ROWS.schema})
    assert (tmp_path / "t.csv").read_text() == "mine"


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from synthohive.io.files import FileTarget
place = Path(sys.argv[1])
STEPS = ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "fcntl.flock")
left = [0]

def watch(event, arguments):
    if left[0] and event in STEPS:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
step, status = 0, 1
while status:
    step += 1
    child = os.fork()
    if not child:
        rows = pa.table({"id": [step] * 100})
        target = FileTarget(place, ["a", "b"], "csv", if_exists="replace")
        left[0] = step
        target.write({n: rows.to_batches() for n in "ab"}, dict.fromkeys("ab", rows.schema))
        left[0] = 0
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    for file in place.glob("*.csv"):
        lines = file.read_text().splitlines()
        assert len(lines) == 101 and len(set(lines)) == 2, file
    for path in place.glob(".synthohive-*"):
        os.utime(path, (0, 0))
print(step, sorted(p.name for p in place.iterdir()))
"""


@pytest.mark.slow
def test_a_kill_leaves_whole_files_and_the_next_run_goes_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert "['_synthohive.json', 'a.csv', 'b.csv']" in done.stdout
    assert int(done.stdout.split()[0]) > 10


def test_formulas_are_kept_or_escaped(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "＝1", "a=1", "", None, "'=1"]
    rows = pa.table({"=id": pa.array(texts), "n": pa.array([-1] * len(texts))})
    kept = put(tmp_path / "kept", rows)["t"]
    assert read_files({"t": kept})["t"].column("=id").to_pylist() == texts
    escaped = put(tmp_path / "escaped", rows, escape_formulas=True)["t"]
    with escaped.open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))
    assert cells[0] == ["'=id", "n"]
    assert [row[0] for row in cells[1:]] == [
        "'=1+1", "'+1", "'-1", "'@a", "'\tx", "'\rx", "'＝1", "a=1", "", "", "'=1",
    ]  # fmt: skip
    assert {row[1] for row in cells[1:]} == {"-1"}
    with pytest.raises(ConnectorError, match="escape_formulas"):
        put(tmp_path / "p", rows, kind="parquet", escape_formulas=True)


def test_descriptions_are_written_over_descriptions_only(tmp_path: Path) -> None:
    meta = Metadata().add_table("a", "id")
    for _ in range(2):
        meta.to_json(tmp_path / "m.json")
        meta.to_yaml(tmp_path / "m.yaml")
    for text in ('{"my": "settings"}', "x", ""):
        (tmp_path / "mine").write_text(text)
        with pytest.raises(ConnectorError, match="did not make"):
            meta.to_json(tmp_path / "mine")
        assert (tmp_path / "mine").read_text() == text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.json", "m.yaml", "mine"]
