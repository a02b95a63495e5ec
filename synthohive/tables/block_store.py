"""Generated rows on disk: what keeps memory bounded by the block."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import AnyArray, Bools, IntArray
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.io.staged import Withdrawn

__all__ = ["EncodedSpool", "SomeEncodedRows", "SomeRows", "TableSpool", "Tail"]


KEPT_AT_ONCE = 65_536
MAGIC = 8
"""Bytes of a file in front of its blocks, which from there on are a stream."""


class Tail:
    """The blocks of a table for a reader in another thread, who gets them while others are made.

    They are taken for final. Where the table is changed after all, they are withdrawn.

    Parameters
    ----------
    path : Path
        The file that is being written.
    """

    def __init__(self, path: Path) -> None:
        self._file = pa.OSFile(str(path))  # now: the file gets another name when it is whole
        self._blocks, self._ended, self._withdrawn = 0, False, False
        self._changed = threading.Condition()

    def grow(self) -> None:
        """Tell that one more block is in the file."""
        with self._changed:
            self._blocks += 1
            self._changed.notify_all()

    def end(self) -> bool:
        """Tell that there are no more; return whether those there were still count."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            return not self._withdrawn

    def withdraw(self) -> None:
        """Tell that the blocks do not count."""
        with self._changed:
            self._withdrawn = True
            self._changed.notify_all()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the blocks as they come, until they end.

        Raises
        ------
        Withdrawn
        """
        reader: Any = None
        with self._file as file:
            for number in itertools.count():
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._withdrawn or self._ended or self._blocks > number  # noqa: B023
                    )
                    if self._withdrawn:
                        raise Withdrawn
                    if self._blocks <= number:
                        return
                if reader is None:
                    file.seek(MAGIC)
                    reader = pa.ipc.open_stream(file)
                yield reader.read_next_batch()


class TableSpool:
    """The blocks of one generated table, in an Arrow IPC file.

    Parameters
    ----------
    path : Path
        The file to create.
    schema : pyarrow.Schema
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self._starts: list[int] = [0]
        self._final = False
        self._tail: Optional[Tail] = None
        self._writer: Optional[pa.ipc.RecordBatchFileWriter] = pa.ipc.new_file(str(path), schema)

    def __getstate__(self) -> dict[str, Any]:
        """Return what other processes need to read."""
        return {**self.__dict__, "_tail": None}

    def move(self, folder: Path) -> None:
        """Find the file in another folder from now on, of another machine perhaps."""
        self.path = folder / self.path.name

    def append(self, table: pa.Table) -> None:
        """Add a block."""
        if self._writer is None:
            raise ValueError(f"the spool {self.path.name} is closed")
        batch = pa.RecordBatch.from_arrays(
            [column.combine_chunks() for column in table.columns], schema=self.schema
        )
        self._writer.write_batch(batch)
        self.rows += batch.num_rows
        self._starts.append(self.rows)
        if self._tail is not None:
            self._tail.grow()

    def follow(self) -> Tail:
        """Return the blocks for who wants them while they come, from the first one on."""
        self._tail = Tail(self.path)
        return self._tail

    @property
    def starts(self) -> list[int]:
        """The first row of each block."""
        return self._starts[:-1]

    def close(self) -> None:
        """Finish writing; reading needs it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def batches(self, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """Yield the blocks in order, with all or some of the columns."""
        with self._opened(columns) as reader:
            for i in range(reader.num_record_batches):
                batch = reader.get_batch(i)
                yield batch if columns is None else batch.select(list(columns))

    def stretch(self, number: int) -> tuple[int, int]:
        """Return the first row of a block, and the one behind its last."""
        return self._starts[number], self._starts[number + 1]

    def block(self, number: int) -> pa.Table:
        """Return one of the blocks."""
        with self._opened(None) as reader:
            return pa.Table.from_batches([reader.get_batch(number)])

    @contextmanager
    def _opened(self, columns: Optional[Sequence[str]]) -> Iterator[pa.ipc.RecordBatchFileReader]:
        """Open the file; of some columns only, the others are not read from the disk."""
        places = [self.schema.get_field_index(name) for name in columns or ()]
        options = pa.ipc.IpcReadOptions(included_fields=places)  # none: all of them
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_file(file, options=options) as reader:
            yield reader

    def column_table(self, columns: Sequence[str]) -> pa.Table:
        """Return some columns of all rows."""
        schema = pa.schema([self.schema.field(c) for c in columns])
        parts = list(self.batches(columns))
        return pa.Table.from_batches(parts, schema=schema).combine_chunks()

    def thinned(self, columns: Sequence[str], limit: int) -> pa.Table:
        """Return some columns of at most about `limit` rows, evenly spread."""
        step = max(1, -(-self.rows // limit))
        schema = pa.schema([self.schema.field(c) for c in columns])
        # Every step-th row of the whole table, wherever blocks begin: -start % step is the first.
        parts = [
            batch if step == 1 else batch.take(pa.array(range(-start % step, len(batch), step)))
            for start, batch in zip(self._starts, self.batches(columns))
        ]
        return pa.Table.from_batches(parts, schema=schema)

    def slice(self, start: int, stop: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of rows ``start … stop - 1``.

        Parameters
        ----------
        start, stop : int
            Row numbers over all blocks; what lies beyond the last row is left out.
        columns : sequence of str
        """
        schema = pa.schema([self.schema.field(c) for c in columns])
        # The block in which `start` is: the last that begins at it or before.
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        parts = []
        with self._opened(columns) as reader:
            for i in range(first, reader.num_record_batches):
                if self._starts[i] >= stop:
                    break
                batch = reader.get_batch(i).select(list(columns))
                low = max(start - self._starts[i], 0)
                parts.append(batch.slice(low, stop - self._starts[i] - low))
        return pa.Table.from_batches(parts, schema=schema).combine_chunks()

    def take(self, rows: IntArray, columns: Sequence[str]) -> pa.Table:
        """Return some columns of rows in any order, NULL for row -1; no block more than once.

        Parameters
        ----------
        rows : ndarray of int64
            Row numbers, repeated at will. What is held is these rows, and a block.
        columns : sequence of str
        """
        schema = pa.schema([self.schema.field(c) for c in columns])
        order = np.argsort(rows, kind="stable")
        order = order[int((rows < 0).sum()) :]
        ascending, parts = rows[order], []
        with self._opened(columns) as reader:
            spans = np.searchsorted(ascending, self._starts)
            for i, (low, high) in enumerate(zip(spans, spans[1:])):
                if high > low:
                    batch = reader.get_batch(i).select(list(columns))
                    parts.append(batch.take(pa.array(ascending[low:high] - self._starts[i])))
        place = np.empty(len(rows), dtype=np.int64)
        place[order] = np.arange(len(order))
        index = pa.array(place, mask=rows < 0)
        return pa.Table.from_batches(parts, schema=schema).take(index).combine_chunks()

    def rewrite(self, change: Callable[[pa.Table, int], pa.Table]) -> None:
        """Replace each block by ``change(block, first row number)``."""
        batches = zip(self._starts, self.batches())
        self.replace(change(pa.Table.from_batches([batch]), start) for start, batch in batches)

    def replace(
        self, blocks: Iterable[pa.Table], early: Optional[Callable[[Tail], None]] = None
    ) -> None:
        """Put other blocks in the place of all that are here, which may be read meanwhile.

        Parameters
        ----------
        blocks : iterable of pyarrow.Table
        early : callable, optional
            Gets them while they come, as nothing is expected to change them any more.
        """
        if self._final:  # somebody has these rows already
            raise RuntimeError(f"the rows in {self.path.name} are final")
        if self._tail is not None:
            self._tail.withdraw()
        self._tail = None
        fresh = TableSpool(self.path.with_suffix(".rewrite"), self.schema)
        if early is not None:
            self._tail = fresh.follow()
            early(self._tail)
        for block in blocks:
            fresh.append(block)
        fresh.close()
        os.replace(fresh.path, self.path)
        self.rows, self._starts = fresh.rows, fresh._starts

    def freeze(self) -> None:
        """Let nothing change the rows any more."""
        self._final = True

    def keep(self, rows: Bools) -> None:
        """Leave out all rows but some."""
        self.rewrite(lambda block, at: block.filter(pa.array(rows[at : at + len(block)])))


