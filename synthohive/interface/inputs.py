"""From what users pass as data to a reader."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional, Union, get_args

import pyarrow as pa

from synthohive import _arguments as arguments
from synthohive._files import FileIdentity
from synthohive.exceptions import SchemaError, SchemaValidationError
from synthohive.io.base import Include, Reader
from synthohive.io.dataframe import FrameReader
from synthohive.io.files import CsvFile, files_read, read_files
from synthohive.schema import Metadata
from synthohive.schema.checks import data_problems

__all__ = ["check_tables", "check_target", "of_spark", "reader_for", "source_of", "tables_of"]


def source_of(
    data: Union[str, Mapping[str, Any], None],
    metadata: Metadata,
    known: Optional[Reader],
    spark: Any = None,
) -> Reader:
    """Return a reader of `data`, or the known one.

    Parameters
    ----------
    data : dict of str to table, or str, optional
        DataFrames, Arrow tables or paths, one for each table; of Spark, a database as well.
    metadata : Metadata
    known : Reader, optional
        The reader of the database that the description came from.
    spark : pyspark.sql.SparkSession, optional
        Reads what is named, and DataFrames of Spark's.

    Raises
    ------
    SchemaError
        There is neither, or `data` cannot be read.
    """
    if data is not None:
        found = of_spark(data, metadata, spark)
        return reader_for(data, metadata) if found is None else found
    if known is None:
        raise SchemaError(
            "There is no data to fit.",
            hint="Pass fit(data), or start with Synthesizer.from_database(url).",
        )
    return known


def of_spark(data: Any, metadata: Metadata, spark: Any) -> Optional[Reader]:
    """Return what reads by Spark; None where nothing is Spark's."""
    from synthohive.connectors.spark.session import is_frame

    given = list(data.values()) if isinstance(data, Mapping) else [data]
    frames = [value for value in given if is_frame(value)]
    named = spark is not None and any(isinstance(v, (str, os.PathLike)) for v in given)
    if not frames and not named:
        return None
    from synthohive.connectors.spark.warehouse import SparkWarehouse

    session = spark if spark is not None else frames[0].sparkSession
    if isinstance(data, str):
        return SparkWarehouse(session, data, metadata if metadata.tables else None)
    check_tables(data, metadata)
    return SparkWarehouse(session, data, metadata)


def check_target(schema: Any, include: Any = ()) -> None:
    """Refuse what names no schema to write, or nothing that a copy may have beside tables."""
    for kind in arguments.names("include", include) or ():
        arguments.choice("include", kind, get_args(Include))
    if isinstance(schema, Mapping):
        for name, target in arguments.mapping("schema", schema, "a dict of names").items():
            arguments.name_of(f"schema[{name!r}]", target)
    elif schema is not None:
        arguments.name_of("schema", schema)


def reader_for(data: Any, metadata: Metadata) -> FrameReader:
    """Return a reader of DataFrames, Arrow tables, or CSV and Parquet paths.

    Raises
    ------
    SchemaError
        A table is missing, unknown, or of a type that is not read.
    """
    tables, files = tables_of(data, metadata)
    reader = FrameReader(tables, metadata)
    reader.files = files
    reader.metadata.validate_schema()
    whole = {n: pa.Table.from_batches(list(reader.read(n))) for n in reader.metadata.tables}
    # Orphans are for `validate` to refuse.
    problems = data_problems(reader.metadata.tables, whole, orphans=False)
    if problems:
        raise SchemaValidationError(problems)
    return reader


def tables_of(data: Any, metadata: Metadata) -> tuple[dict[str, Any], frozenset[FileIdentity]]:
    """Return all tables in memory, as they came, and the files that were read.

    Raises
    ------
    SchemaError
        A table is missing or unknown.
    """
    check_tables(data, metadata)
    paths = {
        name: value if isinstance(value, CsvFile) else arguments.path(f"data[{name!r}]", value)
        for name, value in data.items()
        if isinstance(value, (str, os.PathLike, CsvFile))
    }
    return {**data, **read_files(paths)}, files_read(paths.values())


def check_tables(data: Any, metadata: Metadata) -> None:
    """Refuse data that is not one table for each of the metadata.

    Raises
    ------
    SchemaError
    """
    if not isinstance(data, Mapping):
        raise SchemaError(
            f"data is a {type(data).__name__}.",
            hint="Pass a dict of table names to DataFrames or to CSV or Parquet paths; the name of "
            "a Spark database takes a session: Synthesizer(metadata, spark_session=spark).",
        )
    arguments.mapping("data", data, "a dict of table names to DataFrames or paths")
    for name in data:
        if name not in metadata.tables:
            raise SchemaError.unknown_table(name, metadata.tables, where="the metadata")
    missing = [name for name in metadata.tables if name not in data]
    if missing:
        raise SchemaError(
            f"data has no table {missing[0]!r}.",
            hint="Pass a DataFrame or path for each table of the metadata.",
        )
