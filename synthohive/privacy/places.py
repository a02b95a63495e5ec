"""Countries and languages: told from texts, with the locale that each is written in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Optional

from synthohive.privacy.names import fold, solid_name
from synthohive.texts.lists import listed, providers

__all__ = [
    "ENGLISH",
    "calling_code",
    "guess_locale",
    "known_countries",
    "lead_of_phone",
    "locale_of",
    "names_follow",
    "territory_of",
    "territory_of_domain",
    "territory_of_language",
]

ENGLISH = "en_US"
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "ru",
              "tr", "ja", "zh", "ko")  # fmt: skip
_FURTHER = {
    "usa": "US", "u.s.a.": "US", "united states of america": "US", "uk": "GB", "england": "GB",
    "great britain": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "czech republic": "CZ", "south korea": "KR", "korea": "KR", "russian federation": "RU",
    "viet nam": "VN", "turkey": "TR", "holland": "NL", "the netherlands": "NL",
    "hong kong": "HK", "macau": "MO", "ivory coast": "CI", "burma": "MM", "swaziland": "SZ",
}  # fmt: skip
_USUAL = {"en": ENGLISH, "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "pt": "pt_PT", "it": "it_IT",
          "nl": "nl_NL", "ru": "ru_RU", "ar": "ar_AA", "zh": "zh_CN"}  # fmt: skip
_ANYWHERE = frozenset("ai cc co eu fm gg im io ly me nu to tv ws".split())
"""Domains of countries, most addresses in which are from elsewhere."""
_WORD = re.compile("[\u3040-\u9fff\uac00-\ud7a3]+|[^\\W\\d_]{3,}")
_VOCABULARY = re.compile(
    r"(first|last)_names?(_(fe)?male)?|(first|last)_name_pairs|cit(y_name|ie)s|street_suffix\w*"
)
_PHONE = re.compile(r"(\+|00)\s?(\d{1,3})")
_SAMPLE = 2000
_LEAST = 10
_CLEARLY = 1.25
_NEARLY = 0.9


@lru_cache(maxsize=1)
def _territories() -> dict[str, str]:
    """Return the code of each country by what it is called: its names and codes."""
    from babel import Locale

    found = dict(_FURTHER)
    english: Any = Locale.parse("en")
    codes = [key for key in english.territories if len(key) == 2 and key.isalpha()]
    for language in _LANGUAGES[::-1]:
        names: Any = Locale.parse(language).territories
        found.update({names[code].casefold(): code for code in codes if code in names})
    for country in providers("date_time", ENGLISH)[ENGLISH].countries:
        found[country.alpha_3_code.casefold()] = country.alpha_2_code
    found.update({code.casefold(): code for code in codes})
    return found


@lru_cache(maxsize=1)
def known_countries() -> frozenset[str]:
    """Return the two-letter codes of countries, as they stand before IBANs and tax numbers."""
    return frozenset({*_territories().values(), "EL"})


def territory_of(text: str) -> Optional[str]:
    """Return the code of the country that a text names, in one of many languages, or codes.

    Examples
    --------
    >>> [territory_of(t) for t in ("Germany", "Deutschland", "de_DE", "GBR", "Sales")]
    ['DE', 'DE', 'DE', 'GB', None]
    """
    plain = text.strip().casefold()
    locale = re.fullmatch(r"[a-z]{2}[_-]([a-z]{2})", plain)
    return _territories().get(locale[1] if locale else plain)


def territory_of_domain(address: str) -> Optional[str]:
    """Return the code of the country whose domain an e-mail address is in.

    Examples
    --------
    >>> [territory_of_domain(t) for t in ("ann@post.de", "bob@firm.co.uk", "c@tool.io", "d@x.com")]
    ['DE', 'GB', None, None]
    """
    end = address.rpartition("@")[2].rpartition(".")[2].casefold()
    if len(end) != 2 or end in _ANYWHERE:
        return None
    return "GB" if end == "uk" else end.upper() if end.upper() in known_countries() else None


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    """Return the country where each language is spoken most, by its names and codes."""
    from babel import Locale
    from babel.core import get_global

    likely: Any = get_global("likely_subtags")
    there = {code: str(likely[code])[-2:] for code in likely if len(code) == 2}
    found: dict[str, str] = {}
    for language in _LANGUAGES[::-1]:
        for speech in (language, "en"):
            names: Any = Locale.parse(speech).languages
            found.update({names[c].casefold(): there[c] for c in there if c in names})
    return {**found, **there}


def territory_of_language(text: str) -> Optional[str]:
    """Return the code of the country where a language is spoken most.

    Examples
    --------
    >>> [territory_of_language(t) for t in ("sv", "German", "pt_BR", "en-GB", "Sales")]
    ['SE', 'DE', 'BR', 'GB', None]
    """
    plain = text.strip().casefold()
    locale = re.fullmatch(r"([a-z]{2})[_-]([a-z]{2})", plain)
    return locale[2].upper() if locale else _languages().get(plain)


def names_follow(texts: Iterable[str], territories: Iterable[str]) -> bool:
    """Tell whether names of persons are rather of each one's own country than of the others.

    Examples
    --------
    >>> german = ["Jürgen Schäfer", "Heike Köhler", "Jörg Krüger", "Katrin Böhm", "Uwe Lindner"]
    >>> polish = ["Zofia Nowak", "Jan Kowalczyk", "Ewa Wójcik", "Piotr Kaczmarek", "Anna Mazur"]
    >>> lands = ["DE"] * 5 + ["PL"] * 5
    >>> names_follow(german + polish, lands), names_follow(german + german, lands)
    (True, False)
    """
    every = {(word, locale_of(there)) for text, there in zip(texts, territories)
             for word in _WORD.findall(fold(text))}  # fmt: skip
    known = _known(word for word, _ in every)
    pairs = {(word, locale) for word, locale in every if word in known}
    locales = sorted({locale for _, locale in pairs})
    if len(locales) < 2:
        return False
    own = sum(locale in known[word] for word, locale in pairs)
    # by the number of others: with many of these, chance finds each word in some
    others = sum(other in known[word] for word, locale in pairs for other in locales
                 if other != locale) / (len(locales) - 1)  # fmt: skip
    return own >= _LEAST and own >= _CLEARLY * others


@lru_cache(maxsize=256)
def locale_of(territory: str) -> str:
    """Return the locale in which Faker makes up what is usual in a country, or comes near it.

    Examples
    --------
    >>> locale_of("DE"), locale_of("NO"), locale_of("PE")
    ('de_DE', 'no_NO', 'es_ES')
    """
    from babel.core import get_global
    from faker.config import AVAILABLE_LOCALES

    spoken: dict[str, Any] = dict(get_global("territory_languages")).get(territory, {})
    order = sorted(spoken, key=lambda tongue: -spoken[tongue]["population_percent"])
    there = {*AVAILABLE_LOCALES, *(f"nb_{t[3:]}" for t in AVAILABLE_LOCALES if t[:3] == "no_")}
    for tongue in order:
        if f"{tongue}_{territory}" in there:
            return f"{tongue}_{territory}".replace("nb_", "no_")
    same = sorted(name for name in AVAILABLE_LOCALES if name.endswith(f"_{territory}"))
    usual = [_USUAL[tongue] for tongue in order if tongue in _USUAL]
    return (same or usual or [ENGLISH])[0]


def calling_code(territory: str) -> str:
    """Return a country's calling code; empty where it has none.

    Examples
    --------
    >>> calling_code("DE"), calling_code("CA"), calling_code("AQ")
    ('49', '1', '')
    """
    import phonenumbers

    return str(phonenumbers.country_code_for_region(territory) or "")


def lead_of_phone(text: str) -> str:
    """Return a number's first part that tells the country, as it is written; empty for none.

    No calling code begins with another one, so that it is known where it ends.

    Examples
    --------
    >>> [lead_of_phone(t) for t in ("+49 30 1234", "0044 20 1234", "+37 123", "(030) 1234")]
    ['+49', '0044', '', '']
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    found = _PHONE.match(text)
    for size in (1, 2, 3):
        if found and int(found[2][:size]) in COUNTRY_CODE_TO_REGION_CODE:
            return text[: found.start(2) + size]
    return ""


