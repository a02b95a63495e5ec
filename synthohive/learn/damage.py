"""What a checkpoint that was damaged, or made to do harm, may say and may not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import CycleError
from typing import Optional, Union

import numpy as np
import pyarrow as pa

from synthohive import _arguments as arguments
from synthohive.derive.persons.alias import Alias
from synthohive.derive.persons.given import Given
from synthohive.derive.persons.namesake import Namesake
from synthohive.exceptions import (
    ConnectorError,
    ConstraintViolationError,
    QualityError,
    RehearsalError,
    SerializationError,
)
from synthohive.learn.fitted import FittedDatabase, FittedTable
from synthohive.tables.roles import level_column

__all__ = ["check_sizes", "check_table", "using"]

MOST = 10**13
"""No table has so many rows."""
LARGEST_GROUP = 10**9
SLACK = 1000
"""Rows that come to a live database between two questions."""


@contextmanager
def using(fitted: FittedDatabase, table: Optional[str] = None) -> Iterator[None]:
    """Name the component, or the table of a rehearsal, from which no rows can be drawn.

    A state that was fitted here is what the code made it; one that was read may hold anything.

    Raises
    ------
    SerializationError, RehearsalError
    """
    try:
        yield
    except (ConnectorError, ConstraintViolationError, QualityError, SerializationError, OSError):
        raise
    except Exception as exc:
        if fitted.rehearsed:
            raise RehearsalError.at(exc, "Making the rows", table) from exc
        if not fitted.loaded:
            raise
        names = list(fitted.tables)
        place = "profiles" if table is None else f"tables/{names.index(table):04d} ({table})"
        reason = f"{type(exc).__name__}: {exc}"
        raise SerializationError(
            f"Component {place!r} of the checkpoint cannot be used: {reason:.500}",
            hint="It is damaged or was changed; fit again, or restore it from a copy.",
        ) from exc


def check_table(table: FittedTable) -> None:
    """Refuse a table whose parts do not belong together, or that asks for endless work.

    Raises
    ------
    SchemaError, ValueError
    """
    columns = table.config.columns
    arguments.whole("rows", table.rows, 0, MOST)
    arguments.whole("largest_group", table.largest_group, 0, LARGEST_GROUP)
    roles = table.roles
    named = [*roles.foreign, *roles.personal, *roles.key, *roles.attributes]
    for name in (*named, *table.makers, *table.fakes, *table.aliases, *table.namesakes):
        if name not in columns:
            raise ValueError(f"there is no column {name!r:.100}")
    makers = [(name, alias.target) for name, alias in table.aliases.items()]
    makers += [(name, one.target) for name, one in table.namesakes.items()]
    if table.encoder is not None:
        makers += [(name, column.name) for name, column in table.encoder.columns.items()]
    for name, own in makers:
        if own != name:
            raise ValueError(f"what makes {name!r:.100} is of {own!r:.100}")
    _check_roles(table)
    _check_order(table)
    for label, key in table.keys.items():
        arguments.number("null_share", key.null_share, 0.0, 1.0)
        counts, parents = key.fan_out.counts_, key.fan_out.parents_
        if counts.ndim != 1 or counts.shape != parents.shape or (np.diff(counts) <= 0).any():
            raise ValueError(f"the numbers of children of {label!r:.100} are out of order")
        if len(counts) and (counts[0] < 0 or parents.min() < 0):
            raise ValueError(f"the numbers of children of {label!r:.100} are below 0")
        if counts.astype(float) @ parents.astype(float) > 2 * table.rows + SLACK:
            raise ValueError(f"{label!r:.100} has more children than the table has rows")
    if table.reference is not None:
        rows = table.reference.rows
        schema = pa.schema([f for f in table.schema if f.name in rows.column_names])
        made = {*table.free, *table.fakes, *table.makers, *rows.column_names}
        whole = rows.schema.equals(schema) and made >= set(table.schema.names)
        if not whole or len(rows) > table.rows + SLACK:
            raise ValueError("the rows that are kept are not those of the table")


def _check_roles(table: FittedTable) -> None:
    """Refuse columns that nothing makes, or that two parts make."""
    config, roles = table.config, table.roles
    named = [*roles.foreign, *roles.personal, *roles.key, *roles.attributes]
    if set(named) != set(config.stored) or len(named) != len(config.stored):
        raise ValueError("its columns do not have one role each")
    labels = {key.label(config.name) for key in config.foreign_keys}
    learned = table.encoder is not None or table.reference is not None
    parts = [
        ("foreign keys", set(table.keys), labels),
        ("made keys", set(table.makers), set(roles.key)),
        ("personal columns", set(table.fakes), set(roles.personal) if learned else set()),
    ]
    for what, has, wants in parts:
        if has != wants:
            raise ValueError(f"its {what} are {sorted(has)}, not {sorted(wants)}")
    if (table.encoder is None) != (table.profile is None):
        raise ValueError("its encoder and its profile do not belong together")


def _check_order(table: FittedTable) -> None:
    """Refuse columns that follow from themselves: there is no order in which to make them."""
    alone = (hierarchy.alone for hierarchy in table.hierarchies.values())
    for program in (table.program, *(key.program for key in table.keys.values()), *alone):
        try:
            program.order  # noqa: B018
        except CycleError as exc:
            circle = " -> ".join(exc.args[1])
            raise ValueError(f"columns follow from themselves: {circle:.200}") from exc


def check_sizes(fitted: FittedDatabase) -> None:
    """Refuse parts of a database that do not belong together: keys, forms, strategies, aliases.

    Raises
    ------
    ValueError
    """
    for name, form in fitted.forms.items():
        if (
            not fitted.metadata.tables[name].columns.keys()
            >= form.dtypes.keys() | form.labels.keys()
        ):
            raise ValueError(f"the form of table {name!r:.100} is of other columns")
        if any(column != str(label) for column, label in form.labels.items()):
            raise ValueError(f"columns of table {name!r:.100} are called otherwise")
    for finding in (*fitted.findings, *fitted.kept_findings):
        if finding.column not in fitted.strategies.get(finding.table, {}):
            raise ValueError(f"no strategy of {finding.table}.{finding.column} is there")
    _check_entity_tables(fitted)
    for name, table in fitted.tables.items():
        _check_aliases(fitted, name)
        for key in fitted.metadata.tables[name].foreign_keys:
            label = key.label(name)
            if label in table.keys:
                parents = float(table.keys[label].fan_out.parents_.astype(float).sum())
                if parents > 2 * fitted.tables[key.parent].rows + SLACK:
                    raise ValueError(f"{label!r:.100} has more parents than there are rows")


def _check_entity_tables(fitted: FittedDatabase) -> None:
    """Refuse tables within others that are not there, or whose columns or keys are not."""
    tables = fitted.metadata.tables
    for one in fitted.entity_tables:
        if not {one.name, one.table} <= set(tables):
            raise ValueError(f"there is no table {one.name!r:.100} within {one.table!r:.100}")
        own, beside = tables[one.name].columns, tables[one.table].columns
        named = {*one.columns, *one.follows, *one.labels, *one.alone}
        dates = set() if one.time is None else {one.time}
        levels = set(map(level_column, one.levels))
        if not named | levels <= set(own) or not named | dates | set(one.levels) <= set(beside):
            raise ValueError(f"columns of {one.name!r:.100} are not there")
        if any(key not in tables[child].foreign_keys for child, key in one.keys):
            raise ValueError(f"a key of {one.name!r:.100} is not there")


def _check_aliases(fitted: FittedDatabase, name: str) -> None:
    """Refuse aliases and namesakes of columns that are not there."""
    tables, table = fitted.metadata.tables, fitted.tables[name]
    people: list[Union[Alias, Namesake, Given]] = [*table.aliases.values(), *table.given]
    people += table.namesakes.values()
    for alias in people:
        targets = alias.targets if isinstance(alias, Given) else (alias.target,)
        if not set(targets) <= set(tables[name].columns):
            raise ValueError(f"{targets!r:.100} are not there")
        end = name
        for holder, key in alias.path:
            if holder != end or not set(key.columns) <= set(tables[end].columns):
                raise ValueError(f"{targets!r:.100} follows a key that is not there")
            end = key.parent
        sources = alias.columns if isinstance(alias, Alias) else ()
        sources = (alias.column,) if isinstance(alias, Given) else sources
        if end != alias.source or not set(sources) <= set(tables[end].columns):
            raise ValueError(f"{targets!r:.100} repeats columns that are not there")
