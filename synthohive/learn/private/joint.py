"""How the columns of a table go together: noisy counts of pairs, and a tree of the strongest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr, ndtri

from synthohive._arrays import Floats, IntArray
from synthohive.learn.private.budget import Budget
from synthohive.learn.private.counting import (
    bounded_counts,
    fitted_margins,
    inhabited,
    onto_simplex,
    shrunk,
)
from synthohive.learn.private.settings import SETTINGS

__all__ = ["Drawn", "Joint", "Variable", "learn_joint"]

_STEPS = 32
"""Points within a code at which a normal copula is taken."""


@dataclass(frozen=True)
class Variable:
    """One column of codes; `given` ones are the parent's, which is drawn before."""

    name: str
    size: int
    codes: IntArray  # (rows,); -1: counts nowhere
    places: int  # the first so many codes are places on a scale; others are NULL, or all are names
    given: bool = False
    long: bool = False  # far codes weigh most, and hold next to nothing: a number of children


@dataclass(frozen=True)
class Drawn:
    """Codes of rows, and where each lies within its code's part of the scale, 0 to 1."""

    codes: IntArray
    within: Floats

    def take(self, rows: IntArray) -> Drawn:
        """Return some of the rows."""
        return Drawn(self.codes[rows], self.within[rows])


@dataclass(frozen=True)
class Edge:
    """A variable that is drawn by another one.

    Attributes
    ----------
    name, by : str
    shares : ndarray, shape (codes of `by`, codes of `name`)
    correlation : float
        Of normal scores: how far the place within a code follows that of the other; 0 where one of
        them is on no scale.
    """

    name: str
    by: str
    shares: Floats
    correlation: float


@dataclass
class Joint:
    """A tree: each variable is drawn by the shares of its codes beside one of another variable.

    Attributes
    ----------
    singles : dict of str to ndarray
        The shares of each variable's codes.
    places : dict of str to int
        How many of its codes are places on a scale.
    edges : list of Edge
        In the order of drawing.
    """

    singles: dict[str, Floats]
    places: dict[str, int]
    edges: list[Edge] = field(default_factory=list)

    def draw(
        self, count: int, own: Sequence[str], given: dict[str, Drawn], rng: np.random.Generator
    ) -> dict[str, Drawn]:
        """Draw codes of rows.

        Parameters
        ----------
        count : int
            Rows.
        own : sequence of str
            The variables.
        given : dict of str to Drawn
            The parents', row by row.
        rng : Generator
        """
        made = dict(given)
        roots = set(own) - {edge.name for edge in self.edges}
        for name in (n for n in own if n in roots):
            codes = rng.choice(len(self.singles[name]), count, p=self.singles[name])
            made[name] = Drawn(codes, rng.random(count))
        for edge in self.edges:
            made[edge.name] = self._beside(edge, made[edge.by], rng)
        return {name: made[name] for name in own}

    def _beside(self, edge: Edge, by: Drawn, rng: np.random.Generator) -> Drawn:
        """Draw a variable beside the one that it follows.

        A scale is cut into few codes; a pair that lies on a diagonal would be blurred by as much.
        So the place within a code is drawn as from a normal copula, whose shares by code are those
        that were counted.
        """
        count, places = len(by.codes), self.places[edge.name]
        shares = edge.shares + 1e-9 * self.singles[edge.name][None, :]
        shares = shares / shares.sum(axis=1, keepdims=True)
        level = self._levels(edge, by, rng)
        if not places:
            codes, within = _inverse(shares[by.codes], level)
            return Drawn(codes, within)
        null = rng.random(count) < shares[by.codes, places:].sum(axis=1)
        scaled = shares[:, :places] + 1e-12
        codes, within = _inverse((scaled / scaled.sum(axis=1, keepdims=True))[by.codes], level)
        return Drawn(np.where(null, places, codes), within)

    def _levels(self, edge: Edge, by: Drawn, rng: np.random.Generator) -> Floats:
        """Return a number from 0 to 1 for each row, even among the rows of each code of `by`."""
        count, r = len(by.codes), edge.correlation
        level = rng.random(count)
        if not r:
            return level
        upto = np.cumsum(self.singles[edge.by])
        ranks = upto[by.codes] - self.singles[edge.by][by.codes] * (1 - by.within)
        scores = r * ndtri(np.clip(ranks, 1e-6, 1 - 1e-6))
        scores = scores + math.sqrt(1 - r * r) * rng.standard_normal(count)
        order = np.lexsort((scores, by.codes))
        sizes = np.bincount(by.codes)
        starts = np.cumsum(sizes) - sizes
        at = by.codes[order]
        level[order] = (np.arange(count) - starts[at] + 0.5) / sizes[at]
        return level


def _inverse(shares: Floats, level: Floats) -> tuple[IntArray, Floats]:
    """Return the code in which a level lies, and where within it."""
    upto = np.cumsum(shares, axis=1)
    codes = np.minimum((level[:, None] > upto).sum(axis=1), shares.shape[1] - 1)
    rows = np.arange(len(codes))
    size = np.maximum(shares[rows, codes], 1e-12)
    within = (level - (upto[rows, codes] - size)) / size
    return codes.astype(np.int64), np.clip(within, 0.0, 1.0)


