"""What tests of models say of the tables that these are made of, as far as all rows agree.

A test of a model tells of the columns that its own columns come from. It does not prove what it
tells for all rows of the table, since models filter, join and merge rows: so the rows are asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from dbt_synthohive.claims import Claims, Key
from dbt_synthohive.lineage import Leaf, Lineage, Traced
from dbt_synthohive.proof import Proof
from dbt_synthohive.relations import Manifest, Relation
from synthohive import ForeignKey

__all__ = ["Carrier"]

log = logging.getLogger(__name__)


class Carrier:
    """Carries claims to the chosen tables.

    Parameters
    ----------
    manifest : Manifest
    claims : dict of str to Claims
        Of all relations, by their unique ids.
    chosen : sequence of Relation
    reader : Reader
        Their rows, as in :attr:`synthohive.Synthesizer.source`.

    Attributes
    ----------
    proven : dict of str to Claims
        What is carried, by the unique ids of the chosen tables; after :meth:`carry`.
    lost : list of str
        Tested relationships between the chosen tables that became no key, and why.
    """

    def __init__(
        self,
        manifest: Manifest,
        claims: Mapping[str, Claims],
        chosen: Sequence[Relation],
        reader: Any,
    ) -> None:
        self.manifest, self.claims = manifest, claims
        self.tables = {relation.unique_id: relation for relation in chosen}
        self.proof = Proof(reader)
        columns = {r.unique_id: reader.metadata.table(r.identifier).columns for r in chosen}
        self._same = _under_other_names(manifest, chosen)
        twins = {key: columns[own] for key, own in self._same.items()}
        self.lineage = Lineage(manifest, {**columns, **twins})
        self.proven = {key: Claims() for key in self.tables}
        self.lost: list[str] = []

    def carry(self) -> Carrier:
        """Follow all that is said of models, and of tables under other names."""
        relations = self.manifest.relations
        for key, claims in self.claims.items():
            if key not in self.tables and not relations[key].is_synthetic:
                self._carry_unique(relations[key], claims)
                self._carry_values(relations[key], claims)
        for key, claims in self.claims.items():
            for stated in claims.keys:
                if key in self.tables and stated.parent.unique_id in self.tables:
                    self._prove_parent(stated)
                elif not relations[key].is_synthetic:
                    self._carry_key(relations[key], stated)
        for relation in relations.values():
            if self._own(self.manifest.ancestry(relation)):
                for pairs in self.lineage.joins(relation):
                    self._carry_join(pairs, f"a join of {relation.label}")
        return self

    def _carry_unique(self, relation: Relation, claims: Claims) -> None:
        for columns, origin in {**claims.unique, **claims.primary}.items():
            for branch in self._branches(relation, columns):
                place = self._gathered(branch)
                if place is None or any(traced.merged for traced in branch):
                    continue
                if self.proof.unique(self.tables[place[0]].identifier, place[1]):
                    self.proven[place[0]].add_unique(place[1], origin)

    def _carry_values(self, relation: Relation, claims: Claims) -> None:
        for column in claims.not_null.union(*claims.primary):
            for key, name, _ in self._unchanged(relation, column):
                if self.proof.filled(self.tables[key].identifier, name):
                    self.proven[key].not_null.add(name)
        for column, literals in claims.accepted.items():
            for key, name, cast in self._unchanged(relation, column):
                values = [_unquoted(text) for text in literals]
                if not cast and self.proof.within(self.tables[key].identifier, name, values):
                    self.proven[key].accepted.setdefault(name, literals)
        for column, kind in claims.personal.items():
            for key, name, _ in self._unchanged(relation, column):
                if kind != "none":
                    self.proven[key].personal.setdefault(name, kind)

    def _prove_parent(self, stated: Key) -> None:
        """Note that what a key of the tables themselves leads to is unique, tested or not."""
        parent, columns = stated.parent, stated.parent_columns
        there = self.proof.reader.metadata.table(parent.identifier).columns
        if set(columns) <= set(there) and self.proof.unique(parent.identifier, columns):
            self.proven[parent.unique_id].add_unique(columns, stated.origin)

    def _carry_key(self, relation: Relation, stated: Key) -> None:
        parents = self._branches(stated.parent, stated.parent_columns)
        children = self._branches(relation, stated.columns)
        about = f"{relation.label}({', '.join(stated.columns)}) by {stated.origin}"
        if len(parents) != 1 or not children:
            self._lose(relation, stated, f"{about}: its columns are not those of tables")
        else:
            for child in children:
                reason = self._prove_key(stated, child, parents[0])
                if reason:
                    self._lose(relation, stated, f"{about}: {reason}")

    def _prove_key(
        self, stated: Key, child: Sequence[Traced], parent: Sequence[Traced]
    ) -> Optional[str]:
        """Keep a key that all rows agree with; return why they do not."""
        if any(
            self._named(leaf)[0] not in self.tables for t in (*child, *parent) for leaf in t.leaves
        ):
            log.info("The relationship of %s leads outside the selected tables", stated.origin)
            return None
        there = self._gathered(parent)
        if there is None:
            return "the columns it leads to are not those of one of the tables"
        if [traced.shape for traced in child] != [traced.shape for traced in parent]:
            return "both sides are made of columns of tables in different ways"
        own = self._gathered(child, other_than=there)
        if own is None and self._gathered(child) == there:
            return "its columns are those that it leads to"
        if own is None:
            return "its columns are not those of one of the tables"
        (key, columns), (parent_key, parent_columns) = own, there
        table, target = self.tables[key], self.tables[parent_key]
        found = ForeignKey(
            columns=list(columns), parent=target.identifier, parent_columns=list(parent_columns)
        )
        orphans = self.proof.orphans(table.identifier, found)
        if orphans is None:
            return f"{found.label(table.identifier)} does not lead to unique values of its type"
        if orphans:
            return f"{found.label(table.identifier)} has {orphans:,} orphans among all rows"
        self.proven[parent_key].add_unique(parent_columns, stated.origin)
        carried = Key(columns, target, parent_columns, stated.origin, carried=True)
        if all(known.columns != columns for known in self.proven[key].keys):
            self.proven[key].keys.append(carried)
        return None

    def _carry_join(self, pairs: Sequence[tuple[Leaf, Leaf]], origin: str) -> None:
        """Keep the key by which a model joins: one side is known to be unique, with all values.

        Of tables with the same values, neither is known to be the parent.
        """
        found: list[tuple[str, Key]] = []
        for ends in (pairs, [(two, one) for one, two in pairs]):
            named = [(self._named(one), self._named(two)) for one, two in ends]
            tables = {(one[0], two[0]) for one, two in named}
            ((key, parent_key),) = tables if len(tables) == 1 else {("", "")}
            if key not in self.tables or parent_key not in self.tables:
                return
            columns = tuple(dict.fromkeys(one[1] for one, _ in named))
            parent_columns = tuple(dict.fromkeys(two[1] for _, two in named))
            target = self.tables[parent_key]
            if len(columns) != len(parent_columns) or not self._known(parent_key, parent_columns):
                continue
            asked = ForeignKey(
                columns=list(columns), parent=target.identifier, parent_columns=list(parent_columns)
            )
            if self.proof.orphans(self.tables[key].identifier, asked) == 0:
                found.append((key, Key(columns, target, parent_columns, origin, carried=True)))
        if len(found) == 1:
            ((key, carried),) = found
            declared = self.proof.reader.metadata.table(self.tables[key].identifier).foreign_keys
            known = [*declared, *self.claims[key].keys, *self.proven[key].keys]
            if not any({*carried.columns} & {*other.columns} for other in known):
                self.proven[key].keys.append(carried)
                self.proven[carried.parent.unique_id].add_unique(carried.parent_columns, origin)

    def _known(self, key: str, columns: tuple[str, ...]) -> bool:
        """Whether columns are declared, or tested, to be unique together."""
        stated, proven = self.claims[key], self.proven[key]
        declared = self.proof.reader.metadata.table(self.tables[key].identifier).unique_sets
        known = [*declared, *stated.unique, *stated.primary, *proven.unique]
        return any({*columns} == {*unique} for unique in known)

    def _lose(self, relation: Relation, stated: Key, reason: str) -> None:
        """Note a relationship that became no key, if it is one between the chosen tables."""
        ends = (relation, stated.parent)
        if all(self._own(self.manifest.ancestry(end)) for end in ends):
            log.warning("A tested relationship became no key: %s", reason)
            self.lost.append(reason)

    def _own(self, keys: set[str]) -> set[str]:
        """Return the chosen tables among some."""
        return {self._same.get(key, key) for key in keys} & set(self.tables)

    def _branches(self, relation: Relation, columns: Sequence[str]) -> list[tuple[Traced, ...]]:
        """Follow several columns; one list for each branch of a UNION."""
        traced = [self.lineage.trace(relation, column) for column in columns]
        return list(zip(*traced)) if len({len(found) for found in traced}) == 1 else []

    def _unchanged(self, relation: Relation, column: str) -> Iterator[tuple[str, str, bool]]:
        """Yield the chosen tables' columns that a column is, and whether it was cast."""
        for traced in self.lineage.trace(relation, column):
            ((key, name), *others) = traced.leaves
            if traced.unchanged and self._own({key}) and not others:
                yield self._same.get(key, key), name, traced.cast

    def _gathered(
        self,
        traced: Sequence[Traced],
        other_than: Optional[tuple[str, tuple[str, ...]]] = None,
    ) -> Optional[tuple[str, tuple[str, ...]]]:
        """Return the chosen table that columns are of, and those.

        Parameters
        ----------
        traced : sequence of Traced
        other_than : (str, tuple of str), optional
            A key is none to itself: a column that came from its parent stands for the one that
            it was joined by.
        """
        leaves = [self._named(leaf) for found in traced for leaf in found.leaves]
        equal: dict[Leaf, list[Leaf]] = {}
        for found in traced:
            for leaf, others in found.equal.items():
                equal[self._named(leaf)] = sorted(self._named(other) for other in others)
        for key in dict.fromkeys(
            [key for key, _ in leaves] + [key for leaf in leaves for key, _ in equal.get(leaf, ())]
        ):
            if key not in self.tables:
                continue
            for choices in (
                [[leaf] for leaf in leaves],
                [[leaf, *equal.get(leaf, ())] for leaf in leaves],
                [equal.get(leaf, []) for leaf in leaves],
            ):
                columns = [next((c for k, c in listed if k == key), None) for listed in choices]
                place = key, tuple(dict.fromkeys(c for c in columns if c is not None))
                if len(place[1]) == len(leaves) and place != other_than:
                    return place
        return None

    def _named(self, leaf: Leaf) -> Leaf:
        return self._same.get(leaf[0], leaf[0]), leaf[1]


def _under_other_names(manifest: Manifest, chosen: Sequence[Relation]) -> dict[str, str]:
    """Return the chosen tables by the ids of others that are the same: a seed read as a source."""
    places = {(r.database, r.schema, r.identifier): r.unique_id for r in chosen}
    found = {}
    for key, relation in manifest.relations.items():
        own = places.get((relation.database, relation.schema, relation.identifier), key)
        if own != key and relation.is_table:
            found[key] = own
    return found


def _unquoted(literal: str) -> str:
    return literal[1:-1].replace("''", "'") if literal.startswith("'") else literal
