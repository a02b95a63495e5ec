"""Texts put together from others: ``name = product.name || ' ' || size``, ``slug = …``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import LEAST_ROWS, Chosen, Columns, spaced
from synthohive.io.questions import CannotAsk, Terms

__all__ = [
    "Case",
    "Composed",
    "Part",
    "find_beginnings",
    "find_composed",
    "is_text",
    "mark",
    "marked",
    "renumbered",
]

Case = Literal["", "lower", "upper", "slug"]
CASES: tuple[Case, ...] = ("", "lower", "upper", "slug")
MOST_SOURCES = 24
FEW, FIRST = 60, 8
OFTEN, MOST_FORMS = 0.25, 3
"""Share of a few rows that a form must explain to be tried on all: sources may be alike in some."""
_FIRST_MARK = 0xE200  # of private use in Unicode: no text holds it
_MARK = re.compile("([\ue200-\uefff])")


def mark(number: int) -> str:
    """Return what stands for a part in a form."""
    return chr(_FIRST_MARK + number)


@dataclass(frozen=True)
class Part:
    """A source as it stands in a text."""

    source: str
    case: Case = ""

    def of(self, rows: pa.Table) -> pa.ChunkedArray:
        """Return the texts of a column, as they stand in others."""
        return _cased(rows.column(self.source).cast(pa.string()), self.case)

    def __str__(self) -> str:
        return f"{self.case}({self.source})" if self.case else self.source


def _cased(texts: pa.ChunkedArray, case: Case) -> pa.ChunkedArray:
    if case == "upper":
        return pc.utf8_upper(texts)
    if not case:
        return texts
    lower = pc.utf8_lower(texts)
    if case == "lower":
        return lower
    # The classes of Unicode take far longer to compile than to apply to some hundred texts.
    plain = pc.all(pc.string_is_ascii(lower), min_count=0).as_py()
    others = r"[^a-z0-9]+" if plain else r"[^\p{L}\p{N}]+"
    return pc.utf8_trim(pc.replace_substring_regex(lower, others, "-"), "-")


@dataclass(frozen=True)
class Composed(Derivation):
    """A text that consists of others, and of what is the same in all rows.

    Attributes
    ----------
    parts : tuple of Part
    form : str
        The text, with a mark for each part.
    """

    parts: tuple[Part, ...]
    form: str

    def __post_init__(self) -> None:
        marks = _MARK.findall(self.form)
        if any(ord(mark) - _FIRST_MARK >= len(self.parts) for mark in marks):
            raise ValueError("the form of a text has more parts than columns")

    @property
    def needs(self) -> tuple[str, ...]:
        """The other columns."""
        return tuple(dict.fromkeys(part.source for part in self.parts))

    @property
    def _pieces(self) -> list[tuple[Optional[Part], str]]:
        pieces = (piece for piece in _MARK.split(self.form) if piece)
        return [
            (self.parts[ord(piece) - _FIRST_MARK] if _MARK.fullmatch(piece) else None, piece)
            for piece in pieces
        ]

    def compose(self, rows: pa.Table) -> pa.ChunkedArray:
        """Return the text of each row; NULL where a source is."""
        pieces = [pa.scalar(text) if part is None else part.of(rows) for part, text in self._pieces]
        if all(part is None for part, _ in self._pieces):
            return pa.chunked_array([pa.repeat(self.form, len(rows))])
        return pc.binary_join_element_wise(*pieces, "")

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Put the text together."""
        return self.compose(rows)

    def fine(self, ask: Terms) -> Any:
        """See the base class; what is upper case is not the same in all engines."""
        if any(part.case for part in self.parts):
            raise CannotAsk
        pieces = [(text if p is None else p.source, p is not None) for p, text in self._pieces]
        empty = ask.missing(self.target)
        for name in self.needs:
            empty |= ask.missing(name)
        return empty | ask.spelled(self.target, pieces)

    @property
    def plain(self) -> bool:
        """Whether nothing but other columns is in it."""
        return all(part is not None for part, _ in self._pieces)

    @property
    def text(self) -> str:
        """What the target consists of, as users read it."""
        names = [repr(text) if part is None else str(part) for part, text in self._pieces]
        return " || ".join(names)

    def __str__(self) -> str:
        return f"{self.target} = {self.text}"

    def alone(self, roots: pa.Table) -> Optional[Composed]:
        """Return what rows without a parent consist of, if it is the same in all."""
        place = [i for i, part in enumerate(self.parts) if "." not in part.source]
        values = [self.parts[i].of(roots).to_pylist() for i in place]
        forms = {
            marked(text or "", [column[row] for column in values])
            for row, text in enumerate(roots.column(self.target).to_pylist())
        }
        form = min(forms, default="")
        if len(forms) != 1 or not (_MARK.search(form) or not any(map(str.isalnum, form))):
            return None
        return Composed(self.target, tuple(self.parts[i] for i in place), form)


