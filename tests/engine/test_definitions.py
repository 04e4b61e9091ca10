"""Each non-public part of Strawberry and graphql-core that the code uses works as expected.

When a release of either changes one of these, the test of it fails, and
`graph/engine/definitions.py` is the only file to mend.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import pytest
import strawberry
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)
from strawberry.permission import BasePermission

from graph.engine import definitions
from graph.engine.definitions import (
    InputContext,
    StrawberryAnnotation,
    StrawberryEnumDefinition,
    StrawberryExecutor,
    StrawberryField,
    StrawberryList,
    StrawberryOptional,
)

T = TypeVar("T")


@strawberry.enum
class Size(Enum):
    """An enum."""

    SMALL = "s"


@strawberry.type
class Shelf(Generic[T]):
    """A generic type."""

    books: list[T]


class Synchronous(BasePermission):
    """A synchronous permission."""

    def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        """Allow everybody."""
        return True


class Asynchronous(BasePermission):
    """An asynchronous permission."""

    async def has_permission(self, source: Any, info: Any, **_: Any) -> bool:  # noqa: ARG002 (Strawberry's)
        """Allow everybody."""
        return True


@strawberry.type
class Book:
    """A type with one field of each kind."""

    title: str
    size: Size

    @strawberry.field
    def pages(self, info: strawberry.Info, times: int = 1) -> int:
        """A field with a plain resolver."""
        assert info.field_name
        return times

    @strawberry.field(permission_classes=[Asynchronous, Synchronous])
    def guarded(self, info: strawberry.Info) -> str:
        """A field with permissions, which are one extension."""
        return info.field_name

    @strawberry.field
    def parent(self, parent: strawberry.Parent[Any]) -> str:
        """A field whose resolver has a parameter of another name."""
        return str(parent)


@strawberry.input(one_of=True)
class By:
    """An input of exactly one field."""

    title: strawberry.Maybe[str]
    size: strawberry.Maybe[Size]


class Named:
    """The value of an input with a hook."""

    def __init__(self, name: str) -> None:
        self.name = name


def named(cls: type[Named], value: Mapping[str, Any], _: InputContext) -> Named:
    """The hook of `Named`."""
    return cls(value["name"])


NAME = StrawberryField(
    python_name="name",
    graphql_name="name",
    type_annotation=StrawberryAnnotation(StrawberryOptional(str)),
)
definitions.set_definition(Named, definitions.input_definition(Named, "A name.", [NAME], named))


@strawberry.type
class Query:
    """The root."""

    @strawberry.field(metadata={"kind": "shelf"})
    def shelf(
        self,
        info: strawberry.Info,
        by: By | None = None,
        limit: Annotated[int, strawberry.argument(metadata={"maximum": 3})] = 1,
    ) -> Shelf[Book]:
        """A field with metadata."""
        raise NotImplementedError

    @strawberry.field
    def hello(self, name: Named) -> str:
        """A field with an input with a hook."""
        return name.name

    @strawberry.field
    def seen(self, info: strawberry.Info) -> list[str]:
        """What `definitions` reads from the info of a field."""
        nodes = definitions.raw_info(info).field_nodes
        registry = definitions.scalar_registry(info)
        assert definitions.is_scalar(str, registry)
        assert not definitions.is_scalar(Book, registry)
        return [node.name.value for node in nodes]


SCHEMA = definitions.StrawberrySchema(Query, execution_context_class=StrawberryExecutor)
CORE = definitions.core_schema(SCHEMA)


class CoreInfo:
    """The part of graphql-core's info that arguments need."""

    schema = CORE


def core_type(name: str) -> Any:
    """A type of graphql-core's schema."""
    return CORE.type_map[name]


def test_the_core_schema_executes_and_knows_its_types() -> None:
    assert isinstance(core_type("Book"), GraphQLObjectType)
    assert isinstance(core_type("By"), GraphQLInputObjectType)


def test_fields_lead_to_their_attributes_and_resolvers() -> None:
    fields = core_type("Book").fields
    assert definitions.plain_attribute(fields["title"]) == "title"
    assert definitions.plain_attribute(fields["pages"]) is None
    title, pages, parent = (
        definitions.field_of(fields[name]) for name in ("title", "pages", "parent")
    )
    assert title is not None
    assert pages is not None
    assert parent is not None
    assert not definitions.has_resolver(title)
    assert definitions.has_resolver(pages)
    assert definitions.plain_resolver(pages)
    assert not definitions.plain_resolver(parent)
    assert not definitions.plain_resolver(title)
    assert definitions.takes_self(pages)
    assert not definitions.takes_self(title)
    assert definitions.field_of(core_type("__Type").fields["name"]) is None


def test_a_resolver_of_a_row_takes_it_alone() -> None:
    @strawberry.type
    class Row:
        name: str

        @strawberry.field
        def plain(self) -> str:
            return self.name

        @strawberry.field
        async def later(self) -> str:
            return self.name

        @strawberry.field
        def asks(self, info: strawberry.Info) -> str:
            return str(info)

        @strawberry.field
        def counts(self, times: int = 2) -> str:
            return self.name * times

        @strawberry.field(permission_classes=[Synchronous])
        def guarded(self) -> str:
            return self.name

    schema = definitions.core_schema(definitions.StrawberrySchema(Row))
    assert schema.query_type is not None
    fields = schema.query_type.fields
    found = {name: definitions.row_resolver(field) for name, field in fields.items()}
    plain = found.pop("plain")
    assert plain is not None
    assert plain(Row(name="A")) == "A"
    assert set(found.values()) == {None}


