"""Whom a table or a column may stand for, by its name: persons, keys to them, or things."""

from __future__ import annotations

import re

from synthohive.privacy.column_names import phrase_of
from synthohive.texts.lists import words

__all__ = [
    "is_about_persons",
    "is_about_things",
    "is_key_name",
    "names_persons",
    "singular",
    "words_of",
]

# Names of tables and columns whose rows cannot be persons, accounts or organisations. What is not
# listed may be: stores, suppliers, devices, contracts and whatever is unknown.
_THINGS = words("table: things")
_PERSONS = words("table: persons")
# What rows of a table are called that are persons, or as good as; columns called so need not be.
_PERSON_TABLES = _PERSONS | words("table: persons alone")
_KEY_ENDS = frozenset("id ids uid uuid guid oid key fk sk ref".split())
# What names a person wherever it stands, and who did something.
_NAMING = words("key: naming")
_NUMBER_ENDS = frozenset("no nr num number nummer numero code hash token login name handle".split())


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case and without accents.

    Examples
    --------
    >>> words_of("shipCustomerID"), words_of("numéro_client")
    (['ship', 'customer', 'id'], ['numero', 'client'])
    """
    return [word for word in re.split(r"_|(?<=\D)(?=\d)|(?<=\d)(?=\D)", phrase_of(name)) if word]


def singular(word: str) -> str:
    """Return an English word without the ending of its plural.

    Examples
    --------
    >>> singular("countries"), singular("statuses"), singular("address")
    ('country', 'statuse', 'address')
    """
    for end, put in (("ies", "y"), ("sses", "ss"), ("ses", "se"), ("s", "")):
        if word.endswith(end) and len(word) > len(end) + 2 and not word.endswith("ss"):
            return word[: -len(end)] + put
    return word


def _is(word: str, known: frozenset[str]) -> bool:
    return word in known or singular(word) in known


def is_about_things(name: str) -> bool:
    """Tell whether rows of a table, or what a key refers to, are plainly no persons.

    Examples
    --------
    >>> [is_about_things(n) for n in ("products", "leagueID", "customers", "stores", "t17")]
    [True, True, False, False, False]
    """
    parts = [w for w in words_of(name) if w not in _KEY_ENDS]
    return bool(parts) and _is(parts[-1], _THINGS) and not any(_is(w, _PERSONS) for w in parts)


def is_about_persons(name: str) -> bool:
    """Tell whether the rows of a table are called persons, accounts or organisations.

    Examples
    --------
    >>> [is_about_persons(n) for n in ("tbl_customers", "treatments", "customer_orders", "cases")]
    [True, False, False, True]
    """
    parts = words_of(name)
    return bool(parts) and _is(parts[-1], _PERSON_TABLES)


def names_persons(name: str) -> bool:
    """Tell whether a name says that someone is meant.

    Examples
    --------
    >>> [names_persons(n) for n in ("lead_customer_id", "created_by", "lgID")]
    [True, True, False]
    """
    return any(word in _NAMING or _is(word, _PERSONS) for word in words_of(name))


def is_key_name(name: str) -> bool:
    """Tell whether a column is called like a key to persons, or to anything unknown.

    Examples
    --------
    >>> [is_key_name(n) for n in ("user_id", "subject_id", "kundennummer", "EmployeeId", "sku_id")]
    [True, True, True, True, False]
    >>> [is_key_name(n) for n in ("case_key", "meta_key", "setting_key")]
    [True, False, False]
    >>> [is_key_name(n) for n in ("created_by", "contact_email", "assignee", "persons")]
    [True, True, True, False]
    >>> [is_key_name(n) for n in ("customer_type", "paid", "amount", "user_agent")]
    [False, False, False, False]
    """
    parts = words_of(name)
    if not parts or is_about_things(name):
        return False
    if parts[-1] in _KEY_ENDS | _NAMING | _PERSONS:  # plurals are numbers of them
        return True
    if parts[-1] in _NUMBER_ENDS:
        return any(_is(word, _PERSONS) for word in parts[:-1])
    for end in (*_KEY_ENDS, *_NUMBER_ENDS):
        stem = parts[-1][: -len(end)]
        if parts[-1].endswith(end) and (
            _is(stem, _PERSONS) or (stem.endswith("n") and stem[:-1] in _PERSONS)
        ):
            return True
    return False
