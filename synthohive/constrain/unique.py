"""What must not repeat in a table: columns, or what an index calculates, among all or some rows.

Every UNIQUE of an engine is one rule: some expressions, a condition that tells which rows it is
about, and whether NULL equals NULL. A primary key is the rule whose expressions are columns and
that has no condition.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive._logging import get_logger
from synthohive.connectors.registry import UNNAMED, spelling
from synthohive.constrain.base import Offer, Repair, Repairing, Rule
from synthohive.constrain.sql_expressions import Expression, compile_expression, quoted
from synthohive.ddl.statements import Refused
from synthohive.ddl.vetted_indexes import index_parts, key_part
from synthohive.encoding.canonical import canonical, restore
from synthohive.schema import ColumnKind, Index, TableConfig
from synthohive.tables.context import positions_in_groups
from synthohive.tables.joins import group_codes
from synthohive.tables.key_hashes import NO_KEY, Seen, key_hashes, repeats
from synthohive.tables.numbers import as_numbers, is_number, is_time
from synthohive.texts.words import vocabulary_of

__all__ = ["UniqueRepair", "UniqueRule", "special_rules"]

log = get_logger(__name__)
U64 = npt.NDArray[np.uint64]
REDRAWS, NUMBERINGS = 12, 4
_WIDEST = 2**40
PARTNERS = 64
"""Rows, drawn at random, of which each that repeats takes the first that it can trade with."""


@dataclass(frozen=True)
class UniqueRule(Rule):
    """A combination of values that no two rows have.

    Attributes
    ----------
    columns : tuple of str
        All that its expressions refer to.
    parts : tuple of Expression
        Nothing where the columns themselves are meant.
    where : Expression, optional
        True of the rows that it is about.
    nulls_distinct : bool
        Whether a row with a NULL repeats no other.
    name : str
        Of the index or constraint.
    declared : bool
        Whether the database refuses rows that repeat.
    """

    columns: tuple[str, ...]
    parts: tuple[Expression, ...] = ()
    where: Optional[Expression] = None
    nulls_distinct: bool = True
    name: str = ""
    declared: bool = True

    @property
    def special(self) -> bool:
        """Whether it says more than that columns never repeat together."""
        return bool(self.parts) or self.where is not None or not self.nulls_distinct

    @property
    def grouped(self) -> bool:
        """Whether it says that a column never repeats in a group, which the others make."""
        return len(self.columns) > 1 and not self.special

    @property
    def label(self) -> str:
        """As it is named to users.

        Examples
        --------
        >>> UniqueRule(("a", "b"), nulls_distinct=False, name="u").label
        "UNIQUE (a, b) NULLS NOT DISTINCT 'u'"
        """
        kind = "" if self.nulls_distinct else " NULLS NOT DISTINCT"
        some = "" if self.where is None else " of some rows"
        return f"UNIQUE ({', '.join(self.columns)}){kind}{some} {self.name!r}"

    def hashes(self, rows: pa.Table) -> U64:
        """Hash what each row must have alone; :data:`NO_KEY` where it may repeat."""
        try:
            return self._hashes(rows)
        except duckdb.Error as exc:  # overflow, a malformed value: the database will tell
            self._warn(exc)
            return np.full(len(rows), NO_KEY, dtype=np.uint64)

    def _hashes(self, rows: pa.Table) -> U64:
        given = self._compared(rows)
        types = given.schema.types
        found = key_hashes(given, given.column_names, types, nulls_distinct=self.nulls_distinct)
        return found if self.where is None else np.where(self.where.holds(rows), found, NO_KEY)

    def texts(self, rows: pa.Table) -> pa.Table:
        """Return what each row must have alone, as texts, without rows that may repeat."""
        try:
            given = self._compared(rows)
            if self.where is not None:
                given = given.filter(pa.array(self.where.holds(rows)))
        except duckdb.Error as exc:  # overflow, a malformed value: the database will tell
            self._warn(exc)
            given = self._compared(rows.slice(0, 0))
        texts = [pc.cast(column, pa.string(), safe=False) for column in given.columns]
        return pa.Table.from_arrays(texts, names=given.column_names)

    def _warn(self, exc: duckdb.Error) -> None:
        reason = str(exc).split("\n", maxsplit=1)[0]
        log.warning("unique_index_not_evaluated", index=self.name, reason=reason)

    def _compared(self, rows: pa.Table) -> pa.Table:
        if not self.parts:
            return rows.select(list(self.columns))
        names = [str(number) for number in range(len(self.parts))]
        return pa.table([part.evaluate(rows) for part in self.parts], names=names)

    def repeated(
        self, rows: pa.Table, later: Optional[Bools], seen: Optional[Seen] = None
    ) -> Bools:
        """Return the rows that repeat one before them.

        Parameters
        ----------
        rows : pyarrow.Table
        later : ndarray of bool, shape (rows,), optional
            The rows that count as behind all others.
        seen : Seen, optional
            What stands before all.
        """
        order = np.arange(len(rows)) if later is None else np.argsort(later, kind="stable")
        found = np.zeros(len(rows), dtype=np.bool_)
        found[order[repeats(self.hashes(rows)[order], seen)]] = True
        return found

    def misread(self, rows: pa.Table) -> bool:
        """Whether real rows, which the database accepted, appear to break it."""
        hashes = self._hashes(rows)
        hashes = hashes[hashes != NO_KEY]
        return len(np.unique(hashes)) < len(hashes)


def special_rules(config: TableConfig, dialect: Optional[str]) -> list[UniqueRule]:
    """Return the rules that :attr:`TableConfig.unique_sets` does not say.

    An index whose SQL is not understood is left out, with the log event
    ``unique_index_not_understood``: the database tests it at the load.
    """
    found = [
        UniqueRule(tuple(u.columns), nulls_distinct=False, name=u.name or "")
        for u in config.unique
        if not u.nulls_distinct
    ]
    for index in config.indexes:
        rule = _of_index(index, config, dialect) if index.unique and index.definition else None
        if rule is not None and rule.special:
            found.append(rule)
    return found


def _of_index(index: Index, config: TableConfig, dialect: Optional[str]) -> Optional[UniqueRule]:
    try:
        parts = index_parts(index.definition or "", spelling(dialect or UNNAMED))
        keys = [_compiled(item, dialect, config) for item in parts.keys]
        where = None if parts.where is None else _read(parts.where, dialect, config)
    except Refused as exc:
        log.info(
            "unique_index_not_understood", table=config.name, index=index.name, reason=str(exc)
        )
        return None
    columns = tuple(dict.fromkeys(c for key in keys for c in sorted(key.columns)))
    plain = [key.sql for key in keys] == [quoted(column) for column in columns]
    return UniqueRule(
        columns, () if plain else tuple(keys), where, parts.nulls_distinct, index.name
    )


def _compiled(item: str, dialect: Optional[str], config: TableConfig) -> Expression:
    body, length = key_part(item, spelling(dialect or UNNAMED))
    return _read(body if length is None else f"LEFT({body}, {length})", dialect, config)


def _read(sql: str, dialect: Optional[str], config: TableConfig) -> Expression:
    found = compile_expression(sql, dialect, config.columns)
    if found is None:
        raise Refused(f"{sql!r} is not understood")
    return found


class UniqueRepair(Repair):
    """Keeps one rule of uniqueness; see :class:`Repair`.

    A repeated row first trades what puts it under the rule's condition with a row that is not
    (an address is the default one in place of another), or the value of a *free* column with a row
    of another group, where neither group has the other one's: all columns keep their values by it.
    Then it gets another row's value in a free column, which keeps distributions. Else it gets the
    next value that nobody has, NULL, if the column may be NULL, or at last leaves the rule's
    condition.

    Parameters
    ----------
    config : TableConfig
    rule : UniqueRule
    free : set of str
        The columns of the set that may be changed.
    movable : sequence of str
        Columns of the condition, and those tied to them, which are traded together.
    home : sequence of str
        Columns whose values group the rows: what a group has in other rows suits its rows best.
    apart : bool
        No row can repeat one of another block, so that none need be remembered.
    listed : mapping of str to pyarrow.Array, optional
        All values that some columns may be given: those of the parents that they ask for.
    """

    def __init__(
        self,
        config: TableConfig,
        rule: UniqueRule,
        free: set[str],
        movable: Sequence[str] = (),
        *,
        home: Sequence[str] = (),
        apart: bool = False,
        listed: Optional[Mapping[str, pa.Array]] = None,
    ) -> None:
        super().__init__(rule.all_columns, [*sorted(free), *movable], binding=rule.declared)
        self.config, self.rule, self._free, self._movable = config, rule, free, list(movable)
        self._listed = dict(listed or {})
        self._seen, self._beyond, self._home, self.apart = Seen(), 0, list(home), apart

    def broken(self, rows: pa.Table, later: Optional[Bools] = None) -> Bools:
        """Return the rows whose hash stood before: in this block, or in an earlier one."""
        return self.rule.repeated(rows, later, self._seen)

    def _bar(self, block: pa.Table, broken: Bools) -> None:
        if not self.apart:
            self._seen.add(self.rule.hashes(block))

    def _outside(self, rows: pa.Table) -> IntArray:
        """Return the rows that the rule's condition leaves out."""
        under = np.ones(len(rows), dtype=np.bool_)
        return np.flatnonzero(~(under if self.rule.where is None else self.rule.where.holds(rows)))

    def trades(self, now: Repairing) -> Iterator[Offer]:
        """Exchange what decides on the condition with rows outside, where both are right then."""
        for _ in range(REDRAWS if self._movable else 0):
            rows, outside = now.wrong(self), now.rng.permutation(self._outside(now.rows))
            size = min(len(rows), len(outside))
            pairs = [rows[:size], outside[:size]]
            traded = now.copied(np.concatenate(pairs), np.concatenate(pairs[::-1]), self._movable)
            yield Offer(traded.rows, traded.values, np.tile(np.arange(size), 2))
        columns = self._order(now) if self.rule.grouped else []
        for _ in range(REDRAWS):
            for name in columns:
                rows, partners = self._suiting(now, name, trade=True)
                pairs = [rows, partners]
                traded = now.copied(np.concatenate(pairs), np.concatenate(pairs[::-1]), [name])
                yield Offer(traded.rows, traded.values, np.tile(np.arange(len(rows)), 2))

    def _order(self, now: Repairing) -> list[str]:
        """Return the free columns: first that with most values, last what other rules look at."""
        distinct = {c: pc.count_distinct(now.rows.column(c)).as_py() for c in self._free}
        others = {
            c for one in now.repairs if one is not self and not one.alone for c in one.columns
        }
        return sorted(self._free, key=lambda c: (c in others, -distinct[c], c))

    def _suiting(self, now: Repairing, name: str, *, trade: bool) -> tuple[IntArray, IntArray]:
        """Return rows that repeat, and for each another one whose value in a column suits it.

        No row of its group has that value; and if they trade, no row of the other's group has its.
        """
        rows, usable = now.wrong(self), now.known([name])
        if trade:
            usable[rows] = False
        known = np.flatnonzero(usable)
        if not len(known) or not len(rows):
            return rows[:0], rows[:0]
        rest = [column for column in self.rule.columns if column != name]
        values = group_codes([now.rows], [[name]])[0]
        groups = group_codes([now.rows], [rest])[0]
        others = now.rng.choice(known, (len(rows), PARTNERS))  # shape (rows, partners)
        own = rows[:, None]
        taken = _Pairs(groups, values)
        suits = ~taken.has(groups[own], values[others])
        if trade:
            suits &= ~taken.has(groups[others], values[own])
        # What goes by a year, or lies after one of the parent, still does beside a near one.
        score = suits * (1.0 - _remote(now, name, own, others))
        if self._home:
            homes = group_codes([now.rows], [self._home])[0]
            usual = _Pairs(homes, values)
            score += suits & usual.has(homes[own], values[others])
            score += suits & usual.has(homes[others], values[own])
        found = suits.any(axis=1)
        rows, others = rows[found], others[found, score[found].argmax(axis=1)]
        if trade:  # nobody with two at the same time
            once = np.unique(others, return_index=True)[1]
            rows, others = rows[once], others[once]
        return rows, others

    def offers(self, now: Repairing) -> Iterator[Offer]:
        """Yield values of other rows, new ones, then NULL, and what is outside the condition."""
        columns = self._order(now)
        for _ in range(REDRAWS if columns else 0):
            # Not another row's NULL, of which there would be more then.
            if self.rule.grouped:
                rows, donors = self._suiting(now, columns[0], trade=False)
            else:
                donors, rows = np.flatnonzero(now.known(columns[:1])), now.wrong(self)
                donors = now.rng.choice(donors, len(rows)) if len(donors) else donors
            if len(donors):
                yield now.copied(rows, donors, columns[:1])
        if self.rule.grouped:
            yield from self._inside(now, columns)
        for name in columns:
            yield from self._fresh(now, name)
        if not now.last:
            return
        for name in columns:
            if self.config.columns[name].nullable and name not in self.config.pk:
                rows, type_ = now.wrong(self), now.rows.schema.field(name).type
                yield Offer(rows, pa.table({name: pa.nulls(len(rows), type_)}))
        for _ in range(REDRAWS if self._movable else 0):
            rows, outside = now.wrong(self), self._outside(now.rows)
            if len(outside):
                yield now.copied(rows, now.rng.choice(outside, len(rows)), self._movable)

    def _inside(self, now: Repairing, columns: Sequence[str]) -> Iterator[Offer]:
        """Yield other values of any column, then such between the least and the greatest.

        A year of a key that lies beyond all others is worse than one that no other row has.
        """
        for _ in range(REDRAWS):
            for name in columns[1:]:
                rows, donors = self._suiting(now, name, trade=False)
                if len(donors):
                    yield now.copied(rows, donors, [name])
        for name in columns:
            for _ in range(REDRAWS):
                yield from self._free_places(now, name)
        for name in columns:  # a group that is full has none
            for _ in range(REDRAWS if self._free.issuperset(self.rule.columns) else 0):
                yield from self._free_places(now, name, elsewhere=True)

    def _free_places(
        self, now: Repairing, name: str, *, elsewhere: bool = False
    ) -> Iterator[Offer]:
        """Yield whole numbers or days on the grid of a column that a row's group does not have.

        Its group, or `elsewhere`, that of another row.
        """
        type_, column = now.rows.schema.field(name).type, now.rows.column(name).combine_chunks()
        rows, whole = now.wrong(self), pa.types.is_integer(type_) or pa.types.is_date(type_)
        if self.config.columns[name].kind is ColumnKind.CODE or not whole or not len(rows):
            return
        plain = canonical(column, type_)
        listed = self._listed.get(name)
        every = plain if listed is None else canonical(listed, type_)
        known = every.unique().drop_null().sort().to_pylist()
        step = math.gcd(*(after - before for before, after in zip(known, known[1:])))
        if not step or known[-1] - known[0] >= _WIDEST:
            return
        rest = [column for column in self.rule.columns if column != name]
        groups, there = group_codes([now.rows], [rest])[0], plain.is_valid().to_numpy(False)
        places = plain.filter(pa.array(there)).to_numpy() - known[0]
        taken = _Pairs(groups[there], (places // step).astype(np.int64))
        size = (known[-1] - known[0]) // step + 1
        homes, known_groups = rows, np.flatnonzero(groups >= 0)
        if elsewhere and len(known_groups):
            homes = now.rng.choice(known_groups, len(rows))
        drawn = now.rng.integers(0, size, (len(rows), PARTNERS))  # shape (rows, places)
        if listed is not None:
            drawn = now.rng.choice((np.array(known) - known[0]) // step, drawn.shape)
        free = ~taken.has(np.broadcast_to(groups[homes][:, None], drawn.shape), drawn)
        some = np.flatnonzero(free.any(axis=1))
        own = pc.subtract(plain, pa.scalar(known[0], plain.type)).cast(pa.float64())
        at = own.to_numpy(zero_copy_only=False)[rows, None] / step
        far = np.nan_to_num(np.abs(drawn - at) * (1.0 + now.rng.random(drawn.shape)), nan=size)
        chosen = drawn[some, np.where(free, far, np.inf)[some].argmin(axis=1)]
        fresh = pa.array([known[0] + int(place) * step for place in chosen], plain.type)
        moved = {c: now.rows.column(c).take(pa.array(homes[some])) for c in rest if elsewhere}
        yield Offer(rows[some], pa.table({**moved, name: restore(fresh, type_)}))

    def _fresh(self, now: Repairing, name: str) -> Iterator[Offer]:
        """Yield values that are new: of a list where there is one, else numbered on."""
        column, type_ = self.config.columns[name], now.rows.schema.field(name).type
        if column.kind is ColumnKind.CODE or name in self._listed:
            return  # a number that names nothing
        labels: Optional[Sequence[Any]] = column.enum_values
        if column.kind is ColumnKind.BOOLEAN:
            labels = [False, True]
        if column.kind.family == "text" and labels is None:
            texts = now.rows.column(name).unique().drop_null().to_pylist()
            members = vocabulary_of([str(text) for text in texts], every=True) or ()
            labels = [text for text in members if len(text) <= (column.length or len(text))] or None
        for label in labels or ():
            rows = now.wrong(self)
            yield Offer(rows, pa.table({name: pa.repeat(pa.scalar(label, type_), len(rows))}))
        for _ in range(NUMBERINGS if labels is None else 0):
            rows = now.wrong(self)
            values = self._numbered(now.rows, name, rows)
            if values is not None:
                yield Offer(rows, pa.table({name: values}))

    def _numbered(self, block: pa.Table, name: str, rows: IntArray) -> Optional[pa.Array]:
        """Return values after the largest one, numbered on; None where there is no room."""
        column = self.config.columns[name]
        values = block.column(name).combine_chunks()
        numbers = self._places(block, name, rows) + self._beyond + 1
        self._beyond = int(numbers.max(initial=self._beyond))
        if column.kind.family in ("number", "time"):
            return _counted_on(values, numbers)
        if column.kind.family != "text" or not pa.types.is_string(values.type):
            return None
        texts = values.take(pa.array(rows)).to_pylist()
        made = [_suffixed(text or "", int(n), column.length) for text, n in zip(texts, numbers)]
        return pa.array(made, values.type)

    def _places(self, block: pa.Table, name: str, rows: IntArray) -> IntArray:
        """Return the place of each row among those that need other values than it does, from 0.

        Of groups, each needs values of its own: a year beyond all others is one of all teams.
        """
        if not self.rule.grouped:
            return np.arange(len(rows))
        rest = [column for column in self.rule.columns if column != name]
        return positions_in_groups(group_codes([block], [rest])[0][rows])[0]


def _remote(now: Repairing, name: str, rows: IntArray, others: IntArray) -> Floats:
    """Return how far, from 0 to less than .5, other rows' values are from those of rows, roughly.

    Of numbers and times; by chance a little farther or nearer, so that rows do not crowd.
    """
    type_ = now.rows.schema.field(name).type
    if not (is_number(type_) or is_time(type_)):
        return np.zeros(others.shape)
    numbers = as_numbers(now.rows.column(name))
    far = np.abs(numbers[rows] - numbers[others]) * (1.0 + now.rng.random(others.shape))
    return np.asarray(np.nan_to_num(far / (2.0 * max(np.nanmax(far), 1e-12)), nan=0.5))


class _Pairs:
    """The pairs of numbers that occur."""

    def __init__(self, left: IntArray, right: IntArray) -> None:
        self._span = int(right.max(initial=0)) + 2
        self._known = np.unique(left * self._span + right)

    def has(self, left: IntArray, right: IntArray) -> Bools:
        """Return whether pairs occur; of any shape."""
        pairs = left * self._span + right
        at = np.minimum(np.searchsorted(self._known, pairs), len(self._known) - 1)
        return np.asarray(self._known[at] == pairs, dtype=np.bool_)


def _counted_on(values: pa.Array, numbers: IntArray) -> Optional[pa.Array]:
    """Continue after the largest value, in steps of the smallest gap; else below the smallest."""
    type_, plain = values.type, canonical(values.drop_null(), values.type)
    if not len(plain):
        return None
    if pa.types.is_floating(type_):
        top = float(pc.max(plain).as_py())
        return pa.array(top + numbers * max(abs(top) * 1e-6, 1e-6), type_)
    # whole numbers or decimals, exact whatever their size
    known = sorted(plain.unique().to_pylist())
    step: Any
    if pa.types.is_decimal(type_):
        step = decimal.Decimal(1).scaleb(-type_.scale)
    else:  # the common step of all values: dates that are all Mondays stay such
        step = math.gcd(*(after - before for before, after in zip(known, known[1:]))) or 1
    for end, sign in ((known[-1], 1), (known[0], -1)):
        try:
            fresh = [end + sign * int(number) * step for number in numbers]
            return restore(pa.array(fresh, plain.type), type_)
        except (pa.ArrowInvalid, OverflowError):  # beyond what the type holds
            continue
    return None


def _suffixed(text: str, number: int, length: Optional[int]) -> str:
    suffix = f"{number}"
    kept = text if length is None else text[: max(length - len(suffix), 0)]
    return kept + suffix
