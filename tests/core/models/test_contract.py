"""The contract of models, kept by each built-in one and by the least possible model."""

from __future__ import annotations

from synthohive.core.models.autoregressive import Autoregressive
from synthohive.core.models.ctgan import CTGAN
from tests.contracts.model import ModelContract
from tests.core.models.independent import IndependentColumns


class TestAutoregressive(ModelContract):
    model = Autoregressive
    settings = {"epochs": 30, "batch_size": 250}
    quick = {"epochs": 2, "batch_size": 50}


class TestCTGAN(ModelContract):
    model = CTGAN
    settings = {"epochs": 40, "batch_size": 250, "evaluate_every": 10}
    quick = {"epochs": 2, "batch_size": 50}


class TestIndependentColumns(ModelContract):
    model = IndependentColumns
