"""GraphiQL's first tabs are valid operations of any schema."""

import json
from typing import Any

from graphql import GraphQLSchema, build_schema, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values

from graph.engine.definitions import core_schema
from graph.explorer.examples import examples
from graph.hero.schema import schema

OTHER = build_schema("""
    type Query { ok: Boolean books: [Book!]! shelves(order: Int!): [Shelf] pages(
        where: Int, orderBy: Sort, first: Int): Pages, book(id: UUID!): Book any: [Either] }
    type Mutation { createBook(input: NewBook!): Book updateBook(id: ID!, input: NewBook!): Book
        deleteAll: Int }
    scalar UUID scalar Date scalar Shape
    enum Sort { UP DOWN }
    type Pages { nodes: [Either!]! pageInfo: Info! }
    type Info { hasNextPage: Boolean! endCursor: String }
    type Book { title: String! shelf: Shelf id: ID! text(lines: Int!): String }
    type Shelf { books: [Book!]! }
    union Either = Book | Shelf
    input NewBook { title: String! printed: Date! shape: Shape tags: [String!] sort: Sort
        shelfId: ID by: NewAuthor! }
    input NewAuthor { name: String! nick: String }
""")


def checked(given: GraphQLSchema) -> list[tuple[list[str], Any]]:
    """Names of the operations, and variables, of each tab; all must be valid."""
    found = []
    for tab in examples(given, "hero-graph"):
        document, variables = parse(tab["query"]), json.loads(tab["variables"])
        assert validate(given, document) == []
        names = [node.name.value for node in document.definitions]  # type: ignore[attr-defined] # (operations)
        for name in names:
            operation = get_operation_ast(document, name)
            assert operation is not None
            coerced = get_variable_values(given, operation.variable_definitions or (), variables)
            assert not isinstance(coerced, list), coerced
        found.append((names, variables))
    return found


def test_examples_of_hero() -> None:
    _, _, _, (names, variables), (changes, _) = checked(core_schema(schema))
    assert changes == ["HeroChanges"]
    assert names == ["CreateHero", "UpdateHero", "DeleteHero"]
    hero = {"name": "Deadpond", "age": 18, "secretName": "Dive Wilson"}
    assert variables["input"] == hero


def test_examples_of_subscriptions() -> None:
    streams = """
        type Query { ok: Boolean }
        type Changes { changes: [Change!]! cursor: String! at(zone: String!): Int }
        type Change { new: Book old: Book before: Change both: Either }
        type Book { title: String! shelf: Shelf }
        type Shelf { books: [Book!]! }
        union Either = Book | Shelf
    """
    changes = "type Subscription { one(id: ID!): Int changes(after: ID): Changes }"
    (found,) = checked(build_schema(streams + changes))
    assert found == (["Changes"], {})
    (tab,) = examples(build_schema(streams + changes), "hero-graph")
    assert tab["query"] == (
        "# It runs until you stop it.\n\nsubscription Changes {\n  changes {\n    changes {\n"
        "      new {\n        title\n      }\n      old {\n        title\n      }\n"
        "      both {\n        __typename\n      }\n    }\n    cursor\n  }\n}\n"
    )
    ticks = "type Query { ok: Boolean } type Subscription { ticks: Int! }"
    (found,) = checked(build_schema(ticks))
    assert found == (["Ticks"], {})


def test_examples_of_another_schema() -> None:
    books, pages, book, (names, variables) = checked(OTHER)
    assert books == (["Books"], {})
    assert pages == (["Pages"], {"first": 10})
    assert book[0] == ["Book"]
    assert names == ["CreateBook", "UpdateBook"]
    assert variables["input"]["by"] == {"name": "Example"}
    assert "shelfId" not in variables["input"]


def test_a_schema_of_no_such_field_has_an_example() -> None:
    assert examples(build_schema("type Query { ok: Boolean }"), "it")[0]["query"]
