"""Tables of a catalogue, Delta or Parquet: all of them, or none.

Rows go to staging tables in the same database, ``synthohive_<run>_<number>``. Then each table is
published: a Delta table that is there gets new rows in one transaction, which keeps its history,
layout and rights; any other is a staging table that takes its name, after the old one took another.
No catalogue does that for several tables in one step. So a plan, a table as well, says how all was
before; dropping it ends the run. Whoever finds it, this run when a step fails or the next one after
a kill, puts everything back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Optional

from synthohive._logging import get_logger
from synthohive.connectors.spark.columns import columns_sql
from synthohive.connectors.spark.delta import (
    RUN,
    DeltaState,
    DeltaTable,
    mapped,
    properties_of,
    properties_sql,
    same_columns,
)
from synthohive.connectors.spark.describe import details_of
from synthohive.connectors.spark.folders import is_source
from synthohive.connectors.spark.names import is_path, parts_of
from synthohive.connectors.spark.publication import Asked, Frames, Publication, WrittenTables
from synthohive.connectors.spark.refusals import failing, not_taken_back, refused, spark_errors
from synthohive.connectors.spark_sql.text import literal, quote
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.io.base import Provenance
from synthohive.io.lease import Lease
from synthohive.io.staging import same_place_error
from synthohive.io.steps import step
from synthohive.io.stores import overlapping, spellings
from synthohive.schema import Metadata

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["check_names", "write_tables"]

log = get_logger(__name__)
_LOCK = "synthohive_lock"
_OF_A_RUN = re.compile(r"synthohive_([0-9a-f]{8})_(?:\d+|\d+_old|plan)")
_RUN = re.compile(re.escape(RUN) + r"=([0-9a-f]{8})")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def check_names(database: str, tables: Collection[str]) -> list[str]:
    """Return the parts of a database's name, if it and all tables are called what Spark takes.

    Raises
    ------
    SchemaError
        A name has other signs than letters, digits and underscores, or two differ only by case.
    """
    parts = parts_of(database, "database", 2)
    alike: dict[str, str] = {}
    for table in tables:
        (own,) = parts_of(table, "table", 1)
        if (other := alike.setdefault(own.lower(), own)) != own:
            raise SchemaError(f"To a catalogue, {other!r} and {own!r} are one table.")
        if _OF_A_RUN.fullmatch(own.lower()) or own.lower() == _LOCK:
            raise SchemaError(f"{own!r} is what SynthoHive calls tables of its own.")
    return parts


def write_tables(
    frames: Frames, database: str, metadata: Metadata, provenance: Provenance, asked: Asked
) -> WrittenTables:
    """Write each table to a managed table of a catalogue: all of them, or none.

    Parameters
    ----------
    frames, metadata, provenance, asked
        As of :class:`Publication`. Keys are declared where the catalogue takes them.
    database : str
        ``"shop"`` or ``"catalog.shop"``; made where there is none. Its other tables stay.

    Raises
    ------
    SchemaError
        A name is none; nothing was asked of Spark.
    ConnectorError
        A table may not be replaced, or Spark failed. Nothing was changed.
    """
    asked.validate(frames)
    parts = check_names(database, list(frames))
    spark = next(iter(frames.values())).sparkSession
    with failing("asking for its catalogue"):
        parts = parts if len(parts) == 2 else [spark.catalog.currentCatalog(), *parts]
    run = _Run(frames, asked, metadata, provenance, parts)
    run.carry_out()
    places = {name: ".".join([*parts, name]) for name in frames}
    return WrittenTables(places, run.rows, tuple(run.declare()))


@dataclass(frozen=True)
class _Facts:
    """What a catalogue tells of a table."""

    provider: str = ""
    type: str = ""
    location: str = ""
    comment: str = ""
    run: str = ""


class _Run(Publication):
    """One run; see the module."""

    def __init__(
        self,
        frames: Frames,
        asked: Asked,
        metadata: Metadata,
        provenance: Provenance,
        parts: list[str],
    ) -> None:
        super().__init__(frames, asked, metadata, provenance)
        self.parts = parts  # catalogue, database
        self.there: dict[str, Optional[_Facts]] = {}
        self.before: dict[str, Optional[DeltaState]] = {}  # of transactions
        self.database = ".".join(map(quote, parts))
        self.shown = ".".join(parts)
        self.lease = _TableLease(self)

    # Statements

    def ask(self, doing: str, sql: str) -> list[Any]:
        """Run a statement; return its rows, which are few."""
        with failing(doing):
            return list(self.spark.sql(sql).collect())

    def at(self, table: str) -> str:
        """Return a table's full name, as statements have it."""
        return f"{self.database}.{quote(table)}"

    def names(self) -> set[str]:
        """Return the names of all tables."""
        found = self.ask("listing tables", f"SHOW TABLES IN {self.database}")
        return {row["tableName"].lower() for row in found if not row["isTemporary"]}

    def facts(self, table: str) -> Optional[_Facts]:
        """Return what the catalogue tells of a table; None where there is none."""
        if table.lower() not in self.names():
            return None
        with failing("describing a table"):
            found = details_of(self.spark, self.at(table)).facts
        run = _RUN.search(found.get("Table Properties", ""))
        return _Facts(
            found.get("Provider", "").lower(),
            found.get("Type", "").upper(),
            found.get("Location", ""),
            found.get("Comment", ""),
            run[1] if run else "",
        )

    def own_name(self, table: str, end: str = "") -> str:
        """Return the name of a staging table."""
        return f"synthohive_{self.token}_{self.tables.index(table)}{end}"

    # Around the run

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have the database alone, after what killed runs left is put right; leave no staging."""
        sql = f"SHOW DATABASES IN {quote(self.parts[0])}"
        there = {row[0].lower() for row in self.ask("listing databases", sql)}
        made = self.parts[1].lower() not in there
        if made:
            self.ask("making the database", f"CREATE DATABASE {self.database}")
        try:
            with failing(f"locking the database {self.shown!r}"):
                self.lease.take(self.token)
            try:
                for token in {m[1] for name in self.names() if (m := _OF_A_RUN.fullmatch(name))}:
                    self.recover(token)  # whoever made it is gone: the lock is ours
                try:
                    yield
                finally:
                    self.recover(self.token)
            finally:
                self.lease.release()
        except BaseException:
            if made and not self.names():
                self.ask("removing the database", f"DROP DATABASE {self.database}")
            raise

    def recover(self, token: str) -> None:
        """Remove what a run that has ended left; take back what it did not finish.

        Raises
        ------
        ConnectorError
            Something is not taken back: it, the plan and the old tables stay for the next run.
        """
        plan = f"synthohive_{token}_plan"
        names, failed = self.names(), {}
        if plan in names:
            for row in self.ask("reading a plan", f"SELECT * FROM {self.at(plan)}"):
                try:
                    self._take_back(token, row["number"], row["name"], row["version"], names)
                except ConnectorError as exc:  # the others are not to blame
                    log.warning("not_taken_back", table=self.at(row["name"]), reason=str(exc))
                    failed[row["name"]] = exc.message
        if failed:
            raise not_taken_back(self.shown, failed, f"tables {plan.removesuffix('plan')}…")
        rest = {n for n in self.names() if (m := _OF_A_RUN.fullmatch(n)) and m[1] == token}
        for name in sorted(rest, key=lambda name: name != plan):  # the plan first: it is done
            self.ask("removing a staging table", f"DROP TABLE IF EXISTS {self.at(name)}")

    def _take_back(
        self, token: str, number: int, name: str, version: Optional[int], names: set[str]
    ) -> None:
        aside = f"synthohive_{token}_{number}_old"
        facts = self.facts(name)
        if version is not None and facts is not None:
            DeltaTable(self.spark, self.at(name), facts.location or None).undo(token, version)
            return
        if facts is not None and facts.run == token:
            self.ask("taking back a table", f"DROP TABLE {self.at(name)}")
            facts = None
        if aside in names:
            if facts is not None:
                raise ConnectorError("Somebody else's table is in the place of the old one.")
            self._rename(aside, name)

    # What is there

    def look(self, frames: Frames) -> None:
        """Refuse what may not be replaced, and note how tables are before they are changed."""
        read = {self._full(name) for name in self.asked.read if not is_path(name)}
        paths = [path for path in self.asked.read if is_path(path)]
        for table in self.tables:
            shown = ".".join([*self.parts, table])
            if shown.lower() in read:
                raise same_place_error(shown)
            facts = self.there[table] = self.facts(table)
            if facts is None:
                continue
            if facts.location:
                places = [facts.location, *spellings(facts.location)]
                known = any(overlapping(path, facts.location) for path in paths)
                if known or is_source(places, self.asked.sources):
                    raise same_place_error(shown)
            self._check(table, shown, facts)
            if facts.provider == self.asked.format == "delta":
                self.before[table] = self._delta(table).state()
                if not self.asked.overwrite_schema:
                    with failing(f"reading the columns of table {table!r}"):
                        rows = self.stored(table, frames[table])
                        same_columns(rows, self.spark.table(self.at(table)), table)

    def _full(self, name: str) -> str:
        parts = name.replace("`", "").split(".")  # of other signs, no name is a target's
        if len(parts) == 1:
            parts = [self.spark.catalog.currentDatabase(), *parts]
        if len(parts) == 2:
            parts = [self.spark.catalog.currentCatalog(), *parts]
        return ".".join(parts).lower()

    def _check(self, table: str, shown: str, facts: _Facts) -> None:
        if self.asked.if_exists == "fail":
            raise ConnectorError(
                f"The table {shown!r} exists.",
                hint=f"Choose another database, or pass {self.asked.replacing}.",
            )
        transaction = facts.provider == self.asked.format == "delta"
        if facts.type not in (("MANAGED", "EXTERNAL") if transaction else ("MANAGED",)):
            raise ConnectorError(
                f"{shown!r} cannot be replaced: it is {facts.type or 'none of managed tables'}.",
                hint="Choose another database, or drop it first.",
            )
        if not facts.run and table not in self.asked.foreign:
            raise ConnectorError(
                f"SynthoHive did not make the table {shown!r}.",
                hint="Choose another database; or name the table, if it may be replaced.",
            )

    def _delta(self, table: str) -> DeltaTable:
        facts = self.there.get(table)
        return DeltaTable(self.spark, self.at(table), facts.location or None if facts else None)

    # Rows

    def stage(self, table: str, frame: DataFrame) -> DataFrame:
        """Write the rows of a table where nobody looks; return them as they were written."""
        rows, name = self.stored(table, frame), self.own_name(table)
        with failing(f"writing table {table!r}"):
            self._make(name, table, rows)
            self._fill(name, rows)
            written = self.spark.table(self.at(name))
            self.rows[table] = written.count()
        step("table staged")
        return written

    def _make(self, name: str, table: str, rows: DataFrame) -> None:
        """Make an empty table, laid out as one that it will stand for."""
        config, laid_out = self.config(table), ""
        if self.there[table] is not None:
            found = self.spark.catalog.listColumns(self.at(table))
            columns = [column.name for column in found if column.isPartition]
            if columns and set(rows.columns).issuperset(columns):
                laid_out = f"PARTITIONED BY ({', '.join(map(quote, columns))}) "
        properties = properties_of(self.provenance, self.token)
        if self.asked.format == "delta":
            properties |= mapped(rows.columns)
        comment = f"COMMENT {literal(config.comment)} " if config.comment else ""
        self.ask(
            f"making table {table!r}",
            f"CREATE TABLE {self.at(name)} ({columns_sql(rows, config)}) "
            f"USING {self.asked.format} {laid_out}{comment}"
            f"TBLPROPERTIES {properties_sql(properties)}",
        )

    def _fill(self, name: str, rows: DataFrame) -> None:
        """Put rows into a new table, whose columns may be in another order.

        What a dropped table of that name left in its folder, where a catalogue leaves it, is not
        among them.
        """
        columns = self.spark.table(self.at(name)).columns
        rows.select(*map(quote, columns)).write.insertInto(self.at(name), overwrite=True)

    # The publication

    def publish(self, staged: Mapping[str, DataFrame]) -> None:
        """Put all tables in their places; if one fails, :meth:`recover` takes back all."""
        with failing(f"locking the database {self.shown!r}"):
            self.lease.confirm()
        for table in self.tables:
            self._unchanged(table)
        states = [self.before.get(table) for table in self.tables]
        rows = [
            (number, table, None if state is None else state.version)
            for number, (table, state) in enumerate(zip(self.tables, states))
        ]
        plan = self.at(f"synthohive_{self.token}_plan")
        with failing("writing the plan"):
            frame = self.spark.createDataFrame(rows, "number INT, name STRING, version BIGINT")
            frame.write.format(self.asked.format).saveAsTable(plan)
        step("plan written")
        for table in self.tables:
            self._put(table, staged[table])
            step("table published")
        self.ask("ending the run", f"DROP TABLE {plan}")
        step("committed")

    def _unchanged(self, table: str) -> None:
        """Refuse to go on where somebody changed a table since it was looked at."""
        state = self.before.get(table)
        now = None if state is None else self._delta(table).state()
        if self.facts(table) != self.there[table] or (now and now.version) != (
            state and state.version
        ):
            raise ConnectorError(
                f"The table {self.shown}.{table} was changed while rows were made.",
                hint="Nothing was changed. Run again.",
            )

    def _put(self, table: str, staged: DataFrame) -> None:
        state = self.before.get(table)
        if state is not None:
            with failing(f"replacing the rows of table {table!r}"):
                place = self._delta(table)
                place.mark(properties_of(self.provenance, self.token))
                name, schema = self.at(table), self.asked.overwrite_schema
                place.replace_rows(staged, state, self.token, schema=schema, name=name)
            return
        if self.there[table] is not None:
            self._rename(table, self.own_name(table, "_old"))
            step("old table aside")
        try:
            self._rename(self.own_name(table), table)
        except ConnectorError:  # a catalogue without renames
            if self.facts(table) is not None:
                raise
            self._make(table, table, staged)
            with failing(f"writing table {table!r}"):
                self._fill(table, staged)

    def _rename(self, before: str, after: str) -> None:
        new = f"{quote(self.parts[1])}.{quote(after)}"  # a catalogue's name may not be there
        sql = f"ALTER TABLE {self.at(before)} RENAME TO {new}"
        self.ask(f"naming a table {after!r}", sql)

    def declare(self) -> Iterator[str]:
        """Declare the keys of what was written, where the catalogue notes them."""
        keys = list(self._keys())
        for table, name, _, _ in reversed(keys):  # what refers to a key goes before it
            if self.there.get(table) is not None:  # a table that stays has those of the run before
                self._altered(table, f"DROP CONSTRAINT IF EXISTS {quote(name)}")
        for table, name, label, key in keys:
            if self._altered(table, f"ADD CONSTRAINT {quote(name)} {key} NOT ENFORCED"):
                yield label

    def _keys(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield each key's table, name, label and statement, those that others refer to first."""
        for table in self.tables:
            if key := self.config(table).pk:
                columns, label = ", ".join(map(quote, key)), f"{table}({', '.join(key)})"
                yield table, f"{table}_synthohive_pk", label, f"PRIMARY KEY ({columns})"
        for number, (table, link) in enumerate(self.metadata.foreign_keys()):
            if table in self.tables and link.parent in self.tables and link.no_parent is None:
                own, theirs = (
                    ", ".join(map(quote, c)) for c in (link.columns, link.parent_columns)
                )
                sql = f"FOREIGN KEY ({own}) REFERENCES {self.at(link.parent)} ({theirs})"
                yield table, f"{table}_synthohive_fk{number}", link.label(table), sql

    def _altered(self, table: str, change: str) -> bool:
        """Change a table; return whether the catalogue took it."""
        try:
            self.spark.sql(f"ALTER TABLE {self.at(table)} {change}").collect()
        except spark_errors() as exc:
            log.info("key_not_declared", table=table, reason=refused("changing keys", exc).message)
            return False
        return True


