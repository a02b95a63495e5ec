"""Words for things: what a text must be made of to be no person's, in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Optional

import pyarrow as pa

from synthohive.privacy.names import fold, known_names
from synthohive.privacy.subjects import singular
from synthohive.texts.lists import by_chance, providers, themes, words

__all__ = ["are_things", "is_label", "names_someone", "names_thing", "without_counters"]

# fmt: off
_CLDR = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro",
    "tr", "ru", "uk", "bg", "el", "hr", "sl", "ja", "zh", "zh_Hant", "ko", "hi", "ar", "he", "th",
    "vi", "id",
)
_COMMON = (
    "bn_BD", "cs_CZ", "da_DK", "de_DE", "el_GR", "en_US", "es_ES", "fr_FR", "hy_AM", "it_IT",
    "ja_JP", "mk_MK", "nl_NL", "pl_PL", "ru_RU", "th_TH", "uk_UA", "zh_CN", "zh_TW",
)
# fmt: on
_BETWEEN = re.compile(r"[\s\-_/&,.()+:;|!?'’\"“”·・、，。]+")
_PARTS = re.compile(r"(?<=\d)(?=\D)|(?<=\D)(?=\d)")
_POWERS = re.compile("[²³]")  # of units, and no numbers
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
_SYMBOL = re.compile(r"[$€£¥₹₽₩₺₴₪฿₫%°#+\-*]|#[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?")
_LABEL_WORDS = 4
_LEAST_WORD = 3
_FEW_DIGITS = 2
_CODE_LENGTH = 6
_PERSONS = 1 / 3  # most of a column's values that may also be names of persons
_PERSONS_OF_A_THEME = 3 / 4  # ... where all are of one theme: black, white, green, blue
_DENSE = 1.5
_UNLIKELY = 1e-3
_CODED = words("coded")
_PHRASES = "names of countries and the like"
_PARTS_OF_COUNTRIES = (
    "states", "provinces", "regions", "prefectures", "departments", "cantons", "estados",
)  # fmt: skip


@dataclass(frozen=True)
class _Vocabulary:
    themes: dict[str, frozenset[str]]
    small: frozenset[str]
    common: frozenset[str]
    phrases: frozenset[str]
    codes: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class _Reading:
    """What one text is made of.

    Attributes
    ----------
    words : tuple of str
        All that are not numbers.
    numbers : tuple of str
    themes : frozenset of str
        Those that all its words are of.
    person : bool
        Whether its words may as well be a person's name.
    """

    words: tuple[str, ...]
    numbers: tuple[str, ...]
    themes: frozenset[str]
    person: bool


def are_things(
    values: Collection[str],
    labels: Sequence[Sequence[str]] = (),
    about: Collection[str] = (),
) -> bool:
    """Tell whether all texts of a column are names of things, or codes of such.

    Every single one has to be made of known words; and all together must not look like names
    of persons. Words of which nothing is known are not kept.

    Parameters
    ----------
    values : collection of str
        Of a whole column, row by row.
    labels : sequence of sequence of str, optional
        Columns of the same rows that are names of things; their abbreviations are, too.
    about : collection of str
        Words of the table's and the column's name: a few letters may be codes or initials.

    Examples
    --------
    >>> are_things(["new", "open", "paid"]), are_things(["EUR", "USD"])
    (True, True)
    >>> are_things(["FR", "DE"]), are_things(["FR", "DE"], about=["country", "code"])
    (False, True)
    >>> are_things(["Smith J.", "Brown K."]), are_things(["Rose", "Grace", "Hope"])
    (False, False)
    """
    distinct = sorted({value.strip() for value in values} - {""})
    if not distinct:
        return True
    told = _CODED & {*about, *map(singular, about)} or any(
        word.startswith(coded) and word.endswith("code") for word in about for coded in _CODED
    )  # countryregioncode
    if _are_codes(distinct, bool(told)):
        return True
    if any(_abbreviate(values, label) for label in labels):
        return True
    readings = []
    for value in distinct:
        reading = _read(value)
        if reading is None:
            return False
        readings.append(reading)
    if not _counted(readings):
        return False
    # Rose, Grace and Hope are words as well: their share decides
    persons = sum(reading.person for reading in readings) / len(readings)
    shared = frozenset.intersection(*(reading.themes for reading in readings))
    return persons <= (_PERSONS_OF_A_THEME if shared else _PERSONS)


def is_label(values: Collection[str]) -> bool:
    """Tell whether texts are as short as names of things are."""
    small = _vocabulary().small
    telling = ([w for w in _words(v) if w not in small and not w.isdigit()] for v in values)
    return all(len(words) <= _LABEL_WORDS for words in telling)


def names_thing(value: str) -> bool:
    """Tell whether a word of a text is known to name a thing, and is nobody's name.

    Examples
    --------
    >>> names_thing("Final Ballot"), names_thing("Anna Berg"), names_thing("jsmith")
    (True, False, False)
    """
    small = _vocabulary().small
    telling = (w for w in _words(value) if len(w) >= _LEAST_WORD and w not in small)
    return any(_is_known(word) and not _may_name(word) for word in telling)


def names_someone(value: str) -> bool:
    """Tell whether a word of a text is someone's name, and is not known to be a word.

    Examples
    --------
    >>> [names_someone(text) for text in ("Smith Insurance", "A. Berg account", "Silver Bat")]
    [True, True, False]
    """
    themes = _vocabulary().themes
    return any(_may_name(word) and word not in themes for word in _words(value))


def without_counters(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without the numbers and single letters of alphabets in them; null for none.

    Examples
    --------
    >>> import pyarrow as pa
    >>> without_counters(pa.chunked_array([["Subject 1", "P-02", "new", "Type B"]])).to_pylist()
    ['subject', None, 'new', 'type']
    """
    texts = (_words(str(value or "")) for value in values.to_pylist())
    return pa.chunked_array(
        [
            pa.array(
                [" ".join(filter(_is_no_counter, words)) or None for words in texts], pa.string()
            )
        ]
    )


