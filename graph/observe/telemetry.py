"""OpenTelemetry traces and metrics, if its standard environment variables enable them.

FastAPI makes spans and metrics of HTTP requests, and this module makes spans of operations.
OpenTelemetry's SDK exports them; without the variables, it is not loaded.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from functools import cache
from os import environ
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, StatusCode

from graph.engine.calls import Call, Result
from graph.engine.service import Service
from graph.errors import MAX_NAME_LENGTH, Code, logger
from graph.observe.logs import record_trace
from graph.product import PREFIX

FAULTS = {Code.INTERNAL_SERVER_ERROR, Code.SERVICE_UNAVAILABLE}
"""Codes of server faults; all others are caused by clients."""

STREAM = re.compile(
    rb"\s*(text/event-stream|multipart/mixed\b[^,]*subscriptionspec)", re.IGNORECASE
)
"""The beginning of an `Accept` header of a client that wants a stream."""


def is_excluded(scope: Mapping[str, Any]) -> bool:
    """Whether FastAPI makes no span and no metrics of a request.

    Probes come every few seconds, and streams last for hours.
    """
    accept = next((value for name, value in scope.get("headers", ()) if name == b"accept"), b"")
    is_stream = scope["type"] == "websocket" or STREAM.match(accept) is not None
    return is_stream or scope.get("path") in {"/health", "/ready"}


HTTP: TelemetryConfig = {
    "auto_configure": False,
    "operation_spans": False,
    "logs": False,
    "exclude": is_excluded,
}
"""FastAPI's telemetry."""

OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""Without telemetry, FastAPI need not check on each request whether it was set up."""


@cache
def configure(name: str) -> bool:
    """Set up the SDK for this process if the environment enables it; return whether it did.

    `OTEL_EXPORTER_OTLP_ENDPOINT` alone enables it. All variables:
    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.

    Args:
        name: default of OpenTelemetry's `service.name`.
    """
    for signal in ("TRACES", "METRICS"):
        if {"OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"} & set(environ):
            environ.setdefault(f"OTEL_{signal}_EXPORTER", "otlp")
    exporters = {environ.get(f"OTEL_{signal}_EXPORTER", "none") for signal in ("TRACES", "METRICS")}
    if exporters <= {"none"} or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    try:
        _set_up(name)
    except ModuleNotFoundError as error:
        logger.warning(
            "Telemetry is off: %s is not installed; run: pip install '.[telemetry]'", error.name
        )
        return False
    except Exception as error:  # noqa: BLE001 (the service must start without telemetry)
        # This is before any request, so the message cannot quote one.
        logger.warning("Telemetry is off: %s", str(error))
        return False
    return True


def _set_up(name: str) -> None:
    from opentelemetry.distro import OpenTelemetryConfigurator  # noqa: PLC0415 (an extra)
    from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider  # noqa: PLC0415

    class WithoutQuery(SpanProcessor):
        """Redacts the query strings in spans, which contain the query and variables of a GET."""

        def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002 (the signature is the SDK's)
            if "url.query" in (span.attributes or {}):
                span.set_attribute("url.query", "REDACTED")

    # `opentelemetry-instrument` may have set it up already.
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        if "service.name" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
            environ.setdefault("OTEL_SERVICE_NAME", name)
        OpenTelemetryConfigurator().configure()  # type: ignore[no-untyped-call] # (it has no types)
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)  # noqa: S101 (as it was set up)
    provider.add_span_processor(WithoutQuery())


async def flush() -> None:
    """Export pending spans and metrics."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush:
            await asyncio.to_thread(force_flush)


class TracedService(Service):
    """A service that makes a span for each operation, and exports the counts of its fallbacks.

    Names and attributes follow
    https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/, without `graphql.document`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        meter = metrics.get_meter("graph")
        meter.create_observable_counter(
            f"{PREFIX}.fallbacks",
            [self._observe_fallbacks],
            description="Operations, fields and values that left the fast path.",
        )
        self._running = meter.create_up_down_counter(
            f"{PREFIX}.subscriptions", description="Subscriptions that are running."
        )
        self._events = meter.create_counter(
            f"{PREFIX}.events", description="Results of subscriptions."
        )

    def _observe_fallbacks(self, _: CallbackOptions) -> Iterator[Observation]:
        for (operation, reason), count in self.fallbacks.counts.copy().items():
            yield Observation(count, {"graphql.operation.name": operation, "reason": reason})

    async def subscribe(self, call: Call) -> AsyncGenerator[Result, None]:
        self._running.add(1)
        try:
            async with aclosing(super().subscribe(call)) as results:
                async for result in results:
                    self._events.add(1)
                    yield result
        finally:
            self._running.add(-1)

    async def execute(self, call: Call, room: int | None = None) -> Result:
        operation = call.operation
        kind = operation.node.operation.value
        attributes = {"graphql.operation.type": kind}
        if operation.name:
            attributes["graphql.operation.name"] = operation.name[:MAX_NAME_LENGTH]
        tracer = trace.get_tracer("graph")
        with tracer.start_as_current_span(
            kind, kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            record_trace(trace.format_trace_id(span.get_span_context().trace_id))
            result = await super().execute(call, room)
            codes = [(error.extensions or {}).get("code") for error in result.errors]
            if codes:
                span.set_attribute("error.type", str(codes[0]))
            if FAULTS.intersection(codes):
                span.set_status(StatusCode.ERROR)
        return result
