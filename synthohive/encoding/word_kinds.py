"""What rare words are: places or persons, of which country, by public lists; and their likes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Optional

from synthohive.privacy.gazetteer import cities_of, known_cities, regions_of
from synthohive.privacy.names import fold, known_names, locales_of, names_of
from synthohive.texts.words import script_of, things

__all__ = ["WordKinds", "like", "phrases"]

_PLACE = "place"
_LISTED = 0.35  # of the words, on some list: then the others are what most of these are
_THING = ""
_NEAR = (0, 1, -1, 2, -2)  # letters more, to be a choice
_CHOICE = 10
_SOLID = "\u2e80"  # from here on, words stand without blanks


@lru_cache(maxsize=1)
def phrases() -> frozenset[str]:
    """Return the names that are cut into several tokens: of two words, or in Chinese characters."""
    known = known_names()
    names = (*known_cities(), *known.first, *known.last)
    return frozenset(n for n in names if " " in n or (len(n) > 1 and n[0] >= _SOLID))


@dataclass(frozen=True)
class WordKinds:
    """Which list each of some words is on: of those that it is on, the one that has most of all.

    Attributes
    ----------
    weights : dict of str to float
        By list (``"place DE"``, ``"last cs_CZ"``, empty for things), how many of the words are on
        it; a word that is on several counts in parts.
    usual : str
        The list of most; empty where most words are on none.
    """

    weights: dict[str, float] = field(default_factory=dict)
    usual: str = ""

    @classmethod
    def learn(cls, words: Iterable[str]) -> WordKinds:
        """Learn from distinct words, of which those that begin with small letters are no names."""
        weights: defaultdict[str, float] = defaultdict(float)
        proper = [lists for word in words if (lists := _lists(word)) is not None]
        for lists in proper:
            for name in lists:
                weights[name] += 1 / len(lists)  # what many have in common tells little
        known = sum(map(bool, proper))
        usual = known > 0 and known >= _LISTED * len(proper)
        return cls(dict(weights), max(sorted(weights), key=weights.__getitem__) if usual else "")

    def of(self, word: str) -> str:
        """Return the list of a word; empty for none.

        Examples
        --------
        >>> kinds = WordKinds.learn(["Passau", "Jena", "Celle", "Novák", "kettle"])
        >>> kinds.of("Passau"), kinds.of("Novák"), kinds.of("kettle")
        ('place DE', 'last cs_CZ', '')
        """
        lists = _lists(word)
        if lists is None:
            return ""
        return max(sorted(lists), key=lambda name: self.weights.get(name, 0.0), default=self.usual)


def _lists(word: str) -> Optional[frozenset[str]]:
    """Return the lists that a word is on; None for one that is no proper name."""
    if word[:1].islower() or not any(map(str.isalpha, word)):
        return None
    places = {f"{_PLACE} {region[:2]}" for region in regions_of(word)}
    names = {f"{kind} {locale}" for kind, locale in locales_of(fold(word))}
    return frozenset(places | names | ({_THING} if word.lower() in _things() else set()))


@lru_cache(maxsize=1)
def _things() -> frozenset[str]:
    return frozenset(things([]))


@lru_cache(maxsize=1024)
def like(kind: str, length: int, script: str) -> tuple[str, ...]:
    """Return names of a list with so many letters, or nearly as many, to be a choice.

    Examples
    --------
    >>> "Passau" in like("place DE", 6, "LATIN"), "Novák" in like("last cs_CZ", 5, "LATIN")
    (True, True)
    """
    which, _, land = kind.partition(" ")
    every = cities_of(land) if which == _PLACE else names_of(which, land)
    found: list[str] = []
    for more in _NEAR:
        found += [n for n in every if len(n) == length + more and script_of(n) == script]
        if len(found) >= _CHOICE:
            return tuple(found)
    return ()
