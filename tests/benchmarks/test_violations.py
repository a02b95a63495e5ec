"""Broken relations are counted on the synthetic rows, in the row and over keys."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.parts.violations import broken_relations
from benchmarks.shapes import SHAPES
from synthohive import PrivacyConfig, Synthesizer


def test_rows_that_break_what_is_exact() -> None:
    shape = SHAPES["totals"]
    real = shape.tables(1, 60)
    synthesizer = Synthesizer(
        shape.metadata(real), PrivacyConfig(detect_pii=False), model="autoregressive"
    )
    synthesizer.fit(real, epochs=1, seed=1, progress=False)
    made = synthesizer.sample(seed=2, output_format="arrow")
    found = broken_relations(synthesizer, made)
    assert len(found) >= 3
    assert {b.table for b in found} == {"invoices", "lines"}
    assert [b for b in found if b.broken] == []

    lines = made["lines"]
    first = pa.array([i == 0 for i in range(len(lines))])
    more = pc.if_else(first, pc.add(lines["amount"], 1), lines["amount"]).cast(
        lines.schema.field("amount").type
    )
    wrong = {**made, "lines": lines.set_column(lines.column_names.index("amount"), "amount", more)}
    broken = {b.table: b for b in broken_relations(synthesizer, wrong) if b.broken}
    assert broken["lines"].broken == broken["invoices"].broken == 1
