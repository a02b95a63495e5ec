"""What holds in nearly all rows: in which it does not, and what stands there instead, is modelled.

One idea for all kinds. A rule (a copy, a formula, a part of a date, a look-up, an order) says what
a column is; beside it, one more column is modelled, which is NULL where the rule holds, and tells
what stands there where it does not: the value itself, what it is of the rule's value, or how far
from it. So the model learns the share of the exceptions, the rows in which they happen and their
size from the exceptions alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats
from synthohive._display import percent
from synthohive.derive.base import Derivation, Rng, Values, as_column
from synthohive.derive.columns import (
    CHANCE,
    CONTRADICTIONS,
    FEW_EXCEPTIONS,
    LEAST_ROWS,
    MOST_EXCEPTIONS,
    Chosen,
    Columns,
    spaced,
)
from synthohive.derive.containing import holds
from synthohive.derive.lookup import Copy
from synthohive.derive.order import Order, among
from synthohive.metrics.associations import kappa
from synthohive.privacy.entities import on_grid
from synthohive.tables.ancestors import with_column
from synthohive.tables.joins import group_codes
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time, nulls
from synthohive.tables.roles import rest_column

__all__ = [
    "Mostly",
    "agreement",
    "confirmed",
    "find_mostly",
    "is_open",
    "may_break",
    "nearly",
    "rule_of",
    "same",
    "together",
    "with_exceptions",
]

Rest = Literal["own", "listed", "ratio", "gap"]
LEAST_SHARE = 0.3
"""Of the rows, that hold their parent's value."""
LEAST_KAPPA, LEAST_KAPPA_OF_FEW = 0.25, 0.5
"""The same beyond what chance gives, as a share of what chance leaves; of few values, more."""
FEW_VALUES = 20
FEW = 300
"""Rows that refute most candidates at little cost."""
LEAST_TIED = 0.3
"""Correlation from which on other values are modelled beside the rule's."""
LEAST_PAIRS = 8
"""Exceptions of which a correlation says something, if it is twice what chance gives."""
NEAR = 0.1
"""Distance from the rule's value, as a share of the value, that few exceptions are modelled by."""
TRIES = 8
CHANCE_ROWS = 5_000
FEW_LISTED = 200
"""Values of a column, at most, that exceptions are drawn from."""
LEAST_COMMON = 0.5
"""Share of the exceptions whose values enough entities share, to be modelled as themselves."""
_DIGITS = (2, 3, 4)
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Mostly(Derivation):
    """A derivation that holds in most rows.

    Attributes
    ----------
    rule : Derivation
        What holds in the others.
    rest : {"own", "listed", "ratio", "gap"}
        What is modelled for the exceptions: the target itself, only that it is another one of
        `values`, what it is of the rule's value, or how far from it.
    flag : str
        The column that is NULL where the rule holds: the target's own, or that of another target
        with which it differs in the same rows.
    step : float
        The target's last digit; 0 where it has none.
    low, high : float, optional
        Protected bounds of the target, which ratios and gaps keep.
    share : float
        Of the real rows in which the rule holds.
    also : Order, optional
        What holds in the exceptions, too, of an order that does not.
    values : pyarrow.Table, optional
        Those of the target that enough entities share, with how often each occurs; for "listed".
    """

    rule: Derivation
    rest: Rest
    flag: str
    step: float = 0.0
    low: Optional[float] = None
    high: Optional[float] = None
    share: float = 1.0
    also: Optional[Order] = None
    values: Optional[pa.Table] = None

    strict = False  # the exceptions stand beside any NULL

    @property
    def needs(self) -> tuple[str, ...]:
        """What the rule needs, and the columns that tell of the exceptions."""
        also = () if self.also is None else self.also.needs
        return tuple(dict.fromkeys([*self.rule.needs, *also, *self.told]))

    @property
    def told(self) -> tuple[str, ...]:
        """The columns that are modelled besides, and tell of the exceptions."""
        return tuple(dict.fromkeys([self.flag, rest_column(self.target)]))

    @property
    def whole(self) -> bool:
        """Whether nothing is modelled in the target's place, as for the rule."""
        return self.rule.whole

    def exceptions(self, rows: pa.Table) -> Bools:
        """Return the rows, of real ones, in which the rule does not hold."""
        return self.rule.broken(rows)

    def violations(self, rows: pa.Table) -> Bools:
        """Return no rows: what breaks the rule is an exception."""
        return np.zeros(len(rows), dtype=np.bool_)

    def extra_nulls(self, rows: pa.Table) -> Bools:
        """See the base class."""
        return self.rule.extra_nulls(rows)

    @property
    def _usual(self) -> Derivation:
        """What holds where the rule does: an order beside the one that holds in all rows."""
        if self.also is None or not isinstance(self.rule, Order):
            return self.rule
        return self.rule.beside(self.also)

    def encode(self, rows: pa.Table) -> pa.Array:
        """See the base class; of exceptions, it means nothing."""
        return self._usual.encode(rows)

    def learned(self, rows: pa.Table) -> pa.Array:
        """Return what is modelled besides, of real rows; NULL where the rule holds."""
        differs, own = self.exceptions(rows), rows.column(self.target).combine_chunks()
        if self.rest == "own":
            return pc.if_else(pa.array(differs), own, pa.scalar(None, own.type))
        if self.rest == "listed":
            return pa.array(np.ones(len(rows), dtype=np.bool_), mask=~differs)
        target, given = as_numbers(own), self.expected(rows, own.type)
        if self.rest == "ratio":
            found = _ratios(target[differs], given[differs], self.step)
        else:
            found = np.round((target - given)[differs], 6)
        every = np.full(len(rows), np.nan)
        every[differs] = found
        return from_numbers(every, pa.float64())

    def expected(self, rows: pa.Table, type_: pa.DataType) -> Floats:
        """Return the rule's value as a number; of an order, where the right side begins."""
        if isinstance(self.rule, Order):
            return self.rule.start(rows)
        return as_numbers(pa.chunked_array([as_column(self.rule.decode(rows), type_)]))

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Return what the rule gives, but for the exceptions."""
        base = self._usual.decode(rows, rng)
        if self.flag not in rows.column_names or rest_column(self.target) not in rows.column_names:
            return base  # of conditions and tests, where nothing else was modelled
        return self._with_exceptions(base, rows, rng)

    def _with_exceptions(self, base: Values, rows: pa.Table, rng: Rng) -> Values:
        told = rows.column(rest_column(self.target)).combine_chunks()
        differs = ~nulls(rows.column(self.flag)) & ~nulls(told)
        if not differs.any():
            return base
        rng = np.random.default_rng(len(rows)) if rng is None else rng
        if self.rest in ("own", "listed"):
            made = told if self.rest == "own" else self._listed(differs, rng)
            usual = as_column(base, made.type)
            return pc.if_else(pa.array(differs), _apart(made, usual, differs), usual)
        type_ = pa.float64() if isinstance(base, np.ndarray) else base.type
        given = (
            self.rule.start(rows)
            if isinstance(self.rule, Order)
            else as_numbers(pa.chunked_array([as_column(base, type_)]))
        )
        numbers = self._calculated(given, as_numbers(told), differs, rng)
        if self.also is not None:
            numbers = self.also.clipped(numbers, rows)
        if isinstance(base, np.ndarray):
            return np.where(differs, numbers, base)
        usual = as_column(base, type_)
        return pc.if_else(pa.array(differs), from_numbers(numbers, type_), usual)

    def _listed(self, differs: Bools, rng: np.random.Generator) -> pa.Array:
        """Return values of the target, drawn by how often they occur, for exceptions."""
        if self.values is None:
            raise RuntimeError(f"no values of {self.target!r} are known")
        weights = as_numbers(self.values.column("weight"))
        index = np.zeros(len(differs), dtype=np.int64)
        index[differs] = rng.choice(len(weights), int(differs.sum()), p=weights / weights.sum())
        return self.values.column("value").combine_chunks().take(pa.array(index, mask=~differs))

    def _calculated(
        self, given: Floats, rest: Floats, differs: Bools, rng: np.random.Generator
    ) -> Floats:
        """Return values beside the rule's; one out of bounds is of another exception's ratio."""
        low, high = (
            np.full(len(given), end if bound is None else bound)
            for end, bound in ((-np.inf, self.low), (np.inf, self.high))
        )
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if self.rest == "ratio":
                ends, made = (low / given, high / given), given * rest
            else:
                ends, made = (low - given, high - given), given + rest
            slack = _SLACK * np.maximum(np.abs(made), 1.0)
            far = np.flatnonzero(differs & ((made < low - slack) | (made > high + slack)))
            if len(far):
                other = among(rest[differs], ends[0][far], ends[1][far], rng)
                own = given[far] * other if self.rest == "ratio" else given[far] + other
                made[far] = np.where(np.isnan(own), np.clip(made[far], low[far], high[far]), own)
        return np.asarray(on_grid(made, self.step))

    def repair(self, rows: pa.Table) -> Values:
        """Make the target again; exceptions that do not follow from the rule's value stay."""
        if self.rule.whole and self.rest != "listed":
            return self.decode(rows)
        target, right = rows.column(self.target), self._usual.repair(rows)
        if not set(self.told) <= set(rows.column_names):
            return right
        differs = ~nulls(rows.column(self.flag))
        return pc.if_else(pa.array(differs), target, as_column(right, target.type))

    def __str__(self) -> str:
        return f"{self.rule} in {percent(self.share)} of rows"


