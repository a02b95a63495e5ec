"""Which transforms are tried for each kind of column, in order."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive.encoding.base import ColumnTransform, EncoderSettings, Reject, Summary
from synthohive.encoding.binary import Binary
from synthohive.encoding.categorical import Categorical
from synthohive.encoding.constant import Constant
from synthohive.encoding.datetime import Datetime
from synthohive.encoding.json import Json, Markup
from synthohive.encoding.moment_text import MomentText
from synthohive.encoding.number_text import NumberText
from synthohive.encoding.numeric import Numeric
from synthohive.encoding.parts import Parts
from synthohive.encoding.text import Text
from synthohive.encoding.uuid import Uuid
from synthohive.exceptions import SchemaError
from synthohive.privacy.entities import Entities
from synthohive.schema import Column, ColumnKind

__all__ = ["TRANSFORMS", "candidates", "fit_column"]

_NUMBERS = (Constant, Categorical, Numeric)
_TIMES = (Constant, Categorical, Datetime)
_NESTED = (Constant, Categorical, Json, Text)

_BY_KIND: dict[ColumnKind, tuple[type[ColumnTransform], ...]] = {
    ColumnKind.INTEGER: _NUMBERS,
    ColumnKind.DECIMAL: _NUMBERS,
    ColumnKind.FLOAT: _NUMBERS,
    ColumnKind.BOOLEAN: (Constant, Categorical),
    ColumnKind.CATEGORICAL: (Constant, Categorical, Text),
    ColumnKind.DATE: _TIMES,
    ColumnKind.TIME: _TIMES,
    ColumnKind.TIMESTAMP: _TIMES,
    ColumnKind.INTERVAL: _TIMES,
    ColumnKind.UUID: (Constant, Uuid),
    ColumnKind.TEXT: (Constant, Categorical, MomentText, NumberText, Json, Markup, Text),
    ColumnKind.JSON: _NESTED,
    ColumnKind.ARRAY: _NESTED,
    ColumnKind.COMPOSITE: _NESTED,
    ColumnKind.RANGE: (Parts,),
    ColumnKind.POINT: (Parts,),
    ColumnKind.EMPTY: (Parts,),
    ColumnKind.BINARY: (Binary,),
}

TRANSFORMS: dict[str, type[ColumnTransform]] = {
    transform.name: transform for chain in _BY_KIND.values() for transform in chain
}


def candidates(column: Column) -> tuple[type[ColumnTransform], ...]:
    """Return the transforms for a column.

    Raises
    ------
    SchemaError
        Values of the column's type cannot be made up.
    """
    found = _BY_KIND.get(column.kind)
    if found is None:
        raise SchemaError(
            f"Column {column.name!r} has the type {column.sql_type or column.arrow!r}, "
            "which SynthoHive cannot make up.",
            hint="Exclude the column's table, or declare another kind for the column.",
        )
    return found


def fit_column(
    column: Column,
    settings: EncoderSettings,
    values: pa.Array,
    entities: Optional[Entities],
    seed: np.random.SeedSequence,
) -> ColumnTransform:
    """Fit the first transform that suits the column."""
    summary: Optional[Summary] = None
    made_by: object = None
    reasons: list[str] = []
    for transform_type in candidates(column):
        transform = transform_type(column, settings)
        recipe = [getattr(transform_type, n, None) for n in ("analyze", "features", "plain")]
        if summary is None or recipe != made_by:
            summary, made_by = transform.analyze(values, entities), recipe
        try:
            return transform.fit(summary, seed)
        except Reject as reason:
            reasons.append(f"{transform.name}: {reason}")
    raise SchemaError(f"No encoding suits column {column.name!r} ({'; '.join(reasons)}).")
