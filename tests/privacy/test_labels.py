"""What a column holds counts before what it is called: labels are no keys to someone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from synthohive.privacy.labels import may_be_key

VOTES = ["BBWAA", "Special Election", "Old Timers", "Final Ballot"]
AWARDS = ["Gold Glove", "Silver Bat", "Rookie of the Year", "Pitching Star"]
PERSONS = ["Anna Berg", "Xolani Dlamini", "Mike Stone", "Grace Hopper"]


@pytest.mark.parametrize(
    ("column", "values", "owned", "is_key"),
    [
        ("votedBy", VOTES, True, False),
        ("votedBy", VOTES, False, True),  # whose rows they are, nobody says
        ("honourID", AWARDS, True, False),
        ("paid_by", ["card", "cash", "voucher", "invoice"], False, False),
        ("citizen", ["Brazil", "Croatia", "Ghana", "Jamaica"], False, False),
        ("lgID", ["AL", "NL", "FL"], False, False),
        ("approved_by", PERSONS, True, True),
        ("approved_by", ["jsmith", "akumar", "mlee", "xdlamini"], True, True),
        ("approved_by", ["BW", "KT", "JR", "AL"], True, True),
        ("approved_by", ["system", "batch import", "web shop", "jsmith"], True, True),
        ("approved_by", ["System", "Batch Import", "Web Shop", "JSMITH"], True, True),
        ("honourID", [*AWARDS, "Anna Berg"], True, True),  # one person among labels
        ("honourID", [*AWARDS, "Roberto Clemente Award"], True, False),
        ("votedBy", [*VOTES, "Votes of 1943 and Later", "Modern Game Era"], True, False),
        ("honourID", [*AWARDS, "Winner 017"], True, True),
        ("honourID", [*AWARDS, "Star of 1943", "Star of 1987"], True, True),  # all that differs
        ("honourID", [*AWARDS, "Star of 1943"], True, False),
        ("approved_by", ["Chef Lang", "Board", "Sales", "Front Office"], True, True),
        ("approved_by", ["Board", "Sales", "A. Berg account", "Smith Insurance"], True, True),
        ("sold_by", ["E017", "E022", "E031", "E045"], True, True),
        ("customer", ["Blue Moon Cafe", "Golden Star", "Final Cut"], True, True),
        ("store_id", ["North", "South", "East", "West"], False, True),
        ("user_id", [17, 22, 31, 45], True, True),
        ("amount", [17, 22, 31, 45], True, False),
    ],
)
def test_labels_are_told_from_keys(column: str, values: list, owned: bool, is_key: bool) -> None:
    rows = pa.chunked_array([values * 30])
    assert may_be_key(column, rows, owned=owned) is is_key


def test_labels_are_few_and_stand_in_many_rows() -> None:
    assert may_be_key("honourID", pa.chunked_array([AWARDS * 19]), owned=True)
    when = "Spring Summer Autumn Winter North South East West Morning Evening Night".split()
    many = [f"{award} {word}" for award in AWARDS for word in when]
    assert may_be_key("honourID", pa.chunked_array([many * 30]), owned=True)
