"""A driver that answers from recorded rows, and notes what it is asked: where no server can be had.

It shows what SynthoHive says to an engine and makes of its answers, and nothing of the engine:
tests that use it claim no more than "rendered and parsed".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Optional, Union

__all__ = ["Answer", "Recorded"]

Rows = Sequence[tuple[Any, ...]]


@dataclass
class Answer:
    """What is answered to statements that hold a text.

    Attributes
    ----------
    to : str
    names : sequence of str
    rows : sequence of tuple, or callable
        Of what stands in the statement, where it is callable.
    """

    to: str
    names: Sequence[str]
    rows: Union[Rows, Callable[[str], Rows]] = ()


@dataclass
class Recorded:
    """The driver: the first answer that fits is given, else none.

    Attributes
    ----------
    said : list of str
        All statements, in their order.
    brought : list
        All rows of bound values.
    """

    module: Any
    answers: list[Answer]
    said: list[str] = field(default_factory=list)
    brought: list[Any] = field(default_factory=list)

    @property
    def driver(self) -> Any:
        """What SQLAlchemy takes for the driver's module."""
        facts = {n: getattr(self.module, n) for n in dir(self.module) if not n.startswith("__")}
        return SimpleNamespace(**{**facts, "__version__": "9.9.9", "connect": self.connect})

    def connect(self, *_: Any, **__: Any) -> Connection:
        """Return a connection."""
        return Connection(self)


class Connection:
    """As the driver has it, as far as it is used."""

    def __init__(self, of: Recorded) -> None:
        self.of, self.outputtypehandler, self.version = of, None, "19.3.0.0.0"
        self.autocommit = lambda flag: None

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self.of)

    def commit(self) -> None:
        """Do nothing."""

    rollback = close = commit


class Cursor:
    """As the driver has it, as far as it is used."""

    arraysize, rowcount = 1, -1

    def __init__(self, of: Recorded) -> None:
        self.of, self.description, self._rows = of, None, iter(())

    def execute(self, sql: str, values: Any = None) -> None:
        """Note a statement, and answer it."""
        self.of.said.append(sql)
        empty = Answer("", ["a"] if sql.lstrip()[:6].upper() == "SELECT" else [])
        answer = next((found for found in self.of.answers if found.to in sql), empty)
        self.description = [(n, *[None] * 6) for n in answer.names] or None
        self._rows = iter(answer.rows(sql) if callable(answer.rows) else answer.rows)

    def executemany(self, sql: str, rows: Sequence[Any]) -> None:
        """Note a statement, and the rows that it brings."""
        self.execute(sql)
        self.of.brought += rows

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def setinputsizes(self, *types: Any) -> None:
        """Do nothing."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return what is left."""
        return list(self._rows)

    def fetchmany(self, size: Optional[int] = None) -> list[tuple[Any, ...]]:
        """Return what is left."""
        return list(self._rows)

    def fetchone(self) -> Optional[tuple[Any, ...]]:
        """Return the next row."""
        return next(self._rows, None)

    def close(self) -> None:
        """Do nothing."""
