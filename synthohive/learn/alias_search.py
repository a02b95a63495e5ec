"""Which columns repeat personal ones: searched over keys, and among values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.derive.composed import Case, Part, is_text, mark, marked, renumbered
from synthohive.derive.persons.alias import (
    DOMAINS,
    Alias,
    Path,
    Texts,
    normal,
    path_rows,
    paths,
    texts_of,
)
from synthohive.derive.persons.namesake import Namesake
from synthohive.learn.entity_paths import EntityFinder
from synthohive.privacy.columns import persons_of
from synthohive.privacy.kinds import NAMES, PiiFinding, PiiKind, cleared_columns
from synthohive.privacy.styles import local_styles, own_rows
from synthohive.schema import ForeignKey, PrivacyConfig
from synthohive.tables.ancestors import with_column
from synthohive.tables.sample import Sample

__all__ = ["AliasFinder"]

log = get_logger(__name__)

NEAR = 0.5
"""Share of rows that must hold a copy; in the others something else stands."""
CHANCE = 0.5
"""Copies among rows that do not belong together, as a share of those that do, at most."""
CONTAINED = 0.9
"""Share of a column's distinct values that are values of a personal one."""
NAMING = 0.8
"""Share of rows with a value of their own in a column that names them."""
LEAST_ROWS = 10
LEAST_VALUES = 5
"""Rows, or different values, of which fewer are alike by chance."""
LEAST_TEXT = 2
LONGEST_PART = 40
"""Characters of a part that is looked for, at least, and of what is made of names, at most."""
LEAST_DIGITS = 6
"""Of a whole number that may be somebody's: shorter ones repeat by chance."""
ROWS = 1_000
FEW = 60
"""Rows that are compared, and of these, those compared first: most candidates fail there."""
_CASES: tuple[Case, ...] = ("", "lower", "upper")
_MADE_OF_NAMES = frozenset({PiiKind.EMAIL, PiiKind.USER_NAME})
# Columns that the people of a row are written into anyway.
_ADDRESSES = frozenset({PiiKind.EMAIL, PiiKind.USER_NAME, PiiKind.URL})
_OF_THE_ROW = _ADDRESSES | {PiiKind.NAME}


