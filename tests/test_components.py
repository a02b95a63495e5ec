"""What is read of a checkpoint stays within bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthohive._components import MOST_ROWS, check_same, read_arrays
from synthohive.exceptions import SerializationError


def test_an_array_of_endless_zeros_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.zeros(MOST_ROWS + 1, dtype=np.int8))
    with pytest.raises(SerializationError, match=r"arrays\.npz.*has the shape"):
        read_arrays(path)


def test_documents_are_compared_once_at_any_depth() -> None:
    deep: dict[str, object] = {"end": 1}
    for _ in range(60):  # twice at each level would never end
        deep = {"in": deep}
    check_same(deep, deep)
    with pytest.raises(ValueError, match=r"lacks in\.other"):
        check_same({"in": {"end": 1}}, {"in": {"end": 1, "other": 2}})
