"""BigQuery: load jobs from Parquet into a staging dataset, proofs by SQL, then copy jobs.

What is atomic: each table changes from the old rows to the new ones in one step, by one copy job.
What is not: the tables change one after the other (all jobs are started at once), keys and views
follow, so that a reader in these seconds may see new orders beside old customers. If a job fails,
what was replaced is taken back to the moment before the first one by BigQuery's time travel, and
what is new is removed. A run that is killed meanwhile leaves some tables new and some old; its note
is published first, so that the next run with ``if_exists="replace"`` knows all of them for its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Optional

import pyarrow as pa
from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery
from pyarrow import parquet

from synthohive._logging import get_logger
from synthohive._workspace import Workspace
from synthohive.connectors.bigquery import CAPABILITIES
from synthohive.connectors.bigquery.service import (
    ERRORS,
    client_of,
    default_dataset,
    labels,
    query_config,
    reason,
)
from synthohive.connectors.bigquery.spelling import SPELLING, literal, quote
from synthohive.connectors.bigquery.types import put_back
from synthohive.connectors.bigquery.views import NotOfTheCopy, moved_query
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import PROVENANCE_TABLE, SchemaObject, Statement
from synthohive.exceptions import ConnectorError
from synthohive.io.lease import Lease, is_left, lock_name, staging_text
from synthohive.io.staged import StagedSchema
from synthohive.io.staging import STAGING_MARK, STAGING_NAME, Found, Order, appeared_error
from synthohive.io.steps import step
from synthohive.schema import ColumnKind

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.schema import Column

__all__ = ["WRITER", "BigqueryWriter"]

log = get_logger(__name__)
_DAYS = 7
"""After which BigQuery itself removes the tables of a staging dataset that a killed run left."""
_FILE_BYTES = 256 * 2**20
"""Of one load job: what lies on this machine's disk at a time."""
_THREADS = 8
"""Of jobs that wait for BigQuery, which does the work; the client's pool has ten connections."""
_NOTE_TYPES = ("STRING", "STRING", "BIGNUMERIC", "FLOAT64", "STRING", "STRING", "STRING")
_REFERENCES = re.compile(r"(?<= REFERENCES )(?=`)")
_RAW = "__synthohive_raw_"


