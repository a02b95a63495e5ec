"""Cities by country and region: where texts lie, and which others lie there."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Optional

from synthohive.privacy.names import fold
from synthohive.texts.lists import listed, places, providers, sections
from synthohive.texts.words import script_of

__all__ = [
    "cities_of",
    "common_cities_of",
    "country_of",
    "country_of_regions",
    "is_region",
    "known_cities",
    "region_named",
    "regions_of",
]

_TOLD = 10
"""Cities of which the region is known, beside a column that names regions."""
_AGREE, _MOST = 0.6, 0.3
"""Of these, in that region; and of all rows."""
_CITIES = re.compile("cities|city_names")


@lru_cache(maxsize=1)
def _by_region() -> dict[str, tuple[str, ...]]:
    """Return the cities of each region, and under the country alone those of no known region."""
    found = places()
    known = {(region[:2], fold(name)) for region, names in found.items() for name in names}
    for locale, provider in providers("address").items():
        if "_" in locale:
            country = locale[-2:]
            further = (name for name in listed(provider, _CITIES) if "{" not in name)
            new = [name for name in further if (country, fold(name)) not in known]
            known.update((country, fold(name)) for name in new)
            # sorted: Faker has the Italian ones in another order in each process
            found[country] = (*found.get(country, ()), *sorted(dict.fromkeys(new)))
    return {region: names for region, names in found.items() if names}


@lru_cache(maxsize=1)
def _by_name() -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for region, names in _by_region().items():
        for name in names:
            found[fold(name)].append(region)
    return {name: tuple(regions) for name, regions in found.items()}


@lru_cache(maxsize=1)
def known_cities() -> frozenset[str]:
    """Return all cities, folded."""
    return frozenset(_by_name())


def regions_of(text: str) -> tuple[str, ...]:
    """Return the regions that have a city of this name: country and region, or the country alone.

    Examples
    --------
    >>> regions_of("Passau"), regions_of("graz"), regions_of("Sales")
    (('DE 02',), ('AT 06',), ())
    >>> "US IL" in regions_of("Springfield"), "US MA" in regions_of("Springfield")
    (True, True)
    """
    return _by_name().get(fold(text.strip()), ())


def is_region(text: str) -> bool:
    """Tell whether a text is the code of a region: ``"US CA"``."""
    return len(text) > 3 and text in _by_region()


@lru_cache(maxsize=1)
def _named_regions() -> dict[str, dict[str, str]]:
    """Return, by country, the regions by what they are called."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for line in sections()["regions"].split("\n"):
        country, _, regions = line.partition(" ")
        for region in regions.split(";"):
            code, *names = region.split("=")
            found[country].update({fold(name): f"{country} {code}" for name in (code, *names)})
    return dict(found)


def region_named(country: str, text: str) -> Optional[str]:
    """Return the region of a country that a text names, or abbreviates.

    Examples
    --------
    >>> region_named("US", "Ohio"), region_named("US", "OH"), region_named("DE", "OH")
    ('US OH', 'US OH', None)
    """
    return _named_regions().get(country, {}).get(fold(text.strip()))


def country_of_regions(texts: Collection[str], beside: Collection[str]) -> str:
    """Return the country whose regions most texts name, and in which the cities beside them lie.

    Empty where there is none.
    """
    best, pairs = "", list(zip(texts, beside))
    for country in _named_regions():
        named = [(region_named(country, text), city) for text, city in pairs]
        told = [(region, regions_of(city)) for region, city in named if region and regions_of(city)]
        agree = sum(region in regions for region, regions in told)
        if len(told) >= _TOLD and agree >= _AGREE * len(told) and agree >= _MOST * len(pairs):
            best = country
    return best


def country_of(texts: Iterable[str]) -> str:
    """Return the country of most of the cities among texts; empty where none is known.

    Examples
    --------
    >>> country_of(["Paris", "Denver", "Toledo", "Akron"]), country_of(["Sales"])
    ('US', '')
    """
    score: defaultdict[str, float] = defaultdict(float)
    for text in texts:
        countries = {region[:2] for region in regions_of(text)}
        for country in countries:
            score[country] += 1 / len(countries)  # what many have tells little
    return max(sorted(score), key=lambda country: score[country], default="")


@lru_cache(maxsize=512)
def cities_of(region: str, script: str = "") -> tuple[str, ...]:
    """Return the cities of a region (``"US CA"``), of a country (``"US"``), or of all (empty).

    Parameters
    ----------
    region : str
    script : str, optional
        In which they are written; any if empty.

    Examples
    --------
    >>> cities_of("US CA")[:2], "Springfield" in cities_of("US"), len(cities_of("XX"))
    (('Los Angeles', 'San Diego'), True, 0)
    """
    parts = (names for name, names in _by_region().items() if name.startswith(region))
    every = tuple(dict.fromkeys(name for names in parts for name in names))
    return tuple(name for name in every if script_of(name) == script) if script else every


@lru_cache(maxsize=256)
def common_cities_of(country: str) -> tuple[str, ...]:
    """Return the cities that are called as others of other regions of their country.

    Of which of these a text is, it does not say.

    Examples
    --------
    >>> "Springfield" in common_cities_of("US"), "Chicago" in common_cities_of("US")
    (True, False)
    """
    several = (
        sum(region[:2] == country for region in regions_of(name)) > 1 for name in cities_of(country)
    )
    return tuple(name for name, common in zip(cities_of(country), several) if common)
