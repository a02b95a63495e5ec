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
from dataclasses import dataclass
from typing import Union

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

__all__ = ["CopyHeads", "Source", "references", "sources_of", "tied", "weighed"]

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

    def tables(self) -> tuple[Tensor, Tensor]:
        """Return what each coarse code shows, by either reference, (1 + K, features, K)."""
        size, bins = self.cardinality, self.bins
        if not bins:  # the same code alone counts: there is nothing to be looked up
            return torch.zeros(0, 1, size), torch.zeros(0, 1, size)
        scales = TUNING.copy_scales
        if torch.empty(0).is_meta:  # of shapes alone, whose sizes nobody has checked yet
            return torch.empty(0, len(scales) + 3, size), torch.empty(0, 2, size)
        place = (torch.arange(bins) + 0.5) / bins
        score = torch.erfinv(2 * place - 1) * 2**0.5
        far = (score[:, None] - score[None, :]) ** 2
        near = [-torch.log1p(far / scale**2) for scale in scales]
        # with its square, the logarithmic density of a normal score given another
        product, square = score[:, None] * score[None, :], (score**2).expand(bins, bins)
        before = torch.zeros(size, len(near) + 3, size)
        before[:, 0] = torch.eye(size)
        before[:bins, 1:, :bins] = torch.stack([*near, product, square], dim=1)
        mean = torch.zeros(size, 2, size)
        mean[:bins, :, :bins] = torch.stack([near[-1], product], dim=1)
        return _behind_none(before), _behind_none(mean)


def _behind_none(table: Tensor) -> Tensor:
    """Return a table by reference behind that of no row, which shows nothing."""
    return torch.cat([torch.zeros_like(table[:1]), table])


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
        self.features = []
        for i, source in enumerate(self.sources):
            tables = source.tables()
            self.features.append([table.shape[1] for table in tables])
            for name, table in zip(("before", "mean"), tables):
                self.register_buffer(f"{name}{i}", table, persistent=False)
        most = max((sum(counts) for counts in self.features), default=0)
        # zeros: training begins with the marginal shares
        self.weight = nn.Parameter(torch.zeros(len(self.sources), hidden, most))
        self.bias = nn.Parameter(torch.zeros(len(self.sources), 1, most))

    def __contains__(self, variable: int) -> bool:
        return variable in self.place

    def logits(self, hidden: Tensor, references: Tensor) -> dict[int, Tensor]:
        """Return (B, K) by variable, from hidden (J, B, H) and references (B, 2 S)."""
        found = {}
        for i, source in enumerate(self.sources):
            weights = torch.addmm(self.bias[i], hidden[source.variable], self.weight[i])
            pair = references[:, 2 * i : 2 * i + 2].long()
            found[source.variable] = weighed(weights, pair, self.tables(i))
        return found

    def tables(self, i: int) -> tuple[Tensor, Tensor]:
        """Return the features of one source's codes, by either reference."""
        before: Tensor = getattr(self, f"before{i}")
        mean: Tensor = getattr(self, f"mean{i}")
        return before, mean


def weighed(weights: Tensor, pair: Tensor, tables: tuple[Tensor, Tensor]) -> Tensor:
    """Return logits (B, K) of weights (B, M) of features, by two references (B, 2)."""
    found, start = None, 0
    for k, table in enumerate(tables):
        count, size = table.shape[1:]
        own = weights[:, start : start + count]
        place = pair[:, k] + ABSENT_FIRST
        if count == 1:  # the same code alone: nothing else is to be looked up
            part = own.new_zeros(len(own), size + 1).scatter(1, place[:, None], own)
            part = part[:, ABSENT_FIRST:]
        else:
            # a row's features are one stretch: (B, 1, M) @ (B, M, K), six times as fast as by code
            shown = functional.embedding(place, table.flatten(1)).view(len(own), count, size)
            part = torch.bmm(own.unsqueeze(1), shown).squeeze(1)
        found, start = part if found is None else found + part, start + count
    if found is None:
        raise ValueError("no table")
    return found
