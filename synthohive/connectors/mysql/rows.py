"""Rows into one MySQL table: LOAD DATA LOCAL, or INSERT where the server forbids that."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.connectors.mysql.spelling import GEOMETRIES, point_hex, quote
from synthohive.connectors.special_values import respelled
from synthohive.ddl.spelling import Spelling
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.io.text import (
    clock,
    hexadecimal,
    iso_timestamps,
    since_epoch,
    text,
)
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from synthohive.schema import Column

__all__ = ["RowLoader", "hide_values", "regroup"]

_INSERT_ROWS = 1_000
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_DECODE = {
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "UNHEX({})"
    ),
    **dict.fromkeys(GEOMETRIES, "UNHEX({})"),
    "bit": "CAST({} AS UNSIGNED)",
}


class _Words(NamedTuple):
    """Rows as texts, by column: each with whether it stands in quotes; and as a file, if any."""

    texts: list[tuple[pa.Array, bool]]
    csv: bytes


class RowLoader:
    """Fill one table, piece by piece, refusing whatever the server would repair.

    Parameters
    ----------
    connection : pymysql.Connection
        In the staging database.
    database, table : str
    columns : sequence of Column
        In the order of the batches.
    respelling : Spelling
        Writes the special values.
    folder : Path, optional
        Where LOAD DATA LOCAL finds its rows; rows are inserted if None.
    """

    def __init__(
        self,
        connection: Any,
        database: str,
        table: str,
        columns: Sequence[Column],
        respelling: Spelling,
        *,
        folder: Optional[Path],
    ) -> None:
        self._connection = connection
        self._table, self._respelling = table, respelling
        self._columns = columns
        found = self._rows(
            "SELECT COLUMN_NAME, LOWER(DATA_TYPE), EXTRA FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            (database, table),
        )
        self._types = {name: type_ for name, type_, _ in found}
        decoded = [_DECODE.get(self._types[column.name]) for column in columns]
        if any(decoded):  # MariaDB takes a zero for a counter's next value unless it is SET too
            counters = {name for name, _, extra in found if "auto_increment" in extra.lower()}
            decoded = [
                "{}" if column.name in counters else how for column, how in zip(columns, decoded)
            ]
        self._decode = decoded
        self._folder = folder

    def load(self, batches: Iterable[pa.RecordBatch]) -> int:
        """Store batches, each while the next one is put into words; return the number of rows.

        Raises
        ------
        ConnectorError
            The server took fewer rows, or changed a value.
        """
        rows = 0
        ahead: Optional[Future[_Words]] = None
        with ThreadPoolExecutor(1, "words") as beside:
            for batch in batches:
                rows += batch.num_rows
                ready, ahead = ahead, beside.submit(self._in_words, batch)
                if ready is not None:
                    self._store(ready.result())
            if ahead is not None:
                self._store(ahead.result())
        return rows

    def _in_words(self, batch: pa.RecordBatch) -> _Words:
        """Return a batch as the server is told it."""
        texts = [self._written(c, array) for c, array in zip(self._columns, batch.columns)]
        as_file = texts and self._folder is not None
        return _Words(texts, _csv(texts) if as_file else b"")

    def _store(self, words: _Words) -> None:
        if not words.texts:
            return
        if self._folder is None:
            self._insert(words.texts)
        else:
            self._load_data(words.csv, len(words.texts[0][0]))

    def _written(self, column: Column, array: pa.Array) -> tuple[pa.Array, bool]:
        stored = self._types[column.name]
        if column.kind is ColumnKind.POINT and stored in GEOMETRIES:
            points = [None if v is None else point_hex(v) for v in array.to_pylist()]
            return pa.array(points, pa.string()), False
        written, quoted = _text(stored, array)
        return respelled(array, written, self._respelling), quoted

    def _rows(self, sql: str, values: Optional[tuple[Any, ...]] = None) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def _load_data(self, csv: bytes, rows: int) -> None:
        targets, sets = [], []
        for i, (column, decode) in enumerate(zip(self._columns, self._decode)):
            targets.append(f"@c{i}" if decode else quote(column.name))
            if decode:
                sets.append(f"{quote(column.name)} = {decode.format(f'@c{i}')}")
        handle, name = tempfile.mkstemp(suffix=".csv", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(csv)
            sql = (
                f"LOAD DATA LOCAL INFILE {self._connection.escape(name)} "
                f"INTO TABLE {quote(self._table)} CHARACTER SET utf8mb4 "
                "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
                f"LINES TERMINATED BY '\\n' ({', '.join(targets)})"
                + (f" SET {', '.join(sets)}" if sets else "")
            )
            with self._connection.cursor() as cursor:
                kept = cursor.execute(sql)
        finally:
            Path(name).unlink()
        self._check(kept, rows)

    def _check(self, kept: int, rows: int) -> None:
        """Raise where LOCAL repaired or skipped a row, which it does whatever the SQL mode."""
        ((warnings,),) = self._rows("SHOW COUNT(*) WARNINGS")
        if kept == rows and not warnings:
            return
        shown = self._rows("SHOW WARNINGS LIMIT 1")
        first = hide_values(str(shown[0][2])) if shown else "no reason given"
        raise ConnectorError(
            f"MySQL kept {kept} of {rows} rows for table {self._table!r} with {warnings} "
            f"warnings; the first: {first.rstrip('.')}.",
            hint="Nothing was changed.",
        )

    def _insert(self, texts: list[tuple[pa.Array, bool]]) -> None:
        marks = ", ".join((decode or "{}").format("%s") for decode in self._decode)
        names = ", ".join(quote(column.name).replace("%", "%%") for column in self._columns)
        place = quote(self._table).replace("%", "%%")
        sql = f"INSERT INTO {place} ({names}) VALUES ({marks})"
        rows = list(zip(*(array.to_pylist() for array, _ in texts)))
        with self._connection.cursor() as cursor:
            for start in range(0, len(rows), _INSERT_ROWS):
                cursor.executemany(sql, rows[start : start + _INSERT_ROWS])


def hide_values(message: str) -> str:
    """Blank the value in a server's message but keep the names.

    Examples
    --------
    >>> hide_values("Duplicate entry '7-a@b.c' for key 't.PRIMARY'")
    "Duplicate entry '…' for key 't.PRIMARY'"
    """
    for lead in ("Duplicate entry ", "value: "):
        if lead in message:
            head, _, tail = message.partition(lead)
            return head + lead + _QUOTED.sub("'…'", tail, count=1)
    return message


def regroup(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join small batches and cut large ones, so that each statement is worth its round trip."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            piece = batch.slice(start, BATCH_ROWS)
            held.append(piece)
            rows += piece.num_rows
            if rows >= BATCH_ROWS:
                yield from pa.Table.from_batches(held).combine_chunks().to_batches()
                held, rows = [], 0
    if rows:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()


def _text(stored: str, array: pa.Array) -> tuple[pa.Array, bool]:
    """Return a column as text, and whether it must stand in quotes."""
    type_ = array.type
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return pc.cast(hexadecimal(array), pa.string()), False
    if pa.types.is_boolean(type_):
        return text(pc.cast(array, pa.int8())), False
    if pa.types.is_duration(type_):
        return (clock(array) if stored == "time" else iso_timestamps(since_epoch(array))), False
    if pa.types.is_timestamp(type_):
        return iso_timestamps(array), False
    if pa.types.is_dictionary(type_):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return pc.cast(array, pa.string()), True
    return text(array), False


def _csv(texts: list[tuple[pa.Array, bool]]) -> bytes:
    """Return rows as CSV in which only strings are quoted, so that NULL is a bare word."""
    fields = []
    for array, quoted in texts:
        field = array
        if quoted:
            field = pc.binary_join_element_wise(
                '"', pc.replace_substring(array, '"', '""'), '"', ""
            )
        fields.append(pc.fill_null(field, "NULL"))
    fields[-1] = pc.binary_join_element_wise(fields[-1], "\n", "")
    lines = pc.binary_join_element_wise(*fields, ",")
    # Arrow holds all texts of a column one behind the other in one buffer, (bytes,): with a line's
    # end in each, that is the file, and no row becomes a Python object. Behind the last line's end
    # the buffer holds more.
    _, ends, data = lines.buffers()
    return bytes(memoryview(data)[: np.frombuffer(ends, np.int32)[len(lines)]])
