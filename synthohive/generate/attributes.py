"""Generating one table, first pass: its attributes, and the keys that need no choice.

Each block of rows is a pure function of (fitted state, seed, table, block number, parents'
rows). The second pass (:mod:`synthohive.generate.foreign_keys`) chooses further parents.
"""

from __future__ import annotations

from typing import Optional

import pyarrow as pa

from synthohive.generate.block_generator import BlockGenerator
from synthohive.generate.blocks import BLOCK_ROWS, cut_blocks
from synthohive.generate.run import Generated, Groups, Run, numbers_of
from synthohive.tables.ancestors import with_column
from synthohive.tables.block_store import EncodedSpool, TableSpool
from synthohive.tables.roles import fan_out_column

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
    parts: list[pa.Table] = []  # what is modelled of rows, but is no column of theirs
    # The rows go to the disk; what was drawn beside them stays, a few bytes a row, as quotas are of
    # the whole table.
    blocks = cut_blocks(rows, groups, maker.whole_groups)
    for block in run.blocks.map(maker.made, blocks, rows // BLOCK_ROWS):
        made.spool.append(block.rows)
        parts.append(block.beside)
        if made.context is not None and block.context is not None:
            made.context.append(block.context)
    made.spool.close()
    drawn = pa.concat_tables(parts).combine_chunks() if parts else pa.table({})
    parts.clear()
    counts = {label: fan_out_column(*key) for label, key in maker.incoming.items()}
    made.preferences = {label: numbers_of(drawn, column, rows) for label, column in counts.items()}
    made.drawn = drawn.drop_columns([c for c in counts.values() if c in drawn.column_names])
    return made


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
