"""Rows that a database would refuse are found before they are handed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.constrain import validity
from synthohive.constrain.validity import check_validity, violations
from synthohive.exceptions import ConstraintViolationError
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, UniqueConstraint
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.key_hashes import NO_KEY, Seen, key_hashes, repeats
from synthohive.tables.sample import Sample


class Halves(Sample):
    """Tables in memory, in blocks of two rows."""

    def batches(self, table: str, names: Sequence[str]) -> Iterator[pa.Table]:
        for batch in self.columns(table, names).to_batches(max_chunksize=2):
            yield pa.Table.from_batches([batch])


def shop() -> Metadata:
    columns = {
        name: Column(name=name, kind=ColumnKind.INTEGER, arrow="int64", nullable=name == "code")
        for name in ("id", "code", "customer")
    }
    parents = {name: columns[name] for name in ("id", "code")}
    key = ForeignKey(columns=["customer"], parent="customers", parent_columns=["id"])
    unique = [UniqueConstraint(columns=["code"])]
    return (
        Metadata()
        .add_table("customers", "id", columns=parents, unique=unique)
        .add_table("orders", "id", columns=columns, foreign_keys=[key])
    )


def tables(customers: dict[str, Any], orders: dict[str, Any]) -> Halves:
    found = {}
    for name, given in (("customers", customers), ("orders", orders)):
        found[name] = pa.table(given, schema=pa.schema([(column, pa.int64()) for column in given]))
    return Halves(shop(), RelationalPlan.build(shop(), {}), found)


GOOD = {"id": [1, 2, 3], "code": [7, None, None]}


def test_valid_rows_pass() -> None:
    orders = {"id": [1, 2, 3], "code": [1, 1, 1], "customer": [3, 3, 1]}
    check_validity(shop(), tables(GOOD, orders))


@pytest.mark.parametrize(
    ("customers", "orders", "told"),
    [
        (GOOD, {"id": [1], "code": [1], "customer": [4]}, "orders(customer) -> customers(id)"),
        (GOOD, {"id": [1, 2, 1], "code": [1] * 3, "customer": [1] * 3}, "PRIMARY KEY (id)"),
        ({"id": [1, 2, 3], "code": [7, 1, 7]}, {"id": [], "code": [], "customer": []}, "UNIQUE"),
        (GOOD, {"id": [1], "code": [1], "customer": [None]}, "NOT NULL (customer)"),
    ],
)
def test_what_a_database_would_refuse_is_named(
    customers: dict[str, Any], orders: dict[str, Any], told: str
) -> None:
    given = tables(customers, orders)
    with pytest.raises(ConstraintViolationError, match="1 rows break") as caught:
        check_validity(shop(), given)
    assert told in str(caught.value)
    assert len(list(violations(shop(), given))) == 1


def test_what_is_looked_for_range_by_range_is_all_that_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    customers = {"id": list(range(300)), "code": rng.integers(0, 250, 300).tolist()}
    orders = {name: rng.integers(0, 400, 500).tolist() for name in ("id", "code", "customer")}
    given = tables(customers, orders)
    again = [len(column) - len(set(column)) for column in (customers["code"], orders["id"])]
    orphans = sum(one >= 300 for one in orders["customer"])
    for most in (64, validity.AT_ONCE):
        monkeypatch.setattr(validity, "AT_ONCE", most)
        monkeypatch.setattr(validity, "READ_AT_ONCE", most)
        assert [v.rows for v in violations(shop(), given)] == [*again, orphans]


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (pa.bool_(), [True, False]),
        (pa.int16(), [-1, 2]),
        (pa.float64(), [0.0, 1.5]),
        (pa.decimal128(8, 2), [Decimal("1.25"), Decimal("-1.25")]),
        (pa.decimal256(50, 2), [Decimal("1.25"), Decimal("-1.25")]),
        (pa.string(), ["ab", "abc"]),
        (pa.large_string(), ["", "x" * 2_000]),
        (pa.binary(), [b"a\0", b"a"]),
        (pa.binary(4), [b"abcd", b"abce"]),
        (pa.date32(), [date(2020, 1, 1), date(9999, 12, 31)]),
        (pa.timestamp("us"), [1, 2]),
        (pa.list_(pa.int8()), [[1], [1, 2]]),
    ],
)
def test_equal_keys_of_any_type_have_equal_hashes(type_: pa.DataType, values: list[Any]) -> None:
    array = pa.array([*values, None, *values], type_)
    hashes = key_hashes(pa.table({"k": array}), ["k"], [type_])
    assert (hashes[:2] == hashes[3:]).all()
    assert hashes[0] != hashes[1]
    assert hashes[2] == NO_KEY
    assert repeats(hashes).tolist() == [3, 4]
    seen = Seen()
    seen.add(hashes[:2])
    assert repeats(hashes[1:3], seen).tolist() == [0]
    sliced = key_hashes(pa.table({"k": array.slice(3)}), ["k"], [type_])
    assert (sliced == hashes[3:]).all()


def test_what_stood_before_is_known_whatever_the_blocks() -> None:
    rng, seen, known = np.random.default_rng(3), Seen(), set[int]()
    for size in (1, 0, 500, *rng.integers(1, 90, 200)):
        hashes = rng.integers(0, 20_000, size).astype(np.uint64)
        fresh = rng.integers(0, 20_000, 50).astype(np.uint64)
        seen.add(hashes)
        known |= set(hashes.tolist()) - {int(NO_KEY)}
        assert seen.holds(fresh).tolist() == [value in known for value in fresh.tolist()]
    assert len(seen.runs) < 10  # each at least twice as long as the next one


def test_a_key_is_hashed_as_the_column_that_it_refers_to() -> None:
    narrow, wide = pa.table({"k": pa.array([5], pa.int16())}), pa.table({"k": pa.array([5])})
    types = [pa.int64()]
    assert key_hashes(narrow, ["k"], types) == key_hashes(wide, ["k"], types)
    own, other = pa.table({"a": [1], "b": [2]}), pa.table({"a": [2], "b": [1]})
    types = [pa.int64(), pa.int64()]
    assert key_hashes(own, ["a", "b"], types) != key_hashes(other, ["a", "b"], types)
