"""Made-up strings from learned shapes: fixed templates and runs of characters."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.draw import categorical, proportions
from synthohive.core.data.tally import Tally

__all__ = ["CLASSES", "Fixed", "Runs", "alphabet_of", "runs_of", "shape_of"]

Ints = npt.NDArray[np.int64]
Piece = tuple[Any, ...]

# stand-ins in a shape: private-use characters, so that real text cannot be taken for one
UPPER, LOWER, DIGIT, LETTER = "\ue000", "\ue001", "\ue002", "\ue003"
CLASSES = {
    UPPER: string.ascii_uppercase,
    LOWER: string.ascii_lowercase,
    DIGIT: string.digits,
    LETTER: "".join(map(chr, range(0x4E00, 0x4E40))),
}
_SLOTS = 4096
_SHARED = 0.9
_RUN = re.compile(f"([{''.join(CLASSES)}])\\1*")


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


def runs_of(shape: str) -> str:
    """Return the shape with every run of one class shortened to one character."""
    return _RUN.sub(r"\1", shape)


def alphabet_of(
    chars: npt.NDArray[np.str_], row: Ints, tally: Tally, k: int, kind: str
) -> tuple[str, list[float]]:
    """Return the characters that `k` entities share, with their frequencies.

    Parameters
    ----------
    chars : ndarray of str
        Single characters.
    row : ndarray of int64
        For each, the index in `tally` of the text that it comes from.
    tally : Tally
    k : int
    kind : str
        The class that stands in where no character is shared.
    """
    distinct, codes = np.unique(chars, return_inverse=True)
    weights = np.bincount(codes, weights=tally.counts[row], minlength=len(distinct))
    if tally.owner is None or tally.entity is None:
        holders = weights
    else:
        position, entity = tally.pairs(row)
        pairs = np.unique(np.stack([codes[position], entity]), axis=1)
        holders = np.bincount(pairs[0], minlength=len(distinct))
    keep = holders >= k
    if not keep.any():
        letters = CLASSES.get(kind, string.ascii_lowercase)
        return letters, [1.0] * len(letters)
    return "".join(distinct[keep]), [float(w) for w in weights[keep]]


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _lookup(letters: str, weights: Sequence[float]) -> npt.NDArray[np.uint32]:
    """Return a table in which each character fills its share of the slots."""
    edges = np.cumsum(proportions(weights))[:-1]
    slots = np.searchsorted(edges, (np.arange(_SLOTS) + 0.5) / _SLOTS, side="right")
    return _code_points(letters)[slots]


def _strings(points: npt.NDArray[np.uint32], offsets: Ints) -> pa.Array:
    """Cut a flat array of code points into strings."""
    if not points.size or points.max() < 128:
        data = pa.py_buffer(points.astype(np.uint8).tobytes())
    else:
        data = pa.py_buffer(points.tobytes().decode("utf-32-le").encode("utf-8"))
        lengths = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        offsets = ends[offsets]
    count = len(offsets) - 1
    return pa.LargeStringArray.from_buffers(
        count, pa.py_buffer(offsets.astype(np.int64).tobytes()), data
    ).cast(pa.string())


@dataclass
class Fixed:
    """Strings of one length: per position the characters that may stand there."""

    positions: list[tuple[str, list[float]]]
    _tables: npt.NDArray[np.uint32] = field(init=False, repr=False)
    _open: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tables = [_lookup(letters, weights) for letters, weights in self.positions]
        self._open = np.flatnonzero([len(letters) > 1 for letters, _ in self.positions])
        self._tables = np.stack(tables)

    @classmethod
    def learn(cls, shape: str, tally: Tally, k: int) -> Fixed:
        """Learn from the texts of one shape."""
        texts = tally.values.to_pylist()
        matrix = np.array(texts, dtype=f"<U{len(shape)}").view("<U1").reshape(len(texts), -1)
        rows = np.arange(len(texts))
        positions = [
            alphabet_of(matrix[:, at], rows, tally, k, kind) if kind in CLASSES else (kind, [1.0])
            for at, kind in enumerate(shape)
        ]
        return cls(positions)

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` strings."""
        width = len(self.positions)
        points = np.tile(self._tables[:, 0], (size, 1))
        if len(self._open):
            slots = rng.integers(0, _SLOTS, (size, len(self._open)), dtype=np.uint16)
            points[:, self._open] = self._tables.ravel()[slots + self._open * _SLOTS]
        return _strings(points.ravel(), np.arange(size + 1) * width)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"kind": "fixed", "positions": [list(p) for p in self.positions]}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Fixed:
        """Rebuild from :meth:`to_dict`."""
        return cls([(letters, weights) for letters, weights in state["positions"]])


