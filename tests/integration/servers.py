"""Start a real PostgreSQL, MySQL or MariaDB for the tests, whatever this machine offers.

In this order: a URL from the environment; Testcontainers, where a Docker API socket
answers; the server's own binaries, run in a temporary directory by an unprivileged user.
"""

from __future__ import annotations

import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

POSTGRES_IMAGE = os.environ.get("SYNTHOHIVE_TEST_POSTGRES_IMAGE", "postgres:17")
BIGQUERY_IMAGE = os.environ.get("SYNTHOHIVE_TEST_BIGQUERY_IMAGE")  # no registry has one
MYSQL_IMAGE = os.environ.get("SYNTHOHIVE_TEST_MYSQL_IMAGE", "mysql:9")

_SERVER_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/mysql/bin")
_READY_SECONDS = 60.0


class ServerUnavailable(Exception):
    """No way to start this server works here; the message says why each one failed."""


class ContainerFailed(ServerUnavailable):
    """An engine answers, but the container does not start."""


@dataclass
class Server:
    """A server that answers, how it was started, and what ends it."""

    url: str
    how: str
    _cleanup: ExitStack = field(default_factory=ExitStack, repr=False)

    def stop(self) -> None:
        """End the server and remove what it left."""
        self._cleanup.close()


def servers_required() -> bool:
    """Return whether a missing server is a failure instead of a reason to skip."""
    return os.environ.get("SYNTHOHIVE_REQUIRE_SERVERS") == "1"


def start_postgres() -> Server:
    """Return a PostgreSQL whose URL names a superuser."""
    return _first_that_works(
        "PostgreSQL",
        [
            lambda: _from_environment("SYNTHOHIVE_TEST_POSTGRES_URL"),
            _postgres_container,
            _postgres_binaries,
        ],
    )


def start_mysql() -> Server:
    """Return a MySQL (or else MariaDB) whose URL names an all-powerful user."""
    return _first_that_works(
        "MySQL",
        [
            lambda: _from_environment("SYNTHOHIVE_TEST_MYSQL_URL", local_infile="1"),
            _mysql_container,
            _mysql_binaries,
            _mariadb_binaries,
        ],
    )


def start_mariadb() -> Server:
    """Return a MariaDB whose URL names an all-powerful user."""
    return _first_that_works(
        "MariaDB",
        [
            lambda: _from_environment("SYNTHOHIVE_TEST_MARIADB_URL", local_infile="1"),
            _mariadb_binaries,
        ],
    )


def start_bigquery() -> Server:
    """Return a stand-in for BigQuery; its URL is that of the REST interface, and has `grpc=`."""
    return _first_that_works("stand-in for BigQuery", [_bigquery_container])


def bigquery_wanted() -> bool:
    """Whether an image of the stand-in is named: without one, its tests are skipped."""
    return BIGQUERY_IMAGE is not None


def _first_that_works(name: str, ways: Sequence[Callable[[], Server]]) -> Server:
    reasons: list[str] = []
    failed: list[str] = []
    for way in ways:
        try:
            server = way()
        except ServerUnavailable as exc:
            if isinstance(exc, ContainerFailed) and servers_required():
                raise  # running on something else instead would go unnoticed
            reasons.append(str(exc))
            failed += [str(exc)] if isinstance(exc, ContainerFailed) else []
        else:
            server.how += f" (after: {'; '.join(failed)})" if failed else ""
            return server
    raise ServerUnavailable(f"no {name}: " + "; ".join(reasons))


def _from_environment(variable: str, **query: str) -> Server:
    raw = os.environ.get(variable)
    if not raw:
        raise ServerUnavailable(f"{variable} is not set")
    url = make_url(raw).update_query_dict(query)
    return Server(url.render_as_string(hide_password=False), f"URL in {variable}")


# Containers


@contextmanager
def _container(container: Any, image: str) -> Any:
    client = container.get_docker_client().client
    try:
        container.start()
    except Exception as exc:  # the engines' clients raise many unrelated types
        with suppress(Exception):
            container.stop()
        client.close()
        raise ContainerFailed(f"container {image}: {type(exc).__name__}: {exc}") from exc
    try:
        yield container
    finally:
        container.stop()
        client.close()


