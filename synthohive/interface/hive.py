"""Synthetic tables of any kind into a database of Spark's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from synthohive import _arguments as arguments
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.interface.spark_writing import places_read
from synthohive.interface.state import SynthesizerState
from synthohive.interface.writing import provenance_of
from synthohive.io.dataframe import read_loosely
from synthohive.schema import TableConfig
from synthohive.schema.arrow_types import reason_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from synthohive.connectors.spark.publication import WrittenTables

__all__ = ["save_to_hive"]


def save_to_hive(
    state: SynthesizerState, data: Any, database: Any, overwrite: bool
) -> WrittenTables:
    """Write tables as managed Parquet tables; see :meth:`Synthesizer.save_to_hive`."""
    from synthohive.connectors.spark.publication import Asked
    from synthohive.connectors.spark.session import is_frame
    from synthohive.connectors.spark.tables import check_names, write_tables

    session, fitted = state.spark, state._state()
    wanted = "a dict of table names to DataFrames"
    tables: Mapping[str, Any] = arguments.mapping("synthetic_data", data, wanted)
    check_names(database, list(tables))
    arguments.flag("overwrite", overwrite)
    unknown = [name for name in tables if name not in fitted.described.tables]
    if unknown:
        raise SchemaError.unknown_table(unknown[0], fitted.described.tables, where="the metadata")
    found = [table.sparkSession for table in tables.values() if is_frame(table)]
    session = session if session is not None else next(iter(found), None)
    if session is None:
        raise ConnectorError(
            "There is no Spark to write by.",
            hint="Pass the session: Synthesizer(metadata, spark_session=spark).",
        )
    frames = {
        name: table if is_frame(table) else _frame(session, fitted.described.tables[name], table)
        for name, table in tables.items()
    }
    return write_tables(
        frames,
        database,
        fitted.described,
        replace(provenance_of(fitted, 0, 1.0), seed=None),  # nobody says how they were made
        Asked(
            "parquet",
            "replace" if overwrite else "fail",
            "overwrite=True",
            read=places_read(state.source),
            sources=fitted.sources,
        ),
    )


def _frame(session: Any, config: TableConfig, given: Any) -> DataFrame:
    """Return a table in memory as Spark's, with the types of its description."""
    from synthohive.connectors.spark.columns import carried, type_sql
    from synthohive.connectors.spark_sql.text import quote

    table = read_loosely(config.name, given)
    arrays = []
    for name, values in zip(table.column_names, table.columns):
        column = config.stored.get(name)
        try:
            typed = values if column is None else pc.cast(values, column.arrow_type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            raise SchemaError(
                f"{config.name}.{name} holds {values.type}, and not what the table holds: "
                f"{reason_of(exc)}.",
                hint="Pass tables as sample() returns them.",
            ) from None  # it may repeat a value
        chunks = typed.chunks or [pa.array([], typed.type)]
        arrays.append(pa.chunked_array([carried(chunk) for chunk in chunks]))
    rows = pa.table(arrays, names=table.column_names)
    # Without them, what a moment without a zone becomes is up to the session.
    types = ", ".join(f"{quote(field.name)} {type_sql(field.type)}" for field in rows.schema)
    frame: DataFrame = session.createDataFrame(rows, types)
    return frame
