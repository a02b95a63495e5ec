"""What all loaders share: the order of the steps, the proof of the keys, the error texts."""

from __future__ import annotations

import json
import secrets
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa

from synthohive._display import listed
from synthohive._logging import get_logger
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import (
    PROVENANCE_TABLE,
    SchemaDdl,
    SchemaObject,
    Statement,
    fit_identifier,
)
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.io.base import KeyCheck, Provenance, Writer
from synthohive.io.steps import step
from synthohive.schema import ForeignKey, Metadata

if TYPE_CHECKING:
    from synthohive.io.base import OpenedTo
    from synthohive.schema import Column

__all__ = [
    "NOTE_COLUMNS",
    "STAGING_MARK",
    "Found",
    "StagedWriter",
    "appeared_error",
    "broken_error",
    "read_note",
    "same_place_error",
    "staging_name",
]

log = get_logger(__name__)
STAGING_MARK = "__synthohive_"
NOTE_COLUMNS = ("version", "model", "seed", "scale", "created", "source", "objects")
_SHOWN = 10
_SETTLED = 100
"""Statements after which locks are let go of: a server has room for so many in all."""


@dataclass(frozen=True)
class Found:
    """Something that a target holds.

    Attributes
    ----------
    key : str
        As the engine's catalogue identifies it: a copy of it elsewhere has another key.
    shown : str
        As named to users: ``"view report"``.
    part_of : str, optional
        The key of what it is a part of: a column's table.
    """

    key: str
    shown: str
    part_of: Optional[str] = None


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
    """Return the error for a target that is, or was, the source."""
    return ConnectorError(
        f"The target {target!r} is the source itself, which SynthoHive only reads.",
        hint="Name another schema with schema=… or another database with url=….",
    )


