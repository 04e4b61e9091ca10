"""Documents: texts parsed and validated once, and the operations in them."""

import asyncio
import gc

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

from graph.engine.cache import Cache
from graph.engine.definitions import overlapping_fields_rule
from graph.engine.errors import MAX_ERRORS, graphql_error, with_code
from graph.engine.limits import Measured, parse_within_limits, too_complex
from graph.engine.operation import Operation, operations_of
from graph.errors import Code, PublicError
from graph.settings import Settings

CACHED_TOKENS = 10_000
"""Tokens of the documents that are kept. Each is some 500 bytes in 4 objects, which a full garbage
collection goes through: this many take it 20 ms."""

UNCOLLECTED_TOKENS = 2_000
"""Tokens of documents between two full garbage collections. graphql-core's validation leaves
circles of objects, up to 15 for each token. To free those of so many holds the loop for 15 ms, and
for over 100 what gathers until the interpreter does it by itself."""

LARGEST_TOKENS = CACHED_TOKENS // 5
"""What a document may count for to be kept."""

COMPARISONS = 14_000
"""What comparing the fields of one name with each other may take, in graphql-core's units; its own
bound is half a second of work for a document of 2 kB."""


RULES: list[list[type[ASTValidationRule]]] = [
    [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule],
    [overlapping_fields_rule(COMPARISONS)],
]
"""The rules of https://spec.graphql.org/October2021/#sec-Validation, in two halves that take about
as long as each other at the most."""


class Document:
    """A query text that was parsed and validated: its operations, or why it is refused."""

    def __init__(self, measured: Measured | None, errors: list[GraphQLError]) -> None:
        self._all = operations = operations_of(measured) if measured and not errors else []
        self.errors = errors
        self._operations = {operation.name: operation for operation in operations}
        self._only = operations[0] if len(operations) == 1 else None

    @property
    def size(self) -> int:
        """Tokens that it counts for: what is prepared of it, and its text, takes memory, too."""
        if not self._all:
            return 0
        operation = self._all[0]
        tokens = max(operation.document.token_count, len(operation.query) // 10)
        return tokens + sum(len(each.prepared) for each in self._all) * max(tokens // 5, 20)

    def operation(self, name: str | None) -> Operation:
        """The operation of this name, or the only one when there is no name.

        Raises:
            PublicError: there is none, or it is not clear which.
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
    """The documents of a schema, the ones used lately at hand.

    Args:
        schema: what they are validated against.
        settings: their limits.
    """

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self._schema = schema
        self._settings = settings
        self._rules = RULES
        self._uncollected = 0
        if not settings.introspection:
            self._rules = [*RULES, [NoSchemaIntrospectionCustomRule]]
        self._documents = Cache[Document](
            CACHED_TOKENS, LARGEST_TOKENS, lambda document: document.size
        )

    async def find(self, query: str) -> Document:
        """The document of this text, from the cache when it was seen lately.

        Between the steps that prepare a new one, other requests have their turn.
        """
        document = self._documents.get(query)
        if document is None:
            document = await self._prepare(query)
            if not document.errors:
                self._documents.keep(query, document)
        return document

    def grown(self, query: str) -> None:
        """Count a document again: something more of it was prepared."""
        document = self._documents.get(query)
        if document is not None:
            self._documents.keep(query, document)

    async def _prepare(self, query: str) -> Document:
        try:
            measured = parse_within_limits(query, self._settings)
        except GraphQLSyntaxError as error:
            return Document(None, with_code([error], Code.GRAPHQL_PARSE_FAILED))
        except PublicError as error:
            return Document(None, [graphql_error(error)])
        errors = await self._validate(measured.node)
        await asyncio.sleep(0)
        self._collect(measured.node.token_count)
        return Document(measured, errors)

    async def _validate(self, node: DocumentNode) -> list[GraphQLError]:
        for rules in self._rules:
            await asyncio.sleep(0)
            errors = validate(
                self._schema,
                node,
                rules,
                max_errors=MAX_ERRORS,
                hide_suggestions=not self._settings.introspection,
            )
            if any(error.message == "Validation aborted." for error in errors):
                errors = [graphql_error(too_complex("Too many fields have the same name."))]
            if errors:
                return with_code(errors, Code.GRAPHQL_VALIDATION_FAILED)
        return []

    def _collect(self, tokens: int) -> None:
        """Free what validating this many tokens left behind, and more before, when it is much."""
        self._uncollected += tokens
        if self._uncollected >= UNCOLLECTED_TOKENS:
            self._uncollected = 0
            gc.collect()
