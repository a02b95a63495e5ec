"""The table of kinds: what shared code needs to know of each kind of column, one row a kind."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, Optional

__all__ = ["ColumnKind", "Family", "View"]

Family = Literal["number", "time", "text", "flag", "document", "bytes", "other"]
View = Literal["numbers", "categories", "lengths", "repeats"]

_NUMBERS = ("constant", "categorical", "numeric")
_TIMES = ("constant", "categorical", "datetime")
_DOCUMENTS = ("constant", "categorical", "json", "text")
_TEXTS = (
    "constant",
    "categorical",
    "moment_text",
    "number_text",
    "json",
    "markup",
    "frequent",
    "places",
    "text",
)


class ColumnKind(str, Enum):
    """What a column holds, independent of any engine's type names.

    Each row says, in this order, what its fields below are. What several kinds have in common
    is asked of their family, not of a list of kinds.

    Attributes
    ----------
    family : str
        What it is like: ``number``, ``time``, ``text``, ``flag``, ``document``, ``bytes``.
    arrow : str
        The Arrow type in which values are carried, where nothing else is declared.
    transforms : tuple of str
        The names of the transforms that may encode it, in the order in which they are tried;
        none: such columns are left out.
    view : str
        What metrics compare of its values: the numbers, the categories, the lengths, or, with
        ``repeats``, the categories where values repeat and the lengths where they do not.
    keyed : bool
        Whether a key may be made of it.

    Examples
    --------
    >>> ColumnKind("decimal"), ColumnKind.DECIMAL.family
    (<ColumnKind.DECIMAL: 'decimal'>, 'number')
    """

    family: Family
    arrow: str
    transforms: tuple[str, ...]
    view: View
    keyed: bool

    INTEGER = "integer", "number", "int64", _NUMBERS, "numbers"
    # a number that names, and neither counts nor measures; told by how it is used
    CODE = "code", "number", "int64", _NUMBERS, "categories"
    DECIMAL = "decimal", "number", "decimal128(38, 10)", _NUMBERS, "numbers"
    FLOAT = "float", "number", "float64", _NUMBERS, "numbers"
    BOOLEAN = "boolean", "flag", "bool", ("constant", "categorical"), "categories"
    # its domain is declared (ENUM)
    CATEGORICAL = (
        "categorical",
        "text",
        "string",
        ("constant", "categorical", "frequent", "text"),
        "categories",
    )
    DATE = "date", "time", "date32", _TIMES, "numbers"
    TIME = "time", "time", "time64[us]", _TIMES, "numbers"
    TIMESTAMP = "timestamp", "time", "timestamp[us]", _TIMES, "numbers"
    INTERVAL = "interval", "time", "duration[us]", _TIMES, "numbers"  # a month counts as 30 days
    UUID = "uuid", "other", "string", ("constant", "uuid"), "lengths"
    TEXT = "text", "text", "string", _TEXTS, "repeats"
    JSON = "json", "document", "string", _DOCUMENTS, "lengths"
    ARRAY = "array", "document", "string", _DOCUMENTS, "lengths"  # as a JSON array
    COMPOSITE = "composite", "document", "string", _DOCUMENTS, "lengths", False  # a JSON object
    RANGE = "range", "other", "string", ("range",), "lengths", False  # as PostgreSQL writes it
    POINT = "point", "other", "string", ("point",), "lengths", False  # as the engine writes it
    # the empty value of a type that is not read: only its NULLs are learned
    EMPTY = "empty", "other", "string", ("empty",), "lengths", False
    BINARY = "binary", "bytes", "binary", ("binary",), "lengths"
    UNSUPPORTED = "unsupported", "other", "string", (), "lengths"

    def __new__(cls, name: str, *facts: Any) -> ColumnKind:
        """Take a row of the table."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind._say(*facts)
        return kind

    def _say(self, *facts: Any) -> None:
        self.family, self.arrow, self.transforms, self.view, *keyed = facts
        self.keyed = False not in keyed

    @classmethod
    def add(
        cls,
        name: str,
        family: Family,
        arrow: str,
        transforms: tuple[str, ...],
        view: View,
        keyed: bool = True,
    ) -> ColumnKind:
        """Add a row for a kind that another package brings: `Column` then takes its name.

        Parameters
        ----------
        name : str
            Its value, as descriptions write it; a ValueError if a kind has it.
        family, arrow, transforms, view, keyed
            The fields of the row; see the class.
        """
        if name in _ADDED or name in cls._value2member_map_:
            raise ValueError(f"there is a kind of columns called {name!r}")
        kind = str.__new__(cls, name)
        kind._name_, kind._value_ = name.upper(), name
        kind._say(family, arrow, transforms, view, keyed)
        _ADDED[name] = kind
        return kind

    def __reduce_ex__(self, proto: object) -> tuple[Any, ...]:
        """Take the row along to a process that trains, and has not added it."""
        facts = self.family, self.arrow, self.transforms, self.view, self.keyed
        return _known, (self._value_, *facts)

    @classmethod
    def _missing_(cls, value: object) -> Optional[ColumnKind]:
        return _ADDED.get(str(value))


_ADDED: dict[str, ColumnKind] = {}


def _known(name: str, *facts: Any) -> ColumnKind:
    """Return the kind of that name; its row is added where there is none."""
    known = name in _ADDED or name in ColumnKind._value2member_map_
    return ColumnKind(name) if known else ColumnKind.add(name, *facts)
