from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.exceptions import PrivacyError
from synthohive.privacy.look_ups import check_look_up, judge_look_up
from synthohive.privacy.vocabulary import are_things
from synthohive.schema import ForeignKey, TableConfig
from tests.privacy.look_up_tables import HARMLESS, person_columns

NATION = TableConfig(name="nation", pk=["id"], foreign_keys=[])
NO_KEYS = ("birth year", "salary")  # two of them may lie side by side, as surrogate keys do
ROWS = pa.table({"id": [1, 2], "name": ["FR", "DE"]})


def kept(table: TableConfig, data: pa.Table, **given: Any) -> tuple[str, ...]:
    support = given.pop("support", np.full(len(data), 9))
    return judge_look_up(table, data, support, given.pop("pii", {}), 5, **given).kept


@pytest.mark.parametrize("name", HARMLESS)
def test_what_names_things_is_kept(name: str) -> None:
    values = HARMLESS[name]
    table = TableConfig(name=name, pk=["id"])
    rows = pa.table({"id": range(1, len(values) + 1), "x": values})
    assert kept(table, rows) == ("id", "x")
    assert kept(TableConfig(name=name, pk=["x"]), rows.select(["x"])) == ("x",)


def test_codes_of_countries_however_the_table_is_called() -> None:
    rows = pa.table({"code": ["DE", "GB", "JP"], "name": ["Germany", "United Kingdom", "Japan"]})
    for name in ("country", "countries"):
        assert kept(TableConfig(name=name, pk=["code"]), rows) == ("code", "name")


@pytest.mark.slow
def test_no_column_of_persons_is_ever_kept() -> None:
    found = [
        (locale, kind, size)
        for size in (2, 12)
        for locale, kind, values in person_columns(size)
        for table, column in (("staff", "name"), ("t3", "f3"), ("order_status", "status"))
        if column
        in kept(TableConfig(name=table, pk=["id"]), pa.table({"id": range(size), column: values}))
        or (
            kind not in NO_KEYS
            and kept(TableConfig(name=table, pk=[column]), pa.table({column: values}))
        )
    ]
    assert found == []


def test_one_person_among_things_is_enough() -> None:
    labels = [*HARMLESS["treatment"][:-1], "Gender surgery of Zqxander Moebius"]
    rows = pa.table({"id": range(30), "label": labels})
    assert kept(TableConfig(name="treatments", pk=["id"]), rows) == ("id",)
    assert not kept(TableConfig(name="notes", pk=["id"]), rows)


def test_words_that_are_names_too() -> None:
    assert not are_things(["Rose", "Violet", "Amber", "Olive"])  # colours, but all first names
    assert not are_things(["Brown J.", "White K.", "Young M."])
    assert are_things(["black", "white", "brown", "green", "red", "yellow", "blue"])


def test_columns_beside_the_names() -> None:
    rows = pa.table(
        {
            "id": [10, 20, 30],
            "name": ["open", "paid", "sent"],
            "code": ["OPN", "PD", "SNT"],
            "note": ["Orders that are open", "Orders paid by customers in time", "In transit"],
            "rank": [1, 2, 4],
            "final": [False, True, True],
            "last_update": [dt.datetime(2006, 2, 15)] * 3,
            "modified_by": ["jsmith", "ann.lee", "jsmith"],
        }
    )
    table = TableConfig(name="status", pk=["id"])
    assert kept(table, rows) == ("id", "name", "code", "note", "rank", "final")
    assert kept(table, rows, pii={"modified_by": "user_name"})  # which is made up


def test_remarks_are_not_kept_but_names_beside_them_are() -> None:
    rows = ROWS.append_column("n_comment", pa.array(["Ask Zqxander Moebius", "see Ann Lee"]))
    for pii in ({}, {"n_comment": "text"}):
        assert kept(NATION, rows, pii=pii) == tuple(ROWS.column_names)
    alone = rows.select(["id", "n_comment"])
    assert kept(NATION, alone) == ("id",)  # nations are things, whatever is said of them
    assert not kept(TableConfig(name="visits", pk=["id"]), alone)


def test_things_keep_their_keys_where_nothing_is_known_of_their_names() -> None:
    names = ["UpMod", "Qwzxy", "Bountiful Zrt", "AcceptedByOriginator"]
    rows = pa.table({"id": [1, 2, 3, 16], "name": names, "rank": [1, 2, 3, 4]})
    assert kept(TableConfig(name="vote_types", pk=["id"]), rows) == ("id", "rank")
    assert not kept(TableConfig(name="vote_types", pk=["id"]), rows, support=np.array([9, 9, 1, 9]))
    assert not kept(TableConfig(name="voters", pk=["id"]), rows)


