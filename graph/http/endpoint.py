"""GraphQL over HTTP: one ASGI endpoint (https://graphql.github.io/graphql-over-http/draft/)."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from graph.engine.calls import Call, Result, not_executed
from graph.engine.encoding import encode
from graph.engine.errors import masked
from graph.errors import BadRequestError, Code, PublicError, ShuttingDownError
from graph.http import idempotency
from graph.http.authorization import HTTPCaller
from graph.http.batch import execute_batch
from graph.http.calls import Calls
from graph.http.errors import (
    CLIENT_GONE,
    PARTIAL_SUCCESS,
    HTTPError,
    InvalidDocumentError,
    body_of,
    status_of,
)
from graph.http.in_progress import Memory
from graph.http.request import headers_by_name, is_request, parameters_of
from graph.http.response import (
    COMPRESSED_ASIDE_FROM,
    COMPRESSED_FROM,
    GRAPHQL_JSON,
    HTML,
    JSON,
    SECURITY_HEADERS,
    Headers,
    accepts_gzip,
    entity_tag,
    gzip,
    is_unchanged,
    negotiate,
    negotiate_stream,
    result_body,
)
from graph.http.stream_formats import FORMATS
from graph.http.streams import Stream, only
from graph.observe.logs import record_errors
from graph.settings import Settings

STREAM_TYPES = "text/event-stream, or multipart/mixed with subscriptionSpec=1.0,"
"""The media types of a subscription, for messages."""

NOT_STORED = (b"cache-control", b"no-store")
"""Keeps answers with errors out of caches."""


class Answer(NamedTuple):
    """A response before its body is compressed."""

    status: int
    media_type: bytes
    body: bytes
    headers: Headers = ()


class GraphQLEndpoint:
    """Answers POST and GET on one path.

    Args:
        calls: finds the operations.
        settings: the settings.
        explorer: answers a browser's GET; None if GraphiQL is off.
    """

    def __init__(self, calls: Calls, settings: Settings, explorer: ASGIApp | None) -> None:
        self._calls = calls
        self._service = calls.service
        self._settings = settings
        self._explorer = explorer
        self._in_progress = calls.in_progress
        self._subscriptions = calls.subscriptions
        self._cache_control = settings.cache_control.encode()
        self._authorization = calls.authorization
        # If tokens are required, a shared cache must keep the answers of each token apart.
        vary = b"Accept, Accept-Encoding" + (
            b", Authorization" if self._authorization.is_needed else b""
        )
        self._headers = (*SECURITY_HEADERS, (b"vary", vary))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_by_name(scope["headers"])
        accept = headers.get(b"accept", b"")
        is_get = scope["method"] == "GET"
        accepted = negotiate(accept, page=is_get and self._explorer is not None)
        if accepted == HTML:
            if self._explorer and not is_request(scope["query_string"]):
                await self._explorer(scope, receive, send)
                return
            accepted = negotiate(accept)
        media_type = GRAPHQL_JSON if accepted in FORMATS else accepted or JSON
        try:
            address, _ = scope.get("client") or ("", 0)
            caller = self._authorization.caller(headers, address)
            answer = await self._answer(scope, caller, receive, accepted)
            if isinstance(answer, Stream):
                await answer.send(self._headers, receive, send)
                return
        except PublicError as error:
            answer = _error_response(error, media_type, headers)
        except asyncio.CancelledError as cancelled:
            gone = CLIENT_GONE in cancelled.args  # otherwise: the end of a shutdown's grace period
            reason = HTTPError(499, CLIENT_GONE) if gone else ShuttingDownError()
            answer = _error_response(reason, media_type, headers)
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            answer = _error_response(masked(error), media_type, headers)
        await self._send(answer, headers, send)

    async def _send(self, answer: Answer, headers: Mapping[bytes, bytes], send: Send) -> None:
        status, media_type, body, extra = answer
        encodings = headers.get(b"accept-encoding", b"")
        if len(body) >= COMPRESSED_FROM and accepts_gzip(encodings):
            large = len(body) >= COMPRESSED_ASIDE_FROM
            body = await asyncio.to_thread(gzip, body) if large else gzip(body)
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

    async def _answer(
        self,
        scope: Scope,
        caller: HTTPCaller,
        receive: Receive,
        media_type: bytes | None,
    ) -> Answer | Stream:
        if media_type is None:
            raise HTTPError(406, f"Accept must allow {JSON.decode()} or {GRAPHQL_JSON.decode()}.")
        is_get = scope["method"] == "GET"
        limit = self._settings.max_body_bytes
        value, size = await parameters_of(scope, caller.headers, receive, limit)
        memory = Memory(self._in_progress, caller.identity, size)
        try:
            if isinstance(value, list):  # GraphQL over HTTP has no media type for a batch's answer
                if media_type in FORMATS:
                    raise HTTPError(406, f"A batch is answered as {JSON.decode()}.")
                return Answer(200, JSON, await self._batch(value, caller, memory))
            call = await self._calls.call(value, caller, memory, is_get=is_get)
            if call.operation.subscribes:
                return self._subscribe(call, caller)
            result = await self._service.execute(call)
        except InvalidDocumentError as error:
            result = not_executed(*error.errors)
        finally:
            memory.give_back()
        if media_type in FORMATS:
            return Stream(FORMATS[media_type], only(result), self._settings.request_timeout)
        status = 200
        if not result.executed:
            status = status_of(result.errors[0], media_type)
        elif result.errors and media_type == GRAPHQL_JSON:
            status = PARTIAL_SUCCESS
        answer = Answer(status, media_type, result_body(result))
        return self._for_caches(answer, result, caller) if is_get else answer

    def _for_caches(self, answer: Answer, result: Result, caller: HTTPCaller) -> Answer:
        """Return the answer to a GET with the headers for caches; 304 if the client has it."""
        if result.errors:
            return answer._replace(headers=(NOT_STORED,))
        tag = entity_tag(answer.media_type, answer.body)
        validators = ((b"cache-control", self._cache_control), (b"etag", b"W/" + tag))
        if is_unchanged(caller.headers.get(b"if-none-match", b""), tag):
            return Answer(304, answer.media_type, b"", validators)
        return answer._replace(headers=validators)

    def _subscribe(self, call: Call, caller: HTTPCaller) -> Stream:
        """Return the response to a subscription.

        Raises:
            HTTPError: the client accepts no stream, or there are too many subscriptions.
        """
        media_type = negotiate_stream(caller.headers.get(b"accept", b""))
        if media_type is None:
            raise HTTPError(406, f"Accept must allow {STREAM_TYPES} for a subscription.")
        self._subscriptions.begin(caller.identity)
        call = call._replace(last_event_id=caller.header("last-event-id"))
        return Stream(
            FORMATS[media_type],
            self._service.subscribe(call),
            self._settings.request_timeout,
            partial(self._subscriptions.end, caller.identity),
        )

    async def _batch(self, entries: Sequence[Any], caller: HTTPCaller, memory: Memory) -> bytes:
        """Return the body of the response to a batch."""
        limit = self._settings.batch_limit
        if limit == 1:
            raise BadRequestError("Batches are not accepted: the request must be a JSON object.")
        if idempotency.HEADER in caller.headers:
            raise BadRequestError(
                "A batch takes no Idempotency-Key: each entry has its extensions.idempotencyKey."
            )
        if not entries:
            raise BadRequestError("The batch is empty.")
        if len(entries) > limit:
            message = f"The batch has {len(entries)} operations; at most {limit} are allowed."
            raise HTTPError(400, message, code=Code.OPERATION_TOO_COMPLEX)
        call_of = partial(self._calls.call, caller=caller, memory=memory)
        results = await execute_batch(self._service, entries, call_of, memory.take)
        return b"[%b]" % b",".join([result_body(result) for result in results])


def _error_response(
    error: PublicError, media_type: bytes, headers: Mapping[bytes, bytes]
) -> Answer:
    """Return the response to a request that was not executed."""
    record_errors([error])
    status = status_of(error, media_type)
    extra = error.headers if isinstance(error, HTTPError) else ()
    # Close the connection, so as not to read the rest of a body that is too large. A client that
    # waited for "100 Continue" may now send its body or a new request: nothing tells which.
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or b"expect" in headers:
        extra = (*extra, (b"connection", b"close"))
    return Answer(status, media_type, encode(body_of(error)), (*extra, NOT_STORED))
