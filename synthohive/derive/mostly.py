"""Columns that repeat one of a parent in most rows: in which, and what else they are, is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats
from synthohive.derive.base import Derivation, Rng, Values, as_column
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns, spaced
from synthohive.derive.containing import holds
from synthohive.derive.lookup import Lookup
from synthohive.tables.joins import group_codes
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, is_time, nulls
from synthohive.tables.roles import rest_column

__all__ = [
    "MostlyCopy",
    "agreement",
    "find_mostly",
    "is_open",
    "same",
    "together",
]

Rest = Literal["own", "ratio", "gap"]
LEAST_SHARE = 0.3
"""Of the rows, that hold their parent's value."""
LEAST_KAPPA, LEAST_KAPPA_OF_FEW = 0.25, 0.5
"""The same beyond what chance gives, as a share of what chance leaves; of few values, more."""
FEW_VALUES = 20
FEW = 300
"""Rows that refute most candidates at little cost."""
LEAST_TIED = 0.3
"""Correlation from which on other values are modelled beside their parent's."""
TRIES = 8
_DIGITS = (2, 3, 4)
_SLACK, _SAME = 1e-6, 1e-9


@dataclass(frozen=True)
class MostlyCopy(Derivation):
    """A column that repeats one of a parent in most rows.

    Attributes
    ----------
    source : str
    rest : {"own", "ratio", "gap"}
        What is modelled for the other rows: the target itself, what it is of the source, or how
        far from it.
    flag : str
        The column that is modelled besides: whether the target differs or, of ratios and gaps,
        these, infinite where the target itself counts.
    step : float
        The target's last digit; 0 where it has none.
    low, high : float, optional
        Protected bounds of the target, which ratios and gaps keep.
    share : float
        Of the real rows in which the target is the same.
    """

    source: str
    rest: Rest
    flag: str
    step: float = 0.0
    low: Optional[float] = None
    high: Optional[float] = None
    share: float = 1.0

    named = ("source", "flag")
    whole = strict = False  # the target is modelled, for the rows in which it differs

    def learned(self, rows: pa.Table) -> pa.Array:
        """Return what is modelled besides the target, of real rows."""
        differs = ~same(rows, self.target, self.source)
        if self.rest == "own":
            return pa.array(differs)
        own, theirs = as_numbers(rows.column(self.target)), as_numbers(rows.column(self.source))
        found = _ratios(own, theirs, self.step) if self.rest == "ratio" else own - theirs
        found = np.where(np.isnan(found) | (found == self._nothing), np.inf, found)
        return pa.array(np.where(differs, found, self._nothing))

    @property
    def _nothing(self) -> float:
        """The ratio, or the gap, of what is the same."""
        return 1.0 if self.rest == "ratio" else 0.0

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Repeat the source, or calculate with it, but where the target itself counts."""
        own = rows.column(self.target).combine_chunks()
        copied = self._copied(rows, own.type)
        if self.flag not in rows.column_names:  # it is the same in all rows that were learned
            return copied
        flags = rows.column(self.flag).combine_chunks()
        if self.rest == "own":
            differs = pc.fill_null(flags, False)
            if self.flag == rest_column(self.target):
                own = _apart(own, copied, differs)
            return pc.if_else(differs, own, copied)
        rest = flags.cast(pa.float64()).fill_null(np.inf).to_numpy(zero_copy_only=False)
        # Not equality: a ratio of 1 may come back from the model's grid with a float's error.
        alike = np.abs(rest - self._nothing) < _SAME
        made, counts = self._calculated(rows, rest)
        made = pc.if_else(pa.array(counts), own, from_numbers(made, own.type))
        return pc.if_else(pa.array(alike), copied, made)

    def _copied(self, rows: pa.Table, type_: pa.DataType) -> pa.Array:
        source = rows.column(self.source)
        numbers = source.type != type_ and is_number(source.type) and is_number(type_)
        return as_column(as_numbers(source) if numbers else source, type_)

    def _calculated(self, rows: pa.Table, rest: Floats) -> tuple[Floats, Bools]:
        """Return values beside the source's, and where there is none, or one out of bounds."""
        source = as_numbers(rows.column(self.source))
        with np.errstate(invalid="ignore", over="ignore"):
            made = source * rest if self.rest == "ratio" else source + rest
        if self.step:
            made = np.rint(made / self.step) * self.step
        low, high = (np.nan if end is None else end for end in (self.low, self.high))
        slack = _SLACK * np.maximum(np.abs(made), 1.0)
        return made, ~np.isfinite(made) | (made < low - slack) | (made > high + slack)

    def repair(self, rows: pa.Table) -> Values:
        """Make the target again, from itself where it counts."""
        return self.decode(rows)

    def __str__(self) -> str:
        share = f"{self.share:.0%}" if self.share < 0.99 else f"{min(self.share, 0.9999):.2%}"
        return f"{self.target} = {self.source} ({share} of rows)"


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


