"""Arrow columns as the text that databases parse, vectorised."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["array_literals", "clock", "hexadecimal", "iso_timestamps", "since_epoch", "text"]

# The two digits of each byte as one 16-bit number, (256,): text is then one look-up.
_HEX = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype="<u2")


def text(array: pa.Array) -> pa.Array:
    """Cast to string."""
    return array if pa.types.is_string(array.type) else pc.cast(array, pa.string())


def hexadecimal(array: pa.Array, prefix: str = "") -> pa.Array:
    r"""Return binary values as hexadecimal text.

    Examples
    --------
    >>> hexadecimal(pa.array([b"\x00\xff", None, b""]), "x").to_pylist()
    ['x00ff', None, 'x']
    """
    plain = pc.cast(array, pa.large_binary())  # 64-bit offsets: digits may pass 2 GB
    if plain.offset:  # a slice shares the buffers of the whole: copied, it has its own
        plain = pa.concat_arrays([plain, pa.array([], plain.type)])
    _, offsets, data = plain.buffers()
    ends = np.frombuffer(offsets, dtype="<i8")[plain.offset : plain.offset + len(plain) + 1]
    raw = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]] if data else np.empty(0, np.uint8)
    digits = _HEX[raw]  # (bytes,); each value's ends are at twice the places
    values = pa.Array.from_buffers(
        pa.large_string(),
        len(plain),
        [None, pa.py_buffer((ends - ends[0]) * 2), pa.py_buffer(digits)],
    )
    head, between = pa.scalar(prefix, pa.large_string()), pa.scalar("", pa.large_string())
    marked = pc.binary_join_element_wise(head, values, between)
    # The digits came without a mask: NULL, which has none, is no empty value.
    return pc.if_else(pc.is_valid(plain), marked, pa.scalar(None, pa.large_string()))


def array_literals(array: pa.Array, *, records: bool = False) -> pa.Array:
    r"""Return JSON arrays as PostgreSQL array literals.

    Parameters
    ----------
    array : pyarrow.Array
    records : bool, default False
        Objects among the elements are composite values, not JSON.

    Examples
    --------
    >>> array_literals(pa.array(['[1, null]', '["a\\"b", "c"]', None])).to_pylist()
    ['{1, null}', '{"a\\"b","c"}', None]
    """
    # Without quotes (numbers, flags, null) the two forms differ by their brackets alone; else each
    # distinct text is parsed, once.
    simple = pc.invert(pc.match_substring_regex(array, '["\\\\]'))
    braces = pc.replace_substring(pc.replace_substring(array, "[", "{"), "]", "}")
    if pc.all(simple).as_py() in (True, None):
        return braces
    coded = array.dictionary_encode()
    literals = pa.array(
        [_literal(json.loads(v), records) for v in coded.dictionary.to_pylist()], pa.string()
    )
    return pc.if_else(simple, braces, literals.take(coded.indices))


def _literal(value: Any, records: bool) -> str:
    if isinstance(value, list):
        return "{" + ",".join(_literal(v, records) for v in value) + "}"
    if records and isinstance(value, dict):
        value = _record(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def record_literals(array: pa.Array) -> pa.Array:
    """Return JSON objects as PostgreSQL's literals of composite values.

    Examples
    --------
    >>> record_literals(pa.array(['{"street": "a b", "zip": 7, "more": null}'])).to_pylist()
    ['("a b",7,)']
    """
    texts = [None if v is None else _record(json.loads(v)) for v in array.to_pylist()]
    return pa.array(texts, pa.string())


def _record(value: Any) -> str:
    """Return a composite value; what is inside it is quoted once more at each level."""
    fields = value.values() if isinstance(value, dict) else [value]
    return "(" + ",".join(_field(field) for field in fields) + ")"


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, dict):
        value = _record(value)
    plain = _literal(value, True) if isinstance(value, list) else str(value)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def iso_timestamps(array: pa.Array) -> pa.Array:
    """Return timestamps as ``2024-01-31 23:59:59.000000``, in UTC where they have a zone.

    Examples
    --------
    >>> iso_timestamps(pa.array([0], pa.timestamp("us", "UTC"))).to_pylist()
    ['1970-01-01 00:00:00.000000']
    """
    naive = pc.cast(array, pa.timestamp("us"))  # drops the zone, keeps the instant of UTC
    return pc.cast(naive, pa.string())


def since_epoch(array: pa.Array) -> pa.Array:
    """Return durations as timestamps counted from 1970, the way SQLAlchemy keeps them."""
    # By way of the number: Arrow casts no duration to a timestamp.
    return pc.cast(pc.cast(pc.cast(array, pa.duration("us")), pa.int64()), pa.timestamp("us"))


def clock(array: pa.Array) -> pa.Array:
    """Return durations as ``[-]hours:minutes:seconds.microseconds``, beyond 24 hours too.

    Examples
    --------
    >>> clock(pa.array([-1_500_000, 360_000_000_000], pa.duration("us"))).to_pylist()
    ['-00:00:01.500000', '100:00:00.000000']
    """
    count = pc.cast(pc.cast(array, pa.duration("us")), pa.int64())
    size = pc.abs(count)
    sign = pc.if_else(pc.less(count, 0), "-", "")
    hours = pc.divide(size, 3_600_000_000)  # apart, as a time of day ends at 24
    rest = pc.subtract(size, pc.multiply(hours, 3_600_000_000))
    tail = pc.cast(pc.cast(rest, pa.time64("us")), pa.string())  # 00:mm:ss.ffffff
    digits = pc.cast(hours, pa.string())
    padded = pc.if_else(pc.less(hours, 10), pc.binary_join_element_wise("0", digits, ""), digits)
    return pc.binary_join_element_wise(sign, padded, pc.utf8_slice_codeunits(tail, 2), "")
