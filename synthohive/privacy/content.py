"""What the values of a column look like: whether they fit each kind of personal data."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Optional

import pyarrow as pa

from synthohive.privacy.gazetteer import known_cities
from synthohive.privacy.identifiers import are_identifiers, are_phones, is_luhn, is_phone
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.mentions import (
    is_address,
    is_emails,
    is_personal_document,
    is_url,
    mentions_person,
)
from synthohive.privacy.names import fold, is_name, is_name_word, is_user_name, known_names

__all__ = [
    "FITS",
    "are_cities",
    "are_companies",
    "by_content",
    "is_letters",
    "is_listed",
    "share",
    "split_emails",
]

_PHONE_STRICT = re.compile(
    r"\+\d[\d\s().\-]{6,18}\d(?:\s*x\d+)?|(?:\+?1[\s.-])?\(\d{3}\)\s?\d{3}[-.\s]\d{4}(?:\s*x\d+)?"
    r"|(?:\+?1[-.])?\d{3}[-.]\d{3}[-.]\d{4}(?:\s*x\d+)?|\d{2}-\d{3}-\d{3}-\d{4}"
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_SSN = re.compile(r"(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_NINE_DIGITS = re.compile(r"\d{3}-?\d{2}-?\d{4}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_CARD = re.compile(
    r"[2-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}|3\d{3}[ -]?\d{6}[ -]?\d{4,5}|[56]\d{11,18}"
)
_POSTCODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 -]{1,9}[A-Za-z0-9]")
_USER_NAME = re.compile(r"@?(?=.*[^\W\d_])[\w.\-]{2,40}")
_ID = re.compile(r"(?=(?:.*\d){4})[A-Za-z0-9][A-Za-z0-9 ./-]{3,30}")
_PLATE = re.compile(r"(?=.*\d)[^\W_][\w \-·•・.]{1,14}")
_SIGNS = re.compile(
    "[\u0300-\u036f\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0951-\u0dff\u0e31-\u0e4e]"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’.\-‐][^\W\d_]*)*[.,]?")
_BUILDING = re.compile(r"(?:(\d{1,5}[\w/-]*),? )?([^\d,]{3,60}?)(?:,? (\d{1,5}[\w/-]*))?[.]?")

_FEW = 5  # fewer distinct values than this prove nothing by themselves
_SURE = ("email", "iban")  # but if they are written as nothing else is
_NAMED = 0.6  # of values, those that are whole names of persons
_ENOUGH = 10  # distinct words below which a list of names may be anything
_MENTIONED = 0.1  # of texts, those that name a person
_SENTENCE, _WORDS = 25, 5  # characters and words on average from which values are texts


def share(values: Iterable[str], fits: Callable[[str], bool]) -> float:
    """Return the share of distinct `values` that fit; 0.0 without values."""
    distinct = {value.strip() for value in values}
    distinct.discard("")
    return sum(map(fits, distinct)) / len(distinct) if distinct else 0.0


def _is_iban(value: str) -> bool:
    from stdnum.iso7064 import mod_97_10

    compact = value.replace(" ", "").upper()
    return bool(_IBAN.fullmatch(compact)) and mod_97_10.is_valid(compact[4:] + compact[:4])


def _is_ip(value: str) -> bool:
    if "." not in value and value.count(":") < 2:
        return False
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True


def is_letters(value: str) -> bool:
    """Tell whether `value` is made of words only, of any script, without digits.

    Examples
    --------
    >>> is_letters("Zoë van der Berg-Łoś"), is_letters("पूजा शर्मा"), is_letters("K-12")
    (True, True, False)
    """
    words = _SIGNS.sub("", value).split()
    return bool(words) and all(_WORD.fullmatch(word.strip("(),’'")) for word in words)


FITS: dict[str, Callable[[str], bool]] = {
    "email": is_emails,
    "phone": is_phone,
    "name": is_name,
    "first_name": lambda v: is_name_word(v, known_names().first),
    "last_name": lambda v: is_name_word(v, known_names().last),
    "address": is_address,
    "postcode": lambda v: bool(_POSTCODE.fullmatch(v)),
    "ssn": lambda v: bool(_NINE_DIGITS.fullmatch(v)),
    "iban": _is_iban,
    "national_id": lambda v: bool(_ID.fullmatch(v)) and not _DATE.fullmatch(v),
    "credit_card": lambda v: bool(_CARD.fullmatch(v)) and is_luhn(v),
    "ip": _is_ip,
    "mac": lambda v: bool(_MAC.fullmatch(v)),
    "user_name": lambda v: bool(_USER_NAME.fullmatch(v)),
    "url": is_url,
    "plate": lambda v: bool(_PLATE.fullmatch(v)) and not _DATE.fullmatch(v),
    "json": is_personal_document,
    "text": mentions_person,
}
"""Tests of one value, to be weighed together with the name of its column."""

_ALONE = {
    "email": 0.6, "mac": 0.9, "ip": 0.9, "iban": 0.6, "ssn": 0.9, "credit_card": 0.6, "url": 0.6,
    "json": 0.3,
}  # fmt: skip
"""Share of distinct values that must fit, whatever the column is called; the surest first."""


def _is_ssn(value: str) -> bool:
    return bool(_SSN.fullmatch(value))  # dashes and ranges: nine digits alone are any number


_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_BETWEEN = re.compile(r"\s*[,;|]\s*|\s+")


def is_listed(value: str) -> str:
    """Return what stands between the e-mail addresses of a list; nothing for a single one."""
    found = _BETWEEN.search(value.strip()) if is_emails(value.strip()) else None
    return found.group() if found else ""


def split_emails(texts: Any, *, every: bool = False) -> Any:
    """Return the first e-mail address of each text as an Arrow array, or with `every` all."""
    parts = [_BETWEEN.split((text or "").strip()) for text in texts.to_pylist()]
    return pa.array([one for part in parts for one in (part if every else part[:1])], pa.string())


def by_content(values: Sequence[str], *, words_prove: bool) -> Optional[tuple[PiiKind, str]]:
    """Return what the values alone give away, and why.

    Parameters
    ----------
    values : sequence of str
        Distinct.
    words_prove : bool
        Whether a column of words that are also names is one of names.
    """
    if len(values) < _FEW:
        return _of_few(values, words_prove)
    for kind, needed in _ALONE.items():
        sure = _is_ssn if kind == "ssn" else FITS[kind]
        if (part := share(values, sure)) >= needed:
            return PiiKind(kind), f"{part:.0%} of values fit"
    if share(values, lambda v: bool(_PHONE_STRICT.fullmatch(v))) >= 0.9:
        return PiiKind.PHONE, "its values are written as phone numbers"
    if are_identifiers(values):
        return PiiKind.NATIONAL_ID, "its check digits are right"
    if are_phones(values):
        return PiiKind.PHONE, "its values are phone numbers"
    return _by_words(values, words_prove)


def _of_few(values: Sequence[str], words_prove: bool) -> Optional[tuple[PiiKind, str]]:
    """Return what a handful of values gives away: three clerks who handle all orders are persons.

    All have to be written as nothing else is; of names, most are known, and two at least.
    """
    for kind in _SURE:
        if share(values, FITS[kind]) == 1.0:
            return PiiKind(kind), "all of its few values fit"
    names = sum(is_name(v) and is_letters(v) for v in values)
    if words_prove and names >= max(2, _NAMED * len(values)):
        return PiiKind.NAME, f"{names} of its {len(values)} values are names of persons"
    return None


def _by_words(values: Sequence[str], words_prove: bool) -> Optional[tuple[PiiKind, str]]:
    part = share(values, is_name)
    if part >= _NAMED:
        return PiiKind.NAME, f"{part:.0%} of values are names of persons"
    part = share(values, is_address)
    streets = {re.sub(r"[\d\W]+", "", value) for value in values}
    # of so few streets, they are places of one firm
    many = len(streets) >= max(_FEW, 0.2 * len(values))  # halls and gates have few names
    if many and (part >= 0.6 or (part >= 0.2 and _are_buildings(values))):
        return PiiKind.ADDRESS, f"{part:.0%} of values are addresses"
    if words_prove and len(values) >= _ENOUGH:
        for kind in (PiiKind.FIRST_NAME, PiiKind.LAST_NAME):
            if (part := share(values, FITS[kind.value])) >= 0.8:
                return kind, f"{part:.0%} of values are known names"
        if (part := share(values, is_user_name)) >= 0.7:
            return PiiKind.USER_NAME, f"{part:.0%} of values are made of names"
    if _mean_length(values) >= _SENTENCE and _mean_words(values) >= _WORDS:
        part = share(values, mentions_person)
        if part >= _MENTIONED:
            return PiiKind.TEXT, f"{part:.0%} of texts name a person"
    return None


def _mean_words(values: Sequence[str]) -> float:
    """Return the number of words; two signs are one where words stand without blanks."""
    return sum(v.count(" ") + 1 + len(_UNSPACED.findall(v)) / 2 for v in values) / len(values)


def _mean_length(values: Sequence[str]) -> float:
    return sum(map(len, values)) / len(values)


def _are_buildings(values: Sequence[str]) -> bool:
    """Tell whether all values are words and one small number, each with words of its own."""
    found = [m.groups() for v in values if (m := _BUILDING.fullmatch(v))]
    single = [(words, one or two) for one, words, two in found if bool(one) != bool(two)]
    if len(single) < 0.95 * len(values) or len(values) < 2 * _ENOUGH:
        return False
    own = {words for words, _ in single}
    # names of houses have capitals; sizes of goods ("7 inch") have none
    capital = sum(w[0] == w[0].upper() for w in own)
    return len(own) >= 0.8 * len(single) and capital >= 0.95 * len(own)


_CITY = re.compile(
    "city|cities|town|ort|stadt|ville|commune|ciudad|citta|comune|cidade|municipio|plaats|woonplaats"
    "|miasto|mesto|locality|gemeinde|wohnort|kommune|sehir"
)
_IN_CITY, _CITY_LETTERS = 0.6, 0.9


def are_cities(name: str, values: Sequence[str]) -> bool:
    """Tell whether a column of distinct `values` holds cities, by its name or by themselves.

    Examples
    --------
    >>> are_cities("ship_city", ["Graz", "Bern"]), are_cities("x", ["Celle", "Passau", "Jena"])
    (True, True)
    >>> are_cities("sort", ["Red", "Blue"]), are_cities("city", ["a1", "b2"])
    (False, False)
    """
    if share(values, is_letters) < _CITY_LETTERS:
        return False
    called = set(fold(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).split("_"))
    if any(_CITY.fullmatch(word) for word in called):
        return True
    return share(values, lambda v: fold(v) in known_cities()) >= _IN_CITY


_LEGAL_FORM = re.compile(
    r"\b(inc|llc|ltd|limited|corp|corporation|plc|gmbh|ag|ohg|kg|kgaa|e\.?v|ug|s\.?a|s\.?a\.?s|sarl"
    r"|s\.?r\.?l|s\.?p\.?a|s\.?l|b\.?v|n\.?v|ab|oy|a/?s|aps|sp\. z o\.o|s\.r\.o|kft|group|holdings?"
    r"|and sons|& sons|& co)\.?$|\b(ооо|оао|зао)\b|(株式|有限|合同)会社|有限公司|\(주\)",
    re.IGNORECASE,
)
_OF_COMPANIES, _COMPANY_WORDS = 0.3, 6


def are_companies(values: Sequence[str], called: bool) -> bool:
    """Tell whether distinct values are names of companies: enough of them to be no categories.

    Parameters
    ----------
    values : sequence of str
        Distinct.
    called : bool
        Whether the column is called a company; else their legal forms have to tell.

    Examples
    --------
    >>> words = "Alba Brise Cima Dora Elbe Faro Gral Hof Ilm Jade".split()
    >>> are_companies(words, True), are_companies(words, False), are_companies(words[:3], True)
    (True, False, False)
    >>> are_companies([f"{word} GmbH" for word in words], False)
    True
    """
    if len(values) < _ENOUGH or _mean_words(values) > _COMPANY_WORDS:
        return False
    # GmbH, Inc.: a third have one where the others are called by their brand
    legal = share(values, lambda v: bool(_LEGAL_FORM.search(v.strip())))
    worded = share(values, lambda v: sum(c.isalpha() for c in v) > len(v) / 2)
    return legal >= _OF_COMPANIES or (called and worded >= _CITY_LETTERS)
