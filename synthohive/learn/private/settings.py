"""Numbers of private learning, each with its reason. None follows from the data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SETTINGS", "Shares"]


@dataclass(frozen=True)
class Shares:
    """What each kind of question gets of the budget; together 1."""

    units: float = 0.01
    ranges: float = 0.12
    values: float = 0.25
    single: float = 0.24
    scores: float = 0.10
    pairs: float = 0.14
    edges: float = 0.14


@dataclass(frozen=True)
class _Settings:
    shares: Shares = Shares()
    levels: int = 8
    """How often the cells of a number's range are split."""
    start_cells: int = 32
    split: int = 4
    heavy: float = 2.5
    """Standard deviations of the noise above which a cell holds something."""
    sure: float = 4.0
    """Standard deviations above which something is there where a mistake weighs much: at the far
    end of a range, a million children."""
    split_share: float = 1 / 32
    """Cells that hold less of all rows are not split: they are fine enough."""
    bins: int = 8
    """Of a number, in marginals."""
    groups: int = 6
    """Of any column, in the marginals of all pairs: few cells, so that noise is below what is
    there. On 20,000 flights, 4 and 6 groups do alike, 8 worse."""
    soft: float = 1.0
    """Standard deviations of noise that a cell's difference from independence is shrunk by."""
    rows_counted: float = 0.7
    """Times the rows that units have on average: what bounds a unit's part in single columns."""
    score_norm: float = 1.5
    """Squared normal scores of a row, for each scale, at most; 1 on average."""
    many: int = 12
    """Known values of a column, from which on it is asked how many units have each."""
    most_values: int = 32
    """Values of one unit that count when the values of a column are found."""
    most_public: int = 1_000
    """Parents of a public table that are chosen by; among more, by chance."""
    most_cells: int = 4_096
    """Of one table of two columns; of more, the coarser one is grouped."""


SETTINGS = _Settings()
