"""Few rows: a copula says first what goes together, and does not know its rows by heart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from synthohive import Autoregressive, TableConfig
from synthohive._arrays import Floats
from synthohive.encoding.encoded import ABSENT, Continuous, Discrete, EncodedTable, Layout
from synthohive.models.autoregressive.copula import Conditional, Copula, regression
from synthohive.models.autoregressive.copula_fit import Cells, fitted

LAYOUT = Layout(
    (Discrete("kind", 3), Discrete("size", 2), Discrete("empty", 2)),
    (Continuous("length"), Continuous("weight"), Continuous("paid", modes=2, active=1)),
)
"""A category, whether something has a length, and a number that may be NULL."""


def make_rows(count: int, seed: int) -> EncodedTable:
    """Return rows of one factor, in which the middle category is the least."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=count)
    near = factor[:, None] + rng.normal(scale=0.2, size=(count, 3))
    kind = np.array([2, 0, 1])[np.digitize(near[:, 0], [-0.5, 0.5])]
    empty = factor + rng.normal(scale=0.3, size=count) > 1
    codes = np.stack([kind, factor > 0, empty], axis=1).astype(np.int32)
    values = np.tanh(near / 2).astype(np.float32)
    values[empty, 2] = 0.0
    return EncodedTable(LAYOUT, codes, values)


def fit(rows: EncodedTable, epochs: int = 2, seed: int = 1) -> Autoregressive:
    model = Autoregressive(TableConfig(name="t"), epochs=epochs)
    return model.fit(rows, seed=np.random.SeedSequence(seed))


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    return fit(make_rows(240, 1))


def correlations(rows: EncodedTable) -> Floats:
    found: Floats = np.corrcoef(np.c_[rows.values[:, :2], rows.codes[:, 1:]].T)
    return found


def test_few_rows_teach_what_goes_together(model: Autoregressive) -> None:
    made = model.sample(4_000, rng=np.random.default_rng(2))
    real = make_rows(4_000, 3)
    assert np.abs(correlations(made) - correlations(real)).max() < 0.12
    # codes stand where others say, whatever their number
    lengths = [made.values[made.codes[:, 0] == kind, 0].mean() for kind in (2, 0, 1)]
    assert lengths[0] < -0.2 < lengths[1] < 0.2 < lengths[2]
    assert (made.values[made.codes[:, 2] == 1, 2] == 0).all()


def test_what_is_given_is_heeded_by_those_before_it(model: Autoregressive) -> None:
    given = EncodedTable(
        LAYOUT,
        np.full((1_000, 3), ABSENT, np.int32),
        np.full((1_000, 3), np.nan, np.float32),
    )
    given.values[:500, 1], given.values[500:, 0] = 0.6, -0.6
    made = model.sample(1_000, rng=np.random.default_rng(2), given=given)
    assert (made.values[:500, 1] == np.float32(0.6)).all()
    assert made.values[:500, 0].mean() > 0.4
    assert made.values[500:, 1].mean() < -0.4
    assert made.codes[:500, 1].mean() > 0.9
    assert made.codes[500:, 1].mean() < 0.1


