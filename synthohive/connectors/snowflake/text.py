"""What errors say, without the values that they quote."""

from __future__ import annotations

import re

from synthohive.exceptions import HIDDEN_VALUE

__all__ = ["reason"]

_DATA = range(100_000, 101_000)
"""Numbers of errors that a value causes, and whose texts repeat it."""
_VALUES = re.compile(r"['\"\[{\d].*['\"\]}\d]|['\"\[{\d]", re.DOTALL)
"""From the first to the last sign of one: a value may have any sign in it."""


def reason(exc: BaseException) -> str:
    r"""Return the server's message, in one line, without the values that it quotes.

    Examples
    --------
    >>> reason(ValueError("File 'a'\nwas not found."))
    "File 'a' was not found"
    """
    text = str(getattr(exc, "raw_msg", None) or getattr(exc, "msg", None) or exc)
    text = " ".join(text.split())
    text = re.sub(r"^\d{6} \(\w{5}\):(?: (?:None|[0-9a-f-]{36}):)? ", "", text)  # number and query
    if getattr(exc, "errno", None) in _DATA:
        text = _VALUES.sub(HIDDEN_VALUE, text)
    return text.rstrip(".") or type(exc).__name__
