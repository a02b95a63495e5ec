"""The made-up columns of one table, fitted together so that they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._random import choices_for
from synthohive.privacy.entities import Entities
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.gazetteer import cities_of, country_of, is_region
from synthohive.privacy.kinds import ABOUT_PERSON, NAMES, PiiKind
from synthohive.privacy.places import ENGLISH, locale_of, territory_of
from synthohive.privacy.pools import Texts, pools
from synthohive.privacy.shapes import as_text, form_of, lead_of
from synthohive.privacy.styles import Person, full_name, own_rows
from synthohive.schema import PiiStrategy, PrivacyConfig, TableConfig
from synthohive.schema.columns import column_from_arrow
from synthohive.texts.patterns import shape
from synthohive.texts.words import script_of

__all__ = ["Names", "fit_columns", "persons_of"]

Names = list[Person]
Labels = NDArray[np.object_]

_MOST_VARIANTS = 60
_LEAST_CITIES = 10
_SOME = 200
_FREE_FORM = frozenset(
    {
        *NAMES,
        PiiKind.ADDRESS,
        PiiKind.CITY,
        PiiKind.COMPANY,
        PiiKind.USER_NAME,
        PiiKind.TEXT,
        PiiKind.JSON,
    }
)
"""Of these, no shape is kept."""
_MADE_OF_NAMES = frozenset({PiiKind.EMAIL, PiiKind.USER_NAME})


def fit_columns(
    table: TableConfig,
    kinds: Mapping[str, PiiKind],
    data: pa.Table,
    config: PrivacyConfig,
    entities: Optional[Entities] = None,
    others: Optional[Mapping[str, Names]] = None,
    labels: Optional[Mapping[str, Labels]] = None,
    strategies: Optional[Mapping[str, PiiStrategy]] = None,
) -> dict[str, FakeColumn]:
    """Return what makes each personal column of a table; nothing for the strategy "keep".

    The first name, last name, e-mail and user name columns of a row tell about one person;
    a second column of the same kind tells about another.

    Parameters
    ----------
    table : TableConfig
    kinds : mapping of str to PiiKind
        The personal columns.
    data : pyarrow.Table
        Real rows; their values are only looked at for their shapes.
    config : PrivacyConfig
        The strategy, the locale and `k`.
    entities : Entities, optional
        Those behind the rows: domains and shapes that fewer than `k` have are not looked at.
    others : mapping of str to list of (str, str), optional
        By column: the names, row by row, of persons of other tables, whom it tells about.
    labels : mapping of str to array of str, optional
        By column: what its form goes by, row by row, such as the country.
    strategies : mapping of str to str, optional
        By column, where it is not that of `config` for all.
    """
    chosen = {n: (strategies or {}).get(n, config.pii_strategy) for n in kinds}
    kinds = {name: kind for name, kind in kinds.items() if chosen[name] != "keep"}
    fields = {f.name: column_from_arrow(f) for f in data.schema}
    alone = {columns[0] for columns in table.unique_sets if len(columns) == 1}
    made: dict[str, FakeColumn] = {}
    seen: dict[PiiKind, int] = {}
    names = _persons(kinds, data)
    others, labels = others or {}, labels or {}
    fake = {name: kind for name, kind in kinds.items() if chosen[name] == "fake"}
    unlike = _in_other_script(fake, data, labels)
    for name, kind in kinds.items():
        strategy = chosen[name]
        assert strategy != "keep"
        column = table.columns.get(name) or fields[name]
        values = data.column(name) if name in fields else pa.chunked_array([], pa.string())
        if entities is not None and len(values) == len(entities):
            whole_form = strategy == "format-preserving"
            values = _common(values, kind, entities, config.k_anonymity_threshold, whole_form)
        first = name in others or kind is PiiKind.URL or _is_first(names, kind, values)
        person = 0 if first else seen.get(kind, 0)
        seen[kind] = max(seen.get(kind, 0), person + (name not in others))
        persons = _known(others[name], values) if name in others else None
        k = config.k_anonymity_threshold
        common: dict[str, Any] = {"unique": name in alone, "strategy": strategy, "k": k}
        whole = FakeColumn.fit(
            kind,
            column,
            values,
            locale=config.locale or ENGLISH,
            person=person if kind in ABOUT_PERSON else 0,
            persons=persons or _beside(names, kind, person, values),
            **common,
        )
        if kind is PiiKind.CITY and strategy == "fake":
            whole = _with_cities(whole, country_of(values.drop_null().unique().to_pylist()), values)
        by = labels.get(name)
        if by is not None and strategy == "fake" and column.kind.family == "text":
            parts = _parts(values, by, entities, k)
            if kind in ABOUT_PERSON:  # written alike; the name goes by the country
                variants = _spoken(whole, [n for n, _ in parts if n not in unlike])
            else:
                variants = [(n, _variant(whole, n, part, common)) for n, part in parts]
            whole = replace(whole, variants=tuple(variants))
        made[name] = replace(whole, blank=_is_blank(data.column(name))) if name in fields else whole
    return made


def _is_blank(values: pa.ChunkedArray) -> bool:
    """Tell whether rows without a value hold an empty text, rather than NULL."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    empty = pc.sum(pc.equal(values, pa.scalar("", values.type))).as_py() or 0
    return bool(empty > values.null_count)


