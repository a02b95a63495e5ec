"""A schema in a database, read by SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Optional, Union

import pyarrow as pa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.reflection import ObjectKind

from synthohive._arrays import Bools
from synthohive._display import listed
from synthohive._logging import get_logger
from synthohive.connectors.capabilities import Asking
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.draws import Draws
from synthohive.connectors.engines import connecting, failing, shown, to_engine
from synthohive.connectors.outlines import CONDITIONS, SqlOutlines, row_bytes
from synthohive.connectors.reflection import OutsideKeys, reflect
from synthohive.connectors.registry import capabilities, choosing
from synthohive.connectors.sample_query import Subset
from synthohive.connectors.statistics import Statistics
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.io.base import FanOut, GroupPlaces, Reader, SampledRows
from synthohive.io.questions import CannotAsk, Joined
from synthohive.io.referred import referred_rows
from synthohive.io.sample_levels import Levels, Strategy
from synthohive.io.subset import Budget, Chosen, choose
from synthohive.io.typical import by_hash, typical_rows
from synthohive.io.unsupported import exclude_unsupported
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, TableConfig
from synthohive.schema.plan import RelationalPlan

__all__ = ["RealRows", "SqlWarehouse"]

log = get_logger(__name__)
_AT_ONCE = 50
"""Tables counted by one query."""
_MOST_TEXT = 500_000
"""Characters of the values in one query: BigQuery takes a million, with the rest of it."""


@dataclass(frozen=True)
class RealRows:
    """Rows of a database that make a small one of their own, while a transaction lasts.

    Attributes
    ----------
    chosen : dict of str to Chosen
        By table, parents first.
    counts : dict of str to int
        The rows of each table.
    outlines : SqlOutlines
        Finds the rows again.
    """

    chosen: dict[str, Chosen]
    counts: dict[str, int]
    outlines: SqlOutlines

    def conditions(self, table: str) -> list[str]:
        """Return what holds for the chosen rows ``t0`` of a table, and no others, in pieces."""
        return self.outlines.conditions(table, self.chosen[table].ids)

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Stream the chosen rows of a table."""
        return self.outlines.rows(table, self.chosen[table].ids)


