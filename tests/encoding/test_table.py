"""TableEncoder: all kinds of columns side by side."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.base import EncoderSettings
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.exceptions import SchemaError
from synthohive.schema import Column
from synthohive.schema.arrow_types import parse_type
from synthohive.schema.columns import column_from_arrow
from tests.contracts.column_transform import SEED, same, stream
from tests.packed import again, shown

ROWS = 300
SETTINGS = EncoderSettings(fit_rows=300, max_modes=3, high_cardinality=frozenset({"city"}))


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    rng = stream()
    day = rng.integers(18_000, 19_000, ROWS).astype(np.int32)
    return pa.table(
        {
            "price": pa.array(rng.gamma(2, 10, ROWS)),
            "city": pa.array(["Bern", "Köln", None]).take(pa.array(rng.integers(0, 3, ROWS))),
            "born": pa.array(day).view(pa.date32()),
            "token": pa.array([f"{i:032x}" for i in range(ROWS)]),
            "note": pa.array([f"n{i}" for i in range(ROWS)]),
            "always": pa.array(["x"] * ROWS),
            "nothing": pa.nulls(ROWS, pa.int64()),
            "extra": pa.array([f'{{"a": {i}}}' for i in range(ROWS)]),
            "blob": pa.array([bytes(i % 5) for i in range(ROWS)]),
        }
    )


@pytest.fixture(scope="module")
def columns() -> dict[str, Column]:
    kinds = ["float", "text", "date", "uuid", "text", "text", "integer", "json", "binary"]
    names = ["price", "city", "born", "token", "note", "always", "nothing", "extra", "blob"]
    return {name: Column(name=name, kind=kind) for name, kind in zip(names, kinds)}


@pytest.fixture(scope="module")
def encoder(rows: pa.Table, columns: dict[str, Column]) -> TableEncoder:
    return TableEncoder.fit(rows, columns, seed=SEED, settings=SETTINGS)


def states(encoder: TableEncoder) -> dict[str, str]:
    return {name: shown(transform) for name, transform in encoder.transforms.items()}


def test_kinds_tell_how_columns_are_treated(encoder: TableEncoder) -> None:
    assert encoder.kinds == {
        "price": "numeric",
        "city": "categorical",
        "born": "datetime",
        "token": "uuid",
        "note": "number_text",
        "always": "constant",
        "nothing": "constant",
        "extra": "json",
        "blob": "binary",
    }


def test_round_trip(encoder: TableEncoder, rows: pa.Table) -> None:
    encoded = encoder.encode(rows, stream())
    assert encoded.layout == encoder.layout
    assert encoded.codes.shape == (ROWS, len(encoder.layout.discrete))
    assert encoded.values.shape == (ROWS, len(encoder.layout.continuous))
    made = encoder.decode(encoded, stream())
    assert made.schema.equals(rows.schema)
    assert made.column("city").equals(rows.column("city"))


def test_high_cardinality_columns_are_embedded(encoder: TableEncoder) -> None:
    assert [b.column for b in encoder.layout.discrete if b.embed] == ["city"]


def test_a_further_column_or_job_changes_nothing_else(
    encoder: TableEncoder, rows: pa.Table, columns: dict[str, Column]
) -> None:
    fewer = {name: columns[name] for name in ("note", "price", "born")}
    other = states(TableEncoder.fit(rows, fewer, seed=SEED, settings=SETTINGS, n_jobs=2))
    whole = states(encoder)
    assert all(other[name] == whole[name] for name in fewer)


def test_state_round_trip(
    encoder: TableEncoder, rows: pa.Table, columns: dict[str, Column]
) -> None:
    read = again(encoder)
    assert read.layout == encoder.layout
    assert read.kinds == encoder.kinds
    encoded = encoder.encode(rows, stream())
    one, two = encoder.decode(encoded, stream(8)), read.decode(encoded, stream(8))
    assert all(
        same(one.column(n).combine_chunks(), two.column(n).combine_chunks()) for n in columns
    )


def test_chunked_and_empty_tables(encoder: TableEncoder, rows: pa.Table) -> None:
    chunked = pa.concat_tables([rows[:100], rows[100:]])
    one, two = encoder.encode(rows, stream()), encoder.encode(chunked, stream())
    assert (one.codes == two.codes).all()
    assert (one.values == two.values).all()
    empty = encoder.decode(encoder.encode(rows[:0], stream()), stream())
    assert empty.schema.equals(rows.schema)


def test_no_columns(rows: pa.Table) -> None:
    encoder = TableEncoder.fit(rows, {}, seed=SEED, settings=SETTINGS)
    assert len(encoder.encode(rows, stream())) == ROWS
    assert encoder.decode(EncodedTable.empty(3), stream()).num_columns == 0


def test_unsupported_column_is_named(rows: pa.Table) -> None:
    shape = Column(name="shape", kind="unsupported", sql_type="GEOMETRY")
    with pytest.raises(SchemaError, match="'shape' has the type 'GEOMETRY'"):
        TableEncoder.fit(rows, {"shape": shape}, seed=SEED, settings=SETTINGS)


def test_missing_column_is_named(rows: pa.Table) -> None:
    column = Column(name="prize", kind="float")
    with pytest.raises(SchemaError, match="Did you mean 'price'"):
        TableEncoder.fit(rows, {"prize": column}, seed=SEED, settings=SETTINGS)


@pytest.mark.parametrize(
    "type_",
    [
        "null",
        "float16",
        "date64",
        "time32[s]",
        "time64[ns]",
        "timestamp[s]",
        "timestamp[ns]",
        "duration[s]",
        "uint8",
        "large_string",
        "large_binary",
        "decimal128(5, -2)",
    ],
)
@pytest.mark.parametrize("rows", [0, 3])
def test_types_of_files_come_back(type_: str, rows: int) -> None:
    parsed = pa.null() if type_ == "null" else parse_type(type_)
    table = pa.table({"c": pa.nulls(rows, parsed)})
    column = column_from_arrow(table.schema.field("c"))
    encoder = TableEncoder.fit(table, {"c": column}, seed=SEED, settings=SETTINGS)
    made = encoder.decode(encoder.encode(table, stream()), stream())
    assert made.equals(table)