def rule_of(derivation: Derivation) -> Derivation:
    """Return what holds in nearly all rows, of what holds so; else what holds in all."""
    return derivation.rule if isinstance(derivation, Mostly) else derivation


def same(rows: pa.Table, target: str, source: str) -> Bools:
    """Return in which rows two columns hold the same, NULL included.

    Parameters
    ----------
    rows : pyarrow.Table
    target, source : str
        Columns of it, both numbers (or times) or both of one type; numbers are the same within a
        billionth.
    """
    left, right = rows.column(target), rows.column(source)
    missing = nulls(left), nulls(right)
    if is_number(left.type):
        own, theirs = as_numbers(left), as_numbers(right)
        with np.errstate(invalid="ignore"):
            equal = np.abs(own - theirs) <= 1e-9 * np.abs(own)
    else:
        codes = group_codes([rows, rows], [[target], [source]])
        equal = (codes[0] == codes[1]) & (codes[0] >= 0)
    return np.asarray(equal | (missing[0] & missing[1]), dtype=np.bool_)


def _apart(own: pa.Array, usual: pa.Array, differs: Bools) -> pa.Array:
    """Return values with others' in rows that are to differ from what is usual, and do not."""
    rows = np.flatnonzero(differs)
    for attempt in range(TRIES):
        equal = pc.fill_null(pc.equal(own, usual), False).to_numpy(zero_copy_only=False)
        wrong = rows[equal[rows]]
        if not len(wrong):
            break
        origin = np.arange(len(own), dtype=np.int64)
        steps = 1 + attempt + np.arange(len(wrong))
        # From other rows that are to differ, each time from ones farther on.
        origin[wrong] = rows[(np.searchsorted(rows, wrong) + steps) % len(rows)]
        own = own.take(pa.array(origin))
    return own


