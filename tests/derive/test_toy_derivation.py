"""A kind of derivation that is defined here goes wherever a kind can go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.derive import kinds
from synthohive.derive.base import Derivation, Rng, Values
from synthohive.derive.columns import Chosen, Columns

ROWS = 400


@dataclass(frozen=True)
class Reversed(Derivation):
    """A text that is another one, read from its end."""

    target: str
    source: str

    def decode(self, rows: pa.Table, rng: Rng = None) -> Values:
        """Read the other text from its end."""
        return pc.utf8_reverse(rows.column(self.source))

    def invert(
        self, rows: pa.Table, source: str, modelled: Optional[pa.ChunkedArray], rng: Rng
    ) -> Optional[Values]:
        """Read this one from its end."""
        return pc.utf8_reverse(rows.column(self.target))

    def __str__(self) -> str:
        return f"{self.target} = reverse({self.source})"


def find_reversed(columns: Columns, chosen: Chosen) -> None:
    """Find texts that are others, read from their ends."""
    texts = [n for n in columns.rows.column_names if pa.types.is_string(columns.type(n))]
    for target in [n for n in chosen.free() if n in texts]:
        any(chosen.add(Reversed(target, source)) for source in texts if source != target)


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """Put the row of the kind into the list."""
    kinds.SEARCHES.insert(0, find_reversed)
    yield
    kinds.SEARCHES.remove(find_reversed)


def shop() -> pd.DataFrame:
    """Return codes with their mirror images, which no other kind explains better."""
    rng = np.random.default_rng(5)
    code = rng.choice(["abx", "cdy", "efz", "ghq"], ROWS)
    mirror = pd.Series(code).str[::-1]
    price = np.round(rng.gamma(3.0, 10.0, ROWS), 2)
    return pd.DataFrame({"id": range(1, ROWS + 1), "code": code, "mirror": mirror, "price": price})


@pytest.fixture(scope="module")
def synthesizer(registered: None) -> Synthesizer:
    metadata = Metadata().add_table("items", "id")
    made = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return made.fit({"items": shop()}, epochs=2, seed=1, progress=False)


def reversed_of(rows: pd.DataFrame) -> bool:
    return bool((rows["mirror"] == rows["code"].str[::-1]).all())


def test_it_is_found_shown_and_kept_in_samples(synthesizer: Synthesizer) -> None:
    shown = {str(r) for r in synthesizer.relations["items"]}
    assert shown & {"mirror = reverse(code)", "code = reverse(mirror)"}
    rows = synthesizer.sample({"items": 300}, seed=3)["items"]
    assert reversed_of(rows)
    assert rows["code"].nunique() > 1


def test_it_holds_where_cells_are_imputed_from_either_side(synthesizer: Synthesizer) -> None:
    rows = shop()
    holed = rows.copy()
    holed.loc[:50, "mirror"], holed.loc[51:100, "code"] = None, None
    holed.loc[101:120, ["code", "mirror"]] = None
    filled = synthesizer.impute({"items": holed}, seed=4)["items"]
    assert reversed_of(filled)
    pd.testing.assert_series_equal(filled["code"][:101], rows["code"][:101], check_dtype=False)
    pd.testing.assert_series_equal(filled["mirror"][:101], rows["mirror"][:101], check_dtype=False)


def test_it_is_saved_and_reported(synthesizer: Synthesizer, tmp_path: Path) -> None:
    synthesizer.save(tmp_path / "state")
    again = Synthesizer.load(tmp_path / "state")
    assert str(again.relations) == str(synthesizer.relations)
    drawn = again.sample({"items": 100}, seed=3)["items"]
    assert reversed_of(drawn)
    pd.testing.assert_frame_equal(drawn, synthesizer.sample({"items": 100}, seed=3)["items"])
    synthesizer.report(tmp_path / "report.html", seed=2)
    assert "mirror" in (tmp_path / "report.html").read_text(encoding="utf-8")
