"""Replacing personal data: values made from the row's index, never from a real value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
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
from synthohive.privacy.fake_json import JsonShapes, Leaf
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.makers import MAKERS, Rows
from synthohive.privacy.pattern import (
    LIMIT,
    Pattern,
    fixed_positions,
    to_strings,
)
from synthohive.privacy.people import domains_for, styles_for
from synthohive.privacy.pools import Pools, faker, pools
from synthohive.privacy.rows import Beside, Look, in_groups
from synthohive.privacy.shapes import (
    as_text,
    hex_pattern,
    mask_patterns,
    patterns_for,
)
from synthohive.privacy.styles import (
    AddressStyle,
    Person,
    UrlStyle,
    address_style,
    url_style,
)
from synthohive.schema import Column, ColumnKind
from synthohive.texts.check_digits import iban_digits, luhn_digits

__all__ = ["FakeColumn", "Strategy", "check_makeable"]

Strategy = Literal["fake", "mask", "hash"]

_MANY = 10**8  # a pattern with fewer values may run out of unique ones
_HASH_LENGTH = 16
_COMPACT_LENGTH = 12
_SAMPLE = 1000
_STYLED = 10_000
_LENGTHS = 5
_WORDS = 200
_LISTED = 10


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
class FakeColumn(Leaf):
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
    json: Optional[JsonShapes] = None
    variants: tuple[tuple[str, FakeColumn], ...] = ()
    blank: bool = False

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
        strategy : {"fake", "mask", "hash"}
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
        text = as_text(values)
        if kind is PiiKind.JSON and column.kind.family in ("text", "document"):
            shapes = _json_shapes(
                column, text, locale=locale, strategy=strategy, k=k, unique=unique
            )
            return cls(kind=kind, column=column, unique=unique, strategy=strategy, json=shapes)
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
                tuple(domains_for(kind, text, k)),
                _address(kind, sample, locale, k, territory),
                url_style(sample, k) if kind is PiiKind.URL else UrlStyle(),
                tuple(counts),
                between,
            ),
            person=person,
            blocks=blocks,
        )

    def make(self, indices: IntArray, seed: int, beside: Optional[Beside] = None) -> Any:
        """Return one value, never NULL, for each row index, in the column's Arrow type.

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
        labels = beside.labels if beside is not None and self.variants else None
        women = None if beside is None else beside.women
        if labels is None:
            return self._text(index, seed, women).cast(self.column.arrow_type)
        codes = np.full(len(index), -1, np.intp)
        for number, (label, _) in enumerate(self.variants):
            codes[labels == label] = number

        def make(number: int, at: NDArray[np.intp]) -> Any:
            made = self if number < 0 else self.variants[number][1]
            return made._text(index[at], seed, women if women is None else women[at])

        return in_groups(codes, make).cast(self.column.arrow_type)

    @cached_property
    def _usable(self) -> tuple[list[Pattern], Floats]:
        """Patterns to choose from, check digits taken out of their capacity."""
        counted = [self._counted(pattern) for pattern in self.patterns]
        weights = np.array(self.weights, np.float64)
        if self.unique:
            capacities = np.array([min(p.capacity, LIMIT) for p in counted], np.float64)
            keep = capacities >= min(_MANY, capacities.max())
            if capacities.max() < _MANY:
                keep = np.arange(len(counted)) == int(capacities.argmax())
            counted = [p for p, kept in zip(counted, keep) if kept]
            weights = weights[keep]
        return counted, weights

    def _counted(self, pattern: Pattern) -> Pattern:
        if self.strategy != "fake":
            return pattern
        solid = [i for i, a in enumerate(pattern.alphabets) if a[0].isalnum()]
        if self.kind is PiiKind.CREDIT_CARD and _has_digits(pattern):
            return fixed_positions(pattern, solid[-1:])
        if self.kind is PiiKind.IBAN and _is_iban_shaped(pattern):
            return fixed_positions(pattern, solid[2:4])
        return pattern

    def _text(self, index: U64, seed: int, women: Optional[NDArray[np.int8]]) -> Any:
        key = subkey(seed, "column", self.column.name)
        if self.json is not None:
            return self.json.make(index, seed, key)
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
        capacity = min(pattern.capacity, LIMIT)
        if self.unique:
            numbers = self._unique_numbers(index, capacity)
            if self.strategy != "mask":
                numbers = Permutation(capacity, key)(numbers)
        else:
            numbers = below(index, capacity, key)
        codes = pattern.matrix(numbers, key, None if self.strategy == "mask" else index)
        if self.strategy == "fake" and self.kind is PiiKind.CREDIT_CARD and _has_digits(pattern):
            codes = luhn_digits(codes)
        elif self.strategy == "fake" and self.kind is PiiKind.IBAN and _is_iban_shaped(pattern):
            codes = iban_digits(codes)
        return to_strings(codes)

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
        free = min(_COMPACT_LENGTH, length - len(ending))
        # A leading digit keeps the short form apart from every full one.
        brief = Pattern(("0123456789", *["0123456789" + letters] * (free - 1), *ending))
        rows = np.flatnonzero(np.asarray(pc.greater(pc.utf8_length(text), length)))
        mask = np.zeros(len(index), bool)
        mask[rows] = True
        numbers = self._unique_numbers(index[rows], min(brief.capacity, LIMIT))
        numbers = Permutation(min(brief.capacity, LIMIT), subkey(key, "brief"))(numbers)
        return pc.replace_with_mask(text, pa.array(mask), brief.render(numbers, key))


