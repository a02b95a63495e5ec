"""What is TVAE's own: its settings, its prior, its bound, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch.nn import functional

from synthohive.exceptions import SchemaError, TrainingError
from synthohive.models.blocks import BlockMap
from synthohive.models.tvae.model import TVAE
from synthohive.models.tvae.networks import Flow
from tests.contracts.model import LAYOUT, TABLE, Recorder, child_rows, context_rows, stream

SEED = np.random.SeedSequence(7)


def bent(latent: int) -> Flow:
    """Return a prior whose couplings are not the identity."""
    torch.manual_seed(0)
    flow = Flow(latent, 3, 8, 3)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return flow


def test_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SchemaError, match=r"no setting 'latents'(?s:.*)Did you mean 'latent'"):
        TVAE(TABLE, latents=3)


@pytest.mark.parametrize("latent", [2, 5])
def test_the_prior_has_the_density_of_what_it_draws(latent: int) -> None:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        flow = bent(latent)
        noise, context = torch.randn(4, latent), torch.randn(4, 3)
        z = flow.draw(noise, context)
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(noise).sum(dim=1)
        for row in range(4):
            jacobian = torch.autograd.functional.jacobian(
                lambda e, r=row: flow.draw(e[None], context[r : r + 1])[0], noise[row]
            )
            expected = normal[row] - torch.linalg.slogdet(jacobian).logabsdet
            found = flow.log_density(z[row : row + 1], context[row : row + 1])
            assert abs(float(found - expected)) < 1e-3


def test_losses_of_blocks_are_cross_entropies() -> None:
    blocks = BlockMap(LAYOUT)
    data = child_rows(context_rows(20))
    codes = torch.from_numpy(data.codes.astype(np.int64))
    logits = torch.from_numpy(stream().standard_normal((20, blocks.width), dtype=np.float32))
    expected = torch.zeros(20)
    for block in blocks.small:
        first = blocks.start[block]
        own = logits[:, first : first + blocks.cardinalities[block]]
        expected = expected + functional.cross_entropy(own, codes[:, block], reduction="none")
    logs = blocks.log_softmax(logits + blocks.mask)
    found = -logs.gather(1, blocks.own(codes) + blocks.starts).sum(dim=1)
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_dependence_between_columns_without_context() -> None:
    data = child_rows(context_rows(2000))
    data.codes[:, 1] = data.codes[:, 0]
    listener = Recorder()
    model = TVAE(TABLE, batch_size=250, epochs=20, hidden=64, couplings=2)
    model.fit(data, seed=SEED, listener=listener)
    made = model.sample(2000, rng=stream())
    assert (made.codes[:, 0] == made.codes[:, 1]).mean() > 0.7  # by chance: 0.3
    assert listener.events[-1].metric < listener.events[0].metric - 1
    assert set(listener.events[0].losses) == {"reconstruction", "divergence"}


def test_divergence_names_table_epoch_and_loss() -> None:
    data = child_rows(context_rows(200))
    data.values[:, 1] = 1e30
    with pytest.raises(TrainingError, match=r"'orders' diverged in epoch 1: the \w+ is (nan|inf)"):
        TVAE(TABLE, epochs=2).fit(data, seed=SEED)


def test_the_encoder_is_not_kept(tmp_path: Path) -> None:
    context = context_rows(100)
    TVAE(TABLE, epochs=1, hidden=16).fit(child_rows(context), context, seed=SEED).save(tmp_path)
    with safe_open(str(tmp_path / "model.safetensors"), "np") as file:
        names = list(file.keys())
    assert {name.split(".")[0] for name in names} == {"network", "beside"}
    assert not [name for name in names if "encoder" in name]
