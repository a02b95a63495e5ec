"""What several variables are together: vectors of combinations that enough entities share.

A layer adds up what each variable before it tells. What a combination tells (carrier, airport and
hour: the number of the flight) is more than that, and thousands of combinations are more than its
units hold. So combinations have vectors of their own, as crossed columns do (Cheng et al., "Wide &
deep learning", 2016): those along a tree of contexts, each of which corrects the one above it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor, nn

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.models.autoregressive.config import TUNING

__all__ = ["Cross", "Crosses", "find_crosses"]

Shared = Callable[[IntArray, int], Bools]
"""From a number of each row (-1: none), and how many numbers there are, to which enough share."""


@dataclass(frozen=True)
class Cross:
    """Combinations of variables that tell another one.

    Attributes
    ----------
    target : int
    path : tuple of int
        The variables that are combined, each level of the tree one more.
    keys : tuple of ndarray of int64
        The nodes of each level but the first, of which a node is a code: ``node above * codes of
        the variable + code``, in their order. A node's number is its place among these.
    """

    target: int
    path: tuple[int, ...]
    keys: tuple[IntArray, ...]
    rows: tuple[IntArray, ...]  # how many rows have each

    @property
    def nodes(self) -> int:
        """How many combinations there are."""
        return sum(map(len, self.keys))


class Crosses(nn.Module):
    """Adds vectors of combinations to the layers of some variables.

    B rows, J variables, X crosses, L levels, R width of a vector, H hidden.

    Parameters
    ----------
    crosses : sequence of Cross
    cardinalities : sequence of int
        Codes of each variable.
    hidden : int
    """

    def __init__(self, crosses: Sequence[Cross], cardinalities: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.crosses, self.cardinalities = list(crosses), list(cardinalities)
        self.targets = [cross.target for cross in crosses]
        self.place = {j: x for x, j in enumerate(self.targets)}
        self.levels = max((len(cross.keys) for cross in crosses), default=0)
        # 0 stands for combinations that too few share: zeros
        self.starts = list(accumulate((cross.nodes for cross in crosses), initial=1))
        self.vectors = nn.Embedding(self.starts[-1], TUNING.crossed)
        nn.init.zeros_(self.vectors.weight)
        rows = np.concatenate([[0], *(own for cross in crosses for own in cross.rows)])
        # credibility: Adam's steps are as long for ten rows as for a thousand
        own = rows / (rows + TUNING.cross_credible)
        self.pace: Tensor
        self.register_buffer("pace", torch.from_numpy(TUNING.pace * own).float(), persistent=False)
        self.leave = nn.Parameter(
            torch.randn(len(crosses), TUNING.crossed, hidden) / math.sqrt(TUNING.crossed)
        )
        for x, cross in enumerate(crosses):
            for level, keys in enumerate(cross.keys):
                found = torch.from_numpy(self._spaced(cross, level, keys))
                self.register_buffer(f"keys_{x}_{level}", found, persistent=False)

    def forward(self, coarse: Tensor, mask: Tensor) -> Tensor:
        """Return what is added to the layers of the targets, (X, B, H).

        Parameters
        ----------
        coarse : Tensor of int, shape (B, J)
            Negative: not known.
        mask : Tensor, shape (J, J)
            1 where the row's variable is known to the column's. A combination is known as a whole.
        """
        known = [bool(mask[list(c.path), c.target].all()) for c in self.crosses]
        nobody = coarse.new_zeros(len(coarse), self.levels)
        nodes = torch.stack([
            self.nodes(x, coarse.T) if told else nobody for x, told in enumerate(known)
        ])  # fmt: skip
        # few batches have a combination, which has to go far in few steps
        sums = (self.vectors(nodes) * self.pace[nodes].unsqueeze(-1)).sum(dim=2)
        return torch.bmm(sums, self.leave)  # (X, B, R) @ (X, R, H)

    def _spaced(self, cross: Cross, level: int, keys: IntArray) -> IntArray:
        """Return keys that no unknown code comes to; the last one stands behind what is sought."""
        size = self.cardinalities[cross.path[level + 1]]
        return np.append(keys // size * (size + 2) + keys % size, np.iinfo(np.int64).max)

    def _along(self, x: int, coarse: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield which rows have a node on each level, and its place there, (B,) each."""
        path = self.crosses[x].path
        node = coarse[path[0]]
        for level, j in enumerate(path[1:]):
            keys: Tensor = getattr(self, f"keys_{x}_{level}")
            # codes go from -2 on, and a node of -1 is none: either comes to a number between keys
            wanted = torch.add(coarse[j], node, alpha=self.cardinalities[j] + 2)
            place = torch.searchsorted(keys, wanted)
            known = keys[place] == wanted
            node = torch.where(known, place, -1)
            yield known, place

    def nodes(self, x: int, coarse: Tensor) -> Tensor:
        """Return the place of each row's vector on each level, (B, L), of codes (J, B); 0: none."""
        start, found = self.starts[x], []
        for (known, place), keys in zip(self._along(x, coarse), self.crosses[x].keys):
            found.append(torch.where(known, place + start, 0))
            start += len(keys)
        found += [torch.zeros_like(found[0])] * (self.levels - len(found))
        return torch.stack(found, dim=1)

    def deepest(self, x: int, coarse: Tensor) -> Tensor:
        """Return each row's last node among those of a cross, (B,), of codes (J, B); 0: none."""
        start, found = 1, torch.zeros_like(coarse[0])
        for (known, place), keys in zip(self._along(x, coarse), self.crosses[x].keys):
            found = torch.where(known, place + start, found)
            start += len(keys)
        return found

    def summed(self, x: int) -> Tensor:
        """Return what each node of a cross, and those above it, add to its target's layer.

        Returns
        -------
        Tensor, shape (1 + nodes, H)
            By :meth:`deepest`.
        """
        cross, own = self.crosses[x], slice(self.starts[x], self.starts[x + 1])
        vectors = self.pace[own].unsqueeze(1) * self.vectors.weight[own].detach()
        sizes = [len(keys) for keys in cross.keys]
        levels = torch.split_with_sizes(vectors @ self.leave[x].detach(), sizes)
        found = [torch.zeros_like(levels[0][:1])]
        for level, (sums, keys) in enumerate(zip(levels, cross.keys)):
            above = torch.from_numpy(keys // self.cardinalities[cross.path[level + 1]])
            found.append(sums + found[-1][above] if level else sums)
        return torch.cat(found)

    def forget(self, used: Tensor) -> None:
        """Drop what variables read whose rows that were not learned tell nothing of, (J,)."""
        self.leave.mul_(used[self.targets][:, None, None])
        for x, start in enumerate(self.starts[:-1]):
            self.vectors.weight[start : self.starts[x + 1]] *= used[self.targets[x]]


def find_crosses(
    codes: IntArray, sizes: Sequence[int], rng: np.random.Generator, shared: Shared
) -> list[Cross]:
    """Return the combinations that tell variables after them, as held-out rows bear out.

    Parameters
    ----------
    codes : ndarray of int64, shape (rows, J)
        In the order of drawing; negative where nothing is told.
    sizes : sequence of int
        Codes of each variable.
    rng : numpy.random.Generator
    shared : callable
        Which combinations may be shown.
    """
    some = codes[rng.permutation(len(codes))[: TUNING.cross_rows]]
    found = []
    for j in range(2, len(sizes)):
        path = _path(some[some[:, j] >= 0], j, sizes)
        if len(path) > 1:
            cross = _tree(codes, j, path, sizes, shared)
            if cross.keys:
                found.append(cross)
    return found


def _path(rows: IntArray, j: int, sizes: Sequence[int]) -> list[int]:
    """Return the variables that tell one best together, one after the other."""
    cut, told = len(rows) * 4 // 5, rows[:, j]
    if not cut or sizes[j] < 2:
        return []
    counts = np.bincount(told[:cut], minlength=sizes[j]) + 0.1
    best: Floats = np.log(counts / counts.sum())[told[cut:]]  # log-likelihood of held-out rows
    node, path = np.zeros(len(rows), dtype=np.int64), list[int]()
    left = [i for i in range(j) if sizes[i] > 1]
    while left and len(path) < TUNING.cross_depth:
        joined = [node * (sizes[i] + 1) + np.maximum(rows[:, i], -1) + 1 for i in left]
        tried = [_backed_off(own, told, cut, sizes[j], best) for own in joined]
        gains = [own.mean() - best.mean() for own in tried]
        order = np.argsort(gains, kind="stable")[::-1]
        first = int(order[0])
        error = np.std(tried[first] - best) / math.sqrt(len(best))
        if gains[first] < max(TUNING.cross_gain, 3 * error):
            break
        best = tried[first]
        node = np.unique(joined[first], return_inverse=True)[1].reshape(-1).astype(np.int64)
        path.append(left[first])
        # those that tell little alone are not tried again: a table of many columns has many
        left = [left[i] for i in order[1 : 1 + TUNING.cross_tried].tolist()]
    return path


def _backed_off(contexts: IntArray, told: IntArray, cut: int, size: int, beyond: Floats) -> Floats:
    """Return log-likelihoods of held-out codes by counts in a context, and those beyond it.

    By Witten and Bell (1991): a context counts the more, the fewer different codes its rows have.

    Parameters
    ----------
    contexts, told : ndarray of int64
    cut : int
        Rows that are counted; others are held out.
    size : int
        Codes of what is told.
    beyond : ndarray of float64
        Log-likelihoods of held-out rows by what they have in common with more rows.
    """
    both = contexts * size + told
    pairs, counts = np.unique(both[:cut], return_counts=True)
    known, first = np.unique(pairs // size, return_index=True)
    rows, kinds = np.add.reduceat(counts, first), np.diff(np.r_[first, len(pairs)])
    at = np.minimum(np.searchsorted(known, contexts[cut:]), len(known) - 1)
    pair = np.minimum(np.searchsorted(pairs, both[cut:]), len(pairs) - 1)
    number = np.where(pairs[pair] == both[cut:], counts[pair], 0)
    mixed = (number + kinds[at] * np.exp(beyond)) / (rows[at] + kinds[at])
    enough = (known[at] == contexts[cut:]) & (rows[at] >= TUNING.cross_least)
    found: Floats = np.where(enough, np.log(np.maximum(mixed, 1e-12)), beyond)
    return found


def _tree(
    codes: IntArray, j: int, path: Sequence[int], sizes: Sequence[int], shared: Shared
) -> Cross:
    """Return the combinations along a path that may be shown."""
    node = np.where(codes[:, j] < 0, -1, codes[:, path[0]])
    levels, rows = [], []
    for i in path[1:]:
        known = np.flatnonzero((node >= 0) & (codes[:, i] >= 0))
        keys, place = np.unique(node[known] * sizes[i] + codes[known, i], return_inverse=True)
        node = np.full(len(codes), -1, dtype=np.int64)
        node[known] = place.reshape(-1)
        kept = shared(node, len(keys))
        if not kept.any():
            break
        node[known] = np.where(kept, np.cumsum(kept) - 1, -1)[node[known]]
        levels.append(keys[kept].astype(np.int64))
        rows.append(np.bincount(node[node >= 0], minlength=int(kept.sum())))
    return Cross(j, tuple(path[: len(levels) + 1]), tuple(levels), tuple(rows))
