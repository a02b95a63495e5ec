"""Names of persons in any script: the vocabularies of all of Faker's locales."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Optional

from synthohive.texts.lists import listed, providers, sections, texts_in, words

__all__ = [
    "Names",
    "fold",
    "is_name",
    "is_name_word",
    "is_user_name",
    "is_womans",
    "joined_names",
    "known_names",
    "locales_of",
    "names_of",
    "slug",
    "slugs_of",
    "solid_name",
]

_FIRST = re.compile(r"first_.*names?(_|$).*|first_name.*pairs")
_LAST = re.compile(r".*last_.*names?(_|$).*|last_name_pairs")
_TITLE = re.compile(r"(academic_)?(pre|suf)fixes.*|degrees")
# Marks that writers leave out: accents, and the vowel signs of Arabic and Hebrew.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u200b-\u200f]")
# Scripts in which a full name stands without a blank: surname first.
_SOLID = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,6}")
_WORDS = re.compile(r"[\s,.]+")
_PARTS = re.compile(r"[\W\d_]+")
_PARTICLES = words("particles")
_ADJECTIVES = ("ski", "cki", "zki")  # Polish names of women end in "a"
_ENDINGS = ("ne", "जी")  # Hungarian "wife of", Hindi politeness
_CONTINENTS = frozenset({"africa", "america", "asia", "europe"})
_TITLES = words("titles")
_MAX_WORDS = 7
_SHORTEST = 3  # letters of a name inside a user name
_HAN_NAME = 2
_CLEARLY = 0.8
_KNOWN = 0.66  # of the words of a full name; products and companies have others beside


@dataclass(frozen=True)
class Names:
    """First names, last names and titles, folded; and the names' plain Latin letters."""

    first: frozenset[str]
    last: frozenset[str]
    titles: frozenset[str]
    slugs: frozenset[str]


_NO_LETTERS = re.compile(r"[^a-z]+")


def fold(text: str) -> str:
    """Return `text` in the form in which names are compared: no case, no accents.

    Examples
    --------
    >>> fold("Ångström"), fold("Зоя"), fold("佐藤")
    ('angstrom', 'зоя', '佐藤')
    """
    if text.isascii():  # as most of what Faker knows is, which is read whole
        return text.casefold()
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", plain)


def slug(name: str) -> str:
    """Return a name in plain lower-case Latin letters, as user names have them.

    Examples
    --------
    >>> slug("Łukasz"), slug("Сергей"), slug("van der Berg")
    ('lukasz', 'sergei', 'vanderberg')
    """
    from faker.decode import unidecode

    latin = name if name.isascii() else unidecode(name)
    return _NO_LETTERS.sub("", latin.lower())


_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"}
)


def slugs_of(name: str) -> tuple[str, str, str]:
    """Return a name in plain Latin letters: without its marks, with these spelled out, as read.

    How a name is read is known of Japanese ones alone, whose characters read otherwise in
    Chinese; of others, it is empty.

    Examples
    --------
    >>> slugs_of("Jürgen Weiß")
    ('jurgenweiss', 'juergenweiss', '')
    >>> slugs_of("佐藤")[-1]
    'sato'
    """
    spelled = slug(unicodedata.normalize("NFC", name).lower().translate(_SPELLED))
    return slug(name), spelled, _readings().get(name, "")


_PART = re.compile(r"([^a-z])([a-z]*)")


def joined_names(locale: str, kind: str) -> dict[str, str]:
    """Return names put together from parts, and how each is read, where that is known.

    Examples
    --------
    >>> joined_names("ja_JP", "last")["山村"], len(joined_names("de_DE", "last"))
    ('yamamura', 0)
    """
    heads, tails = (
        _PART.findall(parts)
        for parts in sections().get(f"joined: {locale} {kind}", "\n").split("\n")
    )
    return {a + b: one + two for a, one in heads for b, two in tails if (one or a) != (two or b)}


@lru_cache(maxsize=1)
def _readings() -> dict[str, str]:
    """Return how Japanese names are read: Faker's, and those put together from parts."""
    from faker.providers.person.ja_JP import Provider

    pairs = (*Provider.first_name_pairs, *Provider.last_name_pairs)
    found = {
        name: read
        for kind in ("first_male", "first_female", "last")
        for name, read in joined_names("ja_JP", kind).items()
    }
    return {**found, **{name: slug(read) for name, _, read in pairs}}


