"""The app: the GraphQL endpoint, GraphiQL and the health probes, over one database.

`app` has the settings of the environment, for `uvicorn graph.app:app`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from graph import explorer
from graph.api import API, load_api
from graph.database import open_database
from graph.database.base import Database
from graph.engine.definitions import core_schema
from graph.engine.errors import masked
from graph.engine.limits import Limits
from graph.engine.schema import Schema
from graph.engine.service import Service
from graph.environment import load_settings
from graph.errors import PublicError, logger
from graph.garbage import short_collections
from graph.http.calls import Calls
from graph.http.endpoint import GraphQLEndpoint
from graph.http.errors import HTTPError, body_of, status_of
from graph.http.hosts import AllowedHosts
from graph.http.response import JSON, SECURITY
from graph.http.websocket import WebSocketEndpoint
from graph.observe import telemetry
from graph.observe.logs import RequestLog
from graph.product import NAME
from graph.settings import Settings
from graph.tables.served import secret_fields

PATH = "/graphql"

SECRETS = (
    "Clients read fields whose names sound secret: %s. Leave them out of the type, guard them, or "
    "say that they are `public` where the resource is made"
)


class App:
    """Routes requests of `/graphql` straight to the endpoint, and all others to FastAPI.

    FastAPI's error pages, exit stacks and routing would take half as long as a small query itself.

    Args:
        fastapi: the whole app, including the endpoint.
        endpoint: the endpoint alone; None if FastAPI's middleware must run before it.
        allowed_hosts: the hosts to answer for; empty for all.
        running: opens the database, and closes it at the end.
    """

    def __init__(
        self,
        fastapi: FastAPI,
        endpoint: ASGIApp | None,
        allowed_hosts: Sequence[str],
        running: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self.fastapi = fastapi
        self._running = running
        self._is_started = False
        self._endpoint = endpoint or fastapi
        is_open = not allowed_hosts or "*" in allowed_hosts
        self._answer = self._route if is_open else AllowedHosts(self._route, allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_started and scope["type"] != "lifespan":
            raise RuntimeError(
                "the database is not open: the lifespan of the app in which this one is mounted "
                "must enter `lifespan()` of this one"
            )
        await self._answer(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open the database, and close it at the end of the block.

        An app that mounts this one enters it in its own lifespan.

        Raises:
            DatabaseError: the database cannot be opened, or has tables that this code cannot serve.
        """
        async with self._running():
            self._is_started = True
            try:
                yield
            finally:
                self._is_started = False

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        is_endpoint = scope["type"] == "http" and path == PATH
        await (self._endpoint if is_endpoint else self.fastapi)(scope, receive, send)


def limits_of(settings: Settings) -> Limits:
    """Return the limits of the engine."""
    return Limits(
        tokens=settings.max_tokens,
        aliases=settings.max_aliases,
        rows=settings.max_rows,
        cost=settings.max_cost,
        answer_bytes=settings.max_answer_bytes,
        seconds=settings.request_timeout,
        saved_seconds=settings.idempotency_hours * 3600,
        saved_bytes=settings.idempotency_bytes,
    )


