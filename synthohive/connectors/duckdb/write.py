"""DuckDB: rows into a file beside, then all tables, keys and rows in one transaction."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import duckdb
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.duckdb.catalogue import DuckdbCatalogue
from synthohive.connectors.duckdb.objects import (
    Holdings,
    NotOfTheCopy,
    Thing,
    answers,
    dependents,
    moved_view,
)
from synthohive.connectors.duckdb.spelling import SPELLING
from synthohive.connectors.duckdb.text import first_name, nested_type, reason
from synthohive.connectors.special_values import respelled
from synthohive.ddl.spelling import Spelling, literal, quote
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject, items, matching
from synthohive.exceptions import ConnectorError
from synthohive.io.base import KeyCheck, NoPlaceError
from synthohive.io.comments import Comments, changes, keys
from synthohive.io.journal import JOURNAL_TABLE
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import STAGING_MARK, Order, broken_error
from synthohive.io.steps import step
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column, ForeignKey

__all__ = ["WRITER", "DuckdbWriter"]

log = get_logger(__name__)
_NEXT_VALUE = re.compile(r"nextval\('((?:[^']|'')+)'\)", re.IGNORECASE)
_REFERENCE = re.compile(
    r'^(\s*(?:CONSTRAINT "(?:[^"]|"")*" )?'
    r'FOREIGN KEY \((?:"(?:[^"]|"")*"(?:, )?)+\) REFERENCES )(?=")',
    re.MULTILINE,
)
_MADE = re.compile(
    r"^(CREATE TABLE |CREATE (?:UNIQUE )?INDEX .*? ON |COMMENT ON (?:TABLE|COLUMN) )",
    re.IGNORECASE | re.DOTALL,
)
_LAST_NAME = re.compile(r'("(?:[^"]|"")+"|[^".]+)$')
_WITH_TABLES = ("table", "column", "index")
_LEVELS = "__synthohive_levels"


class DuckdbWriter(StagedSchema):
    """Write one schema of a DuckDB database; see :class:`StagedSchema`.

    DuckDB takes keys only in CREATE TABLE and renames no schema: so the rows wait in a
    temporary database until they are proved, and are then put into the final tables,
    parents first, in the transaction that drops the old ones.
    """

    engine_name: ClassVar[str] = "DuckDB"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (duckdb.Error, pa.ArrowException, OSError)
    mark: ClassVar[str] = "?"
    seed_type: ClassVar[str] = "UHUGEINT"
    keys_between: ClassVar[bool] = False
    reserved: ClassVar[re.Pattern[str]] = re.compile("information_schema|pg_catalog")

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        if self.if_exists == "rehearse":  # what is there need not go, not even for a moment
            self.target = self.new_name()
        self._schemas = {str(order.source_schema or "main"): self.target, **self.group}
        self._staging = f"synthohive_{secrets.token_hex(6)}"
        self._pooled = self.engine.raw_connection()
        wrapped: Any = self._pooled.driver_connection
        # A session of its own on the same database: settings and transaction end with it.
        self._own: duckdb.DuckDBPyConnection = wrapped.execute("SELECT 1").cursor()
        self._connection = self._own
        self._folder: Optional[Workspace] = None
        self._rows: Optional[Path] = None  # the file in which rows wait, where it outlives the run
        self._said: Comments = {}
        self._place = ""  # before the name of a table of the target
        self._building = False
        with self.opening():
            self._database = str(self._scalar("SELECT current_database()"))
            self._place = f"{quote(self._database)}.{quote(self.target)}."
            self._check_database()
            self._check_target()
            self._open_rows()

    def _open_rows(self) -> None:
        """Open the database in which rows wait; of a run that can be resumed, beside the target."""
        (where,) = self._ask(
            "SELECT path FROM duckdb_databases() WHERE database_name = ?", [self._database]
        )
        kept = None
        if where[0] is not None:
            path = Path(where[0]).absolute()
            sum_ = hashlib.sha256(self.target.encode()).hexdigest()[:8]
            kept = path.with_name(path.name + STAGING_MARK + sum_)
        if self.journal is None:
            if kept is not None and self.if_exists != "rehearse":
                self._remove_rows(kept)
            self._folder = Workspace()
            self._attach(self._folder.path / "rows.duckdb")
            return
        if kept is None:
            raise NoPlaceError(
                "A DuckDB database in memory ends with its process: no run can go on in it.",
                hint="Leave resume out, or write to a file: url='duckdb:///…'.",
            )
        left = kept.exists()
        self._rows = kept
        self._attach(kept)
        noted = self._ask(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND table_name = ?",
            [self._staging, JOURNAL_TABLE],
        )
        if left and not (noted and self.go_on_in(self._staging)):
            self._execute(f"USE {quote(self._database)}.main")
            self._execute(f"DETACH DATABASE {quote(self._staging)}")
            self._remove_rows(kept)
            self._attach(kept)
        if not self.keeps:
            self.begin_journal()

    def _attach(self, file: Path) -> None:
        self._execute(f"ATTACH {literal(str(file))} AS {quote(self._staging)}")
        self._execute(f"USE {quote(self._staging)}.main")

    def _remove_rows(self, file: Path) -> None:
        """Remove what an interrupted run left, unless a run in this process is at it."""
        at_work = "SELECT 1 FROM duckdb_databases() WHERE path = ?"
        if not self._ask(at_work, [str(file)]):
            file.unlink(missing_ok=True)
            file.with_name(f"{file.name}.wal").unlink(missing_ok=True)

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """See the base class."""
        with engine.connect() as connection:
            return str(DuckdbCatalogue(connection, quote).plain_schema(schema))

    def _check_database(self) -> None:
        readonly = "SELECT readonly FROM duckdb_databases() WHERE database_name = ?"
        if self._scalar(readonly, [self._database]):
            raise NoPlaceError(
                f"The database {self._database!r} is opened read-only.",
                hint="Open it for writing, or name another one with url=….",
            )

    def _check_target(self) -> list[Thing]:
        """Return what has to go; refuse the target if something would be lost.

        Views, macros, types and sequences of others name our tables at most: they stay.
        """
        things = self._holdings.contents()
        there = Thing("table", PROVENANCE_TABLE, "") in things
        self._noted = made = self._note_in(self._place[:-1]) if there else None
        ours = [t for t in things if made is None or t.found(self.target).key in made]
        kept = [t for t in things if t not in ours and t.kind not in _WITH_TABLES]
        found = [t.found(self.target) for t in things if t not in kept]
        self.admit(found, made)
        if self.if_exists == "replace_foreign":
            ours, kept = things, []
        self.theirs = {t.found(self.target).shown for t in kept}
        return [t for t in ours if not t.is_part]

    @property
    def _holdings(self) -> Holdings:
        return Holdings(self._connection, self._database, self.target)

    def _made(self) -> list[str]:
        found = [thing.found(self.target) for thing in self._holdings.contents()]
        return [f.key for f in found if f.shown not in self.theirs] + keys(
            self._holdings.comments()
        )

    def _carry_comments(self) -> None:
        """Write about the new tables what others wrote about the old ones."""
        if self._noted is None:
            return
        with self.named("the comments"):
            places = self._holdings.commented()
            for place, text in changes(self._said, self._holdings.comments(), self._noted).items():
                if place in places:
                    kind, *names = place
                    words = "NULL" if text is None else literal(text)
                    inside = ".".join(map(quote, names))
                    self._connection.execute(
                        f"COMMENT ON {kind.upper()} {self._place}{inside} IS {words}"
                    )

    def _reason(self, exc: BaseException) -> str:
        return reason(exc)

    def _execute(self, sql: str) -> None:
        """Run one statement among the waiting rows or, once it is being made, in the schema.

        A schema that is not committed yet cannot be set as the session's.
        """
        if self._building:
            sql = _MADE.sub(lambda match: match[0] + self._place, self._qualified(sql), count=1)
        self._connection.execute(sql)

    def _found(self, sql: str, values: Any = ()) -> tuple[list[str], list[Any]]:
        result = self._connection.execute(sql, list(values))
        return [column[0] for column in result.description or ()], result.fetchall()

    def _insert_note(self, values: tuple[Any, ...]) -> None:
        sql = f"INSERT INTO {self._place}{quote(PROVENANCE_TABLE)} VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._ask(sql, values)

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        schema = pa.schema(
            [(c.name, c.arrow_type) for c in self.metadata.table(table).stored.values()]
        )
        view = f"{self._staging}_batch"
        if table not in self.rows:
            self._connection.register(view, schema.empty_table())
            # In the transaction below, DuckDB 1.5 would lose the rows of a whole row group.
            self._execute(f"CREATE TABLE {quote(table)} AS SELECT * FROM {view}")
            self._connection.unregister(view)
        self._execute("BEGIN TRANSACTION")  # one by one, batches would be written twice
        count = 0
        for batch in batches:
            arrays = [a.cast(t) for a, t in zip(batch.columns, schema.types)]
            arrays = [respelled(array, array, self.respelling) for array in arrays]
            self._connection.register(view, pa.table(arrays, schema.names))
            self._execute(f"INSERT INTO {quote(table)} SELECT * FROM {view}")
            self._connection.unregister(view)
            count += batch.num_rows
        self._execute("COMMIT")
        return count

    def take(self, table: str, conditions: Iterable[str]) -> int:
        """See the base class; the rows wait in the source's own types."""
        place = f"{quote(self._database)}.{quote(str(self.source_schema))}.{quote(table)} t0"
        columns = self.metadata.table(table).stored.values()
        values = ", ".join(
            f"CAST(t0.{quote(c.name)} AS VARCHAR) AS {quote(c.name)}"
            if c.kind is ColumnKind.CATEGORICAL  # an enumeration of the source's schema
            else f"t0.{quote(c.name)}"
            for c in columns
        )
        with self.named(f"the rows of table {table!r}"):
            self._execute(f"CREATE TABLE {quote(table)} AS SELECT {values} FROM {place} LIMIT 0")
            for condition in conditions:
                self._execute(
                    f"INSERT INTO {quote(table)} SELECT {values} FROM {place} WHERE {condition}"
                )
            self.rows[table] = int(self._scalar(f"SELECT count(*) FROM {quote(table)}"))
        return self.rows[table]

    @staticmethod
    def constrain_all(
        writers: Sequence[Any],
        check: Callable[[], list[KeyCheck]],
        cross: Callable[[], None],
    ) -> list[KeyCheck]:
        """Prove the keys on the rows that wait, then make all schemas in one transaction.

        DuckDB has no keys from one schema to another; see the base class.
        """
        del cross
        checks = check()
        for writer in writers:
            writer.journal = None  # all that follows is done at once, or not at all
        plans = [writer._planned() for writer in writers]
        first = writers[0]
        with first.named("the new schema"):
            for writer in writers:
                writer._execute(f"USE {quote(writer._database)}.main")
            first._execute("BEGIN TRANSACTION")
        for writer, plan in zip(writers, plans):
            writer._connection = first._connection
            writer._build(*plan)
        StagedSchema.make_objects(writers)
        for writer in writers:
            writer.note()
            writer._carry_comments()
        return checks

    def _planned(self) -> tuple[list[str], dict[str, int], dict[str, int]]:
        """Return the order of the tables, the levels of their rows, and the sequences' starts."""
        order = self._parents_first()
        return order, {table: self._rank(table) for table in order}, self._sequences()

    def _build(
        self, order: Sequence[str], levels: Mapping[str, int], sequences: Mapping[str, int]
    ) -> None:
        """Make the schema in the open transaction."""
        with self.named("the new schema"):
            gone = self._check_target()
            self._said = self._holdings.comments()
            tables = [t.name for t in gone if t.kind == "table"]
            views = self._holdings.naming(tables)
            own = {t.name for t in gone if t.kind == "view"}
            views = [v for v in views if v[1] != self.target or v[2] not in own]
            self._views = [view for view in views if answers(self._connection, view)]
            lost = [t.name for t in gone if t.kind == "sequence" and t.name not in sequences]
            if users := self._holdings.defaulting(lost):
                raise broken_error(self.target, users)
            self._clear(gone)
            step("old tables dropped")
            for name, start in sequences.items():
                self._execute(f"CREATE SEQUENCE {self._place}{quote(name)} START {start}")
        self._building = True
        for statement in self.ddl.setup:
            self.run(statement)
        for table in order:
            for statement in self.ddl.tables[table]:
                self.run(statement)
            with self.named(f"the rows of table {table!r}"):
                for level in range(levels[table] + 1):
                    self._fill(table, level if levels[table] else None)
                kept = int(self._scalar(f"SELECT count(*) FROM {self._place}{quote(table)}"))
            if kept != self.rows[table]:
                raise ConnectorError(
                    f"Of the {self.rows[table]} rows of table {table!r}, DuckDB kept {kept}.",
                    hint="Nothing was changed.",
                )
        for statement in self.ddl.after:
            self.run(statement)

    def make(self, thing: SchemaObject) -> str:
        """See the base class."""
        known = {*self.metadata.tables, *(each.name for each in self.ddl.objects)}
        place = f"{self._place}{quote(thing.name)}"
        try:
            sql = moved_view(self._connection, thing.create, self._database, self._schemas, known)
            self._connection.execute(f"CREATE VIEW {place}{sql}")
            if thing.comment:
                self._connection.execute(f"COMMENT ON VIEW {place} IS {thing.comment}")
        except (NotOfTheCopy, duckdb.CatalogException, duckdb.BinderException) as exc:
            return str(exc) if isinstance(exc, NotOfTheCopy) else self._reason(exc)
        return ""

    def _clear(self, gone: Sequence[Thing]) -> None:
        """Drop things one by one: CASCADE would take tables of other schemas along."""
        self._execute(f"CREATE SCHEMA IF NOT EXISTS {quote(self._database)}.{quote(self.target)}")
        for thing in gone:
            try:
                self._execute(f"DROP {thing.kind.upper()} {self._place}{quote(thing.name)}")
            except duckdb.DependencyException as exc:
                raise broken_error(self.target, dependents(exc)) from exc

    def _parents_first(self) -> list[str]:
        parents: dict[str, list[str]] = {table: [] for table in self.metadata.tables}
        for child, _, parent in sorted(self.ddl.enforced):
            if child != parent and parent in parents:
                parents[child].append(parent)
        try:
            return list(TopologicalSorter(parents).static_order())
        except CycleError as exc:
            raise ConnectorError(
                f"DuckDB cannot have keys in a circle, as between {sorted(set(exc.args[1]))}.",
                hint="Leave one of the tables out with exclude=[…].",
            ) from exc

    def _own_keys(self, table: str) -> list[ForeignKey]:
        return [
            fk
            for fk in self.metadata.table(table).foreign_keys
            if fk.parent == table and (table, tuple(fk.columns), table) in self.ddl.enforced
        ]

    def _rank(self, table: str) -> int:
        """Rank a table's rows by their depth under its own keys, and return the greatest depth.

        DuckDB looks a key up in the rows of earlier statements only.
        """
        keys = self._own_keys(table)
        if not keys:
            return 0
        rows, levels = quote(table), quote(f"{_LEVELS}_{table}")
        self._execute(f"CREATE OR REPLACE TABLE {levels} (r BIGINT, level INTEGER)")
        level = -1
        while int(self._scalar(f"SELECT count(*) FROM {levels}")) < self.rows[table]:
            level += 1
            ready = " AND ".join(self._ready(table, levels, fk) for fk in keys)
            before = self._scalar(f"SELECT count(*) FROM {levels}")
            self._execute(
                f"INSERT INTO {levels} SELECT c.rowid, {level} FROM {rows} c WHERE {ready} "
                f"AND NOT EXISTS (SELECT 1 FROM {levels} l WHERE l.r = c.rowid)"
            )
            if self._scalar(f"SELECT count(*) FROM {levels}") == before:
                raise ConnectorError(
                    f"Rows of table {table!r} refer to themselves or to each other in a circle, "
                    "which DuckDB cannot load.",
                    hint="Nothing was changed. Write to another engine, or leave the key out.",
                )
        return level

    def _ready(self, table: str, levels: str, fk: ForeignKey) -> str:
        missing = " OR ".join(f"c.{quote(name)} IS NULL" for name in fk.columns)
        there = f"SELECT 1 FROM {quote(table)} p JOIN {levels} l ON l.r = p.rowid "
        there += f"WHERE {matching(fk, quote)}"
        return f"({missing} OR EXISTS ({there}))"

    def _fill(self, table: str, level: Optional[int]) -> None:
        columns = self.metadata.table(table).stored.values()
        names = ", ".join(quote(column.name) for column in columns)
        values = ", ".join(self._value(column) for column in columns)
        place = f"{quote(self._staging)}.main."
        sql = f"INSERT INTO {self._place}{quote(table)} ({names}) SELECT {values} "
        sql += f"FROM {place}{quote(table)} s"
        if level is not None:
            levels = f"{place}{quote(f'{_LEVELS}_{table}')}"
            sql += f" JOIN {levels} l ON l.r = s.rowid WHERE l.level = {level}"
        self._execute(sql)

    def _value(self, column: Column) -> str:
        value = f"s.{quote(column.name)}"
        if self.metadata.dialect == "duckdb" and nested_type(column.sql_type or ""):
            return f"CAST(CAST({value} AS JSON) AS {column.sql_type})"
        return value

    def _sequences(self) -> dict[str, int]:
        """Return where the sequences go on that columns take their defaults from."""
        starts: dict[str, int] = {}
        for table, statements in self.ddl.tables.items():
            columns = self.metadata.table(table).columns
            for item in (i for s in statements for i in items(s.sql)):
                match = _NEXT_VALUE.search(item)
                column = columns.get(first_name(item))
                if match is None or column is None:
                    continue
                sequence = _sequence_name(match)
                highest = None
                if pa.types.is_integer(column.arrow_type):
                    highest = self._scalar(f"SELECT max({quote(column.name)}) FROM {quote(table)}")
                starts[sequence] = max(starts.get(sequence, 1), int(highest or 0) + 1)
        return starts

    def _qualified(self, sql: str) -> str:
        def here(match: re.Match[str]) -> str:
            name = f"{quote(self.target)}.{quote(_sequence_name(match))}"
            return f"nextval({literal(name)})"

        # DuckDB forgets the schema of a table that refers to itself by its bare name.
        sql = _NEXT_VALUE.sub(here, sql)
        return _REFERENCE.sub(lambda match: f"{match[1]}{quote(self.target)}.", sql)

    def place(self, table: str) -> str:
        """See the base class."""
        return f"{quote(self._staging)}.main.{quote(table)}"

    @staticmethod
    def swap_all(writers: Sequence[DuckdbWriter]) -> None:
        """Commit the transaction in which all schemas were made."""
        for writer in writers:
            broken = [v for v in writer._views if not answers(writer._connection, v)]
            if broken:
                raise broken_error(writer.target, [f"view {'.'.join(v[1:])}" for v in broken])
        writers[0]._connection.execute("COMMIT")
        step("committed")
        for writer in writers:
            writer._close()

    @staticmethod
    def discard_all(writers: Sequence[DuckdbWriter]) -> None:
        """Roll back what was made together."""
        for writer in writers:
            try:
                writer._connection.rollback()
            except duckdb.Error as exc:  # no transaction was open
                log.debug("nothing_to_roll_back", reason=type(exc).__name__)
        for writer in writers:
            writer._close()

    def leave(self) -> None:
        """See the base class."""
        self._rows = None
        self.discard_all([self])

    def _close(self) -> None:
        self._connection = self._own
        try:
            self._execute(f"USE {quote(self._database)}.main")
            self._execute(f"DETACH DATABASE IF EXISTS {quote(self._staging)}")
        except duckdb.Error as exc:  # what was to be said has been said
            log.warning("staging_remains", database=self._staging, reason=type(exc).__name__)
        finally:
            self._connection.close()
            self._pooled.close()
            if self._folder is not None:
                self._folder.cleanup()
            if self._rows is not None:
                for file in (self._rows, self._rows.with_name(f"{self._rows.name}.wal")):
                    file.unlink(missing_ok=True)


def _sequence_name(match: re.Match[str]) -> str:
    """Return the sequence of a ``nextval('schema.name')``, without its schema."""
    last = _LAST_NAME.search(match[1].replace("''", "'"))
    return first_name(last[1]) if last else match[1]


WRITER = DuckdbWriter
