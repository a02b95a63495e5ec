"""Lists of words that others keep: the files beside this one, and what Faker's locales know."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from math import prod
from re import Pattern
from typing import Any

__all__ = [
    "by_chance",
    "listed",
    "phrases",
    "places",
    "providers",
    "sections",
    "texts_in",
    "themes",
    "words",
]


@lru_cache(maxsize=1)
def sections() -> dict[str, str]:
    """Return the lists of ``lists.txt`` by name, as they are written."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in _lines("lists.txt"):
        if line.startswith("["):
            name = line[1:-1]
        else:
            found.setdefault(name, []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def words(name: str) -> frozenset[str]:
    """Return the words of a list.

    Examples
    --------
    >>> "karte" in words("column: credit_card"), "dr" in words("titles")
    (False, True)
    """
    return frozenset(sections()[name].split())


def phrases(name: str) -> tuple[str, ...]:
    """Return what stands between semicolons in a list.

    Examples
    --------
    >>> phrases("jobs: en")[:2]
    ('Account Executive', 'Account Manager')
    """
    return tuple(sections()[name].replace("\n", ";").split(";"))


@lru_cache(maxsize=1)
def themes() -> dict[str, tuple[str, ...]]:
    """Return words for things, not persons, by what they are about."""
    split = (line.split() for line in _lines("words.txt"))
    return {theme: tuple(found) for theme, *found in split}


@lru_cache(maxsize=1)
def _places() -> tuple[tuple[str, tuple[str, ...]], ...]:
    split = (line.split("\t") for line in _lines("places.txt"))
    return tuple((region, tuple(names.split(";"))) for region, names in split)


def places() -> dict[str, tuple[str, ...]]:
    """Return cities by country and region, the largest first.

    Examples
    --------
    >>> places()["DE 02"][:2]
    ('Munich', 'Nuremberg')
    """
    return dict(_places())


def _lines(file: str) -> list[str]:
    text = files("synthohive.texts").joinpath(file).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


@lru_cache(maxsize=64)
def providers(kind: str, *locales: str) -> dict[str, Any]:
    """Return Faker's lists of a kind (``person``, ``address``) by locale, all or some of them."""
    package = importlib.import_module(f"faker.providers.{kind}")
    there = {module.name for module in pkgutil.iter_modules(package.__path__)}
    return {
        name: importlib.import_module(f"{package.__name__}.{name}").Provider
        for name in locales or sorted(there)
        if name in there
    }


def listed(provider: Any, names: Pattern[str]) -> Iterator[str]:
    """Yield the texts in the attributes of a provider whose names match as a whole."""
    for name in filter(names.fullmatch, dir(provider)):
        yield from texts_in(getattr(provider, name))


def texts_in(values: Any) -> Iterator[str]:
    """Yield texts of what a provider keeps: a list, weights by text, tuples of spellings."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, Iterable):
        for value in values:  # a text at once: there are hundreds of thousands
            if isinstance(value, str):
                yield value
            else:
                yield from texts_in(value)


def by_chance(codes: Collection[str], known: Collection[str]) -> float:
    """Return how likely as many letters, drawn at random, are all in a list."""
    shares = {n: sum(len(word) == n for word in known) / 26**n for n in set(map(len, codes))}
    return float(prod(shares[len(code)] for code in codes))
