"""What the columns of a table are like among all rows, where the sample has few of them.

Rows are drawn with all that is below them, so that of customers with fifty lines each only one in
fifty is read: enough to learn what goes with what, and too few for the shares of each column. These
are counted among all rows, for columns that are modelled as they are read.
"""

from __future__ import annotations

from typing import Optional

import pyarrow as pa

from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.io.sample_levels import CHOSEN
from synthohive.learn.fit_context import Fit
from synthohive.tables import random_streams as seeds

__all__ = ["shares_of_all"]

MORE = 2
"""How many times more rows there are than in the sample, at least."""
KINDS = ("categorical", "numeric", "datetime")
"""Of texts and documents, hardly more than a pattern is modelled, and encoding them is slow."""


def shares_of_all(
    fit: Fit, name: str, modelled: pa.Table, encoder: Optional[TableEncoder]
) -> Optional[EncodedTable]:
    """Return all rows of a table as a model sees them; what is not told is -1, or NaN.

    None where the sample has enough of them, where they are too many to be read, or where a row is
    not an entity of its own: what one entity repeats must weigh no more than it was made to.

    Parameters
    ----------
    fit : Fit
    name : str
    modelled : pyarrow.Table
        What is modelled of the sample's rows.
    encoder : TableEncoder
        Fitted to these.
    """
    sampled, rows = fit.sample.tables[name], fit.whole.size(name)
    if not fit.sample.metadata.tables[name].pk:
        return None  # a database would send rows in any order
    enough = rows < MORE * len(sampled) or rows > CHOSEN * fit.options.sample_size
    if (
        encoder is None
        or enough
        or fit.options.sampling_strategy == "recent"
        or fit.entities.of(name).paths
    ):
        return None
    names = [
        column
        for column, kind in encoder.kinds.items()
        if kind in KINDS
        and column in sampled.column_names
        and modelled.column(column).equals(sampled.column(column))
    ]
    if not names:
        return None
    part, every = encoder.only(names), fit.whole.columns(name, names)
    told = part.encode(every, seeds.generator(fit.options.seed, name, "shares"))
    told = TableEncoder.without(told, part.untold(every))
    found = encoder.unknown(len(every))
    blocks = [i for i, block in enumerate(encoder.layout.discrete) if block.column in names]
    floats = [i for i, block in enumerate(encoder.layout.continuous) if block.column in names]
    found.codes[:, blocks], found.values[:, floats] = told.codes, told.values
    return found
