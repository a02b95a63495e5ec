"""Databricks: Parquet files on a volume of a staging schema, proofs by SQL, then deep clones.

What is atomic: each table changes from the old rows to the new ones in one step, by one CREATE OR
REPLACE TABLE … DEEP CLONE. What is not: Unity Catalog renames no schema and has no transaction over
tables, so they change one after the other, keys and views follow, and a reader in these minutes may
see new orders beside old customers. If a step fails, what was replaced is taken back by RESTORE to
the version before, and what is new is dropped. A run that is killed meanwhile leaves some tables
new and some old; its note is published first, so that the next run with ``if_exists="replace"``
knows all of them for its own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa
from databricks.sql.exc import Error

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.databricks import CAPABILITIES
from synthohive.connectors.databricks.spelling import SPELLING
from synthohive.connectors.engines import own_connection
from synthohive.connectors.spark_sql.text import literal, quote, reason
from synthohive.connectors.spark_sql.types import carried, put_back
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject, Statement
from synthohive.exceptions import ConnectorError
from synthohive.io.marked import MarkedSchema
from synthohive.io.parquet_files import files
from synthohive.io.staging import Found, Order, appeared_error
from synthohive.io.steps import step

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column

__all__ = ["WRITER", "DatabricksWriter", "insert_sql"]

log = get_logger(__name__)
_VOLUME = "_synthohive_rows"
"""Of a staging schema, with which it goes."""
_CONTENTS = """
SELECT CASE WHEN table_type LIKE '%VIEW%' THEN lower(replace(table_type, '_', ' ')) ELSE 'table' END
    AS kind, table_name AS name FROM information_schema.tables WHERE table_schema = ?
