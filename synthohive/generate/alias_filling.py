"""Filling the columns that repeat personal ones, when all keys are there."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.derive.persons.alias import Alias, path_rows
from synthohive.derive.persons.given import beside_of
from synthohive.derive.persons.namesake import Namesake
from synthohive.generate.run import Run
from synthohive.privacy.kinds import NAMES
from synthohive.schema import ForeignKey, Metadata
from synthohive.tables.ancestors import with_column
from synthohive.tables.nulls import any_blank, any_null
from synthohive.tables.roles import differs_column

__all__ = ["fill_aliases", "referring", "suit_rows"]


def suit_rows(run: Run, name: str) -> None:
    """Make columns again whose form goes by others, of this row or of one that keys lead to."""
    fitted, made = run.fitted.tables[name], run.tables[name]
    seed = run.people_seed(name)
    # the same seed and numbers as when rows were made: the same persons, in another form
    rows = run.numbers(name, np.arange(made.spool.rows, dtype=np.int64))
    for target in dict.fromkeys(t for one in fitted.given for t in one.targets):
        old = made.spool.column_table([target]).column(0).combine_chunks()
        fresh = fitted.fakes[target].make(rows, seed, beside_of(fitted.given, target, run))
        _put(run, name, target, pc.if_else(_there(old), fresh, old))


def referring(
    metadata: Metadata, name: str, column: str, seen: Collection[tuple[str, str]] = ()
) -> list[tuple[str, ForeignKey, str]]:
    """Return the keys to a column, and those to theirs, each with the column; nearest first."""
    found, seen = [], {*seen, (name, column)}
    for child, key in metadata.foreign_keys():
        if key.parent == name and column in key.parent_columns:
            own = key.columns[key.parent_columns.index(column)]
            found.append((child, key, column))
            if (child, own) not in seen:
                found += referring(metadata, child, own, seen)
    return found


def _there(values: pa.Array) -> pa.Array:
    """Return where something stands: neither NULL nor an empty text."""
    return pc.and_(pc.is_valid(values), pa.array(~any_blank(values)))


def _refer(run: Run, child: str, key: ForeignKey, target: str, parents: IntArray) -> None:
    """Fill a child's column again, whose parents' has changed."""
    column = key.columns[key.parent_columns.index(target)]
    theirs = run.tables[key.parent].spool.column_table([target]).column(0)
    fresh = theirs.take(pa.array(parents, mask=parents < 0))

    def fill(block: pa.Table, start: int) -> pa.Table:
        old = block.column(column)
        own = fresh.slice(start, len(block)).cast(old.type)
        return with_column(block, column, pc.coalesce(own, old))

    run.tables[child].spool.rewrite(fill)


def fill_aliases(run: Run, name: str) -> None:
    """Give a table's aliases the made-up values of the rows that its keys lead to.

    Where the model says that a row differs, the value that was made up for it stays, as it
    does where the other would break a constraint.
    """
    fitted = run.fitted.tables[name]
    for namesake in fitted.namesakes.values():
        _put(run, name, namesake.target, _of_person(run, namesake))
    for alias in fitted.aliases.values():
        _put(run, name, alias.target, _filled(run, alias))


def _put(run: Run, name: str, target: str, values: pa.Array) -> None:
    """Replace a column, and what refers to it, but in rows that would break a constraint."""
    # found before the change: keys are matched by value, and would lead nowhere after it
    keys = referring(run.fitted.metadata, name, target)
    found = [(child, key, theirs, run.parent_rows(child, key)) for child, key, theirs in keys]
    checks = run.fitted.tables[name].checks(run.fitted.metadata.dialect)
    values = _unique(run, name, target, values)

    def fill(block: pa.Table, start: int) -> pa.Table:
        changed = with_column(block, target, values.slice(start, len(block)))
        return checks.keep_unbroken(block, changed, [target])

    run.tables[name].spool.rewrite(fill)
    for child, key, theirs, parents in found:
        _refer(run, child, key, theirs, parents)


def _of_person(run: Run, namesake: Namesake) -> pa.Array:
    """Return the whole column, made again from the persons whom the keys lead to."""
    made = run.tables[namesake.table]
    old = made.spool.column_table([namesake.target]).column(0).combine_chunks()
    at = path_rows(namesake.table, namesake.path, run)
    fake = run.fitted.tables[namesake.table].fakes[namesake.target]
    seed = run.people_seed(namesake.source)
    given, first = run.fitted.tables[namesake.source].given, _first_name_of(run, namesake.source)
    theirs = beside_of(given, first, run)
    # a row that leads nowhere (-1) is made as the first one, and not taken
    persons = run.numbers(namesake.source, np.maximum(at, 0))
    fresh = fake.make(persons, seed, None if theirs is None else theirs.take(at))
    there = pc.and_(_there(old), pa.array(at >= 0))
    return pc.if_else(there, fresh, old)


def _first_name_of(run: Run, table: str) -> str:
    """Return a column about the persons of a table; nothing where none goes by another one."""
    fitted = run.fitted.tables[table]
    targets = (target for one in fitted.given for target in one.targets)
    return next((target for target in targets if fitted.roles.personal[target] in NAMES), "")


def _filled(run: Run, alias: Alias) -> pa.Array:
    """Return the whole column, filled where it is a copy."""
    made = run.tables[alias.table]
    column = run.fitted.tables[alias.table].config.columns[alias.target]
    old = made.spool.column_table([alias.target]).column(alias.target).combine_chunks()
    at = path_rows(alias.table, alias.path, run)
    sources = run.tables[alias.source].spool.column_table(alias.sources)
    fresh = _composed(alias, sources, at, old.type)
    # NULL, where a key leads nowhere, and texts that are too long do not fit all columns
    fits = pc.if_else(pc.is_valid(fresh), True, column.nullable)
    if column.length and pa.types.is_string(fresh.type):
        short = pc.less_equal(pc.utf8_length(fresh), column.length)
        fits = pc.and_(fits, pc.fill_null(short, True))
    stays = made.flags(differs_column(alias.target)) | _dangling(run, alias)
    if alias.domain:
        stays |= ~_there(old).to_numpy(zero_copy_only=False)
    same = pc.and_(fits, pa.array(~stays))
    return pc.if_else(same, fresh, old)


def _dangling(run: Run, alias: Alias) -> Bools:
    """Return the rows whose key, which nobody declared, leads nowhere though it is not NULL."""
    made = run.tables[alias.table]
    if not alias.path:
        return np.zeros(made.spool.rows, dtype=np.bool_)
    _, key = alias.path[0]
    parents = run.parent_rows(alias.table, key)
    empty = any_null(made.spool.column_table(key.columns), key.columns)
    return np.asarray((parents < 0) & ~empty, dtype=np.bool_)


def _composed(alias: Alias, sources: pa.Table, at: IntArray, type_: pa.DataType) -> pa.Array:
    """Return what the rows would hold if all were copies; NULL where keys lead nowhere."""
    sources = sources.take(pa.array(at, mask=at < 0))
    if alias.is_copy and not alias.case and sources.column(0).type == type_:
        return sources.column(0).combine_chunks()
    return pa.array(alias.compose(sources), pa.string()).cast(type_)


def _unique(run: Run, name: str, target: str, values: pa.Array) -> pa.Array:
    """Take back what would repeat a value that must not."""
    made, fitted = run.tables[name], run.fitted.tables[name]
    rules = fitted.unique_rules(run.fitted.metadata.dialect)
    there = set(made.spool.schema.names)  # else a part is computed by the database
    rules = [r for r in rules if target in r.all_columns and there.issuperset(r.all_columns)]
    if not rules:
        return values
    rows = made.spool.column_table(list({c for rule in rules for c in rule.all_columns}))
    old = rows.column(target).combine_chunks()
    changed = pc.fill_null(pc.not_equal(old, values), True).to_numpy(zero_copy_only=False)
    for _ in range(len(values)):  # what is taken back may repeat what another row has by now
        now = with_column(rows, target, values)
        wrong = changed & np.any([rule.repeated(now, changed) for rule in rules], axis=0)
        if not wrong.any():
            break
        values, changed = pc.if_else(pa.array(wrong), old, values), changed & ~wrong
    return values
