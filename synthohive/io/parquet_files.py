"""Rows as Parquet files of bounded size, for engines that load files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["files"]

_FILE_BYTES = 128 << 20


def files(
    folder: Path, batches: Iterable[pa.RecordBatch], carried: Callable[[pa.Array], pa.Array]
) -> Iterator[tuple[Path, int]]:
    """Write batches into files of bounded size; yield each with its number of rows.

    Parameters
    ----------
    folder : Path
        A new one.
    batches : iterable of pyarrow.RecordBatch
        Their columns are called ``c0``, ``c1`` and so on in the files.
    carried : callable
        Returns a column as the files have it.
    """
    number, rows = 0, 0
    writer: Any = None
    path = folder
    with ExitStack() as opened:  # an interruption closes what is open
        for batch in batches:
            arrays = [carried(array) for array in batch.columns]
            plain = pa.table(arrays, [f"c{i}" for i in range(len(arrays))])
            if writer is None:
                path, number, rows = folder / f"{number}.parquet", number + 1, 0
                sink = opened.enter_context(path.open("wb"))
                writer = pq.ParquetWriter(sink, plain.schema, compression="snappy")
                opened.enter_context(writer)
            writer.write_table(plain)
            rows += batch.num_rows
            if sink.tell() >= _FILE_BYTES:
                opened.close()
                writer = None
                yield path, rows
    if writer is not None:
        yield path, rows
