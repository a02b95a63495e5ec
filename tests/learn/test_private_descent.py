"""Noisy steps: what one unit adds to the gradients, and what the steps cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from synthohive import Metadata, PrivacyConfig
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.io.dataframe import FrameReader
from synthohive.learn.options import FitOptions
from synthohive.learn.private.budget import Budget
from synthohive.learn.private.source import private_source
from synthohive.models import resolve_model
from synthohive.models.autoregressive import descent
from synthohive.models.autoregressive.config import AutoregressiveConfig
from synthohive.models.autoregressive.descent import Codes, clipped_sum
from synthohive.models.autoregressive.network import Network

CLIP = 0.1


def _privacy(share: float) -> PrivacyConfig:
    return PrivacyConfig(epsilon=3.0, delta=1e-5, unit="units", noise_seed=1, training_share=share)


GROUPS = [np.arange(0, 1), np.arange(1, 3), np.arange(3, 60)]  # units of one row, two, and many


def _untrained() -> tuple[Network, tuple[torch.Tensor, ...], torch.Tensor, list[torch.Tensor]]:
    """Return a network, rows, their mask, and the weights of the heads."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    config = AutoregressiveConfig(hidden=8, context=8, dropout=0.0)
    network = Network([4, 30, 3], [1, 1, 1], Layout((Discrete("p", 3, True),)), config)
    codes = rng.integers(-1, 3, (60, 3))  # some are unknown
    rows = Codes(codes, rng.integers(0, 3, (60, 1))).tensors([3])
    heads = network.heads
    for weight in heads.weights:
        torch.nn.init.normal_(weight)
    weights = [torch.cat([w, b], dim=1).detach() for w, b in zip(heads.weights, heads.biases)]
    return network, rows, torch.triu(torch.ones(3, 3), diagonal=1), weights


def test_gradients_are_those_of_the_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "_NUMBERS", 2_000)  # more than one block
    network, rows, mask, weights = _untrained()
    found = clipped_sum(network, rows, mask, GROUPS, weights, 1e9)
    context = network.context(*rows[1:])
    network.losses(rows[0], torch.full_like(rows[0], -1), context, mask).sum().backward()
    heads = network.heads
    for weight, bias, gradient in zip(heads.weights, heads.biases, found):
        assert weight.grad is not None
        assert bias.grad is not None
        wanted = torch.cat([weight.grad, bias.grad], dim=1).double()
        assert torch.allclose(gradient, wanted, atol=1e-4)


def test_no_unit_adds_more_than_the_clip_to_the_gradients() -> None:
    network, rows, mask, weights = _untrained()
    groups = GROUPS
    whole = clipped_sum(network, rows, mask, groups, weights, CLIP)
    for left in range(3):
        others = [group for at, group in enumerate(groups) if at != left]
        less = clipped_sum(network, rows, mask, others, weights, CLIP)
        moved = sum(float(((a - b).double() ** 2).sum()) for a, b in zip(whole, less)) ** 0.5
        assert 0.5 * CLIP < moved <= CLIP * (1 + 1e-5)


def test_steps_and_questions_together_cost_what_was_promised() -> None:
    budget = Budget(_privacy(0.4), thresholds=0, descents=2)
    multipliers = [budget.descend(name, ("a",), 1.0, 0.05, 50) for name in ("one", "two")]
    budget.ask([np.zeros(3)], 1.0, 1.0, "one", ("a",), "all that is left")
    ledger = budget.close()
    assert multipliers[0] == multipliers[1] > 0.5
    assert 2.95 < ledger.spent <= 3.0
    assert [(one.mechanism, one.steps) for one in ledger.entries][:2] == [("dp-sgd", 50)] * 2


def test_a_network_learns_by_steps_that_the_ledger_lists() -> None:
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(80), 4)
    colour = np.where(rng.random(320) < 0.7, "red", "blue")
    size = np.where(colour == "red", rng.integers(0, 50, 320), rng.integers(50, 99, 320))
    tables = {
        "units": pa.table({"id": np.arange(80)}),
        "rows": pa.table({"unit": owner, "colour": colour, "size": size}),
    }
    metadata = Metadata().add_table("units", "id").add_table("rows", fk={"unit": "units.id"})
    options = FitOptions(resolve_model("autoregressive"), _privacy(0.3), 1, 50_000, 1, 500)
    source = private_source(FrameReader(tables, metadata), options)
    steps = [entry for entry in source.ledger.entries if entry.mechanism == "dp-sgd"]
    assert [(entry.table, entry.sensitivity) for entry in steps] == [("rows", 1.0)]
    assert source.ledger.spent <= 3.0
    made = pa.Table.from_batches(list(source.reader.read("rows")))
    assert 200 < len(made) < 480
    assert set(made.column("colour").to_pylist()) - {None} == {"red", "blue"}


def test_keys_of_several_columns_do_not_repeat() -> None:
    rng = np.random.default_rng(0)
    lines = pa.table({"unit": np.repeat(np.arange(50), 3), "line": np.tile([1, 2, 3], 50)})
    days = pa.table(
        {"unit": np.repeat(np.arange(50), 3), "day": rng.integers(0, 9, 150), "kind": ["a"] * 150}
    )
    metadata = Metadata().add_table("units", "id")
    metadata = metadata.add_table("lines", ["unit", "line"], fk={"unit": "units.id"})
    metadata = metadata.add_table("days", ["unit", "day", "kind"], fk={"unit": "units.id"})
    options = FitOptions(resolve_model("autoregressive"), _privacy(0.0), 1, 50_000, 1, 500)
    tables = {"units": pa.table({"id": np.arange(50)}), "lines": lines, "days": days}
    source = private_source(FrameReader(tables, metadata), options)
    made = pa.Table.from_batches(list(source.reader.read("lines")))
    assert made.column("line").to_numpy().max() < 20
    for name, pk in (("lines", ["unit", "line"]), ("days", ["unit", "day", "kind"])):
        rows = pa.Table.from_batches(list(source.reader.read(name)))
        assert len(rows.group_by(pk).aggregate([])) == len(rows) > 10
