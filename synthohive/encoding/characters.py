"""Made-up strings of learned shapes."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.draw import proportions
from synthohive.encoding.value_counts import ValueCounts

__all__ = ["CLASSES", "DIGIT", "LOWER", "UPPER", "Fixed", "alphabet_of", "shape_of"]

Piece = tuple[list[str], list[float]]

# stand-ins in a shape: private-use characters, so that real text cannot be taken for one
UPPER, LOWER, DIGIT, LETTER = "\ue000", "\ue001", "\ue002", "\ue003"
CLASSES = {
    UPPER: string.ascii_uppercase,
    LOWER: string.ascii_lowercase,
    DIGIT: string.digits,
    LETTER: "".join(map(chr, range(0x4E00, 0x4E40))),
}
_SLOTS = 4096  # of a table to draw from: shares are right to 1/4096
_SHARED = 0.9  # of rows whose word or number k entities share, to keep it whole
_MAX_SPANS = 400  # different words at one place
_FULL = 0.8  # of the strings that pieces can make, taken by real ones
_WORD = 3  # letters of the shortest word that stays
_SPAN = re.compile(f"[{UPPER}{LOWER}{LETTER}]+|{DIGIT}+|[\\s\\S]")


class _Shapes(dict[int, str]):
    """Maps a code point to its class, or to itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isdecimal():
            found = DIGIT
        elif char.isalpha():
            found = UPPER if char.isupper() else LOWER if char.islower() else LETTER
        else:
            found = char
        self[code] = found
        return found


_SHAPES = _Shapes()


def shape_of(text: str) -> str:
    """Return the text with every letter and digit replaced by its class."""
    return text.translate(_SHAPES)


def alphabet_of(
    chars: npt.NDArray[np.str_], row: IntArray, value_counts: ValueCounts, k: int, kind: str
) -> Piece:
    """Return the characters that `k` entities share, with their frequencies.

    Parameters
    ----------
    chars : ndarray of str
        Single characters.
    row : ndarray of int64
        For each, the index in `value_counts` of the text that it comes from.
    value_counts : ValueCounts
    k : int
    kind : str
        The class that stands in where no character is shared.
    """
    distinct, codes = np.unique(chars, return_inverse=True)
    weights = np.bincount(codes, weights=value_counts.counts[row], minlength=len(distinct))
    keep = value_counts.holders_of(codes, row) >= k
    if not keep.any():
        letters = CLASSES.get(kind, string.ascii_lowercase)
        return list(letters), [1.0] * len(letters)
    return distinct[keep].tolist(), [float(w) for w in weights[keep]]


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _lookup(strings: Sequence[str], weights: Sequence[float]) -> npt.NDArray[np.uint32]:
    """Return a table (slots, characters) in which each string fills its share of the slots."""
    points = _code_points("".join(strings)).reshape(len(strings), -1)
    if len(strings) == 1:
        return points
    # drawing is then reading a random slot, instead of a search for each character
    edges = np.cumsum(proportions(weights))[:-1]
    slots = np.searchsorted(edges, (np.arange(_SLOTS) + 0.5) / _SLOTS, side="right")
    return points[slots]


def _strings(points: npt.NDArray[np.uint32], offsets: IntArray) -> pa.Array:
    """Cut a flat array of code points into strings."""
    if not points.size or points.max() < 128:
        data = pa.py_buffer(points.astype(np.uint8).tobytes())
    else:
        data = pa.py_buffer(points.tobytes().decode("utf-32-le").encode("utf-8"))
        # bytes of each character in UTF-8, which Arrow's offsets count
        lengths = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        offsets = ends[offsets]
    count = len(offsets) - 1
    return pa.LargeStringArray.from_buffers(
        count, pa.py_buffer(offsets.astype(np.int64).tobytes()), data
    ).cast(pa.string())


