"""The tables of the source as a whole, on which what a sample suggests is verified."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Optional, TypeVar, Union

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Reader
from synthohive.io.questions import Above, CannotAsk, Joined, Meetings, Questions, Route
from synthohive.schema import ForeignKey
from synthohive.tables.base import Tables
from synthohive.tables.joins import group_codes, may_never_repeat

__all__ = ["SourceTables"]

Held = TypeVar("Held", pa.Table, IntArray)


class SourceTables(Tables):
    """Whole real tables: of the sample, if it holds all rows, else read once and held.

    A table that is too large for that is streamed for each question that is asked of it.

    Parameters
    ----------
    reader : Reader
    sampled : mapping of str to pyarrow.Table
        The rows that training sees.
    counts : mapping of str to int
        The rows that there are.
    """

    # Bytes of rows and of row numbers that are held: 256 MB are a few million orders, and little
    # beside what training takes.
    most: ClassVar[int] = 2**28

    def __init__(
        self, reader: Reader, sampled: Mapping[str, pa.Table], counts: Mapping[str, int]
    ) -> None:
        self._reader, self._sampled, self.counts = reader, sampled, dict(counts)
        self._added: dict[str, pa.Table] = {}
        self._held: OrderedDict[str, Union[pa.Table, IntArray]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """Another process, which has no connection, knows the rows of the sample alone."""
        return {**self.__dict__, "_reader": None, "_held": OrderedDict()}

    def size(self, table: str) -> int:
        """Return the number of rows."""
        return self.counts[table]

    def schema(self, table: str) -> pa.Schema:
        """Return columns and types."""
        return self._sampled[table].schema

    def add(self, table: str, rows: pa.Table) -> None:
        """Have one more table, which no reader reads."""
        self._added[table], self.counts[table] = rows, len(rows)

    def in_sample(self, table: str) -> bool:
        """Whether training sees all rows."""
        return len(self._sampled[table]) == self.counts[table]

    def questions(self, *tables: str) -> Optional[Questions]:
        """Return whom to ask of all rows of some tables; None where only reading them tells.

        Where the sample holds them all, there is nothing to ask.
        """
        known = self._added.keys() & set(tables) or all(map(self.in_sample, tables))
        return None if known else self._reader.questions()

    def batches(self, table: str, names: Sequence[str]) -> Iterator[pa.Table]:
        """Stream some columns of all rows, block by block."""
        names = list(dict.fromkeys(names))
        if table in self._added:
            yield self._added[table].select(names)
            return
        sampled = self._sampled[table]
        if self.in_sample(table):
            yield sampled.select(names)
        elif self._is_held(table):
            yield self._kept(table, lambda: self._read(table, sampled.column_names)).select(names)
        else:
            for batch in self._reader.read(table, names):
                yield pa.Table.from_batches([batch]).select(names)

    def columns(self, table: str, names: Sequence[str]) -> pa.Table:
        """Return some columns of all rows, at least as many as were counted.

        Raises
        ------
        ConnectorError
            Rows were deleted since.
        """
        rows = pa.concat_tables(self.batches(table, names))
        if len(rows) < self.counts[table]:
            raise ConnectorError(
                f"Rows of table {table!r} were deleted while it was read: "
                f"{self.counts[table]:,} were counted, {len(rows):,} are left.",
                hint="Fit again while nobody deletes rows, or from a copy of the database.",
            )
        return rows

    def parent_rows(self, table: str, key: ForeignKey) -> IntArray:
        """Return the parent row of each row of a table."""
        find = super().parent_rows
        return self._kept(key.label(table), lambda: find(table, key))

    def children(
        self,
        table: str,
        names: Sequence[str],
        key: ForeignKey,
        parents: pa.Table,
        above: Optional[Above] = None,
    ) -> Iterator[pa.Table]:
        """See the base class; a database is asked."""
        names = list(dict.fromkeys(names))
        values = list(zip(*(parents.column(c).to_pylist() for c in key.parent_columns)))
        for beside in (above or {}, {}):
            involved = [k.parent for route, _ in beside.values() for k in route]
            questions = self.questions(table, *involved)
            if questions is None:
                continue
            fields = [self.schema(table).field(name) for name in names]
            for name, (route, column) in beside.items():
                fields.append(self.schema(route[-1].parent).field(column).with_name(name))
            with suppress(CannotAsk):
                # At once: what fails half-way would be read again.
                rows = Joined(table, tuple(names), beside)
                batches = list(questions.children(rows, key, values))
                yield pa.Table.from_batches(batches, pa.schema(fields))
                return
        yield from self.batches(table, names)

    def meetings(self, table: str, one: Route, two: Route, *, apart: bool) -> Meetings:
        """See the base class; a database is asked."""
        questions = self.questions(table, *(key.parent for key in (*one, *two)))
        if questions is not None:
            with suppress(CannotAsk):
                return questions.meetings(table, one, two, apart=apart)
        return super().meetings(table, one, two, apart=apart)

    def alone(self, one: tuple[str, ForeignKey], two: tuple[str, ForeignKey]) -> bool:
        """See the base class; a database is asked."""
        questions = self.questions(one[0], two[0], one[1].parent)
        if questions is not None:
            with suppress(CannotAsk):
                return questions.alone(one, two)
        return super().alone(one, two)

    def never_together(self, table: str, keys: Sequence[ForeignKey], least: float) -> bool:
        """See the base class; a database is asked."""
        questions = self.questions(table, *(key.parent for key in keys))
        if questions is not None:
            with suppress(CannotAsk):
                fits = may_never_repeat(questions.shares(table, keys), least)
                return fits and not questions.shared(table, keys)
        return super().never_together(table, keys, least)

    def differ(self, table: str, columns: Sequence[str]) -> bool:
        """Whether no two rows are equal in all of some columns, and none has a NULL in them."""
        questions = self.questions(table)
        if questions is not None:
            with suppress(CannotAsk):
                facts = questions.facts(table, columns)
                known = not any(facts[name].nulls for name in columns)
                return known and not questions.repeated(table, columns)
        codes = group_codes([self.columns(table, columns)], [columns])[0]
        return bool((codes >= 0).all()) and len(np.unique(codes)) == len(codes)

    def _is_held(self, table: str) -> bool:
        """Whether a table, were all of its rows like those of the sample, is small enough."""
        sampled = self._sampled[table]
        wide = sampled.nbytes / max(len(sampled), 1)
        return len(sampled) > 0 and wide * self.counts[table] <= self.most / 2

    def _read(self, table: str, names: Sequence[str]) -> pa.Table:
        return pa.Table.from_batches(list(self._reader.read(table, names))).select(names)

    def _kept(self, what: str, make: Callable[[], Held]) -> Held:
        """Return what is held, or make it; what was asked for longest ago makes room."""
        found = self._held.pop(what) if what in self._held else make()
        self._held[what] = found
        while len(self._held) > 1 and sum(one.nbytes for one in self._held.values()) > self.most:
            self._held.popitem(last=False)
        return found
