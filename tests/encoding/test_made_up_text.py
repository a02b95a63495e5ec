"""Made-up text is like the real one, and tells nothing of texts that few entities share."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.json import Json
from synthohive.encoding.placeholders import Tokens
from synthohive.encoding.text import Text
from synthohive.encoding.value_counts import Held, ValueCounts
from synthohive.encoding.vocabulary import tokens_of
from synthohive.privacy.entities import Counting, Entities
from synthohive.schema import Column
from synthohive.texts.lists import words
from tests.contracts.column_transform import SEED, stream
from tests.packed import again, shown

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


def drawn(make: Callable[[np.random.Generator], str], part: int) -> list[str]:
    return [make(stream(part * 1_000_000 + i)) for i in range(ROWS)]


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: "\n".join(sentence(rng) for _ in range(int(rng.integers(1, 5)))),
        lambda rng: f"{'ABC'[rng.integers(3)]}{'XY'[rng.integers(2)]}-{rng.integers(10_000):04d}",
        lambda rng: f"v{rng.integers(3)}.{rng.integers(17)}.{rng.integers(29)}",
        lambda rng: f"{rng.integers(100_000):05d}",
        lambda rng: "".join("abcd"[int(c)] for c in rng.integers(0, 4, 5)),
    ],
    ids=["words", "shapes", "versions", "digits", "letters"],
)
def test_rare_real_texts_are_made_no_more_often_than_others(
    make: Callable[[np.random.Generator], str],
) -> None:
    """What is made up does not tell who was in the data: it falls on others as often."""
    members, others = drawn(make, 1), drawn(make, 2)
    transform = fitted(members)
    made = [text for seed in range(5) for text in made_up(transform, members, seed)]
    of_members = np.isin(made, list(rare(members) - set(others))).mean()
    of_others = np.isin(made, list(rare(others) - set(members))).mean()
    assert of_members <= 1.25 * of_others + 0.002


def test_a_full_shape_gets_longer() -> None:
    """Else every text that is made would be a rare real one."""
    texts = [f"{a}{b}" for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in range(10)]
    made = made_up(fitted(texts), texts)
    assert not set(texts) & set(made)
    assert {len(text) for text in made} == {3}


def test_what_is_stored_does_not_grow_with_the_rare_texts() -> None:
    """A checkpoint that could answer "was this text in the data?" has bits for each text."""
    sizes = []
    for rows in (2_000, 9_000):
        texts = [f"K-{i * 7919 % 100_000:05d}" for i in range(rows)]
        sizes.append(len(shown(fitted(texts))))
    assert sizes[1] < sizes[0] + 100


def test_what_one_entity_repeats_is_rare() -> None:
    secret = "My wife Xanthippe is Quillfeather too."
    texts = reviews() + [secret] * 50
    entities = Entities.over(np.append(np.arange(ROWS), np.full(50, ROWS)))
    transform = fitted(texts, entities)
    state = shown(transform)
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
    assert len(shown(transform)) < 300_000
    assert made_up(again(transform), texts) == made_up(transform, texts)


def test_parts_of_texts_are_counted_by_entity() -> None:
    values = pa.array(["a b", "b c"])
    held = Held(Counting(), np.array([0, 0, 1]), np.array([7, 8, 7]), np.array([0, 0]))
    value_counts = ValueCounts(values, np.array([3, 1]), (held,))
    codes, rows = np.array([0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 1])
    assert value_counts.holders_of(codes, rows).tolist() == [2, 2, 1]
    alone = ValueCounts(values, np.array([3, 1]))
    assert alone.holders_of(codes, rows).tolist() == [3, 4, 1]


FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y", "%d.%m.%Y %H:%M:%S",
         "%b %d, %Y", "%Y-%m-%dT%H:%M:%S.%f+00:00")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_times_in_json_are_times(form: str) -> None:
    rng = stream(11)
    real = [
        dt.datetime(1950, 1, 1) + dt.timedelta(seconds=int(s)) for s in rng.integers(0, 2**31, 500)
    ]
    texts = pa.array([json.dumps({"born": time.strftime(form), "n": 1}) for time in real])
    transform = Json(Column(name="j", kind="json"), EncoderSettings())
    transform = transform.fit(transform.analyze(texts, None), SEED)
    codes, values = transform.encode(texts, stream(12))
    made = [json.loads(t)["born"] for t in transform.decode(codes, values, stream(13)).to_pylist()]
    times = [dt.datetime.strptime(text, form) for text in made]  # no 36th of July
    assert min(real) < min(times)
    assert max(times) < max(real)
    assert len(set(made) & {time.strftime(form) for time in real}) < 30


@pytest.mark.parametrize("owners", [1, 3, 12])
@pytest.mark.parametrize("empty", [0, 7])
def test_few_texts_among_empty_ones_survive_their_state(empty: int, owners: int) -> None:
    few = ["2011-04-22", "test", "2011-02-20", "22:25", "2011-02-20 22:25"]
    values = pa.array([""] * empty + few)
    entities = Entities.over(np.arange(len(values)) % owners)
    column, settings = Column(name="t", kind="text"), EncoderSettings()
    transform = Text(column, settings)
    transform.fit(transform.analyze(values, entities), SEED)
    for one in (transform, again(transform)):
        codes, floats = one.encode(values, stream())
        made = one.decode(np.tile(codes, (50, 1)), np.tile(floats, (50, 1)), stream()).to_pylist()
        assert [text == "" for text in made] == [text == "" for text in values.to_pylist()] * 50


@pytest.mark.parametrize("in_order", [True, False])
def test_lists_whose_elements_never_repeat_are_sets(in_order: bool) -> None:
    rng, tags = np.random.default_rng(3), ["red", "green", "big", "small", "new", "old", "hot"]
    picks = [rng.choice(7, int(rng.integers(1, 5)), replace=False) for _ in range(400)]
    real = [[tags[i] for i in (sorted(p) if in_order else p)] for p in picks]
    transform = Json(Column(name="t", kind="json"), EncoderSettings(k=5))
    texts = pa.array([json.dumps(r) for r in real])
    transform.fit(transform.analyze(texts, None), np.random.SeedSequence(1))
    codes, values = transform.encode(texts, rng)
    made = [json.loads(t) for t in transform.decode(codes, values, rng).to_pylist()]
    assert all(len(set(m)) == len(m) for m in made)
    assert all(m == sorted(m, key=tags.index) for m in made) == in_order
    sizes = [np.bincount([len(m) for m in side], minlength=5) for side in (real, made)]
    assert np.abs(sizes[0] - sizes[1]).max() < 60


def test_a_word_that_all_texts_have_stays_where_numbers_are_used_up() -> None:
    """`Product 61` was `Wntdgkg 61`, and `product_9.jpg` was `product_9.qyg`."""
    for form, alike in (("Product {}", r"Product \d+"), ("new/item_{}.jpg", r"new/item_\d+\.jpg")):
        texts = [form.format(n) for n in range(1, 200)]
        made = made_up(fitted(texts), texts)
        assert all(re.fullmatch(alike, text) for text in made), made
        assert len(set(made)) > 150


def products(units: dict[str, int]) -> list[str]:
    """Return names of products: so many of each unit, each name once."""
    rng = stream(21)
    sorts = (
        "Kettlebell Dumbbell Bottle Rope Bench Towel Mat Band Shaker Vest Trainer Roller".split()
    )
    makes = "Pro Classic Active Home Studio Light Soft Plus".split()
    pairs = [(unit, n) for unit, often in units.items() for n in range(often)]
    return [
        f"{sorts[int(rng.integers(12))]} {makes[int(rng.integers(8))]} {n * 7 % 97 + 2}{unit}"
        for unit, n in pairs
    ]


@pytest.mark.parametrize("rows", [3, 20], ids=["rare", "shared"])
def test_a_number_keeps_a_unit(rows: int) -> None:
    """`Kettlebell 8kg` was `Code 35cabinet`."""
    real = dict.fromkeys(("kg", "cm", "ml", "h", "GB", "stk", "x"), rows)
    texts = products(real)
    lower = [text.lower() for text in texts]  # words without a blank before them, too
    for some in (texts, lower):
        behind = [re.search(r"\d([^\W\d_]+)", text) for text in made_up(fitted(some), some * 9)]
        found = {match[1] for match in behind if match is not None}
        known = {unit.lower() if some is lower else unit for unit in real} if rows == 20 else set()
        assert found <= {*known, *words("units")}, found
        assert len(found) > 2
        assert not any(re.search(r"[^\W\d_]\d", text) for text in made_up(fitted(some), some))


def test_codes_have_no_units() -> None:
    texts = [f"Order {n * 48_271 % 0xFFFFF:05x} sent" for n in range(1, 400)]
    made = [text.split(" ")[1] for text in made_up(fitted(texts), texts)]
    assert sum(len(code) == 5 for code in made) > 300
    assert Tokens.of(ValueCounts(pa.array(texts), np.ones(399, dtype=np.int64)),
                     [tokens_of(text) for text in texts]).units <= set("abcdef")  # fmt: skip
