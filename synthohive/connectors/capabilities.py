"""What an engine can do, as data, so that shared code asks and never compares names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from synthohive.schema import ColumnKind

__all__ = ["Asking", "Capabilities"]


@dataclass(frozen=True)
class Asking:
    """How an engine writes the columns of a question, by kind, with ``{0}`` for what reads one.

    What is not listed cannot be asked: its rows are read.

    Attributes
    ----------
    values : mapping of ColumnKind to str
        As what is equal only where what is read is, whatever the collation, and in its order. NULL
        where a value may not be what the column declares.
    numbers : mapping of ColumnKind to str
        As a float of 64 bits; dates and moments in seconds since 1970.
    distinct, quantile : str, optional
        A sketch that estimates the number of distinct values, and the quantile at ``{1}`` (0 to 1)
        of a number, in the same pass; without one, both are counted.
    literals : mapping of ColumnKind to str
        As the text of a literal of the engine's own that is equal to the value and that its
        indexes know; under None, that of all other kinds. Without any, single rows cannot be
        named, and no subset is chosen.
    joined, bytes : str
        Two texts as one; the bytes of a value of no fixed size.
    """

    values: Mapping[ColumnKind, str]
    numbers: Mapping[ColumnKind, str]
    distinct: Optional[str] = None
    quantile: Optional[str] = None
    literals: Mapping[Optional[ColumnKind], str] = field(default_factory=dict)
    joined: str = "({0} || {1})"
    bytes: str = ""


@dataclass(frozen=True)
class Capabilities:
    """Facts about one engine, which stand in the ``__init__`` of its folder.

    Attributes
    ----------
    package, extra : str
        What must be installed to reach it, and the extra of SynthoHive that brings it.
    driver : str, optional
        Of a URL that names none: SQLAlchemy's own choice changes between its versions.
    connect_args : tuple of (str, object)
        Settings of the driver that reading or writing needs, unless the URL has them.
    is_file : bool
        A database is a file or in memory: its URL has neither user nor password.
    exclusive : bool
        One process at a time has a database open: no idle connection is kept.
    writes : bool
        A writer loads rows over SQLAlchemy's connections.
    several_schemas : bool
        Several schemas change places in one step.
    resumes : bool
        Rows that an interrupted run loaded can stay, and a later one goes on.
    driver_errors : tuple of str
        What the driver raises beside SQLAlchemy's errors, by full names: where a login cannot work,
        or its connection is lost.
    variants : tuple of (str, str)
        Engines that share the folder: the mark of SQLAlchemy's dialect, and the name.
    asking : Asking, optional
        How questions about all rows are written; without it, rows are read.
    past : (str, str), optional
        What the server says where it does not keep a table's past as far back (a regular
        expression), and how far it does, and what lengthens it.
    denials : tuple of (str, str)
        What the server says where a right is missing (a regular expression), and the GRANT that
        gives it, with the expression's groups and ``{place}`` in it.
    remedies : tuple of (str, str)
        What the server says for other reasons (a regular expression), and what to do about it.
    """

    package: str
    extra: str
    driver: Optional[str] = None
    connect_args: tuple[tuple[str, object], ...] = ()
    is_file: bool = False
    exclusive: bool = False
    writes: bool = True
    several_schemas: bool = True
    resumes: bool = False
    driver_errors: tuple[str, ...] = ()
    variants: tuple[tuple[str, str], ...] = ()
    asking: Optional[Asking] = None
    past: Optional[tuple[str, str]] = None
    denials: tuple[tuple[str, str], ...] = ()
    remedies: tuple[tuple[str, str], ...] = ()

    def remedy(self, reason: str, place: str, right: str = "SELECT") -> Optional[str]:
        """Return what to do about what a server says; None where nothing is known.

        Parameters
        ----------
        reason, place, right
            As of :meth:`missing_grant`.

        Examples
        --------
        >>> facts = Capabilities("", "", remedies=(("(?i)quota", "Run again tomorrow."),))
        >>> facts.remedy("Quota exceeded", "shop")
        'Run again tomorrow.'
        """
        known = (hint for pattern, hint in self.remedies if re.search(pattern, reason))
        return self.missing_grant(reason, place, right) or next(known, None)

    def missing_grant(self, reason: str, place: str, right: str = "SELECT") -> Optional[str]:
        """Return what to do where a server refuses for want of a right; None if it is not so.

        Parameters
        ----------
        reason : str
            What the server said.
        place : str
            The schema or database that is read or written, as a GRANT names it.
        right : str
            What is needed first where the server names no right.

        Examples
        --------
        >>> said = (("no right (?P<right>[A-Z]+)", "GRANT {right} ON {place}"),)
        >>> facts = Capabilities("", "", denials=said)
        >>> facts.missing_grant("no right SELECT", "shop")
        'Missing: GRANT SELECT ON shop. See docs/security.md.'
        """
        for pattern, grant in self.denials:
            found = re.search(pattern, reason)
            if found is not None:
                parts = {name: (text or "").strip() for name, text in found.groupdict().items()}
                written = grant.format(**{"place": place, "right": right, **parts})
                return f"Missing: {written}. See docs/security.md."
        return None
