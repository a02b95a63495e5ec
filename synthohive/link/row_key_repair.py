"""Rows whose keys do not hold trade parents, or are given others, all of a row's at once.

Trades come first: each parent keeps its number of children by them. Then a row keeps which of its
keys are NULL where that is possible; otherwise a parent over each key is drawn among those that
agree with what was drawn before. What no draw makes right, a search over all combinations does,
and a row for which there is none is told, so that it can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Optional

import numpy as np

from synthohive._arrays import Bools, IntArray
from synthohive.link.assignment import Distinct, Forbids, Rules, repair
from synthohive.link.row_keys import NULL, OPEN, U64, Agreeing, RowKeys

__all__ = ["redraw", "trade"]

ROUNDS = 24
CHECKED_ROUNDS = 120
"""Where a CHECK may leave few parents to a row."""
MOST_COMBINATIONS = 100_000
"""That are listed at the end, of which each row left takes one that nobody has."""
MOST_TRIED = 2_000
"""Combinations that one row tries."""


def trade(keys: RowKeys, rng: np.random.Generator) -> IntArray:
    """Let rows that break a CHECK about their keys trade parents, in place; return who did.

    Over one key after the other, as far as swaps help: none is given another parent.
    """
    columns = [c for key in keys.keys for c in key.columns]
    if not keys.checks or keys.known or len(set(columns)) < len(columns):
        return np.zeros(0, dtype=np.int64)
    touched: list[IntArray] = []
    for number in rng.permutation(len(keys.keys)):
        linked = np.flatnonzero(keys.chosen[number] >= 0)
        if keys.breaking(keys.codes, np.arange(keys.rows, dtype=np.int64)).any() and len(linked):
            rules = _trading_rules(keys, int(number), linked)
            before = keys.chosen[number][linked]
            after, _ = repair(before, rules, rng, search=False)
            moved = after != before
            keys.give(int(number), linked[moved], after[moved])
            touched.append(linked[moved])
    return np.unique(np.concatenate([*touched, np.zeros(0, dtype=np.int64)]))


def _trading_rules(keys: RowKeys, number: int, linked: IntArray) -> Rules:
    """Return what rows must keep when they trade parents over one key, none of whose columns
    another key sets: CHECKs, and unique sets that other columns are in, too.
    """
    key, theirs = keys.keys[number], keys.parents[number].codes
    position = {column: at for at, column in enumerate(key.columns)}

    def broken(rows: IntArray, parents: IntArray) -> Bools:
        at = linked[rows]
        codes = {
            c: theirs[position[c]][parents] if c in position else values[at]
            for c, values in keys.codes.items()
        }
        return keys.breaking(codes, at)

    distinct = []
    for unique in keys.unique_sets({}):
        mine = [c for c in unique if c not in position]
        if mine and len(mine) < len(unique):
            row_codes = np.stack([keys.codes[c][linked] for c in mine])
            halves = [
                _numbered(row_codes),
                _numbered(theirs[[position[c] for c in unique if c in position]]),
            ]
            empty = (row_codes < 0).any(axis=0)  # NULL repeats nothing
            halves[0][empty] = halves[0].max(initial=0) + 1 + np.arange(int(empty.sum()))
            distinct.append(Distinct(*halves))
    return Rules(theirs.shape[1], tuple(distinct), forbidden=(broken,))


def _numbered(codes: IntArray) -> IntArray:
    """Give each combination of codes a number, of shape (columns, rows)."""
    # Columns of a matrix are compared whole: equal ones get the same number.
    found = np.unique(codes, axis=1, return_inverse=True)[1]
    return found.reshape(-1).astype(np.int64)


def redraw(
    keys: RowKeys,
    others: dict[str, U64],
    rng: np.random.Generator,
    refused: Optional[Forbids] = None,
) -> tuple[IntArray, Bools]:
    """Give rows whose keys do not hold others, in place.

    Parameters
    ----------
    keys : RowKeys
    others : dict of str to ndarray of uint64
        Hashes of further columns of unique sets; see :meth:`RowKeys.repeated`.
    refused : callable, optional
        Tells, of rows and as many parents, which must not be paired (circles in a tree).

    Returns
    -------
    changed : ndarray of int64
        The rows with other keys.
    left : ndarray of bool
        The rows for which there are none.
    """
    wrong = keys.wrong()
    bad = np.flatnonzero(wrong | keys.repeated(others))
    left = np.zeros(keys.rows, dtype=np.bool_)
    if not len(bad):
        return bad, left
    redrawing = _Redrawing(keys, others, bad, rng, refused)
    left[redrawing.run()] = True
    return bad[~left[bad]], left


@dataclass
class _Draw:
    """Keys drawn for some rows.

    Attributes
    ----------
    codes : dict of str to ndarray of int64
        Of each column.
    chosen : list of ndarray of int64
        The parent over each key.
    right : ndarray of bool
    """

    codes: dict[str, IntArray]
    chosen: list[IntArray]
    right: Bools

    @classmethod
    def of(cls, keys: RowKeys, rows: IntArray) -> _Draw:
        """Draw nothing yet, but for what is known."""
        empty = np.full(len(rows), OPEN, dtype=np.int64)
        return cls(
            {c: keys.codes[c][rows] if c in keys.known else empty.copy() for c in keys.columns},
            [np.full(len(rows), -1, dtype=np.int64) for _ in keys.keys],
            np.ones(len(rows), dtype=np.bool_),
        )

    def take(self, rows: IntArray) -> _Draw:
        """Return the draws of some rows."""
        return _Draw(
            {c: v[rows] for c, v in self.codes.items()},
            [v[rows] for v in self.chosen],
            self.right[rows],
        )

    @staticmethod
    def joined(parts: list[_Draw]) -> _Draw:
        """Return several draws, one after the other."""
        one = parts[0]
        return _Draw(
            {c: np.concatenate([p.codes[c] for p in parts]) for c in one.codes},
            [np.concatenate(found) for found in zip(*(p.chosen for p in parts))],
            np.concatenate([p.right for p in parts]),
        )


class _Part(NamedTuple):
    """Rows of a draw that know the same columns of a key, and lack the same."""

    rows: IntArray
    opened: list[int]  # places of the columns that are still open
    nullable: list[str]  # those of them that may be NULL
    finder: Agreeing  # of parents, by the other columns
    known: IntArray  # what rows hold in these, shape (columns, rows)
    off: Bools  # rows with a NULL in the key: they have no parent


class _Redrawing:
    def __init__(
        self,
        keys: RowKeys,
        others: dict[str, U64],
        bad: IntArray,
        rng: np.random.Generator,
        refused: Optional[Forbids],
    ) -> None:
        self.keys, self.others, self.bad, self.rng = keys, others, bad, rng
        self.refused = refused
        self.unique = keys.unique_sets(others)
        good = np.ones(keys.rows, dtype=np.bool_)
        good[bad] = False
        # Sorted hashes of what right rows hold: whether a draw is new is one search in them.
        self.used = {}
        for unique in self.unique:
            hashes = keys.hashes(unique, keys.codes, others)[good]
            self.used[unique] = np.sort(hashes[hashes != 0])
        self.empty = [chosen[bad] < 0 for chosen in keys.chosen]

    def run(self) -> IntArray:
        """Draw until all rows are right, or the combinations are exhausted."""
        waiting = np.arange(len(self.bad), dtype=np.int64)
        rounds = CHECKED_ROUNDS if self.keys.checks else ROUNDS
        for number in range(rounds):
            if not len(waiting):
                return waiting
            # Strictly at first: a row keeps which of its keys are NULL; later that is drawn, too.
            draw = self._draw(waiting, strict=number < rounds // 2)
            taken = np.flatnonzero(draw.right)
            taken = taken[self._fresh(draw, taken, waiting)]
            self._put(draw, taken, waiting[taken])
            waiting = np.delete(waiting, taken)
        return self.bad[self._search(waiting)]

    def _draw(self, waiting: IntArray, *, strict: bool) -> _Draw:
        """Draw a parent over each key for some of the bad rows."""
        draw = _Draw.of(self.keys, self.bad[waiting])
        for number in self.rng.permutation(len(self.keys.keys)):  # in another order each time
            empty = self.empty[number][waiting] if strict else self.rng.random(len(waiting)) < 0.5
            self._draw_key(draw, int(number), empty, self.bad[waiting], strict=strict)
        self._fill_open(draw)
        draw.right &= ~self.keys.breaking(draw.codes, self.bad[waiting])
        return draw

    def _allowed(self, rows: IntArray, parents: IntArray) -> IntArray:
        """Return the parents, -1 for those that their rows must not have."""
        if self.refused is None:
            return parents
        linked = np.flatnonzero(parents >= 0)
        bad = linked[self.refused(rows[linked], parents[linked])]
        parents = parents.copy()
        parents[bad] = -1
        return parents

    def _parts(self, draw: _Draw, number: int) -> Iterator[_Part]:
        """Yield the rows by which of a key's columns are still open: each part is drawn at once."""
        columns, theirs = self.keys.keys[number].columns, self.keys.parents[number]
        own = np.stack([draw.codes[c] for c in columns])
        bits = (own == OPEN).astype(np.int64)
        pattern = (bits * (1 << np.arange(len(bits)))[:, None]).sum(axis=0)
        for which in np.unique(pattern):
            rows = np.flatnonzero(pattern == which)
            opened = [i for i in range(len(columns)) if which >> i & 1]
            known = [i for i in range(len(columns)) if not which >> i & 1]
            yield _Part(
                rows,
                opened,
                [columns[i] for i in opened if self.keys.nullable[columns[i]]],
                theirs.agreeing(tuple(known)),
                own[known][:, rows],
                (own[:, rows] == NULL).any(axis=0),
            )

    def _draw_key(
        self, draw: _Draw, number: int, empty: Bools, at: IntArray, *, strict: bool
    ) -> None:
        for part in self._parts(draw, number):
            rows = part.rows
            found = part.finder.pick(part.known, self.rng)
            # Columns that may be NULL can stay so; those that must not need a parent in any case.
            found[part.off | (empty[rows] if part.nullable else False)] = -1
            drawn, found = found, self._allowed(at[rows], found)
            if strict:  # another parent may be allowed, before none is
                draw.right[rows[(drawn >= 0) & (found < 0)]] = False
            self._take(draw, number, rows, found, part.opened)
            none = found < 0
            for column in part.nullable:
                draw.codes[column][rows[none]] = NULL
            if not part.nullable:
                draw.right[rows[none & ~part.off]] = False

    def _take(
        self, draw: _Draw, number: int, rows: IntArray, found: IntArray, places: list[int]
    ) -> None:
        """Let a key's open columns follow from the parents that were found."""
        linked, theirs = found >= 0, self.keys.parents[number]
        at, parents = rows[linked], found[linked]
        draw.chosen[number][at] = parents
        for i in places:
            draw.codes[self.keys.keys[number].columns[i]][at] = theirs.codes[i][parents]

    def _fill_open(self, draw: _Draw) -> None:
        """Give what must not be NULL a value that some parent has: the key is NULL elsewhere."""
        for column, codes in draw.codes.items():
            rows = np.flatnonzero(codes == OPEN)
            for number, key in enumerate(self.keys.keys):
                parents = self.keys.parents[number]
                if column not in key.columns or not len(rows):
                    continue
                place = key.columns.index(column)
                able = np.flatnonzero(parents.codes[place] >= 0)
                if len(able):
                    codes[rows] = parents.codes[place][self.rng.choice(able, len(rows))]
                    rows = rows[:0]
            draw.right[rows] = False

    def _fresh(self, draw: _Draw, rows: IntArray, waiting: IntArray) -> Bools:
        """Return which of the drawn rows repeat nothing: neither others, nor one another."""
        fresh = np.ones(len(rows), dtype=np.bool_)
        for unique in self.unique:
            hashes = self._hashes(draw, rows, waiting[rows], unique)
            kept = np.flatnonzero((hashes != 0) & fresh)
            first = np.zeros(len(rows), dtype=np.bool_)
            # `return_index` is where a hash stands first: of rows that are equal, one is fresh.
            first[kept[np.unique(hashes[kept], return_index=True)[1]]] = True
            fresh &= (hashes == 0) | (first & ~np.isin(hashes, self.used[unique]))
        return fresh

    def _hashes(
        self, draw: _Draw, rows: IntArray, waiting: IntArray, unique: tuple[str, ...]
    ) -> U64:
        codes = {c: values[rows] for c, values in draw.codes.items()}
        others = {c: values[self.bad[waiting]] for c, values in self.others.items()}
        return self.keys.hashes(unique, codes, others)

    def _put(self, draw: _Draw, rows: IntArray, waiting: IntArray) -> None:
        """Give rows what was drawn for them."""
        at = self.bad[waiting]
        for unique in self.unique:
            hashes = self._hashes(draw, rows, waiting, unique)
            self.used[unique] = np.union1d(self.used[unique], hashes[hashes != 0])
        for column, codes in draw.codes.items():
            self.keys.codes[column][at] = codes[rows]
        self.keys.touched[at] = True
        for number, chosen in enumerate(draw.chosen):
            self.keys.chosen[number][at] = chosen[rows]

    def _search(self, waiting: IntArray) -> IntArray:
        """Let rows take combinations that nobody has, of all there are; return those left."""
        if not len(waiting) or self.keys.known:
            return waiting
        pool = self._combinations()
        left = []
        for row in waiting:
            # At random, as only so many are tried: all rows would try the same ones else.
            tried = self.rng.permutation(len(pool.right))[:MOST_TRIED]
            same = np.full(len(tried), row, dtype=np.int64)
            fresh = np.ones(len(tried), dtype=np.bool_)
            for unique in self.unique:
                hashes = self._hashes(pool, tried, same, unique)
                fresh &= (hashes == 0) | ~np.isin(hashes, self.used[unique])
            codes = {c: values[tried] for c, values in pool.codes.items()}
            fresh &= ~self.keys.breaking(codes, self.bad[same])
            if fresh.any():
                self._put(pool, tried[fresh.argmax()][None], same[:1])
            else:
                left.append(row)
        return np.array(left, dtype=np.int64)

    def _combinations(self) -> _Draw:
        """List the combinations of parents that agree, as far as there is room for them."""
        pool = _Draw.of(self.keys, np.zeros(1, dtype=np.int64))
        for number in range(len(self.keys.keys)):
            pool = _Draw.joined([pool.take(pool.chosen[0][:0]), *self._expanded(pool, number)])
        self._fill_open(pool)
        pool.right &= ~self.keys.breaking(pool.codes)
        return pool.take(np.flatnonzero(pool.right))

    def _expanded(self, pool: _Draw, number: int) -> Iterator[_Draw]:
        """Yield the combinations beside each parent that agrees, and beside NULL."""
        for part in self._parts(pool, number):
            first, size = part.finder.spans(part.known)
            size = np.where(part.off, 0, size)
            # All pairs of a row and a parent in one line: `ends` tells which row a place is of.
            ends = np.cumsum(size)
            total = int(ends[-1]) if len(ends) else 0
            some = np.arange(total, dtype=np.int64)
            if total > MOST_COMBINATIONS:
                some = np.sort(self.rng.choice(total, MOST_COMBINATIONS, replace=False))
            at = np.searchsorted(ends, some, side="right")
            parents = part.finder.parents[first[at] + some - (ends[at] - size[at])]
            beside_parents = pool.take(part.rows[at])
            self._take(beside_parents, number, np.arange(len(at)), parents, part.opened)
            yield beside_parents
            beside_null = pool.take(part.rows if part.nullable else part.rows[part.off])
            for column in part.nullable:
                beside_null.codes[column][:] = NULL
            yield beside_null
