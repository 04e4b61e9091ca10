"""OpenTelemetry counts subscriptions, and the results that they have sent."""

from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from graph.observe import telemetry
from tests.support.databases import on_sqlite
from tests.support.event_stream import subscribed
from tests.support.served_schemas import Serve
from tests.support.subscriptions import Subscription, feed

pytestmark = on_sqlite


def test_running_subscriptions_and_their_results_are_counted(
    serve_schema: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    monkeypatch.setattr(telemetry, "configure", lambda _: True)

    def counted() -> dict[str, Any]:
        data: Any = reader.get_metrics_data()
        (resource,) = data.resource_metrics
        return {
            metric.name: metric.data.data_points[0].value
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.data.data_points
        }

    feed.forget()
    api = serve_schema(subscription=Subscription)
    with subscribed(api, "subscription { fed }") as stream:
        feed.wait("begun")
        feed.push("x")
        stream.next()
        assert counted() == {"hero_graph.subscriptions": 1, "hero_graph.events": 1}
        feed.push(None)
        assert len(list(stream)) == 1
    assert counted() == {"hero_graph.subscriptions": 0, "hero_graph.events": 1}
    provider.shutdown()


@pytest.mark.parametrize(
    ("accept", "excluded"),
    [
        (b"text/event-stream", True),
        (b"text/event-stream, multipart/mixed", True),
        (b"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", True),
        (b"multipart/mixed, application/json;subscriptionSpec=1.0", False),
        (b"application/json, text/event-stream", False),
        (b"*/*", False),
    ],
)
def test_streams_have_no_duration(accept: bytes, *, excluded: bool) -> None:
    scope = {"type": "http", "path": "/graphql", "headers": [(b"accept", accept)]}
    assert telemetry.is_excluded(scope) is excluded
