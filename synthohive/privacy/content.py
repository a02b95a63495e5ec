"""What the values of a column look like: the share that fits each kind of personal data."""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthohive.privacy.names import is_name, is_name_word, is_user_name, known_names

__all__ = ["FITS", "TELLING", "is_letters", "is_luhn", "person_like", "share"]

_EMAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s.,;<>()]{2,}")
_PHONE = re.compile(
    r"(?:\+|00)?\(?\d[\d\s().\-/]{5,22}\d(?:\s*(?:x|ext\.?|#)\s*\d{1,6})?", re.IGNORECASE
)
_PHONE_STRICT = re.compile(
    r"\+\d[\d\s().\-]{6,18}\d(?:\s*x\d+)?|(?:\+?1[\s.-])?\(\d{3}\)\s?\d{3}[-.\s]\d{4}(?:\s*x\d+)?"
    r"|(?:\+?1[-.])?\d{3}[-.]\d{3}[-.]\d{4}(?:\s*x\d+)?|\d{2}-\d{3}-\d{3}-\d{4}"
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_NINE_DIGITS = re.compile(r"\d{3}-?\d{2}-?\d{4}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_CARD = re.compile(r"[2-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}|3\d{3}[ -]?\d{6}[ -]?\d{5}")
_STREET_WORDS = (
    "st|ave|rd|blvd|ln|dr|ct|pl|sq|ter|pkwy|hwy|cir|trl|apt|unit|suite|rue|via|calle|avenida|rua"
    "|plaza|straat|laan|weg|allee|platz|gasse|strasse|straße|box"
)
_POSTCODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 -]{1,9}[A-Za-z0-9]")
_USER_NAME = re.compile(r"@?(?=.*[A-Za-z])[\w.\-]{2,40}")
_URL = re.compile(
    r"\w+://(?:[^/@\s]+@.+|[^/\s]+/(?:users?|u|profiles?|people|members?|in|@|~)[/\w.\-@]*\S*"
    r"|(?:www\.)?(?:facebook|twitter|x|instagram|github)\.com/[\w.\-]+/?)",
    re.IGNORECASE,
)
_ID = re.compile(r"(?=(?:.*\d){4})[A-Za-z0-9][A-Za-z0-9 ./-]{3,30}")
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]*)*")


@lru_cache(maxsize=1)
def _street() -> re.Pattern[str]:
    """Return what streets with house numbers look like in several languages."""
    english = importlib.import_module("faker.providers.address.en_US").Provider.street_suffixes
    words = "|".join([_STREET_WORDS, *map(re.escape, english)])
    return re.compile(
        rf"\d+\w?[,\s]+.*\b(?:{words})\b.*"
        r"|\w[\w\s.-]*(?:str\.|straße|strasse|weg|platz|gasse|allee|straat|laan)\s+\d+\s?\w?\b.*"
        r"|(?:rue|via|calle|avenida|rua)\s+.*\d+.*"
        r"|\d+\s.+,\s*[A-Z]{2}\s+\d{5}(?:-\d{4})?",
        re.IGNORECASE | re.DOTALL,
    )


def share(values: Iterable[str], fits: Callable[[str], bool]) -> float:
    """Return the share of distinct `values` that fit; 0.0 without values."""
    distinct = {value.strip() for value in values}
    distinct.discard("")
    return sum(map(fits, distinct)) / len(distinct) if distinct else 0.0


def is_luhn(value: str) -> bool:
    """Tell whether the digits of `value` end in a right Luhn check digit.

    Examples
    --------
    >>> is_luhn("4111 1111 1111 1111"), is_luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(c) for c in value if c in "0123456789"]
    doubled = (d * 2 - 9 * (d > 4) for d in digits[-2::-2])
    return bool(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(value: str) -> bool:
    compact = value.replace(" ", "").upper()
    if not _IBAN.fullmatch(compact):
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _is_ip(value: str) -> bool:
    if "." not in value and value.count(":") < 2:
        return False
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True


def _is_phone(value: str) -> bool:
    digits = sum(c.isdigit() for c in value)
    return 7 <= digits <= 20 and bool(_PHONE.fullmatch(value)) and not _DATE.fullmatch(value)


def is_letters(value: str) -> bool:
    """Tell whether `value` is made of words only, without digits."""
    return all(_WORD.fullmatch(word.strip(",")) for word in value.split())


FITS: dict[str, Callable[[str], bool]] = {
    "email": lambda v: bool(_EMAIL.fullmatch(v)),
    "phone": _is_phone,
    "name": is_name,
    "first_name": lambda v: is_name_word(v, known_names().first),
    "last_name": lambda v: is_name_word(v, known_names().last),
    "address": lambda v: bool(_street().fullmatch(v)),
    "postcode": lambda v: bool(_POSTCODE.fullmatch(v)),
    "ssn": lambda v: bool(_NINE_DIGITS.fullmatch(v)),
    "iban": _is_iban,
    "national_id": lambda v: bool(_ID.fullmatch(v)) and not _DATE.fullmatch(v),
    "credit_card": lambda v: bool(_CARD.fullmatch(v)) and is_luhn(v),
    "ip": _is_ip,
    "mac": lambda v: bool(_MAC.fullmatch(v)),
    "user_name": lambda v: bool(_USER_NAME.fullmatch(v)),
    "url": lambda v: bool(_URL.fullmatch(v)),
}
"""Tests of one value, to be weighed together with the name of its column."""

TELLING: dict[str, Callable[[str], bool]] = {
    "email": FITS["email"],
    "mac": FITS["mac"],
    "ip": FITS["ip"],
    "iban": FITS["iban"],
    "url": FITS["url"],
    "ssn": lambda v: bool(_SSN.fullmatch(v)),
    "credit_card": FITS["credit_card"],
    "phone": lambda v: bool(_PHONE_STRICT.fullmatch(v)),
    "name": FITS["name"],
    "address": FITS["address"],
}
"""Tests strict enough to tell a kind whatever the column is called, the surest first."""


def person_like(texts: Iterable[str]) -> NDArray[np.bool_]:
    """Tell which texts name a person, in any script, or lead to one.

    A first or last name alone counts, as do initials, titles, user names, e-mail and street
    addresses, phone numbers, and identifiers with a check digit. Some words of any
    vocabulary are names, too (Rose, Austin): weigh the share.

    Examples
    --------
    >>> person_like(["Smith J.", "Dr. A. Kowalska", "jsmith", "田中", "ann@x.org", "open"])
    array([ True,  True,  True,  True,  True, False])
    """
    known = known_names()
    every = known.first | known.last
    tests = (is_name, is_user_name, lambda v: is_name_word(v, every), *TELLING.values())
    found = [any(fits(text) for fits in tests) for text in map(str.strip, texts)]
    return np.array(found, dtype=bool)
