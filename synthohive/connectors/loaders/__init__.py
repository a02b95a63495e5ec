"""Bulk loaders: one module per engine, and the choice between them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from sqlalchemy.exc import SQLAlchemyError

from synthohive.connectors.base import NoPlaceError
from synthohive.connectors.ddl import build_ddl, engine_family
from synthohive.connectors.ddl.comments import without_comments
from synthohive.connectors.dialects import dialect_for
from synthohive.connectors.engines import connecting
from synthohive.connectors.loaders.staged import same_place_error
from synthohive.exceptions import ConnectorError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.connectors.base import IfExists, Provenance, Writer
    from synthohive.schema import Metadata

__all__ = ["default_target", "open_writer"]

_EXTRAS = {
    "postgresql": ("psycopg2", "postgres"),
    "mysql": ("pymysql", "mysql"),
    "sqlite": ("sqlite3", "dev"),
    "duckdb": ("duckdb-sqlalchemy", "duckdb"),
}


def default_target(engine: Engine, source_schema: Optional[str] = None) -> str:
    """Return where the synthetic schema goes when nothing is named.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
        Of the source.
    source_schema : str, optional
        The connection's default schema where None.

    Returns
    -------
    str
        A schema (PostgreSQL, DuckDB), a database (MySQL) or the path of a file (SQLite).

    Raises
    ------
    ConnectorError
        The source is an in-memory SQLite database, which has no place beside it.
    """
    target: str = _loader(engine).locate(engine, None, None, source_schema)
    return target


def open_writer(
    engine: Optional[Engine],
    metadata: Metadata,
    *,
    target_schema: Optional[str] = None,
    source_schema: Optional[str] = None,
    provenance: Provenance,
    if_exists: IfExists = "fail",
    replace_foreign: Optional[str] = None,
    sources: frozenset[str] = frozenset(),
    target_engine: Optional[Engine] = None,
    keep_comments: bool = True,
    rehearsal: bool = False,
) -> Writer:
    """Check the target, create the staging place, and return the open writer.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine, optional
        Of the source; None makes the tables from the description alone.
    target_schema : str, optional
        Default: :func:`default_target`; of a `target_engine`, its default schema.
    if_exists : {"fail", "replace", "replace_foreign"}
        "replace" takes away only what SynthoHive made; "replace_foreign" everything in the
        target, where `replace_foreign` repeats its name.
    sources : frozenset of str
        Fingerprints (:meth:`Reader.fingerprint`) of all that was learned from, none of
        which is ever written to.
    target_engine : sqlalchemy.engine.Engine, optional
        Where to write when not beside the source.
    keep_comments : bool, default True
        Carry over the comments of tables and columns.
    rehearsal : bool, default False
        The writer only proves (:meth:`Writer.prove`), whatever the target holds.

    Raises
    ------
    NoPlaceError
        Nothing may be written there, whatever it is.
    ConnectorError
        The target is or was the source, exists already (and may not be replaced), or
        cannot be written to. Nothing has been created then.
    """
    words = ("fail", "replace", "replace_foreign")
    if str(if_exists) not in words:
        raise ConnectorError(
            f'if_exists must be "fail", "replace" or "replace_foreign", not {if_exists!r:.100}.'
        )
    if not metadata.tables:
        raise ConnectorError("There are no tables to write.")
    place = target_engine if target_engine is not None else engine
    if place is None:
        raise NoPlaceError("There is no database to write to.", hint="Name one with url=….")
    module = _loader(place)
    for each in (engine, place):
        if each is not None and each.dialect.name != "sqlite":
            _reach(each)
    try:
        target = module.locate(engine, target_engine, target_schema, source_schema)
        same = engine is not None and engine_family(engine.dialect) == engine_family(place.dialect)
        if engine is not None:
            sources |= dialect_for(engine).fingerprint(source_schema)
        if sources & dialect_for(place).fingerprint(target):
            raise same_place_error(target)
        _check_repeated(if_exists, replace_foreign, target, target_schema)
        ddl = build_ddl(metadata, place.dialect, source=engine, source_schema=source_schema)
        if not keep_comments:
            ddl = without_comments(ddl, engine_family(place.dialect))
        writer: Writer = module.create(
            place,
            metadata,
            ddl,
            target,
            provenance,
            source_schema=source_schema if same else None,
            if_exists="rehearse" if rehearsal else if_exists,
        )
    except SQLAlchemyError as exc:
        raise ConnectorError(
            f"The catalogue of the source cannot be read ({type(exc).__name__}).",
            hint="Reflect it again: it may have changed since.",
        ) from exc
    return writer


def _check_repeated(
    if_exists: IfExists, repeated: Optional[str], target: str, given: Optional[str]
) -> None:
    """Refuse to drop what others made unless its name is said twice."""
    if if_exists != "replace_foreign":
        if repeated is not None:
            raise ConnectorError(
                "replace_foreign is given, but if_exists does not ask for it.",
                hint='Pass if_exists="replace_foreign", or leave replace_foreign out.',
            )
        return
    if repeated is None or repeated not in (target, given):
        raise ConnectorError(
            f'if_exists="replace_foreign" drops everything in {target!r}, whoever made it.',
            hint=f"If that is meant, repeat the name: replace_foreign={target!r}.",
        )


def _reach(engine: Engine) -> None:
    """Connect once: a dead server is named, and a dialect learns whether it speaks MariaDB."""
    with connecting(engine, "it was reached"):
        return


def _loader(engine: Engine) -> Any:
    """Import an engine's loader, whose driver may not be installed."""
    family = engine_family(engine.dialect).replace("mariadb", "mysql")
    if family not in _EXTRAS:
        raise NoPlaceError(
            f"SynthoHive cannot write to {engine.dialect.name!r}.",
            hint=f"It writes to {', '.join(sorted(_EXTRAS))}.",
        )
    package, extra = _EXTRAS[family]
    try:
        return import_module(f"{__name__}.{family}")
    except ImportError as exc:
        raise ConnectorError.missing_extra(package, extra) from exc
