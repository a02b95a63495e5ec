"""What texts of a column look like: a few clusters of patterns, each able to make up text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.characters import Fixed, Runs, runs_of, shape_of
from synthohive.core.data.tally import Tally
from synthohive.core.data.words import Words, is_running_text

__all__ = ["TextPatterns", "cut"]

Pattern = Union[Fixed, Runs, Words]
Ints = npt.NDArray[np.int64]

_KINDS: dict[str, Any] = {"fixed": Fixed, "runs": Runs, "words": Words}
_MAX_PATTERNS = 8
_MIN_SHARE = 0.02
_MAX_FIXED = 200
_MAX_RUNS = 16
EMPTY, WORDS, OTHER = "empty", "words", "other"


class TextPatterns:
    """Clusters of texts by pattern.

    Attributes
    ----------
    keys : list of str
        Of each cluster: the shape or the runs that its texts have, prefixed by
        ``"="`` or ``"~"``; or ``"empty"``, ``"words"`` or ``"other"``.
    patterns : list
        What makes up the texts of each cluster; None for the empty text.
    weights : ndarray of float64
        Number of rows of each cluster.
    """

    def __init__(
        self, keys: list[str], patterns: list[Optional[Pattern]], weights: npt.NDArray[np.float64]
    ) -> None:
        self.keys = keys
        self.patterns = patterns
        self.weights = weights
        self._index = {key: i for i, key in enumerate(keys)}
        self._like = _fixed_by_runs(keys)

    @classmethod
    def learn(cls, tally: Tally, k: int, seed: np.random.SeedSequence) -> TextPatterns:
        """Learn from distinct texts."""
        rng = np.random.Generator(np.random.Philox(seed))
        texts = tally.values.to_pylist()
        groups: dict[str, list[int]] = {}
        empty = [i for i, t in enumerate(texts) if t == ""]
        left = [i for i, t in enumerate(texts) if t != ""]
        if empty:
            groups[EMPTY] = empty
        found: dict[str, Pattern] = {}
        running = [i for i in left if is_running_text(texts[i])]
        words = Words.learn(tally.take(np.array(running)), k, rng) if running else None
        if words is not None:
            groups[WORDS], found[WORDS] = running, words
            taken = set(running)
            left = [i for i in left if i not in taken]
        for prefix in "=~":
            frequent = _frequent(((_key(texts[i], prefix), i) for i in left), tally, k)
            for key, members in frequent.items():
                part = tally.take(np.array(members))
                learn = Fixed.learn if prefix == "=" else Runs.learn
                groups[key], found[key] = members, learn(key[1:], part, k)
            taken = {i for members in frequent.values() for i in members}
            left = [i for i in left if i not in taken]
        like = _fixed_by_runs(list(groups))
        left = [i for i in left if runs_of(shape_of(texts[i])) not in like]
        if left or not groups:
            groups[OTHER] = left
            found[OTHER] = Runs.any_text(tally.take(np.array(left, dtype=np.int64)), k)
        mass = [float(tally.counts[members].sum()) for members in groups.values()]
        return cls(list(groups), [found.get(key) for key in groups], np.array(mass))

    def __len__(self) -> int:
        return len(self.keys)

    def assign(self, texts: Iterable[str]) -> Ints:
        """Return the cluster of each text; -1 where none fits."""
        return np.fromiter(map(self._assign, texts), dtype=np.int64)

    def _assign(self, text: str) -> int:
        if text == "":
            return self._index.get(EMPTY, -1)
        if WORDS in self._index and is_running_text(text):
            return self._index[WORDS]
        shape = shape_of(text)
        if (found := self._index.get(f"={shape}")) is not None:
            return found
        runs = runs_of(shape)
        if (found := self._index.get(f"~{runs}", self._like.get(runs))) is not None:
            return found
        return self._index.get(OTHER, -1)

    def generate(self, clusters: Ints, rng: np.random.Generator) -> pa.Array:
        """Make up one text of each of the clusters."""
        order = np.argsort(clusters, kind="stable")
        sizes = np.bincount(clusters, minlength=len(self))
        parts = [
            pattern.generate(int(size), rng)
            if pattern is not None
            else pa.array([""] * int(size), type=pa.string())
            for pattern, size in zip(self.patterns, sizes)
            if size
        ]
        if not parts:
            return pa.array([], type=pa.string())
        rank = np.empty(len(clusters), dtype=np.int64)
        rank[order] = np.arange(len(clusters))
        return parts[0] if len(parts) == 1 else pa.concat_arrays(parts).take(pa.array(rank))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        patterns = [None if p is None else p.to_dict() for p in self.patterns]
        return {"keys": self.keys, "patterns": patterns, "weights": self.weights.tolist()}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> TextPatterns:
        """Rebuild from :meth:`to_dict`."""
        patterns = [
            None if p is None else _KINDS[p["kind"]].from_dict(p) for p in state["patterns"]
        ]
        return cls(state["keys"], patterns, np.asarray(state["weights"], dtype=np.float64))


def _fixed_by_runs(keys: list[str]) -> dict[str, int]:
    """Return for runs the most frequent fixed shape that has them.

    Rarer texts of the same runs count as texts of that shape.
    """
    found: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key.startswith("="):
            found.setdefault(runs_of(key[1:]), index)
    return found


def _key(text: str, prefix: str) -> str:
    shape = shape_of(text)
    return prefix + (shape if prefix == "=" else runs_of(shape))


def _frequent(keyed: Iterable[tuple[str, int]], tally: Tally, k: int) -> dict[str, list[int]]:
    """Return the patterns that enough texts, and at least `k` entities, have."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for key, index in keyed:
        members[key].append(index)
    least = _MIN_SHARE * tally.counts.sum()
    mass = {key: int(tally.counts[index].sum()) for key, index in members.items()}
    found: dict[str, list[int]] = {}
    for key in sorted(members, key=lambda m: (-mass[m], m)):
        if mass[key] < least or len(found) == _MAX_PATTERNS:
            break
        size = _MAX_FIXED if key[0] == "=" else _MAX_RUNS
        if len(key) <= size and _entities(tally, members[key]) >= k:
            found[key] = members[key]
    return found


def _entities(tally: Tally, index: list[int]) -> int:
    part = tally.take(np.array(index))
    return int(part.counts.sum()) if part.entity is None else len(np.unique(part.entity))


def cut(texts: pa.Array, length: Optional[int]) -> pa.Array:
    """Shorten texts to what the column can hold."""
    if length is None or not len(texts):
        return texts
    longest = pc.max(pc.utf8_length(texts)).as_py()
    if longest is None or longest <= length:
        return texts
    return pc.utf8_slice_codeunits(texts, 0, length)
