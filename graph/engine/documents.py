"""Documents: query texts that are parsed and validated once, and their operations."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OverlappingFieldsCanBeMergedRule,
    specified_rules,
    validate,
)

from graph.engine.definitions import overlapping_fields_rule
from graph.engine.errors import MAX_ERRORS, graphql_error, with_code
from graph.engine.limits import (
    Limits,
    measured_within_limits,
    parse_within_limits,
    too_complex,
)
from graph.engine.operation import Operation
from graph.errors import Code, PublicError
from graph.garbage import young_collected

V = TypeVar("V")

CACHED_TOKENS = 10_000
"""Maximum number of tokens in the document cache. A token takes about 500 bytes in 4 objects; a
full garbage collection visits this many in 20 ms."""

LARGEST_TOKENS = CACHED_TOKENS // 5
"""Maximum size of a cached document, in tokens."""

COMPARISONS = 14_000
"""Maximum work of comparing fields of the same name, in graphql-core's units. Its own bound allows
half a second of work for a document of 2 kB."""


RULES: list[list[type[ASTValidationRule]]] = [
    [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule],
    [overlapping_fields_rule(COMPARISONS)],
]
"""The rules of https://spec.graphql.org/October2021/#sec-Validation, in two steps with about the
same maximum duration."""


class Cache(LRUCache[str, V]):
    """LRU cache whose values have a bounded total size.

    Args:
        size: maximum size of all values together.
        largest: maximum size of a value that is cached.
        getsizeof: computes the size of a value.
    """

    def __init__(self, size: int, largest: int, getsizeof: Callable[[V], int]) -> None:
        super().__init__(size, getsizeof)
        self._largest = largest

    def keep(self, key: str, value: V) -> None:
        """Cache a value, or update the size of a value that has grown."""
        if self.getsizeof(value) <= self._largest:
            self[key] = value
        else:
            self.pop(key, None)


class Document:
    """A parsed and validated query text: its operations, or its errors.

    Args:
        operations: its operations; none if it has errors.
        errors: of parsing or validation.
        tokens: number of tokens, comments included; 0 for a syntax error.
    """

    def __init__(
        self, operations: list[Operation], errors: list[GraphQLError], tokens: int
    ) -> None:
        self.tokens = tokens
        self._all = operations
        self.errors = errors
        self._operations = {operation.name: operation for operation in operations}
        self._only = operations[0] if len(operations) == 1 else None

    @property
    def size(self) -> int:
        """Size in tokens; the text and prepared plans count too, as they take memory."""
        tokens = max(self.tokens, len(self._all[0].query) // 10)
        return tokens + sum(len(each.prepared) for each in self._all) * max(tokens // 5, 20)

    def operation(self, name: str | None) -> Operation:
        """Return the operation of this name; without a name, the only operation.

        Raises:
            PublicError: no operation has this name, or a name is needed.
        """
        operation = self._operations.get(name) if name else self._only
        if operation is None:
            message = (
                f"There is no operation named {name!r}."
                if name
                else "operationName is needed: the document has several operations."
            )
            raise PublicError(Code.BAD_REQUEST, message)
        return operation


class Documents:
    """The documents of a schema, with an LRU cache.

    Args:
        schema: the schema to validate against.
        limits: the limits of a document.
        introspection: whether introspection queries are valid.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._preparing = asyncio.Lock()
        self._rules = RULES
        if not introspection:
            self._rules = [*RULES, [NoSchemaIntrospectionCustomRule]]
        self._documents = Cache[Document](
            CACHED_TOKENS, LARGEST_TOKENS, lambda document: document.size
        )

    async def find(self, query: str) -> Document:
        """Return the document of a query text, from the cache if possible.

        Other requests run between the steps of parsing and validation, but those with new texts
        wait: the same text is prepared once, and few documents are in memory.
        """
        document = self._documents.get(query)
        if document is None:
            async with self._preparing:
                document = self._documents.get(query)
                if document is None:
                    document = await self._prepare(query)
                    if not document.errors:
                        self._documents.keep(query, document)
        return document

    def grown(self, query: str) -> None:
        """Update the size of a document after another plan was prepared."""
        document = self._documents.get(query)
        if document is not None:
            self._documents.keep(query, document)

    async def _prepare(self, query: str) -> Document:
        tokens = 0
        try:
            node = parse_within_limits(query, self._limits.tokens)
            tokens = node.token_count
            measured = measured_within_limits(node, self._limits)
        except GraphQLSyntaxError as error:
            return Document([], with_code([error], Code.GRAPHQL_PARSE_FAILED), 0)
        except PublicError as error:
            return Document([], [graphql_error(error)], tokens or self._limits.tokens + 1)
        errors = await self._validate(node)
        await asyncio.sleep(0)
        operations = [] if errors else [Operation(node, *each) for each in measured]
        return Document(operations, errors, tokens)

    async def _validate(self, node: DocumentNode) -> list[GraphQLError]:
        for rules in self._rules:
            await asyncio.sleep(0)
            with young_collected():
                errors = validate(
                    self._schema,
                    node,
                    rules,
                    max_errors=MAX_ERRORS,
                    hide_suggestions=not self._introspection,
                )
            if any(error.message == "Validation aborted." for error in errors):
                errors = [graphql_error(too_complex("Too many fields have the same name."))]
            if errors:
                return with_code(errors, Code.GRAPHQL_VALIDATION_FAILED)
        return []
