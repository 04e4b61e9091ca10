"""Databases for the servers: each run gets a new one with the same heroes."""

import shutil
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, create_engine, make_url, text

from tests.benchmarks.heroes import fill


class Databases(Protocol):
    """Creates databases with the same heroes."""

    def fresh(self, directory: Path) -> URL:
        """Create one, with any files in `directory`; returns a URL with a sync driver."""


class SqliteFiles:
    """Copies of one SQLite file."""

    def __init__(self, directory: Path, rows: int) -> None:
        """Create the original in `directory`, with `rows` heroes."""
        self.original = directory / "original.db"
        fill(URL.create("sqlite", database=str(self.original)), rows)

    def fresh(self, directory: Path) -> URL:
        """Copy the original."""
        copy = shutil.copy(self.original, directory / "database.db")
        return URL.create("sqlite", database=str(copy))


class PostgresDatabases:
    """Copies of one database in a PostgreSQL cluster, whose user may create databases."""

    ORIGINAL = "hero_benchmark_original"
    COPY = "hero_benchmark"

    def __init__(self, url: str, rows: int) -> None:
        """Create the original, with `rows` heroes, in the cluster at `url`."""
        scheme, rest = url.split("://", 1)
        if scheme not in {"postgres", "postgresql"}:
            raise ValueError("the database URL must be a postgresql:// one")
        self.admin = make_url(f"postgresql+psycopg://{rest}")
        self._replace(self.ORIGINAL, "template0")
        original = self.admin.set(database=self.ORIGINAL)
        fill(original, rows)
        # The REST app's pages have the physical order of the table, which must be by id.
        self._run(original, "CLUSTER hero USING hero_pkey")
        self._run(original, "VACUUM ANALYZE hero")  # as autovacuum does later

    def fresh(self, directory: Path) -> URL:  # noqa: ARG002 - it has no files
        """Copy the original, in place of the last copy."""
        self._replace(self.COPY, self.ORIGINAL)
        return self.admin.set(database=self.COPY)

    def drop(self) -> None:
        """Drop the databases."""
        for name in (self.COPY, self.ORIGINAL):
            self._run(self.admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _replace(self, name: str, template: str) -> None:
        self._run(self.admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._run(self.admin, f"CREATE DATABASE {name} TEMPLATE {template}")

    def _run(self, url: URL, statement: str) -> None:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()
