"""Columns that are always NULL, or always one value that enough entities share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.base import Reject, Summary
from synthohive.encoding.coded import CodedTransform

__all__ = ["Constant"]


@dataclass(eq=False)
class Constant(CodedTransform):
    """One value, or NULL, in every row; nothing for a model to learn.

    Examples
    --------
    >>> from synthohive import Column
    >>> from synthohive.encoding.base import EncoderSettings
    >>> column = Column(name="currency", kind="text")
    >>> transform = Constant(column, EncoderSettings())
    >>> summary = transform.analyze(pa.array(["EUR"] * 9), None)
    >>> fitted = transform.fit(summary, np.random.SeedSequence(1))
    >>> fitted.layout
    Layout(discrete=(), continuous=())
    """

    name = "constant"

    value_: pa.Array = field(init=False)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Constant:
        """Keep the only value; reject a column that has two, or a rare one."""
        value_counts = summary.value
        if summary.rows == summary.nulls:
            if not self.column.nullable:
                raise Reject("NOT NULL, and no value was seen")
            self.value_ = pa.nulls(1, self.plain_type)
            return self
        if len(value_counts) != 1 or summary.nulls or any(summary.special.values()):
            raise Reject("more than one value")
        if value_counts.holders[0] < self.settings.k:
            raise Reject(f"fewer than {self.settings.k} entities share the value")
        self.value_ = value_counts.values
        return self

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Repeat the value."""
        return self.value_.take(pa.array(codes))
