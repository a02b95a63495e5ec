"""What tests, constraints and ``meta`` of a dbt project state about tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from dbt_synthohive.relations import Manifest, Relation

__all__ = ["Claims", "Key", "claims_of"]

_REFERENCE = re.compile(r"\s*(.+?)\s*\((.+)\)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Key:
    """A foreign key as it is stated, of the table itself or of a model over it."""

    columns: tuple[str, ...]
    parent: Relation
    parent_columns: tuple[str, ...]
    origin: str
    carried: bool = False


@dataclass
class Claims:
    """All that is stated about one table; each with where it is stated."""

    primary: dict[tuple[str, ...], str] = field(default_factory=dict)
    unique: dict[tuple[str, ...], str] = field(default_factory=dict)
    not_null: set[str] = field(default_factory=set)
    keys: list[Key] = field(default_factory=list)
    accepted: dict[str, list[str]] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    personal: dict[str, Optional[str]] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    comment: Optional[str] = None
    reference: Optional[bool] = None

    def add_unique(self, columns: tuple[str, ...], origin: str) -> None:
        """Note that columns never repeat together, whatever their order."""
        if not any({*columns} == {*known} for known in self.unique):
            self.unique[columns] = origin

    def with_carried(self, carried: Claims) -> Claims:
        """Return these, and what they leave open of what was carried from models."""
        joint = replace(self, unique=dict(self.unique))
        for columns, origin in carried.unique.items():
            joint.add_unique(columns, origin)
        return replace(
            joint,
            not_null=self.not_null | carried.not_null,
            keys=[*self.keys, *carried.keys],
            accepted={**carried.accepted, **self.accepted},
            personal={**carried.personal, **self.personal},
        )


def claims_of(manifest: Manifest) -> dict[str, Claims]:
    """Return what is stated, by the relations' unique ids."""
    found = {key: Claims() for key in manifest.relations}
    for test in manifest.tests:
        child = manifest.relations.get(str(test.get("attached_node")))
        metadata = test.get("test_metadata") or {}
        arguments = metadata.get("kwargs") or {}
        arguments = {**arguments, **(arguments.get("arguments") or {})}
        if not _binding(test, arguments):
            continue
        child = child or manifest.named(arguments.get("model", ""))
        if child is not None:
            _test(found[child.unique_id], manifest, metadata, arguments, f"test {test['name']}")
    for key, relation in manifest.relations.items():
        _described(found[key], manifest, relation)
    return found


