"""Numbers as far as generated rows reach: the extremes of few entities are cut there."""

from __future__ import annotations

import numpy as np

from synthohive._arrays import Floats
from synthohive.privacy.entities import Entities

__all__ = ["within_range"]


def within_range(numbers: Floats, entities: Entities, k: int) -> Floats:
    """Pull in the entities with the most extreme values on each side; NaN stays.

    Else a threshold could lie where no generated row ever comes.
    """
    ends = entities.ends(numbers, max(k, 1))
    return numbers if ends is None or ends[0] >= ends[1] else np.clip(numbers, *ends)
