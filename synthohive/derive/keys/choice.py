"""Key columns are made, not learned: a key is a function of the row's number.

A maker is chosen for each column of a primary key or UNIQUE constraint that no foreign key
fills. It keeps a range or a pattern of the real keys, never a real key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.derive.composed import find_beginnings
from synthohive.derive.keys.makers import (
    CounterMaker,
    GridMaker,
    KeyMaker,
    ListedMaker,
    RealKeys,
    SequenceMaker,
    UuidMaker,
)
from synthohive.derive.keys.patterns import (
    BegunTextMaker,
    CountedTextMaker,
    MomentTextMaker,
    PatternMaker,
)
from synthohive.privacy.entities import Entities
from synthohive.schema import Column, ForeignKey, TableConfig
from synthohive.tables.joins import group_codes

__all__ = ["KeyMaker", "learn_beginnings", "learn_key_makers"]

_ALONE: tuple[type[KeyMaker], ...] = (
    UuidMaker,
    SequenceMaker,
    CountedTextMaker,
    MomentTextMaker,
    PatternMaker,
)
_FEW = 60
_IN_GROUP: tuple[type[KeyMaker], ...] = (CounterMaker, GridMaker)


def learn_key_makers(
    table: TableConfig,
    data: pa.Table,
    driver: Optional[ForeignKey],
    entities: Optional[Entities] = None,
    k: int = 5,
    listed: Optional[Mapping[str, Sequence[Any]]] = None,
    filled: Collection[str] = (),
) -> dict[str, KeyMaker]:
    """Choose a maker for each key column that can be made from the row's number.

    Columns without one (a date in a composite key without a parent) are modelled like
    attributes, and repeats are repaired.

    Parameters
    ----------
    entities : Entities, optional
        Those behind the rows: what fewer than `k` of them share of a text is not kept.
    listed : mapping of str to sequence, optional
        By column, the only values that it may hold.
    filled : collection of str
        The columns that take their values from parents; those of `driver` do anyhow.
    """
    foreign = {*filled, *(() if driver is None else driver.columns)}
    makers: dict[str, KeyMaker] = {}
    for unique in table.unique_sets:
        free = [c for c in unique if c not in foreign and c not in makers]
        if len(free) != 1 or free[0] not in table.stored:
            continue
        column = table.stored[free[0]]
        labels, maker = (listed or {}).get(column.name), None
        if labels is not None:
            if len(unique) == 1:
                makers[free[0]] = ListedMaker.of(column, labels, data.column(column.name))
            continue
        if len(unique) == 1:
            maker = _first(_ALONE, column, data, None, k, entities)
        elif driver is not None and set(unique) - {free[0]} <= set(driver.columns):
            maker = _first(_IN_GROUP, column, data, sorted(set(unique) - {free[0]}), k)
        if maker is not None:
            makers[free[0]] = maker
    return makers


def learn_beginnings(
    makers: Mapping[str, KeyMaker],
    rows: pa.Table,
    beside: Mapping[str, pa.Table],
    k: int,
    entities: Entities,
) -> dict[str, BegunTextMaker]:
    """Choose makers for unique texts that begin with others: of their row, of a parent.

    Parameters
    ----------
    makers : mapping of str to KeyMaker
        What would make the columns without.
    rows : pyarrow.Table
    beside : mapping of str to pyarrow.Table
        What the rows may begin with, and by the label of a key, also what the parents hold over
        it, as ``table.column``.
    k, entities : int, Entities
        As for :func:`learn_key_makers`.
    """
    found: dict[str, BegunTextMaker] = {}
    used: set[str] = set()  # what others begin with does not begin with these
    for name, maker in makers.items():
        if not isinstance(maker, (CountedTextMaker, PatternMaker)) or name in used:
            continue
        known = pc.is_valid(rows.column(name))
        texts = rows.column(name).filter(known).to_pylist()
        behind, longest = entities.take(np.flatnonzero(known)), 0
        for key, columns in beside.items():
            free = [c for c in columns.column_names if c != name and c not in found]
            if not free:
                continue
            others = columns.select(free).filter(known)
            for start in find_beginnings(texts[:_FEW], others.slice(0, _FEW), name):
                starts = start.compose(others)
                length = pc.sum(pc.utf8_length(starts)).as_py() or 0
                if starts.null_count or length <= longest:
                    continue
                one = BegunTextMaker.beside(
                    maker.column, texts, starts.to_pylist(), (key, start), k, behind
                )
                if one is not None:
                    found[name], longest = one, length
        used.update(found[name].start.needs if name in found else ())
    return found


def _first(
    kinds: tuple[type[KeyMaker], ...],
    column: Column,
    data: pa.Table,
    group: Optional[list[str]],
    k: int,
    entities: Optional[Entities] = None,
) -> Optional[KeyMaker]:
    groups = None if group is None else group_codes([data], [group])[0]
    real = RealKeys(column, data.column(column.name), groups, k, entities)
    found = (kind.learn(real) for kind in kinds)
    return next((maker for maker in found if maker is not None), None)
