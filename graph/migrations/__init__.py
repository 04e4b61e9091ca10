"""Migrations: bring a database to the tables that an API needs.

A revision is a numbered file of the project's own folder. Alembic (https://alembic.sqlalchemy.org)
runs it, and is imported only if there is a revision to run.
"""

import re
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    MetaData,
    String,
    Table,
    column,
    create_engine,
    create_mock_engine,
    func,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema, CreateTable

from graph.database.base import Database, DatabaseError
from graph.database.changes import ChangeLog
from graph.engine.saved_answers import ANSWERS
from graph.errors import ServiceUnavailableError, logger
from graph.migrations.catalog import check_table
from graph.migrations.catalog_postgres import unusable_index
from graph.product import NAME, PREFIX
from graph.tables.columns import BY_CODE_POINT

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent

NONE = "0000"
"""In place of a revision while there is none."""

SCRATCH = f"{PREFIX}_scratch"
"""Schema of PostgreSQL in which revisions run while another one is written."""

VERSION_TABLE = f"{PREFIX}_version"
"""Differs from Alembic's default: another app may have migrations in the same database."""


INSUFFICIENT_PRIVILEGE = "42501"
"""PostgreSQL's code (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def revision(connection: Connection) -> str | None:
    """Return the revision recorded in the database; None if there is none.

    Raises:
        DatabaseError: several revisions are recorded.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    recorded = select(column("version_num", String)).select_from(table(VERSION_TABLE))
    found = connection.scalars(recorded).all()
    if len(found) > 1:
        raise DatabaseError(
            f"the table {VERSION_TABLE} has {len(found)} rows; it must have at most one"
        )
    return found[0] if found else None


def _is_read_only(error: BaseException | None) -> bool:
    """Whether SQLite failed because this process may only read the file."""
    return str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_READONLY")


def _has(connection: Connection, needed: Table) -> bool:
    return inspect(connection).has_table(needed.name, needed.schema)


def _create_answers(connection: Connection) -> None:
    """Create the service's own table, after the revisions: former ones create it, too."""
    if not _has(connection, ANSWERS):
        try:
            ANSWERS.create(connection)
        except ServiceUnavailableError as error:
            if not _is_read_only(error.__cause__):
                raise


def _install(log: ChangeLog[Any], connection: Connection) -> None:
    """Make a log of changes, unless it is there.

    Raises:
        DatabaseError: the role may not make it.
    """
    try:
        log.install(connection)
    except ServiceUnavailableError as error:
        if not _is_read_only(error.__cause__):
            raise
        return
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
            raise
        reason = str(error.orig).partition("\n")[0].rpartition(": ")[2]
        raise DatabaseError(f"{log.not_whole}: {reason}; upgrade as the table's owner") from error
    if (fault := log.fault(connection)) is not None:
        raise DatabaseError(fault)


def has_autoincrement(connection: Connection, table: Table) -> bool:
    """Whether SQLite never reuses the ids of deleted rows of the table."""
    definition = connection.scalar(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
        {"name": table.name},
    )
    return re.search(r"\bAUTOINCREMENT\b", definition or "", re.IGNORECASE) is not None


