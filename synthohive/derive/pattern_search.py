"""Search for copies, functional dependencies, and orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.columns import (
    CHANCE,
    CONTRADICTIONS,
    FEW_EXCEPTIONS,
    LEAST_ROWS,
    MOST_EXCEPTIONS,
    Chosen,
    Columns,
    spaced,
)
from synthohive.derive.hours import DAY, by_the_clock, day_of, told_by_the_clock
from synthohive.derive.lookup import Copy, Lookup
from synthohive.derive.mostly import Mostly
from synthohive.derive.order import Order
from synthohive.derive.points import heaviest, middle_fifth
from synthohive.derive.years import are_years, years_of
from synthohive.tables.numbers import is_number, is_time

__all__ = [
    "find_copies",
    "find_lookups",
    "find_orders",
    "on_a_list",
    "orders_between",
]

MOST_VALUES = 2_000
"""A column of more distinct values is no source of a look-up."""
MOST_ENTRIES = 20_000
LEAST_COVERED = 0.9
"""Share of rows whose combination enough entities must share."""
TIMES_CONTRADICTIONS = 12.0
"""As CONTRADICTIONS, of points in time, which come after each other more often than numbers do."""
HEAVY = 0.05
"""A value in more rows than this is better modelled as itself than as a distance."""
MORE = 2
"""So are values if there are so many times more distances."""
MOST_SOURCES = {1: 100, 2: 12}
"""Columns that are tried as sources, alone and in pairs; those of fewest values first."""
FEW = 1_000
LIKE = 20
"""Parts of the rows in which a column is alike, as far as a model tells it apart."""
TOLD = 0.5
"""A number's distance of less than this share of its spread is modelled in its place."""
FAR = 0.25
"""A distance that is spread more widely than this share of its column tells little of it."""


def find_copies(columns: Columns, chosen: Chosen) -> None:
    """Find columns that equal another, or one of the parent."""
    spread = spaced(len(columns.rows), FEW)
    few = columns.rows.take(pa.array(spread)).to_pydict()
    names = sorted(columns.rows.column_names, key=lambda n: n in columns.targets)
    for target in chosen.free():
        if columns.distinct(target) < 2:
            continue
        for source in names:
            if (
                source != target
                and _repeat(columns.type(source), columns.type(target))
                and (chosen.nearly or columns.distinct(source) == columns.distinct(target))
                and _equal(chosen, few[source], few[target])
                and chosen.add(Copy(target, source))
            ):
                break


def _equal(chosen: Chosen, one: list[Any], other: list[Any]) -> bool:
    known = [a == b for a, b in zip(one, other) if a is not None and b is not None]
    return not known or bool(chosen.hold(np.array(known)))


