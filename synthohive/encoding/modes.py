"""The encoding shared by all ordered kinds: modes, single values, and NULL.

The code of a row names a mode of a Gaussian mixture (the float then says where in it),
or one point mass such as 0 or 9999-12-31, or a special value: NULL, NaN or an infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Bools, Codes, Floats, Floats32
from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.bounds import point_masses, protected_bounds
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.encoded import Continuous, Discrete, Layout
from synthohive.encoding.mixture import Mixture
from synthohive.encoding.units import Units, grid_of
from synthohive.encoding.value_counts import ValueCounts
from synthohive.schema.arrow_types import limits as limits_of

__all__ = ["Modes"]


_SPECIAL = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
_FINE = 2.0**-22  # how finely float32 tells positions near 1 apart
_SKEWED = 3.0  # skewness from which logs may be better: an exponential has 2


@dataclass
class Modes:
    """A fitted encoding of plain values.

    Attributes
    ----------
    units : Units
    mixture : Mixture, optional
        None: all rows hold point masses or NULL.
    masses : pyarrow.Array
        Plain values with a code of their own.
    special : list of str
        Further codes: ``"null"``, ``"nan"``, ``"inf"``, ``"-inf"``.
    frequencies : ndarray of float64
        Of all codes; for rows whose value has no code.
    low, high : int or float
        Protected bounds, in units.
    step, offset : int
        The grid, in units.
    log_shift : float, optional
        The mixture is over ``log(value + log_shift)``.
    """

    units: Units
    mixture: Optional[Mixture]
    masses: pa.Array
    special: list[str]
    frequencies: Floats
    low: Union[int, float] = 0
    high: Union[int, float] = 0
    step: int = 1
    offset: int = 0
    log_shift: Optional[float] = None
    _mass_units: AnyArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._mass_units = self.units.of(self.masses)

    @property
    def active(self) -> int:
        """Number of mixture modes."""
        return 0 if self.mixture is None else len(self.mixture)

    @property
    def null_code(self) -> int:
        """The code for NULL; -1 if there is none."""
        return self._code_of("null")

    def _code_of(self, name: str) -> int:
        """Return the code of a special value; -1 if there is none."""
        first = self.active + len(self.masses)
        return first + self.special.index(name) if name in self.special else -1

    def layout(self, column: str) -> Layout:
        """Return the blocks."""
        discrete = (Discrete(column, len(self.frequencies)),)
        if not self.active:
            return Layout(discrete)
        return Layout(discrete, (Continuous(column, 0, self.active),))

    def encode(self, plain: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return codes ``(n,)`` and positions ``(n, 1 or 0)``."""
        n = len(plain)
        codes = np.full(n, -1, dtype=np.int32)
        positions = np.zeros((n, 1 if self.active else 0), dtype=np.float32)
        if len(self.masses):
            found = pc.fill_null(pc.index_in(plain, value_set=self.masses), -1)
            index = found.to_numpy(zero_copy_only=False).astype(np.int32)
            codes = np.where(index >= 0, index + self.active, codes).astype(np.int32)
        null = plain.is_null().to_numpy(zero_copy_only=False)
        missing = null.copy()
        if self.units.type == pa.float64():
            floats = plain.to_numpy(zero_copy_only=False)
            for name, value in _SPECIAL.items():
                is_it = (np.isnan(floats) & ~null) if name == "nan" else floats == value
                missing |= is_it
                self._mark(codes, is_it, name)
        self._mark(codes, null, "null")
        usual = np.flatnonzero((codes < 0) & ~missing)
        if self.mixture is not None and len(usual):
            y = self._forward(self.units.of(plain)[usual])
            codes[usual], positions[usual, 0] = self.mixture.encode(y, rng)
        other = np.flatnonzero(codes < 0)
        codes[other] = draw(self.frequencies, len(other), rng)
        return codes, positions

    def _mark(self, codes: Codes, where: Bools, name: str) -> None:
        if name in self.special:
            codes[where] = self._code_of(name)

    def decode(self, codes: Codes, positions: Floats32, rng: np.random.Generator) -> pa.Array:
        """Return plain values.

        Parameters
        ----------
        codes : ndarray of int32, shape (rows,)
            What lies outside becomes the nearest code.
        positions : ndarray of float32, shape (rows, 1)
            In [-1, 1]; of shape (rows, 0) where there is no mode.
        rng : numpy.random.Generator
            Draws the digits that float32 is too coarse for.

        Returns
        -------
        pyarrow.Array
            Of the plain type, on the grid and within the bounds.
        """
        codes = np.clip(codes, 0, max(len(self.frequencies) - 1, 0))
        numbers = self.numbers(codes, positions, rng)
        plain = self.units.back(numbers, self.is_special(codes, "null"))
        if self.units.wide and len(self.masses):
            # beyond int64 the point masses are exact only as Arrow values
            index = np.where(self._is_mass(codes), len(plain) + codes - self.active, -1)
            rows = np.where(index >= 0, index, np.arange(len(plain)))
            plain = pa.concat_arrays([plain, self.masses]).take(pa.array(rows))
        for name in self.special:
            if name != "null":  # after the units, which may be whole numbers
                plain = pc.if_else(pa.array(self.is_special(codes, name)), _SPECIAL[name], plain)
        return plain

    def is_special(self, codes: Codes, name: str) -> Bools:
        """Tell which rows are NULL, NaN or infinite."""
        code = self._code_of(name)
        return np.asarray((codes == code) & (code >= 0), dtype=np.bool_)

    def _is_mass(self, codes: Codes) -> Bools:
        found: Bools = (codes >= self.active) & (codes < self.active + len(self.masses))
        return found

    def numbers(self, codes: Codes, positions: Floats32, rng: np.random.Generator) -> AnyArray:
        """Return the decoded numbers, in units; meaningless in NULL rows.

        Parameters
        ----------
        codes, positions, rng
            As in :meth:`decode`, the codes from 0.

        Returns
        -------
        ndarray of int64 or float64, shape (rows,)
            int64 where the units are whole.
        """
        whole = self.units.whole
        numbers = np.zeros(len(codes), dtype=np.int64 if whole else np.float64)
        if self.mixture is not None:
            mode = np.minimum(codes, self.active - 1)  # of other codes any: replaced below
            at: AnyArray = positions[:, 0]
            if self._needs_dither:  # else only every n-th number of a wide range would come out
                at = at + _FINE * (rng.random(len(codes)) - 0.5)
            numbers = self._backward(self.mixture.decode(mode, np.clip(at, -1, 1)))
        if len(self.masses):
            is_mass = self._is_mass(codes)
            index = np.clip(codes - self.active, 0, len(self.masses) - 1)
            numbers = np.where(is_mass, self._mass_units[index], numbers)
        return numbers

    @property
    def _needs_dither(self) -> bool:
        """Whether float32 positions are coarser than the grid."""
        if self.mixture is None or not self.units.whole:
            return self.mixture is not None and self.units.wide
        if self.log_shift is not None:
            return bool(self.high * self.mixture.widths.max() * 4 * _FINE > self.step)
        return bool(self.mixture.widths.max() * 4 * _FINE > self.step)

    @property
    def _base(self) -> Any:
        """What is subtracted first, so that large integers keep their last digits."""
        near = self.units.whole and float(self.high) - float(self.low) < 2.0**62
        return self.low if near and self.log_shift is None else 0

    def _forward(self, numbers: AnyArray) -> Floats:
        numbers = np.clip(numbers, self.low, self.high)
        y: Floats = (numbers - self._base).astype(np.float64)
        if self.log_shift is not None:
            y = np.log(np.maximum(y, float(self.low)) + self.log_shift)
        return y

    def _backward(self, y: Floats) -> AnyArray:
        if self.log_shift is not None:
            y = np.exp(y) - self.log_shift
        base = self._base
        low, high = float(self.low - base), float(self.high - base)
        # mirrored at the bounds: clipping would pile up there what lies beyond
        y = np.where(y < low, 2 * low - y, y)
        y = np.where(y > high, 2 * high - y, y)
        y = np.clip(y, low, high)
        if not self.units.whole:
            return self._on_wide_grid(y) if self.units.wide else y
        shift = float((self.offset - base) % self.step)
        whole = shift + self.step * np.rint((y - shift) / self.step)
        # 2^63 is one too many for int64; the float before it is the largest that fits
        whole = np.clip(whole, -(2.0**63), np.nextafter(2.0**63, 0)).astype(np.int64)
        numbers: AnyArray = np.clip(whole + base, self.low, self.high)
        return numbers

    def _on_wide_grid(self, y: AnyArray) -> AnyArray:
        # beyond 2**53 every float is whole; float bounds may lie just outside the real ones
        low = self.low if self.low >= 0 else np.nextafter(self.low, 0)
        high = np.nextafter(self.high, 0) if self.high > 0 else self.high
        clipped: AnyArray = np.clip(np.rint(y), low, high)
        return clipped

    @classmethod
    def fit(
        cls,
        counts: ValueCounts,
        special: dict[str, int],
        settings: EncoderSettings,
        seed: np.random.SeedSequence,
        *,
        limits: Optional[tuple[int, int]] = None,
        natural: Sequence[int] = (),
        single: bool = False,
    ) -> Modes:
        """Learn from counts.

        Parameters
        ----------
        counts : ValueCounts
            Of plain values.
        special : dict of str to int
            Rows that are NULL, NaN or infinite.
        settings : EncoderSettings
            `k`, how many modes there may be, and of how many rows they are learned.
        seed : numpy.random.SeedSequence
        limits : tuple of int, optional
            What the column's type can hold, in units; what the plain type holds by default.
        natural : sequence of int
            The grids that make sense; any if empty.
        single : bool
            The floats were read from float32.
        """
        units = Units.learn(counts.values, single)
        numbers = units.of(counts.values)
        masses, mass_counts = point_masses(counts, numbers, settings)
        usual = pc.is_in(counts.values, value_set=masses).to_numpy(zero_copy_only=False)
        index = np.flatnonzero(~usual)
        rest, others = counts.take(index), numbers[index]
        grid = grid_of(numbers, natural) if units.whole else (1, 0)
        least, most = (end - units.base for end in limits or limits_of(counts.values.type))
        ends = (max(least, -(2**63)), min(most, 2**63 - 1)) if units.base else (least, most)
        bounds = protected_bounds(rest, others, settings.k, ends, grid)
        low, high, enough = bounds
        modes = cls(
            units, None, masses, [n for n, c in special.items() if c], np.empty(0), low, high
        )
        if units.whole:
            if enough:
                modes.step, modes.offset = grid
            modes._snap_bounds()
        if enough or not len(masses):
            modes._fit_mixture(rest, others, enough, settings, seed)
        special_counts = [c for c in special.values() if c]
        usual_rows = max(int(rest.counts.sum()), 1)
        shares = np.empty(0) if modes.mixture is None else modes.mixture.weights * usual_rows
        modes.frequencies = np.concatenate([shares, mass_counts, special_counts]).astype(np.float64)
        return modes

    def _snap_bounds(self) -> None:
        low = self.low + (self.offset - self.low) % self.step
        high = self.high - (self.high - self.offset) % self.step
        if low <= high:
            self.low, self.high = low, high

    def _fit_mixture(
        self,
        value_counts: ValueCounts,
        numbers: AnyArray,
        enough: bool,
        settings: EncoderSettings,
        seed: np.random.SeedSequence,
    ) -> None:
        inside = (numbers >= self.low) & (numbers <= self.high)
        if not enough or not inside.any():
            base = self._base
            self.mixture = Mixture.uniform(float(self.low - base), float(self.high - base))
            return
        # rows of a value that few entities hold count once for each, else a mode could stand on it
        few = value_counts.holders < settings.k
        counts = np.where(
            few, np.minimum(value_counts.counts, value_counts.holders), value_counts.counts
        )
        sample = _spread(numbers[inside], counts[inside], settings.fit_rows)
        raw = sample.astype(np.float64)
        centred = raw - raw.mean()
        skewed = raw.std() > 0 and (centred**3).mean() > _SKEWED * raw.std() ** 3
        # zero has no logarithm: counts from 0 are moved by a step of their grid
        shift = float(self.step) if self.units.whole and self.low <= 0 else 0.0
        if skewed and self.low >= 0 and (self.low + shift) > 0:
            logs = np.log(raw + shift)
            if Mixture.better_in_log(raw, logs, settings.max_modes, seed):
                self.log_shift = shift
        ends = self._forward(np.array([self.low, self.high], dtype=numbers.dtype))
        self.mixture = Mixture.fit(self._forward(sample), settings.max_modes, seed, ends)


def _spread(numbers: AnyArray, counts: AnyArray, most: int) -> AnyArray:
    """Repeat sorted numbers by their counts, evenly thinned to `most` rows."""
    order = np.argsort(numbers, kind="stable")
    edges = np.cumsum(counts[order])
    total = int(edges[-1])
    # the middles of equal shares: thinned rows keep the quantiles, and need no draw
    ranks = np.arange(total) if total <= most else (np.arange(most) + 0.5) * total / most
    return numbers[order][np.searchsorted(edges, ranks, side="right")]
