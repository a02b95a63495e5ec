"""Rows with keys: joins, ancestors, siblings, blocks on disk, and random streams."""
