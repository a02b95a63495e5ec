"""Engines and datasets of BigQuery's stand-in, and of a real project where a URL names one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """Give an engine whose client talks to a stand-in: ``http://host:port?grpc=host:port``."""
    import grpc
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.services.big_query_read import transports

    rest, _, address = url.partition("?grpc=")
    client = bigquery.Client(
        project="local",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": rest},
        default_query_job_config=bigquery.QueryJobConfig(labels={"team": "tests"}),
    )
    channel = grpc.insecure_channel(address)
    storage = BigQueryReadClient(transport=transports.BigQueryReadGrpcTransport(channel=channel))
    engine = create_engine(
        "bigquery://local?user_supplied_client=True",
        connect_args={"client": client, "bqstorage_client": storage},
    )
    yield engine
    engine.dispose()
    channel.close()
    client.close()


@contextmanager
def fresh_dataset(engine: Engine) -> Iterator[str]:
    """Create a dataset, and drop it and what extends its name after."""
    from synthohive.connectors.bigquery.service import client_of

    name = f"t{secrets.token_hex(6)}"
    with engine.connect() as connection:
        client = client_of(connection)
    client.create_dataset(name)
    try:
        yield name
    finally:
        for found in client.list_datasets():
            if found.dataset_id.startswith(name):
                client.delete_dataset(found.reference, delete_contents=True, not_found_ok=True)
