from __future__ import annotations

from typing import Any

import pytest

from synthohive import _arguments as arguments
from synthohive.exceptions import SchemaError


@pytest.mark.parametrize("given", ["SELECT 1", [5], [""], [["x"]], 3])
def test_what_is_no_list_of_queries_is_told_what_to_pass(given: Any) -> None:
    with pytest.raises(SchemaError, match=r"Pass (a list of )?SELECTs"):
        arguments.queries("queries", given)


def test_a_query_may_hold_an_address() -> None:
    asked = ["SELECT count(*) FROM visits WHERE page LIKE 'https://%'"]
    assert arguments.queries("queries", asked) == asked
    assert arguments.queries("queries", None) == []


def test_a_hint_after_a_list_stands_on_a_line_of_its_own() -> None:
    assert str(SchemaError("Two are wrong:\n  - a\n  - b", hint="Mend them.")).endswith(
        "b\nMend them."
    )
