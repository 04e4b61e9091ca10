"""Connection URLs with one or several hosts, and opening connections to them."""

import os
from getpass import getuser
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit

import asyncpg

from graph.database.base import DatabaseError
from graph.database.postgres.connection import LimitedConnection
from graph.database.postgres.errors import Raw, is_unavailable, with_message
from graph.errors import ServiceUnavailableError

OPTIONS = {
    *("application_name", "database", "dbname", "gsslib", "host", "krbsrvname", "options"),
    *("passfile", "password", "port", "service", "ssl_max_protocol_version"),
    *("ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey", "sslmode", "sslnegotiation"),
    *("sslpassword", "sslrootcert", "target_session_attrs", "user"),
}
"""Options of a URL, with their meaning in libpq
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""

TARGETS = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
"""Values of `target_session_attrs`."""


class Source(NamedTuple):
    """Where a database is."""

    name: str
    """A name for the operator, without secrets."""
    rounds: tuple[dict[str, str], ...]
    """URLs by host name for messages; a later round is tried if no host of an earlier one fits."""


def data_source(url: str) -> Source:
    """Split a URL with several hosts into one URL a host.

    Raises:
        DatabaseError: it is no URL of PostgreSQL, or has unknown options.
    """
    _, _, rest = url.partition("://")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        parts = None
    if parts is None or parts.netloc.count("@") > 1 or "@" in parts.path or parts.fragment:
        raise DatabaseError(
            "GRAPH_DATABASE_URL is not a database URL. "
            "Special characters in the password must be percent-encoded, as in p%40ss for p@ss"
        )
    unknown = options.keys() - OPTIONS
    if unknown:
        raise DatabaseError(f"GRAPH_DATABASE_URL has unknown options: {', '.join(sorted(unknown))}")
    last = {name: values[-1] for name, values in options.items()}
    if not (parts.username or last.keys() & {"user", "service"}):
        _check_user()
    shown = parts.netloc.rpartition("@")[2] or last.get("host", "")
    target = last.get("target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
    if target and target not in TARGETS:
        raise DatabaseError(f"target_session_attrs must be one of {', '.join(TARGETS)}")
    # With a single host, asyncpg takes any server for `prefer-standby`.
    targets = ("standby", "any") if target == "prefer-standby" else (target,)
    rounds = [
        _urls(parts, {**last, "target_session_attrs": target} if target else last)
        for target in targets
    ]
    return Source(f"postgresql://{shown}{parts.path}", tuple(rounds))


def _check_user() -> None:
    """Check that there is a user to connect as if the URL has none.

    Raises:
        DatabaseError: there is none, as in a container whose user id has no name.
    """
    if os.environ.keys() & {"PGUSER", "PGSERVICE"}:
        return
    try:
        getuser()
    except (KeyError, OSError):  # the latter from Python 3.13 on
        raise DatabaseError(
            "GRAPH_DATABASE_URL has no user, and the user of this process has no name: "
            "write postgresql://user@…"
        ) from None


def _urls(parts: SplitResult, options: dict[str, str]) -> dict[str, str]:
    """Return one URL a host, by host name.

    Raises:
        DatabaseError: a host is empty, or the numbers of hosts and ports differ.
    """
    login, at, places = parts.netloc.rpartition("@")
    default = "" if "service" in options else os.environ.get("PGHOST", "")
    names = places or options.get("host") or default
    if not names:  # asyncpg finds the host: in the service file, or on this machine
        return {"the server": parts._replace(query=_query(options)).geturl()}
    hosts = names.split(",")
    ports = (options.get("port") or os.environ.get("PGPORT", "")).split(",")
    if not all(hosts) or len(ports) not in {1, len(hosts)}:
        raise DatabaseError(
            f"GRAPH_DATABASE_URL has {len(hosts)} hosts, none of which may be empty, "
            f"and {len(ports)} ports"
        )
    urls = {}
    for index, host in enumerate(hosts):
        port = ports[index % len(ports)]
        has_port = not port or (places and ":" in host.rpartition("]")[2])
        place = host if has_port else f"{host}:{port}"
        if places:
            one = parts._replace(netloc=f"{login}{at}{place}", query=_query(options))
        else:
            own = {**options, "host": host} | ({"port": port} if port else {})
            one = parts._replace(query=_query(own))
        urls[place] = one.geturl()
    return urls


def _query(options: dict[str, str]) -> str:
    return urlencode(options, safe="/", quote_via=quote)


FAILURES = (
    OSError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Exceptions of `asyncpg.connect` that the server or the network causes."""


class Connector:
    """Opens connections to one database.

    Args:
        source: where the database is.
        timeout: seconds to wait for a connection.
    """

    def __init__(self, source: Source, timeout: float) -> None:
        self._rounds = source.rounds
        self._hosts = list(source.rounds[0])
        self._timeout = timeout
        self._cached_statements: int | None = None

    @property
    def caches_statements(self) -> bool:
        """Whether the server keeps prepared statements of its connections."""
        return bool(self._cached_statements)

    async def connect(self, command_timeout: float | None) -> Raw:
        """Open a connection.

        It prepares statements, unless a pooler such as PgBouncer may run each statement in another
        session of the server. A pooler shows by the process id: the session's differs from the one
        that was sent on connecting.

        Raises:
            ServiceUnavailableError: no connection could be opened in time.
        """
        try:
            if self._cached_statements is None:
                raw = await self._attempt(self._timeout, 0)
                try:
                    found = await raw.fetchval("SELECT pg_backend_pid()")
                    self._cached_statements = 100 if found == raw.get_server_pid() else 0
                finally:
                    await raw.close(timeout=self._timeout)
            return await self._attempt(command_timeout, self._cached_statements)
        except FAILURES as error:
            raise ServiceUnavailableError from with_message(error)

    async def _attempt(self, command_timeout: float | None, cached_statements: int) -> Raw:
        """Connect to the first host that accepts; each host has an equal share of the timeout.

        The host of the last connection is tried first, and one that timed out last. As in libpq, no
        further host is tried when one refuses the user or the database.
        """
        urls = [(host, urls[host]) for urls in self._rounds for host in self._hosts]
        reasons: dict[str, BaseException] = {}
        for host, url in urls:
            try:
                raw = await asyncpg.connect(
                    url,
                    timeout=self._timeout / len(urls),
                    command_timeout=command_timeout,
                    statement_cache_size=cached_statements,
                    connection_class=LimitedConnection,
                )
            except FAILURES as error:
                if isinstance(error, asyncpg.PostgresError) and not is_unavailable(error):
                    raise
                reasons[host] = with_message(error)
                if isinstance(error, TimeoutError):
                    self._hosts.remove(host)
                    self._hosts.append(host)
            else:
                self._hosts.remove(host)
                self._hosts.insert(0, host)
                return raw
        if len(reasons) == 1:
            raise reasons.popitem()[1]
        raise ConnectionError("; ".join(f"{host}: {reason}" for host, reason in reasons.items()))
