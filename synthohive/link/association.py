"""How the values of rows and of their parents over one further key go together.

For each pair of a row's column and a parent's column that are associated, the shares of their
joint bins: a contingency table. Rows then swap parents until the tables are met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive.derive.columns import spaced
from synthohive.link.targets import ContingencyTarget, CorrelationTarget, Target
from synthohive.privacy.entities import Entities
from synthohive.tables.numbers import as_numbers, is_number

__all__ = ["Bins", "PairShares", "PairTable", "Read", "common_texts", "flag", "within_range"]


FIT_ROWS = 50_000
MOST_COLUMNS = 40
MOST_BINS = 16
PER_CELL = 20
"""Rows per cell of a table, on average; bins are the fewer for it."""
MOST_VALUES = 12
MOST_TABLES = 24
LEAST_EXCESS = 0.02
"""Distance from independence, beyond that of chance, which makes a table worth keeping."""
ROUNDS = 200
Read = Callable[[str], pa.ChunkedArray]
NEAR = 0.6
"""How near neighbouring bins of a number are."""
BLURRED, UNSEEN = 1e-3, 1e-6
"""Weight of a neighbouring bin, and of any other, where a bin itself is missing."""


@dataclass(frozen=True)
class Bins:
    """A column by numbers: 0 for NULL or a rare text, then a number for each bin.

    Attributes
    ----------
    edges : tuple of float
        Of a number's bins.
    values : tuple of str
        The frequent texts.
    """

    column: str
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, column: str, array: pa.ChunkedArray, entities: Entities, most: int, k: int
    ) -> Optional[Bins]:
        """Put a column into at most `most` bins; None where that tells nothing.

        Parameters
        ----------
        column : str
        array : pyarrow.ChunkedArray
            Numbers and times are cut near quantiles; of texts and booleans, the frequent values
            count; columns of other types tell nothing.
        entities : Entities
            Those behind the rows.
        most : int
            Bins of a number; of a text, there are at most `MOST_VALUES`, whatever this is.
        k : int
            Least entities of a bin, or of a text.
        """
        if is_number(array.type):
            found = cls(column, _edges(as_numbers(array), entities, most, k))
        elif pa.types.is_string(array.type) or pa.types.is_boolean(array.type):
            common = common_texts(array, entities, max(k, 1))
            found = cls(column, values=tuple(common[:MOST_VALUES]))
        else:
            return None
        return found if found.size > 2 else None  # else all known values are in one bin

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return len(self.values) + 1 if self.values else len(self.edges) + 2

    def near(self, weight: float) -> Floats:
        """Return 1 for a bin itself, `weight` to the distance for others; texts are not near."""
        nearness = np.eye(self.size)
        if self.edges:
            # From 1: NULL, in bin 0, is near no number.
            bins = np.arange(1, self.size)
            nearness[1:, 1:] = weight ** np.abs(bins[:, None] - bins)
        return nearness

    def __call__(self, array: pa.ChunkedArray) -> IntArray:
        """Return each value's number."""
        if self.values:
            found = pc.index_in(array.cast(pa.string()), pa.array(self.values, pa.string()))
            return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64) + 1
        numbers = as_numbers(array)
        places = np.searchsorted(np.asarray(self.edges), numbers, side="right") + 1
        return np.where(np.isnan(numbers), 0, places).astype(np.int64)


@dataclass(frozen=True)
class PairTable:
    """A row's column beside a parent's.

    Attributes
    ----------
    mine, theirs : int
        Numbers of the two columns' bins.
    shares : tuple of tuple of float
        Of all rows.
    correlation : float, optional
        Of the ranks of two numbers: what bins leave open.
    """

    mine: int
    theirs: int
    shares: tuple[tuple[float, ...], ...]
    correlation: Optional[float] = None

    def wanted(self, mine: Bins, theirs: Bins, own: IntArray, other: IntArray) -> Floats:
        """Return the rows wanted in each cell, for given rows in each bin of either side.

        It is the table fitted to these margins (Deming and Stephan, 1940). Where one side has
        too few rows in a bin, near bins come first.

        Parameters
        ----------
        mine, theirs : Bins
            Those of the two columns.
        own : ndarray of int64, shape (mine.size,)
            Rows in each bin of the row's column.
        other : ndarray of int64, shape (theirs.size,)
            Rows by the bin of their parent's column; of the same sum.

        Returns
        -------
        ndarray of float, shape (mine.size, theirs.size)
            No whole numbers; its sums over either side are `own` and `other`, or nearly.
        """
        total = max(int(own.sum()), 1)
        cells = mine.near(BLURRED) @ np.asarray(self.shares) @ theirs.near(BLURRED) * total
        # Fitting only multiplies: a zero stays one, and a row of zeros reaches no margin.
        cells += np.outer(own, other) / total * UNSEEN
        # Rows and columns are scaled to their sums in turn, until both are right.
        for _ in range(ROUNDS):
            cells *= (own / np.maximum(cells.sum(axis=1), 1e-12))[:, None]
            cells *= other / np.maximum(cells.sum(axis=0), 1e-12)
        return np.asarray(cells)


