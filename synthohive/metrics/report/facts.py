"""What the fit of a copy found and did: derivations, personal columns, look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

__all__ = ["DerivationReport", "PersonalColumn"]


@dataclass(frozen=True)
class DerivationReport:
    """Something that was found to be exact, and in how many rows it holds.

    Attributes
    ----------
    table, text : str
        What holds, as :attr:`~synthohive.Synthesizer.relations` shows it.
    kind : str
    real, synthetic : float, optional
        Shares of the rows in which it holds; None where it is not counted: it is kept by how
        rows are made, or the rows are of other types than those of the fit.
    """

    table: str
    text: str
    kind: str
    real: Optional[float] = None
    synthetic: Optional[float] = None

    @property
    def lost(self) -> float:
        """How much less of the synthetic rows keep it; 0 where as many do."""
        if self.real is None or self.synthetic is None:
            return 0.0
        return max(0.0, self.real - self.synthetic)


@dataclass(frozen=True)
class PersonalColumn:
    """A column that was found, or said, to be personal.

    Attributes
    ----------
    table, column, kind : str
    why : str
        What gave it away.
    done : str
        What its values become: fake, mask, hash, keep.
    copied : float, optional
        Share of its synthetic values that equal a real one, some by chance.
    """

    table: str
    column: str
    kind: str
    why: str
    done: str
    copied: Optional[float] = None
