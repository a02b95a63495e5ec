"""Generating one table, second pass: further parents, hierarchies, unique keys.

Blocks are visited in order, because quotas and uniqueness are properties of the whole
table; the attributes beside them were already drawn and do not depend on this order.

A row whose keys do not hold is given others (:mod:`synthohive.link.row_key_repair`); one
for which there are none is left out, before any child refers to it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools
from synthohive._logging import get_logger
from synthohive.constrain.key_rules import CommutingKeys, PositionInParent
from synthohive.derive.keys.makers import CounterMaker, Places
from synthohive.derive.keys.patterns import BegunTextMaker
from synthohive.generate.asked_columns import astray, settle_asked
from synthohive.generate.finishing import Choice, Handed, finish
from synthohive.generate.following import follow
from synthohive.generate.hierarchies import Tree, own_parents
from synthohive.generate.key_repair import Changes, repair_keys
from synthohive.generate.referable import make_referable
from synthohive.generate.row_removal import remove_rows
from synthohive.generate.row_rules import row_rules
from synthohive.generate.run import Generated, Run
from synthohive.generate.summing import Summing
from synthohive.schema.plan import Link
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import (
    ancestor_columns,
    hstack,
    with_column,
)
from synthohive.tables.context import positions_in_groups

__all__ = ["assign_foreign_keys", "assign_deferred_keys", "fill_aggregates"]

log = get_logger(__name__)
ATTEMPTS = 5
"""At choosing over keys to the table itself, with fewer rows each time."""


def assign_foreign_keys(run: Run, name: str, made: Generated) -> None:
    """Choose all further parents of a table that can be chosen now, and repair repeats.

    Parameters
    ----------
    run : Run
        Has all parents but those of deferred keys among its tables.
    name : str
        The table.
    made : Generated
        Its attributes. The columns of keys are filled in on the disk, `parents` here; rows for
        which no keys hold are left out of both.
    """
    plan = run.fitted.plan.tables[name]
    late, later = plan.keys("deferred"), plan.keys("deferred", "self")
    config = run.fitted.tables[name].config
    shared = {c for link in plan.of("deferred") for c, _ in link.shared}
    shared |= {c for key in later for c in config.own_columns(key)}
    waiting = {c for key in later for c in key.columns} - shared
    make_referable(run, name, made)
    left = settle_asked(run, name, made, _grouped(run, name, made))
    if left.any():
        _leave_out(run, name, made, left)
    choices = _chosen(run, name, made)
    changes, left = repair_keys(run, name, made)
    if left.any():
        _leave_out(run, name, made, left)
        changes = changes.without(left)
    changes = changes.and_then(_begun(run, name, made)).and_then(_counted(run, name, made))
    dialect = run.fitted.metadata.dialect
    grouped = _grouped(run, name, made)
    repairs = row_rules(
        run.fitted.tables[name], dialect, barred=waiting, fixed=plan.asked, grouped=grouped
    )
    last = not (waiting or _changes_later(run, name))
    left = finish(run, name, made, choices, changes, repairs, waiting, last=last)
    left |= astray(run, name, made)
    if left.any():
        _leave_out(run, name, made, left)
    again = _begun(run, name, made, again=True)
    if again:
        made.spool.rewrite(again.apply)
    _keep_apart(run, name, made, waiting)
    if not waiting:
        return
    for _ in range(ATTEMPTS):
        left = _link_own(run, name, made)
        if not left.any():
            break
        _leave_out(run, name, made, left)
    waiting_still = {c for key in late for c in key.columns} - shared
    fitted = run.fitted.tables[name]
    repairs = row_rules(fitted, dialect, barred=waiting_still, among=waiting)
    left = finish(run, name, made, [], Changes(), repairs, waiting_still)
    if left.any():
        remove_rows(run, {name: left})


def _changes_later(run: Run, name: str) -> bool:
    """Whether rows are changed once more after their keys are chosen."""
    fitted = run.fitted.tables[name]
    begun = any(isinstance(maker, BegunTextMaker) for maker in fitted.makers.values())
    return begun or bool(fitted.rising) or any(one.key is not None for one in fitted.periods)


def _grouped(run: Run, name: str, made: Generated) -> list[str]:
    """Return the columns of the driving key, where the rows of each parent are of one block."""
    driver, groups = run.fitted.plan.tables[name].driver, made.groups
    if driver is None or groups is None or groups.parents is not None:
        return []
    above = run.fitted.metadata.tables[driver.parent].unique_sets
    # what lies beyond the last parent's rows has NULL, which repeats nothing
    linked = [start for start in made.spool.starts if start < groups.offsets[-1]]
    whole = bool(np.isin(linked, groups.offsets).all())
    unique = any(set(columns) == set(driver.parent_columns) for columns in above)
    return list(driver.columns) if whole and unique else []


def _keep_apart(run: Run, name: str, made: Generated, waiting: Collection[str]) -> None:
    """End periods before the next one of the same further parent begins, wherever that stands."""
    fitted = run.fitted.tables[name]
    checks = fitted.checks(run.fitted.metadata.dialect).without(waiting)
    for one in fitted.periods:
        if one.key is None:
            continue
        label = one.key.label(name)
        rows, rng = made.spool.column_table([one.start, one.end]), run.rng(name, label, "periods")
        apart = one.apart(rows, made.parents[Link(name, one.key)].whole(), rng)

        def fill(block: pa.Table, start: int, apart: pa.Table = apart) -> pa.Table:
            end = apart.column_names[-1]
            moved = with_column(block, end, apart.column(end).slice(start, len(block)))
            rng = run.rng(name, "periods", start)
            return follow(fitted, checks, block, moved, rng, changed=[end], also=[end])

        made.spool.rewrite(fill)


def _begun(run: Run, name: str, made: Generated, *, again: bool = False) -> Changes:
    """Return the texts that begin with one of a parent, which is chosen by now, or of their row.

    Parameters
    ----------
    again : bool, default False
        Only those that begin with what may have changed since.
    """
    fitted, rows = run.fitted.tables[name], np.arange(made.spool.rows, dtype=np.int64)
    found = {}
    for column, maker in fitted.makers.items():
        if not isinstance(maker, BegunTextMaker):
            continue
        own = [source for source in maker.start.needs if source in fitted.schema.names]
        if again and not own:
            continue
        texts = made.spool.column_table(own) if own else pa.table({})
        if maker.key:
            key = next(k for k in fitted.config.foreign_keys if k.label(name) == maker.key)
            chosen, names = run.parent_rows(name, key), maker.start.needs
            above_ = ancestor_columns(run, run.fitted.plan, key.parent, chosen, names)
            texts = hstack(texts, above_)
        values = maker.join(maker.start.compose(texts), seeds.seed_int(run.seed, name, column))
        empty = made.spool.column_table([column]).column(0).is_null().combine_chunks()
        found[column] = rows, pc.if_else(empty, pa.scalar(None, values.type), values)
    return Changes.of(found)


def _counted(run: Run, name: str, made: Generated) -> Changes:
    """Return the counts beside two parents; where there are too few, runs of rows share theirs."""
    fitted, rows = run.fitted.tables[name], np.arange(made.spool.rows, dtype=np.int64)
    found = {}
    for rule in fitted.key_rules:
        maker = fitted.makers.get(rule.target)
        if isinstance(rule, PositionInParent) and rule.beside and isinstance(maker, CounterMaker):
            parents, others = (run.parent_rows(name, k) for k in (rule.key, rule.beside))
            # each pair of parents as one number; + 1, so that -1 for none is one like any other
            groups = (parents + 1) * (int(others.max(initial=0)) + 2) + others + 1
            places = positions_in_groups(groups)
            found[rule.column] = (
                rows,
                replace(maker, runs=None).make(Places(rows, groups, *places), 0),
            )
    return Changes.of(found)


def _link_own(run: Run, name: str, made: Generated) -> Bools:
    """Choose over keys to the table itself; return the rows that find no parent."""
    left = np.zeros(made.spool.rows, dtype=np.bool_)
    fitted, links = run.fitted.tables[name], run.fitted.plan.tables[name].of("self")
    handed = {column for link in links for column in fitted.keys[link.label].program.targets}
    rules = (rule for rule in fitted.key_rules if isinstance(rule, CommutingKeys))
    led = {Link(name, rule.key) for rule in rules if rule.key.parent == name}
    for link in sorted(links, key=lambda link: link in led):
        model = fitted.keys[link.label].hierarchy
        if model is None or handed & set(link.key.columns):
            continue
        if link in led:  # to a row that another key leads back from
            left |= _link_late(run, name, made, link)
            continue
        tree = Tree(run, made, link, model)
        made.choose(link, tree.parents)
        changes, alone = own_parents(run, made, link, tree)
        finish(run, name, made, [Handed(run, made, link, tree.changed)], changes, [])
        left |= alone
    return left


def assign_deferred_keys(run: Run, name: str) -> None:
    """Choose the parents over keys that close a cycle, when all tables are there."""
    made, plan = run.tables[name], run.fitted.plan.tables[name]
    late = plan.of("deferred")
    if not late:
        return
    left = np.zeros(made.spool.rows, dtype=np.bool_)
    for link in late:
        left |= _link_late(run, name, made, link)
    columns = {c for link in late for c in link.key.columns}
    referred = {
        c
        for _, key in run.fitted.metadata.foreign_keys()
        if key.parent == name
        for c in key.parent_columns
    }
    fitted, dialect = run.fitted.tables[name], run.fitted.metadata.dialect
    repairs = row_rules(fitted, dialect, among=columns, fixed=referred)
    left |= finish(run, name, made, [], Changes(), repairs)
    if left.any():
        remove_rows(run, {name: left})


def _link_late(run: Run, name: str, made: Generated, link: Link) -> Bools:
    """Choose over one key when all else is there; return the rows that find no parent."""
    choice = Choice(run, made, link)
    changes, left = own_parents(run, made, link)
    finish(run, name, made, [choice], changes, [])
    return left


def _leave_out(run: Run, name: str, made: Generated, left: Bools) -> None:
    log.warning("rows_left_out", table=name, rows=int(left.sum()), reason="no keys hold for them")
    made.keep(~left)


def fill_aggregates(run: Run, name: str) -> None:
    """Fill in the columns that follow from a table's children, which are complete by now."""
    fitted, spool = run.fitted.tables[name], run.tables[name].spool
    if fitted.reference is not None or not fitted.aggregates:
        return
    plain = [aggregate for aggregate in fitted.aggregates if not aggregate.beside]
    others = [[aggregate] for aggregate in fitted.aggregates if aggregate.beside]
    checks = fitted.checks(run.fitted.metadata.dialect)
    for some in [plain, *others]:  # what a formula names may follow from what is summed up
        sums = [Summing(run, aggregate) for aggregate in some]

        def fill(block: pa.Table, start: int, sums: list[Summing] = sums) -> pa.Table:
            before, targets = block, [one.aggregate.target for one in sums]
            for one in sums:
                values = one.values(before, start)
                block = with_column(block, one.aggregate.target, values)
            rng = run.rng(name, "summed up", start)
            return follow(fitted, checks, before, block, rng, changed=targets, also=targets)

        if sums:
            spool.rewrite(fill)


def _chosen(run: Run, name: str, made: Generated) -> list[Choice]:
    """Choose over all keys that are chosen now; those that others follow from come first."""
    plan, rules = run.fitted.plan.tables[name], run.fitted.tables[name].key_rules
    waiting = plan.of("free", "grouped")
    choices = []
    while waiting:
        open_keys = [link.key for link in waiting]
        ready = next(
            link
            for link in waiting
            if not any(
                isinstance(rule, CommutingKeys)
                and rule.key == link.key
                and rule.other[:1]
                and rule.other[0] in open_keys
                for rule in rules
            )
        )
        waiting.remove(ready)
        choices.append(Choice(run, made, ready))
    return choices
