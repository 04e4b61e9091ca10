"""Documents: texts parsed and validated once, and the operations in them."""

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    ASTValidationRule,
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    ObjectFieldNode,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    VariableNode,
    Visitor,
    get_variable_values,
    print_ast,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.values import VariableValues

from graph.engine.cache import Cache
from graph.engine.cost import Cost
from graph.engine.limits import Measured, parse_within_limits, too_complex
from graph.errors import MAX_ERRORS, Code, PublicError, with_code
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.engine.plan import Plan

CACHED_TOKENS = 10_000
"""Tokens of the documents that are kept. Each is some 500 bytes in 4 objects, which a full garbage
collection goes through: this many take it 20 ms."""

LARGEST_TOKENS = CACHED_TOKENS // 5
"""What a document may count for to be kept."""

COMPARISONS = 14_000
"""What comparing the fields of one name with each other may take, in graphql-core's units; its own
bound is half a second of work for a document of 2 kB."""


class Prepared(NamedTuple):
    """What is made of an operation for one choice of its `@skip` and `@include` variables."""

    cost: Cost
    plan: "Plan | None"


class Operation:
    """One operation of a valid document, with what was prepared for it."""

    def __init__(
        self, document: DocumentNode, node: OperationDefinitionNode, aliases: int, uses: "_Uses"
    ) -> None:
        self.document = document
        self.query = node.loc.source.body if node.loc else ""
        self.node = node
        self.name = node.name.value if node.name else None
        self.aliases = aliases
        self.writes = node.operation is OperationType.MUTATION
        self.conditions = sorted(uses.conditions)
        self._scalars = None if uses.inner else _scalar_variables(node)
        self.prepared: dict[tuple[Any, ...], Prepared] = {}

    def coerce(
        self, schema: GraphQLSchema, variables: dict[str, Any], *, hide_suggestions: bool
    ) -> VariableValues | list[GraphQLError]:
        """The coerced variables, or why they are refused."""
        if self._scalars is not None:
            for name, kind in self._scalars:
                value = variables.get(name)
                if type(value) is not kind or (
                    isinstance(value, int) and not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT
                ):
                    break
            else:
                return VariableValues({}, {name: variables[name] for name, _ in self._scalars})
        return get_variable_values(
            schema,
            self.node.variable_definitions or (),
            variables,
            max_errors=MAX_ERRORS,
            hide_suggestions=hide_suggestions,
        )


SCALARS = {"ID!": str, "String!": str, "Int!": int, "Boolean!": bool}
"""Types of variables whose value, when it is of the Python type, is its own coercion."""


def _scalar_variables(node: OperationDefinitionNode) -> list[tuple[str, type]] | None:
    """The names and Python types of variables that are all of `SCALARS`, else None."""
    definitions = node.variable_definitions or ()
    scalars = [
        (definition.variable.name.value, SCALARS[print_ast(definition.type)])
        for definition in definitions
        if not definition.default_value and print_ast(definition.type) in SCALARS
    ]
    return scalars if len(scalars) == len(definitions) else None


class _Uses(Visitor):
    """Finds the variables that decide what is selected, and those inside other values."""

    def __init__(self, *definitions: DefinitionNode) -> None:
        super().__init__()
        self.conditions = set[str]()
        self.inner = False
        for definition in definitions:
            visit(definition, self)

    def __or__(self, other: "_Uses") -> "_Uses":
        both = _Uses()
        both.conditions = self.conditions | other.conditions
        both.inner = self.inner or other.inner
        return both

    def enter_directive(self, node: DirectiveNode, *_args: Any) -> None:
        self.conditions |= {
            argument.value.name.value
            for argument in node.arguments or ()
            if isinstance(argument.value, VariableNode)
        }

    def enter_variable(self, _node: VariableNode, _key: Any, parent: Any, *_args: Any) -> None:
        self.inner |= isinstance(parent, ObjectFieldNode | list | tuple)


def _operations(measured: Measured) -> list[Operation]:
    """The operations of a valid document; each definition is visited once."""
    fragments = _Uses(
        *(each for each in measured.node.definitions if isinstance(each, FragmentDefinitionNode))
    )
    return [
        Operation(measured.node, node, aliases, _Uses(node) | fragments)
        for node, aliases in measured.operations
    ]


class _OverlappingFields(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule, with a smaller bound on its work."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = COMPARISONS


RULES: list[list[type[ASTValidationRule]]] = [
    [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule],
    [_OverlappingFields],
]
"""The rules of https://spec.graphql.org/October2021/#sec-Validation, in two halves that take about
as long as each other at the most."""


class Document:
    """A query text that was parsed and validated: its operations, or why it is refused."""

    def __init__(self, measured: Measured | None, errors: list[GraphQLError]) -> None:
        self._all = operations = _operations(measured) if measured and not errors else []
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
            return Document(None, [error])
        for rules in self._rules:
            await asyncio.sleep(0)
            errors = validate(
                self._schema,
                measured.node,
                rules,
                max_errors=MAX_ERRORS,
                hide_suggestions=not self._settings.introspection,
            )
            if any(error.message == "Validation aborted." for error in errors):
                errors = [too_complex("Too many fields have the same name.")]
            if errors:
                return Document(None, with_code(errors, Code.GRAPHQL_VALIDATION_FAILED))
        await asyncio.sleep(0)
        return Document(measured, [])
