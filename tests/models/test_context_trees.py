"""A tree of the context keeps nothing of fewer entities than may be shown."""

from __future__ import annotations

import numpy as np
import torch

from synthohive.models.autoregressive.context_trees import ContextTrees
from synthohive.privacy.entities import Entities


def grown(entities: Entities, k: int) -> ContextTrees:
    """Return the tree of a variable that is told by the only number of the context."""
    told = torch.arange(200) // 40
    trees = ContextTrees([0], [5], (0, 1))
    codes, values = torch.zeros(200, 0, dtype=torch.long), told.float()[:, None]
    trees.fit(codes, values, told[:, None], np.random.default_rng(1), entities, k)
    return trees


def test_leaves_of_few_entities_are_cut_off() -> None:
    owners = np.arange(200)
    owners[80:120] = 80  # one entity has all rows of the third code
    for entities, shown in ((Entities(200), True), (Entities.over(owners, 5), False)):
        trees = grown(entities, 5)
        leaves = trees.leaves(torch.zeros(5, 0, dtype=torch.long), torch.arange(5.0)[:, None])
        assert bool(trees.logits(leaves)[0].diagonal()[2] > 1) == shown
        assert bool(trees.told(0)[:, 2].max() > 1) == shown  # nor is it stored where no row leads
