"""Executes operations: each in a session and a transaction of its own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError
from graphql.execution import Executor, VariableValues
from strawberry.types import ExecutionResult as StrawberryResult

from graph.database.base import Database
from graph.engine._compiled.plan import Plan
from graph.engine._compiled.run import PlanRun
from graph.engine.calls import NULL, Call, Result, not_executed
from graph.engine.context import Context
from graph.engine.cost import (
    EXTRA_STEPS,
    LARGEST_FILTER,
    NO_FILTER,
    Cost,
    CostAnalysis,
    Size,
    over_cost,
)
from graph.engine.deadline import run_with_timeout
from graph.engine.definitions import core_schema, max_reads
from graph.engine.documents import Document, Documents
from graph.engine.encoding import encode, encode_within
from graph.engine.errors import errors_of, public, said_stored, with_code
from graph.engine.fallback import Fallback, Fallbacks
from graph.engine.limits import Limits, too_complex
from graph.engine.operation import Prepared, searched_shape
from graph.engine.permissions import Permissions
from graph.engine.resolved import Resolved
from graph.engine.saved_answers import Key, SavedAnswer, SavedAnswers, digest
from graph.engine.schema import Schema, SerialExecutor
from graph.engine.selection import Fields, SelectionTree, Values
from graph.engine.subscriptions import Events, Results, SourceContext, response_stream
from graph.errors import Code, PublicError, ReadOnlyError, UnansweredError

MAX_CONDITIONS = 4
"""Operations with more @skip/@include variables than this are not compiled."""

ESCAPED = 6
"""Bytes of an escaped character in JSON, such as `\\u0001`."""

MAX_LEAF_BYTES = 500
"""Upper bound of the bytes of an answer's field that is not a text, its key included."""


