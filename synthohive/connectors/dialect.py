"""What an engine offers to the shared code: its catalogue, and the rows of its tables."""

from __future__ import annotations

import hashlib
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Optional, Union

import pyarrow as pa
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.exc import SQLAlchemyError

from synthohive.connectors.registry import ENGINES, is_file, part, spelling, supported
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import SchemaDdl, SchemaObject
from synthohive.exceptions import ConnectorError
from synthohive.io.base import BATCH_ROWS
from synthohive.schema import Column, ColumnKind, Metadata

__all__ = [
    "ByTable",
    "Catalogue",
    "Dialect",
    "OddIndex",
    "OwnCatalogue",
    "by_table",
    "dialect_for",
    "hashes",
    "in_memory",
]

_PROCESS = secrets.token_hex(8)


def in_memory(engine: Engine) -> tuple[Any, ...]:
    """Return what tells a database in memory from those of all other engines and processes."""
    return ("memory", _PROCESS, id(engine))


def hashes(facts: Iterable[tuple[Any, ...]]) -> frozenset[str]:
    """Return facts that tell a place from all others as hashes, which say nothing of it."""
    return frozenset(
        hashlib.blake2b(
            json.dumps(fact, default=str).encode(), digest_size=16, key=b"synthohive place"
        ).hexdigest()
        for fact in facts
    )


@dataclass(frozen=True)
class OddIndex:
    """An index that its columns alone do not describe.

    Attributes
    ----------
    definition : str
        The engine's own text.
    unique : bool
    exact : bool
        The index covers whole columns of all rows: no expression, prefix or predicate.
    """

    definition: str
    unique: bool
    exact: bool


ByTable = dict[tuple[str, str], list[Any]]
"""What the Inspector tells of each (schema, table)."""


def by_table(schema: str, pairs: Iterable[tuple[str, Any]]) -> ByTable:
    """Sort (table, description) pairs as the Inspector's ``get_multi_…`` do."""
    found: ByTable = {}
    for table, described in pairs:
        found.setdefault((schema, table), []).append(described)
    return found


