"""Made-up names, e-mails, addresses and the like, a whole block of rows at a time.

Each maker is a function of the row index alone. Names, e-mail addresses and user names of
one row use the same person, so they agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._random import U64, Permutation, below, subkey, weighted
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.people import full_names, local_parts
from synthohive.privacy.pools import DOMAINS, Texts
from synthohive.privacy.rows import Rows, join, take, text_of
from synthohive.texts.patterns import Pattern

__all__ = ["MAKERS", "Rows"]

_UNIQUE_HOUSES, _MANY = 9999, 10**9  # houses of a street, and values, that do not run out
_SYMBOLS = {"9": "0123456789", "h": "0123456789abcdef"}


def _suffix(numbers: U64, before: str = "") -> Any:
    """Return the number as text, and nothing for zero."""
    blank = pa.array(numbers == 0)  # the first lap needs no number
    return pc.if_else(blank, "", join(before, text_of(numbers)))


def _member(rows: Rows, pool: Texts, gap: str, chosen: U64) -> Any:
    """Return members of a pool: the chosen ones, or such that never repeat.

    From the second lap on, these have a number.
    """
    if not rows.unique:
        return take(pool, chosen)
    # a permutation of the pool, the same in each lap: none comes twice in a lap
    lap, place = np.divmod(rows.index, np.uint64(len(pool)))
    spot = Permutation(len(pool), rows.key)(place)
    return join(take(pool, spot), _suffix(lap, gap))


def _first_name(rows: Rows) -> Any:
    return _member(rows, rows.pools.first, "-", rows.names()[0])


def _last_name(rows: Rows) -> Any:
    return _member(rows, rows.pools.last, "-", rows.names()[1])


def _emails(rows: Rows) -> Any:
    """Return addresses, or lists of some of which the first is the row's own."""
    made = _email(rows)
    if not rows.look.between:
        return made
    counts = _counts(rows)
    for number in range(1, int(counts.max())):  # for all rows; used in those that have as many
        other = replace(
            rows,
            person=subkey(rows.person, "more", number),
            key=subkey(rows.key, "more", number),
            unique=False,
            women=None,
        )
        more = join(made, rows.look.between, _email(other))
        made = pc.if_else(pa.array(counts > number), more, made)
    return made


def _counts(rows: Rows) -> IntArray:
    counts, weights = zip(*rows.look.counts)
    chosen = weighted(rows.index, weights, subkey(rows.key, "counts"))
    return np.asarray(np.array(counts, np.int64)[chosen])


def _text(rows: Rows) -> Any:
    """Return words of the locale in the usual numbers, which mention nobody."""
    counts, words = _counts(rows), rows.pools.words
    drawn = [
        take(words, below(rows.index, len(words), subkey(rows.key, "word", at)))
        for at in range(int(counts.max()))
    ]
    text = pc.utf8_capitalize(drawn[0])
    for at, word in enumerate(drawn[1:], 1):
        text = pc.if_else(pa.array(counts > at), join(text, " ", word), text)
    if rows.unique:
        # a number of its own for each row, which does not count up from row to row
        text = join(text, " ", text_of(Permutation(1 << 40, rows.key)(rows.index)))
    return join(text, ".")


def _email(rows: Rows) -> Any:
    names, weights = zip(*(rows.look.domains or [("", 1.0)]))
    choice = weighted(rows.index, weights, subkey(rows.key, "domain"))
    # for rows whose real domain is too rare to be shown
    made = take(DOMAINS, below(rows.index, len(DOMAINS), rows.key))
    domain = take(names, choice.astype(np.uint64))
    return join(local_parts(rows), "@", pc.if_else(pc.equal(domain, ""), made, domain))


def _url(rows: Rows) -> Any:
    lead, tail, code = rows.look.url.lead, rows.look.url.tail, rows.look.url.code
    if not code:
        return join(lead, local_parts(rows), tail)
    pattern = Pattern.of_shape(code, _SYMBOLS)
    # longer than real ones, or unique links would soon be used up
    while rows.unique and pattern.capacity < _MANY:
        pattern = Pattern.of(*pattern.pieces, _SYMBOLS[code[-1]])
    numbers = below(rows.index, pattern.room, rows.key)
    if rows.unique:
        numbers = Permutation(pattern.room, rows.key)(rows.index)
    return join(lead, pattern.spell(numbers, rows.key, rows.index), tail)


def _address(rows: Rows) -> Any:
    streets, form = rows.pools.streets, rows.look.address
    # street and house as one number: a permutation of it repeats no address before all are used
    houses = max(form.most, _UNIQUE_HOUSES) if rows.unique else form.most
    lap, place = np.divmod(rows.index, np.uint64(houses * len(streets)))
    spot = Permutation(houses * len(streets), rows.key)(place)
    street, house = np.divmod(spot, np.uint64(houses))
    parts = [take(streets, street), text_of(house + np.uint64(1))]
    if form.house == "none" and not rows.unique:
        text = parts[0]
    else:
        text = join(*(parts[::-1] if form.house == "first" else parts), between=" ")
    text = join(text, _suffix(lap, " Apt. "))
    return join(text, ", ", _city(replace(rows, unique=False))) if form.city else text


def _city(rows: Rows) -> Any:
    cities = rows.pools.cities
    return _member(rows, cities, " ", below(rows.index, len(cities), rows.key + 1))


def _company(rows: Rows) -> Any:
    companies = rows.pools.companies
    return _member(rows, companies, " ", below(rows.index, len(companies), rows.key))


MAKERS: dict[PiiKind, Callable[[Rows], Any]] = {
    PiiKind.EMAIL: _emails,
    PiiKind.NAME: full_names,
    PiiKind.FIRST_NAME: _first_name,
    PiiKind.LAST_NAME: _last_name,
    PiiKind.USER_NAME: local_parts,
    PiiKind.URL: _url,
    PiiKind.ADDRESS: _address,
    PiiKind.CITY: _city,
    PiiKind.COMPANY: _company,
    PiiKind.TEXT: _text,
}
"""Kinds that are combined from building blocks; the others follow a pattern."""
