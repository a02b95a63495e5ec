"""The paths over keys from a table's rows to persons, accounts and organisations.

An entity is not "a row of the driving root": an order belongs to the customer, the
employee and the store that it refers to, whichever key drives it. Each key, declared or
not, to each table that may hold entities is a path; the least count of all decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.exceptions import SchemaError, did_you_mean
from synthohive.learn.hidden_entities import hidden_entities, name_pairs
from synthohive.learn.repeated_keys import are_keys
from synthohive.privacy.entities import Entities, EntityPath
from synthohive.privacy.kinds import NAMES, PiiFinding, PiiKind
from synthohive.privacy.labels import may_be_key
from synthohive.privacy.subjects import (
    is_about_persons,
    is_about_things,
    is_key_name,
    words_of,
)
from synthohive.schema import ForeignKey, Metadata, PrivacyConfig
from synthohive.tables.base import gather
from synthohive.tables.joins import distinct_pairs, group_codes
from synthohive.tables.nulls import any_blank
from synthohive.tables.sample import Sample

__all__ = ["IDENTIFYING", "EntityFinder", "check_entities"]

log = get_logger(__name__)
Named = tuple[str, IntArray, bool]
"""A path's name, each row's entity, and whether `k` of them are needed in any case."""

# A repeated value of these is one person, though there is no table of persons.
IDENTIFYING = frozenset(
    {
        PiiKind.EMAIL, PiiKind.PHONE, PiiKind.NAME, PiiKind.SSN, PiiKind.IBAN, PiiKind.NATIONAL_ID,
        PiiKind.CREDIT_CARD, PiiKind.USER_NAME, PiiKind.IP, PiiKind.MAC, PiiKind.ADDRESS,
        PiiKind.COMPANY,
    }
)  # fmt: skip
# What tells that a table holds persons, not organisations.
_PERSONAL = NAMES | {PiiKind.SSN}
_LEAST_DISTINCT = 10
"""Different texts that all occur in a key are no chance."""


@dataclass
class EntityFinder:
    """Finds the entities behind the rows of each table of a sample.

    Attributes
    ----------
    sample : Sample
    privacy : PrivacyConfig
        Its `entities` say which tables and columns count; else all that may.
    findings : sequence of PiiFinding
        The columns with personal data.
    kept : set of str
        Look-up tables that are kept: their rows are no entities.
    """

    sample: Sample
    privacy: PrivacyConfig
    findings: Sequence[PiiFinding] = ()
    kept: set[str] = field(default_factory=set)
    _found: dict[tuple[str, frozenset[str]], Entities] = field(default_factory=dict, repr=False)
    _named: dict[tuple[str, frozenset[str]], list[Named]] = field(default_factory=dict, repr=False)
    _guessed: dict[str, list[ForeignKey]] = field(default_factory=dict, repr=False)
    _found_hidden: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _sorted: dict[str, dict[str, PiiKind]] = field(default_factory=dict, repr=False)
    _counted: int = field(default=-1, repr=False)

    def of(self, table: str) -> Entities:
        """Return the entities behind the rows of `table`."""
        rows, found = self.sample.size(table), self.around(table)
        return found if len(found) == rows else found.take(np.arange(rows))

    def around(self, table: str, without: frozenset[str] = frozenset()) -> Entities:
        """Return the entities behind the rows of `table`, and those that others refer to.

        Parameters
        ----------
        without : frozenset of str
            Tables that are not to count, beside those that are kept.
        """
        key = table, without | self.kept
        if key not in self._found:
            rows = len(self._closed.tables[table])
            paths = [self._path(*named) for named in self._above(table, key[1])]
            if not paths and self._is_used(table):
                paths = [self._path(*named) for named in self._through_users(table, key[1])]
            self._found[key] = Entities.of(rows, paths)
        return self._found[key]

    def users(self, table: str, without: frozenset[str] = frozenset()) -> IntArray:
        """Return for each row of `table` how many entities use it, over every path.

        What refers to it over several keys counts by the one over which most do. The paths
        that end at `table` itself, or go through it, do not count.
        """
        most = np.zeros(len(self._closed.tables[table]), dtype=np.int64)
        for child, key in self.sample.metadata.foreign_keys():
            if key.parent != table or child == table:
                continue
            rows = self._closed.parent_rows(child, key)
            # Without the table itself: a row would count as its own user.
            entities = self.around(child, without | {table})
            most = np.maximum(most, entities.holders(rows, len(most)))
        return most[: self.sample.size(table)]

    def may_be(self, table: str) -> bool:
        """Whether the rows of a table may be entities, as far as is known by now."""
        return self._may_be(table, frozenset(self.kept))

    def may_be_key(self, table: str, column: str) -> bool:
        """Whether a column is called like a key to persons, or to anything but a few labels."""
        base = self.sample.base(table)  # few clubs would make two leagues many
        if column not in self._closed.tables[base].column_names:
            return False  # a level, which is of the table within alone
        values = self._closed.tables[base].column(column)
        keys = self.sample.metadata.tables[base].foreign_keys
        own = (key.parent for key in keys if key.parent not in (base, *self.sample.inside))
        owned = any(map(self.may_be, own))
        return _is_key_type(values.type) and may_be_key(column, values, owned=owned)

    def report(self, table: str) -> None:
        """Log over which paths the entities of a table are counted, and which are guessed."""
        for key in self.undeclared(table):
            if self._follows(table, key):
                continue
            log.warning(
                "undeclared_key", key=key.label(table),
                effect="its parents are counted as entities, but no reference is kept; declare it "
                "with metadata.table(...).foreign_keys.append(ForeignKey(...))",
            )  # fmt: skip
        entities, k = self.of(table), self.privacy.k_anonymity_threshold
        if not entities.paths:
            return
        names = {path.name: path.size for path in entities.paths}
        log.info("entities_counted", table=table, paths=names)
        few = {path.name: path.size for path in entities.paths if path.size < k}
        if few:
            log.warning(
                "few_entities", table=table, paths=few, threshold=k,
                effect="values that not all of them share are not shown; "
                "PrivacyConfig(entities=[...]) tells which tables and columns hold entities",
            )  # fmt: skip

    @property
    def _closed(self) -> Sample:
        """The rows by which entities are counted: those that refer to one have it there."""
        return self.sample.around

    def _path(self, name: str, codes: IntArray, strict: bool) -> EntityPath:
        return EntityPath.of(name, codes, self.privacy.k_anonymity_threshold, strict=strict)

    def _above(self, table: str, without: frozenset[str]) -> list[Named]:
        """Return the entities of each row over all paths; those that merge others only."""
        if (table, without) in self._named:
            return self._named[table, without]
        # Those that merge most rows first: what a kept one merges can never be the least count.
        found = [*self._over_keys(table, without), *self._in_columns(table)]
        kept: list[tuple[EntityPath, Named]] = []
        for named in sorted(found, key=lambda n: len(np.unique(n[1]))):
            path = self._path(*named)
            if not any(other.merges(path) for other, _ in kept):
                kept.append((path, named))
        self._named[table, without] = [named for _, named in kept]
        return self._named[table, without]

    def _over_keys(self, table: str, without: frozenset[str]) -> Iterator[Named]:
        rows, order = self._closed.tables[table], self.sample.plan.order
        for key in [*self.sample.metadata.tables[table].foreign_keys, *self.undeclared(table)]:
            if key.parent in without:
                continue
            label = key.label(table)
            if self._may_be(key.parent, without):
                codes = group_codes([rows], [key.columns])[0]
                personal = _PERSONAL & set(self._kinds(key.parent).values())
                alone = codes.max(initial=-1) == 0 and key.parent != table
                yield label, codes, bool(personal and alone)
            if order.index(key.parent) < order.index(table):
                parents = self._closed.parent_rows(table, key)
                for name, above, strict in self._above(key.parent, without):
                    yield f"{label}, {name}", gather(above, parents), strict

    def _is_used(self, table: str) -> bool:
        """Whether rows that refer to nobody are not persons themselves, but what these use."""
        named = self.privacy.entities is not None and table in self.privacy.entities
        return not (named or self._holds_persons(table))

    def _through_users(self, table: str, without: frozenset[str]) -> Iterator[Named]:
        """Yield who uses the rows of a table, like the patients who had a treatment.

        A row that fewer than `k` use, and not all where there are fewer, counts as one of them,
        so that six treatments of one patient are not six, and rows never as more than their
        users; any other row is one that many share, and counts as itself.
        """
        size, k = len(self._closed.tables[table]), self.privacy.k_anonymity_threshold
        seen = without - self.kept  # tables that refer to one another in a circle
        for child, key in self.sample.metadata.foreign_keys():
            if key.parent != table or child == table or child in seen:
                continue
            rows = self._closed.parent_rows(child, key)
            for path in self.around(child, without | {table}).paths:
                pairs = distinct_pairs(rows, path.codes)
                users = np.bincount(pairs[0], minlength=size)
                codes = path.size + np.arange(size, dtype=np.int64)
                first = np.flatnonzero(np.diff(pairs[0], prepend=-1))  # sorted: a row's first user
                enough = min(k, max(path.size, 2))  # all of two stores, but not of one patient
                few = first[users[pairs[0][first]] < enough]
                row = pairs[0][few]
                # one of its users, by the row's number: the first would stand for too many rows
                codes[row] = pairs[1][few + row % users[row]]
                yield f"{key.label(child)} of {path.name}", codes, False

    def _may_be(self, table: str, without: frozenset[str]) -> bool:
        """Whether the rows of a table may be entities."""
        config = self.sample.metadata.tables[table]
        if table in without or config.reference:
            return False
        if self.privacy.entities is not None:
            within = self.sample.inside.get(table)
            place = table if within is None else f"{within}.{'+'.join(config.pk)}"
            return place in self.privacy.entities
        return bool(self._kinds(table)) or not is_about_things(config.own_name)

    def _in_columns(self, table: str) -> Iterator[Named]:
        """Yield the columns that name an entity without a key: repeated ids, e-mails."""
        rows, config = self._closed.tables[table], self.sample.metadata.tables[table]
        keys = [set(k.columns) for k in [*config.foreign_keys, *self.undeclared(table)]]
        named = self.privacy.entities
        if named is not None:
            names = [c for c in rows.column_names if f"{table}.{c}" in named]
        else:
            names = [c for c, kind in self._kinds(table).items() if kind in IDENTIFYING]
            may = (c for c in rows.column_names if [c] != config.pk)
            names += [c for c in may if self.may_be_key(table, c)]
            names += self._numbered_within(table)
            names += self._hidden(table, {*names, *(c for key in keys for c in key)})
        groups: list[tuple[str, ...]] = [(n,) for n in names]
        # First and last names together are one person, table of persons or not.
        groups += [] if named is not None else name_pairs(self._kinds(table))
        plain = {n for n in rows.column_names if _is_key_type(rows.schema.field(n).type)}
        for group in dict.fromkeys(g for g in groups if set(g) <= plain and set(g) not in keys):
            codes = group_codes([rows], [group])[0]
            codes[np.all([any_blank(rows.column(name)) for name in group], axis=0)] = -1  # nobody
            if codes.max(initial=-1) > 0:
                yield f"{table}.{'+'.join(group)}", codes, False

    def _kinds(self, table: str) -> dict[str, PiiKind]:
        if self._counted != len(self.findings):  # more are found by and by
            self._counted, self._sorted = len(self.findings), {}
            for finding in self.findings:
                self._sorted.setdefault(finding.table, {})[finding.column] = finding.kind
        return self._sorted.get(table, {})

    @cached_property
    def _parents(self) -> dict[str, list[_Parent]]:
        """The tables with a key of one column, by the family of its type."""
        found: dict[str, list[_Parent]] = {}
        for name, config in self.sample.metadata.tables.items():
            rows = self._closed.tables[name]
            if name in self.sample.inside or len(config.pk) != 1 or not len(rows):
                continue
            if config.pk[0] not in rows.column_names:  # a report takes what rows it is given
                continue
            keys = rows.column(config.pk[0])
            parent = _Parent(name, config.pk[0], keys, "".join(words_of(config.own_name)))
            found.setdefault(_family(keys.type), []).append(parent)
        return found

    def _hidden(self, table: str, known: set[str]) -> list[str]:
        """Return columns that stand for someone by what they hold."""
        if table not in self._found_hidden:
            rows = self._closed.tables[table]
            passed = {*known, *self._kinds(table), *self.sample.metadata.tables[table].pk}
            self._found_hidden[table] = hidden_entities(rows, passed)
        return self._found_hidden[table]

    def _numbered_within(self, table: str) -> list[str]:
        """Return the part of a composite key within which the other parts only number rows.

        It is the part with most values: the patient of (patient, visit number), whatever it is
        called, and though there is no table of patients.
        """
        parts = self.sample.metadata.tables[table].pk
        if len(parts) < 2 or table in self.sample.inside:  # a first and a last name
            return []
        rows = self._closed.tables[table]
        leading = max(parts, key=lambda name: pc.count_distinct(rows.column(name)).as_py())
        return [] if is_about_things(leading) else [leading]

    def _follows(self, table: str, key: ForeignKey) -> bool:
        """Whether declared keys lead to the same parents: over a composite one to its parts'."""
        tables = self.sample.metadata.tables
        for step in tables[table].foreign_keys:
            above = dict(zip(step.columns, step.parent_columns))
            if all(column in above for column in key.columns):
                then = [above[column] for column in key.columns]
                if any(
                    (other.columns, other.parent, other.parent_columns)
                    == (then, key.parent, key.parent_columns)
                    for other in tables[step.parent].foreign_keys
                ):
                    return True
        return False

    def undeclared(self, table: str) -> list[ForeignKey]:
        """Return the keys that are not declared, but that names and values tell of."""
        if self.privacy.entities is not None:
            return []
        if table in self._guessed:
            return self._guessed[table]
        config, rows = self.sample.metadata.tables[table], self._closed.tables[table]
        declared = {tuple(key.columns) for key in config.foreign_keys}
        found = []
        for name in rows.column_names:
            if (name,) in declared or [name] == config.pk:
                continue
            target = self._target(table, name)
            if target is not None:
                parent, key = target
                found.append(ForeignKey(columns=[name], parent=parent, parent_columns=[key]))
        self._guessed[table] = found
        return found

    def _holds_persons(self, table: str) -> bool:
        named = _PERSONAL & set(self._kinds(table).values())
        return bool(named) or is_about_persons(self.sample.metadata.tables[table].own_name)

    def _target(self, table: str, column: str) -> Optional[tuple[str, str]]:
        """Return the table and key whose values a column repeats."""
        values = self._closed.tables[table].column(column)
        if not _is_key_type(values.type) or values.null_count == len(values):
            return None
        words, is_key = "".join(words_of(column)), is_key_name(column)
        family, may_be = _family(values.type), not is_about_things(column)
        for parent in self._parents.get(family, ()):
            if parent.table == table:
                continue
            alike = parent.is_named_in(words, is_key)
            if alike or family != "number":
                found = _is_within(values, parent.keys, 1 if alike else _LEAST_DISTINCT)
            else:
                found = (
                    may_be and self._holds_persons(parent.table) and are_keys(values, parent.keys)
                )
            if found:
                return parent.table, parent.column
        return None


