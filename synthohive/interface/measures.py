"""The scores of one run, kept for the caller, and held against its gate before rows are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

import pyarrow as pa

from synthohive.exceptions import PrivacyError, SchemaError
from synthohive.interface.real_rows import MOST, whole_or_sampled
from synthohive.io.base import KeyCheck, Reader
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.classifier import c2st
from synthohive.metrics.copies import copied_values, copies_of_rows
from synthohive.metrics.distances import ColumnScore
from synthohive.metrics.gate import (
    Gate,
    Score,
    ScoreKind,
    check_quality,
    distance_scores,
    emit_scores,
    gate_of,
)
from synthohive.metrics.harmonise import harmonised_database
from synthohive.metrics.validity import impossible
from synthohive.schema import Metadata
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.block_store import TableSpool

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Measures"]

BESIDE_REAL: frozenset[ScoreKind] = frozenset({"validity", "classifier", "copies"})
"""What cannot be told by what `fit` has kept."""


class Measures:
    """The scores of one run, and the limits that they have to keep.

    Parameters
    ----------
    fitted : FittedDatabase
    limits : float or Gate, optional
        The caller's `quality_threshold`.
    source : Reader, optional
        Where the real rows are, for limits that need them.
    on_spark : bool
        Rows are made, and stay, where they cannot be laid beside real ones.
    keep : callable
        Gets the frame of all scores, also where a limit is not kept.

    Raises
    ------
    SchemaError
        A limit names what is not there, or is of a score that cannot be told.
    QualityError
        A model has memorised more than its limit, which is known before rows are made.
    """

    def __init__(
        self,
        fitted: FittedDatabase,
        limits: Any = None,
        source: Optional[Reader] = None,
        on_spark: bool = False,
        keep: Callable[[DataFrame], None] = lambda _: None,
    ) -> None:
        self._fitted, self._source, self._keep = fitted, source, keep
        self.gate = None if limits is None else gate_of("quality_threshold", limits)
        self._known = list(_memorised(fitted))
        if self.gate is not None:
            _check_names(self.gate, fitted)
            _check_measured(self.gate, fitted, self._known)
            _check_source(self.gate, fitted, source, on_spark)
            self._judge(self._known)

    @property
    def needs_rows(self) -> bool:
        """Whether a limit is of what only the rows themselves tell."""
        return self.gate is not None and bool(self.gate.kinds & BESIDE_REAL)

    def judge(
        self,
        distances: Mapping[str, ColumnScore],
        spools: Mapping[str, TableSpool],
        proved: Sequence[KeyCheck] = (),
    ) -> None:
        """Keep the scores of rows that are made, and refuse those beyond a limit.

        Parameters
        ----------
        distances : mapping of str to ColumnScore
            By ``"table.column"``.
        spools : mapping of str to TableSpool
            The rows.
        proved : sequence of KeyCheck
            The orphans of keys; where there are none, all rows were proved to have parents.

        Raises
        ------
        QualityError
        """
        emit_scores(distances)
        scores = [*self._known]
        for name, table in self._fitted.shown.items():
            profiled = () if table.profile is None else table.profile.columns
            own = {c: distances.get(f"{name}.{c}") for c in profiled}
            scores += distance_scores({c: s for c, s in own.items() if s is not None}, name)
        orphans = {(check.table, check.key.label("")): check.orphans for check in proved}
        for child, key in self._fitted.described.foreign_keys():
            count = float(orphans.get((child, key.label("")), 0))
            scores.append(Score(child, ", ".join(key.columns), "orphans", count, "rows"))
        if self.needs_rows and spools:
            scores += self._beside_real(spools)
        self._judge(scores)

    def _judge(self, scores: list[Score]) -> None:
        import pandas as pd

        self._keep(pd.DataFrame([score.row(self.gate) for score in scores]))
        if self.gate is not None:
            check_quality(scores, self.gate)

    def _beside_real(self, spools: Mapping[str, TableSpool]) -> Iterator[Score]:
        """Yield what tells synthetic rows beside real ones."""
        assert self.gate is not None  # who needs rows has both
        assert self._source is not None
        kinds, described = self.gate.kinds, self._fitted.described
        real = _real_rows(self._source, described)
        made = {name: spool.thinned(spool.schema.names, MOST) for name, spool in spools.items()}
        metadata, theirs, ours = harmonised_database(described, real, made)
        for name, table in metadata.tables.items():
            personal = set(self._fitted.personal(name))
            sides = theirs[name], ours[name]
            learned = [c for c in table.stored if c not in table.key_columns | personal]
            if not all(map(len, sides)):
                if len(theirs[name]) and "classifier" in kinds and learned:  # told apart at once
                    yield Score(name, None, "classifier", 1.0, "AUC")
                continue
            found: list[Score] = []
            if "validity" in kinds:
                wrong = impossible(table, table.stored, *sides, personal)
                found += [Score(name, i.column, "validity", i.validity, "share") for i in wrong]
            if "classifier" in kinds and learned:
                area = c2st(*sides, {c: table.stored[c] for c in learned})
                found.append(Score(name, None, "classifier", area, "AUC"))
            if "copies" in kinds:
                found += _copies(name, learned, personal, *sides)
            yield from found


def _memorised(fitted: FittedDatabase) -> Iterator[Score]:
    within = {one.name: one for one in fitted.entity_tables}
    for name, table in fitted.tables.items():
        found = None if table.model is None else table.model.memorisation
        if found is not None:
            one = within.get(name)
            place, column = (name, None) if one is None else (one.table, ", ".join(one.columns))
            yield Score(place, column, "memorisation", found.excess, "excess over 0.5")


def _copies(
    name: str, learned: list[str], personal: set[str], real: pa.Table, made: pa.Table
) -> Iterator[Score]:
    share = copies_of_rows(real, made, learned)
    if share is not None:
        yield Score(name, None, "copies", share, "share of rows")
    for column in sorted(personal):
        share = copied_values(real.column(column), made.column(column))
        yield Score(name, column, "copies", share, "share of values")


def _real_rows(source: Reader, metadata: Metadata) -> dict[str, pa.Table]:
    """Read the real rows, all of one moment."""
    with source.one_state():
        counts = source.counts(list(metadata.tables))
        return whole_or_sampled(source, RelationalPlan.build(metadata, counts), counts)


def _check_names(gate: Gate, fitted: FittedDatabase) -> None:
    """Refuse limits of tables and columns that are not there, or have no such score."""
    shown = fitted.shown
    for name in (*gate.tables, *gate.columns):
        if name not in shown:
            raise SchemaError.unknown_table(name, shown, where="quality_threshold")
    for name, columns in gate.columns.items():
        known, profile = shown[name].config.stored, shown[name].profile
        for column, limits in columns.items():
            if column not in known:
                raise SchemaError.unknown_column(name, column, known)
            compared = profile is not None and column in profile.columns
            if limits.get("distance") is not None and not compared:
                raise SchemaError(
                    f"Column {name}.{column} has no distance: keys, personal and excluded columns "
                    "are made, not learned, and are not compared.",
                    hint="Take its limit out of the gate.",
                )
            if limits.get("copies") is not None and column not in fitted.personal(name):
                raise SchemaError(
                    f"Column {name}.{column} is not personal: its values may well be real ones.",
                    hint="Copies are told of personal columns, and of whole rows (tables=…).",
                )


def _check_measured(gate: Gate, fitted: FittedDatabase, known: list[Score]) -> None:
    """Refuse a limit of what a model has memorised, where that was not measured."""
    measured = {score.table for score in known}
    unknown = [
        name
        for name, table in fitted.shown.items()
        if gate.limit("memorisation", name) is not None
        and table.model is not None
        and name not in measured
    ]
    if unknown:
        without = ", ".join(f"{name!r}: {{'memorisation': None}}" for name in unknown)
        raise SchemaError(
            f"What the models of {', '.join(map(repr, unknown))} have memorised is not known: they "
            "have too few rows to hold some out, or models that do not measure it.",
            hint=f"Leave them out: Gate(…, tables={{{without}}}).",
        )


def _check_source(
    gate: Gate, fitted: FittedDatabase, source: Optional[Reader], on_spark: bool
) -> None:
    """Refuse limits that need real rows, where there are none, or none may be asked."""
    needing = ", ".join(sorted(gate.kinds & BESIDE_REAL))
    if needing and fitted.privacy_ledger is not None:
        raise PrivacyError(
            f"Limits of {needing} ask the real rows anew, which no differential privacy accounts "
            "for: whether rows come out would tell of single units.",
            hint="Limit distance, orphans and memorisation, which are measured by noisy rows.",
        )
    if needing and on_spark:
        raise SchemaError(
            f"On Spark, no run is held against limits of {needing}: rows stay where they are made.",
            hint="Limit distance, orphans and memorisation, and look at report() for the others.",
        )
    if needing and source is None:
        raise SchemaError(
            f"Limits of {needing} need the real rows, and a checkpoint holds none.",
            hint="Limit distance, orphans and memorisation, which fit has measured or kept; or "
            "compare by generate_validation_report(real_data, synthetic_data, path).",
        )
