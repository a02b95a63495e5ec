"""Replacing personal data: values made from the row's index, never from a real value."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._arrays import Floats, IntArray
from synthohive._random import U64, Permutation, below, subkey, weighted
from synthohive.exceptions import PrivacyError
from synthohive.privacy.content import is_listed, split_emails
from synthohive.privacy.detect import kind_of
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.makers import MAKERS, Rows
from synthohive.privacy.people import styles_for
from synthohive.privacy.pools import Pools, faker, pools
from synthohive.privacy.rows import Beside, Look
from synthohive.privacy.shapes import (
    as_text,
    form_patterns,
    hex_pattern,
    mask_patterns,
    patterns_for,
)
from synthohive.privacy.strategies import dropped
from synthohive.privacy.styles import (
    AddressStyle,
    Person,
    UrlStyle,
    address_style,
    domains_of,
    url_style,
)
from synthohive.schema import Column, ColumnKind
from synthohive.texts.check_digits import (
    CheckDigits,
    check_of,
    iban_digits,
    luhn_digits,
    scheme,
    verhoeff_digits,
)
from synthohive.texts.documents import as_document, leaves, mapped, markup_of, pruned
from synthohive.texts.documents import kind_of as kind_of_leaf
from synthohive.texts.patterns import Pattern, in_groups

__all__ = ["FakeColumn", "Strategy", "check_makeable"]

Strategy = Literal["fake", "mask", "hash", "format-preserving", "drop"]
SetDigits = Callable[[Any], Any]

_AT_ONCE: dict[str, SetDigits] = {
    "luhn": luhn_digits,
    "iban": iban_digits,
    "verhoeff": verhoeff_digits,
}
_MANY = 10**8  # a pattern with fewer values may run out of unique ones
_HASH_LENGTH = 16
_COMPACT_LENGTH = 12
_SAMPLE = 1000
_STYLED = 10_000
_LENGTHS = 5
_WORDS = 200
_LISTED = 10
_STRUCTURES = 20
_LEAVES = 100
_CENTS = 100
_DEPTHS = (20, 4, 3, 2, 1, 0)  # of elements of markup that are tried, all first
_BOUNDS: dict[str, Any] = {
    "most": 5,
    "deepest": _DEPTHS[0],
}  # of an array's elements, and of levels
_MARK = "\ue000"  # no text has it: it is nobody's character
_MADE = ("integer", "number", "string")


def check_makeable(table: str, column: Column, kind: PiiKind) -> None:
    """Refuse a kind of personal data that a column cannot hold.

    Parameters
    ----------
    table : str
        For the error.
    column : Column
    kind : PiiKind
        What the user says that the column holds.

    Raises
    ------
    PrivacyError
        The column is neither text, number nor UUID, nor, for JSON, a document.
    """
    made = kind is PiiKind.JSON and column.kind in (ColumnKind.JSON, ColumnKind.ARRAY)
    plain = column.kind.family in ("number", "text") or column.kind is ColumnKind.UUID
    if not made and not plain:
        raise PrivacyError(
            f"Column {table}.{column.name} of type {column.kind.value} is listed as personal data "
            f"({kind.value}), but such values cannot be made for that type.",
            hint="Take it out of pii_cols / pii_columns, or give it the kind 'none'.",
        )


@dataclass(frozen=True)
class FakeColumn:
    """Made-up values of one column.

    A value depends on the seed and the row's index alone, so any split into blocks gives
    the same rows; with `unique`, different indices give different values by construction.
    Columns of a table that are made with the same seed and `person` agree with each other
    (``Ann Lee`` has ``ann.lee@post.example``).

    Examples
    --------
    >>> from synthohive.schema import Column
    >>> column = Column(name="tel", kind="text", length=15)
    >>> real = pa.array(["25-989-741-2988", "13-761-547-5974"] * 50)
    >>> tel = FakeColumn.fit(PiiKind.PHONE, column, real, k=2)
    >>> len(tel.make(np.arange(3), seed=7)[0].as_py())
    15
    """

    kind: PiiKind
    column: Column
    unique: bool = False
    strategy: Strategy = "fake"
    patterns: tuple[Pattern, ...] = ()
    weights: tuple[float, ...] = ()
    case: Literal["as made", "upper", "lower"] = "as made"
    look: Look = field(default_factory=Look)
    person: int = 0
    blocks: Optional[Pools] = None
    documents: Optional[FakeDocuments] = None
    variants: tuple[tuple[str, FakeColumn], ...] = ()
    blank: bool = False
    check: str = ""

    @classmethod
    def fit(
        cls,
        kind: Union[PiiKind, str],
        column: Column,
        values: Any,
        *,
        locale: str = "en_US",
        unique: bool = False,
        strategy: Strategy = "fake",
        k: int = 5,
        person: int = 0,
        persons: Optional[Sequence[Person]] = None,
        territory: str = "",
    ) -> FakeColumn:
        """Take the shape of `values`, and nothing else, from real data.

        Parameters
        ----------
        kind : PiiKind or str
        column : Column
            Its type, length and name.
        values : pyarrow array
            Real values, or a sample of them; may be empty.
        locale : str
            Of Faker: the language of what is made up.
        unique : bool
            Whether no value may repeat.
        strategy : {"fake", "mask", "hash", "format-preserving", "drop"}
        k : int
            Shapes seen in fewer rows are not used.
        person : int
            Which person of the row the column tells about, where there are several.
        persons : sequence of (str, str), optional
            First and last names in the rows of `values`, NULLs left out.
        territory : str, optional
            The country of all values, where it is known.
        """
        kind = PiiKind(kind)
        if strategy == "drop":
            return cls(kind, column, strategy=strategy)
        text = as_text(values)
        if kind is PiiKind.JSON and column.kind.family in ("text", "document"):
            made = FakeDocuments.fit(
                column, text.to_pylist(), k, unique, locale=locale, strategy=strategy
            )
            return cls(kind=kind, column=column, unique=unique, strategy=strategy, documents=made)
        checked = strategy == "format-preserving" or (strategy == "fake" and kind not in MAKERS)
        check = check_of(_distinct(text, k)) if checked else None
        counts, between = _counts(kind, text, k)
        text = split_emails(text) if between else text
        weighted, blocks = _source(
            kind, column, text, locale, strategy=strategy, k=k, unique=unique, territory=territory
        )
        sample = text[:_SAMPLE].to_pylist()
        return cls(
            kind=kind,
            column=column,
            unique=unique,
            strategy=strategy,
            patterns=tuple(pattern for pattern, _ in weighted),
            weights=tuple(weight for _, weight in weighted),
            case=_case(sample),
            look=Look(
                tuple(styles_for(kind, text, persons, k, unique)),
                tuple(domains_of(text.to_pylist(), k) if kind is PiiKind.EMAIL else ()),
                _address(kind, sample, locale, k, territory),
                url_style(sample, k) if kind is PiiKind.URL else UrlStyle(),
                tuple(counts),
                between,
            ),
            person=person,
            blocks=blocks,
            check="" if check is None else check.name,
        )

    def make(self, indices: IntArray, seed: int, beside: Optional[Beside] = None) -> Any:
        """Return one value for each row index, in the column's Arrow type.

        None is NULL, but in a column that is dropped.

        Parameters
        ----------
        indices : ndarray of int64, shape (rows,)
            Which rows; not negative.
        seed : int
        beside : Beside, optional
            What stands in other columns of the rows, where the real values go by it.

        Raises
        ------
        PrivacyError
            `unique`, and the column is too narrow for so many different values.
        """
        index = np.asarray(indices).astype(np.uint64)
        if not len(index):
            return pa.array([], self.column.arrow_type)
        if self.strategy == "drop":
            return dropped(self.column, len(index))
        labels = beside.labels if beside is not None and self.variants else None
        women = None if beside is None else beside.women
        if labels is None:
            return self._text(index, seed, women).cast(self.column.arrow_type)
        codes = np.full(len(index), -1, np.int64)
        for number, (label, _) in enumerate(self.variants):
            codes[labels == label] = number

        def make(number: int, at: IntArray) -> Any:
            made = self if number < 0 else self.variants[number][1]
            return made._text(index[at], seed, women if women is None else women[at])

        return in_groups(codes, make).cast(self.column.arrow_type)

    @cached_property
    def _usable(self) -> tuple[list[Pattern], Floats]:
        """Patterns to choose from, check digits taken out of their capacity."""
        counted = [self._counted(pattern) for pattern in self.patterns]
        weights = np.array(self.weights, np.float64)
        if self.unique:
            capacities = np.array([p.room for p in counted], np.float64)
            # a narrow pattern would soon repeat, whatever its share
            keep = capacities >= min(_MANY, capacities.max())
            if capacities.max() < _MANY:
                keep = np.arange(len(counted)) == int(capacities.argmax())
            counted = [p for p, kept in zip(counted, keep) if kept]
            weights = weights[keep]
        return counted, weights

    def _checked(self, pattern: Pattern) -> Optional[tuple[SetDigits, list[int]]]:
        """Return what sets the check digits of a pattern's texts, and where these stand."""
        solid = [i for i, char in enumerate(pattern.example) if char.isalnum()]
        numeric = [pattern.example[i].isdigit() for i in solid]
        if not pattern.example.isascii():
            return None
        stated = scheme(self.check)
        if stated is not None and (not stated.lengths or len(solid) in stated.lengths):
            return partial(_completed, stated), stated.positions(pattern.example)
        if self.strategy == "fake":
            if self.kind is PiiKind.CREDIT_CARD and len(solid) > 1 and all(numeric):
                return luhn_digits, solid[-1:]
            if self.kind is PiiKind.IBAN and len(solid) > 8 and numeric[:4] == [0, 0, 1, 1]:
                return iban_digits, solid[2:4]
        return None

    def _counted(self, pattern: Pattern) -> Pattern:
        """Return a pattern whose check digits are no part of the number."""
        check = self._checked(pattern)
        if check is None:
            return pattern
        return Pattern.of(*("0" if i in check[1] else p for i, p in enumerate(pattern.pieces)))

    def _text(self, index: U64, seed: int, women: Optional[NDArray[np.int8]]) -> Any:
        key = subkey(seed, "column", self.column.name)
        if self.documents is not None:
            return self.documents.make(index, seed, key)
        if self.blocks is None:
            return self._from_patterns(index, key)
        person = subkey(seed, "person", self.person)
        rows = Rows(index, person, key, self.unique, self.look, self.blocks, women)
        text = MAKERS[self.kind](rows)
        if self.case != "as made":
            text = pc.utf8_upper(text) if self.case == "upper" else pc.utf8_lower(text)
        return self._cut(text, index, key)

    def _from_patterns(self, index: U64, key: int) -> Any:
        patterns, weights = self._usable
        choice = weighted(index, weights.tolist(), subkey(key, "pattern"))
        return in_groups(
            choice,
            lambda number, at: self._render(patterns[number], index[at], subkey(key, number)),
        )

    def _render(self, pattern: Pattern, index: U64, key: int) -> Any:
        if self.unique:
            numbers = self._unique_numbers(index, pattern.room)
            if self.strategy != "mask":
                numbers = Permutation(pattern.room, key)(numbers)
        else:
            numbers = below(index, pattern.room, key)
        made = pattern.spell(numbers, key, None if self.strategy == "mask" else index)
        check = self._checked(pattern)
        return made if check is None else check[0](made)

    def _unique_numbers(self, index: U64, capacity: int) -> U64:
        """Give each index a number of its own."""
        if int(index.max()) >= capacity:
            raise PrivacyError(
                f"Column {self.column.name!r} must be unique, but its values have room for only "
                f"{capacity:,} different ones.",
                hint="Generate fewer rows, widen the column, or give it another kind of PII.",
            )
        return index

    def _cut(self, text: Any, index: U64, key: int) -> Any:
        """Keep values within VARCHAR(n): cut them, or write unique ones more briefly."""
        length = self.column.length
        if length is None or pc.max(pc.utf8_length(text)).as_py() <= length:
            return text
        if not self.unique and self.kind is not PiiKind.EMAIL:
            return pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(text, 0, length))
        ending = "@a.test" if self.kind is PiiKind.EMAIL and length > _COMPACT_LENGTH else ""
        letters = (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if self.case == "upper" else "abcdefghijklmnopqrstuvwxyz"
        )
        # twelve places are 10^18 texts, more than any table has rows
        free = min(_COMPACT_LENGTH, length - len(ending))
        # A leading digit keeps the short form apart from every full one.
        brief = Pattern.of("0123456789", *["0123456789" + letters] * (free - 1), *ending)
        rows = np.flatnonzero(np.asarray(pc.greater(pc.utf8_length(text), length)))
        mask = np.zeros(len(index), bool)
        mask[rows] = True
        numbers = self._unique_numbers(index[rows], brief.room)
        numbers = Permutation(brief.room, subkey(key, "brief"))(numbers)
        return pc.replace_with_mask(text, pa.array(mask), brief.spell(numbers, key))


