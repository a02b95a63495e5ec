"""The foreign keys of a table's rows, seen together: which rows they do not hold for.

Keys that share columns, have columns that may be NULL beside others that may not, or must not
repeat, cannot be chosen one by one for every row. Here each row's key columns are codes, so that
"agrees with a parent", "is NULL" and "repeats" are comparisons of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.constrain.sql_expressions import Check
from synthohive.schema import ForeignKey, TableConfig
from synthohive.tables.joins import column_codes
from synthohive.tables.key_hashes import NO_KEY, combined, repeats

__all__ = ["NULL", "OPEN", "Agreeing", "KeyParents", "RowKeys"]

U64 = npt.NDArray[np.uint64]

NULL, OPEN = -1, -2
"""Codes of a column: NULL, and of one that must not be NULL and has no value yet."""


class KeyParents:
    """The parents over one key, their key columns as codes, shape (columns, parents)."""

    def __init__(self, codes: IntArray) -> None:
        self.codes = codes
        # No row can refer to a parent with a NULL in the key.
        self._complete = np.flatnonzero((codes >= 0).all(axis=0))
        self._agreeing: dict[tuple[int, ...], Agreeing] = {}

    def agreeing(self, places: tuple[int, ...]) -> Agreeing:
        """Return the parents by their values in some of the key's columns."""
        if places not in self._agreeing:
            self._agreeing[places] = Agreeing(self.codes[list(places)], self._complete)
        return self._agreeing[places]


class Agreeing:
    """Finds parents by values: the rows of a matrix of codes, sorted.

    Parameters
    ----------
    codes : ndarray of int64, shape (columns, parents)
    among : ndarray of int64
        The parents to be found.
    """

    def __init__(self, codes: IntArray, among: IntArray) -> None:
        self._steps: list[tuple[IntArray, IntArray]] = []
        ids = np.zeros(len(among), dtype=np.int64)
        for column in codes:
            values = np.unique(column[among])
            # Dense ids after each column, so that products fit in 64 bits. The steps are kept: what
            # is looked for later gets its id by the same ones.
            joined = ids * max(len(values), 1) + np.searchsorted(values, column[among])
            known = np.unique(joined)
            ids = np.searchsorted(known, joined)
            self._steps.append((values, known))
        order = np.argsort(ids, kind="stable")
        self.parents = among[order]
        self._sorted = ids[order]

    def spans(self, wanted: IntArray) -> tuple[IntArray, IntArray]:
        """Return where the parents of each column of `wanted` begin, and how many there are."""
        ids = np.zeros(wanted.shape[1], dtype=np.int64)
        exists = np.ones(wanted.shape[1], dtype=np.bool_)
        for column, (values, known) in zip(wanted, self._steps):
            at, hit = _place(values, column)
            joined = ids * max(len(values), 1) + at
            ids, there = _place(known, joined)
            # What stands nowhere gets the id of a neighbour; that it is none is remembered here.
            exists &= hit & there
        first = np.searchsorted(self._sorted, ids, side="left")
        last = np.searchsorted(self._sorted, ids, side="right")
        return first, np.where(exists, last - first, 0)

    def pick(self, wanted: IntArray, rng: np.random.Generator) -> IntArray:
        """Return a parent at random for each column of `wanted`; -1 where there is none."""
        first, size = self.spans(wanted)
        # Parents of equal values stand together: a place in the span is one of them at random.
        place = first + (rng.random(len(first)) * size).astype(np.int64)
        if not len(self.parents):
            return np.full(len(first), -1, dtype=np.int64)
        return np.where(size > 0, self.parents[np.minimum(place, len(self.parents) - 1)], -1)


def _place(ordered: IntArray, values: IntArray) -> tuple[IntArray, Bools]:
    """Return where values stand in an ordered array, and whether they do."""
    if not len(ordered):
        return np.zeros_like(values), np.zeros(len(values), dtype=np.bool_)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return place.astype(np.int64), np.asarray(ordered[place] == values)


