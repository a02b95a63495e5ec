"""Queries whose real results may be shown: sums over groups, each cell of at least k entities.

A query is shown if it aggregates tables (no subqueries, no windows) by functions that show no
single value. Its groups, and the rows behind each number, are then counted beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Optional

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

__all__ = ["ROW", "Protected", "protected"]

ROW = "__synthohive_row"
"""The number of a real row, which no table has a column of."""

_SUMS = (
    exp.Avg,
    exp.Corr,
    exp.Count,
    exp.CovarPop,
    exp.CovarSamp,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Sum,
    exp.Variance,
    exp.VariancePop,
)
"""Aggregates that no single row decides: a least, greatest or middle value is a row's own."""
_UNSEEN = (exp.Filter, exp.Window, exp.Subquery, exp.Lateral, exp.Unnest, exp.With, exp.Qualify)


@dataclass(frozen=True)
class Protected:
    """A query beside whose results stand the rows behind them.

    Attributes
    ----------
    sql : str
        The query, with lists of rows at its end.
    keys : tuple of int
        Which of its columns are what it groups by.
    sources : tuple of str
        The tables whose rows are listed: for each column that is no key, and then for the groups.
    lists : tuple of int
        Of which column each list is; -1 for the groups.
    amounts : tuple of tuple of str
        For each list, the columns whose values its number adds up, in lower case.
    """

    sql: str
    keys: tuple[int, ...]
    sources: tuple[str, ...]
    lists: tuple[int, ...]
    amounts: tuple[tuple[str, ...], ...]


def protected(sql: str, tables: Collection[str]) -> Optional[Protected]:
    """Return a query with the rows behind its results; None where these may not be shown.

    Parameters
    ----------
    sql : str
        One SELECT.
    tables : collection of str
    """
    try:
        tree = sqlglot.parse_one(sql, read=DuckDB)
    except SqlglotError:
        return None
    if not isinstance(tree, exp.Select) or tree.args.get("distinct") or _nested(tree):
        return None
    sources = _sources(tree, tables)
    keys = _keys(tree)
    if not sources or keys is None:
        return None
    lists: list[int] = []
    named: list[str] = []
    amounts: list[tuple[str, ...]] = []
    selected: list[exp.Expression] = []
    for i, projection in enumerate(tree.expressions):
        if i in keys:
            continue
        for argument, summed in _arguments(projection):
            for alias, table in sources.items():
                selected.append(_rows(alias, argument))
                named.append(table)
                lists.append(i)
                amounts.append(tuple(c.name.lower() for c in summed if c.table in ("", alias)))
    for alias, table in sources.items():
        selected.append(_rows(alias, None))
        named.append(table)
        lists.append(-1)
        amounts.append(())
    whole = tree.copy()
    for number, one in enumerate(selected):
        whole = whole.select(exp.alias_(one, f"{ROW}_{number}", quoted=True), copy=False)
    sides = tuple(named), tuple(lists), tuple(amounts)
    return Protected(whole.sql(dialect=DuckDB), tuple(keys), *sides)


def _nested(tree: exp.Select) -> bool:
    return any(True for _ in tree.find_all(*_UNSEEN)) or len(list(tree.find_all(exp.Select))) > 1


def _sources(tree: exp.Select, tables: Collection[str]) -> dict[str, str]:
    """Return the tables by what the query calls them; nothing where one is none of these."""
    known = {name.lower(): name for name in tables}
    found = {}
    start = tree.args.get("from_") or tree.args.get("from")
    joins = [join.this for join in tree.args.get("joins") or ()]
    for source in [start.this if start is not None else None, *joins]:
        if not isinstance(source, exp.Table):
            return {}
        name = f"{source.db}.{source.name}" if source.db else source.name
        if name.lower() not in known or source.args.get("sample") is not None:
            return {}
        found[source.alias_or_name] = known[name.lower()]
    return found


def _keys(tree: exp.Select) -> Optional[list[int]]:
    """Return which projections are keys of groups; None where others show single values."""
    group = tree.args.get("group")
    by_all = group is not None and bool(group.args.get("all"))
    sets = ("cube", "rollup", "grouping_sets", "totals")
    if group is not None and any(group.args.get(name) for name in sets):
        return None
    named = {_text(one) for one in (group.expressions if group is not None else ())}
    keys = []
    for i, projection in enumerate(tree.expressions):
        if isinstance(projection, exp.Star):
            return None
        own = {str(i + 1), _text(projection.unalias()), _text(projection, alias=True)}
        aggregates = list(projection.find_all(exp.AggFunc))
        if not aggregates and (by_all or own & named):
            keys.append(i)
        elif not aggregates or not _is_sum(projection, named):
            return None
    # of rows without any group, a query aggregates all
    return keys if len(keys) < len(tree.expressions) or group is not None else None


def _text(one: exp.Expression, alias: bool = False) -> str:
    return str(one.alias_or_name if alias else one.sql(dialect=DuckDB)).lower()


def _is_sum(projection: exp.Expression, keys: Collection[str]) -> bool:
    """Whether an expression shows sums, counts and means alone, and nothing of chosen rows."""
    for one in projection.find_all(exp.AggFunc):
        if not isinstance(one, _SUMS) or one.find_ancestor(exp.AggFunc) is not None:
            return False
        conditional = list(one.find_all(exp.If, exp.Case, exp.Predicate, exp.Connector))
        if conditional and not (isinstance(one, exp.Count) or _counts(one)):
            return False  # of a value times (id = 7), one row is left
    if any(True for _ in projection.find_all(exp.Anonymous, exp.AnonymousAggFunc)):
        return False
    loose = (c for c in projection.find_all(exp.Column) if c.find_ancestor(exp.AggFunc) is None)
    return all(_text(column) in keys for column in loose)


def _counts(one: exp.AggFunc) -> bool:
    """Whether an aggregate is of a CASE whose results are written in the query."""
    case = one.this
    if not isinstance(case, exp.Case):
        return False
    results = [branch.args.get("true") for branch in case.args["ifs"]]
    results.append(case.args.get("default"))
    literal = (exp.Literal, exp.Null, exp.Boolean)
    return all(result is None or isinstance(result, literal) for result in results)


def _arguments(projection: exp.Expression) -> list[tuple[exp.Condition, list[exp.Column]]]:
    """Return what has to be there for a row to count in a projection's aggregates, and what is
    added up.
    """
    found = []
    for one in projection.find_all(exp.AggFunc):
        columns = list(one.find_all(exp.Column))
        if (columns and not isinstance(one, exp.Count)) or (
            columns and not list(one.find_all(exp.Star))
        ):
            there = exp.and_(*(c.copy().is_(exp.Null()).not_() for c in columns))
            found.append((there, [] if isinstance(one, exp.Count) or _counts(one) else columns))
    return found


def _rows(alias: str, known: Optional[exp.Condition]) -> exp.Expression:
    """Return the list of a table's rows in a group, of those in which something is known."""
    row = exp.column(exp.to_identifier(ROW), table=exp.to_identifier(alias, quoted=True))
    there = row.copy().is_(exp.Null()).not_()
    condition = there if known is None else exp.and_(there, known)
    listed = exp.ArrayAgg(this=exp.Distinct(expressions=[row]))
    return exp.Filter(this=listed, expression=exp.Where(this=condition))
