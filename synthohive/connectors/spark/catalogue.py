"""What a Spark catalogue tells of a database, in the form of SQLAlchemy's Inspector.

A database is ``db`` of the session's current catalog, or ``catalog.db``. Keys are declared in Unity
Catalog alone, which has an INFORMATION_SCHEMA; elsewhere users add them to the metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Optional

from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import ByTable, by_table
from synthohive.connectors.spark.describe import Details, columns_of, details_of
from synthohive.connectors.spark.names import parts_of
from synthohive.connectors.spark_sql.keys import UnityCatalogue, keys_sql
from synthohive.connectors.spark_sql.text import quote
from synthohive.schema import Column, Metadata

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["SparkCatalogue"]

_CHECK = "delta.constraints."


class SparkCatalogue(UnityCatalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        driver: Any = connection.connection.driver_connection
        self._session: SparkSession = driver.session
        self._asked: set[str] = set()
        self._columns: dict[str, dict[str, Column]] = {}
        self._details: dict[str, Details] = {}

    @property
    def default_schema_name(self) -> str:
        """The session's current database."""
        return self._session.catalog.currentDatabase()

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a database's name, which is one."""
        if schema is not None:
            parts_of(schema, "database", 2)
            self._asked.add(schema)
        return schema

    def get_schema_names(self) -> list[str]:
        """Return the databases of the current catalog, and those asked about of others."""
        own = self._named("SHOW DATABASES", "namespace", "databaseName", "name")
        others = [name for name in sorted(self._asked) if "." in name]
        return own + [name for name in others if self._session.catalog.databaseExists(name)]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables that hold rows of their own."""
        place = self._quoted(schema)
        views = set(self._views(schema))
        found = self._named(f"SHOW TABLES IN {place}", "tableName")
        return [name for name in found if name not in views]

    def _views(self, schema: str) -> list[str]:
        return self._named(f"SHOW VIEWS IN {self._quoted(schema)}", "viewName", "tableName")

    @staticmethod
    def _quoted(schema: str) -> str:
        return ".".join(map(quote, schema.split(".")))

    def _named(self, sql: str, *columns: str) -> list[str]:
        """Return the names of a list, without the session's own views.

        Parameters
        ----------
        sql : str
        *columns : str
            Of which servers have one or another.
        """
        rows = self._session.sql(sql).toArrow().to_pylist()
        lasting = [row for row in rows if not row.get("isTemporary")]
        return [str(next(row[c] for c in columns if c in row)) for row in lasting]

    def not_cloned(self, schema: str, tables: Collection[str]) -> dict[str, tuple[str, ...]]:
        """See the base class: views."""
        views = tuple(self._views(schema))
        return {"views": views} if views else {}

    def columns(self, place: str) -> dict[str, Column]:
        """Return the columns of a quoted place, with their comments."""
        if place not in self._columns:
            found = columns_of(self._session.sql(f"SELECT * FROM {place}").schema)
            for name, comment in self.details(place).comments.items():
                if name in found:
                    found[name].comment = comment
            self._columns[place] = found
        return self._columns[place]

    def details(self, place: str) -> Details:
        """Return what DESCRIBE says of a quoted place."""
        if place not in self._details:
            self._details[place] = details_of(self._session, place)
        return self._details[place]

    def get_multi_columns(
        self, schema: str, filter_names: Optional[Collection[str]] = None, **_: Any
    ) -> ByTable:
        """Return columns by table."""
        names = self.get_table_names(schema) if filter_names is None else filter_names
        left_out = {"name", "nullable", "comment", "default"}

        def told(column: Column) -> dict[str, Any]:
            facts = column.model_dump(exclude_unset=True, exclude=left_out)
            return {
                "name": column.name,
                "nullable": column.nullable,
                "comment": column.comment,
                "default": column.default,
                "facts": facts,
            }

        return by_table(
            schema,
            (
                (name, told(column))
                for name in names
                for column in self.columns(self.quote(schema, name)).values()
            ),
        )

    def get_multi_check_constraints(
        self, schema: str, filter_names: Collection[str] = (), **_: Any
    ) -> ByTable:
        """Return CHECKs by table: properties of Delta tables."""

        def checks(name: str) -> Iterator[dict[str, str]]:
            place = self.quote(schema, name)
            if _CHECK not in self.details(place).facts.get("Table Properties", ""):
                return
            for key, value in self.rows(f"SHOW TBLPROPERTIES {place}"):
                if key.startswith(_CHECK):
                    yield {"name": key[len(_CHECK) :], "sqltext": value}

        return by_table(schema, ((name, check) for name in filter_names for check in checks(name)))

    def key_rows(self, schema: str) -> list[dict[str, Any]]:
        """See the base class."""
        catalog, _, database = schema.rpartition(".")
        catalog = catalog or self._session.catalog.currentCatalog()
        if not self._session.catalog.databaseExists(f"`{catalog}`.information_schema"):
            return []
        return self.rows_once(keys_sql(f"`{catalog}`.information_schema"), database)

    def place(self, schema: str, named: str) -> str:
        """See the base class."""
        catalog, dot, _ = schema.rpartition(".")
        return f"{catalog}{dot}{named}"

    def amend(self, metadata: Metadata) -> None:
        """Comment on tables."""
        for name, table in metadata.tables.items():
            place = self.quote(str(metadata.schema_name), name)
            table.comment = self.details(place).facts.get("Comment") or None

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """Return where a database lies; its name where that is not told."""
        name = schema or self.default_schema_name
        catalog, _, database = name.rpartition(".")
        catalog = catalog or self._session.catalog.currentCatalog()
        found = self._session.catalog
        place = found.getDatabase(name).locationUri if found.databaseExists(name) else None
        return (("spark", catalog, database, place or ""),)
