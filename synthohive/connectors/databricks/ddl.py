"""The DDL of a copy, from each table's own CREATE TABLE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from synthohive.connectors.databricks.spelling import SPELLING
from synthohive.connectors.spark_sql.text import literal, quote
from synthohive.ddl.statements import SchemaDdl, Statement, comment_on, keys_of, label, parenthesis
from synthohive.schema import Column, Metadata, TableConfig

__all__ = ["Made", "clone", "table_sql", "taken_apart"]

_NAME = re.compile(r"\s*(?:`((?:[^`]|``)+)`|(\w+))\s+(.*)", re.DOTALL)
_IDENTITY = re.compile(
    r"GENERATED\s+(ALWAYS|BY\s+DEFAULT)\s+AS\s+IDENTITY\s*"
    r"(?:\(\s*START\s+WITH\s+(-?\d+)\s+INCREMENT\s+BY\s+(-?\d+)\s*\))?",
    re.IGNORECASE,
)
_COMPUTED = re.compile(r"GENERATED\s+ALWAYS\s+AS\s*(?=\()", re.IGNORECASE)
_LAID_OUT = re.compile(r"\b(PARTITIONED|CLUSTER)\s+BY\s*(?=\(|AUTO\b|NONE\b)", re.IGNORECASE)
_PROPERTY = re.compile(r"'((?:[^'\\]|\\.)*)'\s*=\s*'((?:[^'\\]|\\.)*)'", re.DOTALL)
_CHECK = "delta.constraints."
_KEPT = re.compile(r"delta\.(?:feature\.(?:allowColumnDefaults|generatedColumns|identityColumns|"
                   r"variantType\w*|timestampNtz|columnMapping)|columnMapping\.mode)")  # fmt: skip
_NESTED = re.compile(r"\s*(?:\w+)?\s+(?:ARRAY|MAP|STRUCT)\s*<", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`]|``)*`", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Made:
    """A table's CREATE TABLE, taken apart.

    Attributes
    ----------
    columns : dict of str to str
        What stands behind each column's name.
    counters : dict of str to dict
        Start, step and whether always, of columns that the database counts.
    computed, checks : dict of str to str
        Expressions by the name of the column, or of the constraint.
    layout : str
        Its PARTITIONED BY, or CLUSTER BY.
    properties : dict of str to str
        Those that a copy needs.
    """

    columns: dict[str, str] = field(default_factory=dict)
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    layout: str = ""
    properties: dict[str, str] = field(default_factory=dict)


def taken_apart(sql: str) -> Made:
    r"""Take a CREATE TABLE apart, as SHOW CREATE TABLE prints it.

    Examples
    --------
    >>> made = taken_apart(
    ...     "CREATE TABLE c.s.t (\n  id BIGINT NOT NULL,\n  `a b` INT COMMENT 'x, y')\n"
    ...     "USING delta\nCLUSTER BY (id)\nTBLPROPERTIES (\n"
    ...     "  'delta.constraints.positive' = 'id > 0')")
    >>> made.columns
    {'id': 'BIGINT NOT NULL', 'a b': "INT COMMENT 'x, y'"}
    >>> made.checks, made.layout
    ({'positive': 'id > 0'}, 'CLUSTER BY (id)')
    """
    parts, rest = parenthesis(sql, backslashes=True)
    found = Made()
    for part in _whole(parts):
        named = _NAME.fullmatch(part)
        if named is None or (named[2] or "").upper() == "CONSTRAINT":
            continue
        name = named[1].replace("``", "`") if named[1] else named[2]
        found.columns[name] = named[3]
        if (counted := _IDENTITY.search(named[3])) is not None:
            found.counters[name] = {
                "start": int(counted[2] or 1),
                "increment": int(counted[3] or 1),
                "always": counted[1].upper() == "ALWAYS",
            }
        elif (computed := _COMPUTED.search(named[3])) is not None:
            inner, _ = parenthesis(named[3][computed.end() :], backslashes=True)
            found.computed[name] = ", ".join(inner)
    before, _, after = rest.partition("TBLPROPERTIES")
    laid_out = _LAID_OUT.search(before)
    layout = ""
    if laid_out is not None:
        columns, _ = parenthesis(before[laid_out.end() :], backslashes=True)
        listed = f"({', '.join(columns)})" if columns else before[laid_out.end() :].split()[0]
        layout = f"{laid_out[1].upper()} BY {listed}"
    for key, value in _PROPERTY.findall(after):
        plain = _ESCAPE.sub(r"\1", value)
        if key.startswith(_CHECK):
            found.checks[key.removeprefix(_CHECK)] = plain
        elif _KEPT.fullmatch(key):
            found.properties[key] = plain
    return Made(found.columns, found.counters, found.computed, found.checks, layout,
                found.properties)  # fmt: skip


def _whole(parts: Sequence[str]) -> Iterator[str]:
    """Join what was cut at a comma inside the angle brackets of a nested type."""
    held = ""
    for part in parts:
        held = f"{held}, {part}" if held else part
        bare = _QUOTED.sub("", held)
        if _NESTED.match(bare) is None or bare.count("<") <= bare.count(">"):
            yield held
            held = ""
    if held:
        yield held


def clone(metadata: Metadata, made: Mapping[str, Made]) -> Optional[SchemaDdl]:
    """Return the tables' DDL; None where the description has other columns.

    Parameters
    ----------
    metadata : Metadata
    made : dict of str to Made
    """
    tables: dict[str, tuple[Statement, ...]] = {}
    after: list[Statement] = []
    keys: list[Statement] = []
    counters: list[Statement] = []
    for name, config in metadata.tables.items():
        own = made[name]
        if set(own.columns) != set(config.columns):
            return None
        tables[name] = (Statement(table_sql(config, own), name, f"table {name!r}"),)
        for check, sql in own.checks.items():
            alter = f"ALTER TABLE {quote(name)} ADD CONSTRAINT {quote(check)} CHECK ({sql})"
            after.append(Statement(alter, name, label("check constraint", check)))
        primary, foreign = keys_of(config, SPELLING)
        after += primary
        keys += foreign
        if config.comment:
            after.append(comment_on(f"TABLE {quote(name)}", config.comment, name, literal))
        for counted in own.counters:
            sql = str(SPELLING.advance(name, config.columns[counted]))
            counters.append(Statement(sql, name, f"counter of {name}.{counted}"))
    return SchemaDdl(tables, after=tuple(after), keys=tuple(keys), counters=tuple(counters))


def table_sql(config: TableConfig, made: Made) -> str:
    """Return the CREATE TABLE of one table, with all but its constraints and comment.

    Parameters
    ----------
    config : TableConfig
    made : Made
        Of the source.
    """

    def written(column: Column, text: str) -> str:
        if column.name in made.counters:  # also those of ALWAYS take the rows that are there
            text = _IDENTITY.sub(SPELLING.counter(config.name, column, sole_key=False), text)
        return f"{quote(column.name)} {text}"

    body = ",\n  ".join(written(config.columns[n], text) for n, text in made.columns.items())
    listed = ", ".join(f"{literal(k)} = {literal(v)}" for k, v in made.properties.items())
    end = f"\n{made.layout}" if made.layout else ""
    end += f"\nTBLPROPERTIES ({listed})" if listed else ""
    return f"CREATE TABLE {quote(config.name)} (\n  {body}\n)\nUSING DELTA{end}"
