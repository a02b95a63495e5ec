"""Texts that are documents: JSON, and XML or HTML as trees that JSON can hold.

What is learned of JSON thus serves markup as well. An element is the text in it or an object:
its attributes (``"@id"``), the texts (``"#"``) and runs of elements of one name (``"<line"``) in
it, in their order. Names and namespaces are keys, and so part of the structure; comments are
left out, as is the white space between lines, for which the first key stands.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, Optional

__all__ = [
    "Kind",
    "as_document",
    "is_document",
    "kind_of",
    "leaf_key",
    "leaves",
    "mapped",
    "markup_of",
    "pruned",
    "read_markup",
]

_TOKEN = re.compile(
    r"<!--.*?-->|<!\[CDATA\[(?P<raw>.*?)\]\]>|"
    r"(?P<prolog><\?xml\b.*?\?>|<!DOCTYPE\b[^<>\[]*>)|<\?.*?\?>"
    r"""|<(?P<end>/)?(?P<name>[^\W\d][\w.:-]*)(?P<attributes>(?:"[^"]*"|'[^']*'|[^<>"'])*?)"""
    r"(?P<empty>/)?>|(?P<text>[^<]+)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""\s+(?P<name>[^\W\d][\w.:-]*)(?:\s*=\s*(?:"(?P<two>[^"]*)"|'(?P<one>[^']*)'|"""
    r"""(?P<bare>[^\s"'<>=`]+)))?"""
)
_VOID = frozenset(
    "area base br col embed hr img input link meta source track wbr".split()
)  # of HTML, which have no end
_NEVER_SHORT = frozenset(
    "a b button canvas div em i iframe li ol p script span strong table td textarea th ul".split()
)
_LINES = "\n"
_DEEPEST = 60
_INT64 = 2**63
Tree = dict[str, Any]
Kind = Literal["object", "array", "null", "boolean", "integer", "number", "string"]


def as_document(text: str) -> Any:
    """Return a text as JSON has it.

    Raises
    ------
    ValueError, RecursionError
        It is neither a JSON object or array nor markup.

    Examples
    --------
    >>> as_document('[1]'), as_document('<a id="7">x<b/></a>')
    ([1], {'<a': [{'@id': '7', '#': 'x', '<b': ['']}]})
    """
    if text.lstrip()[:1] in ("{", "["):
        return json.loads(text)
    tree = read_markup(text)
    if not any(key[0] == "<" for key in tree):
        raise ValueError("no element")
    return tree


def is_document(text: str) -> bool:
    """Tell whether a text is a JSON object or array, or markup."""
    try:
        as_document(text)
    except (ValueError, RecursionError):
        return False
    return True


def leaf_key(name: str, above: str) -> str:
    """Return what a leaf is called: by its attribute or element, whose key is `above` it.

    Examples
    --------
    >>> leaf_key("@mail", "<person"), leaf_key("<city 2", ""), leaf_key("#", "city")
    ('mail', 'city', 'city')
    """
    return above if name[:1] == "#" else name.lstrip("<@").partition(" ")[0].rstrip(">")


def kind_of(value: Any) -> Kind:
    """Return what JSON calls a value; whole numbers that exceed 64 bits are but numbers."""
    kinds: dict[type, Kind] = {dict: "object", list: "array", type(None): "null", bool: "boolean"}
    if isinstance(value, int) and not isinstance(value, bool):
        return "integer" if -_INT64 < value < _INT64 else "number"
    return kinds.get(type(value), "number" if isinstance(value, float) else "string")


def mapped(
    value: Any,
    leaf: Callable[[str, Any], Any],
    key: str = "",
    *,
    most: Optional[int] = None,
    deepest: Optional[int] = None,
) -> Any:
    """Return a document in which each leaf is replaced, in the order of reading.

    Parameters
    ----------
    value : object
        What JSON is read as, or the tree of markup.
    leaf : callable
        Returns what stands instead, given the key that a leaf stands under, and the leaf.
    key : str
        What `value` stands under; empty at the top, and for leaves of a list at the top.
    most : int, optional
        Elements of a list; those after them are left out.
    deepest : int, optional
        Levels that are looked at; what lies deeper is null.

    Examples
    --------
    >>> mapped({"a": [1, "x"]}, lambda key, leaf: f"{kind_of(leaf)} of {key}")
    {'a': ['integer of a', 'string of a']}
    """
    if deepest is not None and deepest < 0:
        return None
    below = None if deepest is None else deepest - 1
    if isinstance(value, dict):
        keys = ((name, leaf_key(str(name), key)) for name in value)
        return {n: mapped(value[n], leaf, k, most=most, deepest=below) for n, k in keys}
    if isinstance(value, list):
        return [mapped(inner, leaf, key, most=most, deepest=below) for inner in value[:most]]
    return leaf(key, value)


def leaves(
    value: Any, *, most: Optional[int] = None, deepest: Optional[int] = None
) -> list[tuple[str, Any]]:
    """Return the leaves of a document, each with the key that it stands under; see `mapped`."""
    found: list[tuple[str, Any]] = []
    mapped(value, lambda *leaf: found.append(leaf), most=most, deepest=deepest)
    return found