def test_it_is_stored_and_comes_back(model: Autoregressive, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = Autoregressive.load(tmp_path)
    first, second = (m.sample(50, rng=np.random.default_rng(4)) for m in (model, again))
    assert (first.codes == second.codes).all()
    assert (first.values == second.values).all()
    third = fit(make_rows(240, 1)).sample(50, rng=np.random.default_rng(4))
    assert (first.values == third.values).all()


def test_rows_that_were_held_out_are_counted_at_last(model: Autoregressive) -> None:
    copula = model.network_.copula
    assert copula is not None
    codes = torch.from_numpy(model.discretiser_.encode(make_rows(240, 1))[0])
    ends = torch.special.ndtr(copula.high[copula.last])
    for j, end in enumerate(copula.ends):
        own = ends[end - copula.cardinalities[j] : end].sort().values
        shares = torch.diff(own, prepend=torch.zeros(1))
        counts = torch.bincount(codes[:, j], minlength=copula.cardinalities[j])
        assert sorted((shares * 240).round().tolist()) == sorted(counts.tolist())


def test_no_more_is_known_by_heart_than_is_allowed() -> None:
    model = Autoregressive(TableConfig(name="t"), epochs=1)
    model.fit(make_rows(90, 1), seed=np.random.SeedSequence(1), max_memorisation=0.01)
    assert model.memorisation is not None
    assert model.memorisation.attack <= 0.51


def test_many_rows_have_none() -> None:
    rows = make_rows(2_100, 1)
    many = Autoregressive(TableConfig(name="t"), epochs=0).fit(rows)
    assert many.network_.copula is None
    place = np.random.default_rng(1).uniform(-1, 1, (2_100, 1)).astype(np.float32)
    for name, wanted in (("__position__", False), ("so far.year", True)):
        layout = Layout((), (Continuous(name),))
        context = EncodedTable(layout, np.zeros((2_100, 0), np.int32), place)
        series = Autoregressive(TableConfig(name="t"), epochs=0).fit(rows, context)
        assert (series.network_.copula is not None) == wanted


def test_wide_tables_have_one_of_more_rows() -> None:
    """Of 3,000 rows of 54 variables, a network knew by heart what it learned."""
    for rows, count, begins in ((2_100, 22, True), (40, 501, False)):  # those would take long
        layout = Layout((), tuple(Continuous(f"c{i}") for i in range(count)))
        values = np.random.default_rng(1).uniform(-1, 1, (rows, count)).astype(np.float32)
        wide = EncodedTable(layout, np.zeros((rows, 0), dtype=np.int32), values)
        model = Autoregressive(TableConfig(name="t"), epochs=0).fit(wide)
        assert (model.network_.copula is not None) == begins


def test_what_goes_with_a_rows_own_place_is_told_by_it() -> None:
    """Of 50 numbers that go with the year, a network learned other numbers in the year's place."""
    rng = np.random.default_rng(4)
    place = rng.uniform(-1, 1, 600).astype(np.float32)
    values = np.clip(0.7 * place[:, None] + 0.2 * rng.normal(size=(600, 4)), -1, 1)
    layout = Layout((), tuple(Continuous(f"c{i}") for i in range(4)))
    rows = EncodedTable(layout, np.zeros((600, 0), np.int32), values.astype(np.float32))
    seen = Layout((), (Continuous("other"), Continuous("so far.year")))
    beside = np.column_stack([rng.uniform(-1, 1, 600).astype(np.float32), place])
    context = EncodedTable(seen, np.zeros((600, 0), np.int32), beside)
    model = Autoregressive(TableConfig(name="t"), epochs=1)
    model.fit(rows, context, seed=np.random.SeedSequence(1))
    assert model.network_.copula is not None
    assert model.network_.copula.given == 1
    made = model.sample(600, context, rng=rng).values
    assert all(np.corrcoef(place, made.T)[0, 1:] > 0.82)  # real ones have 0.9


def test_what_few_rows_tell_of_hangs_on_the_context() -> None:
    """Of 2,000 rows in 100 groups, 100 tell how a group begins: no head of a network served."""
    rng = np.random.default_rng(5)
    size = rng.uniform(-1, 1, 100).astype(np.float32).repeat(20)
    first = np.arange(2_000) % 20 == 0
    codes = np.where(first, np.where(size > 0, 2, rng.integers(0, 2, 2_000)), ABSENT)
    rows = EncodedTable(
        Layout((Discrete("begins", 3),), (Continuous("c"),)),
        codes[:, None].astype(np.int32),
        rng.uniform(-1, 1, (2_000, 1)).astype(np.float32),
    )
    seen = Layout((), (Continuous("other"), Continuous("size")))
    beside = np.column_stack([rng.uniform(-1, 1, 2_000).astype(np.float32), size])
    context = EncodedTable(seen, np.zeros((2_000, 0), np.int32), beside)
    model = Autoregressive(TableConfig(name="t"), epochs=1)
    model.fit(rows, context, seed=np.random.SeedSequence(1))
    made = model.sample(2_000, context, rng=rng).codes[:, 0]
    assert ((made == 2) == (size > 0)).mean() > 0.85


def columns(normal: Floats) -> Cells:
    cells = np.digitize(normal, [-1, -0.5, 0, 0.5, 1])
    sizes, bins = [(6, 1)] * cells.shape[1], [6] * cells.shape[1]
    return Cells(cells, sizes, bins, np.zeros((len(cells), 0)))


def test_columns_that_tell_nothing_of_each_other_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    noise = columns(rng.normal(size=(100, 30)))
    found = fitted(noise, noise, rng).copula
    assert found.used.sum() <= 3  # one, by chance
    apart = found.covariance - np.diag(np.diag(found.covariance))
    assert np.abs(apart).max() < 0.35


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_hang_together_where_a_few_rows_have_codes_of_their_own(sign: int) -> None:
    """Zeros of six concavities of one tumour, taken for the largest, hid half of it."""
    rng = np.random.default_rng(4)
    normal = rng.normal(size=(200, 1)) + 0.6 * rng.normal(size=(200, 10))
    plain = columns(sign * normal)
    cells, middle = plain.cells.copy(), normal.mean(axis=1)
    cells[middle <= np.sort(middle)[3], :6] = 6
    some = Cells(cells, [(7, 1)] * 6 + [(6, 1)] * 4, [6] * 10, plain.given)
    found, whole = (fitted(own, own, rng).copula.covariance for own in (some, plain))
    assert (found - whole)[:6, 6:].mean() == pytest.approx(0, abs=0.03)


def test_its_rows_are_not_known_by_heart() -> None:
    rng = np.random.default_rng(2)
    normal = np.repeat(rng.normal(size=(1_150, 3)), 12, axis=1) + rng.normal(size=(1_150, 36))
    own, others = columns(normal[:150]), columns(normal[150:])
    fit = fitted(own, others, rng)
    copula = Copula(*zip(*own.sizes))
    copula.take(fit.copula)
    scores = []
    for part in (own, others):
        codes = torch.from_numpy(part.cells), torch.full(part.cells.shape, -1)
        given = torch.from_numpy(part.given).float()
        logits, _ = copula.logits(*codes, torch.ones(36, 36).triu(1), given)
        own_codes = [logits[j].gather(1, codes[0][:, j, None]) for j in logits]
        scores.append(torch.cat(own_codes, dim=1).sum(dim=1).numpy())
    known, seen = scores[0].mean(), scores[1].mean()
    assert seen > 3  # nats: rows that were never seen are told of
    assert (known - seen) / (scores[0] + own.shares()).std() < 0.4
    assert fit.others.mean() == pytest.approx(seen, rel=0.25)


def test_a_regression_is_that_of_what_is_known() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(5, 5))
    covariance = np.cov(values @ rng.normal(size=(5, 200)))
    covariance /= np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    order = np.array([3, 0, 4, 1, 2])  # who comes when
    masks = [order[:, None] < order[None, :], ~np.eye(5, dtype=bool)]
    for known in masks:
        weights, spread = regression(torch.from_numpy(covariance), torch.from_numpy(known))
        for j in range(5):
            beside = np.flatnonzero(known[:, j])
            part = np.linalg.solve(covariance[np.ix_(beside, beside)], covariance[beside, j])
            assert weights[beside, j].numpy() == pytest.approx(part)
            left = 1 - covariance[beside, j] @ part
            assert float(spread[j]) ** 2 == pytest.approx(max(left, 4e-4))


