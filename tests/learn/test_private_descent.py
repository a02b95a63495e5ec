"""Noisy steps: what one unit adds to the gradients, and what the steps cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from synthohive import Metadata, PrivacyConfig
from synthohive.encoding.encoded import Discrete, Layout
from synthohive.io.dataframe import FrameReader
from synthohive.learn.options import FitOptions
from synthohive.learn.private.budget import Budget
from synthohive.learn.private.source import private_source
from synthohive.models import resolve_model
from synthohive.models.autoregressive.config import AutoregressiveConfig
from synthohive.models.autoregressive.descent import Codes, clipped_sum
from synthohive.models.autoregressive.network import Network

CLIP = 0.1


def _privacy(share: float) -> PrivacyConfig:
    return PrivacyConfig(epsilon=3.0, delta=1e-5, unit="units", noise_seed=1, training_share=share)


def test_no_unit_adds_more_than_the_clip_to_the_gradients() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    config = AutoregressiveConfig(hidden=8, context=8, dropout=0.0)
    network = Network([4, 3], [1, 1], Layout((Discrete("p", 3, True),)), config)
    groups = [np.arange(0, 1), np.arange(1, 3), np.arange(3, 60)]  # of one row, two, and many
    rows = Codes(rng.integers(0, 3, (60, 2)), rng.integers(0, 3, (60, 1))).tensors([3])
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    mask = torch.triu(torch.ones(2, 2), diagonal=1)
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
