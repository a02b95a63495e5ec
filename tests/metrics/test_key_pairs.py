"""Children beside their parents: near 0 for another draw, far where nothing goes together."""

from __future__ import annotations

import pyarrow as pa

from synthohive.metrics import Pair, key_pairs
from tests.metrics.shop import shop


def compared(related: bool) -> dict[str, Pair]:
    (real, metadata), (made, _) = shop(1), shop(2, related)
    key = metadata.tables["orders"].foreign_keys[0]
    return {pair.a: pair for pair in key_pairs(real, made, metadata, "orders", key)}


def test_another_draw_goes_together_alike() -> None:
    pairs = compared(related=True)
    assert set(pairs) == {"amount", "channel"}
    for pair in pairs.values():
        assert pair.b == "level over (customer_id)"
        assert pair.tvd < 0.15
        assert pair.difference < 0.05


def test_a_lost_association_is_seen() -> None:
    pairs = compared(related=False)
    assert pairs["amount"].tvd > 0.5
    assert pairs["amount"].real > 0.9
    assert pairs["amount"].synthetic < 0.1
    assert pairs["channel"].difference > 0.8


def test_rows_meet_their_own_parent_whatever_the_order() -> None:
    tables, metadata = shop(1)
    key = metadata.tables["orders"].foreign_keys[0]
    backwards = {n: t.take(pa.array(range(len(t))[::-1])) for n, t in tables.items()}
    for pair in key_pairs(tables, backwards, metadata, "orders", key):
        assert pair.tvd == 0.0
        assert pair.difference < 1e-9