@dataclass(frozen=True)
class FakeDocuments:
    """Made-up JSON or markup: the structures that enough rows share, with every leaf made up.

    Attributes
    ----------
    structures : tuple of str
        JSON in which each leaf is its type, such as ``"string"``, or null.
    weights : tuple of float
    leaves : tuple of tuple of FakeColumn
        For each structure those of its texts and numbers, in the order of reading.
    markup : bool
        The structures are those of trees that are written as XML or HTML.
    """

    structures: tuple[str, ...]
    weights: tuple[float, ...]
    leaves: tuple[tuple[FakeColumn, ...], ...]
    markup: bool

    @classmethod
    def fit(
        cls, column: Column, texts: Sequence[str], k: int, unique: bool, **how: Any
    ) -> FakeDocuments:
        """Learn structures; each leaf is a made-up column of the kind that it seems to hold.

        Parameters
        ----------
        column : Column
        texts : sequence of str
            JSON or markup; what is neither is left out.
        k : int
            A structure of fewer rows is not used; where there is none, documents are empty.
        unique : bool
            Whether no document may repeat: one leaf of each then does not.
        how : object
            What else :meth:`FakeColumn.fit` is told of the leaves.
        """
        markup = sum(text.lstrip()[:1] == "<" for text in texts) > len(texts) / 2
        values = [value for text in texts for value in _parsed(text)]
        for depth in _DEPTHS if markup else _DEPTHS[:1]:
            values = [pruned(value, depth) for value in values] if markup else values
            shapes = [json.dumps(mapped(value, _type_of, **_BOUNDS)) for value in values]
            usual = Counter(shapes).most_common(_STRUCTURES)
            kept = [(shape, float(count)) for shape, count in usual if count >= k]
            if sum(weight for _, weight in kept) > len(values) / 2:
                break
        found = []
        for number, (shape, _) in enumerate(kept):
            same = (leaves(v, **_BOUNDS) for v, s in zip(values, shapes) if s == shape)
            made = [[leaf for leaf in one if kind_of_leaf(leaf[1]) in _MADE] for one in same]
            columns = list(zip(*made))[:_LEAVES]
            texts_at = [at for at, ((_, leaf), *_) in enumerate(columns) if isinstance(leaf, str)]
            alone = (texts_at or [0])[0]
            names = [f"{column.name}.{number}.{at}" for at in range(len(columns))]
            found.append(
                tuple(
                    _leaf(column, name, values_of, k, unique=unique and at == alone, **how)
                    for at, (name, values_of) in enumerate(zip(names, columns))
                )
            )
        if not kept:
            empty = "[]" if texts and texts[0].lstrip()[:1] == "[" else "{}"
            kept, found = [(empty, 1.0)], [()]
        return cls(tuple(s for s, _ in kept), tuple(w for _, w in kept), tuple(found), markup)

    def make(self, index: U64, seed: int, key: int) -> Any:
        """Return a text for each row, none NULL.

        Parameters
        ----------
        index : ndarray of uint64, shape (rows,)
            What a text depends on, beside the keys.
        seed : int
            Of the leaves, which are columns of their own.
        key : int
            Of what is drawn here: the structure, and what is true or false.
        """

        def make(number: int, rows: IntArray) -> Any:
            shape, part = json.loads(self.structures[number]), index[rows]
            columns = [leaf.make(part.astype(np.int64), seed) for leaf in self.leaves[number]]
            drawn = below(part, 1 << 32, subkey(key, "flags", number))
            if not self.markup and _MARK not in self.structures[number]:
                return _json_texts(shape, columns, drawn)
            made, flags = [column.to_pylist() for column in columns], drawn.tolist()
            # by row; a structure without leaves has rows, too
            rows_of = zip(*made) if made else (() for _ in flags)
            filled = (_filled(shape, leaf, flag) for leaf, flag in zip(rows_of, flags))
            write = markup_of if self.markup else partial(json.dumps, ensure_ascii=False)
            return pa.array([write(value) for value in filled], pa.string())

        return in_groups(weighted(index, self.weights, subkey(key, "structure")), make)


