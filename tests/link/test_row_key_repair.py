"""Parents change rows until a CHECK about two keys holds, and keep their numbers of children."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive import ForeignKey, Metadata
from synthohive.constrain.sql_expressions import compile_check
from synthohive.link.row_key_repair import trade
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
