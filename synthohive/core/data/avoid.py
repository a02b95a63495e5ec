"""Real texts as hashes, so that none is made up again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.core.data.canonical import hash64, scramble
from synthohive.core.data.characters import CLASSES, shape_of

__all__ = ["Avoided"]

Hashes = npt.NDArray[np.uint64]

_BY_CHANCE = 0.02
_ATTEMPTS = 12
_SHORT, _LONGER = 4, 8
_TAIL = re.compile(r"(?:[^\W\d_]+|\d+)[\W_]*$")


@dataclass(frozen=True)
class Avoided:
    """Texts that must not be made, as hashes of few bits.

    A few percent of *all* texts are among them by chance, so that finding one here does
    not prove that it was real.
    """

    key: int
    size: int
    codes: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, hashes: Hashes, key: int) -> Avoided:
        """Keep what :func:`hash64` gave for the texts."""
        size = min(int(len(hashes) / _BY_CHANCE) + 1, 2**32)
        found = cls(key, size, np.empty(0, dtype=np.uint32))
        return cls(key, size, np.unique(found._codes(hashes)))

    def contains(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Tell which texts must not be made."""
        if not len(self.codes) or not len(texts):
            return np.zeros(len(texts), dtype=bool)
        codes = self._codes(hash64(texts))
        at = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.asarray(self.codes[at] == codes)

    def _codes(self, hashes: Hashes) -> npt.NDArray[np.uint32]:
        keyed = scramble(hashes ^ np.uint64(self.key))
        return (keyed % np.uint64(self.size)).astype(np.uint32)

    def rewritten(
        self, texts: list[str], length: Optional[int], rng: np.random.Generator
    ) -> list[str]:
        """Change texts until they may be made: the last word or number, all, then more.

        Where a text of `length` characters has no room left, it stays as it is.
        """
        made = list(texts)
        for attempt in range(_ATTEMPTS):
            left = np.flatnonzero(self.contains(pa.array(made, type=pa.string())))
            if not len(left):
                break
            for i in left:
                text = texts[i]
                if attempt >= _LONGER and len(text) < (length or len(text) + attempt):
                    text += "a" if text[-1:].isalpha() else "1"
                end = _TAIL.search(text) if attempt < _SHORT else None
                start = end.start() if end else 0
                made[i] = text[:start] + "".join(_other(char, rng) for char in text[start:])
        return made

    def to_state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the set as JSON and arrays."""
        return {"key": self.key, "size": self.size}, {"avoided": self.codes}

    @classmethod
    def from_state(cls, state: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Avoided:
        """Rebuild from :meth:`to_state`."""
        return cls(state["key"], state["size"], np.asarray(arrays["avoided"], dtype=np.uint32))


def _other(char: str, rng: np.random.Generator) -> str:
    letters = CLASSES.get(shape_of(char))
    return letters[int(rng.integers(len(letters)))] if letters else char