class _TableLease(Lease):
    """A table by which runs keep each other from writing to a database; see the base class."""

    def __init__(self, run: _Run) -> None:
        super().__init__(run.shown, _LOCK, (*spark_errors(), ConnectorError))
        self._run, self._table = run, run.at(_LOCK)

    def create(self, text: str) -> bool:
        """See the base class."""
        sql = f"CREATE TABLE {self._table} (token STRING) USING {self._run.asked.format}"
        try:
            self._run.spark.sql(f"{sql} COMMENT {literal(text)}").collect()
        except spark_errors():
            if _LOCK in self._run.names():
                return False
            raise
        return True

    def read(self) -> Optional[str]:
        """See the base class."""
        facts = self._run.facts(_LOCK)
        return None if facts is None else facts.comment

    def renew(self, text: Callable[[datetime], str]) -> None:
        """See the base class."""
        if self.holds(self.read()):
            said = literal(text(self.now()))
            self._run.spark.sql(f"COMMENT ON TABLE {self._table} IS {said}").collect()

    def remove(self) -> None:
        """See the base class."""
        self._run.ask("letting go of the lock", f"DROP TABLE IF EXISTS {self._table}")

    def remove_staging(self, name: str) -> None:
        """See the base class."""
        if re.fullmatch("[0-9a-f]{8}", name):
            self._run.recover(name)

    def now(self) -> datetime:
        """See the base class."""
        (row,) = self._run.ask("asking the time", "SELECT unix_micros(current_timestamp())")
        return _EPOCH + timedelta(microseconds=row[0])
