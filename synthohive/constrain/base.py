"""What rows break together (UNIQUE, EXCLUDE), in whatever block they stand, and what keeps it.

A derivation says what a column is; its sibling, a constraint, what rows may not be: it tells its
violations, and repairs them. Those that a row breaks alone are in `checks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive.constrain.sql_expressions import Expression
from synthohive.schema import TableConfig

__all__ = ["Broken", "Repair", "Rule", "together"]

Broken = Callable[[pa.Table], Bools]
"""Tells which rows break a CHECK."""


class Rule(ABC):
    """What no two rows have in common.

    Attributes
    ----------
    columns : tuple of str
        Those that are compared.
    where : Expression, optional
        True of the rows that it is about.
    """

    columns: tuple[str, ...]
    where: Optional[Expression]

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The columns that are compared, and those of the condition."""
        others = () if self.where is None else sorted(self.where.columns - set(self.columns))
        return (*self.columns, *others)

    @property
    @abstractmethod
    def special(self) -> bool:
        """Whether it says more than that columns never repeat together."""


class Repair(ABC):
    """Keeps one rule, block after block.

    Parameters
    ----------
    config : TableConfig
    rule : Rule
    changes : set of str
        Columns that a repair may change.
    broken : callable, optional
        Tells which rows of a block break a CHECK: none may do so by a repair.

    Attributes
    ----------
    left : list of int
        Rows that still break the rule, numbered over all blocks.
    peers : list of Repair
        Other rules of the table, of which a repair must not make any break.
    """

    def __init__(
        self, config: TableConfig, rule: Rule, changes: set[str], broken: Optional[Broken]
    ) -> None:
        self.config, self.changes = config, changes
        self.columns, self.special = rule.all_columns, rule.special
        self._broken = broken
        self._rows = 0
        self.left: list[int] = []
        self.peers: list[Repair] = []

    def apply(self, block: pa.Table) -> tuple[pa.Table, int]:
        """Return the block repaired as far as can be, and how many rows broke the rule."""
        repeated = self.repeated(block)
        return self._repaired(block, repeated) if len(repeated) else block, len(repeated)

    def remember(self, block: pa.Table) -> None:
        """Bar the block's values from those to come; after all of the block was repaired."""
        repeated = self.repeated(block)
        self.left += (repeated + self._rows).tolist()
        self._rows += len(block)
        self._bar(block, repeated)

    @abstractmethod
    def repeated(self, block: pa.Table) -> IntArray:
        """Return the rows that break the rule by one before them, in whatever block."""

    @abstractmethod
    def violations(self, block: pa.Table) -> Bools:
        """Return the rows that break the rule by any other one, before or after them."""

    @abstractmethod
    def _repaired(self, block: pa.Table, repeated: IntArray) -> pa.Table:
        """Return the block with some rows changed."""

    @abstractmethod
    def _bar(self, block: pa.Table, repeated: IntArray) -> None:
        """Remember the block's rows, but those that still break the rule."""

    def _wrong(self, changed: pa.Table, columns: Iterable[str]) -> Bools:
        """Return the rows that break a CHECK, or a peer that is about some columns."""
        wrong = np.zeros(len(changed), dtype=np.bool_)
        if self._broken is not None:
            wrong |= self._broken(changed)
        for peer in self.peers:
            if not set(columns).isdisjoint(peer.columns):
                wrong |= peer.violations(changed)
        return wrong


def together(repairs: list[Repair]) -> list[Repair]:
    """Let repairs of one table know of one another."""
    for repair in repairs:
        columns = set(repair.columns)
        repair.peers = [p for p in repairs if p is not repair and columns & set(p.columns)]
    return repairs
