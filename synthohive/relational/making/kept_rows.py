"""Look-up tables that are kept: their real rows, beside columns that are made."""

from __future__ import annotations

from synthohive.core.data.encoded import EncodedTable
from synthohive.relational.making.block_maker import BlockMaker
from synthohive.relational.making.run import Generated, Run
from synthohive.relational.making.spool import EncodedSpool, TableSpool
from synthohive.relational.unique import unique_repairs

__all__ = ["keep_rows"]


def keep_rows(run: Run, name: str) -> Generated:
    """Emit a look-up table as it is, with what its children need to know."""
    fitted = run.fitted.tables[name]
    if fitted.reference is None:
        raise RuntimeError(f"{name!r} is not a reference table")
    rows = BlockMaker(run, fitted, None).beside_kept(fitted.reference.rows)
    for repair in unique_repairs(fitted.config, fitted.free, run.seed):
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
