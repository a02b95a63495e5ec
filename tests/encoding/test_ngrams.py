"""What follows runs of tokens: the shares that are stated are those that are drawn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.language import Language
from synthohive.encoding.ngrams import ROOT, Ngrams
from synthohive.encoding.value_counts import ValueCounts
from tests.contracts.column_transform import stream

SIZE = 4
START = SIZE + 1


@pytest.fixture(scope="module")
def ngrams() -> Ngrams:
    """Return the n-grams of texts in which a token often follows the one before the last."""
    rng = stream(2)
    texts = []
    for _ in range(300):
        tokens = rng.integers(0, SIZE, int(rng.integers(1, 9)))
        for i in range(2, len(tokens)):
            if rng.random() < 0.6:
                tokens[i] = (tokens[i - 2] + 1) % SIZE
        texts.append(tokens)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    value_counts = ValueCounts.count(pa.array([str(i) for i in range(len(texts))]), None, 5)
    return Ngrams.learn(np.concatenate(texts), rows, SIZE, 3, value_counts, 5)


def states(ngrams: Ngrams) -> list[int]:
    """Return all states: nothing, the start, and what one and two tokens lead to."""
    token = np.arange(SIZE)
    one = ngrams.alone(token)
    two = [ngrams.follow(np.full(SIZE, state), token) for state in (ngrams.start, *one)]
    return sorted({ROOT, ngrams.start, *one.tolist(), *np.concatenate(two).tolist()})


def drawn(ngrams: Ngrams, state: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw what follows a state, each in the longest state that tells, and what it leads to."""
    rng, token, after = stream(3), np.full(count, -1), np.full(count, -1)
    here, longer = np.full(count, state), np.full(count, -1)
    todo = np.arange(count)
    while len(todo):
        found, then, known = ngrams.draw(here[todo], rng)
        seen = (longer[todo] >= 0) & ngrams.find(np.maximum(longer[todo], 0), found)[1]
        take = known & ~seen
        token[todo[take]], after[todo[take]] = found[take], then[take]
        back = todo[~known]
        longer[back], here[back] = here[back], ngrams.shorter(here[back])
        todo = todo[~take]
    return token, after


def test_the_shares_in_a_state_sum_to_one(ngrams: Ngrams) -> None:
    found = ngrams.shares(np.array(states(ngrams)))
    assert len(found) > 10
    assert found.shape[1] == SIZE + 1
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-9)


def test_draws_follow_the_shares_and_lead_where_it_is_said(ngrams: Ngrams) -> None:
    for state in states(ngrams):
        token, after = drawn(ngrams, state, 20_000)
        shares = np.bincount(token, minlength=SIZE + 1) / len(token)
        assert np.abs(shares - ngrams.shares(np.array([state]))[0]).max() < 0.015
        told = token < SIZE
        assert np.array_equal(ngrams.follow(np.full(told.sum(), state), token[told]), after[told])


def test_where_no_two_tokens_are_known_to_follow_each_other_all_the_same_some_are_drawn() -> None:
    count, length = 40, 12
    rng = stream(5)
    texts = [rng.permutation(30)[:length] for _ in range(count)]
    rows = np.repeat(np.arange(count), length)
    value_counts = ValueCounts.count(pa.array([str(i) for i in range(count)]), None, 5)
    language = Language.learn(np.concatenate(texts), rows, np.arange(30) % 3, 3, value_counts, 5)
    assert (language.tokens.parent == ROOT).all()
    ones = np.ones(200, dtype=np.int64)
    drawn, _ = language.generate(np.ones(30, dtype=np.int64), ones, 9 * ones, stream(6))
    assert len(np.unique(drawn.tokens)) == 30
