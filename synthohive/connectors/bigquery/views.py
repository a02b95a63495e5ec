"""A view's query with a copy's tables in the place of its source's."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

__all__ = ["NotOfTheCopy", "moved_query"]


class NotOfTheCopy(ValueError):
    """A view uses what a copy does not have; the message says what."""


def moved_query(sql: str, project: str, datasets: Mapping[str, str], known: Collection[str]) -> str:
    """Return a query with every table of a source's dataset named in the copy's.

    Parameters
    ----------
    sql : str
        Of the source's view.
    project : str
        Whose tables may be named with it before them.
    datasets : dict of str to str
        From the source's dataset to the copy's.
    known : collection of str
        The tables and views of the copy.

    Raises
    ------
    NotOfTheCopy
        It uses something else, or is of a form that is not understood.

    Examples
    --------
    >>> moved_query("SELECT a FROM shop.orders", "p", {"shop": "copy"}, {"orders"})
    'SELECT a FROM `p`.`copy`.`orders` AS orders'
    """
    try:
        tree = parse_one(sql, dialect="bigquery")
    except SqlglotError:
        raise NotOfTheCopy("its definition is of a form that is not understood") from None
    if not isinstance(tree, exp.Query):
        raise NotOfTheCopy("its definition is of a form that is not understood")
    named = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for call in tree.find_all(exp.Dot):
        if isinstance(call.expression, exp.Func):
            raise NotOfTheCopy(f"it uses the function {call.sql('bigquery')[:60]}")
    for table in list(tree.find_all(exp.Table)):
        _move(table, project, datasets, known, named)
    return str(tree.sql(dialect="bigquery"))


def _move(
    table: exp.Table,
    project: str,
    datasets: Mapping[str, str],
    known: Collection[str],
    named: Collection[str],
) -> None:
    """Put the copy's place before the name of one table."""
    if not isinstance(table.this, exp.Identifier):
        raise NotOfTheCopy(f"it reads by {table.sql('bigquery')[:60]}")
    *before, name = ".".join(part.name for part in table.parts).split(".")
    if not before and (name.lower() in named or _of_a_row(table)):
        return
    home = before[-1] if before else next(iter(datasets))
    elsewhere = len(before) > 1 and ".".join(before[:-1]) != project
    if elsewhere or home not in datasets or name not in known:
        shown = ".".join((*before, name))
        raise NotOfTheCopy(f"it uses {shown}, which the copy does not have")
    alias = table.alias or name
    table.meta.pop("quoted_table", None)  # written as one name: `project.dataset.table`
    for key, value in (("catalog", project), ("db", datasets[home]), ("this", name)):
        table.set(key, exp.to_identifier(value, quoted=True))
    table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))


def _of_a_row(table: exp.Table) -> bool:
    """Whether an array of a row is read like a table: ``FROM orders o, o.lines``."""
    select = table.find_ancestor(exp.Select)
    aliases = {t.alias.lower() for t in select.find_all(exp.Table) if t.alias} if select else set()
    return bool(table.db) and table.db.lower() in aliases
