"""What is said in texts: errors, without what they quote, and marks of staging schemas."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from synthohive.io.staging import STAGING_MARK

__all__ = ["is_left", "reason"]

_STAGING_NAME = re.compile(re.escape(STAGING_MARK) + "[0-9a-f]{8}$", re.IGNORECASE)
_LONGEST_RUN = timedelta(days=2)  # a statement ends by itself after two days

_DATA = range(100_000, 101_000)
"""Numbers of errors that a value causes, and whose texts repeat it."""


def reason(exc: BaseException) -> str:
    r"""Return the server's message, in one line, without the values that it quotes.

    Examples
    --------
    >>> reason(ValueError("File 'a'\nwas not found."))
    "File 'a' was not found"
    """
    text = str(getattr(exc, "raw_msg", None) or getattr(exc, "msg", None) or exc)
    text = " ".join(text.split())
    text = re.sub(r"^\d{6} \(\w{5}\):(?: [0-9a-f-]{36}:)? ", "", text)  # number and query
    if getattr(exc, "errno", None) in _DATA:
        text = _hidden(text)
    return text.rstrip(".") or type(exc).__name__


def _hidden(text: str) -> str:
    first, last = text.find("'"), text.rfind("'")
    return text if first < 0 else f"{text[:first]}'…'{text[last + 1 :]}"


def is_left(name: str, comment: Any, target: str, now: datetime) -> bool:
    """Whether a schema is what a run left of a target that began too long ago to live.

    Snowflake has no locks by which a run could show that it lives.

    Examples
    --------
    >>> from datetime import timezone
    >>> mark = '{"synthohive_staging_of": "SHOP", "began": "2024-01-01T00:00:00+00:00"}'
    >>> now = datetime(2024, 1, 4, tzinfo=timezone.utc)
    >>> is_left("SHOP__synthohive_0123abcd", mark, "SHOP", now)
    True
    """
    if not _STAGING_NAME.search(name):
        return False
    try:
        mark = json.loads(comment)
        began = datetime.fromisoformat(mark["began"])
        return bool(mark["synthohive_staging_of"] == target and now - began > _LONGEST_RUN)
    except (TypeError, ValueError, KeyError):
        return False
