"""Events: quiet unless somebody listens."""

from __future__ import annotations

import subprocess
import sys

from structlog.testing import capture_logs

from synthohive._logging import get_logger


def test_listeners_get_every_event() -> None:
    with capture_logs() as logs:
        get_logger("synthohive.x").debug("small", table="t")
    assert logs == [
        {"module": "synthohive.x", "table": "t", "event": "small", "log_level": "debug"}
    ]


def test_unconfigured_only_warnings_are_printed() -> None:
    code = (
        "import structlog; from synthohive._logging import get_logger\n"
        "log = get_logger('synthohive.x'); log.info('quiet'); log.warning('loud')\n"
        "structlog.get_logger().info('of the application')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "quiet" not in done.stdout
    assert "loud" in done.stdout
    assert "of the application" in done.stdout
