"""Training elsewhere than on the CPU, as far as it can be tested without a card.

Torch's "meta" device has no numbers, but refuses to compute with tensors of two devices.
"""

from __future__ import annotations

import pytest
import torch

from synthohive import Autoregressive, ConditionalGenerativeModel, TrainingError
from synthohive.models.ctgan.model import CTGAN
from synthohive.models.training import resolve_device
from synthohive.models.tvae.model import TVAE
from tests.contracts.model import TABLE, child_rows, context_rows


def test_there_is_always_a_cpu() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device() in ("cpu", "cuda")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", ""])
def test_what_is_not_there_is_named(name: str) -> None:
    with pytest.raises(TrainingError, match=rf"no device '{name}' here\. There is: cpu"):
        resolve_device(name)


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("model", [Autoregressive, CTGAN, TVAE])
def test_steps_happen_on_the_device(
    model: type[ConditionalGenerativeModel], conditional: bool
) -> None:
    context = context_rows(200)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match=r"item\(\)"):  # only when the losses are asked for
        model(TABLE, epochs=1, steps=1).fit(
            child_rows(context), context if conditional else None, device="meta"
        )
    assert torch.equal(torch.get_rng_state(), before)