def _parsed(text: str) -> Iterator[Any]:
    try:
        yield as_document(text)
    except (ValueError, RecursionError):
        return  # not a text of this column's usual kind


def _type_of(key: str, leaf: Any) -> Optional[str]:
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        return "integer"  # of any size
    return None if leaf is None else kind_of_leaf(leaf)


def _leaf(
    column: Column, name: str, found: Sequence[tuple[str, Any]], k: int, **how: Any
) -> FakeColumn:
    """Return what makes the values of one leaf, from the key and the value in each document."""
    holds = ColumnKind.TEXT if isinstance(found[0][1], str) else ColumnKind.INTEGER
    made = Column(name=name, kind=holds)
    values = [_plain(value) for _, value in found]
    texts = list(dict.fromkeys(map(str, values)))[:_SAMPLE]
    kind = kind_of(Column(name=found[0][0] or column.name, kind=holds), texts)
    kind = PiiKind.OTHER if kind is None or kind is PiiKind.JSON else kind
    return FakeColumn.fit(kind, made, pa.array(values, made.arrow_type), k=k, **how)


def _plain(value: Any) -> Any:
    """Return numbers as whole ones, which patterns can be learned from."""
    if isinstance(value, float):
        return round(abs(value) * _CENTS) if abs(value) < 2**50 else 0
    return min(abs(value), 2**62) if isinstance(value, int) else value