@dataclass(frozen=True)
class PairShares:
    """The tables of one further key.

    Attributes
    ----------
    mine, theirs : tuple of Bins
        Columns of the row and its driving ancestors; of the parent and its ancestors.
    tables : tuple of PairTable
    """

    mine: tuple[Bins, ...]
    theirs: tuple[Bins, ...]
    tables: tuple[PairTable, ...]

    @classmethod
    def fit(
        cls,
        children: pa.Table,
        parents: pa.Table,
        rows: IntArray,
        entities: tuple[Entities, Entities],
        k: int,
    ) -> Optional[PairShares]:
        """Count; None where nothing goes together.

        Parameters
        ----------
        rows : ndarray of int64
            Each child's parent row; -1 for none.
        entities : tuple of Entities
            Those behind the children and behind the parents.
        k : int
            Least entities of a bin; cells of fewer are pooled.
        """
        linked = np.flatnonzero(rows >= 0)
        chosen = linked[spaced(len(linked), FIT_ROWS)]
        # As many bins on either side: the number of cells is the square.
        most = min(MOST_BINS, int(np.sqrt(len(chosen) / PER_CELL)))
        if most < 2:
            return None
        behind, rows = entities[0].take(chosen), rows[chosen]
        children = children.take(pa.array(chosen))
        mine, row_bins = _binned(children, behind, most, k)
        theirs, parent_bins = _binned(parents, entities[1], most, k)
        tables: list[tuple[float, PairTable]] = []
        for i, a in enumerate(row_bins):
            for j, b in enumerate(parent_bins):
                shape = mine[i].size, theirs[j].size
                cells = a * shape[1] + b[rows]
                counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
                # First without counting entities, which needs a sort: most pairs end here.
                excess, shares = _told(counts, np.zeros(shape, dtype=np.bool_))
                if excess < LEAST_EXCESS:
                    continue
                few = behind.holders(cells, shape[0] * shape[1]).reshape(shape) < k
                excess, shares = _told(counts, few)
                if excess >= LEAST_EXCESS:
                    tables.append((excess, PairTable(i, j, tuple(map(tuple, shares.tolist())))))
        tables.sort(key=lambda item: -item[0])
        kept = []
        for _, table in tables[:MOST_TABLES]:
            row_side, parent_side = mine[table.mine], theirs[table.theirs]
            if row_side.edges and parent_side.edges:
                row_numbers = as_numbers(children.column(row_side.column))
                parent_numbers = as_numbers(parents.column(parent_side.column))
                # Scores of mean 0 and variance 1: their mean product is the rank correlation. A
                # parent counts once for each child, or the mean over rows would not be 0.
                scores = _rank_scores(parent_numbers, np.bincount(rows, minlength=len(parents)))
                product = _rank_scores(row_numbers, np.ones(len(rows))) * scores[rows]
                kept.append(replace(table, correlation=float(product.mean())))
            else:
                kept.append(table)
        return cls(mine, theirs, tuple(kept)) if kept else None

    def margins(self) -> dict[int, Floats]:
        """Return the shares of the rows in each bin of their parents' columns."""
        return {t.theirs: np.asarray(t.shares).sum(axis=0) for t in self.tables}

    def binned(self, side: str, read: Read) -> dict[int, IntArray]:
        """Return the numbers of the bins of each column that tables name, "mine" or "theirs"."""
        bins: tuple[Bins, ...] = getattr(self, side)
        return {i: bins[i](read(bins[i].column)) for i in {getattr(t, side) for t in self.tables}}

    def targets(self, mine: Read, theirs: Read, chosen: IntArray) -> list[Target]:
        """Return the calibration targets of rows with these parents, whose numbers stay.

        Parameters
        ----------
        mine, theirs : callable
            Give a column of the rows, and of all parents.
        chosen : ndarray of int64
            The parent of each row.
        """
        row_bins, parent_bins = self.binned("mine", mine), self.binned("theirs", theirs)
        # A parent's score counts once for each child; else its mean over the rows would not be 0.
        children = np.bincount(chosen, minlength=len(next(iter(parent_bins.values()))))
        scores: dict[tuple[str, str], Floats] = {}  # a column is in several tables

        def scored(side: str, read: Read, column: str, copies: AnyArray) -> Floats:
            if (side, column) not in scores:
                scores[side, column] = _rank_scores(as_numbers(read(column)), copies)
            return scores[side, column]

        targets: list[Target] = []
        for table in self.tables:
            row_side, parent_side = self.mine[table.mine], self.theirs[table.theirs]
            a, b = row_bins[table.mine], parent_bins[table.theirs]
            row_counts = np.bincount(a, minlength=row_side.size)
            parent_counts = np.bincount(b[chosen], minlength=parent_side.size)
            wanted = table.wanted(row_side, parent_side, row_counts, parent_counts)
            targets.append(
                ContingencyTarget(a, b, wanted, (row_side.near(NEAR), parent_side.near(NEAR)))
            )
            if table.correlation is not None:
                scores_here = scored("mine", mine, row_side.column, np.ones(len(chosen)))
                scores_there = scored("theirs", theirs, parent_side.column, children)
                targets.append(CorrelationTarget(scores_here, scores_there, table.correlation))
        return targets