def _binding(test: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether a test speaks for every row: without ``where``, and an error if any row fails."""
    config = test.get("config") or {}
    severity = str(config.get("severity", "error")).lower()
    strict = str(config.get("error_if", "!= 0")).replace(" ", "") in ("!=0", ">0")
    some = arguments.get("max_orphans") or arguments.get("max_orphan_share")
    return not config.get("where") and severity == "error" and strict and not some


def _names(*values: Any) -> tuple[str, ...]:
    """Return the first given list of columns; quotes around a name are not part of it."""
    for value in values:
        if value:
            listed = [value] if isinstance(value, str) else list(value)
            return tuple(str(name).strip('"`') for name in listed)
    return ()


def _test(
    claims: Claims,
    manifest: Manifest,
    metadata: Mapping[str, Any],
    arguments: Mapping[str, Any],
    origin: str,
) -> None:
    name, package = metadata.get("name"), metadata.get("namespace")
    column = arguments.get("column_name")
    which = (package, name)
    if which == (None, "not_null"):
        claims.not_null.update(_names(column))
    elif which == (None, "unique"):
        claims.unique.setdefault(_names(column), origin)
    elif which == ("dbt_utils", "unique_combination_of_columns"):
        claims.unique.setdefault(_names(arguments.get("combination_of_columns")), origin)
    elif which in (("synthohive", "unique_key"), ("dbt_constraints", "unique_key")):
        columns = _names(arguments.get("columns"), arguments.get("column_names"), column)
        claims.unique.setdefault(columns, origin)
        if arguments.get("allow_nulls") is False:
            claims.not_null.update(columns)
    elif which == ("dbt_constraints", "primary_key"):
        claims.primary.setdefault(_names(arguments.get("column_names"), column), origin)
    elif which == (None, "accepted_values") and column:
        values = arguments.get("values") or []
        literal = arguments.get("quote", True)
        texts = ["'" + str(v).replace("'", "''") + "'" if literal else str(v) for v in values]
        claims.accepted.setdefault(_names(column)[0], texts)
    else:
        _reference(claims, manifest, which, arguments, origin)


def _reference(
    claims: Claims,
    manifest: Manifest,
    which: tuple[Any, Any],
    arguments: Mapping[str, Any],
    origin: str,
) -> None:
    column = arguments.get("column_name")
    to, columns, parent_columns = (
        arguments.get("to"),
        _names(column),
        _names(arguments.get("field")),
    )
    if which == ("synthohive", "no_orphans"):
        columns = _names(arguments.get("columns"), column)
        parent_columns = _names(arguments.get("to_columns"), columns)
    elif which == ("dbt_constraints", "foreign_key"):
        to = arguments.get("pk_table_name")
        columns = _names(arguments.get("fk_column_names"), arguments.get("fk_column_name"), column)
        parent_columns = _names(arguments.get("pk_column_names"), arguments.get("pk_column_name"))
    elif which != (None, "relationships"):
        return
    _key(claims, manifest, (columns, to, parent_columns), origin)


def _key(
    claims: Claims,
    manifest: Manifest,
    parts: tuple[tuple[str, ...], Any, tuple[str, ...]],
    origin: str,
) -> None:
    columns, to, parent_columns = parts
    parent = manifest.named(to)
    if parent is not None and columns and len(columns) == len(parent_columns):
        claims.keys.append(Key(columns, parent, parent_columns, origin))


def _described(claims: Claims, manifest: Manifest, relation: Relation) -> None:
    """Read descriptions, ``meta``, tags and ``constraints:`` of a table and its columns."""
    node = relation.node
    claims.comment = node.get("description") or None
    stated = _meta(node).get("synthohive")
    own = stated if isinstance(stated, Mapping) else {}
    if own.get("primary_key"):
        claims.primary.setdefault(_names(own["primary_key"]), f"meta of {relation.label}")
    claims.reference = own.get("reference")
    for constraint in node.get("constraints") or []:
        _constraint(claims, manifest, constraint, _names(constraint.get("columns")))
    for name, column in (node.get("columns") or {}).items():
        if column.get("description"):
            claims.comments[name] = column["description"]
        kind = _personal(_meta(column), _tags(column))
        if kind != "":
            claims.personal[name] = kind
        for constraint in column.get("constraints") or []:
            _constraint(claims, manifest, constraint, (name,))


def _meta(node: Mapping[str, Any]) -> dict[str, Any]:
    return {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}


def _tags(node: Mapping[str, Any]) -> Sequence[str]:
    return [*(node.get("tags") or []), *((node.get("config") or {}).get("tags") or [])]


def _personal(meta: Mapping[str, Any], tags: Sequence[str]) -> Optional[str]:
    """Return the kind of personal data, None for an unnamed kind, "" for none at all."""
    own = meta.get("synthohive")
    stated = own.get("pii") if isinstance(own, Mapping) else None
    for value in (stated, meta.get("pii"), meta.get("contains_pii")):
        if isinstance(value, str):
            return value
        if value is True:
            return None
        if value is False:
            return "none"
    return None if "pii" in [tag.lower() for tag in tags] else ""


def _constraint(
    claims: Claims, manifest: Manifest, stated: Mapping[str, Any], columns: tuple[str, ...]
) -> None:
    kind = str(stated.get("type", "")).lower().rpartition(".")[2]
    if kind == "primary_key":
        claims.primary.setdefault(columns, "a primary_key constraint")
        claims.not_null.update(columns)
    elif kind == "unique":
        claims.unique.setdefault(columns, "a unique constraint")
    elif kind == "not_null":
        claims.not_null.update(columns)
    elif kind == "check" and stated.get("expression"):
        claims.checks.append(str(stated["expression"]))
    elif kind == "foreign_key":
        for to, parent_columns in _targets(stated):
            _key(claims, manifest, (columns, to, parent_columns), "a foreign_key constraint")


def _targets(stated: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if stated.get("to"):
        yield str(stated["to"]), _names(stated.get("to_columns"))
    elif match := _REFERENCE.match(str(stated.get("expression") or "")):
        yield match[1], _names([part.strip() for part in match[2].split(",")])