@lru_cache(maxsize=1)
def _sexes() -> dict[str, bool]:
    """Return the first names that are only men's (False) or only women's (True), folded."""
    found: dict[str, list[int]] = {}
    for provider in providers("person").values():
        for women in (False, True):
            names = getattr(provider, f"first_names_{'fe' if women else ''}male", ())
            if names is not getattr(provider, "first_names", None):
                for name in {fold(text) for text in texts_in(names)}:
                    found.setdefault(name, [0, 0])[women] += 1
    # names that both have tell nothing
    clear = ((n, c) for n, c in found.items() if max(c) >= _CLEARLY * sum(c))
    return {name: counts[True] > counts[False] for name, counts in clear}


def is_womans(first: str) -> Optional[bool]:
    """Tell whether a first name is a woman's, or a man's; None where that is not known.

    Examples
    --------
    >>> is_womans("Katrin"), is_womans("Hans-Peter"), is_womans("Kim")
    (True, False, None)
    """
    for name in (fold(first), *_PARTS.split(fold(first))[:1]):
        if name in _sexes():
            return _sexes()[name]
    return None


@lru_cache(maxsize=1)
def _by_locale() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the first and the last names of each locale."""
    found = {}
    for locale, provider in providers("person").items():
        for kind, attributes in (("first", _FIRST), ("last", _LAST)) if "_" in locale else ():
            names = (*listed(provider, attributes), *joined_names(locale, kind))
            found[kind, locale] = tuple(dict.fromkeys(n for n in names if "{" not in n))
    return found


@lru_cache(maxsize=1)
def _locales() -> dict[str, frozenset[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for key, names in _by_locale().items():
        for name in names:
            found.setdefault(fold(name), set()).add(key)
    return {name: frozenset(keys) for name, keys in found.items()}


def locales_of(name: str) -> frozenset[tuple[str, str]]:
    """Return the locales in which a folded word is a name, and whether a first or a last one.

    Examples
    --------
    >>> sorted(locales_of("kowalczyk"))
    [('last', 'pl_PL')]
    """
    return _locales().get(name, frozenset())


def names_of(kind: str, locale: str) -> tuple[str, ...]:
    """Return the first or the last names of a locale.

    Examples
    --------
    >>> "Kowalczyk" in names_of("last", "pl_PL"), names_of("first", "xx_XX")
    (True, ())
    """
    return _by_locale().get((kind, locale), ())


@lru_cache(maxsize=1)
def known_names() -> Names:
    """Return the names that Faker knows in all of its locales; read once, in half a second."""
    everyone = list(providers("person").values())
    first, last, titles = (
        {text for provider in everyone for text in listed(provider, names)}
        for names in (_FIRST, _LAST, _TITLE)
    )
    slugs = {s for s in map(slug, first | last) if len(s) >= _SHORTEST} | _slugs_by_locale()
    first = {name for name in map(fold, first) if name and name not in _CONTINENTS}
    last = {name for name in map(fold, last) if name and name not in _CONTINENTS}
    last |= {core for core in map(_without_particles, last) if len(core) > 1}
    last |= {name[:-1] + "a" for name in last if name.endswith(_ADJECTIVES)}
    title_words = {
        word for text in titles | _TITLES for word in _words(fold(text)) if len(word) > 1
    }
    return Names(frozenset(first), frozenset(last), frozenset(title_words), frozenset(slugs))


def _slugs_by_locale() -> set[str]:
    """Return names as the locale itself writes them in Latin letters: Greek, Russian, German."""
    found: set[str] = set()
    persons = providers("person")
    for locale, provider in providers("internet").items():
        pairs = getattr(provider, "replacements", ())
        if pairs and locale in persons:  # others have addresses of their own but no names
            for names in (_FIRST, _LAST):
                found.update(_replaced(name, pairs) for name in listed(persons[locale], names))
    return {name for name in map(slug, found) if len(name) >= _SHORTEST}


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for letter, plain in pairs:
        text = text.replace(letter, plain)
    return text


def _without_particles(name: str) -> str:
    parts = name.split()
    while parts and parts[0] in _PARTICLES:
        parts = parts[1:]
    return " ".join(parts)


def _words(text: str) -> list[str]:
    return [word for word in _WORDS.split(text) if word]


def is_name_word(text: str, names: frozenset[str]) -> bool:
    """Tell whether a text is one of `names`, or two of them joined."""
    word = fold(text.strip())
    if word in names:
        return True
    parts = [part for part in re.split(r"[\s\-‐'’]+", word) if part not in _PARTICLES]
    return 0 < len(parts) <= _MAX_WORDS and all(part in names for part in parts)


def is_name(text: str) -> bool:
    """Tell whether a text is the name of a person, whole: at least a name and an initial.

    Examples
    --------
    >>> [is_name(t) for t in ("Dr. Ann B. Lee", "Lee, A.", "佐藤太郎", "Зоя Горшкова")]
    [True, True, True, True]
    >>> [is_name(t) for t in ("Ann", "New York", "Blue Chair")]
    [False, False, False]
    """
    known = known_names()
    folded = fold(text.strip())
    if _SOLID.fullmatch(folded):
        return solid_name(folded) is not None
    every = _words(folded)
    parts = [w for w in every if w not in known.titles]
    if len(parts) == 1 < len(every) and every[0] in known.titles:
        return _any_part(parts[0], known.last)  # Dr. Lee
    if not 2 <= len(parts) <= _MAX_WORDS or any(c.isdigit() for c in folded):
        return False
    return _is_person([w for w in parts if w not in _PARTICLES or len(w) == 1], known)


def solid_name(text: str) -> Optional[tuple[str, str]]:
    """Return the first and the last name of which a text without a blank is made; None if not.

    Examples
    --------
    >>> solid_name("佐藤太郎"), solid_name("日本")
    (('太郎', '佐藤'), None)
    """
    known, folded = known_names(), fold(text)
    if not _SOLID.fullmatch(folded):
        return None
    cuts = (cut for cut in range(len(folded) - 1, 0, -1) if folded[:cut] in known.last)
    return next(((text[c:], text[:c]) for c in cuts if folded[c:] in known.first), None)


def _is_person(parts: list[str], known: Names) -> bool:
    """Tell whether parts hold a first and a last name, or a name beside initials."""
    full = [w for w in parts if len(w) > 1 or _SOLID.match(w * _HAN_NAME)]
    firsts = [_any_part(w, known.first) for w in full]
    lasts = [_any_part(w, known.last) for w in full]
    if len(full) == 1:
        return len(parts) > 1 and (firsts[0] or lasts[0])
    if len(full) < 1:
        return False
    if sum(a or b for a, b in zip(firsts, lasts)) < _KNOWN * len(full):
        return False
    # Another word than the first name must be a last name: whichever comes first.
    return any(a and any(lasts[:i] + lasts[i + 1 :]) for i, a in enumerate(firsts))


def _any_part(word: str, names: frozenset[str]) -> bool:
    if word in names or any(part in names for part in word.split("-") if len(part) > 1):
        return True
    return any(word.endswith(end) and word[: -len(end)] in names for end in _ENDINGS)


def is_user_name(text: str) -> bool:
    """Tell whether a text is made of names as user names are: ``jsmith``, ``ann.lee84``.

    Examples
    --------
    >>> [is_user_name(t) for t in ("jsmith", "ann.lee84", "lee_a", "johnsmith", "blue-chair")]
    [True, True, True, True, False]
    """
    text = text.strip().lstrip("@").lower()
    if not text.isascii() or " " in text or len(text) > 40:
        return False
    slugs = known_names().slugs
    parts = [part for part in _PARTS.split(text) if part]
    if not parts or sum(c.isdigit() for c in text) > 6:
        return False
    if len(parts) > 1:
        found = [_is_joined(part, slugs) for part in parts]
        return any(found) and all(f or len(p) == 1 or p in _PARTICLES for f, p in zip(found, parts))
    word = parts[0]
    return word[1:] in slugs or word[:-1] in slugs or _is_joined(word, slugs)


def _is_joined(word: str, slugs: frozenset[str]) -> bool:
    return word in slugs or any(
        word[:cut] in slugs and word[cut:] in slugs
        for cut in range(_SHORTEST, len(word) - _SHORTEST + 1)
    )
