"""The one place where the order of tables and the role of each key are decided."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Optional

from synthohive.schema import ForeignKey, Metadata, TableConfig
from synthohive.schema.sibling_order import ORDERED, TIMES

__all__ = ["Link", "RelationalPlan", "Role", "TablePlan", "implied_route", "may_be_null"]

Role = Literal["driving", "free", "grouped", "implied", "self", "deferred"]
CROWD = 250
"""Rows a parent on average, beyond which those without any time are no group."""


@dataclass(frozen=True)
class Link:
    """A foreign key of one table, as the plan sees it: equal and hashable by what it joins.

    Attributes
    ----------
    table : str
        The child.
    key : ForeignKey
    role : {"driving", "free", "grouped", "implied", "self", "deferred"}
        driving: rows are generated over it, parent by parent; free: the parent is chosen among
        all; grouped: among those that agree on the shared columns, or on one that is drawn with
        the row; implied: another key already
        sets all columns, and its parent refers to the same rows; self: leads to the own table;
        deferred: chosen when all tables are there, because the key closes a cycle.
    shared : tuple of (str, str)
        Column and parent column pairs which an earlier key already sets, or the row itself; of a
        deferred key also.
    """

    table: str
    key: ForeignKey = field(compare=False)
    role: Role = field(default="free", compare=False)
    shared: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    _joins: tuple[object, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        key = self.key
        joins = (key.parent, *zip(key.columns, key.parent_columns))
        object.__setattr__(self, "_joins", joins)

    @property
    def label(self) -> str:
        """What messages, streams of random numbers and checkpoints call it."""
        return self.key.label(self.table)


@dataclass(frozen=True)
class TablePlan:
    """How one table is made.

    Attributes
    ----------
    links : tuple of Link
        Its foreign keys, in the order in which their parents are known: the driving one, further
        ones (wide before narrow), those to the table itself, deferred ones.
    ancestors : tuple of str
        Over driving keys, nearest first.
    children : tuple of (str, ForeignKey)
        Tables driven by this one.
    """

    name: str
    links: tuple[Link, ...]
    ancestors: tuple[str, ...] = ()
    children: tuple[tuple[str, ForeignKey], ...] = ()

    def of(self, *roles: Role) -> list[Link]:
        """Return the links of some roles, in their order."""
        return [link for link in self.links if link.role in roles]

    def keys(self, *roles: Role) -> list[ForeignKey]:
        """Return the keys of some roles, in their order."""
        return [link.key for link in self.of(*roles)]

    def link(self, key: ForeignKey) -> Link:
        """Return the link of a key of the table; one of its own if nobody declared the key."""
        undeclared = Link(self.name, key)
        return next((link for link in self.links if link == undeclared), undeclared)

    def named(self, label: str) -> Optional[Link]:
        """Return the link that is called so; None where that names something else."""
        return next((link for link in self.links if link.label == label), None)

    @property
    def filled(self) -> set[str]:
        """The columns that take their values from parents.

        ``(tenant, manager) -> (tenant, id)`` to the own table asks rows for one tenant, and gives
        them none; so does ``(team, captain) -> player(team, id)``, whose players have it from here.
        A row of a career asks ``(year, team)`` for its year.
        """
        found: set[str] = set()
        for link in self.links:
            found |= set(link.key.columns) - {c for c, _ in link.shared}
        return found

    @property
    def asked(self) -> set[str]:
        """The columns that are drawn with the rows, and that parents must have as well."""
        return {c for link in self.of("grouped") for c, _ in link.shared} - self.filled

    @property
    def driver(self) -> Optional[ForeignKey]:
        """The key over which rows are generated, parent by parent; None for a root table."""
        return next(iter(self.keys("driving")), None)

    @property
    def driving_columns(self) -> list[str]:
        """The columns of the driving key; none of a root table."""
        return [column for key in self.keys("driving") for column in key.columns]


@dataclass(frozen=True)
class RelationalPlan:
    """The order in which tables are fitted and generated, and the role of each key.

    Fitting and sampling walk the same plan.
    """

    order: tuple[str, ...]
    tables: dict[str, TablePlan]

    @property
    def drivers(self) -> dict[str, Optional[ForeignKey]]:
        """The driving key of each table, parents first."""
        return {name: self.tables[name].driver for name in self.order}

    @classmethod
    def build(cls, metadata: Metadata, row_counts: Mapping[str, int]) -> RelationalPlan:
        """Decide order, driving keys, and the role of each further key.

        Cycles are broken at a nullable key if there is one; at any otherwise, which is
        possible because keys are added to the database after the load.
        """
        order, deferred = _order(metadata)
        drivers = {
            name: _driver(metadata, metadata.tables[name], deferred[name], row_counts)
            for name in order
        }
        tables = {}
        for name in order:
            tables[name] = TablePlan(
                name,
                _links(metadata, name, drivers[name], deferred),
                _ancestors(name, drivers),
                tuple(
                    (child, driver)
                    for child, driver in drivers.items()
                    if driver is not None and driver.parent == name
                ),
            )
        return cls(tuple(order), tables)

    def __str__(self) -> str:
        lines = [f"Plan: {len(self.order)} tables"]
        for number, name in enumerate(self.order, 1):
            table = self.tables[name]
            root = "root" if table.driver is None else f"driven by {table.driver.label(name)}"
            lines.append(f"  {number}. {name}: {root}")
            named = {"self": "hierarchy over"}
            further = [link for link in table.links if link.role != "driving"]
            lines += [f"     {named.get(f.role, f'{f.role}:')} {f.label}" for f in further]
        return "\n".join(lines)


def may_be_null(table: TableConfig, key: ForeignKey) -> bool:
    """Whether a row can do without a parent: one NULL is enough (MATCH SIMPLE)."""
    return any(
        c not in table.pk and c in table.columns and table.columns[c].nullable for c in key.columns
    )


def _order(metadata: Metadata) -> tuple[list[str], dict[str, list[ForeignKey]]]:
    """Sort tables parents first; return the keys that had to be deferred for it."""
    waiting = {
        name: [fk for fk in table.foreign_keys if fk.parent != name]
        for name, table in metadata.tables.items()
    }
    deferred: dict[str, list[ForeignKey]] = {name: [] for name in metadata.tables}
    order: list[str] = []
    while len(order) < len(metadata.tables):
        ready = [
            name
            for name in metadata.tables
            if name not in order and all(fk.parent in order for fk in waiting[name])
        ]
        if ready:
            order.append(ready[0])
            continue
        name, key = _weakest(metadata, waiting, order)
        waiting[name].remove(key)
        deferred[name].append(key)
    return order, deferred


def _weakest(
    metadata: Metadata, waiting: Mapping[str, list[ForeignKey]], order: list[str]
) -> tuple[str, ForeignKey]:
    """Choose the key at which a cycle is broken: nullable, not part of a primary key.

    Columns that rows only ask their parents for do not count, but something has to be chosen.
    """
    open_keys = [
        (name, key)
        for name, keys in waiting.items()
        if name not in order
        for key in keys
        if key.parent not in order and _reaches(waiting, order, key.parent, name)
    ]

    def cost(item: tuple[str, ForeignKey]) -> tuple[bool, bool, int]:
        name, key = item
        others = {**waiting, name: [other for other in waiting[name] if other != key]}
        chosen = set(key.columns) - _asked_for(others, name, key)
        table = metadata.tables[name]
        fixed = len(chosen & set(table.pk))
        return not chosen, bool(fixed) or not may_be_null(table, key), fixed

    return min(open_keys, key=cost)


def _asked_for(keys: Mapping[str, list[ForeignKey]], name: str, key: ForeignKey) -> set[str]:
    """Return the columns of a deferred key whose parents have them from the own table.

    Parameters
    ----------
    keys : mapping of str to list of ForeignKey
        Of each table, those that are not deferred.
    """
    found = set()
    for own, start in zip(key.columns, key.parent_columns):
        seen, stack = set(), [(key.parent, start)]
        while stack:
            at = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            table, column = at
            for other in keys[table]:
                there = dict(zip(other.columns, other.parent_columns))
                if column in there:
                    stack.append((other.parent, there[column]))
        if (name, own) in seen:
            found.add(own)
    return found


def _reaches(
    waiting: Mapping[str, list[ForeignKey]], order: list[str], start: str, goal: str
) -> bool:
    """Whether `goal` is an ancestor of `start` among the tables not yet ordered."""
    seen, stack = set(), [start]
    while stack:
        name = stack.pop()
        if name == goal:
            return True
        if name not in seen and name not in order:
            seen.add(name)
            stack += [fk.parent for fk in waiting[name]]
    return False


def _driver(
    metadata: Metadata,
    table: TableConfig,
    deferred: list[ForeignKey],
    row_counts: Mapping[str, int],
) -> Optional[ForeignKey]:
    """Choose the key that explains most: of series, in the primary key, never NULL, many parents.

    What rows beside another parent follow one another by (a player's years) leaves that one first.

    Rows of a crowd without any time (900 tracks of three media) do not follow one another: it
    is a category of theirs, which a further key keeps better.
    """
    keys = [fk for fk in table.foreign_keys if fk.parent != table.name and fk not in deferred]
    filled = [fk for fk in keys if row_counts.get(fk.parent, 0) > 0] or keys
    crowd = math.inf if any(c.kind in TIMES for c in table.columns.values()) else CROWD
    rows = row_counts.get(table.name, 0)
    return min(
        filled,
        key=lambda fk: (
            not fk.drives,
            any(_in_series(metadata, table, fk, other) for other in filled if other != fk),
            -len(set(fk.columns) & set(table.pk)),
            rows > crowd * row_counts.get(fk.parent, 0),
            may_be_null(table, fk),
            -len(fk.columns),
            -row_counts.get(fk.parent, 0),
        ),
        default=None,
    )


def _links(
    metadata: Metadata,
    name: str,
    driver: Optional[ForeignKey],
    later: Mapping[str, list[ForeignKey]],
) -> tuple[Link, ...]:
    """Give each key its role; wide keys come first, as they imply narrow ones."""
    table, deferred = metadata.tables[name], later[name]
    now = {
        other: [fk for fk in config.foreign_keys if fk not in later[other]]
        for other, config in metadata.tables.items()
    }
    rest = [fk for fk in table.foreign_keys if fk != driver and fk not in deferred]
    rest.sort(key=lambda fk: (fk.parent == name, -len(fk.columns) * (fk.parent != name)))
    links = [] if driver is None else [Link(name, driver, "driving")]
    for key in [*rest, *sorted(deferred, key=lambda fk: -len(fk.columns))]:
        earlier = [link.key for link in links]
        already_set = {c for fk in earlier for c in fk.columns} | table.own_columns(key)
        if key in deferred:
            already_set |= _asked_for(now, name, key)
        shared = tuple((c, p) for c, p in zip(key.columns, key.parent_columns) if c in already_set)
        if not shared and key not in deferred:
            shared = _in_series(metadata, table, key, driver)
        whole = len(shared) == len(key.columns)
        if key in deferred:
            role: Role = "deferred"
        elif key.parent == name:
            role = "self"
        elif not shared:
            role = "free"
        elif whole and any(implied_route(metadata, other, key) is not None for other in earlier):
            role = "implied"
        else:
            role = "grouped"
        links.append(Link(name, key, role, shared))
    return tuple(links)


def _in_series(
    metadata: Metadata, table: TableConfig, key: ForeignKey, driver: Optional[ForeignKey]
) -> tuple[tuple[str, str], ...]:
    """Return the date, or number as of years, by which rows of a parent follow one another.

    Of ``(year, team)`` beside a player, the player's years say more than any team does: the year is
    drawn with the row, and the team is one of that year.
    """
    parent = metadata.tables[key.parent]
    referring = {c for other in parent.foreign_keys for c in other.columns}
    if driver is None or not set(driver.columns) <= set(table.pk):
        return ()
    if key.parent == table.name or referring & set(key.parent_columns):
        return ()
    told = set(table.pk) - set(driver.columns)
    pairs = [
        (c, p)
        for c, p in zip(key.columns, key.parent_columns)
        if c in told and p in parent.columns and parent.columns[p].kind in ORDERED
    ]
    return tuple(pairs) if len(pairs) == 1 < len(key.columns) else ()


def implied_route(
    metadata: Metadata, wide: ForeignKey, narrow: ForeignKey
) -> Optional[tuple[ForeignKey, ...]]:
    """Return the keys by which `wide` guarantees that `narrow` has a parent; None if it does not.

    They lead from a row's parent over `wide` to its parent over `narrow`; none if it is the same.

    Parameters
    ----------
    metadata : Metadata
    wide, narrow : ForeignKey
        Of one table.
    """
    if not set(narrow.columns) <= set(wide.columns):
        return None
    there = dict(zip(wide.columns, wide.parent_columns))
    columns = [there[c] for c in narrow.columns]
    if wide.parent == narrow.parent and columns == narrow.parent_columns:
        return ()
    leading = (
        (fk,)
        for fk in metadata.tables[wide.parent].foreign_keys
        if fk.parent == narrow.parent
        and dict(zip(fk.columns, fk.parent_columns)) == dict(zip(columns, narrow.parent_columns))
    )
    return next(leading, None)


def _ancestors(name: str, drivers: Mapping[str, Optional[ForeignKey]]) -> tuple[str, ...]:
    found: list[str] = []
    driver = drivers[name]
    while driver is not None:
        found.append(driver.parent)
        driver = drivers[driver.parent]
    return tuple(found)
