"""Arrays that the code names by what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]  # counts, and positions of rows: -1 where there is none
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
# What models see: an int32 code for each category, float32 for what is continuous. Half of the
# memory of the above, and what the networks compute with.
Codes = npt.NDArray[np.int32]
Floats32 = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]
