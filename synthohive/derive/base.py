"""What every derivation offers: a column that follows from others, wholly or in part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import chain
from typing import Any, ClassVar, Optional, Protocol, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, Floats
from synthohive._readable import Readable
from synthohive.io.questions import CannotAsk, Terms
from synthohive.schema.arrow_types import limits
from synthohive.tables.ancestors import hstack, with_column
from synthohive.tables.numbers import as_numbers, from_numbers, is_number, nulls

__all__ = ["Bools", "Derivation", "Modelled", "Rng", "Step", "Values", "as_column", "in_order"]

Rng = Optional[np.random.Generator]
Modelled = Optional[pa.ChunkedArray]
"""What was modelled in a target's place, if anything was."""
Values = Union[pa.Array, pa.ChunkedArray, Floats]
"""Of each row; :func:`as_column` gives them the column's type."""


class Step(Protocol):
    """What follows from what, however."""

    @property
    def target(self) -> str:
        """The column that follows."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that it follows from."""


@dataclass(frozen=True, eq=False)
class Derivation(Readable, ABC):
    """One column of a table that follows from others: the `target` from what it `needs`.

    A kind of derivation is a frozen dataclass below this class, whose fields are what was learned
    (they are saved as they are), and a search for it in the list of :mod:`synthohive.derive.kinds`.
    Columns of a parent (over the driving key) are called ``parent.column``.

    Attributes
    ----------
    target : str
        The column that follows.
    named : tuple of str
        The fields that hold names of columns which it needs: texts, tuples of such, or None.
    splits : bool
        Each of the columns that it needs follows from the target alone.
    """

    named: ClassVar[tuple[str, ...]] = ("source",)
    splits: ClassVar[bool] = False
    target: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that the target follows from."""
        values = (getattr(self, name) for name in self.named)
        listed = ((value,) if isinstance(value, str) else value or () for value in values)
        return tuple(chain.from_iterable(listed))

    @property
    def whole(self) -> bool:
        """Whether the target follows wholly: nothing is modelled in its place."""
        return True

    @property
    def strict(self) -> bool:
        """Whether the target is NULL wherever a column that it needs is."""
        return True

    def violations(self, rows: pa.Table) -> Bools:
        """Return the rows that break the derivation; never one with a NULL in it.

        Where something is modelled in the target's place, none does, unless a kind says which.
        """
        if not self.whole:
            return np.zeros(len(rows), dtype=np.bool_)
        target = rows.column(self.target)
        type_ = target.type
        if pa.types.is_integer(type_) and type_.bit_width < 64:
            type_ = pa.int64()  # what is beyond the column equals none of its values, not its end
        unequal = pc.not_equal(target.cast(type_), as_column(self.decode(rows), type_))
        return np.asarray(pc.fill_null(unequal, False).to_numpy(), dtype=np.bool_)

    def _unknown(self, rows: pa.Table) -> Bools:
        """Return the rows in which a column that it needs is NULL."""
        none = np.zeros(len(rows), dtype=np.bool_)
        missing = [none, *(nulls(rows.column(name)) for name in self.needs)]
        return np.asarray(np.any(missing, axis=0), dtype=np.bool_)

    def broken(self, rows: pa.Table) -> Bools:
        """Return the violations, and the rows with a target beside a NULL that forbids it."""
        wrong = self.violations(rows)
        if not self.strict:  # it may need what is modelled, which real rows do not have
            return wrong
        return wrong | (self._unknown(rows) & ~nulls(rows.column(self.target)))

    def fine(self, ask: Terms) -> Any:
        """Return a condition of SQL that is true in no row of :meth:`violations`.

        It may be false in rows that keep the derivation: these are then looked at. A kind that
        is no expression of SQL has none, and is verified on rows that are read.
        """
        if self.whole or type(self).violations is not Derivation.violations:
            raise CannotAsk
        return ask.plain(True)

    def unbroken(self, ask: Terms) -> Any:
        """Return a condition of SQL that is true in no row that is :meth:`broken`."""
        known = self.fine(ask)
        for name in self.needs if self.strict else ():
            known &= ~ask.missing(name)
        return ask.missing(self.target) | known

    def extra_nulls(self, rows: pa.Table) -> Bools:
        """Return where the target is NULL though nothing that it needs is."""
        return nulls(rows.column(self.target)) & ~self._unknown(rows)

    def encode(self, rows: pa.Table) -> pa.Array:
        """Return what is modelled in the target's place, unless it follows wholly."""
        return rows.column(self.target).combine_chunks()

    @abstractmethod
    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Return the target.

        Parameters
        ----------
        rows : pyarrow.Table
            With what the derivation needs and, if the target does not follow wholly, what was
            modelled in the target's place.
        rng : numpy.random.Generator, optional
            For what is left to chance; the likeliest else.
        """

    def repair(self, rows: pa.Table) -> Values:
        """Return the target made right, after it or what it needs was changed."""
        return self.decode(rows) if self.whole else rows.column(self.target)

    def put_right(self, rows: pa.Table, above: Optional[pa.Table] = None) -> pa.Table:
        """Return rows with the target made right beside the columns of their parents."""
        beside = rows if above is None else hstack(rows, above)
        type_ = rows.schema.field(self.target).type
        return with_column(rows, self.target, as_column(self.repair(beside), type_))

    def invert(self, rows: pa.Table, source: str, modelled: Modelled, rng: Rng) -> Optional[Values]:
        """Return a column that the derivation needs so that it fits the target.

        NULL where there is nothing that fits; None where the derivation cannot tell.

        Parameters
        ----------
        rows : pyarrow.Table
            With the target itself.
        source : str
            One of the columns that are needed.
        modelled : pyarrow.ChunkedArray, optional
            What was modelled in the target's place.
        rng : numpy.random.Generator, optional
            For what is left to chance; the likeliest else.
        """
        return None

    def alone(self, roots: pa.Table) -> Optional[Derivation]:
        """Return what the target is in rows without a parent, if that is known."""
        return None

    @abstractmethod
    def __str__(self) -> str: ...


def in_order(steps: Iterable[Step]) -> list[str]:
    """Return the columns that follow from others so that each comes after what it needs.

    Raises
    ------
    graphlib.CycleError
        A column follows, over any steps, from itself.
    """
    needs: dict[str, list[str]] = {}
    for step in steps:
        needs.setdefault(step.target, []).extend(step.needs)
    return [name for name in TopologicalSorter(needs).static_order() if name in needs]


def as_column(values: Values, type_: pa.DataType) -> pa.Array:
    """Return what a derivation gave as one array of a column's type.

    What is beyond the type becomes its end, whether it came as floats, integers or texts of such:
    a search asks of columns of any width whether they follow.

    Examples
    --------
    >>> as_column(np.array([1.0, np.nan]), pa.int64()).to_pylist()
    [1, None]
    >>> as_column(pa.array(["20240401", "7"]), pa.int8()).to_pylist()
    [127, 7]
    >>> as_column(pa.array(["20240401202404020011"]), pa.int64()).to_pylist()
    [9223372036854775807]
    """
    if isinstance(values, np.ndarray):
        return from_numbers(values, type_)
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if array.type != type_ and _counts_otherwise(array.type, type_):
        return from_numbers(as_numbers(pa.chunked_array([array])), type_)
    if array.type != type_ and pa.types.is_integer(type_):
        low, high = limits(type_)
        if pa.types.is_string(array.type):
            array = _digits(array)
        elif type_.bit_width < 64:
            array = array.cast(pa.int64())
        else:
            return array.cast(type_)
        array = pc.max_element_wise(array, pa.scalar(low, array.type), skip_nulls=False)
        array = pc.min_element_wise(array, pa.scalar(high, array.type), skip_nulls=False)
    return array if array.type == type_ else array.cast(type_)


def _counts_otherwise(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether Arrow refuses to cast what lies between two values of the other type."""
    rounds = any(pa.types.is_decimal(type_) or pa.types.is_date(type_) for type_ in (one, other))
    return rounds and is_number(one) and is_number(other)


def _digits(texts: pa.Array) -> pa.Array:
    """Return the numbers that texts write, the first digits of those that no integer holds."""
    return pc.utf8_slice_codeunits(texts, 0, 38).cast(pa.decimal256(76, 0))
