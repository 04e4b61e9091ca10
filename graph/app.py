"""The FastAPI app: the endpoint, its explorer and the health probes, over one database."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from graph import explorer
from graph.database import open_database
from graph.errors import Code, PublicError
from graph.execution import Service
from graph.http import GraphQLEndpoint
from graph.schema import schema
from graph.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The app; its engine lives from start to shutdown.

    Raises:
        DatabaseError: the settings name no usable database; at start, when it cannot be opened.
    """
    database = open_database(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.create_tables()
        # What was imported stays for good; scanning it at each full collection is wasted time.
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            await database.dispose()

    app = FastAPI(title="hero-graph", lifespan=lifespan, openapi_url=None)
    off = PublicError(Code.BAD_REQUEST, "GraphiQL is turned off.")
    no_page = JSONResponse({"errors": [off.formatted]}, 404)
    page = explorer.page if settings.graphiql else no_page
    endpoint = GraphQLEndpoint(Service(schema, database, settings), settings, page)
    app.router.routes.append(Route("/graphql", endpoint))
    if settings.graphiql:
        app.router.routes.append(Route("/graphql/explorer/{name}", explorer.asset))

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is up."""
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        """The database answers; 503 when it does not."""
        try:
            await database.is_empty()
        except Exception:  # noqa: BLE001 (whatever it is, the answer is no)
            return JSONResponse({"status": "unavailable"}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/")
    async def root() -> RedirectResponse:
        """Leads a browser to the explorer."""
        return RedirectResponse("graphql")

    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    return app


def __getattr__(name: str) -> FastAPI:
    """`graph.app:app`, for `uvicorn graph.app:app`, made from the environment when asked for."""
    if name == "app":
        return create_app(Settings())
    raise AttributeError(name)
