"""What can be set of CTGAN, and what cannot."""

from __future__ import annotations

from dataclasses import dataclass

from synthohive.models.settings import TrainingConfig, width

__all__ = ["CTGANConfig", "TUNING"]


@dataclass(frozen=True)
class CTGANConfig(TrainingConfig):
    """Settings, beside those of all trained models; `lr` is that of both networks.

    The paper has widths of 256, a learning rate of 2e-4 and packs of 10. On two cores
    these defaults reach in 400 steps of half the time what those do not in 1,000.

    Attributes
    ----------
    noise : int
        Dimensions of the generator's noise.
    generator, discriminator : tuple of int
        Widths of the hidden layers.
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
    """

    noise: int = width(32)
    generator: tuple[int, ...] = (128, 128)
    discriminator: tuple[int, ...] = (128, 128)
    decay: float = 1e-6
    pac: int = width(2)
    penalty: float = 10.0
    tau: float = 0.2
    scores: float = 1.0
    evaluate_every: int = 5


@dataclass(frozen=True)
class Tuning:
    """Numbers that were found once, and hold for any table."""

    watched: int = 500
    drawn: int = 1_000
    """Rows of each kind at most that are compared with drawn ones, and how many of these at
    least."""


TUNING = Tuning()
