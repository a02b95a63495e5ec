"""What every ColumnTransform keeps, whatever the kind of column."""

from __future__ import annotations

from typing import Any, ClassVar, Optional

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.base import ColumnTransform, EncoderSettings
from synthohive.privacy.entities import Entities
from synthohive.schema import Column
from tests.packed import again, shown

SEED = np.random.SeedSequence(11)
ROWS = 400


def stream(seed: int = 3) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))


def same(one: pa.Array, two: pa.Array) -> bool:
    """Compare exactly; NaN is like NaN."""
    return one.type == two.type and repr(one.to_pylist()) == repr(two.to_pylist())


class ColumnTransformContract:
    """Inherit, and name the transform, a column, and the values that it may hold."""

    transform: ClassVar[type[ColumnTransform]]
    column: ClassVar[Column]
    rare: ClassVar[tuple[Any, ...]] = ()
    rare_marks: ClassVar[tuple[str, ...]] = ()
    """How the rare values would look in the JSON state."""
    fits_nothing: ClassVar[bool] = True
    """Whether a column without any value is accepted."""

    def values(self, rows: int, rng: np.random.Generator) -> pa.Array:
        """Return non-NULL values of the column's type."""
        raise NotImplementedError

    # -- helpers

    @property
    def settings(self) -> EncoderSettings:
        return EncoderSettings(k=5, fit_rows=500, max_modes=4)

    def with_nulls(self, rows: int = ROWS) -> pa.Array:
        rng = stream(1)
        values = self.values(rows, rng)
        index = np.arange(rows)
        return values.take(pa.array(index, mask=rng.random(rows) < 0.25))

    def unfitted(self) -> ColumnTransform:
        return self.transform(self.column, self.settings)

    def fitted(self, values: pa.Array, entities: Optional[Entities] = None) -> ColumnTransform:
        transform = self.unfitted()
        return transform.fit(transform.analyze(values, entities), SEED)

    @staticmethod
    def round_trip(transform: ColumnTransform, values: pa.Array, seed: int = 3) -> pa.Array:
        codes, floats = transform.encode(values, stream(seed))
        return transform.decode(codes, floats, stream(seed))

    def agree(self, transform: ColumnTransform, values: pa.Array) -> None:
        """Encode, check the layout, decode, check type and length."""
        codes, floats = transform.encode(values, stream())
        layout = transform.layout
        assert codes.dtype == np.int32
        assert floats.dtype == np.float32
        assert codes.shape == (len(values), len(layout.discrete))
        assert floats.shape == (len(values), len(layout.continuous))
        for block, column in zip(layout.discrete, codes.T):
            assert block.column == self.column.name
            assert ((column >= 0) & (column < block.cardinality)).all()
        assert np.isfinite(floats).all()
        assert (np.abs(floats) <= 1).all()
        for block, column in zip(layout.continuous, floats.T):
            assert block.modes is not None
            assert 0 < block.active <= layout.discrete[block.modes].cardinality
            active = codes[:, block.modes] < block.active
            assert (column[~active] == 0).all()
        decoded = transform.decode(codes, floats, stream())
        decoded.validate(full=True)
        assert decoded.type == self.column.arrow_type
        assert len(decoded) == len(values)

    # -- the contract

    def test_round_trip_keeps_type_and_nulls(self) -> None:
        values = self.with_nulls()
        transform = self.fitted(values)
        self.agree(transform, values)
        assert self.round_trip(transform, values).is_null().equals(values.is_null())

    def test_without_nulls_none_is_made(self) -> None:
        values = self.values(ROWS, stream())
        assert self.round_trip(self.fitted(values), values).null_count == 0

    def test_the_code_for_null(self) -> None:
        values = self.with_nulls()
        transform = self.fitted(values)
        codes, _ = transform.encode(values, stream())
        if not transform.layout.discrete:
            assert transform.null_code == -1
            return
        null = values.is_null().to_numpy(zero_copy_only=False)
        assert np.array_equal(codes[:, 0] == transform.null_code, null)
        whole = self.values(ROWS, stream())
        assert self.fitted(whole).null_code == -1

    def test_state_survives_json(self) -> None:
        values = self.with_nulls()
        transform = self.fitted(values)
        read = again(transform)
        assert read.layout == transform.layout
        assert same(self.round_trip(read, values), self.round_trip(transform, values))

    def test_same_seed_same_result(self) -> None:
        values = self.with_nulls()
        one, two = self.fitted(values), self.fitted(values)
        assert shown(one) == shown(two)
        assert same(self.round_trip(one, values), self.round_trip(two, values))

    @pytest.mark.parametrize("shared", [False, True])
    def test_rare_values_are_neither_kept_nor_made(self, shared: bool) -> None:
        if not self.rare:
            pytest.skip("every value of this kind is made up")
        rare = pa.array(self.rare, type=self.column.arrow_type)
        values = pa.concat_arrays([self.values(ROWS, stream()), *[rare] * 4])
        entities = np.concatenate([np.arange(ROWS), np.full(4 * len(rare), ROWS)])
        if shared:  # many rows, but of one entity
            values = pa.concat_arrays([values, *[rare] * 10])
            entities = np.concatenate([entities, np.full(10 * len(rare), ROWS)])
        transform = self.fitted(values, Entities.over(entities))
        text = shown(transform, without=("column",))  # which the schema makes public
        for mark in self.rare_marks:
            assert mark not in text
        made = set(self.round_trip(transform, values).to_pylist())
        assert not made & set(self.rare)

    def test_no_rows(self) -> None:
        values = self.with_nulls()
        self.agree(self.fitted(values), values[:0])

    def test_one_row(self) -> None:
        values = self.with_nulls()
        transform = self.fitted(values)
        for row in range(5):
            self.agree(transform, values[row : row + 1])

    def test_all_null(self) -> None:
        values = self.with_nulls()
        self.agree(self.fitted(values), pa.nulls(7, values.type))
        if self.fits_nothing:
            nothing = pa.nulls(7, values.type)
            transform = self.fitted(nothing)
            self.agree(transform, nothing)
            assert self.round_trip(transform, nothing).null_count == len(nothing)

    def test_learns_from_no_row_and_one_row(self) -> None:
        if not self.fits_nothing:
            pytest.skip("the next transform takes such columns")
        values = self.values(50, stream())
        for few in (values[:0], values[:1]):
            self.agree(self.fitted(few), values)

    def test_unseen_values_and_nulls_are_encoded(self) -> None:
        values = self.values(50, stream())
        transform = self.fitted(values)
        unseen = pa.concat_arrays([self.values(60, stream(99)), pa.nulls(3, values.type)])
        self.agree(transform, unseen)

    def test_decode_does_not_depend_on_the_rows_around(self) -> None:
        values = self.with_nulls()
        transform = self.fitted(values)
        codes, floats = transform.encode(values, stream())
        nulls = transform.decode(codes, floats, stream()).is_null()
        part = transform.decode(codes[100:200], floats[100:200], stream()).is_null()
        assert part.equals(nulls[100:200])
