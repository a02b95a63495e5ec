"""What the siblings before say of a row's codes, told to the last layer itself.

Most of what rows of a group have in common is plain: the same category again, a number near the
one before, or near the group's mean. A network of codes has to learn that code by code, which takes
more rows than most tables have, and comes out blurred. So logits get it directly, as by copying
(See et al., 2017): each variable weighs, given all else that it knows, how much it counts to be the
same code as before, and how near a number's bin is to one, on several scales. The scales are those
of normal scores, on which a step means the same in the middle and in the tails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Optional, Union

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.metrics.associations import kappa
from synthohive.metrics.trees import Trees
from synthohive.models.autoregressive.config import TUNING
from synthohive.models.autoregressive.discretise import Discretiser
from synthohive.models.blocks import as_tensors

__all__ = ["CopyHeads", "Shown", "Source", "references", "sources_of", "tied", "weighed"]

ABSENT_FIRST = 1
"""Tables by reference begin with that of no row, which is -1."""


@dataclass(frozen=True)
class Source:
    """Where the context has what a variable was before.

    Attributes
    ----------
    variable, cardinality : int
        Its place among all, and its coarse codes.
    bins : int
        The first of these, which are places on a scale; 0 for a category.
    width : int
        Neighbours that share a coarse code.
    cuts : tuple of float
        Between the bins.
    block, first : int
        Of the row before and the group's first one, among the context's codes.
    value, mean : int
        Of the row before, and the mean of all, among its floats; -1 for a category.
    """

    variable: int
    cardinality: int
    bins: int
    width: int
    cuts: tuple[float, ...]
    block: int
    first: int
    value: int = -1
    mean: int = -1

    def references(self, codes: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return two coarse codes of each row, -1 for none: before, and the first or the mean."""
        before = codes[:, self.block].long()
        if not self.bins:
            first = codes[:, self.first].long()
            return tuple(torch.div(c, self.width, rounding_mode="floor") for c in (before, first))  # type: ignore[return-value]
        cuts = torch.tensor(self.cuts, dtype=values.dtype, device=values.device)
        last, mean = (
            torch.searchsorted(cuts, values[:, i].contiguous(), right=True)
            for i in (self.value, self.mean)
        )
        # code 0 stands for the bins; others (NULL, single values) come after these
        last = torch.where(before > 0, self.bins + before - 1, last)
        absent = before < 0
        return last.masked_fill(absent, -1), mean.masked_fill(absent, -1)

    def shown(self) -> dict[str, Tensor]:
        """Return what a reference shows of each coarse code; see :class:`Shown`.

        Nothing, of a category: the same code alone counts.
        """
        size, bins, scales = self.cardinality, self.bins, TUNING.copy_scales
        if not bins:
            return {}
        rows = ABSENT_FIRST + size
        if torch.empty(0).is_meta:  # of shapes alone, whose sizes nobody has checked yet
            shapes = {"near": ((len(scales) + 1) * rows, size), "place": (2 * rows, 4)}
            shapes["curve"] = (4, size)
            return {name: torch.empty(*shape) for name, shape in shapes.items()}
        numbers = slice(ABSENT_FIRST, ABSENT_FIRST + bins)
        score = torch.zeros(size)
        score[:bins] = torch.erfinv(2 * (torch.arange(bins) + 0.5) / bins - 1) * 2**0.5
        far = (score[:bins, None] - score[None, :bins]) ** 2
        near = torch.zeros(len(scales) + 1, rows, size)
        near[0, ABSENT_FIRST:] = torch.eye(size)
        for i, scale in enumerate(scales):
            near[1 + i, numbers, :bins] = -torch.log1p(far / scale**2)
        # with its square, the logarithmic density of a normal score given another: of each code, a
        # number that follows from the reference times one that follows from the code
        place = torch.zeros(2, rows, 4)
        place[0, numbers, 0] = place[1, numbers, 3] = score[:bins]
        place[0, numbers, 1] = 1
        curve = torch.stack([score, score**2, torch.zeros(size), score])
        return {"near": near.flatten(0, 1), "place": place.flatten(0, 1), "curve": curve}

    @property
    def features(self) -> int:
        """How many weights a row has."""
        return len(TUNING.copy_scales) + 5 if self.bins else 2


@dataclass(frozen=True)
class Shown:
    """What references show of a number's codes: K codes, S scales.

    Attributes
    ----------
    near : Tensor, shape ((S + 1) * (1 + K), K)
        By reference, first that of no row: whether each code is the same, and how near it is, on
        several scales.
    place : Tensor, shape (2 * (1 + K), 4)
        Of the row before its normal score and whether it is a number, of the mean its score.
    curve : Tensor, shape (4, K)
        What these are multiplied by.
    """

    near: Tensor
    place: Tensor
    curve: Tensor