def _is_no_counter(word: str) -> bool:
    return not word.isdigit() and (len(word) > 1 or unicodedata.category(word) == "Lo")


def _lower(text: str) -> str:
    """Fold case, Turkish capitals, and apostrophes."""
    return text.casefold().replace("i\u0307", "i").replace("’", "'")


def _words(value: str, form: Callable[[str], str] = _lower) -> list[str]:
    """Return a text's words and numbers."""
    plain = unicodedata.normalize("NFKC", _POWERS.sub("", value))
    spaced = _PARTS.sub(" ", plain)
    return [form(word) for word in _BETWEEN.split(spaced) if word]


def _unhumped(word: str) -> list[str]:
    return [word] if _is_known(_lower(word)) else _HUMP.sub(" ", word).split()


def _read(value: str) -> Optional[_Reading]:
    """Return what a text is made of; None where a word is not known."""
    known = _vocabulary()
    if _SYMBOL.fullmatch(value):
        return _Reading((value,), (), frozenset(), False)
    written = [part for word in _words(value, str) for part in _unhumped(word)]
    found = [_lower(word) for word in written]
    worded = any(len(word) >= _LEAST_WORD and _is_known(word) for word in found)
    codes = {_lower(w) for w in written if worded and w in known.codes[0] | known.codes[2]}
    numbers = tuple(word for word in found if word.isdigit())
    words = tuple(word for word in found if not word.isdigit())
    large = [w for w in words if len(w) > 1 or not w.isascii()]
    telling = [w for w in large if w not in known.small] or large
    phrase = _lower(value) in known.phrases
    if not found or not (phrase or all(w in codes or _is_known(w) for w in telling)):
        return None
    if not telling and (len(words) > 1 or not (words or numbers)):
        return None if not phrase else _Reading(words, numbers, frozenset([_PHRASES]), False)
    groups = [known.themes.get(_stem(word), frozenset()) for word in telling]
    themes = frozenset.intersection(*groups) if groups else frozenset()
    themes |= {_PHRASES} if phrase else set()
    person = bool(telling) and all(map(_may_name, telling))
    return _Reading(words, numbers, themes, person)


def _is_known(word: str) -> bool:
    known = _vocabulary()
    return _stem(word) in known.themes or word in known.common


def _stem(word: str) -> str:
    """Return a word of the vocabulary that this is a form of, or itself."""
    known = _vocabulary()
    if word in known.themes or _may_name(word):
        return word
    for ending, instead in _ENDINGS:
        stem = word[: -len(ending)] + instead
        if word.endswith(ending) and len(stem) >= _LEAST_WORD and stem in known.themes:
            return stem
    return word


def _counted(readings: Sequence[_Reading]) -> bool:
    """Tell whether numbers in texts only count, or are small ones beside words."""
    frames: dict[tuple[str, ...], list[int]] = {}
    for reading in readings:
        worded = any(len(word) >= _LEAST_WORD for word in reading.words)
        if worded and all(len(number) <= _FEW_DIGITS for number in reading.numbers):
            continue
        if len(reading.numbers) > 1:
            return False
        if reading.numbers:
            frames.setdefault(reading.words, []).append(int(reading.numbers[0]))
    return all(
        min(numbers) <= 1 and max(numbers) <= _DENSE * len(numbers) + 1
        for numbers in frames.values()
    )


