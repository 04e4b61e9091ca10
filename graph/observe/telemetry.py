"""OpenTelemetry traces and metrics, where its standard environment variables ask for them.

FastAPI makes the spans and metrics of HTTP requests, OpenTelemetry's SDK exports them, and here
are the spans of operations. Without the variables nothing of it is loaded.
"""

import asyncio
from functools import cache
from os import environ
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from graph.engine.service import Call, Result, Service
from graph.errors import Code, logger
from graph.observe.logs import MAX_NAME_LENGTH, note_trace

FAULTS = {Code.INTERNAL_SERVER_ERROR, Code.SERVICE_UNAVAILABLE}
"""The codes of failures of ours; the others answer what a client did."""

HTTP: TelemetryConfig = {
    "auto_configure": False,
    "operation_spans": False,
    "logs": False,
    "exclude": lambda scope: scope.get("path") in {"/health", "/ready"},
}
"""What FastAPI is to make: nothing for probes, which come every few seconds."""

OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""Spares each request FastAPI's question whether somebody has set up telemetry meanwhile."""


@cache
def configure() -> bool:
    """Set up the SDK for this process if the environment asks for it; whether it is set up.

    The variables, of which `OTEL_EXPORTER_OTLP_ENDPOINT` alone will do, are those of
    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
    """
    for signal in ("TRACES", "METRICS"):
        if {"OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"} & set(environ):
            environ.setdefault(f"OTEL_{signal}_EXPORTER", "otlp")
    exporters = {environ.get(f"OTEL_{signal}_EXPORTER", "none") for signal in ("TRACES", "METRICS")}
    if exporters <= {"none"} or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    try:
        _set_up()
    except ModuleNotFoundError as error:
        logger.warning("No telemetry: %s is missing: pip install '.[telemetry]'", error.name)
        return False
    except Exception as error:  # noqa: BLE001 (what the service does is more than its telemetry)
        logger.warning("No telemetry: %s", str(error))  # at start: no request can be quoted
        return False
    return True


def _set_up() -> None:
    from opentelemetry.distro import OpenTelemetryConfigurator  # noqa: PLC0415 (an extra)
    from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider  # noqa: PLC0415

    class WithoutQuery(SpanProcessor):
        """Takes the query string, in which a GET has its operation and variables, out of spans."""

        def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002 (the signature is the SDK's)
            if "url.query" in (span.attributes or {}):
                span.set_attribute("url.query", "REDACTED")

    if not isinstance(
        trace.get_tracer_provider(), TracerProvider
    ):  # not `opentelemetry-instrument`
        environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        if "service.name" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
            environ.setdefault("OTEL_SERVICE_NAME", "hero-graph")
        OpenTelemetryConfigurator().configure()  # type: ignore[no-untyped-call] # (it has no types)
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)  # noqa: S101 (as it was set up)
    provider.add_span_processor(WithoutQuery())


async def flush() -> None:
    """Export what was not exported yet."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush:
            await asyncio.to_thread(force_flush)


class TracedService(Service):
    """A service whose operations have spans.

    Their names and attributes are those of
    https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/, without `graphql.document`.
    """

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
            note_trace(trace.format_trace_id(span.get_span_context().trace_id))
            result = await super().execute(call, room)
            codes = [(error.extensions or {}).get("code") for error in result.errors]
            if codes:
                span.set_attribute("error.type", str(codes[0]))
            if FAULTS.intersection(codes):
                span.set_status(StatusCode.ERROR)
        return result
