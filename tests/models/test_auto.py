"""The automatic choice: an equal trial, the best one chosen, and the reason kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.encoding.encoded import EncodedTable
from synthohive.exceptions import SchemaError, SerializationError, TrainingError
from synthohive.models import MODELS, resolve_model
from synthohive.models.auto import CANDIDATES, Auto
from synthohive.models.metrics import classifier_area
from tests.contracts.model import TABLE, Recorder, child_rows, context_rows, same, stream
from tests.events import captured_events

SEED = np.random.SeedSequence(7)
PAIR: dict[str, Any] = {"candidates": ("ctgan", "tvae"), "seconds": 0}


def test_every_other_built_in_model_is_tried_at_its_pace() -> None:
    assert {"auto", *CANDIDATES} == {*MODELS}
    for name in CANDIDATES:
        assert resolve_model(name).name == name
        assert resolve_model(name).abilities.pace is not None


def test_the_least_score_is_chosen_logged_and_trained_on() -> None:
    context, listener = context_rows(400), Recorder()
    data = child_rows(context)
    with captured_events() as logs:
        model = Auto(TABLE, epochs=3, **PAIR).fit(data, context, seed=SEED, listener=listener)
    assert set(model.trial_) == {"ctgan", "tvae"}
    assert model.choice_ == min(model.trial_, key=lambda name: model.trial_[name].total)
    assert model.model_.name == model.choice_
    (event,) = [e for e in logs if e["event"] == "model_chosen"]
    assert (event["table"], event["model"]) == ("orders", model.choice_)
    assert event["scores"] == {n: round(s.total, 4) for n, s in model.trial_.items()}
    assert listener.epochs == [("orders", epoch, 3) for epoch in (1, 2, 3)]


def test_candidates_get_the_same_time() -> None:
    data = child_rows(context_rows(400))
    model = Auto(TABLE, seconds=30)
    for name in CANDIDATES:
        pace = resolve_model(name).abilities.pace
        assert pace is not None
        cost = pace.fixed + 5 * pace.block  # five blocks
        spent = model._epochs(pace, data.layout, 360) * pace.least * cost / 1000
        assert abs(spent - 30) <= pace.least * cost / 1000


def test_a_candidate_that_diverges_is_not_chosen() -> None:
    data = child_rows(context_rows(400))
    data.values[:, 1] = 1e30
    settings = {**PAIR, "candidates": ("tvae", "autoregressive")}
    with captured_events() as logs:
        model = Auto(TABLE, epochs=1, **settings).fit(data, seed=SEED)
    assert list(model.trial_) == [model.choice_] == ["autoregressive"]
    assert [e["model"] for e in logs if e["event"] == "model_not_tried"] == ["tvae"]
    with pytest.raises(TrainingError, match="'orders' diverged"):
        Auto(TABLE, epochs=20, **{**PAIR, "candidates": ("tvae", "ctgan")}).fit(data, seed=SEED)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"second": 3}, "no setting 'second'(?s:.*)Did you mean 'seconds'"),
        ({"candidates": ["ctgn"]}, "cannot try 'ctgn'(?s:.*)Did you mean 'ctgan'"),
        ({"candidates": ["auto"]}, "cannot try 'auto'"),
        ({"candidates": []}, "no candidates"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Auto(TABLE, **settings)


def test_the_classifier_tells_what_distances_do_not() -> None:
    rng = stream()
    real = child_rows(context_rows(600))
    real.codes[:, 1] = real.codes[:, 0]
    nothing = EncodedTable.empty(600)
    mixed = EncodedTable(real.layout, rng.permuted(real.codes, axis=0), real.values)
    assert classifier_area(real, mixed, nothing) > 0.75
    halves = [real.take(np.arange(600)[i::2]) for i in (0, 1)]
    assert classifier_area(*halves, EncodedTable.empty(300)) < 0.6
    assert classifier_area(*(h.take(np.arange(9)) for h in halves), EncodedTable.empty(9)) == 0.5


def test_choice_and_reason_are_read_back_from_a_checkpoint(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = {
        "shops": pd.DataFrame({"id": np.arange(60), "size": rng.choice(["s", "m", "l"], 60)}),
        "sales": pd.DataFrame(
            {"id": np.arange(200), "shop": rng.integers(0, 60, 200), "sum": rng.gamma(2, 9, 200)}
        ),
    }
    metadata = Metadata().add_table("shops", "id")
    metadata.add_table("sales", "id", fk={"shop": "shops.id"})
    synthesizer = Synthesizer(metadata, model="auto")
    synthesizer.fit(frames, epochs=1, seed=1, progress=False, **PAIR)
    synthesizer.save(tmp_path / "saved")
    loaded = Synthesizer.load(tmp_path / "saved")
    for name, table in synthesizer.fitted_.tables.items():
        own, other = table.model, loaded.fitted_.tables[name].model
        assert isinstance(own, Auto)
        assert isinstance(other, Auto)
        assert (own.choice_, own.trial_) == (other.choice_, other.trial_)
    one, two = (s.sample(seed=1) for s in (synthesizer, loaded))
    for name in frames:
        pd.testing.assert_frame_equal(one[name], two[name])


@pytest.mark.parametrize(("key", "value"), [("choice", "os"), ("trial", {"tvae": {}})])
def test_a_tampered_choice_is_refused(tmp_path: Path, key: str, value: object) -> None:
    context = context_rows(100)
    Auto(TABLE, epochs=1, candidates=("tvae",)).fit(child_rows(context), seed=SEED).save(tmp_path)
    path = tmp_path / "model.json"
    state = {**json.loads(path.read_text(encoding="utf-8")), key: value}
    path.write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(SerializationError, match=tmp_path.name):
        Auto.load(tmp_path)


def test_one_candidate_needs_no_trial() -> None:
    model = Auto(TABLE, epochs=1, candidates=("tvae",)).fit(child_rows(context_rows(100)))
    assert (model.choice_, model.trial_) == ("tvae", {})


def test_the_same_seed_chooses_the_same_whatever_the_order() -> None:
    context = context_rows(300)
    data = child_rows(context)
    turned = {**PAIR, "candidates": PAIR["candidates"][::-1]}
    one, two = (
        Auto(TABLE, epochs=1, **settings).fit(data, context, seed=SEED)
        for settings in (PAIR, turned)
    )
    assert one.trial_ == two.trial_
    assert same(*(m.sample(300, context, rng=stream()) for m in (one, two)))
