"""What engines that cannot run here refuse, read off the parsed statement.

Each rule has the engines that it is of, its reason and where they document it. The rules look at
what the statement means: columns are resolved and typed first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

__all__ = ["ENGINES", "refused"]

ENGINES = ("bigquery", "snowflake", "redshift", "databricks")
_TEMPORAL = {
    "bigquery": "DATETIME",
    "snowflake": "TIMESTAMP_NTZ",
    "redshift": "TIMESTAMP",
    "databricks": "TIMESTAMP_NTZ",
}
_FLOATS = (exp.DataType.Type.FLOAT, exp.DataType.Type.DOUBLE)
_MOMENTS = {*exp.DataType.TEMPORAL_TYPES}
_FUNCTIONS = "abs avg ceil coalesce concat count floor greatest least ln lower max md5 " \
    "min mod nullif percent_rank row_number sqrt stddev sum exists over partition in and as from " \
    "on sets by then cast"  # fmt: skip
_OWN_FUNCTIONS = {
    "bigquery": "is_nan timestamp_diff to_hex to_json_string unix_date unix_micros",
    "snowflake": "date_part datediff",
    "redshift": "datediff",
    "databricks": "isnan unix_micros",
}
_TYPES = {
    "bigquery": {"float64", "int64", "string", "timestamp"},
    "snowflake": {"double precision", "bigint", "varchar"},
    "redshift": {"double precision", "bigint", "varchar"},
    "databricks": {"double", "bigint", "string", "timestamp"},
}
# https://docs.snowflake.com/en/sql-reference/reserved-keywords; the other lists are sqlglot's.
_SNOWFLAKE = """account all alter and any as between by case cast check column connect connection
constraint create cross current database delete distinct drop else exists false following for from
full grant group gscluster having ilike in increment inner insert intersect into is issue join
lateral left like localtime localtimestamp minus natural not null of on or order organization
qualify regexp revoke right rlike row rows sample schema select set some start table tablesample
then to trigger true try_cast union unique update using values view when whenever where with"""


@dataclass(frozen=True)
class Rule:
    """What some engines refuse, and why."""

    broken: Callable[[Statement], Iterator[str]]
    engines: tuple[str, ...]
    reason: str


class Statement:
    """A statement in an engine's dialect, its columns resolved and typed."""

    def __init__(self, sql: str, engine: str, columns: dict[str, str]) -> None:
        self.sql, self.engine = sql, engine
        (parsed,) = sqlglot.parse(sql, dialect=engine, error_level=sqlglot.ErrorLevel.RAISE)
        assert parsed is not None
        self.parsed = parsed.copy()
        names = {table.name for table in parsed.find_all(exp.Table)}
        typed = {k: _TEMPORAL[engine] if v == "moment" else v for k, v in columns.items()}
        schema: dict[str, object] = dict.fromkeys(names, typed)
        resolved = qualify(
            parsed,
            schema=schema,
            dialect=engine,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
        self.tree = annotate_types(resolved, schema=schema, dialect=engine)


def refused(sql: str, engine: str, columns: dict[str, str]) -> list[str]:
    """Return what an engine would refuse in a statement over tables of these columns.

    Parameters
    ----------
    sql : str
        One statement.
    engine : str
        One of `ENGINES`.
    columns : dict of str
        The type of each column of each table; ``moment`` stands for the engine's timestamp
        without time zone.
    """
    statement = Statement(sql, engine, columns)
    return [
        f"{found}: {rule.reason}"
        for rule in RULES
        if engine in rule.engines
        for found in rule.broken(statement)
    ]


def _float_partitions(statement: Statement) -> Iterator[str]:
    for window in statement.tree.find_all(exp.Window):
        for key in window.args.get("partition_by") or ():
            if key.is_type(*_FLOATS):
                yield window.sql()


def _open_frames(statement: Statement) -> Iterator[str]:
    for window in statement.tree.find_all(exp.Window):
        ordered, frame = window.args.get("order"), window.args.get("spec")
        aggregate = isinstance(window.this, exp.AggFunc) and not isinstance(
            window.this, exp.PercentRank
        )
        if ordered and aggregate and frame is None:
            yield window.sql()


def _outer_joins(statement: Statement) -> Iterator[str]:
    for join in statement.tree.find_all(exp.Join):
        if join.side and not any(_of_both_sides(e, join) for e in _conjuncts(join.args.get("on"))):
            yield join.sql()


def _of_both_sides(condition: exp.Expression, join: exp.Join) -> bool:
    if not isinstance(condition, exp.EQ):
        return False
    right = join.this.alias_or_name
    sides = [
        {c.table for c in part.find_all(exp.Column)} for part in (condition.left, condition.right)
    ]
    return sorted(side == {right} for side in sides) == [False, True] and all(sides)


def _conjuncts(condition: Any) -> Iterator[exp.Expression]:
    if isinstance(condition, (exp.And, exp.Paren)):
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition.this]:
            yield from _conjuncts(part)
    elif condition is not None:
        yield condition