def _apart(own: pa.Array, source: pa.Array, differs: pa.Array) -> pa.Array:
    """Return values with others' in rows that are to differ from the source, and do not."""
    rows = np.flatnonzero(differs.to_numpy(zero_copy_only=False))
    for attempt in range(TRIES):
        equal = pc.fill_null(pc.equal(own, source), False).to_numpy(zero_copy_only=False)
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
        if not is_open(known) or isinstance(known, MostlyCopy) or columns.distinct(target) < 2:
            continue
        alike = [n for n in above if _class(columns.type(n)) == _class(columns.type(target))]
        tried = ((agreement(few, target, n), n) for n in alike if columns.distinct(n) > 1)
        for _, source in sorted((pair for pair in tried if pair[0] > 0), reverse=True):
            if pa.types.is_string(columns.type(target)) and holds(columns, target, source):
                break  # where it differs, it is the same with something before or behind
            if agreement(columns.rows, target, source) > 0:
                found.append(_mostly(columns, target, source))
                break
    for derivation in _with_anchors(columns, found):
        chosen.derivations.pop(derivation.target, None)
        chosen.add(derivation)


def is_open(derivation: Optional[Derivation]) -> bool:
    """Whether a column does not follow wholly, and in all rows, from others."""
    return (
        derivation is None
        or isinstance(derivation, MostlyCopy)
        or (isinstance(derivation, Lookup) and not derivation.exact)
    )


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
    kappa = (equal - chance) / max(1.0 - chance, 1e-9)
    few = pc.count_distinct(rows.column(target)).as_py() <= FEW_VALUES
    return kappa if kappa >= (LEAST_KAPPA_OF_FEW if few else LEAST_KAPPA) else 0.0


def _mostly(columns: Columns, target: str, source: str) -> MostlyCopy:
    alike = same(columns.rows, target, source)
    made = MostlyCopy(target, source, "own", rest_column(target), share=float(alike.mean()))
    if not is_number(columns.type(target)):
        return made
    own, theirs = columns.numbers(target), columns.numbers(source)
    rest = ~alike & ~np.isnan(own) & ~np.isnan(theirs)
    if rest.sum() < LEAST_ROWS or not own[rest].std() or not theirs[rest].std():
        return made
    # Ranks: a few extremes would make any two columns seem tied.
    ranks = [np.argsort(np.argsort(values[rest])) for values in (own, theirs)]
    if float(np.asarray(np.corrcoef(ranks))[0, 1]) < LEAST_TIED:
        return made
    step = columns.step(target)
    ends = columns.entities.ends(own, columns.k, step) or (None, None)
    ratios = _ratios(own[rest], theirs[rest], step)
    gaps = np.round(own[rest] - theirs[rest], 6)
    by_ratio = not is_time(columns.type(target)) and theirs[rest].min() > 0
    by_ratio = by_ratio and len(np.unique(ratios)) <= len(np.unique(gaps))
    return replace(made, rest="ratio" if by_ratio else "gap", step=step, low=ends[0], high=ends[1])


def _with_anchors(columns: Columns, found: Collection[MostlyCopy]) -> list[MostlyCopy]:
    """Return derivations so that columns which differ in the same rows have one flag for that."""
    made: list[MostlyCopy] = []
    differs = {r.target: ~same(columns.rows, r.target, r.source) for r in found}
    for derivation in sorted(found, key=lambda r: r.share):
        own = differs[derivation.target]
        anchors = [
            other.flag
            for other in made
            if other.rest == derivation.rest == "own"
            and other.flag == rest_column(other.target)
            and other.source.rpartition(".")[0] == derivation.source.rpartition(".")[0]
            and not (own & ~differs[other.target]).any()
            and own.sum() > differs[other.target].sum() / 2
        ]
        made.append(replace(derivation, flag=anchors[0]) if anchors else derivation)
    return made


def together(derivations: Collection[MostlyCopy]) -> list[MostlyCopy]:
    """Return derivations of which each has its flag among them, or one of its own."""
    there = {rest_column(derivation.target) for derivation in derivations}
    return [r if r.flag in there else replace(r, flag=rest_column(r.target)) for r in derivations]
