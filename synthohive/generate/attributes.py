"""Generating one table, first pass: its attributes, and the keys that need no choice.

Each block of rows is a pure function of (fitted state, seed, table, block number, parents'
rows). The second pass (:mod:`synthohive.generate.foreign_keys`) chooses further parents.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive.encoding.encoded import EncodedTable
from synthohive.generate.block_generator import BlockGenerator, flags_of
from synthohive.generate.blocks import cut_blocks
from synthohive.generate.run import Generated, Groups, Run
from synthohive.tables.block_store import EncodedSpool, TableSpool
from synthohive.tables.roles import (
    code_column,
    depth_column,
    differs_column,
    fan_out_column,
    null_column,
)

__all__ = ["generate_attributes"]


def generate_attributes(run: Run, name: str, rows: int, groups: Optional[Groups]) -> Generated:
    """Generate all blocks of one table into its spool."""
    fitted = run.fitted.tables[name]
    maker = BlockGenerator(run, fitted, groups, rows)
    made = Generated(
        TableSpool(run.place(name), fitted.schema),
        groups,
    )
    if maker.has_driven_children:
        made.context = EncodedSpool(made.spool.path, maker.children_layout())
    preferences: dict[str, list[Any]] = {key: [] for key in maker.incoming}
    nulls: dict[str, list[Any]] = {key: [] for key in maker.further}
    codes: dict[str, list[Any]] = {key: [] for key in fitted.codes}
    differs: dict[str, list[Any]] = {target: [] for target in fitted.aliases}
    depths: dict[str, list[Any]] = {key: [] for key in fitted.hierarchies}
    besides = [flag for linked in fitted.linked.values() for flag in linked.besides]
    rests: list[pa.Table] = []
    for block in cut_blocks(rows, groups, maker.whole_groups):
        encoded, context, attributes = maker.attributes(block)
        made.spool.append(maker.complete(block, attributes))
        for label, found in preferences.items():
            found.append(maker.extra(attributes, fan_out_column(*maker.incoming[label])))
        for label, flags in nulls.items():
            flags.append(flags_of(attributes, null_column(label)))
        for label, found in codes.items():
            found.append(maker.extra(attributes, code_column(label)))
        for target, flags in differs.items():
            flags.append(flags_of(attributes, differs_column(target)))
        there = [flag for flag in besides if flag in attributes.column_names]
        if there:
            rests.append(attributes.select(there))
        for label, found in depths.items():
            found.append(maker.extra(attributes, depth_column(label)))
        if made.context is not None:
            made.context.append(EncodedTable.side_by_side([encoded, context]))
    made.spool.close()
    made.preferences = {k: np.concatenate(v) if v else np.zeros(0) for k, v in preferences.items()}
    made.nulls = {k: np.concatenate(v) if v else np.zeros(0, bool) for k, v in nulls.items()}
    made.differs = {t: np.concatenate(v) if v else np.zeros(0, bool) for t, v in differs.items()}
    made.codes = {k: np.concatenate(v or [[]]).astype(np.int64) for k, v in codes.items()}
    made.rests = pa.concat_tables(rests).combine_chunks() if rests else None
    made.depths = {k: np.concatenate(v or [[]]).astype(np.int64) for k, v in depths.items()}
    return made
