"""Building blocks of made-up personal data: drawn from Faker once, then combined."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from synthohive.exceptions import SchemaError
from synthohive.privacy.gazetteer import cities_of
from synthohive.privacy.names import joined_names, slugs_of
from synthohive.texts.words import script_of

__all__ = ["Pools", "Texts", "faker", "pools"]

Texts = NDArray[np.str_]

_DRAWS = 4000
_STREETS = 1000
_LEAST_CITIES = 20
_TOLD_APART = 0.3
_GLUED = re.compile("[a-zà-ÿ]{3}[A-Z]")  # MunozVille
_SPELLED = frozenset({"de", "da", "no", "sv"})  # ü is written ue there, and ø oe
DOMAINS = ("home.example", "post.example", "work.example")  # no address exists there (RFC 2606)


@dataclass(frozen=True, eq=False)
class Pools:
    """Names, streets, cities, companies and words of one locale, each without repeats.

    The first half of the first names are men's, the second as many women's.
    """

    first: Texts
    last: Texts
    first_slugs: Texts
    last_slugs: Texts
    streets: Texts
    cities: Texts
    words: Texts
    companies: Texts


def faker(locale: str) -> Any:
    """Return a Faker of `locale` with a fixed seed.

    Raises
    ------
    SchemaError
        Faker has no such locale.
    """
    from faker import Faker

    try:
        made: Any = Faker(locale)
    except AttributeError as exc:
        raise SchemaError(
            f"PrivacyConfig.locale is {locale!r}, which Faker does not have.",
            hint="Write a locale such as 'en_US', 'de_DE' or 'pt_BR'.",
        ) from exc
    made.random = _Weighing(20190612)
    return made


class _Weighing(random.Random):
    """Adds up weights once for each list: Faker's go on for a thousand names, draw by draw."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        # beside the list itself: as long as it is held, no other has its number
        self._sums: dict[int, tuple[Sequence[Any], list[float]]] = {}

    def choices(
        self,
        population: Any,
        weights: Optional[Sequence[Any]] = None,
        *,
        cum_weights: Optional[Sequence[Any]] = None,
        k: int = 1,
    ) -> list[Any]:
        """Draw what the base class does."""
        if weights is not None:
            if id(population) not in self._sums:
                self._sums[id(population)] = population, list(accumulate(weights))
            cum_weights = self._sums[id(population)][1]
        return super().choices(population, cum_weights=cum_weights, k=k)


@lru_cache(maxsize=32)  # as many countries as a column's values are told apart by, and more
def pools(locale: str) -> Pools:
    """Return the building blocks of a locale."""
    source = faker(locale)
    first = _first_names(source, locale)
    last = tuple(_names(source.last_name, locale, "last").values())
    return Pools(
        first=np.array(first),
        last=np.array(last),
        first_slugs=np.array(tuple(_slug(name, locale) for name in first)),
        last_slugs=np.array(tuple(_slug(name, locale) for name in last)),
        streets=np.array(_distinct(getattr(source, "town", source.street_name), _STREETS)),
        cities=np.array(_cities(source, locale)),
        words=np.array(_distinct(source.word, _STREETS)),
        companies=np.array(_distinct(source.company, _STREETS)),
    )


def _cities(source: Any, locale: str) -> tuple[str, ...]:
    """Return the cities of the country in the locale's script; made-up ones where few are known."""
    made = tuple(c for c in _distinct(source.city, _STREETS) if not _GLUED.search(c))
    known = cities_of(locale[-2:], script_of("".join(made)))
    return known if len(known) >= _LEAST_CITIES else made


def _distinct(make: Callable[[], str], draws: int) -> tuple[str, ...]:
    kept = {text.casefold(): text for text in (make() for _ in range(draws))}
    return tuple(kept.values())


def _first_names(source: Any, locale: str) -> tuple[str, ...]:
    """Return men's names, then as many of women."""
    men = _names(source.first_name_male, locale, "first_male")
    women = _names(source.first_name_female, locale, "first_female")
    women = {slug: name for slug, name in women.items() if slug not in men}
    names, others = list(men.values()), list(women.values())
    if len(others) < _TOLD_APART * len(names):  # the locale does not tell them apart
        names, others = names[::2], names[1::2]
    # as many of each: which place a name has must not tell the sex
    half = min(len(names), len(others))
    return (*names[:half], *others[:half])


def _names(make: Callable[[], str], locale: str, kind: str) -> dict[str, str]:
    """Return names by the form that fits an e-mail address, of which each has its own."""
    found: dict[str, str] = {}
    for name in (*_distinct(make, _DRAWS), *joined_names(locale, kind)):
        if slug := _slug(name, locale):
            found.setdefault(slug, name)
    return found


def _slug(name: str, locale: str) -> str:
    plain, spelled, read = slugs_of(name)
    if locale == "ja_JP" and read:
        return read
    return spelled if locale[:2] in _SPELLED else plain
