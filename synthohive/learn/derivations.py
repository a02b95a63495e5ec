"""All that is exact in one table: stated by the user, or found; beside any of its parents."""

from __future__ import annotations

from synthohive.derive.base import Derivation
from synthohive.derive.mostly import Mostly, find_mostly, is_open, together
from synthohive.derive.order import Order
from synthohive.derive.pattern_search import find_copies
from synthohive.derive.program import Program
from synthohive.derive.search import take
from synthohive.derive.stated import stated_relations
from synthohive.derive.table_search import DerivationFinder
from synthohive.learn.fit_context import Fit
from synthohive.learn.fitted import FittedTable
from synthohive.schema.plan import Link
from synthohive.tables.sample import Sample

__all__ = ["relate"]


def relate(fit: Fit, table: FittedTable, finder: DerivationFinder) -> None:
    """Find copies over further keys, then what holds in a row, then formulas over keys.

    Parameters
    ----------
    fit : Fit
    table : FittedTable
        Gets the derivations; what holds beside a parent belongs to its key.
    finder : DerivationFinder
    """
    name, known, stated = table.config.name, Program(), _stated(fit.sample, table)
    plan = fit.sample.plan.tables[name]
    further, itself = plan.of("free", "grouped", "deferred"), plan.of("self")
    for link in further:
        given = [r for r in stated.get(link.label, []) if r.whole]
        found = finder.find_links(link.key, known, take(given), find_copies)
        table.keys[link.label].program = found
        known = known.and_also(found)
    own = finder.excluding(known.targets).find(stated.get("", ()))
    finder = finder.excluding([*known.targets, *(r.target for r in stated.get("", ()))])
    known = known.and_also(own)
    for link in further:
        found, learned = finder.find_links(link.key, known), table.keys[link.label]
        learned.program = learned.program.and_also(found)
        known = known.without(found.targets).and_also(found)
        own = own.without(found.targets)
    own = _mostly(table, finder, further, known, own)
    for link in itself:
        learned = table.keys[link.label]
        found, alone = finder.find_inherited(link.key, known)
        learned.program, table.hierarchies[link.label].alone = found, alone
        own = own.without(found.targets)
        known = known.without(found.targets).and_also(found)
    table.program = own
    over_keys = [r for key in table.keys.values() for r in key.program.derivations]
    every = [*known.derivations, *own.derivations, *over_keys]
    whole = {r.target for r in every if r.whole}
    for link in (*further, *itself):
        learned = table.keys[link.label]
        free = set(table.attributes) - whole - set(learned.program.targets)
        bounds = [r for r in stated.get(link.label, []) if isinstance(r, Order)]
        bounds += [order for order in finder.find_bounds(link.key, free) if order not in bounds]
        learned.bounds = bounds


def _mostly(
    table: FittedTable,
    finder: DerivationFinder,
    links: list[Link],
    known: Program,
    own: Program,
) -> Program:
    """Find columns that repeat one of a further parent in most rows; return what is left of `own`.

    Each repeats that of the parent with which it is the same most often.
    """
    known = known.without([r.target for r in known.derivations if is_open(r)])
    best: dict[str, tuple[str, Mostly]] = {}
    for derivation in own.derivations:
        if isinstance(derivation, Mostly):
            best[derivation.target] = "", derivation
    for link in links:
        for found in finder.find_links(link.key, known, find_mostly).derivations:
            if isinstance(found, Mostly):
                before = best.get(found.target)
                if before is None or found.share > before[1].share:
                    best[found.target] = link.label, found
    for label in {label for label, _ in best.values() if label}:
        kept = Program(tuple(together([r for one, r in best.values() if one == label])))
        table.keys[label].program = table.keys[label].program.and_also(kept)
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
