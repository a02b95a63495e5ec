"""Public words: short vocabularies (titles, countries, months), and words for things.

What stands in for a rare word must be a word, and nobody's: it comes from here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, Optional

from synthohive.texts.lists import by_chance, phrases, providers, sections, themes, words

__all__ = [
    "agents_like",
    "are_words",
    "cased",
    "cased_like",
    "script_of",
    "things",
    "units_like",
    "vocabulary_of",
]

_THEMES = frozenset(
    "product food quality colours nature place media tech travel events shapes vehicles houses"
    " elements".split()
)
_LEAST = 3
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "pl", "cs", "ru", "tr")
_VOCABULARIES = tuple(name for name in sections() if name.startswith("vocabulary "))
# One of them stands in the title of a job; in German, whose words are compounds, at an end.
_HEADS = words("heads of jobs: en")
_ENDINGS, _DOCTORS = words("ends of jobs: de"), words("ends of doctors: de")
_LEAST_JOBS = 0.8
_JOB_LOCALES = ("fr_FR", "es_ES", "pl_PL", "pt_PT", "cs_CZ", "da_DK", "tr_TR", "ru_RU",
                "fi_FI", "hr_HR", "ja_JP", "zh_CN")  # fmt: skip
_NO_COUNTRIES = frozenset("EU EZ QO UN XA XB ZZ".split())
_MOST_FOREIGN = 0.1
_UNLIKELY = 1e-3
_SHORT = 3
_SAMPLE = 2000
_AGENT = re.compile(r"(Mozilla|Opera|Dalvik)/\d")
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


def units_like(texts: Iterable[str]) -> tuple[str, ...]:
    """Return public units in the script and case of texts; of as many letters if there are any.

    Examples
    --------
    >>> units_like(["yd"])[:4], units_like(["MW"])
    (('cl', 'cm', 'dl', 'ft'), ('GB', 'Hz', 'KB', 'MB', 'TB'))
    """
    found = sorted(set(texts))
    script, capital = script_of("".join(found)), "".join(found)[:1].isupper()
    like = [
        unit
        for unit in sorted(words("units"))
        if script_of(unit) == script and unit[0].isupper() == capital
    ]
    same = [unit for unit in like if len(unit) == len(found[0])] if found else []
    return tuple(same or like)


def script_of(text: str) -> str:
    """Return the script of most letters: the first word of their names in Unicode.

    Examples
    --------
    >>> script_of("Straße 7"), script_of("дом")
    ('LATIN', 'CYRILLIC')
    """
    if text.isascii():  # as most texts are
        return "LATIN"
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


def vocabulary_of(
    texts: Sequence[str], every: bool = False, *, jobs: bool = True
) -> Optional[tuple[str, ...]]:
    """Return the smallest public vocabulary that distinct texts are of, in their case.

    Parameters
    ----------
    texts : sequence of str
    every : bool
        All texts must be of it; else nine in ten.
    jobs : bool
        Titles of jobs are looked for, too, which are no list of names or codes.

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
        if len(inside) >= len(wanted) - missing and not _may_be_chance(inside, known):
            best = form
    return best if best is not None or every or not jobs else _jobs_like(sorted(wanted))


def agents_like(texts: Sequence[str]) -> Optional[tuple[str, ...]]:
    """Return public user agents of browsers where texts are such; else None.

    Examples
    --------
    >>> len(agents_like(["Mozilla/5.0 (X11; Linux x86_64)", "Opera/9.80 (Windows NT 6.1)"]) or ())
    240
    >>> agents_like(["Mozilla Firefox", "Opera"])
    """
    found = sum(bool(_AGENT.match(text)) for text in texts)
    return _agents() if found and found >= (1 - _MOST_FOREIGN) * len(texts) else None


@lru_cache(maxsize=1)
def _agents() -> tuple[str, ...]:
    """Return what usual browsers call themselves on usual systems."""
    desks = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7",
             "X11; Linux x86_64")  # fmt: skip
    found = []
    for version in range(100, 140, 2):
        for desk in desks:
            webkit = f"Mozilla/5.0 ({desk}) AppleWebKit/537.36 (KHTML, like Gecko)"
            chrome = f"{webkit} Chrome/{version}.0.0.0 Safari/537.36"
            firefox = f"Mozilla/5.0 ({desk}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            found += [chrome, f"{chrome} Edg/{version}.0.0.0", firefox]
        phone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
        found.append(f"{phone} Chrome/{version}.0.0.0 Mobile Safari/537.36")
        apple = f"iPhone; CPU iPhone OS {version // 10 + 4}_{version % 10 // 2} like Mac OS X"
        mobile = "Mobile/15E148 Safari/604.1"
        webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
        found.append(f"Mozilla/5.0 ({apple}) {webkit} Version/{version // 10 + 4}.0 {mobile}")
        found.append(
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} "
            f"Version/{version // 10 + 4}.{version % 10 // 2} Safari/605.1.15"
        )
    return tuple(sorted(found))


