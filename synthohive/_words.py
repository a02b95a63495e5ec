"""Public words: short vocabularies (titles, countries, months), and words for things.

What stands in for a rare word must be a word, and nobody's: it comes from here.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Optional

__all__ = ["are_words", "cased", "cased_like", "script_of", "things", "vocabulary_of"]

_THEMES = frozenset(
    "product food quality colours nature place media tech travel events shapes vehicles houses"
    " elements".split()
)
_LEAST = 4
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "pl", "cs", "ru", "tr")
_LISTS = (
    "Mr. Mrs. Ms. Miss Dr. Prof.",
    "Mr Mrs Ms Miss Dr Prof",
    "Herr Frau Dr. Prof.",
    "M. Mme Mlle Dr Pr",
    "Sr. Sra. Srta. Dr. Dra.",
    "Male Female Other Unknown",
    "M F",
    "Single Married Divorced Widowed Separated",
    "A+ A- B+ B- AB+ AB- O+ O-",
    "North South East West Northeast Northwest Southeast Southwest",
    "Eastern Western Northern Southern Central",
    "Spring Summer Autumn Winter",
    "Aries Taurus Gemini Cancer Leo Virgo Libra Scorpio Sagittarius Capricorn Aquarius Pisces",
    "Red Orange Yellow Green Blue Purple Pink Brown Black White Gray Silver Gold Beige",
    "XS S M L XL XXL",
)
_NAMED = (
    ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"),
    ("In Progress", "Open", "Closed", "Pending", "Resolved", "On Hold", "Cancelled"),
)
_COUNTRIES = ("USA", "UK", "U.S.A.", "United States of America", "Great Britain", "England",
              "Scotland", "Wales", "Czech Republic", "South Korea", "Russian Federation",
              "Viet Nam", "Turkey", "Korea", "Hong Kong", "Macau")  # fmt: skip
_NO_COUNTRIES = frozenset("EU EZ QO UN XA XB ZZ".split())
_MOST_FOREIGN = 0.1
_UNLIKELY = 1e-3
_SHORT = 3
_SAMPLE = 2000
_TOKEN, _VOWEL = re.compile(r"[^\W\d_]+"), re.compile(r"[aeiouyà-ÿ]")
_LEAST_TOKEN, _LEAST_LETTERS = 3, 10
_WORDY, _VOICED, _SAME = 0.6, 0.85, 0.05


def things(texts: Iterable[str]) -> tuple[str, ...]:
    """Return lower-case public words for things, in the script of `texts`.

    Examples
    --------
    >>> "leather" in things(["Kettle"])
    True
    """
    return _words_of(script_of("".join(texts)))


def script_of(text: str) -> str:
    """Return the script of most letters: the first word of their names in Unicode.

    Examples
    --------
    >>> script_of("Straße 7"), script_of("дом")
    ('LATIN', 'CYRILLIC')
    """
    names = (unicodedata.name(c, "LATIN").split(" ")[0] for c in text[:2000] if c.isalpha())
    found = Counter(names)
    return max(sorted(found), key=lambda name: found[name], default="LATIN")


def cased_like(model: str, word: str) -> str:
    """Return `word` in the case of another one.

    Examples
    --------
    >>> cased_like("Ann", "table"), cased_like("ANN", "table"), cased_like("ann", "table")
    ('Table', 'TABLE', 'table')
    """
    if len(model) > 1 and model == model.upper() != model.lower():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def are_words(texts: Sequence[str]) -> bool:
    """Tell whether texts are made of words, and not of letters drawn at random.

    Words have vowels and use some letters much more than others: two letters of them are the
    same in 6 or 7 of 100 cases, random ones in 4. Addresses are no words.

    Examples
    --------
    >>> are_words(["Vintage Cars", "Classic Planes"]), are_words(["cus_h6kLepjV83nN4O"])
    (True, False)
    """
    some = texts[:_SAMPLE]
    tokens = [t for text in some for t in _TOKEN.findall(text) if len(t) >= _LEAST_TOKEN]
    letters = "".join(tokens).lower()
    solid = sum(char.isalnum() for text in some for char in text)
    if not tokens or len(letters) < _WORDY * solid or any("@" in text for text in some):
        return False
    if script_of(letters) != "LATIN":
        return True
    counts = list(Counter(letters).values())
    same = sum(n * (n - 1) for n in counts) / max(len(letters) * (len(letters) - 1), 1)
    plain = [token for token in tokens if token[1:].islower() or token.isupper()]
    voiced = sum(bool(_VOWEL.search(token.lower())) for token in plain)
    return len(counts) >= _LEAST_LETTERS and same >= _SAME and voiced >= _VOICED * len(tokens)


def vocabulary_of(texts: Sequence[str], every: bool = False) -> Optional[tuple[str, ...]]:
    """Return the smallest public vocabulary that distinct texts are of, in their case.

    Parameters
    ----------
    every : bool
        All texts must be of it; else nine in ten.

    Examples
    --------
    >>> vocabulary_of(["Mr.", "Dr.", "Mrs."])
    ('Dr.', 'Miss', 'Mr.', 'Mrs.', 'Ms.', 'Prof.')
    >>> vocabulary_of(["Germany", "France", "Northern Moravia"]) is None
    True
    """
    wanted = {text for text in texts if text}
    missing = 0 if every else int(_MOST_FOREIGN * len(wanted))
    if len(wanted) < 2 or max(map(len, wanted)) > 60:
        return None
    best: Optional[tuple[str, ...]] = None
    for form, known in _forms():
        if best is not None and len(best) <= len(known):
            continue
        inside = wanted & known
        if len(inside) >= len(wanted) - missing and not _by_chance(inside, known):
            best = form
    return best


def _by_chance(texts: Iterable[str], known: frozenset[str]) -> bool:
    """Tell whether as many short codes, drawn at random, may well all be known."""
    chance = 1.0
    for text in texts:
        if len(text) > _SHORT:
            return False
        chance *= sum(len(word) == len(text) for word in known) / 26 ** len(text)
    return chance > _UNLIKELY


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[tuple[str, ...], frozenset[str]], ...]:
    """Return each vocabulary as it is written, in capitals, and in small letters."""
    found: dict[tuple[str, ...], None] = {}
    for words in _vocabularies():
        for form in (str, str.upper, str.lower):
            found[tuple(sorted({form(word) for word in words if word}))] = None
    return tuple((words, frozenset(words)) for words in sorted(found, key=lambda w: (len(w), w)))


def _vocabularies() -> list[Iterable[str]]:
    from babel import Locale
    from babel.core import get_global

    found: list[Iterable[str]] = [text.split() for text in _LISTS]
    found += list(_NAMED)
    for code in _LANGUAGES:
        locale: Any = Locale.parse(code)
        named = locale.territories.items()
        lands = [name for key, name in named if key.isalpha() and key not in _NO_COUNTRIES]
        found.append([*lands, *(_COUNTRIES if code == "en" else ())])
        found += [locale.languages.values(), locale.currencies.values()]
        for width in ("wide", "abbreviated"):
            found.append(
                [name.rstrip(".") for name in locale.months["stand-alone"][width].values()]
            )
            found.append([name.rstrip(".") for name in locale.days["stand-alone"][width].values()])
    english: Any = Locale.parse("en")
    found.append(
        [
            key
            for key in english.territories
            if len(key) == 2 and key.isalpha() and key not in _NO_COUNTRIES
        ]
    )
    found.append(list(english.currencies))
    found.append([key for key in english.languages if len(key) == 2])
    found.append(list(get_global("zone_territories")))
    found.append([country.alpha_3_code for country in _providers("date_time", "en_US").countries])
    for locale_name in ("en_US", "en_CA", "en_AU", "de_DE", "pt_BR"):
        provider = _providers("address", locale_name)
        for name in ("states", "states_abbr", "provinces", "provinces_abbr", "estados"):
            listed = getattr(provider, name, None)
            if isinstance(listed, (list, tuple)) and all(isinstance(x, str) for x in listed):
                found.append(list(listed))
    return found


def _providers(kind: str, locale: str) -> Any:
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider


@lru_cache(maxsize=16)
def _words_of(script: str) -> tuple[str, ...]:
    if script == "LATIN":
        text = files("synthohive.privacy").joinpath("words.txt").read_text(encoding="utf-8")
        themed = (line.split() for line in text.splitlines())
        words = {w for theme, *more in themed if theme in _THEMES for w in more}
        kept = (w for w in words if re.fullmatch(r"[a-z]+", w) and len(w) >= _LEAST)
        return tuple(sorted(kept))
    package = importlib.import_module("faker.providers.lorem")
    found: set[str] = set()
    for module in pkgutil.iter_modules(package.__path__):
        listed: Sequence[str] = getattr(_providers("lorem", module.name), "word_list", ())
        if listed and script_of("".join(listed[:20])) == script:
            found.update(word.lower() for word in listed if word.isalpha() and len(word) > 1)
    return tuple(sorted(found)) or _words_of("LATIN")


def cased(words: Iterable[str], models: Iterable[str]) -> list[str]:
    """Return words in the case that most `models` have."""
    forms: dict[str, int] = {}
    for model in models:
        kind = cased_like(model, "ab")
        forms[kind] = forms.get(kind, 0) + 1
    model = max(sorted(forms), key=lambda form: forms[form], default="ab")
    return [cased_like(model, word) for word in words]
