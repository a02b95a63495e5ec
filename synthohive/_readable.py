"""What prints itself as users read it, also inside lists."""

from __future__ import annotations

from typing import Any

__all__ = ["Readable"]


class Readable:
    """Shows ``str`` in its ``repr``, which a dataclass would else replace by all its fields.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Twice(Readable):
    ...     target: str
    ...     source: str
    ...     def __str__(self) -> str:
    ...         return f"{self.target} = 2 * {self.source}"
    >>> [Twice("b", "a")]
    [Twice(b = 2 * a)]
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):  # before the dataclass decorator sees the class
            cls.__repr__ = Readable.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"
