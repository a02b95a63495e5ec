"""What the validation report says: figures of tables, columns and keys, as JSON and text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from synthohive._display import counted
from synthohive._files import write_whole
from synthohive.metrics.distances import ColumnScore
from synthohive.metrics.privacy import PrivacyReport
from synthohive.metrics.report import verdict
from synthohive.metrics.report.classifiers import ClassifierReport, UsefulnessReport
from synthohive.metrics.report.columns import ColumnReport
from synthohive.metrics.report.examples import ExampleRows
from synthohive.metrics.report.facts import DerivationReport, PersonalColumn
from synthohive.metrics.report.files import GENERATOR, check_report
from synthohive.metrics.report.frame import (
    Figure,
    key_figures,
    learned_figures,
    privacy_figures,
    query_figures,
    sequence_figures,
    table_figures,
)
from synthohive.metrics.report.keys import JointFanOut, KeyReport
from synthohive.metrics.report.provenance import NotCompared, Provenance
from synthohive.metrics.report.queries import QueryReport
from synthohive.metrics.report.tables import TableReport, mean
from synthohive.metrics.report.verdict import Area, Level
from synthohive.metrics.sequences import SequenceScore
from synthohive.metrics.validity import Impossible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ValidationReport"]

_VERDICTS = ((0.05, "very close to"), (0.1, "close to"), (0.2, "recognisably different from"))
_FAR = "far from"
_LINES = 40


@dataclass(frozen=True)
class ValidationReport:
    """How close a synthetic database is to the real one.

    Attributes
    ----------
    tables : tuple of TableReport
        The worst first.
    keys : tuple of KeyReport
    copied_rows : dict of str to float
        Share of synthetic rows equal to a real one, by table.
    copied_values : dict of str to float
        Share of synthetic personal values equal to a real one, by ``"table.column"``.
    k : int
        Entities that must stand behind every real bar and category that is shown.
    provenance : Provenance, optional
        When, and from what.
    not_compared : tuple of NotCompared
        What it says nothing of, or less than of the rest.
    joint_fan_outs : tuple of JointFanOut
        The numbers of children over two keys at once, the furthest apart first.
    classifiers : tuple of ClassifierReport
        By table and view, real against real beside each; the best told first.
    usefulness : tuple of UsefulnessReport
        What models learn from the copy, beside what they learn from real rows.
    sequences : tuple of SequenceScore
        Tables whose rows have an order below their parents.
    derivations : tuple of DerivationReport
        What the fit found to be exact, and in how many rows it holds; the most broken first.
    personal : tuple of PersonalColumn
        The columns that were found to be personal, and what is done.
    look_ups : dict of str to tuple of str
        Tables whose real rows come out on purpose, and in which columns.
    privacy : PrivacyReport, optional
        The copy beside entities that were held out, where the fit held some out.
    examples : tuple of ExampleRows
        A few synthetic rows of each table.
    queries : tuple of QueryReport
        The user's own SQL, on both sides.
    """

    tables: tuple[TableReport, ...]
    keys: tuple[KeyReport, ...]
    copied_rows: dict[str, float] = field(default_factory=dict)
    copied_values: dict[str, float] = field(default_factory=dict)
    k: int = 5
    provenance: Optional[Provenance] = None
    not_compared: tuple[NotCompared, ...] = ()
    joint_fan_outs: tuple[JointFanOut, ...] = ()
    classifiers: tuple[ClassifierReport, ...] = ()
    usefulness: tuple[UsefulnessReport, ...] = ()
    sequences: tuple[SequenceScore, ...] = ()
    derivations: tuple[DerivationReport, ...] = ()
    personal: tuple[PersonalColumn, ...] = ()
    look_ups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    privacy: Optional[PrivacyReport] = None
    examples: tuple[ExampleRows, ...] = ()
    queries: tuple[QueryReport, ...] = ()

    @property
    def areas(self) -> tuple[Area, ...]:
        """What is found of each thing that may be wrong, with a level and a reason."""
        promise = None if self.provenance is None else self.provenance.promise
        copied = self.copied_rows, self.copied_values
        return (
            verdict.keys_area(self.keys),
            verdict.validity(self.tables),
            verdict.fidelity(self.tables, self.classifiers),
            verdict.privacy(*copied, self.privacy, self.tables, promise),
            verdict.derivations(self.derivations),
        )

    @property
    def level(self) -> Level:
        """The worst level of :attr:`areas`."""
        return verdict.worst_of([area.level for area in self.areas])

    @property
    def scores(self) -> dict[str, ColumnScore]:
        """The score of each column, keyed ``"table.column"``."""
        return {f"{t.name}.{c.name}": c.score for t in self.tables for c in t.columns}

    @property
    def distance(self) -> float:
        """Mean distance of all columns."""
        return mean([score.value for score in self.scores.values()])

    @property
    def impossible(self) -> dict[str, Impossible]:
        """Values that no real row could hold, keyed ``"table.column"``, the most first."""
        found = {f"{t.name}.{i.column}": i for t in self.tables for i in t.impossible}
        return dict(sorted(found.items(), key=lambda item: -item[1].count))

    @property
    def valid(self) -> bool:
        """Whether each synthetic value is possible: in range, of its form, unique, not NULL."""
        return not self.impossible

    @property
    def orphans(self) -> int:
        """Synthetic rows that refer to no parent, over all keys."""
        return sum(key.orphans for key in self.keys)

    @property
    def verdict(self) -> str:
        """One sentence for somebody who has never seen such a report."""
        close = next((text for limit, text in _VERDICTS if self.distance <= limit), _FAR)
        if not self.scores:
            return f"There are no columns to compare; {self._integrity}."
        if not self.valid:
            close = f"not valid, though its distributions are {close}"
        return (
            f"The synthetic data is {close} the real data: on average its "
            f"{counted(len(self.scores), 'column')} differ by {self.distance:.3f} "
            f"(0 is identical, 1 has nothing in common); {self._integrity}."
        )

    @property
    def _integrity(self) -> str:
        rows = counted(self.orphans, "row")
        keys = counted(len(self.keys), "foreign key")
        wrong = sum(found.count for found in self.impossible.values())
        text = f"{rows} without a parent over {keys}; {counted(wrong, 'value')} impossible"
        if wrong:
            worst, found = next(iter(self.impossible.items()))
            text += f" (in {counted(len(self.impossible), 'column')}, most in {worst}: {found})"
        if self.copied_rows:
            share = max(self.copied_rows.values())
            text += f"; at most {share:.2%} of a table's rows equal a real one"
        if self.copied_values:
            share = max(self.copied_values.values())
            text += f"; at most {share:.2%} of a column's personal values are real ones"
        return text

    def frame(self) -> pd.DataFrame:
        """Return all figures as one tidy table, a measure a row.

        Its columns are ``part`` (table, column, pair, key …), ``table``, ``name`` (of the
        column, the pair or the key), ``measure``, ``real``, ``synthetic``, ``distance``, and
        ``baseline``: what real rows score against other real rows.
        """
        import pandas as pd

        return pd.DataFrame(list(self._figures()), columns=list(Figure._fields))

    def _figures(self) -> Iterator[Figure]:
        yield from table_figures(self.tables)
        yield from key_figures(self.keys, self.joint_fan_outs)
        yield from learned_figures(self.classifiers, self.usefulness)
        yield from sequence_figures(self.sequences)
        for one in self.derivations:
            rule = "derivation", one.table, one.text, "share of rows"
            yield Figure(*rule, one.real, one.synthetic, one.lost)
        if self.privacy is not None:
            yield from privacy_figures(self.privacy)
        yield from query_figures(self.queries)
        for what, found in (("row", self.copied_rows), ("value", self.copied_values)):
            for name, share in found.items():
                table = name if what == "row" else name.partition(".")[0]
                yield Figure("copies", table, name, f"{what}s equal to a real one", None, share)

    def to_json(self) -> str:
        """Return all figures as JSON, without the charts."""
        body = {
            "generator": GENERATOR,
            "verdict": self.verdict,
            "level": self.level,
            "areas": [asdict(area) for area in self.areas],
            "provenance": self.provenance and asdict(self.provenance),
            "distance": self.distance,
            "orphans": self.orphans,
            "valid": self.valid,
            "k": self.k,
            "tables": [_table_json(table) for table in self.tables],
            "keys": [asdict(key) for key in self.keys],
            "joint_fan_outs": [asdict(two) for two in self.joint_fan_outs],
            "classifiers": [asdict(one) for one in self.classifiers],
            "usefulness": [asdict(one) for one in self.usefulness],
            "copied_rows": self.copied_rows,
            "copied_values": self.copied_values,
            "sequences": [asdict(one) for one in self.sequences],
            "derivations": [asdict(one) for one in self.derivations],
            "personal": [asdict(one) for one in self.personal],
            "look_ups": self.look_ups,
            "privacy": self.privacy and json.loads(self.privacy.to_json()),
            "examples": [asdict(one) for one in self.examples],
            "queries": [asdict(one) for one in self.queries],
            "not_compared": [asdict(one) for one in self.not_compared],
        }
        return json.dumps(body, indent=2, ensure_ascii=False)

    def to_html(self) -> str:
        """Return one self-contained page: nothing is loaded, and all is said without its script."""
        from synthohive.metrics.report.page import page  # which draws what is here

        return page(self)

    def write(self, path: Union[str, os.PathLike[str]], if_exists: str = "fail") -> Path:
        """Write the HTML to `path` and the JSON beside it; return the HTML's path.

        Raises
        ------
        ConnectorError
            A file is there that is no report, or may not be replaced.
        """
        page, figures = check_report(path, if_exists)
        write_whole(page, self.to_html())
        write_whole(figures, self.to_json())
        return page

    def __str__(self) -> str:
        rows = [("column", "metric", "distance", "NULLs")]
        worst = sorted(self.scores.items(), key=lambda item: -item[1].worst)
        rows += [(name, s.metric, f"{s.value:.3f}", f"{s.nulls:.3f}") for name, s in worst[:_LINES]]
        lines = [self.verdict, "", *_aligned(rows)]
        if len(worst) > _LINES:
            lines.append(f"… and {len(worst) - _LINES} closer columns")
        if not self.valid:
            wrong = [("impossible values", "validity", "")]
            found = list(self.impossible.items())[:_LINES]
            wrong += [(name, f"{i.validity:.4f}", str(i)) for name, i in found]
            lines += ["", *_aligned(wrong)]
        if self.keys:
            keys = [("foreign key", "orphans", "fan-out KS")]
            keys += [(k.label, str(k.orphans), f"{k.fan_out_ks:.3f}") for k in self.keys]
            lines += ["", *_aligned(keys)]
        if self.classifiers:
            told = [("classifier", "score", "real against real", "told by")]
            told += [_told(one) for one in self.classifiers[:_LINES]]
            lines += ["", *_aligned(told)]
        return "\n".join(lines)

    __repr__ = __str__  # a dataclass's own would be all charts

    def _repr_html_(self) -> str:
        """Return the page in a frame, whose style leaves the notebook's alone."""
        from synthohive.metrics.report.page import framed

        return framed(self)


