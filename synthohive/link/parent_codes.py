"""A small code for each parent row, by which children of further keys choose.

The codes of a parent are the leaves of a regression tree that tells, from the parent's
attributes, as much as it can of its children's (Breiman et al., "Classification and
regression trees", 1984). The code is a column of the child; a child is then given a parent
with that code, so that what the key correlates with stays correlated. A look-up table,
whose rows are kept, has a code for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.columns import spaced
from synthohive.link.association import common_texts, flag, within_range
from synthohive.privacy.entities import Entities
from synthohive.tables.numbers import as_numbers, is_number

__all__ = ["Features", "ParentCodes", "leaf_numbers"]


MOST_LEAVES = 32
MOST_ROWS = 256
"""A look-up table of more rows is coded by a tree, too."""
LEAST_CHILDREN = 20
"""Per row of a look-up table, and twice as many for a trial."""
LEAST_EXPLAINED = 0.02
"""Share of one child column's variance, in rows that the tree did not see."""
FIT_ROWS = 20_000
MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Features:
    """Columns as numbers: numbers as they are, texts as one flag for each frequent value."""

    numbers: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, rows: pa.Table, entities: Entities, k: int) -> Features:
        """Choose the columns of a table that can be told in numbers.

        Parameters
        ----------
        rows : pyarrow.Table
        entities : Entities
            Those behind the rows.
        k : int
            Least entities of a text that becomes a flag. A column with more such texts than one in
            `LEAST_CHILDREN` rows is left out: most of its flags would be nearly empty.
        """
        numbers, flags = [], []
        for name in rows.column_names:
            column = rows.column(name)
            if is_number(column.type):
                numbers.append(name)
            elif pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
                common = common_texts(column, entities, k)
                if len(common) <= len(rows) / LEAST_CHILDREN:
                    flags += [(name, value) for value in common[:MOST_CATEGORIES]]
        return cls(tuple(numbers), tuple(flags))

    def __call__(self, rows: pa.Table) -> Floats:
        """Return shape (rows, features); NULL is less than any number."""
        columns = [as_numbers(rows.column(name)) for name in self.numbers]
        columns += [flag(rows.column(name), value) for name, value in self.flags]
        if not columns:
            return np.zeros((len(rows), 0))
        stacked = np.stack(columns, axis=1)
        # Finite, and within float32: in that, trees are learned and walked.
        return np.where(np.isnan(stacked), np.finfo(np.float32).min / 2, stacked)

    def only(self, numbers: Sequence[int]) -> Features:
        """Return some of the features, by their numbers, which ascend."""
        first = len(self.numbers)
        return Features(
            tuple(self.numbers[n] for n in numbers if n < first),
            tuple(self.flags[n - first] for n in numbers if n >= first),
        )

    @property
    def columns(self) -> list[str]:
        """The columns that are looked at."""
        return list(dict.fromkeys([*self.numbers, *(name for name, _ in self.flags)]))


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes that lead from a parent's features to its code; those below a node come after it.

    Attributes
    ----------
    feature : ndarray of int64
        -1 at a leaf.
    left, right : ndarray of int64
        The nodes for values up to the threshold, and above it.
    code : ndarray of int64
        Of leaves.
    threshold : ndarray of float64
    """

    feature: IntArray
    left: IntArray
    right: IntArray
    code: IntArray
    threshold: Floats

    def __post_init__(self) -> None:
        inner = np.flatnonzero(self.feature >= 0)
        if (self.left[inner] <= inner).any() or (self.right[inner] <= inner).any():
            raise ValueError("the nodes of a tree lead back")  # who walks them would never end


@dataclass(frozen=True)
class ParentCodes:
    """The codes of one further key.

    Attributes
    ----------
    count : int
        Codes are ``0 … count - 1``; neighbours are alike.
    features : Features, optional
        None for a look-up table: a row's code is its number.
    tree : Tree, optional
    """

    count: int
    features: Optional[Features] = None
    tree: Optional[Tree] = None

    @classmethod
    def fit(
        cls,
        parents: pa.Table,
        children: pa.Table,
        rows: IntArray,
        *,
        kept: bool,
        k: int,
        seed: np.random.SeedSequence,
        entities: Entities,
    ) -> Optional[ParentCodes]:
        """Learn codes; None where the parents tell nothing of their children.

        Parameters
        ----------
        parents : pyarrow.Table
            Attributes of the parents.
        children : pyarrow.Table
            Attributes of the children, and of their driving parents.
        rows : ndarray of int64
            Each child's parent row; -1 for none.
        kept : bool
            The parents are a look-up table that is kept as it is.
        k : int
            Least parents per code, and least occurrences of a text value.
        seed : numpy.random.SeedSequence
        entities : Entities
            Those behind the parents.
        """
        linked = np.flatnonzero(rows >= 0)
        if kept and 1 < len(parents) <= min(MOST_ROWS, len(linked) // LEAST_CHILDREN):
            return cls(len(parents))
        chosen = linked[spaced(len(linked), FIT_ROWS)]
        if len(chosen) < 4 * LEAST_CHILDREN:
            return None
        features = Features.of(parents, entities, k)
        everyone = Entities(len(children))  # of the children, nothing is kept
        targets = _standardised(Features.of(children, everyone, k)(children.take(chosen)))
        seen, parent = np.unique(rows[chosen], return_inverse=True)
        given = features(parents.take(pa.array(seen)))
        for column in range(len(features.numbers)):
            given[:, column] = within_range(given[:, column], entities.take(seen), k)
        trial = _Trial(given, targets, parent.reshape(-1), max(k, 2), seed)
        if not trial.given.shape[1] or trial.explained() < LEAST_EXPLAINED:
            return None
        tree = trial.tree()
        return cls(int(tree.code.max()) + 1, features, tree)

    @property
    def columns(self) -> list[str]:
        """The parent's columns that codes are made from."""
        return [] if self._asked is None else self._asked[0].columns

    @cached_property
    def _asked(self) -> Optional[tuple[Features, Tree]]:
        """The features that the tree asks for, of which there are many more, and it by these."""
        if self.features is None or self.tree is None:
            return None
        used, number = np.unique(self.tree.feature, return_inverse=True)
        asked = used[used >= 0].tolist() or [0]  # a leaf alone asks for none
        feature = number.reshape(-1) - int((used < 0).sum())
        return self.features.only(asked), replace(self.tree, feature=feature)

    def __call__(self, parents: pa.Table) -> IntArray:
        """Return the code of each parent row."""
        if self._asked is None:
            return np.arange(len(parents), dtype=np.int64)
        features, tree = self._asked
        # In float32, as the thresholds were found: a float64 may lie on their other side.
        given = features(parents).astype(np.float32)
        node = np.zeros(len(parents), dtype=np.int64)
        rows = np.arange(len(parents))
        # All rows go down one node at a time; `node` has shape (parents,).
        while (inner := tree.feature[node] >= 0).any():
            at = node[inner]
            lower = given[rows[inner], tree.feature[at]] <= tree.threshold[at]
            node[inner] = np.where(lower, tree.left[at], tree.right[at])
        return np.asarray(tree.code[node], dtype=np.int64)


