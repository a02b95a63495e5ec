"""Tables that a Spark session reads, as a source."""

from __future__ import annotations

import contextlib
import functools
import secrets
import weakref
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

from synthohive.connectors.dialect import dialect_for, hashes
from synthohive.connectors.engines import connecting
from synthohive.connectors.spark.describe import columns_of
from synthohive.connectors.spark.engine import engine_of
from synthohive.connectors.spark.names import is_path, parts_of, quoted
from synthohive.connectors.spark.session import is_frame
from synthohive.connectors.spark_sql.text import quote
from synthohive.connectors.sql import SqlWarehouse
from synthohive.exceptions import SchemaError
from synthohive.schema import Metadata

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["SparkWarehouse"]

_PATHS = ("delta.", "parquet.")
_VIEW = "synthohive_"


class SparkWarehouse(SqlWarehouse):
    """Reads a database of Spark's, or tables from several places; the source is never changed.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    source : str or dict of str to object
        A database: ``"db"``, or ``"catalog.db"``. Or each table's name in the metadata, and where
        its rows are: the name of a table or a view, the path of a folder of Delta or Parquet, or a
        DataFrame of Spark's.
    metadata : Metadata, optional
        Used instead of what is reflected, and needed where `source` is no database.

    Raises
    ------
    SchemaError
        A name is none; Spark was not asked then.
    """

    def __init__(
        self,
        session: SparkSession,
        source: Union[str, Mapping[str, Any]],
        metadata: Optional[Metadata] = None,
    ) -> None:
        self.session = session
        self._places: dict[str, str] = {}
        if isinstance(source, str):
            parts_of(source, "database", 2)
            super().__init__(engine_of(session), source, metadata=metadata)
            return
        assert metadata is not None
        for name, place in source.items():
            _check(name, place)
        self.engine = engine_of(session)
        self.dialect = dialect_for(self.engine)
        views: list[str] = []
        weakref.finalize(self, _drop, session, views)
        with connecting(self.engine, "its tables were described"):
            self._places = {n: _place(session, n, p, views) for n, p in source.items()}
            real = self._described(metadata)
        self._metadata = self._completed(metadata, real)
        self.schema, self._moments = "", {}

    def _described(self, given: Metadata) -> Metadata:
        """Describe the tables where they are."""
        found = Metadata(dialect=self.engine.dialect.name)
        for name in given.tables:
            schema = self.session.sql(f"SELECT * FROM {self._places[name]}").schema
            found.add_table(name, columns=columns_of(schema))
        return found

    def _completed(self, given: Metadata, real: Metadata) -> Metadata:
        """See the base class; how a column is read follows from the type that it has here."""
        result = super()._completed(given, real)
        for name, table in result.tables.items():
            for column in table.columns.values():
                if column.name in real.tables[name].columns:
                    column.sql_type = real.tables[name].columns[column.name].sql_type
        return result

    def place(self, table: str) -> str:
        """See the base class."""
        return self._places[table] if self._places else super().place(table)

    def fingerprint(self) -> frozenset[str]:
        """See the base class: of the database, and of the places of its tables."""
        places = hashes(("spark table", place) for place in self.locations.values())
        return places if self._places else places | super().fingerprint()

    @functools.cached_property
    def locations(self) -> dict[str, str]:
        """Where the files of each table lie, or its name; nothing of DataFrames."""
        found: dict[str, str] = {}
        with connecting(self.engine, "its tables were identified") as connection:
            catalogue = self.dialect.catalogue(connection)
            for name in self._metadata.tables:
                place = self.place(name)
                if place.startswith(_PATHS):
                    found[name] = place.partition(".")[2].strip("`").replace("``", "`")
                elif not place.startswith(f"`{_VIEW}"):
                    at = catalogue.details(place).facts.get("Location") or place
                    found[name] = at.rstrip("/")
        return found

    def not_cloned(self) -> dict[str, tuple[str, ...]]:
        """See the base class."""
        return {} if self._places else super().not_cloned()

    def _there(self) -> dict[str, set[str]]:
        """See the base class."""
        if not self._places:
            return super()._there()
        found: dict[str, set[str]] = {}
        for name, place in self._places.items():
            with contextlib.suppress(Exception):  # what is not there, whatever says so
                found[name] = set(self.session.sql(f"SELECT * FROM {place}").columns)
        return found


def _check(name: str, place: Any) -> None:
    """Refuse what is neither a name, nor a path, nor a DataFrame."""
    if is_frame(place) or is_path(place):
        return
    if not isinstance(place, str):
        raise SchemaError(
            f"data[{name!r}] is a {type(place).__name__}.",
            hint="With a Spark session, pass the names of tables, paths of folders of Delta or "
            "Parquet, or Spark's DataFrames; without one, tables in memory and files.",
        )
    parts_of(place, "table")


def _place(session: SparkSession, name: str, given: Any, views: list[str]) -> str:
    """Return what stands for a table in a FROM clause.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    name : str
    given : str, path or DataFrame
    views : list of str
        Gets the name of a view that is made for it.
    """
    if is_frame(given):
        view = f"{_VIEW}{secrets.token_hex(8)}"
        given.createOrReplaceTempView(view)
        views.append(view)
        return quote(view)
    if not is_path(given):
        return quoted(given, "table")
    path = str(given).rstrip("/")
    return f"{'delta' if _is_delta(session, path) else 'parquet'}.{quote(path)}"


def _is_delta(session: SparkSession, path: str) -> bool:
    """Whether a folder has the log of a Delta table, whoever can read it."""
    try:
        log = session.read.format("text").load(f"{path}/_delta_log")
        return bool(log.limit(1).toArrow().num_rows)
    except Exception:  # noqa: BLE001 - that it is not there, each server says in its own way
        return False


def _drop(session: SparkSession, views: Collection[str]) -> None:
    for view in views:
        with contextlib.suppress(Exception):  # with the session, they have gone
            session.catalog.dropTempView(view)