def test_the_order_of_drawing_is_solved_once() -> None:
    rng = np.random.default_rng(3)
    own, other = (columns(rng.normal(size=(200, 1)) + rng.normal(size=(200, 4))) for _ in range(2))
    copula, natural = Copula(*zip(*own.sizes)), torch.ones(4, 4).triu(1)
    copula.take(fitted(own, own, rng).copula)
    first = copula.regression(natural)
    assert copula.regression(natural)[0] is first[0]
    assert not copula.regression(natural.T.contiguous())[0].equal(first[0])
    copula.take(fitted(other, other, rng).copula)
    assert not copula.regression(natural)[0].equal(first[0])


def test_of_rows_that_join_others_the_shrinkage_is_known() -> None:
    rng = np.random.default_rng(3)
    own = columns(rng.normal(size=(200, 1)) + rng.normal(size=(200, 4)))
    first = fitted(own, own, rng)
    assert first.shrinkage is not None
    assert fitted(own, own, rng, known=(0.0, 0.3)).shrinkage == (0.0, 0.3)
    # what would know too much by heart is not kept
    assert fitted(own, own, rng, first.optimism / 2, (0.0, 0.003)).shrinkage != (0.0, 0.003)


def test_memory_is_bounded_where_each_row_knows_something_else(
    model: Autoregressive, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(40, 5)
    unknown = np.random.default_rng(6).random((2, 40, 3)) < 0.5
    given = EncodedTable(
        LAYOUT,
        np.where(unknown[0], ABSENT, rows.codes).astype(np.int32),
        np.where(unknown[1], np.nan, rows.values).astype(np.float32),
    )
    whole = model.sample(40, rng=np.random.default_rng(7), given=given)
    monkeypatch.setattr("synthohive.models.autoregressive.copula.MOST_CELLS", 200)
    parts = model.sample(40, rng=np.random.default_rng(7), given=given)
    assert (whole.codes == parts.codes).all()
    assert whole.values == pytest.approx(parts.values)


def test_stretches_of_rows_cover_all() -> None:
    stays = torch.zeros(4, 10, dtype=torch.bool)
    assert Conditional.parts(stays) == [slice(0, 10)]
