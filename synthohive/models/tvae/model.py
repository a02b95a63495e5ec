"""TVAE (Xu, Skoularidou, Cuesta-Infante & Veeramachaneni, NeurIPS 2019), conditioned on parents.

Kept from the paper: a variational autoencoder (Kingma & Welling, 2014) of modes and
positions, with softmax outputs for codes and Gaussians for floats. Different: encoder, decoder and
prior see the context; the prior is learned, a flow of affine couplings (Dinh et al., 2017) as in
the variational lossy autoencoder (Chen et al., 2017); a float's deviation depends on its row;
codes are drawn from the softmax instead of taking the largest; layers are residual; training
stops by the bound on held-out rows, the best of the averaged networks is kept, and marginals
are calibrated. The encoder is not kept: drawing does not need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from synthohive.encoding.encoded import EncodedTable
from synthohive.models.base import TrainingListener
from synthohive.models.calibrated import CalibratedConfig, CalibratedModel
from synthohive.models.calibration import QuantileMaps
from synthohive.models.memorisation import measure
from synthohive.models.settings import settings_of
from synthohive.models.training import Schedule, one_thread, split, train
from synthohive.models.tvae.networks import TVAEGenerator
from synthohive.models.tvae.training import TVAETask
from synthohive.schema import TableConfig

__all__ = ["TVAE", "TVAEConfig"]

LEAST_STEPS = 20
"""Batches per epoch of a table that has fewer rows than that takes."""


@dataclass(frozen=True)
class TVAEConfig(CalibratedConfig):
    """Settings.

    Attributes
    ----------
    latent : int
        Dimensions of the latent vector.
    hidden, layers : int
        Width and number of the residual layers of encoder and decoder.
    context : int
        Width of a context's vector.
    couplings, prior : int
        Number of the prior's couplings, and the width of their layers.
    lr : float
        Learning rate of batches of up to 500; it grows with the root of larger ones.
    decay : float
        Weight decay.
    beta : float
        Weight of the divergence from the prior; the paper's loss has 0.5.
    warm_up : int
        Batches over which that weight grows from 0.
    average : float
        Decay of the networks' moving average, which is what samples.
    steps : int
        Most batches per epoch.
    evaluate_every, patience : int
        Epochs between evaluations; evaluations without improvement before stopping. The
        learning rate is halved after a third of them.
    """

    latent: int = 32
    hidden: int = 256
    layers: int = 2
    context: int = 32
    couplings: int = 6
    prior: int = 128
    lr: float = 2e-3
    decay: float = 1e-4
    beta: float = 1.0
    warm_up: int = 200
    average: float = 0.99
    steps: int = 100
    evaluate_every: int = 1
    patience: int = 9


class TVAE(CalibratedModel):
    """Conditional tabular variational autoencoder.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`TVAEConfig`.
    """

    name = "tvae"
    config: TVAEConfig
    generator_: TVAEGenerator

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        super().__init__(metadata, batch_size, epochs, **kwargs)
        self.config = settings_of(TVAEConfig, kwargs, "TVAE")

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        max_memorisation: Optional[float] = None,
        **kwargs: Any,
    ) -> TVAE:
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
            task = TVAETask(self, data, given, training, held, rng)
            schedule = self._schedule(len(training), task.batch)
            task.patience = schedule.patience
            train(task, schedule, listener, max_memorisation=max_memorisation)
            self.generator_ = task.state.generator
            self._calibrate(data, given, rng)
        self.memorisation = measure(self, data, context, (training, held), task.gap, rng)
        return self

    def _schedule(self, rows: int, batch: int) -> Schedule:
        config = self.config
        steps = min(config.steps, max(LEAST_STEPS, rows // batch))
        every = config.evaluate_every
        patience = config.patience * max(1, -(-40 // steps) // every)  # short epochs: more of them
        return Schedule(self.epochs, steps, every, patience)

    def _generator(self) -> TVAEGenerator:
        return TVAEGenerator(self.layout_, self.context_layout_, self.config)
