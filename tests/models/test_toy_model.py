"""What CONTRIBUTING.md promises: a model is one file; it keeps the contract, and runs end to end.

This file is the model. Nothing else knows of it: no registry, no list of what models can do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest

from synthohive import (
    ConditionalGenerativeModel,
    EncodedTable,
    Metadata,
    PrivacyConfig,
    PrivacyError,
    SerializationError,
    Synthesizer,
    TableConfig,
)
from synthohive.encoding.encoded import Layout
from synthohive.models.base import Abilities
from tests.contracts.model import ModelContract

BINS = 64


class NoisyShares(ConditionalGenerativeModel):
    """Each column by its shares among the rows with the same first code of the context.

    What is kept are shares with noise, and quantiles: no row.
    """

    name = "noisy_shares"
    abilities = Abilities(least_epochs=0)

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, noise: float = 1.0
    ) -> None:
        super().__init__(metadata, batch_size, epochs)
        self.noise = noise

    def fit(
        self, data: EncodedTable, context: Optional[EncodedTable] = None, *, seed: Any = None,
        **kwargs: Any,
    ) -> NoisyShares:  # fmt: skip
        rng = np.random.default_rng(seed)
        self.layout, groups = data.layout, _groups(len(data), context)
        self.shares: dict[str, list[list[float]]] = {}
        for group in [-1, *np.unique(groups).tolist()]:
            codes = data.codes if group < 0 else data.codes[groups == group]
            noisy = [
                np.bincount(codes[:, i], minlength=block.cardinality)
                + np.abs(rng.normal(0, self.noise, block.cardinality))
                for i, block in enumerate(self.layout.discrete)
            ]
            self.shares[str(group)] = [(n / n.sum()).tolist() for n in noisy]
        self.ends = []
        for i, floats in enumerate(self.layout.continuous):
            told = slice(None) if floats.modes is None else data.codes[:, floats.modes]
            values = data.values[told if floats.modes is None else told < floats.active, i]
            grid = np.linspace(0, 1, BINS)
            self.ends.append(np.quantile(values if len(values) else [0.0], grid).tolist())
        return self

    def sample(
        self, num_rows: int, context: Optional[EncodedTable] = None, *, rng: Any = None,
        **kwargs: Any,
    ) -> EncodedTable:  # fmt: skip
        rng = np.random.default_rng() if rng is None else rng
        layout, groups = self.layout, _groups(num_rows, context)
        codes = np.zeros((num_rows, len(layout.discrete)), dtype=np.int32)
        values = np.zeros((num_rows, len(layout.continuous)), dtype=np.float32)
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            for i, shares in enumerate(self.shares.get(str(group), self.shares["-1"])):
                codes[rows, i] = rng.choice(len(shares), len(rows), p=shares)
        for i, (floats, ends) in enumerate(zip(layout.continuous, self.ends)):
            drawn = np.interp(rng.random(num_rows), np.linspace(0, 1, BINS), ends)
            means = floats.modes is None or codes[:, floats.modes] < floats.active
            values[:, i] = np.where(means, drawn, 0)
        return EncodedTable(layout, codes, values)

    def save(self, path: Path) -> None:
        state = {"layout": self.layout.to_dict(), "shares": self.shares, "ends": self.ends}
        (path / "model.json").write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> NoisyShares:
        model = cls(TableConfig(name="loaded"))
        try:
            state = json.loads((path / "model.json").read_text(encoding="utf-8"))
            model.layout = Layout.from_dict(state["layout"])
            model.shares, model.ends = state["shares"], state["ends"]
        except (OSError, ValueError, KeyError) as exc:
            raise SerializationError(f"The model in {path.name!r} cannot be read: {exc}") from exc
        return model


def _groups(rows: int, context: Optional[EncodedTable]) -> Any:
    """Return the first code of each row's context; -1 where there is none."""
    if context is None or not context.layout.discrete:
        return np.full(rows, -1)
    return context.codes[:, 0].astype(np.int64)


class TestNoisyShares(ModelContract):
    model = NoisyShares


def shop() -> tuple[Metadata, dict[str, pd.DataFrame]]:
    """Return customers, and orders by channels that have shares."""
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"id": np.arange(80), "age": rng.integers(18, 90, 80)})
    orders = pd.DataFrame({
        "id": np.arange(240),
        "customer": rng.integers(0, 80, 240),
        "channel": rng.choice(["web", "phone", "mail"], 240, p=[0.6, 0.3, 0.1]),
    })  # fmt: skip
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer": "customers.id"})
    return metadata, {"customers": customers, "orders": orders}


def test_it_runs_from_fit_to_checkpoint(tmp_path: Path) -> None:
    metadata, tables = shop()
    synthesizer = Synthesizer(metadata, model=NoisyShares)
    synthesizer.fit(tables, epochs=1, seed=1, progress=False, noise=0.5)
    synthesizer.save(tmp_path / "saved")
    made = synthesizer.sample(seed=2)
    again = Synthesizer.load(tmp_path / "saved", model=NoisyShares).sample(seed=2)
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(made[name], again[name])
        assert list(made[name].dtypes) == list(frame.dtypes)
    assert set(made["orders"]["customer"]) <= set(made["customers"]["id"])
    found, real = (t["orders"]["channel"].value_counts(normalize=True) for t in (made, tables))
    assert (found - real).abs().max() < 0.15


def test_what_it_cannot_do_is_refused_by_its_name() -> None:
    metadata, tables = shop()
    made = Synthesizer(metadata, model=NoisyShares).fit(tables, epochs=1, seed=1, progress=False)
    with pytest.raises(Exception, match="'noisy_shares' draws whole rows"):
        made.sample(conditions={"orders": {"channel": "web"}})
    strict = Synthesizer(metadata, PrivacyConfig(max_memorisation=0.1), model=NoisyShares)
    with pytest.raises(PrivacyError, match="a model that does not measure it"):
        strict.fit(tables, epochs=1, seed=1, progress=False)


def test_siblings_take_a_model_that_draws_given_part_of_a_row() -> None:
    with pytest.raises(ValueError, match="given part of a row"):
        Abilities(siblings=True)


def test_abilities_may_be_attributes_of_the_class() -> None:
    class Plain(NoisyShares):
        least_epochs = 7

    assert Plain.abilities == Abilities(least_epochs=7)
