"""Shares with the interval that chance leaves them."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Z", "Share"]

Z = 1.96
"""Standard errors of an interval of 95 %."""


@dataclass(frozen=True)
class Share:
    """A share, or an area, with its interval of 95 %.

    Attributes
    ----------
    value, low, high : float
    count : int
        What it is a share of.

    Examples
    --------
    >>> print(Share.of(3, 200))
    1.5 % (0.5-4.3 %)
    """

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, successes: float, count: int) -> Share:
        """Return a share with Wilson's interval, which holds at the ends, too (Wilson, 1927)."""
        if count == 0:
            return cls(0.0, 0.0, 1.0, 0)
        share, wide = successes / count, Z * Z / count
        middle = (share + wide / 2) / (1 + wide)
        half = Z * math.sqrt(share * (1 - share) / count + wide / count / 4) / (1 + wide)
        # rounding may put an end on the wrong side of the share
        low, high = min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)
        return cls(share, low, high, count)

    @classmethod
    def about(cls, value: float, error: float, count: int) -> Share:
        """Return a value with the interval that follows from its standard error.

        Parameters
        ----------
        value, error : float
        count : int
        """
        return cls(value, max(0.0, value - Z * error), min(1.0, value + Z * error), count)

    @property
    def error(self) -> float:
        """The standard error that the interval stands for."""
        return (self.high - self.low) / 2 / Z

    @property
    def as_number(self) -> str:
        """The value and its interval as plain numbers."""
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f}-{100 * self.high:.1f} %)"
