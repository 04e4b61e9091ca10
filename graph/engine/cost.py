"""The cost of an operation: the number of fields in its answer, computed before execution.

Every field of every object in the answer counts one. The length of a list depends on variables.
An operation's selections are therefore analysed once, and its lists are counted per request.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    coerce_input_literal,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_list_type,
)
from graphql.execution import VariableValues

from graph.engine.connection import Connection, Edge
from graph.engine.definitions import argument_metadata, generic_class, max_reads, python_class
from graph.engine.limits import too_complex
from graph.engine.permissions import is_guarded
from graph.engine.selection import Fields, SelectionTree, Values, has_variables
from graph.errors import PublicError

Number: TypeAlias = Callable[[Values], int | None]

Length: TypeAlias = Callable[[Values], int]
"""Computes the maximum length of a list."""

MAXIMUM = "maximum"
"""Key in the Strawberry metadata of an argument that determines the length of its field's list or
page. The value is the largest number that the argument may be, or the most items it may have."""

UNLIMITED = 100
"""Number of items that a list is assumed to have if no argument of its field limits them."""

INTROSPECTION_COST = 2
"""Cost of an introspection field, which graphql-core completes without a plan."""

EXTRA_STEPS = 1_000
"""Selections that the analysis may read, beyond the maximum cost."""

SKIPPED_PER_FIELD = 300
"""Rows skipped by `offset` that cost as much as one field: the database reads them too."""


class Extent(NamedTuple):
    """The size of a filter."""

    predicates: int = 0
    """Number of comparisons; a filter without any counts as one."""
    levels: int = 0
    """Levels of nested filters."""
    values: int = 0
    """Number of values, each item of a list counted."""

    def __or__(self, other: "Extent") -> "Extent":
        """Return the maximum of each."""
        return Extent(*map(max, self, other))


NO_FILTER = Extent()
"""The extent of an operation without filters."""

LARGEST_FILTER = Extent(predicates=20, levels=4, values=100)
"""Maximum of each. The event loop waits while a filter is compiled to SQL, which took up to 90 ms
for a list of 1,000 values, and 3 ms for 100."""


class SizedInput(ABC):
    """Base class of input types whose size is limited, such as filters."""

    @classmethod
    @abstractmethod
    def extent(cls, given: Mapping[str, Any] | None) -> Extent:
        """Return the extent of a coerced value."""


def list_length(definition: GraphQLField, node: FieldNode) -> Length:
    """Return a function that computes the maximum length of the list that a field returns.

    Arguments with a `MAXIMUM`, and `limit`, give the length. One that is out of bounds counts as 0,
    because the resolver will reject it with a better message.
    """
    bounds: list[tuple[Number, float]] = []
    most = 0
    for name, parameter in definition.args.items():
        maximum: int | None = argument_metadata(parameter).get(MAXIMUM)
        if maximum is not None or name == "limit":
            bounds.append((number(definition, node, name), inf if maximum is None else maximum))
            most = max(most, maximum or 0)
    if not bounds:
        return lambda _: UNLIMITED

    def longest(values: Values) -> int:
        given = [
            count if 0 <= count <= maximum else 0
            for argument, maximum in bounds
            if (count := argument(values)) is not None
        ]
        return max(given, default=most or UNLIMITED)

    return longest


def number(definition: GraphQLField, node: FieldNode, name: str) -> Number:
    """Return a function that computes an argument's number or list length; None for null."""
    default: int | None = _count(definition.args[name].default_value)
    value = _literal(node, name)
    if isinstance(value, VariableNode):
        variable = value.name.value
        return lambda values: _count(values[variable]) if variable in values else default
    if isinstance(value, NullValueNode):
        return lambda _: None
    if isinstance(value, IntValueNode):
        default = int(value.value)
    elif isinstance(value, ListValueNode):
        default = len(value.values)
    elif value is not None:
        default = 1  # GraphQL coerces a single item to a list
    return lambda _: default


