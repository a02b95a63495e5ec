"""Every engine, at the level of the user's verbs: an engine names its place, and inherits all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import Engine, create_engine

from synthohive.connectors.registry import ENGINES, spelling
from tests import toy_engine
from tests.conftest import fresh_schema
from tests.contracts.engine import EngineContract, Place
from tests.evidence import SERVER, runs


def of_server(engine: Engine) -> Iterator[Place]:
    with fresh_schema(engine) as schema:
        yield Place(engine, schema)


@pytest.mark.integration
@runs("PostgreSQL", SERVER)
class TestPostgresql(EngineContract):
    partial_indexes: ClassVar[bool] = True

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, postgres_engine: Engine) -> Iterator[Place]:
        yield from of_server(postgres_engine)


@pytest.mark.integration
@runs("MySQL", SERVER)
class TestMysql(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, mysql_engine: Engine) -> Iterator[Place]:
        yield from of_server(mysql_engine)


@pytest.mark.integration
@runs("MariaDB", SERVER)
class TestMariadb(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, mariadb_engine: Engine) -> Iterator[Place]:
        yield from of_server(mariadb_engine)


@runs("DuckDB", SERVER)
class TestDuckdb(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
        pytest.importorskip("duckdb_sqlalchemy")
        engine = create_engine(f"duckdb:///{tmp_path_factory.mktemp('real') / 'real.duckdb'}")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA shop")
        yield Place(engine, "shop")
        engine.dispose()


class FileContract(EngineContract):
    """Of engines whose schema is a file."""

    partial_indexes: ClassVar[bool] = True
    scheme: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
        engine = create_engine(f"{cls.scheme}:///{tmp_path_factory.mktemp('real') / 'real.db'}")
        yield Place(engine)
        engine.dispose()

    @classmethod
    def beside(cls, source: Place) -> Place:
        file = Path(str(source.engine.url.database))
        return Place(
            create_engine(source.engine.url.set(database=str(file.with_name("real_synthetic.db"))))
        )


@runs("SQLite", SERVER)
class TestSqlite(FileContract):
    scheme = "sqlite"


class TestToy(FileContract):
    """An engine is one folder and one line in the registry: nothing else knows of this one."""

    scheme = "toy"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def installed(cls) -> Iterator[None]:
        toy_engine.install()
        yield
        del ENGINES["toy"]

    def test_its_own_spelling_is_used(self) -> None:
        assert spelling("toy").quote("a") == "`a`"
