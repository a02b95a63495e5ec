"""What the context tells of variables that few rows tell of: a small tree each.

How a series begins is told by one row of its group. Of 3,000 rows in 120 groups, a network sees 120
of them, a few in each batch, and a dozen of those held out bear nothing out. A classification tree
(Breiman et al., "Classification and regression trees", 1984) tells the same from as few, where it
hangs on the size of the group or on its parent; how many leaves it has, cross-validation says. The
logarithms of its leaves' shares are added to the network's logits. Nodes of fewer than `k` entities
are cut off.

B rows, V such variables, N nodes, K codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import torch
from torch import Tensor, nn

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.autoregressive.discretise import Variable
from synthohive.privacy.entities import Entities

__all__ = ["ContextTrees", "seldom_told"]


@dataclass(frozen=True)
class Tuning:
    """Numbers of the trees."""

    most_told: float = 0.5
    least_rows: int = 50
    most_rows: int = 2_000
    """Share of the rows, and rows, that may tell of a variable which has a tree; and must."""
    leaf: int = 10
    """Rows of a leaf at least."""
    leaves: tuple[int, ...] = (2, 4, 8, 16)
    folds: int = 5
    prior: float = 5.0
    """Rows that a leaf's shares count as if they were those of all."""
    sure: float = 1.0
    """Standard errors by which more leaves must tell more of other folds."""


TUNING = Tuning()
NODES = 2 * max(TUNING.leaves) - 1


def seldom_told(data: EncodedTable, variables: Sequence[Variable]) -> list[int]:
    """Return the variables that few rows tell of."""
    most = min(TUNING.most_rows, TUNING.most_told * len(data))
    rows = [
        np.isnan(data.values[:, v.floats or 0]) if v.block is None else data.codes[:, v.block] < 0
        for v in variables
    ]
    told = [len(data) - int(untold.sum()) for untold in rows]
    return [j for j, count in enumerate(told) if TUNING.least_rows <= count < most]