def _spoken(whole: FakeColumn, labels: Sequence[str]) -> list[tuple[str, FakeColumn]]:
    """Return what makes up what is about a person of each country."""
    if whole.blocks is None:
        return []
    found = ((label, territory_of(label)) for label in labels)
    return [(n, replace(whole, blocks=pools(locale_of(there)))) for n, there in found if there]


def _in_other_script(
    kinds: Mapping[str, PiiKind], data: pa.Table, labels: Mapping[str, Labels]
) -> set[str]:
    """Return the countries whose names are not written as they are there."""
    found: set[str] = set()
    for name in (n for n, kind in kinds.items() if kind in NAMES and n in labels):
        for label in dict.fromkeys(label for label in labels[name].tolist() if label):
            there = territory_of(label)
            values = data.column(name).filter(pa.array(labels[name] == label))
            if there and not _same_script(pools(locale_of(there)).last, values):
                found.add(label)
    return found


def _is_first(
    names: list[tuple[Names, set[PiiKind]]], kind: PiiKind, values: pa.ChunkedArray
) -> bool:
    """Tell whether a further address or user name is made of the first person's name, too."""
    persons = _beside(names, kind, 0, values) if kind in _MADE_OF_NAMES and names else None
    texts = [str(text).rpartition("@")[0] or str(text) for text in as_text(values).to_pylist()]
    return bool(persons) and own_rows(texts, persons or []) > len(texts) / 2


def _parts(
    values: pa.ChunkedArray, labels: Labels, entities: Optional[Entities], k: int
) -> list[tuple[str, pa.ChunkedArray]]:
    """Return the values beside each label that enough entities share; the commonest first."""
    encoded = pa.array(labels.tolist(), pa.string()).dictionary_encode()
    # -1, for no label, is nobody's: it is neither counted nor a part
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(encoded.dictionary)
    counts = np.bincount(codes[codes >= 0], minlength=size)
    shared = counts if entities is None else entities.holders(codes, size)
    order = [i for i in np.argsort(-counts, kind="stable")[:_MOST_VARIANTS] if shared[i] >= k]
    return [(encoded.dictionary[i].as_py(), values.filter(pa.array(codes == i))) for i in order]


def _variant(
    whole: FakeColumn, label: str, values: pa.ChunkedArray, common: dict[str, Any]
) -> FakeColumn:
    """Return what makes the values beside a label, in the form of its country where it is one."""
    region = label if is_region(label) else ""
    territory = "" if whole.kind is PiiKind.CREDIT_CARD else region[:2] or territory_of(label) or ""
    locale = locale_of(territory) if territory else ENGLISH
    made = FakeColumn.fit(
        whole.kind, whole.column, values, locale=locale, territory=territory, **common
    )
    foreign = made.blocks is not None and not _same_script(made.blocks.streets, values)
    if foreign:  # the real ones are written in another script than the country's own
        made = replace(made, blocks=whole.blocks)
    if made.kind is PiiKind.CITY and territory:
        made = _with_cities(made, region or territory, values)
    return replace(made, case=whole.case)