UNION ALL SELECT 'function', routine_name FROM information_schema.routines WHERE routine_schema = ?
UNION ALL SELECT 'volume', volume_name FROM information_schema.volumes WHERE volume_schema = ?
ORDER BY 1, 2"""


class DatabricksWriter(MarkedSchema):
    """Write one schema of a catalog; see the base class and the module."""

    engine_name: ClassVar[str] = "Databricks"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (Error, pa.ArrowException, OSError)
    mark: ClassVar[str] = "?"
    seed_type: ClassVar[str] = "STRING"
    texts: ClassVar[tuple[str, str]] = ("STRING", "STRING")
    fraction: ClassVar[str] = "DOUBLE"
    longest: ClassVar[int] = 255
    reserved: ClassVar[re.Pattern[str]] = re.compile("information_schema")
    may_create: ClassVar[str] = "GRANT CREATE SCHEMA ON CATALOG … TO …"

    def __init__(self, order: Order) -> None:
        self._folder: Optional[Workspace] = None
        self._loads = 0
        self._late: tuple[Statement, ...] = ()  # of the tables where they end up
        self._views: list[SchemaObject] = []
        super().__init__(order)

    def new_name(self) -> str:
        """Return a name in small letters, as the catalogue keeps all; see the base class."""
        return super().new_name().lower()

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """See the base class: names are in small letters, whatever their quotes."""
        return schema.lower()

    def _connect(self) -> Any:
        """Return a connection outside the pool that may send files of this run's folder."""
        folder = Workspace()

        def own(given: dict[str, Any]) -> None:
            given["staging_allowed_local_path"] = str(folder.path)

        try:
            connection = own_connection(self.engine, own)
        except BaseException:
            folder.cleanup()
            raise
        self._folder = folder
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute("SELECT current_catalog()")
            self._catalog = str(cursor.fetchall()[0][0])
        return connection

    def _schemas(self) -> dict[str, Optional[str]]:
        """See the base class; the mark is the schema's comment."""
        rows = self._ask("SELECT schema_name, comment FROM information_schema.schemata")
        return {str(name): comment for name, comment in rows}

    def _contents(self, schema: str) -> list[Found]:
        shown = [f"{kind} {name}" for kind, name in self._ask(_CONTENTS, (schema,) * 3)]
        return [Found(thing, thing) for thing in shown if thing != f"volume {_VOLUME}"]

    def _make_marked(self, schema: str, mark: str) -> None:
        self._execute(f"CREATE SCHEMA {quote(schema)} COMMENT {literal(mark)}")

    def _mark_again(self, connection: Any, schema: str, mark: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"COMMENT ON SCHEMA {quote(schema)} IS {literal(mark)}")

    def _make_schema(self, mark: str) -> None:
        self._make_marked(self.staging, mark)
        self._execute(f"USE SCHEMA {quote(self.staging)}")
        self._execute(f"CREATE VOLUME {quote(_VOLUME)}")

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.remedy(reason, quote(self.target))

    def _reason(self, exc: BaseException) -> str:
        if isinstance(exc, OSError):
            return exc.strerror or type(exc).__name__
        return reason(exc)

    # Rows

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        """Make the table; its rows go to the volume, and from there into it by one statement."""
        self.make_table(table)
        name, self._loads = str(self._loads), self._loads + 1
        assert self._folder is not None
        folder = self._folder.path / name
        folder.mkdir()
        place = f"/Volumes/{self._catalog}/{self.staging}/{_VOLUME}/{name}"
        sent = 0
        for path, count in files(folder, batches, carried):
            self._send(path, f"{place}/{path.name}")
            path.unlink()
            sent += count
        shutil.rmtree(folder)
        if sent:
            columns = list(self.metadata.table(table).stored.values())
            native = self.metadata.dialect == self.engine.dialect.name
            before = self._count(table)
            self._execute(insert_sql(table, columns, place, native=native))
            loaded = self._count(table) - before
            if loaded != sent:
                raise ConnectorError(
                    f"Of the {sent} rows of table {table!r}, Databricks kept {loaded}.",
                    hint="Nothing was changed.",
                )
        return sent

    def _count(self, table: str) -> int:
        return int(self._scalar(f"SELECT COUNT(*) FROM {quote(table)}"))

    def _send(self, path: Path, place: str) -> None:
        """Take a file to the volume."""
        self._execute(f"PUT {literal(str(path))} INTO {literal(place)} OVERWRITE")

    # Keys and views

    def index(self) -> None:
        """See the base class; a clone brings CHECKs, and neither keys nor comments on tables."""
        checks = [s for s in self.ddl.after if s.what.startswith("check constraint")]
        rest = [s for s in self.ddl.after if s not in checks]
        self._late = (*rest, *self.ddl.keys, *self.ddl.counters)
        self.ddl = replace(self.ddl, after=tuple(checks))
        super().index()

    def link(self) -> None:
        """Declare the keys here only to see whether they can be: no clone brings them."""
        if self.if_exists == "rehearse":
            self._run_all("late", self._late)

    def make(self, thing: SchemaObject) -> str:
        """See the base class; it is made again where it ends up."""
        found = super().make(thing)
        if not found:
            self._views.append(thing)
        return found

    # The publication

    def publish(self) -> None:
        """Clone the tables one after the other; see the module."""
        made = self._made()
        if self._exists:
            there = {thing.key for thing in self._contents(self.target)}
        else:
            if self.target in self._schemas():
                raise appeared_error(self.target)
            there = set()
            self._execute(f"CREATE SCHEMA {quote(self.target)}")
        tables = [PROVENANCE_TABLE, *self.metadata.tables]
        old = {t: self._version(t) for t in tables if f"table {t.lower()}" in there}
        try:
            self._execute(f"USE SCHEMA {quote(self.target)}")
            for table in tables:
                self._put(table, table in old)
                step("table published")
            self._run_all("late", self._late)
            for thing in self._views:
                with self.named(f"view {thing.name!r}"):
                    self._execute(f"DROP VIEW IF EXISTS {quote(thing.name)}")
                    self._execute(thing.create)
        except BaseException:
            self._take_back(tables, old)
            raise
        for key in sorted(there - set(made)):  # of an earlier run, or dropped on demand
            kind, _, name = key.partition(" ")
            if kind == "materialized":
                kind, name = "materialized view", name.partition(" ")[2]
            self._execute(f"DROP {kind.upper()} IF EXISTS {quote(name)}")
        step("committed")
        self._drop(self.staging)

    def _version(self, table: str) -> int:
        place = f"{quote(self.target)}.{quote(table)}"
        names, rows = self._found(f"DESCRIBE HISTORY {place} LIMIT 1")
        return int(rows[0][names.index("version")])

    def _put(self, table: str, replaced: bool) -> None:
        """Put a table in its place in one step."""
        with self.named(f"the clone of table {table!r}"):
            if replaced:
                for name in self._keys_of(table):
                    drop = f"DROP CONSTRAINT {quote(name)} CASCADE"
                    self._execute(f"ALTER TABLE {quote(table)} {drop}")
            self._execute(
                f"CREATE {'OR REPLACE ' if replaced else ''}TABLE {quote(table)} "
                f"DEEP CLONE {quote(self.staging)}.{quote(table)}"
            )

    def _keys_of(self, table: str) -> list[str]:
        sql = (
            "SELECT constraint_name FROM information_schema.table_constraints "
            "WHERE table_schema = ? AND table_name = ? "
            "AND constraint_type IN ('FOREIGN KEY', 'PRIMARY KEY') ORDER BY 1"
        )
        return [str(name) for (name,) in self._ask(sql, (self.target, table.lower()))]

    def _take_back(self, tables: Sequence[str], old: dict[str, int]) -> None:
        """Put back the rows that were there, and remove what was not."""
        for table in tables:
            place = f"{quote(self.target)}.{quote(table)}"
            try:
                if table in old:
                    self._execute(f"RESTORE TABLE {place} TO VERSION AS OF {old[table]}")
                else:
                    self._execute(f"DROP TABLE IF EXISTS {place}")
            except Error as exc:  # the first error is raised; this one tells what is left
                log.warning("not_taken_back", table=place, reason=reason(exc))
        if not self._exists:
            self._drop(self.target)

    def close(self) -> None:
        """See the base class."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()


def insert_sql(table: str, columns: Sequence[Column], place: str, *, native: bool) -> str:
    """Return the statement that loads all files of a folder, or none of them.

    Parameters
    ----------
    table : str
    columns : sequence of Column
        In the order of the files'.
    place : str
        The folder.
    native : bool
        The columns' types are Databricks' own.

    Examples
    --------
    >>> from synthohive.schema import Column, ColumnKind
    >>> documents = [Column(name="j", kind=ColumnKind.JSON)]
    >>> insert_sql("t", documents, "/Volumes/c/s/v/0", native=True)
    'INSERT INTO `t` (`j`) SELECT parse_json(c0) FROM parquet.`/Volumes/c/s/v/0`'
    """
    names = ", ".join(quote(column.name) for column in columns)
    values = ", ".join(put_back(c, f"c{i}", native=native) for i, c in enumerate(columns))
    return f"INSERT INTO {quote(table)} ({names}) SELECT {values} FROM parquet.{quote(place)}"


WRITER = DatabricksWriter