def _json_shapes(
    column: Column, text: Any, *, locale: str, strategy: Strategy, k: int, unique: bool
) -> JsonShapes:
    """Learn structures; each leaf is a made-up column of the kind that it seems to hold."""

    def fit_leaf(name: str, key: str, type_: str, alone: bool, values: list[Any]) -> FakeColumn:
        holds = ColumnKind.TEXT if type_ == "text" else ColumnKind.INTEGER
        leaf = Column(name=f"{column.name}.{name}", kind=holds)
        texts = list(dict.fromkeys(map(str, values)))[:_SAMPLE]
        kind = kind_of(Column(name=key or column.name, kind=holds), texts)
        return FakeColumn.fit(
            PiiKind.OTHER if kind is None or kind is PiiKind.JSON else kind,
            leaf,
            pa.array(values, leaf.arrow_type),
            locale=locale,
            unique=unique and alone,
            strategy=strategy,
            k=k,
        )

    return JsonShapes.learn(text.to_pylist(), k, fit_leaf)


def _counts(kind: PiiKind, text: Any, k: int) -> tuple[list[tuple[int, float]], str]:
    """Return how many values stand in each text, where these are lists, and what is between.

    Of free text, how many words: what stands between them is a blank.
    """
    texts = text[:_STYLED].to_pylist()
    if kind is PiiKind.TEXT:
        lengths = np.array([value.count(" ") + 1 for value in texts] or [1])
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
        if kind in MAKERS and not _is_ipv6(kind, text):
            return [], pools(locale)
    found = patterns_for(kind, column, text, locale, k=k, unique=unique, territory=territory)
    return found, None


def _has_digits(pattern: Pattern) -> bool:
    solid = [a for a in pattern.alphabets if a[0].isalnum()]
    return len(solid) > 1 and all(a[0].isdigit() for a in solid)


def _is_iban_shaped(pattern: Pattern) -> bool:
    solid = [a for a in pattern.alphabets if a[0].isalnum()]
    head = [a[0].isdigit() for a in solid[:4]]
    return len(solid) > 8 and head == [False, False, True, True]


def _is_ipv6(kind: PiiKind, text: Any) -> bool:
    return kind is PiiKind.IP and _mostly(":" in value for value in text[:_SAMPLE].to_pylist())


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
