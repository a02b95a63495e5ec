"""The three kinds of entities that are compared: learned, set aside, and synthetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from synthohive.exceptions import SchemaError
from synthohive.metrics.harmonise import Columns
from synthohive.metrics.privacy.points import Points, points_of

__all__ = ["LEAST", "Sides"]

LEAST = 10
"""Entities of each kind at least: a share of fewer is chance."""
MOST = 50_000
"""Entities of each kind at most: more would not make an interval noticeably narrower."""


@dataclass(frozen=True)
class Sides:
    """Points of the three kinds, and the generator that draws among them.

    Attributes
    ----------
    training, heldout, synthetic : Points
    seed : int
    """

    training: Points
    heldout: Points
    synthetic: Points
    seed: int

    @classmethod
    def of(
        cls, training: Any, heldout: Any, synthetic: Any, columns: Columns = None, seed: int = 0
    ) -> Sides:
        """Read tables.

        Parameters
        ----------
        training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
        columns : dict of str to Column, or collection of str, optional
        seed : int
        """
        sides = points_of(columns, training, heldout, synthetic)
        for name, side in zip(("training", "held-out", "synthetic"), sides):
            if len(side) < LEAST:
                raise SchemaError(
                    f"{len(side)} {name} rows are too few to measure privacy.",
                    hint=f"Pass {LEAST} at least; fit(holdout=…) sets some aside.",
                )
        found = cls(sides[0], sides[1], sides[2], seed)
        few = [found.some(i, side, MOST) for i, side in enumerate(sides)]
        return cls(few[0], few[1], few[2], seed)

    def rng(self, *stream: int) -> np.random.Generator:
        """Return a generator of its own for each purpose, so that none depends on another."""
        return np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, *stream])))

    def some(self, stream: int, points: Points, most: Optional[int]) -> Points:
        """Return so many points at random, in their order; all if there are no more."""
        if most is None or len(points) <= most:
            return points
        return points.take(np.sort(self.rng(stream).choice(len(points), most, replace=False)))

    def even(self) -> Sides:
        """Return as many training as held-out points: chance then favours neither."""
        size = min(len(self.training), len(self.heldout))
        return Sides(
            self.some(3, self.training, size),
            self.some(4, self.heldout, size),
            self.synthetic,
            self.seed,
        )
