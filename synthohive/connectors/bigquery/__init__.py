"""BigQuery: read by Arrow batches, loaded from Parquet into a staging dataset, copied by jobs."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities(
    "sqlalchemy-bigquery",
    "bigquery",
    several_schemas=False,
    login_errors=("google.auth.exceptions.GoogleAuthError",),
    denials=(
        ("bigquery\\.jobs\\.create", "the role roles/bigquery.jobUser on the project"),
        ("bigquery\\.datasets\\.(?:create|delete)", "the role roles/bigquery.user on the project"),
        ("bigquery\\.readsessions", "the role roles/bigquery.readSessionUser on the project"),
        (
            "bigquery\\.tables\\.(?:create|updateData|update|delete)",
            "GRANT `roles/bigquery.dataEditor` ON SCHEMA {place}",
        ),
        (
            "(?i)permission to query|bigquery\\.tables\\.get|bigquery\\.datasets\\.get",
            "GRANT `roles/bigquery.dataViewer` ON SCHEMA {place}",
        ),
    ),
)
