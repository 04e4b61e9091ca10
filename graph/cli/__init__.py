"""The command line: `serve`, `schema`, `seed` and `db`."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import unified_diff
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from starlette.types import ASGIApp

from graph.api import API, APIError, load_api
from graph.database import open_database
from graph.database.base import Database, DatabaseError
from graph.environment import SettingsError, load_settings
from graph.errors import ConstraintError, MissingRightError, ServiceUnavailableError
from graph.migrations import revision
from graph.observe.logs import configure
from graph.product import NAME
from graph.settings import Settings

app = typer.Typer(
    help="A GraphQL API over SQLModel tables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database's schema.", no_args_is_help=True)
app.add_typer(db, name="db")


def main() -> None:
    """Run the command; an error that the user can fix is one line, with exit code 1.

    Modules of the working directory can be imported, as with `python -m graph` and `uvicorn`.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    app()


def name() -> str:
    """Return the name of the command; a project may install it under another one."""
    script = Path(sys.argv[0]).stem
    return NAME if script in {"__main__", "-c"} else script


def fail(message: str, code: int = 1) -> NoReturn:
    """Exit with one line on standard error, and this exit code."""
    typer.echo(f"{name()}: {message}", err=True)
    raise typer.Exit(code)


def settings_or_exit() -> Settings:
    """Return the settings of the environment; exit if they are invalid."""
    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error))


