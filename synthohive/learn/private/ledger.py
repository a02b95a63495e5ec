"""The account of all that differential privacy was spent on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LedgerEntry", "PrivacyLedger"]


@dataclass(frozen=True)
class LedgerEntry:
    """One question that real rows were asked, and the noise on the answer.

    Attributes
    ----------
    mechanism : {"gaussian", "gaussian with threshold", "dp-sgd"}
    table : str
    columns : tuple of str
    question : str
        What was asked, in plain words.
    sensitivity : float
        The most that one unit changes the answer by, in the Euclidean norm over all of its numbers.
    noise : float
        The standard deviation of the noise on each number.
    epsilon : float
        What this question would cost if it were the only one.
    delta : float
        What a threshold costs beside that; 0 of the others, which share what is left.
    sample_rate : float
        The chance of a unit to be asked at all, in each step.
    steps : int
    """

    mechanism: str
    table: str
    columns: tuple[str, ...]
    question: str
    sensitivity: float
    noise: float
    epsilon: float
    delta: float = 0.0
    sample_rate: float = 1.0
    steps: int = 1

    @property
    def multiplier(self) -> float:
        """The noise in units of the sensitivity, which alone decides the cost."""
        return self.noise / self.sensitivity


@dataclass
class PrivacyLedger:
    """What was promised, and everything that was asked for it.

    Attributes
    ----------
    unit : str
        Databases that differ by one row of this table, and all rows that belong to it, cannot be
        told apart by more than `epsilon` and `delta` allow.
    epsilon, delta : float
        The promise.
    spent : float
        The epsilon of all entries together at `delta`, by the accountant; never above `epsilon`.
    accountant : str
    entries : list of LedgerEntry
    notes : list of str
        What is public, and what is switched off.
    seeded : bool
        The noise came from a seed: whoever knows it can take the noise away.

    Examples
    --------
    >>> print(PrivacyLedger("customers", 3.0, 1e-6, 2.9))
    Differential privacy: epsilon 3, delta 1e-06, unit customers; 0 questions, spent epsilon 2.900
    """

    unit: str
    epsilon: float
    delta: float
    spent: float = 0.0
    accountant: str = "RDP"
    entries: list[LedgerEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seeded: bool = False

    @property
    def promise(self) -> Optional[str]:
        """What holds, in a line; None where the noise came from a seed."""
        if self.seeded:
            return None
        return f"epsilon {self.epsilon:g}, delta {self.delta:g}, unit {self.unit}"

    def frame(self) -> pd.DataFrame:
        """Return a row for each question."""
        import pandas as pd

        rows = [
            {
                "mechanism": entry.mechanism,
                "table": entry.table,
                "question": entry.question,
                "columns": ", ".join(entry.columns),
                "sensitivity": entry.sensitivity,
                "noise": entry.noise,
                "multiplier": entry.multiplier,
                "sample_rate": entry.sample_rate,
                "steps": entry.steps,
                "epsilon": entry.epsilon,
                "delta": entry.delta,
            }
            for entry in self.entries
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        lines = [
            f"Differential privacy: epsilon {self.epsilon:g}, delta {self.delta:g}, unit "
            f"{self.unit}; {len(self.entries)} questions, spent epsilon {self.spent:.3f}"
        ]
        for entry in self.entries:
            sgd = f", {entry.steps} steps at rate {entry.sample_rate:g}" if entry.steps > 1 else ""
            lines.append(
                f"  {entry.table}: {entry.question} ({len(entry.columns)} columns): "
                f"{entry.mechanism}, sensitivity {entry.sensitivity:.4g}, noise {entry.noise:.4g}"
                f"{sgd}, alone epsilon {entry.epsilon:.3f}"
            )
        lines += [f"  {note}" for note in self.notes]
        if self.seeded:
            lines.append("  The noise came from a seed: this is a test, and protects nobody.")
        return "\n".join(lines)
