"""A set of keyed hashes of real values, so that no made-up value equals a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthohive.privacy.counter import U64

__all__ = ["HashedSet"]

_FALSE_POSITIVES = 0.03


@dataclass(frozen=True)
class HashedSet:
    """Real values as keyed hashes reduced to few bits.

    A few percent of *all* possible values are in the set by chance. So whoever holds a
    checkpoint and tries every phone number finds millions of them, and cannot tell which
    few were real.
    """

    key: str
    size: int
    codes: U64

    @classmethod
    def of(cls, values: Any, key: int, false_positives: float = _FALSE_POSITIVES) -> HashedSet:
        """Hash the non-null `values`, an Arrow array."""
        text = f"{key & (1 << 64) - 1:016x}"
        hashes = _hash(values.drop_null(), text)
        size = max(1, int(len(np.unique(hashes)) / false_positives))
        return cls(text, size, np.unique(hashes % np.uint64(size)))

    def __contains__(self, value: object) -> bool:
        return bool(self.contains(pa.array([value], pa.string()))[0])

    def contains(self, values: Any) -> NDArray[np.bool_]:
        """Tell for each value whether it may be a real one."""
        if not len(self.codes):
            return np.zeros(len(values), bool)
        codes = _hash(values, self.key) % np.uint64(self.size)
        place = np.searchsorted(self.codes, codes)
        found = self.codes[np.minimum(place, len(self.codes) - 1)] == codes
        return np.asarray(found, bool)

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the set as JSON and arrays."""
        return {"key": self.key, "size": self.size}, {"codes": self.codes}

    @classmethod
    def from_state(cls, state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> HashedSet:
        """Return the set that gave `state` and `arrays`."""
        return cls(state["key"], state["size"], np.asarray(arrays["codes"], np.uint64))


def _hash(values: Any, key: str) -> U64:
    from pandas.util import hash_array

    if not len(values):
        return np.zeros(0, np.uint64)
    text = values if pa.types.is_string(values.type) else values.cast(pa.string())
    objects = (
        np.asarray(text.to_numpy(zero_copy_only=False), dtype=object)
        if isinstance(text, pa.Array)
        else np.asarray(text.to_numpy(), dtype=object)
    )
    return np.asarray(hash_array(objects, hash_key=key, categorize=False), np.uint64)