def _ratios(own: Floats, theirs: Floats, step: float) -> Floats:
    """Return what numbers are of others, with the fewest digits that give them again."""
    ratio = np.divide(own, theirs, out=np.full_like(own, np.nan), where=theirs != 0)
    for digits in _DIGITS:
        plain = np.round(ratio, digits)
        near = np.abs(plain * theirs - own) <= (0.5 + _SLACK) * step + 1e-9 * np.abs(own)
        known = ~np.isnan(ratio)
        if near[known].mean() > 0.9 if known.any() else False:
            return np.asarray(plain)
    return np.asarray(ratio)


def _class(type_: pa.DataType) -> str:
    if is_number(type_):
        return "time" if is_time(type_) else "number"
    return str(type_)


def nearly(columns: Columns, rule: Derivation, wrong: Bools) -> Optional[Derivation]:
    """Return what is kept of a rule that some rows break; None where chance may have made it.

    Where fewer than `k` entities have exceptions, these must not leave: the rule is taken as one
    that always holds.

    Parameters
    ----------
    columns : Columns
    rule : Derivation
    wrong : ndarray of bool, shape (rows,)
        The rows that break it.
    """
    known = int((~columns.missing[rule.target]).sum())
    share = int(wrong.sum()) / max(known, 1)
    if share > MOST_EXCEPTIONS or share > CHANCE * _by_chance(columns, rule, known):
        return None
    if not columns.shared(wrong):
        few = int(wrong.sum()) < columns.k or share <= FEW_EXCEPTIONS
        return rule if few else None
    return with_exceptions(columns, rule, wrong)


