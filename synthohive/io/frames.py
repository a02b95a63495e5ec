"""DataFrames out in the form in which they came in: names, dtypes, and the library's own kind."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Literal, Optional, Union

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.exceptions import ConnectorError

__all__ = ["FrameForm", "carried", "is_missing", "object_kind", "to_frame", "to_polars"]

Label = Union[int, float, bool]
Kind = Literal["json", "list", "tuple", "array", "uuid"]


class Dtype(ABC):
    """A dtype of pandas, as plain values."""

    @abstractmethod
    def made(self) -> Any:
        """Return the dtype."""


@dataclass(frozen=True)
class Named(Dtype):
    """One that its name tells."""

    name: str

    def made(self) -> Any:
        """Return the dtype."""
        found = pd.api.types.pandas_dtype(self.name)
        if getattr(found, "kind", "O") == "V":
            raise ValueError(f"{self.name!r:.100} is no dtype of a column")
        return found


@dataclass(frozen=True)
class Carried(Dtype):
    """One of Arrow's."""

    arrow: pa.DataType

    def made(self) -> Any:
        """Return the dtype."""
        return pd.ArrowDtype(self.arrow)


@dataclass(frozen=True)
class Text(Dtype):
    """Text, and what is missing in it."""

    storage: str
    missing: Literal["NA", "nan"]

    def made(self) -> Any:
        """Return the dtype."""
        made: Any = pd.StringDtype(self.storage)
        if self.missing == "nan" and made.na_value is pd.NA:  # pandas 2.2 has no choice
            made = pd.StringDtype(self.storage, na_value=np.nan)
        return made


@dataclass(frozen=True)
class Values:
    """Categories: as text where they are neither text, numbers nor flags."""

    dtype: Optional[Dtype]
    values: list[Union[str, int, float, bool]]

    def made(self) -> Any:
        """Return them as an index."""
        dtype = None if self.dtype is None else self.dtype.made()
        if isinstance(dtype, pd.PeriodDtype):
            return pd.PeriodIndex(self.values, dtype=dtype)
        return pd.Index(self.values, dtype=dtype)


@dataclass(frozen=True)
class Intervals:
    """Categories that are intervals."""

    closed: Literal["left", "right", "both", "neither"]
    left: Values
    right: Values

    def made(self) -> Any:
        """Return them as an index."""
        ends = self.left.made(), self.right.made()
        return pd.IntervalIndex.from_arrays(*ends, closed=self.closed)


@dataclass(frozen=True)
class Categorical(Dtype):
    """One of categories."""

    ordered: bool
    categories: Union[Values, Intervals]

    def made(self) -> Any:
        """Return the dtype."""
        return pd.CategoricalDtype(self.categories.made(), self.ordered)


def _plain_dtype(dtype: Any) -> Optional[Dtype]:
    """Return a dtype as plain values; None if it cannot be told by any."""
    found: Dtype = Named(str(dtype))
    if isinstance(dtype, pd.CategoricalDtype):
        found = Categorical(bool(dtype.ordered), _plain_index(dtype.categories))
    elif isinstance(dtype, pd.ArrowDtype):
        found = Carried(dtype.pyarrow_dtype)
    elif isinstance(dtype, pd.StringDtype):
        found = Text(str(dtype.storage), "NA" if dtype.na_value is pd.NA else "nan")
    try:
        # Of categories that are Python objects, at least the dtype comes back.
        return found if found.made() == dtype or isinstance(found, Categorical) else None
    except (TypeError, ValueError, NotImplementedError):
        return None


def _plain_index(index: Any) -> Any:
    if isinstance(index.dtype, pd.IntervalDtype):
        return Intervals(index.closed, _plain_index(index.left), _plain_index(index.right))
    plain = [value if isinstance(value, (str, bool)) else _plain(value) for value in index]
    return Values(_plain_dtype(index.dtype), plain)


def _plain(value: Any) -> Any:
    number = value.item() if isinstance(value, np.generic) else value
    return number if isinstance(number, (int, float)) else str(value)


