"""The types of a description, parsed and written again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Optional

from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import Refused

__all__ = ["vetted_type"]

_TOKEN = re.compile(
    r"""\s+|(?P<string>'(?:[^'\\]|''|\\.)*')|(?P<quoted>"(?:[^"]|"")+"|`(?:[^`]|``)+`)"""
    r"""|(?P<number>\d+)|(?P<word>[^\W\d]\w*)|(?P<mark>[(),\[\].])""",
    re.DOTALL,
)
_CLAUSES = frozenset(
    "primary key unique check default references generated always as collate not null constraint "
    "on comment autoincrement auto_increment stored virtual hidden invisible visible".split()
)


def vetted_type(sql: str, spelling: Spelling) -> Optional[str]:
    """Write a type anew; None where it is a type, but not one of the engine's own.

    Examples
    --------
    >>> from synthohive.connectors.registry import spelling
    >>> vetted_type("character varying( 20) COLLATE C", spelling("postgresql"))
    'CHARACTER VARYING(20) COLLATE "C"'
    >>> vetted_type("STRUCT(a INTEGER, b VARCHAR[])", spelling("duckdb"))
    'STRUCT("a" INTEGER, "b" VARCHAR[])'
    >>> vetted_type("mood", spelling("postgresql")) is None
    True

    Raises
    ------
    Refused
        It is more than a type.
    """
    parser = _Parser(_tokens(sql), spelling)
    found = parser.type()
    if parser.rest:
        raise Refused(f"{parser.rest[0][1]!r} stands after the type")
    return found if parser.known else None


def _tokens(sql: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    end = 0
    while end < len(sql):
        match = _TOKEN.match(sql, end)
        if match is None or len(sql) > 100_000:
            raise Refused(f"{sql[end : end + 20]!r} is no part of a type")
        if match.lastgroup is not None:
            found.append((match.lastgroup, match[0]))
        end = match.end()
    return found


@dataclass
class _Parser:
    """Recursive descent over the tokens of a type; `rest` is what has not been read."""

    rest: list[tuple[str, str]]
    spelling: Spelling
    known: bool = True
    depth: int = field(default=0)

    def type(self) -> str:
        self.depth += 1
        if self.depth > 40:
            raise Refused("it is nested too deep")
        words, own = self._words(), self._qualified()
        parameters = self._parameters(words)
        words_after = self._words()
        self._check_name([*words, *words_after], own)
        found = " ".join(word.upper() for word in words) + parameters
        found += "".join(f" {word.upper()}" for word in words_after)
        found += self._character_set()
        while self._next("mark", "["):
            size = self.rest.pop(0)[1] if self.rest and self.rest[0][0] == "number" else ""
            self._expect("]")
            found += f"[{size}]"
        self.depth -= 1
        return found

    def _next(self, kind: str, text: Optional[str] = None) -> bool:
        """Read a token if it is the one that is named."""
        if self.rest and self.rest[0][0] == kind and text in (None, self.rest[0][1].lower()):
            self.rest.pop(0)
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._next("mark", text):
            raise Refused(f"{text!r} is missing in the type")

    def _words(self) -> list[str]:
        found = []
        while self.rest and self.rest[0][0] == "word" and not self._at_character_set():
            found.append(self.rest.pop(0)[1])
        return found

    def _at_character_set(self) -> bool:
        words = [text.lower() for _, text in self.rest[:2]]
        return words[:1] == ["collate"] or words in (["character", "set"], ["charset", "utf8mb4"])

    def _qualified(self) -> bool:
        """Read a name with quotes or a schema, which only types of a user have."""
        found = False
        while self.rest and (self.rest[0][0] == "quoted" or self.rest[0][1] == "."):
            self.rest.pop(0)
            self._next("word")
            found = True
        return found

    def _check_name(self, words: list[str], own: bool) -> None:
        lower = [word.lower() for word in words]
        if own:
            self.known = False
            return
        if not words or set(lower) & _CLAUSES:
            raise Refused(f"{' '.join(words)!r} is no name of a type")
        names = self.spelling.type_names
        name = " ".join(w for w in lower if w not in self.spelling.type_signs)
        if names is not None and name not in names:
            if len(words) > 1:
                raise Refused(f"{' '.join(words)!r} is no type of the engine")
            self.known = False

    def _parameters(self, words: list[str]) -> str:
        if not self._next("mark", "("):
            return ""
        found: list[str] = []
        while not self._next("mark", ")"):
            if found:
                self._expect(",")
            found.append(self._parameter(" ".join(words).lower()))
        return f"({', '.join(found)})"

    def _parameter(self, of: str) -> str:
        if not self.rest:
            raise Refused("')' is missing in the type")
        kind, text = self.rest[0]
        if kind == "number":
            self.rest.pop(0)
            unit = next((u for u in ("char", "byte") if self._next("word", u)), "")  # Oracle's
            return f"{text} {unit.upper()}".rstrip()
        if kind == "string" and of in ("enum", "set"):
            self.rest.pop(0)
            return self.spelling.literal(self._value(text))
        if of in ("struct", "union") and kind in ("word", "quoted"):
            self.rest.pop(0)
            name = text[1:-1].replace('""', '"') if kind == "quoted" else text
            return f"{self.spelling.quote(name)} {self.type()}"
        if of in ("map", "list"):
            return self.type()
        raise Refused(f"{text!r} is no parameter of a type")

    def _value(self, text: str) -> str:
        inner = text[1:-1].replace("''", "'")
        if self.spelling.backslashes:
            return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)
        return inner

    def _character_set(self) -> str:
        found = ""
        while self.rest and self._at_character_set():
            word = self.rest.pop(0)[1].lower()
            if word == "character":
                self.rest.pop(0)
            name = self._name()
            if word == "collate":
                found += f" COLLATE {self.spelling.collation(name)}"
            else:
                found += f" CHARACTER SET {name}"
        return found

    def _name(self) -> str:
        kind, text = self.rest.pop(0) if self.rest else ("", "")
        if kind == "word":
            return text
        if kind == "quoted" and self.spelling.quoted_collations:
            return text[1:-1].replace('""', '"')
        raise Refused(f"{text!r} is no name of a collation")
