"""MySQL's own form of a point: its reference system, then the point as well-known binary."""

from __future__ import annotations

import re
import struct

__all__ = ["point_hex", "point_text"]

_TEXT = re.compile(r"(?:SRID=(\d+);)?POINT\s*\((\S+) (\S+)\)")


def point_text(form: str) -> str:
    """Return the text of a point in hexadecimal digits.

    Examples
    --------
    >>> point_text(point_hex("SRID=4326;POINT(13.5 -2.0)"))
    'SRID=4326;POINT(13.5 -2.0)'
    """
    raw = bytes.fromhex(form)
    order = "<" if raw[4] else ">"
    (system,) = struct.unpack("<I", raw[:4])
    x, y = struct.unpack(f"{order}dd", raw[9:25])
    lead = f"SRID={system};" if system else ""
    return f"{lead}POINT({x!r} {y!r})"


def point_hex(text: str) -> str:
    """Return a point in hexadecimal digits, as a column of MySQL takes it.

    Raises
    ------
    ValueError
        The text is none of a point.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("the text is none of a point")
    raw = struct.pack("<IBIdd", int(found[1] or 0), 1, 1, float(found[2]), float(found[3]))
    return raw.hex()
