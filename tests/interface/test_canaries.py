"""Values of single persons come out nowhere: not in rows, checkpoints, reports or logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, Synthesizer
from tests import canaries
from tests.canaries import Canary, found_in
from tests.events import captured_events

NOWHERE: dict[str, list[Canary]] = {"output": [], "checkpoint": [], "report": [], "logs": []}


def found_of(
    tables: dict[str, pd.DataFrame], planted: list[Canary], ddl: str, folder: Path
) -> dict[str, list[Canary]]:
    assert len(planted) == 40
    url = canaries.load(folder / "real.db", ddl, tables)
    with captured_events() as events:
        synth = Synthesizer.from_database(url).fit(seed=1, epochs=2, progress=False)
        made = synth.sample(seed=2, output_format="arrow")
        saved = synth.save(folder / "checkpoint")
        synth.report(folder / "report.html", seed=3)
    pages = [folder / "report.html", folder / "report.json"]
    return found_in(planted, made, saved, pages, events)


def test_no_value_of_a_single_person_comes_out_of_a_table(tmp_path: Path) -> None:
    tables, rng = canaries.survey(300), np.random.default_rng(5)
    planted = canaries.plant_survey(tables, rng.permutation(300).tolist(), rng)
    assert found_of(tables, planted, canaries.SURVEY_DDL, tmp_path) == NOWHERE


@pytest.mark.slow
def test_no_value_of_a_single_person_comes_out_of_a_database(tmp_path: Path) -> None:
    tables, rng = canaries.crm(250), np.random.default_rng(5)
    planted = canaries.plant_crm(tables, rng.permutation(250).tolist(), rng)
    assert found_of(tables, planted, canaries.CRM_DDL, tmp_path) == NOWHERE


@pytest.mark.parametrize("value", ["zqword", 4_711.25, pd.Timestamp("2031-05-05 05:05:05")])
def test_the_search_finds_what_is_there(value: object, tmp_path: Path) -> None:
    rows = pa.table({"id": [1, 2], "x": [value, None]})
    (tmp_path / "page").write_text(f"<b>{value}</b>, and other words", encoding="utf-8")
    kept = Synthesizer(Metadata().add_table("rows", "id"))
    many = pd.DataFrame({"id": range(60), "x": [value] * 60})
    checkpoint = kept.fit({"rows": many}, epochs=1, seed=1, progress=False).save(tmp_path / "kept")
    canary = Canary("any", "rows.x", value)  # type: ignore[arg-type]
    found = found_in([canary], {"rows": rows}, checkpoint, [tmp_path / "page"], [{"x": str(value)}])
    assert found == {where: [canary] for where in NOWHERE}
