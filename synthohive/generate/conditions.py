"""Columns that the caller fixes: "what if" data, and other shares of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats, IntArray
from synthohive._random import uniform
from synthohive.encoding.categorical import Categorical
from synthohive.encoding.datetime import Datetime
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.numeric import Numeric
from synthohive.encoding.table import TableEncoder
from synthohive.exceptions import SchemaError, did_you_mean
from synthohive.learn.fitted import FittedDatabase, FittedTable

__all__ = ["Conditions", "compile_conditions"]

SHOWN = 10
"""Known values that a message lists."""


@dataclass(frozen=True)
class Conditions:
    """The fixed columns of one table.

    Attributes
    ----------
    values : dict of str to pyarrow.Array
        What each column may hold.
    ends : dict of str to ndarray of float
        The cumulated shares of the values.
    """

    values: dict[str, pa.Array]
    ends: dict[str, Floats]

    def rows(self, rows: IntArray, seed: int) -> pa.Table:
        """Return the fixed columns of some rows, a function of their numbers alone."""
        fixed = {}
        for i, (name, values) in enumerate(self.values.items()):
            at = np.searchsorted(self.ends[name], uniform(rows, seed + i), side="right")
            # the last sum may be rounded to less than 1, and a uniform lie beyond it
            fixed[name] = values.take(pa.array(np.minimum(at, len(values) - 1)))
        return pa.table(fixed)

    @staticmethod
    def encode(fixed: pa.Table, encoder: TableEncoder, rng: np.random.Generator) -> EncodedTable:
        """Encode fixed columns, in the types of the table; blocks of all others hold -1, and NaN.

        Parameters
        ----------
        fixed : pyarrow.Table
        encoder : TableEncoder
            That of all modelled columns.
        rng : Generator
            Decides where an encoding leaves a choice.
        """
        # (rows, all blocks) of nothing known, into which the fixed columns' blocks are put
        made, names = encoder.unknown(len(fixed)), set(fixed.column_names)
        given = encoder.only(names).encode(fixed, rng)
        discrete = [i for i, block in enumerate(made.layout.discrete) if block.column in names]
        floats = [i for i, block in enumerate(made.layout.continuous) if block.column in names]
        made.codes[:, discrete], made.values[:, floats] = given.codes, given.values
        return made


def compile_conditions(
    fitted: FittedDatabase, given: Mapping[str, Mapping[str, Any]]
) -> dict[str, Conditions]:
    """Check what the caller fixes, before any row is drawn.

    Raises
    ------
    SchemaError
        An unknown table or column, one that follows from others, or a value that was not
        learned.
    """
    compiled = {}
    for name, columns in given.items():
        if name not in fitted.shown:
            raise SchemaError.unknown_table(name, fitted.shown, where="conditions")
        table = fitted.tables[name]
        _check_able(fitted, name)
        values, ends = {}, {}
        for column, value in columns.items():
            # one value is that value in all rows
            shares = value if isinstance(value, Mapping) else {value: 1.0}
            values[column] = _values(table, column, list(shares))
            ends[column] = _ends(name, column, list(shares.values()))
        compiled[name] = Conditions(values, ends)
    return compiled


def _check_able(fitted: FittedDatabase, name: str) -> None:
    table = fitted.tables[name]
    if table.model is not None and table.model.abilities.conditional:
        return
    reason, hint = (
        f"model {fitted.model_name!r} draws whole rows",
        'Fit with model="autoregressive".',
    )
    if table.reference is not None:
        reason, hint = "it is kept as it is", f"Set reference=False for {name!r} in the metadata."
    elif table.model is None:
        reason, hint = "nothing was learned of it", "See Synthesizer.personal_data and .relations."
        if not table.rows:
            reason, hint = "it had no rows to learn from", "Fit on data in which it has some."
    raise SchemaError(f"Columns of table {name!r} cannot be fixed: {reason}.", hint=hint)


def _values(table: FittedTable, column: str, given: list[Any]) -> pa.Array:
    """Return the values in the column's type."""
    name = table.config.name
    if column not in table.config.columns:
        raise SchemaError(
            f"Table {name!r} has no column {column!r} to fix.",
            hint=did_you_mean(column, table.config.columns),
        )
    transform = None if table.encoder is None else table.encoder.transforms.get(column)
    follows = {*table.program.targets, *table.program.moved}
    if column in follows or not isinstance(transform, (Categorical, Numeric, Datetime)):
        raise SchemaError(
            f"Column {name}.{column} cannot be fixed: a key, made up, or following from others.",
            hint="Fix a column that it follows from; see Synthesizer.relations.",
        )
    type_ = table.config.columns[column].arrow_type
    values = _as_type(f"{name}.{column}", given, type_)
    # a category that has no code cannot be asked of the model; any number lies in some bin
    if isinstance(transform, Categorical):
        known = transform.categories.to_pylist()
        unknown = [v for v in _listed(f"{name}.{column}", values) if v not in known]
        if unknown:
            raise SchemaError(
                f"{name}.{column} was never learned to be {unknown[0]!r}.",
                hint=f"Known values: {', '.join(map(repr, known[:SHOWN]))}"
                + (" …" if len(known) > SHOWN else ""),
            )
    return values


def _listed(column: str, values: pa.Array) -> list[Any]:
    try:
        return list(values.to_pylist())
    except (OverflowError, ValueError) as exc:  # a day that Python's calendar does not have
        raise SchemaError(f"conditions for {column} hold what is no {values.type}.") from exc


def _as_type(column: str, given: list[Any], type_: pa.DataType) -> pa.Array:
    """Return what the caller wrote in the column's type: 10.5 is a decimal, '2022-05-05' a day."""
    try:
        return pa.array(given, type=type_)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass  # not of the type; perhaps written otherwise
    try:
        return pa.array(given).cast(type_)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as exc:
        raise SchemaError(f"conditions for {column} hold {given!r}, which is no {type_}.") from exc


def _ends(table: str, column: str, shares: list[Any]) -> Floats:
    try:
        weights = np.asarray(shares, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.zeros(0)
    if not len(weights) or not np.isfinite(weights).all() or (weights < 0).any():
        weights = np.zeros(1)
    if weights.sum() <= 0:
        raise SchemaError(
            f"The shares for {table}.{column} are {shares!r}.",
            hint="Pass {value: share}, with shares of at least 0 and more than 0 in total.",
        )
    # cumulated, so that a uniform number finds its value by bisection
    return np.asarray(np.cumsum(weights) / weights.sum(), dtype=np.float64)
