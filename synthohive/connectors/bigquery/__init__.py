"""BigQuery: read by Arrow batches, loaded from Parquet into a staging dataset, copied by jobs."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_PLAIN = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.BOOLEAN, ColumnKind.DATE)
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID)
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT)
ASKING = Asking(
    values={
        **dict.fromkeys((*_PLAIN, ColumnKind.TIMESTAMP), "({0})"),
        **dict.fromkeys(_TEXTS, "COLLATE({0}, '')"),  # whatever its collation
        ColumnKind.FLOAT: "IF(IS_NAN({0}) OR IS_INF({0}), NULL, {0})",
    },
    numbers={
        **dict.fromkeys(_NUMBERS, "CAST({0} AS FLOAT64)"),
        ColumnKind.DATE: "(UNIX_DATE({0}) * 86400e0)",
        ColumnKind.TIMESTAMP: "(UNIX_MICROS(CAST({0} AS TIMESTAMP)) / 1e6)",
    },
    distinct="APPROX_COUNT_DISTINCT({0})",
    quantile="APPROX_QUANTILES({0}, 1000)[OFFSET(CAST({1} * 1000 AS INT64))]",
)

CAPABILITIES = Capabilities(
    "sqlalchemy-bigquery",
    "bigquery",
    several_schemas=False,
    asking=ASKING,
    past=(
        "(?i)invalid snapshot time|no snapshot found|cannot read before",
        "BigQuery keeps a table's past for its dataset's max_time_travel_hours (168, or 48 at "
        "least), and none of a table that was made anew. Lengthen it (ALTER SCHEMA … SET OPTIONS "
        "(max_time_travel_hours = 168)), or fit with a smaller sample_size.",
    ),
    driver_errors=(
        "google.auth.exceptions.GoogleAuthError",
        "google.api_core.exceptions.GoogleAPIError",
        "requests.exceptions.RequestException",
    ),
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
    remedies=(
        (
            "(?i)quota|rate limit|too many",
            "Nothing is wrong with the tables: run again later, or have the quota raised (IAM & "
            "Admin, Quotas).",
        ),
        (
            "(?i)limit for bytes billed",
            "Raise maximum_bytes_billed in the URL, or read less: exclude=[…].",
        ),
        (
            "(?i)resources exceeded|response too large",
            "A table is too large for one query there: leave it out with exclude=[…].",
        ),
        (
            "(?i)not found: (?:project|dataset|location)|in location|invalid project|locations?:",
            "Check project and dataset of the URL, bigquery://project/dataset, and its region: "
            "…?location=EU.",
        ),
        (
            "(?i)credentials|reauthentication|refresh|invalid_grant|token|service account",
            "Check the login: `gcloud auth application-default login`, or credentials_path=… in "
            "the URL.",
        ),
    ),
)
