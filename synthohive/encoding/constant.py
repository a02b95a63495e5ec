"""Columns that are always NULL, or always one value that enough entities share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from synthohive._arrays import Codes, Floats32
from synthohive.encoding.base import Reject, Summary
from synthohive.encoding.canonical import restore
from synthohive.encoding.encoded import Layout
from synthohive.encoding.value_counts import TallyTransform, ValueCounts

__all__ = ["Constant"]


@dataclass(eq=False)
class Constant(TallyTransform):
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
        value_counts = ValueCounts.from_dict(summary["value"]["sample"], self.plain_type)
        if summary["rows"] == summary["nulls"]:
            if not self.column.nullable:
                raise Reject("NOT NULL, and no value was seen")
            self.value_ = pa.nulls(1, self.plain_type)
            return self
        if len(value_counts) != 1 or summary["nulls"] or any(summary.get("odd", {}).values()):
            raise Reject("more than one value")
        if value_counts.holders[0] < self.settings.k:
            raise Reject(f"fewer than {self.settings.k} entities share the value")
        self.value_ = value_counts.values
        return self

    @property
    def layout(self) -> Layout:
        """No block."""
        return Layout()

    def encode(self, values: pa.Array, rng: np.random.Generator) -> tuple[Codes, Floats32]:
        """Return blocks of no width."""
        n = len(values)
        return np.empty((n, 0), dtype=np.int32), np.empty((n, 0), dtype=np.float32)

    def decode(
        self,
        codes: Codes,
        values: Floats32,
        rng: np.random.Generator,
    ) -> pa.Array:
        """Repeat the value."""
        zeros = pa.array(np.zeros(len(codes), dtype=np.int64))
        return restore(self.value_.take(zeros), self.column.arrow_type)
