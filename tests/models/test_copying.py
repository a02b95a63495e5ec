"""What variables were in the rows before reaches their logits, in training as in drawing."""

from __future__ import annotations

import numpy as np
import torch

from synthohive import Autoregressive, TableConfig
from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.config import TUNING
from synthohive.models.autoregressive.copying import CopyHeads, Source, sources_of, tied, weighed
from synthohive.models.autoregressive.discretise import Discretiser
from synthohive.models.blocks import as_tensors
from synthohive.models.lean_torch import Unfilled
from synthohive.tables.siblings import Siblings

GROUPS, SIZE, CODES = 30, 20, 30
LAYOUT = Layout(
    (Discrete("state", CODES), Discrete("level", 2), Discrete("noise", 3)),
    (Continuous("level", 1, 1),),
)


def series(seed: int = 1) -> tuple[EncodedTable, EncodedTable]:
    """Return rows of a state that mostly stays, a level that hardly moves, and noise."""
    draws, shape = np.random.default_rng(seed), (GROUPS, SIZE)
    state, level = draws.integers(0, CODES, shape), draws.normal(size=shape)
    for i in range(1, SIZE):
        stays = draws.random(GROUPS) < 0.9
        state[:, i] = np.where(stays, state[:, i - 1], state[:, i])
        level[:, i] = 0.99 * level[:, i - 1] + np.sqrt(1 - 0.99**2) * level[:, i]
    absent = draws.random(GROUPS * SIZE) < 0.02
    codes = np.stack([state.ravel(), absent, draws.integers(0, 3, GROUPS * SIZE)], axis=1)
    values = np.where(absent, 0, np.tanh(level.ravel() / 2))[:, None]
    rows = EncodedTable(LAYOUT, codes.astype(np.int32), values.astype(np.float32))
    parents, positions = np.divmod(np.arange(GROUPS * SIZE), SIZE)
    history = Siblings.of(rows, parents, positions).history(np.arange(len(rows)))
    return rows, history


def test_codes_are_drawn_by_the_likelihood_that_is_learned() -> None:
    rows, history = series()
    model = Autoregressive(TableConfig(name="t"), epochs=1)
    model.fit(rows, history, seed=np.random.SeedSequence(1))
    network = model.network_
    named = [LAYOUT.discrete[s.variable].column for s in network.copies.sources]
    assert named == ["state", "level"]  # noise has nothing of the row before
    with torch.no_grad():
        network.copies.bias.normal_(0, 0.7)
        network.copies.weight.normal_(0, 0.1)
        network.heads.scales.fill_(1.0)
    model._settle()
    for row in (0, 5, 11):  # the first row has none before it
        given = as_tensors(history.take(np.array([row])))
        count = 2_000
        uniforms = torch.full((2, 3, count), 0.5)
        uniforms[0, 0] = (torch.arange(count) + 0.5) / count
        with torch.no_grad():
            context = model.sampler_.context(*given).expand(count, -1)
            drawn = model.sampler_.draw(context, uniforms)[0][:, 0]
            every = torch.full((CODES, 3), -1)
            every[:, 0] = torch.arange(CODES)
            own = network.context(*given).expand(CODES, -1)
            natural = torch.ones(3, 3).triu(1)
            losses = network.losses(every, torch.full_like(every, -1), own, natural)[:, 0]
        shares = torch.bincount(drawn, minlength=CODES) / count
        assert torch.allclose(shares, (-losses).exp(), atol=2 / count)


def test_what_stays_and_what_hardly_moves_is_learned_from_few_rows() -> None:
    rows, history = series()
    model = Autoregressive(TableConfig(name="t"), epochs=6)
    model.fit(rows, history, seed=np.random.SeedSequence(1))
    later = np.flatnonzero((np.arange(len(rows)) % SIZE > 0) & (rows.codes[:, 1] == 0))
    later = later[rows.codes[later - 1, 1] == 0]
    drawn = model.sample(len(later), history.take(later), rng=np.random.default_rng(1))
    before = rows.take(later - 1)
    assert abs((drawn.codes[:, 0] == before.codes[:, 0]).mean() - 0.9) < 0.05
    near = np.corrcoef(drawn.values[drawn.codes[:, 1] == 0, 0],
                       before.values[drawn.codes[:, 1] == 0, 0])[0, 1]  # fmt: skip
    assert near > 0.93


