"""Weights from a file."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from synthohive._components import check_size

__all__ = ["read_tensors"]


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file, whose header is checked against its length.

    Raises
    ------
    ValueError
        A weight is no number: rows drawn with it would be wrong in silence.
    """
    check_size(path)
    tensors: dict[str, torch.Tensor] = load_file(str(path))
    for name, values in tensors.items():
        if not bool(torch.isfinite(values).all()):
            raise ValueError(f"{name!r} holds values that are not finite")
    return tensors
