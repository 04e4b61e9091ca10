"""Sessions and transactions; knows no GraphQL."""

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from graph.database.base import Database, DatabaseError
from graph.settings import Settings


def open_database(settings: Settings) -> Database:
    """Return the database that the settings name, without opening it.

    Raises:
        DatabaseError: the service cannot use a database with this URL.
    """
    scheme = settings.database_url.partition(":")[0].partition("+")[0]
    if scheme in {"postgres", "postgresql"}:
        try:
            from graph.database.postgres.database import PostgresDatabase  # noqa: PLC0415 (an extra)
        except ModuleNotFoundError as error:
            raise DatabaseError(
                f"PostgreSQL needs {error.name}: pip install '.[postgres]'"
            ) from error
        return PostgresDatabase(settings)
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        raise DatabaseError("GRAPH_DATABASE_URL is not a database URL") from None
    if url.get_backend_name() == "sqlite":
        from graph.database.sqlite.database import SQLiteDatabase  # noqa: PLC0415 (only the engine in use is loaded)

        return SQLiteDatabase(url, settings)
    raise DatabaseError(f"GRAPH_DATABASE_URL names an unknown kind of database: {url.drivername}")
