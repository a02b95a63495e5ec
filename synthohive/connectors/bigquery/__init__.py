"""BigQuery: read by Arrow batches, loaded from Parquet into a staging dataset, copied by jobs."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities(
    "sqlalchemy-bigquery",
    "bigquery",
    several_schemas=False,
    login_errors=("google.auth.exceptions.GoogleAuthError",),
)
