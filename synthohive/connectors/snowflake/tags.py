"""Tags of columns as hints at personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from synthohive.schema import ColumnKind, Metadata

__all__ = ["hint", "take_hints"]

_CATEGORIES = {
    "CITY": "city",
    "DRIVERS_LICENSE": "other",
    "EMAIL": "email",
    "IBAN": "iban",
    "IP_ADDRESS": "ip",
    "NAME": "name",
    "NATIONAL_IDENTIFIER": "national_id",
    "PASSPORT": "other",
    "PAYMENT_CARD": "credit_card",
    "PHONE_NUMBER": "phone",
    "POSTAL_CODE": "postcode",
    "STREET_ADDRESS": "address",
    "TAX_IDENTIFIER": "national_id",
    "URL": "url",
    "US_SSN": "ssn",
}
"""What Snowflake's own classification calls them (SNOWFLAKE.CORE.SEMANTIC_CATEGORY)."""
_PERSONAL = re.compile(r"(?:^|_)(?:pii|personal|privacy|gdpr|sensitive)(?:_|$)", re.IGNORECASE)
_NOT = {"", "0", "false", "n", "no", "none", "insensitive", "public"}


def hint(tag: str, value: str) -> Optional[str]:
    """Return the kind of personal data that a tag tells of; None of one that tells of none.

    Examples
    --------
    >>> hint("SEMANTIC_CATEGORY", "EMAIL"), hint("PII", "true"), hint("PII", "no")
    ('email', 'auto', None)
    """
    if tag.upper() == "SEMANTIC_CATEGORY":
        return _CATEGORIES.get(value.upper())
    return "auto" if _PERSONAL.search(tag) and value.strip().lower() not in _NOT else None


def take_hints(metadata: Metadata, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add to each table's columns with personal data those whose tags tell so.

    Parameters
    ----------
    metadata : Metadata
    rows : iterable of mapping
        Of TAG_REFERENCES_ALL_COLUMNS, by the names of its columns in small letters.
    """
    for row in rows:
        table = metadata.tables.get(str(row["object_name"]))
        column = None if table is None else table.columns.get(str(row["column_name"]))
        kind = hint(str(row["tag_name"]), str(row["tag_value"] or ""))
        if table is None or column is None or kind is None or column.kind is not ColumnKind.TEXT:
            continue
        known = table.pii_cols if isinstance(table.pii_cols, dict) else {}
        if known.get(column.name, "auto") == "auto":
            table.pii_cols = {**known, column.name: kind}
