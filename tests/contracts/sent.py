"""What a run sends to a warehouse, held against what ``docs/security.md`` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["documented", "statement_kind"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
_KINDS = (
    (r"SHOW .*\bKEYS\b", "SHOW KEYS"),
    (r"SHOW\b", "SHOW OBJECTS"),
    (r"ALTER SCHEMA .* SWAP WITH", "SWAP SCHEMA"),
    (r"ALTER SCHEMA .* RENAME TO", "RENAME SCHEMA"),
    (r"COMMENT ON SCHEMA\b", "COMMENT SCHEMA"),
    (
        r"(CREATE|DROP|ALTER|USE) (?:TRANSIENT )?(SCHEMA|TABLE|VIEW|STAGE|SESSION)\b",
        r"\1 \2",
    ),
)


def statement_kind(sql: str) -> str:
    """Return what kind of statement it is, as the document names it.

    Examples
    --------
    >>> statement_kind('ALTER SCHEMA "A" SWAP WITH "B"'), statement_kind("COPY INTO t FROM @s")
    ('SWAP SCHEMA', 'COPY')
    """
    text = " ".join(sql.split())
    for pattern, kind in _KINDS:
        if found := re.match(pattern, text, re.IGNORECASE):
            return found.expand(kind).upper()
    return text.partition(" ")[0].upper()


def documented(engine: str) -> set[str]:
    """Return the kinds of statements and calls that the document lists for an engine."""
    block = re.search(
        f"<!-- {engine}: sent -->(.*)<!-- {engine}: end -->", DOCUMENT.read_text(), re.DOTALL
    )
    assert block is not None
    firsts: Iterable[str] = (line.split("|")[1] for line in block[1].splitlines() if "|" in line)
    return {kind for first in firsts for kind in re.findall("`([^`]+)`", first)}
