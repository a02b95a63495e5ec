"""Made-up text is like the real one, and never a real text that few entities share."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pytest

from synthohive.core.data.avoid import Avoided
from synthohive.core.data.base import EncoderSettings
from synthohive.core.data.canonical import hash64
from synthohive.core.data.tally import Tally
from synthohive.core.data.text import Text
from synthohive.schema import Column
from tests.contracts.column_transform import SEED, stream

ROWS = 2_000
SUBJECTS = ("The quality", "Delivery", "My wife", "This colour", "The battery")
VERBS = ("is", "was", "looks", "seems")
ENDS = ("great.", "worth every penny!", "too small for me.", "exactly as described.")


def sentence(rng: np.random.Generator) -> str:
    parts = (SUBJECTS, VERBS, ENDS)
    return " ".join(part[int(rng.integers(len(part)))] for part in parts)


def reviews(rows: int = ROWS) -> list[str]:
    rng = stream(7)
    return ["\n".join(sentence(rng) for _ in range(int(rng.integers(1, 5)))) for _ in range(rows)]


def fitted(texts: list[Any], entities: Any = None, **more: Any) -> Text:
    transform = Text(Column(name="t", kind="text", **more), EncoderSettings())
    values = pa.array(texts, type=pa.string())
    return transform.fit(transform.analyze(values, entities), SEED)


def made_up(transform: Text, texts: list[Any], seed: int = 3) -> list[str]:
    values = pa.array(texts, type=pa.string())
    codes, floats = transform.encode(values, stream(seed))
    made: list[str] = transform.decode(codes, floats, stream(seed + 1)).to_pylist()
    return made


def neighbours(texts: list[str]) -> Counter[tuple[str, str]]:
    words = [text.replace("\n", " \n ").split(" ") for text in texts]
    return Counter(pair for row in words for pair in zip(row, row[1:]))


def distance(one: Counter[Any], two: Counter[Any]) -> float:
    sums = sum(one.values()), sum(two.values())
    return sum(abs(one[x] / sums[0] - two[x] / sums[1]) for x in one | two) / 2


def rare(texts: list[str], k: int = 5) -> set[str]:
    return {text for text, count in Counter(texts).items() if count < k}


def test_words_follow_each_other_as_in_real_texts() -> None:
    texts = reviews()
    made = made_up(fitted(texts), texts)
    assert distance(neighbours(made), neighbours(texts)) < 0.08
    unknown = Counter({p: n for p, n in neighbours(made).items() if p not in neighbours(texts)})
    assert sum(unknown.values()) < 0.02 * sum(neighbours(made).values())


def test_lengths_are_those_of_the_rows() -> None:
    texts = reviews()
    made = made_up(fitted(texts), texts)
    lengths = np.array([[len(a), len(b)] for a, b in zip(texts, made)])
    assert np.corrcoef(lengths.T)[0, 1] > 0.95
    grid = np.arange(lengths.max())
    shares = [np.searchsorted(np.sort(part), grid, "right") / ROWS for part in lengths.T]
    assert np.abs(shares[0] - shares[1]).max() < 0.08


def test_lines_marks_and_capitals_are_kept() -> None:
    texts = reviews()
    made = made_up(fitted(texts), texts)
    lines = [line for text in made for line in text.split("\n")]
    assert np.mean([line[:1].isupper() for line in lines]) > 0.97
    counts = [Counter(text.count("\n") for text in part) for part in (texts, made)]
    assert distance(*counts) < 0.1
    ends = np.mean([text[-1] in ".!" for text in made])
    assert ends > 0.97


@pytest.mark.parametrize(
    "texts",
    [
        reviews(),
        [f"{'ABC'[i % 3]}{'XY'[i % 2]}-{i * 7 % 5000:04d}" for i in range(ROWS)],
        [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in range(10)],
        [f"v{i % 3}.{i % 17}.{i % 29}" for i in range(ROWS)],
        ["".join("abcd"[int(c)] for c in stream(i).integers(0, 4, 5)) for i in range(ROWS)],
    ],
    ids=["words", "shapes", "full", "versions", "letters"],
)
def test_no_rare_real_text_is_made(texts: list[str]) -> None:
    made = made_up(fitted(texts), texts)
    assert rare(texts)
    assert not rare(texts) & set(made)


def test_nor_one_of_those_that_are_only_counted() -> None:
    texts = [f"{i * 7919 % 100_000:05d}" for i in range(12_000)]
    transform = Text(Column(name="t", kind="text"), EncoderSettings())
    parts = [transform.analyze(pa.array(part), None) for part in (texts[:11_000], texts[11_000:])]
    whole = transform.analyze(pa.array(texts), None)
    for summary in (whole, transform.merge(parts)):
        transform.fit(json.loads(json.dumps(summary)), SEED)
        assert not set(texts) & set(made_up(transform, texts))


def test_what_one_entity_repeats_is_rare() -> None:
    secret = "My wife Xanthippe is Quillfeather too."
    texts = reviews() + [secret] * 50
    entities = np.append(np.arange(ROWS), np.full(50, ROWS))
    transform = fitted(texts, entities)
    state = json.dumps(transform.to_state()[0])
    made = " ".join(made_up(transform, texts))
    for word in ("Xanthippe", "Quillfeather"):
        assert word not in state
        assert word not in made


def test_numbers_in_texts_are_made_up() -> None:
    texts = [f"Ask agent {i:05d} about invoice {i % 7}" for i in range(30_000, 30_000 + ROWS)]
    made = made_up(fitted(texts), texts)
    agents = [text.split(" ")[2] for text in made]
    assert all(len(agent) == 5 and agent.isdecimal() and agent[0] == "3" for agent in agents)
    assert len(set(agents)) > ROWS / 3
    assert {text.split(" ")[-1] for text in made} == set("0123456")


def test_words_inside_shapes_are_kept_whole() -> None:
    rng = stream()
    texts = [
        f"/var/{rng.choice(['logs', 'mail', 'temp'])}/{rng.integers(2018, 2025)}"
        f"/{rng.integers(1, 13):02d}/{rng.integers(1000, 9999)}.csv"
        for _ in range(ROWS)
    ]
    for text in made_up(fitted(texts), texts):
        _, var, folder, year, month, _ = text.split("/")
        assert (var, folder in ("logs", "mail", "temp")) == ("var", True)
        assert 2018 <= int(year) < 2025
        assert 1 <= int(month) <= 12


def test_state_stays_small_and_makes_the_same() -> None:
    texts = reviews()
    transform = fitted(texts)
    state, arrays = transform.to_state()
    text = json.dumps(state)
    assert len(text) < 300_000
    again = Text.from_state(transform.column, transform.settings, json.loads(text), arrays)
    assert made_up(again, texts) == made_up(transform, texts)


def test_parts_of_texts_are_counted_by_entity() -> None:
    values = pa.array(["a b", "b c"])
    tally = Tally(values, np.array([3, 1]), np.array([0, 0, 1]), np.array([7, 8, 7]))
    codes, rows = np.array([0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 1])
    assert tally.holders_of(codes, rows).tolist() == [2, 2, 1]
    alone = Tally(values, np.array([3, 1]))
    assert alone.holders_of(codes, rows).tolist() == [3, 4, 1]


@pytest.mark.parametrize("length", [None, 2])
def test_texts_to_avoid_are_rewritten(length: Optional[int]) -> None:
    real = [f"{a}{b}" for a in "ABCDEFGHIJKLM" for b in range(10)]
    avoided = Avoided.of(hash64(pa.array(real)), 5)
    made = avoided.rewritten(real, length, stream())
    assert not set(real) & set(made)
    assert length is None or max(map(len, made)) <= length
    full = [str(digit) for digit in range(10)]
    everything = Avoided.of(hash64(pa.array(full)), 5)
    assert set(everything.rewritten(full, 1, stream())) <= set(full)
