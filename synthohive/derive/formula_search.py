"""Search for formulas: linear combinations by least squares, products by trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns, spaced
from synthohive.derive.formula import Factor, Formula, Term, rounding_of
from synthohive.derive.points import most_frequent
from synthohive.tables.numbers import as_numbers, is_number, is_time

__all__ = [
    "factors_of",
    "find_linear",
    "find_products",
    "find_rates",
    "find_steps",
    "find_sums",
    "simple_numbers",
]

FIT_ROWS = 2_000
TRIAL_ROWS = 64
QUICK_ROWS = 4
MOST_COLUMNS, MOST_IN_PAIRS = 24, 150
"""Among so many columns, three or two sources are looked for."""
LEAST_DET = 1e-9
"""Of sources' correlations: below, one follows from the others."""
ROUNDING = 1e-6
"""By how much shares of a variance may differ that were summed up in another order."""
MOST_FACTORS = 3
MOST_DIGITS = 3
"""Of a number in a rate: a longer one may be found by chance."""
DRAWN, DRAWS = 24, 12
"""Rows drawn at once, and how often: of 5 % exceptions, three draws of ten have none."""
MORE_BITS = 0.5
"""By how much a part of a sum must tell more than the sum, to follow in its place."""
LEAST_STEPS = 5
"""Standard deviation, in steps, of what a rounded formula gives; fewer fit by chance."""
LEAST_BITS = 69.0
"""What a target's values tell together; to be hit by one of some ten thousand products by chance,
each value is worth the logarithm of its room. Of rounded ones that spread over five steps, 30 are
needed; of amounts in cents that spread over hundreds, five."""
EXACT_BITS = 20.0
"""What a value without a step tells: products are compared to a millionth."""
_DIGITS = range(2, 10)
_BASES = (1, 2, 3, 4, 5, 7, 9, 10, 12, 16, 24, 60, 100, 365, 1_000, 3_600, 86_400)


