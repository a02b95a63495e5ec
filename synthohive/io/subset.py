"""Which real rows make a small database of their own: closed under every key, within a budget.

Rows are known by *outlines*: who they are, how large, and to whom they refer. Each row has a
moment at which it is drawn: its entity (an ancestor over driving keys) comes in the order of the
scores, and within an entity the rows come in an order of their own. What a row refers to enters
with it at the latest. So the rows that entered before any moment are closed under every key, cycles
and references to the own table included, and the budget is kept by the choice of the last moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats, IntArray
from synthohive._logging import get_logger
from synthohive.exceptions import SchemaError
from synthohive.schema import Metadata

__all__ = ["Budget", "Chosen", "Outline", "Outlines", "choose"]

log = get_logger(__name__)
_NEVER = np.iinfo(np.int64).max
_AHEAD = 1.5
"""How many times the rows that are wanted are looked at first: what they refer to comes beside."""
_FULL = 0.95
"""The share of a budget that is worth no further search for rows that fit."""
_BESIDE = 20
"""How many times the budget may be looked at of what others refer to."""


@dataclass(frozen=True)
class Budget:
    """How much a subset may hold, all tables together.

    Attributes
    ----------
    rows : int
    size : int, optional
        Bytes of the values as they are read.
    """

    rows: int
    size: Optional[int] = None


@dataclass(frozen=True)
class Outline:
    """Rows of one table without their values.

    Attributes
    ----------
    ids : pyarrow.StringArray
        By which the source finds each row again. Rows that share one are taken together.
    entity : ndarray of int64
        The number, among the tables, of the one whose row decides when this one is drawn.
    score : ndarray of float64
        That row's: the least is drawn first.
    order : ndarray of float64
        The row's own place among those of its entity.
    size : ndarray of int64
        Bytes.
    parents : list of pyarrow.StringArray
        For each key of the table, the id of the row that is referred to; NULL for none.
    orphan : ndarray of bool
        Whether a complete key leads to no row.
    """

    ids: pa.StringArray
    entity: IntArray
    score: Floats
    order: Floats
    size: IntArray
    parents: list[pa.StringArray]
    orphan: Bools

    @classmethod
    def joined(cls, parts: Sequence[Outline]) -> Outline:
        """Return the rows of several outlines of one table."""
        return cls(
            pa.concat_arrays([part.ids for part in parts]),
            np.concatenate([part.entity for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.order for part in parts]),
            np.concatenate([part.size for part in parts]),
            [pa.concat_arrays(list(found)) for found in zip(*(part.parents for part in parts))],
            np.concatenate([part.orphan for part in parts]),
        )


class Outlines(ABC):
    """What a source tells of its rows."""

    @abstractmethod
    def drawn(self, table: str, shares: Mapping[str, float]) -> Outline:
        """Return the rows whose entities are among the first of their table.

        Parameters
        ----------
        table : str
        shares : dict of str to float
            Which share of the entities of each table is drawn.
        """

    @abstractmethod
    def named(self, table: str, ids: Sequence[str]) -> Outline:
        """Return the rows of some ids."""


@dataclass(frozen=True)
class Chosen:
    """The rows of one table that were chosen.

    Attributes
    ----------
    ids : list of str
    rows, size : int
        How many rows these are, and how many bytes.
    weights : ndarray of float64
        How many rows of the table each row of an id stands for. Those that were drawn stand for
        all; those that are only there since others refer to them for none, as the ones that many
        refer to are over-represented among them.
    left_out : int
        Rows that were looked at, of which a key leads to no row, or to one that is left out.
    """

    ids: list[str]
    rows: int
    size: int
    weights: Floats
    left_out: int = 0

    @property
    def referred(self) -> int:
        """How many ids are there only since others refer to them."""
        return int((self.weights == 0).sum())


@dataclass
class _Graph:
    """All rows that are known, numbered over all tables, and who refers to whom."""

    tables: dict[str, list[Outline]]
    numbers: dict[str, dict[str, int]]
    lacking: dict[str, dict[str, None]] = field(default_factory=dict)

    @classmethod
    def of(cls, metadata: Metadata) -> _Graph:
        return cls({n: [] for n in metadata.tables}, {n: {} for n in metadata.tables})

    def add(self, metadata: Metadata, table: str, outline: Outline) -> None:
        """Take rows in, and note what they refer to and is not known."""
        self.tables[table].append(outline)
        known = self.numbers[table]
        for one in outline.ids.to_pylist():
            known.setdefault(one, len(known))
        for key, parents in zip(metadata.tables[table].foreign_keys, outline.parents):
            lacking = self.lacking.setdefault(key.parent, {})
            for one in pc.unique(parents).to_pylist():
                if one is not None:
                    lacking[one] = None

    def open(self, table: str) -> list[str]:
        """Return the ids that are referred to and not known."""
        known = self.numbers[table]
        return [one for one in self.lacking.pop(table, {}) if one not in known]

    @property
    def size(self) -> int:
        return sum(map(len, self.numbers.values()))


def choose(
    source: Outlines,
    metadata: Metadata,
    counts: Mapping[str, int],
    small: frozenset[str],
    budget: Budget,
) -> dict[str, Chosen]:
    """Choose rows of all tables, within a budget, such that all they refer to is among them.

    Parameters
    ----------
    source : Outlines
    metadata : Metadata
    counts : dict of str to int
        The rows of each table.
    small : frozenset of str
        Tables of few rows, which are looked at whole.
    budget : Budget

    Raises
    ------
    SchemaError
        No row fits, with all that it refers to.
    """
    total = max(sum(counts.values()), 1)
    share = min(1.0, _AHEAD * budget.rows / total)
    while True:
        shares = {n: 1.0 if n in small or c * share < 1 else share for n, c in counts.items()}
        graph = _Graph.of(metadata)
        for table in metadata.tables:
            if counts[table]:
                graph.add(metadata, table, source.drawn(table, shares))
        _close(source, metadata, graph, budget)
        found, full = _Cut(metadata, graph, shares, counts).within(budget)
        if full or share >= 1.0:
            break
        share = min(1.0, 3 * share)
    if total and not any(chosen.rows for chosen in found.values()) and any(counts.values()):
        raise SchemaError(
            f"No row fits in {budget.rows:,} rows"
            + (f" and {budget.size:,} bytes" if budget.size is not None else "")
            + " together with all that it refers to.",
            hint="Ask for more.",
        )
    return found


def _close(source: Outlines, metadata: Metadata, graph: _Graph, budget: Budget) -> None:
    """Look at what is referred to, and at what that refers to, until all is known.

    What leads to more than fits stays unknown: a chain longer than the budget, for one.
    """
    most = graph.size + _BESIDE * budget.rows
    for _ in range(budget.rows):
        asked = {name: ids for name in metadata.tables if (ids := graph.open(name))}
        if not asked or graph.size > most:
            return
        for table, ids in asked.items():
            found = source.named(table, ids)
            graph.add(metadata, table, replace(found, entity=np.full(len(found.ids), -1)))


class _Cut:
    """Finds the last moment that fits."""

    def __init__(
        self,
        metadata: Metadata,
        graph: _Graph,
        shares: Mapping[str, float],
        counts: Mapping[str, int],
    ) -> None:
        self.names, self.counts = list(metadata.tables), counts
        self.known = {name: list(graph.numbers[name]) for name in self.names}
        sizes = [len(self.known[name]) for name in self.names]
        self.first = dict(zip(self.names, np.cumsum([0, *sizes])[:-1].tolist()))
        self.rows, self.size = (np.zeros(sum(sizes), dtype=np.int64) for _ in range(2))
        self.left_out = np.zeros(sum(sizes), dtype=bool)
        edges: list[tuple[IntArray, IntArray]] = []
        drawn: list[tuple[IntArray, Outline]] = []
        for name in self.names:
            for outline in graph.tables[name]:
                rows = self._numbers(graph, name, outline.ids)
                np.add.at(self.rows, rows, 1)
                np.add.at(self.size, rows, outline.size)
                self.left_out[rows[outline.orphan]] = True
                edges += self._edges(metadata, graph, name, outline, rows)
                drawn.append((rows, outline))
        self.child, self.parent = (
            np.concatenate([pair[i] for pair in edges]) if edges else np.zeros(0, np.int64)
            for i in (0, 1)
        )
        self.above = _Lists(self.child, self.parent, sum(sizes))
        self._leave_out()
        self.own = self._moments(drawn, shares)

    def _numbers(self, graph: _Graph, table: str, ids: pa.StringArray) -> IntArray:
        known, first = graph.numbers[table], self.first[table]
        return np.array([first + known[one] for one in ids.to_pylist()], dtype=np.int64)

    def _edges(
        self, metadata: Metadata, graph: _Graph, table: str, outline: Outline, rows: IntArray
    ) -> Iterator[tuple[IntArray, IntArray]]:
        for key, parents in zip(metadata.tables[table].foreign_keys, outline.parents):
            known, first = graph.numbers[key.parent], self.first[key.parent]
            there = parents.to_pylist()
            unknown = np.array([p is not None and p not in known for p in there], dtype=bool)
            self.left_out[rows[unknown]] = True  # it leads to more than fits
            linked = np.array([p is not None and p in known for p in there], dtype=bool)
            numbers = [first + known[p] for p, yes in zip(there, linked) if yes]
            yield rows[linked], np.array(numbers, dtype=np.int64)

    def _leave_out(self) -> None:
        """Leave out what refers, over whatever keys, to a row that is left out."""
        below = _Lists(self.parent, self.child, len(self.rows))
        waiting = np.flatnonzero(self.left_out).tolist()
        while waiting:
            for row in below.of(waiting.pop()):
                if not self.left_out[row]:
                    self.left_out[row] = True
                    waiting.append(row)

    def _moments(
        self, drawn: Sequence[tuple[IntArray, Outline]], shares: Mapping[str, float]
    ) -> IntArray:
        """Return when each row is drawn: all tables go on at the same pace."""
        entity = np.concatenate([o.entity for _, o in drawn] or [np.zeros(0, np.int64)])
        score = np.concatenate([o.score for _, o in drawn] or [np.zeros(0)])
        order = np.concatenate([o.order for _, o in drawn] or [np.zeros(0)])
        rows = np.concatenate([r for r, _ in drawn] or [np.zeros(0, np.int64)])
        place = np.full(len(entity), np.inf)
        for number in np.unique(entity[entity >= 0]):
            here = entity == number
            share = shares[self.names[number]]
            values, which = np.unique(score[here], return_inverse=True)
            place[here] = share * which / len(values)  # 0 first: each table gets a row
        moments = np.unique(np.stack([place, order], axis=1), axis=0, return_inverse=True)[1]
        moments = np.where(np.isinf(place), _NEVER, moments.reshape(-1)).astype(np.int64)
        own = np.full(len(self.rows), _NEVER)
        np.minimum.at(own, rows, moments)
        own[self.left_out] = _NEVER
        return own

    def within(self, budget: Budget) -> tuple[dict[str, Chosen], bool]:
        """Return the rows that are chosen, and whether the budget is used up.

        One by one, in the order in which they are drawn: each enters with all that it refers to,
        over whatever keys, if that fits. What does not fit once never does.
        """
        inside, drawn = (np.zeros(len(self.own), dtype=bool) for _ in range(2))
        refused: set[int] = set()
        rows, size = 0, 0
        full = False
        for row in np.argsort(self.own, kind="stable").tolist():
            if self.own[row] == _NEVER:
                break
            found = self._entering(row, inside, refused, budget.rows - rows)
            more = 0 if found is None else int(self.size[found].sum())
            if found is None or (budget.size is not None and size + more > budget.size):
                refused.add(row)
                if full:
                    break
                continue
            inside[found] = drawn[row] = True
            rows, size = rows + int(self.rows[found].sum()), size + more
            full = max(rows / budget.rows, size / (budget.size or np.inf)) >= _FULL
            if rows == budget.rows:
                break
        return self._chosen(inside, drawn), full

    def _entering(
        self, row: int, inside: Bools, refused: set[int], most: int
    ) -> Optional[list[int]]:
        """Return a row and all that it refers to and is not inside; None if that is too much."""
        if inside[row]:
            return []
        found, waiting, count = {row: None}, [row], 0
        while waiting:
            one = waiting.pop()
            count += int(self.rows[one])
            if count > most or one in refused:
                return None
            for parent in self.above.of(one):
                if not inside[parent] and parent not in found:
                    found[parent] = None
                    waiting.append(parent)
        return list(found)

    def _chosen(self, inside: Bools, drawn: Bools) -> dict[str, Chosen]:
        found = {}
        for name in self.names:
            first, known = self.first[name], self.known[name]
            here = np.flatnonzero(inside[first : first + len(known)])
            rows, own = self.rows[first + here], drawn[first + here]
            out = self.left_out[first : first + len(known)]
            stands = self.counts[name] / max(int(rows[own].sum()), 1)
            found[name] = Chosen(
                [known[i] for i in here],
                int(rows.sum()),
                int(self.size[first + here].sum()),
                np.where(own, stands, 0.0),
                int(self.rows[first : first + len(known)][out].sum()),
            )
        return found


class _Lists:
    """To whom each row leads, over all keys."""

    def __init__(self, start: IntArray, end: IntArray, count: int) -> None:
        order = np.argsort(start, kind="stable")
        self._ends: list[int] = end[order].tolist()
        self._first: list[int] = np.searchsorted(start[order], np.arange(count + 1)).tolist()

    def of(self, row: int) -> list[int]:
        return self._ends[self._first[row] : self._first[row + 1]]
