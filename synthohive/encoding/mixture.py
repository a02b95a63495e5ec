"""Gaussian mixtures for mode-specific normalisation (Xu et al., 2019)."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from typing import Optional

import numpy as np

from synthohive._arrays import Codes, Floats, Floats32

__all__ = ["Mixture"]


_BLOCK = 16_384  # rows at once: a matrix of (rows, modes) that fits a cache
_MIN_WEIGHT = 0.005  # of a mode: fewer rows are the noise of the fit
_MIN_WIDTH = 0.005  # in standard deviations of all values
_WIDTH = 4.0  # standard deviations on each side: beyond lies one in 16,000 rows of a mode
_TRIAL = 2_000  # rows that decide whether logs are fitted

_FILTERS = threading.Lock()  # what is ignored is of the process, not of a thread


@dataclass(frozen=True)
class Mixture:
    """Modes of a distribution.

    A value becomes the index of a mode, drawn by how likely each mode explains it, and
    its distance from the mode's mean in units of four standard deviations.
    """

    means: Floats
    widths: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.means)

    @classmethod
    def uniform(cls, low: float, high: float) -> Mixture:
        """Return one mode that covers an interval."""
        # a single value has a width, too: positions are divided by it
        half = max((high - low) / 2, 1e-9 * max(abs(low), abs(high), 1.0))
        mean = low + (high - low) / 2
        return cls(np.array([mean]), np.array([half / _WIDTH]), np.array([1.0]))

    @classmethod
    def fit(
        cls,
        values: Floats,
        max_modes: int,
        seed: np.random.SeedSequence,
        ends: Optional[Floats] = None,
    ) -> Mixture:
        """Fit a variational mixture and drop the components that explain next to nothing.

        Parameters
        ----------
        values : ndarray of float64, shape (rows,)
            At least one; a sample is enough.
        max_modes : int
        seed : numpy.random.SeedSequence
        ends : ndarray of float, shape (2,), optional
            What a single mode covers; the values' own extremes by default.
        """
        center, scale = float(values.mean()), float(values.std())
        modes = min(max_modes, len(np.unique(values)))
        if modes < 2 or scale <= 1e-12 * max(1.0, abs(center)):
            low, high = (values.min(), values.max()) if ends is None else ends
            return cls.uniform(float(low), float(high))
        # a second of each process that never needs it: models that take one mode know no mixtures
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import BayesianGaussianMixture

        model = BayesianGaussianMixture(
            n_components=modes,
            # so little that modes which are not needed come out empty
            weight_concentration_prior=0.001,
            max_iter=100,
            init_params="k-means++",
            random_state=int(seed.generate_state(1)[0] >> 1),
        )
        with _FILTERS, warnings.catch_warnings():
            # an unconverged mixture is still a good one for normalising
            warnings.simplefilter("ignore", ConvergenceWarning)
            # in standard deviations: the priors and the least width know no unit
            model.fit(((values - center) / scale)[:, None])
        keep = model.weights_ >= _MIN_WEIGHT
        means, widths = model.means_[keep, 0], np.sqrt(model.covariances_[keep, 0, 0])
        order = np.argsort(means, kind="stable")
        weights = model.weights_[keep][order]
        # a narrower mode could give away the values of one entity
        widths = np.maximum(widths[order], _MIN_WIDTH)
        return cls(means[order] * scale + center, widths * scale, weights / weights.sum())

    def log_density(self, values: Floats) -> Floats:
        """Return the log density of each value."""
        joint = self._joint(values)
        top = joint.max(axis=1)  # taken out, or far from every mode all would be exp(-800) = 0
        total: Floats = top + np.log(np.exp(joint - top[:, None]).sum(axis=1))
        return total

    def _joint(self, values: Floats) -> Floats:
        """Return the log density of each value together with each mode, (rows, modes)."""
        z = (values[:, None] - self.means) / self.widths
        constant = np.log(self.weights / (self.widths * np.sqrt(2 * np.pi)))
        joint: Floats = constant - 0.5 * z * z
        return joint

    def encode(self, values: Floats, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return modes and positions in [-1, 1]."""
        codes = np.zeros(len(values), dtype=np.int32)
        draws = rng.random(len(values))  # all before the blocks, whose size then changes nothing
        if len(self) > 1:
            for start in range(0, len(values), _BLOCK):
                part = slice(start, start + _BLOCK)
                joint = self._joint(values[part])
                mass = np.exp(joint - joint.max(axis=1, keepdims=True))
                # the inverse of each row's distribution function: how many edges lie below
                edges = np.cumsum(mass, axis=1)
                edges /= edges[:, -1:]
                codes[part] = (draws[part, None] > edges[:, :-1]).sum(axis=1)
        positions = (values - self.means[codes]) / (_WIDTH * self.widths[codes])
        return codes, np.clip(positions, -1.0, 1.0).astype(np.float32)

    def decode(self, codes: Codes, positions: Floats32) -> Floats:
        """Return the values at positions of modes."""
        steps = _WIDTH * self.widths
        found: Floats = self.means[codes] + steps[codes] * positions
        return found

    @classmethod
    def better_in_log(
        cls, values: Floats, logs: Floats, max_modes: int, seed: np.random.SeedSequence
    ) -> bool:
        """Tell whether a mixture explains `logs` better than it explains `values` themselves.

        Parameters
        ----------
        values : ndarray of float64, shape (rows,)
            Sorted: evenly spaced ones of them decide.
        logs : ndarray of float64, shape (rows,)
            Logarithms of the same.
        max_modes : int
            At most five are tried.
        seed : numpy.random.SeedSequence
        """
        stride = max(1, len(values) // _TRIAL)
        values, logs = values[::stride], logs[::stride]
        modes = min(max_modes, 5)
        plain = cls.fit(values, modes, seed).log_density(values).mean()
        # densities of the values, both: that of log(x) is divided by x, hence the mean log
        logged = cls.fit(logs, modes, seed).log_density(logs).mean() - logs.mean()
        return bool(logged > plain)