class BigqueryWriter(StagedSchema):
    """Write one dataset; see :class:`StagedSchema` and the module."""

    engine_name: ClassVar[str] = "BigQuery"
    spelling: ClassVar[Spelling] = SPELLING
    errors: ClassVar[tuple[type[BaseException], ...]] = (*ERRORS, pa.ArrowException, OSError)
    mark: ClassVar[str] = "?"
    seed_type: ClassVar[str] = "BIGNUMERIC"
    texts: ClassVar[tuple[str, str]] = ("STRING", "STRING")
    fraction: ClassVar[str] = "FLOAT64"
    keys_between: ClassVar[bool] = False
    kind: ClassVar[str] = "dataset"

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._pooled = self.engine.connect()
        self._client = client_of(self._pooled)
        self._project: str = (
            getattr(self.engine.dialect, "project_id", None) or self._client.project
        )
        self._folder: Optional[Workspace] = None
        self._keys: tuple[Statement, ...] = ()
        self._jobs: list[tuple[str, Any]] = []  # of loads that run
        self._raw: dict[str, list[Column]] = {}  # columns of tables that are put together by SQL
        self._views: dict[str, tuple[str, str]] = {}  # text and comment, by name
        self._there: dict[str, str] = {}  # kind of what the target has, by name
        self._ours: set[str] = set()
        self._lock = DatasetLease(self, lock_name(self.target, self.longest))
        with self.opening():
            self._location = self._place_of_target()
            name, rehearsal = self.new_name(), self.if_exists == "rehearse"
            if not rehearsal:
                self._lock.take(name)
                self._remove_stale()
            self._look()
            text = staging_text(self.target, rehearsal=rehearsal)
            self.make_dataset(name, text, days=_DAYS)
            self.staging = name
            step("staging made")
            self._folder = Workspace()

    def make_dataset(self, name: str, text: str, days: Optional[int] = None) -> None:
        """Make a dataset of ours, with a text that says what it is."""
        made = bigquery.Dataset(f"{self._project}.{name}")
        made.location, made.description = self._location, text
        made.labels = labels(self._client, "load")
        if days is not None:
            made.default_table_expiration_ms = days * 86_400_000
        self._client.create_dataset(made)

    def _remove_stale(self) -> None:
        """Remove what runs left of the same target; whose lock is ours, no other one lives."""
        now, start = datetime.now(timezone.utc), f"{self.target}{STAGING_MARK}"
        for found in self._client.list_datasets(self._project):
            name = str(found.dataset_id)
            if name.startswith(start) and STAGING_NAME.search(name):
                text = self._client.get_dataset(found.reference).description
                if is_left(text, self.target, now):
                    self.remove_dataset(name)
                    log.info("stale_staging_removed", dataset=name)

    def remove_dataset(self, name: str) -> None:
        """Remove a dataset with all that it holds, if it is there."""
        self._client.delete_dataset(
            f"{self._project}.{name}", delete_contents=True, not_found_ok=True
        )

    @staticmethod
    def default_schema(engine: Engine) -> Optional[str]:
        """See the base class."""
        with engine.connect() as connection:
            return default_dataset(connection)

    @staticmethod
    def plain_schema(engine: Engine, schema: str) -> str:
        """See the base class."""
        if not re.fullmatch(r"[A-Za-z0-9_]{1,1024}", schema):
            raise ConnectorError(
                f"{schema!r} is no name of a dataset.",
                hint="Use letters, digits and underscores.",
            )
        return schema

    # What the target holds

    def _place_of_target(self) -> Optional[str]:
        """Return the region of the target; of the source, if the target is not there yet."""
        for dataset in (self.target, self.source_schema):
            if dataset is not None:
                try:
                    found = self._client.get_dataset(f"{self._project}.{dataset}").location
                except NotFound:
                    continue
                return None if found is None else str(found)
        return None if self._client.location is None else str(self._client.location)

    def _look(self) -> None:
        """Hear what the target holds; refuse it if something would be lost."""
        place = f"{self._project}.{self.target}"
        try:
            tables = list(self._client.list_tables(place))
        except NotFound:
            tables = []
        self._there = {t.table_id: _kind(t.table_type) for t in tables}
        has_note = self._there.get(PROVENANCE_TABLE) == "table"
        made = self._noted = self._note_in(quote(self.target)) if has_note else None
        found = [
            Found(self._key(kind, name), f"{kind} {name}") for name, kind in self._there.items()
        ]
        self._ours = {f.name for f in found if made is not None and f.key in made}
        kept = [f for f in found if f.kind != "table" and f.name not in self._ours]
        if self.if_exists == "replace_foreign":
            self._ours, kept = set(self._there), []
        self.theirs = {f.shown for f in kept}
        self.admit([f for f in found if f not in kept], made)

    def _key(self, kind: str, name: str) -> str:
        return f"{kind} {self.target}.{name}"

    def _made(self) -> list[str]:
        tables = [self._key("table", t) for t in (*self.metadata.tables, PROVENANCE_TABLE)]
        return tables + [self._key("view", view) for view in self._views]

    # Statements and rows

    def _reason(self, exc: BaseException) -> str:
        return reason(exc) if isinstance(exc, ERRORS) else type(exc).__name__

    def _remedy(self, reason: str) -> Optional[str]:
        return CAPABILITIES.remedy(reason, quote(self.target), "dataEditor")

    def _found(self, sql: str, values: Any = ()) -> tuple[list[str], list[Any]]:
        rows = self._query(sql, self.staging or self.target, "prove", values)
        names = [field.name for field in rows.schema]
        return names, [tuple(row.values()) for row in rows] if names else []

    def _query(self, sql: str, dataset: str, doing: str, values: Sequence[Any] = ()) -> Any:
        config = query_config(
            self._client,
            doing,
            default_dataset=f"{self._project}.{dataset}",
            query_parameters=[
                bigquery.ScalarQueryParameter(None, type_, value)
                for type_, value in zip(_NOTE_TYPES, values)
            ],
        )
        return self._client.query_and_wait(sql, job_config=config, location=self._location)

    def _copy(self, table: str, batches: Iterator[pa.RecordBatch]) -> int:
        """Load a table's rows; those of types that no file has are put together by SQL."""
        self.make_table(table)
        columns = list(self.metadata.table(table).stored.values())
        raw = any(self._value(c) is not None for c in columns)
        count = self._load(table, f"{_RAW}{table}" if raw else table, columns, batches)
        if raw and count:
            self._raw[table] = columns
        return count

    def _value(self, column: Column) -> Optional[str]:
        native = self.metadata.dialect == self.engine.dialect.name
        return put_back(column, f"s.{quote(column.name)}", native=native)

    def _await_loads(self) -> None:
        """Wait for the load jobs, which run while rows of other tables are being made."""
        for table, job in self._jobs:
            with self.named(f"the rows of table {table!r}"):
                job.result()
        self._jobs = []
        for table, columns in self._raw.items():
            names = ", ".join(quote(c.name) for c in columns)
            values = ", ".join(self._value(c) or f"s.{quote(c.name)}" for c in columns)
            sql = f"INSERT INTO {quote(table)} ({names}) SELECT {values} "
            with self.named(f"the rows of table {table!r}"):
                self._query(f"{sql} FROM {quote(_RAW + table)} s", self.staging, "load")
        self._raw = {}

    def _load(
        self, table: str, place: str, columns: Sequence[Column], batches: Iterator[pa.RecordBatch]
    ) -> int:
        """Load batches into a table of the staging dataset, a file at a time."""
        assert self._folder is not None
        schema = pa.schema([(c.name, _carried(c)) for c in columns])
        file, count, writer = self._folder.path / "rows.parquet", 0, None
        for batch in batches:
            if not batch.num_rows:
                continue
            arrays = [a.cast(c.arrow_type).cast(t) if c.kind is not ColumnKind.INTERVAL
                      else a.cast(c.arrow_type).cast(pa.int64())
                      for a, c, t in zip(batch.columns, columns, schema.types)]  # fmt: skip
            writer = writer or parquet.ParquetWriter(file, schema)
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            count += batch.num_rows
            if file.stat().st_size >= _FILE_BYTES:
                writer.close()
                self._load_file(table, place, columns)
                writer = None
        if writer is not None:
            writer.close()
            self._load_file(table, place, columns)
        return count

    def _load_file(self, table: str, place: str, columns: Sequence[Column]) -> None:
        assert self._folder is not None
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            labels=labels(self._client, "load"),
            # Else decimals of any length are read as NUMERIC, and refused where they are too long.
            decimal_target_types=["NUMERIC", "BIGNUMERIC"],
        )
        if not all(re.fullmatch(r"[A-Za-z_]\w{0,299}", c.name, re.ASCII) for c in columns):
            config.column_name_character_map = "V2"  # names with spaces, signs, other letters
        with (self._folder.path / "rows.parquet").open("rb") as file:
            job = self._client.load_table_from_file(
                file, f"{self._project}.{self.staging}.{place}", job_config=config,
                location=self._location,
            )  # fmt: skip
        self._jobs.append((table, job))

    # Keys and views

    def index(self) -> None:
        """See the base class; primary keys are declared where the rows end up."""
        self._await_loads()
        self._keys = (*self.ddl.after, *self.ddl.keys)
        self.ddl = replace(self.ddl, after=())
        super().index()

    def link(self) -> None:
        """Declare the keys here only to see whether they can be: no copy job need carry them."""
        if self.if_exists == "rehearse":
            self._declare(self.staging)

    def _declare(self, dataset: str) -> None:
        """Declare primary keys, then all foreign keys of a table at once: changes are rationed."""
        here, first, later = f"{quote(dataset)}.", list[Statement](), dict[str, list[Statement]]()
        for key in self._keys:
            if key.what.startswith("primary key"):
                first.append(key)
            else:
                later.setdefault(key.table, []).append(key)

        def declare(keys: Sequence[Statement]) -> None:
            table = keys[0].table
            alter = f"ALTER TABLE {quote(table)} "
            actions = ", ".join(key.sql[len(alter) :] for key in keys)
            with self.named(f"{', '.join(key.what for key in keys)} on table {table!r}"):
                self._query(alter + _REFERENCES.sub(here, actions), dataset, "publish")

        _at_once(declare, [[key] for key in first])
        _at_once(declare, list(later.values()))

    def make(self, thing: SchemaObject) -> str:
        """See the base class."""
        known = {*self.metadata.tables, *(each.name for each in self.ddl.objects)}
        source = str(self.source_schema)
        try:
            for dataset in (self.target, self.staging):
                sql = moved_query(thing.create, self._project, {source: dataset}, known)
                self._views.setdefault(thing.name, (sql, thing.comment))
            self._query(_view(thing.name, sql, thing.comment), self.staging, "prove")
        except NotOfTheCopy as exc:
            self._views.pop(thing.name, None)
            return str(exc)
        except ERRORS as exc:
            self._views.pop(thing.name, None)
            return reason(exc)
        return ""

    # The swap

    @classmethod
    def swap_all(cls, writers: Sequence[BigqueryWriter]) -> None:
        """Publish the tables; see the module."""
        for writer in writers:
            writer._publish()
            writer._close()

    def _publish(self) -> None:
        self._lock.confirm()
        before = set(self._there)
        self._look()
        if before == set() and self._there:
            raise appeared_error(self.target)
        fresh = self._make_target()
        (now,) = next(iter(self._query("SELECT UNIX_MILLIS(CURRENT_TIMESTAMP())", self.staging,
                                       "publish"))).values()  # fmt: skip
        tables = [PROVENANCE_TABLE, *self.metadata.tables]
        replaced = [t for t in tables if self._there.get(t) == "table"]
        try:
            self._copy_table(PROVENANCE_TABLE)  # whose run this was, if it is killed
            step("note published")
            _at_once(self._copy_table, list(self.metadata.tables))
            step("tables published")
            if replaced:
                self._undeclare(replaced)
            self._keep([PROVENANCE_TABLE, *replaced])
            self._declare(self.target)
            for name, (sql, comment) in self._views.items():
                with self.named(f"view {name!r}"):
                    self._query(_view(name, sql, comment), self.target, "publish")
        except BaseException:
            self._take_back(tables, replaced, int(now), fresh)
            raise
        for name in sorted(self._ours - {*tables, *self._views}):  # of an earlier run alone
            self._client.delete_table(f"{self._project}.{self.target}.{name}", not_found_ok=True)
        step("committed")

    def _make_target(self) -> bool:
        """Make the target's dataset; return whether it was not there."""
        dataset = bigquery.Dataset(f"{self._project}.{self.target}")
        try:
            self._client.get_dataset(dataset.reference)
        except NotFound:
            dataset.location = self._location
            self._client.create_dataset(dataset)
            return True
        return False

    def _copy_table(self, table: str) -> None:
        """Put a table in its place in one step, by a copy job."""
        there = self._there.get(table)
        place = f"{self._project}.{{}}.{table}"
        if there not in (None, "table"):  # a view of that name, which may go
            with self.named(f"the end of {there} {table!r}"):
                self._client.delete_table(place.format(self.target))
        if there != "table":  # all that CREATE TABLE says is there, whatever a copy job brings
            for statement in self.ddl.tables.get(table, ()):
                with self.named(statement.what):
                    self._query(statement.sql, self.target, "publish")
        how = bigquery.WriteDisposition
        config = bigquery.CopyJobConfig(
            write_disposition=how.WRITE_TRUNCATE if there == "table" else how.WRITE_APPEND,
            labels=labels(self._client, "publish"),
        )
        with self.named(f"the copy of table {table!r}"):
            self._client.copy_table(
                place.format(self.staging), place.format(self.target), job_config=config,
                location=self._location,
            ).result()  # fmt: skip

    def _keep(self, tables: Sequence[str]) -> None:
        """Take away the end that a copy may have from staging, where the target's have none."""
        own = self._client.get_dataset(f"{self._project}.{self.target}")
        if own.default_table_expiration_ms is not None:
            return
        for table in tables:
            found = self._client.get_table(f"{self._project}.{self.target}.{table}")
            if found.expires is not None:
                found.expires = None
                self._client.update_table(found, ["expires"])

    def _undeclare(self, tables: Sequence[str]) -> None:
        """Drop the keys of tables that were replaced, whether or not the copy job left them."""
        sql = (
            "SELECT table_name, constraint_name, constraint_type FROM "
            f"{quote(self.target)}.INFORMATION_SCHEMA.TABLE_CONSTRAINTS"
        )
        rows = sorted(tuple(row.values()) for row in self._query(sql, self.target, "publish"))
        for table, name, kind in sorted(rows, key=lambda row: row[2]):  # foreign keys first
            if table in tables:
                own = name[len(table) + 1 :] if name.startswith(f"{table}.") else name
                what = "PRIMARY KEY" if kind == "PRIMARY KEY" else "CONSTRAINT"
                named = "" if what == "PRIMARY KEY" else f" {quote(own)}"
                drop = f"ALTER TABLE {quote(table)} DROP {what} IF EXISTS{named}"
                with self.named(f"the end of key {own!r} on table {table!r}"):
                    self._query(drop, self.target, "publish")

    def _take_back(
        self, tables: Sequence[str], replaced: Sequence[str], moment: int, fresh: bool
    ) -> None:
        """Put back the rows of a moment, and remove what was not there then."""
        place = f"{self._project}.{self.target}"

        def back(table: str) -> None:
            try:
                if table in replaced:
                    config = bigquery.CopyJobConfig(
                        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
                        labels=labels(self._client, "publish"),
                    )
                    self._client.copy_table(
                        f"{place}.{table}@{moment}", f"{place}.{table}", job_config=config,
                        location=self._location,
                    ).result()  # fmt: skip
                else:
                    self._client.delete_table(f"{place}.{table}", not_found_ok=True)
            except ERRORS as exc:  # the first error is raised; this one tells what is left
                log.warning("not_taken_back", table=f"{place}.{table}", reason=reason(exc))

        _at_once(back, tables)
        if fresh:
            self._client.delete_dataset(place, delete_contents=True, not_found_ok=True)

    @classmethod
    def discard_all(cls, writers: Sequence[BigqueryWriter]) -> None:
        """See the base class."""
        for writer in writers:
            writer._close()

    def _close(self) -> None:
        staging, self.staging = self.staging, None
        if staging is not None:
            try:
                self.remove_dataset(staging)
            except ERRORS as exc:  # what was to be said has been said; it ends by itself
                log.warning("staging_remains", dataset=staging, reason=reason(exc))
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._lock.release()
        self._pooled.close()


