"""Which parents rows have, and how many rows parents have, where the model tells nothing of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from benchmarks.shapes import SHAPES
from synthohive import PrivacyConfig, Synthesizer
from synthohive.validation.metrics import fan_out_histogram, fan_out_ks, orphans
from tests.core.models.independent import IndependentColumns

FACTS = {
    "many_to_many": ["year ~ level"],
    "joint_fan_outs": ["orders ~ tickets", "orders ~ returns", "visits ~ orders"],
    "shared_column": ["price ~ quantity"],
    "hierarchy": ["boss's pay ~ pay"],
}


@pytest.mark.parametrize("name", list(FACTS))
def test_keys_tell_what_the_model_does_not(name: str) -> None:
    shape = SHAPES[name]
    real = shape.tables(1, 400)
    metadata = shape.metadata(real)
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model=IndependentColumns)
    synthesizer.fit(real, seed=1, progress=False)
    made: dict[str, pa.Table] = synthesizer.sample(seed=1, output_format="arrow")
    facts, wanted = shape.facts_of(made), shape.facts_of(real)
    for fact in FACTS[name]:
        assert facts[fact] == pytest.approx(wanted[fact], abs=0.15)
    for fact, value in facts.items():
        assert not fact.startswith("no ") or value == 0
    for child, key in metadata.foreign_keys():
        ends = [
            (side[child], key.columns, side[key.parent], key.parent_columns)
            for side in (real, made)
        ]
        assert orphans(*ends[1]) == 0
        assert fan_out_ks(*(fan_out_histogram(*end) for end in ends)) <= 0.02
