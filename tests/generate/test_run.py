"""What is kept of the rows that are generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from synthohive.generate.run import Generated
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables.block_store import TableSpool
from synthohive.tables.roles import code_column, depth_column, differs_column, null_column


def test_all_that_was_drawn_of_a_row_is_left_out_with_it(tmp_path: Path) -> None:
    rows = pa.table({"id": pa.array([1, 2, 3])})
    spool = TableSpool(tmp_path / "rows.arrow", rows.schema)
    spool.append(rows)
    spool.close()
    link = Link("t", ForeignKey(columns=["other"], parent="p", parent_columns=["id"]))
    drawn = pa.table(
        {
            null_column("key"): pa.array([True, None, False]),
            code_column("key"): pa.array(["5", "6", "7"]),
            differs_column("alias"): pa.array([True, False, True]),
            depth_column("key"): pa.array([0, 1, 2]),
        }
    )
    beside = TableSpool(tmp_path / "beside.arrow", drawn.schema)
    beside.append(drawn)
    beside.close()
    made = Generated(spool, preferences={"key": np.array([0.1, 0.2, 0.3])}, drawn=beside)
    made.choose(link, np.array([2, 1, 0]))
    made.keep(np.array([False, True, True]))
    assert made.spool.column_table(["id"]).column(0).to_pylist() == [2, 3]
    assert made.preferences["key"].tolist() == [0.2, 0.3]
    assert made.flags(null_column("key")).tolist() == [False, False]
    assert made.numbers(code_column("key")).tolist() == [6, 7]
    assert made.flags(differs_column("alias")).tolist() == [False, True]
    assert made.parents[link].whole().tolist() == [1, 0]
    assert made.parents[link].take(np.array([1, -1])).tolist() == [0, -1]
    assert made.numbers(depth_column("key")).tolist() == [1, 2]
    assert made.numbers(depth_column("other")).tolist() == [0, 0]  # it never varied
