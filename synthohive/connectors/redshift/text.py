"""What errors say, without the values that they quote."""

from __future__ import annotations

import re

from synthohive.exceptions import HIDDEN_VALUE

__all__ = ["reason"]

_OF_VALUES = ("22", "23")
"""Classes of errors that a value causes, and whose texts repeat it."""


def reason(exc: BaseException) -> str:
    r"""Return the server's message, in one line, without the values that it quotes.

    Examples
    --------
    >>> reason(ValueError("connection to server failed\n\tIs it running?"))
    'connection to server failed'
    """
    said = getattr(getattr(exc, "diag", None), "message_primary", None) or str(exc)
    text = str(said).strip().split("\n", maxsplit=1)[0].rstrip(".")  # below stand details
    if str(getattr(exc, "pgcode", None) or "")[:2] in _OF_VALUES:
        text = re.sub(r"'.*'|\".*\"|(?<=: ).*", HIDDEN_VALUE, text)
    return text or type(exc).__name__