class RowKeys:
    """The foreign-key columns of all rows of one table, as codes.

    Parameters
    ----------
    config : TableConfig
    keys : sequence of ForeignKey
        In the order in which they set columns: the first that has a parent wins.
    parents : sequence of pyarrow.Table
        The key columns of each key's parents.
    chosen : sequence of ndarray of int64
        Each row's parent over each key; -1 for none.
    known : mapping of str to pyarrow.ChunkedArray, optional
        Columns of the keys that were filled before, and stay.
    checks : iterable of Check
        What rows have to satisfy; those about other columns are left to others.
    beside : pyarrow.Table, optional
        Further columns of the rows that the checks are about, which stay as they are.
    """

    def __init__(
        self,
        config: TableConfig,
        keys: Sequence[ForeignKey],
        parents: Sequence[pa.Table],
        chosen: Sequence[IntArray],
        known: Optional[Mapping[str, pa.ChunkedArray]] = None,
        checks: Iterable[Check] = (),
        beside: Optional[pa.Table] = None,
    ) -> None:
        self.config, self.keys = config, tuple(keys)
        self.columns = list(dict.fromkeys(c for key in keys for c in key.columns))
        self.nullable = {
            c: c not in config.pk and config.columns[c].nullable if c in config.columns else True
            for c in self.columns
        }
        self.tables, self.known = list(parents), dict(known or {})
        self.chosen = [c.copy() for c in chosen]
        self.rows = len(chosen[0]) if chosen else 0
        self.codes = {c: np.full(self.rows, OPEN, dtype=np.int64) for c in self.columns}
        self.beside = pa.table({}) if beside is None else beside
        own = set(self.columns)
        there = own.union(self.beside.column_names)
        self.checks = [c for c in checks if c.columns & own and there.issuperset(c.columns)]
        self._values: dict[str, pa.Array] = {}
        self.parents = self._coded()
        self.touched = np.zeros(self.rows, dtype=np.bool_)
        for number in range(len(self.keys)):
            self._set(number)

    def _coded(self) -> list[KeyParents]:
        tables = self.tables
        codes = [
            np.zeros((len(key.columns), len(table)), dtype=np.int64)
            for key, table in zip(self.keys, tables)
        ]
        for column in self.columns:
            places = [
                (i, key.columns.index(column))
                for i, key in enumerate(self.keys)
                if column in key.columns
            ]
            # All tables that hold the column are coded together: equal codes are equal values.
            parts = [tables[i].column(self.keys[i].parent_columns[at]) for i, at in places]
            filled = [self.known[column]] if column in self.known else []
            coded, values = column_codes([*parts, *filled])
            self._values[column] = values
            for (i, at), column_of in zip(places, coded):
                codes[i][at] = column_of
            if filled:
                self.codes[column] = coded[-1].copy()
        return [KeyParents(matrix) for matrix in codes]

    def _set(self, number: int) -> None:
        """Let a key set its columns, but those that an earlier one set."""
        key, chosen, theirs = self.keys[number], self.chosen[number], self.parents[number]
        linked = chosen >= 0
        for at, column in enumerate(key.columns):
            codes = self.codes[column]
            # The first key with a parent sets a column; later ones must agree with it.
            free = codes == OPEN
            take = free & linked
            codes[take] = theirs.codes[at][chosen[take]]
            if self.nullable[column]:
                codes[free & ~linked] = NULL

    def give(self, number: int, rows: IntArray, parents: IntArray) -> None:
        """Let rows have other parents over a key that alone sets its columns.

        Parameters
        ----------
        number : int
            The key's place in `keys`.
        rows : ndarray of int64
            Each once.
        parents : ndarray of int64, shape (rows,)
            The new parent of each; never -1.
        """
        self.chosen[number][rows], self.touched[rows] = parents, True
        for at, column in enumerate(self.keys[number].columns):
            self.codes[column][rows] = self.parents[number].codes[at][parents]

    def changes(self) -> dict[str, tuple[IntArray, pa.Array]]:
        """Return the values in rows that were given other keys, ascending: all columns of these,
        as which key sets a column may have changed, too.
        """
        rows = np.flatnonzero(self.touched)
        own = [c for c in self.columns if c not in self.known] if len(rows) else []
        return {c: (rows, self._valued(c, self.codes[c][rows])) for c in own}

    def _valued(self, column: str, codes: IntArray) -> pa.Array:
        return self._values[column].take(pa.array(codes, mask=codes < 0))

    def wrong(self) -> Bools:
        """Return the rows that have no value where they must, or whose key has no parent."""
        wrong = np.zeros(self.rows, dtype=np.bool_)
        for column, codes in self.codes.items():
            # OPEN: no key gave a value to a column that must have one.
            wrong |= (codes == OPEN) | ((codes == NULL) & (not self.nullable[column]))
        for number in range(len(self.keys)):
            wrong |= self._orphans(number)
        return wrong | self.breaking(self.codes, np.arange(self.rows, dtype=np.int64))

    def breaking(self, codes: Mapping[str, IntArray], rows: Optional[IntArray] = None) -> Bools:
        """Return which rows of codes break a CHECK.

        `rows` says whose codes these are; None passes over what is about further columns of a row.
        """
        broken = np.zeros(len(next(iter(codes.values()))), dtype=np.bool_)
        key_columns = set(self.columns)
        checks = [c for c in self.checks if rows is not None or key_columns.issuperset(c.columns)]
        if checks and len(broken):
            named = {c for check in checks for c in check.columns}
            columns = {c: self._valued(c, codes[c]) for c in self.columns if c in named}
            if rows is not None:
                columns |= {
                    name: self.beside.column(name).take(pa.array(rows))
                    for name in self.beside.column_names
                }
            table = pa.table(columns)
            for check in checks:
                broken |= ~check.holds(table)
        return broken

    def _orphans(self, number: int) -> Bools:
        """Return the rows with a complete key that no parent has; corrects who the parent is."""
        key, theirs, chosen = self.keys[number], self.parents[number], self.chosen[number]
        own = np.stack([self.codes[c] for c in key.columns])
        complete = (own >= 0).all(axis=0)
        chosen[~complete] = -1
        same = np.zeros(self.rows, dtype=np.bool_)
        linked = np.flatnonzero(complete & (chosen >= 0))
        same[linked] = (own[:, linked] == theirs.codes[:, chosen[linked]]).all(axis=0)
        # A shared column may have been set to another parent's: whoever has it is the parent.
        off = np.flatnonzero(complete & ~same)
        if len(off):
            finder = theirs.agreeing(tuple(range(len(key.columns))))
            first, size = finder.spans(own[:, off])
            there = off[size > 0]
            chosen[there] = finder.parents[first[size > 0]]
            same[there] = True
            chosen[off[size == 0]] = -1
        return np.asarray(complete & ~same, dtype=np.bool_)

    def repeated(self, others: dict[str, U64]) -> Bools:
        """Return the rows that repeat a unique set with one of the columns.

        `others` are hashes of the values of further columns, 0 for NULL; a set with a column that
        is in neither is left to others.
        """
        found = np.zeros(self.rows, dtype=np.bool_)
        for unique in self.unique_sets(others):
            found[repeats(self.hashes(unique, self.codes, others))] = True
        return found

    def unique_sets(self, others: dict[str, U64]) -> list[tuple[str, ...]]:
        """Return the unique sets with one of the columns that are known wholly."""
        known = {*self.columns, *others}
        return [
            unique
            for unique in self.config.unique_sets
            if set(unique) & set(self.columns) and set(unique) <= known
        ]

    def hashes(
        self, unique: Sequence[str], codes: dict[str, IntArray], others: dict[str, U64]
    ) -> U64:
        """Hash the values of a unique set; :data:`NO_KEY` where one is NULL.

        Parameters
        ----------
        unique : sequence of str
            Columns, each in `codes` or in `others`; the hash depends on their order.
        codes : dict of str to ndarray of int64, shape (rows,)
            Of the columns of keys; below 0 is NULL, or nothing yet.
        others : dict of str to ndarray of uint64, shape (rows,)
            Hashes of the values of further columns of the same rows.

        Returns
        -------
        ndarray of uint64, shape (rows,)
        """
        parts = (
            (codes[c].view(np.uint64), codes[c] < 0)
            if c in codes
            else (others[c], others[c] == NO_KEY)
            for c in unique
        )
        return combined(len(next(iter(codes.values()))), parts)
