"""What the validation report says: figures of tables, columns and keys, as JSON and text."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Union

from synthohive._display import counted
from synthohive._files import write_whole
from synthohive.metrics.associations import Associated
from synthohive.metrics.distances import ColumnScore
from synthohive.metrics.report.files import GENERATOR, check_report
from synthohive.metrics.report.histograms import Histogram
from synthohive.metrics.validity import Impossible

__all__ = ["ColumnReport", "KeyReport", "TableReport", "ValidationReport"]

_VERDICTS = ((0.05, "very close to"), (0.1, "close to"), (0.2, "recognisably different from"))
_FAR = "far from"
_LINES = 40


@dataclass(frozen=True)
class ColumnReport:
    """One column: its score and its chart."""

    name: str
    kind: str
    score: ColumnScore
    chart: Histogram


@dataclass(frozen=True)
class TableReport:
    """One table: its columns and pairs of columns, the worst first."""

    name: str
    real_rows: int
    synthetic_rows: int
    columns: tuple[ColumnReport, ...]
    pairs: tuple[Associated, ...]
    compared: tuple[str, ...]  # columns whose associations were compared, in table order
    impossible: tuple[Impossible, ...] = ()  # columns, and unique sets, that hold such values

    @property
    def distance(self) -> float:
        """Mean distance of the columns."""
        return _mean([column.score.value for column in self.columns])


@dataclass(frozen=True)
class KeyReport:
    """One foreign key: orphans in the synthetic data, and children per parent."""

    label: str
    orphans: int
    fan_out_ks: float


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
    """

    tables: tuple[TableReport, ...]
    keys: tuple[KeyReport, ...]
    copied_rows: dict[str, float] = field(default_factory=dict)
    copied_values: dict[str, float] = field(default_factory=dict)
    k: int = 5

    @property
    def scores(self) -> dict[str, ColumnScore]:
        """The score of each column, keyed ``"table.column"``."""
        return {f"{t.name}.{c.name}": c.score for t in self.tables for c in t.columns}

    @property
    def distance(self) -> float:
        """Mean distance of all columns."""
        return _mean([score.value for score in self.scores.values()])

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

    def to_json(self) -> str:
        """Return all figures as JSON, without the charts."""
        body = {
            "generator": GENERATOR,
            "verdict": self.verdict,
            "distance": self.distance,
            "orphans": self.orphans,
            "valid": self.valid,
            "k": self.k,
            "tables": [_table_json(table) for table in self.tables],
            "keys": [asdict(key) for key in self.keys],
            "copied_rows": self.copied_rows,
            "copied_values": self.copied_values,
        }
        return json.dumps(body, indent=2, ensure_ascii=False)

    def to_html(self) -> str:
        """Return one self-contained page: no script, no outside resource."""
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
        return "\n".join(lines)

    __repr__ = __str__  # a dataclass's own would be all charts

    def _repr_html_(self) -> str:
        """Return the page in a frame, whose style leaves the notebook's alone."""
        from synthohive.metrics.report.page import framed

        return framed(self)


def _table_json(table: TableReport) -> dict[str, Any]:
    return {
        "name": table.name,
        "real_rows": table.real_rows,
        "synthetic_rows": table.synthetic_rows,
        "distance": table.distance,
        "columns": [{"name": c.name, "kind": c.kind, **asdict(c.score)} for c in table.columns],
        "impossible": [{**asdict(i), "validity": i.validity} for i in table.impossible],
        "pairs": [{**asdict(p), "difference": p.difference} for p in table.pairs],
    }


def _aligned(rows: list[Any]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
