"""Look-up tables that are kept: their real rows, beside columns that are made."""

from __future__ import annotations

from synthohive.constrain.base import Repair, together
from synthohive.constrain.unique import UniqueRepair
from synthohive.encoding.encoded import EncodedTable
from synthohive.generate.block_generator import BlockGenerator
from synthohive.generate.run import Generated, Run
from synthohive.learn.fitted import FittedTable
from synthohive.tables import random_streams as seeds
from synthohive.tables.block_store import EncodedSpool, TableSpool

__all__ = ["keep_rows"]


def keep_rows(run: Run, name: str) -> Generated:
    """Emit a look-up table as it is, with what its children need to know."""
    fitted = run.fitted.tables[name]
    if fitted.reference is None:
        raise RuntimeError(f"{name!r} is no look-up table that is kept")
    rows = BlockGenerator(run, fitted, None).beside_kept(fitted.reference.rows)
    for repair in _repairs(run, fitted):
        rows, _ = repair.apply(rows)
    spool = TableSpool(run.place(name), fitted.schema)
    spool.append(rows)
    spool.close()
    encoded = fitted.reference.encode(run.fitted.embedding_threshold)
    own = EncodedTable(encoded.layout.prefixed(name), encoded.codes, encoded.values)
    parts = [own]
    driver = run.fitted.plan.tables[name].driver
    if driver is not None:
        above = run.tables[driver.parent]
        parents = fitted.reference.parents
        if above.context is not None and parents is not None:
            parts.append(above.context.take(parents))
    joined = EncodedTable.side_by_side(parts)
    context = EncodedSpool(spool.path, joined.layout)
    context.append(joined)
    return Generated(spool, None, context, dict(fitted.reference.preferences))


def _repairs(run: Run, fitted: FittedTable) -> list[Repair]:
    """Build a repair for each rule of uniqueness with a column in it that is not kept."""
    found: list[Repair] = []
    for rule in fitted.unique_rules(run.fitted.metadata.dialect):
        free = set(fitted.free) & set(rule.columns)
        some = () if rule.where is None else fitted.tied(rule.where.columns - set(rule.columns))
        movable = [c for c in some if c not in rule.columns]
        if (free or movable) and set(rule.all_columns) <= set(fitted.schema.names):
            seed = seeds.seed_int(run.seed, fitted.config.name, *rule.all_columns)
            found.append(UniqueRepair(fitted.config, rule, free, seed, movable=movable))
    return together(found)
