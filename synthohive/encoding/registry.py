"""Which transforms encode a column: those that the table of kinds names, the first that suits.

Every module of this room is loaded, so that a transform is known by its file being here.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import Optional

import numpy as np
import pyarrow as pa

import synthohive.encoding as room
from synthohive.encoding.base import ColumnTransform, EncoderSettings, Reject, Summary
from synthohive.exceptions import SchemaError
from synthohive.privacy.entities import Entities
from synthohive.schema import Column

__all__ = ["candidates", "fit_column", "fit_first", "load_transforms"]


@lru_cache(maxsize=1)
def load_transforms() -> None:
    """Load every transform, so that it is known by its name."""
    for module in pkgutil.iter_modules(room.__path__):
        import_module(f"{room.__name__}.{module.name}")


def _below(kind: type[ColumnTransform]) -> Iterator[type[ColumnTransform]]:
    for subclass in kind.__subclasses__():
        if "name" in vars(subclass):  # else a base of some
            yield subclass
        yield from _below(subclass)


def candidates(column: Column) -> tuple[type[ColumnTransform], ...]:
    """Return the transforms for a column, in the order in which they are tried.

    Raises
    ------
    SchemaError
        Values of the column's type cannot be made up, or a transform is not there.
    """
    load_transforms()
    known = {transform.name: transform for transform in _below(ColumnTransform)}  # type: ignore[type-abstract]
    if not column.kind.transforms:
        raise SchemaError(
            f"Column {column.name!r} has the type {column.sql_type or column.arrow!r}, "
            "which SynthoHive cannot make up.",
            hint="Exclude the column's table, or declare another kind for the column.",
        )
    for name in column.kind.transforms:
        if name not in known:
            raise SchemaError(
                f"Column {column.name!r} is of the kind {column.kind.value!r}, whose transform "
                f"{name!r} nobody has defined.",
                hint="Import the module that defines it.",
            )
    return tuple(known[name] for name in column.kind.transforms)


def fit_column(
    column: Column,
    settings: EncoderSettings,
    values: pa.Array,
    entities: Optional[Entities],
    seed: np.random.SeedSequence,
) -> ColumnTransform:
    """Fit the first transform that suits the column.

    Parameters
    ----------
    column : Column
    settings : EncoderSettings
    values : pyarrow.Array, of the column's type
        A sample of real values, NULLs among them.
    entities : Entities, optional
        Those behind the rows; each row is one of its own by default.
    seed : numpy.random.SeedSequence
        The column's own.

    Raises
    ------
    SchemaError
        None suits, or values of the column's type cannot be made up.
    """
    summaries: dict[object, Summary] = {}

    def summary(transform: ColumnTransform) -> Summary:
        # Counting takes most of the time: transforms that count alike share what was counted.
        recipe = tuple(getattr(type(transform), n, None) for n in ("analyze", "features", "plain"))
        if recipe not in summaries:
            summaries[recipe] = transform.analyze(values, entities)
        return summaries[recipe]

    return fit_first(column, settings, summary, seed)


def fit_first(
    column: Column,
    settings: EncoderSettings,
    summary: Callable[[ColumnTransform], Summary],
    seed: np.random.SeedSequence,
) -> ColumnTransform:
    """Fit the first transform that does not reject its summary.

    Parameters
    ----------
    column : Column
    settings : EncoderSettings
    summary : callable
        Returns what is known of the column, given a transform that is not fitted yet.
    seed : numpy.random.SeedSequence

    Raises
    ------
    SchemaError
        None suits, with what each said, or values of the column's type cannot be made up.
    """
    reasons: list[str] = []
    for transform_type in candidates(column):
        transform = transform_type(column, settings)
        try:
            return transform.fit(summary(transform), seed)
        except Reject as reason:
            reasons.append(f"{transform.name}: {reason}")
    raise SchemaError(f"No encoding suits column {column.name!r} ({'; '.join(reasons)}).")
