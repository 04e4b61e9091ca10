"""OpenTelemetry: a collector gets spans and metrics if its variables are set."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.client import Client
from tests.support.databases import on_sqlite
from tests.support.service_process import service
from tests.support.waiting import wait_until

pytestmark = on_sqlite

PRIVATE = "Parqueador"


class Collector:
    """A collector of OTLP over HTTP that keeps what it gets."""

    def __init__(self) -> None:
        self.traces = list[ExportTraceServiceRequest]()
        self.metrics = list[ExportMetricsServiceRequest]()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            """Handles one export."""

            def do_POST(self) -> None:
                """Keep the body as traces or metrics, by its path."""
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces":
                    collector.traces.append(ExportTraceServiceRequest.FromString(body))
                elif self.path == "/v1/metrics":
                    collector.metrics.append(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> dict[str, list[Any]]:
        """Spans by name."""
        found: dict[str, list[Any]] = {}
        for request in self.traces:
            for scope in chain(*(resource.scope_spans for resource in request.resource_spans)):
                for span in scope.spans:
                    found.setdefault(span.name, []).append(span)
        return found


def attributes(item: Any) -> dict[str, Any]:
    """Attributes of a span, a data point or a resource."""
    return {
        entry.key: getattr(entry.value, entry.value.WhichOneof("value"))
        for entry in item.attributes
    }


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    collector = Collector()
    with collector.server, ThreadPoolExecutor(1) as pool:
        pool.submit(collector.server.serve_forever)
        yield collector
        collector.server.shutdown()


@contextmanager
def used(database_url: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[Client]:
    """A service in an environment with these variables, which has stopped in good order at the end.

    What it printed is then printed here.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with service(database_url, log_level="info") as running:
        client = Client(running.url)
        with client.http:
            yield client
        running.process.terminate()
        output, _ = running.process.communicate(timeout=60)
        sys.stdout.write(output.decode())


def test_a_collector_gets_spans_and_metrics(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    collector: Collector,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with used(database_url, monkeypatch, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as client:
        hero = f'name: "{PRIVATE}", secretName: "{PRIVATE}"'
        client.post({"query": f"mutation New {{ createHero(input: {{{hero}}}) {{ id }} }}"})
        client.post({"query": 'mutation { deleteHero(id: "no") { id } }'})
        parent = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        query = f'{{ hero(id: "{PRIVATE}") {{ id }} }}'
        client.http.get("/graphql", params={"query": query}, headers=parent)
        client.http.get("/health")
        client.post({"query": "query Types { __typename }"})
    spans = collector.spans()
    assert spans.keys() == {"mutation", "query", "POST /graphql", "GET /graphql"}
    (new, failed), (read, types) = spans["mutation"], spans["query"]
    assert attributes(new) == {
        "graphql.operation.type": "mutation",
        "graphql.operation.name": "New",
    }
    assert attributes(failed) == {"graphql.operation.type": "mutation", "error.type": "NOT_FOUND"}
    assert {span.parent_span_id for span in [*spans["mutation"], types]} == {
        span.span_id for span in spans["POST /graphql"]
    }
    [get] = spans["GET /graphql"]
    assert get.trace_id == read.trace_id == bytes.fromhex("ab" * 16)
    assert get.parent_span_id == bytes.fromhex("cd" * 8)
    assert attributes(get)["url.query"] == "REDACTED"
    assert attributes(get)["http.route"] == "/graphql"
    sent = f"{collector.traces}{collector.metrics}"
    assert PRIVATE not in sent
    resource = collector.traces[0].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "hero-graph"
    scopes = collector.metrics[-1].resource_metrics[0].scope_metrics
    metrics = {metric.name: metric for scope in scopes for metric in scope.metrics}
    duration = metrics["http.server.request.duration"]
    assert sum(point.count for point in duration.histogram.data_points) == 4
    (fallback,) = metrics["hero_graph.fallbacks"].sum.data_points
    assert attributes(fallback) == {
        "graphql.operation.name": "Types",
        "reason": "__typename: it is graphql-core's own",
    }
    assert fallback.as_int == 1
    assert duration.unit == "s"
    assert f"trace_id={'ab' * 16}" in capfd.readouterr().err


def test_an_internal_error_is_an_error_span(
    tmp_path: Any, database_url: str, monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    with used(database_url, monkeypatch, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as client:
        (tmp_path / "database.db").unlink()
        wait_until(lambda: "errors" in client.post({"query": "{ heroes { id } }"}).json())
    *_, span = collector.spans()["query"]
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "SERVICE_UNAVAILABLE"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SERVICE_NAME": "mine"}, '"name": "query"'),
        ({"OTEL_TRACES_EXPORTER": "no-such"}, "WARNING graph: Telemetry is off: "),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}, ""),
    ],
)
def test_the_standard_variables_are_used(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variables: Mapping[str, str],
    says: str,
) -> None:
    with used(database_url, monkeypatch, GRAPH_LOG_LEVEL="info", **variables) as client:
        assert client.heroes() == []
    captured = capfd.readouterr()
    printed = captured.out + captured.err
    assert says in printed
    assert ('"graphql.operation.type"' in printed) == ("query" in says)
    if "OTEL_SERVICE_NAME" in variables:
        assert '"service.name": "mine"' in printed


@pytest.mark.slow
@pytest.mark.parametrize(("exporter", "loaded"), [("none", 0), ("console", 1)])
def test_opentelemetry_is_not_loaded_without_its_variables(
    database_url: str, monkeypatch: pytest.MonkeyPatch, exporter: str, loaded: int
) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", exporter)
    code = "import sys; from graph.app import app; sys.exit('opentelemetry.sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL)
    assert done.returncode == loaded


@pytest.mark.slow
def test_without_the_extra_the_error_says_what_to_install(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_DATABASE_URL", database_url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    code = "import sys; sys.modules['opentelemetry.distro'] = None; from graph.app import app"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.count("\n") == 1
    assert "pip install '.[telemetry]'" in done.stderr
