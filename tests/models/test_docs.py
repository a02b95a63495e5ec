"""The page on custom models: its code is run as it stands, end to end."""

from __future__ import annotations

import re
import runpy
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthohive import ConditionalGenerativeModel, Metadata
from synthohive.models import MODELS, resolve_model
from tests.contracts.model import LAYOUT, TABLE, child_rows, context_rows, same, stream, valid

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "custom-models.md").read_text("utf-8")
CODE = dict(re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def tree(tmp_path: Path) -> type[ConditionalGenerativeModel]:
    (tmp_path / "tree.py").write_text(CODE["tree.py"], "utf-8")
    found = runpy.run_path(str(tmp_path / "tree.py"))["Tree"]
    assert issubclass(found, ConditionalGenerativeModel)
    return found


def shop() -> tuple[Metadata, dict[str, pd.DataFrame]]:
    """Return customers, and orders whose channel follows from the customer's tier."""
    rng = np.random.default_rng(0)
    tier = rng.choice(["gold", "tin"], 300)
    owner = np.sort(rng.integers(0, 300, 900))
    likely = np.where(tier[owner] == "gold", "phone", "web")
    tables = {
        "customers": pd.DataFrame(
            {"id": np.arange(300), "tier": tier, "age": rng.integers(18, 90, 300)}
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(900),
                "customer": owner,
                "channel": np.where(rng.random(900) < 0.9, likely, "mail"),
                "total": np.where(rng.random(900) < 0.1, np.nan, rng.gamma(2, 9, 900).round(2)),
            }
        ),
    }
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer": "customers.id"})
    return metadata, tables


def test_the_model_has_at_most_sixty_lines() -> None:
    code = CODE["tree.py"]
    assert len(code[code.index("class Tree") :].strip().splitlines()) <= 60


def test_the_page_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: type[ConditionalGenerativeModel]
) -> None:
    (tmp_path / "run.py").write_text(CODE["run.py"], "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    metadata, tables = shop()
    ran = runpy.run_path("run.py", {"metadata": metadata, "tables": tables})
    made = ran["made"]
    again = ran["synthesizer"].sample(seed=2)
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(made[name], again[name])
        assert list(made[name].dtypes) == list(frame.dtypes)
        assert len(made[name]) == len(frame)
    assert set(made["orders"]["customer"]) <= set(made["customers"]["id"])
    joined = made["orders"].merge(made["customers"], left_on="customer", right_on="id")
    likely = np.where(joined["tier"] == "gold", "phone", "web")
    assert (joined["channel"] == likely).mean() > 0.8
    assert 0.05 < made["orders"]["total"].isna().mean() < 0.15


def test_the_model_keeps_the_contract_of_rows(tree: type[ConditionalGenerativeModel]) -> None:
    context = context_rows(400)
    for given in (context, None, context.take(np.where(np.arange(400) % 3 == 0, -1, 1))):
        model = tree(TABLE).fit(child_rows(context), given)
        made, again = (model.sample(400, given, rng=stream()) for _ in range(2))
        assert valid(made, LAYOUT, 400)
        assert same(made, again)
    other = context_rows(50, seed=9)
    other.codes[:, 0] = 2
    assert valid(model.sample(50, other, rng=stream()), LAYOUT, 50)
    one = tree(TABLE).fit(child_rows(context.take(np.arange(1))))
    assert valid(one.sample(3, rng=stream()), LAYOUT, 3)


def test_the_pages_are_in_the_navigation_and_name_each_model() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "custom-models.md" in navigation
    assert "models.md" in navigation
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    for name in MODELS:
        assert f"`{name}`" in page


@pytest.mark.parametrize("name", ["auto", "ctgan", "tvae"])
def test_the_tables_of_settings_are_complete(name: str) -> None:
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    common, *parts = re.split(r"^##+ `(?=\w+`$)", page.split("### Common")[1], flags=re.MULTILINE)
    own = {part.split("`")[0]: part for part in parts}
    own["auto"] = page.split("## `auto`")[1].split("## Settings")[0]
    listed = common + own[name] if name != "auto" else own[name]
    for field in fields(resolve_model(name)(TABLE).config):  # type: ignore[attr-defined]
        assert f"`{field.name}`" in listed