def _repeat(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether values of two types can be the same; a flag is also written as 0 and 1."""
    flags = [pa.types.is_boolean(type_) for type_ in (one, other)]
    numbers = [pa.types.is_integer(type_) for type_ in (one, other)]
    return one == other or (any(flags) and any(numbers))


def find_lookups(columns: Columns, chosen: Chosen) -> None:
    """Find ``a -> b`` and ``a, b -> c``, where chance would have contradicted them often.

    Text and flags come first as sources: numbers may be measures, which follow from them.
    """
    sources = [
        n
        for n in dict.fromkeys([*columns.targets, *columns.ordered, *columns.labels])
        if 1 < columns.distinct(n) <= MOST_VALUES
        and not pa.types.is_floating(columns.type(n))
        and columns.distinct(n) * 3 < len(columns.rows)
    ]
    sources.sort(key=columns.distinct)
    labels = [n for n in sources if not is_number(columns.type(n))]
    for size, loose in ((1, True), (2, True), (1, False), (2, False)):
        # Numbers are told apart by what they measure: nearly a function of one is none.
        if not loose and chosen.nearly is not None:
            break
        exceptions = 2 * MOST_EXCEPTIONS if chosen.nearly is not None else 0.0
        among = labels if loose else sources
        for names in combinations(among[: MOST_SOURCES[size]], size):
            group, count = _groups(columns, names)
            if count > min(MOST_ENTRIES, len(columns.rows) // 3):
                continue
            for target in chosen.free():
                if target not in names and _follows(columns, group, count, target, exceptions):
                    _add_lookup(columns, chosen, names, target, group)


def _groups(columns: Columns, names: tuple[str, ...]) -> tuple[IntArray, int]:
    group = columns.codes(names[0])
    for name in names[1:]:
        codes = columns.codes(name)
        joined = np.where((group < 0) | (codes < 0), -1, group * columns.distinct(name) + codes)
        distinct, dense = np.unique(joined, return_inverse=True)
        group = dense.reshape(-1) - int(distinct[0] == -1)
    return group, int(group.max(initial=-1)) + 1


def _follows(columns: Columns, group: IntArray, count: int, target: str, exceptions: float) -> bool:
    values = columns.codes(target)
    if columns.distinct(target) < 2 or columns.distinct(target) > count:
        return False
    both = np.flatnonzero((group >= 0) & (values >= 0))
    if _contradicted(group[both[:FEW]], values[both[:FEW]], count) > exceptions:
        return False  # most candidates fail here, at little cost
    if _contradicted(group[both], values[both], count) > exceptions:
        return False
    seen = len(np.unique(group[both]))
    shares = np.bincount(values[both]) / max(len(both), 1)
    # Rows that might contradict the first of their group, times the chance that they would.
    return (len(both) - seen) * (1.0 - float(shares @ shares)) >= CONTRADICTIONS


def _contradicted(group: IntArray, values: IntArray, count: int) -> float:
    """Return the share of rows with another value than the last row of their group."""
    last = np.empty(count, dtype=np.int64)
    # Where an index repeats, the last value stays: one of each group, without a sort.
    last[group] = values
    return float((last[group] != values).mean()) if len(group) else 0.0


def _add_lookup(
    columns: Columns, chosen: Chosen, sources: tuple[str, ...], target: str, group: IntArray
) -> None:
    """Keep the combinations that `k` entities share, if nearly all rows are of these."""
    known = np.flatnonzero((group >= 0) & (columns.codes(target) >= 0))
    each = group * columns.distinct(target) + columns.codes(target)
    _, codes = np.unique(each[known], return_inverse=True)
    codes = codes.reshape(-1)
    kept = known[columns.entities.take(known).holders(codes)[codes] >= columns.k]
    _, first, weights = np.unique(each[kept], return_index=True, return_counts=True)
    # Of each combination of sources, the most frequent target; others are exceptions.
    order = np.lexsort((-weights, group[kept[first]]))
    _, heaviest_first = np.unique(group[kept[first]][order], return_index=True)
    best = np.sort(order[heaviest_first])
    covered = np.isin(group[known], group[kept[first[best]]])
    if not len(best) or covered.mean() < LEAST_COVERED:
        return
    entries = columns.rows.select([*sources, target]).take(kept[first[best]]).combine_chunks()
    chosen.add(Lookup(target, sources, entries, weights[best].astype(np.int64)))


def find_orders(columns: Columns, chosen: Chosen) -> None:
    """Find columns that never lie before another, where chance alone would put them there."""
    names = columns.numeric
    if len(names) < 2:
        return
    spread = spaced(len(columns.rows), FEW)
    few = np.stack([columns.regular(n)[spread] for n in names], axis=1)
    most, orders = 0.0 if chosen.nearly is None else MOST_EXCEPTIONS, []
    free = chosen.free(whole=False)
    if chosen.nearly is not None:  # one that holds in all rows may tell less
        free += [n for n, taken in chosen.derivations.items() if type(taken) is Order]
    for i, target in enumerate(names):
        if target not in free:
            continue
        # Shape (rows, columns): one target beside all sources at once.
        beside = np.where(of_days(columns, target, names), day_of(few), few)
        for j in (j for j, n in enumerate(names) if _of_years(columns, target, n)):
            beside[:, j] = years_of(few[:, j])
        gaps = few[:, i : i + 1] - beside
        lesser = np.minimum((gaps > 0).mean(axis=0), (gaps < 0).mean(axis=0))
        one_sided = np.asarray(lesser <= 2 * most, dtype=np.bool_)
        for source in (n for n, may in zip(names, one_sided) if may and n != target):
            orders += list(orders_between(columns, target, source, most))
    # First those whose source is known in all rows: of the others, the distance is to no real date.
    orders.sort(key=lambda pair: (not pair[1].strict, not pair[1].after, pair[0]))
    later = [order for _, order in orders if not chosen.add(order)]
    for order in later:
        if chosen.nearly is None:
            _join(columns, chosen, order)
        else:
            _put_before(columns, chosen, order)


def _join(columns: Columns, chosen: Chosen, order: Order) -> None:
    """Let an order that comes too late bound the target of the one that was taken, too."""
    taken, source = chosen.derivations.get(order.target), order.source
    if type(taken) is not Order or source in taken.needs:
        return
    if chosen.depends(source, order.target):
        return
    if taken.after != order.after:
        if taken.strict and not columns.covers((source,), order.target):
            return
        chosen.derivations[order.target] = order.beside(taken)
    elif not _implied(columns, taken, order):
        centre = None if taken.strict or order.strict else taken.centre
        chosen.derivations[order.target] = replace(
            taken, beyond=(*taken.beyond, source), centre=centre, **order.read_as(taken)
        )


def _put_before(columns: Columns, chosen: Chosen, order: Order) -> None:
    """Let an order with exceptions tell more of a target than the one that holds in all rows."""
    taken = chosen.derivations.get(order.target)
    if type(taken) is not Order or not {*order.needs}.isdisjoint(taken.needs):
        return
    if chosen.depends(order.source, order.target) or chosen.nearly is None:
        return
    same, wrong = order.after == taken.after, order.violations(columns.rows)
    if same and _spread(columns, order) >= _spread(columns, taken):
        return
    kept = chosen.nearly(columns, order, wrong)
    if not same and order.target in columns.ordered and taken.after:
        # What rows follow one another by is told by where that begins; where it ends bounds that,
        # if next to no row lies beyond. Exceptions would have to be told from there.
        bounded = kept is not None and wrong.mean() <= FEW_EXCEPTIONS
        kept = order if bounded else None
    if isinstance(kept, Mostly):
        chosen.derivations[order.target] = replace(kept, also=taken)
    elif kept is not None:
        chosen.derivations[order.target] = order.beside(taken)


def _spread(columns: Columns, order: Order) -> float:
    """Return from where to where most distances to the first source lie."""
    gaps = order.target_values(columns.rows) - order.source_values(columns.rows)
    return float(np.subtract(*np.nanquantile(gaps, [0.9, 0.1])))


def _implied(columns: Columns, taken: Order, order: Order) -> bool:
    """Whether a further source never lies nearer to the target than those that are known."""
    own = order.source_values(columns.rows)
    rows = ~np.isnan(own) & ~columns.missing[taken.target]
    nearer = np.ones(len(own), dtype=np.bool_)
    for name in (taken.source, *taken.beyond):
        gap = own - taken.beside_target(columns.rows, name, taken.after)
        nearer &= ~(gap <= 0 if taken.after else gap >= 0)  # also where one is unknown
    return not bool((nearer & rows).any())


def orders_between(
    columns: Columns, target: str, source: str, most: float = 0.0
) -> Iterator[tuple[float, Order]]:
    """Yield the order of two columns, with the spread of their distance.

    Parameters
    ----------
    columns : Columns
    target, source : str
        Columns that can be calculated with; a time has an order to times only.
    most : float
        Share of rows, at most, that may break it; some do then.

    Returns
    -------
    iterator of (float, Order)
        One at most. The spread (from the 10th to the 90th percentile) is that of the distances,
        relative to the target's own: the smaller, the more the source tells.
    """
    years = _of_years(columns, target, source)
    time = is_time(columns.type(target))
    if time != is_time(columns.type(source)) and not years:
        return
    later, earlier = columns.regular(target), columns.regular(source)
    earlier = years_of(earlier) if years else earlier
    known = np.flatnonzero(~np.isnan(later) & ~np.isnan(earlier))
    if len(known) < LEAST_ROWS:
        return
    gaps, days = later[known] - earlier[known], False
    if of_days(columns, target, [source])[0] and not _one_sided(gaps, most):
        days, earlier = True, day_of(earlier)
        gaps = later[known] - earlier[known]
    after = float((gaps < 0).mean()) <= most
    wrong = gaps < 0 if after else gaps > 0
    if wrong.mean() > most or bool(most) != bool(wrong.any()):
        return
    if not _is_no_chance(later[known], earlier[known], after, wrong, dated=time or years):
        return
    known, gaps = known[~wrong], gaps[~wrong]
    step = columns.step(target)
    heavy = heaviest(later[known])
    plain = heavy < HEAVY or heaviest(gaps) > heavy / 2
    spread = float(np.subtract(*np.quantile(gaps, [0.9, 0.1])))
    own = float(np.subtract(*np.quantile(later[known], [0.9, 0.1])))
    whole = earlier if years else columns.regular(source)
    narrower = time or years or spread < TOLD * own
    listed = on_a_list(later[known], gaps)
    finer = time and step != DAY
    midnight = finer and _at_midnight(later[known], gaps)
    far = finer and spread > FAR * own and by_the_clock(later[known], earlier[known])
    distance = plain and narrower and not listed and not midnight and not far
    timed = distance and finer and not columns.points(target)
    clock = timed and told_by_the_clock(later[known], earlier[known])
    low, high = columns.entities.ends(later, columns.k, step) or (None, None)
    names = [name for name in (target, source) if columns.points(name)]
    order = Order(
        target, source, after, step, distance, low=low, high=high,
        points=columns.points(target), unknown={n: columns.points(n) for n in names if n == source},
        centre=_centre(columns.regular(target), whole, DAY if clock else step), clock=clock,
        days=(source,) if days else (), years=(source,) if years else (),
    )  # fmt: skip
    yield spread / max(own, 1e-12), order


def of_days(columns: Columns, target: str, sources: Sequence[str]) -> Bools:
    """Return beside which sources a target is a date beside moments, of which the day counts."""
    dates = is_time(columns.type(target)) and columns.step(target) >= DAY
    found = [dates and is_time(columns.type(n)) and columns.step(n) < DAY for n in sources]
    return np.array(found, dtype=np.bool_)


def _of_years(columns: Columns, target: str, source: str) -> bool:
    """Return whether a target is a year beside a date."""
    return is_time(columns.type(source)) and are_years(columns.rows.column(target))


def _one_sided(gaps: Floats, most: float) -> bool:
    return bool(min((gaps < 0).mean(), (gaps > 0).mean()) <= most)


def _is_no_chance(
    later: Floats, earlier: Floats, after: bool, wrong: Bools, *, dated: bool
) -> bool:
    """Whether chance would put rows on the wrong side of an order, and far more than it has."""
    # Shuffled, the same values show how often chance puts one on the wrong side.
    shuffled = later[np.random.default_rng(0).permutation(len(later))] - earlier
    broken = (shuffled < 0 if after else shuffled > 0).mean() * len(later)
    least = TIMES_CONTRADICTIONS if dated else CONTRADICTIONS
    if broken < max(least, 0.01 * len(later)):
        return False
    if dated or not wrong.any():
        return True
    return bool(wrong.mean() <= CHANCE * _by_like_rows(later, earlier, after))


def _by_like_rows(later: Floats, earlier: Floats, after: bool) -> float:
    """Return the share of rows on the wrong side if each had the target of one of like source.

    That is what a model does that knows two columns up to their bins. An order that is not broken
    far more often by it is none: it follows from how large the numbers are.
    """
    rng, order = np.random.default_rng(0), np.argsort(earlier, kind="stable")
    mixed = [rng.permutation(part) for part in np.array_split(order, LIKE)]
    gaps = later[np.concatenate(mixed)] - earlier[order]
    return float((gaps < 0 if after else gaps > 0).mean())


def _centre(target: Floats, source: Floats, step: float) -> Optional[float]:
    """Return from where distances count where no source is known; None where no target is.

    It lies on a grid of `step`, if that is not 0.
    """
    unknown = np.isnan(source)
    if not (unknown & ~np.isnan(target)).any():
        return None
    middle = middle_fifth(source[~unknown])
    return float(np.rint(middle / step) * step) if step else middle


def _at_midnight(moments: Floats, gaps: Floats) -> bool:
    """Whether many moments, but not all, are a day's beginning, which distances would not tell."""
    share = float((moments % DAY == 0).mean())
    return share >= HEAVY and float((gaps % DAY == 0).mean()) < share / 2


def on_a_list(values: Floats, gaps: Floats) -> bool:
    """Whether values are few and would be many, were they made up from gaps."""
    return MORE * len(np.unique(values)) < len(np.unique(gaps))
