"""Blocks: whole groups in them, and more rows where a step takes one of each group."""

from __future__ import annotations

import numpy as np

from synthohive.generate.blocks import BLOCK_ROWS, IN_TURN, cut_blocks
from synthohive.generate.run import Groups


def test_blocks_that_are_drawn_in_turn_have_more_whole_groups() -> None:
    size, least = 1_000, BLOCK_ROWS * IN_TURN
    groups = Groups(np.full(200, size, dtype=np.int64))
    blocks = list(cut_blocks(200 * size, groups, True, True))
    assert [block.start for block in blocks] == [i * least // size * size for i in range(4)]
    assert all(block.positions[0] == 0 for block in blocks)
    assert sum(len(block.rows) for block in blocks) == 200 * size
    long = Groups(np.full(3, 2 * least, dtype=np.int64))  # memory is bounded by one group
    assert [len(b.rows) for b in cut_blocks(6 * least, long, True, True)] == [2 * least] * 3
