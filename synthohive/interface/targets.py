"""Where a synthetic schema goes: beside the source, or where a URL points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

from synthohive.connectors.engines import to_engine
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.ddl.literals import Guarded
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Reader
from synthohive.io.writer import Writer
from synthohive.learn.fitted import FittedDatabase
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

__all__ = ["open_target"]


def open_target(
    fitted: FittedDatabase,
    source: Optional[Reader],
    url: Union[str, URL, Engine, None],
    **asked: Any,
) -> Writer:
    """Check the target and open the writer.

    Parameters
    ----------
    fitted : FittedDatabase
        Whose sources are never written to.
    source : Reader, optional
        Where the rows came from; a place beside it is the target where there is no `url`.
    url : str, sqlalchemy.URL or sqlalchemy.Engine, optional
    **asked
        All else that :func:`~synthohive.connectors.writers.open_writer` takes.

    Raises
    ------
    ConnectorError
        There is no place to write to, or it may not or cannot be written.
    """
    warehouse = source if isinstance(source, SqlWarehouse) else None
    if url is None and warehouse is None:
        raise ConnectorError(
            "There is no database to write to: the rows did not come from one.",
            hint="Pass to_database(url), or use sample() for DataFrames and files.",
        )
    if asked["include"] and warehouse is None:
        raise ConnectorError(
            f"include={list(asked['include'])!r} needs the source: definitions are read from its "
            "catalogue.",
            hint="Learn by from_database(url), or leave include out.",
        )
    return open_writer(
        None if warehouse is None else warehouse.engine,
        fitted.described,
        source_schema=None if warehouse is None else warehouse.schema,
        target_engine=None if url is None else to_engine(url),
        keep_comments=fitted.privacy.keep_comments,
        guarded=_guarded(fitted),
        **{"sources": fitted.sources, **asked},
    )


def _guarded(fitted: FittedDatabase) -> Guarded:
    """Return the values that no view or trigger of a copy may name."""
    personal = {(finding.table, finding.column) for finding in fitted.findings}
    columns = {
        name: {
            column.name: (name, column.name) in personal
            for column in table.config.stored.values()
            if column.kind in (ColumnKind.TEXT, ColumnKind.CATEGORICAL)
            and not column.enum_values
            and column.name not in table.kept
        }
        for name, table in fitted.tables.items()
    }
    return Guarded(fitted.privacy.k_anonymity_threshold, columns)
