"""Columns that are always NULL, or always one value that enough entities share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.core.data.base import EncoderSettings, Reject, Summary
from synthohive.core.data.canonical import from_json, restore, to_json
from synthohive.core.data.encoded import Layout
from synthohive.core.data.tally import Tally, TallyTransform
from synthohive.schema import Column

__all__ = ["Constant"]


class Constant(TallyTransform):
    """One value, or NULL, in every row; nothing for a model to learn.

    Examples
    --------
    >>> column = Column(name="currency", kind="text")
    >>> transform = Constant(column, EncoderSettings())
    >>> summary = transform.analyze(pa.array(["EUR"] * 9), None)
    >>> fitted = transform.fit(summary, np.random.SeedSequence(1))
    >>> fitted.layout
    Layout(discrete=(), continuous=())
    """

    name = "constant"

    def __init__(self, column: Column, settings: EncoderSettings) -> None:
        super().__init__(column, settings)
        self.value_: pa.Array = pa.nulls(1, self.plain_type)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Constant:
        """Keep the only value; reject a column that has two, or a rare one."""
        tally = Tally.from_dict(summary["value"]["sample"], self.plain_type)
        if summary["rows"] == summary["nulls"]:
            if not self.column.nullable:
                raise Reject("NOT NULL, and no value was seen")
            return self
        if len(tally) != 1 or summary["nulls"] or any(summary.get("odd", {}).values()):
            raise Reject("more than one value")
        if tally.holders[0] < self.settings.k:
            raise Reject(f"fewer than {self.settings.k} entities share the value")
        self.value_ = tally.values
        return self

    @property
    def layout(self) -> Layout:
        """No block."""
        return Layout()

    def encode(
        self, values: pa.Array, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return blocks of no width."""
        n = len(values)
        return np.empty((n, 0), dtype=np.int32), np.empty((n, 0), dtype=np.float32)

    def decode(
        self,
        codes: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> pa.Array:
        """Repeat the value."""
        zeros = pa.array(np.zeros(len(codes), dtype=np.int64))
        return restore(self.value_.take(zeros), self.column.arrow_type)

    def to_state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the value."""
        return {"value": to_json(self.value_)[0]}, {}

    @classmethod
    def from_state(
        cls,
        column: Column,
        settings: EncoderSettings,
        state: dict[str, Any],
        arrays: dict[str, npt.NDArray[Any]],
    ) -> Constant:
        """Rebuild a fitted transform."""
        transform = cls(column, settings)
        transform.value_ = from_json([state["value"]], transform.plain_type)
        return transform
