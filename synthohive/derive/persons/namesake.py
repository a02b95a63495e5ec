"""Addresses and user names that are made of the name of the person whom a key leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthohive._readable import Readable
from synthohive.derive.persons.alias import Path, path_rows
from synthohive.privacy.columns import Names, persons_of
from synthohive.privacy.kinds import PiiKind
from synthohive.tables.sample import Sample

__all__ = ["Namesake"]


@dataclass(frozen=True)
class Namesake(Readable):
    """A column about the person of another row.

    Attributes
    ----------
    table, target : str
    path : tuple of (str, ForeignKey)
        Keys that lead to the person.
    source : str
        The table of persons.
    """

    table: str
    target: str
    path: Path
    source: str

    def persons(self, sample: Sample, kinds: Mapping[str, PiiKind]) -> Names:
        """Return the first and the last name beside each row; empty where there is none.

        `kinds`, of the personal columns of `source`, tell which are names.
        """
        known = persons_of(kinds, sample.tables[self.source])
        rows = path_rows(self.table, self.path, sample)
        return [known[row] if row >= 0 else ("", "") for row in rows]

    def __str__(self) -> str:
        return f"{self.target} is made of the names in {self.source}"
