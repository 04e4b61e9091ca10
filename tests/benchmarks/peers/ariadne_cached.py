"""Ariadne over `sqlite3`, with parsing and validation cached by the text of the query."""

import os
import sqlite3
from functools import lru_cache
from typing import Any

from ariadne import MutationType, QueryType, make_executable_schema
from ariadne.asgi import GraphQL
from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, validate

type_defs = """
    type Hero { id: ID!  name: String!  age: Int  secretName: String! }
    type Query {
        heroes(
            offset: Int! = 0, limit: Int! = 100, where: HeroFilter, orderBy: [HeroOrder!]
        ): [Hero!]!
        heroesConnection(first: Int! = 100, after: String): HeroConnection!
        hero(id: ID!): Hero
    }
    input CreateHeroInput { name: String!  secretName: String!  age: Int }
    input UpdateHeroInput { name: String  secretName: String  age: Int }
    type Mutation {
        createHero(input: CreateHeroInput!): Hero!
        updateHero(id: ID!, input: UpdateHeroInput!): Hero!
    }
    input IntFilter { gte: Int! }
    input HeroFilter { age: IntFilter! }
    enum HeroOrderField { AGE }
    input HeroOrder { field: HeroOrderField! }
    type PageInfo { hasNextPage: Boolean!  endCursor: String }
    type HeroConnection { nodes: [Hero!]!  pageInfo: PageInfo! }
"""

COLUMNS = "id, name, age, secret_name AS secretName"

db = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:///"), check_same_thread=False)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.row_factory = lambda cursor, row: {
    column[0]: value for column, value in zip(cursor.description, row, strict=True)
}

query = QueryType()
mutation = MutationType()


@query.field("heroes")
def resolve_heroes(
    _obj: object,
    _info: object,
    *,
    offset: int,
    limit: int,
    where: Any = None,
    orderBy: Any = None,  # noqa: N803 - the API's name
) -> list[Any]:
    """Read a page of heroes."""
    condition = "WHERE age >= :age" if where else ""
    order = "age, id" if orderBy else "id"
    statement = f"SELECT {COLUMNS} FROM hero {condition} ORDER BY {order} LIMIT :limit OFFSET :from"  # noqa: S608 - constants
    values = {"age": where and where["age"]["gte"], "limit": limit, "from": offset}
    return db.execute(statement, values).fetchall()


@query.field("heroesConnection")
def resolve_heroes_connection(
    _obj: object, _info: object, *, first: int, after: str | None = None
) -> dict[str, Any]:
    """Read a page of heroes by cursor, which is the id of the last one."""
    statement = f"SELECT {COLUMNS} FROM hero WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - a constant
    found = db.execute(statement, (int(after or 0), first + 1)).fetchall()
    nodes = found[:first]
    end = str(nodes[-1]["id"]) if nodes else None
    return {"nodes": nodes, "pageInfo": {"hasNextPage": len(found) > first, "endCursor": end}}


@query.field("hero")
def resolve_hero(_obj: object, _info: object, *, id: str) -> Any:  # noqa: A002 - the API's name
    """Read one hero."""
    return db.execute(f"SELECT {COLUMNS} FROM hero WHERE id = ?", (id,)).fetchone()  # noqa: S608 - a constant


@mutation.field("createHero")
def resolve_create_hero(_obj: object, _info: object, *, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the API's name
    """Store a hero."""
    hero = {"age": None, **input}
    with db:
        statement = "INSERT INTO hero (name, age, secret_name) VALUES (:name, :age, :secretName)"
        return {"id": db.execute(statement, hero).lastrowid, **hero}


@mutation.field("updateHero")
def resolve_update_hero(_obj: object, _info: object, *, id: str, input: dict[str, Any]) -> Any:  # noqa: A002 - the API's names
    """Change a hero."""
    names = {"secretName": "secret_name"}
    changes = ", ".join(f"{names.get(name, name)} = :{name}" for name in input)
    with db:
        statement = f"UPDATE hero SET {changes} WHERE id = :id RETURNING {COLUMNS}"  # noqa: S608 - names of the schema
        return db.execute(statement, {**input, "id": id}).fetchone()


schema = make_executable_schema(type_defs, query, mutation)


@lru_cache(maxsize=1000)
def parse_text(text: str) -> DocumentNode:
    """Parse each text once."""
    return parse(text)


@lru_cache(maxsize=1000)
def validate_text(text: str) -> list[GraphQLError]:
    """Validate each text once."""
    return validate(schema, parse_text(text))


def parse_query(_context: object, data: dict[str, Any]) -> DocumentNode:
    """Take the document from the cache."""
    return parse_text(data["query"])


def validate_query(
    schema: GraphQLSchema,  # noqa: ARG001 - the arguments that Ariadne wants it to have
    document_ast: DocumentNode,
    rules: object = None,  # noqa: ARG001
    max_errors: int | None = None,  # noqa: ARG001
    type_info: object = None,  # noqa: ARG001
) -> list[GraphQLError]:
    """Take the outcome from the cache."""
    assert document_ast.loc is not None
    return validate_text(document_ast.loc.source.body)


app = GraphQL(schema, query_parser=parse_query, query_validator=validate_query)