def read_markup(text: str) -> Tree:
    """Return markup, or text without any, as a tree.

    Raises
    ------
    ValueError
        It is not well-formed: HTML may leave out no end but those of elements without content.
    """
    root: Tree = {}
    stack: list[tuple[str, Tree]] = [("", root)]
    at, lower = 0, text.lower()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or len(stack) > _DEEPEST:
            raise ValueError("no markup")
        at, (name, inside) = found.end(), stack[-1]
        kind = found.lastgroup
        if found["prolog"] and not any(key[0] in "<#" for key in root):
            root["?" + found["prolog"]] = None
        elif found["text"] or kind == "raw":
            plain = found["raw"] or html.unescape(found["text"] or "")
            _add_text(inside, plain, root)
        elif found["end"]:
            if found["name"] != name or found["attributes"].strip():
                raise ValueError("no such element is open")
            stack.pop()
            _close(stack[-1][1], name, inside)
        elif found["name"]:
            name, inside = found["name"], _attributes(found["attributes"])
            void = name.lower() in _VOID and f"</{name.lower()}" not in lower
            if void:
                _close(stack[-1][1], name + ("/>" if found["empty"] else ">"), inside)
            elif found["empty"]:
                _close(stack[-1][1], name, inside)
            else:
                stack.append((name, inside))
    if len(stack) > 1:
        raise ValueError("an element is open")
    if root.pop(_LINES, 0) is None:
        root = {_LINES: None, **root}
    return root


def _add_text(inside: Tree, text: str, root: Tree) -> None:
    if not text.strip() and "\n" in text:
        root[_LINES] = None
        return
    last = next(reversed(inside), "")
    if last[:1] == "#":
        inside[last] += text
    else:
        inside[_free("#", inside)] = text


def _free(key: str, inside: Tree) -> str:
    """Return the key, or with a number where it stands already."""
    number = 1 + sum(known.partition(" ")[0] == key for known in inside)
    return key if number == 1 else f"{key} {number}"


def _attributes(text: str) -> Tree:
    found: Tree = {}
    end = 0
    for match in _ATTRIBUTE.finditer(text):
        if match.start() != end or f"@{match['name']}" in found:
            raise ValueError("no attributes")
        end = match.end()
        parts = (match[part] for part in ("two", "one", "bare"))
        value = next((part for part in parts if part is not None), None)
        if match["name"].partition(":")[0] == "xmlns":  # without which prefixes mean nothing
            found[f"@{match['name']}={value or ''}"] = None
        else:
            found["@" + match["name"]] = None if value is None else html.unescape(value)
    if text[end:].strip():
        raise ValueError("no attributes")
    return found


def _close(outer: Tree, name: str, inside: Tree) -> None:
    """Put an element into the one around it; one with neither attributes nor elements is a text."""
    value: Any = inside
    if name[-1] != ">" and not any(key[0] in "<#" for key in inside):
        inside["#"] = ""
    if list(inside) in (["#"], []):
        value = inside.get("#", "")
    last = next(reversed(outer), "")
    if last.partition(" ")[0] == f"<{name}":
        outer[last].append(value)
    else:
        outer[_free(f"<{name}", outer)] = [value]


def pruned(tree: Any, depth: int) -> Any:
    """Return a tree in which elements below a depth are the text in them.

    Examples
    --------
    >>> pruned(read_markup("<p>Hello <b>you</b></p>"), 1)
    {'<p': ['Hello you']}
    """
    if not isinstance(tree, dict):
        return tree
    if depth == 0:
        return "".join(_texts(tree))
    return {k: [pruned(v, depth - 1) for v in t] if k[0] == "<" else t for k, t in tree.items()}


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            for inner in value if key[0] == "<" else [value] if key[0] == "#" else []:
                yield from _texts(inner)


def markup_of(tree: Any) -> str:
    """Write a tree of :func:`read_markup`.

    Examples
    --------
    >>> markup_of(read_markup("<a id='7'>x &amp; y<b></b><br></a>"))
    '<a id="7">x &amp; y<b></b><br></a>'
    """
    if not isinstance(tree, dict):
        return html.escape(str(tree), quote=False)
    lines = 0 if _LINES in tree else None
    head = [key[1:] for key in tree if key[0] == "?"]
    between = "" if lines is None else "\n"
    return between.join([*head, *_content(tree, lines)])


def _content(tree: Tree, level: Optional[int]) -> list[str]:
    parts = []
    for key, value in tree.items():
        if key[0] == "#":
            parts.append(html.escape(value, quote=False))
        elif key[0] == "<":
            name = key[1:].partition(" ")[0]
            parts += [_element(name, inner, level) for inner in value]
    return parts


def _element(name: str, value: Any, level: Optional[int]) -> str:
    inside: Tree = value if isinstance(value, dict) else {"#": value}
    given = "".join(_attribute(*pair) for pair in inside.items() if pair[0][0] == "@")
    if name[-1] == ">":
        return f"<{name.rstrip('/>')}{given}{'/' if name[-2] == '/' else ''}>"
    own = level is not None and not any(key[0] == "#" for key in inside)
    content = _content(inside, level + 1 if own and level is not None else None)
    if not any(content) and name.lower() not in _NEVER_SHORT:
        return f"<{name}{given}/>"
    if own and content and level is not None:
        indent = "\n" + "  " * level
        return f"<{name}{given}>{indent}  {(indent + '  ').join(content)}{indent}</{name}>"
    return f"<{name}{given}>{''.join(content)}</{name}>"


def _attribute(key: str, value: Any) -> str:
    name, equal, stated = key[1:].partition("=")
    if value is None and not equal:
        return f" {name}"
    return f' {name}="{stated if equal else html.escape(str(value))}"'
