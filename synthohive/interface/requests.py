"""What a caller asks for, checked before any work is done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

from synthohive.exceptions import SchemaError
from synthohive.relational.fitted import FittedDatabase
from synthohive.relational.making.conditions import compile_conditions
from synthohive.relational.training.fit_record import recorded

__all__ = ["Request", "check_fit", "fit_seed"]


def check_fit(
    sampling_strategy: Any, sample_size: Any, epochs: Any, batch_size: Any, n_jobs: Any = None
) -> None:
    """Refuse impossible arguments of `fit`."""
    if sampling_strategy != "relational":
        raise SchemaError(
            f"sampling_strategy {sampling_strategy!r} is not known.",
            hint="The one strategy is 'relational'.",
        )
    numbers = {"sample_size": sample_size, "epochs": epochs, "batch_size": batch_size}
    if n_jobs not in (None, -1):
        numbers["n_jobs"] = n_jobs
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SchemaError(f"{name} is {value!r}.", hint="Pass a whole number of at least 1.")


def fit_seed(given: Optional[int], unfinished: Optional[Path]) -> int:
    """Return the seed of a fit: as given, that of what is unfinished, or a drawn one."""
    if given is not None:
        return given
    before = None if unfinished is None else recorded(unfinished)
    return secrets.randbits(32) if before is None else int(before["seed"])


class Request:
    """One call of `sample` or `to_database`.

    Attributes
    ----------
    num_rows : dict of str to int
        Rows of root tables that were asked for by name.
    seed : int
        As given, or drawn.

    Raises
    ------
    SchemaError
        A scale that is not positive, a negative number, an unknown table, or one whose
        number follows from its parents.
    """

    def __init__(
        self,
        fitted: FittedDatabase,
        num_rows: Union[int, Mapping[str, int], None],
        scale: float,
        seed: Optional[int],
        quality_threshold: Optional[float],
        enforce_constraints: bool = False,
        conditions: Optional[Mapping[str, Mapping[str, Any]]] = None,
    ) -> None:
        _check_scale(scale)
        self.fitted = fitted
        self.num_rows = _rows(fitted, num_rows)
        self.scale = float(scale)
        self.seed = secrets.randbits(32) if seed is None else int(seed)
        self.quality_threshold = quality_threshold
        self.enforce_constraints = enforce_constraints
        self.conditions = compile_conditions(fitted, conditions or {})


def _check_scale(scale: Any) -> None:
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < 1e9:
        raise SchemaError(f"scale is {scale!r}.", hint="Pass a number greater than 0.")


def _rows(fitted: FittedDatabase, num_rows: Union[int, Mapping[str, int], None]) -> dict[str, int]:
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
        _check_rows(fitted, name, value)
    return dict(num_rows)


def _check_rows(fitted: FittedDatabase, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SchemaError(
            f"num_rows for table {name!r} is {value!r}.", hint="Pass a whole number, 0 or more."
        )
    driver = fitted.plan.tables[name].driver
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
