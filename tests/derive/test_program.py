"""The program of a table: each column after what it needs, as far as something was changed."""

from __future__ import annotations

from graphlib import CycleError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.formula import Factor, Formula, Term
from synthohive.derive.lookup import Copy
from synthohive.derive.order import Order
from synthohive.derive.presence import Presence
from synthohive.derive.program import Program
from synthohive.schema.columns import column_from_arrow
from synthohive.tables.ancestors import with_column

ROWS = 500


def plus(target: str, source: str, number: float) -> Formula:
    return Formula(target, (Term(1.0, (Factor(source),)), Term(number)), 1.0)


class Counted(Copy):
    """A copy that says how often it was made."""

    made = 0

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        type(self).made += 1
        return super().decode(rows, rng)


def table() -> pa.Table:
    rng = np.random.default_rng(1)
    a = rng.integers(0, 100, ROWS)
    state = pa.array(np.where(a < 50, "open", "done"))
    closed = pa.array(a + rng.integers(0, 9, ROWS), mask=np.asarray(a < 50))
    columns = {"a": a, "b": a + 2, "c": a + 5, "d": rng.integers(0, 9, ROWS)}
    return pa.table({**columns, "state": state, "closed": closed})


DERIVATIONS: tuple[Derivation, ...] = (
    plus("c", "b", 3.0),  # before what it needs: the program sorts
    plus("b", "a", 2.0),
    Order("closed", "b", False, 1.0, distance=False, low=0.0, high=200.0),
)
CLOSED = Presence("closed", "state", True, ("open",), ("done",), True)


def test_each_column_comes_after_what_it_needs() -> None:
    order = Program(DERIVATIONS, {"closed": CLOSED}).order
    assert order.index("b") < order.index("c")
    assert set(order) == {"b", "c", "closed"}
    with pytest.raises(CycleError):
        assert Program((plus("a", "b", 1.0), plus("b", "a", 1.0))).order


def test_what_is_encoded_comes_back_in_whatever_order_it_was_stated() -> None:
    rows, rng = table(), np.random.default_rng(2)
    columns = {f.name: column_from_arrow(f) for f in rows.schema}
    program = Program((DERIVATIONS[0], DERIVATIONS[1]), {"closed": CLOSED})
    modelled, kept = program.encode(rows, columns, rng)
    assert set(kept) == {"a", "d", "state", "closed"}
    assert program.decode(modelled, columns, pa.table({}), rng).equals(rows)


def test_a_repair_goes_as_far_as_what_was_changed() -> None:
    rows = table()
    program = Program(DERIVATIONS[:2], {"closed": CLOSED})
    moved = with_column(rows, "a", pc.add(rows["a"], 7))
    right = program.repair(moved, changed=["a"])
    assert right.equals(program.repair(moved))
    assert right["c"].equals(pc.add(rows["c"], 7))
    assert program.repair(moved, changed=["d"])["c"].equals(rows["c"])
    Counted.made = 0
    Program((*DERIVATIONS[:2], Counted("e", "d"))).repair(
        moved.append_column("e", rows["d"]), changed=["a"]
    )
    assert Counted.made == 0


def test_what_is_null_by_another_column_follows_its_change() -> None:
    rows = table()
    program = Program((), {"closed": CLOSED})
    flipped = pc.if_else(pc.equal(rows["state"], "open"), "done", "open")
    right = program.repair(with_column(rows, "state", flipped), changed=["state"])
    assert not CLOSED.violations(right).any()


def test_cells_that_are_known_decide_what_follows_from_them() -> None:
    rows, rng = table(), np.random.default_rng(3)
    columns = {f.name: column_from_arrow(f) for f in rows.schema}
    program = Program(DERIVATIONS[:2])
    modelled, _ = program.encode(rows, columns, rng)
    known = np.arange(ROWS) < 100
    given = {"b": (known, pc.add(rows["b"], 1000))}
    made = program.decode(modelled, columns, pa.table({}), rng, known=given)
    assert made["c"].to_numpy()[:100].min() >= 1000
    assert made["c"].slice(100).equals(rows["c"].slice(100))
    assert made["a"].equals(rows["a"])
