"""Look-up tables that are kept: their real rows, beside columns that are made."""

from __future__ import annotations

from synthohive.encoding.encoded import EncodedTable
from synthohive.generate.block_generator import BlockGenerator
from synthohive.generate.row_rules import row_rules
from synthohive.generate.run import Generated, Run
from synthohive.tables.block_store import EncodedSpool, TableSpool

__all__ = ["keep_rows"]


def keep_rows(run: Run, name: str) -> Generated:
    """Emit a look-up table as it is, with what its children need to know."""
    fitted = run.fitted.tables[name]
    if fitted.reference is None:
        raise RuntimeError(f"{name!r} is no look-up table that is kept")
    rows = BlockGenerator(run, fitted, None).beside_kept(fitted.reference.rows)
    dialect, rng = run.fitted.metadata.dialect, run.rng(name, "repair", "kept")
    rows, _ = fitted.checks(dialect).repair(rows, rng, others=row_rules(fitted, dialect))
    spool = TableSpool(run.place(name), fitted.schema)
    spool.append(rows)
    spool.close()
    parts = [fitted.reference.encode(run.fitted.embedding_threshold).prefixed(name)]
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
