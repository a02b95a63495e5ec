"""Names in a properties file, whose texts dbt runs as Jinja, and those of its tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count

from synthohive import Metadata, SchemaError

__all__ = ["check_names", "short_name"]

_JINJA = re.compile(r"\{\{|\{%|\{#")
_IN_A_CALL = re.compile(r"['\"\\\r\n]")
_IN_A_PATH = re.compile(r"[/\\]")
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z]+")  # what dbt's selectors and its file names bear
_LONGEST = 63  # bytes of PostgreSQL's names, and so of the table that stores a test's failures


def check_names(metadata: Metadata, schema: str) -> None:
    """Check the names that a properties file about a schema would hold.

    Raises
    ------
    SchemaError
        dbt would run a name as Jinja when it reads the file, or end a string in it.

    Examples
    --------
    >>> check_names(Metadata().add_table("{{ env_var('HOME') }}"), "copy")
    Traceback (most recent call last):
    ...
    synthohive.exceptions.SchemaError: dbt would run the name "{{ env_var('HOME') }}" of a table \
as Jinja. Rename it, or leave the table out.
    """
    for name in (schema, str(metadata.schema_name or "")):
        _check(name, "a schema", in_a_call=True)
        if _IN_A_PATH.search(name):
            raise SchemaError(f"The schema {name!r} cannot be part of a file's name.")
    for name, table in metadata.tables.items():
        _check(name, "a table", in_a_call=True)
        for column in table.columns:
            _check(column, f"a column of {name!r}", in_a_call=False)


def _check(name: str, what: str, *, in_a_call: bool) -> None:
    hint = "Rename it, or leave the table out."
    if _JINJA.search(name):
        raise SchemaError(f"dbt would run the name {name!r} of {what} as Jinja.", hint=hint)
    if in_a_call and _IN_A_CALL.search(name):
        raise SchemaError(
            f"The name {name!r} of {what} cannot stand in source('…', '…').", hint=hint
        )


def short_name(test: str, table: str, columns: Sequence[str], schema: str, taken: set[str]) -> str:
    """Return a test's name, such as ``ks_drift_orders_amount``, and note it as taken.

    Parameters
    ----------
    columns : sequence of str
        What the test is about; none for the table.
    schema : str
        Part of the name where it is taken already.
    taken : set of str
        Changed in place.

    Examples
    --------
    >>> taken = {"ks_drift_orders_amount"}
    >>> short_name("ks_drift", "orders", ["tax"], "copy", taken)
    'ks_drift_orders_tax'
    >>> short_name("ks_drift", "orders", ["amount"], "copy", taken)
    'ks_drift_orders_amount_copy'
    >>> short_name("ks_drift", "orders", ["Amount €"], "copy", taken)
    'ks_drift_orders_Amount'
    >>> short_name("ks_drift", "orders", ["amount"], "copy", taken)
    'ks_drift_orders_amount_copy_2'
    """
    name = _plain(test, table, *columns)
    if name in taken:
        name = _plain(test, table, *columns, schema)
    found = name[:_LONGEST]
    for number in count(2):
        if found not in taken:
            break
        found = f"{name[: _LONGEST - len(str(number)) - 1]}_{number}"
    taken.add(found)
    return found


def _plain(*parts: str) -> str:
    return _NOT_IN_A_NAME.sub("_", "_".join(parts)).strip("_")
