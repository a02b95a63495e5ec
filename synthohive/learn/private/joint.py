"""How the columns of a table go together: noisy counts of pairs, and a tree of the strongest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import NormalDist
from typing import Optional

import numpy as np
from scipy.special import ndtri

from synthohive._arrays import Floats, IntArray
from synthohive.learn.private.counting import (
    Asked,
    fitted_margins,
    inhabited,
    onto_simplex,
    shrunk,
)
from synthohive.learn.private.scores import copula, correlations
from synthohive.learn.private.settings import SETTINGS

__all__ = ["Drawn", "Joint", "Variable", "learn_joint"]


@dataclass(frozen=True)
class Variable:
    """One column of codes; `given` ones are the parent's, which is drawn before."""

    name: str
    size: int
    codes: IntArray  # (rows,); -1: counts nowhere
    places: int  # the first so many codes are places on a scale; others are NULL, or all are names
    given: bool = False
    long: bool = False  # far codes weigh most, and hold next to nothing: a number of children
    holders: Optional[Floats] = None  # of the first codes: how many units have them, with noise


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
    """

    name: str
    by: str
    shares: Floats


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
    scales : list of str
        The variables with places.
    correlations : ndarray
        Of the normal scores of these.
    """

    singles: dict[str, Floats]
    places: dict[str, int]
    edges: list[Edge] = field(default_factory=list)
    scales: list[str] = field(default_factory=list)
    correlations: Floats = field(default_factory=lambda: np.zeros((0, 0)))

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
        known = {name: self._score(name, one) for name, one in made.items() if name in self.scales}
        for edge in self.edges:
            made[edge.name] = one = self._beside(edge, made[edge.by], known, rng)
            if edge.name in self.scales:
                known[edge.name] = self._score(edge.name, one)
        return {name: made[name] for name in own}

    def within(
        self, codes: dict[str, IntArray], given: dict[str, Drawn], rng: np.random.Generator
    ) -> dict[str, Drawn]:
        """Return codes that were drawn otherwise, with where each lies within its own.

        Parameters
        ----------
        codes : dict of str to ndarray of int64
        given : dict of str to Drawn
            The parents', row by row.
        rng : Generator
        """
        made: dict[str, Drawn] = {}
        known = {name: self._score(name, one) for name, one in given.items() if name in self.scales}
        for name, own in codes.items():
            if name not in self.scales:
                made[name] = Drawn(own, rng.random(len(own)))
                continue
            made[name] = Drawn(own, _ranked(self._scored(name, known, len(own), rng), own))
            known[name] = self._score(name, made[name])
        return made

    def _score(self, name: str, drawn: Drawn) -> Floats:
        """Return how far up its scale each row is, as a normal number; 0 for NULL."""
        shares = self.singles[name][: self.places[name]]
        shares = shares / max(float(shares.sum()), 1e-9)
        upto, null = np.cumsum(shares), drawn.codes >= len(shares)
        codes = np.where(null, 0, drawn.codes)
        ranks = upto[codes] - shares[codes] * (1 - drawn.within)
        scores: Floats = np.where(null, 0.0, ndtri(np.clip(ranks, 1e-6, 1 - 1e-6)))
        return scores

    def _beside(
        self, edge: Edge, by: Drawn, known: dict[str, Floats], rng: np.random.Generator
    ) -> Drawn:
        """Draw a variable beside the one that it follows.

        A scale is cut into few codes; a pair that lies on a diagonal would be blurred by as much,
        and what goes together with more than one other be lost. So the place on a scale is drawn as
        from a normal copula of all scales before it, and its shares by code are as counted.
        """
        count, places = len(by.codes), self.places[edge.name]
        shares = edge.shares + 1e-9 * self.singles[edge.name][None, :]
        shares = shares / shares.sum(axis=1, keepdims=True)
        if edge.name not in self.scales:  # a scale of one place is none
            return Drawn(*_inverse(shares[by.codes], rng.random(count)))
        level = self._levels(edge, by, known, rng)
        null = rng.random(count) < shares[by.codes, places:].sum(axis=1)
        scaled = shares[:, :places] + 1e-12
        codes, within = _inverse((scaled / scaled.sum(axis=1, keepdims=True))[by.codes], level)
        return Drawn(np.where(null, places, codes), within)

    def _levels(
        self, edge: Edge, by: Drawn, known: dict[str, Floats], rng: np.random.Generator
    ) -> Floats:
        """Return a number from 0 to 1 for each row, even among the rows of each code of `by`."""
        return _ranked(self._scored(edge.name, known, len(by.codes), rng), by.codes)

    def _scored(
        self, name: str, known: dict[str, Floats], count: int, rng: np.random.Generator
    ) -> Floats:
        """Draw normal numbers that go together with those of other scales."""
        scores: Floats = rng.standard_normal(count)
        before = [at for at, other in enumerate(self.scales) if other in known]
        if before:
            at = self.scales.index(name)
            theirs = self.correlations[np.ix_(before, before)]
            weights = np.linalg.solve(theirs, self.correlations[before, at])
            scores *= math.sqrt(max(1 - float(weights @ self.correlations[before, at]), 1e-4))
            for weight, place in zip(weights.tolist(), before):
                scores += weight * known[self.scales[place]]
        return scores


