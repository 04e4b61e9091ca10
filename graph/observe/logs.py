"""Log lines: what they look like, the id of the request that they belong to, one for each request.

A request's line names its operation and tells its outcome; variables, arguments and the text of
the query are in no line, nor in a traceback (`observe/tracebacks.py`).
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
"""An acceptable `X-RequestRecord-ID`: one line of UUID, hexadecimal, Base64 or the like."""

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


class RequestLog:
    """Gives each request an id, which its response has too, and logs its line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        record = RequestRecord(request_id(scope["headers"]))
        current.set(record)
        header = (b"x-request-id", record.id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            if logger.isEnabledFor(logging.INFO):
                fields = {
                    "operation": ",".join([name for name, _ in record.operations]),
                    "kind": ",".join([kind for _, kind in record.operations]),
                    "outcome": ",".join(sorted(record.codes)) or "ok",
                    "status": record.status,
                    "duration_ms": round((perf_counter() - started) * 1000, 3),
                }
                logger.info("request", extra={"fields": fields})


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that the client or a proxy sent, or a new one."""
    for name, value in headers:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return f"{getrandbits(128):032x}"  # to tell requests apart: nothing secret


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a line besides its message."""
    fields: dict[str, Any] = {**getattr(record, "fields", {})}
    if request := current.get():
        fields["request_id"] = request.id
        if request.trace_id:
            fields["trace_id"] = request.trace_id
    return fields


def _message(record: logging.LogRecord) -> str:
    """Return the message; exceptions in it are described as in a traceback."""
    args = record.args
    if isinstance(args, tuple) and any(isinstance(arg, BaseException) for arg in args):
        told = [described(arg) if isinstance(arg, BaseException) else arg for arg in args]
        return record.msg % tuple(told)
    message = record.getMessage()
    # asyncio adds lines in which the exception of a task is written out as Python does.
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _traceback(record: logging.LogRecord) -> list[str]:
    """Return the lines of the record's traceback, if any."""
    error = record.exc_info[1] if record.exc_info else None
    return formatted(error) if error else []


class TextFormatter(logging.Formatter):
    """For people: the fields follow the message as `name=value`, a traceback in lines of its own.

    What is not to be shown, and might control a terminal, is escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = "".join([f" {name}={value}" for name, value in _fields(record).items()])
        line = f"{time} {record.levelname} {record.name}: {_message(record)}{fields}"
        return "\n".join([_escaped(part) for part in (line, *_traceback(record))])


def _escaped(line: str) -> str:
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], line)


class JSONFormatter(logging.Formatter):
    """One JSON object a line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
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
        # JSON has the others escaped.
        return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def configure(settings: Settings) -> None:
    """Write the lines of this process to standard error, those of the libraries from warnings on.

    For a process of our own: an app that has ours in it configures logging by itself.
    """
    handler = logging.StreamHandler()
    as_json = settings.log_format is LogFormat.JSON
    handler.setFormatter(JSONFormatter() if as_json else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(settings.log_level.upper())
