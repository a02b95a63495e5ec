"""Whatever a checkpoint holds: an error that names the component, or rows, and soon."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthohive import ConnectorError, SerializationError, Synthesizer
from tests.interface.hostile import campaign, outcome, put, seal
from tests.interface.tiny import tiny

pytestmark = pytest.mark.filterwarnings("ignore")  # of NumPy, about what it is given


@pytest.fixture(scope="module")
def fitted() -> Callable[[str], Synthesizer]:
    return cache(tiny)


@pytest.fixture(scope="module")
def saved(fitted: Callable[[str], Synthesizer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted("autoregressive").save(tmp_path_factory.mktemp("hostile") / "saved")


def test_the_harness_would_see_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Synthesizer.load(saved).sample(seed=1)
    assert not outcome(saved)
    monkeypatch.setattr("synthohive.interface.checkpoint.read_table", lambda *_: {}["gone"])
    assert "KeyError" not in outcome(saved)
    monkeypatch.setattr(Synthesizer, "load", lambda *_: {}["gone"])
    assert "KeyError" in outcome(saved)


@pytest.mark.slow
def test_some_hundred_changes(saved: Path) -> None:
    tried, wrong = campaign(saved, seed=9, count=5)
    assert tried > 150
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("model", ["ctgan", "tvae"])
def test_other_models(model: str, fitted: Callable[[str], Synthesizer], tmp_path: Path) -> None:
    """All else is the same whatever the model."""
    saved = fitted(model).save(tmp_path / "saved")
    tried, wrong = campaign(saved, seed=3, count=4, part="/model/")
    assert tried > 20
    assert not wrong


def fields(state: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all that is called by a name, in the first entries of lists."""
    for key, value in state.items() if isinstance(state, dict) else enumerate(state[:2]):
        if isinstance(state, dict):
            yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from fields(value, (*path, key))


def is_entry(path: tuple[Any, ...]) -> bool:
    """Tell whether a checkpoint may have it or not: one of many, or missed when it is used."""
    holder = path[:-1]
    named = holder in [("frames",), ("forms",)] or holder[-2:] == ("program", "ends")
    named |= holder[-1:] in [("dtypes",), ("labels",), ("nulls",)]
    return named or bool({"settings", "profile"} & set(holder))


@pytest.mark.slow
def test_what_is_missing_gets_no_default(saved: Path) -> None:
    """Sums that fit tell nothing of a privacy.json without k."""
    silent = []
    places = sorted(saved.rglob("content-*/**/*.json"))
    described = {"database.json", "metadata.json", "privacy.json", "table.json"}
    assert {p.name for p in places} == described | {"model.json"}
    for place in (p for p in places if p.name in described):
        whole = place.read_bytes()
        state = json.loads(whole)
        paths = [path for path in fields(state) if not is_entry(path)]
        kept = paths if place.name == "privacy.json" else paths[:: 1 + len(paths) // 30]
        changed = [(path, put(state, path, put)) for path in kept]
        for what, text in [("all", {}), *changed]:
            place.write_text(json.dumps(text), encoding="utf-8")
            seal(saved)
            try:
                Synthesizer.load(saved)
                silent.append((place.name, what))
            except SerializationError as exc:
                if not re.search(r"(database|frames|metadata|privacy)\.json|tables/000", str(exc)):
                    silent.append((place.name, what))
        place.write_bytes(whole)
    seal(saved)
    assert not silent


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoregressive", "ctgan", "tvae", "auto"])
def test_what_is_missing_of_a_model_gets_no_default(
    model: str, fitted: Callable[[str], Synthesizer], tmp_path: Path
) -> None:
    """A setting, for which the class has a default, as well as all else."""
    quick: Any = {"seconds": 0.001, "candidates": ["autoregressive"]} if model == "auto" else {}
    saved = (tiny(model, **quick) if quick else fitted(model)).save(tmp_path / "saved")
    # that of the choice, not of the chosen model within it
    place = min(saved.rglob("model.json"), key=lambda path: (len(path.parts), path))
    state = json.loads(place.read_bytes())
    settings = len(state["config"])
    paths = [path for path in fields(state) if path[0] != "trial" or len(path) > 2]
    assert settings >= 3
    rest = paths[settings + 1 :]
    for path in [*paths[: settings + 1], *rest[:: 1 + len(rest) // 20], ("config", "other")]:
        changed = put(state, path, 1 if path[-1] == "other" else put)
        place.write_text(json.dumps(changed), encoding="utf-8")
        seal(saved)
        with pytest.raises(SerializationError, match=r"tables/000"):
            Synthesizer.load(saved)


def test_endless_rows_are_refused_before_any_is_made(saved: Path, tmp_path: Path) -> None:
    place = next(p for p in sorted(saved.rglob("table.json")) if (p.parent / "model").exists())
    whole = place.read_bytes()
    try:
        place.write_text(json.dumps({**json.loads(whole), "rows": 10**12}), encoding="utf-8")
        seal(saved)
        with pytest.raises((ConnectorError, SerializationError), match="rows"):
            Synthesizer.load(saved).sample(seed=1)
        place.write_text(json.dumps({**json.loads(whole), "rows": 10**18}), encoding="utf-8")
        seal(saved)
        with pytest.raises(SerializationError, match=r"tables/000.*rows is 10000"):
            Synthesizer.load(saved)
    finally:
        place.write_bytes(whole)
        seal(saved)


def test_links_pipes_and_unlisted_files(saved: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    place = sorted(saved.rglob("table.json"))[0]
    place.rename(elsewhere)
    try:
        place.symlink_to(elsewhere)
        with pytest.raises(SerializationError, match=r"table\.json' leads out"):
            Synthesizer.load(saved)
        place.unlink()
        os.mkfifo(place)
        with pytest.raises(SerializationError, match=r"table\.json' leads out"):
            Synthesizer.load(saved)
    finally:
        place.unlink(missing_ok=True)
        elsewhere.rename(place)
    more = place.parent / "reference.parquet.bak"
    more.write_bytes(b"x")
    with pytest.raises(SerializationError, match="no component"):
        Synthesizer.load(saved)
    more.unlink()
    Synthesizer.load(saved)


def test_weights_that_are_no_numbers(saved: Path) -> None:
    from safetensors.numpy import load_file, save_file

    place = sorted(saved.rglob("*.safetensors"))[0]
    whole = place.read_bytes()
    try:
        tensors = load_file(str(place))
        name = next(n for n, t in tensors.items() if t.dtype.kind == "f")
        save_file({**tensors, name: np.full_like(tensors[name], np.nan)}, str(place))
        seal(saved)
        with pytest.raises(SerializationError, match=r"tables/000\d \(people\).*not finite"):
            Synthesizer.load(saved)
    finally:
        place.write_bytes(whole)
        seal(saved)


def test_columns_that_follow_from_themselves(saved: Path) -> None:
    place = sorted(saved.rglob("table.json"))[-1]  # sales: total = price * number
    whole = place.read_bytes()
    state = json.loads(whole)
    assert "total" in {one["target"] for one in state["program"]["derivations"]}
    back = {"class": "Copy", "target": "price", "source": "total"}
    try:
        state["program"]["derivations"].append(back)
        place.write_text(json.dumps(state), encoding="utf-8")
        seal(saved)
        with pytest.raises(SerializationError, match=r"tables/0002.*themselves: .*price"):
            Synthesizer.load(saved)
    finally:
        place.write_bytes(whole)
        seal(saved)