def _complete(columns: Columns, names: list[str]) -> tuple[list[str], Floats]:
    """Return columns and rows so that no NULL is left; the emptiest columns go first."""
    names = list(names)
    while names:
        missing = np.any([columns.missing[n] for n in names], axis=0)
        rows = np.flatnonzero(~missing)
        if len(rows) >= max(LEAST_ROWS, len(missing) // 4):
            spread = rows[spaced(len(rows), FIT_ROWS)]
            return names, np.stack([columns.numbers(n)[spread] for n in names], axis=1)
        names.remove(max(names, key=lambda n: columns.missing[n].sum()))
    return [], np.empty((0, 0))


def find_sums(columns: Columns, chosen: Chosen) -> None:
    """Find ``y = a + b`` and ``a + b + c`` by trial: least squares needs sources that differ.

    Of the columns of such a sum that one follows whose values tell clearly most, so that the least
    is left to be learned: games are nearly always 162, so losses are games less wins.
    """
    names, values = _complete(columns, columns.numeric)
    values = values[:TRIAL_ROWS].T
    for size, most in ((2, MOST_IN_PAIRS), (3, MOST_COLUMNS)):
        among = range(min(len(names), most))
        sets = np.array(list(combinations(among, size)), dtype=int).reshape(-1, size)
        few = values[sets, :QUICK_ROWS].sum(axis=1)  # (sets, rows)
        for y, target in enumerate(names):
            if target not in chosen.free():
                continue
            tiny = 1e-9 * max(float(np.abs(values[y]).max()), 1.0)
            off = np.abs(few - values[y, :QUICK_ROWS])
            for hit in sets[chosen.hold(off <= tiny)]:
                if y not in hit and chosen.hold(
                    np.isclose(values[hit].sum(axis=0), values[y], atol=tiny)
                ):
                    parts = [names[i] for i in hit]
                    for formula in _solved(columns, target, parts):
                        if chosen.add(formula):
                            break


def _solved(columns: Columns, total: str, parts: Sequence[str]) -> Iterator[Formula]:
    """Yield a sum, solved for one of its parts first where that one tells clearly more."""
    step = columns.step(total)
    alike = all(columns.step(n) == step and columns.type(n) == columns.type(total) for n in parts)
    most = max(parts, key=columns.bits)
    if alike and most in columns.targets and columns.bits(most) > columns.bits(total) + MORE_BITS:
        others = (Term(-1.0, (Factor(n),)) for n in parts if n != most)
        yield Formula(most, (Term(1.0, (Factor(total),)), *others), step)
    yield Formula(total, tuple(Term(1.0, (Factor(n),)) for n in parts), step)


def find_steps(columns: Columns, chosen: Chosen) -> None:
    """Find ``depth = parent.depth + 1``, of the column of that name."""
    for source in columns.numeric:
        target = source.rpartition(".")[2]
        if source != target and target in chosen.free() and is_number(columns.type(target)):
            step = columns.numbers(target) - columns.numbers(source)
            step = step[~np.isnan(step)]
            if len(step) and step[0]:
                terms = Term(1.0, (Factor(source),)), Term(float(step[0]))
                chosen.add(Formula(target, terms, columns.step(target)))


def find_linear(columns: Columns, chosen: Chosen) -> None:
    """Find ``y = a*x + b*z + … + c``, up to three sources, the fewest first."""
    names, values = _complete(columns, columns.numeric)
    if len(names) < 2:
        return
    if chosen.nearly is None:
        _find_linear(columns, chosen, names, values)
        return
    # Least squares bear no exception: of a few rows, drawn several times, some have none.
    rng = np.random.default_rng(0)
    for _ in range(DRAWS if len(values) > DRAWN else 0):
        few = np.sort(rng.choice(len(values), DRAWN, replace=False))
        _find_linear(columns, chosen, names, values[few])


def _find_linear(columns: Columns, chosen: Chosen, names: list[str], values: Floats) -> None:
    """Find linear combinations by rows of some columns without a NULL."""
    centered = values - values.mean(axis=0)
    spread = centered.std(axis=0)
    if not spread.all():
        keep = spread > 0
        names = [n for n, kept in zip(names, keep) if kept]
        values, centered, spread = values[:, keep], centered[:, keep], spread[keep]
    scaled = centered / spread
    gram = scaled.T @ scaled / len(scaled)
    most = 1 + (len(names) <= MOST_IN_PAIRS) + (len(names) <= MOST_COLUMNS)
    by_size = sorted(range(len(names)), key=lambda i: -columns.distinct(names[i]))
    for exact, size in product((True, False), range(1, most + 1)):
        for y in by_size:
            if names[y] not in chosen.free():
                continue
            step = 0.0 if exact else columns.step(names[y]) / spread[y]
            if not exact and not 0 < step * LEAST_STEPS <= 1:
                continue
            # In standard deviations, rounding to a step leaves a variance of step^2 / 12: 0.15 is
            # that, with room for a sample.
            for x in _candidates(gram, y, size, 0.15 * step**2 + 1e-9):
                formulas = _formulas(columns, names, values, y, x, exact)
                if not exact and size == 1:
                    back = _formulas(columns, names, values, x[0], (y,), exact)
                    formulas = _best_first(columns, [*formulas, *back])
                if any(chosen.add(formula) for formula in formulas):
                    break


def _best_first(columns: Columns, formulas: Sequence[Formula]) -> Iterator[Formula]:
    """Yield formulas by how many rows they do not give again: what is rounded follows one way."""

    def off(formula: Formula) -> int:
        given = as_numbers(rows.column(formula.target))
        return int((np.asarray(formula.decode(rows)) != given).sum())

    rows = columns.rows.slice(0, FIT_ROWS)
    yield from sorted(formulas, key=off)


def _candidates(gram: Floats, y: int, size: int, least: float) -> Iterator[tuple[int, ...]]:
    """Yield the sets of sources that leave next to nothing of the target's variance."""
    others = np.delete(np.arange(len(gram)), y)
    if size == 1:
        yield from ((int(i),) for i in others[1.0 - gram[others, y] ** 2 <= least])
        return
    if size == 2:
        others = _explaining_pairs(gram, y, others, least)
    sets = np.array(list(combinations(others.tolist(), size)), dtype=np.intp).reshape(-1, size)
    # All at once; what may pass by a rounding error is looked at again.
    sets = sets[np.linalg.det(gram[sets[:, :, None], sets[:, None, :]]) >= LEAST_DET]
    inner, outer = gram[sets[:, :, None], sets[:, None, :]], gram[sets, y]
    weights = np.linalg.solve(inner, outer[:, :, None])[:, :, 0]
    left = 1.0 - (outer * weights).sum(axis=1)
    for x in map(tuple, sets[left <= least + ROUNDING].tolist()):
        inner, outer = gram[np.ix_(x, x)], gram[list(x), y]
        given = np.linalg.solve(inner, outer)
        # Of standardised columns, this is the share of the variance that sources leave.
        if 1.0 - outer @ given <= least and (np.abs(given) > 1e-6).all():
            yield x


def _explaining_pairs(gram: Floats, y: int, others: IntArray, least: float) -> IntArray:
    """Return the columns that occur in a pair which explains the target."""
    own, between = gram[others, y], gram[np.ix_(others, others)]
    # The R^2 of two regressors at once, from correlations: shape (others, others).
    free = 1.0 - between**2
    joint = own[:, None] ** 2 + own**2 - 2.0 * np.outer(own, own) * between
    explained = np.divide(joint, free, out=np.zeros_like(joint), where=free > 1e-9)
    return np.asarray(others[(1.0 - explained <= least).any(axis=1)])


def _formulas(
    columns: Columns, names: list[str], values: Floats, y: int, x: tuple[int, ...], exact: bool
) -> Iterator[Formula]:
    """Snap least-squares coefficients to simple numbers that hold exactly."""
    given, sources = values[:, y], values[:, list(x)]
    centered = sources - sources.mean(axis=0)
    fitted = np.linalg.lstsq(centered, given - given.mean(), rcond=None)[0]
    step = columns.step(names[y])
    tiny = 1e-9 * max(float(np.abs(given).max()), 1.0)
    tolerance = tiny if exact else step
    for simple in simple_numbers(fitted):
        rest = given - sources @ simple
        # Only how far the rest spreads: where it lies is the constant.
        width = float(rest.max() - rest.min())
        if width > tolerance * (1 + 1e-6):
            continue
        # What moves a target by its last digit or less says at most how that was rounded.
        if not exact and (np.abs(simple) * np.ptp(sources, axis=0) <= step).any():
            continue
        terms = [Term(float(c), (Factor(names[i]),)) for c, i in zip(simple, x)]
        constants = dict.fromkeys(
            [0.0, _near(rest.mean(), step or 1.0), round(float(rest.mean()), 6)]
        )
        for constant in constants:
            over = rest - constant
            rounding = rounding_of(over, step) if step else "nearest"
            if rounding is None:
                continue
            full = (*terms, Term(constant)) if constant else tuple(terms)
            yield Formula(names[y], full, step, rounding)


def _near(value: float, step: float) -> float:
    return round(float(np.rint(value / step) * step), 9)


def simple_numbers(fitted: Floats) -> Iterator[Floats]:
    """Yield ever less simple numbers near the fitted coefficients."""
    for base in _BASES:
        near = np.rint(fitted * base) / base
        if (np.abs(near - fitted) <= 0.01 * np.abs(fitted) + 1e-12).all() and near.all():
            yield near
    fractions = np.array([float(Fraction(float(c)).limit_denominator(1_000)) for c in fitted])
    if fractions.all():
        yield fractions
    for digits in _DIGITS:
        yield np.array([float(f"{c:.{digits}g}") for c in fitted])


def find_products(columns: Columns, chosen: Chosen) -> None:
    """Find ``y = a*b``, ``a/b``, ``a*(1-b)``, ``a*b*(1-b)``…, two or three factors."""
    names = _complete(columns, columns.numeric)[0]
    names = [n for n in names if columns.step(n) < 86_400 or not columns.step(n)][:MOST_COLUMNS]
    if len(names) < 2:
        return
    factors = [f for n in names for f in factors_of(columns, n)]
    rows = np.flatnonzero(~np.any([columns.missing[n] for n in names], axis=0))

    def tried(some: IntArray) -> tuple[dict[str, Floats], Floats]:
        spread = some[spaced(len(some), TRIAL_ROWS)]
        numbers = {n: columns.numbers(n)[spread] for n in names}
        return numbers, np.stack([f.of(numbers) for f in factors])  # (factors, rows)

    of_all = tried(rows) if chosen.nearly is None else None
    for target in sorted(names, key=lambda n: -columns.distinct(n)):
        own, step = columns.numbers(target)[rows], columns.step(target)
        if target not in chosen.free() or not _telling(own, columns.distinct(target), step):
            continue
        # where most are 0, so are most products: exceptions are told by the other rows
        numbers, table = of_all or tried(rows[own != most_frequent(own)])
        tolerance = 0.51 * step if step else 1e-6 * np.abs(numbers[target]).max()
        given = numbers[target]
        for term in _products(factors, table, given, target, tolerance, chosen.hold):
            if chosen.add(Formula(target, (term,), step)):
                break


def _telling(values: Floats, distinct: int, step: float) -> bool:
    """Whether a product that gives all values of a target is unlikely to do so by chance.

    Examples
    --------
    >>> prices, marks = np.array([9.5, 19.99, 120.0, 240.0, 850.0]), np.arange(1.0, 7.0)
    >>> _telling(prices, 5, 0.01), _telling(marks, 6, 1.0)
    (True, False)
    """
    if not step:
        return distinct * EXACT_BITS >= LEAST_BITS
    room = float(values.std()) / step
    return room >= LEAST_STEPS and distinct * min(float(np.log2(room)), EXACT_BITS) >= LEAST_BITS


def find_rates(columns: Columns, chosen: Chosen) -> None:
    """Find ``y = c*a/b`` and ``c*a*b`` with a short number in it, as of rates: 27 * runs / outs."""
    names = _complete(columns, columns.numeric)[0][:MOST_IN_PAIRS]
    names = [n for n in names if not is_time(columns.type(n))]
    if len(names) < MOST_FACTORS:
        return
    rows = np.flatnonzero(~np.any([columns.missing[n] for n in names], axis=0))
    for target in sorted(names, key=lambda n: -columns.distinct(n)):
        step, own = columns.step(target), columns.numbers(target)[rows]
        above = rows[own > 0]
        if target not in chosen.free() or not step or len(above) < LEAST_ROWS:
            continue
        if not _telling(own, columns.distinct(target), step):
            continue
        spread = above[spaced(len(above), TRIAL_ROWS)]
        given = columns.numbers(target)[spread]
        for term in _rates(columns, [n for n in names if n != target], spread, given, step):
            if chosen.add(Formula(target, (term,), step)):
                break


def _rates(
    columns: Columns, names: list[str], rows: IntArray, given: Floats, step: float
) -> Iterator[Term]:
    """Yield the products of a number and two columns that give some rows, up to rounding."""
    values = np.stack([columns.numbers(n)[rows] for n in names])  # (columns, rows)
    for over, power in product(range(len(names)), (-1, 1)):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            size = values * values[over] ** float(power)
            low = ((given - 0.5 * step) / size).max(axis=1)
            high = ((given + 0.5 * step) / size).min(axis=1)
        # a product of 0 gives no number that is more than 0: infinity would be needed
        for i in np.flatnonzero((low > 0) & (low <= high) & np.isfinite(low)):
            number = _shortest(float(low[i]), float(high[i]))
            if number is not None and i != over and (power < 0 or i < over):
                yield Term(number, (Factor(names[i]), Factor(names[over], power=power)))


def _shortest(low: float, high: float) -> Optional[float]:
    """Return the number of fewest digits between two ends; None if that has many.

    Examples
    --------
    >>> _shortest(26.93, 27.02), _shortest(0.4529, 0.4541), _shortest(0.45311, 0.45312)
    (27.0, 0.454, None)
    """
    middle = (low + high) / 2
    near = (float(f"{middle:.{digits}g}") for digits in range(1, MOST_DIGITS + 1))
    return next((number for number in near if low <= number <= high), None)


def factors_of(columns: Columns, name: str) -> Iterator[Factor]:
    """Yield a column as a factor: itself, its inverse; a share also as 1 - x and 1 + x.

    Only positive numbers are divided by, as drawn ones could be zero else.
    """
    yield Factor(name)
    values = columns.numbers(name)
    if np.nanmin(values) > 0:
        yield Factor(name, power=-1)
    top = float(np.nanmax(np.abs(values)))
    scale = 1.0 if top <= 1.0 else 0.01 if top <= 100.0 else None
    if scale is not None:
        for sign in (-1.0, 1.0):
            yield Factor(name, 1.0, sign * scale)
            if sign > 0 and np.nanmin(values) >= 0:
                yield Factor(name, 1.0, scale, -1)


def _products(
    factors: list[Factor],
    table: Floats,
    given: Floats,
    target: str,
    tolerance: float,
    hold: Callable[[Bools], Any],
) -> Iterator[Term]:
    """Yield the products that hold in the trial rows, or in as many as `hold` asks for."""
    usable = [i for i, f in enumerate(factors) if f.column != target]
    owner = np.array([factors[i].column for i in usable])
    rows = table[usable]
    for size in (2, MOST_FACTORS):
        sets = np.array(list(combinations(range(len(usable)), size - 1)), dtype=np.intp)
        sets = sets.reshape(-1, size - 1)
        few = np.prod(rows[sets, :QUICK_ROWS], axis=1)  # (sets, rows)
        for power, last in product((1.0, 100.0, 0.01), range(len(usable))):
            with np.errstate(over="ignore", invalid="ignore"):  # infinite is not near
                off = np.abs(few * rows[last, :QUICK_ROWS] * power - given[:QUICK_ROWS])
            for hit in np.flatnonzero(hold(off <= tolerance)):
                picked = [*sets[hit], last]
                if last <= sets[hit][-1] or len(set(owner[picked])) < size:
                    continue
                whole = np.prod(rows[picked], axis=0) * power
                if hold(np.abs(whole - given) <= tolerance):
                    yield Term(power, tuple(factors[usable[i]] for i in picked))
