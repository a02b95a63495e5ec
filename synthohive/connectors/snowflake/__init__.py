"""Snowflake: read as Arrow, loaded from Parquet on an internal stage, swapped in by schema.

Snowflake declares keys and does not enforce them: the writer counts orphans and repeated values
in SQL before the swap, and refuses what breaks a key.
"""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

# Two schemas are swapped by two statements, each of which commits.
CAPABILITIES = Capabilities(
    "snowflake-sqlalchemy",
    "snowflake",
    connect_args=(("session_parameters", {"QUERY_TAG": "synthohive"}),),
    several_schemas=False,
)