def sources_of(discretiser: Discretiser, context: Layout) -> list[Source]:
    """Return the variables of which the context tells what they were before."""
    own = discretiser.layout
    before = _start(context.discrete, own.discrete, "previous")
    first = _start(context.discrete, own.discrete, "siblings")
    value = _start(context.continuous, own.continuous, "previous")
    mean = _start(context.continuous, own.continuous, "siblings")
    if min(before, first, value, mean) < 0:
        return []
    found = []
    for j, variable in enumerate(discretiser.variables):
        i, k = variable.block, variable.floats
        if i is None or (k is not None and discretiser.active[k] != 1):
            continue  # each mode has a scale of its own
        if k is not None and variable.cardinality > TUNING.large:
            continue  # what codes show grows with their square
        if k is None:
            scale, width = (0, variable.width, ()), (-1, -1)
            place = Source(j, variable.cardinality, *scale, before + i, first + i, *width)
        else:
            bins = discretiser.bins[k]
            cuts = tuple(bins.low[bins.first[1:-1]].tolist())
            scale_of = (len(bins.mode), 1, cuts)
            place = Source(
                j, variable.cardinality, *scale_of, before + i, first + i, value + k, mean + k
            )
        found.append(place)
    return found


def _start(
    blocks: Sequence[Union[Discrete, Continuous]],
    own: Sequence[Union[Discrete, Continuous]],
    what: str,
) -> int:
    """Return where a context's blocks are a table's own ones, of earlier rows; -1 if nowhere."""
    wanted = [f"{what}.{block.column}" for block in own]
    names = [block.column for block in blocks]
    # from behind: the siblings before stand behind all ancestors, whatever these are called
    starts = range(len(names) - len(wanted), -1, -1)
    return next((i for i in starts if names[i : i + len(wanted)] == wanted), -1)


def before_history(context: Layout) -> tuple[int, int]:
    """Return how many codes and floats of the context stand before those of earlier rows."""
    found = []
    for blocks in (context.discrete, context.continuous):
        names = [block.column for block in blocks]
        starts = (i for i, name in enumerate(names) if name.startswith("previous."))
        found.append(next(starts, len(names)))
    return found[0], found[1]


def own_places(context: Layout) -> list[int]:
    """Return which floats of the context are the row's own place in a series.

    It is a column that is settled before all else of the row: how far a series has come, or a date
    that is known beforehand. Other numbers of the context are left to layers: a regression on
    dozens, which mean nearly the same, goes far off where drawn rows come before drawn ones.
    """
    names = [block.column for block in context.continuous]
    group = ("__place__", "__position__", "__group_size__")
    return [
        i for i, name in enumerate(names)
        if name.startswith("so far.") or (name.startswith("__") and name not in group)
    ]  # fmt: skip


def tied(sources: Sequence[Source], codes: IntArray, context: EncodedTable, own: Layout) -> Bools:
    """Return of which variables the rows before tell something that all else known does not.

    What is copied is learned sooner than all else. Of temperatures that follow the season, it would
    be learned in the season's place: beside real rows before, both are as good, but drawn rows
    would only follow each other.

    Parameters
    ----------
    sources : sequence of Source
    codes : ndarray of int64, shape (rows, variables)
        Coarse ones.
    context : EncodedTable
        Of these rows.
    own : Layout
        Of the rows themselves, by which what stands before is found.
    """
    else_known = np.column_stack([
        context.codes[:, : _start(context.layout.discrete, own.discrete, "previous")],
        context.values[:, : _start(context.layout.continuous, own.continuous, "previous")],
    ]).astype(np.float64)  # fmt: skip
    told = as_tensors(context)
    found = []
    for source in sources:
        values = codes[:, source.variable]
        pairs = [(values, r.numpy()) for r in source.references(*told)]
        found.append(any(_tied(*pair, source.bins, else_known) for pair in pairs))
    return np.array(found, dtype=np.bool_)


def _tied(own: IntArray, reference: IntArray, bins: int, else_known: Floats) -> bool:
    rows = np.flatnonzero((own >= 0) & (reference >= 0))
    if len(rows) < TUNING.least_pairs:
        return False
    some = min(len(rows), TUNING.tied_rows)
    rows = rows[np.linspace(0, len(rows) - 1, some).astype(np.int64)]
    least = TUNING.least_tie + 3 / np.sqrt(len(rows))  # beyond what as many rows have by chance
    numbers = rows[(own[rows] < bins) & (reference[rows] < bins)]
    return _agreement(own[rows], reference[rows], else_known[rows], least) or (
        len(numbers) >= TUNING.least_pairs
        and _correlated(own[numbers], reference[numbers], else_known[numbers], least)
    )


