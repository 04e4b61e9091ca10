"""Operations as clients write them: values as literals, as variables, or both."""

from collections.abc import Mapping, Sequence
from functools import cache
from json import dumps
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)
from hypothesis import strategies as st

from graph.engine.schema import Schema
from graph.hero.schema import schema as hero_schema

Selection: TypeAlias = Mapping[str, Any]
"""Selected fields, each with its subfields or None; by alias, a `RootField` that has arguments."""


class RootField(NamedTuple):
    """A root field, or one further inside, with its arguments, as JSON, and its selection."""

    name: str
    arguments: Mapping[str, Any]
    selection: Selection


@cache
def parsed(schema: Schema) -> GraphQLSchema:
    """The schema, as graphql-core has it."""
    return build_schema(schema.as_str())


def project(value: Any, selection: Selection | None) -> Any:
    """Reduce a complete answer to a selection, in its order."""
    if isinstance(value, list):
        return [project(each, selection) for each in value]
    if value is None or selection is None:
        return value
    return {name: project(value[name], inner) for name, inner in selection.items()}


class Writer:
    """Writes one operation.

    Args:
        mode: `inline`: no variables; `variables`: one per argument; `mixed`: some at any
            depth.
        draw: decides where variables are in `mixed`.
        schema: the schema.
    """

    def __init__(self, mode: str, draw: st.DrawFn, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._mode = mode
        self._draw = draw
        self._types: list[str] = []
        self.variables: dict[str, Any] = {}

    def operation(self, fields: Sequence[RootField]) -> dict[str, Any]:
        """The JSON of a request for these fields; the keys of its data are `f0`, `f1`, …"""
        roots = self._schema
        is_query = roots.query_type is not None and fields[0].name in roots.query_type.fields
        root = roots.query_type if is_query else roots.mutation_type
        assert root is not None
        body = " ".join(f"f{n}: {self._field(root, field)}" for n, field in enumerate(fields))
        head = f"({', '.join(self._types)})" if self._types else ""
        query = f"{'query' if is_query else 'mutation'}{head} {{ {body} }}"
        return {"query": query, "variables": self.variables}

    def _field(self, of: GraphQLObjectType, field: RootField) -> str:
        definitions = of.fields[field.name].args
        arguments = [
            f"{name}: {self._value(definitions[name].type, value, at_top=True)}"
            for name, value in field.arguments.items()
        ]
        written = f"({', '.join(arguments)})" if arguments else ""
        return f"{field.name}{written} {self._selection(of, field.name, field.selection)}"

    def _selection(self, of: GraphQLObjectType, name: str, selection: Selection | None) -> str:
        if not selection:
            return ""
        type_: Any = get_named_type(of.fields[name].type)
        inner = [
            f"{key}: {self._field(type_, field)}"
            if isinstance(field, RootField)
            else f"{key} {self._selection(type_, key, field)}"
            for key, field in selection.items()
        ]
        return f"{{ {' '.join(inner)} }}"

    def _value(self, type_: GraphQLInputType, value: Any, *, at_top: bool = False) -> str:
        if self._mode == "variables" or (
            self._mode == "mixed" and self._draw(st.sampled_from([at_top, True, False, False]))
        ):
            name = f"v{len(self._types)}"
            self._types.append(f"${name}: {type_}")
            self.variables[name] = value
            return f"${name}"
        if value is None:
            return "null"
        if isinstance(type_, GraphQLNonNull):
            return self._value_inside(type_.of_type, value)
        return self._value_inside(type_, value)

    def _value_inside(self, type_: GraphQLInputType, value: Any) -> str:
        if isinstance(type_, GraphQLList):
            return f"[{', '.join(self._value(type_.of_type, each) for each in value)}]"
        if isinstance(type_, GraphQLInputObjectType):
            types = {name: field.type for name, field in type_.fields.items()}
            inner = [f"{name}: {self._value(types[name], given)}" for name, given in value.items()]
            return f"{{{', '.join(inner)}}}"
        return str(value) if isinstance(type_, GraphQLEnumType) else dumps(value)


@st.composite
def operations(
    draw: st.DrawFn, fields: Sequence[RootField], schema: Schema = hero_schema
) -> dict[str, Any]:
    """Draw the JSON of a request for these fields."""
    mode = draw(st.sampled_from(["variables", "inline", "mixed"]))
    return Writer(mode, draw, parsed(schema)).operation(fields)
