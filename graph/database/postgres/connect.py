"""Connections of the driver to PostgreSQL."""

import asyncpg

from graph.database.postgres.errors import Raw, explained, is_unavailable
from graph.database.postgres.url import Source
from graph.errors import ServiceUnavailableError

FAILURES = (
    OSError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Exceptions of `asyncpg.connect` that say something of the server, or of the way to it."""


class Connector:
    """Opens connections to one database.

    Args:
        source: where it is.
        timeout: seconds to wait for a connection.
    """

    def __init__(self, source: Source, timeout: float) -> None:
        self._rounds = source.rounds
        self._hosts = list(source.rounds[0])
        self._timeout = timeout
        self._cached_statements: int | None = None

    @property
    def caches_statements(self) -> bool:
        """Whether prepared statements are kept on its connections."""
        return bool(self._cached_statements)

    async def connect(self, command_timeout: float | None) -> Raw:
        """A connection of the driver.

        Prepared statements are kept on it, unless a pooler such as PgBouncer stands between and may
        hand each statement to another session of the server: the session's process is then not
        the one that the pooler said to be there.

        Raises:
            ServiceUnavailableError: none could be opened in time.
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
            raise ServiceUnavailableError from explained(error)

    async def _attempt(self, command_timeout: float | None, cached_statements: int) -> Raw:
        """A connection to the first host that gives one; each has an equal share of the time.

        The last good host is asked first, and one that did not answer last. As in libpq, no other
        host is asked once one has refused the user or the database.
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
                )
            except FAILURES as error:
                if isinstance(error, asyncpg.PostgresError) and not is_unavailable(error):
                    raise
                reasons[host] = explained(error)
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
