"""Generating one table, first pass: its attributes, and the keys that need no choice.

Each block of rows is a pure function of (fitted state, seed, table, block number, parents'
rows). The second pass (:mod:`synthohive.generate.foreign_keys`) chooses further parents.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive.generate.block_generator import BlockGenerator
from synthohive.generate.blocks import BLOCK_ROWS, cut_blocks
from synthohive.generate.run import Generated, Groups, Run, numbers_of
from synthohive.tables.ancestors import with_column
from synthohive.tables.block_store import EncodedSpool, TableSpool
from synthohive.tables.roles import fan_out_column, is_children_column

__all__ = ["deal_keys", "generate_attributes"]


def generate_attributes(run: Run, name: str, rows: int, groups: Optional[Groups]) -> Generated:
    """Generate all blocks of one table into its spool.

    Parameters
    ----------
    run : Run
        Has the driving parent, if there is one, among its tables, with the context of its rows.
    name : str
        The table.
    rows : int
        Its rows in all, those without a parent included.
    groups : Groups, optional
        How these are dealt out to the driving parents; None for a root table.

    Returns
    -------
    Generated
        Rows in which keys that are chosen later are NULL, and beside them what was drawn for these
        choices.
    """
    fitted = run.fitted.tables[name]
    maker = BlockGenerator(run, fitted, groups, rows)
    made = Generated(TableSpool(run.place(name), fitted.schema), groups)
    if maker.has_driven_children:
        made.context = EncodedSpool(made.spool.path, maker.children_layout())
    counts = {label: fan_out_column(*key) for label, key in maker.incoming.items()}
    preferences: dict[str, list[Floats]] = {label: [] for label in counts}
    in_turn = groups is not None and fitted.siblings
    asked = run.fitted.codes_asked(name)
    blocks = cut_blocks(rows, groups, maker.whole_groups, in_turn)
    for block in run.blocks.map(maker.made, blocks, rows // BLOCK_ROWS):
        made.spool.append(block.rows)
        for label, column in counts.items():
            preferences[label].append(numbers_of(block.beside, column, len(block.rows)))
        _keep_beside(made, block.beside, set(counts.values()), asked)
        if made.context is not None and block.context is not None:
            made.context.append(block.context)
    made.spool.close()
    if made.drawn is not None:
        made.drawn.close()
    nothing = np.zeros(0)
    made.preferences = {k: np.concatenate([nothing, *parts]) for k, parts in preferences.items()}
    return made


def _keep_beside(
    made: Generated, beside: pa.Table, but: Collection[str], asked: Collection[str]
) -> None:
    """Write down what was drawn beside the rows of a block, which later steps ask for.

    Parameters
    ----------
    made : Generated
    beside : pyarrow.Table
    but : collection of str
        Columns that are kept elsewhere.
    asked : collection of str
        The codes of children that are asked for; others stand in the context of these alone.
    """
    names = [n for n in beside.column_names if n and n not in but]
    names = [n for n in names if n in asked or not is_children_column(n)]
    if made.drawn is None and names:
        schema = beside.select(names).schema
        made.drawn = TableSpool(made.spool.path.with_suffix(".drawn"), schema)
    if made.drawn is not None:
        made.drawn.append(beside.select(made.drawn.schema.names))


def deal_keys(run: Run, name: str, made: Generated) -> None:
    """Let keys rise with the columns with which real ones do, before any child refers to them."""
    rising, spool = run.fitted.tables[name].rising, made.spool
    dealt = {one.key: one.dealt(spool.column_table([one.key, one.column])) for one in rising}

    def deal(block: pa.Table, start: int) -> pa.Table:
        for key, keys in dealt.items():
            block = with_column(block, key, keys.slice(start, len(block)))
        return block

    if dealt and spool.rows:
        spool.rewrite(deal)