class SomeRows(TableSpool):
    """Some rows of a table that is final, read from the file of all: each column once.

    Parameters
    ----------
    whole : TableSpool
    numbers : ndarray of int64
        Of the rows, ascending.
    path : Path
        Beside which files about these rows may lie.
    """

    def __init__(self, whole: TableSpool, numbers: IntArray, path: Path) -> None:
        self.path, self.schema, self.rows = path, whole.schema, len(numbers)
        self._whole, self._numbers = whole, numbers
        self._starts = [*range(0, self.rows, KEPT_AT_ONCE), self.rows]
        self._final, self._tail, self._writer = True, None, None
        self._known: dict[str, pa.ChunkedArray] = {}

    def column_table(self, columns: Sequence[str]) -> pa.Table:
        """See the base class."""
        # They lie anywhere in the file, which is read as a whole for any of them.
        asked = [name for name in columns if name not in self._known]
        if asked:
            found = self._whole.take(self._numbers, asked)
            self._known.update(zip(asked, found.columns))
        schema = pa.schema([self.schema.field(name) for name in columns])
        return pa.table([self._known[name] for name in columns], schema=schema)

    def batches(self, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        names = self.schema.names if columns is None else columns
        for start, stop in zip(self._starts, self._starts[1:]):
            yield from self.slice(start, stop, names).to_batches()

    def block(self, number: int) -> pa.Table:
        """See the base class."""
        return self.slice(*self.stretch(number), self.schema.names)

    def slice(self, start: int, stop: int, columns: Sequence[str]) -> pa.Table:
        """See the base class."""
        return self.column_table(columns).slice(start, max(stop - start, 0))

    def take(self, rows: IntArray, columns: Sequence[str]) -> pa.Table:
        """See the base class."""
        return self.column_table(columns).take(pa.array(rows, mask=rows < 0)).combine_chunks()


def _gathered(numbers: IntArray, rows: IntArray) -> IntArray:
    return np.where(rows < 0, -1, numbers[rows]) if len(numbers) else np.full_like(rows, -1)


class EncodedSpool:
    """Encoded rows on disk, for the children that are conditioned on them."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.layout = layout
        self.rows = 0
        self._paths = (path.with_suffix(".codes"), path.with_suffix(".values"))
        for part in self._paths:
            part.write_bytes(b"")

    def move(self, folder: Path) -> None:
        """See :meth:`TableSpool.move`."""
        codes, values = self._paths
        self._paths = folder / codes.name, folder / values.name

    def append(self, block: EncodedTable) -> None:
        """Add a block."""
        for path, array in zip(self._paths, (block.codes, block.values)):
            with path.open("ab") as file:
                file.write(np.ascontiguousarray(array).tobytes())
        self.rows += len(block)

    def take(self, indices: IntArray) -> EncodedTable:
        """Return rows by number; -1 gives an absent row.

        Only the span between the smallest and the largest number is read, so that
        ascending numbers (children in their parents' order) cost little.
        """
        present = indices[indices >= 0]
        low, high = (int(present.min()), int(present.max()) + 1) if len(present) else (0, 0)
        codes = self._read(0, np.dtype(np.int32), len(self.layout.discrete), low, high)
        values = self._read(1, np.dtype(np.float32), len(self.layout.continuous), low, high)
        span = EncodedTable(self.layout, codes, values)
        return span.take(np.where(indices < 0, -1, indices - low))

    def keep(self, rows: Bools) -> None:
        """Leave out all rows but some."""
        widths = (len(self.layout.discrete), np.int32), (len(self.layout.continuous), np.float32)
        for path, (width, dtype) in zip(self._paths, widths):
            fresh = path.with_suffix(f"{path.suffix}.rewrite")
            with path.open("rb") as old, fresh.open("wb") as new:
                for start in range(0, len(rows), KEPT_AT_ONCE):
                    kept = rows[start : start + KEPT_AT_ONCE]
                    block = np.fromfile(old, dtype=dtype, count=len(kept) * width)
                    new.write(np.ascontiguousarray(block.reshape(len(kept), width)[kept]).tobytes())
            os.replace(fresh, path)
        self.rows = int(rows.sum())

    def _read(self, part: int, dtype: np.dtype[Any], width: int, low: int, high: int) -> AnyArray:
        # Rows have one width: the place of a row in the file is a product.
        offset = low * width * dtype.itemsize
        count = (high - low) * width
        flat = np.fromfile(self._paths[part], dtype=dtype, count=count, offset=offset)
        return flat.reshape(high - low, width)


class SomeEncodedRows(EncodedSpool):
    """The encoded rows of :class:`SomeRows`.

    Parameters
    ----------
    whole : EncodedSpool
    numbers : ndarray of int64
        Of the rows, ascending.
    """

    def __init__(self, whole: EncodedSpool, numbers: IntArray) -> None:
        self.layout, self.rows, self._paths = whole.layout, len(numbers), whole._paths
        self._whole, self._numbers = whole, numbers

    def take(self, indices: IntArray) -> EncodedTable:
        """See the base class."""
        return self._whole.take(_gathered(self._numbers, indices))
