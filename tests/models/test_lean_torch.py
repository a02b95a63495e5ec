"""Torch's optimizers without what torch looks up around them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from synthohive.models.lean_torch import Adam, AdamW, shorten


def trained(optimizer: Any, clip: Any, length: float) -> list[torch.Tensor]:
    """Take steps with some weights, one of which has gradients only later; return them all."""
    torch.manual_seed(1)
    weights = [torch.nn.Parameter(torch.randn(n, 5)) for n in (3, 4, 7)]
    groups = [{"params": weights[:2]}, {"params": weights[2:], "weight_decay": 0.0}]
    one = optimizer(groups, lr=0.1, betas=(0.9, 0.99), weight_decay=0.2, fused=True)
    for number in range(4):
        one.zero_grad(set_to_none=True)
        known = weights[number < 2 :]
        sum(length * (weight**2).sum() for weight in known).backward()  # type: ignore[union-attr]
        clip(weights, 1.0)
        for group in one.param_groups:
            group["lr"] *= 0.9
        one.step()
    return weights


@pytest.mark.parametrize("kinds", [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)])
@pytest.mark.parametrize("length", [1e-3, 10.0])
def test_lean_steps_are_torchs_to_the_bit(kinds: tuple[Any, Any], length: float) -> None:
    lean, usual = kinds
    own = trained(lean, shorten, length)
    others = trained(usual, torch.nn.utils.clip_grad_norm_, length)
    assert all(torch.equal(one, other) for one, other in zip(own, others))
