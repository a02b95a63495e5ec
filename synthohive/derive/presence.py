"""Columns that are NULL where another column says so: a category, its own NULLs, its range."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive._display import listed, percent
from synthohive._readable import Readable
from synthohive.derive.columns import (
    CHANCE,
    CONTRADICTIONS,
    FEW_EXCEPTIONS,
    LEAST_ROWS,
    MOST_EXCEPTIONS,
    Chosen,
    Columns,
)
from synthohive.io.questions import Terms
from synthohive.tables.numbers import as_numbers, is_time, nulls
from synthohive.tables.roles import exception_column

__all__ = [
    "Groups",
    "Presence",
    "Value",
    "categories",
    "donors",
    "find_nulls",
    "is_category",
    "nulls_by_category",
    "with_nulls",
]

Value = Union[str, int, bool, None]

SURE = 7.0
"""A value decides if chance would let it with a probability below exp(-7)."""
MOST_VALUES = 50
TOGETHER = 12.0
"""As CONTRADICTIONS, of columns that are NULL in the very same rows, as parts of one thing are."""
SHOWN = 5
FEW = 2_000
"""Rows that refute most candidates at little cost."""


@dataclass(frozen=True)
class Presence(Readable):
    """Where a column is NULL, by the value of another one.

    Attributes
    ----------
    target, source : str
    by_value : bool
        The source's values decide; else whether it is NULL: ``True`` and ``False`` then.
    always, never : tuple
        The values (None for NULL) beside which the target is always NULL, or never. Beside others
        it may be.
    exact : bool
        All values decide.
    edges : tuple of float
        Of a number or time, where its values are cut: `always` and `never` are the parts, from 0.
        What is still open is so among the latest rows only.
    share : float
        Of the rows beside other values, those that are NULL.
    dated : bool
        The edges are points in time.
    flag : str, optional
        The column, modelled besides, that is NULL in all rows but the exceptions; if there are any.
    holds : float
        The share of real rows that are none.
    """

    target: str
    source: str
    by_value: bool
    always: tuple[Value, ...]
    never: tuple[Value, ...]
    exact: bool
    edges: tuple[float, ...] = ()
    share: float = 0.0
    dated: bool = False
    flag: Optional[str] = None
    holds: float = 1.0

    @property
    def needs(self) -> tuple[str, ...]:
        """The column that says so, and that of the exceptions."""
        return (self.source,) if self.flag is None else (self.source, self.flag)

    @property
    def rule(self) -> Presence:
        """The same without exceptions."""
        return replace(self, flag=None)

    def exceptions(self, rows: pa.Table) -> Bools:
        """Return the rows, of real ones, in which the rule does not hold."""
        missing = nulls(rows.column(self.target))
        always, never = self._among(rows, self.always), self._among(rows, self.never)
        return (always & ~missing) | (never & missing)

    def learned(self, rows: pa.Table) -> pa.Array:
        """Return what is modelled besides, of real rows."""
        return pa.array(np.ones(len(rows), dtype=np.bool_), mask=~self.exceptions(rows))

    def decides(self, rows: pa.Table) -> Bools:
        """Return the rows beside a value that decides, but for exceptions."""
        return self._among(rows, self.always) | self._among(rows, self.never)

    def follows(self, rows: pa.Table) -> Bools:
        """Return the real rows in which the target's NULL is told by the rule, or its exception."""
        return self.decides(rows) & nulls(rows.column(self.target))

    def _among(self, rows: pa.Table, values: Collection[Value]) -> Bools:
        column = rows.column(self.source)
        if self.edges:
            return np.isin(
                _parts(as_numbers(column), self.edges), [v for v in values if v is not None]
            )
        if not self.by_value:
            return np.isin(nulls(column), np.array(list(values), dtype=np.bool_))
        known, missing = [value for value in values if value is not None], nulls(column)
        mask = np.zeros(len(missing), dtype=np.bool_)
        if known:
            found = pc.is_in(column, value_set=pa.array(known).cast(column.type))
            mask = np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_) & ~missing
        return mask | missing if None in values else mask

    def _told(self, rows: pa.Table) -> tuple[Bools, Bools]:
        """Return where the target is NULL, and where it never is."""
        always, never = self._among(rows, self.always), self._among(rows, self.never)
        if self.flag is None or self.flag not in rows.column_names:
            return always, never
        odd = ~nulls(rows.column(self.flag))
        return np.where(odd, never, always), np.where(odd, always, never)

    def empty(self, rows: pa.Table) -> Bools:
        """Return the rows in which the target is NULL."""
        return self._told(rows)[0]

    def kept(self, rows: pa.Table) -> Bools:
        """Return the rows in which the target is never NULL."""
        return self._told(rows)[1]

    def filled(self, rows: pa.Table, array: Any, rng: np.random.Generator) -> Any:
        """Return values without NULLs in rows that have none: others' in their place.

        These are NULL instead in rows that may be, as far as too few of such are.

        Parameters
        ----------
        rows : pyarrow.Table
            With the column that decides.
        array : pyarrow.Array or ChunkedArray
            Values of the target, one for each row.
        rng : numpy.random.Generator
            Draws whose values are taken, and which rows are NULL instead.
        """
        kept = self.kept(rows)
        lacking = nulls(array) & kept
        if not lacking.any():
            return array
        array = array.take(pa.array(donors(array, lacking, rng)))
        able, missing = ~kept & ~self.empty(rows), nulls(array)
        # What was NULL in the wrong rows becomes NULL in others: the share stays.
        short = round(self.share * int(able.sum())) - int((able & missing).sum())
        turned = rng.permutation(np.flatnonzero(able & ~missing))
        mask = np.zeros(len(array), dtype=np.bool_)
        mask[turned[: max(min(short, int(lacking.sum())), 0)]] = True
        return with_nulls(array, pa.array(mask)) if mask.any() else array

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows that break the rule; exceptions do not, where it has any."""
        if self.flag is not None and self.flag not in rows.column_names:
            return np.zeros(len(rows), dtype=np.bool_)
        missing, (empty, kept) = nulls(rows.column(self.target)), self._told(rows)
        return np.asarray((empty & ~missing) | (kept & missing), dtype=np.bool_)

    def fine(self, ask: Terms) -> Any:
        """Return a condition of SQL that is true in no row that breaks the rule."""
        empty, unknown = ask.missing(self.target), ask.missing(self.source)
        always, never = None in self.always, None in self.never
        if not self.by_value:  # True says that the source is NULL
            always, never = True in self.always, True in self.never
            decided = empty if False in self.always else ~empty
            known = decided if False in {*self.always, *self.never} else ask.plain(True)
        else:
            in_always, in_never = (self._asked(ask, v) for v in (self.always, self.never))
            known = (in_always & empty) | (in_never & ~empty) | (~in_always & ~in_never)
        beside_null = empty if always else ~empty if never else ask.plain(True)
        return (unknown & beside_null) | (~unknown & known)

    def _asked(self, ask: Terms, values: Collection[Value]) -> Any:
        """Return the condition that the source, which is not NULL, has one of some values."""
        known = [value for value in values if value is not None]
        if not self.edges:
            return ask.one_of(self.source, known) if known else ask.plain(False)
        number, found = ask.number(self.source), ask.plain(False)
        for part in map(int, known):
            between = ask.plain(True)
            if part > 0:
                between &= number >= ask.plain(self.edges[part - 1])
            if part < len(self.edges):
                between &= number < ask.plain(self.edges[part])
            found |= between
        return found

    def narrowed(self, rows: pa.Table) -> Optional[Presence]:
        """Return what no row contradicts; None where nothing is left."""
        if not self.violations(rows).any():
            return self
        missing = nulls(rows.column(self.target))
        always = [v for v in self.always if not (self._among(rows, [v]) & ~missing).any()]
        never = [v for v in self.never if not (self._among(rows, [v]) & missing).any()]
        if not always and not never:
            return None
        return replace(self, always=tuple(always), never=tuple(never), exact=False)

    def __str__(self) -> str:
        return self._said() + ("" if self.flag is None else f" in {percent(self.holds)} of rows")

    def _said(self) -> str:
        if self.edges:
            return self._of_edges()
        if self.by_value:
            values = self.always or self.never
            names = ["NULL" if value is None else repr(value) for value in values]
            said = f"{self.source} is {listed(names, SHOWN)}"
        else:
            said = f"{self.source} is" + ("" if (self.always or self.never)[0] else " not")
        if not self.always:
            return f"{self.target} is never NULL where {said}"
        return f"{self.target} is NULL {'exactly where' if self.exact else 'wherever'} {said}"

    def _of_edges(self) -> str:
        low, high = (
            str(np.datetime64(int(edge), "s")) if self.dated else f"{edge:g}"
            for edge in (self.edges[0], self.edges[-1])
        )
        said = [(self.always, ""), (self.never, "never ")]
        under, over = ("before", "after") if self.dated else ("below", "above")
        parts = []
        for values, word in said:
            sides = [f"{under} {low}"] if 0 in values else []
            sides += [f"{over} {high}"] if len(self.edges) in values else []
            parts += [f"{word}NULL where {self.source} is {' or '.join(sides)}"] if sides else []
        return f"{self.target} is " + " and ".join(parts)


def _parts(numbers: Floats, edges: Sequence[float]) -> IntArray:
    """Return between which edges numbers lie, -1 for NULL."""
    found = np.searchsorted(np.array(edges), numbers, side="right")
    return np.where(np.isnan(numbers), -1, found).astype(np.int64)


def donors(array: Any, mask: Bools, rng: np.random.Generator) -> IntArray:
    """Return the row that each value is taken from: masked ones from others, at random.

    Parameters
    ----------
    array : pyarrow.Array or ChunkedArray
    mask : ndarray of bool, shape (rows,)
        The values to be replaced.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (rows,)
        What to `take`: a masked row's is one that is neither masked nor NULL, where there is any.
    """
    known, index = np.flatnonzero(~mask & ~nulls(array)), np.arange(len(array), dtype=np.int64)
    if len(known):
        index[mask] = rng.choice(known, int(mask.sum()))
    return index


def with_nulls(array: Any, mask: Any) -> Any:
    """Return an array with NULL where a mask is set."""
    mask = mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask
    return pc.if_else(mask, pa.scalar(None, array.type), array)


def is_category(type_: pa.DataType) -> bool:
    """Whether values of a type may be categories."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_boolean, pa.types.is_integer)
    return any(test(type_) for test in tests)


