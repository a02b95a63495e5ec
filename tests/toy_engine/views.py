"""Views and triggers, as its catalogue keeps them."""

from __future__ import annotations

from synthohive.connectors.sqlite.views import objects

__all__ = ["objects"]
