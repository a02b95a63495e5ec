"""Whether what a sample suggests holds in all rows: a database is asked, else they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.derive.base import Derivation
from synthohive.derive.columns import MOST_EXCEPTIONS
from synthohive.derive.lookup import Lookup
from synthohive.derive.mostly import Mostly, confirmed, may_break, rule_of
from synthohive.derive.order import Order
from synthohive.derive.presence import Presence
from synthohive.derive.program import Program
from synthohive.derive.search import verified
from synthohive.io.questions import CannotAsk, Condition, Joined, Questions, Terms
from synthohive.schema import ForeignKey
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.ancestors import WithParents, routes
from synthohive.tables.joins import match_rows
from synthohive.tables.numbers import as_numbers
from synthohive.tables.source import SourceTables

__all__ = ["AllRows"]

log = get_logger(__name__)
MOST = 10_000
"""Rows in doubt that come at once: a rule that holds has next to none, another one breaks soon."""
Rule = Union[Derivation, Presence]
Rules = list[Rule]
Suspects = Iterator[tuple[pa.Table, IntArray]]
Fine = Callable[[Rule, Terms], Any]


@dataclass(frozen=True)
class AllRows:
    """All rows of a table, beside those of their parents over a key.

    Attributes
    ----------
    whole : SourceTables
    plan : RelationalPlan
    table : str
    key : ForeignKey, optional
        None: the rows alone. Of one to the table itself, those rows that have another row as
        their parent.
    """

    whole: SourceTables
    plan: RelationalPlan
    table: str
    key: Optional[ForeignKey] = None

    def verified(self, found: Program) -> Program:
        """Return what of a program holds in all rows, or in nearly all."""
        held: list[Rule] = []
        asked: list[Rule] = []
        rest: list[Rule] = []
        plain = [one for one in found.derivations if not isinstance(one, Mostly)]
        odd = [one for one in found.presences.values() if one.flag is not None]
        rules: Rules = [*plain, *(r for r in found.presences.values() if r.flag is None)]
        for rule in rules:
            if self._is_function(rule):
                held.append(rule)
            else:
                (asked if self._is_asked([rule], _unbroken) else rest).append(rule)
        held += self._kept(asked, _unbroken, _unbroken_by)
        for alike in _alike(rest):
            left = alike
            for block in self._combined(alike):
                left = _unbroken_by(left, block)
            held += left
        derived = {rule.target: rule for rule in held if isinstance(rule, Derivation)}
        derived.update(self._nearly([d for d in found.derivations if d.target not in derived]))
        empty = {rule.target: rule for rule in held if isinstance(rule, Presence)}
        empty.update(self._nearly_told(odd))
        lost = set(found.targets) - set(derived)
        return replace(
            found.without(lost),
            derivations=tuple(derived[t] for t in found.targets if t in derived),
            presences={t: empty[t] for t in found.presences if t in empty},
        )

    def _nearly(self, derivations: Sequence[Derivation]) -> dict[str, Derivation]:
        """Return, by target, the derivations that hold in nearly all rows."""
        if not derivations:
            return {}
        if self._questions() is None:
            program = verified(Program(tuple(derivations)), self.read(list(derivations)))
            return program.by_target
        size, found = self.whole.size(self.table), {}
        for one in derivations:
            most = int(may_break(one) * size)
            kept = confirmed(one, self.broken(rule_of(one), most), size)
            if kept is not None:
                found[one.target] = kept
        return found

    def _nearly_told(self, presences: Sequence[Presence]) -> dict[str, Presence]:
        """Return, by target, where columns are NULL in nearly all rows."""
        size, found = max(self.whole.size(self.table), 1), {}
        for one in presences:
            wrong = self.broken(one.rule, int(MOST_EXCEPTIONS * size))
            if wrong <= MOST_EXCEPTIONS * size:
                found[one.target] = replace(one, holds=1.0 - wrong / size)
        return found

    def bounds(self, orders: Sequence[Order]) -> list[Order]:
        """Return the orders that no row breaks; several may be about one column."""

        def right(rules: Rules, rows: pa.Table) -> Rules:
            return [rule for rule in rules if not rule.violations(rows).any()]

        asked: Rules = [order for order in orders if self._is_asked([order], _fine)]
        rest: Rules = [order for order in orders if order not in asked]
        kept = self._kept(asked, _fine, right)
        for alike in _alike(rest):
            left = alike
            for block in self._combined(alike):
                left = right(left, block)
            kept += left
        return [order for order in orders if order in kept]

    def broken(self, relation: Rule, most: Optional[int] = None) -> int:
        """Return in how many rows a derivation does not hold.

        Parameters
        ----------
        relation : Derivation or Presence
        most : int, optional
            It is enough to know that there are more.
        """
        fine, test, found = _fine, relation.violations, 0
        if isinstance(relation, Derivation) and relation.whole:
            fine, test = _unbroken, relation.broken
        for suspects in self._suspects(relation, fine):
            found = 0  # of a question that failed half-way, nothing counts
            with suppress(CannotAsk):
                for rows, times in suspects:
                    found += int(test(rows) @ times)
                    if most is not None and found > most:
                        break
                return found
        return found

    def _suspects(self, relation: Rule, fine: Fine) -> Iterator[Suspects]:
        """Yield streams of all rows that may break a derivation, and how often each occurs.

        Each but the last, which reads the table, may end in :class:`CannotAsk`.
        """
        questions = self._questions()
        if self._is_asked([relation], fine):
            yield map(_once, self._doubtful([relation], fine, None))
        elif questions is not None:
            yield map(_counted, questions.combinations(self._joined([relation])))
        yield map(_once, self.read([relation]))

    def read(self, rules: Rules) -> Iterator[pa.Table]:
        """Stream the whole table, with the ancestors' columns that are needed."""
        rules = [rule_of(rule) if isinstance(rule, Derivation) else rule for rule in rules]
        found, own = _program(rules), self.whole.schema(self.table).names
        above = [] if self.key is None else [(n, self.key) for n in found.above(own)]
        keys = self.key.columns if above and self.key is not None else []
        named = {*keys, *(c for step in found.steps for c in (step.target, *step.needs))}
        columns = [c for c in own if c in named]
        parents, start = WithParents(above, self.plan, self.whole), 0
        key, theirs = self.key, None
        if above and key is not None and key.parent == self.table:
            theirs = self.whole.columns(self.table, key.parent_columns)
        for block in self.whole.batches(self.table, columns):
            rows = parents(block)
            if theirs is not None and key is not None:
                at = match_rows(block, key.columns, theirs, key.parent_columns)
                # Numbers of rows run on over all blocks.
                linked = (at >= 0) & (at != start + np.arange(len(at)))
                rows = rows.filter(pa.array(linked)) if rows.num_columns else rows
            start += len(block)
            yield rows

    def _combined(self, rules: Rules) -> Iterator[pa.Table]:
        """Stream what rows hold in the columns of rules, once each: a row says no more than that.

        As many rows come as there are, where a column never repeats: what no condition of SQL
        tells of such (the week of a moment) is not shown by less.
        """
        questions = self._questions()
        if questions is not None:
            with suppress(CannotAsk):
                for batch in questions.combinations(self._joined(rules)):
                    found = pa.Table.from_batches([batch])
                    yield found.select(found.column_names[:-1])
                return
        yield from self.read(rules)

    def _is_function(self, rule: Rule) -> bool:
        """Whether a database tells that a look-up has one value for each combination."""
        questions = self._questions()
        if questions is None or not isinstance(rule, Lookup):
            return False
        with suppress(CannotAsk):
            return not questions.contradicted(self._joined([rule]), rule.sources, rule.target)
        return False

    def _kept(
        self, rules: Rules, fine: Fine, narrowed: Callable[[Rules, pa.Table], Rules]
    ) -> Rules:
        """Return the rules that hold, by the rows that a database is in doubt of.

        Too many of these mean that a rule is broken, which some of them show; then it is asked
        again about the others.
        """
        while rules:
            rows, left = 0, rules
            with suppress(CannotAsk):
                for block in self._doubtful(rules, fine, MOST):
                    rows, left = rows + len(block), narrowed(left, block)
                if rows < MOST:
                    return left
            if left == rules:  # the engine compares otherwise: nothing but the rows themselves tell
                log.info("rows_read", table=self.table, rules=[str(rule) for rule in rules])
                for block in self.read(rules):
                    left = narrowed(left, block)
                return left
            rules = left
        return rules

    def _is_asked(self, rules: Rules, fine: Fine) -> bool:
        """Whether a database can be asked about rules."""
        questions = self._questions()
        if questions is None:
            return False
        try:
            return questions.understood(self._joined(rules), _all(rules, fine))
        except CannotAsk:
            return False

    def _doubtful(self, rules: Rules, fine: Fine, most: Optional[int]) -> Iterator[pa.Table]:
        questions = self._questions()
        if questions is not None:
            for batch in questions.doubtful(self._joined(rules), _all(rules, fine), most):
                yield pa.Table.from_batches([batch])

    def _questions(self) -> Optional[Questions]:
        tables = [self.table, *(name for name, _ in routes(self.plan, self.key))]
        return self.whole.questions(*tables)

    def _joined(self, rules: Rules) -> Joined:
        """Return the rows that rules are about."""
        found, schema = _program(rules), self.whole.schema(self.table)
        named = list(dict.fromkeys(c for s in found.steps for c in (s.target, *s.needs)))
        own = tuple(name for name in named if name in schema.names)
        above = {}
        for table, route in routes(self.plan, self.key):
            columns = self.whole.schema(table).names
            above.update(
                {
                    name: (route, name[len(table) + 1 :])
                    for name in named
                    if name not in own
                    and name.startswith(f"{table}.")
                    and name[len(table) + 1 :] in columns
                }
            )
        if len(own) + len(above) < len(named):
            raise CannotAsk
        circle = self.key if above and self.key and self.key.parent == self.table else None
        return Joined(self.table, own, above, () if circle is None else (circle,))