def _count(value: Any) -> int | None:
    """Return a number, or the length of a list; None for anything else, such as no default."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else None


def filters(definition: GraphQLField, node: FieldNode) -> dict[object, Callable[[Values], Extent]]:
    """Return functions that compute the extents of a field's filters.

    A key is the name of a variable or the id of a literal: a filter that is used twice counts once.
    """
    return {
        value.name.value if isinstance(value, VariableNode) else id(value): _extent(
            class_, parameter, value
        )
        for name, parameter in definition.args.items()
        if (class_ := _sized_input(parameter)) and (value := _literal(node, name)) is not None
    }


def _sized_input(parameter: GraphQLArgument) -> type[SizedInput] | None:
    class_ = python_class(get_named_type(parameter.type))
    return class_ if isinstance(class_, type) and issubclass(class_, SizedInput) else None


def _extent(
    class_: type[SizedInput], parameter: GraphQLArgument, value: ValueNode
) -> Callable[[Values], Extent]:
    if isinstance(value, VariableNode):
        variable = value.name.value
        return lambda values: class_.extent(values.get(variable))
    if has_variables(value):
        return lambda values: class_.extent(
            coerce_input_literal(value, parameter.type, VariableValues({}, dict(values)))
        )
    known = class_.extent(coerce_input_literal(value, parameter.type))
    return lambda _: known


def _literal(node: FieldNode, name: str) -> ValueNode | None:
    """Return the value node of an argument; None if it is omitted."""
    for argument in node.arguments or ():
        if argument.name.value == name:
            return argument.value
    return None


def over_cost(limit: int, size: "Size | None" = None) -> PublicError:
    """Return the error of an operation that costs more than the limit.

    Args:
        limit: the maximum cost.
        size: the operation's size, if it is known.
    """
    if size is not None and size.fields - size.skipped // SKIPPED_PER_FIELD <= limit:
        return too_complex(
            f"The offset {size.skipped} is too large: {SKIPPED_PER_FIELD} skipped rows count as "
            f"one of the {limit} fields allowed. A connection can start at any row: give it a "
            "cursor as `after` or `before`."
        )
    return too_complex(
        f"The answer might have more than {limit} fields, the maximum; "
        f"introspection fields count {INTROSPECTION_COST} each."
    )


class Size(NamedTuple):
    """Maximum size of an answer: rows to fetch, and fields in all."""

    rows: int
    fields: int
    filters: Extent = NO_FILTER
    """Maximum over all filters."""
    skipped: int = 0
    """Rows skipped by offsets, which are also counted in `fields`."""


class Cost:
    """The cost of an operation, or of one object in its answer.

    `rows` and `fields` are known without variables; `lists`, `offsets` and `filters` need them.
    """

    def __init__(self) -> None:
        self.reads = 0
        """Number of resolvers and permissions that may query the database; set for an operation."""
        self.is_guarded = False
        """Whether a field has permissions; set for an operation."""
        self.rows = 0
        self.fields = 0
        self.lists: list[tuple[Length, Cost]] = []
        self.limits: list[tuple[Length, str]] = []
        """The lengths that a client chooses, and how: parents first; set for an operation."""
        self.offsets: list[Number] = []
        self.filters: list[Callable[[Values], Extent]] = []
        """Functions that compute the extent of each filter; set for an operation."""

    def size(self, values: Values, *, without: Length | None = None) -> Size:
        """Return the maximum size of the answer for these variables.

        Args:
            values: the variables.
            without: a length that counts as 0.
        """
        rows, fields = self.rows, self.fields
        for length, item in self.lists:
            count = 0 if length is without else length(values)
            inner = item.size(values, without=without)
            rows += count * inner.rows
            fields += count * inner.fields
        skipped = 0
        for offset in self.offsets:
            skipped += max(offset(values) or 0, 0)
        fields += skipped // SKIPPED_PER_FIELD
        extent = NO_FILTER
        for each in self.filters:
            extent |= each(values)
        return Size(rows, fields, extent, skipped)

    def fitting(self, values: Values, most: int) -> str:
        """Return advice on how to ask for at most this many rows; empty if no length helps."""
        whole = self.size(values).rows
        for length, argument in reversed(self.limits):
            others = self.size(values, without=length).rows
            count = length(values)
            if whole > others and (fits := (most - others) * count // (whole - others)) > 0:
                return f" Give at most {fits} as {argument}."
        return ""


class CostAnalysis:
    """Computes the cost of an operation.

    Args:
        tree: the operation's fields.
    """

    def __init__(self, tree: SelectionTree) -> None:
        self._tree = tree
        self._info: Any = _Info(tree.schema)
        self._filters: dict[object, Callable[[Values], Extent]] = {}
        self._limits: list[tuple[Length, str]] = []
        self._reads = 0
        self._is_guarded = False

    def analyze(self, fields: Fields) -> Cost:
        """Return the cost of an operation with these root fields.

        Raises:
            OverflowError: the tree's steps are used up: the operation costs too much.
        """
        cost = Cost()
        self._add(cost, fields)
        cost.reads = self._reads
        cost.is_guarded = self._is_guarded
        cost.filters = list(self._filters.values())
        cost.limits = self._limits
        return cost

    def _add(self, cost: Cost, fields: Fields, page: Length | None = None) -> None:
        """Add the cost of an object with these fields.

        Args:
            page: for a connection or an edge, computes the number of rows on its page.
        """
        for selection in fields.values():
            cost.fields += 1
            definition, node, named = selection.definition, selection.nodes[0], selection.type
            self._filters |= filters(definition, node)
            self._reads += max_reads(definition)
            self._is_guarded |= is_guarded(definition)
            objects = [self._tree.inside(selection, each) for each in self._tree.types(selection)]
            if is_introspection_type(named):
                for described in self._described(node) if objects else ():
                    cost.fields += self._introspected(described, objects[0])
                continue
            if not objects:
                continue
            if "offset" in definition.args:
                cost.offsets.append(number(definition, node, "offset"))
            object_ = cost
            if is_list_type(get_nullable_type(definition.type)):
                object_ = Cost()
                cost.lists.append((page or self._length(definition, node), object_))
            generic = generic_class(named)
            inner_page = None
            if generic is Connection:
                rows = Cost()
                rows.rows = 1
                inner_page = self._length(definition, node)
                object_.lists.append((inner_page, rows))
            elif generic is Edge:
                inner_page = page
            else:
                object_.rows += page is None
            for each in objects:  # of an abstract type, one object of each possible type
                self._add(object_, each, inner_page)

    def _length(self, definition: GraphQLField, node: FieldNode) -> Length:
        length = list_length(definition, node)
        for name in ("limit", "last" if _literal(node, "last") else "first"):
            if name in definition.args:
                self._limits.append((length, f"`{name}` of `{node.name.value}`"))
        return length

    def _described(self, node: FieldNode) -> Iterable[Any]:
        """Return the schema or type that `__schema` or `__type` describes.

        If the type's name is a variable, return all types.
        """
        if node.name.value == "__schema":
            return [self._tree.schema]
        for argument in node.arguments or ():
            if isinstance(argument.value, StringValueNode):
                named = self._tree.schema.type_map.get(argument.value.value)
                return [] if named is None else [named]
        return self._tree.schema.type_map.values()

    def _introspected(self, described: Any, fields: Fields) -> int:
        """Return the cost of describing a part of the schema, found by graphql-core's resolvers."""
        cost = 0
        for selection in fields.values():
            self._tree.spend(1)
            cost += INTROSPECTION_COST
            definition = selection.definition
            resolve: Any = definition.resolve
            for type_ in self._tree.types(selection):
                # `includeDeprecated` is the only argument of introspection fields.
                found = resolve(described, self._info, **dict.fromkeys(definition.args, True))
                if not is_list_type(get_nullable_type(definition.type)):
                    found = [found]
                inner = self._tree.inside(selection, type_)
                for part in found or ():
                    if part is not None:
                        cost += self._introspected(part, inner)
        return cost


class _Info(NamedTuple):
    """The part of the info that introspection resolvers use."""

    schema: GraphQLSchema
