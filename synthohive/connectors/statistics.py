"""What a database tells of its tables by SQL, so that rows stay where they are."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Optional, Union

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from synthohive._logging import get_logger
from synthohive.connectors.capabilities import Asking
from synthohive.connectors.dialect import Dialect
from synthohive.exceptions import ConnectorError
from synthohive.io.base import FanOut
from synthohive.io.questions import (
    CannotAsk,
    ColumnFacts,
    Condition,
    Joined,
    Meetings,
    Questions,
    Route,
    Shares,
    Sums,
    Terms,
)
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, TableConfig

__all__ = ["Statistics"]

log = get_logger(__name__)
_WIDE = sa.Numeric(38, 0)
"""Of differences between integers, which no integer may hold."""
_ONE: Any = sa.literal_column("1")
_TEXTS = frozenset({ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID})
Snapshot = Callable[[str], AbstractContextManager[Connection]]


class Statistics(Questions):
    """Asks one engine.

    Parameters
    ----------
    dialect : Dialect
    asking : Asking, optional
        How the engine writes what is asked of values.
    metadata : Metadata
    source : callable
        Gives a table of a FROM clause, by its name and an alias.
    snapshot : callable
        Gives a connection in a read-only transaction, for what errors say was done.
    """

    def __init__(
        self,
        dialect: Dialect,
        asking: Optional[Asking],
        metadata: Metadata,
        source: Callable[[str, str], str],
        snapshot: Snapshot,
    ) -> None:
        self.dialect, self.metadata = dialect, metadata
        self.asking = Asking({}, {}) if asking is None else asking
        self.source, self.snapshot = source, snapshot

    def understood(self, rows: Joined, fine: Condition) -> bool:
        """See the base class."""
        try:
            self.render(fine(_Query(self, rows)))
        except CannotAsk:
            return False
        return True

    def doubtful(
        self, rows: Joined, fine: Condition, most: Optional[int] = None
    ) -> Iterator[pa.RecordBatch]:
        """See the base class; one pass over the table, whatever the number of rules."""
        query = _Query(self, rows)
        # A condition that is NULL proves nothing: only what is true takes a row out.
        doubt = sa.case((fine(query), 0), else_=1) == 1
        sql = self.render(query.select(*query.listed).where(doubt).limit(most))
        with self._asking(rows.table) as connection:
            yield from self.dialect.read(connection, sql, query.described, rows.table)

    def counted(self, rows: Joined, conditions: Sequence[Condition]) -> list[int]:
        """See the base class."""
        query = _Query(self, rows)
        tests = [sa.func.sum(sa.case((test(query), 1), else_=0)) for test in conditions]
        return [int(value or 0) for value in self._rows(query.select(*tests), rows.table)[0]]

    def combinations(self, rows: Joined) -> Iterator[pa.RecordBatch]:
        """See the base class; what engines hold for equal though it is read apart, comes apart."""
        query = _Query(self, rows)
        sums = query.sums
        named = {f"c{i}": part for i, part in enumerate((*query.listed, *sums.values()))}
        own = [
            name
            for name, (_, t, c) in query.columns.items()
            if t.columns[c].kind is not ColumnKind.FLOAT
        ]
        named.update({f"e{i}": query.exact(name) for i, name in enumerate(own)})
        each = query.select(*(part.label(name) for name, part in named.items())).subquery("d")
        shown = [each.c[name] for name in named if name.startswith("c")]
        asked = sa.select(*shown, sa.func.count()).group_by(*each.c)
        numbers = [_number(name, ColumnKind.FLOAT) for name in sums]
        described = [*query.described, *numbers, _number("")]
        with self._asking(rows.table) as connection:
            yield from self.dialect.read(connection, self.render(asked), described, rows.table)

    def contradicted(self, rows: Joined, sources: Sequence[str], target: str) -> bool:
        """See the base class."""
        query = _Query(self, rows)
        known = [~query.missing(name) for name in (*sources, target)]
        groups = [query.exact(name) for name in sources]
        value = query.exact(target)
        few: Any = sa.func.min(value) < sa.func.max(value)  # nothing is sorted for it
        if query.kind(target) is ColumnKind.BOOLEAN:  # of which engines know no least
            few = sa.func.count(sa.distinct(value)) > 1
        asked = query.select(_ONE).where(*known).group_by(*groups).having(few)
        return self._any(asked, rows.table)

    def repeated(self, table: str, columns: Sequence[str]) -> bool:
        """See the base class."""
        query = _Query(self, Joined(table, tuple(columns)))
        known = [~query.missing(name) for name in columns]
        groups = [query.exact(name) for name in columns]
        several = sa.func.count() > 1
        asked = query.select(_ONE).where(*known).group_by(*groups).having(several)
        return self._any(asked, table)

    def meetings(self, table: str, one: Route, two: Route, *, apart: bool) -> Meetings:
        """See the base class."""
        query = _Query(self, Joined(table, ()))
        first, last, other = query.row(one[:1], one[:1]), query.row(one, one), query.row(two, one)
        both, equal = last.there & other.there, sa.and_(*map(_equal, last.key, other.key))
        lacking = first.there & other.there & ~last.there
        tests = (both, both & equal, lacking)
        asked = query.select(*(sa.func.sum(sa.case((test, 1), else_=0)) for test in tests))
        count, same, left = (int(value or 0) for value in self._rows(asked, table)[0])
        shared, squares = False, 0.0
        if apart and count and not same:
            ends = [
                query.select(*_numbered(row.key)).where(both).distinct().subquery(name)
                for name, row in (("a", last), ("b", other))
            ]
            pairs = sa.and_(*map(_equal, *(list(end.c) for end in ends)))
            asked = sa.select(_ONE).select_from(ends[0].join(ends[1], pairs))
            shared = self._any(asked, table)
        elif count == same:
            squares = self._spread(query.select().where(both), last.key, table)[1]
        return Meetings(count, same, bool(left), shared, squares)

    def facts(
        self,
        table: str,
        columns: Sequence[str],
        *,
        distinct: bool = False,
        quantiles: Sequence[float] = (),
        top: int = 0,
        exact: bool = True,
    ) -> dict[str, ColumnFacts]:
        """See the base class."""
        query = _Query(self, Joined(table, tuple(columns)))
        sketch = None if exact else self.asking.quantile
        estimate = None if exact or not distinct else self.asking.distinct
        asked, described = self._counted(query, quantiles if sketch else (), estimate)
        first = self._table(asked, described, table).to_pylist()[0]
        found = {}
        for i, name in enumerate(columns):
            rows, nulls = first["rows"], first[f"nulls{i}"] or 0
            at = [first[f"at{i}_{j}"] for j in range(len(quantiles))] if sketch else []
            if quantiles and not sketch:
                at = self._quantiles(query, name, quantiles, rows - nulls)
            ends = first[f"low{i}"], first[f"high{i}"]
            different = first[f"distinct{i}"] if estimate else None
            if distinct and not estimate:
                different = self._distinct(query, name)
            often = self._top(query, name, top) if top else ()
            found[name] = ColumnFacts(rows, nulls, *ends, different, tuple(at), often)
        return found

    def _counted(
        self, query: _Query, quantiles: Sequence[float], estimate: Optional[str]
    ) -> tuple[Any, list[Column]]:
        """Return the query of all that one pass tells, and what its columns are."""
        listed: list[Any] = [sa.func.count()]
        described = [_number("rows")]
        for i, whole in enumerate(query.described):
            value: Any = query.exact(whole.name)
            empty = sa.func.sum(sa.case((query.missing(whole.name), 1), else_=0))
            listed += [sa.cast(empty, sa.Numeric(18, 0)), *query.ends(whole.name)]
            described.append(_number(f"nulls{i}"))
            described += [whole.model_copy(update={"name": f"{end}{i}"}) for end in ("low", "high")]
            if estimate is not None:
                listed.append(sa.literal_column(estimate.format(self.render(value))))
                described.append(_number(f"distinct{i}"))
            for j, at in enumerate(quantiles):
                number = self.render(query.number(whole.name))
                sketch = (self.asking.quantile or "").format(number, at)
                listed.append(sa.literal_column(sketch))
                described.append(_number(f"at{i}_{j}", ColumnKind.FLOAT))
        return query.select(*listed), described

    def _distinct(self, query: _Query, name: str) -> int:
        """Count the values of a column; as groups, which engines hash and do not sort."""
        values = query.select(query.exact(name).label("v")).where(~query.missing(name)).distinct()
        asked = sa.select(sa.func.count()).select_from(values.subquery("g"))
        return int(self._rows(asked, query.rows.table)[0][0])

    def _quantiles(
        self, query: _Query, name: str, quantiles: Sequence[float], known: int
    ) -> list[float]:
        """Return the values at some places of all that are known, in their order."""
        if not known:
            return []
        value = query.number(name)
        place = sa.func.row_number().over(order_by=value)
        numbered = query.select(value.label("v"), place.label("r")).where(~query.missing(name))
        rows = numbered.subquery("g").c
        at = [min(max(math.ceil(share * known), 1), known) for share in quantiles]
        asked = sa.select(rows.r, rows.v).where(rows.r.in_([sa.literal(a) for a in at]))
        found = {int(r): float(v) for r, v in self._rows(asked, query.rows.table)}
        return [found[a] for a in at]

    def _top(self, query: _Query, name: str, top: int) -> tuple[tuple[Any, int], ...]:
        """Return the most frequent values."""
        value: Any = query.exact(name)
        known = query.select(value.label("v"), sa.func.count().label("n"))
        asked = known.where(~query.missing(name)).group_by(value)
        asked = asked.order_by(sa.literal_column("2 DESC"), sa.literal_column("1")).limit(top)
        whole = query.described[list(query.rows.columns).index(name)]
        described = [whole.model_copy(update={"name": "v"}), _number("n")]
        rows = self._table(asked, described, query.rows.table)
        return tuple(zip(rows.column("v").to_pylist(), rows.column("n").to_pylist()))

    def _table(self, asked: Any, columns: Sequence[Column], table: str) -> pa.Table:
        with self._asking(table) as connection:
            batches = list(self.dialect.read(connection, self.render(asked), columns, table))
        return pa.Table.from_batches(batches, self.dialect.schema(columns))

    def spread(self, table: str, places: Sequence[Sequence[str]]) -> Shares:
        """See the base class."""
        columns = tuple(dict.fromkeys(column for place in places for column in place))
        query = _Query(self, Joined(table, columns))
        rows = query.select().where(*(~query.missing(column) for column in columns))
        exact = [[query.exact(column) for column in place] for place in places]
        distinct, squares, counts = zip(*(self._spread(rows, place, table) for place in exact))
        return Shares(int(counts[0]), tuple(map(int, distinct)), squares)

    def counter(self, table: str, groups: Sequence[str], column: str) -> Optional[tuple[int, int]]:
        """See the base class."""
        query = _Query(self, Joined(table, (*groups, column)))
        if self.metadata.table(table).columns[column].kind is not ColumnKind.INTEGER:
            raise CannotAsk
        value: Any = sa.cast(query.exact(column), _WIDE)
        exact = [query.exact(name) for name in groups]
        low, high, n = sa.func.min(value), sa.func.max(value), sa.func.count()
        each = query.select(low.label("a"), high.label("b"), n.label("n")).group_by(*exact)
        ends = each.subquery("g").c
        steps = sa.case((ends.n > 1, (ends.b - ends.a).op("/", precedence=8)(ends.n - 1)))
        listed = [of(what) for what in (ends.a, steps) for of in (sa.func.min, sa.func.max)]
        least, most, shortest, longest = self._rows(sa.select(*listed), table)[0]
        step = 1 if shortest is None else int(shortest)
        if least is None or least != most or step < 1 or (longest is not None and longest != step):
            return None
        # Whole divisions hide what is left over, and say nothing of what lies between the ends.
        off = (value - int(least)) % step != 0
        wrong = ends.b - ends.a != (ends.n - 1) * step
        if self._any(sa.select(_ONE).where(wrong), table) or (
            step > 1 and self._any(query.select(_ONE).where(off), table)
        ):
            return None
        return int(least), step

    def overlapping(
        self,
        table: str,
        groups: Sequence[str],
        period: tuple[str, str],
        points: Sequence[float],
        most: int,
    ) -> list[tuple[Any, ...]]:
        """See the base class; of periods that start together, the rows themselves must tell."""
        query = _Query(self, Joined(table, (*groups, *period)))
        start, end = query.pair(*period)
        special = query.plain(False)
        for point in points:
            special |= query.number(period[1]) == query.plain(point)
        exact = [query.exact(name) for name in groups]
        after = sa.func.lead(start).over(partition_by=exact, order_by=start)
        keys = [query.read(name).label(f"k{i}") for i, name in enumerate(groups)]
        ends = sa.case((special, None), else_=end)
        listed = [*keys, start.label("s"), ends.label("e"), after.label("n")]
        known = [~query.missing(name) for name in groups]
        rows = query.select(*listed).where(*known).subquery("g").c
        last = rows.s.isnot(None) & rows.n.is_(None)
        fine = sa.case((last | ((rows.s < rows.n) & (rows.e <= rows.n)), 0), else_=1) == 0
        named = [rows[f"k{i}"] for i in range(len(groups))]
        asked = sa.select(*named).where(~fine).distinct().limit(most)
        return [tuple(row) for row in self._rows(asked, table)]

    def alone(self, one: tuple[str, ForeignKey], two: tuple[str, ForeignKey]) -> bool:
        """See the base class."""
        query = _Query(self, Joined(one[1].parent, ()))
        has, lacks = (query.children(*child) for child in (one, two))
        asked = query.select(_ONE).where(has, ~lacks)
        return self._any(asked, one[1].parent)

    def shares(self, table: str, keys: Sequence[ForeignKey]) -> Shares:
        """See the base class."""
        query = _Query(self, Joined(table, ()))
        rows = [query.row((key,), (key,)) for key in keys]
        linked = query.select().where(*(row.there for row in rows))
        distinct, squares, counts = zip(*(self._spread(linked, row.key, table) for row in rows))
        return Shares(int(counts[0]), tuple(map(int, distinct)), squares)

    def shared(self, table: str, keys: Sequence[ForeignKey]) -> bool:
        """See the base class."""
        query = _Query(self, Joined(table, ()))
        rows = [query.row((key,), (key,)) for key in keys]
        asked = query.select(_ONE).where(*(row.there for row in rows))
        groups = [column for row in rows for column in row.key]
        return self._any(asked.group_by(*groups).having(sa.func.count() > 1), table)

    def fan_out(self, table: str, key: ForeignKey, parents: int, connection: Connection) -> FanOut:
        """Count children per parent, in one pass over either table.

        Parameters
        ----------
        table : str
        key : ForeignKey
            One of its own.
        parents : int
            The number of these.
        connection : sqlalchemy.engine.Connection
        """
        columns: list[Any] = [sa.column(f"k{i}") for i in range(len(key.columns))]
        groups = self._grouped(table, key)
        filled = sa.case((sa.and_(*(groups.c[c.name].isnot(None) for c in columns)), 1), else_=0)
        parent = self.place(key.parent, "p")
        pairs = [
            sa.literal_column(f"p.{self.dialect.quote(c)}") == groups.c[f"k{i}"]
            for i, c in enumerate(key.parent_columns)
        ]
        rows: Any = groups
        there: Any = sa.exists(sa.select(_ONE).select_from(parent).where(*pairs))
        if self.is_unique(key.parent, key.parent_columns):  # a join takes far less than look-ups
            rows = groups.outerjoin(parent, sa.and_(*pairs))
            first = self.dialect.quote(key.parent_columns[0])
            there = sa.literal_column(f"p.{first}").isnot(None)
        found = sa.case((there, 1), else_=0)
        # MySQL does not see that an expression of SELECT is the same as one of GROUP BY.
        told = sa.select(filled.label("f"), found.label("t"), groups.c.n.label("n"))
        each = told.select_from(rows).subquery("e")
        asked = sa.select(*each.c, sa.func.count()).group_by(*each.c)
        histogram, nulls, orphans = dict[int, int](), 0, 0
        counted: Any = self.dialect.execute(connection, self.render(asked))
        for is_filled, is_there, n, times in counted:
            if not is_filled:
                nulls += int(n) * int(times)
            elif not is_there:
                orphans += int(n) * int(times)
            else:
                histogram[int(n)] = histogram.get(int(n), 0) + int(times)
        childless = parents - sum(histogram.values())
        if childless > 0:
            histogram[0] = childless
        return FanOut(dict(sorted(histogram.items())), nulls, orphans)

    def _grouped(self, table: str, key: ForeignKey) -> Any:
        """Return the values of a key, ``k0``, ``k1`` …, each with its number of rows, ``n``."""
        none = self.metadata.table(table).no_parents
        held: list[Any] = [sa.literal_column(self.dialect.held(c, "c", none)) for c in key.columns]
        named = [column.label(f"k{i}") for i, column in enumerate(held)]
        counted = sa.select(*named, sa.func.count().label("n"))
        return counted.select_from(self.place(table, "c")).group_by(*held).subquery("g")

    def is_unique(self, table: str, columns: Sequence[str]) -> bool:
        """Whether rows of a table never have the same values in all of some columns."""
        return any(set(u) <= set(columns) for u in self.metadata.table(table).unique_sets)

    def _spread(self, rows: Any, groups: Sequence[Any], table: str) -> tuple[float, float, float]:
        """Return the number of groups of rows, the sum of their squared sizes, and of these."""
        n = sa.func.count().label("n")
        sizes = rows.add_columns(n).group_by(*groups).subquery("g")
        squares = sa.func.sum(sa.literal_column("1e0") * sizes.c.n * sizes.c.n)
        asked = sa.select(sa.func.count(), squares, sa.func.sum(sizes.c.n)).select_from(sizes)
        groups_, total, count = (float(value or 0) for value in self._rows(asked, table)[0])
        return groups_, total, count

    def children(
        self, rows: Joined, key: ForeignKey, values: Sequence[tuple[Any, ...]]
    ) -> Iterator[pa.RecordBatch]:
        """See the base class."""
        query, table = _Query(self, rows), rows.table
        asked = query.select(*query.listed).where(query.has_any(key, values))
        quote = self.dialect.quote  # in the order in which rows are read
        asked = asked.order_by(
            *(sa.literal_column(f"t.{quote(c)}") for c in self.metadata.table(table).pk)
        )
        with self._asking(table) as connection:
            yield from self.dialect.read(connection, self.render(asked), query.described, table)

    @contextmanager
    def _asking(self, table: str) -> Iterator[Connection]:
        """Give a connection; what the engine cannot calculate (a number too large) is not asked."""
        try:
            with self.snapshot(f"table {table!r} was asked about") as connection:
                yield connection
        except ConnectorError as exc:
            log.warning("question_without_answer", table=table, reason=exc.message)
            raise CannotAsk from exc

    def _rows(self, asked: Any, table: str) -> list[Any]:
        with self._asking(table) as connection:
            return list(self.dialect.execute(connection, self.render(asked)).all())

    def _any(self, asked: Any, table: str) -> bool:
        return bool(self._rows(asked.limit(1), table))

    def render(self, asked: Any) -> str:
        """Return a query, or a part of one, as text without parameters."""
        plain = copy.copy(self.dialect.engine.dialect)
        # Not that of the driver, which would double each percent sign for its parameters.
        plain.paramstyle, plain.positional = "named", False
        plain.identifier_preparer = plain.preparer(plain)
        return str(asked.compile(dialect=plain, compile_kwargs={"literal_binds": True}))

    def place(self, table: str, alias: str) -> Any:
        """Return a table in a FROM clause."""
        return sa.table(sa.quoted_name(self.source(table, alias), False))


def _number(name: str, kind: ColumnKind = ColumnKind.INTEGER) -> Column:
    return Column(name=name, kind=kind)


@dataclass(frozen=True)
class _Row:
    """The row that a route ends at: what tells it from others, and whether there is one."""

    key: list[Any]

    @property
    def there(self) -> Any:
        return self.key[0].isnot(None)


def _equal(left: Any, right: Any) -> Any:
    return left == right


def _numbered(columns: Sequence[Any]) -> list[Any]:
    return [column.label(f"c{i}") for i, column in enumerate(columns)]


class _Query(Terms):
    """The terms of one query over a table, joined to what its rows refer to."""

    def __init__(self, asked: Statistics, rows: Joined) -> None:
        self.asked, self.rows = asked, rows
        self._aliases: dict[tuple[str, ...], str] = {(): "t"}
        self._columns = {c: ("t", asked.metadata.table(rows.table), c) for c in rows.columns}
        self._from = asked.place(rows.table, "t")
        for name, (route, column) in rows.above.items():
            alias = self._joined(route)
            self._columns[name] = (alias, asked.metadata.table(route[-1].parent), column)
        self._where = [self._linked(key) for key in rows.linked]
        self.sums: dict[str, Any] = {} if rows.sums is None else self._summed(rows.sums)

    @property
    def columns(self) -> dict[str, tuple[str, TableConfig, str]]:
        """Where each column stands: the table in the query, that table, and the column of it."""
        return self._columns

    @property
    def described(self) -> list[Column]:
        """The columns of the rows, under their names here."""
        found = self._columns.items()
        return [t.columns[c].model_copy(update={"name": name}) for name, (_, t, c) in found]

    def row(self, route: Route, like: Route) -> _Row:
        """Return the row that a route ends at.

        Parameters
        ----------
        route : tuple of ForeignKey
        like : tuple of ForeignKey
            Another one to the same table, if that has no primary key.
        """
        alias = self._joined(route)
        name = route[-1].parent if route else self.rows.table
        columns = self.asked.metadata.table(name).pk or like[-1].parent_columns
        quote = self.asked.dialect.quote
        return _Row([sa.literal_column(f"{alias}.{quote(column)}") for column in columns])

    def children(self, table: str, key: ForeignKey) -> Any:
        """Return the condition that a row has children over a key."""
        of = self.asked.place(table, "c")
        same = self._same_key(table, "c", key, "t")
        return sa.exists(sa.select(_ONE).select_from(of).where(*same))

    def select(self, *listed: Any) -> Any:
        """Return the query of some expressions."""
        return sa.select(*listed).select_from(self._from).where(*self._where)

    @property
    def listed(self) -> list[Any]:
        """What reads them, in their order."""
        return [self.read(name).label(f"c{i}") for i, name in enumerate(self._columns)]

    def has_any(self, key: ForeignKey, values: Sequence[tuple[Any, ...]]) -> Any:
        """Return the condition that a row refers to one of some keys; perhaps to others, too."""
        described = self.asked.metadata.table(self.rows.table).columns
        kinds = [described[column].kind for column in key.columns]
        if not {*kinds} <= {*_TEXTS, ColumnKind.INTEGER}:
            raise CannotAsk
        # As the engine compares, so that it can use an index.
        columns: list[Any] = [
            sa.literal_column(f"t.{self.asked.dialect.quote(c)}") for c in key.columns
        ]
        rows = [[self._literal(v, kind) for v, kind in zip(row, kinds)] for row in values]
        if len(columns) == 1:
            return columns[0].in_([row[0] for row in rows])
        return sa.or_(*(sa.and_(*map(_equal, columns, row)) for row in rows))

    def read(self, name: str) -> Any:
        """Return a column as rows are read."""
        return sa.literal_column(self._sql(name))

    def missing(self, name: str) -> Any:
        """See the base class."""
        return (self.sums[name] if name in self.sums else self.read(name)).is_(None)

    def number(self, name: str) -> Any:
        """See the base class."""
        if name in self.sums:
            return self.sums[name]
        column = self._described(name)
        return self._term(self.asked.asking.numbers.get(column.kind), self._sql(name))

    def ratio(self, over: Any, under: Any) -> Any:
        """See the base class."""
        return over.op("/", precedence=8)(sa.func.nullif(under, sa.literal_column("0")))

    def floor(self, number: Any) -> Any:
        """See the base class."""
        return sa.func.floor(number)

    def where(self, condition: Any, value: Any, other: Any = None) -> Any:
        """See the base class."""
        return sa.case((condition, value), else_=other)

    def kind(self, name: str) -> ColumnKind:
        """Return the kind of a column."""
        return self._described(name).kind

    def ends(self, name: str) -> tuple[Any, Any]:
        """Return the least and the greatest value of a column over all rows."""
        value: Any = self.exact(name)
        if self.kind(name) is not ColumnKind.BOOLEAN:
            return sa.func.min(value), sa.func.max(value)
        # Of truth values, engines know no least: as numbers, and back.
        number = sa.case((value, 1), (~value, 0))
        low, high = sa.func.min(number), sa.func.max(number)
        true, false = sa.literal(True, sa.Boolean()), sa.literal(False, sa.Boolean())
        return sa.case((low == 1, true), (low == 0, false)), sa.case(
            (high == 1, true), (high == 0, false)
        )

    def exact(self, name: str) -> Any:
        """Return a column that is equal to another value only where what is read is."""
        column = self._described(name)
        if column.kind is ColumnKind.FLOAT:
            raise CannotAsk  # NaN equals itself in some engines
        return self._term(self.asked.asking.values.get(column.kind), self._sql(name))

    def pair(self, left: str, right: str) -> tuple[Any, Any]:
        """See the base class."""
        found = []
        for name in (left, right):
            column = self._described(name)
            template = self.asked.asking.values.get(column.kind)
            found.append(self._term(template, self._sql(name)))
        one, two = (self._described(name) for name in (left, right))
        alike = one.kind is two.kind or {one.kind, two.kind} <= _TEXTS
        if not alike or (one.timezone, one.text_form) != (two.timezone, two.text_form):
            raise CannotAsk
        return found[0], found[1]

    def one_of(self, name: str, values: Sequence[Union[str, int, bool]]) -> Any:
        """See the base class."""
        column, exact = self._described(name), self.exact(name)
        texts = column.kind in _TEXTS
        if not texts and column.kind not in (ColumnKind.INTEGER, ColumnKind.BOOLEAN):
            raise CannotAsk
        if texts:
            return exact.in_([self._spelling(self._literal(str(v), column.kind)) for v in values])
        if column.kind is ColumnKind.BOOLEAN:
            values = [str(value).lower() == "true" for value in values]
        else:
            values = [int(value) for value in values]
        return exact.in_([self._literal(value, column.kind) for value in values])

    def spelled(self, name: str, pieces: Sequence[tuple[str, bool]]) -> Any:
        """See the base class."""
        if self._described(name).kind not in _TEXTS:
            raise CannotAsk
        whole: Any = self._literal("", ColumnKind.TEXT)
        for piece, is_column in pieces:
            if is_column and self._described(piece).kind not in {*_TEXTS, ColumnKind.INTEGER}:
                raise CannotAsk
            own = self._literal(piece, ColumnKind.TEXT)
            part = sa.cast(self.read(piece), sa.String) if is_column else own
            whole = whole.concat(part)
        return self.exact(name) == self._spelling(whole)

    def plain(self, value: Union[float, bool]) -> Any:
        """See the base class."""
        if isinstance(value, bool):
            return sa.literal_column("1" if value else "0") == _ONE
        text = repr(float(value))
        if not any(map(str.isdigit, text)):
            raise CannotAsk  # engines write infinity differently
        # With an exponent, since 0.1 alone is a decimal: that would be another number.
        return sa.literal_column(f"({text if 'e' in text else text + 'e0'})")

    def _literal(self, value: Union[str, int, bool], kind: ColumnKind) -> Any:
        """Return a value as SQL; a text as the engine reads it, not as its driver would."""
        if kind in _TEXTS:
            return sa.literal_column(self.asked.dialect.spelling.literal(str(value)), sa.String())
        return sa.literal(value, sa.Boolean() if kind is ColumnKind.BOOLEAN else sa.BigInteger())

    def _spelling(self, text: Any) -> Any:
        return self._term(self.asked.asking.values.get(ColumnKind.TEXT), self.asked.render(text))

    @staticmethod
    def _term(template: Optional[str], sql: str) -> Any:
        if template is None:
            raise CannotAsk
        return sa.literal_column(template.format(sql))

    def _described(self, name: str) -> Column:
        _, table, column = self._columns[name]
        return table.columns[column]

    def _sql(self, name: str) -> str:
        alias, table, column = self._columns[name]
        held = self.asked.dialect.held(column, alias, table.no_parents)
        return self.asked.dialect.expression(table.columns[column], held)

    def _joined(self, route: Route) -> str:
        """Return the alias of the row that a route ends at; it is joined when first asked for."""
        label = tuple(key.label("") for key in route)
        if label in self._aliases:
            return self._aliases[label]
        below, key = self._joined(route[:-1]), route[-1]
        child = route[-2].parent if len(route) > 1 else self.rows.table
        if not self.asked.is_unique(key.parent, key.parent_columns):
            raise CannotAsk  # rows would come once for each of several parents
        alias = self._aliases[label] = f"p{len(self._aliases)}"
        matched = sa.and_(*self._same_key(child, below, key, alias))
        self._from = self._from.outerjoin(self.asked.place(key.parent, alias), matched)
        return alias

    def _summed(self, sums: Sums) -> dict[str, Any]:
        """Join what children give together; return it by name."""
        child, table = _Query(self.asked, sums.children), self.asked.metadata.table
        held, none = self.asked.dialect.held, table(sums.children.table).no_parents
        keys: list[Any] = [sa.literal_column(held(c, "t", none)) for c in sums.key.columns]
        named = [key.label(f"k{i}") for i, key in enumerate(keys)]
        for i, one in enumerate(sums.of.values()):
            value = one.value(child)
            if one.function == "mean":
                made = self.ratio(sa.func.sum(value), sa.func.count(value))
            else:
                made = getattr(sa.func, one.function)(value)
            named.append(made.label(f"s{i}"))
        groups = child.select(*named).group_by(*keys).subquery("g")
        quote = self.asked.dialect.quote
        theirs: list[Any] = [sa.literal_column(f"t.{quote(c)}") for c in sums.key.parent_columns]
        matched = [own == groups.c[f"k{i}"] for i, own in enumerate(theirs)]
        self._from = self._from.outerjoin(groups, sa.and_(*matched))
        found = {}
        for i, (name, one) in enumerate(sums.of.items()):
            empty = 0.0 if one.empty is None and one.function == "count" else one.empty
            whole = groups.c[f"s{i}"]
            filled = whole if empty is None else sa.func.coalesce(whole, self.plain(empty))
            number = self.asked.asking.numbers.get(ColumnKind.FLOAT)  # some add to decimals
            found[name] = self._term(number, self.asked.render(filled))
        return found

    def _same_key(self, child: str, below: str, key: ForeignKey, alias: str) -> Iterator[Any]:
        none, dialect = self.asked.metadata.table(child).no_parents, self.asked.dialect
        for column, theirs in zip(key.columns, key.parent_columns):
            value: Any = sa.literal_column(dialect.held(column, below, none))
            yield sa.literal_column(f"{alias}.{dialect.quote(theirs)}") == value

    def _linked(self, key: ForeignKey) -> Any:
        """Return the condition that a row has another one of its table as its parent."""
        alias = self._joined((key,))
        quote = self.asked.dialect.quote
        there = sa.literal_column(f"{alias}.{quote(key.parent_columns[0])}").isnot(None)
        own = sa.and_(*self._same_key(self.rows.table, "t", key, "t"))
        return sa.and_(there, sa.case((own, 0), else_=1) == 1)