@dataclass
class FrameForm:
    """How a DataFrame's columns are called and stored.

    Attributes
    ----------
    dtypes : dict of str to Dtype
        By the names that the metadata has for the columns; one that no plain values tell is left
        out, and so not restored.
    labels : dict of str to int, float or bool
        What a column is called where that is no text; as text, it is its name in the metadata.
    objects : dict of str to str
        What the values are of columns of Python objects that are carried as text (:data:`_MADE`).
    """

    dtypes: dict[str, Dtype] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    objects: dict[str, Kind] = field(default_factory=dict)
    _made: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # At once, so that a dtype that there is not is refused where a checkpoint is read.
        self._made = {name: dtype.made() for name, dtype in self.dtypes.items()}

    @classmethod
    def of(cls, frame: pd.DataFrame) -> FrameForm:
        """Return that of a DataFrame."""
        plain = {str(label): getattr(label, "item", lambda x=label: x)() for label in frame.columns}
        labels = {n: x for n, x in plain.items() if isinstance(x, (int, float))}
        series = [(str(n), frame.iloc[:, i]) for i, n in enumerate(frame.columns)]
        objects = {name: kind for name, values in series if (kind := object_kind(values))}
        return cls(labels=labels, objects=objects)._with({n: s.dtype for n, s in series})

    def dtype(self, column: str) -> Any:
        """Return the dtype of pandas that a column had; None where it is not known."""
        return self._made.get(column)

    def without(self, column: str) -> FrameForm:
        """Return the form without a column's dtype: it comes out as what it is."""
        return self._with({name: dtype for name, dtype in self._made.items() if name != column})

    def without_rare(self, shown: Mapping[str, Collection[str]]) -> FrameForm:
        """Return the form with the categories that may be shown: all are real values."""
        return self._with({
            name: _only(dtype, shown.get(name, ())) for name, dtype in self._made.items()
        })  # fmt: skip

    def _with(self, dtypes: dict[str, Any]) -> FrameForm:
        plain = {n: found for n, dtype in dtypes.items() if (found := _plain_dtype(dtype))}
        form = FrameForm(plain, self.labels, self.objects)
        form._made = dtypes  # also those that no plain values tell, in this process
        return form


def to_frame(table: pa.Table, form: Optional[FrameForm]) -> pd.DataFrame:
    """Return a DataFrame; in the form of the real one where that is known.

    Otherwise whole numbers with NULLs become ``Int64``, and decimals, dates and times
    Python objects, so that nothing is rounded.
    """
    form = form or FrameForm()
    columns = {
        form.labels.get(name, name): _objects(values, form.objects[name])
        if name in form.objects
        else _restored(values, form.dtype(name))
        for name, values in zip(table.column_names, table.columns)
    }
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def to_polars(table: pa.Table) -> Any:
    """Return a polars DataFrame.

    Raises
    ------
    ConnectorError
        polars is not installed.
    """
    try:
        import polars
    except ImportError as exc:
        raise ConnectorError.missing_extra("polars", "polars") from exc
    return polars.from_arrow(table)


