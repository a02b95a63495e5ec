"""Names that users pass, checked before Spark is touched, and paths, told from names.

A name is one to three parts between dots, each of letters, digits and underscores: ``orders``,
``shop.orders``, ``main.shop.orders``. A path has a slash, or is a :class:`pathlib.Path`:
``s3://bucket/orders``, ``/data/orders``, ``./orders``.
"""

from __future__ import annotations

import os
import re
from typing import Any

from synthohive.connectors.spark_sql.text import quote
from synthohive.exceptions import SchemaError

__all__ = ["is_path", "parts_of", "quote", "quoted"]

_PART = re.compile(r"[A-Za-z0-9_]+")  # ASCII: what looks alike may not be the same
_LONGEST = 255


def parts_of(name: Any, what: str, most: int = 3) -> list[str]:
    """Take a name that a user passed apart.

    Parameters
    ----------
    name : str
    what : str
        As errors call it: ``"database"``, ``"table"``.
    most : int, default 3
        Its most parts: catalog, database and table.

    Raises
    ------
    SchemaError
        It is no name, which no statement may have in it.

    Examples
    --------
    >>> parts_of("main.shop", "database", 2)
    ['main', 'shop']
    """
    parts = name.split(".") if isinstance(name, str) else []
    fine = all(_PART.fullmatch(part) and len(part) <= _LONGEST for part in parts)
    if not parts or not fine or len(parts) > most:
        shown = repr(name[:80]) if isinstance(name, str) else f"a {type(name).__name__}"
        raise SchemaError(
            f"{shown} is no name of a {what}.",
            hint=f"It is of letters (a to z), digits and underscores, in at most {most} parts with "
            "dots between them.",
        )
    return parts


def quoted(name: Any, what: str, most: int = 3) -> str:
    """Check a name that a user passed, and quote it; see :func:`parts_of`.

    Examples
    --------
    >>> quoted("main.shop.orders", "table")
    '`main`.`shop`.`orders`'
    """
    return ".".join(map(quote, parts_of(name, what, most)))


def is_path(place: Any) -> bool:
    """Whether a place is a folder's path, not a table's name.

    Examples
    --------
    >>> is_path("s3://bucket/orders"), is_path("main.shop.orders")
    (True, False)
    """
    return isinstance(place, os.PathLike) or (isinstance(place, str) and "/" in place)
