"""The engine's own DDL, as its catalogue keeps it."""

from __future__ import annotations

from synthohive.connectors.sqlite.ddl import clone

__all__ = ["clone"]
