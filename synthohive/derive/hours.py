"""Times of day beside distances: bins of distances are days wide, and tell no hour.

Where moments follow the clock (opening hours), a distance counts from the midnight before it
begins. What is modelled is then a moment, so many days after, at the target's own time of day.
"""

from __future__ import annotations

import numpy as np

from synthohive._arrays import Floats

__all__ = ["DAY", "by_the_clock", "day_of", "told_by_the_clock"]

DAY = 86_400.0
BLURRED = 0.1
"""Times of day are blurred where their distribution function is moved by more."""
TOLD_APART = 100
"""Distances of as many rows each that a model tells apart; inside one, all are as likely."""
LEAST_APART = 0.5
"""Share of rows on another day than where distances begin: nearer ones are exact as distances."""


def day_of(moments: Floats) -> Floats:
    """Return the midnight before each moment, in seconds.

    Examples
    --------
    >>> day_of(np.array([90_000.0, -1.0])).tolist()
    [86400.0, -86400.0]
    """
    return np.asarray(np.floor(moments / DAY) * DAY)


def by_the_clock(later: Floats, earlier: Floats, bins: int = 0) -> bool:
    """Whether the time of day has a pattern (opening hours) that distances would blur.

    Parameters
    ----------
    later, earlier : ndarray of float64, shape (rows,)
        Moments in seconds, and where the distances to them begin.
    bins : int
        How many distances are told apart; all of them by default. That they do not know where
        they begin blurs hours anyhow, unless they begin at midnight.
    """
    rng = np.random.default_rng(1)
    gaps = rng.permutation(later - earlier)
    if bins:
        edges = np.quantile(gaps, np.linspace(0.0, 1.0, bins + 1))
        at = np.clip(np.searchsorted(edges, gaps, "right") - 1, 0, bins - 1)
        gaps = edges[at] + rng.random(len(gaps)) * (edges[at + 1] - edges[at])
    real, blurred = np.sort(later % DAY), np.sort((earlier + gaps) % DAY)
    hours = np.arange(1, 24) * 3_600.0
    shares = [np.searchsorted(times, hours) / len(times) for times in (real, blurred)]
    return bool(np.abs(shares[0] - shares[1]).max() > BLURRED)


def told_by_the_clock(later: Floats, earlier: Floats) -> bool:
    """Whether the days between and the time of day tell more of moments than their distances do."""
    apart = float((day_of(later) != day_of(earlier)).mean())
    return apart >= LEAST_APART and by_the_clock(later, earlier, TOLD_APART)