class ContextTrees(nn.Module):
    """The trees of some variables, all walked at once.

    Parameters
    ----------
    variables : sequence of int
        Which have one.
    cardinalities : sequence of int
        Of all variables.
    inputs : int
        Codes and floats of the context that trees may look at: the first ones of each.
    """

    def __init__(
        self, variables: Sequence[int], cardinalities: Sequence[int], inputs: tuple[int, int]
    ) -> None:
        super().__init__()
        self.variables, self.inputs = list(variables), inputs
        self.place = {j: i for i, j in enumerate(self.variables)}
        shape = (len(self.variables), NODES)
        self.feature: Tensor
        self.threshold: Tensor
        self.left: Tensor
        self.right: Tensor
        stay = torch.arange(NODES, device="cpu").repeat(len(self.variables), 1)
        # a single leaf: left and right lead back to it
        for name, table in (
            ("feature", torch.zeros(shape, dtype=torch.long, device="cpu")),
            ("threshold", torch.zeros(shape, device="cpu")),
            ("left", stay),
            ("right", stay.clone()),
        ):
            self.register_buffer(name, table)
        for i, j in enumerate(self.variables):
            self.register_buffer(f"told{i}", torch.zeros(NODES, cardinalities[j], device="cpu"))

    def __contains__(self, variable: int) -> bool:
        return variable in self.place

    def fit(
        self,
        codes: Tensor,
        values: Tensor,
        coarse: Tensor,
        rng: np.random.Generator,
        entities: Entities,
        k: int,
    ) -> None:
        """Grow the trees.

        Parameters
        ----------
        codes, values : Tensor
            The context of some rows.
        coarse : Tensor of int, shape (B, J)
        rng : numpy.random.Generator
        entities : Entities
            Behind these rows.
        k : int
            How many of them must stand behind what is kept.
        """
        seen = self._seen(codes, values).double().numpy()
        for i, j in enumerate(self.variables):
            own = coarse[:, j].numpy()
            told = own >= 0
            size = self.told(j).shape[1]
            tree = _grown(seen[told], own[told], size, rng)
            if tree is not None:
                self._take(i, tree, size, _shown(tree, seen[told], entities.take(told), k))

    def leaves(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return (B, V) numbers of nodes, as floats: they travel behind the context's vector."""
        if not self.variables:
            return values.new_zeros(len(codes), 0)
        seen = self._seen(codes, values)
        node = torch.zeros(len(codes), len(self.variables), dtype=torch.long, device=codes.device)
        which = torch.arange(len(self.variables), device=codes.device)
        for _ in range(max(TUNING.leaves)):
            low = seen.gather(1, self.feature[which, node]) <= self.threshold[which, node]
            after = torch.where(low, self.left[which, node], self.right[which, node])
            if bool((after == node).all()):
                break
            node = after
        return node.to(values.dtype)

    def told(self, j: int) -> Tensor:
        """Return what each node of a variable's tree adds to its logits, (N, K)."""
        found: Tensor = getattr(self, f"told{self.place[j]}")
        return found

    def logits(self, leaves: Tensor) -> dict[int, Tensor]:
        """Return (B, K) by variable."""
        nodes = leaves.long()
        return {j: self.told(j)[nodes[:, i]] for i, j in enumerate(self.variables)}

    def _seen(self, codes: Tensor, values: Tensor) -> Tensor:
        discrete, continuous = self.inputs
        return torch.cat([codes[:, :discrete].to(values.dtype), values[:, :continuous]], dim=1)

    def _take(self, i: int, tree: Any, size: int, shown: Bools) -> None:
        own = tree.tree_
        count = own.node_count
        inner = (own.children_left >= 0) & shown[own.children_left] & shown[own.children_right]
        stay = np.arange(count)
        with torch.no_grad():
            self.feature[i, :count] = torch.from_numpy(np.where(inner, own.feature, 0))
            self.threshold[i, :count] = torch.from_numpy(
                np.where(inner, own.threshold, 0.0).astype(np.float32)
            )
            self.left[i, :count] = torch.from_numpy(np.where(inner, own.children_left, stay))
            self.right[i, :count] = torch.from_numpy(np.where(inner, own.children_right, stay))
            shares = torch.from_numpy(_shares(tree, size)).float()
            told = (shares / shares[0]).log()
            getattr(self, f"told{i}")[:count] = told * torch.from_numpy(shown)[:, None]


def _grown(seen: Floats, codes: IntArray, size: int, rng: np.random.Generator) -> Optional[Any]:
    """Return the tree with as many leaves as tell of other folds; None where none tells.

    Parameters
    ----------
    seen : ndarray of float64, shape (B, F)
    codes : ndarray of int64, shape (B,)
    size : int
        Codes that there are.
    rng : numpy.random.Generator
    """
    from sklearn.tree import DecisionTreeClassifier

    if not seen.shape[1] or len(codes) < TUNING.least_rows:
        return None
    fold = rng.permutation(len(codes)) % TUNING.folds

    def tree(leaves: int, rows: Bools) -> Any:
        grown = DecisionTreeClassifier(
            criterion="entropy", max_leaf_nodes=leaves, min_samples_leaf=TUNING.leaf, random_state=0
        )
        return grown.fit(seen[rows].astype(np.float32), codes[rows])

    every = np.ones(len(codes), dtype=np.bool_)
    best, chosen = np.zeros(len(codes)), 0
    for leaves in TUNING.leaves:
        gain = np.empty(len(codes))
        for number in range(TUNING.folds):
            others = fold == number
            grown = tree(leaves, ~others)
            shares = _shares(grown, size)
            at = grown.apply(seen[others].astype(np.float32))
            own = codes[others]
            gain[others] = np.log(shares[at, own] / shares[0, own])
        more = gain - best
        if more.mean() > TUNING.sure * more.std() / np.sqrt(len(more)):
            best, chosen = gain, leaves
    return tree(chosen, every) if chosen else None


def _shown(tree: Any, seen: Floats, entities: Entities, k: int) -> Bools:
    """Return which nodes have rows of enough entities."""
    path = tree.decision_path(seen.astype(np.float32)).tocsc()
    inside = (path.indices[a:b] for a, b in zip(path.indptr, path.indptr[1:]))
    counts = [entities.take(rows).holders(np.zeros(len(rows), np.int64), 1)[0] for rows in inside]
    found: Bools = np.array(counts) >= k
    return found


def _shares(tree: Any, size: int) -> Floats:
    """Return the shares of codes in each node, drawn to those of all, (N, K)."""
    own = tree.tree_
    rows = own.n_node_samples[:, None]
    counts = np.zeros((own.node_count, size))
    counts[:, tree.classes_] = own.value[:, 0] / own.value[:, 0].sum(axis=1, keepdims=True)
    counts *= rows
    everyone = (counts[0] + 0.1) / (counts[0] + 0.1).sum()
    shares: Floats = (counts + TUNING.prior * everyone) / (rows + TUNING.prior)
    return shares