def learn_joint(
    budget: Budget,
    table: str,
    units: IntArray,
    variables: Sequence[Variable],
    rows_per_unit: float,
    shares: tuple[float, float, float],
) -> Joint:
    """Ask for single columns, for all pairs in few groups, and for the pairs of a tree.

    Parameters
    ----------
    budget : Budget
    table : str
    units : ndarray of int64
        Of each row.
    variables : sequence of Variable
    rows_per_unit : float
    shares : tuple of three floats
        Of the budget, for each.
    """
    names = tuple(v.name for v in variables)
    if not names:
        return Joint({}, {})
    pairs = [
        (i, j)
        for i, j in combinations(range(len(variables)), 2)
        if not (variables[i].given and variables[j].given)
    ]
    if not pairs:  # nothing is left to be asked for
        shares = (sum(shares), 0.0, 0.0)
    bound = rows_per_unit * math.sqrt(len(variables))
    exact = bounded_counts(units, [v.codes for v in variables], [v.size for v in variables], bound)
    question = "how often each value is there"
    noisy, sigma = budget.ask(exact, bound, shares[0], table, names, question)
    singles = {v.name: _single(v, counts, sigma) for v, counts in zip(variables, noisy)}
    joint = Joint(singles, {v.name: v.places for v in variables})
    if not pairs:
        return joint
    grouped = [_grouped(v, singles[v.name]) for v in variables]
    coarse, sigma = _coarse(budget, table, units, grouped, pairs, rows_per_unit, shares[1], names)
    tree = _tree(variables, {pair: _strength(*coarse[pair], sigma) for pair in pairs})
    _fill(joint, budget, table, units, variables, grouped, coarse, sigma, tree, rows_per_unit,
          shares[2])  # fmt: skip
    return joint


def _single(variable: Variable, counts: Floats, sigma: float) -> Floats:
    if variable.long:
        first, last = inhabited(counts, sigma)
        shares = np.zeros(len(counts))
        shares[first:last] = onto_simplex(counts[first:last])
        return shares
    return onto_simplex(counts)


@dataclass(frozen=True)
class _Grouped:
    groups: IntArray  # of each code
    codes: IntArray  # of each row
    shares: Floats


def _grouped(variable: Variable, shares: Floats) -> _Grouped:
    """Put codes into few groups: neighbours of a scale, the most frequent ones else."""
    size, most = variable.size, SETTINGS.groups
    if size <= most:
        groups = np.arange(size)
    elif variable.places:
        middle = np.cumsum(shares) - shares / 2
        places = np.minimum((middle * most).astype(int), most - 1)
        groups = np.unique(places, return_inverse=True)[1]
    else:
        groups = np.full(size, most - 1)
        groups[np.argsort(-shares, kind="stable")[: most - 1]] = np.arange(most - 1)
    codes = np.where(variable.codes < 0, -1, groups[variable.codes])
    held = np.bincount(groups, weights=shares).astype(np.float64)
    return _Grouped(groups.astype(np.int64), codes.astype(np.int64), held)


Coarse = dict[tuple[int, int], tuple[Floats, Floats, Floats]]


def _coarse(
    budget: Budget,
    table: str,
    units: IntArray,
    grouped: Sequence[_Grouped],
    pairs: Sequence[tuple[int, int]],
    rows_per_unit: float,
    share: float,
    names: tuple[str, ...],
) -> tuple[Coarse, float]:
    """Return noisy shares of all pairs in groups, with those of both sides, and their noise."""
    bound = math.sqrt(rows_per_unit * len(pairs))
    codes = [_both(grouped[i].codes, grouped[j].codes, len(grouped[j].shares)) for i, j in pairs]
    sizes = [len(grouped[i].shares) * len(grouped[j].shares) for i, j in pairs]
    exact = bounded_counts(units, codes, sizes, bound)
    noisy, sigma = budget.ask(exact, bound, share, table, names, "which columns go together")
    total = max(float(np.mean([counts.sum() for counts in noisy])), 1.0)
    found = {}
    for (i, j), counts in zip(pairs, noisy):
        rows, columns = grouped[i].shares, grouped[j].shares
        found[i, j] = counts.reshape(len(rows), len(columns)) / total, rows, columns
    return found, sigma / total


def _both(left: IntArray, right: IntArray, size: int) -> IntArray:
    """Return the cell of each row in a table of two columns."""
    return np.where((left < 0) | (right < 0), -1, left * size + right)


def _strength(shares: Floats, rows: Floats, columns: Floats, sigma: float) -> float:
    """Return how far a pair is from independence, without what noise alone adds."""
    apart = np.abs(shares - np.outer(rows, columns))
    k, normal = SETTINGS.soft, NormalDist()
    by_noise = 2 * (normal.pdf(k) - k * normal.cdf(-k)) * sigma * shares.size
    return float(np.maximum(apart - k * sigma, 0).sum()) - by_noise


