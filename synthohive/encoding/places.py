"""Cities of which most are rare: the region that they lie in, as which others of it are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._random import choices_for
from synthohive.encoding.base import Reject, Summary
from synthohive.encoding.coded import CodedTransform
from synthohive.encoding.draw import categorical as draw
from synthohive.encoding.value_counts import ValueCounts
from synthohive.privacy.content import are_cities, is_letters, share
from synthohive.privacy.gazetteer import cities_of, common_cities_of, regions_of
from synthohive.texts.patterns import in_groups
from synthohive.texts.words import script_of

__all__ = ["Places"]

_LEAST, _NAMED = 0.5, 0.25  # of the texts that are known cities; where the column is called so
_LETTERS = 0.5  # of the texts, that are words without digits
_FEW = 10  # texts that tell nothing
_CHOICE = 10  # cities of a region, to be a choice
_MAX_GROUPS = 400
_SAMPLE = 200


@dataclass(eq=False)
class Places(CodedTransform):
    """A code for each region, or country, of which enough entities have cities.

    Cities of it are made, which repeat as often as the real ones do. They are drawn from a public
    list, by numbers alone. A text that no list knows tells nothing of the row's region.

    Attributes
    ----------
    groups_ : list of str
        The region of each code; its country where it is not known which one, or where too few
        share each; empty for any other.
    counts_ : ndarray of int64
        Rows of each.
    cities_ : list of pyarrow.Array
        What is made of each.
    """

    name = "places"

    groups_: list[str] = field(default_factory=list)
    counts_: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    cities_: list[pa.Array] = field(default_factory=list)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Places:
        """Learn which regions the cities lie in; reject what are none."""
        self.null_ = summary.nulls > 0
        value_counts, k = summary.value, self.settings.k
        texts: list[str] = value_counts.values.to_pylist()
        if len(texts) < _FEW or value_counts.all_holders < k:
            raise Reject("too few texts")
        if share(texts[:_SAMPLE], is_letters) < _LETTERS:  # the list need not be read for these
            raise Reject("the texts are not of letters alone")
        known = [regions_of(text) for text in texts]
        listed = sum(map(bool, known)) / len(texts)
        if listed < _NAMED or (listed < _LEAST and not are_cities(self.column.name, texts)):
            raise Reject("the texts are no cities")
        script = script_of("".join(texts[:_SAMPLE]))
        self._find_groups(value_counts, known, script)
        codes = self.assign(value_counts.values)
        found, size = codes >= 0, len(self.groups_)
        self.counts_ = np.bincount(codes[found], value_counts.counts[found], size).astype(np.int64)
        # what no list knows lies where the others do
        scale = value_counts.counts.sum() / max(self.counts_.sum(), 1)
        distinct = np.bincount(codes[found], minlength=size) * len(texts) / max(found.sum(), 1)
        rng = np.random.Generator(np.random.Philox(seed))
        self.counts_ = np.rint(self.counts_ * scale).astype(np.int64)
        for group, rows, different in zip(self.groups_, self.counts_.tolist(), distinct):
            names = _choice(group, self.groups_, script)
            count = choices_for(round(different), rows)
            order = rng.permutation(len(names))[: max(count, k)]
            self.cities_.append(pa.array([names[i] for i in order], pa.string()))
        return self

    def _find_groups(
        self, value_counts: ValueCounts, known: Sequence[Sequence[str]], script: str
    ) -> None:
        """Find the regions of enough entities; of what is left, countries; then all the rest."""
        mass = _mass(known, value_counts.counts)
        lying = [_nearest(regions, mass) for regions in known]
        left = [i for i, region in enumerate(lying) if region is not None]
        for width in (None, 2, 0):
            names = sorted({str(lying[i])[:width] for i in left})
            number = {name: n for n, name in enumerate(names)}
            at = np.array([number[str(lying[i])[:width]] for i in left], dtype=np.int64)
            holders = value_counts.holders_of(at, np.array(left, dtype=np.int64), len(names))
            enough = [
                holders[n] >= self.settings.k and len(_choice(name, names, script)) >= _CHOICE
                for n, name in enumerate(names)
            ]
            self.groups_ += [name for name, kept in zip(names, enough) if kept]
            left = [i for i, n in zip(left, at) if not enough[n]]
        if not 0 < len(self.groups_) <= _MAX_GROUPS:
            raise Reject("the cities are of too few, or too many, regions")

    @property
    def withheld(self) -> float:
        """All: real cities come out by chance alone."""
        return 1.0

    @property
    def size(self) -> int:
        """Number of regions."""
        return len(self.groups_)

    @property
    def frequencies(self) -> IntArray:
        """How often each region was seen."""
        return self.counts_

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the region of each text; -1 where none is known."""
        number = {group: n for n, group in enumerate(self.groups_)}
        mass: defaultdict[str, float] = defaultdict(float)
        counts = self.counts_ if len(self.counts_) else np.ones(len(self.groups_), dtype=np.int64)
        for group, rows in zip(self.groups_, counts):
            mass[group[:2]] += float(rows)
        other = number.get("", -1)
        found = np.full(len(distinct), -1, dtype=np.int64)
        for i, text in enumerate(distinct.to_pylist()):
            region = _nearest(regions_of(text), mass)
            if region is not None:
                found[i] = number.get(region, number.get(region[:2], other))
        return found

    def untold(self, values: pa.Array) -> Optional[Bools]:
        """Return the rows of which no region is known."""
        coded = self.plain(values).dictionary_encode()
        unknown = np.append(self.assign(coded.dictionary) < 0, False)
        at = coded.indices.fill_null(len(unknown) - 1).to_numpy(zero_copy_only=False)
        return np.asarray(unknown[at])

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Return a city of each region."""

        def make(number: int, rows: IntArray) -> pa.Array:
            names = self.cities_[number]
            return names.take(pa.array(draw(np.ones(len(names)), len(rows), rng)))

        return in_groups(codes, make)


def _mass(known: Sequence[Sequence[str]], counts: IntArray) -> dict[str, float]:
    """Return the rows in each country."""
    found: defaultdict[str, float] = defaultdict(float)
    for regions, rows in zip(known, counts.tolist()):
        countries = {region[:2] for region in regions}
        for country in countries:
            found[country] += rows / len(countries)  # what many have tells little
    return found


def _nearest(regions: Sequence[str], mass: dict[str, float]) -> Optional[str]:
    """Return the region of a city, in the country of most; that alone where it has several."""
    if not regions:
        return None
    country = max(sorted({r[:2] for r in regions}), key=lambda one: mass.get(one, 0.0))
    inside = [region for region in regions if region[:2] == country]
    return inside[0] if len(inside) == 1 else country


def _choice(group: str, groups: Sequence[str], script: str) -> Sequence[str]:
    """Return the cities of a group; beside regions of its country, those that several have."""
    among = len(group) == 2 and any(one[:2] == group != one for one in groups)
    common = [c for c in common_cities_of(group) if script_of(c) == script] if among else []
    return common if len(common) >= _CHOICE else cities_of(group, script)
