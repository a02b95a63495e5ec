"""Databricks SQL: read as Arrow, loaded from Parquet on a volume, published by deep clones."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities(
    "databricks-sqlalchemy",
    "databricks",
    connect_args=(("user_agent_entry", "synthohive"),),
    several_schemas=False,
    denials=(
        (
            "does not have (?P<what>[A-Z ]+?) on (?P<kind>\\w+(?: \\w+)?) ['`](?P<it>[^'`]+)",
            "GRANT {what} ON {kind} {it} TO …",
        ),
    ),
)