def _jobs_like(texts: Sequence[str]) -> Optional[tuple[str, ...]]:
    """Return titles of jobs in the language and case of texts that are such; else None.

    No list holds all of them; in nearly every one there is a word that only jobs have.
    """
    for jobs, shows in _jobs():
        if sum(map(shows, texts)) >= _LEAST_JOBS * len(texts):
            forms: list[Callable[[str], str]] = [str, str.upper, str.lower]
            form = max(forms, key=lambda f: sum(f(text) == text for text in texts))
            return tuple(sorted({form(job) for job in jobs}))
    return None


@lru_cache(maxsize=1)
def _jobs() -> list[tuple[tuple[str, ...], Callable[[str], bool]]]:
    """Return titles of jobs, and what tells whether a text is one, by language."""

    def of_heads(heads: frozenset[str]) -> Callable[[str], bool]:
        return lambda text: bool(heads.intersection(_TOKEN.findall(text.casefold())))

    def german(endings: Collection[str]) -> Callable[[str], bool]:
        return lambda text: any(ending in text.casefold() for ending in endings)

    berufe = phrases("jobs: de")
    doctors = tuple(filter(german(_DOCTORS), berufe))
    found: list[tuple[tuple[str, ...], Callable[[str], bool]]]
    found = [(phrases("jobs: en"), of_heads(_HEADS)), (doctors, german(_DOCTORS))]
    found.append((berufe, german(_ENDINGS)))
    for provider in providers("job", *_JOB_LOCALES).values():
        jobs = tuple(dict.fromkeys(map(str, provider.jobs)))
        found.append((jobs, of_heads(frozenset(map(str.casefold, jobs)))))
    return found


def _may_be_chance(texts: Collection[str], known: frozenset[str]) -> bool:
    """Tell whether as many short codes, drawn at random, may well all be known."""
    return max(map(len, texts), default=0) <= _SHORT and by_chance(texts, known) > _UNLIKELY


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[tuple[str, ...], frozenset[str]], ...]:
    """Return each vocabulary as it is written, in capitals, and in small letters."""
    found: dict[tuple[str, ...], None] = {}
    for vocabulary in _vocabularies():
        for form in (str, str.upper, str.lower):
            found[tuple(sorted({form(word) for word in vocabulary if word}))] = None
    return tuple((form, frozenset(form)) for form in sorted(found, key=lambda w: (len(w), w)))


def _vocabularies() -> list[Iterable[str]]:
    from babel import Locale
    from babel.core import get_global

    found: list[Iterable[str]] = [phrases(name) for name in _VOCABULARIES]
    for code in _LANGUAGES:
        locale: Any = Locale.parse(code)
        named = locale.territories.items()
        lands = [name for key, name in named if key.isalpha() and key not in _NO_COUNTRIES]
        found.append([*lands, *(phrases("countries") if code == "en" else ())])
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
    zones = [name for name in get_global("zone_territories") if name != "Etc/Unknown"]
    found += [zones, [*zones, *get_global("zone_aliases")]]  # with what zones were called before
    found.append(
        [country.alpha_3_code for country in providers("date_time", "en_US")["en_US"].countries]
    )
    for provider in providers("address", "en_US", "en_CA", "en_AU", "de_DE", "pt_BR").values():
        for name in ("states", "states_abbr", "provinces", "provinces_abbr", "estados"):
            members = getattr(provider, name, None)
            if isinstance(members, (list, tuple)) and all(isinstance(x, str) for x in members):
                found.append(list(members))
    return found


@lru_cache(maxsize=16)
def _words_of(script: str) -> tuple[str, ...]:
    if script == "LATIN":
        latin = {w for theme, more in themes().items() if theme in _THEMES for w in more}
        kept = (w for w in latin if re.fullmatch(r"[a-z]*[aeiouy][a-z]*", w) and len(w) >= _LEAST)
        return tuple(sorted(kept))
    found: set[str] = set()
    for provider in providers("lorem").values():
        known: Sequence[str] = getattr(provider, "word_list", ())
        if known and script_of("".join(known[:20])) == script:
            found.update(word.lower() for word in known if word.isalpha() and len(word) > 1)
    return tuple(sorted(found)) or _words_of("LATIN")


def cased(plain: Iterable[str], models: Iterable[str]) -> list[str]:
    """Return words in the case that most `models` have."""
    forms: dict[str, int] = {}
    for model in models:
        kind = cased_like(model, "ab")
        forms[kind] = forms.get(kind, 0) + 1
    model = max(sorted(forms), key=lambda form: forms[form], default="ab")
    return [cased_like(model, word) for word in plain]
