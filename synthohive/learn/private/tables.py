"""The columns of one table as variables, and rows that are made of their codes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.learn.private.domains import Categories, Counts, Domain, Filled
from synthohive.learn.private.joint import Drawn
from synthohive.learn.private.settings import SETTINGS
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata

__all__ = ["Described", "describe", "made_rows"]


@dataclass
class Described:
    """What becomes of each column of a table that holds rows of units.

    Attributes
    ----------
    name : str
    driver : ForeignKey, optional
        To the table whose rows these belong to; None for the unit's own.
    numbers, texts : list of Column
        Those whose domain has to be found.
    domains : dict of str to Domain
        Known without looking, and then all.
    made : list of str
        Keys that are numbered.
    counted : list of str
        Parts of the primary key that number the rows of each parent.
    links : dict of str to ForeignKey
        By column: keys to public tables.
    children : list of (str, ForeignKey)
        Whose numbers are variables, called :meth:`count_of`.
    personal : dict of str to str
        By column: kind of personal data, which is made up.
    """

    name: str
    driver: Optional[ForeignKey]
    numbers: list[Column] = field(default_factory=list)
    texts: list[Column] = field(default_factory=list)
    domains: dict[str, Domain] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    links: dict[str, ForeignKey] = field(default_factory=dict)
    children: list[tuple[str, ForeignKey]] = field(default_factory=list)
    personal: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def count_of(child: str, key: ForeignKey) -> str:
        """Name the variable of the number of children."""
        return f"number of {key.label(child)}"

    @property
    def listed(self) -> dict[str, Categories]:
        """The columns of so many known values that most of them are rare."""
        return {
            name: domain
            for name, domain in self.domains.items()
            if isinstance(domain, Categories) and len(domain.values) > SETTINGS.many
        }

    @property
    def size(self) -> int:
        """How many variables there will be."""
        return len(self.domains) + len(self.numbers) + len(self.texts)


def describe(
    metadata: Metadata,
    owners: Mapping[str, Optional[ForeignKey]],
    name: str,
    public: Mapping[str, pa.Table],
    personal: Mapping[str, str],
) -> Described:
    """Decide what becomes of each column, by the schema alone.

    Parameters
    ----------
    metadata : Metadata
    owners : mapping of str to ForeignKey or None
        The tables that hold rows of units.
    name : str
    public : mapping of str to pyarrow.Table
        The rows of the public tables.
    personal : mapping of str to str
        By column: kind of personal data.
    """
    config, driver = metadata.tables[name], owners[name]
    found = Described(name, driver, personal=dict(personal))
    theirs = set(driver.columns) if driver is not None else set()
    referred = {
        column
        for child, key in metadata.foreign_keys()
        if key.parent == name and child in owners
        for column in key.parent_columns
    }
    single = {columns[0] for columns in config.unique_sets if len(columns) == 1} | referred
    links = {key.columns[0]: key for key in config.foreign_keys if key.parent in public}
    rest = [name for name in config.pk if name not in theirs]
    for column in (c for c in config.stored.values() if c.name not in theirs):
        if column.name in links:
            _describe_link(found, column, links[column.name], public)
        elif rest == [column.name] != config.pk and column.kind is ColumnKind.INTEGER:
            found.counted.append(column.name)
        elif column.name in personal or column.kind is ColumnKind.UUID:
            if column.name in single or column.kind is ColumnKind.UUID:
                found.made.append(column.name)
            if column.nullable and column.name not in config.pk:
                found.domains[column.name] = Filled()
        elif column.name in single:
            found.made.append(column.name)
        else:
            _describe(found, column)
    for child, owner in owners.items():
        if owner is not None and owner.parent == name:
            found.children.append((child, owner))
            found.domains[found.count_of(child, owner)] = Counts()
    return found


def _describe_link(
    found: Described, column: Column, key: ForeignKey, public: Mapping[str, pa.Table]
) -> None:
    """Let the parent be a category, if there are few to choose from."""
    found.links[column.name] = key
    known = public[key.parent].column(key.parent_columns[0])
    if len(known) <= SETTINGS.most_public:
        found.domains[column.name] = Categories(known.to_pylist(), column, False)
    elif column.nullable:
        found.domains[column.name] = Filled()


def _describe(found: Described, column: Column) -> None:
    family = column.kind.family
    if family in ("number", "time"):
        found.numbers.append(column)
    elif family == "flag":
        found.domains[column.name] = Categories([False, True], column, False)
    elif column.enum_values is not None:
        found.domains[column.name] = Categories(column.enum_values, column, False)
    else:
        found.texts.append(column)


def made_rows(
    table: Described,
    columns: Mapping[str, Column],
    drawn: Mapping[str, Drawn],
    parents: Optional[tuple[pa.Table, IntArray]],
    public: Mapping[str, pa.Table],
    count: int,
    rng: np.random.Generator,
) -> pa.Table:
    """Return rows of drawn codes.

    Parameters
    ----------
    table : Described
    columns : mapping of str to Column
        Those that rows bring, in their order.
    drawn : mapping of str to Drawn
        Of all domains.
    parents : tuple of pyarrow.Table and ndarray of int64, optional
        The rows of the table above, and which one each row belongs to.
    public : mapping of str to pyarrow.Table
    count : int
        Rows.
    rng : Generator
    """
    arrays: dict[str, Any] = {}
    if parents is not None and table.driver is not None:
        for own, theirs in zip(table.driver.columns, table.driver.parent_columns):
            arrays[own] = parents[0].column(theirs).take(pa.array(parents[1]))
    for name, column in columns.items():
        if name in arrays:
            continue
        null = np.zeros(count, dtype=np.bool_)
        domain = table.domains.get(name)
        if isinstance(domain, Filled):
            null = drawn[name].codes == 1
        if name in table.counted and parents is not None:
            starts = np.searchsorted(parents[1], parents[1])  # rows lie parent by parent
            arrays[name] = pa.array(np.arange(count) - starts + 1)
        elif name in table.made:
            arrays[name] = _numbered(column, count, null)
        elif name in table.personal:
            arrays[name] = _placeholder(column, count, null)
        elif domain is None or isinstance(domain, Filled):
            key = table.links[name]
            known = public[key.parent].column(key.parent_columns[0])
            chosen = rng.integers(0, max(len(known), 1), count)
            arrays[name] = known.take(pa.array(chosen, mask=null))
        else:
            arrays[name] = domain.decode(drawn[name].codes, drawn[name].within, rng)
    cast = {n: pc.cast(arrays[n], c.arrow_type) for n, c in columns.items()}
    return pa.table(cast)


def _numbered(column: Column, count: int, null: Any) -> Any:
    numbers = np.arange(1, count + 1)
    if column.kind is ColumnKind.UUID:
        texts = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{column.name}/{n}")) for n in numbers]
        return pa.array(texts, pa.string(), mask=null)
    if column.kind.family == "text":
        width = max(len(str(count)), 1)
        lead = "" if column.length is not None and column.length <= width else "K"
        return pa.array([f"{lead}{n:0{width}d}" for n in numbers], pa.string(), mask=null)
    if column.kind.family == "time":
        return pc.cast(pa.array(numbers.astype(np.int64), mask=null), pa.int64())
    return pa.array(numbers, pa.int64(), mask=null)


def _placeholder(column: Column, count: int, null: Any) -> Any:
    """Return what stands for personal data until it is made up: nothing of it is looked at."""
    if column.kind.family == "number":
        return pa.array(np.arange(count), pa.int64(), mask=null)
    return pa.array([f"person {n}" for n in range(count)], pa.string(), mask=null)
