"""CHECKs about foreign keys hold: parents are chosen so, or it is refused before training."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from synthohive import ConstraintViolationError, SchemaValidationError, Synthesizer

NODES = 60
NODE = "CREATE TABLE node (id INTEGER PRIMARY KEY, kind TEXT NOT NULL)"
TWO = "x INTEGER {0} REFERENCES node (id), y INTEGER {0} REFERENCES node (id)"
STRICT, OPEN = TWO.format("NOT NULL"), TWO.format("")
Rows = list[tuple[Any, ...]]


def pairs(count: int, fits: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Return different pairs of nodes."""
    rng = np.random.default_rng(2)
    found: set[tuple[int, int]] = set()
    while len(found) < count:
        one, two = map(int, rng.integers(1, NODES + 1, 2))
        if fits(one, two):
            found.add((one, two))
    return sorted(found)


ORDERED = pairs(300, lambda x, y: x < y)
CASES: dict[str, tuple[str, str, Rows]] = {
    "x < y": (f"{STRICT}, PRIMARY KEY (x, y)", "x < y", list(ORDERED)),
    "x <> y": (f"{STRICT}, PRIMARY KEY (x, y)", "x <> y", list(pairs(300, lambda x, y: x != y))),
    "y = x + 1": (
        f"id INTEGER PRIMARY KEY, {STRICT}",
        "y = x + 1",
        [(i, i % 59 + 1, i % 59 + 2) for i in range(300)],
    ),
    "NULLs": (
        f"id INTEGER PRIMARY KEY, {OPEN}",
        "x < y",
        [(i, x if i % 5 else None, y if i % 3 else None) for i, (x, y) in enumerate(ORDERED)],
    ),
    "one of two": (
        f"id INTEGER PRIMARY KEY, {OPEN}",
        "(x IS NULL) <> (y IS NULL)",
        [(i, x if i % 2 else None, None if i % 2 else y) for i, (x, y) in enumerate(ORDERED)],
    ),
    "own key": (
        "id INTEGER PRIMARY KEY, x INTEGER REFERENCES link (id), v REAL NOT NULL",
        "x < id",
        [(i, None if i < 5 else i * 7 % (i - 1) + 1, i % 7 / 2) for i in range(1, 200)],
    ),
    "attribute": (
        "id INTEGER PRIMARY KEY, x INTEGER NOT NULL REFERENCES node (id), most INTEGER NOT NULL",
        "x <= most",
        [(i, x, x + y % 5) for i, (x, y) in enumerate(ORDERED)],
    ),
}


def database(path: Path, columns: str, check: str, rows: Rows) -> str:
    connection = sqlite3.connect(path)
    connection.execute(NODE)
    nodes = [(i, "ab"[i % 2]) for i in range(1, NODES + 1)]
    connection.executemany("INSERT INTO node VALUES (?, ?)", nodes)
    connection.execute(f"CREATE TABLE link ({columns}, CHECK ({check}))")
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO link VALUES ({marks})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_depths_are_those_of_rows_with_and_without_a_parent(tmp_path: Path) -> None:
    rng, depths = np.random.default_rng(3), {1: 0}
    rows: Rows = [(1, 1, None, 0)]
    for i in range(2, 200):
        above = int(rng.integers(1, i)) if rng.random() < 0.8 else None
        depths[i] = 0 if above is None else depths[above] + 1
        rows.append((i, i if above is None else rows[above - 1][1], above, depths[i]))
    columns = (
        "id INTEGER PRIMARY KEY, root INTEGER NOT NULL REFERENCES link (id), "
        "above INTEGER REFERENCES link (id), depth INTEGER NOT NULL"
    )
    url = database(tmp_path / "real.db", columns, "(depth = 0) = (above IS NULL)", rows)
    synthesizer = Synthesizer.from_database(url).fit(epochs=1, seed=1, progress=False)
    made = synthesizer.sample(seed=1)["link"]
    assert ((made["depth"] == 0) == made["above"].isna()).all()
    assert made["depth"].nunique() > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_checks_about_keys_hold(name: str, tmp_path: Path) -> None:
    columns, check, rows = CASES[name]
    url = database(tmp_path / "real.db", columns, check, rows)
    synth = Synthesizer.from_database(url).fit(epochs=2, seed=1, progress=False)
    for scale in (1, 2):
        target = tmp_path / f"made{scale}.db"
        synth.to_database(f"sqlite:///{target}", scale=scale, seed=3)  # SQLite tests the CHECK
        connection = sqlite3.connect(target)
        made = connection.execute("SELECT count(*), count(x) FROM link").fetchone()
        connection.close()
        assert made[0] == pytest.approx(scale * len(rows), rel=0.02)
        linked = sum(row[0 if columns.startswith("x") else 1] is not None for row in rows)
        few = 0.4 if name == "own key" else 0.1  # rows with low numbers find no parent
        assert made[1] == pytest.approx(scale * linked, rel=few)
    if name == "y = x + 1":  # no node is another: a table without any row is no copy
        with pytest.raises(ConstraintViolationError, match="All 300 rows of table 'link'"):
            synth.sample(num_rows={"node": 1, "link": 300}, seed=3)


def test_what_cannot_be_kept_is_refused_before_training(tmp_path: Path) -> None:
    columns = "x INTEGER NOT NULL REFERENCES node (id), n INTEGER NOT NULL, PRIMARY KEY (x, n)"
    rows: Rows = [(y, x) for x, y in ORDERED]
    synth = Synthesizer.from_database(database(tmp_path / "real.db", columns, "n < x", rows))
    with pytest.raises(SchemaValidationError, match=r"CHECK n < x of table 'link'.*exclude="):
        synth.fit(epochs=10**6, seed=1, progress=False)
