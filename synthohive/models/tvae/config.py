"""What can be set of TVAE, and what cannot."""

from __future__ import annotations

from dataclasses import dataclass

from synthohive.models.settings import DEEPEST, LONGEST, TrainingConfig, bounded, width

__all__ = ["TUNING", "TVAEConfig"]


@dataclass(frozen=True)
class TVAEConfig(TrainingConfig):
    """Settings, beside those of all trained models.

    `lr` is that of batches of up to 500; it grows with the root of larger ones, and is halved
    after each third of the patience.
    """

    latent: int = width(32)  # dimensions of the latent vector
    hidden: int = width(256)  # of the residual layers of encoder and decoder
    layers: int = bounded(2, 1, DEEPEST)
    context: int = width(32)  # of a context's vector
    couplings: int = bounded(6, 0, DEEPEST)  # of the prior
    prior: int = width(128, least=0)  # of their layers
    lr: float = 2e-3
    decay: float = 1e-4  # weight decay
    beta: float = 1.0  # weight of the divergence from the prior; the paper's loss has 0.5
    warm_up: int = bounded(200, 0, LONGEST)  # batches over which that weight grows from 0
    patience: int = 9


@dataclass(frozen=True)
class Tuning:
    """Numbers that were found once, and hold for any table."""

    least_steps: int = 20
    """Batches of an epoch at least."""
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
