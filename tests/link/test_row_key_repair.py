"""Parents change rows until a CHECK about two keys holds, and keep their numbers of children."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive import ForeignKey, Metadata
from synthohive.constrain.sql_expressions import compile_check
from synthohive.link.row_key_repair import redraw, trade
from synthohive.link.row_keys import RowKeys
from synthohive.schema import Column


def test_parents_keep_their_numbers_of_children() -> None:
    columns = {name: Column(name=name, kind="integer") for name in "xy"}
    keys = [ForeignKey(columns=[c], parent="node", parent_columns=["id"]) for c in "xy"]
    meta = Metadata().add_table("node", "id", columns={"id": Column(name="id", kind="integer")})
    meta.add_table("edge", ["x", "y"], columns=columns, foreign_keys=keys)
    check = compile_check("x < y", "postgresql", columns)
    assert check is not None
    rng = np.random.default_rng(1)
    pairs = np.unique(np.sort((rng.random((900, 2)) ** 2 * 80).astype(np.int64), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    mixed = [pairs[:, 0], rng.permutation(pairs[:, 1])]
    nodes = pa.table({"id": np.arange(80)})
    before = RowKeys(meta.tables["edge"], keys, [nodes, nodes], mixed, checks=[check])
    broken = before.breaking(before.codes, np.arange(len(pairs)))
    assert broken.mean() > 0.1
    moved = trade(before, np.random.default_rng(2))
    assert not before.breaking(before.codes, np.arange(len(pairs))).any()
    assert set(np.flatnonzero(broken)) <= set(moved)
    for own, chosen in zip(mixed, before.chosen):
        assert (np.bincount(own, minlength=80) == np.bincount(chosen, minlength=80)).all()
    changed = before.changes()
    assert changed["x"][0].tolist() == moved.tolist()
    assert changed["x"][1].to_pylist() == before.chosen[0][moved].tolist()


def test_a_column_may_refer_to_numbers_of_several_widths() -> None:
    columns = {"id": Column(name="id", kind="integer", nullable=False)}
    keys = [ForeignKey(columns=["id"], parent=p, parent_columns=["id"]) for p in ("small", "large")]
    meta = Metadata().add_table("small", "id").add_table("large", "id")
    meta.add_table("both", "id", columns=columns, foreign_keys=keys)
    ids = pa.array([7, 8], pa.int16()), pa.array([70_000, 8, 9], pa.int32())
    chosen = [np.array([0]), np.array([0])]
    both = RowKeys(meta.tables["both"], keys, [pa.table({"id": own}) for own in ids], chosen)
    redraw(both, {}, np.random.default_rng(1))
    rows, values = both.changes()["id"]
    assert (rows.tolist(), values.to_pylist()) == ([0], [8])
