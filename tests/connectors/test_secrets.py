"""A password is in no error, and in nothing that an error came from, however it was passed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from synthohive import Metadata, SchemaValidationError, Synthesizer, SynthoHiveError
from synthohive.connectors.engines import shown
from synthohive.exceptions import hide_secrets

SECRET = "S3cr"
URLS = [
    "postgresql://u:S3cr@127.0.0.1:1/d",
    "mysql+pymysql://u:S3cr@127.0.0.1:1/d",
    "postgresql://u@127.0.0.1:1/d?password=S3cr",
    "postgresql://u@127.0.0.1:1/d?sslpassword=S3cr&sslmode=disable",
    "postgresql://u@127.0.0.1:1/d?who_knows=S3cr",
    "mysql://u@127.0.0.1:1/d?password=S3cr",
    "mysql://u@127.0.0.1:1/d?who_knows=S3cr",
    "mariadb://u@127.0.0.1:1/d?passwd=S3cr&port=x",
    "postgresql://u:p@S3cr@127.0.0.1:1/d",
    "postgresql://u:p@S3cr:et@127.0.0.1/d",
    "postgresql://u:p@S3cr/et@127.0.0.1/d",
    "postgresql://u:p@127.0.0.1:S3cr/d",
    "postgresql://u:p@S3cr?et@127.0.0.1/d",
    "postgresql:u:S3cr@127.0.0.1",
    "u:S3cr@127.0.0.1/d",
    "nothing://u:S3cr@127.0.0.1/d",
    "nothing://u@127.0.0.1/d?password=S3cr",
    "postgresql+nothing://u:S3cr@127.0.0.1/d",
    "sqlite:////nowhere/x.db?key=S3cr",
    "postgresql:///?dsn=host%3D127.0.0.1%20port%3D1%20password%3DS3cr",
    "postgresql://u@127.0.0.1:1/d?options=-c%20x%3DS3cr",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3DS3cr",
    "mysql://u:p@127.0.0.1:1/d?ssl_key_password=S3cr&ssl_ca=/nowhere",
    "://u:S3cr@h",
    "postgresql//u:S3cr@h",
    "host=127.0.0.1 port=1 password=S3cr",
    "Server=h;User Id=u;Password=S3cr;",
    "duckdb:////nowhere/x.db?motherduck_token=S3cr",
    "postgresql://u:%53%33cr@127.0.0.1:1/d",
    "postgresql://u:a b'S3cr\"@127.0.0.1:1/d",
]


def told(call: Callable[[], Any]) -> str:
    """Return all that an error shows: itself, its attributes, and the whole chain."""
    with pytest.raises(SynthoHiveError) as caught:
        call()
    error: Any = caught.value
    chain = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return f"{error} {error!r} {error.args} {vars(error)} {chain}"


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    frame = pd.DataFrame({"id": range(40), "x": [1, 2] * 20})
    synth = Synthesizer(Metadata().add_table("a", "id"), model="autoregressive")
    return synth.fit({"a": frame}, epochs=1, seed=1, progress=False, n_jobs=1)


@pytest.mark.filterwarnings("ignore:Query string")
@pytest.mark.filterwarnings("ignore:'passwd' is deprecated")
@pytest.mark.parametrize("url", URLS)
def test_urls(url: str, fitted: Synthesizer) -> None:
    for verb in (Metadata.from_database, Synthesizer.from_database, fitted.to_database):
        assert SECRET not in told(lambda verb=verb: verb(url))


@pytest.mark.parametrize("url", [URLS[0], *(url for url in URLS if "=" in url or "//u:" in url)])
def test_urls_in_the_place_of_paths_and_names(
    url: str, fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Synthesizer(Metadata().add_table("a", "id"))
    sqlite = f"sqlite:///{tmp_path}/x.db"
    pd.DataFrame({"id": [1]}).to_sql("a", create_engine(sqlite), index=False)
    frame = {"a": pd.DataFrame({"id": range(9)})}
    for call in (
        lambda: source.fit({"a": url}),
        lambda: source.fit(url),  # type: ignore[arg-type]
        lambda: source.fit(frame, checkpoint_dir=url),
        lambda: fitted.save(url),
        lambda: Synthesizer.load(url),
        lambda: fitted.sample(output_path=url, num_rows=5),
        lambda: fitted.generate_validation_report(frame, frame, url),
        lambda: Synthesizer.from_database(sqlite, schema=url),
        lambda: Metadata.from_database(sqlite, schema=url),
        lambda: fitted.to_database(sqlite, schema=url, num_rows=5),
        lambda: Metadata.from_json(url),
        lambda: Metadata.from_yaml(url),
        lambda: fitted.metadata.to_json(url),
        lambda: fitted.metadata.table(url),
        lambda: Synthesizer(Metadata().add_table("a", "id"), model=url).fit(frame),
    ):
        assert SECRET not in told(call)
    assert [p.name for p in tmp_path.iterdir()] == ["x.db"]


def test_what_is_shown_of_a_url() -> None:
    url = URL.create("postgresql", "ada", "S3cr", "h", 5, "d", {"sslmode": "require", "x": "S3cr"})
    assert shown(url) == "postgresql://ada:***@h:5/d?sslmode=require&x=***"
    assert SECRET not in str(SchemaValidationError([f"password=S3cr: {url.password}"][:0]))
    for text in ("a = b", "primary key = 3", "customers.password: TEXT", "12:30 a@b.org"):
        assert hide_secrets(text) == text
