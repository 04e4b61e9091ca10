"""The operations of requests, whatever transport they come by."""

from typing import Any

from graph.engine.calls import Call
from graph.engine.service import Service
from graph.http import idempotency
from graph.http.authorization import Authorization, HTTPCaller
from graph.http.errors import HTTPError, InvalidDocumentError
from graph.http.in_progress import TOKEN_BYTES, InProgress, Memory
from graph.http.persisted_queries import DocumentStore
from graph.http.request import Request, request_of
from graph.http.subscriptions import Subscriptions
from graph.observe.logs import record_operation
from graph.settings import Settings


class Calls:
    """Finds the operations of requests; has what the transports share.

    Args:
        service: executes the operations.
        settings: the settings.
    """

    def __init__(self, service: Service, settings: Settings) -> None:
        self.service = service
        self.authorization = Authorization(settings)
        self.in_progress = InProgress()
        self.subscriptions = Subscriptions(
            settings.max_subscriptions, settings.max_caller_subscriptions
        )
        self._store = DocumentStore(settings.trusted_documents)

    async def call(
        self, fields: Any, caller: HTTPCaller, memory: Memory, *, is_get: bool = False
    ) -> Call:
        """Return the operation of a request with these parameters.

        Raises:
            InvalidDocumentError: the query text is invalid.
            PublicError: another parameter is.
        """
        request = request_of(fields, self._store)
        document = await self.service.document(request.query)
        if document.errors:
            raise InvalidDocumentError(document.errors, document.tokens)
        if request.hash is not None:
            self._store.store(request.hash, request.query)
        operation = document.operation(request.operation_name)
        record_operation(operation.name, operation.node.operation.value)
        if not operation.prepared:  # this request's own document, until others use it, too
            memory.take(TOKEN_BYTES * document.tokens)
        if is_get and operation.writes:
            raise HTTPError(405, "Mutations need POST.", (b"allow", b"POST"))
        key = _idempotency_key(request, caller) if operation.writes else None
        return Call(operation, request.variables, caller, key)


def _idempotency_key(request: Request, caller: HTTPCaller) -> str | None:
    """Return a mutation's idempotency key, from its header or its extensions."""
    if (header := caller.headers.get(idempotency.HEADER)) is not None:
        return idempotency.from_header(header)
    key = request.idempotency_key
    return None if key is None else idempotency.checked(key)
