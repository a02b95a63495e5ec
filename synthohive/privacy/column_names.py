"""What the name of a column says about its content, in many languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.names import fold
from synthohive.texts.lists import sections, words

__all__ = ["Hint", "hint_of", "phrase_of"]

# Of each kind of personal data, words of the folded name (lower case, without accents), joined by
# "_", stand in lists.txt. `~` is any further letters of the word. Scripts without blanks are looked
# for inside of words. Order matters: where several kinds fit, the first is tried first.
_LIST = "column: "
# Words that turn the column into something about personal data: a flag, a count, a date.
_ABOUT = words("column: about")
# The same inside of words, for kinds of which values prove little.
_ENDS_ABOUT = re.compile(
    "(typ|type|art|status|anzahl|count|datum|date|flag|tur|turu|类型|类别|種別|種類|状态|状態|区分|유형|상태)$"
)
_WEAK = frozenset({PiiKind.ADDRESS, PiiKind.FIRST_NAME, PiiKind.LAST_NAME})
# Where a column is called this, words that are also names prove nothing.
_HARMLESS = words("column: harmless")
_HARMLESS_INSIDE = words("column: harmless inside")
_COMPANIES = words("column: companies")
_SOLID = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ة": "ه"})
_ARTICLE = re.compile("(?:^|(?<=_))ال(?=...)")


@dataclass(frozen=True)
class Hint:
    """What a column's name suggests.

    Attributes
    ----------
    kinds : tuple of PiiKind
        Kinds of personal data, the likeliest first.
    is_name : bool
        It is called a name, of whatever.
    of_person : bool
        It is called a person: a customer, a patient.
    is_harmless : bool
        It is called something of which words that are also names prove nothing.
    is_company : bool
        It is called a company.
    """

    kinds: tuple[PiiKind, ...] = ()
    is_name: bool = False
    of_person: bool = False
    is_harmless: bool = False
    is_company: bool = False


def phrase_of(name: str) -> str:
    """Return the words of a column's name, folded, joined by ``_``; letters of every script.

    Examples
    --------
    >>> phrase_of("firstName"), phrase_of("Téléphone 2"), phrase_of("STRAßE"), phrase_of("имя")
    ('first_name', 'telephone_2', 'strasse', 'имя')
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    folded = fold(split).translate(_LETTERS)
    # vowel signs of Hindi and the like are no letters to `re`, but belong to words
    joined = "".join(c if c.isalnum() or _is_sign(c) else "_" for c in folded)
    return _ARTICLE.sub("", re.sub("_+", "_", joined).strip("_"))


def _is_sign(char: str) -> bool:
    return "\u0900" <= char <= "\u0dff" or "\u0e30" <= char <= "\u0e4e"


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[PiiKind, re.Pattern[str]], ...]:
    kinds = {kind.value: kind for kind in PiiKind}
    lists = ((name.removeprefix(_LIST), text) for name, text in sections().items())
    return tuple((kinds[name], _pattern(text)) for name, text in lists if name in kinds)


@lru_cache(maxsize=1)
def _loose() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return _pattern(sections()["column: persons"]), _pattern(sections()["column: names"])


def _pattern(text: str) -> re.Pattern[str]:
    parts = []
    for phrase in text.split():
        plain = phrase_of(phrase) if _SOLID.search(phrase) else _folded(phrase)
        if phrase.startswith("^"):
            parts.append(rf"^{plain.lstrip('^')}$")
        elif _SOLID.search(phrase):
            parts.append(plain)
        else:
            parts.append(rf"(?:^|(?<=_)){plain.replace('~', '[^_]*')}(?=_|\d|$)")
    return re.compile("|".join(parts))


def _folded(phrase: str) -> str:
    return _ARTICLE.sub("", fold(phrase).translate(_LETTERS))


@lru_cache(maxsize=4096)
def hint_of(name: str) -> Hint:
    """Return what a column's name suggests.

    Examples
    --------
    >>> [hint_of(n).kinds[0].value for n in ("num_telefono", "prénom", "Straße", "電話番号")]
    ['phone', 'first_name', 'address', 'phone']
    >>> hint_of("phone_type").kinds, hint_of("product_name").is_harmless
    ((), True)
    """
    phrase = phrase_of(name)
    kinds = []
    for kind, pattern in _compiled():
        found = pattern.search(phrase)
        if found is None:
            continue
        rest = set(phrase[: found.start()].split("_") + phrase[found.end() :].split("_"))
        if not rest & _ABOUT and not (kind in _WEAK and _ENDS_ABOUT.search(phrase)):
            kinds.append(kind)
    if PiiKind.SSN in kinds and PiiKind.NATIONAL_ID not in kinds:
        kinds.append(PiiKind.NATIONAL_ID)  # which other countries' numbers look like
    persons, names = _loose()
    tokens = set(phrase.split("_"))
    return Hint(
        tuple(kinds),
        is_name=names.search(phrase) is not None,
        of_person=persons.search(phrase) is not None and not tokens & _ABOUT,
        is_harmless=bool(tokens & _HARMLESS) or any(w in phrase for w in _HARMLESS_INSIDE),
        is_company=(bool(tokens & _COMPANIES) and not tokens & _ABOUT)
        or phrase in ("会社", "公司", "회사", "会社名", "公司名称", "회사명"),
    )
