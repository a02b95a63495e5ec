"""What becomes of a personal column, and what the user's key is for."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import SecretStr

from synthohive.exceptions import PrivacyError
from synthohive.schema import Column, Metadata

__all__ = ["check_droppable", "dropped", "people_seed"]

_ROUNDS = 100_000  # a guessed key costs a tenth of a second


def people_seed(key: SecretStr) -> int:
    """Return what persons are made up from, in place of a run's seed: nothing tells the key by it.

    Examples
    --------
    >>> people_seed(SecretStr("correct horse")) == people_seed(SecretStr("correct horse"))
    True
    """
    secret = key.get_secret_value().encode()
    derived = hashlib.pbkdf2_hmac("sha256", secret, b"synthohive pii_key", _ROUNDS, 16)
    return int.from_bytes(derived, "big")


def dropped(column: Column, rows: int) -> Any:
    """Return the values of a dropped column: NULLs, or its type's empty value where none may be.

    Examples
    --------
    >>> from synthohive import ColumnKind
    >>> dropped(Column(name="mail", kind=ColumnKind.TEXT, nullable=False), 2).to_pylist()
    ['', '']
    """
    if column.nullable:
        return pa.nulls(rows, column.arrow_type)
    if column.kind.family == "number":
        return pa.array(np.zeros(rows, np.int64)).cast(column.arrow_type)
    empty = {"document": "{}", "uuid": "00000000-0000-0000-0000-000000000000"}
    text = empty.get(column.kind.value, empty.get(column.kind.family, ""))
    return pa.repeat(text, rows).cast(column.arrow_type)


def check_droppable(metadata: Metadata, table: str, column: str) -> None:
    """Refuse to drop a column whose values have to differ, or are referred to.

    Raises
    ------
    PrivacyError
    """
    config = metadata.tables[table]
    alike = [names for names in config.unique_sets if column in names]
    nullable = config.columns[column].nullable and column not in config.pk
    same = any(column in u.columns and not u.nulls_distinct for u in config.unique)
    referred = any(
        key.parent == table and column in key.parent_columns for _, key in metadata.foreign_keys()
    )
    if referred or same or (alike and not nullable):
        what = "is referred to by a key" if referred else "must not repeat"
        raise PrivacyError(
            f"Column {table}.{column} is to be dropped, but it {what}.",
            hint="Give it another strategy: "
            f"PrivacyConfig(pii_strategies={{{table!r}: {{{column!r}: 'hash'}}}}).",
        )
