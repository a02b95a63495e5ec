"""Gaussian mixtures of a column's values."""

from __future__ import annotations

import subprocess
import sys


def test_one_mode_needs_no_scikit_learn() -> None:
    program = """
import sys
import numpy as np
from synthohive.encoding.mixture import Mixture
assert len(Mixture.fit(np.arange(9.0), 1, np.random.SeedSequence(1))) == 1
sys.exit("sklearn" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