def _tree(
    variables: Sequence[Variable], strengths: dict[tuple[int, int], float]
) -> list[tuple[int, int]]:
    """Return edges (by which, which) of the strongest tree (Prim, 1957; Chow & Liu, 1968)."""
    inside = [i for i, v in enumerate(variables) if v.given]
    if not inside:
        inside = [max(strengths, key=lambda pair: strengths[pair])[0]]
    edges = []
    while len(inside) < len(variables):
        _, by, new = max(
            (strengths[min(i, j), max(i, j)], i, j)
            for i in inside
            for j in range(len(variables))
            if j not in inside
        )
        edges.append((by, new))
        inside.append(new)
    return edges


def _fill(
    joint: Joint,
    budget: Budget,
    table: str,
    units: IntArray,
    variables: Sequence[Variable],
    grouped: Sequence[_Grouped],
    coarse: Coarse,
    sigma: float,
    tree: Sequence[tuple[int, int]],
    rows_per_unit: float,
    share: float,
) -> None:
    """Ask for the pairs of the tree in all their codes, and take them beside the coarse ones."""
    bound = rows_per_unit * math.sqrt(len(tree))
    codes = [_both(variables[i].codes, variables[j].codes, variables[j].size) for i, j in tree]
    sizes = [variables[i].size * variables[j].size for i, j in tree]
    exact = bounded_counts(units, codes, sizes, bound)
    names = tuple(f"{variables[i].name} ~ {variables[j].name}" for i, j in tree)
    noisy, fine = budget.ask(exact, bound, share, table, names, "how often pairs are there")
    total = max(float(np.mean([counts.sum() for counts in noisy])), 1.0)
    for (i, j), counts in zip(tree, noisy):
        by, new = variables[i], variables[j]
        one, two = joint.singles[by.name], joint.singles[new.name]
        heard = counts.reshape(by.size, new.size) / total
        along = _correlation(heard, one[: by.places], two[: new.places], fine / total)
        if along:
            start = np.outer(one, two)
            start[: by.places, : new.places] = _copula(one[: by.places], two[: new.places], along)
        else:
            found, rows, columns = coarse[min(i, j), max(i, j)]
            smooth = shrunk(found, rows, columns, SETTINGS.soft * sigma)
            ratio = smooth / np.maximum(np.outer(rows, columns), 1e-9)
            ratio = ratio.T if i > j else ratio
            start = np.outer(one, two) * ratio[grouped[i].groups][:, grouped[j].groups]
        apart = heard - start
        kept = start + np.sign(apart) * np.maximum(np.abs(apart) - SETTINGS.soft * fine / total, 0)
        shares = fitted_margins(np.maximum(kept, 0), one, two)
        joint.edges.append(Edge(new.name, by.name, shares, along))


def _scores(shares: Floats) -> Floats:
    """Return the normal scores of a scale's codes, of mean 0 and deviation 1."""
    shares = shares / max(float(shares.sum()), 1e-9)
    score = ndtri(np.clip(np.cumsum(shares) - shares / 2, 1e-6, 1 - 1e-6))
    score = score - (score * shares).sum()
    scaled: Floats = score / max(math.sqrt((score**2 * shares).sum()), 1e-9)
    return scaled


def _correlation(heard: Floats, rows: Floats, columns: Floats, sigma: float) -> float:
    """Return the correlation of normal scores; 0 where noise says as much, or one is no scale.

    A sum over all cells, to which noise adds little: far less of a pair is lost than by shrinking
    single cells.
    """
    if min(len(rows), len(columns)) < 2:
        return 0.0
    one, two = _scores(rows), _scores(columns)
    heard = heard[: len(rows), : len(columns)]
    found = float(one @ heard @ two) / max(float(rows.sum() * columns.sum()), 1e-9)
    noise = sigma * math.sqrt((one**2).sum() * (two**2).sum())
    return float(np.clip(found, -0.99, 0.99)) if abs(found) > SETTINGS.heavy * noise else 0.0


def _copula(rows: Floats, columns: Floats, correlation: float) -> Floats:
    """Return the shares of two scales that go together as two normal variables do."""
    ends = ndtri(np.clip(np.cumsum(columns) / max(float(columns.sum()), 1e-9), 0, 1))
    upto = np.cumsum(rows) / max(float(rows.sum()), 1e-9)
    width = rows / max(float(rows.sum()), 1e-9)
    steps = (np.arange(_STEPS) + 0.5) / _STEPS
    places = ndtri(np.clip(upto[:, None] - width[:, None] * (1 - steps), 1e-9, 1 - 1e-9))
    spread = math.sqrt(1 - correlation**2)
    below = ndtr((ends - correlation * places[..., None]) / spread).mean(axis=1)
    shares: Floats = np.diff(below, axis=1, prepend=0.0) * rows[:, None]
    return shares * float(columns.sum())
