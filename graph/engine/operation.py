"""One operation of a valid document: its variables, its cost and its plans."""

from collections.abc import Hashable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
)
from graphql.execution import VariableValues

from graph.engine._compiled.arguments import Variables
from graph.engine.cost import Cost
from graph.engine.errors import MAX_ERRORS
from graph.engine.fallback import Fallback, Fallbacks
from graph.engine.limits import Facts, check_variables

if TYPE_CHECKING:
    from graph.engine._compiled.plan import Plan


class Prepared(NamedTuple):
    """Cost and plan of an operation for one combination of its `@skip` and `@include` variables."""

    cost: Cost
    plan: "Plan | None"
    why: str
    """Why there is no plan."""


MAX_SHAPES = 20
"""Maximum number of shapes of variables for which an operation remembers whether it scanned."""


NO_SEARCH = ()
"""The shape that stands for all variables of a mutation without filters."""


def shape_of(value: Any) -> Hashable:
    """Return the shape of a variable's value: its fields, enum members, and numbers by magnitude.

    Variables of one shape lead to the same kind of statements, and so to the same answer whether
    these may scan. Texts, such as those in a filter, do not matter.
    """
    if isinstance(value, dict):
        return frozenset([(name, shape_of(each)) for name, each in value.items()])
    if isinstance(value, list):
        return tuple([shape_of(each) for each in value])
    if isinstance(value, Enum):
        return value
    return value.bit_length() if isinstance(value, int) else type(value).__name__


def searched_shape(operation: "Operation", coerced: VariableValues, prepared: Prepared) -> Hashable:
    """Return the shape of the variables, or `NO_SEARCH` if no lane depends on it."""
    if prepared.cost.filters if operation.writes else prepared.cost.reads > 1:
        return shape_of(coerced.coerced)
    return NO_SEARCH


class Operation:
    """One operation of a valid document, with its prepared costs and plans."""

    def __init__(self, document: DocumentNode, node: OperationDefinitionNode, facts: Facts) -> None:
        self.document = document
        self.fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self.query = node.loc.source.body if node.loc else ""
        self.node = node
        self.name = node.name.value if node.name else None
        self.aliases = facts.aliases
        self.writes = node.operation is OperationType.MUTATION
        self.subscribes = node.operation is OperationType.SUBSCRIPTION
        self.conditions = sorted(facts.conditions)
        self._has_inner = facts.has_inner_variables
        self._variables: Variables | None = None
        self._scans: dict[Hashable, bool] = {NO_SEARCH: False}
        """Whether any of its statements may scan, by the shape of its variables."""
        self.prepared: dict[tuple[Any, ...], Prepared] = {}

    def may_scan(self, shape: Hashable) -> bool:
        """Whether any statement may scan with variables of this shape, as far as is known."""
        return self._scans.get(shape, True)

    def record(self, shape: Hashable, *, scanned: bool) -> None:
        """Record whether any statement scanned with variables of this shape."""
        self._scans[shape] = scanned or self._scans.get(shape, False)
        if len(self._scans) > MAX_SHAPES:
            del self._scans[next(iter(self._scans))]

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
        if fallbacks is not None:
            try:
                if self._variables is None:
                    self._variables = self._compile_variables(schema)
                return VariableValues({}, self._variables.coerce(variables))
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

    def _compile_variables(self, schema: GraphQLSchema) -> Variables:
        if self._has_inner:  # graphql-core coerces such a variable again, from its source
            raise Fallback("a variable is inside a list or an object")
        return Variables(schema, self.node.variable_definitions or ())
