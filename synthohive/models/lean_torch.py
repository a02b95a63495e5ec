"""Torch without what it brings along for compilers: 2 s and 66 MB of each process that trains.

What would import ``torch._dynamo`` or SymPy is passed by.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["Adam", "AdamW", "Unfilled"]


def _plain(kind: type[torch.optim.Optimizer]) -> dict[str, Any]:
    """Return the methods of an optimizer as they are below torch's wrappers."""
    names = ("add_param_group", "zero_grad", "step")
    found: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return {**found, "step": torch.no_grad()(found["step"])}


class Adam(torch.optim.Adam):
    """See torch."""

    locals().update(_plain(torch.optim.Adam))


class AdamW(torch.optim.AdamW):
    """See torch."""

    locals().update(_plain(torch.optim.AdamW))


class Unfilled(TorchFunctionMode):
    """Leaves new weights as they are: on the meta device, there are only their shapes to know."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Do what was called, but for filling and scaling a tensor."""
        given = kwargs or {}
        if func is torch.randn:  # its shape is told by what imports SymPy, 0.8 s
            return torch.empty(*args)
        scaled = getattr(func, "__name__", "") in ("div", "div_")  # by a number: the shape stays
        if scaled or getattr(func, "__module__", "") == "torch.nn.init":
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)
