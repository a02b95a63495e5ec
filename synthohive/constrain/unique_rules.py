"""What must not repeat in a table: columns, or what an index calculates, among all or some rows.

Every UNIQUE of an engine is one rule: some expressions, a condition that tells which rows it is
about, and whether NULL equals NULL. A primary key is the rule whose expressions are columns and
that has no condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.connectors.registry import UNNAMED, spelling
from synthohive.constrain.base import Rule
from synthohive.constrain.sql_expressions import Expression, compile_expression, quoted
from synthohive.ddl.statements import Refused
from synthohive.ddl.vetted_indexes import index_parts, key_part
from synthohive.schema import Index, TableConfig
from synthohive.tables.key_hashes import NO_KEY, key_hashes

__all__ = ["UniqueRule", "special_rules"]

log = get_logger(__name__)
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class UniqueRule(Rule):
    """A combination of values that no two rows have.

    Attributes
    ----------
    columns : tuple of str
        All that its expressions refer to.
    parts : tuple of Expression
        Nothing where the columns themselves are meant.
    where : Expression, optional
        True of the rows that it is about.
    nulls_distinct : bool
        Whether a row with a NULL repeats no other.
    name : str
        Of the index or constraint.
    """

    columns: tuple[str, ...]
    parts: tuple[Expression, ...] = ()
    where: Optional[Expression] = None
    nulls_distinct: bool = True
    name: str = ""

    @property
    def special(self) -> bool:
        """Whether it says more than that columns never repeat together."""
        return bool(self.parts) or self.where is not None or not self.nulls_distinct

    @property
    def label(self) -> str:
        """As it is named to users.

        Examples
        --------
        >>> UniqueRule(("a", "b"), nulls_distinct=False, name="u").label
        "UNIQUE (a, b) NULLS NOT DISTINCT 'u'"
        """
        kind = "" if self.nulls_distinct else " NULLS NOT DISTINCT"
        some = "" if self.where is None else " of some rows"
        return f"UNIQUE ({', '.join(self.columns)}){kind}{some} {self.name!r}"

    def hashes(self, rows: pa.Table) -> U64:
        """Hash what each row must have alone; :data:`NO_KEY` where it may repeat."""
        try:
            return self._hashes(rows)
        except duckdb.Error as exc:  # overflow, a malformed value: the database will tell
            reason = str(exc).split("\n", maxsplit=1)[0]
            log.warning("unique_index_not_evaluated", index=self.name, reason=reason)
            return np.full(len(rows), NO_KEY, dtype=np.uint64)

    def _hashes(self, rows: pa.Table) -> U64:
        names, given = list(self.columns), rows
        if self.parts:
            names = [str(number) for number in range(len(self.parts))]
            given = pa.table([part.evaluate(rows) for part in self.parts], names=names)
        types = [given.schema.field(name).type for name in names]
        found = key_hashes(given, names, types, nulls_distinct=self.nulls_distinct)
        return found if self.where is None else np.where(self.where.holds(rows), found, NO_KEY)

    def misread(self, rows: pa.Table) -> bool:
        """Whether real rows, which the database accepted, appear to break it."""
        hashes = self._hashes(rows)
        hashes = hashes[hashes != NO_KEY]
        return len(np.unique(hashes)) < len(hashes)


def special_rules(config: TableConfig, dialect: Optional[str]) -> list[UniqueRule]:
    """Return the rules that :attr:`TableConfig.unique_sets` does not say.

    An index whose SQL is not understood is left out, with the log event
    ``unique_index_not_understood``: the database tests it at the load.
    """
    found = [
        UniqueRule(tuple(u.columns), nulls_distinct=False, name=u.name or "")
        for u in config.unique
        if not u.nulls_distinct
    ]
    for index in config.indexes:
        rule = _of_index(index, config, dialect) if index.unique and index.definition else None
        if rule is not None and rule.special:
            found.append(rule)
    return found


def _of_index(index: Index, config: TableConfig, dialect: Optional[str]) -> Optional[UniqueRule]:
    try:
        parts = index_parts(index.definition or "", spelling(dialect or UNNAMED))
        keys = [_compiled(item, dialect, config) for item in parts.keys]
        where = None if parts.where is None else _read(parts.where, dialect, config)
    except Refused as exc:
        log.info(
            "unique_index_not_understood", table=config.name, index=index.name, reason=str(exc)
        )
        return None
    columns = tuple(dict.fromkeys(c for key in keys for c in sorted(key.columns)))
    plain = [key.sql for key in keys] == [quoted(column) for column in columns]
    return UniqueRule(
        columns, () if plain else tuple(keys), where, parts.nulls_distinct, index.name
    )


def _compiled(item: str, dialect: Optional[str], config: TableConfig) -> Expression:
    body, length = key_part(item, spelling(dialect or UNNAMED))
    return _read(body if length is None else f"LEFT({body}, {length})", dialect, config)


def _read(sql: str, dialect: Optional[str], config: TableConfig) -> Expression:
    found = compile_expression(sql, dialect, config.columns)
    if found is None:
        raise Refused(f"{sql!r} is not understood")
    return found
