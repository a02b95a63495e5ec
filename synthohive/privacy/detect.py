"""Finding the columns with personal data, by their names, types and contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.exceptions import SchemaError, did_you_mean
from synthohive.privacy.column_names import Hint, hint_of
from synthohive.privacy.content import FITS, are_companies, by_content, is_letters, share
from synthohive.privacy.kinds import PiiFinding, PiiKind, describe, parse_kind
from synthohive.privacy.names import is_name_word, known_names
from synthohive.privacy.vocabulary import are_things
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, PrivacyConfig, TableConfig
from synthohive.texts.documents import is_document

__all__ = ["PiiFinding", "PiiKind", "check_named", "describe", "detect_pii", "kind_of"]

_SAMPLE = 400
_ROWS = 50_000
_LONGEST = 4000
_FEW = 5
_IN_NUMBERS = frozenset({PiiKind.PHONE, PiiKind.CREDIT_CARD, PiiKind.SSN, PiiKind.NATIONAL_ID})

# Share of sampled distinct values that must fit, where the name of the column agrees.
_NEEDED = {
    "email": 0.5,
    "ip": 0.5,
    "mac": 0.5,
    "iban": 0.3,
    "credit_card": 0.5,
    "ssn": 0.5,
    "national_id": 0.5,
    "plate": 0.7,
    "user_name": 0.6,
    "phone": 0.5,
    "postcode": 0.6,
    "url": 0.3,
}
_OWN_WORDS = 0.7  # letters only: where the column's name says that these are names
_UNDECLARED_NAME = 0.1  # names that Faker does not know are common; the column's name tells
_PERSON_NAMED = 0.3
_DOCUMENTS = 0.95
_STREETS, _NUMBERED = 20, 0.2
_NATIVE = {"inet": "ip", "cidr": "ip", "macaddr": "mac", "macaddr8": "mac"}


def detect_pii(table: TableConfig, data: pa.Table, config: PrivacyConfig) -> list[PiiFinding]:
    """Return the columns of a table that hold personal data, of which kind, and why.

    ``TableConfig.pii_cols`` and ``PrivacyConfig.pii_columns`` add to what is detected, and
    clear with the kind ``"none"``. Dates of birth are not among them: dates are protected
    as numbers are.

    Parameters
    ----------
    table : TableConfig
    data : pyarrow.Table
        Rows of the table; a sample is enough.
    config : PrivacyConfig

    Raises
    ------
    SchemaError
        A column or kind named by the user does not exist.
    """
    columns = table.described(data.schema)
    found: dict[str, PiiFinding] = {}
    if config.detect_pii:
        for name, column in columns.items():
            if hit := _detect(column, _sample(data, name)):
                found[name] = PiiFinding(table.name, name, hit[0], hit[1])
    listed = table.pii_cols
    named: Mapping[str, Optional[str]] = (
        listed if isinstance(listed, dict) else dict.fromkeys(listed or [])
    )
    more = config.pii_columns.get(table.name, {})
    for source, stated in (("TableConfig.pii_cols", named), ("PrivacyConfig.pii_columns", more)):
        for name, text in stated.items():
            if name in table.exclude_columns:  # not read, and so protected most of all
                continue
            _require(table, name, columns)
            if text is None or text == "auto":
                hit = _detect(columns[name], _sample(data, name))
                kind: Optional[PiiKind] = hit[0] if hit else _by_name(name)
            else:
                kind = parse_kind(text, table.name, name)
            found.pop(name, None)
            if kind is not None:
                found[name] = PiiFinding(table.name, name, kind, source)
    for name, strategy in config.pii_strategies.get(table.name, {}).items():
        if name in table.exclude_columns:
            continue
        _require(table, name, columns)
        if name not in found and strategy != "keep":
            hit = _detect(columns[name], _sample(data, name)) or (_by_name(name), "")
            found[name] = PiiFinding(table.name, name, hit[0], "PrivacyConfig.pii_strategies")
    return [found[name] for name in columns if name in found]


def check_named(metadata: Metadata, config: PrivacyConfig) -> None:
    """Refuse a configuration that names what the database does not have.

    Raises
    ------
    SchemaError
        A table, column or kind of ``PrivacyConfig.pii_columns`` or ``pii_strategies`` does not
        exist, or a column is a key to others, which has their values.
    """
    named: dict[str, Mapping[str, Mapping[str, str]]] = {
        "pii_columns": config.pii_columns,
        "pii_strategies": config.pii_strategies,
    }
    for field, tables in named.items():
        for name, columns in tables.items():
            if name not in metadata.tables:
                raise SchemaError(
                    f"PrivacyConfig.{field} names the table {name!r}, which does not exist.",
                    hint=did_you_mean(name, metadata.tables),
                )
            table = metadata.tables[name]
            for column, stated in columns.items():
                if table.columns:  # else known only once the rows are seen
                    _require(table, column, table.columns)
                if field == "pii_columns":
                    parse_kind(stated, name, column)
                elif (key := _key_of(table, column)) is not None:
                    raise SchemaError(
                        f"Column {name}.{column} has the values of {key.parent}, to which it is a "
                        "key, and no strategy of its own.",
                        hint=f"Give the strategy to the column of {key.parent!r}.",
                    )


def _key_of(table: TableConfig, column: str) -> Optional[ForeignKey]:
    return next((key for key in table.foreign_keys if column in key.columns), None)


def _require(table: TableConfig, name: str, columns: dict[str, Column]) -> None:
    if name not in columns:
        raise SchemaError.unknown_column(table.name, name, columns)


def kind_of(column: Column, values: list[str]) -> Optional[PiiKind]:
    """Return what kind of personal data a column of distinct `values` holds, if any."""
    hit = _detect(column, values)
    return hit[0] if hit else None


def _by_name(name: str) -> PiiKind:
    return next(iter(hint_of(name).kinds), PiiKind.OTHER)


def _detect(column: Column, values: list[str]) -> Optional[tuple[PiiKind, str]]:
    family = column.kind.family
    if family not in ("text", "number", "document") or column.kind is ColumnKind.COMPOSITE:
        return None
    native = _NATIVE.get((column.sql_type or "").lower())
    if native:
        return PiiKind(native), f"its type is {column.sql_type}"
    if family == "document" or (family == "text" and _are_documents(values)):
        return _in_structure(values)
    hint = hint_of(column.name)
    for kind in hint.kinds:
        if family == "number" and kind not in _IN_NUMBERS:
            continue
        if (why := _agrees(kind, values)) is not None:
            return kind, why
    if family == "number":
        found = by_content(values, words_prove=False)
        return found if found is not None and found[0] in _IN_NUMBERS else None
    things = not hint.of_person and are_things(values)  # North Branch, though both are last names
    if (
        (hint.is_name or hint.of_person)
        and not things
        and (why := _names_persons(values, hint)) is not None
    ):
        return PiiKind.NAME, why
    if (hint.is_company or hint.of_person) and are_companies(values, hint.is_company):
        return PiiKind.COMPANY, "its values are names of companies"
    return by_content(values, words_prove=not (hint.is_harmless or things))


def _in_structure(values: list[str]) -> Optional[tuple[PiiKind, str]]:
    part = share(values, FITS["json"])
    return (PiiKind.JSON, f"{part:.0%} of values name a person") if part >= _PERSON_NAMED else None


def _are_documents(values: list[str]) -> bool:
    return any(v[:1] in "{[<" for v in values) and share(values, is_document) >= _DOCUMENTS


def _agrees(kind: PiiKind, values: list[str]) -> Optional[str]:
    """Return why the contents support what the column's name suggests, else None."""
    if not values:
        return "by its name (no values to look at)"
    if kind is PiiKind.ADDRESS:
        text = share(values, lambda v: len(v) > 2 and not FITS["email"](v) and not FITS["ip"](v))
        worded = share(values, lambda v: any(c.isalpha() for c in v))
        # a few words without a number are carriers ("via"), kinds of address, towns
        many = len(values) >= _STREETS or share(values, _has_digit) >= _NUMBERED
        return "by its name" if text >= 0.5 and worded >= 0.5 and many else None
    if kind in (PiiKind.FIRST_NAME, PiiKind.LAST_NAME):
        # what a column says of itself outweighs a vocabulary that cannot know all names
        words = share(values, is_letters)
        return f"by its name; {words:.0%} of values are words" if words >= _OWN_WORDS else None
    if kind is PiiKind.NAME:
        words, known = share(values, is_letters), share(values, FITS["name"])
        fits = words >= _OWN_WORDS and known >= _UNDECLARED_NAME
        return f"by its name; {known:.0%} of values are known names" if fits else None
    part = share(values, FITS[kind.value])
    return f"by its name; {part:.0%} of values fit" if part >= _NEEDED[kind.value] else None


