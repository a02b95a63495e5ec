"""Where a synthetic schema goes: beside the source, or where a URL points."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Optional, Union

from synthohive.connectors.engines import to_engine
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.ddl.literals import Guarded
from synthohive.exceptions import ConnectorError
from synthohive.io.base import IfExists, Provenance, Reader, Writer
from synthohive.learn.fitted import FittedDatabase
from synthohive.schema import ColumnKind, Metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

__all__ = ["guarded_in", "open_target"]


def open_target(
    source: Optional[Reader],
    metadata: Metadata,
    url: Union[str, URL, Engine, None],
    schema: Union[str, Mapping[str, str], None],
    provenance: Provenance,
    if_exists: IfExists,
    replace_foreign: Optional[str] = None,
    sources: frozenset[str] = frozenset(),
    *,
    keep_comments: bool = True,
    rehearsal: bool = False,
    include: Collection[str] = (),
    guarded: Optional[Guarded] = None,
) -> Writer:
    """Check the target and open the writer.

    Parameters
    ----------
    source : Reader, optional
        Where the rows came from; a place beside it is the target where there is no `url`.
    metadata : Metadata
        The tables to write.
    url : str, sqlalchemy.URL or sqlalchemy.Engine, optional
    schema : str or dict of str to str, optional
        Of the target; of several schemas, from each to its target.
    provenance : Provenance
        What the copy tells about its origin.
    if_exists : {"fail", "replace", "replace_foreign"}
    replace_foreign : str, optional
        Repeats the target's name for ``"replace_foreign"``.
    sources : frozenset of str
        Fingerprints of all that was learned from, none of which is ever written to.
    keep_comments, rehearsal, include, guarded
        See :func:`~synthohive.connectors.writers.open_writer`.

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
    if include and warehouse is None:
        raise ConnectorError(
            f"include={list(include)!r} needs the source: definitions are read from its catalogue.",
            hint="Learn by from_database(url), or leave include out.",
        )
    engine = None if warehouse is None else warehouse.engine
    source_schema = None if warehouse is None else warehouse.schema
    target_engine = None if url is None else to_engine(url)
    return open_writer(
        engine,
        metadata,
        target_schema=schema,
        source_schema=source_schema,
        provenance=provenance,
        if_exists=if_exists,
        replace_foreign=replace_foreign,
        sources=sources,
        target_engine=target_engine,
        keep_comments=keep_comments,
        rehearsal=rehearsal,
        include=include,
        guarded=guarded,
    )


def guarded_in(fitted: FittedDatabase) -> Guarded:
    """Return the values that no view or trigger of a copy may name."""
    personal = {(finding.table, finding.column) for finding in fitted.replaced}
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