def find_nulls(columns: Columns, chosen: Chosen, flags: Collection[str]) -> dict[str, Presence]:
    """Return, for columns whose NULLs another one decides, how: the one that decides most.

    Parameters
    ----------
    flags : collection of str
        Of the columns that follow wholly from others, those that have NULLs of their own.
    """
    found: dict[str, Presence] = {}
    own = {*columns.targets, *columns.ordered, *columns.labels}
    known = {*own, *(n for n in columns.numeric if "." in n)}
    names = [name for name in columns.rows.column_names if name not in columns.made_up]
    groups = [group for name in names for group in _groups(columns, name)]
    for target in columns.targets:
        relation = chosen.derivations.get(target)
        whole = relation is not None and relation.whole and target not in flags
        missing = columns.missing[target]
        if whole or not missing.any() or missing.all():
            continue
        sources = (name for name in columns.numeric if name in known and name != target)
        ranges = [_ranges(columns, target, name) for name in sources]
        every = [*groups, *(group for group in ranges if group is not None)]
        best = _rules(columns, target, every)
        if not best or not best[0].exact:  # with exceptions, another may decide more
            best = _most_decided(
                [*best, *_rules(columns, target, groups, MOST_EXCEPTIONS)], columns
            )
        anchors = {name: presence.source for name, presence in found.items()}
        for presence in best:
            if target not in chosen.above(presence.source, anchors):
                found[target] = presence
                break
    return found


