"""The operations that a first visit to GraphiQL shows, made from the schema."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    parse,
    print_ast,
)

NUMBER = 18

MAX_LEVELS = 3
"""Levels of objects in the selection of a subscription."""

WIDTH = 40
"""Characters of the longest list of arguments on one line."""

VALUES: Mapping[str, object] = {
    "Base64": "",
    "BigInt": str(NUMBER),
    "Boolean": True,
    "Date": "2024-02-29",
    "DateTime": "2024-02-29T12:00:00Z",
    "Decimal": str(NUMBER),
    "Duration": "PT18H",
    "Float": NUMBER,
    "ID": "1",
    "Int": NUMBER,
    "JSON": {},
    "String": "Example",
    "Time": "12:00:00",
    "UUID": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}
"""By scalar, a value."""

_SUCH_AS = re.compile(r"such as `([^`]+)`")


class Variable(NamedTuple):
    """Variable of an operation, with the argument that takes it."""

    argument: str
    name: str
    value: object


Kind = Callable[[GraphQLField], list[Variable] | None]
"""Returns the variables of an example; None if the root field is of another kind."""


def examples(schema: GraphQLSchema | None, command: str) -> list[dict[str, str]]:
    """Return tabs as GraphiQL takes them: for the first root field of each kind.

    Args:
        schema: the schema; None for a tab that discloses nothing.
        command: name of the command, for a hint.
    """
    hint = f"No rows yet? Make some in a terminal:\n\n  {command} seed --count 1000"
    queries, changes, streams = (
        (schema.query_type, schema.mutation_type, schema.subscription_type)
        if schema
        else (None, None, None)
    )
    tabs = [
        _tab(queries, [_list], f"Ctrl-Enter runs it.\n\n{hint}"),
        _tab(queries, [_page], "The next page: give endCursor as after, below."),
        _tab(queries, [_one]),
        _tab(
            changes,
            [_create, _update, _delete],
            "Ctrl-Enter runs the one the cursor is in.",
        ),
        _tab(streams, [_follow], "It runs until you stop it."),
    ]
    return [tab for tab in tabs if tab] or [{"query": "{\n  __typename\n}\n", "variables": ""}]


def _tab(
    root: GraphQLObjectType | None, kinds: list[Kind], comment: str = ""
) -> dict[str, str] | None:
    """Return a tab with an operation of each kind; None if no root field is of these kinds."""
    texts: list[str] = []
    variables: dict[str, object] = {}
    for kind in kinds:
        for name, field in root.fields.items() if root else ():
            given = kind(field)
            if given is not None:
                texts.append(_operation(name, field, given, KEYWORDS.get(kind, "query")))
                variables |= {each.name: each.value for each in given}
                break
    if not texts:
        return None
    query = "\n".join([*([_comment(comment)] if comment else []), *texts])
    return {"query": query, "variables": json.dumps(variables, indent=2)}


def _operation(name: str, field: GraphQLField, given: list[Variable], keyword: str) -> str:
    declared = [f"${each.name}: {field.args[each.argument].type}" for each in given]
    passed = [f"{each.argument}: ${each.name}" for each in given]
    title = f"{name[0].upper()}{name[1:]}"
    selected = _deep_selection(field) if keyword == "subscription" else _selection(field)
    selection = print_ast(parse(selected)).replace("\n", "\n  ") if selected else ""
    return (
        f"{_comment(field.description or '')}"
        f"{keyword} {title}{_in_brackets(declared, '')} {{\n"
        f"  {name}{_in_brackets(passed, '  ')} {selection}".rstrip()
        + "\n}\n"
    )


def _in_brackets(items: list[str], indent: str) -> str:
    line = f"({', '.join(items)})" if items else ""
    if len(line) <= WIDTH:
        return line
    return "".join(["(", *(f"\n{indent}  {item}" for item in items), f"\n{indent})"])


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def _selection(field: GraphQLField) -> str:
    type_: Any = get_named_type(field.type)
    if _is_page(type_):
        total = "totalCount " if "totalCount" in type_.fields else ""
        nodes = _selection(type_.fields["nodes"])
        return f"{{ {total}nodes {nodes} pageInfo {{ hasNextPage endCursor }} }}"
    leaves = [
        name
        for name, each in getattr(type_, "fields", {}).items()  # a union has none
        if is_leaf_type(get_named_type(each.type)) and _runs_without_arguments(each)
    ]
    leaves.sort(key=lambda name: name != "id")
    return f"{{ {' '.join(leaves) or '__typename'} }}"


def _deep_selection(field: GraphQLField, above: tuple[Any, ...] = ()) -> str:
    """Select all fields without arguments, to the depth of `MAX_LEVELS`; empty for a scalar."""
    type_: Any = get_named_type(field.type)
    if is_leaf_type(type_) or len(above) >= MAX_LEVELS or type_ in above:
        return ""
    selected = [
        f"{name} {inside}" if inside else name
        for name, each in getattr(type_, "fields", {}).items()  # a union has none
        if _runs_without_arguments(each)
        and (
            (inside := _deep_selection(each, (*above, type_)))
            or is_leaf_type(get_named_type(each.type))
        )
    ]
    return f"{{ {' '.join(selected) or '__typename'} }}"


def _runs_without_arguments(field: GraphQLField) -> bool:
    return not any(map(is_required_argument, field.args.values()))


def _is_page(type_: Any) -> bool:
    return isinstance(type_, GraphQLObjectType) and type_.fields.keys() >= {"nodes", "pageInfo"}


def _list(field: GraphQLField) -> list[Variable] | None:
    is_list = isinstance(get_nullable_type(field.type), GraphQLList)
    is_of_objects = isinstance(get_named_type(field.type), GraphQLObjectType)
    if not (is_list and is_of_objects and _runs_without_arguments(field)):
        return None
    return _existing(field, {"offset": 0, "limit": 10})


def _page(field: GraphQLField) -> list[Variable] | None:
    if not (_is_page(get_named_type(field.type)) and _runs_without_arguments(field)):
        return None
    values: dict[str, object] = {"first": 10, "after": None}
    by = _fields(field, "orderBy").get("field")
    sortable = getattr(by and get_named_type(by.type), "values", {})
    for name, each in _fields(field, "where").items():
        comparisons = getattr(get_named_type(each.type), "fields", {})
        if "gte" in comparisons and _value(comparisons["gte"].type, "") is NUMBER:
            values["where"] = {name: {"gte": NUMBER}}
            sortable = sorted(sortable, key=lambda each: each.replace("_", "") != name.upper())
            break
    if sortable:
        values["orderBy"] = [{"field": next(iter(sortable))}]
    return _existing(field, values)


def _one(field: GraphQLField) -> list[Variable] | None:
    if not isinstance(field.type, GraphQLObjectType) or field.args.keys() != {"id"}:
        return None
    return [Variable("id", "id", _value(field.args["id"].type, ""))]


def _create(field: GraphQLField) -> list[Variable] | None:
    if field.args.keys() != {"input"}:
        return None
    return [Variable("input", "input", _object(_fields(field, "input")))]


def _update(field: GraphQLField) -> list[Variable] | None:
    if not {"id", "input"} <= field.args.keys() <= {"id", "input", "expected"}:
        return None
    fields = _fields(field, "input")
    known = _object(fields)
    if not known:
        return None
    name = next((name for name, value in known.items() if value is NUMBER), next(iter(known)))
    former = known[name]
    changed = NUMBER + 1 if former is NUMBER else former
    changes = {**_object(_required(fields)), name: changed}
    variables = [Variable("id", "id", "the id of your row"), Variable("input", "changes", changes)]
    if "expected" in field.args:
        variables.append(Variable("expected", "expected", {name: former}))
    return variables


def _delete(field: GraphQLField) -> list[Variable] | None:
    return [Variable("id", "id", "the id of your row")] if field.args.keys() == {"id"} else None


def _follow(field: GraphQLField) -> list[Variable] | None:
    return [] if _runs_without_arguments(field) else None


KEYWORDS: dict[Kind, str] = {
    _create: "mutation",
    _update: "mutation",
    _delete: "mutation",
    _follow: "subscription",
}
"""Operations that are no queries."""


def _existing(field: GraphQLField, values: dict[str, object]) -> list[Variable]:
    return [Variable(name, name, value) for name, value in values.items() if name in field.args]


def _fields(field: GraphQLField, argument: str) -> Mapping[str, GraphQLInputField]:
    """Return the fields of an argument's input type; none if it has none."""
    type_ = get_named_type(field.args[argument].type) if argument in field.args else None
    return type_.fields if isinstance(type_, GraphQLInputObjectType) else {}


def _object(fields: Mapping[str, GraphQLInputField]) -> dict[str, object]:
    """Return values of all scalars; of ids, which must exist, only where one is required."""
    return {
        name: value
        for name, each in fields.items()
        if is_required_input_field(each) or str(get_named_type(each.type)) != "ID"
        if (value := _value(each.type, each.description or "")) is not None
    }


def _required(fields: Mapping[str, GraphQLInputField]) -> dict[str, GraphQLInputField]:
    return {name: each for name, each in fields.items() if is_required_input_field(each)}


def _value(type_: Any, description: str) -> object:
    """Return a value of this type; None if no value is known."""
    match get_nullable_type(type_):
        case GraphQLList(of_type=item):
            value = _value(item, description)
            return [] if value is None else [value]
        case GraphQLEnumType(values=values):
            return next(iter(values))
        case GraphQLInputObjectType(fields=fields):
            return _object(_required(fields)) or None
        case scalar:
            named = _SUCH_AS.search(description) if scalar.name == "String" else None
            return named[1] if named else VALUES.get(scalar.name)
