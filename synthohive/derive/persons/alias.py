"""One column that repeats, or is put together from, columns of its own row or another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Bools, IntArray
from synthohive._readable import Readable
from synthohive.derive.composed import Case, Composed, Part, mark
from synthohive.privacy.names import slug
from synthohive.privacy.styles import reserved
from synthohive.schema import ForeignKey
from synthohive.tables.base import Tables, gather

__all__ = ["DOMAINS", "Alias", "Path", "normal", "path_rows", "paths", "texts_of"]

Texts = list[Optional[str]]
Path = tuple[tuple[str, ForeignKey], ...]
"""Keys that lead from a table to another, each with the table that holds it."""

_LEGAL = frozenset("inc llc ltd plc gmbh ag kg co corp sa sarl srl spa bv ab oy group".split())
LONGEST_PATH, MOST_PATHS = 3, 24
"""Keys of a path, and paths from one table."""


@dataclass(frozen=True)
class Alias(Readable):
    """A column that is filled from columns of another row, or of its own.

    Attributes
    ----------
    table, target : str
    path : tuple of (str, ForeignKey)
        Keys that lead to the row of the sources; none for the target's own row.
    source : str
        The table of the sources.
    columns : tuple of str
        The sources.
    form : str
        The target's text, with a mark for each source: the mark alone for a copy.
    case : {"", "lower", "upper", "slug"}
        How the sources are written.
    share : float
        Of the real rows in which this holds; the others are made up anew.
    domain : str
        For an e-mail address ``{0}@{1}`` of its own row: how the second source is written behind
        the ``@``, a key of `DOMAINS`. Where the target is a source itself, its made-up part is.
    """

    table: str
    target: str
    path: Path
    source: str
    columns: tuple[str, ...]
    form: str
    case: Case = ""
    share: float = 1.0
    domain: str = ""

    def __post_init__(self) -> None:
        _ = self.text  # which has as many columns as parts
        if self.domain and (self.domain not in DOMAINS or len(self.columns) != 2):
            raise ValueError("an address is made of two parts")

    @property
    def text(self) -> Composed:
        """What the target's text consists of."""
        return Composed(self.target, tuple(Part(c, self.case) for c in self.columns), self.form)

    @property
    def sources(self) -> list[str]:
        """The sources, each once."""
        return list(dict.fromkeys(self.columns))

    @property
    def is_copy(self) -> bool:
        """Whether the target is the one source as it stands."""
        return self.form == mark(0)

    def compose(self, sources: pa.Table) -> Texts:
        """Return the target's texts; NULL where a source is."""
        if self.domain:
            return [
                self._address(*row)
                for row in zip(*map(texts_of, map(sources.column, self.columns)))
            ]
        return texts_of(self.text.compose(sources))

    def _address(self, local: Optional[str], domain: Optional[str]) -> Optional[str]:
        """Return an e-mail address, on a domain that nobody has."""
        if local is None or domain is None:
            return None
        own = [column == self.target for column in self.columns]
        local = local.rpartition("@")[0] if own[0] else local.lower()
        domain = domain.rpartition("@")[2] if own[1] else DOMAINS[self.domain](domain)
        return f"{local}@{reserved(domain)}" if local and domain else None

    def differs(self, target: Texts, sources: pa.Table) -> Bools:
        """Return the rows in which the target is something else; case and blanks aside."""
        composed = self.compose(sources)
        if self.domain:
            target = [text and _on_nobodys(text) for text in target]
            # NULL has its say
            composed = [made if text else text for text, made in zip(target, composed)]
        unequal = [
            (one is None) != (two is None) or (one is not None and normal(one) != normal(str(two)))
            for one, two in zip(target, composed)
        ]
        return np.array(unequal, dtype=np.bool_)

    def real_differs(self, tables: Tables) -> Bools:
        """Return :meth:`differs` of real rows."""
        at = path_rows(self.table, self.path, tables)
        sources = tables.take(self.source, self.sources, at)
        return self.differs(texts_of(tables.columns(self.table, [self.target]).column(0)), sources)

    def measured(self, tables: Tables) -> Alias:
        """Return the same with its share of the real rows."""
        differs = self.real_differs(tables)
        return replace(self, share=1.0 - float(differs.mean()) if len(differs) else 1.0)

    def __str__(self) -> str:
        names = [f"{self.source}.{name}" for name in self.columns]
        if self.domain:
            names = ["…" if name == self.target else name for name in self.columns]
        text = self.form
        for number, name in enumerate(names):
            text = text.replace(mark(number), f"{{{name}}}")
        where = "" if self.share == 1.0 else f" ({self.share:.0%} of rows)"
        return f"{self.target} = {names[0] if self.is_copy else text}{where}"


def domain_of(text: str, separator: str = "", *, legal: bool = True) -> str:
    """Return the domain, below ``.example``, that a company of a name may have; empty for none.

    Parameters
    ----------
    text : str
        The company's name.
    separator : str
        What stands between its words.
    legal : bool, default True
        Whether the legal form ("Ltd") is one of them.

    Examples
    --------
    >>> domain_of("Lee & Sons Ltd"), domain_of("Lee & Sons Ltd", "-", legal=False)
    ('leesonsltd.example', 'lee-sons.example')
    """
    words = [slug(word) for word in text.split()]
    words = [word for word in words if word and (legal or word not in _LEGAL)]
    return f"{separator.join(words)}.example" if words else ""


DOMAINS: dict[str, Callable[[str], str]] = {
    "text": str.lower,
    "joined": domain_of,
    "dashed": lambda text: domain_of(text, "-"),
    "short": lambda text: domain_of(text, legal=False),
    "short dashed": lambda text: domain_of(text, "-", legal=False),
}
"""How domains are made of other columns."""


def _on_nobodys(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{reserved(domain.lower())}"


def normal(text: str) -> str:
    """Return a text in the form in which copies are compared."""
    return " ".join(text.split()).casefold()


def path_rows(table: str, path: Path, tables: Tables) -> IntArray:
    """Return the row that each row's path ends at; -1 for none.

    Parameters
    ----------
    table : str
        The table of the rows, and of the first key; an empty path ends at the rows themselves.
    path : tuple of (str, ForeignKey)
    tables : Tables

    Returns
    -------
    ndarray of int64, shape (rows,)
    """
    found = np.arange(tables.size(table), dtype=np.int64)
    for holder, key in path:
        found = gather(tables.parent_rows(holder, key), found)
    return found


def paths(table: str, keys: Callable[[str], Iterable[ForeignKey]]) -> Iterator[tuple[Path, str]]:
    """Yield paths over keys and the tables at their ends, the short ones first.

    The first one is empty: it ends at the table itself.
    """
    waiting: list[tuple[Path, str]] = [((), table)]
    for path, end in islice(waiting, MOST_PATHS):  # which grows while it is walked
        yield path, end
        more = keys(end) if len(path) < LONGEST_PATH else ()
        waiting += [((*path, (end, k)), k.parent) for k in more if (end, k) not in path]


def texts_of(values: Any, rows: Optional[IntArray] = None) -> Texts:
    """Return values as texts; of some rows, where -1 is NULL."""
    if rows is not None:
        values = values.take(pa.array(rows, mask=rows < 0))
    return [None if value is None else str(value) for value in values.to_pylist()]
