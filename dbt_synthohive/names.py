"""Names that a properties file can hold: dbt runs its texts as Jinja."""

from __future__ import annotations

import re

from synthohive import Metadata, SchemaError

__all__ = ["check_names"]

_JINJA = re.compile(r"\{\{|\{%|\{#")
_IN_A_CALL = re.compile(r"['\"\\\r\n]")
_IN_A_PATH = re.compile(r"[/\\]")


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
