"""What is the autoregressive model's own: its bins, its likelihood, its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import numpy as np
import pytest
import torch
from scipy import stats

from synthohive.encoding.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.exceptions import SchemaError
from synthohive.models import resolve_model
from synthohive.models.autoregressive import discretise
from synthohive.models.autoregressive.config import TUNING, AutoregressiveConfig
from synthohive.models.autoregressive.discretise import Discretiser
from synthohive.models.autoregressive.drawing import Sampler
from synthohive.models.autoregressive.model import Autoregressive
from synthohive.models.autoregressive.network import Network
from synthohive.models.blocks import as_tensors
from synthohive.schema import TableConfig
from tests.contracts.model import (
    ACTIVE,
    LAYOUT,
    TABLE,
    Recorder,
    child_rows,
    context_rows,
    stream,
    table,
)

SEED = np.random.SeedSequence(7)


def test_it_is_known_by_name() -> None:
    assert resolve_model("autoregressive") is Autoregressive


def test_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SchemaError, match=r"no setting 'hiden'.*\n?.*Did you mean 'hidden'"):
        Autoregressive(TABLE, hiden=3)


# -- bins


def test_rows_come_back_from_their_integers() -> None:
    rows = child_rows(context_rows(5000))
    bins = Discretiser.fit(rows)
    coarse, fine = bins.encode(rows)
    again = bins.decode(coarse, fine, stream())
    assert np.array_equal(again.codes, rows.codes)
    inactive, own = rows.codes[:, 0] >= ACTIVE, [v.floats for v in bins.variables].index(0)
    assert (fine[inactive, own] == -1).all()
    assert (fine[~inactive, own] >= 0).all()
    for i in range(2):
        pair = again.values[:, i], rows.values[:, i]
        assert stats.ks_2samp(*pair, method="asymp").statistic < 0.005
        assert np.quantile(np.abs(pair[0] - pair[1]), 0.9) < 0.01


def test_values_are_drawn_and_not_copied() -> None:
    """A float comes back from between real ones, not as one of them."""
    rows = child_rows(context_rows(5000))
    bins = Discretiser.fit(rows)
    again = bins.decode(*bins.encode(rows), stream())
    assert np.isin(again.values[:, 1], rows.values[:, 1]).mean() < 0.01
    inner = np.concatenate([bins.bins[1].low[1:], bins.bins[1].high[:-1]])
    assert not np.isin(inner, rows.values[:, 1]).any()


def test_a_bin_and_a_step_hold_several_rows() -> None:
    layout = Layout((), (Continuous("a"),))
    bins = Discretiser.fit(table(layout, [], [np.linspace(-1, 1, 64)], 64))
    (variable,) = bins.variables
    assert variable.cardinality == 64 // TUNING.bin_rows
    assert len(bins.bins[0].low) == 64 // TUNING.step_rows


def test_steps_at_the_ends_are_of_fewer_rows_so_that_heavy_tails_keep_their_sum() -> None:
    values = np.random.default_rng(1).standard_cauchy(100_000)
    values = values[np.abs(values) < 5_000] / 5_000
    rows = table(Layout((), (Continuous("a"),)), [], [values], len(values))
    bins = Discretiser.fit(rows)
    coarse, fine = bins.encode(rows)
    steps = bins.bins[0].first[coarse[:, 0]] + fine[:, 0]
    counts = np.bincount(steps)
    assert counts.min() >= TUNING.step_rows
    assert max(counts[0], counts[-1]) < 3 * TUNING.step_rows < counts[500]
    again = bins.decode(coarse, fine, stream()).values[:, 0]
    for side in (-1, 1):
        sums = [np.clip(side * x, 0, 1).sum() for x in (again, rows.values[:, 0])]
        assert sums[0] == pytest.approx(sums[1], rel=0.05)


def test_a_frequent_value_is_a_step_of_its_own() -> None:
    layout = Layout((), (Continuous("a"),))
    values = np.where(np.arange(4000) % 3 == 0, 0.25, np.linspace(-1, 1, 4000))
    rows = table(layout, [], [values], 4000)
    bins = Discretiser.fit(rows)
    again = bins.decode(*bins.encode(rows), stream()).values[:, 0]
    near = np.abs(again - 0.25) < 0.002
    assert near.mean() == pytest.approx(1 / 3, abs=0.01)


def test_values_beside_those_with_codes_of_their_own_keep_their_share() -> None:
    """Steps do not reach over the gap that frequent values, which have codes, leave."""
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(0, 15, 20_000))
    values = values[(np.abs(values) < 60) & ((values < -9) | (values > 1))]
    rows = table(Layout((), (Continuous("a"),)), [], [values / 100], len(values))
    bins = Discretiser.fit(rows)
    again = np.round(100 * bins.decode(*bins.encode(rows), stream()).values[:, 0])
    for value in (-10, 2):
        assert (again == value).mean() == pytest.approx((values == value).mean(), rel=0.1)
    assert not ((again > -10) & (again < 2)).any()
    assert not np.isin(np.r_[bins.bins[0].low, bins.bins[0].high], rows.values[:, 0]).any()


def test_what_has_many_codes_is_drawn_last_and_flags_before_what_they_tell_of() -> None:
    rng = np.random.default_rng(1)
    blocks = (Discrete("amount", 1), Discrete("changes", 2), Discrete("city", 200),
              Discrete("tier", 3), Discrete("text", 150), Discrete("text", 4))  # fmt: skip
    codes = [rng.integers(0, block.cardinality, 5_000) for block in blocks]
    rows = table(Layout(blocks, (Continuous("amount", 0, 1),)), codes, [rng.random(5_000)], 5_000)
    bins = Discretiser.fit(rows)
    order = [blocks[v.block or 0].column for v in bins.variables]
    assert order == ["changes", "tier", "amount", "city", "text", "text"]
    assert [v.cardinality for v in bins.variables][-2:] == [150, 4]  # parts stand in their order
    assert np.array_equal(bins.decode(*bins.encode(rows), stream()).codes, rows.codes)


def test_many_codes_are_split_into_neighbours() -> None:
    layout = Layout((Discrete("a", 5000, embed=True),))
    rows = table(layout, [np.arange(5000)], [], 5000)
    bins = Discretiser.fit(rows)
    (variable,) = bins.variables
    assert variable.cardinality <= TUNING.large
    coarse, fine = bins.encode(rows)
    assert np.array_equal(bins.decode(coarse, fine, stream()).codes, rows.codes)


def test_what_is_not_known_has_no_code() -> None:
    rows = child_rows(context_rows(300))
    bins = Discretiser.fit(rows)
    rows.codes[:, 0], rows.values[:, 1] = -1, np.nan
    coarse, fine = bins.encode(rows)
    known = (coarse >= 0).all(axis=0)
    assert known.tolist() == [False, True, True, False]
    assert (fine[:, [0, 3]] == -1).all()


# -- the network


def network(cardinalities: list[int], widths: Optional[list[int]] = None) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        widths = [1] * len(cardinalities) if widths is None else widths
        config = AutoregressiveConfig(embedding=4, hidden=8, context=4, dropout=0.0)
        made = Network(cardinalities, widths, Layout(), config)
        for weight in (*made.heads.weights, made.fine.leave, made.embed_fine.weight):
            torch.nn.init.normal_(weight)
    return made.eval()


def test_a_variable_sees_only_what_the_mask_shows() -> None:
    made = network([3, 4, 100], [1, 5, 1])
    context = made.context(*as_tensors(EncodedTable.empty(1)))
    mask = torch.tensor([[0.0, 1, 1], [0, 0, 0], [0, 1, 0]])  # the second sees the others
    coarse, fine = torch.tensor([[1, 2, 50]]), torch.tensor([[-1, 3, -1]])
    base = made.losses(coarse, fine, context, mask)[0]
    for j, seen_by in ((0, {1, 2}), (1, set()), (2, {1})):
        other = coarse.clone()
        other[0, j] = 0
        changed = (made.losses(other, fine, context, mask)[0] - base).abs() > 1e-7
        assert {k for k in range(3) if changed[k] and k != j} == seen_by


@pytest.mark.parametrize("many", [{}, {3: 100}])
def test_of_many_variables_sums_are_known(many: dict[int, int]) -> None:
    """In any order, of all others, and where some are given."""
    count = TUNING.paired + 6
    sizes = [many.get(j, 2 + j % 3) for j in range(count)]
    made = network(sizes)
    assert made.sums is not None
    context = made.context(*as_tensors(EncodedTable.empty(1)))
    rank = np.random.default_rng(3).permutation(count)
    coarse = torch.tensor([[size - 1 for size in sizes]])
    fine = torch.full_like(coarse, -1)
    masks = (
        torch.from_numpy((rank[:, None] < rank[None, :]).astype(np.float32)),
        1 - torch.eye(count),
    )
    for mask in masks:
        base = made.losses(coarse, fine, context, mask)[0]
        for j in (0, 3, 40):
            other = coarse.clone()
            other[0, j] = 0
            changed = (made.losses(other, fine, context, mask)[0] - base).abs() > 1e-6
            assert not (changed & (mask[j] == 0))[torch.arange(count) != j].any()
            assert changed[mask[j] == 1].float().mean() > 0.8
    given = coarse.repeat(8_000, 1)
    given[:, 5] = -1  # all others are known
    given[::2, 4] = -1  # but for one, in half of the rows
    sampler = Sampler(made)
    uniforms = torch.from_numpy(stream().random((2, count, len(given)), dtype=np.float32))
    wide = sampler.context(*as_tensors(EncodedTable.empty(len(given))))
    drawn, _ = sampler.draw(wide, uniforms, (given, torch.full_like(given, -1)))
    assert torch.equal(drawn[:, 6:], given[:, 6:])
    for code in range(sizes[5]):
        coarse[0, 5] = code
        loss = made.losses(coarse, fine, context, masks[1])[0, 5].detach()
        assert (drawn[1::2, 5] == code).float().mean() == pytest.approx(
            float((-loss).exp()), abs=0.03
        )


def test_of_many_variables_drawing_follows_the_likelihood() -> None:
    """The loss of drawn rows is the entropy of what they are drawn from, half of them given."""
    count, rows = TUNING.paired + 6, 5_000
    made = network([3] * count)
    sampler, before = Sampler(made), torch.triu(torch.ones(count, count), diagonal=1)
    none = EncodedTable.empty(rows)
    uniforms = torch.from_numpy(stream().random((2, count, rows), dtype=np.float32))
    drawn, fine = sampler.draw(sampler.context(*as_tensors(none)), uniforms)
    with torch.no_grad():
        context = made.context(*as_tensors(none))
        hidden = made.hidden_of_all(drawn, fine, context, before)
        losses = made.heads.losses(hidden, drawn)
        each = [made.heads.losses(hidden, torch.full_like(drawn, code)) for code in range(3)]
    entropies = sum((-loss).exp() * loss for loss in each)
    assert torch.allclose(losses.mean(dim=0), entropies.mean(dim=0), atol=0.06)


def test_drawing_follows_the_likelihood() -> None:
    """The frequencies of 200,000 draws are the probabilities that the losses state."""
    made = network([3, 4], [2, 1])
    for_all = torch.triu(torch.ones(2, 2), diagonal=1)
    cells = [(a, f, b) for a in range(3) for f in range(2) for b in range(4)]
    coarse = torch.tensor([[a, b] for a, _, b in cells])
    fine = torch.tensor([[f, -1] for _, f, _ in cells])
    context = made.context(*as_tensors(EncodedTable.empty(24)))
    with torch.no_grad():
        losses = made.losses(coarse, fine, context, for_all).sum(dim=1)
        expected = torch.exp(-losses).numpy()
        assert expected.sum() == pytest.approx(1, abs=1e-5)
        uniforms = torch.from_numpy(stream().random((2, 2, 200_000), dtype=np.float32))
        sampler = Sampler(made)
        wide = sampler.context(*as_tensors(EncodedTable.empty(200_000)))
        drawn = [codes.numpy() for codes in sampler.draw(wide, uniforms)]
    place = drawn[0][:, 0] * 8 + drawn[1][:, 0] * 4 + drawn[0][:, 1]
    found = np.bincount(place, minlength=24) / 200_000
    assert np.abs(found - expected).max() < 0.005


def drawn_by(made: Network, rows: int = 2000) -> torch.Tensor:
    """Return coarse and fine codes side by side; the last row has the greatest uniforms."""
    uniforms = stream().random((2, len(made.widths), rows), dtype=np.float32)
    uniforms[:, :, -1] = np.nextafter(np.float32(1), np.float32(0))
    sampler = Sampler(made)
    context = sampler.context(*as_tensors(EncodedTable.empty(rows)))
    with torch.no_grad():
        return torch.cat(sampler.draw(context, torch.from_numpy(uniforms)), dim=1)


def test_a_silenced_head_draws_what_one_without_weights_does() -> None:
    silenced, weightless = network([3, 4], [2, 3]), network([3, 4], [2, 3])
    free = drawn_by(silenced)
    for made in (silenced, weightless):
        made.heads.shift([torch.tensor([0.1, 0.2, 0.7]).log(), torch.full((4,), 0.25).log()])
        made.fine.start_at([torch.ones(3, 2), torch.arange(12.0).view(4, 3)])
    silenced.heads.scales[1], silenced.fine.scales[0] = 0, 0
    with torch.no_grad():
        group, place = weightless.heads.place[1]
        weightless.heads.weights[group][place] = 0
        weightless.fine.leave[0] = 0
    found = drawn_by(silenced.eval())
    assert torch.equal(found, drawn_by(weightless))
    assert not torch.equal(found, free)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_a_fine_code_that_never_occurred_is_never_drawn(scale: float) -> None:
    made = network([2], [24])
    counts = torch.zeros(2, 24)
    counts[1, 1:23] = 3
    with torch.no_grad():
        made.fine.leave.mul_(0.1)
        made.fine.start_at([counts])
        made.fine.scales[0] = scale
    coarse, fine = drawn_by(made).T
    assert set(fine[coarse == 0].tolist()) == {0}  # nothing to tell
    assert set(fine[coarse == 1].tolist()) == set(range(1, 23))
    assert coarse[-1] == 1  # with the greatest uniform


def test_drawing_follows_shifted_biases() -> None:
    made = network([3, 4])
    before = drawn_by(made)
    made.heads.shift([torch.tensor([-9.0, 0, 0]), torch.zeros(4)])
    after = drawn_by(made)
    assert (before[:, 0] == 0).any()
    assert not (after[:, 0] == 0).any()


def test_a_head_that_explains_nothing_is_silenced() -> None:
    made = network([4, 4])
    rng = stream()
    codes = torch.from_numpy(np.stack([rng.integers(0, 4, 4000)] * 2, axis=1))
    hidden = torch.nn.functional.one_hot(codes[:, 0] * 2, 8).float()
    with torch.no_grad():
        made.heads.weights[0][1] = torch.eye(8)[:, ::2] * 6  # the second tells, the first does not
        made.heads.shrink(torch.stack([hidden, hidden]), codes)
    assert made.heads.scales.tolist() == [0.0, 1.0]


# -- what it learns


def test_what_serves_no_row_that_was_not_learned_is_dropped() -> None:
    made, rng = network([4, 4, 4]), np.random.default_rng(1)
    first = np.arange(400) % 4
    codes = torch.from_numpy(np.stack([first, first, rng.integers(0, 4, 400)], axis=1))
    given = torch.full_like(codes, -1), made.context(*as_tensors(EncodedTable.empty(400)))
    optimizer = torch.optim.Adam(made.parameters(), lr=0.02)
    for _ in range(60):  # each of the first two follows from the other
        optimizer.zero_grad()
        made.losses(codes, *given, 1 - torch.eye(3))[:, :2].sum().backward()
        optimizer.step()
        given = given[0], made.context(*as_tensors(EncodedTable.empty(400)))
    natural = torch.ones(3, 3).triu(1)
    held = codes.clone()
    held[:, 2] = torch.from_numpy(rng.integers(0, 4, 400))
    with torch.no_grad():
        _, kept = made.shrink(held, *given, natural)
        assert float(made.heads.scales[0]) == 0  # nothing is drawn before it
        assert made.heads.used.tolist() == [1, 1, 0]
        made.forget()
        assert torch.allclose(made.losses(held, *given, natural), kept, atol=1e-5)
    group, place = made.heads.place[2]
    assert not made.heads.weights[group][place].any()
    assert not made.before[:, :, 2].any()
    assert made.before[:, :, 1].any()


def test_dependence_inside_a_row() -> None:
    rng = stream()
    layout = Layout((Discrete("a", 4), Discrete("b", 90, embed=True)), (Continuous("c"),))
    a = rng.integers(0, 4, 4000)
    b = a * 20 + rng.integers(0, 5, 4000)
    c = np.clip(a / 4 - 0.5 + rng.normal(0, 0.05, 4000), -1, 1)
    rows = table(layout, [a, b], [c], 4000)
    model = Autoregressive(TABLE, batch_size=200, epochs=30).fit(rows, seed=SEED)
    made = model.sample(4000, rng=stream(9))
    assert (made.codes[:, 1] // 20 == made.codes[:, 0]).mean() > 0.95
    assert np.corrcoef(made.codes[:, 0], made.values[:, 0])[0, 1] > 0.9


def test_training_stops_by_the_likelihood_of_held_out_rows() -> None:
    context, heard = context_rows(600), Recorder()
    model = Autoregressive(TABLE, batch_size=100, epochs=200, patience=3)
    model.fit(child_rows(context), context, seed=SEED, listener=heard)
    assert len(heard.epochs) < 200
    assert heard.events[-1].best_metric < heard.events[0].metric
    assert heard.events[0].metric > heard.events[-1].best_metric
    assert model.discretiser_.layout == LAYOUT


def test_a_column_that_depends_on_nothing_does_not_end_the_training_of_others() -> None:
    """Noise overfits first; the dependent column is still learned to its end."""
    rng = stream()
    layout = Layout((Discrete("a", 5), Discrete("b", 5)), (Continuous("noise"),))
    a = rng.integers(0, 5, 1500)
    b = np.where(rng.random(1500) < 0.95, (a * 3) % 5, rng.integers(0, 5, 1500))
    rows = table(layout, [a, b], [rng.uniform(-1, 1, 1500)], 1500)
    model = Autoregressive(TABLE, batch_size=100, epochs=60).fit(rows, seed=SEED)
    made = model.sample(4000, rng=stream(9))
    assert (made.codes[:, 1] == (made.codes[:, 0] * 3) % 5).mean() > 0.9
    assert model.network_.heads.scales[2] == 0.0


def test_given_columns_stay_and_the_others_follow_in_any_direction() -> None:
    rng = stream()
    layout = Layout((Discrete("a", 4), Discrete("b", 4)), (Continuous("c"),))
    a = rng.integers(0, 4, 3000)
    rows = table(layout, [a, (a + 1) % 4], [np.clip(a / 2 - 0.75, -1, 1)], 3000)
    model = Autoregressive(TABLE, batch_size=200, epochs=25).fit(rows, seed=SEED)
    given = table(layout, [-1, 2], [np.nan], 500)
    made = model.sample(500, rng=stream(9), given=given)
    assert (made.codes[:, 1] == 2).all()
    assert (made.codes[:, 0] == 1).mean() > 0.9  # a stands before b
    assert np.median(made.values[:, 0]) == pytest.approx(-0.25, abs=0.05)


def test_each_row_has_its_own_known_cells() -> None:
    rng = stream()
    layout = Layout((Discrete("a", 4), Discrete("b", 4)), (Continuous("c"),))
    a = rng.integers(0, 4, 3000)
    values = [np.clip(a / 2 - 0.75, -1, 1)]
    rows = table(layout, [a, (a + 1) % 4], values, 3000)
    model = Autoregressive(TABLE, batch_size=200, epochs=25).fit(rows, seed=SEED)
    lost = rng.integers(0, 3, 3000)  # one cell of each row
    given = EncodedTable(layout, rows.codes.copy(), rows.values.copy())
    given.codes[lost == 0, 0] = given.codes[lost == 1, 1] = -1
    given.values[lost == 2, 0] = np.nan
    made = model.sample(3000, rng=stream(9), given=given)
    assert np.array_equal(made.codes[given.codes >= 0], given.codes[given.codes >= 0])
    known = ~np.isnan(given.values)
    assert np.array_equal(made.values[known], given.values[known])
    assert (made.codes == rows.codes).mean() > 0.97
    assert np.median(np.abs(made.values - rows.values)[~known]) < 0.15


@pytest.mark.parametrize("codes", [4, 300])
def test_a_code_that_is_never_to_be_drawn(codes: int) -> None:
    """Also where a code is one of several in a group of neighbours, or alone in it."""
    layout = Layout((Discrete("a", codes), Discrete("b", codes)), (Continuous("c", 1, codes - 1),))
    last = np.full(2000, codes - 1)
    rows = table(layout, [last, last], [np.zeros(2000)], 2000)
    rows.codes[:200] = stream().integers(0, codes - 1, (200, 2))
    model = Autoregressive(TABLE, batch_size=500, epochs=2).fit(rows, seed=SEED)
    plain = model.sample(500, rng=stream(9)).codes
    assert (plain == codes - 1).mean(axis=0) == pytest.approx([0.9, 0.9], abs=0.05)
    made = model.sample(500, rng=stream(9), never=[codes - 1, codes - 1]).codes
    assert (made < codes - 1).all()
    assert (model.sample(500, rng=stream(9), never=[-1, codes - 1]).codes[:, 0] == codes - 1).any()


@pytest.mark.slow
@pytest.mark.parametrize(("most", "share"), [(1_000, 0.08), (96, 0.15)], ids=["one", "two"])
def test_rare_codes_stay_in_their_context(
    most: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 150 teams with 8 to 100 rows each, few play outside their years, whichever comes first."""
    monkeypatch.setattr(discretise, "TUNING", replace(TUNING, large=most))
    draws = np.random.default_rng(2)
    teams = np.repeat(np.arange(150), draws.integers(8, 100, 150))
    first, last = draws.integers(0, 80, 150), draws.integers(5, 15, 150)
    years = first[teams] + (draws.random(len(teams)) * last[teams]).astype(int)
    layout = Layout((Discrete("year", 96), Discrete("team", 150)))
    rows = table(layout, [years, teams], [], len(teams))
    model = Autoregressive(TableConfig(name="t"), epochs=12)
    made = model.fit(rows, seed=np.random.SeedSequence(1)).sample(8_000, rng=stream()).codes
    year, team = made.T
    assert ((year < first[team]) | (year >= first[team] + last[team])).mean() < share


