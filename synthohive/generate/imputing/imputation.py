"""Filling the missing cells of given rows by what was learned.

A cell is drawn given all that is known of its row, of its ancestors and of the siblings before
it, in the manner of multiple imputation (Rubin, 1987): another seed gives another draw. Exact
relations and constraints are kept, and so are all known cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Union

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._logging import get_logger
from synthohive.constrain.validity import check_validity
from synthohive.derive.elapsed import Elapsed
from synthohive.encoding.encoded import SILENT, EncodedTable
from synthohive.encoding.table import TableEncoder
from synthohive.generate.imputing.filling import Filling, emptied, put_cells
from synthohive.generate.imputing.known_cells import Evidence
from synthohive.generate.row_rules import row_rules
from synthohive.learn.fitted import FittedDatabase, LookUpRows
from synthohive.learn.training_context import training_context
from synthohive.tables import random_streams as seeds
from synthohive.tables.ancestors import WithParents, with_rows
from synthohive.tables.in_turn import Turns, draw_in_turn
from synthohive.tables.joins import match_rows
from synthohive.tables.numbers import nulls
from synthohive.tables.sample import Sample
from synthohive.tables.siblings import Siblings

__all__ = ["impute"]

log = get_logger(__name__)

TRIES = 20
"""At cells that break what must hold, until they stay empty."""


def impute(
    fitted: FittedDatabase,
    tables: Mapping[str, pa.Table],
    columns: Mapping[str, Sequence[str]],
    seed: int,
) -> dict[str, pa.Table]:
    """Return the tables with missing cells filled.

    Parameters
    ----------
    fitted : FittedDatabase
    tables : mapping of str to pyarrow.Table
        All tables, with the types that were fitted.
    columns : mapping of str to sequence of str
        The modelled columns to fill, by table.
    seed : int
        The same fitted state, rows and seed give the same cells.
    """
    sample = Sample(fitted.metadata, fitted.plan, dict(tables))
    fillings = {}
    for name in fitted.plan.order:
        table = fitted.tables[name]
        if table.reference is not None:
            rows = _kept_rows(table.reference, table.config.pk, tables[name])
            sample.encoded[name] = table.reference.encode(fitted.embedding_threshold).take(rows)
        elif table.encoder is None:
            sample.encoded[name] = EncodedTable.empty(0)  # no row was there to learn from
        else:
            missing = {c: nulls(tables[name].column(c)) for c in columns.get(name, ())}
            lost = {c: mask for c, mask in missing.items() if mask.any()}
            evidence = Evidence(sample, table, lost, seed)
            dialect, there = fitted.metadata.dialect, tables[name].column_names
            rules = [one for one in row_rules(table, dialect) if one.binding]
            fillings[name] = Filling(evidence, [*table.checks(dialect).repairs(there), *rules])
            _fill(fillings[name], table.encoder)
    for name in reversed(list(fillings)):  # children are complete by now
        _sum_up(fillings[name])
    given = Sample(fitted.metadata, fitted.plan, dict(tables))
    check_validity(fitted.metadata, sample, fitted.special_rules(), given)
    return sample.tables


def _kept_rows(reference: LookUpRows, pk: Sequence[str], rows: pa.Table) -> IntArray:
    """Return which kept row of a look-up table each given row is; -1 for none."""
    if not pk:
        return np.full(len(rows), -1, dtype=np.int64)
    return match_rows(rows, pk, reference.rows, pk)


def _fill(filling: Filling, encoder: TableEncoder) -> None:
    """Fill a table's lost cells, as if none followed from children; encode its rows."""
    evidence = filling.evidence
    name, seed, sample = evidence.name, evidence.seed, evidence.sample
    known = evidence.known()
    encoded = encoder.encode(known, seeds.generator(seed, name, "encode"))
    groups = evidence.groups
    silent = {} if groups is None else evidence.table.program.masked(groups.positions)
    sample.encoded[name] = encoder.without(encoded, silent, 0, 0.0)
    if not evidence.lost and not evidence.summaries:
        return
    unknown = evidence.unknown()
    drawing = _Drawing(evidence, encoder, encoder.without(encoded, unknown), silent)
    # beside no mask at all, np.any would be of no rows
    nothing = np.zeros(len(known), dtype=np.bool_)
    todo = np.flatnonzero(np.any([nothing, *unknown.values()], axis=0))
    drawing.draw(todo)
    evidence.take_codes(drawing.rows)
    if not evidence.lost:  # children are drawn for what theirs have in common, which no cell tells
        sample.encoded[name] = drawing.rows
        return
    modelled = known
    for attempt in range(TRIES):
        rng = seeds.generator(seed, name, "decode", attempt)
        made = encoder.decode(drawing.rows.take(todo), rng)
        for column, cells in unknown.items():
            drawn = made.select([column]).filter(pa.array(cells[todo]))
            modelled = with_rows(modelled, todo[cells[todo]], drawn)
        # all rows, not those drawn alone: what grows inside a group goes by its neighbours
        filled = filling.filled(modelled, rng)
        broken = filling.broken(filled)
        todo = np.flatnonzero(np.any([nothing, *broken.values()], axis=0))
        if not len(todo):
            break
        if attempt + 1 < TRIES:
            drawing.redraw(todo, attempt)
    for column, cells in broken.items():
        log.warning("cells_left_empty", table=name, column=column, cells=int(cells.sum()))
    sample.encoded[name] = drawing.rows
    sample.tables[name] = emptied(filled, broken)


