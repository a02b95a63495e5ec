"""Names and strings in Spark SQL, and what errors say without the values that they quote."""

from __future__ import annotations

import re

from synthohive.exceptions import HIDDEN_VALUE

__all__ = ["hidden", "literal", "quote", "reason"]

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0"}

_OF_VALUES = re.compile(
    r"SQLSTATE: (?:22|23)|INVALID_INPUT|OVERFLOW|CONSTRAINT|OUT_OF_RANGE|MALFORMED|EXCEED.*LENGTH"
)
_CLASS = re.compile(r"^(?:.*?(?=\[))?(?:\[[A-Z0-9_.]+\])?")
_VALUES = re.compile(r"['\"\[{\d].*['\"\]}\d]|['\"\[{\d]|(?<=: ).+")
"""From the first to the last sign of one: a value may have any sign in it."""


def quote(name: str) -> str:
    """Quote an identifier."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    r"""Quote a string, in which a backslash escapes.

    Examples
    --------
    >>> print(literal("it's"))
    'it\'s'
    """
    return "'" + "".join(_ESCAPES.get(c, c) for c in text) + "'"


def reason(exc: BaseException) -> str:
    r"""Return the server's message, in one line, without the values that it quotes.

    Examples
    --------
    >>> reason(ValueError("[CAST_INVALID_INPUT] The value 'a@b.c' cannot be cast.\n\tat org…"))
    "[CAST_INVALID_INPUT] The value '…' cannot be cast"
    """
    whole = str(getattr(exc, "message", None) or exc)
    text = " ".join(whole.split("\n", maxsplit=1)[0].split())
    if _OF_VALUES.search(whole):
        named = _CLASS.match(text)
        end = named.end() if named is not None else 0
        text = text[:end] + hidden(text[end:].partition(" SQLSTATE: ")[0])
    return text.rstrip(".") or type(exc).__name__


def hidden(text: str) -> str:
    """Hide all in a message that may be a value.

    Examples
    --------
    >>> hidden("Cannot cast string 'a@b.c' to a number")
    "Cannot cast string '…' to a number"
    """
    return _VALUES.sub(HIDDEN_VALUE, text)