class DatasetLease(Lease):
    """A dataset with a description; see the base class."""

    def __init__(self, writer: BigqueryWriter, place: str) -> None:
        super().__init__(writer.target, place, writer.errors)
        self._writer, self._client = writer, writer._client
        self._at = f"{writer._project}.{place}"

    def create(self, text: str) -> bool:
        """See the base class."""
        try:
            self._writer.make_dataset(self.place, text)
        except Conflict:
            return False
        return True

    def read(self) -> Optional[str]:
        """See the base class."""
        try:
            return self._client.get_dataset(self._at).description or ""
        except NotFound:
            return None

    def renew(self, text: Callable[[datetime], str]) -> None:
        """See the base class."""
        found = bigquery.Dataset(self._at)
        found.description = text(self.now())
        self._client.update_dataset(found, ["description"])

    def remove(self) -> None:
        """See the base class."""
        self._writer.remove_dataset(self.place)

    def remove_staging(self, name: str) -> None:
        """See the base class."""
        if STAGING_NAME.search(name):
            self._writer.remove_dataset(name)

    def now(self) -> datetime:
        """See the base class."""
        config = query_config(self._client, "load")
        rows = self._client.query_and_wait(
            "SELECT CURRENT_TIMESTAMP()", job_config=config, location=self._writer._location
        )
        (now,) = next(iter(rows)).values()
        return now  # type: ignore[no-any-return]


def _at_once(work: Callable[[Any], None], items: Sequence[Any]) -> None:
    """Do something with each item, several at a time: what takes a second is the way there."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(work, item) for item in items]:
            done.result()


def _kind(table_type: str) -> str:
    """Return what the catalogue of a dataset calls a table, as errors name it."""
    return {"TABLE": "table", "VIEW": "view"}.get(table_type, table_type.lower().replace("_", " "))


def _carried(column: Column) -> pa.DataType:
    """Return the type in which a file carries a column."""
    type_ = column.arrow_type
    if column.kind is ColumnKind.INTERVAL:
        return pa.int64()
    if type_ == pa.uint64():
        return pa.decimal128(20, 0)
    return pa.timestamp("us", type_.tz) if pa.types.is_timestamp(type_) else type_


def _view(name: str, query: str, comment: str) -> str:
    said = f"\nOPTIONS (description = {literal(comment)})" if comment else ""
    return f"CREATE OR REPLACE VIEW {quote(name)}{said} AS\n{query}"


WRITER = BigqueryWriter
