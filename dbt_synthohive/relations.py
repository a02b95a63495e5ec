"""The tables that a dbt manifest knows, and which of them are meant."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from synthohive import SchemaError
from synthohive.exceptions import did_you_mean

__all__ = ["Manifest", "Relation", "load_manifest"]

PathLike = Union[str, "os.PathLike[str]"]
_CALL = re.compile(r"\b(source|ref)\s*\((.*?)\)", re.DOTALL)
_STRING = re.compile(r"""['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Relation:
    """A source, seed, snapshot or model, and the table that it is."""

    unique_id: str
    kind: str
    source: str
    name: str
    database: Optional[str]
    schema: str
    identifier: str
    node: Mapping[str, Any]

    @property
    def is_synthetic(self) -> bool:
        """Whether `write_properties` marked it as a synthetic copy."""
        meta = (self.node.get("config") or {}).get("meta") or self.node.get("meta") or {}
        own = meta.get("synthohive")
        return isinstance(own, Mapping) and bool(own.get("synthetic"))

    @property
    def is_table(self) -> bool:
        """Whether dbt loads it, or finds it there: it is no query of other relations."""
        return self.kind in ("source", "seed")

    @property
    def label(self) -> str:
        """The name by which dbt's users know it."""
        return f"{self.source}.{self.name}" if self.source else self.name


class Manifest:
    """A manifest's relations, tests, and how its texts name relations."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        nodes = {**content.get("sources", {}), **content.get("nodes", {})}
        kinds = ("source", "seed", "snapshot", "model")
        self.relations = {
            key: _relation(key, node)
            for key, node in nodes.items()
            if node.get("resource_type") in kinds
        }
        self.macros = set(content.get("macros", {}))
        self.tests = [n for n in nodes.values() if n.get("resource_type") == "test"]
        self.adapter: Optional[str] = (content.get("metadata") or {}).get("adapter_type")
        self._places: dict[tuple[str, ...], Relation] = {}
        for relation in self.relations.values():
            whole = (relation.database or "", relation.schema, relation.identifier)
            for start in range(3):
                place = tuple(part.lower() for part in whole[start:])
                self._places.setdefault(place, relation)

    def named(self, text: Any) -> Optional[Relation]:
        """Return what ``source('raw', 'orders')``, ``ref('orders')`` or a full name names."""
        match = _CALL.search(str(text))
        if match is None:
            return self.at(str(text).split("."))
        names = _STRING.findall(match[2])
        if match[1] == "source" and len(names) >= 2:
            wanted = (names[0], names[1])
            found = [r for r in self.relations.values() if (r.source, r.name) == wanted]
        else:
            found = [
                r
                for r in self.relations.values()
                if names and (r.source, r.name) == ("", names[-1])
            ]
        return found[0] if found else None

    def at(self, place: Sequence[str]) -> Optional[Relation]:
        """Return the relation at database, schema and table, or at a part of that."""
        return self._places.get(tuple(part.strip('"`[] ').lower() for part in place))

    def ancestry(self, relation: Relation) -> set[str]:
        """Return the unique ids of a relation, and of all that it is made of."""
        reached, waiting = {relation.unique_id}, [relation]
        while waiting:
            needed = (waiting.pop().node.get("depends_on") or {}).get("nodes") or []
            new = [key for key in needed if key in self.relations and key not in reached]
            reached.update(new)
            waiting += [self.relations[key] for key in new]
        return reached

    def selected(self, select: Union[str, Sequence[str], None]) -> list[Relation]:
        """Return the chosen relations, which must be of one schema.

        Raises
        ------
        SchemaError
            Nothing is chosen, or tables of several schemas.
        """
        wanted = [select] if isinstance(select, str) else select
        everything = list(self.relations.values())
        if wanted is None:
            chosen = [r for r in everything if r.kind == "source" and not r.is_synthetic]
            chosen = chosen or [r for r in everything if r.kind == "seed"]
        else:
            chosen = [r for r in everything if any(_fits(r, term) for term in wanted)]
            for term in wanted:
                if not any(_fits(r, term) for r in everything):
                    raise SchemaError(
                        f"The dbt project has nothing that {term!r} selects.",
                        hint=did_you_mean(term, _names(everything)),
                    )
        if not chosen:
            raise SchemaError("The dbt project has neither sources nor seeds.")
        places = sorted({f"{r.database}.{r.schema}" if r.database else r.schema for r in chosen})
        if len(places) > 1:
            raise SchemaError(
                f"The selected tables lie in several schemas: {', '.join(places)}.",
                hint="Take one at a time: select='<the source's name>'.",
            )
        return chosen


def load_manifest(path: PathLike) -> Manifest:
    """Read manifest.json, given itself, its folder or the project's.

    Raises
    ------
    SchemaError
        There is none, or it is no manifest.
    """
    place = Path(path)
    if place.is_dir():
        inside = [place / "manifest.json", place / "target" / "manifest.json"]
        place = next((file for file in inside if file.is_file()), inside[-1])
    if not place.is_file():
        raise SchemaError(
            f"There is no dbt manifest at {str(place)!r}.", hint="Make it with `dbt parse`."
        )
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise SchemaError(f"{str(place)!r} is not valid JSON.") from exc
    if not isinstance(content, dict) or "nodes" not in content:
        raise SchemaError(f"{str(place)!r} is no dbt manifest.", hint="Make it with `dbt parse`.")
    return Manifest(content)


def _relation(key: str, node: Mapping[str, Any]) -> Relation:
    kind = str(node["resource_type"])
    source = str(node.get("source_name") or "") if kind == "source" else ""
    identifier = node.get("identifier") if kind == "source" else node.get("alias")
    name = str(node["name"])
    database = node.get("database")
    return Relation(
        key, kind, source, name, database, str(node["schema"]), str(identifier or name), node
    )


def _fits(relation: Relation, term: str) -> bool:
    kind, colon, name = term.rpartition(":")
    if colon and kind not in (relation.kind, "source" if relation.source else relation.kind):
        return False
    if relation.source:
        return name in (relation.source, relation.label)
    return bool(colon or relation.kind in ("seed", "model")) and name in (relation.name, "*")


def _names(relations: Iterable[Relation]) -> set[str]:
    return {name for r in relations for name in (r.label, r.source) if name}
