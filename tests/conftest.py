"""Fixtures of real servers, and of fresh schemas on them."""

from __future__ import annotations

import gc
import os
import secrets
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.integration.servers import (
    Server,
    ServerUnavailable,
    bigquery_wanted,
    servers_required,
    start_bigquery,
    start_mariadb,
    start_mysql,
    start_postgres,
)

if "PYTEST_XDIST_WORKER" in os.environ:  # each of the processes has a core of its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")  # a fit starts no processes unless asked


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage among what tests make, not among what is there from the start to the end.

    That is most of what there is (modules, syntax trees, the tests themselves), and going over it
    again and again took a tenth of the run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop the counting of lines that pytest-cov begins before it knows that it is in a worker.

    It begins another one then, and forgets the first: which goes on whenever the other is paused.
    """
    plugin = session.config.pluginmanager.getplugin("_cov")
    if plugin and plugin.cov_controller and hasattr(session.config, "workerinput"):
        plugin.cov_controller.cov.stop()


_UNTRACED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, and trace few tests: it doubles their time.

    Lines are counted of tests that are not slow, each with the first of its parameters.
    """
    slow: Counter[Path] = Counter()
    traced: set[str] = set()
    for item in items:
        test = item.nodeid.partition("[")[0]
        if item.get_closest_marker("slow"):
            slow[item.path] += 1
        elif test not in traced:
            traced.add(test)
            continue
        item.stash[_UNTRACED] = True
    items.sort(key=lambda item: -slow[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trace neither a test that is not to be traced, nor what is set up for it first."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = plugin.cov_controller if plugin and item.stash.get(_UNTRACED, False) else None
    if controller is None:
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


_STARTED = pytest.StashKey[list[str]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that began the run which servers this one used."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["servers"] = session.config.stash.get(_STARTED, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a process that has ended."""
    started = node.config.stash.setdefault(_STARTED, [])
    started += getattr(node, "workeroutput", {}).get("servers", [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say on which servers the tests ran."""
    for line in sorted(set(config.stash.get(_STARTED, []))):
        terminalreporter.write_line(line)


@contextmanager
def _running(start: Callable[[], Server], config: pytest.Config) -> Iterator[str]:
    try:
        server = start()
    except ServerUnavailable as exc:
        if servers_required():
            pytest.fail(f"SYNTHOHIVE_REQUIRE_SERVERS=1, but {exc}", pytrace=False)
        pytest.skip(str(exc))
    name = start.__name__.replace("start_", "")
    config.stash.setdefault(_STARTED, []).append(f"{name}: {server.how}")
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL of a PostgreSQL superuser."""
    with _running(start_postgres, pytestconfig) as url:
        yield url


@pytest.fixture(scope="session")
def mysql_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL of a MySQL user who may create databases and use LOCAL INFILE."""
    with _running(start_mysql, pytestconfig) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL of a MariaDB user who may create databases and use LOCAL INFILE."""
    with _running(start_mariadb, pytestconfig) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    """Give an engine on the PostgreSQL server."""
    yield from _engine(postgres_url)


@pytest.fixture(scope="session")
def mysql_engine(mysql_url: str) -> Iterator[Engine]:
    """Give an engine on the MySQL server."""
    yield from _engine(mysql_url)


@pytest.fixture(scope="session")
def mariadb_engine(mariadb_url: str) -> Iterator[Engine]:
    """Give an engine on the MariaDB server."""
    yield from _engine(mariadb_url)


@pytest.fixture(scope="session")
def bigquery_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """Give an engine on the stand-in for BigQuery, whose rows come by the Storage Read API."""
    for package in ("sqlalchemy_bigquery", "db_dtypes"):
        pytest.importorskip(package)
    if not bigquery_wanted():
        pytest.skip("SYNTHOHIVE_TEST_BIGQUERY_IMAGE names no image")
    from tests.integration.bigquery_service import engine_of

    with _running(start_bigquery, pytestconfig) as url, engine_of(url) as engine:
        yield engine


def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_schema(postgres_engine: Engine) -> Iterator[str]:
    """Give the name of a fresh schema; it and all ``<name>…`` schemas are dropped after."""
    with fresh_schema(postgres_engine) as name:
        yield name


@pytest.fixture
def mysql_database(mysql_engine: Engine) -> Iterator[str]:
    """Give the name of a fresh database; it and all ``<name>…`` databases are dropped after."""
    with fresh_schema(mysql_engine) as name:
        yield name


@pytest.fixture
def mariadb_database(mariadb_engine: Engine) -> Iterator[str]:
    """Give the name of a fresh database; it and all ``<name>…`` databases are dropped after."""
    with fresh_schema(mariadb_engine) as name:
        yield name


@contextmanager
def fresh_schema(engine: Engine, name: Optional[str] = None) -> Iterator[str]:
    """Create a schema (MySQL: a database) and drop it, and what extends its name, after."""
    name = name or f"t{secrets.token_hex(6)}"
    quote = engine.dialect.identifier_preparer.quote_identifier
    cascade = "" if engine.dialect.name in ("mysql", "mariadb") else " CASCADE"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {quote(name)}"))
    try:
        yield name
    finally:
        query = text("SELECT schema_name FROM information_schema.schemata")
        with engine.begin() as connection:
            if not cascade:  # databases may refer to one another
                connection.execute(text("SET foreign_key_checks = 0"))
            for found in connection.execute(query).scalars().all():
                # Staging schemas may carry the name inside theirs.
                if name in found:
                    connection.execute(text(f"DROP SCHEMA {quote(found)}{cascade}"))
            if not cascade:
                connection.execute(text("SET foreign_key_checks = 1"))
