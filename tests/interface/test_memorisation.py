"""What models have memorised is reported after each fit, and too much of it is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest

from synthohive import (
    Autoregressive,
    Metadata,
    PrivacyConfig,
    PrivacyError,
    SchemaError,
    Synthesizer,
)
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.memorisation import measure
from tests.events import captured_events


def answers(rows: int = 90) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(1)
    columns = {f"q{i}": rng.integers(0, 4, rows) for i in range(4)}
    return {"answers": pd.DataFrame({"id": np.arange(rows), **columns})}


def synthesizer(model: Any, most: Optional[float] = None) -> Synthesizer:
    privacy = PrivacyConfig(detect_pii=False, max_memorisation=most)
    return Synthesizer(Metadata().add_table("answers", "id"), privacy, model=model)


class Parrot(Autoregressive):
    """Says again what it heard in the first half."""

    name = "parrot"

    def fit(self, data: EncodedTable, *args: Any, **kwargs: Any) -> Parrot:
        super().fit(data, *args, **kwargs)
        self.rows, middle = data, len(data) // 2
        halves = np.arange(middle), np.arange(middle, len(data))
        rng = np.random.Generator(np.random.Philox(1))
        self.memorisation = measure(self, data, None, halves, 0.0, rng)
        return self

    def sample(self, num_rows: int, *args: Any, **kwargs: Any) -> EncodedTable:
        if not hasattr(self, "rows"):
            return super().sample(num_rows, *args, **kwargs)
        return self.rows.take(np.resize(np.arange(len(self.rows) // 2), num_rows))


class Silent(Autoregressive):
    """Does not measure itself."""

    name = "silent"

    def fit(self, data: EncodedTable, *args: Any, **kwargs: Any) -> Silent:
        super().fit(data, *args, **kwargs)
        self.memorisation = None
        return self


def test_a_fit_reports_what_was_memorised(tmp_path: Path) -> None:
    with captured_events() as events:
        made = synthesizer("autoregressive", 0.5).fit(answers(), epochs=1, seed=1, progress=False)
    (event,) = [e for e in events if e["event"] == "memorisation_measured"]
    found = made.memorisation["answers"]
    assert found is not None
    assert (event["table"], event["rows"], event["excess"]) == ("answers", 30, found.excess)
    assert Synthesizer.load(made.save(tmp_path / "kept")).memorisation == {"answers": found}


def test_too_much_is_an_error_that_says_what_to_do() -> None:
    expected = r"table 'answers' knows .*of drawn rows are nearer.*limit 0\.05\. Fit more rows"
    with pytest.raises(PrivacyError, match=expected):
        synthesizer(Parrot, 0.05).fit(answers(), epochs=1, seed=1, progress=False)
    assert synthesizer(Parrot).fit(answers(), epochs=1, seed=1, progress=False).memorisation


def test_a_limit_that_cannot_be_checked_is_an_error() -> None:
    with pytest.raises(PrivacyError, match=r"table 'answers' has memorised is not known"):
        synthesizer(Silent, 0.05).fit(answers(), epochs=1, seed=1, progress=False)


@pytest.mark.slow
def test_with_a_limit_no_state_beyond_it_is_kept() -> None:
    rng = np.random.default_rng(2)  # routes that two rows have: what is common, and what is not?
    routes = rng.integers(0, 40, (1_000, 6))  # of fewer rows a copula comes first, which knows none
    columns = routes[rng.integers(0, 1_000, 2_000)].T
    rows = pd.DataFrame({"id": np.arange(2_000), **{f"q{i}": c for i, c in enumerate(columns)}})
    tables = {"answers": rows.astype({f"q{i}": str for i in range(6)})}
    excess = []
    for most in (None, 0.1, 0.03):  # the first state that is evaluated is beyond the last
        made = synthesizer("autoregressive", most).fit(tables, epochs=8, seed=1, progress=False)
        found = made.memorisation["answers"]
        assert found is not None
        excess.append(found.excess)
    assert excess[0] > 0.2
    assert excess[1] <= 0.1
    assert excess[2] <= 0.03


@pytest.mark.parametrize("most", [-0.1, 0.6])
def test_an_impossible_limit_is_refused(most: float) -> None:
    with pytest.raises(SchemaError, match="max_memorisation"):
        PrivacyConfig(max_memorisation=most)