@dataclass
class Fixed:
    """Strings of one length, piece by piece.

    A piece is one position with the characters that may stand there, or a whole word or
    number, where entities share nearly all that stand there.

    Attributes
    ----------
    pieces : list of (list of str, list of float)
        Of each piece the strings, all of one length, and their weights.
    """

    pieces: list[Piece]
    _tables: list[npt.NDArray[np.uint32]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._tables = [_lookup(strings, weights) for strings, weights in self.pieces]

    @property
    def width(self) -> int:
        """Characters of each string."""
        return sum(table.shape[1] for table in self._tables)

    @property
    def example(self) -> str:
        """One of the strings."""
        return "".join(strings[0] for strings, _ in self.pieces)

    @classmethod
    def learn(cls, shape: str, value_counts: ValueCounts, k: int, scale: float = 0.0) -> Fixed:
        """Learn from the texts of one shape.

        Where nearly all strings that could be made are real and rare, characters are let
        free from the right, and then added.

        Parameters
        ----------
        shape : str
            What :func:`shape_of` gives for all the texts.
        value_counts : ValueCounts
            Of the texts.
        k : int
            A character, word or number of fewer entities is not used at its place; where there is
            none, all of its class are.
        scale : float
            How many times as many rare texts there are as in `value_counts`.
        """
        texts = value_counts.values.to_pylist()
        # (texts, characters): a view of NumPy's texts of fixed width, without a loop
        matrix = np.array(texts, dtype=f"<U{len(shape)}").view("<U1").reshape(len(texts), -1)
        rows = np.arange(len(texts))
        pieces: list[Piece] = []
        for found in _SPAN.finditer(shape):
            start, end = found.span()
            if shape[start] not in CLASSES:
                pieces.append(([shape[start]], [1.0]))
                continue
            span = _shared_spans([text[start:end] for text in texts], value_counts, k)
            pieces += (
                [span]
                if span
                else [
                    alphabet_of(matrix[:, at], rows, value_counts, k, shape[at])
                    for at in range(start, end)
                ]
            )
        rare = scale * (value_counts.holders < k).sum()
        return cls(_with_room(pieces, rare / _FULL))

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` strings."""
        points = np.empty((size, self.width), dtype=np.uint32)
        start = 0
        for table in self._tables:
            end = start + table.shape[1]
            if len(table) == 1:
                points[:, start:end] = table
            else:
                points[:, start:end] = table[rng.integers(0, _SLOTS, size, dtype=np.uint16)]
            start = end
        return _strings(points.ravel(), np.arange(size + 1) * self.width)


def _with_room(pieces: list[Piece], room: float) -> list[Piece]:
    """Let digits be free, then letters, the last ones first, until there is room.

    Where even the free shape is full, it gets longer: a shape that no real text has. Where there
    are digits, these do, and a word that all texts have stays: after "Product 99" comes
    "Product 100".
    """
    pieces = list(pieces)
    numbered = any(set(shape_of(strings[0])) == {DIGIT} for strings, _ in pieces)
    for kinds in (DIGIT, "".join(CLASSES)):
        for at in range(len(pieces) - 1, -1, -1):
            if _capacity(pieces) > room:
                return pieces
            strings, shape = pieces[at][0], shape_of(pieces[at][0][0])
            kept = numbered and len(strings) == 1 and len(shape) >= _WORD and shape[0] != DIGIT
            if set(shape) <= set(kinds) and not kept:
                letters = [list(CLASSES[kind]) for kind in shape]
                pieces[at : at + 1] = [(each, [1.0] * len(each)) for each in letters]
    shapes = [shape_of(strings[0]) for strings, _ in pieces]
    kind = next((s for s in reversed(shapes) if s in CLASSES), DIGIT)
    end = len(pieces)
    if numbered:
        kind, end = DIGIT, max(at for at, shape in enumerate(shapes) if shape == DIGIT) + 1
    while _capacity(pieces) <= room:
        pieces.insert(end, (list(CLASSES[kind]), [1.0] * len(CLASSES[kind])))
    return pieces


def _capacity(pieces: list[Piece]) -> int:
    return prod(len(strings) for strings, _ in pieces)


def _shared_spans(spans: Sequence[str], value_counts: ValueCounts, k: int) -> Optional[Piece]:
    """Return the spans that `k` entities share, if they are few and nearly all."""
    part = value_counts.derive(pa.array(spans, type=pa.string()), np.arange(len(spans)), k)
    kept = part.take(np.flatnonzero(part.holders >= k))
    if not 0 < len(kept) <= _MAX_SPANS or kept.counts.sum() < _SHARED * part.counts.sum():
        return None
    order = np.argsort(kept.values.to_numpy(zero_copy_only=False))
    kept = kept.take(order)
    return kept.values.to_pylist(), [float(count) for count in kept.counts]
