"""Compiled completion: turns a resolver's value into the part of the answer that is selected."""

from collections.abc import Callable
from typing import Any, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution import Executor

from graph.database.statement import Rows
from graph.engine._compiled.fallback import Fallback
from graph.engine._compiled.results import compile_leaf, compile_rows, evaluate, subfields
from graph.engine.connection import Edge, Edges
from graph.engine.definitions import FieldDetailsList, plain_attribute, python_class
from graph.engine.encoding import Items

Complete: TypeAlias = Callable[[Any], Any]
"""Completes a value. Raises `Fallback` if graphql-core has to complete it."""


class ValueCompiler:
    """Compiles the fields of one operation.

    Args:
        executor: graphql-core's executor of the operation.
        columns: the columns of the rows that the resolver returns.
    """

    def __init__(self, executor: Executor[Any], columns: tuple[str, ...]) -> None:
        self._executor = executor
        self._columns = columns

    def compile(self, field: GraphQLField, details: FieldDetailsList) -> Complete:
        """Compile the completion of a field's value.

        Raises:
            Fallback: the field cannot be compiled.
        """
        type_: Any = get_nullable_type(field.type)
        if is_leaf_type(type_):
            return compile_leaf(field)
        if not is_list_type(type_):
            complete = self._object(type_, field, details)
        elif python_class(get_named_type(type_)) is Edge:
            complete = self._edges(field, details)
        else:
            complete = self._rows(field, details)
        if is_non_null_type(field.type):
            return complete
        return lambda value: None if value is None else complete(value)

    def _rows(self, field: GraphQLField, details: FieldDetailsList) -> Complete:
        columns = self._columns
        objects = compile_rows(self._executor, field, details, columns)

        def complete(value: Any) -> list[dict[str, Any]]:
            if not isinstance(value, Rows) or value.columns != columns:
                raise Fallback
            completed = objects(value.tuples)
            if len(completed) != len(value.tuples):
                raise Fallback
            return Items(completed)

        return complete

    def _object(
        self, type_: GraphQLObjectType, field: GraphQLField, details: FieldDetailsList
    ) -> Complete:
        """Compile an object: a row, or an instance of the type's class."""
        try:
            row: Complete | None = self._row(field, details)
        except Fallback:
            row = None
        try:
            attributes: Complete | None = self._attributes(type_, details)
        except Fallback:
            attributes = None
        if row is None and attributes is None:
            raise Fallback
        columns, class_ = self._columns, python_class(type_)

        def complete(value: Any) -> dict[str, Any]:
            completed: dict[str, Any]
            if row is not None and getattr(value, "_fields", None) == columns:
                completed = row(value)
            elif attributes is not None and type(value) is class_:
                completed = attributes(value)
            else:
                raise Fallback
            return completed

        return complete

    def _row(self, field: GraphQLField, details: FieldDetailsList) -> Complete:
        objects = compile_rows(self._executor, field, details, self._columns)

        def complete(value: Any) -> dict[str, Any]:
            for completed in objects([value]):
                return completed
            raise Fallback

        return complete

    def _attributes(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Complete:
        parts: list[tuple[str, str, Complete]] = []
        for key, name, inner in self._selected(type_, details):
            if name == "__typename":
                parts.append((key, name, lambda _: type_.name))
            else:
                field = type_.fields[name]
                parts.append((key, _attribute(field), self.compile(field, inner)))
        # `Fallback` is no valid value of any field, so graphql-core reports a missing attribute.
        return lambda value: {
            key: complete(getattr(value, name, Fallback)) for key, name, complete in parts
        }

    def _edges(self, field: GraphQLField, details: FieldDetailsList) -> Complete:
        """Compile the edges of a page: one comprehension joins cursors and nodes."""
        type_ = get_named_type(field.type)
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101 (for the type checker)
        items: list[str] = []
        nodes: list[Complete] = []
        for key, name, inner in self._selected(type_, details):
            if name == "node":
                items.append(f"{key!r}: c{len(nodes) + 1}")
                nodes.append(self._rows(type_.fields[name], inner))
            else:
                items.append(f"{key!r}: {'c0' if name == 'cursor' else repr(type_.name)}")
        targets = "".join(f"c{index}," for index in range(len(nodes) + 1))
        source = f"[{{{', '.join(items)}}} for {targets} in rows if type(c0) is str]"
        objects = evaluate(f"lambda rows: {source}", ())

        def complete(value: Any) -> list[dict[str, Any]]:
            if not isinstance(value, Edges) or len(value.cursors) != len(value.rows):
                raise Fallback
            lists = [node(value.rows) for node in nodes]
            completed = objects(list(zip(value.cursors, *lists, strict=True)))
            if len(completed) != len(value.rows):
                raise Fallback
            return Items(completed)

        return complete

    def _selected(
        self, type_: GraphQLNamedType, details: FieldDetailsList
    ) -> list[tuple[str, str, FieldDetailsList]]:
        """Return the response key, field name and nodes of each field selected on an object."""
        return [
            (key, inner[0].node.name.value, inner)
            for key, inner in subfields(self._executor, type_, details).items()
        ]


def _attribute(field: GraphQLField) -> str:
    """Return the attribute that a field reads.

    Raises:
        Fallback: the field has a resolver.
    """
    name = plain_attribute(field)
    if name is None:
        raise Fallback
    return name