def _unbroken(rule: Rule, ask: Terms) -> Any:
    return rule.unbroken(ask) if isinstance(rule, Derivation) else rule.fine(ask)


def _fine(rule: Rule, ask: Terms) -> Any:
    return rule.fine(ask)


def _all(rules: Rules, fine: Fine) -> Condition:
    """Return the condition that a row surely keeps all of some rules."""

    def condition(ask: Terms) -> Any:
        found = ask.plain(True)
        for rule in rules:
            found &= fine(rule, ask)
        return found

    return condition


def _alike(rules: Rules) -> list[Rules]:
    """Return the rules about the same columns together: all parts of one date."""
    found: dict[frozenset[str], Rules] = {}
    for rule in rules:
        found.setdefault(frozenset(rule.needs), []).append(rule)
    return list(found.values())


def _once(rows: pa.Table) -> tuple[pa.Table, IntArray]:
    return rows, np.ones(len(rows), dtype=np.int64)


def _counted(batch: pa.RecordBatch) -> tuple[pa.Table, IntArray]:
    """Return rows, and how often each occurs, which stands last."""
    found = pa.Table.from_batches([batch])
    times = as_numbers(found.column(found.num_columns - 1)).astype(np.int64)
    return found.select(found.column_names[:-1]), times


def _program(rules: Rules) -> Program:
    derivations = tuple(rule for rule in rules if isinstance(rule, Derivation))
    return Program(derivations, {r.target: r for r in rules if isinstance(r, Presence)})


def _unbroken_by(rules: Rules, rows: pa.Table) -> Rules:
    """Return the rules that no row breaks."""
    kept: Rules = []
    for rule in rules:
        if isinstance(rule, Derivation):
            kept += [] if rule.broken(rows).any() else [rule]
        else:
            narrowed = rule.narrowed(rows)
            kept += [] if narrowed is None else [narrowed]
    return kept
