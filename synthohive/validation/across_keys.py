"""Whether children go together with their parents as they do in the real data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import pyarrow as pa

from synthohive.schema import ForeignKey, Metadata
from synthohive.validation.association import association, comparable_columns, pair_tvds
from synthohive.validation.joins import with_parent

__all__ = ["KeyPair", "key_pairs"]

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class KeyPair:
    """A child's column beside one of its parent, joined by a key.

    Attributes
    ----------
    child, parent : str
        The columns; the parent's as ``column over (key)``.
    tvd : float
        Total variation distance of their joint distributions.
    real, synthetic : float
        The strength of their association on each side.
    """

    child: str
    parent: str
    tvd: float
    real: float
    synthetic: float

    @property
    def difference(self) -> float:
        """How far apart the strengths of association are."""
        return abs(self.real - self.synthetic)


def key_pairs(
    real: Tables, synthetic: Tables, metadata: Metadata, child: str, key: ForeignKey
) -> list[KeyPair]:
    """Compare each column of a child with each of its parent's, the worst first."""
    config = metadata.tables[child]
    own = {n: c for n, c in config.stored.items() if n not in config.key_columns}
    joined = []
    for tables in (real, synthetic):
        above, more = with_parent(tables, metadata, child, key)
        arrays = {name: tables[child].column(name) for name in own}
        joined.append(pa.table({**arrays, **{n: above.column(n) for n in more}}))
    left, right = comparable_columns(joined[0], own), comparable_columns(joined[0], more)
    pairs = list(product(left, right))
    found = [
        KeyPair(a.name, b.name, tvd, *(association(rows, a, b) for rows in joined))
        for (a, b), tvd in zip(pairs, pair_tvds(joined[0], joined[1], pairs))
    ]
    return sorted(found, key=lambda pair: -pair.tvd)
