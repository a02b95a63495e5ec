"""What a name is, and what a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synthohive import SchemaError
from synthohive.connectors.spark.names import is_path, parts_of, quoted


@pytest.mark.parametrize(
    "name",
    ["", ".", "a.", "a.b.c.d", "a b", "shop; DROP TABLE x", "a`b", "größe", "a-b", "x" * 256, "a\n",
     None, 3, Path("a")],
)  # fmt: skip
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(SchemaError, match=r"is no name of a table\..*letters"):
        parts_of(name, "table")


def test_names_are_quoted_by_their_parts() -> None:
    assert quoted("main.shop", "database", 2) == "`main`.`shop`"
    with pytest.raises(SchemaError, match="database"):
        parts_of("main.shop.orders", "database", 2)


def test_a_path_has_a_slash_or_is_one() -> None:
    assert [is_path(p) for p in ("s3://b/t", "./t", Path("t"), "t", "c.d.t", None)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
