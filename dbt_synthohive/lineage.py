"""Which columns of tables a column of a model is made of, by the SQL of the models.

A column is followed through renames, common table expressions, subqueries, ``select *``, joins,
UNION and casts, down to sources, seeds and what else is to be a table. It ends there *unchanged*,
or *put together*: a hash or concatenation, as `dbt_utils.generate_surrogate_key` makes them.
Anything else is not followed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Optional, Union

from sqlglot import exp

from dbt_synthohive.model_sql import ModelSql, Node
from dbt_synthohive.relations import Manifest, Relation

__all__ = ["Leaf", "Lineage", "Traced"]

Leaf = tuple[str, str]
"""A column of a table: the table's unique id, and its name."""
_CASTS = (exp.Cast, exp.TryCast)
_PUT_TOGETHER = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Paren, exp.Coalesce, exp.Concat,
    exp.ConcatWs, exp.DPipe, exp.MD5, exp.MD5Digest, exp.SHA, exp.SHA2, exp.Hex, exp.LowerHex,
)  # fmt: skip


@dataclass(frozen=True)
class Traced:
    """What a column of a model is made of.

    Attributes
    ----------
    tree : sqlglot.Expression
        Over columns of tables: the qualifier is the table's unique id.
    merged : bool
        Rows with the same value may have become one (DISTINCT, GROUP BY, UNION).
    cast : bool
        Whether a cast was passed.
    equal : mapping of Leaf to set of Leaf
        Columns that joins on the way compared with those of the tree.
    """

    tree: Node
    merged: bool = False
    cast: bool = False
    equal: Mapping[Leaf, frozenset[Leaf]] = field(default_factory=dict)

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The columns of tables, in the order in which they stand."""
        return tuple((c.table, c.name) for c in self.tree.find_all(exp.Column, bfs=False))

    @property
    def unchanged(self) -> bool:
        """Whether the column of the model is that of a table; casts change the type alone."""
        return isinstance(self.tree, exp.Column)

    @property
    def shape(self) -> str:
        """What is done to the columns: that of two expressions is the same if they are."""
        placeholder = exp.Placeholder()
        tree = self.tree.transform(
            lambda node: placeholder.copy() if isinstance(node, exp.Column) else node
        )
        return str(tree.sql())


@dataclass(frozen=True)
class _Query:
    """A query, and the common table expressions that it sees."""

    tree: Node
    ctes: Mapping[str, _Query]


_Source = Union[Relation, _Query, None]
"""What a FROM clause names; None: a function, or a table that dbt does not know."""


class Lineage:
    """Follows columns of a project's models.

    Parameters
    ----------
    manifest : Manifest
    columns : mapping of str to collection of str
        The columns of tables by their unique ids, where they are known. A model among them
        is taken for a table.
    """

    def __init__(self, manifest: Manifest, columns: Mapping[str, Collection[str]]) -> None:
        self.sql = ModelSql(manifest)
        self.columns = {
            key: {name.lower(): name for name in names} for key, names in columns.items()
        }
        self._found: dict[Leaf, tuple[Traced, ...]] = {}

    def trace(self, relation: Relation, column: str) -> tuple[Traced, ...]:
        """Return what a column is made of: one for each branch of a UNION; none if not known."""
        key = relation.unique_id, column.lower()
        if key not in self._found:
            self._found[key] = self._of_relation(relation, column)
        return self._found[key]

    def joins(self, relation: Relation) -> Iterator[list[tuple[Leaf, Leaf]]]:
        """Yield what the joins of a model compare: pairs of columns of two tables, in order."""
        query = None if self._is_table(relation) else self._query(relation)
        for select in [] if query is None else _selects(query, set()):
            pairs: dict[tuple[str, str], list[tuple[Leaf, Leaf]]] = {}
            for sides in _equalities(select.tree):
                ends = [self._named(select, side) for side in sides]
                if all(len(end) == 1 and end[0].unchanged for end in ends):
                    one, two = sorted(end[0].leaves[0] for end in ends)
                    if one != two:
                        pairs.setdefault((one[0], two[0]), []).append((one, two))
            yield from pairs.values()

    def _of_relation(self, relation: Relation, column: str) -> tuple[Traced, ...]:
        if self._is_table(relation):
            known = self.columns.get(relation.unique_id)
            name = column if known is None else known.get(column.lower())
            if name is None:
                return ()
            return (Traced(exp.column(name, table=relation.unique_id, quoted=True)),)
        query = self._query(relation)
        return () if query is None else self._of_query(query, column.lower())

    def _is_table(self, relation: Relation) -> bool:
        return relation.is_table or relation.unique_id in self.columns

    def _query(self, relation: Relation) -> Optional[_Query]:
        tree = self.sql.query(relation)
        return None if tree is None else _opened(tree, {})

    def _of_query(self, query: _Query, name: str) -> tuple[Traced, ...]:
        if isinstance(query.tree, exp.SetOperation):
            return self._of_union(query, name)
        if not isinstance(query.tree, exp.Select):
            return ()
        for projection in query.tree.expressions:
            if projection.alias_or_name.lower() == name and not projection.is_star:
                found = self._of_expression(query, projection)
                break
        else:
            found = self._of_stars(query, name)
        if query.tree.args.get("distinct") or query.tree.args.get("group"):
            return tuple(replace(traced, merged=True) for traced in found)
        return found

    def _of_union(self, query: _Query, name: str) -> tuple[Traced, ...]:
        """Follow a column through both branches: by its place, or, with a ``*``, by its name."""
        left, right = (_opened(side, query.ctes) for side in (query.tree.left, query.tree.right))
        first, second = _explicit(left), _explicit(right)
        other = name
        if first and second and name in first and len(first) == len(second):
            other = second[first.index(name)]
        found = self._of_query(left, name)
        if isinstance(query.tree, exp.Union):
            further = self._of_query(right, other)
            found = (*found, *further) if found and further else ()
        merged = not isinstance(query.tree, exp.Union) or bool(query.tree.args.get("distinct"))
        return tuple(replace(traced, merged=traced.merged or merged) for traced in found)

    def _of_expression(self, query: _Query, projection: Node) -> tuple[Traced, ...]:
        tree, cast = projection.unalias(), False
        while isinstance(tree, (*_CASTS, exp.Paren)):
            tree, cast = tree.this, cast or isinstance(tree, _CASTS)
        if isinstance(tree, exp.Column):
            found = self._of_column(query, tree)
            return tuple(replace(traced, cast=traced.cast or cast) for traced in found)
        return self._of_parts(query, tree)

    def _of_parts(self, query: _Query, tree: Node) -> tuple[Traced, ...]:
        """Follow a hash or concatenation to the columns that it is put together of."""
        tree = tree.copy()
        for cast in list(tree.find_all(*_CASTS)):
            cast.replace(cast.this)
        columns = list(tree.find_all(exp.Column))
        if not columns or not all(isinstance(node, _PUT_TOGETHER) for node in tree.walk()):
            return ()
        for choice in tree.find_all(exp.Coalesce):
            if len(list(choice.find_all(exp.Column))) > 1:  # one of several
                return ()
        equal: dict[Leaf, frozenset[Leaf]] = {}
        merged = False
        for column in columns:
            found = self._of_column(query, column)
            if len(found) != 1:
                return ()
            merged = merged or found[0].merged
            equal.update(found[0].equal)
            column.replace(found[0].tree.copy())
        return (Traced(tree, merged, True, equal),)

    def _of_column(self, query: _Query, column: Node) -> tuple[Traced, ...]:
        """Follow a column, and those that joins compare it with."""
        found = self._named(query, column)
        if len(found) != 1 or not found[0].unchanged:
            return found
        (own,) = found
        (leaf,) = own.leaves
        equal = set(own.equal.get(leaf, ()))
        for other in _compared(query.tree, column):
            further = self._named(query, other)
            if len(further) == 1 and further[0].unchanged:
                (there,) = further[0].leaves
                equal |= {there, *further[0].equal.get(there, ())}
        return (replace(own, equal={leaf: frozenset(equal - {leaf})}),)

    def _named(self, query: _Query, column: Node) -> tuple[Traced, ...]:
        """Follow a column of one of a query's sources."""
        sources = self._sources(query)
        name, wanted = column.name.lower(), column.table.lower()
        if wanted:
            chosen = [source for alias, source in sources if alias == wanted][:1]
        else:
            chosen = self._having([source for _, source in sources], name)[:1]
        return self._of_source(chosen[0], name) if chosen else ()

    def _of_source(self, source: _Source, name: str) -> tuple[Traced, ...]:
        if isinstance(source, Relation):
            return self.trace(source, name)
        return () if source is None else self._of_query(source, name)

    def _of_stars(self, query: _Query, name: str) -> tuple[Traced, ...]:
        for projection in query.tree.expressions:
            if not projection.is_star:
                continue
            own = _renamed(projection).get(name, name)
            if own == name and name in _left_out(projection):
                continue
            found = self._having(self._starred(query, projection), own)
            if found:
                return self._of_source(found[0], own)
        return ()

    def _starred(self, query: _Query, star: Node) -> list[_Source]:
        """Return the sources whose columns a ``*``, or ``t.*``, stands for."""
        wanted = star.table.lower() if isinstance(star, exp.Column) else ""
        return [source for alias, source in self._sources(query) if wanted in ("", alias)]

    def _having(self, sources: list[_Source], name: str) -> list[_Source]:
        """Return the sources with a column; where none is known to have it, the one that may."""
        has = [(source, self._has(source, name)) for source in sources]
        certain = [source for source, there in has if there]
        possible = [source for source, there in has if there is None]
        return certain or (possible if len(possible) == 1 else [])

    def _has(self, source: _Source, name: str) -> Optional[bool]:
        """Whether a source has a column; None where that is not known."""
        if isinstance(source, Relation):
            if self._is_table(source):
                known = self.columns.get(source.unique_id)
                return None if known is None else name in known
            source = self._query(source)
        if source is None:
            return None
        tree = source.tree
        if isinstance(tree, exp.SetOperation):
            return self._has(_opened(tree.left, source.ctes), name)
        if not isinstance(tree, exp.Select):
            return None
        answers: list[Optional[bool]] = []
        for projection in tree.expressions:
            if not projection.is_star:
                answers.append(projection.alias_or_name.lower() == name)
            elif name in _renamed(projection):
                answers.append(True)
            elif name not in _left_out(projection):
                answers += [self._has(s, name) for s in self._starred(source, projection)]
        return True if any(answers) else None if None in answers else False

    def _sources(self, query: _Query) -> list[tuple[str, _Source]]:
        """Return what a SELECT reads, by alias."""
        tables = _tables(query.tree)
        return [(t.alias_or_name.lower(), self._source(t, query.ctes)) for t in tables]

    def _source(self, table: Node, ctes: Mapping[str, _Query]) -> _Source:
        if table.args.get("pivots"):
            return None
        if isinstance(table, exp.Subquery):
            return _opened(table, ctes) if isinstance(table.this, exp.Query) else None
        if not isinstance(table, exp.Table):
            return None
        if not table.db and table.name.lower() in ctes:
            return ctes[table.name.lower()]
        return self.sql.relation(table)


