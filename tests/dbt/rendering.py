"""Renders the package's statistics and tests without dbt, for engines that have no adapter here.

The macros are the package's own files; what stands in for dbt is `return`, `adapter.dispatch`
with the search order of dbt's adapters, and what little tests ask of it beside. No name may be
undefined, as it may in dbt.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).resolve().parents[2]
PARENTS = {"redshift": "postgres", "databricks": "spark"}


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


def _return(value: Any) -> None:
    raise _Returned(value)


def _refuse(said: str) -> None:
    raise ValueError(said)


def _relation(**parts: str) -> str:
    return ".".join(parts[part] for part in ("database", "schema", "identifier"))


def source(path: Path) -> str:
    """Return a file of macros, its tests as dbt reads them: as macros of another name."""
    text = path.read_text(encoding="utf-8")
    return text.replace("{% test ", "{% macro test_").replace("endtest", "endmacro")


class Macros:
    """The macros of the adapters, statistics and generic tests for one adapter type.

    Each is called as in dbt: ``Macros("duckdb").ks("candidate", "reference", "amount")``, a generic
    test by its macro's name: ``Macros("duckdb").test_unique_key("candidate", ["id"])``.
    """

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        environment = Environment(undefined=StrictUndefined, extensions=["jinja2.ext.do"])
        environment.globals.update(
            synthohive=self,
            adapter=_Adapter(self, adapter),
            exceptions=SimpleNamespace(raise_compiler_error=_refuse),
            execute=False,
            flags=SimpleNamespace(WHICH="test", EMPTY=False),
            modules=SimpleNamespace(re=re),
            dbt=SimpleNamespace(date_trunc="date_trunc('{0}', {1})".format),
            api=SimpleNamespace(Relation=SimpleNamespace(create=_relation)),
            target=SimpleNamespace(type=adapter, database="db", schema="raw"),
            var=lambda name, default: default,
            **{"return": _return},
        )
        self._found: dict[str, Callable[..., Any]] = {}
        for folder in ("adapters", "statistics", "operations", "generic_tests"):
            for path in sorted((ROOT / "macros" / folder).glob("*.sql")):
                module = environment.from_string(source(path)).module
                for name, value in vars(module).items():
                    if callable(value) and not name.startswith("_"):
                        self._found[name] = value

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        macro = self._found[name]

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return macro(*args, **kwargs)
            except _Returned as returned:
                return returned.value

        return call

    def has(self, name: str) -> bool:
        return name in self._found


class _Adapter:
    def __init__(self, macros: Macros, name: str) -> None:
        self._macros, self._name = macros, name

    def dispatch(self, macro: str, package: str) -> Callable[..., Any]:
        assert package == "synthohive"
        for prefix in (self._name, PARENTS.get(self._name), "default"):
            if prefix and self._macros.has(f"{prefix}__{macro}"):
                found: Callable[..., Any] = getattr(self._macros, f"{prefix}__{macro}")
                return found
        raise AssertionError(f"no macro {macro} for {self._name}")
