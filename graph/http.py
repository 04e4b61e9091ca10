"""GraphQL over HTTP: one ASGI endpoint (https://graphql.github.io/graphql-over-http/draft/)."""

import asyncio
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.errors import Code, PublicError, ServiceUnavailableError, masked
from graph.execution import Result, Service
from graph.limits import too_complex
from graph.logs import note_errors, note_operation
from graph.settings import Settings

JSON = b"application/json"
GRAPHQL_JSON = b"application/graphql-response+json"

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
"""On every response."""


class Refused(Exception):  # noqa: N818 (an answer, not an error of ours)
    """A request that is answered without being executed.

    Args:
        status: the HTTP status code.
        error: what the body says.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, error: PublicError, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = headers


def bad_request(message: str, status: int = 400, *headers: tuple[bytes, bytes]) -> Refused:
    """A refusal of something that is no usable GraphQL request."""
    return Refused(status, PublicError(Code.BAD_REQUEST, message), *headers)


def too_large(part: str, limit: int, status: int = 413) -> Refused:
    """The refusal of a body or URL over `limit` bytes; what follows of a body is not read."""
    return Refused(status, too_complex(f"The {part} has more than {limit} bytes."))


class Request(NamedTuple):
    """The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters")."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


class GraphQLEndpoint:
    """Answers POST and GET on one path.

    Args:
        service: executes the operations.
        settings: limits and switches.
        explorer: answers a browser's GET; None when GraphiQL is off.
    """

    def __init__(self, service: Service, settings: Settings, explorer: ASGIApp | None) -> None:
        self._service = service
        self._settings = settings
        self._explorer = explorer
        self._token = settings.token.get_secret_value().encode() if settings.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        accept = headers.get(b"accept", b"")
        if self._explorer and scope["method"] == "GET" and b"text/html" in accept:
            await self._explorer(scope, receive, send)
            return
        media_type = negotiate(accept)
        try:
            self._authorize(headers)
            request = await self._request(scope, headers, receive)
            status, body = await self._execute(request, media_type, is_get=scope["method"] == "GET")
            extra: Iterable[tuple[bytes, bytes]] = ()
        except Refused as refused:
            note_errors([refused.error])
            status, extra = refused.status, refused.headers
            # Neither is the rest of a body read, nor can it be told from a next request, when the
            # client was to wait for a go-ahead that it never got.
            if status == 413 or b"expect" in headers:  # noqa: PLR2004 (the status of `too_large`)
                extra = (*extra, (b"connection", b"close"))
            body = encode({"errors": [refused.error.formatted]})
        except asyncio.CancelledError:  # the grace time of a shutdown is over
            status, extra = 503, ()
            shut = ServiceUnavailableError("Shutting down.")
            note_errors([shut])
            body = encode({"errors": [shut.formatted]})
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            hidden = masked(error)
            note_errors([hidden])
            status, extra = 500, ()
            body = encode({"errors": [hidden.formatted]})
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", media_type + b"; charset=utf-8"),
                    (b"content-length", str(len(body)).encode()),
                    *SECURITY_HEADERS,
                    *extra,
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def _authorize(self, headers: Mapping[bytes, bytes]) -> None:
        if self._token is None:
            return
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            error = PublicError(Code.UNAUTHENTICATED, "A valid bearer token is needed.")
            raise Refused(401, error, (b"www-authenticate", b"Bearer"))

    async def _request(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Request:
        if scope["method"] == "POST":
            return from_json(await self._body(headers, receive))
        if scope["method"] == "GET":
            limit = self._settings.max_body_bytes
            if len(scope["query_string"]) > limit:
                raise too_large("URL", limit, 414)
            return from_query_string(scope["query_string"])
        raise bad_request("Only POST and GET are allowed.", 405, (b"allow", b"GET, POST"))

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The body of a POST, read only as far as the limit."""
        limit = self._settings.max_body_bytes
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            raise too_large("body", limit)
        if not is_json(headers.get(b"content-type", b"")):
            raise bad_request("The content type must be application/json, in UTF-8.", 415)
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise bad_request("The body must not be compressed.", 415)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise bad_request("The body ended early.")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise too_large("body", limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def _execute(
        self, request: Request, media_type: bytes, *, is_get: bool
    ) -> tuple[int, bytes]:
        document = self._service.document(request.query)
        if document.errors:
            result = Result(None, document.errors, executed=False)
        else:
            try:
                operation = document.operation(request.operation_name)
            except PublicError as error:
                raise Refused(400, error) from None
            note_operation(operation.name, operation.node.operation.value)
            if is_get and operation.writes:
                raise bad_request("Mutations need POST.", 405, (b"allow", b"POST"))
            result = await self._service.execute(operation, request.variables)
        body: dict[str, Any] = {"data": result.data} if result.executed else {}
        if result.errors:
            note_errors(result.errors)
            body["errors"] = [error.formatted for error in result.errors]
        # "application/json" answers a well-formed request with 200, whatever becomes of it.
        status = 200 if result.executed or media_type == JSON else 400
        return status, encode(body)


def negotiate(accept: bytes) -> bytes:
    """The media type of the answer, of the two that there are.

    JSON for whoever names neither, as the specification has it for legacy clients.
    """
    accept = accept.lower()
    if GRAPHQL_JSON not in accept:
        return JSON
    ranges = [entry.split(b";") for entry in accept.split(b",")]
    quality = {entry[0].strip(): _quality(entry[1:]) for entry in ranges}
    wanted = quality.get(GRAPHQL_JSON, 0.0)
    fallback = quality.get(b"application/*", quality.get(b"*/*", 0.0))
    return GRAPHQL_JSON if wanted and wanted >= quality.get(JSON, fallback) else JSON


def _quality(parameters: Iterable[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition(b"=")
        if name == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def is_json(content_type: bytes) -> bool:
    """Whether a body of this content type is JSON in UTF-8."""
    if content_type == JSON:
        return True
    media_type, *parameters = content_type.lower().split(b";")
    pairs = [parameter.partition(b"=") for parameter in parameters]
    charsets = {value.strip(b' "') for name, _, value in pairs if name.strip() == b"charset"}
    return media_type.strip() == JSON and charsets <= {b"utf-8"}


def decode(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        Refused: it is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:  # a lone surrogate is JSON, which orjson does not take: the field's own error is better
        text = text.decode() if isinstance(text, bytes) else text  # `json` takes UTF-16, too
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad_request("The request is not valid JSON.") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def encode(value: Any) -> bytes:
    """JSON text; a lone surrogate, which UTF-8 has no bytes for, is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def from_json(body: bytes) -> Request:
    """The request of a POST's body."""
    return _request(decode(body))


def from_query_string(query_string: bytes) -> Request:
    """The request of a GET's URL, where variables and extensions are JSON texts."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise bad_request("The query string is not valid UTF-8.") from None
    fields: dict[str, Any] = dict(pairs)
    if len(fields) < len(pairs):
        raise bad_request("The query string has a parameter twice.")
    for name in ("variables", "extensions"):
        if fields.get(name):
            fields[name] = decode(fields[name])
        else:
            fields.pop(name, None)
    return _request(fields)


def _request(fields: Any) -> Request:
    if not isinstance(fields, dict):
        raise bad_request("The request must be a JSON object.")
    query = fields.get("query")
    operation_name = fields.get("operationName")
    variables = fields.get("variables")
    if not isinstance(query, str) or not query:
        raise bad_request("The request has no query.")
    if not isinstance(operation_name, str | None):
        raise bad_request("operationName must be a string.")
    if not isinstance(variables, dict | None):
        raise bad_request("variables must be an object.")
    if not isinstance(fields.get("extensions"), dict | None):
        raise bad_request("extensions must be an object.")
    return Request(query, operation_name or None, variables or {})
