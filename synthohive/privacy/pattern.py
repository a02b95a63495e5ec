"""Values of a fixed shape, such as ``25-989-741-2988``: learned per position, then numbered."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._random import U64, below

__all__ = ["CLASSES", "LIMIT", "Pattern", "infer_patterns", "shape_of", "to_strings"]

CLASSES = {"9": string.digits, "a": string.ascii_lowercase, "A": string.ascii_uppercase}
LIMIT = 1 << 62  # numbers of values must fit uint64
_SAMPLE = 20_000
_SHAPES = 20
_LONGEST = 120
_ENOUGH = 50  # distinct values below which nothing is concluded from their symbols
_ROOM = 100  # a learned pattern has this many times more values than were seen


@dataclass(frozen=True)
class Pattern:
    """One shape: for each position the symbols it can hold; one symbol is a literal.

    Examples
    --------
    >>> pattern = Pattern.of_shape("A-99")
    >>> pattern.capacity
    2600
    >>> pattern.render(np.array([0, 2599], np.uint64), key=0).to_pylist()
    ['A-00', 'Z-99']
    """

    alphabets: tuple[str, ...]

    @classmethod
    def of_shape(cls, shape: str) -> Pattern:
        """Return the pattern in which every digit and letter of `shape` is free."""
        return cls(tuple(CLASSES.get(symbol, symbol) for symbol in shape))

    @property
    def capacity(self) -> int:
        """How many different values there are."""
        return prod(map(len, self.alphabets))

    def render(self, numbers: U64, key: int, index: Optional[U64] = None) -> Any:
        """Return the value of each number below the capacity.

        Parameters
        ----------
        numbers : ndarray of uint64, shape (rows,)
            Below the capacity. Beyond :data:`LIMIT` values, only the last positions spell the
            number.
        key : int
            Of the positions that are filled by chance.
        index : ndarray of uint64, shape (rows,), optional
            What chance depends on; without it, these positions have their first symbols.

        Returns
        -------
        pyarrow.Array
            Of strings, one for each number.
        """
        return to_strings(self.matrix(numbers, key, index))

    def matrix(self, numbers: U64, key: int, index: Optional[U64] = None) -> NDArray[np.uint8]:
        """Return what :meth:`render` does, as ASCII codes.

        Parameters
        ----------
        numbers, key, index
            As in :meth:`render`.

        Returns
        -------
        ndarray of uint8, shape (rows, positions)
        """
        codes = np.empty((len(numbers), len(self.alphabets)), np.uint8)
        rest = numbers.copy()
        used = 1
        # a number of mixed base, the last position first, as long as uint64 can hold it
        for position in range(len(self.alphabets) - 1, -1, -1):
            alphabet = self.alphabets[position]
            table = np.frombuffer(alphabet.encode("ascii"), np.uint8)
            size = len(table)
            if size == 1:
                codes[:, position] = table[0]
            elif used * size <= LIMIT:
                rest, digit = np.divmod(rest, np.uint64(size))
                codes[:, position] = table[digit.astype(np.intp)]
                used *= size
            elif index is None:
                codes[:, position] = table[0]
            else:
                chance = below(index, size, key + position)
                codes[:, position] = table[chance.astype(np.intp)]
        return codes


def to_strings(codes: NDArray[np.uint8]) -> Any:
    """Return the rows of a matrix of ASCII codes as an Arrow string array."""
    rows, width = codes.shape
    if not rows or not width:
        return pa.array([""] * rows, pa.string())
    # Arrow's own layout: all rows are as wide, so that no Python text is made
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(codes))]
    return pa.Array.from_buffers(pa.large_string(), rows, buffers).cast(pa.string())


def shape_of(values: Any) -> Any:
    """Replace digits by 9, upper-case letters by A and other letters by a."""
    shaped = pc.replace_substring_regex(values, r"\p{Nd}", "9")
    shaped = pc.replace_substring_regex(shaped, r"\p{Lu}", "A")
    return pc.replace_substring_regex(shaped, r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]", "a")


def infer_patterns(values: Any, k: int, free: bool) -> list[tuple[Pattern, float]]:
    """Learn the common patterns of text values, with their numbers of rows.

    Parameters
    ----------
    values : pyarrow string array
    k : int
        A shape or symbol seen in fewer rows is not used.
    free : bool
        Keep only the symbols that never vary, so that unique values do not run out.
    """
    step = max(1, len(values) // _SAMPLE)
    texts = [text for text in values[::step].to_pylist()[:_SAMPLE] if text]
    shapes: list[str] = shape_of(pa.array(texts, pa.string())).to_pylist()
    common = Counter(s for s in shapes if s.isascii() and len(s) <= _LONGEST)
    found = []
    for shape, count in common.most_common(_SHAPES):
        if count < max(k, len(texts) / 1000):
            break
        members = sorted({t for t, s in zip(texts, shapes) if s == shape and t.isascii()})
        found.append((Pattern(_alphabets(shape, members, k, free)), float(count)))
    return found


def _alphabets(shape: str, members: list[str], k: int, free: bool) -> tuple[str, ...]:
    """Return the symbols that distinct `members` of a shape show at each position."""
    full = tuple(CLASSES.get(symbol, symbol) for symbol in shape)
    if len(members) < max(_ENOUGH, k):
        return _with_marks(full, members) if len(members) >= k else full
    alphabets = list(full)
    for position, column in enumerate(zip(*members)):
        seen = Counter(column)
        varies = len(seen) > 1
        if len(full[position]) > 1 and min(seen.values()) >= k and not (free and varies):
            alphabets[position] = "".join(sorted(seen))
    # So few possible values would be the real ones.
    return tuple(alphabets) if prod(map(len, alphabets)) >= _ROOM * len(members) else full


def _with_marks(full: tuple[str, ...], members: list[str]) -> tuple[str, ...]:
    """Keep the letters that all have, such as the ``x`` before an extension; digits never."""
    marks = [set(column) for column in zip(*members)]
    kept = tuple(
        next(iter(seen)) if len(seen) == 1 and len(symbols) > len(string.digits) else symbols
        for symbols, seen in zip(full, marks)
    )
    return kept if prod(map(len, kept)) >= _ROOM * len(members) else full


def fixed_positions(pattern: Pattern, positions: Iterable[int]) -> Pattern:
    """Return the pattern with check digits taken out of the count of its values."""
    at = set(positions)
    return Pattern(tuple("0" if p in at else a for p, a in enumerate(pattern.alphabets)))