def _sum_up(filling: Filling) -> None:
    """Fill the lost cells that follow from a table's children."""
    evidence, table = filling.evidence, filling.table
    tables, name = evidence.sample.tables, evidence.name
    follows = [a for a in table.aggregates if a.target in evidence.lost]
    if not follows:  # what fits nothing stays empty
        return
    rows = tables[name]
    for aggregate in follows:
        above = WithParents(aggregate.above, evidence.sample.plan, evidence.sample)
        children, kept = above(tables[aggregate.child]), rows.column(aggregate.target)
        key = aggregate.key  # of which cells may have been filled in
        at = match_rows(children, key.columns, rows, key.parent_columns)
        made = pa.table({aggregate.target: aggregate.values(rows, [(at, children)], kept)})
        rows = put_cells(rows, made, {aggregate.target: evidence.lost[aggregate.target]})
    summed = [aggregate.target for aggregate in follows]
    made = table.program.repair(rows, evidence.above, changed=summed)
    later = {name: mask for name, mask in evidence.lost.items() if name not in summed}
    tables[name] = put_cells(rows, made, later)


class _Drawing:
    """The encoded rows of a table, of which some are drawn.

    Attributes
    ----------
    rows : EncodedTable
    """

    def __init__(
        self,
        evidence: Evidence,
        encoder: TableEncoder,
        given: EncodedTable,
        silent: Mapping[str, Bools],
    ) -> None:
        self.evidence, self.encoder, self.silent = evidence, encoder, silent
        self.rows = self.given = given = encoder.without(given, silent, 0, 0.0)
        sample, groups, times = evidence.sample, evidence.groups, evidence.table.times
        self._context = training_context(sample, evidence.name, groups, given, times=times)

    def draw(self, rows: IntArray) -> None:
        """Draw what is unknown in some rows, each after its siblings."""
        table, groups = self.evidence.table, self.evidence.groups
        if not table.siblings or groups is None:
            drawn = self._sampled(rows, self._context.take(rows), "first")
            self.rows = _put_rows(self.given, rows, drawn)
            return
        incomplete = np.zeros(len(self.given), dtype=np.bool_)
        incomplete[rows] = True

        def draw_step(number: int, place: IntArray, known: EncodedTable) -> EncodedTable:
            some = np.flatnonzero(incomplete[place])
            given = self.given.take(place)
            if not len(some):
                return given
            drawn = self._sampled(place[some], known.take(some), "first", number)
            return _put_rows(given, some, drawn)

        order, rooms = (groups.parents, groups.positions), table.program.rooms(self.evidence.above)
        elapsed = Elapsed(table.program.by_step, *order, rooms, encoder=self.encoder)
        turns = Turns(self._context, Siblings(self.encoder.layout, *order), elapsed)
        self.rows, self._context = draw_in_turn(turns, draw_step)

    def redraw(self, rows: IntArray, attempt: int) -> None:
        """Draw what is unknown in some rows again."""
        drawn = self._sampled(rows, self._context.take(rows), attempt)
        self.rows = _put_rows(self.rows, rows, drawn)

    def _sampled(
        self, rows: IntArray, context: EncodedTable, *path: Union[str, int]
    ) -> EncodedTable:
        """Draw rows that are given a context each."""
        model, name = self.evidence.table.model, self.evidence.name
        if model is None:
            return self.given.take(rows)
        some = context if context.layout.discrete or context.layout.continuous else None
        rng = seeds.generator(self.evidence.seed, name, "draw", *path)
        silent = {column: mask[rows] for column, mask in self.silent.items()}
        given = self.encoder.without(self.given.take(rows), silent, SILENT)
        # NULL is barred: a lost cell would stay lost, as often as real ones are NULL; in what is
        # modelled besides, it says that a cell is no exception
        table = self.evidence.table
        programs = (table.program, *(key.program for key in table.keys.values()))
        never = self.encoder.null_codes({name for one in programs for name in one.besides})
        drawn = model.sample(len(rows), some, rng=rng, given=given, never=never)
        return self.encoder.without(drawn, silent, 0, 0.0)


def _put_rows(encoded: EncodedTable, rows: IntArray, drawn: EncodedTable) -> EncodedTable:
    codes, values = encoded.codes.copy(), encoded.values.copy()
    codes[rows], values[rows] = drawn.codes, drawn.values
    return EncodedTable(encoded.layout, codes, values)