def _require_docker() -> None:
    try:
        import docker
        import testcontainers  # noqa: F401
    except ImportError as exc:
        raise ServerUnavailable("testcontainers is not installed") from exc
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://"):
        # docker-py leaks its socket where nobody listens, so knock first.
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(host[len("unix://") :])
            except OSError as exc:
                raise ServerUnavailable("no Docker API socket answers") from exc
    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException as exc:
        raise ServerUnavailable("no Docker API socket answers") from exc
    client.close()


def _postgres_container() -> Server:
    _require_docker()
    try:
        from testcontainers.community.postgres import PostgresContainer
    except ImportError:  # Testcontainers < 4.14, the last for Python 3.9
        from testcontainers.postgres import PostgresContainer

    stack = ExitStack()
    made = PostgresContainer(POSTGRES_IMAGE, password=_password(), driver="psycopg2")
    made.with_command("postgres -c fsync=off")
    container = stack.enter_context(_container(made, POSTGRES_IMAGE))
    return Server(container.get_connection_url(), f"container {POSTGRES_IMAGE}", stack)


def _mysql_container() -> Server:
    _require_docker()
    try:
        from testcontainers.community.mysql import MySqlContainer
    except ImportError:  # Testcontainers < 4.14, the last for Python 3.9
        from testcontainers.mysql import MySqlContainer

    stack = ExitStack()
    made = MySqlContainer(MYSQL_IMAGE, dialect="pymysql", username="root", password=_password())
    made.with_command("--local-infile=1 --skip-log-bin --innodb-flush-method=nosync")
    container = stack.enter_context(_container(made, MYSQL_IMAGE))
    url = make_url(container.get_connection_url()).update_query_dict({"local_infile": "1"})
    server = Server(url.render_as_string(hide_password=False), f"container {MYSQL_IMAGE}", stack)
    _wait_until_ready(server)
    return server


def _bigquery_container() -> Server:
    _require_docker()
    from testcontainers.core.container import DockerContainer

    if BIGQUERY_IMAGE is None:
        raise ServerUnavailable("SYNTHOHIVE_TEST_BIGQUERY_IMAGE names no image")
    stack = ExitStack()
    made = DockerContainer(BIGQUERY_IMAGE).with_exposed_ports(9050, 9060)
    container = stack.enter_context(_container(made, BIGQUERY_IMAGE))
    host = container.get_container_host_ip()
    rest, grpc = (container.get_exposed_port(port) for port in (9050, 9060))
    url = f"http://{host}:{rest}"
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/bigquery/v2/projects/local/datasets", timeout=5):
                return Server(f"{url}?grpc={host}:{grpc}", f"container {BIGQUERY_IMAGE}", stack)
        except OSError as exc:  # refused, reset, or an error of HTTP
            if time.monotonic() > deadline:
                stack.close()
                raise ContainerFailed(f"container {BIGQUERY_IMAGE} does not answer") from exc
            time.sleep(0.1)


# Binaries


def _find(names: Sequence[str], folders: Sequence[str] = _SERVER_FOLDERS) -> Optional[str]:
    path = os.pathsep.join([os.environ.get("PATH", ""), *folders])
    return next((hit for hit in (shutil.which(n, path=path) for n in names) if hit), None)


def _unprivileged(*names: str) -> dict[str, Any]:
    """Return the subprocess options that make root drop to an ordinary user."""
    if os.geteuid() != 0:
        return {}
    for name in (*names, "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise ServerUnavailable(f"none of the users {', '.join((*names, 'nobody'))} exists")


def _data_folder(stack: ExitStack, name: str, owner: dict[str, Any]) -> Path:
    """Make a short folder (socket paths end at 107 bytes) that its owner can reach."""
    folder = Path(tempfile.mkdtemp(prefix=f"sh-{name}-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    return folder


def _run(command: Sequence[str], folder: Path, owner: dict[str, Any]) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=180, **owner
    )
    if done.returncode:
        tail = (done.stderr or done.stdout).strip()[-400:]
        raise ServerUnavailable(f"{Path(command[0]).name} failed: {tail}")


def _spawn(
    command: Sequence[str], folder: Path, owner: dict[str, Any], stack: ExitStack
) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / "server.log").open("wb"))
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **owner
    )

    def end() -> None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)
    return process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _password() -> str:
    return secrets.token_urlsafe(12)


