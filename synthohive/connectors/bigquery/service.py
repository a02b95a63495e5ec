"""BigQuery's own client behind an engine: its settings, labels on jobs, errors without values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from requests.exceptions import RequestException
from sqlalchemy.engine import Connection
from sqlalchemy_bigquery.base import unnest

from synthohive.connectors.bigquery import CAPABILITIES
from synthohive.exceptions import HIDDEN_VALUE, ConnectorError, hide_secrets

__all__ = [
    "ERRORS",
    "client_of",
    "labelled",
    "default_dataset",
    "labels",
    "query_config",
    "reason",
    "saying",
]

# The dialect puts an ``unnest`` of its own in place of SQLAlchemy's, for every engine, and does not
# say that statements with it may be cached: reflection of PostgreSQL then warns.
unnest.inherit_cache = True

ERRORS: tuple[type[BaseException], ...] = (GoogleAPIError, GoogleAuthError, RequestException)
_VALUES = re.compile(r"""'.*'|".*"|(?<=[a-z]: ).+""", re.DOTALL)
# By their first words: what a value may be part of may have any word in it.
_OF_NAMES = re.compile(
    r"not found|already exists|access denied|permission|syntax error|unrecognized name"
    r"|(?:custom )?quota|exceeded|query exceeded|resources exceeded|response too large|cannot read"
    r"|invalid (?:project|dataset|table|snapshot)|no snapshot|bigquery api|user does not have"
    r"|(?:the )?(?:project|billing)|labels?\b|dataset \S+ was not found",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"^\d{3} |(?:GET|POST|PUT|PATCH|DELETE) https?://\S+\s*")


def client_of(connection: Connection) -> bigquery.Client:
    """Return the client of a connection."""
    dbapi: Any = connection.connection.dbapi_connection
    client: bigquery.Client = dbapi._client
    return client


def default_dataset(connection: Connection) -> Optional[str]:
    """Return the dataset that unqualified names are looked up in."""
    named: Optional[str] = getattr(connection.dialect, "dataset_id", None)
    config: Any = client_of(connection).default_query_job_config
    place = config.default_dataset if config is not None else None
    return named or (place.dataset_id if place is not None else None)


def labels(client: bigquery.Client, doing: str) -> dict[str, str]:
    """Return the labels of a job: the user's own, and what it is for.

    Parameters
    ----------
    client : google.cloud.bigquery.Client
        Its default job may have labels (``labels=team:shop`` in the URL).
    doing : {"describe", "read", "load", "prove", "publish"}
    """
    config: Any = client.default_query_job_config
    return {**(config.labels if config is not None else {}), "synthohive": doing}


def query_config(client: bigquery.Client, doing: str, **more: Any) -> bigquery.QueryJobConfig:
    """Return the settings of a query: its labels, and UTC, whatever zone the project prefers.

    Else a DATETIME that is cast to a moment would be one of that zone.

    Parameters
    ----------
    client : google.cloud.bigquery.Client
    doing
        As of :func:`labels`.
    **more
        Further settings of a QueryJobConfig.
    """
    own = client.default_query_job_config
    kept = [] if own is None else [p for p in own.connection_properties if p.key != "time_zone"]
    config = bigquery.QueryJobConfig(labels=labels(client, doing), **more)
    config.connection_properties = [*kept, bigquery.ConnectionProperty("time_zone", "UTC")]
    return config


def labelled(connection: Connection) -> Connection:
    """Return a connection whose jobs say that they describe a dataset."""
    config = query_config(client_of(connection), "describe")
    return connection.execution_options(job_config=config)


def reason(exc: BaseException) -> str:
    """Return BigQuery's message without addresses and the values that it quotes.

    Examples
    --------
    >>> from google.api_core.exceptions import BadRequest
    >>> reason(BadRequest("Invalid date: 'Ada Lovelace'"))
    "Invalid date: '…'"
    """
    text = str(getattr(exc, "message", "") or exc).strip().split("\n")[0]
    text = _ADDRESS.sub("", text).partition("; reason: ")[0].lstrip(": ")
    if not _OF_NAMES.match(text):
        text = _VALUES.sub(HIDDEN_VALUE, text)
    return hide_secrets(text).rstrip(". ") or type(exc).__name__


@contextmanager
def saying(doing: str) -> Iterator[None]:
    """Turn the client's errors into one that says what was done."""
    try:
        yield
    except ERRORS as exc:
        said = reason(exc)
        raise ConnectorError(
            f"BigQuery failed while {doing}: {said}.", hint=CAPABILITIES.remedy(said, "…")
        ) from None