def nulls_by_category(columns: Columns, target: str) -> Optional[Presence]:
    """Return how a category decides where a column is NULL: the one that decides most."""
    groups = (group for name in columns.targets for group in categories(columns, name))
    missing = columns.missing[target]
    some = missing.any() and not missing.all()
    return next(iter(_rules(columns, target, groups)), None) if some else None


def _rules(
    columns: Columns, target: str, groups: Iterable[Groups], most: float = 0.0
) -> list[Presence]:
    """Return how groups of rows decide where a column is NULL, what decides most first.

    Of the rows that each decides, a share of at most `most` is none that it decides rightly.
    """
    others = (group for group in groups if group.source != target)
    missing = columns.missing[target]
    tried = (_decided(columns, missing, target, group, most) for group in others)
    best = sorted((pair for pair in tried if pair is not None), key=lambda pair: -pair[0])
    return [presence for _, presence in best]


def _most_decided(rules: Sequence[Presence], columns: Columns) -> list[Presence]:
    """Return rules by how many rows they decide, the first of equal ones first."""
    decided = {id(rule): int(rule.decides(columns.rows).sum()) for rule in rules}
    return sorted(rules, key=lambda rule: -decided[id(rule)])


@dataclass(frozen=True)
class Groups:
    """The rows by what a column holds, or by whether it is NULL.

    Attributes
    ----------
    codes : ndarray of int64
        Of each row, the place of its value in `values`.
    shown : ndarray of bool
        The values that enough entities share.
    """

    source: str
    by_value: bool
    codes: IntArray
    values: tuple[Value, ...]
    shown: Bools
    edges: tuple[float, ...] = ()


