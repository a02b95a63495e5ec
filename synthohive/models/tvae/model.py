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

from typing import Optional

import numpy as np

from synthohive.models.base import Abilities, Pace
from synthohive.models.calibrated import CalibratedModel
from synthohive.models.training import Trainable, TrainingSet
from synthohive.models.tvae.config import TVAEConfig
from synthohive.models.tvae.networks import TVAEGenerator
from synthohive.models.tvae.training import TVAETask

__all__ = ["TVAE"]

PACE = Pace(20, 45.0)


class TVAE(CalibratedModel):
    """Conditional tabular variational autoencoder.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`~synthohive.models.tvae.config.TVAEConfig`.

    Examples
    --------
    >>> from synthohive import TableConfig
    >>> TVAE(TableConfig(name="orders"), epochs=40, latent=16).config.latent
    16
    """

    name = "tvae"
    title = "TVAE"
    settings = TVAEConfig
    abilities = Abilities(least_epochs=0, pace=PACE)
    config: TVAEConfig
    network_: TVAEGenerator

    def _task(self, rows: TrainingSet, rng: np.random.Generator) -> Optional[TVAETask]:
        if not rows.data.layout.discrete and not rows.data.layout.continuous:
            return None
        return TVAETask(rows, self.network_, self.config, PACE.least, rng)

    def _drawn(self, task: Trainable) -> TVAEGenerator:
        return task.state.generator  # type: ignore[return-value]

    def _network(self) -> TVAEGenerator:
        return TVAEGenerator(self.layout_, self.context_layout_, self.config)
