"""What an engine can do, as data, so that shared code asks and never compares names."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Capabilities"]


@dataclass(frozen=True)
class Capabilities:
    """Facts about one engine.

    Attributes
    ----------
    enforces_keys : bool
        The engine refuses orphans and repeated keys itself.
    transactional_ddl : bool
        CREATE, ALTER and RENAME roll back.
    alter_add_constraint : bool
        Keys can be added after the load; otherwise they stand in CREATE TABLE.
    schemas_are_databases : bool
        "Schema" means a database of the server (MySQL).
    schema_is_file : bool
        "Schema" means a database file (SQLite).
    comments : bool
        Tables and columns carry comments.
    max_identifier : int
        Longest identifier, in bytes.
    """

    name: str
    enforces_keys: bool = True
    transactional_ddl: bool = False
    alter_add_constraint: bool = True
    schemas_are_databases: bool = False
    schema_is_file: bool = False
    comments: bool = True
    max_identifier: int = 63
