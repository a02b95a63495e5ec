"""Generated tables as DataFrames, Arrow tables or files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Optional, get_args

from synthohive.connectors.base import Reader
from synthohive.connectors.dataframe import FrameReader, to_frame
from synthohive.connectors.files import FileTarget
from synthohive.exceptions import SchemaError
from synthohive.relational.fitted import FittedDatabase
from synthohive.relational.making.spool import TableSpool

__all__ = ["FORMATS", "OutputFormat", "file_target", "to_files", "to_memory"]

OutputFormat = Literal["pandas", "arrow", "csv", "parquet"]
FORMATS: tuple[str, ...] = get_args(OutputFormat)


def file_target(
    folder: Path,
    fitted: FittedDatabase,
    kind: str,
    source: Optional[Reader],
    if_exists: str,
    escape_formulas: bool,
) -> FileTarget:
    """Check the folder in which a file for each table is to appear.

    Raises
    ------
    ConnectorError
        A file is there that may not be replaced.
    """
    return FileTarget(
        folder,
        fitted.plan.order,
        "csv" if kind == "csv" else "parquet",
        if_exists=if_exists,
        escape_formulas=escape_formulas,
        read=source.files if isinstance(source, FrameReader) else (),
    )


def to_files(spools: Mapping[str, TableSpool], target: FileTarget) -> dict[str, Path]:
    """Write a file for each table, streaming; return their paths."""
    return target.write(
        {name: spool.batches() for name, spool in spools.items()},
        {name: spool.schema for name, spool in spools.items()},
    )


def to_memory(
    spools: Mapping[str, TableSpool], kind: str, source: Optional[Reader]
) -> dict[str, Any]:
    """Return whole tables; DataFrames get the dtypes of those that were fitted.

    Raises
    ------
    SchemaError
        The format is that of files, and no folder was given.
    """
    if kind not in ("pandas", "arrow"):
        raise SchemaError(
            f"output_format {kind!r} needs a place for files.", hint="Pass output_path as well."
        )
    tables = {name: spool.column_table(spool.schema.names) for name, spool in spools.items()}
    if kind == "arrow":
        return dict(tables)
    known = source if isinstance(source, FrameReader) else None
    return {
        name: to_frame(table, None if known is None else known.dtypes(name))
        for name, table in tables.items()
    }
