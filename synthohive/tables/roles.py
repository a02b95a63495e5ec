"""Which columns of a table are modelled, and which are made in other ways."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from synthohive.privacy.kinds import PiiKind
from synthohive.schema import ForeignKey, TableConfig

__all__ = [
    "LEVEL",
    "Roles",
    "children_column",
    "code_column",
    "depth_column",
    "differs_column",
    "exception_column",
    "fan_out_column",
    "is_children_column",
    "level_column",
    "null_column",
    "rest_column",
    "stays_column",
]

_CHILDREN = "__children__"
LEVEL = "__level__"


def level_column(name: str) -> str:
    """Name the column of a table within a table with the level of a number in each series."""
    return f"{LEVEL}{name}"


def fan_out_column(child: str, key: ForeignKey) -> str:
    """Name the parent's column with the number of children over `key`."""
    return f"__fanout__{key.label(child)}"


def children_column(label: str, number: int = 1) -> str:
    """Name the parent's column with a code of what its children over a key have in common."""
    return f"{_CHILDREN}{label}" if number == 1 else f"{_CHILDREN}{number}__{label}"


def is_children_column(name: str) -> bool:
    """Whether a column is a code of children."""
    return name.startswith(_CHILDREN)


def code_column(label: str) -> str:
    """Name the child's column with the code of its parent over a further key."""
    return f"__parent__{label}"


def stays_column(label: str) -> str:
    """Name the column that says whether a row has the same parent over a key as the row before."""
    return f"__stays__{label}"


def depth_column(label: str) -> str:
    """Name the column with the depth in the hierarchy over a key of the table to itself."""
    return f"__depth__{label}"


def null_column(what: str) -> str:
    """Name the column that says whether a key or a made-up column is NULL."""
    return f"__null__{what}"


def differs_column(alias: str) -> str:
    """Name the column that says whether an alias is no copy of its source."""
    return f"__differs__{alias}"


def rest_column(target: str) -> str:
    """Name the column that says what a column is where what holds in most rows does not."""
    return f"__rest__{target}"


def exception_column(target: str) -> str:
    """Name the column that says where a column is NULL, or not, against the rule for that."""
    return f"__exception__{target}"


@dataclass(frozen=True)
class Roles:
    """Each stored column of a table in exactly one role.

    Attributes
    ----------
    foreign : tuple of str
        Filled from parents' keys.
    personal : dict of str to PiiKind
        Replaced by made-up values of a kind of personal data.
    key : tuple of str
        Made by a key maker: surrogate keys and the like.
    attributes : tuple of str
        Modelled.
    """

    foreign: tuple[str, ...]
    personal: dict[str, PiiKind]
    key: tuple[str, ...]
    attributes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        config: TableConfig,
        filled: Collection[str],
        personal: Mapping[str, PiiKind],
        made: Collection[str],
    ) -> Roles:
        """Assign every column that rows bring: to keys, personal data, key makers, models, in turn.

        Parameters
        ----------
        config : TableConfig
        filled : collection of str
            The columns that take their values from parents.
        personal : mapping of str to PiiKind
            By column.
        made : collection of str
            The columns for which there is a key maker.
        """
        stored = list(config.stored)
        foreign = set(filled)
        key = set(made) - foreign - set(personal)
        return cls(
            foreign=tuple(c for c in stored if c in foreign),
            personal={c: personal[c] for c in stored if c in personal and c not in foreign},
            key=tuple(c for c in stored if c in key),
            attributes=tuple(c for c in stored if c not in foreign | key | set(personal)),
        )

    @property
    def stored(self) -> set[str]:
        """All columns that rows are written with."""
        return {*self.foreign, *self.personal, *self.key, *self.attributes}
