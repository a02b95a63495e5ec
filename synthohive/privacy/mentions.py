"""Persons inside longer texts: sentences, documents, addresses and links."""

from __future__ import annotations

import re
from functools import lru_cache

from synthohive.privacy.names import fold, is_name, known_names
from synthohive.texts.documents import as_document, leaves
from synthohive.texts.lists import listed, providers, words

__all__ = [
    "is_address",
    "is_emails",
    "is_personal_document",
    "is_url",
    "mentions_person",
]

_EMAIL = r"[^@\s,;:<>()\[\]\"']+@[^@\s,;<>()]+\.[^@\s.,;<>()]{2,}"
_EMAILS = re.compile(rf"{_EMAIL}(?:\s*[,;|\s]\s*{_EMAIL})*")
_EMAIL_INSIDE = re.compile(_EMAIL)
_PHONE_INSIDE = re.compile(
    r"(?<![\w.,:/-])(?:\+\d|00\d|0\d|\(\d{2,4}\)|1\d{2}(?=\d{8}\b)|\d{3}[-.]\d{3}[-.]\d{4})"
    r"[\d\s().\-/]{5,18}\d|(?<![\w.-])\d{3}[-.]\d{3}[-.]\d{4}(?!\d)"
)
_DATE_INSIDE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_WORD = re.compile(r"[^\s,.;:!?()\"“”„«»\[\]{}<>/|]+")
_SOLID = re.compile("[\u3400-\u9fff\uac00-\ud7af]{3,}")
_URL = re.compile(r"\w+://\S+", re.IGNORECASE)
_PERSONAL_URL = re.compile(
    r"\w+://(?:[^/@\s]+@.+|[^/\s]+/(?:.*/)?(?:users?|u|profiles?|people|person|members?|in|@|~|customers?"
    r"|accounts?|patients?|clients?|employees?|contacts?)/[\w.\-@%]+.*"
    r"|(?:www\.)?(?:facebook|twitter|x|instagram|github|linkedin)\.com/[\w.\-/]+"
    r"|.*[?&;#](?:\w*(?:user|customer|client|account|member|person|patient|profile|contact|employee)\w*"
    r"|uid|pid|cid|email|e?mail|phone|name|token|session\w*)=[^&\s]+.*)",
    re.IGNORECASE,
)
_THING_URL = re.compile(
    r"product|item|sku|article|artikel|asset|static|image|img|media|photo|catalog|categor|file|doc"
    r"|news|blog|post|page|version|build|issue",
    re.IGNORECASE,
)
_ID_IN_URL = re.compile(
    r"[/=](?!(?:19|20)\d\d(?:\D|$))(?:\d{4,}|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,})(?:[/?&#.]|$)"
)
_HAN_STREET = re.compile(
    "[市区區县縣県町村镇乡路街道巷弄号號室楼樓座丁番]|[가-힣](?:로|길|동|읍|면|대로)(?= |\\d|$)"
)
_STREET = re.compile("(sub_)?street_(pre|suf)fixes.*")
_STREET_ENDS = tuple(words("ends of streets"))
_LONGEST = 4000
_LONGEST_ADDRESS = 150
_DEEPEST = 12


def is_emails(value: str) -> bool:
    """Tell whether a value is one e-mail address or a list of some."""
    return bool(_EMAILS.fullmatch(value))


def is_url(value: str) -> bool:
    """Tell whether a value is a link that leads to one person or record.

    Examples
    --------
    >>> [is_url(f"https://a.org/{p}") for p in ("users/ann", "cart?customer_id=7", "o/83410")]
    [True, True, True]
    >>> [is_url(f"https://a.org/{p}") for p in ("help", "blog/2024/05", "products/83410")]
    [False, False, False]
    """
    if not _URL.fullmatch(value):
        return False
    if _PERSONAL_URL.fullmatch(value):
        return True
    path = value.split("://", 1)[1].partition("/")[2]
    return bool(_ID_IN_URL.search(f"/{path}")) and not _THING_URL.search(path)


def mentions_person(text: str) -> bool:
    """Tell whether a text holds the name, the e-mail address or the phone number of a person.

    Examples
    --------
    >>> mentions_person("Called Ann Lee about the chair"), mentions_person("A chair of oak")
    (True, False)
    """
    text = text[:_LONGEST]
    if _EMAIL_INSIDE.search(text):
        return True
    for found in _PHONE_INSIDE.finditer(text):
        part = found.group()
        if sum(c.isdigit() for c in part) >= 8 and not _DATE_INSIDE.search(part):
            return True
    return _names_inside(text)


def _names_inside(text: str) -> bool:
    known = known_names()
    found = _WORD.findall(text)
    # a name is written with capitals, in scripts that have them
    folded = [fold(w) if w[0] == w[0].upper() and len(w) > 1 else "" for w in found]
    for one, two in zip(folded, folded[1:]):
        if not one or not two:
            continue
        if (one in known.first and two in known.last) or (one in known.last and two in known.first):
            return True
    return any(_solid_name(part) for part in _SOLID.findall(text))


def _solid_name(part: str) -> bool:
    """Tell whether signs that stand without blanks hold a surname and a name of two."""
    known = known_names()
    return any(
        part[at : at + size] in known.last and part[at + size : at + size + 2] in known.first
        for at in range(len(part) - 2)
        for size in (1, 2)
        if len(part[at + size : at + size + 2]) > 1
    )


def is_personal_document(text: str) -> bool:
    """Tell whether a text is a JSON object or array, or markup, in which a person is named."""
    try:
        value = as_document(text)
    except (ValueError, RecursionError):
        return False
    texts = [leaf for _, leaf in leaves(value, deepest=_DEEPEST) if isinstance(leaf, str)]
    return any(is_name(leaf) or mentions_person(leaf) for leaf in texts)


@lru_cache(maxsize=1)
def _street_words() -> tuple[frozenset[str], frozenset[str]]:
    """Return what streets are called in Faker's locales: in any case, and with a capital only."""
    found = set(words("streets"))
    for provider in providers("address").values():
        found.update(name for name in listed(provider, _STREET) if "{" not in name)
    small = {word for word in found if word[:1] == word[:1].lower()}
    folded = [
        frozenset(word for text in part if len(word := fold(text).strip(". ")) > 1)
        for part in (small, found)
    ]
    return folded[0], folded[1]


def is_address(value: str) -> bool:
    """Tell whether a value is a street with a house number, or a whole address.

    Examples
    --------
    >>> [is_address(a) for a in ("12 Elm Street", "Rue de Lyon 4", "ул. Минская, д. 8")]
    [True, True, True]
    >>> is_address("Chair 12"), is_address("Elm Street")
    (False, False)
    """
    if _SOLID.search(value) or _HAN_STREET.search(value):
        marks = len(_HAN_STREET.findall(value))
        return marks > 1 or (marks == 1 and any(c.isdigit() for c in value))
    if not any(c.isdigit() for c in value) or len(value) > _LONGEST_ADDRESS:
        return False
    small, capital = _street_words()
    parts = [part for part in re.split(r"[\s,.]+", value) if part]
    return len(parts) > 1 and any(
        (folded := fold(part)) in small
        or folded.endswith(_STREET_ENDS)
        or (folded in capital and part[0] == part[0].upper())
        for part in parts
    )
