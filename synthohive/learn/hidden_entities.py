"""Persons without a table: columns of one table that repeat the same someone row after row.

In a flat table of visits, "4711" stands beside one phrase, one salary and one date in each of
its rows. No name tells that the column holds persons, but the rows do: it decides the others,
and they tell its values apart. That is a table within the table, and it is judged like one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive.derive.composed import is_text
from synthohive.privacy.entities import dense
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.subjects import is_about_things
from synthohive.privacy.vocabulary import are_things
from synthohive.tables.joins import group_codes

__all__ = ["codes_of", "hidden_entities", "name_pairs", "repeats"]


_LOOKED_AT = 2_000
"""Rows that are looked at first: hardly any column decides another one."""
_LEAST_ENTITIES = 5
_REPEATED = 10
"""Rows beyond the first of each entity: what fewer share, they may share by chance."""
_ALONE = 0.8
"""Share of the rows that may be an entity each: a few that have many rows are enough."""
_CONSTANT = 0.97
"""Share of the entities of which all rows have the same; a few may have changed."""
_TOLD_APART = 0.8
"""Share of the entities whose other columns no other one has: cities share their country."""
_SPARSE = 10
"""Numbers that lie farther apart than this are codes of something, and no ranks."""
_DIGITS = 3


def name_pairs(found: Mapping[str, PiiKind]) -> list[tuple[str, ...]]:
    """Return the columns that together name a person: first and last names, or what there is.

    Parameters
    ----------
    found : mapping of str to PiiKind
        The personal data of a table.

    Examples
    --------
    >>> name_pairs({"a": PiiKind.FIRST_NAME, "b": PiiKind.LAST_NAME, "c": PiiKind.EMAIL})
    [('a', 'b')]
    >>> name_pairs({"b": PiiKind.LAST_NAME})
    [('b',)]
    """
    first = [column for column, kind in found.items() if kind is PiiKind.FIRST_NAME]
    last = [column for column, kind in found.items() if kind is PiiKind.LAST_NAME]
    if first and last:
        return [(one, other) for one in first for other in last]
    return [(column,) for column in (*first, *last)]


def hidden_entities(rows: pa.Table, known: Collection[str]) -> list[str]:
    """Return the columns whose values stand for someone, as the columns beside them tell.

    Such a column repeats its values, decides other columns, and is told apart by these. It
    is none if anything in it or beside it is plainly a thing (``product``, ``city``), or if
    there are only labels and ranks: they describe what is in the table, and nobody.

    Parameters
    ----------
    known : collection of str
        Columns that are keys, or whose meaning is known; they are passed over.

    Examples
    --------
    >>> who = [4711, 4822, 1093, 5562, 9910, 3321]
    >>> rows = pa.table({
    ...     "c1": who * 4, "c2": [31.5, 18.25, 40.0, 22.75, 35.5, 27.0] * 4,
    ...     "c3": [n % 7 for n in range(24)],
    ... })
    >>> hidden_entities(rows, ())
    ['c1']
    """
    names = [n for n in rows.column_names if n not in known and _is_plain(rows.schema.field(n))]
    if len(names) < 2 or not len(rows):
        return []
    codes = {name: codes_of(rows, [name]) for name in names}
    head = np.stack([codes[name][:_LOOKED_AT] for name in names])  # (columns, rows)
    found: list[tuple[str, IntArray]] = []
    for name in sorted(names, key=lambda n: int(codes[n].max())):
        few = int(codes[name].max(initial=-1)) + 1 < _LEAST_ENTITIES
        type_ = rows.schema.field(name).type
        if few or not (pa.types.is_integer(type_) or is_text(type_)):
            continue  # someone has a whole number or a text, in each of several rows
        if not repeats(codes[name], _REPEATED):
            continue
        likely = _constant_columns(codes[name][:_LOOKED_AT], head)
        beside = [
            other
            for other, is_likely in zip(names, likely)
            if is_likely and other != name and _decides(codes[name], codes[other])
        ]
        if not beside or any(_same(codes[name], other) for _, other in found):
            continue
        if _told_apart(codes[name], [codes[o] for o in beside]) and _is_someone(
            rows, codes[name], name, beside
        ):
            found.append((name, codes[name]))
    return [name for name, _ in found]


def _is_plain(field: pa.Field) -> bool:
    return not (pa.types.is_nested(field.type) or pa.types.is_boolean(field.type))


def repeats(codes: IntArray, beyond: int) -> bool:
    """Tell whether values stand in several rows each, a few aside.

    So many rows must be beyond the first of each value.
    """
    known, distinct = int((codes >= 0).sum()), int(codes.max(initial=-1)) + 1
    return 1 < distinct <= min(_ALONE * known, known - beyond)


def codes_of(rows: pa.Table, columns: Sequence[str]) -> IntArray:
    """Return a dense number for each row's values in some columns; -1 where one is NULL."""
    return dense(group_codes([rows], [columns])[0])