@dataclass
class AliasFinder:
    """Finds the columns that are personal because they repeat personal ones.

    Attributes
    ----------
    sample : Sample
    privacy : PrivacyConfig
    findings : list of PiiFinding
        What is personal; what is found is added.
    """

    sample: Sample
    privacy: PrivacyConfig
    findings: list[PiiFinding]
    _texts: dict[tuple[str, str], Texts] = field(default_factory=dict, repr=False)
    _names: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _rows: dict[tuple[str, tuple[tuple[str, str], ...]], IntArray] = field(
        default_factory=dict, repr=False
    )
    _all_keys: dict[str, list[ForeignKey]] = field(default_factory=dict, repr=False)

    def find(self) -> dict[str, dict[str, Alias]]:
        """Return by table and column what is filled from where; parents first.

        What copies a personal column is personal, and what a personal column copies, too.
        """
        found: dict[str, dict[str, Alias]] = {}
        for table in reversed(self.sample.plan.order):
            self._find_origins(table)
            self._find_made_of_names(table)
        for table in self.sample.plan.order:
            found[table] = self._find_in(table)
        self._find_contained()
        return found

    def _find_made_of_names(self, table: str) -> None:
        """Find what is made of parts of the names beside it, as initials are."""
        kinds = self._kinds(table)
        if not NAMES & set(kinds.values()):
            return
        everyone = persons_of(kinds, self.sample.tables[table])
        rows = np.arange(len(everyone), dtype=np.int64)
        for column in self._candidates(table):
            if column in kinds or not self._is_text(table, column):
                continue
            some = self._some(table, column, rows)
            texts = [self._all(table, column)[i] or "" for i in some]
            if len(some) < LEAST_ROWS or max(map(len, texts)) > LONGEST_PART:
                continue
            if own_rows(texts, [everyone[i] for i in some]) >= NAMING * len(some):
                self._add(table, column, PiiKind.USER_NAME, "made of the names beside it")

    def find_namesakes(
        self, aliases: Mapping[str, Mapping[str, Alias]]
    ) -> dict[str, dict[str, Namesake]]:
        """Return by table and column what is made of the names of persons in other tables."""
        found: dict[str, dict[str, Namesake]] = {}
        for table in self.sample.plan.order:
            kinds = self._kinds(table)
            if NAMES & set(kinds.values()):
                continue  # its rows have names of their own
            filled = {*aliases.get(table, {}), *self.sample.plan.tables[table].filled}
            for target, kind in kinds.items():
                if kind not in _MADE_OF_NAMES or target in filled:
                    continue
                namesake = self._namesake(table, target, kind)
                if namesake is not None:
                    found.setdefault(table, {})[target] = namesake
                    log.info("relation_found", table=table, relation=str(namesake))
        return found

    def _namesake(self, table: str, target: str, kind: PiiKind) -> Optional[Namesake]:
        for path, end in paths(table, self._keys):
            kinds = self._kinds(end)
            if not path or not NAMES & set(kinds.values()):
                continue
            rows = self._ends(table, path)
            some = self._some(table, target, rows)
            namesake = Namesake(table, target, path, end)
            if len(some) < LEAST_ROWS:
                continue
            everyone = namesake.persons(self.sample, kinds)
            texts = [self._all(table, target)[i] or "" for i in some]
            if kind is PiiKind.EMAIL:
                texts = [text.rpartition("@")[0] for text in texts]
            styles = local_styles(texts, [everyone[i] for i in some], 1)
            if sum(weight for style, weight in styles if style.own) >= NEAR * len(some):
                return namesake
        return None

    def _kinds(self, table: str) -> dict[str, PiiKind]:
        return {f.column: f.kind for f in self.findings if f.table == table}

    def _add(self, table: str, column: str, kind: PiiKind, why: str) -> None:
        self.findings.append(PiiFinding(table, column, kind, why))
        log.info("personal_column_repeated", table=table, column=column, why=why)

    def _find_origins(self, table: str) -> None:
        """Find what is personal because a personal column of a child repeats it."""
        for target, kind in self._kinds(table).items():
            if kind is PiiKind.OTHER or target not in self._candidates(table):
                continue
            for path, end in paths(table, self._keys):
                if not path:
                    continue
                rows = self._ends(table, path)
                some, known = self._some(table, target, rows), set(self._kinds(end))
                for column in self._candidates(end):
                    copy = Alias(table, target, path, end, (column,), mark(0))
                    if column not in known and self._holds(copy, some, rows):
                        self._add(end, column, kind, f"{table}.{target} repeats it")

    def _find_in(self, table: str) -> dict[str, Alias]:
        """Find a table's columns that repeat personal ones over keys, or of their own row."""
        config = self.sample.metadata.tables[table]
        order = list(self.sample.tables[table].column_names)
        found: dict[str, Alias] = {}
        for target in self._candidates(table):
            best: Optional[Alias] = None
            for path, end in paths(table, self._keys):
                alias = self._alias(table, target, path, end, order)
                if alias is not None and (best is None or alias.share > best.share + 0.01):
                    best = alias
            best = best or self._address(table, target)
            if best is None:
                continue
            kinds = self._kinds(best.source)
            if target not in self._kinds(table):
                kind = next((kinds[c] for c in best.columns if c in kinds), PiiKind.OTHER)
                if not set(best.columns) & set(kinds) and self._is_exact(best):
                    continue  # what repeats a column that is learned is found as a relation
                self._add(table, target, kind if best.is_copy else PiiKind.OTHER, f"repeats {best}")
            if target not in config.derived:
                found[target] = best
                log.info("relation_found", table=table, relation=str(best))
        return dict(sorted(found.items(), key=lambda item: bool(item[1].domain)))

    def _address(self, table: str, target: str) -> Optional[Alias]:
        """Return how the parts of an e-mail address are those of other columns of its row."""
        if self._kinds(table).get(target) is not PiiKind.EMAIL:
            return None
        own = self._all(table, target)
        rows = np.arange(len(own), dtype=np.int64)
        some = self._some(table, target, rows)
        stored = self.sample.metadata.tables[table].stored
        others = [c for c in stored if c != target and self._is_text(table, c)]
        if len(some) < LEAST_ROWS:
            return None
        base = Alias(table, target, (), table, (target, target), f"{mark(0)}@{mark(1)}")
        locals_ = [replace(base, columns=(c, target), domain="text") for c in others]
        local = next((one for one in locals_ if self._holds(one, some, rows)), None)
        first = target if local is None else local.columns[0]
        whole = [replace(base, columns=(first, c), domain=d) for c in others for d in DOMAINS]
        best = next((one for one in whole if self._holds(one, some, rows)), local)
        if best is None:
            return None
        return best.measured(self.sample)

    def _holds(self, alias: Alias, some: list[int], rows: IntArray) -> bool:
        """Tell whether most of some rows are so, and far more than with sources of other rows."""
        if len(some) < LEAST_ROWS:
            return False
        own = self._all(alias.table, alias.target)
        data = self.sample.tables[alias.source].select(alias.sources)

        def share(at: list[int], sources: pa.Table) -> float:
            return 1.0 - float(alias.differs([own[i] for i in at], sources).mean())

        # Half of what is needed is enough here: of few rows, the share is only roughly known.
        few = some[:: max(1, len(some) // FEW)]
        if share(few, data.take(pa.array(rows[few]))) < NEAR / 2:
            return False  # most candidates fail here, at little cost
        sources, half = data.take(pa.array(rows[some])), len(some) // 2
        # Half of them on, as neighbours may share a parent.
        moved = pa.concat_tables([sources.slice(half), sources.slice(0, half)])
        if alias.target in alias.sources and not alias.path:
            moved = with_column(moved, alias.target, sources.column(alias.target))
        equal = share(some, sources)
        return equal >= NEAR and share(some, moved) <= CHANCE * equal

    def _alias(
        self, table: str, target: str, path: Path, end: str, order: Sequence[str]
    ) -> Optional[Alias]:
        """Return how a column is put together from personal ones at the end of a path."""
        kinds = self._kinds(end)
        personal = [*kinds, *self._naming(end)] if path else list(kinds)
        if not path:  # of two columns that repeat each other, the first comes first
            personal = [c for c in personal if order.index(c) < order.index(target)]
        elif end == table:
            personal = [c for c in personal if c != target]
        if not personal:
            return None
        rows = self._ends(table, path)
        own = self._all(table, target)
        some = self._some(table, target, rows)
        if len(some) < LEAST_ROWS:
            return None
        if not self._near(own, end, some[:: max(1, len(some) // FEW)], rows, personal):
            return None
        others = [c for c in self._candidates(end) if c not in personal] if path else []
        own_kind = self._kinds(table).get(target)
        copies_only = own_kind in (_ADDRESSES if path else _OF_THE_ROW)
        form = self._form([own[i] or "" for i in some], end, rows[some], personal, others)
        is_copy = form is not None and form[1] == mark(0)
        if form is None or (copies_only and not is_copy):
            return None
        if not self._is_text(table, target) and not (
            is_copy and not self._is_text(end, form[0][0])
        ):
            return None
        alias = Alias(table, target, path, end, *form)
        if not self._holds(alias, some, rows):
            return None
        return alias.measured(self.sample)

    def _near(
        self, own: Texts, end: str, few: list[int], rows: IntArray, personal: Sequence[str]
    ) -> bool:
        """Tell whether some texts hold a personal one: most candidates fail here, at no cost."""
        theirs = [self._all(end, c) for c in personal]
        found = 0
        for i in few:
            text = " ".join((own[i] or "").split()).lower()
            parts = (" ".join((values[rows[i]] or "").split()).lower() for values in theirs)
            found += any(len(part) >= LEAST_TEXT and part in text for part in parts)
        return found >= NEAR * len(few) / 2

    def _form(
        self,
        texts: list[str],
        end: str,
        rows: IntArray,
        personal: Sequence[str],
        others: Sequence[str],
    ) -> Optional[tuple[tuple[str, ...], str, Case]]:
        """Return sources, form and case that most texts have in common."""
        columns, holders = [*personal, *others], dict[tuple[Case, str], list[int]]()
        values = self.sample.tables[end].select(columns).take(pa.array(rows))
        for case in _CASES:
            parts = [_plain(Part(column, case).of(values).to_pylist()) for column in columns]
            for number, text in enumerate(_plain(texts)):
                form = marked(text or "", [part[number] for part in parts])
                if any(mark(place) in form for place in range(len(personal))):
                    holders.setdefault((case, form), []).append(int(rows[number]))
        if not holders:
            return None
        (case, form), among = max(holders.items(), key=lambda item: len(item[1]))
        few = len(set(among)) < self.privacy.k_anonymity_threshold  # who share its words
        if len(among) < NEAR * len(texts) or few or _reaches(form):
            return None
        form, places = renumbered(form)
        return tuple(columns[place] for place in places), form, case

    def _find_contained(self) -> None:
        """Find what is personal because its values are those of a personal column elsewhere."""
        known = [(f, self._set(f.table, f.column)) for f in list(self.findings)]
        for table in self.sample.plan.order:
            found = set(self._kinds(table))
            for column in self._candidates(table):
                # Few different values are contained in many columns by chance.
                values = set() if column in found else self._set(table, column)
                if len(values) < LEAST_VALUES:
                    continue
                for finding, theirs in known:
                    if len(values & theirs) >= CONTAINED * len(values):
                        why = f"its values are those of {finding.table}.{finding.column}"
                        self._add(table, column, finding.kind, why)
                        break

    def _naming(self, table: str) -> list[str]:
        """Return texts that name single rows, as companies' names do, and are not personal."""
        if table not in self._names:
            known = self._kinds(table)
            self._names[table] = [
                column
                for column in self._candidates(table)
                if column not in known and _names_rows(self._all(table, column))
            ]
        return self._names[table]

    def _is_exact(self, alias: Alias) -> bool:
        rows = self._ends(alias.table, alias.path)
        own, theirs = (
            self._all(alias.table, alias.target),
            self._all(alias.source, alias.columns[0]),
        )
        found = (theirs[row] if row >= 0 else None for row in rows)
        return alias.is_copy and all(a == b for a, b in zip(own, found))

    def _set(self, table: str, column: str) -> set[str]:
        values = pc.unique(self.sample.tables[table].column(column))
        return {normal(text) for text in texts_of(values) if text is not None}

    def _candidates(self, table: str) -> list[str]:
        """Return the columns that may repeat others: texts and long numbers, no keys."""
        config, rows = self.sample.metadata.tables[table], self.sample.tables[table]
        out = config.key_columns | cleared_columns(config, self.privacy)
        return [n for n in config.stored if n not in out and _may_repeat(rows.column(n))]

    def _all(self, table: str, column: str) -> Texts:
        if (table, column) not in self._texts:
            self._texts[table, column] = texts_of(self.sample.tables[table].column(column))
        return self._texts[table, column]

    def _ends(self, table: str, path: Path) -> IntArray:
        """Return the row at the end of each row's path."""
        label = table, tuple((name, key.label(name)) for name, key in path)
        if label not in self._rows:
            self._rows[label] = path_rows(table, path, self.sample)
        return self._rows[label]

    def _is_text(self, table: str, column: str) -> bool:
        return is_text(self.sample.tables[table].schema.field(column).type)

    def _some(self, table: str, target: str, rows: IntArray) -> list[int]:
        """Return some rows that have a value, and a row at the end of their path."""
        there = pc.is_valid(self.sample.tables[table].column(target)).to_numpy()
        at = np.flatnonzero(there & (rows >= 0))
        # Spread over the table, whose beginning may be older, or of one parent.
        step = max(1, len(at) // ROWS)
        return [int(i) for i in at[::step]]

    def _keys(self, table: str) -> list[ForeignKey]:
        """Return a table's keys, those that nobody declared, too."""
        if table not in self._all_keys:
            finder = EntityFinder(self.sample, self.privacy, self.findings)
            declared = self.sample.metadata.tables[table].foreign_keys
            self._all_keys[table] = [*declared, *finder.undeclared(table)]
        return self._all_keys[table]


def _may_repeat(values: pa.ChunkedArray) -> bool:
    if is_text(values.type):
        return True
    if not pa.types.is_integer(values.type):
        return False
    known = values.slice(0, FEW).drop_null().to_pylist()
    return bool(known) and all(abs(v) >= 10 ** (LEAST_DIGITS - 1) for v in known)


def _reaches(form: str) -> bool:
    """Tell whether what stands beside the parts is a mail server, or a web site."""
    return len(form) > 1 and ("@" in form or "://" in form)


def _names_rows(texts: Texts) -> bool:
    known = [text for text in texts if text is not None]
    return len(known) >= LEAST_ROWS and len(set(known)) >= NAMING * len(known)


def _plain(texts: Sequence[Optional[str]]) -> Texts:
    """Return texts with single blanks; None for what is too short to be looked for."""
    single = (" ".join((text or "").split()) for text in texts)
    return [text if len(text) >= LEAST_TEXT else None for text in single]
