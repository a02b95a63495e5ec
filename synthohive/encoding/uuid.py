"""UUIDs: random ones, of version 4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive.encoding.base import Summary
from synthohive.encoding.coded import CodedTransform
from synthohive.texts.check_digits import from_codes

__all__ = ["Uuid", "random_uuids"]

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_DASHES = [8, 13, 18, 23]
_WIDTH = 36


def random_uuids(size: int, rng: np.random.Generator) -> pa.Array:
    """Return `size` random UUIDs as text."""
    raw = rng.integers(0, 256, (size, 16), dtype=np.uint8)
    # the bits that say version 4 and variant 1 (RFC 9562)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    chars = np.full((size, _WIDTH), ord("-"), dtype=np.uint8)
    places = np.setdiff1d(np.arange(_WIDTH), _DASHES)
    chars[:, places[0::2]] = _HEX[raw >> 4]
    chars[:, places[1::2]] = _HEX[raw & 0x0F]
    return from_codes(chars)


@dataclass(eq=False)
class Uuid(CodedTransform):
    """Only whether a row has a UUID is modelled.

    Examples
    --------
    >>> from synthohive import Column
    >>> from synthohive.encoding.base import EncoderSettings
    >>> transform = Uuid(Column(name="token", kind="uuid"), EncoderSettings())
    >>> transform.layout
    Layout(discrete=(), continuous=())
    """

    name = "uuid"

    share_: float = 0.0

    def features(self, plain: pa.Array) -> dict[str, pa.Array]:
        """Count nothing but the NULLs."""
        return {}

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Uuid:
        """Learn the share of NULLs."""
        self.null_ = summary.nulls > 0
        self.share_ = summary.nulls / max(summary.rows, 1)
        return self

    @property
    def withheld(self) -> float:
        """All: no real UUID comes out."""
        return 1.0

    @property
    def size(self) -> int:
        """One: a UUID; none where all are NULL."""
        return int(self.share_ < 1)

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return random UUIDs."""
        return random_uuids(len(codes), rng)
