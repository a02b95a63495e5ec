"""What all loaders share of one schema: the order of the steps, the error texts."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from functools import partial
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
)
from synthohive.exceptions import ConnectorError, SchemaError, hides_values
from synthohive.io.base import KeyCheck
from synthohive.io.journal import Journal
from synthohive.io.staging import NOTE_COLUMNS, Found, Order, read_note, staging_name
from synthohive.io.steps import step
from synthohive.schema import ForeignKey

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


__all__ = ["StagedSchema", "Withdrawn", "rows_act"]

log = get_logger(__name__)
_SHOWN = 10
_ASKED = 50
"""Keys whose repeated values one query counts."""
_SETTLED = 100
"""Statements after which locks are let go of: a server has room for so many in all."""


def rows_act(table: str) -> str:
    """Return how a journal calls it that a table has all of its rows."""
    return f"rows of {table}"


class Withdrawn(Exception):
    """Rows of a table that is being loaded are not to be loaded after all."""


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
    journal : Journal, optional
        Of a run that can be resumed.
    keeps : bool
        What fails leaves the staging place, which has a journal.
    """

    engine_name: ClassVar[str]
    spelling: ClassVar[Spelling]
    errors: ClassVar[tuple[type[BaseException], ...]]
    mark: ClassVar[str] = "%s"  # of a parameter, whose number {0} is
    two_rows: ClassVar[str] = "SELECT * FROM {0} LIMIT 2"
    seed_type: ClassVar[str] = "NUMERIC(39)"
    texts: ClassVar[tuple[str, str]] = ("TEXT", "TEXT")  # short ones, and those without an end
    fraction: ClassVar[str] = "DOUBLE PRECISION"
    indexes_beside: ClassVar[bool] = False  # of a loaded table, while others are loaded
    streams: ClassVar[int] = 1  # tables that may be loaded at once, each over its own connection
    takes_back: ClassVar[bool] = False  # rows of a table that are withdrawn while they are loaded
    keys_between: ClassVar[bool] = True  # the engine has keys from one schema to another
    kind: ClassVar[str] = "schema"  # what the engine calls a place
    longest: ClassVar[int] = 200  # name of a place
    capitals: ClassVar[bool] = False  # what names without quotes are read as
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
        self.journal = None if order.run is None else Journal(self, order.run)
        self.keeps = False
        self._acts: set[str] = set()
        self._analyzed: set[str] = set()
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
        name = staging_name(self.target, limit, in_bytes=in_bytes)
        return name.upper() if self.capitals and self.target.isupper() else name

    @contextmanager
    def opening(self, what: str = "the target") -> Iterator[None]:
        """Remove what was made, and close the connection, if the place cannot be opened."""
        try:
            with self.named(what):
                yield
        except BaseException:
            self.give_up([self])
            raise

    def begin_journal(self) -> None:
        """Begin to note what is done in the new staging place, if that is wanted."""
        if self.journal is not None:
            self.journal.begin()
            self.keeps = True

    def go_on_in(self, staging: str) -> bool:
        """Take over the staging place of an interrupted run, in which the session is.

        Returned is whether it can be: it has a journal, and all rows that this tells of.

        Raises
        ------
        ConnectorError
            It was another run, and stays as it is.
        """
        assert self.journal is not None
        self.keeps = True
        if self.journal.read():
            there = {
                table: self.journal.done.get(rows_act(table)) for table in self.metadata.tables
            }
            rows = {table: json.loads(found)["rows"] for table, found in there.items() if found}
            if all(self._has_rows(table, count) for table, count in rows.items()):
                for table in self.metadata.tables.keys() - rows:
                    # with its place: else it might be found in the source
                    self.ask(f"DROP TABLE IF EXISTS {self.place(table)}")
                self.rows.update(rows)
                log.info("run_resumed", target=self.target, loaded=sorted(rows))
                return True
        self.keeps, self.journal.done = False, {}
        return False

    def _has_rows(self, table: str, count: int) -> bool:
        try:
            return bool(self._scalar(f"SELECT COUNT(*) FROM {self.place(table)}") == count)
        except self.errors as exc:
            log.warning("run_not_resumed", table=table, reason=self._reason(exc))
            return False

    def once(self, act: str, do: Callable[[], None], table: str = "") -> None:
        """Do something, unless the journal tells that it is done, and note it there."""
        if act in self._acts or self.did(act):
            return
        do()
        self.note_done(act)
        self._acts.add(act)

    def did(self, act: str) -> bool:
        """Whether an interrupted run did something."""
        return self.journal is not None and act in self.journal.done

    def note_done(self, act: str, detail: str = "") -> None:
        """Note what is done, in the transaction that does it."""
        if self.journal is not None:
            self.journal.note(act, detail)

    @classmethod
    def give_up(cls, writers: Sequence[Any]) -> None:
        """Remove staging places, but those in which a later run goes on."""
        for writer in writers:
            if writer.keeps:
                writer.leave()
                log.warning("run_can_be_resumed", target=writer.target, staging=writer.staging)
        if others := [writer for writer in writers if not writer.keeps]:
            cls.discard_all(others)

    def leave(self) -> None:
        """Close the connection, and leave the staging place to a later run."""
        raise NotImplementedError

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
        return (
            str(default) if target is not None else cls._name_beside(str(source_schema or default))
        )

    @classmethod
    def _name_beside(cls, name: str) -> str:
        """Return the name of the copy of a place, beside it."""
        return f"{name}_SYNTHETIC" if cls.capitals and name.isupper() else f"{name}_synthetic"

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

    def load(self, table: str, batches: Iterable[pa.RecordBatch], beside: Any = None) -> int:
        """Bulk load all rows of one table, streaming; return their number.

        Parameters
        ----------
        table : str
        batches : iterable of pyarrow.RecordBatch
        beside : object, optional
            In the form of JSON: what a run that goes on has to know of the table. Looked at when
            all rows are there.

        Raises
        ------
        ConnectorError
            The database refused a row, or the connection was lost.
        Withdrawn
            By the batches; nothing of the table is left.
        """
        try:
            with self.named(f"the rows of table {table!r}"):
                count = self._copy(table, self._conform(table, batches))
                noted = {"rows": self.rows.get(table, 0) + count, "beside": beside}
                self.note_done(rows_act(table), json.dumps(noted))
                self.settle()
        except BaseException:
            failure, self._failure = self._failure, None
            if isinstance(failure, Withdrawn):
                with self.named(f"the end of the rows of table {table!r}"):
                    self.take_back(table)
            if failure is not None:  # the rows failed, not the database
                raise failure from failure.__cause__
            raise
        self.rows[table] = self.rows.get(table, 0) + count
        step("table loaded")
        log.debug("table_loaded", table=table, rows=count)
        return count

    def take_back(self, table: str) -> None:
        """Remove a table that is being loaded, with what rows it has."""
        raise NotImplementedError

    def stream(self) -> StagedSchema:
        """Return the same place over a connection of its own, for another thread."""
        raise NotImplementedError

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
            ) from self._cause(exc, reason)

    def _cause(self, exc: BaseException, reason: str) -> Optional[BaseException]:
        """Return what an error is said to come from; None where that may repeat a value."""
        return None if hides_values(reason) else exc

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
            writer.once("note", writer.note)
            writer.settle()
        return checks

    @classmethod
    def make_objects(cls, writers: Sequence[Any]) -> None:
        """Make views and triggers among the tables of several staging places."""

        def make(writer: Any, thing: SchemaObject) -> str:
            kind = thing.kind[:-1]
            if not thing.refused and f"{kind} {thing.name}" in writer.theirs:
                return f"the target has a {kind} of that name, which is not ours"
            act = f"{kind} {thing.name}"
            reason: str = thing.refused or ("" if writer.did(act) else writer.make(thing))
            if not reason and not writer.did(act):
                writer.note_done(act)
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
        self._run_all("after", self.ddl.after)
        step("rows constrained")
        self._analyze(self.metadata.tables)

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
        self._run_all("key", self.ddl.keys)
        self._run_all("counter", self.ddl.counters)

    def index_table(self, table: str) -> None:
        """Add a loaded table's own constraints and indexes, and look at its rows for plans.

        If others can be loaded beside.
        """
        if self.indexes_beside:
            self._run_all("after", self.ddl.after, table)
            self._analyze([table])
            self.settle()

    def _run_all(self, kind: str, statements: Sequence[Statement], only: str = "") -> None:
        for number, statement in enumerate(statements, 1):
            if only and statement.table != only:
                continue
            self.once(f"{kind} {number}", partial(self.run, statement), statement.table)
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

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement in the staging place, whatever is being made elsewhere."""
        return self._ask(sql, values)

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

    def _analyze(self, tables: Iterable[str]) -> None:
        """Gather the statistics that the proofs' plans need, of each table once."""
        for table in tables if self.statistics else ():
            if table not in self._analyzed:
                with self.named(f"the statistics of table {table!r}"):
                    self._execute(self.statistics.format(self.spelling.table(table)))
                self._analyzed.add(table)

    @classmethod
    @abstractmethod
    def swap_all(cls, writers: Sequence[Any]) -> None:
        """Put the staging places where the targets are, all in one step."""

    @classmethod
    @abstractmethod
    def discard_all(cls, writers: Sequence[Any]) -> None:
        """Remove staging places and connections, whatever state they are in."""
