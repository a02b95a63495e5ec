"""What was learned, through the codec and back, as a checkpoint does it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Optional, TypeVar

from synthohive.storage.codec import Packed, pack, unpack

__all__ = ["again", "shown"]

Learned = TypeVar("Learned")


def again(value: Learned, kind: Optional[Any] = None) -> Learned:
    """Return the value that is read where this one was written."""
    packed = pack(value, kind)
    state = json.loads(json.dumps(packed.state))
    read: Learned = unpack(kind or type(value), Packed(state, packed.arrays, packed.rows))
    return read


def shown(value: Any, without: Collection[str] = ()) -> str:
    """Return all that is written, as text."""
    packed = pack(value, without=without)
    parts = [json.dumps(packed.state, ensure_ascii=False)]
    parts += [str(array.tolist()) for array in packed.arrays.values()]
    return " ".join([*parts, *(str(rows.to_pylist()) for rows in packed.rows.values())])
