"""One operation of a valid document: its variables, its cost and its plans."""

from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_variable_values,
    visit,
)
from graphql.execution import VariableValues

from graph.engine._compiled.arguments import Variables
from graph.engine.cost import Cost
from graph.engine.errors import MAX_ERRORS
from graph.engine.fallback import Fallback, Fallbacks
from graph.engine.limits import Measured, check_variables

if TYPE_CHECKING:
    from graph.engine._compiled.plan import Plan


class Prepared(NamedTuple):
    """Cost and plan of an operation for one combination of its `@skip` and `@include` variables."""

    cost: Cost
    plan: "Plan | None"
    why: str
    """Why there is no plan."""


class Operation:
    """One operation of a valid document, with its prepared costs and plans."""

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
        self._has_inner = uses.inner
        self._variables: Variables | None = None
        self.scans: bool | None = None
        """Whether any statement of it may scan; None until it was executed."""
        self.prepared: dict[tuple[Any, ...], Prepared] = {}

    def coerce(
        self,
        schema: GraphQLSchema,
        variables: dict[str, Any],
        *,
        fallbacks: Fallbacks | None,
        hide_suggestions: bool,
    ) -> VariableValues | list[GraphQLError]:
        """Return the coerced variables, or the errors of invalid ones.

        Args:
            schema: the operation's schema.
            variables: values as the client sent them.
            fallbacks: counts valid variables that are not coerced by compiled functions; None to
                let graphql-core coerce all.
            hide_suggestions: whether errors suggest no names of the schema.

        Raises:
            PublicError: the variables exceed a limit.
        """
        if variables:
            check_variables([variables])
        definitions = self.node.variable_definitions or ()
        why: Fallback | None = None
        try:
            if fallbacks is not None:
                return VariableValues({}, self._compiled_variables(schema).coerce(variables))
        except Fallback as raised:
            why = raised
        coerced = get_variable_values(
            schema,
            definitions,
            variables,
            max_errors=MAX_ERRORS,
            hide_suggestions=hide_suggestions,
        )
        if fallbacks is not None and why is not None and not isinstance(coerced, list):
            fallbacks.add(self.name, "variables", why)
        return coerced

    def _compiled_variables(self, schema: GraphQLSchema) -> Variables:
        if self._has_inner:  # graphql-core coerces such a variable again, from its source
            raise Fallback("a variable is inside a list or an object")
        if self._variables is None:
            self._variables = Variables(schema, self.node.variable_definitions or ())
        return self._variables


class _Uses(Visitor):
    """Finds the variables of `@skip` and `@include`, and any variable inside another value."""

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


def operations_of(measured: Measured) -> list[Operation]:
    """Return the operations of a valid document; each definition is visited once."""
    fragments = _Uses(
        *(each for each in measured.node.definitions if isinstance(each, FragmentDefinitionNode))
    )
    return [
        Operation(measured.node, node, aliases, _Uses(node) | fragments)
        for node, aliases in measured.operations
    ]
