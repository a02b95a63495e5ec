"""What errors say, without the values that they quote."""

from __future__ import annotations

import re

__all__ = ["reason"]

_OF_VALUES = re.compile(
    r"SQLSTATE: (?:22|23)|INVALID_INPUT|OVERFLOW|CONSTRAINT_VIOLAT|OUT_OF_RANGE"
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|(?<=: )[^:]*$")


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
        text = _QUOTED.sub("'…'", text)
    return text.rstrip(".") or type(exc).__name__
