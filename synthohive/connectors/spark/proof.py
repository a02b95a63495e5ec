"""What a database would refuse in DataFrames of any size, counted where their rows are.

A parent's keys and what refers to them are put below each other, marked as the one or the other,
and grouped by value: a group says how often the key is there, and how many rows refer to it. So one
shuffle of key values, without a join, tells orphans, repeated keys and how many children parents
have; equal values are counted before they are sent, and no side need fit anywhere.

All of it is said in SQL's expressions, which classic Spark and Spark Connect take alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Optional

import pyarrow as pa

from synthohive.connectors.spark.counting import as_made, selected
from synthohive.connectors.spark.names import quote
from synthohive.connectors.spark_sql.text import literal
from synthohive.io.base import FanOut, KeyCheck, Violation
from synthohive.schema import ForeignKey, Metadata, TableConfig

__all__ = ["DatabaseProof", "UniqueRows", "prove"]

Frames = Mapping[str, Any]
AT_ONCE = 16
"""Questions of one job: a plan of hundreds takes longer to make than they take to answer."""


@dataclass(frozen=True)
class UniqueRows:
    """Columns that never repeat together, beside those of :attr:`TableConfig.unique_sets`.

    Attributes
    ----------
    columns : tuple of str
        All that it looks at.
    label : str
        As it is named to users.
    nulls_distinct : bool
        Whether a row with a NULL repeats no other.
    values : callable, optional
        Makes of rows (an Arrow table of `columns`) those that may not repeat, as a table of texts.
        It is sent to the workers.
    parts : int
        How many columns `values` makes.
    """

    columns: tuple[str, ...]
    label: str
    nulls_distinct: bool = True
    values: Optional[Callable[[pa.Table], pa.Table]] = None
    parts: int = 0


@dataclass(frozen=True)
class DatabaseProof:
    """What was found.

    Attributes
    ----------
    rows : dict of str to int
        By table.
    keys : tuple of KeyCheck
        One for each foreign key.
    fan_outs : dict of str to FanOut
        By label of the key.
    violations : tuple of Violation
        What a database would refuse.
    """

    rows: dict[str, int]
    keys: tuple[KeyCheck, ...]
    fan_outs: dict[str, FanOut]
    violations: tuple[Violation, ...]


def prove(
    metadata: Metadata,
    frames: Frames,
    rules: Optional[Mapping[str, Sequence[UniqueRows]]] = None,
) -> DatabaseProof:
    """Count orphans, repeated keys, NULLs where there must be none, and children of parents.

    Parameters
    ----------
    metadata : Metadata
    frames : mapping of str to pyspark DataFrame
        All tables. Each is read several times, of few columns: better cached, or written.
    rules : mapping of str to sequence of UniqueRows, optional
        By table: what must not repeat beside its unique sets.

    Returns
    -------
    DatabaseProof
    """
    facts = _facts(metadata, frames)
    asked = _asked(metadata, frames, rules or {})
    met = _met(metadata, asked, frames)
    keys, fan_outs = [], {}
    for one, found in zip(asked, met):
        if one.key is not None:
            label, own = one.key.label(one.child), facts[one.child]
            fan_outs[label] = found.fan_out(own.incomplete[label])
            orphans = fan_outs[label].orphans
            keys.append(KeyCheck(one.child, one.key, own.rows, orphans, enforced=False))
    rows = {name: own.rows for name, own in facts.items()}
    violations = tuple(_violations(metadata, facts, asked, met))
    return DatabaseProof(rows, tuple(keys), fan_outs, violations)


@dataclass(frozen=True)
class _Facts:
    """A table's rows, those with a NULL where none may be, and those without a parent."""

    rows: int
    nulls: dict[str, int]
    incomplete: dict[str, int]


@dataclass(frozen=True)
class _Asked:
    """One question: what must not repeat in a table, what refers to that, or both at once."""

    table: str
    rule: Optional[UniqueRows] = None
    child: str = ""
    key: Optional[ForeignKey] = None


@dataclass(frozen=True)
class _Met:
    """How many values are there so often as a key, and are so often referred to."""

    groups: Counter[tuple[int, int]]

    @property
    def repeated(self) -> int:
        return sum((there - 1) * n for (there, _), n in self.groups.items() if there)

    @property
    def orphans(self) -> int:
        return sum(children * n for (there, children), n in self.groups.items() if not there)

    def fan_out(self, nulls: int) -> FanOut:
        histogram: Counter[int] = Counter()
        for (there, children), n in self.groups.items():
            if there:  # of keys that repeat, the children belong to each
                histogram[children] += there * n
        return FanOut(dict(sorted(histogram.items())), nulls, self.orphans)


def _asked(
    metadata: Metadata, frames: Frames, rules: Mapping[str, Sequence[UniqueRows]]
) -> list[_Asked]:
    """Return what to ask; of columns that a database will compute, which are not there, nothing."""
    there = {name: set(frames[name].columns) for name in metadata.tables}
    asked = [
        _Asked(key.parent, None, name, key)
        for name, key in metadata.foreign_keys()
        if there[name].issuperset(key.columns)
    ]
    for name, config in metadata.tables.items():
        plain = [UniqueRows(c, config.unique_label(c)) for c in config.unique_sets]
        for rule in (
            r for r in (*plain, *rules.get(name, ())) if there[name].issuperset(r.columns)
        ):
            at = next((i for i, one in enumerate(asked) if _answers(one, name, rule)), None)
            if at is None:
                asked.append(_Asked(name, rule))
            else:
                asked[at] = replace(asked[at], rule=rule)
    return asked