def find_composed(columns: Columns, chosen: Chosen) -> None:
    """Find texts that consist of others of their row, and of their parent's."""
    names = [
        n
        for n in columns.rows.column_names
        if is_text(columns.type(n)) or pa.types.is_integer(columns.type(n))
    ]
    targets = [n for n in chosen.free() if is_text(columns.type(n)) and columns.distinct(n) > 1]
    if not targets:
        return
    few = columns.rows.select(names).take(pa.array(spaced(len(columns.rows), FEW)))
    sources = [n for n in names if columns.distinct(n) > 1][:MOST_SOURCES]
    cased = {*targets, *(n for n in sources if "." in n)}
    values = _values(few.select(sources), cased)
    for target in targets:
        if few.column(target).null_count > len(few) - LEAST_ROWS:
            continue
        for form, used in _forms(few.column(target).to_pylist(), values, target):
            if chosen.add(Composed(target, used, form)):
                break


def find_beginnings(texts: list[str], rows: pa.Table, target: str) -> list[Composed]:
    """Return what a few texts may begin with: texts and whole numbers of their rows.

    Parameters
    ----------
    texts : list of str
        A few; none of them NULL.
    rows : pyarrow.Table
        As many, with what may stand at the beginning; columns of other types are passed over.
        The column of the texts, which `rows` may hold, too.

    Returns
    -------
    list of Composed
        Each gives a text that is not empty in every one of these rows, and begins the row's.
    """
    names = [f.name for f in rows.schema if is_text(f.type) or pa.types.is_integer(f.type)]
    values = _values(rows.select(names), names)
    found = [Composed(target, (part,), mark(0)) for part in values]
    forms = _forms([*texts], values, target, begun=True)
    found += [Composed(target, used, form) for form, used in forms]
    return [
        one
        for one in dict.fromkeys(found)
        if all(s and t.startswith(s) for t, s in zip(texts, one.compose(rows).to_pylist()))
    ]


def _values(rows: pa.Table, cased: Collection[str]) -> dict[Part, list[Optional[str]]]:
    """Return the texts of some columns, in each case where that may matter."""
    plain = {f.name: rows.column(f.name).cast(pa.string()) for f in rows.schema}
    both = [f.name for f in rows.schema if f.name in cased and is_text(f.type)]
    # All columns in one go: to compile a pattern takes longer than to apply it to a few texts.
    chunks = [chunk for name in both for chunk in plain[name].chunks]
    texts = pa.chunked_array(chunks, pa.string())
    other = {case: _cased(texts, case).to_pylist() for case in CASES if case and both}
    found: dict[Part, list[Optional[str]]] = {}
    for name, column in plain.items():
        found[Part(name)] = column.to_pylist()
        start = len(rows) * both.index(name) if name in both else 0
        for case, values in other.items() if name in both else ():
            found[Part(name, case)] = values[start : start + len(rows)]
    return found


def is_text(type_: pa.DataType) -> bool:
    """Whether a column holds texts."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _forms(
    texts: list[Optional[str]],
    values: dict[Part, list[Optional[str]]],
    target: str,
    *,
    begun: bool = False,
) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """Yield the forms that many of a few texts have, or begin with, each with its parts."""
    parts = [part for part in values if part.source != target]
    forms = Counter[str]()
    known = [i for i, text in enumerate(texts) if text]
    for number, i in enumerate(known):
        form = marked(texts[i] or "", [values[part][i] for part in parts])
        forms["".join(_MARK.split(form)[:-1]) if begun else form] += 1  # up to the last mark
        if number == FIRST and forms.most_common(1)[0][1] < FIRST / 4:
            return  # most candidates fail here
    for form, count in forms.most_common(MOST_FORMS):
        numbered, places = renumbered(form)
        used = tuple(parts[place] for place in places)
        copied = len(form) == 1 and bool(used) and not used[0].case and not begun
        if used and not copied and count >= OFTEN * len(known):
            yield numbered, used


def renumbered(form: str) -> tuple[str, list[int]]:
    """Return a form with the marks of only those parts that are in it, and the numbers of these."""
    marks = list(dict.fromkeys(_MARK.findall(form)))
    form = _MARK.sub(lambda found: mark(marks.index(found[0])), form)
    return form, [ord(one) - _FIRST_MARK for one in marks]


def marked(text: str, values: list[Optional[str]]) -> str:
    """Return a text with marks for the values in it, the longest and plainest first."""
    order = sorted(range(len(values)), key=lambda n: -len(values[n] or ""))
    for number in order:
        value = values[number]
        if not value:
            break
        start = text.find(value)
        while start >= 0:
            end = start + len(value)
            before, after = text[start - 1 : start], text[end : end + 1]
            # Whole words only: "art" is not found in "start".
            if not (before.isalnum() and value[0].isalnum()) and not (
                after.isalnum() and value[-1].isalnum()
            ):
                text = f"{text[:start]}{mark(number)}{text[end:]}"
                break
            start = text.find(value, start + 1)
    return text