@pytest.mark.parametrize(
    "case",
    [
        {"support": np.array([4, 9])},
        {"support": np.array([0, 0])},
        {"pii": {"name": "name"}},
        {"table": TableConfig(name="nation")},
        {"table": TableConfig(name="sales_employees", pk=["id"])},
        {"parents_are_reference": False},
        {"data": pa.table({"id": [1, 2], "founded": [dt.date(1900, 1, 1)] * 2})},
        {"data": pa.table({"id": [1, 2], "gdp": [1.5, 2.5]})},
        {"data": pa.table({"id": [1, 2], "name": ["open", "paid"], "salary": [3100, 4250]})},
        {"data": pa.table({"id": [1, 2], "gender": ["female", "female"]})},  # no names of rows
        {"data": pa.table({"id": [1701234567, 1709876543], "name": ["open", "paid"]})},
        {"data": pa.table({"id": range(300)}), "support": np.full(300, 9)},
        {"data": ROWS.slice(0, 0), "support": np.zeros(0, np.int64)},
    ],
)
def test_what_is_no_look_up_table(case: dict[str, Any]) -> None:
    assert not kept(**{"table": NATION, "data": ROWS, **case})


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"created_at": [dt.datetime(2024, 1, 2)] * 60},
        {"seq": range(1, 61)},
        {"label": [f"P-{i:03}" for i in range(1, 61)]},
        {"label": [f"Subject {i}" for i in range(1, 61)]},
        {"label": [f"{i // 6 + 1}{'ABCDEF'[i % 6]}" for i in range(60)]},
        {"country_id": [1, 2, 3] * 20},
    ],
    ids=["key", "time", "rank", "code", "counted", "seat", "country"],
)
def test_persons_without_names_are_no_things(columns: dict[str, Any]) -> None:
    key = ForeignKey(columns=["country_id"], parent="country", parent_columns=["id"])
    keys = [key] if "country_id" in columns else []
    table = TableConfig(name="t3", pk=["id"], foreign_keys=keys)
    assert not kept(table, pa.table({"id": range(1, 61), **columns}))


def test_counted_rows_are_kept_where_the_table_says_what_they_are() -> None:
    for name in ("levels", "treatments", "subjects"):
        label = [f"{name.capitalize()[:-1]} {i}" for i in range(1, 61)]
        rows = pa.table({"id": range(1, 61), "label": label})
        assert bool(kept(TableConfig(name=name, pk=["id"]), rows)) == (name != "subjects")
    ranks = pa.table({"id": [1, 2, 3], "class": [1, 2, 3]})
    assert kept(TableConfig(name="classes", pk=["id"]), ranks) == ("id", "class")


def test_links_of_look_up_tables_are_kept() -> None:
    keys = [ForeignKey(columns=[c], parent=c, parent_columns=["id"]) for c in ("nation", "lang")]
    table = TableConfig(name="t3", pk=["nation", "lang"], foreign_keys=keys)
    assert kept(table, pa.table({"nation": [1, 2], "lang": [2, 1]})) == ("nation", "lang")


def test_rows_that_nobody_uses_tell_of_nobody() -> None:
    assert kept(NATION, ROWS, support=np.array([0, 9]))


def test_keys_of_other_look_up_tables_are_kept() -> None:
    key = ForeignKey(columns=["region_id"], parent="region", parent_columns=["id"])
    table = TableConfig(name="nation", pk=["id"], foreign_keys=[key])
    rows = ROWS.append_column("region_id", pa.array([700_000, 123]))
    assert kept(table, rows) == ("id", "name", "region_id")


def test_the_user_decides_but_persons_are_made_up() -> None:
    rows = pa.table({"id": [1, 2], "rep": ["Ann Lee", "Bo Ek"], "pay": [1.5, 2.5]})
    yes = TableConfig(name="n", pk=["id"], reference=True)
    assert kept(yes, rows) == ("id", "rep", "pay")
    assert kept(yes, rows, pii={"rep": "name"}) == ("id", "pay")
    with pytest.raises(PrivacyError, match=r"n is to be kept .* its key id holds personal data"):
        check_look_up(yes, {"id"})
    assert not kept(TableConfig(name="n", pk=["id"], reference=False), ROWS)


def test_audit_columns_and_codes_are_known_by_names_in_one_word() -> None:
    codes = ["US", "CA", "FR", "DE", "AU", "GB"]
    stamps = pa.array([dt.datetime(2014, 2, 8)] * 6)
    rows = pa.table({"id": range(1, 7), "countryregioncode": codes, "modifieddate": stamps})
    assert kept(TableConfig(name="area", pk=["id"]), rows) == ("id", "countryregioncode")


def test_what_tools_note_of_the_schema_is_kept() -> None:
    rows = pa.table(
        {
            "installed_rank": [1, 2],
            "version": ["1", "2.1"],
            "script": ["V1__users.sql", "V2_1__Qwzx.sql"],
            "checksum": [-1_834_322_117, 77_120_233],
            "installed_by": ["ann.lee", "ann.lee"],
        }
    )
    history = TableConfig(name="flyway_schema_history", pk=["installed_rank"])
    assert kept(history, rows) == ("installed_rank", "version", "script", "checksum")
    few = kept(history, rows, support=np.zeros(2), pii={"script": "text"})
    assert few == ("installed_rank", "version", "checksum")
