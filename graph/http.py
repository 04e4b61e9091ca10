"""GraphQL over HTTP: one ASGI endpoint (https://graphql.github.io/graphql-over-http/draft/)."""

import asyncio
import hmac
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.batch import Call, execute_batch
from graph.errors import Code, PublicError, ServiceUnavailableError, masked
from graph.execution import Result, Service
from graph.limits import too_complex
from graph.persisted import queries
from graph.representation import (
    COMPRESSED_FROM,
    JSON,
    accepts_gzip,
    entity_tag,
    gzip,
    is_json,
    negotiate,
)
from graph.settings import Settings

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
"""On every response."""

NOT_STORED = (b"cache-control", b"no-store")
"""Keeps an answer with errors out of every cache."""

STATUS = {
    Code.PERSISTED_QUERY_NOT_FOUND: 200,
    Code.PERSISTED_QUERY_NOT_SUPPORTED: 200,
    Code.QUERY_NOT_IN_SAFELIST: 403,
}
"""The HTTP status that Apollo's clients expect of these; others are 400."""


class Answer(NamedTuple):
    """A response before its body is compressed."""

    status: int
    media_type: bytes
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


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
        self._queries = queries(settings)
        self._cache_control = settings.cache_control.encode()
        self._token = settings.token.get_secret_value().encode() if settings.token else None
        # With a token, a shared cache must ask who wants the answer that it has.
        vary = b"Accept, Accept-Encoding" + (b", Authorization" if settings.token else b"")
        self._headers = [*SECURITY_HEADERS, (b"vary", vary)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        accept = headers.get(b"accept", b"")
        if self._explorer and scope["method"] == "GET" and b"text/html" in accept:
            await self._explorer(scope, receive, send)
            return
        media_type = negotiate(accept)
        try:
            self._authorize(headers)
            answer = await self._answer(scope, headers, receive, media_type)
        except Refused as refused:
            status, extra = refused.status, (*refused.headers, NOT_STORED)
            # Neither is the rest of a body read, nor can it be told from a next request, when the
            # client was to wait for a go-ahead that it never got.
            if status == 413 or b"expect" in headers:  # noqa: PLR2004 (the status of `too_large`)
                extra = (*extra, (b"connection", b"close"))
            body = encode({"errors": [refused.error.formatted]})
            answer = Answer(status, media_type, body, extra)
        except asyncio.CancelledError:  # the grace time of a shutdown is over
            body = encode({"errors": [ServiceUnavailableError("Shutting down.").formatted]})
            answer = Answer(503, media_type, body, (NOT_STORED,))
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            body = encode({"errors": [masked(error).formatted]})
            answer = Answer(500, media_type, body, (NOT_STORED,))
        await self._send(answer, headers, send)

    async def _send(self, answer: Answer, headers: Mapping[bytes, bytes], send: Send) -> None:
        status, media_type, body, extra = answer
        if (
            len(body) >= COMPRESSED_FROM
            and self._settings.compression
            and accepts_gzip(headers.get(b"accept-encoding", b""))
        ):
            body = gzip(body)
            extra = (*extra, (b"content-encoding", b"gzip"))
        if status != HTTPStatus.NOT_MODIFIED:
            length = str(len(body)).encode()
            extra = (
                (b"content-type", media_type + b"; charset=utf-8"),
                (b"content-length", length),
                *extra,
            )
        await send(
            {"type": "http.response.start", "status": status, "headers": [*extra, *self._headers]}
        )
        await send({"type": "http.response.body", "body": body})

    def _authorize(self, headers: Mapping[bytes, bytes]) -> None:
        if self._token is None:
            return
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            error = PublicError(Code.UNAUTHENTICATED, "A valid bearer token is needed.")
            raise Refused(401, error, (b"www-authenticate", b"Bearer"))

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, media_type: bytes
    ) -> Answer:
        is_get = scope["method"] == "GET"
        value = await self._parameters(scope, headers, receive)
        if isinstance(value, list):
            return Answer(200, JSON, encode(await self._batch(value)))
        call = self._call(self._request(value), is_get=is_get)
        result = call if isinstance(call, Result) else await self._service.execute(*call)
        # As "application/json", a well-formed request is answered with 200, whatever becomes of it.
        status = 200 if result.executed or media_type == JSON else 400
        body = encode(body_of(result))
        if not is_get:
            return Answer(status, media_type, body)
        if result.errors:
            return Answer(status, media_type, body, (NOT_STORED,))
        tag = entity_tag(media_type, body)
        validators = ((b"cache-control", self._cache_control), (b"etag", b"W/" + tag))
        if tag in headers.get(b"if-none-match", b""):
            return Answer(304, media_type, b"", validators)
        return Answer(status, media_type, body, validators)

    async def _parameters(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Any:
        """The JSON value of a POST, or the object that a GET's URL makes."""
        if scope["method"] == "POST":
            return decode(await self._body(headers, receive))
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

    def _request(self, fields: Any) -> Request:
        """The request that these parameters make."""
        if not isinstance(fields, dict):
            raise bad_request("The request must be a JSON object.")
        operation_name = fields.get("operationName")
        variables = fields.get("variables")
        if operation_name is not None and not isinstance(operation_name, str):
            raise bad_request("operationName must be a string.")
        if variables is not None and not isinstance(variables, dict):
            raise bad_request("variables must be an object.")
        extensions = fields.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            raise bad_request("extensions must be an object.")
        try:
            query = self._queries.find(fields)
        except PublicError as error:
            raise Refused(STATUS.get(error.code, 400), error) from None
        return Request(query, operation_name or None, variables or {})

    def _call(self, request: Request, *, is_get: bool) -> Call | Result:
        """The operation to execute, or why its document cannot be."""
        document = self._service.document(request.query)
        if document.errors:
            return Result(None, document.errors, executed=False)
        try:
            operation = document.operation(request.operation_name)
        except PublicError as error:
            raise Refused(400, error) from None
        if is_get and operation.writes:
            raise bad_request("Mutations need POST.", 405, (b"allow", b"POST"))
        return Call(operation, request.variables)

    async def _batch(self, entries: Sequence[Any]) -> list[dict[str, Any]]:
        """The bodies that answer a batch; what makes one entry unusable does so for it alone."""
        limit = self._settings.batch_limit
        if limit == 1:
            raise bad_request("Batches are not accepted: the request must be a JSON object.")
        if not entries:
            raise bad_request("The batch is empty.")
        if len(entries) > limit:
            message = f"The batch has {len(entries)} operations; at most {limit} are allowed."
            raise Refused(400, too_complex(message))
        batch: list[Call | Result] = []
        for fields in entries:
            try:
                batch.append(self._call(self._request(fields), is_get=False))
            except Refused as refused:
                batch.append(Result(None, [refused.error], executed=False))
        results = await execute_batch(self._service, batch, self._settings)
        return [body_of(result) for result in results]


def body_of(result: Result) -> dict[str, Any]:
    """The answer to one operation, as a JSON object."""
    body: dict[str, Any] = {"data": result.data} if result.executed else {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    return body


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


def from_query_string(query_string: bytes) -> dict[str, Any]:
    """The parameters in a GET's URL, where variables and extensions are JSON texts."""
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
    return fields
