"""Redshift: multi-row INSERT into a staging schema, proved by SQL, swapped in by renaming.

The swap is one transaction: whoever reads sees all old tables or all new ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._logging import get_logger
from synthohive.connectors.engines import own_connection
from synthohive.connectors.redshift import CAPABILITIES
from synthohive.connectors.redshift.catalogue import SCHEMAS, schema_named
from synthohive.connectors.redshift.read import set_up
from synthohive.connectors.redshift.spelling import SPELLING, most_bytes
from synthohive.connectors.redshift.text import reason
from synthohive.connectors.special_values import respelled
from synthohive.ddl.spelling import Spelling, quote
from synthohive.exceptions import ConnectorError
from synthohive.io.marked import MarkedSchema
from synthohive.io.staging import Found, Order, appeared_error, broken_error
from synthohive.io.steps import step
from synthohive.io.text import clock, hexadecimal
from synthohive.io.value_lists import quoted, value_lists, written
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column

__all__ = ["WRITER", "RedshiftWriter", "values_of"]

log = get_logger(__name__)
_MARK = "_synthohive_staging"
"""A table whose comment is the mark of a staging schema, as schemas have none."""
_STATEMENT_BYTES = 4 << 20  # of 16 MB that Redshift takes
_STATEMENT_ROWS = 10_000
_DOCUMENTS = (ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.COMPOSITE)

_SCHEMAS = f"""
SELECT n.nspname, d.description FROM pg_namespace n
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = '{_MARK}'
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = 0"""
_CONTENTS = """
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind IN ('r', 'v', 'm')
UNION ALL SELECT 'function', p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %s ORDER BY 1, 2"""
# Views without schema binding are looked up by name, and do not stand here.
_USED_BY = """
SELECT DISTINCT 'view ' || vn.nspname || '.' || v.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_depend d ON d.refobjid = c.oid
JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
JOIN pg_namespace vn ON vn.oid = v.relnamespace WHERE n.nspname = %s AND vn.oid <> n.oid
UNION SELECT 'foreign key of ' || cn.nspname || '.' || c.relname FROM pg_constraint k
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace n ON n.oid = p.relnamespace
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
WHERE n.nspname = %s AND cn.oid <> n.oid ORDER BY 1"""


class RedshiftWriter(MarkedSchema):
    """Write one schema of a Redshift database; see the base class."""

    engine_name: ClassVar[str] = "Redshift"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (psycopg2.Error,)
    seed_type: ClassVar[str] = "VARCHAR(64)"
    texts: ClassVar[tuple[str, str]] = ("VARCHAR(1024)", "VARCHAR(65535)")
    longest: ClassVar[int] = 127
    reserved: ClassVar[re.Pattern[str]] = re.compile("pg_.*|information_schema", re.DOTALL)
    statistics: ClassVar[str] = "ANALYZE {}"
    counter: ClassVar[Optional[re.Pattern[str]]] = re.compile(r"\bAS IDENTITY\(1,")
    counter_from: ClassVar[str] = "AS IDENTITY({},"
    may_create: ClassVar[str] = "GRANT CREATE ON DATABASE … TO …"

    def __init__(self, order: Order) -> None:
        self._own_mark = ""
        super().__init__(order)

    @staticmethod
    def default_schema(engine: Engine) -> str:
        """See the base class."""
        return MarkedSchema.default_schema(engine) or "public"

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """See the base class: names are in small letters, unless there is one as it is written."""
        with engine.connect() as connection:
            known = [str(row[0]) for row in connection.exec_driver_sql(SCHEMAS)]
        return schema_named(schema, known)

    def _connect(self) -> Any:
        connection = own_connection(self.engine, lambda given: None)
        connection.autocommit = True
        with connection.cursor() as cursor:
            set_up(cursor.execute)
            cursor.execute("SET statement_timeout TO 0")
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if not self._connection.closed:
                self._execute("ROLLBACK")
            raise

    def _schemas(self) -> dict[str, Optional[str]]:
        return {str(name): mark for name, mark in self._ask(_SCHEMAS)}

    def _contents(self, schema: str) -> list[Found]:
        shown = [f"{kind} {name}" for kind, name in self._ask(_CONTENTS, (schema, schema))]
        return [Found(thing, thing) for thing in shown if thing != f"table {_MARK}"]

    def _make_marked(self, schema: str, mark: str) -> None:
        with self._transaction():
            self._execute(f"CREATE SCHEMA {quote(schema)}")
            self._put_mark(schema, mark)

    def _mark_again(self, connection: Any, schema: str, mark: str) -> None:
        place = f"{quote(schema)}.{quote(_MARK)}"
        with connection.cursor() as cursor:
            cursor.execute(f"COMMENT ON TABLE {place} IS {SPELLING.literal(mark)}")

    def _make_schema(self, mark: str) -> None:
        self._own_mark = mark
        self._make_marked(self.staging, mark)
        self._execute(f"SET search_path TO {quote(self.staging)}")

    def _put_mark(self, schema: str, mark: str) -> None:
        place = f"{quote(schema)}.{quote(_MARK)}"
        self._execute(f"CREATE TABLE {place} (n INTEGER)")
        self._execute(f"COMMENT ON TABLE {place} IS {SPELLING.literal(mark)}")

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.remedy(reason, quote(self.target))

    def _reason(self, exc: BaseException) -> str:
        return reason(exc)

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        """Make the table, and insert the rows; those of one load together, or none."""
        self.make_table(table)
        columns = list(self.metadata.table(table).stored.values())
        names = ", ".join(quote(column.name) for column in columns)
        native = self.metadata.dialect == self.engine.dialect.name
        count = 0
        with self._transaction():
            for batch in batches:
                arrays = [
                    self._value(table, column, array, native)
                    for column, array in zip(columns, batch.columns)
                ]
                for listed, rows in value_lists(arrays, _STATEMENT_BYTES, _STATEMENT_ROWS):
                    self._execute(f"INSERT INTO {quote(table)} ({names}) VALUES {listed}")
                    count += rows
        return count

    def _value(self, table: str, column: Column, array: pa.Array, native: bool) -> pa.Array:
        if column.kind.family == "text" or column.kind is ColumnKind.CATEGORICAL:
            array, cut = fitted(array, most_bytes(column, native=native))
            if cut:
                log.warning("texts_cut", table=table, column=column.name, rows=cut)
        return values_of(column, array, self.respelling)

    def publish(self) -> None:
        """Rename the schemas, in one transaction; the old one is dropped afterwards."""
        trash = self.new_name()
        before = self._contents(self.target) if self._exists else []
        with self._transaction():
            self._execute(f"DROP TABLE {quote(self.staging)}.{quote(_MARK)}")
            if self._exists:
                used = [str(name) for (name,) in self._ask(_USED_BY, (self.target, self.target))]
                if used:
                    raise broken_error(self.target, used)
                self._execute(f"ALTER SCHEMA {quote(self.target)} RENAME TO {quote(trash)}")
            elif self.target in self._schemas():
                raise appeared_error(self.target)
            self._execute(f"ALTER SCHEMA {quote(self.staging)} RENAME TO {quote(self.target)}")
            step("schemas renamed")
            if self._exists and self._contents(trash) != before:
                raise ConnectorError(
                    f"What the target {self.target!r} holds was changed by others while it was "
                    "being replaced.",
                    hint="Nothing was changed. Run again.",
                )
            if self._exists:  # if this run ends before it can drop it, a later one does
                self._put_mark(trash, self._own_mark)
        step("swap committed")
        if self._exists:
            self._drop(trash)


def values_of(column: Column, array: pa.Array, respelling: Spelling) -> pa.Array:
    r"""Return a column's values as SQL.

    Examples
    --------
    >>> from synthohive.schema import Column
    >>> documents = Column(name="j", kind=ColumnKind.JSON)
    >>> values_of(documents, pa.array(['{"a": "\\n"}', None]), SPELLING).to_pylist()
    ['JSON_PARSE(\'{"a": "\\\\n"}\')', None]
    """
    type_ = array.type
    if column.kind in _DOCUMENTS:
        text = quoted(array, backslashes=True)
        return pc.binary_join_element_wise("JSON_PARSE(", text, ")", "")
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        digits = pc.cast(hexadecimal(array), pa.string())
        return pc.binary_join_element_wise("FROM_HEX('", digits, "')", "")
    if pa.types.is_duration(type_):
        return pc.binary_join_element_wise(
            "CAST('", clock(array), "' AS INTERVAL DAY TO SECOND)", ""
        )
    plain = written(array, backslashes=True, zone="+00")
    if not pa.types.is_temporal(type_):
        return plain
    words = respelled(array, pc.utf8_trim(plain, "'"), respelling)  # without the quotes
    return pc.binary_join_element_wise("'", words, "'", "")


def fitted(array: pa.Array, most: int) -> tuple[pa.Array, int]:
    """Cut texts at a whole character where they have more bytes than a column; count these.

    Examples
    --------
    >>> fitted(pa.array(["über", "ab", None]), 3)[0].to_pylist()
    ['üb', 'ab', None]
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    long = pc.fill_null(pc.greater(pc.binary_length(array), most), False)
    count = int(pc.sum(long).as_py() or 0)
    if not count:
        return array, 0
    texts = [
        v if v is None or len(v.encode()) <= most else v.encode()[:most].decode(errors="ignore")
        for v in array.to_pylist()
    ]
    return pa.array(texts, array.type), count


WRITER = RedshiftWriter