class SqlWarehouse(Reader):
    """Reads a schema; the source is never changed.

    Parameters
    ----------
    url_or_engine : str, sqlalchemy.URL or sqlalchemy.Engine
    schema : str or sequence of str, optional
        The connection's default schema if None.
    metadata : Metadata, optional
        Used instead of what is reflected. Columns that it does not describe are
        filled in from the database.
    tables, exclude : sequence of str, optional
    outside_keys : {"error", "include", "drop"}
        See :func:`~synthohive.connectors.reflection.reflect`.
    """

    def __init__(
        self,
        url_or_engine: Union[str, URL, Engine],
        schema: Union[str, Sequence[str], None] = None,
        *,
        metadata: Optional[Metadata] = None,
        tables: Optional[Sequence[str]] = None,
        exclude: Optional[Sequence[str]] = None,
        outside_keys: OutsideKeys = "error",
    ) -> None:
        self.engine = to_engine(url_or_engine)
        self.dialect = dialect_for(self.engine)
        if metadata is None:
            self._metadata = reflect(
                self.engine, schema, tables=tables, exclude=exclude, outside_keys=outside_keys
            )
            self._found = {n: dict(t.columns) for n, t in self._metadata.tables.items()}
        else:
            asked = schema or metadata.schemas or metadata.schema_name
            real = reflect(self.engine, asked, outside_keys="drop", exclude_unread=False)
            self._metadata = self._completed(metadata, real)
        self.schema = self._metadata.schema_name or ""
        self._moments: Mapping[str, str] = {}

    def _completed(self, given: Metadata, real: Metadata) -> Metadata:
        """Take from the database what a hand-written description leaves out."""
        self._found = {n: dict(real.tables[n].columns) for n in given.tables if n in real.tables}
        result = given.model_copy(deep=True)
        if given.dialect is not None:  # a reflected one: what it lacks was taken out
            _exclude_deleted(result, self._found)
        result.schema_name, result.dialect = real.schema_name, real.dialect
        for name, table in result.tables.items():
            if name not in real.tables:
                raise SchemaError.unknown_table(name, real.tables, where="the database")
            table.schema_name = real.tables[name].schema_name
            _complete(table, real.tables[name], result)
        exclude_unsupported(result)
        return result

    @property
    def metadata(self) -> Metadata:
        """The tables, with every column described; those that were deleted are excluded."""
        _exclude_deleted(self._metadata, self._found)
        for table in self._metadata.tables.values():
            table.open_keys()
        return self._metadata

    def fingerprint(self) -> frozenset[str]:
        """Return hashes of the identity of all schemas; see the base class."""
        with failing(self.engine, "the schema was identified"):
            found = [self.dialect.fingerprint(schema) for schema in self.schemas]
            return frozenset().union(*found)

    @property
    def schemas(self) -> list[str]:
        """The schemas that are read."""
        return self._metadata.schemas or [self.schema]

    def not_cloned(self) -> dict[str, tuple[str, ...]]:
        """Return what the schema holds beside its tables, by kind, which no copy has."""
        with connecting(self.engine, "its catalogue was read") as connection:
            inspector = self.dialect.catalogue(connection)
            found: dict[str, tuple[str, ...]] = {}
            for schema in self.schemas:
                lead = f"{schema}." if self._metadata.schemas else ""
                own = self._metadata.of_schema(schema).tables if lead else self._metadata.tables
                for kind, names in inspector.not_cloned(schema, own).items():
                    found[kind] = (*found.get(kind, ()), *(f"{lead}{name}" for name in names))
            return found

    def place(self, table: str) -> str:
        """Return a table's quoted name with its schema."""
        config = self._metadata.table(table)
        return self.dialect.quote(config.schema_name or self.schema, config.own_name)

    def source(self, table: str, alias: str) -> str:
        """Return a table of a FROM clause; within :meth:`one_state`, as it was at its beginning."""
        place = self.place(table)
        return self.dialect.source(place, alias, self._moments.get(place))

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """See the base class; an engine that keeps the past may not do so for these tables."""
        facts = capabilities(self.engine.dialect.name)
        if facts is None or facts.past is None:
            yield
            return
        try:
            self._moments = self._present()
        except ConnectorError as exc:
            log.warning("read_without_one_state", reason=exc.message)
        try:
            yield
        finally:
            self._moments = {}

    def _present(self) -> Mapping[str, str]:
        """Return when to read each table, once the engine has shown that it does."""
        places = [self.place(table) for table in self._metadata.tables]
        with connecting(self.engine, "the past of its tables was asked for") as connection:
            moments = self.dialect.moments(connection, places)
            for start in range(0, len(places) if moments else 0, _AT_ONCE):
                tried = " UNION ALL ".join(
                    f"SELECT 1 AS n FROM {self.dialect.source(place, 't', moments.get(place))} "
                    "WHERE 1 = 0"
                    for place in places[start : start + _AT_ONCE]
                )
                self.dialect.execute(connection, tried).close()
        return moments

    @contextmanager
    def _snapshot(self, doing: str) -> Iterator[Connection]:
        try:
            with connecting(self.engine, doing) as connection, connection.begin():
                self.dialect.begin(connection)
                yield connection
        except ConnectorError as exc:
            facts = capabilities(self.engine.dialect.name)
            if self._moments and facts and facts.past and re.search(facts.past[0], exc.message):
                raise ConnectorError(
                    "What the tables held when this run began to read cannot be read any more. "
                    f"{exc.message}",
                    hint=facts.past[1],
                ) from exc
            changed = self._changed(exc)
            if changed is exc:
                raise
            raise changed from exc

    def _changed(self, exc: ConnectorError) -> ConnectorError:
        """Return the error that names what has gone since it was described; else the given one."""
        try:
            there = self._there()
        except ConnectorError:  # of the pool's connections, some may be dead: this drops them all
            try:
                there = self._there()
            except ConnectorError as second:  # neither error says it alone
                if second.message == exc.message:
                    return exc
                return ConnectorError(
                    f"{exc.message} Whether the source has changed since it was described cannot "
                    f"be told: {second.message}",
                    hint=exc.hint or second.hint,
                )
        lost = [name for name in self._metadata.tables if name not in there]
        for name in there.keys() & self._metadata.tables.keys():
            stored = self._metadata.tables[name].stored
            lost += [f"{name}.{column}" for column in stored if column not in there[name]]
        if not lost:
            return exc
        return ConnectorError(
            f"The source has changed since it was described: {listed(lost, 10)} "
            f"{'is' if len(lost) == 1 else 'are'} not there any more.",
            hint="Describe it again, with from_database(…), and fit again.",
        )

    def _there(self) -> dict[str, set[str]]:
        """Return the columns of the tables that are there now."""
        found: dict[str, set[str]] = {}
        with connecting(self.engine, "its catalogue was read") as connection:
            inspector = self.dialect.catalogue(connection)
            for schema in self.schemas:
                multi = inspector.get_multi_columns(schema=schema, kind=ObjectKind.TABLE)
                for (_, table), columns in multi.items():
                    name = f"{schema}.{table}" if self._metadata.schemas else table
                    found[name] = {column["name"] for column in columns}
        return found

    def count(self, table: str) -> int:
        """Return the exact number of rows."""
        with self._snapshot(f"table {table!r} was read") as connection:
            return self._counts(connection, [table])[table]

    def counts(self, tables: Sequence[str]) -> dict[str, int]:
        """Return the numbers of rows; many tables are counted by one query."""
        with self._snapshot("the rows were counted") as connection:
            return self._counts(connection, tables)

    def _counts(self, connection: Connection, tables: Sequence[str]) -> dict[str, int]:
        # A row that brings no column is nothing to learn from: such tables are empty in the copy.
        found = {table: 0 for table in tables if not self.stored(table)}
        tables = [table for table in tables if table not in found]
        for start in range(0, len(tables), _AT_ONCE):
            part = tables[start : start + _AT_ONCE]
            sql = " UNION ALL ".join(
                f"SELECT {i} AS n, count(*) AS c FROM {self.source(t, 't')}"
                for i, t in enumerate(part)
            )
            counted: Any = self.dialect.execute(connection, sql)
            for i, count in counted:
                found[part[int(i)]] = int(count)
        return found

    def stored(self, table: str) -> list[Column]:
        """Return the columns that are read: neither computed by the database nor excluded."""
        return list(self._metadata.table(table).stored.values())

    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """Stream all rows in the order of the primary key."""
        config = self._metadata.table(table)
        chosen = [c for c in self.stored(table) if columns is None or c.name in columns]
        listed = ", ".join(
            self.dialect.expression(c, self.dialect.held(c.name, "t", config.no_parents))
            for c in chosen
        )
        order = ", ".join(f"t.{self.dialect.quote(c)}" for c in config.pk)
        sql = f"SELECT {listed} FROM {self.source(table, 't')}"
        with self._snapshot(f"table {table!r} was read") as connection:
            any_rows = False
            query = f"{sql} ORDER BY {order}" if order else sql
            for batch in self.dialect.read(connection, query, chosen, table):
                any_rows = True
                yield batch
            if not any_rows:
                yield pa.RecordBatch.from_arrays(
                    [pa.array([], c.arrow_type) for c in chosen],
                    schema=self.dialect.schema(chosen),
                )

    def questions(self) -> Optional[Statistics]:
        """See the base class."""
        return self._statistics if self._asking is not None else None

    @property
    def _asking(self) -> Optional[Asking]:
        facts = capabilities(self.engine.dialect.name)
        return None if facts is None else facts.asking

    @property
    def _statistics(self) -> Statistics:
        return Statistics(self.dialect, self._asking, self._metadata, self.source, self._snapshot)

    def _statistics_on(self, connection: Connection) -> Statistics:
        """Return what asks within a transaction that has begun."""
        return Statistics(
            self.dialect,
            self._asking,
            self._metadata,
            self.source,
            lambda _: nullcontext(connection),
        )

    def fan_out(self, table: str, key: ForeignKey) -> FanOut:
        """Count children per parent, by SQL aggregates."""
        with self._snapshot(f"table {table!r} was read") as connection:
            return self._fan_out(connection, table, key)

    def fan_outs(
        self, keys: Sequence[tuple[str, ForeignKey]], counts: Mapping[str, int]
    ) -> list[FanOut]:
        """Count children per parent over many keys, on one connection."""
        if not any(counts[table] for table, _ in keys):
            return [FanOut.childless(counts[key.parent]) for _, key in keys]
        with self._snapshot("the children were counted") as connection:
            return [
                self._fan_out(connection, table, key)
                if counts[table]
                else FanOut.childless(counts[key.parent])
                for table, key in keys
            ]

    def _fan_out(self, connection: Connection, table: str, key: ForeignKey) -> FanOut:
        parents = self._counts(connection, [key.parent])[key.parent]
        return self._statistics.fan_out(table, key, parents, connection)

    def sample(
        self,
        drivers: Mapping[str, Optional[ForeignKey]],
        size: int,
        seed: int,
        strategy: Strategy = "relational",
        most_bytes: Optional[int] = None,
    ) -> SampledRows:
        """Read a bounded, referentially consistent sample; see the base class."""
        tables: dict[str, pa.Table] = {}
        entities: dict[str, Bools] = {}
        groups: dict[str, GroupPlaces] = {}
        with self._snapshot("a sample was read") as connection:
            counts = self._counts(connection, list(drivers))
            widths = {} if most_bytes is None else self._widths(connection, counts)
            levels = Levels.of(self._metadata, drivers, counts, size, widths, most_bytes)
            draws = Draws(self.dialect, self.source, self._metadata, counts, seed)
            sampled = [name for name in levels.entities if levels.fraction(name) < 1.0]
            draws.arrange(strategy, sampled, connection)
            for name in sampled if strategy == "relational" else ():
                stretches = levels.stretches(self._metadata.tables[name])
                if stretches is not None:
                    draws.in_stretches(name, stretches)
            subset = Subset(draws, levels)
            for name in drivers:
                columns = self.stored(name)
                if not counts[name]:
                    tables[name] = self.dialect.schema(columns).empty_table()
                    continue
                places = draws.places(name, "t0")
                sql = subset.query(name, columns, *places)
                read = [*columns, *(Column(name=p, kind=ColumnKind.FLOAT) for p in places)]
                parts = list(self.dialect.read(connection, sql, read, name))
                rows = pa.Table.from_batches(parts, schema=self.dialect.schema(read))
                beside = [rows.column(p).cast(pa.int64()).to_numpy() for p in places]
                if name in draws.stretched:
                    groups[name] = GroupPlaces(draws.stretched[name], beside[0] - 1, beside[1])
                elif beside:
                    entities[name] = by_hash(*beside)
                tables[name] = rows.drop_columns(places)
            room = levels.room({name: len(rows) for name, rows in tables.items()})
            find = _Referred(self._statistics_on(connection), self._metadata)
            referred = referred_rows(self._metadata, tables, room, find)
        return SampledRows(tables, referred, typical_rows(drivers, tables, entities), groups)

    def _widths(self, connection: Connection, counts: Mapping[str, int]) -> dict[str, float]:
        """Return the bytes of a row of each table, on average.

        Raises
        ------
        ConnectorError
            The engine is not asked for sizes.
        """
        asking = self._asking
        if asking is None or not asking.bytes:
            raise ConnectorError(
                f"{self.engine.dialect.name!r} databases are not asked for the sizes of rows.",
                hint="Leave sample_bytes out; sample_size bounds the rows.",
            )
        found = dict.fromkeys(counts, 0.0)
        for name in (name for name, count in counts.items() if count):
            size = row_bytes(asking, self._metadata.tables[name], self.dialect.quote, "t")
            sql = f"SELECT AVG({size}) FROM {self.source(name, 't')}"
            found[name] = float(self.dialect.execute(connection, sql).scalar_one())
        return found

    @contextmanager
    def choosing(
        self, budget: Budget, seed: int, strategy: Strategy = "relational"
    ) -> Iterator[RealRows]:
        """Choose rows that make a small database of their own; see :func:`choose`.

        Parameters
        ----------
        budget : Budget
        seed : int
            The same seed and rows give the same choice.
        strategy : {"relational", "stratified", "recent"}

        Raises
        ------
        ConnectorError
            The engine cannot name single rows.
        SchemaError
            Nothing fits.
        """
        asking = self._asking
        if asking is None or not asking.literals:
            raise ConnectorError(
                f"No subset is chosen from {self.engine.dialect.name!r} databases.",
                hint=f"It is from {', '.join(choosing())}.",
            )
        with self._snapshot("a subset was chosen") as connection:
            counts = self._counts(connection, list(self._metadata.tables))
            plan = RelationalPlan.build(self._metadata, counts)
            drivers = plan.drivers
            levels = Levels.of(self._metadata, drivers, counts, budget.rows)
            draws = Draws(self.dialect, self.source, self._metadata, counts, seed)
            draws.arrange(strategy, levels.entities, connection)
            outlines = SqlOutlines(self.dialect, asking, connection, draws, levels)
            found = choose(outlines, self._metadata, counts, levels.small, budget)
            yield RealRows({name: found[name] for name in plan.order}, counts, outlines)

    def __repr__(self) -> str:
        schema = self._metadata.schemas or self.schema
        return f"SqlWarehouse({shown(self.engine)!r}, schema={schema!r})"


