"""How many synthetic rows break what was found to be exact in the real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive import ForeignKey, Synthesizer
from synthohive.derive.aggregates import Aggregate
from synthohive.derive.program import Program
from synthohive.learn.fitted import FittedDatabase
from synthohive.tables.ancestors import WithParents, ancestor_columns, hstack
from synthohive.tables.sample import Sample

__all__ = ["Broken", "broken_relations"]


@dataclass(frozen=True)
class Broken:
    """One relation of a table, and the synthetic rows that break it."""

    table: str
    relation: str
    broken: int
    rows: int


def broken_relations(synthesizer: Synthesizer, made: Mapping[str, pa.Table]) -> list[Broken]:
    """Check each relation of a fitted synthesizer on all rows of a synthetic database."""
    fitted = synthesizer.fitted_
    if fitted is None:
        raise ValueError("the synthesizer is not fitted")
    tables = dict(made)
    for one in fitted.entity_tables:  # the rows of a table within a table, as fit read them
        tables[one.name] = one.rows(tables[one.table])
    sample = Sample(fitted.metadata, fitted.plan, tables)
    found = []
    for name, table in fitted.tables.items():
        links = [link for link in fitted.plan.tables[name].links if link.role != "self"]
        keys: list[tuple[Program, Optional[ForeignKey]]] = [
            (table.follows(link), link.key) for link in links
        ]
        if fitted.plan.tables[name].driver is None:
            keys.append((table.program, None))
        for program, key in keys:
            found += _in_table(fitted, sample, name, program, key)
        found += [_aggregate(one, sample) for one in table.aggregates]
    return found


def _in_table(
    fitted: FittedDatabase,
    sample: Sample,
    name: str,
    program: Program,
    key: Optional[ForeignKey],
) -> Iterator[Broken]:
    rows = sample.tables[name]
    names = program.above(rows.column_names)
    if names and key is not None:
        at = sample.parent_rows(name, key)
        rows = hstack(rows, ancestor_columns(sample, fitted.plan, key.parent, at, names))
    for relation in [*program.derivations, *program.presences.values()]:
        yield Broken(name, str(relation), int(relation.violations(rows).sum()), len(rows))


def _aggregate(one: Aggregate, sample: Sample) -> Broken:
    tables = sample.tables
    rows = tables[one.parent]
    above = WithParents(one.above, sample.plan, sample)
    children = above(tables[one.child])
    at = sample.parent_rows(one.child, one.key)
    expected = one.values(rows, [(at, children)], rows[one.target])
    wrong = pc.fill_null(pc.not_equal(expected, rows[one.target]), False)
    broken = int(np.asarray(wrong).sum())
    return Broken(one.parent, str(one), broken, len(rows))
