"""No repeats over many blocks, whatever the type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.constrain.unique import UniqueRepair
from synthohive.constrain.unique_rules import UniqueRule
from synthohive.schema import Column, TableConfig

TYPES: dict[str, tuple[str, Any]] = {
    "integer": ("integer", pa.int64()),
    "decimal": ("decimal", pa.decimal128(12, 2)),
    "float": ("float", pa.float64()),
    "date": ("date", pa.date32()),
    "timestamp": ("timestamp", pa.timestamp("us")),
    "text": ("text", pa.string()),
}


@pytest.mark.parametrize("kind", TYPES)
def test_blocks_together_hold_no_repeat(kind: str) -> None:
    name, type_ = TYPES[kind]
    columns = {"g": Column(name="g", kind="integer"), "v": Column(name="v", kind=name, length=4)}
    config = TableConfig(name="t", pk=["g", "v"], columns=columns)
    repair = UniqueRepair(config, UniqueRule(("g", "v")), {"v"}, 1)
    rng = np.random.default_rng(0)
    rows: list[tuple[Any, Any]] = []
    for _ in range(4):
        numbers = pa.array(rng.integers(1, 9, 40).astype(np.int32))
        wide = numbers if kind == "date" else numbers.cast(pa.int64())
        values = (
            wide.cast(pa.decimal128(21, 0)).cast(type_) if kind == "decimal" else wide.cast(type_)
        )
        block, changed = repair.apply(pa.table({"g": rng.integers(0, 3, 40), "v": values}))
        repair.remember(block)
        assert changed > 0
        assert block.schema.field("v").type == type_
        rows += zip(block["g"].to_pylist(), block["v"].to_pylist())
    assert len(set(rows)) == len(rows) == 160
    if kind == "text":
        assert max(len(v) for _, v in rows) <= 4


def test_rows_with_null_never_repeat() -> None:
    config = TableConfig(name="t", columns={"v": Column(name="v", kind="integer")})
    block = pa.table({"v": pa.array([None, None, 1, 1])})
    made, changed = UniqueRepair(config, UniqueRule(("v",)), {"v"}, 1).apply(block)
    assert changed == 1
    assert made["v"].null_count == 2