def _opened(tree: Node, seen: Mapping[str, _Query]) -> _Query:
    """Return a query with its common table expressions; each sees those before it."""
    ctes = dict(seen)
    while True:
        for cte in tree.ctes:
            if not cte.alias_column_names:
                ctes[cte.alias.lower()] = _opened(cte.this, dict(ctes))
        if not isinstance(tree, exp.Subquery):
            return _Query(tree, ctes)
        tree = tree.this


def _selects(query: _Query, seen: set[int]) -> Iterator[_Query]:
    """Yield every SELECT of a query once, with what it sees."""
    if id(query.tree) in seen:
        return
    seen.add(id(query.tree))
    for cte in query.ctes.values():
        yield from _selects(cte, seen)
    inner: list[Node] = []
    if isinstance(query.tree, exp.SetOperation):
        inner = [query.tree.left, query.tree.right]
    elif isinstance(query.tree, exp.Select):
        yield query
        inner = [table for table in _tables(query.tree) if isinstance(table, exp.Subquery)]
    for tree in inner:
        if isinstance(tree, exp.Query):
            yield from _selects(_opened(tree, query.ctes), seen)


def _tables(select: Node) -> list[Node]:
    """Return what stands in FROM and JOIN."""
    start = _argument(select, "from")
    tables = [start.this] if start is not None else []
    return [*tables, *(join.this for join in select.args.get("joins") or ())]


