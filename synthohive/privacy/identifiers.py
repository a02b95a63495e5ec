"""Numbers that lead to a person: phones and national identifiers, judged by whole columns."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence

import numpy as np

from synthohive.texts.lists import sections

__all__ = ["are_identifiers", "are_phones", "is_luhn", "is_phone"]

_PHONE = re.compile(
    r"(?:\+|00)?\s?\(?\d[\d\s().\-/\u2010-\u2015]{4,24}\d(?:\s*(?:x|ext\.?|#)\s*\d{1,6})?",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_YEAR = re.compile(r"(?:19|20)\d\d[-/. ]")
_DECIMAL = re.compile(r"[\d ]+[.,]\d{1,2}|(?!0\d)\d+[.,]\d+")
_LEADS = re.compile(r"\+|\(|0[1-9(]|00[1-9]|\d{1,3} \(")  # a country or a trunk code comes first
# Identifiers of persons and of the self-employed whose check digits, or dates and places
# inside, are seldom met by chance: at most 12 in 100 random numbers pass.
_MODULES = sections()["identifiers"].split()
# Of things, not of persons.
_THINGS = ("isbn", "ean", "issn")
_REGIONS = sections()["regions"].split()
_FITTING = 0.85
_LED = 0.3  # of formatted numbers, those with a country or trunk code
_BY_CHANCE = 0.5  # a region where more random numbers are valid proves nothing
_FIRST, _MOST = 10, 120
_LESS = 0.2
_SCATTERED = 1000  # numbers that count up lie closer together


def is_luhn(value: str) -> bool:
    """Tell whether the digits of `value` end in a right Luhn check digit.

    Examples
    --------
    >>> is_luhn("4111 1111 1111 1111"), is_luhn("4111 1111 1111 1112")
    (True, False)
    """
    from stdnum import luhn

    return bool(luhn.is_valid(re.sub(r"[^0-9]", "", value)))


def is_phone(value: str) -> bool:
    """Tell whether a value may be a phone number, where its column's name says so."""
    digits = sum(c.isdigit() for c in value)
    return 6 <= digits <= 20 and bool(_PHONE.fullmatch(value)) and not _DATE.fullmatch(value)


def are_phones(values: Sequence[str]) -> bool:
    """Tell whether distinct values are phone numbers, whatever their column is called."""
    shaped = [v for v in values if is_phone(v) and not _DECIMAL.fullmatch(v)]
    if len(shaped) < 0.9 * len(values) or _pass(values, _THINGS):
        return False
    if sum(bool(_YEAR.match(v)) for v in shaped) > len(shaped) / 2:
        return False  # numbers of documents
    plain = [v for v in shaped if v.isdecimal()]
    if len(plain) < len(shaped) / 2:
        # local numbers have neither: a third with one tell of the others
        led = sum(bool(_LEADS.match(v)) for v in shaped)
        return led >= _LED * len(shaped) or _valid_somewhere(shaped, _FITTING)
    if _count_up(plain) or min(map(len, plain)) < 9:
        return False
    if sum(v[0] == "0" and v[1] != "0" for v in plain) >= 0.9 * len(plain):
        return True
    return _valid_somewhere(plain, 0.9)


def _count_up(numbers: Sequence[str]) -> bool:
    """Tell whether numbers count up, or are seconds or milliseconds since 1970."""
    found = sorted(map(int, numbers))
    low, high = found[0], found[-1]
    # seconds of one generation, which are no numbers to call
    since = any(10**9 * unit <= low and high < 2 * 10**9 * unit for unit in (1, 1000))
    return high - low < _SCATTERED * len(found) or since


def _valid_somewhere(values: Sequence[str], needed: float) -> bool:
    """Tell whether nearly all are valid in a region where random numbers mostly are not."""
    chosen = list(values[:_MOST])
    for region in _REGIONS:
        if _passes(_valid_in(region), chosen, needed):
            rng = np.random.default_rng(5)
            # the same with other digits: where these pass, too, the rules say nothing
            like = ["".join(_other(c, rng) for c in v) for v in chosen]
            if _share(_valid_in(region), like) < _BY_CHANCE:
                return True
    return False


def _other(char: str, rng: np.random.Generator) -> str:
    return str(rng.integers(1, 10)) if char.isdecimal() else char


def _valid_in(region: str) -> Callable[[str], bool]:
    import phonenumbers

    def valid(value: str) -> bool:
        try:
            return bool(phonenumbers.is_valid_number(phonenumbers.parse(value, region)))
        except phonenumbers.NumberParseException:
            return False

    return valid


def are_identifiers(values: Sequence[str]) -> bool:
    """Tell whether distinct values are identifiers of persons, by their check digits."""
    if sum(8 <= len(v) <= 24 and sum(c.isdigit() for c in v) >= 5 for v in values) < len(values):
        return False
    return _pass(values, _MODULES) and not _pass(values, _THINGS)


def _pass(values: Sequence[str], modules: Sequence[str]) -> bool:
    """Tell whether nearly all pass the check of one of some modules of stdnum."""
    tests = (importlib.import_module(f"stdnum.{name}").is_valid for name in modules)
    chosen = values[:_MOST]
    return any(_passes(test, chosen, _FITTING) for test in tests)


def _passes(test: Callable[[str], bool], values: Sequence[str], needed: float) -> bool:
    """Tell whether the needed share passes; a few values show that most tests do not apply."""
    few = values[:_FIRST]
    return _share(test, few) >= needed - _LESS and _share(test, values) >= needed


def _share(test: Callable[[str], bool], values: Sequence[str]) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0