@dataclass
class Runs:
    """Strings of literal pieces and of runs whose length varies.

    Each piece is ``(characters, their weights, lengths, their weights)``; a piece whose
    spans are mostly shared, like a domain name, is ``(spans, their weights)`` instead.
    """

    pieces: list[Piece]

    @classmethod
    def learn(cls, runs: str, tally: Tally, k: int) -> Runs:
        """Learn from texts whose shapes have the same runs."""
        texts = tally.values.to_pylist()
        spans: list[list[str]] = [[] for _ in runs]
        for text in texts:
            shape, start = shape_of(text), 0
            for at, kind in enumerate(runs):
                end = start + 1
                while kind in CLASSES and end < len(shape) and shape[end] == kind:
                    end += 1
                spans[at].append(text[start:end])
                start = end
        return cls(
            [
                _shared_spans(span, tally, k) or _piece(span, tally, k, kind)
                for kind, span in zip(runs, spans)
            ]
        )

    @classmethod
    def any_text(cls, tally: Tally, k: int) -> Runs:
        """Learn only lengths and characters."""
        return cls([_piece(tally.values.to_pylist(), tally, k, LOWER)])

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` strings."""
        parts: list[Any] = []
        for piece in self.pieces:
            if len(piece) == 2:
                spans = pa.array(piece[0], type=pa.string())
                parts.append(spans.take(pa.array(categorical(piece[1], size, rng))))
                continue
            letters, weights, lengths, shares = piece
            sizes = np.asarray(lengths)[categorical(shares, size, rng)]
            offsets = np.concatenate([[0], np.cumsum(sizes)])
            slots = rng.integers(0, _SLOTS, offsets[-1], dtype=np.uint16)
            parts.append(_strings(_lookup(letters, weights)[slots], offsets))
        if len(parts) == 1:
            return parts[0]
        return pc.binary_join_element_wise(*parts, pa.scalar(""))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"kind": "runs", "pieces": [list(p) for p in self.pieces]}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Runs:
        """Rebuild from :meth:`to_dict`."""
        return cls([tuple(piece) for piece in state["pieces"]])


def _shared_spans(spans: Sequence[str], tally: Tally, k: int) -> Optional[Piece]:
    """Return the spans that `k` entities share, if they are nearly all."""
    part = tally.derive(pa.array(spans, type=pa.string()), np.arange(len(spans)), k)
    kept = part.take(np.flatnonzero(part.holders >= k))
    if not len(kept) or kept.counts.sum() < _SHARED * part.counts.sum():
        return None
    return kept.values.to_pylist(), kept.counts.tolist()


def _piece(spans: Sequence[str], tally: Tally, k: int, kind: str) -> Piece:
    sizes = np.array([len(s) for s in spans], dtype=np.int64)
    chars = np.array(list("".join(spans)), dtype="<U1")
    letters, weights = alphabet_of(chars, np.repeat(np.arange(len(spans)), sizes), tally, k, kind)
    lengths, codes = np.unique(sizes, return_inverse=True)
    shares = np.bincount(codes, weights=tally.counts)
    keep = shares >= k
    if not keep.any():
        return letters, weights, [int(np.median(sizes)) if len(sizes) else 8], [1.0]
    return letters, weights, lengths[keep].tolist(), shares[keep].tolist()