def read_note(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Optional[frozenset[str]]:
    """Return the keys of what an earlier run made; None where no run of ours wrote the table.

    Examples
    --------
    >>> note = ["0.1", "ctgan", 7, 1.0, "2024-01-01T00:00:00+00:00", "shop", '["t"]']
    >>> read_note(NOTE_COLUMNS, [note])
    frozenset({'t'})
    >>> read_note(["x"], [[1]]) is None
    True
    """
    if tuple(columns) != NOTE_COLUMNS or len(rows) != 1:
        return None
    try:
        keys = json.loads(rows[0][-1])
    except (TypeError, ValueError):
        return None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return None
    return frozenset(keys)


def appeared_error(target: str) -> ConnectorError:
    """Return the error for a target that was free when the run began."""
    return ConnectorError(
        f"The target {target!r} was free when the run began, and was made meanwhile.",
        hint="Nothing was changed. Name another schema.",
    )


def broken_error(target: str, names: Sequence[str]) -> ConnectorError:
    """Return the error for what others made over a target's tables, and that would not work."""
    return ConnectorError(
        f"The target {target!r} cannot be replaced: {', '.join(names[:_SHOWN])} would lose "
        "tables or columns that they use.",
        hint="Nothing was changed. Drop them first, or name another schema.",
    )


def _listed(found: Sequence[Found]) -> str:
    return listed(sorted(f.shown for f in found), _SHOWN)


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
    spelling: ClassVar[Spelling]
    errors: ClassVar[tuple[type[BaseException], ...]]
    seed_type: ClassVar[str] = "NUMERIC(39)"
    long_text: ClassVar[str] = "TEXT"
    keys_between: ClassVar[bool] = True  # the engine has keys from one schema to another

    def __init__(
        self, metadata: Metadata, ddl: SchemaDdl, target: str, provenance: Provenance
    ) -> None:
        self.metadata = metadata
        self.ddl = ddl
        self.target = target
        self.provenance = provenance
        self.rows: dict[str, int] = {}
        self.staging: Any = None  # the place that nobody sees
        self._outcome: dict[SchemaObject, str] = {}
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
                raise self._failure from self._failure.__cause__
            raise
        self.rows[table] = self.rows.get(table, 0) + count
        step("table loaded")
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
            checks = self._complete()
            with self.named("the swap"):
                self._swap()
        except BaseException:
            self.abort()
            raise
        self.done()
        return checks

    def prove(self) -> list[KeyCheck]:
        """Constrain and prove, and remove the staging place: nothing is in the target.

        Raises
        ------
        ConnectorError
            As of :meth:`finish`.
        """
        try:
            return self._complete()
        finally:
            self.abort()

    def load_rest(self) -> None:
        """Make the tables that got no rows."""
        for table in self.metadata.tables:
            if table not in self.rows:
                self.load(table, [])

    def _complete(self) -> list[KeyCheck]:
        self.load_rest()
        checks = self._constrain()
        step("schema proved")
        return checks

    def abort(self) -> None:
        """Remove the staging place; does nothing after :meth:`finish`."""
        if not self._closed:
            self._closed = True
            self._discard()

    def quote(self, name: str) -> str:
        """Quote an identifier."""
        return self.spelling.quote(name)

    def loaded_columns(self, table: str) -> list[Column]:
        """Return the columns that rows must bring: all but computed and excluded ones."""
        return list(self.metadata.table(table).stored.values())

    def admit(
        self, found: Sequence[Found], made: Optional[frozenset[str]], if_exists: OpenedTo
    ) -> None:
        """Refuse a target that may not be replaced.

        Parameters
        ----------
        found : sequence of Found
            All that the target holds, of whatever kind.
        made : frozenset of str, optional
            The keys in its note (:func:`read_note`); None where there is none of ours.

        Raises
        ------
        ConnectorError
        """
        if not found or if_exists in ("replace_foreign", "rehearse"):
            return
        foreign = [thing for thing in found if made is None or thing.key not in made]
        keys = {thing.key for thing in foreign}
        foreign = [thing for thing in foreign if thing.part_of not in keys]
        anyhow = f'if_exists="replace_foreign" and replace_foreign={self.target!r} drop it.'
        if made is None or made.isdisjoint(thing.key for thing in found):
            raise ConnectorError(
                f"The target {self.target!r} exists already, and SynthoHive did not make it: "
                f"it holds {_listed(foreign)}.",
                hint=f"Name another schema. Only {anyhow}",
            )
        if if_exists != "replace":
            raise ConnectorError(
                f"The target {self.target!r} exists already (an earlier synthetic schema).",
                hint='Pass if_exists="replace", or name another schema.',
            )
        if foreign:
            raise ConnectorError(
                f"The target {self.target!r} holds what SynthoHive did not make: "
                f"{_listed(foreign)}.",
                hint=f"Move it elsewhere, or name another schema. Only {anyhow}",
            )

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

    @staticmethod
    def constrain_all(
        writers: Sequence[Any],
        check: Callable[[], list[KeyCheck]],
        cross: Callable[[], None],
    ) -> list[KeyCheck]:
        """Constrain and prove several staging places.

        Parameters
        ----------
        writers : sequence of StagedWriter
            Of one engine.
        check : callable
            Counts the orphans of all keys, and refuses them.
        cross : callable
            Adds the keys between the places.
        """
        for writer in writers:
            writer.index()
            writer.settle()
        checks = check()
        step("keys proved")
        for writer in writers:
            writer.settle()
            writer.link()
            writer.settle()
        cross()
        StagedWriter.make_objects(writers)
        for writer in writers:  # when all is there that a note has to list
            writer.note()
            writer.settle()
        return checks

    @classmethod
    def make_objects(cls, writers: Sequence[Any]) -> None:
        """Make views and triggers among the tables of several staging places."""

        def make(writer: Any, thing: SchemaObject) -> str:
            reason: str = thing.refused or writer.make(thing)
            writer.settle()  # a view of another schema may need it
            return reason

        cls.in_rounds([(w, thing) for w in writers for thing in w.ddl.objects], make)

    @staticmethod
    def in_rounds(
        left: Sequence[tuple[Any, SchemaObject]], make: Callable[[Any, SchemaObject], str]
    ) -> None:
        """Make objects again and again while some become possible.

        A view can need one that comes after it, in another of the schemas, too.

        Parameters
        ----------
        left : sequence of (writer, object)
        make : callable
            Returns why an object cannot be made.
        """
        while left:
            for writer, thing in left:
                writer._outcome[thing] = make(writer, thing)
            refused = [(writer, thing) for writer, thing in left if writer._outcome[thing]]
            if len(refused) == len(left):
                return
            left = refused

    def make(self, thing: SchemaObject) -> str:
        """Make a view or a trigger in the staging place, if it uses nothing but the copy.

        Returns
        -------
        str
            Why it cannot be made; nothing is left of it then.
        """
        raise NotImplementedError

    def objects(self) -> dict[tuple[str, str], str]:
        """See the base class."""
        found = dict.fromkeys(self.ddl.brought, "")
        for thing, reason in self._outcome.items():
            key = (thing.kind, thing.name)
            found[key] = found.get(key) or reason
            if thing.function and not reason:
                found["functions and procedures", thing.function] = ""
        return found

    def place(self, table: str) -> str:
        """Return the quoted name of a table for other staging places."""
        return f"{self.quote(self.staging)}.{self.quote(table)}"

    def _constrain(self) -> list[KeyCheck]:
        self.index()
        checks = self._prove()
        step("keys proved")
        self.link()
        self.make_objects([self])
        self.note()
        return checks

    def index(self) -> None:
        """Add all constraints and indexes but the foreign keys."""
        self._run_all(self.ddl.after)
        step("rows constrained")
        self._analyze()

    def link(self) -> None:
        """Add the foreign keys, and advance the counters."""
        self._run_all((*self.ddl.keys, *self.ddl.counters))

    def _run_all(self, statements: Sequence[Statement]) -> None:
        for number, statement in enumerate(statements, 1):
            self.run(statement)
            if not number % _SETTLED:
                self.settle()

    def settle(self) -> None:
        """Let other connections see what is in the staging place."""

    def see(self, others: Mapping[str, str]) -> None:
        """Hear of the staging places of schemas that are written together with this one.

        Parameters
        ----------
        others : dict of str to str
            By source schema.
        """

    @property
    def closed(self) -> bool:
        """Whether the staging place is gone."""
        return self._closed

    def close(self) -> None:
        """Hear that somebody else removes the staging place."""
        self._closed = True

    def done(self) -> None:
        """Hear that the staging place is where the target was."""
        self._closed = True
        log.info("schema_written", target=self.target, rows=sum(self.rows.values()))

    def _prove(self) -> list[KeyCheck]:
        checks = [self.check(table, fk) for table, fk in self.metadata.foreign_keys()]
        for check in checks:
            self.refuse_orphans(check)
        return checks

    def refuse_orphans(self, check: KeyCheck) -> None:
        """Refuse a key that does not hold.

        Raises
        ------
        ConnectorError
        """
        if check.orphans:
            name = f" {check.key.name!r}" if check.key.name else ""
            raise ConnectorError(
                f"Foreign key{name} {check.key.label(check.table)} has {check.orphans} "
                f"orphans among the {check.rows} rows of {self.target!r}.",
                hint="Nothing was changed.",
            )

    def run(self, statement: Statement) -> None:
        """Run one statement in the staging place, named in what it raises."""
        of = f" on table {statement.table!r}" if statement.table else ""
        with self.named(f"{statement.what}{of}"):
            self._execute(statement.sql)

    def check(self, table: str, fk: ForeignKey, parent: Optional[str] = None) -> KeyCheck:
        """Count the orphans of a key; `parent` is its quoted place, where that is elsewhere."""
        label = fk.label(table)
        with self.named(f"the count of orphans of {label}"):
            orphans = self._scalar(self._orphan_sql(table, fk, parent))
        return KeyCheck(
            table=table,
            key=fk,
            rows=self.rows[table],
            orphans=int(orphans),
            enforced=(table, tuple(fk.columns), fk.parent) in self.ddl.enforced,
        )

    def _orphan_sql(self, table: str, fk: ForeignKey, parent: Optional[str]) -> str:
        """Count the complete keys without a parent (MATCH SIMPLE)."""
        quote = self.quote
        complete = " AND ".join(f"c.{quote(c)} IS NOT NULL" for c in fk.columns)
        if fk.no_parent is not None:
            complete += f" AND c.{quote(fk.columns[0])} <> {fk.no_parent!r}"
        equal = " AND ".join(
            f"p.{quote(p)} = c.{quote(c)}" for c, p in zip(fk.columns, fk.parent_columns)
        )
        return (
            f"SELECT COUNT(*) FROM {quote(table)} c WHERE {complete} AND NOT EXISTS "
            f"(SELECT 1 FROM {parent or quote(fk.parent)} p WHERE {equal})"
        )

    def note(self) -> None:
        """Leave the `_synthohive` table, by which a later run knows its own work."""
        types = ("TEXT", "TEXT", self.seed_type, "DOUBLE PRECISION", "TEXT", "TEXT", self.long_text)
        fields = ", ".join(f"{name} {type_}" for name, type_ in zip(NOTE_COLUMNS, types))
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
            self._execute(f"CREATE TABLE {self.quote(PROVENANCE_TABLE)} ({fields})")
            self._insert_note((*values, json.dumps(sorted(self._made()))))
        step("note written")

    def _made(self) -> Iterable[str]:
        """Return the keys (see :class:`Found`) of all that this run leaves in the target."""
        return (*self.metadata.tables, PROVENANCE_TABLE)

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
                step("batch sent")
        except GeneratorExit:
            raise
        except BaseException as exc:
            self._failure = exc
            raise

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
