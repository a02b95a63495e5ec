"""What every generative model of a table keeps, whatever it learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Optional

import numpy as np
import numpy.typing as npt
import pytest
import torch

from synthohive.encoding.encoded import ABSENT, Continuous, Discrete, EncodedTable, Layout
from synthohive.exceptions import SerializationError
from synthohive.models.base import ConditionalGenerativeModel, TrainingEvent
from synthohive.schema import TableConfig

TABLE = TableConfig(name="orders")
MODES, ACTIVE, ROWS = 4, 3, 4000
LAYOUT = Layout(
    (Discrete("amount", MODES), Discrete("status", 5), Discrete("city", 40, embed=True)),
    (Continuous("amount", 0, ACTIVE), Continuous("rate")),
)
CONTEXT = Layout((Discrete("kind", 3), Discrete("at", 2)), (Continuous("at", 1, 2),))


def stream(seed: int = 3) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))


def table(layout: Layout, codes: list[Any], values: list[Any], rows: int) -> EncodedTable:
    """Put columns side by side."""
    made = EncodedTable(
        layout,
        np.zeros((rows, len(codes)), dtype=np.int32),
        np.zeros((rows, len(values)), dtype=np.float32),
    )
    for i, column in enumerate(codes):
        made.codes[:, i] = column
    for i, column in enumerate(values):
        made.values[:, i] = column
    return made


def context_rows(rows: int, seed: int = 1) -> EncodedTable:
    """Return parents: their kind (0.6, 0.3, 0.1) and a date in one of two modes."""
    rng = stream(seed)
    kind, at = rng.choice(3, rows, p=[0.6, 0.3, 0.1]), rng.integers(0, 2, rows)
    return table(CONTEXT, [kind, at], [rng.uniform(-1, 1, rows)], rows)


def child_rows(context: EncodedTable, seed: int = 2) -> EncodedTable:
    """Return children whose status is nearly their parent's kind."""
    rng, rows = stream(seed), len(context)
    status = np.where(rng.random(rows) < 0.9, context.codes[:, 0], rng.integers(0, 5, rows))
    mode = rng.choice(MODES, rows, p=[0.4, 0.3, 0.2, 0.1])
    amount = np.where(mode < ACTIVE, np.clip(rng.normal(0.1 * mode, 0.3, rows), -1, 1), 0.0)
    rate = np.clip(rng.beta(2, 5, rows) * 2 - 1, -1, 1)
    city = np.minimum(rng.geometric(0.1, rows) - 1, 39)
    return table(LAYOUT, [mode, status, city], [amount, rate], rows)


def random_rows(layout: Layout) -> EncodedTable:
    """Return 300 random rows of any layout."""
    rng = stream(5)
    codes = [rng.integers(0, b.cardinality, 300) for b in layout.discrete]
    values = []
    for block in layout.continuous:
        active = True if block.modes is None else codes[block.modes] < block.active
        values.append(np.where(active, rng.uniform(-1, 1, 300), 0.0))
    return table(layout, codes, values, 300)


def same(one: EncodedTable, two: EncodedTable) -> bool:
    """Compare bit by bit."""
    return (
        one.layout == two.layout
        and one.codes.tobytes() == two.codes.tobytes()
        and one.values.tobytes() == two.values.tobytes()
    )


def valid(made: EncodedTable, layout: Layout, rows: int) -> bool:
    """Check layout, types, shapes, ranges, and that inactive floats are 0."""
    assert made.layout == layout
    assert (made.codes.dtype, made.values.dtype) == (np.int32, np.float32)
    assert made.codes.shape == (rows, len(layout.discrete))
    assert made.values.shape == (rows, len(layout.continuous))
    for i, block in enumerate(layout.discrete):
        assert ((made.codes[:, i] >= 0) & (made.codes[:, i] < block.cardinality)).all(), block
    assert (np.abs(made.values) <= 1).all()
    for i, floats in enumerate(layout.continuous):
        if floats.modes is not None:
            assert not made.values[made.codes[:, floats.modes] >= floats.active, i].any()
    return True


def shares(codes: npt.NDArray[np.int32], cardinality: int) -> npt.NDArray[np.float64]:
    return np.bincount(codes, minlength=cardinality) / max(len(codes), 1)


