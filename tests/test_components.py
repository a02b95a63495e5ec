"""What is read of a checkpoint stays within bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthohive.exceptions import SerializationError
from synthohive.storage.components import MOST_ROWS, read_arrays


def test_an_array_of_endless_zeros_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.zeros(MOST_ROWS + 1, dtype=np.int8))
    with pytest.raises(SerializationError, match=r"arrays\.npz.*has the shape"):
        read_arrays(path)