def _json_texts(shape: Any, leaves: Sequence[Any], flags: U64) -> Any:
    """Write documents of one structure: what stands between their leaves is written once.

    Parameters
    ----------
    shape : JSON
        With types in the place of values, as :func:`_filled` takes it.
    leaves : sequence of pyarrow.Array
        Of the texts and numbers, in the order of reading.
    flags : ndarray of uint64, shape (rows,)
        Bits that say what is true.
    """
    made, bits = iter(leaves), iter(range(32))
    parts: list[Any] = []

    def mark(key: str, kind: Any) -> Any:
        at, column = None, None
        if kind == "boolean":
            at = next(bits, None)
        elif kind is not None:
            column = next(made, None)
        if at is None and column is None:
            return False if kind == "boolean" else None
        parts.append(_json_values(kind, column, flags >> np.uint64(at or 0) & np.uint64(1)))
        return f"{_MARK}{len(parts) - 1}{_MARK}"

    text = json.dumps(mapped(shape, mark), ensure_ascii=False)
    pieces = re.split(f'"{_MARK}(\\d+){_MARK}"', text)
    rows = pa.repeat(pa.scalar("", pa.string()), len(flags))
    written = [parts[int(piece)] if i % 2 else piece for i, piece in enumerate(pieces)]
    return pc.binary_join_element_wise(rows, *written, "")


