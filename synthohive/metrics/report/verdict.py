"""One verdict for each thing that may be wrong with a synthetic database, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Optional

from synthohive._display import counted
from synthohive.metrics.privacy import PrivacyReport
from synthohive.metrics.report.classifiers import ClassifierReport
from synthohive.metrics.report.facts import DerivationReport
from synthohive.metrics.report.keys import KeyReport
from synthohive.metrics.report.tables import TableReport, mean

__all__ = [
    "Area",
    "Level",
    "derivations",
    "fidelity",
    "keys_area",
    "level_of",
    "privacy",
    "validity",
    "worst_of",
]

Level = Literal["good", "fair", "poor", "unknown"]
AreaName = Literal["keys", "validity", "fidelity", "privacy", "derivations"]
_CLOSE, _OFF = 0.1, 0.2  # distances up to which a column is close, and beyond which it is off
_TOLD, _WELL_TOLD = 0.1, 0.3  # area of a classifier above that of real against real
_BROKEN, _OFTEN_BROKEN = 0.001, 0.01  # shares of rows that break what is exact
_COPIED, _MANY_COPIED = 0.01, 0.05  # shares of rows that equal a real one


@dataclass(frozen=True)
class Area:
    """What a report finds of one thing that may be wrong.

    Attributes
    ----------
    name : {"keys", "validity", "fidelity", "privacy", "derivations"}
    level : {"good", "fair", "poor", "unknown"}
        unknown: nothing was measured, which the sentence says.
    sentence : str
        For somebody who has never seen such a report.
    """

    name: AreaName
    level: Level
    sentence: str


def level_of(distance: float, close: float = _CLOSE, off: float = _OFF) -> Level:
    """Return the level of a distance from 0 to 1."""
    return "good" if distance <= close else "fair" if distance <= off else "poor"


def worst_of(levels: Sequence[Level]) -> Level:
    """Return the worst level; what is unknown decides only where nothing is known."""
    order: list[Level] = ["unknown", "good", "fair", "poor"]
    return max(levels, key=order.index, default="unknown")


def keys_area(keys: Sequence[KeyReport]) -> Area:
    """Return whether rows find their parents, and parents have as many children."""
    if not keys:
        return Area("keys", "good", "There are no foreign keys.")
    broken = [key for key in keys if key.orphans]
    if broken:
        first = max(broken, key=lambda key: key.orphans)
        return Area(
            "keys",
            "poor",
            f"{counted(len(broken), 'key')} of {len(keys):,} broken: "
            f"{counted(sum(key.orphans for key in broken), 'row')} without a parent, most over "
            f"{first.label} ({first.orphans:,}).",
        )
    furthest = max(keys, key=lambda key: (key.told, key.fan_out_ks))
    said = f"{furthest.label} (KS {furthest.fan_out_ks:.3f}; 0 is identical)"
    if not furthest.told and furthest.fan_out_ks:
        said += f", no more than chance gives between samples of one source ({furthest.chance:.3f})"
    return Area(
        "keys",
        # other numbers of children break nothing
        "good" if level_of(furthest.told) == "good" else "fair",
        f"No key is broken: every row finds its parents over all {len(keys):,}. Children per "
        f"parent differ most over {said}.",
    )


def validity(tables: Sequence[TableReport]) -> Area:
    """Return whether synthetic values are such as the real database could hold."""
    wrong = [(f"{t.name}.{one.column}", one) for t in tables for one in t.impossible]
    columns = sum(len(t.columns) for t in tables)
    if not wrong:
        return Area(
            "validity",
            "good",
            f"Each value of {counted(columns, 'column')} is one that the real database could "
            "hold: in range, of its form, not NULL where none is, and unique where all are.",
        )
    name, most = max(wrong, key=lambda item: item[1].count)
    return Area(
        "validity",
        "poor",
        f"{counted(sum(one.count for _, one in wrong), 'value')} in "
        f"{counted(len(wrong), 'column')} could not be in the real database, most in {name} "
        f"({most}).",
    )


def fidelity(tables: Sequence[TableReport], classifiers: Sequence[ClassifierReport] = ()) -> Area:
    """Return whether columns are distributed as the real ones, and go together as they do."""
    found = {f"{t.name}.{c.name}": c for t in tables for c in t.columns}
    if not found:
        return Area("fidelity", "unknown", "There are no columns to compare.")
    distance = mean([column.score.value for column in found.values()])
    told = mean([min(column.score.value, column.told) for column in found.values()])
    name = max(found, key=lambda name: (found[name].told, found[name].score.worst))
    off = [name for name, column in found.items() if column.told > _OFF]
    level = worst_of([level_of(told), "fair" if off else "good"])
    sentence = (
        f"On average {counted(len(found), 'column')} differ by {distance:.3f} (0 is identical, 1 "
        f"has nothing in common); the furthest is {name} ({found[name].score.worst:.3f}"
        f"{'' if found[name].told else ', which chance may give between as few real rows'})."
    )
    if len(off) > 1:
        sentence += f" {len(off)} are visibly off (above {_OFF})."
    if classifiers:
        first = max(classifiers, key=lambda one: one.excess)
        level = worst_of([level, level_of(first.excess, _TOLD, _WELL_TOLD)])
        sentence += f" {_told(first)}"
    return Area("fidelity", level, sentence)


def _told(first: ClassifierReport) -> str:
    rows = f"rows of {first.table}"
    if first.beside != "rows":
        rows += f" beside their {first.beside}"
    by = f", mostly by {' and '.join(c.column for c in first.columns[:2])}" if first.columns else ""
    return (
        f"A classifier tells {rows} best: {first.score:.2f}{by}, where it reaches "
        f"{first.baseline:.2f} between real and real rows (0.5 is a guess)."
    )


def privacy(
    copied_rows: Mapping[str, float],
    copied_values: Mapping[str, float],
    measured: Optional[PrivacyReport] = None,
    tables: Sequence[TableReport] = (),
    promise: Optional[str] = None,
) -> Area:
    """Return whether rows, or values of persons, come back.

    Parameters
    ----------
    copied_rows, copied_values : mapping of str to float
        Shares that equal real ones, by table and by column.
    measured : PrivacyReport, optional
        The copy beside entities that were held out.
    tables : sequence of TableReport
    promise : str, optional
        Of differential privacy.
    """
    said: list[str] = []
    level: Level = "unknown"
    if copied_rows:
        name = max(copied_rows, key=lambda name: copied_rows[name])
        looked = counted(len(copied_rows), "table")
        share = f"at most {copied_rows[name]:.2%} of the rows equal a real one, most in {name}"
        found = share if copied_rows[name] else f"no row equals a real one, in {looked}"
        said.append(found)
        level = level_of(copied_rows[name], _COPIED, _MANY_COPIED)
    if measured is not None and measured.entities:
        level = worst_of([level, "good" if measured.safe else "poor"])
        said.insert(0, measured.verdict.rstrip("."))
    if copied_values:
        name = max(copied_values, key=lambda name: copied_values[name])
        said.append(
            f"at most {copied_values[name]:.2%} of the values of a personal column are real ones "
            f"({name}): common names are, by chance"
            if copied_values[name]
            else f"no value of {counted(len(copied_values), 'personal column')} is a real one"
        )
    back = sum(column.rare_returned or 0 for t in tables for column in t.columns)
    if back:
        level = worst_of([level, "fair"])
        said.append(f"values of fewer real entities than may be shown are in it: {back:,}")
    if promise:
        level = worst_of([level, "good"])
        said.insert(0, f"learned with differential privacy ({promise})")
    if not said:
        return Area(
            "privacy",
            "unknown",
            "Not measured: no table has 300 rows of which real ones hardly repeat, and no column "
            "is known to be personal. fit(holdout=0.1) sets entities aside to compare with.",
        )
    text = "; ".join(said)
    sentence = f"{text[0].upper()}{text[1:]}."
    if not promise and (measured is None or not measured.entities):
        sentence += (
            " Whether it tells more of those it was learned from than of others is not measured: "
            "fit(holdout=0.1) sets some aside."
        )
    return Area("privacy", level, sentence)


def derivations(found: Sequence[DerivationReport]) -> Area:
    """Return whether what is exact in the real rows is so in the synthetic ones."""
    counted_ones = [one for one in found if one.synthetic is not None]
    if not counted_ones:
        sentence = "Nothing is known to be exact in the real rows."
        if found:
            number = counted(len(found), "relation")
            sentence = f"{number} are kept by how rows are made; none was counted."
        return Area("derivations", "unknown", sentence)
    first = max(counted_ones, key=lambda one: one.lost)
    kept = sum(not one.lost for one in counted_ones)
    sentence = f"{kept:,} of {counted(len(counted_ones), 'relation')} hold as in the real rows."
    if first.lost:
        sentence += (
            f" The most broken is {first.text} of {first.table}: it holds in "
            f"{first.synthetic or 0.0:.2%} of the synthetic and {first.real or 0.0:.2%} of the "
            "real rows."
        )
    return Area("derivations", level_of(first.lost, _BROKEN, _OFTEN_BROKEN), sentence)