def test_fields_have_a_maximum_of_reads() -> None:
    reads = {name: definitions.max_reads(field) for name, field in core_type("Book").fields.items()}
    assert reads == {"title": 0, "size": 0, "pages": 1, "parent": 0, "guarded": 2}
    assert definitions.max_reads(core_type("__Type").fields["name"]) == 0


def test_types_lead_to_their_classes() -> None:
    assert definitions.python_class(core_type("Book")) is Book
    assert definitions.generic_class(core_type("Book")) is None
    assert definitions.python_class(core_type("BookShelf")) is Shelf
    assert definitions.generic_class(core_type("BookShelf")) is Shelf
    assert definitions.enum_class(core_type("Size")) is Size
    assert isinstance(core_type("Size"), definitions.CustomGraphQLEnumType)
    assert issubclass(definitions.CustomGraphQLEnumType, GraphQLEnumType)


def test_metadata_is_found_from_the_core_schema() -> None:
    shelf = core_type("Query").fields["shelf"]
    assert definitions.argument_metadata(shelf.args["limit"]) == {"maximum": 3}
    assert definitions.argument_metadata(shelf.args["by"]) == {}
    field = definitions.field_of(shelf)
    assert field is not None
    raw: Any = None
    assert definitions.field_metadata(strawberry.Info(raw, field)) == {"kind": "shelf"}


def test_inputs_of_exactly_one_field() -> None:
    asked = "{ __type(name: %r) { isOneOf fields { type { isOneOf } } } }"
    for name, answer in (("By", True), ("Named", False), ("Book", None)):
        result = SCHEMA.execute_sync(asked.replace("%r", f'"{name}"'))
        assert result.errors is None
        assert result.data is not None
        assert result.data["__type"]["isOneOf"] is answer


def test_standard_scalars_are_known_by_identity() -> None:
    assert definitions.standard_scalar(core_type("String")) == "String"
    assert definitions.standard_scalar(core_type("Book")) is None


def test_an_input_with_a_hook_is_made_by_it() -> None:
    result = SCHEMA.execute_sync('{ hello(name: {name: "Ann"}) }')
    assert result.data == {"hello": "Ann"}
    definitions.replace_input_hook(Named, lambda cls, _value, _context: cls("Bob"))
    try:
        result = SCHEMA.execute_sync('{ hello(name: {name: "Ann"}) }')
    finally:
        definitions.replace_input_hook(Named, named)
    assert result.data == {"hello": "Bob"}
    definition = definitions.get_object_definition(Named, strict=True)
    assert definitions.input_hook(definition) is named


def test_the_nodes_of_a_field_are_in_its_info() -> None:
    assert SCHEMA.execute_sync("{ seen seen }").data == {"seen": ["seen", "seen"]}


def test_the_executor_executes_the_nodes_of_a_field() -> None:
    document = parse("{ seen seen shelf { books { title } } }")
    executor: Any = StrawberryExecutor.build(CORE, document)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    nodes = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    root = core_type("Query")
    path = definitions.Path(None, "seen", "Query")
    details = definitions.field_details(nodes[:2])
    assert executor.execute_field(root, None, details, path, None) == ["seen", "seen"]


def test_errors_of_fields_are_collected_by_the_executor() -> None:
    executor: Any = StrawberryExecutor.build(CORE, parse("{ shelf { books { title } } }"))
    assert definitions.collected_errors(executor) == []


def test_arguments_are_converted_as_by_strawberry() -> None:
    pages = definitions.field_of(core_type("Book").fields["pages"])
    assert pages is not None
    raw: Any = CoreInfo()
    info: Any = strawberry.Info(raw, pages)
    args, kwargs = definitions.get_arguments(
        field=pages,
        source=None,
        info=info,
        kwargs={"times": 2},
        config=SCHEMA.config,
        scalar_registry=definitions.scalar_registry(info),
    )
    assert args == [None]
    assert kwargs == {"info": info, "times": 2}
    context = InputContext(info, SCHEMA.config, definitions.scalar_registry(info), ("name",))
    assert context.path == ("name",)
    converted = definitions.convert_argument(
        [2],
        StrawberryList(int),
        definitions.scalar_registry(info),
        SCHEMA.config,
        info,
        path=("times",),
    )
    assert converted == [2]


def test_names_of_fields_are_camel_case() -> None:
    assert definitions.to_camel_case("secret_name") == "secretName"


def test_enums_of_a_field_are_strawberrys() -> None:
    size = definitions.field_of(core_type("Book").fields["size"])
    assert size is not None
    assert isinstance(size.type, StrawberryEnumDefinition)


def test_the_parser_stops_at_its_maximum_of_tokens() -> None:
    with pytest.raises(GraphQLSyntaxError) as raised:
        parse("{ a b }", max_tokens=3)
    assert definitions.exceeds_tokens(raised.value, 3)
    assert not definitions.exceeds_tokens(raised.value, 4)
    assert parse("{ a #\n b }", max_tokens=5).token_count == 5


def test_overlapping_fields_have_an_upper_bound() -> None:
    document = parse(f"{{ {'seen ' * 30} }}")
    errors = validate(CORE, document, [definitions.overlapping_fields_rule(10)])
    assert [error.message for error in errors] == ["Validation aborted."]
    assert validate(CORE, document, [definitions.overlapping_fields_rule(100_000)]) == []


def test_a_field_can_be_added_to_a_type() -> None:
    @strawberry.type
    class Query:
        one: int = 1

    def two() -> int:
        return 2

    added: Any = strawberry.field(resolver=two)
    definitions.add_field(Query, "number_two", added)
    schema = definitions.StrawberrySchema(Query)
    assert schema.execute_sync("{ one numberTwo }", root_value=Query()).data == {
        "one": 1,
        "numberTwo": 2,
    }
