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
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    StringValueNode,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
)

from graph.engine import arguments
from graph.engine.connection import Connection, Edge
from graph.engine.definitions import generic_class, max_reads
from graph.engine.filter import NO_FILTER, Extent
from graph.engine.limits import too_complex
from graph.engine.selection import Collector, Selection, Values
from graph.errors import PublicError

INTROSPECTION = 2
"""What a field of introspection counts for: graphql-core completes each by itself."""

MORE_STEPS = 1_000
"""How many more selections than the fields that are allowed may be read to find the cost."""

MAXIMUM = arguments.MAXIMUM
"""The key, in an argument's Strawberry metadata, of the greatest number, or length of a list, that
it may be. The field's own list, or page, then has as many items as its argument says."""

PASSED_OVER = 300
"""Rows before a page, which the database reads, too, that take as long as one field."""


def over_cost(limit: int, size: "Size | None" = None) -> PublicError:
    """The refusal of an operation whose answer might have more fields than the limit.

    Args:
        limit: the most fields.
        size: the operation's, where it is known.
    """
    if size is not None and size.fields - size.passed_over // PASSED_OVER <= limit:
        return too_complex(
            f"An offset of {size.passed_over} is too far: {PASSED_OVER} rows that are passed over "
            f"count as one of the {limit} fields allowed. To read on from any row, give a "
            "connection its cursor as `after` or `before`."
        )
    return too_complex(
        f"The answer might have more than {limit} fields, the most allowed; "
        f"those of introspection count {INTROSPECTION} each."
    )


class Size(NamedTuple):
    """How large an answer may become: objects that may have to be fetched, and fields in all."""

    rows: int
    fields: int
    filters: Extent = NO_FILTER
    """The greatest of the filters."""
    passed_over: int = 0
    """Rows before the pages, which `fields` has counted."""


class Cost:
    """What a selection costs: so many rows and fields, and lists of objects with further ones."""

    def __init__(self) -> None:
        self.reads = 0
        """Of an operation: fields whose resolvers or permissions may fetch something."""
        self.rows = 0
        self.fields = 0
        self.lists: list[tuple[Callable[[Values], int], Cost]] = []
        self.offsets: list[arguments.Number] = []
        self.filters: list[Callable[[Values], Extent]] = []
        """Of an operation: all that are in it, each once."""

    def size(self, values: Values) -> Size:
        """The size of the answer with these values of the variables."""
        rows, fields = self.rows, self.fields
        for length, item in self.lists:
            count = length(values)
            inner = item.size(values)
            rows += count * inner.rows
            fields += count * inner.fields
        passed_over = 0
        for offset in self.offsets:
            passed_over += max(offset(values) or 0, 0)
        fields += passed_over // PASSED_OVER
        extent = NO_FILTER
        for each in self.filters:
            extent |= each(values)
        return Size(rows, fields, extent, passed_over)


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
        self._filters: dict[object, Callable[[Values], Extent]] = {}
        self._reads = 0

    def analyze(self, operation: OperationDefinitionNode) -> Cost:
        """The cost of the operation.

        Raises:
            PublicError: it is over the limit with empty lists, or takes more steps to read.
        """
        cost = Cost()
        root: Any = self._schema.get_root_type(operation.operation)
        try:
            fields = self._collector.collect([operation.selection_set.selections])
            self._add(cost, root, fields)
            cost.reads = self._reads
            cost.filters = list(self._filters.values())
        except OverflowError:
            raise over_cost(self._limit) from None
        return cost

    def _add(
        self,
        cost: Cost,
        type_: GraphQLObjectType,
        fields: Mapping[str, Selection],
        page: Callable[[Values], int] | None = None,
    ) -> None:
        """Add what an object of this type costs.

        Args:
            page: gives the length of the page whose rows an object is about, where it is none.
        """
        for selection in fields.values():
            cost.fields += 1
            definition = self._schema.get_field(type_, selection.node.name.value)
            if definition is None:
                continue
            self._filters |= arguments.filters(definition, selection.node)
            self._reads += max_reads(definition)
            if is_leaf_type(get_named_type(definition.type)):
                continue
            named: Any = get_named_type(definition.type)
            inner = self._collector.inside(selection)
            if is_introspection_type(named):
                for described in self._described(selection.node):
                    cost.fields += self._introspected(named, described, inner)
                continue
            if "offset" in definition.args:
                cost.offsets.append(arguments.number(definition, selection.node, "offset"))
            object_ = cost
            if is_list_type(get_nullable_type(definition.type)):
                object_ = Cost()
                items = page or arguments.length(definition, selection.node)
                cost.lists.append((items, object_))
            generic = generic_class(named)
            if generic is Connection:
                rows = Cost()
                rows.rows = 1
                items = arguments.length(definition, selection.node)
                object_.lists.append((items, rows))
                self._add(object_, named, inner, items)
            elif generic is Edge:
                self._add(object_, named, inner, page)
            else:
                object_.rows += page is None
                self._add_possible(object_, named, inner)

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