def confirmed(derivation: Derivation, broken: int, rows: int) -> Optional[Derivation]:
    """Return what all rows leave of a derivation that was found in a sample.

    Where the sample shows next to no exceptions, there are none to learn from: the few among all
    rows are no more in the copy than those of single entities.

    Parameters
    ----------
    derivation : Derivation
    broken, rows : int
        Of all rows, those in which its rule does not hold.
    """
    share = broken / max(rows, 1)
    if share > may_break(derivation):
        return None
    return replace(derivation, share=1.0 - share) if isinstance(derivation, Mostly) else derivation


def may_break(derivation: Derivation) -> float:
    """Return the share of all rows that may break a derivation which was found in a sample."""
    if not isinstance(derivation, Mostly):
        return FEW_EXCEPTIONS
    return max(MOST_EXCEPTIONS, 2.0 * (1.0 - derivation.share))


def _by_chance(columns: Columns, rule: Derivation, known: int) -> float:
    """Return the share of rows that break a rule with any row's target; 0 for too few rows."""
    rows = columns.rows.take(pa.array(spaced(len(columns.rows), CHANCE_ROWS)))
    rows = rows.filter(pa.array(~nulls(rows.column(rule.target))))
    if not len(rows):
        return 0.0
    # Shuffled by a fixed seed: what is found must not change from run to run.
    order = np.random.default_rng(0).permutation(len(rows))
    values = rows.column(rule.target).combine_chunks().take(pa.array(order))
    share = float(rule.violations(with_column(rows, rule.target, values)).mean())
    return share if share * known >= CONTRADICTIONS else 0.0


def with_exceptions(
    columns: Columns, rule: Derivation, wrong: Bools, also: Optional[Order] = None
) -> Mostly:
    """Return a rule with what is modelled where it does not hold.

    Parameters
    ----------
    columns : Columns
    rule : Derivation
    wrong : ndarray of bool, shape (rows,)
    also : Order, optional
        What the exceptions keep, of an order.
    """
    target = rule.target
    share = 1.0 - int(wrong.sum()) / max(int((~columns.missing[target]).sum()), 1)
    made = Mostly(target, rule, "own", rest_column(target), share=share, also=also)
    if not is_number(columns.type(target)):
        return _listed(columns, made, wrong)
    step = columns.step(target)
    ends = columns.entities.ends(columns.numbers(target), columns.k, step) or (None, None)
    made = replace(made, step=step, low=ends[0], high=ends[1])
    if isinstance(rule, Order):
        return replace(made, rest="gap")
    some = columns.rows.filter(pa.array(wrong))
    own, theirs = columns.numbers(target)[wrong], made.expected(some, columns.type(target))
    if np.isnan(theirs).any() or not _tied(own, theirs):
        return made
    ratios, gaps = _ratios(own, theirs, step), np.round(own - theirs, 6)
    by_ratio = not is_time(columns.type(target)) and theirs.min() > 0
    by_ratio = by_ratio and len(np.unique(ratios)) <= len(np.unique(gaps))
    return replace(made, rest="ratio" if by_ratio else "gap")


def _tied(own: Floats, theirs: Floats) -> bool:
    """Whether exceptions go with what the rule gives: by their ranks, or as they lie beside it.

    Ranks, since a few extremes would make any two columns seem tied. Of few, these say little.
    """
    if len(own) < LEAST_PAIRS:
        return bool(np.median(np.abs(own - theirs)) < NEAR * np.median(np.abs(own)))
    if not own.std() or not theirs.std():
        return False
    ranks = [np.argsort(np.argsort(values)) for values in (own, theirs)]
    tied = float(np.asarray(np.corrcoef(ranks))[0, 1])
    return tied >= max(LEAST_TIED, 2.0 / float(np.sqrt(len(own))))


def _listed(columns: Columns, made: Mostly, wrong: Bools) -> Mostly:
    """Return exceptions of which only is modelled that they are, if their values are too rare."""
    target, codes, k = made.target, columns.codes(made.target), columns.k
    there = columns.entities.take(wrong).holders(codes[wrong], columns.distinct(target)) >= k
    if there[codes[wrong]].mean() >= LEAST_COMMON:
        return made
    common = columns.entities.holders(codes, columns.distinct(target)) >= k
    kept = np.flatnonzero((codes >= 0) & common[codes])
    if not len(kept) or not common[codes[wrong]].mean() >= LEAST_COMMON:
        return made
    found, first, weights = np.unique(codes[kept], return_index=True, return_counts=True)
    values = columns.rows.column(target).combine_chunks().take(pa.array(kept[first]))
    if len(found) > FEW_LISTED:
        return made
    return replace(made, rest="listed", values=pa.table({"value": values, "weight": weights}))


