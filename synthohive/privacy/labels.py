"""Whether a column that is called like a key to someone holds names of someone, or labels.

What it holds counts before what it is called: `votedBy` may be a committee, `citizen` a country
and `awardID` a prize. Labels are few, each stands in many rows, and they are words.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.privacy.content import are_companies
from synthohive.privacy.names import fold, is_name, known_names
from synthohive.privacy.places import territory_of
from synthohive.privacy.subjects import is_about_things, is_key_name, names_persons, words_of
from synthohive.privacy.vocabulary import are_things, names_someone, names_thing

__all__ = ["may_be_key"]

MOST_CODES, MOST_LABELS = 20, 40
"""Codes of a few letters, and labels in words, that are no keys."""
LABEL_ROWS = 20
"""Rows of each on average."""
WORDED = 0.5
"""Share of the labels with a word that names a thing, and nobody."""
_NUMBER = re.compile(r"\w*\d\w*")
_YEAR = re.compile(r"(1[6-9]|20)\d\d")


def may_be_key(column: str, values: pa.ChunkedArray, *, owned: bool = False) -> bool:
    """Whether a column may be a key to persons, or to anything unknown, but holds no labels.

    Parameters
    ----------
    column : str
    values : pyarrow.ChunkedArray
    owned : bool
        The rows belong to someone over a key: what is shown of labels is shared by many of these,
        so that less has to be known of them.

    Examples
    --------
    >>> voted = pa.chunked_array([["Final Ballot", "Old Timers"] * 30])
    >>> may_be_key("votedBy", voted, owned=True), may_be_key("votedBy", voted)
    (False, True)
    >>> may_be_key("votedBy", pa.chunked_array([["Anna Berg", "jsmith"] * 30]), owned=True)
    True
    """
    if not is_key_name(column):
        return False
    texts = _few_texts(values)
    if not texts:
        return True
    if not names_persons(column):
        return not (_are_codes(texts) or (owned and (are_things(texts) or _are_worded(texts))))
    if words_of(column)[-1] == "by":
        return not (are_things(texts) or (owned and _are_worded(texts)))
    # a customer or a supplier may be called like any thing, but not like a country
    return not all(map(territory_of, texts))


def _few_texts(values: pa.ChunkedArray) -> list[str]:
    """Return the distinct texts of a column in which each stands in many rows; else none."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return []
    distinct = pc.drop_null(pc.unique(values))
    most = min(MOST_LABELS, (len(values) - values.null_count) // LABEL_ROWS)
    return [str(text) for text in distinct.to_pylist()] if len(distinct) <= most else []


def _are_codes(texts: list[str]) -> bool:
    """Whether texts are codes of one to three letters, like leagues: AL, NL.

    They would be a path of few entities, all of whom have to share what is shown.
    """
    short = all(len(text) <= 3 and text.isascii() and text.isalpha() for text in texts)
    return short and len(texts) <= MOST_CODES


def _are_worded(texts: list[str]) -> bool:
    """Whether texts are written in words for things, and none may be a person or a firm."""
    if any("@" in text for text in texts) or _are_told_by_numbers(texts):
        return False
    unknown = [text for text in texts if not (names_thing(text) or is_about_things(text))]
    if len(unknown) > (1.0 - WORDED) * len(texts) or any(map(_may_be_login, unknown)):
        return False
    # an award may be called after somebody
    named = ((is_name(text) or names_someone(text)) and not is_about_things(text) for text in texts)
    return not any(named) and not are_companies(texts, False)


def _are_told_by_numbers(texts: list[str]) -> bool:
    """Whether numbers in texts may tell someone: they are no years, or what is left repeats.

    Examples
    --------
    >>> _are_told_by_numbers(["Board", "Final Ballot of 1943", "Best Votes 2020"])
    False
    >>> _are_told_by_numbers(["Board", "E017"]), _are_told_by_numbers(["Board", "Front Desk 12"])
    (True, True)
    >>> _are_told_by_numbers(["Account 1943", "Account 1987"])
    True
    """
    numbers = [number for text in texts for number in _NUMBER.findall(text)]
    if not all(map(_YEAR.fullmatch, numbers)):
        return True
    rest = [_NUMBER.sub("", text) for text in texts]
    return len(set(rest)) < len(rest)


def _may_be_login(text: str) -> bool:
    """Whether a text may be what a person is called in a system: one word that says nothing else.

    Examples
    --------
    >>> [_may_be_login(text) for text in ("akumar", "JSmith", "Smith", "BBWAA", "Old Timers")]
    [True, True, True, False, False]
    """
    word, names = fold(text), known_names()
    known = any(name in names.last or name in names.first for name in (word, word[1:]))
    return len(text.split()) == 1 and (text.islower() or known)
