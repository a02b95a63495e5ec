"""No value of one person comes out of any model, or is in its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Union

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from tests.planted import PLANTED, content_of, planted_database, planted_metadata

# A number inside the usual range may be drawn by chance, on a grid of 7,500 points.
BY_CHANCE = 3


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoregressive", "ctgan", "tvae"])
def test_no_value_of_one_person_comes_out(model: str, tmp_path: Path) -> None:
    real = planted_database()
    synthesizer = Synthesizer(planted_metadata(), model=model)
    synthesizer.fit({n: t.copy() for n, t in real.items()}, epochs=1, seed=1, progress=False)
    made = synthesizer.sample(seed=2)
    text, numbers = content_of(synthesizer.save(tmp_path / "checkpoint"))
    for planted in PLANTED:
        assert planted.rows(real) >= 6
        assert planted.rows(made) <= (BY_CHANCE if planted.value == 41.37 else 0), planted.why
        if isinstance(planted.value, str):
            assert planted.value not in text, planted.why
        else:
            units = _units(planted.value)
            assert not np.isin(units, numbers).any(), planted.why
    assert not made["treatments"]["label"].str.contains("Zqxander").any()
    assert set(made["orders"]["ship"]) == {"std", "express"}  # what is shared stays


def _units(value: Union[float, pd.Timestamp]) -> list[float]:
    """Return a number in all units in which it could be stored."""
    if isinstance(value, pd.Timestamp):
        seconds = value.timestamp()
        return [seconds, seconds * 1e6, seconds * 1e9, seconds // 86_400]
    return [value, round(value * 100)]


def test_the_user_knows_who_the_entities_are() -> None:
    real = {"log": planted_database()["log"]}
    real["log"]["action"] = np.where(real["log"]["user_id"] < 1_003, "rare", "usual")
    metadata = planted_metadata()
    metadata.tables = {"log": metadata.tables["log"]}
    shown = {}
    for entities in (None, [], ["log.user_id"]):
        privacy = PrivacyConfig(entities=entities)
        synthesizer = Synthesizer(metadata, privacy, model="autoregressive")
        synthesizer.fit({"log": real["log"].copy()}, epochs=1, seed=1, progress=False)
        shown[str(entities)] = "rare" in set(synthesizer.sample(seed=2)["log"]["action"])
    assert shown == {"None": False, "[]": True, "['log.user_id']": False}


@pytest.mark.parametrize("label", [{}, {"label": [f"P-{i:03}" for i in range(60)]}])
def test_persons_without_names_are_counted(label: dict[str, list[str]]) -> None:
    people = pd.DataFrame({"id": range(60), **label})
    words = [f"{i * 7919:x}q" for i in range(60)]
    visits = pd.DataFrame(
        {"id": range(480), "t1_id": np.repeat(people["id"], 8), "word": np.repeat(words, 8)}
    )
    metadata = Metadata().add_table("t1", "id").add_table("visits", "id", fk={"t1_id": "t1.id"})
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"t1": people, "visits": visits}, epochs=1, seed=1, progress=False)
    assert synth.kept_tables == {}
    assert not set(synth.sample(seed=2)["visits"]["word"]) & set(words)


def test_a_report_shows_no_value_of_one_person(tmp_path: Path) -> None:
    people = pd.DataFrame({"id": range(60)})
    words = [f"secret{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60)]
    visits = pd.DataFrame(
        {"id": range(480), "t1_id": np.repeat(people["id"], 8), "word": np.repeat(words, 8)}
    )
    visits["kind"] = ["long", "short"] * 240
    visits["amount"] = np.where(visits["t1_id"] == 7, 987_654.25, visits.index % 50)
    metadata = Metadata().add_table("t1", "id").add_table("visits", "id", fk={"t1_id": "t1.id"})
    real = {"t1": people, "visits": visits}
    # of synthetic rows, a few are shown
    made = {"t1": people, "visits": visits.assign(word="made", amount=visits.index % 50)}
    Synthesizer(metadata).generate_validation_report(real, made, tmp_path / "report.html")
    shown = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "short" in shown
    assert "987,654" not in shown
    assert not [word for word in words if word in shown]


def test_part_of_a_composite_key_is_a_person_without_a_table() -> None:
    words = [f"{i * 7919 + 10**7:x}q" for i in range(60)]
    visits = pd.DataFrame(
        {"a": np.repeat(range(60), 8), "b": list(range(8)) * 60, "word": np.repeat(words, 8)}
    )
    synth = Synthesizer(Metadata().add_table("visits", ["a", "b"]), model="autoregressive")
    synth.fit({"visits": visits}, epochs=1, seed=1, progress=False)
    assert not set(synth.sample(seed=2)["visits"]["word"]) & set(words)