def _ranked(scores: Floats, codes: IntArray) -> Floats:
    """Return the rank of each score among those of the same code, from 0 to 1."""
    level = np.empty(len(codes))
    order = np.lexsort((scores, codes))
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    own = codes[order]
    level[order] = (np.arange(len(codes)) - starts[own] + 0.5) / sizes[own]
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
    asked: Asked, variables: Sequence[Variable], shares: tuple[float, float, float, float]
) -> Joint:
    """Ask for single columns, how scales go together, all pairs in few groups, and those of a tree.

    Parameters
    ----------
    asked : Asked
    variables : sequence of Variable
    shares : tuple of four floats
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
        shares = (sum(shares), 0.0, 0.0, 0.0)
    bound = _rows(asked) * math.sqrt(len(variables))
    every, sizes = [v.codes for v in variables], [v.size for v in variables]
    question = "how often each value is there"
    noisy, sigma = asked.counts(every, sizes, bound, shares[0], names, question)
    singles = {v.name: _single(v, counts, sigma) for v, counts in zip(variables, noisy)}
    joint = Joint(singles, {v.name: v.places for v in variables})
    joint.scales = [v.name for v in variables if v.places > 1]
    joint.correlations = np.eye(len(joint.scales))
    if not pairs:
        return joint
    if len(joint.scales) > 1:
        codes = {v.name: v.codes for v in variables}
        scales = {name: singles[name][: joint.places[name]] for name in joint.scales}
        joint.correlations = correlations(asked, codes, scales, shares[1])
    grouped = [_grouped(v, singles[v.name]) for v in variables]
    coarse, sigma = _coarse(asked, grouped, pairs, shares[2], names)
    tree = _tree(variables, {pair: _strength(*coarse[pair], sigma) for pair in pairs})
    _fill(joint, asked, variables, grouped, coarse, sigma, tree, shares[3])
    return joint


def _rows(asked: Asked) -> float:
    """Return how many rows of one value a unit may add.

    More is more noise; less lets units of many rows count like others.
    """
    return max(1.0, SETTINGS.rows_counted * asked.rows_per_unit)


def _single(variable: Variable, counts: Floats, sigma: float) -> Floats:
    if variable.long:
        first, last = inhabited(counts, sigma)
        shares = np.zeros(len(counts))
        shares[first:last] = onto_simplex(counts[first:last])
        return shares
    if variable.holders is not None and variable.holders.sum():
        return _of_many(counts, variable.holders, sigma)
    return onto_simplex(counts)


def _of_many(counts: Floats, holders: Floats, sigma: float) -> Floats:
    """Return the shares of many values: of rare ones together, and among them by their units.

    How many units have a value is known with less noise than how many rows.
    """
    known = holders / holders.sum()
    expected = known * max(float(counts[: len(holders)].sum()), 0.0)
    rare = np.flatnonzero(expected < SETTINGS.sure * sigma)  # neither other values nor NULL
    rest = np.setdiff1d(np.arange(len(counts)), rare)
    together = onto_simplex(np.append(counts[rest], counts[rare].sum()))
    shares = np.zeros(len(counts))
    shares[rest] = together[:-1]
    if known[rare].sum():
        shares[rare] = together[-1] * known[rare] / known[rare].sum()
    scaled: Floats = shares / shares.sum()
    return scaled


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
    asked: Asked,
    grouped: Sequence[_Grouped],
    pairs: Sequence[tuple[int, int]],
    share: float,
    names: tuple[str, ...],
) -> tuple[Coarse, float]:
    """Return noisy shares of all pairs in groups, with those of both sides, and their noise."""
    bound = math.sqrt(asked.rows_per_unit * len(pairs))
    codes = [_both(grouped[i].codes, grouped[j].codes, len(grouped[j].shares)) for i, j in pairs]
    sizes = [len(grouped[i].shares) * len(grouped[j].shares) for i, j in pairs]
    noisy, sigma = asked.counts(codes, sizes, bound, share, names, "which columns go together")
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
    asked: Asked,
    variables: Sequence[Variable],
    grouped: Sequence[_Grouped],
    coarse: Coarse,
    sigma: float,
    tree: Sequence[tuple[int, int]],
    share: float,
) -> None:
    """Ask for the pairs of the tree in all their codes, and take them beside the coarse ones."""
    bound = _rows(asked) * math.sqrt(len(tree))
    codes = [_both(variables[i].codes, variables[j].codes, variables[j].size) for i, j in tree]
    sizes = [variables[i].size * variables[j].size for i, j in tree]
    names = tuple(f"{variables[i].name} ~ {variables[j].name}" for i, j in tree)
    noisy, fine = asked.counts(codes, sizes, bound, share, names, "how often pairs are there")
    total = max(float(np.mean([counts.sum() for counts in noisy])), 1.0)
    for (i, j), counts in zip(tree, noisy):
        by, new = variables[i], variables[j]
        one, two = joint.singles[by.name], joint.singles[new.name]
        heard = counts.reshape(by.size, new.size) / total
        if by.places > 1 and new.places > 1:
            along = joint.correlations[joint.scales.index(by.name), joint.scales.index(new.name)]
            start = np.outer(one, two)
            start[: by.places, : new.places] = copula(one[: by.places], two[: new.places], along)
        else:
            found, rows, columns = coarse[min(i, j), max(i, j)]
            smooth = shrunk(found, rows, columns, SETTINGS.soft * sigma)
            ratio = smooth / np.maximum(np.outer(rows, columns), 1e-9)
            ratio = ratio.T if i > j else ratio
            start = np.outer(one, two) * ratio[grouped[i].groups][:, grouped[j].groups]
        apart = heard - start
        kept = start + np.sign(apart) * np.maximum(np.abs(apart) - SETTINGS.soft * fine / total, 0)
        shares = fitted_margins(np.maximum(kept, 0), one, two)
        joint.edges.append(Edge(new.name, by.name, shares))