def test_shares_of_many_more_rows_are_those_of_what_is_drawn() -> None:
    rng = np.random.default_rng(4)
    layout = Layout((Discrete("told", 3), Discrete("own", 3)), (Continuous("level"),))

    def rows(number: int, shares: list[float]) -> EncodedTable:
        codes = np.stack([rng.choice(3, number, p=shares), rng.choice(3, number)], axis=1)
        level = rng.uniform(-1, 1, (number, 1)).astype(np.float32)
        return EncodedTable(layout, codes.astype(np.int32), level)

    few, many = rows(300, [0.5, 0.3, 0.2]), rows(20_000, [0.2, 0.3, 0.5])
    many.codes[:, 1] = -1  # tells nothing
    model = Autoregressive(TableConfig(name="t"), epochs=1)
    model.fit(few, seed=np.random.SeedSequence(1), shares=many)
    made = model.sample(20_000, rng=np.random.default_rng(2))
    for i, real in enumerate((many, few)):
        shares = (np.bincount(t.codes[:, i], minlength=3) / len(t) for t in (made, real))
        assert np.abs(np.subtract(*shares)).max() < 0.03
    level = made.values[:, 0]
    assert stats.kstest(level, many.values[:, 0]).statistic < 0.02  # .05 from the few alone
    # within a bin, too: the few cut [-1, 1] in steps of a dozen rows
    counts = np.histogram(level, np.linspace(-0.95, 0.95, 21))[0]
    assert counts.std() / counts.mean() < 0.15