def api_or_exit(settings: Settings) -> API:
    """Return the API that the settings name; exit if it cannot be loaded."""
    try:
        return load_api(settings.api, command=name())
    except APIError as error:
        fail(str(error))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Open the database; exit if it cannot be used."""
    try:
        database = open_database(settings)
        try:
            yield database
        finally:
            await database.dispose()
    except DatabaseError as error:
        fail(str(error))
    except ServiceUnavailableError as error:
        fail(f"{database.name}: {error.__cause__ or error}")


def worker_app(overrides: dict[str, Any], command: str, *, prepared: bool) -> ASGIApp:
    """Return the app of one process of `serve`.

    Args:
        overrides: settings that `serve` has derived from its options, by name.
        command: name of the command, for messages.
        prepared: whether the database was prepared.
    """
    from graph.app import create_app  # noqa: PLC0415 (a worker answers pings once this module is loaded)

    settings = Settings(**overrides)
    configure(settings)
    return create_app(settings, prepared=prepared, command=command)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    reload: Annotated[bool, typer.Option(help="Restart if a source file changes.")] = False,  # noqa: FBT002 (an option)
    upgrade: Annotated[  # noqa: FBT002 (an option)
        bool, typer.Option(help="Upgrade a PostgreSQL database that is at an older revision.")
    ] = False,
) -> None:
    """Serve the API, and GraphiQL for browsers, at /graphql."""
    import uvicorn  # noqa: PLC0415 (the other commands need no server)
    from uvicorn.supervisors import ChangeReload, Multiprocess  # noqa: PLC0415

    from graph.http.hosts import LOOPBACK  # noqa: PLC0415
    from graph.http.server import ServerConfig, allow_many_connections  # noqa: PLC0415

    settings = settings_or_exit()
    migrations = api_or_exit(settings).migrations

    async def prepared() -> tuple[str, bool]:
        async with opened(settings) as database:
            await migrations.prepare(database, upgrade=upgrade)
            empty = [await database.is_empty(table) for table in migrations.tables]
            return database.name, all(empty)

    at, empty = asyncio.run(prepared())
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror or error}")
    listener.set_inheritable(True)
    is_local = not (settings.tokens or settings.allowed_hosts) and is_loopback(host)
    overrides = {"allowed_hosts": LOOPBACK} if is_local else {}
    # Reloaded code may have a new migration, so it prepares the database itself.
    factory = partial(worker_app, overrides, name(), prepared=not reload)
    config = ServerConfig(factory, settings, workers=workers, reload=reload, factory=True)
    if reload:
        config.reload_dirs = [Path.cwd()]  # uvicorn's default, if an app is given by its name
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"
    typer.echo(f"API       {address}/graphql")
    if settings.graphiql:
        typer.echo(f"Explorer  {address}/graphql (in a browser)")
    typer.echo(f"Database  {at}")
    if empty:
        typer.echo(f"The tables are empty. To fill them: {name()} seed --count 1000")
    if not (settings.tokens or is_loopback(host)):
        typer.echo(
            "Warning: everybody who can reach this address can use the API; set GRAPH_TOKEN",
            err=True,
        )
    allow_many_connections()
    server = uvicorn.Server(config)
    if reload:
        ChangeReload(config, target=server.run, sockets=[listener]).run()
    elif workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        server.run(sockets=[listener])


@app.command()
def schema(
    source: Annotated[
        str | None, typer.Argument(help="A file or URL; default: the schema of this code.")
    ] = None,
    check: Annotated[
        str | None, typer.Option(help="Compare with the schema of this file or URL.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="GRAPH_TOKEN", help="The bearer token of a service.")
    ] = None,
) -> None:
    """Print the schema as SDL; with --check, print its changes and their effects on clients.

    Exit code 0: no change. 1: a breaking change. 2: a schema cannot be read. 3: other changes.
    """
    from graph.cli import schema_diff  # noqa: PLC0415 (other commands do not need it)

    try:
        new = schema_diff.read(source or api_or_exit(settings_or_exit()).schema, token)
        old = schema_diff.read(check, token) if check else None
    except schema_diff.UnreadableError as error:
        fail(str(error), 2)
    text = schema_diff.sdl(new)
    if old is None:
        typer.echo(text, nl=False)
        return
    before = schema_diff.sdl(old)
    if before == text:
        return
    typer.echo(
        "".join(
            unified_diff(
                before.splitlines(keepends=True),
                text.splitlines(keepends=True),
                str(check),
                source or "the schema of this code",
            )
        ),
        nl=False,
    )
    changes = schema_diff.changes(old, new)
    for kind, descriptions in changes._asdict().items():
        for description in descriptions:
            typer.echo(f"{kind.upper()}: {description}")
    accept = " ".join([name(), "schema", *([source] if source else []), f"> {check}"])
    fail(f"{check} is not up to date. To accept the change: {accept}", 1 if changes.breaking else 3)


@app.command()
def seed(
    count: Annotated[
        int, typer.Option(min=1, max=100_000_000, help="Number of rows of each table.")
    ] = 100,
) -> None:
    """Add sample rows to all tables."""
    from graph.tables.samples import add_samples  # noqa: PLC0415 (only this command needs it)

    settings = settings_or_exit()
    if settings.read_only:
        fail("cannot add rows: GRAPH_READ_ONLY is set")
    api = api_or_exit(settings)
    try:
        realistic = api.realistic
    except APIError as error:
        fail(str(error))
    migrations = api.migrations
    tables = migrations.tables

    async def insert() -> None:
        async with opened(settings) as database:
            await migrations.prepare(database)
            with typer.progressbar(length=count * len(tables), label="Seeding") as bar:
                try:
                    async for added in add_samples(database, tables, count, realistic):
                        bar.update(added)
                except (ConstraintError, MissingRightError) as error:
                    bar.render_finish()
                    fail(f"{bar.pos} rows were added; the next batch failed: {error}")

    asyncio.run(insert())


@db.command(name="upgrade")
def upgrade_database() -> None:
    """Upgrade the database to the newest revision, or create it; existing rows are kept."""
    settings = settings_or_exit()
    migrations = api_or_exit(settings).migrations

    async def upgraded() -> str:
        async with opened(settings) as database:
            await migrations.prepare(database, upgrade=True)
            at = await database.with_lock(revision)
            return f"{database.name} is at revision {at}"

    typer.echo(asyncio.run(upgraded()))


@db.command(name="check")
def check_database() -> None:
    """Compare the database with this code; change nothing.

    Exit code 0: no difference. 1: the database cannot be used. 3: it is not at the newest revision;
    run `db upgrade`. 4: it is, but its tables differ from the models.
    """
    settings = settings_or_exit()
    migrations = api_or_exit(settings).migrations

    async def compared() -> tuple[str, str | None, str | None]:
        async with opened(settings) as database:
            return database.name, *await migrations.compare(database)

    which, at, differs = asyncio.run(compared())
    if at != (newest := migrations.newest):
        fail(f"{which} is at {f'revision {at}' if at else 'no revision'}, not at {newest}", 3)
    if differs:
        fail(f"{which} is at revision {at}, but differs from the models: {differs}", 4)
    typer.echo(f"{which} is at revision {at} and matches the models")


@db.command(name="revision")
def new_revision(
    message: Annotated[str, typer.Option("--message", "-m", help="Short description.")],
) -> None:
    """Write a revision from the newest one to the models; the first one, if there is none."""
    settings = settings_or_exit()
    migrations = api_or_exit(settings).migrations

    async def write() -> None:
        async with opened(settings) as database:
            await migrations.write_revision(database, message)

    asyncio.run(write())
