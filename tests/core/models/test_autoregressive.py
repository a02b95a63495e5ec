"""What is the autoregressive model's own: its bins, its likelihood, its settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from synthohive.core.data.encoded import Continuous, Discrete, EncodedTable, Layout
from synthohive.core.models import resolve_model
from synthohive.core.models.autoregressive import Autoregressive
from synthohive.core.models.autoregressive_network import Network, context_tensors
from synthohive.core.models.discretise import FINE, Discretiser
from synthohive.exceptions import SchemaError
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
    codes = bins.encode(rows)
    again = bins.decode(codes, stream())
    assert np.array_equal(again.codes, rows.codes)
    inactive = rows.codes[:, 0] >= ACTIVE
    assert (codes[inactive][:, [v.continuous and v.block == 0 for v in bins.variables]] == -1).all()
    for i in range(2):
        pair = again.values[:, i], rows.values[:, i]
        assert stats.ks_2samp(*pair, method="asymp").statistic < 0.02
        far = np.abs(again.values[:, i] - rows.values[:, i])
        assert np.quantile(far, 0.9) < 0.05


def test_values_are_drawn_and_not_copied() -> None:
    """A float comes back from between quantiles: hardly ever one of the real ones."""
    rows = child_rows(context_rows(5000))
    again = Discretiser.fit(rows).decode(Discretiser.fit(rows).encode(rows), stream())
    drawn = again.values[np.abs(again.values[:, 1]) < 1, 1]
    assert np.isin(drawn, rows.values[:, 1]).mean() < 0.01


def test_few_values_make_few_bins() -> None:
    layout = Layout((), (Continuous("a"),))
    rows = table(layout, [], [np.linspace(-1, 1, 45)], 45)
    bins = Discretiser.fit(rows)
    assert [v.cardinality for v in bins.variables] == [2]
    assert len(bins.edges[0]) == 2 * FINE + 1


# -- the network


def network(cardinalities: list[int]) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Network(cardinalities, Layout(), embedding=4, hidden=8, context_width=4, dropout=0.0)
        torch.nn.init.normal_(made.small_heads)
    return made.eval()


def test_a_variable_sees_only_what_the_mask_shows() -> None:
    made = network([3, 4, 100])
    context = made.context(*context_tensors(EncodedTable.empty(1)))
    mask = torch.tensor([[0.0, 1, 1], [0, 0, 0], [0, 1, 0]])  # the second sees the others
    codes = torch.tensor([[1, 2, 50]])
    base = made.losses(codes, context, mask)[0]
    for j, seen_by in ((0, {1, 2}), (1, set()), (2, {1})):
        other = codes.clone()
        other[0, j] = 0
        changed = (made.losses(other, context, mask)[0] - base).abs() > 1e-7
        assert {k for k in range(3) if changed[k] and k != j} == seen_by


def test_drawing_follows_the_likelihood() -> None:
    """The frequencies of 200,000 draws are the probabilities that the losses state."""
    made = network([3, 4])
    for_all = torch.triu(torch.ones(2, 2), diagonal=1)
    pairs = torch.tensor([[a, b] for a in range(3) for b in range(4)])
    context = made.context(*context_tensors(EncodedTable.empty(12)))
    with torch.no_grad():
        expected = torch.exp(-made.losses(pairs, context, for_all).sum(dim=1)).numpy()
        assert expected.sum() == pytest.approx(1, abs=1e-5)
        uniforms = torch.from_numpy(stream().random((200_000, 2), dtype=np.float32))
        wide = made.context(*context_tensors(EncodedTable.empty(200_000)))
        drawn = made.draw(wide, uniforms, [None, None]).numpy()
    found = np.bincount(drawn[:, 0] * 4 + drawn[:, 1], minlength=12) / 200_000
    assert np.abs(found - expected).max() < 0.005


# -- what it learns


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
    assert heard.events[-1].best_metric == min(event.metric for event in heard.events)
    assert heard.events[0].metric > heard.events[-1].best_metric
    assert model.discretiser_.layout == LAYOUT
