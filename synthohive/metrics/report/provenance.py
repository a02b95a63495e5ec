"""When and from what a report was made, and what it does not compare."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, Optional

import pyarrow as pa

from synthohive.metrics.encode import view_of
from synthohive.schema import Metadata, TableConfig
from synthohive.schema.columns import column_from_arrow

__all__ = ["NotCompared", "Provenance", "not_compared", "unsampled"]

Reason = Literal[
    "computed",
    "excluded",
    "few rows",
    "key",
    "length only",
    "missing",
    "no values",
    "personal",
    "sample",
]


@dataclass(frozen=True)
class Provenance:
    """When a report was made, from what, and by what.

    Attributes
    ----------
    created : str
        ISO 8601, UTC.
    real, synthetic : str
        Where the rows are from: an engine and its schema, or how they were passed; never a URL.
    version : str
        Of this package.
    model : str, optional
        Known where the synthesizer is fitted.
    fit_seed, seed : int, optional
        Of the fit, and of the synthetic rows where they were generated for the report.
    ledger : str, optional
        With differential privacy: what was promised, and every question that real rows were asked.
    promise : str, optional
        With differential privacy: what holds, in a line.
    """

    created: str
    real: str
    synthetic: str
    version: str
    model: Optional[str] = None
    fit_seed: Optional[int] = None
    seed: Optional[int] = None
    ledger: Optional[str] = None
    promise: Optional[str] = None


@dataclass(frozen=True)
class NotCompared:
    """What a report does not say anything of, or less than of the rest, and why.

    Attributes
    ----------
    table : str
    column : str, optional
        None: the whole table.
    reason : str
        In one or two words, the same for all alike.
    why : str
        In a sentence.
    """

    table: str
    column: Optional[str]
    reason: Reason
    why: str


_WHY: dict[Reason, str] = {
    "computed": "The database computes it from other columns.",
    "excluded": "It is excluded: neither read nor learned.",
    "few rows": "There are no rows on one side.",
    "key": "Keys are made, not learned: their orphans and children per parent are counted instead.",
    "length only": "Only the lengths of its values are compared: hardly any comes twice.",
    "missing": "The synthetic rows do not have it.",
    "no values": "It has no real values.",
    "personal": "It is personal: its values are made up, and shall not be like the real ones.",
    "sample": "Of a sample, not all rows find each other over this key: orphans and children per "
    "parent are of all rows; trends, models and joint numbers of children leave the key out.",
}


def not_compared(
    table: TableConfig, real: pa.Table, synthetic: pa.Table, personal: Collection[str]
) -> Iterator[NotCompared]:
    """Yield what of a table is not compared, in the order of its columns.

    Parameters
    ----------
    table : TableConfig
    real, synthetic : pyarrow.Table
        In one form.
    personal : collection of str
        The columns that are made up.
    """
    if not len(real) or not len(synthetic):
        yield NotCompared(table.name, None, "few rows", _WHY["few rows"])
        return
    for name in dict.fromkeys([*table.columns, *real.column_names]):
        reason = _reason(table, name, real, synthetic, personal)
        if reason is not None:
            yield NotCompared(table.name, name, reason, _WHY[reason])


def unsampled(metadata: Metadata, cut: Collection[str]) -> Iterator[NotCompared]:
    """Yield the keys over which a sample lacks rows.

    Parameters
    ----------
    metadata : Metadata
    cut : collection of str
        Their labels.
    """
    for child, key in metadata.foreign_keys():
        if key.label(child) in cut:
            column = ", ".join(key.columns)
            yield NotCompared(child, column, "sample", _WHY["sample"])


def _reason(
    table: TableConfig, name: str, real: pa.Table, synthetic: pa.Table, personal: Collection[str]
) -> Optional[Reason]:
    said = table.columns.get(name)
    if name in table.exclude_columns:
        return "excluded"
    if said is not None and said.computed is not None:
        return "computed"
    if name in table.key_columns:
        return "key"
    if name in personal:
        return "personal"
    if name not in real.column_names or name not in synthetic.column_names:
        return "missing"
    values = real.column(name)
    if values.null_count == len(values):
        return "no values"
    column = said or column_from_arrow(real.schema.field(name))
    return "length only" if view_of(column, values) == "lengths" else None
