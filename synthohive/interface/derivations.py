"""In how many rows of a database what was found to be exact holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.derive.aggregates import Aggregate
from synthohive.derive.base import Derivation
from synthohive.derive.mostly import Mostly
from synthohive.derive.presence import Presence
from synthohive.derive.program import Program
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.report import DerivationReport
from synthohive.schema import ForeignKey
from synthohive.tables.ancestors import WithParents, ancestor_columns, hstack
from synthohive.tables.sample import Sample

__all__ = ["Broken", "broken_relations", "derivations_kept"]


@dataclass(frozen=True)
class Broken:
    """One relation of a table, and the rows that break it."""

    table: str
    relation: str
    broken: int
    rows: int

    @property
    def share(self) -> float:
        """Share of the rows that break it."""
        return self.broken / max(self.rows, 1)


def broken_relations(
    fitted: FittedDatabase, tables: Mapping[str, pa.Table], cut: Collection[str] = ()
) -> Iterator[Broken]:
    """Check what was found in the rows of each table, beside their parents and their children.

    Parameters
    ----------
    fitted : FittedDatabase
    tables : mapping of str to pyarrow.Table
        In the types of the source.
    cut : collection of str
        Labels of keys over which a sample lacks children: no sum over these is checked.
    """
    rows = dict(tables)
    for one in fitted.entity_tables:  # the rows of a table within a table, as fit read them
        rows[one.name] = one.rows(rows[one.table])
    sample = Sample(fitted.metadata, fitted.plan, rows)
    for name, table in fitted.tables.items():
        links = [link for link in fitted.plan.tables[name].links if link.role != "self"]
        keys: list[tuple[Program, Optional[ForeignKey]]] = [
            (table.follows(link), link.key) for link in links
        ]
        if fitted.plan.tables[name].driver is None:
            keys.append((table.program, None))
        for program, key in keys:
            yield from _in_table(fitted, sample, name, program, key)
        yield from (_sum(a, sample) for a in table.aggregates if a.key.label(a.child) not in cut)


def derivations_kept(
    fitted: FittedDatabase,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    cut: Collection[str] = (),
) -> tuple[DerivationReport, ...]:
    """Return what was found to be exact, with its shares of real and synthetic rows.

    Rules between keys and in persons' columns are listed without: they are kept by how rows
    are made.

    Parameters
    ----------
    fitted : FittedDatabase
    real, synthetic : mapping of str to pyarrow.Table
        Tables of which columns cannot be read in the types of the source are not checked.
    cut : collection of str
        Labels of keys over which rows of a sample lack children.
    """
    sides: list[dict[tuple[str, str], Broken]] = []
    for tables in (real, synthetic):
        typed = _typed(fitted, tables)
        found = broken_relations(fitted, typed, cut) if typed is not None else ()
        sides.append({(one.table, one.relation): one for one in found})
    reports = []
    for name, table in fitted.shown.items():
        for relation, shown in zip(table.all_relations, fitted.shown_relations(name)):
            counted = [side.get((name, str(relation))) for side in sides]
            shares = [None if c is None else 1.0 - c.share for c in counted]
            kind = type(relation).__name__
            reports.append(DerivationReport(name, str(shown), kind, shares[0], shares[1]))
    return tuple(sorted(reports, key=lambda r: (r.synthetic is None, -r.lost, r.table)))


def _typed(fitted: FittedDatabase, tables: Mapping[str, pa.Table]) -> Optional[dict[str, pa.Table]]:
    """Return tables with the columns and types that were learned; None where they have others."""
    found = {}
    for name, table in fitted.shown.items():
        schema = table.schema
        if name not in tables or not {*schema.names} <= {*tables[name].column_names}:
            return None
        try:
            found[name] = tables[name].select(schema.names).cast(schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
            return None
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
    rules: list[Union[Derivation, Presence]] = [*program.derivations, *program.presences.values()]
    for relation in rules:
        if isinstance(relation, (Mostly, Presence)):
            wrong = relation.exceptions(rows)
        else:
            wrong = relation.violations(rows)
        yield Broken(name, str(relation), int(wrong.sum()), len(rows))


def _sum(one: Aggregate, sample: Sample) -> Broken:
    rows = sample.tables[one.parent]
    children = WithParents(one.above, sample.plan, sample)(sample.tables[one.child])
    at = sample.parent_rows(one.child, one.key)
    expected = one.values(rows, [(at, children)], rows[one.target])
    wrong = pc.fill_null(pc.not_equal(expected, rows[one.target]), False)
    return Broken(one.parent, str(one), int(np.asarray(wrong).sum()), len(rows))
