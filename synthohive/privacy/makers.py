"""Made-up names, e-mails, addresses and the like, a whole block of rows at a time.

Each maker is a function of the row index alone. Names, e-mail addresses and user names of
one row use the same person, so they agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.privacy.counter import U64, draw, permute
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.pools import DOMAINS, Pools

__all__ = ["ATTEMPTS", "MAKERS", "Rows"]

ATTEMPTS = 8
_HOUSES = 9900
_FIRST_HOUSE = 100
_IP_CAPACITY = 223 << 24  # first octets above 223 are multicast and reserved


@dataclass(frozen=True)
class Rows:
    """What a maker needs to know about the rows to be made.

    Attributes
    ----------
    index : array of uint64
    person : int
        Key that all columns about the same person share.
    key : int
        Key of this column alone.
    attempt : int
        Above 0: another value than the last one, which was a real one.
    """

    index: U64
    person: int
    key: int
    attempt: int
    unique: bool
    reverse: bool
    with_city: bool
    pools: Pools

    def names(self) -> tuple[U64, U64, U64]:
        """Return first name, last name, and how often this pair came before."""
        count = len(self.pools.first)
        pairs = count * len(self.pools.last)
        lap, place = np.divmod(self.index, np.uint64(pairs))
        pair = permute(place, pairs, self.person)
        last, first = np.divmod(pair, np.uint64(count))
        return first, last, lap * np.uint64(ATTEMPTS) + np.uint64(self.attempt)


def _take(pool: Sequence[str], index: U64) -> Any:
    return pa.array(pool, pa.string()).take(pa.array(index.astype(np.int64)))


def _join(*parts: Any) -> Any:
    return pc.binary_join_element_wise(*parts, "")


def _text(numbers: U64) -> Any:
    return pa.array(numbers).cast(pa.string())


def _suffix(numbers: U64, before: str = "") -> Any:
    """Return the number as text, and nothing for zero."""
    blank = pa.array(numbers == 0)
    return pc.if_else(blank, "", _join(before, _text(numbers)))


def _initials(numbers: U64) -> Any:
    """Return ``" "`` for zero, else middle initials that spell the number."""
    if not numbers.any():
        return " "
    letters = pa.array([""] * len(numbers), pa.string())
    rest = numbers.copy()
    while rest.any():
        used = pa.array(rest > 0)
        rest, digit = np.divmod(rest - (rest > 0), np.uint64(26))
        symbol = _take([chr(ord("A") + i) for i in range(26)], digit)
        letters = _join(pc.if_else(used, symbol, ""), letters)
    return pc.if_else(pa.array(numbers == 0), " ", _join(" ", letters, ". "))


def _first_name(rows: Rows) -> Any:
    return _single(rows, rows.pools.first, rows.names()[0])


def _last_name(rows: Rows) -> Any:
    return _single(rows, rows.pools.last, rows.names()[1])


def _single(rows: Rows, pool: tuple[str, ...], person: U64) -> Any:
    if not rows.unique:
        return _take(pool, person)
    lap, place = np.divmod(rows.index, np.uint64(len(pool)))
    return _join(_take(pool, permute(place, len(pool), rows.key)), _suffix(lap, "-"))


def _name(rows: Rows) -> Any:
    first, last, again = rows.names()
    number = again if rows.unique else again % np.uint64(ATTEMPTS)
    given, family = _take(rows.pools.first, first), _take(rows.pools.last, last)
    initials = _initials(number)
    if rows.reverse:
        return pc.utf8_rtrim_whitespace(_join(family, ", ", given, initials))
    return _join(given, initials, family)


def _local_part(rows: Rows, between: str) -> Any:
    first, last, again = rows.names()
    given, family = _take(rows.pools.first_slugs, first), _take(rows.pools.last_slugs, last)
    return _join(given, between, family, _suffix(again))


def _email(rows: Rows) -> Any:
    domain = draw(rows.index, len(DOMAINS), rows.key)
    return _join(_local_part(rows, "."), "@", _take(DOMAINS, domain))


def _user_name(rows: Rows) -> Any:
    return _local_part(rows, "_")


def _url(rows: Rows) -> Any:
    return _join("https://example.com/users/", _local_part(rows, "."))


def _address(rows: Rows) -> Any:
    streets = rows.pools.streets
    lap, place = np.divmod(rows.index, np.uint64(_HOUSES * len(streets)))
    spot = permute(place, _HOUSES * len(streets), rows.key)
    street, house = np.divmod(spot, np.uint64(_HOUSES))
    unit = lap * np.uint64(ATTEMPTS) + np.uint64(rows.attempt)
    text = _join(
        _text(house + np.uint64(_FIRST_HOUSE)), " ", _take(streets, street), _suffix(unit, " Apt. ")
    )
    if rows.with_city:
        city = draw(rows.index, len(rows.pools.cities), rows.key + 1)
        text = _join(text, ", ", _take(rows.pools.cities, city))
    return text


def _ip(rows: Rows) -> Any:
    number = rows.index * np.uint64(ATTEMPTS) + np.uint64(rows.attempt)
    value = permute(number % np.uint64(_IP_CAPACITY), _IP_CAPACITY, rows.key)
    octets = [(value >> np.uint64(shift)) & np.uint64(255) for shift in (24, 16, 8, 0)]
    octets[0] = octets[0] + np.uint64(1)
    table = [str(i) for i in range(256)]
    return pc.binary_join_element_wise(*[_take(table, octet) for octet in octets], ".")


MAKERS: dict[PiiKind, Callable[[Rows], Any]] = {
    PiiKind.EMAIL: _email,
    PiiKind.NAME: _name,
    PiiKind.FIRST_NAME: _first_name,
    PiiKind.LAST_NAME: _last_name,
    PiiKind.USER_NAME: _user_name,
    PiiKind.URL: _url,
    PiiKind.ADDRESS: _address,
    PiiKind.IP: _ip,
}
"""Kinds that are combined from building blocks; the others follow a pattern."""