def _correlations(statement: Statement) -> Iterator[str]:
    """Yield correlated subqueries that are no EXISTS by an equality with the block around them."""
    for scope in traverse_scope(statement.tree):
        if not scope.is_correlated_subquery:
            continue
        outer = scope.external_columns
        place = scope.expression.find_ancestor(exp.Where, exp.Join, exp.Select)
        equal = any(
            isinstance(part, exp.EQ) and any(c in outer for c in part.find_all(exp.Column))
            for part in _conjuncts(_where(scope))
        )
        near = all(c.table in scope.parent.sources for c in outer) if scope.parent else False
        exists = isinstance(scope.expression.parent, exp.Exists)
        if not (exists and equal and near and isinstance(place, exp.Where)):
            yield scope.expression.sql()


def _where(scope: Scope) -> exp.Expression | None:
    found = scope.expression.args.get("where")
    return found.this if found else None


def _reserved_names(statement: Statement) -> Iterator[str]:
    generator = sqlglot.Dialect.get_or_raise(statement.engine).generator_class
    words = (
        set(_SNOWFLAKE.split()) if statement.engine == "snowflake" else generator.RESERVED_KEYWORDS
    )
    for alias in statement.parsed.find_all(exp.Alias, exp.TableAlias, exp.CTE):
        name = alias.args.get("alias")
        name = name.this if isinstance(name, exp.TableAlias) else name
        if isinstance(name, exp.Identifier) and not name.quoted and name.name.lower() in words:
            yield name.name


def _casts_of_moments(statement: Statement) -> Iterator[str]:
    for cast in statement.tree.find_all(exp.Cast):
        number = cast.to.this in exp.DataType.NUMERIC_TYPES
        allowed = statement.engine == "databricks" and cast.this.is_type("timestamptz", "timestamp")
        if number and cast.this.type and cast.this.type.this in _MOMENTS and not allowed:
            yield cast.sql()


def _epochs(statement: Statement) -> Iterator[str]:
    for part in statement.tree.find_all(exp.Extract):
        if part.name.lower() == "epoch":
            yield part.sql()


def _unknown_words(statement: Statement) -> Iterator[str]:
    known = {*_FUNCTIONS.split(), *_OWN_FUNCTIONS[statement.engine].split()}
    for name in set(re.findall(r"\b([a-z_0-9]+)\(", statement.sql.lower())) - known:
        yield f"{name}()"
    for name in set(re.findall(r"\bas ([a-z][a-z0-9]*(?: [a-z]+)?)\)", statement.sql.lower())):
        if name not in _TYPES[statement.engine] and "cast(" in statement.sql.lower():
            yield f"cast as {name}"


def _short_calls(statement: Statement) -> Iterator[str]:
    for call in statement.parsed.find_all(exp.Coalesce, exp.Greatest, exp.Least):
        if not call.expressions:
            yield call.sql()


RULES = (
    Rule(_float_partitions, ("bigquery",),
         "PARTITION BY takes no floating point (standard-sql/data-types#groupable_data_types)"),
    Rule(_open_frames, ("redshift",),
         "an aggregate with ORDER BY needs a frame (dg/r_Window_function_synopsis)"),
    Rule(_outer_joins, ENGINES,
         "an outer join needs an equality of both sides: BigQuery refuses others, Redshift a FULL "
         "JOIN that is neither hash nor merge (dg/r_FROM_clause30)"),
    Rule(_correlations, ENGINES,
         "a correlated subquery must be one that can be made a join: EXISTS in WHERE, by equality, "
         "of the block around it (Redshift: dg/r_correlated_subqueries; Snowflake: "
         "user-guide/querying-subqueries)"),
    Rule(_reserved_names, ENGINES, "a reserved word is no name"),
    Rule(_casts_of_moments, ENGINES,
         "no cast leads from a date or timestamp without time zone to a number"),
    Rule(_epochs, ("redshift",),
         "EXTRACT of a TIMESTAMP is an INTEGER: microseconds are lost (dg/r_EXTRACT_function)"),
    Rule(_unknown_words, ENGINES, "not a function or type of the engine that is used elsewhere"),
    Rule(_short_calls, ENGINES, "Snowflake's COALESCE takes two arguments or more"),
)  # fmt: skip
