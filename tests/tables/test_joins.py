"""Joins by key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.io.keys import _dense
from synthohive.tables.block_store import TableSpool
from synthohive.tables.context import positions_in_groups
from synthohive.tables.joins import match_rows

cells = st.one_of(st.none(), st.integers(0, 4))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(cells, cells), max_size=30), st.lists(st.tuples(cells, cells), max_size=9)
)
def test_matches_as_a_dictionary_does(child: list[tuple], parent: list[tuple]) -> None:
    def table(rows: list[tuple], type_: pa.DataType) -> pa.Table:
        return pa.table(
            {
                "a": pa.array([r[0] for r in rows], type_),
                "b": pa.array([r[1] for r in rows], pa.int64()).cast(pa.string()),
            }
        )

    found = match_rows(table(child, pa.int32()), ["a", "b"], table(parent, pa.int64()), ["a", "b"])
    known: dict[tuple, int] = {}
    for number, row in enumerate(parent):
        if None not in row:
            known.setdefault(row, number)
    assert found.tolist() == [known.get(r, -1) for r in child]


def test_codes_are_numbered_anew_by_marks_as_by_sorting() -> None:
    for wide in (1, 1_000):  # more codes than are worth marking
        codes = [np.array([3, -1, 0, 6, -1]), np.array([], dtype=np.int64), np.array([6, 3])]
        found = _dense([np.where(own < 0, -1, own * wide) for own in codes])
        assert [own.tolist() for own in found] == [[1, -1, 0, 2, -1], [], [2, 1]]


def test_positions_and_sizes() -> None:
    positions, sizes = positions_in_groups(np.array([4, 4, -1, 2, 4, -1]))
    assert positions.tolist() == [0, 1, 0, 0, 2, 0]
    assert sizes.tolist() == [3, 3, 1, 1, 3, 1]


def test_spool_slices_thins_and_rewrites(tmp_path) -> None:  # type: ignore[no-untyped-def]
    spool = TableSpool(tmp_path / "t.arrow", pa.schema([("a", pa.int64()), ("b", pa.string())]))
    for start in (0, 10, 20):
        numbers = list(range(start, start + 10))
        spool.append(pa.table({"a": numbers, "b": [str(n) for n in numbers]}))
    spool.close()
    assert spool.slice(8, 22, ["a"])["a"].to_pylist() == list(range(8, 22))
    assert spool.thinned(["b"], 10)["b"].to_pylist() == [str(n) for n in range(0, 30, 3)]
    spool.rewrite(
        lambda block, start: block.set_column(0, "a", pa.array(np.arange(10) * 2 + start))
    )
    assert spool.column_table(["a"])["a"].to_pylist()[9:12] == [18, 10, 12]
