"""What must hold among all rows of a table, for generating, keeping and imputing rows alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Optional

import pyarrow as pa

from synthohive.constrain.base import Repair
from synthohive.constrain.exclusions import ExclusionRepair, exclusion_rules
from synthohive.constrain.key_rules import UniqueWithinParent
from synthohive.constrain.unique import UniqueRepair, UniqueRule
from synthohive.derive.keys.makers import ListedMaker
from synthohive.learn.fitted import FittedTable

__all__ = ["row_rules"]


def row_rules(
    fitted: FittedTable,
    dialect: Optional[str],
    *,
    barred: Collection[str] = (),
    among: Optional[Collection[str]] = None,
    fixed: Collection[str] = (),
    grouped: Collection[str] = (),
    listed: Optional[Mapping[str, pa.Array]] = None,
) -> list[Repair]:
    """Return a repair for each rule of uniqueness, declared or found, and each EXCLUDE.

    Parameters
    ----------
    fitted : FittedTable
    dialect : str, optional
    barred : collection of str
        Columns that are filled later: rules with one have to wait.
    among : collection of str, optional
        Only rules with one of these columns, and those that their repair may break.
    fixed : collection of str
        Columns that must stay: rows refer to them by now.
    grouped : collection of str
        Columns without NULL of whose values together none stands in two blocks of the rows.
    listed : mapping of str to pyarrow.Array, optional
        All values that columns may be given.
    """
    config, there = fitted.config, set(fitted.schema.names) - set(barred)
    still = {*fixed, *fitted.kept}
    related = (fitted.program, *(key.program for key in fitted.keys.values()))
    follows = {r.target for part in related for r in part.derivations if r.whole}
    undeclared = [  # what follows from others does not repeat where those do not
        UniqueRule(rule.all_columns, declared=False)
        for rule in fitted.key_rules
        if isinstance(rule, UniqueWithinParent) and not follows & set(rule.columns)
    ]
    rising = {one.column for one in fitted.program.monotone}
    repairs: list[Repair] = []
    for rule in [*fitted.unique_rules(dialect), *undeclared]:
        unique = set(rule.columns)
        if not there.issuperset(rule.all_columns):  # else a part is computed by the database
            continue
        free = unique & set(fitted.free) - still
        if not free and len(unique) > 1:  # what was made counts in other groups
            free = unique & {*fitted.roles.key, *fitted.roles.personal} - still
        free = free - rising or free  # what only rises in a group keeps its order, if it can
        free |= {c for c in unique if isinstance(fitted.makers.get(c), ListedMaker)} - still
        some = () if rule.where is None else fitted.tied(rule.where.columns - unique)
        movable = [c for c in some if c not in unique | still]
        if free or rule.special:
            apart = bool(grouped) and set(grouped) <= unique - free and not rule.special
            home = [] if rule.special else list(grouped)
            repairs.append(
                UniqueRepair(config, rule, free, movable, home=home, apart=apart, listed=listed)
            )
    for overlap in exclusion_rules(config, dialect):
        if there.issuperset(overlap.all_columns):
            stays = not set(overlap.period) <= set(fitted.free) - still
            repairs.append(ExclusionRepair(config, overlap, stays))
    touched = set(there if among is None else among)
    # what one repair moves, another rule may be about, and so on: until no rule is added
    while True:
        found = [repair for repair in repairs if touched & set(repair.columns)]
        more = touched.union(*(repair.moves for repair in found))
        if more == touched:
            return found
        touched = more
