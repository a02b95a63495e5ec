"""CSV and Parquet files as a source and as a target."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Union

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import parquet as pq

from synthohive._arrow import reason_of
from synthohive._files import FileIdentity, OwnFiles, file_names, identity
from synthohive.exceptions import ConnectorError

__all__ = ["FileTarget", "files_read", "read_files"]


def read_files(paths: Mapping[str, Union[str, os.PathLike[str]]]) -> dict[str, pa.Table]:
    """Read a file, or a folder of part files, for each table.

    In a CSV file (UTF-8, with a header, perhaps compressed as ``.csv.gz``), an empty
    unquoted field is NULL, ``""`` is the empty string, and no word ("NA", "null") means
    NULL. A column stays text where reading it as numbers would change its spelling or
    its value: leading zeros or plus signs, or more digits than 64 bits hold.

    Raises
    ------
    ConnectorError
        A file is missing, empty, of an unknown kind, or malformed.
    """
    return {name: _read(name, Path(path)) for name, path in paths.items()}


def files_read(paths: Iterable[Union[str, os.PathLike[str]]]) -> frozenset[FileIdentity]:
    """Return the identities of all that :func:`read_files` reads, folders included."""
    found = set()
    for path in map(Path, paths):
        found |= {identity(p) for p in (path, *(path.rglob("*") if path.is_dir() else ()))}
    return frozenset(found)


def _read(name: str, path: Path) -> pa.Table:
    if not path.exists():
        raise ConnectorError(f"Table {name!r}: there is no file at {str(path)!r}.")
    parts = [path]
    if path.is_dir():
        hidden = (".", "_")  # as _SUCCESS, which Spark writes
        listed = sorted(p for p in path.rglob("*") if not p.name.startswith(hidden))
        parts = [p for p in listed if _format(p)]
        if not parts:
            raise ConnectorError(f"Table {name!r}: {str(path)!r} has no CSV or Parquet files.")
    tables = []
    for part in parts:
        read = _READERS.get(_format(part))
        if read is None:
            raise ConnectorError(
                f"Table {name!r}: {part.name!r} is neither CSV nor Parquet.",
                hint="Name the file .csv, .csv.gz or .parquet.",
            )
        try:
            tables.append(read(part))
        except (pa.ArrowException, OSError) as exc:
            raise ConnectorError(
                f"Table {name!r}: {part.name!r} cannot be read: {reason_of(exc)}"
            ) from None  # it may repeat the row
    for table in tables:
        if len(set(table.column_names)) < table.num_columns:
            raise ConnectorError(f"Table {name!r}: two columns of {path.name!r} have one name.")
    try:
        return _joined(tables)
    except pa.ArrowException as exc:
        raise ConnectorError(f"Table {name!r}: its files differ in their columns: {exc}") from exc


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


def _read_csv(path: Path) -> pa.Table:
    table = _parsed(path, {})
    if table.num_columns == 1:  # then an empty line is a NULL, and no slip
        table = _parsed(path, {}, ignore_empty_lines=False)
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise pa.ArrowInvalid(f"column {field.name!r} is not UTF-8 text")
    spelled = {f.name: _spelling(f.type) for f in table.schema}
    numeric = [name for name, pattern in spelled.items() if pattern]
    if not numeric or len(spelled) < table.num_columns:
        return table
    texts = _parsed(
        path,
        dict.fromkeys(numeric, pa.string()),
        ignore_empty_lines=table.num_columns > 1,
        only=numeric,
    )
    for name in numeric:
        kept = pc.match_substring_regex(texts.column(name), spelled[name])
        if pc.any(kept).as_py():
            table = table.set_column(table.column_names.index(name), name, texts.column(name))
    return table


def _parsed(
    path: Path,
    types: dict[str, pa.DataType],
    *,
    ignore_empty_lines: bool = True,
    only: Sequence[str] = (),
) -> pa.Table:
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=ignore_empty_lines)
    convert = csv.ConvertOptions(
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        column_types=types,
        include_columns=list(only),
    )
    return csv.read_csv(path, parse_options=parse, convert_options=convert)


def _spelling(type_: pa.DataType) -> str:
    """Return the pattern of what looks like a number but is not one; empty for other types."""
    if pa.types.is_integer(type_):
        return _CODES
    return rf"{_CODES}|^-?[0-9]{{16,}}$|^[0-9]+[eE][0-9]+$" if pa.types.is_floating(type_) else ""


_CODES = r"^[+]|^-?0[0-9]"
_CSV_SUFFIXES = {".csv", ".gz", ".bz2", ".zst", ".lz4"}
_READERS: dict[str, Callable[[Path], pa.Table]] = {"csv": _read_csv, "parquet": pq.read_table}


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