def _with_cities(made: FakeColumn, place: str, values: pa.ChunkedArray) -> FakeColumn:
    """Return what makes cities of a country or region, which repeat as often as `values` do."""
    some = [str(value) for value in values.unique().drop_null().to_pylist()]
    known = cities_of(place, script_of("".join(some[:_SOME]))) if place else ()
    if made.blocks is None or len(known) < _LEAST_CITIES:
        return made
    rows = len(values) - values.null_count
    count = len(known) if made.unique else max(choices_for(len(some), rows), _LEAST_CITIES)
    # by nothing but their number: which ones are the real ones decides nothing
    order = np.random.Generator(np.random.Philox(count)).permutation(len(known))[:count]
    return replace(made, blocks=replace(made.blocks, cities=np.array(known)[order]))


def _same_script(made: Texts, values: pa.ChunkedArray) -> bool:
    some = [str(value) for value in values.slice(0, _SOME).drop_null().to_pylist()]
    return not some or script_of("".join(made[:_SOME])) == script_of("".join(some))


def _common(
    values: pa.ChunkedArray, kind: PiiKind, entities: Entities, k: int, whole_form: bool
) -> pa.ChunkedArray:
    """Return the values without those whose domain, or shape, fewer than `k` entities have.

    Parameters
    ----------
    values : pyarrow.ChunkedArray
    kind : PiiKind
    entities : Entities
        Behind the values.
    k : int
    whole_form : bool
        The shape of all of it is used, of any kind.
    """
    if not entities.paths or (kind in _FREE_FORM and not whole_form):
        return values
    known = np.flatnonzero(np.asarray(values.is_valid()))
    texts = as_text(values)
    if whole_form:
        forms = pa.array(list(map(form_of, texts.to_pylist())), pa.string())
    elif kind is PiiKind.EMAIL:
        forms = pc.replace_substring_regex(pc.utf8_lower(texts), r"^.*@", "")
    elif kind is PiiKind.URL:
        forms = pc.replace_substring_regex(pc.utf8_lower(texts), r"[^/]*$", "")
    else:
        seen = (f"{lead_of(kind, text)} {shape(text)}" for text in texts.to_pylist())
        forms = pa.array(seen, pa.string())
    coded = forms.dictionary_encode()
    codes = coded.indices.to_numpy().astype(np.int64)
    # shapes of few are left out before anything is learned of them
    few = entities.take(known).holders(codes, len(coded.dictionary)) < k
    # codes are of the known values only: `known` leads back to the rows
    hidden = np.zeros(len(values), dtype=np.bool_)
    hidden[known[few[codes]]] = True
    return pc.if_else(pa.array(hidden), pa.scalar(None, values.type), values)


def _persons(kinds: Mapping[str, PiiKind], data: pa.Table) -> list[tuple[Names, set[PiiKind]]]:
    """Return the names of each person of the rows, and the kinds of column they are from."""
    columns = {kind: [c for c, k in kinds.items() if k is kind] for kind in NAMES}
    found: list[tuple[Names, set[PiiKind]]] = []
    for number in range(max(map(len, columns.values()))):
        texts = {
            kind: [str(text or "") for text in data.column(names[number]).to_pylist()]
            for kind, names in columns.items()
            if number < len(names) and names[number] in data.column_names
        }
        first, last = texts.get(PiiKind.FIRST_NAME), texts.get(PiiKind.LAST_NAME)
        if first is None and last is None and PiiKind.NAME in texts:
            found.append(([full_name(text) for text in texts[PiiKind.NAME]], {PiiKind.NAME}))
        else:
            nothing = [""] * data.num_rows
            found.append((list(zip(first or nothing, last or nothing)), set(texts)))
    return found


def _beside(
    names: list[tuple[Names, set[PiiKind]]], kind: PiiKind, person: int, values: pa.ChunkedArray
) -> Optional[Names]:
    """Return the names beside the values of a column that is made of names."""
    if person >= len(names) or kind not in ABOUT_PERSON - {PiiKind.FIRST_NAME, PiiKind.LAST_NAME}:
        return None
    persons, origin = names[person]
    if kind is PiiKind.NAME and not origin >= {PiiKind.FIRST_NAME, PiiKind.LAST_NAME}:
        return None
    return _known(persons, values)


def _known(persons: Names, values: pa.ChunkedArray) -> Optional[Names]:
    """Return the names beside values that are not NULL."""
    valid = values.is_valid().to_pylist()
    return [one for one, there in zip(persons, valid) if there] if len(valid) else None


def persons_of(kinds: Mapping[str, PiiKind], data: pa.Table) -> Names:
    """Return the first and last name of the (first) person of each row; empty if not known."""
    return _persons(kinds, data)[0][0]
