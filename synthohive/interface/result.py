"""What `to_database` returns: a summary that prints itself."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any, Optional

from synthohive._display import counted, html_table, listed
from synthohive.io.base import KeyCheck

__all__ = ["SubsetSummary", "TableSummary", "WriteSummary"]


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
        Wall time of the phases ``generate``, ``load`` (tables are loaded beside others that are
        made: what is left then) and ``constrain``.
    excluded : tuple of str
        Columns (``"film.fulltext"``) that were not learned: NULL, or what the database puts there.
    not_cloned : dict of str to tuple of str
        What the source holds beside its tables, by kind: ``{"views": ("film_list",)}``; and what
        its tables state and another engine cannot: ``{"check constraints": ("film.rated",)}``.
    cloned : dict of str to tuple of str
        What of that was asked for (``include=…``), and made.
    reasons : dict of str to str
        Why something that was asked for, or stated, was not: ``{"views film_list": "it uses …"}``.
    declared : tuple of str
        The keys that Spark's catalogue notes; it enforces none.

    Examples
    --------
    >>> WriteSummary("shop_synthetic", (TableSummary("orders", 1_200, 0.5),), keys=(), seed=7).rows
    1200
    """

    schema: str
    tables: tuple[TableSummary, ...]
    keys: tuple[KeyCheck, ...]
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    not_cloned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cloned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    declared: tuple[str, ...] = ()

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
            "cloned": {kind: list(names) for kind, names in self.cloned.items()},
            "reasons": dict(self.reasons),
            "declared": list(self.declared),
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
            distance = _short(t.distance)
            lines.append(
                f"  {t.name:<{width}}  {t.rows:>12,}  {t.seconds:>8.2f}  {speed:>11}  {distance:>8}"
            )
        lines += ["", f"  Orphans: {self.orphans} over {len(self.keys)} foreign keys"]
        for k in self.keys:
            proof = "enforced by the database" if k.enforced else "counted by anti-join"
            lines.append(f"    {k.key.label(k.table)}: {k.orphans} of {k.rows:,} ({proof})")
        if self.declared:
            lines.append(f"  Declared, not enforced: {listed(self.declared)}")
        lines += [""] if self.excluded or self.not_cloned or self.cloned else []
        if self.excluded:
            lines.append(f"  Not learned: {listed(self.excluded)}")
        for said, things in (("Cloned", self.cloned), ("Not cloned", self.not_cloned)):
            if things:
                kinds = "; ".join(f"{kind} {listed(names)}" for kind, names in things.items())
                lines.append(f"  {said}: {kinds}")
        lines += [f"    {thing}: {reason}" for thing, reason in self.reasons.items()]
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        return "\n".join([*lines, "", f"  Time: {spent}"] if spent else lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        tables = [[t.name, t.rows, f"{t.seconds:.2f}", _short(t.distance)] for t in self.tables]
        keys = [
            [k.key.label(k.table), k.rows, k.orphans, "yes" if k.enforced else "no"]
            for k in self.keys
        ]
        title = f"{counted(self.rows, 'row')} in {self.schema} (seed {self.seed})"
        head = ["Foreign key", "Rows", "Orphans", "Enforced by the database"]
        return html_table(title, ["Table", "Rows", "Seconds", "Distance"], tables) + html_table(
            f"{counted(self.orphans, 'orphan')} over {counted(len(keys), 'foreign key')}",
            head,
            keys,
        )


@dataclass(frozen=True)
class SubsetSummary(WriteSummary):
    """One written subset: its rows are REAL ones.

    Attributes
    ----------
    bytes : int
        Of all values, as they are read.
    shares : dict of str to float
        Which share of each real table's rows is there.
    referred : dict of str to int
        Rows that were not drawn, and are there since others refer to them: of these, those that
        many rows refer to are more often there than others.
    weights : dict of str to float
        How many rows of the real table each drawn row stands for; the others stand for none.
    left_out : dict of str to int
        Rows that were looked at and cannot be there: a key of theirs, or of a row that they refer
        to, leads to no row, or to more rows than fit.

    Examples
    --------
    >>> print(SubsetSummary("few", (TableSummary("orders", 3, 0.0),), keys=(), seed=7))
    ... # doctest: +ELLIPSIS
    REAL ROWS: 'few' holds real rows of the source, as they are. Nothing in it is synthetic.
    ...
    """

    bytes: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    referred: dict[str, int] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "real": True,
            **super().to_dict(),
            "bytes": self.bytes,
            "shares": dict(self.shares),
            "referred": dict(self.referred),
            "weights": dict(self.weights),
            "left_out": dict(self.left_out),
        }

    @property
    def _said(self) -> str:
        return (
            f"REAL ROWS: {self.schema!r} holds real rows of the source, as they are. "
            "Nothing in it is synthetic."
        )

    def __str__(self) -> str:
        lines = [self._said, super().__str__()]
        for name, share in self.shares.items():
            more = f", {self.referred[name]:,} only referred to" if self.referred.get(name) else ""
            lines.append(f"  {name}: {share:.2%} of the real table{more}")
        if self.left_out:
            found = ", ".join(f"{count:,} of {name}" for name, count in self.left_out.items())
            lines.append(f"  Left out, as what they refer to is missing or too much: {found}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p><strong>{html.escape(self._said)}</strong></p>" + super()._repr_html_()


def _short(distance: Optional[float]) -> str:
    return "–" if distance is None else f"{distance:.3f}"
