"""The files of a checkpoint, read within bounds: whoever made them may mean harm.

A few bytes can ask for more memory than there is, or for a number of a million digits. So what
a file declares is compared to what it holds *before* anything is allocated.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synthohive._arrays import AnyArray
from synthohive.exceptions import SerializationError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LARGEST", "check_size", "read_arrays", "read_json", "read_rows"]

LARGEST = 1 << 30
"""Most bytes of one component, once it is unpacked."""
LARGEST_TEXT = 1 << 28
LONGEST_NUMBER = 100
MOST_ROWS = 10_000_000
"""Of a look-up table, which fits in memory with room to spare."""


def check_size(path: Path, largest: int = LARGEST) -> None:
    """Refuse a file beyond the bound."""
    size = path.stat().st_size
    if size > largest:
        raise SerializationError(
            f"Component {path.name!r} has {size:,} bytes; at most {largest:,} are read."
        )


def read_json(path: Path) -> Any:
    """Read JSON; nesting beyond Python's stack and numbers of no use are refused.

    Raises
    ------
    SerializationError
    """
    check_size(path, LARGEST_TEXT)
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_int=_whole)
    except (ValueError, RecursionError) as exc:
        raise SerializationError(f"Component {path.name!r} is no JSON: {exc}") from exc


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:  # Python takes quadratic time
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)


def read_arrays(path: Path) -> dict[str, AnyArray]:
    """Read a ``.npz`` file; nothing is unpickled.

    Raises
    ------
    SerializationError
        An array is not what its header says, or all are more than the bound.
    """
    check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > LARGEST:
                raise ValueError(f"unpacked, it has more than {LARGEST:,} bytes")
            return {member.filename[:-4]: _array(archive, member) for member in members}
    except Exception as exc:  # zipfile and NumPy have no common error
        raise SerializationError(f"Component {path.name!r} cannot be unpacked: {exc}") from exc


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> AnyArray:
    import numpy as np

    name = member.filename
    if not name.endswith(".npy"):
        raise ValueError(f"{name!r} is no array")
    data = archive.read(member)  # never more than the member's declared size
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        file.seek(0)
        np.lib.format.read_magic(file)
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    count = 1
    for size in shape:
        count *= size
        if size < 0 or count > MOST_ROWS:
            raise ValueError(f"{name!r} has the shape {shape}")
    # Objects would be pickles, and a shape may claim more than is there.
    if dtype.hasobject or count * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"{name!r} does not hold {count} values of {dtype}")
    flat = np.frombuffer(data, dtype, count, file.tell())
    # A copy, since what stands on the bytes of the file cannot be written to.
    values: AnyArray = flat.reshape(shape, order="F" if fortran else "C").copy()
    return values


def read_rows(path: Path) -> pa.Table:
    """Read a Parquet file; text is unpacked only once its length is known.

    Raises
    ------
    SerializationError
        It is damaged, or more than the bound.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet as pq

    check_size(path)
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            facts = file.metadata
            sizes = [facts.row_group(i).total_byte_size for i in range(facts.num_row_groups)]
            if facts.num_rows > MOST_ROWS or sum(sizes) > LARGEST or min(sizes, default=0) < 0:
                _beyond()
        nested = [
            f.name for f in schema if pa.types.is_nested(f.type) or hasattr(f.type, "index_type")
        ]
        if nested:
            raise ValueError(f"column {nested[0]!r} is not flat")
        texts = [f.name for f in schema if any(test(f.type) for test in _texts())]
        coded = pq.read_table(path, read_dictionary=texts)
        for name in texts:  # one long text, a million times: short until it is unpacked
            chunks = coded.column(name).chunks
            if pa.types.is_dictionary(coded.schema.field(name).type):
                lengths = [pc.binary_length(c.dictionary).take(c.indices) for c in chunks]
                if sum(pc.sum(each).as_py() or 0 for each in lengths) > LARGEST:
                    _beyond()
        return coded.cast(schema)
    except SerializationError:
        raise
    except Exception as exc:  # Arrow's errors, and those of what it calls
        raise SerializationError(f"Component {path.name!r} cannot be read: {exc}") from exc


def _texts() -> tuple[Callable[[pa.DataType], bool], ...]:
    from pyarrow import types

    return types.is_string, types.is_large_string, types.is_binary, types.is_large_binary


def _beyond() -> NoReturn:
    raise ValueError(f"unpacked, it has more than {LARGEST:,} bytes or {MOST_ROWS:,} rows")
