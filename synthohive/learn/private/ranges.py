"""Where the numbers of a table lie, and which values its texts have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive.learn.private.counting import Asked, inhabited, onto_simplex
from synthohive.learn.private.domains import Categories, Numbers
from synthohive.learn.private.scales import Scale
from synthohive.learn.private.settings import SETTINGS
from synthohive.schema import Column

__all__ = ["find_numbers", "find_values"]


def find_numbers(
    asked: Asked, rows: pa.Table, scales: Mapping[str, Scale], share: float
) -> dict[str, Numbers]:
    """Find where numbers lie: cells that hold much are split, again and again.

    Parameters
    ----------
    asked : Asked
    rows : pyarrow.Table
    scales : mapping of str to Scale
        The lines of the columns.
    share : float
        Of the budget.
    """
    if not scales:
        return {}
    names = tuple(scales)
    places = [scales[name].place(rows.column(name)) for name in names]
    trees = [_Cells.start(scales[name]) for name in names]
    bound = math.sqrt(len(names))
    for level in range(SETTINGS.levels):
        codes = [tree.find(place) for tree, place in zip(trees, places)]
        sizes = [len(tree.leaves) for tree in trees]
        question = f"where numbers lie, step {level + 1}"
        noisy, sigma = asked.counts(codes, sizes, bound, share / SETTINGS.levels, names, question)
        for tree, counts in zip(trees, noisy):
            tree.hear(counts)
            if level + 1 < SETTINGS.levels:
                tree.split(sigma)
    return {name: tree.numbers(sigma) for name, tree in zip(names, trees)}


@dataclass
class _Cell:
    """A part of a line, the parts that it was split into, and what was heard of it."""

    low: float
    high: float
    total: float = 0.0
    times: int = 0
    parts: list[_Cell] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return self.total / max(self.times, 1)

    def deviation(self, sigma: float) -> float:
        return sigma / math.sqrt(max(self.times, 1))


class _Cells:
    """A line as a tree of cells; leaves are asked about, each time anew."""

    def __init__(self, scale: Scale, roots: list[_Cell]) -> None:
        self.scale, self.roots, self.leaves = scale, roots, list(roots)

    @classmethod
    def start(cls, scale: Scale) -> _Cells:
        """Cut the line into cells of one length."""
        edges = np.linspace(scale.low, scale.high, SETTINGS.start_cells + 1).tolist()
        return cls(scale, [_Cell(low, high) for low, high in zip(edges, edges[1:])])

    def find(self, places: Floats) -> IntArray:
        """Return the leaf of each place; -1 for NULL."""
        cells = np.searchsorted([leaf.low for leaf in self.leaves[1:]], places, side="right")
        return np.where(np.isnan(places), -1, cells).astype(np.int64)

    def hear(self, counts: Floats) -> None:
        """Take noisy counts of the leaves."""
        for leaf, count in zip(self.leaves, counts.tolist()):
            leaf.total += count
            leaf.times += 1

    def split(self, sigma: float) -> None:
        """Split the leaves that hold something, and more than is worth a cell of its own."""
        whole = sum(max(leaf.mean, 0.0) for leaf in self.leaves)
        leaves = []
        for leaf in self.leaves:
            least = SETTINGS.heavy * leaf.deviation(sigma)
            if leaf.mean > max(least, SETTINGS.split_share * whole):
                inner = self.scale.edges(leaf.low, leaf.high, SETTINGS.split).tolist()
                edges = [leaf.low, *inner, leaf.high]
                if inner:
                    leaf.parts = [_Cell(low, high) for low, high in zip(edges, edges[1:])]
            leaves += leaf.parts or [leaf]
        self.leaves = leaves

    def numbers(self, sigma: float) -> Numbers:
        """Return the leaves from the first to the last that hold something, and their shares."""
        told = np.array([cell.mean / cell.deviation(sigma) for cell in self.roots])
        first, last = inhabited(told, 1.0)
        stack, masses = [(self.roots[first:last], 1.0)], {}
        while stack:
            cells, whole = stack.pop()
            # a part's share is one of its whole's, which noise says less of
            shares = whole * _shares(cells, sigma)
            for cell, share in zip(cells, shares.tolist()):
                masses[id(cell)] = share
                stack += [(cell.parts, share)] if cell.parts else []
        found = np.array([masses.get(id(leaf), 0.0) for leaf in self.leaves])
        places = np.flatnonzero(found)
        kept = slice(int(places[0]), int(places[-1]) + 1)
        some = self.leaves[kept]
        edges = np.array([*(leaf.low for leaf in some), some[-1].high])
        return Numbers(self.scale, edges, found[kept], self.scale.column.nullable)


def _shares(cells: Sequence[_Cell], sigma: float) -> Floats:
    """Return the shares of cells; none where less was heard than noise alone says."""
    means = np.array([cell.mean for cell in cells])
    told = means > np.array([cell.deviation(sigma) for cell in cells])
    shares: Floats = np.where(told, onto_simplex(np.where(told, means, 0.0)), 0.0)
    return shares / shares.sum() if shares.sum() else np.full(len(cells), 1 / len(cells))


def find_values(
    asked: Asked,
    rows: pa.Table,
    columns: Sequence[Column],
    listed: Mapping[str, Categories],
    share: float,
) -> dict[str, Categories]:
    """Find the values of texts that so many units have that no single one is told by it.

    How many units have a listed value is asked along with them.

    Each unit adds one over the root of its number of values to each of them, so that a column is of
    sensitivity 1 (Gopi et al., "Differentially private set union", 2020).

    Parameters
    ----------
    asked : Asked
    rows : pyarrow.Table
    columns : sequence of Column
        Texts.
    listed : mapping of str to Categories
        Columns of which the values are known.
    share : float
        Of the budget.
    """
    if not columns and not listed:
        return {}
    budget, units = asked.budget, asked.units
    dictionaries, answers = [], []
    for column in columns:
        encoded = rows.column(column.name).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        dictionaries.append(encoded.dictionary)
        answers.append(_holders(units, codes, len(encoded.dictionary), budget.noise.rng))
    for name, known in listed.items():
        codes = known.encode(rows.column(name).combine_chunks())
        codes = np.where(codes < len(known.values), codes, -1)
        answers.append(_holders(units, codes, len(known.values), budget.noise.rng))
    names = tuple(c.name for c in columns)
    noisy, sigma = budget.ask(
        answers,
        math.sqrt(len(answers)),
        share,
        asked.table,
        (*names, *listed),
        "how many units have each value",
        thresholds=len(names),
    )
    least = _threshold(sigma, budget.delta_each) if names else 0.0
    found = {}
    for column, values, counts in zip(columns, dictionaries, noisy):
        order = np.argsort(values.to_pylist()) if len(values) else np.empty(0, dtype=np.int64)
        order = order[counts[order] > least]
        kept = values.take(pa.array(order, pa.int64())).to_pylist()
        found[column.name] = Categories(kept, column, True, counts[order])
    for (name, known), counts in zip(listed.items(), noisy[len(names) :]):
        told = np.where(counts > SETTINGS.heavy * sigma, counts, 0.0)
        kept = known.values.to_pylist()
        found[name] = Categories(kept, known.column, known.is_open, told)
    return found


def _holders(units: IntArray, codes: IntArray, size: int, rng: np.random.Generator) -> Floats:
    there = codes >= 0
    pairs = np.unique(units[there] * max(size, 1) + codes[there])
    pairs = pairs[rng.permutation(len(pairs))]  # of a unit of many values, any count
    unit, value = pairs // max(size, 1), pairs % max(size, 1)
    order = np.argsort(unit, kind="stable")
    unit, value = unit[order], value[order]
    first = np.searchsorted(unit, unit, side="left")
    some = np.arange(len(unit)) - first < SETTINGS.most_values
    unit, value = unit[some], value[some]
    each = np.bincount(unit, minlength=1)[unit]
    return np.bincount(value, weights=1 / np.sqrt(each), minlength=size).astype(np.float64)


def _threshold(sigma: float, delta: float) -> float:
    """Return what values of a single unit do not exceed, together, but with a chance of delta."""
    least = 0.0
    for values in range(1, SETTINGS.most_values + 1):
        chance = -math.expm1(math.log1p(-delta) / values)
        least = max(least, 1 / math.sqrt(values) - sigma * NormalDist().inv_cdf(chance))
    return least
