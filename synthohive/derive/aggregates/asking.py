"""Whether what the children of a few parents give holds for all: a database is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive.derive.aggregates.base import Aggregate
from synthohive.derive.aggregates.sets import ValueSet, find_value_set
from synthohive.derive.aggregates.totals import Total
from synthohive.io.questions import (
    Above,
    CannotAsk,
    Condition,
    Joined,
    Questions,
    Route,
    Summed,
    Sums,
    Terms,
)
from synthohive.schema import ForeignKey
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.ancestors import WithParents, routes
from synthohive.tables.joins import match_rows
from synthohive.tables.numbers import as_numbers
from synthohive.tables.source import SourceTables

__all__ = ["AllParents"]

MOST = 10_000
"""Parents in doubt whose children come: of what holds, there are next to none."""


@dataclass(frozen=True)
class AllParents:
    """All rows of a parent table, beside what their children over a key give together.

    Attributes
    ----------
    whole : SourceTables
    plan : RelationalPlan
    child : str
    key : ForeignKey
    sampled : pyarrow.Table
        Some parents.
    """

    whole: SourceTables
    plan: RelationalPlan
    child: str
    key: ForeignKey
    sampled: pa.Table

    def confirmed(
        self, candidates: Sequence[Aggregate], steps: Mapping[str, float], k: int
    ) -> dict[int, Optional[Aggregate]]:
        """Return, by their places, what holds of candidates, None if it does not; read the rest."""
        found: dict[int, Optional[Aggregate]] = {}
        listed = list(enumerate(candidates))
        places = [(i, one) for i, one in listed if isinstance(one, Total) and self._is_asked(one)]
        totals = [one for _, one in places]
        with suppress(CannotAsk):
            tests = [one.tests(steps[one.target]) for one in totals]
            asked = [test for each in tests for test in each.values()]
            told = iter(self._questions(totals).counted(self._rows(totals), asked) if tests else ())
            for (i, one), each in zip(places, tests):
                counts = {name: next(told) for name in each}
                with suppress(CannotAsk):
                    found[i] = self._total(one, steps[one.target], counts)
        for i, other in listed:
            if isinstance(other, ValueSet):
                with suppress(CannotAsk):
                    found[i] = self._set(other, k)
        return found

    def children(self, parents: pa.Table, names: Sequence[str], above: Above) -> pa.Table:
        """Return the children of some parents, beside columns of their other parents.

        Parameters
        ----------
        parents : pyarrow.Table
            With the columns that the key refers to.
        names : sequence of str
            The children's own columns, keys included.
        above : mapping of str to (route, column)
        """
        blocks = []
        for block in self.whole.children(self.child, names, self.key, parents, above):
            at = match_rows(block, self.key.columns, parents, self.key.parent_columns)
            blocks.append(block.filter(pa.array(at >= 0)))
        rows = pa.concat_tables(blocks)
        rest = [(name, route[0]) for name, (route, _) in above.items()]
        rest = [one for one in rest if one[0] not in rows.column_names]
        return WithParents(rest, self.plan, self.whole)(rows)

    def above(self, named: Iterable[tuple[str, ForeignKey]]) -> dict[str, tuple[Route, str]]:
        """Return the routes to columns of other parents, ``table.column``, each with a key."""
        found: dict[str, tuple[Route, str]] = {}
        for name, key in named:
            table, _, column = name.rpartition(".")
            found[name] = dict(routes(self.plan, key))[table], column
        return found

    def _questions(self, candidates: Sequence[Aggregate]) -> Questions:
        involved = [
            k.parent for a in candidates for r, _ in self.above(a.above).values() for k in r
        ]
        questions = self.whole.questions(self.child, self.key.parent, *involved)
        if questions is None:
            raise CannotAsk
        return questions

    def _rows(self, candidates: Sequence[Total], *columns: str) -> Joined:
        """Return the parents beside what children give to some candidates."""
        above = self.above([pair for one in candidates for pair in one.above])
        amounts = [name for one in candidates for name in one.amount.columns if name not in above]
        children = Joined(self.child, tuple(dict.fromkeys(amounts)), above)
        of = {name: summed for one in candidates for name, summed in one.asked.items()}
        named = [c for one in candidates for c in (one.target, *one.beside)]
        own = tuple(dict.fromkeys([*columns, *named]))
        return Joined(self.key.parent, own, sums=Sums(children, self.key, of))

    def _is_asked(self, one: Total) -> bool:
        def all_of(ask: Terms) -> Any:
            found = ask.plain(True)
            for test in one.tests(1.0).values():
                found &= test(ask)
            return found

        try:
            return self._questions([one]).understood(self._rows([one]), all_of)
        except CannotAsk:
            return False

    def _total(self, one: Total, step: float, told: Mapping[str, int]) -> Optional[Total]:
        found = one.held(as_numbers(self.sampled.column(one.target)), step, told)
        if found is None:
            return None
        if one.function != "count" and told["alone"]:
            found = replace(found, empty=self._empty(one, step, told["alone"]))
        if told["right"] == told["some"]:
            return found
        keys, fine = self.key.parent_columns, one.tests(step)["fine"]
        few = list(self._questions([one]).doubtful(self._rows([one], *keys), fine, MOST))
        parents = pa.Table.from_batches(few) if few else pa.table({})
        if not len(parents):
            return found
        rows = self.children(parents, one.columns, self.above(one.above))
        sums = one.running(len(parents))
        sums.take(match_rows(rows, self.key.columns, parents, keys), rows)
        if one.broken(parents, sums, step).any():
            return None
        if len(parents) == MOST:
            raise CannotAsk  # the engine calculates otherwise: only the children themselves tell
        return found

    def _empty(self, one: Total, step: float, alone: int) -> Optional[float]:
        """Return what stands for no children; see :meth:`Total.confirmed`."""
        questions, value, alone_ = self._questions([one]), 0.0, one.tests(step)["alone"]

        def others(ask: Terms) -> Any:
            return ~alone_(ask)

        if one.formula is None:
            for batch in questions.doubtful(self._rows([one]), others, 1):
                value = float(as_numbers(pa.Table.from_batches([batch]).column(one.target))[0])
        given = replace(one, empty=value)
        filled = questions.counted(self._rows([given]), [given.tests(step)["filled"]])
        return value if filled == [alone] else None

    def _set(self, one: ValueSet, k: int) -> Optional[ValueSet]:
        def has(value: str) -> Condition:
            return lambda ask: ask.where(
                ask.one_of(one.column, [value]), ask.plain(1.0), ask.plain(0.0)
            )

        names = [f"{one.column}: {value}" for value in one.values_of]
        of = {n: Summed("max", has(v), 0.0) for n, v in zip(names, one.values_of)}
        sums = Sums(Joined(self.child, (one.column,)), self.key, of)
        rows = Joined(self.key.parent, (one.target,), sums=sums)
        found = pa.Table.from_batches(list(self._questions([one]).combinations(rows)))
        sets = sum(2**i * found.column(name).to_numpy() for i, name in enumerate(names))
        counts = found.column("").to_numpy()
        entries = find_value_set(found.column(one.target), np.asarray(sets, np.int64), k, counts)
        return None if entries is None else replace(one, entries=entries)
