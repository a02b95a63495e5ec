"""CSV and Parquet files as a source and as a target."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Union
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import parquet as pq

from synthohive._files import FileIdentity, OwnFiles, file_names, identity
from synthohive.exceptions import ConnectorError
from synthohive.io.csv_files import CsvFile, read_csv
from synthohive.schema.arrow_types import reason_of

__all__ = ["CsvFile", "FileTarget", "files_read", "read_files"]


Paths = Union[str, os.PathLike[str], CsvFile]
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def read_files(paths: Mapping[str, Paths]) -> dict[str, pa.Table]:
    """Read a file, or a folder of part files, for each table.

    In a CSV file (with a header, perhaps compressed as ``.csv.gz``), an empty unquoted field
    is NULL, ``""`` is the empty string, and no word ("NA", "null") means NULL. A column
    stays text where reading it as numbers would change its spelling or its value: leading
    zeros or plus signs, or more digits than 64 bits hold. How it is written is found, or
    given by :class:`CsvFile`. Folders called ``name=value``, as Hive and Spark write them,
    are columns, too.

    Raises
    ------
    ConnectorError
        A file is missing, empty, of an unknown kind, or malformed.
    """
    return {name: _read(name, path) for name, path in paths.items()}


def files_read(paths: Iterable[Paths]) -> frozenset[FileIdentity]:
    """Return the identities of all that :func:`read_files` reads, folders included."""
    found = set()
    for path in map(_path_of, paths):
        found |= {identity(p) for p in (path, *(path.rglob("*") if path.is_dir() else ()))}
    return frozenset(found)


def _path_of(given: Paths) -> Path:
    return given.path if isinstance(given, CsvFile) else Path(given)


def _read(name: str, given: Paths) -> pa.Table:
    path = _path_of(given)
    if not path.exists():
        raise ConnectorError(f"Table {name!r}: there is no file at {str(path)!r}.")
    parts = [path]
    if path.is_dir():
        hidden = (".", "_")  # as _SUCCESS, which Spark writes
        listed = sorted(p for p in path.rglob("*") if not p.name.startswith(hidden))
        parts = [p for p in listed if _format(p)]
        if not parts:
            raise ConnectorError(f"Table {name!r}: {str(path)!r} has no CSV or Parquet files.")
    tables = [_read_part(name, part, given) for part in parts]
    for table in tables:
        if len(set(table.column_names)) < table.num_columns:
            raise ConnectorError(f"Table {name!r}: two columns of {path.name!r} have one name.")
    try:
        return _partitioned(_joined(tables), tables, parts, path)
    except pa.ArrowException as exc:
        raise ConnectorError(f"Table {name!r}: its files differ in their columns: {exc}") from exc


def _read_part(name: str, part: Path, given: Paths) -> pa.Table:
    kind = _format(part)
    try:
        if isinstance(given, CsvFile):
            return read_csv(given.model_copy(update={"path": part}))
        if kind == "csv":
            return read_csv(CsvFile(part))
        if kind == "parquet":
            return pq.ParquetFile(part).read()
    except (pa.ArrowException, OSError) as exc:
        raise ConnectorError(
            f"Table {name!r}: {part.name!r} cannot be read: {reason_of(exc)}"
        ) from None  # it may repeat the row
    raise ConnectorError(
        f"Table {name!r}: {part.name!r} is neither CSV nor Parquet.",
        hint="Name the file .csv, .csv.gz or .parquet, or pass CsvFile(path).",
    )


def _format(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes[-1:] in ([".parquet"], [".pq"]):
        return "parquet"
    return "csv" if ".csv" in suffixes[-2:] and suffixes[-1] in _CSV_SUFFIXES else ""


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate parts; a column that is text in one of them is text in all."""
    texts = {
        name
        for table in tables
        for name, values in zip(table.column_names, table.columns)
        if pa.types.is_string(values.type) and values.null_count < len(values)
    }
    aligned = []
    for table in tables:
        types = [pa.string() if f.name in texts else f.type for f in table.schema]
        columns = [pc.cast(c, t) for c, t in zip(table.columns, types)]
        aligned.append(pa.table(columns, names=table.column_names))
    return pa.concat_tables(aligned, promote_options="permissive")


def _partitioned(
    table: pa.Table, tables: Sequence[pa.Table], parts: Sequence[Path], folder: Path
) -> pa.Table:
    """Append the columns that are kept in the names of folders: ``year=2024/month=02``."""
    levels = []
    for part in parts:
        names = part.parent.relative_to(folder).parts if part != folder else ()
        pairs = [name.partition("=") for name in names if "=" in name]
        levels.append({unquote(name): unquote(value) for name, _, value in pairs})
    sizes = [len(rows) for rows in tables]
    for name in dict.fromkeys(name for level in levels for name in level):
        if name in table.column_names:  # some writers keep it in the files as well
            continue
        values = [level.get(name, _NULL_PARTITION) for level in levels]
        known = [None if value == _NULL_PARTITION else value for value in values]
        rows = np.repeat(np.arange(len(parts)), sizes)  # (rows,): the part of each
        table = table.append_column(name, _typed(pa.array(known, pa.string())).take(rows))
    return table


