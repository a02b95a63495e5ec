"""Rows of a query as Arrow, of which no more than a part is ever on the driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from synthohive.io.base import BATCH_ROWS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["batches"]

_AT_ONCE = 100_000
"""Rows that come as one Arrow table: samples, and answers to questions, are no more."""


def batches(frame: DataFrame) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query, in its order.

    A few come at once, by ``toArrow``. Of more than that, the executors pack each batch as the
    bytes of one row, and ``toLocalIterator`` brings these one partition after the other: so the
    driver holds one partition, and rows need not become Python's, by which moments would lose
    their zone and decimals their speed. It costs a Python worker, and what came at first is
    calculated again.
    """
    few = frame.limit(_AT_ONCE + 1).toArrow()
    if few.num_rows <= _AT_ONCE:
        yield from few.to_batches(BATCH_ROWS)
        return
    del few

    # A function within a function goes to the executors by value: they need not have SynthoHive.
    def packed(given: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow

        for batch in given:
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            yield pyarrow.RecordBatch.from_pydict({"rows": [sink.getvalue().to_pybytes()]})

    for row in frame.mapInArrow(packed, "rows binary").toLocalIterator():
        with pa.ipc.open_stream(row.rows) as stream:
            yield from stream