def _standardised(values: Floats) -> Floats:
    """Rank each column, as outliers would take all leaves, and scale to unit variance."""
    ranks = [np.unique(column, return_inverse=True)[1].reshape(-1) for column in values.T]
    scaled = [(r - r.mean()) / r.std() for r in ranks if r.std() > 0]
    return np.stack(scaled, axis=1) if scaled else np.zeros((len(values), 0))


def leaf_numbers(tree: Any) -> IntArray:
    """Return the number of each leaf, from left to right, so that near ones are alike.

    Parameters
    ----------
    tree : sklearn.tree._tree.Tree
        Of its inner nodes, the number is -1.
    """
    codes = np.full(tree.node_count, -1, dtype=np.int64)
    stack, number = [0], 0
    while stack:
        node = stack.pop()
        if tree.children_left[node] < 0:
            codes[node] = number
            number += 1
        else:
            # The right one first: a stack gives back the left one first.
            stack += [int(tree.children_right[node]), int(tree.children_left[node])]
    return codes


@dataclass(frozen=True)
class _Trial:
    """What parents tell of their children.

    Attributes
    ----------
    given : ndarray, shape (parents, features)
    targets : ndarray, shape (children, columns)
    parent : ndarray of int64
        The parent of each child.
    k : int
        Least parents in a leaf.
    """

    given: Floats
    targets: Floats
    parent: IntArray
    k: int
    seed: np.random.SeedSequence

    def _fitted(self, children: Bools) -> Any:
        """Fit a tree to the mean of each parent's children."""
        from sklearn.tree import DecisionTreeRegressor

        parent, targets = self.parent[children], self.targets[children]
        number = np.bincount(parent, minlength=len(self.given)).astype(np.float64)
        sums = [np.bincount(parent, weights=c, minlength=len(self.given)) for c in targets.T]
        known = number > 0
        # Shape (parents, columns). A parent weighs as many rows as it has, so that splits
        # are those of the children; but a leaf is to hold `k` parents, not children.
        means = np.stack(sums, axis=1)[known] / number[known, None]
        tree = DecisionTreeRegressor(
            max_leaf_nodes=MOST_LEAVES,
            min_samples_leaf=self.k,
            random_state=int(self.seed.generate_state(1)[0] >> 1),
        )
        return tree.fit(self.given[known], means, sample_weight=number[known])

    def explained(self) -> float:
        """Return the largest share of a column that is told of other parents' children."""
        # By parents: siblings on both sides would tell the tree what it is asked.
        learn = self.parent % 2 == 0
        few = 2 * LEAST_CHILDREN
        if learn.sum() < few or (~learn).sum() < few or not self.targets.shape[1]:
            return 0.0
        held = self.targets[~learn]
        predicted = self._fitted(learn).predict(self.given)[self.parent[~learn]].reshape(held.shape)
        error = ((held - predicted) ** 2).mean(axis=0)
        return float((1.0 - error / np.maximum(held.var(axis=0), 1e-12)).max())

    def tree(self) -> Tree:
        """Return the nodes."""
        tree = self._fitted(np.ones(len(self.parent), dtype=np.bool_)).tree_
        codes = leaf_numbers(tree)
        leaf, left, right = tree.children_left < 0, tree.children_left, tree.children_right
        feature = np.where(leaf, -1, tree.feature)
        feature, left, right = (each.astype(np.int64) for each in (feature, left, right))
        return Tree(feature, left, right, codes, tree.threshold.astype(np.float64))