def _typed(values: pa.Array) -> pa.Array:
    """Return values of a partition as whole numbers or dates, if all are written so."""
    for type_ in (pa.int64(), pa.date32()):
        try:
            read = pc.cast(values, type_)
        except pa.ArrowInvalid:
            continue
        if pc.cast(read, pa.string()).equals(values):
            return read
    return values


_CSV_SUFFIXES = {".csv", ".gz", ".bz2", ".zst", ".lz4"}


class FileTarget:
    """A folder that gets a file for each table.

    Parameters
    ----------
    folder : Path
    tables : iterable of str
    kind : {"csv", "parquet"}
    if_exists : {"fail", "replace"}
    escape_formulas : bool
        Put ``'`` before texts that a spreadsheet would take for a formula (CSV only).
    read : iterable of FileIdentity
        What may not be overwritten whatever `if_exists` says: the source.

    Raises
    ------
    ConnectorError
        A file is there that may not be replaced.
    """

    def __init__(
        self,
        folder: Path,
        tables: Iterable[str],
        kind: str,
        *,
        if_exists: str = "fail",
        escape_formulas: bool = False,
        read: Iterable[FileIdentity] = (),
    ) -> None:
        if escape_formulas and kind != "csv":
            raise ConnectorError(
                "escape_formulas is for CSV files: others say what is text.",
                hint='Leave it out, or pass output_format="csv".',
            )
        self.folder, self.kind, self.escape = folder, kind, escape_formulas
        self.names = {table: f"{name}.{kind}" for table, name in file_names(tables).items()}
        self._files = OwnFiles(folder, self.names.values(), if_exists, read)

    def write(
        self, batches: Mapping[str, Iterable[pa.RecordBatch]], schemas: Mapping[str, pa.Schema]
    ) -> dict[str, Path]:
        """Write all tables, streaming; each file appears whole or not at all.

        In CSV, bytes are written in hexadecimal, and spans of time as microseconds.

        Raises
        ------
        ConnectorError
            The folder cannot be written to.
        """
        parts = {}
        try:
            with self._files.staging() as staging:
                for number, (table, rows) in enumerate(batches.items()):
                    part = staging / str(number)
                    self._write(part, schemas[table], rows)
                    parts[self.names[table]] = part
                self._files.publish(parts)
        except (OSError, pa.ArrowException) as exc:
            raise ConnectorError(
                f"The folder {str(self.folder)!r} cannot be written to: {exc}"
            ) from exc
        return {table: self.folder / self.names[table] for table in batches}

    def _write(self, path: Path, schema: pa.Schema, rows: Iterable[pa.RecordBatch]) -> None:
        writer: Any
        if self.kind == "parquet":
            # floats hardly repeat: a dictionary of them takes time and space
            repeated = [f.name for f in schema if not pa.types.is_floating(f.type)]
            writer = pq.ParquetWriter(path, schema, use_dictionary=repeated)
        else:
            names = [_unlike_formulas(pa.array([n]))[0].as_py() for n in schema.names]
            shown = names if self.escape else schema.names
            plain = pa.schema([pa.field(n, _csv_type(f.type)) for n, f in zip(shown, schema)])
            writer = csv.CSVWriter(path, plain)
        with writer:
            for batch in rows:
                if self.kind == "csv":
                    arrays = [self._csv_array(a, f.type) for a, f in zip(batch.columns, plain)]
                    writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=plain))
                else:
                    writer.write_batch(batch)

    def _csv_array(self, values: pa.Array, type_: pa.DataType) -> pa.Array:
        if self.escape and pa.types.is_string(values.type):
            return _unlike_formulas(values)
        return _csv_array(values, type_)


def _unlike_formulas(values: pa.Array) -> pa.Array:
    """Put an apostrophe before what spreadsheets calculate, as the OWASP advises."""
    return pc.replace_substring_regex(values, r"\A([=+\-@\t\r\n＝＋－＠])", r"'\1")


def _csv_array(values: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return pa.array([None if v is None else v.hex() for v in values.to_pylist()], type_)
    if pa.types.is_duration(values.type):
        return pc.cast(pc.cast(values, pa.duration("us"), safe=False), type_)
    return pc.cast(values, type_)


def _csv_type(type_: pa.DataType) -> pa.DataType:
    """Return the type that the CSV writer takes: it has none for durations and bytes."""
    if pa.types.is_duration(type_):
        return pa.int64()
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_decimal)
    return pa.string() if any(test(type_) for test in tests) else type_
