"""Connections of the driver to PostgreSQL."""

import asyncpg

from graph.database.postgres_errors import Raw, explained
from graph.errors import ServiceUnavailableError


class Connector:
    """Opens connections to one database.

    Args:
        dsn: where it is, as asyncpg takes it.
        timeout: seconds to wait for a connection.
    """

    def __init__(self, dsn: str, timeout: float) -> None:
        self._dsn = dsn
        self._timeout = timeout
        self._cached_statements: int | None = None

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
                raw = await self._attempt(command_timeout, 0)
                try:
                    found = await raw.fetchval("SELECT pg_backend_pid()")
                    self._cached_statements = 100 if found == raw.get_server_pid() else 0
                finally:
                    await raw.close(timeout=self._timeout)
            return await self._attempt(command_timeout, self._cached_statements)
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise ServiceUnavailableError from explained(error)

    async def _attempt(self, command_timeout: float | None, cached_statements: int) -> Raw:
        return await asyncpg.connect(
            self._dsn,
            timeout=self._timeout,
            command_timeout=command_timeout,
            statement_cache_size=cached_statements,
        )
