"""The SQL of a model as sqlglot's tree: compiled, or as it was written, without its Jinja."""

from __future__ import annotations

import logging
import re
from typing import Any, Optional

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbt_synthohive.relations import Manifest, Relation

__all__ = ["ModelSql", "Node"]

log = logging.getLogger(__name__)
Node = Any
"""A node of sqlglot's tree; the name of its class differs between versions."""

_DIALECTS = {
    "mariadb": "mysql",
    "mysql5": "mysql",
    "sqlserver": "tsql",
    "synapse": "tsql",
    "fabric": "tsql",
    "glue": "spark",
}
"""Adapters that sqlglot knows under another name."""
_STATEMENT = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{-?\s*config\s*\(.*?\)\s*-?\}\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_RELATION = re.compile(r"(source|ref)\s*\([^()]*\)")
_STAND_IN = "synthohive_relation_"


class ModelSql:
    """Reads the models of a manifest; one that cannot be read is logged, and passed over."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._ids = list(manifest.relations)
        self._numbers = {key: number for number, key in enumerate(self._ids)}
        adapter = manifest.adapter or ""
        name = _DIALECTS.get(adapter, adapter)
        self._dialect = name if sqlglot.Dialect.get(name) else None
        self._trees: dict[str, Optional[Node]] = {}

    def query(self, relation: Relation) -> Optional[Node]:
        """Return the query of a model or snapshot; None of a table, and where it is not read."""
        if relation.unique_id not in self._trees:
            self._trees[relation.unique_id] = self._parsed(relation)
        return self._trees[relation.unique_id]

    def _parsed(self, relation: Relation) -> Optional[Node]:
        if relation.is_table:
            return None
        node = relation.node
        if node.get("language", "sql") != "sql":
            log.info("The model %s is not SQL: nothing is carried through it", relation.label)
            return None
        sql = node.get("compiled_code") or self._plain(str(node.get("raw_code") or ""))
        try:
            tree = sqlglot.parse_one(sql, dialect=self._dialect)
        except (SqlglotError, RecursionError) as exc:
            reason = type(exc).__name__  # its message quotes the SQL
            log.info("The SQL of %s was not read (%s)", relation.label, reason)
            return None
        return tree if isinstance(tree, exp.Query) else None

    def _plain(self, raw: str) -> str:
        """Return raw SQL with a name for each relation, and NULL for what only dbt can tell."""

        def replaced(match: re.Match[str]) -> str:
            called = _RELATION.fullmatch(match[1])
            relation = self.manifest.named(match[1]) if called else None
            return f"{_STAND_IN}{self._numbers[relation.unique_id]}" if relation else "NULL"

        return _EXPRESSION.sub(replaced, _STATEMENT.sub(" ", raw))

    def relation(self, table: Node) -> Optional[Relation]:
        """Return the relation that a table of a FROM clause is."""
        number = table.name.lower()[len(_STAND_IN) :]
        if table.name.lower().startswith(_STAND_IN) and number.isdigit():
            return self.manifest.relations[self._ids[int(number)]]
        parts = [part.name for part in table.parts]
        return self.manifest.at(parts)