def common_texts(array: pa.ChunkedArray, entities: Entities, k: int) -> list[str]:
    """Return the texts of at least `k` entities, the most frequent first.

    Parameters
    ----------
    array : pyarrow.ChunkedArray
        Of any type that can be cast to text; NULL counts for none.
    entities : Entities
        Those behind its rows.
    k : int
    """
    coded = array.cast(pa.string()).combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    texts, size = coded.dictionary.to_pylist(), len(coded.dictionary)
    counts = np.bincount(codes[codes >= 0], minlength=size)
    kept = np.flatnonzero(entities.holders(codes, size) >= k)
    return [text for _, text in sorted((-counts[i], texts[i]) for i in kept)]


def flag(column: pa.ChunkedArray, value: str) -> Floats:
    """Return 1 where a column's text is so, else 0."""
    equal = pc.fill_null(pc.equal(column.cast(pa.string()), value), False)
    return np.asarray(equal.to_numpy(zero_copy_only=False).astype(np.float64))


def within_range(numbers: Floats, entities: Entities, k: int) -> Floats:
    """Pull in the entities with the most extreme values on each side; NaN stays.

    Else a threshold could lie where no generated row ever comes.

    Parameters
    ----------
    numbers : ndarray of float64, shape (rows,)
        NaN for NULL.
    entities : Entities
        Those behind the rows.
    k : int
        Entities on each side; where there are fewer in all, the numbers are returned as they are.
    """
    ends = entities.ends(numbers, max(k, 1))
    return numbers if ends is None or ends[0] >= ends[1] else np.clip(numbers, *ends)


def _rank_scores(numbers: Floats, weights: AnyArray) -> Floats:
    """Return ranks among as many copies as `weights` say, of mean 0 and variance 1; NULL is 0."""
    scores = np.zeros(len(numbers))
    present = np.flatnonzero(~np.isnan(numbers))
    _, rank = np.unique(numbers[present], return_inverse=True)
    mass = np.bincount(rank.reshape(-1), weights=weights[present])
    # Equal numbers share the middle of the ranks that they take up.
    middle = (np.cumsum(mass) - mass / 2)[rank.reshape(-1)]
    total = max(float(weights[present].sum()), 1e-12)
    middle -= float(middle @ weights[present]) / total
    spread = np.sqrt(float(middle**2 @ weights[present]) / total)
    scores[present] = middle / max(float(spread), 1e-12)
    return scores


def _binned(
    rows: pa.Table, entities: Entities, most: int, k: int
) -> tuple[tuple[Bins, ...], list[IntArray]]:
    names = [n for n in rows.column_names if not n.startswith("__")][:MOST_COLUMNS]
    found = [Bins.of(name, rows.column(name), entities, most, k) for name in names]
    bins = tuple(one for one in found if one is not None)
    return bins, [one(rows.column(one.column)) for one in bins]


def _edges(numbers: Floats, entities: Entities, most: int, k: int) -> tuple[float, ...]:
    """Return edges half-way between neighbouring values, near the quantiles."""
    known = ~np.isnan(numbers)
    numbers = within_range(numbers, entities, k)
    values, code, counts = np.unique(numbers[known], return_inverse=True, return_counts=True)
    if len(values) < 2:
        return ()
    below = np.cumsum(counts)[:-1]
    # The values at which the shares 1/most, 2/most, … of the rows are reached.
    ends = np.unique(np.searchsorted(below, np.arange(1, most) / most * counts.sum()))
    if len(values) <= most:
        ends = np.arange(len(values) - 1)
    ends = ends[ends < len(values) - 1]
    bins, owners = np.searchsorted(ends, code.reshape(-1), side="left"), entities.take(known)
    kept: list[int] = []
    first, alone = 0, owners.holders(bins, len(ends) + 1)
    for number in range(len(ends) + 1):
        # A bin grows until `k` entities are in it.
        enough = alone[number] >= k
        if first < number:
            grown = np.where((bins >= first) & (bins <= number), 0, -1)
            enough = owners.holders(grown, 1)[0] >= k
        if enough and number < len(ends):
            kept.append(int(ends[number]))
            first = number + 1
    if not enough:  # the last ones join the bin before
        kept = kept[:-1]
    return tuple(float(values[e] + values[e + 1]) / 2 for e in kept)


def _told(counts: IntArray, few: Bools) -> tuple[float, Floats]:
    """Return how far a table is from independence, beyond chance, and its shares.

    Cells of few entities share what they hold together, as if independent.
    """
    total = float(counts.sum())
    shares = counts / total
    alone = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    # The mean of |x| is sqrt(2 / pi) standard deviations of x: so much do the cells of a table
    # without any association differ from it.
    chance = float(np.sqrt(alone * (1 - alone) / total * 2 / np.pi).sum())
    excess = 0.5 * (float(np.abs(shares - alone).sum()) - chance)
    pooled = np.where(few, alone, 0.0)
    mass = float(shares[few].sum())
    return excess, np.where(few, pooled * (mass / max(float(pooled.sum()), 1e-300)), shares)