class Catalogue:
    """SQLAlchemy's Inspector, and what it does not tell.

    Parameters
    ----------
    connection : sqlalchemy.engine.Connection
    quote : callable
        Quotes an identifier, or a dotted path of them.

    Attributes
    ----------
    NOT_CLONED : str, optional
        Query for (kind, name, table or NULL) of what a schema holds beside tables, with the
        parameter ``:schema``.
    """

    NOT_CLONED: ClassVar[Optional[str]] = None

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        self.connection, self.quote = connection, quote
        self._told: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inspector, name)

    @cached_property
    def _inspector(self) -> Any:
        return inspect(self.connection)

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """Return all rows of a query with parameters like ``:schema``."""
        return list(self.connection.execute(text(sql), parameters).all())

    def rows_once(self, sql: str, schema: str) -> list[dict[str, Any]]:
        """Return the rows of a query about a schema, by the names of their columns, asked once."""
        at = (sql, schema)
        if at not in self._told:
            self._told[at] = [dict(row._mapping) for row in self.rows(sql, schema=schema)]
        return self._told[at]

    def plain(self, sql: str) -> Any:
        """Run SQL as it is, without parameters (a percent sign is a percent sign)."""
        return self.connection.execution_options(no_parameters=True).exec_driver_sql(sql)

    def plain_schema(self, schema: Optional[str]) -> Optional[str]:
        """Return a schema's name as the catalogue has it."""
        return schema

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See :meth:`Dialect.identity`."""
        raise NotImplementedError

    def hidden(self, schema: str) -> set[str]:
        """Return tables that hold no rows of their own (partitions are read by their parent)."""
        return set()

    def odd_indexes(self, schema: str, tables: Sequence[str]) -> dict[tuple[str, str], OddIndex]:
        """Return the indexes that need their definition, by table and name."""
        return {}

    def unnamed_uniques(self, schema: str, table: str) -> list[list[str]]:
        """Return the columns of UNIQUEs that the Inspector tells only by their indexes."""
        return []

    def amend(self, metadata: Metadata) -> None:
        """Complete a reflected description by what only the engine's catalogue or rows tell."""

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """Return the tables' own DDL; None where the description differs, or there is none.

        Parameters
        ----------
        metadata : Metadata
            The tables to make, in their order; keys to others are left out.
        schema : str
        beside : sequence of str
            Schemas that are cloned together with it, whose names the DDL leaves out.
        """
        return None

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """Return the views of a schema, then its triggers, each in the order they were made in.

        Parameters
        ----------
        schema : str
        tables : collection of str
            Those of the copy; triggers of others are left out.
        beside : sequence of str
            Schemas that are cloned together with it, whose names definitions leave out.
        """
        return []

    def not_cloned(self, schema: str, tables: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the names of what no copy has, by kind; of tables, only those in `tables`.

        A kind whose names are those of tables (``"grants"``) is a property of these.
        """
        found: dict[str, list[str]] = {}
        rows = self.rows(self.NOT_CLONED, schema=schema) if self.NOT_CLONED else ()
        for kind, name, table in rows:
            if table is None or table in tables:
                found.setdefault(str(kind), []).append(str(name))
        return {kind: tuple(dict.fromkeys(names)) for kind, names in found.items()}


class OwnCatalogue(Catalogue):
    """A catalogue that asks no Inspector: what an engine has none of, there is none of."""

    def get_multi_unique_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return UNIQUE by table."""
        return {}

    def get_multi_check_constraints(self, schema: str, **_: Any) -> ByTable:
        """Return CHECKs by table."""
        return {}

    def get_multi_indexes(self, schema: str, **_: Any) -> ByTable:
        """Return indexes by table."""
        return {}


class Dialect(ABC):
    """Reads one engine without loss.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    """

    CATALOGUE: ClassVar[type[Catalogue]] = Catalogue
    READS: ClassVar[Mapping[ColumnKind, str]] = {}
    """SQL that reads a kind of column without loss, with ``{0}`` for it; others as they are."""
    EMPTY: ClassVar[str] = "CAST(NULL AS {0})"
    """NULL of a type."""
    ASKED: ClassVar[tuple[str, ...]] = ("SELECT {0} FROM (SELECT {1}) t",)
    # Values of one column that rows are looked up by in one query: of a warehouse, each reads the
    # whole table, and costs as much.
    MOST_VALUES: ClassVar[int] = 1_000
    """Queries of an expression over columns, of which one is read if the expression is."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def spelling(self) -> Spelling:
        """How the engine writes."""
        return spelling(self.engine.dialect.name)

    def quote(self, *names: str) -> str:
        """Quote an identifier, or a dotted path of them, for raw SQL."""
        return ".".join(self.spelling.quote(name) for name in names)

    def execute(self, connection: Connection, sql: str) -> CursorResult[Any]:
        """Run SQL as it is, without parameters (a percent sign is a percent sign)."""
        return connection.execution_options(no_parameters=True).exec_driver_sql(sql)

    def catalogue(self, connection: Connection) -> Any:
        """Return the engine's :class:`Catalogue`."""
        return self.CATALOGUE(connection, self.quote)

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """Give the catalogue on a connection whose settings end with the block."""
        with self.engine.connect() as connection:
            yield self.catalogue(connection)
            connection.rollback()

    @contextmanager
    def reading(self) -> Iterator[Callable[[Mapping[str, str], str], Optional[str]]]:
        """Give a function that says why the engine does not read an expression; None if it does.

        It takes the types of the columns by name, and the expression. Where a database is a
        file, which may not be there yet, one in memory answers.
        """
        own = self.engine
        if is_file(own.dialect.name):
            own = create_engine(own.url.set(database=":memory:", query={}))
        with own.connect() as connection:

            def refusal(columns: Mapping[str, str], sql: str) -> Optional[str]:
                values = [f"{self.EMPTY.format(t)} AS {self.quote(c)}" for c, t in columns.items()]
                said = ""
                for form in self.ASKED:
                    asked = form.format(sql, ", ".join(values) or "1 AS a")
                    try:
                        self.execute(connection, asked).close()
                    except SQLAlchemyError as exc:
                        connection.rollback()
                        said = str(getattr(exc, "orig", None) or exc).strip().split("\n")[0]
                    else:
                        return None
                return f"the engine says: {said[:200]}"

            yield refusal
            connection.rollback()
        if own is not self.engine:
            own.dispose()

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """Return by what the engine itself tells one schema from all others.

        Each fact is enough: two places that share one are the same, whatever URL, user or
        name leads there. Some outlive a rename, others a drop and a restore. The schema need
        not exist. Nothing secret, no password.
        """
        with self.asking() as catalogue:
            found: tuple[tuple[Any, ...], ...] = catalogue.identity(schema)
            return found

    def fingerprint(self, schema: Optional[str]) -> frozenset[str]:
        """Return :meth:`identity` as hashes, which a checkpoint may keep."""
        return hashes(self.identity(schema))

    def begin(self, connection: Connection) -> None:
        """Start a consistent, read-only transaction where the engine has one."""

    def moments(self, connection: Connection, places: Sequence[str]) -> Mapping[str, str]:
        """Return the present of each quoted table, as SQL that tells :meth:`source` when.

        Nothing without time travel.
        """
        return {}

    def source(self, place: str, alias: str, moment: Optional[str] = None) -> str:
        """Return a table of a FROM clause, as it is, or as it was at a moment."""
        return f"{place} {alias}"

    def expression(self, column: Column, quoted: str) -> str:
        """Return the SQL that reads a column without loss."""
        return self.READS.get(column.kind, "{0}").format(quoted)

    def held(self, name: str, alias: str, no_parents: Mapping[str, Union[int, str]]) -> str:
        """Return the SQL of a column of a row; NULL where it says that there is no parent.

        Parameters
        ----------
        name : str
            The column, not quoted.
        alias : str
            The table's in the query.
        no_parents : dict of str to int or str
            By column, what else than NULL stands for no parent (:attr:`TableConfig.no_parents`).
        """
        quoted = f"{alias}.{self.quote(name)}"
        value = no_parents.get(name)
        if value is None:
            return quoted
        return f"NULLIF({quoted}, {value if isinstance(value, int) else repr(value)})"

    @staticmethod
    def reason(exc: BaseException) -> str:
        """Return what the driver says, without the values that it may quote."""
        return str(exc).strip().split("\n")[0].rstrip(".") or type(exc).__name__

    @abstractmethod
    def hashed(self, expressions: Sequence[str], seed: int) -> str:
        """Return SQL for a uniform integer below 2**32, a function of the expressions."""

    def read(
        self, connection: Connection, sql: str, columns: Sequence[Column], table: str
    ) -> Iterator[pa.RecordBatch]:
        """Stream a query whose columns are those given, in their Arrow types.

        By the driver's cursor, where an engine has no bulk export.

        Parameters
        ----------
        connection : sqlalchemy.engine.Connection
            In the transaction of :meth:`begin`.
        sql : str
            Run as it is, without parameters.
        columns : sequence of Column
            Those of the query, in its order, each read by :meth:`expression`.
        table : str
            As errors name it.

        Yields
        ------
        pyarrow.RecordBatch
            Of :meth:`schema`; perhaps none where there are no rows.

        Raises
        ------
        ConnectorError
            The query fails, or a value does not fit its column's type; the value is not shown.
        """
        schema = self.schema(columns)
        with self.execute(connection.execution_options(stream_results=True), sql) as result:
            for rows in result.partitions(BATCH_ROWS):
                arrays = [
                    self._column(column, values, table)
                    for column, values in zip(columns, zip(*rows))
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def array(self, column: Column, values: Sequence[Any]) -> pa.Array:
        """Return the driver's values, NULL as None, as an array of the column's Arrow type."""
        return pa.array(values, column.arrow_type)

    def _column(self, column: Column, values: Sequence[Any], table: str) -> pa.Array:
        try:
            return self.array(column, values)
        except (pa.ArrowException, ValueError, TypeError, ArithmeticError):
            kinds = sorted({type(v).__name__ for v in values if v is not None})
            raise ConnectorError(
                f"{table}.{column.name} is declared {column.sql_type or column.kind.value}, "
                f"but holds values that are not (Python types: {', '.join(kinds)}).",
                hint="Correct the values, change the column's kind in the metadata, or leave "
                f"it out: metadata.exclude('{table}.{column.name}').",
            ) from None  # the cause repeats the value

    @staticmethod
    def schema(columns: Sequence[Column]) -> pa.Schema:
        """Return the Arrow schema of columns."""
        return pa.schema([pa.field(c.name, c.arrow_type) for c in columns])


def dialect_for(engine: Engine) -> Dialect:
    """Return the reading half of an engine.

    Raises
    ------
    ConnectorError
        The engine is not supported.
    """
    if engine.dialect.name not in ENGINES:
        raise ConnectorError(
            f"{engine.dialect.name!r} databases are not read by this version.",
            hint=f"Supported are {supported()}.",
        )
    reader: Dialect = part(engine.dialect.name, "read").READER(engine)
    return reader
