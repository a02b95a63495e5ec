"""All that is exact in one table: stated by the user, or found; beside any of its parents."""

from __future__ import annotations

from typing import Optional

from synthohive.derive.base import Derivation
from synthohive.derive.mostly import MostlyCopy, find_mostly, is_open, together
from synthohive.derive.order import Order
from synthohive.derive.pattern_search import find_copies
from synthohive.derive.program import Program
from synthohive.derive.search import take
from synthohive.derive.stated import stated_relations
from synthohive.derive.table_search import DerivationFinder
from synthohive.learn.fitted import FittedTable
from synthohive.privacy.entities import Entities
from synthohive.schema import ForeignKey
from synthohive.tables.sample import Sample

__all__ = ["relate"]


def relate(
    sample: Sample,
    table: FittedTable,
    finder: DerivationFinder,
    keys: list[ForeignKey],
    entities: Optional[Entities],
    k: int,
) -> None:
    """Find copies over further keys, then what holds in a row, then formulas over keys.

    Parameters
    ----------
    table : FittedTable
        Gets the derivations.
    keys : list of ForeignKey
        Over which parents are chosen.
    entities : Entities, optional
        Those behind the rows.
    k : int
        Combinations that fewer entities share are not kept.
    """
    name, known, stated = table.config.name, Program(), _stated(sample, table)
    for key in keys:
        given = [r for r in stated.get(key.label(name), []) if r.whole]
        table.linked[key.label(name)] = finder.find_links(key, known, take(given), find_copies)
        known = known.and_also(table.linked[key.label(name)])
    own = finder.excluding(known.targets).find(entities, k, stated.get("", ()))
    finder = finder.excluding([*known.targets, *(r.target for r in stated.get("", ()))])
    known = known.and_also(own)
    for key in keys:
        found = finder.find_links(key, known)
        table.linked[key.label(name)] = table.linked[key.label(name)].and_also(found)
        known = known.without(found.targets).and_also(found)
        own = own.without(found.targets)
    own = _mostly(table, finder, keys, known, own)
    hierarchies = sample.plan.tables[name].keys("self")
    for key in hierarchies:
        table.linked[key.label(name)] = Program()
        if key.label(name) in table.hierarchies:
            found, alone = finder.find_inherited(key, known)
            table.linked[key.label(name)] = found
            table.hierarchies[key.label(name)].alone = alone
            own = own.without(found.targets)
            known = known.without(found.targets).and_also(found)
    table.program = own
    every = [
        *known.derivations,
        *own.derivations,
        *(r for f in table.linked.values() for r in f.derivations),
    ]
    whole = {r.target for r in every if r.whole or isinstance(r, MostlyCopy)}
    for key in (*keys, *hierarchies):
        free = set(table.attributes) - whole - set(table.linked[key.label(name)].targets)
        bounds = [r for r in stated.get(key.label(name), []) if isinstance(r, Order)]
        bounds += [order for order in finder.find_bounds(key, free) if order not in bounds]
        table.bounds[key.label(name)] = bounds


def _mostly(
    table: FittedTable,
    finder: DerivationFinder,
    keys: list[ForeignKey],
    known: Program,
    own: Program,
) -> Program:
    """Find columns that repeat one of a further parent in most rows; return what is left of `own`.

    Each repeats that of the parent with which it is the same most often.
    """
    name = table.config.name
    known = known.without([r.target for r in known.derivations if is_open(r)])
    best: dict[str, tuple[str, MostlyCopy]] = {}
    for derivation in own.derivations:
        if isinstance(derivation, MostlyCopy):
            best[derivation.target] = "", derivation
    for key in keys:
        for found in finder.find_links(key, known, find_mostly).derivations:
            if isinstance(found, MostlyCopy):
                before = best.get(found.target)
                if before is None or found.share > before[1].share:
                    best[found.target] = key.label(name), found
    for label in {label for label, _ in best.values() if label}:
        kept = Program(tuple(together([r for one, r in best.values() if one == label])))
        table.linked[label] = table.linked[label].and_also(kept)
    replaced = [r.target for r in own.derivations if is_open(r) and best.get(r.target, ("",))[0]]
    return own.without(replaced)


def _stated(sample: Sample, table: FittedTable) -> dict[str, list[Derivation]]:
    """Return what the user states, by the key over which it holds; "" for the driving one."""
    found: dict[str, list[Derivation]] = {}
    name, driver = table.config.name, sample.plan.tables[table.config.name].driver
    for stated in stated_relations(sample, name):
        stated.check_target(name, table.attributes)
        key = stated.key
        label = "" if key is None or key == driver else key.label(name)
        found.setdefault(label, []).append(stated.relation)
    return found