def _ranges(columns: Columns, target: str, source: str) -> Optional[Groups]:
    """Return the rows before and after those in which a column is sometimes NULL, sometimes not.

    An edge is not that of the first open row, but the mean of what `k` entities before it have.
    """
    numbers, missing = columns.regular(source), columns.missing[target]
    known = ~np.isnan(numbers)
    ends = [numbers[known & side] for side in (missing, ~missing)]
    if not all(map(len, ends)):
        return None
    first = max(float(end.min()) for end in ends)  # before it, all are NULL or none
    last = min(float(end.max()) for end in ends)
    edges = []
    for beyond, sign in ((numbers < first, 1.0), (numbers > last, -1.0)):
        rows = np.flatnonzero(beyond)
        rows = rows[np.argsort(-sign * numbers[rows], kind="stable")]
        at = columns.entities.take(rows).passed(max(columns.k, 2))
        if at is not None:
            edges.append(float(numbers[rows[: at + 1]].mean()))
    if not edges:
        return None
    codes, size = _parts(numbers, edges), len(edges) + 1
    shown = columns.entities.holders(codes, size) >= columns.k
    return Groups(source, True, codes, tuple(range(size)), shown, tuple(edges))


def _groups(columns: Columns, source: str) -> Iterator[Groups]:
    """Yield in which ways a column may decide; none where it is not known by then."""
    own = source in columns.targets
    if own and columns.missing[source].any():
        codes = columns.missing[source].astype(np.int64)
        shown = columns.entities.holders(codes, 2) >= columns.k
        yield Groups(source, False, codes, (False, True), shown)
    yield from categories(columns, source)


def categories(columns: Columns, source: str) -> Iterator[Groups]:
    """Yield the rows by what a column holds, if that are categories, known by then."""
    known = source in columns.targets or source in columns.labels or "." in source
    if known and is_category(columns.type(source)) and 1 < columns.distinct(source) <= MOST_VALUES:
        codes = columns.codes(source)
        first = np.unique(codes, return_index=True)[1]
        values = tuple(columns.rows.column(source).take(pa.array(first)).to_pylist())
        codes = codes - int(codes.min(initial=0))  # NULL is the first, where there is any
        shown = columns.entities.holders(codes, len(values)) >= columns.k
        yield Groups(source, True, codes, values, shown)


def _decided(
    columns: Columns, missing: Bools, target: str, group: Groups, most: float
) -> Optional[tuple[float, Presence]]:
    """Return the rule by groups of rows, and how often chance would have broken it."""
    size = len(group.values)
    few, some = group.codes[:FEW], missing[:FEW]
    seen, of = (np.bincount(few[few >= 0], w, size) for w in (some[few >= 0], None))
    if ((seen > 2 * most * of) & (of - seen > 2 * most * of)).all():
        return None  # beside each value, it may be NULL or not
    share = float(missing.mean())
    known = group.codes >= 0
    count = np.bincount(group.codes[known], minlength=size)
    empty = np.bincount(group.codes[missing & known], minlength=size)
    # share ** count is the chance that so many rows are all NULL by accident.
    few_known = count - empty <= min(most, CHANCE * (1.0 - share)) * count
    few_empty = empty <= min(most, CHANCE * share) * count
    always = group.shown & few_known & (-count * np.log(share) >= SURE)
    never = group.shown & few_empty & (-count * np.log1p(-share) >= SURE)
    by_chance = float((count * always).sum() * (1.0 - share) + (count * never).sum() * share)
    together = not group.by_value and most == 0.0 and bool((always | never).all())
    least = TOGETHER if together else CONTRADICTIONS
    if by_chance < least or int((count * (always | never)).sum()) < LEAST_ROWS:
        return None
    may = ~(always | never)[group.codes] | ~known
    rule = Presence(
        target,
        group.source,
        group.by_value,
        _sorted(group.values, always),
        _sorted(group.values, never),
        bool((always | never).all() and known.all()),
        group.edges,
        float(missing[may].mean()) if may.any() else 0.0,
        bool(group.edges) and is_time(columns.type(group.source)),
    )
    kept = rule if most == 0.0 else _with_flag(columns, rule, int((count * (always | never)).sum()))
    return None if kept is None else (by_chance, kept)


def _with_flag(columns: Columns, rule: Presence, rows: int) -> Optional[Presence]:
    """Return a rule with its exceptions, if enough entities have any; else as if it had none."""
    wrong = rule.exceptions(columns.rows)
    share = int(wrong.sum()) / max(rows, 1)
    if not columns.shared(wrong):
        return rule if share <= FEW_EXCEPTIONS else None
    return replace(rule, flag=exception_column(rule.target), holds=1.0 - float(wrong.mean()))


def _sorted(values: tuple[Value, ...], which: Bools) -> tuple[Value, ...]:
    """Return some values in an order that tells nothing of rows."""
    found = (values[i] for i in np.flatnonzero(which))
    return tuple(sorted(found, key=lambda value: (value is None, str(value))))
