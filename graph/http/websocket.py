"""Operations over WebSocket, by the protocol `graphql-transport-ws`.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from graph.engine.calls import Result, not_executed
from graph.engine.encoding import encode
from graph.engine.errors import masked
from graph.errors import BadRequestError, PublicError
from graph.http.authorization import HTTPCaller
from graph.http.calls import Calls
from graph.http.errors import CLIENT_GONE, HTTPError, InvalidDocumentError, body_of
from graph.http.in_progress import Memory
from graph.http.request import decode, headers_by_name
from graph.http.response import result_body
from graph.http.streams import only
from graph.observe.logs import begin_record, record_errors
from graph.settings import Settings

SUBPROTOCOL = "graphql-transport-ws"

INIT_SECONDS = 10.0
"""Seconds in which a client must initialise a connection."""

MAX_OPERATIONS = 100
"""Maximum operations of a connection at a time."""

MAX_REASON_BYTES = 123
"""Maximum bytes of the reason of a close (RFC 6455, section 5.5)."""


class CloseError(Exception):
    """The connection is to be closed.

    Args:
        code: the code of the close.
        reason: why, for the client's developer.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


class WebSocketEndpoint:
    """Answers WebSocket connections on one path.

    Args:
        calls: finds the operations.
        settings: the settings.
    """

    def __init__(self, calls: Calls, settings: Settings) -> None:
        self._calls = calls
        self._patience = settings.request_timeout
        self._origins = frozenset(settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that the client wants to connect
        headers = headers_by_name(scope["headers"])
        if not self._allows(headers):
            await refuse(scope, send, HTTPError(403, "Pages of this origin may not call the API."))
            return
        accepts = SUBPROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if accepts else None})
        if not accepts:
            reason = "Subprotocol not acceptable"
            await send({"type": "websocket.close", "code": 4406, "reason": reason})
            return
        address, _ = scope.get("client") or ("", 0)
        connection = Connection(self._calls, headers, address, receive, send, self._patience)
        await connection.run()

    def _allows(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a page of this origin may connect: browsers leave it to the server.

        Clients that are no browsers send no origin.
        """
        origin = headers.get(b"origin")
        if origin is None:
            return True
        host = headers.get(b"host", b"").lower()
        return origin.decode("latin-1") in self._origins or origin.partition(b"://")[2] == host


async def refuse(scope: Scope, send: Send, error: HTTPError) -> None:
    """Answer a handshake with an HTTP error."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})  # the server answers with 403
        return
    headers = [(b"content-type", b"application/json")]
    start = {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": encode(body_of(error))})


class Connection:
    """One connection, and its operations.

    It counts as one subscription, or as many as it has.

    Args:
        calls: finds the operations.
        headers: those of the handshake.
        address: that of the client.
        receive: receives messages.
        send: sends messages.
        patience: seconds in which the client must read something.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a connection has these parts)
        self,
        calls: Calls,
        headers: Mapping[bytes, bytes],
        address: str,
        receive: Receive,
        send: Send,
        patience: float,
    ) -> None:
        self._calls = calls
        self._limit = calls.subscriptions
        self._receive = receive
        self._send = send
        self._patience = patience
        self._caller = HTTPCaller(None, address, headers)
        self._is_initialised = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._subscriptions = 0
        self._is_serving = True
        self._closing: CloseError | None = None
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker)
        self._task = task

    async def run(self) -> None:
        """Answer the client's messages until either side closes the connection."""
        try:
            self._limit.begin(self._caller.identity)
        except HTTPError as error:
            await self._close(CloseError(1013, error.message))
            return
        try:
            closing = await self._serve()
            self._is_serving = False
            operations = list(self._operations.values())
            for operation in operations:
                operation.cancel(CLIENT_GONE)
            if closing is not None:
                await self._close(closing)
            if operations:
                await asyncio.wait(operations)
        finally:
            self._limit.end(self._caller.identity)

    async def _serve(self) -> CloseError | None:
        """Answer messages; return how to close the connection, or None if it is gone."""
        try:
            async with asyncio.timeout(INIT_SECONDS) as timer:
                while (message := await self._receive())["type"] != "websocket.disconnect":
                    await self._handle(message)
                    if self._is_initialised and timer.when() is not None:
                        timer.reschedule(None)
        except CloseError as closing:
            return closing
        except OSError:  # the client did not initialise in time; or has gone, or reads nothing
            return (
                CloseError(4408, "Connection initialisation timeout") if timer.expired() else None
            )
        except asyncio.CancelledError:
            if self._is_serving:  # the server ends it
                raise
            return self._closing
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            masked(error)
            return CloseError(4500, "Internal server error")
        return None

    def _end(self, closing: CloseError | None) -> None:
        """End the connection, from the task of an operation."""
        if self._is_serving:
            self._is_serving = False
            self._closing = closing
            self._task.cancel()

    async def _close(self, closing: CloseError) -> None:
        message = {"type": "websocket.close", "code": closing.code, "reason": closing.reason}
        with suppress(OSError):
            async with asyncio.timeout(self._patience):
                await self._send(message)

    async def _write(self, text: bytes) -> None:
        """Send a message.

        Raises:
            OSError: the client has gone, or reads nothing.
        """
        async with asyncio.timeout(self._patience):
            await self._send({"type": "websocket.send", "text": text.decode()})

    async def _handle(self, message: Message) -> None:
        """Answer one message.

        Raises:
            CloseError: the message is not allowed.
        """
        text = message.get("text")
        try:
            fields = decode(text or "")
        except HTTPError:
            fields = None
        if not isinstance(fields, dict):
            raise CloseError(4400, "The message is not a JSON object")
        payload = fields.get("payload")
        match fields.get("type"):
            case "connection_init" if isinstance(payload, dict | None):
                await self._initialise(payload or {})
            case "ping" if isinstance(payload, dict | None):
                await self._write(encode({**fields, "type": "pong"}))
            case "pong" if isinstance(payload, dict | None):
                pass
            case "subscribe" if isinstance(payload, dict) and is_id(fields.get("id")):
                self._begin(fields["id"], payload, 2 * len(text or ""))
            case "complete" if is_id(fields.get("id")):
                if operation := self._operations.pop(fields["id"], None):
                    operation.cancel(CLIENT_GONE)
            case _:
                raise CloseError(4400, "Invalid message received")

    async def _initialise(self, payload: Mapping[str, Any]) -> None:
        """Find out who the caller is, by the payload or the headers of the handshake.

        Raises:
            CloseError: it needs a valid token, or has initialised the connection before.
        """
        if self._is_initialised:
            raise CloseError(4429, "Too many initialisation requests")
        headers = self._caller.headers
        for name, value in payload.items():
            if name.lower() == "authorization" and isinstance(value, str):
                headers = {**headers, b"authorization": value.encode("utf-8", "replace")}
        try:
            caller = self._calls.authorization.caller(headers, self._caller.address)
        except HTTPError:
            # Not 4401, after which clients do not try again with another token.
            raise CloseError(4403, "Forbidden") from None
        try:
            self._limit.move(self._caller.identity, caller.identity)
        except HTTPError as error:
            raise CloseError(1013, error.message) from None
        self._caller = caller
        self._is_initialised = True
        await self._write(b'{"type":"connection_ack"}')

    def _begin(self, id_: str, payload: dict[str, Any], size: int) -> None:
        """Begin an operation.

        Raises:
            CloseError: the client may not begin it.
        """
        if not self._is_initialised:
            raise CloseError(4401, "Unauthorized")
        if id_ in self._operations:
            raise CloseError(4409, f"Subscriber for {id_} already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            raise CloseError(4400, f"More than {MAX_OPERATIONS} operations at a time")
        operation = asyncio.create_task(self._operate(id_, payload, size))
        self._operations[id_] = operation
        operation.add_done_callback(lambda _: self._forget(id_, operation))

    def _forget(self, id_: str, operation: asyncio.Task[None]) -> None:
        if self._operations.get(id_) is operation:
            del self._operations[id_]

    async def _operate(self, id_: str, payload: dict[str, Any], size: int) -> None:
        """Execute one operation, and send its results or errors."""
        record = begin_record(self._caller.headers.items())
        record.status = 101
        try:
            try:
                await self._execute(id_, payload, size)
            except BadRequestError as error:
                self._end(CloseError(4400, error.message))
            except InvalidDocumentError as error:
                await self._fail(id_, not_executed(*error.errors))
            except PublicError as error:
                await self._fail(id_, not_executed(error))
        except OSError:  # the client has gone, or reads nothing
            self._end(None)
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            masked(error)
            self._end(CloseError(4500, "Internal server error"))
        finally:
            record.log()

    async def _execute(self, id_: str, payload: dict[str, Any], size: int) -> None:
        memory = Memory(self._calls.in_progress, self._caller.identity, size)
        try:
            call = await self._calls.call(payload, self._caller, memory)
            if not call.operation.subscribes:
                await self._send_results(id_, only(await self._calls.service.execute(call)))
                return
        finally:
            memory.give_back()
        if self._subscriptions:  # the connection counts for the first
            self._limit.begin(self._caller.identity)
        self._subscriptions += 1
        try:
            await self._send_results(id_, self._calls.service.subscribe(call))
        finally:
            self._subscriptions -= 1
            if self._subscriptions:
                self._limit.end(self._caller.identity)

    async def _send_results(self, id_: str, results: AsyncGenerator[Result, None]) -> None:
        async with aclosing(results):
            async for result in results:
                if not result.executed:
                    await self._fail(id_, result)
                    return
                body = result_body(result)
                await self._write(b'{"id":%b,"type":"next","payload":%b}' % (encode(id_), body))
        self._operations.pop(id_, None)  # its id may be used again as soon as this is sent
        await self._write(b'{"id":%b,"type":"complete"}' % encode(id_))

    async def _fail(self, id_: str, result: Result) -> None:
        """Send the errors of an operation that was not executed, or whose resolver failed."""
        record_errors(result.errors)
        self._operations.pop(id_, None)
        errors = encode([error.formatted for error in result.errors])
        await self._write(b'{"id":%b,"type":"error","payload":%b}' % (encode(id_), errors))


def is_id(value: object) -> bool:
    """Whether a value is the id of an operation."""
    return isinstance(value, str) and bool(value)
