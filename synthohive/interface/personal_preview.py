"""What each personal column becomes, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Optional

import numpy as np

from synthohive._display import counted, html_table
from synthohive.derive.composed import mark
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import ABOUT_PERSON, PiiFinding
from synthohive.privacy.makers import MAKERS
from synthohive.tables import random_streams as seeds

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["PersonalColumn", "PersonalPreview", "personal_preview"]

_EXAMPLES = 3
_LONGEST = 40
_HEAD = ("column", "kind", "why", "strategy", "made-up examples", "locale", "consistent with")


@dataclass(frozen=True)
class PersonalColumn:
    """One personal column, and what becomes of it.

    Attributes
    ----------
    table, column : str
    kind : str
        Of personal data: ``"email"``.
    why : str
        What gave it away.
    strategy : str
    examples : tuple of str
        Made-up values; none of a column that is kept.
    locale : str
        In which names are made up, and by which column they go; empty where no names are.
    consistent_with : tuple of str
        Columns that have its values, tell about the same person, or that it goes by.
    """

    table: str
    column: str
    kind: str
    why: str
    strategy: str
    examples: tuple[str, ...]
    locale: str = ""
    consistent_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class PersonalPreview:
    """All personal columns, and what becomes of them; prints itself.

    Attributes
    ----------
    columns : tuple of PersonalColumn
    """

    columns: tuple[PersonalColumn, ...]

    def frame(self) -> DataFrame:
        """Return a row for each column."""
        from pandas import DataFrame

        names = list(PersonalColumn.__dataclass_fields__)
        return DataFrame([asdict(column) for column in self.columns], columns=names)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for c in self.columns:
            examples = ", ".join(
                e if len(e) <= _LONGEST else f"{e[:_LONGEST]}…" for e in c.examples
            )
            together = ", ".join(c.consistent_with)
            place = f"{c.table}.{c.column}"
            yield place, c.kind, c.why, c.strategy, examples, c.locale, together

    def __str__(self) -> str:
        if not self.columns:
            return "No personal data found."
        rows = [_HEAD, *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
        lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        title = counted(len(self.columns), "personal column")
        return html_table(title, _HEAD, list(self._rows()))


def personal_preview(fitted: FittedDatabase, seed: int) -> PersonalPreview:
    """Return what becomes of each personal column that users know.

    Parameters
    ----------
    fitted : FittedDatabase
    seed : int
        What persons are made up from.
    """
    return PersonalPreview(tuple(_column(fitted, one, seed) for one in fitted.shown_findings))


def _column(fitted: FittedDatabase, one: PiiFinding, seed: int) -> PersonalColumn:
    facts = one.table, one.column, one.kind.value, one.why
    if one in fitted.kept_findings:
        return PersonalColumn(*facts, "keep", ())
    strategy = fitted.strategy_of(one.table, one.column)
    name, column = _origin(fitted, one.table, one.column)
    table, fake = fitted.tables[name], fitted.tables[name].fakes.get(column)
    if fake is None:
        return PersonalColumn(*facts, strategy, (), "", _beside(fitted, one))
    values = fake.make(np.arange(_EXAMPLES), seeds.seed_int(seed, name, "people")).to_pylist()
    examples = tuple("NULL" if value is None else str(value) or "''" for value in values)
    return PersonalColumn(
        *facts, strategy, examples, _locale(fitted, table, fake, column), _beside(fitted, one)
    )


def _origin(fitted: FittedDatabase, table: str, column: str) -> tuple[str, str]:
    """Return where the values of a column are made: what it copies, or refers to."""
    for _ in fitted.tables:  # what is copied may be a copy
        before = table, column
        alias = fitted.tables[table].aliases.get(column)
        if alias is not None and alias.form == mark(0) and not alias.case:
            table, column = alias.source, alias.columns[0]
        for key in fitted.metadata.tables[table].foreign_keys:
            if column in key.columns and column not in fitted.tables[table].fakes:
                table, column = key.parent, key.parent_columns[key.columns.index(column)]
                break
        if (table, column) == before:
            break
    return table, column


def _locale(fitted: FittedDatabase, table: FittedTable, fake: FakeColumn, column: str) -> str:
    if fake.strategy != "fake" or fake.kind not in MAKERS:
        return ""
    by = next((one for one in table.given if column in one.targets and not one.women), None)
    places = "" if by is None else f", by {by.source}.{by.column}"
    return f"{fitted.locale}{places}"


def _beside(fitted: FittedDatabase, one: PiiFinding) -> tuple[str, ...]:
    """Return the columns that one is consistent with, as users know them."""
    table = fitted.tables[one.table]
    found: dict[str, None] = {}
    origin: tuple[str, Optional[str]] = _origin(fitted, one.table, one.column)
    if origin != (one.table, one.column):
        found[".".join(map(str, origin))] = None
    alias, namesake = table.aliases.get(one.column), table.namesakes.get(one.column)
    if alias is not None:
        found.update({f"{alias.source}.{column}": None for column in alias.columns})
    if namesake is not None:
        found[f"the persons of {namesake.source}"] = None
    for other in table.given:
        if one.column in other.targets and other.column != one.column:
            found[f"{other.source}.{other.column}"] = None
    mine = table.fakes.get(one.column)
    if mine is not None and _is_about_person(mine):
        for name, fake in table.fakes.items():
            if name != one.column and _is_about_person(fake) and fake.person == mine.person:
                found[f"{one.table}.{name}"] = None
    within = {entity.name: entity.table for entity in fitted.entity_tables}
    shown = (_shown(place, within) for place in found)
    return tuple(dict.fromkeys(place for place in shown if place != f"{one.table}.{one.column}"))


def _is_about_person(fake: FakeColumn) -> bool:
    return fake.strategy == "fake" and fake.kind in ABOUT_PERSON


def _shown(place: str, within: dict[str, str]) -> str:
    name, dot, column = place.rpartition(".")
    while name in within:
        name = within[name]
    return f"{name}{dot}{column}"