@dataclass(frozen=True)
class _Parent:
    """A table that a column may refer to, whose keys all have one column."""

    table: str
    column: str
    keys: pa.ChunkedArray
    words: str

    @cached_property
    def _stem(self) -> str:
        stem = self.words.rstrip("s")
        return stem[:-2] + "y" if stem.endswith("ie") else stem

    def is_named_in(self, words: str, is_key: bool) -> bool:
        """Tell whether a column is called like it, as ``customer_id`` or ``customer`` is."""
        return (is_key and len(self._stem) > 2 and self._stem in words) or words == self._stem


def check_entities(metadata: Metadata, privacy: PrivacyConfig) -> None:
    """Refuse entities that are no tables and no columns.

    Raises
    ------
    SchemaError
    """
    for name in privacy.entities or ():
        table, _, column = name.rpartition(".")
        if name in metadata.tables:
            continue
        config = metadata.tables.get(table)
        if config is None:
            raise SchemaError(
                f"PrivacyConfig.entities names {name!r}, which is no table.",
                hint=did_you_mean(table or name, metadata.tables),
            )
        if config.columns and column not in config.columns:
            raise SchemaError(
                f"PrivacyConfig.entities names {name!r}, but {table!r} has no such column.",
                hint=did_you_mean(column, config.columns),
            )


def _family(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    return "text" if pa.types.is_string(type_) or pa.types.is_large_string(type_) else str(type_)


def _is_key_type(type_: pa.DataType) -> bool:
    tests = (
        pa.types.is_temporal, pa.types.is_boolean, pa.types.is_nested, pa.types.is_null,
        pa.types.is_float16,
    )  # fmt: skip
    return not any(test(type_) for test in tests)


def _is_within(values: pa.ChunkedArray, keys: pa.ChunkedArray, least: int) -> bool:
    """Tell whether all values, of which there are enough, are keys."""
    distinct = pc.unique(values.drop_null())
    if len(distinct) < least:
        return False
    try:
        distinct = distinct.cast(keys.type)
    except pa.ArrowInvalid:  # fractions, or texts that are no such keys
        return False
    return bool(pc.all(pc.is_in(distinct, value_set=keys.combine_chunks())).as_py())