def create_app(  # noqa: PLR0913 (each may be given alone)
    settings: Settings,
    *,
    schema: Schema | None = None,
    revisions: Path | None = None,
    prepared: bool = False,
    command: str = NAME,
    fast_execution: bool = True,
) -> App:
    """Return the app.

    Args:
        settings: the settings.
        schema: the schema to serve; by default, that of the module `settings.api`, with the
            revisions beside it.
        revisions: folder of the revisions that create the tables of `schema`; by default, another
            program creates and changes them.
        prepared: whether the database was prepared; the app then starts even if the database is
            temporarily unavailable.
        command: name of the command, for messages.
        fast_execution: whether operations are compiled; if not, graphql-core executes all.

    Raises:
        APIError: `settings.api` names no module with a schema.
        DatabaseError: the settings name no usable database. See also `App.lifespan`.
    """
    api = API(schema, revisions, command=command) if schema else load_api(settings.api, command)
    _warn_of_secrets(api.schema)
    database = open_database(settings)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        if not prepared:
            await api.migrations.prepare(database)
        await database.open()
        works = [service.keep_answers_within_bounds(), *_prunings(api, database, settings)]
        keeping = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
            await database.dispose()
            await telemetry.flush()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with made.lifespan():
            with short_collections():
                yield

    traced = telemetry.configure(command)
    no_page = _error_response(HTTPError(404, "GraphiQL is turned off."))
    shown = core_schema(api.schema) if settings.introspection else None
    page = explorer.Page(shown, api.schema.title, command) if settings.graphiql else no_page
    app = FastAPI(
        title=api.schema.title,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
        telemetry=telemetry.HTTP if traced else telemetry.OFF,
    )
    service = (telemetry.TracedService if traced else Service)(
        api.schema,
        database,
        limits_of(settings),
        introspection=settings.introspection,
        fast_execution=fast_execution,
    )
    calls = Calls(service, settings)
    endpoint = RequestLog(GraphQLEndpoint(calls, settings, page))
    app.router.routes.append(Route(PATH, endpoint))
    app.router.routes.append(WebSocketRoute(PATH, WebSocketEndpoint(calls, settings)))
    if settings.graphiql:
        app.router.routes.append(Route(f"{PATH}/explorer/{{name}}", explorer.asset))

    @app.api_route("/health", methods=["GET", "HEAD"])
    async def health() -> Response:
        """Answer that the process is up."""
        return _answer({"status": "ok"})

    @app.api_route("/ready", methods=["GET", "HEAD"])
    async def ready() -> Response:
        """Answer whether the database is available; if not, with 503."""
        try:
            await database.ping(api.migrations.tables)
            await api.migrations.check_logs(database)
        except Exception:  # noqa: BLE001 (whatever the error, the answer is no)
            return _answer({"status": "unavailable"}, 503)
        return _answer({"status": "ok"})

    @app.api_route("/", methods=["GET", "HEAD"])
    async def root() -> Response:
        """Redirect a browser to GraphiQL."""
        return RedirectResponse("graphql", headers=SECURITY)

    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            # The page may call the API on a private network, too.
            allow_private_network=True,
            expose_headers=["X-Request-ID"],
        )
    # CORS and tracing are FastAPI's middleware, which must run before the endpoint.
    has_middleware = traced or settings.cors_origins
    made = App(app, None if has_middleware else endpoint, settings.allowed_hosts, running)
    return made


def _warn_of_secrets(schema: Schema) -> None:
    if secret := secret_fields(schema):
        logger.warning(SECRETS, ", ".join(secret))


def _prunings(api: API, database: Database, settings: Settings) -> list[Coroutine[Any, Any, None]]:
    """Return what keeps the logs of changes within bounds."""
    if settings.read_only:
        return []
    logs = [database.change_log(table) for table in api.migrations.followed]
    return [log.prune_forever(database.session, settings.changes_hours) for log in logs]


def __getattr__(name: str) -> App:
    """Make `app` when it is first used, so that an import reads no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return create_app(load_settings())


def _answer(
    content: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return JSONResponse(content, status, {**SECURITY, **(headers or {})})


def _error_response(error: PublicError, headers: Mapping[str, str] | None = None) -> Response:
    return _answer(body_of(error), status_of(error, JSON), headers)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer an unknown path or method, in the shape of a GraphQL response."""
    assert isinstance(error, HTTPException)  # noqa: S101 (as it was registered)
    message = f"{error.detail}; the API is at {request.scope.get('root_path', '')}{PATH}."
    return _error_response(HTTPError(error.status_code, message), error.headers)


async def _internal_error(_: Request, error: Exception) -> Response:
    return _error_response(masked(error))
