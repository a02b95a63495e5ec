"""DDL without what people wrote beside it."""

from __future__ import annotations

import re
from dataclasses import replace

from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import SchemaDdl, Statement

__all__ = ["without_comments"]

# What is quoted comes first, so that a mark inside it is none.
_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`"
_NOTE = r"--[^\n]*|/\*(?!!).*?\*/"
_PLAIN = re.compile(rf"(?P<kept>{_QUOTED})|{_NOTE}", re.DOTALL)
_TEXT = r"'(?:[^'\\]|''|\\.)*'"
_INSIDE = re.compile(
    rf"\s*,?\s*\bCOMMENT\s*=?\s*{_TEXT}|(?P<kept>{_TEXT}|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`)"
    rf"|{_NOTE}",
    re.DOTALL | re.IGNORECASE,
)
_OPTION = re.compile(
    rf"(?P<kept>{_TEXT}|`[^`]*`)|,\s*\bdescription\s*=\s*{_TEXT}"
    rf"|\s*\bOPTIONS\s*\(\s*description\s*=\s*{_TEXT}\s*\)|{_NOTE}",
    re.DOTALL | re.IGNORECASE,
)
_PATTERNS = {"inside": _INSIDE, "options": _OPTION}


def without_comments(ddl: SchemaDdl, spelling: Spelling) -> SchemaDdl:
    """Return statements that make the same tables, and say nothing about them."""
    pattern = _PATTERNS.get(spelling.comments, _PLAIN)

    def bare(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(
            replace(s, sql=pattern.sub(lambda match: match["kept"] or "", s.sql))
            for s in statements
            if not s.what.startswith("comment on ")
        )

    return replace(
        ddl,
        setup=bare(ddl.setup),
        tables={name: bare(statements) for name, statements in ddl.tables.items()},
        after=bare(ddl.after),
        keys=bare(ddl.keys),
        objects=tuple(replace(thing, comment="") for thing in ddl.objects),
    )