def _are_codes(values: Sequence[str], told: bool) -> bool:
    """Tell whether all are of one list of codes, or single characters.

    Unless the names of table and column tell so, chance must be unlikely to have done it.
    """
    if all(len(value) == 1 for value in values) and all(value.isascii() for value in values):
        return True
    known = _vocabulary()
    persons = sum(len(v) >= _LEAST_WORD and _may_name(v) for v in values)
    if persons > _PERSONS * len(values):
        return False
    plain = [value.upper().replace("-", "_") for value in values]
    one_case = any(all(case(v) == v for v in values) for case in (str.upper, str.lower))
    lists = known.codes if one_case else known.codes[-1:]
    fitting = [codes for codes in lists if all(value in codes for value in plain)]
    return any(told or by_chance(plain, codes) < _UNLIKELY for codes in fitting)


def _abbreviate(values: Collection[str], labels: Sequence[str]) -> bool:
    """Tell whether each text is a short form of the label in the same row."""
    return len(values) == len(labels) and all(map(_is_short_for, values, labels))


def _is_short_for(code: str, label: str) -> bool:
    # a short form has the letters of the long one in their order
    letters = [c for c in code.casefold() if c.isalnum()]
    rest = iter(c for c in label.casefold() if c.isalnum())
    return len(letters) <= _CODE_LENGTH and all(c in rest for c in letters)


@lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    by_word: dict[str, set[str]] = {}
    for theme, listed in themes().items():
        for word in {part for whole in listed for part in _words(whole)}:
            by_word.setdefault(word, set()).add(theme)
    return _Vocabulary(
        {word: frozenset(found) for word, found in by_word.items()},
        frozenset(themes()["small"]),
        frozenset(word for word in _common_words() if not _may_name(word)),
        _phrases(),
        _codes(),
    )


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Return the words of all names of persons that are known in any locale, folded."""
    known = known_names()
    return frozenset(word for name in known.first | known.last for word in _words(name, fold))


def _may_name(word: str) -> bool:
    """Tell whether a word may be a person's name as well."""
    return fold(word) in _names()


def _common_words() -> set[str]:
    """Return frequent words of several languages."""
    return {
        word
        for provider in providers("lorem", *_COMMON).values()
        for text in provider.word_list
        for word in _words(text)
        if len(word) >= _LEAST_WORD or not word.isascii()
    }


def _is_list(values: Any) -> bool:
    return isinstance(values, (list, tuple, dict, set))


def _phrases() -> frozenset[str]:
    """Return names of countries, languages, currencies, months and days, and of states.

    They come from Unicode CLDR; the states, provinces and regions from Faker.
    """
    from babel import Locale

    found: set[str] = set()
    for code in _CLDR:
        locale = Locale.parse(code)
        found.update(locale.territories.values(), locale.languages.values())
        found.update(locale.currencies.values(), locale.scripts.values())
        for width in ("wide", "abbreviated"):
            for form in ("format", "stand-alone"):
                found.update(locale.months[form][width].values())
                found.update(locale.days[form][width].values())
    english = providers("date_time", "en_US")["en_US"].countries
    found.update(country.name for country in english)
    for provider in providers("address").values():
        for name in _PARTS_OF_COUNTRIES:
            listed = getattr(provider, name, ())
            if _is_list(listed):  # of names, or of codes and names
                found.update(one if isinstance(one, str) else one[-1] for one in listed)
    return frozenset(_lower(text) for text in found)


def _codes() -> tuple[frozenset[str], ...]:
    """Return lists of codes: countries, currencies, languages, states, time zones, locales."""
    from babel import Locale, localedata
    from babel.core import get_global

    english: Any = Locale.parse("en")
    countries = providers("date_time", "en_US")["en_US"].countries
    states = [
        frozenset(getattr(provider, name))
        for provider in providers("address", "en_US", "en_CA", "en_AU", "pt_BR", "de_CH").values()
        for name in ("states_abbr", "provinces_abbr", "estados_abbr", "cantons_abbr")
        if _is_list(getattr(provider, name, None))
    ]
    zones = {zone.upper().replace("-", "_") for zone in get_global("zone_territories")}
    locales = {name.upper() for name in localedata.locale_identifiers() if "_" in name}
    return (
        frozenset(code for code in english.territories if len(code) == 2),
        frozenset(country.alpha_3_code for country in countries),
        frozenset(english.currencies),
        frozenset(code.upper() for code in english.languages),
        *states,
        frozenset({"AF", "AN", "AS", "EU", "NA", "OC", "SA"}),
        frozenset({"M", "F", "X", "D", "U", "W"}),
        frozenset(zones | locales),
    )
