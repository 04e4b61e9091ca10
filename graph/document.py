"""Documents: texts parsed and validated once, and the operations in them."""

from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from graphql import (
    DirectiveNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    ObjectFieldNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_variable_values,
    print_ast,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.values import VariableValues

from graph.errors import Code, PublicError, with_code
from graph.limits import Measured, parse_within_limits, too_complex
from graph.models import MAX_INT, MIN_INT
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.plan import Plan

CACHED_CHARACTERS = 100_000
"""Query text whose documents are kept; they take some 200 bytes of memory a character."""

LEAST_CHARACTERS = 50
"""What a shorter text counts for: its document takes no less memory."""

MAX_ERRORS = 10
"""Errors of one document or one set of variables that are worth reporting."""


class Operation:
    """One operation of a valid document, with the plans made for it."""

    def __init__(self, measured: Measured, node: OperationDefinitionNode) -> None:
        self.measured = measured
        self.document = document = measured.node
        self.node = node
        self.name = node.name.value if node.name else None
        self.writes = node.operation is OperationType.MUTATION
        uses = _VariableUses()
        visit(document, uses)
        self.conditions = sorted(uses.conditions)
        self._scalars = None if uses.inner else _scalar_variables(node)
        self.plans: dict[tuple[Any, ...], Plan | None] = {}

    def coerce(
        self, schema: GraphQLSchema, variables: dict[str, Any], *, hide_suggestions: bool
    ) -> VariableValues | list[GraphQLError]:
        """The coerced variables, or why they are refused."""
        if self._scalars is not None:
            for name, kind in self._scalars:
                value = variables.get(name)
                if type(value) is not kind or (
                    isinstance(value, int) and not MIN_INT <= value <= MAX_INT
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


class _VariableUses(Visitor):
    """Finds the variables that decide what is selected, and those inside other values."""

    def __init__(self) -> None:
        super().__init__()
        self.conditions = set[str]()
        self.inner = False

    def enter_directive(self, node: DirectiveNode, *_args: Any) -> None:
        self.conditions |= {
            argument.value.name.value
            for argument in node.arguments or ()
            if isinstance(argument.value, VariableNode)
        }

    def enter_variable(self, _node: VariableNode, _key: Any, parent: Any, *_args: Any) -> None:
        self.inner |= isinstance(parent, ObjectFieldNode | list | tuple)


class Document:
    """A query text that was parsed and validated: its operations, or why it is refused."""

    def __init__(self, query: str, operations: list[Operation], errors: list[GraphQLError]) -> None:
        self.size = max(len(query), LEAST_CHARACTERS)
        self.errors = errors
        self._operations = {operation.name: operation for operation in operations}
        self._only = operations[0] if len(operations) == 1 else None

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
        self._rules = [*specified_rules]
        if not settings.introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)
        self._documents: LRUCache[str, Document] = LRUCache(
            CACHED_CHARACTERS, getsizeof=lambda document: document.size
        )

    def find(self, query: str) -> Document:
        """The document of this text, from the cache when it was seen lately."""
        document = self._documents.get(query)
        if document is None:
            document = self._prepare(query)
            if document.size <= CACHED_CHARACTERS:
                self._documents[query] = document
        return document

    def _prepare(self, query: str) -> Document:
        try:
            measured = parse_within_limits(query, self._settings)
        except GraphQLSyntaxError as error:
            return Document(query, [], with_code([error], Code.GRAPHQL_PARSE_FAILED))
        except PublicError as error:
            return Document(query, [], [error])
        errors = validate(
            self._schema,
            measured.node,
            self._rules,
            max_errors=MAX_ERRORS,
            hide_suggestions=not self._settings.introspection,
        )
        if any(error.message == "Validation aborted." for error in errors):
            return Document(query, [], [too_complex("Too many fields have the same name.")])
        operations = [
            Operation(measured, definition)
            for definition in measured.node.definitions
            if isinstance(definition, OperationDefinitionNode) and not errors
        ]
        return Document(query, operations, with_code(errors, Code.GRAPHQL_VALIDATION_FAILED))
