"""The kinds of personal data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from synthohive.exceptions import SchemaError, did_you_mean
from synthohive.schema import PrivacyConfig, TableConfig

__all__ = [
    "ABOUT_PERSON",
    "NAMES",
    "UNREPLACED",
    "PiiFinding",
    "PiiKind",
    "cleared_columns",
    "describe",
    "parse_kind",
]

UNREPLACED = frozenset({"none", "birth_date"})
"""Kinds that a user may write and that are never replaced: dates are protected as numbers."""


class PiiKind(str, Enum):
    """What sort of personal data a column holds."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    COMPANY = "company"
    ADDRESS = "address"
    POSTCODE = "postcode"
    CITY = "city"
    SSN = "ssn"
    IBAN = "iban"
    NATIONAL_ID = "national_id"
    CREDIT_CARD = "credit_card"
    IP = "ip"
    MAC = "mac"
    USER_NAME = "user_name"
    URL = "url"
    PLATE = "plate"
    TEXT = "text"
    JSON = "json"
    OTHER = "other"


NAMES = frozenset({PiiKind.NAME, PiiKind.FIRST_NAME, PiiKind.LAST_NAME})
"""Those of persons."""
ABOUT_PERSON = NAMES | {PiiKind.EMAIL, PiiKind.USER_NAME, PiiKind.URL}
"""Those that are made of names."""


@dataclass(frozen=True)
class PiiFinding:
    """One column with personal data, and what gave it away."""

    table: str
    column: str
    kind: PiiKind
    why: str


def parse_kind(text: str, table: str, column: str) -> Optional[PiiKind]:
    """Return the kind that a user wrote; None for one that is never replaced.

    Parameters
    ----------
    text : str
        In any case, with or without blanks around it.
    table, column : str
        For the error.

    Raises
    ------
    SchemaError
        There is no such kind.
    """
    name = text.strip().lower()
    if name in UNREPLACED:
        return None
    try:
        return PiiKind(name)
    except ValueError as exc:
        known = [kind.value for kind in PiiKind] + sorted(UNREPLACED)
        raise SchemaError(
            f"Column {table}.{column} is given the unknown kind of personal data {text!r}.",
            hint=did_you_mean(name, known),
        ) from exc


def cleared_columns(table: TableConfig, config: PrivacyConfig) -> set[str]:
    """Return the columns of which the user says that they are not to be replaced."""
    listed = table.pii_cols if isinstance(table.pii_cols, dict) else {}
    stated = {**listed, **config.pii_columns.get(table.name, {})}
    own = config.pii_strategies.get(table.name, {})
    cleared = {c for c, kind in stated.items() if kind and kind.strip().lower() in UNREPLACED}
    return cleared | {c for c, strategy in own.items() if strategy == "keep"}


def describe(findings: list[PiiFinding]) -> str:
    """Return the findings as a readable table.

    Examples
    --------
    >>> print(describe([PiiFinding("users", "mail", PiiKind.EMAIL, "98% of values fit")]))
    column      kind   why
    users.mail  email  98% of values fit
    """
    if not findings:
        return "No personal data found."
    rows = [("column", "kind", "why")]
    rows += [(f"{f.table}.{f.column}", f.kind.value, f.why) for f in findings]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)
