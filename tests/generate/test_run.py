"""What is kept of the rows that are generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from synthohive.generate.run import Generated
from synthohive.schema import ForeignKey
from synthohive.schema.plan import Link
from synthohive.tables.block_store import TableSpool


def test_all_that_was_drawn_of_a_row_is_left_out_with_it(tmp_path: Path) -> None:
    rows = pa.table({"id": pa.array([1, 2, 3])})
    spool = TableSpool(tmp_path / "rows.arrow", rows.schema)
    spool.append(rows)
    spool.close()
    link = Link("t", ForeignKey(columns=["other"], parent="p", parent_columns=["id"]))
    made = Generated(
        spool,
        preferences={"key": np.array([0.1, 0.2, 0.3])},
        nulls={"key": np.array([True, False, False])},
        codes={"key": np.array([5, 6, 7])},
        differs={"alias": np.array([True, False, True])},
        parents={link: np.array([2, 1, 0])},
        depths={"key": np.array([0, 1, 2])},
    )
    made.keep(np.array([False, True, True]))
    assert made.spool.column_table(["id"]).column(0).to_pylist() == [2, 3]
    assert made.preferences["key"].tolist() == [0.2, 0.3]
    assert made.nulls["key"].tolist() == [False, False]
    assert made.codes["key"].tolist() == [6, 7]
    assert made.differs["alias"].tolist() == [False, True]
    assert made.parents[link].tolist() == [1, 0]
    assert made.depths["key"].tolist() == [1, 2]
