"""Texts put together from drawn ones: as many, as long, and as different as if all were drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthohive.encoding.sequences import Sequences
from synthohive.encoding.value_counts import ValueCounts
from tests.contracts.column_transform import stream

K = 5
ROWS = 20_000
FIRST = ["quickly", "the", "some", "furious", "bold"]
THEN = ["deposits", "packages", "requests", "accounts", "theodolites", "ideas"]
LAST = ["sleep", "wake", "haggle", "nag", "are", "use", "boost"]


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    """Return what was learned of sentences, one of which has a word of nobody else's."""
    rng = stream(1)
    texts = []
    for number in range(1_500):
        words = [
            rng.choice(kind) for _ in range(rng.integers(1, 4)) for kind in (FIRST, THEN, LAST)
        ]
        if number == 7:
            words[1] = "wolpertinger"
        texts.append(" ".join(words[: rng.integers(3, len(words) + 1)]))
    value_counts = ValueCounts.count(pa.array(texts), None, K)
    found = Sequences.learn(value_counts, K, stream(2), "words")
    assert found is not None
    return found


@dataclass
class Free:
    """Texts that were all drawn token by token, and their classes of length."""

    classes: np.ndarray
    texts: pa.Array


def free(sequences: Sequences, seed: int) -> Free:
    """Draw texts of whatever lengths."""
    low = np.zeros(2 * ROWS, dtype=np.int64)
    drawn, ended = sequences._draw(low, low + sequences.high[-1], stream(seed))
    classes = sequences._class_of(drawn, ended)
    kept = np.flatnonzero(classes >= 0)[:ROWS]
    texts = sequences._spell(drawn.tokens, drawn.owner, 2 * ROWS, stream(seed + 1))
    return Free(classes[kept], texts.take(pa.array(kept)))


@pytest.fixture(scope="module")
def drawn(sequences: Sequences) -> Free:
    """Return drawn texts."""
    return free(sequences, 20)


@pytest.fixture(scope="module")
def texts(sequences: Sequences, drawn: Free) -> pa.Array:
    """Return as many texts of each class, of which some are spliced."""
    assert len(drawn.classes) == ROWS
    return sequences.generate(drawn.classes, stream(4))


def pairs(texts: pa.Array) -> dict[tuple[str, str], float]:
    """Return the share of each pair of neighbouring words, ends included."""
    found: dict[tuple[str, str], int] = {}
    for text in texts.to_pylist():
        words = ["^", *text.split(" "), "$"]
        for pair in zip(words, words[1:]):
            found[pair] = found.get(pair, 0) + 1
    total = sum(found.values())
    return {pair: count / total for pair, count in found.items()}


def test_each_text_is_as_long_as_asked_for(
    sequences: Sequences, drawn: Free, texts: pa.Array
) -> None:
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    right = (sequences.low[drawn.classes] <= lengths) & (lengths <= sequences.high[drawn.classes])
    assert right.mean() > 0.999


def apart(texts: pa.Array, others: pa.Array) -> float:
    """Return how far the shares of neighbouring words are apart."""
    one, other = pairs(texts), pairs(others)
    return sum(abs(one.get(p, 0.0) - other.get(p, 0.0)) for p in set(one) | set(other)) / 2


def test_words_follow_each_other_as_in_drawn_texts(
    sequences: Sequences, drawn: Free, texts: pa.Array
) -> None:
    assert apart(texts, drawn.texts) < apart(free(sequences, 40).texts, drawn.texts) + 0.01


def test_texts_are_as_different_as_drawn_ones(drawn: Free, texts: pa.Array) -> None:
    assert pc.count_distinct(texts).as_py() > 0.9 * pc.count_distinct(drawn.texts).as_py()


def test_no_word_of_a_single_entity_is_in_any(texts: pa.Array) -> None:
    assert not pc.any(pc.match_substring(texts, "wolpertinger")).as_py()


def test_few_texts_are_drawn(sequences: Sequences) -> None:
    few = np.zeros(30, dtype=np.int64)
    assert len(sequences.generate(few, stream(8))) == 30
    assert len(sequences.generate(few[:0], stream(8))) == 0
