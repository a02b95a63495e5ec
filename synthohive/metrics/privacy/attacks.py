"""Attacks on entities with the synthetic copy in hand: singling out, linkability, inference.

The three risks of anonymisation that European authorities name (Article 29 Working Party, "Opinion
05/2014 on anonymisation techniques"), measured as by Giomi, Boenisch, Wehmeyer and Tasnádi, "A
unified framework for quantifying privacy risk in synthetic data" (2023): each attack is made on
training entities, on held-out ones, of which the copy can only tell what is true of all (control),
and without the copy (baseline).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.exceptions import SchemaError
from synthohive.metrics.harmonise import Columns
from synthohive.metrics.privacy.model import Attack
from synthohive.metrics.privacy.points import Points, nearest
from synthohive.metrics.privacy.shares import Share
from synthohive.metrics.privacy.sides import Sides

__all__ = ["inference", "linkability", "risk_of", "singling_out"]

ATTACKS = 1_000
"""Of each kind; an interval of 95 % is then at most 6 % wide."""
CANDIDATES = 8
"""Predicates that are made for each that is used: most hold for more than one entity."""
PREDICATE = 3
"""Columns of a predicate, as in the paper."""
NEIGHBOURS = 5
TOLERANCE = 0.05
"""A number is guessed when it is among the nearest tenth of all real ones."""
KNOWN = 20_000
"""Synthetic entities that an attacker looks at."""

Predicate = list[tuple[bool, int, str, float]]
"""Conditions: whether of a rank, which one, how it is compared, and to what."""


def singling_out(
    training: Any,
    heldout: Any,
    synthetic: Any,
    columns: Columns = None,
    *,
    multivariate: bool = True,
    seed: int = 0,
) -> Optional[Attack]:
    """Make predicates that hold for one synthetic row, and see if they single out a real one.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
    multivariate : bool, default True
        Predicates of three columns; else of one: a value that is there once, or an extreme.
    seed : int, default 0

    Returns
    -------
    Attack or None
        None where no predicate holds for one synthetic row alone.

    References
    ----------
    Giomi et al., "A unified framework for quantifying privacy risk in synthetic data", 2023.

    Examples
    --------
    >>> import numpy as np
    >>> sides = np.random.default_rng(1).normal(size=(2, 300, 3))
    >>> learned, other = (dict(zip("xyz", side.T)) for side in sides)
    >>> singling_out(learned, other, learned).success.value  # the copy is what was learned
    1.0
    """
    return singled_out(Sides.of(training, heldout, synthetic, columns, seed), multivariate)


def singled_out(sides: Sides, multivariate: bool) -> Optional[Attack]:
    """Return :func:`singling_out` of points."""
    # as many of each: a predicate that holds for one of 1,000 holds for ten of 10,000
    even = sides.even()
    size = len(even.training)
    even = Sides(even.training, even.heldout, sides.some(9, sides.synthetic, size), sides.seed)
    rng = sides.rng(10, multivariate)
    make = _of_many(even.synthetic, rng) if multivariate else _of_one(even.synthetic, rng)
    single = [p for p in make if _holding(even.synthetic, p) == 1][:ATTACKS]
    if not single:
        return None
    levels = [np.unique(column) for column in even.synthetic.codes.T]
    guesses = [_random(even.synthetic, levels, rng, multivariate) for _ in single]
    hits = [
        Share.of(sum(_holding(side, p) == 1 for p in made), len(made))
        for side, made in (
            (even.training, single), (even.heldout, single), (even.training, guesses),
        )
    ]  # fmt: skip
    what = f"predicates of {PREDICATE} columns" if multivariate else "predicates of one column"
    return _attack("singling out", what, hits)


def _of_many(points: Points, rng: np.random.Generator) -> Iterator[Predicate]:
    """Yield what rows drawn at random hold in columns drawn at random."""
    ranks, codes = points.ranks.shape[1], points.codes.shape[1]
    middle = np.median(points.ranks, axis=0) if ranks else np.zeros(0)
    for row in rng.integers(0, len(points), CANDIDATES * ATTACKS // 4):
        some = rng.choice(ranks + codes, min(PREDICATE, ranks + codes), replace=False)
        yield [
            (True, i, ">=" if points.ranks[row, i] >= middle[i] else "<=", points.ranks[row, i])
            if i < ranks
            else (False, i - ranks, "==", points.codes[row, i - ranks])
            for i in some
        ]


def _of_one(points: Points, rng: np.random.Generator) -> Iterator[Predicate]:
    """Yield extremes, and values that are there once."""
    made: list[Predicate] = []
    for i, column in enumerate(points.ranks.T):
        made += [[(True, i, "<=", column.min())], [(True, i, ">=", column.max())]]
    for i, column in enumerate(points.codes.T):
        values, counts = np.unique(column, return_counts=True)
        once = values[counts == 1]
        made += [[(False, i, "==", value)] for value in rng.permutation(once)[:ATTACKS]]
    for place in rng.permutation(len(made)):
        yield made[place]


def _random(
    points: Points, levels: list[IntArray], rng: np.random.Generator, multivariate: bool
) -> Predicate:
    """Return a predicate that knows what values there may be, and no more."""
    ranks, codes = points.ranks.shape[1], points.codes.shape[1]
    size = min(PREDICATE if multivariate else 1, ranks + codes)
    found: Predicate = []
    for i in rng.choice(ranks + codes, size, replace=False):
        if i < ranks:
            found.append((True, i, "<=" if rng.random() < 0.5 else ">=", rng.random()))
        else:
            found.append((False, i - ranks, "==", rng.choice(levels[i - ranks])))
    return found


def _holding(points: Points, predicate: Predicate) -> int:
    """Return for how many a predicate holds."""
    true: Bools = np.ones(len(points), np.bool_)
    for is_rank, i, how, value in predicate:
        column = (points.ranks if is_rank else points.codes)[:, i]
        if how == "==":
            true &= column == value
        else:
            true &= column >= value if how == ">=" else column <= value
    return int(np.count_nonzero(true))


def linkability(
    training: Any,
    heldout: Any,
    synthetic: Any,
    columns: Columns = None,
    *,
    halves: Optional[tuple[Collection[str], Collection[str]]] = None,
    seed: int = 0,
) -> Optional[Attack]:
    """Link what two others know of a row, over the synthetic row that both are near to.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    columns : collection of str, or dict of str to Column, optional
    halves : tuple of two collections of str, optional
        What either knows; by default every other column.
    seed : int, default 0

    Returns
    -------
    Attack or None
        None of a single column.

    References
    ----------
    Giomi et al., "A unified framework for quantifying privacy risk in synthetic data", 2023.

    Examples
    --------
    >>> import numpy as np
    >>> sides = np.random.default_rng(1).normal(size=(2, 300, 4))
    >>> learned, other = (dict(zip("abcd", side.T)) for side in sides)
    >>> linkability(learned, other, learned).success.value  # the copy is what was learned
    1.0
    """
    return linked(Sides.of(training, heldout, synthetic, columns, seed), halves)


def linked(
    sides: Sides, halves: Optional[tuple[Collection[str], Collection[str]]] = None
) -> Optional[Attack]:
    """Return :func:`linkability` of points."""
    names = sides.training.names
    if halves is None:
        halves = names[::2], names[1::2]
    for half in halves:
        for name in half:
            if name not in names:
                raise SchemaError.unknown_column("rows", name, names)
    if not all(halves):
        return None
    training, heldout, known = _attacked(sides)
    parts = [known.of(set(half)) for half in halves]
    hits = []
    for targets in (training, heldout):
        first, second = (
            nearest(targets.of(set(half)), part, NEIGHBOURS)[1] for half, part in zip(halves, parts)
        )
        same = (first[:, :, None] == second[:, None, :]).any(axis=(1, 2))
        hits.append(Share.of(int(same.sum()), len(same)))
    rng = sides.rng(11)
    guess = rng.integers(0, len(known), (2, len(training), NEIGHBOURS))
    same = (guess[0][:, :, None] == guess[1][:, None, :]).any(axis=(1, 2))
    hits.append(Share.of(int(same.sum()), len(same)))
    return _attack("linkability", "two halves of the columns", hits)


def inference(
    training: Any,
    heldout: Any,
    synthetic: Any,
    secret: str,
    columns: Columns = None,
    *,
    seed: int = 0,
) -> Attack:
    """Infer one column of rows of which all others are known, from the nearest synthetic row.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    secret : str
        A number is guessed when no more than a twentieth of the real ones lie between.
    columns : collection of str, or dict of str to Column, optional
        The secret one and those that are known.
    seed : int, default 0

    Returns
    -------
    Attack

    References
    ----------
    Giomi et al., "A unified framework for quantifying privacy risk in synthetic data", 2023.

    Examples
    --------
    >>> import numpy as np
    >>> sides = np.random.default_rng(1).normal(size=(2, 300, 3))
    >>> learned, other = (dict(zip("abc", side.T)) for side in sides)
    >>> attack = inference(learned, other, learned, "c")
    >>> attack.success.value, attack.control.value < 0.3
    (1.0, True)
    """
    sides = Sides.of(training, heldout, synthetic, columns, seed)
    if secret not in sides.training.names:
        raise SchemaError.unknown_column("rows", secret, sides.training.names)
    return inferred(sides, secret)


def inferred(sides: Sides, secret: str) -> Attack:
    """Return :func:`inference` of points."""
    training, heldout, synthetic = _attacked(sides)
    known = set(training.names) - {secret}
    given, hidden = synthetic.of(known), synthetic.of({secret})
    hits = []
    for targets in (training, heldout):
        row = nearest(targets.of(known), given)[1][:, 0]
        same = _same(targets.of({secret}), hidden.take(row))
        hits.append(Share.of(int(same.sum()), len(same)))
    guess = sides.rng(12).integers(0, len(hidden), len(training))
    same = _same(training.of({secret}), hidden.take(guess))
    hits.append(Share.of(int(same.sum()), len(same)))
    return _attack("inference", secret, hits)


def _same(left: Points, right: Points) -> Bools:
    close: Floats = np.abs(left.ranks - right.ranks).max(axis=1, initial=0)
    equal = (left.codes == right.codes).all(axis=1)
    return np.asarray((close <= TOLERANCE) & equal)


def _attacked(sides: Sides) -> tuple[Points, Points, Points]:
    return (
        sides.some(13, sides.training, ATTACKS),
        sides.some(14, sides.heldout, ATTACKS),
        sides.some(15, sides.synthetic, KNOWN),
    )


def _attack(kind: str, of: str, hits: list[Share]) -> Attack:
    success, control, baseline = hits
    return Attack(kind, of, success, control, baseline, risk_of(success, control))


def risk_of(success: Share, control: Share) -> Share:
    """Return the share of what is not known of others that is known of training entities.

    Parameters
    ----------
    success, control : Share
        Of attacks on training, and on held-out entities.
    """
    left = 1 - control.value
    if left <= 0:
        return Share(0.0, 0.0, 1.0, success.count)
    value = (success.value - control.value) / left
    # errors of both, as the quotient passes them on
    one, two = success.error / left, control.error * (1 - success.value) / left**2
    error = math.hypot(one, two)
    found = Share.about(value, error, success.count)
    return Share(
        max(0.0, value), min(found.low, max(0.0, value)), max(found.high, 0.0), found.count
    )
