"""How many synthetic rows break what was found to be exact in the real ones."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from synthohive import Synthesizer
from synthohive.interface import derivations
from synthohive.interface.derivations import Broken

__all__ = ["Broken", "broken_relations"]


def broken_relations(synthesizer: Synthesizer, made: Mapping[str, pa.Table]) -> list[Broken]:
    """Check each relation of a fitted synthesizer on all rows of a synthetic database."""
    fitted = synthesizer.fitted_
    if fitted is None:
        raise ValueError("the synthesizer is not fitted")
    return list(derivations.broken_relations(fitted, made))
