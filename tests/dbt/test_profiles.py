"""From dbt's profiles.yml to an engine."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

import dbt_synthohive.profiles
from dbt_synthohive import connection_url, engine_from_profile, read_profile
from synthohive import ConnectorError

SECRET = "p@ss/w:or#d?&%"
PROFILES = """
shop:
  target: "{{ var('where', 'dev') }}"
  outputs:
    dev: {type: duckdb, path: shop.duckdb, schema: main}
    prod:
      type: postgres
      host: "{{ env_var('SHOP_HOST', 'db.example') }}"
      port: "{{ env_var('SHOP_PORT', '5433') | as_number }}"
      user: me
      password: "{{ env_var('SHOP_PASSWORD') }}"
      dbname: shop
      schema: analytics
      threads: 4
    other: {type: teradata, host: h}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", "utf-8")
    (tmp_path / "profiles.yml").write_text(PROFILES, "utf-8")
    return tmp_path


@pytest.fixture(params=["dbt", "by hand"])
def resolved_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Resolve by dbt's own code, and as where no adapter is installed."""
    if request.param == "by hand":
        monkeypatch.setattr(dbt_synthohive.profiles, "_by_dbt", lambda *_: None)
    return str(request.param)


def test_environment_and_password_survive(
    project: Path, resolved_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    url = engine_from_profile(project, target="prod").url
    assert (url.drivername, url.host, url.port) == ("postgresql+psycopg2", "db.example", 5433)
    assert (url.username, url.password, url.database) == ("me", SECRET, "shop")
    assert make_url(url.render_as_string(hide_password=False)).password == SECRET


def test_the_default_target_is_a_file_beside_the_project(project: Path, resolved_by: str) -> None:
    assert read_profile(project).target == "dev"
    engine = engine_from_profile(project)
    assert engine.url.database == str(project / "shop.duckdb")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_secrets_stay_out_of_sight(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    with caplog.at_level(logging.DEBUG):
        profile = read_profile(project, target="prod")
        engine = engine_from_profile(project, target="prod")
    seen = f"{profile!r} {profile} {engine!r} {engine.url} {caplog.text}"
    assert SECRET not in seen
    (project / "profiles.yml").write_text(f'shop: {{password: "{SECRET}, outputs: [', "utf-8")
    with pytest.raises(ConnectorError, match=r"not valid YAML \(line 1\)") as caught:
        read_profile(project)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("prod", "environment variable 'SHOP_PASSWORD' is not set"),
        ("prd", "Did you mean 'prod'"),
        ("other", "type 'teradata' are not known"),
    ],
)
def test_what_is_missing_is_named(project: Path, target: str, said: str) -> None:
    with pytest.raises(ConnectorError, match=said):
        engine_from_profile(project, target=target)


def test_missing_files_and_names_are_named(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ConnectorError, match="is no dbt project"):
        read_profile(empty)
    with pytest.raises(ConnectorError, match=r"no profiles\.yml in .*empty"):
        read_profile(project, profiles_dir=empty)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(empty))
    with pytest.raises(ConnectorError, match=r"no profiles\.yml in .*empty"):
        read_profile(project)
    monkeypatch.delenv("DBT_PROFILES_DIR")
    (project / "dbt_project.yml").write_text("name: shop\nprofile: shoppe\n", "utf-8")
    with pytest.raises(ConnectorError, match="Did you mean 'shop'"):
        read_profile(project)


def test_postgres_for_real(
    project: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, resolved_by: str
) -> None:
    url = make_url(postgres_url)
    monkeypatch.setenv("SHOP_PASSWORD", url.password or "")
    monkeypatch.setenv("SHOP_HOST", url.host or "")
    monkeypatch.setenv("SHOP_PORT", str(url.port))
    profiles = (
        (project / "profiles.yml").read_text("utf-8").replace("user: me", f"user: {url.username}")
    )
    profiles = profiles.replace(
        "dbname: shop", f"dbname: {url.database}\n      search_path: a, public"
    )
    (project / "profiles.yml").write_text(profiles, "utf-8")
    engine = engine_from_profile(project, target="prod")
    with engine.connect() as connection:
        assert connection.execute(text("SHOW search_path")).scalar() == "a,public"
    engine.dispose()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            {"type": "redshift", "host": "h", "user": "u", "password": "p", "dbname": "d"},
            "redshift+psycopg2://u:p@h:5439/d",
        ),
        (
            {
                "type": "snowflake", "account": "ab12", "user": "u", "password": "p/q",
                "database": "DB", "schema": "S", "warehouse": "W", "role": "R",
            },
            "snowflake://u:p%2Fq@ab12/DB/S?role=R&warehouse=W",
        ),
        (
            {"type": "bigquery", "project": "p", "dataset": "d", "location": "EU"},
            "bigquery://p/d?location=EU",
        ),
        (
            {"type": "mysql", "server": "h", "username": "u", "password": "p", "schema": "s"},
            "mysql+pymysql://u:p@h:3306/s?local_infile=1",
        ),
        (
            {"type": "databricks", "host": "h", "token": "t", "http_path": "/x", "catalog": "c"},
            "databricks://token:t@h?catalog=c&http_path=%2Fx",
        ),
        (
            {"type": "sqlite", "schema": "main", "schemas_and_paths": {"main": "/tmp/a.db"}},
            "sqlite:////tmp/a.db",
        ),
        ({"type": "duckdb"}, "duckdb:///%3Amemory%3A"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_adapter(output: dict[str, object], expected: str) -> None:
    assert connection_url(output).render_as_string(hide_password=False) == expected


def test_an_incomplete_output_is_refused() -> None:
    with pytest.raises(ConnectorError, match="has no 'host'"):
        connection_url({"type": "postgres", "user": "u", "dbname": "d"})
    with pytest.raises(ConnectorError, match="port"):
        connection_url({"type": "postgres", "user": "u", "host": "h", "dbname": "d", "port": "x"})
