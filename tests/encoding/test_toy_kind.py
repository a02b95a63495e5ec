"""A new kind of column is one transform and one row: colours, learned as red, green and blue."""

from __future__ import annotations

import pickle
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Column, Metadata, PrivacyConfig, Synthesizer
from synthohive.encoding.parts import Parts, Structure
from synthohive.encoding.registry import candidates
from synthohive.exceptions import SchemaError
from synthohive.schema import ColumnKind
from tests.contracts.column_transform import ColumnTransformContract

# -- the whole addition: one transform ...


class Rgb(Structure):
    """Colours as HTML writes them: ``#ff8800``."""

    _TEXT = re.compile("#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})")
    _LIGHTS = ("red", "green", "blue")

    def __init__(self, column: Column) -> None:
        light = Column(name=column.name, kind=ColumnKind.INTEGER, arrow="uint8")
        self.parts = dict.fromkeys(self._LIGHTS, light)

    def split(self, text: str) -> Optional[tuple[str, dict[str, Any]]]:
        found = self._TEXT.fullmatch(text)
        if found is None:
            return None
        return "#", {name: int(part, 16) for name, part in zip(self._LIGHTS, found.groups())}

    def needs(self, shape: str) -> tuple[str, ...]:
        return self._LIGHTS

    def join(self, shape: str, parts: Mapping[str, Any]) -> str:
        return "#" + "".join(f"{parts[name]:02x}" for name in self._LIGHTS)


class Colours(Parts):
    """The three lights, each learned as a number."""

    name = "colour"
    structure = Rgb


# -- ... and one row

COLOUR = ColumnKind.add("colour", "other", "string", ("colour",), "lengths")


class TestColours(ColumnTransformContract):
    transform = Colours
    column = Column(name="shade", kind=COLOUR)
    fits_nothing = False

    def values(self, rows: int, rng: np.random.Generator) -> pa.Array:
        lights = rng.integers(0, 256, (rows, 3))
        return pa.array([f"#{r:02x}{g:02x}{b:02x}" for r, g, b in lights], pa.string())


def test_a_toy_kind_goes_through_everything(tmp_path: Path) -> None:
    red = np.random.default_rng(1).integers(200, 256, 150)
    frame = pd.DataFrame({"id": range(150), "shade": [f"#{r:02x}1020" for r in red]})
    frame["bright"] = red.astype(float)
    metadata = Metadata().add_table(
        "cars", "id", columns={n: Column(name=n, kind=k) for n, k in
                               (("id", "integer"), ("shade", "colour"), ("bright", "float"))}
    )  # fmt: skip
    synth = Synthesizer(metadata, PrivacyConfig(k_anonymity_threshold=2))
    synth.fit({"cars": frame}, epochs=3, seed=1, progress=False, n_jobs=1)
    synth.save(tmp_path / "checkpoint")
    loaded = Synthesizer.load(tmp_path / "checkpoint")
    made = synth.sample(seed=7)["cars"]
    assert made.equals(loaded.sample(seed=7)["cars"])
    assert made["shade"].str.fullmatch("#[c-f][0-9a-f]1020").all()
    report = synth.report(tmp_path / "report.html", seed=7)
    assert report.scores["cars.shade"].value == 0
    loaded.to_database(f"sqlite:///{tmp_path}/copy.db", seed=7)
    rows = sqlite3.connect(tmp_path / "copy.db").execute("select shade from cars").fetchall()
    assert [shade for (shade,) in rows] == made["shade"].tolist()


def test_the_same_name_twice_is_refused() -> None:
    for name in ("colour", "text"):
        with pytest.raises(ValueError, match="there is a kind of columns called"):
            ColumnKind.add(name, "other", "string", (), "lengths")


def test_a_process_that_trains_hears_of_the_kind() -> None:
    column = pickle.dumps(Column(name="shade", kind=COLOUR))  # as loky sends it
    code = "import pickle, sys; print(repr(pickle.load(sys.stdin.buffer).kind))"
    told = subprocess.run(
        [sys.executable, "-c", code], check=False, input=column, capture_output=True
    )
    assert told.stdout.decode().strip() == repr(COLOUR), told.stderr.decode()
    assert pickle.loads(column).kind is COLOUR  # noqa: S301


def test_a_kind_whose_transform_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COLOUR, "transforms", ("sound",))
    with pytest.raises(SchemaError, match=r"'shade' is of the kind 'colour'.* 'sound'"):
        candidates(Column(name="shade", kind=COLOUR))
