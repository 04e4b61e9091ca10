"""What an operation costs: the fields of its answer, counted before anything of it runs.

Every field of every object of the answer counts one. How many objects a list will have depends on
variables, so an operation's selections are read once, and the lists counted with each request's
values.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    StringValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graph.engine.limits import too_complex
from graph.engine.selection import Collector, Selection, Values
from graph.errors import PublicError

INTROSPECTION = 2
"""What a field of introspection counts for: graphql-core completes each by itself."""

MORE_STEPS = 1_000
"""How many more selections than the fields that are allowed may be read to find the cost."""

PASSED_OVER = 300
"""Rows before a page, which the database reads, too, that take as long as one field."""

MAXIMUM = "maximum"
"""The key of an argument `limit`'s Strawberry metadata under which the greatest limit stands."""

UNLIMITED = 100
"""The items that a list counts for whose field has no argument `limit`."""


def over_cost(limit: int) -> PublicError:
    """The refusal of an operation whose answer might have more fields than the limit."""
    return too_complex(
        f"The answer might have more than {limit} fields, the most allowed; "
        f"those of introspection count {INTROSPECTION} each."
    )


class Size(NamedTuple):
    """How large an answer may become: objects that may have to be fetched, and fields in all."""

    rows: int
    fields: int


class Cost:
    """What a selection costs: so many rows and fields, and lists of objects with further ones."""

    def __init__(self) -> None:
        self.roots = 0
        """Of an operation: the root fields that its resolvers answer."""
        self.rows = 0
        self.fields = 0
        self.lists: list[tuple[Callable[[Values], int], Cost]] = []
        self.offsets: list[Callable[[Values], int]] = []

    def size(self, values: Values) -> Size:
        """The size of the answer with these values of the variables."""
        rows, fields = self.rows, self.fields
        for length, item in self.lists:
            count = length(values)
            inner = item.size(values)
            rows += count * (1 + inner.rows)
            fields += count * inner.fields
        for offset in self.offsets:
            fields += offset(values) // PASSED_OVER
        return Size(rows, fields)


class CostAnalysis:
    """Reads what one operation costs.

    Args:
        schema: that of the operation.
        document: the valid document that it is in.
        values: the variables that decide what is skipped and included.
        limit: the highest cost that is allowed.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, values: Values, limit: int
    ) -> None:
        self._schema = schema
        self._limit = limit
        self._collector = Collector(document, values, limit + MORE_STEPS)
        self._info: Any = _Info(schema)

    def analyze(self, operation: OperationDefinitionNode) -> Cost:
        """The cost of the operation.

        Raises:
            PublicError: it is over the limit with empty lists, or takes more steps to read.
        """
        cost = Cost()
        root: Any = self._schema.get_root_type(operation.operation)
        try:
            fields = self._collector.collect([operation.selection_set.selections])
            cost.roots = sum(not each.node.name.value.startswith("__") for each in fields.values())
            self._add(cost, root, fields)
        except OverflowError:
            raise over_cost(self._limit) from None
        return cost

    def _add(self, cost: Cost, type_: GraphQLObjectType, fields: Mapping[str, Selection]) -> None:
        """Add what an object of this type costs."""
        for selection in fields.values():
            cost.fields += 1
            definition = self._schema.get_field(type_, selection.node.name.value)
            if definition is None or is_leaf_type(get_named_type(definition.type)):
                continue
            named: Any = get_named_type(definition.type)
            inner = self._collector.inside(selection)
            if is_introspection_type(named):
                for described in self._described(selection.node):
                    cost.fields += self._introspected(named, described, inner)
            elif is_list_type(get_nullable_type(definition.type)):
                item = Cost()
                self._add_possible(item, named, inner)
                cost.lists.append((_length(definition, selection.node), item))
                if "offset" in definition.args:
                    cost.offsets.append(_argument(definition, selection.node, "offset"))
            else:
                cost.rows += 1
                self._add_possible(cost, named, inner)

    def _add_possible(self, cost: Cost, type_: Any, fields: Mapping[str, Selection]) -> None:
        """Add what an object costs, or one of each type that it may be of."""
        if isinstance(type_, GraphQLObjectType):
            self._add(cost, type_, fields)
        else:
            for possible in self._schema.get_possible_types(type_):
                self._add(cost, possible, fields)

    def _described(self, node: FieldNode) -> Iterable[Any]:
        """What a root field of introspection describes: the schema, a type, or any of the types."""
        if node.name.value == "__schema":
            return [self._schema]
        for argument in node.arguments or ():
            if isinstance(argument.value, StringValueNode):
                named = self._schema.type_map.get(argument.value.value)
                return [] if named is None else [named]
        return self._schema.type_map.values()

    def _introspected(
        self, type_: GraphQLObjectType, described: Any, fields: Mapping[str, Selection]
    ) -> int:
        """What describing a part of the schema costs; graphql-core's resolvers know its parts."""
        cost = 0
        for selection in fields.values():
            self._collector.spend(1)
            cost += INTROSPECTION
            definition = type_.fields.get(selection.node.name.value)
            if definition is None or is_leaf_type(get_named_type(definition.type)):
                continue
            named: Any = get_named_type(definition.type)
            resolve: Any = definition.resolve
            # Of the arguments there is `includeDeprecated` alone.
            found = resolve(described, self._info, **dict.fromkeys(definition.args, True))
            if not is_list_type(get_nullable_type(definition.type)):
                found = [found]
            inner = self._collector.inside(selection)
            for part in found or ():
                if part is not None:
                    cost += self._introspected(named, part, inner)
        return cost


class _Info(NamedTuple):
    """What the resolvers of introspection ask of their info."""

    schema: GraphQLSchema


def _length(definition: GraphQLField, node: FieldNode) -> Callable[[Values], int]:
    """Gives the most items that a list field returns.

    A page that is out of bounds is refused by its resolver, with a better message.
    """
    parameter = definition.args.get("limit")
    if parameter is None:
        return lambda _: UNLIMITED
    source = parameter.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    maximum: int | None = source and source.metadata.get(MAXIMUM)
    limit = _argument(definition, node, "limit")
    if maximum is None:
        return limit
    return lambda values: count if (count := limit(values)) <= maximum else 0


def _argument(definition: GraphQLField, node: FieldNode, name: str) -> Callable[[Values], int]:
    """Gives the value of an argument that is a number; 0 for one that is negative or null."""
    default: int | None = definition.args[name].default_value
    for argument in node.arguments or ():
        if argument.name.value == name:
            if isinstance(argument.value, VariableNode):
                variable = argument.value.name.value
                return lambda values: max(values.get(variable, default) or 0, 0)
            literal = argument.value
            default = int(literal.value) if isinstance(literal, IntValueNode) else None
    count = max(default or 0, 0)
    return lambda _: count
