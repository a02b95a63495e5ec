"""Torch without what it brings along for compilers: 2 s and 66 MB of each process that trains.

What would import ``torch._dynamo`` or SymPy is passed by.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["Adam", "AdamW", "Unfilled", "shorten"]


class _Lean(torch.optim.Optimizer):
    """An optimizer's fused step alone: what torch looks up around it takes longer than it."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all weights that have a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            states = [self.state[weight] or self._begun(weight) for weight in weights]
            averages, squares, steps = (
                [state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step")
            )
            torch._foreach_add_(steps, 1)
            gradients = [weight.grad for weight in weights]
            beta1, beta2 = group["betas"]
            self._fused(
                weights, gradients, averages, squares, [], steps,
                lr=group["lr"], beta1=beta1, beta2=beta2, weight_decay=group["weight_decay"],
                eps=group["eps"], amsgrad=False, maximize=False, grad_scale=None, found_inf=None,
            )  # fmt: skip

    def _begun(self, weight: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[weight]
        state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        return state

    @staticmethod
    def _fused(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError


class Adam(_Lean, torch.optim.Adam):
    """See torch."""

    _fused = staticmethod(torch._fused_adam_)


class AdamW(_Lean, torch.optim.AdamW):
    """See torch."""

    _fused = staticmethod(torch._fused_adamw_)


@torch.no_grad()
def shorten(weights: Iterable[Tensor], most: float) -> None:
    """Scale gradients down whose length over all weights is more than that.

    What :func:`torch.nn.utils.clip_grad_norm_` does, which looks up each one's device twice.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if gradients:
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients, 2.0)), 2.0)
        torch._foreach_mul_(gradients, (most / (length + 1e-6)).clamp(max=1.0))


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
