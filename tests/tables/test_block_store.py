"""Rows of a table on disk, in blocks and as single numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from synthohive.tables import number_spool
from synthohive.tables.block_store import TableSpool
from synthohive.tables.number_spool import NumberSpool


def test_rows_in_any_order_are_those_of_the_whole_table(tmp_path: Path) -> None:
    rows = pa.table({"id": pa.array(range(100)), "name": pa.array([f"n{i}" for i in range(100)])})
    spool = TableSpool(tmp_path / "rows.arrow", rows.schema)
    for start, stop in ((0, 10), (10, 10), (10, 95), (95, 100)):
        spool.append(rows.slice(start, stop - start))
    spool.close()
    rng = np.random.default_rng(1)
    for at in (rng.integers(-1, 100, 300), np.array([99, -1, 0]), np.array([-1]), np.zeros(0, int)):
        expected = rows.select(["name"]).take(pa.array(at, pa.int64(), mask=at < 0))
        assert spool.take(at, ["name"]).equals(expected.combine_chunks())


def test_numbers_of_rows_are_read_in_pieces(tmp_path: Path) -> None:
    assert list(number_spool.stretches(0)) == [(0, 0)]
    assert list(number_spool.stretches(7, 3)) == [(0, 3), (3, 6), (6, 7)]
    numbers = np.random.default_rng(1).integers(-1, 50, 1_000)
    spool = NumberSpool(tmp_path / "numbers", (numbers[a : a + 300] for a in range(0, 1_000, 300)))
    assert np.array_equal(spool.whole(), numbers)
    assert np.array_equal(spool.slice(990, 2_000), numbers[990:])
    rows = np.array([7, -1, 999, 7])
    assert np.array_equal(spool.take(rows), np.where(rows < 0, -1, numbers[rows]))
    some = numbers > 20
    assert np.array_equal(spool.kept(some).whole(), numbers[some])
