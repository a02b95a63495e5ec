"""All columns of a table together: :class:`TableEncoder`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed

from synthohive._arrays import Bools
from synthohive.encoding.base import (
    ColumnTransform,
    EncoderSettings,
    apart,
    below,
    side_by_side,
)
from synthohive.encoding.encoded import ABSENT, EncodedTable, Layout
from synthohive.encoding.registry import candidates, fit_column
from synthohive.exceptions import SchemaError, did_you_mean, in_column
from synthohive.privacy.entities import Entities
from synthohive.schema import Column

__all__ = ["TableEncoder"]


@dataclass(eq=False)
class TableEncoder:
    """Turns the attribute columns of a table into an :class:`EncodedTable`, and back.

    Made by :meth:`fit`.

    Attributes
    ----------
    transforms : dict of str to ColumnTransform
        The fitted transform of each column, in column order.
    settings : EncoderSettings

    Examples
    --------
    >>> table = pa.table({"size": ["S", "M", "L", "M"] * 10, "price": list(range(40))})
    >>> columns = {"size": Column(name="size", kind="text"),
    ...            "price": Column(name="price", kind="integer")}
    >>> encoder = TableEncoder.fit(
    ...     table, columns, seed=np.random.SeedSequence(1), settings=EncoderSettings())
    >>> encoder.kinds
    {'size': 'categorical', 'price': 'numeric'}
    >>> rng = np.random.default_rng(2)
    >>> encoder.decode(encoder.encode(table, rng), rng).schema.names
    ['size', 'price']
    """

    transforms: dict[str, ColumnTransform]
    settings: EncoderSettings

    @cached_property
    def layout(self) -> Layout:
        """The blocks of all columns, in order."""
        return Layout.concat([t.layout for t in self.transforms.values()])

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        columns: Mapping[str, Column],
        *,
        seed: np.random.SeedSequence,
        settings: EncoderSettings,
        entities: Optional[Entities] = None,
        behind: Optional[Mapping[str, Entities]] = None,
        n_jobs: int = 1,
    ) -> TableEncoder:
        """Learn how to encode each column.

        Parameters
        ----------
        table : pyarrow.Table
            A sample of real rows.
        columns : mapping of str to Column
            The columns to encode, in order.
        seed : numpy.random.SeedSequence
            Each column's own seed derives from it and the column's name.
        settings : EncoderSettings
        entities : Entities, optional
            Those behind the rows; every row is one of its own by default.
        behind : mapping of str to Entities, optional
            Those behind the values of single columns, where these are of other rows.
        n_jobs : int
            Columns fitted at the same time.

        Raises
        ------
        SchemaError
            A column is missing from `table`, or its type is not supported.
        """
        for name, column in columns.items():
            candidates(column)
            if name not in table.column_names:
                hint = did_you_mean(name, table.column_names)
                raise SchemaError(f"The rows have no column {name!r}.", hint=hint)
        fitted = Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(_fit_column)(
                column,
                settings,
                _column(table, name),
                (behind or {}).get(name, entities),
                _seed_of(seed, name),
            )
            for name, column in columns.items()
        )
        return cls(dict(zip(columns, fitted)), settings)

    @property
    def columns(self) -> dict[str, Column]:
        """The encoded columns, in order."""
        return {name: transform.column for name, transform in self.transforms.items()}

    @property
    def kinds(self) -> dict[str, str]:
        """How each column is treated: the name of its transform."""
        return {name: transform.name for name, transform in self.transforms.items()}

    def encode(self, table: pa.Table, rng: np.random.Generator) -> EncodedTable:
        """Encode rows; draws decide between modes, and for rare values."""
        streams = _streams(rng, len(self.transforms))
        parts = []
        for (name, transform), stream in zip(self.transforms.items(), streams):
            with in_column(name):
                parts.append(transform.encode(_column(table, name), stream))
        return EncodedTable(self.layout, *side_by_side(parts, table.num_rows))

    def untold(self, table: pa.Table) -> dict[str, Bools]:
        """Return the rows in which a column's blocks tell nothing, of columns that have such."""
        found = {n: t.untold(_column(table, n)) for n, t in self.transforms.items()}
        return {name: rows for name, rows in found.items() if rows is not None}

    def only(self, names: Collection[str]) -> TableEncoder:
        """Return the encoder of some columns."""
        kept = {name: t for name, t in self.transforms.items() if name in names}
        return TableEncoder(kept, self.settings)

    def part(self, encoded: EncodedTable, names: Collection[str]) -> EncodedTable:
        """Return the blocks of some columns of encoded rows."""
        discrete = [i for i, b in enumerate(self.layout.discrete) if b.column in names]
        floats = [i for i, b in enumerate(self.layout.continuous) if b.column in names]
        layout = self.only(names).layout
        return EncodedTable(layout, encoded.codes[:, discrete], encoded.values[:, floats])

    @staticmethod
    def without(
        encoded: EncodedTable,
        cells: Mapping[str, Bools],
        code: int = ABSENT,
        value: float = np.nan,
    ) -> EncodedTable:
        """Return encoded rows in which some cells hold one code and value.

        Parameters
        ----------
        encoded : EncodedTable
            Is not changed.
        cells : mapping of str to ndarray of bool, shape (rows,)
            Of some columns.
        code : int
            Of all discrete blocks of these columns; :data:`ABSENT` by default.
        value : float
            Of all continuous blocks; NaN, not known, by default.
        """
        codes, values = encoded.codes.copy(), encoded.values.copy()
        for i, block in enumerate(encoded.layout.discrete):
            if block.column in cells:
                codes[cells[block.column], i] = code
        for i, floats in enumerate(encoded.layout.continuous):
            if floats.column in cells:
                values[cells[floats.column], i] = value
        return EncodedTable(encoded.layout, codes, values)

    def unknown(self, rows: int) -> EncodedTable:
        """Return rows of which nothing is known."""
        return EncodedTable(
            self.layout,
            np.full((rows, len(self.layout.discrete)), ABSENT, dtype=np.int32),
            np.full((rows, len(self.layout.continuous)), np.nan, dtype=np.float32),
        )

    def null_codes(self, without: Collection[str] = ()) -> list[int]:
        """Return each discrete block's code for NULL; -1 for none, and for some columns."""
        found = []
        for name, transform in self.transforms.items():
            more = len(transform.layout.discrete) - 1
            code = -1 if name in without else transform.null_code
            found += [code, *([-1] * more)] if more >= 0 else []
        return found

    def decode(self, encoded: EncodedTable, rng: np.random.Generator) -> pa.Table:
        """Turn encoded rows into a table of the columns' exact Arrow types."""
        streams = _streams(rng, len(self.transforms))
        arrays, fields = [], []
        blocks = apart(self.transforms, encoded.codes, encoded.values)
        for (name, codes, values), stream in zip(blocks, streams):
            transform = self.transforms[name]
            with in_column(name):
                arrays.append(transform.decode(codes, values, stream))
            fields.append(pa.field(name, transform.column.arrow_type))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _fit_column(column: Column, *args: Any) -> ColumnTransform:
    with in_column(column.name):
        return fit_column(column, *args)


def _column(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    if column.num_chunks == 1:
        return column.chunk(0)
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _seed_of(seed: np.random.SeedSequence, name: str) -> np.random.SeedSequence:
    digest = hashlib.sha256(name.encode()).digest()
    words = np.frombuffer(digest[:8], dtype="<u4").tolist()
    return below(seed, *words)


def _streams(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """Return an independent generator for each column."""
    # drawn at once: how much one column draws then changes nothing in those after it
    seeds = rng.integers(0, 2**63, (count, 2))
    return [np.random.Generator(np.random.Philox(key=pair.astype(np.uint64))) for pair in seeds]
