"""Keys and descriptions from a dbt manifest, merged with what the database declares."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from dbt_synthohive.carrying import Carrier
from dbt_synthohive.claims import Claims, Key, claims_of
from dbt_synthohive.relations import PathLike, Relation, load_manifest
from synthohive import (
    CheckConstraint,
    ForeignKey,
    Metadata,
    SchemaError,
    SchemaValidationError,
    TableConfig,
    UniqueConstraint,
)
from synthohive.exceptions import did_you_mean

__all__ = ["metadata_from_manifest"]

log = logging.getLogger(__name__)
_SHOWN = 5
"""Lost relationships named in an error."""


def metadata_from_manifest(
    path: PathLike,
    *,
    select: Union[str, Sequence[str], None] = None,
    declared: Optional[Metadata] = None,
    source: Optional[Any] = None,
    require_keys: bool = False,
) -> Metadata:
    """Describe the sources or seeds of a dbt project by what the project says about them.

    Warehouses often declare no keys at all: then `relationships` tests are the only truth.
    Read are the tests ``unique``, ``not_null``, ``relationships``, ``accepted_values``,
    those of this package, ``dbt_utils.unique_combination_of_columns`` and
    ``dbt_constraints``; ``constraints:``, ``description:``, and of ``meta:`` and tags
    ``pii``, ``contains_pii`` and ``synthohive: {pii: …, primary_key: …, reference: …}``.
    A test with ``where``, or that does not end in an error, states nothing about all rows.

    With `source`, what is said of models is carried to the tables that they are made of, by the
    SQL of the models, and counts where all rows agree.

    The primary key is what a constraint or ``meta`` says, else what the database
    declares, else the column (or columns) tested to be both unique and not null; of
    several, the one that other tables' keys lead to, else ``id`` or ``<table>_id``.

    Parameters
    ----------
    path : path
        manifest.json, or the folder with it, or the project's (made by ``dbt parse``; by
        ``dbt compile``, models that call macros are read, too).
    select : str or list of str, optional
        ``"raw"`` (a source), ``"raw.orders"``, ``"seed:countries"``, ``"seed:*"``,
        ``"model:…"``. All sources if None, or all seeds where there are no sources.
    declared : Metadata, optional
        From :meth:`synthohive.Metadata.from_database`. Without it columns stay
        undescribed, and what is said of single columns (accepted values aside) is left out.
    source : Reader, optional
        The rows of the selected tables: :attr:`synthohive.Synthesizer.source`. Columns that are
        proven to be unique are noted in its metadata.
    require_keys : bool, default False
        Refuse a project that tests relationships of the selected tables, or of models over
        them, when none becomes a key.

    Returns
    -------
    Metadata
        The selected tables; `declared` is not changed.

    Raises
    ------
    SchemaError
        There is no manifest, the selection is empty or spans several schemas, or there are no
        keys.
    SchemaValidationError
        With all contradictions: within the project, and with the database.
    """
    manifest = load_manifest(path)
    chosen = manifest.selected(select)
    claims = claims_of(manifest)
    carrier = None
    if source is not None:
        there = [r for r in chosen if r.identifier in source.metadata.tables]
        carrier = Carrier(manifest, claims, there, source).carry()
    merged = _Merge(chosen, claims, declared, carrier.proven if carrier else {})
    metadata = merged.result()
    lost = carrier.lost if carrier and len(chosen) > 1 else []
    if require_keys and lost and not any(metadata.foreign_keys()):
        raise SchemaError(
            f"The dbt project tests {len(lost)} relationships of the selected tables, and none of "
            f"them became a key: {'; '.join(lost[:_SHOWN])}.",
            hint="State the keys on the tables: `dbt run-operation synthohive.suggest_keys --args "
            f"'{{schema: {chosen[0].schema}}}'` prints what to paste. Or go on without keys: "
            "require_keys=False.",
        )
    return metadata


class _Merge:
    """The description of the chosen relations as it grows, and what contradicts."""

    def __init__(
        self,
        chosen: list[Relation],
        claims: Mapping[str, Claims],
        declared: Optional[Metadata],
        carried: Mapping[str, Claims],
    ) -> None:
        self.chosen = {relation.unique_id: relation for relation in chosen}
        self.stated = {key: claims[key] for key in self.chosen}
        self.claims = {
            key: own.with_carried(carried.get(key, Claims())) for key, own in self.stated.items()
        }
        self.declared = declared
        self.problems: list[str] = []
        self.metadata = Metadata(
            schema_name=declared.schema_name if declared else chosen[0].schema,
            dialect=declared.dialect if declared else None,
        )

    def result(self) -> Metadata:
        for relation in self.chosen.values():
            table = self._table(relation)
            if table is not None:
                self.metadata.tables[relation.identifier] = table
        for key, relation in self.chosen.items():
            table = self.metadata.tables.get(relation.identifier)
            if table is not None:
                self._fill(table, self.claims[key], relation)
        if self.problems:
            raise SchemaValidationError(
                self.problems, hint="Change the dbt project, or pass what holds as metadata=…."
            )
        return self.metadata

    def _table(self, relation: Relation) -> Optional[TableConfig]:
        name = relation.identifier
        if self.declared is None:
            return TableConfig(name=name)
        if name not in self.declared.tables:
            hint = did_you_mean(name, self.declared.tables)
            self.problems.append(f"{relation.label}: the database has no table {name!r}. {hint}")
            return None
        table = self.declared.tables[name].model_copy(deep=True)
        inside = {other.identifier for other in self.chosen.values()}
        table.foreign_keys = [fk for fk in table.foreign_keys if fk.parent in inside]
        return table

    def _fill(self, table: TableConfig, claims: Claims, relation: Relation) -> None:
        if not self._columns_exist(table, claims, relation):
            return
        self._primary(table, claims, relation)
        for columns in claims.unique:
            if columns not in table.unique_sets:
                table.unique.append(UniqueConstraint(columns=list(columns)))
        for key in claims.keys:
            self._foreign(table, key, relation)
        for column, values in claims.accepted.items():
            quoted = column.replace('"', '""')
            check = f'"{quoted}" IN ({", ".join(values)})'
            table.checks.append(CheckConstraint(sqltext=check))
        for check in claims.checks:
            if check not in {known.sqltext for known in table.checks}:
                table.checks.append(CheckConstraint(sqltext=check))
        for name, facts in table.columns.items():
            if name in claims.not_null:
                facts.nullable = False
            facts.comment = facts.comment or claims.comments.get(name)
        table.comment = table.comment or claims.comment
        if claims.reference is not None:
            table.reference = claims.reference
        if claims.personal:
            table.pii_cols = {name: kind or "auto" for name, kind in claims.personal.items()}

    def _columns_exist(self, table: TableConfig, claims: Claims, relation: Relation) -> bool:
        if self.declared is None:
            return True
        named = set().union(*claims.primary, *claims.unique, *(key.columns for key in claims.keys))
        named |= claims.not_null | set(claims.accepted) | set(claims.personal)
        unknown = sorted(named - set(table.columns))
        for name in unknown:
            hint = did_you_mean(name, table.columns)
            self.problems.append(f"{relation.label}: the database has no column {name!r}. {hint}")
        return not unknown

    def _primary(self, table: TableConfig, claims: Claims, relation: Relation) -> None:
        stated = {columns: origin for columns, origin in claims.primary.items() if columns}
        if len(stated) > 1:
            listed = "; ".join(f"({', '.join(c)}) by {o}" for c, o in stated.items())
            self.problems.append(f"{relation.label}: several primary keys are stated: {listed}.")
            return
        if stated:
            ((columns, origin),) = stated.items()
            if table.pk and set(table.pk) != set(columns):
                self.problems.append(
                    f"{relation.label}: the primary key is ({', '.join(columns)}) by {origin}, "
                    f"but ({', '.join(table.pk)}) in the database."
                )
            table.pk = table.pk or list(columns)
        elif not table.pk:
            self._inferred(table, claims, relation)

    def _inferred(self, table: TableConfig, claims: Claims, relation: Relation) -> None:
        filled = claims.not_null | {n for n, c in table.columns.items() if not c.nullable}
        candidates = [c for c in claims.unique if c and set(c) <= filled]
        led_to = {
            key.parent_columns
            for other in self.claims.values()
            for key in other.keys
            if key.parent.unique_id == relation.unique_id
        }
        usual = _usual_names(table.name)
        for choice in (
            candidates,
            [c for c in candidates if c in led_to],
            [c for c in candidates if c in usual],
        ):
            if len(choice) == 1:
                table.pk = list(choice[0])
                return
        if len([c for c in candidates if c in self.stated[relation.unique_id].unique]) > 1:
            listed = ", ".join(f"({', '.join(c)})" for c in candidates)
            self.problems.append(
                f"{relation.label}: {listed} are all unique and not null; which is the primary "
                "key? Say so with meta: {synthohive: {primary_key: …}}."
            )

    def _foreign(self, table: TableConfig, key: Key, relation: Relation) -> None:
        if key.parent.unique_id not in self.chosen:
            log.info("A key of %s leads outside, to %s", relation.label, key.parent.label)
            return
        stated = ForeignKey(
            columns=list(key.columns),
            parent=key.parent.identifier,
            parent_columns=list(key.parent_columns),
        )
        for known in table.foreign_keys:
            if known.columns != stated.columns:
                continue
            if known.label("") != stated.label(""):
                problem = (
                    f"{relation.label}: {stated.label(table.name)} by {key.origin}, but "
                    f"{known.label(table.name)} "
                    f"{'in the database' if known.declared else 'by another test'}."
                )
                if key.carried:  # what is said of the table itself is more
                    log.warning("A key was left out. %s", problem)
                else:
                    self.problems.append(problem)
            return
        table.foreign_keys.append(stated)


def _usual_names(table: str) -> set[tuple[str]]:
    """Return what the primary key of a table may be called: of raw_orders, order_id as well."""
    parts = table.split("_")
    tails = ["_".join(parts[start:]) for start in range(len(parts))]
    singular = [tail[: -len(end)] for tail in tails for end in ("s", "es") if tail.endswith(end)]
    return {("id",), *((f"{name}_id",) for name in [*tails, *singular])}