def tvd(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> float:
    return 0.5 * float(np.abs(one - two).sum())


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set torch's number of threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Recorder:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.epochs: list[tuple[str, int, int]] = []
        self.events: list[TrainingEvent] = []

    def on_plan(self, works: Mapping[str, int]) -> None:
        raise AssertionError("told by the orchestrator, not by a model")

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        self.epochs.append((table, epoch, epochs))

    def on_checkpoint(self, event: TrainingEvent) -> None:
        self.events.append(event)

    def on_table(self, table: str) -> None:
        raise AssertionError("told by the orchestrator, not by a model")


@cache
def trained(
    model: type[ConditionalGenerativeModel], settings: tuple[tuple[str, Any], ...]
) -> ConditionalGenerativeModel:
    """Fit once for all tests of a class."""
    context = context_rows(ROWS)
    return model(TABLE, **dict(settings)).fit(
        child_rows(context), context, seed=np.random.SeedSequence(7)
    )


class ModelContract:
    """Inherit, and name the model, and the settings that make it quick."""

    model: ClassVar[type[ConditionalGenerativeModel]]
    settings: ClassVar[dict[str, Any]] = {}
    """For the tests of quality."""
    quick: ClassVar[dict[str, Any]] = {}
    """For all others."""

    # -- helpers

    def fitted(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: int = 7,
        **settings: Any,
    ) -> ConditionalGenerativeModel:
        model = self.model(TABLE, **(settings or self.quick))
        assert model.fit(data, context, seed=np.random.SeedSequence(seed)) is model
        return model

    @pytest.fixture
    def parents(self) -> EncodedTable:
        return context_rows(ROWS)

    @pytest.fixture
    def children(self, parents: EncodedTable) -> EncodedTable:
        return child_rows(parents)

    @pytest.fixture
    def good(self) -> ConditionalGenerativeModel:
        """A well trained model, shared by tests that only sample."""
        return trained(self.model, tuple(self.settings.items()))

    # -- what comes out

    def test_it_keeps_what_it_was_told(self) -> None:
        model = self.model(TABLE, batch_size=120, epochs=3)
        assert (model.metadata, model.batch_size, model.epochs) == (TABLE, 120, 3)

    @pytest.mark.parametrize("rows", [0, 1, 500])
    def test_rows_are_valid(
        self, good: ConditionalGenerativeModel, parents: EncodedTable, rows: int
    ) -> None:
        context = parents.take(np.arange(rows))
        assert valid(good.sample(rows, context, rng=stream()), LAYOUT, rows)

    def test_rows_differ(self, good: ConditionalGenerativeModel, parents: EncodedTable) -> None:
        one = good.sample(50, parents.take(np.zeros(50, dtype=np.int64)), rng=stream())
        assert len(np.unique(one.values[:, 1])) > 25

    # -- what was learned

    def test_marginals(
        self, good: ConditionalGenerativeModel, parents: EncodedTable, children: EncodedTable
    ) -> None:
        made = good.sample(len(parents), parents, rng=stream())
        for i, block in enumerate(LAYOUT.discrete):
            far = tvd(*(shares(t.codes[:, i], block.cardinality) for t in (made, children)))
            assert far < 0.05, block.column
        for i, floats in enumerate(LAYOUT.continuous):
            sides = [
                np.sort(
                    t.values[slice(None) if floats.modes is None else t.codes[:, 0] < ACTIVE, i]
                )
                for t in (made, children)
            ]
            grid = np.concatenate(sides)
            below = [np.searchsorted(s, grid, side="right") / len(s) for s in sides]
            assert np.abs(below[0] - below[1]).max() < 0.05, floats.column

    def test_dependence_on_context(
        self, good: ConditionalGenerativeModel, parents: EncodedTable, children: EncodedTable
    ) -> None:
        made = good.sample(len(parents), parents, rng=stream())
        for kind in range(3):
            mine = parents.codes[:, 0] == kind
            far = tvd(*(shares(t.codes[mine, 1], 5) for t in (made, children)))
            assert far < 0.2, kind

    def test_absent_parents(self, parents: EncodedTable) -> None:
        context = parents.take(np.where(np.arange(300) % 3 == 0, -1, np.arange(300)))
        assert (context.codes == ABSENT).any()
        made = self.fitted(child_rows(parents.take(np.arange(300))), context).sample(
            300, context, rng=stream()
        )
        assert valid(made, LAYOUT, 300)

    # -- shapes of tables

    @pytest.mark.parametrize("rows", [1, 3, 7])
    @pytest.mark.parametrize("conditional", [True, False])
    def test_tiny_tables(self, rows: int, conditional: bool) -> None:
        context = context_rows(rows)
        given = context if conditional else None
        made = self.fitted(child_rows(context), given).sample(rows, given, rng=stream())
        assert valid(made, LAYOUT, rows)

    @pytest.mark.parametrize(
        "layout",
        [
            Layout((), (Continuous("a"), Continuous("b"))),
            Layout((Discrete("a", 3), Discrete("b", 1))),
            Layout((Discrete("a", 1),), (Continuous("b"),)),
            Layout((Discrete("a", 30, embed=True), Discrete("b", 50, embed=True))),
            Layout((Discrete("a", 30, embed=True),), (Continuous("b"),)),
            Layout((Discrete("a", 6),), (Continuous("a", 0, 2),)),
        ],
        ids=["no discrete", "no continuous", "constant", "embedded", "embedded, floats", "modes"],
    )
    @pytest.mark.parametrize("conditional", [True, False])
    def test_layouts(self, layout: Layout, conditional: bool) -> None:
        given = context_rows(300) if conditional else None
        made = self.fitted(random_rows(layout), given).sample(300, given, rng=stream())
        assert valid(made, layout, 300)

    def test_nothing_to_learn(self) -> None:
        made = self.fitted(EncodedTable.empty(20)).sample(30, rng=stream())
        assert valid(made, Layout(), 30)

    # -- determinism

    def test_same_seed_same_rows_on_any_number_of_threads(self, parents: EncodedTable) -> None:
        context = parents.take(np.arange(400))
        data, made = child_rows(context), []
        for count in (1, 2, 1):
            with threads(count):
                made.append(self.fitted(data, context).sample(400, context, rng=stream()))
        assert same(made[0], made[1])
        assert same(made[0], made[2])

    def test_another_seed_other_rows(self, parents: EncodedTable) -> None:
        context = parents.take(np.arange(400))
        model = self.fitted(child_rows(context), context)
        one, two = (model.sample(400, context, rng=stream(s)) for s in (1, 2))
        assert not same(one, two)

    def test_global_random_state_is_neither_used_nor_changed(self, parents: EncodedTable) -> None:
        context = parents.take(np.arange(200))
        data, made = child_rows(context), []
        for seed in (0, 1):
            torch.manual_seed(seed)
            np.random.seed(seed)
            before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[union-attr,index]
            made.append(self.fitted(data, context).sample(200, context, rng=stream()))
            assert torch.equal(torch.get_rng_state(), before[0])
            assert np.array_equal(np.random.get_state()[1], before[1])  # type: ignore[index]
        assert same(made[0], made[1])

    def test_inputs_stay(self, parents: EncodedTable) -> None:
        context = parents.take(np.arange(200))
        data = child_rows(context)
        kept = [t.take(np.arange(200)) for t in (data, context)]
        self.fitted(data, context).sample(200, context, rng=stream())
        assert same(data, kept[0])
        assert same(context, kept[1])

    # -- saving

    def test_a_saved_model_samples_the_same(
        self, good: ConditionalGenerativeModel, parents: EncodedTable, tmp_path: Path
    ) -> None:
        good.save(tmp_path)
        loaded = self.model.load(tmp_path)
        assert type(loaded) is self.model
        one, two = (
            m.sample(400, parents.take(np.arange(400)), rng=stream()) for m in (good, loaded)
        )
        assert same(one, two)

    def test_a_saved_model_of_nothing(self, tmp_path: Path) -> None:
        self.fitted(EncodedTable.empty(20)).save(tmp_path)
        assert valid(self.model.load(tmp_path).sample(5, rng=stream()), Layout(), 5)

    def test_nothing_is_pickled(self, good: ConditionalGenerativeModel, tmp_path: Path) -> None:
        good.save(tmp_path)
        names = {p.suffix for p in tmp_path.rglob("*") if p.is_file()}
        assert names <= {".json", ".safetensors"}

    @pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
    def test_damaged_files(
        self, good: ConditionalGenerativeModel, tmp_path: Path, damage: str
    ) -> None:
        good.save(tmp_path)
        for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
            whole = path.read_bytes()
            if damage == "missing":
                path.unlink()
            else:
                half = whole[: len(whole) // 2]
                path.write_bytes({"cut": half, "garbage": b"\x00\xff" * 64, "empty": b""}[damage])
            with pytest.raises(SerializationError, match=tmp_path.name):
                self.model.load(tmp_path)
            path.write_bytes(whole)
        assert self.model.load(tmp_path)