def _wait_until_ready(
    server: Server, process: Optional[subprocess.Popen[bytes]] = None, log: Optional[Path] = None
) -> None:
    engine = create_engine(server.url)
    deadline = time.monotonic() + _READY_SECONDS
    try:
        while True:
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                return
            except (DBAPIError, OSError) as exc:
                ended = process is not None and process.poll() is not None
                if ended or time.monotonic() > deadline:
                    said = log.read_text(errors="replace")[-400:] if log else str(exc)
                    server.stop()
                    raise ServerUnavailable(f"{server.how} does not answer: {said}") from exc
                time.sleep(0.1)
    finally:
        engine.dispose()


def _postgres_binaries() -> Server:
    folders = sorted(
        glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]), reverse=True
    )
    initdb = _find(["initdb"], folders)
    if initdb is None:
        raise ServerUnavailable("initdb is not on PATH")
    stack = ExitStack()
    try:
        owner = _unprivileged("postgres")
        folder = _data_folder(stack, "pg", owner)
        data, password, port = folder / "data", _password(), _free_port()
        secret = folder / "password"
        secret.write_text(password)
        secret.chmod(0o644)  # inside a 0700 folder
        _run(
            [initdb, "-D", str(data), "-U", "synthohive", f"--pwfile={secret}", "--no-sync"]
            + ["--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"],
            folder,
            owner,
        )
        postgres = str(Path(os.path.realpath(initdb)).parent / "postgres")
        process = _spawn(
            [postgres, "-D", str(data), "-p", str(port), "-k", str(folder)]
            + ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
            folder,
            owner,
            stack,
        )
    except BaseException:
        stack.close()
        raise
    url = URL.create(
        "postgresql+psycopg2", "synthohive", password, "127.0.0.1", port, database="postgres"
    )
    server = Server(url.render_as_string(hide_password=False), f"binary {postgres}", stack)
    _wait_until_ready(server, process, folder / "server.log")
    return server


def _is_mariadb(mysqld: str) -> bool:
    said = subprocess.run([mysqld, "--version"], capture_output=True, text=True, check=False)
    return "mariadb" in said.stdout.lower()


def _mysql_binaries() -> Server:
    mysqld = _find(["mysqld"])
    if mysqld is None or _is_mariadb(mysqld):
        raise ServerUnavailable("MySQL's mysqld is not on PATH")
    return _mysql_family(mysqld, [mysqld, "--no-defaults", "--initialize-insecure"])


def _mariadb_binaries() -> Server:
    mariadbd, install = _find(["mariadbd"]), _find(["mariadb-install-db"])
    if mariadbd is None or install is None:
        raise ServerUnavailable("mariadbd and mariadb-install-db are not on PATH")
    return _mysql_family(
        mariadbd, [install, "--no-defaults", "--auth-root-authentication-method=normal"]
    )


def _mysql_family(mysqld: str, initialise: list[str]) -> Server:
    stack = ExitStack()
    try:
        owner = _unprivileged("mysql")
        folder = _data_folder(stack, "my", owner)
        data, password, port = folder / "data", _password(), _free_port()
        # a server that starts removes all temporary tables of its folder: in one that is shared,
        # those of other servers, which crash
        _run([*initialise, f"--datadir={data}", f"--tmpdir={folder}"], folder, owner)
        # Run before the server accepts connections.
        accounts = folder / "accounts.sql"
        accounts.write_text(
            f"CREATE USER 'synthohive'@'%' IDENTIFIED BY '{password}';\n"
            "GRANT ALL ON *.* TO 'synthohive'@'%' WITH GRANT OPTION;\n"
            "CREATE DATABASE test_synthohive;\n"
        )
        accounts.chmod(0o644)  # inside a 0700 folder
        process = _spawn(
            [mysqld, "--no-defaults", f"--datadir={data}", f"--port={port}"]
            + [f"--socket={folder}/s", f"--pid-file={folder}/pid", f"--init-file={accounts}"]
            + [f"--tmpdir={folder}"]
            + ["--bind-address=127.0.0.1", "--skip-name-resolve", "--local-infile=1"]
            + ["--character-set-server=utf8mb4", "--innodb-flush-method=nosync", "--sync-frm=0"],
            folder,
            owner,
            stack,
        )
    except BaseException:
        stack.close()
        raise
    url = URL.create(
        "mysql+pymysql",
        "synthohive",
        password,
        "127.0.0.1",
        port,
        database="test_synthohive",
        query={"local_infile": "1"},
    )
    server = Server(url.render_as_string(hide_password=False), f"binary {mysqld}", stack)
    _wait_until_ready(server, process, folder / "server.log")
    return server
