"""Events: quiet unless somebody listens."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from synthohive._logging import get_logger
from tests.events import captured_events


def test_listeners_get_every_event() -> None:
    with captured_events() as events:
        get_logger("synthohive.x").debug("small", table="t")
    assert events == [{"event": "small", "log_level": "debug", "table": "t"}]


def test_records_are_standard(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="synthohive"):
        get_logger("synthohive.x").info("kept", table="100%s")
        get_logger("synthohive.x").debug("small")
    (record,) = caplog.records
    assert (record.name, record.funcName) == (
        "synthohive.x",
        "test_records_are_standard",
    )
    assert record.getMessage() == "kept table='100%s'"


@pytest.mark.parametrize(
    ("asked", "printed"),
    [("", []), ("logging.basicConfig()", ["WARNING:synthohive.x:loud table='t'"])],
)
def test_nothing_is_printed_unless_asked(asked: str, printed: list[str]) -> None:
    code = (
        f"import logging; from synthohive._logging import get_logger; {asked}\n"
        "log = get_logger('synthohive.x'); log.info('quiet'); log.warning('loud', table='t')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr.splitlines()) == ("", printed)
