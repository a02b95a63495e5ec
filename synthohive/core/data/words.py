"""Made-up running text from words that many entities share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.core.data.characters import alphabet_of
from synthohive.core.data.draw import categorical
from synthohive.core.data.tally import Tally

__all__ = ["Words", "is_running_text"]

_MAX_VOCABULARY = 5_000
_MIN_COVERED = 0.5
_MADE_UP = 100
_MIN_WORDS = 2


def is_running_text(text: str) -> bool:
    """Tell whether a text has at least two words of letters.

    Examples
    --------
    >>> is_running_text("to be"), is_running_text("A-17 b")
    (True, False)
    """
    found = 0
    for word in text.split(" "):
        found += word.rstrip(".,;:!?").isalpha()
        if found >= _MIN_WORDS:
            return True
    return False


@dataclass
class Words:
    """A vocabulary with frequencies, and the number of words per text."""

    vocabulary: list[str]
    weights: list[float]
    sizes: list[int]
    shares: list[float]

    @classmethod
    def learn(cls, tally: Tally, k: int, rng: np.random.Generator) -> Optional[Words]:
        """Learn from running texts; None where too few of their words are shared.

        Words that fewer than `k` entities use are replaced by made-up ones.
        """
        texts = tally.values.to_pylist()
        split = [t.split(" ") for t in texts]
        sizes = np.array([len(words) for words in split], dtype=np.int64)
        flat = [word for words in split for word in words]
        rows = np.repeat(np.arange(len(texts)), sizes)
        uses: Counter[str] = Counter()
        for word, count in zip(flat, tally.counts[rows].tolist()):
            uses[word] += count
        shared = _shared(flat, rows, tally, k)
        kept = sorted(shared, key=lambda w: (-uses[w], w))[:_MAX_VOCABULARY]
        total, covered = sum(uses.values()), sum(uses[w] for w in kept)
        if not total or covered < _MIN_COVERED * total:
            return None
        weights = [float(uses[w]) for w in kept]
        chars = np.array(list("".join(flat)), dtype="<U1")
        alphabet = alphabet_of(chars, np.repeat(rows, [len(w) for w in flat]), tally, k, "")
        made_up = _made_up([w for w in uses if w not in shared], alphabet, rng)
        weights += [float(total - covered) / len(made_up)] * len(made_up) if made_up else []
        counts = np.bincount(sizes, weights=tally.counts)
        keep = np.flatnonzero(counts >= k)
        if not len(keep):
            keep = np.array([int(np.median(sizes))])
        shares = np.maximum(counts[keep], 1.0).tolist()
        return cls(kept + made_up, weights, keep.tolist(), shares)

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` texts."""
        sizes = np.asarray(self.sizes)[categorical(self.shares, size, rng)]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        drawn = categorical(self.weights, int(offsets[-1]), rng)
        words = pa.array(self.vocabulary, type=pa.large_string()).take(pa.array(drawn))
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), words)
        return pc.binary_join(lists, pa.scalar(" ", pa.large_string())).cast(pa.string())

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "kind": "words",
            "vocabulary": self.vocabulary,
            "weights": self.weights,
            "sizes": self.sizes,
            "shares": self.shares,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Words:
        """Rebuild from :meth:`to_dict`."""
        return cls(state["vocabulary"], state["weights"], state["sizes"], state["shares"])


def _shared(flat: list[str], rows: Any, tally: Tally, k: int) -> set[str]:
    """Return the words that at least `k` entities use."""
    entities: dict[str, set[int]] = {}
    owned: list[list[int]] = [[] for _ in range(len(tally))]
    counts: Counter[str] = Counter()
    if tally.owner is None or tally.entity is None:
        for word, row in dict.fromkeys(zip(flat, rows.tolist())):
            counts[word] += int(tally.counts[row])
        return {w for w, n in counts.items() if n >= k}
    for owner, entity in zip(tally.owner.tolist(), tally.entity.tolist()):
        owned[owner].append(entity)
    for word, row in zip(flat, rows.tolist()):
        holders = entities.setdefault(word, set())
        if len(holders) < k:
            holders.update(owned[row])
    return {w for w, holders in entities.items() if len(holders) >= k}


def _made_up(
    rare: list[str], alphabet: tuple[str, list[float]], rng: np.random.Generator
) -> list[str]:
    """Return random words that are as long as the rare ones and none of them."""
    if not rare:
        return []
    letters, weights = alphabet
    picks = rng.integers(0, len(rare), _MADE_UP)
    words = [
        "".join(letters[i] for i in categorical(weights, len(rare[pick]), rng)) for pick in picks
    ]
    real = set(rare)
    return sorted({w for w in words if w and w not in real})