@lru_cache(maxsize=1)
def _by_locale() -> dict[str, set[str]]:
    """Return the words of each locale's names of persons, of cities and of streets."""
    found: dict[str, set[str]] = {}
    for kind in ("person", "address"):
        for locale, provider in providers(kind).items():
            # folded at once: there are hundreds of thousands, and no word goes on in another line
            texts = "\n".join(listed(provider, _VOCABULARY)) if "_" in locale else ""
            found.setdefault(locale, set()).update(_WORD.findall(fold(texts)))
    return found


def _known(words: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the locales in which some words are names of persons, of cities or of streets."""
    locales = _by_locale().items()
    found = {word: frozenset(name for name, own in locales if word in own) for word in set(words)}
    return {word: names for word, names in found.items() if names}


def guess_locale(texts: Iterable[str]) -> str:
    """Return the locale whose names of persons, cities and streets most of the texts are made of.

    English, unless another one is clearly nearer; the usual one of a language, unless another of
    it is (a longer list of last names alone makes nobody an Austrian).

    Examples
    --------
    >>> guess_locale(["Jürgen Schäfer", "Heike Köhler", "Jörg Krüger", "Katrin Böhm",
    ...               "Uwe Lindner", "Birgit Seidel", "Detlef Winkler"])
    'de_DE'
    >>> guess_locale(["Ann", "Bob"])
    'en_US'
    """
    words = {word for text in texts for word in _WORD.findall(fold(text))}
    if not words:  # what Faker knows takes a second to read
        return ENGLISH
    words |= {part for word in words for part in solid_name(word) or ()}
    known = _known(words)
    score: defaultdict[str, float] = defaultdict(float)
    for word in sorted(words):
        locales = known.get(word, frozenset())
        for locale in locales:
            score[locale] += 1 / len(locales)  # what many have in common tells little

    def told(locale: str) -> int:
        return sum(locale in known.get(word, ()) for word in words)

    best = max(sorted(score), key=lambda locale: score[locale], default=ENGLISH)
    usual = _USUAL.get(best.partition("_")[0], best)
    best = usual if told(usual) >= _NEARLY * told(best) else best
    enough = told(best) >= _LEAST
    clear = score[best] >= _CLEARLY * score[ENGLISH]
    return best if enough and clear else ENGLISH