def _decides(one: IntArray, other: IntArray) -> bool:
    """Tell whether all rows with a value of one column have the same in another."""
    if int(other.max(initial=-1)) < 1:
        return False  # a constant tells nothing
    return _constant(one, other)


def _constant_columns(one: IntArray, others: IntArray) -> Bools:
    """Tell of all columns at once, (columns, rows), which are constant as :func:`_constant` says.

    Of a few rows: hardly any column passes this, and pair by pair it would take half of the time
    of a table of 500 columns.
    """
    order = np.argsort(one, kind="stable")
    value = one[order]
    # neighbours with the same value: it goes with one of another column if these all agree there
    pairs = np.flatnonzero((value[1:] == value[:-1]) & (value[1:] >= 0))
    if not len(pairs):
        return np.ones(len(others), dtype=bool)
    differ = others[:, order[pairs]] != others[:, order[pairs + 1]]
    starts = np.flatnonzero(np.r_[True, np.diff(value[pairs]) > 0])
    constant = ~np.logical_or.reduceat(differ, starts, axis=1)  # (columns, repeated values)
    found: Bools = constant.mean(axis=1) >= _CONSTANT
    return found


def _constant(one: IntArray, other: IntArray) -> bool:
    """Tell whether (nearly) all values of a column that repeat go with one of another."""
    used = one >= 0
    one, other = one[used], other[used] + 1  # NULL (-1) is a value like any other
    rows = np.bincount(one)
    span = int(other.max(initial=0)) + 1
    # each pair of values is one number, and counted once: how many others go with each value
    values = np.bincount(np.unique(one * span + other) // span, minlength=len(rows))
    repeated = rows > 1
    return bool(not repeated.any() or (values[repeated] == 1).mean() >= _CONSTANT)


def _told_apart(one: IntArray, others: Sequence[IntArray]) -> bool:
    """Tell whether the values of a column are told apart by what stands beside them."""
    first = _first_rows(one)
    # Shape (columns beside it, values): a value's column here is what stands beside it.
    profiles = np.unique(np.stack([other[first] for other in others]), axis=1)
    return int(profiles.shape[1]) >= _TOLD_APART * len(first)


def _first_rows(codes: IntArray) -> IntArray:
    distinct, first = np.unique(codes, return_index=True)
    return np.asarray(first[distinct >= 0], np.int64)


def _same(one: IntArray, other: IntArray) -> bool:
    """Tell whether two columns name the same: each decides the other."""
    return _constant(one, other) and _constant(other, one)


def _is_someone(rows: pa.Table, codes: IntArray, name: str, beside: Sequence[str]) -> bool:
    """Judge the table within the table: by its names, then by what its columns hold."""
    if any(map(is_about_things, (name, *beside))):
        return False
    entities = rows.select([name, *beside]).take(pa.array(_first_rows(codes)))
    order = _order(entities.column(name))
    return any(
        _identifies(entities.column(n), order if n != name else None) for n in (name, *beside)
    )


def _identifies(values: pa.ChunkedArray, order: Optional[Floats]) -> bool:
    """Tell whether a column measures or numbers somebody: no rank, no label, no conversion."""
    known = values.drop_null()
    if pc.count_distinct(known).as_py() < _TOLD_APART * len(values):
        return False  # shared by several
    if is_text(values.type):
        texts = [str(text) for text in known.to_pylist()]
        numbered = np.mean([sum(c.isdigit() for c in text) >= _DIGITS for text in texts])
        return bool(numbered >= _TOLD_APART) and not are_things(texts)
    numbers = _order(known)
    if numbers is None:
        return True
    if order is not None and _is_converted(order[values.is_valid().to_numpy()], numbers):
        return False
    if not pa.types.is_temporal(values.type) and (numbers == np.rint(numbers)).all():
        # Ranks and counters fill their range; codes of somebody are far apart in theirs.
        return bool(np.ptp(numbers) > _SPARSE * len(numbers))
    return True


def _order(values: pa.ChunkedArray) -> Optional[Floats]:
    """Return numbers that are ordered as the values are, of which none is NULL; None for texts."""
    type_ = values.type
    if is_text(type_):
        return None
    if pa.types.is_temporal(type_):
        _, numbers = np.unique(
            np.array([str(value) for value in values.to_pylist()]), return_inverse=True
        )
        return numbers.reshape(-1).astype(np.float64)
    try:
        return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _is_converted(one: Floats, other: Floats) -> bool:
    """Tell whether a column follows from another one, like Fahrenheit from Celsius."""
    steps = np.diff(other[np.argsort(one, kind="stable")])
    return bool((steps >= 0).all() or (steps <= 0).all())
