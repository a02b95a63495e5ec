"""Comments stay behind on real servers where they are to, and nothing else does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import PrivacyConfig, Synthesizer

# In each place where an engine takes one, among texts that only look like comments.
POSTGRESQL = """
CREATE TYPE {schema}.mood AS ENUM ('sad', 'COMMENT ''x''');
CREATE DOMAIN {schema}.positive AS integer CHECK (VALUE > 0);
CREATE TABLE {schema}.people (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "-- who" varchar(20) DEFAULT '-- no /* x */',
    age {schema}.positive, feeling {schema}.mood, CONSTRAINT old CHECK (age < 200)
);
CREATE INDEX people_age ON {schema}.people (age);
COMMENT ON SCHEMA {schema} IS 'Ada';
COMMENT ON TYPE {schema}.mood IS 'Ada';
COMMENT ON DOMAIN {schema}.positive IS 'Ada';
COMMENT ON TABLE {schema}.people IS 'as Ada''s \\ said';
COMMENT ON COLUMN {schema}.people.age IS 'of Ada';
COMMENT ON INDEX {schema}.people_age IS 'Ada';
COMMENT ON CONSTRAINT old ON {schema}.people IS 'Ada';
INSERT INTO {schema}.people ("-- who", age, feeling)
SELECT 'x', 1 + i / 7, 'sad' FROM generate_series(1, 40) i"""

MYSQL = """
CREATE TABLE {schema}.people (
    id int AUTO_INCREMENT PRIMARY KEY COMMENT 'Ada', `-- who` varchar(20) DEFAULT '-- no /* x */',
    age int COMMENT 'of Ada''s, \\\\ (said)', feeling enum('sad','COMMENT ''x''') COMMENT 'Ada, x',
    KEY people_age (age) COMMENT 'Ada', CONSTRAINT old CHECK (age < 200)
) COMMENT = 'as Ada said' ENGINE = InnoDB;
INSERT INTO {schema}.people (`-- who`, age, feeling) VALUES """ + ", ".join(
    f"('x', {1 + i % 7}, 'sad')" for i in range(40)
)


def made(engine: Engine, schema: str, *, keep: bool) -> str:
    """Write the synthetic schema; return its name."""
    privacy = PrivacyConfig(keep_comments=keep)
    synth = Synthesizer.from_database(engine, schema, privacy_config=privacy)
    synth.fit(epochs=1, seed=1, progress=False, n_jobs=1)
    target = f"{schema}_synthetic"
    synth.to_database(schema=target, seed=1, if_exists="replace")
    return target


@pytest.mark.parametrize("keep", [True, False])
def test_postgresql(postgres_engine: Engine, postgres_schema: str, keep: bool) -> None:
    with postgres_engine.begin() as connection:
        connection.exec_driver_sql(POSTGRESQL.format(schema=postgres_schema))
    target = made(postgres_engine, postgres_schema, keep=keep)
    of_objects = sa.text(
        "SELECT obj.identity, d.description FROM pg_description d, "
        "pg_identify_object(d.classoid, d.objoid, d.objsubid) AS obj "
        "WHERE d.description LIKE '%Ada%' AND obj.identity LIKE :target"
    )
    columns = sa.text(
        "SELECT column_name, column_default FROM information_schema.columns "
        "WHERE table_schema = :target AND table_name = 'people' ORDER BY ordinal_position"
    )
    with postgres_engine.connect() as connection:
        found = connection.execute(of_objects, {"target": f"%{target}%"}).all()
        defaults = dict(connection.execute(columns, {"target": target}).all())
        labels = connection.execute(sa.text(f"SELECT enum_range(NULL::{target}.mood)::text"))
        assert labels.scalar_one() == "{sad,\"COMMENT 'x'\"}"
    texts = {text for _, text in found}
    assert ({"as Ada's \\ said", "of Ada"} <= texts) if keep else not texts
    assert str(defaults["-- who"]).startswith("'-- no /* x */'")


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("server", ["mysql", "mariadb"])
def test_mysql(server: str, keep: bool, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(f"{server}_engine")
    schema: str = request.getfixturevalue(f"{server}_database")
    with engine.begin() as connection:
        for statement in MYSQL.format(schema=schema).split(";\n"):
            connection.exec_driver_sql(statement)
    target = made(engine, schema, keep=keep)
    with engine.connect() as connection:
        row = connection.exec_driver_sql(f"SHOW CREATE TABLE {target}.people").one()
    sql = str(row[1])
    assert sql.count("Ada") == (5 if keep else 0)
    assert "enum('sad','COMMENT ''x''')" in sql
    assert "DEFAULT '-- no /* x */'" in sql
    assert "KEY `people_age` (`age`)" in sql
