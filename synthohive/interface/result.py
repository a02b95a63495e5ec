"""What `to_database` returns: a summary that prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from synthohive.connectors.base import KeyCheck

__all__ = ["TableSummary", "WriteSummary"]

_SHOWN = 8
"""Names of a kind that a printed summary shows; the attributes have all."""


@dataclass(frozen=True)
class TableSummary:
    """One written table.

    Attributes
    ----------
    rows : int
    seconds : float
        Time of the bulk load, generation not included.
    distance : float or None
        Mean distance (KS or TVD) of the columns to the real table's profile; lower is
        better. None where no column can be compared.
    """

    name: str
    rows: int
    seconds: float
    distance: Optional[float] = None

    @property
    def rows_per_second(self) -> float:
        """Load speed."""
        return self.rows / self.seconds if self.seconds > 0 else float("inf")


@dataclass(frozen=True)
class WriteSummary:
    """One written schema.

    Attributes
    ----------
    schema : str
        Where the tables are.
    tables : tuple of TableSummary
    keys : tuple of KeyCheck
        One for each foreign key; orphans are counted by the database itself.
    seed : int
        Gives the same rows again.
    seconds : dict of str to float
        Wall time of the phases ``generate``, ``load`` and ``constrain``.
    excluded : tuple of str
        Columns (``"film.fulltext"``) that were not learned: NULL, or what the database puts there.
    not_cloned : dict of str to tuple of str
        What the source holds beside its tables, by kind: ``{"views": ("film_list",)}``.
    """

    schema: str
    tables: tuple[TableSummary, ...]
    keys: tuple[KeyCheck, ...]
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    not_cloned: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(t.rows for t in self.tables)

    @property
    def orphans(self) -> int:
        """Child rows without a parent, over all keys; zero by construction."""
        return sum(k.orphans for k in self.keys)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "schema": self.schema,
            "seed": self.seed,
            "rows": self.rows,
            "orphans": self.orphans,
            "seconds": dict(self.seconds),
            "excluded": list(self.excluded),
            "not_cloned": {kind: list(names) for kind, names in self.not_cloned.items()},
            "tables": {
                t.name: {"rows": t.rows, "seconds": t.seconds, "distance": t.distance}
                for t in self.tables
            },
            "keys": {
                k.key.label(k.table): {"orphans": k.orphans, "enforced": k.enforced}
                for k in self.keys
            },
        }

    def __str__(self) -> str:
        width = max([len(t.name) for t in self.tables] + [len("table")])
        lines = [
            f"Wrote {self.rows:,} rows in {len(self.tables)} tables to {self.schema!r}"
            f" (seed {self.seed})",
            "",
            f"  {'table':<{width}}  {'rows':>12}  {'seconds':>8}  {'rows/s':>11}  {'distance':>8}",
        ]
        for t in self.tables:
            speed = f"{t.rows_per_second:,.0f}" if t.rows and t.seconds > 0 else "–"
            distance = "–" if t.distance is None else f"{t.distance:.3f}"
            lines.append(
                f"  {t.name:<{width}}  {t.rows:>12,}  {t.seconds:>8.2f}  {speed:>11}  {distance:>8}"
            )
        lines += ["", f"  Orphans: {self.orphans} over {len(self.keys)} foreign keys"]
        for k in self.keys:
            proof = "enforced by the database" if k.enforced else "counted by anti-join"
            lines.append(f"    {k.key.label(k.table)}: {k.orphans} of {k.rows:,} ({proof})")
        lines += [""] if self.excluded or self.not_cloned else []
        if self.excluded:
            lines.append(f"  Not learned: {_listed(self.excluded)}")
        if self.not_cloned:
            kinds = "; ".join(f"{kind} {_listed(names)}" for kind, names in self.not_cloned.items())
            lines.append(f"  Not cloned: {kinds}")
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        return "\n".join([*lines, "", f"  Time: {spent}"] if spent else lines)

    __repr__ = __str__


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
