"""Compiled rows: one comprehension turns a statement's rows into objects of the answer."""

import linecache
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from itertools import count
from typing import Any, TypeAlias
from uuid import UUID
from weakref import finalize

from graphql import (
    GraphQLField,
    GraphQLLeafType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from graph.database.statement import Rows
from graph.engine.connection import Edge, Edges
from graph.engine.definitions import (
    CustomGraphQLEnumType,
    enum_class,
    plain_attribute,
    python_class,
    row_resolver,
    standard_scalar,
)
from graph.engine.encoding import Items
from graph.engine.fallback import Fallback
from graph.engine.related import related_of
from graph.engine.selection import Fields, Selected, Selection, SelectionTree

SCALARS = {
    "ID": (
        "str({0})",
        "(type({0}) is int or type({0}) is str or isinstance({0}, (UUID, date)))",
    ),
    "String": ("{0}", "type({0}) is str"),
    "Int": ("{0}", "type({0}) is int and -0x80000000 <= {0} <= 0x7FFFFFFF"),
    "Float": ("{0}", "type({0}) is float and {0} - {0} == 0"),  # neither infinite nor NaN
    "Boolean": ("{0}", "type({0}) is bool"),
    "DateTime": ("{0}.isoformat()", "type({0}) is datetime"),
    "Date": ("{0}.isoformat()", "type({0}) is date"),
    "Time": ("{0}.isoformat()", "type({0}) is time"),
    "Decimal": ("str({0})", "type({0}) is Decimal"),
    # A text from `Rows.written`, or a UUID, of which asyncpg has a class of its own.
    "UUID": ("str({0})", "isinstance({0}, (UUID, str))"),
}
"""By scalar: the expression that serialises the value {0}, and the test that {0} must pass."""

RESOLVER = "a field below it has a resolver or an extension"
WRONG_VALUE = "a value has another Python type than its scalar"
NOT_ROWS = "its resolver returned neither rows of `info.columns` nor an object of its type"


NAMES = {each.__name__: each for each in (date, datetime, time, Decimal, UUID)}


NUMBERS = count()
"""Numbers of compiled functions, for their names in tracebacks."""

RowsToObjects: TypeAlias = Callable[..., list[dict[str, Any]]]
"""Takes rows, and for each relation or row resolver a list with its value for each row."""


def compile_rows(
    tree: SelectionTree, selection: Selection, columns: tuple[str, ...]
) -> tuple[RowsToObjects, list[Selection]]:
    """Compile a function that turns rows of these columns into objects of the answer.

    It skips rows with a value of an unexpected type; the caller compares the lengths. For
    `{ id name }` it is: `lambda rows: [{'id': str(c0), 'name': c1} for c0, c1, in rows
    if type(c0) is int and type(c1) is str]`. For `{ name team { name } }`, with the teams as
    objects of the answer: `lambda rows, *r: [{'name': c0, 'team': r0} for (c0, c1,), r0, in
    zip(rows, *r) if type(c0) is str]`. The values of a row resolver are put in as those of a
    relation, but are not completed yet.

    Returns:
        The function, and the selected relations and row resolvers.
    """
    items, checks = [], []
    leaves: list[GraphQLLeafType] = []
    inside: list[Selection] = []
    for key, leaf in fields_inside(tree, selection).items():
        if leaf.name == "__typename":
            items.append(f"{key!r}: {selection.type.name!r}")
            continue
        if related_of(leaf.definition) is not None:
            items.append(f"{key!r}: r{len(inside)}")
            inside.append(leaf)
            continue
        column = plain_attribute(leaf.definition)
        if column in columns:
            variable = f"c{columns.index(column)}"
        elif row_resolver(leaf.definition) is not None:
            variable = f"r{len(inside)}"
            inside.append(leaf)
        else:
            raise Fallback(RESOLVER)
        expression, test = _leaf(leaf.definition.type, leaves)
        items.append(f"{key!r}: {expression.format(variable)}")
        checks.append(test.format(variable))
    targets = "".join(f"c{index}," for index in range(len(columns))) or "_,"
    parameters, rows = "rows", "rows"
    if inside:
        targets = f"({targets}), " + "".join(f"r{index}," for index in range(len(inside)))
        parameters, rows = "rows, *r", "zip(rows, *r)"
    # Nothing to escape: names and types come from the schema, response keys are GraphQL names.
    source = f"lambda {parameters}: [{{{', '.join(items)}}} for {targets} in {rows}"
    source += f" if {' and '.join(checks)}]" if checks else "]"
    return evaluate(source, tuple(leaves)), inside


def fields_inside(tree: SelectionTree, selection: Selection) -> Fields:
    """Return the fields selected on an object.

    Raises:
        Fallback: the type is no object type, or has an `is_type_of` check.
    """
    type_ = selection.type
    if not isinstance(type_, GraphQLObjectType) or type_.is_type_of:
        raise Fallback("its type is an interface, a union, or has is_type_of")
    return tree.inside(selection, type_)


def compile_leaf(leaf: GraphQLField) -> Callable[[Any], Any]:
    """Compile a function that serialises a leaf; it raises `Fallback` for an unexpected type."""
    leaves: list[GraphQLLeafType] = []
    expression, test = _leaf(leaf.type, leaves)
    values = evaluate(
        f"lambda rows: [{expression} for c in rows if {test}]".replace("{0}", "c"), tuple(leaves)
    )

    def complete(value: Any) -> Any:
        for completed in values([value]):
            return completed
        raise Fallback(WRONG_VALUE)

    return complete


def _leaf(
    declared: GraphQLOutputType, leaves: list[GraphQLLeafType], level: int = 0
) -> tuple[str, str]:
    """Return the expression and the test of a leaf, or of a list of leaves.

    Args:
        declared: the type.
        leaves: the enums and custom scalars of the source, to which those of this leaf are added.
        level: the number of lists around it.

    Raises:
        Fallback: the type is not a leaf.
    """
    type_: Any = get_nullable_type(declared)
    if is_list_type(type_):
        expression, test = _leaf(type_.of_type, leaves, level + 1)
        item = f"i{level}"
        expression = f"[{expression.format(item)} for {item} in {{0}}]"
        test = f"(type({{0}}) is list and all([{test.format(item)} for {item} in {{0}}]))"
    else:
        expression, test = _present(type_, leaves)
    if not is_non_null_type(declared):
        test = f"({{0}} is None or {test})"
        if expression != "{0}":
            expression = f"None if {{0}} is None else {expression}"
    return expression, test


def _present(type_: GraphQLNamedType, leaves: list[GraphQLLeafType]) -> tuple[str, str]:
    """Return the same for a value that is not null."""
    scalar = standard(type_)
    if scalar is not None:
        return SCALARS[scalar]
    number = len(leaves)
    if isinstance(type_, CustomGraphQLEnumType):
        leaves.append(type_)
        return f"names{number}[{{0}}]", f"type({{0}}) is enum{number}"
    if isinstance(type_, GraphQLScalarType):
        leaves.append(type_)
        return f"write{number}({{0}})", "{0} is not None"
    raise Fallback("a field below it has no type of a leaf")


def standard(type_: GraphQLNamedType) -> str | None:
    """Return the name of a scalar that Strawberry defines; None for any other type."""
    name = standard_scalar(type_)
    return name if name in SCALARS else None


@lru_cache(maxsize=1_000)
def evaluate(source: str, leaves: tuple[GraphQLLeafType, ...]) -> RowsToObjects:
    """Evaluate a source; operations that differ only in name or arguments share the function.

    Tracebacks show the source, as long as the function is in use.
    """
    names: dict[str, Any] = dict(NAMES)
    for number, type_ in enumerate(leaves):
        if isinstance(type_, CustomGraphQLEnumType):
            names[f"enum{number}"] = enum_class(type_)
            members: list[Any] = list(enum_class(type_))
            names[f"names{number}"] = {each: type_.coerce_output_value(each) for each in members}
        else:
            names[f"write{number}"] = _writer(type_)
    file = f"<compiled {next(NUMBERS)}>"
    function: RowsToObjects = eval(compile(source, file, "eval"), names)  # noqa: S307
    linecache.cache[file] = (len(source), None, [source], file)
    finalize(function, linecache.cache.pop, file, None).atexit = False
    return function


def _writer(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """Return the serialisation of a custom scalar; any exception makes graphql-core report it."""
    serialise = type_.coerce_output_value

    def write(value: Any) -> Any:
        written = serialise(value)
        if written is None or written is Undefined:
            raise Fallback(WRONG_VALUE)
        return written

    return write


ValuesInside: TypeAlias = Mapping[Selection, Sequence[Sequence[Any]]]
"""By selection of rows, for each relation or row resolver a list with its value for each row."""

Complete: TypeAlias = Callable[[Any, ValuesInside], Any]
"""Completes a value. Raises `Fallback` if graphql-core has to complete it."""


class ValueCompiler:
    """Compiles the fields of one operation.

    Args:
        tree: the operation's fields.
        selected: what is selected on the rows that the resolver returns.
        more: further columns of these rows, unless all are read.

    Raises:
        Fallback: a field of the rows needs graphql-core.
    """

    def __init__(self, tree: SelectionTree, selected: Selected, more: tuple[str, ...] = ()) -> None:
        if selected.named is None:
            raise Fallback("a field below it has a resolver")
        self._tree = tree
        self._has_all = selected.columns is None
        self._columns = selected.named if self._has_all else (*selected.named, *more)
        self.inside: dict[Selection, list[Selection]] = {}
        """The relations and row resolvers inside each selection of rows that has any."""

    def compile(self, selection: Selection) -> Complete:
        """Compile the completion of a field's value.

        Raises:
            Fallback: the field cannot be compiled.
        """
        type_: Any = get_nullable_type(selection.definition.type)
        if is_leaf_type(type_):
            leaf = compile_leaf(selection.definition)
            return lambda value, _: leaf(value)
        if not is_list_type(type_):
            complete = self._object(selection)
        elif python_class(selection.type) is Edge:
            complete = self._edges(selection)
        else:
            complete = self.rows(selection)
        if is_non_null_type(selection.definition.type):
            return complete
        return lambda value, inside: None if value is None else complete(value, inside)

    def _compile_rows(self, selection: Selection) -> RowsToObjects:
        objects, inside = compile_rows(self._tree, selection, self._columns)
        if inside:
            self.inside[selection] = inside
        return objects

    def _indexes(self, columns: Sequence[str]) -> Sequence[int] | None:
        """Return where the columns of the fields are among those of a row; None if as expected."""
        if columns == self._columns:
            return None
        if not self._has_all or not set(self._columns) <= set(columns):
            raise Fallback(NOT_ROWS)
        return [columns.index(name) for name in self._columns] or [0]  # as `compile_rows` has it

    def rows(self, selection: Selection) -> Complete:
        """Compile the completion of rows, to a list of objects."""
        objects = self._compile_rows(selection)

        def complete(value: Any, inside: ValuesInside) -> list[dict[str, Any]]:
            if not isinstance(value, Rows):
                raise Fallback(NOT_ROWS)
            rows, indexes = value.written, self._indexes(value.columns)
            if indexes is not None:
                rows = [[row[index] for index in indexes] for row in rows]
            completed = objects(rows, *inside.get(selection, ()))
            if len(completed) != len(value):
                raise Fallback(WRONG_VALUE)
            return Items(completed)

        return complete

    def _object(self, selection: Selection) -> Complete:
        """Compile an object: a row, or an instance of the type's class."""
        row: Complete | None = None
        attributes: Complete | None = None
        with suppress(Fallback):
            row = self._row(selection)
        try:
            attributes = self._attributes(selection)
        except Fallback:
            if row is None:
                raise
        class_ = python_class(selection.type)

        def complete(value: Any, inside: ValuesInside) -> dict[str, Any]:
            completed: dict[str, Any]
            if row is not None and isinstance(value, tuple) and hasattr(value, "_fields"):
                completed = row(value, inside)
            elif attributes is not None and type(value) is class_:
                completed = attributes(value, inside)
            else:
                raise Fallback(NOT_ROWS)
            return completed

        return complete

    def _row(self, selection: Selection) -> Complete:
        objects = self._compile_rows(selection)

        def complete(value: Any, inside: ValuesInside) -> dict[str, Any]:
            indexes = self._indexes(value._fields)
            row = value if indexes is None else [value[index] for index in indexes]
            for completed in objects([row], *inside.get(selection, ())):
                return completed
            raise Fallback(WRONG_VALUE)

        return complete

    def _attributes(self, selection: Selection) -> Complete:
        parts: list[tuple[str, str, Complete]] = []
        for key, inner in fields_inside(self._tree, selection).items():
            if inner.name == "__typename":
                parts.append((key, inner.name, lambda *_: selection.type.name))
            else:
                attribute = plain_attribute(inner.definition)
                if attribute is None:
                    raise Fallback(RESOLVER)
                parts.append((key, attribute, self.compile(inner)))
        # `Fallback` is no valid value of any field, so graphql-core reports a missing attribute.
        return lambda value, inside: {
            key: complete(getattr(value, name, Fallback), inside) for key, name, complete in parts
        }

    def _edges(self, selection: Selection) -> Complete:
        """Compile the edges of a page: one comprehension joins cursors and nodes."""
        items: list[str] = []
        nodes: list[Complete] = []
        for key, inner in fields_inside(self._tree, selection).items():
            if inner.name == "node":
                items.append(f"{key!r}: c{len(nodes) + 1}")
                nodes.append(self.rows(inner))
            else:
                value = "c0" if inner.name == "cursor" else repr(selection.type.name)
                items.append(f"{key!r}: {value}")
        targets = "".join(f"c{index}," for index in range(len(nodes) + 1))
        source = f"[{{{', '.join(items)}}} for {targets} in rows if type(c0) is str]"
        objects = evaluate(f"lambda rows: {source}", ())

        def complete(value: Any, inside: ValuesInside) -> list[dict[str, Any]]:
            if not isinstance(value, Edges) or len(value.cursors) != len(value.rows):
                raise Fallback(NOT_ROWS)
            lists = [node(value.rows, inside) for node in nodes]
            completed = objects(list(zip(value.cursors, *lists, strict=True)))
            if len(completed) != len(value.rows):
                raise Fallback(WRONG_VALUE)
            return Items(completed)

        return complete