_MADE: Mapping[Kind, Callable[[str], Any]] = {
    "json": json.loads,
    "list": json.loads,
    "tuple": lambda text: tuple(json.loads(text)),
    "array": lambda text: np.array(json.loads(text)),
    "uuid": uuid.UUID,
}
"""Python objects that are carried as text: documents, lists of several sorts, UUIDs."""
_CLASSES: Mapping[Kind, type[Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.ndarray,
    "uuid": uuid.UUID,
}


def object_kind(values: pd.Series[Any]) -> Optional[Kind]:
    """Return which of :data:`_MADE` the values of a column are; None for all others.

    Raises
    ------
    TypeError
        Some are sets, of which Arrow would make lists.
    """
    if values.dtype != object or pd.api.types.infer_dtype(values) != "mixed":
        return None
    kinds = {type(value) for value in values.dropna()}
    if any(issubclass(kind, (set, frozenset)) for kind in kinds):
        raise TypeError("sets")
    for name, kind in _CLASSES.items():
        if kinds and all(issubclass(each, kind) for each in kinds):
            return name
    nested = (dict, list, tuple, np.ndarray)
    return "json" if kinds and all(issubclass(kind, nested) for kind in kinds) else None


def is_missing(value: Any) -> bool:
    """Whether a Python object stands for NULL; a list of such does not."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _text(value: Any, kind: str) -> Optional[str]:
    if is_missing(value):
        return None
    return str(value) if kind == "uuid" else json.dumps(_tree(value))


def _tree(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has no form for is refused."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {str(key): _tree(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_tree(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, (datetime.date, datetime.time, decimal.Decimal, uuid.UUID)):
        return str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(type(value).__name__)


def _objects(values: pa.ChunkedArray, kind: Kind) -> Any:
    # One by one: of lists of one length, NumPy would make a matrix.
    objects = np.empty(len(values), dtype=object)
    for row, text in enumerate(values.to_pylist()):
        objects[row] = None if text is None else _MADE[kind](text)
    return pd.Series(objects, dtype=object)


def carried(values: pd.Series[Any]) -> Any:
    """Return a series as what Arrow carries: names of intervals, the start of periods, JSON.

    Raises
    ------
    TypeError
        It holds Python objects that nothing carries.
    """
    if kind := object_kind(values):
        return pd.Series([_text(value, kind) for value in values], dtype=object)
    if isinstance(values.dtype, pd.PeriodDtype):
        return values.dt.to_timestamp()
    names = _category_names(values.dtype)
    return values if names is None else values.cat.rename_categories(list(names))


def _restored(values: pa.ChunkedArray, like: Any) -> Any:
    type_ = values.type
    if pa.types.is_integer(type_) and not _fits(values, like):
        like = None  # a cast would wrap around, or fail
    if values.null_count and isinstance(like, np.dtype) and like.kind in "iub":
        like = None  # NULLs that the real column had none of: dropped values, or noise
    if like is None:
        if values.null_count and (pa.types.is_integer(type_) or pa.types.is_boolean(type_)):
            name = str(type_).capitalize().replace("Uint", "UInt")
            maker: Any = getattr(pd, "BooleanDtype" if name == "Bool" else f"{name}Dtype")
            return maker().__from_arrow__(values)
        return values.to_pandas()
    if isinstance(like, pd.ArrowDtype):
        values = pc.cast(values, like.pyarrow_dtype)
    if isinstance(like, (pd.ArrowDtype, pd.BooleanDtype, pd.StringDtype)) or hasattr(
        like, "numpy_dtype"
    ):
        return like.__from_arrow__(values)  # by way of floats, whole numbers would be rounded
    if pd.api.types.is_object_dtype(like):
        shown = pa.types.is_string(type_) or pa.types.is_binary(type_)
        plain = values.to_numpy() if shown else values.to_pylist()
        return pd.Series(plain, dtype=object)
    series = values.to_pandas()
    if isinstance(like, pd.PeriodDtype):
        return series.dt.to_period(like.freq)
    if isinstance(like, pd.CategoricalDtype):
        return _categorical(series, like)
    return series if series.dtype == like else series.astype(like)


def _categorical(series: Any, like: Any) -> Any:
    """Return categories: those that are shown, since all that there were are real values."""
    shown = set(series.dropna().unique())
    names = _category_names(like)
    if names is None:
        old = [value for value in like.categories if value in shown]
        like = pd.CategoricalDtype([*old, *sorted(shown.difference(old))], like.ordered)
        return series.astype(like)
    if not shown <= set(names):
        return series  # made-up text, which is none of the intervals
    like = pd.CategoricalDtype([c for name, c in names.items() if name in shown], like.ordered)
    return pd.Series(pd.Categorical(series.map(names), dtype=like), index=series.index)


def _fits(values: pa.ChunkedArray, like: Any) -> bool:
    """Whether whole numbers fit the dtype of the real ones: keys follow their parents'."""
    plain = getattr(like, "numpy_dtype", like)
    if not isinstance(plain, np.dtype) or plain.kind not in "iu":
        return True
    ends, limits = pc.min_max(values).as_py(), np.iinfo(plain)
    return ends["min"] is None or bool(limits.min <= ends["min"] and ends["max"] <= limits.max)


def _category_names(dtype: Any) -> Optional[dict[str, Any]]:
    """Return names for categories that are neither text nor numbers, such as those of `pd.cut`."""
    if not isinstance(dtype, pd.CategoricalDtype) or dtype.categories is None:
        return None
    kind = dtype.categories.dtype
    if isinstance(kind, (pd.IntervalDtype, pd.PeriodDtype)):
        return {str(category): category for category in dtype.categories}
    return None


def _only(dtype: Any, shown: Collection[str]) -> Any:
    if not isinstance(dtype, pd.CategoricalDtype):
        return dtype
    kept = [str(category) in shown for category in dtype.categories]
    return pd.CategoricalDtype(dtype.categories[np.array(kept, dtype=bool)], dtype.ordered)