def _argument(tree: Node, name: str) -> Optional[Node]:
    """Return an argument that versions of sqlglot call ``from`` or ``from_``, for instance."""
    return tree.args.get(f"{name}_") or tree.args.get(name)


def _explicit(query: _Query) -> list[str]:
    """Return the names of a query's columns; none if it has a ``*``."""
    tree = query.tree
    while isinstance(tree, (exp.SetOperation, exp.Subquery)):
        tree = tree.this
    listed = tree.expressions if isinstance(tree, exp.Select) else []
    return [] if any(p.is_star for p in listed) else [p.alias_or_name.lower() for p in listed]


def _left_out(star: Node) -> set[str]:
    """Return the columns that a ``*`` does not pass on as they are."""
    inner = star.this if isinstance(star, exp.Column) else star
    listed = [*(_argument(inner, "except") or ()), *(_argument(inner, "replace") or ())]
    return {node.alias_or_name.lower() for node in listed} | set(_renamed(star).values())


def _renamed(star: Node) -> dict[str, str]:
    """Return the names of columns by those that a ``*`` gives them."""
    inner = star.this if isinstance(star, exp.Column) else star
    listed = _argument(inner, "rename") or ()
    return {node.alias.lower(): node.this.name.lower() for node in listed}


def _compared(select: Node, column: Node) -> Iterator[Node]:
    """Yield the columns that a SELECT demands to equal one, directly or over others."""
    pairs = list(_equalities(select))
    reached, waiting = {_spelled(column)}, [column]
    while waiting:
        own = _spelled(waiting.pop())
        for left, right in pairs:
            for one, other in ((left, right), (right, left)):
                if _spelled(one) == own and _spelled(other) not in reached:
                    reached.add(_spelled(other))
                    waiting.append(other)
                    yield other


def _spelled(column: Node) -> tuple[str, str]:
    return column.table.lower(), column.name.lower()


def _equalities(select: Node) -> Iterator[tuple[Node, Node]]:
    where = select.args.get("where")
    conditions = [where.this] if where is not None else []
    for join in select.args.get("joins") or ():
        if join.args.get("on") is not None:
            conditions.append(join.args["on"])
        for shared in join.args.get("using") or ():
            for side in (join.this, _tables(select)[0]):
                yield exp.column(shared.name), exp.column(shared.name, table=side.alias_or_name)
    for condition in conditions:
        for part in condition.flatten() if isinstance(condition, exp.And) else (condition,):
            if isinstance(part, exp.EQ):
                sides = [_uncast(part.left), _uncast(part.right)]
                if all(isinstance(side, exp.Column) for side in sides):
                    yield sides[0], sides[1]


def _uncast(tree: Node) -> Node:
    while isinstance(tree, (*_CASTS, exp.Paren)):
        tree = tree.this
    return tree
