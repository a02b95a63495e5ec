"""The made-up columns of one table, fitted together so that they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pyarrow as pa

from synthohive._arrow import column_from_arrow
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import PiiKind
from synthohive.schema import PrivacyConfig, TableConfig

__all__ = ["fit_columns"]

_ABOUT_PERSON = frozenset(
    {
        PiiKind.NAME,
        PiiKind.FIRST_NAME,
        PiiKind.LAST_NAME,
        PiiKind.EMAIL,
        PiiKind.USER_NAME,
        PiiKind.URL,
    }
)


def fit_columns(
    table: TableConfig,
    kinds: Mapping[str, PiiKind],
    data: pa.Table,
    config: PrivacyConfig,
) -> dict[str, FakeColumn]:
    """Return what makes each personal column of a table; nothing for the strategy "keep".

    The first name, last name, e-mail and user name columns of a row tell about one person;
    a second column of the same kind tells about another.

    Parameters
    ----------
    data : pyarrow.Table
        Real rows; their values are only looked at for their shapes, and avoided.
    """
    if config.pii_strategy == "keep":
        return {}
    strategy: Literal["fake", "mask", "hash"] = config.pii_strategy
    fields = {f.name: column_from_arrow(f) for f in data.schema}
    alone = {columns[0] for columns in table.unique_sets if len(columns) == 1}
    made: dict[str, FakeColumn] = {}
    seen: dict[PiiKind, int] = {}
    for name, kind in kinds.items():
        column = table.columns.get(name) or fields[name]
        values = data.column(name) if name in fields else pa.chunked_array([], pa.string())
        person = seen.get(kind, 0)
        seen[kind] = person + 1
        made[name] = FakeColumn.fit(
            kind,
            column,
            values,
            locale=config.locale,
            unique=name in alone,
            strategy=strategy,
            k=config.k_anonymity_threshold,
            person=person if kind in _ABOUT_PERSON else 0,
        )
    return made
