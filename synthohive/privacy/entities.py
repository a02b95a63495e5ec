"""Who stands behind a row: what every threshold `k` counts.

A row belongs to persons, accounts or organisations over several paths: an order to its
customer, to the employee who took it, to the store where it was placed. Something may be
shown only if `k` of them share it over *every* path; the least of these counts decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Optional, Union

import numpy as np

from synthohive._arrays import AnyArray, Bools, Floats, IntArray

__all__ = [
    "Counting",
    "Entities",
    "EntityPath",
    "dense",
    "entities_or_rows",
    "on_grid",
    "protected_end",
]

_EXACT = 2.0**53
DENSE = 16
"""Cells of a table for each row, up to which it is faster than a sort."""
Ends = tuple[float, float]
Rows = Union[IntArray, Bools]


@dataclass(frozen=True)
class Counting:
    """How entities are counted over one path.

    Attributes
    ----------
    most : int
        Rows of the entity that has most of them. Rows of which no entity is known count as
        one entity for each `most` of them: no unknown one is taken to be more active than
        the most active known one, and none to be another for each of its rows.
    least : int
        Entities that must share something: `k`, or all where the path has fewer than `k`
        (three shippers in all), so that nothing is shown of one of them alone.
    short : int
        What is added to a count that reaches `least`, so that it reaches `k`.
    """

    most: int = 1
    least: int = 1
    short: int = 0

    def total(self, known: AnyArray, unknown: AnyArray) -> IntArray:
        """Return numbers of entities from known ones and rows of unknown ones."""
        # rounded up: what is left of a crowd is one entity, too
        count = known.astype(np.int64) + -(-unknown.astype(np.int64) // self.most)
        return np.where(count >= self.least, count + self.short, count).astype(np.int64)


def dense(codes: AnyArray) -> IntArray:
    """Return codes without gaps, in their order; what is negative becomes -1.

    Examples
    --------
    >>> dense(np.array([7, -1, 3, 7]))
    array([ 1, -1,  0,  1])
    """
    distinct, found = np.unique(np.maximum(codes, -1), return_inverse=True)
    shift = int(len(distinct) > 0 and distinct[0] < 0)
    return found.reshape(-1).astype(np.int64) - shift


@dataclass(frozen=True)
class EntityPath:
    """One path from the rows of a table to entities.

    Attributes
    ----------
    name : str
        What is shown to users: ``orders(customer_id) -> customers(id)``, or a column.
    codes : ndarray of int64, shape (rows,)
        Each row's entity; -1 where it is not known.
    counting : Counting
    """

    name: str
    codes: IntArray
    counting: Counting = Counting()

    @classmethod
    def of(cls, name: str, codes: IntArray, k: int, *, strict: bool = False) -> EntityPath:
        """Make the codes dense, and count how many entities there are.

        Parameters
        ----------
        name : str
        codes : ndarray of int64, shape (rows,)
            Any numbers, one for each entity; negative where it is not known.
        k : int
        strict : bool
            `k` entities are needed even if there are fewer: nothing is shown then.
        """
        known = dense(codes)
        sizes = np.bincount(known[known >= 0])
        most = int(sizes.max(initial=1))
        # rows without a known entity are so many more, at least
        everyone = len(sizes) - (-int((known < 0).sum()) // most)
        least = k if strict else max(min(k, everyone), 1)
        return cls(name, known, Counting(most, least, k - least))

    def filled(self, other: EntityPath) -> EntityPath:
        """Take the entities of another path where none is known; the counting stays."""
        if not (self.codes < 0).any():
            return self
        codes = np.where(self.codes < 0, self.size + other.codes, self.codes)
        return replace(self, codes=dense(codes))

    @cached_property
    def size(self) -> int:
        """How many entities are known."""
        return int(self.codes.max(initial=-1)) + 1

    def holders(self, codes: IntArray, size: int) -> IntArray:
        """Count the entities of each code; -1 is left out."""
        # code and entity as one number, 0 for an unknown one: each entity counts once for a code
        span = self.size + 1
        used = codes >= 0
        pairs = codes[used] * span + self.codes[used] + 1
        if size * span <= DENSE * (len(codes) + 1):  # no sort
            seen = np.zeros((size, span), dtype=np.bool_)
            seen.reshape(-1)[pairs] = True
            known = np.count_nonzero(seen[:, 1:], axis=1)
        else:
            pairs = np.unique(pairs)
            known = np.bincount((pairs // span)[pairs % span > 0], minlength=size)
        if not self._is_partial:
            return self.counting.total(known, np.zeros(1, dtype=np.int64))
        unknown = np.bincount(codes[used & (self.codes < 0)], minlength=size)
        return self.counting.total(known, unknown)

    @cached_property
    def _is_partial(self) -> bool:
        """Whether the entity of some row is not known."""
        return bool((self.codes < 0).any())

    def merges(self, other: EntityPath) -> bool:
        """Whether each entity of `other` lies within one of these, so that these are fewer."""
        known = bool((self.codes >= 0).all()) and bool((other.codes >= 0).all())
        if not known or self.size > other.size or self.counting.least < other.counting.least:
            return False
        # as many pairs as entities of the other path: none of these has two of ours
        return len(np.unique(other.codes * self.size + self.codes)) == other.size


@dataclass(frozen=True)
class Entities:
    """The entities behind the rows of one table.

    Attributes
    ----------
    rows : int
    paths : tuple of EntityPath
        None: every row is an entity of its own.

    Examples
    --------
    >>> customer = EntityPath.of("customer", np.array([0, 0, 1, 2, 2, 3]), k=2)
    >>> store = EntityPath.of("store", np.array([0, 1, 0, 1, 1, 1]), k=2)
    >>> entities = Entities(6, (customer, store))
    >>> entities.holders(np.array([0, 0, 0, 1, 1, 1]), 2)  # value 1 is of one store alone
    array([2, 1])
    """

    rows: int
    paths: tuple[EntityPath, ...] = ()

    @classmethod
    def of(cls, rows: int, paths: Iterable[EntityPath]) -> Entities:
        """Return the entities over paths that lead to some.

        Rows of which a path knows no entity are of those that the finest path tells apart, if it
        knows all rows and tells more: orders that no employee took are of customers, and not
        of one unknown employee.
        """
        found = list(paths)
        whole = [path for path in found if (path.codes >= 0).all()]
        finest = max(whole, key=lambda path: path.size, default=None)
        if finest is not None:
            found = [p.filled(finest) if finest.size > p.size else p for p in found]
        return cls._deciding(rows, found)

    @classmethod
    def _deciding(cls, rows: int, paths: Iterable[EntityPath]) -> Entities:
        """Keep the paths that may decide: not those of which another always counts fewer."""
        kept: list[EntityPath] = []
        for path in sorted(paths, key=lambda p: p.size):  # those that merge more come first
            counting = path.counting
            tells = counting.most > 1 and (counting.least > 1 or not counting.short)
            if tells and not any(other.merges(path) for other in kept):
                kept.append(path)
        return cls(rows, tuple(kept))

    @classmethod
    def over(cls, codes: AnyArray, k: int = 5) -> Entities:
        """Return the entities of one path, by any numbers that are not negative.

        Where there are fewer than `k` of them, nothing is shown.
        """
        path = EntityPath.of("entity", np.asarray(codes, dtype=np.int64), k, strict=True)
        return cls.of(len(codes), (path,))

    def __len__(self) -> int:
        return self.rows

    def take(self, rows: Rows) -> Entities:
        """Return the entities of some rows, given by numbers or by a mask."""
        count = int(rows.sum()) if rows.dtype == np.bool_ else len(rows)
        paths = (replace(path, codes=path.codes[rows]) for path in self.paths)
        return Entities(count, tuple(paths))

    def behind(self, rows: IntArray, k: int) -> Entities:
        """Return who stands behind values that were taken from other rows: nobody else.

        A value does not become one that many share by filling gaps with it.

        Parameters
        ----------
        rows : ndarray of int64
            Which row each value is of.
        k : int

        Examples
        --------
        >>> Entities(4).behind(np.array([0, 0, 0, 3]), k=2).holders(np.array([0, 0, 0, 1]))
        array([1, 1])
        """
        source = EntityPath.of("row", rows, k, strict=True)
        # Not `of`: a row is no entity, and does not tell of whom unknown ones are.
        return Entities._deciding(len(rows), (*self.take(rows).paths, source))

    def holders(self, codes: IntArray, size: Optional[int] = None) -> IntArray:
        """Count the entities that hold each code: the least number over all paths.

        Parameters
        ----------
        codes : ndarray of int64
            Of each row; -1 is left out.
        size : int, optional
            Number of codes; as many as there are by default.
        """
        size = int(codes.max(initial=-1)) + 1 if size is None else size
        # no path tells more entities than rows
        found = np.bincount(codes[codes >= 0], minlength=size).astype(np.int64)
        for path in self.paths:
            found = np.minimum(found, path.holders(codes, size))
        return found

    def largest_shares(self, codes: IntArray, amounts: Floats, size: int) -> Floats:
        """Return which share of each code's amounts the entity with the most has; 0 of nothing.

        Parameters
        ----------
        codes : ndarray of int64
            Of each row, none negative.
        amounts : ndarray of float64
            Of each row, none negative.
        size : int
            Number of codes.
        """
        totals = np.bincount(codes, weights=amounts, minlength=size)
        rows = np.arange(len(codes), dtype=np.int64)
        most = np.zeros(size)
        for owners in [rows, *(path.codes for path in self.paths)]:
            known, span = owners >= 0, int(owners.max(initial=0)) + 1
            pairs, place = np.unique(codes[known] * span + owners[known], return_inverse=True)
            held = np.bincount(place.reshape(-1), weights=amounts[known], minlength=len(pairs))
            np.maximum.at(most, pairs // span, held)
        shares: Floats = most / np.where(totals > 0, totals, 1.0)
        return shares

    def ends(self, values: AnyArray, k: int, step: float = 0.0) -> Optional[Ends]:
        """Return protected bounds of numbers, NaN aside; None where too few entities have any.

        Parameters
        ----------
        values : ndarray, shape (rows,)
            Of all rows; NaN where there is none.
        k : int
        step : float
            Distance of neighbouring values; 0 for none.
        """
        known = np.flatnonzero(~np.isnan(values))
        if step and np.abs(values[known]).max(initial=0.0) / step >= _EXACT:
            step = 0.0  # finer than a float tells apart
        units = np.rint(values[known] / step).astype(np.int64) if step else values[known]
        own = self.take(known)
        distinct, codes = np.unique(units, return_inverse=True)
        codes = codes.reshape(-1)
        holders = own.holders(codes, len(distinct))
        ascending, found = np.argsort(codes, kind="stable"), []
        for order, side in ((ascending, slice(None)), (ascending[::-1], slice(None, None, -1))):
            at = own.take(order).passed(k)
            if at is None:
                return None
            code = int(codes[order[at]])
            place = code if order is ascending else len(distinct) - 1 - code
            end = protected_end(distinct[side], holders[side], place, k)
            found.append(on_grid(float(end) * (step or 1.0), step))
        return min(found), max(found)

    def passed(self, k: int) -> Optional[int]:
        """Return the row at which `k` entities have been passed over every path; None: never."""
        if self.rows < k:
            return None
        found = k - 1
        for path in self.paths:
            if path.counting.short:
                continue  # extremes of few entities are those of all paths else
            first = np.zeros(self.rows, dtype=np.int64)
            known = np.flatnonzero(path.codes >= 0)
            # each entity counts where it comes first
            first[known[np.unique(path.codes[known], return_index=True)[1]]] = 1
            unknown = np.cumsum((path.codes < 0).astype(np.int64))
            count = np.cumsum(first) + -(-unknown // path.counting.most)
            at = int(np.searchsorted(count, k))
            if at == self.rows:
                return None
            found = max(found, at)
        return found


def on_grid(values: Any, step: float) -> Any:
    """Return numbers on the nearest point of a grid, as floats are written: 0.1, not 0.1000…01."""
    if not step:
        return values
    # divided, which gives the float that is written 0.3: 3 * 0.1 is another one
    whole = np.rint(np.asarray(values) / step)
    found = whole / np.rint(1.0 / step) if step < 1 else whole * step
    return found if isinstance(values, np.ndarray) else float(found)


def protected_end(
    values: AnyArray,
    holders: IntArray,
    at: int,
    k: int,
    grid: tuple[int, int] = (1, 0),
) -> Any:
    """Return what an extreme may be stored as: no value of fewer than `k` entities.

    Every stored bound comes from here. It is the value at which `k` entities have been
    passed if as many share it, else the mean of the next `k` values, on the grid, and
    moved inwards from values of fewer entities as long as there is room.

    Parameters
    ----------
    values : ndarray
        Distinct values, from the extreme inwards.
    holders : ndarray of int64
        How many entities hold each.
    at : int
        The place at which `k` entities have been passed.
    k : int
    grid : (int, int)
        Step and offset of whole numbers.

    Examples
    --------
    >>> salaries = np.array([990_000, 410_000, 300_000, 298_000, 297_000, 296_000, 295_000])
    >>> protected_end(salaries, np.ones(7, dtype=np.int64), 2, 3)
    298333
    """
    if holders[at] >= k:
        return values[at].item()
    block = values[at : at + max(k, 2)]
    if values.dtype.kind == "f":
        return float(block.mean())
    first, step, offset = block[0].item(), *grid
    # as distances from the first: int64 beyond 2^53 would lose its last digits in a mean of floats
    mean = first + int(np.rint((block - first).astype(np.float64).mean()))
    inwards = 1 if values[-1] >= values[0] else -1
    bound = mean + inwards * (inwards * (offset - mean) % step)
    alone = set(values[at:][holders[at:] < k].tolist())
    last = values[-1].item()
    for moved in range(bound, last, inwards * step):
        if moved not in alone:
            return moved
    return bound


def entities_or_rows(entities: Optional[Entities], rows: int) -> Entities:
    """Return the entities; each row is one where none are given."""
    return Entities(rows) if entities is None else entities
