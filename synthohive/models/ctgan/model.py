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

from synthohive.models.base import Abilities, Pace
from synthohive.models.calibrated import CalibratedModel
from synthohive.models.ctgan.config import TUNING, CTGANConfig
from synthohive.models.ctgan.networks import Generator
from synthohive.models.ctgan.training import CTGANTask

__all__ = ["CTGAN"]


class CTGAN(CalibratedModel):
    """Conditional tabular GAN.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
    **kwargs
        See :class:`~synthohive.models.ctgan.config.CTGANConfig`.

    Examples
    --------
    >>> import numpy as np
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
    title = "CTGAN"
    settings = CTGANConfig
    network_type, task_type = Generator, CTGANTask
    abilities = Abilities(least_epochs=0, pace=Pace(TUNING.least_steps, 70.0))
    config: CTGANConfig
