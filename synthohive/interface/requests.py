"""Checking what a caller asks for, before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

from synthohive.exceptions import SchemaError
from synthohive.relational.fitted import FittedDatabase

__all__ = ["check_fit", "requested_rows"]


def check_fit(sampling_strategy: str, sample_size: int, epochs: int, batch_size: int) -> None:
    """Refuse impossible arguments of `fit`."""
    if sampling_strategy != "relational":
        raise SchemaError(
            f"sampling_strategy {sampling_strategy!r} is not known.",
            hint="The one strategy is 'relational'.",
        )
    for name, value in (
        ("sample_size", sample_size), ("epochs", epochs), ("batch_size", batch_size)
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SchemaError(f"{name} is {value!r}.", hint="Pass a whole number of at least 1.")


def requested_rows(
    fitted: FittedDatabase, num_rows: Union[int, Mapping[str, int], None], scale: float
) -> dict[str, int]:
    """Return the rows asked for, per root table.

    Raises
    ------
    SchemaError
        A scale that is not positive, a negative number, an unknown table, or one whose
        number follows from its parents.
    """
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < 1e9:
        raise SchemaError(f"scale is {scale!r}.", hint="Pass a number greater than 0.")
    if num_rows is None:
        return {}
    tables = fitted.tables
    if not isinstance(num_rows, Mapping):
        if len(tables) != 1:
            raise SchemaError(
                f"num_rows is one number, but there are {len(tables)} tables.",
                hint="Pass a dict of root tables to rows, or scale.",
            )
        num_rows = {next(iter(tables)): num_rows}
    for name, value in num_rows.items():
        if name not in tables:
            raise SchemaError.unknown_table(name, tables, where="num_rows")
        _check_number(fitted, name, value)
    return dict(num_rows)


def _check_number(fitted: FittedDatabase, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SchemaError(
            f"num_rows for table {name!r} is {value!r}.", hint="Pass a whole number, 0 or more."
        )
    driver: Optional[Any] = fitted.plan.tables[name].driver
    if driver is not None:
        raise SchemaError(
            f"num_rows for table {name!r} cannot be chosen: its rows follow from "
            f"{driver.label(name)}.",
            hint=f"Set the rows of {driver.parent!r}, or pass scale.",
        )
    if fitted.tables[name].reference is not None:
        raise SchemaError(
            f"num_rows for table {name!r} cannot be chosen: it is a look-up table, kept as it is.",
            hint=f"Set reference=False for {name!r} in the metadata to have it synthesized.",
        )
