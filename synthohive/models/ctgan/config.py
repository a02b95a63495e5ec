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
    """

    noise: int = width(32)  # dimensions of the generator's noise
    generator: tuple[int, ...] = (128, 128)  # widths of the hidden layers
    discriminator: tuple[int, ...] = (128, 128)
    decay: float = 1e-6  # weight decay of the generator
    pac: int = width(2)  # rows that the discriminator sees together
    penalty: float = 10.0  # weight of the gradient penalty
    tau: float = 0.2  # temperature of the Gumbel-softmax: near 0, nearly one code
    scores: float = 1.0  # weight of energy and Brier score in the generator's loss, not the paper's
    evaluate_every: int = 5


@dataclass(frozen=True)
class Tuning:
    """Numbers that were found once, and hold for any table."""

    least_steps: int = 10
    evaluated_steps: int = 100
    """Batches of an epoch, and between evaluations, at least: these draw thousands of rows."""
    watched: int = 500
    drawn: int = 1_000
    """Rows of each kind at most that are compared with drawn ones, and how many of these at
    least."""


TUNING = Tuning()
