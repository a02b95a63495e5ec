"""What all loaders share: the order of the steps, the proof of the keys, the error texts."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.base import KeyCheck, Provenance, Writer
from synthohive.connectors.ddl import PROVENANCE_TABLE, SchemaDdl, Statement, fit_identifier
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.schema import ForeignKey, Metadata

if TYPE_CHECKING:
    from synthohive.schema import Column

__all__ = ["STAGING_MARK", "StagedWriter", "exists_error", "same_place_error", "staging_name"]

log = get_logger(__name__)
STAGING_MARK = "__synthohive_"


def staging_name(target: str, limit: int, *, in_bytes: bool = True) -> str:
    """Return a new name that shows whose staging place it is.

    Examples
    --------
    >>> staging_name("shop", 63).startswith("shop__synthohive_")
    True
    """
    suffix = STAGING_MARK + secrets.token_hex(4)
    return fit_identifier(target, limit - len(suffix), in_bytes=in_bytes) + suffix


def same_place_error(target: str) -> ConnectorError:
    """Return the error for a target that is the source."""
    return ConnectorError(
        f"The target {target!r} is the source itself, which SynthoHive only reads.",
        hint="Name another schema with schema=… or another database with url=….",
    )


def exists_error(target: str, *, ours: bool) -> ConnectorError:
    """Return the error for a target that must not be replaced."""
    if ours:
        return ConnectorError(
            f"The target {target!r} exists already (an earlier synthetic schema).",
            hint='Pass if_exists="replace", or name another schema.',
        )
    return ConnectorError(
        f"The target {target!r} exists already, and SynthoHive did not make it.",
        hint='Name another schema; if_exists="replace" would drop everything in it.',
    )


class StagedWriter(Writer):
    """Load into a staging place, constrain it, prove it, swap it in.

    Parameters
    ----------
    metadata : Metadata
    ddl : SchemaDdl
    target : str
        As named to users.
    provenance : Provenance
    """

    engine_name: ClassVar[str]
    errors: ClassVar[tuple[type[BaseException], ...]]
    seed_type: ClassVar[str] = "NUMERIC(39)"

    def __init__(
        self, metadata: Metadata, ddl: SchemaDdl, target: str, provenance: Provenance
    ) -> None:
        self.metadata = metadata
        self.ddl = ddl
        self.target = target
        self.provenance = provenance
        self.rows: dict[str, int] = {}
        self._closed = False
        self._failure: Optional[BaseException] = None

    def load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk load all rows of one table, streaming; return their number.

        Raises
        ------
        ConnectorError
            The database refused a row, or the connection was lost. Nothing remains.
        """
        columns = self.loaded_columns(table)
        if self._closed:
            raise ConnectorError(f"The writer of {self.target!r} is closed; open a new one.")
        try:
            with self.named(f"the rows of table {table!r}"):
                count = self._copy(table, columns, self._conform(table, columns, batches))
        except BaseException:
            self.abort()
            if self._failure is not None:  # the rows failed, not the database
                raise self._failure from None
            raise
        self.rows[table] = self.rows.get(table, 0) + count
        log.debug("table_loaded", table=table, rows=count)
        return count

    def finish(self) -> list[KeyCheck]:
        """Constrain, prove, and swap in.

        Raises
        ------
        ConnectorError
            The database refused a constraint, or a key has orphans; nothing changed.
        """
        if self._closed:
            raise ConnectorError(f"The writer of {self.target!r} is closed; open a new one.")
        try:
            for table in self.metadata.tables:
                if table not in self.rows:
                    self.load(table, [])
            checks = self._constrain()
            with self.named("the swap"):
                self._swap()
        except BaseException:
            self.abort()
            raise
        self._closed = True
        log.info("schema_written", target=self.target, rows=sum(self.rows.values()))
        return checks

    def abort(self) -> None:
        """Remove the staging place; does nothing after :meth:`finish`."""
        if not self._closed:
            self._closed = True
            self._discard()

    def loaded_columns(self, table: str) -> list[Column]:
        """Return the columns that rows must bring: all but the computed ones."""
        return [c for c in self.metadata.table(table).columns.values() if c.computed is None]

    @contextmanager
    def named(self, what: str, hint: Optional[str] = None) -> Iterator[None]:
        """Turn the driver's errors into one that says what was refused."""
        try:
            yield
        except self.errors as exc:
            raise ConnectorError(
                f"{self.engine_name} refused {what} while {self.target!r} was being written: "
                f"{self._reason(exc)}.",
                hint=hint or "Nothing was changed.",
            ) from exc

    def _constrain(self) -> list[KeyCheck]:
        for statement in self.ddl.after:
            self._run(statement)
        self._analyze()
        checks = self._prove()
        for statement in (*self.ddl.keys, *self.ddl.counters):
            self._run(statement)
        self._note()
        return checks

    def _prove(self) -> list[KeyCheck]:
        checks = [self._check(table, fk) for table, fk in self.metadata.foreign_keys()]
        for check in checks:
            if check.orphans:
                name = f" {check.key.name!r}" if check.key.name else ""
                raise ConnectorError(
                    f"Foreign key{name} {check.key.label(check.table)} has {check.orphans} "
                    f"orphans among the {check.rows} rows of {self.target!r}.",
                    hint="Nothing was changed.",
                )
        return checks

    def _run(self, statement: Statement) -> None:
        of = f" on table {statement.table!r}" if statement.table else ""
        with self.named(f"{statement.what}{of}"):
            self._execute(statement.sql)

    def _check(self, table: str, fk: ForeignKey) -> KeyCheck:
        label = fk.label(table)
        with self.named(f"the count of orphans of {label}"):
            orphans = self._scalar(self._orphan_sql(table, fk))
        return KeyCheck(
            table=table,
            key=fk,
            rows=self.rows[table],
            orphans=int(orphans),
            enforced=(table, tuple(fk.columns), fk.parent) in self.ddl.enforced,
        )

    def _orphan_sql(self, table: str, fk: ForeignKey) -> str:
        """Count the complete keys without a parent (MATCH SIMPLE)."""
        quote = self._quote
        complete = " AND ".join(f"c.{quote(c)} IS NOT NULL" for c in fk.columns)
        equal = " AND ".join(
            f"p.{quote(p)} = c.{quote(c)}" for c, p in zip(fk.columns, fk.parent_columns)
        )
        return (
            f"SELECT COUNT(*) FROM {quote(table)} c WHERE {complete} AND NOT EXISTS "
            f"(SELECT 1 FROM {quote(fk.parent)} p WHERE {equal})"
        )

    def _note(self) -> None:
        """Leave the `_synthohive` table, by which a later run knows its own work."""
        wide = "TEXT" if self.engine_name != "MySQL" else "VARCHAR(255)"
        exact = "DOUBLE PRECISION"
        fields = (
            f"version {wide}, model {wide}, seed {self.seed_type}, scale {exact}, created {wide}, "
            f"source {wide}"
        )
        origin = self.provenance
        values: tuple[Any, ...] = (
            origin.version,
            origin.model,
            origin.seed,
            origin.scale,
            origin.created,
            origin.source,
        )
        with self.named(f"the note {PROVENANCE_TABLE!r}"):
            self._execute(f"CREATE TABLE {self._quote(PROVENANCE_TABLE)} ({fields})")
            self._insert_note(values)

    def _conform(
        self, table: str, columns: Sequence[Column], batches: Iterable[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """Put each batch's columns in the table's order, refusing missing and unknown ones."""
        names = [column.name for column in columns]
        known = self.metadata.table(table).columns
        try:
            for batch in batches:
                given = set(batch.schema.names)
                missing = [name for name in names if name not in given]
                if missing:
                    raise ConnectorError(
                        f"The rows for table {table!r} lack the columns {missing}."
                    )
                for name in sorted(given - set(known)):
                    raise SchemaError.unknown_column(table, name, known)
                yield batch.select(names)
        except GeneratorExit:
            raise
        except BaseException as exc:
            self._failure = exc
            raise

    @abstractmethod
    def _quote(self, name: str) -> str:
        """Quote an identifier."""

    @abstractmethod
    def _reason(self, exc: BaseException) -> str:
        """Return the driver's message without values or credentials."""

    @abstractmethod
    def _execute(self, sql: str) -> None:
        """Run one statement in the staging place."""

    @abstractmethod
    def _scalar(self, sql: str) -> Any:
        """Return a query's only value."""

    @abstractmethod
    def _insert_note(self, values: tuple[Any, ...]) -> None:
        """Insert the only row of the `_synthohive` table."""

    @abstractmethod
    def _copy(
        self, table: str, columns: Sequence[Column], batches: Iterator[pa.RecordBatch]
    ) -> int:
        """Make the table and load its rows."""

    @abstractmethod
    def _analyze(self) -> None:
        """Gather the statistics that the proofs' plans need."""

    @abstractmethod
    def _swap(self) -> None:
        """Put the staging place where the target is, atomically."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove the staging place and the connection, whatever state they are in."""
