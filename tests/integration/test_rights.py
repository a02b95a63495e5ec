"""Roles with the rights of ``docs/security.md``: they are enough, and none of them is too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, create_engine

from synthohive import Synthesizer
from synthohive.connectors.sql import SqlWarehouse
from synthohive.exceptions import ConnectorError
from tests.conftest import fresh_schema
from tests.contracts.engine import KEEP, Place, fill

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD = "aB3-only-here"


def stated(title: str) -> list[str]:
    """Return the GRANTs of a block of the documentation, each privilege by itself."""
    block = re.search(rf'```sql title="{title}"\n(.+?)```', DOCUMENT.read_text(), re.DOTALL)
    assert block is not None
    found = []
    for line in block[1].strip().splitlines():
        rights, _, rest = line.removeprefix("GRANT ").partition(" ON ")
        found += [f"GRANT {right} ON {rest.rstrip(';')}" for right in rights.split(", ")]
    return found


@dataclass
class Role:
    """Someone with a login, at first without any right."""

    place: Place
    name: str
    engine: Engine

    def run(self, statements: Sequence[str]) -> None:
        assert self.place.schema is not None
        real = {
            "shop": self.place.schema,
            "synth": self.name,
            "warehouse": str(self.place.engine.url.database),
        }
        for sql in statements:
            self.place.run(
                re.sub(r"\b(shop|synth|warehouse)(?=\b|\\|_)", lambda m: real[m[1]], sql)
            )

    def refused(self, missing: str, do: Any) -> str:
        """Return the message of the error without a right, which is given back then."""
        self.run([missing.replace("GRANT", "REVOKE").replace(" TO ", " FROM ")])
        self.engine.dispose()
        try:
            do()
            said = f"the right {missing} is not needed"
        except ConnectorError as exc:
            said = str(exc).replace(PASSWORD, "the password is shown")
        finally:
            self.run([missing])
            self.engine.dispose()
        return said


class Rights:
    """Inherit, and name an engine."""

    family: ClassVar[str]
    reads: ClassVar[str]

    @staticmethod
    @contextmanager
    def role(server: Engine) -> Iterator[Role]:
        raise NotImplementedError

    @pytest.mark.slow
    def test_the_stated_rights_are_enough_and_none_is_too_much(self, server: Engine) -> None:
        with self.role(server) as role:
            read, write = stated(f"{self.reads}: read"), stated(f"{self.family}: write")
            role.run([*read, *write])

            def described() -> Synthesizer:
                return Synthesizer.from_database(
                    role.engine, role.place.schema, privacy_config=KEEP
                )

            synth = described().fit(epochs=1, seed=1, progress=False, n_jobs=1, target=False)
            for how in ("fail", "replace"):
                summary = synth.to_database(seed=3, if_exists=how)
                assert summary.orphans == 0
                assert all(key.enforced for key in summary.keys)
            for right in write:
                name = right.partition(" ON ")[0]
                said = role.refused(right, lambda: synth.to_database(seed=3, if_exists="replace"))
                assert name in said, said
                assert "is shown" not in said
                assert "not needed" not in said
            for right in read:
                name = right.partition(" ON ")[0]
                said = role.refused(right, lambda: self.read_all(described().metadata, role))
                assert name in said, said
                assert "is shown" not in said
                assert "not needed" not in said

    @staticmethod
    def read_all(metadata: Any, role: Role) -> None:
        warehouse = SqlWarehouse(role.engine, role.place.schema, metadata=metadata)
        for table in metadata.tables:
            list(warehouse.read(table))


@pytest.mark.integration
class TestPostgresql(Rights):
    family = reads = "PostgreSQL"

    @pytest.fixture
    def server(self, postgres_engine: Engine) -> Engine:
        return postgres_engine

    @staticmethod
    @contextmanager
    def role(server: Engine) -> Iterator[Role]:
        with fresh_schema(server) as schema:
            place, name = Place(server, schema), f"{schema}_role"
            fill(place)
            place.run(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
            engine = create_engine(server.url.set(username=name, password=PASSWORD))
            try:
                yield Role(place, name, engine)
            finally:
                engine.dispose()
                place.run(f"DROP OWNED BY {name} CASCADE")
                place.run(f"DROP ROLE {name}")

    def test_reading_locks_nobody_out(self, server: Engine) -> None:
        with fresh_schema(server) as schema:
            place = Place(server, schema)
            fill(place)
            held = (
                "SELECT string_agg(DISTINCT l.mode, ',') FROM pg_locks l JOIN pg_class c "
                f"ON c.oid = l.relation WHERE c.relnamespace = '{schema}'::regnamespace"
            )
            rows = SqlWarehouse(server, schema).read("orders")
            next(rows)
            assert place.ask(held) in ("AccessShareLock", None)
            rows.close()  # type: ignore[attr-defined]
            assert place.ask(held) is None


class MysqlRights(Rights):
    family = reads = "MySQL"

    @staticmethod
    @contextmanager
    def role(server: Engine) -> Iterator[Role]:
        with fresh_schema(server) as schema:
            place, name = Place(server, schema), f"{schema}_r"
            fill(place)
            place.run(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'")
            url = server.url.set(username=name, password=PASSWORD, database=schema)
            engine = create_engine(url)
            try:
                yield Role(place, name, engine)
            finally:
                engine.dispose()
                place.run(f"DROP USER '{name}'@'%'")


@pytest.mark.integration
class TestMysql(MysqlRights):
    @pytest.fixture
    def server(self, mysql_engine: Engine) -> Engine:
        return mysql_engine


@pytest.mark.integration
class TestMariadb(MysqlRights):
    family = "MariaDB"

    @pytest.fixture
    def server(self, mariadb_engine: Engine) -> Engine:
        return mariadb_engine