def _answers(asked: _Asked, table: str, rule: UniqueRows) -> bool:
    """Whether a question about a key tells, too, what of its parents repeats."""
    if asked.key is None or asked.rule is not None or asked.table != table:
        return False
    plain = rule.values is None and rule.nulls_distinct
    return plain and tuple(asked.key.parent_columns) == rule.columns


def _facts(metadata: Metadata, frames: Frames) -> dict[str, _Facts]:
    """Count each table's rows and NULLs, by one pass over it."""
    parts, named = [], list(metadata.tables)
    filled: dict[str, list[str]] = {}
    keyed: dict[str, dict[str, str]] = {}
    for number, name in enumerate(named):
        own, config = set(frames[name].columns), metadata.tables[name]
        filled[name] = [c for c, d in config.columns.items() if c in own and not d.nullable]
        keyed[name] = {
            key.label(name): f"NOT ({_referring(key)})"
            for key in config.foreign_keys
            if own.issuperset(key.columns)
        }
        tests = [*(f"{quote(c)} IS NULL" for c in filled[name]), *keyed[name].values()]
        counts = ", ".join(["count(1)", *(f"count_if({test})" for test in tests)])
        parts.append(frames[name].selectExpr(f"{number} AS number", f"array({counts}) AS n"))
    found = {}
    for row in _collected(parts):
        name, (rows, *nulls) = named[row["number"]], row["n"]
        ends = len(filled[name])
        missing, incomplete = nulls[:ends], nulls[ends:]
        found[name] = _Facts(
            rows, dict(zip(filled[name], missing)), dict(zip(keyed[name], incomplete))
        )
    return found


def _met(metadata: Metadata, asked: Sequence[_Asked], frames: Frames) -> list[_Met]:
    """Group the values of each question."""
    parts = []
    for number, one in enumerate(asked):
        if one.key is not None:
            values, width = _key_values(frames, one.child, one.key)
        else:
            assert one.rule is not None  # else there is nothing to ask
            values, width = _unique_values(frames[one.table], one.rule, metadata.tables[one.table])
        grouped = values.groupBy(*_numbered(width)).sum("there", "children")
        named = grouped.toDF(*_numbered(width), "there", "children")
        counted = named.groupBy("there", "children").count().toDF("there", "children", "n")
        parts.append(counted.selectExpr(f"{number} AS number", "there", "children", "n"))
    groups: dict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
    for row in _collected(parts):
        groups[row["number"]][row["there"], row["children"]] += row["n"]
    return [_Met(groups[number]) for number in range(len(asked))]


def _key_values(frames: Frames, table: str, key: ForeignKey) -> tuple[Any, int]:
    """Return what a key refers to and its own complete values, below each other."""
    sides = []
    there, children = ("1L AS there", "0L AS children"), ("0L AS there", "1L AS children")
    for frame, columns, where, marks in (
        (frames[key.parent], key.parent_columns, _complete(key.parent_columns), there),
        (frames[table], key.columns, _referring(key), children),
    ):
        values = [f"{quote(c)} AS {name}" for c, name in zip(columns, _numbered(len(columns)))]
        sides.append(frame.where(where).selectExpr(*values, *marks))
    return sides[0].unionAll(sides[1]), len(key.columns)


def _unique_values(frame: Any, rule: UniqueRows, config: TableConfig) -> tuple[Any, int]:
    """Return what must not repeat."""
    columns: Sequence[str] = rule.columns
    if rule.values is not None:
        names = _numbered(rule.parts)
        schema = pa.schema([(c, config.columns[c].arrow_type) for c in columns])
        made = _Values(rule.values, schema)
        texts = ", ".join(f"{n} string" for n in names)
        frame = selected(frame, schema).mapInArrow(made, texts)
        columns = names
    if rule.nulls_distinct:
        frame = frame.where(_complete(columns))
    values = [f"{quote(c)} AS {name}" for c, name in zip(columns, _numbered(len(columns)))]
    return frame.selectExpr(*values, "1L AS there", "0L AS children"), len(columns)


@dataclass(frozen=True)
class _Values:
    """Makes the values of a rule, in a worker."""

    values: Callable[[pa.Table], pa.Table]
    schema: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            made = self.values(as_made(batch, self.schema))
            yield from made.rename_columns(_numbered(made.num_columns)).to_batches()


def _violations(
    metadata: Metadata,
    facts: Mapping[str, _Facts],
    asked: Sequence[_Asked],
    met: Sequence[_Met],
) -> Iterator[Violation]:
    """Yield what was found, table by table, in the order of :func:`violations` of one machine."""
    for name in metadata.tables:
        for column, rows in facts[name].nulls.items():
            if rows:
                yield Violation(name, f"NOT NULL ({column})", rows)
        for one, found in zip(asked, met):
            if one.table == name and one.rule is not None and found.repeated:
                yield Violation(name, one.rule.label, found.repeated)
        for one, found in zip(asked, met):
            if one.child == name and one.key is not None and found.orphans:
                yield Violation(name, one.key.label(name), found.orphans)


def _collected(parts: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of small DataFrames of one form, a few DataFrames in each job."""
    for start in range(0, len(parts), AT_ONCE):
        yield from _below(parts[start : start + AT_ONCE]).toArrow().to_pylist()


def _below(frames: Sequence[Any]) -> Any:
    return reduce(lambda above, rest: above.unionAll(rest), frames)


def _complete(columns: Sequence[str]) -> str:
    return " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)


def _referring(key: ForeignKey) -> str:
    """Return the condition of rows that have a parent: neither NULL nor what stands for none."""
    none = key.no_parent
    value = literal(none) if isinstance(none, str) else str(none)
    other = "" if none is None else f" AND {quote(key.columns[0])} <> {value}"
    return f"{_complete(key.columns)}{other}"


def _numbered(count: int) -> list[str]:
    return [f"k{number}" for number in range(count)]
