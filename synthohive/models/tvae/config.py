"""What can be set of TVAE, and what cannot."""

from __future__ import annotations

from dataclasses import dataclass

from synthohive.models.settings import LONGEST, TrainingConfig, count, width

__all__ = ["TUNING", "TVAEConfig"]


@dataclass(frozen=True)
class TVAEConfig(TrainingConfig):
    """Settings, beside those of all trained models.

    `lr` is that of batches of up to 500; it grows with the root of larger ones, and is halved
    after each third of the patience.

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
    decay : float
        Weight decay.
    beta : float
        Weight of the divergence from the prior; the paper's loss has 0.5.
    warm_up : int
        Batches over which that weight grows from 0.
    """

    latent: int = width(32)
    hidden: int = width(256)
    layers: int = count(2)
    context: int = width(32)
    couplings: int = count(6, least=0)
    prior: int = width(128, least=0)
    lr: float = 2e-3
    decay: float = 1e-4
    beta: float = 1.0
    warm_up: int = count(200, 0, LONGEST)
    patience: int = 9


@dataclass(frozen=True)
class Tuning:
    """Numbers that were found once, and hold for any table."""

    small_batch: int = 32
    """Rows at least in a batch; smaller ones hardly cost less. Of 400 learned rows, batches of 32
    instead of 400 bring the bound on held-out rows from 24 to 16, at the same gap to learned
    ones."""
    watched: int = 1_000
    """Learned rows at most whose bound is compared with that of held-out rows."""
    patient_steps: int = 40
    """Batches that each evaluation of the patience stands for: of short epochs, it takes more."""
    least_log: float = -4.0
    most_log: float = 1.0
    """Bounds of a float's logarithmic deviation; one repeated value would have no least."""


TUNING = Tuning()
