"""Weights from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file

from synthohive.models.training import one_thread
from synthohive.storage.components import check_size

__all__ = ["read_tensors", "restored"]

Network = TypeVar("Network", bound=torch.nn.Module)


def restored(build: Callable[[], Network], weights: dict[str, torch.Tensor]) -> Network:
    """Build a network and give it its weights; one of another size is never allocated.

    Raises
    ------
    ValueError
        The settings describe a network that the weights are not of.
    """
    with torch.device("meta"):  # shapes without memory
        expected = {name: values.shape for name, values in build().state_dict().items()}
    found = {name: values.shape for name, values in weights.items()}
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            raise ValueError(f"the weights {name!r:.100} are missing, or of another shape")
    with one_thread(0):
        network = build()
    network.load_state_dict(weights)
    return network


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
