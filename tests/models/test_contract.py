"""The contract of models, kept by each built-in one and by the least possible model."""

from __future__ import annotations

import numpy as np
import pytest

from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.models.auto import Auto
from synthohive.models.autoregressive.model import Autoregressive
from synthohive.models.ctgan.model import CTGAN
from synthohive.models.tvae.model import TVAE
from synthohive.schema import TableConfig
from tests.contracts.model import ModelContract
from tests.models.independent import IndependentColumns


class TestAuto(ModelContract):
    model = Auto
    settings = {"epochs": 20, "batch_size": 250, "candidates": ("autoregressive",)}
    quick = {"epochs": 1, "batch_size": 50, "candidates": ("tvae",)}


class TestAutoregressive(ModelContract):
    model = Autoregressive
    settings = {"epochs": 30, "batch_size": 250}
    quick = {"epochs": 2, "batch_size": 50}


class TestCTGAN(ModelContract):
    model = CTGAN
    settings = {"epochs": 40, "batch_size": 250, "evaluate_every": 10}
    quick = {"epochs": 2, "batch_size": 50}


class TestTVAE(ModelContract):
    model = TVAE
    settings = {"epochs": 15, "batch_size": 250, "hidden": 64}
    quick = {"epochs": 1, "batch_size": 50, "hidden": 32, "couplings": 2}


class TestIndependentColumns(ModelContract):
    model = IndependentColumns


@pytest.mark.parametrize("kept", [TestAutoregressive, TestCTGAN, TestTVAE])
def test_marginals_are_those_of_typical_rows(kept: type[ModelContract]) -> None:
    """Each row of a rare category is learned from; made are as many as there really are."""
    rng = np.random.default_rng(3)
    rare = np.arange(1_200) < 400
    layout = Layout((Discrete("status", 2),), (Continuous("rate"),))
    codes = rare[:, None].astype(np.int32)
    rate = np.where(rare, 0.6, -0.4) + rng.normal(0, 0.1, len(rare))
    data = EncodedTable(layout, codes, rate[:, None].astype(np.float32))
    typical = np.flatnonzero(~rare | (np.arange(len(rare)) < 60)).astype(np.int64)
    model = kept.model(TableConfig(name="orders"), **kept.quick)
    model.fit(data, seed=np.random.SeedSequence(1), typical=typical)
    made = model.sample(4_000, rng=rng)
    assert made.codes[:, 0].mean() == pytest.approx(60 / 860, abs=0.03)
