"""Self references: tables whose rows form trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.derive.presence import Presence
from synthohive.derive.program import Program
from synthohive.tables.degrees import FanOutModel

__all__ = ["HierarchyModel"]

Pick = Callable[[IntArray, IntArray, IntArray], IntArray]
MAX_DEPTH = 64


@dataclass(eq=False)
class HierarchyModel:
    """Depths are a column of the table; children per row are kept for each depth.

    Parameters
    ----------
    levels : list of FanOutModel
        For each depth, the distribution of children per row.
    loops, circles : float
        Shares of the roots that refer to themselves, and to one another; others have NULL.
    earlier : bool
        Parents stand before their children in the order of the key.
    within : str
        The key (by label) over which children have the parent that theirs has: a company's
        employees have a boss of the company. Empty for none.
    alone : Program
        What holds in roots of the columns that others have from their parents.
    roots : Presence, optional
        Which rows are roots, where a category decides: questions are, answers are not.
    """

    levels: list[FanOutModel]
    loops: float = 0.0
    circles: float = 0.0
    earlier: bool = False
    within: str = ""
    alone: Program = field(default_factory=Program)
    roots: Optional[Presence] = None

    @classmethod
    def fit(
        cls,
        parents: IntArray,
        *,
        k: int = 5,
        counted: Optional[tuple[IntArray, IntArray]] = None,
    ) -> tuple[IntArray, HierarchyModel]:
        """Learn from each row's parent row (-1: a root).

        Parameters
        ----------
        parents : ndarray of int64
        k : int
        counted : (ndarray of int64, ndarray of int64), optional
            Rows that stand for all, and how many children each has, where not all rows are given:
            the others only lead to the roots.

        Returns
        -------
        depths : ndarray of int64
            0 for roots, -1 for those in circles, -2 for those that refer to themselves; after 64
            levels, the next is of roots again.
        model : HierarchyModel
        """
        to_itself = parents == np.arange(len(parents))
        # Loops and circles have no root: they are cut open before depths are counted.
        tops = _climbed(np.where(to_itself, -1, parents))[1]
        circle = np.isin(np.arange(len(parents)), tops[tops >= 0])
        parents = np.where(to_itself | circle, -1, parents)
        depths = _climbed(parents)[0] % (MAX_DEPTH + 1)
        parents = np.where(depths == 0, -1, parents)
        roots = max(int((depths == 0).sum()), 1)
        shares = float(to_itself.sum() / roots), float(circle.sum() / roots)
        if counted is None:
            children = np.bincount(parents[parents >= 0], minlength=len(parents))
            counted = np.arange(len(parents), dtype=np.int64), children
        levels, of_rows = [], depths[counted[0]]
        for depth in np.unique(of_rows) if len(of_rows) else [0]:
            sizes, numbers = np.unique(counted[1][of_rows == depth], return_counts=True)
            histogram = dict(zip(sizes.tolist(), numbers.tolist()))
            levels.append(FanOutModel.fit(histogram, k=k))
        depths = np.where(to_itself, -2, np.where(circle, -1, depths))
        return depths, cls(levels, *shares)

    def link(
        self,
        preferred: IntArray,
        rng: np.random.Generator,
        pick: Pick,
        able: Optional[Bools] = None,
        limit: Optional[int] = None,
        groups: Optional[IntArray] = None,
        rows: Optional[pa.Table] = None,
    ) -> tuple[IntArray, IntArray]:
        """Return the parent row of each generated row, -1 for roots, and its level.

        The levels get their real shares of the rows, by the ranks of the generated depths.
        Rows of one depth attach to rows one level above, which get the numbers of children
        that real rows of their depth have; so there is never a cycle and never a gap.

        Parameters
        ----------
        preferred : ndarray of int64
            The generated depths.
        rng : numpy.random.Generator
        pick : callable
            Given rows, the rows one level above, and the children of each of these, returns
            the parent of each row, -1 for none. Levels come from the top down.
        able : ndarray of bool, optional
            The rows that can have children at all.
        limit : int, optional
            Most children of a row.
        groups : ndarray of int64, optional
            Each row's group, in which its parent is; each has levels from 0 on.
        rows : pyarrow.Table, optional
            What decides which rows are roots.
        """
        top, low = np.zeros(len(preferred), np.bool_), np.zeros(len(preferred), np.bool_)
        if self.roots is not None and rows is not None:
            top, low = self.roots.empty(rows), self.roots.kept(rows)
        preferred = np.where(top, np.minimum(preferred, 0), preferred)
        depths = self._depths(np.where(low, np.maximum(preferred, 1), preferred), rng)
        depths = np.where(top, 0, np.where(low, np.maximum(depths, 1), depths))
        if groups is not None or self.earlier:
            groups = np.zeros_like(depths) if groups is None else groups
            roots = int((depths == 0).sum())
            depths = self._stacked(depths, groups)
            first = np.zeros(len(depths), dtype=np.bool_)
            first[_first(groups, depths == 0)] = True
            others = rng.permutation(np.flatnonzero((depths == 0) & ~first & ~top & (groups >= 0)))
            # each group has a root now: as many others get a parent in its place
            depths[others[: max(int((depths == 0).sum()) - roots, 0)]] = 1
        parents = np.full(len(depths), -1, dtype=np.int64)
        for depth in range(1, int(depths.max(initial=0)) + 1):
            below = np.flatnonzero(depths == depth)
            above = np.flatnonzero((depths == depth - 1) & (True if able is None else able))
            level = self.levels[min(depth - 1, len(self.levels) - 1)]
            counts = level.counts(len(above), len(below), None, rng, limit=limit)
            parents[below] = pick(below, above, counts)
        return parents, depths

    def closed(
        self,
        chosen: IntArray,
        asked: IntArray,
        groups: IntArray,
        rng: np.random.Generator,
        *,
        nullable: bool,
        is_unique: bool,
    ) -> IntArray:
        """Return parents with which roots refer to themselves, or to one another, as real ones do.

        Parameters
        ----------
        asked : ndarray of int64
            The generated depths: what is below 0 asks for a loop.
        groups : ndarray of int64
            Only rows of one group refer to one another.
        nullable : bool
            Whether roots may have none; else all are in loops.
        is_unique : bool
            Whether nobody has two children: then all rows are in loops if roots must be.
        """
        chosen, roots, share = chosen.copy(), np.flatnonzero(chosen < 0), self.loops
        if not nullable and is_unique:
            roots, share = np.arange(len(chosen)), float(share > 0.5)
        elif nullable:  # those first that are deepest in circles
            roots = roots[np.lexsort((rng.random(len(roots)), asked[roots]))]
            number, pairs = round(share * len(roots)), round(self.circles * len(roots) / 2)
            two = roots[number : number + 2 * pairs]
            two = two[np.argsort(groups[two], kind="stable")].reshape(-1, 2)
            two = two[groups[two[:, 0]] == groups[two[:, 1]]]
            chosen[two] = two[:, ::-1]
            roots = roots[:number]
        chosen[roots] = roots
        if len(roots) and not nullable and not share:  # one circle in each group
            order = roots[np.argsort(groups[roots], kind="stable")]
            begins = np.flatnonzero(np.diff(groups[order], prepend=groups[order][0] - 1))
            # Each refers to the next one, the last of a group to its first.
            after = np.roll(order, -1)
            after[np.append(begins[1:], len(order)) - 1] = order[begins]
            chosen[order] = after
        return chosen

    def _depths(self, preferred: IntArray, rng: np.random.Generator) -> IntArray:
        ends = np.cumsum([level.parents_.sum() for level in self.levels])
        count = len(preferred)
        # Middles of equal steps: the real shares of the levels, but for rounding, without chance.
        at = (np.arange(count) + 0.5) / max(count, 1) * ends[-1]
        depths = np.empty(count, dtype=np.int64)
        order = np.lexsort((rng.random(count), preferred))
        depths[order] = np.unique(np.searchsorted(ends, at, side="right"), return_inverse=True)[
            1
        ].reshape(-1)  # of few rows, a level may get none: those below move up
        return depths

    def _stacked(self, depths: IntArray, groups: IntArray) -> IntArray:
        """Leave out no level in any group; where parents come first, each level begins in turn."""
        depths = depths.copy()
        # Inside a group, a row gets the number of different depths before it: no level is empty.
        order = np.lexsort((depths, groups))
        step = np.diff(depths[order], prepend=0) > 0
        begins = np.diff(groups[order], prepend=groups[order][:1] - 1) != 0
        rank = np.cumsum(step & ~begins)
        depths[order] = rank - np.repeat(rank[begins], np.diff(np.append(*_ends(begins))))
        depths[groups < 0] = 0
        for level in range(int(depths.max(initial=0)) + 1 if self.earlier else 0):
            # the first row at this level or below takes the place of the first one at it
            firsts = [_first(groups, depths >= level), _first(groups, depths == level)]
            below, at = (rows[np.isin(groups[rows], groups[firsts[1]])] for rows in firsts)
            depths[below], depths[at] = depths[at], depths[below].copy()
        return depths


def _climbed(parents: IntArray) -> tuple[IntArray, IntArray]:
    """Return how far each row is from its root, and -1; in circles, a row of that circle."""
    depths, above = (parents >= 0).astype(np.int64), parents
    # Each row jumps as far as it and its target did before: log2(rows) rounds, not one a level.
    for _ in range(len(parents).bit_length()):
        alive = above >= 0
        depths = depths + np.where(alive, depths[above], 0)
        above = np.where(alive, above[above], -1)
    return depths, above


def _ends(begins: Bools) -> tuple[IntArray, int]:
    return np.flatnonzero(begins), len(begins)


def _first(groups: IntArray, among: Bools) -> IntArray:
    """Return the first row of each group, of some rows."""
    rows = np.flatnonzero(among)
    return rows[np.unique(groups[rows], return_index=True)[1]]