def _has_digit(value: str) -> bool:
    return any(c.isdigit() for c in value)


def _names_persons(values: list[str], hint: Hint) -> Optional[str]:
    part = share(values, FITS["name"])
    if part >= (_UNDECLARED_NAME if hint.of_person and hint.is_name else _PERSON_NAMED):
        return f"by its name; {part:.0%} of values are known names"
    known = known_names().first | known_names().last
    single = share(values, lambda v: is_name_word(v, known))
    if single >= 0.6 and len(values) >= _FEW:
        return f"by its name; {single:.0%} of values are known names"
    return None


def _sample(data: pa.Table, name: str) -> list[str]:
    """Return up to `_SAMPLE` distinct values as text, spread over the first rows."""
    if name not in data.column_names:
        return []
    values = data.column(name).drop_null()
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        return []
    if pa.types.is_float16(
        values.type
    ):  # of which Arrow 21, the last for Python 3.9, has no unique
        values = values.cast(pa.float32())
    values = values.slice(0, _ROWS).unique()
    step = max(1, len(values) // _SAMPLE)
    values = values.take(pa.array(range(0, min(len(values), step * _SAMPLE), step), pa.int64()))
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = pc.round(pc.cast(values, pa.float64()))
        return [f"{value:.0f}" for value in values.to_pylist()]
    texts = (str(value).strip() for value in values.to_pylist())
    # a document that is cut is none
    cut = (text if text[:1] in "{[<" else text[:_LONGEST] for text in texts)
    return list(dict.fromkeys(text for text in cut if text))