def _told(one: ClassifierReport) -> tuple[str, str, str, str]:
    name = one.table if one.beside == "rows" else f"{one.table} beside {one.beside}"
    by = ", ".join(column.column for column in one.columns)
    return name, f"{one.score:.3f}", f"{one.baseline:.3f}", by


def _table_json(table: TableReport) -> dict[str, Any]:
    return {
        "name": table.name,
        "real_rows": table.real_rows,
        "synthetic_rows": table.synthetic_rows,
        "real_total": table.real_total,
        "synthetic_total": table.synthetic_total,
        "distance": table.distance,
        "columns": [_column_json(column) for column in table.columns],
        "impossible": [_impossible_json(found) for found in table.impossible],
        "pairs": [{**asdict(p), "difference": p.difference} for p in table.pairs],
        "joint_tables": [asdict(joint) for joint in table.joint_tables],
    }


def _column_json(column: ColumnReport) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        **asdict(column.score),
        "real_nulls": column.real_nulls,
        "synthetic_nulls": column.synthetic_nulls,
        "chance": column.chance,
        "null_chance": column.null_chance,
        "validity": None if column.validity is None else column.validity.validity,
        "rare": column.rare,
        "rare_returned": column.rare_returned,
    }


def _impossible_json(found: Impossible) -> dict[str, Any]:
    return {**asdict(found), "validity": found.validity}


def _aligned(rows: list[Any]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
