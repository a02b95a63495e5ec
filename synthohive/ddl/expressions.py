"""SQL expressions carried from one engine to another, where every word means the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Optional

__all__ = ["portable_default", "portable_expression"]

_WORDS = {"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "LIKE", "TRUE", "FALSE"}
_CAST = re.compile(
    r"::(?:character varying|character|varchar|text|bpchar|numeric|smallint|integer|bigint|real"
    r"|double precision|date|boolean|time(?:stamp)?(?: with(?:out)? time zone)?)"
    r"(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])?"
)
_ANY = re.compile(r"=\s*ANY\s*\(+ARRAY\[([^\[\]]*)\]\)+")
_CHARSET = re.compile(r"(?<![\w'])_utf8(?:mb[34])?\s*\\?'")
_TOKEN = re.compile(
    r"""\s+|'(?:[^'\\]|'')*'|\d+(?:\.\d+)?|<=|>=|<>|!=|[=<>(),+*-]|[A-Za-z_]\w*|"[^"]+"|`[^`]+`"""
)
_LITERAL = re.compile(r"\(*(-?\d+(?:\.\d+)?|'(?:[^'\\]|'')*'|true|false|null)\)*", re.IGNORECASE)
_NOW = re.compile(r"(?:now|current_timestamp|localtimestamp)(?:\s*\(\d*\))?", re.IGNORECASE)


def portable_expression(
    sql: str, columns: Iterable[str], quote: Callable[[str], str]
) -> Optional[str]:
    """Return the expression in any engine's SQL, or None where it says more than that.

    Parameters
    ----------
    sql : str
        As the source's catalogue writes it.
    columns : iterable of str
        Those of the table, which alone it may name.
    quote : callable
        Quotes a name as the target does.

    Examples
    --------
    >>> portable_expression("((state)::text = ANY (ARRAY['a'::text, 'b'::text]))", ["state"], str)
    "((state) IN ('a', 'b'))"
    >>> portable_expression("length(state) > 1", ["state"], str) is None
    True
    """
    text = _CHARSET.sub("'", sql).replace("\\'", "'")
    text = _unwrap_any(_CAST.sub("", text))
    names, parts, end = set(columns), [], 0
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            return None
        token, end = match[0], match.end()
        if token[0] in '"`' or token[0].isalpha() or token[0] == "_":
            name = token[1:-1] if token[0] in '"`' else token
            if name in names:
                token = quote(name)
            elif token.upper() not in _WORDS:
                return None
        parts.append(token)
    return None if "--" in text else "".join(parts)  # which would begin a comment


def _unwrap_any(text: str) -> str:
    """Turn ``= ANY (ARRAY[…])`` into ``IN (…)``, closing as many parentheses as it opened."""

    def replace(match: re.Match[str]) -> str:
        opened = match[0].split("ARRAY")[0].count("(")
        closed = len(match[0]) - len(match[0].rstrip(")"))
        return f"IN ({match[1]})" + ")" * (closed - opened)

    return _ANY.sub(replace, text)


def portable_default(sql: str) -> Optional[str]:
    """Return a default that every engine understands, or None.

    Examples
    --------
    >>> portable_default("'new'::character varying"), portable_default("now()")
    ("'new'", 'CURRENT_TIMESTAMP')
    """
    text = _CAST.sub("", _CHARSET.sub("'", sql)).strip()
    if _NOW.fullmatch(text):
        return "CURRENT_TIMESTAMP"
    match = _LITERAL.fullmatch(text)
    return match[1] if match else None
