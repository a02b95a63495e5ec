"""SQL texts of a description, parsed and written again: no text of it reaches an engine as it is.

A description comes from a file or a checkpoint that anyone may have edited. Its types, defaults,
computed columns, CHECKs and index definitions are therefore read into a tree, each node of which
must be of a known harmless shape, and what is executed is written from the tree.

What an engine's own catalogue states while a schema is cloned does not pass through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthohive.ddl.carried import as_condition, carried, carried_default
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import Refused
from synthohive.ddl.vetted_functions import FUNCTIONS, NODES
from synthohive.schema import Column

__all__ = ["Vetting", "check_shape", "vetted_action"]

Node = Any
"""A node of sqlglot's tree; the name of its class differs between versions."""

_LONGEST = 20_000
"""Characters of a text: far more than any CHECK has, and parsed in well under a second."""
_ON_UPDATE = re.compile(r"(?P<at>.+?)\s+ON\s+UPDATE\s+(?P<update>.+)", re.IGNORECASE | re.DOTALL)
_ACTION = re.compile(
    r"(?P<plain>CASCADE|RESTRICT|NO\s+ACTION|SET\s+NULL|SET\s+DEFAULT)(?:\s*\((?P<columns>.+)\))?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Vetting:
    """Writes the texts of one engine's description anew.

    Parameters
    ----------
    spelling : Spelling
        Of the engine.
    own_types : collection of str
        Types that the description defines itself: its enums.
    target : Spelling, optional
        Of the engine that they are written for, where that is another one.
    trusted : bool, default False
        The texts are the engine's own, and stay as they are.
    """

    spelling: Spelling
    own_types: Collection[str] = field(default_factory=frozenset)
    target: Optional[Spelling] = None
    trusted: bool = False

    @property
    def _into(self) -> Spelling:
        return self.target or self.spelling

    def expression(self, sql: str, columns: Mapping[str, Column], *, check: bool = False) -> str:
        """Write a condition, default or computed value anew.

        Parameters
        ----------
        sql : str
        columns : dict of str to Column
            The columns that it may name.
        check : bool
            It is a CHECK, for which the target may ask for a comparison.

        Raises
        ------
        Refused
            It is no expression, holds a part that is not known to be harmless, or may mean
            something else in the target.
        """
        if self.trusted:
            return sql
        names = {name.lower(): name for name in columns}
        tree = self._vetted(sql, columns, names)
        if self.target is None or self.target is self.spelling:  # MySQL and MariaDB share one
            tree = self._reshaped(tree)
        else:
            tree = carried(tree, columns, self.spelling, self.target, check=check)
        if check and self.target is not None and self.target.compares:
            tree = as_condition(tree)
        written = tree.transform(self._rewritten, names, columns)
        grammar = self._into.writes or self._into.grammar
        try:
            return str(
                written.sql(grammar, comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
                if self.target is not None
                else written.sql(grammar, comments=False)
            )
        except SqlglotError as exc:
            raise Refused(str(exc).split("\n", maxsplit=1)[0]) from exc

    def carried_default(self, column: Column) -> str:
        """Write the default of a column for the target.

        Raises
        ------
        Refused
            The target has no such default.
        """
        assert column.default is not None
        assert self.target is not None
        if self.spelling.updating_defaults and _ON_UPDATE.fullmatch(column.default.strip()):
            raise Refused("ON UPDATE is of the source's engine")
        return carried_default(self._vetted(column.default, (), {}), column, self.target)

    def _vetted(self, sql: str, columns: Collection[str], names: Mapping[str, str]) -> Node:
        tree = self._parsed(sql)
        for node in tree.walk():
            self._check(node, names, columns)
        return tree

    def default(self, sql: str) -> str:
        """Write a column's default anew; it names no column."""
        if self.trusted:
            return sql
        match = _ON_UPDATE.fullmatch(sql.strip()) if self.spelling.updating_defaults else None
        if match is None:
            return self.expression(sql, {})
        parts = [self.expression(match[part], {}) for part in ("at", "update")]
        if not all(part.startswith("CURRENT_TIMESTAMP") for part in parts):
            raise Refused("ON UPDATE takes only CURRENT_TIMESTAMP")
        return " ON UPDATE ".join(parts)

    def _parsed(self, sql: str) -> Node:
        if len(sql) > _LONGEST:
            raise Refused(f"it has {len(sql):,} characters")
        if "\0" in sql:
            raise Refused("it holds a NUL character")
        try:
            trees = sqlglot.parse(self.spelling.plain(sql), dialect=self.spelling.grammar)
        except (SqlglotError, RecursionError) as exc:
            raise Refused("it cannot be parsed") from exc
        if len(trees) != 1 or trees[0] is None:
            raise Refused("it is more than one expression")
        return trees[0]

    def _check(self, node: Node, names: Mapping[str, str], columns: Collection[str]) -> None:
        check_shape(node)
        if isinstance(node, exp.Column) and (
            node.table or (node.name not in columns and node.name.lower() not in names)
        ):
            raise Refused(f"it names {node.sql()[:40]!r}, which is no column of the table")
        if _user_defined(node) and self._own_type(node) is None:
            raise Refused(f"it casts to {node.sql()[:40]!r}")

    def _own_type(self, node: Node) -> Optional[str]:
        kind = node.args.get("kind")
        name = kind.name if isinstance(kind, exp.Expression) else str(kind or "")
        name = name.rpartition(".")[2].strip('"')
        return name if name in self.own_types else None

    def _reshaped(self, tree: Node) -> Node:
        """Undo sqlglot's reading of date_part; quote the names of collations."""
        for node in list(tree.find_all(exp.Collate, exp.Extract)):
            if isinstance(node, exp.Collate):
                name = self.spelling.collation(node.expression.name)
                node.set("expression", exp.Var(this=name))
            elif not isinstance(node.this, exp.Var):  # EXTRACT's result has another type
                unit = exp.Literal.string(_unit(node))
                call = exp.Anonymous(this="date_part", expressions=[unit, node.expression])
                tree = call if node is tree else tree
                node.replace(call)
        return tree

    def _rewritten(self, node: Node, names: Mapping[str, str], columns: Collection[str]) -> Node:
        """Return a node as the engine must see it: names and strings quoted by our own rules."""
        if isinstance(node, exp.Column):
            name = node.name if node.name in columns else names[node.name.lower()]
            return exp.Var(this=self._into.quote(name))
        if isinstance(node, exp.Literal) and node.is_string:
            return exp.Var(this=self._into.literal(node.this))
        if isinstance(node, exp.ByteString):  # PostgreSQL's E'…', its backslashes read
            return exp.Var(this=self._into.literal(node.this))
        if _user_defined(node):
            return exp.Var(this=self.spelling.quote(self._own_type(node) or ""))
        return node


def check_shape(node: Node) -> None:
    """Check one node of an expression, whatever its columns.

    Raises
    ------
    Refused
        It could read or change anything but the row, or is not known.
    """
    if isinstance(node, exp.Dot) and node.find_ancestor(exp.DataType) is not None:
        return  # a type of a named schema; whether there is such a type is for others to tell
    if not isinstance(node, NODES):
        if not isinstance(node, exp.Func):
            raise Refused(f"it holds {type(node).__name__.lower()}: {node.sql()[:40]!r}")
        called = [node.name] if isinstance(node, exp.Anonymous) else type(node).sql_names()
        if not {name.lower() for name in called} & FUNCTIONS:
            raise Refused(f"it calls {called[0].lower()}()")
    if isinstance(node, exp.JSONPathKey) and not re.fullmatch(r"[\w ]+", str(node.this)):
        raise Refused(f"it holds the path {str(node.this)[:40]!r}")
    if isinstance(node, exp.Collate) and not re.fullmatch(r"[\w-]+", node.expression.name):
        raise Refused(f"it names the collation {node.expression.sql()[:40]!r}")
    if isinstance(node, exp.DataType) and type(node) is not exp.DataType:
        raise Refused(f"it casts to {node.sql()[:40]!r}")
    if isinstance(node, exp.Extract) and not re.fullmatch(r"\w+", _unit(node)):
        raise Refused(f"it extracts {_unit(node)[:40]!r}")


def _user_defined(node: Node) -> bool:
    return isinstance(node, exp.DataType) and node.this == exp.DataType.Type.USERDEFINED


def _unit(node: Node) -> str:
    """Return what EXTRACT takes out; date_part gives it as a string, with a cast around."""
    unit = node.this
    while isinstance(unit, (exp.Cast, exp.Paren)):
        unit = unit.this
    return str(unit.name or unit.sql())


def vetted_action(action: str, columns: Iterable[str], quote: Callable[[str], str]) -> str:
    """Write a key's ON DELETE or ON UPDATE anew.

    Parameters
    ----------
    action : str
        ``"CASCADE"``, ``"SET NULL (a, b)"``, in any case.
    columns : iterable of str
        Those of the key, which alone it may name.
    quote : callable
        Quotes a name.

    Examples
    --------
    >>> vetted_action("set  null", ["a"], str)
    'SET NULL'

    Raises
    ------
    Refused
        There is no such action.
    """
    match = _ACTION.fullmatch(action.strip())
    if match is None:
        raise Refused("it is no action of a foreign key")
    plain = " ".join(match["plain"].upper().split())
    if match["columns"] is None:
        return plain
    listed = [name.strip().strip('"') for name in match["columns"].split(",")]
    if not plain.startswith("SET") or not set(listed) <= set(columns):
        raise Refused("it names columns that the key does not have")
    return f"{plain} ({', '.join(map(quote, listed))})"
