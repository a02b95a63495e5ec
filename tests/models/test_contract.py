"""The contract of models, kept by each built-in one and by the least possible model."""

from __future__ import annotations

from synthohive.models.auto import Auto
from synthohive.models.autoregressive.model import Autoregressive
from synthohive.models.ctgan.model import CTGAN
from synthohive.models.tvae.model import TVAE
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
