"""CTGAN (Xu, Skoularidou, Cuesta-Infante & Veeramachaneni, NeurIPS 2019), conditioned on parents.

Kept from the paper: the conditional vector with training-by-sampling, Gumbel-softmax
outputs, PacGAN discriminator (Lin et al., 2018), WGAN-GP loss (Gulrajani et al., 2017) and
the residual generator. Different: conditions at generation follow the true frequencies, codes
are drawn from the softmax instead of taking the largest, the sampler has no loop over
rows, the generator is normalised by layer (so that a row depends on no other row of its
batch) and also learns from two proper scores, the best of the averaged generators is kept,
and marginals are calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from synthohive.encoding.encoded import EncodedTable
from synthohive.models.base import TrainingListener
from synthohive.models.calibrated import CalibratedConfig, CalibratedModel
from synthohive.models.calibration import QuantileMaps
from synthohive.models.ctgan.networks import Generator
from synthohive.models.ctgan.training import CTGANTask
from synthohive.models.memorisation import measure
from synthohive.models.settings import settings_of
from synthohive.models.training import Schedule, one_thread, split, train
from synthohive.schema import TableConfig

__all__ = ["CTGAN", "CTGANConfig"]

LEAST_STEPS = 10
"""Batches per epoch of a table that has fewer rows than that takes."""


@dataclass(frozen=True)
class CTGANConfig(CalibratedConfig):
    """Settings.

    The paper has widths of 256, a learning rate of 2e-4 and packs of 10. On two cores
    these defaults reach in 400 steps of half the time what those do not in 1,000.

    Attributes
    ----------
    noise : int
        Dimensions of the generator's noise.
    generator, discriminator : tuple of int
        Widths of the hidden layers.
    lr : float
        Learning rate of both networks.
    decay : float
        Weight decay of the generator.
    pac : int
        Rows that the discriminator sees together.
    penalty : float
        Weight of the gradient penalty.
    tau : float
        Temperature of the Gumbel-softmax.
    scores : float
        Weight of the energy score and the Brier score in the generator's loss (not in the paper).
    average : float
        Decay of the generator's moving average, which is what samples (not in the paper).
    steps : int
        Most batches per epoch (not in the paper).
    evaluate_every, patience : int
        Epochs between evaluations; evaluations without improvement before stopping.
    """

    noise: int = 32
    generator: tuple[int, ...] = (128, 128)
    discriminator: tuple[int, ...] = (128, 128)
    lr: float = 1e-3
    decay: float = 1e-6
    pac: int = 2
    penalty: float = 10.0
    tau: float = 0.2
    scores: float = 1.0
    average: float = 0.99
    steps: int = 100
    evaluate_every: int = 5
    patience: int = 5


class CTGAN(CalibratedModel):
    """Conditional tabular GAN.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`CTGANConfig`.

    Examples
    --------
    >>> from synthohive import CTGAN, EncodedTable, TableConfig
    >>> from synthohive.encoding.encoded import Discrete, Layout
    >>> codes = np.arange(200, dtype=np.int32)[:, None] % 3
    >>> rows = EncodedTable(Layout((Discrete("colour", 3),)), codes, np.empty((200, 0), np.float32))
    >>> model = CTGAN(TableConfig(name="t"), epochs=1)
    >>> _ = model.fit(rows, seed=np.random.SeedSequence(1))
    >>> model.sample(5, rng=np.random.default_rng(1)).codes.shape
    (5, 1)
    """

    name = "ctgan"
    config: CTGANConfig
    generator_: Generator

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        super().__init__(metadata, batch_size, epochs, **kwargs)
        self.config = settings_of(CTGANConfig, kwargs, "CTGAN")

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        device: str = "cpu",
        max_memorisation: Optional[float] = None,
        **kwargs: Any,
    ) -> CTGAN:
        """Train on encoded rows; see the base class."""
        given = EncodedTable.empty(len(data)) if context is None else context
        sequence = np.random.SeedSequence() if seed is None else seed
        rng = np.random.Generator(np.random.Philox(sequence))
        self.layout_, self.context_layout_ = data.layout, given.layout
        self.maps_ = None
        training, held = split(len(data), rng)
        with one_thread(int(rng.integers(2**62))):
            self.generator_ = self._generator()
            if not data.layout.discrete and not data.layout.continuous:
                self.maps_ = QuantileMaps.fit(data, data)
                return self
            if not self.epochs:
                return self
            task = CTGANTask(self, data, given, training, held, rng)
            train(
                task, self._schedule(len(training), task.batch), listener, device, max_memorisation
            )
            self._calibrate(data, given, rng)
        self.memorisation = measure(self, data, context, (training, held), task.gap, rng)
        return self

    def _schedule(self, rows: int, batch: int) -> Schedule:
        config = self.config
        steps = min(config.steps, max(LEAST_STEPS, rows // batch))
        every = max(config.evaluate_every, -(-100 // steps))  # small tables: fewer evaluations
        return Schedule(self.epochs, steps, every, config.patience)

    def _generator(self) -> Generator:
        return Generator(self.layout_, self.context_layout_, self.config)
