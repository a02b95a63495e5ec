"""What all loaders share: the order of the steps, the proof of the keys, the error texts.

A run writes one schema or several that appear at the same moment: :class:`Writer` has a
:class:`StagedSchema` of the engine for each, and adds the keys between them.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa

from synthohive._display import listed
from synthohive._logging import get_logger
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import (
    PROVENANCE_TABLE,
    SchemaObject,
    Statement,
    label,
    matching,
    reference,
)
from synthohive.ddl.vetted import vetted_action
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.io.base import KeyCheck
from synthohive.io.staging import NOTE_COLUMNS, Found, Order, read_note, staging_name
from synthohive.io.steps import step
from synthohive.schema import ForeignKey, Metadata

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy.engine import Engine


__all__ = ["StagedSchema", "Writer"]

log = get_logger(__name__)
_SHOWN = 10
_ASKED = 50
"""Keys whose repeated values one query counts."""
_SETTLED = 100
"""Statements after which locks are let go of: a server has room for so many in all."""


class StagedSchema(ABC):
    """A staging place of an engine: loaded, constrained, proved, swapped in.

    Parameters
    ----------
    order : Order

    Attributes
    ----------
    staging : Any
        The place that nobody sees.
    rows : dict of str to int
        How many each table got.
    outcome : dict of SchemaObject to str
        Why each object that was asked for was not made; nothing if it was.
    theirs : set of str
        What others made in the target, and stays there: ``"view report"``.
    """

    engine_name: ClassVar[str]
    spelling: ClassVar[Spelling]
    errors: ClassVar[tuple[type[BaseException], ...]]
    mark: ClassVar[str] = "%s"  # of a parameter, whose number {0} is
    two_rows: ClassVar[str] = "SELECT * FROM {0} LIMIT 2"
    seed_type: ClassVar[str] = "NUMERIC(39)"
    texts: ClassVar[tuple[str, str]] = ("TEXT", "TEXT")  # short ones, and those without an end
    fraction: ClassVar[str] = "DOUBLE PRECISION"
    keys_between: ClassVar[bool] = True  # the engine has keys from one schema to another
    kind: ClassVar[str] = "schema"  # what the engine calls a place
    longest: ClassVar[int] = 200  # name of a place
    reserved: ClassVar[re.Pattern[str]] = re.compile("(?!)")  # places that are the engine's own
    statistics: ClassVar[str] = ""  # the statement that gathers a table's
    overriding: ClassVar[str] = ""  # lets an INSERT fill columns that the engine would count

    def __init__(self, order: Order) -> None:
        self.engine, self.metadata, self.ddl = order.engine, order.metadata, order.ddl
        self.target, self.provenance = order.target, order.provenance
        self.if_exists, self.group = order.if_exists, dict(order.group)
        self.respelling, self.source_schema = order.respelling, order.source_schema
        self.rows: dict[str, int] = {}
        self.staging: Any = None
        self.outcome: dict[SchemaObject, str] = {}
        self._noted: Optional[frozenset[str]] = None  # the keys in the target's note
        self.theirs: set[str] = set()
        self._failure: Optional[BaseException] = None
        self._connection: Any = None
        if self.reserved.fullmatch(self.target):
            raise ConnectorError(
                f"The {self.kind} {self.target!r} belongs to {self.engine_name} itself."
            )

    def new_name(self) -> str:
        """Return a name for a place beside the target.

        Raises
        ------
        ConnectorError
            The target's own is too long.
        """
        in_bytes, limit = self.spelling.names_in_bytes, self.longest
        size = len(self.target.encode() if in_bytes else self.target)
        if size > limit and self.if_exists != "rehearse":
            raise ConnectorError(
                f"The {self.kind} name {self.target!r} is longer than {limit} "
                f"{'bytes' if in_bytes else 'characters'}.",
                hint="Name a shorter one with schema=….",
            )
        return staging_name(self.target, limit, in_bytes=in_bytes)

    @contextmanager
    def opening(self, what: str = "the target") -> Iterator[None]:
        """Remove what was made, and close the connection, if the place cannot be opened."""
        try:
            with self.named(what):
                yield
        except BaseException:
            self.discard_all([self])
            raise

    @classmethod
    def locate(
        cls,
        source: Optional[Engine],
        target: Optional[Engine],
        schema: Optional[str],
        source_schema: Optional[str],
    ) -> str:
        """Return where a copy goes.

        Parameters
        ----------
        source, target : sqlalchemy.engine.Engine, optional
            One of them at least; beside the source if there is no target.
        schema : str, optional
            What the user named; else the target's default, or ``<source>_synthetic``.
        source_schema : str, optional

        Raises
        ------
        ConnectorError
            There is no such place.
        """
        engine = target if target is not None else source
        assert engine is not None
        if schema is not None:
            return cls.plain_schema(engine, schema)
        default = cls.default_schema(engine)
        if default is None and (target is not None or source_schema is None):
            raise ConnectorError(
                "The URL names no database to write to.", hint="Pass schema=… or end the URL in it."
            )
        return str(default) if target is not None else f"{source_schema or default}_synthetic"

    @staticmethod
    def default_schema(engine: Engine) -> Optional[str]:
        """Return the schema that a connection is in."""
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT current_schema()").scalar()
        return None if found is None else str(found)

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """Return a schema's name as the engine spells it."""
        return schema

    def load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk load all rows of one table, streaming; return their number.

        Raises
        ------
        ConnectorError
            The database refused a row, or the connection was lost.
        """
        try:
            with self.named(f"the rows of table {table!r}"):
                count = self._copy(table, self._conform(table, batches))
        except BaseException:
            if self._failure is not None:  # the rows failed, not the database
                raise self._failure from self._failure.__cause__
            raise
        self.rows[table] = self.rows.get(table, 0) + count
        step("table loaded")
        log.debug("table_loaded", table=table, rows=count)
        return count

    def quote(self, name: str) -> str:
        """Quote an identifier."""
        return self.spelling.quote(name)

    def admit(self, found: Sequence[Found], made: Optional[frozenset[str]]) -> None:
        """Refuse a target that may not be replaced.

        It holds what is `found`, of whatever kind; in its note (:func:`read_note`) are the keys of
        what a run `made`, None where there is none of ours.
        """
        if not found or self.if_exists in ("replace_foreign", "rehearse"):
            return
        foreign = [thing for thing in found if made is None or thing.key not in made]
        keys = {thing.key for thing in foreign}
        foreign = [thing for thing in foreign if thing.part_of not in keys]
        anyhow = f'if_exists="replace_foreign" and replace_foreign={self.target!r} drop it.'
        if made is None or made.isdisjoint(thing.key for thing in found):
            raise ConnectorError(
                f"The target {self.target!r} exists already, and SynthoHive did not make it: "
                f"it holds {listed(sorted(f.shown for f in foreign), _SHOWN)}.",
                hint=f"Name another schema. Only {anyhow}",
            )
        real = getattr(made, "real", False)
        if self.if_exists != "replace":
            what = "subset of REAL rows" if real else "synthetic schema"
            raise ConnectorError(
                f"The target {self.target!r} exists already (an earlier {what}).",
                hint='Pass if_exists="replace", or name another schema.',
            )
        if self.provenance.real and not real:
            raise ConnectorError(
                f"The target {self.target!r} is a synthetic schema, and REAL rows never take its "
                "place: whoever may read it would see them.",
                hint="Name another schema.",
            )
        if foreign:
            raise ConnectorError(
                f"The target {self.target!r} holds what SynthoHive did not make: "
                f"{listed(sorted(f.shown for f in foreign), _SHOWN)}.",
                hint=f"Move it elsewhere, or name another schema. Only {anyhow}",
            )

    @contextmanager
    def named(self, what: str, hint: Optional[str] = None) -> Iterator[None]:
        """Turn the driver's errors into one that says what was refused."""
        try:
            yield
        except self.errors as exc:
            reason = self._reason(exc)
            raise ConnectorError(
                f"{self.engine_name} refused {what} while {self.target!r} was being written: "
                f"{reason}.",
                hint=hint or self._remedy(reason) or "Nothing was changed.",
            ) from exc

    def _remedy(self, reason: str) -> Optional[str]:
        """Return what to do about what the engine says; None if nothing is known."""
        return None

    @staticmethod
    def constrain_all(
        writers: Sequence[Any],
        check: Callable[[], list[KeyCheck]],
        cross: Callable[[], None],
    ) -> list[KeyCheck]:
        """Constrain and prove staging places that appear together.

        Parameters
        ----------
        writers : sequence of StagedSchema
            Of one engine.
        check : callable
            Counts the orphans of all keys, and refuses them.
        cross : callable
            Adds the keys between the places.

        Returns
        -------
        list of KeyCheck
            What `check` returned.
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
        StagedSchema.make_objects(writers)
        for writer in writers:  # when all is there that a note has to list
            writer.note()
            writer.settle()
        return checks

    @classmethod
    def make_objects(cls, writers: Sequence[Any]) -> None:
        """Make views and triggers among the tables of several staging places."""

        def make(writer: Any, thing: SchemaObject) -> str:
            kind = thing.kind[:-1]
            if not thing.refused and f"{kind} {thing.name}" in writer.theirs:
                return f"the target has a {kind} of that name, which is not ours"
            reason: str = thing.refused or writer.make(thing)
            writer.settle()  # a view of another schema may need it
            return reason

        cls.in_rounds([(w, thing) for w in writers for thing in w.ddl.objects], make)

    @staticmethod
    def in_rounds(
        left: Sequence[tuple[Any, SchemaObject]], make: Callable[[Any, SchemaObject], str]
    ) -> None:
        """Make objects again and again while some become possible; `make` says why one cannot.

        A view can need one that comes after it, in another of the schemas, too.
        """
        while left:
            for writer, thing in left:
                writer.outcome[thing] = make(writer, thing)
            refused = [(writer, thing) for writer, thing in left if writer.outcome[thing]]
            if len(refused) == len(left):
                return
            left = refused

    def make(self, thing: SchemaObject) -> str:
        """Make a view or a trigger in the staging place, if it uses nothing but the copy.

        Returned is why it cannot be made; nothing is left of it then.
        """
        raise NotImplementedError

    def takes(self) -> bool:
        """Whether the engine itself can copy rows of the source's schema here."""
        return self.source_schema is not None

    def take(self, table: str, conditions: Iterable[str]) -> int:
        """Have the engine copy rows of the source; return their number.

        Parameters
        ----------
        table : str
        conditions : iterable of str
            Each holds for other rows ``t0``.

        Raises
        ------
        ConnectorError
            The database refused a row, or the connection was lost.
        """
        names = [self.quote(column) for column in self.metadata.table(table).stored]
        with self.named(f"the rows of table {table!r}"):
            self.make_table(table)
            values = self._taken(table)
            for condition in conditions if names else ():
                count = self._inserted(
                    f"INSERT INTO {self.quote(table)} ({', '.join(names)}){self.overriding} "
                    f"SELECT {', '.join(values)} FROM {self._source_place(table)} t0 "
                    f"WHERE {condition}"
                )
                self.rows[table] = self.rows.get(table, 0) + count
            self.rows.setdefault(table, 0)
        self.settle()
        step("table loaded")
        return self.rows[table]

    def _taken(self, table: str) -> list[str]:
        """Return what is taken of the source's rows ``t0``, for each stored column."""
        return [f"t0.{self.quote(column)}" for column in self.metadata.table(table).stored]

    def _source_place(self, table: str) -> str:
        """Return the quoted name of the source's table."""
        return f"{self.quote(str(self.source_schema))}.{self.quote(table)}"

    def _inserted(self, sql: str) -> int:
        """Run an INSERT; return the number of rows."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(sql)
            return int(cursor.rowcount)

    def place(self, table: str) -> str:
        """Return the quoted name of a table for other staging places."""
        return f"{self.quote(self.staging)}.{self.quote(table)}"

    def index(self) -> None:
        """Add all constraints and indexes but the foreign keys."""
        if not self.spelling.keys_enforced:
            self._prove_unique()
        self._run_all(self.ddl.after)
        step("rows constrained")
        self._analyze()

    def _prove_unique(self) -> None:
        """Refuse rows that break a key which the engine notes and does not check.

        Raises
        ------
        ConnectorError
            A primary key is NULL or repeated, or a UNIQUE repeated.
        """
        keys = [
            (table.name, label(what, name, columns), columns, what == "primary key", no_null)
            for table in self.metadata.tables.values()
            for what, name, columns, no_null in (
                ("primary key", "", table.pk, True),
                *(("unique constraint", u.name or "", u.columns, not u.nulls_distinct)
                  for u in table.unique),
            )
            if columns
        ]  # fmt: skip
        for start in range(0, len(keys), _ASKED):
            part = keys[start : start + _ASKED]
            with self.named("the count of repeated values of keys"):
                found = self._ask(
                    " UNION ALL ".join(
                        self._repeated(number, table, columns, whole=whole)
                        for number, (table, _, columns, _, whole) in enumerate(part)
                    )
                )
            for number, missing, repeated in found:
                table, named, _, primary, _ = part[int(number)]
                if repeated or (primary and missing):
                    raise ConnectorError(
                        f"{named[0].upper()}{named[1:]} of table {table!r} has {repeated} values "
                        f"that repeat and {missing} rows with NULL among the {self.rows[table]} "
                        f"rows of {self.target!r}.",
                        hint="Nothing was changed.",
                    )

    def _repeated(self, number: int, table: str, columns: Sequence[str], *, whole: bool) -> str:
        """Return a query of one row: a number, how many rows have NULL, how many values repeat."""
        place, listed = self.spelling.table(table), ", ".join(map(self.quote, columns))
        filled = " AND ".join(f"{self.quote(column)} IS NOT NULL" for column in columns)
        only = "" if whole else f" WHERE {filled}"
        return (
            f"SELECT {number} AS n, "
            f"(SELECT COUNT(*) FROM {place} WHERE NOT ({filled})) AS missing, "
            f"(SELECT COUNT(*) FROM (SELECT 1 AS n FROM {place}{only} GROUP BY {listed} "
            "HAVING COUNT(*) > 1) d) AS repeated"
        )

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
        """Hear of the staging places, by source schema, that are written together with this one."""

    def run(self, statement: Statement) -> None:
        """Run one statement in the staging place, named in what it raises."""
        of = f" on table {statement.table!r}" if statement.table else ""
        with self.named(f"{statement.what}{of}"):
            self._execute(statement.sql)

    def orphans(self, table: str, fk: ForeignKey, parent: str) -> int:
        """Count the complete keys (MATCH SIMPLE) of loaded rows that have no parent.

        Parameters
        ----------
        table : str
        fk : ForeignKey
        parent : str
            The quoted table that the key leads to, with its place where that is another.
        """
        quote, child = self.quote, self.spelling.table(table)
        complete = " AND ".join(f"c.{quote(c)} IS NOT NULL" for c in fk.columns)
        if fk.no_parent is not None:
            complete += f" AND c.{quote(fk.columns[0])} <> {fk.no_parent!r}"
        with self.named(f"the count of orphans of {fk.label(table)}"):
            return int(
                self._scalar(
                    f"SELECT COUNT(*) FROM {child} c WHERE {complete} AND NOT EXISTS "
                    f"(SELECT 1 FROM {parent} p WHERE {matching(fk, quote)})"
                )
            )

    def note(self) -> None:
        """Leave the `_synthohive` table, by which a later run knows its own work."""
        text, long_text = self.texts
        types = (text, text, self.seed_type, self.fraction, text, text, long_text)
        fields = ", ".join(f"{name} {type_}" for name, type_ in zip(NOTE_COLUMNS, types))
        with self.named(f"the note {PROVENANCE_TABLE!r}"):
            self._execute(f"CREATE TABLE {self.spelling.table(PROVENANCE_TABLE)} ({fields})")
            objects = json.dumps(sorted(self._made()))
            self._insert_note((*astuple(self.provenance), objects))
        step("note written")

    def _made(self) -> Iterable[str]:
        """Return the keys (see :class:`Found`) of all that this run leaves in the target."""
        return (*self.metadata.tables, PROVENANCE_TABLE)

    def _conform(self, table: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Put each batch's columns in the table's order, refusing missing and unknown ones."""
        names = [column.name for column in self.metadata.table(table).stored.values()]
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

    def make_table(self, table: str) -> bool:
        """Make a table, unless it has rows already; return whether it did."""
        fresh = table not in self.rows
        for statement in self.ddl.tables[table] if fresh else ():
            self.run(statement)
        return fresh

    def _execute(self, sql: str) -> None:
        """Run one statement in the staging place."""
        self._ask(sql)

    def _scalar(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return the first value that a query finds; None if nothing."""
        found = self._ask(sql, values)
        return found[0][0] if found else None

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        """Insert the only row of the `_synthohive` table."""
        marks = ", ".join(map(self.mark.format, range(1, len(values) + 1)))
        self._ask(f"INSERT INTO {self.spelling.table(PROVENANCE_TABLE)} VALUES ({marks})", values)

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement in the staging place, and return the rows that it finds."""
        return self._found(sql, values)[1]

    def _found(self, sql: str, values: Any = ()) -> tuple[list[str], list[Any]]:
        """Return the names of the columns, and the rows, that a statement finds."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, *([values] if values else []))
            names = [column[0] for column in cursor.description or ()]
            return names, list(cursor.fetchall()) if names else []

    def _note_in(self, place: str) -> Optional[frozenset[str]]:
        """Return the keys in the note of a quoted place, which has such a table."""
        note = f"{place}.{self.quote(PROVENANCE_TABLE)}"
        return read_note(*self._found(self.two_rows.format(note)))

    @abstractmethod
    def _reason(self, exc: BaseException) -> str:
        """Return the driver's message without values or credentials."""

    @abstractmethod
    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        """Make the table and load its rows, which have its stored columns."""

    def _analyze(self) -> None:
        """Gather the statistics that the proofs' plans need."""
        for table in self.metadata.tables if self.statistics else ():
            with self.named(f"the statistics of table {table!r}"):
                self._execute(self.statistics.format(self.spelling.table(table)))

    @classmethod
    @abstractmethod
    def swap_all(cls, writers: Sequence[Any]) -> None:
        """Put the staging places where the targets are, all in one step."""

    @classmethod
    @abstractmethod
    def discard_all(cls, writers: Sequence[Any]) -> None:
        """Remove staging places and connections, whatever state they are in."""


class Writer:
    """Writes one schema, or several that appear at the same moment; used as a context manager.

    Rows go to staging places that nobody sees. :meth:`finish` adds keys, indexes and checks, proves
    that there are no orphans, and puts the schemas in place in one step. Leaving the block without
    it, for whatever reason, removes the staging places.

    Parameters
    ----------
    metadata : Metadata
    schemas : dict of str to StagedSchema
        By source schema, each open, of the same engine.
    all_keys : bool
        Have the database enforce keys between schemas that the source does not declare, too.

    Attributes
    ----------
    target : str
        Where the schemas will be found: their names, or the path of a file.
    streams : int
        Tables that may be loaded at once.
    """

    def __init__(
        self, metadata: Metadata, schemas: Mapping[str, Any], *, all_keys: bool = False
    ) -> None:
        self.metadata, self.all_keys, self.schemas = metadata, all_keys, dict(schemas)
        self.target = ", ".join(schema.target for schema in schemas.values())
        self.streams = 1
        self._closed = False
        for schema in schemas.values():
            schema.see({s: other.staging for s, other in schemas.items() if other is not schema})

    def load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk load all rows of one table, streaming; return their number.

        Raises
        ------
        ConnectorError
            The database refused a row, or the connection was lost. Nothing remains.
        """
        try:
            return self.fill(table, batches)
        except BaseException:
            self.abort()
            raise

    def fill(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Load as :meth:`load` does; what a failure leaves, goes with the block's end.

        Several threads may, as many as there are `streams`.
        """
        self._check_open()
        return self._of(table).load(self.metadata.table(table).own_name, batches)

    def takes(self) -> bool:
        """Whether the engine itself can copy rows of the source's schemas here."""
        return all(schema.takes() for schema in self.schemas.values())

    def take(self, table: str, conditions: Iterable[str]) -> int:
        """Have the engine copy rows of the source; see :meth:`StagedSchema.take`."""
        self._check_open()
        try:
            return self._of(table).take(self.metadata.table(table).own_name, conditions)
        except BaseException:
            self.abort()
            raise

    def finish(self) -> list[KeyCheck]:
        """Constrain, prove, and swap in.

        Raises
        ------
        ConnectorError
            The database refused a constraint, or a key has orphans; nothing changed.
        """
        self._check_open()
        schemas = list(self.schemas.values())
        try:
            checks = self._complete()
            with schemas[0].named("the swap"):
                schemas[0].swap_all(schemas)
        except BaseException:
            self.abort()
            raise
        self._closed = True
        for schema in schemas:
            log.info("schema_written", target=schema.target, rows=sum(schema.rows.values()))
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

    def abort(self) -> None:
        """Remove the staging places; does nothing after :meth:`finish`."""
        if not self._closed:
            self._closed = True
            schemas = list(self.schemas.values())
            schemas[0].discard_all(schemas)

    def objects(self) -> dict[tuple[str, str], str]:
        """Return why each object (kind, name) that was asked for was not made; "" if it was.

        So it is of what the source's tables state, and another engine cannot.

        Names have their schema before them, if there are several.
        """
        found: dict[tuple[str, str], str] = {}
        for name, schema in self.schemas.items():
            lead = f"{name}." if self.metadata.schemas else ""
            found.update({(kind, f"{lead}{own}"): "" for kind, own in schema.ddl.brought})
            for left in schema.ddl.left:
                found[left.kind, f"{lead}{left.name}"] = left.reason
            for thing, reason in schema.outcome.items():
                key = (thing.kind, f"{lead}{thing.name}")
                found[key] = found.get(key) or reason
                if thing.function and not reason:
                    found["functions and procedures", f"{lead}{thing.function}"] = ""
        return found

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.abort()

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectorError(f"The writer of {self.target!r} is closed; open a new one.")

    def _of(self, table: str) -> StagedSchema:
        name = self.metadata.table(table).schema_name if self.metadata.schemas else None
        found: StagedSchema = self.schemas[name or next(iter(self.schemas))]
        return found

    def _complete(self) -> list[KeyCheck]:
        schemas = list(self.schemas.values())
        for schema in schemas:
            for table in schema.metadata.tables:
                if table not in schema.rows:
                    schema.load(table, [])
        checks: list[KeyCheck] = schemas[0].constrain_all(schemas, self._prove, self._cross)
        step("schema proved")
        return checks

    def _prove(self) -> list[KeyCheck]:
        checks = []
        for table, key in self.metadata.foreign_keys():
            check = self._check(table, key)
            if check.orphans:
                name = f" {key.name!r}" if key.name else ""
                raise ConnectorError(
                    f"Foreign key{name} {key.label(table)} has {check.orphans} orphans among the "
                    f"{check.rows} rows of {self._of(table).target!r}.",
                    hint="Nothing was changed.",
                )
            checks.append(check)
        return checks

    def _cross(self) -> None:
        """Add the keys between the schemas."""
        for table, key in self.metadata.foreign_keys():
            if self._crosses(table, key) and self._enforced(table, key):
                self._of(table).run(self._statement(table, key))
                self._of(table).settle()

    def _crosses(self, table: str, key: ForeignKey) -> bool:
        return self._of(table) is not self._of(key.parent)

    def _enforced(self, table: str, key: ForeignKey) -> bool:
        return (
            self._of(table).keys_between
            and key.no_parent is None
            and (key.declared or self.all_keys)
        )

    def _place(self, table: str) -> str:
        return self._of(table).place(self.metadata.table(table).own_name)

    def _check(self, table: str, key: ForeignKey) -> KeyCheck:
        schema, own = self._of(table), self.metadata.table(table).own_name
        above = self.metadata.table(key.parent).own_name
        if self._crosses(table, key):
            parent, enforced = self._place(key.parent), self._enforced(table, key)
        else:
            parent = schema.spelling.table(above)
            enforced = (own, tuple(key.columns), above) in schema.ddl.enforced
        return KeyCheck(table, key, schema.rows[own], schema.orphans(own, key, parent), enforced)

    def _statement(self, table: str, key: ForeignKey) -> Statement:
        quote = self._of(table).quote
        name = f"CONSTRAINT {quote(key.name)} " if key.name else ""
        own = self._of(table).spelling.table(self.metadata.table(table).own_name)
        sql = f"ALTER TABLE {own} ADD {name}"
        sql += reference(key, quote, self._place(key.parent))
        for when, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update)):
            if action:
                sql += f" ON {when} {vetted_action(action, key.columns, quote)}"
        return Statement(sql, table, label("foreign key", key.name or "", key.columns))
