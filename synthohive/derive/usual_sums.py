"""Sums that hold in most rows, and in the others are what something is within.

Games are won, lost or, in a third of the seasons, drawn: ``won + lost`` is all of them or a few
less. Modelled as three columns, every other season has more results than games. As a sum with
exceptions, what is missing is one more column, with the few values that it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from synthohive._arrays import Bools, Floats
from synthohive.derive.columns import Chosen, Columns, spaced
from synthohive.derive.formula import Factor, Formula, Term
from synthohive.derive.mostly import with_exceptions
from synthohive.metrics.associations import kappa
from synthohive.tables.numbers import is_time

__all__ = ["find_usual_sums"]

LEAST_SHARE = 0.5
"""Of the rows, in which a sum holds."""
LEAST_KAPPA = 0.5
"""The same beyond what rows with a like sum have by chance, as a share of what chance leaves."""
LEAST_ROWS = 100
LEAST_VALUES = 20
"""Columns of fewer different numbers are categories; many of them sum up to 0 or 1."""
MOST_COLUMNS = 60
FEW = 300
"""Rows that refute most candidates at little cost."""
LIKE = 20
"""Parts of the rows in which a sum is alike, as far as a model tells it apart."""


def find_usual_sums(columns: Columns, chosen: Chosen) -> None:
    """Find ``y = a + b`` in most rows, solved for the one of the three that tells most."""
    names = [n for n in columns.numeric if columns.distinct(n) >= LEAST_VALUES]
    names = [n for n in names if columns.step(n) and not is_time(columns.type(n))][:MOST_COLUMNS]
    if len(names) < 3 or len(columns.rows) < LEAST_ROWS:
        return
    few = spaced(len(columns.rows), FEW)
    values = np.stack([columns.numbers(n)[few] for n in names])  # (columns, rows)
    sets = np.array(list(combinations(range(len(names)), 2)), dtype=np.intp)
    sums = values[sets].sum(axis=1)  # (sets, rows)
    for y, total in enumerate(names):
        equal = np.abs(sums - values[y]) < columns.step(total) / 2
        # of a few rows, the share may be a little less
        for a, b in sets[equal.mean(axis=1) >= 0.8 * LEAST_SHARE].tolist():
            if y in (a, b):
                continue
            for rule in _solved(columns, total, names[a], names[b]):
                if rule.target in chosen.free() and _is_usual(columns, rule):
                    wrong = rule.broken(columns.rows)
                    if columns.shared(wrong) and chosen.add(with_exceptions(columns, rule, wrong)):
                        break


def _solved(columns: Columns, total: str, *parts: str) -> Iterator[Formula]:
    """Yield a sum, solved for what tells most first."""
    names = (total, *parts)
    if len({(columns.step(n), str(columns.type(n))) for n in names}) > 1:
        return
    for target in sorted(names, key=columns.bits, reverse=True):
        sign = {n: 1.0 if total in (n, target) else -1.0 for n in names}
        terms = (Term(sign[n], (Factor(n),)) for n in names if n != target)
        yield Formula(target, tuple(terms), columns.step(target))


def _is_usual(columns: Columns, rule: Formula) -> bool:
    """Return whether a sum holds in most rows, far more than by chance, and needs both its terms.

    Of columns that are mostly 0, each added to another is that one in most rows.
    """
    own, step = columns.numbers(rule.target), columns.step(rule.target)
    terms = [t.coefficient * columns.numbers(t.factors[0].column) for t in rule.terms]
    known = np.flatnonzero(~np.isnan(own) & ~np.isnan(terms[0]) & ~np.isnan(terms[1]))
    if len(known) < LEAST_ROWS:
        return False
    own, one, other = own[known], terms[0][known], terms[1][known]
    right = _same(own, one + other, step)
    if right.mean() < LEAST_SHARE or (right & ((one == 0) | (other == 0))).sum() > right.sum() / 2:
        return False
    return kappa(float(right.mean()), _by_chance(own, one + other, step)) >= LEAST_KAPPA


def _by_chance(own: Floats, given: Floats, step: float) -> float:
    """Return the share of rows that a sum would hold in with the target of a row of like sum."""
    rng, order = np.random.default_rng(0), np.argsort(given, kind="stable")
    mixed = [rng.permutation(part) for part in np.array_split(order, LIKE)]
    return float(_same(own[np.concatenate(mixed)], given[order], step).mean())


def _same(own: Floats, given: Floats, step: float) -> Bools:
    return np.asarray(np.abs(own - given) < step / 2, dtype=np.bool_)