class _Referred:
    """Finds the rows that keys lead to, by their values, as few at once as engines take."""

    def __init__(self, statistics: Statistics, metadata: Metadata) -> None:
        self.statistics, self.metadata = statistics, metadata

    def __call__(self, key: ForeignKey, keys: pa.Table) -> pa.Table:
        """Return the rows of some keys; none where the engine is not asked for such values."""
        table, names = key.parent, list(self.metadata.tables[key.parent].stored)
        asked = Joined(table, tuple(names))
        itself = ForeignKey(
            columns=key.parent_columns, parent=table, parent_columns=key.parent_columns
        )
        schema = self.statistics.dialect.schema(list(self.metadata.tables[table].stored.values()))
        values = list(zip(*(column.to_pylist() for column in keys.columns)))
        most = self.statistics.dialect.MOST_VALUES if len(key.columns) == 1 else CONDITIONS
        longest = max((len(str(one)) for row in values for one in row), default=0)
        most = max(min(most, _MOST_TEXT // (longest + 1)), 1)
        found: list[pa.RecordBatch] = []
        for start in range(0, len(values), most):
            try:
                part = values[start : start + most]
                found += self.statistics.children(asked, itself, part)
            except CannotAsk:
                log.info("parents_not_read", key=key.label(""), rows=len(values) - start)
                break
        return pa.Table.from_batches(found, schema=schema)


def _exclude_deleted(metadata: Metadata, found: Mapping[str, Mapping[str, Column]]) -> None:
    """Exclude the columns that the database has and a reflected description lacks."""
    for name, table in metadata.tables.items():
        real = found.get(name, {})
        deleted = [c for c in real if c not in table.columns] if table.columns else []
        if deleted:
            others = {c: f for c, f in table.columns.items() if c not in real}
            table.columns = {**{c: table.columns.get(c, f) for c, f in real.items()}, **others}
            for column in deleted:
                table.exclude(column)


def _complete(table: TableConfig, real: TableConfig, metadata: Metadata) -> None:
    """Add what the database enforces: the copy would refuse rows that were made without it."""
    for column in table.columns:
        if column not in real.columns:
            raise SchemaError.unknown_column(table.name, column, real.columns)
    table.columns = {c: table.columns.get(c, facts) for c, facts in real.columns.items()}
    table.pk = table.pk or real.pk
    for key in real.foreign_keys:
        same = [k for k in table.foreign_keys if k.label("") == key.label("")]
        for given in same:
            given.declared, given.name = True, given.name or key.name
        kept = set(table.exclude_columns).isdisjoint(key.columns)
        if not same and kept and key.parent in metadata.tables:
            table.foreign_keys.append(key)
    known = {tuple(u.columns) for u in table.unique}
    table.unique += [u for u in real.unique if tuple(u.columns) not in known]
    checks = {c.sqltext for c in table.checks}
    table.checks += [c for c in real.checks if c.sqltext not in checks]
    indexes = {i.name for i in table.indexes}
    table.indexes += [i for i in real.indexes if i.name not in indexes]
