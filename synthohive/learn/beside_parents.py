"""What is modelled of rows beside their parents: in which they differ, and which parents they have.

The same of real rows in training, and of given rows whose cells are to be filled.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive.learn.attribute_table import Modelled
from synthohive.learn.fitted import FittedTable
from synthohive.schema import Column, ColumnKind
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import ancestor_columns, hstack
from synthohive.tables.nulls import any_null
from synthohive.tables.roles import code_column
from synthohive.tables.sample import Sample

__all__ = ["differences", "parent_codes"]


def differences(sample: Sample, table: FittedTable, seed: int) -> Modelled:
    """Return where rows differ from the parents that they mostly repeat, over all keys.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
        Its derivations are known by now.
    seed : int
        Decides what rows get whose parents were not read.
    """
    name, plan, found = table.config.name, sample.plan, Modelled()
    own = sample.tables[name]
    for link in plan.tables[name].links:
        key, program = link.key, table.follows(link)
        if not program.besides:
            continue
        parents = sample.others(name, key)
        unknown = np.flatnonzero((parents < 0) & ~any_null(own, key.columns))
        names = program.above(own.column_names)
        above = ancestor_columns(sample, plan, key.parent, parents, names)
        rng = seeds.generator(seed, name, link.label, "besides")
        found.add(Modelled(*program.learned_besides(hstack(own, above), unknown, rng)))
    return found


def parent_codes(sample: Sample, table: FittedTable, seed: int) -> Modelled:
    """Return the codes of the parents over further keys; NULL where a key is.

    Each is a column of text: codes are categories, not numbers.

    Parameters
    ----------
    sample : Sample
    table : FittedTable
        Its codes of parents are known by now.
    seed : int
        Where the parent was not read, decides which other row's code the row gets.
    """
    name, plan, found = table.config.name, sample.plan, Modelled()
    for link in plan.tables[name].links:
        key, codes = link.key, table.keys[link.label].codes
        if codes is None:
            continue
        parents = sample.others(name, key)
        everyone = np.arange(len(sample.tables[key.parent]), dtype=np.int64)
        some = (f"{key.parent}.{column}" for column in key.parent_columns)  # or there are no rows
        names = [*codes.columns, *some]
        theirs = codes(ancestor_columns(sample, plan, key.parent, everyone, names))
        # Row -1 is looked up as row 0, and masked below or drawn anew.
        values = theirs[np.maximum(parents, 0)] if len(theirs) else np.zeros_like(parents)
        empty = any_null(sample.tables[name], key.columns)
        unknown, known = np.flatnonzero((parents < 0) & ~empty), values[parents >= 0]
        if len(known):
            rng = seeds.generator(seed, name, link.label, "unknown")
            values[unknown] = rng.choice(known, len(unknown))
        code = code_column(link.label)
        column = Column(name=code, kind=ColumnKind.CATEGORICAL, arrow="string")
        array = pa.array(values, mask=empty).cast(pa.string())
        found.add(Modelled(pa.table({code: array}), {code: column}))
    return found
