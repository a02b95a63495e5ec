"""What is modelled in the place of columns: gaps to the row before, differences to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.monotone import (
    Monotone,
    find_monotone,
    keep_monotone,
    prepare_monotone,
    restore_monotone,
)
from synthohive.derive.residuals import (
    Residual,
    find_residuals,
    prepare_residuals,
    restore_residuals,
)
from synthohive.privacy.entities import Entities
from synthohive.schema import Column
from synthohive.tables.sampled_groups import SampledGroups

__all__ = ["Reparametrised"]


@dataclass(frozen=True)
class Reparametrised:
    """The stand-ins of one table.

    Attributes
    ----------
    growing : tuple of Growing
        Columns that never fall inside a group of siblings.
    residuals : tuple of Residual
        Columns that lie near others.
    """

    monotone: tuple[Monotone, ...] = ()
    residuals: tuple[Residual, ...] = ()

    @classmethod
    def find(
        cls,
        rows: pa.Table,
        names: Sequence[str],
        groups: Optional[SampledGroups],
        k: int,
        entities: Optional[Entities] = None,
        *,
        by_gap: bool,
    ) -> Reparametrised:
        """Look at the modelled columns `names`; at groups only if they were read whole.

        Parameters
        ----------
        k : int
            Extremes of fewer entities are not kept.
        entities : Entities, optional
            Those behind the rows.
        by_gap : bool
            The model knows the rows before.
        """
        monotone: list[Monotone] = []
        if groups is not None and groups.whole:
            order = groups.parents, groups.positions
            monotone = find_monotone(rows, names, *order, k, entities, by_gap=by_gap)
        taken = {one.column for one in monotone}
        rest = [name for name in names if name not in taken]
        return cls(tuple(monotone), tuple(find_residuals(rows, rest, k, entities)))

    @property
    def columns(self) -> list[str]:
        """The columns that are not modelled themselves."""
        return [*(one.column for one in self.monotone), *(one.column for one in self.residuals)]

    def prepare(
        self,
        rows: pa.Table,
        columns: Mapping[str, Column],
        groups: Optional[SampledGroups],
        rng: np.random.Generator,
        sources: Optional[dict[str, IntArray]] = None,
    ) -> tuple[pa.Table, dict[str, Column]]:
        """Return rows with the stand-ins in place; tell in `sources` whose the values are."""
        rows, described = prepare_residuals(self.residuals, rows, columns)
        if groups is None or not self.monotone:
            return rows, described
        order = groups.parents, groups.positions
        return prepare_monotone(self.monotone, rows, described, order, rng, sources)

    def silent(self, positions: IntArray) -> dict[str, Bools]:
        """Return in which rows modelled columns tell nothing: first values, and gaps.

        Parameters
        ----------
        positions : ndarray of int64
            Of each row among its siblings.
        """
        found = {}
        for one in (g for g in self.monotone if g.by_gap):
            found[one.column], found[one.gap] = positions > 0, positions == 0
        return found

    def restore(
        self,
        rows: pa.Table,
        parents: IntArray,
        positions: IntArray,
        rooms: Optional[Mapping[str, Floats]] = None,
        rng: Optional[np.random.Generator] = None,
    ) -> pa.Table:
        """Return the columns themselves, of rows of whole groups.

        Parameters
        ----------
        rooms : mapping of str to ndarray of float64, optional
            By column, what the values of each row may at most be; NaN for no limit.
        rng : numpy.random.Generator, optional
            Says where groups that would go on for too long end.
        """
        rows = restore_monotone(self.monotone, rows, parents, positions, rooms, rng)
        return restore_residuals(self.residuals, rows)

    def restore_alone(self, rows: pa.Table) -> pa.Table:
        """Return the columns themselves, of single rows; see :meth:`keep`."""
        rows = rows.drop_columns([one.gap for one in self.monotone if one.by_gap])
        return restore_residuals(self.residuals, rows)

    def keep(self, rows: pa.Table, kept: pa.Table) -> pa.Table:
        """Return rows that were drawn anew with what their groups gave them before."""
        return keep_monotone(self.monotone, rows, kept)
