"""What variables tell of each other by one number a pair: a Gaussian copula to begin with.

A few hundred rows do not teach a network what goes together: it knows them by heart before that.
They do tell correlations. So each code is a stretch of a normal variable, as long as its share
(Liu, Lafferty & Wasserman, 2009), and the probability of a code, given those of the variables
before it, is that of its stretch under the normal distribution that the regression on them says.
Its logarithm is added to the network's logits, and the network learns what is left.

Where the row's own place in a series is known beforehand, that is a normal variable as well, by
rank, and known to all.

B rows, G such places, J variables, K and W coarse and fine codes, N cells: all pairs of these, of
all variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Optional

import numpy as np
import torch
from torch import Tensor, nn

from synthohive._arrays import Bools, Floats

__all__ = [
    "FAR",
    "LEAST_INDEPENDENCE",
    "Conditional",
    "Copula",
    "FittedCopula",
    "known_to",
    "regression",
]

FAR = 8.0
"""In place of infinity: beyond it there is nothing."""
LEAST_SPREAD = 4e-4, 0.05
"""Of a variable given all others, squared: where codes are narrow, and what is added where they are
wide."""
LEAST_INDEPENDENCE = 1e-3
"""Share of rows in which a variable does not know the others: what was never seen can be."""
MOST_CELLS = 2**25
"""Weights of regressions at once."""


@dataclass(frozen=True)
class FittedCopula:
    """Correlations of scores, and the stretches of codes.

    Attributes
    ----------
    covariance : ndarray of float64, shape (G + J, G + J)
        Of the scores, shrunk.
    low, high, score : ndarray of float64, shape (N,)
        Where a cell's stretch begins and ends, and the mean of the normal variable within it.
    used : ndarray of bool, shape (J,)
        Which variables are told by others better than by their shares.
    loose : float
        Weight in a mixture of the normal variable whose spread is the root of what the others
        leave: errors have heavier tails than a normal variable, and hardly ever know nothing.
    """

    covariance: Floats
    low: Floats
    high: Floats
    score: Floats
    used: Bools
    loose: float


class Copula(nn.Module):
    """The part of the network that is counted, not learned.

    Parameters
    ----------
    cardinalities, widths : sequence of int
        Of each variable's coarse and fine integer.
    given : int, default 0
        Places that are known beforehand.
    """

    def __init__(self, cardinalities: Sequence[int], widths: Sequence[int], given: int = 0) -> None:
        super().__init__()
        count, cells = len(cardinalities), sum(c * w for c, w in zip(cardinalities, widths))
        self.cardinalities, self.widths = list(cardinalities), list(widths)
        self.given = given
        self.covariance: Tensor
        self.low: Tensor
        self.high: Tensor
        self.score: Tensor
        self.used: Tensor
        self.loose: Tensor
        self.owner: Tensor
        self.first: Tensor
        self.last: Tensor
        # not on the meta device, where torch imports SymPy
        self.register_buffer("covariance", torch.eye(given + count, device="cpu"))
        for name in ("low", "high", "score"):
            self.register_buffer(name, torch.zeros(cells))
        self.register_buffer("used", torch.zeros(count))
        # read once: a step on another device would wait for them
        self._precise: Optional[Tensor] = None
        self._natural: Optional[tuple[Tensor, Tensor]] = None
        self._shares: Optional[tuple[Tensor, Tensor]] = None
        self._serves: Optional[list[bool]] = None
        self.register_buffer("loose", torch.ones(1))
        cells_of = [c * w for c, w in zip(cardinalities, widths)]
        self.starts = list(accumulate(cells_of, initial=0))
        self.ends = list(accumulate(cardinalities))  # of each variable's coarse codes
        self.split = [j for j, width in enumerate(widths) if width > 1]
        # a coarse code's stretch goes from its first cell to its last one
        codes = [(j, c) for j, size in enumerate(cardinalities) for c in range(size)]
        first = [self.starts[j] + c * widths[j] for j, c in codes]
        last = [start + widths[j] - 1 for start, (j, _) in zip(first, codes)]
        for name, part in (("owner", [j for j, _ in codes]), ("first", first), ("last", last)):
            self.register_buffer(
                name, torch.tensor(part, dtype=torch.long, device="cpu"), persistent=False
            )

    def take(self, found: FittedCopula) -> None:
        """Become what was fitted."""
        self.covariance.copy_(torch.from_numpy(found.covariance))
        # as it is stored, so that rows are the same before and after
        self._precise = torch.from_numpy(found.covariance).float().double()
        self._natural = self._shares = None
        self._serves = [bool(used) for used in found.used]
        for name in ("low", "high", "score", "used"):
            getattr(self, name).copy_(torch.from_numpy(getattr(found, name).astype(np.float32)))
        self.loose.fill_(found.loose)

    def serves(self) -> list[bool]:
        """Return which variables are told by others."""
        if self._serves is None:
            self._serves = [used > 0 for used in self.used.tolist()]
        return self._serves

    def forget(self) -> None:
        """Say nothing, as if columns were independent."""
        self.used.zero_()
        self._serves = [False] * len(self.cardinalities)

    def scores(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return (B, J); 0, which is the mean, where a code is -1."""
        widths, starts = torch.tensor(self.widths), torch.tensor(self.starts[:-1])
        cells = coarse.clamp(min=0) * widths + fine.clamp(min=0) + starts
        return self.score[cells] * (coarse >= 0)

    def regression(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights (G + J, J) of the scores that each variable knows, and its spread (J,).

        Parameters
        ----------
        mask : Tensor, shape (J, J)
            On the CPU; 1 where the row's variable is known to the column's: those before it in some
            order, or all others.
        """
        # most batches, and nearly all rows that are drawn, have the order of drawing
        known = mask > 0
        if not known.equal(torch.ones_like(known).triu(1)):
            return self._regression(known)
        if self._natural is None:
            self._natural = self._regression(known)
        return self._natural

    def _regression(self, known: Tensor) -> tuple[Tensor, Tensor]:
        # on the CPU, in double precision, which not all devices have
        if self._precise is None:
            self._precise = self.covariance.cpu().double()
        weights, spread = regression(self._precise, known_to(known, self.given))
        device = self.covariance.device
        return weights[:, self.given :].float().to(device), spread[self.given :].float().to(device)

    def logits(
        self, coarse: Tensor, fine: Tensor, mask: Tensor, given: Tensor
    ) -> tuple[dict[int, Tensor], Tensor]:
        """Return what is added to the logits of coarse codes (B, K), by variable, and of fine ones.

        Parameters
        ----------
        coarse, fine : Tensor of int, shape (B, J)
        mask : Tensor, shape (J, J)
        given : Tensor, shape (B, G)
            Scores of places.

        Returns
        -------
        dict of int to Tensor, and Tensor of shape (J', B, W)
            J' variables have fine codes.
        """
        weights, spread = self.regression(mask)
        mean = torch.cat([given, self.scores(coarse, fine)], dim=1) @ weights
        told = self._told(
            mean[:, self.owner], spread[self.owner], self.first, self.last, self.shares()[0]
        )
        starts = [0, *self.ends[:-1]]
        found = {
            j: told[:, start:end]
            for j, (start, end, used) in enumerate(zip(starts, self.ends, self.serves()))
            if used
        }
        own = coarse[:, self.split].clamp(min=0) + torch.tensor([starts[j] for j in self.split])
        finer = self._within(self.split, coarse[:, self.split], mean[:, self.split],
                             spread[self.split], told.gather(1, own))  # fmt: skip
        return found, finer.transpose(0, 1)

    def shares(self) -> tuple[Tensor, Tensor]:
        """Return the shares of all coarse codes, and of all cells."""
        if self._shares is None or self._shares[0].device != self.low.device:
            low, high = torch.special.ndtr(self.low), torch.special.ndtr(self.high)
            self._shares = high[self.last] - low[self.first], high - low
        return self._shares

    def coarser(self, j: int, mean: Tensor, spread: Tensor) -> Tensor:
        """Return what is added to one variable's logits, (B, K).

        Parameters
        ----------
        j : int
        mean, spread : Tensor, shape (B,)
            Of its normal variable, given what is known.
        """
        own = slice(self.ends[j] - self.cardinalities[j], self.ends[j])
        shares = self.shares()[0][own]
        return self._told(mean[:, None], spread[:, None], self.first[own], self.last[own], shares)

    def finer(self, j: int, coarse: Tensor, mean: Tensor, spread: Tensor, told: Tensor) -> Tensor:
        """Return what is added to the logits of a variable's fine codes, (B, W).

        Parameters
        ----------
        j : int
        coarse : Tensor of int, shape (B,)
        mean, spread : Tensor, shape (B,)
        told : Tensor, shape (B, K)
            What :meth:`coarser` says.
        """
        own = told.gather(1, coarse.clamp(min=0)[:, None])
        return self._within([j], coarse[:, None], mean[:, None], spread[:, None], own)[:, 0]

    def _within(
        self,
        variables: Sequence[int],
        coarse: Tensor,
        mean: Tensor,
        spread: Tensor,
        told: Tensor,
    ) -> Tensor:
        """Return what is added to the logits of some variables' fine codes, (B, J', W).

        Parameters
        ----------
        variables : sequence of int
        coarse, told : Tensor, shape (B, J')
            Codes, and what is added to their logits.
        mean, spread : Tensor, shape (B, J') or (J',)
        """
        widths = torch.tensor([self.widths[j] for j in variables], dtype=torch.long)
        starts = torch.tensor([self.starts[j] for j in variables], dtype=torch.long)
        first = (starts + coarse.clamp(min=0) * widths)[..., None]
        last = first + widths[:, None] - 1
        widest = max((self.widths[j] for j in variables), default=1)
        cells = torch.minimum(first + torch.arange(widest), last)
        mean, spread = mean[..., None], spread[..., None]
        # within a coarse code: what is told of both, without what is told of the coarse one
        own = self._told(mean, spread, cells, cells, self.shares()[1][cells]) - told[..., None]
        return own * self.used[list(variables), None]

    def _told(
        self, mean: Tensor, spread: Tensor, first: Tensor, last: Tensor, share: Tensor
    ) -> Tensor:
        """Return by how much stretches are more probable than their share, logarithmic."""
        low, high = self.low[first] - mean, self.high[last] - mean
        near, far = (
            torch.special.ndtr(high / wide) - torch.special.ndtr(low / wide)
            for wide in (spread, spread.sqrt())
        )
        within = near + (far - near) * self.loose
        # what no row has tells nothing: 1 either way
        ratio = torch.where(share > 1e-7, within / share.clamp(min=1e-7), torch.ones_like(within))
        return (ratio * (1 - LEAST_INDEPENDENCE) + LEAST_INDEPENDENCE).log()


class Conditional:
    """What a copula says of each variable in turn, while rows are drawn.

    Parameters
    ----------
    copula : Copula
    coarse, fine : Tensor of int, shape (J, B)
    stays : Tensor of bool, shape (J, B)
        Which of them are known from the start.
    given : Tensor, shape (B, G)
        Scores of places.
    """

    def __init__(
        self, copula: Copula, coarse: Tensor, fine: Tensor, stays: Tensor, given: Tensor
    ) -> None:
        self.copula = copula
        self.scores = torch.cat([given, copula.scores(coarse.T, fine.T)], dim=1)
        # rows of which the same is known share one regression on it and on what is drawn so far
        if bool((stays == stays[:, :1]).all()):  # as a rule: to sort rows would take longer
            patterns, self.pattern = stays.T[:1], torch.zeros(stays.shape[1], dtype=torch.long)
        else:
            patterns, self.pattern = torch.unique(stays.T, dim=0, return_inverse=True)
        count = len(stays)
        found = []
        for pattern in patterns:
            rank = torch.where(pattern, torch.arange(count) - count, torch.arange(count))
            found.append(copula.regression((rank[:, None] < rank[None, :]).float()))
        self.weights = torch.stack([weights for weights, _ in found])  # (P, G + J, J)
        self.spreads = torch.stack([spread for _, spread in found])
        self.mean = self.spread = self.told = self.scores[:, 0]

    @staticmethod
    def parts(stays: Tensor) -> list[slice]:
        """Return stretches of rows, (J, B), that memory is enough for."""
        count, rows = stays.shape
        most = max(MOST_CELLS // max(count, 1) ** 2, 1)
        same = rows <= most or bool((stays == stays[:, :1]).all())
        if same or len(torch.unique(stays.T, dim=0)) <= most:
            return [slice(0, rows)]
        return [slice(start, start + most) for start in range(0, rows, most)]

    def coarser(self, j: int) -> Optional[Tensor]:
        """Return what is added to a variable's logits, (B, K)."""
        if not self.copula.serves()[j]:
            return None
        if len(self.weights) == 1:
            self.mean = self.scores @ self.weights[0, :, j]
        else:
            self.mean = (self.scores * self.weights[self.pattern, :, j]).sum(dim=1)
        self.spread = self.spreads[self.pattern, j]
        self.told = self.copula.coarser(j, self.mean, self.spread)
        return self.told

    def finer(self, j: int, coarse: Tensor) -> Optional[Tensor]:
        """Return what is added to the logits of its fine codes, (B, W), after its coarse ones."""
        if not self.copula.serves()[j]:
            return None
        return self.copula.finer(j, coarse, self.mean, self.spread, self.told)

    def see(self, j: int, coarse: Tensor, fine: Tensor) -> None:
        """Take what was drawn, or known."""
        cells = coarse.clamp(min=0) * self.copula.widths[j] + fine.clamp(min=0)
        score = self.copula.score[self.copula.starts[j] + cells] * (coarse >= 0)
        self.scores[:, self.copula.given + j] = score


def known_to(mask: Tensor, given: int) -> Tensor:
    """Return which scores each one knows, (G + J, G + J): places are known to all variables.

    Parameters
    ----------
    mask : Tensor of bool, shape (J, J)
        The same of variables; those before each in some order, or all others.
    given : int
    """
    if not given:
        return mask
    count = given + len(mask)
    if len(mask) > 1 and bool((mask.sum(dim=0) == len(mask) - 1).all()):
        return ~torch.eye(count, dtype=torch.bool, device="cpu")
    found = torch.ones(count, count, dtype=torch.bool, device="cpu").triu(1)
    found[given:, given:] = mask
    return found


def regression(covariance: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return weights (J, J) of known scores, and the spread (J,) of normal variables given these.

    Parameters
    ----------
    covariance : Tensor of float64, shape (J, J)
        Of scores, with a variance of 1 at most.
    known : Tensor of bool, shape (J, J)
        Row by column; columns know those before them in some order, or all others.
    """
    own, number = covariance.diagonal(), known.sum(dim=0)
    one = torch.eye(len(own), dtype=own.dtype, device="cpu")
    if bool((number == len(own) - 1).all()):
        inverse = torch.linalg.inv(covariance)
        left = 1 / inverse.diagonal()
        weights = one - inverse * left
    else:
        order = number.argsort(stable=True)
        back = order.argsort()
        root = torch.linalg.cholesky(covariance[order][:, order])
        # (later, earlier), 1 on the diagonal: what is left of each is a sum of it and those before
        inner = torch.linalg.solve_triangular(root, one, upper=False) * root.diagonal()[:, None]
        left, weights = root.diagonal()[back] ** 2, (one - inner).T[back][:, back]
    # a score has less variance than the normal variable that it stands for, of which codes tell no
    # more: what is regressed on is seen, the target is what is behind
    narrow, wide = LEAST_SPREAD
    least = narrow + wide * (1 - own.clamp(max=1))
    spread = torch.maximum(1 - (own - left) / own**2, least).clamp(max=1)
    return weights / own, spread.sqrt()
