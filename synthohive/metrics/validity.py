"""Values that the real database could not hold: a score of its own, beside distances.

A hundred dates after the last real one hardly move a distribution, and are wrong all the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.metrics.encode import as_categories, as_numbers, view_of
from synthohive.metrics.harmonise import harmonised
from synthohive.schema import Column, ColumnKind, TableConfig
from synthohive.texts.moments import form_of, parse

__all__ = ["Impossible", "impossible", "impossible_values"]

LEAST_VALUES = 10
"""Texts that tell a form."""
MOST_SHAPES = 3
_UUID = "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$"
_RUNS = (("[A-Z]+", "A"), ("[a-z]+", "a"), ("[0-9]+", "9"))


@dataclass(frozen=True)
class Impossible:
    """What is wrong with synthetic values of a column, or of the columns of a unique set.

    Attributes
    ----------
    column : str
    rows : int
        Synthetic rows.
    beyond : int
        Values before the first or after the last real one.
    nulls : int
        NULLs where there must be none, or where no real row has one.
    repeated : int
        Rows that repeat what real rows never do.
    malformed : int
        Texts of another form than all real ones have.

    Examples
    --------
    >>> Impossible("born", rows=1_000, beyond=3)
    Impossible(column='born', rows=1000, beyond=3, nulls=0, repeated=0, malformed=0)
    """

    column: str
    rows: int
    beyond: int = 0
    nulls: int = 0
    repeated: int = 0
    malformed: int = 0

    @property
    def count(self) -> int:
        """How many values are impossible."""
        return self.beyond + self.nulls + self.repeated + self.malformed

    @property
    def validity(self) -> float:
        """Share of values that are possible."""
        return 1.0 - min(self.count / self.rows, 1.0) if self.rows else 1.0

    def __str__(self) -> str:
        said = {
            "beyond the real range": self.beyond,
            "NULL": self.nulls,
            "repeated": self.repeated,
            "of another form": self.malformed,
        }
        return ", ".join(f"{count:,} {what}" for what, count in said.items() if count) or "none"


def impossible_values(
    real: Any, synthetic: Any, table: Optional[TableConfig] = None, *, fake: Collection[str] = ()
) -> tuple[Impossible, ...]:
    """Count synthetic values that the real rows could not hold.

    These are numbers and times beyond the real ones, NULLs where no real row has one, texts of
    another form than all real ones have, and repeats of what never repeats.

    Parameters
    ----------
    real, synthetic : DataFrame, pyarrow.Table or dict of columns
    table : TableConfig, optional
        Columns, keys and what is unique; by default all columns that both sides have.
    fake : collection of str, optional
        Columns with made-up personal data, which have a range and a form of their own.

    Returns
    -------
    tuple of Impossible
        For each column, and each set of columns that is unique, with its `count` (0 is right)
        and its `validity`, the share of rows without (1 is right).

    Examples
    --------
    >>> from synthohive import TableConfig
    >>> real, fake = {"id": [1, 2, 3], "size": [3, 5, 7]}, {"id": [1, 2, 2], "size": [3, 9, 7]}
    >>> for found in impossible_values(real, fake, TableConfig(name="shops", pk="id")):
    ...     print(found.column, found, round(found.validity, 2))
    id none 1.0
    size 1 beyond the real range 0.67
    id 1 repeated 0.67
    """
    config = TableConfig(name="rows") if table is None else table
    columns, (left, right) = harmonised(config.stored or None, real, synthetic)
    return impossible(config, columns, left, right, set(fake))


def impossible(
    table: TableConfig,
    columns: Mapping[str, Column],
    real: pa.Table,
    synthetic: pa.Table,
    made: set[str],
) -> tuple[Impossible, ...]:
    """Return what is wrong with each column, and each unique set, as :func:`impossible_values`.

    Parameters
    ----------
    table : TableConfig
    columns : mapping of str to Column
    real, synthetic : pyarrow.Table
        In one form.
    made : set of str
        Columns with made-up personal data.
    """
    found, shared = [], {*real.column_names} & {*synthetic.column_names}
    for name in (n for n in columns if n in shared):
        left, right = real.column(name), synthetic.column(name)
        ends = (columns[name], left, right)
        free = name not in table.key_columns | made  # keys are numbered on, persons made up
        dropped = name in made and right.null_count == len(right)  # as the user wants it
        found.append(
            Impossible(
                name,
                len(synthetic),
                beyond=_beyond(*ends) if free else 0,
                nulls=right.null_count if len(real) and not left.null_count and not dropped else 0,
                malformed=_malformed(*ends) if free else 0,
            )
        )
    for unique in table.unique_sets:
        names = list(unique)
        if shared.issuperset(names) and not _repeats(real, names):
            label = names[0] if len(names) == 1 else f"({', '.join(names)})"
            found.append(Impossible(label, len(synthetic), repeated=_repeats(synthetic, names)))
    return tuple(found)


def _is_text(column: Column) -> bool:
    return column.kind.family == "text" or column.kind is ColumnKind.UUID


def _beyond(column: Column, real: Any, synthetic: Any) -> int:
    """Count numbers, and dates kept as text, before the first or after the last real one."""
    if _is_text(column):
        form = _moments(real)
        if form is None:
            return 0
        real, synthetic = (parse(as_categories(values), form) for values in (real, synthetic))
    elif view_of(column, real) != "numbers":
        return 0
    # the real ends themselves, unlike a profile's: this is a report to who holds the real rows
    ends, values = as_numbers(real), as_numbers(synthetic)
    if not len(ends):
        return 0
    return int(((values < ends.min()) | (values > ends.max())).sum())


def _malformed(column: Column, real: Any, synthetic: Any) -> int:
    """Count texts that are not of the form that all real ones have."""
    if column.kind is ColumnKind.JSON:
        return 0 if _unreadable(real) else _unreadable(synthetic)
    if not _is_text(column) or len(real) - real.null_count < LEAST_VALUES:
        return 0
    known, texts = as_categories(real).drop_null(), as_categories(synthetic)
    # dates first: 31/02/2024 has the digits of a date, and is none
    form = _moments(real)
    if form is not None:
        return int(parse(texts, form).null_count - texts.null_count)
    # distinct texts, with how often each is there: a pattern is slow, and codes repeat
    seen, made = pc.unique(known), pc.value_counts(texts.drop_null())
    counts = np.asarray(made.field("counts"), np.int64)
    if pc.all(pc.match_substring_regex(seen, _UUID)).as_py():
        fits = pc.match_substring_regex(made.field("values"), _UUID)
    else:
        shapes = pc.unique(_shapes(seen))
        if len(shapes) > MOST_SHAPES or not all("9" in shape for shape in shapes.to_pylist()):
            return 0  # words, of which others are just as possible
        fits = pc.is_in(_shapes(made.field("values")), value_set=shapes)
    return int(counts[~np.asarray(fits)].sum())


def _unreadable(values: Any) -> int:
    count = 0
    for text in as_categories(values).drop_null().to_pylist():
        try:
            json.loads(text)
        except ValueError:
            count += 1
    return count


def _moments(real: Any) -> Optional[str]:
    """Return the form of dates and times kept as text, if all texts have one."""
    known = pc.unique(as_categories(real)).drop_null()
    return form_of(known.to_pylist()) if len(known) >= LEAST_VALUES else None


def _shapes(texts: Any) -> Any:
    """Return texts with each run of letters or digits as one: ``AB-1234`` is ``A-9``."""
    for run, mark in _RUNS:
        texts = pc.replace_substring_regex(texts, run, mark)
    return texts


def _repeats(rows: pa.Table, columns: list[str]) -> int:
    """Count the rows that repeat a combination without a NULL."""
    known = np.ones(len(rows), dtype=np.bool_)  # as in SQL, a NULL equals nothing
    for name in columns:
        known &= pc.is_valid(rows.column(name)).to_numpy()
    whole = rows.select(columns).filter(pa.array(known))
    return len(whole) - len(whole.group_by(columns).aggregate([]))
