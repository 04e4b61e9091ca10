"""Subscriptions: streams of events, each executed in a session of its own."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    GraphQLError,
    create_source_event_stream,
    map_source_to_response_event,
)
from graphql.execution import Executor, VariableValues
from strawberry.types import ExecutionResult as StrawberryResult

from graph.database.base import Database, Session
from graph.engine.calls import Call
from graph.engine.context import Context
from graph.engine.deadline import run_with_timeout
from graph.engine.operation import Prepared, searched_shape

Results: TypeAlias = AsyncGenerator[ExecutionResult | StrawberryResult, None]
"""The results of a subscription's events, one at a time."""


class Resumable(ABC):
    """Base class of events with an id; after a reconnect, `Context.last_event_id` is the last one.

    A resolver that yields such events continues after it.
    """

    @property
    @abstractmethod
    def event_id(self) -> str | None:
        """The id of the event, without control characters; None to keep the former one."""


class Events:
    """Executes the events of one subscription.

    Args:
        database: where the resolvers below an event read.
        call: the subscription.
        coerced: its variables.
        prepared: its cost.
        seconds: the timeout of an event.
    """

    def __init__(
        self,
        database: Database,
        call: Call,
        coerced: VariableValues,
        prepared: Prepared,
        seconds: float,
    ) -> None:
        self.is_executed = False
        """Whether an event has been executed since this was last set to False."""
        self.last_id: str | None = None
        """The id of the last event; None if it has none."""
        self._call = call
        self._database = database
        self._seconds = seconds
        self._takes_snapshot = prepared.cost.reads > 1
        self._shape = searched_shape(call.operation, coerced, prepared)

    def context(self) -> "SourceContext":
        """Return the context of the subscription's resolver."""
        return SourceContext(*self._context(), events=self)

    def _context(self) -> tuple[Session, Any, str | None]:
        caller = self._call.caller
        return self._database.session(caller.identity), caller, self._call.last_event_id

    async def execute(self, executor: Executor[Any], execute: Callable[[], Any]) -> ExecutionResult:
        """Execute one event; an error of the whole event does not end the subscription.

        Args:
            executor: graphql-core's executor of this event alone.
            execute: executes the event.
        """
        event, source = executor.root_value, executor.context_value
        self.is_executed = True
        self.last_id = event.event_id if isinstance(event, Resumable) else None
        context = executor.context_value = Context(*self._context())
        try:
            await source.session.close()
            return await run_with_timeout(self._seconds, self._execute(context.session, execute))
        except Exception as error:  # noqa: BLE001 (any exception is an error of the event)
            return ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        finally:
            if context.session.scanned:
                self._call.operation.record(self._shape, scanned=True)
            await context.session.close()

    async def _execute(self, session: Session, execute: Callable[[], Any]) -> ExecutionResult:
        operation = self._call.operation
        if self._takes_snapshot:
            await session.snapshot(scans=operation.may_scan(self._shape))
        result = execute()
        executed: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        operation.record(self._shape, scanned=False)
        return executed


@dataclass(slots=True)
class SourceContext(Context):
    """The context of a subscription's resolver, for as long as the subscription runs.

    Its session is released after each event.
    """

    events: Events = field(kw_only=True)


async def response_stream(executor: Executor[Any]) -> Results | ExecutionResult:
    """Call a subscription's resolver; return the results of its events, or its errors."""
    source: Any = create_source_event_stream(executor)
    if executor.is_awaitable(source):
        source = await source
    if isinstance(source, ExecutionResult):
        return source
    return map_source_to_response_event(executor, source)
