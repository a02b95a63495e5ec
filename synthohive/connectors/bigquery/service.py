"""BigQuery's own client behind an engine: its settings, labels on jobs, errors without values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from sqlalchemy.engine import Connection
from sqlalchemy_bigquery.base import unnest

from synthohive.exceptions import ConnectorError, hide_secrets

__all__ = [
    "ERRORS",
    "client_of",
    "labelled",
    "default_dataset",
    "labels",
    "reason",
    "saying",
]

# The dialect puts an ``unnest`` of its own in place of SQLAlchemy's, for every engine, and does not
# say that statements with it may be cached: reflection of PostgreSQL then warns.
unnest.inherit_cache = True

ERRORS: tuple[type[BaseException], ...] = (GoogleAPIError, GoogleAuthError)
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|(?<=[Vv]alue: ).+""", re.DOTALL)
_OF_NAMES = re.compile(
    r"not found|notFound|already exists|access denied|permission|not authorized|location|quota"
    r"|syntax error|unrecognized name",
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


def labelled(connection: Connection) -> Connection:
    """Return a connection whose jobs say that they describe a dataset."""
    config = bigquery.QueryJobConfig(labels=labels(client_of(connection), "describe"))
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
    if not _OF_NAMES.search(text):
        text = _QUOTED.sub("'…'", text)
    return hide_secrets(text).rstrip(". ") or type(exc).__name__


@contextmanager
def saying(doing: str) -> Iterator[None]:
    """Turn the client's errors into one that says what was done."""
    try:
        yield
    except ERRORS as exc:
        raise ConnectorError(f"BigQuery failed while {doing}: {reason(exc)}.") from None
