"""The explorer follows subscriptions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from graph.engine.schema import Schema
from graph.hero.mutations import Mutation
from graph.hero.queries import Query
from graph.http import stream_formats, uvicorn_streams
from graph.http.server import ServerConfig
from graph.settings import Settings
from tests.support.databases import on_sqlite
from tests.support.hero_api import app_of
from tests.support.served_app import serving
from tests.support.subscriptions import Subscription, feed
from tests.support.visitor import Visitor

pytestmark = on_sqlite


@contextmanager
def served(settings: Settings, port: int = 0) -> Iterator[str]:
    """A service with subscriptions, at this port."""
    app = app_of(Schema(Query, Mutation, Subscription), settings)
    with serving(app, config=ServerConfig(app, settings, port=port)) as url:
        yield url


def wait_for(visitor: Visitor, text: str) -> None:
    """Wait until the result pane has this text."""
    pane = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith('response.json'))"
    visitor.until(f"{pane}.getValue().includes(name)", text)


def press(visitor: Visitor, name: str) -> None:
    """Press the button that starts or stops an operation."""
    visitor.page.get_by_role("button", name=name).click()


def test_a_subscription_ticks_until_it_is_stopped(
    configure: Callable[..., Settings], visitor: Visitor
) -> None:
    feed.forget()
    with served(configure()) as url:
        visitor.open(url)
        visitor.write("operation.graphql", "subscription { fed }")
        press(visitor, "Execute query")
        feed.wait("begun")
        for text in ("tick", "tock"):
            feed.push(text)
            wait_for(visitor, text)
        press(visitor, "Stop query")
        feed.wait("closed")


def test_a_subscription_goes_on_when_the_service_was_restarted(
    configure: Callable[..., Settings], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uvicorn_streams, "MAX_END_SECONDS", 0.01)
    monkeypatch.setattr(stream_formats, "RETRY_SECONDS", (0.1, 0.1))
    feed.forget()
    settings = configure()
    with served(settings) as url:
        visitor.open(url)
        visitor.write("operation.graphql", "subscription { post { text } }")
        press(visitor, "Execute query")
        feed.wait("begun")
        feed.push("seven")
        wait_for(visitor, "seven")
    feed.wait("closed")
    with served(settings, httpx.URL(url).port or 0):
        feed.wait("begun")
        wait_for(visitor, "after seven")
        feed.push("eight")
        wait_for(visitor, "eight")
        press(visitor, "Stop query")
        feed.wait("closed")
    visitor.errors.clear()  # Chromium logs that it could not connect


def test_a_refused_subscription_shows_its_errors(
    configure: Callable[..., Settings], visitor: Visitor
) -> None:
    with served(configure(max_tokens=500)) as url:
        visitor.open(url)
        visitor.write("operation.graphql", "subscription { nothing }")
        press(visitor, "Execute query")
        wait_for(visitor, "GRAPHQL_VALIDATION_FAILED")
