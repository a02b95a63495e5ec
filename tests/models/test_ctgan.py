"""What is CTGAN's own: settings, divergence, checkpoints, early stopping, calibration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synthohive.exceptions import SchemaError, SerializationError, TrainingError
from synthohive.models import resolve_model
from synthohive.models.ctgan.model import CTGAN
from synthohive.models.ctgan.networks import Discriminator
from synthohive.models.metrics import marginal_distance
from synthohive.models.training import Schedule, Trainable, train
from tests.contracts.model import TABLE, Recorder, child_rows, context_rows, stream
from tests.events import captured_events
from tests.models.independent import IndependentColumns

SEED = np.random.SeedSequence(7)


def quick(**settings: object) -> CTGAN:
    """Return a CTGAN that was trained for a moment."""
    context = context_rows(400)
    model = CTGAN(TABLE, batch_size=100, **{"epochs": 2, "evaluate_every": 1, **settings})  # type: ignore[arg-type]
    return model.fit(child_rows(context), context, seed=SEED)


# -- settings


def test_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SchemaError, match=r"no setting 'penality'.*\n?.*Did you mean 'penalty'"):
        CTGAN(TABLE, penality=3)


def test_models_by_name_and_class() -> None:
    assert resolve_model("ctgan") is CTGAN
    assert resolve_model(IndependentColumns) is IndependentColumns
    with pytest.raises(SchemaError, match=r"no model 'ctgn'(?s:.*)Did you mean 'ctgan'"):
        resolve_model("ctgn")
    with pytest.raises(SchemaError, match="is not a model"):
        resolve_model(dict)  # type: ignore[arg-type]


# -- training


def test_divergence_names_table_epoch_and_loss() -> None:
    with pytest.raises(
        TrainingError, match=r"'orders' diverged in epoch \d+: the \w+ is (nan|-?inf)"
    ):
        quick(lr=1e9, epochs=20)


def test_listener_and_log_get_each_checkpoint() -> None:
    context, listener = context_rows(400), Recorder()
    with captured_events() as logs:
        CTGAN(TABLE, batch_size=100, epochs=20).fit(
            child_rows(context), context, seed=SEED, listener=listener
        )
    assert listener.epochs == [("orders", epoch, 20) for epoch in range(1, 21)]
    events = [e for e in logs if e["event"] == "training_checkpoint"]
    assert [e["epoch"] for e in events] == [10, 20] == [e.epoch for e in listener.events]
    for event in events:
        assert event["table"] == "orders"
        assert {"loss_generator", "loss_critic", "distance", "best", "eta_seconds"} <= set(event)
    assert listener.events[-1].eta_seconds == 0
    assert listener.events[-1].best_metric == min(e.metric for e in listener.events)


class Scripted(Trainable):
    """A training whose metric follows a script; its state counts the epochs."""

    def __init__(self, metrics: list[float], patience: int = 2) -> None:
        self.table, self.metrics = "orders", metrics
        self.schedule = Schedule(5, 1, 1, patience)
        self.state = nn.Linear(1, 1)
        nn.init.zeros_(self.state.weight)

    def step(self) -> dict[str, Tensor]:
        with torch.no_grad():
            self.state.weight += 1
        return {"loss": torch.zeros(())}

    def validate(self) -> float:
        return self.metrics[int(self.state.weight.detach()) - 1]


def test_early_stopping_restores_the_best_state() -> None:
    task, listener = Scripted([0.5, 0.2, 0.3, 0.4, 0.1]), Recorder()
    assert train(task, listener) == 0.2
    assert len(listener.epochs) == 4
    assert float(task.state.weight.detach()) == 2


def test_an_undefined_metric_is_divergence() -> None:
    with pytest.raises(TrainingError, match="'orders' diverged in epoch 2: the validation is nan"):
        train(Scripted([0.5, float("nan")]), None)


def test_calibration_improves_marginals() -> None:
    context = context_rows(2000)
    data = child_rows(context)
    model = CTGAN(TABLE, epochs=1).fit(data, context, seed=SEED)
    calibrated = marginal_distance(data, model.sample(2000, context, rng=stream()))
    model.maps_ = None
    for bias in (model.network_.bias, *model.network_.large_bias):
        bias.zero_()
    assert calibrated < 0.05 < marginal_distance(data, model.sample(2000, context, rng=stream()))


@pytest.mark.slow
def test_dependence_between_columns_without_context() -> None:
    data = child_rows(context_rows(4000))
    data.codes[:, 1] = data.codes[:, 0]
    model = CTGAN(TABLE, batch_size=250, epochs=25).fit(data, seed=SEED)
    made = model.sample(4000, rng=stream())
    assert (made.codes[:, 0] == made.codes[:, 1]).mean() > 0.8


# -- files


@pytest.mark.parametrize(
    ("key", "value"),
    [("layout", {}), ("config", {"noise": -1}), ("config", {"noises": 3}), ("batch_size", None)],
)
def test_a_tampered_description_is_refused(tmp_path: Path, key: str, value: object) -> None:
    quick().save(tmp_path)
    path = tmp_path / "model.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    if value is None:
        del state[key]
    else:
        state[key] = value
    path.write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(SerializationError, match=tmp_path.name):
        CTGAN.load(tmp_path)


def test_weights_of_another_table_are_refused(tmp_path: Path) -> None:
    quick().save(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    CTGAN(TABLE, epochs=1).fit(child_rows(context_rows(100)), seed=SEED).save(other)
    (tmp_path / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(SerializationError, match=tmp_path.name):
        CTGAN.load(tmp_path)


def test_the_critics_gradient_is_that_of_its_scores() -> None:
    def critic() -> Discriminator:
        torch.manual_seed(1)
        return Discriminator(7, 2, (16, 12), stream(5))  # leaves the same outputs out

    packs = torch.randn(20, 7, requires_grad=True)
    (expected,) = torch.autograd.grad(critic()(packs).sum(), packs)
    own = critic()
    found = own.gradient(own.first(packs))
    torch.testing.assert_close(found, expected.view(10, 14))
    found.square().sum().backward()
    assert all(layer.weight.grad.abs().sum() > 0 for layer in own.layers)
