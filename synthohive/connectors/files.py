"""CSV and Parquet files as a source and as a target."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Union

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import parquet as pq

from synthohive.exceptions import ConnectorError

__all__ = ["read_files", "write_files"]


def read_files(paths: Mapping[str, Union[str, os.PathLike[str]]]) -> dict[str, pa.Table]:
    """Read a file, or a folder of part files, for each table.

    In a CSV file, an empty unquoted field is NULL, ``""`` is the empty string, and no word
    ("NA", "null") means NULL. Numbers with a leading zero or sign stay text.

    Raises
    ------
    ConnectorError
        A file is missing, empty, of an unknown kind, or malformed.
    """
    return {name: _read(name, Path(path)) for name, path in paths.items()}


def _read(name: str, path: Path) -> pa.Table:
    parts = sorted(p for p in path.iterdir() if p.suffix in _READERS) if path.is_dir() else [path]
    if not path.exists() or not parts:
        raise ConnectorError(f"Table {name!r}: there is no file at {str(path)!r}.")
    tables = []
    for part in parts:
        if part.suffix not in _READERS:
            raise ConnectorError(
                f"Table {name!r}: {part.name!r} is neither CSV nor Parquet.",
                hint="Name the file .csv or .parquet.",
            )
        try:
            tables.append(_READERS[part.suffix](part))
        except (pa.ArrowException, OSError) as exc:
            raise ConnectorError(f"Table {name!r}: {part.name!r} cannot be read: {exc}") from exc
    return pa.concat_tables(tables, promote_options="permissive")


def _read_csv(path: Path) -> pa.Table:
    convert = csv.ConvertOptions(
        null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = csv.ParseOptions(newlines_in_values=True)
    table = csv.read_csv(path, parse_options=parse, convert_options=convert)
    numeric = [f.name for f in table.schema if pa.types.is_integer(f.type)]
    if not numeric:
        return table
    as_text = csv.ConvertOptions(
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        include_columns=numeric,
        column_types=dict.fromkeys(numeric, pa.string()),
    )
    texts = csv.read_csv(path, parse_options=parse, convert_options=as_text)
    for name in numeric:
        padded = pc.match_substring_regex(texts.column(name), r"^[+]|^-?0[0-9]")
        if pc.any(padded).as_py():
            table = table.set_column(table.column_names.index(name), name, texts.column(name))
    return table


_READERS: dict[str, Any] = {
    ".csv": _read_csv,
    ".parquet": pq.read_table,
    ".pq": pq.read_table,
}


def write_files(
    batches: Mapping[str, Iterable[pa.RecordBatch]],
    schemas: Mapping[str, pa.Schema],
    folder: Path,
    kind: str,
) -> dict[str, Path]:
    """Write a file for each table, streaming; each appears whole or not at all.

    Raises
    ------
    ConnectorError
        The folder cannot be written to.
    """
    paths = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in batches.items():
            target = folder / f"{name.replace(os.sep, '_')}.{kind}"
            with tempfile.TemporaryDirectory(dir=folder, prefix=".synthohive-") as staging:
                part = Path(staging) / "part"
                _write(part, schemas[name], rows, kind)
                os.replace(part, target)
            paths[name] = target
    except OSError as exc:
        raise ConnectorError(f"The folder {str(folder)!r} cannot be written to: {exc}") from exc
    return paths


def _write(path: Path, schema: pa.Schema, rows: Iterable[pa.RecordBatch], kind: str) -> None:
    writer: Any
    if kind == "parquet":
        writer = pq.ParquetWriter(path, schema)
    else:
        plain = pa.schema([pa.field(f.name, _csv_type(f.type)) for f in schema])
        writer = csv.CSVWriter(path, plain)
    with writer:
        for batch in rows:
            if kind == "csv":
                arrays = [pc.cast(a, f.type) for a, f in zip(batch.columns, plain)]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=plain))
            else:
                writer.write_batch(batch)


def _csv_type(type_: pa.DataType) -> pa.DataType:
    """Return the type that the CSV writer takes: it has none for durations and bytes."""
    if pa.types.is_duration(type_):
        return pa.int64()
    return pa.string() if pa.types.is_binary(type_) or pa.types.is_decimal(type_) else type_
