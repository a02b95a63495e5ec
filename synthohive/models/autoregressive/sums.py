"""What wide tables know of the variables before one: a few numbers that all of them add to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from synthohive.models.autoregressive.config import TUNING

__all__ = ["Sums"]


class Sums(nn.Module):
    """Each variable adds its vector, by a matrix of its own, and reads the sum by another.

    A matrix for each pair of variables would be a number of weights that grows with the square
    of the columns. B rows, J variables, E embedding, R rank, H hidden, L variables of many codes.

    Parameters
    ----------
    count, embedding, hidden : int
    wide : sequence of int
        Variables of many codes, which add a further vector.
    """

    def __init__(self, count: int, embedding: int, hidden: int, wide: Sequence[int]) -> None:
        super().__init__()
        rank = TUNING.rank
        self.wide = list(wide)
        # sums of J * E terms, and of R: a variance of about 1, however many columns there are;
        # divided by, as a product on the meta device imports torch's compiler
        size, far = math.sqrt(embedding * count), math.sqrt(TUNING.wide * count)
        self.enter = nn.Parameter(torch.randn(count, embedding, rank) / size)
        self.enter_wide = nn.Parameter(torch.randn(len(self.wide), TUNING.wide, rank) / far)
        self.leave = nn.Parameter(torch.randn(count, rank, hidden) / math.sqrt(rank))

    def forward(self, vectors: Tensor, further: Tensor, mask: Tensor) -> Tensor:
        """Return what each variable is given of those that it knows, (J, B, H).

        Parameters
        ----------
        vectors : Tensor, shape (B, J, E)
        further : Tensor, shape (B, L, wide)
        mask : Tensor, shape (J, J)
            1 where the row's variable is known to the column's: those before it in some order, or
            all others.
        """
        own = torch.bmm(vectors.transpose(0, 1), self.enter)  # (J, B, R)
        if self.wide:
            added = torch.bmm(further.transpose(0, 1), self.enter_wide)
            own = own.index_add(0, torch.tensor(self.wide), added)
        known = mask.sum(dim=0)
        if bool((known == len(own) - 1).all()):
            sums = own.sum(dim=0, keepdim=True) - own
        else:  # one pass in the order, where each knows as many as stand before it
            order = known.argsort()
            sums = (own[order].cumsum(dim=0) - own[order])[order.argsort()]
        return torch.bmm(sums, self.leave)

    def entering(self, j: int) -> Tensor:
        """Return by what the vectors of one variable's codes are added, (E or more, R)."""
        if j not in self.wide:
            return self.enter[j]
        return torch.cat([self.enter[j], self.enter_wide[self.wide.index(j)]])

    def forget(self, used: Tensor) -> None:
        """Drop what variables read whose rows that were not learned tell nothing of, (J,)."""
        self.leave.mul_(used[:, None, None])
