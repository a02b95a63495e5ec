"""One accountant for everything, and the noise that it asks for."""

from __future__ import annotations

import math
import secrets
import warnings
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Floats
from synthohive._logging import get_logger
from synthohive.exceptions import ConnectorError, PrivacyError
from synthohive.learn.private.ledger import LedgerEntry, PrivacyLedger
from synthohive.schema import PrivacyConfig

__all__ = ["Budget", "Noise", "epsilon_of"]

log = get_logger(__name__)
THRESHOLDS = 0.5
"""Share of delta for the thresholds of values; the accountant has the rest."""
LEAST, MOST, NEAR = 1e-2, 1e6, 1.0001
"""Multipliers of noise between which the one that suits is looked for, and how near."""
ORDERS = [*(1 + x / 10 for x in range(1, 100)), *range(11, 64), 128, 256, 512]
"""Orders of Renyi's divergence, of which the best one bounds epsilon."""
Spent = list[tuple[float, float, int]]


class Noise:
    """Normal numbers that nobody can foresee.

    From the operating system, four for each one: a single one in floating point betrays in its last
    bits what it was added to (Holohan & Braghin, 2021; Opacus' ``secure_mode`` does the same).
    """

    def __init__(self, seed: Optional[int] = None) -> None:
        self._seeded = None if seed is None else np.random.Generator(np.random.Philox(seed))
        # chance that decides no noise: which rows are read of a unit, what is drawn from counts
        self.rng = self._seeded or np.random.Generator(np.random.Philox(secrets.randbits(128)))

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Return independent numbers of standard deviation 1."""
        count = math.prod(shape)
        if self._seeded is not None:
            return self._seeded.standard_normal(shape)
        uniform = self._uniform(8 * count).reshape(2, 4, count)
        # Box and Muller, 1958
        parts = np.sqrt(-2 * np.log(uniform[0])) * np.cos(2 * np.pi * uniform[1])
        total: Floats = parts.sum(axis=0).reshape(shape) / 2
        return total

    @staticmethod
    def _uniform(count: int) -> Floats:
        bits = np.frombuffer(secrets.token_bytes(8 * count), dtype=np.uint64) >> np.uint64(11)
        uniform: Floats = (bits.astype(np.float64) + 1) / 2**53  # never 0, whose logarithm is none
        return uniform


class Budget:
    """What may be asked, in shares of the whole; each question is an entry of the ledger.

    Parameters
    ----------
    privacy : PrivacyConfig
        With epsilon, delta and unit.
    thresholds : int
        How many columns have their values found by a threshold.
    descents : int
        How many networks are trained by noisy steps.
    """

    def __init__(self, privacy: PrivacyConfig, thresholds: int, descents: int = 0) -> None:
        assert privacy.epsilon is not None
        assert privacy.delta is not None
        assert privacy.unit is not None
        self.noise = Noise(privacy.noise_seed)
        self.ledger = PrivacyLedger(
            privacy.unit, privacy.epsilon, privacy.delta, seeded=privacy.noise_seed is not None
        )
        if self.ledger.seeded:
            log.warning("noise_from_a_seed", meaning="whoever knows it can take the noise away")
        self.delta_each = privacy.delta * THRESHOLDS / thresholds if thresholds else 0.0
        self.delta = privacy.delta * (1 - THRESHOLDS if thresholds else 1.0)
        # questions whose squared multipliers' inverses add up to one's are together as this one
        self._whole = _multiplier(privacy.epsilon, self.delta)
        self._share, self._descents = 0.0, descents
        self.training = privacy.training_share if descents else 0.0

    def ask(
        self,
        answer: list[Floats],
        sensitivity: float,
        share: float,
        table: str,
        columns: tuple[str, ...],
        question: str,
        thresholds: int = 0,
    ) -> tuple[list[Floats], float]:
        """Return an answer with noise, and the standard deviation of that.

        Parameters
        ----------
        answer : list of ndarray of float64
            Parts of one vector: `sensitivity` is the most that one unit changes all of it by.
        sensitivity : float
        share : float
            Of the whole budget.
        table : str
        columns : tuple of str
        question : str
            For the ledger.
        thresholds : int
            Columns of which what is below a threshold is then dropped, for :attr:`delta_each` each.
        """
        share *= 1 - self.training
        self._share += share
        if self._share > 1 + 1e-9:
            raise PrivacyError("More was to be asked than the budget allows; nothing was returned.")
        sigma = sensitivity * self._whole / math.sqrt(share)
        entry = LedgerEntry(
            "gaussian with threshold" if thresholds else "gaussian",
            table,
            columns,
            question,
            sensitivity,
            sigma,
            epsilon_of([(sigma / sensitivity, 1.0, 1)], self.delta),
            self.delta_each * thresholds,
        )
        self.ledger.entries.append(entry)
        return [part + sigma * self.noise.normal(part.shape) for part in answer], sigma

    def descend(
        self, table: str, columns: tuple[str, ...], clip: float, rate: float, steps: int
    ) -> float:
        """Return the multiplier of the noise on the steps of one network.

        Parameters
        ----------
        table : str
        columns : tuple of str
        clip : float
            The most that a unit adds to the sum of gradients, in the Euclidean norm.
        rate : float
            The chance of a unit to be in a step.
        steps : int
        """
        questions = (self._whole / math.sqrt(1 - self.training), 1.0, 1)
        low, high = LEAST * 10, MOST
        while high / low > 1.002:
            middle = math.sqrt(low * high)
            spent = [questions, (middle, rate, steps * self._descents)]
            if epsilon_of(spent, self.delta) <= self.ledger.epsilon:
                high = middle
            else:
                low = middle
        alone = epsilon_of([(high, rate, steps)], self.delta)
        entry = LedgerEntry("dp-sgd", table, columns, "gradients of a network", clip, high * clip,
                            alone, 0.0, rate, steps)  # fmt: skip
        self.ledger.entries.append(entry)
        return high

    def close(self) -> PrivacyLedger:
        """Add up what was spent.

        Raises
        ------
        PrivacyError
            It is more than was promised.
        """
        ledger = self.ledger
        ledger.spent = epsilon_of(
            [(one.multiplier, one.sample_rate, one.steps) for one in ledger.entries], self.delta
        )
        delta = self.delta + sum(one.delta for one in ledger.entries)
        if ledger.spent > ledger.epsilon or delta > ledger.delta * (1 + 1e-9):
            raise PrivacyError(
                f"The questions cost epsilon {ledger.spent:.3f} and delta {delta:.2g}, more than "
                f"{ledger.epsilon:g} and {ledger.delta:g}; nothing was learned."
            )
        return ledger


def epsilon_of(spent: Spent, delta: float) -> float:
    """Return the epsilon of questions together.

    Parameters
    ----------
    spent : list of (float, float, int)
        Multiplier of the noise, chance of a unit to be asked, and steps.
    delta : float
    """
    if not spent:
        return 0.0
    accountant = _accountant()
    accountant.history = spent
    with warnings.catch_warnings():
        # the best order lies at an end of ORDERS where the noise is far from any that is used: the
        # bound holds for each order
        warnings.simplefilter("ignore", UserWarning)
        return float(accountant.get_epsilon(delta=delta, alphas=ORDERS))


def _accountant() -> Any:
    try:
        from opacus.accountants import RDPAccountant
    except ModuleNotFoundError as exc:
        raise ConnectorError.missing_extra("opacus", "dp") from exc
    return RDPAccountant()


def _multiplier(epsilon: float, delta: float) -> float:
    """Return the least noise of one question that keeps the promise."""
    low, high = LEAST, MOST
    while high / low > NEAR:
        middle = math.sqrt(low * high)
        if epsilon_of([(middle, 1.0, 1)], delta) <= epsilon:
            high = middle
        else:
            low = middle
    return high
