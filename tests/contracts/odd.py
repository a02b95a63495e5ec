"""What no well-behaved schema has, written to a warehouse, read from it, and copied inside it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata, TableConfig
from tests.contracts.writer import ORIGIN
from tests.evidence import feature

__all__ = ["OddContract"]

NULLS = {
    **{kind.value: {"kind": kind} for kind in (
        ColumnKind.INTEGER, ColumnKind.FLOAT, ColumnKind.BOOLEAN, ColumnKind.DATE, ColumnKind.TEXT,
        ColumnKind.TIME, ColumnKind.BINARY, ColumnKind.JSON, ColumnKind.ARRAY, ColumnKind.UUID,
        ColumnKind.INTERVAL, ColumnKind.TIMESTAMP)},
    "moment": {"kind": ColumnKind.TIMESTAMP, "timezone": True},
    "exact": {"kind": ColumnKind.DECIMAL, "precision": 38, "scale": 10},
}  # fmt: skip
DEEP: Any = 1.5
for _ in range(40):
    DEEP = {"a": [DEEP, None, 'x"\\y'], "größe 名": {"b.c": True}}
HUGE = json.dumps({"deep": DEEP, "long": ["é" * 50] * 4_000})
EXACT = [Decimal(f"{'9' * 28}.9999999999"), Decimal(f"-{'9' * 28}.0000000001"), Decimal(0)]


def column(name: str, kind: ColumnKind, **more: Any) -> Column:
    """Return a column."""
    return Column(name=name, kind=kind, **more)


class OddContract:
    """Inherit, and give a fixture `target`: a name of a place that is free."""

    names: ClassVar[tuple[str, ...]] = ("select", "größe 名", "MixedCase", "lower_case", "x" * 120)
    too_long: ClassVar[str] = "x" * 400
    exact: ClassVar[list[Decimal]] = EXACT

    def engine(self) -> Engine:
        """Return the engine of the target."""
        raise NotImplementedError

    def places(self, start: str) -> list[str]:
        """Return the names of all places that begin so."""
        raise NotImplementedError

    def tables(self) -> tuple[Metadata, dict[str, pa.Table]]:
        """Return what is written."""
        meta, rows = Metadata(), {}
        key = column("id", ColumnKind.INTEGER, nullable=False)
        ids = pa.array([1, 2, 3], pa.int64())
        for name in self.names:
            own = column(name, ColumnKind.INTEGER, nullable=False)
            meta.add_table(name, name, columns={name: own, "v": column("v", ColumnKind.TEXT)})
            rows[name] = pa.table({name: ids, "v": ["a%s %% '\\", "", None]})
        parent = self.names[0]
        meta.add_table("empty", "id", columns={"id": key, "p": column("p", ColumnKind.INTEGER)},
                       foreign_keys=[ForeignKey(columns=["p"], parent=parent,
                                                parent_columns=[parent])])  # fmt: skip
        nulls = {name: Column(name=name, **facts) for name, facts in NULLS.items()}
        meta.add_table("nulls", "id", columns={"id": key, **nulls})
        rows["nulls"] = pa.table(
            {"id": ids, **{n: pa.nulls(3, c.arrow_type) for n, c in nulls.items()}}
        )
        meta.add_table("huge", "id", columns={
            "id": key, "doc": column("doc", ColumnKind.JSON),
            "exact": column("exact", ColumnKind.DECIMAL, precision=38, scale=10),
        })  # fmt: skip
        rows["huge"] = pa.table({
            "id": ids, "doc": [HUGE, "[]", '{"": null}'],
            "exact": pa.array(self.exact, pa.decimal128(38, 10)),
        })  # fmt: skip
        bare = TableConfig(name="bare", columns={"x": column("x", ColumnKind.TEXT)})
        bare.exclude("x")
        meta.tables["bare"] = bare
        return meta, rows

    def seen(self, schema: str) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of all tables, documents as they are understood."""
        warehouse = SqlWarehouse(self.engine(), schema)
        found = {}
        for name in warehouse.metadata.tables:
            rows = pa.Table.from_batches(list(warehouse.read(name))).to_pylist()
            for row in rows:
                if row.get("doc") is not None:
                    row["doc"] = json.loads(row["doc"])
            found[name] = sorted(rows, key=lambda row: str(next(iter(row.values()), "")))
        return found

    @feature("odd names")
    def test_what_is_odd_comes_back_and_is_copied_again(self, target: str) -> None:
        meta, rows = self.tables()
        with open_writer(
            None, meta, target_schema=target, target_engine=self.engine(), provenance=ORIGIN
        ) as writer:
            for name in meta.tables:
                writer.load(name, rows[name].to_batches() if name in rows else [])
            writer.finish()
        first = self.seen(target)
        assert set(first) >= {*self.names, "empty", "nulls", "huge"}
        for name in self.names:
            assert first[name] == rows[name].to_pylist()
        assert first["empty"] == []
        assert all(value is None for row in first["nulls"] for n, value in row.items() if n != "id")
        assert [row["doc"] for row in first["huge"]] == [
            json.loads(text) for text in rows["huge"]["doc"].to_pylist()
        ]
        assert [row["exact"] for row in first["huge"]] == self.exact
        again = f"{target}_2"
        warehouse = SqlWarehouse(self.engine(), target)
        with open_writer(
            self.engine(), warehouse.metadata, target_schema=again, source_schema=target,
            provenance=ORIGIN,
        ) as writer:  # fmt: skip
            for name in warehouse.metadata.tables:
                writer.load(name, warehouse.read(name))
            writer.finish()
        assert self.seen(again) == first

    def test_a_name_that_is_too_long_is_refused_before_anything_is_made(self, target: str) -> None:
        meta = Metadata()
        wide = column(self.too_long, ColumnKind.INTEGER)
        meta.add_table("t", None, columns={self.too_long: wide})
        with pytest.raises(ConnectorError, match=r"is longer than the \d+"):
            open_writer(
                None, meta, target_schema=target, target_engine=self.engine(), provenance=ORIGIN
            )
        assert self.places(target) == []
