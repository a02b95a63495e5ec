"""What a caller asks for, checked before any work is done."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Hashable, Mapping
from pathlib import Path
from typing import Any, Optional, Union, get_args

import pyarrow as pa

from synthohive import _arguments as arguments
from synthohive.exceptions import ConnectorError, SchemaError, did_you_mean
from synthohive.generate.conditions import compile_conditions
from synthohive.interface.measures import Measures
from synthohive.io.base import Reader
from synthohive.io.sample_levels import Strategy
from synthohive.learn.fit_record import recorded
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.gate import Gate
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.schema import TableConfig

__all__ = ["Request", "check_fit", "check_locale", "check_model", "check_room", "fit_seed"]

STRATEGIES: tuple[str, ...] = get_args(Strategy)
MOST_HELD_OUT = 0.5
"""Of more, fewer entities would be learned than set aside."""
MOST = 10**15
"""No table has so many rows, and no training so many epochs."""


def check_fit(**given: Any) -> None:
    """Refuse impossible arguments of `fit`; of those left out, nothing is asked."""
    arguments.choice("sampling_strategy", given.get("sampling_strategy", "relational"), STRATEGIES)
    for name in ("sample_size", "epochs", "batch_size"):
        arguments.whole(name, given[name], 1, MOST)
    if given.get("sample_bytes") is not None:
        arguments.whole("sample_bytes", given["sample_bytes"], 1)
    arguments.number("holdout", given.get("holdout", 0.0), 0.0, MOST_HELD_OUT)
    check_jobs(given.get("n_jobs"))
    for name in ("validate", "relations", "progress"):
        arguments.flag(name, given.get(name, False))
    arguments.seed("seed", given["seed"])
    if given.get("device") is not None:
        arguments.name_of("device", given["device"])
    if given.get("checkpoint_dir") is not None:
        arguments.path("checkpoint_dir", given["checkpoint_dir"])


def check_jobs(n_jobs: Any) -> None:
    """Refuse an impossible number of processes; None is possible."""
    if n_jobs is not None and arguments.whole("n_jobs", n_jobs, -1, MOST) == 0:
        arguments.refuse("n_jobs", 0, "a whole number of at least 1, or -1")


def check_model(
    model: type[ConditionalGenerativeModel], batch_size: int, epochs: int, settings: dict[str, Any]
) -> None:
    """Refuse settings that a model does not take, before any row is read.

    Parameters
    ----------
    model : type
        Made once, for a table without columns, and dropped.
    batch_size, epochs : int
    settings : dict of str to object
        What the user passed for the model.

    Raises
    ------
    SchemaError
        Its constructor does not take them.
    """
    try:
        model(TableConfig(name="any"), batch_size=batch_size, epochs=epochs, **settings)
    except TypeError as exc:
        raise SchemaError(
            f"Model {model.__name__} does not take the settings {sorted(settings)}: {exc}."
        ) from exc


def check_locale(locale: Optional[str]) -> None:
    """Refuse a locale in which no personal data can be made up."""
    from faker.config import AVAILABLE_LOCALES

    if locale is not None and locale not in AVAILABLE_LOCALES:
        raise SchemaError(
            f"locale {locale!r} is not known.", hint=did_you_mean(locale, AVAILABLE_LOCALES)
        )


def fit_seed(given: Optional[int], unfinished: Optional[Path]) -> int:
    """Return the seed of a fit: as given, that of what is unfinished, or a drawn one."""
    if given is not None:
        return given
    before = None if unfinished is None else recorded(unfinished)
    return secrets.randbits(32) if before is None else int(before["seed"])


class Request:
    """One call of `sample` or `to_database`, checked; see :meth:`Synthesizer.sample`.

    Attributes
    ----------
    num_rows : dict of str to int
        Rows of the tables that were asked for by name.
    seed : int
        As given, or drawn.
    asked : mapping of str to mapping
        The conditions, as given.
    people : int, optional
        What persons are made up from, in place of the seed.
    measures : Measures
        Scores the rows, and holds them against `quality_threshold`; what it needs of real rows
        comes from `source`, and `keep` gets the frame.

    Raises
    ------
    SchemaError
        A scale that is not positive, a negative number, an unknown table, one that is
        kept as it is, or a limit that cannot be looked at.
    QualityError
        A limit is not kept, whatever rows are made.
    """

    def __init__(
        self,
        fitted: FittedDatabase,
        num_rows: Union[int, Mapping[str, int], None] = None,
        scale: float = 1.0,
        seed: Optional[int] = None,
        quality_threshold: Union[float, Gate, None] = None,
        enforce_constraints: bool = False,
        conditions: Optional[Mapping[str, Mapping[str, Any]]] = None,
        n_jobs: Optional[int] = None,
        on_spark: bool = False,
        source: Optional[Reader] = None,
        keep: Optional[Callable[[Any], None]] = None,
        people: Optional[int] = None,
    ) -> None:
        if arguments.number("scale", scale, 0.0, 1e9) == 0.0:
            arguments.refuse("scale", scale, "a number greater than 0")
        arguments.flag("enforce_constraints", enforce_constraints)
        arguments.seed("seed", seed)
        check_jobs(n_jobs)
        self.fitted, self.n_jobs, self.people = fitted, n_jobs, people
        self.num_rows = _rows(fitted, num_rows)
        self.scale = float(scale)
        self.seed = secrets.randbits(32) if seed is None else int(seed)
        if not on_spark:  # there, most rows are on other disks
            check_room(fitted, self.num_rows, self.scale)
        self.enforce_constraints = enforce_constraints
        self.asked = {} if conditions is None else _checked(conditions)
        self.conditions = compile_conditions(fitted, self.asked)
        told = _nobody if keep is None else keep
        self.measures = Measures(fitted, quality_threshold, source, on_spark, told)


def _nobody(_: Any) -> None:
    pass


def _checked(conditions: Any) -> Mapping[str, Mapping[str, Any]]:
    wanted = "a dict of tables to dicts of columns to what they are to be"
    for table, columns in arguments.mapping("conditions", conditions, wanted).items():
        for column, value in arguments.mapping(f"conditions[{table!r}]", columns, wanted).items():
            if not isinstance(value, (Mapping, Hashable)):
                arguments.refuse(f"conditions[{table!r}][{column!r}]", value, "a value, or a dict")
    given: Mapping[str, Mapping[str, Any]] = conditions
    return given


def check_room(
    fitted: FittedDatabase,
    num_rows: Mapping[str, int],
    scale: float,
    elsewhere: Collection[str] = (),
) -> None:
    """Refuse what cannot fit on the disk, rather than fill it first.

    Parameters
    ----------
    fitted : FittedDatabase
    num_rows : mapping of str to int
    scale : float
    elsewhere : collection of str
        Tables whose rows go to another disk.

    Raises
    ------
    ConnectorError
    """
    planned: dict[str, float] = {}
    rows = least = 0.0
    for name in fitted.plan.order:
        table, driver = fitted.tables[name], fitted.plan.tables[name].driver
        growth = scale
        if table.reference is not None:
            growth = 1.0
        elif driver is not None and fitted.tables[driver.parent].rows:
            growth = max(scale, planned[driver.parent] / fitted.tables[driver.parent].rows)
        planned[name] = float(num_rows.get(name, table.rows * growth))
        if name not in elsewhere:
            rows += planned[name]
            least += planned[name] * sum(_width(field.type) for field in table.schema)
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free
    if least > free:
        raise ConnectorError(
            f"{rows:,.0f} rows take at least {least / 1e9:,.1f} GB; the temporary "
            f"folder {place!r} has {free / 1e9:,.1f} GB free.",
            hint="Ask for fewer rows (num_rows, scale), or set TMPDIR to a larger disk.",
        )


def _width(type_: pa.DataType) -> float:
    """Return the bytes that a value takes at least."""
    return type_.bit_width / 8 if pa.types.is_primitive(type_) else 4.0


def _rows(fitted: FittedDatabase, num_rows: Union[int, Mapping[str, int], None]) -> dict[str, int]:
    if num_rows is None:
        return {}
    tables = fitted.shown
    if not isinstance(num_rows, Mapping):
        if len(tables) != 1:
            raise SchemaError(
                f"num_rows is one number, but there are {len(tables)} tables.",
                hint="Pass a dict of tables to rows, or scale; preview(10) shows ten rows of each.",
            )
        num_rows = {next(iter(tables)): num_rows}
    arguments.mapping("num_rows", num_rows, "a dict of tables to numbers")
    for name, value in num_rows.items():
        if name not in tables:
            raise SchemaError.unknown_table(name, tables, where="num_rows")
        _check_rows(fitted, name, value)
    return {name: int(value) for name, value in num_rows.items()}


def _check_rows(fitted: FittedDatabase, name: str, value: Any) -> None:
    arguments.whole(f"num_rows for table {name!r}", value, 0, MOST)
    if value and not fitted.tables[name].rows:
        raise SchemaError(
            f"num_rows for table {name!r} cannot be chosen: it had no rows to learn from.",
            hint="Fit on data in which it has some.",
        )
    if fitted.tables[name].reference is not None:
        raise SchemaError(
            f"num_rows for table {name!r} cannot be chosen: it is a look-up table, kept as it is.",
            hint=f"Set reference=False for {name!r} in the metadata to have it synthesized.",
        )