def _agreement(own: IntArray, reference: IntArray, else_known: Floats, least: float) -> bool:
    """Return whether codes equal a reference more often than chance, and all else, tell."""
    from sklearn.tree import DecisionTreeClassifier

    alike, size = own == reference, int(max(own.max(), reference.max())) + 1
    shares = [np.bincount(c, minlength=size) / len(own) for c in (own, reference)]

    plain = kappa(float(alike.mean()), float(np.dot(*shares))) > least
    if not plain or not else_known.shape[1]:
        return plain
    tree = DecisionTreeClassifier(max_leaf_nodes=64, min_samples_leaf=20, random_state=0)
    likely = np.zeros((len(own), size))
    tree.fit(else_known, own)
    likely[:, tree.classes_] = tree.predict_proba(else_known)
    chance = float(likely[np.arange(len(own)), reference].mean())
    return bool(kappa(float(alike.mean()), chance) > least)


def _correlated(own: IntArray, reference: IntArray, else_known: Floats, least: float) -> bool:
    """Return whether numbers rise or fall with a reference beyond what all else tells of both."""
    pair = [bins.astype(np.float64) for bins in (own, reference)]
    plain = _correlation(pair) > least
    if not plain or not else_known.shape[1]:
        return plain
    left = [v - Trees(else_known, v, 0, numeric=True).predictions(else_known) for v in pair]
    return _correlation(left) > least


def _correlation(pair: Sequence[Floats]) -> float:
    if not all(v.std() > 0 for v in pair):
        return 0.0
    return abs(float(np.corrcoef(pair[0], pair[1])[0, 1]))


def references(sources: Sequence[Source], codes: Tensor, values: Tensor) -> Tensor:
    """Return (B, 2 S) coarse codes, as floats: they travel behind the context's vector."""
    found = [r for source in sources for r in source.references(codes, values)]
    return torch.stack(found, dim=1).to(values.dtype) if found else values.new_zeros(len(codes), 0)


class CopyHeads(nn.Module):
    """Logits by what variables were before: features of each code, weighed by what is known.

    S sources, H hidden, M features.

    Parameters
    ----------
    sources : sequence of Source
    hidden : int
    """

    def __init__(self, sources: Sequence[Source], hidden: int) -> None:
        super().__init__()
        self.sources = list(sources)
        self.place = {source.variable: i for i, source in enumerate(self.sources)}
        for i, source in enumerate(self.sources):
            for name, table in source.shown().items():
                self.register_buffer(f"{name}{i}", table, persistent=False)
        most = max((source.features for source in self.sources), default=0)
        # zeros: training begins with the marginal shares
        self.weight = nn.Parameter(torch.zeros(len(self.sources), hidden, most))
        self.bias = nn.Parameter(torch.zeros(len(self.sources), 1, most))

    def __contains__(self, variable: int) -> bool:
        return variable in self.place

    def logits(self, hidden: Tensor, references: Tensor) -> dict[int, Tensor]:
        """Return (B, K) by variable, from hidden (J, B, H) and references (B, 2 S)."""
        found = {}
        for i, source in enumerate(self.sources):
            own = source.features
            bias, weight = self.bias[i, :, :own], self.weight[i, :, :own]
            weights = torch.addmm(bias, hidden[source.variable], weight)
            pair = references[:, 2 * i : 2 * i + 2].long()
            found[source.variable] = weighed(weights, pair, self.shown(i), source.cardinality)
        return found

    def shown(self, i: int) -> Optional[Shown]:
        """Return what references show of one source's codes; None of a category."""
        if not self.sources[i].bins:
            return None
        return Shown(*(getattr(self, f"{field.name}{i}") for field in fields(Shown)))


def weighed(weights: Tensor, pair: Tensor, shown: Optional[Shown], size: int) -> Tensor:
    """Return logits (B, K) of weights (B, M) of features, by two references (B, 2).

    Parameters
    ----------
    weights : Tensor
        Of a category: to be the same code as either. Of a number: to be the same as in the row
        before, near it, and on its curve; near the mean, and on its curve.
    pair : Tensor of int
        -1: none.
    shown : Shown, optional
        Of a number.
    size : int
        Codes.
    """
    place = pair + ABSENT_FIRST
    if shown is None:
        found = weights.new_zeros(len(weights), ABSENT_FIRST + size)
        return found.scatter_add(1, place, weights[:, :2])[:, ABSENT_FIRST:]
    rows = ABSENT_FIRST + size
    scales = len(shown.near) // rows - 1
    # features of the row before, then that of the mean: weighed sums of rows of one table, which
    # nothing is copied for
    at = torch.cat([place[:, :1].expand(-1, scales + 1), place[:, 1:]], dim=1)
    at = at + rows * torch.tensor([*range(scales + 1), scales], device=at.device)
    own = torch.cat([weights[:, : scales + 1], weights[:, scales + 3 : scales + 4]], dim=1)
    found = functional.embedding_bag(at, shown.near, per_sample_weights=own, mode="sum")
    behind = place + place.new_tensor([0, rows])
    told = weights[:, scales + 1 :] * functional.embedding_bag(behind, shown.place, mode="sum")
    return torch.addmm(found, told, shown.curve)