class Service:
    """Executes a schema's operations on a database; transports call `document`, then `execute`.

    Args:
        schema: the schema.
        database: where its resolvers read and write.
        limits: the limits of each operation.
        introspection: whether introspection queries are executed.
        fast_execution: whether operations are compiled; if not, graphql-core executes all.
    """

    def __init__(
        self,
        schema: Schema,
        database: Database,
        limits: Limits,
        *,
        introspection: bool = True,
        fast_execution: bool = True,
    ) -> None:
        self.limits = limits
        self._strawberry = schema
        self._is_extended = bool(schema.get_extensions())
        self._schema = core_schema(schema)
        self._database = database
        self._answers = SavedAnswers(database, limits)
        self.fallbacks = Fallbacks()
        self._hide_suggestions = not introspection
        self._fast_execution = fast_execution
        self._documents = Documents(self._schema, limits, introspection=introspection)

    async def keep_answers_within_bounds(self) -> None:
        """Delete expired and surplus saved answers, until cancelled.

        A read-only service deletes none.
        """
        if not self._database.read_only:
            await self._answers.keep_within_bounds()

    async def document(self, query: str) -> Document:
        """Return the document of a query text; schema extensions also run for an invalid one."""
        document = await self._documents.find(query)
        if document.errors and self._is_extended:
            session = self._database.session()
            try:
                await self._strawberry.execute(query, context_value=Context(session))
            finally:
                await session.close()
        return document

    async def execute(self, call: Call, room: int | None = None) -> Result:
        """Execute an operation in a transaction of its own; never raises.

        A mutation is committed before this returns. If it has errors or times out, it is rolled
        back, unless the error says that it was stored (`ONE_STATEMENT`).

        Args:
            call: an operation of one of this service's documents.
            room: maximum bytes of the answer's data; None for the limit.
        """
        room = self.limits.answer_bytes if room is None else room
        try:
            admitted = await self._admit(call)
            if isinstance(admitted, Result):
                return admitted
            work = self._transact(call, *admitted, room)
            return await run_with_timeout(self.limits.seconds, work)
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            return Result(NULL, errors_of(error))

    async def subscribe(self, call: Call) -> AsyncGenerator[Result, None]:
        """Execute a subscription; yields a result for each event, and never raises.

        A result that was not executed is the last one: the subscription was rejected, or its
        resolver failed. The caller closes the generator, which closes that of the resolver.

        Args:
            call: a subscription of one of this service's documents.
        """
        try:
            admitted = await self._admit(call)
            if isinstance(admitted, Result):
                yield admitted
                return
            events = Events(self._database, call, *admitted, self.limits.seconds)
            context = events.context()
            try:
                source = await self._response_stream(call, context)
                if isinstance(source, ExecutionResult):
                    yield not_executed(*public(source.errors or []))
                    return
                async with aclosing(source) as results:
                    async for result in results:
                        yield self._encoded_event(result, events)
            finally:
                await context.session.close()
        except Exception as error:  # noqa: BLE001 (nothing unexpected may reach a client)
            yield not_executed(*errors_of(error))

    async def _admit(self, call: Call) -> tuple[VariableValues, Prepared] | Result:
        """Return an operation's variables and plan, or the result of one that is rejected."""
        try:
            if call.operation.writes and self._database.read_only:
                raise ReadOnlyError
            coerced = self._coerce(call)
            if isinstance(coerced, list):
                return not_executed(*with_code(coerced, Code.BAD_USER_INPUT))
            is_new = not call.operation.prepared
            prepared = self._prepare(call, coerced)
            self._check(prepared.cost, coerced.coerced)
            if is_new:  # computing its cost may take as long as executing it
                await asyncio.sleep(0)
        except PublicError as error:
            return not_executed(error)
        return coerced, prepared

    def size(self, call: Call) -> Size:
        """Return the size of an operation's answer; zero if its variables are invalid.

        Raises:
            PublicError: the operation costs too much, whatever the values of its variables.
        """
        coerced = self._coerce(call)
        if isinstance(coerced, list):
            return Size(0, 0)
        return self._prepare(call, coerced).cost.size(coerced.coerced)

    def _check(self, cost: Cost, values: Values) -> None:
        """Check the limits of one operation.

        Raises:
            PublicError: the operation exceeds a limit.
        """
        size, most = cost.size(values), self.limits.rows
        if size.rows > most:
            advice = cost.fitting(values, most)
            raise too_complex(
                f"The operation asks for {size.rows} rows; at most {most} are allowed.{advice}"
            )
        if size.fields > self.limits.cost:
            raise over_cost(self.limits.cost, size)
        if size.filters is NO_FILTER:
            return
        for number, limit, what in zip(
            size.filters, LARGEST_FILTER, ("comparisons", "levels", "values"), strict=True
        ):
            if number > limit:
                raise too_complex(f"A filter has {number} {what}; at most {limit} are allowed.")

    async def _transact(
        self, call: Call, coerced: VariableValues, prepared: Prepared, room: int
    ) -> Result:
        operation = call.operation
        session = self._database.session(call.caller.identity)
        context = Context(session, call.caller)
        try:
            if operation.writes:
                result = await self._mutate(call, coerced, prepared, context, room)
            elif prepared.cost.reads <= 1:
                result = await self._run(call, coerced, prepared, context, room)
            else:
                shape = searched_shape(operation, coerced, prepared)
                await session.snapshot(scans=operation.may_scan(shape))
                result = await self._run(call, coerced, prepared, context, room)
                operation.record(shape, scanned=False)
        except (Exception, asyncio.CancelledError) as error:
            if not session.committed:
                raise
            errors = errors_of(error if isinstance(error, Exception) else UnansweredError())
            result = Result(NULL, said_stored(errors))
        finally:
            if session.scanned:
                operation.record(searched_shape(operation, coerced, prepared), scanned=True)
            await session.close()
        return result

    async def _mutate(
        self, call: Call, coerced: VariableValues, prepared: Prepared, context: Context, room: int
    ) -> Result:
        operation, session = call.operation, context.session
        shape = searched_shape(operation, coerced, prepared)
        scans = operation.may_scan(shape)
        autocommit_characters = self._autocommit_characters(prepared, room)
        key, searches = self._key(call), bool(prepared.cost.filters)
        async with self._answers.once(
            session,
            key,
            searches=searches,
            scans=scans,
            autocommit_characters=autocommit_characters,
        ) as once:
            if once.saved is None:
                result = await self._run(call, coerced, prepared, context, room)
                await once.claim()
            if once.saved is not None:
                if len(once.saved.data) > room:
                    raise self._too_large()
                if prepared.cost.is_guarded:
                    tree = SelectionTree(self._schema, operation.fragments, coerced.coerced)
                    permissions = Permissions(self._executor(call, context), tree)
                    await permissions.check(orjson.loads(once.saved.data))
                return Result(once.saved.data, [], extensions=once.saved.extensions)
            if not result.errors:
                operation.record(shape, scanned=False)
                once.answer = SavedAnswer(result.data, result.extensions)
            elif session.committed:
                said_stored(result.errors)
            return result

    def _autocommit_characters(self, prepared: Prepared, room: int) -> int:
        """Return how many characters a row's texts may have for it to be committed as written.

        After such a commit, nothing may fail. The start has checked that each row of the table can
        be answered (`graph.migrations.catalog`), so only the limit on the answer's size could still
        be exceeded, and only by texts.

        Returns:
            The number of characters; 0 if the mutation needs a transaction.
        """
        plan, cost = prepared.plan, prepared.cost
        if plan is None or not plan.is_one_statement or cost.lists:
            return 0
        return max(0, (room // cost.fields - MAX_LEAF_BYTES) // ESCAPED)

    def _key(self, call: Call) -> Key | None:
        if call.key is None:
            return None
        request = digest(call.operation.query, call.operation.name, call.variables)
        return Key(call.caller.name or "", call.key, request)

    def _too_large(self) -> PublicError:
        return too_complex(f"The answer has more than {self.limits.answer_bytes} bytes.")

    def _coerce(self, call: Call) -> VariableValues | list[GraphQLError]:
        return call.operation.coerce(
            self._schema,
            call.variables,
            fallbacks=self.fallbacks if self._fast_execution else None,
            hide_suggestions=self._hide_suggestions,
        )

    def _prepare(self, call: Call, coerced: VariableValues) -> Prepared:
        """Return the operation's cost and plan; cached by the values of its conditions."""
        operation = call.operation
        values = coerced.coerced
        choice = tuple([values.get(name) for name in operation.conditions])
        prepared = operation.prepared.get(choice)
        if prepared is None:
            prepared = self._prepared(call, values)
            if len(choice) <= MAX_CONDITIONS:
                operation.prepared[choice] = prepared
                self._documents.grown(operation.query)
        return prepared

    def _prepared(self, call: Call, values: Values) -> Prepared:
        operation, limit = call.operation, self.limits.cost
        tree = SelectionTree(self._schema, operation.fragments, values, limit + EXTRA_STEPS)
        try:
            fields = tree.root(operation.node)
            cost = CostAnalysis(tree).analyze(fields)
            if operation.subscribes:  # its resolver has run before an event is executed
                cost.reads -= sum([max_reads(each.definition) for each in fields.values()])
        except OverflowError:
            raise over_cost(limit) from None
        try:
            return Prepared(cost, self._plan(call, tree, fields), "")
        except Fallback as why:
            return Prepared(cost, None, str(why))

    def _plan(self, call: Call, tree: SelectionTree, fields: Fields) -> Plan:
        """Compile an operation.

        Raises:
            Fallback: graphql-core must execute it.
        """
        if call.operation.subscribes:
            raise Fallback("it is a subscription")
        if self._is_extended:
            raise Fallback("the schema has an extension")
        if not self._fast_execution:
            raise Fallback("fast execution is off")
        if len(call.operation.conditions) > MAX_CONDITIONS:
            raise Fallback(f"it has more than {MAX_CONDITIONS} variables in @skip and @include")
        note = partial(self.fallbacks.add, call.operation.name)
        return Plan(self._executor(call, None), tree, fields, note)

    async def _run(
        self, call: Call, coerced: VariableValues, prepared: Prepared, context: Context, room: int
    ) -> Result:
        """Execute an operation, and encode its answer inside the transaction."""
        if prepared.plan is not None:
            run = PlanRun(context, coerced, partial(self._executor, call, context))
            result = await prepared.plan.execute(run)
        else:
            self.fallbacks.add(call.operation.name, "all", prepared.why)
            result = await self._run_by_core(call, context)
        return self._encoded(result, room)

    def _encoded(self, result: ExecutionResult | StrawberryResult, room: int) -> Result:
        """Encode the result of an operation.

        Raises:
            PublicError: its data has more than `room` bytes.
        """
        data = encode_within(result.data, room)
        if data is None:
            raise self._too_large()
        extensions = encode(result.extensions) if result.extensions else None
        errors = public(result.errors) if result.errors else []
        return Result(data, errors, extensions=extensions)

    def _encoded_event(self, result: ExecutionResult | StrawberryResult, events: Events) -> Result:
        """Encode the result of an event; the stream goes on after one that is too large."""
        try:
            encoded = self._encoded(result, self.limits.answer_bytes)
        except PublicError as error:
            encoded = Result(NULL, errors_of(error))
        executed, events.is_executed = events.is_executed, False
        return encoded._replace(executed=executed, event_id=events.last_id if executed else None)

    async def _response_stream(
        self, call: Call, context: SourceContext
    ) -> Results | ExecutionResult:
        """Start a subscription, through Strawberry if the schema is extended."""
        if self._is_extended:
            return await self._strawberry.subscribe(
                call.operation.query,
                variable_values=call.variables,
                context_value=context,
                operation_name=call.operation.name,
            )
        work = response_stream(self._executor(call, context))
        return await run_with_timeout(self.limits.seconds, work)

    async def _run_by_core(self, call: Call, context: Context) -> ExecutionResult:
        """Execute an operation by graphql-core, through Strawberry if the schema is extended."""
        if self._is_extended:
            extended = await self._strawberry.execute(
                call.operation.query,
                variable_values=call.variables,
                context_value=context,
                operation_name=call.operation.name,
            )
            return ExecutionResult(extended.data, extended.errors, extended.extensions or None)
        result: Any = self._executor(call, context).execute_operation()
        completed: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
        return completed

    def _executor(
        self, call: Call, context: Context | None, resolved: Resolved | None = None
    ) -> Executor[Any]:
        executor = SerialExecutor.build(
            self._schema,
            call.operation.document,
            context_value=context,
            raw_variable_values=call.variables,
            operation_name=call.operation.name,
            hide_suggestions=self._hide_suggestions,
            takes_turns=True,
            resolved=resolved,
        )
        assert isinstance(executor, Executor)  # noqa: S101 (the variables are valid)
        return executor
