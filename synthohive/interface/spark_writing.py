"""What Spark makes, written by Spark: a folder a table, or tables of its catalogue."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Optional

from synthohive import _arguments as arguments
from synthohive.connectors.writers import check_repeated
from synthohive.exceptions import ConnectorError
from synthohive.generate.making import refuse_loss
from synthohive.interface.requests import Request
from synthohive.interface.result import WriteSummary
from synthohive.interface.spark_proof import LastLook
from synthohive.interface.spark_tables import SparkTables, spark_tables
from synthohive.interface.writing import provenance_of
from synthohive.io.base import Reader

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from synthohive.connectors.spark.publication import Asked, WrittenTables

__all__ = ["Published", "places_read", "to_catalogue", "to_folders"]


def places_read(source: Optional[Reader]) -> list[str]:
    """Return where the tables of a source lie, or their names, if Spark reads them."""
    from synthohive.connectors.spark.warehouse import SparkWarehouse

    return list(source.locations.values()) if isinstance(source, SparkWarehouse) else []


def to_folders(
    spark: Optional[SparkSession],
    request: Request,
    path: Any,
    source: Optional[Reader],
    **asked: Any,
) -> dict[str, Any]:
    """Write generated tables to folders.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession, optional
    request : Request
    path : path, optional
        The folder that gets a folder for each table.
    source : Reader, optional
        Never written to.
    **asked
        What :class:`~synthohive.connectors.spark.publication.Asked` takes.

    Returns
    -------
    dict of str to str
        Where each table is.

    Raises
    ------
    ConnectorError
        There is no session, or no place.
    SchemaError
        The place is neither a path nor a URI.
    """
    if spark is None or path is None:
        raise ConnectorError(
            "Delta tables are written by Spark, into a folder.",
            hint="Pass output_path, and a session: Synthesizer.load(…, spark_session=spark).",
        )
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        arguments.refuse("output_path", path, "a path, or the URI of a folder")
    from synthohive.connectors.spark.folders import write_folders
    from synthohive.connectors.spark.publication import Asked

    look = LastLook(request.fitted, request.measures)
    wanted = Asked(**asked, read=places_read(source))
    return _written(spark, request, write_folders, path, look, wanted).places


@dataclass(frozen=True)
class Published:
    """What a caller of ``to_database`` asks of Spark's catalogue; see there."""

    schema: Any
    if_exists: str
    replace_foreign: Optional[str]
    include: Sequence[str]
    resume: bool
    table_format: str

    def checked(self) -> str:
        """Return the database, if all that is asked for can be had.

        Raises
        ------
        ConnectorError
        """
        if not isinstance(self.schema, str):
            raise ConnectorError(
                "In Spark's catalogue, the database is to be named.",
                hint='Pass schema="db" or schema="catalog.db".',
            )
        if self.include or self.resume:
            asked = "views and triggers are copied" if self.include else "runs are resumed"
            raise ConnectorError(
                f"In Spark's catalogue, no {asked}.", hint="Leave out include=… and resume=…."
            )
        check_repeated(self.if_exists, self.replace_foreign, self.schema, None)
        return self.schema


def to_catalogue(
    spark: SparkSession, request: Request, asked: Published, source: Optional[Reader]
) -> WriteSummary:
    """Write generated tables to a database of Spark's catalogue.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    request : Request
    asked : Published
    source : Reader, optional
        Never written to.
    """
    from synthohive.connectors.spark.publication import Asked
    from synthohive.connectors.spark.tables import write_tables

    database, foreign = asked.checked(), asked.if_exists == "replace_foreign"
    started = time.perf_counter()
    look = LastLook(request.fitted, request.measures)
    wanted = Asked(
        asked.table_format,
        "replace" if foreign else asked.if_exists,
        foreign=list(request.fitted.shown) if foreign else [],
        read=places_read(source),
    )
    done = _written(spark, request, write_tables, database, look, wanted)
    seconds = {"generate": time.perf_counter() - started}
    return replace(look.summary(database, request.seed, seconds), declared=done.declared)


def _written(
    spark: SparkSession,
    request: Request,
    write: Callable[..., WrittenTables],
    place: Any,
    look: LastLook,
    asked: Asked,
) -> WrittenTables:
    from synthohive.connectors.spark.columns import frame_columns
    from synthohive.connectors.spark.refusals import failing

    fitted = request.fitted
    provenance = provenance_of(fitted, request.seed, request.scale)
    with failing("making DataFrames"):
        empty = {
            name: spark.createDataFrame([], frame_columns(table.config))
            for name, table in fitted.shown.items()
        }
    with ExitStack() as keeping:
        planned: dict[str, int] = {}

        def make() -> SparkTables:  # when the place is known to take them
            tables = keeping.enter_context(spark_tables(spark, request))
            planned.update(tables.planned)
            return tables

        def check(staged: dict[str, Any]) -> None:
            look(staged)
            for name, rows in planned.items():
                refuse_loss(fitted, name, look.proof.rows.get(name, rows), rows)

        whole = replace(asked, check=check, make=make, sources=fitted.sources)
        return write(empty, place, fitted.described, provenance, whole)
