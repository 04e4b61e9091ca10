"""Fixtures: each test has its own service, on a real port and a real database."""

import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from graph.app import create_app
from graph.settings import Settings
from tests.support.client import Client
from tests.support.cluster import Cluster, run_sql
from tests.support.databases import Sql
from tests.support.postgres_proxy import Proxy, proxy_to
from tests.support.prepared_database import set_up
from tests.support.served_app import serving
from tests.support.served_schemas import resolved, serving_schemas
from tests.support.service_process import MARK, started_with

pytest_plugins = ["tests.support.project_copy", "tests.support.shared_cluster"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report where a test was skipped, so that the summary has one line for each reason."""
    report = yield
    if isinstance(report.longrepr, tuple) and call.excinfo is not None:
        place = call.excinfo.traceback.filter(call.excinfo)[-1]
        report.longrepr = (str(place.path), place.lineno + 1, report.longrepr[2])
    return report


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of the user's environment and `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("GRAPH_", "OTEL_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Check that no process outlives the tests that started it."""
    mark = str(os.getpid())
    os.environ[MARK] = mark
    yield
    del os.environ[MARK]
    for _ in range(500):
        if not (left := started_with(f"{MARK}={mark}")):
            return
        threading.Event().wait(0.01)
    pytest.fail(f"processes were left: {left}")


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """A proxy before PostgreSQL; `serve` needs its URL."""
    with proxy_to(cluster.port) as proxy:
        yield proxy


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that has a database on both kinds, or on those of its closest mark.

    `tests.support.databases` has the marks.
    """
    if "database_url" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("database")
        kinds = mark.args if mark is not None else ("sqlite", "postgresql")
        metafunc.parametrize("database_url", kinds, indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, for this test alone."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'database.db'}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.create_database()
    yield cluster.url(name)
    cluster.give_back(name)


@pytest.fixture
def sql(database_url: str) -> Sql:
    """Runs a statement on the test's database without the service; returns the rows."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        return partial(run_sql, database_url)

    def run(statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(str(url.database))) as connection, connection:
            return connection.execute(statement).fetchall()

    return run


@pytest.fixture
def configure(database_url: str) -> Callable[..., Settings]:
    """Makes settings for the test's database."""

    def configured(**settings: Any) -> Settings:
        return Settings(**{"database_url": database_url, **settings})

    return configured


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite's file of a prepared, empty database."""
    file = tmp_path_factory.mktemp("template") / "database.db"
    set_up(f"sqlite:///{file}")
    return file


@pytest.fixture
def serve(
    configure: Callable[..., Settings], tmp_path: Path, template: Path
) -> Iterator[Callable[..., Client]]:
    """Starts a service with these settings; it stops with the test.

    SQLite's file is a copy of a prepared one, which halves the time.
    """
    file = tmp_path / "database.db"
    with ExitStack() as stack:

        def start(*, fast_execution: bool = True, **settings: Any) -> Client:
            configured = configure(**settings)
            if configured.database_url == f"sqlite:///{file}":
                with suppress(FileExistsError), file.open("xb") as copy:
                    copy.write(template.read_bytes())
            app = create_app(configured, fast_execution=fast_execution)
            client = Client(stack.enter_context(serving(app, configured)))
            stack.callback(client.http.close)
            return client

        yield start


@pytest.fixture
def serve_schema(configure: Callable[..., Settings]) -> Iterator[Callable[..., Client]]:
    """Starts services with other schemas; clears the record of calls."""
    resolved.clear()
    with serving_schemas(configure) as serve:
        yield serve


@pytest.fixture
def api(serve: Callable[..., Client]) -> Client:
    """A service with default settings on an empty database."""
    return serve()


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    """Starts one service with these settings for all tests of a module, on SQLite.

    The tests must store nothing.
    """
    with ExitStack() as stack:

        @cache
        def start(**given: Any) -> Client:
            url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'database.db'}"
            settings = Settings(database_url=url, _env_file=None, **given)  # type: ignore[call-arg] # (pydantic-settings has it)
            app = create_app(settings)
            return stack.enter_context(Client(stack.enter_context(serving(app, settings))))

        yield start


@pytest.fixture(scope="module")
def shared(share: Callable[..., Client]) -> Client:
    """The module's service with default settings."""
    return share()


@pytest.fixture
def live_url(api: Client) -> str:
    """The base URL of a service with default settings on an empty database."""
    return api.url