def test_logits_of_a_number_are_sums_of_what_is_near() -> None:
    bins, size, scales = 5, 7, TUNING.copy_scales  # and two codes that are no places on a scale
    source = Source(0, size, bins, 1, (0.0,) * (bins - 1), 0, 1, 0, 0)
    shown = CopyHeads([source], 4).shown(0)
    pair = torch.cartesian_prod(torch.arange(-1, size), torch.arange(-1, size))
    weights = torch.randn(len(pair), source.features, generator=torch.Generator().manual_seed(1))
    found = weighed(weights, pair, shown, size)
    normal = torch.distributions.Normal(0.0, 1.0)
    score = normal.icdf((torch.arange(bins) + 0.5) / bins).tolist()
    for own, (before, mean), logits in zip(weights.tolist(), pair.tolist(), found.tolist()):
        for code in range(size):
            x = score[code] if code < bins else 0.0
            wanted = own[0] * (code == before)
            if code < bins and 0 <= before < bins:
                far = (x - score[before]) ** 2
                near = [-np.log1p(far / scale**2) for scale in scales]
                wanted += np.dot(own[1:4], near) + own[4] * x * score[before] + own[5] * x * x
            if code < bins and 0 <= mean < bins:
                wide = -np.log1p((x - score[mean]) ** 2 / scales[-1] ** 2)
                wanted += own[6] * wide + own[7] * x * score[mean]
            assert abs(logits[code] - wanted) < 1e-4


def test_sizes_that_a_checkpoint_makes_up_ask_for_no_memory() -> None:
    """Shapes are compared before anything is built, and no table has more codes than a head."""
    with torch.device("meta"), Unfilled():
        heads = CopyHeads([Source(0, 10**6, 96, 1, (0.0,) * 95, 0, 1, 0, 0)], 8)
    assert all(table.is_meta for table in heads.buffers())
    rows, history = series()
    bins = Discretiser.fit(rows).bins
    blocks = (LAYOUT.discrete[0], Discrete("level", TUNING.large + 1), LAYOUT.discrete[2])
    many = Discretiser(Layout(blocks, LAYOUT.continuous), bins)
    found = sources_of(many, history.layout)
    assert [many.variables[source.variable].block for source in found] == [0, 2]


def test_what_the_season_tells_is_not_copied() -> None:
    """Drawn rows would follow each other instead: temperatures in July were those of January."""
    draws, day = np.random.default_rng(1), np.tile(np.arange(365), 6)
    season = -np.cos(day / 365 * 2 * np.pi) / 2
    layout = Layout((Discrete("degrees", 1),), (Continuous("degrees", 0, 1),))
    calendar = EncodedTable(
        Layout((Discrete("month", 13),), (Continuous("day"),)),
        (day // 30)[:, None].astype(np.int32), (day / 182.5 - 1)[:, None].astype(np.float32),
    )  # fmt: skip
    noise = draws.normal(0, 0.1, len(day))
    drift = np.convolve(draws.normal(0, 0.1, len(day)), 0.9 ** np.arange(50))[: len(day)]
    for left, copied in ((noise, False), (drift, True)):
        values = np.clip(season + left, -1, 1)[:, None].astype(np.float32)
        rows = EncodedTable(layout, np.zeros((len(day), 1), np.int32), values)
        every = np.arange(len(day))
        history = Siblings.of(rows, *np.divmod(every, 365)).history(every)
        context = EncodedTable.side_by_side([calendar, history])
        discretiser = Discretiser.fit(rows)
        sources = sources_of(discretiser, context.layout)
        codes = discretiser.encode(rows)[0]
        assert tied(sources, codes, context, layout).tolist() == [copied]
