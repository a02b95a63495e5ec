"""Parents' columns that sum up their children: ``order total = sum of its lines``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.base import Reader
from synthohive.relational.checks import TableChecks
from synthohive.relational.relations.columns import LEAST_ROWS, Columns
from synthohive.relational.relations.formula import Factor, Term
from synthohive.relational.relations.numbers import (
    Floats,
    as_numbers,
    from_numbers,
    is_number,
    is_time,
)
from synthohive.relational.rows import match_rows
from synthohive.relational.sample import Sample
from synthohive.schema import ForeignKey

__all__ = ["Aggregate", "find_aggregates"]

log = get_logger(__name__)
IntArray = npt.NDArray[np.int64]
Function = Literal["count", "sum", "min", "max", "mean"]
MOST_PARENTS = 2_000_000
MOST_TERMS = 60
LEAST_MIXED = 0.05
"""Share of parents whose children must differ."""
_SLACK = 1e-6


@dataclass(frozen=True)
class Aggregate:
    """One column of a parent, made from its children over one key.

    Attributes
    ----------
    parent, target : str
    child : str
    key : ForeignKey
    function : {"count", "sum", "min", "max", "mean"}
    term : Term, optional
        What is summed up; None for a count.
    cut : float
        The amounts are cut down to multiples of it after each factor; 0 leaves them whole.
    empty : float, optional
        The value of a parent without children; None leaves what was modelled.
    """

    parent: str
    target: str
    child: str
    key: ForeignKey
    function: Function
    term: Optional[Term] = None
    cut: float = 0.0
    empty: Optional[float] = None

    @property
    def columns(self) -> list[str]:
        """The child's columns that are needed, key included."""
        factors = () if self.term is None else self.term.factors
        return list(dict.fromkeys([*self.key.columns, *(f.column for f in factors)]))

    def values(self, parents: pa.Table, children: Iterable[pa.Table]) -> Floats:
        """Return the value of each parent row; NaN for those without children."""
        sums = _Sums(len(parents))
        for rows in children:
            at = match_rows(rows, self.key.columns, parents, self.key.parent_columns)
            sums.add(at, _amounts(rows, self.term, self.cut))
        made = sums.of(self.function)
        if self.empty is not None:
            made = np.where(sums.number == 0, self.empty, made)
        return made

    def apply(self, block: pa.Table, made: Floats) -> pa.Table:
        """Return a block of parents with the column filled in."""
        place = block.column_names.index(self.target)
        field = block.schema.field(place)
        known = ~np.isnan(made)
        kept = as_numbers(block.column(self.target))
        array = from_numbers(np.where(known, made, kept), field.type)
        return block.set_column(place, field, array)

    def __str__(self) -> str:
        what = "*" if self.term is None else str(self.term)
        cut = f", cut to {self.cut:g} at each step" if self.cut else ""
        return f"{self.target} = {self.function}({what}) of {self.child}{cut}"

    def to_state(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {**asdict(self), "key": self.key.model_dump()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Aggregate:
        """Rebuild from :meth:`to_state`."""
        term = state["term"]
        if term is not None:
            term = Term(term["coefficient"], tuple(Factor(**f) for f in term["factors"]))
        return cls(**{**state, "key": ForeignKey(**state["key"]), "term": term})


class _Sums:
    """Running count, sum, least and greatest value of each parent."""

    def __init__(self, parents: int) -> None:
        self.number = np.zeros(parents)
        self.total = np.zeros(parents)
        self.low, self.high = np.full(parents, np.inf), np.full(parents, -np.inf)

    def add(self, at: IntArray, amounts: Floats) -> None:
        known = (at >= 0) & ~np.isnan(amounts)
        rows, values = at[known], amounts[known]
        self.number += np.bincount(rows, minlength=len(self.number))
        self.total += np.bincount(rows, weights=values, minlength=len(self.number))
        np.minimum.at(self.low, rows, values)
        np.maximum.at(self.high, rows, values)

    def of(self, function: Function) -> Floats:
        if function == "count":
            return self.number
        some = self.number > 0
        mean = self.total / np.maximum(self.number, 1)
        made = {"sum": self.total, "min": self.low, "max": self.high, "mean": mean}[function]
        return np.where(some, made, np.nan)


def _amounts(rows: pa.Table, term: Optional[Term], cut: float = 0.0) -> Floats:
    if term is None:
        return np.ones(len(rows))
    numbers = {f.column: as_numbers(rows.column(f.column)) for f in term.factors}
    product = np.full(len(rows), term.coefficient)
    for factor in term.factors:
        product = product * factor.of(numbers)
        if cut:
            product = np.floor(product / cut + _SLACK) * cut
    return product


def find_aggregates(
    sample: Sample, reader: Reader, counts: Mapping[str, int]
) -> dict[str, list[Aggregate]]:
    """Find, for each table, the columns that sum up the rows of a child table.

    Children must be whole: where the sample holds only a part of a table, its columns that
    matter are read once.
    """
    found: dict[str, list[Aggregate]] = {}
    for child, key in sample.metadata.foreign_keys():
        parent = key.parent
        if child == parent or counts[parent] > MOST_PARENTS or not counts[child]:
            continue
        taken = {a.target for a in found.get(parent, [])}
        targets = [c for c in _targets(sample, parent) if c not in taken]
        if targets and counts[parent] >= LEAST_ROWS:
            found.setdefault(parent, []).extend(
                _over_key(sample, reader, counts, child, key, targets)
            )
    return found


def _targets(sample: Sample, table: str) -> list[str]:
    """Return the columns that may sum up children: numbers that are no keys."""
    config = sample.metadata.tables[table]
    fixed = config.key_columns | {c for unique in config.unique_sets for c in unique}
    # a sum could leave what a constraint allows, and the database would refuse the table
    checks = TableChecks.compile(config, sample.metadata.dialect, set()).checks
    fixed |= {c for check in checks.values() for c in check.columns}
    rows = sample.tables[table]
    columns = Columns(rows, rows.column_names)
    return [
        c
        for c in columns.numeric
        if c not in fixed and c not in config.derived and not is_time(columns.type(c))
        and columns.distinct(c) > 2
    ]  # fmt: skip


def _terms(sample: Sample, table: str) -> list[Optional[Term]]:
    """Return what may be summed up: the rows, a number, a number times shares."""
    config, rows = sample.metadata.tables[table], sample.tables[table]
    names = [
        c
        for c in rows.column_names
        if c not in config.key_columns and is_number(rows.schema.field(c).type)
        and not is_time(rows.schema.field(c).type)
    ]  # fmt: skip
    tops = {c: float(np.nanmax(np.abs(as_numbers(rows.column(c))), initial=0.0)) for c in names}
    shares = [Factor(c, 1.0, s) for c in names if 0 < tops[c] <= 1.0 for s in (-1.0, 1.0)]
    plain = [Factor(c) for c in names if tops[c] > 1.0]
    terms: list[Optional[Term]] = [None, *(Term(1.0, (f,)) for f in plain)]
    terms += [Term(1.0, pair) for pair in combinations(plain, 2)]
    for factor in plain:
        terms += [Term(1.0, (factor, share)) for share in shares]
        terms += [Term(1.0, (factor, *two)) for two in combinations(shares, 2)]
    return terms[:MOST_TERMS]


def _over_key(
    sample: Sample,
    reader: Reader,
    counts: Mapping[str, int],
    child: str,
    key: ForeignKey,
    targets: list[str],
) -> Iterator[Aggregate]:
    columns = list(dict.fromkeys([*key.parent_columns, *targets]))
    parents = pa.Table.from_batches(list(_rows(sample, reader, counts, key.parent, columns)))
    given = {t: as_numbers(parents.column(t)) for t in targets}
    steps = {t: Columns(parents, targets).step(t) for t in targets}
    whole = _terms(sample, child)
    cuts = {step for step in steps.values() if 0 < step < 1}
    terms = [(term, 0.0) for term in whole]
    terms += [(t, cut) for t in whole if t is not None and len(t.factors) > 1 for cut in cuts]
    used = [f.column for t in whole if t is not None for f in t.factors]
    names = list(dict.fromkeys([*key.columns, *used]))
    sums = [_Sums(len(parents)) for _ in terms]
    for batch in _rows(sample, reader, counts, child, names):
        rows = pa.Table.from_batches([batch])
        at = match_rows(rows, key.columns, parents, key.parent_columns)
        for (term, cut), kept in zip(terms, sums):
            kept.add(at, _amounts(rows, term, cut))
    for target in targets:
        for (term, cut), kept in zip(terms, sums):
            function = _function(given[target], kept, term, steps[target])
            if function is not None:
                empty = _empty(given[target], kept)
                made = Aggregate(key.parent, target, child, key, function, term, cut, empty)
                log.info("relation_found", table=key.parent, relation=str(made))
                yield made
                break


def _rows(
    sample: Sample, reader: Reader, counts: Mapping[str, int], table: str, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    """Yield all rows, from the sample if it holds them."""
    if len(sample.tables[table]) == counts[table]:
        yield from sample.tables[table].select(columns).to_batches()
    else:
        yield from (batch.select(columns) for batch in reader.read(table, columns))


def _function(given: Floats, sums: _Sums, term: Optional[Term], step: float) -> Optional[Function]:
    """Return the function of the children that gives every parent's value."""
    some = (sums.number > 0) & ~np.isnan(given)
    if some.sum() < LEAST_ROWS or ((sums.number > 0) & np.isnan(given)).any():
        return None
    if sums.number[some].max() < 2 or (term is not None and given[some].std() < 2 * step):
        return None
    tolerance = 0.5 * step + _SLACK * np.maximum(np.abs(given[some]), 1.0)
    functions: tuple[Function, ...] = ("count",) if term is None else ("sum", "min", "max", "mean")
    if term is not None and (sums.high > sums.low)[some].mean() < LEAST_MIXED:
        return None  # the children repeat their parent's value
    for function in functions:
        if (np.abs(sums.of(function)[some] - given[some]) <= tolerance).all():
            return function
    return None


def _empty(given: Floats, sums: _Sums) -> Optional[float]:
    """Return the value of all parents without children; None if they differ, or are NULL."""
    values = np.unique(given[sums.number == 0])
    return float(values[0]) if len(values) == 1 and not np.isnan(values[0]) else None
