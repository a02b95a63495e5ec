"""Keys are unique, typed, of the real shape, and a function of the row alone."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive import SchemaError
from synthohive.relational.keys import learn_key_makers, maker_from_state
from synthohive.schema import Column, ForeignKey, TableConfig

DAY = dt.date(2024, 1, 1)
CASES: dict[str, tuple[Column, list[Any]]] = {
    "counted": (Column(name="k", kind="integer"), list(range(1, 201))),
    "narrow": (Column(name="k", kind="integer", arrow="int16"), list(range(-50, 150))),
    "stepped": (Column(name="k", kind="integer"), list(range(1000, 3000, 10))),
    "sparse": (Column(name="k", kind="integer"), [i * i for i in range(200)]),
    "decimal": (
        Column(name="k", kind="decimal", precision=12, scale=0),
        [Decimal(i) for i in range(200)],
    ),
    "days": (Column(name="k", kind="date"), [DAY + dt.timedelta(i) for i in range(200)]),
    "hours": (
        Column(name="k", kind="timestamp"),
        [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(200)],
    ),
    "uuid": (Column(name="k", kind="uuid"), [str(uuid.uuid4()) for _ in range(200)]),
    "labelled": (Column(name="k", kind="text"), [f"Customer#{i:09d}" for i in range(1, 201)]),
    "tails": (Column(name="k", kind="text", length=8), [f"N{i * 37}" for i in range(30, 230)]),
    "mixed": (Column(name="k", kind="text"), [f"{c}{i}" for i in range(50) for c in "ABcd"]),
}


def learned(column: Column, values: list[Any]) -> Any:
    table = TableConfig(name="t", pk="k", columns={"k": column})
    data = pa.table({"k": pa.array(values, column.arrow_type)})
    return learn_key_makers(table, data, None)["k"]


def make(maker: Any, rows: np.ndarray, seed: int = 7) -> pa.Array:
    alone = np.zeros_like(rows)
    return maker.make_rows(rows, alone - 1, alone, alone + 1, seed)


@pytest.mark.parametrize("case", CASES)
def test_unique_typed_and_independent_of_chunks(case: str) -> None:
    column, values = CASES[case]
    maker = learned(column, values)
    rows = np.arange(5000)
    whole = make(maker, rows)
    assert whole.type == column.arrow_type
    assert len(set(whole.to_pylist())) == 5000
    again = maker_from_state(column, json.loads(json.dumps(maker.to_state())))
    parts = [make(again, part).to_pylist() for part in np.array_split(rows, 7)[::-1]]
    assert [v for part in parts[::-1] for v in part] == whole.to_pylist()


def test_shapes_of_real_keys() -> None:
    def first(case: str, count: int = 200) -> list[Any]:
        return make(learned(*CASES[case]), np.arange(count)).to_pylist()

    assert first("counted")[:3] == [1, 2, 3]
    assert first("stepped")[1] == 1010
    assert max(first("sparse")) <= 200 * 200
    assert first("labelled")[0] == "Customer#000000001"
    assert all(v[0] == "N" and v[1:].isdigit() and len(v) <= 8 for v in first("tails"))
    assert first("days")[-1] == DAY + dt.timedelta(199)
    assert {uuid.UUID(v).version for v in first("uuid")} == {4}


def test_patterns_keep_no_real_key() -> None:
    values = [f"{a}{b}" for a in "QWZ" for b in "XYV"]
    state = json.dumps(learned(Column(name="k", kind="text", length=2), values).to_state())
    assert not any(v in state.replace("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "") for v in values)


def test_short_keys_that_run_out_say_so() -> None:
    maker = learned(Column(name="k", kind="text", length=2), ["AA", "BX", "C9", "9Z"])
    enough = make(maker, np.arange(900)).to_pylist()
    assert len(set(enough)) == 900
    assert max(map(len, enough)) == 2
    with pytest.raises(SchemaError, match="no room"):
        make(maker, np.arange(3000))


def grouped(values: list[Any], column: Column, groups: list[int]) -> Any:
    columns = {"p": Column(name="p", kind="integer"), "n": column}
    driver = ForeignKey(columns=["p"], parent="parent", parent_columns=["id"])
    table = TableConfig(name="t", pk=["p", "n"], columns=columns, foreign_keys=[driver])
    data = pa.table({"p": groups, "n": pa.array(values, column.arrow_type)})
    return learn_key_makers(table, data, driver)["n"]


def in_groups(maker: Any, sizes: list[int]) -> tuple[np.ndarray, pa.Array]:
    size = np.array(sizes)
    group = np.repeat(np.arange(len(size)), size)
    position = np.concatenate([np.arange(n) for n in size])
    rows = np.arange(len(group))
    return group, maker.make_rows(rows, group, position, size[group], 3)


def test_line_numbers_count() -> None:
    maker = grouped(
        [1, 2, 3, 1, 2], Column(name="n", kind="integer", arrow="int16"), [7] * 3 + [8] * 2
    )
    _, made = in_groups(maker, [2, 4])
    assert made.to_pylist() == [1, 2, 1, 2, 3, 4]
    assert made.type == pa.int16()


def test_slots_of_a_grid_are_distinct_in_each_group_even_when_dense() -> None:
    hours = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=3 * i) for i in (0, 1, 2, 4, 6, 7, 9)]
    column = Column(name="n", kind="timestamp")
    maker = grouped(hours * 2, column, [1] * 7 + [2] * 7)
    group, made = in_groups(maker, [10, 3, 25])  # 10 slots: full, sparse, too many
    values = np.array(made.to_pylist())
    for g in range(3):
        own = values[group == g]
        assert len(set(own)) == len(own)
        assert (np.diff(own) > dt.timedelta(0)).all()
        assert all(v.hour % 3 == 0 and v.minute == 0 for v in own)
    assert values[group == 1].max() <= hours[-1]
