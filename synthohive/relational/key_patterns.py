"""Keys that are strings: made in the patterns of the real ones."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.exceptions import SchemaError
from synthohive.relational.hashing import Permutation
from synthohive.relational.key_makers import KeyMaker
from synthohive.schema import Column, ColumnKind

__all__ = ["PatternMaker", "shape_of_key"]

IntArray = npt.NDArray[np.int64]
_CLASSES = {"9": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a": "abcdefghijklmnopqrstuvwxyz"}
_DIGITS = _CLASSES["9"] + _CLASSES["A"]
_TEMPLATES, _PERIOD = 8, 1000
_SHARED = 20  # keys that must agree in a letter before it is kept


class PatternMaker(KeyMaker):
    """Strings of the real keys' patterns: letters that all share stay, the rest is numbered.

    Each pattern is a list of places, each with the characters that may stand there. A row
    gets a pattern by the real shares, and within it a number that no other row has, spelled
    in these places. Numbers beyond a pattern's room are spelled in strings of no pattern.
    """

    name = "pattern"

    @classmethod
    def learn(
        cls, column: Column, values: pa.ChunkedArray, groups: Optional[IntArray], k: int = 5
    ) -> Optional[KeyMaker]:
        """Accept any text."""
        if column.kind not in (ColumnKind.TEXT, ColumnKind.CATEGORICAL):
            return None
        seen = [v for v in values.drop_null().slice(0, 20_000).to_pylist() if v]
        shapes: dict[str, list[str]] = {}
        for value in seen:
            shapes.setdefault(shape_of_key(value), []).append(value)
        common = sorted(shapes.items(), key=lambda item: (-len(item[1]), item[0]))[:_TEMPLATES]
        places = [_places(shape, members) for shape, members in common]
        settings = {
            "places": places or [["0123456789"] * min(column.length or 8, 8)],
            "weights": [len(members) for _, members in common] or [1],
            "dense": len(common) == 1 and _is_dense(*common[0], places[0]),
        }
        return cls(column, settings)

    def make_rows(
        self, rows: IntArray, groups: IntArray, positions: IntArray, sizes: IntArray, seed: int
    ) -> pa.Array:
        """Give the rows numbers within their patterns, and spell the numbers."""
        which, number = self._numbered(rows, seed)
        text = np.empty(len(rows), dtype=object)
        for i, places in enumerate(self.settings["places"]):
            mine = np.flatnonzero(which == i)
            numbers = number[mine] + (1 if self.settings["dense"] else 0)
            room = _space(places)
            inside = numbers < room
            kept = numbers[inside]
            if not self.settings["dense"] and 1 < room < 2**62:
                kept = Permutation(room, seed + i)(kept)
            text[mine[inside]] = _spell(places, kept)
            text[mine[~inside]] = self._beyond(i, numbers[~inside] - room)
        return pc.cast(pa.array(text, pa.string()), self.column.arrow_type)

    def _numbered(self, rows: IntArray, seed: int) -> tuple[IntArray, IntArray]:
        """Return each row's pattern, and its number among that pattern's rows."""
        count = len(self.settings["places"])
        if count == 1:
            return np.zeros_like(rows), rows
        weights = np.array(self.settings["weights"], dtype=float)
        ends = np.round(np.cumsum(weights) / weights.sum() * _PERIOD)
        order = Permutation(_PERIOD, seed)(np.arange(_PERIOD))
        pattern = np.minimum(np.searchsorted(ends, order, side="right"), count - 1)
        hot = pattern[:, None] == np.arange(count)
        before = np.cumsum(hot, axis=0)[np.arange(_PERIOD), pattern] - 1
        share = hot.sum(axis=0)
        turn, place = np.divmod(rows, _PERIOD)
        which = pattern[place]
        return which, turn * share[which] + before[place]

    def _beyond(self, pattern: int, numbers: IntArray) -> list[str]:
        """Spell numbers for which their pattern has no room, unlike any pattern's string."""
        patterns = [tuple(p) for p in self.settings["places"]]
        longest = max(map(len, patterns))
        codes = numbers * len(patterns) + pattern
        if self.column.length is None or self.column.length > longest:
            return [_base36(int(code)).rjust(longest + 1, "0") for code in codes]
        if not len(codes):
            return []
        spare = _unused(tuple(patterns), longest)
        if int(codes.max()) >= len(spare):
            raise SchemaError(
                f"The key column {self.column.name!r} has no room for {int(codes.max()):,} more "
                f"distinct values of {self.column.length} characters.",
                hint="Sample fewer rows, or at a smaller scale.",
            )
        return [spare[int(code)] for code in codes]


def shape_of_key(value: str) -> str:
    """Return the classes of the characters: 'N10156' -> 'A99999'; letters without case are 'a'."""
    return "".join(
        "9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in value
    )


def _places(shape: str, members: list[str]) -> list[str]:
    """Return the characters that each place can hold."""
    places = []
    for position, kind in enumerate(shape):
        letters = {m[position] for m in members}
        fixed = len(letters) == 1 and len(members) >= _SHARED
        places.append(letters.pop() if fixed else _CLASSES.get(kind, kind))
    return places


def _is_dense(shape: str, members: list[str], places: list[str]) -> bool:
    """Tell whether the free digits just count, as in 'C001' and 'C002'."""
    free = [i for i, p in enumerate(places) if len(p) > 1]
    if not free or any(shape[i] != "9" for i in free) or len(members) < _SHARED:
        return False
    numbers = [int("".join(m[i] for i in free)) for m in members]
    return max(numbers) - min(numbers) < 2 * len(numbers) and min(numbers) <= 1


def _space(places: list[str]) -> int:
    return math.prod(len(p) for p in places)


def _spell(places: list[str], numbers: IntArray) -> npt.NDArray[np.object_]:
    """Write numbers in the mixed-radix system of the places."""
    digits: list[npt.NDArray[Any]] = []
    rest = numbers
    for place in reversed(places):
        rest, digit = np.divmod(rest, len(place))
        digits.append(np.array(list(place))[digit])
    letters = np.ascontiguousarray(np.stack(digits[::-1], axis=1))
    return letters.view(f"U{len(places)}").reshape(-1).astype(object)


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


@lru_cache(maxsize=8)
def _unused(patterns: tuple[tuple[str, ...], ...], length: int) -> list[str]:
    """List the strings of a short key that fit no pattern."""
    if length > 4:
        return []
    return [
        "".join(letters)
        for letters in product(_DIGITS, repeat=length)
        if not any(
            len(p) == length and all(c in place for c, place in zip(letters, p)) for p in patterns
        )
    ]
