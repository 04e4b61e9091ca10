"""Logging: a line for each request, request ids in all lines, formats for people and machines.

Neither a line nor a traceback (`observe/tracebacks.py`) contains query texts, arguments or
variables.
"""

import json
import logging
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import getrandbits
from time import perf_counter
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.errors import MAX_NAME_LENGTH, PublicError, logger
from graph.observe.tracebacks import described, formatted
from graph.settings import LogFormat, Settings

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""A valid `X-Request-ID`, such as a UUID, or hexadecimal or Base64 digits."""

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, line breaks and direction marks, on which terminals and viewers act."""


@dataclass(slots=True)
class RequestRecord:
    """Record of a request, for its log line."""

    id: str
    operations: list[tuple[str, str]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    trace_id: str | None = None
    status: int = 500
    started: float = field(default_factory=perf_counter)

    def log(self) -> None:
        """Log its line."""
        if logger.isEnabledFor(logging.INFO):
            fields = {
                "operation": ",".join([name for name, _ in self.operations]),
                "kind": ",".join([kind for _, kind in self.operations]),
                "outcome": ",".join(sorted(self.codes)) or "ok",
                "status": self.status,
                "duration_ms": round((perf_counter() - self.started) * 1000, 3),
            }
            logger.info("request", extra={"fields": fields})


current: ContextVar[RequestRecord | None] = ContextVar("request", default=None)


def record_operation(name: str | None, kind: str) -> None:
    """Add an operation to the request's line; a batch has several."""
    if record := current.get():
        record.operations.append(((name or "")[:MAX_NAME_LENGTH], kind))


def record_errors(errors: Iterable[GraphQLError | PublicError]) -> None:
    """Add the codes of these errors to the request's line."""
    if record := current.get():
        record.codes.update(str((error.extensions or {}).get("code")) for error in errors)


def record_trace(trace_id: str) -> None:
    """Add the trace id to all further lines of the request."""
    if record := current.get():
        record.trace_id = trace_id


def begin_record(headers: Iterable[tuple[bytes, bytes]]) -> RequestRecord:
    """Return the record of a new request with these headers, for what this task logs from now."""
    record = RequestRecord(request_id(headers))
    current.set(record)
    return record


class RequestLog:
    """Gives each request an id, sends it with the response, and logs a line for the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = begin_record(scope["headers"])
        header = (b"x-request-id", record.id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            record.log()


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that the client or a proxy sent, or a new one."""
    for name, value in headers:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return f"{getrandbits(128):032x}"  # it need not be secret


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a line besides its message."""
    fields: dict[str, Any] = {**getattr(record, "fields", {})}
    if request := current.get():
        fields["request_id"] = request.id
        if request.trace_id:
            fields["trace_id"] = request.trace_id
    return fields


def _message(record: logging.LogRecord) -> str:
    """Return the message; its exceptions are shown as in a traceback, without values of clients."""
    args = record.args
    if isinstance(args, tuple) and any(isinstance(arg, BaseException) for arg in args):
        told = [described(arg) if isinstance(arg, BaseException) else arg for arg in args]
        return record.msg % tuple(told)
    message = record.getMessage()
    # asyncio appends the exception of a task, with its message.
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _traceback(record: logging.LogRecord) -> list[str]:
    """Return the lines of the record's traceback, if any."""
    error = record.exc_info[1] if record.exc_info else None
    return formatted(error) if error else []


class TextFormatter(logging.Formatter):
    """Formats a record for people: the message, fields as `name=value`, lines of the traceback.

    Characters that could control a terminal are escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = "".join([f" {name}={value}" for name, value in _fields(record).items()])
        line = f"{time} {record.levelname} {record.name}: {_message(record)}{fields}"
        return "\n".join([_escaped(part) for part in (line, *_traceback(record))])


def _escaped(line: str) -> str:
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], line)


class JSONFormatter(logging.Formatter):
    """Formats a record, with its traceback, as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = "\n".join(_traceback(record))
        try:
            text = orjson.dumps(line).decode()
        except TypeError:  # a lone surrogate, which json escapes
            text = json.dumps(line, default=str)
        # JSON itself escapes the other control characters.
        return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def configure(settings: Settings) -> None:
    """Log to standard error, for libraries only warnings and errors.

    Only this service's own processes call this: an app that mounts it configures logging itself.
    """
    handler = logging.StreamHandler()
    as_json = settings.log_format is LogFormat.JSON
    handler.setFormatter(JSONFormatter() if as_json else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(settings.log_level.upper())