class Migrations:
    """Prepares and checks databases for the tables of an API.

    Args:
        served: the tables of the API.
        folder: the project's revisions, which create all tables of the same metadata; None if
            another program creates and changes the tables.
        followed: the tables of which the API has the changes.
        command: name of the command, for messages.
    """

    def __init__(
        self,
        served: Iterable[Table],
        folder: Path | None,
        *,
        followed: Sequence[Table] = (),
        command: str = NAME,
    ) -> None:
        served = list(served)
        self.followed = followed
        """Tables that have a log of their changes."""
        self._command = command
        self._metadata = list(dict.fromkeys(table.metadata for table in served))
        self._folder = folder
        self.tables = served
        """Tables that must exist."""
        self.revisions: list[str] = []
        """Revisions, oldest first."""
        if folder is not None:
            self.tables = [each for own in self._metadata for each in own.tables.values()]
            self.revisions = sorted(
                path.name.partition("_")[0] for path in folder.glob("[0-9]*.py")
            )
        self.first, self.newest = (self.revisions or [NONE])[0], (self.revisions or [NONE])[-1]

    async def prepare(self, database: Database, *, upgrade: bool = False) -> None:
        """Prepare the database, so that this code can serve it.

        The revisions create missing tables. Tables without a recorded revision, such as the FastAPI
        tutorial's, are adopted: they count as those of the first revision. A database that newer
        code has upgraded is left unchanged, so that old code runs until it is replaced. The
        service's own table needs no revision. A read-only service changes nothing, and accepts any
        database that has the columns of the models.

        Args:
            database: the database to prepare; SQLite is always upgraded.
            upgrade: whether to upgrade an older revision of PostgreSQL, instead of failing. Other
                machines may use the database, so the operator chooses the time.

        Raises:
            DatabaseError: the schema is older and must not be upgraded, a table does not fit, or
                the database cannot be opened.
        """
        if database.read_only:
            if upgrade:
                raise DatabaseError("cannot upgrade the database: GRAPH_READ_ONLY is set")
            logs = self._logs(database)
            await database.with_lock(lambda connection: self._check_readable(connection, logs))
            return
        await database.create()
        allowed = upgrade or database.dialect.name == "sqlite"
        begun: list[float] = []  # when the upgrade began; `with_lock` may call `_prepare` again
        logs = self._logs(database)
        await database.with_lock(lambda connection: self._prepare(connection, logs, allowed, begun))

    def _logs(self, database: Database) -> list[ChangeLog[Any]]:
        return [database.change_log(table) for table in self.followed]

    def _prepare(
        self,
        connection: Connection,
        logs: Iterable[ChangeLog[Any]],
        upgrade: bool,  # noqa: FBT001 (private)
        begun: list[float],
    ) -> None:
        if self._folder is not None:
            self._upgrade(connection, upgrade, begun)
        _create_answers(connection)
        self._check_tables(connection, writes=True)
        if self._folder is None or revision(connection) in self.revisions:
            for log in logs:
                _install(log, connection)

    async def check_logs(self, database: Database) -> None:
        """Check that the logs of changes are written, unless the service only reads.

        Raises:
            DatabaseError: one is not.
        """
        if database.read_only:
            return
        for log in self._logs(database):
            if fault := await database.inspect(log.fault):
                raise DatabaseError(fault)

    def _upgrade(self, connection: Connection, upgrade: bool, begun: list[float]) -> None:  # noqa: FBT001 (private)
        self._check_revisions()
        at = revision(connection)
        if at == self.newest:
            return
        if at is not None and at not in self.revisions:
            logger.warning("The database is at revision %s, which this code does not know", at)
            return
        if self._check_first(connection, at) and at is None:
            self._adopt(connection)
            at = self.first
            if at == self.newest:
                return
        if at is not None and not upgrade:
            raise DatabaseError(
                f"the database is at revision {at} and this code needs {self.newest}: upgrade it "
                f"with `{self._command} db upgrade`, or start with "
                f"`{self._command} serve --upgrade`"
            )
        from alembic import command  # noqa: PLC0415 (takes a tenth of the time of a start)

        if at is not None and not begun:
            rows = sum(
                connection.scalars(select(func.count()).select_from(each)).one()
                for each in self.tables
                if _has(connection, each)
            )
            message = (
                "Upgrading the database from revision %s to %s, with %s rows; writes wait meanwhile"
            )
            logger.warning(message, at, self.newest, f"{rows:,}")
            begun.append(perf_counter())
        try:
            command.upgrade(self._config(connection), self.newest)
        except ServiceUnavailableError as error:
            if at is None or not _is_read_only(error.__cause__):
                raise
            logger.warning("Cannot upgrade the database from revision %s: it is read-only", at)
            return
        if at is not None:
            seconds = perf_counter() - begun[0]
            logger.warning(
                "Upgraded the database to revision %s in %.1f seconds", self.newest, seconds
            )

    def _check_revisions(self) -> None:
        if not self.revisions:
            raise DatabaseError(
                f"{self._folder} has no revision: write the first one with "
                f"`{self._command} db revision -m first`"
            )

    def _check_readable(self, connection: Connection, logs: Iterable[ChangeLog[Any]]) -> None:
        """Check that the tables can be read; warn if the database is at another revision."""
        self._check_tables(connection, writes=False)
        for fault in filter(None, [log.fault(connection) for log in logs]):
            logger.warning("%s; they cannot be followed", fault)
        if self._folder is not None and (at := revision(connection)) != self.newest:
            logger.warning(
                "The database is at revision %s, not %s; the service reads it unchanged",
                at,
                self.newest,
            )

    def _check_tables(self, connection: Connection, *, writes: bool) -> None:
        """Check that every table of the models can be served.

        Raises:
            DatabaseError: a table is missing or cannot be served.
        """
        for needed in self.tables:
            if not _has(connection, needed):
                raise DatabaseError(f"the database has no table {needed}")
            check_table(connection, needed, needed.columns.keys(), writes=writes)
        if writes and _has(connection, ANSWERS):  # unless the file is read-only
            check_table(connection, ANSWERS, ANSWERS.columns.keys(), writes=True)

    def _check_first(self, connection: Connection, at: str | None) -> bool:
        """Check the tables of the first revision; return whether the database has them.

        Raises:
            DatabaseError: a table does not fit, or is missing although the others, or a recorded
                revision, are there.
        """
        first = self._first_columns(connection)
        found = [each for each in first if _has(connection, each)]
        for needed in first:
            if needed in found:
                check_table(connection, needed, first[needed], writes=True)
            elif at is not None:
                raise DatabaseError(f"the database is at revision {at}, but has no table {needed}")
            elif found:
                raise DatabaseError(
                    f"the database has the table {found[0]}, but no table {needed}, "
                    f"which the first revision, {self.first}, creates as well: create it first"
                )
        return bool(found)

    def _first_columns(self, connection: Connection) -> dict[Table, list[str]]:
        """Return the tables of the models that the first revision creates, with their columns."""
        from alembic.operations import Operations  # noqa: PLC0415 (as above)
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 (as above)
        from alembic.script import ScriptDirectory  # noqa: PLC0415 (as above)

        models = {str(each): each for each in self.tables}
        first: dict[Table, list[str]] = {}

        def record(statement: Any, *_: object, **__: object) -> None:
            if isinstance(statement, CreateTable) and str(statement.element) in models:
                ours = models[str(statement.element)]
                first[ours] = [
                    each.name for each in statement.element.columns if each.name in ours.c
                ]

        recorder: Any = create_mock_engine(f"{connection.dialect.name}://", record)
        with Operations.context(MigrationContext.configure(recorder)):
            scripts = ScriptDirectory.from_config(self._config(connection))
            scripts.get_revision(self.first).module.upgrade()
        return first

    def _adopt(self, connection: Connection) -> None:
        """Record that the database is at the first revision."""
        from alembic import command  # noqa: PLC0415 (as above)

        try:
            command.stamp(self._config(connection), self.first)
        except (SQLAlchemyError, ServiceUnavailableError) as error:  # serve it for reading
            logger.warning(
                "Cannot record that the database is at revision %s: %s", self.first, error.__cause__
            )

    async def compare(self, database: Database) -> tuple[str | None, str | None]:
        """Return a database's revision, and how it differs from the models if that is the newest.

        Raises:
            DatabaseError: a table cannot be served, or there is no revision.
        """
        logs = self._logs(database)
        return await database.with_lock(lambda connection: self._compare(connection, logs))

    def _compare(
        self, connection: Connection, logs: Iterable[ChangeLog[Any]]
    ) -> tuple[str | None, str | None]:
        self._check_revisions()
        at = revision(connection)
        if at == self.newest:
            self._check_tables(connection, writes=True)
            faults = filter(None, [log.fault(connection) for log in logs])
            return at, self._difference(connection) or next(faults, None)
        if at is None or at in self.revisions:
            self._check_first(connection, at)
        return at, None

    def _difference(self, connection: Connection) -> str | None:
        from alembic import command  # noqa: PLC0415 (as above)
        from alembic.util import AutogenerateDiffsDetected  # noqa: PLC0415

        try:
            command.check(self._config(connection, ANSWERS.metadata))
        except AutogenerateDiffsDetected as found:
            return str(found)
        except DBAPIError as error:  # Alembic reads what the service does not, such as sequences
            reason = str(error.orig).partition("\n")[0].rpartition(": ")[2]
            raise DatabaseError(
                f"cannot compare the tables with the models: {reason}; check as the tables' owner"
            ) from error
        if connection.dialect.name == "postgresql":
            return unusable_index(connection, self.tables)
        if inspect(connection).has_table("sqlite_sequence"):  # an adopted database has none
            for each in self.tables:
                is_declared = each.dialect_options["sqlite"]["autoincrement"]
                if is_declared and not has_autoincrement(connection, each):
                    return (
                        f"{each} has lost AUTOINCREMENT: new rows can get the ids of deleted rows"
                    )
        return None

    async def write_revision(self, database: Database, message: str) -> None:
        """Write a new revision with the changes of the models; Alembic prints its path.

        The models are compared with what the revisions create in an empty database of the same
        kind: SQLite in memory, or schemas of PostgreSQL that are rolled back.
        """
        if database.dialect.name == "sqlite":
            with create_engine("sqlite://").begin() as connection:
                self._write_revision(connection, message)
        else:
            await database.with_lock(
                lambda connection: self._write_on_postgres(connection, message)
            )

    def _write_on_postgres(self, connection: Connection, message: str) -> None:
        existing = inspect(connection).get_schema_names()
        quote = connection.dialect.identifier_preparer.quote
        with connection.begin_nested() as savepoint:
            connection.execute(CreateSchema(SCRATCH))
            connection.execute(text(f"SET LOCAL search_path TO {SCRATCH}"))
            for schema in {each.schema for each in self.tables if each.schema in existing}:
                aside = quote(f"{SCRATCH}_{schema}")
                connection.execute(text(f"ALTER SCHEMA {quote(str(schema))} RENAME TO {aside}"))
            self._write_revision(connection, message)
            savepoint.rollback()

    def _write_revision(self, connection: Connection, message: str) -> None:
        from alembic import command  # noqa: PLC0415 (as above)

        config, newest = self._config(connection), int(self.newest)
        if not self.revisions:
            # It has the tables as any program makes them, so that existing ones can be adopted.
            config.attributes["is_first"] = True
            command.revision(config, message, autogenerate=True, rev_id="0001")
            del config.attributes["is_first"]
            newest, message = 1, "keyset indexes"
            indexes = [index for each in self.tables for index in each.indexes]
            if not any(BY_CODE_POINT in index.info for index in indexes):
                return
        command.upgrade(config, f"{newest:04}")
        command.revision(config, message, autogenerate=True, rev_id=f"{newest + 1:04}")

    def _config(self, connection: Connection, *others: MetaData) -> "Config":
        """Return Alembic's configuration, with the models' metadata and others."""
        from alembic.config import Config  # noqa: PLC0415 (as above)

        metadata = [*self._metadata, *others]
        attributes = {"connection": connection, "metadata": metadata}
        config = Config(stdout=StringIO(), attributes=attributes)
        # Alembic's options are interpolated by configparser, in which `%%` is a percent sign.
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.set_main_option("version_locations", str(self._folder).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        return config