def _json_values(kind: str, column: Any, flag: U64) -> Any:
    """Return the texts that JSON has for the values of a leaf."""
    if kind == "boolean":
        return pa.array(["false", "true"]).take(pa.array(flag.astype(np.int64)))
    if kind == "number":
        return pa.array([json.dumps(value / _CENTS) for value in column.to_pylist()], pa.string())
    text = column.cast(pa.string())
    if kind == "integer":
        return text
    odd = pc.match_substring_regex(text, r'["\\\x00-\x1f]')
    if pc.any(odd).as_py():
        return pa.array([json.dumps(t, ensure_ascii=False) for t in text.to_pylist()], pa.string())
    return pc.binary_join_element_wise('"', text, '"', "")


def _filled(shape: Any, leaves: Sequence[Any], flags: int) -> Any:
    """Return a structure with values in the place of types; bits of `flags` say what is true."""
    made, bits = iter(leaves), iter(range(32))

    def fill(key: str, kind: Any) -> Any:
        if kind is None:
            return None
        if kind == "boolean":
            at = next(bits, None)
            return at is not None and bool(flags >> at & 1)
        value = next(made, None)
        return value / _CENTS if kind == "number" and value is not None else value

    return mapped(shape, fill)


def _counts(kind: PiiKind, text: Any, k: int) -> tuple[list[tuple[int, float]], str]:
    """Return how many values stand in each text, where these are lists, and what is between.

    Of free text, how many words: what stands between them is a blank.
    """
    texts = text[:_STYLED].to_pylist()
    if kind is PiiKind.TEXT:
        lengths = np.array([value.count(" ") + 1 for value in texts] or [1])
        # the middles of equal shares: no text's own length
        usual = np.quantile(lengths, (np.arange(_LENGTHS) + 0.5) / _LENGTHS)
        return [(int(count), 1.0) for count in np.clip(usual.round(), 1, _WORDS)], ""
    if kind is not PiiKind.EMAIL or not any(map(is_listed, texts)):
        return [], ""
    found = Counter(len(split_emails(pa.array([value]), every=True)) for value in texts)
    kept = [(count, float(rows)) for count, rows in sorted(found.items()) if rows >= k]
    marks = Counter(m for value in texts if (m := is_listed(value)))
    return [(n, w) for n, w in kept if n <= _LISTED] or [(1, 1.0)], marks.most_common(1)[0][0]


