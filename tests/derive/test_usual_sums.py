"""Sums that hold in most rows: found, told apart from chance, and never exceeded in the copy."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive.derive.columns import Chosen, Columns
from synthohive.derive.formula import rounding_of
from synthohive.derive.mostly import Mostly
from synthohive.derive.program import Program
from synthohive.derive.usual_sums import find_usual_sums

ROWS = 600


def found(table: pa.Table) -> dict[str, Mostly]:
    chosen = Chosen(Columns(table, table.column_names))
    find_usual_sums(chosen.columns, chosen)
    assert all(isinstance(one, Mostly) for one in chosen.derivations.values())
    return chosen.derivations  # type: ignore[return-value]


def seasons(drawn: float) -> pa.Table:
    """Return games, of which a share of the seasons has some that nobody won."""
    rng = np.random.default_rng(1)
    games = 162 - rng.integers(0, 150, ROWS)
    ties = np.where(rng.random(ROWS) < drawn, rng.integers(1, 6, ROWS), 0)
    won = rng.binomial(games - ties, rng.uniform(0.1, 0.9, ROWS))
    return pa.table({"games": games, "won": won, "lost": games - ties - won})


def test_what_is_mostly_a_sum_comes_back_with_what_is_missing() -> None:
    table = seasons(0.4)
    (rule,) = found(table).values()
    assert rule.rest == "gap"
    program = Program((rule,))
    besides, _ = program.learned_besides(
        table, np.zeros(0, dtype=np.int64), np.random.default_rng(0)
    )
    rows = pa.table({**{n: table.column(n) for n in rule.rule.needs}, **besides.to_pydict()})
    made = rule.decode(rows.append_column(rule.target, table.column(rule.target)))
    # but for the most extreme rows, which keep the protected bounds
    assert np.mean(np.asarray(made) == table.column(rule.target).to_numpy()) > 0.97
    assert 0.55 < rule.share < 0.65


def test_what_holds_in_fewer_rows_is_none() -> None:
    assert found(seasons(0.4))
    assert not found(seasons(0.6))


def test_a_column_that_is_mostly_zero_makes_no_sum() -> None:
    rng = np.random.default_rng(2)
    played = rng.integers(1, 160, ROWS)
    batted = np.where(rng.random(ROWS) < 0.75, played, played - rng.integers(0, 30, ROWS))
    caught = np.where(rng.random(ROWS) < 0.9, 0, rng.integers(1, 60, ROWS))
    assert not found(pa.table({"played": played, "batted": batted, "caught": caught}))


def test_small_numbers_that_add_up_by_chance_are_no_sum() -> None:
    rng = np.random.default_rng(3)
    rare = {n: rng.geometric(0.5, ROWS) * (rng.random(ROWS) < 0.1) * 3 for n in "abc"}
    rare = {
        n: np.where(rng.random(ROWS) < 0.1, rng.integers(0, 60, ROWS), v) for n, v in rare.items()
    }
    assert not found(pa.table(rare))


def test_a_sum_or_one_more_is_not_rounded() -> None:
    assert rounding_of(np.array([0.0, 0.0, 1.0]), 1.0) is None
    assert rounding_of(np.array([0.0, 0.4, 0.9]), 1.0) == "up"
    assert rounding_of(np.array([-0.5, 0.0, 0.5]), 1.0) == "nearest"
