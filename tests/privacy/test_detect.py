from __future__ import annotations

from typing import Optional

import pyarrow as pa
import pytest
from faker import Faker

from synthohive.exceptions import SchemaError
from synthohive.privacy.detect import describe, detect_pii
from synthohive.privacy.kinds import PiiFinding, PiiKind
from synthohive.schema import PrivacyConfig, TableConfig

ROWS = 120
NATIONS = [
    "ALGERIA", "ARGENTINA", "BRAZIL", "CANADA", "EGYPT", "ETHIOPIA", "FRANCE", "GERMANY", "INDIA",
    "INDONESIA", "IRAN", "IRAQ", "JAPAN", "JORDAN", "KENYA", "MOROCCO", "MOZAMBIQUE", "PERU",
    "CHINA", "ROMANIA", "VIETNAM", "RUSSIA", "SAUDI ARABIA", "UNITED KINGDOM", "UNITED STATES",
]  # fmt: skip
AIRLINES = [
    "Endeavor Air Inc.", "American Airlines Inc.", "Alaska Airlines Inc.", "JetBlue Airways",
    "Delta Air Lines Inc.", "ExpressJet Airlines Inc.", "Frontier Airlines Inc.", "Envoy Air",
    "Hawaiian Airlines Inc.", "SkyWest Airlines Inc.", "United Air Lines Inc.", "Virgin America",
]  # fmt: skip
AIRPORTS = [
    "Lansdowne Airport", "Moton Field Municipal Airport", "Schaumburg Regional", "Randall Airport",
    "Jekyll Island Airport", "Dekalb County Airport", "Addison", "William P Hobby", "Martin State",
]  # fmt: skip


@pytest.fixture(scope="module")
def faker() -> Faker:
    made = Faker("en_US")
    made.seed_instance(5)
    return made


def kinds(data: dict, config: Optional[PrivacyConfig] = None, **table: object) -> dict:
    found = detect_pii(TableConfig(name="t", **table), pa.table(data), config or PrivacyConfig())
    return {finding.column: finding.kind.value for finding in found}


def many(values: list) -> list:
    return (values * ROWS)[:ROWS]


@pytest.mark.parametrize(
    ("column", "maker", "kind"),
    [
        ("email", "email", "email"),
        ("kontakt", "email", "email"),
        ("full_name", "name", "name"),
        ("customer", "name", "name"),
        ("some_column", "name", "name"),
        ("firstName", "first_name", "first_name"),
        ("surname", "last_name", "last_name"),
        ("tel", "phone_number", "phone"),
        ("home_address", "address", "address"),
        ("note", "street_address", "address"),
        ("zip", "postcode", "postcode"),
        ("social_security_number", "ssn", "ssn"),
        ("x", "ssn", "ssn"),
        ("iban", "iban", "iban"),
        ("card_number", "credit_card_number", "credit_card"),
        ("last_seen_from", "ipv4", "ip"),
        ("host", "ipv6", "ip"),
        ("device", "mac_address", "mac"),
        ("username", "user_name", "user_name"),
        ("passport_no", "passport_number", "national_id"),
    ],
)
def test_finds_personal_data(faker: Faker, column: str, maker: str, kind: str) -> None:
    assert kinds({column: [getattr(faker, maker)() for _ in range(ROWS)]}) == {column: kind}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("c_name", [f"Customer#{i:09d}" for i in range(ROWS)]),
        ("s_name", [f"Supplier#{i:09d}" for i in range(ROWS)]),
        ("n_name", NATIONS),
        ("r_name", ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]),
        (
            "p_name",
            ["goldenrod lavender spring chocolate lace", "blush thistle blue saddle"],
        ),
        ("name", AIRLINES),
        ("name", AIRPORTS),
        ("manufacturer", ["BOEING", "AIRBUS INDUSTRIE", "EMBRAER", "CESSNA", "STEWART MACO"]),
        ("category_name", ["Books", "Toys", "Garden", "Rose", "Kitchen", "Music"]),
        ("email_verified", [True, False]),
        ("email_count", [1, 2, 3]),
        ("phone_type", ["home", "work"]),
        ("phone_calls", [0, 3, 5, 20]),
        ("address_id", [1, 2, 3]),
        ("created", ["2020-01-02", "2021-11-30"]),
        ("order_no", ["1000000001", "1000000002", "1000000003", "1000000007", "1000000009"]),
        ("version", ["1.2.3", "1.2.4", "2.0.1", "2.0.2", "2.1.0"]),
        ("city", ["Austin", "Jackson", "Lincoln", "Madison", "Houston"]),
    ],
)
def test_leaves_other_data_alone(column: str, values: list) -> None:
    assert kinds({column: many(values)}) == {}


def test_tpch_phone_and_address(faker: Faker) -> None:
    phones = [faker.numerify("%#-###-###-####") for _ in range(ROWS)]
    addresses = [faker.password(20) for _ in range(ROWS)]
    found = kinds({"c_phone": phones, "c_address": addresses})
    assert found == {"c_phone": "phone", "c_address": "address"}


def test_numbers_named_phone(faker: Faker) -> None:
    assert kinds({"mobile": [int(faker.numerify("49%#########")) for _ in range(ROWS)]}) == {
        "mobile": "phone"
    }


def test_keys_are_looked_at(faker: Faker) -> None:
    assert kinds({"mail": [faker.email() for _ in range(ROWS)]}, pk=["mail"]) == {"mail": "email"}


def test_empty_and_null_columns_go_by_name() -> None:
    assert kinds({"email": pa.nulls(3, pa.string()), "remark": pa.nulls(3, pa.string())}) == {
        "email": "email"
    }


def test_pii_cols_add_to_detection_and_clear(faker: Faker) -> None:
    data = {"email": [faker.email() for _ in range(ROWS)], "a": many(["u v"]), "b": many(["w"])}
    assert kinds(data, pii_cols=["a"]) == {"email": "email", "a": "other"}
    cleared = {"a": "name", "b": "birth_date", "email": "none"}
    assert kinds(data, pii_cols=cleared) == {"a": "name"}
    assert kinds(data, pii_cols=[]) == {"email": "email"}


def test_config_adds_and_clears(faker: Faker) -> None:
    data = {"email": [faker.email() for _ in range(ROWS)], "a": many(["u v"])}
    config = PrivacyConfig(pii_columns={"t": {"email": "none", "a": "phone"}})
    assert kinds(data, config) == {"a": "phone"}
    assert kinds(data, PrivacyConfig(detect_pii=False)) == {}


def test_what_the_user_names_must_exist() -> None:
    with pytest.raises(SchemaError, match="Did you mean 'email'"):
        kinds({"email": ["a@b.de"]}, pii_cols=["emial"])
    with pytest.raises(SchemaError, match="Did you mean 'phone'"):
        kinds({"a": ["1"]}, pii_cols={"a": "phon"})


def test_describe() -> None:
    assert describe([]) == "No personal data found."
    assert "users.mail  email" in describe([PiiFinding("users", "mail", PiiKind("email"), "why")])
