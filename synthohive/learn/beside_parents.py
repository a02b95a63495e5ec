"""What is modelled of rows beside their parents: in which they differ, and which parents they have.

The same of real rows in training, and of given rows whose cells are to be filled.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive.derive.program import Program
from synthohive.learn.fitted import FittedTable
from synthohive.schema import Column, ColumnKind, ForeignKey
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.nulls import any_null
from synthohive.tables.roles import code_column
from synthohive.tables.sample import Sample

__all__ = ["differences", "parent_codes"]

Modelled = tuple[pa.Table, dict[str, Column]]


def differences(sample: Sample, table: FittedTable, seed: int) -> Modelled:
    """Return where rows differ from the parents that they mostly repeat, over all keys.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
        Its derivations are known by now.
    seed : int
        Decides what rows get whose parents were not read.

    Returns
    -------
    rows : pyarrow.Table
        A row for each of the sample's.
    columns : dict of str to Column
        What each column is.
    """
    name, plan = table.config.name, sample.plan
    own, columns = sample.tables[name], dict[str, Column]()
    found = pa.table({"": pa.nulls(len(own))})
    keys: list[tuple[Optional[ForeignKey], Program]] = [(plan.tables[name].driver, table.program)]
    by_label = {key.label(name): key for key in table.config.foreign_keys}
    keys += [(by_label[label], linked) for label, linked in table.linked.items()]
    for key, program in keys:
        if key is None or not program.besides:
            continue
        parents = sample.others(name, key)
        unknown = np.flatnonzero((parents < 0) & ~any_null(own, key.columns))
        names = program.above(own.column_names)
        above = ancestor_columns(sample, plan, key.parent, parents, names)
        rng = seeds.generator(seed, name, key.label(name), "besides")
        arrays, more = program.learned_besides(hstack(own, above), unknown, rng)
        found, columns = hstack(found, arrays), {**columns, **more}
    return found.drop_columns([""]), columns


def parent_codes(sample: Sample, table: FittedTable, seed: int) -> Modelled:
    """Return the codes of the parents over further keys; NULL where a key is.

    Where the parent was not read, the code is that of another row's.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
        Its codes of parents are known by now.
    seed : int
        Decides which other row's code it is.

    Returns
    -------
    rows : pyarrow.Table
        A column of text for each key with codes: they are categories, not numbers.
    columns : dict of str to Column
        What each column is.
    """
    name, plan = table.config.name, sample.plan
    arrays: dict[str, pa.Array] = {}
    by_label = {key.label(name): key for key in table.config.foreign_keys}
    for label, codes in table.codes.items():
        key = by_label[label]
        parents = sample.others(name, key)
        everyone = np.arange(len(sample.tables[key.parent]), dtype=np.int64)
        some = (f"{key.parent}.{column}" for column in key.parent_columns)  # or there are no rows
        names = [*codes.columns, *some]
        theirs = codes(ancestor_columns(sample, plan, key.parent, everyone, names))
        values = theirs[np.maximum(parents, 0)] if len(theirs) else np.zeros_like(parents)
        empty = any_null(sample.tables[name], key.columns)
        unknown, known = np.flatnonzero((parents < 0) & ~empty), values[parents >= 0]
        if len(known):
            rng = seeds.generator(seed, name, label, "unknown")
            values[unknown] = rng.choice(known, len(unknown))
        arrays[code_column(label)] = pa.array(values, mask=empty).cast(pa.string())
    kind = ColumnKind.CATEGORICAL
    columns = {code: Column(name=code, kind=kind, arrow="string") for code in arrays}
    return pa.table(arrays), columns
