"""YAML as descriptions are written in it: mappings, lists, texts, numbers, flags and nulls.

Aliases, of which a few stand for more than memory holds, explicit tags, which name types of
Python, numbers of endless digits and keys that repeat are refused by what is read, not by name.
"""

from __future__ import annotations

from typing import Any

from synthohive.exceptions import SchemaError

__all__ = ["read_yaml"]

LARGEST = 1 << 26
LONGEST_NUMBER = 100


def read_yaml(text: str) -> Any:
    """Return the document.

    Raises
    ------
    SchemaError
        It is none, or has what descriptions do not have.

    Examples
    --------
    >>> read_yaml("tables: {a: {pk: [id], length: 10}}")
    {'tables': {'a': {'pk': ['id'], 'length': 10}}}
    """
    import yaml  # JSON is YAML

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.events.AliasEvent):
                raise yaml.YAMLError("aliases (*name) are not read")
            if getattr(event, "tag", None) is not None:
                raise yaml.YAMLError(f"tags (!name) are not read; here {event.tag!r:.100}")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    raise yaml.YAMLError(f"the key {key.value!r:.100} repeats")
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

        def construct_number(self, node: Any) -> Any:
            if len(node.value) > LONGEST_NUMBER:  # Python takes quadratic time
                raise yaml.YAMLError(f"a number has {len(node.value):,} digits")
            whole = node.tag == "tag:yaml.org,2002:int"
            return self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)

    for name in ("int", "float"):
        Loader.add_constructor(f"tag:yaml.org,2002:{name}", Loader.construct_number)
    if len(text) > LARGEST:
        raise SchemaError(
            f"The metadata has {len(text):,} characters; at most {LARGEST:,} are read."
        )
    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise SchemaError(f"The metadata file cannot be read: {exc}") from exc
