"""What people wrote about the tables of a target goes over to the new ones.

The note of a run tells which comments it wrote itself: all others, and the lack of one that
it wrote, are somebody's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Optional

__all__ = ["Comments", "Place", "changes", "keys"]

Place = tuple[str, ...]
"""Kind and name of something in a schema, without the schema: ``("column", "orders", "id")``."""
Comments = Mapping[Place, str]


def keys(comments: Comments) -> list[str]:
    """Return the keys by which a run's note knows the comments that it wrote.

    Examples
    --------
    >>> len(keys({("table", "orders"): "from the shop"}))
    1
    """
    return sorted(_key(place, text) for place, text in comments.items())


def changes(old: Comments, new: Comments, made: Iterable[str]) -> dict[Place, Optional[str]]:
    """Return what has to be written about the new tables, or (None) to be removed.

    Parameters
    ----------
    old, new : dict
        Comments on what is replaced, and on what comes in its place.
    made : iterable of str
        The keys in the note beside the old ones.

    Examples
    --------
    >>> ours = {("table", "a"): "from the shop", ("table", "b"): "also"}
    >>> old = {("table", "a"): "ask Ada"}
    >>> changes(old, ours, keys(ours))
    {('table', 'a'): 'ask Ada', ('table', 'b'): None}
    """
    own = frozenset(made)
    found: dict[Place, Optional[str]] = {
        place: text
        for place, text in old.items()
        if new.get(place) != text and _key(place, text) not in own
    }
    for place, text in new.items():
        if place not in old and _key(place, text) in own:
            found[place] = None
    return found


def _key(place: Place, text: str) -> str:
    whole = json.dumps([*place, text])
    return f"comment {hashlib.sha256(whole.encode()).hexdigest()[:32]}"