def find_mostly(columns: Columns, chosen: Chosen, *, times: bool = True) -> None:
    """Find columns that repeat one of a parent in many rows, far more than by chance.

    Of points in time, distances tell as much: these may wait until there are such (`times`).
    """
    targets = [n for n in columns.targets if times or not is_time(columns.type(n))]
    above = [n for n in columns.rows.column_names if "." in n and n not in columns.targets]
    if not above:
        return
    few, found = columns.rows.take(pa.array(spaced(len(columns.rows), FEW))), []
    for target in targets:
        known = chosen.derivations.get(target)
        if known is not None or columns.distinct(target) < 2:
            continue
        alike = [n for n in above if _class(columns.type(n)) == _class(columns.type(target))]
        tried = ((agreement(few, target, n), n) for n in alike if columns.distinct(n) > 1)
        for _, source in sorted((pair for pair in tried if pair[0] > 0), reverse=True):
            if pa.types.is_string(columns.type(target)) and holds(columns, target, source):
                break  # where it differs, it is the same with something before or behind
            if agreement(columns.rows, target, source) > 0:
                rule = Copy(target, source)
                found.append(with_exceptions(columns, rule, rule.broken(columns.rows)))
                break
    for derivation in _with_anchors(columns, found):
        chosen.add(derivation)


def is_open(derivation: Optional[Derivation]) -> bool:
    """Whether a column does not follow, in all rows, from others."""
    return derivation is None or isinstance(derivation, Mostly)


def agreement(rows: pa.Table, target: str, source: str) -> float:
    """Return how much more often two columns are the same than by chance; 0 for not enough.

    Parameters
    ----------
    rows : pyarrow.Table
    target, source : str
        As for :func:`same`; rows with a NULL in either are left out.

    Returns
    -------
    float
        Cohen's kappa, at most 1: what chance would give is told from a shuffle of the rows.
    """
    known = ~nulls(rows.column(target)) & ~nulls(rows.column(source))
    rows = rows.select([target, source]).filter(pa.array(known))
    if len(rows) < LEAST_ROWS:
        return 0.0
    equal = float(same(rows, target, source).mean())
    if equal < LEAST_SHARE:
        return 0.0
    # Shuffled by a fixed seed: what is found must not change from run to run.
    order = np.random.default_rng(0).permutation(len(rows))
    moved = pa.table(
        {target: rows.column(target), source: rows.column(source).take(pa.array(order))}
    )
    chance = float(same(moved, target, source).mean())
    # Of what chance leaves: two flags agree in half of the rows without telling anything.
    found = kappa(equal, chance)
    few = pc.count_distinct(rows.column(target)).as_py() <= FEW_VALUES
    return found if found >= (LEAST_KAPPA_OF_FEW if few else LEAST_KAPPA) else 0.0


def _with_anchors(columns: Columns, found: Collection[Mostly]) -> list[Mostly]:
    """Return derivations so that columns which differ in the same rows have one flag for that."""
    made: list[Mostly] = []
    differs = {r.target: r.exceptions(columns.rows) for r in found}
    for derivation in sorted(found, key=lambda r: r.share):
        own = differs[derivation.target]
        anchors = [
            other.flag
            for other in made
            if other.flag == rest_column(other.target)
            and _table_of(other) == _table_of(derivation)
            and not (own & ~differs[other.target]).any()
            and own.sum() > differs[other.target].sum() / 2
        ]
        made.append(replace(derivation, flag=anchors[0]) if anchors else derivation)
    return made


def _table_of(derivation: Mostly) -> str:
    return derivation.rule.needs[0].rpartition(".")[0]


def together(derivations: Collection[Mostly]) -> list[Mostly]:
    """Return derivations of which each has its flag among them, or one of its own."""
    there = {rest_column(derivation.target) for derivation in derivations}
    return [r if r.flag in there else replace(r, flag=rest_column(r.target)) for r in derivations]
