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

from synthohive.models.base import Abilities, Pace
from synthohive.models.calibrated import CalibratedModel
from synthohive.models.tvae.config import TUNING, TVAEConfig
from synthohive.models.tvae.networks import TVAEGenerator
from synthohive.models.tvae.training import TVAETask

__all__ = ["TVAE"]


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
    network_type, task_type = TVAEGenerator, TVAETask
    abilities = Abilities(least_epochs=0, pace=Pace(TUNING.least_steps, 45.0))
    config: TVAEConfig