def _address(kind: PiiKind, sample: list[str], locale: str, k: int, territory: str) -> AddressStyle:
    if kind is not PiiKind.ADDRESS:
        return AddressStyle()
    source = faker(locale)
    # no locale states it: what Faker writes tells
    led = sum(source.street_address()[:1].isdigit() for _ in range(_LENGTHS))
    usual = "first" if led > _LENGTHS / 2 else "last"
    found = address_style(sample, usual, k)
    # In each country as it is usual there, wherever the real ones write the number.
    return replace(found, house=usual) if territory and found.house != "none" else found


def _source(
    kind: PiiKind,
    column: Column,
    text: Any,
    locale: str,
    *,
    strategy: Strategy,
    k: int,
    unique: bool,
    territory: str = "",
) -> tuple[list[tuple[Pattern, float]], Optional[Pools]]:
    """Return the patterns, or else the building blocks, that values are made of."""
    if column.kind.family == "text":
        if strategy == "hash":
            width = min(column.length or _HASH_LENGTH, _HASH_LENGTH)
            return [(hex_pattern("h" * width, upper=False), 1.0)], None
        if strategy == "mask":
            return mask_patterns(column, text, k, unique), None
        if strategy == "format-preserving" and kind in MAKERS:
            return form_patterns(kind, column, text, k), None
        if kind in MAKERS:
            return [], pools(locale)
    found = patterns_for(kind, column, text, locale, k=k, unique=unique, territory=territory)
    return found, None


def _distinct(text: Any, k: int) -> list[str]:
    """Return some values by which check digits are known; none where too few have any."""
    found: list[str] = pc.unique(text[:_SAMPLE]).to_pylist()
    return found if len(found) >= k else []


def _completed(check: CheckDigits, texts: Any) -> Any:
    """Set the check characters of texts of one form; of the usual schemes, of all at once."""
    if check.name in _AT_ONCE:
        return _AT_ONCE[check.name](texts)
    return pa.array([check.completed(text) for text in texts.to_pylist()], pa.string())


def _mostly(marks: Any) -> bool:
    found = list(marks)
    return bool(found) and sum(found) / len(found) > 0.5


def _case(sample: list[str]) -> Literal["as made", "upper", "lower"]:
    worded = [value for value in sample if value.upper() != value.lower()]
    if worded and _mostly(value == value.upper() for value in worded):
        return "upper"
    if worded and _mostly(value == value.lower() for value in worded):
        return "lower"
    return "as made"
