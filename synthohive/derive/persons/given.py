"""What made-up columns go by: the country beside an address, the title beside a first name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthohive._logging import get_logger
from synthohive._readable import Readable
from synthohive.derive.persons.alias import Path, Texts, path_rows, paths, texts_of
from synthohive.privacy.columns import persons_of
from synthohive.privacy.entities import Entities
from synthohive.privacy.gazetteer import country_of_regions, region_named
from synthohive.privacy.kinds import NAMES, PiiKind
from synthohive.privacy.names import is_womans
from synthohive.privacy.places import (
    names_follow,
    territory_of,
    territory_of_domain,
    territory_of_language,
)
from synthohive.privacy.rows import Beside
from synthohive.privacy.shapes import issuer_of
from synthohive.privacy.styles import reserved
from synthohive.privacy.subjects import words_of
from synthohive.tables.base import Tables
from synthohive.tables.sample import Sample

__all__ = ["Given", "beside_of", "find_given", "is_placed"]

log = get_logger(__name__)

MOST_TITLES = 12
LEAST_NAMES = 8
"""Known first names beside a title before it says whose it is."""
CLEARLY = 0.8
_OF_PERSONS = NAMES | {PiiKind.EMAIL, PiiKind.USER_NAME, PiiKind.URL}
_CALLED_LANGUAGE = frozenset(
    "lang language locale culture sprache idioma langue lingua idioma taal sprak jezyk".split()
)
_LOCALE = re.compile("[A-Za-z]{2}[_-][A-Za-z]{2}")
_OF_COUNTRIES = frozenset(
    {PiiKind.ADDRESS, PiiKind.CITY, PiiKind.POSTCODE, PiiKind.PHONE, PiiKind.IBAN}
    | {PiiKind.NATIONAL_ID, PiiKind.PLATE, PiiKind.SSN}
)


@dataclass(frozen=True)
class Given(Readable):
    """A column that made-up ones go by.

    Attributes
    ----------
    table : str
    targets : tuple of str
        The made-up columns.
    path : tuple of (str, ForeignKey)
        Keys that lead to the row of the column; none for the targets' own row.
    source, column : str
        The table and the column they go by.
    women : dict of str to bool
        For persons: whose titles these are. Else empty: the form goes by the text.
    lands : dict of str to str
        Of a column of e-mail addresses: the country of each domain, as made-up ones have it.
    country : str
        Of a column of regions: whose they are.
    """

    table: str
    targets: tuple[str, ...]
    path: Path
    source: str
    column: str
    women: dict[str, bool] = field(default_factory=dict)
    lands: dict[str, str] = field(default_factory=dict)
    country: str = ""

    def beside(self, tables: Tables) -> Beside:
        """Return what the column says of the rows of the targets."""
        at = path_rows(self.table, self.path, tables)
        texts = texts_of(tables.take(self.source, [self.column], at).column(0))
        if self.women:
            codes = [int(self.women.get(text, -1)) if text else -1 for text in texts]
            return Beside(women=np.array(codes, dtype=np.int8))
        if self.country:
            named = {text: region_named(self.country, text) for text in set(texts) if text}
            texts = [named.get(text or "") for text in texts]
        elif self.lands:
            texts = [self.lands.get(_domain(text)) if text else None for text in texts]
        elif is_language(self.column):
            texts = [territory_of_language(text) if text else None for text in texts]
        return Beside(labels=np.array(texts, dtype=object))

    def __str__(self) -> str:
        return f"{', '.join(self.targets)} made by {self.source}.{self.column}"


def is_language(name: str) -> bool:
    """Tell whether a column is called languages: these are told by the country of most speakers."""
    return any(word in _CALLED_LANGUAGE for word in words_of(name))


def beside_of(given: Iterable[Given], target: str, tables: Tables) -> Optional[Beside]:
    """Put together what several columns say of one that is made up; None if none does.

    Parameters
    ----------
    given : iterable of Given
        Of the table of `target`; for each of titles and countries, the first one counts that tells.
    target : str
        The made-up column.
    tables : Tables
        Where their columns are.
    """
    found = [one.beside(tables) for one in given if target in one.targets]
    if not found:
        return None
    women = next((one.women for one in found if one.women is not None), None)
    labels: Optional[NDArray[np.object_]] = None
    for one in found:
        if labels is None or one.labels is None:
            labels = one.labels if labels is None else labels
        else:  # where no region is known, the country may be
            unknown = np.array([label is None for label in labels], dtype=np.bool_)
            labels = np.where(unknown, one.labels, labels)
    return Beside(women, labels)


def find_given(
    sample: Sample,
    table: str,
    kinds: Mapping[str, PiiKind],
    entities: Entities,
    k: int,
    addresses: Collection[str] = (),
) -> list[Given]:
    """Return what the made-up columns of a table go by in the real rows.

    Parameters
    ----------
    sample : Sample
    table : str
    kinds : mapping of str to PiiKind
        Of the made-up columns of the table.
    entities : Entities
        Those behind its rows.
    k : int
        Titles that fewer entities share are not kept.
    addresses : collection of str
        Columns of e-mail addresses that are made up for themselves.
    """
    found: list[Given] = []
    data = sample.tables[table]
    titles = _titles(sample, table, kinds, entities, k)
    if titles is not None:
        found.append(titles)
    placed = tuple(c for c, kind in kinds.items() if kind in _OF_COUNTRIES)
    without = set(kinds)
    country = _country(sample, table, placed, without, persons=False) if placed else None
    named = tuple(c for c, kind in kinds.items() if kind in _OF_PERSONS)
    speaking = country
    if named and country is None:
        speaking = _country(sample, table, named, without, persons=True)
    if named and speaking is None and addresses:  # their domains stay when names are made again
        address = next(iter(addresses))
        lands = _lands(texts_of(data.column(address)), entities, k)
        speaking = Given(table, named, (), table, address, lands=lands) if lands else None
    if named and speaking is not None and _names_follow(sample, speaking, kinds):
        found.append(replace(speaking, targets=named))
    for column in (c for c, kind in kinds.items() if kind is PiiKind.CITY):
        region = _region(sample, table, column, without)
        found += [] if region is None else [region]
    if country is not None:
        found.append(country)
    for column, kind in kinds.items():
        if kind is PiiKind.CREDIT_CARD:
            issuers = [issuer_of(text or "") for text in texts_of(data.column(column))]
            brand = _brand(sample, table, column, issuers, set(kinds))
            found += [] if brand is None else [brand]
    log.relations(table, found)
    return found


def is_placed(sample: Sample, table: str, city: str) -> bool:
    """Tell whether a column beside cities, or over keys, says where they lie."""
    if _region(sample, table, city, {city}) is not None:
        return True
    return _country(sample, table, (city,), {city}, persons=False) is not None


def _domain(address: str) -> str:
    return reserved(address.rpartition("@")[2].casefold())


def _lands(addresses: Texts, entities: Entities, k: int) -> dict[str, str]:
    """Return the countries of the domains that `k` entities share, where most are of one."""
    domains = sorted({_domain(text) for text in addresses if text})
    code = {domain: number for number, domain in enumerate(domains)}
    codes = np.array([code[_domain(text)] if text else -1 for text in addresses], dtype=np.int64)
    holders = entities.holders(codes, len(domains))
    found: dict[str, Counter[str]] = {}
    for text in filter(None, addresses):
        found.setdefault(_domain(text), Counter())[territory_of_domain(text) or ""] += 1
    usual = {domain: counts.most_common(1)[0] for domain, counts in found.items()}
    return {
        domain: land
        for domain, (land, rows) in usual.items()
        if land and holders[code[domain]] >= k and rows >= CLEARLY * sum(found[domain].values())
    }


def _own(sample: Sample, table: str, without: set[str]) -> Iterator[tuple[str, Texts]]:
    """Yield the columns of a table that hold few texts, flags or small numbers."""
    config, data = sample.metadata.tables[table], sample.tables[table]
    for name in config.stored:
        type_ = data.schema.field(name).type
        kinds = (pa.types.is_string, pa.types.is_boolean, pa.types.is_integer)
        if name not in without | config.key_columns and any(fits(type_) for fits in kinds):
            yield name, texts_of(data.column(name))


def _titles(
    sample: Sample, table: str, kinds: Mapping[str, PiiKind], entities: Entities, k: int
) -> Optional[Given]:
    """Return the column whose values tell men's and women's names apart."""
    if not {PiiKind.FIRST_NAME, PiiKind.NAME} & set(kinds.values()):
        return None
    women = [is_womans(first) for first, _ in persons_of(kinds, sample.tables[table])]
    best: tuple[float, str, dict[str, bool]] = (0.5, "", {})
    for name, texts in _own(sample, table, set(kinds)):
        labels = sorted({text for text in texts if text is not None})
        if not 2 <= len(labels) <= MOST_TITLES:
            continue
        code = {label: number for number, label in enumerate(labels)}
        codes = np.array([-1 if t is None else code[t] for t in texts], dtype=np.int64)
        holders = entities.holders(codes, len(labels))
        told: dict[str, bool] = {}
        covered = 0
        for label, number in code.items():
            beside = [w for w, c in zip(women, codes) if c == number and w is not None]
            share = sum(beside) / max(len(beside), 1)
            clear = share >= CLEARLY or share <= 1 - CLEARLY
            if holders[number] >= k and len(beside) >= LEAST_NAMES and clear:
                told[label] = share >= CLEARLY
                covered += int((codes == number).sum())
        if len(set(told.values())) == 2 and covered / len(codes) > best[0]:
            best = covered / len(codes), name, told
    if not best[1]:
        return None
    return Given(table, tuple(c for c in kinds if kinds[c] in _OF_PERSONS), (), table, *best[1:])


def _country(
    sample: Sample, table: str, targets: tuple[str, ...], without: set[str], *, persons: bool
) -> Optional[Given]:
    """Return the nearest column that names countries: of the row, or of one that keys lead to.

    Parameters
    ----------
    persons : bool
        What is spoken tells, too.
    """
    tables = sample.metadata.tables
    for path, end in paths(table, lambda t: (k for k in tables[t].foreign_keys if k.parent != t)):
        for name, texts in _own(sample, end, without if end == table else set()):
            labels = {text for text in texts if text}
            spoken = is_language(name)
            if spoken and not persons and not all(_LOCALE.fullmatch(t) for t in labels):
                continue  # a language tells of names only, a locale of a country, too
            known = territory_of_language if spoken else territory_of
            named = {text for text in labels if known(text)}
            many = sum(text in named for text in texts) >= CLEARLY * sum(bool(t) for t in texts)
            if named and many and (spoken or _is_telling(name, named)):
                return Given(table, targets, path, end, name)
    return None


def _region(sample: Sample, table: str, target: str, without: set[str]) -> Optional[Given]:
    """Return the column beside cities that names the regions in which they lie."""
    cities = [text or "" for text in texts_of(sample.tables[table].column(target))]
    for name, texts in _own(sample, table, without):
        pairs = {(text, city) for text, city in zip(texts, cities) if text}
        there = country_of_regions(*zip(*sorted(pairs))) if pairs else ""
        if there:
            return Given(table, (target,), (), table, name, country=there)
    return None


def _names_follow(sample: Sample, given: Given, kinds: Mapping[str, PiiKind]) -> bool:
    """Tell whether the names beside countries are of these."""
    labels = given.beside(sample).labels
    if labels is None or not NAMES & set(kinds.values()):
        return False
    persons = persons_of(kinds, sample.tables[given.table])
    known = {text: territory_of(text) for text in set(labels.tolist()) if text}
    pairs = {(f"{a} {b}", there) for (a, b), t in zip(persons, labels) if (there := known.get(t))}
    names = sorted(pairs)
    return names_follow([name for name, _ in names], [there for _, there in names])


def _is_telling(name: str, labels: set[str]) -> bool:
    """Tell whether these are countries: two letters may be languages or states as well."""
    if any(len(label) > 3 for label in labels):
        return True
    called = name.casefold()
    return any(word in called for word in ("countr", "land", "nation", "pais", "pays", "paese"))


def _brand(
    sample: Sample, table: str, target: str, issuers: list[str], without: set[str]
) -> Optional[Given]:
    """Return the column that tells the issuers of cards apart."""
    for name, texts in _own(sample, table, without):
        labels = {text for text in texts if text}
        if not 2 <= len(labels) <= MOST_TITLES:
            continue
        pairs = Counter((text, issuer) for text, issuer in zip(texts, issuers) if text and issuer)
        # As many agree as have the issuer that is usual beside their text.
        most = {text: count for (text, _), count in reversed(pairs.most_common())}
        total, agree = sum(pairs.values()), sum(most.values())
        alone = max(Counter(issuers).values(), default=0) / max(len(issuers), 1)
        if total and agree >= CLEARLY * total and agree / total > alone + 0.1:
            return Given(table, (target,), (), table, name)
    return None
