"""The least model that keeps the contract: each column given one code of the context."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

import numpy as np

from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.exceptions import SerializationError
from synthohive.models.base import ConditionalGenerativeModel, TrainingListener
from synthohive.schema import TableConfig

__all__ = ["IndependentColumns"]


class IndependentColumns(ConditionalGenerativeModel):
    """Draws each column for itself, from the rows with the same first code of the context."""

    name = "independent"

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        **kwargs: Any,
    ) -> IndependentColumns:
        self.data, self.groups = data, _first(len(data), context)
        return self

    def sample(
        self,
        num_rows: int,
        context: Optional[EncodedTable] = None,
        *,
        rng: Optional[np.random.Generator] = None,
        **kwargs: Any,
    ) -> EncodedTable:
        rng = np.random.default_rng() if rng is None else rng
        layout, wanted = self.data.layout, _first(num_rows, context)
        codes = np.zeros((num_rows, len(layout.discrete)), dtype=np.int32)
        values = np.zeros((num_rows, len(layout.continuous)), dtype=np.float32)
        for group in np.unique(wanted):
            rows = np.flatnonzero(wanted == group)
            known = np.flatnonzero(self.groups == group)
            known = known if len(known) else np.arange(len(self.data))
            for i in range(codes.shape[1]):
                codes[rows, i] = self.data.codes[rng.choice(known, len(rows)), i]
            for i, block in enumerate(layout.continuous):
                pool, own = known, rows
                if block.modes is not None:
                    pool = known[self.data.codes[known, block.modes] < block.active]
                    own = rows[codes[rows, block.modes] < block.active]
                if len(own):
                    values[own, i] = self.data.values[rng.choice(pool, len(own)), i]
        return EncodedTable(layout, codes, values)

    def save(self, path: Path) -> None:
        state = {
            "layout": self.data.layout.to_dict(),
            "codes": self.data.codes.tolist(),
            "values": self.data.values.tolist(),
            "groups": self.groups.tolist(),
        }
        (path / "rows.json").write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> IndependentColumns:
        try:
            state = json.loads((path / "rows.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise SerializationError(f"The model in {path.name!r} cannot be read: {exc}") from exc
        model = cls(TableConfig(name="loaded"))
        layout, rows = Layout.from_dict(state["layout"]), len(state["groups"])
        model.data = EncodedTable(
            layout,
            np.array(state["codes"], dtype=np.int32).reshape(rows, len(layout.discrete)),
            np.array(state["values"], dtype=np.float32).reshape(rows, len(layout.continuous)),
        )
        model.groups = np.array(state["groups"], dtype=np.int64)
        return model


def _first(rows: int, context: Optional[EncodedTable]) -> Any:
    if context is None or not context.layout.discrete:
        return np.zeros(rows, dtype=np.int64)
    return context.codes[:, 0].astype(np.int64)
